#!/usr/bin/env python3
"""The same command as `reportupdater run`, from this folder: only the dependencies need be installed."""

from __future__ import annotations

import sys
from pathlib import Path

# The package beside this file is the one to run, also when this file is called through a symlink.
sys.path.insert(0, str(Path(__file__).resolve().parent))

if __name__ == "__main__":
    try:
        from reportupdater.cli import program
    except ModuleNotFoundError as error:
        sys.exit(
            f"{sys.executable} has no module {error.name!r}: call the Python of a virtual environment"
            " in which reportupdater is installed (`make demo` makes one: .venv/bin/python)"
        )
    sys.exit(program(["run", *sys.argv[1:]]))
