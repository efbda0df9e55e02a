"""What scripts, files and their names hold steers no terminal, whichever command shows it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import reportupdater
from tests.commands.calling import COMMAND, on_terminal
from tests.commands.conftest import Ask
from tests.helpers import ENVIRONMENT, ONE, SQLITE, Project

HOSTILE = "\x1b[2J\x1b]0;x\x07\x9b31m\u202e\u2066\u200b\u2028"
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066]")
_FAILING = f"#!/bin/sh\nprintf 'error: all is well\\n%s\\n' '{HOSTILE}' >&2\nexit 1\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One in which a script says hostile things, and files have hostile names; it has been run."""
    reports = "reports: {fails: {type: script}, edits: {}}\n"
    project = Project(
        tmp_path_factory.mktemp("hostile"),
        SQLITE + reports,
        {"fails": _FAILING, "edits.sql": f"{ONE} -- {HOSTILE}\r\n"},
    )
    project.write_tsv(HOSTILE, "date\tn\n2025-01-01\t1\n")
    project.run(code=1)
    project.write(f".reruns/{HOSTILE}", "2025-01-01\n2025-01-02\n")
    project.write(f".reruns/bad{HOSTILE}", f"{HOSTILE}\n")
    project.write(f".reruns/worse{HOSTILE}", f"2025-01-01\n2025-01-02\n{HOSTILE}\n")
    return project


COMMAND_LINES = [
    ["status", "OUTPUT"],
    ["status", "OUTPUT", "--series"],
    ["status", "OUTPUT", "--json", "--series"],
    ["status", "OUTPUT", "PROJECT"],
    ["plan", "PROJECT", "OUTPUT", "--now", "2025-01-04"],
    ["plan", "PROJECT", "OUTPUT", "--now", "2025-01-04", "--json"],
    ["rerun", "PROJECT", "OUTPUT", "--list"],
    ["check", "PROJECT"],
    ["check", "PROJECT", "--json"],
    ["config", "PROJECT"],
    ["run", "PROJECT", "OUTPUT", "--now", "2025-01-04", "--dry-run", "-l", "debug"],
    ["run", "PROJECT", "OUTPUT/.other", "--now", "2025-01-04", "-l", "debug"],
    ["try", "PROJECT", "fails", "--now", "2025-01-04", "--execute"],
    ["try", "PROJECT", f"no{HOSTILE}"],
    ["check", f"PROJECT{HOSTILE}"],
    ["metrics", "PROJECT", f"--no{HOSTILE}"],
    [HOSTILE],
]


@pytest.mark.parametrize("line", COMMAND_LINES, ids=lambda line: ascii(" ".join(line)))
def test_nothing_that_a_command_prints_steers_a_terminal(
    ask: Ask, project: Project, line: list[str]
) -> None:
    paths = {"PROJECT": str(project.folder), "OUTPUT": str(project.output)}
    words = [re.sub("PROJECT|OUTPUT", lambda name: paths[name[0]], word) for word in line]
    out, err = ask(*words, code=None)
    said = out + err
    assert not _STEERING.search(said), ascii(said)
    assert "error: all is well" not in said.splitlines()
    if "--json" in line:
        json.loads(out)


@pytest.mark.parametrize("command", ["status", "plan", "rerun"])
def test_what_is_hostile_is_shown_as_an_escape(ask: Ask, project: Project, command: str) -> None:
    line = {
        "status": ["status", project.output],
        "plan": ["plan", project.folder, project.output, "--now", "2025-01-04"],
        "rerun": ["rerun", project.folder, project.output, "--list"],
    }[command]
    assert "\\u202e\\u2066\\u200b" in ask(*line, code=None).out


def test_on_a_terminal_only_our_own_colours_are_left(project: Project) -> None:
    shown = on_terminal(100, "status", project.output, code=1, with_errors=True)
    assert "\x1b[31m! fails" in shown
    assert not _STEERING.search(re.sub("\x1b\\[(?:31|0)m", "", shown)), ascii(shown)


def test_a_query_is_printed_as_it_is_only_where_no_terminal_is(project: Project) -> None:
    line = ["try", str(project.folder), "edits", "--now", "2025-01-04", "--render-only"]
    done = subprocess.run([*COMMAND, *line], env=ENVIRONMENT, capture_output=True, check=True)
    assert done.stdout.decode().endswith(f"AS date, 1 AS n -- {HOSTILE}\n")
    assert not _STEERING.search(on_terminal(100, *line))


def test_no_line_of_the_log_is_anothers(ask: Ask, project: Project) -> None:
    forged = "x\n2025-01-01T00:00:00Z ERROR the disk is full"
    said = ask("status", project.output, "--report", forged, code=2).err
    first, *others = said.splitlines()
    assert re.match(r"\S+ ERROR .* has no report 'x", first)
    assert all(line.startswith("  ") for line in others)


def _writes(module: ast.Module) -> set[str]:
    """What a module does that may write to the terminal."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            found.add("print")
        if isinstance(node, ast.Attribute) and re.fullmatch(
            r"(?:_?sys\.)(?:__)?std(?:out|err)(?:__)?\.(?:write|writelines|buffer)",
            ast.unparse(node),
        ):
            found.add(ast.unparse(node))
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None), *(alias.name for alias in node.names)]
            if any(name and name.split(".")[0] == "rich" for name in names):
                found.add("rich")
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("StreamHandler"):
            found.add("StreamHandler")
    return found


def test_one_module_prints_one_logs_and_one_draws() -> None:
    package = Path(reportupdater.__file__).parent
    writing = {}
    for path in sorted(package.rglob("*.py")):
        found = _writes(ast.parse(path.read_text(encoding="utf-8")))
        if found:
            writing[os.fspath(path.relative_to(package))] = found
    assert writing == {
        "commands/printing.py": {"sys.stdout.write"},
        "commands/progress.py": {"rich"},
    }
