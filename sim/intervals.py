"""Intervals and tests of paired differences: bootstrap for what varies smoothly, scores for shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy

from sim.kernel import Flags, Floats

LEVEL = 0.95
RESAMPLES = 4000
FEWEST_DIFFERING = 20  # with fewer pairs that differ, resampling them says too little about the rest
RESAMPLING_SEED = 20231025  # intervals are the same whenever they are asked for


def mean_interval(values: Floats) -> tuple[float, float, float, int]:
    """Mean, 95 % Student interval and number of the values that are defined."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    n = known.size
    if n == 0:
        return float("nan"), float("nan"), float("nan"), 0
    mean = float(known.mean())
    if n == 1:
        return mean, float("nan"), float("nan"), 1
    half = float(scipy.stats.t.ppf(0.5 + LEVEL / 2, n - 1) * known.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half, n


def varies_most(values: Mapping[str, Floats]) -> str:
    """The name whose values, (n,), have the largest standard deviation to nine decimals; the first of equals.

    Undefined values (NaN) are left out.
    """
    spread = {name: float(np.std(known)) for name, row in values.items() if (known := row[~np.isnan(row)]).size}
    return max(values, key=lambda name: round(spread.get(name, 0.0), 9))


def share_interval(count: int, n: int) -> tuple[float, float, float, int]:
    """Share of n runs, its 95 % Wilson interval, and n."""
    if n == 0:
        return float("nan"), float("nan"), float("nan"), 0
    interval = scipy.stats.binomtest(count, n).proportion_ci(LEVEL, method="wilson")
    return count / n, float(interval.low), float(interval.high), n


class Paired(NamedTuple):
    """Paired differences of M outcomes over n pairs of runs, each field (M,)."""

    difference: Floats  # mean of one less the other
    low: Floats  # of the 95 % interval
    high: Floats
    effect: Floats  # difference over the root mean square of both standard deviations; NaN where both are 0
    rises: Floats  # share of the pairs in which one is above the other
    falls: Floats
    p: Floats  # of no difference, two-sided


def paired_differences(one: Floats, other: Floats) -> Paired:
    """Differences of outcomes over the same runs, (M, n) each and n ≥ 2, with 95 % intervals.

    Outcomes between 0 and 1 of which fewer than 20 pairs differ, and those that are only ever 0 or 1, get
    the score interval of a difference of paired shares (Tango 1998); the others a bootstrap interval
    (Hesterberg 2015). The effect size is d with the average variance (Cumming 2012).
    """
    gaps = one - other
    mean = gaps.mean(axis=1)
    spread = np.sqrt((one.var(axis=1, ddof=1) + other.var(axis=1, ddof=1)) / 2)
    effect = np.divide(mean, spread, out=np.full(len(mean), np.nan), where=spread > 0)
    low, high, p = resampled(gaps)
    scored = is_share(one, other, gaps)
    low[scored], high[scored], p[scored] = score(gaps[scored])
    return Paired(mean, low, high, effect, (gaps > 0).mean(axis=1), (gaps < 0).mean(axis=1), p)


def is_share(one: Floats, other: Floats, gaps: Floats) -> Flags:
    """Which outcomes, (M,), are shares to which a score interval is due."""
    both = np.concatenate([one, other], axis=1)
    bounded = ((both >= 0) & (both <= 1)).all(axis=1)
    binary = ((both == 0) | (both == 1)).all(axis=1)
    return binary | (bounded & ((gaps != 0).sum(axis=1) < FEWEST_DIFFERING))


def resampled(gaps: Floats) -> tuple[Floats, Floats, Floats]:
    """Expanded percentile interval of the mean of each row, (M, n), and p of a mean of 0 by Student's test.

    Percentiles of the resampled means are taken further out, so that the interval is as wide as Student's where
    gaps are normal, and leans to where they are skewed (Hesterberg 2015).
    """
    n = gaps.shape[1]
    mean, error = gaps.mean(axis=1), gaps.std(axis=1, ddof=1) / np.sqrt(n)
    draws = np.random.default_rng(RESAMPLING_SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    tail = scipy.stats.norm.cdf(-np.sqrt(n / (n - 1)) * scipy.stats.t.ppf(0.5 + LEVEL / 2, n - 1))
    low, high = mean + np.quantile((gaps - mean[:, None]) @ draws.T, [tail, 1 - tail], axis=1)
    ratio = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.inf), where=error > 0)
    return low, high, 2 * scipy.stats.t.sf(np.abs(ratio), n - 1)


def score(gaps: Floats) -> tuple[Floats, Floats, Floats]:
    """Tango's interval of the mean of each row of gaps in [−1, 1], (M, n), and p of a mean of 0 (McNemar).

    The sums of rises and falls stand for the counts of unlike pairs. Where gaps are fractions this is
    cautious, as the variance of a gap is then less than its size.
    """
    n = gaps.shape[1]
    rises, falls = np.maximum(gaps, 0).sum(axis=1), np.maximum(-gaps, 0).sum(axis=1)
    mean = (rises - falls) / n
    z = scipy.stats.norm.ppf(0.5 + LEVEL / 2)
    ends = []
    for end in (-1.0, 1.0):
        inside, outside = mean.copy(), np.full(len(mean), end)
        for _ in range(50):  # by halves, as the score falls from the mean outwards
            middle = (inside + outside) / 2
            beyond = np.abs(tango(middle, rises, falls, n)) > z
            inside, outside = np.where(beyond, inside, middle), np.where(beyond, middle, outside)
        ends.append(outside)
    unlike = rises + falls
    statistic = np.divide(rises - falls, np.sqrt(unlike), out=np.zeros(len(mean)), where=unlike > 0)
    return ends[0], ends[1], 2 * scipy.stats.norm.sf(np.abs(statistic))


def tango(difference: Floats, rises: Floats, falls: Floats, n: int) -> Floats:
    """Score statistic of a difference of two paired shares (Tango 1998, equations 5 and 6)."""
    b = -rises - falls + (2 * n - rises + falls) * difference
    c = -falls * difference * (1 - difference)
    fall = (np.sqrt(np.maximum(b * b - 8 * n * c, 0)) - b) / (4 * n)
    variance = n * (2 * fall + difference * (1 - difference))
    distance = rises - falls - n * difference
    return np.divide(distance, np.sqrt(np.maximum(variance, 0)), out=np.zeros_like(distance), where=variance > 1e-15)


def adjusted(p: Floats) -> Floats:
    """p values corrected for being asked at once, (M,): the chance that any is called different stays (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, stepped)
    return corrected
