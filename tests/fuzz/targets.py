"""What the fuzzer feeds with bytes: each raises where something is taken that must not be.

`seeds` are what it begins with, besides the files in `findings/`: inputs that once went wrong.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from reportupdater.config.load import load_project
from reportupdater.errors import TsvError
from reportupdater.intervals import Granularity
from reportupdater.tsv import dialect
from reportupdater.tsv import rows as tsv
from tests.config.test_any_input import CONFIG, FILES
from tests.faults.configurations import CONTROL, LONGEST_MESSAGE, RUINOUS, WRONG, check
from tests.helpers import written
from tests.machine import at
from tests.making import NASTY

FINDINGS = Path(__file__).parent / "findings"

_PARTS = ("config.yaml", "wikis.txt", "names.yaml", "edits.sql", "host.yaml")
"""The files of a project; in an input they stand in this order, NUL between them."""


class Target(NamedTuple):
    """A function that takes any bytes within a folder of its own, and what it is begun with."""

    run: Callable[[Path, bytes], None]
    seeds: list[bytes]
    words: list[str]
    """What the fuzzer tries to put in."""


def configuration(folder: Path, data: bytes) -> None:
    """Load a project and host settings, with the parser in C and with the one in Python."""
    given = dict(zip(_PARTS, data.split(b"\0", len(_PARTS) - 1), strict=False))
    for name in _PARTS:
        (folder / name).write_bytes(given.get(name, FILES.get(name, "").encode()))
    project = load_project(folder)
    check(project, given[_PARTS[0]])
    load_project(folder, host_files=[folder / "host.yaml"])
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        check(load_project(folder), given[_PARTS[0]])


def reader(folder: Path, data: bytes) -> None:
    """Read a TSV of each granularity, and write it again."""
    path = folder / "r.tsv"
    for granularity in Granularity:
        path.write_bytes(data)
        content = _read(path, granularity)
        if content is None:
            continue
        assert set(tsv.coverage(at(path), granularity)) == {row.number for row in content.rows}
        text = data.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), "excel-tab") if row]
        if rows:
            rows[0][0] = rows[0][0].lstrip("\ufeff")
            assert list(content.header) == rows[0]
            assert [row.cells[1:] for row in content.rows] == [tuple(row[1:]) for row in rows[1:]]
        # As `tsv.write` writes it, but for the waiting until it is durable.
        written(
            path, dialect.lines([content.header]) + dialect.lines(row.cells for row in content.rows)
        )
        if content.header not in ((), ("",)):  # a header of one empty name is a blank line
            assert tsv.read(at(path), granularity) == content


def _read(path: Path, granularity: Granularity) -> tsv.Content | None:
    """What a TSV holds; None if that cannot be told, for a reason with a place."""
    try:
        return tsv.read(at(path), granularity)
    except TsvError as caught:
        error = caught
    assert error.where is not None
    assert 1 <= error.where.line <= path.read_bytes().count(b"\n") + 1, str(error)
    assert not CONTROL.search(str(error).replace("\t", " ")), repr(str(error))
    assert len(str(error)) < LONGEST_MESSAGE, str(error)
    return None


_PROJECT = b"\0".join(
    CONFIG.encode() if name == "config.yaml" else FILES[name].encode() for name in _PARTS
)
TARGETS = {
    "configuration": Target(
        configuration,
        [
            _PROJECT,
            *(
                f"databases: {{l: {{engine: sqlite, path: x}}}}\nreports: {{edits: {{db: l, owner: {text}}}}}\n".encode(
                    errors="surrogatepass"
                )
                for text in (*WRONG, *RUINOUS)
                if len(text) < 1000
            ),
        ],
        [
            *(
                "reports:",
                "databases:",
                "explode_by:",
                "graphite:",
                "defaults:",
                "values:",
                "allow_values:",
            ),
            *(
                "- ",
                ": ",
                "<<: ",
                "*a",
                "&a ",
                "!!",
                "{{",
                "}}",
                "{from_date}",
                "\\x85",
                "\\xef\\xbb\\xbf",
            ),
        ],
    ),
    "tsv": Target(
        reader,
        [
            b"date\tn\n2015-01-01\t5\n2015-01-02\t\n",
            b'date\ta\tb\r\n2015-1-1 03:04:05\t"x\ty"\t""""\r\n\r\n',
            b"\xef\xbb\xbfdate\n2015-01-01T00:00:00\n",
            *(dialect.lines([("date", "n"), ("2015-01-01", text)]).encode() for text in NASTY),
        ],
        ["2015-01-01", "\\x09", "\\x0a", "\\x0d", "\\x22", "T00:00:00", "9999-12-31", "0001-01-01"],
    ),
}


def project_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder with what no input changes."""
    folder = tempfile.TemporaryDirectory()
    for name in ("q.sql", "q.hql"):
        written(Path(folder.name) / name, FILES[name])
    written(Path(folder.name) / "sizes", "#!/bin/sh\n")
    return folder
