"""docs/hive.md: its project runs, and it has every error that getting in can end in."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reportupdater.engines.hive import errors, kerberos
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.engine import HiveEngine
from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ReportupdaterError
from tests.engines.hive.asking import ENTRY
from tests.engines.tasks import sql_task
from tests.helpers import Project, written
from tests.servers.certificates import authority
from tests.servers.kerberos import Realm
from tests.servers.mariadb import free_port
from tests.servers.spark import Spark

PAGE = (Path(__file__).parents[2] / "docs" / "hive.md").read_text(encoding="utf-8")


def block(first_line: str) -> str:
    """The block of the page that begins so."""
    (text,) = re.findall(rf"```\w+\n({re.escape(first_line)}\n.*?)```", PAGE, re.DOTALL)
    return str(text)


@pytest.fixture
def edits(spark: Spark) -> None:
    """The table that the page's query reads, with a few events."""
    events = "named_struct('action', action, 'session', session)"
    spark.execute(
        "CREATE DATABASE IF NOT EXISTS docs",
        "CREATE OR REPLACE VIEW docs.edits AS"
        f" SELECT wiki, {events} AS event, dt, 2025 AS year, 1 AS month, 2 AS day FROM VALUES"
        " ('enwiki', 'init', 'a', 1), ('enwiki', 'save', 'a', 2), ('enwiki', 'init', 'b', 3),"
        " ('dewiki', 'save', 'c', 4) AS t(wiki, action, session, dt)",
    )


@pytest.mark.parametrize("settings", ["# host settings", "# host settings with beeline"])
def test_the_pages_project_runs_with_the_pages_host_settings(
    spark: Spark, beeline: str, edits: None, tmp_path: Path, settings: str
) -> None:
    text = block(settings)
    for theirs, ours in {
        "hive1.example.org": spark.host,
        "10000": str(spark.port),
        "events": "docs",
        "beeline -u": f"{beeline} -u",
    }.items():
        assert text.count(theirs) == (1 if theirs in block(settings) else 0)
        text = text.replace(theirs, ours)
    host_config = written(tmp_path / "host.yaml", text)
    config = block("# edits/config.yaml").replace("starts: 2025-01-01", "starts: 2025-01-02")
    project = Project(tmp_path, config, {"daily_edits.hql": block("-- edits/daily_edits.hql")})
    assert project.run("--host-config", host_config, now="2025-01-03") == ""
    header = ["date", "actions", "sessions"]
    assert project.rows("daily_edits/enwiki") == [header, ["2025-01-02", "3", "2"]]
    assert project.rows("daily_edits/dewiki") == [header, ["2025-01-02", "1", "0"]]


@contextlib.contextmanager
def saying(answer: bytes) -> Iterator[int]:
    """A port on which something answers so, whatever it is asked."""

    def serve() -> None:
        with contextlib.suppress(OSError), server.accept()[0] as sock:
            sock.sendall(answer)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(1000):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def refusal(text: bytes) -> bytes:
    """What a server with SASL says to who may not come in."""
    return b"\x03" + len(text).to_bytes(4, "big") + text


def of_login(answer: bytes = b"", **keys: Any) -> str:
    """What is said when a server answers so."""
    with saying(answer) as port, pytest.raises(ReportupdaterError) as caught:
        HiveSession(replace(ENTRY, port=port, **keys)).connect()
    return caught.value.what


def of_nobody(**keys: Any) -> str:
    """What is said when it does not come to a connection."""
    with pytest.raises(ReportupdaterError) as caught:
        HiveSession(replace(ENTRY, port=free_port(), **keys)).connect()
    return caught.value.what


def of_preflight(entry: HiveDatabase = ENTRY) -> str:
    """What is said before anything is asked."""
    with pytest.raises(ReportupdaterError) as caught:
        HiveEngine().server(sql_task(replace(entry, auth="KERBEROS"), ""))
    return caught.value.what


def of_kerberos(
    realm: Realm, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[str]:
    for name, text in realm.environment.items():
        monkeypatch.setenv(name, text)
    yield of_preflight()
    realm.ticket(folder / "ccache", "5m")
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{folder}/ccache")
    HiveEngine().server(sql_task(replace(ENTRY, auth="KERBEROS"), ""))
    yield caplog.records[-1].getMessage()
    yield of_login(auth="KERBEROS", host="localhost", kerberos_service_name="hdfs")
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        yield of_preflight()
    monkeypatch.setattr(kerberos, "_LIBRARY", "libnothing.so.9")
    yield of_preflight()


def of_tls(folder: Path) -> str:
    """What is said of a certificate that no known authority has signed."""
    authority(folder, "own")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "own.pem", folder / "own.key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError), server.accept()[0] as sock:
                context.wrap_socket(sock, server_side=True).close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ReportupdaterError) as caught:
            HiveSession(replace(ENTRY, port=server.getsockname()[1], ssl=True)).connect()
        thread.join()
    return caught.value.what


def of_the_rest(folder: Path) -> Iterator[str]:
    yield of_login(refusal(b"Unsupported mechanism type PLAIN"))
    yield of_login()
    yield of_login(refusal(b"Error validating the login"))
    yield of_login(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", transport="http")
    yield of_nobody(auth="LDAP")
    yield of_nobody(password_env="NO_SUCH_PASSWORD")
    yield of_nobody(password_env="EMPTY_PASSWORD")
    yield of_nobody(auth="LDAP", creds_file=written(folder / "u", "[client]\npassword=ünlü\n"))
    yield of_nobody(ssl=True, ca_file=folder / "nothing")
    yield of_login(b"no TLS", ssl=True)
    yield of_tls(folder)
    yield of_nobody(creds_file=folder / "nothing")
    yield of_nobody(creds_file=written(folder / "damaged", "user=x"))
    yield of_nobody()
    yield errors.of_opening("hive1.example.org:10000", 60).what
    yield str(errors.of_query(ConnectionResetError("reset"), "hive1.example.org:10000").what)
    yield errors.of_server("Invalid SessionHandle: x", "hive1.example.org:10000").what


def fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".+".join(map(re.escape, pattern.split("…"))), text) is not None


def test_the_page_has_every_error_of_getting_in_and_only_real_ones(
    realm: Realm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = PAGE.partition("### Getting in")[2].partition("### Queries")[0]
    rows = re.findall(r"^\| `(.*?)` \| ", table, re.MULTILINE)
    monkeypatch.setenv("EMPTY_PASSWORD", "")
    rows.remove("… did not answer within …")  # that is what the run says, of any server
    said = [*of_kerberos(realm, tmp_path, monkeypatch, caplog), *of_the_rest(tmp_path)]
    for text in said:
        assert any(fits(row, text) for row in rows), text
    for row in rows:
        assert any(fits(row, text) for text in said), row
