"""The response of ties to alignments: bonds, rivalries and sanctions, as compiled functions on arrays.

Without a calendar a step adds an increment; with one it integrates the rates per year exactly (model: Response).
"""

from __future__ import annotations

import numpy as np

from sim.model.arrays import (
    NON_ALIGNED,
    OUTREACH_CEILING,
    Courses,
    Environment,
    Floats,
    Integers,
    Situation,
    Sizes,
    WorldSetting,
    allocate_sizes,
)
from sim.model.numerics.arithmetic import exponential
from sim.model.numerics.jit import compile_apart, compile_inline, compile_rule, compile_within
from sim.model.rules import (
    BOND_GAIN,
    BOND_LOSS,
    BOND_RETURN,
    OUTREACH,
    RIVALRY_GAIN,
    RIVALRY_LOSS,
    SANCTION_RELIEF,
    SANCTION_RESPONSE,
    STRAIN,
    bonds_drift,
    fill_hostility,
    hostility_drifts,
    measure_sizes,
    mirror_lower,
    sum_shares,
)


@compile_inline
def share_of_step(rate: float, setting: WorldSetting) -> float:
    """Return the share of the way that a rate goes in a step: 1 - e^(-rate Δ), or without a calendar min(1, rate)."""
    return 1.0 - exponential(-rate * setting.years) if setting.calendar else min(1.0, rate)


@compile_inline
def clip_tie(x: float) -> float:
    """Clip a tie to [0, 1]."""
    return min(1.0, max(0.0, x))


@compile_inline
def mean_bite(alignment: Integers, bite: Floats, members: Floats, out: Floats) -> None:
    """Write the mean bite on the members of each alignment to out, (K + 1,); 0 where it has none."""
    sum_shares(alignment, bite, out)
    for k in range(out.size):
        out[k] = out[k] / members[k] if members[k] > 0.0 else 0.0


@compile_within
def bond_rates(
    a: int, b: int, origin: float, hostile: float, gain: float, loss: float, reach_i: float, reach_j: float
) -> tuple[float, float, float]:
    """Return the rates at which the bond of i, in a, with j, in b, grows in a bloc, decays, and grows by outreach.

    gain is the rate of i's bloc; reach_i is the outreach of i. Without branches the compiler vectorises pairs.
    """
    same = (a == b) & (a != NON_ALIGNED) & (origin > 0.0)
    opposed = (a != b) & (a != NON_ALIGNED) & (b != NON_ALIGNED)
    open_to = (a != b) & (hostile < OUTREACH_CEILING)
    by_i = reach_i if open_to & (a != NON_ALIGNED) else 0.0
    by_j = reach_j if open_to & (b != NON_ALIGNED) else 0.0
    return gain if same else 0.0, loss if opposed else 0.0, by_i + by_j


@compile_apart
def respond_bonds(
    alignment: Integers, setting: WorldSetting, situation: Situation, env: Environment, hostile: Floats,
    strain: Floats, changed: bool, courses: Courses,
) -> None:  # fmt: skip
    """Let bonds respond, given H of every pair, (N, N), and the mean bite by alignment, (K + 1,) (model: Response).

    With a calendar dB/dt = a - b B is solved over the step: B = a/b + (B - a/b) e^(-b Δ). The courses, a/b and
    e^(-b Δ), are computed where anything but bonds has changed, and `follow_courses` follows them. Without a calendar
    a step adds an increment.
    """
    most = np.inf if setting.calendar else 1.0
    back, years, bond = min(most, situation.parameters[BOND_RETURN]), setting.years, situation.bond
    if changed:
        for i in range(alignment.size):
            rate_bonds(i, most, alignment, setting, situation, env, hostile[i], strain, courses)
            if setting.calendar:
                set_courses(i, back, years, situation.bond_origin[i], courses)
            else:
                add_increments(i, back, situation.bond_origin[i], courses, bond[i])
    if setting.calendar:
        courses.behind[0] += 1
    else:
        mirror_lower(bond)


@compile_within
def rate_bonds(
    i: int, most: float, alignment: Integers, setting: WorldSetting, situation: Situation, env: Environment,
    H: Floats, strain: Floats, courses: Courses,
) -> None:  # fmt: skip
    """Write the three rates of `bond_rates`, each at most `most`, of the bonds of i with every j < i."""
    grow, decay, reach = courses.grow, courses.decay, courses.reach
    p, bite, strength, origin = situation.parameters, env.bite, setting.relative_capability, situation.bond_origin[i]
    a, bite_i, strength_i = alignment[i], bite[i], strength[i]
    loss, outreach = min(most, p[BOND_LOSS]), p[OUTREACH]
    gain = min(most, p[BOND_GAIN] * (1.0 + p[STRAIN] * strain[a]))
    for j in range(i):
        reach_i, reach_j = min(most, outreach * bite_i * strength[j]), min(most, outreach * bite[j] * strength_i)
        grow[j], decay[j], reach[j] = bond_rates(a, alignment[j], origin[j], H[j], gain, loss, reach_i, reach_j)


@compile_within
def set_courses(i: int, back: float, years: float, origin: Floats, courses: Courses) -> None:
    """Write where the bonds of i with every j < i tend at these rates, and the share of the way left after a step.

    Most rates are those that were set before, and the exponential function takes the most time.
    """
    grow, decay, reach, rest, left = courses.grow, courses.decay, courses.reach, courses.rest[i], courses.left[i]
    before = courses.rate[i]
    for j in range(i):
        decay[j] = back + grow[j] + decay[j] + reach[j]
        rest[j] = (back * origin[j] + grow[j] + reach[j]) / decay[j] if decay[j] > 0.0 else 0.0
    for j in range(i):
        if decay[j] != before[j]:
            before[j], left[j] = decay[j], exponential(-decay[j] * years)


@compile_apart
def follow_courses(courses: Courses, bond: Floats) -> None:
    """Let all bonds follow their courses for the steps that they are behind."""
    if courses.behind[0] > 0:
        for i in range(bond.shape[0]):
            rest, left, B = courses.rest[i], courses.left[i], bond[i]
            for _ in range(courses.behind[0]):
                for j in range(i):
                    B[j] = clip_tie(rest[j] + (B[j] - rest[j]) * left[j])
        mirror_lower(bond)
        courses.behind[0] = 0


@compile_within
def present_bonds(i: int, courses: Courses, bond: Floats, out: Floats) -> None:
    """Write the present bonds of state i to out, (N,), while the others stay behind."""
    rest, left = courses.grow, courses.decay
    for j in range(out.size):
        high, low = max(i, j), min(i, j)
        out[j], rest[j], left[j] = bond[i, j], courses.rest[high, low], courses.left[high, low]
    rest[i], left[i] = 0.0, 1.0
    for _ in range(courses.behind[0]):
        for j in range(out.size):
            out[j] = clip_tie(rest[j] + (out[j] - rest[j]) * left[j])


@compile_within
def add_increments(i: int, back: float, origin: Floats, courses: Courses, B: Floats) -> None:
    """Add the increment of a step without a length to the bonds of i with every j < i."""
    grow, decay, reach = courses.grow, courses.decay, courses.reach
    for j in range(i):
        drift = back * (origin[j] - B[j]) + grow[j] * (1.0 - B[j]) - decay[j] * B[j]
        B[j] = clip_tie(B[j] + (drift + reach[j] * (1.0 - B[j])))


@compile_apart
def respond_rivalries(alignment: Integers, setting: WorldSetting, situation: Situation) -> None:
    """Let rivalries grow across blocs and decay within a bloc (model: Response)."""
    p = situation.parameters
    gain, loss = share_of_step(p[RIVALRY_GAIN], setting), share_of_step(p[RIVALRY_LOSS], setting)
    for i in range(alignment.size):
        a, R = alignment[i], situation.rivalry[i]
        if a != NON_ALIGNED:
            for j in range(alignment.size):
                b, now = alignment[j], R[j]
                sharper = gain * (1.0 - now) if b != NON_ALIGNED and now > 0.0 else 0.0
                R[j] = clip_tie(now - loss * now if a == b else now + sharper)


@compile_apart
def respond_sanctions(alignment: Integers, setting: WorldSetting, situation: Situation, env: Environment) -> None:
    """Let sanctions grow from pressing to other blocs and decay between states not opposed (model: Response)."""
    p, theatre = situation.parameters, setting.theatre
    relief = share_of_step(p[SANCTION_RELIEF], setting)
    for j in range(alignment.size):
        bloc, S, regime = alignment[j], situation.sanction[j], situation.regime[j]
        presses = bloc != NON_ALIGNED and situation.enforcement[bloc - 1] > 0.0
        for i in range(alignment.size):
            if bloc != NON_ALIGNED and alignment[i] != NON_ALIGNED and alignment[i] != bloc:
                response = share_of_step(p[SANCTION_RESPONSE] * env.pressing[bloc - 1, theatre[i]], setting)
                if presses and response > 0.0:
                    S[i] = clip_tie(S[i] + response * (1.0 - S[i]))
                    regime[i] = bloc
            else:
                S[i] = clip_tie(S[i] - relief * S[i])


@compile_within
def respond_ties(
    alignment: Integers, members: Floats, setting: WorldSetting, situation: Situation, env: Environment,
    hostile: Floats, strain: Floats, changed: bool, courses: Courses,
) -> None:  # fmt: skip
    """Let all ties respond to the alignments of the step, each new value from the old ones (model: Response).

    Bonds respond first, because outreach depends on H before the response, hostile, (N, N). changed is whether
    anything that the courses of bonds depend on may have changed since the last step; it is true without a calendar.
    """
    if bonds_drift(situation.parameters):
        if changed:
            mean_bite(alignment, env.bite, members, strain)
        respond_bonds(alignment, setting, situation, env, hostile, strain, changed, courses)
    if hostility_drifts(situation.parameters):
        respond_rivalries(alignment, setting, situation)
        respond_sanctions(alignment, setting, situation, env)


def respond_from_ties(
    alignment: Integers, setting: WorldSetting, situation: Situation, env: Environment, changed: bool, courses: Courses
) -> None:
    """Let all ties respond, with hostility computed from the ties; changed and courses are those of `respond_ties`."""
    hostile, strain = np.empty_like(situation.bond), np.empty(env.cohesion.size + 1)
    weigh_and_respond(
        alignment, setting, situation, env, changed, courses, hostile, strain, allocate_sizes(strain.size)
    )


@compile_rule
def weigh_and_respond(
    alignment: Integers, setting: WorldSetting, situation: Situation, env: Environment, changed: bool,
    courses: Courses, hostile: Floats, strain: Floats, sizes: Sizes,
) -> None:  # fmt: skip
    """Do what `respond_from_ties` does, with arrays to work in."""
    changed = changed or not setting.calendar or hostility_drifts(situation.parameters)
    if changed:
        measure_sizes(alignment, setting, sizes)
        fill_hostility(situation, hostile)
    respond_ties(alignment, sizes.members, setting, situation, env, hostile, strain, changed, courses)
    follow_courses(courses, situation.bond)
