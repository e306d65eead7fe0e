"""The calendar of a run: steps and the dates at which they end."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.calendar import MONTHS, last_step_by, step_end, step_ends, step_of, step_years

starts = st.dates(date(1, 1, 1), date(5000, 12, 31))
steps = st.sampled_from([*MONTHS])
numbers = st.integers(1, 2000)
DAY = timedelta(1)


@pytest.mark.parametrize(
    ("start", "step", "number", "end"),
    [
        ("2023-10-25", "quarter", 0, "2023-10-25"),
        ("2023-10-25", "quarter", 1, "2024-01-25"),
        ("2023-10-25", "quarter", 41, "2034-01-25"),
        ("2023-10-31", "month", 1, "2023-11-30"),
        ("2023-10-31", "month", 4, "2024-02-29"),
        ("2023-10-31", "month", 5, "2024-03-31"),
        ("2024-02-29", "year", 1, "2025-02-28"),
        ("2024-02-29", "year", 4, "2028-02-29"),
        ("2096-02-29", "year", 4, "2100-02-28"),
        ("2023-12-15", "month", 1, "2024-01-15"),
        ("2023-01-01", "year", 7976, "9999-01-01"),
    ],
)
def test_known_ends(start: str, step: str, number: int, end: str) -> None:
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    assert step_end(first, step, number) == last
    assert last_step_by(first, step, last) == number
    assert step_of(first, step, last) == max(number, 1)


@pytest.mark.parametrize(
    ("day", "step", "number", "last"),
    [
        ("2023-10-24", "month", 0, -1),
        ("2023-10-25", "month", 1, 0),
        ("2023-10-26", "month", 1, 0),
        ("2023-11-24", "month", 1, 0),
        ("2023-11-25", "month", 1, 1),
        ("2023-11-26", "month", 2, 1),
        ("2023-12-31", "quarter", 1, 0),
        ("2024-02-01", "quarter", 2, 1),
        ("2024-10-24", "year", 1, 0),
        ("0001-01-01", "year", -2022, -2023),
        ("9999-12-31", "quarter", 31905, 31904),
    ],
)
def test_known_days(day: str, step: str, number: int, last: int) -> None:
    start = date(2023, 10, 25)
    assert step_of(start, step, date.fromisoformat(day)) == number
    assert last_step_by(start, step, date.fromisoformat(day)) == last


@given(starts, steps, numbers)
def test_the_step_of_its_own_end(start: date, step: str, number: int) -> None:
    end = step_end(start, step, number)
    assert step_of(start, step, end) == number == last_step_by(start, step, end)
    assert step_of(start, step, end + DAY) == number + 1
    assert last_step_by(start, step, end - DAY) == number - 1


@given(starts, steps, st.integers(1, 700_000))
def test_a_day_lies_within_its_step(start: date, step: str, days: int) -> None:
    day = start + timedelta(days)
    number = step_of(start, step, day)
    assert step_end(start, step, number - 1) < day <= step_end(start, step, number)
    last = last_step_by(start, step, day)
    assert step_end(start, step, last) <= day < step_end(start, step, last + 1)


@given(starts, steps, numbers)
def test_days_of_the_month(start: date, step: str, number: int) -> None:
    end = step_end(start, step, number)
    assert end.day == start.day or (end.day < start.day and (end + DAY).day == 1)
    assert (12 * end.year + end.month) - (12 * start.year + start.month) == MONTHS[step] * number


@given(starts, numbers)
def test_months_quarters_and_years_end_together(start: date, years: int) -> None:
    ends = {step_end(start, step, years * 12 // months) for step, months in MONTHS.items()}
    assert len(ends) == 1
    assert [step_years(step) * 12 for step in MONTHS] == [*MONTHS.values()]


def test_ends_of_a_run() -> None:
    assert step_ends("2023-11-30", "quarter", 2) == ("2023-11-30", "2024-02-29", "2024-05-30")
    assert step_ends(None, "round", 2) == ()
    assert step_years("round") == 1


def test_no_date_after_9999() -> None:
    with pytest.raises(ValueError, match="step 7977 ends after the year 9999"):
        step_end(date(2023, 1, 1), "year", 7977)
