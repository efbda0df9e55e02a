"""Prometheus and VictoriaMetrics: every point arrives, every correction is seen, on the real servers."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from calendar import timegm
from collections.abc import Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from reportupdater.model import Datapoint
from reportupdater.sinks.prometheus.sink import Receiver
from reportupdater.web.access import Access
from tests.delivery.stores import DAYS, NOW, TODAY, Sending, label, moment
from tests.helpers import Project, wait_until
from tests.servers.carbon import Carbon
from tests.servers.mariadb import free_port
from tests.servers.stores import Prometheus, Store, Victoria, running


@pytest.fixture(params=["prometheus", "victoria"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def one(store: Store, tmp_path: Path) -> Sending:
    return Sending(store, tmp_path)


def in_state(one: Sending, *statements: str) -> None:
    path = one.project.output / ".reportupdater" / "state.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def edited(one: Sending, day: int, value: str) -> None:
    """Someone edits the TSV by hand; an empty value deletes the row."""
    lines = one.project.tsv(one.report).read_text().splitlines()
    row = [] if not value else [f"{label(day)}\t{value}"]
    at = next(number for number, line in enumerate(lines) if line.startswith(label(day)))
    one.project.tsv(one.report).write_text("\n".join([*lines[:at], *row, *lines[at + 1 :]]) + "\n")


def test_all_points_arrive_at_the_times_that_the_rows_have(one: Sending) -> None:
    one.run()
    one.is_whole()
    assert [one.revisions(day) for day in range(DAYS)] == [[0]] * DAYS
    assert "6 equal, 0 missing, 0 different, 0 extra" in one.said_by_verify()
    at_noon = one.store.query(f"last_over_time({one.metric}[1d])", moment(2) + 43_200)
    assert [series["value"][1] for series in at_noon] == [str(int(one.wanted[moment(2)]))]


def test_a_correction_is_seen_be_it_higher_or_lower(one: Sending) -> None:
    one.run()
    for add in (100, -100, 0):
        one.gives(add)
        one.again(1, 4)
        one.is_whole()
    assert one.revisions(2) == ([0, 1, 2, 3] if one.store.shows_emptied else [3])
    assert one.revisions(5) == [0]


def test_the_history_may_be_pruned(one: Sending) -> None:
    one.run()
    one.gives(1)
    one.again(0, DAYS)
    in_state(one, "DELETE FROM attempts", "DELETE FROM revisions", "DELETE FROM answered")
    one.gives(2)
    one.again(0, DAYS)
    one.is_whole()


def test_a_row_may_be_deleted_by_hand_and_computed_again(one: Sending) -> None:
    one.run()
    edited(one, 3, "")
    one.gives(7)
    one.run()
    one.is_whole()


def test_a_report_may_be_renamed_with_its_metric(one: Sending) -> None:
    one.run()
    config = one.project.folder / "config.yaml"
    config.write_text(config.read_text().replace("  edits:", "  changes:"))
    one.report = "changes"
    one.gives(5)
    one.run()
    one.is_whole()


def test_a_hand_edit_is_sent_by_resend_and_nothing_else_is(one: Sending) -> None:
    one.run()
    one.is_shown()
    edited(one, 2, "77")
    said = one.call("resend", "-l", "info")
    assert "5 datapoints already" in said
    one.is_whole()
    assert one.revisions(1) == [0]
    assert one.revisions(2)[-1] == 1
    edited(one, 2, "78")
    assert "1 different" in one.said_by_verify(code=1)
    one.call("verify", "--resend", code=1)
    one.is_whole()
    assert "6 equal" in one.said_by_verify()


def test_the_state_may_be_lost(one: Sending) -> None:
    one.run()
    one.gives(1)
    one.again(2, 4)
    one.is_shown()
    shutil.rmtree(one.project.output / ".reportupdater")
    one.gives(2)
    one.again(0, DAYS)
    one.is_whole()
    one.gives(3)
    one.again(0, DAYS)
    one.is_whole()


def test_a_lookback_corrects_some_days_with_each_new_one(store: Store, tmp_path: Path) -> None:
    one = Sending(store, tmp_path, keys="    lookback: 3\n")
    for day in range(1, DAYS + 1):
        one.gives(day)
        one.run(now=label(day))
        one.is_whole()
    assert one.revisions(2)[-1] == 3


def test_a_store_may_have_the_series_from_another_folder(one: Sending, tmp_path: Path) -> None:
    one.run()
    one.gives(1)
    one.again(1, 3)
    one.is_shown()
    other = Sending(one.store, tmp_path / "other", metric=one.metric)
    other.gives(50)
    other.run()
    other.is_whole()


def test_a_store_that_cannot_be_asked_gets_the_newest_alone_until_it_is_known_to_be_new(
    store: Store, tmp_path: Path
) -> None:
    section = store.section.replace("query_url", "# query_url")[1:].split(",")[0]
    one = Sending(store, tmp_path, section=f"{{{section}, enabled: true}}")
    said = one.run(code=1)
    assert "before the newest: it is not known whether" in said
    assert "--assume-new" in said
    assert [*one.values] == [moment(DAYS - 1)]
    one.call("resend", "--assume-new")
    one.is_whole()
    one.gives(1)
    one.again(0, DAYS)
    one.is_whole()


def test_a_first_run_may_say_that_the_store_is_new(store: Store, tmp_path: Path) -> None:
    section = store.section.replace("query_url", "# query_url")[1:].split(",")[0]
    one = Sending(store, tmp_path, section=f"{{{section}, enabled: true}}")
    one.run("--assume-new")
    one.is_whole()


def test_an_emptied_value_is_gone_where_the_store_can_show_that(one: Sending) -> None:
    one.run()
    one.gives(where="'{from_date}' != '" + label(2) + "'")
    one.again(1, 4, "--allow-empty")
    noted = one.project.state("SELECT start FROM emptied")
    if one.store.shows_emptied:
        assert noted == []
        assert one.values == one.wanted
        assert "5 equal, 0 missing, 0 different, 0 extra, 1 emptied" in one.said_by_verify()
    else:
        assert noted == [(label(2),)]
        assert one.values.keys() - one.wanted.keys() == {moment(2)}
        assert "1 extra" in one.said_by_verify()
        said = one.project.call(
            "forget", "--emptied", "--report", "edits", one.project.output
        ).stdout
        command = next(line for line in said.splitlines() if "VictoriaMetrics: " in line)
        words = shlex.split(
            command.partition(": ")[2].replace("$URL", one.store.url), comments=True
        )
        assert f"match[]={one.metric}" in words
        subprocess.run([*words, "--silent", "--show-error"], check=True)
        one.call("resend")
        one.is_whole()
    one.gives(9)
    one.again(1, 4)
    one.is_whole()
    assert one.project.state("SELECT start FROM emptied") == []


def test_what_was_changed_too_often_is_reported_and_not_sent(one: Sending) -> None:
    one.run()
    in_state(one, f"INSERT INTO last_revisions SELECT id, {moment(2)}, 989 FROM numbered")
    one.gives(1)
    one.again(2, 3)
    one.is_whole()
    assert one.revisions(2)[-1] == 990
    one.gives(2)
    said = one.again(2, 3, code=1)
    assert "changed too often to be sent again" in said
    assert one.project.state("SELECT first FROM unsent") == [(label(2),)]


def test_only_what_is_young_enough_is_sent(store: Store, tmp_path: Path) -> None:
    section = store.section.replace("{", "{max_age: 3d, ", 1)
    one = Sending(store, tmp_path, section=section)
    said = one.run("-l", "info")
    assert "values older than `max_age`" in said
    assert sorted(one.values) == [moment(day) for day in range(DAYS - 2, DAYS)]
    verdict = one.said_by_verify()
    assert "2 equal, 0 missing" in verdict
    assert "4 older than `max_age` and not there" in verdict


def test_check_warns_of_an_age_that_is_shorter_than_what_a_run_gives(
    store: Store, tmp_path: Path
) -> None:
    section = store.section.replace("{", "{max_age: 20d, ", 1)
    one = Sending(store, tmp_path, section=section, keys="    granularity: months\n")
    said = one.project.call("check", one.project.folder).stdout
    assert "is shorter than the age of what a run of report 'edits' gives" in said
    assert "make it 31d at least" in said


def test_another_value_under_the_same_number_is_noticed(one: Sending) -> None:
    one.run()
    at = Datapoint(one.metric, "5", moment(DAYS - 1), 1)
    receiver = Receiver(f"{one.store.url}/api/v1/write", Access(), "x", None)
    receiver.send([at])
    receiver.close()
    one.gives(60)
    one.again(DAYS - 1, DAYS)
    # VictoriaMetrics refuses nothing, and shows the one or the other.
    one.call("verify", "--resend", code=int(one.values != one.wanted))
    assert one.values == one.wanted


def test_the_series_of_all_sinks_are_listed(one: Sending) -> None:
    found = json.loads(one.project.call("metrics", "--json", one.project.folder).stdout)
    assert [(part["sink"], part["new"], part["gone"]) for part in found] == [
        ("prometheus", [one.metric], [])
    ]
    one.run()
    config = one.project.folder / "config.yaml"
    config.write_text(config.read_text().replace(one.metric, f"{one.metric}_total"))
    said = one.call("metrics", "--sink", "prometheus")
    assert f"new  {one.metric}_total\ngone {one.metric}\n" in said
    assert "1 series, 1 of them new, and 1 that nothing makes any more" in said


def test_labels_are_those_of_rows_and_settings_whatever_they_hold(
    store: Store, tmp_path: Path
) -> None:
    odd = 'a "b" \\ c\td ü €𐎠 {e}'
    section = store.section.replace("{", "{labels: {source: reports}, ", 1)
    one = Sending(store, tmp_path, section=section)
    config = one.project.folder / "config.yaml"
    labels = "labels: {bucket: '{bucket}', kind: 'v{version:.2}'}"
    config.write_text(
        config.read_text().replace(f"{one.metric}: n}}", f"{one.metric}: n}}, {labels}")
    )
    one.project.write(
        "edits.sql",
        "SELECT '{from_date}' AS date, '"
        + odd.replace("{", "{{").replace("}", "}}")
        + "' AS bucket,"
        " '123' AS version, 1 AS n"
        " UNION ALL SELECT '{from_date}', 'x', '123', 2 UNION ALL SELECT '{from_date}', '', '1', 3",
    )
    said = one.run("-l", "info")
    assert "rows lack a value that their series key needs" in said
    found = one.store.query(f"last_over_time({one.metric}[2d])", moment(DAYS - 1) + 60)
    assert sorted((s["metric"]["bucket"], s["value"][1]) for s in found) == [(odd, "1"), ("x", "2")]
    assert {(s["metric"]["source"], s["metric"]["kind"]) for s in found} == {("reports", "v12")}
    assert "12 equal" in one.said_by_verify()


def test_hours_have_their_hour(store: Store, tmp_path: Path) -> None:
    one = Sending(store, tmp_path, keys="    granularity: hours\n")
    one.project.write("edits.sql", "SELECT '{from_timestamp}' AS date, 1 AS n")
    config = one.project.folder / "config.yaml"
    config.write_text(
        config.read_text().replace(f"starts: {label(0)}", f"starts: {label(DAYS - 1)}")
    )
    one.project.write(
        "edits.sql",
        "SELECT '{year}-{month}-{day}T{hour}:00:00' AS date, CAST('{hour}' AS INTEGER) AS n",
    )
    one.run()
    first = moment(DAYS - 1)
    assert one.values == {first + 3600 * hour: float(hour) for hour in range(24)}
    assert "24 equal" in one.said_by_verify()


def test_a_report_may_have_two_sinks_and_one_may_be_left_out(one: Sending, tmp_path: Path) -> None:
    from tests.servers.receivers import reads_all, receiver

    with receiver(reads_all) as graphite:
        config = one.project.folder / "config.yaml"
        config.write_text(
            config.read_text()
            .replace("reports:", f"graphite: {{host: 127.0.0.1, port: {graphite.port}}}\nreports:")
            .replace(
                "    prometheus:",
                "    graphite: {path: 'e.{_metric}', metrics: {n: n}}\n    prometheus:",
            )
        )
        one.run("--send", "--sink", "graphite")
        assert len(graphite.lines) == DAYS
        assert one.values == {}
        one.call("resend", "--sink", "prometheus")
        one.is_whole()
        assert len(graphite.lines) == DAYS
        one.gives(1)
        one.again(0, 1)
        one.is_whole()
        assert len(graphite.lines) == DAYS + 1


def test_a_rerun_that_is_not_sent_is_numbered_all_the_same(one: Sending, tmp_path: Path) -> None:
    one.run()
    one.gives(1)
    one.call("rerun", "--since", label(1), "--until", label(3))
    one.run("--no-send")
    file = tmp_path / "edits.om"
    one.project.call("export", "--openmetrics", one.project.folder, one.project.output, file)
    lines = file.read_text().splitlines()
    assert lines[0] == f"# TYPE {one.metric} gauge"
    assert lines[-1] == "# EOF"
    seconds = moment(1) - 1
    assert f"{one.metric} {int(one.wanted[moment(1)])} {seconds}.002" in lines
    assert f"{one.metric} {int(one.wanted[moment(0)])} {moment(0) - 1}.001" in lines
    assert len(lines) == DAYS + 2


def test_an_age_in_the_future_of_a_fixed_clock_changes_nothing(one: Sending) -> None:
    """A run for a past day computes what was over then; the rest comes later, and all of it is there."""
    one.run(now=f"{TODAY - timedelta(days=3):%Y-%m-%d}")
    assert len(one.values) == DAYS - 3
    one.run(now=NOW)
    one.is_whole()


def tutorial(parent: Path, *sections: str, keys: str) -> Project:
    """The tutorial's project, with these sections and these keys of its report."""
    page = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
    files = {
        name: re.search(f"^(?:#|--) {name}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        for name in FILES
    }
    assert all(files.values())
    data, config, query = (str(found[1]) for found in files.values() if found)
    project = Project(parent, config.replace("reports:", "\n".join([*sections, "reports:"])) + keys)
    project.write("daily_edits.sql", query)
    project.write("wikis.txt", "enwiki\ndewiki\nfrwiki\n")
    script = project.write("make_data.py", data.replace("edits/edits.sqlite", "edits.sqlite"))
    subprocess.run([sys.executable, script], cwd=project.folder, check=True)
    return project


FILES = ("make_data.py", "edits/config.yaml", "edits/daily_edits.sql")


def test_the_tutorials_project_sends_to_three_stores_at_once(
    carbon: Carbon, fresh_node: str, tmp_path: Path
) -> None:
    with running(Prometheus) as prometheus, running(Victoria) as victoria:
        other = victoria.section.replace(", enabled: true", "")
        project = tutorial(
            tmp_path,
            f"graphite: {{host: {carbon.host}, port: {carbon.port}, enabled: true}}",
            prometheus.section.replace("enabled", f"others: {{victoria: {other}}}, enabled").join(
                ["prometheus: ", ""]
            ),
            keys="    prometheus: {metrics: {edits: edits, editors: editors}}\n"
            f"    graphite: {{path: '{fresh_node}.{{wiki}}.{{_metric}}',"
            " metrics: {edits: edits, editors: editors}}\n",
        )
        project.run(now="2025-01-11")
        all_have_the_same(project, carbon, fresh_node, [prometheus, victoria], days=10)
        for change in (
            "DELETE FROM edits WHERE user = 'user3'",
            "INSERT INTO edits SELECT * FROM edits",
        ):
            with closing(sqlite3.connect(project.folder / "edits.sqlite")) as data, data:
                data.execute(change)  # lower, then higher
            project.call(
                "rerun",
                "--since",
                "2025-01-03",
                "--until",
                "2025-01-11",
                project.folder,
                project.output,
            )
            project.run(now="2025-01-11")
            all_have_the_same(project, carbon, fresh_node, [prometheus, victoria], days=10)
        said = project.call(
            "verify", project.folder, project.output, "--sink", "prometheus.victoria"
        )
        assert said.stdout == "52 equal, 0 missing, 0 different, 0 extra\n"


def all_have_the_same(
    project: Project, carbon: Carbon, node: str, stores: Sequence[Store], days: int
) -> None:
    assert project.state("SELECT count(*) FROM outbox") == [(0,)]
    for wiki in ("enwiki", "dewiki", "frwiki"):
        header, *rows = project.rows(f"daily_edits/{wiki}")
        assert len(rows) == days
        for at, name in enumerate(header[1:], 1):
            wanted = {
                timegm(date.fromisoformat(row[0]).timetuple()): float(row[at])
                for row in rows
                if row[at]
            }
            assert wanted
            for store in stores:
                found = store.values(f'{name}{{wiki="{wiki}"}}')
                assert found == {f'{name}{{wiki="{wiki}"}}': wanted}, store.program
            path = f"{node}.{wiki}.{name}"
            wait_until(lambda path=path, wanted=wanted: carbon.points(path) == wanted)  # type: ignore[misc]


def test_a_further_receiver_gets_the_history_when_it_is_asked_for(
    prometheus: Store, victoria: Store, tmp_path: Path
) -> None:
    """As whoever moves from one store to another does."""
    one = Sending(prometheus, tmp_path)
    one.run()
    config = one.project.folder / "config.yaml"
    other = victoria.section.replace(", enabled: true", "")
    section = one.store.section.replace("enabled", f"others: {{next: {other}}}, enabled")
    config.write_text(config.read_text().replace(one.store.section, section))
    one.call("resend", "--sink", "prometheus.next")
    assert victoria.values(f'{{__name__="{one.metric}"}}') == {one.metric: one.wanted}
    one.gives(5)
    one.again(0, 2)
    one.is_whole()
    assert victoria.values(f'{{__name__="{one.metric}"}}') == {one.metric: one.wanted}
    # And then the other one takes the place of the first.
    config.write_text(config.read_text().replace(section, victoria.section))
    one.gives(-5)
    one.again(1, 4)
    assert one.project.state("SELECT count(*) FROM outbox") == [(0,)]
    assert victoria.values(f'{{__name__="{one.metric}"}}') == {one.metric: one.wanted}
    said = one.call("verify", "--sink", "prometheus.text", code=2)
    assert "there is no 'prometheus.text' that datapoints go to (did you mean" in said


def test_a_further_receiver_that_is_down_keeps_nothing_from_the_first(
    prometheus: Store, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    section = prometheus.section.replace(
        "enabled",
        f"others: {{next: {{url: '{url}/write', query_url: '{url}', drain_timeout: 0.1}}}}, enabled",
    )
    one = Sending(prometheus, tmp_path, section=section)
    said = one.run(code=1)
    assert f"{url.removeprefix('http://')} refused the connection" in said
    assert one.values == one.wanted
    assert one.project.state("SELECT destination, count(*) FROM outbox") == [(f"{url}/write", DAYS)]


def test_a_query_api_that_is_taken_out_is_missed(one: Sending) -> None:
    one.store.pause()
    config = one.project.folder / "config.yaml"
    text = config.read_text()
    try:
        config.write_text(text.replace("enabled: true", "enabled: true, drain_timeout: 0.1"))
        with one.project.started(now=NOW) as run:
            wait_until(lambda: one.project.committed() == DAYS)
            run.kill()
    finally:
        one.store.resume()
    config.write_text(text.replace(f", query_url: '{one.store.url}'", ""))
    said = one.run(code=1)
    assert "can be asked no more what it has" in said
    assert "give `prometheus` its `query_url` again" in said
    config.write_text(text)
    one.run()
    one.is_whole()
