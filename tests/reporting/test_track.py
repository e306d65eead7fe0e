"""The track record of a report: it is of the article's world and its start, whatever the label of the baseline is."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.reporting.page import render_page
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario, Sweep

BASE = "baseline_2023"
RECORD = "By 25 October 2025, 2 of "
OWN = """
title = "My own"
source = "assumed"
note = "a scenario of a test"
extends = "baseline_2023"

[[ties]]
kind = "bond"
a = "RUS"
b = "CHN"
value = 0.5
source = "assumed"
note = "a belief of a test"
"""


def sweep_one(name: str, scenario: Scenario, folder: Path, **more: object) -> Results:
    """Sweep one scenario, a few runs each at two settings where `more` has some."""
    scenario = scenario.model_copy(update={"sweep": Sweep.model_validate(more)})
    return run_sweep(make_question({name: scenario}, replicates=4, seed=7), folder, workers=2).results


def render(results: Results, **more: str) -> str:
    return unescape(render_page(results, **more))


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The baseline at two settings, whose labels name them."""
    folder = tmp_path_factory.mktemp("grid") / "results"
    return sweep_one(BASE, load_scenario(BASE), folder, vary={"parameters.w_bond": (1.2, 1.9)})


def check_track(text: str) -> None:
    """Check that the page has the track record of the article's world."""
    assert RECORD in text
    assert "<h3>Track record since 2023</h3>" in text
    assert re.search(r"track record (low|medium|high) \(by 2025 it was ", text)
    assert "Bonds, rivalries and sanctions were coded by two coders" in text


@pytest.mark.usefixtures("undrawn")
def test_track_record_of_a_grid(grid: Results) -> None:
    """The record and the measure are of the world; the claims are of scenarios by their names."""
    text = render(grid)
    check_track(text)
    assert "of the military and industrial power of these 52 states" in text
    assert "The claims need the runs of <code>baseline_2023</code>" in text


@pytest.mark.parametrize("name", ["no_sanctions", "capability_by_product", "own"])
@pytest.mark.usefixtures("undrawn")
def test_track_record_of_other_scenarios_of_the_world(name: str, tmp_path: Path) -> None:
    """Capability by product is not called power."""
    own = tmp_path / "own.toml"
    own.write_text(OWN, encoding="utf-8")
    scenario = load_scenario(own if name == "own" else name)
    text = render(sweep_one(name, scenario, tmp_path / "results"))
    check_track(text)
    power = "of the capability" if name == "capability_by_product" else "of the military and industrial power"
    assert f"{power} of these 52 states" in text


@pytest.mark.parametrize(
    ("name", "start", "words"),
    [("helsinki_decade", {}, "world"), (BASE, {"SYR": "us_led"}, "starts")],
)
@pytest.mark.usefixtures("undrawn")
def test_record_of_another_world_or_start_is_not_used(
    name: str, start: dict[str, str], words: str, tmp_path: Path
) -> None:
    scenario = load_scenario(name)
    moved = {id: scenario.states[id].model_copy(update={"initial": bloc}) for id, bloc in start.items()}
    scenario = scenario.model_copy(update={"states": {**scenario.states, **moved}})
    text = render(sweep_one(name, scenario, tmp_path / "results"))
    assert f"track record low (none for {'this' if words == 'world' else 'these'} {words})" in text
    assert "Track record since" not in text


@pytest.mark.usefixtures("undrawn")
def test_report_that_ends_before_a_whole_year_says_so(grid: Results) -> None:
    text = render(grid, state="CHN", at="2024-06-30")
    assert "track record low (none by then: it begins on 25 October 2024)" in text
    assert "Track record since" not in text
