from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

import reportupdater.engines.shared.process as module
from reportupdater.engines.script.config import Script
from reportupdater.engines.script.engine import ScriptEngine, ScriptSession, table
from reportupdater.errors import ConnectionFailed, QueryError, ResultError, Where
from reportupdater.intervals import Granularity
from reportupdater.model import Table
from tests.conformance.subjects import alive
from tests.engines.tasks import script_task
from tests.helpers import patient

Made = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes a shell script from its body."""

    def make(body: str, *, first: str = "#!/bin/bash", mode: int = 0o755) -> Path:
        path = tmp_path / "report"
        path.write_text(f"{first}\n{body}\n")
        path.chmod(mode)
        return path

    return make


def run(script: Path, *, max_rows: int = 1_000_000) -> Table:
    query = ScriptEngine().query(script_task(script))
    return ScriptSession().run(query, max_rows=max_rows, timeout=600)


def failure(script: Path) -> QueryError:
    with pytest.raises(QueryError) as caught:
        run(script)
    return caught.value


def cancelled(script: Path, ready: Path) -> float:
    """Cancel the script once it has made the file `ready`; the seconds it then took to end."""
    session = ScriptSession()
    query = ScriptEngine().query(script_task(script))
    ended: list[float] = []

    def running() -> None:
        with pytest.raises(ConnectionFailed):
            session.run(query, max_rows=10, timeout=600)
        ended.append(time.monotonic())

    thread = threading.Thread(target=running)
    thread.start()
    wait_for(ready.exists)
    began = time.monotonic()
    session.cancel()
    thread.join(patient(10))
    return ended[0] - began


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()]


# The command


def test_a_script_gets_the_dates_then_the_values_by_name_then_its_folder(
    made: Made, tmp_path: Path
) -> None:
    script = made("printf '%s\\n' date \"$@\"")
    task = script_task(script, dimensions={"wiki": "enwiki", "editor": "visual"})
    query = ScriptEngine().query(task)
    session = ScriptSession()
    assert session.run(query, max_rows=10, timeout=600).rows == [
        ("2015-01-02",),
        ("2015-01-03",),
        ("visual",),
        ("enwiki",),
        (str(tmp_path),),
    ]
    assert query.text == f"{script} 2015-01-02 2015-01-03 visual enwiki {tmp_path}"


def test_a_script_of_an_hourly_report_gets_hours(made: Made) -> None:
    task = script_task(made("true"), granularity=Granularity.HOURS, start=datetime(2015, 1, 2, 23))
    command = ScriptEngine().query(task).command
    assert command[1:3] == ("2015-01-02T23:00:00", "2015-01-03T00:00:00")


def test_a_script_may_do_more_than_read(made: Made) -> None:
    engine, task = ScriptEngine(), script_task(made("true"))
    assert engine.has_side_effects(task)
    assert str(engine.server(task)) == "script localhost"


def test_a_script_has_the_callers_working_directory_and_environment(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho from the path of the caller\n")
    (tmp_path / "tool").chmod(0o755)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("GREETING", "hello")
    assert run(made("echo date; tool; pwd; echo $GREETING")).rows == [
        ("from the path of the caller",),
        (str(elsewhere),),
        ("hello",),
    ]


def test_a_script_has_nothing_to_read(made: Made) -> None:
    assert run(made("echo date; cat")) == Table(("date",), [])


# What is printed


@pytest.mark.parametrize(
    ("printed", "rows"),
    [
        (b"date\tn\n2015-01-02\t1\n", [("2015-01-02", "1")]),
        (b"date\tn\r\n2015-01-02\t1\r\n", [("2015-01-02", "1")]),
        (b"date\tn\n2015-01-02\t1", [("2015-01-02", "1")]),
        (b"\xef\xbb\xbfdate\tn\n2015-01-02\t1\n", [("2015-01-02", "1")]),
        (b"date\tn\n2015-01-02\t1\n\n\r\n\n", [("2015-01-02", "1")]),
        (b"date\tn\n\n2015-01-02\t1\n", [(), ("2015-01-02", "1")]),
        (b"date\tn\n2015-01-02\n", [("2015-01-02",)]),
        (b"date\tn\n\t\n", [("", "")]),
        (b'date\tn\nx\t"a\tb\n""c"""\n', [("x", 'a\tb\n"c"')]),
        (b'date\tn\nx\t5" disk\n', [("x", '5" disk')]),
        ("date\tn\nx\t ü😀 \n".encode(), [("x", " ü😀 ")]),
        (b"date\tn\nx\ta\0b\n", [("x", "a\0b")]),
        (b"date\tn\n\xef\xbb\xbfx\t1\n", [("\ufeffx", "1")]),
        (b"date\tn\n", []),
        (b"date\tn", []),
    ],
)
def test_a_printed_table_is_read_as_excel_tab(printed: bytes, rows: list[tuple[str, ...]]) -> None:
    assert table(printed.splitlines(keepends=True), max_rows=10) == Table(("date", "n"), rows)


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        (b"", "^the script printed nothing: a header line is expected"),
        (b"\n\n", "^the script printed nothing: a header line is expected"),
        (b"\ndate\tn\n", "^the first line is empty: a header line is expected"),
        (b"date\nfine\n\xff\xfe\n", "^line 3 of the output is not UTF-8"),
        (b'date\nfine\n"never closed\nx\n', "^line 4 of the output is no TSV: unexpected end"),
        (b'date\n"a"b\n', "^line 2 of the output is no TSV: '\t' expected after '\"'"),
        (b"date\n1\r2\n", "^line 2 of the output is no TSV: new-line character"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(printed: bytes, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        table([line + b"\n" for line in printed.split(b"\n")[:-1]], max_rows=10)


def test_large_cells_and_outputs_come_whole(made: Made) -> None:
    first = f"#!{sys.executable} -IS"
    rows = run(made("print('date'); print('x' * 10_000_000); print('y')", first=first)).rows
    assert [len(cell) for (cell,) in rows] == [10_000_000, 1]


def test_binary_output_is_an_error(made: Made) -> None:
    with pytest.raises(ResultError, match="not UTF-8"):
        run(made("echo date; head -c 100000 /dev/urandom"))


def test_a_script_that_prints_nothing_is_an_error(made: Made) -> None:
    with pytest.raises(ResultError, match="printed nothing"):
        run(made("true"))


def test_what_is_printed_by_way_of_dev_stdout_is_neither_lost_nor_does_it_lose_more(
    made: Made,
) -> None:
    assert run(made("echo date; echo a > /dev/stdout; echo b >> /dev/stdout; echo c")).rows == [
        ("a",),
        ("b",),
        ("c",),
    ]


def test_output_that_goes_through_a_child_is_waited_for(made: Made, tmp_path: Path) -> None:
    script = made(f"exec > >(sleep 0.3; tee {tmp_path}/copy)\necho date; echo 2015-01-02")
    assert run(script).rows == [("2015-01-02",)]


def test_a_script_may_close_its_outputs_early(made: Made, tmp_path: Path) -> None:
    assert run(made(f"echo date; exec >&- 2>&-; sleep 0.2; touch {tmp_path}/end")).rows == []
    assert (tmp_path / "end").exists()


def test_endless_output_ends_the_script(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_OUTPUT", 10_000_000)
    with pytest.raises(ResultError, match=r"more than 10,000,000 bytes .*endless"):
        run(made(f"echo $$ > {tmp_path}/pids; yes"))
    assert not alive(pids(tmp_path / "pids")[0])


def test_output_for_which_there_is_no_room_is_an_error(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert run(made("echo date")).header == ("date",)
    error = failure(made("echo date; yes | head -c 2000000"))
    assert str(error).startswith("cannot keep the script's output: No such file or directory")
    assert "TMPDIR" in error.hint


def test_many_messages_on_standard_error_do_no_harm(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script = made("echo date; yes progress | head -c 900000 >&2; echo the end >&2; echo x")
    assert run(script).rows == [("x",)]
    [record] = caplog.records
    assert record.levelno == logging.DEBUG
    assert record.getMessage().endswith("progress / the end")
    assert len(record.getMessage()) < 5000


# Failing


def test_a_script_that_fails_after_its_header_is_a_failure(made: Made) -> None:
    error = failure(made("echo date; echo 2015-01-02; echo no such table >&2; exit 3"))
    assert str(error) == "the script ended with exit code 3: no such table"


def test_the_last_line_on_standard_error_comes_first_the_others_follow(made: Made) -> None:
    error = failure(made("printf 'Traceback:\\n  File x\\nKeyError: 1\\n\\n' >&2; exit 1"))
    assert str(error) == (
        "the script ended with exit code 1: KeyError: 1\n    Traceback:\n      File x"
    )


def test_only_the_end_of_standard_error_is_shown_and_only_what_is_fit_for_it(made: Made) -> None:
    error = failure(
        made(
            "yes xxxxxxxxx | head -c 100000 >&2; printf '\\e[31mred\\e[0m \\a\\xff\\0\\n' >&2; exit 1"
        )
    )
    first, *rest = str(error).splitlines()
    assert first == "the script ended with exit code 1: red \ufffd"
    assert 50 < len("".join(rest)) < 5000


def test_a_script_that_fails_silently_says_so(made: Made) -> None:
    assert str(failure(made("exit 42"))) == (
        "the script ended with exit code 42: it wrote nothing to standard error"
    )


@pytest.mark.parametrize(("name", "hint"), [("KILL", "memory"), ("SEGV", ""), ("TERM", "")])
def test_a_script_that_a_signal_ends_names_it(made: Made, name: str, hint: str) -> None:
    error = failure(made(f"echo date; kill -{name} $$"))
    assert error.what.startswith(f"the script was ended by SIG{name}: ")
    assert hint in error.hint


def test_a_signal_without_a_name_is_told_by_its_number(made: Made) -> None:
    assert "was ended by signal 40" in str(failure(made("kill -40 $$")))


def test_a_command_that_is_not_found_shows_the_path(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    error = failure(made("echo date; no-such-command"))
    assert "exit code 127: " in error.what
    assert "no-such-command: command not found" in error.what
    assert error.hint == "a command was not found; PATH is /usr/bin:/bin"


@pytest.mark.parametrize(
    ("first", "mode", "message"),
    [
        ("echo date", 0o755, "Exec format error (its first line must name what runs it"),
        ("#!/nowhere/python", 0o755, "No such file or directory (what its first line names"),
        ("#!/bin/sh\r", 0o755, "No such file or directory (what its first line names"),
        ("#!/bin/sh", 0o644, "Permission denied (chmod +x "),
    ],
)
def test_a_script_that_cannot_be_started_says_why(
    made: Made, first: str, mode: int, message: str
) -> None:
    script = made("echo date", first=first, mode=mode)
    assert str(failure(script)).startswith(f"cannot run {script}: {message}")


@pytest.fixture
def noexec(tmp_path: Path) -> Iterator[Path]:
    """A folder of a file system from which nothing may be run."""
    folder = tmp_path / "noexec"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"NOT RUN: no file system can be mounted here: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_script_on_a_file_system_mounted_noexec_says_so(noexec: Path) -> None:
    script = noexec / "sizes"
    script.write_text("#!/bin/sh\necho date\n")
    assert failure(script).hint == f"chmod +x {script}"
    script.chmod(0o755)
    assert str(failure(script)) == (
        f"cannot run {script}: Permission denied (its file system is mounted with noexec: put the"
        " project on another one)"
    )
    [problem] = Script().find_query(noexec, "sizes", Where("config.yaml", 3), "report 'sizes'")[1]
    assert problem.hint == "its file system is mounted with noexec: put the project on another one"


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert str(failure(tmp_path / "nowhere")) == (
        f"cannot run {tmp_path}/nowhere: No such file or directory"
    )


# Ending


def test_a_hung_script_ends_with_its_children(made: Made, tmp_path: Path) -> None:
    script = made(
        f"""
        sleep 300 & echo $! >> {tmp_path}/pids
        (trap '' TERM; sleep 300) & echo $! >> {tmp_path}/pids
        bash -c 'sleep 300 | sleep 300' & echo $! >> {tmp_path}/pids
        echo $$ >> {tmp_path}/pids
        touch {tmp_path}/ready
        wait
        """
    )
    assert cancelled(script, tmp_path / "ready") < 1.5
    wait_for(lambda: not any(map(alive, pids(tmp_path / "pids"))))


def test_a_script_that_ignores_sigterm_is_killed(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TERM_PATIENCE", 0.5)
    script = made(
        f"trap '' TERM; echo $$ > {tmp_path}/pids; touch {tmp_path}/ready; while true; do sleep 0.05; done"
    )
    assert 0.4 < cancelled(script, tmp_path / "ready") < 2
    assert not alive(pids(tmp_path / "pids")[0])


def test_a_script_has_time_to_clean_up(made: Made, tmp_path: Path) -> None:
    script = made(
        f"""
        trap 'sleep 0.3; touch {tmp_path}/clean; exit' TERM
        touch {tmp_path}/ready
        while true; do sleep 0.05; done
        """
    )
    assert cancelled(script, tmp_path / "ready") < 1.5
    assert (tmp_path / "clean").exists()


def test_children_that_outlive_a_script_are_ended(made: Made, tmp_path: Path) -> None:
    script = made(f"sleep 300 > /dev/null 2>&1 & echo $! > {tmp_path}/pids; echo date")
    began = time.monotonic()
    assert run(script) == Table(("date",), [])
    assert time.monotonic() - began < patient(1)
    wait_for(lambda: not alive(pids(tmp_path / "pids")[0]))


@pytest.mark.parametrize("printed", ["echo date", ":"])
def test_output_that_a_silent_child_holds_is_a_failure_and_does_not_hold_up_the_run(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setattr(module, "_LAST_WORDS", 0.3)
    script = made(f"(trap '' TERM HUP; sleep 300) & echo $! > {tmp_path}/pids; {printed}")
    began = time.monotonic()
    assert str(failure(script)) == (
        "the script has ended, and a process that it started holds its standard output (let it wait"
        " for what it put into the background, or send the output of that elsewhere: COMMAND"
        " >/dev/null &)"
    )
    assert time.monotonic() - began < patient(10)
    wait_for(lambda: not alive(pids(tmp_path / "pids")[0]))


def test_a_script_that_fails_says_why_whatever_its_children_hold(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LAST_WORDS", 0.3)
    assert failure(made("sleep 300 & echo wrong >&2; exit 3")).what == (
        "the script ended with exit code 3: wrong"
    )


def test_output_that_has_not_come_to_its_end_is_not_taken(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LAST_WORDS", 0.3)
    error = failure(made("echo date; (while sleep 0.05; do echo row; done) & sleep 0.1"))
    assert str(error) == (
        "the script ended while its children were still printing (let it wait for them)"
    )


def test_nothing_is_left_in_this_process(made: Made) -> None:
    def left() -> tuple[int, set[str]]:
        children = Path("/proc/self/task").glob("*/children")
        return len(os.listdir("/proc/self/fd")), {path.read_text() for path in children} - {""}

    run(made("echo date; echo x >&2"))
    before = left()
    for _ in range(3):
        run(made("echo date; echo x >&2"))
        failure(made("exit 1"))
    failure(made("", first="", mode=0o644))
    assert left() == before
