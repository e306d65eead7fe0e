"""Suggestions for misspelled states come from the states of the world at hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sim.scenario.checks.references import suggest_state
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
    assert suggest_state(STATES, word) == f" (did you mean '{code}'?)"


def test_suggestion_of_states_in_the_world_only() -> None:
    assert "NER" not in suggest_state({"NGA": STATES["NGA"]}, "Niger")


@pytest.mark.second
def test_no_package_of_country_names() -> None:
    code = (
        "import sys, sim.scenario.checks, sim.scenario.loading, sim.analysis.explain\n"
        "assert not {'pycountry', 'country_converter'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
