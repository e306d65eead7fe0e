"""Find the mechanisms that cannot matter in a scenario, each with the reason."""

from __future__ import annotations

from collections.abc import Callable

from sim.scenario.checks.idle import unsampled_parameters
from sim.scenario.overrides import MECHANISMS, setting_places
from sim.scenario.schema import Scenario
from sim.scenario.shocks import (
    BlocShock,
    Crisis,
    Membership,
    PairShock,
    ParameterShock,
    PriorityShock,
    SanctionShock,
)


def mechanisms_without_effect(scenario: Scenario) -> dict[str, str]:
    """Give the reason for each mechanism that changes no outcome of a scenario.

    A mechanism that is absent may matter: the reasons are sufficient, not necessary.
    """
    found = {}
    for mechanism in MECHANISMS:
        already = "it is off in this scenario already" if is_mechanism_off(scenario, mechanism) else ""
        if reason := idle_reason(scenario, mechanism) or already:
            found[mechanism] = reason
    return found


def idle_reason(scenario: Scenario, mechanism: str) -> str:
    """Say why a mechanism changes no outcome whatever its parameters are; empty where it may."""
    return next((reason for holds, reason in REASONS.get(mechanism, ()) if holds(scenario)), "")


def settings_without_effect(scenario: Scenario) -> dict[str, str]:
    """Give the reason for each parameter and lever that changes no outcome of a scenario; sufficient reasons only."""
    found: dict[str, str] = {}
    for mechanism, sets in MECHANISMS.items():
        if reason := idle_reason(scenario, mechanism):
            found |= {".".join(place[-3:]): reason for path in sets for place in setting_places(scenario, path)}
    found = {path.removeprefix("parameters."): reason for path, reason in found.items()}
    for name in scenario.blocs:
        if not gives_attention(scenario, name):
            found[f"blocs.{name}.attention_budget"] = "this bloc gives attention to no theatre"
            if not has_regime(scenario, name):
                found[f"blocs.{name}.enforcement"] = "this bloc gives attention to no theatre and sanctions no state"
    offers = [shock for shock in scenario.shocks if isinstance(shock, BlocShock) and shock.setting == "accommodation"]
    if not offers and not any(bloc.accommodation.value for bloc in scenario.blocs.values()):
        found["accommodation_cost"] = "no bloc offers coexistence"
    return found


def gives_attention(scenario: Scenario, bloc: str) -> bool:
    """Whether a bloc may give attention to a theatre at some time; a crisis asks all for it."""
    shocks = (s for s in scenario.shocks if isinstance(s, PriorityShock) and s.bloc == bloc and s.value > 0)
    own = any(number.value > 0 for number in scenario.blocs[bloc].priority.values()) or any(True for _ in shocks)
    return own or any(isinstance(s, Crisis) and s.intensity > 0 for s in scenario.shocks)


def has_regime(scenario: Scenario, bloc: str) -> bool:
    """Whether sanctions may be of the regime of a bloc at some time."""
    ties = (one.regime for one in scenario.ties if one.kind == "sanction")
    shocked = (one.regime for one in scenario.shocks if isinstance(one, SanctionShock))
    return bloc in {*ties, *shocked} or is_ever_positive(scenario, "sanction_response")


def is_mechanism_off(scenario: Scenario, mechanism: str) -> bool:
    """Return whether a scenario has every value that switching a mechanism off sets."""
    return all(
        value_at(scenario, place) == value
        for path, value in MECHANISMS[mechanism].items()
        for place in setting_places(scenario, path)
    )


def value_at(scenario: Scenario, place: tuple[str, ...]) -> float:
    """Return the value of a parameter, or of a setting of a bloc."""
    record = scenario.parameters if place[0] == "parameters" else scenario.blocs[place[1]]
    return float(getattr(record, place[-1]).value)


def is_ever_positive(scenario: Scenario, parameter: str) -> bool:
    """Return whether a parameter exceeds 0, at the start or after a shock."""
    shocks = [s for s in scenario.shocks if isinstance(s, ParameterShock) and s.parameter == parameter]
    return getattr(scenario.parameters, parameter).value > 0 or any(shock.value > 0 for shock in shocks)


def ever_has_ties(scenario: Scenario, kind: str) -> bool:
    """Return whether a tie of a kind exists, at the start or after a shock."""
    if any(tie.kind == kind and tie.value != 0 for tie in scenario.ties):
        return True
    shocks = (s for s in scenario.shocks if isinstance(s, (PairShock, SanctionShock)) and s.kind == kind)
    return any(shock.value > 0 for shock in shocks)


def no_propensity(scenario: Scenario) -> bool:
    """Return whether propensity is absent."""
    return not ever_has_ties(scenario, "propensity")


def no_sanctions(scenario: Scenario) -> bool:
    """Return whether sanctions are absent at every step."""
    return not ever_has_ties(scenario, "sanction") and not is_ever_positive(scenario, "sanction_response")


def no_bonds(scenario: Scenario) -> bool:
    """Return whether bonds are absent at every step; outreach of sanctioned states makes bonds too."""
    makes = is_ever_positive(scenario, "outreach") and not no_sanctions(scenario)
    return not ever_has_ties(scenario, "bond") and not makes


def no_hostility(scenario: Scenario) -> bool:
    """Return whether rivalry and sanctions are absent at every step."""
    return not ever_has_ties(scenario, "rivalry") and no_sanctions(scenario)


def no_trade(scenario: Scenario) -> bool:
    """Return whether trade is absent."""
    return not ever_has_ties(scenario, "trade")


def no_institutions(scenario: Scenario) -> bool:
    """Return whether no institution ever has two members."""
    binding = [one for one in scenario.institutions.values() if one.cohesion.value > 0]
    joins = any(isinstance(shock, Membership) and shock.joins for shock in scenario.shocks)
    return not any(len(set(one.members)) > 1 for one in binding) and not (binding and joins)


def one_bloc(scenario: Scenario) -> bool:
    """Return whether there is a single bloc."""
    return len(scenario.blocs) == 1


def no_enforcement(scenario: Scenario) -> bool:
    """Return whether no bloc ever enforces anything."""
    shocks = (s for s in scenario.shocks if isinstance(s, BlocShock) and s.setting == "enforcement")
    return not any(bloc.enforcement.value > 0 for bloc in scenario.blocs.values()) and not any(s.value for s in shocks)


def no_demand(scenario: Scenario) -> bool:
    """Return whether no theatre ever asks for attention."""
    has_priority = any(number.value > 0 for bloc in scenario.blocs.values() for number in bloc.priority.values())
    has_crisis = any(s.intensity > 0 for s in scenario.shocks if isinstance(s, Crisis))
    has_shock = any(s.value > 0 for s in scenario.shocks if isinstance(s, PriorityShock))
    return not (has_priority or has_crisis or has_shock)


def no_autonomy(scenario: Scenario) -> bool:
    """Return whether no state values autonomy."""
    return not any(state.autonomy.value > 0 for state in scenario.states.values())


def no_likeness(scenario: Scenario) -> bool:
    """Return whether no two states ever have a polyarchy."""
    return "w_likeness" in unsampled_parameters(scenario)


def fresh_dispositions(scenario: Scenario) -> bool:
    """Return whether dispositions are drawn at every decision."""
    return scenario.dispositions == "fresh"


PLAIN_NAMES = {  # of the mechanisms
    "propensity": "Stated affinities", "bond": "Bonds of the past", "reinforcement": "Bonds grow and fade",
    "strain": "Strain strengthens bonds", "outreach": "The sanctioned reach out", "institution": "Shared institutions",
    "likeness": "Likeness of regimes", "hostility": "Hostility to members", "balance": "Balance against threats",
    "trade": "Trade", "shelter": "Shelter from sanctions", "accommodation": "Offer of coexistence",
    "pressure": "Pressure of the other blocs", "attention": "Limited attention", "erosion": "Erosion of enforcement",
    "autonomy": "Worth of staying outside", "hedging": "Bonds kept by staying outside", "inertia": "Cost of a change",
    "renewal": "Changes of government", "rivalry_response": "Rivalries respond",
    "sanction_response": "Sanctions respond",
}  # fmt: skip

Reason = tuple[Callable[[Scenario], bool], str]

NO_BOND, NO_SANCTION, NO_HOSTILITY = (
    (no_bonds, "there is no bond in this world"),
    (no_sanctions, "there is no sanction in this world"),
    (no_hostility, "there is no rivalry and no sanction in this world"),
)

ONE_BLOC, NO_ENFORCEMENT = (one_bloc, "there is only one bloc"), (no_enforcement, "no bloc enforces anything")

REASONS: dict[str, tuple[Reason, ...]] = {
    "propensity": ((no_propensity, "there is no propensity between states in this world"),),
    "bond": (NO_BOND,),
    "reinforcement": (NO_BOND,),
    "strain": (NO_BOND, NO_SANCTION),
    "outreach": (NO_SANCTION,),
    "institution": ((no_institutions, "no two states share an institution"),),
    "likeness": ((no_likeness, "no two states have a polyarchy"),),
    "hostility": (NO_HOSTILITY,),
    "balance": (NO_HOSTILITY, ONE_BLOC),
    "trade": ((no_trade, "there is no trade between states in this world"),),
    "shelter": (NO_SANCTION,),
    "pressure": (ONE_BLOC, NO_ENFORCEMENT, (no_demand, "no theatre asks for attention")),
    "attention": ((no_demand, "no theatre asks for attention"),),
    "erosion": (ONE_BLOC, NO_ENFORCEMENT),
    "autonomy": ((no_autonomy, "no state values autonomy"),),
    "hedging": (NO_BOND,),
    "renewal": ((fresh_dispositions, "dispositions are drawn at every decision"),),
    "rivalry_response": (NO_HOSTILITY,),
}
