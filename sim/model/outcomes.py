"""What is observed of a run: outcomes per step, per state and per run (MODEL §7)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from sim.model.arrays import (
    LAYERS,
    NON_ALIGNED,
    OPEN_PRODUCT,
    Environment,
    Floats,
    Integers,
    Setting,
    Situation,
    Sizes,
    Weights,
    allocate_sizes,
)
from sim.model.jit import compile_inline, compile_rule
from sim.model.rules import (
    PRESSURE_FLOOR,
    W_BOND,
    W_HOSTILITY,
    W_INSTITUTION,
    W_PROPENSITY,
    hostilities,
    masses,
    mean_bite,
    measure_sizes,
    tally,
)

LATE_STEPS = 8  # MODEL §7: a run's late shares are over its last 8 steps

SETTLED_STEPS = 5

SETTLED_CHANGE = 0.05

FRUSTRATION = -2  # its place in the row of outcomes, as `names` has it


@cache
def outcome_names(blocs: tuple[str, ...], theatres: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the outcomes of a step, in the order in which `observe_blocs` writes them."""
    alignments = ("non_aligned", *blocs)
    return (
        *(f"members_{a}" for a in alignments),
        *(f"capability_{a}" for a in alignments),
        *(f"product_{a}" for a in alignments),
        *(f"bite_{a}" for a in alignments),
        *(f"enforcement_{b}" for b in blocs),
        *(f"cohesion_{b}" for b in blocs),
        *(f"leverage_{b}" for b in blocs),
        *(f"attention_{b}_{r}" for b in blocs for r in theatres),
        "polarization",
        "frustration",
        "switches",
    )


def describe_outcome(name: str) -> str:
    """What an outcome means, with its unit."""
    for start, meaning in MEANINGS.items():
        if name == start or name.startswith(start + "_"):
            return meaning
    raise KeyError(name)


MEANINGS = {
    "members": "states in the alignment, count",
    "capability": "share of the world's capabilities, 0 to 1",
    "product": "share of the world's product, 0 to 1",
    "bite": "mean share of the world's product closed to a member by sanctions, 0 to 1; undefined when empty",
    "enforcement": "how hard the bloc presses states that align elsewhere, 0 to 1",
    "cohesion": "share of the attention asked of the bloc that its budget can give, 0 to 1",
    "leverage": "capability over that of the largest other bloc; undefined where no other has any",
    "attention": "attention of the bloc to the theatre, in units of priority",
    "polarization": "Esteban and Ray's index with α = 1, weighted by capability",
    "frustration": "share of the pairs' weight, by capability, that the blocs violate, 0 to 1",
    "switches": "states whose alignment changed in the step, count",
    "consolidation_step": "first step from which no bloc's capability share moves by more than 0.05 in 5 steps",
    "regime_stability": "1 less what sanctions close and pressure adds, plus what the bloc offers, 0 to 1",
}


@compile_inline
def polarization(capability: Floats) -> float:
    """Esteban & Ray (1994) with α = 1 over the blocs and the non-aligned as one group; capability, (K + 1,).

    Distance is 1 between two blocs, 0.5 from a bloc to the non-aligned.
    """
    total = 0.0
    for a in range(capability.size):
        for b in range(capability.size):
            if a != b:
                distance = 0.5 if a == NON_ALIGNED or b == NON_ALIGNED else 1.0
                total += capability[a] ** 2 * capability[b] * distance
    return total


@compile_inline
def weigh_pairs(setting: Setting, situation: Situation, hostile: Floats, pairs: Floats, lanes: Floats) -> float:
    """c_i c_j p_ij of every pair j < i, written to pairs[i, j], (N, N); returns Σ c_i c_j |p_ij|.

    hostile, (N, N), is H. The sum is taken by column into lanes, (N,), so that the compiler adds several at once.
    """
    clear_lanes(lanes)
    for i in range(lanes.size):
        weigh_pairs_of(i, setting, situation, hostile, pairs[i])
        add_sizes(i, pairs[i], lanes)
    return sum_in_order(lanes)


@compile_inline
def weigh_pairs_of(i: int, setting: Setting, situation: Situation, hostile: Floats, row: Floats) -> None:
    """c_i c_j p_ij of the pairs of i with every j < i, written to row, (N,).

    p_ij sums the weighted propensity, bond, institution and hostility of the pair.
    """
    p, c = situation.parameters, setting.capability
    w_p, w_b, w_g, w_h = p[W_PROPENSITY], p[W_BOND], p[W_INSTITUTION], p[W_HOSTILITY]
    P, B, G, H, c_i = setting.propensity[i], situation.bond[i], situation.institution[i], hostile[i], c[i]
    for j in range(i):
        row[j] = c_i * c[j] * (w_p * P[j] + w_b * B[j] + w_g * G[j] - w_h * H[j])


@compile_inline
def clear_lanes(lanes: Floats) -> None:
    """Set lanes to 0."""
    for j in range(lanes.size):
        lanes[j] = 0.0


@compile_inline
def add_sizes(i: int, row: Floats, lanes: Floats) -> None:
    """Add what the pairs of i with every j < i weigh, whatever its sign, to lanes, (N,)."""
    for j in range(i):
        lanes[j] += abs(row[j])


@compile_inline
def add_violated(i: int, alignment: Integers, row: Floats, lanes: Floats) -> None:
    """Add what the pairs of i with every j < i weigh that the blocs violate to lanes, (N,)."""
    if alignment[i] != NON_ALIGNED:  # whoever is violates nothing
        for j in range(i):
            lanes[j] += violated_weight(alignment[i], alignment[j], row[j])


@compile_rule
def weigh_all_pairs(setting: Setting, situation: Situation) -> tuple[Floats, float]:
    """What every pair weighs with the ties as they stand, (N, N), and the sum of their sizes."""
    shape = situation.bond.shape
    hostile, pairs, lanes = np.empty(shape), np.empty(shape), np.empty(shape[0])
    hostilities(situation, hostile)
    return pairs, weigh_pairs(setting, situation, hostile, pairs, lanes)


@compile_inline
def pair_tie(
    w_p: float, propensity: float, w_b: float, bond: float, w_g: float, institution: float, w_h: float, hostile: float
) -> float:
    """p_ij: what draws two states together less what drives them apart, each by its weight (MODEL §7)."""
    return w_p * propensity + w_b * bond + w_g * institution - w_h * hostile


@compile_inline
def violated_weight(a: int, b: int, weight: float) -> float:
    """|c_i c_j p_ij| where alignments a and b violate it, else 0: p > 0 across blocs, or p < 0 within one.

    A pair with a non-aligned state violates nothing.
    """
    return abs(weight) if (a != NON_ALIGNED) & (b != NON_ALIGNED) & ((a == b) == (weight < 0.0)) else 0.0


@compile_inline
def sum_in_order(lanes: Floats) -> float:
    """Sum from the first to the last."""
    total = 0.0
    for j in range(lanes.size):
        total += lanes[j]
    return total


@compile_inline
def frustration_share(alignment: Integers, pairs: Floats, total: float, lanes: Floats) -> float:
    """Share of Σ c_i c_j |p_ij| over pairs that the blocs violate; 0 where there is no weight.

    pairs, (N, N), and total are those of `weigh_pairs`; lanes, (N,), is room to add in.
    """
    clear_lanes(lanes)
    for i in range(lanes.size):
        add_violated(i, alignment, pairs[i], lanes)
    return sum_in_order(lanes) / total if total > 0.0 else 0.0


@compile_inline
def frustration_from_ties(
    alignment: Integers, setting: Setting, situation: Situation, hostile: Floats, row: Floats, lanes: Floats,
    total_lanes: Floats,
) -> float:  # fmt: skip
    """The same with the pairs weighed as their ties stand, a row at a time, so that the row stays in the cache.

    hostile, (N, N), is H; row, lanes and total_lanes, (N,), are room to work in.
    """
    clear_lanes(lanes)
    clear_lanes(total_lanes)
    for i in range(lanes.size):
        weigh_pairs_of(i, setting, situation, hostile, row)
        add_sizes(i, row, total_lanes)
        add_violated(i, alignment, row, lanes)
    total = sum_in_order(total_lanes)
    return sum_in_order(lanes) / total if total > 0.0 else 0.0


@compile_inline
def leverage(capability: Floats, k: int) -> float:
    """Capability of bloc k over that of the largest other bloc (§18); NaN where no other has any."""
    largest = 0.0
    for other in range(1, capability.size):
        if other != k:
            largest = max(largest, capability[other])
    return capability[k] / largest if largest > 0.0 else np.nan


@compile_rule
def observe_blocs(
    before: Integers,
    alignment: Integers,
    setting: Setting,
    situation: Situation,
    env: Environment,
    row: Floats,
) -> None:
    """Write the outcomes of a step to row with the weights of pairs taken anew: what the agents' model does."""
    sizes = allocate_sizes(env.cohesion.size + 1)
    measure_sizes(alignment, setting, sizes)
    pairs, total = weigh_all_pairs(setting, situation)
    write_outcomes(before, alignment, sizes, env, row)
    row[FRUSTRATION] = frustration_share(alignment, pairs, total, np.empty(alignment.size))


@compile_inline
def write_outcomes(before: Integers, alignment: Integers, sizes: Sizes, env: Environment, row: Floats) -> None:
    """Write the outcomes of a step but frustration to row, which comes as it was left, in the order of `names`.

    Alignments, and the sizes that go with them, are those after the step, the values of §4 those in it.
    """
    groups, blocs, theatres = env.cohesion.size + 1, env.cohesion.size, env.attention.shape[1]
    bite = row[3 * groups : 4 * groups]
    mean_bite(alignment, env.bite, sizes.members, bite)
    for a in range(groups):
        row[a] = sizes.members[a]
        row[groups + a] = sizes.capability[a]
        row[2 * groups + a] = sizes.product[a]
        if sizes.members[a] == 0.0:
            bite[a] = np.nan
    place = 4 * groups
    for k in range(blocs):
        row[place + k] = env.enforcement[k]
        row[place + blocs + k] = env.cohesion[k]
        row[place + 2 * blocs + k] = leverage(sizes.capability, k + 1)
        for r in range(theatres):
            row[place + 3 * blocs + k * theatres + r] = env.attention[k, r]
    row[-3] = polarization(sizes.capability)
    switches = 0
    for i in range(alignment.size):
        switches += before[i] != alignment[i]
    row[-1] = switches


@compile_inline
def pressure_by_theatre(capability: Floats, situation: Situation, env: Environment, felt: Floats) -> None:
    """Pressure φ on the members of each alignment in each theatre, written to felt, (K + 1, R) (§20).

    capability, (K + 1,), is that of each alignment. Blocs press the members of other blocs alone.
    """
    floor = situation.parameters[PRESSURE_FLOOR]
    for held in range(felt.shape[0]):
        for r in range(felt.shape[1]):
            pressure = 0.0
            for k in range(1, capability.size):
                if held not in (NON_ALIGNED, k):
                    pressure += env.pressing[k - 1, r] * capability[k] * floor
            felt[held, r] = pressure


@compile_inline
def regime_stability(held: int, bite: float, pressure: float, open_product: Floats) -> float:
    """1 − min(1, max(0, σ + φ − q)) of a state, in [0, 1], by its bite σ and the pressure φ it feels (§12, §20).

    open_product, (K + 1,), is the product open to it by alignment; q is that in its own bloc and half of that
    among the non-aligned.
    """
    offered = 0.5 * open_product[NON_ALIGNED]
    if held != NON_ALIGNED:
        offered += open_product[held]
    return 1.0 - min(1.0, max(0.0, bite + pressure - offered))


@compile_rule
def stability_from_ties(
    i: int, alignment: Integers, setting: Setting, situation: Situation, weights: Weights, env: Environment
) -> float:
    """Regime stability of state i with all sums taken anew: what one agent observes of itself."""
    sums = np.empty((env.cohesion.size + 1, len(LAYERS)))
    capability, felt = np.empty(env.cohesion.size + 1), np.empty((env.cohesion.size + 1, env.pressing.shape[1]))
    tally(i, alignment, weights, sums)
    masses(alignment, setting.capability, capability)
    pressure_by_theatre(capability, situation, env, felt)
    held = alignment[i]
    return regime_stability(held, env.bite[i], felt[held, setting.theatre[i]], sums[:, OPEN_PRODUCT])


def late_shares(alignment: Integers, alignments: int) -> Floats:
    """Share of the last 8 steps that each state spends in each alignment, (…, K + 1), from (T + 1, …)."""
    late = alignment[1:][-LATE_STEPS:]
    return np.stack([(late == a).mean(axis=0) for a in range(alignments)], axis=-1)


def late_mean(values: Floats) -> Floats:
    """Mean over the last 8 steps, (…), from (T + 1, …): of the steps where it is defined, NaN if there is none."""
    late = values[1:][-LATE_STEPS:]
    known = ~np.isnan(late)
    counts = known.sum(axis=0)
    sums = np.where(known, late, 0.0).sum(axis=0)
    means: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


def consolidation_step(capability: Floats) -> Floats:
    """First step from which no bloc's share moves by more than 0.05 in the 5 steps that follow, (…); NaN if none.

    capability is (T + 1, …, K), the blocs' shares from the start on; the start itself counts as step 0.
    """
    steps = max(len(capability) - SETTLED_STEPS, 0)
    now = capability[:steps]
    moves = np.zeros(now.shape[:-1])
    for ahead in range(1, SETTLED_STEPS + 1):
        moves = np.maximum(moves, np.abs(capability[ahead : ahead + steps] - now).max(axis=-1, initial=0.0))
    settled = moves <= SETTLED_CHANGE
    first: Floats = np.where(settled.any(axis=0), settled.argmax(axis=0) if steps else 0, np.nan)
    return first


def last_steps(steps: int | Iterable[int]) -> str:
    """The steps that means are over, such as `the last 8 steps`, for runs of so many steps, or of several numbers.

    Shorter runs than 8 steps are averaged over all steps but the start.
    """
    lengths = {steps} if isinstance(steps, int) else set(steps)
    counts = sorted({min(length, LATE_STEPS) for length in lengths}) or [LATE_STEPS]
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    return "the last step" if counts == [1] else f"the last {number} steps"
