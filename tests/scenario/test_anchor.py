"""The factual world: what of a scenario it takes, and settings that change it too."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from sim.errors import InputError
from sim.scenario.anchor import BELIEFS, factual_world
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import (
    list_changes,
    setting_places,
    setting_value,
    settings_given_twice,
    with_mechanism_off,
    with_settings,
)
from sim.scenario.schema import Scenario

WORLD = Path(__file__).parents[1] / "cases" / "worlds" / "four"
CALENDAR = 'date = 2023-10-31\nstep = "month"\n'
CHANGED = """
[blocs.west]
enforcement = 0.3
[parameters]
erosion = 0.1
[states.USA]
capability = 12
initial = "west"
[[ties]]
kind = "bond"
a = "USA"
b = "RUS"
value = 0.5
[[shocks]]
kind = "upheaval"
step = 2
state = "RUS"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose world `kept` has a calendar, and kept dispositions."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(tmp_path))
    world = shutil.copytree(WORLD, tmp_path / "worlds" / "kept") / "world.toml"
    shock = '[[shocks]]\nkind = "rivalry"\nstep = 1\na = "USA"\nb = "RUS"\nvalue = 0.5\n'
    world.write_text(f'{CALENDAR}dispositions = "kept"\n{world.read_text("utf-8")}{shock}', encoding="utf-8")
    (tmp_path / "changed.toml").write_text(f'title = "Changed"\nworld = "kept"\n{CHANGED}', encoding="utf-8")
    return tmp_path


@pytest.fixture
def changed(folder: Path) -> Scenario:
    """A scenario that changes beliefs and circumstances of its world."""
    return load_scenario(folder / "changed.toml")


def test_anchor_is_the_world_before_any_scenario_file(folder: Path, changed: Scenario) -> None:
    world = load_scenario("kept")
    assert changed.anchor == world.model_copy(update={"anchor": None, "shocks": ()})
    assert len(world.shocks) == 1
    assert world.anchor == changed.anchor
    assert changed.anchor is not None
    assert changed.anchor.blocs["west"].enforcement.value == 0.8


@pytest.mark.parametrize("line", ['dispositions = "fresh"', "anchored = false"])
def test_no_anchor_without_need(folder: Path, line: str) -> None:
    (folder / "other.toml").write_text(f'title = "Other"\nworld = "kept"\n{line}\n', encoding="utf-8")
    scenario = load_scenario(folder / "other.toml")
    assert scenario.anchor is None
    assert "anchor" not in dict(list_changes(scenario, scenario))
    assert factual_world(scenario) == scenario.model_copy(update={"shocks": ()})


def test_scenario_file_may_keep_dispositions_of_a_fresh_world(folder: Path) -> None:
    world = folder / "worlds" / "kept" / "world.toml"
    world.write_text(world.read_text("utf-8").replace('dispositions = "kept"\n', ""), encoding="utf-8")
    assert load_scenario("kept").anchor is None
    (folder / "kept_here.toml").write_text('title = "K"\nworld = "kept"\ndispositions = "kept"\n', encoding="utf-8")
    fresh = load_scenario("kept")
    assert load_scenario("kept_here").anchor == fresh.model_copy(update={"shocks": ()})


def test_beliefs_alone_enter_the_factual_world(changed: Scenario) -> None:
    found = factual_world(changed)
    assert changed.anchor is not None
    assert found.parameters == changed.parameters
    assert found.states["USA"].capability.value == 12
    assert (found.shocks, found.anchor) == ((), None)
    content = found.model_dump(exclude={"parameters", "states"})
    assert content == changed.anchor.model_dump(exclude={"parameters", "states"})
    for id, state in found.states.items():
        other = changed.anchor.states[id]
        assert state.model_dump(exclude={*BELIEFS}) == other.model_dump(exclude={*BELIEFS})


def test_a_file_has_no_anchor(folder: Path) -> None:
    text = (folder / "changed.toml").read_text("utf-8")
    (folder / "changed.toml").write_text(text.replace('"kept"\n', '"kept"\nanchor = 1\n'), encoding="utf-8")
    with pytest.raises(InputError, match=r"changed\.toml:3: anchor: does not belong here"):
        load_scenario("changed")


def test_faults_of_a_world_that_is_no_factual_world(folder: Path) -> None:
    world = folder / "worlds" / "kept" / "world.toml"
    text = world.read_text("utf-8").replace('leader = "USA"', 'leader = "XXX"')
    world.write_text(text, encoding="utf-8")
    over = 'title = "O"\nworld = "kept"\n[blocs.west]\nleader = "USA"\n'
    (folder / "over.toml").write_text(over, encoding="utf-8")
    with pytest.raises(InputError, match=r"world\.toml:\d+: blocs\.west\.leader: unknown state 'XXX'"):
        load_scenario("over")


def test_equal_beliefs_give_equal_digests(folder: Path, changed: Scenario) -> None:
    digest = changed.digest()
    assert with_settings(changed, {"world.blocs.west.enforcement": 0.9}).digest() != digest
    stated = with_settings(changed, {"world.parameters.erosion": 0.4})  # the scenario has another value
    assert (stated.parameters.erosion.value, stated.digest()) == (0.1, digest)
    assert changed.model_copy(update={"anchor": None}).digest() != digest
    fresh = load_scenario(WORLD)
    assert fresh.model_copy(update={"anchor": None}).digest() == fresh.digest()


def test_digest_without_what_a_scenario_does_not_use(changed: Scenario) -> None:
    fresh = load_scenario(WORLD)
    first = with_settings(fresh, {"w_bond": 1.1, "temperature": 0.08, "w_likeness": 0, "w_hedging": 0})
    assert first.digest() == "6b433038950cb5e336a9239073f5f7acfc7d30019b19c81f70c8c51b4ef05a94"  # of version 0.1
    assert with_settings(fresh, {"renewal": 0.02, "states.GBR.renewal": 2}).digest() == fresh.digest()
    for path in ("w_likeness", "w_hedging", "states.GBR.polyarchy"):
        assert with_settings(fresh, {path: 0.02}).digest() != fresh.digest()
    for path in ("renewal", "states.RUS.renewal"):
        assert with_settings(changed, {path: 0.02}).digest() != changed.digest()
    kept = fresh.model_copy(update={"dispositions": "kept"})
    digests = {found.digest() for found in (fresh, kept, kept.model_copy(update={"anchored": False}))}
    assert len(digests) == 3


def test_anchor_in_records(changed: Scenario) -> None:
    for copy in (
        Scenario.model_validate(changed.model_dump(mode="json")),
        Scenario.model_validate_json(changed.model_dump_json()),
        pickle.loads(pickle.dumps(changed)),  # noqa: S301
    ):
        assert copy == changed
        assert copy.digest() == changed.digest()


@pytest.mark.parametrize(
    ("path", "own", "agrees"),
    [
        ("blocs.west.enforcement", 0.3, False),
        ("blocs.east.enforcement", 0, True),
        ("blocs.west.priority.asia", 0, True),
        ("blocs.west.priority.europe", 0.5, True),
        ("erosion", 0.1, False),
        ("w_bond", 1.8, True),
        ("states.USA.capability", 12, False),
        ("states.GBR.polyarchy", None, True),
        ("ties.bond.USA.RUS", 0.5, False),
        ("ties.bond.RUS.PRK", 0, True),
        ("ties.rivalry.USA.PRK", 1, True),
    ],
)
def test_setting_of_the_world(changed: Scenario, path: str, own: float | None, agrees: bool) -> None:
    (place,) = setting_places(changed, path)
    assert setting_value(changed, place) == own
    found = with_settings(changed, {f"world.{path}": 0.25})
    assert found.anchor is not None
    assert setting_value(found.anchor, place) == 0.25
    assert setting_value(found, place) == (0.25 if agrees else setting_value(changed, place))
    alone = with_settings(changed.model_copy(update={"anchor": None}), {f"world.{path}": 0.25})
    assert setting_value(alone, place) == 0.25
    assert alone.anchor is None


def test_order_of_settings_does_not_matter(changed: Scenario) -> None:
    for own in (0, 0.6):  # the world has 0
        given = {"blocs.east.enforcement": own, "world.blocs.east.enforcement": 0.2}
        one, other = (with_settings(changed, dict(items)) for items in (given.items(), [*given.items()][::-1]))
        assert one == other == changed.with_settings(given)
        assert one.anchor is not None
        assert (one.blocs["east"].enforcement.value, one.anchor.blocs["east"].enforcement.value) == (own, 0.2)


def test_every_bloc_of_the_world(changed: Scenario) -> None:
    found = with_settings(changed, {"world.blocs.*.enforcement": 0.25})
    assert found.anchor is not None
    assert [bloc.enforcement.value for bloc in found.anchor.blocs.values()] == [0.25, 0.25]
    assert [bloc.enforcement.value for bloc in found.blocs.values()] == [0.3, 0.25]


@pytest.mark.parametrize("path", ["world.erosoin", "world.blocs.north.enforcement", "world.world.erosion", "world."])
def test_unknown_setting_of_the_world(changed: Scenario, path: str) -> None:
    with pytest.raises(ValueError, match="unknown setting"):
        with_settings(changed, {path: 0.5})


@pytest.mark.parametrize(
    ("path", "twice", "without_anchor"),
    [
        ("erosion", True, True),
        ("states.USA.gdp", True, True),
        ("blocs.west.enforcement", False, True),
        ("ties.bond.USA.RUS", False, True),
    ],
)
def test_one_number_given_as_the_worlds_and_as_its_own(
    changed: Scenario, path: str, twice: bool, without_anchor: bool
) -> None:
    owners = [("one", [f"world.{path}"]), ("two", [path])]
    alone = changed.model_copy(update={"anchor": None})
    assert bool([*settings_given_twice(changed, owners)]) == twice
    assert bool([*settings_given_twice(alone, owners)]) == without_anchor
    if twice:
        with pytest.raises(InputError, match="leave one out"):
            changed.with_settings({path: 0.1, f"world.{path}": 0.2})


@pytest.mark.parametrize("mechanism", ["accommodation", "attention", "shelter"])
def test_mechanisms_are_beliefs(changed: Scenario, mechanism: str) -> None:
    off = with_mechanism_off(changed, mechanism)
    assert changed.anchor is not None
    assert factual_world(off) == with_mechanism_off(factual_world(changed), mechanism)


def test_mechanism_of_a_file_is_off_in_the_factual_world(folder: Path) -> None:
    (folder / "off.toml").write_text('title = "O"\nworld = "kept"\nwithout = ["attention"]\n', encoding="utf-8")
    off: Any = load_scenario("off")
    assert off.anchor.blocs == off.blocs != load_scenario("kept").blocs


def test_changes_of_the_factual_world_are_listed(changed: Scenario) -> None:
    found = with_settings(changed, {"world.blocs.west.enforcement": 0.9, "world.w_bond": 2})
    assert list_changes(changed, found) == [
        ("parameters.w_bond", "1.8", "2"),
        ("world.blocs.west.enforcement", "0.8", "0.9"),
    ]
    assert list_changes(changed.model_copy(update={"anchor": None}), changed) == []
