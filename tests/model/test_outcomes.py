"""Outcomes, compared with numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import small

from sim.model import outcomes
from sim.model.agents import BlocModel, run_agents
from sim.scenario.loading import load_scenario


def test_outcome_names_and_meanings() -> None:
    names = outcomes.outcome_names(("west", "east"), ("land",))
    assert len(names) == len(set(names)) == 4 * 3 + 3 * 2 + 2 + 3
    for name in names:
        assert outcomes.describe_outcome(name)


def test_start_outcomes_by_hand() -> None:
    """A, with half of everything, is in west; B, with a quarter, in east; C, with a quarter, in neither."""
    model = BlocModel(small(), seed=1)
    seen = dict(zip(model.outcome_names, model.outcomes.tolist(), strict=True))
    assert [seen[f"members_{a}"] for a in ("non_aligned", "west", "east")] == [1, 1, 1]
    assert [seen[f"capability_{a}"] for a in ("non_aligned", "west", "east")] == [0.25, 0.5, 0.25]
    assert [seen[f"product_{a}"] for a in ("non_aligned", "west", "east")] == [0.25, 0.5, 0.25]
    assert seen["leverage_west"] == 2
    assert seen["leverage_east"] == 0.5
    assert seen["enforcement_west"] == 3 / 16
    assert seen["cohesion_west"] == 0.5
    assert seen["attention_west_land"] == 0.5
    assert seen["bite_non_aligned"] == 3 / 128
    assert seen["bite_west"] == 0
    assert seen["switches"] == 0
    between_blocs = 0.5**2 * 0.25 + 0.25**2 * 0.5
    with_neither = 0.5 * (0.5**2 * 0.25 + 0.25**2 * 0.5) + 0.5 * 2 * 0.25**2 * 0.25
    assert seen["polarization"] == pytest.approx(between_blocs + with_neither)
    assert seen["frustration"] == 0  # all ties are those of C, which is non-aligned


def test_frustration_by_hand() -> None:
    """C in east violates nothing; C in west violates its negative tie to A and its bond with B."""
    base = small()
    states = {k: v.model_dump() for k, v in base.states.items()}
    states["C"] |= {"initial": "east"}
    model = BlocModel(small(states=states), seed=1)
    with_a = 1 * 0.5 + 0.5 * 0.5 - 3 * 0.5  # propensity, institution, hostility: negative, and across blocs
    with_b = 2 * 0.5
    seen = dict(zip(model.outcome_names, model.outcomes.tolist(), strict=True))
    assert seen["frustration"] == 0
    states["C"] |= {"initial": "west"}
    model = BlocModel(small(states=states), seed=1)
    seen = dict(zip(model.outcome_names, model.outcomes.tolist(), strict=True))
    weight_a, weight_b = 0.5 * 0.25 * abs(with_a), 0.25 * 0.25 * with_b
    assert seen["frustration"] == pytest.approx(1.0)
    assert weight_a + weight_b > 0


def test_regime_stability_by_hand() -> None:
    """A non-aligned C loses its bite; C in east adds pressure of west and subtracts the product of B."""
    model = BlocModel(small(), seed=1)
    assert model.state("C").regime_stability == 1 - 3 / 128
    states = {k: v.model_dump() for k, v in small().states.items()}
    states["C"] |= {"initial": "east"}
    model = BlocModel(small(states=states), seed=1)
    enforcement = 0.5 * (1 - 0.5) * (1 - 0.5)  # half of the product is in east now
    bite = enforcement * 0.5 * 0.5 * 0.5
    pressure = enforcement * 0.5 * 0.5 * 0.5  # e θ M λ
    assert model.state("C").regime_stability == pytest.approx(1 - max(0, bite + pressure - 0.25), abs=1e-9)


def test_undefined_outcomes_are_nan() -> None:
    states = {k: v.model_dump() for k, v in small().states.items()}
    states["B"] |= {"initial": "west"}
    model = BlocModel(small(states=states), seed=1)
    seen = dict(zip(model.outcome_names, model.outcomes.tolist(), strict=True))
    assert np.isnan(seen["leverage_west"])
    assert np.isnan(seen["bite_east"])
    assert seen["leverage_east"] == 0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=4))
def test_polarization_maximum(shares: list[float]) -> None:
    total = sum(shares)
    if total > 0:
        capability = np.array([0.0, *[s / total for s in shares]])
        assert outcomes.polarization(capability) <= outcomes.polarization(np.array([0, 0.5, 0.5])) + 1e-12


def test_late_shares_over_a_window() -> None:
    alignment = np.zeros((13, 1), dtype=np.int64)
    alignment[5:11] = 1
    alignment[11:] = 2
    assert outcomes.late_shares(alignment, 3, 8).tolist() == [[0.0, 0.75, 0.25]]
    assert outcomes.late_shares(alignment[:4], 3, 8).tolist() == [[1.0, 0.0, 0.0]]
    assert outcomes.late_shares(alignment, 3, 1).tolist() == [[0.0, 0.0, 1.0]]


def test_late_means_skip_undefined_values() -> None:
    values = np.array([[9.0, 9], [1, np.nan], [np.nan, np.nan], [3, np.nan]])
    means = outcomes.late_mean(values, 8)
    assert means[0] == 2
    assert np.isnan(means[1])
    assert outcomes.late_mean(values, 1)[0] == 3
    assert np.isnan(outcomes.late_mean(values[:3], 1)).all()


def test_consolidation_step() -> None:
    moving = np.array([0.0, 0.2, 0.4, 0.6, 0.62, 0.63, 0.6, 0.59, 0.61, 0.9])
    assert outcomes.consolidation_step(moving[:, None]) == 3
    assert np.isnan(outcomes.consolidation_step(moving[:8, None]))
    assert outcomes.consolidation_step(np.zeros((6, 2))) == 0
    assert np.isnan(outcomes.consolidation_step(np.array([[0.0], [0.0], [0], [0], [0], [0.0501]])))
    assert outcomes.consolidation_step(np.array([[0.0], [0.0], [0], [0], [0], [0.05]])) == 0


def test_outcomes_sum_to_the_whole_world() -> None:
    result = run_agents(load_scenario("brics_third_pole"), seed=2)
    for what, total in (("members", 52), ("capability", 1), ("product", 1)):
        columns = [result.outcome(f"{what}_{a}") for a in result.alignments]
        np.testing.assert_allclose(np.sum(columns, axis=0), total, atol=1e-6)
    moved = (result.alignment[1:] != result.alignment[:-1]).sum(axis=1)
    np.testing.assert_array_equal(result.outcome("switches")[1:], moved)


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (8, "the last 8 steps"),
        (3, "the last 3 steps"),
        (1, "the last step"),
        ([8, 8], "the last 8 steps"),
        ([3, 8], "the last 3 to 8 steps"),
        ([], "the last 8 steps"),
    ],
)
def test_last_steps_text(windows: int | list[int], words: str) -> None:
    assert outcomes.last_steps(windows) == words


def test_window_of_rounds_calendar_and_tendency() -> None:
    assert outcomes.late_window(40, None, "histories") == 8
    assert outcomes.late_window(3, None, "histories") == 3
    assert outcomes.late_window(40, "2023-10-25", "histories") == 1
    for start in (None, "2023-10-25"):
        assert outcomes.late_window(80, start, "tendency") == 40
