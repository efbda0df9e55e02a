"""Apache Hive with TLS, passwords, a path of its own, and a balancer before it."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.session import HiveSession
from reportupdater.errors import ConnectionFailed, QueryError
from reportupdater.model import Query
from tests.engines.hive.asking import answer, failure, value
from tests.helpers import wait_until
from tests.servers.certificates import authority, openssl, signed
from tests.servers.hive import Hive, running_hive
from tests.servers.mariadb import free_port

pytestmark = pytest.mark.long

PASSWORD = "pa ss:ünlü"
PLAIN_PASSWORD = "pa ss:word"
CHECKS = {
    "Passwords": f"""
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import javax.security.sasl.AuthenticationException;
import org.apache.hive.service.auth.PasswdAuthenticationProvider;

public class Passwords implements PasswdAuthenticationProvider {{
  public void Authenticate(String user, String password) throws AuthenticationException {{
    try {{
      Files.write(Paths.get(System.getProperty("java.io.tmpdir"), "checks"),
          (user + "\\n").getBytes(StandardCharsets.UTF_8),
          StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }} catch (java.io.IOException error) {{
      throw new AuthenticationException("no file");
    }}
    String wanted = "pa ss:\\u00fcnl\\u00fc";
    if (!password.equals("{PLAIN_PASSWORD}") && !password.equals(wanted)) {{
      throw new AuthenticationException("not this one");
    }}
  }}
}}
"""
}
CUSTOM = {
    "hive.server2.authentication": "CUSTOM",
    "hive.server2.custom.authentication.class": "Passwords",
}
HTTP = {
    "hive.server2.transport.mode": "http",
    "hive.server2.thrift.http.path": "gate/hive",
}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder, "ca")
    authority(folder, "other")
    signed(folder, "server", "DNS:localhost")
    store = ["pkcs12", "-export", "-in", "server.pem", "-inkey", "server.key", "-name", "hive"]
    openssl(folder, *store, "-passout", "pass:changeit", "-out", "server.p12")
    return folder


def with_tls(certificates: Path) -> dict[str, str]:
    return {
        "hive.server2.use.SSL": "true",
        "hive.server2.keystore.path": f"{certificates}/server.p12",
        "hive.server2.keystore.password": "changeit",
        "hive.server2.keystore.type": "PKCS12",
    }


@pytest.fixture(scope="module")
def binary(certificates: Path) -> Iterator[Hive]:
    with running_hive(with_tls(certificates) | CUSTOM, classes=CHECKS) as server:
        yield server


@pytest.fixture(scope="module")
def http(certificates: Path) -> Iterator[Hive]:
    with running_hive(with_tls(certificates) | CUSTOM | HTTP, classes=CHECKS) as server:
        yield server


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_PASSWORD", PLAIN_PASSWORD)


def entry(server: Hive, certificates: Path, **keys: Any) -> HiveDatabase:
    usual: dict[str, Any] = {
        "host": "localhost",
        "auth": "CUSTOM",
        "password_env": "HIVE_PASSWORD",
        "ssl": True,
        "ca_file": certificates / "ca.pem",
    }
    return server.entry(**usual | keys)


def over_http(server: Hive, certificates: Path, **keys: Any) -> HiveDatabase:
    return entry(server, certificates, transport="http", http_path="/gate/hive", **keys)


def checked(server: Hive) -> int:
    """How many passwords the server has checked."""
    path = server.folder / "tmp" / "checks"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_server_with_tls_lets_in(binary: Hive, certificates: Path) -> None:
    assert answer(entry(binary, certificates)) == "2"
    long = "x" * 1_000_000
    assert answer(entry(binary, certificates), f"length('{long}')") == "1000000"


def test_a_server_with_tls_that_speaks_http_lets_in(http: Hive, certificates: Path) -> None:
    assert answer(over_http(http, certificates)) == "2"


@pytest.mark.parametrize(
    "keys", [{"ca_file": "other.pem"}, {"ca_file": None}, {"host": "127.0.0.1"}]
)
@pytest.mark.parametrize("transport", ["binary", "http"])
def test_a_certificate_that_cannot_be_trusted_is_refused(
    request: pytest.FixtureRequest, certificates: Path, transport: str, keys: dict[str, Any]
) -> None:
    server: Hive = request.getfixturevalue(transport)
    if keys.get("ca_file"):
        keys = {"ca_file": certificates / keys["ca_file"]}
    error = failure(entry(server, certificates, transport=transport, **keys))
    assert error.what.startswith("cannot trust the certificate of ")
    assert not error.retry


def test_a_server_that_speaks_tls_is_recognised(binary: Hive, certificates: Path) -> None:
    error = failure(entry(binary, certificates, ssl=False))
    assert "it speaks TLS: `ssl: true`" in error.hint
    assert not error.retry


@pytest.mark.parametrize("transport", ["binary", "http"])
def test_a_wrong_password_is_not_tried_again(
    request: pytest.FixtureRequest,
    certificates: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
) -> None:
    server: Hive = request.getfixturevalue(transport)
    monkeypatch.setenv("HIVE_PASSWORD", "another")
    error = failure(entry(server, certificates, transport=transport, http_path="gate/hive"))
    assert "`password_env`" in error.hint
    assert not error.retry


def test_a_password_beyond_ascii_is_refused_by_sasl_and_sent_right_by_http(
    binary: Hive, http: Hive, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIVE_PASSWORD", PASSWORD)
    error = failure(entry(binary, certificates))
    assert error.what == "auth: CUSTOM takes no password with other characters than ASCII's"
    assert not error.retry
    assert PASSWORD not in str(error)
    assert answer(over_http(http, certificates)) == "2"


def test_an_empty_password_is_an_error(
    binary: Hive, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIVE_PASSWORD", "")
    before = checked(binary)
    error = failure(entry(binary, certificates))
    assert error.what == "the environment variable HIVE_PASSWORD is empty"
    assert not error.retry
    assert checked(binary) == before


def test_a_wrong_path_is_told_as_that(http: Hive, certificates: Path) -> None:
    error = failure(entry(http, certificates, transport="http"))
    assert "HTTP 40" in error.what
    assert "`http_path`" in error.hint
    assert not error.retry


def test_a_session_has_its_password_checked_once(http: Hive, certificates: Path) -> None:
    before = checked(http)
    for number in range(3):
        with closing(HiveSession(over_http(http, certificates))) as session:
            session.connect()
            assert value(session, str(number)) == str(number)
            assert value(session, "1") == "1"
    assert checked(http) - before == 3


@pytest.mark.parametrize("transport", ["binary", "http"])
def test_a_query_can_be_cancelled_through_tls(
    request: pytest.FixtureRequest, certificates: Path, transport: str
) -> None:
    import threading

    server: Hive = request.getfixturevalue(transport)
    way = entry(server, certificates, transport=transport, http_path="gate/hive")
    rows = server.folder / "one"
    rows.mkdir(exist_ok=True)
    (rows / "row").write_text("1\n")
    with closing(HiveSession(way)) as session:
        session.connect()
        make = f"CREATE EXTERNAL TABLE IF NOT EXISTS one (n INT) LOCATION 'file://{rows}'"
        session.run(Query(f"{make}; SELECT 1 AS x"), max_rows=1, timeout=60)
        session.connect()
        died: list[Exception] = []

        def ask() -> None:
            try:
                session.run(Query(Hive.sleeping), max_rows=1, timeout=600)
            except (ConnectionFailed, QueryError) as error:
                died.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        wait_until(lambda: server.running() == [Hive.sleeping], within=60)
        session.cancel()
        thread.join(30)
        assert isinstance(died[0], ConnectionFailed)
        wait_until(lambda: server.running() == [], within=60)
        session.connect()
        assert value(session, "1") == "1"


# HAProxy


@contextlib.contextmanager
def haproxy(text: str) -> Iterator[int]:
    """A port on which HAProxy hands on what comes, as its configuration says."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "haproxy.cfg"
        usual = "defaults\n  retries 0\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        config.write_text(f"{usual}listen hive\n  bind 127.0.0.1:{port}\n{text}")
        process = subprocess.Popen(["haproxy", "-db", "-q", "-f", str(config)])
        try:
            wait_until(lambda: listens(port) or process.poll() is not None)
            assert process.poll() is None
            yield port
        finally:
            process.terminate()
            process.wait(10)


def listens(port: int) -> bool:
    import socket

    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def servers(ports: Sequence[int], keys: Mapping[str, str] | None = None) -> str:
    more = "".join(f" {key} {text}" for key, text in (keys or {}).items())
    return "".join(f"  server s{port} 127.0.0.1:{port}{more} cookie s{port}\n" for port in ports)


def test_a_balancer_that_goes_by_cookies_leads_a_session_to_one_server(
    http: Hive, certificates: Path
) -> None:
    with running_hive(with_tls(certificates) | CUSTOM | HTTP, classes=CHECKS) as other:
        text = "  mode http\n  balance roundrobin\n  cookie SERVERID insert indirect nocache\n"
        text += servers([http.port, other.port], {"ssl verify": "none"})
        with haproxy(text) as port:
            way = over_http(
                http, certificates, port=port, host="127.0.0.1", ssl=False, ca_file=None
            )
            for number in range(4):
                with closing(HiveSession(way)) as session:
                    session.connect()
                    assert value(session, str(number)) == str(number)
                    assert value(session, "1") == "1"
        assert checked(other) >= 1


def test_a_balancer_without_a_server_is_tried_again() -> None:
    with haproxy("  mode tcp\n" + f"  server s 127.0.0.1:{free_port()}\n") as port:
        error = failure(HiveDatabase(name="hive", host="127.0.0.1", port=port, username="reports"))
    assert error.retry


def test_a_balancer_for_tcp_leads_to_a_server_with_tls(binary: Hive, certificates: Path) -> None:
    with haproxy(f"  mode tcp\n  server s 127.0.0.1:{binary.port}\n") as port:
        assert answer(entry(binary, certificates, port=port)) == "2"
