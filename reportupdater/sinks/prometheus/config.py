"""The configuration of Prometheus: its sections of a project, of host settings and of a report."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.sections import read_layers
from reportupdater.errors import Problem, Where
from reportupdater.model import Datapoint, Dimension, Report, SinkSettings
from reportupdater.sinks.base import Reader
from reportupdater.sinks.prometheus import reading
from reportupdater.sinks.prometheus.series import STYLE
from reportupdater.sinks.prometheus.times import LAST, written
from reportupdater.sinks.shared.templated import Templated
from reportupdater.web.access import Access

if TYPE_CHECKING:
    from reportupdater.sinks.client import Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusSettings(SinkSettings):
    """The project's section."""

    url: str | None = None
    query_url: str | None = None
    access: Access = field(default_factory=Access)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that all series have."""
    others: Mapping[str, PrometheusSettings] = field(default_factory=dict)
    """Settings of further receivers."""

    @property
    def destination(self) -> str | None:
        """The receiver of remote write; None if none is named."""
        return None if self.url is None else reading.destination(self.url, self.access)

    @property
    def can_be_asked(self) -> bool:
        """Whether there is a query API."""
        return self.query_url is not None


class PrometheusSink(Templated):
    """Prometheus, and what takes its remote write."""

    STYLE = STYLE
    KEYS = reading.KEYS
    REPORT_KEYS = reading.REPORT_KEYS
    LAST_REVISION = LAST

    def read(
        self, sections: Iterable[Section], folders: Folders
    ) -> tuple[SinkSettings | None, list[Problem]]:
        """Read the project's section with those of host settings laid over it."""
        keys, problems = read_layers(sections, self.KEYS, "prometheus")
        labels, wrong = reading.read_labels(keys)
        others, wrong_others = reading.read_others(keys)
        problems += wrong + wrong_others
        found: dict[str, PrometheusSettings] = {}
        for name, its in {"": keys, **others}.items():
            owner = reading.owner_of(name)
            access, wrong = reading.read_access(its, folders, owner)
            problems += wrong
            found[name] = PrometheusSettings(
                url=its["url"],
                query_url=its["query_url"],
                access=access,
                labels=labels,
                max_age=its["max_age"],
                enabled=keys["enabled"],
                drain_timeout=its["drain_timeout"],
            )
            if any(found[name].destination == one.destination for one in [*found.values()][:-1]):
                where = its.where("url", Where(""))
                what = f"'url' of {owner} is that of another receiver"
                problems.append(Problem(what, where, "name each receiver once"))
        first = found.pop("")
        return (None if problems else replace(first, others=found)), problems

    def read_report(
        self,
        section: Section,
        owner: str,
        dimensions: Sequence[Dimension],
        settings: SinkSettings | None,
    ) -> tuple[object | None, list[Problem]]:
        """Read a report's section, and check its labels with the values of the dimensions."""
        common = settings.labels if isinstance(settings, PrometheusSettings) else {}
        return reading.read_report(section, owner, dimensions, common)

    def families(self, report: Report) -> list[str]:
        """Return the names of a report's metrics."""
        return [*self.output(report).columns]

    def is_of_family(self, key: str, family: str) -> bool:
        """Return whether a series has a name."""
        return key == family or key.startswith(f"{family}{{")

    def head(self, family: str) -> str:
        """Return what OpenMetrics says of a metric first."""
        return f"# TYPE {family} gauge\n"

    def line(self, point: Datapoint) -> str:
        """Return a datapoint in OpenMetrics: times are seconds there."""
        assert point.revision is not None
        seconds, rest = divmod(written(point.timestamp, point.revision), 1000)
        return f"{point.key} {point.value} {seconds}.{rest:03d}\n"

    def deletion(self, key: str, timestamp: int) -> tuple[str, ...]:
        """Return a call of Prometheus' administration API, and of VictoriaMetrics', which takes no times."""
        first, last = (written(timestamp, revision) / 1000 for revision in (0, 999))
        call = "curl --fail $URL/api/v1/admin/tsdb/delete_series --data-urlencode"
        series = f"{call} {shlex.quote(f'match[]={key}')}"
        return (
            f"Prometheus: {series} --data start={first:.3f} --data end={last:.3f}",
            f"VictoriaMetrics: {series}  # all of the series: then `resend`",
        )

    def reader(self, settings: SinkSettings, url: str | None) -> Reader | None:
        """Return the query API that the settings name."""
        from reportupdater.sinks.prometheus.query import QueryApi

        assert isinstance(settings, PrometheusSettings)
        return QueryApi(settings.query_url, settings.access) if settings.query_url else None

    def sink(self, settings: SinkSettings) -> Sink:
        """Return a client for the receiver."""
        from reportupdater.sinks.prometheus.query import QueryApi
        from reportupdater.sinks.prometheus.sink import Receiver

        assert isinstance(settings, PrometheusSettings)
        assert settings.url is not None
        api = QueryApi(settings.query_url, settings.access) if settings.query_url else None
        return Receiver(settings.url, settings.access, str(settings.destination), api)
