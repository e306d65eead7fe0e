"""The lowest energy of a two-bloc landscape, with a certificate that nothing is lower.

Local search finds the answer; a linear program over pair distances with lazily added triangle inequalities
(Barahona & Mahjoub 1986), in branch and bound where it must, proves it. Energies are over ordered pairs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import combinations, count

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from sim.theory.landscape import (
    Alignment,
    Integers,
    Matrix,
    Vector,
    alignments_of,
    descend,
    ordered_energies,
    pair_weights,
)

PROOF_TOLERANCE = 1e-6  # of the largest |s_i s_j p_ij|: what HiGHS itself can tell apart

INFEASIBLE = 2  # scipy's status

# One row per way in which three pair distances contradict each other; the last: not all three can be apart.
TRIANGLE_SIGNS = np.array([[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]], dtype=np.float64)

TRIANGLE_LIMITS = np.array([0.0, 0.0, 0.0, 2.0])


@dataclass(frozen=True)
class Optimum:
    """The lowest energy found and what no configuration can be below; energies over ordered pairs."""

    energy: float
    alignment: Alignment  # (N,) of 1 and 2, state 0 in bloc 1
    bound: float  # no energy is lower, up to PROOF_TOLERANCE
    gap: float  # (energy - bound) / |bound|, in [0, 1]; 0 when proven
    proven: bool
    trace: tuple[tuple[float, float, float], ...]  # (seconds, energy, bound) as the search went


class Relaxation:
    """The optimum as a program over pair distances d_ij, i < j (cut polytope; Barahona & Mahjoub 1986).

    Minimise the sum of cost_ij d_ij; triangles are added as they are found to be violated.
    """

    def __init__(self, cost: Matrix) -> None:
        self.size = n = len(cost)
        pair = np.zeros((n, n), dtype=np.int64)
        pair[np.triu_indices(n, 1)] = np.arange(n * (n - 1) // 2)
        i, j, k = np.array(list(combinations(range(n), 3)), dtype=np.int64).reshape(-1, 3).T
        self.cost: Vector = cost[np.triu_indices(n, 1)]  # (P,), P = N (N - 1) / 2
        self.triangles = np.stack([pair[i, j], pair[i, k], pair[j, k]], axis=1)  # (T, 3) of pairs
        self.chosen = np.zeros((len(self.triangles), 4), dtype=np.bool_)

    def add_violated(self, distance: Vector) -> bool:
        """Choose the inequalities that `distance` breaks most, 20 a state at once; False if there is none."""
        excess = distance[self.triangles] @ TRIANGLE_SIGNS.T - TRIANGLE_LIMITS
        excess[self.chosen] = 0.0
        worst = np.argsort(excess, axis=None)[: -20 * self.size - 1 : -1]
        worst = worst[excess.flat[worst] > 1e-7]
        self.chosen.flat[worst] = True
        return len(worst) > 0

    def relax(self, low: Vector, high: Vector, seconds: float) -> tuple[Vector, float] | None:
        """Distances (P,) between `low` and `high` of the linear program, and a bound; None if it found none.

        The bound is taken from the multipliers: any that are >= 0 give one, so it holds whatever the solver did.
        """
        triangle, kind = np.nonzero(self.chosen)
        if len(triangle) == 0:
            distance = np.where(self.cost < 0, high, low)
            return distance, float(self.cost @ distance)
        entry = (np.repeat(np.arange(len(triangle)), 3), self.triangles[triangle].ravel())
        shape = (len(triangle), len(self.cost))
        matrix = sparse.csr_array((TRIANGLE_SIGNS[kind].ravel(), entry), shape=shape)
        limits, bounds = TRIANGLE_LIMITS[kind], np.stack([low, high], axis=1)
        options = {"time_limit": seconds}  # interior point: five times as fast here as the simplex method
        found = linprog(self.cost, matrix, limits, bounds=bounds, method="highs-ipm", options=options)
        if found.status == INFEASIBLE:
            return np.full(len(self.cost), 0.5), np.inf
        if found.status != 0:
            return None
        multipliers = np.maximum(0.0, -found.ineqlin.marginals)
        reduced = self.cost + matrix.T @ multipliers
        return found.x, float(np.minimum(reduced * low, reduced * high).sum() - multipliers @ limits)

    def sides(self, distance: Vector) -> Integers:
        """Each state on the side that its distance from state 0 is nearer to, (N,) of +1 and -1."""
        return np.concatenate([[1], np.where(distance[: self.size - 1] > 0.5, -1, 1)])


class Search:
    """Incumbent and certificate of one search, in the integer units of the weights over i < j."""

    def __init__(self, weights: Integers, seconds: float) -> None:
        self.weights = weights
        self.unit = max(1, int(np.abs(weights).max(initial=0)))
        self.step = int(np.gcd.reduce(weights, axis=None)) or 1  # every energy is a multiple of it
        self.began = time.perf_counter()
        self.seconds = seconds
        self.side, self.energy = np.ones(len(weights), dtype=np.int64), 0
        self.trace: list[tuple[float, float, float]] = []

    def left(self) -> float:
        """Seconds that may still be spent."""
        return self.began + self.seconds - time.perf_counter()

    def offer(self, side: Integers) -> None:
        """Take the best that the rows of `side` (S, N) descend to, if it is lower."""
        ends = descend(self.weights, side)
        energies = ordered_energies(ends, self.weights) // 2
        best = int(energies.argmin())
        if energies[best] < self.energy:
            self.side, self.energy = ends[best], int(energies[best])

    def reach(self, bound: float) -> float:
        """A bound, given in units of the largest weight, rounded up to the next energy that there can be."""
        value = bound * self.unit
        return float(max(value, np.ceil((value - PROOF_TOLERANCE * self.unit) / self.step) * self.step))

    def settled(self, bound: float) -> bool:
        """Whether nothing above `bound` is lower than the incumbent."""
        return self.energy - bound <= PROOF_TOLERANCE * self.unit

    def explore(
        self, program: Relaxation, low: Vector, high: Vector, *, bound: float, others: float
    ) -> tuple[Vector | None, float]:
        """Distances (None if not found) and bound of the branch between `low` and `high`, by adding triangles."""
        distance = None
        while not self.settled(bound) and self.left() > 0:
            found = program.relax(low, high, self.left())
            if found is None:
                break
            distance, bound = found[0], max(bound, self.reach(found[1]))
            self.offer(program.sides(distance)[None])
            self.note(min(bound, others))
            if not program.add_violated(distance):
                break
        return distance, bound

    def note(self, bound: float) -> None:
        """Record where the search stands."""
        spent = time.perf_counter() - self.began
        self.trace.append((spent, float(self.energy), min(bound, float(self.energy))))

    def branch_and_bound(self, program: Relaxation) -> float:
        """The best bound within the time, improving the incumbent; the lowest branch first, split by a pair."""
        pairs = len(program.cost)
        none_better = float(np.minimum(self.weights, 0).sum()) / 2  # all that attract together, all others apart
        branches = [(none_better, 0, np.zeros(pairs), np.ones(pairs))]
        unsplit = np.inf  # lowest bound of what cannot be split further
        number = count(1)  # settles ties in the queue
        while branches and self.left() > 0:
            bound, _, low, high = heappop(branches)
            others = min(unsplit, branches[0][0] if branches else np.inf)
            distance, bound = self.explore(program, low, high, bound=bound, others=others)
            free = low < high
            if self.settled(bound):
                continue
            if distance is None or not free.any():
                unsplit = min(unsplit, bound)
                continue
            pair = int(np.where(free, np.abs(distance - 0.5), np.inf).argmin())
            for side in (0.0, 1.0):
                below, above = low.copy(), high.copy()
                below[pair] = above[pair] = side
                heappush(branches, (bound, next(number), below, above))
        bound = min([unsplit, float(self.energy), *(branch[0] for branch in branches)])
        self.note(bound)
        return bound


def find_optimum(
    sizes: Vector, propensity: Matrix, *, rng: np.random.Generator, starts: int = 200, seconds: float = 60.0
) -> Optimum:
    """The lowest energy that two blocs can have, with a certificate, or the gap left after some `seconds`.

    `starts` random descents give the incumbent; a linear program over pair distances, to which violated
    triangle inequalities are added, bounds what can be lower; branching on a pair closes what gap is left.
    Memory grows with the triples of states: a hundred bytes each, so N to about 300.
    """
    n = len(sizes)
    weights, scale = pair_weights(sizes, propensity)
    search = Search(weights, seconds)
    search.offer(rng.integers(0, 2, (starts, n)) * 2 - 1)
    bound = search.branch_and_bound(Relaxation(weights / search.unit))
    proven = search.settled(bound)
    bound = float(search.energy) if proven else bound
    ordered = scale / 2  # energies so far are over i < j
    return Optimum(
        energy=search.energy / ordered,
        alignment=alignments_of(search.side[None])[0],
        bound=bound / ordered,
        gap=0.0 if proven else (search.energy - bound) / abs(bound),
        proven=proven,
        trace=tuple((at, low / ordered, below / ordered) for at, low, below in search.trace),
    )
