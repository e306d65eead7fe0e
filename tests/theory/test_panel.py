"""The likelihood of a panel: known answers, brute-force simulation, and recovery of what made the data."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.theory.panel import UNSEEN, cell_volumes, panel_log_likelihood, spell_table
from sim.theory.persistence import joint_chances, spell_chance

Floats = NDArray[np.float64]


def random_weights(seed: int, years: int, alternatives: int = 3) -> Floats:
    """Log-weights that vary from year to year."""
    return np.random.default_rng(seed).normal(0, 1.2, (years, alternatives))


def chance(weights: Floats, seen: tuple[int, ...], renewed: Floats, misread: float, inertia: float = 0.0) -> float:
    """Chance of what is seen."""
    table = spell_table(weights, np.array(seen), inertia)
    return float(np.exp(panel_log_likelihood(table, renewed, misread)))


@pytest.mark.parametrize("alternatives", [2, 3])
@pytest.mark.parametrize("inertia", [0.0, 0.7])
@pytest.mark.parametrize("misread", [0.0, 0.1])
def test_sum_over_all_histories(alternatives: int, inertia: float, misread: float) -> None:
    weights, renewed = random_weights(1, 3, alternatives), np.array([0.0, 0.2, 0.4])
    histories = itertools.product(range(alternatives), repeat=3)
    total = sum(chance(weights, seen, renewed, misread, inertia) for seen in histories)
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_kept_dispositions_follow_closed_forms(seed: int) -> None:
    weights, never = random_weights(seed, 4), np.zeros(4)
    for held in range(3):
        spell = float(spell_chance(weights, held))
        assert chance(weights, (held,) * 4, never, 0.0) == pytest.approx(spell, rel=2e-3, abs=1e-5)
        joint = joint_chances(weights[0], weights[1], held)
        for later in range(3):
            found = chance(weights[:2], (held, later), never[:2], 0.0)
            assert found == pytest.approx(float(joint[later]), abs=2e-4)


def test_kept_dispositions_of_two_alternatives_exact() -> None:
    weights = random_weights(7, 5, 2)
    for held in range(2):
        found = chance(weights, (held,) * 5, np.zeros(5), 0.0)
        assert found == pytest.approx(float(spell_chance(weights, held)), abs=1e-12)


def test_renewal_for_certain_is_the_logit() -> None:
    weights, seen = random_weights(3, 4), (0, 2, 1, 2)
    p = np.exp(weights) / np.exp(weights).sum(axis=1, keepdims=True)
    found = chance(weights, seen, np.ones(4), 0.0)
    assert found == pytest.approx(float(p[range(4), seen].prod()), rel=1e-4)


def test_unseen_year_sums_over_readings() -> None:
    weights, renewed = random_weights(4, 3), np.array([0.0, 0.3, 0.3])
    whole = chance(weights, (0, UNSEEN, 1), renewed, 0.05, 0.4)
    parts = sum(chance(weights, (0, k, 1), renewed, 0.05, 0.4) for k in range(3))
    assert whole == pytest.approx(parts, abs=1e-12)


def simulated_readings(
    weights: Floats, renewed: Floats, misread: float, inertia: float, *, runs: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """What is seen in runs of one state, (runs, T), by the definition of the model."""
    years, alternatives = weights.shape
    inclination = -np.log(rng.exponential(size=(runs, alternatives)))
    seen = np.empty((runs, years), dtype=np.int64)
    held = np.zeros((runs, alternatives))
    for year in range(years):
        if year:
            fresh = rng.random(runs) < renewed[year]
            inclination[fresh] = -np.log(rng.exponential(size=(int(fresh.sum()), alternatives)))
        now = (weights[year] + inertia * held + inclination).argmax(axis=1)
        held = np.eye(alternatives)[now]
        wrong = rng.random(runs) < misread
        seen[:, year] = np.where(wrong, (now + rng.integers(1, alternatives, runs)) % alternatives, now)
    return seen


@pytest.mark.parametrize("alternatives", [2, 3])
def test_brute_force_simulation(alternatives: int) -> None:
    weights, renewed, runs = random_weights(11, 4, alternatives), np.array([0.0, 0.1, 0.3, 0.2]), 400_000
    seen = simulated_readings(weights, renewed, 0.06, 0.8, runs=runs, rng=np.random.default_rng(0))
    counts = np.bincount(np.ravel_multi_index(seen.T, (alternatives,) * 4), minlength=alternatives**4)
    for history, count in zip(itertools.product(range(alternatives), repeat=4), counts, strict=True):
        expected = chance(weights, history, renewed, 0.06, 0.8)
        error = np.sqrt(expected * (1 - expected) / runs)
        assert abs(count / runs - expected) < 4.5 * error + 2e-4, history


@pytest.mark.second
def test_recovery_of_weights_and_renewal() -> None:
    rng, years, states, truth = np.random.default_rng(5), 6, 150, (1.5, 0.15)
    attributes = rng.normal(0, 1, (states, years, 3))
    drawn = np.full(years, truth[1])
    panels = [(x, simulated_readings(truth[0] * x, drawn, 0.03, 0.0, runs=1, rng=rng)[0]) for x in attributes]
    grid = {slope: [spell_table(slope * x, seen) for x, seen in panels] for slope in (0.75, 1.5, 3.0)}
    rates = (0.0, 0.05, 0.15, 0.4, 1.0)
    renewed = np.array(rates)[:, None] * np.ones(years)
    found = {
        (slope, h): float(value)
        for slope, tables in grid.items()
        for h, value in zip(rates, sum(panel_log_likelihood(table, renewed, 0.03) for table in tables), strict=True)
    }
    best = max(found, key=lambda key: found[key])
    assert best == truth
    assert found[truth] - max(v for (slope, _), v in found.items() if slope != truth[0]) > 4
    assert found[truth] - max(v for (_, h), v in found.items() if h != truth[1]) > 4


@pytest.mark.parametrize("weights", [np.zeros((2, 4)), np.array([[0.0, -np.inf]]), np.zeros(3)])
def test_refused_weights(weights: Floats) -> None:
    with pytest.raises(ValueError, match=r"alternatives|finite"):
        cell_volumes(weights, 0.0)
