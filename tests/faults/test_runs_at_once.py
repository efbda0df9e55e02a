"""Two to four runs at once into one output folder, by several ways: all is done, and done once."""

from __future__ import annotations

import random
import shutil
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.delivery.projects import config, owed, query
from tests.faults.soak import cases, record
from tests.helpers import Project, on_mariadb, patient, wait_until
from tests.servers.mariadb import Mariadb
from tests.servers.receivers import reads_all, receiver

pytestmark = pytest.mark.long

NOW = "2025-01-09"
DATES = [f"2025-01-{day:02}" for day in range(1, 9)]
REPORTS = [f"r{number}" for number in range(5)]
WIKIS = ("a", "b")
MINE_NOW = "its TSVs are written by another project"


class Asked:
    """What a MariaDB was asked while this goes on, of queries that bear a mark."""

    def __init__(self, server: Mariadb) -> None:
        self.mark = uuid.uuid4().hex
        self._server = server

    def __enter__(self) -> Asked:
        self._server.execute("SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.execute("SET GLOBAL general_log = OFF", "TRUNCATE mysql.general_log")

    def count(self) -> Counter[str]:
        """How often each query came."""
        found = self._server.execute(
            "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log"
            f" WHERE command_type = 'Query' AND argument LIKE '%/* {self.mark} */'"
        )
        return Counter(text for (text,) in found)


def linked(project: Project, folder: Path) -> Project:
    """The same project and output folder, through links."""
    folder.mkdir()
    other = object.__new__(Project)
    other.folder, other.output = folder / "link", folder / "output link"
    other.folder.symlink_to(project.folder)
    project.output.mkdir(exist_ok=True)
    other.output.symlink_to(project.output)
    return other


def copied(project: Project, folder: Path) -> Project:
    """A copy of the project, with the same output folder."""
    other = object.__new__(Project)
    shutil.copytree(project.folder, folder)
    other.folder, other.output = folder, project.output
    return other


def test_nothing_is_asked_twice_and_nothing_is_left_out(mariadb: Mariadb, tmp_path: Path) -> None:
    runs = twice = lost = wrong_codes = left_over = 0
    rounds = cases(3, 50)
    for seed in range(rounds):
        rng = random.Random(seed)
        with Asked(mariadb) as asked:
            text = on_mariadb(mariadb, "db: mysql") + "reports:\n"
            text += "".join(
                f"  {name}: {{execute: query, explode_by: {{report: {name}, wiki: 'a, b'}}}}\n"
                for name in REPORTS
            )
            sql = (
                "SELECT '{from_date}' AS date, '{report}' AS report, '{wiki}' AS wiki,"
                f" SLEEP(0.005) AS n /* {asked.mark} */"
            )
            mine = Project(tmp_path / str(seed), text, {"query.sql": sql})
            others = [
                mine,
                linked(mine, tmp_path / f"{seed} links"),
                copied(mine, tmp_path / f"{seed} copy"),
            ]
            with ExitStack() as stack:
                started = []
                for who in [mine, *rng.choices(others, k=rng.randint(1, 3))]:
                    time.sleep(rng.uniform(0, 0.3))
                    started.append(stack.enter_context(who.started(now=NOW)))
                for run in started:
                    code = run.process.wait(120)
                    said = run.ended(code)
                    # It passes over what another has in hand, and says what is another project's.
                    wrong_codes += code != (1 if MINE_NOW in said else 0)
                runs += len(started)
            shutil.rmtree(others[2].folder)  # what the copy has taken is ours again
            mine.run(now=NOW)
            runs += 1
            counts = asked.count()
        twice += sum(counts.values()) - len(counts)
        for name in REPORTS:
            for wiki in WIKIS:
                expected = [[date, name, wiki, "0"] for date in DATES]
                rows = mine.rows(f"{name}/{name}/{wiki}")[1:]
                lost += rows != expected
        assert len(counts) == len(REPORTS) * len(WIKIS) * len(DATES)
        left_over += len(mine.state("SELECT 1 FROM journal"))
        left_over += len(list(mine.output.rglob("*.tmp")))
    assert (twice, lost, wrong_codes, left_over) == (0, 0, 0, 0)
    record(
        "two to four runs at once: the same, through links, a copy of the project",
        cases=rounds,
        runs=runs,
        lost=lost,
        wrong=wrong_codes + twice,
        left_over=left_over,
    )


def graphite(name: str, kind: str = "") -> str:
    path = f"{name}.{{_metric}}"
    return f"  {name}: {{{kind}graphite: {{path: '{path}', metrics: {{edits: edits}}}}}}\n"


def test_a_run_at_its_end_is_not_kept_by_another_that_sends_now_and_then(tmp_path: Path) -> None:
    door = tmp_path / "door"
    script = f"""#!/bin/sh
[ $1 = 2025-01-02 ] && while [ ! -e '{door}' ]; do sleep 0.05; done
printf 'date\\tedits\\n%s\\t5\\n' $1
"""
    with receiver(reads_all) as first, receiver(reads_all) as second:
        slow = Project(
            tmp_path / "slow",
            config(first.port, graphite("slow", "type: script, ")),
            {"slow": script},
        )
        sql = query().replace("'{wiki}' AS wiki, ", "")
        same, other = (
            Project(
                tmp_path / name,
                config(port, graphite(name), keys="drain_timeout: 60"),
                {f"{name}.sql": sql},
                output=slow.output,
            )
            for name, port in (("same", first.port), ("other", second.port))
        )
        with slow.started() as run:
            wait_until(lambda: first.lines)  # it has sent something, and holds what one sends by
            began = time.monotonic()
            # What it owes to the same Graphite the first run sends, and soon.
            assert same.run() == ""
            # Nobody else sends to the other.
            assert other.run() == ""
            assert time.monotonic() - began < patient(25)
            assert run.process.poll() is None
            door.touch()
            run.ended(0)
        assert owed(slow) == 0
        assert len(first.lines) == len(second.lines) + 3 == 6


def test_a_run_that_waits_in_vain_for_another_to_send_says_so(tmp_path: Path) -> None:
    door = tmp_path / "door"
    sleeping = (
        f"#!/bin/sh\nwhile [ ! -e '{door}' ]; do sleep 0.05; done\nprintf 'date\\tedits\\n'\n"
    )
    reports = graphite("slow", "type: script, ") + graphite("quick")
    sql = query().replace("'{wiki}' AS wiki, ", "")
    with receiver(reads_all) as server:
        mine = Project(
            tmp_path,
            config(server.port, reports),
            {"slow": sleeping, "quick.sql": sql},
        )
        with mine.started() as run:
            wait_until(lambda: len(server.lines) == 3)
            config_of_other = config(server.port, graphite("again"), keys="drain_timeout: 0")
            other = Project(
                tmp_path / "other", config_of_other, {"again.sql": sql}, output=mine.output
            )
            said = other.run(code=1)
            assert f"another run, process {run.process.pid}, since 20" in said
            assert (
                f"is sending to graphite://127.0.0.1:{server.port}, and has not got to them yet"
                in said
            )
            door.touch()
            run.ended(0)
        assert len(server.lines) == 6
