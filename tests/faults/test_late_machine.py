"""Data that come late, at random, with lookback, reruns, kills: the figures follow, and nothing is forgotten.

A model of a few lines says which cell each run computes, and what the source gave then. After each run the
TSVs and the sink have that, and every value that was replaced is in the history.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from reportupdater import Request, run
from reportupdater.operations.rerun import rerun
from reportupdater.state import revisions
from reportupdater.state.connection import look
from tests.faults.soak import cases, record
from tests.helpers import Project
from tests.servers.receivers import reads_all, receiver

pytestmark = pytest.mark.long

FIRST = datetime(2025, 1, 1)
WIKIS = ("a", "b")
LOOKBACK = 3
CONFIG = f"""
databases: {{{{local: {{{{engine: sqlite, path: data.sqlite}}}}}}}}
graphite: {{{{host: 127.0.0.1, port: {{port}}}}}}
reports:
  edits:
    db: local
    granularity: days
    starts: 2025-01-01
    lookback: {LOOKBACK}
    explode_by: {{{{wiki: 'a, b'}}}}
    graphite: {{{{path: 'x.{{{{wiki}}}}.{{{{_metric}}}}', metrics: {{{{n: n}}}}}}}}
"""
QUERY = """SELECT '{from_date}' AS date, coalesce(sum(n), 0) AS n FROM source
WHERE wiki = '{wiki}' AND day = '{from_date}'"""

Cell = tuple[str, int]
days = st.integers(0, 30)
counts = {"runs": 0, "kills": 0, "changes": 0, "found": 0}


def label(day: int) -> str:
    return f"{FIRST + timedelta(days=day):%Y-%m-%d}"


class Late(RuleBasedStateMachine):
    """A source that grows at any time, and the runs that follow it."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.folder = Path(tempfile.mkdtemp())
        self.graphite = self.opened.enter_context(receiver(reads_all))
        config = CONFIG.format(port=self.graphite.port)
        self.project = Project(self.folder, config, {"edits.sql": QUERY})
        with self.database() as connection, connection:
            connection.execute("CREATE TABLE source (wiki, day, n)")
        self.over = 5
        self.source: Counter[Cell] = Counter()
        self.asked: set[Cell] = set()
        self.tsv: dict[Cell, int] = {}
        self.computed: dict[Cell, int] = {}
        """Cell → how many days were over when it was computed last."""
        self.former: dict[Cell, list[int]] = {}
        """Cell → the values that later ones have replaced."""

    def teardown(self) -> None:
        # Once all has come and a new day is over, what the lookback reaches is what the source has.
        self.over += 1
        self.go()
        for wiki in WIKIS:
            for day in range(self.over - 1 - LOOKBACK, self.over):
                assert self.tsv[wiki, day] == self.source[wiki, day]
        self.opened.close()
        shutil.rmtree(self.folder)

    def database(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.project.folder / "data.sqlite"))

    def request(self) -> Request:
        now = FIRST + timedelta(days=self.over)
        return Request(
            project=self.project.folder,
            output=self.project.output,
            now=now,
            send=True,
            host_files=(),
        )

    @initialize()
    def begin(self) -> None:
        for day in range(self.over):
            self.arrive("a", day, 1)
        self.go()

    @rule(wiki=st.sampled_from(WIKIS), day=days, n=st.integers(-2, 9))
    def arrive(self, wiki: str, day: int, n: int) -> None:
        """Data come, of a day that may be over for long; or are taken back."""
        with self.database() as connection, connection:
            connection.execute("INSERT INTO source VALUES (?, ?, ?)", (wiki, label(day), n))
        self.source[wiki, day] += n
        counts["changes"] += 1

    @rule(wiki=st.sampled_from(WIKIS), back=st.integers(0, 5), n=st.integers(1, 9))
    def arrive_late(self, wiki: str, back: int, n: int) -> None:
        """Data of one of the last days come, and a run looks for them when the next day is over."""
        self.go()
        self.arrive(wiki, self.over - 1 - back, n)
        self.over = min(30, self.over + 1)
        self.go()

    @rule(more=st.integers(1, 6))
    def days_pass(self, more: int) -> None:
        self.over = min(30, self.over + more)

    @rule(first=days, many=st.integers(1, 5), wiki=st.sampled_from(WIKIS))
    def ask(self, first: int, many: int, wiki: str) -> None:
        """Someone asks for some days of a wiki again."""
        request = Request(
            project=self.project.folder,
            output=self.project.output,
            now=FIRST + timedelta(days=self.over),
            since=FIRST + timedelta(days=first),
            until=FIRST + timedelta(days=first + many),
            only={"wiki": {wiki}},
            host_files=(),
        )
        rerun(request)
        wanted = {(wiki, day) for day in range(first, min(first + many, self.over))}
        self.asked |= wanted & self.tsv.keys()

    @rule(seconds=st.floats(0.05, 0.6))
    def kill(self, seconds: float) -> None:
        """A run is killed at any moment; the next one goes on."""
        with self.project.started("--send", now=label(self.over)) as started:
            time.sleep(seconds)
            started.process.kill()
            started.process.wait()
        counts["kills"] += 1
        self.go()

    @rule()
    def go(self) -> None:
        result = run(self.request())
        counts["runs"] += 1
        assert result.is_good, result
        newest = self.over - 1
        for wiki in WIKIS:
            for day in range(self.over):
                cell = wiki, day
                is_late = (
                    newest - LOOKBACK <= day < newest and self.computed.get(cell, 0) < self.over
                )
                if cell not in self.tsv or cell in self.asked or is_late:
                    self.compute(cell)
        self.asked.clear()
        self.compare()

    def compute(self, cell: Cell) -> None:
        value = self.source[cell]
        before = self.tsv.get(cell)
        if before is not None and before != value:
            self.former.setdefault(cell, []).append(before)
            counts["found"] += 1
        self.tsv[cell] = value
        self.computed[cell] = self.over

    def compare(self) -> None:
        """TSVs, sink and history have what the model has."""
        sent: dict[Cell, int] = {}
        for line in self.graphite.lines:
            key, value, moment = line.split()
            sent[key.split(".")[1], (int(moment) - 1735689600) // 86400] = int(value)
        for wiki in WIKIS:
            rows = self.project.rows(f"edits/{wiki}")[1:]
            assert [row[0] for row in rows] == [label(day) for day in range(len(rows))]
            stored = {(wiki, day): int(row[1]) for day, row in enumerate(rows)}
            assert stored == {cell: n for cell, n in self.tsv.items() if cell[0] == wiki}
            with look(self.project.output) as connection:
                assert connection is not None
                kept = revisions.of_series(connection, f"edits/{wiki}.tsv")
            found: dict[Cell, list[int]] = {}
            for one in kept:
                day = (datetime.fromisoformat(one.start) - FIRST).days
                found.setdefault((wiki, day), []).append(int(one.rows[0][1]))
            assert found == {cell: old for cell, old in self.former.items() if cell[0] == wiki}
        assert sent == self.tsv


def test_late_data_are_found_sent_and_remembered() -> None:
    run_state_machine_as_test(
        Late,
        settings=settings(
            max_examples=cases(6, 400),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record("data that come late, under kills and reruns", wrong=0, **counts)
