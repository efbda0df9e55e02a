"""The configuration of MySQL and MariaDB: the keys of an entry, what they make, what the engine can do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import GIVEN, Key, table
from reportupdater.configfile.kinds import (
    HOST,
    NAMESERVER,
    PATH,
    SRV_NAME,
    SWITCH,
    TEXT,
    ZONE,
    whole,
)
from reportupdater.configfile.sections import Reading
from reportupdater.engines.base import Definition, Engine, concurrency, entry_path
from reportupdater.errors import Problem
from reportupdater.model import Database


class Shards(NamedTuple):
    """How the server of each of MediaWiki's wikis is found: dblists have its section, DNS the rest.

    `nameserver` is an IP address and a port; None: those that this host uses.
    """

    mw_config_path: Path
    srv_name: str
    """The name of a section's SRV record, with `{section}` in it."""
    use_x1: bool = False
    """Whether the data lies on the section `x1`, whatever wiki it is of."""
    nameserver: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlDatabase(Database):
    """A MariaDB or MySQL server, and how to log in there.

    `host` is None only where there are `shards`, by which host and port are found for each wiki.
    """

    engine: ClassVar[str] = "mysql"
    host: str | None = None
    port: int = 3306
    socket: Path | None = None
    """A Unix socket, instead of host and port."""
    shards: Shards | None = None
    database: str | None = None
    creds_file: Path | None = None
    wiki_dimension: str | None = None
    """The dimension whose value names the database to use, instead of `database`."""
    time_zone: str | None = None
    """The zone of its sessions: `server` for the server's own, or `±hh:mm`; None for UTC."""

    @property
    def needed_dimension(self) -> str | None:
        """The dimension that names the wiki's database."""
        return self.wiki_dimension

    @property
    def files(self) -> dict[str, Path]:
        """The option file."""
        return {} if self.creds_file is None else {"creds_file": self.creds_file}


class Mysql(Definition):
    """MariaDB and MySQL."""

    TAKES_SQL = True
    KEYS = table(
        Key(
            "host",
            HOST,
            "The server.",
            example="db1.example.org",
            unless=(("auto_find_db_shard", True), ("socket", GIVEN)),
        ),
        Key("port", whole(1, 65535), "The server's port.", 3306),
        Key("socket", PATH, "The server's Unix socket, instead of `host` and `port`."),
        Key("db", TEXT, "The database to use. Without it queries name it with each table."),
        Key(
            "wiki_db_placeholder",
            TEXT,
            "The dimension whose value names the database to use, instead of `db`.",
        ),
        Key(
            "creds_file",
            PATH,
            "An option file of the MySQL client: `user`, `password`, `socket` and the `ssl-` options "
            "under `[client]`. It may begin with `~`.",
        ),
        concurrency(),
        Key(
            "time_zone",
            ZONE,
            "The zone in which queries see TIMESTAMP columns: the server's own, or an offset. "
            "Without it, `+00:00`.",
        ),
        Key(
            "auto_find_db_shard",
            SWITCH,
            "Whether host and port are looked up for each wiki of MediaWiki's, instead of given.",
            False,
        ),
        Key(
            "use_x1",
            SWITCH,
            "With `auto_find_db_shard`: whether the data lies on the section `x1`.",
            False,
        ),
        Key(
            "mw_config_path",
            PATH,
            "With `auto_find_db_shard`: the folder that holds `dblists`.",
            "/srv/mediawiki-config",
        ),
        Key(
            "srv_name",
            SRV_NAME,
            "With `auto_find_db_shard`: the SRV record that names the server of a section.",
            "_{section}-analytics._tcp.eqiad.wmnet",
        ),
        Key(
            "nameserver",
            NAMESERVER,
            "With `auto_find_db_shard`: the name server to use. Without it, the host's own.",
        ),
    )

    def read(
        self, name: str, keys: Reading, folders: Folders
    ) -> tuple[Database | None, list[Problem]]:
        """Make an entry of its keys."""
        if keys["socket"] and (problem := _beside_socket(keys)):
            return None, [problem]
        shards: Shards | None = None
        if keys["auto_find_db_shard"]:
            if not (keys["db"] or keys["wiki_db_placeholder"]):
                what = f"{keys.subject('auto_find_db_shard')} lacks the wiki whose server to find"
                hint = "wiki_db_placeholder names the dimension that has it, or db the only one"
                return None, [Problem(what, keys.given["auto_find_db_shard"].where, hint)]
            shards = Shards(
                mw_config_path=entry_path(keys, "mw_config_path", folders),
                srv_name=keys["srv_name"],
                use_x1=keys["use_x1"],
                nameserver=keys["nameserver"],
            )
        return MysqlDatabase(
            name=name,
            concurrency=keys["concurrency"],
            host=None if shards else keys["host"] or "localhost",
            port=keys["port"],
            socket=entry_path(keys, "socket", folders) if keys["socket"] else None,
            shards=shards,
            database=keys["db"],
            creds_file=entry_path(keys, "creds_file", folders) if keys["creds_file"] else None,
            wiki_dimension=keys["wiki_db_placeholder"],
            time_zone=keys["time_zone"],
        ), []

    def engine(self) -> Engine:
        """Return a new engine for one run."""
        from reportupdater.engines.mysql.engine import MysqlEngine

        return MysqlEngine()


def _beside_socket(keys: Reading) -> Problem | None:
    """Return the problem of a key that names another server than the socket beside it does."""
    for name, fitting in (("host", "localhost"), ("port", None), ("auto_find_db_shard", False)):
        if name in keys.given and keys[name] != fitting:
            what = f"{keys.subject(name)} and its 'socket' name two servers"
            return Problem(
                what, keys.given[name].where, "a Unix socket is on this host: leave one out"
            )
    return None
