"""Compare datapoints with what a receiver has. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf, isnan

from reportupdater.model import Datapoint
from reportupdater.sinks.base import Stored

MOST_SHOWN = 20
"""Of the wrong points, and of the extra ones."""


@dataclass(slots=True)
class Comparison:
    """Counts of datapoints, and the first of those that are not as they should be, as lines."""

    equal: int = 0
    missing: int = 0
    different: int = 0
    extra: int = 0
    """Between the first and the last date of a series key's datapoints, or where one was emptied."""
    emptied: int = 0
    """Emptied, and shown as that."""
    too_old: int = 0
    """Before the time that the receiver keeps point by point."""
    never_sent: int = 0
    """Not there, and older than what is sent."""
    wrong_lines: list[str] = field(default_factory=list)
    extra_lines: list[str] = field(default_factory=list)

    def take(
        self,
        key: str,
        wanted: Sequence[Datapoint],
        stored: Stored | None,
        *,
        emptied: Collection[int] = (),
        sent_since: float = -inf,
    ) -> list[Datapoint]:
        """Compare the datapoints of a series key; return those that are not there as they should be.

        Receivers keep floats of 64 bits, so a point is right that has the one next to its value. At
        the moments that are `emptied` nothing should be; what is older than `sent_since` need not be
        there.
        """
        stored = Stored(-inf, 1, {}) if stored is None else stored
        wrong = []
        places = {point.timestamp - point.timestamp % stored.step for point in wanted}
        for point in wanted:
            if point.timestamp < stored.since:
                self.too_old += 1
                continue
            found = stored.values.get(point.timestamp - point.timestamp % stored.step)
            if found == float(point.value):
                self.equal += 1
                continue
            if found is None and point.timestamp < sent_since:
                self.never_sent += 1
                continue
            wrong.append(point)
            is_missing = found is None or isnan(found)
            self.missing += is_missing
            self.different += not is_missing
            found_text = "nothing" if is_missing else repr(found)
            self._show(self.wrong_lines, key, point.timestamp, point.value, found_text)
        self._look_beside(key, places, stored, emptied)
        return wrong

    def _look_beside(
        self, key: str, places: set[int], stored: Stored, emptied: Collection[int]
    ) -> None:
        """Count what is there beside the datapoints."""
        for at, value in sorted(stored.values.items()):
            if at in places:
                continue
            if isnan(value):
                self.emptied += 1
            elif at in emptied or (places and min(places) < at < max(places)):
                self.extra += 1
                self._show(self.extra_lines, key, at, "nothing", repr(value))

    @property
    def lines(self) -> list[str]:
        """All of it as text, the counts last."""
        wrong = self.missing + self.different
        lines = [f"wrong: {line}" for line in self.wrong_lines]
        if wrong > len(self.wrong_lines):
            lines.append(f"wrong: and {wrong - len(self.wrong_lines):,} more")
        lines += [f"extra: {line}" for line in self.extra_lines]
        if self.extra > len(self.extra_lines):
            lines.append(f"extra: and {self.extra - len(self.extra_lines):,} more")
        counts = f"{self.equal:,} equal, {self.missing:,} missing, {self.different:,} different,"
        counts += f" {self.extra:,} extra"
        if self.emptied:
            counts += f", {self.emptied:,} emptied"
        if self.never_sent:
            counts += f", {self.never_sent:,} older than `max_age` and not there"
        if self.too_old:
            counts += f", {self.too_old:,} not comparable: older than what is kept as it is"
        return [*lines, counts]

    @staticmethod
    def _show(lines: list[str], path: str, at: int, wanted: str, found: str) -> None:
        if len(lines) < MOST_SHOWN:
            date = datetime.fromtimestamp(at, UTC).isoformat()[:16].removesuffix("T00:00")
            lines.append(f"{path} {date}: wanted {wanted}, found {found}")
