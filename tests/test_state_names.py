"""Suggestions for misspelled states come from the states of the world at hand."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sim.parameters import Sourced
from sim.references import state_suggestion
from sim.scenario import State

NAMES = {"NGA": "Nigeria", "NER": "Niger", "YEM": "Yemen", "HRV": "Croatia"}
STATES = {
    code: State(name=name, theatre="anywhere", capability=Sourced(value=0.1, source="assumed"))
    for code, name in NAMES.items()
}


@pytest.mark.parametrize(
    ("word", "code"), [("Niger", "NER"), ("niger", "NER"), ("Nigeria", "NGA"), ("Nigerr", "NER"), ("yemen", "YEM")]
)
def test_nearest_state(word: str, code: str) -> None:
    assert state_suggestion(STATES, word) == f" (did you mean '{code}'?)"


def test_suggestion_of_states_in_the_world_only() -> None:
    assert "NER" not in state_suggestion({"NGA": STATES["NGA"]}, "Niger")


def test_no_package_of_country_names() -> None:
    code = (
        "import sys, sim.references, sim.catalog, sim.explain\n"
        "assert not {'pycountry', 'country_converter'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
