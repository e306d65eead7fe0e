"""Change one field of a scenario, and ask whether a results folder accepts it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from sim.batch.store import Results
from sim.batch.sweep import Question, prepare_results
from sim.errors import InputError
from sim.scenario.schema import Scenario

NOT_COMPUTED = {
    "level",
    "title",
    "question",
    "description",
    "role",
    "source",
    "note",
    "members_source",
    "initial_source",
    "without",
}
WORDS = ("random", "simultaneous", "fixed_order", "non_aligned", "rivalry", "bond", "trade", "enforcement",
         "accommodation", "attention_budget", "list", "XYZ", "elsewhere", "*")  # fmt: skip


BELIEFS = {"capability", "gdp", "autonomy", "polyarchy", "renewal"}  # of states: the anchor takes the scenario's own


def not_computed(place: tuple[Any, ...], kept: bool = False) -> bool:
    """Whether no run is computed from this field of a scenario with fresh or kept dispositions."""
    if place[0] == "anchor" and len(place) > 1:
        own = place[1:]
        believed = own[0] in ("parameters", "scales", "sweep") or (own[0] == "states" and own[2] in BELIEFS)
        return believed or not_computed(own, kept)
    is_name = place[-1] == "name" and place[0] in ("blocs", "institutions", "states")
    fresh = not kept and (place == ("anchored",) or "renewal" in place)
    return place[-1] in NOT_COMPUTED or is_name or fresh or (len(place) == 2 and place[0] == "theatres")


def fields(scenario: Scenario) -> list[tuple[Any, ...]]:
    """The path of each field of a scenario; of fields that differ only by their places in lists, the first two."""
    kinds: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for place, _ in leaves(scenario.model_dump(exclude={"sweep"}), ()):
        kinds.setdefault(tuple("#" if isinstance(part, int) else part for part in place), []).append(place)
    return [place for alike in kinds.values() for place in alike[:2]]


def changed(scenario: Scenario, place: tuple[Any, ...]) -> Scenario | None:
    """The scenario with one field changed to another allowed value; None where there is no such value."""
    content = value = scenario.model_dump()
    for part in place:
        value = value[part]
    for other in others(value):
        try:
            result = Scenario.model_validate(with_value(content, place, other))
        except ValidationError:
            continue
        if result != scenario:
            return result
    return None


def leaves(content: Any, at: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value and every list of a record, with its path."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*at, key))
    elif isinstance(content, (list, tuple)):
        yield at, content
        for n, value in enumerate(content):
            yield from leaves(value, (*at, n))
    else:
        yield at, content


def others(value: Any) -> tuple[Any, ...]:
    """Other values of the same type; at least one should be allowed."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, (int, float)):
        return (value / 2, value + 1, 0.25) if isinstance(value, float) else (value + 1, value - 1)
    if isinstance(value, (list, tuple)):
        return (value[:-1],) if value else ()
    return tuple(word for word in WORDS if word != value) if value is not None else ("XYZ",)


def with_value(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of a record with one value changed."""
    if not place:
        return value
    head, rest = place[0], place[1:]
    if isinstance(content, dict):
        return {**content, head: with_value(content[head], rest, value)}
    return tuple(with_value(item, rest, value) if n == head else item for n, item in enumerate(content))


def verdict(question: Question, results: Results) -> str:
    """The reason why a results folder refuses a question; '' where it accepts it."""
    try:
        prepare_results(question, results)
    except InputError as error:
        return str(error)
    return ""
