"""The check *incomplete*."""

from __future__ import annotations

from typing import ClassVar

from reportupdater.checks.base import Case


class Incomplete:
    """The server left out no part of the result."""

    NAME: ClassVar[str] = "incomplete"
    MEANING: ClassVar[str] = "a result of which the server says that it cut something"

    def failure(self, case: Case) -> str | None:
        """Return what the server said."""
        return f"the server cut the result: {case.cuts[0]}" if case.cuts else None
