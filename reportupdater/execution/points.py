"""From a checked result to its datapoints."""

from __future__ import annotations

from reportupdater.execution.check import Checked
from reportupdater.model import GraphiteConfig, Task
from reportupdater.sinks.base import Sink
from reportupdater.sinks.datapoints import Made, datapoints


def points_of(
    config: GraphiteConfig | None, sink: Sink | None, task: Task, result: Checked
) -> Made | None:
    """The datapoints of a result; None where none are sent."""
    if sink is None or config is None or task.series.report.graphite is None:
        return None
    return datapoints(task.series, result.header, result.rows, config.lookups)
