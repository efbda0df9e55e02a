"""A real HiveServer2 on loopback: Spark's Thrift Server; and the fixtures that start one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyhive import hive

from reportupdater.model import HiveDatabase
from tests.servers.kerberos import Realm

__all__ = ["Spark", "beeline", "running_spark", "sleeping", "spark"]

HOME = "REPORTUPDATER_TEST_SPARK"
"""The environment variable that names the virtual environment with pyspark in it."""

MISSING_SPARK = (
    "Spark is missing; install it with: make .venv-spark/installed"
    f" (or into a virtual environment that {HOME} names: pip install pyspark==3.5.9)"
)
MISSING_JAVA = "Java is missing; install it with: apt-get install --no-install-recommends openjdk-17-jre-headless"
_READY = re.compile(r"(?:ThriftBinaryCLIService|ThriftHttpCLIService in http mode) on port (\d+)")


class Spark:
    """One server with a folder of its own, that can be stopped and started again.

    `settings` are Hive's and Spark's; with a `realm` it lets in who has a ticket.
    """

    def __init__(
        self, folder: Path, settings: dict[str, str] | None = None, realm: Realm | None = None
    ) -> None:
        self.host = "127.0.0.1" if realm is None else "localhost"
        self.port = 0
        self._folder = folder
        self._settings = settings or {}
        self._realm = realm
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, on the port it had before, and wait until it answers."""
        self._starts += 1
        log = self._folder / f"log{self._starts}"
        (self._folder / "tmp").mkdir(exist_ok=True)
        (self._folder / "events").mkdir(exist_ok=True)
        with log.open("wb") as output:
            # It also ends when the tests are killed.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command()],
                cwd=self._folder,
                env=os.environ | {"SPARK_HOME": str(home()), "SPARK_LOCAL_IP": "127.0.0.1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 90
        while not (ready := _READY.search(said := log.read_text(errors="replace"))):
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Spark does not start:\n{said[-3000:]}")
            time.sleep(0.05)
        self.port = int(ready[1])

    def stop(self, *, kill: bool = False) -> None:
        """End the server, if it runs; `kill` gives it no time to do so in order."""
        process, self._process = self._process, None
        if process is not None:
            if kill:
                process.kill()
            else:
                process.terminate()
            process.wait(30)

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._process is not None

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
            except TypeError:  # there is no result
                return []

    def running(self) -> list[str]:
        """The statements that the server works on now, as it notes itself in its event log."""
        statements: dict[str, str] = {}
        jobs: dict[int, str] = {}
        for line in self._events():
            event = json.loads(line)
            kind = event["Event"].rpartition(".")[2]
            if kind == "SparkListenerThriftServerOperationStart":
                statements[event["id"]] = event["statement"]
            elif kind == "SparkListenerJobStart":
                jobs[event["Job ID"]] = event["Properties"]["spark.jobGroup.id"]
            elif kind == "SparkListenerJobEnd":
                del jobs[event["Job ID"]]
        return [statements[group] for group in jobs.values()]

    def processor_seconds(self) -> float:
        """The processor time that the server has used up to now."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def entry(self, **keys: Any) -> HiveDatabase:
        """A `databases` entry for this server."""
        given = {"name": "hive", "host": self.host, "port": self.port, "username": "reports"}
        return HiveDatabase(**{**given, **keys})

    def _events(self) -> list[str]:
        newest = max((self._folder / "events").iterdir(), key=lambda path: path.stat().st_mtime)
        text = newest.read_text()
        return text[: text.rfind("\n") + 1].splitlines()

    def _command(self) -> list[str]:
        folder = self._folder
        java = (
            f"-Dderby.system.home={folder}/derby -Djava.io.tmpdir={folder}/tmp"
            " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData"
        )
        spark = {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": f"file://{folder}/events",
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
            "spark.sql.catalogImplementation": "hive",
            "spark.local.dir": f"{folder}/tmp",
            "spark.hadoop.javax.jdo.option.ConnectionURL": (
                "jdbc:derby:memory:metastore;create=true"
            ),
        }
        hive = {
            "hive.server2.thrift.bind.host": "127.0.0.1",
            "hive.server2.thrift.port": str(self.port),
            "hive.server2.thrift.http.port": str(self.port),
            "hive.exec.scratchdir": f"{folder}/scratch",
            "hive.exec.local.scratchdir": f"{folder}/lscratch",
            "hive.server2.logging.operation.log.location": f"{folder}/oplogs",
            "hive.server2.logging.operation.level": "VERBOSE",
        }
        for key, text in self._settings.items():
            (spark if key.startswith("spark.") else hive)[key] = text
        if self._realm is not None:
            java += f" -Djava.security.krb5.conf={self._realm.config}"
            spark["spark.hadoop.hadoop.security.authentication"] = "kerberos"
            spark["spark.hadoop.yarn.resourcemanager.principal"] = self._realm.service
            hive["hive.server2.authentication"] = "KERBEROS"
            hive["hive.server2.authentication.kerberos.principal"] = self._realm.service
            hive["hive.server2.authentication.kerberos.keytab"] = str(self._realm.keytab)
        command = [str(home() / "bin" / "spark-submit"), "--master", "local[2]"]
        command += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
        command += ["--driver-memory", "1g", "--driver-java-options", java]
        for key, value in spark.items():
            command += ["--conf", f"{key}={value}"]
        command.append("spark-internal")
        for key, value in hive.items():
            command += ["--hiveconf", f"{key}={value}"]
        return command


@contextlib.contextmanager
def running_spark(
    settings: dict[str, str] | None = None, realm: Realm | None = None
) -> Iterator[Spark]:
    """A server of one's own, to be stopped and started at will."""
    with tempfile.TemporaryDirectory(prefix="spark-", ignore_cleanup_errors=True) as folder:
        server = Spark(Path(folder), settings, realm)
        try:
            server.start()
            yield server
        finally:
            server.stop(kill=True)


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    """The server that all tests of a process share; nobody stops it."""
    # It notices that a client is gone when it has answered it, which by default takes 5 s.
    with running_spark({"spark.hadoop.hive.server2.long.polling.timeout": "500"}) as server:
        yield server


@pytest.fixture(scope="session")
def beeline() -> str:
    """The program of Spark's BeeLine."""
    return str(home() / "bin" / "beeline")


def sleeping(seconds: int) -> str:
    """A query that takes so long, and no processor time."""
    call = f"java_method('java.lang.Thread', 'sleep', {seconds * 1000}L)"
    return f"SELECT '2015-01-02' AS date, {call} AS n FROM range(1)"


def home() -> Path:
    """The folder of the Spark distribution."""
    environment = Path(os.environ.get(HOME) or Path(__file__).parents[2] / ".venv-spark")
    found = next(environment.glob("lib/python*/site-packages/pyspark"), None)
    if found is None:
        pytest.fail(MISSING_SPARK)
    if shutil.which("java") is None:
        pytest.fail(MISSING_JAVA)
    return found
