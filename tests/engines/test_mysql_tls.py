"""Connections to a MariaDB that speaks TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.engines.mysql import MysqlSession
from reportupdater.errors import ConnectionFailed
from reportupdater.model import Query
from tests.servers.mariadb import Mariadb, running_mariadb

CIPHER = "SELECT variable_value AS x FROM information_schema.session_status"


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """A key and a certificate of 127.0.0.1 that it has signed itself."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files]
    subprocess.run(made, check=True, capture_output=True)
    return key, certificate


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def server(certificates: Path) -> Iterator[Mariadb]:
    key, certificate = certified(certificates, "server")
    with running_mariadb(f"--ssl-key={key}", f"--ssl-cert={certificate}") as running:
        yield running


def cipher(server: Mariadb, creds_file: Path) -> str:
    """How a session's line is encrypted; nothing where it is not."""
    with closing(MysqlSession(server.entry(creds_file=creds_file))) as session:
        session.connect()
        query = Query(f"{CIPHER} WHERE variable_name = 'SSL_CIPHER'")
        return session.run(query, max_rows=1, timeout=60).rows[0][0]


def creds(server: Mariadb, path: Path, line: str) -> Path:
    path.write_text(f"{server.creds_file.read_text()}{line}\n")
    path.chmod(0o600)
    return path


def test_lines_are_encrypted_where_the_server_can(server: Mariadb) -> None:
    assert cipher(server, server.creds_file)


def test_a_certificate_that_the_creds_file_names_is_looked_at(
    server: Mariadb, certificates: Path, tmp_path: Path
) -> None:
    known = creds(server, tmp_path / "known.cnf", f"ssl-ca={certificates}/server.pem")
    assert cipher(server, known)


def test_a_server_with_another_certificate_is_not_trusted(
    server: Mariadb, certificates: Path, tmp_path: Path
) -> None:
    _, other = certified(certificates, "other")
    with pytest.raises(ConnectionFailed) as caught:
        cipher(server, creds(server, tmp_path / "other.cnf", f"ssl-ca={other}"))
    assert "certificate verify failed" in str(caught.value)


def test_none_of_this_hosts_certificates_are_read_in_vain(
    server: Mariadb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssl.SSLContext.load_default_certs", lambda *_: pytest.fail("read"))
    assert cipher(server, server.creds_file)
