"""`python -m tests.golden`: write the golden file anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.golden.story import lines
from tests.golden.test_golden import GOLDEN

with tempfile.TemporaryDirectory() as folder:
    GOLDEN.write_text("\n".join(lines(Path(folder))) + "\n", encoding="utf-8")
