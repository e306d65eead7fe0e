"""Certainty of choices at the start, and the warning where they are close to chance."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from sim.analysis.chance import MOST_STATES, chance_warning, find_divisor, mean_best_chance, measure_certainty
from sim.scenario.loading import load_scenario, scenario_names, shipped_folder
from sim.scenario.overrides import with_settings
from tests.strategies import landscape

SAHEL = Path(__file__).parents[1] / "cases" / "valid" / "world_sahel"
DIVIDED = ("temperature", "w_autonomy", "inertia")


def test_mean_best_chance_by_hand() -> None:
    utilities = np.array([[0.0, 0.08], [0.0, 0.0]])
    assert mean_best_chance(utilities, 0.08) == pytest.approx((np.e / (1 + np.e) + 0.5) / 2)


def test_smallest_divisor_for_clear_choices() -> None:
    utilities = np.array([[0.0, 0.08]])
    assert find_divisor(utilities, 0.08, 0.85) == 2  # 1 / (1 + exp(-2)) = 0.88
    assert find_divisor(np.zeros((1, 2)), 0.08, 0.75) is None


def test_warning_for_small_states_beside_great_powers() -> None:
    message = chance_warning(load_scenario(SAHEL))
    assert "choices are close to chance" in message
    found = measure_certainty(load_scenario(SAHEL))
    assert found is not None
    assert found.best < 0.5
    assert f"mean chance of {found.best:.2f}; an even draw gives 0.33" in message


def test_advice_of_warning_makes_choices_clear() -> None:
    sahel = load_scenario(SAHEL)
    (by,) = re.findall(r"by about (\d+)", chance_warning(sahel))
    advised = with_settings(sahel, {name: getattr(sahel.parameters, name).value / float(by) for name in DIVIDED})
    found = measure_certainty(advised)
    assert found is not None
    assert found.best >= 2 / 3
    assert chance_warning(advised) == ""
    ties = ("propensity", "bond", "institution", "hostility", "balance", "trade", "shelter", "pressure")
    weights = [f"w_{term}" for term in ties]
    raised = with_settings(sahel, {name: getattr(sahel.parameters, name).value * float(by) for name in weights})
    assert chance_warning(raised) == ""


def test_shipped_scenarios_are_not_close_to_chance() -> None:
    assert [name for name in scenario_names([shipped_folder()]) if chance_warning(load_scenario(name))] == []


def test_no_warning_for_certain_choices_by_autonomy() -> None:
    autonomous = with_settings(load_scenario(SAHEL), {"w_autonomy": 20, "temperature": 1})
    assert chance_warning(autonomous) == ""


def test_no_warning_without_random_choices() -> None:
    world = landscape(np.zeros((3, 3)), [1.0, 1.0, 1.0], temperature=0.0)
    assert measure_certainty(world) is None
    message = chance_warning(landscape(np.zeros((3, 3)), [1.0, 1.0, 1.0], temperature=0.1))
    assert "ties distinguish the alternatives for too few states" in message


def test_large_world_is_not_measured() -> None:
    scenario = load_scenario("unix_1988")
    one = next(iter(scenario.states.values()))
    many = {f"S{n}": one.model_copy(update={"fixed": False}) for n in range(MOST_STATES + 1)}
    large = scenario.model_copy(update={"states": many, "ties": (), "shocks": ()})
    assert measure_certainty(large) is None
    assert chance_warning(large) == ""
