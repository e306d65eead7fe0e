"""Compiled runs: the steps of model: Scheduling, with the same rules that agents call.

Each move updates the sums over states. They are sums of multiples of 2⁻³⁰ and exact in any order, so they
equal the sums that an agent computes, and both engines give the same run to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sim.model import outcomes
from sim.model.arrays import (
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
    allocate_workspace,
)
from sim.model.dispositions import anchor_dispositions
from sim.model.numerics.jit import compile_apart, compile_rule, compile_within, python_of
from sim.model.numerics.streams import RandomNumbers
from sim.model.response import follow_courses, respond_ties
from sim.model.rules import (
    apply_shocks,
    assess_environment,
    bonds_drift,
    fill_hostility,
    fill_initial_alignment,
    hostility_drifts,
    measure_sizes,
    ties_drift,
)
from sim.model.starts import LARGEST_CALL, draw_random_numbers, start_anchors
from sim.model.steps.decisions import decide_step, decisions_change, fill_renewal_chances, limit_drift
from sim.model.steps.observation import record_step
from sim.model.steps.sums import copy_sums, refresh_weights, reset_weights, sum_all_layers
from sim.model.trajectory import Run, store_all
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

RUNS_PER_CALL = 32  # one call costs a run of the article's world


@compile_apart
def reset_situation(start: Situation, shocked: bool, situation: Situation) -> None:
    """Copy the parts of the start that shocks or responses of a run can change."""
    if shocked or bonds_drift(start.parameters):
        copy_matrix(start.bond, situation.bond)
    if shocked or hostility_drifts(start.parameters):
        copy_matrix(start.rivalry, situation.rivalry)
        copy_matrix(start.sanction, situation.sanction)
        copy_matrix(start.regime, situation.regime)
    if shocked:
        copy_matrix(start.bond_origin, situation.bond_origin)
        copy_matrix(start.institution, situation.institution)
        copy_matrix(start.priority, situation.priority)
        copy_row(start.enforcement, situation.enforcement)
        copy_row(start.attention_budget, situation.attention_budget)
        copy_row(start.accommodation, situation.accommodation)
        copy_row(start.parameters, situation.parameters)
        copy_row(start.polyarchy, situation.polyarchy)
        copy_row(start.upheaval, situation.upheaval)


@compile_apart
def copy_matrix(source: Floats | Integers, target: Floats | Integers) -> None:
    """Copy a matrix."""
    for i in range(source.shape[0]):
        copy_row(source[i], target[i])


@compile_within
def copy_row(source: Floats | Integers, target: Floats | Integers) -> None:
    """Copy a row of numbers."""
    for i in range(source.size):
        target[i] = source[i]


@compile_apart
def simulate_run(
    again: bool, numbers: RandomNumbers, anchor: Anchor, activation: int, stored: Stored, setting: WorldSetting,
    situation: Situation, shocks: Shocks, weights: Weights, start_pairs: tuple[Floats, float], env: Environment,
    work: Workspace, record: Record,
) -> None:  # fmt: skip
    """Run once and write to record (model: Scheduling); situation and weights are those of the start at the call.

    Shocks and responses change them. again is whether the run before started at the same alignments.
    """
    alignment, moved, drifted = work.alignment, False, False
    work.courses.behind[0] = 0  # the run before may have stored nothing at its end
    fill_initial_alignment(setting, numbers.uniforms[0], alignment)
    measure_sizes(alignment, setting, work.sizes)
    if not again:
        sum_all_layers(setting.layers, alignment, weights, work.start_sums)
    copy_sums(work.start_sums, work.sums)
    if setting.kept:
        anchor_dispositions(numbers.key, alignment, anchor, setting, work.scratch.draws, work.inclinations)
    for step in range(record.alignment.shape[0]):
        if shocks.first[step] < shocks.first[step + 1]:
            follow_courses(work.courses, situation.bond)
        shocked = apply_shocks(step, shocks, situation)
        refresh_weights(shocked, step > 0, setting, situation, weights, work)
        changed = decisions_change(step, shocked, moved, setting, situation)
        if changed:
            assess_environment(step, work.sizes.product, setting, situation, weights, env)
        if setting.kept and (shocked or step == 0):
            fill_renewal_chances(setting, situation, work.watch.renewal)
        for i in range(alignment.size):
            work.before[i] = alignment[i]
        if step > 0:
            moved = decide_step(
                step, activation, changed, again, numbers, setting, situation, weights, env, work, record
            )
            respond_ties(
                alignment, work.sizes.members, setting, situation, env, work.hostile, work.strain, changed or moved,
                work.courses,
            )  # fmt: skip
            if changed or moved:
                limit_drift(alignment, setting, situation, work.courses, work.watch.drift)
            if hostility_drifts(situation.parameters):
                fill_hostility(situation, work.hostile)
        drifted = drifted or shocked or (step > 0 and ties_drift(situation.parameters))
        record_step(step, stored, start_pairs, drifted, setting, situation, env, work, record)


@compile_apart
def simulate_row(
    r: int, random_start: bool, numbers: RandomNumbers, anchors: Anchor, activation: int, stored: Stored,
    setting: WorldSetting, start: Situation, start_weights: Weights, start_pairs: tuple[Floats, float], shocks: Shocks,
    situation: Situation, weights: Weights, env: Environment, work: Workspace, records: Record,
) -> None:  # fmt: skip
    """Run once for row r of random numbers and write to that row of the records."""
    shocked = shocks.kind.size > 0
    reset_situation(start, shocked, situation)
    if shocked or ties_drift(start.parameters):
        reset_weights(shocked, setting.layers, situation, start_weights, weights)
    if r == 0 or shocked or hostility_drifts(situation.parameters):
        fill_hostility(situation, work.hostile)
    record = Record(
        records.alignment[r], records.causes[r], records.renewed[r], records.chances[r], records.stability[r],
        records.bite[r], records.outcomes[r],
    )  # fmt: skip
    place = min(r, anchors.log_own.shape[0] - 1)
    simulate_run(
        r > 0 and not random_start, RandomNumbers(numbers.keys[r], numbers.uniforms[r], numbers.key[r]),
        Anchor(anchors.chances[place], anchors.log_own[place]), activation, stored, setting, situation, shocks,
        weights, start_pairs, env, work, record,
    )  # fmt: skip


@compile_rule
def simulate_runs(
    random_start: bool, numbers: RandomNumbers, anchors: Anchor, activation: int, stored: Stored,
    setting: WorldSetting, start: Situation, start_weights: Weights, start_pairs: tuple[Floats, float], shocks: Shocks,
    situation: Situation, weights: Weights, env: Environment, work: Workspace, records: Record,
) -> None:  # fmt: skip
    """Run once for each row of random numbers and write to the same row of the records.

    start, start_weights and start_pairs belong to the start. situation and weights are copies, which runs change, or
    the same where no tie changes.
    """
    for r in range(numbers.uniforms.shape[0]):
        simulate_row(
            r, random_start, numbers, anchors, activation, stored, setting, start, start_weights, start_pairs, shocks,
            situation, weights, env, work, records,
        )  # fmt: skip


def ties_stay(world: World) -> bool:
    """Return whether no shock and no response changes anything during a run."""
    p = world.start.parameters
    return not (python_of(bonds_drift)(p) or python_of(hostility_drifts)(p) or world.shocks.kind.size)


def allocate_records(world: World, stored: Stored, runs: int) -> Record:
    """Allocate what runs store; no state decides at the start, so no chance there has a value."""
    n, k, rows = len(world.states), len(world.alignments), world.steps + 1
    chances = np.empty((runs, rows if stored.chances else 0, n, k))
    chances[:, :1] = np.nan
    columns = len(outcomes.outcome_names(world.alignments[1:], world.theatres))
    return Record(
        np.empty((runs, rows, n), dtype=np.int8), np.zeros((runs, rows, n), dtype=np.int8),
        np.zeros((runs, rows, n), dtype=np.bool_), chances, np.empty((runs, stored.late, n)),
        np.empty((runs, stored.late, n)), np.empty((runs, rows, columns)),
    )  # fmt: skip


def run_records(
    world: World, *, seed: int, replicates: Sequence[int], stored: Stored | None = None
) -> Iterator[Record]:
    """Run a world once for each replicate and yield what is stored; one compiled call makes several runs."""
    stored = stored or store_all(world.steps)
    at_once = max(1, min(RUNS_PER_CALL, LARGEST_CALL // (len(world.states) * world.steps)))
    random_start = bool(world.setting.initial.min() < 0)
    situation, weights = world.start, world.start_weights
    if not ties_stay(world):
        situation, weights = world.copy_situation(), Weights._make(array.copy() for array in weights)
    env = world.allocate_environment()
    work = allocate_workspace(weights, world.setting.layers, len(world.theatres))
    for first in range(0, len(replicates), at_once):
        together = tuple(replicates[first : first + at_once])
        records = allocate_records(world, stored, len(together))
        with np.errstate(over="ignore"):
            simulate_runs(
                random_start, draw_random_numbers(world, seed, together), start_anchors(world, seed, together),
                world.activation, stored, world.setting, world.start, world.start_weights, world.start_pairs,
                world.shocks, situation, weights, env, work, records,
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
