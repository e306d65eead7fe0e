"""Relations between runs that hold to the bit for all mechanisms, activations and shocks."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from relation import BY_STATE, OBSERVED, changed, relation, run, same, seeds, shuffles
from strategies import BLOCS, UTILITIES, scenarios

from sim.model import agents
from sim.model.agents import BlocModel
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import Sourced
from sim.scenario.schema import Scenario, State, Tie

worlds = scenarios(max_states=5, steps=3)


# Other descriptions of the same world


@relation(worlds, shuffles, seeds)
def test_permuted_states_and_ties(scenario: Scenario, random: Random, seed: int) -> None:
    """Under `fixed_order` the order of states is part of the scenario."""
    ids, ties = list(scenario.states), list(scenario.ties)
    random.shuffle(ties)
    if scenario.activation != "fixed_order":
        random.shuffle(ids)
    other = run(changed(scenario, states={id: scenario.states[id] for id in ids}, ties=tuple(ties)), seed)
    one, back = run(scenario, seed), [other.states.index(id) for id in scenario.states]
    for name in BY_STATE:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[:, back], err_msg=name)
    for name, actual, expected in zip(one.outcome_names, other.outcomes.T, one.outcomes.T, strict=True):
        if name == "frustration":  # the only outcome that sums unrounded numbers
            np.testing.assert_allclose(actual, expected, atol=1e-12)
        else:
            np.testing.assert_array_equal(actual, expected, err_msg=name)


@relation(worlds, seeds)
def test_reversed_undirected_ties(scenario: Scenario, seed: int) -> None:
    def reversed_in(records: Any) -> tuple[Any, ...]:
        ends = [(r, r.kind != "sanction" and hasattr(r, "a")) for r in records]
        return tuple(r.model_copy(update={"a": r.b, "b": r.a}) if turned else r for r, turned in ends)

    other = changed(scenario, ties=reversed_in(scenario.ties), shocks=reversed_in(scenario.shocks))
    same(run(scenario, seed), run(other, seed))


@relation(worlds, seeds)
def test_renamed_states_and_blocs(scenario: Scenario, seed: int) -> None:
    def renamed(records: dict[str, Any]) -> dict[str, Any]:
        return {key: record.model_copy(update={"name": f"another {key}"}) for key, record in records.items()}

    tables = {name: renamed(getattr(scenario, name)) for name in ("states", "blocs", "institutions")}
    theatres = dict.fromkeys(scenario.theatres, "elsewhere")
    other = changed(scenario, **tables, theatres=theatres, title="another")
    assert other.digest() == scenario.digest()
    same(run(scenario, seed), run(other, seed))


SWAPPED = {BLOCS[0]: BLOCS[1], BLOCS[1]: BLOCS[0]}


def mirrored(record: Any) -> Any:
    """Swap the ids of the two blocs in a record."""
    swapped = {key: SWAPPED[value] for key, value in dict(record).items() if str(value) in SWAPPED and key != "name"}
    return record.model_copy(update=swapped)


@relation(scenarios(max_states=5, max_blocs=2, steps=3, fixed={"non_aligned_allowed": False}), seeds)
def test_swapped_blocs_at_temperature_zero(scenario: Scenario, seed: int) -> None:
    """Ties go to the current alignment, whatever its index; a random start would depend on the index."""
    shocks = [shock for shock in scenario.shocks if getattr(shock, "parameter", "") != "temperature"]
    assume(len(scenario.blocs) == 2)
    states = {
        id: state if state.initial in SWAPPED else state.model_copy(update={"initial": BLOCS[0]})
        for id, state in scenario.states.items()
    }
    plain = with_settings(changed(scenario, states=states, shocks=tuple(shocks)), {"temperature": 0})
    mirror = changed(
        plain,
        blocs={id: plain.blocs[SWAPPED[id]] for id in plain.blocs},
        states={id: mirrored(state) for id, state in plain.states.items()},
        ties=tuple(mirrored(tie) for tie in plain.ties),
        shocks=tuple(mirrored(shock) for shock in plain.shocks),
    )
    np.testing.assert_array_equal(run(plain, seed).alignment, 3 - run(mirror, seed).alignment)


@relation(worlds, seeds)
def test_doubled_utilities_and_temperature(scenario: Scenario, seed: int) -> None:
    """Accommodation is also a utility, and its cost in enforcement is per unit of accommodation."""
    factors = {**dict.fromkeys((*UTILITIES, "temperature", "accommodation"), 2), "accommodation_cost": 0.5}
    doubled = {n: k * getattr(scenario.parameters, n).value for n, k in factors.items() if n != "accommodation"}
    doubled |= {f"blocs.{k}.accommodation": 2 * bloc.accommodation.value for k, bloc in scenario.blocs.items()}
    shocks = []
    for shock in scenario.shocks:
        name = getattr(shock, "parameter", getattr(shock, "setting", ""))
        shocks.append(shock.model_copy(update={"value": factors[name] * shock.value}) if name in factors else shock)
    same(run(scenario, seed), run(with_settings(changed(scenario, shocks=tuple(shocks)), doubled), seed))


# Additions without effect


@relation(worlds, st.integers(0, 5), st.sampled_from(["random", "non_aligned", BLOCS[0]]), seeds)
def test_isolated_state_affects_no_other(scenario: Scenario, place: int, initial: str, seed: int) -> None:
    """The state has no capability, product or ties; it counts in the mean bite of its bloc, so strain is off."""
    shocks = tuple(shock for shock in scenario.shocks if getattr(shock, "parameter", "") != "strain")
    scenario = with_settings(changed(scenario, shocks=shocks), {"strain": 0})
    if initial == "non_aligned" and not scenario.non_aligned_allowed:
        initial = "random"
    lone = State(name="lone", theatre=next(iter(scenario.theatres)), capability=Sourced(value=0), initial=initial)
    states = [*scenario.states.items()]
    states.insert(place, ("LONE", lone))
    one, other = run(scenario, seed), run(changed(scenario, states=dict(states)), seed)
    kept = [other.states.index(id) for id in one.states]
    for name in BY_STATE:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[:, kept], err_msg=name)


@relation(worlds, shuffles, seeds)
def test_zero_ties_change_nothing(scenario: Scenario, random: Random, seed: int) -> None:
    tied = {(tie.kind, frozenset((tie.a, tie.b))) for tie in scenario.ties}
    zeros = [
        Tie(kind=kind, a=a, b=b, value=0.0, regime=random.choice(["", *scenario.blocs]) if kind == "sanction" else "")
        for kind in ("bond", "rivalry", "sanction", "trade", "propensity")
        for a, b in itertools.combinations(scenario.states, 2)
        if (kind, frozenset((a, b))) not in tied
    ]
    same(run(scenario, seed), run(changed(scenario, ties=(*scenario.ties, *zeros)), seed))


@relation(worlds, seeds)
def test_zero_sanctions_change_nothing(scenario: Scenario, seed: int) -> None:
    """A sanction of 0 changes nothing; a sanction lifted at step 1 changes nothing from then on."""
    sanctions = [tie for tie in scenario.ties if tie.kind == "sanction"]
    others = tuple(tie for tie in scenario.ties if tie.kind != "sanction")
    zeros = tuple(tie.model_copy(update={"value": 0.0}) for tie in sanctions)
    without = run(changed(scenario, ties=others), seed)
    same(without, run(changed(scenario, ties=(*others, *zeros)), seed))
    lift = [{"kind": "sanction", "step": 1, "sender": tie.a, "target": tie.b, "value": 0} for tie in sanctions]
    shocks = [*lift, *(shock.model_dump() for shock in scenario.shocks)]
    lifted = Scenario.model_validate({**scenario.model_dump(), "shocks": shocks})
    same(without, run(lifted, seed), rows=slice(1, None))


@relation(worlds, seeds)
def test_shock_leaves_earlier_steps(scenario: Scenario, seed: int) -> None:
    whole = run(scenario, seed)
    for n, shock in enumerate(scenario.shocks):
        others = scenario.shocks[:n] + scenario.shocks[n + 1 :]
        same(whole, run(changed(scenario, shocks=others), seed), rows=slice(shock.step))


@relation(scenarios(max_states=5, steps=5), st.integers(1, 4), seeds)
def test_shorter_run_is_prefix(scenario: Scenario, steps: int, seed: int) -> None:
    shocks = tuple(shock for shock in scenario.shocks if shock.step <= steps)
    long, short = run(scenario, seed), run(changed(scenario, steps=steps, shocks=shocks), seed)
    for name in OBSERVED:
        np.testing.assert_array_equal(getattr(long, name)[: steps + 1], getattr(short, name), err_msg=name)


OF_THE_WHOLE = ("w_balance", "w_shelter", "w_pressure", "outreach", "sanction_response", "strain")
PER_SHARE = ("w_propensity", "w_bond", "w_institution", "w_hostility")


@relation(scenarios(max_states=4, steps=3, fixed={"shocks": []}), shuffles, seeds)
def test_unlinked_worlds_run_independently(scenario: Scenario, random: Random, seed: int) -> None:
    """Terms that depend on the blocs of the whole world are off; doubled weights offset halved shares.

    The second world is the first with its ties between other states and without leaders.
    """
    temperature = scenario.parameters.temperature.value or 0.5
    scenario = with_settings(scenario, {**dict.fromkeys(OF_THE_WHOLE, 0), "temperature": temperature})
    ids = list(scenario.states)
    random.shuffle(ids)
    named = dict(zip(scenario.states, (f"X{id}" for id in ids), strict=True))
    club = {"club": scenario.institutions["club"]}
    second = changed(
        scenario,
        states={f"X{id}": state for id, state in scenario.states.items()},
        blocs={key: bloc.model_copy(update={"leader": None}) for key, bloc in scenario.blocs.items()},
        ties=tuple(tie.model_copy(update={"a": named[tie.a], "b": named[tie.b]}) for tie in scenario.ties),
        institutions={k: v.model_copy(update={"members": tuple(named[m] for m in v.members)}) for k, v in club.items()},
    )
    union = changed(
        with_settings(scenario, {name: 2 * getattr(scenario.parameters, name).value for name in PER_SHARE}),
        states=scenario.states | second.states,
        ties=scenario.ties + second.ties,
        institutions={**club, "other": second.institutions["club"]},
    )
    both, n = run(union, seed), len(ids)
    for alone, kept in ((run(scenario, seed), slice(n)), (run(second, seed), slice(n, None))):
        np.testing.assert_array_equal(both.alignment[:, kept], alone.alignment)
        np.testing.assert_allclose(both.chances[1:, kept], alone.chances[1:], atol=1e-5)  # shares are rounded


# Engines and observation


@relation(scenarios(), st.integers(0, 2**63 - 1), st.integers(0, 1000))
def test_agents_equal_compiled_runs(scenario: Scenario, seed: int, replicate: int) -> None:
    same(agents.run_agents(scenario, seed=seed, replicate=replicate), run(scenario, seed, replicate))


@relation(worlds, seeds)
def test_observation_changes_nothing(scenario: Scenario, seed: int) -> None:
    """The test reads every property of every state before and after each decision."""
    looks = [name for name, found in vars(agents.StateAgent).items() if isinstance(found, property)]
    world = BlocModel(scenario, seed=seed)
    rows = [world.copy_observations()]
    for state in world.states:
        decide = state.step

        def watched(state: Any = state, decide: Any = decide) -> None:
            [getattr(other, look) for other in world.states for look in looks]
            decide()
            repr(state)

        state.step = watched
    for _ in range(scenario.steps):
        world.step()
        rows.append(world.copy_observations())
    unseen = agents.run_agents(scenario, seed=seed)
    for name, values in zip(OBSERVED, zip(*rows, strict=True), strict=True):
        np.testing.assert_array_equal(np.stack(values), getattr(unseen, name), err_msg=name)
