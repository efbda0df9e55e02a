"""What becomes of the TSVs: those that the original filled, headers that change, texts, groups."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

from tests.helpers import ONE, SQLITE, Project

EDITS = SQLITE + "reports: {edits: {}}\n"


def test_only_what_the_original_left_undone_is_computed(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki'}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.write_tsv("edits/enwiki", "date\tn\r\n2025-01-01\t7\r\n2025-01-03\t7\r\n")
    full = "date\tn\r\n2025-01-01\t7\r\n2025-01-02\t7\r\n2025-01-03\t7\r\n"
    project.write_tsv("edits/dewiki", full)
    assert "1 done" in project.run("-l", "info")
    # What has new rows ends its lines in LF from now on; the other is not touched.
    assert project.text("edits/enwiki") == "date\tn\n2025-01-01\t7\n2025-01-02\t1\n2025-01-03\t7\n"
    assert project.text("edits/dewiki") == full


def test_dates_of_the_original_are_taken_as_it_wrote_them(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
reports: {edits: {db: local, granularity: weeks, starts: 2025-01-05}}
"""
    project = Project(tmp_path, config, {"edits.sql": ONE})
    # Unpadded, in the middle of its week, with a time.
    project.write_tsv("edits", "date\tn\r\n2025-1-6\t7\r\n2025-01-19 00:00:00\t8\r\n")
    assert "1 done" in project.run("-l", "info", now="2025-01-26")
    assert project.text("edits") == "date\tn\n2025-01-06\t7\n2025-01-12\t1\n2025-01-19\t8\n"


def test_a_tsv_with_a_byte_order_mark_and_blank_lines_is_read(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.write_tsv("edits", "\ufeffdate\tn\r\n2025-01-01\t7\r\n\r\n2025-01-02\t7\r\n\r\n")
    project.run()
    assert project.text("edits") == "date\tn\n2025-01-01\t7\n2025-01-02\t7\n2025-01-03\t1\n"


def test_texts_survive_reading_and_writing_again(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE.replace("1 AS n", "'x' AS a, 1 AS b")})
    cells = ["0012", "NULL", "nan", "1152921504606846975", " both ends ", "5.0", "1e5", "𝕏😀", "'"]
    rows = "".join(f"2025-01-01\t{cell}\t{cell}\n" for cell in cells)
    rows += '2025-01-02\t"a\ttab"\t"a ""quote"""\n2025-01-02\t"two\nlines"\t\n'
    project.write_tsv("edits", "date\ta\tb\n" + rows)
    project.run()
    assert project.text("edits") == "date\ta\tb\n" + rows + "2025-01-03\tx\t1\n"


def test_rows_of_a_date_keep_the_order_in_which_they_came(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS date, column1 AS wiki FROM (VALUES ('z'), ('a'), ('m'))"
    project = Project(tmp_path, EDITS, {"edits.sql": query})
    project.run(now="2025-01-03")
    assert [row[1] for row in project.rows("edits")[1:]] == ["z", "a", "m", "z", "a", "m"]


def test_rows_are_sorted_by_date(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
reports: {edits: {db: local, granularity: weeks, starts: 2025-01-05}}
"""
    query = "SELECT date('{from_date}', column1) AS date, column1 AS n FROM (VALUES (3), (0), (6))"
    query = query.replace("column1) AS", "'+' || column1 || ' days') AS")
    project = Project(tmp_path, config, {"edits.sql": query})
    project.run(now="2025-01-12")
    assert project.dates("edits") == ["2025-01-05", "2025-01-08", "2025-01-11"]


def test_a_header_follows_the_results(tmp_path: Path) -> None:
    query = "SELECT '{from_date}' AS date, 1 AS b, 2 AS c, 3 AS a"
    project = Project(tmp_path, EDITS, {"edits.sql": query})
    project.run(now="2025-01-02")
    project.write("edits.sql", "SELECT '{from_date}' AS day, 4 AS d, 5 AS c")
    project.run(now="2025-01-03")
    assert project.text("edits") == (
        "day\td\tc\ta\tb\n"
        "2025-01-01\t\t2\t3\t1\n"  # filled up
        "2025-01-02\t4\t5\t\t\n"  # gone to the end, by name, and empty from now on
    )
    project.write("edits.sql", "SELECT '{from_date}' AS day, 6 AS b, 7 AS d")
    project.run(now="2025-01-04")
    assert project.text("edits") == (
        "day\tb\td\ta\tc\n2025-01-01\t1\t\t3\t2\n2025-01-02\t\t4\t\t5\n2025-01-03\t6\t7\t\t\n"
    )


def test_a_header_that_changes_in_every_interval_makes_one_table(tmp_path: Path) -> None:
    script = '#!/bin/sh\nprintf "date\\tof $1\\tn <= 5\\n$1\\t1\\t2\\n"\n'
    config = SQLITE + "reports: {edits: {type: script}}\n"
    project = Project(tmp_path, config, {"edits": script})
    project.run()
    header, *rows = project.rows("edits")
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    days = ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert set(header) == {"date", "n <= 5", *(f"of {day}" for day in days)}
    for day, row in zip(days, cells, strict=True):
        others = {f"of {other}": "" for other in days if other != day}
        assert row == {"date": day, f"of {day}": "1", "n <= 5": "2", **others}


def test_a_header_with_empty_names_of_the_original_is_tolerated(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.write_tsv("edits", "date\tn\t\t\r\n2025-01-01\t1\ta\tb\r\n2025-01-02\t1\tc\td\r\n")
    project.run()
    assert project.text("edits") == (
        "date\tn\t\t\n2025-01-01\t1\ta\tb\n2025-01-02\t1\tc\td\n2025-01-03\t1\t\t\n"
    )


def test_the_values_name_the_files_in_the_order_of_the_sorted_dimensions(tmp_path: Path) -> None:
    config = """
databases: {local: {engine: sqlite, path: data.sqlite}}
reports:
  edits:
    db: local
    granularity: days
    starts: 2025-01-01
    explode_by: {wiki: [enwiki, de_wiki], editor: "bot, user.name"}
"""
    query = "SELECT '{from_date}' AS date, '{wiki}' AS wiki, '{editor}' AS editor"
    project = Project(tmp_path, config, {"edits.sql": query})
    project.run(now="2025-01-02")
    assert list(project.tsvs()) == [
        "edits/bot/de_wiki.tsv",
        "edits/bot/enwiki.tsv",
        "edits/user.name/de_wiki.tsv",
        "edits/user.name/enwiki.tsv",
    ]
    assert project.rows("edits/bot/de_wiki")[1] == ["2025-01-01", "de_wiki", "bot"]


def test_values_are_read_from_a_file_of_the_project(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: some wikis}}}\n"
    files = {"edits.sql": ONE, "some wikis": "enwiki\r\ndewiki\r\n"}
    project = Project(tmp_path, config, files)
    project.run()
    assert list(project.tsvs()) == ["edits/dewiki.tsv", "edits/enwiki.tsv"]


def test_a_tsv_is_given_to_its_group(tmp_path: Path) -> None:
    own = {os.getegid(), *os.getgroups()}
    groups = [group for group in grp.getgrall() if os.geteuid() == 0 or group.gr_gid in own]
    group = next((group for group in groups if group.gr_gid != os.getegid()), groups[0])
    config = SQLITE + f"reports: {{edits: {{group: {group.gr_name}}}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    assert project.run() == ""
    assert project.tsv("edits").stat().st_gid == group.gr_gid


def test_a_group_that_this_host_lacks_is_a_warning(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {group: nosuchgroup}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    said = project.run()
    assert said.count("\n") == 1
    assert "this host has no group 'nosuchgroup'" in said
    assert len(project.dates("edits")) == 3


def test_a_tsv_keeps_its_mode(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    project.run()
    project.tsv("edits").chmod(0o604)
    project.run(now="2025-01-05")
    assert len(project.dates("edits")) == 4
    assert stat.S_IMODE(project.tsv("edits").stat().st_mode) == 0o604


def test_a_new_tsv_follows_the_umask(tmp_path: Path) -> None:
    project = Project(tmp_path, EDITS, {"edits.sql": ONE})
    before = os.umask(0o027)
    try:
        project.run()
    finally:
        os.umask(before)
    assert stat.S_IMODE(project.tsv("edits").stat().st_mode) == 0o640


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: 'enwiki, dewiki'}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.run()
    files = [path.name for path in project.output.glob("edits/*")]
    assert sorted(files) == ["dewiki.tsv", "enwiki.tsv"]
    assert [path.name for path in project.output.iterdir()] in (
        [".reportupdater", "edits"],
        ["edits", ".reportupdater"],
    )
