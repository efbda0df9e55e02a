"""Comparing a Graphite with the TSVs: read back, compare, and, where asked, send what is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

from reportupdater.errors import TsvError, UsageError, error_text
from reportupdater.execution.acquire import acquire
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.deliver import Deliverers, clients
from reportupdater.execution.points import enqueue, note_datapoints, stored_points
from reportupdater.execution.select import select, sinks
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Granularity
from reportupdater.model import Datapoint, Report, Series, SinkSettings
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.sinks.base import Made
from reportupdater.sinks.graphite.comparing import Comparison
from reportupdater.sinks.graphite.render import AT_ONCE, RenderApi
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.tsv.listing import needed

_SINK = "graphite"
"""The sink whose API is read."""
_HOUR, _DAY = 3600, 86_400

Wanted = dict[Series, dict[str, list[Datapoint]]]
"""Series → metric path → datapoints."""
Wrong = dict[Series, list[Datapoint]]
"""The datapoints of series that are missing or different."""
Again = Callable[[Report, Wrong], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison has shown. It is good where nothing needs anybody's attention."""

    lines: tuple[str, ...]
    is_good: bool
    stopped: int | None = None
    """The exit code where a signal ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest(Request):
    """What shall be compared, and with which API."""

    render_url: str
    resend: bool = False
    """Send what is missing or different again. Without it nothing is written."""


def verify(request: VerifyRequest) -> Verdict:
    """Compare every datapoint of the TSVs with Graphite, and send the wrong ones again where asked.

    Raises ReportupdaterError where nothing could be compared.
    """
    selected = select(request)
    project, summary = selected.project, selected.summary()
    reports = [report for report in selected.reports if _SINK in report.outputs]
    settings = project.sinks.get(_SINK)
    if not reports or settings is None:
        hint = "a report with a `graphite` part and a `graphite` part of the project are needed"
        raise UsageError(f"{project.config_path}: there is nothing to compare", hint=hint)
    needed(request.output)
    comparing = _Comparing(request, settings, RenderApi(request.render_url), summary)
    if not request.resend:
        comparing.all_of(reports)
        return comparing.verdict()
    if _SINK not in sinks(project, reports, asked=True):
        hint = "`graphite` needs a `host`, and may not be switched off by host settings"
        raise UsageError(f"{project.config_path}: nothing can be sent again", hint=hint)
    with (
        Stop() as stop,
        State(request.output, stop.is_requested) as state,
        Locks(state.locks) as locks,
    ):
        merge_leftovers(state, locks, summary, stop)
        passed_over: set[Report] = set()

        def again(report: Report, wrong: Wrong) -> None:
            # Not held while Graphite is asked, which may take as long as it likes.
            if report in passed_over:
                return
            mine: Collection[Report] = ()
            with stop.abandoning():
                mine = acquire(project, [report], state, locks, summary)
            if not mine:
                passed_over.add(report)
                return
            for series, points in wrong.items():
                with stop.abandoning():
                    made = comparing.made_again(series, points)
                    enqueue(state, series, str(settings.destination), [made], summary)
            locks.release(report.name)

        comparing.all_of(reports, again, stop)
        with Deliverers(state, locks, clients({_SINK: settings})) as deliverers:
            summary.waiting, summary.waiting_why = deliverers.drain(stop)
    return replace(comparing.verdict(), stopped=stop.exit_code)


class _Comparing:
    """A comparison in progress."""

    def __init__(
        self, request: Request, settings: SinkSettings, api: RenderApi, summary: Summary
    ) -> None:
        self._request = request
        self._settings = settings
        self._api = api
        self._summary = summary
        self._comparison = Comparison()

    def all_of(
        self, reports: Iterable[Report], again: Again | None = None, stop: Stop | None = None
    ) -> None:
        """Compare reports, some series at a time, and have what is wrong sent `again`.

        A stop leaves off reading and asking at once.
        """
        for report in reports:
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
        """The datapoints of those dates as the TSV has them now: a run may have changed them."""
        dates = {(point.key, point.timestamp) for point in wrong}
        by_path = self._wanted(series)
        points = [point for some in by_path.values() for point in some]
        return Made([point for point in points if (point.key, point.timestamp) in dates])

    def _together(self, all_series: Iterable[Series]) -> Iterator[Wanted]:
        """The datapoints of series, of as many together as make one request."""
        some: Wanted = {}
        for series in all_series:
            some[series] = self._wanted(series)
            if sum(map(len, some.values())) >= AT_ONCE:
                yield some
                some = {}
        yield some

    def _wrong(self, some: Wanted, step: int) -> Wrong:
        """The datapoints that are missing or different."""
        lists = [points for by_path in some.values() for points in by_path.values()]
        moments = [point.timestamp for points in lists for point in points]
        if not moments:
            return {}
        paths = {path for by_path in some.values() for path in by_path}
        wrong: Wrong = defaultdict(list)
        for path, stored in self._api.read(sorted(paths), min(moments), max(moments), step):
            for series, by_path in some.items():
                if path in by_path:
                    wrong[series] += self._comparison.take(by_path[path], stored)
        return {series: points for series, points in wrong.items() if points}

    def _wanted(self, series: Series) -> dict[str, list[Datapoint]]:
        request = self._request
        by_path: dict[str, list[Datapoint]] = defaultdict(list)
        try:
            for made in stored_points(
                request.output, series, _SINK, self._settings, request.since, request.until
            ):
                note_datapoints(self._summary, series.report, made)
                for point in made.points:
                    by_path[point.key].append(point)
        except (TsvError, OSError) as error:
            self._summary.troubles.add(series.report.name, f"{series.tsv}: {error_text(error)}")
        return by_path

    def verdict(self) -> Verdict:
        """What has been shown until now."""
        comparison, summary = self._comparison, self._summary
        lines = [f"wrong: {line}" for line in summary.troubles]
        lines += [f"passed over: {line}" for line in summary.skipped]
        lines += [f"not sent: {line}" for line in summary.not_sent]
        if summary.enqueued:
            lines.append(f"{summary.enqueued:,} sent again")
        if summary.waiting:
            lines.append(f"waiting: {summary.waiting:,} datapoints: {summary.waiting_why}")
        wrong = comparison.missing or comparison.different or summary.skipped
        return Verdict(
            (*comparison.lines, *lines),
            is_good=not (wrong or summary.troubles or summary.configuration or summary.waiting),
        )
