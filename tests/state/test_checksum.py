from __future__ import annotations

from zlib import crc32

import pytest

from reportupdater.state import checksum as module
from reportupdater.state.checksum import checksum


def test_it_is_the_crc_of_the_values_a_nul_behind_each() -> None:
    assert checksum("daily.tsv", 5, None, "é\n") == crc32("daily.tsv\x005\0None\0é\n\0".encode())


def test_long_values_have_the_same_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    values = "daily.tsv", None, "äöü" * 100, 7
    whole = checksum(*values)
    for part in (1, 2, 7, 100, 299, 300, 301):
        monkeypatch.setattr(module, "_PART", part)
        assert checksum(*values) == whole
