"""The built-in checks, each by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reportupdater.checks.columns import Columns
from reportupdater.checks.incomplete import Incomplete
from reportupdater.checks.registry import BY_NAME, GUARDS
from reportupdater.checks.vanished import Vanished


@dataclass(frozen=True)
class Case:
    """A result, as a test makes it."""

    header: tuple[str, ...] = ("date", "n")
    has_rows: bool = False
    cuts: tuple[str, ...] = ()
    values: bool = False
    stored: tuple[str, ...] = ()
    had: bool = False

    def has_values(self) -> bool:
        return self.values

    def stored_header(self) -> tuple[str, ...]:
        return self.stored

    def had_values(self) -> bool:
        return self.had


STORED = ("date", "n", "m")


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (Case(("quota exceeded",), stored=STORED), "its first column is 'quota exceeded'"),
        (Case(("date", "quota"), stored=STORED), "a column 'quota' that the TSV lacks"),
        (Case(("date", "m"), stored=STORED), None),  # an empty pivot lacks some
        (Case(("date",), stored=STORED), None),
        (Case(("day", "n")), None),  # the first result of a series
        (Case(("quota exceeded",), has_rows=True, stored=STORED), None),
    ],
)
def test_columns_are_compared_where_there_are_no_rows(case: Case, why: str | None) -> None:
    found = Columns().failure(case)
    assert (found is None) if why is None else (found is not None and why in found)


@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("had", [True, False])
def test_vanished_is_what_had_values_and_has_none(values: bool, had: bool) -> None:
    found = Vanished().failure(Case(values=values, had=had))
    assert (found is not None) == (had and not values)


def test_incomplete_is_what_the_server_cut() -> None:
    assert Incomplete().failure(Case()) is None
    found = Incomplete().failure(Case(cuts=("(1260) Row 6 was cut", "more"), has_rows=True))
    assert found == "the server cut the result: (1260) Row 6 was cut"


def test_each_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(GUARDS)
    assert list(BY_NAME) == ["columns", "vanished", "incomplete"]
