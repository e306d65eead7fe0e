"""What a history says of the coded ties behind a move, and of the entry it is asked about first."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from sim.analysis.history.prospect import describe_prospect, find_prospect
from sim.analysis.history.story import Story, tell_story
from sim.analysis.states.held import hold_start
from sim.model.compiled import run_compiled
from sim.model.world import world_of
from sim.reporting.labels import label_history
from sim.scenario.loading import load_scenario


@cache
def baseline(replicate: int) -> Story:
    """A history of the baseline with seed 7."""
    scenario = load_scenario("baseline_2023")
    world = world_of(scenario)
    run = run_compiled(scenario, seed=7, replicate=replicate, world=world)
    return tell_story(scenario, world, run, label_history(scenario), others=0)


def test_coded_ties_of_pakistan_are_said() -> None:
    story = baseline(0)
    (point,) = (p for p in story.point_records() if "PAK" in p["states"])
    assert point["strongest_bond"].startswith("the United States (consultation; major non-NATO ally in name")
    assert point["stronger_bond_elsewhere"].startswith("China (partnership; ")
    assert point["stronger_bond_elsewhere"].endswith(", which is outside the blocs and so draws it to none.")
    assert point["sanctions"].startswith("by India (0.6 on a scale to 1; ")
    assert point["sanctions"].endswith(" and the United States (0.3).")


@pytest.mark.parametrize("replicate", range(4))
def test_a_bond_elsewhere_is_named_only_where_it_weighs_more(replicate: int) -> None:
    story = baseline(replicate)
    for point in (p for p in story.points if p.moves):
        move, said = point.moves[0], story.coded_ties(point)
        row = dict(zip(story.run.states, story.run.alignment[move.step], strict=True))
        there = story.run.alignments.index(move.entered)
        weights = {True: [0.0], False: [0.0]}
        for tie in story.scenario.ties:
            if tie.kind == "bond" and move.state in (tie.a, tie.b):
                other = ({tie.a, tie.b} - {move.state}).pop()
                weights[row[other] == there].append(tie.value * story.scenario.states[other].capability.value)
        assert bool(said["stronger_bond_elsewhere"]) == (max(weights[False]) > max(weights[True]))


@pytest.mark.parametrize("replicate", range(8))
def test_a_disposition_is_needed_where_ties_and_inertia_would_hold_the_state(replicate: int) -> None:
    story = baseline(replicate)
    for move in (m for m in story.moves if m.cause == "renewal"):
        rest = sum(value for term, value in move.advantage().items() if term != "disposition")
        assert ("without it the state would stay" in story.reason(move)) == (rest <= 0.0)


def test_the_prospect_is_the_entry_with_the_largest_expected_gain() -> None:
    story = baseline(0)
    assert story.prospect is not None
    world = world_of(story.scenario)
    (still,) = hold_start(world, [story.scenario.steps])
    best = max(
        (still.entries[i, k] * world.setting.capability[i], state, alignment)
        for i, state in enumerate(world.states)
        for k, alignment in enumerate(world.alignments)
        if k and k != world.setting.initial[i]
    )
    assert (story.prospect.state, story.prospect.bloc) == best[1:] == ("CHN", "front")
    assert 0.01 < story.prospect.chance < 0.05
    assert story.prospect.entered is None
    said = describe_prospect(story.prospect, story.run, story.names)
    assert said.startswith("China does not join the Anti-US front in this run.")


def test_the_prospect_says_when_it_happens() -> None:
    story = baseline(0)
    run = story.run
    moved = run.alignment.copy()
    moved[5:9, run.states.index("CHN")] = run.alignments.index("front")
    found = find_prospect(story.scenario, world_of(story.scenario), replace(run, alignment=moved))
    assert found is not None
    assert found.entered == 5
    assert describe_prospect(found, run, story.names).startswith("China joins the Anti-US front by January 2025.")


def test_worlds_without_closed_form_have_no_prospect(rounds: None) -> None:
    scenario = load_scenario("baseline_2023")
    run = run_compiled(scenario, seed=7)
    assert find_prospect(scenario, world_of(scenario), run) is None
    assert np.isfinite(run.alignment).all()
