"""The likelihood by hand and by its laws; the posterior in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from sim.forecast import likelihood, posterior
from sim.forecast.likelihood import NO_VOTE, READINGS, VoteReading, VoteRecord
from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model.arrays import Floats

RNG = np.random.default_rng(3)
STATES, POINTS = 9, 6


def chances() -> Floats:
    """Chances of any kind at some points."""
    return RNG.dirichlet([0.5] * 3, size=(POINTS, STATES))


def record(seed: int = 5) -> VoteRecord:
    """A record with gaps: votes that were not cast, a state without an ideal point, one left out."""
    rng = np.random.default_rng(seed)
    votes = rng.integers(-1, 3, size=(3, STATES))
    ideal = rng.normal(size=STATES)
    ideal[2] = np.nan
    return likelihood.make_vote_record(votes, ideal, np.arange(STATES) != 4)


def test_vote_by_hand() -> None:
    found = likelihood.make_vote_record(np.array([[YES], [ABSTAINED], [NO_VOTE]]), np.array([np.nan]), np.array([True]))
    reading = VoteReading(lapse=0.1, front_abstains=0.25, others_approve=0.5)
    yes = 0.9 * (0.2 + 0.3 * 0.5) + 0.1 / 3
    abstained = 0.9 * (0.5 * 0.25 + 0.3 * 0.5) + 0.1 / 3
    log = likelihood.log_likelihood(np.array([[[0.2, 0.5, 0.3]]]), found, [reading])
    assert log[0, 0] == pytest.approx((np.log(yes) + np.log(abstained)) / 2, abs=1e-12)


def test_readings_give_positive_chances() -> None:
    for reading in READINGS:
        matrix = reading.matrix()
        assert np.allclose(matrix.sum(axis=1), 1)
        assert matrix.min() > 0


def test_state_counts_once_for_all_observations() -> None:
    found = record()
    counted = found.votes.sum(axis=(0, 2)) + found.counts.sum(axis=0)
    observed = np.arange(STATES) != 4
    assert np.allclose(counted[observed & (counted > 0)], 1)
    assert counted[4] == 0


def test_left_out_states_equal_unobserved_states() -> None:
    points, groups = chances(), np.eye(STATES, dtype=bool)[[0, 2, 7]]
    rng = np.random.default_rng(5)
    votes, ideal = rng.integers(-1, 3, size=(3, STATES)), rng.normal(size=STATES)
    ideal[2] = np.nan
    whole = likelihood.make_vote_record(votes, ideal, np.ones(STATES, dtype=bool))
    left_out = likelihood.log_likelihood(points, likelihood.leave_groups_out(whole, groups))
    for group, row in zip(groups, left_out, strict=True):
        unobserved = likelihood.log_likelihood(points, likelihood.make_vote_record(votes, ideal, ~group))
        assert np.allclose(row, unobserved[0])


def test_joined_records_equal_single_records() -> None:
    points, records = chances(), [record(seed) for seed in (1, 2, 3)]
    together = likelihood.log_likelihood(points, likelihood.join_records(records))
    for row, one in zip(together, records, strict=True):
        assert np.allclose(row, likelihood.log_likelihood(points, one)[0])


def test_line_is_least_squares_with_slope_above_zero() -> None:
    x, y = RNG.normal(size=(1, 30)), RNG.normal(size=(1, 30))
    for rises in (x + 0.3 * y, -x + 0.3 * y):
        found = likelihood.fit_line(x, rises, np.ones((1, 30)))
        plain = stats.linregress(x[0], rises[0])
        if plain.slope > 0:
            assert found.slope[0, 0] == pytest.approx(plain.slope)
            assert found.intercept[0, 0] == pytest.approx(plain.intercept)
            residual = rises[0] - plain.intercept - plain.slope * x[0]
            assert found.variance[0, 0] == pytest.approx((residual**2).mean())
        else:
            assert found.slope[0, 0] == 0
            assert found.variance[0, 0] == pytest.approx(rises.var())


def test_true_alignments_are_likelier_than_swapped() -> None:
    truth = np.eye(3)[np.arange(STATES) % 3]
    votes = np.tile(np.arange(STATES) % 3, (2, 1))
    ideal = truth[:, YES] - truth[:, NO]
    found = likelihood.make_vote_record(votes, ideal, np.ones(STATES, dtype=bool))
    right, wrong = likelihood.log_likelihood(np.stack([truth, truth[:, [1, 0, 2]]]), found)[0]
    assert right > wrong


# The posterior


def points(dimensions: int = 2, of: int = 4096) -> Floats:
    """An even design of the unit cube."""
    return np.asarray(qmc.Sobol(dimensions, rng=np.random.default_rng(1)).random(of))


def test_weights_give_beta_posterior() -> None:
    values = points()
    logs = 7 * np.log(values[:, 0]) + 3 * np.log(1 - values[:, 0])
    found = posterior.importance_weights(logs)
    at = [0.05, 0.5, 0.95]
    assert posterior.weighted_quantiles(values, found, at)[:, 0] == pytest.approx(stats.beta(8, 4).ppf(at), abs=2e-3)
    assert posterior.weighted_quantiles(values, found, at)[:, 1] == pytest.approx(at, abs=0.02)


def test_identified_and_idle_parameters() -> None:
    values = points()
    found = posterior.importance_weights(-0.5 * ((values[:, 0] - 0.3) / 0.1) ** 2)
    summary = posterior.summarise_posterior(values, found, np.zeros(2), np.ones(2))
    assert posterior.is_identified(summary).tolist() == [True, False]
    assert summary.narrowed[0] == pytest.approx(1 - 2 * 1.645 * 0.1 / 0.9, abs=0.01)
    flat = posterior.summarise_posterior(
        values, posterior.importance_weights(np.zeros(len(values))), np.zeros(2), np.ones(2)
    )
    assert np.all(flat.distance < 0.01)
    assert np.abs(flat.narrowed).max() < 0.01


def test_effective_draws_by_hand() -> None:
    assert posterior.effective_draws(np.full(8, 1 / 8)) == pytest.approx(8)
    assert posterior.effective_draws(np.array([0.5, 0.5, 0, 0])) == pytest.approx(2)


def test_resampling_follows_weights() -> None:
    found = posterior.importance_weights(np.log(np.array([1.0, 5.0, 0.5, 3.5])))
    drawn = np.bincount(posterior.resample_points(found, 100, np.random.default_rng(2)), minlength=4)
    assert np.abs(drawn - 100 * found).max() <= 1


def test_profile_is_best_of_each_bin() -> None:
    values = np.array([[0.1], [0.2], [0.9]])
    profile = posterior.profile_likelihood(values, np.array([-3.0, -1.0, -2.0]), np.zeros(1), np.ones(1), bins=4)
    assert profile[0].tolist() == [0.0, -np.inf, -np.inf, -1.0]
