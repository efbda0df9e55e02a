"""The configuration of Hive: the keys of an entry, what they make, what the engine can do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import (
    COMMAND,
    HOST,
    PATH,
    SWITCH,
    TEXT,
    VARIABLE,
    WORD,
    choice,
    seconds,
    section,
    whole,
)
from reportupdater.configfile.sections import Reading, read_texts
from reportupdater.engines.base import Definition, Engine, concurrency, entry_path
from reportupdater.errors import Problem, Severity, Where, shown
from reportupdater.model import Database

_PASSWORD = re.compile(r"^-p |^--password |password\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class HiveDatabase(Database):
    """A HiveServer2, and how to log in there; or a command line that asks Hive."""

    engine: ClassVar[str] = "hive"
    prefixes: ClassVar[bool] = True
    concurrency: int = 2
    client: str = "pyhive"
    """`pyhive`, or `cli` to run `command` instead."""
    host: str | None = None
    """None only where `client` is `cli`."""
    port: int = 10000
    transport: str = "binary"
    """`binary` or `http`, as the server's hive.server2.transport.mode."""
    http_path: str = "cliservice"
    """With `http`: the server's hive.server2.thrift.http.path, or what a gateway has for it."""
    ssl: bool = False
    """Whether the connection is encrypted, and the server's certificate looked at."""
    ca_file: Path | None = None
    """The certificates by which that is judged; None for those of this host."""
    auth: str = "NONE"
    """NONE, NOSASL, KERBEROS, LDAP or CUSTOM, as the server's hive.server2.authentication."""
    username: str | None = None
    """None for the user that runs the reports, or the one in `creds_file`."""
    creds_file: Path | None = None
    password_env: str | None = None
    """The environment variable that holds the password."""
    open_session_timeout: float = 60.0
    """Seconds that the server has to open a session once it has let the user in."""
    kerberos_service_name: str = "hive"
    kerberos_host: str | None = None
    """The host in the server's principal; None where it is `host`."""
    kerberos_min_lifetime: float = 600.0
    """Seconds; a ticket that ends sooner is worth a warning."""
    database: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    """Session settings, such as the name of a queue."""
    command: tuple[str, ...] = ()
    """The program of `client: cli` and its arguments; the query is added as `-f FILE`."""
    quoted: bool | None = None
    """Whether that prints fields in quotes; None leaves it to what `command` says to beeline."""

    @property
    def files(self) -> dict[str, Path]:
        """The option file."""
        return {} if self.creds_file is None else {"creds_file": self.creds_file}


class Hive(Definition):
    """Hive, and what speaks its protocol."""

    QUERY_SUFFIX = ".hql"
    KEYS = table(
        Key(
            "host",
            HOST,
            "The HiveServer2.",
            example="hive1.example.org",
            unless=(("client", "cli"),),
        ),
        Key("port", whole(1, 65535), "Its port.", 10000),
        Key(
            "transport",
            choice({name: name for name in ("binary", "http")}),
            "How it is spoken to: its `hive.server2.transport.mode`.",
            "binary",
        ),
        Key(
            "http_path",
            WORD,
            "With `transport: http`: its `hive.server2.thrift.http.path`, or a gateway's path.",
            "cliservice",
        ),
        Key("ssl", SWITCH, "Whether it speaks TLS: its `hive.server2.use.SSL`.", False),
        Key(
            "ca_file",
            PATH,
            "With `ssl: true`: certificates (PEM) that vouch for it. Without it, those of this host.",
        ),
        Key(
            "auth",
            choice({name: name for name in ("NONE", "NOSASL", "KERBEROS", "LDAP", "CUSTOM")}),
            "How to log in: its `hive.server2.authentication`.",
            "NONE",
        ),
        Key(
            "username",
            TEXT,
            "The user to log in as. Without it, the one in `creds_file`, or who runs the reports.",
        ),
        Key(
            "creds_file",
            PATH,
            "An option file: `user` and `password` under `[client]`. It may begin with `~`.",
        ),
        Key(
            "password_env",
            VARIABLE,
            "The environment variable that holds the password, instead of `creds_file`.",
        ),
        Key(
            "kerberos_service_name",
            WORD,
            "With `auth: KERBEROS`: the first part of the server's principal.",
            "hive",
        ),
        Key(
            "kerberos_host",
            WORD,
            "With `auth: KERBEROS`: the host in the server's principal, where it is not `host`.",
        ),
        Key(
            "kerberos_min_lifetime",
            seconds(0, 365 * 24 * 3600),
            "With `auth: KERBEROS`: a ticket that ends sooner than this is worth a warning.",
            600.0,
        ),
        Key(
            "open_session_timeout",
            seconds(1, 3600),
            "How long the server may take to open a session: a busy one takes its time.",
            60.0,
        ),
        Key("database", TEXT, "The database to use. Without it, Hive's own default."),
        Key(
            "settings",
            section("setting names to values"),
            "Settings of each session, such as the name of a queue.",
        ),
        concurrency(2),
        Key(
            "client",
            choice({name: name for name in ("pyhive", "cli")}),
            "What asks Hive: this program itself, or the command line in `command`.",
            "pyhive",
        ),
        Key(
            "command",
            COMMAND,
            "With `client: cli`: the command line, `hive` or `beeline` with its arguments.",
            ("hive",),
        ),
        Key(
            "quoted",
            SWITCH,
            "With `client: cli`: whether it prints fields in quotes. Without it, what `command` says.",
        ),
    )

    def read(
        self, name: str, keys: Reading, folders: Folders
    ) -> tuple[Database | None, list[Problem]]:
        """Make an entry of its keys."""
        settings, problems = read_texts(
            keys["settings"] or Section(Where(""), {}), f"settings of database {shown(name)}"
        )
        if keys["ca_file"] and not keys["ssl"]:
            what = f"{keys.subject('ca_file')} judges nothing without TLS"
            problems = [*problems, Problem(what, keys.given["ca_file"].where, "add: ssl: true")]
        if problems:
            return None, problems
        made = HiveDatabase(
            name=name,
            concurrency=keys["concurrency"],
            client=keys["client"],
            host=keys["host"],
            port=keys["port"],
            transport=keys["transport"],
            http_path=keys["http_path"],
            ssl=keys["ssl"],
            ca_file=entry_path(keys, "ca_file", folders) if keys["ca_file"] else None,
            auth=keys["auth"],
            username=keys["username"],
            creds_file=entry_path(keys, "creds_file", folders) if keys["creds_file"] else None,
            password_env=keys["password_env"],
            open_session_timeout=keys["open_session_timeout"],
            kerberos_service_name=keys["kerberos_service_name"],
            kerberos_host=keys["kerberos_host"],
            kerberos_min_lifetime=keys["kerberos_min_lifetime"],
            database=keys["database"],
            settings={setting: value for setting, (value, _) in settings.items()},
            command=keys["command"] if keys["client"] == "cli" else (),
            quoted=keys["quoted"],
        )
        return made, _shown_to_all(made, keys)

    def engine(self) -> Engine:
        """Return a new engine for one run."""
        from reportupdater.engines.hive.engine import HiveEngine

        return HiveEngine()


def _shown_to_all(made: HiveDatabase, keys: Reading) -> list[Problem]:
    """Return a warning where a password is an argument of a command: `ps` shows it to every user."""
    words = {
        "command": [f"{word} " for word in made.command],
        "settings": [f"{name}=" for name in made.settings] if made.client == "cli" else [],
    }
    return [
        Problem(
            f"{keys.subject(key)} seems to hold a password: every user of this host can see it"
            " while the command runs",
            keys.given[key].where,
            "beeline takes it from a file: -w FILE",
            Severity.WARNING,
        )
        for key, texts in words.items()
        if any(_PASSWORD.search(text) for text in texts)
    ]
