"""`python -m reportupdater`."""

import sys

from reportupdater.cli import main

sys.exit(main())
