"""Data that come late, at random, with lookback, reruns, held results, kills: nothing is forgotten.

A model of a few lines says which cell each run computes, and what the source gave then. After each run the
TSVs and the sink have that, but for what is held, and every value that was replaced is in the history.
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
from reportupdater.operations.accept import accept
from reportupdater.operations.held import HeldRequest
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
    checks: {{{{range: {{{{n: {{{{max: 500}}}}}}}}}}}}
    explode_by: {{{{wiki: 'a, b'}}}}
    graphite: {{{{path: 'x.{{{{wiki}}}}.{{{{_metric}}}}', metrics: {{{{n: n}}}}}}}}
"""
QUERY = """SELECT '{from_date}' AS date, coalesce(sum(n), 0) AS n FROM source
WHERE wiki = '{wiki}' AND day = '{from_date}'"""

Cell = tuple[str, int]
days = st.integers(0, 30)
counts = {"runs": 0, "kills": 0, "changes": 0, "found": 0, "held": 0}


def label(day: int) -> str:
    return f"{FIRST + timedelta(days=day):%Y-%m-%d}"


def day_of(start: str) -> int:
    return (datetime.fromisoformat(start) - FIRST).days


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
        self.held: set[Cell] = set()
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
        self.over += 1
        self.go()

    @rule(wiki=st.sampled_from(WIKIS), back=st.integers(0, LOOKBACK), accepts=st.booleans())
    def spoil(self, wiki: str, back: int, accepts: bool) -> None:
        """A wrong number comes with a new day, is held, accepted or not, and then corrected."""
        self.go()
        self.over += 1
        cell = wiki, self.over - 1 - back
        self.arrive(*cell, 1000)
        self.go()
        assert self.held == {cell}
        counts["held"] += 1
        if accepts:
            request = HeldRequest(
                project=self.project.folder,
                output=self.project.output,
                now=FIRST + timedelta(days=self.over),
                host_files=(),
            )
            assert accept(request).is_good
            self.publish(cell)
            self.compare()
        self.arrive(*cell, -1000)
        self.ask(cell[1], 1, wiki)
        self.go()

    @rule(more=st.integers(1, 6))
    def days_pass(self, more: int) -> None:
        self.over += more

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
        self.asked |= wanted & {*self.tsv, *self.held}

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
        assert (result.failed.total, result.troubles.total, result.waiting) == (0, 0, 0), result
        newest = self.over - 1
        for wiki in WIKIS:
            for day in range(self.over):
                cell = wiki, day
                is_late = (
                    newest - LOOKBACK <= day < newest and self.computed.get(cell, 0) < self.over
                )
                is_missing = cell not in self.tsv and cell not in self.held
                if is_missing or cell in self.asked or is_late:
                    self.compute(cell)
        assert result.open_held == len(self.held)
        self.asked.clear()
        self.compare()

    def compute(self, cell: Cell) -> None:
        self.computed[cell] = self.over
        if self.source[cell] > 500:
            self.held.add(cell)
        else:
            self.publish(cell)

    def publish(self, cell: Cell) -> None:
        self.held.discard(cell)
        value = self.source[cell]
        before = self.tsv.get(cell)
        if before is not None and before != value:
            self.former.setdefault(cell, []).append(before)
            counts["found"] += 1
        self.tsv[cell] = value

    def compare(self) -> None:
        """TSVs, sink and history have what the model has."""
        sent: dict[Cell, int] = {}
        for line in self.graphite.lines:
            key, value, moment = line.split()
            sent[key.split(".")[1], (int(moment) - 1735689600) // 86400] = int(value)
        for wiki in WIKIS:
            rows = self.project.rows(f"edits/{wiki}")[1:]
            assert rows == sorted(rows)
            stored = {(wiki, day_of(row[0])): int(row[1]) for row in rows}
            assert stored == {cell: n for cell, n in self.tsv.items() if cell[0] == wiki}
            with look(self.project.output) as connection:
                assert connection is not None
                kept = revisions.of_series(connection, f"edits/{wiki}.tsv")
            found: dict[Cell, list[int]] = {}
            for one in kept:
                found.setdefault((wiki, day_of(one.start)), []).append(int(one.rows[0][1]))
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
    record("data that come late, held results, under kills and reruns", wrong=0, **counts)
