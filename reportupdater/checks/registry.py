"""The only list of checks."""

from __future__ import annotations

from reportupdater.checks.base import Check, Declared
from reportupdater.checks.cells import NotEmpty, Unique
from reportupdater.checks.change import Change
from reportupdater.checks.columns import Columns
from reportupdater.checks.incomplete import Incomplete
from reportupdater.checks.rows import RowCount
from reportupdater.checks.values import Range, Values
from reportupdater.checks.vanished import Vanished

GUARDS: tuple[Check, ...] = (Columns(), Vanished(), Incomplete())
"""Those that every report has, in the order in which they are asked."""
DECLARED: tuple[type[Declared], ...] = (RowCount, NotEmpty, Unique, Values, Range, Change)
"""Those that a report declares, in the same order."""
BY_NAME = {check.NAME: check for check in GUARDS}
NAMES = (*BY_NAME, *(kind.NAME for kind in DECLARED))
