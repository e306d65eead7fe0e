"""Placebo worlds: the ties permuted over the states, so that who is whose rival, target or partner is random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.model.arrays import SHOCK_BOND, SHOCK_INSTITUTION, SHOCK_RIVALRY, SHOCK_SANCTION, Integers
from sim.model.world import World

TIES = ("bond", "bond_origin", "institution", "rivalry", "sanction", "regime")

ALSO_TIES = ("propensity", "dependence")

OF_A_PAIR = (SHOCK_BOND, SHOCK_INSTITUTION, SHOCK_RIVALRY, SHOCK_SANCTION)


def shuffle_states(states: int, rng: np.random.Generator) -> Integers:
    """A random order of the states, (N,): state i of the placebo world has the ties of state order[i]."""
    return rng.permutation(states).astype(np.int64)


def permute_ties(world: World, order: Integers) -> World:
    """The world in which each state i has all the ties of state order[i] (MODEL §10).

    One order moves every layer alike, so that what goes together (a rival that is also sanctioned) still does,
    and the multiset of ties is kept. A state keeps what is its own: size, theatre, autonomy, initial alignment,
    whether it leads or is fixed, and its luck; a sanction keeps the regime it belongs to. Shocks to a pair go
    with the ties: they strike whoever holds them now, so that a scenario changes the same tie of the same
    strength in every placebo world, between other states. Shocks to blocs, theatres and parameters stay.
    """
    block = np.ix_(order, order)
    start = world.start._replace(**{t: np.ascontiguousarray(getattr(world.start, t)[block]) for t in TIES})
    setting = world.setting._replace(**{t: np.ascontiguousarray(getattr(world.setting, t)[block]) for t in ALSO_TIES})
    place, old = np.argsort(order).astype(np.int64), world.shocks
    moved = np.isin(old.kind, OF_A_PAIR)
    i, j = old.i.copy(), old.j.copy()
    i[moved], j[moved] = place[i[moved]], place[j[moved]]
    return replace(world, start=start, setting=setting, shocks=old._replace(i=i, j=j))
