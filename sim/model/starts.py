"""The start of a run: random numbers of a step, drawn alignments, and the anchor of dispositions (model: Anchoring)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from sim.model import dispositions, rules
from sim.model.arrays import (
    PARAMETERS,
    RANDOM_START,
    Anchor,
    Environment,
    Floats,
    Integers,
    Words,
    allocate_scratch,
)
from sim.model.numerics import streams
from sim.model.numerics.streams import RandomNumbers
from sim.model.world import World, encode_states, with_parameters, world_of
from sim.scenario.schema import DRAWN_ID, Scenario

LARGEST_CALL = 80_000  # states × steps × runs; a larger run has its own call, and its random numbers are not cached

AVERAGED_STARTS = 8  # random and drawn starts that are averaged where no run is given


def draw_random_numbers(world: World, seed: int, replicates: tuple[int, ...]) -> RandomNumbers:
    """Draw the random numbers of runs; scenarios with the same states and steps share them.

    Where dispositions are kept, few steps need the order of decisions, so a run draws the keys of these.
    """
    key = world.states, world.steps, seed, replicates, not world.setting.kept
    size = len(world.states) * world.steps * len(replicates)
    return shared_random_numbers(*key) if size <= LARGEST_CALL else shared_random_numbers.__wrapped__(*key)


@lru_cache(maxsize=32)
def shared_random_numbers(
    states: tuple[str, ...], steps: int, seed: int, replicates: tuple[int, ...], with_keys: bool
) -> RandomNumbers:
    """Draw the random numbers of runs and cache them."""
    with np.errstate(over="ignore"):
        return streams.draw_numbers(seed, replicates, steps, encode_states(states)[0], with_keys)


def draw_initial_alignment(world: World, seed: int, replicate: int) -> Integers:
    """Return the alignments of the start, (N,); random and drawn ones take the random numbers of step 0."""
    if world.setting.initial.min() >= 0:
        return world.setting.initial.copy()
    _, uniforms = draw_random_words(world, seed, replicate, 0)
    alignment = np.empty(len(world.states), dtype=np.int64)
    rules.fill_initial_alignment(world.setting, uniforms, alignment)
    return alignment


def draws_starts(scenario: Scenario) -> bool:
    """Whether a scenario, or its factual world, draws the start of a state from stated chances."""
    worlds = [scenario] if scenario.anchor is None else [scenario, scenario.anchor]
    return any(state.initial == DRAWN_ID for world in worlds for state in world.states.values())


def with_starts_of(scenario: Scenario, *, seed: int, replicate: int) -> Scenario:
    """Return a scenario in which each state starts where a run of it has drawn the state.

    The run with this seed and replicate stays the same, and all others begin where it does. So the closed forms, which
    need a start, are given this one. A random start stays random: it is not anchored (model: Anchoring).

    Parameters
    ----------
    scenario
        A scenario, which may draw starts.
    seed, replicate
        The run whose starts are taken.

    Returns
    -------
    Scenario
        The scenario itself where it draws no start.
    """
    if not draws_starts(scenario):
        return scenario
    world, anchor = world_of(scenario), scenario.anchor
    found = with_drawn_states(scenario, world, seed, replicate)
    if anchor is None or world.factual is None:
        return found
    return found.model_copy(update={"anchor": with_drawn_states(anchor, world.factual, seed, replicate)})


def with_drawn_states(scenario: Scenario, world: World, seed: int, replicate: int) -> Scenario:
    """Return a scenario whose drawn starts are those of a run of its arrays."""
    starts = zip(scenario.states.items(), draw_initial_alignment(world, seed, replicate).tolist(), strict=True)
    states = {
        id: state.model_copy(update={"initial": world.alignments[k], "initial_chances": {}})
        if state.initial == DRAWN_ID
        else state
        for (id, state), k in starts
    }
    return scenario.model_copy(update={"states": states})


def draw_random_words(world: World, seed: int, replicate: int, step: int) -> tuple[Words, Floats]:
    """Draw the order keys and uniforms of all states at a step, (N,) each (model: Scheduling)."""
    n = len(world.states)
    keys, uniforms = np.empty(n, dtype=np.uint64), np.empty(n)
    with np.errstate(over="ignore"):
        streams.draw_step(np.uint64(seed), np.uint64(replicate), step, world.setting.codes, keys, uniforms)
    return keys, uniforms


def draw_order(world: World, seed: int, replicate: int, step: int) -> Integers:
    """Draw the order of decisions at a step, (N,)."""
    keys, _ = draw_random_words(world, seed, replicate, step)
    with np.errstate(over="ignore"):
        return streams.decision_order(world.activation, keys, world.setting.id_order)


def start_anchors(world: World, seed: int, replicates: Sequence[int]) -> Anchor:
    """Return the anchors of runs, one for each replicate or one for all; an empty one where dispositions are fresh."""
    if not world.setting.kept:
        return Anchor(np.empty((1, 0, 0)), np.empty((1, 0)))
    own = replicates if world.starts_at_random else replicates[:1]
    anchors = [start_anchor(world, seed, replicate) for replicate in own]
    return Anchor(np.array([one.chances for one in anchors]), np.array([one.log_own for one in anchors]))


def start_anchor(world: World, seed: int, replicate: int) -> Anchor:
    """Return the anchor of a run: the chances in the factual world by which dispositions are drawn (model: Anchoring).

    A state that starts where the factual world has it is anchored there. One whose start the scenario changes, or
    which the factual world lacks, is anchored in the scenario's world before shocks. A start drawn from stated chances
    is anchored to what was drawn. A random start, and an alternative that the factual world lacks, has a plain draw.
    Only random and drawn starts make anchors of runs differ.
    """
    key = (seed, replicate) if world.starts_at_random else (0, 0)
    return keep_last(world.anchors, key, lambda: compute_anchor(world, *key))


def keep_last(kept: dict[tuple[int, int], Anchor], key: tuple[int, int], compute: Callable[[], Anchor]) -> Anchor:
    """Return what is kept for a seed and replicate; or compute it, and keep nothing else."""
    found = kept.get(key)
    if found is None:
        found = compute()
        kept.clear()  # other threads may do the same
        kept[key] = found
    return found


def compute_anchor(world: World, seed: int, replicate: int) -> Anchor:
    """Compute the anchor of a run (see `start_anchor`)."""
    n, alternatives = len(world.states), len(world.alignments)
    anchor = Anchor(np.zeros((n, alternatives)), np.zeros(n))
    if not (world.setting.kept and world.anchored):
        return anchor
    elsewhere, initial = np.arange(n), known_starts(world, seed, replicate)
    if world.factual is not None:
        factual = world.factual
        places, columns = find_ids(world.states, factual.states), find_ids(world.alignments, factual.alignments)
        held, common = known_starts(factual, seed, replicate)[places], columns >= 0
        stays = (places >= 0) & (initial >= 0) & (held >= 0) & (columns[initial] == held)
        known = structural_chances(factual, seed, replicate)
        anchor.chances[np.ix_(stays, common)] = known.chances[np.ix_(places[stays], columns[common])]
        anchor.log_own[stays] = known.log_own[places[stays]]
        elsewhere = np.flatnonzero(~stays)
    own = elsewhere[initial[elsewhere] >= 0]
    if own.size:
        known = structural_chances(world, seed, replicate)
        anchor.chances[own], anchor.log_own[own] = known.chances[own], known.log_own[own]
    return anchor


@lru_cache(maxsize=32)
def find_ids(ids: tuple[str, ...], among: tuple[str, ...]) -> Integers:
    """Return the place of each id among others; -1 where it is not one of them."""
    places = {id: n for n, id in enumerate(among)}
    return np.array([places.get(id, -1) for id in ids], dtype=np.int64)


def known_starts(world: World, seed: int, replicate: int) -> Integers:
    """Return the alignments of the start that are given or drawn from stated chances, (N,); -1 for random ones."""
    drawn = draw_initial_alignment(world, seed, replicate)
    found: Integers = np.where(world.setting.initial == RANDOM_START, RANDOM_START, drawn)
    return found


def start_environment(world: World, alignment: Integers, step: int) -> Environment:
    """Compute the environment of a step at these alignments, (N,), before any shock (model: Environment)."""
    product, env = np.zeros(len(world.alignments)), world.allocate_environment()
    rules.sum_shares(alignment, world.setting.product, product)
    rules.assess_environment(step, product, world.setting, world.start, world.start_weights, env)
    return env


def structural_chances(world: World, seed: int, replicate: int) -> Anchor:
    """Return the structural chances of all states of a world at its start, before shocks, inertia included.

    The last ones are kept: worlds that are anchored in the same factual world ask for the same.
    """
    key = (seed, replicate) if world.setting.initial.min() < 0 else (0, 0)
    return keep_last(world.structural, key, lambda: compute_structural_chances(world, *key))


def compute_structural_chances(world: World, seed: int, replicate: int) -> Anchor:
    """Compute the structural chances of all states (see `structural_chances`)."""
    alignment = draw_initial_alignment(world, seed, replicate)
    env, scratch = world.allocate_environment(), allocate_scratch(len(world.alignments))
    found = Anchor(np.empty((len(world.states), len(world.alignments))), np.empty(len(world.states)))
    dispositions.anchor_in_environment(
        0, alignment, world.setting, world.start, world.start_weights, env, *found, scratch
    )
    return found


def coded_start_chances(world: World) -> Floats:
    """Compute the structural chances of all states at the coded start, (N, K + 1), without inertia (model: Outcomes).

    All others are where they start, before shocks. Those of a fixed state are as if it decided. Random and drawn starts
    are averaged.
    """
    parameters = world.start.parameters.copy()
    parameters[PARAMETERS.index("inertia")] = 0.0
    plain = with_parameters(world, parameters)
    starts = AVERAGED_STARTS if (world.setting.initial < 0).any() else 1
    found = [structural_chances(plain, seed=0, replicate=replicate).chances for replicate in range(starts)]
    return np.asarray(np.mean(found, axis=0))
