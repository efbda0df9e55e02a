"""What steers a terminal, or cannot be seen, is shown as an escape."""

from __future__ import annotations

import json

import pytest

from reportupdater.terminal.escaping import escaped, escaped_json, escaped_line

STEERING = (
    *map(chr, (*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0))),  # controls
    *map(chr, (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),  # turning
    *map(chr, (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD)),  # of no width
    *map(chr, (0x2028, 0x2029, 0xD800, 0xDCFF, 0xDFFF, 0xE0041)),  # lines, surrogates, tags
)
PLAIN = "a ~\tß\u00a0日本 😀 e\u0301\nb\\x1b"


@pytest.mark.parametrize("character", STEERING, ids=ascii)
def test_a_character_that_steers_a_terminal_becomes_its_escape(character: str) -> None:
    escape = character.encode("unicode_escape").decode()
    assert escaped(f"a{character}b") == f"a{escape}b"
    assert escaped_line(f"a{character}b") == f"a{escape}b"


@pytest.mark.parametrize("character", STEERING, ids=ascii)
def test_json_with_such_a_character_means_the_same(character: str) -> None:
    text = json.dumps({character: [f"a{character}\n"]}, indent=1, ensure_ascii=False)
    safe = escaped_json(text)
    assert character not in safe
    assert json.loads(safe) == json.loads(text)


def test_all_else_stays_as_it_is() -> None:
    assert escaped(PLAIN) == PLAIN
    assert escaped_line(PLAIN) == PLAIN.replace("\n", "\\n")
    assert escaped(escaped("\x1b[2J")) == escaped("\x1b[2J")
