"""A report about a state that is asked for: who it is, what it does, and what is said where it never does it."""

from __future__ import annotations

import contextlib
import re
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim import api
from sim.analysis.dated.events import list_designs
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.cli import cli
from sim.errors import InputError
from sim.reporting.dated.findings import DatedFindings, find_dated
from sim.reporting.dated.verdict import size_sentence, verdict
from sim.reporting.dated.words import rounded
from sim.reporting.page import render_page
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Sweep

NAMES = {"baseline_2023": "Baseline", "sanctions_collapse": "Collapse"}
BASE, REPLICATES, END = "baseline_2023", 60, "2033-10-25"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    question = make_question({name: load_scenario(name) for name in NAMES}, replicates=REPLICATES, seed=7)
    return run_sweep(question, tmp_path_factory.mktemp("state") / "results", workers=2).results


def find(results: Results, state: str | None) -> DatedFindings:
    found = find_dated(results, NAMES, BASE, "front", "Anti-US front", state=state)
    assert found is not None
    return found


def runs_where(results: Results, scenario: str, state: str, *, inside: bool) -> int:
    """Count the runs in which a state is so, in the front or not, at some step."""
    query = """
        select count(distinct (point, replicate)) from alignments
        where scenario = ? and state = ? and (alignment = 'front') = ?"""
    with contextlib.closing(results.connection()) as connection:
        ((count,),) = connection.execute(query, [scenario, state, inside]).fetchall()
    return int(count)


@pytest.mark.parametrize(("state", "event", "inside"), [("IRN", "entry", True), ("BLR", "exit", False)])
def test_chance_and_effect_are_counts_of_the_state_asked_for(
    results: Results, state: str, event: str, inside: bool
) -> None:
    found = find(results, state)
    counts = [runs_where(results, name, state, inside=inside) for name in NAMES]
    assert found.first is not None
    assert (found.first.state, found.event) == (state, event)
    assert found.first.chances[-1].chance == counts[0] / REPLICATES > 0
    (effect,) = found.effects
    assert (effect.before, effect.chance) == tuple(count / REPLICATES for count in counts)
    assert effect.difference == pytest.approx((counts[1] - counts[0]) / REPLICATES)


def test_first_mover_is_the_same_whatever_is_asked(results: Results) -> None:
    default, asked = find(results, None), find(results, "BLR")
    assert default.first == default.adds_most == asked.adds_most
    assert default.event == "entry"
    assert default.first is not None
    assert f"an entry of {default.first.name} would add most" in size_sentence(asked, "the capability")
    assert size_sentence(find(results, default.first.state), "all") == size_sentence(default, "all")


def test_state_that_never_joins_has_an_interval(results: Results) -> None:
    found = find(results, "DEU")
    assert found.first is not None
    assert runs_where(results, BASE, "DEU", inside=True) == 0
    high = found.first.chances[-1].high
    assert 0.03 < high < 0.1
    said = f"it does so in none of {REPLICATES} histories (95 % interval 0 to {rounded(high)} of 100)"
    assert said in verdict(found)


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("word", "heading", "dots", "words"),
    [
        (
            "Iran",
            "The chance that Iran has joined grows from ",
            "Iran has joined at least",
            "Iran joins “Anti-US front”",
        ),
        (
            "belarus",
            "The chance that Belarus has left grows ",
            "Belarus has left at least",
            "Belarus leaves “Anti-US front”",
        ),
        (
            "DEU",
            "Germany joins “Anti-US front” in none of 60 ",
            "Germany has joined at least",
            "Germany joins “Anti-US",
        ),
    ],
)
def test_first_page_is_about_the_state(results: Results, word: str, heading: str, dots: str, words: str) -> None:
    text = unescape(render_page(results, state=word))
    first, _, chapters = text.partition('<section id="time"')
    id = {"Iran": "IRN", "belarus": "BLR", "DEU": "DEU"}[word]
    assert heading in chapters
    assert dots in first
    assert f"That {words}" in first
    assert f"of 100 in which {words.partition(' “')[0]}" in first
    assert f"This page was asked for about {words.partition(' ')[0]}; weighed by its chance, an entry of " in first
    assert f"--state {id}" in chapters
    assert "To leave means" in first if id == "BLR" else "To join means" in first
    others = re.search(r"<h3>Other states</h3>(.*?)</ul>", chapters, re.DOTALL)
    assert others is not None
    assert words.partition(" ")[0] not in others[1]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Irann", "unknown state 'Irann' (did you mean 'IRN'?) in baseline_2023; `blocs show baseline_2023` lists"),
        ("USA", "'United States' is fixed in baseline_2023 and never moves; give a state that decides, such as "),
        ("<b>\x1b[31m", "unknown state '<b>\\x1b[31m' in baseline_2023"),
        ("", "'' is not the id of a state"),
    ],
)
def test_state_that_cannot_be_asked_about_is_refused(results: Results, word: str, message: str, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    refused = CliRunner().invoke(cli, ["report", str(results.folder), "--state", word, "--out", str(out)])
    assert refused.exit_code == 2
    said = re.sub(r"\s+", " ", refused.stderr)
    assert "--state" in said
    assert message in said
    assert refused.stderr.count("Error") == 1
    assert not out.exists()
    with pytest.raises(InputError, match="state: "):
        api.report(results.folder, state=word, out=out)


def test_state_needs_dates(tmp_path: Path) -> None:
    tendency = load_scenario("unix_1988").model_copy(update={"sweep": Sweep(lens="tendency")})
    made = run_sweep(make_question({"unix_1988": tendency}, replicates=2, seed=7), tmp_path / "x", workers=1).results
    assert not list_designs(made)[0].dated
    state = next(iter(tendency.states))
    with pytest.raises(InputError, match="needs histories with dates"):
        api.report(made.folder, state=state, points=0)
