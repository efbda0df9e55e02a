"""What the tests that drive the whole program share: a project made of texts, and runs of it."""

from __future__ import annotations

import csv
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import reportupdater
from tests.servers.mariadb import Mariadb

SQLITE = """\
databases: {local: {engine: sqlite, path: data.sqlite}}
defaults: {db: local, granularity: days, starts: 2025-01-01}
"""
"""How a config.yaml begins whose reports are daily, from 2025-01-01 on, on an embedded database."""


def on_mariadb(server: Mariadb, keys: str = "") -> str:
    """The same, on a MariaDB; `keys` are more keys of its entry."""
    entry = f"host: {server.host}, port: {server.port}, creds_file: {server.creds_file}"
    return (
        f"databases: {{replica: {{{entry}, {keys}}}}}\n"
        "defaults: {db: replica, granularity: days, starts: 2025-01-01}\n"
    )


@contextmanager
def wiki_databases(server: Mariadb, count: int) -> Iterator[list[str]]:
    """Empty databases with names like those of wikis, of the test's own."""
    mark = uuid.uuid4().hex[:8]
    names = [f"x{number:02}{mark}wiki" for number in range(count)]
    server.execute(*(f"CREATE DATABASE {name} CHARACTER SET binary" for name in names))
    try:
        yield names
    finally:
        server.execute(*(f"DROP DATABASE IF EXISTS {name}" for name in names))


ONE = "SELECT '{from_date}' AS date, 1 AS n"
"""A query that needs no data: a row for each interval."""

# The package that is tested, wheel or work tree, is also the one that is run, and it knows nothing
# of the settings of whoever runs the tests.
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(Path(reportupdater.__file__).parent.parent),
    "HOME": "/nonexistent",
}
RUN = (sys.executable, "-m", "reportupdater", "run")
# Whoever runs the tests in the background may have them ignore what a run must not.
_LISTENING = ("env", "--default-signal=INT,HUP,TERM")

csv.field_size_limit(sys.maxsize)  # a cell of ten megabytes is still a cell

Rows = list[list[str]]


class Project:
    """A project folder, made of texts, with an output folder beside it."""

    def __init__(
        self,
        parent: Path,
        config: str,
        files: Mapping[str, str] | None = None,
        *,
        output: Path | None = None,
    ) -> None:
        """`files` are name → text; what begins with `#!` can be executed."""
        self.folder = parent / "project"
        self.output = output or parent / "output"
        self.folder.mkdir(parents=True)
        self.write("data.sqlite", "")
        self.write("config.yaml", config)
        for name, text in (files or {}).items():
            self.write(name, text)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        return written(self.folder / name, text)

    def write_tsv(self, name: str, text: str) -> Path:
        """Write a TSV as another program or a person might leave it; `name` is without `.tsv`."""
        return written(self.tsv(name), text)

    def tsv(self, name: str) -> Path:
        """The path of a TSV."""
        return self.output / f"{name}.tsv"

    def text(self, name: str) -> str:
        """All of a TSV, with the line ends that it has."""
        return self.tsv(name).read_bytes().decode()

    def rows(self, name: str) -> Rows:
        """The rows of a TSV, the header first."""
        with self.tsv(name).open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file, dialect="excel-tab"))

    def dates(self, name: str) -> list[str]:
        """The first column of a TSV, without its name."""
        return [row[0] for row in self.rows(name)[1:]]

    def tsvs(self) -> dict[str, bytes]:
        """The content of every TSV by its path in the output folder."""
        paths = sorted(self.output.glob("**/*.tsv"))
        return {str(path.relative_to(self.output)): path.read_bytes() for path in paths}

    def state(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of the output folder's state gives."""
        path = self.output / ".reportupdater" / "state.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    def committed(self) -> int:
        """How many results have been committed; also while the first run is just beginning."""
        try:
            return int(self.state("SELECT COUNT(*) FROM attempts WHERE NOT failed")[0][0])
        except sqlite3.OperationalError:
            return 0

    def call(self, *arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Any command line, which is expected to end with this exit code; what it printed."""
        called = subprocess.run(
            [*RUN[:-1], *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        assert called.returncode == code, called.stdout + called.stderr
        assert "Traceback" not in called.stderr, called.stderr
        return called

    def run(
        self,
        *arguments: str | Path,
        now: str | None = "2025-01-04",
        code: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run the project as of `now`, expect this exit code; what went to standard error."""
        with self.started(*arguments, now=now, environment=environment) as run:
            return run.ended(code)

    @contextmanager
    def started(
        self,
        *arguments: str | Path,
        now: str | None = "2025-01-04",
        environment: Mapping[str, str] | None = None,
        through: Sequence[str] = (),
    ) -> Iterator[Started]:
        """A run that goes on while the test does other things, and is killed in the end.

        `through` is a command that is given the run's command, such as `prlimit --fsize=1000`.
        """
        clock = ("--now", now) if now else ()
        # Files, not pipes: they can be looked at while the run goes on, and are never full.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen(
                [*_LISTENING, *through, *RUN, *clock, *arguments, self.folder, self.output],
                env=ENVIRONMENT | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            run = Started(process, out, err)
            try:
                yield run
            finally:
                run.kill()


class Started:
    """A run in progress."""

    def __init__(self, process: subprocess.Popen[bytes], out: IO[bytes], err: IO[bytes]) -> None:
        self.process = process
        self._out = out
        self._err = err

    @property
    def said(self) -> str:
        """What went to standard error until now."""
        return _content(self._err)

    def says(self, text: str) -> None:
        """Wait until standard error holds `text`."""
        wait_until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said

    def stops(self) -> bool:
        """Wait until the run has stopped, as `failing` makes it; False if it has ended instead."""

        def state() -> str:
            text = Path(f"/proc/{self.process.pid}/stat").read_text()
            return text.rpartition(")")[2].split()[0]

        wait_until(lambda: state() in "TZ", within=60)
        return state() == "T"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program, not to what it has started."""
        self.process.send_signal(number)

    def ended(self, code: int, *, within: float | None = None) -> str:
        """Wait for the end, expect this exit code; all that went to standard error."""
        self.process.wait(patient(60) if within is None else within)
        said = self.said
        assert self.process.returncode == code, said
        # However a run ends, it shows no traceback, and nothing on standard output.
        assert "Traceback" not in said, said
        assert _content(self._out) == ""
        return said

    def most_memory(self) -> int:
        """Wait for the end; the most memory, in bytes, that the program has had.

        It is read while the program runs: `ru_maxrss` of a child begins with what its parent had.
        """
        most = 0
        status = Path(f"/proc/{self.process.pid}/status")
        while self.process.poll() is None:
            peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
            most = max(most, int(peak[1]) * 1024 if peak else 0)  # none once it has ended
            time.sleep(0.01)
        return most

    def kill(self) -> None:
        """End the program as `kill -9` does; does nothing to one that has ended."""
        self.process.kill()
        self.process.wait()


def _content(file: IO[bytes]) -> str:
    # The file's position belongs to the run too: it stays where it is.
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def written(path: Path, text: str) -> Path:
    """A file with this text; what begins with `#!` can be executed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    if text.startswith("#!"):
        path.chmod(0o755)
    return path


def on_a_terminal(
    project: Project, *, code: int = 0, meanwhile: Callable[[subprocess.Popen[bytes]], object] = id
) -> str:
    """What a run writes on the terminal that its outputs are; `meanwhile` is done while it runs."""
    reading, writing = pty.openpty()
    run = subprocess.Popen(
        [*_LISTENING, *RUN, "--now", "2025-01-04", project.folder, project.output],
        env=ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
    )
    os.close(writing)
    written = b""
    meanwhile(run)
    with suppress(OSError):  # that the other end is closed is an error on a terminal
        while chunk := os.read(reading, 65536):
            written += chunk
    os.close(reading)
    assert run.wait() == code
    return written.decode()


def patient(seconds: float) -> float:
    """A limit for what takes less than `seconds` alone: longer where other processes work, too."""
    return seconds * max(1.0, 2 * os.getloadavg()[0] / (os.cpu_count() or 1))


def wait_until(condition: Callable[[], object], *, within: float = 60) -> None:
    """Return as soon as the condition holds; an AssertionError when it takes too long."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
