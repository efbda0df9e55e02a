"""A project whose runs are disturbed, and what comes out of it when nobody does.

Three series that send datapoints, one with several rows a day, and a script; the first month's
values are corrected later, and a mark asks for that month again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.delivery.projects import Points, stored
from tests.helpers import SQLITE, Project, wait_until
from tests.servers.carbon import Carbon

NOW = "2025-02-10"
WIKIS = ("dewiki", "enwiki", "frwiki")

_REPORTS = """\
reports:
  edits:
    explode_by: {{wiki: [{wikis}]}}
    graphite: {{path: '{node}.{{wiki}}.{{_metric}}', metrics: {{n: n}}}}
  kinds: {{max_data_points: 20}}
  sizes: {{type: script, max_data_points: 5}}
"""
_EDITS = """\
SELECT '{from_date}' AS date, {from_timestamp:.8} % 100
    + CASE WHEN '{from_date}' < '2025-02-01' THEN BONUS ELSE 0 END AS n, '{wiki}' AS wiki
"""
_KINDS = " UNION ALL ".join(
    f"SELECT '{{from_date}}' AS date, '{kind}' AS kind, {{from_timestamp:.8}} * {at} AS n"
    for at, kind in enumerate(("bots", 'a "quoted" kind\tand a tab', "humans"))
)
_SIZES = "#!/bin/sh\nprintf 'date\\tn\\n%s\\t1\\n%s\\t2\\n' $1 $1\n"


class Whole(NamedTuple):
    """What a run that was left alone has made."""

    tsvs: Mapping[str, bytes]
    points: Points
    """With NODE for the first node of their paths."""


def made(folder: Path, carbon: Carbon, node: str, databases: str = SQLITE) -> Project:
    """The project, before the correction; `databases` is how its config.yaml begins."""
    graphite = f"graphite: {{host: {carbon.host}, port: {carbon.port}, drain_timeout: 30}}\n"
    reports = _REPORTS.format(wikis=", ".join(WIKIS), node=node)
    files = {"edits.sql": _EDITS.replace("BONUS", "0"), "kinds.sql": _KINDS, "sizes": _SIZES}
    return Project(folder, databases + graphite + reports, files)


def correct(project: Project) -> None:
    """Correct January's values, and ask for those that are done again; does nothing a second time."""
    if (project.folder / ".reruns").exists():
        return
    project.write("edits.sql", _EDITS.replace("BONUS", "100"))
    project.write(".reruns/january", "2025-01-01\n2025-02-01\nedits\n")


def whole_of(project: Project, node: str, *, corrected: bool) -> Whole:
    """Run the project to its end, undisturbed."""
    project.run(now=NOW)
    if corrected:
        correct(project)
        project.run(now=NOW)
    return Whole(project.tsvs(), renamed(stored(project, node, ("n",)), node, "NODE"))


def renamed(points: Points, old: str, new: str) -> Points:
    """Datapoints with another first node."""
    return {(path.replace(old, new, 1), at): value for (path, at), value in points.items()}


def arrived(carbon: Carbon, node: str, expected: Points) -> Points:
    """What carbon has written under a node, as soon as it is what is expected, or after a while."""
    found: Points = {}

    def all_there() -> bool:
        nonlocal found
        found = renamed(carbon.everything(node), node, "NODE")
        return found == expected

    with suppress(AssertionError):  # the difference is told by whoever asked
        wait_until(all_there, within=15)
    return found
