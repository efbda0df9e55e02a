"""`make soak`: all tests that count cases, in their long form, and the table of what came of them.

Those tests are the files that import `tests.faults.soak`. The exit code is 1 if anything failed, was
lost, wrong or left over, or if a row of the table is missing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import table

TESTS = Path(__file__).parents[1]
_PATIENCE = 3600
"""Seconds for a test: in this form it tries thousands of cases."""


def main() -> int:
    """Run what is asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--cases",
        type=int,
        help="how many of 20,000; the counts of all rows shrink or grow with it (default: 20000)",
    )
    parser.add_argument("--fuzz-seconds", type=int, default=300, help="for each of what is fuzzed")
    parser.add_argument("--figures", type=Path, help="a file for the figures, a line of JSON each")
    parser.add_argument(
        "--table", type=Path, help="print the table of such a file, and run nothing"
    )
    given, for_pytest = parser.parse_known_args()
    if given.table:
        return told(given.table, failed=False)
    with tempfile.TemporaryDirectory() as folder:
        figures = given.figures or Path(folder, "figures")
        figures.unlink(missing_ok=True)
        began = time.monotonic()
        settings = {"REPORTUPDATER_SOAK": "1", "REPORTUPDATER_FIGURES": str(figures.absolute())}
        if given.cases:
            settings["REPORTUPDATER_CASES"] = str(given.cases)
        failed = _ended_badly(
            [
                *("-m", "pytest", "-q", "-n", "2"),
                f"--timeout={_PATIENCE}",
                *for_pytest,
                *map(str, files()),
            ],
            settings | {"PYTHONSAFEPATH": "1"},
        )
        if (TESTS / "fuzz" / "__main__.py").exists() and not for_pytest:
            seconds = max(1, given.fuzz_seconds * (given.cases or 20_000) // 20_000)
            fuzz = ["-m", "tests.fuzz", f"--seconds={seconds}"]
            failed = _ended_badly(fuzz, settings) or failed
        sys.stdout.write(f"\nafter {(time.monotonic() - began) / 60:.0f} minutes:\n\n")
        return told(figures, failed=failed)


def files() -> list[Path]:
    """The test files that count cases."""
    return sorted(
        path
        for path in TESTS.rglob("test_*.py")
        if "from tests.faults.soak import" in path.read_text("utf-8")
    )


def _ended_badly(arguments: list[str], settings: dict[str, str]) -> bool:
    done = subprocess.run([sys.executable, *arguments], env=os.environ | settings, check=False)
    return done.returncode != 0


def told(figures: Path, *, failed: bool) -> int:
    """Print the table; the exit code."""
    rows = table.rows(table.read(figures), table.promised(files()))
    sys.stdout.write("\n".join(table.lines(rows)) + "\n")
    if failed:
        sys.stdout.write("\nTests failed: see above.\n")
    return 0 if table.holds(rows) and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
