"""Sensitivity and regret of outcomes at a date, and in tendency."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from sim import api
from sim.analysis.sensitivity import Evaluator, chosen_outcome, describe_reading
from sim.batch.design import through_lens
from sim.cli import cli
from sim.errors import InputError
from sim.model import iterate_runs
from sim.model.trajectory import window_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings

DAY, STEP = "2026-12-31", 12
SETTINGS = ("renewal", "ties.rivalry.USA.CHN")  # one in the arrays, one that builds the world again


@pytest.mark.parametrize("outcome", ["capability_front", "share_front_IRN"])
@pytest.mark.parametrize("columns", [1, 2])
def test_outcome_at_a_date_is_that_of_the_whole_run(outcome: str, columns: int) -> None:
    scenario = load_scenario("sanctions_collapse")  # its shock comes before the date
    row = np.array([0.5, 0.2])[:columns]
    found = Evaluator(scenario, SETTINGS[:columns], outcome, 3, DAY).at(row, 6)
    changed = with_settings(scenario, dict(zip(SETTINGS, row.tolist(), strict=False)))
    runs = list(iterate_runs(changed, seed=3, replicates=range(6)))
    if outcome == "capability_front":
        expected = [run.outcome(outcome)[STEP] for run in runs]
    else:
        expected = [float(run.alignment[STEP, run.states.index("IRN")] == 2) for run in runs]
    np.testing.assert_array_equal(found, expected)
    assert (found != Evaluator(scenario, SETTINGS[:columns], outcome, 3).at(row, 6)).any()


def test_last_date_is_the_default() -> None:
    scenario = load_scenario("baseline_2023")
    row = np.array([0.5])
    at = [Evaluator(scenario, ("renewal",), "capability_front", 3, day).at(row, 4) for day in (None, "2033-10-25")]
    np.testing.assert_array_equal(*at)
    assert describe_reading(scenario, None) == "at 2033-10-25"
    assert describe_reading(scenario, DAY) == "at 2026-10-25"


def test_tendency_is_a_mean_over_the_last_steps() -> None:
    scenario = through_lens(load_scenario("baseline_2023"), "tendency")
    window = window_of(scenario)
    found = Evaluator(scenario, ("w_bond",), "capability_front", 3).at(np.array([np.nan]), 3)
    runs = iterate_runs(scenario, seed=3, replicates=range(3))
    np.testing.assert_allclose(found, [run.outcome("capability_front")[-window:].mean() for run in runs])
    assert describe_reading(scenario, None) == "over the last 40 steps"
    assert chosen_outcome(scenario, seed=3).startswith("capability_")


def blocs(*words: str, code: int = 0) -> str:
    """Run a command; return its output."""
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else " ".join(done.output.split())


SMALL = ("--points", "2", "--replicates", "2", "--seed", "3")


def test_regret_at_a_date_and_in_tendency() -> None:
    words = (
        "regret",
        "baseline_2023",
        "global_coexistence",
        "--outcome",
        "members_us_led",
        *SMALL,
        "--replicates",
        "8",
    )
    tables = {}
    for more in ((), ("--at", DAY), ("--lens", "tendency")):
        record = json.loads(blocs(*words, *more, "--json"))
        tables[record["read"]] = record["levers"]
        assert f"members_us_led {record['read']}, minimized" in blocs(*words, *more)
    assert list(tables) == ["at 2033-10-25", "at 2026-10-25", "over the last 40 steps"]
    assert len({json.dumps(table) for table in tables.values()}) == 3
    found = api.regret(
        ["baseline_2023", "global_coexistence"], outcome="members_us_led", at=DAY, points=2, replicates=8, seed=3
    )
    assert found.table.to_dict("records") == tables["at 2026-10-25"]


def test_regret_of_a_share_says_its_resolution() -> None:
    words = ("regret", "baseline_2023", "no_sanctions", *SMALL, "--outcome")
    assert json.loads(blocs(*words, "share_front_CHN", "--json"))["resolution"] == 0.5
    said = " ".join(blocs(*words, "share_front_CHN").split())
    assert "the mean of 2 runs, so it moves in steps of 0.5." in said
    assert "`at most`, the greatest of 2, is rather too high; more --replicates lower it" in said
    assert json.loads(blocs(*words, "capability_front", "--json"))["resolution"] is None


@pytest.mark.parametrize("name", ["size front", "size_front"])
def test_names_of_the_compare_table_lead_to_the_outcome(name: str) -> None:
    assert "did you mean 'capability_front'?" in blocs("regret", "--outcome", name, *SMALL, code=2)


@pytest.fixture
def quick_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs at the ends of the ranges."""
    monkeypatch.setattr("sim.api.uncertainty.RUNS_AN_END", 2)


@pytest.mark.usefixtures("quick_ends")
def test_sensitivity_at_a_date() -> None:
    words = ("sensitivity", "baseline_2023", "--outcome", "capability_front", "--vary", "renewal=0:0.5", *SMALL)
    record = json.loads(blocs(*words, "--at", DAY, "--json"))
    assert record["read"] == "at 2026-10-25"
    assert "capability_front at 2026-10-25;" in " ".join(blocs(*words, "--at", DAY).split())
    found = api.sensitivity("baseline_2023", "capability_front", vary={"renewal": (0, 0.5)}, at=DAY, points=2,
                            replicates=2, seed=3)  # fmt: skip
    assert found.record["mean"] == record["mean"] != json.loads(blocs(*words, "--json"))["mean"]


@pytest.mark.parametrize(
    ("day", "lens", "message"),
    [
        ("2040-01-01", "histories", "2040-01-01 is outside the run; give a date from 2023-10-25 to 2033-10-25"),
        ("2023-12-31", "histories", "2023-12-31 is in the first step; give 2024-01-25 or later"),
        (DAY, "tendency", "a tendency has no dates; leave it out, or ask for the lens histories"),
        ("soon", "histories", "soon"),
    ],
)
def test_dates_that_runs_do_not_have_are_refused(day: str, lens: str, message: str) -> None:
    for words in (("sensitivity", "baseline_2023"), ("regret", "baseline_2023", "no_sanctions")):
        said = blocs(*words, *SMALL, "--at", day, "--lens", lens, code=2)
        assert message in said
        assert "--at" in said


def test_two_dates_are_refused() -> None:
    with pytest.raises(InputError, match="has 2 dates; give one"):
        api.regret(at=[DAY, "2030-12-31"])
