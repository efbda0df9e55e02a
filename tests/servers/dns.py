"""A real DNS server on loopback, with the SRV records of sections."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.servers.mariadb import free_port

MISSING = (
    "dnsmasq is missing; install it with: apt-get install --no-install-recommends dnsmasq-base"
)
ZONE = "wikis.example.org"
SRV_NAME = f"_{{section}}-db._tcp.{ZONE}"
"""The `srv_name` of its records."""


class Dns:
    """One dnsmasq that knows nothing but its own zone."""

    def __init__(self, folder: Path, *records: str) -> None:
        """`records` are dnsmasq's options."""
        self.port = free_port()
        self._log = folder / "dns.log"
        self._records = records
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def nameserver(self) -> str:
        """The `nameserver` of a database that is to ask it."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # Debian keeps servers where only root's PATH leads.
        program = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
        if program is None:
            pytest.fail(MISSING)
        with self._log.open("ab") as log:
            # It also ends when the tests are killed.
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "TERM", program, "--keep-in-foreground"),
                    *("--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces"),
                    *(
                        "--listen-address=127.0.0.1",
                        f"--port={self.port}",
                        "--user=",
                        "--pid-file=",
                    ),
                    *("--log-facility=-", "--log-queries", f"--local=/{ZONE}/", "--cache-size=0"),
                    *self._records,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"dnsmasq does not start:\n{self._log.read_text()}")
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """End the server, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(10)

    def asked(self) -> list[str]:
        """The SRV records that it has been asked for, in this order."""
        return re.findall(r"query\[SRV\] (\S+) ", self._log.read_text())


def srv(section: str, target: str, port: int, *, priority: int = 0, weight: int = 0) -> str:
    """The option for the record of a section."""
    name = SRV_NAME.replace("{section}", section)
    return f"--srv-host={name},{target},{port},{priority},{weight}"


@contextlib.contextmanager
def running_dns(
    *records: str, sections: Mapping[str, tuple[str, int]] | None = None
) -> Iterator[Dns]:
    """A server with these records, and with one for each section."""
    records += tuple(srv(section, *place) for section, place in (sections or {}).items())
    with tempfile.TemporaryDirectory(prefix="dns-") as folder:
        server = Dns(Path(folder), *records)
        try:
            server.start()
            yield server
        finally:
            server.stop()
