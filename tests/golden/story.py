"""A month in the life of a project: what its files hold, and what each command prints and sends.

Messages are masked: only their places and figures are kept, so that their prose may change and
nothing else can.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.helpers import ENVIRONMENT, RUN, Project
from tests.servers.receivers import Receiver, reads_all, receiver

CONFIG = """
databases: {{local: {{engine: sqlite, path: data.sqlite}}}}
graphite: {{host: 127.0.0.1, port: {port}, enabled: true, drain_timeout: 20, lookups: {{wiki: names.yaml}}}}
defaults: {{db: local, granularity: days, starts: 2025-01-01}}
reports:
  edits:
    explode_by: {{wiki: wikis.txt, editor: "anonymous, user"}}
    graphite: {{path: "g.{{_metric}}.{{wiki}}.{{editor}}", metrics: {{edits: edits, reverts: reverts}}}}
  sizes: {{granularity: weeks, starts: 2024-12-22, lag: 86400}}
  totals: {{granularity: months, starts: 2024-10-01, max_data_points: 3}}
  hourly: {{granularity: hours, starts: "2025-01-30 20:00", ends: "2025-01-31 02:00"}}
  pivot: {{type: script, explode_by: {{wiki: "enwiki, frwiki"}}, starts: 2025-01-25}}
  kept: {{max_data_points: 5}}
  scheduled: {{schedule: "30 5 * * 1"}}
  failing: {{starts: 2025-01-29}}
  invalid: {{granularity: fortnights}}
"""

FILES = {
    "names.yaml": "enwiki: en\nfrwiki: fr\n",
    "wikis.txt": "enwiki\nfrwiki\n",
    "edits.sql": """
        SELECT '{from_date}' AS date, CAST(substr('{from_date}', 9) AS INTEGER) * 10 AS edits,
            CASE WHEN '{wiki}' = 'enwiki' THEN 1.5 END AS reverts, '{editor}' AS "quoted ""name"" "
        WHERE substr('{from_date}', 9) <> '13'
    """,
    "sizes.sql": """
        SELECT date('{from_date}', '+1 day') AS day, column1 AS size, column2 AS n
        FROM (VALUES ('small', '0012'), ('large', 'NULL'), ('tab\t', ' space '))
    """,
    "totals.sql": "SELECT '{from_date}' AS date, '{to_timestamp}' AS up_to, 1e100 AS big, 5.0 AS whole",
    "hourly.sql": "SELECT '{from_timestamp:.13}' AS date, 1 AS n WHERE 0",
    "kept.sql": "SELECT '{from_date}' AS date, 'ünï' AS text",
    "scheduled.sql": "SELECT '{from_date}' AS date, {day} AS n",
    "failing.sql": "SELECT '{from_date}' AS date, n FROM missing",
    "pivot": """#!/bin/sh
        case $1 in
            *7) printf 'date\\tb\\ta\\n%s\\t2\\t1\\n' $1 ;;
            *8) printf 'date\\n' ;;
            *) printf 'date\\ta\\tc\\n%s\\t%s\\t\\n%s\\tx\\t\\n' $1 $3 $1 ;;
        esac
    """,
}

NOW = ("--now", "2025-02-01 06:00")
_TODAY = re.compile(r"20(?:2[6-9]|[3-9]\d)-\d\d-\d\d \d\d:\d\d UTC")
"""A moment of the machine's clock, in a message; the story itself is of 2025."""
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*")
_FIGURES = re.compile(r"\d[\d,.:-]*\d|\d")


def lines(parent: Path) -> Iterator[str]:
    """All that the golden file holds, line by line."""
    with receiver(reads_all) as graphite:
        yield from _lines(parent, graphite)


def _lines(parent: Path, graphite: Receiver) -> Iterator[str]:
    project = Project(parent, CONFIG.format(port=graphite.port), FILES)
    mask = _Mask(parent, graphite.port)
    both = (project.folder, project.output)
    between = ("--since", "2025-01-30", "--until", "2025-02-01")
    project.write_tsv(
        "edits/user/enwiki", "date\tedits\text\r\n2025-1-5\t7\tx\r\n2025-01-06\t8\ty\r\n"
    )

    def command(*words: str | Path) -> Iterator[str]:
        called = subprocess.run(
            [*RUN[:-1], *words],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        yield f"$ {mask.paths(' '.join(map(str, words)))}"
        yield f"exit {called.returncode}"
        yield from mask.output(called.stdout)
        yield from sorted(f"! {line}" for line in mask.output(called.stderr))

    yield from command("check", project.folder)
    yield from command("config", project.folder)
    yield from command("plan", "--json", *NOW, *both)
    yield from command("run", "--now", "2025-01-15", *both)
    yield from command("run", *NOW, *both)
    yield from command("run", *NOW, *both)
    yield from command("metrics", *both)
    yield from command("rerun", "--report", "kept", *between, *both)
    yield from command("rerun", "--report", "edits", *between, *both)
    project.write("edits.sql", FILES["edits.sql"].replace("* 10 AS edits", "* 11 AS edits"))
    yield from command("plan", "--json", *NOW, *both)
    yield from command("run", *NOW, *both)
    yield from command("resend", "--report", "edits", "--since", "2025-01-31", *both)
    yield from command("plan", *NOW, *both)
    yield from command("status", "--json", "--series", *NOW, project.output, project.folder)
    for path in sorted(project.output.rglob("*.tsv")):
        yield f"= {path.relative_to(project.output)}"
        yield from map(repr, path.read_bytes().decode().split("\n"))
    yield "= datapoints"
    yield from sorted(graphite.lines)


class _Mask:
    """What of an output is kept."""

    def __init__(self, parent: Path, port: int) -> None:
        self._parent = str(parent)
        self._port = str(port)

    def paths(self, text: str) -> str:
        """Replace what differs from one run to the next."""
        return text.replace(self._parent, "/parent").replace(self._port, "PORT")

    def output(self, text: str) -> Iterator[str]:
        """JSON with its messages masked, or the masked lines of a text."""
        text = self.paths(text)
        try:
            yield from json.dumps(self._value(json.loads(text)), indent=1).splitlines()
        except ValueError:
            for line in text.splitlines():
                masked = self._message(line)
                if masked:
                    yield masked

    def _value(self, value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {key: self._value(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [self._value(one, key) for one in value]
        if key in _CHANGING and value is not None:
            return "..."
        if isinstance(value, str) and " " in value and not re.fullmatch(r"[\d: -]+", value):
            return self._message(value)
        return value

    def _message(self, text: str) -> str:
        """The figures and the paths of a text."""
        found: list[str] = []
        for word in _MOMENT.sub("", _TODAY.sub("", text)).split():
            found += [word.rstrip(",:;")] if "/" in word else _FIGURES.findall(word)
        return " ".join(found)


_CHANGING = {"expected_seconds", "last_error_at", "last_run", "started", "ended", "seconds", "pid"}
"""Fields that tell when something happened by the machine's clock, or how long it took."""
