"""The engine for Hive: a HiveServer2 through PyHive, or the command line of a site."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path

from reportupdater import prefixes
from reportupdater.engines.base import Session
from reportupdater.engines.hive.config import HiveDatabase
from reportupdater.engines.hive.errors import KINIT
from reportupdater.engines.hive.statements import is_setting, only_reads, statements
from reportupdater.engines.shared import sql
from reportupdater.errors import ConnectionFailed
from reportupdater.model import Query, Server, Task

_log = logging.getLogger(__name__)


class HiveEngine:
    """HiveServer2s, and command lines that ask them."""

    def __init__(self) -> None:
        self._looked = False
        self._no_ticket: tuple[str, str] | None = None  # the message, and its hint

    def server(self, task: Task) -> Server:
        """Return the server of the report's database entry.

        Raises ConnectionFailed where the entry wants a Kerberos ticket and there is none: a run
        looks once, and none of its Hive tasks bothers a server then.
        """
        entry = _entry(task)
        if entry.auth == "KERBEROS":
            self._need_ticket(entry)
        return Server("hive", address(entry))

    def query(self, task: Task) -> Query:
        """Return the rendered query, and the database to run it in."""
        text = sql.rendered(task)
        return Query(text, _entry(task).database, quoted=prefixes.quoted(text))

    def session(self, task: Task) -> Session:
        """Return a session that logs in, or runs the command, as the report's database entry says."""
        entry = _entry(task)
        if entry.client == "cli":
            from reportupdater.engines.hive.cli import CliSession

            return CliSession(entry)
        from reportupdater.engines.hive.session import HiveSession

        return HiveSession(entry)

    def access(self, task: Task) -> object:
        """Server, login and settings; or the command. Each query says itself where it runs."""
        entry = _entry(task)
        login = entry.username, entry.creds_file, entry.password_env
        kerberos = entry.kerberos_service_name, entry.kerberos_host
        way = entry.transport, entry.http_path, entry.ssl, entry.ca_file, entry.auth
        how = entry.client, entry.command, entry.quoted
        return address(entry), how, way, login, kerberos, tuple(sorted(entry.settings.items()))

    def has_side_effects(self, task: Task) -> bool:
        """Return whether the file may write: it does more than read once, or the report says so."""
        if task.series.report.writes:
            return True
        done = [text for text in statements(sql.rendered(task)) if not is_setting(text)]
        return len(done) > 1 or not all(map(only_reads, done))

    def _need_ticket(self, entry: HiveDatabase) -> None:
        if not self._looked:
            self._looked = True
            self._no_ticket = _look(entry)
        if self._no_ticket is not None:
            what, hint = self._no_ticket
            raise ConnectionFailed(what, hint=hint, retry=False)


def address(entry: HiveDatabase) -> str:
    """Return what messages call the server of an entry: `host:port`, or else the command's name."""
    if entry.host is None:
        return Path(entry.command[0]).name
    return f"{entry.host}:{entry.port}"


def _entry(task: Task) -> HiveDatabase:
    entry = task.series.report.database
    if not isinstance(entry, HiveDatabase):
        raise TypeError(f"report {task.series.report.name} does not run on hive")
    return entry


def _look(entry: HiveDatabase) -> tuple[str, str] | None:
    """Message and hint where Kerberos cannot be used; warns of a ticket that ends soon."""
    from reportupdater.engines.hive.kerberos import NoTicket, ticket

    if entry.client != "cli" and importlib.util.find_spec("kerberos") is None:
        return (
            "auth: KERBEROS needs the Python package kerberos, which is not installed",
            "pip install 'reportupdater[kerberos]', which needs gcc, python3-dev and libkrb5-dev",
        )
    try:
        found = ticket()
    except NoTicket as error:
        return f"there is no Kerberos ticket that is good: {error}", KINIT
    except OSError as error:
        return f"cannot look at the Kerberos ticket: {error}", "install libgssapi-krb5-2"
    if found.seconds < entry.kerberos_min_lifetime:
        _log.warning(
            "the Kerberos ticket of %s ends in %d s: kinit gets a new one",
            found.principal,
            found.seconds,
        )
    return None
