"""Fixtures that all tests can ask for. Each kind of server has its module in `tests/servers/`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ENVIRONMENT
from tests.machine import Child
from tests.servers.carbon import carbon, fresh_node, render_api
from tests.servers.hive import hive, hive_beeline
from tests.servers.kerberos import realm
from tests.servers.mariadb import fresh_database, mariadb
from tests.servers.people import people
from tests.servers.spark import beeline, spark
from tests.servers.stores import prometheus, victoria

__all__ = [
    "beeline",
    "carbon",
    "fresh_database",
    "fresh_node",
    "hive",
    "hive_beeline",
    "mariadb",
    "people",
    "prometheus",
    "realm",
    "render_api",
    "spark",
    "victoria",
]

# Some tests try the benchmarks. They come last, so that an installed package is the one that is tested.
sys.path.append(str(Path(__file__).parents[1]))

# A Spark or a Hive takes seconds to start, and half a gigabyte. With `pytest -n`, one process runs the
# tests that share one, and one those that start some of their own.
_TOGETHER = {
    "hive/test_kerberos.py": "other sparks",
    "hive/test_servers.py": "other sparks",
    "test_apache": "hive",
    "[hive": "hive",
    "engines/hive/": "spark",
    "test_hive": "spark",
    "[spark": "spark",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests must run in one process. xdist's own groups are lost on some versions of pytest."""
    from xdist.scheduler import LoadScopeScheduling

    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = lambda nodeid: next(
        (group for word, group in _TOGETHER.items() if word in nodeid), nodeid
    )
    return scheduling


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An empty output folder."""
    folder = tmp_path / "output"
    folder.mkdir()
    return folder


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Starts Python code in a process, which is killed in the end; it says what it prints."""
    with ExitStack() as stack:

        def start(code: str, *arguments: object) -> Child:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *map(str, arguments)],
                env=ENVIRONMENT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
