"""Every key that a configuration may hold: what it takes, its default, what it is for.

`docs/configuration.md` lists the same; a test keeps the two alike. Paths are relative to the
project's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reportupdater.config.kinds import (
    MOMENT,
    PATH,
    SWITCH,
    TEXT,
    WORD,
    Kind,
    choice,
    duration,
    seconds,
    section,
    whole,
)
from reportupdater.intervals import Granularity

_YEAR = 365 * 24 * 3600

ENGINES = ("mysql", "sqlite", "hive")
QUERY_ENDINGS = {"sql": ".sql", "hive": ".hql"}
"""The types whose query is a file, and the ending of that file."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key. `example` is there if it must be given: a value to show with the error.

    `unless` names a switch of the same section that makes it needless.
    """

    name: str
    kind: Kind
    meaning: str
    default: Any = None
    example: str = ""
    unless: str = ""


@dataclass(frozen=True, slots=True)
class OldKey:
    """A key of older versions: accepted, ignored, and told with what replaced it."""

    name: str
    replaced_by: str


Keys = dict[str, Key | OldKey]


def _table(*keys: Key | OldKey) -> Keys:
    return {key.name: key for key in keys}


TOP_KEYS = _table(
    Key("reports", section("report names to their keys"), "The reports of this project."),
    Key("databases", section("names to databases"), "What the reports' queries run on."),
    Key(
        "defaults", section("report keys to values"), "A value for every report that lacks the key."
    ),
    Key("graphite", section("keys to values"), "Where datapoints go."),
)

_ENGINE = Key(
    "engine", choice({name: name for name in ENGINES}), "What kind of database it is.", "mysql"
)
_CONCURRENCY = Key("concurrency", whole(1, 1000), "How many queries run on one server at once.", 4)

DATABASE_KEYS = {
    "mysql": _table(
        _ENGINE,
        Key(
            "host",
            WORD,
            "The server.",
            example="db1.example.org",
            unless="auto_find_db_shard",
        ),
        Key("port", whole(1, 65535), "The server's port.", 3306),
        Key("db", TEXT, "The database to use. Without it queries name it with each table."),
        Key(
            "wiki_db_placeholder",
            TEXT,
            "The dimension whose value names the database to use, instead of `db`.",
        ),
        Key(
            "creds_file",
            PATH,
            "An option file of the MySQL client: `user` and `password` under `[client]`. "
            "It may begin with `~`.",
        ),
        _CONCURRENCY,
        Key(
            "auto_find_db_shard",
            SWITCH,
            "Whether host and port are looked up for each wiki. Not supported by this version yet.",
            False,
        ),
        Key(
            "use_x1",
            SWITCH,
            "With `auto_find_db_shard`: whether the wikis' data lies on the section `x1`.",
            False,
        ),
        Key(
            "mw_config_path",
            PATH,
            "With `auto_find_db_shard`: the folder that holds `dblists`.",
            "/srv/mediawiki-config",
        ),
    ),
    "sqlite": _table(
        _ENGINE,
        Key(
            "path",
            PATH,
            "The database file. It is opened for reading only.",
            example="events.sqlite",
        ),
        _CONCURRENCY,
    ),
}

GRAPHITE_KEYS = _table(
    Key("host", WORD, "The host of Graphite's line receiver."),
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
        "How long a run may take at its end to send what is still owed.",
        30.0,
    ),
    Key(
        "new_metrics_warning",
        whole(0, 1_000_000),
        "`metrics` warns of more new ones than this: carbon makes so many files a minute.",
        50,
    ),
)

REPORT_GRAPHITE_KEYS = _table(
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

REPORT_KEYS = _table(
    Key(
        "type",
        choice({name: name for name in ("sql", "hive", "script")}),
        "What makes the rows. `hive` is not supported by this version yet.",
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
    Key("db", TEXT, "The entry of `databases` that the query runs on. Needed for `type: sql`."),
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
    Key("group", WORD, "The group of this host that shall own the TSVs."),
    Key("timeout", seconds(1, _YEAR), "How long one query or script may take.", 6 * 3600.0),
    Key("retries", whole(0, 100), "How often a query is tried again when its connection fails.", 3),
    Key(
        "max_rows",
        whole(1, 1_000_000_000),
        "A result with more rows than this is an error.",
        1_000_000,
    ),
    Key(
        "concurrency",
        whole(1, 1000),
        "How many of its queries or scripts run at once. Without it: what the database takes, "
        "or one where they may have side effects.",
    ),
    Key(
        "graphite",
        section("keys to values"),
        "How rows become datapoints. Without it none are sent.",
    ),
    OldKey(
        "frequency", "`granularity` says how long an interval is; a report runs when one is due"
    ),
    OldKey("timeboxed", "every report is computed interval by interval from `starts` on"),
    OldKey("funnel", "every report may have several rows with the same date"),
    OldKey("by_wiki", "`explode_by` makes a series for each wiki"),
    OldKey("first_date", "`starts` is the date of the first interval"),
)
