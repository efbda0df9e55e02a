"""Compare what receivers have with the TSVs, and, where asked, send what is wrong again."""

from __future__ import annotations

from calendar import timegm
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from math import inf

from reportupdater.errors import TsvError, UsageError, error_text
from reportupdater.execution.acquire import acquire
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.clock import utcnow
from reportupdater.execution.deliver import Deliverers, clients
from reportupdater.execution.keys import Keys
from reportupdater.execution.points import enqueue, note_datapoints, stored_points
from reportupdater.execution.revisions import Manner
from reportupdater.execution.select import Selected, meant, select, sinks
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Granularity
from reportupdater.model import Datapoint, Project, Report, Series, SinkSettings
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.sinks.base import Made, Reader
from reportupdater.sinks.comparing import Comparison
from reportupdater.sinks.registry import NAMES, definition
from reportupdater.state import emptied, journal, schema
from reportupdater.state.connection import look
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.tsv.listing import needed

_HOUR, _DAY = 3600, 86_400
_MOST_POINTS = 50_000
"""Datapoints to a request, unless a series has more."""

Wanted = dict[Series, dict[str, list[Datapoint]]]
"""Series → series key → datapoints."""
Wrong = dict[Series, list[Datapoint]]
"""The datapoints of series that are missing or different."""
Again = Callable[[Report, Wrong], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison has shown. It is good where nothing needs attention."""

    lines: tuple[str, ...]
    is_good: bool
    stopped: int | None = None
    """The exit code where a signal ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest(Request):
    """What shall be compared, and with which API."""

    url: str | None = None
    """The API by which datapoints are read back, for a sink whose settings name none."""
    resend: bool = False
    """Send what is missing or different again. Without it nothing is written."""


def verify(request: VerifyRequest) -> Verdict:
    """Compare every datapoint of the TSVs with each sink that can be read back.

    Raises ReportupdaterError where nothing could be compared.
    """
    selected = select(request)
    project, summary = selected.project, selected.summary()
    readers = {
        name: reader
        for name, settings in meant(project, request.sink).items()
        if any(name in report.outputs for report in selected.reports)
        and (reader := definition(name).reader(settings, request.url))
    }
    if not readers:
        raise UsageError(
            f"{project.config_path}: there is nothing to compare",
            hint=f"needed are a report with a part for a sink, the project's part for it ({NAMES}), and"
            " how it is read back: `query_url` there, for Graphite --render-url",
        )
    needed(request.output)
    try:
        return _compared(request, selected, readers, summary)
    finally:
        for reader in readers.values():
            reader.close()


def _compared(
    request: VerifyRequest, selected: Selected, readers: Mapping[str, Reader], summary: Summary
) -> Verdict:
    project = selected.project
    comparisons = [
        _Comparing(request, name, project.sinks[name], reader, summary)
        for name, reader in readers.items()
    ]
    if not request.resend:
        for comparing in comparisons:
            comparing.all_of(selected.reports)
        return _verdict(comparisons, summary)
    receivers = sinks(project, selected.reports, True, request.sink)
    if not readers.keys() <= receivers.keys():
        hint = "a sink needs a receiver, and may not be switched off by host settings"
        raise UsageError(f"{project.config_path}: nothing can be sent again", hint=hint)
    with (
        Stop() as stop,
        State(request.output, stop.is_requested) as state,
        Locks(state.locks) as locks,
    ):
        merge_leftovers(state, locks, summary, stop)
        keys = Keys(state, project, Manner(request.now, asks=True))
        for comparing in comparisons:
            again = _Again(project, state, locks, stop, summary, comparing, keys)
            comparing.all_of(selected.reports, again, stop)
        with Deliverers(
            state, locks, clients({name: receivers[name] for name in readers}), summary
        ) as deliverers:
            summary.waiting, summary.waiting_why = deliverers.drain(stop)
    return replace(_verdict(comparisons, summary), stopped=stop.exit_code)


def _verdict(comparisons: Sequence[_Comparing], summary: Summary) -> Verdict:
    """Return what has been shown until now."""
    lines = [line for one in comparisons for line in one.lines(title=len(comparisons) > 1)]
    lines += [f"wrong: {line}" for line in summary.troubles]
    lines += [f"passed over: {line}" for line in summary.skipped]
    lines += [f"not sent: {line}" for line in summary.not_sent]
    if summary.enqueued:
        lines.append(f"{summary.enqueued:,} sent again")
    if summary.waiting:
        lines.append(f"waiting: {summary.waiting:,} datapoints: {summary.waiting_why}")
    is_good = not (
        any(one.is_wrong for one in comparisons)
        or summary.skipped
        or summary.troubles
        or summary.configuration
        or summary.waiting
    )
    return Verdict(tuple(lines), is_good)


@dataclass(slots=True)
class _Again:
    """Enqueues what is wrong of reports, with what their TSVs have now."""

    project: Project
    state: State
    locks: Locks
    stop: Stop
    summary: Summary
    comparing: _Comparing
    keys: Keys
    passed_over: set[Report] = field(default_factory=set)

    def __call__(self, report: Report, wrong: Wrong) -> None:
        # The lock is not held while a receiver is asked, which may take as long as it likes.
        if report in self.passed_over:
            return
        mine: Collection[Report] = ()
        with self.stop.abandoning():
            mine = acquire(self.project, [report], self.state, self.locks, self.summary)
        if not mine:
            self.passed_over.add(report)
            return
        destination = str(self.comparing.settings.destination)
        unmerged = journal.waiting(self.state, report.name)
        for series, points in wrong.items():
            if series.tsv in unmerged:  # its TSV is not what was computed last, as was reported
                continue
            with self.stop.abandoning():
                made = self.comparing.made_again(series, points)
                enqueue(
                    self.state,
                    series,
                    destination,
                    [made],
                    self.summary,
                    sink=self.comparing.name,
                    keys=self.keys,
                    are_all=False,
                )
        self.locks.release(report.name)


def _emptied(request: Request, sink: str) -> dict[str, dict[str, set[int]]]:
    """Return TSV → series key → moments of what a sink should not have any more, in the range."""
    found: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    first = timegm(request.since.timetuple()) if request.since else -inf
    past = timegm(request.until.timetuple()) if request.until else inf
    with look(request.output) as connection:
        if connection is None or "emptied" not in schema.tables(connection):
            return {}
        for one in emptied.listed(connection):
            for key, at in one.points if one.sink == sink else ():
                if first <= at < past:
                    found[one.tsv][key].add(at)
    return {tsv: {**by_key} for tsv, by_key in found.items()}


class _Comparing:
    """A comparison in progress."""

    def __init__(
        self,
        request: Request,
        name: str,
        settings: SinkSettings,
        reader: Reader,
        summary: Summary,
    ) -> None:
        """`name` is that of the sink, `reader` reads back what its destination has."""
        self._request = request
        self.name = name
        self.settings = settings
        self._reader = reader
        self._summary = summary
        self._comparison = Comparison()
        self._emptied = _emptied(request, name)
        self._sent_since = -inf
        if settings.max_age is not None:
            self._sent_since = timegm((utcnow() - settings.max_age).timetuple())

    def all_of(
        self, reports: Iterable[Report], again: Again | None = None, stop: Stop | None = None
    ) -> None:
        """Compare reports, some series at a time, and have what is wrong sent `again`.

        A stop leaves off reading and asking at once.
        """
        for report in reports:
            if self.name not in report.outputs:
                continue
            step = _HOUR if report.granularity is Granularity.HOURS else _DAY
            groups = self._together(explode(report))
            while not (stop and stop.requested):
                wrong: Wrong | None = None
                with stop.abandoning() if stop else nullcontext():
                    wrong = next((self._wrong(some, step) for some in groups), None)
                if wrong is None:
                    break
                if wrong and again:
                    again(report, wrong)

    def made_again(self, series: Series, wrong: Iterable[Datapoint]) -> Made:
        """Return the datapoints of those dates as the TSV has them now: a run may have changed them."""
        dates = {(point.key, point.timestamp) for point in wrong}
        by_path = self._wanted(series)
        points = [point for some in by_path.values() for point in some]
        return Made([point for point in points if (point.key, point.timestamp) in dates])

    def _together(self, all_series: Iterable[Series]) -> Iterator[Wanted]:
        """Yield the datapoints of series, of as many together as make one request."""
        some: Wanted = {}
        for series in all_series:
            some[series] = self._wanted(series)
            keys = sum(map(len, some.values()))
            points = sum(len(one) for by_path in some.values() for one in by_path.values())
            if keys >= self._reader.at_once or points >= _MOST_POINTS:
                yield some
                some = {}
        yield some

    def _wrong(self, some: Wanted, step: int) -> Wrong:
        """Return the datapoints that are missing or different."""
        lists = [points for by_path in some.values() for points in by_path.values()]
        moments = [point.timestamp for points in lists for point in points]
        gone = {series: self._emptied.get(series.tsv, {}) for series in some}
        moments += [at for by_path in gone.values() for those in by_path.values() for at in those]
        if not moments:
            return {}
        paths = {path for by_path in some.values() for path in by_path}
        paths |= {path for by_path in gone.values() for path in by_path}
        wrong: Wrong = defaultdict(list)
        for path, stored in self._reader.read(sorted(paths), min(moments), max(moments), step):
            for series, by_path in some.items():
                emptied_there = gone[series].get(path, set())
                if path in by_path or emptied_there:
                    wrong[series] += self._comparison.take(
                        path,
                        by_path.get(path, []),
                        stored,
                        emptied=emptied_there,
                        sent_since=self._sent_since,
                    )
        return {series: points for series, points in wrong.items() if points}

    def _wanted(self, series: Series) -> dict[str, list[Datapoint]]:
        request = self._request
        by_path: dict[str, list[Datapoint]] = defaultdict(list)
        try:
            for made in stored_points(
                request.output, series, self.name, self.settings, request.since, request.until
            ):
                note_datapoints(self._summary, series.report, made)
                for point in made.points:
                    by_path[point.key].append(point)
        except (TsvError, OSError) as error:
            what = f"{series.tsv}: {error_text(error)}"
            self._summary.troubles.add(series.report.name, what)
        return by_path

    @property
    def is_wrong(self) -> bool:
        """Whether a datapoint is missing or different."""
        return bool(self._comparison.missing or self._comparison.different)

    def lines(self, *, title: bool) -> list[str]:
        """Return what has been shown until now.

        With the destination as a title, where there are several.
        """
        return [*([f"{self.settings.destination}:"] if title else []), *self._comparison.lines]
