"""Mechanisms that cannot matter in a scenario, each with the reason."""

from __future__ import annotations

from collections.abc import Callable

from sim.scenario.overrides import MECHANISMS, setting_places
from sim.scenario.schema import (
    BlocShock,
    Crisis,
    Membership,
    PairShock,
    ParameterShock,
    PriorityShock,
    SanctionShock,
    Scenario,
)


def mechanisms_without_effect(scenario: Scenario) -> dict[str, str]:
    """Why each mechanism that changes no outcome of a scenario when it is switched off cannot matter in it.

    A mechanism that is not named may matter: the reasons are sufficient, not necessary.
    """
    found = {}
    for mechanism in MECHANISMS:
        reasons = (reason for holds, reason in REASONS.get(mechanism, ()) if holds(scenario))
        already = "it is off in this scenario already" if is_mechanism_off(scenario, mechanism) else ""
        if reason := next(reasons, already):
            found[mechanism] = reason
    return found


def is_mechanism_off(scenario: Scenario, mechanism: str) -> bool:
    """Whether a scenario has every value that switching a mechanism off sets."""
    return all(
        value_at(scenario, place) == value
        for path, value in MECHANISMS[mechanism].items()
        for place in setting_places(scenario, path)
    )


def value_at(scenario: Scenario, place: tuple[str, ...]) -> float:
    """The value of a parameter, or of a setting of a bloc."""
    record = scenario.parameters if place[0] == "parameters" else scenario.blocs[place[1]]
    return float(getattr(record, place[-1]).value)


def reaches(scenario: Scenario, parameter: str) -> bool:
    """Whether a parameter is ever more than 0, at the start or by a shock."""
    shocks = [s for s in scenario.shocks if isinstance(s, ParameterShock) and s.parameter == parameter]
    return getattr(scenario.parameters, parameter).value > 0 or any(shock.value > 0 for shock in shocks)


def has_ties(scenario: Scenario, kind: str) -> bool:
    """Whether a tie of a kind exists at the start or by a shock."""
    if any(tie.kind == kind and tie.value != 0 for tie in scenario.ties):
        return True
    made = (s for s in scenario.shocks if isinstance(s, (PairShock, SanctionShock)) and s.kind == kind)
    return any(shock.value > 0 for shock in made)


def no_propensity(scenario: Scenario) -> bool:
    """No tie of propensity."""
    return not has_ties(scenario, "propensity")


def no_sanctions(scenario: Scenario) -> bool:
    """No sanction at any step."""
    return not has_ties(scenario, "sanction") and not reaches(scenario, "sanction_response")


def no_bonds(scenario: Scenario) -> bool:
    """No bond at any step: none at the start, and no outreach of sanctioned states that makes one."""
    makes = reaches(scenario, "outreach") and not no_sanctions(scenario)
    return not has_ties(scenario, "bond") and not makes


def no_hostility(scenario: Scenario) -> bool:
    """No rivalry and no sanction at any step."""
    return not has_ties(scenario, "rivalry") and no_sanctions(scenario)


def no_trade(scenario: Scenario) -> bool:
    """No trade tie."""
    return not has_ties(scenario, "trade")


def no_institutions(scenario: Scenario) -> bool:
    """No institution in which two states ever meet."""
    bind = [one for one in scenario.institutions.values() if one.cohesion.value > 0]
    joins = any(isinstance(shock, Membership) and shock.joins for shock in scenario.shocks)
    return not any(len(set(one.members)) > 1 for one in bind) and not (bind and joins)


def one_bloc(scenario: Scenario) -> bool:
    """A single bloc."""
    return len(scenario.blocs) == 1


def no_enforcement(scenario: Scenario) -> bool:
    """No bloc that ever enforces anything."""
    shocks = (s for s in scenario.shocks if isinstance(s, BlocShock) and s.setting == "enforcement")
    return not any(bloc.enforcement.value > 0 for bloc in scenario.blocs.values()) and not any(s.value for s in shocks)


def no_demand(scenario: Scenario) -> bool:
    """No theatre that ever asks for attention."""
    asked = any(number.value > 0 for bloc in scenario.blocs.values() for number in bloc.priority.values())
    crises = any(s.intensity > 0 for s in scenario.shocks if isinstance(s, Crisis))
    return not asked and not crises and not any(s.value > 0 for s in scenario.shocks if isinstance(s, PriorityShock))


def no_autonomy(scenario: Scenario) -> bool:
    """No state that values autonomy."""
    return not any(state.autonomy.value > 0 for state in scenario.states.values())


Reason = tuple[Callable[[Scenario], bool], str]

BONDS, SANCTIONS, HOSTILITY = (
    (no_bonds, "there is no bond in this world"),
    (no_sanctions, "there is no sanction in this world"),
    (no_hostility, "there is no rivalry and no sanction in this world"),
)

ALONE, WEAK = (one_bloc, "there is only one bloc"), (no_enforcement, "no bloc enforces anything")

REASONS: dict[str, tuple[Reason, ...]] = {
    "propensity": ((no_propensity, "there is no propensity between states in this world"),),
    "bond": (BONDS,),
    "reinforcement": (BONDS,),
    "strain": (BONDS, SANCTIONS),
    "outreach": (SANCTIONS,),
    "institution": ((no_institutions, "no two states share an institution"),),
    "hostility": (HOSTILITY,),
    "balance": (HOSTILITY, ALONE),
    "trade": ((no_trade, "there is no trade between states in this world"),),
    "shelter": (SANCTIONS,),
    "pressure": (ALONE, WEAK, (no_demand, "no theatre asks for attention")),
    "attention": ((no_demand, "no theatre asks for attention"),),
    "erosion": (ALONE, WEAK),
    "autonomy": ((no_autonomy, "no state values autonomy"),),
    "rivalry_response": (HOSTILITY,),
}
