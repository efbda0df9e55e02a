"""A real MariaDB on loopback, in a temporary folder; and the fixtures that start one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

from reportupdater.engines.mysql.config import MysqlDatabase

__all__ = ["MISSING", "Mariadb", "free_port", "fresh_database", "mariadb", "running_mariadb"]

MISSING = (
    "MariaDB is missing; install it with: "
    "apt-get install --no-install-recommends mariadb-server-core mariadb-client-core"
)
USER = "reports"
PASSWORD = "dont-tell-anybody"


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Mariadb:
    """One server with a data folder of its own, that can be stopped and started again.

    `creds_file` logs in as a user who may read everything.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.creds_file = folder / "creds.cnf"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def install(self) -> None:
        """Make the data folder, start, and make the user."""
        (self.folder / "tmp").mkdir()
        installing = subprocess.run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                *self._places(),
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if installing.returncode != 0:
            pytest.fail(f"mariadb-install-db failed:\n{installing.stdout.decode()[-2000:]}")
        self.creds_file.write_text(f"[client]\nuser = {USER}\npassword = {PASSWORD}\n")
        self.creds_file.chmod(0o600)
        self.start()
        # Nobody gets in over TCP without a password.
        self.execute(
            "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys' AND Host <> 'localhost'",
            "FLUSH PRIVILEGES",
            f"CREATE USER {USER} IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT, EXECUTE ON *.* TO {USER}",
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.folder / "log"
        command = [
            _program("mariadbd"),
            "--no-defaults",
            *self._places(),
            f"--socket={self.folder}/sock",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-flush-log-at-trx-commit=0",
            f"--log-error={log}",
            *self._options,
        ]
        # It also ends when the tests are killed.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(f"{self.folder}/sock")
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text() if log.exists() else ""
                    pytest.fail(f"MariaDB does not start:\n{said[-2000:]}")
                time.sleep(0.02)
            else:
                return

    def stop(self, *, kill: bool = False) -> None:
        """End the server, if it runs; `kill` gives it no time to do so in order."""
        process, self._process = self._process, None
        if process is not None:
            if kill:
                process.kill()
            else:
                process.terminate()
            process.wait(30)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """A server that is alive and does nothing: its system takes connections and bytes."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _places(self) -> list[str]:
        # A server that starts removes other servers' files from a shared folder for temporary ones.
        return [
            *(["--user=root"] if os.geteuid() == 0 else []),
            f"--datadir={self.folder}/data",
            f"--tmpdir={self.folder}/tmp",
            "--innodb-log-file-size=8M",
        ]

    def admin(self, database: str | None = None) -> pymysql.Connection[Any]:
        """A new connection that may do everything. The caller closes it."""
        return pymysql.connect(
            unix_socket=f"{self.folder}/sock",
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
        )

    def execute(self, *statements: str, database: str | None = None) -> tuple[tuple[Any, ...], ...]:
        """Execute statements as the administrator; the rows of the last one."""
        with (
            contextlib.closing(self.admin(database)) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())

    def queries(self) -> dict[int, str]:
        """What the server runs now for others than the administrator: connection → query."""
        rows = self.execute(
            "SELECT id, info FROM information_schema.processlist"
            " WHERE user <> 'root' AND info IS NOT NULL"
        )
        return dict(rows)

    def entry(self, database: str | None = None, **keys: Any) -> MysqlDatabase:
        """A `databases` entry for this server."""
        given = {"name": "replica", "host": self.host, "port": self.port, "database": database}
        return MysqlDatabase(**{**given, "creds_file": self.creds_file, **keys})


@contextlib.contextmanager
def running_mariadb(*options: str) -> Iterator[Mariadb]:
    """A server of one's own, to be stopped and started at will."""
    # Not pytest's folders: they are kept, and data folders are large. A socket's path is short.
    with tempfile.TemporaryDirectory(prefix="mariadb-") as folder:
        server = Mariadb(Path(folder), *options)
        try:
            server.install()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Mariadb]:
    """The server that all tests of a process share; nobody stops it."""
    with running_mariadb() as server:
        yield server


@pytest.fixture
def fresh_database(mariadb: Mariadb) -> Iterator[str]:
    """The name of an empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    mariadb.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    yield name
    mariadb.execute(f"DROP DATABASE {name}")


def _program(name: str) -> str:
    # Debian keeps servers where only root's PATH leads.
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(MISSING)
    return found
