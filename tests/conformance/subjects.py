"""The engines as the conformance suite sees them: the same cases, put in each one's own way."""

from __future__ import annotations

import csv
import io
import os
import re
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Protocol

from reportupdater.engines.base import Engine
from reportupdater.engines.registry import engine
from reportupdater.engines.sqlite.config import SqliteDatabase
from reportupdater.model import Table, Task
from tests.engines.tasks import script_task, sql_task
from tests.engines.toy import Toy, ToyDatabase
from tests.servers.hive import Hive
from tests.servers.mariadb import Mariadb
from tests.servers.spark import Spark

VALUES = Table(
    ("date", "big", "less", "whole double", "zeros", "missing", "blank", "spaces", "wide", "odd"),
    [
        (
            *("2015-01-02", "1152921504606846975", "-1", "5.0", "0012", "", "", " NULL nan "),
            "ü €𐎠😀 עברית",
            "a\tb\nc\"d'e",
        )
    ],
)
ROWS = Table(("date", "n"), [("2015-01-02", str(number)) for number in range(1, 6)])
NO_ROWS = Table(("date", "n"), [])


class Subject(Protocol):
    """An engine with a real server, and a task for each case.

    values, rows, no rows: the tables above. placeholders: the interval's start and end, and the
    dimension `wiki`, as columns date, until, wiki. many: 200,000 rows like those of rows.
    broken: fails with a message that has the word nowhere. no table: succeeds, gives none.
    endless: takes minutes.
    """

    engine: Engine

    def task(self, case: str, dimensions: Mapping[str, str] | None = None) -> Task:
        """The task for a case."""

    def running(self) -> int:
        """How many queries of `endless` the server still works on."""


def _sql(text: str) -> dict[str, str]:
    """The cases that are the same in every SQL."""
    header = "SELECT '2015-01-02' AS date,"
    return {
        "values": (
            f"{header} 1152921504606846975 AS big, -1 AS less, {text} AS `whole double`,"
            " '0012' AS zeros, NULL AS missing, '' AS blank, ' NULL nan ' AS spaces,"
            " 'ü €𐎠😀 עברית' AS wide, 'a\tb\nc\"d''e' AS odd"
        ),
        "rows": header + " 1 AS n" + "".join(f" UNION ALL {header} {n}" for n in range(2, 6)),
        "no rows": f"SELECT date, n FROM ({header} 1 AS n) AS one WHERE n = 2",
        "placeholders": "SELECT '{from_date}' AS date, '{to_date}' AS until, '{wiki}' AS wiki",
        "broken": "SELECT * FROM nowhere",
    }


class MysqlSubject:
    """MariaDB."""

    def __init__(self, mariadb: Mariadb, database: str) -> None:
        self.engine = engine("mysql")
        self._mariadb = mariadb
        self._entry = mariadb.entry(database)
        self._queries = _sql("5e0") | {
            "many": "SELECT '2015-01-02' AS date, seq AS n FROM seq_1_to_200000",
            "no table": "DO 1",
            "endless": "SELECT SLEEP(300)",
        }

    def task(self, case: str, dimensions: Mapping[str, str] | None = None) -> Task:
        return sql_task(self._entry, self._queries[case], dimensions=dimensions)

    def running(self) -> int:
        return list(self._mariadb.queries().values()).count(self._queries["endless"])


class HiveSubject:
    """Apache Hive, or Hive as Spark's Thrift Server speaks it."""

    def __init__(self, server: Hive | Spark) -> None:
        self.engine = engine("hive")
        self._server = server
        self._entry = server.entry()
        many = {
            "Hive": "pos + 1 AS n FROM (SELECT posexplode(split(space(199999), ' '))) AS t",
            "Spark": "id + 1 AS n FROM range(200000)",
        }
        queries = _sql("5e0") | {
            "many": f"SELECT '2015-01-02' AS date, {many[server.name]}",
            "no table": "CREATE DATABASE IF NOT EXISTS nothing",
            "endless": server.sleeping,
        }
        queries["values"] = queries["values"].replace("d''e", r"d\'e")
        # In Hive, `date` and others are words of the language.
        self._queries = {
            case: re.sub(r"\b(?<!`)(date|less)\b(?!`)", r"`\1`", text)
            for case, text in queries.items()
        }

    def task(self, case: str, dimensions: Mapping[str, str] | None = None) -> Task:
        return sql_task(self._entry, self._queries[case], dimensions=dimensions)

    def running(self) -> int:
        return self._server.running().count(self._queries["endless"])


class SqliteSubject:
    """SQLite: the server is this process, and a call that has ended works on nothing."""

    def __init__(self, folder: Path) -> None:
        self.engine = engine("sqlite")
        path = folder / "data.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE t (date TEXT)")
        self._entry = SqliteDatabase(name="data", path=path)
        numbers = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t)"
        self._queries = _sql("5.0") | {
            "many": f"{numbers} SELECT '2015-01-02' AS date, n FROM t LIMIT 200000",
            "no table": "CREATE TEMP TABLE other (n)",
            "endless": f"{numbers} SELECT count(*) FROM t",
        }

    def task(self, case: str, dimensions: Mapping[str, str] | None = None) -> Task:
        return sql_task(self._entry, self._queries[case], dimensions=dimensions)

    def running(self) -> int:
        return 0


class ToySubject:
    """The engine of the tests, whose queries are their tables."""

    def __init__(self) -> None:
        self.engine: Engine = Toy().engine()
        self._entry = ToyDatabase(name="one", place="here")
        self._queries = {
            "values": _text(VALUES),
            "rows": _text(ROWS),
            "no rows": _text(NO_ROWS),
            "placeholders": "date\tuntil\twiki\n{from_date}\t{to_date}\t{wiki}\n",
            "many": "repeat 200000\ndate\tn\n2015-01-02\t{{}}\n",
            "broken": "fail no such table: nowhere",
            "no table": "",
            "endless": "wait 300",
        }

    def task(self, case: str, dimensions: Mapping[str, str] | None = None) -> Task:
        return sql_task(self._entry, self._queries[case], dimensions=dimensions)

    def running(self) -> int:
        return 0


def _text(table: Table) -> str:
    text = io.StringIO()
    csv.writer(text, "excel-tab", lineterminator="\n").writerows([table.header, *table.rows])
    return text.getvalue()


class ScriptSubject:
    """Scripts in Python, one for each case."""

    def __init__(self, folder: Path) -> None:
        self.engine = engine("script")
        self._folder = folder
        self._pids = folder / "pids"
        self._pids.mkdir()
        bodies = {
            "values": _printing(VALUES),
            "rows": _printing(ROWS),
            "no rows": _printing(NO_ROWS),
            "placeholders": (
                "print('date', 'until', 'wiki', sep='\\t')\nprint(*sys.argv[1:4], sep='\\t')"
            ),
            "many": (
                "print('date\\tn')\nfor n in range(1, 200001): print('2015-01-02', n, sep='\\t')"
            ),
            "broken": "sys.exit('no such table: nowhere')",
            "no table": "",
            "endless": (
                "import os, time\n"
                f"open(f'{self._pids}/{{os.getpid()}}', 'w').close()\n"
                "print('date\\tn', flush=True)\n"
                "time.sleep(300)"
            ),
        }
        for case, body in bodies.items():  # before the threads that run them
            script = folder / case
            script.write_text(f"#!{sys.executable} -IS\nimport sys\n{body}\n")
            script.chmod(0o755)

    def task(self, case: str, dimensions: Mapping[str, str] | None = None) -> Task:
        return script_task(self._folder / case, dimensions=dimensions)

    def running(self) -> int:
        return sum(alive(int(path.name)) for path in self._pids.iterdir())


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but is not reaped does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _printing(table: Table) -> str:
    lines = [list(table.header), *map(list, table.rows)]
    return (
        "import csv\n"
        "sys.stdout.reconfigure(encoding='utf-8')\n"
        f"csv.writer(sys.stdout, 'excel-tab', lineterminator='\\n').writerows({lines!r})"
    )
