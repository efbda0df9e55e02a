"""Running programs and taking their time and memory."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]

# Nobody's own settings, and compiled modules are kept, as they are where a program is installed.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
} | {"HOME": "/nonexistent"}


@dataclass(frozen=True)
class Cost:
    """What a program took: seconds by the clock, seconds of processor, megabytes at its peak."""

    seconds: float
    processor: float
    megabytes: float


@dataclass(frozen=True)
class Figure:
    """A line of the table: a ratio, seconds, or megabytes, and what it shall not exceed."""

    case: str
    against: str
    wanted: float
    found: float
    megabytes: float = 0.0
    processor: float = 0.0
    """The same of processor time, which tells more than the clock's on a machine that is busy."""

    @property
    def holds(self) -> bool:
        """Whether it is as wanted."""
        return self.found <= self.wanted


def run(command: Command, code: int = 0) -> Cost:
    """Run a program that must end with this exit code."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
        )
        # Not `ru_maxrss`: that of a child begins with what its parent had.
        kilobytes = 0
        while True:
            peak = re.search(r"VmHWM:\s+(\d+)", _status(process.pid))
            kilobytes = max(kilobytes, int(peak[1]) if peak else 0)  # none once it has ended
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.002)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != code:
            output.seek(0)
            said = output.read().decode()[-3000:]
            sys.exit(f"{command} ended with {process.returncode}:\n{said}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, kilobytes / 1024)


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def medians(first: Callable[[], Cost], second: Callable[[], Cost], times: int) -> tuple[Cost, Cost]:
    """The medians of both, run in turns, so that what slows the machine slows both."""
    pairs = [(first(), second()) for _ in range(times)]
    return _median([one for one, _ in pairs]), _median([other for _, other in pairs])


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.processor for cost in costs),
        max(cost.megabytes for cost in costs),
    )
