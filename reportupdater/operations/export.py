"""Write the datapoints of the TSVs into a file for the backfill of a receiver."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from reportupdater.errors import TsvError, UsageError, Where, error_text
from reportupdater.execution.acquire import acquire
from reportupdater.execution.checkpoint import merge_leftovers
from reportupdater.execution.points import note_datapoints, stored_points
from reportupdater.execution.result import RunResult
from reportupdater.execution.select import meant, select
from reportupdater.execution.stop import Stop
from reportupdater.execution.summary import Summary
from reportupdater.execution.summary_text import log_result
from reportupdater.model import Datapoint, Project, Report, Series, SinkSettings
from reportupdater.operations.run import Request
from reportupdater.planning.explode import explode
from reportupdater.sinks.client import Sink
from reportupdater.sinks.registry import definition
from reportupdater.state import journal, numbers
from reportupdater.state.database import State
from reportupdater.state.locks import Locks
from reportupdater.tsv.listing import needed

_END = "# EOF\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest(Request):
    """What shall be written, and where."""

    file: Path


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    points: int
    series: int
    result: RunResult

    @property
    def is_good(self) -> bool:
        """Whether all that was meant is in the file."""
        return self.result.is_good and not self.result.skipped

    @property
    def stopped(self) -> int | None:
        """The exit code that a signal asks for, if one came."""
        return self.result.stopped


def export(request: ExportRequest) -> Exported:
    """Write datapoints with the times at which they are, or would be, sent.

    The file appears when it is whole. Raises ReportupdaterError where nothing could begin.
    """
    selected = select(request)
    project, summary = selected.project, selected.summary()
    name, settings = _sink(project, request.sink)
    reports = [report for report in selected.reports if name in report.outputs]
    needed(request.output)
    part = request.file.with_name(f"{request.file.name}.part")
    with (
        Stop() as stop,
        State(request.output, stop.is_requested) as state,
        Locks(state.locks) as locks,
    ):
        merge_leftovers(state, locks, summary, stop)
        mine: Collection[Report] = ()
        with stop.abandoning():
            mine = acquire(project, reports, state, locks, summary)
        client = definition(name).sink(settings)
        exporting = _Exporting(request, state, name, settings, client, summary)
        try:
            with part.open("w", encoding="utf-8") as file:
                for family in sorted({f for one in mine for f in definition(name).families(one)}):
                    exporting.write(file, family, [one for one in reports if one in mine], stop)
                file.write(_END)
                file.flush()
                os.fsync(file.fileno())
            if not stop.requested:
                part.replace(request.file)
        except OSError as error:
            what = f"cannot be written: {error_text(error)}"
            raise UsageError(
                what,
                where=Where(str(request.file)),
                hint="is its folder there, writable, and on a disk with room?",
            ) from None
        finally:
            client.close()
            part.unlink(missing_ok=True)
        result = summary.result(project.config_path, request.output, stopped=stop.exit_code)
        log_result(result, f"{project.config_path} from {request.output}")
    return Exported(exporting.points, len(exporting.keys), result)


def _sink(project: Project, only: str | None) -> tuple[str, SinkSettings]:
    """Return the sink for whose receiver a file is written: the first, or the one that is meant."""
    for name, settings in meant(project, only).items():
        if settings.destination is not None and definition(name).LAST_REVISION is not None:
            return name, settings
    raise UsageError(
        f"{project.config_path}: there is nothing to export",
        hint="needed are a report with a part for a sink that numbers revisions, and the project's part"
        " for it, which names a receiver",
    )


@dataclass(slots=True)
class _Exporting:
    """The writing of a file."""

    request: ExportRequest
    state: State
    name: str
    settings: SinkSettings
    client: Sink
    summary: Summary
    points: int = 0
    keys: set[str] = field(default_factory=set)
    noted: set[str] = field(default_factory=set)
    """The TSVs of which it has been reported what is odd."""

    def write(self, file: IO[str], family: str, reports: Collection[Report], stop: Stop) -> None:
        """Write all datapoints of a metric, which several reports may have."""
        sink = definition(self.name)
        file.write(sink.head(family))
        for report in reports:
            if family not in sink.families(report):
                continue
            unmerged = journal.waiting(self.state, report.name)
            for series in explode(report, self.request.only):
                if stop.requested:
                    return
                if series.tsv in unmerged:  # as was reported
                    continue
                with stop.abandoning():
                    for point in self._numbered(series, family):
                        file.write(sink.line(point))
                        self.points += 1
                        self.keys.add(point.key)

    def _numbered(self, series: Series, family: str) -> list[Datapoint]:
        """Return the datapoints of a series and metric, in order, as the receiver should have them."""
        destination = str(self.settings.destination)
        points = list(self._stored(series, family))
        with self.state.transaction() as connection:
            found, unknown = numbers.current(connection, destination, points)
            if unknown and self.request.assume_new:
                numbers.assume_new(connection, destination, {point.key for point in unknown})
                more, unknown = numbers.current(connection, destination, unknown)
                found += more
        if unknown and self.settings.can_be_asked:
            there = self.client.present(unknown)
            with self.state.transaction() as connection:
                found += numbers.learn(connection, destination, unknown, there)
        elif unknown:
            self.summary.troubles.add(
                series.report.name,
                f"datapoints were not written: it is not known what {destination} has of them (give"
                " `query_url`; or, if it has none, --assume-new)",
                str(series),
                len(unknown),
            )
        return sorted(found, key=lambda point: (point.key, point.timestamp))

    def _stored(self, series: Series, family: str) -> Iterator[Datapoint]:
        request, sink = self.request, definition(self.name)
        try:
            for made in stored_points(
                request.output, series, self.name, self.settings, request.since, request.until
            ):
                if series.tsv not in self.noted:
                    note_datapoints(self.summary, series.report, made)
                yield from (one for one in made.points if sink.is_of_family(one.key, family))
        except (TsvError, OSError) as error:
            self.summary.troubles.add(series.report.name, f"{series.tsv}: {error_text(error)}")
        self.noted.add(series.tsv)
