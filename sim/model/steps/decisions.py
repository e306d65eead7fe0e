"""The decisions of a step: all states in turn, or none where no state would move (model: Scheduling).

Most states decide as at the step before. A state with a kept disposition does so for certain where nothing that it
weighs has changed but bonds, and these by less than its alignment leads over the others.
"""

from __future__ import annotations

import numpy as np

from sim.model.arrays import (
    BY_RENEWAL,
    NON_ALIGNED,
    NOT_RENEWED,
    QUANTUM,
    SIMULTANEOUS,
    Courses,
    Environment,
    Flags,
    Floats,
    Integers,
    Record,
    Situation,
    Watch,
    Weights,
    Workspace,
    WorldSetting,
)
from sim.model.dispositions import (
    cause_of_move,
    decide,
    draw_inclinations,
    inclined,
    moves_by_renewal,
    recall_seen,
    renewal_chance,
)
from sim.model.numerics.jit import compile_apart, compile_within
from sim.model.numerics.streams import RandomNumbers, order_step
from sim.model.rules import (
    TEMPERATURE,
    W_BOND,
    W_HEDGING,
    bonds_drift,
    hostility_drifts,
    magnitude,
    utility,
    utility_terms,
)
from sim.model.steps.sums import move_state, refresh_bonds, refresh_bonds_of

SLACK = 2.0**-40  # of a sum of terms: far more than rounding can take from it


@compile_within
def decisions_change(step: int, shocked: bool, moved: bool, setting: WorldSetting, situation: Situation) -> bool:
    """Return whether anything but bonds on a known course may have changed since the last step in what states weigh."""
    p = situation.parameters
    changed = step <= 1 or shocked or moved or hostility_drifts(p) or (bonds_drift(p) and not setting.calendar)
    for r in range(setting.crisis.shape[1]):
        changed = changed or setting.crisis[step, r] != setting.crisis[step - 1, r]
    return changed


@compile_within
def decide_step(
    step: int, activation: int, changed: bool, again: bool, numbers: RandomNumbers, setting: WorldSetting,
    situation: Situation, weights: Weights, env: Environment, work: Workspace, record: Record,
) -> bool:  # fmt: skip
    """Let every state decide, and return whether any moved; changed is that of `decisions_change`.

    again is whether the run before weighed the same at step 1. The chances of decisions are written only where all
    states decide in turn.
    """
    watch, p = work.watch, situation.parameters
    in_turn = not setting.kept or record.chances.shape[0] > 0 or (changed and any_upheaval(situation))
    drift = bonds_drift(p)
    per_change = 0.0 if changed or not drift else (1.0 + SLACK) * abs(p[W_BOND]) * (1.0 + abs(p[W_HEDGING]))
    if drift and (in_turn or changed):
        refresh_bonds(setting, situation, weights, work)
    if changed:
        forget_leads(setting, watch)
    moved = False
    if in_turn or may_move(step, changed, again, drift, per_change, numbers, setting, situation, env, work, record):
        if drift and not (in_turn or changed):
            refresh_bonds(setting, situation, weights, work)
        moved = decide_all(
            step, activation, in_turn, per_change, numbers, setting, situation, weights, env, work, record
        )
        forget_leads(setting, watch)
    return moved


@compile_within
def any_upheaval(situation: Situation) -> bool:
    """Return whether an upheaval is due."""
    due = False
    for i in range(situation.upheaval.size):
        due = due or situation.upheaval[i] != NOT_RENEWED
    return due


@compile_within
def forget_leads(setting: WorldSetting, watch: Watch) -> None:
    """Let every state that decides weigh its alignments when next it may move."""
    for i in range(watch.spare.size):
        watch.spare[i] = np.inf if setting.fixed[i] else -np.inf


@compile_apart
def may_move(
    step: int, changed: bool, again: bool, drift: bool, per_change: float, numbers: RandomNumbers,
    setting: WorldSetting, situation: Situation, env: Environment, work: Workspace, record: Record,
) -> bool:  # fmt: skip
    """Return whether a state may move; if not changed, only bonds and dispositions differ from the last step.

    Where none would move first, none moves, in any order. Dispositions that are renewed are drawn. per_change is by
    how much a lead shrinks at most with a change of bonds.
    """
    watch, uniforms, found = work.watch, numbers.uniforms[step], False
    if not any_due(per_change, uniforms, watch):
        return False
    for i in range(work.alignment.size):
        if uniforms[i] < watch.renewal[i]:
            record.renewed[step, i] = True
            draw_inclinations(i, step, numbers.key, setting, work.scratch.draws, work.inclinations[i])
        elif stays_for_certain(i, per_change, watch):
            continue
        if again and step == 1:
            recall_first(i, watch)
        elif changed or drift or watch.spare[i] == -np.inf:
            if drift and not changed:
                refresh_bonds_of(i, setting, situation, work)
            watch.terms[i] = weigh_with_sizes(
                i, work.alignment[i], work.sums[:, :, i], work.sizes.capability, setting, situation, env,
                watch.utilities[i],
            )  # fmt: skip
        watch.spare[i] = spare_lead(
            work.alignment[i], situation.parameters[TEMPERATURE], setting.allowed, watch.terms[i], watch.utilities[i],
            work.inclinations[i],
        )  # fmt: skip
        watch.change[i] = watch.change.size * QUANTUM  # weights are rounded
        found = found or not watch.spare[i] > 0.0
    if step == 1 and not again:
        keep_first(watch)
    return found


@compile_within
def stays_for_certain(i: int, per_change: float, watch: Watch) -> bool:
    """Return whether a state leads by more than bonds may have changed that since its lead was computed."""
    return bool(per_change * watch.change[i] < watch.spare[i])


@compile_within
def any_due(per_change: float, uniforms: Floats, watch: Watch) -> bool:
    """Return whether a disposition is renewed or a state does not stay for certain; add a step to changes of bonds.

    Without branches the compiler vectorises this.
    """
    found = 0
    for i in range(uniforms.size):
        watch.change[i] += watch.drift[i]
        found += (uniforms[i] < watch.renewal[i]) | (not stays_for_certain(i, per_change, watch))
    return found > 0


@compile_within
def keep_first(watch: Watch) -> None:
    """Keep the utilities of step 1, which are those of other runs of the call."""
    for i in range(watch.terms.size):
        watch.first_terms[i] = watch.terms[i]
        for k in range(watch.utilities.shape[1]):
            watch.first_utilities[i, k] = watch.utilities[i, k]


@compile_within
def recall_first(i: int, watch: Watch) -> None:
    """Take the utilities of state i at step 1 from an earlier run."""
    watch.terms[i] = watch.first_terms[i]
    for k in range(watch.utilities.shape[1]):
        watch.utilities[i, k] = watch.first_utilities[i, k]


@compile_apart
def limit_drift(
    alignment: Integers, setting: WorldSetting, situation: Situation, courses: Courses, drift: Floats
) -> None:
    """Write the most by which the sums of bonds with blocs change in a step to drift, (N,); 0 without courses.

    On its course a bond comes closer to where it tends in smaller and smaller steps, so the first is the largest.
    """
    weights, changes = courses.grow, courses.decay
    for i in range(drift.size):
        drift[i], weights[i] = 0.0, setting.capability[i] if alignment[i] != NON_ALIGNED else 0.0
    for i in range(drift.size if setting.calendar and bonds_drift(situation.parameters) else 0):
        rest, left, bonds, weight = courses.rest[i], courses.left[i], situation.bond[i], weights[i]
        for j in range(i):
            change = abs(bonds[j] - rest[j]) * (1.0 - left[j])
            changes[j] = weights[j] * change
            drift[j] += weight * change
        for j in range(i):  # apart, so that the compiler vectorises the other loop
            drift[i] += changes[j]


@compile_within
def weigh_with_sizes(
    i: int, current: int, sums: Floats, mass: Floats, setting: WorldSetting, situation: Situation, env: Environment,
    utilities: Floats,
) -> float:  # fmt: skip
    """Write the utility of each alignment to state i, (K + 1,), and return the sum of the sizes of their terms."""
    size, terms_in_all = setting.capability[i], 0.0
    mass[current] -= size
    for k in range(utilities.size):
        terms = utility_terms(i, k, current, sums, mass, setting, situation, env)
        utilities[k] = utility(terms)
        terms_in_all += magnitude(terms)
    mass[current] += size
    return terms_in_all


@compile_within
def spare_lead(
    current: int, temperature: float, allowed: Flags, terms: float, utilities: Floats, inclination: Floats
) -> float:
    """Return by how much the alignment of a state leads over the best other one, less what rounding could take.

    While the utilities differ from each other by less than that from what they are now, the state stays. terms is
    the sum of the sizes of their terms.
    """
    own, best, sizes = -np.inf, -np.inf, terms
    for k in range(utilities.size):
        if allowed[k]:
            value = inclined(utilities[k], temperature, inclination[k])
            sizes += abs(value)
            if k == current:
                own = value
            else:
                best = max(best, value)
    return own - best - SLACK * sizes


@compile_within
def fill_renewal_chances(setting: WorldSetting, situation: Situation, chances: Floats) -> None:
    """Write the chance that a disposition is renewed at a step, (N,); 0 for a fixed state."""
    for i in range(chances.size):
        chances[i] = 0.0 if setting.fixed[i] else renewal_chance(i, setting, situation)


@compile_apart
def decide_all(
    step: int, activation: int, in_turn: bool, per_change: float, numbers: RandomNumbers, setting: WorldSetting,
    situation: Situation, weights: Weights, env: Environment, work: Workspace, record: Record,
) -> bool:  # fmt: skip
    """Let every state decide at its turn, and return whether any moved.

    Write chances, renewals and causes of moves to the record. If not in_turn, a state that stays for certain until
    others move decides only after a move; see `may_move` for per_change.
    """
    alignment, before, uniforms, renewed = work.alignment, work.before, numbers.uniforms[step], record.renewed[step]
    moved, with_chances, still = False, record.chances.shape[0] > 0, not in_turn
    codes, id_order = setting.codes, setting.id_order
    order_step(step, activation, numbers, codes, id_order, work.order, work.keys, work.slots)
    for i in work.order:
        if still and stays_for_certain(i, per_change, work.watch):
            continue
        current = before[i]
        chances = record.chances[step, i] if with_chances else work.chances
        alignment[i] = decide(
            i, current, step, uniforms[i], numbers.key, work.sums[:, :, i], work.sizes.capability, setting, situation,
            env, with_chances, work.utilities, chances, work.scratch.draws, work.inclinations[i], renewed,
        )  # fmt: skip
        if alignment[i] != current:
            moved = True
            if moves_by_renewal(i, setting, situation, renewed):
                record.causes[step, i] = BY_RENEWAL
            else:
                last = max(step - 1, 1)  # before step 1 all saw the start
                order_step(last, activation, numbers, codes, id_order, work.last_order, work.keys, work.slots)
                recall_seen(
                    i, activation == SIMULTANEOUS or step == 1, work.last_order, record.alignment[last - 1],
                    record.alignment[step - 1], work.seen,
                )  # fmt: skip
                record.causes[step, i] = cause_of_move(
                    i, current, uniforms[i], work.seen, setting, situation, weights, env, work.inclinations[i],
                    work.scratch,
                )  # fmt: skip
            if activation != SIMULTANEOUS:
                still = False
                move_state(i, current, alignment[i], setting, work)
    if activation == SIMULTANEOUS:
        for i in range(alignment.size):
            if alignment[i] != before[i]:
                move_state(i, before[i], alignment[i], setting, work)
    return moved
