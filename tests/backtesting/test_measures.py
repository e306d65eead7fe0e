"""Scores of many years: known answers, and intervals that resample years and states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from sim.backtesting.measures import (
    Case,
    Pooled,
    draw_resamples,
    mean_difference,
    mean_score,
    measure_cases,
    pooled_auc,
    rank_change,
    rank_level,
    sign_of_moves,
)
from sim.model.arrays import Floats

ONE = np.ones((1, 12))


def random_case(seed: int, n: int = 12) -> Case:
    """A year in which a forecast, now and later have something in common."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    forecast, now, later = (common + rng.normal(size=n) for _ in range(3))
    return Case(tuple(f"S{i:02d}" for i in range(n)), forecast, now, later)


def residual_ranks(values: Floats, given: Floats) -> Floats:
    """Ranks of values less their line on the ranks of what is given."""
    y, x = rankdata(values), rankdata(given)
    return np.asarray(y - np.polyval(np.polyfit(x, y, 1), x))


@given(st.integers(0, 2**32 - 1))
def test_rank_and_partial_rank(seed: int) -> None:
    case = random_case(seed)
    assert rank_level(case, ONE)[0] == pytest.approx(spearmanr(case.forecast, case.later).statistic)
    partial = np.corrcoef(residual_ranks(case.forecast, case.now), residual_ranks(case.later, case.now))[0, 1]
    assert rank_change(case, ONE)[0] == pytest.approx(partial)


def test_change_of_a_forecast_of_no_change_is_undefined() -> None:
    case = random_case(1)
    assert np.isnan(rank_change(case._replace(forecast=2 * case.now), ONE)).all()


def test_direction_of_the_largest_moves() -> None:
    case = random_case(2)
    assert sign_of_moves(case._replace(forecast=case.now), ONE)[0] == 0.5
    later = np.arange(12.0)
    later[[0, 5, 11]] = 11.5, 10.5, -0.5  # a quarter of the states move
    far = case._replace(now=np.arange(12.0), later=later)
    assert sign_of_moves(far._replace(forecast=far.later), ONE)[0] == 1.0
    assert sign_of_moves(far._replace(forecast=-far.later), ONE)[0] == pytest.approx(1 / 3), (
        "one down, two where they are"
    )


def test_resamples_weigh_years_and_states() -> None:
    resamples = draw_resamples([1950, 1955], ["AAA", "BBB", "CCC"], 50)
    years, states = resamples.years, resamples.states
    assert all(one[0] == 1 for one in (*years.values(), *states.values()))
    assert (sum(years.values()) == 2).all()
    assert (sum(states.values()) == 3).all()
    assert np.isnan(resamples.of_states(["AAA"])[states["AAA"] == 0]).all()


def test_difference_on_the_same_resamples() -> None:
    cases = {year: random_case(year) for year in range(1950, 1970, 5)}
    resamples = draw_resamples(list(cases), list(cases[1950].states))
    measured = measure_cases("level", cases, resamples)
    assert mean_difference(measured, measured, resamples)[:3] == (0, 0, 0)
    score = mean_score(measured, resamples)
    plain = np.mean([spearmanr(case.forecast, case.later).statistic for case in cases.values()])
    assert score.value == pytest.approx(plain)
    assert score.n == 48
    assert score.low < score.value < score.high


def test_year_with_few_states_is_left_out() -> None:
    case = random_case(3)
    few = Case(case.states[:4], case.forecast[:4], case.now[:4], case.later[:4])
    resamples = draw_resamples([1950, 1955], list(case.states))
    assert list(measure_cases("level", {1950: few, 1955: case}, resamples).draws) == [1955]


@given(st.integers(0, 2**32 - 1))
def test_auc_counts_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chance, happened = rng.integers(0, 5, 20) / 5, rng.random(20) < 0.4
    happened[:2] = True, False
    states = tuple(f"S{i:02d}" for i in range(20))
    cases = Pooled((1950,) * 20, states, chance, happened)
    gap = chance[happened][:, None] - chance[~happened]
    found = pooled_auc(cases, draw_resamples([1950], states))
    assert found.value == pytest.approx(((gap > 0) + 0.5 * (gap == 0)).mean())
