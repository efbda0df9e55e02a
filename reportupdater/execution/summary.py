"""What a run says about itself at its end."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reportupdater.terminal import wording

log = logging.getLogger(__name__)

_CURE = "once that is fixed, `reportupdater resend` sends them"
_MOST_REMARKS = 50
_MOST_WARNINGS = 50  # odd values of a column could be thousands
_OWN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8,}(?:_[0-9]+)*|(?<=row )[0-9,]+"
"""What differs from interval to interval in messages that are otherwise equal."""


@dataclass(slots=True)
class _Line:
    message: str
    example: str
    count: int = 0


@dataclass(slots=True)
class Tally:
    """Equal messages counted: one line each, with the first thing it was said of.

    Messages that differ in dates and numbers of rows alone count as equal; the one with the first
    example in alphabetical order is shown, so that it does not depend on what ended first.
    """

    _lines: dict[tuple[str, str], _Line] = field(default_factory=dict)

    def add(
        self, about: str, message: str, example: str = "", count: int = 1, *, kind: str = ""
    ) -> bool:
        """Count a message about a report. Whether it is the first of its kind.

        Messages of one `kind` count as equal, whatever they say.
        """
        key = about, kind or re.sub(_OWN, "", message)
        is_first = key not in self._lines
        line = self._lines.setdefault(key, _Line(message, example))
        if example < line.example:  # whatever came first: the oldest of the first series is shown
            line.message, line.example = message, example
        line.count += count
        return is_first

    def __len__(self) -> int:
        return sum(line.count for line in self._lines.values())

    def of(self, about: str) -> Tally:
        """The messages about one report."""
        return Tally({key: line for key, line in self._lines.items() if key[0] == about})

    def lines(self, contacts: Mapping[str, str] = {}) -> Iterator[str]:
        """Each message; it ends with the contact of its report, where that is known."""
        for (about, _), line in self._lines.items():
            of = line.example or about
            if line.count > 1:
                first = f", the first is {line.example}" if line.example else ""
                of = f"{line.count} of {about}{first}"
            contact = contacts.get(about)
            yield f"{of}: {line.message}" + (f" [{contact}]" if contact else "")

    def __iter__(self) -> Iterator[str]:
        return self.lines()


@dataclass(slots=True)
class Summary:
    """Counts of tasks, and what went wrong.

    `troubles` are what is wrong apart from single tasks: a damaged TSV, an invalid report.
    """

    contacts: Mapping[str, str] = field(default_factory=dict)
    """Report → its contact."""
    done: int = 0
    empty: int = 0
    counts: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """The same by report, and whether they were empty."""
    failed: Tally = field(default_factory=Tally)
    skipped: Tally = field(default_factory=Tally)
    troubles: Tally = field(default_factory=Tally)
    configuration: Sequence[str] = ()
    """The errors in it, which are reported when it is read."""
    enqueued: int = 0
    """Datapoints made again from stored rows."""
    waiting: int = 0
    """Datapoints that the run was allowed to send and that are still pending."""
    waiting_why: str = ""
    not_sent: Tally = field(default_factory=Tally)
    """Values that cannot be datapoints, which is no failure."""
    warnings: Tally = field(default_factory=Tally)
    """What needs attention, though the run did its work."""
    remarks: Tally = field(default_factory=Tally)
    """What servers warned of that needs none."""
    _warned: set[Hashable] = field(default_factory=set)
    interrupted: bool = False
    """Whether the run ended before its work."""

    def count(self, report: str, *, empty: bool) -> None:
        """Count a result of a report."""
        self.counts[report, empty] += 1
        if empty:
            self.empty += 1
        else:
            self.done += 1

    @property
    def invalid(self) -> int:
        """How many errors there are in the configuration."""
        return len(self.configuration)

    @property
    def is_good(self) -> bool:
        """Whether nothing needs anybody's attention."""
        return not (self.failed or self.troubles or self.invalid or self.waiting)

    def note_datapoints(
        self,
        report: str,
        *,
        problems: Iterable[str],
        warnings: Mapping[Hashable, str],
        nameless: int,
        no_numbers: int,
    ) -> None:
        """Take in what was odd about the datapoints of a table."""
        for problem in problems:
            self.troubles.add(report, f"datapoints were not sent: {problem}; {_CURE}")
        for about, warning in warnings.items():
            if about not in self._warned and len(self._warned) < _MOST_WARNINGS:
                self._warned.add(about)
                log.warning("%s", warning)
        if nameless:
            what = "rows lack a value that their metric path needs"
            self.not_sent.add(report, what, count=nameless)
        if no_numbers:
            self.not_sent.add(report, "values that are no finite numbers", count=no_numbers)

    def lines(self, title: str) -> list[str]:
        """The summary as text, the counts first."""
        return [line for line, _ in self._lines(title)]

    def _lines(self, title: str) -> Iterator[tuple[str, bool]]:
        """Each line of the text, and whether it is a warning."""
        counts = f"{self.done} done, {self.empty} empty, {len(self.failed)} failed"
        if self.troubles:
            counts += f", {len(self.troubles)} wrong"
        if self.invalid:
            counts += f", {wording.count(self.invalid, 'error')} in the configuration"
        if self.interrupted:
            counts = f"interrupted, {counts}"
        elif not (self.done or self.empty) and self.is_good and not self.skipped:
            counts = "nothing is due"
        if self.enqueued:
            counts = f"{wording.count(self.enqueued, 'datapoint')} made again"
        yield f"{title}: {counts}", False
        for word, tally in (
            ("failed", self.failed),
            ("wrong", self.troubles),
            ("warning", self.warnings),
            ("skipped", self.skipped),
            ("not sent", self.not_sent),
        ):
            for line in tally.lines(self.contacts):
                yield f"  {word}: {line}", tally is self.warnings
        if self.waiting:
            waiting = wording.count(self.waiting, "datapoint")
            yield f"  waiting: {waiting}: {self.waiting_why}", False

    def log(self, title: str) -> None:
        """Log the summary: a good run's at info, but for its warnings; a bad one's at error."""
        level = logging.INFO if self.is_good else logging.ERROR
        for line, is_warning in self._lines(title):
            if is_warning and self.is_good:
                # Where the line with the title is not shown, this one names the run.
                alone = not log.isEnabledFor(level)
                log.warning("%s", f"{title}: {line.strip()}" if alone else line)
            else:
                log.log(level, "%s", line)
        remarks = list(self.remarks.lines(self.contacts))
        for line in remarks[:_MOST_REMARKS]:
            log.info("  the server warned: %s", line)
        if remarks[_MOST_REMARKS:]:
            log.info("  the server warned: %d lines more", len(remarks) - _MOST_REMARKS)

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values, for the history, status.json and `on_failure`."""
        return {
            "done": self.done,
            "empty": self.empty,
            "failed": len(self.failed),
            "errors_in_configuration": self.invalid,
            "configuration": list(self.configuration),
            "failures": list(self.failed.lines(self.contacts)),
            "troubles": list(self.troubles.lines(self.contacts)),
            "warnings": list(self.warnings.lines(self.contacts)),
            "skipped": list(self.skipped.lines(self.contacts)),
            "not_sent": list(self.not_sent.lines(self.contacts)),
            "datapoints_waiting": self.waiting,
        }
