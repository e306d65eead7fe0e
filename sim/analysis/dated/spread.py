"""How much of an effect's spread is chance of the run, so that more replicates help (analysis of variance).

Design points have common random numbers, so chance of the run is common to them: points and replicates are crossed,
and more points do not lessen it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from sim.analysis.statistics import LEVEL, beyond_rounding, students_half
from sim.model.arrays import Floats

POWER = 0.8  # share of sweeps that find an effect


class EffectSpread(NamedTuple):
    """The spread of an effect over design points and runs."""

    points: int  # P
    replicates: int  # R, pairs of runs at each point
    half: float  # half width of the 95 % interval of the mean effect; NaN where it is unknown
    share: float  # of the variance of the mean effect, what chance of the run adds, 0 to 1; 1 for one point
    wanted: int | None  # replicates at each point that halve `half`; None if none do
    difference: float = math.nan  # the mean effect; NaN where it is unknown
    differing: int = 0  # pairs of runs that differ, at any point

    @property
    def replicates_help(self) -> bool:
        """Whether more replicates make the interval much narrower: chance of the run is half of the spread or more."""
        return self.wanted is not None and self.share >= 0.5


def pairs_to_tell(half: float, difference: float, pairs: int) -> int | None:
    """Count the pairs of runs that tell an effect of this size from zero, at 5 %, in 8 of 10 sweeps.

    Parameters
    ----------
    half
        Half width of the 95 % interval of the mean difference.
    difference
        Size of the effect.
    pairs
        Pairs of runs behind the interval, whose width falls with the square root of their number.

    Returns
    -------
    int or None
        None without an interval or an effect.

    Examples
    --------
    >>> pairs_to_tell(0.1, 0.1, 100)
    205
    """
    if math.isnan(half) or math.isnan(difference) or difference == 0.0:
        return None
    interval, power = (float(ndtri(one)) for one in (0.5 + LEVEL / 2, POWER))
    return math.ceil(pairs * ((interval + power) / interval * half / difference) ** 2)


class Crossed(NamedTuple):
    """Variances of M effects over P design points and R pairs of runs, which are crossed; (M,) each."""

    settings: Floats  # of the mean over points, by the spread of points
    chance: Floats  # of the mean over pairs of runs, by what is common to all points of a pair
    mixed: Floats  # what both share: the mean of the deviations of single cells; part of `settings`


def cross_effects(gaps: Floats) -> Crossed:
    """Divide the variance of the mean of paired differences, (P, R, M), by two-way analysis of variance.

    NaN in a cell leaves it out. All variances are NaN for one point or one pair of runs.

    Examples
    --------
    >>> cross_effects(np.array([[[0.0], [1.0]], [[0.0], [1.0]]]))  # both points rise in the second pair of runs
    Crossed(settings=array([0.]), chance=array([0.25]), mixed=array([0.]))
    """
    points, runs = gaps.shape[:2]
    if points < 2 or runs < 2:
        return Crossed(*np.full((3, gaps.shape[2]), np.nan))
    by_point, by_run = average_known(gaps, 1), average_known(gaps, 0)
    middle = average_known(by_point, 0)
    rest = gaps - by_point[:, None] - by_run + middle
    cells = np.nansum(rest * rest, axis=(0, 1)) / ((points - 1) * (runs - 1))
    mixed = cells / (points * runs)
    settings = by_point.var(axis=0, ddof=1) / points
    chance = np.maximum(0.0, by_run.var(axis=0, ddof=1) / runs - mixed)
    return Crossed(settings, chance, np.minimum(mixed, settings))


def average_known(values: Floats, axis: int) -> Floats:
    """Average along an axis what is not NaN; NaN where all is."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def measure_spread(gaps: Floats) -> EffectSpread:
    """Measure how much of the spread of an effect is chance of the run.

    Parameters
    ----------
    gaps
        Paired differences, (P, R): P design points, R pairs of runs with the same random numbers at each point.

    Returns
    -------
    EffectSpread
        The half width of the interval of the mean effect, the share of chance, and the replicates that halve it.

    Examples
    --------
    >>> measure_spread(np.array([[0.0, 1.0, 0.0, 1.0]])).wanted
    16
    """
    points, runs = gaps.shape
    differing = int(np.count_nonzero(beyond_rounding(gaps, np.float64(1.0)).any(axis=0)))
    if points == 1:
        varied = runs > 1 and bool(beyond_rounding(gaps.std(ddof=1), np.abs(gaps).max()))
        half = float(students_half(gaps)[0]) if varied else math.nan
        return EffectSpread(points, runs, half, 1.0, 4 * runs if varied else None, differing=differing)
    settings, chance, mixed = (float(one[0]) for one in cross_effects(gaps[:, :, None]))
    total = settings + chance
    if math.isnan(total) or not beyond_rounding(np.sqrt(np.float64(total)), np.abs(gaps).max()):
        return EffectSpread(points, runs, math.nan, math.nan, None, differing=differing)
    half = float(ndtri(0.5 + LEVEL / 2)) * math.sqrt(total)
    left = total / 4 - (settings - mixed)
    wanted = math.ceil((chance + mixed) * runs / left) if left > 0 else None
    return EffectSpread(points, runs, half, (chance + mixed) / total, wanted, differing=differing)


SETTINGS = (0.05, 0.95)  # quantiles of an effect over settings


def settings_range(gaps: Floats) -> tuple[Floats, Floats]:
    """Estimate the 5 and 95 % quantiles, over design points, of their true effects.

    The effects of points spread by their settings and by chance of the run at each. Their deviations from the mean
    are shrunk so that their variance is that of settings.

    Parameters
    ----------
    gaps
        Paired differences of M outcomes, (P, R, M): P design points, R pairs of runs.

    Returns
    -------
    tuple
        Both quantiles, (M,) each; NaN for one point, for one pair of runs at each, and where chance of the run
        explains how far the points spread.

    Examples
    --------
    >>> settings_range(np.array([[[0.0], [0.0]], [[1.0], [1.0]]]))
    (array([0.05]), array([0.95]))
    """
    settings, _, mixed = cross_effects(gaps)
    means = average_known(gaps, 1)
    middle = average_known(means, 0)
    own = np.divide(mixed, settings, out=np.where(np.isnan(settings), np.nan, 0.0), where=settings > 0)
    left = np.where(beyond_rounding(1 - own, np.float64(1.0)), 1 - own, np.nan)
    low, high = np.quantile(means - middle, SETTINGS, axis=0) * np.sqrt(left)
    return middle + low, middle + high
