"""Laws of whole runs: known answers (docs/validation.md), invariants, random numbers, and the properties of agents."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relation import same
from strategies import BLOCS, NO_RESPONSE, PROPENSITY_ALONE, landscape, pair_energy, scenarios

from sim.model import agents, compiled
from sim.model.agents import BlocModel
from sim.model.trajectory import store_late
from sim.model.world import World, world_of
from sim.scenario.loading import load_scenario, scenario_names, world_names
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import Parameters
from sim.scenario.schema import Scenario


def changed(scenario: Scenario, **changes: Any) -> Scenario:
    """Replace top-level fields of a scenario and validate it."""
    return Scenario.model_validate({**scenario.model_dump(), **changes})


# Agents and compiled runs


def same_in_both_engines(scenario: Scenario, world: World, seed: int) -> None:
    """Assert that compiled runs equal that of the agents: one that stores all, and one that leaves out decisions."""
    by_agents = agents.run_agents(scenario, seed=seed, world=world)
    same(by_agents, compiled.run_compiled(scenario, seed=seed, world=world))
    stored = store_late(world.steps, world.steps)
    same(
        by_agents, compiled.run_compiled(scenario, seed=seed, world=world, stored=stored),
        ("alignment", "causes", "renewed", "stability", "bite"),
    )  # fmt: skip


@pytest.mark.parametrize("name", [*scenario_names(), *world_names()])
def test_agents_equal_compiled_runs_of_shipped_scenarios(name: str) -> None:
    scenario = load_scenario(name)
    same_in_both_engines(scenario, world_of(scenario), 1)


@pytest.mark.parametrize("activation", ["random", "simultaneous"])
def test_decisions_that_are_left_out_change_nothing(activation: str) -> None:
    """Bonds drift fast, governments fall often, and crises come and go: most states decide as before, some do not."""
    fast = {"bond_return": 0.0, "bond_gain": 0.4, "bond_loss": 0.4, "outreach": 1.0, "w_bond": 4.0, "renewal": 0.01}
    crises = [
        {"kind": "crisis", "step": step, "theatre": "indo_pacific", "intensity": 3.0, "duration": 3} for step in (5, 25)
    ]
    base = with_settings(load_scenario("article_2023"), fast)
    scenario = changed(base, activation=activation, shocks=crises)
    world = world_of(scenario)
    for seed in range(4):
        same_in_both_engines(scenario, world, seed)


@pytest.mark.long
@pytest.mark.parametrize("activation", ["random", "fixed_order", "simultaneous"])
@pytest.mark.parametrize("name", [*scenario_names(), *world_names()])
def test_agents_equal_compiled_runs_over_fifty_seeds(name: str, activation: str) -> None:
    scenario = changed(load_scenario(name), activation=activation)
    world = world_of(scenario)
    for seed in range(50):
        same_in_both_engines(scenario, world, seed)


# Known answers (docs/validation.md)


def boltzmann(scenario: Scenario, temperature: float) -> dict[tuple[int, ...], float]:
    """Enumerate the Boltzmann distribution of E over all configurations."""
    configurations = list(itertools.product((1, 2), repeat=len(scenario.states)))
    energies = np.array([pair_energy(scenario, np.array(c)) for c in configurations])
    weights = np.exp(-(energies - energies.min()) / temperature)
    return dict(zip(configurations, weights / weights.sum(), strict=True))


@pytest.mark.parametrize("activation", ["random", "fixed_order"])
def test_boltzmann_distribution(activation: str) -> None:
    """With c = 1/N the states are a Gibbs sampler of E at temperature τ / N; 10⁵ steps, compiled."""
    rng = np.random.default_rng(5)
    matrix = np.triu(rng.normal(size=(5, 5)), 1).round(2)
    scenario = landscape(matrix + matrix.T, [1.0] * 5, temperature=0.3, steps=10_000, activation=activation)
    world = world_of(scenario)
    seen: dict[tuple[int, ...], float] = dict.fromkeys(itertools.product((1, 2), repeat=5), 0.0)
    for replicate in range(10):
        run = compiled.run_compiled(scenario, seed=11, replicate=replicate, world=world)
        found, counts = np.unique(run.alignment[50:], axis=0, return_counts=True)
        for row, count in zip(found, counts, strict=True):
            seen[tuple(row.tolist())] += count
    total = sum(seen.values())
    expected = boltzmann(scenario, 0.3 / 5)
    assert max(expected.values()) < 0.5  # not concentrated in one configuration
    assert sum(abs(seen[c] / total - expected[c]) for c in expected) / 2 < 0.02


def test_frustrated_triangle() -> None:
    """Galam 1996: six two-against-one splits, frozen at temperature 0 and equally frequent above it."""
    matrix = -(np.ones((3, 3)) - np.eye(3))
    cold = landscape(matrix, [1.0, 1.0, 1.0], steps=10)
    ends = set()
    for replicate in range(60):
        run = agents.run_agents(cold, seed=1, replicate=replicate)
        assert len(set(run.alignment[-1].tolist())) == 2
        assert (run.alignment[2:] == run.alignment[-1]).all()
        ends.add(tuple(run.alignment[-1].tolist()))
    assert len(ends) == 6
    warm = landscape(matrix, [1.0, 1.0, 1.0], temperature=0.1, steps=10_000)
    run = compiled.run_compiled(warm, seed=1)
    found, counts = np.unique(run.alignment[100:], axis=0, return_counts=True)
    split = [count for row, count in zip(found, counts, strict=True) if len(set(row.tolist())) == 2]
    assert len(split) == 6
    assert max(split) / min(split) < 1.25


def test_unix_runs_end_in_published_minima() -> None:
    """Axelrod & Bennett 1993: at temperature 0 the nine firms end in one of two configurations."""
    scenario = load_scenario("unix_1988")
    ids = list(scenario.states)
    ends = set()
    for replicate in range(100):
        final = compiled.run_compiled(scenario, seed=4, replicate=replicate).alignment[-1]
        ends.add(frozenset(i for i, a in zip(ids, final, strict=True) if a == final[0]))
    assert len(ends) == 2


# Invariants


@given(scenarios(), st.integers(0, 100))
def test_tie_bounds_and_symmetry(scenario: Scenario, seed: int) -> None:
    world = BlocModel(scenario, seed=seed)
    for _ in range(scenario.steps):
        world.step()
        for tie in (world.situation.bond, world.situation.rivalry, world.situation.sanction):
            assert tie.min() >= 0
            assert tie.max() <= 1
            assert (np.diag(tie) == 0).all()
        np.testing.assert_array_equal(world.situation.bond, world.situation.bond.T)
        np.testing.assert_array_equal(world.situation.rivalry, world.situation.rivalry.T)
        assert (world.stability >= 0).all()
        assert (world.stability <= 1).all()


@given(scenarios(fixed={"shocks": []}), st.integers(0, 50))
def test_zero_rates_keep_ties(scenario: Scenario, seed: int) -> None:
    world = BlocModel(with_settings(scenario, NO_RESPONSE), seed=seed)
    start = world.world.copy_situation()
    for _ in range(scenario.steps):
        world.step()
    for now, then in zip(world.situation, start, strict=True):
        np.testing.assert_array_equal(now, then)


@given(scenarios(), st.integers(0, 50))
def test_fixed_state_keeps_alignment(scenario: Scenario, seed: int) -> None:
    run = agents.run_agents(scenario, seed=seed)
    leaders = {bloc.leader for bloc in scenario.blocs.values()}
    for i, (state, record) in enumerate(scenario.states.items()):
        if record.fixed or state in leaders:
            assert (run.alignment[:, i] == run.alignment[0, i]).all()
            assert (run.chances[1:, i].max(axis=1) == 1).all()


# Random numbers and activation


def test_same_run_in_another_process() -> None:
    code = (
        "import hashlib; from sim.model import run_compiled; from sim.scenario import load_scenario\n"
        "r = run_compiled(load_scenario('baseline_2023'), seed=9)\n"
        "print(hashlib.sha256(r.alignment.tobytes() + r.chances.tobytes() + r.outcomes.tobytes()).hexdigest())"
    )
    env = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    r = compiled.run_compiled(load_scenario("baseline_2023"), seed=9)
    here = hashlib.sha256(r.alignment.tobytes() + r.chances.tobytes() + r.outcomes.tobytes()).hexdigest()
    assert done.stdout == f"{here}\n"


def test_random_numbers_belong_to_states() -> None:
    """A world without one state gives the others the same draws."""
    scenario = load_scenario("baseline_2023")
    fewer = changed(
        scenario,
        states={k: v.model_dump() for k, v in scenario.states.items() if k != "CHL"},
        ties=[t.model_dump() for t in scenario.ties if "CHL" not in (t.a, t.b)],
    )
    one, other = BlocModel(scenario, seed=5), BlocModel(fewer, seed=5)
    one.step(), other.step()
    kept = [i for i, state in enumerate(one.world.states) if state != "CHL"]
    np.testing.assert_array_equal(one.uniforms[kept], other.uniforms)


def test_simultaneous_activation() -> None:
    """Two rivals start together: both move at every step; in turn only one of them moves."""
    matrix = np.array([[0.0, -1.0], [-1.0, 0.0]])
    together = {"initial": [BLOCS[0]] * 2, "steps": 4}
    both = agents.run_agents(landscape(matrix, [1.0, 1.0], activation="simultaneous", **together), seed=1)
    assert both.alignment.tolist() == [[1, 1], [2, 2], [1, 1], [2, 2], [1, 1]]
    turns = agents.run_agents(landscape(matrix, [1.0, 1.0], activation="fixed_order", **together), seed=1)
    assert turns.alignment.tolist() == [[1, 1], [2, 1], [2, 1], [2, 1], [2, 1]]


def test_random_order_varies() -> None:
    matrix = np.array([[0.0, -1.0], [-1.0, 0.0]])
    scenario = landscape(matrix, [1.0, 1.0], initial=[BLOCS[0]] * 2, steps=1)
    first = {tuple(agents.run_agents(scenario, seed=1, replicate=r).alignment[-1].tolist()) for r in range(20)}
    assert first == {(2, 1), (1, 2)}


# Properties of agents


def test_agent_properties() -> None:
    world = BlocModel(load_scenario("baseline_2023"), seed=1)
    world.step()
    korea = world.state("PRK")
    assert korea.name == "North Korea"
    assert korea.theatre == "indo_pacific"
    assert {"USA", "KOR", "JPN"} <= korea.rivals.keys()
    assert {"USA", "JPN", "KOR"} <= korea.sanctioned_by.keys()
    assert 0.2 < korea.bite < 0.8
    assert {"CHN", "RUS"} <= korea.bonds.keys()
    assert korea.depends_on.keys() == {"CHN", "USA"}
    assert korea.alignment in world.world.alignments
    assert sum(korea.chances.values()) == pytest.approx(1)
    assert korea.utility["front"] == pytest.approx(sum(korea.utility_terms["front"].values()), abs=1e-15)
    assert "RUS" in world.state("CHN").partners
    assert "PRK" in world.state("USA").sanctions
    assert repr(world.state("USA")) == "<United States: us_led>"
    assert 0 <= korea.regime_stability <= 1
    assert korea.capability == pytest.approx(0.01409 / 0.8755, rel=1e-3)
    assert korea.product < 0.001


@pytest.mark.parametrize("name", Parameters.model_fields)
def test_parameter_changes_runs(name: str) -> None:
    """Each parameter changes a run."""
    scenario = with_settings(
        load_scenario("dispersed_attention"),
        {"blocs.us_led.accommodation": 0.05, "rivalry_gain": 0.02, "rivalry_loss": 0.02, "sanction_response": 0.02,
         "sanction_relief": 0.02, "states.PRK.autonomy": 2, "ties.propensity.PRK.CHN": 0.3, "w_likeness": 0.2,
         "w_hedging": 0.5, "states.PRK.polyarchy": 0.1, "states.CHN.polyarchy": 0.1, "renewal": 0.1},
    ).model_copy(update={"dispositions": "kept"})  # fmt: skip
    value = getattr(scenario.parameters, name).value
    moved = with_settings(scenario, {name: value / 2})
    assert (
        compiled.run_compiled(scenario, seed=3).chances[1:] != compiled.run_compiled(moved, seed=3).chances[1:]
    ).any()


@pytest.mark.parametrize("mechanism", [k for k in PROPENSITY_ALONE if k.startswith("w_")])
def test_zero_weight_removes_term(mechanism: str) -> None:
    scenario = with_settings(load_scenario("dispersed_attention"), {mechanism: 0})
    world = BlocModel(scenario, seed=1)
    world.step()
    assert all(terms[mechanism.removeprefix("w_")] == 0 for s in world.states for terms in s.utility_terms.values())
