"""The weights and the environment of a step, the terms of utility, and the logit (plain Python)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from oracle.world import Table, World, exact, hostility, likeness, shared_cohesion

TERMS = (
    "propensity",
    "bond",
    "institution",
    "likeness",
    "hostility",
    "balance",
    "trade",
    "shelter",
    "accommodation",
    "pressure",
    "autonomy",
    "hedging",
    "inertia",
)


@dataclass
class Surroundings:
    """The environment of a step; blocs count from 0, theatres are in the scenario's order."""

    cohesion: list[float]
    attention: Table
    enforcement: list[float]
    bite: list[float]


@dataclass
class Weights:
    """The rounded weights of a step: `[j][i]` is the weight of j for i, but trade `[i][j]` is that of i on j."""

    propensity: Table
    bond: Table
    institution: Table
    likeness: Table
    hostility: Table
    trade: Table
    closed: Table


def weigh(world: World) -> Weights:
    """Compute the weights of the present ties."""
    all_states = range(world.n)
    c, g = world.capability, world.product
    return Weights(
        propensity=[[exact(c[j] * world.propensity[i][j]) for i in all_states] for j in all_states],
        bond=[[exact(c[j] * world.bond[i][j]) for i in all_states] for j in all_states],
        institution=[[exact(c[j] * shared_cohesion(world, i, j)) for i in all_states] for j in all_states],
        likeness=[[exact(c[j] * likeness(world, i, j)) for i in all_states] for j in all_states],
        hostility=[[exact(c[j] * hostility(world, i, j)) for i in all_states] for j in all_states],
        trade=[[exact(world.trade[i][j]) for j in all_states] for i in all_states],
        closed=[[exact(g[j] * world.sanction[j][i]) for i in all_states] for j in all_states],
    )


def sum_of(values: list[float], alignment: list[int], k: int) -> float:
    """Sum values over the states in an alignment."""
    return sum(value for value, a in zip(values, alignment, strict=True) if a == k)


def assess(world: World, weights: Weights, alignment: list[int], step: int) -> Surroundings:
    """Compute the environment from the alignments at the start of the step."""
    p = world.parameters
    crisis = [
        sum(s.intensity for s in world.crises if s.theatre == name and s.step <= step < s.step + s.duration)
        for name in world.scenario.theatres
    ]
    cohesion, attention, enforcement = [], [], []
    for k in world.blocs:
        demand = [asked + more for asked, more in zip(world.priority[k - 1], crisis, strict=True)]
        total = sum(demand)
        s = min(1.0, world.budget[k - 1] / total) if total > 0 else 1.0
        elsewhere = sum(sum_of(world.product, alignment, other) for other in world.blocs if other != k)
        cohesion.append(s)
        attention.append([s * d for d in demand])
        enforcement.append(
            world.enforcement[k - 1]
            * max(0.0, 1 - p["erosion"] * elsewhere)
            * max(0.0, 1 - p["accommodation_cost"] * world.accommodation[k - 1])
        )
    bite = []
    for i in range(world.n):
        # The sum of a regime is exact, so the total does not depend on the order of states.
        by_regime = [0.0] * (len(cohesion) + 1)
        for j in range(world.n):
            by_regime[world.regime[j][i]] += weights.closed[j][i]
        total = by_regime[0]
        for k in world.blocs:
            total += enforcement[k - 1] * cohesion[k - 1] * by_regime[k]
        bite.append(exact(min(1.0, total)))
    return Surroundings(cohesion, attention, enforcement, bite)


def terms_of(world: World, weights: Weights, env: Surroundings, alignment: list[int], i: int) -> Table:
    """Compute the terms of the utility of each alignment to state i, at the present alignments."""
    p = world.parameters
    floor = p["pressure_floor"]
    bite = env.bite[i]
    others = [j for j in range(world.n) if j != i]

    def over(k: int, row: list[float]) -> float:
        """Sum a row over the states other than i in an alignment."""
        return sum(row[j] for j in others if alignment[j] == k)

    def toward(table: Table) -> list[float]:
        """Return the weight of each state for i."""
        return [table[j][i] for j in range(world.n)]

    hostile, bonds = toward(weights.hostility), toward(weights.bond)
    opened = [world.product[j] - weights.closed[j][i] for j in range(world.n)]
    mass = {k: over(k, world.capability) for k in world.blocs}
    rows = [dict.fromkeys(TERMS, 0.0) for _ in range(len(mass) + 1)]
    for k in world.blocs:
        leader = world.leader[k - 1]
        rival = world.rivalry[i][leader] if leader is not None else 0.0
        punished = world.sanction[leader][i] if leader is not None else 0.0
        pressure = 0.0
        for other in world.blocs:
            if other != k:
                weight = env.enforcement[other - 1] * env.attention[other - 1][world.theatre[i]] * mass[other]
                pressure += weight * (floor + (1 - floor) * over(other, weights.trade[i]) * (1 - bite))
        threat = sum(over(other, hostile) for other in world.blocs if other != k)
        rows[k] |= {
            "propensity": p["w_propensity"] * over(k, toward(weights.propensity)),
            "bond": p["w_bond"] * over(k, bonds),
            "institution": p["w_institution"] * over(k, toward(weights.institution)),
            "likeness": p["w_likeness"] * over(k, toward(weights.likeness)),
            "hostility": -p["w_hostility"] * over(k, hostile),
            "balance": p["w_balance"] * mass[k] * threat,
            "trade": p["w_trade"] * over(k, weights.trade[i]),
            "shelter": p["w_shelter"] * bite * (1 - punished) * over(k, opened),
            "accommodation": world.accommodation[k - 1] * (1 - max(rival, punished)),
            "pressure": -p["w_pressure"] * pressure,
        }
    rows[0]["autonomy"] = world.autonomy[i] * p["w_autonomy"]
    rows[0]["hedging"] = p["w_hedging"] * p["w_bond"] * sum(over(k, bonds) for k in world.blocs)
    rows[alignment[i]]["inertia"] = p["inertia"]
    return [[row[name] for name in TERMS] for row in rows]


def chances_of(utilities: list[float], allowed: list[int], now: int, temperature: float) -> list[float]:
    """Compute the probability of each alignment."""
    best = max(utilities[k] for k in allowed)
    chances = [0.0] * len(utilities)
    if temperature == 0:
        equals = [k for k in allowed if utilities[k] == best]
        chances[now if now in equals else equals[0]] = 1.0
        return chances
    for k in allowed:
        chances[k] = math.exp((utilities[k] - best) / temperature)
    total = sum(chances)
    return [chance / total for chance in chances]


def log_chances_of(utilities: list[float], allowed: list[int], temperature: float) -> list[float]:
    """Compute the logarithm of the probability of each alignment at a temperature above 0."""
    best = max(utilities[k] for k in allowed)
    scaled = {k: (utilities[k] - best) / temperature for k in allowed}
    total = math.log(sum(math.exp(value) for value in scaled.values()))
    return [scaled[k] - total if k in scaled else -math.inf for k in range(len(utilities))]


def choice(chances: list[float], u: float) -> int:
    """Return the first alignment at which the cumulative probability exceeds u."""
    reached = 0.0
    for k, chance in enumerate(chances):
        reached += chance
        if reached > u:
            return k
    return max(k for k, chance in enumerate(chances) if chance > 0)


def sum_terms(terms: list[float]) -> float:
    """Sum terms from the first to the last."""
    total = 0.0
    for term in terms:
        total += term
    return total
