"""Real stores of remote write on loopback: Prometheus and VictoriaMetrics, of several versions.

Those of Debian are there wherever the tests run; the current ones, which `make test-stores` builds, are
taken where REPORTUPDATER_STORES is `current`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reportupdater.sinks.prometheus.series import key_of
from reportupdater.sinks.prometheus.times import read
from tests.servers import downloads
from tests.servers.mariadb import free_port

__all__ = ["Prometheus", "Store", "Victoria", "prometheus", "running", "victoria"]

IS_CURRENT = os.environ.get("REPORTUPDATER_STORES") == "current"
"""Whether the current versions are meant, and not Debian's."""

_READY_SECONDS = 60.0
Samples = dict[str, dict[int, float]]
"""Series key → milliseconds → value."""


class Store:
    """A store with a folder of its own, that can be killed and started again."""

    host = "127.0.0.1"
    shows_emptied = True
    """Whether it keeps a NaN."""
    program = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://{self.host}:{self.port}"
        self.headers: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def section(self) -> str:
        """The project's section for it, as YAML on one line."""
        return f"{{url: '{self.url}/api/v1/write', query_url: '{self.url}', enabled: true}}"

    def command(self) -> list[str]:
        """The command line that starts it."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, on the same port and data as before, and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            self.command(), stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
        )
        log.close()
        until = time.monotonic() + _READY_SECONDS
        while True:
            assert self._process.poll() is None, (self.folder / "log").read_text()[-3000:]
            assert time.monotonic() < until, (self.folder / "log").read_text()[-3000:]
            with contextlib.suppress(OSError):
                self.query("up")
                return
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End it, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill() if kill else process.terminate()
            process.wait(60)

    def restart(self, *, kill: bool = False) -> None:
        """End it, and start it again."""
        self.stop(kill=kill)
        self.start()

    def pause(self) -> None:
        """Let it hang."""
        assert self._process is not None
        self._process.send_signal(19)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(18)

    def flush(self) -> None:
        """Let all that was written be seen."""

    def merge(self) -> None:
        """Let it put together what it has stored in parts."""

    def get(self, path: str, **form: str | list[str]) -> bytes:
        """Return the answer to a form that is posted."""
        data = urllib.parse.urlencode(form, doseq=True).encode()
        asked = urllib.request.Request(f"{self.url}{path}", data, self.headers)
        with urllib.request.urlopen(asked, timeout=60, context=self._context()) as answer:
            return bytes(answer.read())

    def _context(self) -> ssl.SSLContext | None:
        return None

    def query(self, text: str, at: float | None = None) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        self.flush()
        form = {"query": text, "nocache": "1"} | ({} if at is None else {"time": str(at)})
        found = json.loads(self.get("/api/v1/query", **form))
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    def samples(self, selector: str) -> Samples:
        """Return all samples of series, as they are stored."""
        end = int(time.time()) + 86_400
        found: Samples = {}
        for series in self.query(f"{selector}[{end}s]", end):
            key = key_of(series["metric"].items())
            found[key] = {round(at * 1000): float(value) for at, value in series["values"]}
        return found

    def values(self, selector: str) -> dict[str, dict[int, float]]:
        """Return the newest revision of each moment of series, but for those that are emptied."""
        newest: defaultdict[str, dict[int, float]] = defaultdict(dict)
        for key, samples in self.samples(selector).items():
            for at in sorted(samples):
                newest[key][read(at)[0]] = samples[at]
        return {
            key: {at: value for at, value in values.items() if value == value}
            for key, values in newest.items()
        }


class Prometheus(Store):
    """A Prometheus with remote write, and a window for what comes late."""

    program = "prometheus"

    def __init__(self, folder: Path, *, window: str = "20d", web: Path | None = None) -> None:
        """`web` is a folder with the files of a server that speaks TLS."""
        super().__init__(folder)
        self._web = web
        if web is not None:
            self.url = self.url.replace("http:", "https:")
            self.headers = {"Authorization": "Basic cmVwb3J0czpwYXNzIHdvcmQ="}
        (folder / "prometheus.yml").write_text(
            f"storage: {{tsdb: {{out_of_order_time_window: {window}}}}}\n"
        )

    def command(self) -> list[str]:
        return [
            _program(self.program),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=data",
            "--storage.tsdb.retention.time=50y",
            f"--web.listen-address={self.host}:{self.port}",
            "--web.enable-remote-write-receiver",
            "--web.enable-admin-api",
            "--web.enable-lifecycle",
            *([] if self._web is None else [f"--web.config.file={self._web}/web.yml"]),
        ]

    def backfill(self, file: Path) -> None:
        """Make blocks of a file in OpenMetrics, as the documentation says, and let it take them in."""
        blocks = self.folder / "blocks"
        command = ["tsdb", "create-blocks-from", "openmetrics", "-q", "--max-block-duration=744h"]
        made = subprocess.run(
            [_program("promtool"), *command, file, blocks],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        for block in blocks.iterdir():
            shutil.move(block, self.folder / "data" / block.name)

    def _context(self) -> ssl.SSLContext | None:
        if self._web is None:
            return None
        context = ssl.create_default_context(cafile=str(self._web / "ca.pem"))
        context.load_cert_chain(self._web / "client.pem", self._web / "client.key")
        return context

    def merge(self) -> None:
        self.get("/api/v1/admin/tsdb/snapshot")
        self.get("/api/v1/admin/tsdb/clean_tombstones")
        self.restart()


class Victoria(Store):
    """A VictoriaMetrics, of a single node."""

    program = "victoria-metrics"
    shows_emptied = False

    def command(self) -> list[str]:
        return [
            _program(self.program),
            "-storageDataPath=data",
            "-retentionPeriod=50y",
            f"-httpListenAddr={self.host}:{self.port}",
            "-search.latencyOffset=0s",
            "-dedup.minScrapeInterval=1s",
            "-memory.allowedBytes=256MB",
            "-loggerLevel=WARN",
        ]

    def flush(self) -> None:
        self.get("/internal/force_flush")

    def merge(self) -> None:
        self.flush()
        self.get("/internal/force_merge")
        # It goes on behind the answer, and a 1.79 that is ended meanwhile panics and loses data.
        while self._merges():
            time.sleep(0.05)
        self.restart()

    def _merges(self) -> bool:
        lines = self.get("/metrics").decode().splitlines()
        return any(re.match(r"vm_active_(force_)?merges.* [1-9]", line) for line in lines)


STORES: dict[str, type[Store]] = {"prometheus": Prometheus, "victoria": Victoria}


def _program(name: str) -> str:
    path = str(downloads.folder("stores") / "bin") if IS_CURRENT else None
    found = shutil.which(name, path=path)
    assert found is not None, downloads.missing("stores") if IS_CURRENT else f"there is no {name}"
    return found


@contextlib.contextmanager
def running(kind: type[Store], **options: Any) -> Iterator[Any]:
    """A store of one's own, to be killed and started at will."""
    with tempfile.TemporaryDirectory(prefix="store-", ignore_cleanup_errors=True) as folder:
        server = kind(Path(folder), **options)
        try:
            server.start()
            yield server
        finally:
            server.stop(kill=True)


@pytest.fixture(scope="session")
def prometheus() -> Iterator[Prometheus]:
    """The Prometheus that all tests of a process share; no one stops it."""
    with running(Prometheus, window="90d") as server:
        yield server


@pytest.fixture(scope="session")
def victoria() -> Iterator[Victoria]:
    """The VictoriaMetrics that all tests of a process share; no one stops it."""
    with running(Victoria) as server:
        yield server
