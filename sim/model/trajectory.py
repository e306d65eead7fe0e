"""The record of one run, the same for all engines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.model import outcomes
from sim.model.arrays import Bytes, Flags, Floats, Integers, Stored
from sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Run:
    """One run with its observations at steps 0 to T.

    N states, K blocs, T steps; alignment 0 is non-aligned, 1..K are the blocs.

    Attributes
    ----------
    seed, replicate : int
        Key of the random numbers (model: Scheduling).
    states, alignments, outcome_names : tuple of str
        Names of the N states, the K + 1 alignments and the outcomes.
    alignment : array of int, (T + 1, N)
        Alignment of each state.
    causes : array of int, (T + 1, N)
        Cause of each move, an index of `CAUSES`; 0 where the state did not move.
    renewed : array of bool, (T + 1, N)
        Whether a kept disposition was drawn again.
    chances : array of float, (T + 1, N, K + 1)
        Probability of each alignment at the decision, 0 to 1; NaN at step 0. (0, N, K + 1) where not stored.
    stability : array of float, (T + 1, N)
        Regime stability, 0 to 1. The last of these rows where only they are stored.
    bite : array of float, (T + 1, N)
        Share of the world's product that sanctions close to each state, 0 to 1. As many rows as stability.
    outcomes : array of float, (T + 1, number of outcomes)
        Outcomes; `describe_outcome` gives units. NaN where not stored.
    """

    seed: int
    replicate: int
    states: tuple[str, ...]
    alignments: tuple[str, ...]
    outcome_names: tuple[str, ...]
    alignment: Integers | Bytes
    causes: Bytes
    renewed: Flags
    chances: Floats
    stability: Floats
    bite: Floats
    outcomes: Floats

    def late_shares(self, window: int) -> Floats:
        """Return the share of the last steps, as many as `window`, in each alignment, (N, K + 1)."""
        return outcomes.late_shares(self.alignment, len(self.alignments), window)

    def late_outcomes(self, window: int) -> Floats:
        """Return the mean of each outcome over those of the last steps that define it; NaN if none does."""
        return outcomes.late_mean(self.outcomes, window)

    def outcome(self, name: str) -> Floats:
        """Return an outcome over the steps, (T + 1,)."""
        return self.outcomes[:, self.outcome_names.index(name)]

    def consolidation_step(self) -> float:
        """Return the first step from which the capability shares of blocs are stable; NaN if there is none."""
        return float(outcomes.consolidation_step(self.outcomes[:, self.capability_columns()]))

    def capability_columns(self) -> list[int]:
        """List the columns of outcomes with the capability shares of blocs."""
        return [self.outcome_names.index(f"capability_{bloc}") for bloc in self.alignments[1:]]

    def compact(self, window: int) -> Run:
        """Drop the values that sweeps do not store: chances, and stability and bite before the last steps."""
        if len(self.chances) == 0 and len(self.stability) <= window + 1:
            return self
        late = slice(-window - 1, None)  # and one step before, because means skip the first row
        return replace(
            self, alignment=self.alignment.astype(np.int8),
            chances=np.empty((0, *self.chances.shape[1:])),
            stability=self.stability[late].copy(), bite=self.bite[late].copy(),
        )  # fmt: skip


def store_all(steps: int) -> Stored:
    """Return that a run of so many steps stores everything."""
    return Stored(np.ones(steps + 1, dtype=np.bool_), steps + 1, True)


def store_alignments(steps: int) -> Stored:
    """Return that a run of so many steps stores no more than alignments, moves and sizes."""
    return Stored(np.zeros(steps + 1, dtype=np.bool_), 0, False)


def store_late(steps: int, window: int, others: Sequence[int] = ()) -> Stored:
    """Return that a run of so many steps stores what means over its last steps need, and all outcomes at other steps.

    The step before the last ones is stored too, because means skip the first row.
    """
    at = np.zeros(steps + 1, dtype=np.bool_)
    at[-window:] = True
    at[list(others)] = True
    return Stored(at, window + 1, False)


def window_of(scenario: Scenario) -> int:
    """Return how many last steps of a run of the scenario its outcomes are means over (model: Outcomes)."""
    return outcomes.late_window(scenario.steps, scenario.date, scenario.sweep.lens)
