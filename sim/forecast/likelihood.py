"""Compute the likelihood of votes and ideal points, given the model's chances: pure functions on arrays.

States count as independent given the parameters, which they are not: a composite likelihood (Varin, Reid & Firth
2011). Several observations of one state are not independent: each has the weight of one over their number, so that
a state counts once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model.arrays import Flags, Floats, Integers

NO_VOTE = -1

LEAST_SPREAD = 1e-9  # variance of positions below which a line has no slope


class VoteReading(NamedTuple):
    """How a vote follows from an alignment: yes in the leader's bloc, no in another, abstaining if non-aligned."""

    lapse: float  # chance that any state votes at random
    front_abstains: float  # chance that a member of another bloc abstains or is absent
    others_approve: float  # chance that a non-aligned state votes yes

    def matrix(self) -> Floats:
        """Return the chance of each vote (columns) given each alignment (rows), in the order YES, NO, ABSTAINED."""
        f, o = self.front_abstains, self.others_approve
        plain = np.array([[1.0, 0.0, 0.0], [0.0, 1 - f, f], [o, 0.0, 1 - o]])
        return (1 - self.lapse) * plain + self.lapse / 3


READINGS = tuple(VoteReading(*r) for r in itertools.product((0.02, 0.05, 0.1, 0.2), *[(0.0, 0.25, 0.5, 0.75)] * 2))


class VoteRecord(NamedTuple):
    """D records of the same N states; what a record leaves out has weight 0."""

    votes: Floats  # (D, N, 3), weight of a state's votes of each kind
    ideal: Floats  # (D, N), ideal points, any number where the weight is 0
    counts: Floats  # (D, N), weight of each ideal point


def make_vote_record(votes: Integers, ideal: Floats, used: Flags) -> VoteRecord:
    """Make one record, D = 1, from votes, (V, N), ideal points, (N,), NaN where unknown, and the states in use."""
    cast = np.stack([(votes == kind).sum(axis=0) for kind in (YES, NO, ABSTAINED)], axis=-1).astype(np.float64)
    known = ~np.isnan(ideal)
    each = np.where(used, 1 / np.maximum(cast.sum(axis=-1) + known, 1), 0.0)
    return VoteRecord((cast * each[:, None])[None], np.where(known, ideal, 0.0)[None], (known * each)[None])


def leave_groups_out(record: VoteRecord, groups: Flags) -> VoteRecord:
    """Leave each of some groups of states, (G, N), out of the first record: G records."""
    keep = ~groups
    return VoteRecord(
        record.votes[0] * keep[:, :, None], np.repeat(record.ideal[:1], len(groups), axis=0), record.counts[0] * keep
    )


def join_records(records: Sequence[VoteRecord]) -> VoteRecord:
    """Concatenate records."""
    return VoteRecord._make(np.concatenate(column) for column in zip(*records, strict=True))


def yes_minus_no(chances: Floats) -> Floats:
    """Subtract P(no) from P(yes) of each state, (..., N), given chances of the answers, (..., N, 3)."""
    return np.asarray(chances[..., YES] - chances[..., NO])


def vote_log_likelihood(chances: Floats, votes: Floats, reading: VoteReading) -> Floats:
    """Compute the log-likelihood of votes, (D, N, 3), given chances, (P, N, 3), by one reading: (D, P)."""
    points, states, kinds = chances.shape
    log = np.log(chances @ reading.matrix()).reshape(points, states * kinds)
    return np.asarray((log @ votes.reshape(len(votes), -1).T).T)


class Line(NamedTuple):
    """Ideal points as a function of positions: intercept + slope · position, with a normal error."""

    intercept: Floats
    slope: Floats  # never negative
    variance: Floats


def fit_line(x: Floats, ideal: Floats, counts: Floats) -> Line:
    """Fit ideal points, (D, N), on positions, (P, N), by weighted least squares, for each record and point, (D, P)."""
    total = np.maximum(counts.sum(axis=1), 1)[:, None]
    y = (counts * ideal).sum(axis=1)[:, None] / total
    mean = counts @ x.T / total
    spread = counts @ (x**2).T / total - mean**2
    shared = (counts * ideal) @ x.T / total - mean * y
    slope = np.maximum(shared, 0) / np.maximum(spread, LEAST_SPREAD)
    whole = (counts * ideal**2).sum(axis=1)[:, None] / total - y**2
    return Line(y - slope * mean, slope, np.maximum(whole - 2 * slope * shared + slope**2 * spread, LEAST_SPREAD))


def ideal_point_log_likelihood(chances: Floats, record: VoteRecord) -> Floats:
    """Compute the log-likelihood of the ideal points, (D, P), with the best line of each point; 0 without any."""
    best = fit_line(yes_minus_no(chances), record.ideal, record.counts)
    return -0.5 * record.counts.sum(axis=1)[:, None] * np.log(best.variance)


def log_likelihood_by_reading(
    chances: Floats, record: VoteRecord, readings: Sequence[VoteReading] = READINGS
) -> Floats:
    """Compute the log-likelihood of the records by each reading of the votes, (readings, D, P)."""
    ideal = ideal_point_log_likelihood(chances, record)
    return np.stack([vote_log_likelihood(chances, record.votes, reading) + ideal for reading in readings])


def log_likelihood(chances: Floats, record: VoteRecord, readings: Sequence[VoteReading] = READINGS) -> Floats:
    """Compute the log-likelihood of D records at P points, (D, P): the mean over equally likely readings.

    `chances`, (P, N, 3), are the model's chances of YES, NO and ABSTAINED.
    """
    return mean_over_readings(log_likelihood_by_reading(chances, record, readings))


def mean_over_readings(found: Floats) -> Floats:
    """Take the log of the mean likelihood over readings, the first axis."""
    return np.asarray(np.logaddexp.reduce(found, axis=0)) - np.log(len(found))
