"""Find what is due of a report: from what is done, and what is requested again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from reportupdater.errors import TsvError, Where, sentence, shown
from reportupdater.execution.clock import latest, utcnow
from reportupdater.execution.summary import Summary
from reportupdater.intervals import Coverage, over
from reportupdater.model import Report, Series
from reportupdater.planning.due import Due
from reportupdater.planning.explode import EVERY, Only, explode, is_wanted
from reportupdater.planning.plan import Clock, due, requestable, requested, window
from reportupdater.planning.schedule import next_tick
from reportupdater.state import coverage, journal, reruns, schema
from reportupdater.state.coverage import Identity
from reportupdater.state.reruns import RerunFile
from reportupdater.state.tables import Tables
from reportupdater.terminal.wording import count
from reportupdater.tsv import files, rows

if TYPE_CHECKING:
    from reportupdater.execution.looking_back import LookingBack
    from reportupdater.state.retries import Retry

log = logging.getLogger(__name__)

LEFT = "`rerun --accept-files` requests them, `rerun --ignore-files` does not"
"""What to do about files in `.reruns/` that are of before the state."""
AHEAD = "is it right? then delete such rows: they are a slip, or a clock was ahead once"
"""What to do about rows in intervals that are not over."""


class Stock(NamedTuple):
    """What is done of a series, and what is due.

    `done` is None where that is unknown; then nothing is due.
    """

    done: Coverage | None
    due: Due


def due_of(
    state: Tables,
    report: Report,
    rerun_files: Sequence[RerunFile],
    clock: Clock,
    summary: Summary,
    only: Only = EVERY,
) -> list[Due]:
    """Return what is due of a report whose lock is held, series by series.

    Those without anything are not there.
    """
    stocks = take_stock(state, report, rerun_files, clock, summary, only)
    return [stock.due for stock in stocks if stock.due.stretches]


def take_stock(
    state: Tables,
    report: Report,
    rerun_files: Sequence[RerunFile],
    clock: Clock,
    summary: Summary,
    only: Only = EVERY,
) -> list[Stock]:
    """Return the stock of each series of a report that is wanted.

    Nothing is due of a series whose TSV is damaged: it goes into the summary with file and line. Requests
    are expanded for every series, also those that are not wanted now.
    """
    series = explode(report)
    withheld = withheld_of(state, report)
    done = done_of(state, report, series, summary, withheld)
    for rerun_file in rerun_files:
        if not rerun_file.reports or report.name in rerun_file.reports:
            _expand(state, rerun_file, series, done, clock, summary)
    asked = reruns.open_requests(state, report.name)
    full: dict[str, str] = {}
    if withheld:
        from reportupdater.state import held

        full = held.full(state, report.name)
    looking: LookingBack | None = None
    if report.lookback:
        from reportupdater.execution.looking_back import LookingBack

        looking = LookingBack(state, report)
    stocks = []
    failing: dict[str, list[Retry]] | None = None  # looked up where something is due
    for one in series:
        if is_wanted(one, only):
            covered = done[one]
            found = Due(one)
            if covered is not None:
                again = _open(state, one, covered, asked, clock)
                late = looking.over(one, covered, clock) if looking else Coverage()
                found = due(one, covered, again, clock, looked_back=late)
                if found.stretches:
                    from reportupdater.execution import waiting
                    from reportupdater.state import retries

                    if failing is None:
                        failing = retries.of_report(state, report.name)
                    if one.tsv in failing:
                        found = waiting.with_retries(
                            one, covered, again, clock, failing[one.tsv], summary, late
                        )
                if one.tsv in withheld:
                    from reportupdater.execution import waiting

                    found = waiting.with_held(found, withheld[one.tsv], full.get(one.tsv))
            stocks.append(Stock(covered, found))
    _log_schedule(report, stocks, clock)
    return stocks


def withheld_of(state: Tables, report: Report) -> Mapping[str, Sequence[str]]:
    """Return the starts of the held intervals of a report, by TSV."""
    with state.reading() as connection:
        if schema.is_empty(connection, "held"):  # as nearly always
            return {}
    from reportupdater.state import held

    return held.starts(state, report.name, report.granularity)


def _log_schedule(report: Report, stocks: Sequence[Stock], clock: Clock) -> None:
    """Log that a report waits for its next tick, where nothing of it is due."""
    if (
        report.schedule is None
        or clock.ignores_schedule
        or any(stock.due.stretches or stock.done is None for stock in stocks)
    ):
        return
    tick = next_tick(report, clock.now)
    log.info(
        "%s: waits for the next tick of its schedule%s",
        report.name,
        f", {tick:%Y-%m-%d %H:%M} UTC" if tick else "",
    )


def done_of(
    state: Tables,
    report: Report,
    series: Sequence[Series],
    summary: Summary,
    withheld: Mapping[str, Sequence[str]],
) -> dict[Series, Coverage | None]:
    """Return what is done of each series: in its TSV, in the journal, or `withheld`.

    None where that is unknown.
    """
    waiting = journal.waiting(state, report.name)
    memory = coverage.recall(state, report.name, report.granularity)
    news: dict[str, tuple[Identity, Coverage]] = {}
    done: dict[Series, Coverage | None] = {}
    walk = files.Walk(state.root)
    for one in series:
        try:
            place = walk.place(one.tsv)
            file = coverage.identity(place)  # before it is read
            known = memory.get(one.tsv)
            if file is None:
                done[one] = Coverage()
            elif known and known[0] == file:
                done[one] = known[1]
            else:
                done[one] = found = rows.coverage(place, report.granularity)
                if coverage.is_stable(file):
                    news[one.tsv] = file, found
        except TsvError as error:
            if one.tsv not in waiting:  # else the checkpoint has reported it
                summary.troubles.add(report.name, str(error))
            done[one] = None
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            where = Where(str(state.output / one.tsv))
            text = sentence(what, where, files.unreadable(error))
            summary.troubles.add(report.name, text)
            done[one] = None
        else:
            starts = [*waiting.get(one.tsv, ()), *withheld.get(one.tsv, ())]
            if starts:
                done[one] = _with(starts, one, done[one], state, summary)
    _note_ahead(state, report, done, summary)
    if news:
        coverage.remember(state, report.name, report.granularity, news)
    return done


def _note_ahead(
    state: Tables, report: Report, done: Mapping[Series, Coverage | None], summary: Summary
) -> None:
    """Note the series with rows in intervals that are not over: they are no results."""
    not_over = over(report.granularity, utcnow())
    if not any(covered and (covered.newest or 0) >= not_over for covered in done.values()):
        return
    not_over = over(report.granularity, latest(state))
    for series, covered in done.items():
        newest = covered.newest if covered else None
        if newest is not None and newest >= not_over:
            label = report.granularity.label(report.granularity.start(newest))
            summary.troubles.add(
                report.name,
                f"{state.output / series.tsv}: a row is dated {label}, which is not over by this"
                f" machine's clock ({AHEAD})",
            )


def _with(
    starts: Sequence[str], series: Series, done: Coverage | None, state: Tables, summary: Summary
) -> Coverage | None:
    """Return what is done of a series with the results of the journal.

    None where these cannot be its own.
    """
    report = series.report
    numbers = set(done or ())
    for start in starts:
        number = report.granularity.labelled(start)
        if number is None:
            what = (
                f"{state.path}: a result of {series.tsv} is dated {shown(start)}: none of its"
                f" {report.granularity.value} begins there (has `granularity` been changed?)"
            )
            summary.troubles.add(report.name, what)
            return None
        numbers.add(number)
    return Coverage.of(numbers)


def _expand(
    state: Tables,
    rerun_file: RerunFile,
    series: Sequence[Series],
    done: Mapping[Series, Coverage | None],
    clock: Clock,
    summary: Summary,
) -> None:
    report = series[0].report
    from reportupdater.state import rerun_files  # which most runs have none of
    from reportupdater.state.rerun_files import Fate

    with state.reading() as connection:
        fate = rerun_files.fate(connection, rerun_file, report.name)
    if fate is Fate.DONE:
        return
    starts, dropped = asked_for(rerun_file, series, done, clock)
    if fate is Fate.LEFT and starts:
        rerun_files.leave(state, rerun_file, report.name)
        summary.troubles.add(
            report.name,
            f".reruns/{rerun_file.name} requests {count(len(starts), 'interval')} and is of before"
            f" this state, which does not know whether they were computed again: {LEFT}",
            kind="left files",
        )
        return
    reruns.expand(state, rerun_file, report.name, starts)
    log.info(
        "%s: .reruns/%s requests %s", report.name, rerun_file.name, count(len(starts), "interval")
    )
    if dropped:
        log.warning(
            "%s: not computed again, though .reruns/%s requests it: what lies before `starts`, after"
            " `ends`, or outside `max_data_points` (%d of its intervals)",
            report.name,
            rerun_file.name,
            dropped,
        )


def asked_for(
    rerun_file: RerunFile,
    series: Sequence[Series],
    done: Mapping[Series, Coverage | None],
    clock: Clock,
) -> tuple[list[tuple[str, str]], int]:
    """Return the intervals that a file requests of a report, as TSV and start, and how many more.

    The latter are done, and may not be requested.
    """
    starts: list[tuple[str, str]] = []
    dropped = 0
    for one in series:
        wanted = requested(
            one,
            covered_for_requests(one, done[one], clock.now),
            one.report.granularity.numbers(rerun_file.since, rerun_file.until),
            clock.now,
            clock.latest,
        )
        dropped += wanted.dropped
        starts += wanted.starts(one)
    return starts, dropped


def covered_for_requests(series: Series, done: Coverage | None, now: datetime) -> Coverage:
    """Return what a request may take for done where only the next run will know: all that may be computed.

    Which of them are done shows when a damaged file is fixed; then they are due either way.
    """
    if done is not None:
        return done
    allowed = window(series.report, now)
    return Coverage(((allowed.start, allowed.stop),))


def _open(
    state: Tables, series: Series, done: Coverage, asked: dict[str, list[str]], clock: Clock
) -> set[int]:
    """Return the requested intervals of a series.

    Those that may not be are reported and dropped.
    """
    report = series.report
    numbers = {start: report.granularity.labelled(start) for start in asked.get(series.tsv, ())}
    if not numbers:
        return set()
    foreign = [start for start, number in numbers.items() if number is None]
    if foreign:
        reruns.drop(state, ((series.tsv, start) for start in foreign))
        log.warning(
            "%s: not computed again, though it was requested: what is no start of an interval of %s"
            " (%s, the first is %s): `granularity` was changed, or someone else wrote them",
            series,
            report.granularity.value,
            count(len(foreign), "request"),
            shown(foreign[0]),
        )
    starts = {number: start for start, number in numbers.items() if number is not None}
    allowed = requestable(report, clock.now, done, clock.latest)
    dropped = [start for number, start in starts.items() if number not in allowed]
    if dropped:
        reruns.drop(state, ((series.tsv, start) for start in dropped))
        log.warning(
            "%s: not computed again, though it was requested: what lies before `starts`, after `ends`,"
            " or outside `max_data_points` (%d of its intervals, the first is %s)",
            series,
            len(dropped),
            dropped[0],
        )
    return {number for number in starts if number in allowed}
