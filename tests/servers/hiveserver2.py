"""What the servers have in common that speak HiveServer2's protocol: Hive's own, and Spark's."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from pyhive import hive

from reportupdater.engines.hive.config import HiveDatabase
from tests.servers.kerberos import Realm

MISSING_JAVA = "Java is missing; install it with: apt-get install --no-install-recommends openjdk-17-jre-headless"

JAVA_OPTIONS = (
    *("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    "-Duser.timezone=UTC",
)
"""What makes a small server start quickly, and its times the same everywhere."""


class HiveServer2:
    """One server with a folder of its own, that can be stopped and started again.

    With a `realm` it lets in who has a ticket. A subclass knows how it is started, and when it is
    ready.
    """

    name: str
    """What messages call it."""

    sleeping: str
    """A query that takes five minutes, and no processor time."""

    def __init__(self, folder: Path, realm: Realm | None) -> None:
        self.host = "127.0.0.1" if realm is None else "localhost"
        self.port = 0
        self.folder = folder
        self.realm = realm
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, on the port it had before, and wait until it answers."""
        if shutil.which("java") is None:
            pytest.fail(MISSING_JAVA)
        self._starts += 1
        with self._log.open("wb") as output:
            # It also ends when the tests are killed.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.command()],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 120
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{self.name} does not start:\n{self.said()[-3000:]}")
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End the server, if it runs; `kill` gives it no time to do so in order."""
        process, self._process = self._process, None
        if process is not None:
            if kill:
                process.kill()
            else:
                process.terminate()
            try:
                process.wait(120)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail(f"{self.name} does not stop:\n{self.said()[-3000:]}")

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process of a server that runs."""
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        """What the server has written since it was started last."""
        return self._log.read_text(errors="replace")

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements one after the other, with PyHive itself; the rows of the last one."""
        with (
            contextlib.closing(hive.connect(self.host, self.port)) as connection,
            contextlib.closing(connection.cursor()) as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            try:
                return list(cursor.fetchall())
            except (TypeError, hive.ProgrammingError):  # there is no result
                return []

    def processor_seconds(self) -> float:
        """The processor time that the server has used up to now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def entry(self, **keys: Any) -> HiveDatabase:
        """A `databases` entry for this server."""
        given = {"name": "hive", "host": self.host, "port": self.port, "username": "reports"}
        return HiveDatabase(**{**given, **keys})

    def running(self) -> list[str]:
        """The statements that the server works on now, as it says itself."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The program with its arguments."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The environment of the program."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether it takes connections; it may set the port."""
        raise NotImplementedError

    @property
    def _log(self) -> Path:
        return self.folder / f"log{self._starts}"
