"""The lowest energy of a two-bloc landscape, with a proof.

Local search finds the optimum. A linear program over pair distances with lazily added triangle inequalities
(Barahona & Mahjoub 1986) proves it, with branch and bound if needed. Energies are over ordered pairs.
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
    descend,
    ordered_energies,
    pair_weights,
    to_alignments,
)

PROOF_TOLERANCE = 1e-6  # relative to the largest |s_i s_j p_ij|: the accuracy of HiGHS

INFEASIBLE = 2  # scipy's status

# One row for each contradiction of three pair distances; the last one: not all three states can be apart.
TRIANGLE_SIGNS = np.array([[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]], dtype=np.float64)

TRIANGLE_LIMITS = np.array([0.0, 0.0, 0.0, 2.0])


@dataclass(frozen=True)
class Optimum:
    """The lowest energy found and its lower bound; energies over ordered pairs.

    Attributes
    ----------
    energy : float
        Lowest energy found, in squared units of size.
    alignment : array of int8, (N,)
        Its blocs 1 and 2, with state 0 in bloc 1.
    bound : float
        Lower bound of all energies, up to PROOF_TOLERANCE.
    gap : float
        (energy - bound) / |bound|, in [0, 1]; 0 when proven.
    proven : bool
        Whether no energy is lower.
    trace : tuple of (float, float, float)
        Seconds, energy and bound in the course of the search.
    """

    energy: float
    alignment: Alignment
    bound: float
    gap: float
    proven: bool
    trace: tuple[tuple[float, float, float], ...]


class Relaxation:
    """Linear program over pair distances d_ij, i < j (cut polytope; Barahona & Mahjoub 1986).

    It minimises the sum of cost_ij d_ij and adds violated triangle inequalities.
    """

    def __init__(self, cost: Matrix) -> None:
        self.size = n = len(cost)
        pair = np.zeros((n, n), dtype=np.int64)
        pair[np.triu_indices(n, 1)] = np.arange(n * (n - 1) // 2)
        i, j, k = np.array(list(combinations(range(n), 3)), dtype=np.int64).reshape(-1, 3).T
        self.cost: Vector = cost[np.triu_indices(n, 1)]  # (P,), P = N (N - 1) / 2
        self.triangles = np.stack([pair[i, j], pair[i, k], pair[j, k]], axis=1)  # (T, 3) of pairs
        self.active = np.zeros((len(self.triangles), 4), dtype=np.bool_)

    def add_violated(self, distance: Vector) -> bool:
        """Add the inequalities that `distance` violates most, 20 for each state; return False if there is none."""
        excess = distance[self.triangles] @ TRIANGLE_SIGNS.T - TRIANGLE_LIMITS
        excess[self.active] = 0.0
        worst = np.argsort(excess, axis=None)[: -20 * self.size - 1 : -1]
        worst = worst[excess.flat[worst] > 1e-7]
        self.active.flat[worst] = True
        return len(worst) > 0

    def relax(self, low: Vector, high: Vector, seconds: float) -> tuple[Vector, float] | None:
        """Solve for distances (P,) between `low` and `high` and a bound; None if the solver fails.

        Any multipliers >= 0 give a valid bound, so it holds whatever the solver returns.
        """
        triangle, kind = np.nonzero(self.active)
        if len(triangle) == 0:
            distance = np.where(self.cost < 0, high, low)
            return distance, float(self.cost @ distance)
        entry = (np.repeat(np.arange(len(triangle)), 3), self.triangles[triangle].ravel())
        shape = (len(triangle), len(self.cost))
        matrix = sparse.csr_array((TRIANGLE_SIGNS[kind].ravel(), entry), shape=shape)
        limits, bounds = TRIANGLE_LIMITS[kind], np.stack([low, high], axis=1)
        options = {"time_limit": seconds}  # interior point is faster here than the simplex method
        found = linprog(self.cost, matrix, limits, bounds=bounds, method="highs-ipm", options=options)
        if found.status == INFEASIBLE:
            return np.full(len(self.cost), 0.5), np.inf
        if found.status != 0:
            return None
        multipliers = np.maximum(0.0, -found.ineqlin.marginals)
        reduced = self.cost + matrix.T @ multipliers
        return found.x, float(np.minimum(reduced * low, reduced * high).sum() - multipliers @ limits)

    def split(self, distance: Vector) -> Integers:
        """Split by distance from state 0, (N,) of +1 and -1."""
        return np.concatenate([[1], np.where(distance[: self.size - 1] > 0.5, -1, 1)])


class Search:
    """One search, with its best energy and its bound, in the integer units of the weights over i < j."""

    def __init__(self, weights: Integers, seconds: float) -> None:
        self.weights = weights
        self.unit = max(1, int(np.abs(weights).max(initial=0)))
        self.step = int(np.gcd.reduce(weights, axis=None)) or 1  # every energy is a multiple of this
        self.started = time.perf_counter()
        self.seconds = seconds
        self.side, self.energy = np.ones(len(weights), dtype=np.int64), 0
        self.trace: list[tuple[float, float, float]] = []

    def remaining_seconds(self) -> float:
        """Return the seconds left."""
        return self.started + self.seconds - time.perf_counter()

    def improve(self, side: Integers) -> None:
        """Descend from the rows of `side`, (S, N), and keep the best end if it is lower."""
        ends = descend(self.weights, side)
        energies = ordered_energies(ends, self.weights) // 2
        best = int(energies.argmin())
        if energies[best] < self.energy:
            self.side, self.energy = ends[best], int(energies[best])

    def round_up(self, bound: float) -> float:
        """Round a bound, in units of the largest weight, up to the next possible energy."""
        value = bound * self.unit
        return float(max(value, np.ceil((value - PROOF_TOLERANCE * self.unit) / self.step) * self.step))

    def is_proven(self, bound: float) -> bool:
        """Return whether `bound` proves the best energy."""
        return self.energy - bound <= PROOF_TOLERANCE * self.unit

    def explore(
        self, program: Relaxation, low: Vector, high: Vector, *, bound: float, others: float
    ) -> tuple[Vector | None, float]:
        """Solve the branch between `low` and `high` by adding triangles; return distances (None if none) and bound."""
        distance = None
        while not self.is_proven(bound) and self.remaining_seconds() > 0:
            found = program.relax(low, high, self.remaining_seconds())
            if found is None:
                break
            distance, bound = found[0], max(bound, self.round_up(found[1]))
            self.improve(program.split(distance)[None])
            self.record(min(bound, others))
            if not program.add_violated(distance):
                break
        return distance, bound

    def record(self, bound: float) -> None:
        """Append time, best energy and bound to the trace."""
        spent = time.perf_counter() - self.started
        self.trace.append((spent, float(self.energy), min(bound, float(self.energy))))

    def branch_and_bound(self, program: Relaxation) -> float:
        """Return the best bound within the time; take the lowest branch first and split it by a pair."""
        pairs = len(program.cost)
        none_better = float(np.minimum(self.weights, 0).sum()) / 2  # attracting pairs together, all others apart
        branches = [(none_better, 0, np.zeros(pairs), np.ones(pairs))]
        unsplit = np.inf  # lowest bound of branches that cannot be split
        number = count(1)  # breaks ties in the queue
        while branches and self.remaining_seconds() > 0:
            bound, _, low, high = heappop(branches)
            others = min(unsplit, branches[0][0] if branches else np.inf)
            distance, bound = self.explore(program, low, high, bound=bound, others=others)
            free = low < high
            if self.is_proven(bound):
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
        self.record(bound)
        return bound


def find_optimum(
    sizes: Vector, propensity: Matrix, *, rng: np.random.Generator, starts: int = 200, seconds: float = 60.0
) -> Optimum:
    """Find the lowest energy of two blocs, with a proof or the gap after `seconds`.

    Random descents give the best energy. A linear program over pair distances, with violated triangle inequalities,
    gives a lower bound. Branching on a pair closes the gap. Memory grows by a hundred bytes for each triple of
    states, so N can be about 300.

    Parameters
    ----------
    sizes : array of float, (N,)
        Capabilities, 0 or more, in the world's unit.
    propensity : array of float, (N, N)
        Propensities, symmetric with a zero diagonal.
    rng : numpy.random.Generator
        Random numbers of the starts.
    starts : int
        Number of random descents.
    seconds : float
        Time limit of the proof.

    Returns
    -------
    Optimum
        Best energy, its blocs and the lower bound.
    """
    n = len(sizes)
    weights, scale = pair_weights(sizes, propensity)
    search = Search(weights, seconds)
    search.improve(rng.integers(0, 2, (starts, n)) * 2 - 1)
    bound = search.branch_and_bound(Relaxation(weights / search.unit))
    proven = search.is_proven(bound)
    bound = float(search.energy) if proven else bound
    ordered = scale / 2  # energies above are over i < j
    return Optimum(
        energy=search.energy / ordered,
        alignment=to_alignments(search.side[None])[0],
        bound=bound / ordered,
        gap=0.0 if proven else (search.energy - bound) / abs(bound),
        proven=proven,
        trace=tuple((at, low / ordered, below / ordered) for at, low, below in search.trace),
    )
