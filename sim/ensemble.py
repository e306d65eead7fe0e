"""Many runs at once: the steps of MODEL §3 compiled, by the very rules that the agents call.

Sums over states are kept up move by move. They are sums of multiples of 2⁻³⁰, exact in any order, so
they equal those that an agent takes anew, and both paths give the same trajectory to the bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim import outcomes
from sim.compiled import bare, compiled
from sim.kernel import (
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
    Weights,
    Words,
    apply_shocks,
    assess,
    bonds_drift,
    consider,
    draw,
    hostilities,
    hostility_drifts,
    masses,
    order_by_luck,
    respond_ties,
    starting_alignment,
    weigh_bonds,
    weigh_hostility,
    weigh_settled,
)
from sim.scenario import Scenario
from sim.trajectory import Run
from sim.world import World, world_of


class Record(NamedTuple):
    """What is kept of a run, the start included."""

    alignment: Integers  # (T + 1, N)
    chances: Floats  # (T + 1, N, K + 1)
    stability: Floats  # (T + 1, N)
    bite: Floats  # (T + 1, N)
    outcomes: Floats  # (T + 1, outcomes)


class Desk(NamedTuple):
    """Room to work in, so that a run allocates nothing."""

    keys: Words  # (N,)
    uniforms: Floats  # (N,)
    order: Integers  # (N,)
    slots: Integers  # (N + 1,)
    alignment: Integers  # (N,)
    before: Integers  # (N,), alignments at the start of the step
    sums: Floats  # (K + 1, len(LAYERS), N): what the states aligned with each bloc bring every state
    mass: Floats  # (K + 1,), capability by alignment
    product: Floats  # (K + 1,), product by alignment at the start of the step
    utilities: Floats  # (K + 1,)
    strain: Floats  # (K + 1,)
    hostile: Floats  # (N, N), H of every pair
    pairs: Floats  # (N, N), what every pair weighs in frustration
    lanes: Floats  # (N,)


@compiled
def desk_for(states: int, alignments: int) -> Desk:
    """A desk for a world of that many states and alignments."""
    n, k = states, alignments
    return Desk(
        np.empty(n, dtype=np.uint64), np.empty(n),
        np.empty(n, dtype=np.int64), np.empty(n + 1, dtype=np.int64),
        np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64),
        np.zeros((k, len(LAYERS), n)), np.zeros(k), np.zeros(k),
        np.zeros(k), np.zeros(k),
        np.empty((n, n)), np.empty((n, n)), np.empty(n),
    )  # fmt: skip


@compiled
def copied(start: Situation) -> Situation:
    """A copy of the situation at the start, for one run to change."""
    return Situation(
        start.bond.copy(), start.bond_origin.copy(), start.institution.copy(), start.rivalry.copy(),
        start.sanction.copy(), start.regime.copy(), start.priority.copy(), start.enforcement.copy(),
        start.attention_budget.copy(), start.accommodation.copy(), start.parameters.copy(),
    )  # fmt: skip


@bare
def tally_layer(layer: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """What the states aligned with each alignment bring every state in a layer: sums, (K + 1, layers, N)."""
    n = alignment.size
    for k in range(sums.shape[0]):
        for i in range(n):
            sums[k, layer, i] = 0.0
    for j in range(n):
        k = alignment[j]
        for i in range(n):
            sums[k, layer, i] += weights.brings[layer, j, i]


@bare
def move(j: int, old: int, new: int, capability: Floats, weights: Weights, sums: Floats, mass: Floats) -> None:
    """Keep the sums up as state j moves from one alignment to another.

    Of what the non-aligned bring, no rule asks for more than the product, so the rest is not kept up.
    """
    for layer in range(sums.shape[1]):
        brought = weights.brings[layer, j]
        if old != NON_ALIGNED or layer == OPEN_PRODUCT:
            left = sums[old, layer]
            for i in range(left.size):
                left[i] -= brought[i]
        if new != NON_ALIGNED or layer == OPEN_PRODUCT:
            joined = sums[new, layer]
            for i in range(joined.size):
                joined[i] += brought[i]
    mass[old] -= capability[j]
    mass[new] += capability[j]


@bare
def refresh(shocked: bool, setting: Setting, situation: Situation, weights: Weights, desk: Desk) -> None:
    """Bring weights and sums up to the ties that changed since the last step, by a shock or by response."""
    if shocked:
        hostilities(situation, desk.hostile)
        weigh_settled(setting, situation, weights)
    if shocked or bonds_drift(situation.parameters):
        weigh_bonds(setting, situation, weights)
        tally_layer(BOND, desk.alignment, weights, desk.sums)
    if shocked or hostility_drifts(situation.parameters):
        weigh_hostility(setting, situation, desk.hostile, weights)
        tally_layer(HOSTILITY, desk.alignment, weights, desk.sums)
        tally_layer(OPEN_PRODUCT, desk.alignment, weights, desk.sums)
    if shocked:
        tally_all(desk.alignment, weights, desk.sums)


@bare
def tally_all(alignment: Integers, weights: Weights, sums: Floats) -> None:
    """What the states aligned with each alignment bring every state in every layer."""
    for layer in range(sums.shape[1]):
        tally_layer(layer, alignment, weights, sums)


@bare
def decide_all(
    activation: int, setting: Setting, situation: Situation, weights: Weights, env: Environment, desk: Desk,
    chances: Floats,
) -> None:  # fmt: skip
    """Every state decides at its turn; chances, (N, K + 1), are recorded."""
    alignment, before, sums, mass = desk.alignment, desk.before, desk.sums, desk.mass
    order_by_luck(activation, desk.keys, setting.by_id, desk.order, desk.slots)
    for place in range(alignment.size):
        i = desk.order[place]
        held = before[i]
        alignment[i] = consider(
            i, held, desk.uniforms[i], sums[:, :, i], mass,
            setting, situation, env, desk.utilities, chances[i],
        )  # fmt: skip
        if alignment[i] != held and activation != SIMULTANEOUS:
            move(i, held, alignment[i], setting.capability, weights, sums, mass)
    if activation == SIMULTANEOUS:
        for i in range(alignment.size):
            if alignment[i] != before[i]:
                move(i, before[i], alignment[i], setting.capability, weights, sums, mass)


@bare
def observe(
    step: int, total: float, setting: Setting, situation: Situation, env: Environment, desk: Desk, record: Record
) -> None:
    """Record a step (MODEL §7); total is the weight of all pairs."""
    row = record.outcomes[step]
    outcomes.write_outcomes(desk.before, desk.alignment, setting, env, row)
    row[outcomes.FRUSTRATION] = outcomes.frustration(desk.alignment, desk.pairs, total, desk.lanes)
    for i in range(desk.alignment.size):
        held = desk.alignment[i]
        record.alignment[step, i] = held
        record.bite[step, i] = env.bite[i]
        record.stability[step, i] = outcomes.regime_stability(
            i, held, desk.sums[:, OPEN_PRODUCT, i], desk.mass, setting, situation, env
        )


@bare
def follow(
    seed: np.uint64, replicate: np.uint64, activation: int, rest: bool, setting: Setting, situation: Situation,
    shocks: Shocks, weights: Weights, env: Environment, desk: Desk, record: Record,
) -> None:  # fmt: skip
    """One run, written to record (MODEL §3); where ties do not rest, situation and weights are consumed."""
    alignment, total = desk.alignment, 0.0
    draw(seed, replicate, 0, setting.codes, desk.keys, desk.uniforms)
    starting_alignment(setting, desk.uniforms, alignment)
    masses(alignment, setting.capability, desk.mass)
    if rest:
        hostilities(situation, desk.hostile)
        total = outcomes.weigh_pairs(setting, situation, desk.hostile, desk.pairs, desk.lanes)
        tally_all(alignment, weights, desk.sums)
    for step in range(record.alignment.shape[0]):
        shocked = not rest and (apply_shocks(step, shocks, situation) or step == 0)
        refresh(shocked, setting, situation, weights, desk)
        masses(alignment, setting.product, desk.product)
        assess(step, desk.product, setting, situation, weights, env)
        for i in range(alignment.size):
            desk.before[i] = alignment[i]
        if step > 0:
            draw(seed, replicate, step, setting.codes, desk.keys, desk.uniforms)
            decide_all(activation, setting, situation, weights, env, desk, record.chances[step])
            respond_ties(alignment, setting, situation, env, desk.hostile, desk.strain)
            if hostility_drifts(situation.parameters):
                hostilities(situation, desk.hostile)
        if shocked or bonds_drift(situation.parameters) or hostility_drifts(situation.parameters):
            total = outcomes.weigh_pairs(setting, situation, desk.hostile, desk.pairs, desk.lanes)
        observe(step, total, setting, situation, env, desk, record)


@compiled
def trajectory(
    seed: np.uint64, replicate: np.uint64, activation: int, steps: int, columns: int,
    setting: Setting, start: Situation, at_start: Weights, shocks: Shocks,
) -> Record:  # fmt: skip
    """One run of that many steps and outcomes: all its room is made here, once, and nothing in the loops.

    at_start are the weights of the start's ties; where no tie ever changes, they are the run's.
    """
    n, k, rows = setting.capability.size, setting.allowed.size, steps + 1
    record = Record(
        np.empty((rows, n), dtype=np.int64), np.empty((rows, n, k)),
        np.empty((rows, n)), np.empty((rows, n)), np.empty((rows, columns)),
    )  # fmt: skip
    record.chances[0] = np.nan
    rest = shocks.kind.size == 0 and not (bonds_drift(start.parameters) or hostility_drifts(start.parameters))
    situation = start if rest else copied(start)
    weights = at_start if rest else Weights(np.empty((len(LAYERS), n, n)), np.empty((n, k)))
    env = Environment(np.zeros(k - 1), np.zeros(start.priority.shape), np.zeros(k - 1), np.zeros(n))
    desk = desk_for(n, k)
    follow(seed, replicate, activation, rest, setting, situation, shocks, weights, env, desk, record)
    return record


def recorded(world: World, *, seed: int, replicate: int) -> Record:
    """One compiled run of a world, as arrays."""
    columns = len(outcomes.names(world.alignments[1:], world.theatres))
    with np.errstate(over="ignore"):
        return trajectory(
            np.uint64(seed), np.uint64(replicate), world.activation, world.steps, columns,
            world.setting, world.start, world.at_start, world.shocks,
        )  # fmt: skip


def run(scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> Run:
    """One compiled run; equal to `sim.model.run` to the bit."""
    world = world or world_of(scenario)
    names = outcomes.names(world.alignments[1:], world.theatres)
    record = recorded(world, seed=seed, replicate=replicate)
    return Run(seed, replicate, world.states, world.alignments, names, *record)
