"""The engine for scripts: programs on this host that print a table."""

from __future__ import annotations

import contextlib
import csv
import errno
import logging
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from reportupdater.engines.base import Session
from reportupdater.engines.calls import Calls
from reportupdater.engines.values import too_many_rows
from reportupdater.errors import QueryError, ResultError
from reportupdater.model import Query, Server, Table, Task

MAX_OUTPUT = 2**30
"""Bytes that a script may print."""

TERM_PATIENCE = 2.0
"""Seconds between SIGTERM and SIGKILL for a script that is cancelled."""

_LAST_WORDS = 2.0
"""Seconds that children which hold standard output have when the script itself has ended."""

_READ = 65_536
"""Bytes read at once: all that a pipe can hold."""

_IN_MEMORY = 2**20
"""Bytes of output that are kept in memory; what is longer goes to a temporary file."""

_TAIL = 2048
"""Bytes of standard error that are shown."""

_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Colours and other commands to a terminal, and single control characters."""

_log = logging.getLogger(__name__)

csv.field_size_limit(sys.maxsize)  # one for the whole process; 128 KiB is too little for a cell


class ScriptEngine:
    """Scripts run on this host, in the caller's environment and working directory."""

    def server(self, task: Task) -> Server:
        """This host."""
        return Server("script", "localhost")

    def query(self, task: Task) -> Query:
        """The command: script, start, end, the dimensions' values, the script's folder."""
        report = task.series.report
        script = report.execute
        command = (str(script), task.start, task.end, *task.series.values, str(script.parent))
        return Query(shlex.join(command), command=command)

    def session(self, task: Task) -> Session:
        """A session for any script."""
        return ScriptSession()

    def access(self, task: Task) -> object:
        """The same for all: there is nothing to log in to."""
        return "localhost"

    def has_side_effects(self, task: Task) -> bool:
        """Nobody knows what a script does."""
        return True


class ScriptSession:
    """Runs one script at a time, each in a process group of its own."""

    def __init__(self) -> None:
        self._calls = Calls(self._stop, lambda: None)
        self._lock = threading.Lock()  # no signal may be sent to a group that has been reaped
        self._group: int | None = None

    @property
    def connected(self) -> bool:
        """Always: there is nothing to connect to."""
        return True

    def connect(self) -> None:
        """Nothing to do."""
        with self._calls:
            pass

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """What the script printed. Raises QueryError, ResultError or, when cancelled, ConnectionFailed."""
        with self._calls, tempfile.SpooledTemporaryFile(_IN_MEMORY) as output:
            status, said = self._execute(query.command, output)
            if status != 0:
                raise _failed(status, said)
            if said:
                _log.debug("%s wrote to standard error: %s", query.text, " / ".join(said))
            output.seek(0)
            return table(output, max_rows)

    def cancel(self) -> None:
        """End the script and its children: SIGTERM, then SIGKILL."""
        self._calls.cancel()

    def close(self) -> None:
        """Nothing to do: `run` leaves nothing behind."""

    def _execute(
        self, command: tuple[str, ...], output: tempfile.SpooledTemporaryFile[bytes]
    ) -> tuple[int, list[str]]:
        """The exit status (negative for a signal) and the end of standard error."""
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise _not_started(Path(command[0]), error) from error
        with process:
            self._group = process.pid
            try:
                if self._calls.cancelled:  # before there was anything to send a signal to
                    self._signal(signal.SIGTERM)
                said = _collect(process, output, self._calls)
            finally:
                # Before it is reaped: until then, the number of its group is surely its own.
                self._signal(signal.SIGKILL)
                with self._lock:
                    self._group = None
        return process.returncode, _shown(said)

    def _stop(self, call: int) -> None:
        self._calls.during(call, lambda: self._signal(signal.SIGTERM))
        patience = TERM_PATIENCE
        while not self._calls.ended(call, within=patience):
            self._calls.during(call, lambda: self._signal(signal.SIGKILL))
            patience = 0.1

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self._group is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._group, number)


def _collect(
    process: subprocess.Popen[bytes],
    output: tempfile.SpooledTemporaryFile[bytes],
    calls: Calls,
) -> bytes:
    """Take what the script writes until it has ended; the end of standard error.

    Standard output is also read for as long as its children write to it, such as a `tee` in a
    process substitution, for `_LAST_WORDS`. Raises ResultError for endless output, QueryError
    for output that has not come to its end then, or that there is no place to keep.
    """
    if process.stdout is None or process.stderr is None:
        raise TypeError("the script's outputs are no pipes")
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
            left = None if deadline is None else (deadline - time.monotonic()) * 1000
            for descriptor, _ in poll.poll(left):
                if descriptor == ending:
                    deadline = time.monotonic() + (0 if calls.cancelled else _LAST_WORDS)
                    poll.unregister(ending)
                    continue
                data = os.read(descriptor, _READ)
                if not data:
                    poll.unregister(descriptor)
                    closed = closed or descriptor == printed
                elif descriptor == printed:
                    size += len(data)
                    _keep(data, output, size)
                    late = deadline is not None
                else:
                    tail = (tail + data)[-_TAIL:]
    finally:
        os.close(ending)
    if late and not closed:
        raise QueryError(
            "the script ended while its children were still printing",
            hint="let it wait for them",
        )
    return tail


def _keep(data: bytes, output: tempfile.SpooledTemporaryFile[bytes], size: int) -> None:
    if size > MAX_OUTPUT:
        raise ResultError(
            f"the script printed more than {MAX_OUTPUT:,} bytes",
            hint="does it print in an endless loop?",
        )
    try:
        output.write(data)
    except OSError as error:
        raise QueryError(
            f"cannot keep the script's output: {error.strerror}",
            hint=f"is there room in {tempfile.gettempdir()}? TMPDIR names another folder",
        ) from None


def table(output: Iterable[bytes], max_rows: int) -> Table:
    """A printed table: a header line, then rows, as Python's csv writes them in its `excel-tab` form.

    Empty lines at the end are left out; one elsewhere is a row without fields. Raises ResultError.
    """
    reader = csv.reader(_lines(output), "excel-tab", strict=True)
    rows: list[tuple[str, ...]] = []
    try:
        header = tuple(next(reader, ()))
        for row in reader:
            rows.append(tuple(row))
            if len(rows) > max_rows:
                raise too_many_rows(max_rows)
    except csv.Error as error:
        raise ResultError(
            f"line {reader.line_num} of the output is no TSV: {error}",
            hint="fields are quoted as by Python's csv module in its excel-tab form",
        ) from None
    while rows and not rows[-1]:
        rows.pop()
    if not header:
        what = "the first line is empty" if rows else "it printed nothing"
        raise ResultError(f"{what}: a header line is expected", hint="print one in any case")
    return Table(header, rows)


def _lines(output: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(output, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ResultError(
                f"line {number} of the output is not UTF-8 ({error.reason})"
            ) from None


def _shown(said: bytes) -> list[str]:
    """The lines of what was written to standard error, fit to be shown."""
    text = _UNPRINTABLE.sub("", said.decode("utf-8", "replace").replace("\r", "\n"))
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _failed(status: int, said: list[str]) -> QueryError:
    """The error for a script that did not end well. What it said last comes first: it names the cause."""
    if status < 0:
        try:
            ending = f"was ended by {signal.Signals(-status).name}"
        except ValueError:
            ending = f"was ended by signal {-status}"
    else:
        ending = f"ended with exit code {status}"
    what = f"the script {ending}: " + (said[-1] if said else "it wrote nothing to standard error")
    if len(said) > 1:
        what += "\n" + "\n".join(f"    {line}" for line in said[:-1])
    return QueryError(what, hint=_ending_hint(status))


def _ending_hint(status: int) -> str:
    if status == 127:
        return f"a command was not found; PATH is {os.environ.get('PATH', 'not set')}"
    if status == -signal.SIGKILL:
        return "is this host short of memory?"
    return ""


def _not_started(script: Path, error: Exception) -> QueryError:
    code = error.errno if isinstance(error, OSError) else None
    hint = ""
    if code == errno.ENOEXEC:
        hint = "its first line must name what runs it, such as #!/usr/bin/env python3"
    elif code == errno.EACCES:
        hint = f"chmod +x {shlex.quote(str(script))}"
    elif code == errno.ENOENT and script.exists():
        hint = "what its first line names is not on this host, or that line ends in CR LF"
    return QueryError(f"cannot run {script}: {os.strerror(code) if code else error}", hint=hint)
