"""What the page of a report shows, gathered from its configuration, the state and its TSVs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from reportupdater.checks.base import Rows
from reportupdater.config.ready import conditions
from reportupdater.errors import ReportupdaterError, TsvError
from reportupdater.execution.checking import Checking
from reportupdater.execution.digest import query_digest
from reportupdater.execution.stored import Old, Stored, read
from reportupdater.intervals import Granularity
from reportupdater.model import Reason, Report, Task
from reportupdater.operations.drift import with_new
from reportupdater.operations.report_status import ReportStatus, SeriesStatus
from reportupdater.operations.site_data import Known
from reportupdater.operations.site_missing import Around, missing
from reportupdater.planning.explode import explode
from reportupdater.publish.parts import minute
from reportupdater.publish.values import (
    Changed,
    Entry,
    Keys,
    Latest,
    Outcome,
    ReportPage,
    SeriesLine,
    State,
    Value,
    Withheld,
)
from reportupdater.sinks.registry import definition
from reportupdater.state import drift, held
from reportupdater.terminal.wording import count
from reportupdater.tsv import files, lookup
from reportupdater.tsv.changes import Change, changes
from reportupdater.tsv.dialect import parse

_ROWS = 30
_SPARK = 60
_MOST_STRETCHES = 500
_MOST_CHANGED = 300
_MOST_WITHHELD = 300
_MOST_VALUES = 12
_MOST_KEYS = 20
_MOST_QUERY = 1 << 18
"""Characters of a query that are shown."""


def _entry_of(status: ReportStatus, project: str, granularity: str, latest: Latest | None) -> Entry:
    """Return a report as the index shows it."""
    state, why = _state(status)
    return Entry(
        name=status.name,
        project=project,
        state=state,
        why=why,
        description=status.description or "",
        owner=status.owner or "",
        granularity=granularity,
        done_up_to=status.done_up_to or "",
        missing=status.missing,
        latest=latest,
    )


def _state(status: ReportStatus) -> tuple[State, str]:
    if status.invalid:
        return State.INVALID, status.invalid
    if status.record is not None and status.record.error:
        return State.FAILING, status.record.error.partition("\n")[0]
    bad = [one for one in status.series if one.in_trouble]
    for one in bad:
        state, why = _series_state(one)
        if state is not State.LATE:
            return state, f"{_label(one.dimensions)}: {why}" if one.dimensions else why
    if status.held:
        first = status.held[0]
        return State.HELD, f"{count(len(status.held), 'result')} held: {first.why}"
    if bad:
        return State.LATE, f"{len(bad):,} of {len(status.series):,} series late"
    waits = [wait for one in status.series for wait in one.waits]
    if waits:
        return State.WAITING, f"{count(len(waits), 'interval')} not ready: {waits[0].why}"
    if status.series and all(one.new for one in status.series):
        return State.NEW, "not tried by a run yet"
    return State.FINE, ""


def _series_state(one: SeriesStatus) -> tuple[State, str]:
    if one.damaged:
        return State.DAMAGED, one.damaged
    if one.ahead:
        return State.DAMAGED, f"it has rows of {one.ahead}, which is not over"
    if one.failing:
        newest = one.failing[-1]
        return State.FAILING, f"{newest.start} failed {newest.times} times, last: {newest.error}"
    if one.late:
        return State.LATE, "late: its newest interval is not done"
    if one.waits:
        return State.WAITING, f"{one.waits[0].start} waits: {one.waits[0].why}"
    if one.new:
        return State.NEW, "not tried by a run yet"
    empty = f"its newest {count(one.empty, 'interval')} gave no rows" if one.empty else ""
    return State.FINE, empty


def _label(dimensions: Mapping[str, str]) -> str:
    return ", ".join(dimensions.values())


class Gathering:
    """Gathers what is shown of one report."""

    def __init__(
        self, around: Around, status: ReportStatus, report: Report | None, unit: Granularity
    ) -> None:
        """`report` is None where no project has it, or where it is not valid."""
        self._around = around
        self._status = status
        self._report = report
        self._unit = unit
        self._members = {one.tsv: one for one in explode(report)} if report else {}
        self._labels = {one.tsv: _label(one.dimensions) for one in status.series}

    def page(self, rows: Mapping[str, Known]) -> ReportPage:
        """Return the page, given what is known of the rows of its series."""
        status, report = self._status, self._report
        largest = self._largest(rows)
        header, last = self._last_rows(largest, rows)
        latest = _latest(header, last, self._labels.get(largest, ""), self._unit)
        name = str(self._around.project.config_path) if self._around.project else ""
        entry = _entry_of(status, name, self._unit.value, latest)
        lacking = missing(self._around, status, report, self._labels) if report else None
        changed, changed_more = self._changed()
        return ReportPage(
            entry=entry,
            facts=self._facts(),
            troubles=tuple(self._troubles()),
            notices=tuple(self._notices()),
            header=header,
            rows=tuple(reversed(last[-_ROWS:])),
            series=tuple(self._lines(rows)),
            missing=None if lacking is None else tuple(lacking[:_MOST_STRETCHES]),
            missing_more=len(lacking or ()) - _MOST_STRETCHES,
            withheld=tuple(self._withheld()),
            withheld_more=len(status.held) - _MOST_WITHHELD,
            changed=tuple(changed),
            changed_more=changed_more,
            outcomes=tuple(self._outcomes(largest)),
            keys=tuple(self._keys()),
            query=self._query(),
            query_name=report.execute.name if report else "",
            digest=query_digest(report) if report else "",
        )

    def _largest(self, rows: Mapping[str, Known]) -> str:
        """Return the TSV whose newest row has the largest first number."""

        def key(tsv: str) -> tuple[str, float]:
            last = rows[tsv].last
            return (last[0], _first_number(last)) if last else ("", 0.0)

        return max((tsv for tsv in self._labels if tsv in rows), key=key, default="")

    def _last_rows(
        self, tsv: str, rows: Mapping[str, Known]
    ) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        last = rows[tsv].last if tsv else ()
        newest = self._unit.labelled(last[0]) if last else None
        if newest is None:
            return (), []
        try:
            place = files.place(self._around.output.root, tsv)
            found = lookup.rows_of(place, self._unit, range(newest - _SPARK + 1, newest + 1))
        except (TsvError, OSError):
            return (), []  # which its series says
        return found.header, [row for _, some in sorted(found.rows.items()) for row in some]

    def _facts(self) -> dict[str, str]:
        status, report = self._status, self._report
        record = status.record
        facts = {
            "Owner": status.owner or "",
            "Ticket": status.ticket or "",
            "Granularity": self._unit.value,
            "Done up to": status.done_up_to or "nothing yet",
            "Last run": minute(record.last_run) if record else "",
            "Next due": f"{status.next_due:%Y-%m-%d %H:%M} UTC" if status.next_due else "",
        }
        if report is not None:
            facts |= {
                "Dimensions": ", ".join(
                    f"{one.name} ({len(one.values):,})" for one in report.dimensions
                ),
                "Data from": f"{report.database.engine} ({report.execute.name})",
                "Starts": self._unit.label(report.starts),
                "Ends": self._unit.label(report.ends) if report.ends else "",
                "Lag": f"{report.lag}" if report.lag else "",
                "Schedule": report.schedule or "",
                "Lookback": count(report.lookback, "interval") if report.lookback else "",
            }
        facts["Project"] = str(self._around.project.config_path) if self._around.project else ""
        return facts

    def _troubles(self) -> Iterator[str]:
        status = self._status
        if status.invalid:
            yield status.invalid
        record = status.record
        if record is not None and record.error and record.error != status.invalid:
            times = f"in {record.failures} runs in a row, " if record.failures > 1 else ""
            yield f"failed {times}last at {minute(record.error_at or '')}: {record.error}"

    def _notices(self) -> Iterator[str]:
        status = self._status
        yield from status.notices
        if status.orphaned:
            yield f"{len(status.orphaned)} TSVs are of series that the report has no more"
        if status.older is not None:
            yield f"{status.older}"

    def _lines(self, rows: Mapping[str, Known]) -> Iterator[SeriesLine]:
        for one in self._status.series:
            state, why = _series_state(one)
            yield SeriesLine(
                label=self._labels[one.tsv],
                tsv=one.tsv.removesuffix(".tsv"),
                state=state,
                why=why,
                done_up_to=one.done_up_to or "",
                missing=one.missing,
                latest=rows[one.tsv].last if one.tsv in rows else (),
            )

    # What is held, and what was changed

    def _withheld(self) -> Iterator[Withheld]:
        for one in self._status.held[:_MOST_WITHHELD]:
            values: tuple[Value, ...] = ()
            with suppress(ReportupdaterError, OSError):  # which a run reports
                kept = held.kept(self._around.output, one)
                if kept is not None:
                    old, result = self._stored(one.tsv, one.start), kept.result
                    found = changes(old.header, old.rows, result.header, parse(result.rows))
                    values = tuple(map(_value_of, (found or ())[:_MOST_VALUES]))
            label = self._labels.get(one.tsv, one.tsv)
            yield Withheld(label, one.start, one.check, one.why, one.at, values)

    def _changed(self) -> tuple[list[Changed], int]:
        """Return the values that were replaced, the newest first, and of how many results more there are."""
        with self._around.output.reading() as connection:
            late = drift.changed(connection, self._status.name)
        pairs = sorted(
            with_new(self._around.output, late, self._members),
            key=lambda pair: (pair[0].at, pair[0].start),
            reverse=True,
        )
        found: list[Changed] = []
        for number, (one, new) in enumerate(pairs):
            if len(found) >= _MOST_CHANGED:
                return found, len(pairs) - number
            label = self._labels.get(one.tsv, one.tsv)
            why = "late data" if one.is_late else "rerun"
            found += [
                Changed(label, one.start, _value_of(change), one.at, why)
                for change in changes(one.header, one.rows, new.header, new.rows) or ()
            ]
        return found, 0

    def _stored(self, tsv: str, start: str) -> Old:
        """Return what is stored of an interval. Raises TsvError, OSError."""
        series, number = self._members.get(tsv), self._unit.labelled(start)
        if series is None or number is None:
            return Old()
        return read(self._around.output, series, [number])[number]

    # What is looked at before it is published, and where it goes

    def _outcomes(self, tsv: str) -> Iterator[Outcome]:
        report = self._report
        if report is None:
            return
        yield from self._checked(report, tsv)
        waits = [wait for one in self._status.series for wait in one.waits]
        if report.ready:
            text = ", ".join(
                f"{one.source.value} {one.template.text}" for one in conditions(report)
            )
            outcome = f"{count(len(waits), 'interval')} not ready: {waits[0].why}" if waits else ""
            yield Outcome("ready", text, outcome or "no interval waits", not waits)

    def _checked(self, report: Report, tsv: str) -> Iterator[Outcome]:
        """Yield what the declared checks say of the newest rows of a series."""
        series = self._members.get(tsv)
        withheld = {one.check for one in self._status.held}
        for name in sorted(withheld):
            some = [one for one in self._status.held if one.check == name]
            yield Outcome(name, "", f"{count(len(some), 'result')} held", is_good=False)
        status = next((one for one in self._status.series if one.tsv == tsv), None)
        if not report.declared or series is None or status is None or not status.done_up_to:
            return
        number = self._unit.labelled(status.done_up_to)
        if number is None:
            return
        try:
            stored = read(self._around.output, series, [number])[number]
            rows = Rows(stored.header, stored.rows if stored.has_values else [])
            checking = Checking(self._around.output, Stored(self._around.output))
            task = Task(series, self._unit.interval(number), Reason.RERUN)
            for _, one in checking.results(task, rows):
                of = f"{status.done_up_to}, {_label(status.dimensions)}".removesuffix(", ")
                said = " ".join(filter(None, (one.value, one.limit, one.baseline, one.why)))
                outcome = f"{one.verdict} ({of}){': ' + said if said else ''}"
                yield Outcome(one.check, one.subject, outcome, one.verdict != "failed")
        except (ReportupdaterError, OSError):
            return  # which its series says

    def _keys(self) -> Iterator[Keys]:
        report, project = self._report, self._around.project
        if report is None or project is None:
            return
        for name, settings in project.sinks.items():
            if name not in report.outputs or settings.destination is None:
                continue
            sink = definition(name)
            if sink.needs_rows(report):
                continue  # `metrics` reads them
            keys = [
                key for series in explode(report) for key in sink.series_keys(series, settings)[0]
            ]
            yield Keys(name, settings.destination, tuple(keys[:_MOST_KEYS]), len(keys))

    def _query(self) -> str:
        report = self._report
        if report is None:
            return ""
        if report.template is not None:
            return report.template.text[:_MOST_QUERY]
        try:
            with report.execute.open(encoding="utf-8", errors="replace") as script:
                return script.read(_MOST_QUERY)
        except OSError:
            return ""


def _value_of(change: Change) -> Value:
    return Value(", ".join(change.row), change.column, change.old, change.new)


def _latest(
    header: Sequence[str], rows: Sequence[Sequence[str]], series: str, unit: Granularity
) -> Latest | None:
    """Return the latest value of the first column of numbers, with those before it."""
    for place in range(1, len(header)):
        values = {unit.place(row[0])[1]: _value(row[place]) for row in rows}
        known = [number for number, value in values.items() if value is not None]
        if not known:
            continue
        newest = max(known)
        before = tuple(values.get(number) for number in range(newest - _SPARK + 1, newest + 1))
        first = next(at for at, value in enumerate(before) if value is not None)
        last = [row for row in rows if unit.place(row[0])[1] == newest and row[place]]
        return Latest(
            last[-1][place], header[place], series, unit.label(unit.start(newest)), before[first:]
        )
    return None


def _first_number(row: Sequence[str]) -> float:
    return next((value for cell in row[1:] if (value := _value(cell)) is not None), float("-inf"))


def _value(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if value - value == 0 else None
