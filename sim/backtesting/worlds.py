"""Load the worlds of many years from a folder, each with the ideal points of its year and of the years after."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sim.calendar import ROUND, last_step_by
from sim.errors import Fault, InputError, InputWarning, display_path, warning_lines
from sim.forecast.baselines import alignment_answers
from sim.forecast.record import FILE, recorded_of
from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model.arrays import Flags, Floats, Integers
from sim.model.world import World, world_of
from sim.scenario.loading import load_scenario
from sim.scenario.schema import DRAWN_ID, RANDOM_ID, Scenario

HORIZONS = (1, 2, 3, 4, 5)  # years

SIDE = {YES: 1.0, NO: -1.0, ABSTAINED: 0.0}  # position of an answer: with the leader's bloc, with another, neither

YEARS = re.compile(r"([12][0-9]{3})(?::([12][0-9]{3})(?::([1-9][0-9]{0,2}))?)?")


@dataclass(frozen=True)
class YearWorld:
    """The world of a year with its record.

    Parameters
    ----------
    year
        The last year that ends by the date of the world.
    scenario
        The world, with steps for five years.
    points
        Ideal points by year, (N,) each in the order of the states, NaN where unknown.
    """

    year: int
    scenario: Scenario
    points: Mapping[int, Floats]

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Ids of the states."""
        return tuple(self.scenario.states)

    @cached_property
    def world(self) -> World:
        """The arrays of the world."""
        return world_of(self.scenario)

    @cached_property
    def free(self) -> Flags:
        """The states that decide, (N,)."""
        return ~self.world.setting.fixed

    @cached_property
    def answers(self) -> Integers:
        """Answer of each alignment, (K + 1,): YES for the first bloc with a leader, NO for another, ABSTAINED."""
        return np.array(alignment_answers(self.scenario))

    @cached_property
    def coded(self) -> Integers:
        """Answer that each state's coded start is read as, (N,)."""
        return self.answers[self.world.setting.initial]

    @cached_property
    def steps(self) -> Integers:
        """The last step by the end of each horizon, (H,)."""
        start, step = self.start, self.scenario.step
        return np.array([last_step_by(start, step, years_after(start, h)) for h in HORIZONS])

    @property
    def start(self) -> date:
        """Date of the world."""
        return date.fromisoformat(str(self.scenario.date))

    def points_after(self, years: int) -> Floats:
        """Ideal points some years after the year of the world, (N,)."""
        return self.points.get(self.year + years, np.full(len(self.states), np.nan))


def years_after(start: date, years: int) -> date:
    """Return the same day some years later; 28 February for a 29th that a year lacks."""
    try:
        return start.replace(year=start.year + years)
    except ValueError:
        return start.replace(year=start.year + years, day=28)


def read_years(text: str) -> tuple[int, ...]:
    """Read years, each part between commas a year or FIRST:LAST:STEP.

    Parameters
    ----------
    text
        Such as ``1950:2015:5``, both ends included, ``1950:2015``, ``1960,1980`` or ``1950:2015:5,2018``.

    Returns
    -------
    tuple of int
        The years, in order.

    Raises
    ------
    ValueError
        If a part has another form, or no year.

    Examples
    --------
    >>> read_years("1950:1965:5,1968")
    (1950, 1955, 1960, 1965, 1968)
    """
    years: set[int] = set()
    for part in text.split(","):
        found = YEARS.fullmatch(part.strip())
        first, last, step = found.groups() if found else ("1", "0", None)
        span = range(int(first), int(last or first) + 1, int(step or 1))
        if not span:
            raise ValueError(f"{text!r} is not FIRST:LAST:STEP, such as 1950:2015:5, or a list such as 1960,1980")
        years.update(span)
    return tuple(sorted(years))


class WorldsFound(NamedTuple):
    """The worlds in a folder.

    Attributes
    ----------
    by_year
        Path and scenario of each world that has what a score needs, by year.
    unscored
        Why each other world cannot be scored, by year; None for a world without a date.
    faults
        Every fault of the worlds that cannot be loaded.
    """

    by_year: dict[int, list[tuple[Path, Scenario]]]
    unscored: dict[int | None, list[Fault]]
    faults: list[Fault]


def find_worlds(folder: Path) -> WorldsFound:
    """Load the worlds in a folder, each in a folder of its own."""
    found = WorldsFound({}, {}, [])
    for path in sorted(folder.glob("*/world.toml")):
        try:
            scenario = load_scenario(path)
        except InputError as error:
            found.faults.extend(error.faults)
            continue
        year = None if scenario.date is None else year_of(scenario)
        reasons = [Fault(display_path(path), 1, *reason) for reason in why_unscored(path, scenario, year)]
        if year is None or reasons:
            found.unscored.setdefault(year, []).extend(reasons)
        else:
            found.by_year.setdefault(year, []).append((path, scenario))
    return found


def load_years(folder: Path, years: Sequence[int] | None = None) -> list[YearWorld]:
    """Load the worlds in a folder, each in a folder of its own, in the order of their years.

    A world that cannot be scored is left out, with a warning that says why.

    Parameters
    ----------
    folder
        Folder of worlds.
    years
        Years to use. Default: all.

    Returns
    -------
    list of YearWorld
        One for each year that can be scored.

    Raises
    ------
    InputError
        With every fault: a world that cannot be loaded, two worlds of one year, a year without a world, or why no world
        can be scored.
    """
    found = find_worlds(folder)
    faults = found.faults
    chosen = sorted(found.by_year) if years is None else sorted({*years} & found.by_year.keys())
    for year in chosen:
        first, *others = found.by_year[year]
        for path, _ in others:
            message = f"is of {year}, as is {display_path(first[0])}; leave one of them out"
            faults.append(Fault(display_path(path), 1, "date", message))
    if absent := sorted({*(years or ())} - found.by_year.keys() - found.unscored.keys()):
        listed = ", ".join(map(str, absent))
        message = f"has no world of {listed}; import with --from (data=), or leave out of the years what is not there"
        faults.append(Fault(display_path(folder), 1, "", message))
    unscored = [
        fault for year, reasons in found.unscored.items() if years is None or year in years for fault in reasons
    ]
    loaded: list[YearWorld] = []
    for year in chosen:
        path, scenario = found.by_year[year][0]
        try:
            one = with_record(year, path, scenario)
        except InputError as error:
            faults += error.faults
            continue
        if one.points.get(year) is not None:
            loaded.append(one)
        else:
            message = f"has none of {year}; add [ideal_points.{year}] to score the world"
            unscored.append(Fault(display_path(path.with_name(FILE)), 1, "ideal_points", message))
    if not loaded and not faults:
        nothing = Fault(display_path(folder), 1, "", "has no world; give a folder with one folder for each world")
        faults += unscored or [nothing]
    if faults:
        raise InputError([*faults, *unscored])
    for line in warning_lines(fault._replace(message=f"{fault.message}; left out") for fault in unscored):
        warnings.warn(line, InputWarning, stacklevel=3)
    return loaded


def why_unscored(path: Path, scenario: Scenario, year: int | None) -> Iterator[tuple[str, str]]:
    """Yield field and reason of what a world lacks to be scored."""
    if scenario.date is None or scenario.step == ROUND:
        yield "date", "a backtest needs a date and a step of a month, a quarter or a year; give both"
    elif scenario.dispositions != "kept" or not scenario.anchored:
        yield "dispositions", "a backtest needs kept dispositions that are anchored in the start; set them to kept"
    if not any(bloc.leader for bloc in scenario.blocs.values()) or len(scenario.blocs) < 2:
        yield "blocs", "a backtest needs two blocs, the first with a leader; give them"
    if drawn := [id for id, state in scenario.states.items() if state.initial in (RANDOM_ID, DRAWN_ID)]:
        yield "initial", f"is drawn for {', '.join(drawn[:5])}; a backtest needs the coded start, so give an alignment"
    if not path.with_name(FILE).is_file():
        message = "is missing beside it, and a backtest scores against its ideal points; `blocs import{}` writes it"
        where = " from a folder with the dataset un_ideal_points (`blocs import --list`)"
        yield FILE, message.format("" if year is None else f" {year}") + where


def year_of(scenario: Scenario) -> int:
    """Return the last year that ends by the date of a world: its ideal points are known on that day."""
    return (date.fromisoformat(str(scenario.date)) + timedelta(days=1)).year - 1


def with_record(year: int, path: Path, scenario: Scenario) -> YearWorld:
    """Attach the record to a world, and give it steps for all horizons; raises InputError with every fault."""
    start = date.fromisoformat(str(scenario.date))
    steps = last_step_by(start, scenario.step, years_after(start, max(HORIZONS)))
    recorded = recorded_of(path, scenario)
    points = {} if recorded is None else recorded.ideal_points
    by_year = {
        one: np.array([of.get(state, np.nan) for state in scenario.states], dtype=np.float64)
        for one, of in points.items()
    }
    return YearWorld(year, scenario.model_copy(update={"steps": steps}), by_year)
