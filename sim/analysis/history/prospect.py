"""The change that a history is asked about first: the entry that would move most capability, weighed by its chance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.analysis.history.words import Names, capital, hundredths
from sim.analysis.states.direct import why_no_direct_chances
from sim.analysis.states.held import hold_start
from sim.model.starts import draws_starts, with_starts_of
from sim.model.trajectory import Run
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario


class Prospect(NamedTuple):
    """An entry into a bloc that a history may have or not.

    Parameters
    ----------
    state, bloc
        Ids of the state and of the bloc.
    chance
        Chance that the state enters the bloc by the end, in closed form: no other state moves.
    entered
        First step at which it does in this run; None where it does not.
    """

    state: str
    bloc: str
    chance: float
    entered: int | None


def find_prospect(scenario: Scenario, world: World, run: Run) -> Prospect | None:
    """Find the entry with the largest chance times capability of the state.

    Parameters
    ----------
    scenario, world
        The scenario of the run, and its arrays.
    run
        The run.

    Returns
    -------
    Prospect or None
        None where the scenario has no chances in closed form, or no state can enter a bloc.
    """
    if why_no_direct_chances(scenario):
        return None
    if draws_starts(scenario):
        world = world_of(with_starts_of(scenario, seed=run.seed, replicate=run.replicate))
    (still,) = hold_start(world, [len(run.alignment) - 1])
    gains = still.entries * world.setting.capability[:, np.newaxis]
    gains[np.arange(len(gains)), world.setting.initial] = 0.0
    gains[:, 0] = 0.0
    i, k = (int(at) for at in np.unravel_index(gains.argmax(), gains.shape))
    if gains[i, k] <= 0.0:
        return None
    inside = np.flatnonzero(run.alignment[:, i] == k)
    return Prospect(
        run.states[i], run.alignments[k], float(still.entries[i, k]), int(inside[0]) if len(inside) else None
    )


def describe_prospect(prospect: Prospect, run: Run, names: Names) -> str:
    """Say whether it happens in this run, and in how many of 100 histories from this start."""
    state, bloc = names.state(prospect.state), names.bloc(prospect.bloc)
    what = (
        f"{state} does not join {bloc} in this run"
        if prospect.entered is None
        else f"{state} joins {bloc} {names.when(prospect.entered)}"
    )
    odds, end = hundredths(prospect.chance), names.month(len(run.alignment) - 1)
    return (
        f"{capital(what)}. That entry would move most capability, weighed by its chance: {odds} histories from this"
        f" start have it by {end} (calculated as if no other state moved)."
    )
