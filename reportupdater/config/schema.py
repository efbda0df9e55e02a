"""Every key that a configuration may hold: what it takes, its default, what it is for.

`docs/configuration.md` lists the same; a test keeps the two alike. Paths are relative to the
project's folder, those in host settings to the folder of that file.
"""

from __future__ import annotations

from datetime import timedelta

from reportupdater.configfile.keys import GIVEN, Key, Keys, OldKey, table
from reportupdater.configfile.kinds import (
    COMMAND,
    HOST,
    MOMENT,
    NAMESERVER,
    PATH,
    SCHEDULE,
    SRV_NAME,
    SWITCH,
    TEXT,
    VALUES,
    VARIABLE,
    WORD,
    ZONE,
    choice,
    duration,
    seconds,
    section,
    whole,
)
from reportupdater.intervals import Granularity

_YEAR = 365 * 24 * 3600

ENGINE_NAMES = ("mysql", "sqlite", "hive")
QUERY_ENDINGS = {"sql": ".sql", "hive": ".hql"}
"""The types whose query is a file, and the ending of that file."""


TOP_KEYS = table(
    Key("reports", section("report names to their keys"), "The reports of this project."),
    Key("databases", section("names to databases"), "What the reports' queries run on."),
    Key(
        "defaults", section("report keys to values"), "A value for every report that lacks the key."
    ),
    Key("graphite", section("keys to values"), "Where datapoints go."),
)

_ENGINE = Key(
    "engine", choice({name: name for name in ENGINE_NAMES}), "What kind of database it is.", "mysql"
)
_CONCURRENCY = Key("concurrency", whole(1, 1000), "How many queries run on one server at once.", 4)

DATABASE_KEYS = {
    "mysql": table(
        _ENGINE,
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
        _CONCURRENCY,
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
            "With `auto_find_db_shard`: the SRV record that tells the server of a section.",
            "_{section}-analytics._tcp.eqiad.wmnet",
        ),
        Key(
            "nameserver",
            NAMESERVER,
            "With `auto_find_db_shard`: who is asked for it. Without it, whom this host asks.",
        ),
    ),
    "sqlite": table(
        _ENGINE,
        Key(
            "path",
            PATH,
            "The database file. It is opened for reading, unless a report says `writes: true`.",
            example="events.sqlite",
        ),
        _CONCURRENCY,
    ),
    "hive": table(
        _ENGINE,
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
            seconds(0, _YEAR),
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
        Key("concurrency", whole(1, 1000), _CONCURRENCY.meaning, 2),
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
    ),
}

ENGINE_KEYS: dict[str, Keys] = {
    engine: {name: key for name, key in keys.items() if name != "engine"}
    for engine, keys in DATABASE_KEYS.items()
}
"""What host settings may say of all entries of an engine."""

ENGINE_SECTIONS = table(
    *(
        Key(engine, section("keys to values"), f"Keys for `engine: {engine}`.")
        for engine in ENGINE_NAMES
    )
)

HOST_KEYS = table(
    Key(
        "databases",
        section("names to databases"),
        "Entries that replace a project's of the same name, and further ones.",
    ),
    Key(
        "engines",
        section("engines to keys"),
        "Keys that replace those of every entry of `databases` with this engine.",
    ),
    Key(
        "defaults",
        section("report keys to values"),
        "A value for every report that lacks the key, before the project's `defaults`.",
    ),
    Key(
        "graphite", section("keys to values"), "Keys that replace those of a project's `graphite`."
    ),
    Key(
        "on_failure",
        COMMAND,
        "What a run that goes wrong calls, with its summary as JSON on standard input.",
    ),
)
"""The top level of host settings."""

GRAPHITE_KEYS = table(
    Key("host", HOST, "The host of Graphite's line receiver."),
    Key("port", whole(1, 65535), "Its port.", 2003),
    Key(
        "lookups",
        section("dimensions to files"),
        "For a dimension, a YAML file that maps its values to names for metric paths.",
    ),
    Key(
        "enabled",
        SWITCH,
        "For host settings: `false` sends nothing from this host, `true` sends from a terminal too.",
    ),
    Key(
        "drain_timeout",
        seconds(0, 3600),
        "How long a run may take at its end to send what is pending; one batch is sent in any case.",
        30.0,
    ),
    Key(
        "new_metrics_warning",
        whole(0, 1_000_000),
        "`metrics` warns of more new ones than this: carbon makes so many files a minute.",
        50,
    ),
)

DIMENSION_KEYS = table(
    Key(
        "values",
        VALUES,
        "Its values, in one of the three forms above.",
        example="wikis.txt",
    ),
    Key(
        "allow_values",
        choice({"names": "names", "any": "any"}),
        "Which values are taken: `names`, as above, or `any` text that can be a file's name.",
        "names",
    ),
)

REPORT_GRAPHITE_KEYS = table(
    Key(
        "path",
        TEXT,
        "The metric path, with placeholders: `_metric`, the dimensions, the columns of the row.",
        example="'{_metric}.{wiki}'",
    ),
    Key(
        "metrics",
        section("metric names to columns"),
        "The metrics, each with the column that holds its value.",
        example="{edits: edit_count}",
    ),
)

BACKFILL_KEYS = table(
    Key(
        "max_intervals",
        whole(1, 1_000_000),
        "How many missing intervals of a series one run takes. Without it, all.",
    ),
)

REPORT_KEYS = table(
    Key(
        "type",
        choice({name: name for name in ("sql", "hive", "script")}),
        "What makes the rows: a query, a query in HiveQL, or a script.",
        "sql",
    ),
    Key(
        "granularity",
        choice({granularity.value: granularity for granularity in Granularity}),
        "How long an interval is. Weeks run from Sunday to Saturday.",
        example="days",
    ),
    Key(
        "starts",
        MOMENT,
        "The first interval's date; with `granularity: hours` it may have an hour. "
        "It is moved back to where an interval begins.",
        example="2015-01-31",
    ),
    Key("ends", MOMENT, "No interval is computed that starts on this date or after it."),
    Key(
        "lag",
        duration(0, 10 * _YEAR),
        "How long to wait after an interval's end before it is computed.",
        timedelta(0),
    ),
    Key(
        "db",
        TEXT,
        "The entry of `databases` that the query runs on. `type: sql` needs it; `type: hive` "
        "takes the entry `hive` where this is no Hive.",
    ),
    Key(
        "execute",
        PATH,
        "The path of the query without its ending, or of the script. "
        "Without it, the report's name is taken.",
    ),
    Key(
        "explode_by",
        section("dimensions to values"),
        "The dimensions: one series is made for each combination of their values.",
    ),
    Key(
        "max_data_points",
        whole(1, 1_000_000),
        "How many of the newest intervals are kept in a TSV, and computed. Without it, all are.",
    ),
    Key(
        "schedule",
        SCHEDULE,
        "When the report is looked at, in UTC. Without it, it is in every run.",
    ),
    Key(
        "backfill",
        section("keys to values"),
        "How much of a long history one run takes. Without it, all.",
    ),
    Key("group", WORD, "The group of this host that shall own the TSVs."),
    Key("timeout", seconds(1, _YEAR), "How long one query or script may take.", 6 * 3600.0),
    Key(
        "retries",
        whole(0, 100),
        "How often a query is tried again when its connection fails, after pauses that grow to 30 s:"
        " five bridge a minute.",
        5,
    ),
    Key(
        "max_rows",
        whole(1, 1_000_000_000),
        "A result with more rows than this is an error, and one of more than 128 million characters.",
        1_000_000,
    ),
    Key(
        "concurrency",
        whole(1, 1000),
        "How many of its queries or scripts run at once. Without it: what the database takes, "
        "or one where they may have side effects.",
    ),
    Key(
        "writes",
        SWITCH,
        "Whether its query may write to the database. Scripts always may write.",
        False,
    ),
    Key(
        "graphite",
        section("keys to values"),
        "How rows become datapoints. Without it none are sent.",
    ),
    Key("owner", TEXT, "Who looks after the report. It stands in messages about it."),
    Key("ticket", TEXT, "Where it is discussed, an address or a number. It stands there too."),
    Key("description", TEXT, "What the report tells, for `status`."),
    OldKey(
        "frequency", "`granularity` says how long an interval is; a report runs when one is due"
    ),
    OldKey("timeboxed", "every report is computed interval by interval from `starts` on"),
    OldKey("funnel", "every report may have several rows with the same date"),
    OldKey("by_wiki", "`explode_by` makes a series for each wiki"),
    OldKey("first_date", "`starts` is the date of the first interval"),
)
