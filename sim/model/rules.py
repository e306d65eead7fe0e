"""The rules of the model: shocks, weights, environment and decision, as compiled functions on arrays.

Agents (`StateAgent`) and compiled runs call the same functions.
Notation: N states, K blocs, R theatres, T steps; alignment 0 is non-aligned, 1..K are the blocs. Ties are
matrices with states in the world's order and a zero diagonal; `sanction[j, i]` is sender j on target i.
"""

from __future__ import annotations

import numpy as np

from sim.model.arrays import (
    BOND,
    DRAWN_START,
    HOSTILITY,
    INSTITUTION,
    LAYERS,
    LIKENESS,
    NON_ALIGNED,
    OPEN_PRODUCT,
    PARAMETERS,
    PROPENSITY,
    QUANTUM,
    SHOCK_ACCOMMODATION,
    SHOCK_BOND,
    SHOCK_BUDGET,
    SHOCK_ENFORCEMENT,
    SHOCK_INSTITUTION,
    SHOCK_POLYARCHY,
    SHOCK_PRIORITY,
    SHOCK_RIVALRY,
    SHOCK_SANCTION,
    SHOCK_UPHEAVAL,
    TRADE,
    Environment,
    Flags,
    Floats,
    Integers,
    Shocks,
    Situation,
    Sizes,
    Terms,
    Weights,
    WorldSetting,
)
from sim.model.numerics.arithmetic import exponential
from sim.model.numerics.jit import compile_apart, compile_inline, compile_rule, compile_within

(
    W_PROPENSITY, W_BOND, W_INSTITUTION, W_HOSTILITY, W_BALANCE, W_TRADE, W_SHELTER,
    W_PRESSURE, PRESSURE_FLOOR, W_AUTONOMY, INERTIA, TEMPERATURE,
    EROSION, ACCOMMODATION_COST,
    BOND_RETURN, BOND_GAIN, BOND_LOSS, STRAIN, OUTREACH,
    RIVALRY_GAIN, RIVALRY_LOSS, SANCTION_RESPONSE, SANCTION_RELIEF,
    W_LIKENESS, W_HEDGING, RENEWAL,
) = range(len(PARAMETERS))  # fmt: skip


@compile_apart
def fill_initial_alignment(setting: WorldSetting, uniforms: Floats, alignment: Integers) -> None:
    """Write the alignments of the start; random and drawn ones take the uniforms (model: Entities)."""
    choices = 0
    for k in range(setting.allowed.size):
        choices += setting.allowed[k]
    for i in range(alignment.size):
        alignment[i] = setting.initial[i]
        if alignment[i] == DRAWN_START:
            alignment[i] = 0
            while uniforms[i] >= setting.initial_chances[i, alignment[i]]:
                alignment[i] += 1
        elif alignment[i] < 0:
            left = int(uniforms[i] * choices)
            for k in range(setting.allowed.size):
                if setting.allowed[k]:
                    if left == 0:
                        alignment[i] = k
                    left -= 1


@compile_apart
def apply_shocks(step: int, shocks: Shocks, situation: Situation) -> bool:
    """Apply the shocks of a step to the situation; return whether there are any."""
    for e in range(shocks.first[step], shocks.first[step + 1]):
        kind, i, j, value = shocks.kind[e], shocks.i[e], shocks.j[e], shocks.value[e]
        if kind == SHOCK_BOND:
            if not (shocks.existing[e] and situation.bond_origin[i, j] == 0.0):
                situation.bond[i, j] = situation.bond[j, i] = value
                situation.bond_origin[i, j] = situation.bond_origin[j, i] = value
        elif kind == SHOCK_INSTITUTION:
            situation.institution[i, j] = situation.institution[j, i] = value
        elif kind == SHOCK_RIVALRY:
            if not (shocks.existing[e] and situation.rivalry[i, j] == 0.0):
                situation.rivalry[i, j] = situation.rivalry[j, i] = value
        elif kind == SHOCK_SANCTION:
            if not (shocks.existing[e] and situation.sanction[i, j] == 0.0):
                situation.sanction[i, j] = value
                if shocks.regime[e] > 0 or not shocks.existing[e]:
                    situation.regime[i, j] = shocks.regime[e]
        elif kind == SHOCK_PRIORITY:
            situation.priority[i, j] = value
        elif kind == SHOCK_ENFORCEMENT:
            situation.enforcement[i] = value
        elif kind == SHOCK_BUDGET:
            situation.attention_budget[i] = value
        elif kind == SHOCK_ACCOMMODATION:
            situation.accommodation[i] = value
        elif kind == SHOCK_POLYARCHY:
            situation.polyarchy[i] = value
        elif kind == SHOCK_UPHEAVAL:
            situation.upheaval[i] = j
        else:
            situation.parameters[i] = value
    return bool(shocks.first[step] < shocks.first[step + 1])


@compile_inline
def round_to_quantum(x: float) -> float:
    """Round to a multiple of 2⁻³⁰; sums of up to 2²² such numbers below 1 are exact."""
    return np.rint(x * 2.0**30) * QUANTUM


@compile_inline
def hostility(rivalry: Floats, sanction: Floats, i: int, j: int) -> float:
    """Return H_ij = max(R_ij, S_ij, S_ji) (model: Entities)."""
    return max(rivalry[i, j], max(sanction[i, j], sanction[j, i]))


@compile_apart
def fill_hostility(situation: Situation, hostile: Floats) -> None:
    """Write H of every pair to hostile, (N, N)."""
    for i in range(hostile.shape[0]):
        for j in range(i):
            hostile[i, j] = hostility(situation.rivalry, situation.sanction, i, j)
        hostile[i, i] = 0.0
    mirror_lower(hostile)


@compile_inline
def mirror_lower(ties: Floats) -> None:
    """Copy the lower half of ties, (N, N), to the upper half, in bands that fit the processor cache."""
    n, band = ties.shape[0], 16
    for first in range(0, n, band):
        end = min(first + band, n)
        for j in range(end):
            row = ties[j]
            for i in range(max(first, j + 1), end):
                row[i] = ties[i, j]


@compile_within
def bonds_drift(parameters: Floats) -> bool:
    """Return whether bonds respond to alignments."""
    p = parameters
    return bool(p[BOND_RETURN] + p[BOND_GAIN] + p[BOND_LOSS] + p[OUTREACH] > 0.0)


@compile_within
def hostility_drifts(parameters: Floats) -> bool:
    """Return whether rivalries or sanctions respond to alignments."""
    p = parameters
    return bool(p[RIVALRY_GAIN] + p[RIVALRY_LOSS] + p[SANCTION_RESPONSE] + p[SANCTION_RELIEF] > 0.0)


@compile_within
def ties_drift(parameters: Floats) -> bool:
    """Return whether any ties respond to alignments."""
    return bonds_drift(parameters) or hostility_drifts(parameters)


@compile_rule
def weigh_ties(every: bool, setting: WorldSetting, situation: Situation, hostile: Floats, weights: Weights) -> None:
    """Compute weights from the present ties: every one, or those of ties that respond (model: Decision).

    Where it weighs hostility, it writes H of every pair to hostile, (N, N).
    """
    if every:
        weigh_shocked_ties(setting, situation, weights)
    if every or bonds_drift(situation.parameters):
        weigh_bonds(setting, situation, weights)
    if every or hostility_drifts(situation.parameters):
        fill_hostility(situation, hostile)
        weigh_hostility(setting, situation, hostile, weights)


@compile_apart
def weigh_shocked_ties(setting: WorldSetting, situation: Situation, weights: Weights) -> None:
    """Compute the weights of ties that change only by shocks: propensity, institutions, trade, likeness."""
    c, contributions = setting.capability, weights.contributions
    for j in range(c.size):
        for i in range(c.size):
            contributions[j, PROPENSITY, i] = round_to_quantum(c[j] * setting.propensity[j, i])
            contributions[j, INSTITUTION, i] = round_to_quantum(c[j] * situation.institution[j, i])
            alike = likeness(situation.polyarchy[j], situation.polyarchy[i]) if i != j else 0.0
            contributions[j, LIKENESS, i] = round_to_quantum(c[j] * alike)
        for i in range(c.size):
            contributions[j, TRADE, i] = round_to_quantum(setting.dependence[i, j])


@compile_inline
def likeness(one: float, other: float) -> float:
    """Return likeness L of two states from their polyarchy, in [-1, 1]; 0 where either is NaN (model: Entities)."""
    alike = 1.0 - 2.0 * abs(one - other)
    return alike if alike == alike else 0.0


@compile_apart
def weigh_bonds(setting: WorldSetting, situation: Situation, weights: Weights) -> None:
    """Compute the weights of bonds."""
    for j in range(setting.capability.size):
        weigh_state_bonds(j, setting, situation, weights)


@compile_within
def weigh_state_bonds(j: int, setting: WorldSetting, situation: Situation, weights: Weights) -> None:
    """Compute the weights of the bonds of j."""
    for i in range(setting.capability.size):
        weights.contributions[j, BOND, i] = round_to_quantum(setting.capability[j] * situation.bond[j, i])


@compile_apart
def weigh_hostility(setting: WorldSetting, situation: Situation, hostile: Floats, weights: Weights) -> None:
    """Compute the weights of hostility and of the product that sanctions close or leave open."""
    c, g, S, contributions = setting.capability, setting.product, situation.sanction, weights.contributions
    for k in range(weights.closed_product.shape[0]):
        for i in range(c.size):
            weights.closed_product[k, i] = 0.0
    for j in range(c.size):
        for i in range(c.size):
            contributions[j, HOSTILITY, i] = round_to_quantum(c[j] * hostile[j, i])
            contributions[j, OPEN_PRODUCT, i] = g[j] - round_to_quantum(g[j] * S[j, i])
        contributions[j, OPEN_PRODUCT, j] = 0.0
        for i in range(c.size):
            if S[j, i] > 0.0:
                weights.closed_product[situation.regime[j, i], i] += round_to_quantum(g[j] * S[j, i])


@compile_inline
def sum_shares(alignment: Integers, shares: Floats, mass: Floats) -> None:
    """Sum shares (capability or product) by alignment into mass, (K + 1,)."""
    for k in range(mass.size):
        mass[k] = 0.0
    for i in range(alignment.size):
        mass[alignment[i]] += shares[i]


@compile_apart
def measure_sizes(alignment: Integers, setting: WorldSetting, sizes: Sizes) -> None:
    """Write members, capability and product of every alignment to sizes."""
    sum_shares(alignment, setting.capability, sizes.capability)
    sum_shares(alignment, setting.product, sizes.product)
    for k in range(sizes.members.size):
        sizes.members[k] = 0.0
    for i in range(alignment.size):
        sizes.members[alignment[i]] += 1.0


@compile_inline
def transfer_sizes(i: int, old: int, new: int, setting: WorldSetting, sizes: Sizes) -> None:
    """Update sizes for the move of state i from one alignment to another."""
    sizes.members[old] -= 1.0
    sizes.members[new] += 1.0
    sizes.capability[old] -= setting.capability[i]
    sizes.capability[new] += setting.capability[i]
    sizes.product[old] -= setting.product[i]
    sizes.product[new] += setting.product[i]


@compile_inline
def attention(crisis: Floats, priority: Floats, budget: float, out: Floats) -> float:
    """Write a bloc's attention θ to each theatre to out, (R,); return cohesion s (model: Environment; article §20)."""
    demand = 0.0
    for r in range(out.size):
        out[r] = priority[r] + crisis[r]
        demand += out[r]
    cohesion = min(1.0, budget / demand) if demand > 0.0 else 1.0
    for r in range(out.size):
        out[r] *= cohesion
    return cohesion


@compile_inline
def surviving_enforcement(
    e0: float, product_elsewhere: float, accommodation: float, erosion: float, accommodation_cost: float
) -> float:
    """Return enforcement e of a bloc after erosion and accommodation (model: Environment; article §14, §23)."""
    return e0 * max(0.0, 1.0 - erosion * product_elsewhere) * max(0.0, 1.0 - accommodation_cost * accommodation)


@compile_apart
def assess_environment(
    step: int,
    product_mass: Floats,
    setting: WorldSetting,
    situation: Situation,
    weights: Weights,
    env: Environment,
) -> None:
    """Compute cohesion, attention, enforcement, pressing and bite at a step into env (model: Environment)."""
    p = situation.parameters
    blocs = env.cohesion.size
    for k in range(blocs):
        env.cohesion[k] = attention(
            setting.crisis[step], situation.priority[k], situation.attention_budget[k], env.attention[k]
        )
        elsewhere = 0.0
        for other in range(blocs):
            if other != k:
                elsewhere += product_mass[other + 1]
        env.enforcement[k] = surviving_enforcement(
            situation.enforcement[k], elsewhere, situation.accommodation[k], p[EROSION], p[ACCOMMODATION_COST]
        )
        for r in range(env.attention.shape[1]):
            env.pressing[k, r] = env.enforcement[k] * env.attention[k, r]
    for i in range(env.bite.size):
        env.bite[i] = weights.closed_product[0, i]
    for k in range(blocs):
        enforced = env.enforcement[k] * env.cohesion[k]
        for i in range(env.bite.size):
            env.bite[i] += enforced * weights.closed_product[k + 1, i]
    for i in range(env.bite.size):
        env.bite[i] = min(1.0, round_to_quantum(env.bite[i]))


@compile_apart
def sum_contributions(i: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """Sum what the states of each alignment add to it for i, by layer, into sums, (K + 1, len(LAYERS))."""
    for k in range(sums.shape[0]):
        for layer in range(sums.shape[1]):
            sums[k, layer] = 0.0
    for j in range(alignment.size):
        for layer in range(sums.shape[1]):
            sums[alignment[j], layer] += weights.contributions[j, layer, i]


ABSENT = -0.0  # the compiler leaves out its sum, which that of 0.0 could change


@compile_inline
def utility_terms(
    i: int, k: int, current: int, sums: Floats, mass: Floats,
    setting: WorldSetting, situation: Situation, env: Environment,
) -> Terms:  # fmt: skip
    """Return the terms of the utility of alignment k to state i, in the order of TERMS (model: Decision).

    sums, (K + 1, layers), and mass, (K + 1,), the capability by alignment, exclude state i.
    """
    p = situation.parameters
    inertia = p[INERTIA] if k == current else 0.0
    if k == NON_ALIGNED:
        bonds = 0.0
        for bloc in range(1, mass.size):
            bonds += sums[bloc, BOND]
        hedging = p[W_HEDGING] * p[W_BOND] * bonds
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, setting.autonomy[i] * p[W_AUTONOMY], hedging, inertia
    bite, theatre, floor = env.bite[i], setting.theatre[i], p[PRESSURE_FLOOR]
    leader = setting.leader[k - 1]
    leader_rivalry = situation.rivalry[i, leader] if leader >= 0 else 0.0
    leader_sanction = situation.sanction[leader, i] if leader >= 0 else 0.0
    threat = 0.0
    pressure = 0.0
    for other in range(1, mass.size):
        if other != k:
            threat += sums[other, HOSTILITY]
            stake = floor + (1.0 - floor) * sums[other, TRADE] * (1.0 - bite)
            pressure += env.pressing[other - 1, theatre] * mass[other] * stake
    return (
        p[W_PROPENSITY] * sums[k, PROPENSITY],
        p[W_BOND] * sums[k, BOND],
        p[W_INSTITUTION] * sums[k, INSTITUTION],
        p[W_LIKENESS] * sums[k, LIKENESS],
        -p[W_HOSTILITY] * sums[k, HOSTILITY],
        p[W_BALANCE] * mass[k] * threat,
        p[W_TRADE] * sums[k, TRADE],
        p[W_SHELTER] * bite * (1.0 - leader_sanction) * sums[k, OPEN_PRODUCT],
        situation.accommodation[k - 1] * (1.0 - max(leader_rivalry, leader_sanction)),
        -p[W_PRESSURE] * pressure,
        ABSENT,
        ABSENT,
        inertia,
    )


@compile_inline
def utility(terms: Terms) -> float:
    """Sum the terms from the first to the last."""
    a, b, c, d, e, f, g, h, i, j, k, l, m = terms  # noqa: E741  # named by place
    return a + b + c + d + e + f + g + h + i + j + k + l + m


@compile_within
def magnitude(terms: Terms) -> float:
    """Sum the sizes of the terms."""
    a, b, c, d, e, f, g, h, i, j, k, l, m = terms  # noqa: E741  # named by place
    return (
        abs(a) + abs(b) + abs(c) + abs(d) + abs(e) + abs(f) + abs(g) + abs(h) + abs(i) + abs(j) + abs(k) + abs(l)
        + abs(m)
    )  # fmt: skip


@compile_inline
def choice_chances(utilities: Floats, allowed: Flags, temperature: float, current: int, chances: Floats) -> None:
    """Write P(k) of each alignment, (K + 1,): logit over the allowed ones, the best at temperature 0 (model: Decision).

    Ties go to the current alignment, then to the lowest index.
    """
    best, highest = 0, -np.inf
    for k in range(utilities.size):
        if allowed[k] and utilities[k] > highest:
            best, highest = k, utilities[k]
    if temperature == 0.0:
        if allowed[current] and utilities[current] == highest:
            best = current
        for k in range(utilities.size):
            chances[k] = 1.0 if k == best else 0.0
        return
    total = 0.0
    for k in range(utilities.size):
        chances[k] = 1.0 if allowed[k] else 0.0
        if allowed[k] and k != best:
            chances[k] = exponential((utilities[k] - highest) / temperature)
        total += chances[k]
    for k in range(utilities.size):
        chances[k] /= total


@compile_inline
def choose(chances: Floats, u: float) -> int:
    """Return the first alignment at which the cumulative chance exceeds u (model: Decision)."""
    cumulative = 0.0
    last = 0
    for k in range(chances.size):
        if chances[k] > 0.0:
            cumulative += chances[k]
            last = k
            if cumulative > u:
                return k
    return last  # rounding can leave the sum of the chances just below 1


@compile_within
def consider_alignments(
    i: int, current: int, sums: Floats, mass: Floats,
    setting: WorldSetting, situation: Situation, env: Environment,
    utilities: Floats, chances: Floats,
) -> None:  # fmt: skip
    """Write utility and chance of each alignment to state i, (K + 1,) each (model: Decision)."""
    weigh_alignments(i, current, sums, mass, setting, situation, env, utilities)
    assess_chances(i, current, setting, situation, utilities, chances)


@compile_apart
def weigh_alignments(
    i: int, current: int, sums: Floats, mass: Floats,
    setting: WorldSetting, situation: Situation, env: Environment, utilities: Floats,
) -> None:  # fmt: skip
    """Write the utility of each alignment to state i, (K + 1,)."""
    mass[current] -= setting.capability[i]
    for k in range(utilities.size):
        utilities[k] = utility(utility_terms(i, k, current, sums, mass, setting, situation, env))
    mass[current] += setting.capability[i]


@compile_apart
def assess_chances(
    i: int, current: int, setting: WorldSetting, situation: Situation, utilities: Floats, chances: Floats
) -> None:
    """Write the chance of each alignment to state i, (K + 1,), from their utilities."""
    if setting.fixed[i]:
        for k in range(chances.size):
            chances[k] = 1.0 if k == current else 0.0
    else:
        choice_chances(utilities, setting.allowed, situation.parameters[TEMPERATURE], current, chances)


@compile_rule
def fill_terms(
    i: int, current: int, sums: Floats, mass: Floats,
    setting: WorldSetting, situation: Situation, env: Environment, terms: Floats,
) -> None:  # fmt: skip
    """Write the terms of the utility of each alignment to state i, (K + 1, terms); sums and mass exclude it."""
    for k in range(terms.shape[0]):
        for term, value in enumerate(utility_terms(i, k, current, sums, mass, setting, situation, env)):
            terms[k, term] = value + 0.0  # no term is -0.0


@compile_rule
def write_terms(
    i: int, seen: Integers, setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    terms: Floats,
) -> None:  # fmt: skip
    """Write the terms of the utility of each alignment to state i, (K + 1, terms), at the alignments that it sees."""
    sums = np.empty((terms.shape[0], len(LAYERS)))
    mass = np.empty(terms.shape[0])
    sum_contributions(i, seen, weights, sums)
    sum_shares(seen, setting.capability, mass)
    mass[seen[i]] -= setting.capability[i]
    fill_terms(i, seen[i], sums, mass, setting, situation, env, terms)
