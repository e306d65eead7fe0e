"""Find what a report of histories says first: who joins a bloc by when, and which scenario changes it most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.dated.direct import renewed_shares
from sim.analysis.dated.effects import compare_entry
from sim.analysis.dated.events import Design, list_designs, spread_dates, stored_dates
from sim.analysis.dated.sentences import in_hundred
from sim.analysis.dated.tally import Tally, tabulate_incidence, tabulate_realignments, tabulate_sizes, tally_designs
from sim.batch.store import Results
from sim.calendar import format_day
from sim.model.world import select_pairs
from sim.reporting.dated.words import rounded, rounded_apart
from sim.scenario.shocks import SanctionShock

LISTED = 5  # states in tables and charts

MOST_DATES = 2  # beside the end

NAMED_SENDERS = 3

ROLES = {
    "lever": "what a government can choose",
    "circumstance": "what may happen",
    "assumption": "what is assumed",
    "": "the scenarios without a role",
}


@dataclass(frozen=True)
class Chance:
    """The share of n runs in which something has happened, with its 95 % interval."""

    chance: float
    low: float
    high: float
    n: int

    def words(self) -> str:
        """Say it in 100, with the interval."""
        return f"{rounded(self.chance)} in 100 ({rounded(self.low)} to {rounded(self.high)})"

    def dots(self) -> int:
        """Dots of 100 that a picture fills, 1 for what is rare."""
        return math.ceil(100 * self.chance) if self.chance < 0.01 else math.floor(100 * self.chance + 0.5)


@dataclass(frozen=True)
class Mover:
    """A state and the chances that it has joined a bloc, or left it, by each date."""

    state: str
    name: str
    chances: tuple[Chance, ...]


VERBS = {"entry": ("joins", "joined"), "exit": ("leaves", "left")}  # of a state and its event, now and by a date


@dataclass(frozen=True)
class Effect:
    """How a scenario changes the chance of the state asked about at the last date.

    Parameters
    ----------
    scenario, name, role
        Label, title, and role of the scenario.
    before, chance
        The chance in the baseline and in the scenario; means over design points where these are compared at once.
    difference, low, high
        The change from the baseline, run by run, with its 95 % interval; NaN where no pair differs.
    clear
        Whether the change is clear, over all scenarios.
    senders
        Names of the states that impose more sanctions than the baseline has, the largest capability first.
    decides
        Whether that state decides in the scenario, which may fix it instead.
    together
        Whether the numbers are means over several design points.
    """

    scenario: str
    name: str
    role: str
    before: float
    chance: float
    difference: float
    low: float
    high: float
    clear: bool
    senders: tuple[str, ...] = ()
    decides: bool = True
    together: bool = False


@dataclass(frozen=True)
class DatedFindings:
    """What a report of histories says first.

    Parameters
    ----------
    bloc
        Name of the bloc that the report follows.
    days
        Dates, the last is that of the report: the end of the runs, or an earlier date asked for.
    members
        Names of the states that start in the bloc in every run.
    drawn
        Number of states whose start is random or drawn, so that runs differ in it.
    joining
        States that start elsewhere, in the order of their chance to have joined by the last date, at most LISTED.
    first
        The state that the page asks about: the one asked for, else `adds_most`.
    event
        What it does: `entry` into the bloc, or `exit` where it starts there in every run.
    adds_most
        The first mover, whose joining would add most capability on average; None where no state joins.
    leaving
        Members, in the order of their chance to have left.
    effects
        Scenarios by role, then by change.
    incidence
        Chances of joining at the end of every step to the last date: date, state, alignment, chance, low, high, n.
    sizes
        Mean capability share of the bloc at the start and at each date.
    realignments
        Realignments per state-year to the last date with low, high, and those on record.
    share
        Share of the capability that the state asked about has; 0 without one.
    renewed
        Share of the capability that the bloc would have at the last date if every disposition were renewed while the
        others stay as they started; NaN where no closed form is known.
    runs
        Runs of the baseline.
    states
        Number of states of the baseline's world.
    tally
        Counts over the runs of the baseline, at the end of every step to the last date.
    """

    bloc: str
    days: tuple[str, ...]
    members: tuple[str, ...]
    drawn: int
    joining: tuple[Mover, ...]
    first: Mover | None
    event: str
    adds_most: Mover | None
    leaving: tuple[Mover, ...]
    effects: tuple[Effect, ...]
    incidence: pd.DataFrame
    sizes: tuple[tuple[str, float], ...]
    realignments: tuple[float, float, float, float]
    share: float
    renewed: float
    runs: int
    states: int
    tally: Tally

    def headline(self) -> str:
        """Say in one sentence who joins the bloc by when, and how surely."""
        if self.first is None:
            return f"In none of {self.runs} histories does a state join “{self.bloc}” by {format_day(self.days[-1])}."
        start, *_ = self.sizes
        chance = self.first.chances[-1]
        preposition, after = self.with_or_without(start[1])
        size = f"“{self.bloc}” starts with {in_hundred(start[1])} % of the capability of these states; {preposition}"
        alike = in_hundred(after) == in_hundred(start[1])
        size += f" {self.first.name} it would have {'about as much' if alike else f'{in_hundred(after)} %'}."
        if self.drawn:
            size = f"Each run draws its start: “{self.bloc}” has {in_hundred(start[1])} % of the capability of these"
            size += f" states on average, and {self.first.name} has {in_hundred(self.share)} %."
        return (
            f"In {in_hundred(chance.chance)} of 100 histories (95 % interval {in_hundred(chance.low)} to"
            f" {in_hundred(chance.high)}, {chance.n} runs) {self.first.name} {VERBS[self.event][0]} “{self.bloc}” by"
            f" {format_day(self.days[-1])}. {size}"
        )

    def with_or_without(self, size: float) -> tuple[str, float]:
        """Say how the bloc of this size is after the event, with or without the state, and its size then."""
        return ("without", max(size - self.share, 0.0)) if self.event == "exit" else ("with", size + self.share)

    def renewed_words(self) -> str:
        """Say what the bloc would have at the last date if every disposition were renewed, and what it has."""
        renewed, has = (f"{100 * share:.0f} %" for share in (self.renewed, self.sizes[-1][1]))
        if renewed == has:
            return f"the same share of the capability by the last date, {has}"
        return f"{renewed} of the capability by the last date instead of {has}"

    def strongest(self, role: str) -> Effect | None:
        """The scenario of a role with the largest clear change; None where none is clear."""
        clear = [one for one in self.effects if one.clear and one.difference and one.role == role]
        return max(clear, key=lambda one: abs(one.difference), default=None)

    def largest(self, role: str) -> Effect | None:
        """The scenario of a role with the largest clear change, else with the largest change; None without any."""
        moving = [one for one in self.effects if one.difference and one.role == role]
        return self.strongest(role) or max(moving, key=lambda one: abs(one.difference), default=None)


def main_dates(results: Results, base: Design, at: str | None = None) -> tuple[str, ...]:
    """The dates of the first page: those of the sweep and the last, or near a third and two thirds of the time to it.

    The last date is the one given, else the end of the runs.
    """
    ends = base.scenario.dates()
    last = at or ends[-1]
    asked = [day for day in stored_dates(results) if ends[0] < day < last][:MOST_DATES]
    return (*asked, last) if asked else (*spread_dates(base.scenario, at)[:-1], last)


def find_dated(
    results: Results, labels: Mapping[str, str], base: str, bloc: str, name: str, at: str | None = None,
    state: str | None = None,
) -> DatedFindings | None:  # fmt: skip
    """Find what a report of histories says first.

    Parameters
    ----------
    results
        The folder of a sweep.
    labels
        Title of each design point shown, by label.
    base
        Label of the baseline.
    bloc, name
        Id and name of the bloc that the report follows.
    at
        The last date, which all runs contain. Default: the end of the runs.
    state
        Id of the state of the baseline's world that the report asks about. Default: the first mover.

    Returns
    -------
    DatedFindings or None
        None where the runs have no dates.
    """
    designs = [one for one in list_designs(results) if one.label in labels]
    baseline = next(one for one in designs if one.label == base)
    if not all(one.dated for one in designs) or bloc not in baseline.world.alignments:
        return None
    days = main_dates(results, baseline, at)
    ends = [day for day in baseline.scenario.dates()[1:] if day <= days[-1]]
    every = sorted({*ends, *days})  # a date of the sweep may be within a step
    (tally,) = tally_designs(results, [baseline], {base: every}, ended=True)
    table = tabulate_incidence([tally])
    table = table[table["alignment"] == bloc]
    names = {id: state.name for id, state in baseline.scenario.states.items()}
    joining = movers(table[table["event"] == "entry"], names, days)
    adds_most = first_mover(joining, tally)
    first, event = asked_mover(table, state, names, days) if state else (adds_most, "entry")
    effects = find_effects(results, designs, labels, base, bloc, days, first, event) if first else ()
    sizes = tabulate_sizes([tally])
    sizes = sizes[(sizes["bloc"] == bloc) & sizes["date"].isin([baseline.scenario.dates()[0], *days])]
    rate = next(tabulate_realignments([tally]).itertuples())
    k = baseline.world.alignments.index(bloc)
    share = float(baseline.world.setting.capability[baseline.world.states.index(first.state)]) if first else 0.0
    shares = renewed_shares(baseline, days[-1])
    renewed = float(shares[k]) if shares.size else math.nan
    return DatedFindings(
        name, days, tuple(names[baseline.world.states[i]] for i in np.flatnonzero(baseline.world.setting.initial == k)),
        int((baseline.world.setting.initial < 0).sum()),
        tuple(joining[:LISTED]), first, event, adds_most,
        tuple(movers(table[table["event"] == "exit"], names, days)[:LISTED]), effects,
        table[table["event"] == "entry"], tuple(zip(sizes["date"], sizes["capability"], strict=True)),
        (rate.per_state_year, rate.low, rate.high, rate.recorded), share, renewed, tally.runs,
        len(baseline.world.states), tally,
    )  # fmt: skip


def movers(table: pd.DataFrame, names: Mapping[str, str], days: Sequence[str], *, never: bool = False) -> list[Mover]:
    """List the states of a table of incidence, the likeliest first; those with a chance of 0 if `never`."""
    found = []
    for state, rows in table[table["date"].isin(days)].groupby("state", sort=False):
        chances = tuple(Chance(row.chance, row.low, row.high, int(row.n)) for row in rows.itertuples())
        found.append(Mover(str(state), names[str(state)], chances))
    moving = [one for one in found if one.chances[-1].chance > 0 or never]
    return sorted(moving, key=lambda one: -one.chances[-1].chance)


def asked_mover(table: pd.DataFrame, state: str, names: Mapping[str, str], days: Sequence[str]) -> tuple[Mover, str]:
    """Return a state, even if it never moves, and its event: an exit where it starts in the bloc in every run."""
    rows = table[table["state"] == state]
    event = "entry" if (rows["event"] == "entry").any() else "exit"
    (found,) = movers(rows[rows["event"] == event], names, days, never=True)
    return found, event


def first_mover(joining: Sequence[Mover], tally: Tally) -> Mover | None:
    """The state whose joining adds most capability on average: its chance times its share."""
    world = tally.design.world
    shares = dict(zip(world.states, world.setting.capability, strict=True))
    return max(joining, key=lambda one: one.chances[-1].chance * shares[one.state], default=None)


def find_effects(
    results: Results, designs: Sequence[Design], labels: Mapping[str, str], base: str, bloc: str, days: Sequence[str],
    first: Mover, event: str,
) -> tuple[Effect, ...]:  # fmt: skip
    """Compare the chance that a state has joined or left by the last date in each scenario with the baseline's."""
    rows = compare_entry(results, designs, base, first.state, bloc, days[-1], event=event)
    # Design points that are compared at once go by the name of their scenario.
    ran = {one.name: one for one in designs} | {one.label: one for one in designs}
    found = [
        Effect(
            row.scenario, labels.get(row.scenario, ran[row.scenario].scenario.title), ran[row.scenario].scenario.role,
            row.baseline_mean, row.mean, row.difference, row.low, row.high, bool(row.clear),
            find_senders(ran[base], ran[row.scenario]), first.state not in fixed_states(ran[row.scenario]),
            row.scenario not in labels,
        )
        for row in rows.itertuples()
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (list(ROLES).index(one.role), -one.difference)))


def fixed_states(design: Design) -> set[str]:
    """Return the ids of the states that a scenario fixes."""
    return {design.world.states[i] for i in np.flatnonzero(design.world.setting.fixed)}


def find_senders(base: Design, other: Design) -> tuple[str, ...]:
    """Return the names of the states that impose more sanctions than the baseline has, the largest capability first.

    They do so at the start, or later by a shock that the baseline lacks.
    """
    before, after = base.world, other.world
    if before.states != after.states:
        return ()
    more = np.asarray((after.start.sanction > before.start.sanction).any(axis=1))
    index = {state: i for i, state in enumerate(after.states)}
    for shock in other.scenario.shocks:
        if isinstance(shock, SanctionShock) and shock not in base.scenario.shocks:
            for i, j, existing in select_pairs(shock.sender, shock.target, other.scenario, index):
                now = after.start.sanction[i, j]
                more[i] |= shock.value > now and (now > 0 or not existing)
    order = np.argsort(-after.setting.capability, kind="stable")
    return tuple(other.scenario.states[after.states[i]].name for i in order if more[i])


def name_senders(senders: Sequence[str]) -> str:
    """Name the first of some senders and count the others; empty without any."""
    more = len(senders) - NAMED_SENDERS
    return ", ".join(senders[:NAMED_SENDERS]) + (f" and {more} more" if more > 0 else "")


def words_of_effect(effect: Effect, most_of: str) -> str:
    """Say from where to where a scenario changes a chance: in a direction only if the change is clear.

    `most_of` names the scenarios among which its change is largest; empty for the only one.
    """
    name = f"“{effect.name}”{f' (imposed by {name_senders(effect.senders)})' if effect.senders else ''}"
    before, after = rounded_apart(effect.before, effect.chance)
    change = f"from {before} to {after} of 100 histories"
    if effect.clear:
        verb = "raises" if effect.difference > 0 else "lowers"
        return f"{most_of}{name} {verb} it {'most, ' if most_of else ''}{change}"
    goes = f"{most_of}it goes farthest with {name}," if most_of else f"with {name} it goes"
    return f"{goes} {change}, which may be chance"


def effects_sentence(found: DatedFindings) -> str:
    """Say which choice, and which circumstance, changes the chance of the state most, and how surely."""
    if found.first is None or not found.effects:
        return ""
    said, clearly = [], any(one.clear for one in found.effects if one.role != "assumption")
    for role, words in ROLES.items():
        best = found.largest(role) if role != "assumption" else None
        if best is not None:
            alone = sum(one.role == role for one in found.effects) == 1
            said.append(words_of_effect(best, "" if alone else f"of {words}, "))
    last, (verb, _) = format_day(found.days[-1]), VERBS[found.event]
    if not said:
        return f"No scenario changes how often {found.first.name} {verb} by {last}, assumptions left aside."
    tried = sum(one.role != "assumption" for one in found.effects)
    which = f"none of {tried} choices and events clearly changes it" if tried > 1 else "it does not clearly change"
    unclear = "" if clearly else f"{which}; "
    return f"How often {found.first.name} {verb} by {last}: {unclear}{'; '.join(said)}."
