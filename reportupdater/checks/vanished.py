"""The check *vanished*."""

from __future__ import annotations

from typing import ClassVar

from reportupdater.checks.base import Case


class Vanished:
    """An interval that had values still has some: its data may have been deleted meanwhile."""

    NAME: ClassVar[str] = "vanished"
    MEANING: ClassVar[str] = "a result without values for an interval that has some"

    def failure(self, case: Case) -> str | None:
        """Return that the values would be gone."""
        if case.has_values() or not case.had_values():
            return None
        return "the result has no values, and would empty those that the TSV has"
