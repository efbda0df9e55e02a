"""A real Apache Hive on loopback: a HiveServer2 with its metastore and a local Tez in one process."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tests.servers import downloads
from tests.servers.hiveserver2 import JAVA_OPTIONS, HiveServer2
from tests.servers.kerberos import Realm
from tests.servers.mariadb import free_port

__all__ = ["Hive", "hive", "hive_beeline", "running_hive"]

_OPENED = (
    *("java.lang", "java.lang.invoke", "java.lang.reflect", "java.util", "java.util.concurrent"),
    *("java.util.concurrent.atomic", "java.util.regex", "java.net", "java.nio", "java.io"),
    *("java.time", "java.math", "java.text", "sun.nio.ch", "sun.security.action"),
    "sun.security.util",
)
"""Packages of Java whose insides Hive and Tez look at; with fewer, no job runs."""


class Hive(HiveServer2):
    """A HiveServer2 4.0.1; `make_one` makes the table that `sleeping` reads.

    `properties` are laid over those of hive-site.xml. `classes`, Java sources under the names of
    their classes, are compiled and on its class path: a check of passwords, or a hook. With
    `lasting`, the metastore outlives a stop; else it lies in memory, which starts sooner.
    """

    name = "Hive"
    sleeping = (
        "SELECT '2015-01-02' AS `date`, count(reflect('java.lang.Thread', 'sleep', 300000L)) AS n"
        " FROM one"
    )

    def __init__(
        self,
        folder: Path,
        properties: Mapping[str, str] | None = None,
        *,
        realm: Realm | None = None,
        classes: Mapping[str, str] | None = None,
        lasting: bool = False,
    ) -> None:
        super().__init__(folder, realm)
        self.port = free_port()
        self.web_port = free_port()
        self._properties = self._usual(lasting) | dict(properties or {})
        for made in ("conf", "classes", "tmp"):
            (folder / made).mkdir()
        # Tez and Hadoop read the other file.
        for name in ("hive-site.xml", "core-site.xml"):
            (folder / "conf" / name).write_text(_site(self._properties))
        if classes:
            self._compile(classes)

    def make_one(self) -> None:
        """Make the table `one`, unless it is there: its row is a file, so that no job runs."""
        rows = self.folder / "one"
        rows.mkdir(exist_ok=True)
        (rows / "row").write_text("1\n")
        self.execute(f"CREATE EXTERNAL TABLE IF NOT EXISTS one (n INT) LOCATION 'file://{rows}'")

    def said(self) -> str:
        logs = [super().said()]
        logs += [path.read_text(errors="replace") for path in self.folder.glob("tmp/*/hive.log")]
        return "\n".join(logs)

    def running(self) -> list[str]:
        url = f"http://127.0.0.1:{self.web_port}/api/v1/queries/active"
        with urllib.request.urlopen(url, timeout=30) as answer:
            shown = [query["queryDisplay"] for query in json.load(answer)]
        return [display["queryString"] for display in shown if display]  # none before it begins

    def command(self) -> list[str]:
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED]
        folder = self.folder
        java = [f"-Djava.io.tmpdir={folder}/tmp", f"-Dderby.stream.error.file={folder}/derby.log"]
        if self.realm is not None:
            java.append(f"-Djava.security.krb5.conf={self.realm.config}")
        path = f"{folder}/conf:{folder}/classes:{jars('server')}/*"
        main = "org.apache.hive.service.server.HiveServer2"
        return ["java", "-Xmx1g", *JAVA_OPTIONS, *java, *opened, "-cp", path, main]

    def environment(self) -> dict[str, str]:
        variables = os.environ | {"HADOOP_HOME": str(self.folder)}
        variables.pop("HADOOP_USER_NAME", None)  # Tez wants folders that belong to the process
        return variables

    def ready(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((self.host, self.port), 1).close()
            return True
        return False

    def _usual(self, lasting: bool) -> dict[str, str]:
        folder = self.folder
        metastore = f";databaseName={folder}/metastore" if lasting else "memory:metastore"
        properties = {
            "javax.jdo.option.ConnectionURL": f"jdbc:derby:{metastore};create=true",
            "datanucleus.schema.autoCreateAll": "true",
            "hive.metastore.schema.verification": "false",
            "hive.metastore.warehouse.dir": f"{folder}/warehouse",
            "hive.metastore.event.db.notification.api.auth": "false",
            "hive.notification.event.poll.interval": "0s",
            "fs.defaultFS": "file:///",
            "tez.local.mode": "true",
            "tez.ignore.lib.uris": "true",
            "tez.runtime.optimize.local.fetch": "true",
            "tez.staging-dir": f"{folder}/staging",
            "hive.execution.engine": "tez",
            "hive.tez.container.size": "256",
            # A server that is killed while it copies its own JAR leaves a part of it, which no other
            # one repairs: by default all of a user's copy it to one place.
            "hive.user.install.directory": f"{folder}/install",
            "hive.jar.directory": f"{folder}/jars",
            "hive.exec.scratchdir": f"{folder}/scratch",
            "hive.exec.local.scratchdir": f"{folder}/lscratch",
            "hive.stats.autogather": "false",
            "hive.support.concurrency": "false",
            "hive.txn.manager": "org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager",
            "hive.server2.logging.operation.log.location": f"{folder}/oplogs",
            "hive.server2.thrift.bind.host": self.host,
            "hive.server2.thrift.port": str(self.port),
            "hive.server2.thrift.http.port": str(self.port),
            "hive.server2.webui.host": "127.0.0.1",
            "hive.server2.webui.port": str(self.web_port),
            "hive.server2.enable.doAs": "false",
            "hive.server2.max.start.attempts": "1",
            # It notices that a client is gone when it has answered it, which by default takes 5 s.
            "hive.server2.long.polling.timeout": "500ms",
        }
        if self.realm is not None:
            properties |= {
                "hadoop.security.authentication": "kerberos",
                "hive.server2.authentication": "KERBEROS",
                "hive.server2.authentication.kerberos.principal": self.realm.service,
                "hive.server2.authentication.kerberos.keytab": str(self.realm.keytab),
            }
        return properties

    def _compile(self, classes: Mapping[str, str]) -> None:
        sources = self.folder / "sources"
        sources.mkdir()
        for name, source in classes.items():
            (sources / f"{name}.java").write_text(source)
        # The compiler is a module of the runtime: no JDK is needed for it.
        compiler = ["java", "--module", "jdk.compiler/com.sun.tools.javac.Main"]
        path = ":".join(map(str, jars("server").iterdir()))  # the launcher alone knows of `*`
        options = ["-proc:none", "-d", f"{self.folder}/classes", "-cp", path]
        done = subprocess.run(
            [*compiler, *options, *map(str, sources.iterdir())],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def running_hive(
    properties: Mapping[str, str] | None = None,
    *,
    realm: Realm | None = None,
    classes: Mapping[str, str] | None = None,
    lasting: bool = False,
) -> Iterator[Hive]:
    """A server of one's own, to be stopped and started at will; parameters as of `Hive`."""
    with tempfile.TemporaryDirectory(prefix="hive-", ignore_cleanup_errors=True) as folder:
        server = Hive(Path(folder), properties, realm=realm, classes=classes, lasting=lasting)
        try:
            server.start()
            yield server
        finally:
            server.stop(kill=True)


@pytest.fixture(scope="session")
def hive() -> Iterator[Hive]:
    """The server that all tests of a process share, with a table of one row; nobody stops it."""
    with running_hive() as server:
        server.make_one()
        yield server


@pytest.fixture(scope="session")
def hive_beeline() -> tuple[str, ...]:
    """The command line of Hive's BeeLine, without arguments of its own."""
    opened = [f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in ("lang", "net")]
    path = f"{jars('beeline')}/*:{jars('server')}/*"
    java = ("java", "-Xmx256m", *JAVA_OPTIONS, "-Dfile.encoding=UTF-8", *opened, "-cp", path)
    return (*java, "org.apache.hive.beeline.BeeLine")


def jars(name: str) -> Path:
    """The folder of the jars of the `server`, or of `beeline`."""
    folder = downloads.folder("hive") / name
    if not folder.is_dir():
        pytest.fail(downloads.missing("hive"))
    return folder


def _site(properties: Mapping[str, str]) -> str:
    lines = [
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>\n"
        for name, value in properties.items()
    ]
    return f"<configuration>\n{''.join(lines)}</configuration>\n"
