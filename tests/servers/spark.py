"""A real HiveServer2 on loopback: Spark's Thrift Server; and the fixtures that start one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import downloads
from tests.servers.hiveserver2 import JAVA_OPTIONS, HiveServer2
from tests.servers.kerberos import Realm

__all__ = ["Spark", "beeline", "running_spark", "sleeping", "spark"]

_READY = re.compile(r"(?:ThriftBinaryCLIService|ThriftHttpCLIService in http mode) on port (\d+)")


def sleeping(seconds: int) -> str:
    """A query that takes so long, and no processor time."""
    call = f"java_method('java.lang.Thread', 'sleep', {seconds * 1000}L)"
    return f"SELECT '2015-01-02' AS date, {call} AS n FROM range(1)"


class Spark(HiveServer2):
    """Spark's Thrift Server; `settings` are Hive's and Spark's."""

    name = "Spark"
    sleeping = sleeping(300)

    def __init__(
        self, folder: Path, settings: dict[str, str] | None = None, realm: Realm | None = None
    ) -> None:
        super().__init__(folder, realm)
        self._settings = settings or {}
        for made in ("tmp", "events"):
            (folder / made).mkdir()

    def environment(self) -> dict[str, str]:
        return os.environ | {"SPARK_HOME": str(home()), "SPARK_LOCAL_IP": "127.0.0.1"}

    def ready(self) -> bool:
        if ready := _READY.search(self.said()):
            self.port = int(ready[1])
        return ready is not None

    def running(self) -> list[str]:
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

    def _events(self) -> list[str]:
        newest = max((self.folder / "events").iterdir(), key=lambda path: path.stat().st_mtime)
        text = newest.read_text()
        return text[: text.rfind("\n") + 1].splitlines()

    def command(self) -> list[str]:
        folder = self.folder
        java = (
            f"-Dderby.system.home={folder}/derby -Djava.io.tmpdir={folder}/tmp"
            f" {' '.join(JAVA_OPTIONS)}"
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
        if self.realm is not None:
            java += f" -Djava.security.krb5.conf={self.realm.config}"
            spark["spark.hadoop.hadoop.security.authentication"] = "kerberos"
            spark["spark.hadoop.yarn.resourcemanager.principal"] = self.realm.service
            hive["hive.server2.authentication"] = "KERBEROS"
            hive["hive.server2.authentication.kerberos.principal"] = self.realm.service
            hive["hive.server2.authentication.kerberos.keytab"] = str(self.realm.keytab)
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


def home() -> Path:
    """The folder of the Spark distribution."""
    environment = downloads.folder("spark")
    found = next(environment.glob("lib/python*/site-packages/pyspark"), None)
    if found is None:
        pytest.fail(downloads.missing("spark"))
    return found
