"""An Apache Hive that is slow to open a session, or refuses to for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.hive.asking import answer
from tests.helpers import Project
from tests.servers.hive import Hive, running_hive

pytestmark = pytest.mark.long

HOOK = {
    "Mood": """
import java.nio.file.*;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.session.*;

public class Mood implements HiveSessionHook {
  public void run(HiveSessionHookContext context) throws HiveSQLException {
    Path mood = Paths.get(System.getProperty("java.io.tmpdir"), "mood");
    try {
      if (!Files.exists(mood)) return;
      String text = new String(Files.readAllBytes(mood)).trim();
      if (text.equals("slow")) Thread.sleep(12000);
      if (text.equals("refuse")) throw new HiveSQLException("Name node is in safe mode");
    } catch (java.io.IOException | InterruptedException error) {
      throw new HiveSQLException("no mood", error);
    }
  }
}
"""
}


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hive]:
    properties = {
        "hive.server2.session.hook": "Mood",
    }
    with running_hive(properties, classes=HOOK) as server:
        server.make_one()
        yield server


@pytest.fixture
def mood(moody: Hive) -> Iterator[Path]:
    """The file that says how the server is."""
    path = moody.folder / "tmp" / "mood"
    yield path
    path.unlink(missing_ok=True)


def project(server: Hive, folder: Path, query: str) -> Project:
    config = f"""
databases: {{hive: {{engine: hive, host: {server.host}, port: {server.port}, concurrency: 1}}}}
reports: {{edits: {{type: hive, granularity: days, starts: 2025-01-01}}}}
"""
    return Project(folder, config, {"edits.hql": query})


def test_a_session_may_take_longer_to_open_than_a_connection(moody: Hive, mood: Path) -> None:
    mood.write_text("slow")
    assert answer(moody.entry()) == "2"


def test_a_session_that_is_refused_for_a_moment_is_opened_in_the_end(
    moody: Hive, mood: Path, tmp_path: Path
) -> None:
    mood.write_text("refuse")
    made = project(moody, tmp_path, "SELECT '{from_date}' AS `date`, n FROM one")
    with made.started("-l", "info") as run:
        run.says("trying again")
        mood.unlink()
        said = run.ended(0)
    assert "safe mode" in said
    assert "settings" not in said
    assert len(made.dates("edits")) == 3
