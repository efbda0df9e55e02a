"""The form of option files, as MariaDB's own programs read it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reportupdater.credentials.option_file import LONGEST_LINE, Broken, Include, Option, lines

MISSING = "install it with: apt-get install --no-install-recommends mariadb-server-core"


def options(content: bytes) -> list[tuple[bytes, bytes | None]]:
    return [(found.name, found.value) for found in lines(content) if isinstance(found, Option)]


def value(text: str) -> str:
    [(_, found)] = options(f"[client]\npassword{text}\n".encode())
    assert found is not None
    return found.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=abc #note", "abc"),
        ("=abc#note", "abc"),
        ("=abc;note", "abc;note"),
        ('="pa ss" # c', "pa ss"),
        ("='pa#ss'", "pa#ss"),
        ("= spaces around \t\r", "spaces around"),
        (r'="a\\b"', r"a\b"),
        (r"=a\\b", r"a\b"),
        (r"=a\sb", "a b"),
        (r"=\s", " "),
        (r"=a\nb\tc\rd\be", "a\nb\tc\rd\be"),
        (r"=a\'b\"c", "a'b\"c"),
        (r"=a\qb", r"a\qb"),
        ("=a\\", "a\\"),
        (r'="a\"b"', 'a"b'),
        ("='", "'"),
        ("=''", ""),
        ("=", ""),
        ('="it\'s"', "it's"),
        ('="a"b', '"a"b'),
        ("=a=b", "a=b"),
        ("=ünlü", "ünlü"),
        ("=пароль", "пароль"),
        ("=voilà", "voilà"),
    ],
)
def test_values_have_escapes_quotes_and_comments_as_in_the_clients(
    text: str, expected: str
) -> None:
    assert value(text) == expected


def test_indented_lines_blank_lines_and_comments_are_what_they_are_without_the_indentation() -> (
    None
):
    content = b" [a]  # note\n\n\t user=1\n ;user=2\n  # user=3\n user\n[ b ]x\nc"
    assert list(lines(content)) == [
        Option(b"a", b"user", b"1", 3),
        Option(b"a", b"user", None, 6),
        Option(b" b", b"c", None, 8),
    ]


def test_directives_to_include_files_and_folders_are_found_and_others_passed_over() -> None:
    content = b"!include /a b.cnf \n! includedir d\n!includes x\n!other\n"
    assert list(lines(content)) == [
        Include(b"/a b.cnf", False, 1),
        Include(b"d", True, 2),
    ]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"password=secret\n[client]\n", 1, "an option before the first group"),
        (b"\xef\xbb\xbf[client]\n", 1, "an option before the first group"),
        (b"[client]\na=1\n[secret\n", 3, "a group without its closing bracket"),
        (b"[client]\n!include\n", 2, "`!include` without a path"),
        (b"[client]\n !includedir \n", 2, "`!includedir` without a path"),
        (b"[client]\n=secret\n", 2, "an option without a name"),
        (b"[client]\nuser=a\0secret\n", 2, "a line with a NUL byte"),
        (b"[client]\nuser=" + b"a" * LONGEST_LINE + b"\n", 2, "a line of more than 4,094 bytes"),
    ],
)
def test_a_broken_line_is_named_by_its_number_and_kind(
    content: bytes, line: int, what: str
) -> None:
    with pytest.raises(Broken) as caught:
        list(lines(content))
    assert (caught.value.line, caught.value.what) == (line, what)


PIECES = [
    *(b"[client]", b"[Client ] x", b"[mysql]", b"[client", b"user", b"pass_word", b"x-y", b"]"),
    *(b"=", b"=", b"=", b" ", b" ", b"\t", b"\v", b"\r", b"\n", b"\n", b"#", b";"),
    *(b"'", b'"', b"'", b'"', b"\\", b"\\n", b"\\s", b"\\q", b"\\\\", "ü".encode(), b"\xff"),
]


@pytest.fixture(scope="module")
def program() -> str:
    found = shutil.which("my_print_defaults")
    if found is None:
        pytest.fail(f"my_print_defaults is missing; {MISSING}")
    return found


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
@example(b"user='\\'#'#")
def test_any_file_is_read_as_mariadbs_own_program_reads_it(
    program: str, tmp_path: Path, rest: bytes
) -> None:
    content = b"[client]\n" + rest + b"\n"
    path = tmp_path / "my.cnf"
    path.write_bytes(content)
    theirs = subprocess.run(
        [program, f"--defaults-file={path}", "client"], capture_output=True, check=False
    )
    read, broken = reading(content)
    if broken:
        # Their program prints an option without a name, and no client takes it.
        assert theirs.returncode != 0 or "without a name" in broken
    else:
        assert (theirs.returncode, theirs.stdout) == (0, read)


def reading(content: bytes) -> tuple[bytes, str]:
    """The options of a client as that program prints them, and what broke the reading."""
    printed = b""
    try:
        for found in lines(content):
            if isinstance(found, Option) and found.group.lower() == b"client":
                assigned = b"" if found.value is None else b"=" + found.value
                printed += b"--" + found.name + assigned + b"\n"
    except Broken as error:
        return printed, error.what
    return printed, ""
