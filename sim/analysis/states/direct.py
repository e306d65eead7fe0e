"""The chance of each alignment by a date, given where states start and with no other state moving (model: Outcomes).

Closed forms: nothing is simulated. Followers are left out, so these are not the chances of whole histories.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.analysis.states.held import hold_start
from sim.model.arrays import Floats
from sim.model.world import World
from sim.scenario.schema import RANDOM_ID, Scenario
from sim.scenario.shocks import ParameterShock


def why_no_direct_chances(scenario: Scenario) -> str:
    """Say why a scenario has no chances by a date in closed form; empty where it has them.

    Where it draws starts, it has them given the starts of one run, `with_starts_of`.
    """
    if scenario.dispositions != "kept":
        return "its dispositions are fresh, so the start is forgotten at the first step"
    if scenario.sweep.lens != "histories":
        return "a tendency has no dates; ask for the lens histories"
    if scenario.date is None:
        return "rounds have no dates; give the world a date and a step"
    worlds = [scenario] if scenario.anchor is None else [scenario, scenario.anchor]
    if any(state.initial == RANDOM_ID for world in worlds for state in world.states.values()):
        return "a start is random here or in its factual world; give every state an initial alignment"
    shocked = [s.value for s in scenario.shocks if isinstance(s, ParameterShock) and s.parameter == "temperature"]
    if min([scenario.parameters.temperature.value, *shocked]) == 0:
        return "its temperature is 0, so no disposition matters"
    return ""


def chances_after(world: World, step: int, states: Sequence[int] | None = None) -> Floats:
    """Compute the chance of each alignment after a step, 1 or more, if no other state moves, (S, K + 1)."""
    (still,) = hold_start(world, [step])
    return (still if states is None else still.of(states)).chances
