"""Results that are large or hostile: every cell comes back as it was, or there is a clear error."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.soak import LONG, cases, record
from tests.helpers import Project, on_mariadb
from tests.making import NASTY
from tests.servers.mariadb import Mariadb

pytestmark = pytest.mark.long

MB = 2**20
DAYS = ["2025-01-01", "2025-01-02", "2025-01-03"]
ALPHABETS = [
    "abc \t\n\r\"'\\,;",
    "אבגד שלום \u200f\u202e\u2067",
    "مرحبا بالعالم",
    "\x01\x1f\x7f\x85\xa0\xad",
    "日本語😀𝕏\U0010ffff\ufffe\ue000",
    "e\u0301\u0300\u20dd",
]
PRINTING = f"""#!{sys.executable} -IS
import csv, io, json, sys
content = json.load(open({{path!r}}))
text = io.StringIO(newline="")
csv.writer(text, "excel-tab").writerows([content["header"], *content[sys.argv[1]]])
sys.stdout.buffer.write(text.getvalue().encode())
"""


def cell(rng: random.Random) -> str:
    if rng.random() < 0.4:
        return rng.choice([text for text in NASTY if "\0" not in text])
    return "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(0, 12)))


class Hostile:
    """A project in which three engines give the same rows."""

    def __init__(self, folder: Path, server: Mariadb, database: str, rng: random.Random) -> None:
        self._width = rng.randint(1, 5)
        names = {cell(rng) for _ in range(self._width * 3)} - {"", "date"}
        self._names = sorted(names)[: self._width]
        self._names += [f"column {n}" for n in range(len(self._names), self._width)]
        self.rows = {
            day: [(day, *[cell(rng) for _ in range(self._width)]) for _ in range(rng.randint(1, 6))]
            for day in DAYS
        }
        config = on_mariadb(server, f"db: {database}").replace(
            "}\n", ", local: {engine: sqlite, path: data.sqlite}}\n", 1
        )
        config += "reports: {mariadb: {}, sqlite: {db: local}, script: {type: script}}\n"
        columns = [f"c{number}" for number in range(self._width)]
        quoted = [
            'AS "' + name.replace('"', '""').replace("{", "{{").replace("}", "}}") + '"'
            for name in self._names
        ]
        where = "FROM cells WHERE day = '{from_date}' ORDER BY n"
        path = folder / "content.json"
        self.project = Project(
            folder,
            config,
            {
                "mariadb.sql": f"SELECT day AS date, {', '.join(columns)} {where}",
                "sqlite.sql": "SELECT day AS date, "
                + ", ".join(map(" ".join, zip(columns, quoted, strict=True)))
                + f" {where}",
                "script": PRINTING.replace("{path!r}", repr(str(path))),
            },
        )
        self.headers = {
            "mariadb": ["date", *columns],
            "sqlite": ["date", *self._names],
            "script": ["date", *self._names],
        }
        path.write_text(json.dumps({"header": self.headers["script"], **self.rows}))
        self._fill(server, database)

    def _fill(self, server: Mariadb, database: str) -> None:
        all_rows = [row for rows in self.rows.values() for row in rows]
        numbered = [(number, *row) for number, row in enumerate(all_rows)]
        columns = [f"c{number}" for number in range(self._width)]
        with closing(sqlite3.connect(self.project.folder / "data.sqlite")) as connection:
            connection.execute(f"CREATE TABLE cells (n, day, {', '.join(columns)})")
            marks = ", ".join("?" * (self._width + 2))
            connection.executemany(f"INSERT INTO cells VALUES ({marks})", numbered)
            connection.commit()
        kinds = ", ".join(f"{column} LONGTEXT" for column in columns)
        marks = ", ".join(["%s"] * (self._width + 2))
        with closing(server.admin(database)) as administrator, administrator.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS cells")
            cursor.execute(f"CREATE TABLE cells (n INT, day VARCHAR(10), {kinds}) CHARSET utf8mb4")
            cursor.executemany(f"INSERT INTO cells VALUES ({marks})", numbered)


def test_every_cell_comes_back_through_result_journal_tsv_and_merges(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    rounds = cases(4, 150)
    wrong = cells = 0
    for seed in range(rounds):
        rng = random.Random(seed)
        hostile = Hostile(tmp_path / str(seed), mariadb, fresh_database, rng)
        project = hostile.project
        for now in ("2025-01-03", "2025-01-04"):  # the second reads and writes again what stands
            assert project.run(now=now) == ""
        expected = [list(row) for rows in hostile.rows.values() for row in rows]
        for name, header in hostile.headers.items():
            wrong += project.rows(name) != [header, *expected]
        cells += len(hostile.headers) * sum(map(len, expected))
        shutil.rmtree(project.folder.parent)
    assert wrong == 0
    record(
        "cells with tabs, control characters, line ends, quotes, of all scripts",
        cases=cells,
        wrong=wrong,
    )


def test_a_million_rows_come_whole_and_in_bounded_memory(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    count = 1_000_000 if LONG else 100_000
    query = f"SELECT '{{from_date}}' AS date, seq, MD5(seq) AS sum FROM seq_1_to_{count}"
    config = on_mariadb(mariadb, f"db: {fresh_database}") + "reports: {edits: {}}\n"
    project = Project(tmp_path, config, {"edits.sql": query})
    with project.started(now="2025-01-02") as run:
        memory = run.most_memory()
        assert run.ended(0) == ""
    wrong = number = 0
    with project.tsv("edits").open() as file:
        assert next(file) == "date\tseq\tsum\n"
        for number, line in enumerate(file, 1):
            wrong += line != f"2025-01-01\t{number}\t{hashlib.md5(b'%d' % number).hexdigest()}\n"
    assert memory < 900 * MB
    assert (number, wrong) == (count, 0)
    record("a result of many rows", cases=1, rows=count, wrong=wrong, most_mb=memory // MB)


def test_thousands_of_columns_come_whole(tmp_path: Path) -> None:
    count = 5_000
    script = f"""#!{sys.executable} -IS
import sys
print("date", *[f"column {{n}}" for n in range({count})], sep="\\t")
for row in range(20):
    print(sys.argv[1], *[f"{{sys.argv[1][-2:]}} {{row}} {{n}}" for n in range({count})], sep="\\t")
"""
    project = Project(
        tmp_path,
        "reports: {wide: {type: script, granularity: days, starts: 2025-01-01}}\n",
        {"wide": script},
    )
    with project.started() as run:
        memory = run.most_memory()
        assert run.ended(0) == ""
    expected = [["date", *[f"column {n}" for n in range(count)]]]
    for day in DAYS:
        expected += [[day, *[f"{day[-2:]} {row} {n}" for n in range(count)]] for row in range(20)]
    wrong = int(project.rows("wide") != expected)
    assert wrong == 0
    assert memory < 500 * MB
    record("rows of 5,000 columns", cases=60, wrong=wrong, most_mb=memory // MB)


def test_cells_of_ten_megabytes_come_whole(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    config = on_mariadb(mariadb, f"db: {fresh_database}").replace(
        "}\n", ", local: {engine: sqlite, path: data.sqlite}}\n", 1
    )
    config += "reports: {mariadb: {}, sqlite: {db: local}, script: {type: script}}\n"
    files = {
        "mariadb.sql": "SELECT '{from_date}' AS date, REPEAT('é\t\"x', 2000000) AS large",
        "sqlite.sql": (
            "SELECT '{from_date}' AS date,"
            " replace(hex(zeroblob(1000000)), '00', 'é' || char(9) || '\"x') AS large"
        ),
        "script": (
            "#!/bin/sh\nprintf 'date\\tlarge\\n%s\\t' $1\n"
            "yes aaaaaaaaa | tr -d '\\n' | head -c 10000000; echo\n"
        ),
    }
    project = Project(tmp_path, config, files)
    assert project.run(now="2025-01-02") == ""
    with project.started(now="2025-01-03") as run:  # merged with what stands
        memory = run.most_memory()
        assert run.ended(0) == ""
    large = {"mariadb": 'é\t"x' * 2_000_000, "sqlite": 'é\t"x' * 1_000_000, "script": "a" * 10**7}
    expected = {
        name: [["date", "large"], *[[day, value] for day in DAYS[:2]]]
        for name, value in large.items()
    }
    wrong = sum(project.rows(name) != rows for name, rows in expected.items())
    assert wrong == 0
    assert memory < 900 * MB
    record("cells of 10 MB", cases=6, wrong=wrong, most_mb=memory // MB)


WRONG = {
    "SELECT '{from_date}' AS date, 1 AS n, 2 AS n": "two columns are called 'n'",
    "SELECT '{from_date}' AS date, 1 AS ``": "column 2 has no name",
    "SELECT '{from_date}' AS date, x'ff00' AS n": "column 'n' of row 1 holds binary data that is not UTF-8",
    "SELECT '{from_date}' AS date, CAST('enwiki' AS BINARY(8)) AS n": "column 'n' of row 1 holds a NUL character",
    "SELECT '{from_date}' AS date, INET6_ATON('::1') AS n": "column 'n' of row 1 holds a NUL character",
    "SELECT '{from_date}' AS date, 'a\\0b' AS n": "column 'n' of row 1 holds a NUL character",
    "SELECT '{from_date}' AS date, POINT(1, 2) AS n": "column 'n' is a GEOMETRY, which is no text",
    "SELECT x'3230323530313031' AS date, 1 AS n": "the first column of row 1: '20250101' is no date",
    "SELECT '{from_date}' AS `{from_date}`, 1 AS n": "the first column is called '2025-01-01'",
    "SELECT NULL AS date, 1 AS n": "the first column of row 1: '' is no date",
    "SELECT '{from_date}' AS date, REPEAT('x', 1000000) AS n FROM seq_1_to_200": (
        "more than 134,217,728 characters in all its cells"
    ),
    "SELECT '{from_date}\\0' AS date, 1 AS n": "is no date",
    "SELECT '{from_date}' AS date, 1 AS n FROM seq_1_to_1000001": "more than 1,000,000 rows",
    "SELECT '{from_date}' AS `\ufeff{from_date}`": "the first column begins with a byte-order mark",
    "SET @x = 1": "the query gave no table",
}


def test_what_cannot_be_stored_is_told_and_harms_nothing_else(
    mariadb: Mariadb, fresh_database: str, tmp_path: Path
) -> None:
    names = {query: f"r{number}" for number, query in enumerate(WRONG)}
    config = on_mariadb(mariadb, f"db: {fresh_database}") + "reports:\n  good: {}\n"
    config += "".join(f"  {name}: {{}}\n" for name in names.values())
    files = {f"{name}.sql": query for query, name in names.items()}
    files["good.sql"] = "SELECT '{from_date}' AS date, 1 AS n"
    project = Project(tmp_path, config, files)
    with project.started(now="2025-01-02") as run:
        memory = run.most_memory()
        said = run.ended(1)
    untold = [
        query
        for query, name in names.items()
        if not any(
            f"failed: {name} [" in line and WRONG[query] in line for line in said.splitlines()
        )
    ]
    assert untold == []
    assert list(project.tsvs()) == ["good.tsv"]
    assert memory < 1200 * MB
    record("results that cannot be stored", cases=len(names), wrong=len(untold))


@pytest.mark.parametrize("kind", ["sqlite", "script"])
@pytest.mark.parametrize("at", ["cell", "name"])
def test_no_nul_gets_into_a_tsv_from_any_engine(tmp_path: Path, kind: str, at: str) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
defaults: {db: local, granularity: days, starts: 2025-01-01}
reports: {sqlite: {}, script: {type: script}}
"""
    header, row = ("n\\0", "7") if at == "name" else ("n", "a\\0b")
    script = f"#!/bin/sh\nprintf 'date\\t{header}\\n%s\\t1\\n%s\\t{row}\\n' $1 $1\n"
    blob = "SELECT '{from_date}' AS date, 1 AS n UNION ALL SELECT '{from_date}', x'610062'"
    project = Project(tmp_path, config, {"sqlite.sql": blob, "script": script})
    said = project.run("--report", kind, now="2025-01-02", code=1)
    what = "column 'n' of row 2" if at == "cell" or kind == "sqlite" else "the name of column 2"
    assert f"{what} holds a NUL character" in said
    assert "\0" not in said
    assert project.tsvs() == {}


def test_text_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
defaults: {db: local, granularity: days, starts: 2025-01-01}
reports: {cast: {}, surrogate: {}, good: {}}
"""
    files = {
        "cast.sql": "SELECT '{from_date}' AS date, CAST(x'ff' AS TEXT) AS n",
        "surrogate.sql": "SELECT '{from_date}' AS date, json_extract('\"\\ud800\"', '$') AS n",
        "good.sql": "SELECT '{from_date}' AS date, 1 AS n",
    }
    project = Project(tmp_path, config, files)
    said = project.run(now="2025-01-02", code=1)
    assert said.count("the result holds text that is not UTF-8") == 2
    assert list(project.tsvs()) == ["good.tsv"]
