"""What a report says of the scenarios of a sweep: their question, their settings, and every clear change."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from sim.analysis.compare import compare_outcomes, compare_states, read_sample
from sim.analysis.dated.sample import sample_at
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.cli import cli
from sim.reporting.analyses import choose_levers
from sim.reporting.chapters.asked import (
    changed_by_hand,
    choose_asked,
    note_of_settings,
    order_designs,
    require_chosen_settings,
    same_settings,
)
from sim.reporting.chapters.changes import ClearChanges, clear_changes, find_changes, quiet_words, words_of_joining
from sim.reporting.chapters.rows import ScenarioRow, visible_names
from sim.reporting.chapters.settings import lines_of_changes
from sim.reporting.dated.confidence import FEWEST_ASSUMPTIONS, agreement_words, grade_assumptions, grade_words
from sim.reporting.dated.findings import DatedFindings, find_dated
from sim.reporting.dated.pictures import picture_of_effects
from sim.reporting.dated.verdict import verdict
from sim.reporting.figures import design_titles
from sim.reporting.page import render_page
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_mechanism_off, with_settings
from sim.scenario.schema import Scenario

BASE = "baseline_2023"
DAY = "2027-12-31"
REPLICATES = 300
ALIKE = (0.02, 0.04, 0.09)  # chances with one word of likelihood
LEVER = """
title = "Sanctions on banks"
question = "What would sanctions on banks do?"
source = "assumed"
note = "a lever of a test"
extends = "baseline_2023"
role = "lever"
"""
SHOCK = """
[[shocks]]
kind = "sanction"
date = 2026-12-01
sender = "@g7"
target = "{}"
value = 0.5
regime = "us_led"
source = "assumed"
note = "banks are listed"
"""


@pytest.fixture(scope="module")
def lever(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A lever with dated sanctions, after which Turkey leaves the US-led bloc in many runs."""
    path = tmp_path_factory.mktemp("lever") / "banks.toml"
    path.write_text(LEVER + "".join(map(SHOCK.format, ("TUR", "KAZ", "ARE"))), encoding="utf-8")
    return load_scenario(path)


def sweep_of(folder: Path, scenarios: dict[str, Scenario], replicates: int, **more: Any) -> Results:
    return run_sweep(make_question(scenarios, replicates=replicates, seed=7), folder, workers=2, **more).results


@pytest.fixture(scope="module")
def results(lever: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Results:
    scenarios = {BASE: load_scenario(BASE), "banks": lever, "no_feedback": load_scenario("no_feedback")}
    return sweep_of(tmp_path_factory.mktemp("asked") / "results", scenarios, REPLICATES)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A baseline and a lever at eight settings of three parameters, whose labels are only numbers."""
    folder = tmp_path_factory.mktemp("grid") / "results"
    ranges = ("w_pressure=0.3:0.6:2", "w_bond=1:2:2", "erosion=0.2:0.4:2")
    vary = [word for one in ranges for word in ("--vary", one)]
    words = ["sweep", BASE, "sanctions_on_china", *vary, "--steps", "4", "--replicates", "2", "--out", str(folder)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    return Results(folder)


@pytest.fixture(scope="module")
def text(results: Results, without_drawing: Callable[[], AbstractContextManager[None]]) -> str:
    with without_drawing():
        return unescape(render_page(results, at=DAY))


@pytest.fixture(scope="module")
def dated(results: Results) -> DatedFindings:
    labels = {BASE: "Baseline", "banks": "Banks", "no_feedback": "No feedback"}
    found = find_dated(results, labels, BASE, "front", "Anti-US front", DAY)
    assert found is not None
    return found


def first_page(text: str) -> str:
    return text[: text.index('<section id="time"')]


def test_largest_clear_change_on_the_first_page(results: Results, text: str) -> None:
    """It is that of Turkey, which is neither the state of the verdict nor in its bloc."""
    states = compare_states(sample_at(results, read_sample(results), DAY), BASE)
    rows = states[(states["scenario"] == "banks") & states["clear"] & (states["alignment"] != "non_aligned")]
    largest = rows.loc[rows["difference"].abs().idxmax()]
    assert (largest["state"], largest["alignment"]) == ("TUR", "us_led")
    before, after = (f"{100 * largest[column]:.0f}" for column in ("baseline_mean", "mean"))
    answer = re.search(r"</h1>\s*</section>\s*<section id=\"answer\">\s*<p class=\"verdict\">([^<]*?\.) <small>", text)
    assert answer is not None  # the first sentence below the question
    assert answer[1].startswith(
        f"“Sanctions on banks” lowers how often Turkey is in “US-led bloc” on 31 December 2027 from {before} to {after}"
        " of 100 histories (95 % interval of the change −"
    )


def test_no_clear_change_of_a_state_is_left_out(results: Results, text: str) -> None:
    """Changes under a tenth are listed too, before those that may be chance."""
    states = compare_states(sample_at(results, read_sample(results), DAY), BASE)
    found = clear_changes(states, "banks")
    every = states[(states["scenario"] == "banks") & states["clear"] & (states["alignment"] != "non_aligned")]
    assert set(found.index) == set(every.index)
    assert found["difference"].abs().is_monotonic_decreasing
    small = found[found["difference"].abs() < 0.1]
    assert len(small)
    chapter = text[text.index('id="differences"') :]
    listed = chapter[: chapter.index("May be chance")] if "May be chance" in chapter else chapter
    for state in small["state"]:
        assert load_scenario(BASE).states[state].name in listed


@pytest.mark.usefixtures("undrawn")
def test_question_is_that_of_the_only_lever(results: Results, text: str, tmp_path: Path) -> None:
    """The assumption beside it does not make the lever one of several."""
    assert "<h1>What would sanctions on banks do?</h1>" in text
    done = CliRunner().invoke(
        cli, ["report", str(results.folder), "--points", "0", "--scenario", BASE, "--out", str(tmp_path / "page.html")]
    )
    assert done.exit_code == 0, done.output
    page = unescape((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert f"<h1>{load_scenario(BASE).question}</h1>" in page
    assert f"--points 0 --scenario {BASE}" in page
    assert re.search(r"</h1>\s*</section>\s*<section id=\"answer\">\s*<h2>What is likely</h2>\s*<p[^>]*>That ", page)
    refused = CliRunner().invoke(cli, ["report", str(results.folder), "--scenario", "bank"])
    assert refused.exit_code == 2
    assert "did you mean 'banks'" in refused.stderr


def test_lever_at_the_settings_of_the_baseline_is_asked(grid: Results) -> None:
    """Labels of more than two settings are numbers, so only the points themselves say which settings are the same."""
    found = read_sample(grid)
    assert found.designs[0] == f"{BASE} [point 0]"
    for n in (0, 5):
        base, lever = found.designs[n], found.designs[8 + n]
        assert same_settings(found, base, lever)
        assert choose_asked(found, base, None) == lever
        assert order_designs(found, base, base)[:2] == [base, lever]
        assert [one for one in found.designs if same_settings(found, base, one)] == [base, lever]
        ran = scenarios_as_run(grid, found.designs)
        assert list(choose_levers(found, ran, base)) == [base, lever]


@pytest.mark.usefixtures("undrawn")
def test_title_names_the_settings(grid: Results) -> None:
    page = unescape(render_page(grid))
    title = page[page.index("<title>") : page.index("</title>")]
    lever = load_scenario("sanctions_on_china")
    assert f"“{lever.title}” beside “{load_scenario(BASE).title}”" in title
    assert "both with w_pressure=0.3, w_bond=1, erosion=0.2" in title
    assert f"<h1>{lever.question}</h1>" in page
    assert "[point" not in first_page(page)
    assert "[w_pressure=0.6, w_bond=1, erosion=0.2]" in page
    assert "15 other scenarios or settings are compared with the baseline" in page  # some differ in several settings


def test_many_settings_are_named_in_part(grid: Results) -> None:
    """A title names as many settings as fit, and the number of the point tells it from the others."""
    found = read_sample(grid)
    settings = {design: {f"world.scales.bond.{x}": 0.25 for x in "abcdef"} for design in found.designs}
    names = design_titles(replace(found, settings=settings), found.designs)
    assert len(set(names.values())) == len(found.designs)
    assert names[found.designs[3]].endswith(" [point 3: world.scales.bond.a=0.25 and 5 more]")


def test_page_of_a_grid_says_which_settings_it_has(grid: Results) -> None:
    found = read_sample(grid)
    note = note_of_settings(found, found.designs[0])
    count = sum(design.partition(" [")[0] == found.designs[0].partition(" [")[0] for design in found.designs)
    assert f"The sweep has {count} settings. This page is of " in note
    assert note_of_settings(replace(found, settings={design: {} for design in found.designs}), found.designs[0]) == ""


def test_settings_of_a_lever_are_printed(lever: Scenario, text: str) -> None:
    """Targets, strength and dates are in the text of the first page, and the chapter with all of them is open."""
    (line,) = lines_of_changes(load_scenario(BASE), lever)
    assert line == (
        "sanction by the 7 members of Group of Seven on Turkey, Kazakhstan, United Arab Emirates under US-led bloc: 0.5"
        " from 25 October 2026, where its step starts"
    )
    assert line in first_page(text)
    assert '<section id="why" class="chapter">\n<h2>' in text


def test_ties_that_change_alike_are_one_line() -> None:
    ties = lines_of_changes(load_scenario(BASE), load_scenario("secondary_sanctions"))
    assert len(ties) == 2
    assert ties[0].endswith(" on China: 0.3 → 0.4 from the start")


def test_senders_of_dated_sanctions_are_named(dated: DatedFindings) -> None:
    banks = next(one for one in dated.effects if one.scenario == "banks")
    assert banks.senders[:2] == ("United States", "Japan")
    assert len(banks.senders) == 7
    picture = picture_of_effects(dated)
    assert picture is not None
    assert "New sanctions are imposed by United States, Japan, " in picture.caption


@pytest.mark.usefixtures("undrawn")
def test_too_few_runs_are_said_where_nothing_is_clear(lever: Scenario, tmp_path: Path) -> None:
    """No clear change in a few runs is no finding."""
    made = sweep_of(tmp_path / "x", {BASE: load_scenario(BASE), "banks": lever}, 4)
    first = first_page(unescape(render_page(made)))
    none = "makes no clear change of where any state is on 25 October 2033, or of the size of any bloc."
    assert f"“Sanctions on banks” {none}" in first
    why = "no clear change of where a state is, or of the size of a bloc"
    assert f"Confidence in this effect:</strong> no grade. Why: {why}." in first
    assert "4 pairs of runs are too few to tell a difference from chance" in first


@pytest.mark.usefixtures("undrawn")
def test_clear_change_of_joining_is_said_where_no_other_is_clear(tmp_path: Path) -> None:
    """Where a state is on a day and whether it has joined by then are tested apart: the answer names both."""
    names = ("helsinki_without_detente", "helsinki_decade")
    question = make_question({name: load_scenario(name) for name in names}, replicates=20, seed=2023)
    made = run_sweep(question, tmp_path / "x", workers=2).results
    first = first_page(unescape(render_page(made)))
    title = "“The decade after Helsinki, with the thaw of 1985”"
    assert (
        f"{title} makes no clear change of where any state is on 31 December 1990, or of the size of any bloc. It"
        in first
    )
    joined = (
        r"It raises how often China has joined “US-led bloc” at least once by then, from 5 to 45 of 100 histories \("
    )
    assert re.search(joined + r"95 % interval of the change \+\d+ to \+\d+\)\. <small>", first)
    assert (
        "<small>These changes of where a state is may be chance, in histories of 100: China in “US-led bloc”" in first
    )
    assert f"{title} raises it from 5 to 45 of 100 histories" in first


def test_quiet_scenarios_with_a_clear_change_of_joining_are_named(dated: DatedFindings) -> None:
    """Those without another clear change are listed, and of these the ones that change how often a state joins."""
    effects = tuple(replace(one, clear=one.scenario == "banks", low=0.05, high=0.2) for one in dated.effects)
    joins = words_of_joining(replace(dated, effects=effects), ["banks", "no_feedback"])
    assert list(joins) == ["banks"]
    quiet = [
        ClearChanges(design, design.capitalize(), "", (), 0, (), 0.0, joins=joins.get(design, ""))
        for design in ("banks", "no_feedback")
    ]
    where = "No clear change of where any state is, or of the size of any bloc: "
    assert quiet_words(quiet, "how often China joins") == (
        f"{where}Banks, No_feedback. Of these, Banks clearly changes how often China joins."
    )
    assert quiet_words(quiet[1:], "how often China joins") == f"{where}No_feedback."


def test_change_of_joining_over_settings_is_that_of_each_point(dated: DatedFindings) -> None:
    effect = replace(dated.effects[0], scenario="banks", clear=True, together=True, difference=-0.1, low=-0.2, high=0)
    joins = words_of_joining(replace(dated, effects=(effect,)), ["banks [w_bond=1]", "no_feedback [w_bond=1]"])
    assert list(joins) == ["banks [w_bond=1]"]
    assert joins["banks [w_bond=1]"].startswith("Over the settings of the sweep it lowers how often ")


def test_largest_change_is_said_where_none_is_clear(results: Results) -> None:
    """A change that its own interval tells from zero is named as one that may be chance."""
    found = read_sample(results)
    outcomes, states = (compare(found, BASE).assign(clear=False) for compare in (compare_outcomes, compare_states))
    names = {design: design for design in found.designs}
    changed = find_changes(found, outcomes, states, names, dict.fromkeys(found.alignments(), "a bloc"), "banks")
    assert changed[0].design == "banks"
    assert not changed[0].sentence()
    assert changed[0].unclear[0].startswith("Turkey in “a bloc” ")


@given(st.sampled_from(ALIKE), st.lists(st.sampled_from([*ALIKE, *ALIKE, 0.2, 0.6]), max_size=6))
@example(ALIKE[0], [ALIKE[1]])
def test_few_assumptions_give_no_high_agreement(chance: float, tried: list[float]) -> None:
    grade = grade_assumptions(chance, tried)
    assert grade == min(grade_words([chance, *tried]), 0 if not tried else 1 if len(tried) < FEWEST_ASSUMPTIONS else 2)
    assert str(FEWEST_ASSUMPTIONS) in agreement_words([chance])


@pytest.mark.parametrize(
    ("tried", "words"),
    [
        ([0.1], "one scenario it is 10 of 100; high needs 3 of them or more"),
        ([0.083, 0.1], "two scenarios it is 8.3 to 10 of 100; high needs 3 of them or more"),
        ([0.301, 0.302, 0.299], "three scenarios it is 30 of 100"),
        ([0.0, 0.0, 0.0], "three scenarios it is 0 of 100"),
    ],
)
def test_agreement_says_the_chances_of_the_others_only(tried: list[float], words: str) -> None:
    """One scenario has one chance; the baseline's own is said before."""
    assert agreement_words(tried) == f"with the other assumptions of {words}"


def test_confidence_says_what_it_is_of(text: str) -> None:
    assert "Confidence in this chance, not in what scenarios change:" in text
    assert "Confidence in this effect:</strong> no grade. Why: these runs have one setting of what is assumed" in text
    assert "<h2>What the answer without it depends on</h2>" in text
    words = re.search(r"sweep both with <code[^>]*>(.*?)</code>", text)
    assert words is not None
    offered = CliRunner().invoke(cli, ["sweep", "--help"]).output
    assert all(word in offered for word in words[1].split() if not word.isdigit())
    assert "agreement of assumptions medium (with the other assumptions of one scenario it is " in text


def test_settings_of_the_sweep_are_said_first(tmp_path: Path) -> None:
    """A baseline with another number is not printed as the baseline of its file."""
    setting = "ties.sanction.USA.CHN=0"
    command = f"blocs sweep {BASE} --set {setting} --without=shelter --replicates 2 --out x"
    changed = with_mechanism_off(with_settings(load_scenario(BASE), {"ties.sanction.USA.CHN": 0}), "shelter")
    page = render_page(sweep_of(tmp_path / "x", {BASE: changed}, 2, command=command))
    head = page[: page.index("<h1>")]
    assert f"changed by hand:</strong> <code>{setting}, without shelter</code>" in head
    assert f"October 2023”, changed by hand ({setting}, without shelter): " in page
    by_python = with_settings(load_scenario(BASE), {"ties.sanction.USA.CHN": 0.6, "erosion": 0.5})
    found = changed_by_hand({}, by_python.model_dump(mode="json"))
    assert sorted(found) == ["parameters.erosion=0.5", "ties.sanction.USA.CHN=0.6"]
    assert changed_by_hand({}, load_scenario(BASE).model_dump(mode="json")) == []


@pytest.mark.parametrize(("runs", "high"), [(3, "56"), (10, "28"), (1000, "0.4")])
def test_verdict_without_an_entry_has_an_interval(dated: DatedFindings, runs: int, high: str) -> None:
    """Few runs without an entry do not say that it is unlikely."""
    said = verdict(replace(dated, first=None, runs=runs))
    assert f"it happens in none of {runs} (95 % interval 0 to {high} of 100)" in said
    assert ("unlikely" in said) == (runs == 1000)


def test_claims_are_left_out_of_a_report_with_a_date(results: Results, text: str) -> None:
    assert 'id="claims"' not in text
    assert '<a href="#claims">' not in text
    refused = CliRunner().invoke(cli, ["report", str(results.folder), "--at", DAY, "--parameters", "posterior"])
    assert refused.exit_code == 2
    assert "leave out one of them" in refused.stderr


def test_day_of_the_state_that_is_shown(text: str) -> None:
    assert "which ends on 25 October 2027. The runs go on to 25 October 2033." in text


def test_clear_is_said_to_be_among_few(dated: DatedFindings) -> None:
    effects = tuple(replace(one, clear=True) for one in dated.effects)
    picture = picture_of_effects(replace(dated, effects=effects))
    assert picture is not None
    assert "clear among the 2 changes here" in picture.caption


def test_sweep_of_sampled_settings_is_refused(tmp_path: Path) -> None:
    """Its first point is no baseline; compare pairs the scenarios over all points."""
    folder = str(tmp_path / "x")
    made = CliRunner().invoke(
        cli, ["sweep", BASE, "no_sanctions", "--design", "sobol", "--points", "4", "--replicates", "1", "--out", folder]
    )
    assert made.exit_code == 0, made.output
    refused = CliRunner().invoke(cli, ["report", folder])
    assert refused.exit_code == 2
    assert "has 4 design points of baseline_2023" in refused.stderr
    assert f"`blocs compare {folder}` compares" in re.sub(r"\s+", " ", refused.stderr)


@pytest.mark.usefixtures("undrawn")
def test_sweep_of_draws_is_refused_until_one_is_chosen(tmp_path: Path) -> None:
    """Its first draw is no baseline, and the others are no other settings."""
    folder, short = str(tmp_path / "x"), ["--steps", "4", "--replicates", "1"]
    made = CliRunner().invoke(
        cli, ["sweep", BASE, "no_sanctions", "--parameters", "posterior", "--draws", "3", *short, "--out", folder]
    )
    assert made.exit_code == 0, made.output
    refused = CliRunner().invoke(cli, ["report", folder, "--points", "0"])
    assert refused.exit_code == 2
    said = re.sub(r"\s+", " ", refused.stderr)
    assert "has 3 draws of the parameters of baseline_2023" in said
    assert f"`blocs compare {folder}` compares" in said
    assert "sweep without --parameters" in said
    chosen = CliRunner().invoke(cli, ["report", folder, "--points", "0", "--baseline", f"{BASE} [point 1]"])
    assert chosen.exit_code == 0, chosen.output


def test_list_of_chosen_settings_is_no_sweep_of_draws(grid: Results) -> None:
    found = read_sample(grid)
    base = found.designs[0]
    chosen = {"design": "list", "vary": {f"parameters.{name}": [1, 2] for name in ("w_pressure", "w_bond", "erosion")}}
    listed = replace(found, scenarios={**found.scenarios, base: {**found.scenarios[base], "sweep": chosen}})
    require_chosen_settings(listed, base, "folder")


def test_other_file_than_a_page_is_refused_with_the_way_to_print(results: Results, tmp_path: Path) -> None:
    refused = CliRunner().invoke(cli, ["report", str(results.folder), "--out", str(tmp_path / "x.pdf")])
    assert refused.exit_code == 2
    assert "does not end in .html; a browser prints the page to PDF" in refused.stderr


def test_no_clear_change_where_no_row_is_clear() -> None:
    rows = pd.DataFrame({"scenario": ["a"], "alignment": ["front"], "clear": [False], "difference": [0.5]})
    assert not len(clear_changes(rows, "a"))


def test_charts_over_time_are_of_visible_changes() -> None:
    """A scenario whose bloc keeps its size has no chart beside the baseline's."""

    def row(name: str, difference: float | None, *, clear: bool = True) -> ScenarioRow:
        change = None if difference is None else SimpleNamespace(difference=difference, clear=clear)
        return ScenarioRow(name, name, "", 9, (0.0, 0.0, 0.1), 0.2, 0.1, change)

    rows = [row("base", None), row("less", -0.3), row("chance", 0.3, clear=False), row("little", 0.01)]
    assert list(visible_names(rows)) == ["base", "less"]


@pytest.mark.second
@pytest.mark.parametrize(
    "others", [("no_feedback",), ("no_feedback", "sanctions_collapse", "no_sanctions", "sanctions_on_china")]
)
@pytest.mark.parametrize("focus", ["banks", BASE])
def test_first_page_fits_one_printed_sheet(
    browser: Any, lever: Scenario, others: tuple[str, ...], focus: str, tmp_path: Path
) -> None:
    """With two and five other scenarios it is no taller than A4 within margins of 11 mm, between those of 14 mm."""
    scenarios = {BASE: load_scenario(BASE), "banks": lever, **{name: load_scenario(name) for name in others}}
    command = f"blocs sweep {BASE} --set w_bond=1.8"
    made = sweep_of(tmp_path / "x", scenarios, 200, command=command)
    path = tmp_path / "page.html"
    path.write_text(render_page(made, at=DAY, scenario=focus), encoding="utf-8")
    page = browser.new_page(viewport={"width": round((210 - 28) / 25.4 * 96), "height": 1000})
    page.emulate_media(media="print")
    page.goto(path.as_uri())
    assert page.evaluate("document.querySelector('.first').getBoundingClientRect().height") <= (297 - 22) / 25.4 * 96
    page.close()
