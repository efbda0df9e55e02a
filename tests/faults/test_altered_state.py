"""What others have written into the state, a lock or status.json ends no command with a traceback.

Whoever may write to the output folder may write anything there.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reportupdater.state.checksum import checksum
from tests.commands.conftest import Ask, ask
from tests.helpers import ONE, SQLITE, Project
from tests.servers.receivers import reads_all, receiver

__all__ = ["ask"]

NOW = ("--now", "2025-01-04")
HOSTILE = "2025-01-0$`kill 1`\x1b[2J"
ODD = [
    *("'2025-01-0$'", "'2025-01-02T03:04:05+01:00'", "''", "-1", "1099511627776", "1e300"),
    *("x'00ff'", "CAST(x'ff' AS TEXT)", "char(0)", "NULL"),
]
"""As SQLite reads them: no date, one with a zone, numbers, bytes, no UTF-8, nothing."""
LONG = pytest.mark.long
STATE = Path(".reportupdater", "state.sqlite")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a good report and a failing one, and an open rerun request."""
    project = Project(
        tmp_path_factory.mktemp("altered"),
        f"{SQLITE}graphite: {{host: 127.0.0.1, port: 1, drain_timeout: 0}}\n"
        "reports:\n"
        "  edits: {graphite: {path: '{_metric}', metrics: {edits: n}}}\n"
        "  fails: {}\n",
        {"edits.sql": ONE, "fails.sql": "SELECT nothing FROM nowhere"},
    )
    project.run("--graphite", code=1)
    project.call("rerun", project.folder, project.output, "--report", "edits", *NOW, *RANGE)
    return project


RANGE = ("--since", "2025-01-01", "--until", "2025-01-03")


@pytest.fixture
def project(run_once: Project, tmp_path: Path) -> Project:
    copy = Project.__new__(Project)
    copy.folder, copy.output = run_once.folder, tmp_path / "output"
    shutil.copytree(run_once.output, copy.output)
    return copy


def alter(project: Project, *statements: str) -> None:
    with closing(sqlite3.connect(project.output / STATE)) as state:
        for statement in statements:
            state.execute(statement)
        state.commit()


def looked_at(ask: Ask, project: Project) -> str:
    """What all commands that read the state say; none of them shows a traceback, or raises."""
    folder, output = project.folder, project.output
    said = ""
    for line in (
        ("status", output),
        ("status", output, folder, "--series", *NOW),
        ("status", output, "--json", "--series"),
        ("plan", folder, output, *NOW),
        ("rerun", folder, output, "--list"),
        ("metrics", folder, output),
        ("run", folder, output, *NOW, "--graphite"),
        ("rerun", folder, output, *NOW, *RANGE),
        ("rerun", folder, output, "--cancel"),
        ("status", output),
    ):
        out, err = ask(*line, code=None)
        assert "Traceback" not in err, (line, err)
        said += err + out
    return said


COLUMNS = [
    f"{table}.{column}"
    for table, columns in {
        "marks": ("start", "asked", "allow_empty"),
        "mark_files": ("name", "mtime_ns"),
        "rerun_files": ("name", "digest", "is_left"),
        "held": (
            *("start", "granularity", "header", "rows", "max_data_points", "checksum"),
            *("found_by", "why", "digest", "at"),
        ),
        "held_in_a_row": ("times", "digest"),
        "series_keys": ("key", "series"),
        "owners": ("folder", "real_folder", "config", "granularity", "dimensions"),
        "reports": (
            *("config", "owner", "description", "series", "last_run", "done", "failed"),
            *("error", "error_at", "failures"),
        ),
        "coverage": ("granularity", "size", "inode", "mtime_ns", "runs", "checksum"),
        "outbox": ("key", "timestamp", "value", "version", "sends", "unacknowledged"),
        "senders": ("destination",),
        "sent_metrics": ("key",),
        "runs": ("project", "pid", "started", "ended", "exit_code", "summary"),
        "attempts": ("start", "at", "seconds", "rows", "error", "reason"),
        "answered": ("answers", "seconds"),
        "failing": (
            *("start", "times", "first_at", "last_at", "error"),
            *("retry_at", "digest"),
        ),
    }.items()
    for column in columns
]


@pytest.mark.parametrize(
    ("column", "odd"),
    [
        *[
            ("marks.start", "'2025-01-0$'"),
            ("owners.granularity", "'aeons'"),
            ("reports.last_run", "'2025-01-02T03:04:05+01:00'"),
            ("coverage.runs", "1099511627776"),
            ("outbox.value", "'many'"),
            ("runs.pid", "1099511627776"),
            ("failing.start", "'2025-01-0$'"),
            ("answered.seconds", "1e300"),
        ],
        *[pytest.param(column, odd, marks=LONG) for column in COLUMNS for odd in ODD],
    ],
)
def test_a_value_that_no_run_wrote_ends_no_command(
    ask: Ask, project: Project, column: str, odd: str
) -> None:
    table, _, name = column.partition(".")
    alter(project, f"UPDATE OR IGNORE {table} SET {name} = {odd}")
    looked_at(ask, project)


def _sealed(project: Project, **values: object) -> None:
    """Put a result into the journal that has the right checksum, whatever else it holds."""
    entry: dict[str, Any] = {"start": "2025-01-03", "granularity": "days", "header": "date\tn\n"}
    entry |= {"rows": "2025-01-03\t9\n", "owner_group": None, "max_data_points": None} | values
    names = ", ".join(entry)
    with closing(sqlite3.connect(project.output / STATE)) as state:
        state.execute(
            f"INSERT INTO journal (series, checksum, {names}) SELECT id, ?, ?, ?, ?, ?, ?, ?"
            " FROM series WHERE tsv = 'edits.tsv'",
            [checksum("edits.tsv", *entry.values()), *entry.values()],
        )
        state.commit()


@pytest.mark.parametrize(
    "values",
    [
        {"start": "2025-01-0$"},
        {"start": 5},
        {"granularity": "aeons"},
        {"header": ""},
        {"header": "date\n"},
        {"rows": "2025-01-02\t9\n"},
        {"rows": "2025-01-03\n"},
        {"rows": '"'},
        {"rows": "\n"},
        {"rows": b"\xff"},
        {"max_data_points": "many"},
        {"max_data_points": -5},
    ],
    ids=str,
)
def test_a_result_that_no_run_can_have_committed_is_never_merged(
    ask: Ask, project: Project, values: dict[str, object]
) -> None:
    before = project.tsvs()
    _sealed(project, **values)
    said = looked_at(ask, project)
    assert "the state is damaged: a result of edits.tsv cannot be one: " in said
    assert project.tsvs() == before


def test_one_that_could_be_is(project: Project) -> None:
    _sealed(project)
    project.run("--report", "edits", "--no-graphite")
    assert project.rows("edits")[-1] == ["2025-01-03", "9"]


def test_a_rerun_request_for_no_interval_is_dropped_and_the_others_are_answered(
    project: Project,
) -> None:
    alter(project, f"UPDATE marks SET start = '{HOSTILE}' WHERE start = '2025-01-01'")
    said = project.run(code=1)
    assert said.count("not computed again, though it was requested") == 1
    assert "(1 request, the first is '2025-01-0$`kill 1`\\x1b[2J')" in said
    assert project.state("SELECT * FROM marks") == []
    assert "not computed again" not in project.run(code=1)


def test_one_for_no_interval_is_listed_and_can_be_taken_back(ask: Ask, project: Project) -> None:
    alter(project, f"UPDATE marks SET start = '{HOSTILE}' WHERE start = '2025-01-01'")
    folder, output = project.folder, project.output
    assert "2025-01-0$`kill 1`\\x1b[2J" in ask("rerun", folder, output, "--list").out
    assert "2025-01-0$" not in ask("rerun", folder, output, "--list", *RANGE).out
    ask("rerun", folder, output, "--cancel")
    assert ask("rerun", folder, output, "--list").out == "no open requests\n"


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (f"UPDATE runs SET ended = NULL, pid = {2**40}", "runs"),
        ("UPDATE runs SET ended = '2025-01-01T00:00:00+01:00'", "runs"),
        ("UPDATE runs SET summary = '[]'", "runs"),
        ("UPDATE runs SET summary = '{\"failures\": 5}'", "runs"),
        (f"UPDATE runs SET summary = '{'[' * 9999}'", "runs"),
        ("UPDATE reports SET last_run = 'soon'", "reports"),
        ("UPDATE owners SET granularity = 'aeons'", "owners"),
        ("UPDATE failing SET last_at = 'soon'", "failing"),
        ("UPDATE marks SET start = x'ff' WHERE start = '2025-01-01'", "marks"),
    ],
)
def test_status_reports_what_it_ignores_once_and_does_not_end_well(
    ask: Ask, project: Project, statement: str, table: str
) -> None:
    alter(project, statement)
    out, _ = ask("status", project.output, "--report", "edits", code=1)
    assert out.count(f" of {table} that no run can have written: ignored: ") == 1
    assert json.loads(ask("status", project.output, "--json", code=1).out)["troubles"]


def test_a_run_that_meets_it_ends_and_says_so(project: Project) -> None:
    alter(
        project,
        "UPDATE runs SET summary = 'x', project = '/dev/null'",
        "INSERT INTO reports SELECT 'other', '/dev/null', owner, ticket, description, series,"
        " 'soon', done, empty, failed, error, error_at, failures FROM reports LIMIT 1",
    )
    said = project.run(code=1)
    assert (
        said.count("the state holds an entry of runs that no run can have written: ignored: ") == 1
    )
    assert "an entry of reports that" in said


@pytest.mark.parametrize(
    "content",
    [
        *("[]", "{}", "5", '{"version": 1, "reports": 5}', "[" * 99_999),
        '{"version": 1, "reports": {"edits": 5}, "projects": {}, "datapoints_waiting": {}}',
        '{"version": 1, "reports": {"edits": {}}, "projects": {"x": 1}, "datapoints_waiting": {}}',
        '{"version": 1, "reports": {}, "projects": {"x": {}}, "datapoints_waiting": {"x": "y"}}',
    ],
)
def test_a_status_json_of_another_hand_ends_no_command(
    ask: Ask, project: Project, content: str
) -> None:
    (project.output / STATE).unlink()
    (project.output / STATE.parent / "status.json").write_text(content)
    out, err = ask("status", project.output, code=None)
    assert "Traceback" not in err
    assert "edits" in out


def test_each_value_of_status_json_may_be_altered(ask: Ask, project: Project) -> None:
    (project.output / STATE).unlink()
    path = project.output / STATE.parent / "status.json"
    content = json.loads(path.read_text())
    for place in list(_places(content)):
        odd_values: list[object] = [None, "soon", -1, 2**70, [], {}, True]
        for odd in odd_values:
            path.write_text(json.dumps(_altered(content, place, odd)))
            ask("status", project.output, code=None)


def _places(content: object, above: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield above
    if isinstance(content, dict):
        for name, value in content.items():
            yield from _places(value, (*above, name))


def _altered(content: object, place: tuple[object, ...], odd: object) -> object:
    if not place:
        return odd
    assert isinstance(content, dict)
    return content | {place[0]: _altered(content[place[0]], place[1:], odd)}


@pytest.mark.parametrize(
    "holder", [HOSTILE, "`kill 1` 2020-01-01T00:00:00", "12 2020-01-01T00:00:00+01:00"]
)
def test_what_a_lock_says_of_its_holder_is_no_command_to_type(
    ask: Ask, project: Project, holder: str
) -> None:
    path = project.output / STATE.parent / "locks" / "edits"
    path.write_text(holder)
    with open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        said = looked_at(ask, project)
    assert "edits is held by another run; a run would pass it over" in said
    assert "kill" not in said


def test_what_can_be_no_datapoint_is_removed_and_the_others_arrive(tmp_path: Path) -> None:
    with receiver(reads_all) as gone:
        port = gone.port
    project = Project(
        tmp_path,
        f"{SQLITE}graphite: {{host: 127.0.0.1, port: {port}, drain_timeout: 1}}\n"
        "reports: {edits: {graphite: {path: '{_metric}', metrics: {edits: n}}}}\n",
        {"edits.sql": ONE},
    )
    project.run(code=1)
    alter(
        project,
        "UPDATE outbox SET value = '1 1\nforged 5' WHERE timestamp = 1735689600",
        "UPDATE outbox SET value = x'00' WHERE timestamp = 1735776000",
    )
    project.write(
        "config.yaml", (project.folder / "config.yaml").read_text().replace(": 1}", ": 30}")
    )
    with receiver(reads_all, port) as graphite:
        said = project.run()
        assert graphite.lines == ["edits 1 1735862400"]
    assert "removed 2 datapoints for graphite://127.0.0.1:" in said
    assert project.state("SELECT * FROM outbox") == []
