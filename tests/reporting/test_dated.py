"""The first page of a report of histories: its numbers are those of the tables, and its pictures can be read."""

from __future__ import annotations

import contextlib
import copy
import math
import re
import warnings
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.dated.effects import compare_at_dates, compare_entry
from sim.analysis.dated.events import Design, list_designs
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.calendar import step_end
from sim.reporting import page
from sim.reporting.chapters import headings
from sim.reporting.dated import pictures
from sim.reporting.dated.confidence import (
    GRADES,
    TrackRecord,
    confidence_sentence,
    find_track,
    grade_words,
    overall_grade,
)
from sim.reporting.dated.findings import Chance, DatedFindings, Effect, effects_sentence, find_dated, fixed_states
from sim.reporting.dated.lines import locate_dates, spread_labels
from sim.reporting.dated.verdict import FEW, growth_sentence, verdict, words_of_growth
from sim.reporting.dated.words import fraction_words, likelihood, rounded
from sim.reporting.figures import draw_axes
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Sweep

NAMES = {"baseline_2023": "Baseline", "sanctions_collapse": "Collapse"}
REPLICATES = 60


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    question = make_question({name: load_scenario(name) for name in NAMES}, replicates=REPLICATES, seed=7)
    return run_sweep(question, tmp_path_factory.mktemp("dated") / "results", workers=2).results


@pytest.fixture(scope="module")
def found(results: Results) -> DatedFindings:
    dated = find_dated(results, NAMES, "baseline_2023", "front", "Anti-US front")
    assert dated is not None
    return dated


def joined_by(results: Results, scenario: str, day: str) -> dict[str, int]:
    """Count the runs in which each state from elsewhere has been in the front by a day, from the view by step."""
    query = """
        select state, count(distinct (point, replicate)) from alignments
        where scenario = ? and date <= ? and alignment = 'front'
        and state not in (select state from states where start = 'front') group by state"""
    with contextlib.closing(results.connection()) as connection:
        return dict(connection.execute(query, [scenario, day]).fetchall())


def test_dates_within_a_step_have_the_chances_of_that_step(tmp_path: Path) -> None:
    """A date that ends no step was dropped, so that the chance of a later one stood at its place."""
    name, days = {"baseline_2023": "Baseline"}, ("2027-12-31", "2030-10-25")
    question = make_question({"baseline_2023": load_scenario("baseline_2023")}, replicates=60, seed=7, at=days)
    swept = run_sweep(question, tmp_path / "results", workers=2).results
    dated = find_dated(swept, name, "baseline_2023", "front", "Anti-US front")
    assert dated is not None
    assert dated.days == (*days, "2033-10-25")
    assert dated.joining
    for mover in dated.joining:
        counts = [joined_by(swept, "baseline_2023", day).get(mover.state, 0) for day in dated.days]
        assert [chance.chance for chance in mover.chances] == [count / 60 for count in counts]


def test_chances_of_joining_are_counts_of_runs(results: Results, found: DatedFindings) -> None:
    assert found.days == ("2026-10-25", "2030-10-25", "2033-10-25")
    assert found.runs == REPLICATES
    for n, day in enumerate(found.days):
        counted = joined_by(results, "baseline_2023", day)
        for mover in found.joining:
            assert mover.chances[n].chance == counted.get(mover.state, 0) / REPLICATES
    last = joined_by(results, "baseline_2023", found.days[-1])
    assert [one.chances[-1].chance for one in found.joining] == sorted(
        (count / REPLICATES for count in last.values()), reverse=True
    )[: len(found.joining)]


def test_first_mover_adds_most_capability(results: Results, found: DatedFindings) -> None:
    shares = {id: state.capability.value for id, state in load_scenario("baseline_2023").states.items()}
    counted = joined_by(results, "baseline_2023", found.days[-1])
    assert found.first is not None
    assert found.first.state == max(counted, key=lambda state: counted[state] * shares[state])
    assert found.members == ("Belarus", "North Korea", "Russia", "Syria")


def test_effect_is_the_difference_of_counts(results: Results, found: DatedFindings) -> None:
    assert found.first is not None
    (effect,) = found.effects
    counts = [joined_by(results, name, found.days[-1]).get(found.first.state, 0) for name in NAMES]
    assert (effect.before, effect.chance) == (counts[0] / REPLICATES, counts[1] / REPLICATES)
    assert effect.difference == pytest.approx((counts[1] - counts[0]) / REPLICATES)
    assert effect.role == "circumstance"
    assert found.first.name in effects_sentence(found)


def test_one_entry_is_compared_as_all_are(results: Results, found: DatedFindings) -> None:
    """The comparison of one entry is the row of the comparison of everything."""
    assert found.first is not None
    designs, day, cell = list_designs(results), found.days[1], (found.first.state, "front")
    one = compare_entry(results, designs, "baseline_2023", *cell, day)
    every = compare_at_dates(results, designs, "baseline_2023", [day]).states
    row = every[(every["event"] == "entry") & (every["state"] == cell[0]) & (every["alignment"] == cell[1])]
    for column in ("scenario", "baseline_mean", "mean", "difference", "low", "high", "p", "pairs"):
        assert one[column].tolist() == pytest.approx(row[column].tolist(), nan_ok=True), column


def test_verdict_says_the_count_in_words(found: DatedFindings) -> None:
    assert found.first is not None
    share = found.first.chances[-1].chance
    assert f"{found.first.name} joins “Anti-US front” by 25 October 2033 is {likelihood(share)}" in verdict(found)
    assert f"in {rounded(share)} of 100 histories" in verdict(found)


@pytest.mark.parametrize(
    ("chance", "words"),
    [(0.0, "exceptionally unlikely"), (0.04, "very unlikely"), (0.14, "unlikely"), (0.5, "about as likely as not"),
     (0.7, "likely"), (0.95, "very likely"), (1.0, "virtually certain")],
)  # fmt: skip
def test_likelihood_in_the_words_of_the_ipcc(chance: float, words: str) -> None:
    assert likelihood(chance) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(1 / 3, "about a third"), (0.065, "about a fifteenth"), (0.12, "about an eighth"), (0.66, "about two thirds"),
     (0.5, "about a half"), (0.001, "almost nothing"), (0.97, "nearly all")],
)  # fmt: skip
def test_share_as_a_simple_fraction(share: float, words: str) -> None:
    assert fraction_words(share) == words


def test_growth_is_counted_by_run(results: Results, found: DatedFindings) -> None:
    """Every change counts: Syria, with 0.03 % of the capability, is a change too."""
    with contextlib.closing(results.connection()) as connection:
        query = "select capability_front from runs where scenario = 'baseline_2023'"
        ends = np.array(connection.execute(query).fetchall(), dtype=np.float64)[:, 0]
    change = ends - found.sizes[0][1]
    counts = [int((sign * change > 1e-9).sum()) for sign in (1, -1)]
    assert sum(counts) > (np.abs(change) > 0.005).sum() > 0
    assert growth_sentence(found, "front") == (
        f"By 25 October 2033 “Anti-US front” is {words_of_growth([*counts, REPLICATES - sum(counts)])}."
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((10, 70, 120), "larger than at the start in 5 of 100 histories, smaller in 35, and as large in 60"),
        ((0, 0, 60), "larger than at the start in 0 of 100 histories, smaller in 0, and as large in 100"),
        ((0, 21, 39), "larger than at the start in 0 of 100 histories, smaller in 35, and as large in 65"),
        ((2, 25, 3), "larger than at the start in 6.7 of 100 histories, as large in 10, and smaller in the others"),
        ((2, 1, 57), "larger than at the start in 3.3 of 100 histories, smaller in 1.7, and as large in 95"),
        ((0, 2, 58), "larger than at the start in 0 of 100 histories, smaller in 3.3, and as large in the others"),
        ((58, 2, 0), "smaller than at the start in 3.3 of 100 histories, as large in 0, and larger in the others"),
        ((2, 1, 7), "larger than at the start in 2 of 10 histories, smaller in 1, and as large in 7"),
        ((0, 1, 0), "larger than at the start in 0 of 1 histories, smaller in 1, and as large in 0"),
    ],
)
def test_words_of_growth_name_every_history_once(counts: tuple[int, int, int], words: str) -> None:
    """Where the three numbers, as printed, do not add up to 100, that of the most frequent kind is not said."""
    assert words_of_growth(counts) == words


@given(st.tuples(*[st.integers(0, 400)] * 3).filter(any))
def test_printed_numbers_of_growth_cannot_exceed_all_histories(counts: tuple[int, int, int]) -> None:
    said = words_of_growth(counts)
    of = 100 if sum(counts) >= FEW else sum(counts)
    numbers = [Decimal(one) for one in re.findall(r" in ([\d.]+)", said)]
    assert len(numbers) == 3 - said.endswith("in the others")
    assert sum(numbers) == of if len(numbers) == 3 else sum(numbers) < of
    whole = all(100 * count % sum(counts) == 0 for count in counts)
    assert len(numbers) == 3 or not whole


def test_track_record_counts_the_recorded_moves(found: DatedFindings) -> None:
    """Argentina and Syria had moved by October 2025 (docs/validation.md), and the chances are counts of runs."""
    track = find_track(found)
    assert isinstance(track, TrackRecord)
    said = track.sentence()
    assert said.startswith("By 25 October 2025, 2 of 51 states had moved: Argentina to US-led bloc (")
    world, d = found.tally.design.world, found.tally.days.index("2025-10-25")
    cell = world.states.index("SYR"), world.alignments.index("non_aligned")
    assert f"Syria to non-aligned ({rounded(found.tally.at[d, *cell] / found.runs)} in 100)" in said


@given(st.tuples(*[st.integers(0, 2)] * 3))
def test_overall_grade_is_between_the_lowest_and_the_middle(grades: tuple[int, int, int]) -> None:
    low, middle, high = sorted(grades)
    said = overall_grade(grades).split(" to ")
    assert (GRADES.index(said[0]), GRADES.index(said[-1])) == (low, middle)
    assert overall_grade((high, low, middle)) == overall_grade(grades)


@pytest.mark.parametrize(
    ("chances", "grade"),
    [([0.02, 0.04, 0.09], 2), ([0.04, 0.12], 1), ([0.005, 0.04], 1), ([0.0, 0.2], 0), ([0.4, 0.6], 2)],
)
def test_grade_falls_with_the_words_that_chances_span(chances: list[float], grade: int) -> None:
    assert grade_words(chances) == grade_words(chances[::-1]) == grade


def test_confidence_says_each_reason(found: DatedFindings) -> None:
    """No assumption is among the scenarios, so the grade begins with low; few runs and the record give the rest."""
    assert found.first is not None
    track, chance = find_track(found), found.first.chances[-1]
    said = confidence_sentence(found, track)
    assert said.startswith("low")
    assert "agreement of assumptions low (no other assumption under which it decides is among" in said
    assert isinstance(track, TrackRecord)
    assert f"track record {GRADES[track.grade()]} (by 2025 it was " in said
    variation = GRADES[grade_words([chance.low, chance.chance, chance.high])]
    assert f"precision {variation} (95 % interval {rounded(chance.low)} to {rounded(chance.high)}: " in said
    assert ("throughout" in said) == (variation == "high")
    assert "track record low (none for this world)" in confidence_sentence(found, "none for this world")


def test_scenario_that_fixes_the_state_agrees_with_nothing(found: DatedFindings) -> None:
    """The front without China cannot agree on China's chance; the same effect where it decides can."""
    assert found.first is not None
    chance = found.first.chances[-1].chance
    effect = Effect("a", "a", "assumption", chance, 0.9, 0.9 - chance, 0.5, 0.9, True)
    without, decided = (replace(found, effects=(replace(effect, decides=one),)) for one in (False, True))
    assert "no other assumption under which it decides" in confidence_sentence(without, "none")
    assert "of assumptions low (with the other assumptions of one scenario it is" in confidence_sentence(
        decided, "none"
    )


@pytest.mark.parametrize("clear", [True, False])
def test_change_that_may_be_chance_has_no_direction(found: DatedFindings, clear: bool) -> None:
    """The sentence says that a scenario raises or lowers a chance only where the change is clear."""
    rise = Effect("a", "A", "lever", 0.04, 0.09, 0.05, -0.02, 0.12, clear)
    fall = Effect("b", "B", "circumstance", 0.04, 0.02, -0.02, -0.06, 0.02, False)
    other = replace(fall, name="C", difference=-0.01)
    said = effects_sentence(replace(found, effects=(rise, fall, other)))
    chance = "of 100 histories, which may be chance"
    least = f"of what may happen, it goes farthest with “B”, from 4 to 2 {chance}"
    if clear:
        assert said.endswith(f": “A” raises it from 4 to 9 of 100 histories; {least}.")
    else:
        none = "none of 3 choices and events clearly changes it"
        assert said.endswith(f": {none}; with “A” it goes from 4 to 9 {chance}; {least}.")


def test_axis_of_effects_spans_a_history_where_nothing_changes() -> None:
    """Narrower, the numbers of its ticks would run into one another."""
    none = Effect("a", "a", "lever", 0.04, 0.04, 0.0, math.nan, math.nan, False)
    with draw_axes(3, 2) as axes:
        pictures.draw_effects(axes, [none], "change")
        assert axes.get_xlim() == (-1, 1)


def with_chances(found: DatedFindings, *chances: float) -> DatedFindings:
    """The findings with these chances of the state asked about, of 100 runs, at as many dates."""
    assert found.first is not None
    known = tuple(Chance(one, 0.0, 1.0, 100) for one in chances)
    return replace(found, days=found.days[-len(chances) :], first=replace(found.first, chances=known))


def test_heading_of_time_does_not_set_a_chance_against_itself(found: DatedFindings) -> None:
    assert found.first is not None
    start = f"The chance that {found.first.name} has joined"
    cases = {
        (0.01, 0.02, 0.033): "grows from 1 of 100 by 25 October 2026 to 3.3 of 100 by 25 October 2033",
        (0.0331, 0.0332, 0.0333): "stays at 3.3 of 100 from 25 October 2026 to 25 October 2033",
        (0.033,): "is 3.3 of 100 by 25 October 2033",
    }
    said = {chances: headings.heading_of_time(with_chances(found, *chances), "front").text for chances in cases}
    assert said == {chances: f"{start} {words}" for chances, words in cases.items()}


def test_share_after_renewal_is_not_set_against_itself(found: DatedFindings) -> None:
    day = found.days[-1]
    assert replace(found, renewed=0.12, sizes=((day, 0.07),)).renewed_words() == (
        "12 % of the capability by the last date instead of 7 %"
    )
    assert replace(found, renewed=0.0712, sizes=((day, 0.0698),)).renewed_words() == (
        "the same share of the capability by the last date, 7 %"
    )


def test_size_with_a_small_state_is_not_set_against_itself(found: DatedFindings) -> None:
    sized = replace(found, sizes=(("2023-10-25", 0.065), *found.sizes[1:]), share=0.0001)
    assert sized.headline().endswith(f"with {sized.first.name if sized.first else ''} it would have about as much.")
    assert replace(sized, share=0.02).headline().endswith(" it would have 8.5 %.")


def test_fixed_states_are_those_of_the_scenario() -> None:
    scenario = load_scenario("front_without_china")
    design = Design("front_without_china", 0, scenario, "front_without_china", {})
    assert "CHN" in fixed_states(design)


@pytest.mark.parametrize(("lines", "bands"), [(1, 1), (2, 2), (4, 2)])
def test_at_most_two_lines_have_a_band(lines: int, bands: int) -> None:
    """More would lie on one another; the caption names those that have one."""
    chosen = [(f"s{n}", f"State {n}") for n in range(lines)]
    rows = [{"date": "2030-01-01", "state": id, "chance": 0.1, "low": 0.05, "high": 0.2} for id, _ in chosen]
    with draw_axes(4, 3) as axes:
        pictures.draw_incidence(axes, pd.DataFrame(rows), chosen, "2023-01-01")
        assert len(axes.collections) == bands
    words = "bands: 95 % intervals of State 0 and State 3" if lines > 2 else "bands: 95 % intervals"
    assert pictures.words_of_bands(chosen) == words


def test_title_of_incidence_names_the_likeliest(found: DatedFindings) -> None:
    first, chance = found.joining[0], found.joining[0].chances[-1]
    assert pictures.title_of_incidence(found) == (
        f"{first.name} is the likeliest to join: {rounded(chance.chance)} of 100 histories by 25 October 2033"
        f" (95 % interval {rounded(chance.low)} to {rounded(chance.high)})."
    )
    none = pictures.title_of_incidence(replace(found, joining=()))
    assert none == f"No state joins “Anti-US front” in {REPLICATES} histories."


@pytest.mark.usefixtures("undrawn")
def test_picture_of_leaving_names_the_likeliest_only_if_a_state_leaves(found: DatedFindings) -> None:
    picture = pictures.picture_of_survival(found, "front")
    assert picture is not None
    stays = 1 - found.leaving[0].chances[-1].chance
    likeliest = f"{found.leaving[0].name} is the likeliest to leave: it has stayed in {rounded(stays)} of 100 histories"
    assert picture.title.startswith(likeliest)
    still = copy.copy(found.tally)
    still.left = 0 * found.tally.left
    none = pictures.picture_of_survival(replace(found, tally=still, leaving=()), "front")
    assert none is not None
    assert none.title == f"In none of {REPLICATES} histories does a state leave “Anti-US front” by 25 October 2033."
    assert none.caption.startswith(
        "Histories of 100 in which a member has been in “Anti-US front” without a break since the start: all, for each"
        " member; bands: 95 % intervals of "
    )
    assert "likeliest" not in none.markup


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_senders_of_new_sanctions_are_named(tmp_path: Path) -> None:
    """Sanctions on China come from the G7, the EU and Australia; a collapse of enforcement has no senders."""
    named = ("baseline_2023", "sanctions_on_china", "no_sanctions")
    question = make_question({name: load_scenario(name) for name in named}, replicates=150, seed=7)
    made = run_sweep(question, tmp_path / "sanctions", workers=2).results
    found = find_dated(made, {name: name for name in named}, "baseline_2023", "front", "front")
    assert found is not None
    senders = {one.name: one.senders for one in found.effects}
    assert senders["no_sanctions"] == ()
    assert senders["sanctions_on_china"][:2] == ("United States", "Japan")
    assert {"Australia", "Germany", "Poland", "Hungary"} <= set(senders["sanctions_on_china"])
    picture = pictures.picture_of_effects(found)
    assert picture is not None
    assert "New sanctions are imposed by United States, Japan, " in picture.caption


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_scenario_without_a_role_is_named_as_one(tmp_path: Path) -> None:
    """A file may state no role: its change is said, and is not put among the assumptions."""
    own = load_scenario("sanctions_collapse").model_copy(update={"role": ""})
    question = make_question(
        {"baseline_2023": load_scenario("baseline_2023"), "own": own}, replicates=400, seed=20231025
    )
    made = run_sweep(question, tmp_path / "own", workers=2).results
    found = find_dated(made, {"baseline_2023": "Baseline", "own": "Own"}, "baseline_2023", "front", "front")
    assert found is not None
    assert [one.role for one in found.effects] == [""]
    assert re.search(r": “Own” raises it from [\d.]+ to [\d.]+ of 100 histories", effects_sentence(found))
    two = replace(found, effects=(*found.effects, replace(found.effects[0], name="Other", difference=0.0)))
    assert "of the scenarios without a role, “Own” raises it most, from" in effects_sentence(two)


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_scenario_over_design_points_is_compared(tmp_path: Path) -> None:
    """Two scenarios over the same design points are compared at once, and none is left out without a word."""
    vary = Sweep.model_validate({"design": "list", "vary": {"parameters.w_pressure": [0.2, 0.3]}})
    swept = {name: load_scenario(name).model_copy(update={"sweep": vary}) for name in NAMES}
    made = run_sweep(make_question(swept, replicates=30, seed=7), tmp_path / "points", workers=2).results
    labels = {one.label: one.label for one in list_designs(made)}
    found = find_dated(made, labels, next(iter(labels)), "front", "front")
    assert found is not None
    assert found.first is not None
    (effect,) = [one for one in found.effects if one.scenario == "sanctions_collapse"]
    assert (effect.name, effect.role) == ("Sanction regimes collapse", "circumstance")
    counts = [joined_by(made, name, found.days[-1]).get(found.first.state, 0) for name in NAMES]
    assert effect.difference == pytest.approx((counts[1] - counts[0]) / 60)


@pytest.mark.usefixtures("undrawn")
def test_page_says_what_the_findings_say(results: Results, found: DatedFindings) -> None:
    text = page.render_page(results)
    marked = dict(re.findall(r'data-trace="(percent_joined [^"]+)">([^<]+)<', text))
    assert found.first is not None
    expected = {
        f"percent_joined {found.first.state} {day}": rounded(chance.chance)
        for day, chance in zip(found.days, found.first.chances, strict=True)
    }
    assert marked == expected
    assert verdict(found) in unescape(text)


def test_rounds_have_no_dated_page(tmp_path: Path) -> None:
    question = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=2, seed=1)
    made = run_sweep(question, tmp_path / "results").results
    (bloc, *_) = load_scenario("unix_1988").blocs
    assert find_dated(made, {"unix_1988": "UNIX"}, "unix_1988", bloc, bloc) is None


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_dots_are_as_many_as_the_chance_in_100(count: int, n: int) -> None:
    share = min(count, n) / n
    svg = ElementTree.fromstring(str(pictures.draw_dots(Chance(share, 0, 1, n), "<b>")))  # noqa: S314
    classes = [node.get("class") for node in svg]
    assert len(classes) == 100
    assert abs(classes.count("hit") - 100 * share) < 1
    assert (classes.count("hit") == 0) == (share == 0)


@given(st.lists(st.floats(0, 100), max_size=7))
def test_labels_do_not_overlap(heights: list[float]) -> None:
    placed = spread_labels(heights, 5)
    assert all(b - a >= 5 - 1e-9 for a, b in zip(sorted(placed), sorted(placed)[1:], strict=False))
    assert [placed[i] for i in np.argsort(heights, kind="stable")] == sorted(placed)


@pytest.mark.parametrize("months", [1, 7, 23, 31, 36, 48, 59, 60, 120, 1200])
def test_axis_of_dates_has_two_to_seven_ticks_without_a_warning(months: int) -> None:
    start = datetime(2023, 10, 25)
    end = datetime.combine(step_end(start.date(), "month", months), datetime.min.time())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ticks = locate_dates().tick_values(start, end)
    assert 2 <= len(ticks) <= 7
