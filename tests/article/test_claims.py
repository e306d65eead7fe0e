"""Claims: effects from sweeps and arrays, placebo worlds, shares with known answers, and verdicts by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from sim.analysis.compare import read_sample
from sim.analysis.statistics import (
    GapEstimate,
    Interval,
    MeanEstimate,
    ShareEstimate,
    SlopeEstimate,
    difference_of_shares,
    largest_rise,
    share_interval,
)
from sim.article import claims
from sim.article.claims import CLAIMS, Claim, scenarios_needed
from sim.article.evidence import Evidence, evidence_from_sample
from sim.article.placebo import ALSO_TIES, TIES, permute_ties, shuffle_states
from sim.article.robustness import (
    VARIED,
    ParameterSeparation,
    RunCounts,
    claim_effects,
    claim_points,
    explore_ranges,
    find_separations,
    permute_worlds,
    placebo_stream,
    run_evidence,
    worlds_at_point,
)
from sim.article.verdicts import judge_claim, share_held, verdict_text
from sim.batch.store import Results
from sim.batch.sweep import make_question
from sim.batch.sweep import run_sweep as execute
from sim.cli import cli
from sim.model.arrays import PARAMETERS
from sim.model.starts import start_anchor
from sim.model.world import World, world_of
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

pytestmark = pytest.mark.xdist_group("claims")  # one worker makes what the tests share
RUNS = 8


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    """Every scenario that the claims need."""
    return {name: load_scenario(name) for name in scenarios_needed()}


@pytest.fixture(scope="module")
def worlds(scenarios: dict[str, Scenario]) -> dict[str, World]:
    """Their arrays."""
    return {name: world_of(scenario) for name, scenario in scenarios.items()}


@pytest.fixture(scope="module")
def results(scenarios: dict[str, Scenario], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sweep of them."""
    folder = tmp_path_factory.mktemp("claims") / "results"
    execute(make_question(scenarios, replicates=RUNS, seed=5), folder)
    return folder


# One definition, two sources


def test_effects_from_sweep_equal_effects_from_arrays(results: Path, worlds: dict[str, World]) -> None:
    found = read_sample(Results(results))
    direct = run_evidence(worlds, window=8, seed=5, replicates=range(RUNS))
    for claim in CLAIMS:
        one = claim.effect(evidence_from_sample(found, claim.scenarios)).interval()
        np.testing.assert_allclose(one, claim.effect(direct).interval(), rtol=0, atol=1e-12, err_msg=claim.text)


def test_answers_do_not_depend_on_row_order(results: Path) -> None:
    found = read_sample(Results(results))
    mixed = replace(
        found, runs=found.runs.sample(frac=1, random_state=1), states=found.states.sample(frac=1, random_state=2)
    )
    assert claims.answer_claims(mixed) == claims.answer_claims(found)


def test_only_common_runs_are_compared(results: Path) -> None:
    found = read_sample(Results(results))
    kept = ~((found.runs["design"] == "no_sanctions") & (found.runs["replicate"] < 4))
    runs = {answer.text: answer.n for answer in claims.answer_claims(replace(found, runs=found.runs[kept]))}
    assert runs["Without sanctions there is less of a front"] == RUNS - 4
    assert runs["Without the US-China rivalry there is less of a front"] == RUNS
    one = evidence_from_sample(replace(found, runs=found.runs[kept]), (BASE, "no_sanctions"))
    whole = evidence_from_sample(found, (BASE, "no_sanctions"))
    for name in (BASE, "no_sanctions"):
        np.testing.assert_array_equal(one.late[name].shares, whole.late[name].shares[4:])


def test_estimates_by_hand() -> None:
    assert MeanEstimate(np.array([1.0, 2, 3, np.nan])).interval() == pytest.approx(
        (2, 2 - 2.484, 2 + 2.484, 3), abs=1e-3
    )
    assert np.isnan(MeanEstimate(np.array([np.nan])).effect())
    assert ShareEstimate(np.array([True, False, True, True])).effect() == 0.75
    assert SlopeEstimate(np.array([0.0, 1, 2]), np.array([5.0, 3, 1])).effect() == pytest.approx(2)
    assert np.isnan(SlopeEstimate(np.full(3, 0.1), np.arange(3.0)).effect())
    assert GapEstimate(np.array([1.0, 3, 10]), np.array([True, True, False])).effect() == -8
    assert np.isnan(GapEstimate(np.arange(3.0), np.ones(3, dtype=bool)).effect())
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 40))
    fit = stats.linregress(x, y)
    half = stats.t.ppf(0.975, 38) * fit.stderr
    np.testing.assert_allclose(SlopeEstimate(x, y).interval()[:3], (-fit.slope, -fit.slope - half, -fit.slope + half))
    best = largest_rise({"a": x, "b": x + 1})
    assert best.effect() == pytest.approx(x.mean() + 1)
    assert best.interval()[1] < MeanEstimate(x + 1).interval()[1]  # wide enough for both at once
    # Newcombe 1998, table II: 56/70 against 48/80 is 0.2, from 0.0524 to 0.3339
    assert difference_of_shares(share_interval(56, 70), share_interval(48, 80)) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=1e-4
    )


# Placebo worlds


def test_placebo_world_has_same_ties_between_other_states(worlds: dict[str, World]) -> None:
    world = worlds["sanctions_on_china"]
    order = shuffle_states(len(world.states), np.random.default_rng(3))
    other = permute_ties(world, order)
    ties_before = np.stack([getattr(world.start, t) for t in TIES] + [getattr(world.setting, t) for t in ALSO_TIES])
    ties_after = np.stack([getattr(other.start, t) for t in TIES] + [getattr(other.setting, t) for t in ALSO_TIES])
    for before, after in zip(ties_before, ties_after, strict=True):
        np.testing.assert_array_equal(np.sort(before, axis=None), np.sort(after, axis=None))
    assert (ties_before != ties_after).any(axis=(1, 2))[:6].all()
    for i, j in ((0, 1), (7, 30), (51, 2)):
        np.testing.assert_array_equal(ties_after[:, i, j], ties_before[:, order[i], order[j]])
    for name in set(world.setting._fields) - set(ALSO_TIES):
        np.testing.assert_array_equal(getattr(world.setting, name), getattr(other.setting, name))
    for name in set(world.start._fields) - set(TIES):
        np.testing.assert_array_equal(getattr(world.start, name), getattr(other.start, name))


def test_points_and_placebo_worlds_have_anchors_of_their_own() -> None:
    """Parameters and ties are those of the factual world too, and no anchor of another world is used again."""
    scenario = load_scenario("baseline_2023")
    worlds = {BASE: world_of(scenario)}
    before = start_anchor(worlds[BASE], 1, 0)
    values = claim_points(8, 1)[5]
    made = worlds_at_point(worlds, values)[BASE]
    given = dict(zip(VARIED, values.tolist(), strict=True))
    expected = world_of(with_settings(scenario, given))
    np.testing.assert_array_equal(start_anchor(made, 1, 0).chances, start_anchor(expected, 1, 0).chances)
    order = shuffle_states(len(expected.states), np.random.default_rng(3))
    placebo = permute_ties(worlds[BASE], order)
    assert placebo.factual is not None
    np.testing.assert_array_equal(placebo.factual.start.bond, placebo.start.bond)
    assert (start_anchor(placebo, 1, 0).chances != before.chances).any()
    assert start_anchor(worlds[BASE], 1, 0) is before


def test_shock_to_a_pair_moves_with_its_tie() -> None:
    content = load_scenario(BASE).model_dump(mode="json")
    content["shocks"] = [
        {"kind": "rivalry", "step": 3, "a": "USA", "b": "CHN", "value": 0.25},
        {"kind": "bloc", "step": 3, "bloc": "us_led", "setting": "enforcement", "value": 0.5},
    ]
    world = world_of(Scenario.model_validate(content))
    order = shuffle_states(len(world.states), np.random.default_rng(4))
    other = permute_ties(world, order)
    pair = {world.states[order[other.shocks.i[0]]], world.states[order[other.shocks.j[0]]]}
    assert pair == {"USA", "CHN"}
    assert (
        other.start.rivalry[other.shocks.i[0], other.shocks.j[0]]
        == world.start.rivalry[world.states.index("USA"), world.states.index("CHN")]
    )
    assert (other.shocks.i[1], other.shocks.j[1]) == (world.shocks.i[1], world.shocks.j[1])


def same(one: Evidence, other: Evidence) -> bool:
    """Whether two sets of runs are one, to the bit."""
    return all(
        np.array_equal(a, b, equal_nan=True)
        for name in one.late
        for a, b in zip(one.late[name], other.late[name], strict=True)
    )


def test_identity_permutation_keeps_the_world(worlds: dict[str, World]) -> None:
    still = {name: permute_ties(world, np.arange(len(world.states))) for name, world in worlds.items()}
    found, expected = (run_evidence(one, window=8, seed=9, replicates=range(3)) for one in (still, worlds))
    assert same(found, expected)


def test_permutation_is_common_to_all_scenarios(worlds: dict[str, World]) -> None:
    """If a scenario changes nothing, the placebo difference is 0 for every permutation."""
    twice = {BASE: worlds[BASE], "no_sanctions": worlds[BASE]}
    made = permute_worlds(twice, placebo_stream(1, 0, 0))
    found = run_evidence(made, window=8, seed=2, replicates=range(4))
    np.testing.assert_array_equal(found.late[BASE].shares, found.late["no_sanctions"].shares)
    assert not same(found, run_evidence(twice, window=8, seed=2, replicates=range(4)))
    assert (placebo_stream(1, 0, 0).random(5) == placebo_stream(1, 0, 0).random(5)).all()
    assert (placebo_stream(1, 0, 0).random(5) != placebo_stream(1, 0, 1).random(5)).any()


# The ranges


def test_point_keeps_parameters_that_differ_from_baseline() -> None:
    base = load_scenario(BASE)
    own = with_settings(base, {"erosion": 0.3})
    values = claim_points(8, 1)[5]
    made = worlds_at_point({BASE: world_of(base), "own": world_of(own)}, values)
    for name, value in zip(VARIED, values, strict=True):
        place = PARAMETERS.index(name)
        assert made[BASE].start.parameters[place] == value
        assert made["own"].start.parameters[place] == (0.3 if name == "erosion" else value)
    assert made[BASE].start.parameters[PARAMETERS.index("w_propensity")] == 1
    rested = with_settings(base, dict(zip(VARIED, values.tolist(), strict=True)))
    assert same(
        run_evidence({BASE: made[BASE]}, window=8, seed=1, replicates=range(2)),
        run_evidence({BASE: world_of(rested)}, window=8, seed=1, replicates=range(2)),
    )


def test_results_do_not_depend_on_threads(scenarios: dict[str, Scenario]) -> None:
    counts = RunCounts(points=3, each=2, placebos=2, replicates=6, seed=1)
    reports: list[tuple[int, int]] = []
    one, two = (
        explore_ranges(scenarios, CLAIMS, counts, defaults=True, workers=w, progress=lambda *t: reports.append(t))
        for w in (1, 2)
    )
    for name in ("values", "article", "placebo", "placebo_defaults"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.defaults is not None
    assert two.defaults is not None
    assert same(one.defaults, two.defaults)
    assert reports[-1] == (reports[-1][1],) * 2 == (9 * (6 + 2 * 2 + 2 * 3 * 2),) * 2


def planted(values: np.ndarray) -> np.ndarray:
    """An effect that holds at high erosion and not at the highest w_balance, and is nothing at low w_trade."""
    at = {name: values[:, VARIED.index(name)] for name in VARIED}
    sign = np.where((at["erosion"] > 0.75) & (at["w_balance"] < 3.2), 1.0, -1.0)
    return np.asarray(np.where(at["w_trade"] < 0.04, 0.0, sign))


def test_planted_claim_share_and_parameters() -> None:
    values = claim_points(2048, 3)
    effect = planted(values)
    effect[:48] = np.nan
    found = share_held(effect, 0)
    assert found.share == pytest.approx(0.25 * 0.8 * 0.8, abs=0.02)
    assert found.zero == pytest.approx(0.2, abs=0.02)
    assert found.share + found.zero + found.against == pytest.approx(1)
    assert (found.points, found.undefined) == (2000, 48)
    assert found.low < 0.16 < found.high
    decided = find_separations(values[48:], effect[48:] > 0)
    assert [(s.parameter, s.direction) for s in decided[:1]] == [("erosion", "high")]
    assert {(s.parameter, s.direction) for s in decided[1:3]} == {("w_trade", "high"), ("w_balance", "low")}
    erosion = values[48:, VARIED.index("erosion")]
    by_scipy = stats.ks_2samp(erosion[effect[48:] > 0], erosion[effect[48:] <= 0]).statistic
    assert decided[0].strength == pytest.approx(by_scipy)


def test_chance_separation_is_not_named() -> None:
    values = claim_points(512, 4)
    named = [bool(find_separations(values, np.random.default_rng(s).random(512) < 0.3)) for s in range(100)]
    assert np.mean(named) <= 0.1
    assert find_separations(values, np.ones(512, dtype=bool)) == []


def test_rounding_counts_as_zero_effect() -> None:
    assert share_held(np.array([1e-17, -1e-17, 0.5, -0.5]), 0).zero == 0.5
    assert share_held(np.array([0.75, 0.5, 0.25]), 0.5).share == pytest.approx(1 / 3)


# Verdicts

BY_HAND = find_separations(claim_points(512, 1), claim_points(512, 1)[:, VARIED.index("w_shelter")] > 2)
UP, DOWN, NEITHER = (0.2, 0.1, 0.3, 100), (-0.2, -0.3, -0.1, 100), (0.0, -0.1, 0.1, 100)
UNKNOWN = (0.2, float("nan"), float("nan"), 1)


@pytest.mark.parametrize(
    ("effect", "share", "placebo", "words"),
    [
        (UP, 0.9, 0.5, "robust"),
        (UP, 0.9, 0.83, "the mechanism's doing"),
        (UP, 0.75, 0.65, "the mechanism's doing"),
        (UP, 0.75, 0.55, "conditional on w_shelter (high)"),  # neither clearly more than by chance ties nor often there
        (UP, 0.6, 0.3, "conditional on w_shelter (high)"),
        (UP, 0.4, 0.38, "conditional on w_shelter (high)"),
        (UP, 0.67, 0.3, "conditional on w_shelter (high)"),  # not surely in most
        (DOWN, 0.2, 0.2, "contradicted"),
        (DOWN, 0.6, 0.2, "conditional on w_shelter (high)"),
        (NEITHER, 0.9, 0.2, "undecided"),
        (UNKNOWN, 0.9, 0.2, "undecided"),
    ],
)
def test_verdict_follows_numbers(effect: Interval, share: float, placebo: float, words: str) -> None:
    shares = [share_interval(round(1000 * one), 1000) for one in (share, placebo)]
    assert verdict_text(effect, *shares, BY_HAND[:1]) == words


def test_weak_separation_is_not_named() -> None:
    shares = [share_interval(n, 1000) for n in (600, 300)]
    weak, strong = (ParameterSeparation("erosion", "low", strength, 0.06) for strength in (0.25, 0.27))
    assert verdict_text(UP, *shares, [weak]) == "conditional, no one parameter decides"
    assert verdict_text(UP, *shares, [weak, strong]) == "conditional on erosion (low)"


def test_verdict_uses_claim_threshold_and_column(scenarios: dict[str, Scenario]) -> None:
    found = explore_ranges(scenarios, CLAIMS[:2], RunCounts(points=2, each=2, placebos=2, seed=1), defaults=False)
    many = replace(
        found,
        values=claim_points(1000, 1),
        article=np.tile([0.4, 1.0], (1000, 1)),
        placebo=np.tile([0.9, -1.0], (1000, 1)),
    )
    core, named = (judge_claim(CLAIMS[n], (0.6, 0.55, 0.65, 100), many, n) for n in (0, 1))
    assert core.holds_share is not None
    assert core.placebo is not None
    assert core.placebo.holds_share is not None
    assert (core.holds_share.share, core.placebo.holds_share.share) == (0, 1)
    assert core.placebo.n == 2
    assert core.verdict == "the mechanism's doing"
    assert named.verdict == "robust"


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.5, 0.2, 0.8, 30), "agrees"),
        ((-0.5, -0.8, -0.2, 30), "contradicts"),
        ((0.1, -0.2, 0.4, 30), "undecided: the interval holds no effect"),
        ((float("nan"), float("nan"), float("nan"), 3), "undecided: too few runs of one kind"),
    ],
)
def test_answer_follows_interval(interval: Interval, words: str) -> None:
    assert claims.answer_claim(CLAIMS[3], interval).verdict == words


def test_claims_cite_paragraphs() -> None:
    assert {claim.number for claim in CLAIMS} == set(range(1, 11))
    for claim in CLAIMS:
        assert claim.paragraphs.startswith("§")
        assert claim.measure


def test_claims_page_answers_every_claim() -> None:
    page = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if re.match(r"\| \d+ ", line)]
    assert [cells[0][2:] for cells in rows] == [f"{c.number} {c.text} ({c.paragraphs})" for c in CLAIMS]
    for cells in rows:
        assert re.match(r"robust|conditional|the mechanism's doing|contradicted|undecided", cells[-1])


# The command


def run_claims(*words: str) -> str:
    """Run `blocs claims`; return its standard output."""
    done = CliRunner().invoke(cli, ["claims", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


SMALL = ("--points", "4", "--point-replicates", "2", "--placebos", "2", "--replicates", "6")


def test_claims_command_without_results() -> None:
    record = json.loads(run_claims(*SMALL, "--seed", "3", "--json"))
    assert [one["number"] for one in record["claims"]] == [claim.number for claim in CLAIMS]
    assert record["lacking"] == {}
    assert record["counts"]["points"] == 4
    for one in record["claims"]:
        assert {"text", "paragraphs", "measure", "effect", "low", "high", "n", "decided_by", "verdict"} <= one.keys()
        assert one["holds_share"]["points"] + one["holds_share"]["undefined"] == 4
        assert one["placebo"].keys() == {"effect", "low", "high", "n", "holds_share"}
    assert record == json.loads(run_claims(*SMALL, "--seed", "3", "--workers", "1", "--json"))


def test_claims_command_with_results(results: Path) -> None:
    record = json.loads(run_claims(str(results), *SMALL, "--json"))
    at_defaults = json.loads(run_claims(str(results), "--points", "0", "--placebos", "0", "--json"))
    for one, other, answer in zip(
        record["claims"], at_defaults["claims"], claims.answer_claims(read_sample(Results(results))), strict=True
    ):
        assert one["effect"] == other["effect"] == pytest.approx(answer.effect)
        assert other["verdict"] == answer.verdict
        assert other["holds_share"] is other["placebo"] is None
        assert one["holds_share"] is not None


def test_claims_command_names_counts() -> None:
    words = " ".join(run_claims(*SMALL).split())
    assert "share of 4 settings" in words
    assert "most of them assumed" in words


def test_claim_lists_its_scenarios(worlds: dict[str, World]) -> None:
    for claim in CLAIMS:
        assert isinstance(claim, Claim)
        needed = {name: worlds[name] for name in claim.scenarios}
        claim_effects(run_evidence(needed, window=8, seed=1, replicates=range(2)), [claim])
