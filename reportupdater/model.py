"""The plain frozen values that the stages hand to each other. No I/O.

`Report`, `Series` and `Task` are compared by identity: one run makes each of them once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from reportupdater.errors import Problem, Where
from reportupdater.intervals import Granularity, Interval
from reportupdater.spelling import normal
from reportupdater.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What a report's queries run on: an entry of `databases`, or this host. Each engine has a subclass."""

    engine: ClassVar[str]
    """The engine's name in `engines/registry.py`."""
    prefixes: ClassVar[bool] = False
    """Whether the server may put a table before names of columns: then `e.n` and `n` are one."""
    name: str
    concurrency: int = 4
    """Queries at once on one server."""

    @property
    def needed_dimension(self) -> str | None:
        """The dimension that a report must have: its value names the database to use."""
        return None

    @property
    def files(self) -> Mapping[str, Path]:
        """The files of this host that the entry names, by their keys."""
        return {}


Action = Literal["hold", "warn", "off"]
"""What is done with a result that fails a check. What is held is neither stored nor sent."""


class Dimension(NamedTuple):
    """A key under `explode_by`, and its values in the order in which they were written."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Report:
    """One entry under `reports`, validated and with all defaults laid in."""

    name: str
    where: Where
    granularity: Granularity
    starts: datetime
    ends: datetime | None = None
    lag: timedelta = timedelta(0)
    database: Database
    execute: Path
    """The query file or the script, absolute."""
    template: Template | None = None
    """The query; None for scripts."""
    dimensions: tuple[Dimension, ...] = ()
    """Sorted by name, which is the order of everything: arguments, folders, files."""
    max_data_points: int | None = None
    schedule: str | None = None
    """A cron expression, in UTC; None for a report that is looked at in every run."""
    max_intervals: int | None = None
    """How many missing intervals of a series one run takes."""
    group: str | None = None
    timeout: float = 6 * 3600.0
    """Seconds for one query or script."""
    retries: int = 5
    max_rows: int = 1_000_000
    concurrency: int | None = None
    """How many of its queries may run at once; None leaves that to the engine and the query."""
    ordered: bool = False
    """Whether an interval waits for the older ones: none is computed while an older one fails."""
    writes: bool = False
    """Whether its query may write. Scripts always may."""
    ready: tuple[object, ...] = field(default_factory=tuple)
    """Conditions, see `config/ready.py`: all of them must hold for an interval, or it waits."""
    wait: timedelta = timedelta(days=3)
    """How long an interval waits before that is a failure."""
    lookback: int = 0
    """How many done intervals are computed again when a new one is due, for late data."""
    keep_revisions: timedelta = timedelta(days=400)
    """How long rows are kept that later results have replaced."""
    checks: Mapping[str, Action] = field(default_factory=dict)
    """Check name → what is done with a result that fails it; hold where it is not there."""
    declared: tuple[object, ...] = ()
    """The checks that it declares; only `checks/` and what runs them look into them."""
    in_order: bool = False
    """Whether a series is computed oldest first, one interval at a time: a check compares them."""
    outputs: Mapping[str, object] = field(default_factory=dict)
    """Sink name → what the sink of that name makes datapoints by; no one else looks into it."""
    owner: str | None = None
    ticket: str | None = None
    description: str | None = None

    @property
    def contact(self) -> str:
        """The owner and ticket that messages end with; empty where none is given."""
        return ", ".join(part for part in (self.owner, self.ticket) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSettings:
    """A project's settings for one sink. Each sink has a subclass."""

    enabled: bool | None = None
    """Whether datapoints are sent at all; None leaves that to how the run was started."""
    drain_timeout: float = 30.0
    """Seconds that a run may spend at its end on what is still pending."""
    max_age: timedelta | None = None
    """How old a datapoint may be that is sent; None where the destination takes all of them."""

    @property
    def destination(self) -> str | None:
        """The receiver, as a URL; None if none is named."""
        return None

    @property
    def can_be_asked(self) -> bool:
        """Whether the settings say how what the destination has is read back."""
        return False

    @property
    def others(self) -> Mapping[str, SinkSettings]:
        """Settings of further destinations that get the same, by their names."""
        return {}


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """A folder with a configuration and query files, as far as it is valid.

    `reports` are the valid ones in the order of the file; `names` are all, valid or not;
    `problems` are all that was found, errors, warnings and notices.
    """

    folder: Path
    config_path: Path
    reports: tuple[Report, ...]
    names: tuple[str, ...]
    problems: tuple[Problem, ...]
    sinks: Mapping[str, SinkSettings] = field(default_factory=dict)
    """Sink name → its settings; none of a sink with which anything is wrong."""
    site: tuple[Path, str] | None = None
    """The folder and the title of the site that a run refreshes; None where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A report with every dimension fixed to one value; `values` are in the dimensions' order."""

    report: Report
    values: tuple[str, ...] = ()
    tsv: str = field(init=False, repr=False)
    """The path of its TSV, relative to the output folder."""
    dimensions: Mapping[str, str] = field(init=False, repr=False)
    """Dimension name → value."""

    def __post_init__(self) -> None:
        # Every task asks for them, some several times.
        names = [dimension.name for dimension in self.report.dimensions]
        tsv = normal("/".join((self.report.name, *self.values))) + ".tsv"
        object.__setattr__(self, "tsv", tsv)
        object.__setattr__(self, "dimensions", dict(zip(names, self.values, strict=True)))

    def __str__(self) -> str:
        fixed = (f"{name}={value}" for name, value in self.dimensions.items())
        return " ".join((self.report.name, *fixed))


class Reason(enum.Enum):
    """Why a task is due."""

    MISSING = "missing"
    RERUN = "rerun"
    LOOKBACK = "lookback"


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A series and an interval that is due, and why."""

    series: Series
    interval: Interval
    reason: Reason = Reason.MISSING

    @property
    def start(self) -> str:
        """The interval's start as the series' TSV spells it."""
        return self.series.report.granularity.label(self.interval.start)

    @property
    def end(self) -> str:
        """The interval's end as the series' TSV spells it."""
        return self.series.report.granularity.label(self.interval.end)

    def __str__(self) -> str:
        return f"{self.series} [{self.start}, {self.end})"


class Query(NamedTuple):
    """What an engine runs for a task: a rendered text, or for scripts the command."""

    text: str
    database: str | None = None
    """The database to switch to, where the engine has such a thing."""
    command: tuple[str, ...] = ()
    quoted: frozenset[str] | None = None
    """Where the server may put a table before names of columns: names that the query has itself."""


class Meaning(enum.Enum):
    """What a server's warning means for the result that it came with."""

    REMARK = "remark"
    CUT = "cut"
    """The server left out a part of the result."""
    ZONE = "zone"
    """The text is the server's own time zone, which is not UTC, and no one chose between the two."""


class ServerWarning(NamedTuple):
    """What a server warned of beside a result; `code` is its number, 0 where it has none."""

    code: int
    text: str
    meaning: Meaning = Meaning.REMARK

    def __str__(self) -> str:
        return f"({self.code}) {self.text}" if self.code else self.text


class Table(NamedTuple):
    """What an engine gives back: names and rows of texts; the first column is the date."""

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    quoted: frozenset[str] | None = None
    """As that of its query; None where names are those that the query gives."""
    warnings: tuple[ServerWarning, ...] = ()


class Server(NamedTuple):
    """What connections, limits and outages belong to; `address` is `host:port`, a path, a name."""

    engine: str
    address: str

    def __str__(self) -> str:
        return f"{self.engine} {self.address}"


class Datapoint(NamedTuple):
    """What a sink takes. `value` is the text of a finite number, as it is in the TSV.

    `key` names a series in the sink, and only the sink knows how it is made. `timestamp` is in
    seconds since the epoch, UTC. `revision` counts the values that the sink was given for it; None
    where the receiver must be asked first what it has.
    """

    key: str
    value: str
    timestamp: int
    revision: int | None = 0
