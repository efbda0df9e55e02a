"""Files with a login: option files of the MySQL client, of which a client's groups are read.

No message quotes a file: a password may be anywhere in one that is damaged.
"""

from __future__ import annotations

import logging
import os
import shlex
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reportupdater.credentials import option_file
from reportupdater.credentials.option_file import Broken, Include, Option
from reportupdater.errors import ConnectionFailed, Where

GROUPS = frozenset({b"client", b"client-server", b"client-mariadb"})
"""What every client program reads, whichever it is; in small letters."""

_LOGIN = ("user", "password", "socket", "protocol")
_TLS = (
    *("ssl", "ssl-mode", "ssl-ca", "ssl-capath", "ssl-cert", "ssl-key", "ssl-cipher", "ssl-crl"),
    *("ssl-verify-server-cert", "tls-version"),
)
_NAMES = _LOGIN + _TLS

_PREFIXES = ("loose", "skip", "disable", "enable", "maximum", "autoset")

_SHORTEST = 3
"""Letters of an abbreviation; a shorter one may be of any other option, too."""

_DEEPEST = 10
"""Files above an included one, the first being 0; the clients pass over deeper directives."""

_MOST_FILES = 200
"""Files that one may include, so that two folders cannot include each other without end."""

_LARGEST = 2**20
"""Bytes of a file."""

_log = logging.getLogger(__name__)

_looked_at: set[Path] = set()
_looking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Given:
    """An option that a file gives, by its full name; an empty one is that of an unknown TLS option.

    `value` is None for a line without one. `off` says that a prefix (`skip-`) negates it.
    """

    name: str
    value: bytes | None = field(repr=False)
    off: bool
    where: Where


@dataclass(frozen=True, slots=True)
class Options:
    """What the groups of a client give, as far as it matters here; the last line of a name counts.

    Texts are bytes, as the server is sent them. `tls` are all lines about TLS, in their order.
    """

    user: bytes | None = field(default=None, repr=False)
    password: bytes | None = field(default=None, repr=False)
    socket: bytes | None = field(default=None, repr=False)
    protocol: bytes | None = field(default=None, repr=False)
    tls: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password, as far as they are known."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)


def read(path: Path) -> Login:
    """Return the login in an option file, for servers that take it as text. Raises ConnectionFailed."""
    given = options(path)
    try:
        return Login(
            given.user.decode() if given.user else None,
            None if given.password is None else given.password.decode(),
        )
    except UnicodeDecodeError:
        raise damaged(Where(str(path)), "user or password is not UTF-8") from None


def options(path: Path) -> Options:
    """Return what an option file gives a client. Raises ConnectionFailed."""
    last: dict[str, bytes | None] = {}
    tls = []
    for given in _Reading().given(path):
        if given.name not in _LOGIN:
            tls.append(given)
        elif given.value is not None or given.name == "password":
            last[given.name] = b"" if given.off else given.value
        elif not given.off:
            raise damaged(given.where, f"`{given.name}` without a value")
    return Options(**last, tls=tuple(tls))


def damaged(where: Where, kind: str) -> ConnectionFailed:
    """Return the error for an option file that cannot be used; `kind` is the kind of its line."""
    return ConnectionFailed(
        f"{where}: cannot be used as creds_file: {kind}",
        hint="it is an option file: [client], then lines like user=… and password=…",
        retry=False,
    )


class _Reading:
    """One reading of a file and of all that it includes."""

    def __init__(self) -> None:
        self._files = 0

    def given(self, path: Path) -> Iterator[Given]:
        """Yield all that counts, in the order of its lines. Raises ConnectionFailed."""
        try:
            content = _content(path)
        except OSError as error:
            raise _unreadable(path, error) from None
        yield from self._lines(str(path), content, 0)

    def _lines(self, name: str, content: bytes, depth: int) -> Iterator[Given]:
        self._files += 1
        try:
            for found in option_file.lines(content):
                where = Where(name, found.line)
                if isinstance(found, Include):
                    yield from self._included(found, where, depth + 1)
                elif found.group.lower() in GROUPS and (given := _given(found, where)):
                    yield given
        except Broken as error:
            raise damaged(Where(name, error.line), error.what) from None

    def _included(self, include: Include, where: Where, depth: int) -> Iterator[Given]:
        """Yield what a directive brings.

        A file that is not there is passed over, as the clients do.
        """
        if depth > _DEEPEST:
            _log.debug("%s: passed over, since files include each other too deeply", where)
            return
        for path in _included_paths(include, where):
            if self._files > _MOST_FILES:
                raise damaged(where, f"it includes more than {_MOST_FILES} files")
            try:
                content = _content(path)
            except OSError as error:
                _log.debug("%s: cannot read what is included: %s", where, error.strerror)
                continue
            yield from self._lines(_shown(path), content, depth)


def _included_paths(include: Include, where: Where) -> list[Path]:
    path = Path(os.path.expanduser(os.fsdecode(include.path)))
    if not include.folder:
        return [path]
    try:
        names = sorted(os.listdir(os.fsencode(path)))
    except OSError as error:
        raise damaged(where, f"cannot read the included folder: {error.strerror}") from None
    return [path / os.fsdecode(name) for name in names if name.endswith(b".cnf")]


def _content(path: Path) -> bytes:
    """Return the content of a file. Warns of one that every user can read. Raises OSError."""
    with open(os.path.expanduser(path), "rb", opener=_without_waiting) as file:
        mode = os.fstat(file.fileno()).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
            raise OSError(0, "it is no file")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(0, f"it has more than {_LARGEST:,} bytes")
    _warn(path, mode)
    return content


def _without_waiting(path: str, flags: int) -> int:
    # Opening a pipe would wait for its writer.
    return os.open(path, flags | os.O_NONBLOCK)


def _given(option: Option, where: Where) -> Given | None:
    """Return an option by its full name; None for one that does not matter here."""
    name = option.name.lower().replace(b"_", b"-").decode("ascii", "replace")
    prefix, loose = "", False
    while (known := _full(name)) is None:
        before, hyphen, after = name.partition("-")
        if not hyphen or before not in _PREFIXES:
            break
        # Of several, the last one counts; but whatever is loose need not be known.
        name, prefix, loose = after, before, loose or before == "loose"
    if known is None and (loose or not name.startswith(("ssl", "tls"))):
        return None
    return Given(known or "", option.value, prefix in ("skip", "disable"), where)


def _full(name: str) -> str | None:
    """Return the name that a word is, or is an abbreviation of.

    None where there is none, or several.
    """
    if name in _NAMES:
        return name
    begun = [known for known in _NAMES if known.startswith(name)]
    return begun[0] if len(begun) == 1 and len(name) >= _SHORTEST else None


def _warn(path: Path, mode: int) -> None:
    """Warn of a file that every user can read or write to; once in a run, not for each connection."""
    with _looking:
        if path in _looked_at:
            return
        _looked_at.add(path)
    open_to_all = mode & (stat.S_IROTH | stat.S_IWOTH)
    if stat.S_ISREG(mode) and open_to_all and _can_be_reached(Path(os.path.expanduser(path))):
        doing = "read" if open_to_all & stat.S_IROTH else "write to"
        _log.warning(
            "%s: every user of this host can %s this creds_file (chmod o= %s)",
            _shown(path),
            doing,
            shlex.quote(_shown(path)),
        )


def _can_be_reached(path: Path) -> bool:
    """Return whether every user may pass through the folders above a file."""
    try:
        return all(above.stat().st_mode & stat.S_IXOTH for above in path.resolve().parents)
    except OSError:
        return True


def _unreadable(path: Path, error: OSError) -> ConnectionFailed:
    """Return the error for an option file that cannot be opened."""
    return ConnectionFailed(
        f"{path}: cannot read the creds_file: {error.strerror}",
        hint="it must exist and be readable for the user that runs the reports",
        retry=False,
    )


def _shown(path: Path) -> str:
    """Return a path that another file gave, as messages can show it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
