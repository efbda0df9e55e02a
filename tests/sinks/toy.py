"""A whole sink in one file, as docs/architecture.md tells how to add one: it appends lines to a file."""

from __future__ import annotations

from calendar import timegm
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reportupdater.configfile.document import Section
from reportupdater.configfile.files import Folders
from reportupdater.configfile.keys import Key, table
from reportupdater.configfile.kinds import PATH, TEXT
from reportupdater.configfile.sections import read_keys, read_layers
from reportupdater.errors import ConnectionFailed, Problem, Where
from reportupdater.model import Datapoint, Dimension, Report, Series, SinkSettings
from reportupdater.sinks.base import Definition, Made, Reader, Row, Stored
from reportupdater.sinks.client import BATCH_TIMEOUT, Sent, Sink


@dataclass(frozen=True, slots=True, kw_only=True)
class ToySettings(SinkSettings):
    """The project's section `toy`."""

    file: Path

    @property
    def destination(self) -> str | None:
        """The file."""
        return f"toy://{self.file}"


@dataclass(frozen=True, slots=True)
class ToyOutput:
    """A report's section `toy`."""

    column: str
    where: Where


class Toy(Definition):
    """Lines in a file."""

    KEYS = table(Key("file", PATH, "Where lines go.", example="lines"))
    REPORT_KEYS = table(Key("column", TEXT, "The column of the values.", example="n"))

    def read(
        self, sections: Iterable[Section], folders: Folders
    ) -> tuple[SinkSettings | None, list[Problem]]:
        """Read the section of the project and of host settings."""
        keys, problems = read_layers(sections, self.KEYS, "toy")
        if problems or keys["file"] is None:
            return None, problems
        return ToySettings(enabled=True, file=folders.project / keys["file"]), []

    def read_report(
        self,
        section: Section,
        owner: str,
        dimensions: Sequence[Dimension],
        settings: SinkSettings | None,
    ) -> tuple[object | None, list[Problem]]:
        """Read a report's section."""
        keys, problems = read_keys(section, self.REPORT_KEYS, f"toy of {owner}")
        return (None if problems else ToyOutput(keys["column"], section.where)), problems

    def points(
        self, series: Series, settings: SinkSettings, header: Row, rows: Sequence[Row]
    ) -> Made:
        """One datapoint a row."""
        place = header.index(_output(series.report).column)
        [key], _ = self.series_keys(series, settings)
        return Made(
            [
                Datapoint(key, row[place], timegm(datetime.fromisoformat(row[0]).timetuple()))
                for row in rows
                if row[place]
            ]
        )

    def series_keys(
        self, series: Series, settings: SinkSettings, header: Row = (), rows: Sequence[Row] = ()
    ) -> tuple[list[str], list[Problem]]:
        """The path of the TSV."""
        return [series.tsv], []

    def where(self, report: Report) -> Where:
        """The report's section."""
        return _output(report).where

    def reader(self, settings: SinkSettings, url: str | None) -> Reader | None:
        """The file, read back."""
        assert isinstance(settings, ToySettings)
        return ToyReader(settings.file)

    def sink(self, settings: SinkSettings) -> Sink:
        """A client."""
        assert isinstance(settings, ToySettings)
        return ToySink(settings)


def _output(report: Report) -> ToyOutput:
    output = report.outputs["toy"]
    assert isinstance(output, ToyOutput)
    return output


class ToyReader:
    """Reads lines back; the last of a key and a date counts."""

    at_once = 10

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(
        self, keys: Iterable[str], first: int, last: int, step: int
    ) -> Iterator[tuple[str, Stored | None]]:
        """What the file has."""
        found: dict[str, dict[int, float]] = {}
        for line in self._file.read_text().splitlines():
            key, value, timestamp = line.split()
            found.setdefault(key, {})[int(timestamp)] = float(value)
        for key in keys:
            yield key, Stored(0, step, found[key]) if key in found else None

    def close(self) -> None:
        """Nothing is kept."""


class ToySink(Sink):
    """Appends lines to a file."""

    def __init__(self, settings: ToySettings) -> None:
        self.destination = str(settings.destination)
        self._file = settings.file
        self._closed = False

    def send(self, points: Sequence[Datapoint], *, timeout: float = BATCH_TIMEOUT) -> Sent:
        """Append a line for each datapoint."""
        if self._closed:
            raise ConnectionFailed(f"{self.destination} is closed")
        with self._file.open("a") as file:
            file.writelines(f"{one.key} {one.value} {one.timestamp}\n" for one in points)
        return Sent()

    def close(self) -> None:
        """Send no more."""
        self._closed = True
