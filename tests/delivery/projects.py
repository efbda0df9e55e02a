"""Projects that send datapoints, what they should have sent, and what may stand before a carbon."""

from __future__ import annotations

import csv
import socket
import struct
import subprocess
import sys
from calendar import timegm
from collections.abc import Iterable, Mapping
from pathlib import Path
from time import strptime

from tests.helpers import ENVIRONMENT, RUN, SQLITE, Project, wait_until
from tests.servers.carbon import Carbon
from tests.servers.receivers import Behaviour, Receiver

Points = dict[tuple[str, int], float]
"""(path, timestamp) → value."""

_TERMINAL = """
import os, pty, sys
outer, inner = pty.openpty()
os.set_inheritable(outer, True)  # without it the terminal is gone at once
os.dup2(inner, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
ON_A_TERMINAL = (sys.executable, "-c", _TERMINAL)
"""Gives a run a terminal as standard input, whatever the tests have."""


def config(port: int, reports: str, *, keys: str = "drain_timeout: 10") -> str:
    """A config.yaml whose datapoints go to a port of this host."""
    return f"{SQLITE}graphite: {{host: 127.0.0.1, port: {port}, {keys}}}\nreports:\n{reports}"


def edits(node: str, wikis: str = "enwiki, frwiki", metrics: str = "edits: edits") -> str:
    """A report with a series for each wiki, and a metric `edits` unless others are named."""
    path = f"{node}.{{wiki}}.{{_metric}}"
    graphite = f"{{path: '{path}', metrics: {{{metrics}}}}}"
    return f'  edits: {{explode_by: {{wiki: "{wikis}"}}, graphite: {graphite}}}\n'


def query(value: str = "{day}") -> str:
    """A row for a day and wiki; `value` is SQL."""
    return f"SELECT '{{from_date}}' AS date, '{{wiki}}' AS wiki, {value} AS edits".replace(
        "{day}", "CAST(substr('{from_date}', 9) AS INTEGER)"
    )


def project(folder: Path, port: int, node: str, *, value: str = "{day}", keys: str = "") -> Project:
    """A project with the report `edits` on two wikis."""
    text = config(port, edits(node), keys=keys or "drain_timeout: 10")
    return Project(folder, text, {"edits.sql": query(value)})


def stored(
    of: Project, node: str, metrics: Iterable[str] = ("edits",), report: str = "edits"
) -> Points:
    """The points that the TSVs of a report stand for, with a path of node, wiki and metric."""
    points: Points = {}
    for tsv in (of.output / report).glob("*.tsv"):
        with tsv.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, dialect="excel-tab"):
                moment = timegm(strptime(row["date"], "%Y-%m-%d"))
                for metric in metrics:
                    if row[metric]:
                        points[f"{node}.{tsv.stem}.{metric}", moment] = float(row[metric])
    return points


def arrive(carbon: Carbon, node: str, expected: Points) -> None:
    """Wait until carbon has written exactly these points under a node: it takes a second."""
    assert expected
    try:
        wait_until(lambda: carbon.everything(node) == expected, within=15)
    except AssertionError:
        # A difference is worth a thousand words.
        assert carbon.everything(node) == expected


def owed(of: Project) -> int:
    """How many datapoints the output folder still owes."""
    return int(of.state("SELECT count(*) FROM outbox")[0][0])


def resend(
    of: Project, *arguments: str, code: int = 0, environment: Mapping[str, str] | None = None
) -> str:
    """Run `resend`, expect this exit code; what went to standard error."""
    done = subprocess.run(
        [*RUN[:-1], "resend", *arguments, of.folder, of.output],
        env=ENVIRONMENT | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


# Before a carbon


def before(carbon: Carbon, *first: Behaviour) -> Behaviour:
    """Each of the first connections meets a behaviour of its own; later ones reach carbon."""
    behaviours = iter(first)

    def behave(server: Receiver, connection: socket.socket) -> None:
        next(behaviours, forwarding(carbon))(server, connection)

    return behave


def forwarding(carbon: Carbon, pause: float = 0.0) -> Behaviour:
    """Hand all lines to carbon, and close when carbon has read them; a pause after each 4 kB."""

    def behave(server: Receiver, connection: socket.socket) -> None:
        with socket.create_connection((carbon.host, carbon.port), 10) as upstream:
            while data := connection.recv(4096):
                upstream.sendall(data)
                if pause:
                    server.over.wait(pause)
            upstream.shutdown(socket.SHUT_WR)
            assert upstream.recv(1) == b""

    return behave


def forwarding_a_part(carbon: Carbon, size: int) -> Behaviour:
    """Hand carbon so many bytes, then reset the connection."""

    def behave(server: Receiver, connection: socket.socket) -> None:
        with socket.create_connection((carbon.host, carbon.port), 10) as upstream:
            while size > 0 and (data := connection.recv(size)):
                upstream.sendall(data)
                break
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave
