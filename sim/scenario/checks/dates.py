"""Resolve the dates of a draft to steps: its length, shocks and crises (model: Scheduling)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sim.calendar import MONTHS, ROUND, last_step_by, step_end, step_of
from sim.scenario.files import Draft, forget_origins
from sim.scenario.schema import Scenario, to_iso_date
from sim.scenario.shocks import MAX_STEPS

LENGTHS = ("steps", "until")  # a file gives one of them

NO_CALENDAR = "the world has no calendar; give it a date and a step, such as quarter, or count steps here"


def refuse_two_lengths(draft: Draft) -> Draft:
    """Refuse a file with both `steps` and `until`."""
    if all(key in draft.content for key in LENGTHS):
        draft.faults.append(draft.fault(("until",), "the file gives steps too; give one of them"))
        del draft.content["until"]
    return draft


def replace_length(base: Draft, over: Draft) -> Draft:
    """Drop the length of a draft, in steps or until a day, if the file over it gives a length."""
    if any(key in over.content for key in LENGTHS):
        for key in LENGTHS:
            forget_origins(base.content.pop(key, None), (key,), base.origins)
    return base


@dataclass(frozen=True)
class Calendar:
    """The date of a world and the length of its steps."""

    start: date
    step: str

    def step_of(self, day: date) -> int:
        """Number of the step that contains a day; raises ValueError for a day before the world's."""
        if day < self.start:
            raise ValueError(f"{day} is before the date of the world, {self.start}")
        return step_of(self.start, self.step, day)

    def steps_until(self, day: date) -> int:
        """Number of steps that end on or before a day; raises ValueError if there are none, or too many."""
        steps = last_step_by(self.start, self.step, day)
        if steps < 1:
            raise ValueError(f"{day} is before the first step ends, on {self.end(1)}; give that day or a later one")
        if steps > MAX_STEPS:
            raise ValueError(f"{day} makes {steps} steps; give a day that makes at most {MAX_STEPS}")
        return steps

    def end(self, number: int) -> date:
        """Date at which a step ends; raises ValueError after the year 9999."""
        return step_end(self.start, self.step, number)


def resolve_dates(draft: Draft) -> None:
    """Replace the dates of a draft by steps and durations, and add the faults of those that cannot be replaced.

    Those become numbers that cause no second fault. Dates have no fault of their own where the calendar has one, or
    could not be read.
    """
    content, calendar = draft.content, read_calendar(draft)
    if "until" in content:
        draft.origins["steps",] = draft.origins.get(("until",), draft.origins[()])
        content["steps"] = resolve_until(draft, calendar)
    elif isinstance(calendar, Calendar):
        check_end(draft, calendar)
    shocks = content.get("shocks")
    if isinstance(shocks, list):
        days = [dated_step(shock, calendar) for shock in shocks]
        content["shocks"] = [
            resolve_shock(draft, n, shock, calendar) if isinstance(shock, dict) else shock
            for n, shock in enumerate(shocks)
        ]
        reorder_shocks(draft, order_by_day(days))


def dated_step(shock: object, calendar: Calendar | str) -> tuple[int, date] | None:
    """Step and day of a shock with a date; None for a crisis, which adds to others, and without a readable date."""
    if not isinstance(shock, dict) or "date" not in shock or shock.get("kind") == "crisis":
        return None
    try:
        day, step = place_day(shock["date"], calendar)
    except ValueError:
        return None
    return step, day


def order_by_day(days: Sequence[tuple[int, date] | None]) -> list[int]:
    """Indices of shocks with those of one step in the order of their days; a shock without a day keeps its place."""
    order = [*range(len(days))]
    dated = [(place, n) for n, place in enumerate(days) if place]
    for step in {place[0] for place, _ in dated}:
        slots = [n for place, n in dated if place[0] == step]
        for slot, n in zip(slots, sorted(slots, key=lambda n: days[n] or ()), strict=True):
            order[slot] = n
    return order


def reorder_shocks(draft: Draft, order: Sequence[int]) -> None:
    """Put the shocks of a draft into an order, each with the lines that it came from."""
    draft.content["shocks"] = [draft.content["shocks"][n] for n in order]
    slots = {n: slot for slot, n in enumerate(order) if slot != n}
    moved = {at: origin for at, origin in draft.origins.items() if at[:1] == ("shocks",) and at[1:2] and at[1] in slots}
    for at in moved:
        del draft.origins[at]
    draft.origins.update({("shocks", slots[int(at[1])], *at[2:]): origin for at, origin in moved.items()})


def read_calendar(draft: Draft) -> Calendar | str:
    """The calendar of a draft, or why a date in it cannot be replaced; empty where another fault says so."""
    given, step = draft.content.get("date"), draft.content.get("step", ROUND)
    try:
        start = None if given is None else read_day(given)
    except ValueError:
        return ""
    if not draft.whole or not isinstance(step, str) or step not in (ROUND, *MONTHS):
        return ""
    if start is None and step == ROUND:
        return NO_CALENDAR
    if start is None:
        at, message = "step", f"steps of a {step} begin on the date of the world; give one, such as date = 2023-10-25"
    elif step == ROUND:
        at = "step" if "step" in draft.content else "date"
        message = "steps of a world with a date have a length; give step: month, quarter or year"
    else:
        return Calendar(start, step)
    draft.faults.append(draft.fault((at,), message))
    return ""


def read_day(given: object) -> date:
    """The day that a file gives; raises ValueError if it is none."""
    return date.fromisoformat(to_iso_date(given))


def place_day(given: object, calendar: Calendar | str) -> tuple[date, int]:
    """The day that a file gives, and its step; raises ValueError, without a message if another fault explains it."""
    day = read_day(given)
    if isinstance(calendar, str):
        raise ValueError(calendar)
    return day, calendar.step_of(day)


def add_fault(draft: Draft, at: tuple[str | int, ...], error: ValueError | str) -> None:
    """Add a fault to a draft if it has a message."""
    if str(error):
        draft.faults.append(draft.fault(at, str(error)))


def resolve_until(draft: Draft, calendar: Calendar | str) -> int:
    """Number of steps of a draft that gives the day until which it runs."""
    given = draft.content.pop("until")
    try:
        day, _ = place_day(given, calendar)
        return calendar.steps_until(day) if isinstance(calendar, Calendar) else MAX_STEPS
    except ValueError as error:
        add_fault(draft, ("until",), error)
        return MAX_STEPS


def length_of(draft: Draft) -> int:
    """Number of steps of a draft; the most that there may be if its own is another type."""
    steps = draft.content.get("steps", Scenario.model_fields["steps"].default)
    return steps if isinstance(steps, int) else MAX_STEPS


def check_end(draft: Draft, calendar: Calendar) -> None:
    """Add the fault of a run that ends after the year 9999."""
    try:
        calendar.end(min(length_of(draft), MAX_STEPS))
    except ValueError as error:
        add_fault(draft, ("steps",), f"{error}; give fewer steps")


def resolve_shock(draft: Draft, n: int, given: dict[str, Any], calendar: Calendar | str) -> dict[str, Any]:
    """A shock with a step in place of its date, and a crisis with a duration in place of its end."""
    shock, day = dict(given), None
    if "date" in shock:
        written = shock.pop("date")
        try:
            day, step = place_day(written, calendar)
            check_step(day, step, draft, calendar)
        except ValueError as error:
            add_fault(draft, ("shocks", n, "date"), error)
            step = 1
        if "step" in shock:
            add_fault(draft, ("shocks", n, "date"), "the shock has a step too; give one of them")
        shock.setdefault("step", step)
    if "until" in shock and shock.get("kind") == "crisis":
        written = shock.pop("until")
        duration = 1
        try:
            last_day, last = place_day(written, calendar)
            first = shock.get("step")
            if (day and last_day < day) or (isinstance(first, int) and last < first):
                raise ValueError(f"{last_day} is before the crisis begins")
            duration = last - first + 1 if isinstance(first, int) else 1
        except ValueError as error:
            add_fault(draft, ("shocks", n, "until"), error)
        if "duration" in shock:
            add_fault(draft, ("shocks", n, "until"), "the crisis has a duration too; give one of them")
        shock.setdefault("duration", min(duration, MAX_STEPS))
    return shock


def check_step(day: date, step: int, draft: Draft, calendar: Calendar | str) -> None:
    """Check that a step is one of the run; raises ValueError otherwise."""
    if step > length_of(draft) and isinstance(calendar, Calendar):
        raise ValueError(f"{day} is after the last step, which ends on {calendar.end(length_of(draft))}")
