"""What datapoints say: their moments, and what becomes of those that cannot be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.delivery.projects import arrive, config, edits, query, resend, stored
from tests.helpers import Project
from tests.servers.carbon import Carbon
from tests.servers.receivers import Receiver, reads_all, receiver

HOUR = "{year}-{month}-{day}T{hour}"
ZONES = ["America/New_York", "Australia/Lord_Howe", "Europe/Berlin", "UTC"]


def moments(
    folder: Path, granularity: str, starts: str, now: str, zone: str
) -> list[tuple[str, str]]:
    """The date of each row and the timestamp of its point, of a run in a time zone."""
    with receiver(reads_all) as server:
        graphite = "{path: 'm.{_metric}', metrics: {n: n}}"
        report = f"{{granularity: {granularity}, starts: {starts}, graphite: {graphite}}}"
        text = config(server.port, f"  edits: {report}\n")
        label = HOUR if granularity == "hours" else "{from_date}"
        mine = Project(folder, text, {"edits.sql": f"SELECT '{label}' AS date, 1 AS n"})
        mine.run(now=now, environment={"TZ": zone})
        first = list(server.lines)
        resend(mine, environment={"TZ": zone})
        assert server.lines[len(first) :] == first  # equal from the TSV
        timestamps = [line.rpartition(" ")[2] for line in first]
        return list(zip(mine.dates("edits"), timestamps, strict=True))


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_begins_at_midnight_utc_wherever_the_machine_is(tmp_path: Path, zone: str) -> None:
    """The clocks of Berlin change on the 30th."""
    found = moments(tmp_path, "days", "2025-03-29", "2025-04-01T12", zone)
    assert found == [
        ("2025-03-29", "1743206400"),
        ("2025-03-30", "1743292800"),
        ("2025-03-31", "1743379200"),
    ]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
def test_hours_are_those_of_utc_also_when_the_clocks_change(tmp_path: Path, zone: str) -> None:
    """Those of Berlin change at 01:00 UTC in this night, from 03:00 back to 02:00."""
    found = moments(tmp_path, "hours", "2025-10-25T23", "2025-10-26T03", zone)
    assert [timestamp for _, timestamp in found] == [
        "1761433200",
        "1761436800",
        "1761440400",
        "1761444000",
    ]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin"])
def test_weeks_are_dated_by_their_sunday(tmp_path: Path, zone: str) -> None:
    found = moments(tmp_path, "weeks", "2025-10-19", "2025-11-02T01", zone)
    assert found == [("2025-10-19", "1760832000"), ("2025-10-26", "1761436800")]


def test_hours_arrive(carbon: Carbon, fresh_node: str, tmp_path: Path) -> None:
    """Carbon keeps hours under `hourly`, for two years."""
    node = f"hourly.{fresh_node}"
    graphite = f"{{path: '{node}.{{_metric}}', metrics: {{n: n}}}}"
    report = f"{{granularity: hours, starts: 2026-11-01, graphite: {graphite}}}"
    text = config(carbon.port, f"  edits: {report}\n")
    mine = Project(tmp_path, text, {"edits.sql": f"SELECT '{HOUR}' AS date, 1{{hour}} AS n"})
    mine.run(now="2026-11-03")
    begin = 1793491200
    expected = {(f"{node}.n", begin + hour * 3600): float(100 + hour % 24) for hour in range(48)}
    arrive(carbon, node, expected)


def rows(mine: Project) -> list[list[str]]:
    return mine.rows("edits/enwiki")[1:]


def lines(server: Receiver) -> list[str]:
    return sorted(line.removeprefix("m.enwiki.") for line in server.lines)


MENDED = ["edits 1 1735689600", "edits 2 1735776000", "edits 3 1735862400"]


def test_a_column_that_is_missing_withholds_its_points_alone(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        wrong = edits("m", "enwiki", "edits: edits, more: mor")
        mine = Project(tmp_path, config(server.port, wrong), {"edits.sql": query()})
        said = mine.run(code=1)
        assert "'more' of 'metrics' of graphite of report 'edits' takes the column 'mor'" in said
        assert "it has date, wiki, edits" in said
        assert said.count("takes the column") == 1  # once, not once a day
        assert len(rows(mine)) == 3
        assert lines(server) == MENDED
        right = edits("m", "enwiki", "edits: edits, more: edits")
        mine.write("config.yaml", config(server.port, right))
        # The rows are done, and what they lack is reported until it is sent.
        assert "values of 2025-01-01 to 2025-01-03 were not sent to graphite" in mine.run()
        assert len(server.lines) == 3
        assert resend(mine) == ""
        more = [line.replace("edits", "more") for line in MENDED]
        assert sorted(lines(server)) == sorted([*MENDED, *MENDED, *more])


def test_an_unknown_placeholder_withholds_no_rows(tmp_path: Path) -> None:
    with receiver(reads_all) as server:
        wrong = edits("m", "enwiki").replace("{_metric}", "{wik}.{_metric}")
        mine = Project(tmp_path, config(server.port, wrong), {"edits.sql": query()})
        said = mine.run(code=1)
        assert "has {wik}, which is no dimension and no column (did you mean 'wiki'?)" in said
        assert len(rows(mine)) == 3
        assert server.lines == []
        assert "wik" in resend(mine, code=1)  # it is wrong as long as it is wrong
        mine.write("config.yaml", config(server.port, edits("m", "enwiki")))
        assert resend(mine) == ""
        assert lines(server) == MENDED


def test_two_rows_with_one_path_are_stored_and_not_sent(tmp_path: Path) -> None:
    both = f"{query()}, 'a' AS kind UNION ALL {query('7')}, 'b'"
    with receiver(reads_all) as server:
        text = config(server.port, edits("m", "enwiki"))
        mine = Project(tmp_path, text, {"edits.sql": both})
        said = mine.run(code=1)
        assert "makes the same metric path of two rows of a date" in said
        assert "put in what distinguishes them: {kind}" in said
        assert len(rows(mine)) == 6
        assert server.lines == []
        mine.write("config.yaml", text.replace("{_metric}", "{kind}.{_metric}"))
        assert resend(mine) == ""
        assert lines(server) == sorted(
            [f"a.{line}" for line in MENDED]
            + [f"b.edits 7 {line.rpartition(' ')[2]}" for line in MENDED]
        )


def test_text_is_counted_and_null_is_not_sent_and_neither_is_an_error(tmp_path: Path) -> None:
    value = "CASE {day} WHEN 1 THEN 'many' WHEN 2 THEN NULL ELSE 5 END"
    with receiver(reads_all) as server:
        mine = Project(
            tmp_path, config(server.port, edits("m", "enwiki")), {"edits.sql": query(value)}
        )
        said = mine.run("-l", "info")
        assert "3 done" in said
        assert "'many' of column 'edits' is no finite number" in said
        assert lines(server) == ["edits 5 1735862400"]
        assert len(rows(mine)) == 3


def test_other_reports_are_sent_whatever_one_of_them_lacks(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    reports = edits(fresh_node) + edits(fresh_node, metrics="views: view").replace(
        "  edits:", "  views:", 1
    )
    files = {"edits.sql": query(), "views.sql": query()}
    mine = Project(tmp_path, config(carbon.port, reports), files)
    assert "takes the column 'view'" in mine.run(code=1)
    arrive(carbon, fresh_node, stored(mine, fresh_node))
