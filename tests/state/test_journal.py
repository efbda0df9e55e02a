"""Committed results on their way into the TSVs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from reportupdater.errors import StateError, TsvError
from reportupdater.intervals import Granularity
from reportupdater.state import journal
from reportupdater.state.database import State
from reportupdater.state.journal import Merged, Result
from reportupdater.tsv import dialect, replacing
from reportupdater.tsv import rows as tsv
from tests.machine import at, other_group
from tests.making import NASTY

HEADER = ("date", "n")


def result(
    *rows: tuple[str, ...],
    header: tuple[str, ...] = HEADER,
    granularity: Granularity = Granularity.DAYS,
    group: str | None = None,
    points: int | None = None,
) -> Result:
    """A result of the interval in which the first row lies."""
    start = granularity.label(granularity.start(granularity.place(rows[0][0])[1]))
    return Result(start, granularity, header, dialect.lines(rows), group, points)


def commit(state: State, path: str, *results: Result) -> None:
    report = path.partition("/")[0].removesuffix(".tsv")
    with state.transaction() as connection:
        number = state.series_id(connection, path, report)
        journal.add(connection, [(number, path, one) for one in results])


def checkpoint(state: State, path: str) -> Merged | None:
    """Merge, and make it durable."""
    merged = journal.merge(state, path, datetime(2100, 1, 1))
    if merged:
        assert replacing.make_durable([merged.file]) == {}
    return merged


def forget(state: State, merged: Merged | None) -> None:
    assert merged is not None
    journal.forget(state, [merged])


def text(state: State, path: str) -> str:
    return (state.output / path).read_bytes().decode()


def test_committed_results_are_merged_and_then_forgotten(state: State) -> None:
    commit(state, "r.tsv", result(("2015-01-02", "2")), result(("2015-01-01", "1")))
    assert journal.reports(state) == ["r"]
    assert journal.waiting(state, "r") == {"r.tsv": ["2015-01-02", "2015-01-01"]}
    merged = checkpoint(state, "r.tsv")
    assert text(state, "r.tsv") == "date\tn\n2015-01-01\t1\n2015-01-02\t2\n"
    assert journal.waiting(state, "r") != {}
    forget(state, merged)
    assert journal.waiting(state, "r") == {}
    assert journal.reports(state) == []


def test_a_result_can_be_merged_by_another_process_that_knows_nothing_of_its_report(
    output: Path,
) -> None:
    with State(output) as state:
        commit(state, "r/enwiki.tsv", result(("2015-01-01", "1")))
    with State(output) as state:
        assert journal.waiting(state, "r") == {"r/enwiki.tsv": ["2015-01-01"]}
        checkpoint(state, "r/enwiki.tsv")
        assert text(state, "r/enwiki.tsv") == "date\tn\n2015-01-01\t1\n"


def test_nothing_to_merge_writes_nothing(state: State) -> None:
    assert checkpoint(state, "r.tsv") is None
    assert not (state.output / "r.tsv").exists()


def test_a_checkpoint_that_could_not_forget_is_done_again(state: State) -> None:
    commit(state, "r.tsv", result(("2015-01-01", "1"), header=("date", "a", "b")[:2]))
    commit(state, "r.tsv", result(("2015-01-02", "2"), header=("day", "b")))
    newest = checkpoint(state, "r.tsv")
    once = text(state, "r.tsv")
    assert once == "day\tb\ta\n2015-01-01\t\t1\n2015-01-02\t2\t\n"
    assert checkpoint(state, "r.tsv") == newest
    assert text(state, "r.tsv") == once


def test_the_later_result_of_an_interval_wins(state: State) -> None:
    commit(state, "r.tsv", result(("2015-01-01", "old"), ("2015-01-01", "old too")))
    commit(state, "r.tsv", result(("2015-01-01", "new")))
    checkpoint(state, "r.tsv")
    assert text(state, "r.tsv") == "date\tn\n2015-01-01\tnew\n"


def test_the_later_result_wins_also_over_one_that_is_in_the_tsv(state: State) -> None:
    for value in ("old", "new"):
        commit(state, "r.tsv", result(("2015-01-01", value)))
        forget(state, checkpoint(state, "r.tsv"))
    assert text(state, "r.tsv") == "date\tn\n2015-01-01\tnew\n"


def test_a_result_that_overwrote_all_rows_of_its_week_is_the_only_one(state: State) -> None:
    weeks = Granularity.WEEKS
    rows = [("2015-01-05", "1"), ("2015-01-10", "2")]
    commit(state, "r.tsv", result(*rows, granularity=weeks))
    commit(state, "r.tsv", result(("2015-01-07", "3"), granularity=weeks))
    checkpoint(state, "r.tsv")
    assert text(state, "r.tsv") == "date\tn\n2015-01-07\t3\n"


def test_what_is_committed_after_a_checkpoint_stays(state: State) -> None:
    commit(state, "r.tsv", result(("2015-01-01", "1")))
    merged = checkpoint(state, "r.tsv")
    commit(state, "r.tsv", result(("2015-01-02", "2")))
    forget(state, merged)
    assert journal.waiting(state, "r") == {"r.tsv": ["2015-01-02"]}


def test_a_checkpoint_concerns_one_series_alone(state: State) -> None:
    commit(state, "r/a.tsv", result(("2015-01-01", "1")))
    commit(state, "r/b.tsv", result(("2015-01-01", "2")))
    commit(state, "s.tsv", result(("2015-01-01", "3")))
    merged = checkpoint(state, "r/b.tsv")
    assert merged is not None
    assert not (state.output / "r" / "a.tsv").exists()
    # The others' results are older and younger than this one's.
    forget(state, merged._replace(newest=merged.newest + 10))
    assert journal.waiting(state, "r") == {"r/a.tsv": ["2015-01-01"]}
    assert journal.waiting(state, "s") == {"s.tsv": ["2015-01-01"]}
    assert journal.reports(state) == ["r", "s"]


def test_a_damaged_tsv_keeps_its_results_in_the_journal(state: State) -> None:
    path = state.output / "r.tsv"
    path.write_text("date\tn\n2015-01-01\t1\t2\n")
    commit(state, "r.tsv", result(("2015-01-02", "2")))
    with pytest.raises(TsvError) as caught:
        checkpoint(state, "r.tsv")
    assert str(caught.value).startswith(f"{path}:2: 3 columns where the header has 2 (fix")
    assert journal.waiting(state, "r") == {"r.tsv": ["2015-01-02"]}
    assert path.read_text() == "date\tn\n2015-01-01\t1\t2\n"
    path.write_text("date\tn\n2015-01-01\t1\n")
    checkpoint(state, "r.tsv")
    assert path.read_text() == "date\tn\n2015-01-01\t1\n2015-01-02\t2\n"


def test_a_symbolic_link_is_not_written_through(state: State, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (state.output / "r").symlink_to(elsewhere)
    commit(state, "r/a.tsv", result(("2015-01-01", "1")))
    with pytest.raises(TsvError, match="a symbolic link inside the output folder"):
        checkpoint(state, "r/a.tsv")
    assert list(elsewhere.iterdir()) == []


def test_the_newest_settings_of_a_report_are_used(state: State) -> None:
    group = other_group()
    commit(state, "r.tsv", result(("2015-01-01", "1"), points=None))
    commit(state, "r.tsv", result(("2015-01-02", "2"), points=1, group=group.gr_name))
    checkpoint(state, "r.tsv")
    assert text(state, "r.tsv") == "date\tn\n2015-01-02\t2\n"
    assert (state.output / "r.tsv").stat().st_gid == group.gr_gid


def test_a_result_replaces_what_a_person_edited_in_its_interval_only(state: State) -> None:
    path = state.output / "r.tsv"
    path.write_bytes(b"date\tn\r\n2015-01-01\tedited\r\n2015-01-02\tedited\r\n")
    commit(state, "r.tsv", result(("2015-01-02", "computed")))
    checkpoint(state, "r.tsv")
    assert text(state, "r.tsv") == "date\tn\n2015-01-01\tedited\n2015-01-02\tcomputed\n"


def test_hostile_texts_come_through_the_journal_unharmed(state: State) -> None:
    names = [name for name in NASTY if name and name != "date"]
    header = ("date", *names)
    rows = [("2015-01-01", *names), ("2015-01-01", *reversed(names))]
    commit(state, "r.tsv", result(*rows, header=header))
    checkpoint(state, "r.tsv")
    content = tsv.read(at(state.output / "r.tsv"), Granularity.DAYS)
    assert content.header == header
    assert [row.cells for row in content.rows] == rows


def test_hours_are_merged_as_hours(state: State) -> None:
    hours = [
        result((f"2015-01-01T{hour}:00:00", hour), granularity=Granularity.HOURS)
        for hour in ("23", "09", "10")
    ]
    commit(state, "r.tsv", *hours)
    checkpoint(state, "r.tsv")
    assert text(state, "r.tsv") == (
        "date\tn\n2015-01-01T09:00:00\t09\n2015-01-01T10:00:00\t10\n2015-01-01T23:00:00\t23\n"
    )


def test_a_result_that_is_not_what_was_committed_is_not_merged(state: State) -> None:
    commit(state, "r.tsv", result(("2015-01-01", "old")))
    merged = checkpoint(state, "r.tsv")
    assert merged
    journal.forget(state, [merged])
    commit(state, "r.tsv", result(("2015-01-01", "1")), result(("2015-01-02", "2")))
    with state.transaction() as connection:  # as a disk may that mixes up its blocks
        connection.execute("UPDATE journal SET rows = replace(rows, '2', '3')")
    before = text(state, "r.tsv")
    with pytest.raises(StateError) as caught:
        journal.merge(state, "r.tsv", datetime(2100, 1, 1))
    assert str(caught.value) == (
        f"{state.path}: the state is damaged: a result of r.tsv is not what was committed (a file that"
        " is damaged may be moved away: the TSVs stay, and what they lack is computed again)"
    )
    assert text(state, "r.tsv") == before


def test_a_result_is_not_merged_into_the_tsv_of_another_series(state: State) -> None:
    commit(state, "r/a.tsv", result(("2015-01-01", "1")))
    with state.transaction() as connection:
        connection.execute("UPDATE series SET tsv = 'r/b.tsv'")
    with pytest.raises(StateError, match="is not what was committed"):
        journal.merge(state, "r/b.tsv", datetime(2100, 1, 1))
