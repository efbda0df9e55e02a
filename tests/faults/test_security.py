"""What must not happen whoever wrote a value: see SECURITY.md."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from reportupdater.state.checksum import checksum
from tests.helpers import ONE, SQLITE, Project, on_mariadb
from tests.servers.mariadb import PASSWORD, Mariadb

LEAVING = [
    *(
        "..",
        ".",
        "../x",
        "../../x",
        "x/../../y",
        "/x",
        "x/",
        "./x",
        "~/x",
        "..\\\\x",
        "a\\0b",
        "\\0",
    ),
    *("a\\nb", "a\\tb", "-rf", "--help", "-", "", " ", ".reportupdater", ".x.tsv.tmp", "x" * 201),
]
"""As they stand between double quotes in YAML."""


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below, and what is in the files."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def test_no_name_of_a_report_leads_out_of_the_output_folder(tmp_path: Path) -> None:
    entries = "".join(f'  "{name}": {{execute: edits}}\n' for name in LEAVING)
    project = Project(tmp_path, SQLITE + "reports:\n  edits: {}\n" + entries, {"edits.sql": ONE})
    before = tree(project.folder)
    said = project.run(code=1)
    assert said.count(": the report name ") == len(LEAVING)
    assert list(project.tsvs()) == ["edits.tsv"]
    assert tree(project.folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "project"]


@pytest.mark.parametrize(
    "form", ['["{}"]', '{{values: ["{}"]}}', '{{values: ["{}"], allow_values: any}}']
)
def test_no_value_of_a_dimension_leads_out_of_the_output_folder_or_is_an_option(
    tmp_path: Path, form: str
) -> None:
    values = [form.format(value) for value in LEAVING]
    entries = "".join(
        f"  r{at}: {{type: script, execute: s, explode_by: {{wiki: {value}}}}}\n"
        for at, value in enumerate(values)
    )
    script = '#!/bin/sh\ntouch "${0%/*}/STARTED"\n'
    config = SQLITE + "reports:\n  edits: {}\n" + entries
    project = Project(tmp_path, config, {"edits.sql": ONE, "s": script})
    before = tree(project.folder)
    said = project.run(code=1)
    for at in range(len(values)):
        assert re.search(rf"config\.yaml:{at + 5}:\d+: the (value|dimension) .*'wiki'", said)
    assert list(project.tsvs()) == ["edits.tsv"]
    assert tree(project.folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output", "project"]


ODD = [
    "$(touch HACKED)",
    "`touch HACKED`",
    "; touch HACKED",
    "a b",
    "*",
    "a'b",
    'a"b',
    "%s",
    "{wiki}",
    "é 🦊",
]


def test_a_script_gets_any_value_as_one_argument_and_no_shell_sees_it(tmp_path: Path) -> None:
    values = ", ".join("'" + value.replace("'", "''") + "'" for value in ODD)
    config = (
        SQLITE + "reports: {r: {type: script, starts: 2025-01-03, explode_by:"
        f" {{wiki: {{values: [{values}], allow_values: any}}}}}}}}\n"
    )
    script = """#!/usr/bin/env python3
import csv, sys
writer = csv.writer(sys.stdout, "excel-tab")
writer.writerows([["date", "n", "value"], [sys.argv[1], len(sys.argv), sys.argv[3]]])
"""
    project = Project(tmp_path, config, {"r": script})
    said = project.run()
    assert "WARNING" in said
    assert "the value '$(touch HACKED)' of the dimension 'wiki' and 9 more" in said
    assert {name: project.rows(f"r/{name}")[1] for name in ODD} == {
        name: ["2025-01-03", "5", name] for name in ODD
    }
    assert not list(tmp_path.rglob("HACKED"))
    assert not Path("HACKED").exists()


def test_a_folder_that_is_called_like_an_option_is_none_to_its_scripts(tmp_path: Path) -> None:
    config = SQLITE + "reports: {r: {type: script}}\n"
    script = '#!/bin/sh\nprintf \'date\\tscript\\tfolder\\n%s\\t%s\\t%s\\n\' "$1" "$0" "$3"\n'
    project = Project(tmp_path, config, {"r": script})
    project.folder.rename(tmp_path / "-x")
    project.folder = Path("-x")
    (tmp_path / "bin").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert project.run("--") == ""
    assert project.rows("r")[1][1:] == [str(tmp_path / "-x/r"), str(tmp_path / "-x")]


FIELDS = [
    "{wiki.__class__}",
    "{wiki.__class__.__mro__}",
    "{0}",
    "{}",
    "{a[b]}",
    "{wiki[0]}",
    "{wiki!r}",
    "{wiki:{wiki}}",
    "{wiki:>9999999}",
]


def test_a_template_reaches_nothing_but_the_texts_it_is_given(tmp_path: Path) -> None:
    config, files = SQLITE + "reports:\n  edits: {}\n", {"edits.sql": ONE}
    for at, field in enumerate(FIELDS):
        graphite = f"graphite: {{path: '{{_metric}}.{field}', metrics: {{n: n}}}}"
        config += f"  views{at}: {{explode_by: {{wiki: enwiki}}}}\n"
        config += f"  sent{at}: {{explode_by: {{wiki: enwiki}}, execute: edits, {graphite}}}\n"
        files[f"views{at}.sql"] = f"SELECT '{field}'"
    project = Project(tmp_path, config, files)
    said = project.run(code=1)
    for at in range(len(FIELDS)):
        assert re.search(rf"views{at}\.sql:1:9: ", said)
        assert re.search(rf"config\.yaml:\d+:\d+: 'path' of graphite of report 'sent{at}': ", said)
    sent = {f"sent{at}/enwiki.tsv" for at in range(len(FIELDS))}
    assert project.tsvs().keys() == {"edits.tsv"} | sent


def test_what_is_put_into_a_template_is_no_template(tmp_path: Path) -> None:
    config = SQLITE + (
        "reports: {r: {starts: 2025-01-03, explode_by: {wiki: {values: ['{from_date}', '{x.y}', '{'],"
        " allow_values: any}}}}\n"
    )
    query = "SELECT '{from_date}' AS date, '{wiki}' AS wiki"
    project = Project(tmp_path, config, {"r.sql": query})
    project.run()
    for value in ("{from_date}", "{x.y}", "{"):
        assert project.rows(f"r/{value}")[1] == ["2025-01-03", value]


LINKS = [
    *("edits", "edits/enwiki.tsv", "edits/.enwiki.tsv.tmp"),
    *(
        ".reportupdater",
        ".reportupdater/locks",
        ".reportupdater/locks/edits",
        ".reportupdater/locks/.state",
    ),
    *(".reportupdater/state.sqlite", ".reportupdater/status.json"),
]


@pytest.mark.parametrize(
    ("link", "exists"),
    [*((link, True) for link in LINKS), (".reportupdater/state.sqlite", False)],
)
def test_a_link_inside_the_output_folder_that_leads_out_is_not_followed(
    tmp_path: Path, link: str, exists: bool
) -> None:
    config = SQLITE + "reports: {edits: {explode_by: {wiki: enwiki}}}\n"
    project = Project(tmp_path, config, {"edits.sql": ONE})
    outside = tmp_path / "outside"
    outside.mkdir()
    is_folder = link in ("edits", ".reportupdater", ".reportupdater/locks")
    target = outside / "target"
    if exists:
        target.mkdir() if is_folder else target.write_text("precious\n")
    path = project.output / link
    path.parent.mkdir(parents=True)
    path.symlink_to(target)
    before = tree(outside)
    replaced = link.endswith((".tmp", ".json"))  # these are made anew in any case
    said = project.run(code=0 if replaced else 1)
    assert replaced == ("a symbolic link inside the output folder is not followed" not in said)
    assert replaced or str(path) in said
    assert tree(outside) == before
    if replaced:
        assert not path.is_symlink()
        assert len(project.dates("edits/enwiki")) == 3


@pytest.fixture
def waiting(tmp_path: Path) -> Project:
    """A project with a result in the journal that could not be merged yet."""
    config = SQLITE + "reports: {edits: {type: script}}\n"
    script = "#!/bin/sh\nprintf broken > \"$TSV\"\nprintf 'date\\tn\\n%s\\t5\\n' $1\n"
    project = Project(tmp_path, config, {"edits": script})
    project.write_tsv("edits", "date\tn\n2025-01-02\t1\n")
    project.run(code=1, environment={"TSV": str(project.tsv("edits"))})
    project.tsv("edits").unlink()
    return project


def alter(project: Project, report: str, tsv: str) -> None:
    """Have the state say that its series is another; whoever can write this can write a checksum too."""
    path = project.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE series SET report = ?, tsv = ?", (report, tsv))
        for number, *entry in connection.execute(
            "SELECT id, start, granularity, header, rows, owner_group, max_data_points FROM journal"
        ).fetchall():
            check = checksum(tsv, *entry)
            connection.execute("UPDATE journal SET checksum = ? WHERE id = ?", (check, number))


@pytest.mark.parametrize(
    "tsv",
    [
        *("../outside.tsv", "/tmp/x.tsv", "a\0b", "edits", "edits/../../x.tsv", "edits//x.tsv"),
        *(".reportupdater/x.tsv", "edits/.x.tsv", "edits/.x.tsv.tmp", "edits/x\n.tsv", ".tsv"),
    ],
)
def test_a_path_that_somebody_wrote_into_the_state_leads_nowhere(
    waiting: Project, tsv: str
) -> None:
    alter(waiting, "edits", tsv)
    before = tree(waiting.folder.parent)
    said = waiting.run("--until", "2025-01-01", code=1)
    assert (
        "is no path of a TSV inside the output folder" in said or "is no TSV of the report" in said
    )
    assert waiting.tsvs() == {}
    assert tree(waiting.folder.parent).keys() - before.keys() == set()


@pytest.mark.parametrize(
    "report",
    [
        *("/etc/hostname", "{folder}/precious", "../../..", "../../../precious", "..", ""),
        *(".state", "../state.sqlite", "edits/../../state.sqlite", "x\0y", "x" * 300, "x\ny"),
    ],
)
def test_a_name_of_a_report_that_somebody_wrote_into_the_state_becomes_no_lock(
    waiting: Project, report: str
) -> None:
    precious = waiting.folder.parent / "precious"
    precious.write_text("precious\n")
    name = report.format(folder=waiting.folder.parent)
    alter(waiting, name, f"{name}.tsv")
    before = tree(waiting.folder.parent)
    said = waiting.run("--until", "2025-01-01", code=1)
    assert "which is no name of a report: they are written nowhere" in said
    assert precious.read_text() == "precious\n"
    assert tree(waiting.folder.parent).keys() == before.keys()
    waiting.call("plan", waiting.folder, waiting.output)
    assert tree(waiting.folder.parent).keys() == before.keys()


def test_a_result_is_not_merged_into_the_tsv_of_a_report_whose_lock_is_not_held(
    waiting: Project,
) -> None:
    alter(waiting, "edits", "views/enwiki.tsv")
    said = waiting.run("--until", "2025-01-01", code=1)
    assert "'views/enwiki.tsv' is no TSV of the report 'edits'" in said
    assert waiting.tsvs() == {}


TAGS = [
    "!!python/object/apply:os.system ['touch HACKED']",
    "!!python/object/apply:subprocess.check_output [[touch, HACKED]]",
    "!!python/object/new:os.system ['touch HACKED']",
    "!!python/object:reportupdater.errors.UsageError {}",
    "!!python/name:os.system ''",
    "!!python/module:os ''",
    "!!python/tuple [a]",
    "!!python/bytes aGk=",
    "!!binary aGk=",
    "!!set {a}",
    "!!omap [a: b]",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch HACKED']",
    "!own {a: b}",
]


def test_yaml_makes_nothing_but_plain_data(tmp_path: Path) -> None:
    config = SQLITE + (
        "graphite: {host: graphite.example.org, lookups: {wiki: names.yaml}}\nreports:\n  edits: {}\n"
    )
    config += "".join(
        f"  views{at}: {{execute: edits, explode_by: {{wiki: {tag}}}}}\n"
        for at, tag in enumerate(TAGS)
    )
    project = Project(tmp_path, config, {"edits.sql": ONE})
    project.write("names.yaml", "".join(f"wiki{at}: {tag}\n" for at, tag in enumerate(TAGS)))
    said = project.run("--no-graphite", code=1)
    for at in range(len(TAGS)):
        assert re.search(rf"config\.yaml:{at + 6}:\d+: the tag .* is not taken ", said)
        assert re.search(rf"names\.yaml:{at + 1}:\d+: the tag .* is not taken ", said)
    assert list(project.tsvs()) == ["edits.tsv"]
    host = project.write("host.yaml", f"defaults: {{owner: {TAGS[0]}}}\n")
    assert "host.yaml:1:19: the tag " in project.run("--host-config", host, code=2)
    assert not list(tmp_path.rglob("HACKED"))
    assert not Path("HACKED").exists()


def test_what_a_server_says_steers_no_terminal(tmp_path: Path) -> None:
    query = 'SELECT * FROM "\x1b[2J\x1b]0;x\x07 \u202e"'
    project = Project(tmp_path, SQLITE + "reports: {edits: {}}\n", {"edits.sql": query})
    said = project.run(code=1)
    assert r"no such table: \x1b[2J\x1b]0;x\x07 <U+202E>" in said
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)


MISPLACED = "s3cret-word"


@pytest.mark.parametrize(
    "entry",
    [
        f"{{host: db1.example.org, password: {MISPLACED}}}",
        f"{{host: db1.example.org, creds_file: {{password: {MISPLACED}}}}}",
        f"{{engine: hive, host: hive1.example.org, auth: LDAP, password_env: {MISPLACED}}}",
        f'{{engine: hive, client: cli, command: "beeline -p {MISPLACED} \'x"}}',
        f"{{engine: hive, client: cli, command: beeline -u 'jdbc:hive2://x;password={MISPLACED}'}}",
    ],
)
def test_a_password_in_the_wrong_place_is_told_without_it(tmp_path: Path, entry: str) -> None:
    config = (
        f"databases: {{hive: {entry}}}\n"
        "reports: {edits: {type: hive, granularity: days, starts: 2025-01-03, retries: 0}}\n"
    )
    project = Project(tmp_path, config, {"edits.hql": ONE})
    with project.started("-l", "debug") as run:
        run.process.wait(60)
        said = run.ended(run.process.returncode)
    assert run.process.returncode
    assert "config.yaml:1:" in said
    assert MISPLACED not in said


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that every user may look into, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize(
    ("mode", "parent", "warned"),
    [
        (0o600, 0o755, ""),
        (0o640, 0o755, ""),
        (0o644, 0o755, "read"),
        (0o622, 0o755, "write to"),
        (0o644, 0o700, ""),  # nobody gets as far as that
    ],
)
def test_a_creds_file_that_every_user_can_read_is_told_once_a_run(
    mariadb: Mariadb, tmp_path: Path, mode: int, parent: int, warned: str
) -> None:
    with reachable_folder() as folder:
        (folder / "below").mkdir()
        creds = folder / "below" / "my creds.cnf"
        creds.write_text(mariadb.creds_file.read_text())
        creds.chmod(mode)
        creds.parent.chmod(parent)
        config = on_mariadb(mariadb, "concurrency: 4").replace(
            str(mariadb.creds_file), f"'{creds}'"
        )
        config += "reports: {edits: {execute: q}, views: {execute: q}}\n"
        project = Project(tmp_path, config, {"q.sql": f"{ONE}, SLEEP(0.02)"})
        said = project.run(now="2025-01-10")
        assert len(project.dates("edits")) == len(project.dates("views")) == 9
    if warned:
        assert said.count("\n") == 1
        hint = f"every user of this host can {warned} this creds_file (chmod o= '{creds}')"
        assert f"WARNING {creds}: {hint}" in said
    else:
        assert said == ""


def watched(running: Callable[[], bool], words: tuple[bytes, ...]) -> list[bytes]:
    """The command lines of any process that hold one of the words, while something runs."""
    found = []
    while running():
        for pid in os.listdir("/proc"):
            try:
                line = Path("/proc", pid, "cmdline").read_bytes()
            except OSError:
                continue
            if any(word in line for word in words):
                found.append(line)
    return found


def test_no_password_stands_in_any_output_file_or_command_line(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    wrong = "not-this-word"
    config = f"""
databases:
  good: {{host: {mariadb.host}, port: {mariadb.port}, creds_file: {mariadb.creds_file}}}
  bad: {{host: {mariadb.host}, port: {mariadb.port}, creds_file: bad.cnf}}
  cut: {{host: {mariadb.host}, port: {mariadb.port}, creds_file: cut.cnf}}
defaults: {{granularity: days, starts: 2025-01-01, execute: q}}
reports:
  fine: {{db: good}}
  refused: {{db: bad}}
  unreadable: {{db: cut}}
  wrong: {{db: good, execute: nothing}}
  script: {{type: script, execute: s}}
"""
    files = {
        "q.sql": f"{ONE}, SLEEP(0.1)",
        "nothing.sql": "SELECT nothing",
        "s": "#!/bin/sh\nsleep 0.1\nprintf 'date\\n%s\\n' $1\n",
        "bad.cnf": f"[client]\nuser = reports\npassword = {wrong}\n",
        "cut.cnf": f"[client\nuser = reports\npassword = {wrong}\n{wrong}\n",
    }
    project = Project(tmp_path, config, files)
    words = (PASSWORD.encode(), wrong.encode())
    with project.started("-l", "debug") as run:
        seen = watched(lambda: run.process.poll() is None, words)
        said = run.ended(1)
    assert seen == []
    assert "6 done, 0 empty, 9 failed" in said
    assert "cannot log in on" in said
    assert "cannot be used as creds_file" in said
    assert PASSWORD in mariadb.creds_file.read_text()
    assert PASSWORD not in said
    assert wrong not in said
    written = [path for path in project.output.rglob("*") if path.is_file()]
    assert len(written) > 4
    assert not [path for path in written if any(word in path.read_bytes() for word in words)]
