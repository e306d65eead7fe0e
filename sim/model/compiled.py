"""Many runs at once: the steps of MODEL §3 compiled, by the very rules that the agents call.

Sums over states are kept up move by move. They are sums of multiples of 2⁻³⁰, exact in any order, so
they equal those that an agent takes anew, and both paths give the same trajectory to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sim.model import outcomes
from sim.model.arrays import (
    BOND,
    HOSTILITY,
    LAYERS,
    NON_ALIGNED,
    OPEN_PRODUCT,
    SIMULTANEOUS,
    Environment,
    Floats,
    Integers,
    Setting,
    Shocks,
    Situation,
    Sizes,
    Weights,
    Words,
    allocate_environment,
    allocate_sizes,
    allocate_weights,
)
from sim.model.jit import compile_inline, compile_rule
from sim.model.rules import (
    apply_shocks,
    assess_environment,
    bonds_drift,
    consider_alignments,
    hostilities,
    hostility_drifts,
    measure_sizes,
    respond_ties,
    starting_alignment,
    ties_drift,
    transfer_sizes,
    weigh_bonds_of,
    weigh_hostility,
    weigh_settled,
)
from sim.model.streams import draw_step, order_by_keys
from sim.model.trajectory import Run
from sim.model.world import World, state_codes, world_of
from sim.scenario.schema import Scenario

AT_ONCE = 8  # runs of one call, which costs as much as a tenth of a run of the article's world

LARGEST_AT_ONCE = 20_000  # states times steps of them all; a larger run is alone, and its luck not kept for others


class Record(NamedTuple):
    """What is kept of a run, the start included; of several, by run first."""

    alignment: Integers  # (T + 1, N)
    chances: Floats  # (T + 1, N, K + 1)
    stability: Floats  # (T + 1, N)
    bite: Floats  # (T + 1, N)
    outcomes: Floats  # (T + 1, outcomes)


class RandomNumbers(NamedTuple):
    """What chance brings to a run, whatever its scenario makes of it (MODEL §3); of several, by run first."""

    order: Integers  # (T + 1, N), in which the states decide
    uniforms: Floats  # (T + 1, N)


class Workspace(NamedTuple):
    """Room to work in, so that a run allocates nothing."""

    alignment: Integers  # (N,)
    before: Integers  # (N,), alignments at the start of the step
    sums: Floats  # (K + 1, len(LAYERS), N): what the states aligned with each bloc bring every state
    flat_sums: Floats  # (K + 1, len(LAYERS) * N), the same
    flat_brings: Floats  # (N, len(LAYERS) * N), the weights' `brings`
    kept: int  # how many of these columns are kept up: the layer of propensities only where there are any
    sizes: Sizes
    utilities: Floats  # (K + 1,)
    strain: Floats  # (K + 1,)
    felt: Floats  # (K + 1, R), pressure on the members of each alignment in each theatre
    hostile: Floats  # (N, N), H of every pair
    pairs: Floats  # (N,), what those of a state weigh in frustration
    lanes: Floats  # (N,)
    total_lanes: Floats  # (N,)


@compile_rule
def draw_random_numbers(
    seed: np.uint64, replicates: Words, activation: int, steps: int, codes: Words, by_id: Integers
) -> RandomNumbers:
    """The luck of runs of that many steps, one for each replicate."""
    n, runs, rows = codes.size, replicates.size, steps + 1
    luck = RandomNumbers(np.empty((runs, rows, n), dtype=np.int64), np.empty((runs, rows, n)))
    keys, slots = np.empty(n, dtype=np.uint64), np.empty(n + 1, dtype=np.int64)
    for r in range(runs):
        for step in range(rows):
            draw_step(seed, replicates[r], step, codes, keys, luck.uniforms[r, step])
            order_by_keys(activation, keys, by_id, luck.order[r, step], slots)
    return luck


@compile_inline
def has_ties(layer: Floats) -> bool:
    """Whether a layer has any tie."""
    found = 0
    for i in range(layer.shape[0]):
        for j in range(layer.shape[1]):
            found += layer[i, j] != 0.0
    return found > 0


@compile_rule
def allocate_workspace(setting: Setting, weights: Weights, alignments: int, theatres: int) -> Workspace:
    """A desk for runs of a world by these weights, which stay where they are as they change."""
    n, k, layers = setting.capability.size, alignments, len(LAYERS)
    sums = np.zeros((k, layers, n))
    kept = n * (layers if has_ties(setting.propensity) else layers - 1)
    return Workspace(
        np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64),
        sums, sums.reshape((k, layers * n)), weights.brings.reshape((n, layers * n)), kept,
        allocate_sizes(k), np.zeros(k), np.zeros(k), np.zeros((k, theatres)),
        np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n),
    )  # fmt: skip


@compile_rule
def copy_situation(start: Situation, shocked: bool) -> Situation:
    """The situation at the start for one run to change; what neither shocks nor responses change is not copied."""
    bonds, hostile = shocked or bonds_drift(start.parameters), shocked or hostility_drifts(start.parameters)
    return Situation(
        start.bond.copy() if bonds else start.bond,
        start.bond_origin.copy() if shocked else start.bond_origin,
        start.institution.copy() if shocked else start.institution,
        start.rivalry.copy() if hostile else start.rivalry,
        start.sanction.copy() if hostile else start.sanction,
        start.regime.copy() if hostile else start.regime,
        start.priority.copy() if shocked else start.priority,
        start.enforcement.copy() if shocked else start.enforcement,
        start.attention_budget.copy() if shocked else start.attention_budget,
        start.accommodation.copy() if shocked else start.accommodation,
        start.parameters.copy() if shocked else start.parameters,
    )


@compile_inline
def reset_weights(situation: Situation, at_start: Weights, weights: Weights, desk: Workspace) -> None:
    """Bring weights and hostility back to the start, whose situation this is."""
    for j in range(desk.lanes.size):
        for layer in range(len(LAYERS)):
            for i in range(desk.lanes.size):
                weights.brings[j, layer, i] = at_start.brings[j, layer, i]
    for k in range(weights.closed.shape[0]):
        for i in range(desk.lanes.size):
            weights.closed[k, i] = at_start.closed[k, i]
    hostilities(situation, desk.hostile)


@compile_inline
def sum_layer(layer: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """What the states aligned with each alignment bring every state in a layer: sums, (K + 1, layers, N)."""
    clear_layer(layer, sums)
    for j in range(alignment.size):
        add_state_sums(j, layer, alignment[j], weights, sums)


@compile_inline
def clear_layer(layer: int, sums: Floats) -> None:
    """Set the sums of a layer to 0."""
    for k in range(sums.shape[0]):
        for i in range(sums.shape[2]):
            sums[k, layer, i] = 0.0


@compile_inline
def add_state_sums(j: int, layer: int, held: int, weights: Weights, sums: Floats) -> None:
    """Add what j, aligned with `held`, brings every state in a layer."""
    for i in range(sums.shape[2]):
        sums[held, layer, i] += weights.brings[j, layer, i]


@compile_inline
def move_state(j: int, old: int, new: int, setting: Setting, desk: Workspace) -> None:
    """Keep the sums up as state j moves from one alignment to another.

    Of what the non-aligned bring, no rule asks for more than the product, the first layer: the rest is not kept up.
    """
    left, joined, brought = desk.flat_sums[old], desk.flat_sums[new], desk.flat_brings[j]
    first = desk.alignment.size
    for column in range(first if old == NON_ALIGNED else desk.kept):
        left[column] -= brought[column]
    for column in range(first if new == NON_ALIGNED else desk.kept):
        joined[column] += brought[column]
    transfer_sizes(j, old, new, setting, desk.sizes)


@compile_inline
def refresh_weights(
    shocked: bool, responded: bool, setting: Setting, situation: Situation, weights: Weights, desk: Workspace
) -> None:
    """Bring weights and sums up to the ties that changed since the last step, by a shock or by response."""
    if shocked:
        hostilities(situation, desk.hostile)
        weigh_settled(setting, situation, weights)
    if shocked or (responded and bonds_drift(situation.parameters)):
        clear_layer(BOND, desk.sums)
        for j in range(desk.alignment.size):
            weigh_bonds_of(j, setting, situation, weights)
            add_state_sums(j, BOND, desk.alignment[j], weights, desk.sums)
    if shocked or (responded and hostility_drifts(situation.parameters)):
        weigh_hostility(setting, situation, desk.hostile, weights)
        sum_layer(HOSTILITY, desk.alignment, weights, desk.sums)
        sum_layer(OPEN_PRODUCT, desk.alignment, weights, desk.sums)
    if shocked:
        sum_all_layers(desk.alignment, weights, desk.sums)


@compile_inline
def sum_all_layers(alignment: Integers, weights: Weights, sums: Floats) -> None:
    """What the states aligned with each alignment bring every state in every layer."""
    for layer in range(sums.shape[1]):
        sum_layer(layer, alignment, weights, sums)


@compile_inline
def decide_all(
    activation: int, order: Integers, uniforms: Floats, setting: Setting, situation: Situation, env: Environment,
    desk: Workspace, chances: Floats,
) -> None:  # fmt: skip
    """Every state decides at its turn; chances, (N, K + 1), are recorded."""
    alignment, before = desk.alignment, desk.before
    for place in range(alignment.size):
        i = order[place]
        held = before[i]
        alignment[i] = consider_alignments(
            i, held, uniforms[i], desk.sums[:, :, i], desk.sizes.capability,
            setting, situation, env, desk.utilities, chances[i],
        )  # fmt: skip
        if alignment[i] != held and activation != SIMULTANEOUS:
            move_state(i, held, alignment[i], setting, desk)
    if activation == SIMULTANEOUS:
        for i in range(alignment.size):
            if alignment[i] != before[i]:
                move_state(i, before[i], alignment[i], setting, desk)


@compile_inline
def record_step(
    step: int, pairs_at_start: tuple[Floats, float], changed: bool, setting: Setting, situation: Situation,
    env: Environment, desk: Workspace, record: Record,
) -> None:  # fmt: skip
    """Record a step (MODEL §7); the pairs weigh what they do at the start unless ties have changed."""
    row = record.outcomes[step]
    outcomes.write_outcomes(desk.before, desk.alignment, desk.sizes, env, row)
    if changed:
        row[outcomes.FRUSTRATION] = outcomes.frustration_from_ties(
            desk.alignment, setting, situation, desk.hostile, desk.pairs, desk.lanes, desk.total_lanes
        )
    else:
        pairs, total = pairs_at_start
        row[outcomes.FRUSTRATION] = outcomes.frustration_share(desk.alignment, pairs, total, desk.lanes)
    outcomes.pressure_by_theatre(desk.sizes.capability, situation, env, desk.felt)
    for i in range(desk.alignment.size):
        held = desk.alignment[i]
        record.alignment[step, i] = held
        record.bite[step, i] = env.bite[i]
        record.stability[step, i] = outcomes.regime_stability(
            held, env.bite[i], desk.felt[held, setting.theatre[i]], desk.sums[:, OPEN_PRODUCT, i]
        )


@compile_inline
def simulate_run(
    luck: RandomNumbers, activation: int, setting: Setting, situation: Situation, shocks: Shocks,
    weights: Weights, pairs_at_start: tuple[Floats, float], env: Environment, desk: Workspace, record: Record,
) -> None:  # fmt: skip
    """One run, written to record (MODEL §3); situation and weights come as the start has them.

    They are changed where shocks or responses change ties.
    """
    alignment, changed = desk.alignment, False
    starting_alignment(setting, luck.uniforms[0], alignment)
    measure_sizes(alignment, setting, desk.sizes)
    sum_all_layers(alignment, weights, desk.sums)
    for step in range(record.alignment.shape[0]):
        shocked = apply_shocks(step, shocks, situation)
        refresh_weights(shocked, step > 0, setting, situation, weights, desk)
        assess_environment(step, desk.sizes.product, setting, situation, weights, env)
        for i in range(alignment.size):
            desk.before[i] = alignment[i]
        if step > 0:
            order, uniforms = luck.order[step], luck.uniforms[step]
            decide_all(activation, order, uniforms, setting, situation, env, desk, record.chances[step])
            respond_ties(alignment, desk.sizes.members, setting, situation, env, desk.hostile, desk.strain)
            if hostility_drifts(situation.parameters):
                hostilities(situation, desk.hostile)
        changed = changed or shocked or (step > 0 and ties_drift(situation.parameters))
        record_step(step, pairs_at_start, changed, setting, situation, env, desk, record)


@compile_rule
def simulate_runs(
    luck: RandomNumbers, activation: int, columns: int, setting: Setting, start: Situation, at_start: Weights,
    pairs_at_start: tuple[Floats, float], shocks: Shocks,
) -> Record:  # fmt: skip
    """Runs with that many outcomes a step, as many as luck has.

    All their room is made here, and nothing in the loops over steps and states. at_start and pairs_at_start are the
    weights of the start's ties and pairs; where no tie ever changes, they are the runs'.
    """
    n, k, runs, rows = setting.capability.size, setting.allowed.size, luck.order.shape[0], luck.order.shape[1]
    made = Record(
        np.empty((runs, rows, n), dtype=np.int64), np.empty((runs, rows, n, k)),
        np.empty((runs, rows, n)), np.empty((runs, rows, n)), np.empty((runs, rows, columns)),
    )  # fmt: skip
    shocked = shocks.kind.size > 0
    rest = not (shocked or ties_drift(start.parameters))
    weights = at_start if rest else allocate_weights(k, n)
    env = allocate_environment(k - 1, start.priority.shape[1], n)
    desk = allocate_workspace(setting, weights, k, start.priority.shape[1])
    for r in range(runs):
        made.chances[r, 0] = np.nan
        situation = copy_situation(start, shocked)
        if not rest:
            reset_weights(situation, at_start, weights, desk)
        record = Record(made.alignment[r], made.chances[r], made.stability[r], made.bite[r], made.outcomes[r])
        of_run = RandomNumbers(luck.order[r], luck.uniforms[r])
        simulate_run(of_run, activation, setting, situation, shocks, weights, pairs_at_start, env, desk, record)
    return made


def random_numbers_of(world: World, seed: int, replicates: tuple[int, ...]) -> RandomNumbers:
    """The luck of runs, drawn once for all scenarios that have the same states and steps, which ask in turn."""
    told = world.states, world.activation, world.steps, seed, replicates
    size = len(world.states) * world.steps * len(replicates)
    return shared_random_numbers(*told) if size <= LARGEST_AT_ONCE else shared_random_numbers.__wrapped__(*told)


@lru_cache(maxsize=64)
def shared_random_numbers(
    states: tuple[str, ...], activation: int, steps: int, seed: int, replicates: tuple[int, ...]
) -> RandomNumbers:
    """The luck of runs, which every other that asks for the same shares."""
    with np.errstate(over="ignore"):
        return draw_random_numbers(
            np.uint64(seed), np.array(replicates, dtype=np.uint64), activation, steps, *state_codes(states)
        )


def run_records(world: World, *, seed: int, replicates: Sequence[int]) -> Iterator[Record]:
    """Compiled runs of a world, one a replicate, as arrays; a few are made by one call."""
    columns = len(outcomes.outcome_names(world.alignments[1:], world.theatres))
    at_once = max(1, min(AT_ONCE, LARGEST_AT_ONCE // (len(world.states) * world.steps)))
    for first in range(0, len(replicates), at_once):
        luck = random_numbers_of(world, seed, tuple(replicates[first : first + at_once]))
        made = simulate_runs(
            luck, world.activation, columns, world.setting, world.start, world.at_start, world.pairs_at_start,
            world.shocks,
        )  # fmt: skip
        yield from map(Record, *made)


def iterate_runs(
    scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World | None = None
) -> Iterator[Run]:
    """Compiled runs, one a replicate; equal to those of `sim.model.agents.run_agents` to the bit."""
    world = world or world_of(scenario)
    names = outcomes.outcome_names(world.alignments[1:], world.theatres)
    for replicate, record in zip(replicates, run_records(world, seed=seed, replicates=replicates), strict=True):
        yield Run(seed, replicate, world.states, world.alignments, names, *record)


def run_compiled(scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> Run:
    """One compiled run; equal to `sim.model.agents.run_agents` to the bit."""
    return next(iterate_runs(scenario, seed=seed, replicates=(replicate,), world=world))
