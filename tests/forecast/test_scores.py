"""Scores by hand, beside scipy and brute force; perfect and constant forecasts; the whole scorecard."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from sim import api
from sim.cli import cli
from sim.cli.commands.forecast import draw_scores
from sim.errors import InputError
from sim.forecast import scores
from sim.forecast.baselines import leader_of, plain_baselines, sum_by_answer
from sim.forecast.chances import model_chances
from sim.forecast.record import LaterEvent, Observed, load_observed
from sim.forecast.scorecard import ForecastInputs, later_record, score_forecasts
from sim.forecast.scores import ABSTAINED, NO, YES
from sim.reporting import charts
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Sweep
from sim.scenario.ties import sanctions_before

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "cases"


def ones(n: int) -> Any:
    return np.ones((1, n))


# By hand


def test_brier_and_log_score_by_hand() -> None:
    forecast, answer = np.array([[0.7, 0.2, 0.1], [0.0, 0.5, 0.5]]), np.array([YES, NO])
    # (0.3² + 0.2² + 0.1² + 0.5² + 0.5²) / 2
    assert scores.brier_score(forecast, answer, ones(2))[0] == pytest.approx((0.14 + 0.5) / 2)
    by_hand = -(math.log(0.98 * 0.7 + 0.02 / 3) + math.log(0.98 * 0.5 + 0.02 / 3)) / 2
    assert scores.log_score(forecast, answer, ones(2))[0] == pytest.approx(by_hand)


def test_auc_by_hand() -> None:
    hit = np.array([True, False, True, False])
    # 0.9 beats both; 0.4 loses to 0.5 and ties with 0.4
    assert scores.auc_score(np.array([0.9, 0.5, 0.4, 0.4]), hit, ones(4))[0] == (2 + 0 + 0.5) / 4


def test_line_by_hand() -> None:
    # hits 0, 0, 1 on chances 0, 0.5, 1: slope 1, intercept −1/6
    slope, intercept = scores.calibration_line(np.array([0, 0.5, 1.0]), np.array([False, False, True]), ones(3))
    assert (slope[0], intercept[0]) == pytest.approx((1.0, -1 / 6))


def test_bins_count_each_state_once() -> None:
    forecast = np.array([0.0, 0.1, 0.2, 0.55, 1.0])
    bins = scores.calibration_bins(forecast, np.array([False, True, True, False, True]))
    assert [(one.n, one.share) for one in bins] == [(2, 0.5), (1, 1.0), (1, 0.0), (1, 1.0)]
    assert bins[0].forecast == pytest.approx(0.05)
    assert all(0 <= one.low <= one.share <= one.high <= 1 for one in bins)


# Against scipy and brute force

values = st.lists(st.integers(0, 5), min_size=4, max_size=14)


@given(values, st.integers(0, 2**32 - 1))
def test_auc_and_rank_correlation_equal_scipy(given_values: list[int], seed: int) -> None:
    x = np.array(given_values, dtype=float)
    rng = np.random.default_rng(seed)
    hit, y = rng.permutation(np.arange(len(x)) % 2 == 0), rng.integers(0, 4, len(x)).astype(float)
    mann_whitney = stats.mannwhitneyu(x[hit], x[~hit]).statistic / (hit.sum() * (~hit).sum())
    assert scores.auc_score(x, hit, ones(len(x)))[0] == pytest.approx(mann_whitney)
    found = scores.spearman(x, y, ones(len(x)))[0]
    if np.ptp(x) and np.ptp(y):
        assert found == pytest.approx(stats.spearmanr(x, y).statistic)
    else:
        assert np.isnan(found)


def figures(x: Any, y: Any, answer: Any) -> dict[str, Callable[[Any, Any], Any]]:
    """Every score as a function of the states and their weights."""
    chances = np.abs(np.column_stack([x, y, x + y])) + 0.1
    chances /= chances.sum(axis=1, keepdims=True)
    return {
        "brier": lambda at, w: scores.brier_score(chances[at], answer[at], w),
        "log": lambda at, w: scores.log_score(chances[at], answer[at], w),
        "auc": lambda at, w: scores.auc_score(x[at], answer[at] == YES, w),
        "spearman": lambda at, w: scores.spearman(x[at], y[at], w),
        "slope": lambda at, w: scores.calibration_line(chances[at, 0], answer[at] == YES, w)[0],
    }


@given(st.integers(0, 2**32 - 1))
def test_state_drawn_twice_counts_twice(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 8
    x, y, answer = rng.integers(0, 5, n) / 4, rng.integers(0, 5, n) / 4, rng.integers(0, 3, n)
    counts = rng.multinomial(n, np.full(n, 1 / n))
    drawn = np.repeat(np.arange(n), counts)
    for name, figure in figures(x, y, answer).items():
        by_weight = figure(np.arange(n), counts[None].astype(float))
        by_copies = figure(drawn, ones(n))
        np.testing.assert_allclose(by_weight, by_copies, atol=1e-9, err_msg=name)


def test_leave_one_out_equals_regression_on_others() -> None:
    rng = np.random.default_rng(3)
    attributes, answer = rng.normal(size=(30, 2)), rng.integers(0, 3, 30)
    found = scores.leave_one_out(attributes, answer)
    rest = np.arange(30) != 5
    scaled = (attributes - attributes[rest].mean(axis=0)) / attributes[rest].std(axis=0)
    design = np.column_stack([np.ones(30), scaled])

    def loss(flat: Any) -> float:
        beta = flat.reshape(3, 3)
        chance = np.exp(design[rest] @ beta)
        chance /= chance.sum(axis=1, keepdims=True)
        return float(-np.log(chance[np.arange(29), answer[rest]]).sum() + 0.5 * (beta[1:] ** 2).sum())

    beta = optimize.minimize(loss, np.zeros(9)).x.reshape(3, 3)
    expected = np.exp(design[5] @ beta)
    np.testing.assert_allclose(found[5], expected / expected.sum(), atol=2e-3)


def test_own_answer_does_not_change_forecast() -> None:
    rng = np.random.default_rng(4)
    attributes, answer = rng.normal(size=(20, 3)), rng.integers(0, 3, 20)
    other = answer.copy()
    other[7] = (answer[7] + 1) % 3
    before, after = scores.leave_one_out(attributes, answer), scores.leave_one_out(attributes, other)
    np.testing.assert_allclose(before[7], after[7], atol=1e-3)
    assert np.abs(before - after).max() > 0.01


def test_forecast_without_attributes_is_share_of_others() -> None:
    found = scores.leave_one_out(np.zeros((5, 0)), np.array([0, 0, 0, 1, 2]))
    np.testing.assert_allclose(found[0], [0.5, 0.25, 0.25], atol=1e-3)


# Perfect and constant forecasts


def test_perfect_forecast_scores() -> None:
    answer = np.array([YES] * 12 + [NO] * 5 + [ABSTAINED] * 8)
    chances, weights = np.eye(3)[answer], scores.bootstrap_weights(25)
    ranking = chances[:, YES] - chances[:, NO]
    assert scores.score_with_interval(scores.auc_score(ranking, answer == YES, weights), 25)[:3] == (1.0, 1.0, 1.0)
    assert scores.score_with_interval(scores.brier_score(chances, answer, weights), 25)[:3] == (0.0, 0.0, 0.0)
    assert scores.log_score(chances, answer, weights)[0] == pytest.approx(-math.log(0.98 + 0.02 / 3))
    slope, intercept = scores.calibration_line(chances[:, YES], answer == YES, weights)
    assert (slope[0], intercept[0]) == pytest.approx((1, 0))


def test_constant_forecast_scores() -> None:
    answer = np.array([YES] * 12 + [NO] * 5 + [ABSTAINED] * 8)
    chances, weights = np.full((25, 3), 1 / 3), scores.bootstrap_weights(25)
    assert scores.score_with_interval(scores.auc_score(chances[:, 0], answer == YES, weights), 25)[:3] == (
        0.5,
        0.5,
        0.5,
    )
    assert scores.brier_score(chances, answer, weights)[0] == pytest.approx(2 / 3)
    assert scores.log_score(chances, answer, weights)[0] == pytest.approx(math.log(3))
    assert np.isnan(scores.spearman(chances[:, 0], answer.astype(float), weights)[0])
    assert np.isnan(scores.calibration_line(chances[:, 0], answer == YES, weights)[0]).all()


def test_log_score_of_wrong_certainty_is_bounded() -> None:
    worst = scores.log_score(np.array([[1.0, 0.0, 0.0]]), np.array([NO]), ones(1))[0]
    assert worst == pytest.approx(math.log(3 / 0.02))


def test_coverage_of_score_intervals() -> None:
    rng = np.random.default_rng(11)
    truth, covered = float(stats.norm.cdf(1 / math.sqrt(2))), 0
    hit = np.arange(40) < 20
    for _ in range(40):
        found = scores.score_with_interval(
            scores.auc_score(rng.normal(hit * 1.0, 1.0), hit, scores.bootstrap_weights(40)), 40
        )
        covered += found.low <= truth <= found.high
    assert 34 <= covered <= 40


# Forecasts and the scorecard


def test_answer_chances_from_alignment_chances() -> None:
    scenario = load_scenario("brics_third_pole")
    assert scenario.alignments()[:2] == ("non_aligned", "us_led")
    shares = np.random.default_rng(0).dirichlet(np.ones(len(scenario.alignments())), 4)
    found = sum_by_answer(scenario, shares)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_array_equal(found[:, [YES, ABSTAINED]], shares[:, [1, 0]])


def test_baseline_scores_of_known_states() -> None:
    scenario = load_scenario("baseline_2023")
    named = {one.name: dict(zip(scenario.states, one.score, strict=True)) for one in plain_baselines(scenario)[:5]}
    treaty, hostile = named["defence treaty, USA"], named["sanctions, rivalry, USA"]
    assert (treaty["JPN"], treaty["NZL"], treaty["SWE"], treaty["RUS"]) == (1, 0, 0, 0)
    assert (hostile["RUS"], hostile["TUR"], hostile["FRA"]) == (-1, -0.3, 0)
    assert named["landscape minimum"]["GBR"] == 1
    assert named["landscape minimum"]["RUS"] == 0
    assert named["polyarchy"]["AUS"] == 0.846


def test_scenario_without_leader_is_refused() -> None:
    with pytest.raises(InputError, match="no bloc has a leader"):
        leader_of(load_scenario("tribes_gahuku_gama"))


@pytest.fixture(scope="module")
def few() -> Observed:
    """One vote of the record, and the later events."""
    found = load_observed("baseline_2023")
    assert found is not None
    return replace(found, votes={"es_11_4": found.votes["es_11_4"]})


@pytest.fixture(scope="module")
def few_resamples() -> Iterator[None]:
    """Fewer bootstrap resamples, for tests of values without their intervals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "RESAMPLES", 200)
        scores.bootstrap_weights.cache_clear()
        yield
    scores.bootstrap_weights.cache_clear()


@pytest.fixture(scope="module")
def record(few: Observed, few_resamples: None) -> dict[str, Any]:
    return score_forecasts(load_scenario("baseline_2023"), few, seed=1, replicates=20)


def test_states_that_do_not_decide_are_left_out(record: dict[str, Any]) -> None:
    assert record["left_out"] == ["USA"]
    (with_all, before) = record["votes"]
    assert (with_all["sanctions"], before["sanctions"]) == ("all", "before 2022-10-12")
    for one in (with_all, before):
        assert one["cast"] == {"yes": 31, "no": 5, "abstained": 12, "absent": 1}
        assert {row["n"] for row in one["forecasts"]} == {one["n"]} == {49}
        assert "USA" not in {row["state"] for row in one["states"]}


def test_record_scores_follow_from_its_states(record: dict[str, Any]) -> None:
    """The test computes the model's scores from the states' chances."""
    for one in record["votes"]:
        states = one["states"]
        answer = np.array([{"yes": YES, "no": NO}.get(row["cast"], ABSTAINED) for row in states])
        chances = np.array([[row[answer] for answer in ("yes", "no", "abstained")] for row in states])
        model, ideal = one["forecasts"][0], one["forecasts"][-1]
        assert model["brier"]["value"] == pytest.approx(((chances - np.eye(3)[answer]) ** 2).sum(axis=1).mean())
        ranks = np.round(chances[:, 0] - chances[:, 1], 9)
        pairs = [(a > b) + 0.5 * (a == b) for a in ranks[answer == YES] for b in ranks[answer != YES]]
        assert model["auc"]["value"] == pytest.approx(np.mean(pairs))
        assert ideal["forecast"] == "ideal point of 2021"
        assert ideal["auc"]["value"] == pytest.approx(0.89, abs=0.005)
        gap = model["auc"]["value"] - ideal["auc"]["value"]
        assert ideal["model_less_auc"]["value"] == pytest.approx(gap)
        missed = [row["state"] for n, row in enumerate(states) if chances[n].argmax() != answer[n]]
        assert missed == [row["state"] for row in states if row["missed"]]


def test_later_events_do_not_change_other_scores(few: Observed, record: dict[str, Any]) -> None:
    bare = score_forecasts(load_scenario("baseline_2023"), replace(few, after=()), seed=1, replicates=20)
    moves = bare["after"].pop("realignments")
    assert (moves["events"], moves["horizons"]) == (0, [])
    assert bare["after"] == {"votes": [], "moves": [], "scores": None}
    assert json.dumps({**bare, "after": 0}) == json.dumps({**record, "after": 0})


def test_last_step_of_each_state_is_scored(record: dict[str, Any]) -> None:
    moves = {one["state"]: one for one in record["after"]["moves"]}
    assert sorted(moves) == sorted(["ARG", "EGY", "ETH", "ARE", "SAU", "SWE", "PRK", "RUS", "BLR", "SYR", "IDN", "VEN"])
    assert moves["VEN"]["date"] == "2026-01-03"
    assert moves["RUS"]["missed"]
    assert record["after"]["scores"]["n"] == 12
    assert record["after"]["votes"][0]["cast"]["no"] == 8


def test_last_step_is_that_of_the_last_date(few: Observed) -> None:
    scenario = load_scenario("baseline_2023")
    early, late = (
        LaterEvent(title=f"to {bloc}", date=date(year, 1, 1), source="assumed", toward={"IRN": bloc})
        for year, bloc in ((2025, "front"), (2026, "us_led"))
    )
    even = ForecastInputs(tuple(scenario.states), np.full((len(scenario.states), 3), 1 / 3), ())
    for after in ((early, late), (late, early)):
        (move,) = later_record(scenario, replace(few, after=after), even, ["IRN"])["moves"]
        assert (move["cast"], move["date"]) == ("us_led", "2026-01-01")


def test_chart_of_a_record_without_votes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--chart:1: shows forecasts of votes, and the record has none"):
        draw_scores({"votes": []}, tmp_path / "score.png")


@pytest.mark.second
def test_validation_page_equals_model_scores() -> None:
    """The test uses fewer runs than the page, and the model only."""
    page = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    baseline, observed = load_scenario("baseline_2023"), load_observed("baseline_2023")
    assert observed is not None
    votes = {name: sanctions_before(baseline, vote.date) for name, vote in observed.votes.items()}
    chances = model_chances(votes, seed=baseline.sweep.seed, replicates=200, workers=None, progress=None)
    for heading, figure in (("AUC, or rank correlation", "auc"), ("Brier score", "brier")):
        table = page[page.index(f"| {heading} |") :]
        names = [cell.split("(")[0].strip() for cell in table.splitlines()[0].split("|")[2:-1]]
        cells = table[table.index("| the model |") :].splitlines()[0].split("|")[2:-1]
        printed = dict(zip(names, (float(re.findall(r"[\d.]+", cell)[0]) for cell in cells), strict=True))
        for name, vote in observed.votes.items():
            places = [n for n, state in enumerate(baseline.states) if state in vote.cast and state != "USA"]
            states = [[*baseline.states][n] for n in places]
            answer = np.array([{"yes": YES, "no": NO}.get(vote.cast[state], ABSTAINED) for state in states])
            forecast = chances[name][places]
            now = (
                scores.auc_score(forecast[:, YES] - forecast[:, NO], answer == YES, ones(len(answer)))[0]
                if figure == "auc"
                else scores.brier_score(forecast, answer, ones(len(answer)))[0]
            )
            assert printed[name] == pytest.approx(now, abs=0.03), (heading, name)


# The command


def scored(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["score", *arguments])


def test_score_command_text_json_and_markdown_agree(tmp_path: Path) -> None:
    world = str(CASES / "valid" / "world_with_a_record")
    text = scored(world, "--replicates", "5", "--chart", str(tmp_path / "chart.svg"))
    assert text.exit_code == 0, text.output
    assert "first  2022-03-02, held out of fitting: 2 states, 1 yes, 0 no, 0 abstained, 1 absent" in text.stdout
    machine = json.loads(scored(world, "--replicates", "5", "--json").stdout)
    assert machine["leader"] == "USA"
    assert [one["sanctions"] for one in machine["votes"]] == ["all", "before 2022-03-02"]
    value = machine["votes"][1]["forecasts"][0]["brier"]["value"]
    assert f"{value:.2f} (" in text.stdout
    page = scored(world, "--replicates", "5", "--markdown").stdout
    assert f"| the model | {value:.2f} (" in page[page.index("| Brier score | first (n = 2) |") :]
    assert "<svg" in (tmp_path / "chart.svg").read_text(encoding="utf-8")


def test_score_command_refuses_world_without_record() -> None:
    done = scored("unix_1988")
    assert done.exit_code == 2
    assert "no observed.toml" in done.stderr


def test_chart_orders_states_by_forecast(record: dict[str, Any]) -> None:
    made, axes = charts.new_figure(10, 8, columns=2)
    states = record["votes"][1]["states"]
    charts.draw_forecasts(axes[0], states)
    charts.draw_calibration(axes[1], {"es_11_4": record["votes"][1]["bins"]})
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    nearness = {row["state"]: row["yes"] - row["no"] for row in states}
    assert [nearness[state] for state in labels] == sorted(nearness.values(), reverse=True)
    drawn = sorted(x for line in axes[0].get_lines()[:4] for x in line.get_xdata())
    assert drawn == sorted(nearness.values())
    assert made is not None


@pytest.mark.parametrize("function", [api.score, partial(api.calibrate, out="unused", points=8)])
def test_forecasts_have_their_own_lens(function: Callable[..., Any]) -> None:
    scenario = load_scenario("baseline_2023").model_copy(update={"sweep": Sweep(lens="tendency")})
    with pytest.raises(InputError, match="leave the lens of tendency out"):
        function(scenario, observed="baseline_2023", replicates=1)
