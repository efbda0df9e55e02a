"""`reportupdater verify`: Graphite is read back and compared with the TSVs, point by point."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reportupdater.cli import main
from reportupdater.model import Datapoint
from reportupdater.sinks.graphite.render import RenderApi
from reportupdater.sinks.graphite.sink import Graphite
from tests.helpers import SQLITE, Project
from tests.servers.carbon import Carbon
from tests.servers.carbon import RenderApi as RenderServer
from tests.servers.mariadb import free_port
from tests.servers.receivers import never_reads, receiver

DAY = 86_400
FIRST = 1_735_689_600
"""2025-01-01, 00:00 UTC."""
ROWS = "date\tn\n2025-01-01\t0.1\n2025-01-02\t9007199254740993\n2025-01-04\t-3\n"


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@dataclass
class Setting:
    """A project of two wikis whose TSVs are in Graphite, and how to verify that."""

    project: Project
    carbon: Carbon
    api: RenderServer
    node: str
    capfd: pytest.CaptureFixture[str]

    def verify(self, *arguments: str, url: str | None = None) -> tuple[int, list[str], str]:
        """The exit code, what went to standard output, and to standard error."""
        self.capfd.readouterr()
        given = ["--render-url", url or self.api.url, *arguments]
        code = main(["verify", *given, str(self.project.folder), str(self.project.output)])
        said = self.capfd.readouterr()
        return code, said.out.splitlines(), said.err

    def send(self, wiki: str, date: int, value: str) -> None:
        """Put a point into Graphite, past the project."""
        point = Datapoint(f"{self.node}.{wiki}", value, FIRST + date * DAY)
        Graphite(self.carbon.host, self.carbon.port).send([point])

    def until_it_says(self, line: str, *arguments: str) -> tuple[int, list[str], str]:
        """What `verify` tells once its last line is this one: carbon takes its time."""
        deadline = time.monotonic() + 15
        while (told := self.verify(*arguments))[1][-1:] != [line]:
            assert time.monotonic() < deadline, told
            time.sleep(0.1)
        return told


@pytest.fixture
def setting(
    carbon: Carbon,
    render_api: RenderServer,
    fresh_node: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> Setting:
    config = f"""{SQLITE}
graphite: {{host: {carbon.host}, port: {carbon.port}}}
reports:
  edits:
    explode_by: {{wiki: "enwiki, dewiki"}}
    graphite: {{path: "{fresh_node}.{{wiki}}", metrics: {{n: n}}}}
"""
    project = Project(tmp_path, config, {"edits.sql": "SELECT 1"})
    for wiki in ("enwiki", "dewiki"):
        project.write_tsv(f"edits/{wiki}", ROWS)
    return Setting(project, carbon, render_api, fresh_node, capfd)


@pytest.fixture
def sent(setting: Setting) -> Setting:
    assert main(["resend", str(setting.project.folder), str(setting.project.output)]) == 0
    setting.until_it_says("6 equal, 0 missing, 0 different, 0 extra")
    return setting


def test_all_is_well_where_every_point_is_there(sent: Setting) -> None:
    assert sent.verify() == (0, ["6 equal, 0 missing, 0 different, 0 extra"], "")
    told = sent.verify("--since", "2025-01-02", "--until", "2025-01-04")
    assert told == (0, ["2 equal, 0 missing, 0 different, 0 extra"], "")


def test_what_graphite_never_got_is_missing_and_resend_mends_it(setting: Setting) -> None:
    before = sorted(setting.project.output.rglob("*"))
    code, lines, _ = setting.verify()
    assert code == 1
    assert lines[0] == f"wrong: {setting.node}.dewiki 2025-01-01: wanted 0.1, found nothing"
    assert lines[-1] == "0 equal, 6 missing, 0 different, 0 extra"
    assert sorted(setting.project.output.rglob("*")) == before
    code, lines, _ = setting.verify("--resend")
    assert (code, lines[-1]) == (1, "6 sent again")
    code, _, _ = setting.until_it_says("6 equal, 0 missing, 0 different, 0 extra")
    assert code == 0


def test_a_different_value_is_told_and_resend_mends_it_alone(sent: Setting) -> None:
    sent.send("enwiki", 1, "5.5")
    counts = "5 equal, 0 missing, 1 different, 0 extra"
    code, lines, _ = sent.until_it_says(counts)
    told = f"wrong: {sent.node}.enwiki 2025-01-02: wanted 9007199254740993, found 5.5"
    assert (code, lines) == (1, [told, counts])
    assert sent.verify("--resend")[:2] == (1, [told, counts, "1 sent again"])
    sent.until_it_says("6 equal, 0 missing, 0 different, 0 extra")


def test_a_row_that_was_added_by_hand_is_missing(sent: Setting) -> None:
    sent.project.write_tsv("edits/dewiki", f"{ROWS}2025-01-05\t1\n")
    counts = "6 equal, 1 missing, 0 different, 0 extra"
    told = f"wrong: {sent.node}.dewiki 2025-01-05: wanted 1, found nothing"
    assert sent.verify() == (1, [told, counts], "")


def test_a_point_that_the_tsv_has_not_is_listed_and_no_error(sent: Setting) -> None:
    sent.send("enwiki", 2, "7")
    counts = "6 equal, 0 missing, 0 different, 1 extra"
    code, lines, _ = sent.until_it_says(counts)
    told = f"extra: {sent.node}.enwiki 2025-01-03: wanted nothing, found 7.0"
    assert (code, lines) == (0, [told, counts])


def test_of_many_wrong_ones_the_first_are_shown(setting: Setting) -> None:
    days = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(30)]
    rows = "".join(f"{day:%Y-%m-%d}\t1\n" for day in days)
    setting.project.write_tsv("edits/enwiki", f"date\tn\n{rows}")
    _, lines, _ = setting.verify()
    assert len(lines) == 22
    assert lines[-2:] == ["wrong: and 13 more", "0 equal, 33 missing, 0 different, 0 extra"]


@pytest.mark.parametrize("archives", [[(3600, 72)], [(3600, 72), (86_400, 9000)]])
def test_points_older_than_the_finest_retention_are_counted_and_the_newer_compared(
    setting: Setting, archives: list[tuple[int, int]]
) -> None:
    now = datetime.now(UTC)
    ago = [now - timedelta(hours=n) for n in (241, 240, 68, 50, 49, 5)]
    hours = [f"{moment:%Y-%m-%dT%H}:00:00" for moment in ago]
    node = f"{setting.node}.hourly"
    setting.carbon.make(node, *archives)
    setting.project.write(
        "config.yaml",
        f"""
graphite: {{host: {setting.carbon.host}, port: {setting.carbon.port}}}
databases: {{local: {{engine: sqlite, path: data.sqlite}}}}
reports:
  edits:
    db: local
    granularity: hours
    starts: 2010-01-01
    graphite: {{path: "{node}", metrics: {{n: n}}}}
""",
    )
    setting.project.write_tsv("edits", "date\tn\n" + "".join(f"{hour}\t1\n" for hour in hours))
    assert main(["resend", str(setting.project.folder), str(setting.project.output)]) == 0
    counts = "4 equal, 0 missing, 0 different, 0 extra, 2 not comparable: older than what is"
    code, _, _ = setting.until_it_says(f"{counts} kept as it is")
    assert code == 0


def test_names_with_odd_letters_are_asked_for_as_they_are(setting: Setting) -> None:
    config = (setting.project.folder / "config.yaml").read_text()
    setting.project.write("config.yaml", config.replace(".{wiki}", ".{wiki}.{c}"))
    odd = ["a,b|c", "x=y", "50%&+#1", "true", "größe"]
    rows = "".join(f"2025-01-01\t{name}\t{n}\n" for n, name in enumerate(odd))
    for wiki in ("enwiki", "dewiki"):
        setting.project.write_tsv(f"edits/{wiki}", f"date\tc\tn\n{rows}")
    assert main(["resend", str(setting.project.folder), str(setting.project.output)]) == 0
    # Its own letters alone, since this graphite-web has no UTF8_METRICS.
    setting.until_it_says("8 equal, 2 missing, 0 different, 0 extra")
    url = setting.api.url
    assert dict(RenderApi(url).read(["über", "u"], FIRST, FIRST, DAY)) == {"über": None, "u": None}


@pytest.mark.parametrize("page", ["", "nothing/here"])
def test_a_url_of_something_else_is_told_with_what_it_should_be(sent: Setting, page: str) -> None:
    url = f"http://{sent.carbon.host}:{sent.api.port}/{page}"
    code, lines, said = sent.verify(url=url)
    assert (code, lines) == (1, [])
    assert url in said
    assert "for example http://graphite.example.org/render" in said
    assert "Traceback" not in said


def test_a_graphite_that_is_away_is_told(setting: Setting) -> None:
    url = f"http://127.0.0.1:{free_port()}/render"
    code, lines, said = setting.verify(url=url)
    assert (code, lines) == (1, [])
    assert f"{url} cannot be read: Connection refused (the URL is" in said


def test_a_graphite_that_hangs_is_given_up(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportupdater.sinks.graphite.render.TIMEOUT", 0.3)
    with receiver(never_reads) as server:
        code, _, said = setting.verify(url=f"http://127.0.0.1:{server.port}/render")
    assert code == 1
    assert "said nothing for 0 s" in said


def test_what_is_no_url_is_refused(setting: Setting) -> None:
    with pytest.raises(SystemExit) as ended:
        setting.verify(url="graphite.example.org/render")
    assert ended.value.code == 2
