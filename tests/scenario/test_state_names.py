"""Suggestions for misspelled states come from the states of the world at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.analysis.history.others import parse_conditions
from sim.analysis.states.decisions import check_state
from sim.app.upheavals import parse_upheaval
from sim.cli import cli
from sim.errors import InputError
from sim.scenario.checks.references import find_similar_words, find_state_id, suggest_state
from sim.scenario.loading import load_scenario
from sim.scenario.parameters import Sourced
from sim.scenario.schema import State

NAMES = {"NGA": "Nigeria", "NER": "Niger", "YEM": "Yemen", "HRV": "Croatia"}
STATES = {
    code: State(name=name, theatre="anywhere", capability=Sourced(value=0.1, source="assumed"))
    for code, name in NAMES.items()
}


@pytest.mark.parametrize(
    ("word", "code"), [("Niger", "NER"), ("niger", "NER"), ("Nigeria", "NGA"), ("Nigerr", "NER"), ("yemen", "YEM")]
)
def test_nearest_state(word: str, code: str) -> None:
    assert suggest_state(NAMES, word) == f" (did you mean '{code}'?)"


def test_full_name_of_one_state_in_any_case_is_its_id() -> None:
    """An id is never a name, and a name of two states is that of none."""
    assert [find_state_id(STATES, word) for word in ("Niger", "nIGERIA", "Nige", "YEM")] == [
        "NER",
        "NGA",
        "Nige",
        "YEM",
    ]
    twice = {**STATES, "NIG": STATES["NER"]}
    assert find_state_id(twice, "Niger") == "Niger"
    assert find_state_id({"A": STATES["NER"].model_copy(update={"name": "B"}), "B": STATES["NGA"]}, "B") == "B"


def test_words_that_begin_alike_come_before_similar_ones() -> None:
    known = {"niger": "NER", "nigeria": "NGA", "niege": "X", "ni": "Y"}
    assert find_similar_words("nig", known) == ["niger", "nigeria"]
    assert find_similar_words("ni", known)[:1] == ["ni"]  # two letters begin too many words
    assert find_similar_words("nigre", known)[0] == "niger"


def test_suggestion_of_states_in_the_world_only() -> None:
    assert "NER" not in suggest_state({"NGA": "Nigeria"}, "Niger")


@pytest.mark.parametrize(
    ("word", "names", "said"),
    [("RUS", {"SUN": "Soviet Union", "RUM": "Rum"}, "in its place is 'SUN', Soviet Union"),
     ("russia", {"SUN": "Soviet Union"}, "in its place is 'SUN', Soviet Union"),
     ("DEU", {"FRG": "West Germany", "DDR": "East Germany"}, "in its place is 'FRG', West Germany"),
     ("SUN", {"RUS": "Russia"}, "in its place is 'RUS', Russia"),
     ("YUG", {"SRB": "Serbia"}, "in its place is 'SRB', Serbia"),
     ("UKR", {"TUR": "Turkey"}, "known: TUR"), ("UKR", {f"A{n}": f"Aland {n}" for n in range(13)}, "not in this world"),
     ("TUX", {"TUR": "Turkey"}, "did you mean 'TUR'?")],
)  # fmt: skip
def test_state_in_the_place_of_another(word: str, names: dict[str, str], said: str) -> None:
    assert suggest_state(names, word) == f" ({said})"


def test_one_rule_wherever_a_state_is_unknown(tmp_path: Path) -> None:
    """A file, an option and the app say the same of RUS in a world of 1980."""
    said = "unknown state 'RUS' (in its place is 'SUN', Soviet Union)"
    path = tmp_path / "own.toml"
    path.write_text(
        'title = "own"\nextends = "helsinki_decade"\n[[ties]]\nkind = "bond"\na = "RUS"\nb = "USA"\nvalue = 0.1\n',
        "utf-8",
    )
    scenario = load_scenario("cold_war_1980")
    for refuse in (
        lambda: load_scenario(path), lambda: check_state(scenario, "RUS"), lambda: parse_upheaval(scenario, "RUS:3"),
        lambda: parse_conditions(scenario, "RUS enters west"),
    ):  # fmt: skip
        with pytest.raises((InputError, ValueError)) as caught:
            refuse()
        assert said in str(caught.value)
    shown = CliRunner().invoke(cli, ["show", "cold_war_1980", "--state", "RUS"])
    assert shown.exit_code == 2
    assert said in " ".join(shown.stderr.split())


def test_state_with_an_article_in_a_condition() -> None:
    scenario = load_scenario("baseline_2023")
    states = {**scenario.states, "BRA": scenario.states["BRA"].model_copy(update={"name": "The Gambia"})}
    for words in ("The Gambia", "the gambia", "Gambia"):
        (found,) = parse_conditions(scenario.model_copy(update={"states": states}), f"{words} enters front")
        assert found.state == [*states].index("BRA")


@pytest.mark.second
def test_no_package_of_country_names() -> None:
    code = (
        "import sys, sim.scenario.checks, sim.scenario.loading, sim.analysis.explain\n"
        "assert not {'pycountry', 'country_converter'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
