"""What is due and waits: for its next try after a failure, or for a decision on held results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reportupdater.execution.clock import utcnow
from reportupdater.execution.digest import query_digest
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Coverage
from reportupdater.model import Reason, Report, Series
from reportupdater.planning.due import Due, joined
from reportupdater.planning.plan import Clock, due
from reportupdater.state import history
from reportupdater.state.retries import Retry
from reportupdater.terminal.wording import count

_NO_LIMIT = 1 << 40
"""Intervals: more than there are."""


def with_retries(
    series: Series,
    done: Coverage,
    again: set[int],
    clock: Clock,
    retries: Sequence[Retry],
    summary: Summary,
    looked_back: Coverage,
) -> Due:
    """Return what is due of a series with intervals that have failed, and note those left for later."""
    report = series.report
    by_number: dict[int, Retry] = {}
    for one in retries:
        number = report.granularity.labelled(one.start)
        if number is not None:
            by_number[number] = one
    failing = Coverage.of(by_number)
    waiting = Coverage.of(_waiting(report, by_number, clock))
    if report.ordered:
        later = waiting
        if waiting:  # what comes after it waits for it
            later = Coverage(((waiting.runs[0][0], _NO_LIMIT),))
        found = due(series, done, again, clock, (), later, looked_back)
    else:
        found = due(series, done, again, clock, failing, waiting, looked_back)
    waits = found.waiting.intersected(failing)
    if waits:
        _note_waiting(series, waits, by_number, summary)
    every = due(series, done, (), clock._replace(max_intervals=_NO_LIMIT), (), found.waiting)
    left = every.numbers.intersected(failing).without(found.numbers)
    if left:
        first = report.granularity.label(report.granularity.start(left.runs[0][0]))
        summary.troubles.add(
            report.name,
            f"{count(len(left), 'interval')} of {series}, the first is {first}: failed before, and"
            " not tried in this run, which takes others first",
        )
    return found


def with_held(found: Due, starts: Sequence[str], full: str | None) -> Due:
    """Return what is due of a series with held results: where it is full, only those, if requested.

    `full` is the digest of the query that has filled it; another one goes on.
    """
    labelled = found.series.report.granularity.labelled
    numbers = (labelled(start) for start in starts)
    here = Coverage.of(number for number in numbers if number is not None)
    found = found._replace(held=here)
    if full is None or full != query_digest(found.series.report):
        return found
    again = {Reason.RERUN: found.numbers.intersected(here)}
    waiting = Coverage.of({*found.numbers.without(here), *found.waiting})
    return found._replace(stretches=joined(again), waiting=waiting, is_full=True)


def _waiting(report: Report, retries: Mapping[int, Retry], clock: Clock) -> Iterator[int]:
    """Yield the intervals whose back-off has not passed; a query that was changed is tried at once."""
    if clock.retries_now:
        return
    now = history.stamp(utcnow())
    digest = ""
    for number, one in retries.items():
        # A clock that was ahead when it failed says nothing about when it is tried again.
        if one.at <= now < one.retry_at:
            digest = digest or query_digest(report)
            if one.digest == digest:
                yield number


def _note_waiting(
    series: Series, waits: Coverage, retries: Mapping[int, Retry], summary: Summary
) -> None:
    """Note the intervals that have failed, and that this run does not try again yet."""
    by_error: dict[str, list[Retry]] = {}
    for number in waits:
        by_error.setdefault(retries[number].error.partition("\n")[0], []).append(retries[number])
    for why, some in by_error.items():
        last = max(some, key=lambda one: (one.at, one.start))
        soonest = min(one.retry_at for one in some)
        summary.troubles.add(
            series.report.name,
            f"{count(len(some), 'interval')} of {series}: failed, the last time at"
            f" {last.at[:16].replace('T', ' ')} UTC, and tried again from"
            f" {soonest[:16].replace('T', ' ')} UTC on, or with --report:"
            f" {last.start}: {why}",
            kind=f"waits: {why}",
            values=series.values,
            essence=why,
        )
