"""Signals while much is read: gigabytes of TSVs, or a Graphite that sends a byte a second."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from reportupdater.errors import ConnectionFailed
from reportupdater.sinks.graphite.render import RenderApi
from tests.delivery.projects import config, edits, query
from tests.helpers import ENVIRONMENT, ONE, RUN, SQLITE, Project, wait_until
from tests.servers.receivers import Receiver, receiver

LINES = 2_000_000
"""Rows that take far longer to read than a run has to end."""


def project_with_a_large_tsv(folder: Path, header: str = 'date\t"n"\n') -> Project:
    """A report whose TSV has rows with quotes, which are read cell by cell."""
    text = SQLITE + "graphite: {host: 127.0.0.1, port: 9}\n"
    text += "reports: {edits: {graphite: {path: '{_metric}', metrics: {n: n}}}}\n"
    project = Project(folder, text, {"edits.sql": ONE})
    project.output.mkdir()
    with project.tsv("edits").open("w") as file:
        file.write(header)
        for _ in range(LINES // 1000):
            file.write('2025-01-01\t"a ""quoted"" cell"\n' * 1000)
    return project


def reads(process: subprocess.Popen[str], path: Path) -> bool:
    """Whether a process has a file open, and has read some of it."""
    folder = Path("/proc", str(process.pid), "fd")
    for link in folder.iterdir():
        with suppress(OSError):
            if os.readlink(link) == str(path):
                at = (folder.parent / "fdinfo" / link.name).read_text()
                return int(at.split()[1]) > 1 << 20
    return False


@contextmanager
def started(project: Project, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in progress, which is killed in the end."""
    with subprocess.Popen(
        [
            "env",
            "--default-signal=INT,HUP,TERM",
            *RUN[:-1],
            *arguments,
            project.folder,
            project.output,
        ],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[float, str]:
    """Send SIGTERM; how many seconds it took to end by it, and what was printed."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 143, said
    assert "Traceback" not in said, said
    return time.monotonic() - began, said


@pytest.mark.long
@pytest.mark.parametrize("command", ["run", "resend", "verify"])
def test_a_signal_ends_a_command_that_reads_a_large_tsv(tmp_path: Path, command: str) -> None:
    project = project_with_a_large_tsv(tmp_path)
    url = ["--render-url", "http://127.0.0.1:9/render", "--resend"] if command == "verify" else []
    with started(project, command, *url) as process:
        wait_until(lambda: reads(process, project.tsv("edits")), within=60)
        seconds, said = ended(process)
    assert seconds < 10, said


def a_byte_a_second(server: Receiver, connection: socket.socket) -> None:
    """An answer that never comes to its end."""
    server.read(connection)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not server.over.wait(0.2):
        connection.sendall(b" ")


def asked_slowly(tmp_path: Path, node: str) -> Project:
    project = Project(
        tmp_path, config(9, edits(node), keys="drain_timeout: 0"), {"edits.sql": query()}
    )
    for wiki in ("enwiki", "frwiki"):
        project.write_tsv(f"edits/{wiki}", f"date\twiki\tedits\n2025-01-01\t{wiki}\t1\n")
    return project


def test_a_graphite_that_sends_a_byte_a_second_holds_no_lock_and_obeys_signals(
    tmp_path: Path,
) -> None:
    project = asked_slowly(tmp_path, "slow")
    with receiver(a_byte_a_second) as server:
        url = f"http://127.0.0.1:{server.port}/render"
        with started(project, "verify", "--resend", "--render-url", url) as process:
            wait_until(lambda: server.connections)
            assert "held by another run" not in project.run("--no-graphite", now="2025-01-03")
            assert len(project.dates("edits/enwiki")) == 2
            seconds, said = ended(process)
    assert seconds < 10, said


def test_a_graphite_that_sends_a_byte_a_second_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reportupdater.sinks.graphite.render.IN_ALL", 1.0)
    with (
        receiver(a_byte_a_second) as server,
        pytest.raises(ConnectionFailed, match="has not given its whole answer within 1 s"),
    ):
        list(RenderApi(f"http://127.0.0.1:{server.port}/render").read(["a"], 0, 1, 1))


def test_an_endless_answer_of_graphite_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportupdater.sinks.graphite.render.LARGEST", 100_000)

    def endless(server: Receiver, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        while not server.over.is_set():
            connection.sendall(b" " * 4096)

    with (
        receiver(endless) as server,
        pytest.raises(ConnectionFailed, match="gave an answer of more than 100,000 bytes"),
    ):
        list(RenderApi(f"http://127.0.0.1:{server.port}/render").read(["a"], 0, 1, 1))
