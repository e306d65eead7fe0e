"""Change settings of a frozen scenario, switch mechanisms off, and list the changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from numbers import Real
from typing import Any, NamedTuple

from pydantic import ValidationError

from sim.calendar import step_end
from sim.errors import Fault, InputError, quote, suggest
from sim.scenario.anchor import BELIEFS, is_belief, with_scales
from sim.scenario.parameters import UNBOUNDED, Between, Parameters, Sourced, bounds_of
from sim.scenario.schema import TIE_KINDS, Bloc, Scenario, State, Tie, computed_content
from sim.scenario.ties import expand_ties, make_tie_key, place_of_tie, tie_key

# What switching a mechanism off sets (model: Purpose and patterns): parameters to 0, or a setting of every bloc.
MECHANISMS: dict[str, dict[str, float]] = {
    "propensity": {"parameters.w_propensity": 0},
    "bond": {"parameters.w_bond": 0},
    "reinforcement": {"parameters.bond_return": 0, "parameters.bond_gain": 0, "parameters.bond_loss": 0},
    "strain": {"parameters.strain": 0},
    "outreach": {"parameters.outreach": 0},
    "institution": {"parameters.w_institution": 0},
    "likeness": {"parameters.w_likeness": 0},
    "hostility": {"parameters.w_hostility": 0},
    "balance": {"parameters.w_balance": 0},
    "trade": {"parameters.w_trade": 0},
    "shelter": {"parameters.w_shelter": 0},
    "accommodation": {"blocs.*.accommodation": 0},
    "pressure": {"parameters.w_pressure": 0},
    "attention": {"blocs.*.attention_budget": UNBOUNDED},
    "erosion": {"parameters.erosion": 0},
    "autonomy": {"parameters.w_autonomy": 0},
    "hedging": {"parameters.w_hedging": 0},
    "inertia": {"parameters.inertia": 0},
    "renewal": {"parameters.renewal": 0},
    "rivalry_response": {"parameters.rivalry_gain": 0, "parameters.rivalry_loss": 0},
    "sanction_response": {"parameters.sanction_response": 0, "parameters.sanction_relief": 0},
}

BY_HAND, BY_COMMAND = "set by hand", "set on the command line"  # notes of numbers that no file gives


def with_settings(scenario: Scenario, settings: Mapping[str, float], *, note: str = BY_HAND) -> Scenario:
    """Change settings of a scenario.

    Parameters
    ----------
    scenario
        The scenario, which stays as it is.
    settings
        Values by setting, such as `parameters.erosion` or `blocs.us_led.priority.europe`, each in the unit and
        range of its field. A parameter needs no prefix; `blocs.*` means every bloc. `world.PATH` changes the
        factual world, as if the world's file said so: the scenario's own value at PATH too, where it has the
        world's, and only that where dispositions are not anchored. Settings of the world come first.
    note
        Reason that each changed number carries.

    Returns
    -------
    Scenario
        A copy with the new values.

    Raises
    ------
    ValueError
        If a setting is unknown or its value is out of bounds.
    """
    for path, value in sorted(settings.items(), key=lambda item: not is_of_world(item[0])):
        if is_of_world(path) and scenario.anchor is not None:
            scenario = with_world_setting(scenario, scenario.anchor, path, float(value), note)
            continue
        for place in setting_places(scenario, path.removeprefix(OF_WORLD)):
            scenario = with_setting(scenario, place, float(value), note)
    return scenario


OF_WORLD = "world."  # begins the setting of a factual world


def is_of_world(path: str) -> bool:
    """Whether a setting is one of the factual world."""
    return path.startswith(OF_WORLD)


def with_world_setting(scenario: Scenario, anchor: Scenario, path: str, value: float, note: str) -> Scenario:
    """Change a setting of the factual world, and of the scenario where it agrees with that world."""
    for place in setting_places(anchor, path.removeprefix(OF_WORLD)):
        changed = with_setting(anchor, place, value, note)
        if setting_value(scenario, place) == setting_value(anchor, place):
            scenario = with_setting(scenario, place, value, note)
        anchor = changed
    return scenario.model_copy(update={"anchor": anchor})


def setting_value(scenario: Scenario, place: tuple[str, ...]) -> float | None:
    """Value of a setting that exists; None for a polyarchy that is not known."""
    number: Sourced | None
    match place:
        case ("parameters", name):
            number = getattr(scenario.parameters, name)
        case ("blocs", bloc, "priority", theatre):
            number = scenario.blocs[bloc].priority.get(theatre, Sourced(value=0))
        case ("ties", kind, a, b):
            key = make_tie_key(kind, a, b)
            return next((tie.value for tie in scenario.ties if tie_key(tie) == key), 0.0)
        case ("scales", kind, level):
            number = scenario.scales[kind][level]
        case (table, id, name):
            number = getattr(getattr(scenario, table)[id], name)
        case _:
            raise ValueError(f"unknown setting {'.'.join(place)!r}")
    return None if number is None else number.value


class Change(NamedTuple):
    """A change of a scenario, and who asks for it."""

    owner: str  # a function or an option
    field: str  # an argument, or the text of the option
    label: str  # the name of the change in a message about another one
    paths: tuple[str, ...]  # the settings that it changes
    apply: Callable[[Scenario], Scenario]  # raises ValueError


def setting_change(owner: str, path: str, value: float) -> Change:
    """Return the change of one setting."""
    return Change(owner, path, path, (path,), lambda scenario: with_settings(scenario, {path: value}))


def mechanism_change(owner: str, name: str) -> Change:
    """Return the change that switches a mechanism off."""
    label = f"without {name}"
    return Change(owner, label, label, mechanism_paths(name), lambda scenario: with_mechanism_off(scenario, name))


def mechanism_paths(name: str) -> tuple[str, ...]:
    """Settings that switching a mechanism off changes, those of the factual world too; none if it is unknown."""
    paths = (*MECHANISMS.get(name, ()),)
    return (*paths, *(OF_WORLD + path for path in paths))


def steps_change(owner: str, steps: int) -> Change:
    """Return the change of the number of steps."""
    return Change(owner, "steps", "steps", (), lambda scenario: with_steps(scenario, steps))


def apply_changes(scenario: Scenario, changes: Iterable[Change]) -> Scenario:
    """Apply changes; raises InputError with every fault, such as a setting that two changes give.

    Changes of the factual world come first, since they change a scenario where it agrees with that world.
    """
    asked = sorted(changes, key=lambda change: not (change.paths and all(map(is_of_world, change.paths))))
    by_label = {change.label: change for change in asked}
    faults = [
        Fault(by_label[label].owner, 1, by_label[label].field, f"gives {place}, and so does {other}; leave one out")
        for label, place, other in settings_given_twice(scenario, [(change.label, change.paths) for change in asked])
    ]
    for change in asked:
        try:
            scenario = change.apply(scenario)
        except ValueError as error:
            faults.append(Fault(change.owner, 1, change.field, str(error)))
    if faults:
        raise InputError(faults)
    return scenario


def change_settings(scenario: Scenario, settings: Mapping[str, float]) -> Scenario:
    """Return the scenario with settings changed; raises InputError with every fault."""
    owner = "with_settings"
    if not isinstance(settings, Mapping):
        raise InputError([Fault(owner, 1, "settings", f"{quote(settings)} is not a mapping of settings to numbers")])
    if faults := [
        Fault(owner, 1, str(path), f"{quote(value)} is not a number")
        for path, value in settings.items()
        if not isinstance(value, Real) or isinstance(value, bool)
    ]:
        raise InputError(faults)
    return apply_changes(scenario, [setting_change(owner, str(path), value) for path, value in settings.items()])


def with_mechanism_off(scenario: Scenario, mechanism: str) -> Scenario:
    """Switch a mechanism off: set its parameters to 0, or a setting of every bloc (model: Purpose and patterns).

    Parameters
    ----------
    scenario
        The scenario, which stays as it is.
    mechanism
        A key of `MECHANISMS`, such as `shelter`.

    Returns
    -------
    Scenario
        A copy without the mechanism, and without it in its factual world: which mechanisms work is a belief.

    Raises
    ------
    ValueError
        If the mechanism is unknown.
    """
    if mechanism not in MECHANISMS:
        near = suggest(mechanism, MECHANISMS) or f" (known: {', '.join(MECHANISMS)})"
        raise ValueError(f"unknown mechanism{near}")
    note = f"without {mechanism}"
    anchor = scenario.anchor and with_settings(scenario.anchor, MECHANISMS[mechanism], note=note)
    return with_settings(scenario, MECHANISMS[mechanism], note=note).model_copy(update={"anchor": anchor})


def with_steps(scenario: Scenario, steps: int) -> Scenario:
    """Change the number of steps.

    Parameters
    ----------
    scenario
        The scenario, which stays as it is.
    steps
        The new number of steps, from the step of the last shock on.

    Returns
    -------
    Scenario
        A copy with the new number of steps.

    Raises
    ------
    ValueError
        If a shock would come after the last step, or the last step would end after the year 9999.
    """
    last = max((shock.step for shock in scenario.shocks), default=1)
    if steps < last:
        raise ValueError(f"{steps} is before the shock at step {last}; give at least {last}")
    if scenario.date is not None:
        step_end(date.fromisoformat(scenario.date), scenario.step, steps)
    return scenario.model_copy(update={"steps": steps})


def setting_places(scenario: Scenario, path: str) -> list[tuple[str, ...]]:
    """Places of the settings that a path names; `blocs.*` gives one for every bloc."""
    if is_of_world(path):
        return [("world", *place) for place in setting_places(scenario.anchor or scenario, path.removeprefix(OF_WORLD))]
    parts = tuple(path.split("."))
    if len(parts) == 1 and path in Parameters.model_fields:
        return [("parameters", path)]
    return [("blocs", bloc, *parts[2:]) for bloc in scenario.blocs] if parts[:2] == ("blocs", "*") else [parts]


def canonical_place(scenario: Scenario, path: str) -> list[tuple[str, ...]]:
    """Places of the settings that a path names, in one spelling: ties without direction have sorted ends.

    A setting of the factual world and the scenario's own are one where they set one number: a belief, which both have
    in common, or any setting of a scenario without an anchor.
    """
    found = []
    for place in setting_places(scenario, path):
        world, own = (place[:1], place[1:]) if is_of_world(path) else ((), place)
        own = ("ties", *make_tie_key(*own[1:])) if is_tie(own) else own
        found.append(own if scenario.anchor is None or is_belief(own) else (*world, *own))
    return found


def is_tie(place: tuple[str, ...]) -> bool:
    """Whether a place is the value of a tie."""
    return place[0] == "ties" and len(place) == 4


def settings_given_twice(
    scenario: Scenario, owners: Iterable[tuple[str, Iterable[str]]]
) -> Iterator[tuple[str, str, str]]:
    """Settings that two owners set, whatever the spelling: the later owner, the setting, and the earlier owner.

    `owners` gives each owner, such as an option, with the paths of its settings.
    """
    first: dict[tuple[str, ...], str] = {}
    for owner, paths in owners:
        places = [place for path in paths for place in canonical_place(scenario, path)]
        twice = next((place for place in places if place in first), None)
        if twice is not None:
            yield owner, ".".join(twice), first[twice]
        first |= {place: owner for place in places if place not in first}


def with_setting(scenario: Scenario, place: tuple[str, ...], value: float, note: str) -> Scenario:
    """Change one setting; raises ValueError if it does not exist or its value is out of bounds."""
    match place:
        case ("parameters", name) if name in Parameters.model_fields:
            bounds = bounds_of(Parameters, name)
        case ("blocs", bloc, ("enforcement" | "attention_budget" | "accommodation") as name) if bloc in scenario.blocs:
            bounds = bounds_of(Bloc, name)
        case ("blocs", bloc, "priority", theatre) if bloc in scenario.blocs and theatre in scenario.theatres:
            bounds = Between(0, UNBOUNDED)
        case ("scales", kind, level) if level in scenario.scales.get(kind, ()):
            bounds = Between(0, 1)
        case ("states", state, name) if state in scenario.states and name in BELIEFS:
            bounds = bounds_of(State, name)
        case ("ties", kind, a, b) if kind in TIE_KINDS and {a, b} <= scenario.states.keys() and a != b:
            try:
                tie = Tie.model_validate({"kind": kind, "a": a, "b": b, "value": value, "note": note})
            except ValidationError as error:
                message = error.errors()[0]["msg"].removeprefix("Value error, ")
                raise ValueError(f"{'.'.join(place)}: {message}") from None
            regime = next((old.regime for old in scenario.ties if tie_key(old) == tie_key(tie)), "")
            tie = tie.model_copy(update={"regime": regime})  # a new value does not move a sanction to another regime
            return scenario.model_copy(update={"ties": expand_ties((*scenario.ties, tie), scenario.institutions)})
        case _:
            near = suggest(place[-1], Parameters.model_fields)
            raise ValueError(f"unknown setting {'.'.join(place)!r}{near}; {SETTINGS}")
    try:
        bounds.check(value)
    except ValueError as error:
        raise ValueError(f"{'.'.join(place)}: {error}") from None
    changed: Scenario = replace_value(scenario, place, Sourced(value=value, note=note))
    return with_scales(scenario, changed.scales) if place[0] == "scales" else changed


SETTINGS = (
    "a setting is a parameter, blocs.BLOC.enforcement, .attention_budget, .accommodation or .priority.THEATRE,"
    " states.STATE.autonomy, .capability, .gdp, .polyarchy or .renewal, ties.KIND.A.B or scales.KIND.LEVEL; world."
    " before it changes the factual world too"
)


def replace_value(record: Any, path: tuple[str, ...], value: Any) -> Any:
    """Copy a nested record with one place changed."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(record, dict):
        return {**record, head: replace_value(record.get(head), rest, value)}
    return record.model_copy(update={head: replace_value(getattr(record, head), rest, value)})


def list_changes(base: Scenario, scenario: Scenario) -> list[tuple[str, str, str]]:
    """List the differences between two scenarios that a run depends on.

    Parameters
    ----------
    base, scenario
        The scenarios before and after; titles, sources, notes and the sweep do not count.

    Returns
    -------
    list of (str, str, str)
        Place, value before and value after of each difference; `none` means that the place does not exist. A place
        that begins with `world.` is one of the factual worlds, which are compared where both scenarios have one.
    """
    before, after = flatten_scenario(base), flatten_scenario(scenario)
    if base.anchor is not None and scenario.anchor is not None:
        before |= circumstances(base.anchor)
        after |= circumstances(scenario.anchor)
    return [
        (place, before.get(place, "none"), after.get(place, "none"))
        for place in dict.fromkeys([*before, *after])
        if before.get(place) != after.get(place)
    ]


def circumstances(anchor: Scenario) -> dict[str, str]:
    """Every value of a factual world as text but the beliefs, which its scenario has too, by its place."""
    found = flatten_scenario(anchor).items()
    return {OF_WORLD + place: value for place, value in found if not is_belief(tuple(place.split(".")))}


def flatten_scenario(scenario: Scenario) -> dict[str, str]:
    """Every value of a scenario but its anchor as text, by its place."""
    content = computed_content(
        scenario.model_dump(exclude={"title", "question", "description", "role", "sweep", "without", "ties", "anchor"})
    )
    ties = {place_of_tie(tie): tie.value for tie in scenario.ties}
    return dict(iterate_leaves(content, "")) | {place: exact_text(value) for place, value in ties.items()}


def iterate_leaves(content: Any, at: str) -> Iterator[tuple[str, str]]:
    """Yield place and value of each leaf of a nested record."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from iterate_leaves(value, f"{at}.{key}" if at else str(key))
    elif isinstance(content, list) and at == "shocks":
        for n, shock in enumerate(content):
            yield f"shocks[{n}]", " ".join(f"{k}={v}" for k, v in shock.items() if v != "")
    else:
        yield at, exact_text(content) if isinstance(content, float) else str(content)


def exact_text(value: float) -> str:
    """A number with six digits, or with all its digits if six change it."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
