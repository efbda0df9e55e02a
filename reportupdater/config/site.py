"""The site that host settings name: each run refreshes it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from reportupdater.config.schema import SITE_KEYS
from reportupdater.configfile.files import Folders, absolute
from reportupdater.configfile.sections import Reading, read_keys
from reportupdater.errors import Where


def read_site(layers: Iterable[Reading], folders: Folders) -> tuple[Path, str] | None:
    """Return the folder and the title of the site, each key of a layer laid over the one before.

    What is wrong with it was reported when the host settings were read.
    """
    found = Reading(SITE_KEYS)
    for layer in layers:
        given = layer.given.get("site")
        if given is not None and given.value is None:  # `null` takes back what an earlier file says
            found = Reading(SITE_KEYS)
        elif given is not None:
            found = read_keys(given.value, SITE_KEYS, "site")[0].over(found)
    if found.bad or found["folder"] is None:
        return None
    base = folders.of(found.where("folder", Where("")))
    return absolute(base, os.path.expanduser(found["folder"])), found["title"]
