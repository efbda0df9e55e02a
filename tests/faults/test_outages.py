"""A MariaDB that is killed, cut off, frozen or slow at any moment: nothing half is stored."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest

from tests.faults.scaled import scaled
from tests.faults.soak import cases, record
from tests.helpers import Project, Rows, on_mariadb, wait_until
from tests.servers.mariadb import Mariadb, running_mariadb
from tests.servers.receivers import Behaviour, Receiver, receiver, relaying

pytestmark = pytest.mark.long

NOW = "2025-01-07"
DATES = [f"2025-01-{day:02}" for day in range(1, 7)]
WIKIS = ("a", "b", "c")
ROWS = 200
# Some ten kilobytes, of which every row must be there.
QUERY = (
    "SELECT '{from_date}' AS date, '{wiki}' AS wiki, seq, MD5(CONCAT('{from_date}{wiki}', seq)) AS sum"
    f" FROM seq_1_to_{ROWS}"
)
SLOW = f"{QUERY} WHERE SLEEP(IF(seq = {ROWS}, 0.05, 0)) = 0"
KEYS = "explode_by: {wiki: 'a, b, c'}, timeout: 1"


def expected(wiki: str) -> Rows:
    """The TSV of a wiki, by plain Python."""
    rows = [["date", "wiki", "seq", "sum"]]
    for date in DATES:
        for number in range(1, ROWS + 1):
            found = hashlib.md5(f"{date}{wiki}{number}".encode()).hexdigest()
            rows.append([date, wiki, str(number), found])
    return rows


EXPECTED = {wiki: expected(wiki) for wiki in WIKIS}


class Figures:
    """What the rounds of a test have come to."""

    def __init__(self, connecting: float = 1) -> None:
        """`connecting` is how many seconds a run takes to connect, at most."""
        self._connecting = connecting
        self.cases = self.runs = self.faults = self.lost = self.wrong = self.left_over = 0

    def run(self, project: Project, fault: Callable[[], None] | None = None) -> bool:
        """Run the project while `fault` does its harm; whether the run was good."""
        # With --since what has failed is tried again at once, and not after an hour.
        through = scaled(self._connecting)
        with project.started("--since", "2000-01-01", now=NOW, through=through) as run:
            if fault is not None:
                fault()
            code = run.process.wait(120)
            said = run.ended(code)
        assert code == (1 if said else 0), said
        self.runs += 1
        return code == 0

    def run_until_good(self, project: Project) -> None:
        """Run the project, again and again."""
        for _ in range(20):
            if self.run(project):
                return
        raise AssertionError("it is never done")

    def check(self, project: Project) -> None:
        """Take in what has been done, perhaps by several runs."""
        self.cases += 1
        for wiki in WIKIS:
            rows = project.rows(f"edits/{wiki}")
            self.lost += len([row for row in EXPECTED[wiki] if row not in rows])
            self.wrong += len([row for row in rows if row not in EXPECTED[wiki]])
            self.wrong += len(rows) != len(EXPECTED[wiki])
        again = "SELECT 1 FROM attempts WHERE NOT failed GROUP BY series, start HAVING count(*) > 1"
        self.wrong += len(project.state(again))
        self.left_over += len(project.state("SELECT 1 FROM journal"))

    def good(self) -> dict[str, float]:
        """They, if nothing is wrong."""
        assert (self.lost, self.wrong, self.left_over) == (0, 0, 0)
        return {
            "cases": self.cases,
            "runs": self.runs,
            "faults": self.faults,
            "lost": self.lost,
            "wrong": self.wrong,
            "left_over": self.left_over,
        }


def in_trouble(rng: random.Random, port: int, figures: Figures) -> Behaviour:
    """What stands before a server: the first connections break, hang, or are cut off anywhere."""
    healthy = relaying(port, pause=rng.choice([0, 0, 0.001]))
    ends = ["close", "reset", "hang"]
    troubles = [
        relaying(port, limit=int(10 ** rng.uniform(0, 5)), end=rng.choice(ends))
        for _ in range(rng.randint(1, 12))
    ]
    figures.faults += len(troubles)
    ahead = iter(troubles)

    def behave(server: Receiver, connection: socket.socket) -> None:
        next(ahead, healthy)(server, connection)

    return behave


def project_on(folder: Path, server: Mariadb, port: int, query: str) -> Project:
    config = on_mariadb(server, "db: mysql").replace(f"port: {server.port}", f"port: {port}")
    return Project(folder, f"{config}reports: {{edits: {{{KEYS}}}}}\n", {"edits.sql": query})


def test_an_answer_that_is_cut_off_anywhere_is_never_stored_in_part(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    figures = Figures()
    for seed in range(cases(3, 100)):
        rng = random.Random(seed)
        with receiver(in_trouble(rng, mariadb.port, figures)) as relay:
            project = project_on(tmp_path / str(seed), mariadb, relay.port, QUERY)
            figures.run_until_good(project)
        figures.check(project)
    record("answers of MariaDB that are cut off, reset or hang anywhere", **figures.good())


@pytest.fixture
def own_mariadb() -> Iterator[Mariadb]:
    """A server that may be killed."""
    with running_mariadb() as server:
        yield server


def killed(server: Mariadb, rng: random.Random) -> None:
    """Away for up to three seconds."""
    server.stop(kill=True)
    time.sleep(rng.uniform(0, 3))
    server.start()


def connections_killed(server: Mariadb, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 5)):
        with contextlib.closing(server.admin()) as administrator:
            for number in server.queries():
                with contextlib.suppress(pymysql.err.OperationalError):
                    administrator.query(f"KILL CONNECTION {number}")
        time.sleep(rng.uniform(0, 0.1))


def frozen(server: Mariadb, rng: random.Random) -> None:
    """Takes connections and bytes, and answers nothing, for longer or shorter than it is waited for."""
    with server.frozen():
        time.sleep(rng.uniform(0.2, 4))


FAULTS = [killed, frozen, connections_killed]


def test_a_server_that_fails_at_any_moment_costs_no_interval(
    own_mariadb: Mariadb, tmp_path: Path
) -> None:
    figures = Figures()
    for seed in range(cases(3, 90)):
        rng = random.Random(seed)
        project = project_on(tmp_path / str(seed), own_mariadb, own_mariadb.port, SLOW)

        def harm(fault: Callable[[Mariadb, random.Random], None] = FAULTS[seed % 3]) -> None:
            wait_until(own_mariadb.queries)
            time.sleep(rng.uniform(0, 0.3))  # noqa: B023 - called within the round
            fault(own_mariadb, rng)  # noqa: B023

        figures.faults += 1
        if not figures.run(project, harm):
            assert figures.run(project)
        figures.check(project)
    record("MariaDB killed and restarted, frozen, its connections killed", **figures.good())
