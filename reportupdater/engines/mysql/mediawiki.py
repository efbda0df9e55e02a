"""Where the databases of MediaWiki's wikis are: wiki → section by dblists, section → server by DNS.

The dblists are those of a copy of MediaWiki's configuration: `dblists/s[0-9]*.dblist` hold the
wikis of each section, `dblists/all.dblist` those that may have further data on the section x1. The
server of a section is what its SRV record names.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

from reportupdater.engines.mysql.config import Shards
from reportupdater.engines.shared import regular
from reportupdater.errors import ReportupdaterError, Where, similar

DNS_TIMEOUT = 5.0
"""Seconds within which a record must have come."""

Place = tuple[str, int]
"""Host and port."""

_NO_WIKIS = {"staging": "staging", "centralauth": "s7"}
"""Databases that are in no dblist, and their sections."""

_SECTION_LISTS = "s[0-9]*.dblist"
_OPERATOR = re.compile(r"\s+([-+&])\s+")
_LIST_NAME = re.compile(r"([A-Za-z0-9_-]+)(?:\.dblist)?", re.ASCII)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Mediawiki:
    """Finds servers for one run: reads each file and asks for each record once, errors too.

    An error that concerns all wikis of a section or a folder names the first that was looked for,
    so that it is the same for all of them. Any thread may ask.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[object, ...], Any] = {}

    def place(self, shards: Shards, database: str, *, is_wiki: bool) -> Place:
        """Return host and port of a database. Raises ReportupdaterError where they cannot be found.

        With `use_x1`, what is not said to be a wiki need be in no dblist: on x1 there are also
        databases that wikis share.
        """
        with self._lock:
            section = self._section(shards, database, is_wiki)
            name = shards.srv_name.replace("{section}", section)
            what = f"the section {section}, that of {database}"
            return self._once(
                ("record", name, shards.nameserver), lambda: self._asked(shards, name, what)
            )

    def _section(self, shards: Shards, database: str, is_wiki: bool) -> str:
        if database in _NO_WIKIS:
            return _NO_WIKIS[database]
        folder = shards.mw_config_path / "dblists"
        if shards.use_x1:
            everywhere = folder / "all.dblist"
            if is_wiki and database not in (wikis := self._dblist(everywhere)):
                raise _not_listed(database, f"it is not in {everywhere}", wikis)
            return "x1"
        sections = self._once(("sections", folder), lambda: self._sections(folder, database))
        match sections.get(database, []):
            case []:
                raise _not_listed(database, f"it is in none of {folder}/{_SECTION_LISTS}", sections)
            case [section]:
                return section
            case several:
                lists = " and ".join(f"{section}.dblist" for section in several)
                raise _not_found(database, f"it is in {lists} of {folder}", _UPDATE_HINT)

    def _sections(self, folder: Path, database: str) -> dict[str, list[str]]:
        """Wiki → the sections whose lists it is in: one, or something is wrong."""
        paths = sorted(folder.glob(_SECTION_LISTS))
        if not paths:
            raise ReportupdaterError(
                f"{folder} has no {_SECTION_LISTS}, where {database} was looked for",
                hint="`mw_config_path` of the database must name a copy of MediaWiki's"
                " configuration, operations/mediawiki-config",
            )
        sections: dict[str, list[str]] = {}
        for path in paths:
            for wiki in self._dblist(path):
                sections.setdefault(wiki, []).append(path.stem)
        return sections

    def _dblist(self, path: Path) -> frozenset[str]:
        return self._once(("dblist", path), lambda: self._read(path))

    def _read(self, path: Path) -> frozenset[str]:
        """Return the wikis of a list: a name a line, or an expression over other lists after `%%`."""
        try:
            lines = regular.read(path).decode().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            said = getattr(error, "strerror", None) or "it is not UTF-8"
            raise ReportupdaterError(f"cannot read {path}: {said}", hint=_UPDATE_HINT) from None
        wikis: set[str] = set()
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].strip()
            if text.startswith("%%"):
                where = Where(str(path), number)
                wikis |= self._evaluated(text.removeprefix("%%").strip(), where, path.parent)
            elif text:
                wikis.add(text)
        return frozenset(wikis)

    def _evaluated(self, expression: str, where: Where, folder: Path) -> frozenset[str]:
        """Return the wikis of `all + preinstall - closed`: names of lists, from left to right."""
        name, *others = _OPERATOR.split(expression)
        wikis: frozenset[str] = frozenset()
        for operator, term in zip(["+", *others[::2]], [name, *others[1::2]], strict=True):
            known = _LIST_NAME.fullmatch(term)
            if known is None:
                raise ReportupdaterError(f"{term!r} is no name of a dblist", where=where)
            listed = self._dblist(folder / f"{known[1]}.dblist")
            wikis = {"+": wikis | listed, "-": wikis - listed, "&": wikis & listed}[operator]
        return wikis

    def _asked(self, shards: Shards, name: str, what: str) -> Place:
        # One that does not answer is not asked again: a signal must end a run within seconds.
        silent = ("silent", shards.srv_name, shards.nameserver)
        if silent not in self._found:
            _log.debug("asking for the SRV record %s", name)
            try:
                return _server(name, shards.nameserver, what)
            except TimeoutError as error:
                self._found[silent] = str(error)
        raise _not_found(
            what,
            f"{self._found[silent]} for its SRV record {name}",
            "check the network; `nameserver` of the database names another server to ask",
        )

    def _once(self, key: tuple[object, ...], find: Callable[[], T]) -> T:
        if key not in self._found:
            # For the time being: a list may be made from others, and these from itself.
            self._found[key] = ReportupdaterError(f"{key[1]} is made from itself")
            try:
                self._found[key] = find()
            except ReportupdaterError as error:
                self._found[key] = error
        found: T | ReportupdaterError = self._found[key]
        if isinstance(found, ReportupdaterError):
            raise found.with_traceback(None)
        return found


_NAME_HINT = "`srv_name` of the database says how these records are called"
_UPDATE_HINT = "is this copy of MediaWiki's configuration up to date?"


def _not_found(what: str, why: str, hint: str) -> ReportupdaterError:
    return ReportupdaterError(f"cannot find the server of {what}: {why}", hint=hint)


def _not_listed(wiki: str, why: str, wikis: Collection[str]) -> ReportupdaterError:
    close = similar(wiki, wikis, likeness=0.9)
    return _not_found(wiki, why, f"did you mean {close!r}?" if close else _UPDATE_HINT)


def _server(name: str, nameserver: Place | None, what: str) -> Place:
    """Return what an SRV record names.

    Raises ReportupdaterError, or TimeoutError without an answer.
    """
    import dns.exception
    import dns.resolver

    who = "the name server of this host"
    try:
        resolver = dns.resolver.Resolver(configure=nameserver is None)
        if nameserver is not None:
            resolver.nameservers, resolver.port = [nameserver[0]], nameserver[1]
            who = f"the name server {nameserver[0]}, port {nameserver[1]},"
        records = list(resolver.resolve(name, "SRV", lifetime=DNS_TIMEOUT))
    except dns.exception.Timeout:
        message = f"{who} did not answer within {DNS_TIMEOUT:g} s when asked"
        raise TimeoutError(message) from None
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        raise _not_found(what, f"there is no SRV record {name}", _NAME_HINT) from None
    except dns.exception.DNSException as error:
        why = f"{who} has no answer to the SRV record {name}: {' '.join(str(error).split())}"
        raise _not_found(what, why, _NAME_HINT) from None
    best = min(records, key=lambda record: (record.priority, -record.weight, record.target))
    host = best.target.to_text(omit_final_dot=True)
    if host == ".":  # what RFC 2782 has for a service that is not there
        raise _not_found(what, f"the SRV record {name} says that there is none", _NAME_HINT)
    return host, best.port
