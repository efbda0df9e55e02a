"""What a run says about itself."""

from __future__ import annotations

import json
import logging

import pytest

from reportupdater.execution.summary import Summary, Tally


def test_a_single_message_tells_of_what_it_was_said() -> None:
    tally = Tally()
    tally.add("r", "no such table", "r wiki=en [2015-01-01, 2015-01-02)")
    tally.add("s", "a damaged TSV")
    assert list(tally) == [
        "r wiki=en [2015-01-01, 2015-01-02): no such table",
        "s: a damaged TSV",
    ]


def test_equal_messages_are_one_line_with_their_count_and_the_first() -> None:
    tally = Tally()
    for day in ("one", "two", "three"):
        tally.add("r", "no such table", day)
    tally.add("r", "another", "four")
    tally.add("s", "no such table", "five")
    assert list(tally) == [
        "3 of r, the first is one: no such table",
        "four: another",
        "five: no such table",
    ]


def test_equal_messages_without_an_example_are_one_line_with_their_count() -> None:
    tally = Tally()
    tally.add("r", "r.tsv cannot be written")
    tally.add("r", "r.tsv cannot be written")
    assert list(tally) == ["2 of r: r.tsv cannot be written"]


def test_the_first_of_its_kind_is_known() -> None:
    tally = Tally()
    assert tally.add("r", "a", "one")
    assert not tally.add("r", "a", "two")
    assert tally.add("r", "b", "three")
    assert tally.add("s", "a", "four")
    assert not tally.add("s", "a", "five")


def test_a_tally_counts_messages_and_not_lines() -> None:
    tally = Tally()
    assert not tally
    tally.add("r", "a")
    tally.add("r", "a")
    tally.add("r", "b")
    assert len(tally) == 3


def test_a_run_with_nothing_due_says_so() -> None:
    assert Summary().lines("a into b") == ["a into b: nothing is due"]


def test_a_summary_tells_the_counts_first_then_what_went_wrong() -> None:
    summary = Summary(done=5, empty=2, configuration=["c.yaml:1: wrong"])
    summary.failed.add("r", "no such table (is it there?)", "r [a, b)")
    summary.failed.add("r", "no such table (is it there?)", "r [b, c)")
    summary.skipped.add("s", "is held by another run, process 5")
    summary.troubles.add("t", "/o/t.tsv:5: 1 columns where the header has 2")
    assert summary.lines("a into b") == [
        "a into b: 5 done, 2 empty, 2 failed, 1 wrong, 1 error in the configuration",
        "  failed: 2 of r, the first is r [a, b): no such table (is it there?)",
        "  wrong: t: /o/t.tsv:5: 1 columns where the header has 2",
        "  skipped: s: is held by another run, process 5",
    ]


@pytest.mark.parametrize(
    ("summary", "counts"),
    [
        (Summary(done=1), "1 done, 0 empty, 0 failed"),
        (Summary(empty=1), "0 done, 1 empty, 0 failed"),
        (
            Summary(configuration=["wrong", "worse"]),
            "0 done, 0 empty, 0 failed, 2 errors in the configuration",
        ),
    ],
)
def test_counts_are_told_where_there_are_any(summary: Summary, counts: str) -> None:
    assert summary.lines("a") == [f"a: {counts}"]


def test_a_run_that_was_interrupted_says_so_and_not_that_nothing_is_due() -> None:
    assert Summary(interrupted=True).lines("a") == ["a: interrupted, 0 done, 0 empty, 0 failed"]
    summary = Summary(done=1, interrupted=True)
    assert summary.lines("a") == ["a: interrupted, 1 done, 0 empty, 0 failed"]


def test_what_was_only_skipped_is_not_nothing_due() -> None:
    summary = Summary()
    summary.skipped.add("s", "is held by another run")
    assert summary.lines("a") == [
        "a: 0 done, 0 empty, 0 failed",
        "  skipped: s: is held by another run",
    ]
    assert summary.is_good


def bad(part: str) -> Summary:
    summary = Summary(done=1)
    if part == "configuration":
        summary.configuration = ["wrong"]
    else:
        getattr(summary, part).add("r", "wrong")
    return summary


@pytest.mark.parametrize("part", ["failed", "troubles", "configuration"])
def test_a_bad_run_is_told_as_an_error(part: str, caplog: pytest.LogCaptureFixture) -> None:
    summary = bad(part)
    assert not summary.is_good
    with caplog.at_level(logging.ERROR):
        summary.log("a")
    assert [record.getMessage() for record in caplog.records] == summary.lines("a")


@pytest.mark.parametrize("summary", [Summary(), Summary(done=1), bad("skipped")])
def test_a_good_run_is_told_as_information(
    summary: Summary, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        summary.log("a")
    assert {record.levelno for record in caplog.records} == {logging.INFO}
    assert [record.getMessage() for record in caplog.records] == summary.lines("a")


def test_a_message_with_a_percent_sign_is_told_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    summary = Summary()
    summary.failed.add("r", "near '%s %d'")
    summary.log("100%")
    assert [record.getMessage() for record in caplog.records] == [
        "100%: 0 done, 0 empty, 1 failed",
        "  failed: r: near '%s %d'",
    ]


def test_messages_of_one_kind_are_one_line_with_the_first_of_them() -> None:
    tally = Tally()
    assert tally.add("r", "(1292) 'b'", "r [b)", kind="1292")
    assert not tally.add("r", "(1292) 'a'", "r [a)", kind="1292")
    assert list(tally) == ["2 of r, the first is r [a): (1292) 'a'"]


def test_a_good_runs_warnings_are_logged_as_such_and_name_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    summary = Summary(done=1)
    summary.warnings.add("r", "the result is cut")
    assert summary.is_good
    caplog.set_level(logging.WARNING)
    summary.log("x")
    assert [record.getMessage() for record in caplog.records] == [
        "x: warning: r: the result is cut"
    ]


def test_remarks_of_servers_are_logged_in_a_bounded_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    summary = Summary(done=1)
    for number in range(60):
        summary.remarks.add(f"r{number}", "odd")
    caplog.set_level(logging.INFO)
    summary.log("x")
    said = [record.getMessage() for record in caplog.records]
    assert said[1] == "  the server warned: r0: odd"
    assert said[-1] == "  the server warned: 10 lines more"
    assert len(said) == 52


def test_a_summary_can_be_kept_as_json() -> None:
    summary = Summary(done=5, empty=2, configuration=["c.yaml:1: wrong"])
    summary.failed.add("r", "no such table", "r [a, b)")
    summary.failed.add("r", "no such table", "r [b, c)")
    summary.skipped.add("s", "held")
    summary.troubles.add("t", "damaged")
    summary.warnings.add("u", "cut")
    assert json.loads(json.dumps(summary.as_dict())) == {
        "done": 5,
        "empty": 2,
        "failed": 2,
        "errors_in_configuration": 1,
        "configuration": ["c.yaml:1: wrong"],
        "failures": ["2 of r, the first is r [a, b): no such table"],
        "troubles": ["t: damaged"],
        "warnings": ["u: cut"],
        "skipped": ["s: held"],
        "not_sent": [],
        "datapoints_waiting": 0,
    }


def test_messages_that_differ_in_dates_and_rows_alone_are_one_line_with_the_first_of_them() -> None:
    tally = Tally()
    assert tally.add("r", "row 1 is dated 2025-01-01", "r [2025-01-02)")
    assert not tally.add("r", "row 12 is dated 2025-01-02", "r [2025-01-03)")
    assert list(tally) == ["2 of r, the first is r [2025-01-02): row 1 is dated 2025-01-01"]


def test_messages_that_differ_in_the_ids_of_jobs_alone_are_one_line() -> None:
    tally = Tally()
    for day, job in enumerate(("1795667112515_0001_1_01", "1795667112515_0002_1_1")):
        tally.add("edits", f"task_{job}_000000 failed", f"edits [2025-01-0{day + 1}, …)")
    assert list(tally) == [
        "2 of edits, the first is edits [2025-01-01, …): task_1795667112515_0001_1_01_000000 failed"
    ]


def test_the_first_is_the_oldest_and_not_what_came_first() -> None:
    tally = Tally()
    for day in (2, 1, 3):
        tally.add("r", f"row 1 is dated 2024-01-0{day}", f"r [2025-01-0{day})")
    assert list(tally) == ["3 of r, the first is r [2025-01-01): row 1 is dated 2024-01-01"]
