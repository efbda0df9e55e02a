"""Compare datapoints with what a receiver has. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

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
    """Between the first and the last date of a series key's datapoints."""
    too_old: int = 0
    """Before the time that the receiver keeps point by point."""
    wrong_lines: list[str] = field(default_factory=list)
    extra_lines: list[str] = field(default_factory=list)

    def take(self, wanted: Sequence[Datapoint], stored: Stored | None) -> list[Datapoint]:
        """Compare the datapoints of one series key, at least one; return those that are not there.

        Receivers keep floats of 64 bits, so a point is right that has the one next to its value.
        """
        if stored is None:
            self.missing += len(wanted)
            for point in wanted[:MOST_SHOWN]:
                self._show(self.wrong_lines, point.key, point.timestamp, point.value, "nothing")
            return list(wanted)
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
            wrong.append(point)
            self.missing += found is None
            self.different += found is not None
            found_text = "nothing" if found is None else repr(found)
            self._show(self.wrong_lines, point.key, point.timestamp, point.value, found_text)
        for at in sorted(stored.values.keys() - places):
            if min(places) < at < max(places):
                self.extra += 1
                found_text = repr(stored.values[at])
                self._show(self.extra_lines, wanted[0].key, at, "nothing", found_text)
        return wrong

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
        if self.too_old:
            counts += f", {self.too_old:,} not comparable: older than what is kept as it is"
        return [*lines, counts]

    @staticmethod
    def _show(lines: list[str], path: str, at: int, wanted: str, found: str) -> None:
        if len(lines) < MOST_SHOWN:
            date = datetime.fromtimestamp(at, UTC).isoformat()[:16].removesuffix("T00:00")
            lines.append(f"{path} {date}: wanted {wanted}, found {found}")
