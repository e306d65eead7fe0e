"""Sums over the states of each alignment, which moves and changed ties update.

They are sums of multiples of 2⁻³⁰ and exact in any order, so they equal the sums that an agent computes.
"""

from __future__ import annotations

from sim.model.arrays import (
    BOND,
    HOSTILITY,
    NON_ALIGNED,
    OPEN_PRODUCT,
    Floats,
    Integers,
    Situation,
    Weights,
    Workspace,
    WorldSetting,
)
from sim.model.numerics.jit import compile_apart, compile_within
from sim.model.response import follow_courses, present_bonds
from sim.model.rules import (
    bonds_drift,
    fill_hostility,
    hostility_drifts,
    round_to_quantum,
    transfer_sizes,
    weigh_hostility,
    weigh_shocked_ties,
    weigh_state_bonds,
)


@compile_apart
def reset_weights(every: bool, layers: int, situation: Situation, start: Weights, weights: Weights) -> None:
    """Reset the weights to those of the start: every layer, or those that responses change."""
    bonds, hostile = every or bonds_drift(situation.parameters), every or hostility_drifts(situation.parameters)
    for layer in range(layers):
        if every or (layer == BOND and bonds) or (layer in (HOSTILITY, OPEN_PRODUCT) and hostile):
            for j in range(start.contributions.shape[0]):
                for i in range(start.contributions.shape[2]):
                    weights.contributions[j, layer, i] = start.contributions[j, layer, i]
    for k in range(weights.closed_product.shape[0]):
        for i in range(weights.closed_product.shape[1]):
            weights.closed_product[k, i] = start.closed_product[k, i]


@compile_apart
def sum_layer(layer: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """Sum a layer over the states of each alignment into sums, (K + 1, layers, N)."""
    clear_layer(layer, sums)
    for j in range(alignment.size):
        add_contributions(j, layer, alignment[j], weights, sums)


@compile_apart
def copy_sums(source: Floats, target: Floats) -> None:
    """Copy sums, (K + 1, layers, N)."""
    for k in range(source.shape[0]):
        for layer in range(source.shape[1]):
            for i in range(source.shape[2]):
                target[k, layer, i] = source[k, layer, i]


@compile_within
def clear_layer(layer: int, sums: Floats) -> None:
    """Set the sums of a layer to 0."""
    for k in range(sums.shape[0]):
        for i in range(sums.shape[2]):
            sums[k, layer, i] = 0.0


@compile_within
def add_contributions(j: int, layer: int, current: int, weights: Weights, sums: Floats) -> None:
    """Add the contributions of j, in alignment `current`, to a layer of every state."""
    for i in range(sums.shape[2]):
        sums[current, layer, i] += weights.contributions[j, layer, i]


@compile_apart
def move_state(j: int, old: int, new: int, setting: WorldSetting, work: Workspace) -> None:
    """Update the sums for the move of state j from one alignment to another.

    For the non-aligned, rules use only the open product, which is the first layer.
    """
    source, target, contribution = work.flat_sums[old], work.flat_sums[new], work.flat_contributions[j]
    first = work.alignment.size
    for column in range(first if old == NON_ALIGNED else work.columns):
        source[column] -= contribution[column]
    for column in range(first if new == NON_ALIGNED else work.columns):
        target[column] += contribution[column]
    transfer_sizes(j, old, new, setting, work.sizes)


@compile_apart
def refresh_weights(
    shocked: bool, responded: bool, setting: WorldSetting, situation: Situation, weights: Weights, work: Workspace
) -> None:
    """Update weights and sums for ties that shocks or responses of hostility changed since the last step."""
    if shocked:
        fill_hostility(situation, work.hostile)
        weigh_shocked_ties(setting, situation, weights)
    if shocked or (responded and hostility_drifts(situation.parameters)):
        weigh_hostility(setting, situation, work.hostile, weights)
        for layer in (HOSTILITY, OPEN_PRODUCT):
            sum_layer(layer, work.alignment, weights, work.sums)
    if shocked:
        refresh_bonds(setting, situation, weights, work)
        sum_all_layers(setting.layers, work.alignment, weights, work.sums)


@compile_apart
def refresh_bonds(setting: WorldSetting, situation: Situation, weights: Weights, work: Workspace) -> None:
    """Let bonds follow their courses to the present step, and update their weights and sums."""
    follow_courses(work.courses, situation.bond)
    clear_layer(BOND, work.sums)
    for j in range(work.alignment.size):
        weigh_state_bonds(j, setting, situation, weights)
        if work.alignment[j] != NON_ALIGNED:  # as in `move_state`
            add_contributions(j, BOND, work.alignment[j], weights, work.sums)


@compile_within
def refresh_bonds_of(i: int, setting: WorldSetting, situation: Situation, work: Workspace) -> None:
    """Update the sums of the bonds of one state, i."""
    c, sums, bonds = setting.capability, work.sums, work.bonds
    present_bonds(i, work.courses, situation.bond, bonds)
    for k in range(sums.shape[0]):
        sums[k, BOND, i] = 0.0
    for j in range(bonds.size):
        sums[work.alignment[j], BOND, i] += round_to_quantum(c[j] * bonds[j])


@compile_apart
def sum_all_layers(layers: int, alignment: Integers, weights: Weights, sums: Floats) -> None:
    """Sum every layer with ties over the states of each alignment."""
    for layer in range(layers):
        sum_layer(layer, alignment, weights, sums)
