"""Projects that change while results, marks and datapoints of before are still on their way."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import strptime

import pytest

from tests.delivery.projects import config, owed
from tests.faults.soak import record
from tests.helpers import ONE, SQLITE, Project, wait_until
from tests.servers.mariadb import free_port
from tests.servers.receivers import Receiver, reads_all, receiver

METRICS = "{path: '%s.{wiki}.{_metric}', metrics: {edits: edits}}"
REPORTS = f"""\
  edits: {{explode_by: {{wiki: "a, b"}}, graphite: {METRICS % "m"}}}
  views: {{}}
"""
VALUE = "CAST('{day}' AS INTEGER)"
QUERY = "SELECT '{from_date}' AS date, '{wiki}' AS wiki, %s AS edits"
ENDLESS = """(WITH RECURSIVE endless (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless)
    SELECT max(n) FROM endless)"""

# What is asked when the run is killed.
AGAIN = f"""CASE WHEN {VALUE} > 2 THEN {ENDLESS} ELSE 100 + {VALUE} END"""
LAST = "2025-01-06"  # five days are over


class Amid:
    """A project amid its work.

    Of `edits` the first and the third day are in the TSVs; somebody has deleted the second. A mark
    asks for the first three again. The first and second are in the journal, since the run was killed
    then; the mark of the third is open. Graphite was down all the time.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self.project = Project(folder, "", {"edits.sql": QUERY % VALUE, "views.sql": ONE})
        self.write(REPORTS, keys="drain_timeout: 0")
        self.project.run(code=1)
        for wiki in "ab":
            kept = re.sub("2025-01-02.*\n", "", self.project.text(f"edits/{wiki}"))
            self.project.write_tsv(f"edits/{wiki}", kept)
        self.project.write(".reruns/mark", "2025-01-01\n2025-01-04\nedits\n")
        self.project.write("edits.sql", QUERY % AGAIN)
        with self.project.started(now=LAST) as run:
            # The fourth and fifth day of the other report are in its TSV by then.
            wait_until(lambda: self.project.committed() == 9 + 2 * 2 + 2 and self.journal() == 4)
            run.kill()
        journal = "SELECT tsv, start FROM journal JOIN series ON series.id = series ORDER BY 1, 2"
        assert self.project.state(journal) == [
            (f"edits/{wiki}.tsv", f"2025-01-0{day}") for wiki in "ab" for day in (1, 2)
        ]
        assert self.marks() == [(f"edits/{wiki}.tsv", "2025-01-03") for wiki in "ab"]
        assert owed(self.project) == 6
        self.project.write("edits.sql", QUERY % f"100 + {VALUE}")

    def marks(self) -> list[tuple[str, ...]]:
        """The marks that are open."""
        return self.project.state(
            "SELECT tsv, start FROM marks JOIN series ON series.id = series ORDER BY 1, 2"
        )

    def write(self, reports: str, keys: str = "drain_timeout: 10") -> None:
        """Change the configuration."""
        text = config(self.port, reports, keys=keys)
        # Whatever hangs in one series keeps no other waiting.
        text = text.replace("path: data.sqlite", "path: data.sqlite, concurrency: 8")
        self.project.write("config.yaml", text)

    def journal(self) -> int:
        """How many results are not in their TSV yet."""
        return len(self.project.state("SELECT 1 FROM journal"))

    def values(self, wiki: str, report: str = "edits") -> list[str]:
        """The values of a series."""
        return [row[2] for row in self.project.rows(f"{report}/{wiki}")[1:]]


@pytest.fixture
def amid(tmp_path: Path) -> Amid:
    return Amid(tmp_path, free_port())


@contextmanager
def graphite(port: int) -> Iterator[Receiver]:
    """The Graphite that was down."""
    with receiver(reads_all, port=port) as server:
        yield server


def sent(server: Receiver) -> dict[tuple[str, str], str]:
    """What stands in Graphite in the end: (path, date) → value."""
    points = {}
    for line in server.lines:
        path, value, moment = line.split()
        points[path, moment] = value
    return points


def at(date: str) -> str:
    return str(timegm(strptime(date, "%Y-%m-%d")))


def points(node: str, values: dict[int, str], wikis: str = "ab") -> dict[tuple[str, str], str]:
    """What should stand there: day → value, of each wiki."""
    return {
        (f"{node}.{wiki}.edits", at(f"2025-01-{day:02}")): value
        for wiki in wikis
        for day, value in values.items()
    }


MERGED = ["101", "102", "3"]
DONE = ["101", "102", "103", "104", "105"]
OLD = {1: "101", 2: "102", 3: "3"}
WHOLE = {1: "101", 2: "102", 3: "103", 4: "104", 5: "105"}


def nothing_left(amid: Amid) -> None:
    left = amid.journal() + owed(amid.project)
    assert left == 0
    record(
        "projects that change while results, marks, datapoints are on their way",
        cases=1,
        left_over=left,
    )


def test_without_a_change_all_of_it_is_done(amid: Amid) -> None:
    amid.write(REPORTS)
    with graphite(amid.port) as server:
        assert amid.project.run(now=LAST) == ""
        assert sent(server) == points("m", WHOLE)
    assert amid.values("a") == amid.values("b") == DONE
    assert amid.marks() == []
    nothing_left(amid)


def test_a_report_that_is_renamed(amid: Amid) -> None:
    amid.project.write("changes.sql", QUERY % f"200 + {VALUE}")
    amid.write(REPORTS.replace("  edits: {", "  changes: {").replace("'m.", "'n."))
    with graphite(amid.port) as server:
        assert amid.project.run(now=LAST) == ""
        # What was computed under the old name is written and sent under the old name.
        new = {day: f"{200 + day}" for day in range(1, 6)}
        assert sent(server) == points("m", OLD) | points("n", new)
        assert amid.values("a") == amid.values("b") == MERGED
        assert amid.values("a", "changes") == list(new.values())
        # Its marks wait, should the name come back.
        assert amid.marks() == [(f"edits/{wiki}.tsv", "2025-01-03") for wiki in "ab"]
        amid.write(REPORTS)
        assert amid.project.run(now=LAST) == ""
        assert amid.values("a") == amid.values("b") == DONE
        assert sent(server) == points("m", WHOLE) | points("n", new)
    assert amid.marks() == []
    nothing_left(amid)


@pytest.mark.parametrize("left", ["  views: {}\n", "  views: {}\n  wrong: {granularity: never}\n"])
def test_the_only_report_with_datapoints_is_removed(amid: Amid, left: str) -> None:
    amid.write(left)
    with graphite(amid.port) as server:
        amid.project.run(now=LAST, code=1 if "wrong" in left else 0)
        assert sent(server) == points("m", OLD)
    assert amid.values("a") == amid.values("b") == MERGED
    nothing_left(amid)


def test_a_value_of_a_dimension_is_removed_and_another_is_added(amid: Amid) -> None:
    amid.write(REPORTS.replace('"a, b"', '"b, c"'))
    with graphite(amid.port) as server:
        assert amid.project.run(now=LAST) == ""
        new = {day: f"{100 + day}" for day in range(1, 6)}
        stood = points("m", OLD, "a") | points("m", WHOLE, "b") | points("m", new, "c")
        assert sent(server) == stood
        assert amid.values("a") == MERGED
        assert amid.values("b") == DONE
        assert amid.values("c") == list(new.values())
        assert amid.marks() == [("edits/a.tsv", "2025-01-03")]
        amid.write(REPORTS.replace('"a, b"', '"a, b, c"'))
        assert amid.project.run(now=LAST) == ""
        assert amid.values("a") == DONE
        assert sent(server) == stood | points("m", WHOLE, "a")
    assert amid.marks() == []
    nothing_left(amid)


def test_the_template_of_the_path_is_changed(amid: Amid) -> None:
    amid.write(REPORTS.replace("'m.", "'n."))
    with graphite(amid.port) as server:
        said = amid.project.run(now=LAST)
        assert "values of 2025-01-01 to 2025-01-03 (2 series) were not sent to graphite" in said
        # What was committed before the change has its old path, what came after has the new one:
        # the old value of the day that is computed again is known to be wrong, and not sent.
        kept = {day: value for day, value in OLD.items() if day != 3}
        assert sent(server) == points("m", kept) | points("n", {3: "103", 4: "104", 5: "105"})
    assert amid.values("a") == amid.values("b") == DONE
    nothing_left(amid)


def test_a_header_that_changes_in_every_interval(amid: Amid) -> None:
    amid.project.write("edits.sql", QUERY % f"100 + {VALUE}" + ', 1 AS d{day}, 2 AS "x {day}"')
    amid.write(REPORTS)
    with graphite(amid.port) as server:
        assert amid.project.run(now=LAST) == ""
        assert sent(server) == points("m", WHOLE)
    for wiki in "ab":
        header, *rows = amid.project.rows(f"edits/{wiki}")
        assert sorted(header[1:]) == ["d03", "d04", "d05", "edits", "wiki", "x 03", "x 04", "x 05"]
        cells = [dict(zip(header, row, strict=True)) for row in rows]
        assert [row["edits"] for row in cells] == DONE
        assert [row["d03"] for row in cells] == ["", "", "1", "", ""]
        assert [row["x 05"] for row in cells] == ["", "", "", "", "2"]
    nothing_left(amid)


def test_max_data_points_is_lowered(amid: Amid) -> None:
    amid.write(REPORTS.replace("  edits: {", "  edits: {max_data_points: 2, "))
    with graphite(amid.port) as server:
        said = amid.project.run(now=LAST)
        # The mark lies before what is kept: that is told once.
        assert said.count("not computed again, though it was requested") == 2
        assert sent(server) == points("m", {**OLD, 4: "104", 5: "105"})
        assert amid.values("a") == amid.values("b") == ["104", "105"]
        assert amid.marks() == []
        assert amid.project.run(now=LAST) == ""
    nothing_left(amid)


def test_the_project_is_moved(amid: Amid, tmp_path: Path) -> None:
    amid.write(REPORTS)
    amid.project.folder = amid.project.folder.rename(tmp_path / "elsewhere")
    with graphite(amid.port) as server:
        assert amid.project.run(now=LAST) == ""
        assert sent(server) == points("m", WHOLE)
    assert amid.values("a") == amid.values("b") == DONE
    nothing_left(amid)


def test_the_whole_project_is_gone_and_another_uses_the_output_folder(
    amid: Amid, tmp_path: Path
) -> None:
    text = config(amid.port, "  others: {}\n")
    other = Project(tmp_path / "other", text, {"others.sql": ONE}, output=amid.project.output)
    with graphite(amid.port) as server:
        assert other.run(now=LAST) == ""
        assert sent(server) == points("m", OLD)
    assert amid.values("a") == amid.values("b") == MERGED
    nothing_left(amid)


CHANGES = [
    ("granularity: weeks, starts: 2024-12-29", "are of granularity days, the report is of weeks"),
    ("explode_by: {wiki: a}", "are exploded by nothing, the report by wiki now"),
]


@pytest.mark.parametrize(("keys", "message"), CHANGES)
def test_results_that_could_not_be_written_yet_are_not_mixed_with_those_of_another_shape(
    tmp_path: Path, keys: str, message: str
) -> None:
    project = Project(tmp_path, SQLITE + "reports: {edits: {}, views: {}}\n")
    project.write("edits.sql", ONE)
    project.write("views.sql", ONE)
    obstacle = project.output / ".edits.tsv.tmp"
    obstacle.mkdir(parents=True)
    assert "edits.tsv cannot be written" in project.run(code=1)
    assert len(project.state("SELECT 1 FROM journal")) == 3
    project.write("config.yaml", SQLITE + f"reports: {{edits: {{{keys}}}, views: {{}}}}\n")
    said = project.run(code=1, now=LAST)
    assert message in said
    assert "what was computed is still to be written there: fix what keeps it from that" in said
    assert len(project.dates("views")) == 5
    obstacle.rmdir()
    said = project.run(code=1, now=LAST)
    assert f"move {project.tsv('edits')} away" in said
    assert project.text("edits") == "date\tn\n2025-01-01\t1\n2025-01-02\t1\n2025-01-03\t1\n"
    project.tsv("edits").rename(tmp_path / "kept.tsv")
    assert project.run(now=LAST) == ""
    assert project.state("SELECT 1 FROM journal") == []


def test_another_project_does_not_take_over_what_could_not_be_written_yet(tmp_path: Path) -> None:
    text = SQLITE + "reports: {edits: {}}\n"
    mine = Project(tmp_path, text, {"edits.sql": ONE})
    obstacle = mine.output / ".edits.tsv.tmp"
    obstacle.mkdir(parents=True)
    mine.run(code=1)
    other = Project(tmp_path / "other", text, {"edits.sql": "SELEC"}, output=mine.output)
    assert "its TSVs are written by another project" in other.run(code=1, now=LAST)
    obstacle.rmdir()
    assert mine.run(now=LAST) == ""
    assert len(mine.dates("edits")) == 5
