"""What the browser shows beside the map: events that tell nothing of later steps, and bars that sum to the decision."""

from __future__ import annotations

import pytest

from sim.analysis.history.story import Story, tell_story
from sim.analysis.states.decisions import decisions_in_run
from sim.app.player.frames import event_data
from sim.app.player.words import as_move, reasons_by_step
from sim.model.compiled import run_compiled
from sim.model.trajectory import Run
from sim.model.world import World, world_of
from sim.reporting.labels import label_history
from sim.scenario.loading import load_scenario

BASE = load_scenario("baseline_2023")


@pytest.fixture(scope="module")
def world() -> World:
    return world_of(BASE)


@pytest.fixture(scope="module")
def run(world: World) -> Run:
    """A history in which China follows Iran into the front."""
    return run_compiled(BASE, seed=BASE.sweep.seed, replicate=16, world=world)


@pytest.fixture(scope="module")
def story(world: World, run: Run) -> Story:
    return tell_story(BASE, world, run, label_history(BASE), others=0)


def test_a_follower_has_its_own_event(story: Story) -> None:
    (china,) = (move for move in story.moves if move.state == "CHN")
    assert china.followed
    events = event_data(story, "CHN")
    (own,) = (event for event in events if "China" in event["what"])
    assert own["step"] == china.step
    assert "it followed " in own["why"]
    assert [event["step"] for event in events] == sorted(event["step"] for event in events)


def test_no_event_tells_what_comes_later(story: Story) -> None:
    dates = [story.names.month(step) for step in range(len(story.names.dates))]
    for event in event_data(story, "CHN"):
        later = dates[event["step"] + 1 :]
        assert not [date for date in later if date in event["what"] + event["why"]]


def test_every_follower_is_in_one_event(story: Story) -> None:
    followers = {move.key for point in story.points for move in point.followers}
    said = " ".join(event["what"] for event in event_data(story, "CHN"))
    for state, _ in followers:
        assert story.names.state(state).removeprefix("the ") in said or " other" in said


def test_bars_sum_to_the_decision_and_the_cause_is_named(story: Story, world: World, run: Run) -> None:
    index = world.states.index("CHN")
    decisions = decisions_in_run(run, world, index)
    reasons = reasons_by_step(decisions, "CHN", story.names, story.moves)
    for decision, reason in zip(decisions, reasons[1:], strict=True):
        total = sum(as_move(decision).advantage().values())
        assert sum(value for _, value, _ in reason["bars"]) == pytest.approx(total, abs=0.004)  # bars of three digits
    (move,) = (move for move in story.moves if move.state == "CHN")
    leader = story.names.state(move.followed[0][0])
    assert f"It followed {leader}" in reasons[move.step]["words"]


def test_words_of_a_step_name_the_largest_term_first(story: Story, world: World, run: Run) -> None:
    decisions = decisions_in_run(run, world, world.states.index("CHN"))
    reasons = reasons_by_step(decisions, "CHN", story.names)[1:]
    dispositions = 0
    for decision, reason in zip(decisions, reasons, strict=True):
        terms = as_move(decision).advantage()
        if max(terms.values()) > 0 and max(terms, key=lambda term: terms[term]) == "disposition":
            assert "For it: its disposition" in reason["words"]
            dispositions += 1
    assert dispositions
