"""Logins with option files: MariaDB's own client logs in with each, and so does the engine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reportupdater.credentials.creds_file import options
from reportupdater.engines.mysql.engine import MysqlSession
from reportupdater.engines.mysql.login import local_socket
from reportupdater.errors import ConnectionFailed
from reportupdater.model import Query
from tests.servers.mariadb import MISSING, PASSWORD, USER, Mariadb

WHO = "SELECT SUBSTRING_INDEX(USER(), '@', 1) AS x"

LOGINS = {
    "plain": ("reader", "abc", "[client]\nuser=reader\npassword=abc\n"),
    "indented": ("u3", "s3cret", "[client]\nuser=u3\n  password=s3cret\n"),
    "escaped backslash": ("u", r"a\b", '[client]\nuser=u\npassword="a\\\\b"\n'),
    "escaped space": ("u", "a b", "[client]\nuser=u\npassword=a\\sb\n"),
    "unknown escape": ("u", r"a\qb", "[client]\nuser=u\npassword=a\\qb\n"),
    "comment": ("u", "abc", "[client] # who\nuser=u # the reader\npassword=abc #note\n"),
    "comment after quotes": ("u", "pa ss", '[client]\nuser=u\npassword="pa ss" # c\n'),
    "number sign in quotes": ("u", "a#b", "[client]\nuser=u\npassword='a#b'\n"),
    "quote inside": ("u", "it's", "[client]\nuser=u\npassword=\"it's\"\n"),
    "umlauts": ("ürsula", "ünlü", "[client]\nuser=ürsula\npassword=ünlü\n"),
    "cyrillic": ("u", "пароль", "[client]\nuser=u\npassword=пароль\n"),
    "no password": ("u", "", "[client]\nuser=u\npassword=old\npassword=\n"),
    "key twice": ("u", "new", "[client]\nuser=x\nuser=u\npassword=old\npassword=new\n"),
    "group twice": ("u", "new", "[client]\nuser=u\npassword=old\n[client]\npassword=new\n"),
    "other groups": ("u", "new", "[client]\nuser=u\n[mysqld]\nuser=x\n[client-mariadb]\npassword=new\n"),
    "client-server": ("u", "abc", "[client-server]\nuser=u\npassword=abc\n"),
    "loose": ("u", "abc", "[CLIENT]\nloose-user=u\nloose_password=abc\nloose-nothing=1\n"),
    "skip-password": ("u", "", "[client]\nuser=u\npassword=old\nskip-password\n"),
    "abbreviated": ("u", "abc", "[client]\nuse=u\npass=abc\n"),
    "known to the client": (
        "u",
        "abc",
        "[client]\ndefault-character-set=latin1\nlocal-infile=1\nconnect_timeout=9\nuser=u\npassword=abc\n",
    ),
    "include": ("u", "abc", "[client]\nuser=u\npassword=old\n!include {folder}/one.cnf\n"),
    "includedir": ("u", "abc", "[client]\nuser=u\npassword=old\n!includedir {folder}/d\n"),
}  # fmt: skip


@pytest.fixture
def user(mariadb: Mariadb, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    name, password, text = LOGINS[request.param]
    quoted = password.replace("\\", "\\\\").replace("'", "''")
    mariadb.execute(f"CREATE OR REPLACE USER '{name}' IDENTIFIED BY '{quoted}'")
    yield name, text
    mariadb.execute(f"DROP USER '{name}'")


def client(mariadb: Mariadb, creds: Path) -> str:
    """Whom MariaDB's own client is logged in as."""
    program = shutil.which("mariadb")
    if program is None:
        pytest.fail(MISSING)
    where = [f"--host={mariadb.host}", f"--port={mariadb.port}", "--protocol=tcp"]
    done = subprocess.run(
        [program, f"--defaults-file={creds}", *where, "--skip-ssl", "-N", "-e", WHO],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def engine(mariadb: Mariadb, creds: Path) -> str:
    with closing(MysqlSession(mariadb.entry(creds_file=creds))) as session:
        session.connect()
        return session.run(Query(WHO), max_rows=1, timeout=60).rows[0][0]


@pytest.mark.parametrize("user", LOGINS, indirect=True)
def test_the_engine_logs_in_with_each_option_file_as_mariadbs_client_does(
    mariadb: Mariadb, tmp_path: Path, user: tuple[str, str]
) -> None:
    name, text = user
    creds = tmp_path / "my.cnf"
    creds.write_text(text.replace("{folder}", str(tmp_path)), encoding="utf-8")
    (tmp_path / "one.cnf").write_text("[client]\npassword=abc\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "two.cnf").write_text("[client]\npassword=abc\n")
    assert client(mariadb, creds) == name
    assert engine(mariadb, creds) == name


def test_a_password_that_ends_in_an_a_grave_needs_no_quotes(
    mariadb: Mariadb, tmp_path: Path
) -> None:
    """MariaDB's client takes its last byte for a space, and so needs them."""
    mariadb.execute("CREATE OR REPLACE USER 'grave' IDENTIFIED BY 'voilà'")
    creds = tmp_path / "my.cnf"
    for password in ("voilà", "'voilà'"):
        creds.write_text(f"[client]\nuser=grave\npassword={password}\n", encoding="utf-8")
        assert engine(mariadb, creds) == "grave"
    assert client(mariadb, creds) == "grave"


# A Unix socket


def socket_of(mariadb: Mariadb) -> Path:
    return mariadb.folder / "sock"


def through(mariadb: Mariadb, **keys: Any) -> str:
    """How a session reaches the server: the user's host is empty for none but a socket."""
    with closing(MysqlSession(mariadb.entry(**keys))) as session:
        session.connect()
        [[host]] = session.run(Query("SELECT USER() AS x"), max_rows=1, timeout=60).rows
    return host.partition("@")[2]


@pytest.fixture
def local(mariadb: Mariadb, tmp_path: Path) -> Iterator[Path]:
    """An option file that names the server's socket."""
    mariadb.execute(f"CREATE OR REPLACE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
    creds = tmp_path / "my.cnf"
    creds.write_text(f"{mariadb.creds_file.read_text()}socket={socket_of(mariadb)}\n")
    yield creds
    mariadb.execute(f"DROP USER {USER}@localhost")


def test_the_key_socket_of_an_entry_leads_through_it(mariadb: Mariadb, local: Path) -> None:
    keys: dict[str, Any] = {"host": "localhost", "port": 3306, "socket": socket_of(mariadb)}
    assert through(mariadb, **keys, creds_file=mariadb.creds_file) == "localhost"


def test_the_socket_of_the_creds_file_counts_for_localhost_alone(
    mariadb: Mariadb, local: Path
) -> None:
    assert through(mariadb, host="localhost", port=3306, creds_file=local) == "localhost"
    assert through(mariadb, creds_file=local) == "127.0.0.1"
    # A tunnel: a client would pass the port over, and ask another server.
    assert through(mariadb, host="localhost", creds_file=local) == "127.0.0.1"


def test_a_protocol_of_tcp_passes_the_socket_of_the_creds_file_over(
    mariadb: Mariadb, local: Path
) -> None:
    local.write_text(f"{local.read_text()}protocol=tcp\n")
    entry = mariadb.entry(host="localhost", port=3306, creds_file=local)
    assert local_socket(entry, options(local)) is None


def test_a_socket_that_is_not_there_is_named(mariadb: Mariadb, tmp_path: Path) -> None:
    session = MysqlSession(mariadb.entry(host="localhost", socket=tmp_path / "none"))
    with pytest.raises(ConnectionFailed) as caught:
        session.connect()
    assert str(caught.value) == (
        f"cannot connect to {tmp_path}/none: No such file or directory"
        " (does a server run there? check `socket`)"
    )
    assert caught.value.retry
