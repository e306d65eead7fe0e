"""Starts drawn in each run from stated chances: their frequencies, their anchor, and the second opinion."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import simulate
from relation import changed
from strategies import NO_RESPONSE

from sim.errors import InputError
from sim.model.agents import run_agents
from sim.model.compiled import iterate_runs, run_compiled
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

CHANCES = {"us_led": 0.5, "non_aligned": 0.3, "front": 0.2}
STATES = ("IRN", "EGY", "TUR", "CHN", "FRA", "IND")


def drawn(**changes: Any) -> Scenario:
    """The article's world with starts drawn from stated chances."""
    base = load_scenario("article_2023")
    states = {
        name: state.model_copy(update={"initial": "drawn", "initial_chances": CHANCES}) if name in STATES else state
        for name, state in base.states.items()
    }
    still = with_settings(base, {**NO_RESPONSE, "renewal": 0.0})
    world = changed(still, states=states, anchor=None)
    return changed(world, anchor=world, **changes)


def test_starts_have_their_chances() -> None:
    scenario = drawn(steps=1)
    places = [[*scenario.states].index(name) for name in STATES]
    found: Counter[str] = Counter()
    for run in iterate_runs(scenario, seed=4, replicates=range(500)):
        found.update(scenario.alignments()[k] for k in run.alignment[0][places])
    for alignment, chance in CHANCES.items():
        assert found[alignment] / 3000 == pytest.approx(chance, abs=0.04)


def test_nobody_moves_from_a_drawn_start_without_cause() -> None:
    for run in iterate_runs(drawn(steps=4), seed=5, replicates=range(30)):
        assert (run.alignment == run.alignment[0]).all()


def test_unanchored_drawn_start_is_left() -> None:
    runs = iterate_runs(drawn(steps=1, anchored=False), seed=5, replicates=range(30))
    assert any((run.alignment != run.alignment[0]).any() for run in runs)


def test_agents_equal_compiled_runs_from_drawn_starts() -> None:
    scenario = drawn(steps=3)
    for replicate in range(3):
        agents = run_agents(scenario, seed=6, replicate=replicate)
        compiled = run_compiled(scenario, seed=6, replicate=replicate)
        assert np.array_equal(agents.alignment, compiled.alignment)


def test_chance_of_one_is_a_given_start() -> None:
    base = load_scenario("article_2023")
    sure = {
        name: state.model_copy(update={"initial": "drawn", "initial_chances": {state.initial: 1.0}})
        if name in STATES
        else state
        for name, state in base.states.items()
    }
    given, certain = changed(base, steps=6, anchor=None), changed(base, steps=6, states=sure, anchor=None)
    for one, other in zip(
        iterate_runs(given, seed=7, replicates=range(5)),
        iterate_runs(certain, seed=7, replicates=range(5)),
        strict=True,
    ):
        assert np.array_equal(one.alignment, other.alignment)


def test_digest_counts_chances() -> None:
    scenario = drawn(steps=2)
    front = scenario.states["IRN"].model_copy(update={"initial_chances": {"front": 1.0}})
    other = {**scenario.states, "IRN": front}
    assert changed(scenario, states=other).digest() != scenario.digest()


ROW = "AAA,Aland,here,1,assumed,{initial},assumed,{chances},coded\n"
HEADER = "id,name,theatre,capability,capability_source,initial,initial_source,initial_chances,note\n"
WORLD = """title = "W"
[theatres]
here = "Here"
[blocs.east]
name = "East"
enforcement = 0
attention_budget = 1
accommodation = 0
"""


@pytest.mark.parametrize(
    ("initial", "chances", "message"),
    [
        ("drawn", "east 0.4; non_aligned 0.6", ""),
        ("drawn", "", "is drawn, so give initial_chances"),
        ("drawn", "east 0.4", "sums to 0.4; give chances that sum to 1"),
        ("drawn", "east 0.4; west 0.6", "'west'"),
        ("drawn", "east 1.4; non_aligned -0.4", "is not a number in [0, 1]"),
        ("drawn", "east", "is not a table"),
        ("east", "east 1", "has no effect unless initial is 'drawn'"),
    ],
)
def test_chances_in_a_table(tmp_path: Path, initial: str, chances: str, message: str) -> None:
    (tmp_path / "world.toml").write_text(WORLD)
    (tmp_path / "states.csv").write_text(HEADER + ROW.format(initial=initial, chances=chances))
    if not message:
        assert load_scenario(tmp_path).states["AAA"].initial_chances == {"east": 0.4, "non_aligned": 0.6}
        return
    with pytest.raises(InputError) as caught:
        load_scenario(tmp_path)
    assert message in str(caught.value)
    assert all("states.csv:2" in line for line in caught.value.lines())


@pytest.mark.parametrize("replicate", range(2))
def test_oracle_agrees(replicate: int) -> None:
    scenario = drawn(steps=2)
    trace, run = simulate(scenario, 8, replicate), run_compiled(scenario, seed=8, replicate=replicate)
    assert [list(step) for step in trace.alignment] == run.alignment.tolist()
