"""An output folder of the size of a wiki farm, built without running a query.

65 reports × 217 wikis = 14,105 series, each TSV of 365 or of 3,650 days; and the state as the runs
leave it that computed all of it: what is done is remembered, and the history holds an attempt for each
interval (51 million at 3,650 days).
"""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

from reportupdater.intervals import Coverage, Granularity
from reportupdater.state import coverage, history, owners, schema
from reportupdater.state.database import State
from reportupdater.state.owners import Owner
from reportupdater.tsv import files

ENDS = date(2025, 12, 29)
"""The day on which all days of the TSVs are over."""
RAN = datetime(2025, 12, 29, 6)
"""When the run was that computed them, unless another moment is asked for."""
_QUERY = "SELECT '{from_date}' AS date, 1 AS edits, 1 AS editors\n"


@dataclass(frozen=True)
class Size:
    """What is built. Equal ones are built equal."""

    days: int
    history: bool = False
    """Whether the state holds an attempt for each interval."""
    reports: int = 65
    wikis: int = 217
    ran: str = RAN.isoformat()

    @property
    def series(self) -> int:
        """How many TSVs there are."""
        return self.reports * self.wikis


@dataclass(frozen=True)
class Farm:
    """A project and its output folder."""

    project: Path
    output: Path
    size: Size

    @property
    def now(self) -> str:
        """The moment at which nothing is due."""
        return ENDS.isoformat()

    @property
    def state(self) -> Path:
        """The file of the state."""
        return self.output / ".reportupdater" / "state.sqlite"


def build(folder: Path, size: Size) -> Farm:
    """Build a farm in a folder; one that has been built there with the same size is used again."""
    farm = Farm(folder / "project", folder / "output", size)
    built = folder / "built.json"
    what = {**asdict(size), "state": schema.VERSION}
    if built.exists() and json.loads(built.read_text()) == what:
        return farm
    shutil.rmtree(folder, ignore_errors=True)
    _make_project(farm)
    _write_tsvs(farm)
    with State(farm.output) as state:
        _remember(farm, state)
        if size.history:
            with state.transaction() as connection:
                _claim(farm, connection)
                _note(farm, connection)
    with closing(_opened(farm)) as connection:  # so that a copy of the one file is the state
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    built.write_text(json.dumps(what))
    return farm


def _opened(farm: Farm) -> Connection:
    return Connection(farm.state, isolation_level=None)


def _reports(size: Size) -> list[str]:
    return [f"report_{number:02}" for number in range(size.reports)]


def _wikis(size: Size) -> list[str]:
    return [f"w{number:03}wiki" for number in range(size.wikis)]


def _starts(size: Size) -> date:
    return ENDS - timedelta(days=size.days)


def _make_project(farm: Farm) -> None:
    folder = farm.project
    folder.mkdir(parents=True)
    (folder / "data.sqlite").touch()
    (folder / "wikis.txt").write_text("".join(f"{wiki}\n" for wiki in _wikis(farm.size)))
    lines = [
        "databases: {local: {engine: sqlite, path: data.sqlite}}",
        f"defaults: {{db: local, granularity: days, starts: {_starts(farm.size)}}}",
        "reports:",
    ]
    for report in _reports(farm.size):
        (folder / f"{report}.sql").write_text(_QUERY)
        lines.append(f"  {report}: {{explode_by: {{wiki: wikis.txt}}}}")
    (folder / "config.yaml").write_text("\n".join(lines) + "\n")


def _write_tsvs(farm: Farm) -> None:
    days = [(_starts(farm.size) + timedelta(days=number)) for number in range(farm.size.days)]
    rows = (f"{day}\t{day.toordinal() * 7919 % 1000}\t{day.day}\n" for day in days)
    text = ("date\tedits\teditors\n" + "".join(rows)).encode()
    for report in _reports(farm.size):
        folder = farm.output / report
        folder.mkdir(parents=True)
        for wiki in _wikis(farm.size):
            (folder / f"{wiki}.tsv").write_bytes(text)


def _remember(farm: Farm, state: State, more: int = 0) -> None:
    first = _starts(farm.size).toordinal()
    done = Coverage(((first, first + farm.size.days + more),))
    walk = files.Walk(state.root)
    for report in _reports(farm.size):
        memory = {}
        for wiki in _wikis(farm.size):
            tsv = f"{report}/{wiki}.tsv"
            file = coverage.identity(walk.place(tsv))
            assert file is not None
            memory[tsv] = file, done
        coverage.remember(state, report, Granularity.DAYS, memory)


def day_more(farm: Farm, number: int) -> None:
    """Give each TSV the row of one day more, the `number`-th, as a run does; the state knows of it."""
    day = ENDS + timedelta(days=number - 1)
    row = f"{day}\t{day.toordinal() * 7919 % 1000}\t{day.day}\n".encode()
    for report in _reports(farm.size):
        for wiki in _wikis(farm.size):
            path = farm.output / report / f"{wiki}.tsv"
            part = path.with_suffix(".part")
            part.write_bytes(path.read_bytes() + row)
            part.replace(path)
    with State(farm.output) as state:
        _remember(farm, state, number)


def _claim(farm: Farm, connection: Connection) -> None:
    config = farm.project / "config.yaml"
    for report in _reports(farm.size):
        owners.claim(connection, Owner.of(report, farm.project, config, "days", ["wiki"]))


def _note(farm: Farm, connection: Connection) -> None:
    """What is noted of one run that computed everything in a second each."""
    size = farm.size
    connection.executemany(
        "INSERT INTO series (tsv, report) VALUES (?, ?)",
        [(f"{report}/{wiki}.tsv", report) for report in _reports(size) for wiki in _wikis(size)],
    )
    ran = history.stamp(datetime.fromisoformat(size.ran))
    run = connection.execute(
        "INSERT INTO runs (project, pid, started, ended, exit_code, summary)"
        " VALUES (?, 1, ?, ?, 0, '{}') RETURNING id",
        (str((farm.project / "config.yaml").absolute()), ran, ran),
    ).fetchone()[0]
    connection.execute(
        "INSERT INTO attempts (series, start, failed, at, run, reason, seconds, rows)"
        " WITH RECURSIVE days (day, number) AS (SELECT :first, 1 UNION ALL"
        " SELECT date(day, '+1 day'), number + 1 FROM days WHERE number < :days)"
        " SELECT id, day, 0, :ran, :run, 'missing', 1.0, 1 FROM series CROSS JOIN days",
        {"first": str(_starts(size)), "days": size.days, "ran": ran, "run": run},
    )
    connection.execute("INSERT INTO answered SELECT id, ?1, 1.0 * ?1 FROM series", (size.days,))
