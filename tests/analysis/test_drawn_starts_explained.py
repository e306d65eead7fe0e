"""Analyses of a scenario that draws its starts: they take those of one run, say so, and never a wrong alignment."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from relation import changed
from strategies import NO_RESPONSE, small

import sim
from sim.analysis.dated.direct import renewed_shares, structural_start
from sim.analysis.dated.events import list_designs
from sim.analysis.history.prospect import find_prospect
from sim.analysis.history.retrace import Retrace
from sim.analysis.states.direct import chances_after
from sim.analysis.states.held import hold_start
from sim.analysis.states.start import explain_start
from sim.analysis.states.turning import find_start_flips, start_candidates
from sim.api.analyses import ONE_RUN
from sim.batch.sweep import make_question, run_sweep
from sim.cli import cli
from sim.cli.text import start_words
from sim.errors import InputError
from sim.model.compiled import iterate_runs, run_compiled
from sim.model.starts import (
    coded_start_chances,
    draws_starts,
    structural_chances,
    with_starts_of,
)
from sim.model.world import with_parameters, world_of
from sim.reporting.dated.findings import find_dated
from sim.reporting.dated.verdict import size_sentence
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

CHANCES = {"west": 0.4, "non_aligned": 0.4, "east": 0.2}
SEED = 11

WORLD = """
title = "Three states"
question = "Where does C go?"
date = 2020-12-31
step = "year"
steps = 4
dispositions = "kept"

[theatres]
land = "Land"

[blocs.west]
name = "West"
leader = "AAA"
enforcement = { value = 0.5, source = "assumed", note = "invented" }
attention_budget = { value = 1.0, source = "assumed", note = "invented" }
accommodation = { value = 0.0, source = "assumed", note = "invented" }

[blocs.east]
name = "East"
leader = "BBB"
enforcement = { value = 0.0, source = "assumed", note = "invented" }
attention_budget = { value = 1.0, source = "assumed", note = "invented" }
accommodation = { value = 0.0, source = "assumed", note = "invented" }
"""
STATES = """id,name,theatre,capability,capability_source,initial,initial_source,initial_chances,note
AAA,Aland,land,4,assumed,west,assumed,,leads
BBB,Bland,land,3,assumed,east,assumed,,leads
CCC,Cland,land,2,assumed,{start},assumed,{chances},decides
DDD,Dland,land,1,assumed,{start},assumed,{chances},decides
"""
TIES = """a,b,kind,value,regime,source,note
AAA,CCC,bond,0.5,,assumed,invented
BBB,DDD,rivalry,0.5,,assumed,invented
"""


def drawn(**settings: float) -> Scenario:
    """C decides between A's west and B's east, and each run draws its start; its world changes after the start."""
    base = changed(small(steps=8), dispositions="kept", step="year", date="2023-10-25")
    quiet = {**NO_RESPONSE, "accommodation_cost": 0, "blocs.west.accommodation": 0, "temperature": 0.5, "renewal": 0.1}
    own = base.states["C"].model_copy(update={"initial": "drawn", "initial_chances": CHANCES})
    factual = changed(with_settings(base, quiet), states={**base.states, "C": own})
    return with_settings(changed(factual, anchor=factual), settings)


def world_folder(folder: Path, start: str) -> Path:
    """Write a world of four states, of which two have a drawn or a random start."""
    chances = "west 0.5; non_aligned 0.5" if start == "drawn" else ""
    folder.mkdir()
    (folder / "world.toml").write_text(WORLD)
    (folder / "states.csv").write_text(STATES.format(start=start, chances=chances))
    (folder / "ties.csv").write_text(TIES)
    return folder


def command(*words: object) -> str:
    """Return the output of a command that succeeds."""
    done = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_run_is_the_same_from_its_own_start() -> None:
    scenario = drawn(**{"blocs.east.accommodation": 0.3})
    assert draws_starts(scenario)
    for replicate in range(6):
        coded = with_starts_of(scenario, seed=SEED, replicate=replicate)
        assert not draws_starts(coded)
        one, other = (run_compiled(each, seed=SEED, replicate=replicate) for each in (scenario, coded))
        assert np.array_equal(one.alignment, other.alignment)
        assert np.array_equal(one.chances, other.chances, equal_nan=True)
        for run in iterate_runs(coded, seed=SEED, replicates=range(3)):
            assert np.array_equal(run.alignment[0], one.alignment[0])


def test_coded_scenario_is_returned_itself() -> None:
    scenario = small()
    assert with_starts_of(scenario, seed=1, replicate=2) is scenario


def test_direct_chances_are_given_the_start_of_the_run() -> None:
    """C alone decides, so its chances by closed form are its shares among the runs with the same start."""
    scenario = drawn(**{"blocs.east.accommodation": 0.3})
    runs = list(iterate_runs(scenario, seed=SEED, replicates=range(3000)))
    starts, ends = (np.array([run.alignment[step, 2] for run in runs]) for step in (0, -1))
    for k in range(3):
        replicate = int(np.flatnonzero(starts == k)[0])
        found = explain_start(scenario, "C", seed=SEED, replicate=replicate)
        assert found.held == found.account.alignments[k]
        assert found.drawn is not None
        assert (found.drawn.replicate, found.drawn.chances) == (replicate, CHANCES)
        among = ends[starts == k]
        shares = np.bincount(among, minlength=3) / among.size
        assert list(found.direct.values()) == pytest.approx(shares, abs=4 * np.sqrt(0.25 / among.size))
        flips = find_start_flips(
            scenario, "C", seed=SEED, replicate=replicate, among=start_candidates(scenario_at(k), "C")[:3]
        )
        assert (flips.held, flips.direct.moves) == (found.held, pytest.approx(found.moves))


def scenario_at(k: int) -> Scenario:
    """The scenario with C's start coded as the alignment."""
    scenario = drawn()
    own = scenario.states["C"].model_copy(update={"initial": scenario.alignments()[k], "initial_chances": {}})
    return changed(scenario, states={**scenario.states, "C": own}, anchor=None)


def test_simulated_histories_begin_at_the_explained_start() -> None:
    scenario = drawn(renewal=0.0)
    found = explain_start(scenario, "C", seed=SEED, replicate=3, replicates=40)
    assert found.simulated is not None
    assert found.simulated.shares[found.held][0] == 1.0  # nothing changes and nothing is renewed


def test_prospect_is_that_of_the_start_of_the_run() -> None:
    scenario = drawn(**{"blocs.east.accommodation": 0.3})
    world = world_of(scenario)
    for replicate in range(12):
        run = run_compiled(scenario, seed=SEED, replicate=replicate)
        found = find_prospect(scenario, world, run)
        coded = with_starts_of(scenario, seed=SEED, replicate=replicate)
        assert found == find_prospect(coded, world_of(coded), run)
        assert found is not None
        assert found.bloc != run.alignments[run.alignment[0, 2]]
        assert 0 < found.chance < 1


def test_history_weighs_a_drawn_start_in_the_factual_world() -> None:
    scenario = drawn(w_autonomy=0.0)
    scenario = with_settings(scenario, {"ties.bond.B.C": 1.0})  # a circumstance, which comes after the start
    run = run_compiled(scenario, seed=SEED, replicate=0)
    coded = with_starts_of(scenario, seed=SEED, replicate=0)
    ours, theirs = (Retrace(world_of(each), run, [2]).weigh_start(2) for each in (scenario, coded))
    for alignment, terms in theirs.items():
        np.testing.assert_array_equal(ours[alignment], terms)


def test_world_without_a_start_has_no_closed_form() -> None:
    world = world_of(drawn())
    assert np.isnan(structural_start(world)).all()
    with pytest.raises(ValueError, match="start is random or drawn"):
        hold_start(world, [1])
    with pytest.raises(ValueError, match="start is random or drawn"):
        chances_after(world, 1)


def test_structural_chances_average_over_starts() -> None:
    """What the others draw matters to a state, so its structural chances differ between starts."""
    scenario = drawn(inertia=0)
    free = {id: one.model_copy(update={"fixed": False}) for id, one in scenario.states.items()}
    world = world_of(changed(scenario, states=free, anchor=None))
    found = [structural_chances(with_parameters(world, world.start.parameters), 0, r).chances for r in range(8)]
    np.testing.assert_allclose(coded_start_chances(world), np.mean(found, axis=0), rtol=1e-12)


def test_explanation_says_which_start(tmp_path: Path) -> None:
    world = world_folder(tmp_path / "drawn", "drawn")
    shown = command("explain", world, "CCC", "--seed", 3, "--replicate", 1)
    assert "CCC starts in West 0.5, non-aligned 0.5" in " ".join(shown.split())
    assert "as drawn in replicate 1 of seed 3" in " ".join(shown.split())
    assert "nan" not in shown
    assert "coded start" not in shown
    assert "AAA starts there always, others do not" in " ".join(command("explain", world, "AAA").split())
    record = json.loads(command("explain", world, "CCC", "--seed", 3, "--replicate", 1, "--json"))
    assert record["drawn"] == {"seed": 3, "replicate": 1, "chances": {"west": 0.5, "non_aligned": 0.5}}
    run = run_compiled(sim.load(world), seed=3, replicate=1)
    assert record["held"] == run.alignments[run.alignment[0, 2]]
    assert sum(record["by_date"]["direct"].values()) == pytest.approx(1)
    assert record["held"] in sim.explain(world, "CCC", seed=3, replicate=1).summary


@pytest.mark.parametrize("start", ["drawn", "random"])
def test_commands_of_a_world_without_coded_starts(start: str, tmp_path: Path) -> None:
    world = world_folder(tmp_path / start, start)
    outputs = [
        command("run", world, "--others", 3, "--moves"), command("run", world, "--seed", 2, "--json"),
        command("run", world, "--html", tmp_path / "run.html"), command("explain", world, "CCC", "--step", 2),
        command("explain", world, "CCC", "--flip", "--replicates", 4), command("show", world),
        command("check", world), command("landscape", world),
    ]  # fmt: skip
    command("sweep", world, "--vary", "renewal=0:0.5:2", "--replicates", 8, "--out", tmp_path / "swept")
    outputs += [command("compare", tmp_path / "swept"), command("replay", tmp_path / "swept", "0-1")]
    assert "since a start is random or drawn in each run" in outputs[-2]
    for output in outputs:
        assert " nan" not in output.lower()
    question = make_question({"w": sim.load(world)}, replicates=2, seed=1)
    (design,) = list_designs(run_sweep(question, tmp_path / "one", workers=1).results)
    assert renewed_shares(design, "2022-12-31").size == 0


def test_replicate_without_step_needs_a_drawn_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=ONE_RUN):
        sim.explain("baseline_2023", "IRN", replicate=1)
    with pytest.raises(InputError, match=ONE_RUN):
        sim.explain(world_folder(tmp_path / "random", "random"), "CCC", replicate=1, replicates=2)


def test_show_gives_the_chances_of_a_start(tmp_path: Path) -> None:
    scenario = sim.load(world_folder(tmp_path / "drawn", "drawn"))
    assert start_words(scenario.states["CCC"]) == "drawn: west 0.5, non_aligned 0.5"
    assert start_words(scenario.states["AAA"]) == "west"


def test_report_says_that_starts_are_drawn(tmp_path: Path) -> None:
    scenario = sim.load(world_folder(tmp_path / "drawn", "drawn"))
    question = make_question(
        {"w": with_settings(scenario, {"temperature": 1.0, "renewal": 0.3})}, replicates=30, seed=1
    )
    results = run_sweep(question, tmp_path / "swept", workers=1).results
    found = find_dated(results, {"w": "World"}, "w", "west", "West")
    assert found is not None
    assert (found.members, found.drawn) == (("Aland",), 2)
    said = size_sentence(found, "the capability of these states")
    assert said.startswith("Each run draws where 2 of these states start. At the start the bloc has")
    assert "among which are always Aland" in said
    assert "Each run draws its start: “West” has" in found.headline()
