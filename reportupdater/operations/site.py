"""A site of an output folder: what it has of each report, for readers, and what is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from reportupdater import __version__
from reportupdater.errors import UsageError, error_text
from reportupdater.execution.clock import utcnow
from reportupdater.execution.select import Source
from reportupdater.model import Project
from reportupdater.operations.site_folder import SiteFolder
from reportupdater.operations.site_identities import identities
from reportupdater.state.coverage import Identity
from reportupdater.tsv import listing

_STATE = (".reportupdater/state.sqlite", ".reportupdater/state.sqlite-wal")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRequest:
    """Of which output folder a site is wanted, and where."""

    output: Path
    folder: Path
    """Of the site."""
    projects: tuple[Source, ...] = ()
    """Whose reports have pages with all that is known; others of the folder have what it shows."""
    title: str = "Reports"
    now: datetime = field(default_factory=utcnow)
    whole: bool = True
    """Whether these are all projects; else the reports of others stay as they are."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "output", Path(self.output))
        object.__setattr__(self, "folder", Path(self.folder))


@dataclass(frozen=True, slots=True)
class Site:
    """What was written."""

    index: Path
    reports: int
    written: int
    """Files that are other than they were."""
    troubles: tuple[str, ...]
    stopped: None = None

    @property
    def is_good(self) -> bool:
        """Whether all could be looked at."""
        return not self.troubles


def site(request: SiteRequest) -> Site:
    """Write a site, as far as it is not written yet. Raises UsageError, StateError."""
    listing.needed(request.output)
    folder = SiteFolder(request.folder)
    try:
        return _site(request, folder)
    except OSError as error:
        raise UsageError(
            f"the site cannot be written: {error_text(error)}", hint="it needs a folder of its own"
        ) from None


def _site(request: SiteRequest, folder: SiteFolder) -> Site:
    _check_folder(request)
    with folder.locked():
        return _written(request, folder)


def _written(request: SiteRequest, folder: SiteFolder) -> Site:
    output = str(request.output.resolve())
    if folder.recall("output") not in (None, output):
        raise UsageError(
            f"{request.folder} is the site of another output folder, {folder.recall('output')}",
            hint="each has a site of its own",
        )
    projects = [(source, source.load()) for source in request.projects]
    now = identities(request.output)
    mark = _mark(request, projects, now)
    if request.whole:
        with suppress(TypeError, ValueError):  # there is nothing, or what someone has changed
            reports, troubles, former = folder.recall("site")
            if former == mark:
                return Site(folder.path / "index.html", reports, 0, tuple(troubles))
    folder.forget("site")  # what follows may be interrupted
    folder.remember("output", output)
    folder.write_assets()
    from reportupdater.operations.site_writing import Writing  # where something has changed

    writing = Writing(request, folder, now)
    for source, project in projects:
        writing.write_project(source, project)
    if request.whole:
        writing.write_others()
        writing.remove_others()
    reports = writing.write_index()
    troubles = tuple(dict.fromkeys(writing.troubles))
    if request.whole:
        folder.remember("site", [reports, troubles, mark])
    return Site(folder.path / "index.html", reports, folder.written, troubles)


def _check_folder(request: SiteRequest) -> None:
    """Raise UsageError where a site would lie among TSVs, or write over what is none."""
    output, site = request.output.resolve(), request.folder.resolve()
    if site == output or output in site.parents:
        raise UsageError(
            f"{request.folder} lies in the output folder", hint="a site needs a folder of its own"
        )
    with suppress(FileNotFoundError):
        names = {*os.listdir(site)}
        if names and ".written" not in names:
            raise UsageError(
                f"{request.folder} holds other things than a site",
                hint="name an empty folder, or one that does not exist",
            )


def _mark(
    request: SiteRequest,
    projects: Sequence[tuple[Source, Project]],
    now: Mapping[str, Identity],
) -> list[Any]:
    """Return what a site is made of: if it is the same, so is the site."""
    paths = [request.output / name for name in _STATE]
    for source, project in projects:
        paths += [source.config, *source.hosts, *(one.execute for one in project.reports)]
    return [
        __version__,
        str(request.output.resolve()),
        request.title,
        f"{request.now:%Y-%m-%dT%H}",
        [[str(path), *_found(path)] for path in paths],
        sha256(json.dumps([*now.items()]).encode()).hexdigest(),
    ]


def _found(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_size, found.st_ino, found.st_mtime_ns
