"""Where the log goes, and how much of it."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator

import pytest

from reportupdater.errors import Problem, Severity, Where
from reportupdater.terminal import log


@pytest.fixture
def _in_tokyo() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_in_tokyo")
def test_the_log_goes_to_standard_error_with_time_in_utc_and_level(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.set_up("info")
    monkeypatch.setattr("time.time", lambda: 1420167845.5)
    logging.getLogger("reportupdater.x").info("done: %d", 5)
    assert capsys.readouterr() == ("", "2015-01-02T03:04:05Z INFO done: 5\n")


@pytest.mark.parametrize("level", log.LEVELS)
def test_only_what_weighs_enough_is_told(level: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up(level)
    for name in log.LEVELS:
        logging.getLogger("x").log(logging.getLevelName(name.upper()), name)
    told = re.findall(r"Z [A-Z]+ ([a-z]+)\n", capsys.readouterr().err)
    assert told == list(log.LEVELS[log.LEVELS.index(level) :])


def test_set_up_twice_tells_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    log.set_up("info")
    log.set_up("warning")
    logging.getLogger("x").warning("once")
    assert capsys.readouterr().err.count("once") == 1


def test_problems_are_told_at_the_level_of_their_severity(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    where = Where("config.yaml", 12, 7)
    log.log_problems(
        [
            Problem("unknown key 'startz' 100%", where, "did you mean 'starts'?"),
            Problem("unknown key 'x'", where, severity=Severity.WARNING),
            Problem("`frequency` is ignored", severity=Severity.NOTICE),
        ]
    )
    assert caplog.record_tuples == [
        (
            "reportupdater",
            logging.ERROR,
            "config.yaml:12:7: unknown key 'startz' 100% (did you mean 'starts'?)",
        ),
        ("reportupdater", logging.WARNING, "config.yaml:12:7: unknown key 'x'"),
        ("reportupdater", logging.INFO, "`frequency` is ignored"),
    ]
