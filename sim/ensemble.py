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
    BOND_GAIN,
    BOND_LOSS,
    BOND_RETURN,
    LAYERS,
    OPEN_PRODUCT,
    OUTREACH,
    RIVALRY_GAIN,
    RIVALRY_LOSS,
    SANCTION_RELIEF,
    SANCTION_RESPONSE,
    SIMULTANEOUS,
    TERMS,
    Environment,
    Floats,
    Integers,
    Setting,
    Shocks,
    Situation,
    Weights,
    apply_shocks,
    assess,
    consider,
    decision_order,
    draw,
    masses,
    respond,
    starting_alignment,
    weigh,
    weigh_bonds,
)
from sim.model import Run
from sim.scenario import Scenario
from sim.world import World, world_of


class Record(NamedTuple):
    """What is kept of a run, the start included."""

    alignment: Integers  # (T + 1, N)
    chances: Floats  # (T + 1, N, K + 1)
    stability: Floats  # (T + 1, N)
    bite: Floats  # (T + 1, N)
    outcomes: Floats  # (T + 1, outcomes)


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
    """Keep the sums up as state j moves from one alignment to another."""
    for layer in range(sums.shape[1]):
        for i in range(sums.shape[2]):
            brought = weights.brings[layer, j, i]
            sums[old, layer, i] -= brought
            sums[new, layer, i] += brought
    mass[old] -= capability[j]
    mass[new] += capability[j]


@bare
def refresh(
    shocked: bool, alignment: Integers, setting: Setting, situation: Situation, weights: Weights, sums: Floats
) -> None:
    """Bring weights and sums up to the ties, where they changed since the last step."""
    p = situation.parameters
    if shocked or p[RIVALRY_GAIN] + p[RIVALRY_LOSS] + p[SANCTION_RESPONSE] + p[SANCTION_RELIEF] > 0.0:
        weigh(setting, situation, weights)
        for layer in range(sums.shape[1]):
            tally_layer(layer, alignment, weights, sums)
    elif p[BOND_RETURN] + p[BOND_GAIN] + p[BOND_LOSS] + p[OUTREACH] > 0.0:
        weigh_bonds(setting, situation, weights)
        tally_layer(BOND, alignment, weights, sums)


@bare
def observe(
    step: int, before: Integers, alignment: Integers, sums: Floats, mass: Floats, setting: Setting,
    situation: Situation, env: Environment, record: Record,
) -> None:  # fmt: skip
    """Record a step (MODEL §7)."""
    outcomes.observe_blocs(before, alignment, setting, situation, env, record.outcomes[step])
    for i in range(alignment.size):
        held = alignment[i]
        record.alignment[step, i] = held
        record.bite[step, i] = env.bite[i]
        record.stability[step, i] = outcomes.regime_stability(
            i, held, sums[:, OPEN_PRODUCT, i], mass, setting, situation, env
        )


@compiled
def trajectory(
    seed: np.uint64, replicate: np.uint64, activation: int,
    setting: Setting, situation: Situation, shocks: Shocks, weights: Weights, env: Environment, record: Record,
) -> None:  # fmt: skip
    """One run, written to record; the situation is consumed (MODEL §3)."""
    n, alignments = setting.capability.size, setting.allowed.size
    keys, uniforms = np.empty(n, dtype=np.uint64), np.empty(n)
    alignment, before = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    sums, mass, product = np.zeros((alignments, len(LAYERS), n)), np.zeros(alignments), np.zeros(alignments)
    terms, utilities = np.zeros((alignments, len(TERMS))), np.zeros(alignments)
    draw(seed, replicate, 0, setting.codes, keys, uniforms)
    starting_alignment(setting, uniforms, alignment)
    masses(alignment, setting.capability, mass)
    record.chances[0] = np.nan
    for step in range(record.alignment.shape[0]):
        shocked = apply_shocks(step, shocks, situation) or step == 0
        refresh(shocked, alignment, setting, situation, weights, sums)
        masses(alignment, setting.product, product)
        assess(step, product, setting, situation, weights, env)
        before[:] = alignment
        if step > 0:
            draw(seed, replicate, step, setting.codes, keys, uniforms)
            for i in decision_order(activation, keys, setting.by_id):
                held = before[i]
                chosen = consider(
                    i, held, uniforms[i], sums[:, :, i], mass,
                    setting, situation, env, terms, utilities, record.chances[step, i],
                )  # fmt: skip
                alignment[i] = chosen
                if chosen != held and activation != SIMULTANEOUS:
                    move(i, held, chosen, setting.capability, weights, sums, mass)
            if activation == SIMULTANEOUS:
                for i in range(n):
                    if alignment[i] != before[i]:
                        move(i, before[i], alignment[i], setting.capability, weights, sums, mass)
            respond(alignment, setting, situation, env)
        observe(step, before, alignment, sums, mass, setting, situation, env, record)


def run(scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> Run:
    """One compiled run; equal to `sim.model.run` to the bit."""
    world = world or world_of(scenario)
    n, alignments, rows = len(world.states), len(world.alignments), world.steps + 1
    names = outcomes.names(world.alignments[1:], world.theatres)
    record = Record(
        np.zeros((rows, n), dtype=np.int64),
        np.zeros((rows, n, alignments)),
        np.zeros((rows, n)),
        np.zeros((rows, n)),
        np.zeros((rows, len(names))),
    )
    luck = np.uint64(seed), np.uint64(replicate)
    situation, weights, env = world.situation(), world.weights(), world.environment()
    with np.errstate(over="ignore"):
        trajectory(*luck, world.activation, world.setting, situation, world.shocks, weights, env, record)
    return Run(seed, replicate, world.states, world.alignments, names, *record)
