"""What a run counts while it is in progress; `result()` makes a frozen value of it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reportupdater.execution.result import Messages, ReportResult, RunResult, SeriesResult

_MOST_LINES = 100
"""Lines of one kind of message; it says how many more there are."""
_FIGURE = (  # compiled when it is first used: most runs have no messages
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{8,}(?:_[0-9]+)*"  # the id of a job
    r"|(?<=\.tsv:)[0-9]+"
    r"|(?<![\w.:/-])[0-9][0-9,]*(?:\.[0-9]+)?(?!\w|\.[0-9])"  # no port, no part of a name
)
"""What differs from interval to interval in messages that are otherwise equal: a date, a number."""


class _Line:
    __slots__ = ("about", "count", "essence", "example", "message")

    def __init__(self, about: str, message: str, example: str, essence: str) -> None:
        self.about = about
        self.essence = essence
        self.message = message
        self.example = example
        self.count = 0


class SeriesCounts:
    """How many tasks of a series were done, gave no rows, or failed."""

    __slots__ = ("done", "empty", "failed")

    def __init__(self, done: int = 0, empty: int = 0, failed: int = 0) -> None:
        self.done = done
        self.empty = empty
        self.failed = failed


class Tally:
    """Equal messages counted: one line each, with the first thing it was said of.

    The one with the first example in alphabetical order is shown, so that it does not depend on
    what ended first.
    """

    __slots__ = ("_known", "_lines")

    def __init__(self, lines: Iterable[_Line] = ()) -> None:
        self._lines = list(lines)
        # (what it is about, a message without what makes no difference) → its line
        self._known: dict[tuple[str, str], _Line] = {}

    def add(
        self,
        about: str,
        message: str,
        example: str = "",
        count: int = 1,
        *,
        kind: str = "",
        values: Iterable[str] = (),
        essence: str = "",
    ) -> bool:
        """Count a message about a report. Whether it is the first of its kind.

        Messages of one `kind` count as equal, whatever they say; without one, those that are equal
        but for figures and for the `values` of their series' dimensions. The `essence` is what is
        wrong, where the message says more: it is compared with what was wrong before.
        """
        keys = [(about, text) for text in ([kind] if kind else _general(message, values))]
        line = next((self._known[key] for key in keys if key in self._known), None)
        is_first = line is None
        if line is None:
            line = _Line(about, message, example, essence or kind or message)
            self._lines.append(line)
        for key in keys:
            self._known.setdefault(key, line)
        if example < line.example:  # whatever came first: the oldest of the first series is shown
            line.message, line.example = message, example
        line.count += count
        return is_first

    def __len__(self) -> int:
        return sum(line.count for line in self._lines)

    def of(self, about: str) -> Tally:
        """Return the messages about one report."""
        return Tally(line for line in self._lines if line.about == about)

    def lines(self, contacts: Mapping[str, str] = {}) -> Iterator[str]:
        """Yield each message; its first line ends with the contact of its report, if that is known."""
        for line in self._lines:
            about = line.about
            of = line.example or about
            if line.count > 1:
                first = f", the first is {line.example}" if line.example else ""
                of = f"{line.count} of {about}{first}"
            contact = contacts.get(about)
            first, newline, rest = line.message.partition("\n")  # what follows is a traceback
            yield f"{of}: {first}" + (f" [{contact}]" if contact else "") + newline + rest

    def messages(self, contacts: Mapping[str, str]) -> Messages:
        """Return the messages as a value of bounded length."""
        lines = list(self.lines(contacts))
        more = len(lines) - _MOST_LINES
        if more > 0:
            lines[_MOST_LINES:] = [f"and {more:,} more lines like these"]
        return Messages(len(self), tuple(lines))

    def essence(self) -> Iterator[str]:
        """Yield what is wrong, each thing with what it is about, without figures."""
        for line in self._lines:
            first = line.essence.partition("\n")[0]
            yield f"{line.about}: {without_figures(first)}"

    @property
    def reports(self) -> Iterator[str]:
        """The reports that have messages."""
        return (line.about for line in self._lines)

    def __iter__(self) -> Iterator[str]:
        return self.lines()


def without_figures(text: str) -> str:
    """Return a text without what differs from time to time: dates and numbers."""
    return re.sub(_FIGURE, "", text)


def _general(message: str, values: Iterable[str]) -> list[str]:
    """Return a message without figures, and also without the values of a series.

    Messages are equal if one of the two is: a value may be a word that is in all of them.
    """
    general = without_figures(message)
    for value in values:
        message = re.sub(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", "", message)
    return [general, without_figures(message)]


class Summary:
    """Counts of tasks, and what went wrong: filled while a run is in progress.

    `troubles` are what is wrong apart from single tasks: a damaged TSV, an invalid report.
    """

    def __init__(self) -> None:
        self.contacts: Mapping[str, str] = {}
        """Report → its contact."""
        self.destinations: Sequence[str] = ()
        """The receivers that the configuration names."""
        self.series: dict[tuple[str, str], SeriesCounts] = {}
        """(report, TSV) → the counts of its tasks."""
        self.failed = Tally()
        self.held = Tally()
        """Results that this run holds, because they failed a check."""
        self.open_held = 0
        """Results that are held, also those of earlier runs."""
        self.skipped = Tally()
        self.not_ready = Tally()
        """Intervals whose data are not complete, which is no failure."""
        self.troubles = Tally()
        self.configuration: Sequence[str] = ()
        """The errors in it, which are reported when it is read."""
        self.enqueued = 0
        """Datapoints made again from stored rows."""
        self.waiting = 0
        """Datapoints that the run was allowed to send and that are still pending."""
        self.waiting_why = ""
        self.not_sent = Tally()
        """Values that cannot be datapoints, which is no failure."""
        self.warnings = Tally()
        """What needs attention, though the run did its work."""
        self.remarks = Tally()
        """What servers warned of that needs none."""
        self.warned_of: set[Hashable] = set()
        """Odd values of columns that have been logged."""

    def essence(self) -> frozenset[str]:
        """Return what is wrong, in words that stay the same as long as it is."""
        found = {*self.failed.essence(), *self.troubles.essence()}
        found.update(map(without_figures, self.configuration))
        if self.waiting:
            found |= {"datapoints wait"}
        if self.open_held:
            found |= {f"held: {self.open_held}"}
        return frozenset(found)

    def of(self, report: str, tsv: str) -> SeriesCounts:
        """Return the counts of a series, to be counted up."""
        return self.series.setdefault((report, tsv), SeriesCounts())

    def counts(self, report: str) -> SeriesCounts:
        """Return the counts of all series of a report together."""
        return _total(counts for (name, _), counts in self.series.items() if name == report)

    def result(self, config_path: Path, output: Path, *, stopped: int | None = None) -> RunResult:
        """Return what has happened until now as a value; `stopped` is the exit code of a signal."""
        names = dict.fromkeys(
            [
                *(report for report, _ in self.series),
                *self.failed.reports,
                *self.troubles.reports,
                *self.held.reports,
                *self.skipped.reports,
            ]
        )
        return RunResult(
            config_path=config_path,
            output=output,
            reports=tuple(self._of_report(name) for name in names),
            configuration=tuple(self.configuration),
            failed=self.failed.messages(self.contacts),
            troubles=self.troubles.messages(self.contacts),
            held=self.held.messages(self.contacts),
            open_held=self.open_held,
            skipped=self.skipped.messages(self.contacts),
            not_ready=self.not_ready.messages(self.contacts),
            not_sent=self.not_sent.messages(self.contacts),
            warnings=self.warnings.messages(self.contacts),
            remarks=self.remarks.messages(self.contacts),
            enqueued=self.enqueued,
            waiting=self.waiting,
            waiting_why=self.waiting_why,
            destinations=tuple(self.destinations),
            stopped=stopped,
        )

    def _of_report(self, name: str) -> ReportResult:
        return ReportResult(
            name,
            tuple(
                SeriesResult(tsv, counts.done, counts.empty, counts.failed)
                for (report, tsv), counts in self.series.items()
                if report == name
            ),
            (*self.failed.of(name), *self.troubles.of(name)),
            tuple(self.skipped.of(name)),
        )


def _total(parts: Iterable[SeriesCounts]) -> SeriesCounts:
    total = SeriesCounts()
    for part in parts:
        total.done += part.done
        total.empty += part.empty
        total.failed += part.failed
    return total
