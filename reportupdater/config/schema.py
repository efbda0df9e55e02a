"""Every key that a configuration may hold: what it takes, its default, what it is for.

`docs/configuration.md` lists the same; a test keeps the two alike. Paths are relative to the
project's folder, those in host settings to the folder of that file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from reportupdater.configfile.document import Items, Section, Value
from reportupdater.configfile.keys import Key, Keys, OldKey, table
from reportupdater.configfile.kinds import (
    COMMAND,
    MOMENT,
    PATH,
    SCHEDULE,
    SWITCH,
    TEXT,
    VALUES,
    WORD,
    Kind,
    choice,
    duration,
    scalar_text,
    seconds,
    section,
    span,
    whole,
)
from reportupdater.engines import registry
from reportupdater.errors import nearest
from reportupdater.intervals import Granularity
from reportupdater.model import Action
from reportupdater.sinks.registry import SINKS

_YEAR = 365 * 24 * 3600

TOP_KEYS = table(
    Key("reports", section("report names to their keys"), "The reports of this project."),
    Key("databases", section("names to databases"), "What the reports' queries run on."),
    Key(
        "defaults", section("report keys to values"), "A value for every report that lacks the key."
    ),
    *(Key(name, section("keys to values"), "Where datapoints go.") for name in SINKS),
)


def _named(names: Callable[[], Collection[str]]) -> Callable[[Value], str]:
    """Return what reads one of some names, which may grow."""

    def read(value: Value) -> str:
        word = scalar_text(value)
        if word not in names():
            hint = nearest(word, names())
            raise ValueError(hint if hint.startswith("did") else "")
        return word

    return read


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _types() -> tuple[str, ...]:
    return ("sql", *registry.ENGINES)


ENGINE = Key(
    "engine",
    Kind(_either(registry.entry_names()), _named(registry.entry_names)),
    "What kind of database it is.",
    "mysql",
)


def engine_sections() -> Keys:
    """Return the keys of `engines` in host settings: a section for each engine that has entries."""
    kind = section("keys to values")
    return table(
        *(Key(name, kind, f"Keys for `engine: {name}`.") for name in registry.entry_names())
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
    *(
        Key(name, section("keys to values"), f"Keys that replace those of a project's `{name}`.")
        for name in SINKS
    ),
    Key("site", section("keys to values"), "The site that each run refreshes."),
    Key(
        "on_failure",
        Kind(
            "a command line, a list of its words, or a mapping with `command` and `repeat`",
            lambda value: value if isinstance(value, Section) else COMMAND.read(value),
            is_shown=False,
        ),
        "What a run calls that finds something else wrong than the one before, or all well again,"
        " with its summary as JSON on standard input.",
    ),
)
"""The top level of host settings."""

SITE_KEYS = table(
    Key(
        "folder",
        PATH,
        "The folder of the site, which holds nothing else.",
        example="/srv/www/reports",
    ),
    Key("title", TEXT, "The title of its index.", "Reports"),
)
"""The keys of `site`."""

ON_FAILURE_KEYS = table(
    Key("command", COMMAND, "What is called.", example="[/usr/local/bin/notify, reports]"),
    Key(
        "repeat",
        span(60, _YEAR),
        "After how long it is called again while the same is wrong. Without it, not.",
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

BACKFILL_KEYS = table(
    Key(
        "max_intervals",
        whole(1, 1_000_000),
        "How many missing intervals of a series one run takes. Without it, all.",
    ),
)


def check_keys() -> Keys:
    """Return the keys of `checks` of a report: one for each check."""
    from typing import get_args

    from reportupdater.checks.registry import DECLARED, GUARDS  # most reports say nothing of them

    action = choice({word: word for word in get_args(Action)})
    return table(
        *(
            Key(
                check.NAME,
                action,
                f"What is done with {check.MEANING}: `hold` it, `warn` and publish it, or `off`.",
                "hold",
            )
            for check in GUARDS
        ),
        *(
            # Its reading needs the place of the key: `checks` of a report are read by `config/checks`.
            Key(kind.NAME, Kind(kind.TAKES.takes, _unread), kind.MEANING)
            for kind in DECLARED
        ),
    )


def _unread(value: Value) -> Value:
    return value


def _items(value: Value) -> Items:
    if not isinstance(value, Items) or not value.values:
        raise ValueError
    return value


REPORT_KEYS = table(
    Key(
        "type",
        Kind(_either(_types()), _named(_types)),
        "What makes the rows: an engine, or `sql` for any engine that takes SQL. "
        "Without it, the engine of the entry that `db` names.",
    ),
    Key(
        "granularity",
        choice({one.value: one for one in Granularity if one is not Granularity.WEEKS_FROM_MONDAY}),
        "How long an interval is. Weeks run from Sunday to Saturday, unless `week_starts` says "
        "otherwise.",
        example="days",
    ),
    Key(
        "week_starts",
        choice({day: day for day in ("sunday", "monday")}),
        "The day on which weeks begin. It is for `granularity: weeks`.",
        "sunday",
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
        "The entry of `databases` that the query runs on. Queries need it; `type: hive` "
        "takes the entry `hive` where the one of `defaults` is no Hive.",
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
        "ordered",
        SWITCH,
        "Whether an interval waits for the older ones. Without it, intervals that have failed come "
        "after those that have not; scripts whose intervals build on each other need it.",
        False,
    ),
    Key(
        "writes",
        SWITCH,
        "Whether its query may write to the database. Scripts always may write.",
        False,
    ),
    Key(
        "ready",
        Kind("a list of conditions", _items),
        "Conditions that must hold, all of them, before an interval is computed. Until then it waits.",
    ),
    Key(
        "wait",
        span(0, 10 * _YEAR),
        "How long an interval waits for `ready` before that is a failure.",
        timedelta(days=3),
    ),
    Key(
        "lookback",
        whole(0, 100),
        "How many intervals that are done are computed again when a new one is due: for data that"
        " come late.",
        0,
    ),
    Key(
        "keep_revisions",
        span(0, 10 * _YEAR),
        "How long rows are kept in the state that later results have replaced.",
        timedelta(days=400),
    ),
    Key(
        "checks",
        section("checks to what is done"),
        "What is done with a result that fails a check; laid over that of `defaults` key by key.",
    ),
    *(
        Key(
            name, section("keys to values"), "How rows become datapoints. Without it none are sent."
        )
        for name in SINKS
    ),
    Key("owner", TEXT, "Who looks after the report. Messages about it name the owner."),
    Key("ticket", TEXT, "Where it is discussed, an address or a number. It stands there too."),
    Key("description", TEXT, "What the report shows, for `status`."),
    OldKey(
        "frequency", "`granularity` says how long an interval is; a report runs when one is due"
    ),
    OldKey("timeboxed", "every report is computed interval by interval from `starts` on"),
    OldKey("funnel", "every report may have several rows with the same date"),
    OldKey("by_wiki", "`explode_by` makes a series for each wiki"),
    OldKey("first_date", "`starts` is the date of the first interval"),
)
