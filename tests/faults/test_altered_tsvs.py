"""TSVs that were cut off or altered at random between runs: told with file and line, or still a TSV.

What a TSV holds is decided here by a reader of the test's own, which knows the rules and not the code.
"""

from __future__ import annotations

import csv
import os
import random
import re
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from reportupdater.intervals import Granularity
from tests.faults.soak import cases
from tests.faults.tried import Tried
from tests.helpers import SQLITE, Project

WIKIS = [f"w{number:02}" for number in range(28)]
UNHARMED = 3
"""So many of them are left alone."""
THEN, NOW = "2025-01-12", "2025-01-15"

CONFIG = SQLITE + f"reports: {{edits: {{explode_by: {{wiki: [{', '.join(WIKIS)}]}}}}}}\n"
QUERY = """
SELECT '{from_date}' AS date, {from_timestamp:.8} % 100 AS n, '{wiki}' AS "the wiki", 'tab\tinside' AS text
UNION ALL SELECT '{from_date}', 7, 'two
lines', 'a "quote", é'
"""
STRAY = [b"\t", b"\n", b"\r", b'"', b"\0", b"\xff", b"\xc3", b"9", b"-", b"\r\n", b"\xef\xbb\xbf"]
"""Bytes that mean something to a reader of TSVs, or to one of text."""

Row = dict[str, str]


class Read(NamedTuple):
    """A TSV as the test's own reader reads it: the name of its date column, and rows by interval."""

    date: str
    rows: dict[int, list[Row]]


def read(content: bytes) -> Read | None:
    """What a TSV holds; None where that is unknown."""
    try:
        text = content.decode("utf-8-sig")
        lines = [line + "\n" for line in text.split("\n")[:-1]]
        found = [cells for cells in csv.reader(lines, "excel-tab", strict=True) if cells]
    except (UnicodeDecodeError, csv.Error):
        return None
    if text and not text.endswith("\n"):
        return None
    if not found:
        return Read("", {})
    header, *rest = found
    if _place(header[0]) is not None:
        return None
    names: list[str] = []
    for name in header[1:]:
        if name in names:
            return None
        empty = sum(name.startswith("empty ") for name in names)
        names.append(name or f"empty {empty}")
    rows: dict[int, list[Row]] = {}
    for cells in rest:
        place = _place(cells[0])
        if place is None or len(cells) != len(header):
            return None
        named = zip(names, cells[1:], strict=True)
        kept = {name: cell for name, cell in named if cell}  # columns may come and go
        rows.setdefault(place[1], []).append(kept | {"date of the row": place[0]})
    return Read(header[0], rows)


def _place(text: str) -> tuple[str, int] | None:
    try:
        return Granularity.DAYS.place(text)
    except ValueError:
        return None


def altered(content: bytes, rng: random.Random) -> bytes:
    """A file's content, cut off or altered at a random byte."""
    at = rng.randrange(len(content))
    match rng.randrange(7):
        case 0 | 1:
            return content[:at]
        case 2:
            return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        case 3:
            return content[:at] + rng.choice(STRAY) + content[at + 1 :]
        case 4:
            return content[:at] + rng.choice(STRAY) + content[at:]
        case 5:
            return content[:at] + content[at + rng.randint(1, 40) :]
        case _:
            return content[:at] + bytes(rng.randint(1, 40)) + content[at:]


@pytest.mark.parametrize("part", range(2))
def test_an_altered_tsv_is_noticed_or_is_a_tsv_and_the_others_go_on(
    tmp_path: Path, part: int
) -> None:
    tried = Tried("TSV cut off or altered at random bytes")
    rng = random.Random(part)
    project = Project(tmp_path, CONFIG, {"edits.sql": QUERY})
    project.run(now=THEN)
    [good] = {content.replace(b"w%02d" % at, b"WIKI") for at, content in _contents(project)}
    turn = 0
    while tried["cases"] < cases(50, 1000) // 2:
        harmed = rng.sample(WIKIS, len(WIKIS) - UNHARMED)
        for at, wiki in enumerate(WIKIS):
            project.tsv(f"edits/{wiki}").write_bytes(good.replace(b"WIKI", b"w%02d" % at))
        if turn % 2:  # what is done in them is remembered, and then they change behind its back
            for wiki in WIKIS:
                os.utime(project.tsv(f"edits/{wiki}"), (1_700_000_000, 1_700_000_000))
            time.sleep(2.1)
            project.run(now=THEN)
        contents: dict[str, bytes] = {}
        for wiki in harmed:
            path = project.tsv(f"edits/{wiki}")
            contents[wiki] = altered(path.read_bytes(), rng)
            path.write_bytes(contents[wiki])
            os.utime(path, (1_700_000_000, 1_700_000_000))
        with project.started(now=NOW) as run:
            run.process.wait(60)
            said = run.ended(run.process.returncode)
        with tried.case(f"{part}/{turn}"):
            assert run.process.returncode == (1 if "wrong:" in said else 0), said
        for wiki in WIKIS:
            path = project.tsv(f"edits/{wiki}")
            case = f"{part}/{turn} {contents.get(wiki)!r}"
            _judge(tried, path, contents.get(wiki), said, case)
        turn += 1
    tried.settle()


def _contents(project: Project) -> list[tuple[int, bytes]]:
    return [(at, project.tsv(f"edits/{wiki}").read_bytes()) for at, wiki in enumerate(WIKIS)]


def _judge(tried: Tried, path: Path, before: bytes | None, said: str, case: str) -> None:
    """See what became of a TSV that held `before` (None: it was not altered)."""
    found = path.read_bytes()
    told = re.search(rf"{re.escape(str(path))}:[0-9]+: \S", said)
    if before is not None:
        tried.count()
        held = read(before)
        if held is None:
            tried.count("noticed")
            tried.found("wrong", case, [] if told else [f"{path} is not told: {said}"])
            tried.found("lost", case, [] if found == before else ["the damaged file was written"])
            return
    else:
        held = Read("date", {})
    tried.found("wrong", case, [f"told of {path}: {said}"] if told else [])
    now = read(found)
    if now is None:
        tried.found("wrong", case, [f"{found!r} is no TSV"])
        return
    wiki = path.stem
    days = {_number(f"2025-01-{day:02}"): day for day in range(1, 15)}
    for number in sorted({*held.rows, *days}):
        should = held.rows.get(number) or _computed(days[number], wiki)
        has = now.rows.get(number, [])
        tried.found("lost", case, [f"{row} of {number}" for row in should if row not in has])
        tried.found("wrong", case, [f"{row} of {number}" for row in has if row not in should])
    tried.found(
        "wrong",
        case,
        [f"row of {number}" for number in now.rows.keys() - held.rows.keys() - days.keys()],
    )


def _number(date: str) -> int:
    place = _place(date)
    assert place
    return place[1]


def _computed(day: int, wiki: str) -> list[Row]:
    date = f"2025-01-{day:02}"
    return [
        {"date of the row": date, "n": str(day), "the wiki": wiki, "text": "tab\tinside"},
        {"date of the row": date, "n": "7", "the wiki": "two\nlines", "text": 'a "quote", é'},
    ]
