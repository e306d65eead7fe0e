"""Dispositions that persist: how they are drawn, anchored and renewed, and how a state chooses by them.

The logit is an exponential race. A state carries E_k, Exp(1), for each alternative k and takes the k with the
greatest U(k) - τ ln E_k (model: Dispositions). The arrays hold -ln E, the inclination to each alternative.
"""

from __future__ import annotations

import numpy as np

from sim.model.arrays import (
    BY_CIRCUMSTANCE,
    BY_FOLLOWING,
    BY_RENEWAL,
    NOT_RENEWED,
    RENEWED,
    Anchor,
    Bytes,
    Environment,
    Flags,
    Floats,
    Integers,
    Scratch,
    Situation,
    Weights,
    Words,
    WorldSetting,
    allocate_scratch,
)
from sim.model.numerics.arithmetic import exponential, logarithm
from sim.model.numerics.jit import compile_apart, compile_inline, compile_rule, compile_within
from sim.model.numerics.streams import draw_exponentials
from sim.model.rules import (
    RENEWAL,
    TEMPERATURE,
    assess_chances,
    assess_environment,
    choice_chances,
    choose,
    consider_alignments,
    sum_contributions,
    sum_shares,
    weigh_alignments,
)


@compile_inline
def log_chance(k: int, utilities: Floats, allowed: Flags, temperature: float) -> float:
    """Return ln P(k) of the logit, which holds where P(k) underflows; temperature > 0 (model: Anchoring)."""
    highest, total = -np.inf, 0.0
    for other in range(utilities.size):
        if allowed[other]:
            highest = max(highest, utilities[other])
    for other in range(utilities.size):
        if allowed[other]:
            total += exponential((utilities[other] - highest) / temperature)
    return (utilities[k] - highest) / temperature - logarithm(total)


@compile_within
def incline(draws: Floats, inclination: Floats) -> None:
    """Write the inclinations -ln X of plain draws X, (K + 1,)."""
    for k in range(draws.size):
        inclination[k] = -logarithm(draws[k])


@compile_inline
def incline_toward(a: int, chances: Floats, log_own: float, draws: Floats, inclination: Floats) -> None:
    """Write the inclinations given that the state chooses a at these chances, ln of that of a apart.

    E_a = p_a X_a, and E_k = p_k X_a + X_k for the others (model: Anchoring). With chances of 0 and log_own of 0
    the draws stay as they are.
    """
    for k in range(draws.size):
        inclination[k] = -logarithm(chances[k] * draws[a] + draws[k])
    inclination[a] = -(log_own + logarithm(draws[a]))


@compile_apart
def anchor_dispositions(
    key: Words, alignment: Integers, anchor: Anchor, setting: WorldSetting, draws: Floats, inclinations: Floats
) -> None:
    """Draw the inclinations of all states at step 0, (N, K + 1), given that each chose its alignment."""
    for i in range(alignment.size):
        draw_exponentials(key, 0, setting.codes[i], setting.alternatives, draws)
        incline_toward(alignment[i], anchor.chances[i], anchor.log_own[i], draws, inclinations[i])


@compile_inline
def renewal_chance(i: int, setting: WorldSetting, situation: Situation) -> float:
    """Return the chance that the disposition of state i is renewed at a step: 1 - e^(-λ Δ) (model: Dispositions)."""
    rate = setting.renewal[i] * situation.parameters[RENEWAL]
    return 1.0 - exponential(-rate * setting.years)


@compile_inline
def renewal_of(i: int, u: float, setting: WorldSetting, situation: Situation) -> int:
    """Return NOT_RENEWED, RENEWED, or the alignment that a renewal of state i at this step favours.

    A kept disposition is renewed by chance, or for certain by an upheaval, which is then over (model: Dispositions).
    """
    if setting.fixed[i]:
        return NOT_RENEWED
    upheaval = situation.upheaval[i]
    if upheaval != NOT_RENEWED:
        situation.upheaval[i] = NOT_RENEWED
        return upheaval
    return RENEWED if u < renewal_chance(i, setting, situation) else NOT_RENEWED


@compile_apart
def renew_disposition(
    i: int, step: int, renewal: int, key: Words, utilities: Floats, chances: Floats,
    setting: WorldSetting, situation: Situation, draws: Floats, inclination: Floats,
) -> None:  # fmt: skip
    """Draw new inclinations of state i, (K + 1,); one that favours an alignment is drawn given its choice."""
    temperature = situation.parameters[TEMPERATURE]
    draw_inclinations(i, step, key, setting, draws, inclination)
    if renewal >= 0 and temperature > 0.0:
        log_own = log_chance(renewal, utilities, setting.allowed, temperature)
        incline_toward(renewal, chances, log_own, draws, inclination)


@compile_within
def draw_inclinations(i: int, step: int, key: Words, setting: WorldSetting, draws: Floats, inclination: Floats) -> None:
    """Draw new inclinations of state i, (K + 1,), from its random numbers of the step."""
    draw_exponentials(key, step, setting.codes[i], setting.alternatives, draws)
    incline(draws, inclination)


@compile_within
def inclined(utility: float, temperature: float, inclination: float) -> float:
    """Return U(k) - τ ln E_k; at temperature 0 the disposition drops out (model: Dispositions)."""
    return utility if temperature == 0.0 else utility + temperature * inclination


@compile_inline
def choose_kept(utilities: Floats, allowed: Flags, temperature: float, current: int, inclination: Floats) -> int:
    """Return the allowed alignment with the greatest U(k) - τ ln E_k; ties go to the current, then the lowest index."""
    best, highest = current, -np.inf
    if allowed[current]:
        highest = inclined(utilities[current], temperature, inclination[current])
    for k in range(utilities.size):
        if allowed[k]:
            value = inclined(utilities[k], temperature, inclination[k])
            if value > highest:
                best, highest = k, value
    return best


@compile_within
def choose_alignment(
    i: int, current: int, u: float, setting: WorldSetting, situation: Situation,
    utilities: Floats, chances: Floats, inclination: Floats,
) -> int:  # fmt: skip
    """Return the choice of state i: by its disposition where these are kept, else by its uniform (model: Decision)."""
    if not setting.kept:
        return choose(chances, u)
    if setting.fixed[i]:
        return current
    return choose_kept(utilities, setting.allowed, situation.parameters[TEMPERATURE], current, inclination)


@compile_inline
def decide(
    i: int, current: int, step: int, u: float, key: Words, sums: Floats, mass: Floats,
    setting: WorldSetting, situation: Situation, env: Environment, with_chances: bool,
    utilities: Floats, chances: Floats, draws: Floats, inclination: Floats, renewed: Flags,
) -> int:  # fmt: skip
    """Decide for state i: weigh its alternatives, renew its disposition where that is due, and choose.

    Writes the utility of each alignment and whether the disposition was renewed; and the chance of each alignment
    where these are wanted or used, as by a choice with fresh dispositions.
    """
    weigh_alignments(i, current, sums, mass, setting, situation, env, utilities)
    renewal = renewal_of(i, u, setting, situation) if setting.kept else NOT_RENEWED
    if with_chances or not setting.kept or renewal >= 0:
        assess_chances(i, current, setting, situation, utilities, chances)
    if setting.kept:
        renewed[i] = renewal != NOT_RENEWED
        if renewal != NOT_RENEWED:
            renew_disposition(i, step, renewal, key, utilities, chances, setting, situation, draws, inclination)
    return choose_alignment(i, current, u, setting, situation, utilities, chances, inclination)


def decide_from_ties(
    i: int, seen: Integers, step: int, u: float, key: Words,
    setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    utilities: Floats, chances: Floats, inclination: Floats, renewed: Flags,
) -> int:  # fmt: skip
    """Decide for state i from the alignments that it sees, with all sums computed from the ties."""
    return sum_and_decide(
        i, seen, step, u, key, setting, situation, weights, env, utilities, chances, inclination, renewed,
        allocate_scratch(utilities.size),
    )  # fmt: skip


@compile_rule
def sum_and_decide(
    i: int, seen: Integers, step: int, u: float, key: Words,
    setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    utilities: Floats, chances: Floats, inclination: Floats, renewed: Flags, scratch: Scratch,
) -> int:  # fmt: skip
    """Do what `decide_from_ties` does, with arrays to work in."""
    sum_contributions(i, seen, weights, scratch.sums)
    sum_shares(seen, setting.capability, scratch.mass)
    return decide(
        i, seen[i], step, u, key, scratch.sums, scratch.mass, setting, situation, env, True,
        utilities, chances, scratch.draws, inclination, renewed,
    )  # fmt: skip


@compile_within
def moves_by_renewal(i: int, setting: WorldSetting, situation: Situation, renewed: Flags) -> bool:
    """Return whether the cause of a move of state i is a disposition drawn at this step (model: Outcomes)."""
    return bool(renewed[i]) or (not setting.kept and situation.parameters[TEMPERATURE] > 0.0)


@compile_apart
def cause_of_move(
    i: int, current: int, u: float, before: Integers,
    setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    inclination: Floats, scratch: Scratch,
) -> int:  # fmt: skip
    """Return the cause of a move of state i out of `current` that is not by renewal (model: Outcomes).

    It is circumstance where the state would have left with the others as it saw them at its last decision, `before`,
    (N,), at present ties; else following.
    """
    own, mass = setting.capability[i], scratch.mass
    sum_contributions(i, before, weights, scratch.sums)
    sum_shares(before, setting.capability, mass)
    mass[before[i]] -= own
    mass[current] += own
    consider_alignments(i, current, scratch.sums, mass, setting, situation, env, scratch.utilities, scratch.chances)
    leaves = current != choose_alignment(
        i, current, u, setting, situation, scratch.utilities, scratch.chances, inclination
    )
    return BY_CIRCUMSTANCE if leaves else BY_FOLLOWING


def cause_from_ties(
    i: int, current: int, u: float, before: Integers,
    setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    inclination: Floats, renewed: Flags,
) -> int:  # fmt: skip
    """Return the cause of a move of state i out of `current`, with arrays of its own."""
    return find_cause(
        i, current, u, before, setting, situation, weights, env, inclination, renewed,
        allocate_scratch(inclination.size),
    )  # fmt: skip


@compile_rule
def find_cause(
    i: int, current: int, u: float, before: Integers,
    setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    inclination: Floats, renewed: Flags, scratch: Scratch,
) -> int:  # fmt: skip
    """Do what `cause_from_ties` does, with arrays to work in."""
    if moves_by_renewal(i, setting, situation, renewed):
        return BY_RENEWAL
    return cause_of_move(i, current, u, before, setting, situation, weights, env, inclination, scratch)


@compile_inline
def recall_seen(i: int, simultaneous: bool, order: Integers, earlier: Bytes, later: Bytes, seen: Integers) -> None:
    """Write the alignments that state i saw at its turn in a step, (N,): later ones of those who decided before it.

    earlier and later, (N,), are the alignments at the start and at the end of that step, order its turns.
    """
    for j in range(seen.size):
        seen[j] = earlier[j]
    if not simultaneous:
        for j in order:
            if j == i:
                return
            seen[j] = later[j]


@compile_rule
def anchor_in_environment(
    step: int, alignment: Integers, setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    chances: Floats, log_own: Floats, scratch: Scratch,
) -> None:  # fmt: skip
    """Write the environment of a step at these alignments to env, and what `anchor_chances` does in it."""
    sum_shares(alignment, setting.product, scratch.mass)
    assess_environment(step, scratch.mass, setting, situation, weights, env)
    anchor_chances(alignment, setting, situation, weights, env, chances, log_own, scratch)


@compile_apart
def anchor_chances(
    alignment: Integers, setting: WorldSetting, situation: Situation, weights: Weights, env: Environment,
    chances: Floats, log_own: Floats, scratch: Scratch,
) -> None:  # fmt: skip
    """Write the structural chances of every state, (N, K + 1), and ln of that of its alignment, (N,).

    All others have the alignments given. At temperature 0 both are 0, which makes plain draws (model: Anchoring).
    """
    temperature = situation.parameters[TEMPERATURE]
    for i in range(alignment.size):
        sum_contributions(i, alignment, weights, scratch.sums)
        sum_shares(alignment, setting.capability, scratch.mass)
        consider_alignments(
            i, alignment[i], scratch.sums, scratch.mass, setting, situation, env, scratch.utilities, chances[i]
        )
        if temperature > 0.0:
            if setting.fixed[i]:  # a scenario may free it
                choice_chances(scratch.utilities, setting.allowed, temperature, alignment[i], chances[i])
            log_own[i] = log_chance(alignment[i], scratch.utilities, setting.allowed, temperature)
        else:
            log_own[i] = 0.0
            for k in range(chances.shape[1]):
                chances[i, k] = 0.0
