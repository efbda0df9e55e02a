"""Columns before which Hive puts a table: they go where the TSV has them, and nothing is split.

The server is played by a command of the site that prints what a server would: which columns have a
table before them depends on its version, and on the query.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import Project

CONFIG = """\
databases: {{hive: {{engine: hive, client: cli, command: {command}}}}}
graphite: {{host: 127.0.0.1, port: 1, enabled: false}}
reports:
  edits:
    type: hive
    granularity: days
    starts: 2025-01-01
    graphite: {{path: '{{_metric}}.{{wiki}}', metrics: {{edits: {metric}}}}}
"""
# Prints the names that the file beside it has, and a row for the day that the query has.
COMMAND = """\
#!/bin/bash
cat "${0%/*}/header"
printf '%s\\tenwiki\\t5\\n' "$(grep -om1 "'2025-..-..'" "${@: -1}" | tr -d "'")"
"""
QUERY = "SELECT '{from_date}' AS `date`, e.wiki, count(*) AS n FROM edits e GROUP BY e.wiki"


def project(folder: Path, header: str, *, query: str = QUERY, metric: str = "n") -> Project:
    """A project whose server names the columns so."""
    command = folder / "project" / "beeline"
    made = Project(
        folder,
        CONFIG.format(command=command, metric=metric),
        {"beeline": COMMAND, "edits.hql": query},
    )
    returns(made, header)
    return made


def returns(made: Project, header: str) -> None:
    made.write("header", "\t".join(header.split()) + "\n")


def test_a_new_tsv_has_the_names_without_the_table(tmp_path: Path) -> None:
    made = project(tmp_path, "e.date e.wiki n")
    assert made.run() == ""
    assert made.rows("edits")[0] == ["date", "wiki", "n"]
    assert len(made.dates("edits")) == 3


@pytest.mark.parametrize("returned", ["date e.wiki n", "date wiki n", "e.day e.wiki t.n"])
def test_a_column_that_the_original_stored_with_its_table_goes_on(
    tmp_path: Path, returned: str
) -> None:
    made = project(tmp_path, returned)
    made.write_tsv("edits", "date\te.wiki\tn\r\n2025-01-01\tdewiki\t1\r\n")
    assert made.run() == ""
    name = returned.split(maxsplit=1)[0].removeprefix("e.")
    assert made.rows("edits")[:3] == [
        [name, "e.wiki", "n"],
        ["2025-01-01", "dewiki", "1"],
        ["2025-01-02", "enwiki", "5"],
    ]


def test_a_column_goes_on_when_the_server_begins_and_ends_to_put_a_table_before_it(
    tmp_path: Path,
) -> None:
    made = project(tmp_path, "date wiki n")
    for day, header in enumerate(
        ["date wiki n", "date e.wiki n", "date wiki n", "e.date f.wiki n"]
    ):
        returns(made, header)
        assert made.run(now=f"2025-01-0{day + 2}") == ""
    assert made.rows("edits") == [
        ["date", "wiki", "n"],
        *([f"2025-01-0{day}", "enwiki", "5"] for day in range(1, 5)),
    ]


def test_what_is_committed_and_not_yet_in_the_tsv_counts_as_stored(tmp_path: Path) -> None:
    made = project(tmp_path, "date wiki n")
    made.write_tsv("edits", "date\te.wiki\tn\n")
    made.run(now="2025-01-02")
    assert made.rows("edits")[0] == ["date", "e.wiki", "n"]
    # A folder in the place of the TSV keeps what is committed from being merged.
    made.tsv("edits").unlink()
    made.tsv("edits").mkdir()
    returns(made, "date e.wiki e.n")
    made.run(now="2025-01-03", code=1)
    made.tsv("edits").rmdir()
    returns(made, "date wiki n")
    made.run(now="2025-01-04")
    assert made.rows("edits")[0] == ["date", "wiki", "n"]


def test_columns_of_two_tables_with_one_name_keep_their_tables(tmp_path: Path) -> None:
    made = project(tmp_path, "e.date e.wiki f.wiki")
    assert made.run() == ""
    assert made.rows("edits")[0] == ["date", "e.wiki", "f.wiki"]


def test_a_name_in_backticks_is_the_queries_own(tmp_path: Path) -> None:
    query = QUERY.replace("e.wiki,", "e.wiki AS `e.wiki`,")
    made = project(tmp_path, "date e.wiki n", query=query)
    assert made.run() == ""
    assert made.rows("edits")[0] == ["date", "e.wiki", "n"]


def test_a_split_column_is_reported_with_the_rerun_that_joins_it(tmp_path: Path) -> None:
    made = project(tmp_path, "date e.wiki n")
    made.write_tsv(
        "edits",
        "date\te.wiki\tn\twiki\n"
        "2025-01-01\tenwiki\t5\t\n2025-01-02\t\t5\tenwiki\n2025-01-03\t\t5\tenwiki\n",
    )
    said = made.run(now="2025-01-05")
    assert "edits.tsv has one column under two names" in said
    assert "'e.wiki' is the newer one, and 'wiki' still has values" in said
    rerun = "rerun --report edits --since 2025-01-02 --until 2025-01-04"
    assert rerun in said
    _, *options = rerun.split()
    made.call("rerun", *options, made.folder, made.output)
    assert made.run(now="2025-01-05") == ""
    assert made.rows("edits") == [
        ["date", "e.wiki", "n", "wiki"],
        *([f"2025-01-0{day}", "enwiki", "5", ""] for day in range(1, 5)),
    ]
    assert made.run(now="2025-01-06") == ""


@pytest.mark.parametrize("stored", ["wiki n", "e.wiki e.n"])
@pytest.mark.parametrize("metric", ["n", "e.n"])
def test_paths_and_metrics_take_either_name(tmp_path: Path, stored: str, metric: str) -> None:
    made = project(tmp_path, "date e.wiki e.n", metric=metric)
    made.write_tsv("edits", "\t".join(["date", *stored.split()]) + "\n")
    made.run()
    assert made.rows("edits")[0] == ["date", *stored.split()]
    assert made.call("metrics", made.folder, made.output).stdout.startswith("new  edits.enwiki\n")
    assert made.call("check", "--output", made.output, made.folder).stderr == ""


def test_what_try_shows_is_what_a_run_stores(tmp_path: Path) -> None:
    made = project(tmp_path, "e.date e.wiki e.n")
    said = made.call("try", "--date", "2025-01-02", made.folder, "edits").stdout
    assert "date        wiki    n" in said
    assert "edits.enwiki" in said


def test_columns_of_other_engines_are_stored_as_they_come(tmp_path: Path) -> None:
    config = """\
databases: {local: {engine: sqlite, path: data.sqlite}}
reports: {edits: {db: local, granularity: days, starts: 2025-01-01}}
"""
    query = "SELECT '{from_date}' AS date, 1 AS \"e.n\""
    made = Project(tmp_path, config, {"edits.sql": query})
    made.write_tsv("edits", "date\tn\n")
    made.run()
    assert made.rows("edits")[0] == ["date", "e.n", "n"]
