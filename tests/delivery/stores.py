"""Projects that send to a store of remote write, and what it should have of them."""

from __future__ import annotations

import uuid
from calendar import timegm
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reportupdater.sinks.prometheus.query import QueryApi
from reportupdater.web.access import Access
from tests.helpers import SQLITE, Project, wait_until
from tests.servers.stores import Samples, Store

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
DAYS = 6
"""Of which the project has results, the last of them yesterday."""
FIRST = TODAY - timedelta(days=DAYS)
NOW = f"{TODAY:%Y-%m-%d}"
QUERY = """SELECT '{from_date}' AS date, n FROM
(SELECT CAST(substr('{from_date}', 9) AS INTEGER) + {add} AS n) WHERE {where}"""

Values = dict[int, float]
"""Moment → value."""


def label(day: int) -> str:
    """The date of a day, counted from the first."""
    return f"{FIRST + timedelta(days=day):%Y-%m-%d}"


def moment(day: int) -> int:
    """The moment of a day's datapoint."""
    return timegm((FIRST + timedelta(days=day)).timetuple())


class Sending:
    """A project with one report, whose datapoints go to a store under a metric of its own."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        metric: str | None = None,
        section: str | None = None,
        report: str = "edits",
        keys: str = "",
    ) -> None:
        """`section` is the project's section, `keys` are further keys of the report."""
        self.store = store
        self.metric = metric or f"m_{uuid.uuid4().hex[:12]}"
        self.report = report
        config = (
            f"{SQLITE}prometheus: {section or store.section}\n"
            f"reports:\n  {report}:\n    starts: {label(0)}\n"
            f"    prometheus: {{metrics: {{{self.metric}: n}}}}\n{keys}"
        )
        self.project = Project(folder, config)
        self.gives()

    def gives(self, add: int = 0, where: str = "1") -> None:
        """Let the query give the day of the month and so many more, where a condition holds."""
        text = QUERY.replace("{add}", str(add)).replace("{where}", where)
        self.project.write(f"{self.report}.sql", text)

    def run(self, *arguments: str, now: str = NOW, code: int = 0) -> str:
        """Run the project, and return what it says."""
        return self.project.run(*arguments, now=now, code=code)

    def again(self, first: int, past: int, *arguments: str, code: int = 0) -> str:
        """Have days computed again."""
        self.call("rerun", "--since", label(first), "--until", label(past), *arguments)
        return self.run(code=code)

    def call(self, command: str, *arguments: str, code: int = 0) -> str:
        """Call another command of the project and its output; what it prints, on both streams."""
        one = self.project
        called = one.call(command, *arguments, one.folder, one.output, code=code)
        return called.stdout + called.stderr

    @property
    def wanted(self) -> Values:
        """What the TSV has."""
        rows = self.project.rows(self.report)[1:]
        return {timegm(datetime.fromisoformat(date).timetuple()): float(n) for date, n in rows if n}

    @property
    def values(self) -> Values:
        """What the store shows."""
        return self.store.values(f'{{__name__="{self.metric}"}}').get(self.metric, {})

    @property
    def samples(self) -> Mapping[int, float]:
        """All that the store has, revision by revision, by milliseconds."""
        samples: Samples = self.store.samples(f'{{__name__="{self.metric}"}}')
        return samples.get(self.metric, {})

    def revisions(self, day: int) -> list[int]:
        """The revisions of a day that the store has."""
        at = moment(day) * 1000
        return sorted(one - at + 999 for one in self.samples if at - 1000 < one <= at)

    def is_whole(self) -> None:
        assert self.values == self.wanted
        assert self.project.state("SELECT count(*) FROM outbox") == [(0,)]

    def is_shown(self) -> None:
        """Wait until the store shows what it has, as it is asked before it is sent a new series.

        VictoriaMetrics shows a new series after seconds, to some queries before others.
        """
        api = QueryApi(self.store.url, Access())

        def shown() -> Values:
            self.store.flush()
            present = api.present({self.metric: moment(0)})
            return {at: one.value for at, one in present.get(self.metric, {}).items()}

        wait_until(lambda: shown() == self.wanted)
        api.close()

    def said_by_verify(self, code: int = 0) -> str:
        """What `verify` says, once all can be seen."""
        self.store.flush()
        return self.call("verify", code=code)
