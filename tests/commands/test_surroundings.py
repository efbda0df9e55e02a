"""Commands called in odd surroundings, or with odd dates: one line says what is wrong, if anything is."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.commands.calling import COMMAND
from tests.commands.conftest import Ask
from tests.helpers import ENVIRONMENT, RUN, SQLITE, Project
from tests.machine import ordinary_user
from tests.servers.receivers import reads_all, receiver

GRANULARITIES = ("hours", "days", "weeks", "months")
EARLY_AND_LATE = (
    "0001-01-01",
    "0001-12-31T23",
    "1899-12-31",
    "1900-01-01",
    "9998-12-31T23",
    "9999-12-31T23",
)


def project(parent: Path, granularity: str = "days", keys: str = "") -> Project:
    query = "SELECT '{year}-{month}-{day} {hour}:00:00' AS date, 1 AS n"
    report = f"edits: {{granularity: {granularity}, max_data_points: 3{keys}}}"
    one = Project(parent, f"{SQLITE}reports: {{{report}}}\n", {"edits.sql": query})
    one.output.mkdir()
    return one


def test_standard_input_may_be_closed(tmp_path: Path) -> None:
    with receiver(reads_all) as graphite:
        one = project(tmp_path, keys=", graphite: {path: '{_metric}', metrics: {edits: n}}")
        config = one.folder / "config.yaml"
        config.write_text(
            f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\n" + config.read_text()
        )
        said = one.run(environment=None)
        with one.started(
            "-l", "info", now="2025-01-06", through=("sh", "-c", 'exec "$@" <&-', "sh")
        ) as run:
            said = run.ended(0)
        assert "2 done" in said
        assert len(graphite.lines) == 5


def test_no_file_of_ours_takes_the_place_of_a_stream_that_is_closed(tmp_path: Path) -> None:
    script = "#!/bin/sh\nread x; echo $? >&2; ls -l /proc/self/fd >&2\nprintf 'date\\tn\\n%s\\t1\\n' $1\n"
    one = Project(
        tmp_path,
        "reports: {edits: {type: script, granularity: days, starts: 2025-01-03}}\n",
        {"edits": script},
    )
    line = [*RUN, "--now", "2025-01-04", one.folder, one.output]
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *map(str, line)]
    assert subprocess.run(shell, env=ENVIRONMENT, check=False).returncode == 0
    assert len(one.dates("edits")) == 1
    for closed in ("<&-", ">&-", "<&- >&-"):
        one.tsv("edits").unlink()
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *map(str, line), "-l", "debug"]
        done = subprocess.run(shell, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "state.sqlite" not in done.stderr.partition("wrote to standard error")[2]


@pytest.mark.parametrize(
    "line",
    [
        ["run", "PROJECT", "out"],
        ["run", "..", "OUTPUT"],
        ["check", "."],
        ["config", "."],
        ["plan", ".", "OUTPUT"],
        ["status", "."],
        ["try", ".", "edits"],
        ["check", "PROJECT", "--host-config", "host.yaml"],
    ],
    ids=" ".join,
)
def test_a_working_folder_that_was_deleted_is_said_to_be(tmp_path: Path, line: list[str]) -> None:
    one = project(tmp_path)
    paths = {"PROJECT": str(one.folder), "OUTPUT": str(one.output)}
    words = [paths.get(word, word) for word in line]
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = ["sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh", *COMMAND, *words]
    done = subprocess.run(shell, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        "is relative, and the working folder cannot be used: No such file or directory"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_whole_paths_need_no_working_folder(tmp_path: Path) -> None:
    one = project(tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    line = [*RUN, "--now", "2025-01-04", str(one.folder), str(one.output)]
    shell = ["sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh", *line]
    done = subprocess.run(shell, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(one.dates("edits")) == 3


@pytest.mark.parametrize("granularity", GRANULARITIES)
@pytest.mark.parametrize("date", EARLY_AND_LATE)
def test_any_date_is_taken_or_refused_in_a_line(
    ask: Ask, tmp_path: Path, granularity: str, date: str
) -> None:
    one = project(tmp_path, granularity)
    folder, output = one.folder, one.output
    is_clock = "1900" <= date[:4] < "9999"
    for line in (
        ("try", folder, "edits", "--now", date),
        ("run", folder, output, "--now", date),
        ("plan", folder, output, "--now", date),
        ("status", output, folder, "--now", date),
        ("rerun", folder, output, "--now", date, "--since", "2025-01-01", "--until", "2025-02-01"),
    ):
        said = ask(*line, code=None).err
        assert ("is not of the years 1900 to 9998" in said) != is_clock
    for other in (
        ("try", folder, "edits", "--date", date),
        ("plan", folder, output, "--since", date),
        ("plan", folder, output, "--until", date),
        ("run", folder, output, "--until", date, "--now", "2025-01-02"),
        ("rerun", folder, output, "--since", "0001-01-01", "--until", "9999-12-31"),
    ):
        ask(*other, code=None)


@pytest.mark.parametrize(
    "line",
    [
        ["run", "PROJECT", "OUTPUT"],
        ["plan", "PROJECT", "OUTPUT"],
        ["rerun", "PROJECT", "OUTPUT"],
        ["rerun", "PROJECT", "OUTPUT", "--list"],
        ["rerun", "PROJECT", "OUTPUT", "--cancel"],
        ["resend", "PROJECT", "OUTPUT"],
        ["verify", "PROJECT", "OUTPUT", "--render-url", "http://127.0.0.1:1/"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("until", ["2025-01-01", "2025-01-02"])
def test_since_after_until_is_an_error_in_every_command_that_has_them(
    ask: Ask, tmp_path: Path, line: list[str], until: str
) -> None:
    one = project(tmp_path)
    paths = {"PROJECT": str(one.folder), "OUTPUT": str(one.output)}
    words = [paths.get(word, word) for word in line]
    said = ask(*words, "--since", "2025-01-02", "--until", until, code=2)
    assert said.err.endswith("the range is empty: --since is not before --until\n")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("reports: {edits: [\n", "config.yaml:2:1: "),
        ("report: {edits: {}}\n", "unknown key 'report' is ignored (did you mean 'reports'?)"),
    ],
)
@pytest.mark.parametrize(
    "line",
    [
        ["run", "PROJECT", "OUTPUT", "--report", "edits"],
        ["plan", "PROJECT", "OUTPUT", "--report", "edits"],
        ["config", "PROJECT", "--report", "edits"],
        ["try", "PROJECT", "edits"],
        ["status", "OUTPUT", "PROJECT", "--report", "edits"],
        ["metrics", "PROJECT", "--report", "edits"],
        ["rerun", "PROJECT", "OUTPUT", "--report", "edits", "--list"],
        ["resend", "PROJECT", "OUTPUT", "--report", "edits"],
        ["verify", "PROJECT", "OUTPUT", "--report", "edits", "--render-url", "http://127.0.0.1:1/"],
    ],
    ids=lambda line: line[0],
)
def test_why_a_report_is_not_known_is_said_with_its_name(
    ask: Ask, tmp_path: Path, line: list[str], config: str, why: str
) -> None:
    one = project(tmp_path)
    one.write("config.yaml", config)
    paths = {"PROJECT": str(one.folder), "OUTPUT": str(one.output)}
    said = ask(*(paths.get(word, word) for word in line), code=2)
    assert why in said.err
    assert "has no report 'edits'" in said.err


def test_json_is_all_that_json_prints(ask: Ask, tmp_path: Path) -> None:
    one = project(tmp_path)
    json.loads(ask("plan", one.folder, one.output, "--json", "--now", "2025-01-04").out)


CALLS = {
    "run": ["run", "PROJECT", "OUTPUT"],
    "plan": ["plan", "PROJECT", "OUTPUT"],
    "status": ["status", "OUTPUT"],
    "rerun": ["rerun", "--list", "PROJECT", "OUTPUT"],
    "check": ["check", "PROJECT", "--output", "OUTPUT"],
}


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_an_output_folder_that_may_not_be_looked_at_is_an_error_with_its_path(
    ask: Ask, call: str, *, below: bool
) -> None:
    with TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        one = project(Path(parent))
        output = one.output / "below" if below else one.output
        output.mkdir(exist_ok=True)
        paths = {"PROJECT": one.folder, "OUTPUT": output}
        one.output.chmod(0)
        with ordinary_user():
            said = ask(*(paths.get(word, word) for word in CALLS[call]), code=None)
        one.output.chmod(0o700)
    assert "Permission denied" in said.out + said.err
    assert str(output) in said.out + said.err


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("what", ["a file", "below a file", "a link to itself"])
def test_what_is_no_output_folder_is_an_error_with_its_path(
    tmp_path: Path, ask: Ask, call: str, what: str
) -> None:
    one = project(tmp_path)
    output = tmp_path / "thing"
    if what == "a link to itself":
        output.symlink_to(output)
    else:
        output.write_text("")
    if what == "below a file":
        output /= "below"
    paths = {"PROJECT": one.folder, "OUTPUT": output}
    said = ask(*(paths.get(word, word) for word in CALLS[call]), code=2)
    assert f"{output}: " in said.err or f"{output} cannot be " in said.err


def test_a_project_that_is_a_link_to_itself_is_an_error_of_check(tmp_path: Path, ask: Ask) -> None:
    (tmp_path / "loop").symlink_to("loop")
    said = ask("check", tmp_path / "loop", code=2)
    assert f"{tmp_path}/loop: there is no such folder" in said.err
