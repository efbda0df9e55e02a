"""One family of errors: what is wrong, where it stands, what to try, and the exit code it leads to.

`Problem` is a value, for what is collected and reported together (a configuration's mistakes).
`ReportupdaterError` is what is raised; everything that reaches a person derives from it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

_SHOWN = 60
_LONGEST_WORD = 200
_MOST_NAMED = 30

NO_THREAD = "no thread can be started"
NO_THREAD_HINT = "`ulimit -u` is how many processes and threads this user may have: raise it"
"""Where not even one is left that the program cannot do without."""

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class Result(Protocol):
    """What every command ends with: whether all is well, and the exit code of a signal, if one came."""

    @property
    def is_good(self) -> bool:
        """Whether nothing needs attention."""

    @property
    def stopped(self) -> int | None:
        """What a shell expects of a process that a signal ended."""


def exit_code(result: Result | ReportupdaterError) -> int:
    """Return the exit code of what a command ended with, be it a result or an error: the one place."""
    if isinstance(result, ReportupdaterError):
        return result.exit_code
    return result.stopped or (EXIT_OK if result.is_good else EXIT_FAILED)


class Where(NamedTuple):
    """A place in a file; lines and columns count from 1, 0 means not known."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.path]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class Severity(enum.Enum):
    """How much a problem weighs: an error takes its report, or its datapoints, out of the run."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in what a person wrote. `report` names the one report that it is about."""

    what: str
    where: Where | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR
    report: str | None = None

    def __str__(self) -> str:
        return sentence(self.what, self.where, self.hint)


def sentence(what: str, where: Where | None, hint: str) -> str:
    """Return the one form of every message: `path:line:column: what (hint)`."""
    return (f"{where}: " if where else "") + what + (f" ({hint})" if hint else "")


def shown(text: str) -> str:
    """Return a text in quotes, on one line and cut where it is long: what a message says of a value.

    >>> shown("a" * 70)[-4:]
    "aa…'"
    """
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")


def similar(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the known word most like `word`; None where none is as like as that.

    Words that no one would mistype whole are left out: comparing takes the square of their length.
    """
    import difflib

    if len(word) > _LONGEST_WORD:
        return None
    near = sorted(other for other in known if len(other) <= _LONGEST_WORD)
    return next(iter(difflib.get_close_matches(word, near, n=1, cutoff=likeness)), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like `word`, or lists some when none is."""
    words = sorted(known)
    close = similar(word, words)
    if close is not None:
        return f"did you mean {close!r}?"
    named = ", ".join(
        other if other.isprintable() and len(other) <= _SHOWN else shown(other)
        for other in words[:_MOST_NAMED]
    )
    more = len(words) - _MOST_NAMED
    return f"known are: {named}" + (f" and {more:,} more" if more > 0 else "") if words else ""


class ReportupdaterError(Exception):
    """Base of all errors that are shown without a traceback."""

    exit_code = EXIT_FAILED
    is_logged = False
    """Whether it has been logged where it was raised."""

    def __init__(self, what: str, *, where: Where | None = None, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return sentence(self.what, self.where, self.hint)


class UsageError(ReportupdaterError):
    """The command was called wrongly, or what it was called with is not there."""

    exit_code = EXIT_USAGE


class QueryError(ReportupdaterError):
    """A query or script failed by itself; asking again would fail again.

    Where `retry` is true it would not: the query only met another one at a bad moment.
    """

    def __init__(
        self, what: str, *, where: Where | None = None, hint: str = "", retry: bool = False
    ) -> None:
        super().__init__(what, where=where, hint=hint)
        self.retry = retry


class QueryTimeout(QueryError):
    """A query or script took longer than its report allows."""


class ConnectionFailed(ReportupdaterError):
    """The server could not be reached, or went away. `retry` says whether trying again may help.

    `unreachable` says that no connection could be made; the worker sets it for what `connect` raises.
    `no_room` says that the server has as many connections as it takes. `wait` are the seconds for
    which it wants to be left alone.
    """

    def __init__(
        self,
        what: str,
        *,
        hint: str = "",
        retry: bool = True,
        unreachable: bool = False,
        no_room: bool = False,
        wait: float = 0.0,
    ) -> None:
        super().__init__(what, hint=hint)
        self.retry = retry
        self.unreachable = unreachable
        self.no_room = no_room
        self.wait = wait


class Interrupted(ReportupdaterError):
    """A query was stopped because the run is ending. Not a failure of the query."""


class ResultError(ReportupdaterError):
    """A result that must not be stored: it breaks a rule that every TSV keeps."""


class TsvError(ReportupdaterError):
    """A stored TSV that cannot be read or merged into."""


class StateError(ReportupdaterError):
    """The state of an output folder cannot be used."""


def error_text(error: Exception) -> str:
    """Return an error in the words that follow the name of what it is about."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
