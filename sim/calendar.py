"""The calendar of a run: the date at which each step ends, and the step that contains a date (model: Scheduling)."""

from __future__ import annotations

import calendar
from datetime import date
from typing import Final

ROUND: Final = "round"  # a step without length: rates are per step

MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def step_years(step: str) -> float:
    """Length of a step in years; 1 for a round, where every rate is per step."""
    return MONTHS[step] / 12 if step in MONTHS else 1.0


def describe_step(step: str) -> str:
    """Say in a sentence how long a step is."""
    return "A step is a round of decisions, not a year." if step == ROUND else f"A step is a {step}."


def step_end(start: date, step: str, number: int) -> date:
    """Return the date at which a step ends.

    Parameters
    ----------
    start
        Date of the world: the end of step 0.
    step
        Length of a step: `month`, `quarter` or `year`.
    number
        Number of the step, from 0.

    Returns
    -------
    date
        The same day of a later month, or the last day of that month where it has no such day.

    Raises
    ------
    ValueError
        If the date is after the year 9999.
    """
    months = start.month - 1 + MONTHS[step] * number
    year, month = start.year + months // 12, months % 12 + 1
    if year > date.max.year:
        raise ValueError(f"step {number} ends after the year {date.max.year}")
    return date(year, month, min(start.day, calendar.monthrange(year, month)[1]))


def last_step_by(start: date, step: str, day: date) -> int:
    """Return the number of the last step that ends on or before a day; negative for a day before the start."""
    number, rest = divmod(months_between(start, day), MONTHS[step])
    return number - 1 if not rest and step_end(start, step, number) > day else number


def step_of(start: date, step: str, day: date) -> int:
    """Return the number of the step that contains a day; the date of the world itself belongs to step 1.

    A day before the date of the world belongs to step 0 or an earlier one, which no run has.
    """
    last = last_step_by(start, step, day)
    ends = months_between(start, day) == MONTHS[step] * last and step_end(start, step, last) == day
    return last if ends and day != start else last + 1


def months_between(start: date, day: date) -> int:
    """Months from the month of one day to that of another."""
    return 12 * (day.year - start.year) + day.month - start.month


def step_ends(start: str | None, step: str, steps: int) -> tuple[str, ...]:
    """Return the end date of each step from 0 on, as ISO texts, (T + 1,); none for a world without a date."""
    if start is None:
        return ()
    return tuple(step_end(date.fromisoformat(start), step, number).isoformat() for number in range(steps + 1))


def format_day(day: str) -> str:
    """Format an ISO date in words, such as 25 October 2030."""
    found = date.fromisoformat(day)
    return f"{found.day} {found:%B} {found.year}"
