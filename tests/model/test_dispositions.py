"""Kept dispositions: how they are drawn, anchored and renewed, and the moves that follow from them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relation import changed, relation, run, seeds
from scipy import stats
from strategies import NO_RESPONSE, scenarios, small

from sim.model import arrays, dispositions, starts
from sim.model.agents import BlocModel, run_agents
from sim.model.arrays import PARAMETERS
from sim.model.compiled import iterate_runs, run_compiled
from sim.model.numerics import streams
from sim.model.world import encode_alignments, world_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario
from sim.scenario.shocks import ParameterShock, Upheaval

STILL = {**NO_RESPONSE, "renewal": 0.0}


def kept(scenario: Scenario, **changes: Any) -> Scenario:
    """Return a scenario whose dispositions are kept."""
    return changed(scenario, dispositions="kept", **changes)


def moves(scenario: Scenario, seed: int, replicates: int = 1) -> int:
    """Count the changes of alignment in some replicates."""
    runs = iterate_runs(scenario, seed=seed, replicates=range(replicates))
    return sum(int((run.alignment[1:] != run.alignment[:-1]).sum()) for run in runs)


# Draws


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**32), st.integers(0, 10_000))
def test_draws_by_philox_of_numpy(seed: int, replicate: int, step: int) -> None:
    alignments = ("non_aligned", "west", "east")
    draws = np.empty(3)
    with np.errstate(over="ignore"):
        code = np.uint64(int.from_bytes(b"PRK", "big"))
        key = np.array([seed, replicate], dtype=np.uint64)
        streams.draw_exponentials(key, step, code, encode_alignments(alignments), draws)
    for k, alignment in enumerate(alignments):
        label = int.from_bytes(hashlib.blake2b(alignment.encode()).digest()[:8], "big")
        counter = step + (int(code) << 64) + (label << 128) + (1 << 192) - 1
        word = int(np.random.Philox(key=seed + (replicate << 64), counter=counter).random_raw(1)[0])
        assert draws[k] == pytest.approx(-np.log(((word >> 12) + 0.5) * 2.0**-52), rel=1e-15)


def test_draws_are_exponential() -> None:
    draws, rows = np.empty(3), []
    with np.errstate(over="ignore"):
        for replicate in range(3000):
            key = np.array([5, replicate], dtype=np.uint64)
            streams.draw_exponentials(key, 0, np.uint64(77), encode_alignments(("a", "b", "c")), draws)
            rows.append(draws.copy())
    values = np.array(rows)
    assert stats.kstest(values.ravel(), "expon").pvalue > 0.001
    assert np.abs(np.corrcoef(values.T) - np.eye(3)).max() < 4 / np.sqrt(3000)


def test_another_bloc_leaves_other_draws() -> None:
    two, three = encode_alignments(("non_aligned", "west")), encode_alignments(("non_aligned", "east", "west"))
    assert two.tolist() == [three[0], three[2]]


# Anchoring


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=5), st.integers(0, 4), st.integers(0, 2**40))
def test_anchored_disposition_chooses_what_is_held(utilities: list[float], held: int, seed: int) -> None:
    values, held = np.array(utilities), held % len(utilities)
    allowed, draws, inclination = np.ones(values.size, dtype=bool), np.empty(values.size), np.empty(values.size)
    chances = np.exp(values - values.max())
    chances /= chances.sum()
    draws[:] = np.random.default_rng(seed).exponential(size=values.size)
    log_own = dispositions.log_chance(held, values, allowed, 1.0)
    assert log_own == pytest.approx(np.log(chances[held]), abs=1e-12)
    dispositions.incline_toward(held, chances, log_own, draws, inclination)
    assert dispositions.choose_kept(values, allowed, 1.0, (held + 1) % values.size, inclination) == held


def test_anchored_where_the_chance_underflows() -> None:
    utilities, allowed, inclination = np.array([0.0, 5000.0, 1.0]), np.ones(3, dtype=bool), np.empty(3)
    log_own = dispositions.log_chance(0, utilities, allowed, 1.0)
    assert log_own == -5000.0
    dispositions.incline_toward(0, np.array([0.0, 1.0, 0.0]), log_own, np.array([0.5, 0.25, 2.0]), inclination)
    assert inclination[0] == 5000.0 - np.log(0.5)
    assert dispositions.choose_kept(utilities, allowed, 1.0, 1, inclination) == 0


@pytest.mark.parametrize("temperature", [0.5, 0.02])
def test_anchor_is_the_chance_of_the_first_decision(temperature: float) -> None:
    """Nothing changes before C decides, so its chances there, inertia included, are those of its anchor."""
    scenario = with_settings(kept(small()), {**STILL, "inertia": 0.3, "temperature": temperature})
    model, anchor = BlocModel(scenario, seed=1), starts.compute_anchor(world_of(scenario), 1, 0)
    drawn = np.empty(3)
    with np.errstate(over="ignore"):
        setting = model.world.setting
        streams.draw_exponentials(model.key, 0, setting.codes[2], setting.alternatives, drawn)
    start = model.inclinations[2].copy()
    model.step()
    chances = model.chances[2]
    assert anchor.chances[2].tolist() == chances.tolist()
    assert anchor.log_own[2] == pytest.approx(np.log(chances[0]), abs=1e-12)
    expected = np.array([chances[0] * drawn[0], *(chances[1:] * drawn[0] + drawn[1:])])
    assert start == pytest.approx(-np.log(expected), abs=1e-12)


def test_anchor_at_temperature_zero() -> None:
    """Draws are plain at temperature 0; above it the fixed states A and B are anchored too."""
    cold = starts.compute_anchor(world_of(with_settings(kept(small()), {"temperature": 0})), 1, 0)
    warm = starts.compute_anchor(world_of(with_settings(kept(small()), {"temperature": 1})), 1, 0)
    assert not cold.chances.any()
    assert not cold.log_own.any()
    assert warm.chances.sum(axis=1) == pytest.approx(np.ones(3))
    assert warm.log_own == pytest.approx(np.log([warm.chances[0, 1], warm.chances[1, 2], warm.chances[2, 0]]))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize(
    ("utilities", "allowed", "current", "best"),
    [
        ([1.0, 2.0, 2.0], [True, True, True], 2, 2),  # ties go to the current alignment
        ([1.0, 2.0, 2.0], [True, True, True], 0, 1),  # then to the lowest index
        ([3.0, 2.0, 1.0], [False, True, True], 2, 1),  # a forbidden alignment is never chosen
        ([3.0, 1.0, 2.0], [False, True, True], 0, 2),  # nor kept
    ],
)
def test_ties_of_kept_choices(
    utilities: list[float], allowed: list[bool], current: int, best: int, temperature: float
) -> None:
    assert dispositions.choose_kept(np.array(utilities), np.array(allowed), temperature, current, np.zeros(3)) == best


def test_disposition_counts_in_proportion_to_temperature() -> None:
    """U(k) - τ ln E_k is 1.0 + 2.5 of the first and 2.0 + 0.5 of the second; at temperature 0 only U counts."""
    utilities, allowed, inclination = np.array([1.0, 2.0]), np.ones(2, dtype=bool), np.array([5.0, 1.0])
    choices = [dispositions.choose_kept(utilities, allowed, t, 1, inclination) for t in (0.5, 0.2, 0.0)]
    assert choices == [0, 1, 1]


@relation(scenarios(max_states=5, steps=40, fixed={"shocks": []}), seeds)
def test_nobody_moves_without_cause(scenario: Scenario, seed: int) -> None:
    """Starts as coded, no renewal, ties that stay, no shock and chance in choices: nobody moves (model: Anchoring)."""
    ids = [bloc for bloc in scenario.alignments() if bloc != "non_aligned"]
    states = {
        id: s.model_copy(update={"initial": ids[n % len(ids)]}) if s.initial == "random" else s
        for n, (id, s) in enumerate(scenario.states.items())
    }
    at_rest = with_settings(kept(scenario, states=states), {**STILL, "temperature": 0.05})
    history = run(at_rest, seed)
    assert (history.alignment == history.alignment[0]).all()


@relation(scenarios(max_states=5, steps=6, fixed={"shocks": []}), seeds)
def test_random_starts_have_plain_draws(scenario: Scenario, seed: int) -> None:
    states = {id: s.model_copy(update={"initial": "random"}) for id, s in scenario.states.items()}
    one = kept(scenario, states=states)
    anchor = starts.compute_anchor(world_of(one), seed, 0)
    led = [i for i, id in enumerate(states) if id in {bloc.leader for bloc in scenario.blocs.values()}]
    assert not np.delete(anchor.chances, led, axis=0).any()
    assert not np.delete(anchor.log_own, led).any()


def test_scenario_is_anchored_in_the_factual_world() -> None:
    """A scenario's ties move states after the start; its beliefs are there at the start."""
    base = kept(small())
    factual = base.model_copy(update={"anchor": base})
    tie, belief = (with_settings(factual, {path: 0.9}) for path in ("ties.bond.A.C", "states.C.autonomy"))
    doubt = with_settings(factual, {"world.ties.bond.A.C": 0.9})
    chances = [starts.compute_anchor(world_of(s), 1, 0).chances[2] for s in (factual, tie, belief, doubt)]
    assert chances[0].tolist() == chances[1].tolist()
    assert chances[0][0] > chances[2][0]
    assert chances[3][1] > chances[0][1]


def test_changed_start_is_anchored_in_the_own_world() -> None:
    base = kept(small())
    west = base.states["C"].model_copy(update={"initial": "west"})
    one = base.model_copy(update={"anchor": base, "states": {**base.states, "C": west}})
    tied = with_settings(one, {"ties.bond.A.C": 0.9})
    own, other = (starts.compute_anchor(world_of(s), 1, 0) for s in (one, tied))
    assert other.chances[2, 1] > own.chances[2, 1] > 0
    assert own.log_own[2] == pytest.approx(np.log(own.chances[2, 1]))


@pytest.mark.parametrize("seed", range(20))
def test_state_that_a_scenario_frees_stays(seed: int) -> None:
    """B is fixed in the factual world; that a scenario lets it decide is no reason to leave."""
    base = kept(small())
    freed = base.model_copy(
        update={"states": {**base.states, "B": base.states["B"].model_copy(update={"fixed": False})}}
    )
    scenario = with_settings(freed.model_copy(update={"anchor": base}), {**STILL, "temperature": 1})
    history = run(scenario, seed)
    assert (history.alignment[:, 1] == 2).all()


def test_alternative_that_the_factual_world_lacks_has_a_plain_draw() -> None:
    base = kept(small())
    third = base.blocs["east"].model_copy(update={"name": "South"})
    one = base.model_copy(update={"anchor": base, "blocs": {"south": third, **base.blocs}})
    anchor = starts.compute_anchor(world_of(one), 1, 0)
    assert anchor.chances[2, 1] == 0
    assert anchor.chances[2].sum() == pytest.approx(1)


# Renewal


def test_renewal_by_the_uniform_of_the_step(rounds: None) -> None:
    """China's rate is doubled, India's is 0 and Brazil is renewed at every step."""
    multipliers = {"states.CHN.renewal": 2, "states.IND.renewal": 0, "states.BRA.renewal": 1000}
    scenario = with_settings(kept(load_scenario("baseline_2023")), {"renewal": 0.3, **multipliers})
    world, history = world_of(scenario), run(scenario, 9)
    for step in (1, 2, 40):
        _, uniforms = starts.draw_random_words(world, 9, 0, step)
        due = uniforms < 1 - np.exp(-0.3 * world.setting.renewal)
        assert history.renewed[step].tolist() == (due & ~world.setting.fixed).tolist()
    assert not history.renewed[0].any()
    assert not history.renewed[:, history.states.index("IND")].any()
    assert history.renewed[1:, history.states.index("BRA")].all()


def test_renewal_below_its_chance() -> None:
    """A uniform of 0 is not below a chance of 0; three times a rate of 2 a year gives 1 - e^(-6/4) in a quarter."""
    never = world_of(with_settings(kept(small()), STILL))
    assert dispositions.renewal_of(2, 0.0, never.setting, never.start) == arrays.NOT_RENEWED
    quarters = kept(small(step="quarter", date="2023-10-25"))
    world, chance = world_of(with_settings(quarters, {"renewal": 2, "states.C.renewal": 3})), 1 - np.exp(-6 / 4)
    assert dispositions.renewal_of(2, chance - 1e-9, world.setting, world.start) == arrays.RENEWED
    assert dispositions.renewal_of(2, chance + 1e-9, world.setting, world.start) == arrays.NOT_RENEWED


def test_start_does_not_depend_on_the_rate_of_renewal() -> None:
    """No disposition is renewed at step 0."""
    often, never = (BlocModel(with_settings(kept(small()), {"renewal": rate}), seed=3) for rate in (20, 0))
    assert often.inclinations.tolist() == never.inclinations.tolist()


@pytest.mark.parametrize("temperature", [0.5, 0.0])
@pytest.mark.parametrize("toward", ["", "non_aligned", "west", "east"])
def test_renewed_disposition_by_hand(toward: str, temperature: float) -> None:
    """E is X of the step of the renewal; toward a it is p_a X_a, and p_k X_a + X_k, inertia included in p.

    At temperature 0 it is X.
    """
    shock = Upheaval(kind="upheaval", step=2, state="C", toward=toward)
    model = BlocModel(
        with_settings(kept(small(), shocks=(shock,)), {**STILL, "temperature": temperature, "inertia": 0.3}), seed=3
    )
    setting, drawn = model.world.setting, np.empty(3)
    model.step()
    before = model.inclinations[2].copy()
    model.step()
    assert model.renewed.tolist() == [False, False, True]
    with np.errstate(over="ignore"):
        streams.draw_exponentials(model.key, 2, setting.codes[2], setting.alternatives, drawn)
    expected = drawn.copy()
    if toward and temperature > 0:
        a = model.world.alignments.index(toward)
        expected = model.chances[2] * drawn[a] + drawn
        expected[a] = model.chances[2, a] * drawn[a]
    assert model.inclinations[2] == pytest.approx(-np.log(expected), abs=1e-12)
    assert (before != model.inclinations[2]).all()


def test_renewals_and_moves_per_year_do_not_depend_on_the_step() -> None:
    """In a world at rest ten years have as many renewals and realignments in months, quarters and years."""
    rate, replicates = 0.05, 60
    base = with_settings(kept(load_scenario("no_feedback"), shocks=()), {**STILL, "renewal": rate})
    free, moved = np.count_nonzero(~world_of(base).setting.fixed), {}
    for step, years in (("month", 1 / 12), ("quarter", 0.25), ("year", 1.0)):
        dated = changed(base, step=step, date="2023-10-25", steps=round(10 / years))
        runs = [*iterate_runs(dated, seed=3, replicates=range(replicates))]
        renewals = [history.renewed.sum() for history in runs]
        expected = free * 10 / years * (1 - np.exp(-rate * years))  # several within one step count once
        assert abs(np.mean(renewals) - expected) < 4 * np.std(renewals) / np.sqrt(replicates)
        changes = [(history.alignment[1:] != history.alignment[:-1]).sum() for history in runs]
        moved[step] = np.mean(changes), np.var(changes) / replicates
    for one, other in (("month", "quarter"), ("quarter", "year"), ("month", "year")):
        difference = moved[one][0] - moved[other][0]
        assert abs(difference) < 4 * np.sqrt(moved[one][1] + moved[other][1]), moved
    assert moved["quarter"][0] > 3


def test_fixed_states_are_never_renewed() -> None:
    history = run(with_settings(kept(small()), {"renewal": 20}), 1)
    assert history.renewed[1:, 2].all()
    assert not history.renewed[:, :2].any()


@pytest.mark.parametrize("toward", ["", "non_aligned", "west", "east"])
def test_upheaval_renews_at_its_step(toward: str) -> None:
    shock = Upheaval(kind="upheaval", step=2, state="C", toward=toward)
    base = kept(small(), shocks=(shock,))
    scenario = with_settings(base, {**STILL, "temperature": 1})
    chosen = []
    for replicate, history in enumerate(iterate_runs(scenario, seed=4, replicates=range(200))):
        assert history.renewed[:, 2].tolist() == [False, False, True, False], replicate
        chosen.append(history.alignments[history.alignment[2, 2]])
        assert (history.alignment[2] == history.alignment[3]).all()
    assert set(chosen) == {toward} if toward else len(set(chosen)) > 1


def test_renewed_at_every_step_is_the_logit() -> None:
    """With a renewal at every decision choices follow the structural chances, as fresh dispositions do."""
    scenario = with_settings(kept(small(steps=1)), {"renewal": 20, "temperature": 1})
    runs = [*iterate_runs(scenario, seed=2, replicates=range(4000))]
    counts = np.bincount([run.alignment[1, 2] for run in runs], minlength=3)
    assert stats.chisquare(counts, runs[0].chances[1, 2] * 4000).pvalue > 0.001


# Causes


def test_cause_of_a_move() -> None:
    """A shock moves C by circumstance."""
    shock = ParameterShock(kind="parameter", step=2, parameter="w_autonomy", value=20)
    base = small(states={**{id: s.model_dump() for id, s in small().states.items()}})
    west = base.states["C"].model_copy(update={"initial": "west"})
    scenario = kept(base, states={**base.states, "C": west}, shocks=(shock,))
    history = run(with_settings(scenario, {**STILL, "temperature": 0.01}), 1)
    assert history.alignment[:, 2].tolist() == [1, 1, 0, 0]
    assert history.causes[:, 2].tolist() == [0, 0, arrays.BY_CIRCUMSTANCE, 0]


@pytest.mark.parametrize(
    ("activation", "values", "left", "cause"),
    [
        ("simultaneous", {2: 0.15}, 3, arrays.BY_FOLLOWING),  # D saw C in the west at step 2 and would stay with it
        ("simultaneous", {2: 0.09, 3: 0.15}, 3, arrays.BY_FOLLOWING),
        ("simultaneous", {2: 0.09, 4: 0.15}, 4, arrays.BY_CIRCUMSTANCE),  # D saw C outside at step 3
        ("fixed_order", {2: 0.15}, 2, arrays.BY_FOLLOWING),
        ("fixed_order", {2: 0.09, 3: 0.15}, 3, arrays.BY_CIRCUMSTANCE),  # D, after C, saw it outside at step 2
    ],
)
@pytest.mark.parametrize("runs", [run_agents, run_compiled])
def test_cause_of_a_move_after_another(
    runs: Any, activation: str, values: dict[int, float], left: int, cause: int
) -> None:
    """With w_autonomy w the west is worth 0.3 to C, and outside 4 w.

    The west is worth 0.2 to D with C in it, 0.1 without; outside is worth w. C leaves at step 2; where decisions are
    simultaneous D sees it at step 3.
    """
    base, weights = small(), {**dict.fromkeys(PARAMETERS, 0.0), "w_bond": 1, "w_autonomy": 0.05, "temperature": 1e-6}
    west = {"name": "D", "theatre": "sea", "capability": 2, "initial": "west"}
    states = {id: state.model_dump() for id, state in base.states.items()}
    bonds = (("A", "C", 0.5), ("C", "D", 0.5), ("A", "D", 0.25))
    scenario = small(
        states={**states, "C": {**states["C"], "initial": "west", "autonomy": 4}, "D": west},
        ties=[{"kind": "bond", "a": a, "b": b, "value": value} for a, b, value in bonds],
        shocks=[{"kind": "parameter", "step": t, "parameter": "w_autonomy", "value": w} for t, w in values.items()],
        blocs={id: {**bloc.model_dump(), "accommodation": 0} for id, bloc in base.blocs.items()},
        steps=5,
        activation=activation,
    )
    history = runs(kept(with_settings(scenario, weights)), seed=1)
    assert history.alignment[:, 2:].tolist() == [[int(t < 2), int(t < left)] for t in range(6)]
    assert history.causes[2, 2] == arrays.BY_CIRCUMSTANCE
    assert history.causes[left, 3] == cause
    assert np.count_nonzero(history.causes) == 2


@pytest.mark.parametrize("held", [0, 1, 2])
def test_cause_does_not_depend_on_what_the_state_itself_held(held: int) -> None:
    """The west is worth 4 · 1/2 · 1/4 = 0.5 to C by balance, without its own capability, and outside is worth 0.4."""
    weights = {**dict.fromkeys(PARAMETERS, 0.0), "w_balance": 4, "w_autonomy": 0.2, "blocs.west.accommodation": 0}
    scenario = small(ties=[{"kind": "rivalry", "a": "B", "b": "C", "value": 1}])
    model = BlocModel(with_settings(kept(scenario), weights), seed=1)
    before, renewed = np.array([1, 2, held]), np.zeros(3, dtype=bool)
    for west, cause in ((4, arrays.BY_FOLLOWING), (3, arrays.BY_CIRCUMSTANCE)):
        model.situation.parameters[PARAMETERS.index("w_balance")] = west
        assert cause == dispositions.cause_from_ties(
            2, 1, 0.5, before, model.world.setting, model.situation, model.weights, model.environment,
            model.inclinations[2], renewed,
        )  # fmt: skip


def test_agent_shows_disposition_and_cause() -> None:
    model = BlocModel(with_settings(kept(small()), {"renewal": 20, "temperature": 1}), seed=3)
    state = model.state("C")
    assert state.disposition.keys() == {"non_aligned", "west", "east"}
    for _ in range(3):
        before = state.alignment
        model.step()
        weighed = {k: state.utility[k] + state.disposition[k] for k in state.utility}
        assert state.alignment == max(weighed, key=weighed.__getitem__)
        assert state.cause == ("renewal" if state.alignment != before else "")
