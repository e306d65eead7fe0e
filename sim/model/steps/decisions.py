"""The decisions of a step: all states in turn, or none where no state would move (model: Scheduling).

Most states decide as at the step before. A state with a kept disposition does so for certain where nothing that it
weighs has changed but bonds, and these by less than its alignment leads over the others.
"""

from __future__ import annotations

import numpy as np

from sim.model.arrays import (
    BOND,
    BY_RENEWAL,
    NOT_RENEWED,
    SIMULTANEOUS,
    Environment,
    Floats,
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
from sim.model.steps.sums import move_state

SLACK = 2.0**-40  # of a sum of terms: far more than rounding can take from it


@compile_within
def decisions_change(step: int, shocked: bool, moved: bool, setting: WorldSetting, situation: Situation) -> bool:
    """Return whether anything but bonds may have changed since the last step in what states weigh."""
    changed = step <= 1 or shocked or moved or hostility_drifts(situation.parameters)
    for r in range(setting.crisis.shape[1]):
        changed = changed or setting.crisis[step, r] != setting.crisis[step - 1, r]
    return changed


@compile_within
def decide_step(
    step: int, activation: int, changed: bool, numbers: RandomNumbers, setting: WorldSetting, situation: Situation,
    weights: Weights, env: Environment, work: Workspace, record: Record,
) -> bool:  # fmt: skip
    """Let every state decide, and return whether any moved; changed is that of `decisions_change`.

    The chances of decisions are written only where all states decide in turn.
    """
    watch = work.watch
    in_turn = not setting.kept or record.chances.shape[0] > 0 or (changed and any_upheaval(situation))
    if changed:
        forget_leads(watch)
    if in_turn or may_move(step, changed, numbers, setting, situation, env, work, record):
        forget_leads(watch)
        return decide_all(step, activation, numbers, setting, situation, weights, env, work, record)
    return False


@compile_within
def any_upheaval(situation: Situation) -> bool:
    """Return whether an upheaval is due."""
    return bool(situation.upheaval.max() != NOT_RENEWED)


@compile_within
def forget_leads(watch: Watch) -> None:
    """Let every state weigh its alignments when next it may move."""
    for i in range(watch.spare.size):
        watch.spare[i] = -np.inf


@compile_apart
def may_move(
    step: int, changed: bool, numbers: RandomNumbers, setting: WorldSetting, situation: Situation, env: Environment,
    work: Workspace, record: Record,
) -> bool:  # fmt: skip
    """Return whether a state may move; if not changed, only bonds and dispositions differ from the last step.

    Where none would move first, none moves, in any order. Dispositions that are renewed are drawn.
    """
    watch, uniforms, p = work.watch, numbers.uniforms[step], situation.parameters
    drift = bonds_drift(p)
    if drift:
        measure_change(work.sums, watch.bonds, watch.change)
    elif not changed and not any_below(uniforms, watch.renewal):
        return False
    per_change = (1.0 + SLACK) * abs(p[W_BOND]) * (1.0 + abs(p[W_HEDGING]))
    for i in range(work.alignment.size):
        if uniforms[i] < watch.renewal[i]:
            record.renewed[step, i] = True
            draw_inclinations(i, step, numbers.key, setting, work.scratch.draws, work.inclinations[i])
        elif setting.fixed[i] or not (changed or drift) or per_change * watch.change[i] < watch.spare[i]:
            continue
        watch.spare[i] = spare_lead(
            i, work.alignment[i], work.sums[:, :, i], work.sizes.capability, setting, situation, env,
            work.inclinations[i],
        )  # fmt: skip
        for k in range(watch.bonds.shape[0]):
            watch.bonds[k, i] = work.sums[k, BOND, i]
        if not watch.spare[i] > 0.0:
            return True
    return False


@compile_within
def any_below(values: Floats, bounds: Floats) -> bool:
    """Return whether any value is below its bound; without branches the compiler vectorises this."""
    found = 0
    for i in range(values.size):
        found += values[i] < bounds[i]
    return found > 0


@compile_within
def measure_change(sums: Floats, before: Floats, change: Floats) -> None:
    """Write to change, (N,), by how much the sums of bonds with blocs differ from those before, (K + 1, N)."""
    for i in range(change.size):
        change[i] = 0.0
    for k in range(1, before.shape[0]):
        for i in range(change.size):
            change[i] += abs(sums[k, BOND, i] - before[k, i])


@compile_within
def spare_lead(
    i: int, current: int, sums: Floats, mass: Floats, setting: WorldSetting, situation: Situation, env: Environment,
    inclination: Floats,
) -> float:  # fmt: skip
    """Return by how much the alignment of state i leads over the best other one, less what rounding could take.

    While the utilities differ from each other by less than that from what they are now, the state stays.
    """
    temperature, size = situation.parameters[TEMPERATURE], setting.capability[i]
    own, best, terms_in_all = -np.inf, -np.inf, 0.0
    mass[current] -= size
    for k in range(inclination.size):
        if setting.allowed[k]:
            terms = utility_terms(i, k, current, sums, mass, setting, situation, env)
            value = inclined(utility(terms), temperature, inclination[k])
            terms_in_all += magnitude(terms) + abs(value)
            if k == current:
                own = value
            else:
                best = max(best, value)
    mass[current] += size
    return own - best - SLACK * terms_in_all


@compile_within
def fill_renewal_chances(setting: WorldSetting, situation: Situation, chances: Floats) -> None:
    """Write the chance that a disposition is renewed at a step, (N,); 0 for a fixed state."""
    for i in range(chances.size):
        chances[i] = 0.0 if setting.fixed[i] else renewal_chance(i, setting, situation)


@compile_apart
def decide_all(
    step: int, activation: int, numbers: RandomNumbers, setting: WorldSetting, situation: Situation, weights: Weights,
    env: Environment, work: Workspace, record: Record,
) -> bool:  # fmt: skip
    """Let every state decide at its turn, and return whether any moved.

    Write chances, renewals and causes of moves to the record.
    """
    alignment, before, uniforms, renewed = work.alignment, work.before, numbers.uniforms[step], record.renewed[step]
    moved, with_chances = False, record.chances.shape[0] > 0
    codes, id_order = setting.codes, setting.id_order
    order_step(step, activation, numbers, codes, id_order, work.order, work.keys, work.slots)
    for i in work.order:
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
                move_state(i, current, alignment[i], setting, work)
    if activation == SIMULTANEOUS:
        for i in range(alignment.size):
            if alignment[i] != before[i]:
                move_state(i, before[i], alignment[i], setting, work)
    return moved
