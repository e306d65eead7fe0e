"""What a set of runs says about one effect: the number alone, quickly, or with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy

from sim.intervals import LEVEL, mean_interval, share_interval
from sim.kernel import Flags, Floats
from sim.rounding import varies

Interval = tuple[float, float, float, int]  # effect, low, high, runs
NONE = float("nan")


class Estimate(Protocol):
    """An effect that can be had alone or with its interval; NaN where the runs do not define it."""

    def effect(self) -> float:
        """The effect alone."""

    def interval(self) -> Interval:
        """The effect, its 95 % interval and the number of runs it rests on."""


@dataclass(frozen=True)
class Mean:
    """The mean of a value by run, (R,), NaN where a run has none; `level` is of a Student interval."""

    values: Floats
    level: float = LEVEL

    def effect(self) -> float:
        known = self.values[~np.isnan(self.values)]
        return float(known.mean()) if known.size else NONE

    def interval(self) -> Interval:
        mean, low, high, n = mean_interval(self.values)
        if self.level == LEVEL or n < 2:
            return mean, low, high, n
        widen = scipy.stats.t.ppf(0.5 + self.level / 2, n - 1) / scipy.stats.t.ppf(0.5 + LEVEL / 2, n - 1)
        return mean, mean - (mean - low) * widen, mean + (high - mean) * widen, n


@dataclass(frozen=True)
class Share:
    """The share of runs, (R,), in which something is so, with a Wilson interval."""

    hits: Flags

    def effect(self) -> float:
        return float(self.hits.mean()) if self.hits.size else NONE

    def interval(self) -> Interval:
        return share_interval(int(self.hits.sum()), self.hits.size)


@dataclass(frozen=True)
class Fall:
    """Minus the least-squares slope of y on x over runs, (R,) each; undefined where x has no spread."""

    x: Floats
    y: Floats

    def effect(self) -> float:
        if not varies(self.x):
            return NONE
        away = self.x - self.x.mean()
        return -float((away * self.y).sum() / (away * away).sum())

    def interval(self) -> Interval:
        n = self.x.size
        if n < 3 or not varies(self.x):
            return self.effect(), NONE, NONE, n
        half = float(scipy.stats.t.ppf(0.5 + LEVEL / 2, n - 2) * scipy.stats.linregress(self.x, self.y).stderr)
        return self.effect(), self.effect() - half, self.effect() + half, n


@dataclass(frozen=True)
class Gap:
    """The mean of one kind of runs less that of the other, by Welch; undefined without runs of each."""

    values: Floats  # (R,)
    one: Flags  # (R,), whether a run is of the first kind

    def effect(self) -> float:
        if self.one.all() or not self.one.any():
            return NONE
        return float(self.values[self.one].mean() - self.values[~self.one].mean())

    def interval(self) -> Interval:
        one, other = self.values[self.one], self.values[~self.one]
        if min(one.size, other.size) < 2 or not (varies(one) or varies(other)):
            return self.effect(), NONE, NONE, self.values.size
        found = scipy.stats.ttest_ind(one, other, equal_var=False).confidence_interval(LEVEL)
        return self.effect(), float(found.low), float(found.high), self.values.size


def largest(rises: dict[str, Floats]) -> Mean:
    """The largest of several mean rises, its interval wide enough for all of them at once (Bonferroni)."""
    best = max(rises.values(), key=lambda values: float(values.mean()))
    return Mean(best, 1 - (1 - LEVEL) / len(rises))


def excess(one: Interval, other: Interval) -> tuple[float, float, float]:
    """The difference of two shares given with their Wilson intervals, and its 95 % interval (Newcombe 1998)."""
    difference = one[0] - other[0]
    below = float(np.hypot(one[0] - one[1], other[2] - other[0]))
    above = float(np.hypot(one[2] - one[0], other[0] - other[1]))
    return difference, difference - below, difference + above
