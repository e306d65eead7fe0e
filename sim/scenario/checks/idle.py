"""Find entries of a scenario that change nothing, such as a shock that sets a value to what it is.

Only certain cases count: a shock to a tie that the rules may change before it is never idle.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from sim.calendar import ROUND
from sim.errors import PathInFile
from sim.scenario.overrides import MECHANISMS, OF_WORLD, setting_places, setting_value
from sim.scenario.parameters import Parameters
from sim.scenario.schema import SAMPLED, Scenario, Tie
from sim.scenario.shocks import (
    Crisis,
    Membership,
    PairShock,
    ParameterShock,
    PolyarchyShock,
    PriorityShock,
    SanctionShock,
    Shock,
    Upheaval,
)
from sim.scenario.ties import TieKey, matching_ties, names_two_states, tie_key

NOTHING = "so it changes nothing"

GROWS = {
    "bond": ("outreach",),
    "rivalry": (),
    "sanction": ("sanction_response",),
}  # parameters by which ties grow from 0 during a run

MOST_COMPARED = 10**7  # shocks times ties; larger scenarios are not searched

DRIFTS = {  # parameters by which ties change during a run
    "bond": ("bond_return", "bond_gain", "bond_loss", "outreach"),
    "rivalry": ("rivalry_gain", "rivalry_loss"),
    "sanction": ("sanction_response", "sanction_relief"),
}


def explain_unmatched(tie: Tie, present: Collection[TieKey]) -> str:
    """Why a tie that matches no other changes nothing, and whether a sanction has the opposite direction."""
    arrow = "on" if tie.kind == "sanction" else "and"
    message = f"no {tie.kind} of {tie.a} {arrow} {tie.b} exists, {NOTHING}"
    back = tie.kind == "sanction" and names_two_states(tie) and (tie.kind, tie.b, tie.a) in present
    return f"{message}; the existing sanction is of {tie.b} on {tie.a}" if back else message


def idle_trade(scenario: Scenario, ties: Iterable[Tie]) -> Iterator[tuple[int, str]]:
    """Index and message of each trade between states without product, where neither depends on the other."""
    for n, tie in enumerate(ties):
        traded = tie.kind == "trade" and tie.value > 0 and names_two_states(tie)
        if traded and scenario.states[tie.a].gdp.value == scenario.states[tie.b].gdp.value == 0:
            yield n, f"neither state of this trade has a gdp, {NOTHING}; give their gdp"


def idle_without(scenario: Scenario) -> str:
    """Message if all mechanisms of `without` are off before they are switched off; empty otherwise."""
    settings = [setting for mechanism in scenario.without for setting in MECHANISMS[mechanism].items()]
    values = [(place, off) for path, off in settings for place in setting_places(scenario, path)]
    off_already = bool(values) and all(setting_value(scenario, place) == off for place, off in values)
    are = "are" if len(scenario.without) > 1 else "is"
    return f"{', '.join(scenario.without)} {are} off already, {NOTHING}" if off_already else ""


def idle_dispositions(scenario: Scenario) -> Iterator[tuple[PathInFile, str]]:
    """Path and message of each entry for kept dispositions that changes nothing, and of a calendar without them."""
    kept = scenario.dispositions == "kept"
    keep = 'set dispositions = "kept"'
    if not kept and scenario.step != ROUND:
        yield ("step",), f"dispositions are fresh, and the amount of switching then depends on the step; {keep}"
    if not kept and not scenario.anchored:
        yield ("anchored",), f"dispositions are fresh, {NOTHING}; {keep}"
    multiplied = [id for id, state in scenario.states.items() if state.renewal.value != 1]
    if multiplied and not kept:
        yield ("states", multiplied[0], "renewal"), f"dispositions are fresh, so no renewal changes anything; {keep}"
    leaders = {bloc.leader for bloc in scenario.blocs.values()}
    for id in multiplied if kept else ():
        if scenario.states[id].fixed or id in leaders:
            yield ("states", id, "renewal"), f"{id} never decides, {NOTHING}"


def idle_beliefs(scenario: Scenario) -> Iterator[tuple[PathInFile, str]]:
    """Path and message of each multiplier of no renewal, and of likeness without regimes to compare."""
    shocked = {shock.parameter for shock in scenario.shocks if isinstance(shock, ParameterShock)}
    rate, weight = scenario.parameters.renewal.value, scenario.parameters.w_likeness.value
    states = scenario.states.items()
    swept = {path.rpartition(".")[2] for path in scenario.sweep.vary}
    if scenario.dispositions == "kept" and rate == 0 and "renewal" not in shocked | swept:
        for id in [id for id, state in states if state.renewal.value != 1][:1]:
            yield ("states", id, "renewal"), f"the parameter renewal is 0, {NOTHING}"
    given = weight not in (0, Parameters().w_likeness.value)
    if given and "polyarchy" not in swept and (why := unsampled_parameters(scenario).get("w_likeness")):
        yield ("parameters", "w_likeness"), f"{why}, {NOTHING}"


def idle_setting(scenario: Scenario, path: str) -> str:
    """Message if a run depends on no value of a parameter, given by the path of a setting; empty otherwise."""
    name = path.removeprefix("world.").removeprefix("parameters.")
    why = unsampled_parameters(scenario).get(name, "") if name != "w_hedging" else ""
    if path.startswith("states.") and name.endswith(".renewal") and scenario.dispositions == "fresh":
        why = "dispositions are fresh"
    return f"{why}, {NOTHING}" if why else ""


def unsampled_parameters(scenario: Scenario) -> dict[str, str]:
    """Parameters that no analysis samples in a scenario unless it is asked to, each with the reason."""
    shocks = scenario.shocks
    known = {id for id, state in scenario.states.items() if state.polyarchy is not None}
    known |= {shock.state for shock in shocks if isinstance(shock, PolyarchyShock)}
    lacks = {
        "w_likeness": (len(known) < 2, "no two states have a polyarchy"),
        "renewal": (scenario.dispositions == "fresh", "dispositions are fresh"),
    }
    if scenario.sweep.lens == "tendency":
        lacks["renewal"] = (True, "the lens of tendency sets it")
    return {name: why for name, (lacking, why) in lacks.items() if lacking}


def idle_institutions(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Name and message of each institution with fewer than two members that no tie or shock refers to."""
    named = {shock.institution for shock in scenario.shocks if isinstance(shock, Membership)}
    entries = [*scenario.ties, *scenario.shocks]
    named |= {end[1:] for entry in entries for end in tie_ends(entry) if end.startswith("@")}
    for name, institution in scenario.institutions.items():
        if len(institution.members) < 2 and name not in named:
            count = "one member" if institution.members else "no member"
            yield name, f"has {count} and ties no two states, {NOTHING}"


def tie_ends(entry: Tie | Shock) -> tuple[str, ...]:
    """The two states or selectors of a tie, or of a shock to ties; empty for other shocks."""
    if isinstance(entry, (Tie, PairShock)):
        return entry.a, entry.b
    return (entry.sender, entry.target) if isinstance(entry, SanctionShock) else ()


@dataclass
class Course:
    """Ties, memberships and settings after the shocks so far; what the sweep of the file varies may be anything."""

    scenario: Scenario
    ties: dict[TieKey, tuple[float, str]]  # value and regime of those above 0
    members: dict[str, set[str]]
    shocked: frozenset[str]  # parameters that a shock sets
    swept: frozenset[tuple[str, ...]]  # places that the sweep of the file varies
    set_to: dict[tuple[str, ...], float | None]  # NaN where the sweep varies it


def idle_shocks(scenario: Scenario) -> Iterator[tuple[int, str]]:
    """Index and message of each shock of a resolved scenario that changes nothing."""
    largest = max((len(institution.members) for institution in scenario.institutions.values()), default=0)
    if not scenario.shocks or len(scenario.shocks) * max(len(scenario.ties), largest**2) > MOST_COMPARED:
        return
    sampled = Parameters.model_fields if scenario.sweep.design in SAMPLED else ()
    paths = [path.removeprefix(OF_WORLD) for path in scenario.sweep.vary or sampled]
    swept = frozenset(place for path in paths for place in setting_places(scenario, path))
    course = Course(
        scenario,
        ties={tie_key(tie): (tie.value, tie.regime) for tie in scenario.ties},
        members={name: set(institution.members) for name, institution in scenario.institutions.items()},
        shocked=frozenset(shock.parameter for shock in scenario.shocks if isinstance(shock, ParameterShock)),
        swept=swept,
        set_to=dict.fromkeys(swept, math.nan),
    )
    for n, shock in sorted(enumerate(scenario.shocks), key=lambda pair: pair[1].step):
        if why := idle_shock(shock, course):
            yield n, f"{why}, {NOTHING}" if NOTHING not in why else why


def idle_shock(shock: Shock, course: Course) -> str:
    """Why a shock changes nothing, empty if it may change something; updates the course."""
    scenario = course.scenario
    if isinstance(shock, Crisis):
        return "has an intensity of 0" if shock.intensity == 0 else ""
    if isinstance(shock, (SanctionShock, PairShock)):
        return idle_tie_shock(shock, course)
    if isinstance(shock, Membership):
        members = course.members[shock.institution]
        idle = (shock.state in members) == shock.joins
        (members.add if shock.joins else members.discard)(shock.state)
        return f"{shock.state} is {'' if shock.joins else 'not '}a member of {shock.institution} then" if idle else ""
    if isinstance(shock, Upheaval):
        return "" if may_exceed_0(course, "temperature") else "the temperature is 0, where dispositions do not count"
    if isinstance(shock, PolyarchyShock) and (why := idle_likeness(shock, course)):
        return why
    place: tuple[str, ...]
    if isinstance(shock, ParameterShock):
        place, start = ("parameters", shock.parameter), getattr(scenario.parameters, shock.parameter).value
    elif isinstance(shock, PriorityShock):
        priority = scenario.blocs[shock.bloc].priority.get(shock.theatre)
        place, start = ("blocs", shock.bloc, "priority", shock.theatre), priority.value if priority else 0.0
    elif isinstance(shock, PolyarchyShock):
        place, start = (
            ("states", shock.state, "polyarchy"),
            setting_value(scenario, ("states", shock.state, "polyarchy")),
        )
    else:
        place, start = ("blocs", shock.bloc, shock.setting), getattr(scenario.blocs[shock.bloc], shock.setting).value
    before = course.set_to.get(place, start)
    course.set_to[place] = shock.value
    return f"{'.'.join(place)} is {shock.value:g} then already" if before == shock.value else ""


def idle_likeness(shock: PolyarchyShock, course: Course) -> str:
    """Why a change of a state's polyarchy does not count, empty if it may."""
    if not may_exceed_0(course, "w_likeness"):
        return "w_likeness is 0"
    known = {id for id, state in course.scenario.states.items() if state.polyarchy is not None}
    known |= {other.state for other in course.scenario.shocks if isinstance(other, PolyarchyShock)}
    return "" if known - {shock.state} else f"no state but {shock.state} has a polyarchy to be compared with"


def may_exceed_0(course: Course, parameter: str) -> bool:
    """Whether a parameter may exceed 0, at the start, after a shock or in the sweep of the file."""
    return (
        getattr(course.scenario.parameters, parameter).value > 0
        or parameter in course.shocked
        or ("parameters", parameter) in course.swept
    )


def idle_tie_shock(shock: SanctionShock | PairShock, course: Course) -> str:
    """Why a shock to ties changes nothing, empty if it may change something; updates the course."""
    if any(place[:2] in (("ties", shock.kind), ("scales", shock.kind)) for place in course.swept):
        return ""
    a, b = tie_ends(shock)
    regime = shock.regime if isinstance(shock, SanctionShock) else ""
    tie = Tie(kind=shock.kind, a=a, b=b, value=shock.value, regime=regime)
    if names_two_states(tie):
        matched = [tie_key(tie)]
    else:
        matched = [*matching_ties(tie, dict.fromkeys(course.ties, tie), course.scenario.institutions)]
    any_end = "*" in (a, b)
    before = {key: course.ties.get(key, (0.0, "")) for key in matched}
    after = {key: (shock.value, regime or (old if any_end else "")) for key, (_, old) in before.items()}
    grows = moves_ties(shock.kind, GROWS, course) and not (
        any_end and shock.kind == "bond"
    )  # a bond with `*` depends on the initial bonds only
    met = any(value > 0 for value, _ in before.values())
    message = ""
    if not met and (any_end or shock.value == 0) and not grows:
        message = explain_unmatched(tie, course.ties)
    elif met and before == after and not moves_ties(shock.kind, DRIFTS, course):
        message = "it is so then already"
    for key, tie_after in after.items():
        course.ties.pop(key, None)
        if shock.value > 0:
            course.ties[key] = tie_after
    return message


def moves_ties(kind: str, by: dict[str, tuple[str, ...]], course: Course) -> bool:
    """Whether these parameters may change ties of a kind during a run."""
    return any(may_exceed_0(course, parameter) for parameter in by[kind])
