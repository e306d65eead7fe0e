"""The second implementation of kept dispositions against numbers by hand and closed forms."""

from __future__ import annotations

import math
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import TERMS, simulate
from oracle.dispositions import code_of, conditional, exponential, factual_world, first_dispositions
from oracle.world import build, draw_uniform
from relation import UNHURRIED
from strategies import NO_RESPONSE, kept_scenarios, small

from sim.scenario.parameters import Parameters
from sim.scenario.schema import Scenario

OFF = dict.fromkeys(Parameters.model_fields, 0.0)


def world(parameters: dict[str, float], **changes: Any) -> Scenario:
    """Make a world of four equal states in which A leads west and B leads east; the others are free."""
    bloc = {"enforcement": 0, "attention_budget": 1, "accommodation": 0}
    starts = {"A": "west", "B": "east", "C": "west", "D": "west", **changes.pop("starts", {})}
    content: dict[str, Any] = {
        "title": "by hand",
        "theatres": {"land": "land"},
        "blocs": {"west": {"name": "west", "leader": "A", **bloc}, "east": {"name": "east", "leader": "B", **bloc}},
        "parameters": {**OFF, **parameters},
        "states": {
            id: {"name": id, "theatre": "land", "capability": 1, "gdp": 1, "initial": start}
            for id, start in starts.items()
        },
        "dispositions": "kept",
        "activation": "fixed_order",
        "steps": 3,
    }
    return Scenario.model_validate({**content, **changes})


def bond(a: str, b: str, value: float) -> dict[str, Any]:
    return {"kind": "bond", "a": a, "b": b, "value": value}


@pytest.mark.parametrize(
    ("alternative", "digits"),
    [("non_aligned", "6b16f946f44f0bf6"), ("west", "c19b0a20cd63b7a4"), ("east", "8d23222588a8cc06")],
)
def test_code_is_what_b2sum_prints(alternative: str, digits: str) -> None:
    assert code_of(alternative) == int(digits, 16)


def philox(counter: list[int], key: list[int]) -> int:
    """The first word of Philox 4x64-10 (Salmon et al. 2011), in integers."""
    mask = 2**64 - 1
    a, b, c, d = counter
    k, m = key
    for _ in range(10):
        high, low = divmod(0xD2E7470EE14C6C93 * a, 2**64)
        other_high, other_low = divmod(0xCA5A826395121157 * c, 2**64)
        a, b, c, d = other_high ^ b ^ k, other_low, high ^ d ^ m, low
        k, m = (k + 0x9E3779B97F4A7C15) & mask, (m + 0xBB67AE8584CAA73B) & mask
    return a


def test_disposition_of_a_state_by_the_equations_of_philox() -> None:
    word = philox([4, int.from_bytes(b"USA", "big"), int("c19b0a20cd63b7a4", 16), 1], [2023, 17])
    u = ((word >> 12) + 0.5) / 2**52
    assert exponential(2023, 17, 4, "USA", "west") == -math.log(u)


def test_conditional_dispositions_are_independent_exponentials_over_the_chances() -> None:
    chances = [0.2, 0.7, 0.1]
    rng = np.random.default_rng(5)
    found = []
    for _ in range(20_000):
        taken = int(rng.choice(3, p=chances))
        logs = conditional([math.log(x) for x in rng.exponential(size=3)], [math.log(p) for p in chances], taken)
        assert min(range(3), key=lambda k: logs[k] - math.log(chances[k])) == taken
        found.append(np.exp(logs))
    drawn = np.array(found)
    np.testing.assert_allclose(drawn.mean(0), 1, atol=0.03)
    np.testing.assert_allclose((drawn > math.log(2)).mean(0), 0.5, atol=0.015)
    np.testing.assert_allclose(np.corrcoef(drawn.T), np.eye(3), atol=0.03)


def at_rest(scenario: Scenario) -> Scenario:
    """Remove shocks, response, renewal and random starts, and keep the temperature above 0."""
    parameters = {**scenario.model_dump()["parameters"], **NO_RESPONSE, "renewal": 0}
    parameters["temperature"] = max(1e-4, scenario.parameters.temperature.value)
    content = scenario.model_dump() | {"parameters": parameters, "shocks": [], "anchor": None, "anchored": True}
    for state in content["states"].values():
        state["initial"] = next(iter(content["blocs"])) if state["initial"] == "random" else state["initial"]
    return Scenario.model_validate(content | {"dispositions": "kept"})


@settings(**UNHURRIED)
@given(kept_scenarios(steps=8), st.integers(0, 2**60), st.booleans())
def test_no_state_moves_in_a_world_at_rest(scenario: Scenario, seed: int, anchor: bool) -> None:
    resting = at_rest(scenario)
    trace = simulate(resting.model_copy(update={"anchor": resting if anchor else None}), seed, 0)
    assume(not trace.narrow)
    assert trace.alignment == trace.alignment[:1] * 9
    assert trace.causes == [[""] * len(scenario.states)] * 9


def test_movers_at_step_1_equal_the_closed_form() -> None:
    parameters = {"w_bond": 1, "temperature": 0.1}
    before = world(parameters, ties=[bond("A", "C", 0.4), bond("B", "C", 0.2)])
    after = world(parameters, ties=[bond("A", "C", 0.1), bond("B", "C", 0.3)], steps=1, anchor=before)
    # Capability is 1/4: utilities of C without, in west and in east, before and after.
    old = [math.exp(u / 0.1) for u in (0, 0.1, 0.05)]
    new = [math.exp(u / 0.1) for u in (0, 0.025, 0.075)]
    stays = (sum(old) / old[1]) / sum(max(w / old[1], v / new[1]) for w, v in zip(old, new, strict=True))
    n = 600
    moved = fmean(simulate(after, 1, r).alignment[1][2] != 1 for r in range(n))
    assert abs(moved - (1 - stays)) < 3 * math.sqrt(stays * (1 - stays) / n)


def test_factual_world_has_the_beliefs_of_the_scenario() -> None:
    before = world({"w_bond": 2}, ties=[bond("A", "C", 0.4)], steps=9)
    content = world({"w_bond": 1, "temperature": 0.5}, ties=[bond("B", "C", 0.4)]).model_dump()
    content["states"]["C"] |= {"capability": 3, "polyarchy": 0.5, "initial": "east", "fixed": True}
    content["states"] = {"E": {**content["states"]["D"]}, **content["states"]}
    content["blocs"]["west"]["accommodation"] = 1
    found = factual_world(Scenario.model_validate(content | {"anchor": before}))
    state = found.states["C"]
    assert (found.parameters.w_bond.value, found.parameters.temperature.value) == (1, 0.5)
    assert (state.capability.value, state.polyarchy and state.polyarchy.value) == (3, 0.5)
    assert (state.initial, state.fixed, list(found.states)) == ("west", False, ["A", "B", "C", "D"])
    assert (found.ties, found.blocs) == (before.ties, before.blocs)


def log_chance(utilities: list[float], k: int, temperature: float) -> float:
    return utilities[k] / temperature - math.log(sum(math.exp(u / temperature) for u in utilities))


def test_anchor_of_each_state() -> None:
    """C is anchored in the factual world, D, whose start the scenario changes, in its own; E starts at random."""
    parameters = {"w_bond": 1, "temperature": 0.125, "inertia": 0.0625}
    before = world(parameters, ties=[bond("A", "C", 0.5)], starts={"E": "random"})
    ties = [bond("B", "D", 0.5), bond("A", "C", 0.125)]
    scenario = world(parameters, ties=ties, starts={"D": "east", "E": "random"}, anchor=before)
    c, d, e = first_dispositions(build(scenario), 7, 3)[2:]
    x = {id: [exponential(7, 3, 0, id, k) for k in ("non_aligned", "west", "east")] for id in "CDE"}
    # Capability is 1/5 as rounded: 0.2 in what follows.
    p = [math.exp(log_chance([0, 0.1 + 0.0625, 0], k, 0.125)) for k in range(3)]
    expected = [p[0] * x["C"][1] + x["C"][0], p[1] * x["C"][1], p[2] * x["C"][1] + x["C"][2]]
    assert [math.exp(value) for value in c] == pytest.approx(expected, rel=1e-7)
    p = [math.exp(log_chance([0, 0, 0.1 + 0.0625], k, 0.125)) for k in range(3)]
    expected = [p[0] * x["D"][2] + x["D"][0], p[1] * x["D"][2] + x["D"][1], p[2] * x["D"][2]]
    assert [math.exp(value) for value in d] == pytest.approx(expected, rel=1e-7)
    assert [math.exp(value) for value in e] == pytest.approx(x["E"])


def test_states_with_a_random_start_count_where_they_were_drawn() -> None:
    parameters = {"w_bond": 1, "temperature": 0.125}
    scenario = world(parameters, ties=[bond("C", "D", 0.5)], starts={"D": "random"})
    for seed in range(8):
        drawn = int(3 * draw_uniform(seed, 0, 0, "D"))
        disposition = first_dispositions(build(scenario), seed, 0)[2]
        utilities = [0.125 if k == drawn > 0 else 0.0 for k in range(3)]
        expected = log_chance(utilities, 1, 0.125) + math.log(exponential(seed, 0, 0, "C", "west"))
        assert disposition[1] == pytest.approx(expected)


@pytest.mark.parametrize(("anchored", "temperature"), [(False, 0.1), (True, 0)])
def test_plain_draws(anchored: bool, temperature: float) -> None:
    scenario = world({"w_bond": 1, "temperature": temperature}, anchored=anchored)
    expected = [exponential(7, 3, 0, "C", k) for k in ("non_aligned", "west", "east")]
    assert [math.exp(value) for value in first_dispositions(build(scenario), 7, 3)[2]] == pytest.approx(expected)


def test_chance_that_underflows() -> None:
    scenario = world({"w_bond": 1, "temperature": 1e-5}, ties=[bond("B", "C", 1)])
    trace = simulate(scenario, 1, 0)
    # C is in west, where its utility is lower by 1/4.
    assert trace.dispositions[0][2][1] == pytest.approx(-0.25 / 1e-5 + math.log(exponential(1, 0, 0, "C", "west")))
    assert trace.alignment == [[1, 2, 1, 1]] * 4


def test_renewal_where_the_uniform_is_below_its_chance() -> None:
    content = world({"temperature": 1, "renewal": 0.25}, step="quarter", date="2023-10-25", steps=40).model_dump()
    content["states"]["C"]["renewal"] = 4
    trace = simulate(Scenario.model_validate(content), 11, 2)
    for i, state, rate in ((2, "C", 1), (3, "D", 0.25)):
        expected = [draw_uniform(11, 2, t, state) < 1 - math.exp(-rate / 4) for t in range(1, 41)]
        assert [row[i] for row in trace.renewed] == [False, *expected]
        last = max(t for t, due in enumerate([True, *expected]) if due)
        assert last > 0
        drawn = [math.log(exponential(11, 2, last, state, k)) for k in ("non_aligned", "west", "east")]
        assert trace.dispositions[40][i] == drawn
    assert not any(row[0] or row[1] for row in trace.renewed)
    assert {cause for row in trace.causes for cause in row} == {"", "renewal"}


@pytest.mark.parametrize("toward", ["non_aligned", "west", "east"])
def test_upheaval_toward_an_alignment(toward: str) -> None:
    shock = {"kind": "upheaval", "step": 2, "state": "C", "toward": toward}
    scenario = world({"w_bond": 1, "temperature": 0.02}, ties=[bond("A", "C", 0.4)], shocks=[shock])
    names = scenario.alignments()
    for seed in range(10):
        trace = simulate(scenario, seed, 0)
        assert [names[row[2]] for row in trace.alignment] == ["west", "west", toward, toward]
        assert [row[2] for row in trace.renewed] == [False, False, True, False]
        assert trace.causes[2][2] == ("" if toward == "west" else "renewal")
        x = exponential(seed, 0, 2, "C", toward)
        expected = log_chance([0, 0.1, 0], names.index(toward), 0.02) + math.log(x)
        assert trace.dispositions[2][2][names.index(toward)] == pytest.approx(expected)


def test_cause_of_a_move() -> None:
    """Bonds with the leader of east move D at step 2 and F at step 3; E follows D, and C too at its turn of step 3.

    F moves only because D is in east, but it saw that at its last decision.
    """
    ties = [bond("C", "D", 0.3), bond("E", "D", 0.3), bond("A", "F", 0.5), bond("D", "F", 0.3)]
    shock = {"kind": "bond", "a": "B"}
    shocks = [{**shock, "step": 2, "b": "D", "value": 1}, {**shock, "step": 3, "b": "F", "value": 0.3}]
    trace = simulate(world({"w_bond": 1}, ties=ties, starts={"E": "west", "F": "west"}, shocks=shocks), 0, 0)
    assert trace.alignment[1:] == [[1, 2, 1, 1, 1, 1], [1, 2, 1, 2, 2, 1], [1, 2, 2, 2, 2, 2]]
    assert trace.causes[1] == [""] * 6
    assert trace.causes[2] == ["", "", "", "circumstance", "following", ""]
    assert trace.causes[3] == ["", "", "following", "", "", "circumstance"]


def test_cause_of_a_second_move() -> None:
    """C moves at step 2; at step 3 it would remain for its inertia, if D had remained too."""
    ties = [bond("A", "C", 0.1), bond("C", "D", 0.3), bond("B", "D", 0.2)]
    changes = [(2, "B", "C", 0.6), (2, "A", "D", 1), (3, "A", "C", 0.95)]
    shocks = [{"kind": "bond", "step": step, "a": a, "b": b, "value": value} for step, a, b, value in changes]
    scenario = world({"w_bond": 1, "inertia": 0.1}, ties=ties, starts={"D": "east"}, shocks=shocks)
    trace = simulate(scenario, 0, 0)
    assert trace.alignment == [[1, 2, 1, 2], [1, 2, 1, 2], [1, 2, 2, 1], [1, 2, 1, 1]]
    assert trace.causes[2:] == [["", "", "circumstance", "circumstance"], ["", "", "following", ""]]


def test_terms_of_likeness_and_hedging() -> None:
    content = small().model_dump()
    content["parameters"] |= {"w_likeness": 2, "w_hedging": 0.25}
    content["states"]["A"]["polyarchy"], content["states"]["C"]["polyarchy"] = 0.75, 0.5
    shock = {"kind": "polyarchy", "step": 2, "state": "B", "value": 0}
    done = simulate(Scenario.model_validate(content | {"shocks": [shock]}), 0, 0).steps
    likeness, hedging = TERMS.index("likeness"), TERMS.index("hedging")
    # C: capability of A is 1/2, of B 1/4; w_likeness c L = 2 · 1/2 · (1 - 2 · 1/4), then 2 · 1/4 · (1 - 2 · 1/2).
    assert [row[likeness] for row in done[0].terms[2]] == [0, 0.5, 0]
    assert [row[likeness] for row in done[1].terms[2]] == [0, 0.5, 0]
    assert [row[likeness] for row in done[1].terms[1]][1] == 2 * 0.5 * (1 - 2 * 0.75)
    # 1/4 · w_bond · c B of B, which is in east.
    assert [row[hedging] for row in done[0].terms[2]] == [0.25 * 2 * 0.25 * 0.5, 0, 0]


RATES = {
    "bond_return": 0.2, "bond_gain": 0.5, "bond_loss": 0.4, "strain": 2, "outreach": 0.8, "rivalry_gain": 0.3,
    "rivalry_loss": 0.7,
}  # fmt: skip
TIES = [
    bond("A", "C", 0.5),
    bond("B", "C", 0.25),
    {"kind": "rivalry", "a": "A", "b": "B", "value": 0.25},
    {"kind": "rivalry", "a": "A", "b": "C", "value": 0.25},
    {"kind": "sanction", "a": "B", "b": "A", "value": 0.4},
]


def of_a_year(step: str, steps: int) -> Any:
    """Run a world without moves for a year."""
    date = None if step == "round" else "2023-10-25"
    scenario = world(RATES, ties=TIES, step=step, date=date, steps=steps, starts={"D": "non_aligned"})
    return simulate(scenario, 0, 0).steps[-1]


def test_ties_do_not_depend_on_the_length_of_a_step() -> None:
    year = of_a_year("year", 1)
    for step, steps in (("quarter", 4), ("month", 12)):
        other = of_a_year(step, steps)
        for name in ("bond", "rivalry", "sanction"):
            np.testing.assert_allclose(getattr(other, name), getattr(year, name), rtol=1e-12)


def test_ties_after_a_year() -> None:
    year = of_a_year("year", 1)
    # The bite on A is 1/4 · 0.4, the mean of A and C in west 0.05; the gain of their bond 0.5 · (1 + 2 · 0.05).
    gain = 0.55
    rest = (0.2 * 0.5 + gain) / (0.2 + gain)
    assert year.bond[0][2] == pytest.approx(rest + (0.5 - rest) * math.exp(-0.2 - gain))
    rest = 0.2 * 0.25 / 0.6
    assert year.bond[1][2] == pytest.approx(rest + (0.25 - rest) * math.exp(-0.6))
    # A reaches out to D, which is not aligned: 0.8 · 0.1.
    assert year.bond[0][3] == pytest.approx(0.08 / 0.28 * (1 - math.exp(-0.28)))
    assert year.rivalry[0][1] == pytest.approx(1 - 0.75 * math.exp(-0.3))
    assert year.rivalry[0][2] == pytest.approx(0.25 * math.exp(-0.7))
    assert year.sanction[1][0] == 0.4


def test_ties_after_a_round() -> None:
    done = of_a_year("round", 1)
    assert done.bond[0][2] == pytest.approx(0.5 + 0.55 * 0.5)
    assert done.bond[1][2] == pytest.approx(0.25 - 0.4 * 0.25)
    assert done.bond[0][3] == pytest.approx(0.08)
    assert done.rivalry[0][1] == pytest.approx(0.25 + 0.3 * 0.75)
