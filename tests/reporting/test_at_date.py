"""A report at a date: its numbers are those of the runs at that date, and it names the date."""

from __future__ import annotations

import contextlib
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from sim import api
from sim.analysis.compare import compare_outcomes, outcome_by_run, read_sample
from sim.analysis.dated.sample import sample_at, shares_in_sample
from sim.analysis.dated.tally import tabulate_realignments, tabulate_survival
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.errors import InputError
from sim.reporting.dated.findings import find_dated
from sim.reporting.dated.verdict import growth_sentence
from sim.reporting.page import render_page
from sim.scenario.loading import load_scenario

BASE = "baseline_2023"
NAMES = {"baseline_2023": "Baseline", "sanctions_collapse": "Collapse"}
REPLICATES = 40
DAY = "2027-12-31"  # within a step


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    question = make_question({name: load_scenario(name) for name in NAMES}, replicates=REPLICATES, seed=7)
    return run_sweep(question, tmp_path_factory.mktemp("at_date") / "results", workers=2).results


def where_at(results: Results, day: str) -> pd.DataFrame:
    """Read the alignment of each state at the last step that ends by a day, from the view by step."""
    query = """
        select scenario, replicate, state, alignment from alignments
        where date = (select max(date) from alignments where date <= ?)"""
    with contextlib.closing(results.connection()) as connection:
        return connection.execute(query, [day]).df()


def test_sizes_and_shares_at_a_date_are_those_of_the_alignments(results: Results) -> None:
    found = sample_at(results, read_sample(results), DAY)
    there = where_at(results, DAY)
    weights = {id: one.capability.value for id, one in load_scenario("baseline_2023").states.items()}
    there["weight"] = there["state"].map(weights) / sum(weights.values())
    front = there[(there["alignment"] == "front") & (there["scenario"] == "sanctions_collapse")]
    expected = front.groupby("replicate")["weight"].sum().reindex(range(REPLICATES), fill_value=0.0)
    sizes = outcome_by_run(found.runs, "sanctions_collapse", "capability_front")
    assert sizes.to_numpy() == pytest.approx(expected.to_numpy())
    iran = there[(there["state"] == "IRN") & (there["scenario"] == "baseline_2023")]
    share = shares_in_sample(found)["baseline_2023"]["IRN"]["front"]
    assert share == pytest.approx((iran["alignment"] == "front").mean())


def test_sample_at_the_end_is_the_sample(results: Results) -> None:
    whole = read_sample(results)
    ended = sample_at(results, whole, "2033-10-25")
    columns = [f"{what}_{one}" for what in ("capability", "members") for one in whole.alignments()]
    assert ended.runs[columns].to_numpy() == pytest.approx(whole.runs[columns].to_numpy())
    one, other = (compare_outcomes(found, "baseline_2023").set_index("outcome") for found in (ended, whole))
    for column in ("difference", "low", "high"):
        assert one.loc[columns, column].to_numpy() == pytest.approx(other.loc[columns, column].to_numpy(), nan_ok=True)


def test_findings_at_a_date_are_those_of_runs_that_end_there(tmp_path: Path) -> None:
    """Every number is of the runs up to the date: moves, and whole years, after it do not count."""
    scenario, day = load_scenario(BASE), "2027-10-25"
    whole, ended = (
        run_sweep(make_question({BASE: one}, replicates=200, seed=7), tmp_path / name, workers=2).results
        for name, one in (("whole", scenario), ("ended", scenario.model_copy(update={"steps": 16})))
    )
    cut, short = (find_dated(one, NAMES, BASE, "front", "front", at) for one, at in ((whole, day), (ended, None)))
    assert cut is not None
    assert short is not None
    assert short.days == cut.days
    for name in ("realignments", "sizes", "joining", "leaving", "first", "adds_most", "renewed", "share"):
        assert getattr(cut, name) == getattr(short, name), name
    pd.testing.assert_frame_equal(cut.incidence, short.incidence)
    for tabulate in (tabulate_survival, tabulate_realignments):
        pd.testing.assert_frame_equal(tabulate([cut.tally]), tabulate([short.tally]))
    assert growth_sentence(cut, "front") == growth_sentence(short, "front")
    begun = cut.tally.begun.sum(axis=1)
    assert begun[:17].tolist() == short.tally.begun.sum(axis=1).tolist()
    assert 0 < begun[:17].sum() == begun.sum()
    (rate, *_) = cut.realignments
    with contextlib.closing(whole.connection()) as connection:
        ((moves,),) = connection.execute("select count(*) from moves where step <= 16").fetchall()
    free = int((~cut.tally.design.world.setting.fixed).sum())
    assert rate == pytest.approx(moves / (200 * 4 * free))


def test_effect_at_a_date_counts_the_runs_by_then(results: Results) -> None:
    dated = find_dated(results, NAMES, "baseline_2023", "front", "Anti-US front", DAY)
    assert dated is not None
    assert dated.first is not None
    assert dated.days == ("2024-10-25", "2026-10-25", DAY)
    assert dated.incidence["date"].max() == DAY
    query = """
        select count(distinct replicate) from alignments
        where scenario = 'sanctions_collapse' and state = ? and alignment = 'front' and date <= ?"""
    with contextlib.closing(results.connection()) as connection:
        ((joined,),) = connection.execute(query, [dated.first.state, DAY]).fetchall()
    assert dated.effects[0].chance == joined / REPLICATES


@pytest.mark.usefixtures("undrawn")
def test_date_on_the_first_page_in_captions_and_in_the_method(results: Results) -> None:
    text = unescape(render_page(results, at=DAY))
    assert "This report is of 31 December 2027, where states are after the last step by then" in text
    assert "which ends on 25 October 2027. The runs go on to 25 October 2033." in text
    first, _, chapters = text.partition('<section id="time"')
    assert first.count("31 December 2027") >= 4
    assert "mean difference from the baseline on 31 December 2027" in chapters
    assert "Outcomes are of the last step that ends by 31 December 2027" in chapters
    assert "2033" not in text[text.index('id="glance"') : text.index('id="sensitivity"')]
    assert f"--points 0 --at {DAY}" in text
    assert f"About {4 * REPLICATES} runs a scenario halve them" in first
    assert "This report is of" not in render_page(results)


@pytest.mark.parametrize(
    ("day", "message"),
    [
        ("2034-01-01", "report:1: at: 2034-01-01 is outside the run; give a date from 2023-10-25 to 2033-10-25"),
        ("2023-12-31", "report:1: at: 2023-12-31 is in the first step; give 2024-01-25 or later"),
        (["2027-01-01", "2028-01-01"], "report:1: at: has 2 dates; give one"),
    ],
)
def test_date_outside_the_runs_refused_once(results: Results, day: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        api.report(results.folder, at=day, out=tmp_path / "page.html")
    assert str(caught.value) == message
    assert not (tmp_path / "page.html").exists()
