"""The rules: known answers, numbers computed by hand, bounds."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import PROPENSITY_ALONE, hundredths, small

from sim.model import arrays, compiled, response, rules
from sim.model.agents import BlocModel
from sim.model.arrays import PARAMETERS, QUANTUM, TERMS
from sim.model.numerics import streams
from sim.model.numerics.jit import python_of
from sim.model.starts import draw_random_words
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import Parameters

BOND_RATES = ("bond_return", "bond_gain", "bond_loss", "outreach")
HOSTILITY_RATES = ("rivalry_gain", "rivalry_loss", "sanction_response", "sanction_relief")


@pytest.mark.parametrize(
    ("initial", "allowed", "uniforms", "expected"),
    [
        (arrays.DRAWN_START, [True, True, True], [0.1, 0.25, 0.49], [0, 1, 1]),  # chances of 1/4, 1/4 and 1/2
        (arrays.DRAWN_START, [True, True, True], [0.0, 0.5, 0.99], [0, 2, 2]),
        (arrays.RANDOM_START, [True, True, True], [0.33, 0.34, 0.99], [0, 1, 2]),
        (arrays.RANDOM_START, [False, True, True], [0.0, 0.49, 0.5], [1, 1, 2]),
        (0, [True, True, True], [0.5, 0.5, 0.5], [0, 0, 0]),
        (2, [True, True, True], [0.5, 0.5, 0.5], [2, 2, 2]),
    ],
)
def test_starts_by_hand(initial: int, allowed: list[bool], uniforms: list[float], expected: list[int]) -> None:
    setting = world_of(small()).setting._replace(
        initial=np.full(3, initial), allowed=np.array(allowed), initial_chances=np.tile([0.25, 0.5, 1.0], (3, 1))
    )
    found = np.empty(3, dtype=np.int64)
    rules.fill_initial_alignment(setting, np.array(uniforms), found)
    assert found.tolist() == expected


def test_utility_by_hand() -> None:
    """c = g = (1/2, 1/4, 1/4). Product in east is 1/4, so e = 1/2 · (1 − 1/4) · (1 − 1/2) = 3/16; demand 2 against a
    budget of 1 gives s = 1/2 and θ = (1/2, 1/2); σ_C = 3/16 · 1/2 · 1/2 · 1/2 = 3/128; D_CA = 1/4.
    """
    model = BlocModel(small(), seed=1)
    model.step()
    env = model.environment
    assert env.cohesion.tolist() == [0.5, 1.0]
    assert env.attention.tolist() == [[0.5, 0.5], [0.0, 0.0]]
    assert env.enforcement.tolist() == [3 / 16, 0.0]
    assert env.bite.tolist() == [0.0, 0.0, 3 / 128]
    west, east = model.state("C").utility_terms["west"], model.state("C").utility_terms["east"]
    assert west == dict(
        zip(
            TERMS,
            (
                1 * 0.5 * 0.5,  # propensity: c_A P
                0.0,  # bond: none with A
                0.5 * 0.5 * 0.5,  # institution: c_A G
                0.0,  # likeness: no polyarchy
                -3 * 0.5 * 0.5,  # hostility: c_A max(R, S)
                4 * 0.5 * 0.0,  # balance: no state in east is hostile
                0.25 * 0.25,  # trade: D_CA
                2 * (3 / 128) * (1 - 0.5) * (0.5 * (1 - 0.5)),  # shelter: A leads west, sanctions C by 1/2
                0.1 * (1 - 0.5),  # accommodation: less max(R, S) with the leader
                0.0,  # pressure of east, which has no enforcement
                0.0,
                0.0,
                0.0,
            ),
            strict=True,
        )
    )
    stake = 0.5 + 0.5 * 0.25 * (1 - 3 / 128)
    assert east == dict(
        zip(
            TERMS,
            (
                0.0,
                2 * 0.25 * 0.5,  # bond: c_B B
                0.0,
                0.0,
                0.0,
                4 * 0.25 * (0.5 * 0.5),  # balance: M_east times the hostility of west
                0.0,
                2 * (3 / 128) * 1.0 * 0.25,  # shelter: no leader, all of B's product open
                0.0,
                -8 * (3 / 16) * 0.5 * 0.5 * stake,  # pressure of west: e θ M (λ + (1 − λ) x (1 − σ))
                0.0,
                0.0,
                0.0,
            ),
            strict=True,
        )
    )
    assert model.state("C").utility_terms["non_aligned"]["autonomy"] == 2 * 0.125
    assert model.state("C").utility_terms["non_aligned"]["inertia"] == 0.0625


def test_hedging_and_likeness_by_hand() -> None:
    """C keeps half of its bonds with the members of both blocs outside; it is as unlike B as can be, and like A."""
    polyarchy = {"A": 0.9, "B": 0.0, "C": 1.0}
    settings = {f"states.{id}.polyarchy": value for id, value in polyarchy.items()}
    bonds = {"ties.bond.A.C": 0.25, "w_hedging": 0.5, "w_likeness": 0.25}
    model = BlocModel(with_settings(small(), {**settings, **bonds}), seed=1)
    model.step()
    terms = model.state("C").utility_terms
    assert terms["non_aligned"]["hedging"] == 0.5 * 2 * (0.5 * 0.25 + 0.25 * 0.5)
    assert terms["west"]["hedging"] == terms["non_aligned"]["likeness"] == 0
    assert terms["west"]["likeness"] == pytest.approx(0.25 * 0.5 * (1 - 2 * 0.1), abs=1e-9)
    assert terms["east"]["likeness"] == 0.25 * 0.25 * -1.0
    missing = BlocModel(with_settings(small(), {**bonds, "states.A.polyarchy": 1}), seed=1)
    missing.step()
    assert not any(terms["likeness"] for terms in missing.state("C").utility_terms.values())


def test_hedging_leaves_out_the_non_aligned() -> None:
    """D, which stays outside, is bonded to C; only the bond with B, in east, counts."""
    states = {id: state.model_dump() for id, state in small().states.items()}
    lone = {"name": "D", "theatre": "land", "capability": 8, "initial": "non_aligned", "fixed": True}
    ties = [{"kind": "bond", "a": "C", "b": other, "value": 0.5} for other in ("B", "D")]
    model = BlocModel(with_settings(small(states={**states, "D": lone}, ties=ties), {"w_hedging": 0.5}), seed=1)
    model.step()
    assert model.state("C").utility_terms["non_aligned"]["hedging"] == 0.5 * 2 * (0.125 * 0.5)


@pytest.mark.parametrize("start", ["west", "east"])
def test_hedging_counts_every_bloc_whatever_is_held(start: str) -> None:
    """C counts its bonds with the others in its own bloc, and no tie with itself."""
    states = {**small().states, "C": small().states["C"].model_copy(update={"initial": start})}
    settings = {"ties.bond.A.C": 0.25, "w_hedging": 0.5, "temperature": 0}
    model = BlocModel(with_settings(small().model_copy(update={"states": states}), settings), seed=1)
    model.step()
    assert model.state("C").utility_terms["non_aligned"]["hedging"] == 0.5 * 2 * (0.5 * 0.25 + 0.25 * 0.5)


def test_logit_chances() -> None:
    model = BlocModel(small(), seed=1)
    model.step()
    state = model.state("C")
    weights = {k: math.exp(u) for k, u in state.utility.items()}
    for alignment, chance in state.chances.items():
        assert chance == pytest.approx(weights[alignment] / sum(weights.values()), abs=1e-15)
        assert state.utility[alignment] == math.fsum(state.utility_terms[alignment].values())


def test_response_by_hand() -> None:
    """C is fixed in east against A; each tie responds once."""
    rates = {
        "bond_return": 0.5, "bond_gain": 0.1, "bond_loss": 0.2, "strain": 2, "outreach": 0.5, "rivalry_gain": 0.1,
        "rivalry_loss": 0.3, "sanction_response": 0.5, "sanction_relief": 0.25,
    }  # fmt: skip
    base = small()
    scenario = small(
        parameters={**{n: getattr(base.parameters, n).value for n in PARAMETERS}, **rates, "erosion": 0},
        states={
            **{k: v.model_dump() for k, v in base.states.items()},
            "C": {"name": "C", "theatre": "land", "capability": 2, "gdp": 2, "initial": "east", "fixed": True},
        },
        ties=[
            {"kind": "bond", "a": "B", "b": "C", "value": 0.5},
            {"kind": "bond", "a": "A", "b": "B", "value": 0.5},
            {"kind": "rivalry", "a": "A", "b": "C", "value": 0.25},
            {"kind": "rivalry", "a": "B", "b": "C", "value": 0.25},
            {"kind": "sanction", "a": "A", "b": "C", "value": 0.25, "regime": "west"},
            {"kind": "sanction", "a": "B", "b": "C", "value": 0.5},
        ],
    )
    model = BlocModel(scenario, seed=1)
    model.step()
    bite = (0.5 * 0.5) * 0.5 * 0.5 * 0.25 + 0.25 * 0.5  # e s g_A S + g_B S with e = 1/2 · 1/2
    assert model.environment.bite[2] == pytest.approx(bite, abs=1e-9)
    strain = model.environment.bite[2] / 2  # mean over B and C
    bonds, sanctions = model.situation.bond, model.situation.sanction
    assert bonds[1, 2] == pytest.approx(0.5 + 0.1 * (1 + 2 * strain) * 0.5, abs=1e-15)
    assert bonds[0, 1] == pytest.approx(0.5 - 0.2 * 0.5, abs=1e-15)  # opposed; no outreach at a bite of 0
    reach = 0.5 * model.environment.bite[2] * 1.0  # C reaches out to A, the strongest
    assert bonds[0, 2] == pytest.approx(reach, abs=1e-15)
    assert model.situation.rivalry[0, 2] == pytest.approx(0.25 + 0.1 * 0.75, abs=1e-15)
    assert model.situation.rivalry[1, 2] == pytest.approx(0.25 - 0.3 * 0.25, abs=1e-15)
    response = 0.5 * (0.25 * 0.5)  # rate · e θ
    assert sanctions[0, 2] == pytest.approx(0.25 + response * 0.75, abs=1e-15)
    assert sanctions[0, 1] == pytest.approx(response, abs=1e-15)
    assert model.situation.regime[0, 1] == 1
    assert sanctions[1, 2] == pytest.approx(0.5 - 0.25 * 0.5, abs=1e-15)


def test_outreach_stops_at_hostility_ceiling() -> None:
    base = small()
    changes = {"outreach": 0.5, **dict.fromkeys(("temperature", "erosion"), 0.0)}
    for hostile, expected in ((0.5, 0.0), (0.49, 1.0)):
        scenario = small(
            parameters={**{n: getattr(base.parameters, n).value for n in PARAMETERS}, **changes},
            states={**{k: v.model_dump() for k, v in base.states.items()}, "C": {
                "name": "C", "theatre": "land", "capability": 2, "initial": "east", "fixed": True}},
            ties=[
                {"kind": "rivalry", "a": "A", "b": "C", "value": hostile},
                {"kind": "sanction", "a": "B", "b": "C", "value": 1},
            ],
        )  # fmt: skip
        model = BlocModel(scenario, seed=1)
        model.step()
        assert (model.situation.bond[0, 2] > 0) == bool(expected)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32), st.integers(0, 10_000))
def test_random_numbers_equal_numpy_philox(seed: int, replicate: int, step: int) -> None:
    world = world_of(load_scenario("unix_1988"))
    keys, uniforms = draw_random_words(world, seed, replicate, step)
    for i, code in enumerate(world.setting.codes.tolist()):
        counter = (step + (code << 64) - 1) % 2**256
        words = np.random.Philox(key=seed + (replicate << 64), counter=counter).random_raw(2)
        assert keys[i] == words[0]
        assert uniforms[i] == (int(words[1]) >> 11) * 2.0**-53


def test_state_code() -> None:
    world = world_of(load_scenario("baseline_2023"))
    assert world.setting.codes[world.states.index("PRK")] == 0x50524B


def test_parameter_order() -> None:
    assert tuple(Parameters.model_fields) == PARAMETERS


@given(st.floats(-4, 4), st.lists(st.floats(0, 1), min_size=2, max_size=40), st.randoms())
def test_rounded_weights_sum_exactly(x: float, weights: list[float], random: object) -> None:
    assert abs(rules.round_to_quantum(x) - x) <= QUANTUM / 2
    rounded = [rules.round_to_quantum(w) for w in weights]
    shuffled = list(rounded)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert sum(rounded) == sum(shuffled) == math.fsum(rounded)


@given(st.lists(hundredths, min_size=1, max_size=5), hundredths)
def test_attention_within_budget(demand: list[float], budget: float) -> None:
    given_out = np.zeros(len(demand))
    cohesion = rules.attention(np.zeros(len(demand)), np.array(demand), budget, given_out)
    assert 0 <= cohesion <= 1
    assert given_out.sum() <= budget * (1 + 1e-12) or cohesion == 1
    if sum(demand) <= budget:
        assert given_out.tolist() == demand
    elif sum(demand) > 0:
        assert given_out.sum() == pytest.approx(budget)


def test_enforcement_by_hand() -> None:
    assert rules.surviving_enforcement(0.8, 0.5, 0.1, 0.7, 5.0) == pytest.approx(0.8 * 0.65 * 0.5)
    assert rules.surviving_enforcement(0.8, 1.0, 0.0, 2.0, 5.0) == 0.0
    assert rules.surviving_enforcement(0.8, 0.0, 0.3, 2.0, 5.0) == 0.0


@pytest.mark.parametrize(("u", "expected"), [(0.0, 0), (0.19999, 0), (0.2, 1), (0.49, 1), (0.5, 2), (1 - 2**-53, 2)])
def test_choice_by_cumulative_chance(u: float, expected: int) -> None:
    assert rules.choose(np.array([0.2, 0.3, 0.5]), u) == expected


def test_choice_with_chances_below_one() -> None:
    chances = np.array([0.5, 0.5 - 2**-52, 0.0])
    assert rules.choose(chances, 1 - 2**-53) == 1


@pytest.mark.parametrize(
    ("utilities", "allowed", "current", "best"),
    [
        ([1.0, 2.0, 2.0], [True, True, True], 2, 2),  # ties go to the current alignment
        ([1.0, 2.0, 2.0], [True, True, True], 0, 1),  # then to the lowest index
        ([3.0, 2.0, 1.0], [False, True, True], 2, 1),  # a forbidden alignment is never chosen
    ],
)
def test_choice_at_temperature_zero(utilities: list[float], allowed: list[bool], current: int, best: int) -> None:
    chances = np.empty(3)
    rules.choice_chances(np.array(utilities), np.array(allowed), 0.0, current, chances)
    assert chances.tolist() == [float(k == best) for k in range(3)]


def test_forbidden_alignment_has_zero_chance() -> None:
    chances = np.empty(3)
    rules.choice_chances(np.array([9.0, 0.0, 0.0]), np.array([False, True, True]), 1.0, 1, chances)
    assert chances.tolist() == [0.0, 0.5, 0.5]


def test_same_run_without_compilation() -> None:
    """NUMBA_DISABLE_JIT=1 gives the same run."""
    code = (
        "from sim.model import run_compiled; from sim.scenario import load_scenario; s = load_scenario('unix_1988');"
        "print(run_compiled(s.model_copy(update={'steps': 5}), seed=3).alignment.tolist())"
    )
    plain = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=plain, capture_output=True, text=True, check=True)
    here = compiled.run_compiled(load_scenario("unix_1988").model_copy(update={"steps": 5}), seed=3)
    assert done.stdout == f"{here.alignment.tolist()}\n"


def test_propensity_only_parameters() -> None:
    assert {k for k, v in PROPENSITY_ALONE.items() if v} == {"w_propensity"}


def test_mean_bite_of_members() -> None:
    mean = np.full(4, np.nan)
    response.mean_bite(np.array([0, 2, 2]), np.array([0.5, 0.25, 0.75]), np.array([1.0, 0, 2, 0]), mean)
    assert mean.tolist() == [0.5, 0.0, 0.5, 0.0]


def test_key_slots() -> None:
    keys = [0, 2**61 - 1, 2**61, 2**63 - 1, 2**63, 2**64 - 1]
    assert [streams.slot_of(np.uint64(key), 8) for key in keys] == [0, 0, 1, 3, 4, 7]


def test_clipped_ties_and_capped_rates() -> None:
    assert [response.clip_tie(x) for x in (-0.5, 0.0, 0.25, 1.0, 1.5)] == [0.0, 0.0, 0.25, 1.0, 1.0]
    setting = world_of(small()).setting
    assert [response.share_of_step(x, setting) for x in (0.0, 0.25, 1.0, 1.5)] == [0.0, 0.25, 1.0, 1.0]
    quarter = world_of(small(step="quarter", date="2023-10-25")).setting
    for rate in (0.0, 0.25, 1.0, 8.0):
        assert response.share_of_step(rate, quarter) == pytest.approx(1 - math.exp(-rate / 4), abs=1e-15)


@given(st.lists(st.tuples(st.integers(0, 51), st.integers(0, 2)), max_size=40))
def test_sizes_updated_by_moves(moves: list[tuple[int, int]]) -> None:
    setting, alignment = world_of(load_scenario("baseline_2023")).setting, np.arange(52) % 3
    updated, computed = arrays.allocate_sizes(3), arrays.allocate_sizes(3)
    rules.measure_sizes(alignment, setting, updated)
    assert updated.members.tolist() == [18, 17, 17]
    for i, new in moves:
        rules.transfer_sizes(i, alignment[i], new, setting, updated)
        alignment[i] = new
        rules.measure_sizes(alignment, setting, computed)
        assert [size.tolist() for size in updated] == [size.tolist() for size in computed]


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 33])
def test_mirrored_lower_half(n: int) -> None:
    ties = np.arange(float(n * n)).reshape(n, n)
    lower = np.tril(ties)
    rules.mirror_lower(ties)
    assert (ties == lower + np.tril(ties, -1).T).all()


def test_rules_within_rules_refuse_calls_from_python() -> None:
    code = (
        "import numpy as np; from sim.model import outcomes\n"
        "try: outcomes.sum_in_order(np.ones(3))\n"
        "except TypeError as error: print(error)"
    )
    env = {**os.environ, "NUMBA_DISABLE_JIT": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    assert done.stdout == "only compiled rules call sum_in_order; compile it with compile_inline\n"


@pytest.mark.parametrize("name", [*BOND_RATES, *HOSTILITY_RATES, "strain", "temperature"])
def test_one_rate_lets_ties_respond(name: str) -> None:
    parameters = np.zeros(len(PARAMETERS))
    parameters[PARAMETERS.index(name)] = 0.01
    assert python_of(rules.bonds_drift)(parameters) == (name in BOND_RATES)
    assert python_of(rules.hostility_drifts)(parameters) == (name in HOSTILITY_RATES)


def test_sum_of_the_sizes_of_terms() -> None:
    powers = [(-2.0) ** n for n in range(len(TERMS))]
    assert python_of(rules.magnitude)(tuple(powers)) == 2 ** len(TERMS) - 1


def test_no_term_is_minus_zero() -> None:
    """Hostility and pressure, which lower utility, are 0 where no tie is hostile and no bloc has enforcement."""
    model = BlocModel(small(ties=[]), seed=1)
    model.step()
    terms = [value for k in ("west", "east") for value in model.state("C").utility_terms[k].values()]
    assert {math.copysign(1.0, value) for value in terms if value == 0.0} == {1.0}
    assert terms.count(0.0) > len(TERMS)


@pytest.mark.parametrize("kind", ["bond", "rivalry", "sanction"])
def test_shock_of_existing_ties_by_their_value(kind: str) -> None:
    """A shock of all states changes ties of 0.5 and of 1, and starts none; one of a named pair starts a tie."""
    ends = ("sender", "target") if kind == "sanction" else ("a", "b")
    ties = [{"kind": kind, "a": "A", "b": "C", "value": 1}, {"kind": kind, "a": "B", "b": "C", "value": 0.5}]
    pairs = {1: ("*", "C", 0.25), 2: ("A", "B", 0.75)}
    shocks = [{"kind": kind, "step": n, ends[0]: a, ends[1]: b, "value": value} for n, (a, b, value) in pairs.items()]
    model = BlocModel(small(ties=ties, shocks=shocks), seed=1)
    present = getattr(model.situation, kind)
    model.step()
    assert [present[0, 2], present[1, 2], present[0, 1], present[1, 0]] == [0.25, 0.25, 0, 0]
    model.step()
    assert [present[0, 1], present[1, 0]] == [0.75, 0 if kind == "sanction" else 0.75]
