"""The report says each thing with one number, and nothing of what it does not have."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.batch.sweep import make_question, run_sweep
from sim.reporting import charts, figures
from sim.reporting.chapters import changes, headings
from sim.reporting.chapters.rows import PRIORITY, ScenarioDifferences, explain_outcomes
from sim.reporting.dated.findings import Effect, words_of_effect
from sim.reporting.dated.words import rounded, rounded_apart
from sim.reporting.page import mark_commands, render_page
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings

BASE = "baseline_2023"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, without_drawing: Callable[[], AbstractContextManager[None]]) -> str:
    """Report of the baseline only."""
    question = make_question({BASE: load_scenario(BASE)}, replicates=200, seed=20231025)
    made = run_sweep(question, tmp_path_factory.mktemp("alone") / "results", workers=2).results
    with without_drawing():
        return unescape(render_page(made))


@pytest.fixture(scope="module")
def offer(tmp_path_factory: pytest.TempPathFactory, without_drawing: Callable[[], AbstractContextManager[None]]) -> str:
    """Report of a lever that moves states to a bloc other than that of the report."""
    lever = with_settings(load_scenario(BASE), {"blocs.us_led.accommodation": 0.03})
    lever = lever.model_copy(update={"title": "An offer", "role": "lever", "question": "Do more states join?"})
    scenarios = {BASE: load_scenario(BASE), "offer": lever}
    question = make_question(scenarios, replicates=100, seed=20231025)
    made = run_sweep(question, tmp_path_factory.mktemp("offer") / "results", workers=2).results
    with without_drawing():
        return unescape(render_page(made))


def chapter(text: str, id: str) -> str:
    """Return the text of a chapter without its pictures."""
    part = text[text.index(f'<section id="{id}"') :]
    return re.sub(r"<svg.*?</svg>", "", part[: part.index("</section>")], flags=re.DOTALL)


def test_one_scenario_has_nothing_that_compares(alone: str, offer: str) -> None:
    for id in ("choices", *headings.OF_SEVERAL):
        assert f'id="{id}"' not in alone
        assert f'id="{id}"' in offer
    for id in headings.OF_SEVERAL:
        assert f'href="#{id}"' not in alone
    for words in ("other scenario", "any scenario", "clearly change", "No scenario", "change of the mean"):
        assert words not in re.sub(r"<svg.*?</svg>", "", alone, flags=re.DOTALL)


def test_maps_and_first_page_do_not_contradict_each_other(offer: str) -> None:
    """The first page names changes in every bloc; the maps are of one bloc, and say which."""
    assert "“An offer” raises how often Chile is in “US-led bloc”" in offer
    maps = chapter(offer, "maps")
    assert "<h2>No scenario clearly changes which states are in “Anti-US front”</h2>" in maps
    assert "Without a clear change of the states in “Anti-US front”, and so without a map: An offer." in maps
    assert 'Clear changes of states in another bloc (<a href="#differences">which</a>): An offer.' in maps


def test_one_number_for_one_thing(alone: str) -> None:
    """The same share of runs is said alike in heading, table and chart; a year at that size is another thing."""
    (share,) = re.findall(r'percent_of_runs_with_a_tenth capability_front baseline_2023">([\d.]+)<', alone)
    assert "." in share
    assert f"or more on 25 October 2033 in {share} of 100 runs" in chapter(alone, "kinds")
    assert f"or more for a whole year in {share} " not in alone
    assert " for a whole year in " in chapter(alone, "time")
    assert "large" not in chapter(alone, "glance")


def test_share_beside_a_histogram_is_rounded_as_elsewhere() -> None:
    runs = np.array([0.2] * 9 + [0.0] * 191)
    with figures.draw_axes(4, 2) as axes:
        charts.draw_distributions(axes, {"a": runs}, colour="black")
        assert [one.get_text() for one in axes.texts] == [rounded(9 / 200), "of 100 ≥ 0.1"]
    assert rounded(9 / 200) == "4.5"


def test_change_of_a_size_is_in_points(offer: str) -> None:
    assert re.search(r"Share of capability: “US-led bloc” \d+ → \d+ % \(\+[\d.]+ to \+[\d.]+ points\)", offer)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(0.331, 0.334, ("33.1", "33.4")), (0.9996, 0.9951, ("100.0", "99.5")), (0.0312, 0.0314, ("3.12", "3.14")),
     (0.3301, 0.3304, ("33.01", "33.04")), (0.33, 0.331, ("33.0", "33.1")), (0.34, 0.33, ("34", "33")),
     (0.5, 0.5, ("50", "50")), (0.0, 0.0004, ("0.00", "0.04"))],
)  # fmt: skip
def test_change_is_visible(before: float, after: float, said: tuple[str, str]) -> None:
    """Both ends of a change have a digit more where they would print alike, in each sentence."""
    assert rounded_apart(before, after) == said
    fields = {"baseline_mean": before, "mean": after, "difference": after - before, "low": -0.1, "high": 0.1}
    row = SimpleNamespace(outcome="capability_a", state="x", alignment="a", **fields)
    ends, names = f"from {said[0]} to {said[1]} ", {"a": "A", "x": "X"}
    assert ends in changes.lead_of_size(row, names).change
    assert ends in changes.lead_of_state(row, names, names, "runs").change
    for words in (changes.words_of_size(row, names), changes.words_of_state(row, names, names)):
        assert f"{said[0]} → {said[1]} " in words
    effect = Effect("a", "A", "lever", before, after, after - before, -0.1, 0.1, True)
    assert ends in words_of_effect(effect, "")


def test_words_are_explained_where_they_are_met(offer: str) -> None:
    listed = chapter(offer, "differences")
    assert "<em>capability</em>: share of the world's capabilities, 0 to 1" in listed
    rows = [type("Row", (), {"outcome": name}) for name in ("attention_front_gulf", "consolidation_step")]
    shown = [ScenarioDifferences("a", "a", rows, 0, [], [])]
    terms = dict(explain_outcomes(shown, {"front": "Front"}))
    assert terms["consolidation step"].startswith("first step from which no bloc's capability share moves")
    assert terms["priority"] == PRIORITY
    glossary = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert f"| priority | {PRIORITY} |" in glossary


def test_commands_in_sentences_are_code_and_the_rest_is_text() -> None:
    """A name with markup is printed as it is, within a command too."""
    assert mark_commands("use `blocs <b> & c`: <i>") == "use <code>blocs &lt;b&gt; &amp; c</code>: &lt;i&gt;"
    assert mark_commands("one ` alone") == "one ` alone"
