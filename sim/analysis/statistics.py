"""Estimate effects, intervals and tests from paired runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from sim.model.arrays import Flags, Floats

LEVEL = 0.95

RESAMPLES = 4000

TOGETHER = 400  # resamples whose weights are in memory at once where there are many pairs

MOST_KEPT = 1000  # pairs whose resampling weights are kept for the next comparison, 32 MB

FEWEST_DIFFERING = 20  # with fewer pairs that differ, a bootstrap interval is too narrow

RESAMPLING_SEED = 20231025  # the same runs always have the same intervals


def mean_interval(values: Floats, least: float = -math.inf, most: float = math.inf) -> tuple[float, float, float, int]:
    """Average the values that are defined, with Student's 95 % interval.

    Parameters
    ----------
    values
        One value per run, (n,); NaN where undefined.
    least, most
        Bounds of every possible value. The interval is cut there, as a mean is between them.

    Returns
    -------
    tuple
        Mean, low and high end of the interval, and the number of defined values. NaN where undefined.
    """
    known = np.asarray(values, dtype=np.float64)
    undefined = np.isnan(known)
    if undefined.any():
        known = known[~undefined]
    n = known.size
    if n == 0:
        return float("nan"), float("nan"), float("nan"), 0
    mean = float(known.mean())
    if n == 1:
        return mean, float("nan"), float("nan"), 1
    half = float(stdtrit(n - 1, 0.5 + LEVEL / 2) * known.std(ddof=1) / np.sqrt(n))
    return mean, max(mean - half, least), min(mean + half, most), n


def varies_most(values: Mapping[str, Floats]) -> str:
    """Find the name whose values, (n,), have the largest standard deviation, to nine decimals; the first of equals.

    Undefined values (NaN) are left out.
    """
    spread = {name: float(np.std(known)) for name, row in values.items() if (known := row[~np.isnan(row)]).size}
    return max(values, key=lambda name: round(spread.get(name, 0.0), 9))


def share_interval(count: int, n: int) -> tuple[float, float, float, int]:
    """Estimate a share of runs, with Wilson's 95 % interval.

    Parameters
    ----------
    count
        Runs in which the event happens, from 0 to n.
    n
        All runs.

    Returns
    -------
    tuple
        Share, low and high end of the interval, all in [0, 1], and n. NaN where n is 0.
    """
    share, low, high = (float(one) for one in share_intervals(count, n))
    return share, low, high, n


def share_intervals(counts: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Estimate shares of runs, with Wilson's 95 % intervals (Wilson 1927).

    Parameters
    ----------
    counts, n
        Runs in which each event happens, and all runs; shapes broadcast.

    Returns
    -------
    tuple
        Shares, low and high ends of the intervals, all in [0, 1]. NaN where n is 0.
    """
    counts, n = np.broadcast_arrays(np.asarray(counts, dtype=np.float64), np.asarray(n, dtype=np.float64))
    z = ndtri(0.5 + LEVEL / 2)
    with np.errstate(invalid="ignore"):
        share, middle = counts / n, (counts + z * z / 2) / (n + z * z)
        half = z * np.sqrt(counts * (1 - share) + z * z / 4) / (n + z * z)
    low, high = np.where(counts == 0, 0.0, middle - half), np.where(counts == n, 1.0, middle + half)
    return share, np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


class Paired(NamedTuple):
    """Paired differences of M outcomes over n pairs of runs, each field (M,)."""

    difference: Floats  # mean of one minus the other
    low: Floats  # of the 95 % interval; NaN where the differences do not vary
    high: Floats
    effect: Floats  # difference over the root mean square of both standard deviations; NaN where both are rounding
    rises: Floats  # share of the pairs in which one is above the other
    falls: Floats
    spread: Floats  # standard deviation of the differences
    p: Floats  # of no difference, two-sided


def paired_differences(one: Floats, other: Floats) -> Paired:
    """Estimate paired differences of M outcomes, with 95 % intervals.

    Two kinds of outcomes get the score interval of a difference of paired shares (Tango 1998): those that are always
    0 or 1, and those with fewer than 20 pairs that differ. In [0, 1] it is cut to the possible range (`within_range`);
    elsewhere differences count in units of the largest. The others get a bootstrap interval (Hesterberg 2015), or
    Student's for fewer than 20 pairs. Differences within rounding count as 0. The effect size is d with the average
    variance (Cumming 2012). No p is below that of a sign test in which all pairs that differ go one way.

    Parameters
    ----------
    one
        Outcomes of the scenario, (M, n), n ≥ 2 runs.
    other
        Outcomes of the same runs of the baseline, (M, n).

    Returns
    -------
    Paired
        Differences, intervals, effect sizes, shares and p values, (M,) each.
    """
    size = np.maximum(np.abs(one), np.abs(other)).max(axis=1)
    gaps = one - other
    gaps = np.where(beyond_rounding(gaps, size[:, None]), gaps, 0.0)
    mean, spread = gaps.mean(axis=1), gaps.std(axis=1, ddof=1)
    between = np.sqrt((one.var(axis=1, ddof=1) + other.var(axis=1, ddof=1)) / 2)
    effect = np.divide(mean, between, out=np.full(len(mean), np.nan), where=beyond_rounding(between, size))
    varied = beyond_rounding(spread, size)
    bounded = np.asarray(((np.minimum(one, other) >= 0) & (np.maximum(one, other) <= 1)).all(axis=1))
    scored = needs_score_interval(one, other, gaps, bounded)
    low, high, p = np.empty((3, len(gaps)))
    if not scored.all():
        low[~scored], high[~scored], p[~scored] = bootstrap_intervals(gaps[~scored], varied[~scored])
    if scored.any():
        unit = np.where(bounded | (gaps == 0).all(axis=1), 1.0, np.abs(gaps).max(axis=1))
        least, most, p[scored] = score_intervals(gaps[scored] / unit[scored, None])
        low[scored], high[scored] = least * unit[scored], most * unit[scored]
    shares = scored & bounded
    low[shares], high[shares] = within_range(low[shares], high[shares], gaps[shares], other[shares])
    differing = (gaps != 0).sum(axis=1)
    low[differing == 0] = high[differing == 0] = np.nan
    p = np.minimum(1.0, np.maximum(p, least_p(differing)))
    return Paired(mean, low, high, effect, (gaps > 0).mean(axis=1), (gaps < 0).mean(axis=1), spread, p)


def least_p(differing: Floats | int) -> Floats:
    """Return the smallest two-sided p of a number of pairs that differ: all go one way (sign test)."""
    return np.asarray(np.exp2(1.0 - np.asarray(differing, dtype=np.float64)))


def fewest_pairs(asked: int) -> int:
    """Return the number of pairs below which no difference can be clear at 5 % (Holm 1979)."""
    return math.ceil(1 + math.log2(max(asked, 1) / (1 - LEVEL)))


def needs_score_interval(one: Floats, other: Floats, gaps: Floats, bounded: Flags) -> Flags:
    """Mark the outcomes, (M,), that get a score interval; with fewer than 20 pairs only those in [0, 1] do."""
    binary = bounded & ((one % 1 == 0) & (other % 1 == 0)).all(axis=1)
    few = (gaps != 0).sum(axis=1) < FEWEST_DIFFERING
    return binary | (few & (bounded | (gaps.shape[1] >= FEWEST_DIFFERING)))


def students_half(gaps: Floats) -> Floats:
    """Compute half of Student's 95 % interval of the mean of each row, (M, n) and n ≥ 2: (M,)."""
    n = gaps.shape[1]
    return np.asarray(stdtrit(n - 1, 0.5 + LEVEL / 2) * gaps.std(axis=1, ddof=1) / np.sqrt(n))


def within_range(low: Floats, high: Floats, gaps: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Cut intervals of the mean of gaps, (M, n), to the range that is possible for shares.

    A share falls at most by the baseline's mean, and rises at most to 1. An end is not cut where Student's
    interval of the gaps goes beyond this range: there the mean of other baseline runs may as well.
    """
    mean, base, half = gaps.mean(axis=1), other.mean(axis=1), students_half(gaps)
    cut_low, cut_high = np.maximum(low, -base), np.minimum(high, 1 - base)
    return np.where(mean - half >= -base, cut_low, low), np.where(mean + half <= 1 - base, cut_high, high)


def bootstrap_intervals(gaps: Floats, varied: Flags) -> tuple[Floats, Floats, Floats]:
    """Compute an expanded percentile interval of the mean of each row, (M, n), and Student's p of a mean of 0.

    The percentiles are further out than 2.5 and 97.5 %. So the interval is as wide as Student's where gaps are
    normal, and asymmetric where they are skewed (Hesterberg 2015). With fewer than 20 pairs it is Student's,
    as their extremes bound every resampled mean. NaN where gaps, by the flags (M,), do not vary.
    """
    n = gaps.shape[1]
    mean, error = gaps.mean(axis=1), gaps.std(axis=1, ddof=1) / np.sqrt(n)
    if n < FEWEST_DIFFERING:
        low, high = mean - students_half(gaps), mean + students_half(gaps)
    else:
        tail = ndtr(-np.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.5 + LEVEL / 2))
        draws = [resampling_weights(n)] if n <= MOST_KEPT else draw_weights(n, TOGETHER)
        centred = gaps - mean[:, None]
        means = np.concatenate([centred @ weights.T for weights in draws], axis=1)
        low, high = mean + np.quantile(means, [tail, 1 - tail], axis=1)
    low, high = np.where(varied, low, np.nan), np.where(varied, high, np.nan)
    ratio = np.divide(mean, error, out=np.where(mean == 0, 0.0, np.inf), where=varied)
    return low, high, 2 * stdtr(n - 1, -np.abs(ratio))


@lru_cache(maxsize=2)
def resampling_weights(n: int) -> Floats:
    """Draw the weights of n pairs in each resample, (RESAMPLES, n); every outcome has the same."""
    return next(draw_weights(n, RESAMPLES))


def draw_weights(n: int, together: int) -> Iterator[Floats]:
    """Yield the weights of n pairs in each resample, (together, n) at once, the same for any such number."""
    random, equal = np.random.default_rng(RESAMPLING_SEED), np.full(n, 1 / n)
    for _ in range(0, RESAMPLES, together):
        yield random.multinomial(n, equal, size=together) / n


def score_intervals(gaps: Floats) -> tuple[Floats, Floats, Floats]:
    """Compute Tango's interval of the mean of each row of gaps in [−1, 1], (M, n), and p of a mean of 0 (McNemar).

    The sums of rises and falls replace the counts of unlike pairs. This is cautious where gaps are fractions,
    as the variance of a gap is then less than its size.
    """
    n = gaps.shape[1]
    rises, falls = np.maximum(gaps, 0).sum(axis=1), np.maximum(-gaps, 0).sum(axis=1)
    mean = (rises - falls) / n
    z = ndtri(0.5 + LEVEL / 2)
    ends = []
    for end in (-1.0, 1.0):
        inside, outside = mean.copy(), np.full(len(mean), end)
        for _ in range(50):  # bisection: the score falls from the mean outwards
            middle = (inside + outside) / 2
            beyond = np.abs(tango_statistic(middle, rises, falls, n)) > z
            inside, outside = np.where(beyond, inside, middle), np.where(beyond, middle, outside)
        ends.append(outside)
    unlike = rises + falls
    statistic = np.divide(rises - falls, np.sqrt(unlike), out=np.zeros(len(mean)), where=unlike > 0)
    return ends[0], ends[1], 2 * ndtr(-np.abs(statistic))


def tango_statistic(difference: Floats, rises: Floats, falls: Floats, n: int) -> Floats:
    """Compute the score statistic of a difference of two paired shares (Tango 1998, equations 5 and 6)."""
    b = -rises - falls + (2 * n - rises + falls) * difference
    c = -falls * difference * (1 - difference)
    fall = (np.sqrt(np.maximum(b * b - 8 * n * c, 0)) - b) / (4 * n)
    variance = n * (2 * fall + difference * (1 - difference))
    distance = rises - falls - n * difference
    return np.divide(distance, np.sqrt(np.maximum(variance, 0)), out=np.zeros_like(distance), where=variance > 1e-15)


def adjust_p_values(p: Floats) -> Floats:
    """Correct p values for multiple tests, so that the chance of any false positive stays (Holm 1979).

    Parameters
    ----------
    p
        P values of one family of tests, (M,), in [0, 1].

    Returns
    -------
    ndarray
        Corrected p values, (M,), in the same order.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(1, stepped)
    return corrected


Interval = tuple[float, float, float, int]  # effect, low, high, runs

NONE = float("nan")


class Estimate(Protocol):
    """An effect, with or without its interval; NaN where the runs do not define it."""

    def effect(self) -> float:
        """Return the effect."""

    def interval(self) -> Interval:
        """Return the effect, its 95 % interval and its number of runs."""


@dataclass(frozen=True)
class MeanEstimate:
    """The mean of a value by run, (R,), NaN where undefined, with Student's interval of a level."""

    values: Floats
    level: float = LEVEL

    def effect(self) -> float:
        """Return the effect."""
        known = self.values[~np.isnan(self.values)]
        return float(known.mean()) if known.size else NONE

    def interval(self) -> Interval:
        """Return the effect with its interval."""
        mean, low, high, n = mean_interval(self.values)
        if self.level == LEVEL or n < 2:
            return mean, low, high, n
        widen = stdtrit(n - 1, 0.5 + self.level / 2) / stdtrit(n - 1, 0.5 + LEVEL / 2)
        return mean, mean - (mean - low) * widen, mean + (high - mean) * widen, n


@dataclass(frozen=True)
class ShareEstimate:
    """The share of runs, (R,), in which an event happens, with Wilson's interval."""

    hits: Flags

    def effect(self) -> float:
        """Return the effect."""
        return float(self.hits.mean()) if self.hits.size else NONE

    def interval(self) -> Interval:
        """Return the effect with its interval."""
        return share_interval(int(self.hits.sum()), self.hits.size)


@dataclass(frozen=True)
class RatioEstimate:
    """The sum of one value by run over the sum of another, (R,) each; undefined where the latter is rounding.

    The interval is that of a ratio of means with runs as clusters, so that steps of one run need not be independent.
    """

    top: Floats
    below: Floats

    def effect(self) -> float:
        """Return the effect."""
        total = self.below.sum()
        return float(self.top.sum() / total) if beyond_rounding(total, np.float64(1.0)) else NONE

    def interval(self) -> Interval:
        """Return the effect with its interval; it has no width where every run has the same ratio."""
        n, effect = self.top.size, self.effect()
        if n < 3 or np.isnan(effect):
            return effect, NONE, NONE, n
        rest = self.top - effect * self.below
        error = np.sqrt(n / (n - 1) * (rest * rest).sum()) / self.below.sum()
        half = float(stdtrit(n - 1, 0.5 + LEVEL / 2) * error)
        return effect, effect - half, effect + half, n


def largest_rise(rises: dict[str, Floats]) -> MeanEstimate:
    """Estimate the largest of several mean rises; the interval is corrected for their number (Bonferroni)."""
    best = max(rises.values(), key=lambda values: float(values.mean()))
    return MeanEstimate(best, 1 - (1 - LEVEL) / len(rises))


def difference_of_shares(one: Interval, other: Interval) -> tuple[float, float, float]:
    """Subtract two shares with Wilson intervals: the difference and its 95 % interval (Newcombe 1998)."""
    difference = one[0] - other[0]
    below = float(np.hypot(one[0] - one[1], other[2] - other[0]))
    above = float(np.hypot(one[2] - one[0], other[0] - other[1]))
    return difference, difference - below, difference + above


RELATIVE = 1e-12  # doubles have a precision of 1e-16; a sum of some thousand terms loses at most four digits

ABSOLUTE = 1e-14  # outcomes add and subtract shares of size 1, so that a sum of 0 may be about 1e-15


def beyond_rounding(distance: Floats | np.float64, size: Floats | np.float64) -> Flags:
    """Test whether distances between values, or standard deviations, exceed rounding; shapes broadcast.

    `size` is the largest absolute value among the values. NaN never exceeds rounding.
    """
    return np.asarray(np.abs(distance) > RELATIVE * np.abs(size) + ABSOLUTE)


def varies(values: Floats) -> bool:
    """Test whether values differ by more than rounding; false for fewer than two. NaN is left out."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return known.size > 1 and bool(beyond_rounding(np.ptp(known), np.abs(known).max()))
