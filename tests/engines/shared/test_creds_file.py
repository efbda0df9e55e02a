"""Option files with a login: what counts of them, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reportupdater.credentials import creds_file
from reportupdater.credentials.creds_file import Login, Options, options
from reportupdater.errors import ConnectionFailed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.cnf"


def read(path: Path, text: str) -> Options:
    path.write_text(text)
    return options(path)


def refusal(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConnectionFailed) as caught:
        creds_file.read(path)
    assert "secret" not in str(caught.value)
    assert not caught.value.retry
    return caught.value.what.removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"password=secret\n[client]\n", "1: cannot be used as creds_file: an option before the"),
        (b"[client]\nuser=a\n[secret\n", "3: cannot be used as creds_file: a group without its"),
        (b"[client]\npassword=secret\nuser\n", "3: cannot be used as creds_file: `user` without"),
        (b"[client]\npassword=secret\xff\n", " cannot be used as creds_file: user or password is"),
        (b"[client]\n!includedir /secret\n", "2: cannot be used as creds_file: cannot read the in"),
        (b"#" * 2**20 + b"\n", " cannot read the creds_file: it has more than 1,048,576 bytes"),
    ],
)
def test_why_a_file_cannot_be_used_names_the_line_and_its_kind_and_never_its_text(
    path: Path, content: bytes, message: str
) -> None:
    assert refusal(path, content).startswith(message)


def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ConnectionFailed, match="cannot read the creds_file: it is no file"):
        options(path)


def test_an_indented_second_line_is_a_line_of_its_own(path: Path) -> None:
    path.write_text("[client]\nuser=u3\n  password=s3cret\n")
    assert creds_file.read(path) == Login("u3", "s3cret")


@pytest.mark.parametrize("group", ["client", "CLIENT", "client-server", "client-mariadb"])
def test_the_groups_of_every_client_count(path: Path, group: str) -> None:
    assert read(path, f"[mysqld]\nuser=x\n[{group}]\nuser=u\n[mysql]\nuser=y\n").user == b"u"


def test_the_last_of_several_lines_and_groups_counts(path: Path) -> None:
    text = "[client]\nuser=1\nuser=2\npassword=3\n[client-mariadb]\npassword=4\n[client]\nuser=5\n"
    found = read(path, text)
    assert (found.user, found.password) == (b"5", b"4")


@pytest.mark.parametrize("name", ["user", "USER", "loose-user", "loose_user", "use"])
def test_names_are_told_as_the_clients_do(path: Path, name: str) -> None:
    assert read(path, f"[client]\n{name}=u\n").user == b"u"


@pytest.mark.parametrize("line", ["password", "skip-password", "password="])
def test_a_password_can_be_taken_away_again(path: Path, line: str) -> None:
    assert not read(path, f"[client]\npassword=secret\n{line}\n").password


@pytest.mark.parametrize(
    "line",
    [
        *("default-character-set=latin1", "local-infile", "port = x", "secret", "xpassword=secret"),
        *("loose-ssl-secret=1", "loose_tls_secret", "connect_timeout='x'", "pa=1", "ü=ü"),
    ],
)
def test_options_that_are_not_known_are_passed_over_as_the_libraries_do(
    path: Path, line: str
) -> None:
    assert read(path, f"[client]\n{line}\nuser=u\n") == Options(user=b"u")


def included(tmp_path: Path) -> None:
    """Files and folders to include, some of them with names that do not count."""
    (tmp_path / "d" / "z.cnf").mkdir(parents=True)
    for name in ("b.cnf", "a.cnf", ".h.cnf", "c.txt", "e.CNF", "f.cnf.cnf"):
        (tmp_path / "d" / name).write_text(f"[client]\nuser=d/{name}\n")
    (tmp_path / "one.cnf").write_text("[mysqld]\nuser=no\n[client]\nuser=one\npassword=one\n")
    (tmp_path / "again.cnf").write_text("[client]\nuser=again\n!include my.cnf\n")


@pytest.mark.parametrize(
    "text",
    [
        "!include one.cnf\nuser=u\n",
        "user=u\n! include  one.cnf \n",
        "user=u\n!includedir d\n",
        "!includedir d/\n!include nowhere.cnf\npassword=p\n",
        "user=u\n!include again.cnf\n",
        "user=u\n!include my.cnf\npassword=p\n",
        "user=u\n!include again.cnf\nuser=v\n",
        "user=u\n!include 'one.cnf'\n!include one.cnf # note\n",
    ],
)
def test_included_files_and_folders_give_what_mariadbs_own_program_prints(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    included(tmp_path)
    found = read(path, f"[client]\n{text}")
    printed = subprocess.run(
        ["my_print_defaults", "--defaults-file=my.cnf", "client"], capture_output=True, check=True
    ).stdout.decode()
    theirs = dict(line[2:].split("=", 1) for line in printed.splitlines())
    ours = {"user": found.user, "password": found.password}
    assert {name: text.decode() for name, text in ours.items() if text is not None} == theirs


@pytest.mark.parametrize("include", ["~/other.cnf", "~nouser/other.cnf"])
def test_where_no_home_is_known_what_is_included_from_it_is_passed_over(
    path: Path, monkeypatch: pytest.MonkeyPatch, include: str
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 5)  # one that this host does not know
    assert read(path, f"[client]\nuser=u\n!include {include}\n").user == b"u"


def test_a_broken_line_of_an_included_file_names_that_file(tmp_path: Path, path: Path) -> None:
    (tmp_path / "other.cnf").write_text("[client]\n[secret\n")
    path.write_text(f"[client]\n!include {tmp_path}/other.cnf\n")
    with pytest.raises(ConnectionFailed, match=r"/other\.cnf:2: .*: a group without its closing"):
        options(path)


def test_folders_that_include_each_other_are_an_error_and_not_endless(
    tmp_path: Path, path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.cnf").write_text(f"!includedir {folder}\n")
    path.write_text(f"!includedir {folder}\n")
    with pytest.raises(ConnectionFailed, match="it includes more than 200 files"):
        options(path)
