"""What a run would do, in lines of 80 columns: series of which the same is due are one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from textwrap import wrap

from reportupdater.execution.older import CURE
from reportupdater.operations.plan import Plan, ReportPlan, SeriesPlan, Stretch, labelled
from reportupdater.planning.rest import Rest, Why
from reportupdater.terminal import wording

_WIDTH = 80
_MOST_LINES = 8
_MOST_RANGES = 3
_MOST_NAMES = 3


def lines(found: Plan) -> Iterator[str]:
    """Yield the plan of a project, report by report."""
    yield f"{found.config_path} into {found.output}, {found.now:%Y-%m-%d %H:%M} UTC"
    for report in found.reports:
        yield ""
        yield from _of_report(report)
    if len(found.reports) > 1 or found.invalid:
        yield ""
    if len(found.reports) > 1:
        yield f"in all {_amount(found.intervals, found.seconds)}"
    if found.invalid:
        yield from _filled(
            f"{wording.count(found.invalid, 'error')} in the configuration: what is wrong there is not run"
        )


def _of_report(found: ReportPlan) -> Iterator[str]:
    name = found.report.name
    if found.held:
        yield from _filled(f"{name} {found.held}; a run would pass it over")
        return
    if found.trouble:
        yield from _filled(f"{name}: {found.trouble}")
        return
    yield from _filled(f"{name}: {_amount(found.intervals, found.seconds)}")
    groups: dict[object, list[SeriesPlan]] = {}
    for one in found.series:
        groups.setdefault((one.due, one.rest, one.trouble), []).append(one)
    # What most is due of comes first, but nothing may hide what is wrong.
    ordered = sorted(groups.values(), key=lambda g: (not g[0].trouble, -g[0].intervals * len(g)))
    for group in ordered[:_MOST_LINES]:
        yield from _of_group(group, is_all=len(ordered) == 1)
    hidden = [one for group in ordered[_MOST_LINES:] for one in group]
    if hidden:
        due = sum(one.intervals for one in hidden)
        yield from _filled(
            f"and {len(hidden)} series of which {wording.count(due, 'interval')} are due in other ways:"
            " --only shows some of them, --json all",
            2,
        )
    yield from _of_failures(found.series)
    for why in list(dict.fromkeys(one.why for one in found.waits))[:_MOST_LINES]:
        some = [one for one in found.waits if one.why == why]
        asked = f"{max(one.at for one in some)[:16].replace('T', ' ')} UTC"
        many = wording.count(len(some), "interval")
        yield from _filled(f"not ready when asked at {asked}: {many}, waiting for {why}", 2)
    if found.older:
        yield from _filled(f"{found.older}: {CURE}", 2)
    yield from _of_future(found)


def _of_group(group: list[SeriesPlan], *, is_all: bool) -> Iterator[str]:
    """Yield the series of which the same is due. `is_all` says that the report has no others."""
    first = group[0]
    who = _who(group)
    if first.trouble:
        yield from _filled(f"{who}: {first.trouble}" if who else first.trouble, 2)
        return
    indent = 4
    if first.due:
        each = " each" if len(group) > 1 else ""
        due = ", ".join(_some([_stretch(one) for one in first.due], "further stretches"))
        yield from _filled((f"{who}{each}: " if who else "") + due, 2)
    elif not is_all:
        yield from _filled(f"{who}: nothing is due", 2)
    else:  # which has just been said
        indent = 2
    for one in first.rest:
        yield from _filled(_why(first, one), indent)


def _stretch(stretch: Stretch) -> str:
    many = f" ({stretch.intervals:,})" if stretch.intervals > 1 else ""
    return f"{stretch.reason.value} {_range(stretch.first, stretch.last)}{many}"


def _who(group: list[SeriesPlan]) -> str:
    names = [str(one.series).partition(" ")[2] for one in group]
    if len(group) == 1:
        return names[0]
    listed = f" ({', '.join(names)})" if len(names) <= _MOST_NAMES else ""
    return f"{len(group)} series{listed}"


def _why(found: SeriesPlan, rest: Rest) -> str:
    ranges = [_range(first, last) for first, last, _ in labelled(found.series.report, rest.runs)]
    where = f": {', '.join(_some(ranges, 'further stretches'))}"
    counted = f"{rest.intervals:,}"
    match rest.why:
        case Why.DONE:
            return f"{counted} done{where}"
        case Why.HELD:
            return f"{counted} held{where}"
        case Why.FULL:
            return f"{counted} waiting until held results are accepted or rejected{where}"
        case Why.MAX_DATA_POINTS:
            return f"{counted} older than max_data_points keeps{where}"
        case Why.RANGE:
            return f"{counted} outside of --since and --until{where}"
        case Why.BACK_OFF:
            return f"{counted} that failed, to be tried again later{where}"
        case Why.BACKFILL:
            return f"{counted} left to later runs by max_intervals{where}"
        case Why.SCHEDULE:
            return f"{counted} waiting for the next tick of the schedule{where}"
        case Why.LAG:
            return f"{counted} waiting for the lag{where}"


def _of_failures(series: Iterable[SeriesPlan]) -> Iterator[str]:
    failing = [(interval, one.series) for one in series for interval in one.failing]
    if not failing:
        return
    worst, of = max(failing, key=lambda one: one[0].times)
    often = f"{worst.times} times in a row" if worst.times > 1 else "once"
    what = " ".join((*str(of).split(" ")[1:], worst.start))
    if len(failing) > 1:
        what = f"{wording.count(len(failing), 'interval')}, most often {what},"
    yield from _filled(f"failing: {what} {often}, the last time: {worst.error}", 2)


def _of_future(found: ReportPlan) -> Iterator[str]:
    report = found.report
    if found.next_due is None:
        yield "  no further interval: the report ends"
        return
    label = report.granularity.label(found.next_due.interval.start)
    yield f"  next: {label}, due from {found.next_due.due:%Y-%m-%d %H:%M} UTC on"
    if found.next_tick is not None:
        yield f"  next tick of '{report.schedule}': {found.next_tick:%Y-%m-%d %H:%M} UTC"


def _amount(count: int, seconds: float | None) -> str:
    if not count:
        return "nothing is due"
    are = "is" if count == 1 else "are"
    time = "how long that takes is not known"
    if seconds is not None:
        time = f"{_about(seconds)} if one after the other"
    return f"{wording.count(count, 'interval')} {are} due, {time}"


def _about(seconds: float) -> str:
    return f"about {wording.span(timedelta(seconds=seconds))}" if seconds >= 1 else "less than 1 s"


def _range(first: str, last: str) -> str:
    return first if first == last else f"{first} to {last}"


def _some(texts: list[str], further: str) -> list[str]:
    hidden = len(texts) - _MOST_RANGES
    return texts if hidden < 2 else [*texts[:_MOST_RANGES], f"{hidden} {further}"]


def _filled(text: str, indent: int = 0) -> list[str]:
    """Return a text in lines of 80 columns; paths and dates are not broken."""
    return wrap(
        text,
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 4),
        break_long_words=False,
        break_on_hyphens=False,
    )
