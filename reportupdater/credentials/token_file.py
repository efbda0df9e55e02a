"""Files that hold a token and nothing else."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reportupdater.errors import ConnectionFailed

_LARGEST = 1 << 16
_TOKEN = re.compile(rb"[!-~]+")


def read(path: Path) -> str:
    """Return the token in a file. Raises ConnectionFailed, which quotes nothing of it."""
    try:
        with open(
            path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)
        ) as file:
            token = file.read(_LARGEST + 1).strip()
    except OSError as error:
        raise ConnectionFailed(
            f"the token file {path} cannot be read: {error.strerror}",
            hint="`bearer_file` names it",
            retry=False,
        ) from None
    if len(token) > _LARGEST or not _TOKEN.fullmatch(token):
        raise ConnectionFailed(
            f"the token file {path} holds no token",
            hint="it must hold one line of printable ASCII without spaces",
            retry=False,
        )
    return token.decode("ascii")
