from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from reportupdater.connection import Line
from tests.helpers import patient
from tests.servers.mariadb import free_port


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port that answers to no attempt to connect, like that of a host which is not there."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(3):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(server.getsockname())
        yield server.getsockname()[1]
        for sock in waiting:
            sock.close()


def cut_after(line: Line, seconds: float) -> threading.Timer:
    timer = threading.Timer(seconds, line.cut)
    timer.start()
    return timer


def test_a_line_carries_what_is_sent(line: Line, listener: socket.socket) -> None:
    with line.open("127.0.0.1", listener.getsockname()[1], 5) as near, listener.accept()[0] as far:
        near.sendall(b"there")
        far.sendall(b"back")
        assert (far.recv(10), near.recv(10)) == (b"there", b"back")
        assert near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert near.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_read_ends_when_the_line_is_cut(line: Line, listener: socket.socket) -> None:
    with line.open("127.0.0.1", listener.getsockname()[1], 5) as near:
        near.settimeout(None)
        timer = cut_after(line, 0.1)
        assert near.recv(1) == b""
        timer.join()


def test_connecting_ends_when_the_line_is_cut(line: Line, full_port: int) -> None:
    timer = cut_after(line, 0.2)
    began = time.monotonic()
    with pytest.raises(OSError, match="reset"):
        line.open("127.0.0.1", full_port, 10)
    assert time.monotonic() - began < patient(2)
    timer.join()


def test_connecting_ends_in_time(line: Line, full_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        line.open("127.0.0.1", full_port, 0.3)
    assert 0.2 < time.monotonic() - began < patient(2)


def test_looking_up_a_name_ends_when_the_line_is_cut(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver_is_slow(monkeypatch)
    timer = cut_after(line, 0.1)
    with pytest.raises(ConnectionAbortedError):
        line.open("db1.example.org", 3306, 10)
    timer.join()


def test_looking_up_a_name_ends_in_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver_is_slow(monkeypatch)
    with pytest.raises(TimeoutError, match="name"):
        line.open("db1.example.org", 3306, 0.1)


def resolver_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, **keys: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70 + ".org"])
def test_a_name_that_leads_nowhere_is_an_os_error(line: Line, host: str) -> None:
    with pytest.raises(OSError, match=r"\w"):
        line.open(host, 3306, 5)


def test_every_address_of_a_name_is_tried(
    line: Line, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    addresses = [(*here, ("127.0.0.1", free_port())), (*here, listener.getsockname())]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **keys: addresses)
    with line.open("db1.example.org", 3306, 5) as near:
        assert near.getpeername() == listener.getsockname()


def test_a_refused_connection_says_so(line: Line) -> None:
    with pytest.raises(ConnectionRefusedError):
        line.open("127.0.0.1", free_port(), 5)


def test_a_line_that_is_not_open_can_be_cut_and_closed(line: Line) -> None:
    line.cut()
    line.close()
    line.cut()
    line.close()
