"""What the configuration and the runner ask of a sink, and nothing more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Keys
from reportupdater.errors import Problem, Where
from reportupdater.model import Datapoint, Dimension, Report, Series, SinkSettings

if TYPE_CHECKING:
    from reportupdater.sinks.client import Sink

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
    too_old: int = 0
    """Values not sent because the settings keep the sink from getting such old ones."""


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

    def close(self) -> None:
        """Give up what is kept from one request to the next."""


class Definition(ABC):
    """A sink as the configuration and the runner see it. Its module imports no driver."""

    KEYS: ClassVar[Keys]
    """The keys of its section of a project and of host settings."""
    REPORT_KEYS: ClassVar[Keys]
    """The keys of its section of a report."""
    PLACEHOLDERS: ClassVar[frozenset[str]] = frozenset()
    """Placeholders of its series keys with a meaning of their own, which begin with `_`: no dimension
    has such a name."""
    LAST_REVISION: ClassVar[int | None] = None
    """The highest revision of a datapoint that can be sent; None where its values need no numbers."""

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

    def warning_of_new(self, settings: SinkSettings, new: int) -> str:
        """Return what is worth a warning where a run will make so many new series, or nothing."""
        return ""

    def cost_of_new(self, new: int) -> str:
        """Return what so many new series mean for the receiver, in words that follow a count, or nothing."""
        return ""

    def families(self, report: Report) -> list[str]:
        """Return the names of a report's metrics, by which a file for the receiver is ordered."""
        return []

    def is_of_family(self, key: str, family: str) -> bool:
        """Return whether a series key is of a metric."""
        return False

    def deletion(self, key: str, timestamp: int) -> tuple[str, ...]:
        """Return command lines that delete a datapoint, each after the kind of receiver that it is for."""
        return ()

    def reader(self, settings: SinkSettings, url: str | None) -> Reader | None:
        """Return what reads datapoints back; None where the sink, or without a `url`, nothing can."""
        return None

    def head(self, family: str) -> str:
        """Return the line of a file for the receiver that comes before those of a metric."""
        raise NotImplementedError

    def line(self, point: Datapoint) -> str:
        """Return the line of a file for the receiver that has a datapoint; it has a revision."""
        raise NotImplementedError

    @abstractmethod
    def sink(self, settings: SinkSettings) -> Sink:
        """Return a client for the destination of the settings, which name one."""
