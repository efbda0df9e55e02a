"""Option files with a login: what is told of one that cannot be used, without quoting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reportupdater.engines import creds_file
from reportupdater.errors import ConnectionFailed


@pytest.mark.parametrize(
    ("content", "place", "why"),
    [
        (b"password=secret\n[client]\n", ":1", "no section begins before its first line"),
        (b"  password=secret\n[client]\n", ":1", "no section begins before its first line"),
        (b"[client]\npassword=secret\npassword=secret\n", ":3", "something is given twice"),
        (b"[client]\nuser=a\n[client]\npassword=secret\n", ":3", "something is given twice"),
        (b"[client]\n=secret\n", "", "a line cannot be understood"),
        (b"[client]\npassword\n  secret\n", "", "a line cannot be understood"),
        (b"[client]\npassword=secret\xff\n", "", "not UTF-8"),
    ],
)
def test_why_a_file_cannot_be_used_is_told_in_words(
    tmp_path: Path, content: bytes, place: str, why: str
) -> None:
    path = tmp_path / "my.cnf"
    path.write_bytes(content)
    with pytest.raises(ConnectionFailed) as caught:
        creds_file.read(path)
    assert caught.value.what == f"{path}{place}: cannot be used as creds_file: {why}"
    assert "secret" not in str(caught.value)
    assert not caught.value.retry
