"""The only list of checks."""

from __future__ import annotations

from reportupdater.checks.base import Check
from reportupdater.checks.columns import Columns
from reportupdater.checks.incomplete import Incomplete
from reportupdater.checks.vanished import Vanished

GUARDS: tuple[Check, ...] = (Columns(), Vanished(), Incomplete())
"""Those that every report has, in the order in which they are asked."""
BY_NAME = {check.NAME: check for check in GUARDS}
