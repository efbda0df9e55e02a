"""`python -m reportupdater`."""

import sys

from reportupdater.cli import program

sys.exit(program())
