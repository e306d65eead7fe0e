"""The parameters fitted to what was on record before the article: a reference table, reweighted by the likelihood.

The table holds the model's chances at many points of the prior, each on the same luck; any record's posterior is
the table with other weights (sampling importance resampling, Rubin 1987), so that leaving states out and recovering
known truths cost no run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim import likelihood, posterior
from sim.chances import Table, prior
from sim.kernel import Flags, Floats, Integers
from sim.likelihood import Reading, Record
from sim.observed import Observed
from sim.world import World

CAST = {"no": likelihood.AGAINST, "abstained": likelihood.ABSTAINED, "absent": likelihood.ABSTAINED,
        "yes": likelihood.FOR}  # fmt: skip
YEAR = 2022  # of the ideal points that are fitted to


def observed_record(world: World, observed: Observed) -> Record:
    """What parameters are fitted to, as arrays: votes not held out, ideal points of YEAR; no fixed state's."""
    cast = [
        [CAST[vote.cast[s]] if s in vote.cast else likelihood.NO_VOTE for s in world.states]
        for vote in observed.fitting.votes.values()
    ]
    points = observed.fitting.ideal_points.get(YEAR, {})
    ideal = np.array([points.get(state, np.nan) for state in world.states])
    votes = np.array(cast, dtype=np.int64).reshape(len(cast), len(world.states))
    return likelihood.record_of(votes, ideal, ~world.setting.fixed)


@dataclass(frozen=True)
class Fit:
    """A posterior over a table's points."""

    log_likelihood: Floats  # (P,)
    weights: Floats  # (P,)
    readings: Floats  # (readings,), the posterior of the readings
    learnt: posterior.Learnt

    @property
    def effective(self) -> float:
        """How many independent draws the points are worth."""
        return float(posterior.effective(self.weights))

    def mean(self, found: Floats) -> Floats:
        """Posterior mean of what the table's points say, (P, ...)."""
        return np.tensordot(self.weights, found, axes=1)


def fit(table: Table, record: Record) -> Fit:
    """The posterior of one record, D = 1."""
    readings = likelihood.by_reading(table.chances, record)[:, 0]
    both = np.logaddexp.reduce(readings, axis=0) - np.log(len(readings))
    weights = posterior.weights(both)
    of_readings = np.exp(np.logaddexp.reduce(readings, axis=1) - np.logaddexp.reduce(readings, axis=None))
    return Fit(both, weights, of_readings, posterior.learnt(table.values, weights, *prior()))


def held_out(table: Table, record: Record, groups: Integers) -> Floats:
    """P(us_led) − P(front) of each state, (N,), by the posterior of the record without its group, (N,)."""
    kinds = np.unique(groups)
    parts = np.array([groups == kind for kind in kinds])
    weights = posterior.weights(likelihood.log_likelihood(table.chances, likelihood.without(record, parts)))
    means = weights @ likelihood.position(table.chances)  # (groups, N)
    return means[np.searchsorted(kinds, groups), np.arange(len(groups))]


def synthetic(
    chances: Floats, reading: Reading, line: likelihood.Line, pattern: tuple[Flags, Flags], used: Flags,
    rng: np.random.Generator,
) -> Record:  # fmt: skip
    """A record as a world with these chances, (N, 3), would leave it, read by a known reading and line.

    Each state stands somewhere, once; its votes are all read off that, so that they are no independent news. The
    pattern says where there is a vote, (V, N), and an ideal point, (N,).
    """
    stands = (rng.random((len(chances), 1)) > np.cumsum(chances, axis=1)[:, :2]).sum(axis=1)
    of_stand = np.cumsum(reading.matrix()[stands], axis=1)[:, :2]
    cast = np.array([(rng.random((len(chances), 1)) > of_stand).sum(axis=1) for _ in pattern[0]])
    votes = np.where(pattern[0], cast, likelihood.NO_VOTE)
    noise = rng.normal(size=len(chances)) * np.sqrt(line.variance)
    ideal = np.where(pattern[1], line.intercept + line.slope * likelihood.position(chances) + noise, np.nan)
    return likelihood.record_of(votes, ideal, used)
