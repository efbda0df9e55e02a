"""The files of docs/operating, and the commands and settings that docs/operating.md shows."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
FILES = DOCS / "operating"
PAGE = (DOCS / "operating.md").read_text(encoding="utf-8")


def copied(name: str, folder: Path) -> str:
    """The text of a file, on a host where all that is in /srv and /opt lies in a folder."""
    text = (FILES / name).read_text(encoding="utf-8")
    return text.replace("/srv/", f"{folder}/srv/").replace("/opt/", f"{folder}/opt/")


def block(beginning: str) -> str:
    """The block of the page that begins so."""
    (text,) = re.findall(rf"```\w*\n({re.escape(beginning)}.*?)```", PAGE, re.DOTALL)
    return str(text)
