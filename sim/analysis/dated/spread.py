"""How much of an effect's spread is chance of the run, so that more replicates help (analysis of variance)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy

from sim.analysis.statistics import LEVEL, beyond_rounding, students_half
from sim.model.arrays import Floats

POWER = 0.8  # share of sweeps that find an effect


class EffectSpread(NamedTuple):
    """The spread of an effect over design points and runs."""

    points: int  # P
    replicates: int  # R, pairs of runs at each point
    half: float  # half width of the 95 % interval of the mean effect; NaN where it is unknown
    share: float  # of the variance of the effects of points, what chance of the run adds, 0 to 1; 1 for one point
    wanted: int | None  # replicates at each point that halve `half`; None if none do
    difference: float = math.nan  # the mean effect; NaN where it is unknown

    @property
    def replicates_help(self) -> bool:
        """Whether more replicates make the interval much narrower: chance of the run is half of the spread or more."""
        return self.wanted is not None and self.share >= 0.5


def pairs_to_tell(half: float, difference: float, pairs: int, tests: int = 1) -> int | None:
    """Count the pairs of runs that tell an effect of this size from zero, at 5 %, in 8 of 10 sweeps.

    Parameters
    ----------
    half
        Half width of the 95 % interval of the mean difference.
    difference
        Size of the effect.
    pairs
        Pairs of runs behind the interval, whose width falls with the square root of their number.
    tests
        Differences tested at once, for which the 5 % are divided.

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
    shares = (0.5 + LEVEL / 2, 1 - (1 - LEVEL) / (2 * tests), POWER)
    interval, level, power = (float(scipy.stats.norm.ppf(one)) for one in shares)
    return math.ceil(pairs * ((level + power) / interval * half / difference) ** 2)


def measure_spread(gaps: Floats) -> EffectSpread:
    """Measure how much of the spread of an effect is chance of the run.

    The effect of a point is the mean of its paired differences. Its variance over points is that of the true effects
    of points, and the variance within points over R. One-way analysis of variance estimates both.

    Parameters
    ----------
    gaps
        Paired differences, (P, R): P design points, R pairs of runs.

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
    means = gaps.mean(axis=1)
    within = float(gaps.var(axis=1, ddof=1).mean()) / runs if runs > 1 else math.nan
    if points == 1:
        varied = bool(beyond_rounding(np.sqrt(within * runs), np.abs(gaps).max()))
        half = float(students_half(gaps)[0]) if runs > 1 and varied else math.nan
        return EffectSpread(points, runs, half, 1.0, 4 * runs if varied else None)
    total = float(means.var(ddof=1))
    if not beyond_rounding(np.sqrt(total), np.abs(means).max()):
        return EffectSpread(points, runs, math.nan, math.nan, None)
    half = float(students_half(means[None])[0])
    share = min(1.0, within / total)
    between = max(0.0, total - within)
    left = total / 4 - between
    wanted = math.ceil(within * runs / left) if left > 0 else None
    return EffectSpread(points, runs, half, share, None if math.isnan(within) else wanted)
