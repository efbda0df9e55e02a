"""`reportupdater check`: each thing that can be known without a database, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.commands.conftest import Ask
from tests.helpers import ONE, SQLITE, Project, written

TOP = f"{SQLITE}graphite: {{host: stats.example.org}}\nreports:\n"
BY_WIKI = "SELECT '{from_date}' AS date, '{wiki}' AS wiki, 1 AS n"


def project(parent: Path, reports: str, top: str = TOP, **files: str) -> Project:
    return Project(
        parent, top + reports, {name.replace("_", "."): text for name, text in files.items()}
    )


def findings(ask: Ask, one: Project, *arguments: str | Path, code: int = 0) -> list[str]:
    """What is found, without the count; places begin with the name of their file."""
    said = ask("check", one.folder, *arguments, code=code)
    assert said.err == ""
    *found, count = said.out.splitlines()
    assert (count.endswith(": all is well")) == (not found)
    return [line.replace(f"{one.folder}/", "") for line in found]


def test_a_good_project_is_one_line(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {}\n  views: {}\n", edits_sql=ONE, views_sql=ONE)
    before = sorted(tmp_path.rglob("*"))
    assert ask("check", "--strict", one.folder) == ("2 reports: all is well\n", "")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_loading_finds_is_told_once_with_what_is_found_beyond(
    ask: Ask, tmp_path: Path
) -> None:
    one = project(
        tmp_path,
        "  edits: {lag: soon, funnel: yes}\n"
        '  views: {explode_by: {wiki: "enwiki, dewiki"}}\n'
        "  sizes: {type: script}\n"
        "  gone: {explode_by: {wiki: wiki.txt}}\n",
        edits_sql="SELECT '{form_date}' AS date",
        views_sql=ONE,
    )
    said = ask("check", one.folder, code=1).out.replace(f"{one.folder}/", "")
    assert (
        said
        == f"""\
error: config.yaml:5:16: 'lag' of report 'edits' must be a number of seconds from 0 to 315,360,000, not 'soon'
notice: config.yaml:5:22: 'funnel' of report 'edits' is of an older version and ignored (every report may have several rows with the same date)
warning: config.yaml:6:24: the query of report 'views' does not use the dimension 'wiki': its 2 values get the same rows (the query is views.sql; put {{wiki}} into it)
error: config.yaml:7:3: report 'sizes' has no script {one.folder}/sizes
error: config.yaml:8:3: report 'gone' has no query file {one.folder}/gone.sql
error: config.yaml:8:29: the dimension 'wiki' of report 'gone' has no file {one.folder}/wiki.txt to take its values from
error: edits.sql:1:9: unknown placeholder {{form_date}} (did you mean 'from_date'?; write {{{{ and }}}} where braces are meant)
4 reports: 5 errors, 1 warning, 1 notice
""".replace(f"{one.folder}/", "")
    )


def test_warnings_fail_only_when_that_is_asked_for(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {explode_by: {w: 'a, b'}}\n", edits_sql=ONE)
    assert ask("check", one.folder).out.endswith("\n1 report: 1 warning\n")
    assert ask("check", one.folder, "--strict", code=1).out.endswith("\n1 report: 1 warning\n")


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("#!/bin/sh\n", ""),
        ("#! /usr/bin/env python3\n", ""),
        ("\x7fELF\0", ""),
        ("echo 1\n", "error: sizes:1:1: the script of report 'sizes' has no first line that names what runs it (such as #!/usr/bin/env python3)"),
        ("", "error: sizes:1:1: the script of report 'sizes' has no first line that names what runs it (such as #!/usr/bin/env python3)"),
        ("#!\n", "error: sizes:1:1: the first line of the script of report 'sizes' names nothing that could run it (such as #!/usr/bin/env python3)"),
        ("#!/bin/sh\r\n", "error: sizes:1:1: the first line of the script of report 'sizes' ends in CR LF (save the file with LF line ends)"),
        ("#!/opt/python2 -u\n", "warning: sizes:1:1: the script of report 'sizes' is run by /opt/python2, which is not on this host"),
    ],
)  # fmt: skip
def test_a_script_that_cannot_be_started_is_found(
    ask: Ask, tmp_path: Path, script: str, found: str
) -> None:
    top = "defaults: {type: script, granularity: days, starts: 2025-01-01}\nreports:\n"
    one = project(tmp_path, "  sizes: {}\n", top, sizes=script)
    (one.folder / "sizes").chmod(0o755)
    code = 1 if found.startswith("error") else 0
    assert findings(ask, one, code=code) == ([found] if found else [])
    (one.folder / "sizes").chmod(0o644)
    assert f"may not be executed (chmod +x {one.folder}" in ask("check", one.folder, code=1).out


def test_dimensions_that_make_no_difference_are_found(ask: Ask, tmp_path: Path) -> None:
    config = """
databases:
  shards: {host: db1.example.org, wiki_db_placeholder: wiki}
  one: {host: db1.example.org}
defaults: {granularity: days, starts: 2025-01-01, execute: edits, explode_by: {wiki: "a, b"}}
reports:
  named: {db: shards}
  unused: {db: one}
  single: {db: one, explode_by: {wiki: a}}
  script: {type: script, execute: script}
"""
    one = project(tmp_path, config, "", edits_sql=ONE, script="#!/bin/sh\n")
    assert findings(ask, one) == [
        (
            "warning: config.yaml:5:80: the query of report 'unused' does not use the dimension 'wiki':"
            " its 2 values get the same rows (the query is edits.sql; put {wiki} into it)"
        )
    ]


def on(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (f"starts: {on(-2)}", ""),
        (f"starts: {on(20)}", "notice: config.yaml:5:19: 'starts' of report 'edits' lies in the future: nothing is computed yet"),
        ("starts: 2205-01-01", "warning: config.yaml:5:19: 'starts' of report 'edits' lies in the future: nothing is computed yet (is the year meant?)"),
        (f"ends: {on(40)}", ""),
        (f"ends: {on(10)}", "notice: config.yaml:5:17: 'ends' of report 'edits' is in 10 days (no interval from then on is computed)"),
        ("ends: 2025-02-01", "notice: config.yaml:5:17: 'ends' of report 'edits' has passed (no interval from then on is computed)"),
    ],
)  # fmt: skip
def test_dates_that_matter_are_found(ask: Ask, tmp_path: Path, keys: str, found: str) -> None:
    one = project(tmp_path, f"  edits: {{{keys}}}\n", edits_sql=ONE)
    assert findings(ask, one) == ([found] if found else [])


def test_databases_that_no_report_uses_and_files_that_are_not_there_are_found(
    ask: Ask, tmp_path: Path
) -> None:
    config = """
databases:
  local: {engine: sqlite, path: data.sqlite}
  gone: {engine: sqlite, path: date.sqlite}
  spare: {host: db1.example.org, creds_file: /nonexistent/spare.cnf}
  used: {host: db1.example.org, creds_file: /nonexistent/my.cnf}
  hive: {engine: hive, host: hive1.example.org}
defaults: {granularity: days, starts: 2025-01-01, execute: q}
reports:
  a: {db: local}
  b: {db: gone}
  c: {db: used}
  d: {type: hive}
"""
    one = project(tmp_path, config, "", q_sql=ONE, q_hql=ONE)
    assert findings(ask, one) == [
        "warning: config.yaml:4:32: 'path' of database 'gone': this host has no file date.sqlite ('data.sqlite' is there)",
        "warning: config.yaml:5:3: no report uses the database 'spare' (remove it)",
        "notice: config.yaml:6:45: 'creds_file' of database 'used': this host has no file /nonexistent/my.cnf",
    ]
    one.write("config.yaml", config.replace("db: gone", "db: [gone]"))
    said = ask("check", one.folder, code=1).out
    assert "no report uses" not in said  # it is not known which database that report means
    host = written(tmp_path / "host.yaml", "databases: {another: {host: db2.example.org}}")
    one.write("config.yaml", config)
    assert "another" not in ask("check", one.folder, "--host-config", host).out


@pytest.mark.parametrize(
    ("query", "lacking"),
    [
        ("SELECT '{from_date}' AS date, w AS wiki, 1 AS n FROM t", ""),
        ("SELECT '{from_date}' AS date, Wiki, count(*) AS `n` FROM t GROUP BY wiki", ""),
        ("SELECT * FROM t", ""),
        ("SELECT t.*, 1 AS x FROM t", ""),
        ("SELECT DISTINCT * FROM t", ""),
        ("SELECT '{from_date}' AS date, count(*) AS n FROM t -- by wiki\n", "'path'"),
        ("SELECT '{from_date}' AS date, 2 * 3 AS n, wikis FROM t /* wiki */", "'path'"),
        ("SELECT '{from_date}' AS date, '-- ' AS wiki, 1 AS m", "'edits' of 'metrics'"),
    ],
)
@pytest.mark.parametrize("kind", ["sql", "hive"])
def test_a_query_that_cannot_give_what_a_path_needs_is_found(
    ask: Ask, tmp_path: Path, query: str, lacking: str, kind: str
) -> None:
    top = TOP.replace("databases: {", "databases: {hive: {engine: hive, host: h}, ")
    top = top.replace("{db: local", f"{{type: {kind}, db: {'local' if kind == 'sql' else 'hive'}")
    report = '  edits: {graphite: {path: "{wiki}.{_metric}", metrics: {edits: n}}}\n'
    one = project(tmp_path, report, top, edits_sql=query, edits_hql=query)
    ending = QUERY_ENDINGS[kind]
    found = [line for line in findings(ask, one) if "no report uses" not in line]
    if not lacking:
        assert found == []
        return
    column = "wiki" if lacking == "'path'" else "n"
    hint = ", or its rows cannot be distinguished" if column == "wiki" else ""
    assert found == [
        (
            f"warning: config.yaml:5:28: {lacking} of graphite of report 'edits' takes the column {column!r},"
            f" which its query never mentions (edits{ending} must select it{hint})"
        )
    ]


def test_a_dimension_that_a_path_spells_wrongly_is_an_error(ask: Ask, tmp_path: Path) -> None:
    report = "  edits: {explode_by: {wiki: a}, graphite: {path: 'e.{wikki}.{_metric}', metrics: {m: n}}}\n"
    one = project(tmp_path, report, edits_sql="SELECT '{from_date}' AS date, '{wiki}' AS w, 1 AS n")
    [found] = findings(ask, one, code=1)
    assert found == (
        "error: config.yaml:5:51: 'path' of graphite of report 'edits' takes the column 'wikki',"
        " which its query never mentions (did you mean {wiki}?)"
    )


QUERY_ENDINGS = {"sql": ".sql", "hive": ".hql"}


def test_columns_that_stored_rows_lack_are_found(ask: Ask, tmp_path: Path) -> None:
    report = "  edits: {explode_by: {w: 'a, b'}, graphite: {path: '{w}.{country}.{_metric}', metrics: {m: n}}}\n"
    query = "SELECT '{from_date}' AS date, '{w}' AS country, 1 AS n"
    one = project(tmp_path, report, edits_sql=query)
    assert findings(ask, one) == []
    one.output.mkdir()
    assert findings(ask, one, "--output", one.output) == []
    for series in "ab":
        one.write_tsv(f"edits/{series}", "date\tn\n2025-01-01\t1\n")
    assert findings(ask, one, "--output", one.output) == [
        (
            "warning: config.yaml:5:53: 'path' of graphite of report 'edits' has {country}, which is no"
            " dimension and no column (so it is in edits/a.tsv; known are: _metric, date, n, w)"
        )
    ]
    one.write_tsv("edits/b", "date\tn\tcountry\n2025-01-01\t1\n")
    found = findings(ask, one, "--output", one.output, code=1)
    assert f"error: {one.output}/edits/b.tsv:2: 2 columns where the header has 3" in found[-1]
    said = ask("check", one.folder, "--output", tmp_path / "x", code=2)
    assert said.err.endswith("x: there is no such output folder (the first run makes it)\n")


def test_names_that_a_lookup_lacks_are_found(ask: Ask, tmp_path: Path) -> None:
    top = TOP.replace("org}", "org, lookups: {wiki: names.yaml}}")
    report = "  edits: {explode_by: {wiki: 'a, b, c, d, e, f'}, graphite: {path: '{wiki}', metrics: {m: n}}}\n"
    one = project(tmp_path, report, top, edits_sql=BY_WIKI, names_yaml="a: A\n")
    assert findings(ask, one) == [
        (
            "notice: config.yaml:5:24: the lookup of the dimension 'wiki' has no name for 'b', 'c', 'd'"
            " and 2 more, which are used in metric paths unchanged"
        )
    ]


def test_datapoints_that_nobody_takes_are_found(ask: Ask, tmp_path: Path) -> None:
    report = "  edits: {graphite: {path: x, metrics: {m: n}}}\n"
    one = project(tmp_path, report, SQLITE + "reports:\n", edits_sql=ONE)
    assert findings(ask, one) == [
        (
            "warning: config.yaml:4:21: report 'edits' makes datapoints, and there is no `graphite`"
            " that names a receiver (they are neither sent nor kept for later)"
        )
    ]
    host = written(tmp_path / "host.yaml", "graphite: {host: stats.example.org}")
    assert findings(ask, one, "--host-config", host) == []


def test_reports_of_two_projects_that_share_a_file_are_found(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path / "1", "  edits: {}\n  views: {}\n", edits_sql=ONE, views_sql=ONE)
    two = project(tmp_path / "2", "  users: {}\n  Edits: {execute: users}\n", users_sql=ONE)
    said = ask("check", one.folder, two.folder).out
    assert said == (
        f"warning: {two.folder}/config.yaml:6:3: report 'Edits' has the same files as 'edits' of"
        f" {one.folder}/config.yaml (in one output folder only one of them could run; rename one)\n"
        "2 projects, 4 reports: 1 warning\n"
    )
    assert ask("check", one.folder, one.folder).out == "2 reports: all is well\n"
    said = ask("check", one.folder, two.folder, "--config-path", "x", code=2).err
    assert said.endswith("--config-path is for one project, and several are given\n")


def test_host_settings_are_told_once(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path / "1", "  edits: {}\n", edits_sql=ONE)
    two = project(tmp_path / "2", "  views: {}\n", views_sql=ONE)
    host = written(tmp_path / "host.yaml", "defaults: {colour: red}")
    said = ask("check", one.folder, two.folder, "--host-config", host, code=1).out
    assert said.count("unknown key 'colour'") == 1
    assert said.endswith("2 projects, 2 reports: 1 error\n")


def test_json_has_all_of_it(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {lag: x}\n  views: {}\n", views_sql=ONE, edits_sql=ONE)
    assert json.loads(ask("check", "--json", one.folder, code=1).out) == {
        "errors": 1,
        "warnings": 0,
        "notices": 0,
        "projects": [
            {
                "project": str(one.folder),
                "config": f"{one.folder}/config.yaml",
                "reports": ["edits", "views"],
                "valid_reports": ["views"],
                "problems": [
                    {
                        "severity": "error",
                        "what": "'lag' of report 'edits' must be a number of seconds from 0 to 315,360,000, not 'x'",
                        "hint": "",
                        "report": "edits",
                        "path": f"{one.folder}/config.yaml",
                        "line": 5,
                        "column": 16,
                    }
                ],
            }
        ],
    }


def test_a_project_that_is_not_there_is_told(ask: Ask, tmp_path: Path) -> None:
    assert "there is no such folder" in ask("check", tmp_path / "x", code=2).err
    assert "config.yaml: there is no such file" in ask("check", tmp_path, code=2).err


def test_the_demo_is_good(ask: Ask) -> None:
    demo = Path(__file__).parents[2] / "queries" / "demo"
    said = ask("check", "--strict", demo).out
    assert said.endswith("6 reports: 6 notices\n")


def test_two_reports_that_send_to_one_metric_path_are_an_error(ask: Ask, tmp_path: Path) -> None:
    one = project(
        tmp_path,
        '  daily: {graphite: {path: "edits.{_metric}", metrics: {all: n}}}\n'
        '  weekly: {granularity: weeks, graphite: {path: "edits.{_metric}", metrics: {all: n}}}\n'
        '  other: {graphite: {path: "others.{_metric}", metrics: {all: n}}}\n',
        daily_sql=ONE,
        weekly_sql=ONE,
        other_sql=ONE,
    )
    [found] = findings(ask, one, code=1)
    assert found.startswith("error: ")
    assert found.endswith(
        "weekly and daily have one series key, 'edits.all' (for a date that both have, one takes the"
        " place of the other: let the two paths differ)"
    )


def test_files_that_mark_in_vain_are_told(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path, "  edits: {}\n", edits_sql=ONE)
    one.write(".reruns/good", "2025-01-01\n2025-01-02\nedits\n")
    one.write(".reruns/name", "2025-01-01\n2025-01-02\nEdits\n")
    one.write(".reruns/range", "2025-01-02\n2025-01-01\n")
    name, wrong = findings(ask, one)
    assert name.startswith("warning: .reruns/name: this file names 'Edits', which is no report of")
    assert name.endswith("(did you mean 'edits'?)")
    assert wrong.startswith(
        "warning: .reruns/range:2: this file requests nothing: the range is empty"
    )


def test_a_schedule_that_ticks_before_the_lag_is_over_is_a_warning(
    ask: Ask, tmp_path: Path
) -> None:
    keys = 'granularity: months, schedule: "0 5 1 * *", lag: 86400'
    one = project(tmp_path, f"  edits: {{{keys}}}\n", edits_sql=ONE)
    (found,) = findings(ask, one)
    assert found == (
        "warning: config.yaml:5:42: 'schedule' of report 'edits' delays each interval until the next one is"
        " over too: its `lag` of 24 h ends after the tick (let the schedule tick later, or make `lag` shorter)"
    )
    assert findings(ask, one, "--strict", code=1) == [found]
    one.write("config.yaml", (one.folder / "config.yaml").read_text().replace("5 1 *", "5 2 *"))
    assert findings(ask, one) == []
