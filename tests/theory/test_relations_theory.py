"""Relations that follow from theory: exact at temperature 0, otherwise in distribution.

Exact binomial tests with fixed random seeds check relations in distribution. With new seeds the false alarm rate of a
whole test would be below ALARM.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from relation import UNHURRIED, changed, relation, run, seeds
from scipy import stats
from strategies import BLOCS, PROPENSITY_ALONE, UTILITIES, landscape, landscapes, pair_energy, scenarios

from sim.model import compiled
from sim.model.agents import BlocModel
from sim.model.arrays import NON_ALIGNED
from sim.model.world import world_of
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

ALARM = 1e-6
REPLICATES = 400
WORLDS = 8
FEW = {"max_examples": WORLDS, "derandomize": True, "database": None, "phases": [Phase.generate], **UNHURRIED}
worlds = scenarios(max_states=5, steps=3)


@relation(landscapes(max_states=5, steps=4), st.integers(0, 2**5 - 1), st.integers(0, 2**5 - 1), st.data(), seeds)
def test_flipped_gauge(scenario: Scenario, start: int, flipped: int, data: st.DataObject, seed: int) -> None:
    """Flipped states change side, and their ties to the others change sign (Mattis 1976)."""
    n = len(scenario.states)
    side = np.array([start >> i & 1 for i in range(n)])
    flip = np.array([flipped >> i & 1 for i in range(n)])
    changes = {
        "activation": data.draw(st.sampled_from(["random", "fixed_order", "simultaneous"])),
        "parameters": {**scenario.parameters.model_dump(), "inertia": data.draw(st.sampled_from([0, 2**-5]))},
    }
    sign = np.where(flip[:, None] == flip, 1, -1)
    sizes = [state.capability.value for state in scenario.states.values()]
    plain, gauged = (
        landscape(matrix, sizes, steps=4, initial=[BLOCS[s] for s in sides], **changes)
        for matrix, sides in (
            (propensities(scenario), side),
            (propensities(scenario) * sign, side ^ flip),
        )
    )
    expected = run(plain, seed).alignment
    np.testing.assert_array_equal(np.where(flip, 3 - expected, expected), run(gauged, seed).alignment)


def propensities(scenario: Scenario) -> np.ndarray:
    """Return the matrix of propensities."""
    return world_of(scenario).setting.propensity


@relation(scenarios(max_states=5, steps=3, fixed={"ties": [], "shocks": [], "institutions": {}}), seeds)
def test_no_moves_without_ties_and_noise(scenario: Scenario, seed: int) -> None:
    """Terms that need no tie are off: autonomy, accommodation, pressure, new sanctions."""
    off = ("temperature", "w_autonomy", "blocs.*.accommodation", "w_pressure", "sanction_response")
    alignment = run(with_settings(scenario, dict.fromkeys(off, 0)), seed).alignment
    assert (alignment == alignment[0]).all()


@relation(landscapes(steps=4), seeds)
def test_energy_never_rises(scenario: Scenario, seed: int) -> None:
    world = BlocModel(scenario, seed=seed)
    energy = pair_energy(scenario, world.alignment)
    decide = [agent.step for agent in world.states]

    def watched(agent: int) -> None:
        nonlocal energy
        decide[agent]()
        after = pair_energy(scenario, world.alignment)
        assert after <= energy + 1e-8
        energy = after

    for agent in world.states:
        agent.step = lambda i=agent.index: watched(i)
    for _ in range(scenario.steps):
        world.step()


@relation(landscapes(steps=8), seeds)
def test_fixed_point_is_local_minimum(scenario: Scenario, seed: int) -> None:
    final, before = run(scenario, seed).alignment[[-1, -2]]
    assume((final == before).all())
    energy = pair_energy(scenario, final)
    for i in range(final.size):
        flipped = np.where(np.arange(final.size) == i, 3 - final, final)
        assert pair_energy(scenario, flipped) >= energy - 1e-8


@relation(st.lists(st.booleans(), min_size=2, max_size=6), landscapes(max_states=6, steps=12), seeds)
def test_two_hostile_cliques(cliques: list[bool], scenario: Scenario, seed: int) -> None:
    """For all sizes and starts, no other configuration is a local minimum."""
    side = np.array([*cliques, *[False] * 4][: len(scenario.states)])
    sizes = [state.capability.value for state in scenario.states.values()]
    matrix = np.where(side[:, None] == side, 1.0, -1.0)
    final = run(landscape(matrix, sizes, steps=12, activation=scenario.activation), seed).alignment[-1]
    assert ((final == final[0]) == (side == side[0])).all()


@relation(scenarios(max_states=5, steps=3, fixed={"shocks": []}), seeds)
def test_friendly_bloc_is_stable(scenario: Scenario, seed: int) -> None:
    """Without hostility, accommodation and noise, a bloc of all states persists."""
    kinds = {"bond": 1, "trade": 1, "propensity": 1}
    friendly = tuple(tie.model_copy(update={"value": abs(tie.value)}) for tie in scenario.ties if tie.kind in kinds)
    together = {id: state.model_copy(update={"initial": BLOCS[0]}) for id, state in scenario.states.items()}
    blocs = {key: bloc.model_copy(update={"leader": None}) for key, bloc in scenario.blocs.items()}
    friends = changed(scenario, ties=friendly, states=together, blocs=blocs)
    off = ("temperature", "w_autonomy", "blocs.*.accommodation")
    assert (run(with_settings(friends, dict.fromkeys(off, 0)), seed).alignment == 1).all()


@relation(worlds, seeds)
def test_uniform_chances_without_weights(scenario: Scenario, seed: int) -> None:
    calm = changed(scenario, shocks=tuple(s for s in scenario.shocks if s.kind not in ("parameter", "bloc")))
    blind = with_settings(calm, {**dict.fromkeys(UTILITIES, 0), "temperature": 0.5, "blocs.*.accommodation": 0})
    setting = world_of(blind).setting
    chances = run(blind, seed).chances[1:, ~setting.fixed]
    np.testing.assert_allclose(chances, np.broadcast_to(setting.allowed / setting.allowed.sum(), chances.shape))
    assert setting.allowed[NON_ALIGNED] == blind.non_aligned_allowed


# In distribution


def final_alignments(scenario: Scenario) -> np.ndarray:
    """Return the final alignments of each replicate, (REPLICATES, N)."""
    world = world_of(scenario)
    runs = (compiled.run_compiled(scenario, seed=2023, replicate=r, world=world) for r in range(REPLICATES))
    return np.array([found.alignment[-1] for found in runs])


def p_value(one: int, other: int, alternative: str = "two-sided") -> float:
    """Return the conservative binomial p-value of two counts from equally many replicates."""
    return float(stats.binomtest(one, one + other, 0.5, alternative=alternative).pvalue) if one + other else 1.0


def p_values(one: np.ndarray, other: np.ndarray) -> Iterable[float]:
    """Compare two samples of final alignments, (REPLICATES, N): a p-value for each state and alignment."""
    for k, i in itertools.product(range(int(max(one.max(), other.max())) + 1), range(one.shape[1])):
        yield p_value(int((one[:, i] == k).sum()), int((other[:, i] == k).sum()))


def renamed(scenario: Scenario) -> Scenario:
    """Give the states ids of the opposite alphabetical order."""
    ids = sorted(scenario.states)
    names = {id: f"R{len(ids) - n}" for n, id in enumerate(ids)}
    text = scenario.model_dump_json()
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return Scenario.model_validate_json(text)


@settings(**FEW)
@given(scenarios(max_states=4, steps=3))
def test_ids_change_only_random_numbers(scenario: Scenario) -> None:
    """In distribution: at most 5 alignments of 4 states in 8 worlds."""
    found = p_values(final_alignments(scenario), final_alignments(renamed(scenario)))
    assert min(found) > ALARM / (5 * 4 * WORLDS)


def test_ids_do_not_set_the_order() -> None:
    """Two rivals start together; the first to decide moves."""
    pair = landscape(np.array([[0.0, -1.0], [-1.0, 0.0]]), [1.0, 1.0], initial=[BLOCS[0]] * 2, steps=1)
    assert min(p_values(final_alignments(pair), final_alignments(renamed(pair)))) > ALARM / 6


@settings(**FEW)
@given(landscapes(max_states=4), st.sampled_from([0.5, 1.0, 3.0]))
def test_higher_propensity_raises_agreement(scenario: Scenario, more: float) -> None:
    """In distribution, for states of equal size: the chance that two agree grows with their propensity.

    At equilibrium the derivative is the variance of their agreement over the temperature, for any other ties.
    """
    matrix = world_of(scenario).setting.propensity.copy()
    sizes, together = [1.0] * len(matrix), []
    for _ in range(2):
        world = landscape(matrix, sizes, temperature=0.5, steps=25, activation=scenario.activation)
        final = final_alignments(world)
        together.append(int((final[:, 0] == final[:, 1]).sum()))
        matrix[0, 1] = matrix[1, 0] = matrix[0, 1] + more
    assert p_value(*together, alternative="greater") > ALARM / WORLDS


@pytest.mark.parametrize("blocs", [1, 2, 3, 4])
@pytest.mark.parametrize("allowed", [True, False])
def test_uniform_choices_at_infinite_temperature(blocs: int, allowed: bool) -> None:
    """In distribution: two states in one step, and one state in two steps. Zero weights give the same limit."""
    base = landscape(np.zeros((2, 2)), [1.0, 1.0], temperature=1.0, steps=2)
    bloc = base.blocs[BLOCS[0]]
    scenario = changed(base, blocs=dict.fromkeys(BLOCS[:blocs], bloc), non_aligned_allowed=allowed)
    blind = with_settings(scenario, {**dict.fromkeys(PROPENSITY_ALONE, 0), "temperature": 1})
    world = world_of(blind)
    rows = np.array(
        [compiled.run_compiled(blind, seed=7, replicate=r, world=world).alignment[1:] for r in range(3 * REPLICATES)]
    ) - (not allowed)
    choices = blocs + allowed
    for pair in (rows[:, 0, :], rows[:, :, 0]):
        cells = np.bincount(pair[:, 0] * choices + pair[:, 1], minlength=choices**2)
        assert stats.chisquare(cells).pvalue > ALARM / 2 if choices > 1 else cells.tolist() == [len(rows)]
