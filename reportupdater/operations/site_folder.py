"""The folder of a site: what is in it is written where it differs, whole or not at all.

In `.written` lies of what each file was made, so that the next time only what has changed is made again.
Without it, all is.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from reportupdater import publish

_MEMORY = ".written"
_ASSETS = (
    "site.css",
    "site.js",
    "uPlot.iife.min.js",
    "uPlot.min.css",
    "uPlot-LICENSE.txt",
)


class SiteFolder:
    """A folder that holds a site."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self._made: set[Path] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other process writes this site. Raises OSError."""
        (self.path / _MEMORY).mkdir(parents=True, exist_ok=True)
        with open(self.path / _MEMORY / "lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, name: str, text: str | bytes) -> None:
        """Write a file, unless it has this content already. Raises OSError."""
        content = text.encode("utf-8", "replace") if isinstance(text, str) else text
        self.written += self._put(name, content)

    def _put(self, name: str, content: bytes) -> bool:
        """Put a file in the place of another that differs, if there is one; whether that was so."""
        with suppress(OSError), open(f"{self.path}/{name}", "rb") as file:
            if os.fstat(file.fileno()).st_size == len(content) and file.read() == content:
                return False
        path = self.path / name
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        temporary = f"{path.parent}/.{sha256(name.encode()).hexdigest()[:16]}.part"
        with open(temporary, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
        return True

    def append(self, name: str, content: bytes, size: int) -> bool:
        """Add to the end of a file, if it has a size; whether that was so. Raises OSError.

        This is for many small additions: to put a whole file in another's place takes a disk longer.
        """
        try:
            with open(f"{self.path}/{name}", "ab") as file:
                if file.seek(0, os.SEEK_END) != size:
                    return False
                file.write(content)
        except FileNotFoundError:
            return False
        self.written += 1
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(OSError):
            (self.path / name).unlink()

    def write_assets(self) -> None:
        """Write what all pages load. Raises OSError."""
        for name in _ASSETS:
            self.write(f"assets/{name}", (files(publish) / "assets" / name).read_bytes())

    def recall(self, name: str) -> Any:
        """Return what was remembered under a name, which someone may have changed since.

        None where there is nothing.
        """
        try:
            return json.loads((self.path / _MEMORY / f"{name}.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return None

    def remember(self, name: str, value: Any) -> None:
        """Remember a plain value. Raises OSError."""
        self._put(f"{_MEMORY}/{name}.json", json.dumps(value, separators=(",", ":")).encode())

    def forget(self, name: str) -> None:
        """Remember nothing under a name any more."""
        self.remove(f"{_MEMORY}/{name}.json")

    def remembered(self, folder: str) -> list[str]:
        """Return the names below a name of which something is remembered."""
        try:
            found = sorted(os.listdir(self.path / _MEMORY / folder))
        except OSError:
            return []
        return [name.removesuffix(".json") for name in found if name.endswith(".json")]
