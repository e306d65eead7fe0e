"""The parameters fitted to what was on record before the article: a reference table, reweighted by the likelihood.

The table holds the model's chances at many points of the prior, each on the same luck; any record's posterior is
the table with other weights (sampling importance resampling, Rubin 1987), so that leaving states out and recovering
known truths cost no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim import likelihood, posterior
from sim.chances import Table, prior
from sim.kernel import Flags, Floats, Integers
from sim.likelihood import Record
from sim.world import World

CAST = {"no": likelihood.AGAINST, "abstained": likelihood.ABSTAINED, "absent": likelihood.ABSTAINED,
        "yes": likelihood.FOR}  # fmt: skip
YEAR = 2022  # of the ideal points that are fitted to


def record_of(
    world: World, votes: Sequence[Mapping[str, str]], ideal: Mapping[str, float], left_out: Flags | None = None
) -> Record:
    """The record as arrays: votes by state as `yes`, `no`, `abstained` or `absent`; fixed states are left out."""
    cast = [[CAST[vote[s]] if s in vote else likelihood.NO_VOTE for s in world.states] for vote in votes]
    points = np.array([ideal.get(s, np.nan) for s in world.states])
    used = ~world.setting.fixed if left_out is None else ~(world.setting.fixed | left_out)
    return likelihood.record_of(np.array(cast, dtype=np.int64).reshape(len(votes), -1), points, used)


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
