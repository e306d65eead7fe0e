"""What a run reports of each step, of each state and of itself (plain Python)."""

from __future__ import annotations

import math

from oracle.decision import Surroundings, sum_of
from oracle.world import Table, World, hostility, shared_cohesion

LATE_STEPS = 8
SETTLED_STEPS = 5
SETTLED = 0.05


def observe(world: World, env: Surroundings, before: list[int], after: list[int]) -> dict[str, float]:
    """Compute the outcomes of a step by name."""
    names = list(world.scenario.alignments())
    outcomes: dict[str, float] = {}
    power = [sum_of(world.capability, after, k) for k in range(len(names))]
    for k, name in enumerate(names):
        bites = [bite for bite, a in zip(env.bite, after, strict=True) if a == k]
        outcomes[f"members_{name}"] = len(bites)
        outcomes[f"capability_{name}"] = power[k]
        outcomes[f"product_{name}"] = sum_of(world.product, after, k)
        outcomes[f"bite_{name}"] = sum(bites) / len(bites) if bites else math.nan
    for k in world.blocs:
        name = names[k]
        outcomes[f"enforcement_{name}"] = env.enforcement[k - 1]
        outcomes[f"cohesion_{name}"] = env.cohesion[k - 1]
        largest = max((power[other] for other in world.blocs if other != k), default=0.0)
        outcomes[f"leverage_{name}"] = power[k] / largest if largest > 0 else math.nan
        for theatre, attention in zip(world.scenario.theatres, env.attention[k - 1], strict=True):
            outcomes[f"attention_{name}_{theatre}"] = attention
    outcomes["polarization"] = sum(
        power[a] ** 2 * power[b] * (0.5 if 0 in (a, b) else 1.0)
        for a in range(len(names))
        for b in range(len(names))
        if a != b
    )
    outcomes["frustration"] = frustration(world, after)
    outcomes["switches"] = sum(a != b for a, b in zip(before, after, strict=True))
    return outcomes


def frustration(world: World, alignment: list[int]) -> float:
    """Compute the share of the weight of pairs that the blocs violate."""
    p = world.parameters
    total = violated = 0.0
    for i in range(world.n):
        for j in range(i + 1, world.n):
            tie = (
                p["w_propensity"] * world.propensity[i][j]
                + p["w_bond"] * world.bond[i][j]
                + p["w_institution"] * shared_cohesion(world, i, j)
                - p["w_hostility"] * hostility(world, i, j)
            )
            weight = world.capability[i] * world.capability[j] * abs(tie)
            total += weight
            a, b = alignment[i], alignment[j]
            if a > 0 and b > 0 and ((tie > 0 and a != b) or (tie < 0 and a == b)):
                violated += weight
    return violated / total if total > 0 else 0.0


def stability(world: World, closed: Table, env: Surroundings, alignment: list[int], i: int) -> float:
    """Compute regime stability of a state, with the closed product of the environment."""
    a = alignment[i]
    pressure = 0.0
    if a > 0:
        for k in world.blocs:
            if k != a:
                weight = env.enforcement[k - 1] * env.attention[k - 1][world.theatre[i]]
                pressure += weight * sum_of(world.capability, alignment, k) * world.parameters["pressure_floor"]
    product = 0.0
    for j in range(world.n):
        if j != i:
            part = 0.5 if alignment[j] == 0 else 1.0 if alignment[j] == a else 0.0
            product += part * (world.product[j] - closed[j][i])
    return 1 - min(1.0, max(0.0, env.bite[i] + pressure - product))


def late_shares(alignments: list[list[int]], count: int) -> Table:
    """Compute for each state the share of the last steps in each alignment; the start does not count."""
    last = alignments[1:][-LATE_STEPS:]
    return [
        [sum(alignment[i] == k for alignment in last) / len(last) for k in range(count)]
        for i in range(len(alignments[0]))
    ]


def late_mean(values: list[float]) -> float:
    """Average the defined values of the last steps; the start does not count."""
    last = [value for value in values[1:][-LATE_STEPS:] if not math.isnan(value)]
    return math.fsum(last) / len(last) if last else math.nan


def consolidation(world: World, alignments: list[list[int]]) -> float:
    """Find the first step from which no bloc's capability moves by more than 0.05 in five steps."""
    for s in range(len(alignments) - SETTLED_STEPS):
        if all(
            abs(sum_of(world.capability, alignments[t], k) - sum_of(world.capability, alignments[s], k)) <= SETTLED
            for t in range(s + 1, s + SETTLED_STEPS + 1)
            for k in world.blocs
        ):
            return s
    return math.nan
