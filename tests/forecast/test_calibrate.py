"""Calibration: a table of the model's chances that resumes exactly, and a fit without later events."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from sim import api
from sim.article.robustness import VARIED
from sim.batch.design import design_points
from sim.cli import cli
from sim.errors import InputError
from sim.forecast import calibrate, chances, draws, likelihood
from sim.forecast.baselines import deciding_states
from sim.forecast.calibrate import fit_posterior, held_out_weights, mean_by_state, observed_record, simulate_record
from sim.forecast.chances import ChancePlan, ChanceTable
from sim.forecast.draws import load_draws
from sim.forecast.record import load_observed, observed_file
from sim.model.compiled import run_compiled
from sim.model.world import World, world_of
from sim.scenario.lens import STRUCTURAL_WINDOW, structural_of
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

PLAN = ChancePlan(points=128, replicates=6, seed=9)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """The baseline."""
    return load_scenario(BASE)


@pytest.fixture(scope="module")
def world(scenario: Scenario) -> World:
    """Its arrays."""
    return world_of(scenario)


@pytest.fixture(scope="module")
def folder(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small table on disk."""
    made = tmp_path_factory.mktemp("calibration") / "table"
    chances.stored_chances(scenario, PLAN, made)
    return made


@pytest.fixture(scope="module")
def table(scenario: Scenario, folder: Path) -> ChanceTable:
    """The same table, read again."""
    return chances.stored_chances(scenario, PLAN, folder)


def test_table_has_chances_of_the_model(table: ChanceTable, scenario: Scenario) -> None:
    there = with_settings(scenario, {f"parameters.{n}": v for n, v in zip(VARIED, table.values[5], strict=True)})
    runs = [run_compiled(structural_of(there), seed=9, replicate=r) for r in range(6)]
    late = np.mean([run.chances[-STRUCTURAL_WINDOW:].mean(axis=0) for run in runs], axis=0)
    places = [scenario.alignments().index(bloc) for bloc in ("us_led", "front", "non_aligned")]
    assert np.allclose(table.chances[5], late[:, places])


def test_chances_at_the_start_are_those_of_simultaneous_decisions(scenario: Scenario, table: ChanceTable) -> None:
    """At step 1 all see where the others start."""
    values = {f"parameters.{n}": v for n, v in zip(VARIED, table.values[5], strict=True)}
    there = with_settings(scenario, values | {"parameters.inertia": 0})
    run = run_compiled(there.model_copy(update={"activation": "simultaneous", "steps": 1}), seed=1)
    places = [scenario.alignments().index(bloc) for bloc in ("us_led", "front", "non_aligned")]
    found = chances.start_chances(scenario, world_of(scenario), table.values[5:6])[0]
    free = deciding_states(world_of(scenario))
    assert np.allclose(found[free], run.chances[1][free][:, places])


def test_renewal_of_a_point_changes_no_chance(scenario: Scenario, table: ChanceTable) -> None:
    """The lens sets the renewal, so that it is a control among the parameters."""
    there = table.values[5].copy()
    there[VARIED.index("renewal")] *= 2
    again = chances.simulate_chances(scenario, chances.structural_world(scenario), there[None], PLAN)
    assert np.array_equal(again.chances[0], table.chances[5])


@pytest.mark.second
def test_table_resumes(scenario: Scenario, folder: Path, table: ChanceTable) -> None:
    shutil.rmtree(folder / "shards" / "000064")
    reports: list[tuple[int, int]] = []
    again = chances.stored_chances(scenario, PLAN, folder, progress=lambda done, total: reports.append((done, total)))
    assert np.array_equal(again.chances, table.chances)
    assert (reports[0], reports[-1]) == ((64 * 6, 128 * 6), (128 * 6, 128 * 6))


def test_folder_of_another_plan_is_refused(scenario: Scenario, folder: Path) -> None:
    with pytest.raises(InputError, match="is of another table"):
        chances.stored_chances(scenario, replace(PLAN, seed=10), folder)


def test_table_does_not_depend_on_varied_defaults(scenario: Scenario) -> None:
    assert chances.fixed_digest(with_settings(scenario, {"w_bond": 2.0})) == chances.fixed_digest(scenario)
    assert chances.fixed_digest(with_settings(scenario, {"w_propensity": 2.0})) != chances.fixed_digest(scenario)


def test_later_events_do_not_change_fit(world: World) -> None:
    observed = load_observed(BASE)
    assert observed is not None
    assert observed.after
    whole, cut = (observed_record(world, one) for one in (observed, replace(observed, after=())))
    for one, other in zip(whole, cut, strict=True):
        assert np.array_equal(one, other)


def test_held_out_vote_is_not_fitted(world: World) -> None:
    observed = load_observed(BASE)
    assert observed is not None
    votes, _ = calibrate.observed_arrays(world, observed)
    kept_out = [name for name, vote in observed.votes.items() if vote.held_out]
    assert kept_out
    assert len(votes) == len(observed.votes) - len(kept_out)


def test_state_left_out_is_forecast_without_its_record(table: ChanceTable, world: World) -> None:
    observed = load_observed(BASE)
    assert observed is not None
    record, groups = observed_record(world, observed), world.setting.theatre
    place = world.states.index("IND")

    def held_out(of: likelihood.VoteRecord) -> list[float]:
        found = mean_by_state(held_out_weights(table, of, groups), table.chances)[place]
        return [float(chance) for chance in found]

    chances_without = held_out(record)
    contrary = record._replace(votes=np.where((groups == groups[place])[:, None], 0.5, record.votes))
    assert held_out(contrary) == chances_without
    rest = fit_posterior(table, likelihood.leave_groups_out(record, (groups == groups[place])[None]))
    assert chances_without == pytest.approx((rest.weights @ table.chances[:, place]).tolist())


def test_known_point_is_recovered_from_many_records(table: ChanceTable, world: World) -> None:
    """Many records of one point of the table identify it."""
    rng, truth = np.random.default_rng(4), 17
    line = likelihood.Line(np.float64(0), np.float64(1), np.float64(0.01))
    states = len(world.states)
    pattern = np.ones((3, states), dtype=bool), np.ones(states, dtype=bool)
    plain = likelihood.READINGS[0]
    records = [simulate_record(table.chances[truth], plain, line, pattern, pattern[1], rng) for _ in range(60)]
    together = likelihood.log_likelihood(table.chances, likelihood.join_records(records)).sum(axis=0)
    assert together.argmax() == truth


# Draws from the posterior


def test_shipped_draws_are_in_baseline_ranges() -> None:
    found = load_draws(BASE)
    assert len(found.values) >= 200
    low, high = chances.prior_bounds()
    assert np.all((low <= found.values) & (found.values <= high))
    assert {"points", "replicates", "seed", "effective", "blocs"} <= found.record.keys()


def test_draws_round_trip(tmp_path: Path) -> None:
    found = load_draws(BASE)
    draws.write_draws(tmp_path / "again.csv", found)
    again = draws.read_draws(tmp_path / "again.csv")
    assert np.array_equal(again.values, found.values)
    assert again.record == found.record


def test_stale_and_broken_draws_are_refused(tmp_path: Path) -> None:
    text = (observed_file(BASE).with_name(draws.FILE)).read_text(encoding="utf-8")
    for change, message in (
        (("digest: ", "digest: 0"), "another version of baseline_2023"),
        (("w_bond,", "bond,"), "other columns"),
        (("\n" + text.splitlines()[-1], "\n1,2,nan"), "is not a row of"),
    ):
        (tmp_path / "p.csv").write_text(text.replace(*change), encoding="utf-8")
        with pytest.raises(InputError, match=message):
            load_draws(BASE, str(tmp_path / "p.csv"))


def test_sweep_over_draws_keeps_own_parameters(scenario: Scenario) -> None:
    found = load_draws(BASE)
    bare = load_scenario("no_feedback")
    made = design_points("no_feedback", draws.sweep_over_draws(bare, found, 5))
    assert len(made) == 5
    own = [name for name in VARIED if getattr(bare.parameters, name).value != getattr(scenario.parameters, name).value]
    assert own
    assert not {f"parameters.{name}" for name in own} & made[0].settings.keys()
    assert made[0].settings["parameters.w_bond"] == found.values[0, VARIED.index("w_bond")]


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_calibrate_command(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[Any] = []
    fit = calibrate.calibrate_world

    def fit_once(*arguments: Any) -> Any:
        """Fit for the first command only; the second prints the same fit."""
        if not fits:
            fits.append(fit(*arguments))
        return fits[0]

    monkeypatch.setattr(calibrate, "calibrate_world", fit_once)
    there = tmp_path / "again"
    shutil.copytree(folder, there)
    asked = ["calibrate", "--points", "128", "--replicates", "6", "--seed", "9", "--out", str(there), "--json"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert {one["parameter"] for one in record["parameters"]} == set(VARIED)
    assert "es_11_6" not in record["fitted_to"]
    without = record["figures"]["without the state"]
    assert record["figures"]["in sample"].keys() == without.keys()
    assert {kind: found.keys() for kind, found in record["beside"].items()} == dict.fromkeys(
        ("without the state", "at the coded start, in sample", "at the coded start, without the state"), without.keys()
    )
    for name, (model, *plainer) in record["beside"]["without the state"].items():
        key = "spearman" if name.startswith("ideal") else "auc"
        assert model[key]["value"] == without[name]["value"]
        assert plainer
        for one in plainer:
            assert one[f"model_less_{key}"]["low"] <= one[f"model_less_{key}"]["high"]
            if one["n"] == model["n"]:
                assert one[f"model_less_{key}"]["value"] == pytest.approx(model[key]["value"] - one[key]["value"])
    assert len(load_draws(BASE, str(there / draws.FILE)).values) > 100
    needed = record["effective"] * (record["chance_distance"] / 0.3) ** 2
    assert record["few_points"]
    assert record["effective_needed"] == pytest.approx(needed)
    shown = " ".join(CliRunner().invoke(cli, asked[:-1]).stdout.split())
    assert f"{math.ceil(needed)} draws" in shown


def test_calibrate_command_refuses_world_without_record() -> None:
    done = CliRunner().invoke(cli, ["calibrate", "unix_1988"])
    assert done.exit_code == 2
    assert "observed.toml" in done.stderr


def test_world_without_points_of_the_fitted_year_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the record would name points as fitted to that the fit does not have."""
    monkeypatch.setattr("sim.api.record.forecasts.YEAR", 1980)
    with pytest.raises(InputError, match="votes and ideal points of 1980; see"):
        api.calibrate(BASE, out=tmp_path / "table", points=8, replicates=1)
    assert not (tmp_path / "table").exists()


def test_too_many_draws_are_refused() -> None:
    done = CliRunner().invoke(cli, ["sweep", BASE, "--parameters", "posterior", "--draws", "5000"])
    assert done.exit_code == 2
    assert "give that or fewer" in done.stderr
    done = CliRunner().invoke(cli, ["sweep", BASE, "--parameters", "posterior", "--design", "sobol", "--draws", "8"])
    assert done.exit_code == 2


def test_explain_command_range_over_draws(scenario: Scenario, tmp_path: Path) -> None:
    found = load_draws(BASE)
    few = tmp_path / "few.csv"
    draws.write_draws(few, replace(found, values=found.values[:6]))
    asked = ["explain", BASE, "CHN", "--replicates", "2", "--parameters", str(few), "--json"]
    ranges = json.loads(CliRunner().invoke(cli, asked).stdout)["parameters"]
    over = draws.chances_at_draws(scenario, draws.read_draws(few), replicates=8, seed=scenario.sweep.seed)
    place = list(scenario.states).index("CHN")
    for k, alignment in enumerate(scenario.alignments()):
        low, median, high = ranges[alignment]
        assert median == pytest.approx(np.median(over[:, place, k]))
        assert low <= median <= high


def test_calibration_page_equals_shipped_draws() -> None:
    page = (Path(__file__).parents[2] / "docs" / "calibration.md").read_text(encoding="utf-8")
    found, (low, high) = load_draws(BASE), chances.prior_bounds()
    rows = re.findall(r"^\| (\w+) \| \S+ \| (\S+) \| (\S+) to (\S+) \|", page, re.M)
    assert len(rows) >= 6
    for name, *printed in rows:
        v = VARIED.index(name)
        quantiles = np.quantile(found.values[:, v], [0.5, 0.05, 0.95])
        assert np.abs(quantiles - np.array(printed, dtype=float)).max() < 0.06 * (high[v] - low[v])
