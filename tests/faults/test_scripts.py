"""Scripts that hang, fork, print far too much, or what is no text: none takes the run with it."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.soak import record
from tests.helpers import ONE, SQLITE, Project, is_running, wait_until

pytestmark = pytest.mark.long

MB = 2**20
GOOD = "printf 'date\\tn\\n%s\\t1\\n' $1"
HUNDRED = 100_000_000
STOPPED = "stopped after 1 s"

# What a script does: a message of its failure, or none if that is no failure.
BEHAVIOURS = {
    "prints 100 MB without a line's end": (
        f"printf 'date\\tn\\n%s\\t' $1; head -c {HUNDRED} /dev/zero | tr '\\0' x",
        "line 2 of the output is longer than 67,108,864 bytes",
    ),
    "prints 100 MB of rows": (
        f"printf 'date\\tn\\n'; yes \"$1\t12\" | head -c {HUNDRED}",
        "more than 1,000,000 rows",
    ),
    "prints 100 MB of empty lines": (
        f"yes '' | head -c {HUNDRED}",
        "more than 1,000,000 rows",
    ),
    "prints 100 MB of binary data": (
        f"printf 'date\\tn\\n'; head -c {HUNDRED} /dev/urandom",
        "of the output is not UTF-8",
    ),
    "prints 100 MB of zeros": (
        f"head -c {HUNDRED} /dev/zero",
        "line 1 of the output is longer than 67,108,864 bytes",
    ),
    "prints a header of 1 MB": (
        "head -c 1000000 /dev/zero | tr '\\0' x",
        "the name of column 1 has 1,000,000 characters",
    ),
    "prints a date of 1 MB": (
        "printf 'date\\tn\\n'; head -c 1000000 /dev/zero | tr '\\0' x; printf '\\t1\\n'",
        "the first column of row 1: 'xxx",
    ),
    "prints a time of 1 MB": (
        "printf 'date\\tn\\n2025-02-01 0:00:00.'; yes 0 | head -n 500000 | tr -d '\\n'; echo '\t1'",
        "row 1 is dated 2025-02-01",
    ),
    "prints a million tabs": (
        f"{GOOD}; head -c 1000000 /dev/zero | tr '\\0' '\\t'",
        "row 2 has 1000001 columns, the header has 2",
    ),
    "opens a quote and prints 100 MB": (
        f"printf 'date\\tn\\n%s\\t\"' $1; yes xxxxxxxxx | head -c {HUNDRED}",
        "of the output is no TSV",
    ),
    "prints for ever": (
        f'{GOOD}; yes "$1\t1"',
        "printed more than 268,435,456 bytes",
    ),
    "says 100 MB on standard error": (f"{GOOD}; head -c {HUNDRED} /dev/zero >&2", None),
    "says 100 MB on standard error and fails": (
        f"yes oh no | head -c {HUNDRED} >&2; exit 3",
        "the script ended with exit code 3: ",
    ),
    "prints nothing": ("exit 0", "the script printed nothing"),
    "closes standard output early": (f"{GOOD}; exec >&-; sleep 0.3; touch late", None),
    "closes all it has": ("exec 0<&- 1>&- 2>&-; sleep 0.3", "the script printed nothing"),
    "closes standard output and hangs": (f"{GOOD}; exec >&-; sleep 100", STOPPED),
    "hangs": ('echo $$ >> "$PIDS"; sleep 100', STOPPED),
    "hangs and ignores SIGTERM": (
        "trap '' TERM INT HUP; echo $$ >> \"$PIDS\"; while :; do sleep 1; done",
        STOPPED,
    ),
    "hangs with a tree of children": (
        """for i in 1 2 3; do (echo $BASHPID >> "$PIDS"; (echo $BASHPID >> "$PIDS";
            trap '' TERM; sleep 100) & wait) & done; wait""",
        STOPPED,
    ),
    "stops itself": ('echo $$ >> "$PIDS"; kill -STOP $$', STOPPED),
    "leaves children": (
        f'for i in 1 2 3; do sleep 100 & echo $! >> "$PIDS"; done; {GOOD}',
        "holds its standard output",
    ),
    "leaves children that hold nothing": (
        f'nohup sleep 100 >/dev/null 2>&1 & echo $! >> "$PIDS"; {GOOD}',
        None,
    ),
    "forks a hundred children": (
        """f() { echo $BASHPID >> "$PIDS"; [ $1 = 0 ] || { f $(($1 - 1)) & f $(($1 - 1)) & }
            sleep 100; }; f 6""",
        STOPPED,
    ),
    "kills its group": ("kill -9 0", "the script was ended by SIGKILL"),
    "fails in a pipe that it has closed": ("exec >&-; echo date || exit 7", "exit code 7"),
}


def test_scripts_that_misbehave_cost_their_own_tasks_alone_and_little_memory(
    tmp_path: Path,
) -> None:
    pids = tmp_path / "pids"
    pids.touch()
    names = {what: f"r{number}" for number, what in enumerate(BEHAVIOURS)}
    text = SQLITE + "reports:\n  views: {}\n  users: {type: script}\n"
    files = {"views.sql": ONE, "users": f"#!/bin/sh\n{GOOD}\n"}
    for what, (body, message) in BEHAVIOURS.items():
        timeout = 1 if message == STOPPED else 200
        text += f"  {names[what]}: {{type: script, timeout: {timeout}}} # {what}\n"
        files[names[what]] = f"#!/bin/bash\ncd {tmp_path}\n{body}\n"
    project = Project(tmp_path, text, files)
    began = time.monotonic()
    with project.started("--jobs", "3", now="2025-01-02", environment={"PIDS": str(pids)}) as run:
        memory = run.most_memory()
        said = run.ended(1)
    seconds = time.monotonic() - began
    assert memory < 1200 * MB
    assert seconds < 200
    assert len(said) < 50_000
    assert len(project.dates("views")) == len(project.dates("users")) == 1
    wrong = []
    for what, (_, message) in BEHAVIOURS.items():
        name = names[what]
        failure = re.search(rf"failed: {name} \[2025-01-01, 2025-01-02\): (.*)", said)
        if message is None:
            good = failure is None and project.text(name) == "date\tn\n2025-01-01\t1\n"
        else:
            good = failure is not None and message in failure[1]
            good = good and not project.tsv(name).exists()
        if not good:
            wrong.append(what)
    assert wrong == []
    numbers = [int(pid) for pid in pids.read_text().split()]
    # What was sent SIGKILL may take a moment.
    with suppress(AssertionError):
        wait_until(lambda: not any(map(is_running, numbers)))
    left = [pid for pid in numbers if is_running(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert len(numbers) > 60  # on a busy machine not all come to their forks within a second
    assert left == []
    record(
        "scripts that hang, fork, print far too much, nothing, or what is no text",
        cases=len(BEHAVIOURS),
        processes=len(numbers),
        wrong=len(wrong),
        left_over=len(left),
        most_mb=memory // MB,
        seconds=round(seconds),
    )
