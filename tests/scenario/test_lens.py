"""Lenses: renewal without an anchor, and final values from the first step on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import scenarios, small

from sim.calendar import step_years
from sim.forecast.chances import alignment_chances
from sim.model.compiled import run_compiled
from sim.model.world import world_of
from sim.scenario.lens import structural_of, tendency_of
from sim.scenario.overrides import list_changes
from sim.scenario.schema import Scenario

CALENDAR = {"date": "2023-10-31", "dispositions": "kept"}
STEPS = ("round", "month", "quarter", "year")
Lens = Callable[[Scenario], Scenario]
LENSES = pytest.mark.parametrize(("lens", "steps", "chance"), [(tendency_of, 80, 0.2), (structural_of, 120, 0.05)])


def seen(*shocks: dict[str, Any], steps: int = 10, **changes: Any) -> list[dict[str, Any]]:
    """Shocks of a world of three states through the lens, without what they leave at its default."""
    scenario = small(shocks=shocks, steps=steps, **{"dispositions": "kept", **changes})
    return [shock.model_dump(exclude_defaults=True) for shock in tendency_of(scenario).shocks]


@LENSES
@pytest.mark.parametrize("step", STEPS)
def test_renewal_of_every_state(step: str, lens: Lens, steps: int, chance: float) -> None:
    calendar = {} if step == "round" else CALENDAR
    states = {id: state.model_dump() for id, state in small().states.items()}
    states["C"]["renewal"] = 7
    found = lens(small(states=states, step=step, **calendar))
    rate = found.parameters.renewal.value
    assert 1 - math.exp(-rate * step_years(step)) == pytest.approx(chance, abs=1e-12)
    assert {state.renewal.value for state in found.states.values()} == {1}
    assert (found.dispositions, found.anchored, found.anchor, found.steps) == ("kept", False, None, steps)
    assert Scenario.model_validate(found.model_dump()) == found  # within all bounds


@LENSES
def test_only_this_changes(lens: Lens, steps: int, chance: float) -> None:
    before = small(steps=3)
    changed = {place for place, *_ in list_changes(before, lens(before))}
    assert changed == {"steps", "dispositions", "anchored", "parameters.renewal"}


def test_final_values_from_the_first_step_on() -> None:
    bond = {"kind": "bond", "a": "A", "b": "C"}
    shocks = ({**bond, "step": 7, "value": 0.2}, {**bond, "step": 3, "value": 0.9}, {**bond, "step": 7, "value": 0.4})
    assert [(shock["step"], shock["value"]) for shock in seen(*shocks)] == [(1, 0.9), (1, 0.2), (1, 0.4)]


def test_shocks_of_every_kind() -> None:
    values = (
        {"kind": "sanction", "sender": "A", "target": "*", "value": 0.5},
        {"kind": "rivalry", "a": "A", "b": "C", "value": 0.5},
        {"kind": "membership", "institution": "club", "state": "B", "joins": False},
        {"kind": "priority", "bloc": "west", "theatre": "sea", "value": 0.5},
        {"kind": "bloc", "bloc": "west", "setting": "accommodation", "value": 0.5},
        {"kind": "parameter", "parameter": "erosion", "value": 0.5},
        {"kind": "polyarchy", "state": "B", "value": 0.5},
    )
    assert seen(*({**shock, "step": 4} for shock in values)) == [{**shock, "step": 1} for shock in values]


def test_what_does_not_last() -> None:
    upheaval = {"kind": "upheaval", "step": 2, "state": "C"}
    renewal = {"kind": "parameter", "step": 2, "parameter": "renewal", "value": 1}
    assert seen(upheaval, renewal) == []


@pytest.mark.parametrize(
    ("step", "duration", "kept"),
    [(1, 9, False), (1, 10, True), (10, 1, True), (4, 6, False), (4, 7, True), (4, 99, True)],
)
def test_crises_under_way_at_the_last_step(step: int, duration: int, kept: bool) -> None:
    crisis = {"kind": "crisis", "theatre": "sea", "intensity": 2}
    expected = [{**crisis, "step": 1, "duration": 80}] if kept else []
    assert seen({**crisis, "step": step, "duration": duration}) == expected


@given(scenarios(), st.sampled_from(STEPS))
def test_seen_twice(scenario: Scenario, step: str) -> None:
    calendar = {} if step == "round" else {"date": "2023-10-31"}
    once = tendency_of(scenario.model_copy(update={"step": step, **calendar}))
    assert tendency_of(once) == once


def test_one_disposition_in_five_is_renewed_at_each_step() -> None:
    """All weights 0: each renewal takes one of the three alternatives at random.

    Step 1 is left out: there states leave the start for what their disposition prefers.
    """
    free = {"name": "F", "theatre": "land", "capability": 1}
    weights = dict.fromkeys(small().parameters.model_dump(), 0) | {"temperature": 1}
    blocs = {id: {**bloc.model_dump(), "leader": None, "accommodation": 0} for id, bloc in small().blocs.items()}
    states = {"A": {**free, "initial": "west"}, "B": free, "C": free}
    found = tendency_of(small(states=states, blocs=blocs, ties=(), parameters=weights))
    runs = [run_compiled(found, seed=1, replicate=replicate).alignment for replicate in range(60)]
    moves = sum((run[2:] != run[1:-1]).mean() for run in runs) / 60
    expected, count = 0.2 * 2 / 3, 60 * 79 * 3
    assert abs(moves - expected) < 4 * math.sqrt(expected * (1 - expected) / count)


def test_structural_chances_do_not_know_the_start() -> None:
    """They are the same from two starts; the chances of histories are not, as inertia holds a state where it starts."""

    def from_start(initial: str) -> Scenario:
        states = {id: state.model_dump() for id, state in small().states.items()}
        states["C"]["initial"] = initial
        weights = small().parameters.model_dump() | {"inertia": 0.5}
        return small(states=states, parameters=weights, dispositions="kept", steps=120)

    def gap(seen: Callable[[Scenario], Scenario]) -> float:
        worlds = [world_of(seen(from_start(initial))) for initial in ("west", "non_aligned")]
        one, other = (alignment_chances(world, seed=1, replicates=range(300)) for world in worlds)
        return float(np.abs(one - other).max())

    assert gap(structural_of) < 0.015
    assert gap(lambda scenario: scenario) > 0.05
