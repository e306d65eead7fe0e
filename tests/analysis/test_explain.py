"""Explanations: exact sums, equal to the runs, and flips that change the alignment."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import strategies as st
from relation import relation, seeds, some
from scipy.stats import binomtest
from strategies import kept_scenarios, scenarios

from sim.analysis.contributions import FROM_STATES
from sim.analysis.explain import average_account
from sim.analysis.flips import Candidate, find_flips, flip_candidates, lead_over
from sim.analysis.states.accounts import Decision
from sim.analysis.states.decisions import decisions_in_run, explain_decision
from sim.cli import cli
from sim.errors import InputError
from sim.model import compiled
from sim.model.agents import BlocModel, StateAgent
from sim.model.arrays import TERMS
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import Parameters
from sim.scenario.schema import Scenario

pytestmark = pytest.mark.usefixtures("rounds")

SCENARIOS = ("baseline_2023", "dispersed_attention", "brics_third_pole", "global_coexistence", "great_powers_1907")
SEED = 20231025
ATTRIBUTED = [TERMS.index(term) for term in FROM_STATES]


def record_decisions(scenario: Scenario, seed: int) -> list[Decision]:
    """Explain every decision of every state in one run."""
    world, run = world_of(scenario), compiled.run_compiled(scenario, seed=seed)
    return [one for index in range(len(run.states)) for one in decisions_in_run(run, world, index)]


class RecordingAgent(StateAgent):
    """An agent that records what it weighs at its turn, and what it chooses."""

    def decide(self) -> int:
        """Decide as any agent does."""
        model, i = self.model, self.index
        before = model.seen.copy()
        choice = super().decide()
        found = [model.terms[i], model.utilities[i], model.chances[i], [*self.disposition.values()], before, choice]
        model.recorded[i].append([np.array(one) for one in found])
        return choice


@relation(st.one_of(scenarios(), kept_scenarios()), seeds)
def test_decisions_are_those_of_agents(scenario: Scenario, seed: int) -> None:
    model, world, run = BlocModel(scenario, seed=seed), world_of(scenario), compiled.run_compiled(scenario, seed=seed)
    model.recorded = [[] for _ in run.states]
    model.states[:] = [RecordingAgent(model, agent.index, agent.name) for agent in model.states]
    for _ in range(scenario.steps):
        model.step()
    for i, recorded in enumerate(model.recorded):
        for one, (*weighed, seen, choice) in zip(decisions_in_run(run, world, i), recorded, strict=True):
            added = [*(one.disposition or dict.fromkeys(run.alignments, 0.0)).values()]
            account = one.account
            for found, known in zip([account.terms, account.utilities, account.chances, added], weighed, strict=True):
                np.testing.assert_array_equal(found, known)
            assert one.choice == run.alignments[choice]
            assert one.held == run.alignments[seen[i]]
            assert one.seen == {run.states[j]: run.alignments[k] for j, k in enumerate(seen) if j != i}


@pytest.mark.parametrize("name", some(SCENARIOS, 2))
def test_accounts_of_random_decisions_equal_the_run(name: str) -> None:
    scenario = load_scenario(name)
    run = compiled.run_compiled(scenario, seed=3)
    found = record_decisions(scenario, seed=3)
    rng = np.random.default_rng(5)
    states, alignments = run.states, run.alignments
    temperature = scenario.parameters.temperature.value  # no shock of these scenarios changes it
    for n in rng.choice(len(found), size=500 // len(SCENARIOS), replace=False):
        one, account = found[n], found[n].account
        place = one.step, states.index(one.state)
        for terms, utility in zip(account.terms.tolist(), account.utilities.tolist(), strict=True):
            assert reduce(add, terms, 0.0) == utility
        sums = account.contributions[:, ATTRIBUTED].sum(axis=2)
        np.testing.assert_allclose(sums, account.terms[:, ATTRIBUTED], rtol=0, atol=1e-12)
        if one.fixed:
            chances = np.array([float(a == one.held) for a in alignments])
        elif temperature == 0:
            chances = run.chances[place]  # equal utilities have their own rule
        else:
            allowed = np.array([scenario.non_aligned_allowed, *[True] * (len(alignments) - 1)])
            utilities = np.array([reduce(add, terms, 0.0) for terms in account.terms.tolist()])
            weights = np.where(allowed, np.exp((utilities - utilities[allowed].max()) / temperature), 0.0)
            chances = weights / weights.sum()
        np.testing.assert_allclose(chances, run.chances[place], rtol=0, atol=1e-12)
        np.testing.assert_array_equal(account.chances, run.chances[place])
        assert one.choice == alignments[run.alignment[place]]
        assert one.held == alignments[run.alignment[place[0] - 1, place[1]]]
        assert account.chances[account.first] == account.chances.max()


def three(**changes: object) -> Scenario:
    """A leads west and sanctions C by half; B, east, is bound to C; C decides. c = g = (1/2, 1/4, 1/4)."""
    content: dict[str, object] = {
        "title": "three",
        "theatres": {"land": "land"},
        "blocs": {
            "west": {"name": "West", "leader": "A", "enforcement": 0.5, "attention_budget": 1, "accommodation": 0.1,
                     "priority": {"land": 1}},
            "east": {"name": "East", "enforcement": 0, "attention_budget": 1, "accommodation": 0},
        },
        "parameters": {
            **dict.fromkeys(Parameters.model_fields, 0.0), "w_bond": 2, "w_institution": 1, "w_hostility": 3,
            "w_balance": 4, "w_trade": 0.25, "w_shelter": 2, "w_pressure": 0.5, "pressure_floor": 0.5,
            "w_autonomy": 0.125, "inertia": 0.0625, "temperature": 1,
        },
        "states": {
            "A": {"name": "Albion", "theatre": "land", "capability": 2, "gdp": 2, "initial": "west"},
            "B": {"name": "Borduria", "theatre": "land", "capability": 1, "gdp": 1, "initial": "east", "fixed": True},
            "C": {"name": "Carpathia", "theatre": "land", "capability": 1, "gdp": 1, "initial": "non_aligned"},
        },
        "institutions": {"club": {"name": "club", "cohesion": 0.5, "members": ["A", "C"]}},
        "ties": [
            {"kind": "bond", "a": "B", "b": "C", "value": 0.5},
            {"kind": "sanction", "a": "A", "b": "C", "value": 0.5, "regime": "west"},
            {"kind": "trade", "a": "A", "b": "C", "value": 0.5},
        ],
        "steps": 2,
    }  # fmt: skip
    return Scenario.model_validate({**content, **changes})


def test_decision_by_a_kept_disposition() -> None:
    """The choice has the greatest sum of utility and disposition; a renewal makes it new."""
    scenario = with_settings(load_scenario("dispersed_attention"), {"renewal": 0.2, "w_hedging": 0.5})
    found = record_decisions(scenario.model_copy(update={"dispositions": "kept"}), seed=3)
    names = {alignment: alignment.upper() for alignment in scenario.alignments()}
    assert {one.renewed for one in found} == {True, False}
    for one in found[:: len(found) // 100]:
        assert one.disposition is not None
        weighed = dict(
            zip(one.account.alignments, np.add(one.account.utilities, [*one.disposition.values()]), strict=True)
        )
        assert one.fixed or one.choice == max(weighed, key=weighed.__getitem__)
        assert ("; new)" in one.how(names)) == one.renewed
        sums = one.account.contributions[:, ATTRIBUTED].sum(axis=2)
        np.testing.assert_allclose(sums, one.account.terms[:, ATTRIBUTED], rtol=0, atol=1e-12)
    assert record_decisions(scenario, seed=3)[0].disposition is None


def test_fixed_state_chooses_nothing() -> None:
    """A leader keeps its alignment: no disposition of its decides, though one is drawn."""
    kept = load_scenario("baseline_2023").model_copy(update={"dispositions": "kept", "steps": 1})
    for scenario in (kept, load_scenario("baseline_2023")):
        taken = explain_decision(scenario, "USA", seed=1, step=1)
        assert taken.fixed
        assert taken.how({a: a for a in scenario.alignments()}) == "it keeps this alignment"


def test_three_states_by_hand() -> None:
    """e = 1/2 and θ = 1, so σ_C = 1/2 · 1/2 · 1/2 = 1/8; D_CA = 1/2; A leaves half its product open to C."""
    one = explain_decision(three(), "C", seed=1, step=1)
    account = one.account
    assert one.held == "non_aligned"
    assert one.seen == {"A": "west", "B": "east"}
    assert (account.most_likely, account.runner_up) == ("east", "non_aligned")
    stake = 0.5 + 0.5 * 0.5 * (1 - 1 / 8)
    by_hand = {
        "bond": {"B": 2 * 0.25 * 0.5},
        "balance": {"A": 4 * 0.25 * (0.5 * 0.5)},
        "shelter": {"B": 2 * (1 / 8) * 0.25},
        "pressure": {"A": -0.5 * 0.5 * 1 * 0.5 * stake},
    }
    assert {term: dict(found) for term in FROM_STATES if (found := account.from_states(term))} == by_hand
    deciding = {
        **{term: sum(values.values()) for term, values in by_hand.items()},
        "autonomy": -0.125,
        "inertia": -0.0625,
    }
    assert dict(account.deciding()) == deciding
    assert [abs(x) for _, x in account.deciding()] == sorted(map(abs, deciding.values()), reverse=True)
    west = dict(zip(TERMS, account.contributions[1, :, 0].tolist(), strict=True))  # what A adds to west for C
    expected = {
        "institution": 1 * 0.5 * 0.5, "hostility": -3 * 0.5 * 0.5, "trade": 0.25 * 0.5,
        "shelter": 2 * (1 / 8) * (1 - 0.5) * (0.5 * (1 - 0.5)),
    }  # fmt: skip
    assert {term: value for term, value in west.items() if value} == expected
    assert not account.contributions[:, :, 2].any()  # no state contributes to its own utility


def test_simultaneous_decision_sees_previous_step() -> None:
    scenario = load_scenario("baseline_2023").model_copy(update={"activation": "simultaneous", "steps": 6})
    run = compiled.run_compiled(scenario, seed=SEED)
    one = explain_decision(scenario, "IRN", seed=SEED, step=4)
    before = {state: run.alignments[k] for state, k in zip(run.states, run.alignment[3], strict=True)}
    assert one.seen == {state: alignment for state, alignment in before.items() if state != "IRN"}
    assert (run.alignment[3] != run.alignment[4]).any()
    assert one.account.chances.tolist() == run.chances[4, run.states.index("IRN")].tolist()


def test_average_account_equals_mean_of_runs() -> None:
    scenario = load_scenario("dispersed_attention")
    found = average_account(scenario, "CHN", seed=SEED, replicates=12)
    runs = [compiled.run_compiled(scenario, seed=SEED, replicate=r) for r in range(12)]
    i = runs[0].states.index("CHN")
    assert found.shares.tolist() == [run.late_shares(8)[i].tolist() for run in runs]
    account = found.account
    np.testing.assert_allclose(account.chances, np.mean([run.chances[-8:, i] for run in runs], axis=(0, 1)), atol=1e-12)
    np.testing.assert_allclose(account.terms.sum(axis=1), account.utilities, atol=1e-12)
    sums = account.contributions[:, ATTRIBUTED].sum(axis=2)
    np.testing.assert_allclose(sums, account.terms[:, ATTRIBUTED], rtol=0, atol=1e-12)
    mostly = [run.alignments[int(run.late_shares(8)[i].argmax())] for run in runs]
    assert {name: n for name, (n, _) in found.among.items()} == {name: mostly.count(name) for name in set(mostly)}
    parts = sum(n * part.terms for n, part in found.among.values())
    np.testing.assert_allclose(parts / 12, account.terms, atol=1e-12)
    assert account.most_likely == found.account.alignments[int(found.shares.mean(axis=0).argmax())]


def test_share_of_agreeing_runs_is_not_certain() -> None:
    found = average_account(load_scenario("baseline_2023"), "USA", replicates=10)
    assert found.fixed
    p, low, high, runs = replace(found, fixed=False).interval("us_led")
    assert (p, high, runs) == (1.0, 1.0, 10)
    assert 0.6 < low < 0.8


def test_rare_alignment_on_one_last_step_has_wilsons_interval() -> None:
    """Student's interval of 1 of 100 ends at 0.030."""
    found = average_account(load_scenario("baseline_2023"), "IRN", seed=1, replicates=2)
    shares = np.eye(3)[[0] * 99 + [2]]
    expected = binomtest(1, 100).proportion_ci(0.95, "wilson")
    assert replace(found, shares=shares).interval("front") == pytest.approx((0.01, expected.low, expected.high, 100))


def most_likely(scenario: Scenario, state: str, replicates: int) -> str:
    """The alignment of the largest mean late share, from compiled runs."""
    runs = [compiled.run_compiled(scenario, seed=SEED, replicate=r) for r in range(replicates)]
    shares = np.mean([run.late_shares(8)[runs[0].states.index(state)] for run in runs], axis=0)
    return runs[0].alignments[int(shares.argmax())]


@pytest.mark.second
def test_flip_changes_alignment_and_short_value_does_not() -> None:
    scenario = load_scenario("baseline_2023")
    chosen = ("w_pressure", "w_autonomy", "w_propensity", "ties.rivalry.CHN.IRN", "blocs.us_led.accommodation")
    among = [one for one in flip_candidates(scenario, "IRN") if one.setting in chosen]
    found = find_flips(scenario, "IRN", seed=SEED, replicates=30, among=among)
    assert found.alignment == most_likely(scenario, "IRN", 30) == "front"
    assert {"w_pressure", "w_autonomy"} <= {flip.setting for flip in found.found} < set(chosen)
    assert [flip.relative for flip in found.found] == sorted(flip.relative for flip in found.found)
    for flip in found.found:
        assert flip.becomes != "front"
        assert flip.low <= flip.to <= flip.high
        assert 0 < abs(flip.to - flip.short) <= 0.01 * (flip.high - flip.low) * 1.001
        flipped = with_settings(scenario, {flip.setting: float(f"{flip.to:g}")})
        assert most_likely(flipped, "IRN", 30) == flip.becomes
        assert most_likely(with_settings(scenario, {flip.setting: flip.short}), "IRN", 30) == "front"
        direction = np.sign(flip.to - flip.before)
        values = [x for x in (flip.sure_before, flip.short, flip.to, flip.sure_after) if not np.isnan(x)]
        assert [direction * x for x in values] == sorted(direction * x for x in values)


def test_candidates_are_settings_in_their_ranges() -> None:
    scenario = load_scenario("brics_third_pole")
    found = {one.setting: one for one in flip_candidates(scenario, "IRN")}
    assert set(Parameters.model_fields) - {"w_likeness", "w_hedging", "renewal"} <= found.keys()
    assert {"states.IRN.autonomy", "ties.bond.IRN.USA", "ties.rivalry.IRN.USA", "ties.sanction.USA.IRN"} <= found.keys()
    assert {f"blocs.{bloc}.accommodation" for bloc in scenario.blocs} <= found.keys()
    for one in found.values():
        assert one.low < one.high
        same = with_settings(scenario, {one.setting: one.value})
        assert same.digest() == scenario.digest(), one.setting
        for end in (one.low, one.high):
            with_settings(scenario, {one.setting: end})


def test_set_sanction_keeps_regime() -> None:
    scenario = with_settings(load_scenario("baseline_2023"), {"ties.sanction.USA.RUS": 0.25})
    (tie,) = (t for t in scenario.ties if (t.kind, t.a, t.b) == ("sanction", "USA", "RUS"))
    assert (tie.value, tie.regime) == (0.25, "us_led")


# The command


def explain(*words: str, code: int = 0) -> str:
    """Run the command; return its output on both streams."""
    done = CliRunner().invoke(cli, ["explain", *words])
    assert done.exit_code == code, (done.output, done.exception)
    return " ".join(done.output.split())


def test_explain_command_for_a_decision() -> None:
    words = ("baseline_2023", "IRN", "--step", "30", "--seed", "7")
    text = explain(*words)
    assert "Iran (IRN) in baseline_2023, step 30 of replicate 0, seed 7" in text
    record = json.loads(explain(*words, "--json"))
    one = explain_decision(load_scenario("baseline_2023"), "IRN", seed=7, step=30)
    assert record["terms"]["front"] == dict(zip(TERMS, one.account.terms[2].tolist(), strict=True))
    assert record["chances"][record["most_likely"]] == one.account.chances.max()
    first, size = next(term for term in one.account.deciding() if term[0] in FROM_STATES)
    assert f"{size:+.3f}" in text
    assert f"{one.account.from_states(first)[0][0]} {one.account.from_states(first)[0][1]:+.3f}" in text


@pytest.mark.second
def test_explain_command_average_and_flips() -> None:
    text = explain("baseline_2023", "IRN", "--replicates", "8", "--flip", "--without", "outreach")
    assert "the last 8 steps of each of 8 runs" in text
    assert "P(Anti-US front) = " in text
    assert "What would turn IRN from" in text
    assert "see it: blocs explain baseline_2023 IRN --without outreach --replicates 8 --set " in text
    setting = text.split("--set ")[1].split()[0]
    record = json.loads(
        explain("baseline_2023", "IRN", "--replicates", "8", "--without", "outreach", "--set", setting, "--json")
    )
    assert record["most_likely"] != text.split("What would turn IRN from ")[1].split(",")[0]


@pytest.mark.second
def test_explain_command_on_a_sweep(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    words = ["sweep", "baseline_2023", "no_sanctions", "--replicates", "4", "--steps", "10", "--out", str(folder)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    record = json.loads(explain(str(folder), "CHN", "--json"))["scenarios"]
    assert list(record) == ["baseline_2023", "no_sanctions"]
    by_hand = average_account(
        load_scenario("no_sanctions").model_copy(update={"steps": 10}), "CHN", seed=SEED, replicates=4
    )
    assert record["no_sanctions"] == by_hand.record()
    assert "no_sanctions" in explain(str(folder), "CHN")
    assert json.loads(explain(str(folder), "china", "--json"))["scenarios"] == record
    assert "did you mean 'CHN'" in explain(str(folder), "Chnia", code=2)
    assert "Invalid value for '--step'" in explain(str(folder), "CHN", "--step", "3", code=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("IRNN",), "unknown state 'IRNN' (did you mean 'IRN'?)"),
        (("Indai",), "unknown state 'Indai' (did you mean 'IND'?)"),
        (("Saudi",), "(did you mean 'SAU'?)"),
        (("irn",), "(did you mean 'IRN'?)"),
        (("IRN", "--step", "41"), "41 is not one of the scenario's steps; give one from 1 to 40"),
        (("IRN", "--step", "3", "--flip"), "Invalid value for '--flip': is about many runs"),
        (("IRN", "--replicate", "3"), "Invalid value for '--replicate': is about one run"),
        (("USA", "--flip", "--replicates", "2"), "USA is fixed"),
        (("IRN", "--set", "w_presure=1"), "did you mean 'w_pressure'"),
    ],
)
def test_explain_command_refusals(words: tuple[str, ...], message: str) -> None:
    assert message in explain("baseline_2023", *words, code=2)


def test_flips_of_fixed_state_are_refused() -> None:
    with pytest.raises(InputError):
        find_flips(three(), "B")
    with pytest.raises(InputError):
        find_flips(three(), "A")


def test_setting_without_effect_has_no_flip() -> None:
    assert find_flips(three(), "C", replicates=5, among=[Candidate("strain", 0, 0, 5)]).found == ()


def test_equal_shares_have_no_interval_and_a_fixed_state_is_certain() -> None:
    found = average_account(load_scenario("baseline_2023"), "IRN", seed=1, replicates=2)
    equal = replace(found, shares=np.full_like(found.shares, 0.25))
    p, low, high, runs = equal.interval("front")
    assert (p, runs) == (0.25, 2)
    assert math.isnan(low)
    assert math.isnan(high)
    fixed = replace(found, fixed=True, shares=np.eye(3)[[2, 2]])
    assert fixed.interval("front") == (1.0, 1.0, 1.0, 2)


def test_interval_of_a_lead_stays_within_shares() -> None:
    shares = np.array([[0.0, 1.0]] * 39 + [[1.0, 0.0]])
    lead = lead_over(0, shares, ("non_aligned", "front"))
    assert lead.by == pytest.approx(0.95)
    assert 0.8 < lead.low < 0.95 < lead.high == 1.0
