"""Effects at dates: paired differences, their direct part and the rest, both lenses, and the use of replicates."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from sim import api
from sim.analysis.dated import effects
from sim.analysis.dated.effects import compare_points
from sim.analysis.dated.events import list_designs
from sim.analysis.dated.sentences import (
    effect_sentence,
    more_pairs,
    precision_sentence,
    round_up,
    spread_sentence,
    told_words,
)
from sim.analysis.dated.spread import measure_spread, pairs_to_tell, settings_range
from sim.analysis.paired import CLEAR_ITSELF
from sim.batch.manifest import tendency_command
from sim.batch.store import Results
from sim.cli import cli
from sim.errors import InputError
from sim.model.compiled import iterate_runs
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings

RUNS, DAYS = 30, ("2024-01-25", "2026-10-25")
STEPS = (1, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The baseline, a copy of it and a lever with a large direct effect, for three years."""
    place = tmp_path_factory.mktemp("effects") / "results"
    found = {name: load_scenario(name) for name in ("baseline_2023", "global_coexistence", "sanctions_on_china")}
    found["copy"] = found["baseline_2023"]
    short = {name: one.model_copy(update={"steps": 12}) for name, one in found.items()}
    api.sweep(short, replicates=RUNS, at=DAYS, seed=6, out=place, workers=1)
    return place


@pytest.fixture(scope="module")
def pull(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scenarios under the lens of tendency."""
    place = tmp_path_factory.mktemp("pull") / "results"
    found = {name: load_scenario(name) for name in ("baseline_2023", "global_coexistence", "sanctions_on_china")}
    found["copy"] = found["baseline_2023"]
    api.sweep(found, replicates=2, lens="tendency", seed=6, out=place, workers=1)
    return place


@pytest.fixture(scope="module")
def compared(folder: Path, pull: Path) -> api.Comparison:
    """The comparison of the runs, in both lenses."""
    return api.compare(folder, tendency=pull)


def invoke(*words: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, words)], env={"COLUMNS": "140"})


def test_effects_are_those_of_the_runs(folder: Path, compared: api.Comparison) -> None:
    found = compared.dated
    designs = {design.label: design for design in list_designs(Results(folder))}
    taken = {
        name: np.stack([
            run.alignment for run in iterate_runs(d.scenario, seed=6, replicates=range(RUNS), world=d.world)
        ])
        for name, d in designs.items()
    }  # fmt: skip
    world = designs["baseline_2023"].world
    at = found.states.set_index(["scenario", "event", "date", "state", "alignment"])["difference"]
    sizes = found.sizes.set_index(["scenario", "date", "outcome"])["difference"]
    for name in ("global_coexistence", "sanctions_on_china"):
        for day, step in zip(DAYS, STEPS, strict=True):
            for k, alignment in enumerate(world.alignments):
                one, other = ((taken[side] == k) for side in (name, "baseline_2023"))
                gaps = one[:, step].mean(axis=0) - other[:, step].mean(axis=0)
                entered = one[:, : step + 1].any(axis=1).mean(axis=0) - other[:, : step + 1].any(axis=1).mean(axis=0)
                for i, state in enumerate(world.states):
                    assert at[name, "at", day, state, alignment] == pytest.approx(gaps[i], abs=1e-12)
                    if world.setting.initial[i] != k:
                        assert at[name, "entry", day, state, alignment] == pytest.approx(entered[i], abs=1e-12)
                    else:
                        assert (name, "entry", day, state, alignment) not in at.index
                assert sizes[name, day, f"members_{alignment}"] == pytest.approx(gaps.sum(), abs=1e-9)
                assert sizes[name, day, f"capability_{alignment}"] == pytest.approx(
                    gaps @ world.setting.capability, abs=1e-9
                )


def test_direct_and_rest_add_up(compared: api.Comparison) -> None:
    found = compared.dated
    for table in (found.states, found.sizes):
        np.testing.assert_allclose(table["direct"] + table["rest"], table["difference"], atol=1e-12)
        np.testing.assert_allclose(table["rest_high"] - table["rest_low"], table["high"] - table["low"], atol=1e-12)
        copy = table[table["scenario"] == "copy"]
        assert copy["identical"].all()
        assert (copy["direct"] == 0).all()
    chances = found.states[found.states["event"] == "at"]
    sums = chances.groupby(["scenario", "date", "state"])[["direct", "renewed"]].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-9)
    members = found.sizes[found.sizes["outcome"] == "members_us_led"].set_index(["scenario", "date"])["direct"]
    states = chances[chances["alignment"] == "us_led"].groupby(["scenario", "date"])["direct"].sum()
    np.testing.assert_allclose(members.sort_index(), states.sort_index(), atol=1e-9)


def test_only_what_is_clear_rises_or_falls(compared: api.Comparison) -> None:
    """A change whose own interval leaves out 0, but that is not clear among all, is said to be clear by itself."""
    rows = compared.dated.states
    rows = rows[(rows["event"] == "at") & (rows["difference"] != 0)].head(40)
    cases = [(rows.assign(clear=clear, low=0.01 * side, high=0.02 * side), clear) for clear in (True, False)
             for side in (1, -1)]  # fmt: skip
    for table, clear in cases:
        for row in table.itertuples():
            said = effect_sentence(row, "A state", "bloc")
            assert (f"{row.date} rises" in said or f"{row.date} falls" in said) == clear
            assert said.endswith(f"; {CLEAR_ITSELF})") != clear


def test_direct_effect_of_a_lever(compared: api.Comparison) -> None:
    """Coexistence moves states at step 1, most of them directly; sanctions on China move China."""
    found = compared.dated
    rows = found.sizes.set_index(["scenario", "date", "outcome"]).loc["global_coexistence", DAYS[0], "members_us_led"]
    assert rows["direct"] > 1
    assert rows["rest_low"] < rows["rest"] < rows["rest_high"]
    china = found.states.query("scenario == 'sanctions_on_china' and event == 'at' and alignment == 'front'")
    assert china.loc[china["direct"].abs().idxmax(), "state"] == "CHN"
    assert "China is in the Anti-US front" in compared.sentences()["sanctions_on_china"][0]


def test_dates_of_a_comparison(folder: Path, compared: api.Comparison) -> None:
    assert compared.at == DAYS
    found = api.compare(folder, at="2023-11-01")  # step 1 has not ended
    assert set(found.dated.states["date"]) == {"2023-11-01"}
    assert found.dated.states["identical"].all()
    assert (found.dated.sizes["direct"] == 0).all()
    with pytest.raises(InputError, match="outside the run"):
        api.compare(folder, at=["2033-10-25", "2024-01-25"])


def test_both_lenses(folder: Path, pull: Path, compared: api.Comparison) -> None:
    found = compared
    assert found.lens == "histories"
    assert found.tendency is not None
    assert found.tendency_command == ""
    assert "and its tendency from" in " ".join(found.sentences()["sanctions_on_china"])
    rest = api.compare(pull)
    assert rest.lens == "tendency"
    assert rest.dated.states.empty
    with pytest.raises(InputError, match="has the lens histories"):
        api.compare(folder, tendency=folder)


def test_tendency_lacks_a_scenario(folder: Path, tmp_path: Path) -> None:
    api.sweep("baseline_2023", replicates=1, lens="tendency", out=tmp_path / "one", workers=1)
    with pytest.raises(InputError, match="lacks global_coexistence, sanctions_on_china, copy; make it with"):
        api.compare(folder, tendency=tmp_path / "one")


def test_tendency_of_other_values_under_the_same_names(folder: Path, compared: api.Comparison, tmp_path: Path) -> None:
    """One number differs in one scenario; seed, replicates and steps may differ, as they are of the runs."""
    found = {label: design.scenario for label, design in ((one.label, one) for one in compared.designs)}
    found["copy"] = with_settings(found["copy"], {"w_bond": 1})
    api.sweep(found, replicates=2, lens="tendency", seed=9, out=tmp_path / "other", workers=1)
    with pytest.raises(InputError, match="has other values in copy; make it with `blocs sweep"):
        api.compare(folder, tendency=tmp_path / "other")


def test_command_of_the_tendency() -> None:
    command = "blocs sweep a b --replicates 5 --at 2030-01-01 --at=2031-01-01 --steps 4 --out results/a"
    content = {"command": command, "scenarios": {"a": {}, "b": {}}}
    assert tendency_command(content) == "blocs sweep a b --replicates 5 --lens tendency --out FOLDER"
    assert tendency_command({"scenarios": {"a": {}}}) == "blocs sweep a --lens tendency --out FOLDER"


@pytest.mark.second
def test_printed_comparison(folder: Path, pull: Path) -> None:
    result = invoke("compare", folder, "--state", "CHN", "--tendency", pull)
    assert result.exit_code == 0, result.output
    assert "Lens: histories" in result.stdout
    assert "sanctions_on_china at dates" in result.stdout
    assert "CHN in front" in result.stdout
    assert "CHN enters front" in result.stdout
    assert "IRN" not in result.stdout.partition("sanctions_on_china at dates")[2].partition("\n\n")[0]
    assert "copy: all 30 pairs of runs are identical to the baseline's" in result.stdout
    assert "copy at dates" not in result.stdout
    said = " ".join(result.stdout.split())
    assert re.search(r"with 30 pairs of runs; \d+ of them differ: too few to say how it shrinks; ask for 100", said)
    early = invoke("compare", folder, "--at", DAYS[0]).stdout
    assert "--tendency FOLDER" in early
    assert early.index("sanctions_on_china at 25 January 2024") < early.index("At the end of the runs, 25 October 2026")
    assert " date " not in early.partition("At the end")[0]
    assert "Lens: tendency" in invoke("compare", pull).stdout


def test_comparison_as_json(folder: Path) -> None:
    result = invoke("compare", folder, "--at", DAYS[1], "--json")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert record["lens"] == "histories"
    assert record["at"] == [DAYS[1]]
    assert {"direct", "rest", "renewed", "date", "event"} <= record["dated"]["states"][0].keys()
    spread = {(one["scenario"], one["outcome"]): one for one in record["chance_of_the_run"]}
    assert spread["global_coexistence", "capability_us_led"]["share"] == 1
    assert spread["copy", "capability_front"]["replicates_help"] is False


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--state", "CHM"], "unknown state 'CHM' (did you mean 'CHN'?)"), (["--at", "2040-01-01"], "outside the run"),
     (["--tendency", "nowhere"], "holds no results")],
)  # fmt: skip
def test_refused_options(folder: Path, options: list[str], message: str) -> None:
    result = invoke("compare", folder, *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_spread_of_one_point() -> None:
    gaps = np.random.default_rng(1).normal(0.2, 1, (1, 50))
    found = measure_spread(gaps)
    assert (found.share, found.wanted, found.replicates_help) == (1.0, 200, True)
    assert found.half == pytest.approx(2.0096 * gaps.std(ddof=1) / np.sqrt(50), rel=1e-4)
    assert measure_spread(np.zeros((1, 9))).wanted is None


def test_few_pairs_that_differ_predict_nothing() -> None:
    """An interval of fewer than 20 pairs that differ is cautious, so no width at more pairs is computed from it."""
    gaps = np.zeros((1, 400))
    for differing, words in ((19, "19 of them differ: too few to say how it shrinks; ask for 1000"), (21, "halve it")):
        gaps[0, :differing] = 0.1
        said = spread_sentence({"capability_front": measure_spread(gaps)}, "2027-12-31")
        assert words in said
    assert [more_pairs(pairs) for pairs in (10, 49, 50, 400, 800)] == [100, 100, 1000, 1000, 1600]


@pytest.mark.parametrize(("share", "words"), [(0.64, "narrow it, to ±0.06 at best"), (0.4, "do not help much")])
def test_settings_bound_what_more_replicates_narrow(share: float, words: str) -> None:
    """Without chance of the run, √(1 − share) of the interval is left: 0.6 of 0.1 for a share of 0.64."""
    spread = measure_spread(np.random.default_rng(1).normal(0, 1, (4, 30)))._replace(half=0.1, share=share, wanted=None)
    assert words in spread_sentence({"capability_front": spread}, "2027-12-31")


def test_chance_common_to_all_points_does_not_shrink_with_their_number() -> None:
    """Points have common random numbers: the interval of the mean contains the true effect at 95 %, not fewer."""
    rng, repeats = np.random.default_rng(4), 200  # each outcome is a repeat
    common, effects = rng.normal(0, 1, (1, 30, repeats)), rng.normal(0, 0.3, (40, 1, repeats))
    gaps = effects + common + rng.normal(0, 0.5, (40, 30, repeats))
    columns = pd.MultiIndex.from_tuples([("d", "s", f"outcome {number}") for number in range(repeats)])
    table = compare_points(*([pd.DataFrame(row + 2.0, columns=columns) for row in side] for side in (gaps, 0 * gaps)))
    assert len(table) == repeats
    assert ((table["low"] <= 0) & (table["high"] >= 0)).mean() >= 0.92


def test_range_of_settings_is_that_of_true_effects() -> None:
    """Planted effects of points, with chance of the run at each: the quantiles are those of the effects."""
    rng, points = np.random.default_rng(5), 2000
    true = rng.normal(0.2, 0.1, points)
    common = rng.normal(0, 1, (1, 20, 1))
    gaps = true[:, None, None] + common + rng.normal(0, 0.5, (points, 20, 1))
    low, high = settings_range(gaps - common.mean())
    assert (low[0], high[0]) == pytest.approx(tuple(np.quantile(true, (0.05, 0.95))), abs=0.02)
    assert np.isnan(settings_range(gaps[:, :1])).all()
    assert np.isnan(settings_range(gaps[:1])).all()


def test_range_of_settings_is_unknown_where_chance_spreads_the_points() -> None:
    """Points of one true effect, of which chance alone makes the means differ: no range, not one without width."""
    gaps = np.zeros((2, 4, 2))
    gaps[0, 0], gaps[1, 1] = 1.0, 1.0
    gaps[1, 2, 0] = 1.0  # the means of the first outcome differ by less than chance of single runs makes them
    assert np.isnan(settings_range(gaps[:, :, :1])).all()
    assert settings_range(gaps[:, :, 1:]) == ([0.25], [0.25])  # means that are equal have a known range
    single = np.zeros((5, 30, 1))
    single[3, 7] = 1.0  # chance of single runs explains all of it, and no more
    assert np.isnan(settings_range(single)).all()


@pytest.mark.parametrize(("between", "help"), [(0.02, True), (1.0, False)])
def test_spread_over_points(between: float, help: bool) -> None:
    """Planted variances of true effects and of runs: the share of chance is that of the variance of means."""
    rng = np.random.default_rng(2)
    points, runs = 4000, 20
    gaps = rng.normal(0, between, (points, 1)) + rng.normal(0, 1, (points, runs))
    found = measure_spread(gaps)
    assert found.share == pytest.approx((1 / runs) / (between**2 + 1 / runs), abs=0.05)
    assert found.replicates_help is help
    assert (found.wanted is None) is not help
    common = rng.normal(0, 1, (1, runs)) + 0 * gaps
    assert measure_spread(gaps * 0.01 + common).share == pytest.approx(1, abs=0.02)


def test_long_points_are_compared_together_and_printed_on_request(tmp_path: Path) -> None:
    """Draws of all parameters: the scenarios over all draws; each draw beside the first one with --all only."""
    names = ("baseline_2023", "sanctions_on_china")
    sweep = ("sweep", *names, "--parameters", "posterior", "--draws", 2, "--replicates", 2, "--steps", 4)
    swept = invoke(*sweep, "--out", tmp_path / "draws").output
    assert "baseline_2023 [2 points]" in swept
    assert "4 design points of more than 2 settings are together here; blocs query has each" in " ".join(swept.split())
    assert "w_bond=" not in swept
    short, whole = (invoke("compare", tmp_path / "draws", *more).output for more in ((), ("--all",)))
    assert "sanctions_on_china is compared over all of its 2 design points, at dates" in short
    assert "3 design points with more than 2 settings, compared with the first of them one by one, are not" in short
    assert "sanctions_on_china at 25 October 2024" in short
    assert "5 to 95 %" in short
    assert "point 1]" not in short
    assert "not compared" not in short
    assert "Against the first point of baseline_2023" in whole
    assert [f"\nbaseline_2023 [point {n}]\n" in whole for n in (0, 1)] == [False, True]


@pytest.mark.second
def test_points_of_two_scenarios_are_paired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Design points with the same settings are pairs, and their means are compared."""
    sweeps = {
        name: load_scenario(name).model_copy(update={"steps": 4}) for name in ("baseline_2023", "global_coexistence")
    }
    varied = {
        name: one.model_copy(update={"sweep": one.sweep.model_copy(update={"vary": {"parameters.w_bond": (0.3, 0.6)}})})
        for name, one in sweeps.items()
    }
    place = tmp_path / "points"
    api.sweep(varied, replicates=6, seed=1, out=place, workers=1)
    found = api.compare(place).dated
    own = found.states[found.states["scenario"] == "global_coexistence"]
    assert (own["pairs"] == 2).all()
    spread = found.spreads["global_coexistence"]["capability_us_led"]
    assert (spread.points, spread.replicates) == (2, 6)
    alone = found.states[found.states["scenario"] == "baseline_2023 [w_bond=0.6]"]
    assert (alone["pairs"] == 6).all()
    assert found.left_out == 0
    monkeypatch.setattr(effects, "MOST_PAIRED", 1)
    short = api.compare(place)
    assert short.dated.left_out == 1
    assert len(short.dated.spreads) == 1
    said = "The first 1 scenarios and design points are compared at dates; 1 more is not."
    assert said.replace("first 1", "first 32") in invoke("compare", place).stdout


def test_pairs_to_tell_an_effect_have_power_of_eight_in_ten() -> None:
    effect, spread, pairs = 0.2, 1.0, 100
    needed = pairs_to_tell(1.96 * spread / pairs**0.5, effect, pairs)
    assert needed is not None
    means = np.random.default_rng(1).normal(effect, spread / needed**0.5, 20_000)
    assert np.mean(np.abs(means) > 1.96 * spread / needed**0.5) == pytest.approx(0.8, abs=0.015)
    assert pairs_to_tell(0.1, 0.0, 100) is None
    assert pairs_to_tell(float("nan"), 0.1, 100) is None


def test_no_reader_is_asked_for_millions_of_runs() -> None:
    assert "about 1700 tell an effect of the size seen (+0.05)" in told_words(0.1, 0.05, 200)
    assert "not even 100,000 tell an effect of the size seen (-0.0001)" in told_words(0.1, -0.0001, 200)


def test_precision_of_listed_chances() -> None:
    table = pd.DataFrame({"low": [0.01, 0.1], "high": [0.05, 0.3], "n": [50, 50], "runs": [50, 50]})
    expected = "The widest of these intervals is ±10.0 in 100 with 50 runs; about 200 halve it"
    assert precision_sentence(table).replace("±10 ", "±10.0 ") == expected
    assert "with 50 of 200 runs; about 800 halve it" in precision_sentence(table.assign(runs=200))  # as 4 * 50 in 800
    assert precision_sentence(table.iloc[:0]) == ""
    assert [round_up(count) for count in (7, 99, 101, 1234, 120)] == [7, 99, 110, 1300, 120]
