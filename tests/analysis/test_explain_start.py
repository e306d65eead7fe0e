"""What the coded start says of a state: known answers, closed forms against histories, and flips by brute force."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import assume
from relation import changed, relation, seeds, some
from scipy.stats import binom, norm
from strategies import NO_RESPONSE, kept_scenarios, small

import sim
from sim.analysis.flips import Candidate
from sim.analysis.states import turning
from sim.analysis.states.decisions import explain_decision
from sim.analysis.states.direct import chances_after, why_no_direct_chances
from sim.analysis.states.start import account_at_start, explain_start
from sim.analysis.states.tipping import TieChanges
from sim.analysis.states.turning import find_start_flips, start_candidates
from sim.cli import cli
from sim.errors import InputError
from sim.model.arrays import TERMS, Floats
from sim.model.compiled import iterate_runs
from sim.model.world import world_of
from sim.scenario.loading import load_scenario, scenario_names
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

KEPT = {"dispositions": "kept", "step": "year", "date": "2023-10-25"}


def lone(scenario: Scenario, state: str) -> Scenario:
    """Fix every other state, so that a run shows the direct effects on one."""
    states = {id: one if id == state else one.model_copy(update={"fixed": True}) for id, one in scenario.states.items()}
    return changed(scenario, states=states)


def simulated_law(scenario: Scenario, state: str, step: int, replicates: int) -> Floats:
    """Count how often a state has each alignment after a step of runs in which no other moves."""
    world = world_of(lone(scenario, state))
    i = world.states.index(state)
    runs = iterate_runs(lone(scenario, state), seed=3, replicates=range(replicates), world=world)
    return np.bincount([run.alignment[step, i] for run in runs], minlength=len(world.alignments)) / replicates


def assert_law(scenario: Scenario, state: str, replicates: int, errors: float, inexact: float = 0.0) -> None:
    """Assert that the closed form is the law of simulated lives at the end, by the tails of binomial counts.

    errors is the level in standard errors of a normal law, which counts of rare moves do not have.
    """
    world = world_of(scenario)
    law = chances_after(world, scenario.steps, [world.states.index(state)])[0]
    found = simulated_law(scenario, state, scenario.steps, replicates)
    counts, low, high = np.rint(found * replicates), np.clip(law - inexact, 0, 1), np.clip(law + inexact, 0, 1)
    tails = np.minimum(binom.cdf(counts, replicates, low), binom.sf(counts - 1, replicates, high))
    assert (tails > norm.sf(errors)).all(), (state, found, law)


@relation(kept_scenarios(max_states=4, max_blocs=3, steps=4), seeds)
def test_direct_chances_of_generated_worlds(scenario: Scenario, seed: int) -> None:
    """Shocks of one step move one state; ties and environment do not respond to its move."""
    shocks = [shock for shock in scenario.shocks if shock.step == 2 and shock.kind not in ("crisis", "parameter")]
    scenario = with_settings(changed(scenario, shocks=(*shocks,)), {**NO_RESPONSE, "erosion": 0, "temperature": 0.3})
    assume(not why_no_direct_chances(scenario))
    ids = [*scenario.states]
    assert_law(scenario, ids[seed % len(ids)], 300, 5.0)


@pytest.mark.parametrize("name", some(sorted(set(scenario_names()) - {"great_powers_1907"}), 4))
def test_direct_chances_of_shipped_scenarios(name: str) -> None:
    """The state that moves most, in runs in which no other does."""
    scenario = load_scenario(name)
    world = world_of(scenario)
    law = chances_after(world, scenario.steps)
    moves = 1 - law[np.arange(len(law)), world.setting.initial]
    assert_law(scenario, world.states[int(moves.argmax())], 400, 4.0)


def kept_three(**settings: float) -> Scenario:
    """C decides between A's west and B's east; nothing drifts, and its circumstances differ from the factual world."""
    base = changed(small(steps=8), **KEPT)
    quiet = {**NO_RESPONSE, "accommodation_cost": 0, "blocs.west.accommodation": 0, "temperature": 0.5}
    factual = with_settings(base, quiet)
    return with_settings(changed(factual, anchor=factual), settings)


def test_known_answers_of_a_tipping_distance() -> None:
    """δ½ = τ ln(1 + 1 / p), and an offer worth as much moves half of the states that start elsewhere."""
    found = explain_start(kept_three(), "C")
    assert found.held == "non_aligned"
    chances = dict(zip(found.account.alignments, found.account.chances.tolist(), strict=True))
    weights = {k: math.exp(u / 0.5) for k, u in zip(found.account.alignments, found.account.utilities, strict=True)}
    holding = {**weights, "non_aligned": weights["non_aligned"] * math.exp(0.0625 / 0.5)}
    for k, p in chances.items():
        assert p == pytest.approx(weights[k] / sum(weights.values()))
        assert found.tipping[k] == pytest.approx(0.5 * math.log(1 + sum(holding.values()) / holding[k]))
    still = {"non_aligned": 1.0, "west": 0.0, "east": 0.0}  # nothing changes
    assert found.direct == pytest.approx(still)
    offered = explain_start(kept_three(**{"blocs.east.accommodation": found.tipping["east"]}), "C")
    assert offered.direct == pytest.approx({"non_aligned": 0.5, "west": 0.0, "east": 0.5})
    half = explain_start(kept_three(**{"blocs.east.accommodation": found.tipping["east"] / 2}), "C")
    rise = holding["east"] / sum(holding.values()) * math.expm1(found.tipping["east"] / 2 / 0.5)
    assert half.direct["east"] == pytest.approx(rise / (1 + rise))
    assert half.moves == pytest.approx(half.direct["east"])


def test_known_answer_of_renewal_by_a_date() -> None:
    """Without inertia a state is renewed by year t with chance 1 − e^{−λt}, and then has its structural chances."""
    scenario = with_settings(kept_three(), {"renewal": 0.1, "inertia": 0})
    found = explain_start(scenario, "C", day="2026-12-31")
    assert found.step == 3
    renewed = 1 - math.exp(-0.1 * 3)
    chances = dict(zip(found.account.alignments, found.account.chances.tolist(), strict=True))
    expected = {k: renewed * p + (1 - renewed) * (k == "non_aligned") for k, p in chances.items()}
    assert found.direct == pytest.approx(expected)
    assert explain_start(scenario, "C", day="2023-10-25").direct["non_aligned"] == 1.0


def test_fixed_state_is_certain() -> None:
    found = explain_start(kept_three(), "B")
    assert found.fixed
    assert (found.tipping, found.direct["east"], found.account.chances.tolist()) == ({}, 1.0, [0.0, 0.0, 1.0])
    with pytest.raises(InputError, match="never decides"):
        find_start_flips(kept_three(), "B")


def test_tie_that_gains_most_may_be_with_any_state() -> None:
    """North Korea is neither among the largest states nor among those that weigh most for Iran."""
    (gain,) = explain_start(load_scenario("baseline_2023"), "IRN").gains["front"]
    assert (gain.kind, gain.other, gain.reaches) == ("bond", "PRK", False)


@pytest.mark.parametrize("state", ["IRN", "BRA", "TUR"])
def test_change_of_a_tie_gains_what_it_says(state: str) -> None:
    """The utilities of a world with the changed tie show the gain."""
    scenario = load_scenario("baseline_2023")
    found = explain_start(scenario, state)
    now, held = found.account.utilities, found.account.alignments.index(found.held)  # inertia cancels out of rises
    listed = [(k, gain) for k, gains in found.gains.items() for gain in gains]
    assert len({k for k, _ in listed}) == len(found.tipping) - 1
    for alternative, gain in listed:
        a, b = (gain.other, state) if gain.kind == "sanction" else sorted((gain.other, state))
        then = explain_start(with_settings(scenario, {f"ties.{gain.kind}.{a}.{b}": gain.after}), state)
        rise = then.account.utilities - now
        k = found.account.alignments.index(alternative)
        assert gain.gain == pytest.approx(rise[k] - rise[held], abs=1e-8)
        assert gain.reaches == (gain.gain >= found.tipping[alternative])
        levels = {level: number.value for level, number in scenario.scales.get(gain.kind, {}).items()}
        assert levels.get(gain.level_after, 0.0) == gain.after


def test_partners_of_equal_weight_keep_the_order_of_states() -> None:
    """An unstable sort would order them as the processor likes."""
    scenario = load_scenario("baseline_2023")
    world = world_of(scenario)
    changes = TieChanges(scenario, world, 0, account_at_start(world, 0))
    capability = world.setting.capability
    changes.weight = np.where(np.arange(capability.size) == 40, 1.0, 0.0)
    orders = (sorted(range(capability.size), key=lambda j: -size[j]) for size in (changes.weight, capability))
    leaders = world.setting.leader[world.setting.leader >= 0].tolist()
    expected = dict.fromkeys([*leaders, *(j for pair in zip(*orders, strict=True) for j in pair)])
    assert changes.partners() == [j for j in expected if j != 0]


@pytest.mark.parametrize(("bond", "day"), [(0.15, "2024-12-31"), (0.6, "2031-12-31")])
def test_flip_is_the_smallest_of_a_grid(bond: float, day: str) -> None:
    """No value of a grid that is nearer to the present one moves the state as likely as not."""
    scenario = with_settings(kept_three(), {"ties.bond.B.C": bond, "renewal": 0.02, "blocs.west.accommodation": 0.3})
    among = [
        Candidate("blocs.east.accommodation", 0.0, 0.0, 2.0),
        Candidate("ties.bond.B.C", bond, 0.0, 1.0),
        Candidate("w_autonomy", 0.125, 0.0, 1.0),
        Candidate("blocs.west.accommodation", 0.3, 0.0, 1.0),
    ]
    found = find_start_flips(scenario, "C", day=day, among=among, workers=1)
    turns = {turn.setting: turn for turn in found.direct.found}

    step = scenario.dates().index(f"{day[:4]}-10-25")

    def moves(setting: str, value: float) -> float:
        world = world_of(with_settings(scenario, {setting: value}))
        return float(1 - chances_after(world, step, [2])[0, 0])

    now = found.direct.moves
    assert now == explain_start(scenario, "C", day=day).moves
    for one in among:
        grid = np.linspace(one.low, one.high, 21)
        over = [float(value) for value in grid if (moves(one.setting, float(value)) >= 0.5) != (now >= 0.5)]
        width = (one.high - one.low) / 20
        nearest = min((abs(value - one.value) for value in over), default=math.inf)
        if one.setting not in turns:
            assert not over
            continue
        turn = turns[one.setting]
        assert abs(turn.to - one.value) <= nearest + 1e-9
        assert abs(turn.to - one.value) >= nearest - width - 1e-9
        assert (moves(one.setting, turn.to) >= 0.5) != (now >= 0.5) == (moves(one.setting, turn.short) >= 0.5)
        assert abs(turn.to - turn.short) <= 0.011 * (one.high - one.low)
    assert [turn.relative for turn in found.direct.found] == sorted(turn.relative for turn in found.direct.found)


def test_total_flips_are_those_of_histories() -> None:
    """At a total flip half of the histories have moved, and at the value before it fewer have."""
    scenario = load_scenario("baseline_2023")
    among = [one for one in start_candidates(scenario, "IRN") if one.setting == "blocs.front.accommodation"]
    found = find_start_flips(scenario, "IRN", replicates=50, seed=4, among=among)
    assert found.total
    assert (found.total.replicates, found.total.seed) == (50, 4)
    (turn,) = found.total.found
    assert turn.interval
    for value, over in ((turn.to, True), (turn.short, False)):
        then = explain_start(with_settings(scenario, {turn.setting: value}), "IRN", replicates=50, seed=4)
        assert then.simulated
        assert (then.simulated.moved[0] >= 0.5) == over
    assert turn.interval[0] < turn.moves < turn.interval[1]
    assert turn.becomes == "front"


def test_simulated_shares_are_those_of_runs() -> None:
    scenario = load_scenario("global_coexistence")
    found = explain_start(scenario, "BRA", day="2030-12-31", replicates=30, seed=9).simulated
    assert found
    runs = [*iterate_runs(scenario, seed=9, replicates=range(30))]
    i, step = runs[0].states.index("BRA"), scenario.dates().index("2030-10-25")
    counts = np.bincount([run.alignment[step, i] for run in runs], minlength=3) / 30
    assert [share for share, _, _ in found.shares.values()] == counts.tolist()
    assert found.moved[0] == pytest.approx(1 - counts[0])


def test_disposition_is_a_term_of_a_decision() -> None:
    """Utility and disposition add up to what the state compares, and the choice is the greatest."""
    scenario = load_scenario("global_coexistence")
    for state in ("BRA", "ARG", "MEX"):
        one = explain_decision(scenario, state, seed=7, step=2)
        assert one.disposition is not None
        weighed = one.weighed
        assert weighed.names == (*TERMS, "disposition")
        np.testing.assert_allclose(weighed.terms[:, -1], [*one.disposition.values()])
        np.testing.assert_allclose(weighed.terms.sum(axis=1), weighed.utilities)
        assert weighed.alignments[int(weighed.utilities.argmax())] == one.choice == weighed.most_likely
        assert weighed.runner_up == weighed.alignments[int(np.argsort(weighed.utilities)[-2])]
        record = one.record()
        assert record["deciding"]["disposition"] == pytest.approx(
            one.disposition[one.choice] - one.disposition[weighed.runner_up]
        )
        assert record["chances_without_disposition"] == dict(
            zip(one.account.alignments, one.account.chances.tolist(), strict=True)
        )
        assert "chances" not in record


# The command


def explain(*words: str, code: int = 0) -> str:
    """Run the command; return its output on both streams."""
    done = CliRunner().invoke(cli, ["explain", *words])
    assert done.exit_code == code, (done.output, done.exception)
    return " ".join(done.output.split())


def test_three_chances_apart() -> None:
    """Each has its words on the screen and its key in JSON; only what is asked for is simulated."""
    text = explain("baseline_2023", "IRN")
    assert "Iran (IRN) in baseline_2023: non-aligned at the coded start, 2023-10-25" in text
    assert "structural: chance at the coded start of a state like it whose disposition is not known" in text
    assert "chance on 2033-10-25 if no other state moves, in closed form; followers are left out" in text
    assert "with followers: add --replicates 1000" in text
    assert "Utility by term at the start, before shocks term non-aligned" in text
    record = json.loads(explain("baseline_2023", "IRN", "--json"))
    found = explain_start(load_scenario("baseline_2023"), "IRN")
    assert record["structural"] == dict(zip(found.account.alignments, found.account.chances.tolist(), strict=True))
    assert record["by_date"] == {
        "date": "2033-10-25", "step": 40, "direct": found.direct, "moves": found.moves, "leaves_out": "followers",
        "simulated": None,
    }  # fmt: skip
    assert record["tipping"]["front"]["distance"] == found.tipping["front"]
    assert "chances" not in record
    words = ("baseline_2023", "IRN", "--by", "2030-12-31", "--replicates", "20", "--seed", "3")
    assert "share of 20 histories: simulated with followers, seed 3, 95 % interval" in explain(*words)
    simulated = json.loads(explain(*words, "--json"))["by_date"]
    assert (simulated["date"], simulated["step"], simulated["simulated"]["replicates"]) == ("2030-12-31", 28, 20)
    asked = sim.explain("baseline_2023", "Iran", by="2030-12-31", replicates=20, seed=3)
    assert asked.record["by_date"] == simulated
    assert asked.table["term"].tolist()[-1] == "utility"


@pytest.mark.second
def test_flips_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among a third of the settings."""
    every = turning.start_candidates
    monkeypatch.setattr(turning, "start_candidates", lambda *given: every(*given)[1::3])
    text = explain("baseline_2023", "TUR", "--flip", "--without", "outreach", "--by", "2030-12-31")
    assert "What would move TUR from US-led bloc by 2030-12-31 as likely as not, in closed form" in text
    again = text.split("see it: ")[1].split()
    assert again[:3] == ["blocs", "explain", "baseline_2023"]
    record = json.loads(explain(*again[2:], "--json"))
    assert record["by_date"]["moves"] >= 0.5


def test_decision_names_what_its_chances_are() -> None:
    text = explain("baseline_2023", "IRN", "--step", "2", "--seed", "7")
    assert "a state like it with another disposition: P(non-aligned) = " in text
    assert "disposition" in text.split("it chose")[1]
    record = json.loads(explain("baseline_2023", "IRN", "--step", "2", "--seed", "7", "--json"))
    assert record["terms"]["front"]["disposition"] == record["disposition"]["front"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("baseline_2023", "IRN", "--by", "2040-01-01"), "'--by': 2040-01-01 is outside the run; give a date from"),
        (("baseline_2023", "IRN", "--by", "soon"), "'--by': 'soon' is not a date"),
        (("baseline_2023", "IRN", "--by", "2030-01-01", "--step", "3"), "'--by': is about many runs"),
        (("unix_1988", "IBM", "--by", "2030-01-01"), "'--by': is about the start, and its dispositions are fresh"),
        (("baseline_2023", "USA", "--flip"), "USA is fixed"),
    ],
)
def test_refusals_of_the_start(words: tuple[str, ...], message: str) -> None:
    assert message in explain(*words, code=2)


def test_reasons_without_closed_form(tmp_path: Path) -> None:
    """Rounds, a tendency, a random start and temperature 0 have no chances by a date."""
    kept = kept_three()
    states = {**kept.states, "C": kept.states["C"].model_copy(update={"initial": "random"})}
    tendency = kept.sweep.model_copy(update={"lens": "tendency"})
    reasons = {
        "rounds": changed(kept, date=None, step="round"),
        "fresh": changed(kept, dispositions="fresh"),
        "random": changed(kept, states=states),
        "random here or in its factual world": changed(kept, anchor=changed(kept, states=states, anchor=None)),
        "tendency": changed(kept, sweep=tendency),
        "temperature": with_settings(kept, {"temperature": 0}),
    }
    assert not why_no_direct_chances(kept)
    for word, scenario in reasons.items():
        assert word in why_no_direct_chances(scenario)
        assert sim.explain(scenario, "C", replicates=2).averages


def test_terms_are_of_the_start_before_shocks(tmp_path: Path) -> None:
    """A sanction by a shock is not in the table, and the words above the table say so."""
    (tmp_path / "later.toml").write_text(
        'title = "Later"\nquestion = "Later?"\nsource = "assumed"\nnote = "for a test"\nextends = "baseline_2023"\n'
        'role = "lever"\n[[shocks]]\nkind = "sanction"\nstep = 5\nsender = "USA"\ntarget = "IND"\nvalue = 0.6\n'
        'regime = "us_led"\nsource = "assumed"\nnote = "for a test"\n',
        encoding="utf-8",
    )
    with_shock, without = (explain(name, "IND") for name in (str(tmp_path / "later.toml"), "baseline_2023"))
    head = "Utility by term at the start, before shocks"
    table = without.partition(head)[2]
    assert "autonomy" in table
    assert with_shock.endswith(f"{head} (shocks that come later: 1; --step shows the terms after them){table}")
