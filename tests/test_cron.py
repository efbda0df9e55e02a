"""Cron expressions, against a walk through the minutes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportupdater import cron
from tests.helpers import ENVIRONMENT

MINUTE = timedelta(minutes=1)


def values(first: int, last: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A field, and the numbers that it stands for."""
    numbers = st.integers(first, last)
    lists = st.sets(numbers, min_size=1, max_size=3)
    ranges = st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted)
    return st.one_of(
        st.just(("*", frozenset(range(first, last + 1)))),
        lists.map(lambda some: (",".join(map(str, sorted(some))), frozenset(some))),
        ranges.map(lambda ends: (f"{ends[0]}-{ends[1]}", frozenset(range(ends[0], ends[1] + 1)))),
        st.integers(2, 9).map(lambda by: (f"*/{by}", frozenset(range(first, last + 1, by)))),
    )


Field = tuple[str, frozenset[int]]
moments = st.datetimes(datetime(2023, 12, 20), datetime(2024, 3, 5))


def is_tick(moment: datetime, minutes: Field, hours: Field, weekdays: Field) -> bool:
    return (
        moment.minute in minutes[1]
        and moment.hour in hours[1]
        and moment.isoweekday() % 7 in weekdays[1]
    )


def walk(moment: datetime, step: timedelta) -> Iterator[datetime]:
    while True:
        yield moment
        moment += step


@given(values(0, 59), values(0, 23), values(0, 6), moments)
def test_the_last_and_the_next_tick_are_those_of_the_calendar(
    minutes: Field, hours: Field, weekdays: Field, now: datetime
) -> None:
    expression = f"{minutes[0]} {hours[0]} * * {weekdays[0]}"
    assert cron.fault(expression) == ""
    minute = now.replace(second=0, microsecond=0)

    def first(moment: datetime, step: timedelta) -> datetime:
        return next(m for m in walk(moment, step) if is_tick(m, minutes, hours, weekdays))

    assert cron.last_tick(expression, now) == first(minute, -MINUTE)
    assert cron.next_tick(expression, now) == first(minute + MINUTE, MINUTE)


def test_a_tick_is_there_from_its_own_moment_on() -> None:
    at = datetime(2025, 1, 4, 5, 15)
    before = at - timedelta(microseconds=1)
    assert cron.last_tick("15 5 * * *", at) == at
    assert cron.last_tick("15 5 * * *", before) == datetime(2025, 1, 3, 5, 15)
    assert cron.next_tick("15 5 * * *", before) == at
    assert cron.next_tick("15 5 * * *", at) == datetime(2025, 1, 5, 5, 15)


def test_days_that_months_lack() -> None:
    now = datetime(2025, 3, 1)
    assert cron.last_tick("0 0 31 * *", now) == datetime(2025, 1, 31)
    assert cron.last_tick("0 0 29 2 *", now) == datetime(2024, 2, 29)
    assert cron.last_tick("@monthly", now) == now


def test_where_the_calendar_ends_there_is_none() -> None:
    assert cron.last_tick("0 0 29 2 *", datetime(1, 2, 1)) is None
    assert cron.next_tick("15 5 * * *", datetime(9999, 12, 31, 23)) is None


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("15 5 * *", "it has 4 fields; a schedule has five: minute, hour, day of the month, month, day of the week"),
        ("daily", "it has 1 field; a schedule has five: minute, hour, day of the month, month, day of the week"),
        ("* * * * * 30", "it has 6 fields; a schedule has five: minute, hour, day of the month, month, day of the week"),
        ("61 5 * * *", "'61' is no minute"),
        ("15 24 * * *", "'24' is no hour"),
        ("15 5 0 * *", "'0' is no day of the month"),
        ("15 5 * 13 *", "'13' is no month"),
        ("15 5 * * moon", "'moon' is no day of the week"),
        ("15 5-5 * * *", "'5-5' is no hour"),
        ("H 5 * * *", "'H' is no minute"),
        ("R(1-5) 5 * * *", "'R(1-5)' is no minute"),
        ("0 0 30 2 *", "there is no such day"),
        ("@reboot", "names are @hourly, @daily, @weekly, @monthly, @yearly"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(expression: str, wrong: str) -> None:
    assert cron.fault(expression) == wrong


@pytest.mark.parametrize("expression", ["0 0 * mar fri", "@daily", "*/5 1-3,7 L * 7", "0 0 * * 0"])
def test_what_cron_takes_is_taken(expression: str) -> None:
    assert cron.fault(expression) == ""


fields = st.text("0123456789*/-,LlHhRr#?@WmonjaTUE \u0660\x00().", max_size=6)


@given(st.lists(fields, min_size=4, max_size=6).map(" ".join) | st.text(max_size=10))
def test_any_text_is_taken_or_refused(expression: str) -> None:
    if not cron.fault(expression):
        assert cron.last_tick(expression, datetime(2025, 1, 1)) is not None


def test_nobody_pays_for_schedules_who_has_none() -> None:
    code = (
        "import sys, reportupdater.cli, reportupdater.planning.schedule\n"
        "sys.exit('croniter' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, check=True)


def days(expression: str, month: datetime) -> list[int]:
    """The days of a month on which there are ticks."""
    found, moment = [], month - MINUTE
    while (tick := cron.next_tick(expression, moment)) and tick < month + timedelta(days=31):
        found.append(tick.day)
        moment = tick
    return found


MAY = datetime(2024, 5, 1)  # a Wednesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 5 13 * 5", [3, 10, 13, 17, 24, 31]),  # either
        ("0 5 */2 * 1", [13, 27]),  # both: the field begins with *
        ("0 5 1-7 * */7", [5]),
        ("0 5 1,15 * *", [1, 15]),
        ("0 5 10-20/5 * *", [10, 15, 20]),
        ("0 5 * * mon", [6, 13, 20, 27]),
        ("0 5 * * 7", [5, 12, 19, 26]),
        ("0 5 * may wed", [1, 8, 15, 22, 29]),
        ("0 5 L * *", [31]),
        ("0 5 * * L5", [31]),
        ("0 5 * * 2#2", [14]),
        ("0 5 18W * *", [17]),
    ],
)
def test_days_are_those_of_cron(expression: str, expected: list[int]) -> None:
    assert cron.fault(expression) == ""
    assert days(expression, MAY) == expected
    for tick in expected:  # and backwards
        moment = MAY.replace(day=tick, hour=5)
        assert cron.last_tick(expression, moment + MINUTE) == moment


def test_a_leap_day_is_found_from_the_middle_of_march() -> None:
    assert cron.next_tick("0 0 29 * *", datetime(2024, 3, 15)) == datetime(2024, 3, 29)
    assert cron.last_tick("0 0 29 * *", datetime(2024, 3, 15)) == datetime(2024, 2, 29)
