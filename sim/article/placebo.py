"""Make placebo worlds: the ties permuted over the states, so that rivals, targets and partners are random."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sim.model.arrays import SHOCK_BOND, SHOCK_INSTITUTION, SHOCK_RIVALRY, SHOCK_SANCTION, SHOCKS, Integers
from sim.model.world import World

TIES = ("bond", "bond_origin", "institution", "rivalry", "sanction", "regime")

ALSO_TIES = ("propensity", "dependence")

MOVES = np.isin(np.arange(len(SHOCKS)), (SHOCK_BOND, SHOCK_INSTITUTION, SHOCK_RIVALRY, SHOCK_SANCTION))  # of a pair


def shuffle_states(states: int, rng: np.random.Generator) -> Integers:
    """Draw a random order of the states, (N,): state i of the placebo world has the ties of state order[i]."""
    return rng.permutation(states).astype(np.int64)


def permute_ties(world: World, order: Integers) -> World:
    """Give each state i all the ties of state order[i] (docs/claims.md).

    One order moves every layer, so that ties between the same two states stay together (a rival that is also
    sanctioned). The multiset of ties does not change. Polyarchy moves too, since likeness is a tie. A state keeps
    its own size, theatre, autonomy, initial alignment, random numbers, and whether it leads or is fixed. A sanction
    keeps its regime. A shock to a pair moves with the tie: a scenario changes the same tie of the same strength in
    every placebo world, between other states. Shocks to blocs, theatres and parameters stay. The factual world is
    permuted too, so that a state is anchored in the ties that it has.
    """
    ties: dict[str, Any] = {t: getattr(world.start, t).take(order, 0).take(order, 1) for t in TIES}
    also: dict[str, Any] = {t: getattr(world.setting, t).take(order, 0).take(order, 1) for t in ALSO_TIES}
    start = world.start._replace(**ties, polyarchy=world.start.polyarchy[order])
    setting = world.setting._replace(**also)
    place, old = np.argsort(order).astype(np.int64), world.shocks
    moved = MOVES[old.kind]
    i, j = old.i.copy(), old.j.copy()
    i[moved], j[moved] = place[i[moved]], place[j[moved]]
    factual = world.factual and permute_ties(world.factual, order)
    return replace(world, start=start, setting=setting, shocks=old._replace(i=i, j=j), factual=factual)
