"""Accepting held results: they are published as if they had passed their checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reportupdater.errors import ReportupdaterError, shown
from reportupdater.execution.acquire import acquire
from reportupdater.execution.checking import Checking
from reportupdater.execution.checkpoint import merge, merge_leftovers
from reportupdater.execution.clock import utcnow
from reportupdater.execution.deliver import Deliverers, clients
from reportupdater.execution.digest import query_digest
from reportupdater.execution.lineage import Lineage
from reportupdater.execution.outcome import Answer
from reportupdater.execution.points import note_datapoints
from reportupdater.execution.publish import Publisher
from reportupdater.execution.result import RunResult
from reportupdater.execution.select import sinks
from reportupdater.execution.stop import Stop
from reportupdater.execution.stored import Stored
from reportupdater.execution.summary import Summary
from reportupdater.execution.summary_text import log_result
from reportupdater.execution.validate import checked
from reportupdater.model import Reason, Report, Series, Table, Task
from reportupdater.operations.held import HeldRequest, is_meant, of_reports, opened
from reportupdater.planning.plan import window
from reportupdater.state import held, status
from reportupdater.state.database import State
from reportupdater.state.held import Held
from reportupdater.state.locks import Locks
from reportupdater.state.owners import Owner
from reportupdater.tsv.dialect import parse


@dataclass(frozen=True, slots=True)
class Refused:
    """A held result that cannot be accepted, and why."""

    held: Held
    why: str


@dataclass(slots=True)
class _Found:
    """What a look at the held results has found."""

    accepted: list[Held] = field(default_factory=list)
    passed: list[Held] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What has become of the held results; `passed` are later ones that pass their check now."""

    accepted: tuple[Held, ...]
    passed: tuple[Held, ...]
    refused: tuple[Refused, ...]
    result: RunResult

    @property
    def is_good(self) -> bool:
        """Whether all that is meant was accepted, stored and sent."""
        return self.result.is_good and not (self.refused or self.result.skipped)

    @property
    def stopped(self) -> int | None:
        """The exit code that a signal asks for, if one came."""
        return self.result.stopped


def accept(request: HeldRequest) -> Accepted:
    """Publish held results: store them in their TSVs, and send them to the sinks that are configured now.

    Raises UsageError, StateError.
    """
    selected = opened(request)
    project, summary = selected.project, selected.summary()
    receivers = sinks(project, selected.reports, asked=not request.dry_run)
    now = request.now or utcnow()
    with Stop() as stop, State(request.output, stop.is_requested) as state:
        with Locks(state.locks) as locks:
            if not request.dry_run:
                merge_leftovers(state, locks, summary, stop)
            owned = acquire(project, selected.reports, state, locks, summary)
            members = {
                series.tsv: series
                for report, series in of_reports(selected, request)
                if report in owned
            }
            stored = Stored(state)
            publisher = Publisher(state, project, receivers, Lineage(state, stored, None))
            found = _Acceptance(state, publisher, stored, owned, members, now, summary).of(
                request, stop
            )
            if not request.dry_run:
                with Deliverers(state, locks, clients(receivers), summary) as deliverers:
                    summary.waiting, summary.waiting_why = deliverers.drain(stop)
                status.write(state)
        result = summary.result(project.config_path, request.output, stopped=stop.exit_code)
        log_result(result, f"{project.config_path} into {request.output}")
    return Accepted(tuple(found.accepted), tuple(found.passed), tuple(found.refused), result)


class _Acceptance:
    """Goes through the held results of some series, oldest first."""

    def __init__(
        self,
        state: State,
        publisher: Publisher,
        stored: Stored,
        owned: Mapping[Report, Owner],
        members: Mapping[str, Series],
        now: datetime,
        summary: Summary,
    ) -> None:
        self._state = state
        self._publisher = publisher
        self._owned = owned
        self._members = members
        self._now = now
        self._summary = summary
        self._stored = stored
        self._checking = Checking(state, stored)
        self._to_merge: dict[Report, list[str]] = {}

    def of(self, request: HeldRequest, stop: Stop) -> _Found:
        """Accept what is meant, and what of its series passes its check after that."""
        with self._state.reading() as connection:
            every = [one for one in held.listed(connection) if one.tsv in self._members]
        found = _Found()
        since: dict[str, str] = {}
        for one in every:
            if stop.requested:
                break
            meant = is_meant(one, self._members, request)
            if not meant and one.tsv not in since:
                continue
            try:
                answer = self._answer(one, force=request.force)
                if answer is None or (not meant and not self._passes(one, answer)):
                    continue
            except ReportupdaterError as error:
                if meant:
                    found.refused.append(Refused(one, str(error)))
                continue
            since.setdefault(one.tsv, one.start)
            (found.accepted if meant else found.passed).append(one)
            self._checking.published([answer])
            if not request.dry_run:
                self._publish(answer)
        for report, tsvs in self._to_merge.items():
            with stop.abandoning():  # what is not merged stays in the journal
                merge(self._state, report.name, tsvs, self._summary, self._now)
        return found

    def _passes(self, one: Held, answer: Answer) -> bool:
        return self._checking.again(one.check, answer.task, answer.result, one.why) is None

    def _answer(self, one: Held, *, force: bool) -> Answer | None:
        """Return a held result as it would be published. Raises ReportupdaterError where it may not be."""
        kept = held.kept(self._state, one)
        if kept is None:  # replaced a moment ago
            return None
        series, result = self._members[one.tsv], kept.result
        report = series.report
        number = report.granularity.labelled(one.start)
        if result.granularity is not report.granularity or number is None:
            raise ReportupdaterError(
                f"it is of granularity {result.granularity.value}, the report is of"
                f" {report.granularity.value} now",
                hint="`reject` drops it",
            )
        if not force:
            self._check_current(report, number, one)
        task = Task(series, report.granularity.interval(number), Reason.RERUN)
        checked(task, Table(result.header, parse(result.rows)))  # raises what no TSV may hold
        fitted = self._checking.accepted(series, result)
        fitted = fitted._replace(group=report.group, max_data_points=report.max_data_points)
        values = sum(any(row[1:]) for row in parse(fitted.rows))
        return Answer(task, fitted, values, 0.0, digest=one.digest)

    def _check_current(self, report: Report, number: int, one: Held) -> None:
        if number not in window(report, self._now):
            raise ReportupdaterError(
                f"{shown(one.start)} lies outside of what the report keeps or computes",
                hint="`starts`, `ends`, `max_data_points`; --force accepts it all the same",
            )
        if one.digest != query_digest(report):
            raise ReportupdaterError(
                "its query has been changed since",
                hint="`rerun` computes it again with the present one; --force accepts it all the same",
            )

    def _publish(self, answer: Answer) -> None:
        prepared = self._publisher.prepared([answer])
        with self._state.transaction() as connection:
            made = self._publisher.publish(connection, prepared, self._owned, utcnow())
        self._stored.published([answer.task])
        for one in made:
            note_datapoints(self._summary, one.series.report, one.made)
        series = answer.task.series
        tsvs = self._to_merge.setdefault(series.report, [])
        if series.tsv not in tsvs[-1:]:  # they come series by series
            tsvs.append(series.tsv)
        counts = self._summary.of(series.report.name, series.tsv)
        if answer.rows:
            counts.done += 1
        else:
            counts.empty += 1
