"""Files that nobody writes by hand: reading them ends soon, in few and short messages."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reportupdater.config.load import load_project
from reportupdater.configfile.document import MAX_PROBLEMS
from reportupdater.configfile.files import MAX_SIZE
from reportupdater.errors import UsageError, nearest
from reportupdater.model import Project
from tests.config.conftest import Load

SOON = 30.0
"""Seconds: a hundred times what it takes, and a hundredth of what it once took."""

TOP = "databases: {lite: {engine: sqlite, path: x}}\ndefaults: {db: lite, granularity: days, starts: 2015-01-02}\n"


def soon(load: Callable[[], Project]) -> list[str]:
    """What is told by a loading that does not take for ever."""
    began = time.monotonic()
    problems = [str(problem) for problem in load().problems]
    assert time.monotonic() - began < SOON
    assert max(map(len, problems), default=0) < 1000
    return problems


def test_a_key_that_is_given_ten_thousands_of_times(load: Load) -> None:
    problems = soon(lambda: load("reports: {" + "a, " * 100_000 + "}\n"))
    assert len(problems) == MAX_PROBLEMS + 2
    assert problems[0].startswith("config.yaml:1:14: the key 'a' is given twice")
    assert problems[-1].endswith(": more than 100 mistakes of this kind: the rest was not read")


def test_a_query_file_that_is_full_of_braces(load: Load) -> None:
    problems = soon(lambda: load(TOP + "reports: {a: {}}", **{"a.sql": "{\n" * 100_000}))
    assert len(problems) == 6
    assert problems[0].startswith("a.sql:1:1: a single { in the text")
    assert problems[-1].startswith("a.sql:6:1: 99,995 more braces like these")


def test_a_query_file_with_thousands_of_unknown_placeholders(load: Load) -> None:
    query = "".join(f"{{x{number}}}\n" for number in range(20_000))
    problems = soon(lambda: load(TOP + "reports: {a: {}}", **{"a.sql": query}))
    assert len(problems) == 6
    assert problems[0].startswith("a.sql:1:1: unknown placeholder {x0}")
    assert problems[-1].startswith("a.sql:6:1: 19,995 more braces like these")


def test_a_query_by_the_hour_that_asks_for_dates_thousands_of_times(load: Load) -> None:
    config = TOP + "reports: {a: {granularity: hours}}"
    problems = soon(lambda: load(config, **{"a.sql": "{from_date}\n" * 20_000}))
    assert len(problems) == 5
    assert problems[0].startswith("a.sql:1:1: {from_date} has no hour")


@pytest.mark.parametrize("file", ["config.yaml", "wikis.txt", "a.sql"])
def test_a_file_of_gigabytes(load: Load, file: str) -> None:
    config = TOP + "reports: {a: {explode_by: {wiki: wikis.txt}}}"

    def loaded() -> Project:
        load(config, **{"a.sql": "select 1", "wikis.txt": "enwiki"})
        os.truncate(file, 100 * MAX_SIZE)  # it takes no room on the disk
        return load_project(Path())

    what = f"{file}: cannot be read: it is larger than 64 MiB"
    if file == "config.yaml":
        with pytest.raises(UsageError) as caught:
            loaded()
        assert str(caught.value) == what
    else:
        assert soon(loaded) == [what]


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(load: Load) -> None:
    os.mkfifo("pipe")
    problems = soon(lambda: load_project(Path(), Path("pipe"), host_files=[Path("pipe")]))
    assert [problem.partition(" (")[0] for problem in problems] == [
        "pipe:1:1: the configuration is empty"
    ]


def test_a_pipe_that_somebody_writes_to_is_read_to_its_end(load: Load) -> None:
    load(TOP + "reports: {a: {execute: q}}")
    os.mkfifo("pipe")
    other_reader = os.open(
        "pipe", os.O_RDONLY | os.O_NONBLOCK
    )  # else the writer would wait for one
    writer = os.open("pipe", os.O_WRONLY)

    def write() -> None:
        for part in (TOP, "reports: {b: {execute: q}}"):
            time.sleep(0.1)
            os.write(writer, part.encode())
        os.close(writer)

    writing = threading.Thread(target=write)
    writing.start()
    project = load_project(Path(), Path("pipe"))
    writing.join()
    os.close(other_reader)
    assert project.names == ("b",)


@pytest.mark.parametrize(
    "entry",
    [
        "TEXT: {TEXT}",
        "a: {TEXT: 1}",
        "a: {type: TEXT}",
        "a: {db: TEXT}",
        "a: {execute: TEXT}",
        "a: {owner: TEXT}",
        "a: {starts: TEXT}",
        "a: {lag: TEXT}",
        "a: {explode_by: {TEXT: x}}",
        "a: {explode_by: {x: TEXT}}",
        "a: {explode_by: {x: TEXT.txt}}",
        "a: {explode_by: {x: [TEXT, TEXT]}}",
        "a: {explode_by: {x: {values: TEXT, allow_values: any}}}",
        "a: {explode_by: {x: {values: y, allow_values: TEXT}}}",
        "a: {graphite: {path: TEXT, metrics: {TEXT: TEXT}}}",
        "a: {graphite: {path: '{TEXT}', metrics: {x: y}}}",
        "a: *TEXT",
        "a: !TEXT x",
    ],
)
def test_texts_of_hundred_thousands_of_letters(load: Load, entry: str) -> None:
    text = entry.replace("TEXT", "z" * 200_000)
    assert soon(lambda: load(TOP + f"reports:\n  {text}\n", **{"a.sql": "select 1"}))


def test_a_hint_names_some_of_what_is_known_and_no_word_in_full_that_is_long() -> None:
    many = [f"wiki{number:03}" for number in range(500)]
    hint = nearest("zz", many)
    assert hint == "known are: " + ", ".join(many[:30]) + " and 470 more"
    assert nearest("zz", ["a" * 500, "b\nc"]) == f"known are: '{'a' * 59}…', 'b\\nc'"
    assert nearest("a" * 501, ["a" * 500]) == f"known are: '{'a' * 59}…'"
    assert nearest("wikis", ["wiki", "b"]) == "did you mean 'wiki'?"
