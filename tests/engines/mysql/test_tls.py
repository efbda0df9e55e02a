"""Connections to a MariaDB that speaks TLS, and to one that does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reportupdater.engines.mysql.engine import MysqlSession
from reportupdater.errors import ConnectionFailed
from reportupdater.model import Query
from tests.servers.certificates import authority, openssl, signed
from tests.servers.mariadb import PASSWORD, Mariadb, running_mariadb

STATUS = "SELECT variable_value AS x FROM information_schema.session_status WHERE variable_name ="


def revoked(folder: Path, name: str, *names: str) -> None:
    """A list of the authority's that revokes some certificates."""
    (folder / "index").write_text("")
    (folder / "crlnumber").write_text("01\n")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index\ncrlnumber = crlnumber\n"
        "default_md = sha256\ndefault_crl_days = 2\n"
    )
    own = ["ca", "-config", "ca.cnf", "-keyfile", "ca.key", "-cert", "ca.pem"]
    for other in names:
        openssl(folder, *own, "-revoke", f"{other}.pem")
    openssl(folder, *own, "-gencrl", "-out", f"{name}.pem")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority(folder, "ca")
    authority(folder, "other")
    signed(folder, "server", "IP:127.0.0.1")
    signed(folder, "user", "DNS:user")
    revoked(folder, "none", "user")
    revoked(folder, "crl", "server")
    openssl(folder, "rsa", "-in", "user.key", "-aes256", "-passout", "pass:x", "-out", "locked.key")
    (folder / "hashed").mkdir()
    (folder / "hashed" / "ca.pem").write_text((folder / "ca.pem").read_text())
    openssl(folder, "rehash", "hashed")
    (folder / "damaged.pem").write_text("-----BEGIN CERTIFICATE-----\nsecret\n")
    return folder


@pytest.fixture(scope="module")
def server(certificates: Path) -> Iterator[Mariadb]:
    files = [f"--ssl-{name}={certificates}/{file}" for name, file in (
        ("key", "server.key"), ("cert", "server.pem"), ("ca", "ca.pem"))]  # fmt: skip
    with running_mariadb(*files) as running:
        running.execute(f"CREATE USER shown IDENTIFIED BY '{PASSWORD}' REQUIRE X509")
        yield running


def status(server: Mariadb, creds_file: Path, name: str = "SSL_CIPHER") -> str:
    """How a session's line is encrypted; nothing where it is not."""
    with closing(MysqlSession(server.entry(creds_file=creds_file))) as session:
        session.connect()
        return session.run(Query(f"{STATUS} '{name}'"), max_rows=1, timeout=60).rows[0][0]


def creds(server: Mariadb, path: Path, *lines: str) -> Path:
    path.write_text(server.creds_file.read_text() + "".join(f"{line}\n" for line in lines))
    path.chmod(0o600)
    return path


def refused(server: Mariadb, creds_file: Path) -> ConnectionFailed:
    with pytest.raises(ConnectionFailed) as caught:
        status(server, creds_file)
    assert not caught.value.retry
    assert PASSWORD not in str(caught.value)
    return caught.value


def test_lines_are_encrypted_where_the_server_can(server: Mariadb) -> None:
    assert status(server, server.creds_file)


def test_a_certificate_that_the_creds_file_names_is_looked_at(
    server: Mariadb, certificates: Path, tmp_path: Path
) -> None:
    assert status(server, creds(server, tmp_path / "known.cnf", f"ssl-ca={certificates}/ca.pem"))


def test_none_of_this_hosts_certificates_are_read_in_vain(
    server: Mariadb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssl.SSLContext.load_default_certs", lambda *_: pytest.fail("read"))
    assert status(server, server.creds_file)


def test_a_server_of_another_authority_is_a_message_about_tls_and_not_tried_again(
    server: Mariadb, certificates: Path, tmp_path: Path
) -> None:
    path = creds(server, tmp_path / "other.cnf", f"ssl-ca={certificates}/other.pem")
    error = refused(server, path)
    assert error.what.startswith(
        f"no TLS with 127.0.0.1:{server.port}: certificate verify failed: self-signed certificate"
    )
    assert error.hint == f"check the ssl- lines in {path}"


@pytest.mark.parametrize("name", ["ssl-ca", "ssl-capath", "ssl-cert", "ssl-key", "ssl-crl"])
def test_a_file_for_tls_that_is_not_there_is_named(
    mariadb: Mariadb, tmp_path: Path, name: str
) -> None:
    path = creds(mariadb, tmp_path / "my.cnf", f"{name}={tmp_path}/none.pem")
    assert refused(mariadb, path).what == (
        f"cannot read {tmp_path}/none.pem, which `{name}` at {path}:4 names: "
        "No such file or directory"
    )


def test_a_pipe_in_place_of_a_file_for_tls_is_an_error_at_once(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "ca.pem")
    path = creds(mariadb, tmp_path / "my.cnf", f"ssl-ca={tmp_path}/ca.pem")
    assert refused(mariadb, path).what.endswith(f"{path}:4 names: it is no regular file")


@pytest.mark.long
@pytest.mark.parametrize(
    "lines",
    [
        ["ssl-mode=PREFERRED"],
        ["ssl-mode=required"],
        ["ssl-mode=VERIFY_CA", "ssl-ca={folder}/ca.pem"],
        ["ssl-mode=VERIFY_IDENTITY", "ssl-ca={folder}/ca.pem"],
        ["ssl-ca={folder}/ca.pem", "ssl-verify-server-cert"],
        ["ssl-ca={folder}/ca.pem", "ssl-verify-server-cert=on", "ssl-crl={folder}/none.pem"],
        ["ssl-capath={folder}/hashed"],
        ["ssl_mode=VERIFY_IDENTITY", "loose-ssl-ca={folder}/ca.pem"],
        ["ssl=1"],
        ["skip-ssl", "ssl"],
        ["loose-ssl-nothing=1"],
        ["skip-ssl-verify-server-cert"],
    ],
)
def test_what_the_server_has_is_taken(
    server: Mariadb, certificates: Path, tmp_path: Path, lines: list[str]
) -> None:
    given = [line.replace("{folder}", str(certificates)) for line in lines]
    assert status(server, creds(server, tmp_path / "my.cnf", *given))


@pytest.mark.long
@pytest.mark.parametrize(
    "lines", [["skip-ssl"], ["ssl=0"], ["ssl-mode=DISABLED"], ["ssl", "loose-skip-ssl"]]
)
def test_nothing_is_encrypted_where_the_file_says_so(
    server: Mariadb, tmp_path: Path, lines: list[str]
) -> None:
    assert status(server, creds(server, tmp_path / "my.cnf", *lines)) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["ssl-mode=VERIFY_CA"], "no TLS with {address}: certificate verify failed"),
        (["ssl-mode=VERIFY_IDENTITY"], "no TLS with {address}: certificate verify failed"),
        (["ssl-verify-server-cert"], "no TLS with {address}: certificate verify failed"),
        (["ssl-mode=REQUIRED", "ssl-ca={folder}/other.pem"], "no TLS with {address}: certificate"),
        (["ssl-mode=PREFERRED", "ssl-ca={folder}/other.pem"], "no TLS with {address}: certificate"),
        (
            ["ssl-ca={folder}/ca.pem", "ssl-crl={folder}/crl.pem"],
            "no TLS with {address}: certificate verify failed: certificate revoked",
        ),
        (
            ["ssl-ca={folder}/damaged.pem"],
            "{file}:4: cannot be used as creds_file: {folder}/damaged",
        ),
        (["ssl-cert={folder}/user.pem", "ssl-key={folder}/server.key"], "{file}:5: cannot be used"),
        (["ssl-cert={folder}/user.pem", "ssl-key={folder}/locked.key"], "{file}:5: cannot be used"),
        (
            ["ssl-key={folder}/user.key"],
            "{file}:4: cannot be used as creds_file: `ssl-key` without",
        ),
    ],
)
def test_what_the_server_has_not_is_refused(
    server: Mariadb, certificates: Path, tmp_path: Path, lines: list[str], message: str
) -> None:
    given = [line.replace("{folder}", str(certificates)) for line in lines]
    path = creds(server, tmp_path / "my.cnf", *given)
    places = {"address": f"127.0.0.1:{server.port}", "file": path, "folder": certificates}
    assert refused(server, path).what.startswith(message.format(**places))


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("ssl-mode=secret", "`ssl-mode` takes DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY"),
        ("ssl-mode", "`ssl-mode` without a value"),
        ("ssl=secret", "`ssl` takes 1 or 0"),
        ("ssl-verify-server-cert=yes", "`ssl-verify-server-cert` takes 1 or 0"),
        ("ssl-crlpath=/secret", "a TLS option that is not known here"),
        ("tls-ciphersuites=secret", "a TLS option that is not known here"),
        ("SSL_secret", "a TLS option that is not known here"),
        ("ssl-c=secret", "a TLS option that is not known here"),
        ("tls-version=TLSv1.1", "`tls-version` takes TLSv1.2, TLSv1.3"),
        ("tls-version=TLSv1.2,secret", "`tls-version` takes TLSv1.2, TLSv1.3"),
        ("ssl-cipher=secret", "`ssl-cipher` with what is no cipher of TLS 1.2"),
        ("ssl-cipher=TLS_AES_256_GCM_SHA384", "`ssl-cipher` with what is no cipher of TLS 1.2"),
        ("skip-ssl-ca", "`ssl-ca` without a value"),
    ],
)  # fmt: skip
def test_a_demand_for_tls_that_cannot_be_honoured_is_refused_by_line_and_kind(
    mariadb: Mariadb, tmp_path: Path, line: str, kind: str
) -> None:
    path = creds(mariadb, tmp_path / "my.cnf", line)
    error = refused(mariadb, path)
    assert error.what == f"{path}:4: cannot be used as creds_file: {kind}"
    assert "secret" not in str(error)


def test_a_file_that_demands_tls_and_rules_it_out_is_refused(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    path = creds(mariadb, tmp_path / "my.cnf", "ssl-verify-server-cert", "skip-ssl")
    what = "`ssl-verify-server-cert` demands TLS, and another line rules it out"
    assert refused(mariadb, path).what == f"{path}:4: cannot be used as creds_file: {what}"


@pytest.mark.parametrize(
    "lines",
    [
        *(["ssl-mode=REQUIRED"], ["ssl-mode=VERIFY_IDENTITY"], ["ssl-verify-server-cert"]),
        *(["ssl=1"], ["tls-version=TLSv1.3"], ["ssl-cipher=ECDHE-RSA-AES256-GCM-SHA384"]),
    ],
)
def test_a_demand_for_tls_is_refused_where_the_server_has_none(
    mariadb: Mariadb, tmp_path: Path, lines: list[str]
) -> None:
    error = refused(mariadb, creds(mariadb, tmp_path / "my.cnf", *lines))
    assert "SSL is required but the server doesn't support it" in error.what


def test_tls_is_preferred_and_done_without_where_the_server_has_none(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    assert status(mariadb, creds(mariadb, tmp_path / "my.cnf", "ssl-mode=PREFERRED")) == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        (["tls-version=TLSv1.1,TLSv1.2"], "SSL_VERSION", "TLSv1.2"),
        (["tls-version=TLSv1.2,TLSv1.3"], "SSL_VERSION", "TLSv1.3"),
        (["tls-version=TLSv1.3"], "SSL_VERSION", "TLSv1.3"),
        (
            ["ssl-cipher=ECDHE-RSA-AES128-GCM-SHA256"],
            *("SSL_CIPHER", "ECDHE-RSA-AES128-GCM-SHA256"),
        ),
    ],
)
def test_versions_and_ciphers_are_those_that_the_file_lists(
    server: Mariadb, tmp_path: Path, lines: list[str], name: str, expected: str
) -> None:
    assert status(server, creds(server, tmp_path / "my.cnf", *lines), name) == expected


@pytest.mark.long
def test_the_name_in_a_certificate_counts_only_where_that_is_demanded(
    certificates: Path, tmp_path: Path
) -> None:
    """That of the user is for another host."""
    files = [f"--ssl-key={certificates}/user.key", f"--ssl-cert={certificates}/user.pem"]
    with running_mariadb(*files) as server:
        known = f"ssl-ca={certificates}/ca.pem"
        assert status(server, creds(server, tmp_path / "ca.cnf", known))
        assert status(server, creds(server, tmp_path / "v.cnf", known, "ssl-mode=VERIFY_CA"))
        for line in ("ssl-mode=VERIFY_IDENTITY", "ssl-verify-server-cert"):
            error = refused(server, creds(server, tmp_path / "my.cnf", known, line))
            assert "certificate verify failed: IP address mismatch" in error.what


@pytest.mark.long
def test_a_user_shows_the_certificate_that_the_creds_file_names(
    server: Mariadb, certificates: Path, tmp_path: Path
) -> None:
    own = [f"ssl-cert={certificates}/user.pem", f"ssl-key={certificates}/user.key"]
    path = creds(server, tmp_path / "own.cnf", "user=shown", *own)
    assert status(server, path)
    assert "Access denied" in refused(server, creds(server, path, "user=shown")).what
