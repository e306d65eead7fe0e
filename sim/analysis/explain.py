"""Explain why a state aligns as it does: its utilities term by term and state by state."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.analysis.states.accounts import Account, Decision, rank_alignments
from sim.analysis.states.decisions import check_state, decisions_in_run
from sim.analysis.statistics import mean_interval, share_interval
from sim.batch.design import point_labels
from sim.batch.executor import evaluate
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.model import compiled
from sim.model.arrays import Floats
from sim.model.trajectory import window_of
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario


@dataclass(frozen=True)
class AverageAccount:
    """Mean account of a state in the last steps of many runs (model: Outcomes)."""

    state: str
    seed: int
    fixed: bool
    shares: Floats  # (replicates, K + 1), late share of each alignment
    account: Account  # mean over all late decisions
    among: dict[str, tuple[int, Account]]  # runs mostly in each alignment: their number and mean account

    @property
    def replicates(self) -> int:
        """Number of runs."""
        return len(self.shares)

    def interval(self, alignment: str) -> tuple[float, float, float, int]:
        """Estimate P of an alignment: the mean late share, its 95 % interval over the runs, and their number.

        The interval is Student's, cut to [0, 1]. It is Wilson's where each run has 0 or 1, as on one last step, and
        undefined (NaN) where all agree on another share. A fixed state's P is certain.
        """
        values = self.shares[:, self.account.alignments.index(alignment)]
        share, n = float(values[0]), values.size
        alike = bool(np.all(values == share))
        if alike and self.fixed:
            return share, share, share, n
        if np.isin(values, (0.0, 1.0)).all():
            return share_interval(int(values.sum()), n)
        if alike:
            return share, math.nan, math.nan, n
        return mean_interval(values, 0.0, 1.0)

    def words(self) -> str:
        """Return the chance of the most likely alignment with its interval, in words."""
        most = self.account.most_likely
        p, low, high, runs = self.interval(most)
        between = "" if math.isnan(low) else f", 95 % interval {low:.2f} to {high:.2f}"
        return f"P({most}) = {p:.2f}{between}, {runs} runs"

    def record(self) -> dict[str, Any]:
        """Return the average as a record; undefined bounds are null."""
        found = {name: self.interval(name)[:3] for name in self.account.alignments}
        return {
            "state": self.state,
            "seed": self.seed,
            "replicates": self.replicates,
            "fixed": self.fixed,
            "P": {name: [None if math.isnan(x) else x for x in row] for name, row in found.items()},
            **self.account.record(),
            "runs_mostly_in": {name: {"runs": n, **account.record()} for name, (n, account) in self.among.items()},
        }


@dataclass
class AccountSums:
    """Sums of accounts."""

    decisions: int = 0
    runs: int = 0
    parts: list[Floats] = field(default_factory=list)

    def add(self, account: Account) -> None:
        """Add the account of one more decision."""
        new = [account.terms, account.utilities, account.chances, account.contributions]
        self.parts = [a + b for a, b in zip(self.parts, new, strict=True)] if self.parts else new
        self.decisions += 1

    def mean(self, world: World, first: int, second: int) -> Account:
        """Return the mean account, which compares two alignments."""
        terms, utilities, chances, contributions = (part / self.decisions for part in self.parts)
        return Account(world.alignments, world.states, terms, utilities, chances, contributions, first, second)


def average_account(
    scenario: Scenario, state: str, *, seed: int | None = None, replicates: int = 100, workers: int | None = None
) -> AverageAccount:
    """Average the account of a state's late decisions over replicates.

    Parameters
    ----------
    scenario
        The scenario to run.
    state
        Id of the state, such as ``"IRN"``.
    seed
        Random seed of the runs. Default: the seed of the scenario.
    replicates
        Number of runs.
    workers
        Threads. Default: the cores of this process.

    Returns
    -------
    AverageAccount
        Late shares by run, the mean account, and the mean account of the runs mostly in each alignment.

    Raises
    ------
    InputError
        If the scenario does not have the state.
    """
    check_state(scenario, state)
    seed = scenario.sweep.seed if seed is None else seed
    world = world_of(scenario)
    i, late = world.states.index(state), scenario.steps - window_of(scenario) + 1

    def retrace(replicate: int) -> tuple[Floats, list[Decision]]:
        run = compiled.run_compiled(scenario, seed=seed, replicate=replicate, world=world)
        return run.late_shares(window_of(scenario))[i], decisions_in_run(run, world, i, since=late)

    whole, parts = AccountSums(), [AccountSums() for _ in world.alignments]
    shares = np.empty((replicates, len(world.alignments)))
    for replicate, (share, decisions) in enumerate(evaluate(retrace, range(replicates), workers=workers)):
        shares[replicate] = share
        part = parts[int(share.argmax())]
        part.runs += 1
        for one in decisions:
            whole.add(one.account)
            part.add(one.account)
    first = int(shares.mean(axis=0).argmax())
    order = rank_alignments(shares.mean(axis=0), whole.parts[1], world.setting.allowed)
    best = first, next(k for k in order if k != first)
    among = {
        name: (part.runs, part.mean(world, *best))
        for name, part in zip(world.alignments, parts, strict=True)
        if part.runs
    }
    return AverageAccount(state, seed, bool(world.setting.fixed[i]), shares, whole.mean(world, *best), among)


MOST_REPLICATES = 100  # by default, for each design point of a results folder


def average_accounts(
    results: Results, state: str, *, replicates: int | None = None, workers: int | None = None
) -> Iterator[tuple[str, AverageAccount]]:
    """Repeat the runs of every design point that has the state; yield its label and average account.

    Raises InputError where the folder has no results, or no scenario has the state.
    """
    question = results.manifest()["question"]
    points = question["points"]
    asked = {name: point["replicates"] for name, point in zip(point_labels(points), points, strict=True)}
    ran = scenarios_as_run(results, asked)
    if not any(state in scenario.states for scenario in ran.values()):
        check_state(next(iter(ran.values())), state)
    for design, scenario in ran.items():
        if state in scenario.states:
            count = replicates or min(asked[design], MOST_REPLICATES)
            yield design, average_account(scenario, state, seed=question["seed"], replicates=count, workers=workers)
