"""Runs with kept dispositions against closed forms and exact laws (model: Dispositions, Anchoring, Response)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from relation import changed, relation, run, seeds
from strategies import BLOCS, NO_RESPONSE, landscape, scenarios, small, symmetric

from sim.model import response, rules
from sim.model.agents import BlocModel
from sim.model.arrays import PARAMETERS, Floats, Situation, allocate_courses
from sim.model.compiled import iterate_runs
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario
from sim.theory import expected_movers, log_weights, pair_law, switching_rate

AT_REST = {**NO_RESPONSE, "renewal": 0.0}


def kept(scenario: Scenario, **changes: Any) -> Scenario:
    """Return a scenario whose dispositions are kept."""
    return changed(scenario, dispositions="kept", **changes)


def started(scenario: Scenario) -> Scenario:
    """Return a scenario in which random starts are those of the first bloc."""
    states = {
        id: state.model_copy(update={"initial": BLOCS[0]}) if state.initial == "random" else state
        for id, state in scenario.states.items()
    }
    return changed(scenario, states=states)


def first_weights(scenario: Scenario) -> tuple[Floats, Floats]:
    """Compute the log-weights of all states at step 1 with the others as they start, (N, K + 1), and what they hold."""
    model = BlocModel(changed(scenario, activation="simultaneous"), seed=1)
    held = model.alignment.copy()
    model.step()
    setting = model.world.setting
    utilities = np.where(setting.allowed, model.utilities, -np.inf)
    temperature = model.situation.parameters[rules.TEMPERATURE]
    return log_weights(utilities, temperature, held, fixed=setting.fixed), held


def assert_direct_movers(scenario: Scenario, factual: Scenario, replicates: int, errors: float = 3.0) -> float:
    """Assert that the mean number of movers at step 1 is that of the closed form; return it."""
    after, held = first_weights(scenario)
    before, _ = first_weights(factual)
    mean = expected_movers(before, after, held)
    one = changed(scenario, activation="simultaneous", steps=1)
    runs = iterate_runs(one, seed=11, replicates=range(replicates))
    counts = [int((history.alignment[1] != history.alignment[0]).sum()) for history in runs]
    error = max(np.std(counts), 1 / np.sqrt(replicates)) / np.sqrt(replicates)
    assert abs(np.mean(counts) - mean) < errors * error, (np.mean(counts), mean, error)
    return mean


@relation(scenarios(max_states=5, steps=1, fixed={"shocks": []}), st.integers(0, 4), st.floats(0.0, 1.0))
def test_direct_movers_of_generated_worlds(scenario: Scenario, place: int, value: float) -> None:
    """Four standard errors, since every case is a test of its own."""
    factual = with_settings(kept(started(scenario)), {**AT_REST, "temperature": 0.05})
    ids = [*factual.states]
    ties = {f"ties.rivalry.{ids[0]}.{ids[1 + place % (len(ids) - 1)]}": value, "w_hostility": 1.0}
    believed = with_settings(factual, {"w_hostility": 1.0})
    altered = with_settings(changed(factual, anchor=factual), ties)
    assert_direct_movers(altered, believed, 300, errors=4.5)


@pytest.mark.parametrize("name", ["global_coexistence", "no_sanctions"])
def test_direct_movers_of_the_article(name: str) -> None:
    factual = kept(load_scenario("article_2023"), shocks=())
    told = load_scenario(name)
    scenario = with_settings(kept(told, shocks=(), anchor=factual), AT_REST)
    believed = changed(with_settings(factual, AT_REST), parameters=scenario.parameters)
    assert assert_direct_movers(scenario, believed, 1000) > 1


@pytest.mark.parametrize(("renewal", "inertia"), [(0.05, 0.0), (0.3, 0.3), (1.0, 0.3)])
def test_switching_of_a_lone_state(renewal: float, inertia: float) -> None:
    """C alone decides in a world at rest, and changes alignment at the rate of the closed form."""
    per_step = -np.log1p(-renewal) if renewal < 1 else 20.0
    settings = {**AT_REST, "renewal": per_step, "temperature": 0.5, "inertia": inertia, "states.C.autonomy": 4}
    scenario = with_settings(kept(small(steps=600)), settings)
    model = BlocModel(scenario, seed=1)
    state = model.state("C")
    model.step()
    utilities = np.array([sum(terms.values()) - terms["inertia"] for terms in state.utility_terms.values()])
    rate = float(switching_rate(utilities / 0.5, inertia=inertia / 0.5, renewal=renewal))
    runs = [*iterate_runs(scenario, seed=8, replicates=range(60))]
    moved = np.array([(history.alignment[101:, 2] != history.alignment[100:-1, 2]).mean() for history in runs])
    assert abs(moved.mean() - rate) < 4 * moved.std() / np.sqrt(60)


@pytest.mark.parametrize("renewal", [0.05, 1.0])
def test_pair_has_the_law_of_its_cells(renewal: float) -> None:
    """Two equal states, J = (U(with) − U(without)) / τ = 1.5, are in one bloc as often as the law says."""
    settings = {"renewal": -np.log1p(-renewal) if renewal < 1 else 20.0}
    pair = landscape(symmetric([0.75], 2), [1.0, 1.0], temperature=0.25, steps=10_000)
    scenario = with_settings(kept(pair), settings)
    together = [
        (history.alignment[500:, 0] == history.alignment[500:, 1]).mean()
        for history in iterate_runs(scenario, seed=5, replicates=range(40))
    ]
    law = float(np.einsum("abkk->", pair_law(1.5, renewal=renewal)))
    assert abs(np.mean(together) - law) < 4 * np.std(together) / np.sqrt(40)
    assert law == pytest.approx({0.05: 0.9276, 1.0: 0.8176}[renewal], abs=5e-5)


@relation(scenarios(max_states=5, max_blocs=2, steps=4, fixed={"dispositions": "kept", "shocks": []}), seeds)
def test_order_of_two_blocs_at_every_temperature(scenario: Scenario, seed: int) -> None:
    """Dispositions belong to the ids of blocs, so the order of two blocs changes nothing, if no start is random."""
    one = with_settings(started(scenario), {"renewal": 0.5, "temperature": 0.3})
    other = changed(one, blocs=dict(reversed(one.blocs.items())))
    first, second = run(one, seed), run(other, seed)
    names = np.array(first.alignments)[first.alignment]
    np.testing.assert_array_equal(names, np.array(second.alignments)[second.alignment])
    np.testing.assert_array_equal(first.causes, second.causes)


BONDS = ("bond_return", "bond_gain", "bond_loss", "outreach")

HOSTILITIES = ("rivalry_gain", "rivalry_loss", "sanction_response", "sanction_relief")


@pytest.mark.parametrize("rates", [BONDS, HOSTILITIES])
@relation(scenarios(max_states=5, steps=1, fixed={"shocks": [], "step": "year", "date": "2023-10-25"}), seeds)
def test_two_half_steps_equal_one(rates: tuple[str, ...], scenario: Scenario, seed: int) -> None:
    """Alignments and environment hold still; ties respond twice for half a year, or once for a whole one."""
    model = BlocModel(with_settings(scenario, {**NO_RESPONSE, **dict.fromkeys(rates, 0.7)}), seed=seed)
    whole, halves = model.situation, Situation._make(array.copy() for array in model.situation)
    setting = model.world.setting
    n = model.alignment.size
    response.respond_from_ties(model.alignment, setting, whole, model.environment, True, allocate_courses(n))
    courses = allocate_courses(n)  # of steps of half a year
    for _ in range(2):
        half = setting._replace(years=0.5)
        response.respond_from_ties(model.alignment, half, halves, model.environment, True, courses)
    for name in ("bond", "rivalry", "sanction"):
        np.testing.assert_allclose(getattr(halves, name), getattr(whole, name), atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(halves.regime, whole.regime)


def test_bond_of_a_year_by_hand() -> None:
    """C in east against A in west: B goes from 0.5 towards a / b at the rate b, a = 0.8 · 0.5 and b = 0.8 + 0.4."""
    rates = {**NO_RESPONSE, "bond_return": 0.8, "bond_loss": 0.4}
    base = small()
    states = {**base.states, "C": base.states["C"].model_copy(update={"initial": "east", "fixed": True})}
    scenario = with_settings(changed(base, states=states, step="quarter", date="2023-10-25"), rates)
    model = BlocModel(with_settings(scenario, {"ties.bond.A.C": 0.5}), seed=1)
    model.step()
    rest = 0.8 * 0.5 / 1.2
    assert model.situation.bond[0, 2] == pytest.approx(rest + (0.5 - rest) * np.exp(-1.2 / 4), abs=1e-15)


def test_bonds_of_a_quarter_at_rates_above_one() -> None:
    """No rate of a calendar is capped: B goes towards a / b at the rate b, from a bond of 0.5.

    B and C are in east, A leads west. Sanctions of no regime by A close half of the product to C, and none to B.
    """
    rates = {"bond_return": 2.0, "bond_gain": 3.0, "bond_loss": 5.0, "strain": 2.0, "outreach": 8.0}
    base = small(ties=[{"kind": "sanction", "a": "A", "b": "C", "value": 0.4}])
    states = {**base.states, "C": base.states["C"].model_copy(update={"initial": "east", "fixed": True})}
    for pair in ("A.C", "B.C", "A.B"):
        base = with_settings(base, {f"ties.bond.{pair}": 0.5})
    scenario = changed(base, states=states, step="quarter", date="2023-10-25")
    model = BlocModel(with_settings(scenario, NO_RESPONSE), seed=1)
    for name, rate in rates.items():
        model.situation.parameters[PARAMETERS.index(name)] = rate
    model.situation.bond_origin[:] = 0.25 * (model.situation.bond_origin > 0)
    model.step()
    assert model.environment.bite.tolist() == [0.0, 0.0, pytest.approx(0.2, abs=1e-9)]
    gain, reach = 3.0 * (1 + 2.0 * 0.2 / 2), 8.0 * 0.2  # strain of the mean bite; A, the strongest, is reached by C
    for pair, grow, decay in (((1, 2), gain, 0.0), ((0, 1), 0.0, 5.0), ((0, 2), reach, 5.0)):
        total = 2.0 + grow + decay
        rest = (2.0 * 0.25 + grow) / total
        expected = rest + (0.5 - rest) * np.exp(-total / 4)
        assert model.situation.bond[pair] == pytest.approx(expected, abs=1e-9), pair
