"""Calibration: the table is the model's own, resumes to the byte, and forgets what came after the article."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.article.robustness import VARIED
from sim.batch.design import design_points
from sim.cli import cli
from sim.errors import InputError
from sim.forecast import calibrate, chances, draws, likelihood
from sim.forecast.calibrate import fit_posterior, held_out_chances, observed_record, simulate_record
from sim.forecast.chances import ChancePlan, ChanceTable
from sim.forecast.draws import load_draws
from sim.forecast.record import load_observed, observed_file
from sim.model.compiled import run_compiled
from sim.model.world import World, world_of
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

pytestmark = pytest.mark.xdist_group("calibrate")  # one worker makes what the tests share
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
def folder(scenario: Scenario, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small table on disk."""
    made = tmp_path_factory.mktemp("calibration") / "table"
    chances.stored_chances(scenario, world, PLAN, made)
    return made


@pytest.fixture(scope="module")
def table(scenario: Scenario, world: World, folder: Path) -> ChanceTable:
    """The same table, read again."""
    return chances.stored_chances(scenario, world, PLAN, folder)


def test_the_table_holds_the_chances_of_the_model(table: ChanceTable, scenario: Scenario) -> None:
    there = with_settings(scenario, {f"parameters.{n}": v for n, v in zip(VARIED, table.values[5], strict=True)})
    late = np.mean([run_compiled(there, seed=9, replicate=r).chances[-8:].mean(axis=0) for r in range(6)], axis=0)
    places = [scenario.alignments().index(bloc) for bloc in ("us_led", "front", "non_aligned")]
    assert np.allclose(table.chances[5], late[:, places])


def test_a_table_goes_on_where_it_was_stopped(
    scenario: Scenario, world: World, folder: Path, table: ChanceTable
) -> None:
    shutil.rmtree(folder / "shards" / "000064")
    heard: list[tuple[int, int]] = []
    again = chances.stored_chances(
        scenario, world, PLAN, folder, progress=lambda done, total: heard.append((done, total))
    )
    assert np.array_equal(again.chances, table.chances)
    assert (heard[0], heard[-1]) == ((64 * 6, 128 * 6), (128 * 6, 128 * 6))


def test_a_folder_of_another_plan_is_refused(scenario: Scenario, world: World, folder: Path) -> None:
    with pytest.raises(InputError, match="another plan"):
        chances.stored_chances(scenario, world, replace(PLAN, seed=10), folder)


def test_a_table_depends_on_no_default_of_what_it_varies(scenario: Scenario) -> None:
    assert chances.fixed_digest(with_settings(scenario, {"w_bond": 2.0})) == chances.fixed_digest(scenario)
    assert chances.fixed_digest(with_settings(scenario, {"w_propensity": 2.0})) != chances.fixed_digest(scenario)


def test_what_came_after_changes_nothing(world: World) -> None:
    observed = load_observed(BASE)
    assert observed is not None
    assert observed.after
    whole, cut = (observed_record(world, one) for one in (observed, replace(observed, after=())))
    for one, other in zip(whole, cut, strict=True):
        assert np.array_equal(one, other)


def test_a_vote_held_out_is_not_fitted_to(world: World) -> None:
    observed = load_observed(BASE)
    assert observed is not None
    votes, _ = calibrate.observed_arrays(world, observed)
    kept_out = [name for name, vote in observed.votes.items() if vote.held_out]
    assert kept_out
    assert len(votes) == len(observed.votes) - len(kept_out)


def test_a_state_left_out_is_forecast_without_its_own_record(table: ChanceTable, world: World) -> None:
    observed = load_observed(BASE)
    assert observed is not None
    record, groups = observed_record(world, observed), world.setting.theatre
    place = world.states.index("IND")
    told = held_out_chances(table, record, groups)[place].tolist()
    contrary = record._replace(votes=np.where((groups == groups[place])[:, None], 0.5, record.votes))
    assert held_out_chances(table, contrary, groups)[place].tolist() == told
    alone = fit_posterior(table, likelihood.leave_groups_out(record, (groups == groups[place])[None]))
    assert told == pytest.approx((alone.weights @ table.chances[:, place]).tolist())


def test_a_known_truth_is_recovered_from_many_records_of_it(table: ChanceTable, world: World) -> None:
    """Records of one point of the table, together, leave no other point."""
    rng, truth = np.random.default_rng(4), 17
    line = likelihood.Line(np.float64(0), np.float64(1), np.float64(0.01))
    states = len(world.states)
    pattern = np.ones((3, states), dtype=bool), np.ones(states, dtype=bool)
    plain = likelihood.READINGS[0]
    records = [simulate_record(table.chances[truth], plain, line, pattern, pattern[1], rng) for _ in range(60)]
    together = likelihood.log_likelihood(table.chances, likelihood.join_records(records)).sum(axis=0)
    assert together.argmax() == truth


# Draws from the posterior


def test_the_shipped_draws_belong_to_the_baseline_and_its_ranges() -> None:
    found = load_draws(BASE)
    assert len(found.values) >= 200
    low, high = chances.prior_bounds()
    assert np.all((low <= found.values) & (found.values <= high))
    assert {"points", "replicates", "seed", "effective", "blocs"} <= found.record.keys()


def test_draws_are_read_as_they_were_written(tmp_path: Path) -> None:
    found = load_draws(BASE)
    draws.write_draws(tmp_path / "again.csv", found)
    again = draws.read_draws(tmp_path / "again.csv")
    assert np.array_equal(again.values, found.values)
    assert again.record == found.record


def test_draws_of_another_world_and_broken_ones_are_refused(tmp_path: Path) -> None:
    text = (observed_file(BASE).with_name(draws.FILE)).read_text(encoding="utf-8")
    for change, told in (
        (("digest: ", "digest: 0"), "another state of baseline_2023"),
        (("w_bond,", "bond,"), "other columns"),
        (("\n" + text.splitlines()[-1], "\n1,2,nan"), "is no row of"),
    ):
        (tmp_path / "p.csv").write_text(text.replace(*change), encoding="utf-8")
        with pytest.raises(InputError, match=told):
            load_draws(BASE, str(tmp_path / "p.csv"))


def test_a_sweep_of_draws_runs_each_and_leaves_what_a_scenario_sets_apart(scenario: Scenario) -> None:
    found = load_draws(BASE)
    bare = load_scenario("no_feedback")
    made = design_points("no_feedback", draws.sweep_over_draws(bare, found, 5))
    assert len(made) == 5
    own = [name for name in VARIED if getattr(bare.parameters, name).value != getattr(scenario.parameters, name).value]
    assert own
    assert not {f"parameters.{name}" for name in own} & made[0].settings.keys()
    assert made[0].settings["parameters.w_bond"] == found.values[0, VARIED.index("w_bond")]


def test_the_command_says_what_is_identified_and_writes_what_sweep_takes(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "again"
    shutil.copytree(folder, there)
    asked = ["calibrate", "--points", "128", "--replicates", "6", "--seed", "9", "--out", str(there), "--json"]
    told = CliRunner().invoke(cli, asked)
    assert told.exit_code == 0, told.output
    record = json.loads(told.stdout)
    assert {one["parameter"] for one in record["parameters"]} == set(VARIED)
    assert "es_11_6" not in record["fitted_to"]
    without = record["figures"]["without the state"]
    assert record["figures"]["in sample"].keys() == without.keys() == record["beside"]["without the state"].keys()
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
    assert f"it takes some {math.ceil(needed)} draws or more: give more --points" in shown


def test_without_a_record_there_is_nothing_to_fit_to() -> None:
    told = CliRunner().invoke(cli, ["calibrate", "unix_1988"])
    assert told.exit_code == 2
    assert "observed.toml" in told.stderr


def test_claims_and_sweep_refuse_more_draws_than_there_are() -> None:
    told = CliRunner().invoke(cli, ["sweep", BASE, "--parameters", "posterior", "--draws", "5000"])
    assert told.exit_code == 2
    assert "give that or fewer" in told.stderr
    told = CliRunner().invoke(cli, ["sweep", BASE, "--parameters", "posterior", "--design", "sobol", "--draws", "8"])
    assert told.exit_code == 2


def test_explain_says_how_far_the_parameters_leave_a_chance_open(scenario: Scenario, tmp_path: Path) -> None:
    found = load_draws(BASE)
    few = tmp_path / "few.csv"
    draws.write_draws(few, replace(found, values=found.values[:6]))
    asked = ["explain", BASE, "CHN", "--replicates", "2", "--parameters", str(few), "--json"]
    told = json.loads(CliRunner().invoke(cli, asked).stdout)["parameters"]
    over = draws.chances_at_draws(scenario, draws.read_draws(few), replicates=8, seed=scenario.sweep.seed)
    place = list(scenario.states).index("CHN")
    for k, alignment in enumerate(scenario.alignments()):
        assert told[alignment][1] == pytest.approx(np.median(over[:, place, k]))
        assert told[alignment][0] <= told[alignment][1] <= told[alignment][2]


def test_the_page_of_docs_tells_of_the_shipped_draws() -> None:
    page = (Path(__file__).parents[2] / "docs" / "calibration.md").read_text(encoding="utf-8")
    found, (low, high) = load_draws(BASE), chances.prior_bounds()
    rows = re.findall(r"^\| (\w+) \| \S+ \| (\S+) \| (\S+) to (\S+) \|", page, re.M)
    assert len(rows) >= 6
    for name, *told in rows:
        v = VARIED.index(name)
        drawn = np.quantile(found.values[:, v], [0.5, 0.05, 0.95])
        assert np.abs(drawn - np.array(told, dtype=float)).max() < 0.06 * (high[v] - low[v])
