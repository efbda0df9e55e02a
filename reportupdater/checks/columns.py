"""The check *columns*."""

from __future__ import annotations

from typing import ClassVar

from reportupdater.checks.base import Case
from reportupdater.errors import shown


class Columns:
    """A result without rows names no columns that its TSV lacks: it may be a message and no header.

    It may lack columns: what is pivoted has none where there is nothing to pivot.
    """

    NAME: ClassVar[str] = "columns"
    MEANING: ClassVar[str] = "a result without rows whose columns are not those of the TSV"

    def failure(self, case: Case) -> str | None:
        """Return which column is not the TSV's."""
        if case.has_rows:
            return None
        stored, header = case.stored_header(), case.header
        if not stored:
            return None
        if header[0] != stored[0]:
            return (
                f"the result has no rows, and its first column is {shown(header[0])} where the TSV"
                f" has {shown(stored[0])}"
            )
        known = set(stored)
        new = next((name for name in header[1:] if name not in known), None)
        if new is None:
            return None
        return f"the result has no rows, and a column {shown(new)} that the TSV lacks"
