"""Programs of this host: run one at a time, their output kept, stopped with all their children."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reportupdater import executable
from reportupdater.engines.shared.calls import Calls
from reportupdater.errors import NO_THREAD_HINT, QueryError, ResultError

MAX_OUTPUT = 2**28
"""Bytes that a program may print."""

MAX_LINE = 2**26
"""Bytes of a line that it prints; while it is taken apart, it needs ten times its room."""

TERM_PATIENCE = 2.0
"""Seconds between SIGTERM and SIGKILL for a program that is cancelled."""

_LAST_WORDS = 2.0
"""Seconds that children which hold standard output have when the program itself has ended."""

_READ = 65_536
"""Bytes read at once: all that a pipe can hold."""

_IN_MEMORY = 2**20
"""Bytes of output that are kept in memory; what is longer goes to a temporary file."""

_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Colours and other commands to a terminal, and single control characters."""

Output = tempfile.SpooledTemporaryFile[bytes]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and the last lines it wrote to standard error, fit to be shown."""

    status: int
    """Its exit code, or the negative number of the signal that ended it."""
    said: list[str]

    @property
    def ending(self) -> str:
        """The status in words."""
        if self.status >= 0:
            return f"ended with exit code {self.status}"
        try:
            return f"was ended by {signal.Signals(-self.status).name}"
        except ValueError:
            return f"was ended by signal {-self.status}"

    @property
    def hint(self) -> str:
        """What such a status often comes from."""
        if self.status == 127:
            return f"a command was not found; PATH is {os.environ.get('PATH', 'not set')}"
        if self.status == -signal.SIGKILL:
            return "is this host short of memory?"
        return ""


class Programs:
    """Runs programs one after the other, each in a process group of its own.

    Each stands within `with calls`, which is what cancels it: SIGTERM, then SIGKILL.
    `called` is what messages call them, and `tail` how many bytes of standard error are kept.
    """

    def __init__(self, called: str, *, tail: int = 2048) -> None:
        self.calls = Calls(self._stop, lambda: None)
        self._called = called
        self._tail = tail
        self._lock = threading.Lock()  # no signal may be sent to a group that has been reaped
        self._group: int | None = None

    @contextlib.contextmanager
    def output(self) -> Iterator[Output]:
        """Give a file for what a program prints, gone when it is closed."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            yield file

    def run(self, command: Sequence[str], output: Output, given: IO[bytes] | None = None) -> Ended:
        """Run a program until it ends; what it prints is in `output`, to be read from its start.

        `given` is the file that it reads on standard input. Raises QueryError where it cannot be
        run, or its output not be kept; ResultError for endless output.
        """
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if given is None else given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _not_started(Path(command[0]), error) from error
        with process:
            self._group = process.pid
            try:
                if self.calls.cancelled:  # before there was anything to send a signal to
                    self._signal(signal.SIGTERM)
                said, is_whole = self._collect(process, output)
            finally:
                # Before it is reaped: until then, the number of its group is surely its own.
                self._signal(signal.SIGKILL)
                with self._lock:
                    self._group = None
        if process.returncode == 0 and not is_whole:
            raise QueryError(
                f"{self._called} has ended, and a process that it started holds its standard output",
                hint="let it wait for what it put into the background, or send the output of that"
                " elsewhere: COMMAND >/dev/null &",
            )
        output.seek(0)
        return Ended(process.returncode, _shown(said))

    def _stop(self, call: int) -> None:
        self.calls.during(call, lambda: self._signal(signal.SIGTERM))
        patience = TERM_PATIENCE
        while not self.calls.ended(call, within=patience):
            self.calls.during(call, lambda: self._signal(signal.SIGKILL))
            patience = 0.1

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._group is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._group, number)

    def _collect(self, process: subprocess.Popen[bytes], output: Output) -> tuple[bytes, bool]:
        """Take what the program writes until it has ended.

        Returns the end of standard error, and whether standard output has come to its end: that is
        also read for as long as its children hold it, such as a `tee` in a process substitution,
        for `_LAST_WORDS`. Raises ResultError for endless output, QueryError for output that is
        still being written then, or that there is no place to keep.
        """
        if process.stdout is None or process.stderr is None:
            raise TypeError(f"the outputs of {self._called} are no pipes")
        printed, messages = process.stdout.fileno(), process.stderr.fileno()
        ending = os.pidfd_open(process.pid)
        poll = select.poll()
        for descriptor in (printed, messages, ending):
            poll.register(descriptor, select.POLLIN)
        size, tail = 0, b""
        closed = late = False
        deadline: float | None = None
        try:
            while deadline is None or not (closed or time.monotonic() >= deadline):
                left = None  # a negative one would be without end, too
                if deadline is not None:
                    left = max(0.0, deadline - time.monotonic()) * 1000
                for descriptor, _ in poll.poll(left):
                    if descriptor == ending:
                        deadline = time.monotonic() + (0 if self.calls.cancelled else _LAST_WORDS)
                        poll.unregister(ending)
                        continue
                    data = os.read(descriptor, _READ)
                    if not data:
                        poll.unregister(descriptor)
                        closed = closed or descriptor == printed
                    elif descriptor == printed:
                        size += len(data)
                        self._keep(data, output, size)
                        late = deadline is not None
                    else:
                        tail = (tail + data)[-self._tail :]
        finally:
            os.close(ending)
        if late and not closed:
            raise QueryError(
                f"{self._called} ended while its children were still printing",
                hint="let it wait for them",
            )
        return tail, closed

    def _keep(self, data: bytes, output: Output, size: int) -> None:
        if size > MAX_OUTPUT:
            raise ResultError(
                f"{self._called} printed more than {MAX_OUTPUT:,} bytes",
                hint="does it print in an endless loop?",
            )
        try:
            output.write(data)
        except OSError as error:
            raise QueryError(
                f"cannot keep {self._called}'s output: {error.strerror}",
                hint=f"is there room in {tempfile.gettempdir()}? TMPDIR names another folder",
            ) from None


def lines(output: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of what a program printed, with their ends. Raises ResultError."""
    for number, line in enumerate(output, 1):
        if len(line) > MAX_LINE:
            raise ResultError(
                f"line {number} of the output is longer than {MAX_LINE:,} bytes",
                hint="does it print what is no text?",
            )
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ResultError(
                f"line {number} of the output is not UTF-8 ({error.reason})"
            ) from None


def _shown(said: bytes) -> list[str]:
    """Return the lines of what was written to standard error, fit to be shown."""
    text = _UNPRINTABLE.sub("", said.decode("utf-8", "replace").replace("\r", "\n"))
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _not_started(program: Path, error: Exception) -> QueryError:
    code = error.errno if isinstance(error, OSError) else None
    hint = ""
    if code == errno.ENOEXEC:
        hint = "its first line must name what runs it, such as #!/usr/bin/env python3"
    elif code == errno.EAGAIN:
        hint = NO_THREAD_HINT
    elif code == errno.EACCES:
        hint = executable.hint(program)
    elif code == errno.ENOENT and program.exists():
        hint = "what its first line names is not on this host, or that line ends in CR LF"
    elif code == errno.ENOENT and program.name == str(program):
        hint = f"it is not in PATH, which is {os.environ.get('PATH', 'not set')}"
    return QueryError(f"cannot run {program}: {os.strerror(code) if code else error}", hint=hint)
