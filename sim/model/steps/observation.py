"""What is stored of the steps of a run (model: Outcomes)."""

from __future__ import annotations

import numpy as np

from sim.model import outcomes
from sim.model.arrays import (
    OPEN_PRODUCT,
    Environment,
    Floats,
    Record,
    Situation,
    Stored,
    Workspace,
    WorldSetting,
)
from sim.model.numerics.jit import compile_apart, compile_within
from sim.model.response import follow_courses


@compile_apart
def record_step(
    step: int, stored: Stored, start_pairs: tuple[Floats, float], changed: bool, setting: WorldSetting,
    situation: Situation, env: Environment, work: Workspace, record: Record,
) -> None:  # fmt: skip
    """Record what is stored of a step (model: Outcomes)."""
    row = record.outcomes[step]
    for i in range(work.alignment.size):
        record.alignment[step, i] = work.alignment[i]
    outcomes.write_sizes(work.sizes, row)
    if stored.outcomes[step]:
        follow_courses(work.courses, situation.bond)
        record_outcomes(start_pairs, changed, setting, situation, env, work, row)
    else:
        for column in range(3 * work.sizes.members.size, row.size):
            row[column] = np.nan
    place = step - (record.alignment.shape[0] - stored.late)
    if place >= 0:
        record_states(setting, situation, env, work, record.stability[place], record.bite[place])


@compile_within
def record_outcomes(
    start_pairs: tuple[Floats, float], changed: bool, setting: WorldSetting, situation: Situation, env: Environment,
    work: Workspace, row: Floats,
) -> None:  # fmt: skip
    """Write all outcomes except sizes to row; the pairs keep their weights of the start until ties change."""
    outcomes.write_outcomes(work.before, work.alignment, work.sizes, env, row)
    if changed:
        row[outcomes.FRUSTRATION] = outcomes.frustration_from_ties(
            work.alignment, setting, situation, work.hostile, work.pairs, work.partial_sums, work.partial_totals
        )
    else:
        pairs, total = start_pairs
        row[outcomes.FRUSTRATION] = outcomes.frustration_share(work.alignment, pairs, total, work.partial_sums)


@compile_apart
def record_states(
    setting: WorldSetting, situation: Situation, env: Environment, work: Workspace, stability: Floats, bite: Floats
) -> None:
    """Write regime stability and bite of every state, (N,) each."""
    outcomes.pressure_by_theatre(work.sizes.capability, situation, env, work.pressure)
    for i in range(work.alignment.size):
        current = work.alignment[i]
        bite[i] = env.bite[i]
        stability[i] = outcomes.regime_stability(
            current, env.bite[i], work.pressure[current, setting.theatre[i]], work.sums[:, OPEN_PRODUCT, i]
        )
