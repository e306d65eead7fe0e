"""Read alignments off ideal points, with an error: pure functions on arrays.

States are ordered by their ideal points. Those above one cut are in the leader's bloc, those below another in the
other bloc. The cuts are where the expected size of each bloc, in states, equals its coded size in the same year. So a
reading takes the sizes of blocs from the coded start, and who is in them from votes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model.arrays import Flags, Floats, Integers

# Standard deviation of the error, in standard deviations of the year's ideal points. The noise of a year's votes is
# about half of it (ideal points of 1946 to 2024, by the autocovariance of their changes); the rest is where cuts lie.
ERROR = 0.3

FARTHEST = 50.0  # standard deviations


class YearReading(NamedTuple):
    """How ideal points, standardised over the states of a year, are read as answers."""

    upper: float  # cut above which a state is in the leader's bloc
    lower: float  # cut below which it is in another
    error: float


def standardise(points: Floats, used: Flags | None = None) -> Floats:
    """Subtract the mean of the ideal points, (N,), and divide by their standard deviation; NaN stays NaN."""
    known = points[~np.isnan(points) & (True if used is None else used)]
    return (points - known.mean()) / known.std()


def fit_reading(position: Floats, coded: Integers, error: float = ERROR) -> YearReading:
    """Find the cuts at which expected bloc sizes equal the coded ones.

    Parameters
    ----------
    position
        Standardised ideal points, (N,), NaN where unknown.
    coded
        Coded answers of the states: YES, NO or ABSTAINED, (N,).
    error
        Standard deviation of the error of a position, above 0.

    Returns
    -------
    YearReading
        The cuts; infinite where a bloc has no state with an ideal point, or all.
    """
    known = ~np.isnan(position)
    return YearReading(
        cut_for(position[known], float((coded[known] != YES).mean()), error),
        cut_for(position[known], float((coded[known] == NO).mean()), error),
        error,
    )


def cut_for(position: Floats, below: float, error: float) -> float:
    """Find the cut below which an expected share of the positions lies."""
    if below in (0.0, 1.0):
        return np.inf if below else -np.inf
    return float(brentq(lambda cut: float(ndtr((cut - position) / error).mean()) - below, -FARTHEST, FARTHEST))


def reading_chances(position: Floats, reading: YearReading) -> Floats:
    """Compute the chance of each answer given positions, (N,): (N, 3) in the order of YES, NO, ABSTAINED; NaN stays."""
    chances = np.empty((len(position), 3))
    chances[:, YES] = ndtr((position - reading.upper) / reading.error)
    chances[:, NO] = ndtr((reading.lower - position) / reading.error)
    chances[:, ABSTAINED] = np.maximum(1 - chances[:, YES] - chances[:, NO], 0)
    return chances


def observed_start(points: Floats, coded: Integers, free: Flags) -> Floats:
    """Return the chance of each answer at the observed start, (N, 3).

    A state without an ideal point, and one that never decides, has its coded start for certain.
    """
    position = standardise(points)
    chances = reading_chances(position, fit_reading(position, coded))
    sure = np.isnan(position) | ~free
    chances[sure] = np.eye(3)[coded[sure]]
    return chances
