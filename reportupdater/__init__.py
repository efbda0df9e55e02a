"""A scheduled batch report runner: queries in, TSV files and series for dashboards out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportupdater.errors import ReportupdaterError
    from reportupdater.execution.result import RunResult
    from reportupdater.operations.dataframe import read_report
    from reportupdater.operations.plan import Plan, plan
    from reportupdater.operations.run import Request, run
    from reportupdater.operations.status import Status, StatusRequest, status

__all__ = [
    "Plan",
    "ReportupdaterError",
    "Request",
    "RunResult",
    "Status",
    "StatusRequest",
    "__version__",
    "plan",
    "read_report",
    "run",
    "status",
]
__version__ = "1.6.0"

_MODULES = {
    "Plan": "operations.plan",
    "ReportupdaterError": "errors",
    "Request": "operations.run",
    "RunResult": "execution.result",
    "Status": "operations.status",
    "StatusRequest": "operations.status",
    "plan": "operations.plan",
    "read_report": "operations.dataframe",
    "run": "operations.run",
    "status": "operations.status",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: the command line has no need of most."""
    if name in _MODULES:
        return getattr(import_module(f"reportupdater.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
