"""Summarise a posterior of weighted points: effective number, each parameter, and draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from sim.model.arrays import Flags, Floats, Integers

INTERVAL = 0.9  # of a parameter's values

BINS = 10  # of a range, in a profile

CHANCE = 0.05  # probability that any parameter is called identified though none is


def importance_weights(log_likelihood: Floats) -> Floats:
    """Compute importance weights of points of the prior, (..., P), that sum to 1 (Rubin 1987)."""
    logs = log_likelihood
    found = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def effective_draws(found: Floats) -> Floats:
    """Compute the effective number of independent draws of weights, (..., P) (Kong, Liu & Wong 1994)."""
    return np.asarray(1 / (found**2).sum(axis=-1))


def weighted_quantiles(values: Floats, found: Floats, at: Floats | list[float]) -> Floats:
    """Compute quantiles, (Q, V), of values, (P, V), with weights, (P,)."""
    order = np.argsort(values, axis=0)
    below = np.cumsum(found[order], axis=0) - found[order] / 2
    columns = [np.interp(at, below[:, v], values[order[:, v], v]) for v in range(values.shape[1])]
    return np.stack(columns, axis=1)


def resample_points(found: Floats, draws: int, rng: np.random.Generator) -> Integers:
    """Draw indices of points by their weights, (draws,), by systematic resampling (Rubin 1987; Kitagawa 1996)."""
    ladder = (rng.random() + np.arange(draws)) / draws
    return np.minimum(np.searchsorted(np.cumsum(found), ladder), len(found) - 1).astype(np.int64)


class PosteriorSummary(NamedTuple):
    """The posterior of V parameters beside the prior, each field (V,)."""

    low: Floats  # of the posterior's 90 % interval
    median: Floats
    high: Floats
    narrowed: Floats  # share by which the interval is narrower than the prior's, at most 1; negative where wider
    distance: Floats  # Kolmogorov-Smirnov distance of posterior and prior
    chance: float  # distance of the furthest of V idle parameters by chance, for as many effective draws


def summarise_posterior(values: Floats, found: Floats, low: Floats, high: Floats) -> PosteriorSummary:
    """Compare the posterior of values, (P, V), with the uniform prior between low and high, (V,)."""
    tail = (1 - INTERVAL) / 2
    first, median, last = weighted_quantiles(values, found, [tail, 0.5, 1 - tail])
    order = np.argsort(values, axis=0)
    there = (np.take_along_axis(values, order, axis=0) - low) / (high - low)
    gap = np.abs(np.cumsum(found[order], axis=0) - there).max(axis=0)
    chance = np.sqrt(-np.log(CHANCE / values.shape[1] / 2) / 2 / float(effective_draws(found)))
    return PosteriorSummary(first, median, last, 1 - (last - first) / (INTERVAL * (high - low)), gap, float(chance))


NARROWED = 0.2  # least narrowing of an identified parameter


def is_identified(of: PosteriorSummary) -> Flags:
    """Mark the parameters, (V,), whose posterior clearly differs from the prior and is a fifth narrower or more."""
    return np.asarray((of.distance > of.chance) & (of.narrowed >= NARROWED))


def profile_likelihood(
    values: Floats, log_likelihood: Floats, low: Floats, high: Floats, *, bins: int = BINS
) -> Floats:
    """Find the best log-likelihood in each bin of each range, minus the best of all, (V, bins); −∞ without points."""
    place = np.clip(((values - low) / (high - low) * bins).astype(int), 0, bins - 1)
    best = np.full((values.shape[1], bins), -np.inf)
    for v in range(values.shape[1]):
        np.maximum.at(best[v], place[:, v], log_likelihood)
    return best - log_likelihood.max()


def posterior_bars(
    values: Floats, found: Floats, log_likelihood: Floats, low: Floats, high: Floats, *, bins: int = BINS
) -> list[pd.DataFrame]:
    """Tabulate each parameter, one row per bin: `left`, `width`, `posterior` over prior, `profile` over its best."""
    height = np.exp(profile_likelihood(values, log_likelihood, low, high, bins=bins))
    tables = []
    for v in range(values.shape[1]):
        share, edges = np.histogram(values[:, v], bins=bins, range=(low[v], high[v]), weights=found)
        column = {"left": edges[:-1], "width": np.diff(edges), "posterior": share * bins, "profile": height[v]}
        tables.append(pd.DataFrame(column))
    return tables
