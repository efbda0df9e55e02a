"""What the configuration and the runner ask of a sink, and nothing more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Protocol

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Keys
from reportupdater.errors import Problem, Where
from reportupdater.model import Datapoint, Dimension, Report, Series, SinkSettings

BATCH_TIMEOUT = 30.0
"""Seconds within which a receiver must have read a batch to its end."""

Row = Sequence[str]


class Made(NamedTuple):
    """The datapoints of a table, in the order of its rows, and what was odd about it.

    `problems` are for the report's author to fix. What they withhold can be made from the stored
    rows later.
    """

    points: list[Datapoint]
    problems: tuple[Problem, ...] = ()
    warnings: Mapping[Hashable, str] = MappingProxyType({})
    nameless: int = 0
    """Rows not sent because their series key has an empty value, or is too long."""
    no_numbers: int = 0
    """Values not sent because they are text, NaN or infinite."""


class Sink(Protocol):
    """A client for one receiver. `send` is called by one thread at a time, `close` by any."""

    @property
    def destination(self) -> str:
        """The receiver, as a URL."""

    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> None:
        """Return when the receiver has read all points, each once at least.

        It ends within `timeout` seconds whatever the receiver does. Raises ConnectionFailed: then
        it is not known which of the points have arrived, and all are to be sent again.
        """

    def close(self) -> None:
        """Make the `send` in progress, and each later one, fail at once. Never raises."""


class Stored(NamedTuple):
    """What a receiver has of a series key: a value for some of the dates from `since` on.

    What it had of earlier ones is not known: it has rolled them up or dropped them.
    Dates are in seconds since the epoch; each is for the `step` seconds that begin with it.
    """

    since: float
    step: int
    values: Mapping[int, float]


class Reader(Protocol):
    """Reads back what a receiver has."""

    at_once: int
    """Series keys to a request."""

    def read(
        self, keys: Iterable[str], first: int, last: int, step: int
    ) -> Iterator[tuple[str, Stored | None]]:
        """Give what is there of each key from `first` to `last`, None where it has none of that key.

        `step` is how many seconds at most a point may cover. Raises ConnectionFailed.
        """


class Definition(ABC):
    """A sink as the configuration and the runner see it. Its module imports no driver."""

    KEYS: ClassVar[Keys]
    """The keys of its section of a project and of host settings."""
    REPORT_KEYS: ClassVar[Keys]
    """The keys of its section of a report."""
    PLACEHOLDERS: ClassVar[frozenset[str]] = frozenset()
    """Placeholders of its series keys with a meaning of their own, which begin with `_`: no dimension
    has such a name."""

    @abstractmethod
    def read(
        self, sections: Iterable[Section], folders: Folders
    ) -> tuple[SinkSettings | None, list[Problem]]:
        """Read the project's section with those of host settings laid over it.

        None where anything is wrong in any of them, so that no datapoint is sent to a wrong place.
        """

    @abstractmethod
    def read_report(
        self,
        section: Section,
        owner: str,
        dimensions: Sequence[Dimension],
        settings: SinkSettings | None,
    ) -> tuple[object | None, list[Problem]]:
        """Read a report's section; what is returned is the report's output for this sink."""

    def unused(self, section: Section, dimensions: Collection[str]) -> list[Problem]:
        """Warn of what the project's section says of dimensions that no report has."""
        return []

    @abstractmethod
    def points(
        self, series: Series, settings: SinkSettings, header: Row, rows: Sequence[Row]
    ) -> Made:
        """Return the datapoints of a table's rows. `row[0]` is the label of a date or an hour."""

    def needs_rows(self, report: Report) -> bool:
        """Return whether only the stored rows show which series keys a report has."""
        return False

    @abstractmethod
    def series_keys(
        self, series: Series, settings: SinkSettings, header: Row = (), rows: Sequence[Row] = ()
    ) -> tuple[list[str], list[Problem]]:
        """Return every series key of a series, and why others cannot be made.

        `header` and `rows` are those of its TSV; they may be left out unless `needs_rows`.
        """

    def suspects(
        self, reports: Sequence[Report], settings: SinkSettings
    ) -> Iterator[Sequence[Report]]:
        """Yield groups of reports of which two series may make one key, as cheaply as that can be known.

        A run asks this each time; `check` looks at all keys of all reports.
        """
        return iter(())

    @abstractmethod
    def where(self, report: Report) -> Where:
        """Return the place of what makes the series keys of a report."""

    def missing_columns(
        self, series: Series, settings: SinkSettings, header: Row | None
    ) -> Iterator[Problem]:
        """Warn of columns that the report takes and its TSV's header, or else its query, lacks."""
        return iter(())

    def partly_named(self, report: Report, settings: SinkSettings) -> Mapping[str, list[str]]:
        """Return the values of dimensions that have no name though others of the dimension have."""
        return {}

    def reader(self, settings: SinkSettings, url: str | None) -> Reader | None:
        """Return what reads datapoints back; None where the sink, or without a `url`, nothing can."""
        return None

    @abstractmethod
    def sink(self, settings: SinkSettings) -> Sink:
        """Return a client for the destination of the settings, which name one."""
