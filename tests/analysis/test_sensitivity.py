"""Sobol indices, boxes and tornadoes with known answers, and the simulation as a function of its settings."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from sim.analysis.prim import choose_box, describe_box, find_boxes, limit_p_values, measure_box, next_limit
from sim.analysis.sensitivity import (
    Evaluator,
    askable_outcomes,
    chosen_outcome,
    estimate_indices,
    idle_parameters,
    parameter_ranges,
    sobol_design,
    sobol_indices,
    tornado_table,
    widened_parameters,
)
from sim.cli import cli
from sim.model.compiled import run_compiled
from sim.model.world import world_of
from sim.reporting import charts
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings, with_steps
from sim.scenario.parameters import Parameters, parameter_range
from sim.scenario.schema import Scenario


def seeded(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


# Sobol indices

ISHIGAMI = dict.fromkeys(("x1", "x2", "x3"), (-math.pi, math.pi))


def ishigami(x: Any) -> Any:
    """Ishigami & Homma (1990) with a = 7, b = 0.1."""
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.parametrize("seed", [1, 2])
def test_ishigami_indices(seed: int) -> None:
    table = sobol_indices(ishigami, ISHIGAMI, points=4096, rng=seeded(seed), resamples=200).table
    known = {"first": [0.3139, 0.4424, 0.0], "total": [0.5576, 0.4424, 0.2437]}
    for kind, values in known.items():
        assert table[kind].to_numpy() == pytest.approx(values, abs=0.02)
        assert (table[f"{kind}_low"] - 0.01 <= values).all()
        assert (table[f"{kind}_high"] + 0.01 >= values).all()
        assert (table[f"{kind}_low"] < table[kind]).all()
        assert (table[kind] < table[f"{kind}_high"]).all()


def test_sobol_intervals_narrow_with_points() -> None:
    widths = []
    for points in (64, 1024):
        table = sobol_indices(ishigami, ISHIGAMI, points=points, rng=seeded()).table
        widths.append((table["total_high"] - table["total_low"]).mean())
    assert widths[1] < widths[0] / 2


def test_coverage_of_sobol_intervals() -> None:
    """Of 60 intervals of the total at 95 %, at least 50 hold the known value."""
    tables = [
        sobol_indices(ishigami, ISHIGAMI, points=256, rng=seeded(seed), resamples=100).table for seed in range(20)
    ]
    known = np.array([0.5576, 0.4424, 0.2437])
    covered = [(table["total_low"] <= known) & (known <= table["total_high"]) for table in tables]
    assert np.sum(covered) >= 50


def test_indices_of_a_sum_by_hand() -> None:
    """Var(2 a + b) with a in [0, 3] and b in [0, 1] is (36 + 1) / 12; c does nothing."""
    ranges = {"a": (0.0, 3.0), "b": (0.0, 1.0), "c": (5.0, 9.0)}
    found = sobol_indices(lambda x: 2 * x[:, 0] + x[:, 1], ranges, points=1024, rng=seeded())
    for kind in ("first", "total"):
        assert found.table[kind].to_numpy() == pytest.approx([36 / 37, 1 / 37, 0], abs=0.01)
    assert list(found.table["setting"]) == ["a", "b", "c"]
    assert found.n == 1024
    assert found.values == pytest.approx(2 * found.rows[:, 0] + found.rows[:, 1])


def test_no_indices_for_rounding() -> None:
    """The estimators would divide rounding by rounding."""
    for size in (0.0, 1e-14):
        table = sobol_indices(
            lambda x, jitter=size: 1 + jitter * x[:, 0], ISHIGAMI, points=8, rng=seeded(), resamples=5
        ).table  # type: ignore[misc]
        assert table.drop(columns="setting").isna().all(axis=None)


def test_single_setting_explains_all_variance() -> None:
    table = sobol_indices(lambda x: x[:, 0] ** 2, {"a": (0.0, 1.0)}, points=1024, rng=seeded(), resamples=5).table
    assert table[["first", "total"]].to_numpy() == pytest.approx(np.ones((1, 2)), abs=0.02)


def test_missing_value_refuses_indices() -> None:
    with pytest.raises(ValueError, match="undefined at 1 of 40 points"):
        sobol_indices(
            lambda x: np.where(np.arange(len(x)) == 3, np.nan, x[:, 0]),
            ISHIGAMI,
            points=8,
            rng=seeded(),
            resamples=5,
        )


def test_sobol_design_swaps_one_column() -> None:
    made = sobol_design({"a": (0.0, 1.0), "b": (10.0, 20.0)}, points=16, rng=seeded())
    for i, mixed in enumerate(made.ab):
        assert (mixed[:, i] == made.b[:, i]).all()
        assert (mixed[:, 1 - i] == made.a[:, 1 - i]).all()
    for half in (made.a, made.b):
        assert half.min(axis=0) == pytest.approx([0, 10], abs=1.5)
        assert half.max(axis=0) == pytest.approx([1, 20], abs=1.5)
        assert ((half >= [0, 10]) & (half <= [1, 20])).all()
    again = sobol_design({"a": (0.0, 1.0), "b": (10.0, 20.0)}, points=16, rng=seeded())
    assert all((one == other).all() for one, other in zip(made, again, strict=True))
    assert (sobol_design({"a": (0.0, 1.0), "b": (10.0, 20.0)}, points=16, rng=seeded(2)).a != made.a).any()
    with pytest.raises(ValueError, match="100 is not a power of 2; give 128"):
        sobol_design(ISHIGAMI, points=100, rng=seeded())


# PRIM


def lattice(n: int = 600) -> tuple[Any, Any]:
    """A case by formula: a box in 2 of 4 settings' low or high parts and a thin third limit, with false cases."""
    i = np.arange(1, n + 1)[:, None]
    x = (i * np.sqrt([2.0, 3.0, 5.0, 7.0])) % 1.0
    chance = (i[:, 0] * np.sqrt(11.0)) % 1.0
    box = (x[:, 0] > 0.35) & (x[:, 1] < 0.6) & (x[:, 2] > 0.1)
    return x, np.where(box, chance < 0.9, chance < 0.08)


# ema_workbench 2.5.3 on this very case: Prim(x, y, threshold=0.5).find_box(), its other settings by default
EMA = {
    1: (1.0, 0.3894736842105263, 570, [0.001225489, 0.001011122, 0.000733137, 0.001147666],
        [0.999133448, 0.949142848, 0.997627517, 0.998605299]),
    12: (0.9144144144144144, 0.632398753894081, 321, [0.001225489, 0.001011122, 0.097847459, 0.001147666],
         [0.999133448, 0.591540217, 0.997627517, 0.998605299]),
    20: (0.8468468468468469, 0.8995215311004785, 209, [0.345850536, 0.001011122, 0.097847459, 0.001147666],
         [0.999133448, 0.591540217, 0.997627517, 0.998605299]),
    28: (0.5900900900900901, 0.9632352941176471, 136, [0.372149726, 0.001011122, 0.097847459, 0.001147666],
         [0.884343035, 0.591540217, 0.959713475, 0.864541676]),
    39: (0.6486486486486487, 0.9664429530201343, 149, [0.372149726, 0.001011122, 0.097847459, 0.001147666],
         [0.89696962, 0.591540217, 0.991049709, 0.903788848]),
}  # fmt: skip
EMA_QUASI_P = [
    [3.043424385463135e-23, math.nan, 0.0006609179041037853, math.nan],
    [0.036548041014192956, 2.828800999969883e-25, 0.4489508371746864, 0.2557818822322123],
]


def test_boxes_equal_ema_workbench() -> None:
    x, cases = lattice()
    boxes = find_boxes(x, cases)
    assert len(boxes) == max(EMA) + 1
    for step, (coverage, density, n, low, high) in EMA.items():
        box = boxes[step]
        assert (box.coverage, box.density, box.n) == (pytest.approx(coverage), pytest.approx(density), n)
        assert box.low == pytest.approx(low, abs=1e-8)
        assert box.high == pytest.approx(high, abs=1e-8)
    assert limit_p_values(x, cases, boxes[-1]) == pytest.approx(np.array(EMA_QUASI_P), rel=1e-6, nan_ok=True)


def test_peeling_before_pasting() -> None:
    x, cases = lattice()
    mass = np.array([box.mass for box in find_boxes(x, cases)])
    turn = int(mass.argmin())
    assert 0 < turn < len(mass) - 1
    assert (np.diff(mass[: turn + 1]) < 0).all()
    assert (np.diff(mass[turn:]) > 0).all()
    assert mass[0] == 1
    assert min(mass) >= 0.05


def test_planted_box_is_found_alone() -> None:
    x = seeded(5).random((1000, 6))
    cases = (x[:, 1] > 0.6) & (x[:, 4] < 0.5)
    box = choose_box(x, cases, find_boxes(x, cases))
    assert np.argwhere(box.limited).tolist() == [[0, 1], [1, 4]]
    assert box.low[1] == pytest.approx(0.6, abs=0.03)
    assert box.high[4] == pytest.approx(0.5, abs=0.03)
    assert box.coverage > 0.9
    assert box.density > 0.95
    assert box.n == pytest.approx(200, abs=30)
    text = describe_box(box, ["a", "parameters.w_balance", "c", "d", "w_pressure", "f"])
    assert text == f"w_balance ≥ {box.low[1]:.3g} and w_pressure ≤ {box.high[4]:.3g}"


def test_first_peel_by_hand() -> None:
    """Of 20 points a tenth goes: those at 1 and 2, as the cases lie high; the limit is midway to 3."""
    x = np.arange(1.0, 21.0)[:, None]
    first = find_boxes(x, x[:, 0] > 10, alpha=0.1)[1]
    assert (first.low[0], first.high[0], first.n) == (2.5, 20.0, 18)
    assert (first.coverage, first.density, first.mass) == (1.0, 10 / 18, 0.9)


def test_limit_is_between_distinct_values() -> None:
    assert next_limit(np.array([1.0, 1.0, 1.0, 5.0]), 0.05) == 3.0
    assert next_limit(np.array([2.0, 2.0]), 0.05) == 2.0


def test_box_measures_by_hand() -> None:
    x = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0]])
    box = measure_box(x, np.array([True, False, True, True]), np.array([1.0, 0.0]), np.array([2.0, 1.0]))
    assert (box.n, box.mass, box.density, box.coverage) == (2, 0.5, 0.5, 1 / 3)
    assert box.limited.tolist() == [[True, False], [True, False]]
    assert describe_box(box, ["a", "b"]) == "1 ≤ a ≤ 2"


def test_limits_without_effect_are_dropped() -> None:
    x, cases = lattice()
    densest = find_boxes(x, cases)[-1]
    kept = choose_box(x, cases, [densest])
    assert np.nanmax(limit_p_values(x, cases, densest)) > 0.4
    assert np.nanmax(limit_p_values(x, cases, kept)) <= 0.05
    assert np.argwhere(densest.limited & ~kept.limited).tolist()[-2:] == [[1, 2], [1, 3]]
    assert kept.coverage > densest.coverage


def test_chosen_box_is_nearest_to_full_coverage_and_density() -> None:
    x, cases = lattice()
    box = choose_box(x, cases, find_boxes(x, cases))
    assert (box.n, describe_box(box, ["a", "b", "c", "d"])) == (EMA[20][2], "a ≥ 0.346 and b ≤ 0.592 and c ≥ 0.0978")


# One setting at a time


def test_tornado_by_hand() -> None:
    """Outcome 10 a + b + noise, a = 1 and b = 2 by default; the noise of a replicate cancels in the pairs."""
    seen = []

    def runs(rows: Any) -> Any:
        seen.append(rows)
        values = np.where(np.isnan(rows), [1.0, 2.0], rows)
        noise = np.array([0.0, 5.0, -3.0])
        extra = np.where(values[:, 1:] == 6, [[0.0, 1.0, 2.0]], 0.0)
        return 10 * values[:, :1] + values[:, 1:] + noise + extra

    table = tornado_table(runs, {"a": (0.0, 1.1), "b": (0.5, 6.0)})
    assert len(seen) == 1
    assert list(zip(table["setting"], table["end"], table["value"], strict=True)) == [
        ("a", "low", 0.0), ("a", "high", 1.1), ("b", "low", 0.5), ("b", "high", 6.0),
    ]  # fmt: skip
    assert table["difference"].tolist() == pytest.approx([-10, 1, -1.5, 5])
    half = 4.302652729911275 * 1 / math.sqrt(3)  # Student's t with 2 degrees of freedom; deviation 1
    assert table["low"].tolist() == pytest.approx([math.nan, math.nan, math.nan, 5 - half], nan_ok=True)
    assert table["high"].tolist() == pytest.approx([math.nan, math.nan, math.nan, 5 + half], nan_ok=True)
    assert set(table["pairs"]) == {3}
    swapped = tornado_table(lambda rows: runs(rows[:, ::-1]), {"b": (0.5, 6.0), "a": (0.0, 1.1)})
    assert list(swapped["setting"]) == ["a", "a", "b", "b"]  # the widest first, whatever the order


# The simulation as a function of its settings

pytestmark = pytest.mark.usefixtures("rounds")


@cache
def baseline() -> Scenario:
    """Twelve rounds of the article's world."""
    return with_steps(load_scenario("baseline_2023"), 12)


@pytest.mark.parametrize("settings", [
    ("w_pressure", "parameters.w_balance", "rivalry_gain"),
    ("w_pressure", "blocs.*.accommodation", "blocs.us_led.priority.europe"),
])  # fmt: skip
@pytest.mark.parametrize("outcome", ["capability_front", "polarization", "share_front_CHN", "share_non_aligned_IND"])
def test_evaluator_equals_single_runs(settings: tuple[str, ...], outcome: str) -> None:
    evaluator = Evaluator(baseline(), settings, outcome, seed=7)
    rows = np.array([[0.0, 2.0, 0.03], [0.7, 0.3, 0.5], [np.nan, 0.1, np.nan]])
    reports: list[tuple[int, int]] = []
    found = evaluator.runs(rows, replicates=3, workers=2, progress=lambda done, of: reports.append((done, of)))
    for row, values in zip(rows, found, strict=True):
        at = {path: value for path, value in zip(settings, row.tolist(), strict=True) if not math.isnan(value)}
        for replicate, value in enumerate(values):
            one = run_compiled(with_settings(baseline(), at), seed=7, replicate=replicate)
            if outcome.startswith("share_"):
                alignment, state = outcome.removeprefix("share_").rsplit("_", 1)
                shares = one.late_shares(8)[one.states.index(state), one.alignments.index(alignment)]
            else:
                shares = one.late_outcomes(8)[one.outcome_names.index(outcome)]
            assert value == shares
    assert reports == [(0, 9), (3, 9), (6, 9), (9, 9)]
    assert evaluator.means(rows, replicates=3).tolist() == pytest.approx(found.mean(axis=1).tolist(), rel=1e-12)


def test_world_at_row_equals_scenario_with_settings() -> None:
    names = tuple(Parameters.model_fields)
    evaluator = Evaluator(baseline(), names, "switches", seed=1)
    row = np.array([parameter_range(name)[1] for name in names])
    row[3] = np.nan
    expected = world_of(with_settings(baseline(), {n: v for n, v in zip(names, row, strict=True) if not math.isnan(v)}))
    found = evaluator.world_at(row)
    for part in ("setting", "start", "shocks"):
        for here, there in zip(getattr(found, part), getattr(expected, part), strict=True):
            np.testing.assert_array_equal(here, there)
    assert (found.states, found.alignments, found.steps) == (expected.states, expected.alignments, expected.steps)
    assert np.array_equal(evaluator.world.start.parameters, world_of(baseline()).start.parameters)  # left as it was


def test_undefined_outcomes_in_means(monkeypatch: Any) -> None:
    evaluator = Evaluator(baseline(), ("erosion",), "bite_front", seed=1)
    monkeypatch.setattr(Evaluator, "at", lambda _, row, replicates: np.array([np.nan, row[0], 3.0][:replicates]))
    assert evaluator.means(np.array([[1.0], [0.0]]), replicates=3).tolist() == [2.0, 1.5]
    with pytest.raises(ValueError, match="undefined in every run at 2 of 2 points"):
        evaluator.means(np.array([[1.0], [0.0]]), replicates=1)


def test_unknown_outcome_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'share_front_CHN'"):
        Evaluator(baseline(), ("erosion",), "share_front_CHM", seed=1)
    assert len(set(askable_outcomes(world_of(baseline())))) == len(askable_outcomes(world_of(baseline())))


@pytest.mark.parametrize("name", ["baseline_2023", "unix_1988"])
def test_idle_parameters_change_no_run(name: str) -> None:
    scenario = load_scenario(name)
    assert "w_propensity" in idle_parameters(load_scenario("baseline_2023"))
    assert "w_trade" in idle_parameters(load_scenario("unix_1988"))
    assert "w_propensity" not in idle_parameters(load_scenario("unix_1988"))
    left_out = idle_parameters(scenario)
    names = tuple(left_out)
    evaluator = Evaluator(scenario, names, "frustration", seed=3)
    ends = np.array([np.full(len(names), np.nan), *zip(*(parameter_range(n) for n in names), strict=True)])
    found = evaluator.runs(ends, replicates=5)
    assert (found == found[0]).all()
    assert set(parameter_ranges(scenario)) == Parameters.model_fields.keys() - left_out.keys()


# The command and its charts


def blocs(*asked: str, code: int = 0) -> str:
    """The command's standard output, or its standard error where it refuses."""
    done = CliRunner().invoke(cli, ["sensitivity", *asked])
    assert done.exit_code == code, (done.output, done.exception)
    return done.stderr if code else done.stdout


SMALL = ("baseline_2023", "--points", "8", "--replicates", "2", "--vary", "w_pressure=0:1", "--vary", "erosion=0:1")


def test_sensitivity_command_text(tmp_path: Path) -> None:
    text = " ".join(blocs(*SMALL, "--threshold", "0.2", "--chart", str(tmp_path / "a.png")).split())
    for part in ("capability_front over the last 8 steps; 8 points", "w_pressure 0 to 1", "Share of the variance",
                 "Change of the outcome", "of 16 points"):  # fmt: skip
        assert part in text
    assert "Left out" not in text
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.second
def test_sensitivity_command_json_is_reproducible() -> None:
    first = blocs(*SMALL, "--outcome", "share_front_CHN", "--threshold", "0.5", "--json")
    assert first == blocs(*SMALL, "--outcome", "share_front_CHN", "--threshold", "0.5", "--json", "--workers", "1")
    record = json.loads(first)
    assert [row["setting"] for row in record["indices"]] == ["w_pressure", "erosion"]
    assert len(record["tornado"]) == 4
    assert record["runs"] == 2 * 8 * 4 + 100 * 5
    assert record["box"]["points"] == 16
    pressure, erosion = record["indices"]
    assert pressure["total"] > erosion["total"]
    assert first != blocs(*SMALL, "--outcome", "share_front_CHN", "--threshold", "0.5", "--json", "--seed", "5")


def test_sensitivity_command_names_idle_parameters(monkeypatch: Any) -> None:
    monkeypatch.setattr("sim.api.uncertainty.RUNS_AN_END", 2)
    text = blocs("baseline_2023", "--points", "2", "--replicates", "1")
    assert "Left out: w_propensity (no propensity ties)." in text
    assert "sanction_relief" in text
    assert "density" not in text


@pytest.mark.parametrize(("asked", "message"), [
    (("--outcome", "capability_frnt"), "did you mean 'capability_front'"),
    (("--points", "100"), "power of 2; give 128"),
    (("--vary", "w_pressure=1:0"), "1 is not below 0"),
    (("--vary", "w_presure=0:1"), "did you mean 'w_pressure'"),
    (("--vary", "w_pressure=0:1:3"), "give SETTING=LOW:HIGH without a number of points"),
    (("--vary", "erosion=0:1", "--vary", "parameters.erosion=0:1"), "parameters.erosion"),
])  # fmt: skip
def test_sensitivity_command_refusals(asked: tuple[str, ...], message: str) -> None:
    text = blocs("baseline_2023", *asked, code=2)
    assert message in text
    assert asked[0] in text


def test_sensitivity_charts() -> None:
    ends = pd.DataFrame(
        [("a", "low", 0, -2, -3, -1, 9), ("a", "high", 4, 1, 0, 2, 9), ("b", "low", 1, 0, 0, 0, 9),
         ("b", "high", 2, 0.5, 0, 1, 9)],
        columns=["setting", "end", "value", "difference", "low", "high", "pairs"],
    )  # fmt: skip
    _, (left, right) = charts.new_figure(8, 3, columns=2)
    charts.draw_tornado(left, ends, label="capability_front, less as it is")
    assert left.get_xlabel() == "capability_front, less as it is"
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["a", "b"]
    assert [bar.get_width() for bar in left.patches] == [-2, 0, 1, 0.5]
    assert {text.get_text() for text in left.texts} == {"0", "4", "1", "2"}
    table = pd.DataFrame(
        [("a", 0.1, 0, 0.2, 0.3, 0.2, 0.4), ("b", 0.5, 0.4, 0.6, 0.7, 0.6, 0.8)],
        columns=["setting", "first", "first_low", "first_high", "total", "total_low", "total_high"],
    )
    charts.draw_indices(right, table)
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["b", "a"]
    assert right.get_xlabel() == "share of the outcome's variance over the ranges"
    markers = {line.get_marker() for axes in (left, right) for line in axes.get_lines()} - {"None", ""}
    assert markers == {"s", "o"}
    assert right.get_lines()[0].get_xdata().tolist() == [0.5, 0.1]


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A scenario of a world whose blocs are not those of the shipped one."""
    assert CliRunner().invoke(cli, ["new", "world", "w", "--folder", str(tmp_path)]).exit_code == 0
    return str(tmp_path / "w.toml")


def test_default_outcome_of_own_world(own: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("sim.api.uncertainty.RUNS_AN_END", 2)
    done = CliRunner().invoke(cli, ["sensitivity", own, "--points", "2", "--replicates", "1", "--json"])
    assert done.exit_code == 0, done.output
    outcome = json.loads(done.stdout)["outcome"]
    assert outcome in ("capability_east", "capability_west")
    assert outcome in done.stderr
    assert chosen_outcome(baseline(), seed=baseline().sweep.seed) == "capability_front"


def test_ranges_include_own_value(own: str) -> None:
    scenario = load_scenario(own)
    ranges = parameter_ranges(scenario)
    for name, (low, high) in ranges.items():
        assert low <= getattr(scenario.parameters, name).value <= high
    assert ranges["temperature"] == (0.02, 0.2)
    assert widened_parameters(scenario) == ["temperature"]
    assert widened_parameters(baseline()) == []


def test_suggested_outcomes_of_own_world(own: str) -> None:
    text = blocs(own, "--outcome", "size", code=2)
    assert "capability_west" in text
    assert "front" not in text


def test_undefined_value_refuses_indices() -> None:
    """With one undefined value scipy gives 0 for all indices, without a warning."""
    ranges = {"x": (0.0, 1.0), "y": (0.0, 1.0)}

    def model(rows: Any) -> Any:
        return np.where(np.arange(len(rows)) == 3, np.nan, rows.sum(axis=1))

    made = sobol_design(ranges, points=8, rng=seeded())
    rows = np.concatenate([made.a, made.b, *made.ab])
    values = model(rows)
    assert estimate_indices(values[:8], values[8:16], values[16:].reshape(2, 8))[1].tolist() == [0, 0]
    with pytest.raises(ValueError, match="undefined at 1 of 32 points"):
        sobol_indices(model, ranges, points=8, rng=seeded())


def test_constant_outcome_has_no_indices() -> None:
    words = (*SMALL[:5], "--set", "blocs.us_led.enforcement=0", "--vary", "accommodation_cost=0:1")
    text = CliRunner().invoke(cli, ["sensitivity", *words]).stdout
    assert "It does not vary over the ranges beyond rounding" in text
    assert "the same in all pairs" in text
    assert "nan" not in text
    record = json.loads(CliRunner().invoke(cli, ["sensitivity", *words, "--json"]).stdout)
    assert record["indices"] == [
        {"setting": "accommodation_cost", **dict.fromkeys(
            ("first", "first_low", "first_high", "total", "total_low", "total_high"))}
    ]  # fmt: skip
    assert record["tornado"][0]["low"] is None
