#!/usr/bin/env python3
"""The same command as `reportupdater run`, from this folder: only the dependencies need be installed."""

from __future__ import annotations

import sys
from pathlib import Path

# The package beside this file is the one to run, also when this file is called through a symlink.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from reportupdater.cli import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
