"""Terms of utilities at given alignments, with sums over the states of each alignment in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.model import rules
from sim.model.arrays import TERMS, Environment, Floats, Integers, Situation, Weights
from sim.model.world import World


def sum_by_alignment(values: Floats, seen: Integers, alignments: int) -> Floats:
    """Sum values, (N, ...), over the states of each alignment, (K + 1, ...); exact, as of multiples of 2⁻³⁰."""
    return np.stack([values[seen == k].sum(axis=0) for k in range(alignments)]) + 0.0  # no sum is -0.0


def weigh_state(
    i: int, seen: Integers, world: World, situation: Situation, weights: Weights, env: Environment
) -> Floats:  # fmt: skip
    """Compute the terms of the utility of each alignment to state i, (K + 1, len(TERMS)), at alignments it sees, (N,).

    Equal to `rules.write_terms` to the bit.
    """
    return weigh_states([i], seen, world, situation, weights, env)[0]


def weigh_states(
    states: Sequence[int], seen: Integers, world: World, situation: Situation, weights: Weights, env: Environment
) -> Floats:  # fmt: skip
    """Compute these terms for several states at the same alignments, (states, K + 1, len(TERMS))."""
    alignments, capability = len(world.alignments), world.setting.capability
    terms = np.empty((len(states), alignments, len(TERMS)))
    sums = sum_by_alignment(weights.contributions[:, :, states], seen, alignments)
    masses = sum_by_alignment(capability, seen, alignments)
    for place, i in enumerate(states):
        mass = masses.copy()
        mass[seen[i]] -= capability[i]
        rules.fill_terms(i, seen[i], sums[:, :, place], mass, world.setting, situation, env, terms[place])
    return terms
