"""How a sink writes series keys, which its report's section gives as a template."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

METRIC = "_metric"
"""The placeholder for the metric's name in the template of a series key."""


class Style(ABC):
    """A sink's way of writing series keys, and of naming them in messages."""

    SECTION: ClassVar[str]
    """The section of a report that has the template."""
    KEY: ClassVar[str]
    """The key of that section that gives the template."""
    NOUN: ClassVar[str]
    """A series key, as the users of the sink call it."""
    SEPARATOR: ClassVar[str]
    """What separates the parts of a key that values are in."""
    VALUES_SPLIT: ClassVar[bool] = False
    """Whether a value that holds the separator makes parts of its own."""

    @abstractmethod
    def written(self, text: str) -> str:
        """Return a value as keys have it."""

    def notes(self, text: str) -> list[str]:
        """Return what is worth a warning of a value in keys, in words that follow it."""
        return []

    @abstractmethod
    def fault(self, key: str) -> str:
        """Return what is wrong with a key, in words that follow it, or nothing."""

    @abstractmethod
    def repeated(self) -> str:
        """Return a hint for keys of two metrics that are one."""
