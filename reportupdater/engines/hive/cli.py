"""Sessions that run a site's own command for Hive, `hive` or `beeline`, once for each query."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from reportupdater.credentials import creds_file
from reportupdater.engines.base import CONNECT_TIMEOUT
from reportupdater.engines.hive import errors
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.statements import READING, first_word, statements, use
from reportupdater.engines.shared.hiding import Hidden
from reportupdater.engines.shared.process import Ended, Programs, lines
from reportupdater.engines.shared.values import too_many_rows
from reportupdater.errors import ConnectionFailed, QueryError, ReportupdaterError, ResultError
from reportupdater.model import Query, Table
from reportupdater.redaction import Redaction

_TAIL = 65_536
"""Bytes of standard error that are kept: the cause stands above a Java stack."""

_SHOWN = 5
"""Lines of standard error that an error shows."""

_HEADER = "hive.cli.print.header"
"""The setting without which `hive` prints no names of columns."""

_PROMPT = re.compile(r"(?:\r(?:null)? *|\d+: jdbc:[^>\t]*> |(?:\. ?)+> )+")
"""What beeline now and then writes before a line, even with `--silent`."""

_BETWEEN_NULS = r"\0(?P<between>[^\0]*)\0|(?P<bare>[^\t]*)"
_FIELD = re.compile(_BETWEEN_NULS)
"""A field that holds a tab, which beeline puts between NULs; or a bare one, quotes and all."""
_QUOTED_FIELD = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"(?=\t|$)|' + _BETWEEN_NULS)
"""The same where the output is quoted: a field may be in quotes."""

_QUOTING = re.compile(r"-Ddisable\.quoting\.for\.sv=(\w+)")
"""The property of Java that makes beeline quote fields, where it is `false`."""
_OPTIONS = "HADOOP_CLIENT_OPTS"
"""The environment variable with properties for beeline."""

_ZERO = re.compile(r"-?0E-([1-9][0-9]?)")
"""A decimal that is zero, with its places."""

_UNREACHED = re.compile(r"Could not open (?:client transport|connection)|No current connection")
_CAUSE = re.compile(r"Error: |FAILED: |Exception in thread ")

_log = logging.getLogger(__name__)


class CliSession:
    """Runs one command at a time; each opens a session of its own on the server."""

    connect_timeout = CONNECT_TIMEOUT
    progress = ""

    def __init__(self, entry: HiveDatabase) -> None:
        self._entry = entry
        self._name = Path(entry.command[0]).name
        self._programs = Programs(self._name, tail=_TAIL)

    @property
    def connected(self) -> bool:
        """Always: the command itself connects."""
        return True

    def connect(self) -> None:
        """Nothing to do."""
        with self._programs.calls:
            pass

    def run(self, query: Query, *, max_rows: int, timeout: float) -> Table:
        """Return what the command printed. Raises QueryError, ConnectionFailed or ResultError."""
        texts = statements(query.text)
        if not texts:
            raise QueryError("the query is empty")
        if query.database is not None:
            texts.insert(0, use(query.database))
        mark = f"reportupdater_{secrets.token_hex(8)}"
        text, preceding = script(texts, mark)
        with (
            self._programs.calls,
            _file(text) as file,
            self._programs.output() as output,
        ):
            ended = self._programs.run(self._command(file.name), output)
            hidden, of_command = _hidden(self._entry), Redaction(self._entry.command)
            ended = replace(ended, said=[of_command(hidden(line)) for line in ended.said])
            for line in ended.said:
                _log.debug("%s: %s", self._name, line)
            if ended.status != 0:
                raise self._failed(ended)
            try:
                return table(output, mark, preceding, max_rows, quoted=self._quoted)
            except NoTableError:
                # beeline ends well where it could not even connect.
                if any(_CAUSE.match(line) for line in ended.said):
                    raise self._failed(ended) from None
                raise
            except ResultError as error:
                hidden.clean(error)
                raise

    def cancel(self) -> None:
        """End the command: SIGTERM, on which it stops its query; then SIGKILL."""
        self._programs.calls.cancel()

    def close(self) -> None:
        """Nothing to do: `run` leaves nothing behind."""

    @property
    def _quoted(self) -> bool:
        """Whether fields are printed in quotes where they need them."""
        if self._entry.quoted is not None:
            return self._entry.quoted
        words = [os.environ.get(_OPTIONS, ""), *self._entry.command]
        said = [found for word in words for found in _QUOTING.findall(word)]
        return bool(said) and said[-1].lower() == "false"

    def _command(self, path: str) -> list[str]:
        command = list(self._entry.command)
        settings = dict(self._entry.settings)
        if self._name == "hive" and not any(_HEADER in word for word in command):
            settings.setdefault(_HEADER, "true")
        for key, text in settings.items():
            command += ["--hiveconf", f"{key}={text}"]
        return [*command, "-f", path]

    def _failed(self, ended: Ended) -> ReportupdaterError:
        """Return the error for a command that did not end well: its cause, then its last lines."""
        said = [line for line in ended.said if not errors.STACK.match(line)]
        first = next((at for at, line in enumerate(said) if _CAUSE.match(line)), len(said) - 1)
        everything = "\n".join(ended.said)
        cause = errors.of_vertex(everything) or errors.first_line("\n".join(said[max(first, 0) :]))
        what = f"{self._name} {ended.ending if ended.status else 'failed'}: {cause}"
        what += "".join(f"\n    {line}" for line in said[-_SHOWN:] if cause not in line)
        if _UNREACHED.search(everything):
            hint = errors.login_hint(everything)
            return ConnectionFailed(
                what,
                hint=hint or "does the server run? check `command`",
                retry=not hint,
                unreachable=True,
            )
        error = errors.of_server(everything, self._name)
        if isinstance(error, ConnectionFailed):
            return ConnectionFailed(what)
        return QueryError(what, hint=error.hint or ended.hint)


def _hidden(entry: HiveDatabase) -> Hidden:
    """Return what hides the login that the entry names, should the command use it as well."""
    stored = creds_file.Login()
    if entry.creds_file is not None:
        with contextlib.suppress(ConnectionFailed):
            stored = creds_file.read(entry.creds_file)
    password = os.environ.get(entry.password_env) if entry.password_env else None
    return Hidden(stored.username, password or stored.password)


@contextlib.contextmanager
def _file(text: str) -> Iterator[IO[bytes]]:
    """Give a temporary file for the command to read.

    Raises QueryError where there is no place for it.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(
                tempfile.NamedTemporaryFile(prefix="reportupdater-", suffix=".hql")
            )
            file.write(text.encode())
            file.flush()
        except OSError as error:
            raise QueryError(
                f"the query cannot be put into a file for the command: {error.strerror}",
                hint=f"make room in {tempfile.gettempdir()}, or name another folder in TMPDIR",
            ) from error
        yield file


def script(texts: list[str], mark: str) -> tuple[str, int]:
    """Return the file for the command, and how many marks precede the table in what it prints.

    The table is that of the last statement that reads. What others print, and most print nothing,
    is kept apart from it by a query that gives the mark: as a header and as a row.
    """
    reading = [at for at, text in enumerate(texts) if first_word(text) in READING]
    at = reading[-1] if reading else len(texts) - 1
    texts = [_placed(text) for text in texts]
    marking = [f"SELECT '{mark}' AS `{mark}`"]
    before = [*texts[:at], *marking] if at else []
    after = [*marking, *texts[at + 1 :]] if texts[at + 1 :] else []
    return "".join(f"{text};\n" for text in [*before, texts[at], *after]), 2 if at else 0


def _placed(text: str) -> str:
    r"""Return a statement in the lines that it has in the file, for the positions in errors.

    beeline takes out empty lines, and all that precede a statement; so they come after its first
    word, with a blank in each.

    >>> _placed("\n\nSELECT 1")
    'SELECT\n \n       1'
    """
    statement = text.lstrip("\n")
    above = len(text) - len(statement)
    word = re.match(r"\w+(?=\s)", statement)
    if not above or not word:
        return statement
    rest = statement[word.end() :]
    indent = "" if rest[0] == "\n" else " " * len(word[0])
    lines = "\n ".join([""] * above) + "\n" + indent
    return word[0] + lines + rest


class NoTableError(ResultError):
    """Nothing was printed that is a table."""


def table(
    output: Iterable[bytes], mark: str, preceding: int, max_rows: int, *, quoted: bool = False
) -> Table:
    """Return the printed table: a header line, then rows; a field NULL is empty.

    Where the output is `quoted`, fields in quotes lose them, and one that is NULL is that word. It
    lies after so many `preceding` marks, and before the next. Raises ResultError.
    """
    header: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    for line in lines(output):
        prompt = _PROMPT.match(line)
        text = line[prompt.end() if prompt else 0 :].removesuffix("\n")
        if text == mark:
            preceding -= 1
        elif preceding == 0 and header:
            row = _row(text, quoted=quoted)
            rows.append(_with_plain_zeros(row) if "0E-" in text else row)
        elif preceding == 0 and text:
            header = tuple(text.split("\t"))
        if len(rows) > max_rows + 1:  # the last line may be a blank one
            break
    while rows and rows[-1] == ("",):
        rows.pop()
    if not header:
        raise NoTableError(
            "the query gave no table", hint="one of its statements must give rows, under a header"
        )
    if header[0].startswith(("+-", "| ")):
        raise ResultError(
            f"the table is drawn with lines: {header[0][:40]}",
            hint="add to `command`: --silent=true --outputformat=tsv2 --showHeader=true",
        )
    if len(rows) > max_rows:
        raise too_many_rows(max_rows)
    return Table(header, rows)


def _with_plain_zeros(row: tuple[str, ...]) -> tuple[str, ...]:
    """Return a row with `0.00` for `0E-2`, which is how commands print a decimal that is zero.

    They print no types; nothing but a decimal has that form, whatever other numbers look like.
    """
    return tuple(
        [f"0.{'0' * int(zero[1])}" if (zero := _ZERO.fullmatch(field)) else field for field in row]
    )


def _row(text: str, *, quoted: bool) -> tuple[str, ...]:
    if "\0" not in text and not (quoted and '"' in text):
        return tuple(["" if field == "NULL" else field for field in text.split("\t")])
    pattern = _QUOTED_FIELD if quoted else _FIELD
    fields = []
    at = -1
    while at < len(text):
        match = pattern.match(text, at + 1)
        assert match is not None  # it matches nothing, too
        found = match.groupdict()
        if found.get("quoted") is not None:
            fields.append(found["quoted"].replace('""', '"'))
        elif found["between"] is not None:
            fields.append(found["between"])
        else:
            fields.append("" if found["bare"] == "NULL" else found["bare"])
        at = match.end()
    return tuple(fields)
