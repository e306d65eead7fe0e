"""Statistics of values that differ by rounding only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.sensitivity import estimate_indices, tornado_table
from sim.analysis.statistics import beyond_rounding, paired_differences, varies
from sim.article.robustness import VARIED, find_separations
from sim.forecast.scores import auc_score, bootstrap_weights, calibration_line, leave_one_out, spearman
from sim.model.arrays import Floats
from sim.scenario.parameters import Parameters

N = 24
CONSTANTS = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)
JITTERS = st.lists(st.integers(-8, 8), min_size=N, max_size=N)


def rounded(constant: float, jitter: list[int]) -> Floats:
    """A constant with some units in its last place, or of 1e-16 beside 0, (N,)."""
    return constant + np.array(jitter) * max(abs(constant), 1.0) * 2.0**-53


@given(constant=CONSTANTS, other=CONSTANTS, jitter=JITTERS, second=JITTERS)
def test_no_effect_size_by_rounding(constant: float, other: float, jitter: list[int], second: list[int]) -> None:
    one, two = rounded(constant, jitter), rounded(other, second)
    assert not varies(one)
    assert np.isnan(paired_differences(one[None], two[None]).effect).all()


@given(constant=CONSTANTS, jitter=JITTERS, second=JITTERS)
def test_no_rise_or_fall_by_rounding(constant: float, jitter: list[int], second: list[int]) -> None:
    found = paired_differences(rounded(constant, jitter)[None], rounded(constant, second)[None])
    assert (found.difference, found.rises, found.falls, found.p) == (0, 0, 0, 1)
    assert np.isnan([found.low, found.high]).all()


@given(constant=CONSTANTS, jitter=JITTERS)
def test_correlations_and_indices_need_variation(constant: float, jitter: list[int]) -> None:
    flat, ramp = rounded(constant, jitter), np.arange(float(N))
    half = ramp < N / 2
    weights = bootstrap_weights(N)[:20]
    assert np.isnan(spearman(flat, ramp, weights)).all()
    assert np.isnan(calibration_line(flat, half, weights)[0]).all()
    assert auc_score(flat, half, weights)[0] == 0.5
    assert np.isnan(estimate_indices(flat, flat[::-1], np.stack([flat, flat]))).all()


@given(constant=CONSTANTS, jitter=JITTERS)
def test_attribute_of_rounding_does_not_forecast(constant: float, jitter: list[int]) -> None:
    answer = np.arange(N) % 3
    without = leave_one_out(np.zeros((N, 0)), answer)
    assert leave_one_out(rounded(constant, jitter)[:, None], answer) == pytest.approx(without, abs=1e-6)


def test_parameter_of_rounding_does_not_separate() -> None:
    values = np.ones((200, len(VARIED)))
    holds = np.arange(200) < 100
    values[:, 0] += np.where(holds, 1e-15, 0)
    assert find_separations(values, holds) == []
    values[:, 0] += np.where(holds, 1e-3, 0)
    assert [one.parameter for one in find_separations(values, holds)] == [VARIED[0]]
    assert VARIED[0] in Parameters.model_fields


def test_small_real_variation_is_not_rounding() -> None:
    assert varies(np.array([1e-9, 2e-9]))
    assert not varies(np.array([0.1 + 0.2, 0.3]))
    assert not varies(np.array([np.nan, 0.3]))
    assert beyond_rounding(np.array([np.nan]), np.array([1.0])).tolist() == [False]


def test_setting_with_rounding_effect_has_no_interval() -> None:
    found = tornado_table(lambda rows: 0.1 + 1e-17 * np.arange(len(rows) * N).reshape(len(rows), N), {"a": (0.0, 1.0)})
    assert (found["difference"] == 0).all()
    assert found[["low", "high"]].isna().all(axis=None)
