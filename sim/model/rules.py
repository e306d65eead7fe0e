"""Every rule of the model: luck, environment, decision and response, as small compiled functions on arrays.

The same functions serve a `StateAgent` that decides for itself and a compiled run over many replicates.
Notation: N states, K blocs, R theatres, T steps; alignment 0 is non-aligned, 1..K are the blocs. Ties are
matrices with states in the world's order and a zero diagonal; `sanction[j, i]` is sender j on target i.
"""

from __future__ import annotations

import numpy as np

from sim.model.arithmetic import exponential
from sim.model.arrays import (
    BOND,
    HOSTILITY,
    INSTITUTION,
    LAYERS,
    NON_ALIGNED,
    OPEN_PRODUCT,
    OUTREACH_CEILING,
    PARAMETERS,
    PROPENSITY,
    QUANTUM,
    SHOCK_ACCOMMODATION,
    SHOCK_BOND,
    SHOCK_BUDGET,
    SHOCK_ENFORCEMENT,
    SHOCK_INSTITUTION,
    SHOCK_PRIORITY,
    SHOCK_RIVALRY,
    SHOCK_SANCTION,
    TRADE,
    Environment,
    Flags,
    Floats,
    Integers,
    Setting,
    Shocks,
    Situation,
    Sizes,
    Terms,
    Weights,
    allocate_sizes,
)
from sim.model.jit import compile_inline, compile_rule

(
    W_PROPENSITY, W_BOND, W_INSTITUTION, W_HOSTILITY, W_BALANCE, W_TRADE, W_SHELTER,
    W_PRESSURE, PRESSURE_FLOOR, W_AUTONOMY, INERTIA, TEMPERATURE,
    EROSION, ACCOMMODATION_COST,
    BOND_RETURN, BOND_GAIN, BOND_LOSS, STRAIN, OUTREACH,
    RIVALRY_GAIN, RIVALRY_LOSS, SANCTION_RESPONSE, SANCTION_RELIEF,
) = range(len(PARAMETERS))  # fmt: skip


@compile_inline
def starting_alignment(setting: Setting, uniforms: Floats, alignment: Integers) -> None:
    """Alignments before the first decision; a random one is uniform over what is allowed (MODEL §2)."""
    choices = 0
    for k in range(setting.allowed.size):
        choices += setting.allowed[k]
    for i in range(alignment.size):
        alignment[i] = setting.initial[i]
        if alignment[i] < 0:
            left = int(uniforms[i] * choices)
            for k in range(setting.allowed.size):
                if setting.allowed[k]:
                    if left == 0:
                        alignment[i] = k
                    left -= 1


@compile_inline
def apply_shocks(step: int, shocks: Shocks, situation: Situation) -> bool:
    """Change the world by the shocks due at a step; True if there were any."""
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
        else:
            situation.parameters[i] = value
    return bool(shocks.first[step] < shocks.first[step + 1])


@compile_inline
def round_to_quantum(x: float) -> float:
    """X rounded to a multiple of 2⁻³⁰: sums of up to 2²² such numbers below 1 have no rounding error."""
    return np.rint(x * 2.0**30) * QUANTUM


@compile_inline
def hostility(rivalry: Floats, sanction: Floats, i: int, j: int) -> float:
    """H_ij = max(R_ij, S_ij, S_ji) (MODEL §2)."""
    return max(rivalry[i, j], max(sanction[i, j], sanction[j, i]))


@compile_inline
def hostilities(situation: Situation, hostile: Floats) -> None:
    """H of every pair, (N, N), written to hostile."""
    for i in range(hostile.shape[0]):
        for j in range(i):
            hostile[i, j] = hostility(situation.rivalry, situation.sanction, i, j)
        hostile[i, i] = 0.0
    mirror_lower(hostile)


@compile_rule
def weigh(setting: Setting, situation: Situation, weights: Weights) -> None:
    """Refresh all weights from the ties as they stand (MODEL §5)."""
    hostile = np.empty(situation.bond.shape)
    hostilities(situation, hostile)
    weigh_settled(setting, situation, weights)
    weigh_bonds(setting, situation, weights)
    weigh_hostility(setting, situation, hostile, weights)


@compile_inline
def weigh_settled(setting: Setting, situation: Situation, weights: Weights) -> None:
    """Refresh the weights of ties that change by shocks alone: propensity, institutions, trade."""
    c, brings = setting.capability, weights.brings
    for j in range(c.size):
        for i in range(c.size):
            brings[j, PROPENSITY, i] = round_to_quantum(c[j] * setting.propensity[j, i])
            brings[j, INSTITUTION, i] = round_to_quantum(c[j] * situation.institution[j, i])
        for i in range(c.size):
            brings[j, TRADE, i] = round_to_quantum(setting.dependence[i, j])


@compile_inline
def weigh_bonds(setting: Setting, situation: Situation, weights: Weights) -> None:
    """Refresh the weights of bonds, the only ones that drift by default."""
    for j in range(setting.capability.size):
        weigh_bonds_of(j, setting, situation, weights)


@compile_inline
def weigh_bonds_of(j: int, setting: Setting, situation: Situation, weights: Weights) -> None:
    """Refresh the weights of the bonds of j."""
    for i in range(setting.capability.size):
        weights.brings[j, BOND, i] = round_to_quantum(setting.capability[j] * situation.bond[j, i])


@compile_inline
def weigh_hostility(setting: Setting, situation: Situation, hostile: Floats, weights: Weights) -> None:
    """Refresh the weights of hostility and of the product that sanctions close and leave open."""
    c, g, S, brings = setting.capability, setting.product, situation.sanction, weights.brings
    for k in range(weights.closed.shape[0]):
        for i in range(c.size):
            weights.closed[k, i] = 0.0
    for j in range(c.size):
        for i in range(c.size):
            brings[j, HOSTILITY, i] = round_to_quantum(c[j] * hostile[j, i])
            brings[j, OPEN_PRODUCT, i] = g[j] - round_to_quantum(g[j] * S[j, i])
        brings[j, OPEN_PRODUCT, j] = 0.0
        for i in range(c.size):
            if S[j, i] > 0.0:
                weights.closed[situation.regime[j, i], i] += round_to_quantum(g[j] * S[j, i])


@compile_inline
def masses(alignment: Integers, shares: Floats, mass: Floats) -> None:
    """Sum of shares (capability or product) by alignment, written to mass, (K + 1,)."""
    for k in range(mass.size):
        mass[k] = 0.0
    for i in range(alignment.size):
        mass[alignment[i]] += shares[i]


@compile_inline
def measure_sizes(alignment: Integers, setting: Setting, sizes: Sizes) -> None:
    """Members, capability and product of every alignment, written to sizes."""
    masses(alignment, setting.capability, sizes.capability)
    masses(alignment, setting.product, sizes.product)
    for k in range(sizes.members.size):
        sizes.members[k] = 0.0
    for i in range(alignment.size):
        sizes.members[alignment[i]] += 1.0


@compile_inline
def transfer_sizes(i: int, old: int, new: int, setting: Setting, sizes: Sizes) -> None:
    """Keep the sizes up as state i moves from one alignment to another."""
    sizes.members[old] -= 1.0
    sizes.members[new] += 1.0
    sizes.capability[old] -= setting.capability[i]
    sizes.capability[new] += setting.capability[i]
    sizes.product[old] -= setting.product[i]
    sizes.product[new] += setting.product[i]


@compile_inline
def attention(crisis: Floats, priority: Floats, budget: float, out: Floats) -> float:
    """Attention θ of one bloc to each theatre, written to out, (R,); returns its cohesion s (MODEL §4; §20)."""
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
    """Enforcement e of a bloc as the other blocs grow and as it accommodates (MODEL §4; §14, §23)."""
    return e0 * max(0.0, 1.0 - erosion * product_elsewhere) * max(0.0, 1.0 - accommodation_cost * accommodation)


@compile_inline
def assess_environment(
    step: int,
    product_mass: Floats,
    setting: Setting,
    situation: Situation,
    weights: Weights,
    env: Environment,
) -> None:
    """Cohesion, attention, enforcement, pressing and bite at a step, written to env (MODEL §4)."""
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
        env.bite[i] = weights.closed[0, i]
    for k in range(blocs):
        enforced = env.enforcement[k] * env.cohesion[k]
        for i in range(env.bite.size):
            env.bite[i] += enforced * weights.closed[k + 1, i]
    for i in range(env.bite.size):
        env.bite[i] = min(1.0, round_to_quantum(env.bite[i]))


@compile_rule
def tally(i: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """What the states aligned with each bloc bring it in i's eyes, by layer: sums, (K + 1, len(LAYERS))."""
    sums[:] = 0.0
    for j in range(alignment.size):
        for layer in range(sums.shape[1]):
            sums[alignment[j], layer] += weights.brings[j, layer, i]


@compile_inline
def utility_terms(
    i: int, k: int, held: int, sums: Floats, mass: Floats,
    setting: Setting, situation: Situation, env: Environment,
) -> Terms:  # fmt: skip
    """Utility of alignment k to state i, term by term in the order of TERMS (MODEL §5).

    sums, (K + 1, layers), and mass, (K + 1,), the capability by alignment, are of the other states alone.
    """
    p = situation.parameters
    stays = p[INERTIA] if k == held else 0.0
    if k == NON_ALIGNED:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, setting.autonomy[i] * p[W_AUTONOMY], stays
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
        -p[W_HOSTILITY] * sums[k, HOSTILITY],
        p[W_BALANCE] * mass[k] * threat,
        p[W_TRADE] * sums[k, TRADE],
        p[W_SHELTER] * bite * (1.0 - leader_sanction) * sums[k, OPEN_PRODUCT],
        situation.accommodation[k - 1] * (1.0 - max(leader_rivalry, leader_sanction)),
        -p[W_PRESSURE] * pressure,
        0.0,
        stays,
    )


@compile_inline
def utility(terms: Terms) -> float:
    """The sum of the terms, from the first to the last."""
    a, b, c, d, e, f, g, h, i, j, k = terms
    return a + b + c + d + e + f + g + h + i + j + k


@compile_inline
def choice_chances(utilities: Floats, allowed: Flags, temperature: float, held: int, chances: Floats) -> None:
    """P(k) of each alignment, (K + 1,): logit over what is allowed; at temperature 0 the best (MODEL §5).

    Of equal bests the one held now, then the lowest index.
    """
    best, highest = 0, -np.inf
    for k in range(utilities.size):
        if allowed[k] and utilities[k] > highest:
            best, highest = k, utilities[k]
    if temperature == 0.0:
        if allowed[held] and utilities[held] == highest:
            best = held
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
    """The first alignment at which the cumulative chance exceeds u (MODEL §5)."""
    cumulative = 0.0
    last = 0
    for k in range(chances.size):
        if chances[k] > 0.0:
            cumulative += chances[k]
            last = k
            if cumulative > u:
                return k
    return last  # the chances' rounding left their sum a hair below 1


@compile_inline
def consider_alignments(
    i: int, held: int, u: float, sums: Floats, mass: Floats,
    setting: Setting, situation: Situation, env: Environment,
    utilities: Floats, chances: Floats,
) -> int:  # fmt: skip
    """The alignment that state i chooses, having written utilities and chances of each (MODEL §5)."""
    mass[held] -= setting.capability[i]
    for k in range(utilities.size):
        utilities[k] = utility(utility_terms(i, k, held, sums, mass, setting, situation, env))
    mass[held] += setting.capability[i]
    if setting.fixed[i]:
        for k in range(chances.size):
            chances[k] = 1.0 if k == held else 0.0
    else:
        choice_chances(utilities, setting.allowed, situation.parameters[TEMPERATURE], held, chances)
    return choose(chances, u)


@compile_rule
def decide_from_ties(
    i: int, seen: Integers, u: float,
    setting: Setting, situation: Situation, weights: Weights, env: Environment,
    terms: Floats, utilities: Floats, chances: Floats,
) -> int:  # fmt: skip
    """State i's decision on the alignments it sees, all sums taken anew: what one agent does."""
    sums = np.empty((utilities.size, len(LAYERS)))
    mass = np.empty(utilities.size)
    tally(i, seen, weights, sums)
    masses(seen, setting.capability, mass)
    chosen = consider_alignments(i, seen[i], u, sums, mass, setting, situation, env, utilities, chances)
    mass[seen[i]] -= setting.capability[i]
    for k in range(utilities.size):
        for term, value in enumerate(utility_terms(i, k, seen[i], sums, mass, setting, situation, env)):
            terms[k, term] = value
    return chosen


@compile_inline
def cap_rate(x: float) -> float:
    """A rate capped at 1 (MODEL §6)."""
    return min(1.0, x)


@compile_inline
def clip_tie(x: float) -> float:
    """A tie kept in [0, 1]."""
    return min(1.0, max(0.0, x))


@compile_inline
def mean_bite(alignment: Integers, bite: Floats, members: Floats, out: Floats) -> None:
    """Plain mean bite on the members, of whom there are so many, of each alignment, (K + 1,); 0 where it has none."""
    masses(alignment, bite, out)
    for k in range(out.size):
        out[k] = out[k] / members[k] if members[k] > 0.0 else 0.0


@compile_inline
def bond_after(
    a: int, b: int, now: float, origin: float, hostile: float,
    back: float, gain: float, loss: float, reach_i: float, reach_j: float,
) -> float:  # fmt: skip
    """The bond of states i in a and j in b after the step; `gain` that of i's bloc, reach_i how far i would reach out.

    MODEL §6; §3-6, §14. Without branches, so that the compiler takes several pairs at once.
    """
    same = (a == b) & (a != NON_ALIGNED) & (origin > 0.0)
    opposed = (a != b) & (a != NON_ALIGNED) & (b != NON_ALIGNED)
    open_to = (a != b) & (hostile < OUTREACH_CEILING)
    drift = back * (origin - now)
    drift += gain * (1.0 - now) if same else 0.0
    drift -= loss * now if opposed else 0.0
    by_i = reach_i if open_to & (a != NON_ALIGNED) else 0.0
    by_j = reach_j if open_to & (b != NON_ALIGNED) else 0.0
    return clip_tie(now + (drift + (by_i + by_j) * (1.0 - now)))


@compile_inline
def respond_bonds(
    alignment: Integers, setting: Setting, situation: Situation, env: Environment, hostile: Floats, strain: Floats
) -> None:
    """Bonds drift about what history made them, by hostility (N, N) of every pair and strain, (K + 1,), mean bite."""
    p, bite, standing = situation.parameters, env.bite, setting.standing
    back, loss, outreach = cap_rate(p[BOND_RETURN]), cap_rate(p[BOND_LOSS]), p[OUTREACH]
    for i in range(alignment.size):
        a, bite_i, standing_i = alignment[i], bite[i], standing[i]
        gain = cap_rate(p[BOND_GAIN] * (1.0 + p[STRAIN] * strain[a]))
        B, origin, H = situation.bond[i], situation.bond_origin[i], hostile[i]
        for j in range(i):
            reach_i, reach_j = cap_rate(outreach * bite_i * standing[j]), cap_rate(outreach * bite[j] * standing_i)
            B[j] = bond_after(a, alignment[j], B[j], origin[j], H[j], back, gain, loss, reach_i, reach_j)
    mirror_lower(situation.bond)


@compile_inline
def mirror_lower(ties: Floats) -> None:
    """Copy what each state has with those before it to their side, (N, N), by bands that stay in the cache."""
    n, band = ties.shape[0], 16
    for first in range(0, n, band):
        end = min(first + band, n)
        for j in range(end):
            row = ties[j]
            for i in range(max(first, j + 1), end):
                row[i] = ties[i, j]


@compile_inline
def respond_rivalries(alignment: Integers, situation: Situation) -> None:
    """Rivalries sharpen across blocs and fade within one (MODEL §6)."""
    p = situation.parameters
    gain, loss = cap_rate(p[RIVALRY_GAIN]), cap_rate(p[RIVALRY_LOSS])
    for i in range(alignment.size):
        a, R = alignment[i], situation.rivalry[i]
        if a != NON_ALIGNED:
            for j in range(alignment.size):
                b, now = alignment[j], R[j]
                sharper = gain * (1.0 - now) if b != NON_ALIGNED and now > 0.0 else 0.0
                R[j] = clip_tie(now - loss * now if a == b else now + sharper)


@compile_inline
def respond_sanctions(alignment: Integers, setting: Setting, situation: Situation, env: Environment) -> None:
    """Members of a pressing bloc sanction those in another; sanctions between the unopposed ease (MODEL §6)."""
    p, theatre = situation.parameters, setting.theatre
    relief = cap_rate(p[SANCTION_RELIEF])
    for j in range(alignment.size):
        bloc, S, regime = alignment[j], situation.sanction[j], situation.regime[j]
        presses = bloc != NON_ALIGNED and situation.enforcement[bloc - 1] > 0.0
        for i in range(alignment.size):
            if bloc != NON_ALIGNED and alignment[i] != NON_ALIGNED and alignment[i] != bloc:
                response = cap_rate(p[SANCTION_RESPONSE] * env.pressing[bloc - 1, theatre[i]])
                if presses and response > 0.0:
                    S[i] = clip_tie(S[i] + response * (1.0 - S[i]))
                    regime[i] = bloc
            else:
                S[i] = clip_tie(S[i] - relief * S[i])


@compile_inline
def bonds_drift(parameters: Floats) -> bool:
    """Whether bonds respond to alignments."""
    p = parameters
    return bool(p[BOND_RETURN] + p[BOND_GAIN] + p[BOND_LOSS] + p[OUTREACH] > 0.0)


@compile_inline
def hostility_drifts(parameters: Floats) -> bool:
    """Whether rivalries or sanctions respond to alignments."""
    p = parameters
    return bool(p[RIVALRY_GAIN] + p[RIVALRY_LOSS] + p[SANCTION_RESPONSE] + p[SANCTION_RELIEF] > 0.0)


@compile_inline
def ties_drift(parameters: Floats) -> bool:
    """Whether any ties respond to alignments."""
    return bonds_drift(parameters) or hostility_drifts(parameters)


@compile_inline
def respond_ties(
    alignment: Integers, members: Floats, setting: Setting, situation: Situation, env: Environment,
    hostile: Floats, strain: Floats,
) -> None:  # fmt: skip
    """All ties respond to the alignments of the step, each new value from the old ones (MODEL §6).

    Bonds go first: their outreach looks at the hostility that held in the step, hostile, (N, N).
    """
    if bonds_drift(situation.parameters):
        mean_bite(alignment, env.bite, members, strain)
        respond_bonds(alignment, setting, situation, env, hostile, strain)
    if hostility_drifts(situation.parameters):
        respond_rivalries(alignment, situation)
        respond_sanctions(alignment, setting, situation, env)


@compile_rule
def respond_from_ties(alignment: Integers, setting: Setting, situation: Situation, env: Environment) -> None:
    """Response of all ties with hostility taken anew: what one round of agents does."""
    hostile, strain = np.empty(situation.bond.shape), np.empty(env.cohesion.size + 1)
    sizes = allocate_sizes(strain.size)
    measure_sizes(alignment, setting, sizes)
    hostilities(situation, hostile)
    respond_ties(alignment, sizes.members, setting, situation, env, hostile, strain)
