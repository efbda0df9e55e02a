"""What every check is given, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol


class Case(Protocol):
    """A result, and what is stored of its series; what is stored is looked up when it is asked for."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the result's columns."""

    @property
    def has_rows(self) -> bool:
        """Whether the query gave any."""

    @property
    def cuts(self) -> Sequence[str]:
        """What the server said that it left out."""

    def has_values(self) -> bool:
        """Return whether any column of the result but the date has a value."""

    def stored_header(self) -> tuple[str, ...]:
        """Return the header that the series' TSV will have with all that is committed; empty without one."""

    def had_values(self) -> bool:
        """Return whether the interval has values that the result would replace."""


class Check(Protocol):
    """One rule. Each is a small class, listed in the registry."""

    NAME: ClassVar[str]
    """As configurations, messages and the state name it."""
    MEANING: ClassVar[str]
    """What it finds, for the documentation of its key."""

    def failure(self, case: Case) -> str | None:
        """Return what is wrong with a result; None where it passes."""
