"""Coverage of intervals, and levels of tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.statistics import (
    FEWEST_DIFFERING,
    Paired,
    adjust_p_values,
    fewest_pairs,
    least_p,
    paired_differences,
    students_half,
    tango_statistic,
    varies_most,
)
from sim.model.arrays import Floats

REPETITIONS = 2000


def correlated(rng: np.random.Generator, n: int, difference: float) -> tuple[Floats, Floats]:
    """Paired outcomes that vary smoothly, (REPETITIONS, n) each."""
    other = rng.normal(0, 1, (REPETITIONS, n))
    return 0.5 * other + rng.normal(difference, 1, other.shape), other


def two_kinds(rng: np.random.Generator, n: int, difference: float) -> tuple[Floats, Floats]:
    """Bimodal paired outcomes, as the front's size."""
    sizes = [
        np.where(rng.random((REPETITIONS, n)) < share, 0.02, 0.42) + rng.normal(0, 0.02, (REPETITIONS, n))
        for share in (0.6 - difference / 0.4, 0.6)
    ]
    return sizes[0], sizes[1]


def binary(rng: np.random.Generator, n: int, one: float, other: float, correlation: float) -> tuple[Floats, Floats]:
    """Paired outcomes of 0 and 1."""
    both = one * other + correlation * np.sqrt(one * (1 - one) * other * (1 - other))
    cells = rng.multinomial(1, [both, one - both, other - both, 1 - one - other + both], size=(REPETITIONS, n))
    return (cells[..., 0] + cells[..., 1]).astype(float), (cells[..., 0] + cells[..., 2]).astype(float)


def covered(found: Paired, truth: float) -> float:
    """Share of the intervals that contain the truth."""
    defined = ~np.isnan(found.low)
    return float(((found.low <= truth + 1e-12) & (truth - 1e-12 <= found.high))[defined].mean())


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize("outcome", [correlated, two_kinds])
def test_coverage_of_smooth_outcomes(outcome: object, n: int) -> None:
    truth = 0.5 if outcome is correlated else 0.1
    found = paired_differences(*outcome(np.random.default_rng(7), n, truth))  # type: ignore[operator]
    assert 0.93 <= covered(found, truth) <= 0.97


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize(
    ("one", "other", "correlation"), [(0.15, 0.05, 0), (0.2, 0.05, 0), (0.7, 0.5, 0.3), (0.5, 0.5, 0.3)]
)
def test_coverage_of_share_intervals(n: int, one: float, other: float, correlation: float) -> None:
    found = paired_differences(*binary(np.random.default_rng(8), n, one, other, correlation))
    assert 0.93 <= covered(found, one - other) <= 0.97


@pytest.mark.parametrize(("n", "most"), [(30, 0.98), (200, 0.97)])
def test_coverage_of_equal_rare_shares_is_cautious(n: int, most: float) -> None:
    """With some three unlike pairs in 30 no interval can have 95 %."""
    found = paired_differences(*binary(np.random.default_rng(9), n, 0.05, 0.05, 0))
    assert 0.93 <= covered(found, 0) <= most


@pytest.mark.parametrize("n", [30, 200])
def test_false_positives_without_difference(n: int) -> None:
    rng = np.random.default_rng(10)
    smooth = paired_differences(*correlated_null(rng, n))
    rare = paired_differences(*binary(rng, n, 0.05, 0.05, 0))
    asked = 5
    for p in (smooth.p, rare.p):
        families = [adjust_p_values(family) for family in p.reshape(-1, asked)]
        assert np.mean([(family <= 0.05).any() for family in families]) <= 0.08  # of 400 families
        assert np.mean(np.concatenate(families) <= 0.05) <= 0.02


def correlated_null(rng: np.random.Generator, n: int) -> tuple[Floats, Floats]:
    """Smooth paired outcomes without a difference."""
    shared = rng.normal(0, 1, (REPETITIONS, n))
    return shared + rng.normal(0, 1, shared.shape), shared + rng.normal(0, 1, shared.shape)


def test_bootstrap_equals_student_for_normal_pairs() -> None:
    one = np.random.default_rng(11).normal(3, 2, (1, 200))
    found = paired_differences(one, np.zeros((1, 200)))
    half = 1.972 * one.std(ddof=1) / np.sqrt(200)  # t(0.975, 199) = 1.972
    assert found.high[0] - found.difference[0] == pytest.approx(half, rel=0.08)
    assert found.effect[0] == pytest.approx(one.mean() / (one.std(ddof=1) / np.sqrt(2)))


def test_score_interval_ends_solve_its_equation() -> None:
    """Twelve pairs of 44 rise and two fall."""
    n = 44
    gaps = np.zeros((1, n))
    gaps[0, :12], gaps[0, 12:14] = 1, -1
    one, other = np.maximum(gaps, 0), np.maximum(-gaps, 0)
    found = paired_differences(one, other)
    assert found.difference[0] == pytest.approx(10 / 44)
    for end in (found.low[0], found.high[0]):
        assert abs(tango_statistic(np.array([end]), np.array([12.0]), np.array([2.0]), n)[0]) == pytest.approx(
            1.959964, abs=1e-6
        )
    assert found.p[0] == pytest.approx(0.0075263, abs=1e-6)  # McNemar: 10² / 14 = 7.142857


def test_outcome_without_differences_has_no_interval() -> None:
    """The runs do not show how much other runs may differ."""
    found = paired_differences(np.ones((1, 100)), np.ones((1, 100)))
    assert np.isnan([found.low[0], found.high[0], found.effect[0]]).all()
    assert found.p[0] == 1


def test_interval_with_a_few_large_differences() -> None:
    rng = np.random.default_rng(13)
    gaps = np.where(rng.random((200, 100)) < 0.04, 0.4, rng.normal(0, 0.01, (200, 100)))
    found = paired_differences(gaps, np.zeros_like(gaps))
    half = 1.98 * gaps.std(axis=1, ddof=1) / 10
    assert (found.high - found.difference < 2 * half + 1e-9).all()
    assert (found.difference - found.low < 2 * half + 1e-9).all()


def test_coverage_of_counts_that_seldom_differ() -> None:
    """In 3 of 100 pairs a state moves, and others follow it: 1 state, or 2, or more."""
    rng = np.random.default_rng(14)
    gaps = np.where(rng.random((REPETITIONS, 100)) < 0.03, rng.geometric(0.3, (REPETITIONS, 100)), 0.0)
    found = paired_differences(5 + gaps, np.full_like(gaps, 5))
    assert covered(found, 0.03 / 0.3) >= 0.9


def test_count_that_differs_in_one_pair_may_not_differ() -> None:
    """The interval is that of a share, times the size of the difference."""
    one, other = np.full((2, 300), 5.0), np.full((2, 300), 5.0)
    one[0, 0], one[1, 0] = 4, 2
    found, share = paired_differences(one, other), paired_differences(np.eye(1, 300), np.zeros((1, 300)))
    assert found.low == pytest.approx([-share.high[0], -3 * share.high[0]])
    assert found.high == pytest.approx([-share.low[0], -3 * share.low[0]])
    assert (found.high > 0).all()


def test_swapped_sides_mirror_the_interval() -> None:
    rng = np.random.default_rng(12)
    one, other = rng.random((3, 50)), rng.random((3, 50))
    one[2], other[2] = one[2] > 0.9, other[2] > 0.9
    there, back = paired_differences(one, other), paired_differences(other, one)
    assert there.low == pytest.approx(-back.high, abs=0.02)
    assert there.rises == pytest.approx(back.falls)
    assert there.p == pytest.approx(back.p)


def test_holms_correction_by_hand() -> None:
    assert adjust_p_values(np.array([0.04, 0.01, 0.03, 0.5])) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert adjust_p_values(np.array([0.4, 0.4])).tolist() == [0.8, 0.8]


@given(
    base=st.lists(st.integers(0, 8), min_size=3, max_size=60),
    changed=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 8)), max_size=12),
)
def test_share_interval_stays_in_possible_range(base: list[int], changed: list[tuple[int, int]]) -> None:
    """It goes beyond this range only where the gaps vary as much."""
    other = np.array(base) / 8
    one = other.copy()
    for place, eighths in changed:
        one[place % len(base)] = eighths / 8
    found = paired_differences(one[None], other[None])
    if (one != other).sum() >= FEWEST_DIFFERING or np.isnan(found.low[0]):
        return
    half = students_half((one - other)[None])[0]
    assert found.low[0] <= found.difference[0] <= found.high[0]
    if found.difference[0] - half >= -other.mean():
        assert found.low[0] >= -other.mean() - 1e-12
    if found.difference[0] + half <= 1 - other.mean():
        assert found.high[0] <= 1 - other.mean() + 1e-12


def test_fall_of_a_share_is_bounded_by_the_share() -> None:
    other = np.full((1, 10), 0.141)
    one = other.copy()
    one[0, 0] += 0.02
    found = paired_differences(one, other)
    assert found.difference[0] == pytest.approx(0.002)
    assert found.low[0] == pytest.approx(-0.141)  # the score interval without a cut goes to -0.276
    assert 0.27 < found.high[0] < 0.29


@pytest.mark.parametrize("n", [10, 30, pytest.param(100, marks=pytest.mark.long)])
@pytest.mark.parametrize("chance", [0.02, 0.1])
@pytest.mark.parametrize("falls", [False, True])
def test_coverage_of_cut_share_intervals(chance: float, n: int, falls: bool) -> None:
    """A state's late share is 0 in one scenario, so that the cut end is near the truth."""
    rng = np.random.default_rng(14)
    rare = np.where(rng.random((REPETITIONS, n)) < chance, rng.integers(1, 9, (REPETITIONS, n)) / 8, 0.0)
    none, truth = np.zeros_like(rare), chance * 4.5 / 8
    found = paired_differences(none, rare) if falls else paired_differences(rare, none)
    assert covered(found, -truth if falls else truth) >= 0.93


def test_smallest_p_is_that_of_a_sign_test() -> None:
    found = paired_differences(np.array([[2.0, 2.0, 2.0]]), np.array([[1.0, 1.0, 1.0]]))
    assert found.p[0] == 0.25  # of 8 ways in which 3 pairs can go, 2 are as one-sided
    assert np.isnan([found.low[0], found.high[0]]).all()


def test_fewest_pairs_that_can_be_clear() -> None:
    for asked in (1, 5, 46, 208):
        n = fewest_pairs(asked)
        assert asked * float(least_p(n)) <= 0.05 < asked * float(least_p(n - 1))
    assert (fewest_pairs(1), fewest_pairs(208)) == (6, 14)


def test_students_interval_with_few_pairs() -> None:
    """A resampled mean of three values never leaves their range."""
    found = paired_differences(np.array([[11.0, 12, 13]]), np.array([[10.0, 10, 10]]))
    assert found.high[0] - 2 == pytest.approx(4.302653 / 3**0.5, abs=1e-5)  # t(0.975, 2) = 4.302653, s = 1


def test_varies_most_by_hand() -> None:
    values = {"a": np.array([0.2, 0.2]), "b": np.array([0.1, 0.5]), "c": np.array([0.5, np.nan, 0.1])}
    assert varies_most(values) == "b"
    assert varies_most({"none": np.array([np.nan]), "same": np.array([1 / 3, 1 / 3])}) == "none"
