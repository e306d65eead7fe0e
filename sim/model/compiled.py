"""Compiled runs: the steps of model: Scheduling, with the same rules that agents call.

Each move updates the sums over states. They are sums of multiples of 2⁻³⁰ and exact in any order, so they
equal the sums that an agent computes, and both engines give the same run to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sim.model import outcomes
from sim.model.arrays import (
    BOND,
    BY_RENEWAL,
    HOSTILITY,
    NON_ALIGNED,
    OPEN_PRODUCT,
    SIMULTANEOUS,
    Anchor,
    Environment,
    Floats,
    Integers,
    Record,
    Shocks,
    Situation,
    Stored,
    Weights,
    Workspace,
    WorldSetting,
    allocate_environment,
    allocate_weights,
    allocate_workspace,
)
from sim.model.dispositions import anchor_dispositions, cause_of_move, decide, moves_by_renewal, recall_seen
from sim.model.numerics.jit import compile_inline, compile_rule
from sim.model.numerics.streams import RandomNumbers
from sim.model.response import bonds_drift, hostility_drifts, respond_ties, ties_drift
from sim.model.rules import (
    apply_shocks,
    assess_environment,
    fill_hostility,
    fill_initial_alignment,
    measure_sizes,
    transfer_sizes,
    weigh_hostility,
    weigh_shocked_ties,
    weigh_state_bonds,
)
from sim.model.starts import LARGEST_CALL, draw_random_numbers, start_anchors
from sim.model.trajectory import Run, store_all
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

RUNS_PER_CALL = 8  # one call costs a tenth of a run of the article's world


@compile_rule
def copy_situation(start: Situation, shocked: bool) -> Situation:
    """Copy the parts of the start that shocks or responses of a run can change."""
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
        start.polyarchy.copy() if shocked else start.polyarchy,
        start.upheaval.copy() if shocked else start.upheaval,
    )


@compile_inline
def reset_weights(layers: int, situation: Situation, start_weights: Weights, weights: Weights, work: Workspace) -> None:
    """Reset weights and hostility to those of the start."""
    for j in range(work.partial_sums.size):
        for layer in range(layers):
            for i in range(work.partial_sums.size):
                weights.contributions[j, layer, i] = start_weights.contributions[j, layer, i]
    for k in range(weights.closed_product.shape[0]):
        for i in range(work.partial_sums.size):
            weights.closed_product[k, i] = start_weights.closed_product[k, i]
    fill_hostility(situation, work.hostile)


@compile_inline
def sum_layer(layer: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """Sum a layer over the states of each alignment into sums, (K + 1, layers, N)."""
    clear_layer(layer, sums)
    for j in range(alignment.size):
        add_contributions(j, layer, alignment[j], weights, sums)


@compile_inline
def clear_layer(layer: int, sums: Floats) -> None:
    """Set the sums of a layer to 0."""
    for k in range(sums.shape[0]):
        for i in range(sums.shape[2]):
            sums[k, layer, i] = 0.0


@compile_inline
def add_contributions(j: int, layer: int, current: int, weights: Weights, sums: Floats) -> None:
    """Add the contributions of j, in alignment `current`, to a layer of every state."""
    for i in range(sums.shape[2]):
        sums[current, layer, i] += weights.contributions[j, layer, i]


@compile_inline
def move_state(j: int, old: int, new: int, setting: WorldSetting, work: Workspace) -> None:
    """Update the sums for the move of state j from one alignment to another.

    For the non-aligned, rules use only the open product, which is the first layer.
    """
    source, target, contribution = work.flat_sums[old], work.flat_sums[new], work.flat_contributions[j]
    first = work.alignment.size
    for column in range(first if old == NON_ALIGNED else work.columns):
        source[column] -= contribution[column]
    for column in range(first if new == NON_ALIGNED else work.columns):
        target[column] += contribution[column]
    transfer_sizes(j, old, new, setting, work.sizes)


@compile_inline
def refresh_weights(
    shocked: bool, responded: bool, setting: WorldSetting, situation: Situation, weights: Weights, work: Workspace
) -> None:
    """Update weights and sums for ties that shocks or responses changed since the last step."""
    if shocked:
        fill_hostility(situation, work.hostile)
        weigh_shocked_ties(setting, situation, weights)
    if shocked or (responded and bonds_drift(situation.parameters)):
        clear_layer(BOND, work.sums)
        for j in range(work.alignment.size):
            weigh_state_bonds(j, setting, situation, weights)
            add_contributions(j, BOND, work.alignment[j], weights, work.sums)
    if shocked or (responded and hostility_drifts(situation.parameters)):
        weigh_hostility(setting, situation, work.hostile, weights)
        sum_layer(HOSTILITY, work.alignment, weights, work.sums)
        sum_layer(OPEN_PRODUCT, work.alignment, weights, work.sums)
    if shocked:
        sum_all_layers(setting.layers, work.alignment, weights, work.sums)


@compile_inline
def sum_all_layers(layers: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """Sum every layer with ties over the states of each alignment."""
    for layer in range(layers):
        sum_layer(layer, alignment, weights, sums)


@compile_inline
def decide_all(
    step: int, activation: int, numbers: RandomNumbers, setting: WorldSetting, situation: Situation, weights: Weights,
    env: Environment, work: Workspace, record: Record,
) -> None:  # fmt: skip
    """Let every state decide at its turn; write chances, renewals and causes of moves to the record."""
    alignment, before, uniforms, renewed = work.alignment, work.before, numbers.uniforms[step], record.renewed[step]
    with_chances = record.chances.shape[0] > 0
    for i in numbers.order[step]:
        current = before[i]
        chances = record.chances[step, i] if with_chances else work.chances
        alignment[i] = decide(
            i, current, step, uniforms[i], numbers.key, work.sums[:, :, i], work.sizes.capability, setting, situation,
            env, with_chances, work.utilities, chances, work.scratch.draws, work.inclinations[i], renewed,
        )  # fmt: skip
        if alignment[i] != current:
            if moves_by_renewal(i, setting, situation, renewed):
                record.causes[step, i] = BY_RENEWAL
            else:
                last = max(step - 1, 1)  # before step 1 all saw the start
                recall_seen(
                    i, activation == SIMULTANEOUS or step == 1, numbers.order[last], record.alignment[last - 1],
                    record.alignment[step - 1], work.seen,
                )  # fmt: skip
                record.causes[step, i] = cause_of_move(
                    i, current, uniforms[i], work.seen, setting, situation, weights, env, work.inclinations[i],
                    work.scratch,
                )  # fmt: skip
            if activation != SIMULTANEOUS:
                move_state(i, current, alignment[i], setting, work)
    if activation == SIMULTANEOUS:
        for i in range(alignment.size):
            if alignment[i] != before[i]:
                move_state(i, before[i], alignment[i], setting, work)


@compile_inline
def record_step(
    step: int, stored: Stored, start_pairs: tuple[Floats, float], changed: bool, setting: WorldSetting,
    situation: Situation, env: Environment, work: Workspace, record: Record,
) -> None:  # fmt: skip
    """Record what is stored of a step (model: Outcomes)."""
    row = record.outcomes[step]
    for i in range(work.alignment.size):
        record.alignment[step, i] = work.alignment[i]
    outcomes.write_sizes(work.sizes, row)
    if stored.outcomes[step]:
        record_outcomes(start_pairs, changed, setting, situation, env, work, row)
    else:
        for column in range(3 * work.sizes.members.size, row.size):
            row[column] = np.nan
    place = step - (record.alignment.shape[0] - stored.late)
    if place >= 0:
        record_states(setting, situation, env, work, record.stability[place], record.bite[place])


@compile_inline
def record_outcomes(
    start_pairs: tuple[Floats, float], changed: bool, setting: WorldSetting, situation: Situation, env: Environment,
    work: Workspace, row: Floats,
) -> None:  # fmt: skip
    """Write all outcomes except sizes to row; the pairs keep their weights of the start until ties change."""
    outcomes.write_outcomes(work.before, work.alignment, work.sizes, env, row)
    if changed:
        row[outcomes.FRUSTRATION] = outcomes.frustration_from_ties(
            work.alignment, setting, situation, work.hostile, work.pairs, work.partial_sums, work.partial_totals
        )
    else:
        pairs, total = start_pairs
        row[outcomes.FRUSTRATION] = outcomes.frustration_share(work.alignment, pairs, total, work.partial_sums)


@compile_inline
def record_states(
    setting: WorldSetting, situation: Situation, env: Environment, work: Workspace, stability: Floats, bite: Floats
) -> None:
    """Write regime stability and bite of every state, (N,) each."""
    outcomes.pressure_by_theatre(work.sizes.capability, situation, env, work.pressure)
    for i in range(work.alignment.size):
        current = work.alignment[i]
        bite[i] = env.bite[i]
        stability[i] = outcomes.regime_stability(
            current, env.bite[i], work.pressure[current, setting.theatre[i]], work.sums[:, OPEN_PRODUCT, i]
        )


@compile_inline
def simulate_run(
    numbers: RandomNumbers, anchor: Anchor, activation: int, stored: Stored, setting: WorldSetting,
    situation: Situation, shocks: Shocks, weights: Weights, start_pairs: tuple[Floats, float], env: Environment,
    work: Workspace, record: Record,
) -> None:  # fmt: skip
    """Run once and write to record (model: Scheduling); situation and weights are those of the start at the call.

    Shocks and responses change them.
    """
    alignment, changed = work.alignment, False
    fill_initial_alignment(setting, numbers.uniforms[0], alignment)
    measure_sizes(alignment, setting, work.sizes)
    sum_all_layers(setting.layers, alignment, weights, work.sums)
    if setting.kept:
        anchor_dispositions(numbers.key, alignment, anchor, setting, work.scratch.draws, work.inclinations)
    for step in range(record.alignment.shape[0]):
        shocked = apply_shocks(step, shocks, situation)
        refresh_weights(shocked, step > 0, setting, situation, weights, work)
        assess_environment(step, work.sizes.product, setting, situation, weights, env)
        for i in range(alignment.size):
            work.before[i] = alignment[i]
        if step > 0:
            decide_all(step, activation, numbers, setting, situation, weights, env, work, record)
            respond_ties(alignment, work.sizes.members, setting, situation, env, work.hostile, work.strain)
            if hostility_drifts(situation.parameters):
                fill_hostility(situation, work.hostile)
        changed = changed or shocked or (step > 0 and ties_drift(situation.parameters))
        record_step(step, stored, start_pairs, changed, setting, situation, env, work, record)


@compile_rule
def simulate_runs(
    numbers: RandomNumbers, anchors: Anchor, activation: int, columns: int, stored: Stored, setting: WorldSetting,
    start: Situation, start_weights: Weights, start_pairs: tuple[Floats, float], shocks: Shocks,
) -> Record:  # fmt: skip
    """Run once for each row of random numbers, with this many columns of outcomes.

    The function allocates all arrays, so that the loops allocate none. start_weights and start_pairs belong to the
    start; runs use them directly where no tie changes.
    """
    n, k, runs, rows = setting.capability.size, setting.allowed.size, numbers.order.shape[0], numbers.order.shape[1]
    records = Record(
        np.empty((runs, rows, n), dtype=np.int8), np.zeros((runs, rows, n), dtype=np.int8),
        np.zeros((runs, rows, n), dtype=np.bool_), np.empty((runs, rows if stored.chances else 0, n, k)),
        np.empty((runs, stored.late, n)), np.empty((runs, stored.late, n)), np.empty((runs, rows, columns)),
    )  # fmt: skip
    shocked = shocks.kind.size > 0
    constant = not (shocked or ties_drift(start.parameters))
    weights = start_weights if constant else allocate_weights(k, n)
    env = allocate_environment(k - 1, start.priority.shape[1], n)
    work = allocate_workspace(setting, weights, k, start.priority.shape[1])
    for r in range(runs):
        records.chances[r, :1] = np.nan
        situation = copy_situation(start, shocked)
        if not constant:
            reset_weights(setting.layers, situation, start_weights, weights, work)
        record = Record(
            records.alignment[r], records.causes[r], records.renewed[r], records.chances[r], records.stability[r],
            records.bite[r], records.outcomes[r],
        )  # fmt: skip
        run_numbers = RandomNumbers(numbers.order[r], numbers.uniforms[r], numbers.key[r])
        anchor = Anchor(anchors.chances[r], anchors.log_own[r])
        simulate_run(
            run_numbers, anchor, activation, stored, setting, situation, shocks, weights, start_pairs, env, work,
            record,
        )  # fmt: skip
    return records


def run_records(
    world: World, *, seed: int, replicates: Sequence[int], stored: Stored | None = None
) -> Iterator[Record]:
    """Run a world once for each replicate and yield what is stored; one compiled call makes several runs."""
    stored = stored or store_all(world.steps)
    columns = len(outcomes.outcome_names(world.alignments[1:], world.theatres))
    at_once = max(1, min(RUNS_PER_CALL, LARGEST_CALL // (len(world.states) * world.steps)))
    for first in range(0, len(replicates), at_once):
        together = tuple(replicates[first : first + at_once])
        numbers = draw_random_numbers(world, seed, together)
        with np.errstate(over="ignore"):
            records = simulate_runs(
                numbers, start_anchors(world, seed, together), world.activation, columns, stored, world.setting,
                world.start, world.start_weights, world.start_pairs, world.shocks,
            )  # fmt: skip
        yield from map(Record, *records)


def iterate_runs(
    scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World | None = None,
    stored: Stored | None = None,
) -> Iterator[Run]:  # fmt: skip
    """Run a scenario compiled, once for each replicate.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.
    seed : int
        Random seed, 0 to 2⁶⁴ - 1.
    replicates : sequence of int
        Numbers of the replicates, 0 to 2⁶⁴ - 1.
    world : World, optional
        The arrays of the scenario; built from it where absent.
    stored : Stored, optional
        What a run stores, by `store_all` or `store_late`. Default: all.

    Yields
    ------
    Run
        One run for each replicate, equal to that of `run_agents` to the bit in all that is stored.
    """
    world = world or world_of(scenario)
    made = run_records(world, seed=seed, replicates=replicates, stored=stored)
    names = outcomes.outcome_names(world.alignments[1:], world.theatres)
    for replicate, record in zip(replicates, made, strict=True):
        yield Run(seed, replicate, world.states, world.alignments, names, *record)


def run_compiled(
    scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None, stored: Stored | None = None
) -> Run:
    """Run a scenario compiled, once.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.
    seed : int
        Random seed, 0 to 2⁶⁴ - 1.
    replicate : int
        Number of the replicate, 0 to 2⁶⁴ - 1.
    world : World, optional
        The arrays of the scenario; built from it where absent.
    stored : Stored, optional
        What the run stores, by `store_all` or `store_late`. Default: all.

    Returns
    -------
    Run
        The run, equal to that of `run_agents` to the bit in all that is stored.
    """
    return next(iterate_runs(scenario, seed=seed, replicates=(replicate,), world=world, stored=stored))
