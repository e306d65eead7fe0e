"""The compiled runs: the order of decisions, and runs that share a world or a call."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import scenarios

from sim.model import arrays, compiled, streams
from sim.model.trajectory import Run
from sim.model.world import step_random_numbers as drawn_for
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

OBSERVED = ("alignment", "chances", "stability", "bite", "outcomes")


def same(one: Run, other: Run) -> None:
    """Two runs are one, to the bit."""
    for name in OBSERVED:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1]), min_size=1, max_size=60))
def test_order_is_by_key_then_id(keys: list[int]) -> None:
    by_id = np.random.default_rng(len(keys)).permutation(len(keys))
    rank = np.argsort(by_id)
    order = streams.decision_order(arrays.RANDOM_ORDER, np.array(keys, dtype=np.uint64), by_id)
    assert order.tolist() == sorted(range(len(keys)), key=lambda i: (keys[i], rank[i]))
    assert streams.decision_order(arrays.FIXED_ORDER, np.array(keys, dtype=np.uint64), by_id).tolist() == [
        *range(len(keys))
    ]


@given(scenarios(), st.integers(0, 2**40))
@settings(max_examples=100, deadline=None)
def test_runs_leave_the_world_as_it_was_and_each_begins_from_it(scenario: Scenario, seed: int) -> None:
    world = world_of(scenario)
    held = [array.copy() for part in (world.start, world.at_start, world.pairs_at_start[:1]) for array in part]
    first, again = compiled.iterate_runs(scenario, seed=seed, replicates=(3, 3), world=world)
    same(first, again)
    now = [array for part in (world.start, world.at_start, world.pairs_at_start[:1]) for array in part]
    for array, before in zip(now, held, strict=True):
        np.testing.assert_array_equal(array, before)


def test_scenarios_of_the_same_states_share_the_luck_that_each_would_draw() -> None:
    base, other = (world_of(load_scenario(name)) for name in ("baseline_2023", "no_sanctions"))
    luck = compiled.random_numbers_of(base, 11, (3, 8))
    assert compiled.random_numbers_of(other, 11, (3, 8)) is luck
    for place, replicate in enumerate((3, 8)):
        for step in (0, 1, base.steps):
            keys, uniforms = drawn_for(base, 11, replicate, step)
            order = streams.decision_order(base.activation, keys, base.setting.by_id)
            assert luck.uniforms[place, step].tolist() == uniforms.tolist()
            assert luck.order[place, step].tolist() == order.tolist()
    for seed, replicates in ((12, (3, 8)), (11, (4, 8))):
        assert compiled.random_numbers_of(base, seed, replicates).uniforms[0].tolist() != luck.uniforms[0].tolist()


@pytest.mark.parametrize("name", ["no_feedback", "baseline_2023", "sanctions_on_china"])
def test_runs_made_by_one_call_are_those_made_alone(name: str) -> None:
    scenario = load_scenario(name)
    world = world_of(scenario)
    replicates = [*range(2 * compiled.AT_ONCE + 1), 5, 2**40]
    together = [*compiled.iterate_runs(scenario, seed=3, replicates=replicates, world=world)]
    assert [run.replicate for run in together] == replicates
    for replicate, run in zip(replicates, together, strict=True):
        same(run, compiled.run_compiled(scenario, seed=3, replicate=replicate, world=world))
