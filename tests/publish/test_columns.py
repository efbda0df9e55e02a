"""Rows as scripts: a page gets back each cell as the TSV has it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reportupdater.intervals import Granularity
from reportupdater.publish.columns import block

EPOCH = Granularity.HOURS.number(Granularity.DAYS.start(719_163))
cells = st.one_of(
    st.sampled_from(
        ("", "0", "-0", "1", "1.0", "0.10", "1e5", "NULL", "a,b", "007", "-5", "1.5", "NaN")
    ),
    st.integers(-(10**17), 10**17).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=5),
)


def texts(column: Any) -> list[str]:
    """What JavaScript makes of a column: a number is written as its shortest text."""
    if isinstance(column, dict):
        column = [column["values"][of] for of in column["of"]]
    return ["" if cell is None else cell for cell in column]


def read(script: str) -> tuple[str, list[str], list[int], list[list[str]]]:
    found = re.fullmatch(r"reportupdater\.rows\((.*)\);\n", script, re.DOTALL)
    assert found
    # As texts, which is what they are in the file.
    name, header, dates, columns = json.loads(f"[{found[1]}]", parse_int=str, parse_float=str)
    hours: list[int] = []
    at = 0
    for step, times in dates:
        for _ in range(int(times)):
            at += int(step)
            hours.append(at)
    return name, header, hours, [texts(_counted(column)) for column in columns]


def _counted(column: Any) -> Any:
    if isinstance(column, dict):
        return column | {"of": [int(of) for of in column["of"]]}
    return column


@given(
    st.sampled_from(list(Granularity)),
    st.lists(st.tuples(st.integers(0, 50), cells, cells), max_size=12),
)
@example(Granularity.DAYS, [(0, "x", "1"), (1, "x", "2"), (2, "x", "3")])
def test_all_cells_come_back(unit: Granularity, rows: list[tuple[int, str, str]]) -> None:
    first = unit.number(Granularity.DAYS.start(735_000))
    numbers = sorted(first + number for number, _, _ in rows)
    labels = [unit.label(unit.start(number)) for number in numbers]
    table = [(label, a, b) for label, (_, a, b) in zip(labels, rows, strict=True)]
    name, header, hours, columns = read(block("r/é\u2028", ("date", "a", '"b'), table, unit))
    assert (name, header) == ("r/é\u2028", ["date", "a", '"b'])
    starts = [Granularity.HOURS.number(unit.start(number)) - EPOCH for number in numbers]
    assert hours == starts
    assert columns == ([[row[1] for row in table], [row[2] for row in table]] if table else [])


@pytest.mark.parametrize(
    ("cell", "is_number"),
    [
        *(("0", True), ("-12", True), ("0.5", True), ("123456789012345", True), ("0.000001", True)),
        *(
            ("1.0", False),
            ("-0", False),
            ("01", False),
            ("1e5", False),
            ("1234567890123456", False),
        ),
        *(("0.0000001", False), ("NaN", False), ("+1", False), (".5", False)),
    ],
)
def test_only_what_javascript_writes_the_same_is_a_number(cell: str, is_number: bool) -> None:
    script = block("r", ("date", "n"), [("2025-01-01", cell)], Granularity.DAYS)
    assert (f"[[{cell}]]" in script) is is_number
    assert (f'[["{cell}"]]' in script) is not is_number


def test_a_year_of_days_is_short() -> None:
    day = Granularity.DAYS.start(735_000)
    rows = [(str((day + timedelta(n)).date()), str(n), "few") for n in range(365)]
    script = block("r", ("date", "n", "kind"), rows, Granularity.DAYS)
    assert "[24,364]" in script
    assert script.count("few") == 1
    assert len(script) < 2600
