"""Runs of which some waiting times are shorter than an operator's, so that many faults can be tried."""

from __future__ import annotations

import sys

# Set before any other module has taken them over.
_CODE = """
import sys
import reportupdater.engines.base as base
base.CONNECT_TIMEOUT = float(sys.argv[1])
import reportupdater.execution.retry as retry
import reportupdater.execution.watch as watch
watch.GRACE = 1.5 * base.CONNECT_TIMEOUT
retry.RETRY = retry.Policy(first=0.05, factor=3, longest=3)
from reportupdater.cli import main
sys.argv = ["reportupdater", *sys.argv[5:]]  # without `python -m reportupdater`
sys.exit(main())
"""


def scaled(connecting: float) -> tuple[str, ...]:
    """Runs the command that it is given with so many seconds to connect, and a tenth of each back-off."""
    return sys.executable, "-c", _CODE, str(connecting)
