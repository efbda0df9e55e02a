"""What a run says about itself."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from reportupdater.execution.result import RunResult
from reportupdater.execution.summary import SeriesCounts, Summary, Tally
from reportupdater.execution.summary_text import lines, log_result

CONFIG = Path("config.yaml")


def counted(done: int = 0, empty: int = 0, **others: Any) -> Summary:
    """A summary with the counts of one series."""
    summary = Summary()
    if done or empty:
        summary.series["r", "r.tsv"] = SeriesCounts(done, empty)
    for name, value in others.items():
        setattr(summary, name, value)
    return summary


def result(summary: Summary, stopped: int | None = None) -> RunResult:
    """What a run with this summary returns."""
    return summary.result(CONFIG, Path("output"), stopped=stopped)


def text(summary: Summary, title: str, stopped: int | None = None) -> list[str]:
    """The summary as text."""
    return lines(result(summary, stopped), title)


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
    assert text(Summary(), "a into b") == ["a into b: nothing is due"]


def test_a_summary_tells_the_counts_first_then_what_went_wrong() -> None:
    summary = counted(5, 2, configuration=["c.yaml:1: wrong"])
    summary.failed.add("r", "no such table (is it there?)", "r [a, b)")
    summary.failed.add("r", "no such table (is it there?)", "r [b, c)")
    summary.skipped.add("s", "is held by another run, process 5")
    summary.troubles.add("t", "/o/t.tsv:5: 1 column where the header has 2")
    assert text(summary, "a into b") == [
        "a into b: 5 done, 2 empty, 2 failed, 1 wrong, 1 error in the configuration",
        "  failed: 2 of r, the first is r [a, b): no such table (is it there?)",
        "  wrong: t: /o/t.tsv:5: 1 column where the header has 2",
        "  skipped: s: is held by another run, process 5",
    ]


@pytest.mark.parametrize(
    ("summary", "counts"),
    [
        (counted(1), "1 done, 0 empty, 0 failed"),
        (counted(empty=1), "0 done, 1 empty, 0 failed"),
        (
            counted(configuration=["wrong", "worse"]),
            "0 done, 0 empty, 0 failed, 2 errors in the configuration",
        ),
    ],
)
def test_counts_are_told_where_there_are_any(summary: Summary, counts: str) -> None:
    assert text(summary, "a") == [f"a: {counts}"]


def test_a_run_that_was_interrupted_says_so_and_not_that_nothing_is_due() -> None:
    assert text(Summary(), "a", 130) == ["a: interrupted, 0 done, 0 empty, 0 failed"]
    assert text(counted(1), "a", 130) == ["a: interrupted, 1 done, 0 empty, 0 failed"]


def test_what_was_only_skipped_is_not_nothing_due() -> None:
    summary = Summary()
    summary.skipped.add("s", "is held by another run")
    assert text(summary, "a") == [
        "a: 0 done, 0 empty, 0 failed",
        "  skipped: s: is held by another run",
    ]
    assert result(summary).is_good


def bad(part: str) -> Summary:
    summary = counted(1)
    if part == "configuration":
        summary.configuration = ["wrong"]
    else:
        getattr(summary, part).add("r", "wrong")
    return summary


@pytest.mark.parametrize("part", ["failed", "troubles", "configuration"])
def test_a_bad_run_is_told_as_an_error(part: str, caplog: pytest.LogCaptureFixture) -> None:
    summary = bad(part)
    assert not result(summary).is_good
    with caplog.at_level(logging.ERROR):
        log_result(result(summary), "a")
    assert [record.getMessage() for record in caplog.records] == text(summary, "a")


@pytest.mark.parametrize("summary", [Summary(), counted(1), bad("skipped")])
def test_a_good_run_is_told_as_information(
    summary: Summary, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        log_result(result(summary), "a")
    assert {record.levelno for record in caplog.records} == {logging.INFO}
    assert [record.getMessage() for record in caplog.records] == text(summary, "a")


def test_a_message_with_a_percent_sign_is_told_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    summary = Summary()
    summary.failed.add("r", "near '%s %d'")
    log_result(result(summary), "100%")
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
    summary = counted(1)
    summary.warnings.add("r", "the result is cut")
    assert result(summary).is_good
    caplog.set_level(logging.WARNING)
    log_result(result(summary), "x")
    assert [record.getMessage() for record in caplog.records] == [
        "x: warning: r: the result is cut"
    ]


def test_remarks_of_servers_are_logged_in_a_bounded_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    summary = counted(1)
    for number in range(110):
        summary.remarks.add(f"r{number}", "odd")
    caplog.set_level(logging.INFO)
    log_result(result(summary), "x")
    said = [record.getMessage() for record in caplog.records]
    assert said[1] == "  the server warned: r0: odd"
    assert said[-1] == "  the server warned: and 10 more lines like these"
    assert len(said) == 102


def test_a_summary_can_be_kept_as_json() -> None:
    summary = counted(5, 2, configuration=["c.yaml:1: wrong"])
    summary.failed.add("r", "no such table", "r [a, b)")
    summary.failed.add("r", "no such table", "r [b, c)")
    summary.skipped.add("s", "held")
    summary.troubles.add("t", "damaged")
    summary.warnings.add("u", "cut")
    assert json.loads(json.dumps(result(summary).as_dict())) == {
        "done": 5,
        "empty": 2,
        "failed": 2,
        "errors_in_configuration": 1,
        "configuration": ["c.yaml:1: wrong"],
        "failures": ["2 of r, the first is r [a, b): no such table"],
        "troubles": ["t: damaged"],
        "warnings": ["u: cut"],
        "held": [],
        "open_held": 0,
        "skipped": ["s: held"],
        "not_ready": [],
        "not_sent": [],
        "datapoints_waiting": 0,
        "destinations": [],
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


def test_messages_that_differ_in_figures_and_a_dimensions_value_are_one_line() -> None:
    tally = Tally()
    for number, wiki in enumerate(("enwiki", "dewiki", "frwiki")):
        what = f"no such table: {wiki}_p.edits, {number + 7:,} rows read"
        tally.add("edits", what, f"edits wiki={wiki}", values=(wiki,))
    assert list(tally) == [
        "3 of edits, the first is edits wiki=dewiki: no such table: dewiki_p.edits, 8 rows read"
    ]


def test_messages_about_other_things_are_lines_of_their_own() -> None:
    tally = Tally()
    tally.add("edits", "no such table: dewikisource", "a", values=("dewiki",))
    tally.add("edits", "no such table: enwikisource", "b", values=("enwiki",))
    assert len(list(tally)) == 2


def test_the_contact_is_on_the_first_line_of_a_message() -> None:
    tally = Tally()
    tally.add("r", "ValueError: x\n  Traceback:\n    raise", "r [a, b)")
    assert list(tally.lines({"r": "Data team, T1"})) == [
        "r [a, b): ValueError: x [Data team, T1]\n  Traceback:\n    raise"
    ]


def test_a_summary_has_a_bounded_number_of_lines() -> None:
    summary = Summary()
    for number in range(1000):
        name = "".join(chr(97 + int(digit)) for digit in str(number))
        summary.failed.add("r", f"no such table {name}", f"r {name}")
    found = result(summary).failed
    assert (found.total, len(found.lines)) == (1000, 101)
    assert found.lines[-1] == "and 900 more lines like these"


def test_a_result_says_what_became_of_each_report_and_series() -> None:
    summary = Summary()
    summary.of("a", "a/en.tsv").done += 2
    summary.of("a", "a/de.tsv").failed += 1
    summary.failed.add("a", "no such table", "a wiki=de")
    summary.skipped.add("b", "is held by another run")
    first, second = result(summary).reports
    assert (first.name, second.name) == ("a", "b")
    assert [(one.tsv, one.done, one.failed) for one in first.series] == [
        ("a/en.tsv", 2, 0),
        ("a/de.tsv", 0, 1),
    ]
    assert first.errors == ("a wiki=de: no such table",)
    assert second.skipped == ("b: is held by another run",)
    assert result(summary).done == 2
