"""Which reports may make one series key twice, without making their keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reportupdater.model import Report
from reportupdater.sinks.shared.naming import METRIC, Lookups, Metrics, needs_rows
from reportupdater.template import Placeholder


def suspects(
    reports: Sequence[Report], outputs: Mapping[Report, Metrics], lookups: Lookups
) -> Iterator[Sequence[Report]]:
    """Yield groups of reports to be looked at: each alone that may repeat a path, then equal paths.

    Paths with columns in them are left out: only rows show these.
    """
    groups: dict[str, list[Report]] = {}
    for report in reports:
        metrics = outputs[report]
        if needs_rows(metrics, (dimension.name for dimension in report.dimensions)):
            continue
        groups.setdefault(metrics.path.text, []).append(report)
        if _may_repeat(report, metrics, lookups):
            yield [report]
    for group in groups.values():
        if len(group) > 1 and _share_a_metric([outputs[report] for report in group]):
            yield group


def _may_repeat(report: Report, metrics: Metrics, lookups: Lookups) -> bool:
    """Return whether one node of the path has several values, or a value makes several nodes."""
    names = {METRIC: tuple(metrics.columns)}
    for dimension in report.dimensions:
        lookup = lookups.get(dimension.name, {})
        names[dimension.name] = tuple(lookup.get(value, value) for value in dimension.values)
    many = {name for name, values in names.items() if len(values) > 1}
    used = [part.name for part in metrics.path.placeholders if part.name in many]
    if len(used) < 2:
        return False  # different values are known to make different paths
    style = metrics.style
    in_node = 0
    for part in metrics.path.parts:
        if isinstance(part, Placeholder):
            in_node += part.name in many
        elif style.SEPARATOR in part:
            in_node = 0
        if in_node > 1:
            return True
    return style.VALUES_SPLIT and any(
        style.SEPARATOR in value for name in set(used) for value in names[name]
    )


def _share_a_metric(some: Sequence[Metrics]) -> bool:
    """Return whether a metric's name is that of two reports, or the path has none."""
    if not any(part.name == METRIC for part in some[0].path.placeholders):
        return True
    names = [name for metrics in some for name in metrics.columns]
    return len({*names}) < len(names)
