"""The chance of each alignment by a date, given where states start and with no other state moving (model: Outcomes).

Closed forms: nothing is simulated. Followers are left out, so these are not the chances of whole histories.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.model import dispositions, response, rules
from sim.model.arrays import NOT_RENEWED, RENEWED, Anchor, Floats, Integers, Situation
from sim.model.response import ties_drift
from sim.model.rules import INERTIA, RENEWAL, TEMPERATURE
from sim.model.starts import start_anchor
from sim.model.world import World
from sim.scenario.schema import RANDOM_ID, Scenario
from sim.scenario.shocks import ParameterShock
from sim.theory.held_still import HeldStill, direct_law


def why_no_direct_chances(scenario: Scenario) -> str:
    """Say why a scenario has no chances by a date in closed form; empty where it has them."""
    if scenario.dispositions != "kept":
        return "its dispositions are fresh, so the start is forgotten at the first step"
    if scenario.sweep.lens != "histories":
        return "a tendency has no dates; ask for the lens histories"
    if scenario.date is None:
        return "rounds have no dates; give the world a date and a step"
    if any(state.initial == RANDOM_ID for state in scenario.states.values()):
        return "its start is random; give every state an initial alignment"
    shocked = [s.value for s in scenario.shocks if isinstance(s, ParameterShock) and s.parameter == "temperature"]
    if min([scenario.parameters.temperature.value, *shocked]) == 0:
        return "its temperature is 0, so no disposition matters"
    return ""


def hold_still(world: World, states: Sequence[int] | None = None) -> HeldStill:
    """Compute by what states would decide at each step if every state kept its alignment.

    Parameters
    ----------
    world
        The arrays of a scenario with `why_no_direct_chances` empty.
    states
        Indexes of the states, S of them. Default: all.

    Returns
    -------
    HeldStill
        Log-weights, (S, K + 1) before and (T, S, K + 1) at each step, with shocks, crises and drift of ties.
    """
    chosen: Integers = np.arange(len(world.states)) if states is None else np.asarray(states)
    setting, alignment = world.setting, world.setting.initial.copy()
    held, size = alignment[chosen], len(world.alignments)
    situation, weights, env = world.copy_situation(), world.allocate_weights(), world.allocate_environment()
    product, free = np.zeros(size), ~setting.fixed[chosen]
    path = np.empty((world.steps, held.size, size))
    inertia, renewal = np.empty((2, world.steps, held.size))
    toward = np.full((world.steps, held.size), -1)
    rules.sum_shares(alignment, setting.product, product)
    for t in range(world.steps):
        shocked = rules.apply_shocks(t + 1, world.shocks, situation)
        drifts = ties_drift(situation.parameters)
        if shocked or drifts or t == 0:
            rules.weigh_ties(setting, situation, weights)
        rules.assess_environment(t + 1, product, setting, situation, weights, env)
        found = Anchor(np.empty((alignment.size, size)), np.empty(alignment.size))
        dispositions.anchor_chances(alignment, setting, situation, weights, env, *found)
        inertia[t] = situation.parameters[INERTIA] / situation.parameters[TEMPERATURE]
        path[t] = as_log_weights(found, chosen, held)
        path[t, np.arange(held.size), held] -= inertia[t]
        renewal[t] = np.where(free, renewal_chances(world, situation)[chosen], 0.0)
        toward[t] = np.where(free, np.maximum(situation.upheaval[chosen], -1), -1)
        situation.upheaval[:] = NOT_RENEWED
        if drifts:
            response.respond_from_ties(alignment, setting, situation, env)
    own = np.where(np.arange(size) == held[:, None], 0.0, -np.inf)
    path = np.where(free[:, None], path, own)
    before = as_log_weights(start_anchor(world, 0, 0), chosen, held)
    return HeldStill(before, path, held, inertia, renewal, toward)


def as_log_weights(chances: Anchor, chosen: Integers, held: Integers) -> Floats:
    """Return the logarithms of chances, (S, K + 1), exact for the alignment held where that underflows."""
    with np.errstate(divide="ignore"):
        logs = np.log(chances.chances[chosen])
    logs[np.arange(held.size), held] = chances.log_own[chosen]
    return logs


def renewal_chances(world: World, situation: Situation) -> Floats:
    """Return the chance that each state's disposition is renewed at a step, (N,)."""
    rate = world.setting.renewal * situation.parameters[RENEWAL]
    return np.where(situation.upheaval >= RENEWED, 1.0, -np.expm1(-rate * world.setting.years))


def chances_after(world: World, step: int, states: Sequence[int] | None = None) -> Floats:
    """Compute the chance of each alignment after a step, 1 or more, if no other state moves, (S, K + 1)."""
    return direct_law(hold_still(world, states).until(step))
