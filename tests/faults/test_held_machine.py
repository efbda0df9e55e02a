"""Reruns, held results, decisions, hand edits, kills and lost states, in any order.

After each run a TSV has the newest accepted result of every interval, and the sink has what the TSV has,
but for values that were emptied, which the status lists. The source says what a query gives now; a model
of a few lines says what may have become of each cell.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from reportupdater import Request, StatusRequest, run, status
from reportupdater.operations.accept import accept
from reportupdater.operations.held import HeldRequest
from reportupdater.operations.reject import reject
from reportupdater.operations.rerun import decide_files, rerun
from tests.faults.soak import cases, record
from tests.helpers import Project
from tests.servers.receivers import reads_all, receiver

pytestmark = pytest.mark.long

FIRST = datetime(2025, 1, 1)
WIKIS = ("a", "b")
CONFIG = """
databases: {{local: {{engine: sqlite, path: data.sqlite}}}}
graphite: {{host: 127.0.0.1, port: {port}}}
reports:
  edits:
    db: local
    granularity: days
    starts: 2025-01-01
    explode_by: {{wiki: 'a, b'}}
    graphite: {{path: 'x.{{wiki}}.{{_metric}}', metrics: {{n: n}}}}
"""
QUERY = """SELECT '{from_date}' AS date, n FROM source
WHERE wiki = '{wiki}' AND day = '{from_date}'"""

Cell = tuple[str, str]
days = st.integers(0, 11)
wikis = st.sampled_from(WIKIS)
counts = {
    "runs": 0,
    "kills": 0,
    "held": 0,
    "accepted": 0,
    "rejected": 0,
    "states lost": 0,
    "files": 0,
}


def label(day: int) -> str:
    return f"{FIRST + timedelta(days=day):%Y-%m-%d}"


class Figures(RuleBasedStateMachine):
    """What may happen to an output folder, and what must hold after each run."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.folder = Path(tempfile.mkdtemp())
        self.graphite = self.opened.enter_context(receiver(reads_all))
        config = CONFIG.format(port=self.graphite.port)
        self.project = Project(self.folder, config, {"edits.sql": QUERY})
        with self.database() as connection, connection:
            connection.execute("CREATE TABLE source (wiki, day, n, PRIMARY KEY (wiki, day))")
        self.over = 3
        self.source: dict[Cell, str] = {}
        self.asked: dict[Cell, bool] = {}
        """Cells that are to be computed again, and whether they may become empty."""
        self.known = False
        """Whether the state knows the report."""
        self.files: dict[str, tuple[int, int]] = {}
        """Rerun files that no run has taken up, with their days."""
        self.left: dict[str, tuple[int, int]] = {}
        """Those that a new state has found, or will find: no run may take them up unasked."""
        self.untracked: set[Cell] = set()
        """Cells of which no one knows what was sent: a row was deleted by hand, or the state is lost."""

    def teardown(self) -> None:
        self.opened.close()
        shutil.rmtree(self.folder)

    def database(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self.project.folder / "data.sqlite"))

    def cells(self) -> dict[Cell, str]:
        """What the TSVs have."""
        found = {}
        for wiki in WIKIS:
            if self.project.tsv(f"edits/{wiki}").exists():
                for day, value in self.project.rows(f"edits/{wiki}")[1:]:
                    found[wiki, day] = value
        return found

    def held(self) -> set[Cell]:
        request = StatusRequest(output=self.project.output, source=self.request())
        (report,) = status(request).reports
        return {(one.tsv[len("edits/")], one.start) for one in report.held}

    def request(self) -> Request:
        now = FIRST + timedelta(days=self.over)
        return Request(
            project=self.project.folder,
            output=self.project.output,
            now=now,
            send=True,
            host_files=(),
        )

    def deciding(self, only: str) -> HeldRequest:
        return HeldRequest(
            project=self.project.folder,
            output=self.project.output,
            now=FIRST + timedelta(days=self.over),
            host_files=(),
            only={"wiki": {only}} if only else {},
        )

    @initialize()
    def begin(self) -> None:
        for wiki in WIKIS:
            for day in range(4):
                self.change(wiki, day, day + 1)
        self.go()

    @rule(wiki=wikis, day=days, value=st.one_of(st.none(), st.integers(0, 9)))
    def change(self, wiki: str, day: int, value: int | None) -> None:
        """The source gets another value, or loses it."""
        with self.database() as connection, connection:
            cell = wiki, label(day)
            connection.execute("DELETE FROM source WHERE wiki = ? AND day = ?", cell)
            self.source.pop(cell, None)
            if value is not None:
                connection.execute("INSERT INTO source VALUES (?, ?, ?)", (*cell, value))
                self.source[cell] = str(value)

    @rule()
    def purge(self) -> None:
        """The source is deleted."""
        with self.database() as connection, connection:
            connection.execute("DELETE FROM source")
        self.source.clear()

    @rule(wiki=wikis, first=days, count=st.integers(1, 4))
    def rerun_over_nothing(self, wiki: str, first: int, count: int) -> None:
        """Data are deleted, and someone asks for them again: what makes results held."""
        for day in range(first, first + count):
            self.change(wiki, day, None)
        self.ask(first, count, allow=False)
        self.go()

    @rule(more=st.integers(1, 3))
    def wait(self, more: int) -> None:
        self.over = min(12, self.over + more)

    @rule(first=days, count=st.integers(1, 12), allow=st.booleans())
    def ask(self, first: int, count: int, allow: bool) -> None:
        if not self.project.output.exists():
            return
        since, until = FIRST + timedelta(days=first), FIRST + timedelta(days=first + count)
        request = self.request()
        asked = Request(
            project=request.project,
            output=request.output,
            now=request.now,
            since=since,
            until=until,
            host_files=(),
        )
        rerun(asked, allow_empty=allow)
        self.mark((first, first + count), allow=allow)
        for cell in self.asked:
            if label(first) <= cell[1] < label(first + count):
                self.asked[cell] = allow

    def mark(self, span: tuple[int, int], *, allow: bool = False) -> None:
        """What is done of some days is requested."""
        done = {**self.cells(), **dict.fromkeys(self.held(), "")}
        for day in range(*span):
            for wiki in WIKIS:
                if (wiki, label(day)) in done and day < self.over:
                    self.asked.setdefault((wiki, label(day)), allow)

    @rule(first=days, count=st.integers(1, 12))
    def leave_file(self, first: int, count: int) -> None:
        """Someone leaves a file in `.reruns/`."""
        if self.known:
            name = f"{counts['files']}"
            counts["files"] += 1
            span = first, first + count
            since, until = map(label, span)
            self.project.write(f".reruns/{name}", f"{since}\n{until}\n")
            self.files[name] = span

    @rule(accepts=st.booleans())
    def decide_on_files(self, accepts: bool) -> None:
        found = decide_files(self.request(), accept=accepts)
        for file in found.files:
            span = self.left.pop(file.path.name)
            if accepts:
                self.mark(span)

    @rule(wiki=wikis, day=days)
    def edit(self, wiki: str, day: int) -> None:
        """Someone deletes a row."""
        path = self.project.tsv(f"edits/{wiki}")
        if path.exists():
            kept = [
                line for line in path.read_text().splitlines() if not line.startswith(label(day))
            ]
            path.write_text("".join(f"{line}\n" for line in kept))

    @rule(only=st.sampled_from(["", *WIKIS]))
    def accept_some(self, only: str) -> None:
        before, held = self.cells(), self.held()
        meant = {cell for cell in held if not only or cell[0] == only}
        accept(self.deciding(only))
        after = self.cells()
        counts["accepted"] += len(meant)
        assert {cell: after.get(cell) for cell in meant} == dict.fromkeys(meant, "")
        assert self.held() == held - meant
        rest = {*before, *after} - meant
        assert {cell: after.get(cell) for cell in rest} == {c: before.get(c) for c in rest}
        self.compare_sink()

    @rule(only=st.sampled_from(["", *WIKIS]))
    def reject_some(self, only: str) -> None:
        before, held = self.cells(), self.held()
        found = reject(self.deciding(only))
        counts["rejected"] += len(found.results)
        assert self.held() == {cell for cell in held if only and cell[0] != only}
        assert self.cells() == before

    @rule()
    def lose_state(self) -> None:
        shutil.rmtree(self.project.output / ".reportupdater", ignore_errors=True)
        self.asked.clear()
        self.known = False
        for path in (self.project.folder / ".reruns").glob("*"):
            since, until = path.read_text().split()
            first = (datetime.fromisoformat(since) - FIRST).days
            self.left[path.name] = first, (datetime.fromisoformat(until) - FIRST).days
        self.files.clear()
        self.untracked.update((wiki, label(day)) for wiki in WIKIS for day in range(12))
        counts["states lost"] += 1

    @rule(seconds=st.floats(0.05, 0.6))
    def kill(self, seconds: float) -> None:
        """A run is killed at any moment; the next one goes on."""
        now = f"{FIRST + timedelta(days=self.over):%Y-%m-%d}"
        self.take_files()
        with self.project.started("--send", now=now) as started:
            time.sleep(seconds)
            started.process.kill()
            started.process.wait()
        counts["kills"] += 1
        self.go(killed=True)

    @rule()
    def go(self, killed: bool = False) -> None:
        self.take_files()
        before = self.cells() if self.project.output.exists() else {}
        held = self.held() if self.project.output.exists() and before else set()
        result = run(self.request())
        counts["runs"] += 1
        assert not result.failed
        assert all("is of before this state" in line for line in result.troubles.lines)
        assert self.left or not result.troubles
        self.known = True
        after, now_held = self.cells(), self.held()
        counts["held"] += len(now_held - held)
        waits = {wiki for wiki in WIKIS if any(wiki == one for one, _ in now_held)}
        for day in range(self.over):
            for wiki in WIKIS:
                self.check((wiki, label(day)), before, after, now_held, waits, killed=killed)
        for cell in list(self.asked):
            if cell[0] not in waits or cell in now_held:
                del self.asked[cell]
        assert all(day < label(self.over) for _, day in after)
        self.compare_sink()

    def check(
        self,
        cell: Cell,
        before: dict[Cell, str],
        after: dict[Cell, str],
        held: set[Cell],
        waits: set[str],
        *,
        killed: bool,
    ) -> None:
        old, new, gives = before.get(cell), after.get(cell), self.source.get(cell)
        where = (cell, old, new, gives, self.asked.get(cell), held)
        if old == new and cell not in self.asked and old is not None:
            return  # as it was
        if cell in held:
            # Nothing good is emptied: it is as it was, and the source has nothing.
            assert (new == old and gives is None) or killed, where
        elif cell in self.asked or old is None:
            if new == (gives or ""):
                # A value that is gone was allowed to go.
                assert new or not old or self.asked.get(cell) or killed, where
            else:  # enough of the series is held: it waits
                assert cell[0] in waits, where
                assert new == old, where
        else:
            assert killed, where

    def take_files(self) -> None:
        """What the next run does with the files that have come since the state knows the report."""
        for span in self.files.values():
            self.mark(span)
        self.files.clear()

    def compare_sink(self) -> None:
        """The sink has what the TSVs have, and of emptied ones what it had."""
        sent = {}
        for line in self.graphite.lines:
            path, value, moment = line.split()
            day = f"{datetime(1970, 1, 1) + timedelta(seconds=int(moment)):%Y-%m-%d}"
            sent[path.split(".")[1], day] = value
        request = StatusRequest(output=self.project.output, source=self.request())
        (report,) = status(request).reports
        listed = {(one.tsv[len("edits/")], one.start) for one in report.emptied}
        cells = self.cells()
        for cell, value in cells.items():
            if value:
                assert sent.get(cell) == value, (cell, value, sent.get(cell))
                assert cell not in listed
            elif cell in sent and cell not in self.untracked:
                assert cell in listed, cell


def test_what_is_accepted_is_stored_and_sent_and_nothing_good_is_lost() -> None:
    run_state_machine_as_test(
        Figures,
        settings=settings(
            max_examples=cases(6, 400),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record(
        "results held, states lost with rerun files, under kills and decisions", wrong=0, **counts
    )
