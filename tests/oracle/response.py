"""How ties respond to the alignments of a step (plain Python).

A tie responds to pulls. A pull has a rate and a value that it draws the tie to.
"""

from __future__ import annotations

import math

from oracle.decision import Surroundings
from oracle.world import World, clip, hostility

Pulls = list[tuple[float, float]]


def respond(world: World, env: Surroundings, alignment: list[int]) -> None:
    """Let ties respond to the final alignments, every new value from the old ones."""
    bond, rivalry, sanction = ([list(row) for row in t] for t in (world.bond, world.rivalry, world.sanction))
    regime = [list(row) for row in world.regime]
    for i in range(world.n):
        for j in range(world.n):
            if i == j:
                continue
            bond[i][j] = pulled(world, world.bond[i][j], bond_pulls(world, env, alignment, i, j))
            rivalry[i][j] = pulled(world, world.rivalry[i][j], rivalry_pulls(world, alignment, i, j))
            pulls = sanction_pulls(world, env, alignment, i, j)
            sanction[i][j] = pulled(world, world.sanction[i][j], pulls)
            if any(rate > 0 and target == 1 for rate, target in pulls):
                regime[i][j] = alignment[i]
    world.bond, world.rivalry, world.sanction, world.regime = bond, rivalry, sanction, regime


def pulled(world: World, old: float, pulls: Pulls) -> float:
    """Return a tie after a step: one increment in rounds, the exact solution over the step with a calendar."""
    if not world.has_calendar:
        new = old
        for rate, target in pulls:
            new += min(1.0, rate) * (target - old)
        return clip(new)
    gain = sum(rate * target for rate, target in pulls)
    rates = sum(rate for rate, _ in pulls)
    if rates == 0:
        return old
    rest = gain / rates
    return clip(rest + (old - rest) * math.exp(-rates * world.years))


def is_opposed(alignment: list[int], i: int, j: int) -> bool:
    """Whether two states are in two different blocs."""
    return alignment[i] != alignment[j] and alignment[i] > 0 and alignment[j] > 0


def bond_pulls(world: World, env: Surroundings, alignment: list[int], i: int, j: int) -> Pulls:
    """Return to the bond of history; gain within a bloc; loss across blocs; outreach of each to the other."""
    p = world.parameters
    a = alignment[i]
    first = world.first_bond[i][j]
    pulls = [(p["bond_return"], first)]
    if a == alignment[j] and a > 0 and first > 0:
        bites = [bite for bite, k in zip(env.bite, alignment, strict=True) if k == a]
        pulls.append((p["bond_gain"] * (1 + p["strain"] * (sum(bites) / len(bites))), 1.0))
    if is_opposed(alignment, i, j):
        pulls.append((p["bond_loss"], 0.0))
    top = max(world.capability)
    if hostility(world, i, j) < 0.5 and top > 0:
        for one, other in ((i, j), (j, i)):
            if alignment[one] > 0 and alignment[other] != alignment[one]:
                pulls.append((p["outreach"] * env.bite[one] * (world.capability[other] / top), 1.0))
    return pulls


def rivalry_pulls(world: World, alignment: list[int], i: int, j: int) -> Pulls:
    """Gain of a rivalry across blocs, loss within a bloc."""
    if is_opposed(alignment, i, j) and world.rivalry[i][j] > 0:
        return [(world.parameters["rivalry_gain"], 1.0)]
    if alignment[i] == alignment[j] and alignment[i] > 0:
        return [(world.parameters["rivalry_loss"], 0.0)]
    return []


def sanction_pulls(world: World, env: Surroundings, alignment: list[int], sender: int, target: int) -> Pulls:
    """Growth of the sanctions of a pressing bloc, relief between the unopposed."""
    if not is_opposed(alignment, sender, target):
        return [(world.parameters["sanction_relief"], 0.0)]
    k = alignment[sender] - 1
    hold = env.enforcement[k] * env.attention[k][world.theatre[target]]
    return [(world.parameters["sanction_response"] * hold, 1.0)]
