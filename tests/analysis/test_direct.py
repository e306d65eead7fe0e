"""Direct effects in closed form against runs in which no other state moves (model: Outcomes)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from relation import changed, some
from strategies import NO_RESPONSE, small

from sim.analysis.dated.direct import structural_start
from sim.analysis.states.held import HeldStart, hold_start
from sim.model.arrays import Floats
from sim.model.compiled import iterate_runs
from sim.model.dispositions import choose_kept
from sim.model.starts import structural_chances
from sim.model.world import world_of
from sim.scenario.lens import tendency_of
from sim.scenario.loading import load_scenario, scenario_names
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario
from sim.scenario.shocks import Crisis

SHIPPED = [name for name in scenario_names() if load_scenario(name).dates()]


def assert_within(counts: Floats, n: int, chances: Floats, errors: float = 5.0) -> None:
    """Assert that counts of n are within some standard errors of their chances; every cell is a test of its own."""
    gap, error = np.abs(counts - n * chances), np.sqrt(n * chances * (1 - chances))
    assert (gap <= errors * error + 2).all(), np.argwhere(gap > errors * error + 2)


def count_taken(scenario: Scenario, runs: int, step: int) -> Floats:
    """Count the runs in which each state has each alignment at a step, (N, K + 1)."""
    world = world_of(scenario)
    found = np.zeros((len(world.states), len(world.alignments)))
    for run in iterate_runs(scenario, seed=3, replicates=range(runs), world=world):
        found += run.alignment[step][:, None] == np.arange(len(world.alignments))
    return found


def held(scenario: Scenario, step: int) -> HeldStart:
    """The world of a scenario at a step if no state moves."""
    return hold_start(world_of(scenario), [step])[0]


def test_every_calendar_is_shipped() -> None:
    assert len(SHIPPED) > 10
    assert "baseline_2023" in SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_direct_at_first_step_of_shipped_scenarios(name: str) -> None:
    """All decide at once, so nobody follows; every shock comes at this step, and half of dispositions are renewed."""
    scenario = load_scenario(name)
    shocks = tuple(
        shock.model_copy(update={"step": 1, **({"duration": 1} if isinstance(shock, Crisis) else {})})
        for shock in scenario.shocks
    )
    one = with_settings(
        changed(scenario, activation="simultaneous", steps=1, shocks=shocks), {"renewal": 4 * np.log(2)}
    )
    assert_within(count_taken(one, 300, 1), 300, held(one, 1).chances)


@pytest.mark.parametrize("name", some(SHIPPED, 4))
def test_direct_at_the_end_of_shipped_scenarios(name: str) -> None:
    """One state decides, that with the largest direct chance to leave; renewals are frequent, and ties respond."""
    scenario = with_settings(load_scenario(name), {"renewal": 0.1})
    world = world_of(scenario)
    chances = held(scenario, scenario.steps).chances
    own = np.arange(len(world.states)), world.setting.initial
    mover = world.states[int(np.argmax(np.where(world.setting.fixed, 0, 1 - chances[own])))]
    states = {id: s.model_copy(update={"fixed": s.fixed or id != mover}) for id, s in scenario.states.items()}
    alone = changed(scenario, states=states)
    i = world.states.index(mover)
    expected = held(alone, scenario.steps).chances
    np.testing.assert_allclose(expected[i], chances[i], atol=1e-4)  # a path has nodes by the changes of all states
    assert 0.01 < 1 - chances[own][i] < 1
    assert_within(count_taken(alone, 200, scenario.steps)[i], 200, expected[i], errors=4.0)


@pytest.mark.parametrize("name", ["ukraine_settlement", "middle_east_war_widens", "global_coexistence"])
def test_direct_and_entries_along_the_path_of_weights(name: str) -> None:
    """Every state by itself decides by the weights of each step, with inertia on what it then holds."""
    scenario = with_settings(load_scenario(name), {"renewal": 0.05})
    world, steps, runs = world_of(scenario), scenario.steps, 400
    there = held(scenario, steps)
    rng, before, fixed = np.random.default_rng(4), there.before, world.setting.fixed[:, None]
    alternatives = np.arange(len(world.alignments))
    own = there.held[:, None] == alternatives
    p = np.exp(before - np.logaddexp.reduce(before, axis=1, keepdims=True))
    x = rng.exponential(size=(runs, *before.shape))
    mine = (x * own).sum(axis=-1, keepdims=True)
    e = np.where(own, p * mine, p * mine + x)
    taken = np.broadcast_to(there.held, x.shape[:2]).copy()
    been = np.broadcast_to(own, x.shape).copy()
    for step in range(steps):
        renewed = (rng.random(taken.shape) < there.renewal[step])[..., None]
        e = np.where(renewed, rng.exponential(size=x.shape), e)
        inertia = np.where(fixed, 0.0, there.inertia[step] * (taken[..., None] == alternatives))
        taken = (there.path[step] + inertia - np.log(e)).argmax(axis=-1)
        been |= taken[..., None] == alternatives
    counts = (taken[..., None] == alternatives).sum(axis=0)
    assert_within(counts, runs, there.chances)
    assert_within(been.sum(axis=0), runs, there.entries)
    assert (there.entries >= there.chances - 1e-12).all()


def lone(**changes: Any) -> Scenario:
    """A world in which C alone decides, and its own move changes nothing for it."""
    settings = {**NO_RESPONSE, "erosion": 0.0, "temperature": 0.3, "renewal": 0.4}
    calendar = {"date": "2023-10-31", "step": "quarter", "steps": 8, "dispositions": "kept"}
    return with_settings(small(**{**calendar, **changes}), settings)


UPHEAVAL = {"kind": "upheaval", "step": 3, "state": "C"}
SHOCK = {"kind": "rivalry", "step": 1, "a": "A", "b": "C", "value": 1.0}


@pytest.mark.parametrize("shocks", [[SHOCK], [SHOCK, UPHEAVAL], [SHOCK, {**UPHEAVAL, "toward": "east"}],
                                    [{**UPHEAVAL, "step": 8, "toward": "east"}]])  # fmt: skip
@pytest.mark.parametrize("dispositions", ["kept", "fresh"])
def test_direct_of_a_lone_state(shocks: list[dict[str, Any]], dispositions: str) -> None:
    if dispositions == "fresh" and len(shocks) + shocks[0].get("step", 1) > 2:
        return  # an upheaval needs kept dispositions
    scenario = lone(shocks=shocks, dispositions=dispositions)
    for step in (1, 3, 8):
        expected = held(scenario, step).chances
        assert_within(count_taken(scenario, 3000, step)[2], 3000, expected[2], errors=4.0)
        np.testing.assert_allclose(expected.sum(axis=1), 1)


def test_fixed_states_and_renewed_chances() -> None:
    scenario = load_scenario("baseline_2023")
    world = world_of(scenario)
    there = held(scenario, 40)
    own = np.eye(len(world.alignments))[world.setting.initial]
    for chances in (there.chances, there.redrawn, structural_start(world)):
        np.testing.assert_array_equal(chances[world.setting.fixed], own[world.setting.fixed])
        np.testing.assert_allclose(chances.sum(axis=1), 1)
    often = held(with_settings(scenario, {"renewal": 20.0, "inertia": 0.0}), 40)
    np.testing.assert_allclose(often.chances, often.redrawn, atol=1e-6)


def test_structural_start_is_the_anchors_without_inertia() -> None:
    world = world_of(with_settings(load_scenario("baseline_2023"), {"inertia": 0.0}))
    free = ~world.setting.fixed
    np.testing.assert_array_equal(structural_start(world)[free], structural_chances(world, 0, 0).chances[free])
    assert np.isnan(structural_start(world_of(lone(states=random_start())))).all()


def random_start() -> dict[str, Any]:
    """The states of the small world, with a random start of C."""
    return {id: s.model_dump() | ({"initial": "random"} if id == "C" else {}) for id, s in small().states.items()}


def test_tendency_is_not_anchored() -> None:
    """Plain draws: the first weights decide, whatever the start."""
    scenario = tendency_of(lone())
    assert_within(count_taken(scenario, 3000, 1)[2], 3000, held(scenario, 1).chances[2], errors=4.0)


def test_choice_of_the_race_is_that_of_the_model() -> None:
    """The simulation above takes the greatest U / τ - ln E, as the model does."""
    utilities, draws = np.array([0.1, 0.3, 0.2]), np.array([1.2, 0.7, 0.5])
    allowed = np.ones(3, dtype=bool)
    chosen = choose_kept(utilities, allowed, 0.5, 0, -np.log(draws))
    assert chosen == int((utilities / 0.5 - np.log(draws)).argmax())
