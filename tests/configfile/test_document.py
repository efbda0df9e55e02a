"""YAML with positions."""

from __future__ import annotations

import time

import pytest
import yaml

from reportupdater.configfile.document import Items, Scalar, Section, Value, parse
from tests.helpers import patient


@pytest.fixture(params=["the parser in C", "the parser in Python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the parser in Python":
        monkeypatch.delattr(yaml, "CSafeLoader")


def plain(value: Value | None) -> object:
    """A tree without its positions, texts as they were written."""
    if isinstance(value, Section):
        return {name: plain(entry.value) for name, entry in value.entries.items()}
    if isinstance(value, Items):
        return [plain(item) for item in value.values]
    return value.text if isinstance(value, Scalar) else value


def read(text: str) -> object:
    value, problems = parse(text, "c")
    assert [str(problem) for problem in problems] == []
    return plain(value)


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a: no", {"a": "no"}),
        (
            "a: [no, 0012, 1_000, ~, 2015-01-01, 1.50]",
            {"a": ["no", "0012", "1_000", "~", "2015-01-01", "1.50"]},
        ),
        ("a:", {"a": ""}),
        ("no: {1: 'x'}", {"no": {"1": "x"}}),
        ("a: &x [1, 2]\nb: *x", {"a": ["1", "2"], "b": ["1", "2"]}),
        (
            "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}",
            {"a": {"k": "1", "l": "2"}, "b": {"k": "1", "l": "3"}},
        ),
        ("a: &x {k: 1}\nb: {k: 2, <<: *x}", {"a": {"k": "1"}, "b": {"k": "2"}}),
        (
            "a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}",
            {"a": {"k": "1"}, "b": {"k": "2", "l": "2"}, "c": {"k": "1", "l": "2"}},
        ),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": "1", "b": "2", "c": "2"}),
        ("'<<': 1", {"<<": "1"}),
        ("a: !!str 1\nb: !!int 2\nc: ! 3", {"a": "1", "b": "2", "c": "3"}),
        ("a: !!map {b: !!seq [1]}", {"a": {"b": ["1"]}}),
        ("a: 1\r\nb: 2\r\n", {"a": "1", "b": "2"}),
        ("a: >-\n  x\n  y\n", {"a": "x y"}),
        ("---\na: 1\n...\n", {"a": "1"}),
        ("- é\n- 日本\n- 🦊", ["é", "日本", "🦊"]),
        ("", None),
        ("# nothing\n", None),
        ("---\n", None),
        ("null", None),
    ],
)
def test_texts_stay_as_they_were_written(text: str, tree: object) -> None:
    assert read(text) == tree


@pytest.mark.usefixtures("_parser")
def test_quotes_and_tags_tell_text_from_what_may_mean_more() -> None:
    value, _ = parse("[a, 'a', \"a\", !!str a, ! a, !!int a, ~, '~', '']", "c")
    assert isinstance(value, Items)
    scalars = [item for item in value.values if isinstance(item, Scalar)]
    assert [item.plain for item in scalars] == [True, *[False] * 4, True, True, False, False]
    assert [item.is_null for item in scalars] == [*[False] * 6, True, False, False]


@pytest.mark.usefixtures("_parser")
def test_positions_count_characters_from_one() -> None:
    value, _ = parse("# 🦊\né: {k: [v, é🦊, w]}\n", "c")
    assert isinstance(value, Section)
    entry = value.entries["é"]
    assert (str(value.where), str(entry.key.where), str(entry.value.where)) == (
        "c:2:1",
        "c:2:1",
        "c:2:4",
    )
    assert isinstance(entry.value, Section)
    items = entry.value.entries["k"].value
    assert isinstance(items, Items)
    assert [str(item.where) for item in items.values] == ["c:2:9", "c:2:12", "c:2:16"]


INDENTATION = "(check its indentation, and whether a quote or a bracket above it is not closed)"
COLON = (
    "(put text that holds ': ' in quotes; check the indentation of this line and the one before)"
)
QUOTES = "(text that begins with { [ or a quote must be in quotes as a whole)"
VALUE = "(is a bracket not closed, or does text that begins with , ] or } lack its quotes?)"
PLAIN = "(only plain data can stand here; put text that begins with ! in quotes)"


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a:\n\tb: 1", ["c:2:1: a tab where only spaces may stand (indent with spaces)"]),
        ("a: |\n\tx", ["c:2:1: a tab where only spaces may stand (indent with spaces)"]),
        ("a: @x", ["c:1:4: text may not begin with '@' (put it in quotes)"]),
        ("a: %x", ["c:1:4: text may not begin with '%' (put it in quotes)"]),
        ("a: `x`", ["c:1:4: text may not begin with '`' (put it in quotes)"]),
        ("a: b: c", [f"c:1:5: a ':' that cannot stand here {COLON}"]),
        ("a: 1\n  b: 2", [f"c:2:4: a ':' that cannot stand here {COLON}"]),
        ("a: 1\nb\nc: 2", ["c:2:1: this line is no 'key: value' (is a ':' missing, or the space after it?)"]),
        (
            "a: 1\nb c\n",
            ["c:2:1: this line is no 'key: value' (is a ':' missing, or the space after it?)"],
        ),
        ("a: 1\n b: 2\n", [f"c:2:3: a ':' that cannot stand here {COLON}"]),
        ("a:\n  b: 1\n c: 2", [f"c:3:2: this line does not fit the lines above it {INDENTATION}"]),
        ("- a\nb: c", [f"c:2:1: this line does not fit the lines above it {INDENTATION}"]),
        ("a: - b", ["c:1:4: a '- ' that cannot stand here (begin a list on a line of its own)"]),
        ("a: 'x\nb: 2\n", ["c:1:4: a quote that is never closed"]),
        ("a: 'x' y", [f"c:1:8: text after a closing ' {QUOTES}"]),
        ("path: {_metric}.{wiki}", [f"c:1:16: text after a closing }} {QUOTES}"]),
        ("a: [b] c", [f"c:1:8: text after a closing ] {QUOTES}"]),
        ("a: [1, 2\nb: 3", ["c:1:4: a bracket that is not closed, or a ',' is missing after it"]),
        ("a: {b: 2\nc: 3", ["c:1:4: a bracket that is not closed, or a ',' is missing after it"]),
        ("a: ]", [f"c:1:4: a value was expected here {VALUE}"]),
        ("a: &", ["c:1:5: an '&' or '*' without a name (put text that begins with & or * in quotes)"]),
        ("a: !x!y z", ["c:1:4: a tag that is not known (put text that begins with ! in quotes)"]),
        ("a: 1\n---\nb: 2", ["c:2:1: a second document begins here (a file holds one; remove the line of three dashes)"]),
        ("a: \x07", ["c:1:4: a control character, '\\x07' (remove it)"]),
        ("a: 1\nb: é\ufeff", ["c:2:5: a control character, '\\ufeff' (remove it)"]),
        ("[" * 51, ["c:1:51: nested more than 50 levels deep"]),
        ("[" * 100_000, ["c:1:51: nested more than 50 levels deep"]),
        ("{a: " * 100_000, ["c:1:198: nested more than 50 levels deep"]),
        ("a: *x", ["c:1:4: the alias '*x' names nothing above it (put text that begins with * in quotes)"]),
        ("a: &x [*x]", ["c:1:8: the alias '*x' stands inside what it names"]),
        ("a: &x {<<: *x}", ["c:1:12: the alias '*x' stands inside what it names"]),
        ("a: !!python/object/apply:os.system [x]", [f"c:1:4: the tag '!!python/object/apply:os.system' is not taken {PLAIN}"]),
        ("a: !!binary x", [f"c:1:4: the tag '!!binary' is not taken {PLAIN}"]),
        ("a: !!set {x, y}", [f"c:1:4: the tag '!!set' is not taken {PLAIN}"]),
        ("a: !env HOME", [f"c:1:4: the tag '!env' is not taken {PLAIN}"]),
        ("a: !!str [x]", [f"c:1:4: the tag '!!str' is not taken {PLAIN}"]),
        ("a: 1\nb: 2\na: 3\n'a': 4", ["c:3:1: the key 'a' is given twice (first on line 1)", "c:4:1: the key 'a' is given twice (first on line 1)"]),
        ("[a]: 1", ["c:1:1: a key must be a plain word, not a list or a mapping (put text that begins with { in quotes)"]),
        ("<<: 3", ["c:1:5: '<<' takes a mapping, or a list of mappings, by their aliases"]),
        ("<<: [{a: 1}, b]", ["c:1:14: '<<' takes a mapping, or a list of mappings, by their aliases"]),
        ("a: *x\nb: !y z\na: 1", [
            "c:1:4: the alias '*x' names nothing above it (put text that begins with * in quotes)",
            f"c:2:4: the tag '!y' is not taken {PLAIN}",
            "c:3:1: the key 'a' is given twice (first on line 1)",
        ]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, problems: list[str]) -> None:
    assert [str(problem) for problem in parse(text, "c")[1]] == problems


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize("text", ['a: "\\q"', 'a: "\\UFFFFFFFF"', 'a: "\\xZ"', "%FOO", "%YAML 3.0\n---\na: 1",
    "%YAML 99999999999999999999.1\n---\n", "a: !%zz x", "[", "{", "'", "!", "&", "*", "?", ",", "\n\n- ]"])  # fmt: skip
def test_all_other_mistakes_are_one_line_with_a_place_too(text: str) -> None:
    value, problems = parse(text, "c")
    for problem in problems:
        assert problem.where is not None
        assert problem.where.column >= 1
        assert "\n" not in str(problem)
    assert value is None or text in ("!", "?")
    assert problems or text in ("!", "?")


@pytest.mark.usefixtures("_parser")
@pytest.mark.parametrize(
    "row",
    ["k{0}: &k{0} [{1}]\n", "k{0}: &k{0} {{a: [{1}]}}\n", "k{0}: &k{0} {{<<: [{1}]}}\n"],
)
def test_aliases_that_multiply_are_refused_at_once(row: str) -> None:
    lines = ["k0: &k0 {x: y}\n"]
    lines += [row.format(n, ", ".join([f"*k{n - 1}"] * 10)) for n in range(1, 40)]
    began = time.monotonic()
    value, problems = parse("".join(lines), "c")
    assert time.monotonic() - began < patient(5)
    assert value is None
    assert [problem.what for problem in problems] == [
        "more than 1,000,000 values, counting again what aliases repeat"
    ]
