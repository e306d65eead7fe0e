"""Attribute a state's utilities to the alignments of the other states (model: Decision)."""

from __future__ import annotations

import numpy as np

from sim.model import arrays, rules
from sim.model.arrays import TERMS, Environment, Floats, Integers, Situation, Weights, WorldSetting

FROM_STATES = (
    "propensity", "bond", "institution", "likeness", "hostility", "balance", "trade", "shelter", "pressure", "hedging",
)  # fmt: skip

INSIDE = {  # terms that come from the members of the bloc itself
    "propensity": (arrays.PROPENSITY, rules.W_PROPENSITY, 1.0),
    "bond": (arrays.BOND, rules.W_BOND, 1.0),
    "institution": (arrays.INSTITUTION, rules.W_INSTITUTION, 1.0),
    "likeness": (arrays.LIKENESS, rules.W_LIKENESS, 1.0),
    "hostility": (arrays.HOSTILITY, rules.W_HOSTILITY, -1.0),
    "trade": (arrays.TRADE, rules.W_TRADE, 1.0),
}

BALANCE, SHELTER, PRESSURE, HEDGING = (TERMS.index(term) for term in ("balance", "shelter", "pressure", "hedging"))


def state_contributions(
    i: int, seen: Integers, setting: WorldSetting, situation: Situation, weights: Weights, env: Environment
) -> Floats:
    """Attribute each term of each alignment's utility to i to the other states, (K + 1, len(TERMS), N).

    Summed over the states they give the term, for the terms in FROM_STATES (model: Decision). Balance is attributed to
    the states that threaten i from other blocs. Pressure is attributed to the members of the bloc that presses,
    by their capability. `seen`, (N,), are the alignments at i's turn.
    """
    p, c, brings = situation.parameters, setting.capability, weights.contributions[:, :, i].T
    bite, floor = env.bite[i], p[rules.PRESSURE_FLOOR]
    shares = np.zeros((setting.allowed.size, len(TERMS), seen.size))
    groups = [seen == k for k in range(setting.allowed.size)]
    for group in groups:
        group[i] = False
    aligned = np.any(groups[1:], axis=0)
    hedging = p[rules.W_HEDGING] * p[rules.W_BOND]
    shares[arrays.NON_ALIGNED, HEDGING] = np.where(aligned, hedging * brings[arrays.BOND], 0.0)
    for k in range(1, len(groups)):
        for term, (layer, weight, sign) in INSIDE.items():
            shares[k, TERMS.index(term)] = np.where(groups[k], sign * p[weight] * brings[layer], 0.0)
        threat = np.where(aligned & ~groups[k], brings[arrays.HOSTILITY], 0.0)
        shares[k, BALANCE] = p[rules.W_BALANCE] * c[groups[k]].sum() * threat
        leader = setting.leader[k - 1]
        unsanctioned = 1.0 - (situation.sanction[leader, i] if leader >= 0 else 0.0)
        shelter = p[rules.W_SHELTER] * bite * unsanctioned * brings[arrays.OPEN_PRODUCT]
        shares[k, SHELTER] = np.where(groups[k], shelter, 0.0)
        for other in range(1, len(groups)):
            if other != k:
                exposed = brings[arrays.TRADE][groups[other]].sum() * (1.0 - bite)
                pressing = env.pressing[other - 1, setting.theatre[i]]
                pressure = p[rules.W_PRESSURE] * pressing * c * (floor + (1.0 - floor) * exposed)
                shares[k, PRESSURE] -= np.where(groups[other], pressure, 0.0)
    return shares
