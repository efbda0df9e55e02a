"""The rows of a site: one script a TSV, written where the TSV is another file than it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.operations.site_folder import SiteFolder
from reportupdater.publish.columns import block
from reportupdater.publish.paths import data_file
from reportupdater.state.coverage import Identity
from reportupdater.tsv.files import Place, Walk
from reportupdater.tsv.rows import checked_rows

_NO_FILE = Identity(-1, -1, -1, -1)
_MOST_BLOCKS = 40
"""A script of more is written anew: each block repeats the header."""


class Known(NamedTuple):
    """A TSV of which the rows are in the site."""

    identity: Identity
    checksum: int
    script: int
    """Bytes of the script."""
    blocks: int
    header: tuple[str, ...]
    last: tuple[str, ...]
    """The last row; empty where there is none."""


@dataclass(slots=True)
class Rows:
    """The scripts with the rows of one report's TSVs."""

    folder: SiteFolder
    report: str
    unit: Granularity
    walk: Walk
    now: dict[str, Identity]
    known: dict[str, Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            stored = self.folder.recall(f"rows/{self.report}")
            self.known = {tsv: _known(row) for tsv, row in stored["tsvs"].items()}
            is_same = stored["unit"] == self.unit.value
        except (TypeError, ValueError, KeyError, AttributeError):
            return  # there is nothing, or what someone has changed: all is written anew
        if not is_same:  # dates are written otherwise
            self.known = {
                tsv: known._replace(identity=_NO_FILE, blocks=_MOST_BLOCKS)
                for tsv, known in self.known.items()
            }

    def update(self, tsvs: Sequence[str]) -> None:
        """Write the scripts of those TSVs that have changed, and remove those of TSVs that have gone.

        Raises OSError where the site cannot be written.
        """
        for gone in self.known.keys() - {tsv for tsv in tsvs if tsv in self.now}:
            self.folder.remove(data_file(gone.removesuffix(".tsv")))
            del self.known[gone]
        for tsv in tsvs:
            identity = self.now.get(tsv)
            if identity is None:
                continue
            known = self.known.get(tsv)
            script = data_file(tsv.removesuffix(".tsv"))
            if known is not None and known.identity == identity:
                continue
            found = self._read(tsv)
            if found is None:
                self.known.pop(tsv, None)
                self.folder.remove(script)
            else:
                self.known[tsv] = self._written(tsv, identity, known, script, *found)

    def remember(self) -> None:
        """Keep what the scripts were made of. Raises OSError."""
        tsvs = {tsv: list(known) for tsv, known in self.known.items()}
        self.folder.remember(f"rows/{self.report}", {"unit": self.unit.value, "tsvs": tsvs})

    def _read(self, tsv: str) -> tuple[Place, bytes] | None:
        """Return a TSV and what it holds; None where it cannot be read, which its series says."""
        try:
            place = self.walk.place(tsv)
            if place is None:
                return None
            with open(place.open(), "rb") as file:
                return place, file.read()
        except (TsvError, OSError):
            return None

    def _written(
        self,
        tsv: str,
        identity: Identity,
        known: Known | None,
        script: str,
        place: Place,
        content: bytes,
    ) -> Known:
        name = tsv.removesuffix(".tsv")
        try:
            if known is not None and known.blocks < _MOST_BLOCKS:
                added = self._added(name, content, known, script)
                if added is not None:
                    return added._replace(identity=identity)
            header, rows = self._parsed(place, content)
            text = block(name, header, rows, self.unit).encode()
        except (TsvError, ValueError):  # it is damaged, which its series says
            header, rows, text = (), [], b""
        self.folder.write(script, text)
        last = tuple(rows[-1]) if rows else ()
        return Known(identity, crc32(content), len(text), 1, header, last)

    def _added(self, name: str, content: bytes, known: Known, script: str) -> Known | None:
        """Append the rows that a TSV has more than before; None where it has not just more of them."""
        size = known.identity.size
        added = content[size:]
        if not added or b'"' in added or b"\r" in added or not known.last:
            return None
        checksum = crc32(memoryview(content)[:size])
        if checksum != known.checksum:
            return None
        rows = [tuple(line.split("\t")) for line in added.decode().split("\n")[:-1]]
        if not added.endswith(b"\n") or any(len(row) != len(known.header) for row in rows):
            return None
        text = block(name, known.header, rows, self.unit).encode()
        if not self.folder.append(script, text, known.script):
            return None
        return Known(
            *(known.identity, crc32(added, checksum), known.script + len(text), known.blocks + 1),
            *(known.header, rows[-1]),
        )

    def _parsed(
        self, place: Place, content: bytes
    ) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        if b'"' not in content and b"\r" not in content and content.endswith(b"\n"):
            lines = content.decode().removeprefix("\ufeff").split("\n")
            header = tuple(lines[0].split("\t"))
            rows = [tuple(line.split("\t")) for line in lines[1:-1]]
            if all(len(row) == len(header) for row in rows):
                return header, rows
        found = list(checked_rows(place, self.unit))
        return (found[0].cells, [row.cells for row in found[1:]]) if found else ((), [])


def _known(row: Any) -> Known:
    identity, checksum, script, blocks, header, last = row
    return Known(Identity(*identity), checksum, script, blocks, tuple(header), tuple(last))
