"""Claims: what is read of runs, by brute force; effects from sweeps and from arrays; answers at the defaults."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.analysis.compare import read_sample
from sim.analysis.statistics import MeanEstimate, RatioEstimate, ShareEstimate, largest_rise, share_interval
from sim.article import answers
from sim.article.answers import verdict_at_defaults
from sim.article.claims import CLAIMS, claim_scenarios, scenarios_needed
from sim.article.evidence import DATES, Evidence, gather_evidence, moments_of, read_runs, repeat_runs
from sim.article.measures import CHINA_INSIDE, CHINA_OUTSIDE
from sim.article.robustness import run_evidence
from sim.batch.design import through_lens
from sim.batch.store import Results
from sim.batch.sweep import make_question
from sim.batch.sweep import run_sweep as execute
from sim.cli import cli
from sim.errors import InputError
from sim.model import Run, iterate_runs
from sim.model.world import World, world_of
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.overrides import with_settings, with_steps
from sim.scenario.schema import Scenario

RUNS = 6
QUICK = {"renewal": 0.4}  # so that a few runs have entries and exits


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    """Every scenario that the claims need, with frequent renewals."""
    return {name: with_settings(load_scenario(name), QUICK) for name in scenarios_needed()}


@pytest.fixture(scope="module")
def worlds(scenarios: dict[str, Scenario]) -> dict[str, World]:
    """Their arrays, and those of the scenarios that the baseline gives."""
    return {name: world_of(scenario) for name, scenario in claim_scenarios(CLAIMS, scenarios).items()}


@pytest.fixture(scope="module")
def results(scenarios: dict[str, Scenario], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sweep of the scenario files."""
    folder = tmp_path_factory.mktemp("claims") / "results"
    execute(make_question(scenarios, replicates=RUNS, seed=5), folder)
    return folder


# What is read of a run


def test_dates_are_steps_that_end_by_then() -> None:
    scenario = load_scenario(BASE)
    moments = moments_of(scenario)
    assert [scenario.dates()[step] for step in moments.steps] == ["2026-10-25", "2030-10-25"]
    assert DATES == ("2026-12-31", "2030-12-31")
    assert moments.years == 0.25


def read_one(scenario: Scenario, replicates: int) -> tuple[list[Run], Evidence]:
    """Read some runs of a scenario, and give the runs themselves."""
    world, moments = world_of(scenario), moments_of(scenario)
    read = read_runs(world, moments, seed=3, replicates=range(replicates))
    runs = list(iterate_runs(scenario, seed=3, replicates=range(replicates)))
    return runs, gather_evidence(world, moments, {BASE: read})


def test_dated_values_by_brute_force(scenarios: dict[str, Scenario]) -> None:
    runs, found = read_one(scenarios[BASE], 12)
    front = found.alignments["front"]
    entries = exits = 0
    for at, step in enumerate((12, 28)):
        for r, run in enumerate(runs):
            for state, i in found.states.items():
                path = run.alignment[:, i].tolist()
                inside = path[step] == front
                assert found.share(BASE, [state], "front", at)[r, 0] == inside
                entered = path[0] != front and front in path[1 : step + 1]
                assert found.entered(BASE, [state], "front", at)[r, 0] == entered
                entries += entered
                if path[0] == front:
                    stayed = all(held == front for held in path[: step + 1])
                    assert found.stayed(BASE, state, "front", at)[r] == stayed
                    exits += not stayed
            assert found.stability(BASE, "PRK", at)[r] == run.stability[step, found.states["PRK"]]
            assert found.outcome(BASE, "capability_front", at)[r] == run.outcome("capability_front")[step]
    assert entries
    assert exits


def test_years_stayed_by_brute_force(scenarios: dict[str, Scenario]) -> None:
    runs, found = read_one(scenarios[BASE], 40)
    front, place, met = found.alignments["front"], found.states["IRN"], []
    for run in runs:
        path = (run.alignment[:, place] == front).tolist()
        if True in path[:29] and not path[0]:
            first = path.index(True)
            met.append(all(path[first : first + 12]))
    assert found.stayed_years(BASE, "IRN", "front", 3).tolist() == met
    assert 0 < sum(met) < len(met)


def test_bite_and_leverage_by_brute_force(scenarios: dict[str, Scenario]) -> None:
    runs, found = read_one(scenarios[BASE], 4)
    world = world_of(scenarios[BASE])
    sanctioned = (world.start.sanction > 0).any(axis=0)
    for r, run in enumerate(runs):
        product, bite = run.outcome("product_front"), run.bite[:, sanctioned].mean(axis=1)
        steps = range(2, 29)
        dx = np.array([product[t - 1] - product[t - 2] for t in steps])
        dy = np.array([bite[t] - bite[t - 1] for t in steps])
        by_numpy = np.cov(dx, dy, bias=True) * len(dx)
        np.testing.assert_allclose(found.runs[BASE].erosion[r], [by_numpy[0, 1], by_numpy[0, 0]], atol=1e-15)
        rises = []
        for t in range(1, 29):
            members = np.flatnonzero(run.alignment[t] == found.alignments["front"])
            if len(members) >= 2:
                sizes = world.setting.capability[members]
                rises.append((sizes.sum() - sizes.max()) / run.outcome("capability_us_led")[t])
        assert found.runs[BASE].leverage[r] == pytest.approx(np.mean(rises))


def test_erosion_is_all_that_lowers_the_bite(worlds: dict[str, World], scenarios: dict[str, Scenario]) -> None:
    """Without response of sanctions the bite is linear in the front's product, with the slope of erosion."""
    claim = next(claim for claim in CLAIMS if claim.number == 5)
    moments = moments_of(scenarios[BASE])
    found = run_evidence({BASE: worlds[BASE]}, moments, seed=2, replicates=range(8))
    effect, low, high, _ = claim.dated.effect(found).interval()
    assert effect > 0
    assert high - low < 1e-9
    none = with_settings(scenarios[BASE], {"erosion": 0})
    found = run_evidence({BASE: world_of(none)}, moments, seed=2, replicates=range(8))
    assert abs(claim.dated.effect(found).effect()) < 1e-12


@pytest.mark.parametrize("lens", ["tendency", None])
def test_late_means_without_dates(lens: str | None, scenarios: dict[str, Scenario]) -> None:
    """A tendency, and a world of rounds, are read over their last steps."""
    scenario = through_lens(scenarios[BASE], lens) if lens else scenarios[BASE].model_copy(
        update={"date": None, "step": "round", "anchored": False, "anchor": None}
    )  # fmt: skip
    runs, found = read_one(scenario, 3)
    window = 40 if lens else 8
    assert found.moments.steps == ()
    for r, run in enumerate(runs):
        np.testing.assert_array_equal(found.runs[BASE].shares[r, 0], run.late_shares(window))
        np.testing.assert_array_equal(found.runs[BASE].outcomes[r, 0], run.late_outcomes(window))
    for claim in CLAIMS:
        if claim.needs == ():
            assert np.isfinite(claim.reading(found.moments).effect(found).effect())


def test_china_is_held_by_fiat(worlds: dict[str, World], scenarios: dict[str, Scenario]) -> None:
    for name, alignment in ((CHINA_INSIDE, "front"), (CHINA_OUTSIDE, "non_aligned")):
        held = claim_scenarios(CLAIMS, scenarios)[name]
        for run in iterate_runs(held, seed=1, replicates=range(3)):
            place = run.states.index("CHN")
            assert (run.alignment[:, place] == run.alignments.index(alignment)).all()
    moments = moments_of(scenarios[BASE])
    found = run_evidence(worlds, moments, seed=1, replicates=range(4))
    for state in ("RUS", "USA"):  # anchored as in the baseline, so that China is a circumstance
        start = found.runs[CHINA_INSIDE].entries[:, found.states[state]]
        np.testing.assert_array_equal(start == 0, found.runs[BASE].entries[:, found.states[state]] == 0)


# One definition, two sources


@pytest.mark.second
def test_effects_from_sweep_equal_effects_from_arrays(
    results: Path, worlds: dict[str, World], scenarios: dict[str, Scenario]
) -> None:
    sample = read_sample(Results(results))
    direct = run_evidence(worlds, moments_of(scenarios[BASE]), seed=5, replicates=range(RUNS))
    for answer, claim in zip(answers.answer_claims(sample), CLAIMS, strict=True):
        expected = answers.answer_claim(claim, direct, "histories")
        np.testing.assert_equal(answer, expected)


def test_answers_do_not_depend_on_row_order(results: Path) -> None:
    found = read_sample(Results(results))
    mixed = replace(
        found, runs=found.runs.sample(frac=1, random_state=1), states=found.states.sample(frac=1, random_state=2)
    )
    np.testing.assert_equal(answers.answer_claims(mixed), answers.answer_claims(found))


def test_only_common_runs_are_compared(results: Path, scenarios: dict[str, Scenario]) -> None:
    found = read_sample(Results(results))
    kept = ~((found.runs["design"] == "no_sanctions") & (found.runs["replicate"] < 4))
    part = replace(found, runs=found.runs[kept])
    runs = {answer.text: answer.n for answer in answers.answer_claims(part)}
    assert runs["Without sanctions there is less of a front"] == RUNS - 4
    assert runs["Without the US-China rivalry there is less of a front"] == RUNS
    two = {name: scenarios[name] for name in (BASE, "no_sanctions")}
    one, whole = (repeat_runs(sample, two).evidence(two) for sample in (part, found))
    for name in two:
        np.testing.assert_array_equal(one.runs[name].shares, whole.runs[name].shares[4:])


def test_runs_that_do_not_repeat_are_refused(results: Path) -> None:
    found = read_sample(Results(results))
    states = found.states.copy()
    place = states.index[(states["state"] == "CHN") & (states["design"] == "no_sanctions")][0]
    states.loc[place, "final"] = "us_led"
    with pytest.raises(InputError, match="no_sanctions: its runs end in another way when repeated"):
        answers.answer_claims(replace(found, states=states))


def test_runs_that_end_before_the_dates_answer_no_claim(scenarios: dict[str, Scenario], tmp_path: Path) -> None:
    short = {BASE: with_steps(scenarios[BASE], 8)}
    execute(make_question(short, replicates=2, seed=5), tmp_path / "short")
    found = read_sample(Results(tmp_path / "short"))
    assert answers.answer_claims(found) == []
    done = CliRunner().invoke(cli, ["claims", str(tmp_path / "short")])
    assert done.exit_code == 2
    assert "2026-12-31 is outside the run" in " ".join(done.output.split())


def test_estimates_by_hand() -> None:
    assert MeanEstimate(np.array([1.0, 2, 3, np.nan])).interval() == pytest.approx(
        (2, 2 - 2.484, 2 + 2.484, 3), abs=1e-3
    )
    assert np.isnan(MeanEstimate(np.array([np.nan])).effect())
    assert ShareEstimate(np.array([True, False, True, True])).effect() == 0.75
    x = np.random.default_rng(1).normal(size=40)
    best = largest_rise({"a": x, "b": x + 1})
    assert best.effect() == pytest.approx(x.mean() + 1)
    assert best.interval()[1] < MeanEstimate(x + 1).interval()[1]  # wide enough for both at once
    assert share_interval(0, 0)[3] == 0


def test_ratio_by_hand_and_its_coverage() -> None:
    assert RatioEstimate(np.array([1.0, 2, 3]), np.array([2.0, 2, 2])).effect() == 1
    for nothing in (0.0, 1e-32):  # of squared shares, rounding
        assert np.isnan(RatioEstimate(np.ones(3), np.full(3, nothing)).effect())
        assert np.isnan(RatioEstimate(np.ones(3), np.full(3, nothing)).interval()[:3]).all()
    effect, low, high, n = RatioEstimate(np.array([2.0, 4, 6]), np.array([1.0, 2, 3])).interval()
    assert (effect, low, high, n) == pytest.approx((2, 2, 2, 3))
    rng = np.random.default_rng(4)
    below = rng.gamma(4, size=(400, 60))
    top = 0.5 * below + rng.normal(size=below.shape) * below  # the spread grows with the weight of a run
    within = [low <= 0.5 <= high for t, b in zip(top, below, strict=True) for _, low, high, _ in
              [RatioEstimate(t, b).interval()]]  # fmt: skip
    assert np.mean(within) == pytest.approx(0.95, abs=0.04)


# Answers


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.5, 0.2, 0.8, 30), "agrees"),
        ((-0.5, -0.8, -0.2, 30), "contradicts"),
        ((0.1, -0.2, 0.4, 30), "undecided"),
        ((0.0, 0.0, 0.0, 30), "undecided"),
        ((float("nan"), float("nan"), float("nan"), 3), "undecided"),
    ],
)
def test_answer_follows_interval(interval: tuple[float, float, float, int], words: str) -> None:
    assert verdict_at_defaults(CLAIMS[3], interval, 0.0) == words
    given = next(claim for claim in CLAIMS if claim.given)
    assert verdict_at_defaults(given, interval, 0.0) == words.replace("agrees", "agrees, follows from the rules")


def test_claims_cite_paragraphs() -> None:
    assert {claim.number for claim in CLAIMS} == set(range(1, 11))
    for claim in CLAIMS:
        assert claim.paragraphs.startswith("§")
        for reading in (claim.dated, claim.late):
            assert reading.measure


@pytest.mark.parametrize("lens", ["histories", "tendency"])
def test_claims_page_answers_every_claim(lens: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
    part = page.split(f"### {lens.capitalize()}\n")[1].split("\n#")[0]
    rows = [line.split(" | ") for line in part.splitlines() if re.match(r"\| \d+ \| .* \(§", line)]
    assert [(cells[0][2:], cells[1]) for cells in rows] == [
        (str(c.number), f"{c.text} ({c.paragraphs})") for c in CLAIMS
    ]
    for cells in rows:
        assert re.match(r"agrees|contradicts|undecided", cells[-1])


# The command


def run_claims(*words: str) -> str:
    """Run `blocs claims`; return its standard output."""
    done = CliRunner().invoke(cli, ["claims", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


SMALL = ("--points", "4", "--point-replicates", "2", "--placebos", "2", "--replicates", "6")


@pytest.mark.second
def test_claims_command_in_both_lenses() -> None:
    record = json.loads(run_claims(*SMALL, "--seed", "3", "--json"))
    expected = [(claim.number, lens) for claim in CLAIMS for lens in ("histories", "tendency")]
    assert [(one["number"], one["lens"]) for one in record["claims"]] == expected
    assert record["lacking"] == {}
    assert record["counts"]["points"] == 4
    for one in record["claims"]:
        assert {"text", "paragraphs", "measure", "effect", "low", "high", "n", "beside", "decided_by"} <= one.keys()
        held = one["holds_share"]
        assert held["points"] + held["undefined"] == 4
        assert held["decided"]["points"] <= held["points"]
        of_entries = one["lens"] == "tendency" or one["number"] in (1, 2, 3, 4, 7, 10) or "China" in one["text"]
        assert (one["placebo"] is not None) == of_entries
    one = json.loads(run_claims(*SMALL, "--seed", "3", "--workers", "1", "--lens", "histories", "--json"))
    assert one["claims"] == record["claims"][::2]


@pytest.mark.second
def test_claims_command_with_results(results: Path) -> None:
    record = json.loads(run_claims(str(results), *SMALL, "--json"))
    at_defaults = json.loads(run_claims(str(results), "--points", "0", "--placebos", "0", "--json"))
    found = answers.answer_claims(read_sample(Results(results)))
    for one, other, answer in zip(record["claims"], at_defaults["claims"], found, strict=True):
        assert one["lens"] == "histories"
        assert one["effect"] == other["effect"] == pytest.approx(answer.effect)
        assert other["verdict"] == answer.verdict
        assert other["holds_share"] is other["placebo"] is None
        assert one["holds_share"] is not None


def test_claims_command_prints_tables() -> None:
    words = " ".join(run_claims(*SMALL, "--lens", "histories").split())
    assert "of 4 settings over the parameters' ranges" in words
    assert "most of them assumed" in words
    lines = run_claims(*SMALL, "--lens", "histories", "--markdown").splitlines()
    verdicts = [line for line in lines if re.match(r"\| \d+ \| .* \(§", line)]
    assert len(verdicts) == len(CLAIMS)
    measures = sum(1 + len(claim.dated.beside) for claim in CLAIMS)
    assert len(lines) == len(CLAIMS) + measures + 7  # a heading, two heads of two lines, and lines between
