"""The last value of a setting, a sweep or a list of shocks that counts, and the first that does not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.errors import InputError
from sim.scenario.checks import idle
from sim.scenario.checks.idle import idle_institutions, idle_shocks, idle_trade, idle_without
from sim.scenario.checks.references import KnownNames, reference_faults, suggest_state
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Institution, Spread, Sweep, Tie, text_to_hash
from sim.scenario.ties import place_ties
from tests.strategies import small

CASES = Path(__file__).parents[1] / "cases"


def message_of(model: Any, content: dict[str, Any]) -> str:
    """What is wrong with a record; empty if nothing is."""
    try:
        model.model_validate(content)
    except ValidationError as error:
        (fault,) = error.errors()
        return str(fault["msg"]).removeprefix("Value error, ")
    return ""


# Starts


@pytest.mark.parametrize(
    ("world", "start", "found"),
    [
        ("four", 'initial = "drawn"\ninitial_chances = { west = 0.5, east = 0.495 }', []),
        ("four", 'initial = "drawn"\ninitial_chances = { west = 0.5, east = 0.5, non_aligned = 0 }', []),
        ("four", 'initial = "drawn"\ninitial_chances = { west = 0.5, east = 0.52 }',
         ["initial_chances: sums to 1.02; give chances that sum to 1"]),
        ("four", 'initial = "drawn"\ninitial_chances = { west = 0.5, non_aligned = 0.48 }',
         ["initial_chances: sums to 0.98; give chances that sum to 1"]),
        ("four", 'initial = "drawn"\ninitial_chances = { west = 1, east = "x" }',
         ["initial_chances.east: 'x' is not a finite number"]),
        ("four", 'initial = "drawn"\ninitial_chances = { north = 1 }',
         ["initial_chances: unknown bloc 'north' (known: east, west)"]),
        ("four", 'initial = "drawn"',
         ["initial: is drawn, so give initial_chances, such as us_led 0.7; non_aligned 0.3"]),
        ("four", "initial_chances = { west = 1 }", ["initial_chances: has no effect unless initial is 'drawn'"]),
        ("three", 'initial = "drawn"\ninitial_chances = { left = 1, non_aligned = 0 }', []),
        ("three", 'initial = "drawn"\ninitial_chances = { left = 0.9, non_aligned = 0.1 }',
         ["initial_chances: this scenario forbids non-alignment, so its chance has to be 0"]),
    ],
)  # fmt: skip
def test_chances_of_a_start(
    world: str, start: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCS_SCENARIOS", str(CASES))
    state = {"four": "GBR", "three": "A"}[world]
    path = tmp_path / "w.toml"
    path.write_text(f'title = "W"\nworld = "{world}"\n[states.{state}]\n{start}\n', encoding="utf-8")
    if not found:
        assert load_scenario(path).states[state].initial == "drawn"
        return
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert [f"{fault.field}: {fault.message}" for fault in caught.value.faults] == [
        f"states.{state}.{fault}" for fault in found
    ]
    assert {fault.line for fault in caught.value.faults} == {3 + len(start.splitlines())}


@pytest.mark.parametrize(
    ("record", "said_if_whole", "said"),
    [({}, True, False), ({"initial": "east"}, True, True), ({"initial": "random"}, True, True),
     ({"initial": "west"}, False, False)],
)  # fmt: skip
def test_leader_starts_in_its_bloc(record: dict[str, Any], said_if_whole: bool, said: bool) -> None:
    """What could not be read might give the start that is missing, but not another than the one that is there."""
    content = {
        "blocs": {"west": {"leader": "A"}, "east": {}},
        "states": {"A": {"capability": 1, **record}, "B": {"capability": 0}},
    }
    fault = (("states", "A", "initial"), "leads 'west', so it must start there")
    assert [*reference_faults(content, None, True)] == [fault] * said_if_whole
    assert [*reference_faults(content, None, False)] == [fault] * said


@pytest.mark.parametrize(("sizes", "said"), [((0, 0.0), True), (({"value": 0}, 0), True), ((0, {"value": 1}), False)])
def test_some_state_has_capability(sizes: tuple[object, object], said: bool) -> None:
    content = {"states": {id: {"capability": size} for id, size in zip("AB", sizes, strict=True)}}
    fault = (("states",), "no state has any capability; give at least one a capability above 0")
    assert [*reference_faults(content, None, True)] == [fault] * said
    assert [*reference_faults(content, None, False)] == []


@pytest.mark.parametrize(
    ("given", "step", "last_if_whole", "last"),
    [({}, 40, 0, 0), ({}, 41, 40, 0), ({"steps": 5}, 5, 0, 0), ({"steps": 5}, 6, 5, 5), ({"steps": "x"}, 99, 0, 0)],
)
def test_last_step_of_a_shock(given: dict[str, Any], step: int, last_if_whole: int, last: int) -> None:
    """Forty steps are the default, which a file that could not be read might change."""
    shock = {"kind": "bond", "a": "A", "b": "B", "step": step}
    content = {"states": {id: {"capability": 1} for id in "AB"}, "shocks": [shock], **given}
    for whole, expected in ((True, last_if_whole), (False, last)):
        message = f"{step} is after the last step, {expected}"
        found = [*reference_faults(content, None, whole)]
        assert found == [(("shocks", 0, "step"), message)] * bool(expected)


# Names


def test_similar_names_are_searched_for_twenty_unknown_ones() -> None:
    names = KnownNames({"states": {f"AB{n:02}": {} for n in range(21)}}, whole=True)
    messages = [next(names.check("state", f"AB{n:02}X", ("x",)))[1] for n in [0, *range(20), 20]]
    assert messages[0] == messages[1]
    assert all("did you mean" in message for message in messages[:21])
    assert messages[21] == "unknown state 'AB20X'"


def test_longest_name_of_a_suggestion() -> None:
    assert suggest_state({"SUN": "x" * 60}, "RUS") == f" (in its place is 'SUN', {'x' * 60})"
    assert suggest_state({"SUN": "x" * 61}, "RUS") == f" (in its place is 'SUN', {'x' * 59}…)"


# Ties


@pytest.mark.parametrize(
    ("kind", "low", "high", "beyond", "words"),
    [
        ("bond", 0, 1, (-0.01, 1.01), "a number in [0, 1]"),
        ("sanction", 0, 1, (-0.01, 1.01), "a number in [0, 1]"),
        ("trade", 0, 1e15, (-0.01, 1.1e15), "a number in [0, 1e+15], in the unit of gdp"),
        ("propensity", -1e6, 1e6, (-1_000_000.5, 1_000_000.5), "a number in [-1e+06, 1e+06]"),
    ],
)
def test_least_and_largest_tie(kind: str, low: float, high: float, beyond: tuple[float, float], words: str) -> None:
    tie = {"kind": kind, "a": "A", "b": "B"}
    assert [message_of(Tie, {**tie, "value": value}) for value in (low, high)] == ["", ""]
    assert [message_of(Tie, {**tie, "value": value}) for value in beyond] == [f"{x:g} is not {words}" for x in beyond]


CLUB = {"club": Institution.model_validate({"name": "C", "cohesion": 1, "members": ["A", "B"]})}


def tie_of(a: str, b: str, value: float, kind: Any = "bond") -> Tie:
    """A tie without a regime."""
    return Tie(kind=kind, a=a, b=b, value=value)


ends = st.sampled_from(["A", "B", "C", "@club", "*"])
entries = st.builds(tie_of, ends, ends, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from(["bond", "sanction"]))
NAMED = {"A": "A", "B": "B", "C": "C", "@club": "AB", "*": "ABC"}


def expected_ties(ties: Sequence[Tie]) -> tuple[dict[tuple[str, str, str], float], list[int]]:
    """Values of ties by both ends and kind, and the indices of those that match nothing, pair by pair."""
    values: dict[tuple[str, str, str], float] = {}
    idle_ones = []
    for n, tie in enumerate(ties):
        matched = []
        for a, b in itertools.permutations("ABC", 2):
            turns = [(a, b)] if tie.kind == "sanction" else [(a, b), (b, a)]
            meets = any(x in NAMED[tie.a] and y in NAMED[tie.b] for x, y in turns)
            if meets and ("*" not in (tie.a, tie.b) or values.get((tie.kind, a, b))):
                matched.append((tie.kind, a, b))
        if not any(tie.value or values.get(key) for key in matched):
            idle_ones.append(n)
        values |= dict.fromkeys(matched, tie.value)
    return {key: value for key, value in values.items() if value}, idle_ones


@settings(deadline=None, max_examples=60)
@given(st.lists(entries, max_size=6))
@example([tie_of("A", "B", 0.5), tie_of("A", "B", 0), tie_of("*", "B", 0.5)])
@example([tie_of("B", "A", 0.5), tie_of("@club", "@club", 1), tie_of("*", "C", 0.5)])
def test_ties_one_after_the_other(ties: list[Tie]) -> None:
    """Each sets what it names, selectors and all, over the earlier ones; a pair without direction is one tie."""
    found, idle_ones = place_ties(ties, CLUB)
    both = {(tie.kind, *pair): tie.value for tie in found
            for pair in ([(tie.a, tie.b)] if tie.kind == "sanction" else [(tie.a, tie.b), (tie.b, tie.a)])}  # fmt: skip
    assert (both, idle_ones) == expected_ties(ties)
    assert [tie.kind for tie in found] == sorted((tie.kind for tie in found), key=["bond", "sanction"].index)


# Sweeps


EPSILON = math.ulp(1.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_narrowest_range(sign: int) -> None:
    """Values that are two neighbouring floats apart differ for certain."""

    def narrow(width: int, points: int | None) -> bool:
        one, other = sign, sign * (1 + width * EPSILON)
        found = {Spread(start=a, stop=b, points=points).is_too_narrow() for a, b in ((one, other), (other, one))}
        assert len(found) == 1
        return found.pop()

    assert [narrow(width, 3) for width in (0, 3, 4)] == [True, True, False]
    assert [narrow(width, None) for width in (1, 2)] == [True, False]


def test_most_points_of_a_design() -> None:
    def grid(*points: int) -> str:
        ranges = {f"s{n}": {"start": 0, "stop": 1, "points": count} for n, count in enumerate(points)}
        return message_of(Sweep, {"vary": ranges})

    assert (grid(1000, 100), grid(10_000, 10)) == ("", "")
    assert grid(1000, 101) == "crosses to 101000 design points; give at most 100000"
    values = tuple(range(100_001))
    assert message_of(Sweep, {"design": "list", "vary": {"a": values[1:], "b": values[1:]}}) == ""
    assert message_of(Sweep, {"design": "list", "vary": {"a": values}}).startswith(
        "pairs to 100001 design points; give"
    )
    sampled = {f"s{n}": {"start": 0, "stop": 1} for n in range(18)}
    assert message_of(Sweep, {"design": "sobol", "points": 8, "vary": sampled}) == ""


def test_value_given_twice() -> None:
    vary = {"a": (1, 2, 1.0)}
    assert message_of(Sweep, {"vary": vary}) == "a has the value 1.0 twice; give each value once"
    assert message_of(Sweep, {"design": "list", "vary": vary}) == ""
    assert Sweep().design == "grid"


def test_text_of_a_record_has_one_order_and_no_nan() -> None:
    assert text_to_hash({"b": [1.5], "a": {"d": 1, "c": 2}}) == '{"a":{"c":2,"d":1},"b":[1.5]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        text_to_hash({"a": math.nan})


# Entries that change nothing


def test_largest_scenario_that_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shocks times ties, or times pairs of members, are at most ten million."""
    assert idle.MOST_COMPARED == 10_000_000
    shocks = [{"kind": "crisis", "step": 1, "theatre": "sea", "intensity": 0, "duration": 1}] * 3
    members = {"club": {"name": "club", "cohesion": 1, "members": ["A", "B", "C"]}}
    for scenario, most in ((small(shocks=shocks), 15), (small(shocks=shocks, institutions=members), 27)):
        monkeypatch.setattr(idle, "MOST_COMPARED", most)
        message = "has an intensity of 0, so it changes nothing"
        assert [*idle_shocks(scenario)] == [(n, message) for n in range(3)]
        monkeypatch.setattr(idle, "MOST_COMPARED", most - 1)
        assert [*idle_shocks(scenario)] == []
    assert [*idle_shocks(small())] == []


def test_trade_of_states_without_product() -> None:
    states = small().model_dump()["states"]
    states = {**states, "B": {**states["B"], "gdp": 0}, "C": {**states["C"], "gdp": 0}}
    pairs = [("B", "C", 0.5), ("B", "C", 0), ("A", "B", 0.5), ("C", "B", 1), ("*", "B", 0.5)]
    ties = [Tie(kind="trade", a=a, b=b, value=value) for a, b, value in pairs]
    bond = Tie(kind="bond", a="B", b="C", value=0.5)
    message = "neither state of this trade has a gdp, so it changes nothing; give their gdp"
    assert [*idle_trade(small(states=states), [*ties, bond])] == [(0, message), (3, message)]
    alike = {id: {**state, "gdp": 1} for id, state in states.items()}
    assert [*idle_trade(small(states=alike), ties)] == []


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ((), ""), (("bond",), ""), (("strain", "bond"), ""),
        (("strain",), "strain is off already, so it changes nothing"),
        (("strain", "likeness"), "strain, likeness are off already, so it changes nothing"),
    ],
)  # fmt: skip
def test_mechanisms_that_are_off_already(without: tuple[str, ...], said: str) -> None:
    assert idle_without(small(without=without)) == said


@pytest.mark.parametrize("members", [[], ["A"], ["A", "B"]])
def test_institution_of_fewer_than_two_members(members: list[str]) -> None:
    def found(**changes: Any) -> list[tuple[str, str]]:
        clubs = {"club": {"name": "club", "cohesion": 1, "members": members}}
        return [*idle_institutions(small(institutions=clubs, **changes))]

    count = {0: "has no member", 1: "has one member"}.get(len(members))
    assert found() == ([("club", f"{count} and ties no two states, so it changes nothing")] if count else [])
    step = {"step": 1, "value": 0.5}
    for shock in (
        {"kind": "membership", "step": 1, "institution": "club", "state": "C", "joins": True},
        {"kind": "sanction", "sender": "@club", "target": "C", **step},
        {"kind": "bond", "a": "C", "b": "@club", **step},
    ):
        assert found(shocks=[shock]) == []
