"""Checks that say something of each of some columns: a mapping of the columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from reportupdater.checks.base import Declared
from reportupdater.configfile.document import Refused, Value
from reportupdater.configfile.sections import as_section, entries, subject
from reportupdater.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class OfColumn(Declared):
    """A rule for one column."""

    column: str

    @classmethod
    def read(cls, value: Value, owner: str) -> tuple[Sequence[Declared], list[Problem]]:
        """Read the rules of all columns."""
        section, problems = as_section(value, owner)
        found: list[Declared] = []
        if section is None:
            return found, problems
        problems += section.problems
        for name, entry, wrong in entries(section):
            problems += wrong
            if not isinstance(entry.value, Refused):
                one, further = cls.read_column(name, entry.value, subject(name, owner))
                problems += further
                if one is not None:
                    found.append(one)
        return found, problems

    @classmethod
    @abstractmethod
    def read_column(
        cls, name: str, value: Value, owner: str
    ) -> tuple[Declared | None, list[Problem]]:
        """Read the rule of one column."""

    @property
    def columns(self) -> tuple[str, ...]:
        """That of which it is."""
        return (self.column,)
