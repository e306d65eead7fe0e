"""Laws of the parts of a history's page: events, reasons, the chart of sizes, and the land."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from html import unescape
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.history.story import Story
from sim.analysis.states.decisions import explain_decision
from sim.reporting.land import atlas
from sim.reporting.land import views as land
from sim.reporting.story import sizes
from sim.reporting.story.events import list_events
from sim.reporting.story.page import order_movers_first, render_story
from sim.reporting.story.pictures import LETTER
from sim.reporting.story.reasons import HALF, list_reasons
from sim.scenario.loading import load_scenario

Told = Callable[..., Story]
CASES = Path(__file__).parents[2] / "cases" / "valid"
HISTORIES = [("baseline_2023", 0), ("baseline_2023", 30), ("sino_soviet_split", 0), ("unix_1988", 0)]


@pytest.mark.parametrize(("name", "replicate"), HISTORIES)
def test_every_move_in_one_event(story_of: Told, name: str, replicate: int) -> None:
    story = story_of(name, replicate)
    events = list_events(story)
    shown = Counter(move.key for event in events for move in event.moves)
    assert shown == Counter(move.key for move in story.moves)
    assert [event.step for event in events] == sorted(event.step for event in events)
    for event in events:
        assert len({(move.step, move.left, move.entered) for move in event.moves}) <= 1
        assert {move.step for move in event.moves} <= {event.step}


@pytest.mark.parametrize(("name", "replicate"), HISTORIES)
def test_shocks_and_near_moves_in_events(story_of: Told, name: str, replicate: int) -> None:
    story = story_of(name, replicate)
    events = list_events(story)
    assert {event.step for event in events if event.kind == "shock"} == {shock.step for shock in story.scenario.shocks}
    near = [event.step for event in events if event.kind == "renewal"]
    run = story.run
    kept = run.chances[np.arange(len(run.alignment))[:, None], np.arange(len(run.states)), run.alignment]
    could = np.argwhere(run.renewed & (run.alignment == np.roll(run.alignment, 1, axis=0)) & (kept <= 0.9))
    assert sorted(near) == sorted(step for step, _ in could.tolist() if step)


def test_followers_apart_from_those_they_follow(story_of: Told) -> None:
    joined = [event for event in list_events(story_of("baseline_2023", 30)) if event.kind == "entry"]
    assert [move.state for move in joined[0].moves] == ["CHN"]
    assert not joined[0].follows
    assert joined[1].step == joined[0].step
    assert joined[1].follows
    assert joined[1].why.startswith("For Iran, the largest of them: ")
    assert "it followed China" in joined[1].why


@pytest.mark.parametrize(("name", "replicate"), HISTORIES)
def test_bars_add_up_to_the_lead(story_of: Told, name: str, replicate: int) -> None:
    story = story_of(name, replicate)
    reasons = list_reasons(story)
    assert [reason.move.key for reason in reasons] == [move.key for move in story.moves]
    for reason in reasons:
        assert math.fsum(bar.value for bar in reason.bars) == pytest.approx(reason.total, abs=1e-12)
        assert reason.total >= -1e-12  # or it would have stayed, or gone elsewhere
        first = 0 if story.scenario.non_aligned_allowed else 1
        values = dict(zip(story.run.alignments, reason.move.options.sum(axis=1).tolist(), strict=True))
        others = {name: value for name, value in [*values.items()][first:] if name != reason.move.entered}
        assert others[reason.beside] == max(others.values())
        for bar in reason.bars:
            assert 0 <= bar.left <= bar.left + bar.width <= 2 * HALF + 1e-9
            assert (bar.left + bar.width <= HALF + 1e-9) == (bar.value <= 0)
        assert max(bar.width for bar in reason.bars) == pytest.approx(HALF)


def test_bars_agree_with_the_decision_by_agents(story_of: Told) -> None:
    story = story_of("baseline_2023", 0)
    reason = list_reasons(story)[0]
    move = reason.move
    account = explain_decision(story.scenario, move.state, seed=7, step=move.step).weighed
    assert (account.most_likely, account.runner_up) == (move.entered, reason.beside)
    expected = sorted(dict(account.deciding()).values())
    assert sorted(bar.value for bar in reason.bars) == pytest.approx(expected, abs=1e-9)


def test_close_calls_where_every_step_draws(story_of: Told, tell: Told) -> None:
    story = tell(load_scenario(CASES / "world_gulf"))
    moved = {move.state for move in story.moves}
    near = [event for event in list_events(story) if event.kind == "renewal"]
    assert len(near) + len(moved) <= len(story.run.states)
    assert all("likeliest moment" in event.what for event in near)


@given(st.lists(st.floats(12, 250), max_size=9))
def test_labels_apart_and_in_order(places: list[float]) -> None:
    found = sizes.spread(sorted(places), 16, 252)
    assert all(b - a >= sizes.GAP - 1e-9 for a, b in pairwise(found))
    assert all(16 - 1e-9 <= place <= 252 for place in found)


def test_labels_stay_where_there_is_place() -> None:
    assert sizes.spread([20.0, 100.0, 200.0], 16, 252) == [20.0, 100.0, 200.0]
    assert sizes.spread([100.0, 101.0], 16, 252) == [100.0, 116.0]
    assert sizes.spread([250.0, 251.0], 16, 252) == [236.0, 252.0]


@pytest.mark.parametrize(("name", "replicate"), HISTORIES)
def test_chart_has_the_shares_of_every_step(story_of: Told, name: str, replicate: int) -> None:
    run = story_of(name, replicate).run
    made = sizes.chart_sizes(run, story_of(name, replicate).names, run.alignments)
    labels = dict(made.labels)
    for step in range(len(run.alignment)):
        at = labels[max(known for known in labels if known <= step)]
        for alignment, label in zip(run.alignments, at, strict=True):
            share = float(run.outcome(f"capability_{alignment}")[step])
            assert (label is None) == (share == 0)
            assert label is None or label[0] == sizes.percent_words(share)
    heights = [float(pair.split()[1]) for _, band in made.bands for pair in band[1:-1].split("L")]
    assert min(heights) == pytest.approx(sizes.TOP, abs=0.1)
    assert max(heights) == pytest.approx(sizes.BOTTOM)


# Land

PACIFIC = ("FJI", "TON", "WSM", "NZL")
REGIONS = {
    "Europe": ("FRA", "DEU", "POL", "ITA", "ESP"), "Pacific": PACIFIC, "Gulf": ("SAU", "IRN", "QAT", "BHR"),
    "Russia and Europe": ("RUS", "FRA", "GBR", "DEU", "ITA"),
}  # fmt: skip


@pytest.mark.parametrize("states", REGIONS.values(), ids=REGIONS)
def test_region_holds_its_states_with_a_margin(states: tuple[str, ...]) -> None:
    view = land.choose_view(states)
    assert view.projection.startswith("Lambert")
    assert_inside(view, states)


def assert_inside(view: land.View, states: Iterable[str]) -> None:
    """Assert that a view holds the main land of states, in a shape that a page has room for."""
    for state in states:
        x, y = view.units(land.main_places(atlas.load_atlas().countries[state])).T
        assert 0 < x.min() <= x.max() < land.WIDTH, state
        assert 0 < y.min() <= y.max() < view.height, state
    assert land.SHAPE[0] - 0.01 <= land.WIDTH / view.height <= land.SHAPE[1] + 0.01


def test_part_of_the_world_where_a_region_is_too_wide() -> None:
    """West Africa with Russia is more than Lambert's projection shows well, and less than the whole world."""
    states = ("CIV", "NGA", "SEN", "FRA", "RUS")
    view = land.choose_view(states)
    assert view.projection == "Equal Earth"
    assert_inside(view, states)
    assert view.scale > 1.5 * land.world_view().scale


def test_world_where_states_are_all_over_it() -> None:
    assert land.choose_view(tuple(load_scenario("baseline_2023").states)) is land.world_view()
    assert land.choose_view(()) is land.world_view()


@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(0, 2 * math.pi), st.floats(0, 1.2))
def test_regions_show_areas_fairly(east: float, north: float, turn: float, away: float) -> None:
    """The area of a small square at any place within 70 degrees is that on the globe."""
    middle = (east, north)
    at = np.array(
        [east + np.degrees(away) * math.cos(turn), np.clip(north + np.degrees(away) * math.sin(turn), -85, 85)]
    )
    if land.angles(at, middle) > 70:
        return
    step = 1e-4
    corners = land.project_region(at + np.array([[0, 0], [step, 0], [0, step]]), middle)
    (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
    on_globe = np.radians(step) ** 2 * math.cos(math.radians(float(at[1])))
    assert abs(ax * by - ay * bx) == pytest.approx(on_globe, rel=1e-3)


def test_far_land_is_left_out_of_a_region() -> None:
    view = land.choose_view(REGIONS["Europe"])
    assert land.land_outline(atlas.load_atlas().countries["AUS"], view) == ""
    assert land.land_outline(atlas.load_atlas().countries["FRA"], view).count("M") < land.land_outline(
        atlas.load_atlas().countries["FRA"]
    ).count("M")  # Guiana is not in Europe


def test_map_has_a_key_and_names(story_of: Told) -> None:
    """Each alignment is in the key beside the map; names of movers come first and lie on no other name."""
    story = story_of("baseline_2023")
    text = unescape(render_story(story))
    key = text[text.index('<ul class="key">') :]
    key = key[: key.index("</ul>")]
    assert re.findall(r"</svg> ([^<]+)</li>", key) == ["Outside the blocs", "US-led bloc", "Anti-US front"]
    written = re.findall(r'<text class="land-name" x="(\d+)" y="(\d+)" font-size="(\d+)">([^<]+)<', text)
    assert {"United States", "China", "Russia"} <= {name for *_, name in written}
    boxes = [(int(x), int(y), len(name) * int(size) * LETTER, int(size)) for x, y, size, name in written]
    for (x, y, across, up), (u, v, width, height) in itertools.combinations(boxes, 2):
        assert abs(x - u) >= (across + width) / 2 - 2 or abs(y - v) >= (up + height) / 2


def test_movers_are_named_before_others(story_of: Told) -> None:
    story = story_of("baseline_2023", 16)
    movers = {story.run.states.index(move.state) for move in story.moves}
    assert movers
    assert set(order_movers_first(story)[: len(movers)]) == movers
