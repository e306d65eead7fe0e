"""Explanations: exact in their sums, faithful to the runs, and flips that flip."""

from __future__ import annotations

import json
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim import ensemble, explain
from sim.catalog import load
from sim.cli import cli
from sim.explain import FROM_STATES, Candidate, Decision, Witness, averaged, candidates, decision, flips
from sim.faults import InputError
from sim.kernel import TERMS
from sim.model import BlocModel
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.settings import with_settings

SCENARIOS = ("baseline_2023", "dispersed_attention", "brics_third_pole", "global_coexistence", "great_powers_1907")
SEED = 20231025
ATTRIBUTED = [TERMS.index(term) for term in FROM_STATES]


def witnessed(scenario: Scenario, seed: int) -> list[Decision]:
    """Every decision of every state in one run by agents."""
    model = BlocModel(scenario, seed=seed)
    witnesses = [Witness(model, agent.index, agent.name) for agent in model.states]
    model.states[:] = witnesses
    for _ in range(scenario.steps):
        model.step()
    return [one for witness in witnesses for one in witness.decisions]


@pytest.mark.parametrize("name", SCENARIOS)
def test_of_500_random_decisions_terms_chances_and_contributions_are_those_of_the_run(name: str) -> None:
    scenario = load(name)
    run = ensemble.run(scenario, seed=3)
    found = witnessed(scenario, seed=3)
    luck = np.random.default_rng(5)
    states, alignments = run.states, run.alignments
    temperature = scenario.parameters.temperature.value  # no shock of these scenarios changes it
    for n in luck.choice(len(found), size=500 // len(SCENARIOS), replace=False):
        one, account = found[n], found[n].account
        place = one.step, states.index(one.state)
        for terms, utility in zip(account.terms.tolist(), account.utilities.tolist(), strict=True):
            assert reduce(add, terms, 0.0) == utility
        whose = account.contributions[:, ATTRIBUTED].sum(axis=2)
        np.testing.assert_allclose(whose, account.terms[:, ATTRIBUTED], rtol=0, atol=1e-12)
        if one.fixed:
            chances = np.array([float(a == one.held) for a in alignments])
        elif temperature == 0:
            chances = run.chances[place]  # ties have a rule of their own
        else:
            allowed = np.array([scenario.non_aligned_allowed, *[True] * (len(alignments) - 1)])
            utilities = np.array([reduce(add, terms, 0.0) for terms in account.terms.tolist()])
            weights = np.where(allowed, np.exp((utilities - utilities[allowed].max()) / temperature), 0.0)
            chances = weights / weights.sum()
        np.testing.assert_allclose(chances, run.chances[place], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(account.chances, run.chances[place])
        assert one.choice == alignments[run.alignment[place]]
        assert one.held == alignments[run.alignment[place[0] - 1, place[1]]]
        assert account.chances[account.first] == account.chances.max()


def three(**changes: object) -> Scenario:
    """A leads west and sanctions C by half; B, east, is bound to C; C decides. c = g = (1/2, 1/4, 1/4)."""
    content: dict[str, object] = {
        "title": "three",
        "theatres": {"land": "land"},
        "blocs": {
            "west": {"name": "West", "leader": "A", "enforcement": 0.5, "attention_budget": 1, "accommodation": 0.1,
                     "priority": {"land": 1}},
            "east": {"name": "East", "enforcement": 0, "attention_budget": 1, "accommodation": 0},
        },
        "parameters": {
            **dict.fromkeys(Parameters.model_fields, 0.0), "w_bond": 2, "w_institution": 1, "w_hostility": 3,
            "w_balance": 4, "w_trade": 0.25, "w_shelter": 2, "w_pressure": 8, "pressure_floor": 0.5,
            "w_autonomy": 0.125, "inertia": 0.0625, "temperature": 1,
        },
        "states": {
            "A": {"name": "Albion", "theatre": "land", "capability": 2, "gdp": 2, "initial": "west"},
            "B": {"name": "Borduria", "theatre": "land", "capability": 1, "gdp": 1, "initial": "east", "fixed": True},
            "C": {"name": "Carpathia", "theatre": "land", "capability": 1, "gdp": 1, "initial": "non_aligned"},
        },
        "institutions": {"club": {"name": "club", "cohesion": 0.5, "members": ["A", "C"]}},
        "ties": [
            {"kind": "bond", "a": "B", "b": "C", "value": 0.5},
            {"kind": "sanction", "a": "A", "b": "C", "value": 0.5, "regime": "west"},
            {"kind": "trade", "a": "A", "b": "C", "value": 0.5},
        ],
        "steps": 2,
    }  # fmt: skip
    return Scenario.model_validate({**content, **changes})


def test_three_states_by_hand() -> None:
    """e = 1/2 and θ = 1, so σ_C = 1/2 · 1/2 · 1/2 = 1/8; D_CA = 1/2; A leaves half its product open to C."""
    one = decision(three(), "C", seed=1, step=1)
    account = one.account
    assert one.held == "non_aligned"
    assert one.seen == {"A": "west", "B": "east"}
    assert (account.most_likely, account.runner_up) == ("east", "non_aligned")
    stake = 0.5 + 0.5 * 0.5 * (1 - 1 / 8)
    by_hand = {
        "bond": {"B": 2 * 0.25 * 0.5},
        "balance": {"A": 4 * 0.25 * (0.5 * 0.5)},
        "shelter": {"B": 2 * (1 / 8) * 0.25},
        "pressure": {"A": -8 * 0.5 * 1 * 0.5 * stake},
    }
    assert {term: dict(found) for term in FROM_STATES if (found := account.from_states(term))} == by_hand
    deciding = {
        **{term: sum(whose.values()) for term, whose in by_hand.items()},
        "autonomy": -0.125,
        "inertia": -0.0625,
    }
    assert dict(account.deciding()) == deciding
    assert [abs(x) for _, x in account.deciding()] == sorted(map(abs, deciding.values()), reverse=True)
    west = dict(zip(TERMS, account.contributions[1, :, 0].tolist(), strict=True))  # what A brings west in C's eyes
    expected = {
        "institution": 1 * 0.5 * 0.5, "hostility": -3 * 0.5 * 0.5, "trade": 0.25 * 0.5,
        "shelter": 2 * (1 / 8) * (1 - 0.5) * (0.5 * (1 - 0.5)),
    }  # fmt: skip
    assert {term: value for term, value in west.items() if value} == expected
    assert not account.contributions[:, :, 2].any()  # nobody brings itself anything
