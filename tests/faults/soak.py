"""The long form of the tests that try many cases: how many, and the figures it leaves behind.

`REPORTUPDATER_SOAK=1` asks for the long form, `REPORTUPDATER_CASES=N` for another number of cases
in either. Figures go to standard output (`pytest -rP` shows it) and, as a line of JSON each, to the
end of the file that `REPORTUPDATER_FIGURES` names.
"""

from __future__ import annotations

import json
import os
import sys

LONG = os.environ.get("REPORTUPDATER_SOAK", "0") not in ("", "0")
"""Whether the long form is meant."""


def cases(short: int, long: int) -> int:
    """How many cases a test tries; another number that is asked for is that of the long form's 20,000."""
    asked = os.environ.get("REPORTUPDATER_CASES")
    if asked:
        return max(1, int(asked) * long // 20_000)
    return long if LONG else short


def record(what: str, **figures: float) -> None:
    """Leave the figures of a test that has passed."""
    told = ", ".join(f"{name} {figure:,}" for name, figure in figures.items())
    sys.stdout.write(f"{what}: {told}\n")
    path = os.environ.get("REPORTUPDATER_FIGURES")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, **figures}) + "\n")
