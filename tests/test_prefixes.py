from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater.prefixes import bare, place, quoted, resolved, twins

NOTHING: frozenset[str] = frozenset()

names = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=3).map(".".join)
plain_names = st.sampled_from(["a", "b", "c", "a.a", "a.b", "b.a", "b.b", "b.c"])
headers = st.lists(names, min_size=1, max_size=5, unique=True)
stores = st.lists(names, max_size=5, unique=True)
owns = st.frozensets(names.filter(lambda name: "." in name), max_size=3)


def named(returned: str, stored: str = "", own: str = "") -> str:
    """The columns of a result after the date, as they are stored."""
    header = ["date", *returned.split()]
    return " ".join(resolved(header, frozenset(own.split()), stored.split())[1:])


@pytest.mark.parametrize(
    ("returned", "stored", "settled"),
    [
        ("e.wiki n", "", "wiki n"),
        ("e.wiki n", "wiki n", "wiki n"),
        ("e.wiki n", "e.wiki n", "e.wiki n"),  # as the original stored it
        ("wiki n", "e.wiki n", "e.wiki n"),
        ("f.wiki n", "e.wiki n", "e.wiki n"),  # the query has another alias for its table
        ("_u1.wiki", "wiki", "wiki"),
        ("e.wiki e.new", "e.wiki", "e.wiki new"),
        ("a.x b.x", "", "a.x b.x"),
        ("a.x b.x", "x", "a.x b.x"),
        ("a.x b.x", "b.x a.x", "a.x b.x"),
        ("x a.x", "", "x a.x"),
        ("x", "a.x b.x", "x"),
        ("c.x", "a.x b.x", "c.x"),
        ("c.x", "x a.x", "c.x"),
        ("a.x", "x a.x", "a.x"),
        ("x", "x a.x", "x"),
        ("e.s.x", "", "s.x"),
        ("0.5 1.5", "", "0.5 1.5"),
    ],
)
def test_a_column_goes_to_the_stored_one_of_its_name_or_else_of_its_bare_name(
    returned: str, stored: str, settled: str
) -> None:
    assert named(returned, stored) == settled


@pytest.mark.parametrize(
    ("returned", "stored", "settled"),
    [
        ("e.all n", "", "e.all n"),
        ("e.all", "all", "e.all"),
        ("e.all", "e.all", "e.all"),
        ("e.all f.all", "", "e.all all"),
        ("f.all", "", "all"),
    ],
)
def test_a_name_that_the_query_has_in_backticks_is_no_prefix(
    returned: str, stored: str, settled: str
) -> None:
    assert named(returned, stored, own="e.all") == settled


@pytest.mark.parametrize(
    ("header", "settled"),
    [
        (["e.day", "n"], ("day", "n")),
        (["`day`", "n"], ("`day`", "n")),
        (["e.day", "f.day"], ("e.day", "f.day")),
        (["e.day", "day"], ("e.day", "day")),
    ],
)
def test_the_first_column_is_the_date_by_position_with_its_bare_name(
    header: Sequence[str], settled: Sequence[str]
) -> None:
    assert resolved(header, NOTHING, ["e.day", "day"])[0] == settled[0]
    assert resolved(header, NOTHING, []) == settled


def test_names_in_backticks_are_found_whatever_else_is_in_the_query() -> None:
    text = "SELECT '`', e.dt AS `Event.All`, e.n, `e`.`n` -- ` '\nFROM `db`.`t` e"
    assert quoted(text) >= {"event.all"}
    assert "e.n" not in quoted(text)
    assert quoted("SELECT 1") == NOTHING


@given(headers, owns, stores)
def test_no_two_columns_of_a_result_become_one(
    header: list[str], own: frozenset[str], stored: list[str]
) -> None:
    settled = resolved(header, own, stored)
    assert len(set(settled)) == len(settled) == len(header)


@given(headers, owns, stores)
def test_a_column_that_is_stored_under_its_name_stays_there(
    header: list[str], own: frozenset[str], stored: list[str]
) -> None:
    settled = resolved(header, own, stored)
    for returned, name in zip(header[1:], settled[1:], strict=True):
        if returned in stored:
            assert name == returned
        assert name == returned or bare(name) == bare(returned) or name == bare(returned)


@given(st.lists(plain_names, min_size=1, max_size=5, unique=True), owns)
def test_what_is_stored_under_settled_names_is_found_again(
    header: list[str], own: frozenset[str]
) -> None:
    settled = resolved(header, own, [])
    assert resolved(header, own, settled[1:]) == settled


@given(headers)
def test_names_without_a_table_before_them_are_stored_as_they_are(header: list[str]) -> None:
    plain = [name.replace(".", " ") for name in header]
    assert resolved(plain, NOTHING, plain[1:]) == tuple(plain)
    assert twins(plain) == []
    assert [place(name, plain) for name in plain] == [plain.index(name) for name in plain]
