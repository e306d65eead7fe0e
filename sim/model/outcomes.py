"""Outcomes of a run: per step, per state and per run (model: Outcomes)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from sim.model.arrays import (
    LAYERS,
    NON_ALIGNED,
    OPEN_PRODUCT,
    Bytes,
    Environment,
    Floats,
    Integers,
    Situation,
    Sizes,
    Weights,
    WorldSetting,
    allocate_sizes,
)
from sim.model.numerics.jit import compile_apart, compile_inline, compile_rule, compile_within
from sim.model.response import mean_bite
from sim.model.rules import (
    PRESSURE_FLOOR,
    W_BOND,
    W_HOSTILITY,
    W_INSTITUTION,
    W_PROPENSITY,
    fill_hostility,
    measure_sizes,
    sum_contributions,
    sum_shares,
)

LATE_STEPS = {"histories": 8, "tendency": 40}  # model: Outcomes: the last steps of a run in rounds, by lens

SETTLED_STEPS = 5

SETTLED_CHANGE = 0.05

FRUSTRATION = -2  # column in the order of `outcome_names`


@cache
def outcome_names(blocs: tuple[str, ...], theatres: tuple[str, ...]) -> tuple[str, ...]:
    """Name the outcomes of a step, in the order in which `observe_blocs` writes them.

    Parameters
    ----------
    blocs, theatres : tuple of str
        Ids of the K blocs and of the R theatres.

    Returns
    -------
    tuple of str
        4 (K + 1) + 3 K + K R + 3 names.
    """
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
    """Describe an outcome with its unit.

    Parameters
    ----------
    name : str
        Name of an outcome, such as `capability_front`.

    Returns
    -------
    str
        Meaning, unit and range.

    Raises
    ------
    KeyError
        If no outcome has this name.
    """
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
    """Return the index of Esteban & Ray (1994) with α = 1 over blocs and the non-aligned; capability, (K + 1,).

    Distance is 1 between two blocs, 0.5 from a bloc to the non-aligned.
    """
    total = 0.0
    for a in range(capability.size):
        for b in range(capability.size):
            if a != b:
                distance = 0.5 if a == NON_ALIGNED or b == NON_ALIGNED else 1.0
                total += capability[a] * capability[a] * capability[b] * distance
    return total


@compile_apart
def weigh_pairs(setting: WorldSetting, situation: Situation, hostile: Floats, pairs: Floats, sums: Floats) -> float:
    """Write c_i c_j p_ij of every pair j < i to pairs[i, j], (N, N); return Σ c_i c_j |p_ij|.

    hostile, (N, N), is H. Sums by column, (N,), let the compiler vectorise.
    """
    clear_sums(sums)
    for i in range(sums.size):
        weigh_pairs_of(i, setting, situation, hostile, pairs[i])
        add_sizes(i, pairs[i], sums)
    return sum_in_order(sums)


@compile_within
def weigh_pairs_of(i: int, setting: WorldSetting, situation: Situation, hostile: Floats, row: Floats) -> None:
    """Write c_i c_j p_ij of the pairs of i with every j < i to row, (N,).

    p_ij sums the weighted propensity, bond, institution and hostility of the pair.
    """
    p, c = situation.parameters, setting.capability
    w_p, w_b, w_g, w_h = p[W_PROPENSITY], p[W_BOND], p[W_INSTITUTION], p[W_HOSTILITY]
    P, B, G, H, c_i = setting.propensity[i], situation.bond[i], situation.institution[i], hostile[i], c[i]
    for j in range(i):
        row[j] = c_i * c[j] * (w_p * P[j] + w_b * B[j] + w_g * G[j] - w_h * H[j])


@compile_within
def clear_sums(sums: Floats) -> None:
    """Set sums to 0."""
    for j in range(sums.size):
        sums[j] = 0.0


@compile_within
def add_sizes(i: int, row: Floats, sums: Floats) -> None:
    """Add |c_i c_j p_ij| of the pairs of i with every j < i to sums, (N,)."""
    for j in range(i):
        sums[j] += abs(row[j])


@compile_inline
def add_violated(i: int, alignment: Integers, row: Floats, sums: Floats) -> None:
    """Add |c_i c_j p_ij| of the violated pairs of i with j < i to sums, (N,)."""
    if alignment[i] != NON_ALIGNED:  # a pair with a non-aligned state violates nothing
        for j in range(i):
            sums[j] += violated_weight(alignment[i], alignment[j], row[j])


def weigh_all_pairs(setting: WorldSetting, situation: Situation) -> tuple[Floats, float]:
    """Return c_i c_j p_ij of every pair, (N, N), and Σ c_i c_j |p_ij|, from the present ties."""
    shape = situation.bond.shape
    pairs = np.empty(shape)
    return pairs, fill_pairs(setting, situation, np.empty(shape), pairs, np.empty(shape[0]))


@compile_rule
def fill_pairs(setting: WorldSetting, situation: Situation, hostile: Floats, pairs: Floats, sums: Floats) -> float:
    """Do what `weigh_pairs` does, from the present ties; hostile, (N, N), is workspace."""
    fill_hostility(situation, hostile)
    return weigh_pairs(setting, situation, hostile, pairs, sums)


@compile_within
def violated_weight(a: int, b: int, weight: float) -> float:
    """Return |c_i c_j p_ij| where a and b violate it, else 0: p > 0 across blocs, or p < 0 within one.

    A pair with a non-aligned state violates nothing.
    """
    return abs(weight) if (a != NON_ALIGNED) & (b != NON_ALIGNED) & ((a == b) == (weight < 0.0)) else 0.0


@compile_within
def sum_in_order(sums: Floats) -> float:
    """Sum from the first to the last."""
    total = 0.0
    for j in range(sums.size):
        total += sums[j]
    return total


@compile_apart
def frustration_share(alignment: Integers, pairs: Floats, total: float, sums: Floats) -> float:
    """Return the share of Σ c_i c_j |p_ij| that the blocs violate; 0 where the sum is 0.

    pairs, (N, N), and total come from `weigh_pairs`; sums, (N,), is workspace.
    """
    clear_sums(sums)
    for i in range(sums.size):
        add_violated(i, alignment, pairs[i], sums)
    return sum_in_order(sums) / total if total > 0.0 else 0.0


@compile_apart
def frustration_from_ties(
    alignment: Integers, setting: WorldSetting, situation: Situation, hostile: Floats, row: Floats, sums: Floats,
    totals: Floats,
) -> float:  # fmt: skip
    """Return the same from the present ties, one row at a time, because a row fits the processor cache.

    hostile, (N, N), is H; row, sums and totals, (N,), are workspace.
    """
    clear_sums(sums)
    clear_sums(totals)
    for i in range(sums.size):
        weigh_pairs_of(i, setting, situation, hostile, row)
        add_sizes(i, row, totals)
        add_violated(i, alignment, row, sums)
    total = sum_in_order(totals)
    return sum_in_order(sums) / total if total > 0.0 else 0.0


@compile_within
def leverage(capability: Floats, k: int) -> float:
    """Return capability of bloc k over that of the largest other bloc (article §18); NaN where that is 0."""
    largest = 0.0
    for other in range(1, capability.size):
        if other != k:
            largest = max(largest, capability[other])
    return capability[k] / largest if largest > 0.0 else np.nan


def observe_blocs(
    before: Integers, alignment: Integers, setting: WorldSetting, situation: Situation, env: Environment, row: Floats
) -> None:
    """Write the outcomes of a step to row, with pairs weighed from the ties."""
    pairs, total = weigh_all_pairs(setting, situation)
    sizes = allocate_sizes(env.cohesion.size + 1)
    fill_outcomes(before, alignment, pairs, total, setting, env, sizes, row)


@compile_rule
def fill_outcomes(
    before: Integers, alignment: Integers, pairs: Floats, total: float, setting: WorldSetting, env: Environment,
    sizes: Sizes, row: Floats,
) -> None:  # fmt: skip
    """Write the outcomes of a step to row; pairs and their total come from `weigh_all_pairs`."""
    measure_sizes(alignment, setting, sizes)
    write_sizes(sizes, row)
    write_outcomes(before, alignment, sizes, env, row)
    row[FRUSTRATION] = frustration_share(alignment, pairs, total, np.empty(alignment.size))


@compile_within
def write_sizes(sizes: Sizes, row: Floats) -> None:
    """Write members, capability and product of each alignment to row, in the order of `outcome_names`."""
    groups = sizes.members.size
    for a in range(groups):
        row[a] = sizes.members[a]
        row[groups + a] = sizes.capability[a]
        row[2 * groups + a] = sizes.product[a]


@compile_apart
def write_outcomes(before: Integers, alignment: Integers, sizes: Sizes, env: Environment, row: Floats) -> None:
    """Write the outcomes of a step except sizes and frustration to row, in the order of `outcome_names`.

    alignment and sizes are those after the step; env is that of the step.
    """
    groups, blocs, theatres = env.cohesion.size + 1, env.cohesion.size, env.attention.shape[1]
    bite = row[3 * groups : 4 * groups]
    mean_bite(alignment, env.bite, sizes.members, bite)
    for a in range(groups):
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


@compile_within
def pressure_by_theatre(capability: Floats, situation: Situation, env: Environment, pressure: Floats) -> None:
    """Write pressure φ on the members of each alignment in each theatre to pressure, (K + 1, R) (article §20).

    capability, (K + 1,), is that of each alignment. Blocs press only members of other blocs.
    """
    floor = situation.parameters[PRESSURE_FLOOR]
    for a in range(pressure.shape[0]):
        for r in range(pressure.shape[1]):
            total = 0.0
            for k in range(1, capability.size):
                if a not in (NON_ALIGNED, k):
                    total += env.pressing[k - 1, r] * capability[k] * floor
            pressure[a, r] = total


@compile_inline
def regime_stability(current: int, bite: float, pressure: float, open_product: Floats) -> float:
    """Return 1 − min(1, max(0, σ + φ − q)) of a state, in [0, 1], from bite σ and pressure φ (article §12, §20).

    open_product, (K + 1,), is the product open to it by alignment; q is the part in its own bloc and half of the
    part among the non-aligned.
    """
    offered = 0.5 * open_product[NON_ALIGNED]
    if current != NON_ALIGNED:
        offered += open_product[current]
    return 1.0 - min(1.0, max(0.0, bite + pressure - offered))


@compile_rule
def stability_from_ties(
    i: int, alignment: Integers, setting: WorldSetting, situation: Situation, weights: Weights, env: Environment
) -> float:
    """Return regime stability of state i, with all sums computed from the ties."""
    sums = np.empty((env.cohesion.size + 1, len(LAYERS)))
    capability, pressure = np.empty(env.cohesion.size + 1), np.empty((env.cohesion.size + 1, env.pressing.shape[1]))
    sum_contributions(i, alignment, weights, sums)
    sum_shares(alignment, setting.capability, capability)
    pressure_by_theatre(capability, situation, env, pressure)
    current = alignment[i]
    return regime_stability(current, env.bite[i], pressure[current, setting.theatre[i]], sums[:, OPEN_PRODUCT])


def late_window(steps: int, date: str | None, lens: str) -> int:
    """Return how many last steps the outcomes of a run are means over.

    With a calendar one, so that outcomes are those at the end date; in rounds 8; in a tendency 40. A run of fewer
    steps is averaged over all its steps except the start.
    """
    return min(steps, 1 if date is not None and lens == "histories" else LATE_STEPS[lens])


def late_shares(alignment: Integers | Bytes, alignments: int, window: int) -> Floats:
    """Return the share of the last steps, as many as `window`, in each alignment, (…, K + 1), from (T + 1, …)."""
    late = alignment[1:][-window:]
    return np.stack([(late == a).mean(axis=0) for a in range(alignments)], axis=-1)


def late_mean(values: Floats, window: int) -> Floats:
    """Return the mean over the defined values of the last steps, (…), from (T + 1, …); NaN if none is defined."""
    late = values[1:][-window:]
    known = ~np.isnan(late)
    counts = known.sum(axis=0)
    sums = np.where(known, late, 0.0).sum(axis=0)
    means: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


def consolidation_step(capability: Floats) -> Floats:
    """Return the first step from which no bloc's share moves by more than 0.05 in 5 steps, (…); NaN if none.

    capability, (T + 1, …, K), holds the shares of blocs from step 0 on.
    """
    steps = max(len(capability) - SETTLED_STEPS, 0)
    now = capability[:steps]
    moves = np.zeros(now.shape[:-1])
    for ahead in range(1, SETTLED_STEPS + 1):
        moves = np.maximum(moves, np.abs(capability[ahead : ahead + steps] - now).max(axis=-1, initial=0.0))
    stable = moves <= SETTLED_CHANGE
    first: Floats = np.where(stable.any(axis=0), stable.argmax(axis=0) if steps else 0, np.nan)
    return first


def last_steps(windows: int | Iterable[int]) -> str:
    """Describe the last steps that a mean is over, such as `the last 8 steps`, for one window or several."""
    counts = sorted({windows} if isinstance(windows, int) else set(windows)) or [LATE_STEPS["histories"]]
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    return "the last step" if counts == [1] else f"the last {number} steps"
