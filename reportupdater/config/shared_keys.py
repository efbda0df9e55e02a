"""Series that would overwrite each other's datapoints in a sink, because they make the same series key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reportupdater.errors import Problem
from reportupdater.model import Report, Series, SinkSettings
from reportupdater.planning.explode import explode
from reportupdater.sinks.registry import definition

HINT = "for a date that both have, one takes the place of the other: let the two paths differ"


def without_shared(
    reports: Sequence[Report], sinks: Mapping[str, SinkSettings]
) -> tuple[list[Report], list[Problem]]:
    """Return reports without the outputs whose keys an earlier series makes too, and what is wrong.

    Only what the sink suspects is looked at in whole: there may be fifty thousand keys.
    """
    kept = list(reports)
    problems: list[Problem] = []
    for name, settings in sinks.items():
        sending = [report for report in kept if name in report.outputs]
        for group in definition(name).suspects(sending, settings):
            found = list(shared(group, name, settings))
            problems += found
            wrong = {problem.report for problem in found}
            kept = [_without(report, name) if report.name in wrong else report for report in kept]
    return kept, problems


def _without(report: Report, sink: str) -> Report:
    outputs = {name: output for name, output in report.outputs.items() if name != sink}
    return replace(report, outputs=outputs)


def shared(reports: Iterable[Report], name: str, settings: SinkSettings) -> Iterator[Problem]:
    """Yield an error for each report of which a series makes a key that an earlier one makes.

    Keys with columns in them are left out: only rows show these.
    """
    sink = definition(name)
    first: dict[str, Series] = {}
    for report in reports:
        if sink.needs_rows(report):
            continue
        clash = _clash(report, first, name, settings)
        if clash:
            key, one, other = clash
            what = f"{one} and {other} have one series key, {key!r}"
            yield Problem(what, sink.where(report), HINT, report=report.name)


def _clash(
    report: Report, first: dict[str, Series], name: str, settings: SinkSettings
) -> tuple[str, Series, Series] | None:
    for series in explode(report):
        for key in definition(name).series_keys(series, settings)[0]:
            other = first.setdefault(key, series)
            if other is not series and overlap(report, other.report):
                return key, series, other
    return None


def overlap(one: Report, other: Report) -> bool:
    """Return whether two reports can have an interval in common: one may have succeeded the other."""
    return one is other or not (
        (one.ends is not None and one.ends <= other.starts)
        or (other.ends is not None and other.ends <= one.starts)
    )
