"""Marks: what people leave in `.reruns/`, and what becomes of it in the state."""

from __future__ import annotations

import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reportupdater.errors import Severity
from reportupdater.state import history, rerun_files
from reportupdater.state import reruns as requests
from reportupdater.state.database import State
from reportupdater.state.rerun_files import Fate
from reportupdater.state.reruns import RerunFile
from tests.machine import ordinary_user

SINCE, UNTIL = datetime(2015, 1, 1), datetime(2015, 2, 1)
HINT = (
    "first two lines: from which date, until which date (exclusive);"
    " then names of reports, a line each"
)


@pytest.fixture
def reruns(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / ".reruns"
    folder.mkdir(parents=True)
    return folder


def mark_file(name: str = "a", mtime_ns: int = 1, digest: str = "d") -> RerunFile:
    return RerunFile(name, mtime_ns, digest, SINCE, UNTIL, ())


def is_done(state: State, file: RerunFile, report: str) -> bool:
    with state.reading() as connection:
        return rerun_files.fate(connection, file, report) is Fate.DONE


def test_a_mark_file_is_read(reruns: Path) -> None:
    path = reruns / "20150203"
    path.write_text("2015-01-01\n2015-02-01\nedits\nother_report\n")
    found = requests.read_files(reruns.parent)
    expected = RerunFile(
        "20150203",
        path.stat().st_mtime_ns,
        sha256(path.read_bytes()).hexdigest()[:32],
        SINCE,
        UNTIL,
        ("edits", "other_report"),
    )
    assert found == ([expected], [])


def test_mark_files_are_never_written_to(reruns: Path) -> None:
    (reruns / "good").write_text("2015-01-01\n2015-02-01\n")
    (reruns / "bad").write_text("nonsense")
    for path in reruns.iterdir():
        path.chmod(0o400)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in reruns.iterdir()}
    requests.read_files(reruns.parent)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in reruns.iterdir()} == before


@pytest.mark.parametrize(
    ("raw", "since", "until", "reports"),
    [
        (b"2015-01-01\r\n2015-02-01\r\nedits\r\n", SINCE, UNTIL, ("edits",)),
        (b"\xef\xbb\xbf2015-1-1\n2015-2-1", SINCE, UNTIL, ()),
        (b" 2015-01-01 \n\t2015-02-01\n\n edits \n\n", SINCE, UNTIL, ("edits",)),
        (b"2015-01-01\n2015-02-01\nby wiki\ne\xc3\xa9\n", SINCE, UNTIL, ("by wiki", "eé")),
        (b"2015-01-01T05\n2015-02-01\n", datetime(2015, 1, 1, 5), UNTIL, ()),
        (b"0001-01-01\n9999-12-31\n", datetime.min, datetime(9999, 12, 31), ()),
    ],
    ids=["CR LF", "byte-order mark", "spaces", "names with spaces", "an hour", "all of time"],
)
def test_what_people_write_is_taken(
    reruns: Path, raw: bytes, since: datetime, until: datetime, reports: tuple[str, ...]
) -> None:
    (reruns / "a").write_bytes(raw)
    [mark], problems = requests.read_files(reruns.parent)
    assert problems == []
    assert (mark.since, mark.until, mark.reports) == (since, until, reports)


@pytest.mark.parametrize(
    ("raw", "where", "what"),
    [
        (b"", ":1", "the line is missing"),
        (b"2015-01-01", ":2", "the line is missing"),
        (b"2015-01-01\n", ":2", "the line is missing"),
        (b"\n2015-01-01\n2015-02-01\n", ":1", "'' is no date"),
        (b"edits\n2015-01-01\n2015-02-01\n", ":1", "'edits' is no date"),
        (b"2015-01-01\nedits\n", ":2", "'edits' is no date"),
        (b"2015-01-01 2015-02-01\n", ":1", "'2015-01-01 2015-02-01' is no date"),
        (
            b"2015-01-01\n2015-02-30\n",
            ":2",
            "'2015-02-30' is no date",
        ),
        (b"2015-02-01\n2015-01-01\nedits\n", ":2", "the range is empty"),
        (b"2015-01-01\n2015-01-01\n", ":2", "the range is empty"),
        (b"2015-01-01\n2015-02-01\nM\xfcnchen\n", "", "not UTF-8"),
        (b"\x00" * 30, ":1", repr("\x00" * 30) + " is no date"),
    ],
)
def test_a_file_with_bad_content_marks_nothing_and_is_told(
    reruns: Path, raw: bytes, where: str, what: str
) -> None:
    (reruns / "bad").write_bytes(raw)
    (reruns / "good").write_text("2015-01-01\n2015-02-01\n")
    found, [problem] = requests.read_files(reruns.parent)
    assert [mark.name for mark in found] == ["good"]
    assert str(problem) == f"{reruns / 'bad'}{where}: this file requests nothing: {what} ({HINT})"
    assert problem.severity is Severity.WARNING


def test_mark_files_come_in_the_order_of_their_names(reruns: Path) -> None:
    for name in ("b", "c", "a"):
        (reruns / name).write_text("2015-01-01\n2015-02-01\n")
    assert [mark.name for mark in requests.read_files(reruns.parent)[0]] == ["a", "b", "c"]


def test_only_plain_files_that_are_not_hidden_are_marks(reruns: Path) -> None:
    (reruns / ".swp").write_text("nonsense")
    (reruns / "folder").mkdir()
    (reruns / "leads nowhere").symlink_to("nowhere")
    os.mkfifo(reruns / "pipe")  # reading it would never end
    assert requests.read_files(reruns.parent) == ([], [])


def test_marks_that_cannot_be_read_are_told(reruns: Path) -> None:
    reruns.chmod(0)
    with ordinary_user():
        found, [problem] = requests.read_files(reruns.parent)
    reruns.chmod(0o700)
    assert found == []
    assert str(problem) == f"{reruns}: the rerun requests cannot be read: Permission denied"
    assert problem.severity is Severity.WARNING


def test_a_mark_file_that_cannot_be_read_is_told() -> None:
    with ordinary_user(), TemporaryDirectory() as project:
        path = Path(project, ".reruns", "a")
        path.parent.mkdir()
        path.touch(0)
        found, [problem] = requests.read_files(Path(project))
    assert found == []
    assert str(problem) == f"{path}: this file requests nothing: Permission denied"


def test_marks_whose_folder_may_be_listed_and_not_entered_are_told() -> None:
    with ordinary_user(), TemporaryDirectory() as project:
        path = Path(project, ".reruns", "a")
        path.parent.mkdir()
        path.touch()
        path.parent.chmod(0o400)
        found, [problem] = requests.read_files(Path(project))
        path.parent.chmod(0o700)
    assert found == []
    assert str(problem) == f"{path}: this file requests nothing: Permission denied"


def test_a_project_without_marks_has_none(tmp_path: Path) -> None:
    assert requests.read_files(tmp_path) == ([], [])
    (tmp_path / ".reruns").touch()
    assert requests.read_files(tmp_path) == ([], [])


def test_a_mark_file_is_the_same_through_a_symbolic_link(reruns: Path, tmp_path: Path) -> None:
    (reruns / "a").write_text("2015-01-01\n2015-02-01\n")
    (tmp_path / "link").symlink_to(reruns.parent)
    assert requests.read_files(tmp_path / "link") == requests.read_files(reruns.parent)


def test_expanding_a_file_marks_intervals_once(state: State) -> None:
    file = mark_file()
    assert not is_done(state, file, "r")
    requests.expand(state, file, "r", [("r/b.tsv", "2015-01-02"), ("r/a.tsv", "2015-01-01")])
    requests.expand(state, mark_file("b"), "r", [("r/a.tsv", "2015-01-01")])
    assert is_done(state, file, "r")
    assert requests.open_requests(state, "r") == {
        "r/a.tsv": ["2015-01-01"],
        "r/b.tsv": ["2015-01-02"],
    }
    assert requests.open_requests(state, "s") == {}


def test_a_file_that_marks_nothing_of_a_report_is_expanded_too(state: State) -> None:
    requests.expand(state, mark_file(), "r", [])
    assert is_done(state, mark_file(), "r")


@pytest.mark.parametrize(
    "other",
    [mark_file(name="b"), mark_file(digest="e")],
    ids=["name", "content"],
)
def test_a_file_is_remembered_by_name_and_content(state: State, other: RerunFile) -> None:
    requests.expand(state, mark_file(), "r", [])
    assert not is_done(state, other, "r")


def test_its_time_does_not_count_but_for_those_that_older_versions_knew(state: State) -> None:
    requests.expand(state, mark_file(), "r", [])
    assert is_done(state, mark_file(mtime_ns=2), "r")
    with state.transaction() as connection:
        connection.execute("INSERT INTO mark_files VALUES ('old', 7, 'r')")
    assert is_done(state, mark_file("old", 7), "r")
    assert not is_done(state, mark_file("old", 8), "r")


@pytest.mark.parametrize("table", ["owners", "reports"])
def test_a_file_is_left_until_the_state_knows_the_report(state: State, table: str) -> None:
    def fate() -> Fate:
        with state.reading() as connection:
            return rerun_files.fate(connection, mark_file(), "r")

    assert fate() is Fate.LEFT
    with state.transaction() as connection:
        connection.execute(
            "INSERT INTO owners VALUES ('r', '/p', '/p', '/p/c', 'days', '')"
            if table == "owners"
            else "INSERT INTO reports VALUES ('r', '/p/c', '', '', '', 1, '', 0, 0, 0, NULL, NULL, 0)"
        )
    assert fate() is Fate.FRESH
    rerun_files.leave(state, mark_file(), "r")
    assert fate() is Fate.LEFT
    rerun_files.ignore(state, mark_file(), "r")
    assert fate() is Fate.DONE


def test_two_configurations_in_one_folder_each_take_their_part(state: State) -> None:
    file = mark_file()
    requests.expand(state, file, "of_one", [("of_one.tsv", "2015-01-01")])
    assert not is_done(state, file, "of_the_other")
    requests.expand(state, file, "of_the_other", [("of_the_other.tsv", "2015-01-01")])
    assert requests.open_requests(state, "of_one") == {"of_one.tsv": ["2015-01-01"]}
    assert requests.open_requests(state, "of_the_other") == {"of_the_other.tsv": ["2015-01-01"]}


def test_a_mark_goes_with_the_transaction_that_answers_it(state: State) -> None:
    requests.expand(state, mark_file(), "r", [("r/a.tsv", "2015-01-01"), ("r/b.tsv", "2015-01-01")])

    run = history.begin_run(state, "config.yaml", SINCE)

    def answer(*, wrong: bool) -> None:
        with state.transaction() as connection:
            series = state.series_id(connection, "r/a.tsv", "r")
            requests.answered(connection, run, [(series, "2015-01-01")])
            if wrong:
                raise KeyError

    with pytest.raises(KeyError):
        answer(wrong=True)
    assert requests.open_requests(state, "r").keys() == {"r/a.tsv", "r/b.tsv"}
    answer(wrong=False)
    assert requests.open_requests(state, "r") == {"r/b.tsv": ["2015-01-01"]}


def test_a_run_does_not_answer_what_was_asked_for_after_it_began(state: State) -> None:
    interval = [("r.tsv", "2015-01-01")]
    for asked, began, left in (
        (UNTIL, SINCE, 1),
        (SINCE, SINCE, 0),  # in the same millisecond: the project is read after
        (SINCE, UNTIL, 0),
    ):
        requests.expand(state, mark_file(str(began)), "r", interval)
        requests.ask(state, "r", interval, SINCE)
        requests.ask(state, "r", interval, asked)
        run = history.begin_run(state, "config.yaml", began)
        with state.transaction() as connection:
            series = state.series_id(connection, "r.tsv", "r")
            requests.answered(connection, run, [(series, "2015-01-01")])
            assert len(requests.listed(connection)) == left
        requests.drop(state, interval)


def test_a_file_does_not_take_back_what_was_asked_for_later(state: State) -> None:
    interval = [("r.tsv", "2015-01-01")]
    run = history.begin_run(state, "config.yaml", SINCE)
    requests.ask(state, "r", interval, UNTIL)
    requests.expand(state, mark_file(), "r", interval)
    with state.transaction() as connection:
        series = state.series_id(connection, "r.tsv", "r")
        requests.answered(connection, run, [(series, "2015-01-01")])
    assert requests.open_requests(state, "r") == {"r.tsv": ["2015-01-01"]}


def test_marks_can_be_dropped(state: State) -> None:
    starts = [("r.tsv", "2015-01-01"), ("r.tsv", "2015-01-02")]
    requests.expand(state, mark_file(), "r", starts)
    requests.drop(state, starts[:1])
    assert requests.open_requests(state, "r") == {"r.tsv": ["2015-01-02"]}
    assert is_done(state, mark_file(), "r")
