"""Since when a sanction stands, and a scenario with the sanctions that stood before a day.

`since` of a tie reads `2014-07-16 0.6; 2022-02-28`: of strength 0.6 from the first day, as coded from the last on,
and none before the first. A year or month alone counts from its end, so that nothing counts before it stood.
"""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from sim.scenario import Scenario, Tie

STEP = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?: (\d(?:\.\d{1,3})?))?")
FORM = "give days with the strength from then on, the last one alone: 2014-07-16 0.6; 2022-02-28"


def steps_of(since: str) -> list[tuple[date, float | None]]:
    """The days from which a sanction stood at a strength, None for the strength as coded; raises ValueError."""
    steps: list[tuple[date, float | None]] = []
    for part in since.split(";") if since else []:
        found = STEP.fullmatch(part.strip())
        if not found:
            raise ValueError(f"{part.strip()!r} is no step of a sanction; {FORM}")
        steps.append((last_day(found[1], found[2], found[3]), float(found[4]) if found[4] else None))
    days, strengths = [day for day, _ in steps], [strength for _, strength in steps]
    if steps and (strengths[-1] is not None or None in strengths[:-1]):
        raise ValueError(f"the last step alone has no strength, as it is the coded one; {FORM}")
    if days != sorted(set(days)):
        raise ValueError(f"its days are not in order; {FORM}")
    if any(strength is not None and strength > 1 for strength in strengths):
        raise ValueError("a strength is a number in [0, 1]")
    return steps


def dated(since: str) -> str:
    """The same text where its steps can be read; raises ValueError."""
    steps_of(since)
    return since


Since = Annotated[str, Field(max_length=200), AfterValidator(dated)]


def last_day(year: str, month: str | None, day: str | None) -> date:
    """The day itself, or the last one of a month or year; raises ValueError where there is no such day."""
    months = int(month or 12)
    days = int(day) if day else calendar.monthrange(int(year), months)[1] if 1 <= months <= 12 else 0
    try:
        return date(int(year), months, days)
    except ValueError:
        raise ValueError(f"there is no day {'-'.join(filter(None, (year, month, day)))}") from None


def strength_before(tie: Tie, day: date) -> float:
    """Strength of a sanction on the eve of a day, in [0, 1]; as coded where it is not said since when it stands."""
    steps = steps_of(tie.since)
    stood = [strength for since, strength in steps if since < day]
    if not steps:
        return tie.value
    return (tie.value if stood[-1] is None else stood[-1]) if stood else 0.0


def sanctions_before(scenario: Scenario, day: date) -> Scenario:
    """The scenario with the sanctions that stood before a day, each as strong as it was then.

    What ended before the scenario's own day has no row and is not there either.
    """
    kept = (
        tie if tie.kind != "sanction" else tie.model_copy(update={"value": strength_before(tie, day)})
        for tie in scenario.ties
    )
    return scenario.model_copy(update={"ties": tuple(tie for tie in kept if tie.value != 0)})
