"""Host settings: files of the machine that are laid over every project."""

from __future__ import annotations

import os
from pathlib import Path

from reportupdater.config.schema import HOST_KEYS, ON_FAILURE_KEYS, SITE_KEYS
from reportupdater.configfile.document import Section
from reportupdater.configfile.files import mapping_in, read_needed
from reportupdater.configfile.sections import ALL, Reading, read_keys
from reportupdater.errors import Problem

_PLACES = ("/etc/reportupdater/config.yaml", "~/.config/reportupdater/config.yaml")
_ELSEWHERE = {"reports": "reports belong into the config.yaml of a project"}
_EXAMPLE = "for example engines: {mysql: {creds_file: ~/.my.cnf}}"


def default_host_files() -> tuple[Path, ...]:
    """Return the machine's file and the user's, as far as they are there, in the order of their laying."""
    return tuple(
        Path(path) for place in _PLACES if os.path.lexists(path := os.path.expanduser(place))
    )


def read_host_file(path: Path) -> tuple[Reading, list[Problem]]:
    """Return the top-level keys of a file of host settings. Raises UsageError if it cannot be read.

    Where anything is `bad`, what it should have changed is unknown, so no report may run.
    """
    root, problems = mapping_in(read_needed(path), str(path), "host settings", _EXAMPLE)
    if root is None:
        return Reading(HOST_KEYS, bad=frozenset({ALL} if problems else ())), problems
    keys, found = read_keys(root, HOST_KEYS, "", elsewhere=_ELSEWHERE)
    given = keys.given.get("on_failure")
    if given is not None and isinstance(given.value, Section):
        own, wrong = read_keys(given.value, ON_FAILURE_KEYS, "on_failure")
        found += [*wrong, *own.missing("on_failure", given.where)]
    site = keys.given.get("site")
    if site is not None and site.value is not None:
        own, wrong = read_keys(site.value, SITE_KEYS, "site")
        found += [*wrong, *own.missing("site", site.where)]
    return keys, [*problems, *found]
