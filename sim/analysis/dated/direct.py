"""What each state would do if no other moved, in closed form: structural chances (model: Outcomes)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim.analysis.dated.events import Design
from sim.analysis.states.held import TEMPERATURE, has_closed_form, hold_start
from sim.model.arrays import Floats
from sim.model.starts import coded_start_chances
from sim.model.world import World


def renewed_shares(design: Design, day: str) -> Floats:
    """Compute the capability share of each alignment if every disposition were renewed at a date, (K + 1,).

    Empty where no closed form is known.
    """
    if not has_closed_form(design.world):
        return np.empty(0)
    (there,) = hold_start(design.world, [max(1, *design.steps_at([day]))])
    return np.asarray(design.world.setting.capability @ there.redrawn)


def structural_start(world: World) -> Floats:
    """Compute structural chances at the coded start, without inertia, (N, K + 1) (model: Outcomes).

    Those of a fixed state are 1 for what it has. NaN without a closed form, or at temperature 0.
    """
    held, fixed = world.setting.initial, world.setting.fixed
    if not has_closed_form(world) or not world.start.parameters[TEMPERATURE] > 0:
        return np.full((held.size, len(world.alignments)), np.nan)
    own = np.arange(len(world.alignments)) == held[:, None]
    return np.where(fixed[:, None], own * 1.0, coded_start_chances(world))


def tabulate_structural(designs: Sequence[Design]) -> pd.DataFrame:
    """Tabulate structural chances at the coded start: scenario, state, alignment, chance."""
    tables = []
    for design in designs:
        chances = structural_start(design.world)
        i, k = np.indices(chances.shape).reshape(2, -1)
        names = {
            "scenario": design.label,
            "state": np.array(design.world.states, dtype=object)[i],
            "alignment": np.array(design.world.alignments, dtype=object)[k],
        }
        tables.append(pd.DataFrame(names | {"chance": chances.ravel()}))
    return pd.concat(tables, ignore_index=True)
