"""Worlds of thousands of states: the same run over a list of ties, for a matrix of all pairs would not fit.

The rules are those of `kernel` and `outcomes`; only the places where a tie is looked up differ. A pair that is
not listed has no tie and gets none: so sanctions and rivalries rest, nobody reaches out, and bonds drift where
there is one. All sums are of multiples of 2⁻³⁰, so that the product open to a state is that of a bloc less what
is closed to it, without rounding, and a run equals that of `ensemble` to the bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim import outcomes
from sim.compiled import bare, compiled
from sim.ensemble import Record
from sim.kernel import (
    BOND,
    BOND_GAIN,
    BOND_LOSS,
    BOND_RETURN,
    HOSTILITY,
    INSTITUTION,
    LAYERS,
    OPEN_PRODUCT,
    PROPENSITY,
    SIMULTANEOUS,
    STRAIN,
    TRADE,
    W_BOND,
    W_HOSTILITY,
    W_INSTITUTION,
    W_PROPENSITY,
    Environment,
    Floats,
    Integers,
    Setting,
    Situation,
    Sizes,
    Weights,
    assess,
    bond_after,
    bonds_drift,
    consider,
    draw,
    environment_for,
    exact,
    mean_bite,
    order_by_luck,
    rate,
    size_up,
    sizes_for,
    starting_alignment,
    transfer,
)
from sim.links import Links, SparseWorld
from sim.trajectory import Run


class Room(NamedTuple):
    """Room of a run."""

    alignment: Integers  # (N,)
    before: Integers  # (N,)
    bond: Floats  # (E,), B_ij now
    brings: Floats  # (E, len(LAYERS)): what i brings j; of OPEN_PRODUCT what its sanction takes away
    sums: Floats  # (N, K + 1, len(LAYERS)): sums of these by state and alignment
    seen: Floats  # (K + 1, len(LAYERS)): those of one state, with OPEN_PRODUCT as a sum over all states
    sizes: Sizes
    felt: Floats  # (K + 1, R), pressure on the members of each alignment in each theatre
    pairs: Floats  # (E,), what each pair weighs in frustration
    lanes: Floats  # (N,)


@bare
def weigh_links(setting: Setting, links: Links, room: Room, closed: Floats) -> None:
    """Weights of all ties as they stand at the start (MODEL §5)."""
    c, g = setting.capability, setting.product
    for i in range(c.size):
        for e in range(links.first[i], links.first[i + 1]):
            taken = exact(g[i] * links.sanction[e])
            room.brings[e, PROPENSITY] = exact(c[i] * links.propensity[e])
            room.brings[e, BOND] = exact(c[i] * room.bond[e])
            room.brings[e, INSTITUTION] = exact(c[i] * links.institution[e])
            room.brings[e, HOSTILITY] = exact(c[i] * links.hostile[e])
            room.brings[e, TRADE] = exact(links.dependence[e])
            room.brings[e, OPEN_PRODUCT] = -taken
            if taken > 0.0:
                closed[links.regime[e], links.other[e]] += taken


@bare
def tally_links(links: Links, room: Room) -> None:
    """All sums anew."""
    for i in range(room.alignment.size):
        for k in range(room.sums.shape[1]):
            for layer in range(len(LAYERS)):
                room.sums[i, k, layer] = 0.0
    for i in range(room.alignment.size):
        for e in range(links.first[i], links.first[i + 1]):
            for layer in range(len(LAYERS)):
                room.sums[links.other[e], room.alignment[i], layer] += room.brings[e, layer]


@bare
def move(i: int, old: int, new: int, setting: Setting, links: Links, room: Room) -> None:
    """Keep the sums up as state i moves from one alignment to another."""
    for e in range(links.first[i], links.first[i + 1]):
        j = links.other[e]
        for layer in range(len(LAYERS)):
            room.sums[j, old, layer] -= room.brings[e, layer]
            room.sums[j, new, layer] += room.brings[e, layer]
    transfer(i, old, new, setting, room.sizes)


@bare
def see(i: int, held: int, setting: Setting, room: Room) -> None:
    """What a state sees, written to room.seen: its sums, the open product being a bloc's less what is closed."""
    for k in range(room.seen.shape[0]):
        for layer in range(len(LAYERS)):
            room.seen[k, layer] = room.sums[i, k, layer]
        room.seen[k, OPEN_PRODUCT] += room.sizes.product[k]
    room.seen[held, OPEN_PRODUCT] -= setting.product[i]


@bare
def respond_links(
    setting: Setting, situation: Situation, env: Environment, links: Links, room: Room, strain: Floats
) -> None:
    """Bonds drift where there is one; nobody reaches out (MODEL §6)."""
    p, alignment = situation.parameters, room.alignment
    back, loss = rate(p[BOND_RETURN]), rate(p[BOND_LOSS])
    mean_bite(alignment, env.bite, room.sizes.members, strain)
    for i in range(alignment.size):
        a, c = alignment[i], setting.capability[i]
        gain = rate(p[BOND_GAIN] * (1.0 + p[STRAIN] * strain[a]))
        for e in range(links.first[i], links.first[i + 1]):
            room.bond[e] = bond_after(
                a, alignment[links.other[e]], room.bond[e], links.bond[e], links.hostile[e], back, gain, loss, 0.0, 0.0
            )
            room.brings[e, BOND] = exact(c * room.bond[e])


@bare
def weigh_pairs(setting: Setting, situation: Situation, links: Links, room: Room) -> float:
    """What every tied pair weighs in frustration, written to room.pairs; returns the sum of their sizes."""
    p, c, lanes = situation.parameters, setting.capability, room.lanes
    for j in range(lanes.size):
        lanes[j] = 0.0
    for i in range(lanes.size):
        for e in range(links.first[i], links.first[i + 1]):
            j = links.other[e]
            if j < i:
                room.pairs[e] = c[i] * c[j] * outcomes.pair_tie(
                    p[W_PROPENSITY], links.propensity[e], p[W_BOND], room.bond[e],
                    p[W_INSTITUTION], links.institution[e], p[W_HOSTILITY], links.hostile[e],
                )  # fmt: skip
                lanes[j] += abs(room.pairs[e])
    return outcomes.total_of(lanes)


@bare
def frustration(links: Links, room: Room, total: float) -> float:
    """Share of the pairs' weight that the blocs violate."""
    alignment, lanes = room.alignment, room.lanes
    for j in range(lanes.size):
        lanes[j] = 0.0
    for i in range(lanes.size):
        for e in range(links.first[i], links.first[i + 1]):
            j = links.other[e]
            if j < i:
                lanes[j] += outcomes.violated_weight(alignment[i], alignment[j], room.pairs[e])
    return outcomes.total_of(lanes) / total if total > 0.0 else 0.0


@bare
def observe(
    step: int, total: float, setting: Setting, situation: Situation, env: Environment, links: Links, room: Room,
    record: Record,
) -> None:  # fmt: skip
    """Record a step (MODEL §7)."""
    row = record.outcomes[step]
    outcomes.write_outcomes(room.before, room.alignment, room.sizes, env, row)
    row[outcomes.FRUSTRATION] = frustration(links, room, total)
    outcomes.felt_pressure(room.sizes.capability, situation, env, room.felt)
    for i in range(room.alignment.size):
        held = room.alignment[i]
        see(i, held, setting, room)
        record.alignment[step, i] = held
        record.bite[step, i] = env.bite[i]
        record.stability[step, i] = outcomes.regime_stability(
            held, env.bite[i], room.felt[held, setting.theatre[i]], room.seen[:, OPEN_PRODUCT]
        )


@compiled
def trajectory(
    seed: np.uint64, replicate: np.uint64, activation: int, steps: int, columns: int,
    setting: Setting, situation: Situation, links: Links,
) -> Record:  # fmt: skip
    """One run over the ties that are listed (MODEL §3)."""
    n, k, rows, ties = setting.capability.size, setting.allowed.size, steps + 1, links.other.size
    record = Record(
        np.empty((rows, n), dtype=np.int64), np.empty((rows, n, k)),
        np.empty((rows, n)), np.empty((rows, n)), np.empty((rows, columns)),
    )  # fmt: skip
    record.chances[0] = np.nan
    keys, uniforms = np.empty(n, dtype=np.uint64), np.empty(n)
    order, slots = np.empty(n, dtype=np.int64), np.empty(n + 1, dtype=np.int64)
    utilities, strain = np.empty(k), np.empty(k)
    weights = Weights(np.empty((0, 0, 0)), np.zeros((k, n)))
    env = environment_for(k - 1, situation.priority.shape[1], n)
    room = Room(
        np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), links.bond.copy(),
        np.empty((ties, len(LAYERS))), np.empty((n, k, len(LAYERS))), np.empty((k, len(LAYERS))),
        sizes_for(k), np.empty((k, situation.priority.shape[1])), np.empty(ties), np.empty(n),
    )  # fmt: skip
    alignment, drifting = room.alignment, bonds_drift(situation.parameters)
    draw(seed, replicate, 0, setting.codes, keys, uniforms)
    starting_alignment(setting, uniforms, alignment)
    size_up(alignment, setting, room.sizes)
    weigh_links(setting, links, room, weights.closed)
    tally_links(links, room)
    total = weigh_pairs(setting, situation, links, room)
    for step in range(rows):
        assess(step, room.sizes.product, setting, situation, weights, env)
        room.before[:] = alignment
        if step > 0:
            draw(seed, replicate, step, setting.codes, keys, uniforms)
            order_by_luck(activation, keys, setting.by_id, order, slots)
            for place in range(n):
                i = order[place]
                held = room.before[i]
                see(i, held, setting, room)
                alignment[i] = consider(
                    i, held, uniforms[i], room.seen, room.sizes.capability,
                    setting, situation, env, utilities, record.chances[step, i],
                )  # fmt: skip
                if alignment[i] != held and activation != SIMULTANEOUS:
                    move(i, held, alignment[i], setting, links, room)
            if activation == SIMULTANEOUS:
                for i in range(n):
                    if alignment[i] != room.before[i]:
                        move(i, room.before[i], alignment[i], setting, links, room)
            if drifting:
                respond_links(setting, situation, env, links, room, strain)
                tally_links(links, room)
                total = weigh_pairs(setting, situation, links, room)
        observe(step, total, setting, situation, env, links, room, record)
    return record


def run(world: SparseWorld, *, seed: int, replicate: int = 0) -> Run:
    """One run of a world by its ties; equal to `sim.ensemble.run` to the bit."""
    names = outcomes.names(world.alignments[1:], world.theatres)
    luck = np.uint64(seed), np.uint64(replicate)
    with np.errstate(over="ignore"):
        record = trajectory(*luck, world.activation, world.steps, len(names), world.setting, world.start, world.links)
    return Run(seed, replicate, world.states, world.alignments, names, *record)
