"""Changing one setting of a frozen scenario, switching a mechanism off, and settling its list of ties."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sim.faults import suggestion
from sim.parameters import UNBOUNDED, Between, Parameters, Sourced, bounds_of
from sim.scenario import TIE_KINDS, Bloc, Institution, Scenario, State, Tie, computed

# What switching a mechanism off sets (MODEL §1): parameters to 0, or a setting of every bloc.
MECHANISMS: dict[str, dict[str, float]] = {
    "propensity": {"parameters.w_propensity": 0},
    "bond": {"parameters.w_bond": 0},
    "reinforcement": {"parameters.bond_return": 0, "parameters.bond_gain": 0, "parameters.bond_loss": 0},
    "strain": {"parameters.strain": 0},
    "outreach": {"parameters.outreach": 0},
    "institution": {"parameters.w_institution": 0},
    "hostility": {"parameters.w_hostility": 0},
    "balance": {"parameters.w_balance": 0},
    "trade": {"parameters.w_trade": 0},
    "shelter": {"parameters.w_shelter": 0},
    "accommodation": {"blocs.*.accommodation": 0},
    "pressure": {"parameters.w_pressure": 0},
    "attention": {"blocs.*.attention_budget": UNBOUNDED},
    "erosion": {"parameters.erosion": 0},
    "autonomy": {"parameters.w_autonomy": 0},
    "inertia": {"parameters.inertia": 0},
    "rivalry_response": {"parameters.rivalry_gain": 0, "parameters.rivalry_loss": 0},
    "sanction_response": {"parameters.sanction_response": 0, "parameters.sanction_relief": 0},
}


def with_settings(scenario: Scenario, settings: Mapping[str, float], *, note: str = "set by hand") -> Scenario:
    """The scenario with settings such as `parameters.erosion` or `blocs.us_led.priority.europe` changed.

    A bare parameter name and `blocs.*` work too. Raises ValueError for an unknown setting or a value out
    of its bounds.
    """
    for path, value in settings.items():
        for place in places(scenario, path):
            scenario = with_setting(scenario, place, float(value), note)
    return scenario


def number(text: str) -> float:
    """A number as people type it; raises ValueError, which says how per cent and decimal commas are written."""
    try:
        return float(text)
    except ValueError:
        near = text.strip().removesuffix("%").replace(",", ".")
        try:
            meant = float(near) / (100 if text.strip().endswith("%") else 1)
        except ValueError:
            raise ValueError(f"{text!r} is not a number") from None
        raise ValueError(f"{text!r} is not a number; write {meant:g}") from None


def with_mechanism_off(scenario: Scenario, mechanism: str) -> Scenario:
    """The scenario without a mechanism; raises ValueError where there is none of that name."""
    if mechanism not in MECHANISMS:
        near = suggestion(mechanism, MECHANISMS) or f" (known: {', '.join(MECHANISMS)})"
        raise ValueError(f"unknown mechanism{near}")
    return with_settings(scenario, MECHANISMS[mechanism], note=f"without {mechanism}")


def with_steps(scenario: Scenario, steps: int) -> Scenario:
    """The scenario with another number of steps; raises ValueError where a shock would come after the last."""
    last = max((shock.step for shock in scenario.shocks), default=1)
    if steps < last:
        raise ValueError(f"{steps} is before the shock at step {last}; give at least {last}")
    return scenario.model_copy(update={"steps": steps})


def places(scenario: Scenario, path: str) -> list[tuple[str, ...]]:
    """The settings that a path names: itself, one for every bloc where it says `*`."""
    parts = tuple(path.split("."))
    if len(parts) == 1 and path in Parameters.model_fields:
        return [("parameters", path)]
    return [("blocs", bloc, *parts[2:]) for bloc in scenario.blocs] if parts[:2] == ("blocs", "*") else [parts]


def canonical(scenario: Scenario, path: str) -> list[tuple[str, ...]]:
    """The settings that a path names, each spelled in one way: a tie without direction has its ends in order."""
    return [("ties", *key_of(*place[1:])) if is_tie(place) else place for place in places(scenario, path)]


def is_tie(place: tuple[str, ...]) -> bool:
    """Whether a setting is that of a tie."""
    return place[0] == "ties" and len(place) == 4


def given_twice(scenario: Scenario, given: Iterable[tuple[str, Iterable[str]]]) -> Iterator[tuple[str, str, str]]:
    """Settings that are given twice, whatever their spelling: who gives one again, what, and who gave it first.

    given are the paths of settings by who gives them, such as an option.
    """
    owners: dict[tuple[str, ...], str] = {}
    for owner, paths in given:
        found = [place for path in paths for place in canonical(scenario, path)]
        twice = next((place for place in found if place in owners), None)
        if twice is not None:
            yield owner, ".".join(twice), owners[twice]
        owners |= {place: owner for place in found if place not in owners}


def with_setting(scenario: Scenario, place: tuple[str, ...], value: float, note: str) -> Scenario:
    """The scenario with one setting changed; raises ValueError where it does not exist or is out of bounds."""
    number = Sourced(value=value, note=note) if math.isfinite(value) else None
    match place:
        case ("parameters", name) if name in Parameters.model_fields:
            bounds, table, path = bounds_of(Parameters, name), scenario, place
        case ("blocs", bloc, ("enforcement" | "attention_budget" | "accommodation") as name) if bloc in scenario.blocs:
            bounds, table, path = bounds_of(Bloc, name), scenario, place
        case ("blocs", bloc, "priority", theatre) if bloc in scenario.blocs and theatre in scenario.theatres:
            bounds, table, path = Between(0, UNBOUNDED), scenario, place
        case ("states", state, ("capability" | "gdp" | "autonomy") as name) if state in scenario.states:
            bounds, table, path = bounds_of(State, name), scenario, place
        case ("ties", kind, a, b) if kind in TIE_KINDS and {a, b} <= scenario.states.keys() and a != b:
            tie = Tie.model_validate({"kind": kind, "a": a, "b": b, "value": value, "note": note})
            held = next((old.regime for old in scenario.ties if tie_key(old) == tie_key(tie)), "")
            tie = tie.model_copy(update={"regime": held})  # how wide a sanction is changes, not whose it is
            return scenario.model_copy(update={"ties": settled((*scenario.ties, tie), scenario.institutions)})
        case _:
            near = suggestion(place[-1], Parameters.model_fields)
            raise ValueError(f"unknown setting {'.'.join(place)!r}{near}; {SETTINGS}")
    if number is None:
        raise ValueError(f"{'.'.join(place)}: {value:g} is not {bounds.phrase()}")
    try:
        bounds.check(number)
    except ValueError as error:
        raise ValueError(f"{'.'.join(place)}: {error}") from None
    changed: Scenario = replaced(table, path, number)
    return changed


SETTINGS = (
    "a setting is a parameter, blocs.BLOC.enforcement, .attention_budget, .accommodation or .priority.THEATRE,"
    " states.STATE.autonomy, .capability or .gdp, or ties.KIND.A.B"
)


def replaced(record: Any, path: tuple[str, ...], value: Any) -> Any:
    """A copy of a nested record with one place changed."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(record, dict):
        return {**record, head: replaced(record.get(head), rest, value)}
    return record.model_copy(update={head: replaced(getattr(record, head), rest, value)})


def changes(base: Scenario, scenario: Scenario) -> list[tuple[str, str, str]]:
    """What a run computes from that differs between two scenarios: place, value before, value after."""
    before, after = numbered(base), numbered(scenario)
    return [
        (place, before.get(place, "none"), after.get(place, "none"))
        for place in dict.fromkeys([*before, *after])
        if before.get(place) != after.get(place)
    ]


def numbered(scenario: Scenario) -> dict[str, str]:
    """Every value of a scenario by its place, as text."""
    content = computed(
        scenario.model_dump(exclude={"title", "question", "description", "role", "sweep", "without", "ties"})
    )
    arrow = {"sanction": "→"}
    for tie in scenario.ties:
        content.setdefault("ties", {})[f"{tie.kind} {tie.a}{arrow.get(tie.kind, '–')}{tie.b}"] = tie.value
    return dict(leaves(content, ""))


def leaves(content: Any, at: str) -> Iterator[tuple[str, str]]:
    """Places and values of a nested record."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, f"{at}.{key}" if at else str(key))
    elif isinstance(content, list) and at == "shocks":
        for n, shock in enumerate(content, start=1):
            yield f"shock {n}", " ".join(f"{k}={v}" for k, v in shock.items() if v != "")
    else:
        yield at, exact(content) if isinstance(content, float) else str(content)


def exact(value: float) -> str:
    """A number as short as can be without another one that reads alike: six digits, or all that it has."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


TieKey = tuple[str, str, str]  # kind and ends


def tie_key(tie: Tie) -> tuple[str, str, str]:
    """What makes a tie one and the same: its kind and ends, in either order where it has no direction."""
    return key_of(tie.kind, tie.a, tie.b)


def key_of(kind: str, a: str, b: str) -> tuple[str, str, str]:
    """The same from the kind and the ends."""
    return (kind, a, b) if kind == "sanction" or a <= b else (kind, b, a)


def settled(ties: Iterable[Tie], institutions: Mapping[str, Institution]) -> tuple[Tie, ...]:
    """Ties with selectors expanded, later ones replacing earlier ones, ties of 0 left out, in a fixed order.

    `@institution` stands for its members; `*` for every state that has a tie of the kind there already.
    """
    return placed(ties, institutions)[0]


def placed(ties: Iterable[Tie], institutions: Mapping[str, Institution]) -> tuple[tuple[Tie, ...], list[int]]:
    """The same, and the places in the list of the ties that change nothing, as there is no tie that they could change.

    Those are a value of 0, or a `*`, where no such tie was given before.
    """
    kept: dict[TieKey, Tie] = {}
    idle = []
    for n, tie in enumerate(ties):
        if is_plain(tie):
            key = key_of(tie.kind, tie.a, tie.b)
            if tie.value == 0 and not exists(kept, key):
                idle.append(n)
            as_is = tie.a == key[1]  # a copy of each of many ties takes seconds
            kept[key] = tie if as_is else tie.model_copy(update={"a": key[1], "b": key[2]})
            continue
        matched = list(matching(tie, kept, institutions))
        if not any(tie.value != 0 or exists(kept, key) for key in matched):
            idle.append(n)
        for key in matched:
            old = kept.get(key) if "*" in (tie.a, tie.b) and not tie.regime else None
            regime = old.regime if old else tie.regime
            kept[key] = tie.model_copy(update={"a": key[1], "b": key[2], "regime": regime})
    by_kind: dict[str, list[TieKey]] = {kind: [] for kind in TIE_KINDS}
    for key, tie in kept.items():
        if tie.value != 0:
            by_kind[key[0]].append(key)
    return tuple(kept[key] for keys in by_kind.values() for key in sorted(keys)), idle


def exists(ties: Mapping[TieKey, Tie], key: TieKey) -> bool:
    """Whether there is a tie other than 0."""
    return key in ties and ties[key].value != 0


def is_plain(tie: Tie) -> bool:
    """Whether a tie names two states, as nearly all do: then no selector need be looked at."""
    return tie.a != tie.b and tie.a[0] not in "@*" and tie.b[0] not in "@*"


def matching(
    tie: Tie, kept: Mapping[tuple[str, str, str], Tie], institutions: Mapping[str, Institution]
) -> Iterator[tuple[str, str, str]]:
    """Keys of the ties that a tie with selectors sets."""
    ends = [selected(end, institutions) for end in (tie.a, tie.b)]
    if None in ends:
        for kind, a, b in kept:
            turns = [(a, b)] if tie.kind == "sanction" else [(a, b), (b, a)]
            if kind == tie.kind and any(all(e is None or x in e for e, x in zip(ends, t, strict=True)) for t in turns):
                yield kind, a, b
        return
    for a in ends[0] or ():
        for b in ends[1] or ():
            if a != b:
                yield key_of(tie.kind, a, b)


def selected(selector: str, institutions: Mapping[str, Institution]) -> tuple[str, ...] | None:
    """States that a selector names; None for any."""
    if selector == "*":
        return None
    return institutions[selector[1:]].members if selector.startswith("@") else (selector,)
