"""`on_failure`: a command of the host settings is told of runs that go wrong, and of no others."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import (
    ENVIRONMENT,
    ONE,
    SQLITE,
    Project,
    is_running,
    wait_until,
    written,
)

CONFIG = SQLITE + "reports: {edits: {}, views: {owner: Ada, ticket: T1}}\n"
BROKEN = "SELECT n FROM nowhere"
MOMENT = re.compile(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Host:
    """A machine whose `on_failure` keeps what it is told."""

    def __init__(self, folder: Path, script: str = 'cat > "$(dirname "$0")/told"') -> None:
        self._folder = folder
        written(folder / "tell", f"#!/bin/sh\n{script}\n")
        self.config = written(folder / "host.yaml", "on_failure: ./tell\n")

    @property
    def is_told(self) -> bool:
        """Whether the command was called."""
        return (self._folder / "told").exists()

    def told(self) -> dict[str, Any]:
        """What it was told, once."""
        text = (self._folder / "told").read_text()
        (self._folder / "told").unlink()
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "host")


def project(tmp_path: Path, views: str = BROKEN, config: str = CONFIG) -> Project:
    return Project(tmp_path, config, {"edits.sql": ONE, "views.sql": views})


def test_the_command_is_told_what_the_run_says_of_itself(host: Host, tmp_path: Path) -> None:
    config = CONFIG.replace("{edits", "{typos: {lagg: 1}, edits")
    one = project(tmp_path, config=config)
    one.write("typos.sql", ONE)
    said = one.run("--host-config", host.config, code=1)
    told = host.told()
    assert MOMENT.fullmatch(told["started"])
    assert MOMENT.fullmatch(told["ended"])
    assert told["started"] <= told["ended"]
    wrong = (
        f"{one.folder}/config.yaml:3:19: unknown key 'lagg' of report 'typos' (did you mean 'lag'?)"
    )
    failure = "3 of views, the first is views [2025-01-01, 2025-01-02): no such table: nowhere (check the table's name, and which database the report runs on) [Ada, T1]"
    assert told == {
        "version": 1,
        "project": f"{one.folder}/config.yaml",
        "output": str(one.output),
        "started": told["started"],
        "ended": told["ended"],
        "exit_code": 1,
        "error": "",
        "recovered": False,
        "text": (
            f"{wrong}\n{one.folder}/config.yaml into {one.output}:"
            " 3 done, 0 empty, 3 failed, 1 error in the configuration\n"
            f"  failed: {failure}"
        ),
        "done": 3,
        "empty": 0,
        "failed": 3,
        "errors_in_configuration": 1,
        "configuration": [wrong],
        "failures": [failure],
        "troubles": [],
        "held": [],
        "open_held": 0,
        "skipped": [],
        "not_ready": [],
        "warnings": [],
        "not_sent": [],
        "datapoints_waiting": 0,
        "destinations": [],
    }
    # It is told what stands in the log, line for line.
    assert [line.split(" ERROR ", 1)[1] for line in said.splitlines()] == told["text"].splitlines()


def test_a_run_that_could_not_begin_is_told(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path)
    one.write("config.yaml", "reports: {")
    one.run("--host-config", host.config, code=2)
    told = host.told()
    assert told["exit_code"] == 2
    assert told["error"] == f"{one.folder}/config.yaml: no report could be loaded"
    assert len(told["configuration"]) == 1
    assert told["text"] == f"{told['configuration'][0]}\n{told['error']}"


def test_a_project_that_is_not_there_is_told(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path)
    (one.folder / "config.yaml").unlink()
    one.run("--host-config", host.config, code=2)
    told = host.told()
    assert (told["exit_code"], told["done"]) == (2, 0)
    hint = "a project is a folder with config.yaml"
    error = f"{one.folder}/config.yaml: there is no such file ({hint})"
    assert told["text"] == told["error"] == error


def test_a_state_that_cannot_be_used_is_told(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path, views=ONE)
    written(one.output / ".reportupdater", "a file where a folder belongs")
    one.run("--host-config", host.config, code=1)
    told = host.told()
    assert told["exit_code"] == 1
    assert told["error"].startswith(f"{one.output}/.reportupdater")


def test_a_good_run_and_one_with_nothing_due_tell_nobody(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path, views=ONE)
    for _ in range(2):
        assert one.run("--host-config", host.config) == ""
    assert not host.is_told


def test_a_run_that_is_interrupted_tells_nobody(host: Host, tmp_path: Path) -> None:
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    one = project(tmp_path, views=endless)
    one.write("edits.sql", BROKEN)
    with one.started("--host-config", host.config, "-l", "info") as run:
        run.says("no such table")
        run.signal(signal.SIGTERM)
        run.ended(128 + signal.SIGTERM)
    assert not host.is_told


def test_other_commands_tell_nobody(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path)
    command = (sys.executable, "-m", "reportupdater", "resend", "--host-config", host.config)
    ended = subprocess.run(
        [*command, one.folder, one.output], env=ENVIRONMENT, capture_output=True, check=False
    )
    assert ended.returncode == 2
    assert not host.is_told


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo no relay >&2; exit 3", "it ended with exit code 3: no relay"),
        ("exit 1", "it ended with exit code 1"),
        ("kill -9 $$", "it was ended by SIGKILL (is this host short of memory?)"),
    ],
)
def test_its_own_failure_is_a_warning_and_no_more(tmp_path: Path, script: str, why: str) -> None:
    host = Host(tmp_path / "host", script)
    said = project(tmp_path).run("--host-config", host.config, code=1)
    last = said.splitlines()[-1]
    assert last.split(" WARNING ")[1] == (
        f"{host.config}:1:13: on_failure failed, so this run may have gone unreported: {why}"
    )


def test_a_command_that_is_not_there_is_told_with_where_it_stands(tmp_path: Path) -> None:
    settings = written(tmp_path / "host.yaml", "on_failure: [nobody-has-this, secret]\n")
    said = project(tmp_path).run("--host-config", settings, code=1, environment={"PATH": "/bin"})
    assert said.splitlines()[-1].endswith(
        f"{settings}:1:13: on_failure failed, so this run may have gone unreported:"
        " cannot run nobody-has-this: No such file or directory (it is not in PATH, which is /bin)"
    )
    assert "secret" not in said


def test_a_command_that_reads_nothing_and_leaves_a_child_is_fine(tmp_path: Path) -> None:
    host = Host(
        tmp_path / "host", 'sleep 60 >&- 2>&- & echo $! > "$(dirname "$0")/child"; echo printed'
    )
    said = project(tmp_path).run("--host-config", host.config, code=1)
    assert " WARNING " not in said
    child = int((tmp_path / "host/child").read_text())
    wait_until(lambda: not is_running(child))


HANGING = """
cd "$(dirname "$0")"
sleep 600 & echo $! > it && mv it child
trap "" TERM
wait; sleep 600
"""


@contextmanager
def run_that_hangs(project: Project, host: Host, child: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose `on_failure` hangs; when its child runs, all of the command's time is over."""
    code = f"""
import os, sys
from reportupdater.cli import main
from reportupdater.execution import notify
notify.monotonic = lambda: 1e9 if os.path.exists({str(child)!r}) else 0.0
sys.exit(main(sys.argv[1:]))
"""
    arguments = ("run", "--now", "2025-01-02", "--host-config", host.config)
    command = ["env", "--default-signal=TERM", sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(
        [*command, project.folder, project.output], env=ENVIRONMENT, stderr=subprocess.PIPE
    ) as run:
        yield run
        run.kill()


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", HANGING)
    child = tmp_path / "host/child"
    with run_that_hangs(project(tmp_path), host, child) as run:
        _, said = run.communicate(timeout=60)
    assert run.returncode == 1, said
    assert said.decode().splitlines()[-1].endswith("gone unreported: it was stopped after 60 s")
    wait_until(lambda: not is_running(int(child.read_text())))


def test_a_signal_ends_a_command_that_hangs_and_leaves_the_exit_code(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", HANGING)
    child = tmp_path / "host/child"
    with run_that_hangs(project(tmp_path), host, tmp_path / "never") as run:
        wait_until(child.exists)
        run.send_signal(signal.SIGTERM)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 1, said
    assert said.decode().splitlines()[-1].endswith("gone unreported: it was stopped by a signal")
    wait_until(lambda: not is_running(int(child.read_text())))


def home(tmp_path: Path, text: str) -> Mapping[str, str]:
    written(tmp_path / "home/.config/reportupdater/config.yaml", text)
    return {"HOME": str(tmp_path / "home")}


@pytest.mark.skipif(
    os.path.exists("/etc/reportupdater/config.yaml"), reason="this machine has host settings"
)
def test_a_command_line_is_split_as_a_shell_would_and_found_in_path(tmp_path: Path) -> None:
    told = tmp_path / "a folder/told"
    told.parent.mkdir()
    settings = f"""on_failure: tee --output-error=exit '{told}'\n"""
    project(tmp_path).run(code=1, environment=home(tmp_path, settings))
    assert json.loads(told.read_text())["failed"] == 3


def test_a_mistake_in_it_is_told_and_keeps_no_report_from_running(tmp_path: Path) -> None:
    settings = written(tmp_path / "host.yaml", 'on_failure: "mail \'ops"\n')
    one = project(tmp_path, views=ONE)
    said = one.run("--host-config", settings, code=1)
    assert said.splitlines()[0].split(" ERROR ")[1] == (
        f"{settings}:1:13: 'on_failure' must be a command line, a list of its words, or a mapping with"
        " `command` and `repeat` (a quote in it is not closed)"
    )
    assert len(one.dates("views")) == 3


def test_it_belongs_to_the_machine_and_not_to_a_project(tmp_path: Path) -> None:
    one = project(tmp_path, config=CONFIG + "on_failure: mail ops\n", views=ONE)
    said = one.run()
    assert said.splitlines()[0].split(" WARNING ")[1] == (
        f"{one.folder}/config.yaml:4:1: unknown key 'on_failure' is ignored (it belongs to host settings)"
    )


@pytest.mark.parametrize("level", ["warning", "debug"])
@pytest.mark.parametrize("code", [0, 1])
def test_what_the_command_prints_of_its_own_secrets_is_not_logged(
    tmp_path: Path, level: str, code: int
) -> None:
    tell = written(tmp_path / "tell", f'#!/bin/sh\necho "cannot reach $*" >&2\nexit {code}\n')
    words = f"[{tell}, --token, hush1234, 'https://me:hush5678@h.example.org/x?id=hush9012']"
    config = written(tmp_path / "host.yaml", f"on_failure: {words}\n")
    said = project(tmp_path).run("--host-config", config, "-l", level, code=1)
    assert "hush" not in said
    shown = "cannot reach --token *** https://***@h.example.org/x?***"
    assert (shown in said) == (code == 1 or level == "debug")


def _run(one: Project, host: Host, *more: str, code: int = 1) -> None:
    one.run("--host-config", host.config, *more, code=code)


def test_it_is_called_on_change_and_once_on_recovery(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path)
    _run(one, host)
    assert host.told()["recovered"] is False
    for more in ([], ["--report", "views"], []):  # waits, is tried again, waits
        _run(one, host, *more)
        assert not host.is_told
    one.write("edits.sql", BROKEN)
    one.call("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", "2025-01-02")
    _run(one, host)
    assert "edits [2025-01-01" in host.told()["text"]
    one.write("edits.sql", ONE)
    _run(one, host, "--report", "edits", code=0)
    assert not host.is_told  # views fails still
    _run(one, host)
    assert host.told()["failures"] == []
    one.write("views.sql", ONE)
    _run(one, host, code=0)
    given = host.told()
    assert (given["recovered"], given["exit_code"]) == (True, 0)
    assert "3 done, 0 empty, 0 failed" in given["text"]
    _run(one, host, code=0)
    assert not host.is_told


def test_a_run_of_a_part_does_not_know_that_all_is_well(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path)
    _run(one, host)
    host.told()
    _run(one, host, "--report", "edits", code=0)
    assert not host.is_told
    one.write("edits.sql", BROKEN)
    one.call("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", "2025-01-02")
    _run(one, host, "--report", "edits")
    host.told()
    _run(one, host, "--report", "views")
    assert not host.is_told


def test_a_run_that_could_not_begin_is_reported_once_and_so_is_its_recovery(
    host: Host, tmp_path: Path
) -> None:
    one = project(tmp_path, views=ONE)
    good = (one.folder / "config.yaml").read_text()
    one.output.mkdir()
    one.write("config.yaml", "reports: {")
    _run(one, host, code=2)
    assert host.told()["exit_code"] == 2
    _run(one, host, code=2)
    assert not host.is_told
    one.write("config.yaml", good)
    _run(one, host, code=0)
    assert host.told()["recovered"] is True


@pytest.mark.parametrize("repeat", ["", ", repeat: 1d", ", repeat: 86400"])
def test_it_may_be_called_again_for_the_same(host: Host, tmp_path: Path, repeat: str) -> None:
    host.config.write_text(f"on_failure: {{command: ./tell{repeat}}}\n")
    one = project(tmp_path)
    _run(one, host)
    host.told()
    _run(one, host)
    assert not host.is_told
    (note,) = (one.output / ".reportupdater" / "notified").iterdir()
    note.write_text(re.sub(r'"at": "\d{4}', '"at": "2020', note.read_text()))
    _run(one, host)
    assert host.is_told == bool(repeat)


def test_a_result_that_is_held_is_reported_once(host: Host, tmp_path: Path) -> None:
    one = project(tmp_path, views=ONE)
    _run(one, host, code=0)
    one.write("edits.sql", ONE + " WHERE 0")
    one.call("rerun", one.folder, one.output, "--since", "2025-01-01", "--until", "2025-01-02")
    _run(one, host)
    assert len(host.told()["held"]) == 1
    _run(one, host)
    assert not host.is_told
    one.call("reject", one.folder, one.output)
    _run(one, host, code=0)
    assert host.told()["recovered"] is True


def test_a_command_that_failed_is_called_again(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", "exit 3")
    one = project(tmp_path)
    for _ in range(2):
        assert "on_failure failed" in one.run("--host-config", host.config, code=1)


@pytest.mark.parametrize("text", ["{}", "{repeat: 1d}", "{command: ./tell, repeat: soon}"])
def test_a_mapping_names_a_command(tmp_path: Path, host: Host, text: str) -> None:
    host.config.write_text(f"on_failure: {text}\n")
    one = project(tmp_path, views=ONE)
    said = one.run("--host-config", host.config, code=1)
    assert ("has no 'command'" in said) == ("command" not in text)
    assert ("'repeat' of on_failure must be" in said) == ("soon" in text)
