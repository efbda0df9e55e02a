"""Whether a run is at work is asked of its lock, and not of the table of processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from reportupdater.state import alive, history
from reportupdater.state.database import State
from reportupdater.tsv.folder import Folder
from tests.machine import Child

LOCK = """
import subprocess, sys
from datetime import datetime
from pathlib import Path
from reportupdater.state import history
from reportupdater.state.database import State

with State(Path(sys.argv[1])) as state:
    run = history.begin_run(state, "config.yaml", datetime(2015, 1, 1))
    script = subprocess.Popen(["sleep", "60"])
    print(run, script.pid, flush=True)
    sys.stdin.readline()
script.kill()
"""


def begun(child: Callable[..., Child], output: Path) -> tuple[Child, int, int]:
    process = child(LOCK, output)
    assert process.stdout is not None
    run, script = map(int, process.stdout.readline().split())
    return process, run, script


def locks(output: Path) -> Folder:
    return Folder.at(output / ".reportupdater" / "locks")


def test_a_run_is_at_work_until_its_process_has_let_go(
    tmp_path: Path, child: Callable[..., Child]
) -> None:
    process, run, _ = begun(child, tmp_path)
    assert alive.is_alive(locks(tmp_path), run)
    assert not alive.is_alive(locks(tmp_path), run + 1)
    assert alive.is_alive(locks(tmp_path), run)  # asking takes nothing
    process.communicate("\n")
    assert not alive.is_alive(locks(tmp_path), run)


def test_a_run_that_was_killed_is_not_though_its_script_goes_on(
    tmp_path: Path, child: Callable[..., Child]
) -> None:
    process, run, script = begun(child, tmp_path)
    process.kill()
    process.wait()
    try:
        assert not alive.is_alive(locks(tmp_path), run)
    finally:
        os.kill(script, 9)


def test_two_runs_of_an_output_folder_are_told_apart(
    tmp_path: Path, child: Callable[..., Child]
) -> None:
    first, one, _ = begun(child, tmp_path)
    second, other, _ = begun(child, tmp_path)
    first.communicate("\n")
    assert not alive.is_alive(locks(tmp_path), one)
    assert alive.is_alive(locks(tmp_path), other)
    second.communicate("\n")


def test_a_process_that_has_the_number_of_a_killed_run_is_not_that_run(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        history.begin_run(state, "config.yaml", datetime(2015, 1, 1))
    with State(tmp_path) as state, state.reading() as connection:
        assert history.running(connection, state.locks) == []  # though this process is there


def test_where_the_locks_cannot_be_looked_at_no_run_is_at_work(tmp_path: Path) -> None:
    assert not alive.is_alive(None, 1)
    assert not alive.is_alive(Folder.at(tmp_path), 1)


def test_a_run_of_a_state_that_was_moved_away_keeps_no_other_from_beginning(tmp_path: Path) -> None:
    with State(tmp_path) as moved:
        first = history.begin_run(moved, "config.yaml", datetime(2015, 1, 1))
        for file in tmp_path.glob(".reportupdater/state.sqlite*"):
            file.rename(file.with_name(f"moved-{file.name}"))
        with State(tmp_path) as state:
            second = history.begin_run(state, "config.yaml", datetime(2015, 1, 2))
            assert first != second
            assert alive.is_alive(locks(tmp_path), first)
            assert alive.is_alive(locks(tmp_path), second)
