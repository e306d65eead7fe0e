"""Many histories of a setting, cached: their dates, the effect of a change on them, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st

from sim.analysis.dated.effects import DatedEffects, compare_observed, observe_events
from sim.analysis.dated.events import Design, RunEvents
from sim.analysis.dated.incidence import find_moves
from sim.analysis.history.others import SEARCHED, Condition, Found, find_histories
from sim.analysis.states.held import hold_start
from sim.analysis.states.start import StartAccount, explain_start
from sim.analysis.states.tipping import terms_of_state
from sim.analysis.statistics import share_intervals
from sim.app import cache
from sim.app.mechanisms import settings_without_effect
from sim.app.player import drawing
from sim.app.sliders import list_sliders
from sim.model import compiled
from sim.model.rules import TEMPERATURE
from sim.model.starts import with_starts_of
from sim.model.trajectory import store_alignments
from sim.model.world import world_of
from sim.reporting import charts
from sim.reporting.colours import SIDE_COLOURS
from sim.reporting.dated.pictures import draw_incidence
from sim.scenario.overrides import with_settings
from sim.scenario.schema import DRAWN_ID, NON_ALIGNED_ID, RANDOM_ID, Scenario
from sim.theory.persistence import tipping_distance

SIDES = ("without the change", "with the change")

FEW_CACHED = 12  # samples of histories, each of up to 20 MB

TRIED = 9  # values of a lever

MANY = 200  # histories that the first page counts


@st.cache_resource(max_entries=FEW_CACHED, show_spinner="Running many times …")
def compute_histories(_scenario: Scenario, digest: str, seed: int, replicates: int) -> RunEvents:
    """Run replicates 0, 1, … of a seed and keep the alignments; settings share random numbers by replicate."""
    world = world_of(_scenario)
    runs = compiled.iterate_runs(
        _scenario, seed=seed, replicates=range(replicates), world=world, stored=store_alignments(world.steps)
    )
    found = np.stack([run.alignment.astype(np.int8) for run in runs])
    return RunEvents(Design("", 0, _scenario, "", {}), seed, np.arange(replicates), found[:, 0], find_moves(found))


@st.cache_resource(max_entries=FEW_CACHED, show_spinner="Comparing …")
def compute_effects(
    _pair: Sequence[RunEvents], days: tuple[str, ...], digests: tuple[str, str], seed: int, replicates: int
) -> DatedEffects:
    """Compare the histories with a change with those without it, at dates."""
    without, changed = (observe_events([one], one.design, days) for one in _pair)
    return compare_observed(SIDES[1], [changed], [without])


class Happening(NamedTuple):
    """What is counted of a state: that it has joined a bloc by a date, or left the one in which it starts.

    Where the start is not coded, runs differ in it, and only those in which it can happen are counted.
    """

    state: str
    bloc: str
    joins: bool
    coded: bool = True

    def among(self) -> str:
        """Say which histories are counted, after their number; empty where it is all of them."""
        return "" if self.coded else f" that it starts {'outside' if self.joins else 'in'} that bloc"


def happening_of(scenario: Scenario, state: str, bloc: str) -> Happening:
    """Choose what to count: joining a bloc, or leaving it where the state starts there."""
    start = scenario.states[state].initial
    return Happening(state, bloc, start not in (bloc, RANDOM_ID), start not in (RANDOM_ID, DRAWN_ID))


def count_happening(events: RunEvents, what: Happening) -> pd.DataFrame:
    """Tabulate by date the chance that something has happened, with Wilson's 95 % interval: date, chance, low, high."""
    world, ends = events.design.world, events.design.scenario.dates()[1:]
    i, k = world.states.index(what.state), world.alignments.index(what.bloc)
    first = events.entries[:, i, k] if what.joins else events.exits[:, i]
    counted = (events.start[:, i] == k) != what.joins  # runs in which it can happen
    counts = (first[counted, None] <= np.arange(1, len(ends) + 1)).sum(axis=0)
    chance, low, high = share_intervals(counts, max(int(counted.sum()), 1))
    return pd.DataFrame({"date": ends, "chance": chance, "low": low, "high": high})


@st.cache_resource(max_entries=cache.CACHED, show_spinner=False)
def svg_incidence(
    _pair: Sequence[RunEvents], what: Happening, digests: tuple[str, str], seed: int, replicates: int
) -> str:
    """Draw the chance that something has happened by each date, without and with the change, as SVG."""
    tables = [count_happening(one, what).assign(state=side) for one, side in zip(_pair, SIDES, strict=True)]
    sides, start = [(side, side.removesuffix(" the change")) for side in SIDES], _pair[0].design.scenario.dates()[0]

    def plot(axes: Any) -> None:
        draw_incidence(axes, pd.concat(tables), sides, start, colours=SIDE_COLOURS)

    return drawing.draw_chart(cache.CHART_WIDTH, 2.6, plot).svg


@st.cache_resource(max_entries=cache.CACHED, show_spinner=False)
def svg_changes(_rows: pd.DataFrame, names: list[str], label: str, key: tuple[Any, ...]) -> str:
    """Draw changes of chances with their intervals, in histories of 100, a row per name, as SVG."""
    table = _rows.assign(scenario=names)
    table[["difference", "low", "high"]] *= 100

    def plot(axes: Any) -> None:
        charts.draw_differences(axes, table, label=label)

    return drawing.draw_chart(cache.CHART_WIDTH, 0.9 + charts.row_height(names, 0.3) * len(table), plot).svg


@st.cache_resource(max_entries=cache.CACHED, show_spinner="Looking for a history …")
def compute_search(_scenario: Scenario, condition: Condition, digest: str, seed: int) -> Found:
    """Find the replicates in which a state enters an alignment or leaves it."""
    return find_histories(_scenario, world_of(_scenario), [condition], seed=seed, count=SEARCHED)


def named_alignments(names: Mapping[str, str], scenario: Scenario) -> list[tuple[str, str]]:
    """Pair each alignment of a scenario with its name, the blocs first."""
    ids = [*scenario.blocs, *([NON_ALIGNED_ID] if scenario.non_aligned_allowed else [])]
    return [(id, names[id]) for id in ids]


@st.cache_resource(max_entries=cache.CACHED, show_spinner=False)
def compute_start(_scenario: Scenario, digest: str, state: str, seed: int, replicate: int) -> StartAccount:
    """Explain a state at the start: its chances by the end in closed form, and what would move it.

    A drawn start is that of the run with this seed and replicate.
    """
    return explain_start(_scenario, state, seed=seed, replicate=replicate)


@st.cache_resource(max_entries=cache.CACHED, show_spinner=False)
def compute_distances(_scenario: Scenario, digest: str, seed: int, replicate: int) -> pd.DataFrame:
    """Tabulate the tipping distances of all that decide: state, held, alignment, distance, chance by the end.

    Drawn starts are those of the run with this seed and replicate.
    """
    world = world_of(with_starts_of(_scenario, seed=seed, replicate=replicate))
    (still,) = hold_start(world, [_scenario.steps])
    temperature, rows = float(world.start.parameters[TEMPERATURE]), []
    for i, state in enumerate(world.states):
        if world.setting.fixed[i]:
            continue
        utilities = np.where(world.setting.allowed, terms_of_state(world, i).sum(axis=1), -np.inf)
        distances = tipping_distance(utilities, temperature)
        held = world.alignments[int(world.setting.initial[i])]
        rows += [
            (state, held, name, float(distances[k]), float(still.chances[i, k]))
            for k, name in enumerate(world.alignments)
            if world.setting.allowed[k]
        ]
    return pd.DataFrame(rows, columns=["state", "held", "alignment", "distance", "chance"])


class TurningLever(NamedTuple):
    """A lever that makes a state end elsewhere in one history: its setting, label and values, and that end."""

    setting: str
    label: str
    before: float
    after: float
    ends: str


@st.cache_resource(max_entries=cache.CACHED, show_spinner="Trying every lever …")
def compute_turns(_scenario: Scenario, digest: str, seed: int, replicate: int, state: str) -> list[TurningLever]:
    """Try each lever of the blocs over its range; for those that make a state end elsewhere, give the nearest value."""
    place = world_of(_scenario).states.index(state)
    idle, found = settings_without_effect(_scenario), []

    def end(scenario: Scenario) -> str:
        run = compiled.run_compiled(scenario, seed=seed, replicate=replicate)
        return run.alignments[int(run.alignment[-1, place])]

    now = end(_scenario)
    levers = chain(*(members for table, members in list_sliders(_scenario).items() if table != "parameters"))
    for lever in levers:
        values = [] if lever.setting in idle else np.linspace(lever.low, lever.high, TRIED).round(3).tolist()
        for _, value in sorted((abs(one - lever.value), one) for one in values):
            if value != lever.value and (there := end(with_settings(_scenario, {lever.setting: value}))) != now:
                found.append(TurningLever(lever.setting, lever.label, lever.value, value, there))
                break
    return found
