"""What a run leaves behind: its trajectory and what was observed on the way, whichever engine made it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.model import outcomes
from sim.model.arrays import Floats, Integers


@dataclass(frozen=True)
class Run:
    """One run: its trajectory and what was observed at every step, the start included."""

    seed: int
    replicate: int
    states: tuple[str, ...]
    alignments: tuple[str, ...]
    outcome_names: tuple[str, ...]
    alignment: Integers  # (T + 1, N); of bytes where stored
    chances: Floats  # (T + 1, N, K + 1), NaN before the first decision
    stability: Floats  # (T + 1, N)
    bite: Floats  # (T + 1, N), share of the world's product closed to each state
    outcomes: Floats  # (T + 1, len(outcome_names))

    def late_shares(self) -> Floats:
        """Share of the last 8 steps that each state spends in each alignment, (N, K + 1)."""
        return outcomes.late_shares(self.alignment, len(self.alignments))

    def late_outcomes(self) -> Floats:
        """Mean of each outcome over the last 8 steps, of those where it is defined; NaN if it never is."""
        return outcomes.late_mean(self.outcomes)

    def outcome(self, name: str) -> Floats:
        """An outcome over the steps, (T + 1,)."""
        return self.outcomes[:, self.outcome_names.index(name)]

    def consolidation_step(self) -> float:
        """The first step from which the blocs' capability shares rest; NaN if there is none."""
        return float(outcomes.consolidation_step(self.outcomes[:, self.capability_columns()]))

    def capability_columns(self) -> list[int]:
        """The outcomes that are the blocs' shares of capability."""
        return [self.outcome_names.index(f"capability_{bloc}") for bloc in self.alignments[1:]]

    def stored(self) -> Run:
        """The run without what no table of a sweep holds: chances, and stability and bite before the last 8 steps.

        It takes a sixth of the room, and what is given back is used again by the run that follows.
        """
        late = slice(-outcomes.LATE_STEPS - 1, None)  # and one before, as means leave out a first row
        return replace(
            self, alignment=self.alignment.astype(np.int8), chances=np.empty((0, *self.chances.shape[1:])),
            stability=self.stability[late].copy(), bite=self.bite[late].copy(),
        )  # fmt: skip
