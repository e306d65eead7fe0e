"""Placebo worlds, and closed forms of the claims' effects: invariances, and a lone state by simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.article.claims import CLAIMS, claim_scenarios, scenarios_needed
from sim.article.direct import find_direct_chances
from sim.article.evidence import Evidence, moments_of
from sim.article.placebo import ALSO_TIES, TIES, permute_ties, shuffle_states
from sim.article.robustness import (
    VARIED,
    Assessment,
    claim_points,
    permute_worlds,
    placebo_stream,
    run_evidence,
    share_factual,
    worlds_at_point,
)
from sim.model import iterate_runs
from sim.model.starts import start_anchor
from sim.model.world import World, world_of
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    """Every scenario that the claims need."""
    return {name: load_scenario(name) for name in scenarios_needed()}


@pytest.fixture(scope="module")
def worlds(scenarios: dict[str, Scenario]) -> dict[str, World]:
    """Their arrays, and those of the scenarios that the baseline gives."""
    return {name: world_of(scenario) for name, scenario in claim_scenarios(CLAIMS, scenarios).items()}


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
    np.testing.assert_array_equal(other.start.polyarchy, world.start.polyarchy[order])
    for name in set(world.setting._fields) - set(ALSO_TIES):
        np.testing.assert_array_equal(getattr(world.setting, name), getattr(other.setting, name))
    for name in set(world.start._fields) - {*TIES, "polyarchy"}:
        np.testing.assert_array_equal(getattr(world.start, name), getattr(other.start, name))


def test_points_and_placebo_worlds_have_anchors_of_their_own(scenarios: dict[str, Scenario]) -> None:
    """Parameters and ties are those of the factual world too, and no anchor of another world is used again."""
    worlds = {BASE: world_of(scenarios[BASE])}
    before = start_anchor(worlds[BASE], 1, 0)
    values = claim_points(8, 1)[5]
    made = worlds_at_point(worlds, values)[BASE]
    given = dict(zip(VARIED, values.tolist(), strict=True))
    expected = world_of(with_settings(scenarios[BASE], given))
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
        for name in one.runs
        for a, b in zip(one.runs[name], other.runs[name], strict=True)
    )


def test_identity_permutation_keeps_the_world(worlds: dict[str, World], scenarios: dict[str, Scenario]) -> None:
    two = {name: worlds[name] for name in (BASE, "no_sanctions")}
    still = {name: permute_ties(world, np.arange(len(world.states))) for name, world in two.items()}
    moments = moments_of(scenarios[BASE])
    found, expected = (run_evidence(one, moments, seed=9, replicates=range(3)) for one in (still, two))
    assert same(found, expected)


def test_permutation_is_common_to_all_scenarios(worlds: dict[str, World], scenarios: dict[str, Scenario]) -> None:
    """If a scenario changes nothing, the placebo difference is 0 for every permutation."""
    twice, moments = {BASE: worlds[BASE], "no_sanctions": worlds[BASE]}, moments_of(scenarios[BASE])
    made = permute_worlds(twice, placebo_stream(1, 0, 0))
    found = run_evidence(made, moments, seed=2, replicates=range(4))
    np.testing.assert_array_equal(found.runs[BASE].shares, found.runs["no_sanctions"].shares)
    assert not same(found, run_evidence(twice, moments, seed=2, replicates=range(4)))
    assert (placebo_stream(1, 0, 0).random(5) == placebo_stream(1, 0, 0).random(5)).all()
    assert (placebo_stream(1, 0, 0).random(5) != placebo_stream(1, 0, 1).random(5)).any()


def test_shared_factual_world_changes_no_chance(worlds: dict[str, World]) -> None:
    own = world_of(with_settings(load_scenario(BASE), {"w_pressure": 0.1}))
    apart = {**worlds, "own": own}
    shared = share_factual(apart)
    assert len({id(one.factual) for one in apart.values()}) == len(apart)
    assert {name for name, one in shared.items() if one.factual is not shared[BASE].factual} == {"own"}
    point = claim_points(1, 5)[0]
    found, expected = (
        find_direct_chances(permute_worlds(worlds_at_point(one, point), placebo_stream(1, 0, 0)), 28).chances
        for one in (shared, apart)
    )
    for name in apart:
        np.testing.assert_array_equal(found[name], expected[name])


# Closed forms


def test_chances_of_a_lone_state_by_simulation() -> None:
    """All others are fixed and ties stay, so that the closed form is exact: with inertia, renewal, and a shock."""
    content = load_scenario("dispersed_attention").model_dump(mode="json")
    for name, state in content["states"].items():
        state["fixed"] = state["fixed"] or name != "IRN"
    base = with_settings(Scenario.model_validate(content), {"bond_return": 0, "bond_gain": 0, "bond_loss": 0,
                         "outreach": 0, "renewal": 0.1, "inertia": 0.03})  # fmt: skip
    world, count = world_of(base), 3000
    law = find_direct_chances({BASE: world}, 28).chances[BASE]
    place = world.states.index("IRN")
    runs = iterate_runs(base, seed=1, replicates=range(count), world=world)
    taken = np.bincount([run.alignment[28, place] for run in runs], minlength=3) / count
    errors = np.sqrt(law[place] * (1 - law[place]) / count)
    assert (np.abs(taken - law[place]) < 4 * errors + 1e-9).all()
    assert 0.05 < law[place, world.alignments.index("front")] < 0.95
    np.testing.assert_allclose(law.sum(axis=1), 1)
    np.testing.assert_array_equal(law.argmax(axis=1)[world.setting.fixed], world.setting.initial[world.setting.fixed])


def test_scenario_that_changes_nothing_has_no_direct_effect(
    worlds: dict[str, World], scenarios: dict[str, Scenario]
) -> None:
    plan = Assessment(CLAIMS, moments_of(scenarios[BASE]))
    alike = dict.fromkeys(worlds, worlds[BASE])
    for entries in (False, True):
        effects = plan.closed_forms(plan.find_chances(alike), entries=entries)
        for claim, effect in zip(CLAIMS, effects, strict=True):
            if claim.needs and claim.dated.direct:
                assert effect == 0
            elif claim.dated.direct is None:
                assert np.isnan(effect)


def test_entries_leave_out_those_that_start_inside(worlds: dict[str, World]) -> None:
    chances = find_direct_chances({BASE: worlds[BASE]}, 28)
    world, law = worlds[BASE], chances.chances[BASE]
    front = world.alignments.index("front")
    inside = world.setting.initial == front
    assert inside.sum() == 4
    expected = (law[~inside, front] * world.setting.capability[~inside]).sum()
    assert chances.size(BASE, "front", entries=True) == pytest.approx(expected)
    assert chances.size(BASE, "front", entries=False) == pytest.approx(law[:, front] @ world.setting.capability)
    assert chances.members(BASE, "front", entries=True) == pytest.approx(law[~inside, front].sum())


@pytest.mark.parametrize("change", ["random", "cold"])
def test_no_closed_form_for_random_starts_or_temperature_0(change: str, worlds: dict[str, World]) -> None:
    world = worlds[BASE]
    if change == "cold":
        world = world_of(with_settings(load_scenario(BASE), {"temperature": 0}))
    else:
        initial = world.setting.initial.copy()
        initial[3] = -1
        world = replace(world, setting=world.setting._replace(initial=initial))
    assert np.isnan(find_direct_chances({BASE: world}, 28).chances[BASE]).all()
