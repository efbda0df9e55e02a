"""The public functions: from a thread, twice in one process, and with what goes wrong."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from reportupdater import (
    ReportupdaterError,
    Request,
    RunResult,
    StatusRequest,
    plan,
    run,
    status,
)
from tests.helpers import ONE, SQLITE, Project

NOW = datetime(2025, 1, 4)
CONFIG = SQLITE + 'reports: {edits: {explode_by: {wiki: "enwiki, dewiki"}}, views: {}}\n'


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    project = Project(tmp_path, CONFIG, {"edits.sql": ONE, "views.sql": "SELECT * FROM nowhere"})
    return Request(project=project.folder, output=project.output, host_files=(), now=NOW)


def test_a_run_returns_what_it_did_and_prints_nothing(
    request_: Request, capfd: pytest.CaptureFixture[str]
) -> None:
    assert plan(request_).intervals == 9
    result = run(request_)
    assert (result.done, result.failed.total, result.is_good) == (6, 3, False)
    edits, views = sorted(result.reports, key=lambda report: report.name)
    assert {(one.tsv, one.done) for one in edits.series} == {
        ("edits/enwiki.tsv", 3),
        ("edits/dewiki.tsv", 3),
    }
    assert [one.failed for one in views.series] == [3]
    assert "no such table: nowhere" in views.errors[0]
    found = status(StatusRequest(output=request_.output, source=request_, now=NOW))
    assert [(one.name, one.done_up_to) for one in found.reports] == [
        ("views", None),
        ("edits", "2025-01-03"),
    ]
    assert not found.is_good
    assert capfd.readouterr().out == ""


def test_a_second_run_in_the_same_process_has_nothing_to_do(request_: Request) -> None:
    run(request_)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    again = run(replace(request_, reports=("edits",)))
    assert (again.done, again.is_good, again.reports) == (0, True, ())
    assert before == {number: signal.getsignal(number) for number in before}


def test_runs_in_threads_do_their_work(tmp_path: Path) -> None:
    results: list[RunResult] = []

    def work(name: str) -> None:
        project = Project(tmp_path / name, SQLITE + "reports: {edits: {}}\n", {"edits.sql": ONE})
        request = Request(project=project.folder, output=project.output, host_files=(), now=NOW)
        results.append(run(request))

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.done for result in results] == [3, 3]
    assert all(result.is_good for result in results)


def test_what_cannot_begin_raises(tmp_path: Path) -> None:
    with pytest.raises(ReportupdaterError, match="there is no such folder") as caught:
        run(Request(project=tmp_path / "nowhere", output=tmp_path / "output", host_files=()))
    assert caught.value.exit_code == 2
