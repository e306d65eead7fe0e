"""Score forecasts of what states did: proper scores, discrimination, calibration, with intervals over states.

Every score takes weights, (R, n), one row per resample of the n states, the first row all ones. It returns (R,): the
score itself, then its bootstrap draws. So the difference of two scores on the same weights is paired. Answers are
columns of a forecast: YES, NO, ABSTAINED.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import optimize

from sim.analysis.statistics import LEVEL, RESAMPLES, RESAMPLING_SEED, beyond_rounding, share_interval, varies
from sim.model.arrays import Flags, Floats, Integers

YES, NO, ABSTAINED = 0, 1, 2

LAPSE = 0.02  # chance that a state answers at random, so that no answer is impossible

PENALTY = 1.0  # weight of the squared coefficients of standardised attributes

BINS = 5


class Score(NamedTuple):
    """A score with its 95 % interval over resampled states, and the number of states."""

    value: float
    low: float
    high: float
    n: int


class CalibrationBin(NamedTuple):
    """States whose forecasts are in one bin: mean forecast, share of hits with its Wilson interval."""

    forecast: float
    share: float
    low: float
    high: float
    n: int


@cache
def bootstrap_weights(n: int) -> Floats:
    """Draw weights of n states, (1 + RESAMPLES, n): all ones, then the counts of draws with replacement."""
    draws = np.random.default_rng(RESAMPLING_SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    weights = np.concatenate([np.ones((1, n)), draws])
    weights.setflags(write=False)
    return weights


def score_with_interval(draws: Floats, n: int) -> Score:
    """Take the value and percentile interval of a score's draws, (R,); undefined draws are left out."""
    known = draws[1:][~np.isnan(draws[1:])]
    low, high = np.quantile(known, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]) if known.size else (np.nan, np.nan)
    return Score(float(draws[0]), float(low), float(high), n)


def brier_score(forecast: Floats, answer: Integers, weights: Floats) -> Floats:
    """Average the squared distance of forecasts from answers (Brier 1950).

    Parameters
    ----------
    forecast
        Chances of each answer, (n, K).
    answer
        Answers of the states, (n,), from 0 to K − 1.
    weights
        Weights of the states in each resample, (R, n).

    Returns
    -------
    ndarray
        Scores, (R,), from 0 (perfect) to 2 (worst).
    """
    losses = ((forecast - np.eye(forecast.shape[1])[answer]) ** 2).sum(axis=1)
    found: Floats = (weights * losses).sum(axis=1) / weights.sum(axis=1)
    return found


def log_score(forecast: Floats, answer: Integers, weights: Floats) -> Floats:
    """Average −log of the probability of the answer (Good 1952).

    A forecast is mixed with an even one, of weight LAPSE, which limits the loss of a state to log(K / LAPSE).

    Parameters
    ----------
    forecast
        Chances of each answer, (n, K).
    answer
        Answers of the states, (n,), from 0 to K − 1.
    weights
        Weights of the states in each resample, (R, n).

    Returns
    -------
    ndarray
        Scores in nats, (R,); 0 is perfect.
    """
    mixed = (1 - LAPSE) * forecast + LAPSE / forecast.shape[1]
    losses = -np.log(mixed[np.arange(len(answer)), answer])
    found: Floats = (weights * losses).sum(axis=1) / weights.sum(axis=1)
    return found


def auc_score(score: Floats, hit: Flags, weights: Floats) -> Floats:
    """Compute the chance that a state with a hit ranks above one without, ties count half (Mann & Whitney 1947).

    Parameters
    ----------
    score
        The score that ranks the states, (n,).
    hit
        Which states have a hit, (n,).
    weights
        Weights of the states in each resample, (R, n).

    Returns
    -------
    ndarray
        AUC, (R,), in [0, 1]; NaN in a resample where all or none have a hit.
    """
    values, group = np.unique(remove_rounding(score), return_inverse=True)
    order = np.argsort(group, kind="stable")
    first = np.searchsorted(group[order], np.arange(len(values)))
    ones, others = (np.add.reduceat(part[:, order], first, axis=1) for part in (weights * hit, weights * ~hit))
    below = np.cumsum(others, axis=1) - others
    pairs = ones.sum(axis=1) * others.sum(axis=1)
    won = (ones * (below + 0.5 * others)).sum(axis=1)
    return np.divide(won, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def remove_rounding(values: Floats) -> Floats:
    """Return the values, (n,), or zeros where they differ by rounding only, which must not rank states."""
    return values if varies(values) else np.zeros_like(values)


def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Compute the rank correlation of x and y; equal values share their ranks.

    Parameters
    ----------
    x, y
        Values of the states, (n,) each.
    weights
        Weights of the states in each resample, (R, n).

    Returns
    -------
    ndarray
        Correlations, (R,), in [−1, 1]; NaN where x or y does not vary.
    """
    x, y = remove_rounding(x), remove_rounding(y)
    one, other = (weights @ ((v < v[:, None]) + 0.5 * (v == v[:, None])).T.astype(np.float64) for v in (x, y))
    return least_squares(one, other, weights)[2]


def least_squares(x: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Fit y on x, (R, n) each, by least squares: slope, intercept, correlation; NaN where x does not vary."""
    total = weights.sum(axis=1)
    mean_x, mean_y = (weights * x).sum(axis=1) / total, (weights * y).sum(axis=1) / total
    away_x, away_y = x - mean_x[:, None], y - mean_y[:, None]
    both, over_x, over_y = ((weights * a).sum(axis=1) for a in (away_x * away_y, away_x**2, away_y**2))
    over_x, over_y = (
        np.where(beyond_rounding(np.sqrt(over / total), np.abs(v).max(axis=1)), over, np.nan)
        for over, v in ((over_x, x), (over_y, y))
    )
    slope = both / over_x
    return slope, mean_y - slope * mean_x, both / np.sqrt(over_x * over_y)


def calibration_line(forecast: Floats, hit: Flags, weights: Floats) -> tuple[Floats, Floats]:
    """Fit hits on their forecast chance, (n,) each: slope 1 and intercept 0 are a calibrated forecast.

    A slope below 1 is an overconfident forecast (Cox 1958, by least squares, which allows chances of 0 and 1).
    """
    shape = weights.shape
    slope, intercept, _ = least_squares(
        np.broadcast_to(forecast, shape), np.broadcast_to(hit.astype(float), shape), weights
    )
    return slope, intercept


def calibration_bins(forecast: Floats, hit: Flags) -> list[CalibrationBin]:
    """Group forecast chances of a hit, (n,), in five equal bins from 0 to 1, without the empty ones."""
    which = np.minimum((forecast * BINS).astype(np.int64), BINS - 1)
    found = []
    for number in np.unique(which):
        inside = which == number
        found.append(
            CalibrationBin(float(forecast[inside].mean()), *share_interval(int(hit[inside].sum()), int(inside.sum())))
        )
    return found


def fit_ridge(design: Floats, answers: Floats, fitted: Floats) -> Floats:
    """Fit M multinomial logistic regressions with a ridge penalty at once: coefficients, (M, F, K).

    `design` is (M, n, F), its first column the intercept. `answers`, (n, K), is 1 where a state gave an answer.
    `fitted`, (M, n), is 1 for the states that a regression uses. The loss is convex.
    """
    shape = (len(design), design.shape[2], answers.shape[1])
    penalty = np.full(shape[1:], PENALTY)
    penalty[0] = 1e-3  # only to make the intercepts of the answers unique

    def loss(flat: Floats) -> tuple[float, Floats]:
        coefficients = flat.reshape(shape)
        logs = log_chances(design @ coefficients)
        residuals = fitted[:, :, None] * (np.exp(logs) - answers)
        gradient = design.transpose(0, 2, 1) @ residuals + penalty * coefficients
        value = -(fitted[:, :, None] * answers * logs).sum() + 0.5 * (penalty * coefficients**2).sum()
        return float(value), gradient.ravel()

    def curvature(flat: Floats, direction: Floats) -> Floats:
        chances = np.exp(log_chances(design @ flat.reshape(shape)))
        step = direction.reshape(shape)
        along = design @ step
        bent = chances * (along - (chances * along).sum(axis=-1, keepdims=True))
        product: Floats = (design.transpose(0, 2, 1) @ (fitted[:, :, None] * bent) + penalty * step).ravel()
        return product

    start = np.zeros(shape).ravel()
    found = optimize.minimize(loss, start, jac=True, hessp=curvature, method="Newton-CG", options={"xtol": 1e-6})
    coefficients: Floats = found.x.reshape(shape)
    return coefficients


def log_chances(utilities: Floats) -> Floats:
    """Take the log of the logit chances along the last axis."""
    found: Floats = utilities - np.logaddexp.reduce(utilities, axis=-1, keepdims=True)
    return found


def leave_one_out(attributes: Floats, answer: Integers, classes: int = 3) -> Floats:
    """Forecast each answer of each state, (n, K), by a ridge regression on the other states.

    `attributes` are (n, F), standardised by the other states. Without attributes the chances are the shares of the
    others' answers.
    """
    n = len(answer)
    others = 1.0 - np.eye(n)
    mean = others @ attributes / (n - 1)
    away = attributes - mean[:, None]
    spread = np.sqrt((others[:, :, None] * away**2).sum(axis=1) / (n - 1))
    differ = beyond_rounding(spread, np.abs(attributes).max(axis=0, initial=0.0))
    scaled = np.divide(away, spread[:, None], out=np.zeros_like(away), where=differ[:, None])
    design = np.concatenate([np.ones((n, n, 1)), scaled], axis=2)
    coefficients = fit_ridge(design, np.eye(classes)[answer], others)
    own = design[np.arange(n), np.arange(n)]
    found: Floats = np.exp(log_chances(np.einsum("nf,nfk->nk", own, coefficients)))
    return found
