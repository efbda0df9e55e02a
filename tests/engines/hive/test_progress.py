from __future__ import annotations

from types import SimpleNamespace

import pytest

from reportupdater.engines.hive.progress import is_on, vertices, words

RUNNING = '[{"taskId":"Stage-1","taskState":"RUNNING","taskType":"MAPRED","name":"TEZ"}]'
HEADERS = ["VERTICES", "MODE", "STATUS", "TOTAL", "COMPLETED"]


def status(
    percentage: float | None,
    *rows: tuple[str, str, str, str],
    tasks: str | None = RUNNING,
) -> SimpleNamespace:
    """What a server answers, without what does not matter."""
    cells = [[name, "container", state, total, done] for name, state, total, done in rows]
    update = SimpleNamespace(
        headerNames=HEADERS if rows else [], rows=cells, progressedPercentage=percentage
    )
    return SimpleNamespace(progressUpdateResponse=update, taskStatus=tasks)


MAP = ("Map 1 ..........", "SUCCEEDED", "3", "3")
REDUCER = ("Reducer 2 ", "RUNNING", "2", "1")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(0.8, MAP, REDUCER), "1 of 2 vertices, 80 %"),
        (status(0.5, REDUCER), "0 of 1 vertex, 50 %"),
        (status(0.333), "33 %"),
        (status(0.0), ""),
        (status(None), ""),
        (status(1.0, MAP), ""),  # a job that has ended
        (status(0.5, tasks="[]"), ""),  # one before this query
        (status(0.5, tasks=RUNNING.replace("RUNNING", "FINISHED")), ""),
        (status(0.5, tasks=None), ""),
        (SimpleNamespace(progressUpdateResponse=None, taskStatus=None), ""),
    ],
)
def test_progress_is_the_vertices_that_are_done_and_percent(
    answer: SimpleNamespace, expected: str
) -> None:
    assert words(answer) == expected
    assert is_on(answer) == bool(expected)


def test_each_vertex_is_logged_with_its_tasks() -> None:
    assert vertices(status(0.8, MAP, REDUCER)) == "Map 1: 3/3, Reducer 2: 1/2"
    assert vertices(status(0.5)) == ""
