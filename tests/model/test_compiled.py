"""The compiled runs: the order of decisions, and runs that share a world or a call."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from relation import same
from strategies import kept_scenarios, scenarios

from sim.model import arrays, compiled
from sim.model.agents import BlocModel
from sim.model.numerics import streams
from sim.model.starts import draw_random_numbers, draw_random_words
from sim.model.trajectory import store_late
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario


@given(st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1]), min_size=1, max_size=60))
def test_order_by_key_then_id(keys: list[int]) -> None:
    id_order = np.random.default_rng(len(keys)).permutation(len(keys))
    rank = np.argsort(id_order)
    order = streams.decision_order(arrays.RANDOM_ORDER, np.array(keys, dtype=np.uint64), id_order)
    assert order.tolist() == sorted(range(len(keys)), key=lambda i: (keys[i], rank[i]))
    assert streams.decision_order(arrays.FIXED_ORDER, np.array(keys, dtype=np.uint64), id_order).tolist() == [
        *range(len(keys))
    ]


@given(scenarios(), st.integers(0, 2**40))
def test_runs_leave_the_world_unchanged(scenario: Scenario, seed: int) -> None:
    world = world_of(scenario)
    saved = [array.copy() for part in (world.start, world.start_weights, world.start_pairs[:1]) for array in part]
    first, again = compiled.iterate_runs(scenario, seed=seed, replicates=(3, 3), world=world)
    same(first, again)
    now = [array for part in (world.start, world.start_weights, world.start_pairs[:1]) for array in part]
    for array, before in zip(now, saved, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("dispositions", ["kept", "fresh"])
def test_scenarios_share_random_numbers(dispositions: str) -> None:
    both = (load_scenario(name) for name in ("baseline_2023", "no_sanctions"))
    base, other = (world_of(one.model_copy(update={"dispositions": dispositions})) for one in both)
    numbers = draw_random_numbers(base, 11, (3, 8))
    assert draw_random_numbers(other, 11, (3, 8)) is numbers
    for place, replicate in enumerate((3, 8)):
        for step in (0, 1, base.steps):
            keys, uniforms = draw_random_words(base, 11, replicate, step)
            assert numbers.uniforms[place, step].tolist() == uniforms.tolist()
            assert numbers.keys.shape[1] == 0 or numbers.keys[place, step].tolist() == keys.tolist()
    for seed, replicates in ((12, (3, 8)), (11, (4, 8))):
        assert draw_random_numbers(base, seed, replicates).uniforms[0].tolist() != numbers.uniforms[0].tolist()


@given(scenarios() | kept_scenarios(steps=12), st.integers(0, 2**40), st.data())
def test_stored_values_equal_those_of_a_full_run(scenario: Scenario, seed: int, data: st.DataObject) -> None:
    window, at = data.draw(st.integers(1, scenario.steps)), data.draw(st.sets(st.integers(0, scenario.steps)))
    full = compiled.run_compiled(scenario, seed=seed)
    part = compiled.run_compiled(scenario, seed=seed, stored=store_late(scenario.steps, window, sorted(at)))
    same(part, full, ("alignment", "causes", "renewed"))
    for name in ("stability", "bite"):
        np.testing.assert_array_equal(getattr(part, name), getattr(full, name)[-window - 1 :])
    rows = sorted({*at, *range(scenario.steps + 1 - window, scenario.steps + 1)})
    np.testing.assert_array_equal(part.outcomes[rows], full.outcomes[rows])
    sizes = 3 * len(full.alignments)
    np.testing.assert_array_equal(part.outcomes[:, :sizes], full.outcomes[:, :sizes])
    assert np.isnan(np.delete(part.outcomes, rows, axis=0)[:, sizes:]).all()
    assert part.chances.size == 0


@pytest.mark.parametrize("name", ["no_feedback", "baseline_2023", "sanctions_on_china"])
def test_batched_runs_equal_single_runs(name: str) -> None:
    scenario = load_scenario(name)
    world = world_of(scenario)
    replicates = [*range(2 * compiled.RUNS_PER_CALL + 1), 5, 2**40]
    together = [*compiled.iterate_runs(scenario, seed=3, replicates=replicates, world=world)]
    assert [run.replicate for run in together] == replicates
    for replicate, run in zip(replicates, together, strict=True):
        same(run, compiled.run_compiled(scenario, seed=3, replicate=replicate, world=world))


@pytest.mark.parametrize("name", ["baseline_2023", "no_sanctions"])
def test_runs_of_a_call_equal_single_runs_whatever_is_stored(name: str) -> None:
    """Also where the last steps store no outcome, so that bonds are behind when a run ends."""
    scenario = load_scenario(name)
    at = np.zeros(scenario.steps + 1, dtype=np.bool_)
    at[[12, 28]] = True
    stored = arrays.Stored(at, scenario.steps + 1, False)
    for replicate, run in enumerate(compiled.iterate_runs(scenario, seed=3, replicates=range(12), stored=stored)):
        alone = compiled.run_compiled(scenario, seed=3, replicate=replicate)
        same(run, alone, ("alignment", "causes", "renewed"))
        np.testing.assert_array_equal(run.outcomes[at], alone.outcomes[at])


def test_compiled_rules_keep_no_array() -> None:
    """A call that kept its arrays would keep those of every run."""
    scenario = load_scenario("baseline_2023")
    world = world_of(scenario)
    held = [*world.start, *world.start_weights]

    def make_runs() -> list[int]:
        for _ in compiled.run_records(world, seed=1, replicates=range(3)):
            pass
        return [sys.getrefcount(array) for array in held]

    assert make_runs() == make_runs()
    model = BlocModel(scenario, seed=1)
    model.step()
    counts = [sys.getrefcount(array) for array in (*model.situation, *model.weights, *model.environment)]
    model.step()
    assert counts == [sys.getrefcount(array) for array in (*model.situation, *model.weights, *model.environment)]
