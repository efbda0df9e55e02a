"""Which version this is, and of which commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

from reportupdater import __version__

_PACKAGE = Path(__file__).parent


def described() -> str:
    """Return the version, with its commit where that is known: `1.0.0 (50b0d9e7f2a1)`."""
    commit = _recorded() or _checked_out()
    return f"{__version__} ({commit})" if commit else __version__


def _recorded() -> str:
    """Return the commit that the build wrote down; empty in a checkout."""
    try:
        return (_PACKAGE / "commit.txt").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _checked_out() -> str:
    """Return the commit of the checkout that the package lies in; empty where git knows none."""
    if not (_PACKAGE.parent / ".git").exists():
        return ""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        answer = subprocess.run(
            command, cwd=_PACKAGE.parent, capture_output=True, text=True, check=False, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):  # no git, or a file system that does not answer
        return ""
    return answer.stdout.strip()
