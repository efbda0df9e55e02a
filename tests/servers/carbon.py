"""A real Graphite on loopback, in a temporary folder: carbon-cache, and graphite-web's render API."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.servers import downloads
from tests.servers.mariadb import free_port

__all__ = ["Carbon", "RenderApi", "carbon", "fresh_node", "render_api", "running_carbon"]

_CONF = """\
[cache]
STORAGE_DIR = {folder}
LOCAL_DATA_DIR = {folder}/whisper
CONF_DIR = {folder}/conf
LOG_DIR = {folder}/log
PID_DIR = {folder}
USER =
LINE_RECEIVER_INTERFACE = {host}
LINE_RECEIVER_PORT = {port}
PICKLE_RECEIVER_INTERFACE = {host}
PICKLE_RECEIVER_PORT = {pickle_port}
CACHE_QUERY_INTERFACE = {host}
CACHE_QUERY_PORT = {query_port}
MAX_CREATES_PER_MINUTE = {max_creates_per_minute}
MAX_UPDATES_PER_SECOND = inf
CARBON_METRIC_INTERVAL = 0
ENABLE_TAGS = False
LOG_UPDATES = False
LOG_CACHE_HITS = False
"""
_SCHEMAS = """\
[hourly]
pattern = ^hourly\\.
retentions = 1h:2y
[daily]
pattern = .*
retentions = 1d:25y
"""
_AGGREGATION = """\
[last]
pattern = .*
xFilesFactor = 0
aggregationMethod = last
"""
_WEB_SETTINGS = """\
SECRET_KEY = "for tests alone"
ALLOWED_HOSTS = ["*"]
CONF_DIR = "{folder}/conf"
STORAGE_DIR = "{folder}"
LOG_DIR = "{folder}/log"
WHISPER_DIR = "{folder}/whisper"
CARBONLINK_HOSTS = ["{host}:{query_port}"]
CARBON_METRIC_INTERVAL = 0
FIND_CACHE_DURATION = 0
DEFAULT_CACHE_DURATION = 0
"""


class Carbon:
    """A carbon-cache with storage of its own, that can be killed and started again.

    It keeps the last value of a day for 25 years, and of an hour for two years in metrics whose path
    begins with `hourly.`.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path, *, max_creates_per_minute: int | None = None) -> None:
        self.folder = folder
        self.port, self.pickle_port, self.query_port = free_port(), free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("conf", "log", "whisper"):
            (folder / name).mkdir()
        conf = _CONF.format(
            folder=folder,
            host=self.host,
            port=self.port,
            pickle_port=self.pickle_port,
            query_port=self.query_port,
            max_creates_per_minute=max_creates_per_minute or "inf",
        )
        (folder / "conf" / "carbon.conf").write_text(conf)
        (folder / "conf" / "storage-schemas.conf").write_text(_SCHEMAS)
        (folder / "conf" / "storage-aggregation.conf").write_text(_AGGREGATION)

    def start(self) -> None:
        """Start it, on the same ports and storage as before, and wait until it answers."""
        self._process = _started(
            [
                _program("carbon-cache.py"),
                "--debug",
                f"--config={self.folder}/conf/carbon.conf",
                f"--pidfile={self.folder}/carbon.pid",
                "start",
            ],
            self.folder / "log" / "said",
            {"GRAPHITE_ROOT": str(self.folder)},
        )
        _wait_for(self._process, self.host, self.port, self.folder / "log" / "said")

    def stop(self, *, kill: bool = False) -> None:
        """End it, if it runs. Killed, it loses what it has not written yet, a second's worth."""
        process, self._process = self._process, None
        _end(process, kill=kill)
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "carbon.pid").unlink()

    def points(self, path: str) -> dict[int, float]:
        """All that is written of a metric: timestamp → value. Nothing for one that is not there."""
        file = self.folder / "whisper" / (path.replace(".", "/") + ".wsp")
        if not file.exists():
            return {}
        whisper = _whisper()
        try:
            (start, _, step), values = whisper.fetch(str(file), 0)
        except whisper.CorruptWhisperFile:
            return {}  # carbon is just making it
        return {start + at * step: value for at, value in enumerate(values) if value is not None}

    def make(self, path: str, *archives: tuple[int, int]) -> None:
        """Make the file of a metric with archives of its own: (seconds to a point, points)."""
        file = self.folder / "whisper" / (path.replace(".", "/") + ".wsp")
        file.parent.mkdir(parents=True, exist_ok=True)
        _whisper().create(str(file), list(archives), xFilesFactor=0, aggregationMethod="last")

    def paths(self, under: str = "") -> set[str]:
        """All metrics that are written, or those whose path begins with `under` and a dot."""
        root = self.folder / "whisper"
        files = root.joinpath(*under.split(".")).rglob("*.wsp")
        return {".".join(file.relative_to(root).with_suffix("").parts) for file in files}

    def everything(self, under: str = "") -> dict[tuple[str, int], float]:
        """All that is written, or what is under a node: (path, timestamp) → value."""
        return {
            (path, timestamp): value
            for path in self.paths(under)
            for timestamp, value in self.points(path).items()
        }


class RenderApi:
    """graphite-web over the storage of a carbon. `url` is what `--render-url` takes."""

    def __init__(self, carbon: Carbon) -> None:
        self._carbon = carbon
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"http://{carbon.host}:{self.port}/render"

    def start(self) -> None:
        """Make its database and start it."""
        folder, said = self._carbon.folder, self._carbon.folder / "log" / "web"
        settings = _WEB_SETTINGS.format(
            folder=folder, host=self._carbon.host, query_port=self._carbon.query_port
        )
        (folder / "render_settings.py").write_text(settings)
        (folder / "conf" / "dashboard.conf").touch()
        environment = {
            "PYTHONPATH": str(folder),
            "GRAPHITE_ROOT": str(folder),
            "GRAPHITE_SETTINGS_MODULE": "render_settings",
            "DJANGO_SETTINGS_MODULE": "graphite.settings",
            "PYTHONWARNINGS": "ignore",
        }
        # Without the tables for accounts and events every request ends in an error.
        migrate = [_program("django-admin"), "migrate", "--run-syncdb", "--verbosity=0"]
        done = subprocess.run(
            migrate, env=os.environ | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        self._process = _started(
            [
                _program("gunicorn"),
                f"--bind={self._carbon.host}:{self.port}",
                "--workers=1",
                "--threads=4",
                "graphite.wsgi:application",
            ],
            said,
            environment,
        )
        _wait_for(self._process, self._carbon.host, self.port, said)

    def stop(self) -> None:
        """End it, if it runs."""
        process, self._process = self._process, None
        _end(process)

    def points(self, path: str, since: int, until: int) -> dict[int, float]:
        """What the API gives of a metric after `since`, up to `until`: timestamp → value."""
        query = {"target": path, "from": since, "until": until, "format": "json", "noCache": 1}
        with urllib.request.urlopen(f"{self.url}?{urllib.parse.urlencode(query)}") as answer:
            series: list[dict[str, Any]] = json.load(answer)
        return {
            timestamp: value
            for found in series
            for value, timestamp in found["datapoints"]
            if value is not None
        }


@contextlib.contextmanager
def running_carbon(*, max_creates_per_minute: int | None = None) -> Iterator[Carbon]:
    """A carbon of one's own, to be killed and started at will."""
    # Not pytest's folders: they are kept, and a metric has a file of 100 kB.
    with tempfile.TemporaryDirectory(prefix="carbon-") as folder:
        server = Carbon(Path(folder), max_creates_per_minute=max_creates_per_minute)
        try:
            server.start()
            yield server
        finally:
            server.stop(kill=True)


@pytest.fixture(scope="session")
def carbon() -> Iterator[Carbon]:
    """The carbon that all tests of a process share; nobody stops it."""
    with running_carbon() as server:
        yield server


@pytest.fixture(scope="session")
def render_api(carbon: Carbon) -> Iterator[RenderApi]:
    """The render API over the carbon that all tests of a process share."""
    api = RenderApi(carbon)
    try:
        api.start()
        yield api
    finally:
        api.stop()


@pytest.fixture
def fresh_node(carbon: Carbon) -> Iterator[str]:
    """A first node for the metric paths of one test, so that it meets no others."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    shutil.rmtree(carbon.folder / "whisper" / name, ignore_errors=True)


@cache
def _environment() -> Path:
    folder = downloads.folder("carbon")
    if not (folder / "bin" / "carbon-cache.py").exists():
        pytest.fail(downloads.missing("carbon"))
    return folder


def _program(name: str) -> str:
    return str(_environment() / "bin" / name)


@cache
def _whisper() -> ModuleType:
    """The library that reads carbon's files: one module, which needs nothing else."""
    file = next(_environment().glob("lib/python3*/site-packages/whisper.py"))
    spec = importlib.util.spec_from_file_location("whisper", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _started(
    command: list[str], said: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with said.open("ab") as file:
        # It also ends when the tests are killed.
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def _wait_for(process: subprocess.Popen[bytes], host: str, port: int, said: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection((host, port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{process.args!r} does not start:\n{said.read_text()[-2000:]}")
            time.sleep(0.02)
        else:
            return


def _end(process: subprocess.Popen[bytes] | None, *, kill: bool = False) -> None:
    if process is not None:
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()
