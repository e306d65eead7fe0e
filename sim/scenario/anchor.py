"""The factual world, in which kept dispositions are anchored: the world's file with a scenario's beliefs in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sim.scenario.parameters import Sourced
from sim.scenario.schema import Scenario, State, Sweep

BELIEFS: Final = ("capability", "gdp", "autonomy", "polyarchy", "renewal")  # numbers of a state; see factual_world


def anchored_in(scenario: Scenario, world: Scenario) -> Scenario:
    """Attach the factual world to a scenario with kept, anchored dispositions; remove it from any other.

    Parameters
    ----------
    scenario
        The scenario.
    world
        Its world as the world's file gives it.
    """
    anchor = (
        world.model_copy(update={"shocks": (), "sweep": Sweep(), "anchor": None}) if needs_anchor(scenario) else None
    )
    return scenario.model_copy(update={"anchor": anchor})


def needs_anchor(scenario: Scenario) -> bool:
    """Whether dispositions are kept and drawn given the coded start."""
    return scenario.dispositions == "kept" and scenario.anchored


def factual_world(scenario: Scenario) -> Scenario:
    """Return the world in which a scenario's kept dispositions are drawn (model: Anchoring).

    Parameters
    ----------
    scenario
        A scenario with its anchor.

    Returns
    -------
    Scenario
        The anchor with the scenario's beliefs: its parameters, and of each state of the anchor the capability,
        gdp, autonomy, polyarchy and renewal, and its scales. All else is the anchor's. It has no shocks and no
        anchor. Without an anchor it is the scenario itself before its shocks.
    """
    if scenario.anchor is None:
        return scenario.model_copy(update={"shocks": ()})
    states = {id: with_beliefs(state, scenario.states.get(id, state)) for id, state in scenario.anchor.states.items()}
    believed = scenario.anchor.model_copy(update={"parameters": scenario.parameters, "states": states})
    return with_scales(believed, scenario.scales)


Scales = Mapping[str, Mapping[str, Sourced]]  # number of each level, by kind of tie


def with_scales(scenario: Scenario, scales: Scales) -> Scenario:
    """Return a scenario with other numbers for its levels; ties and shocks given as levels follow."""
    if scales == scenario.scales:
        return scenario

    def leveled(entry: Any) -> Any:
        level = getattr(entry, "level", "")
        return entry.model_copy(update={"value": scales[entry.kind][level].value}) if level else entry

    changed = {name: tuple(map(leveled, getattr(scenario, name))) for name in ("ties", "shocks")}
    return scenario.model_copy(update={"scales": scales, **changed})


def with_beliefs(state: State, believed: State) -> State:
    """Return a state of the factual world with the numbers that a scenario believes."""
    numbers = {name: getattr(believed, name) for name in BELIEFS}
    return (
        state
        if all(getattr(state, name) == number for name, number in numbers.items())
        else state.model_copy(update=numbers)
    )


def is_belief(place: tuple[str, ...]) -> bool:
    """Whether a setting is a belief, which a scenario and its factual world have in common."""
    return place[0] in ("parameters", "scales") or (place[0] == "states" and place[-1] in BELIEFS)
