"""Scenarios with one field changed, and whether a results folder goes on with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from sim.batch.store import Results
from sim.batch.sweep import Question, prepare_results
from sim.errors import InputError
from sim.scenario.schema import Scenario

NOT_COMPUTED = {
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


def not_computed(place: tuple[Any, ...]) -> bool:
    """Whether a place of a scenario is for readers alone: no run is computed from it."""
    named = place[-1] == "name" and place[0] in ("blocs", "institutions", "states")
    return place[-1] in NOT_COMPUTED or named or (len(place) == 2 and place[0] == "theatres")


def fields(scenario: Scenario) -> list[tuple[Any, ...]]:
    """The place of each field of a scenario."""
    return [place for place, _ in leaves(scenario.model_dump(exclude={"sweep"}), ())]


def changed(scenario: Scenario, place: tuple[Any, ...]) -> Scenario | None:
    """A scenario with one field changed to another allowed value; nothing where there is none."""
    content = value = scenario.model_dump()
    for part in place:
        value = value[part]
    for other in others(value):
        try:
            made = Scenario.model_validate(with_value(content, place, other))
        except ValidationError:
            continue
        if made != scenario:
            return made
    return None


def leaves(content: Any, at: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a record, and every list as a whole, with its place."""
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
    """Other values of the same kind, of which one is allowed."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, (int, float)):
        return (value / 2, value + 1, 0.25) if isinstance(value, float) else (value + 1, value - 1)
    if isinstance(value, (list, tuple)):
        return (value[:-1],) if value else ()
    return tuple(word for word in WORDS if word != value) if value is not None else ("XYZ",)


def with_value(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of a record with one place changed."""
    if not place:
        return value
    head, rest = place[0], place[1:]
    if isinstance(content, dict):
        return {**content, head: with_value(content[head], rest, value)}
    return tuple(with_value(item, rest, value) if n == head else item for n, item in enumerate(content))


def verdict(question: Question, results: Results) -> str:
    """The reason why a results folder refuses a question; nothing where it goes on with it."""
    try:
        prepare_results(question, results)
    except InputError as error:
        return str(error)
    return ""
