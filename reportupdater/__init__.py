"""A scheduled batch report runner: queries in, TSV files and Graphite series out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportupdater.operations.dataframe import read_report

__all__ = ["__version__", "read_report"]
__version__ = "0.3.0"


def __getattr__(name: str) -> Any:
    """`read_report`, when it is first asked for: the command line has no need of it."""
    if name == "read_report":
        from reportupdater.operations.dataframe import read_report

        return read_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
