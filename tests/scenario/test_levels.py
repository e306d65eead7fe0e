"""Named levels of ties: a number once, for every tie that has the level, in the scenario and in its factual world."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.errors import InputError
from sim.model.world import world_of
from sim.scenario.anchor import factual_world
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import list_changes, with_settings
from sim.scenario.schema import Scenario

LEVELS = Path(__file__).parents[1] / "cases" / "valid" / "levels.toml"


@pytest.fixture(autouse=True)
def folder_of_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scenarios find the worlds of the cases."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(LEVELS.parents[1]))


def bond(scenario: Scenario) -> float:
    """Return the bond of the United States and Russia."""
    return next(tie.value for tie in scenario.ties if (tie.kind, tie.a, tie.b) == ("bond", "RUS", "USA"))


def test_level_is_the_number_of_the_scale() -> None:
    scenario = load_scenario(LEVELS)
    assert bond(scenario) == 0.1
    assert [shock.value for shock in scenario.shocks if shock.kind == "bond"] == [0.9]


@pytest.mark.parametrize("value", [0.05, 0.2])
def test_changed_scale_changes_all_its_ties(value: float) -> None:
    scenario = load_scenario(LEVELS)
    changed = with_settings(scenario, {"scales.bond.paper": value, "scales.bond.pact": 0.8})
    assert bond(changed) == value
    assert [shock.value for shock in changed.shocks if shock.kind == "bond"] == [0.8]
    assert changed.digest() != scenario.digest()
    assert ("scales.bond.paper", "0.1", f"{value:g}") in list_changes(scenario, changed)


def test_value_given_in_numbers_does_not_follow_the_scale() -> None:
    scenario = with_settings(load_scenario(LEVELS), {"ties.bond.USA.RUS": 0.5})
    assert bond(with_settings(scenario, {"scales.bond.paper": 0.7})) == 0.5


def test_factual_world_shares_the_scale() -> None:
    """A scale is a belief: it holds in the factual world too, whether a file or a setting changes it."""
    scenario = load_scenario(LEVELS)
    anchored = scenario.model_copy(
        update={"dispositions": "kept", "anchor": scenario.model_copy(update={"shocks": ()})}
    )
    changed = with_settings(anchored, {"scales.bond.paper": 0.4})
    assert bond(factual_world(changed)) == 0.4
    world = world_of(changed)
    assert world.factual is not None
    i, j = (world.states.index(id) for id in ("USA", "RUS"))
    assert world.factual.start.bond[i, j] == world.start.bond[i, j] == 0.4


def test_level_in_capitals_is_named(tmp_path: Path) -> None:
    tie = "[[ties]]\nkind = 'bond'\na = 'USA'\nb = 'RUS'\nvalue = 'Pact'\n"
    (tmp_path / "a.toml").write_text(LEVELS.read_text(encoding="utf-8") + tie, encoding="utf-8")
    with pytest.raises(InputError, match=r"'Pact' is not a level of the bond scale \(did you mean 'pact'\?\)"):
        load_scenario(tmp_path / "a.toml")


def test_unknown_level_of_a_setting() -> None:
    with pytest.raises(InputError, match="unknown setting"):
        load_scenario(LEVELS).with_settings({"scales.bond.pct": 0.5})


def test_level_out_of_bounds_is_named() -> None:
    for value in (1.5, float("inf")):
        with pytest.raises(ValueError, match=rf"^scales\.bond\.pact: {value:g} is not a number in \[0, 1\]$"):
            with_settings(load_scenario(LEVELS), {"scales.bond.pact": value})


def test_tie_out_of_bounds_in_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^ties\.sanction\.USA\.RUS: 1\.5 is not a number in \[0, 1\]$"):
        with_settings(load_scenario(LEVELS), {"ties.sanction.USA.RUS": 1.5})
