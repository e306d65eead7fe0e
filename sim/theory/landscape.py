"""Landscape theory of two blocs (Axelrod & Bennett 1993): energy, local minima with their basins, the optimum.

Sizes s are capabilities (N,) >= 0 in the world's own unit; propensities p (N, N) are symmetric with a zero
diagonal. An alignment is (N,) of small integers as in MODEL §2: 0 non-aligned, 1..K a bloc. The landscape is
that of two blocs; as their labels mean nothing, state 0 is pinned to bloc 1. Every energy that leaves this
module is over *ordered* pairs, as the paper prints it, but for `pair_energy`, which says so.

Equal energies must compare equal, or a plateau looks like a slope. So the products s_i s_j p_ij are rounded once
to whole multiples of a power of ten so small that decimals as people type them stay exact (`pair_weights`); all
that compares energies here is integer arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from sim.model.jit import compile_rule

Vector = NDArray[np.float64]

Matrix = NDArray[np.float64]

Integers = NDArray[np.int64]

Alignment = NDArray[np.int8]

LARGEST_ENUMERATED = 24  # 2^23 configurations take 130 MB; each state more doubles that


@dataclass(frozen=True)
class Minima:
    """Local minima, lowest first, of M found among `starts` descents (all 2^(N-1) of them if `exhaustive`)."""

    energies: Vector  # (M,) over ordered pairs
    basins: Integers  # (M,) how many starts descend to each
    alignments: Alignment  # (M, N) of 1 and 2, state 0 in bloc 1
    plateaus: Integers  # (M,) minima joined by moves that cost nothing share a number
    leaky: NDArray[np.bool_]  # (M,) moves that cost nothing lead to where another lowers the energy
    starts: int
    exhaustive: bool

    @property
    def shares(self) -> Vector:
        """Share of the starts that each minimum draws, (M,), summing to 1; an estimate unless exhaustive."""
        return self.basins / self.starts

    @property
    def standard_errors(self) -> Vector:
        """Standard error of each share, (M,): binomial in the number of starts, 0 where all were tried."""
        return np.sqrt(self.shares * (1 - self.shares) / self.starts) * (not self.exhaustive)


@dataclass(frozen=True)
class Separation:
    """What parts an alignment from a reference: the states (indices) to move and the energy above it."""

    states: tuple[int, ...]
    energy: float  # over ordered pairs, alignment less reference


def pair_distance(alignment: Alignment) -> Matrix:
    """Distance d of each pair, (N, N) in {0, 1}: 0 within a bloc and of a state to itself, 1 otherwise.

    The non-aligned are in no bloc with anybody, so their ties count as across (MODEL §8).
    """
    together = (alignment[:, None] == alignment) & (alignment[:, None] != 0)
    np.fill_diagonal(together, True)
    return np.where(together, 0.0, 1.0)


def frustration(alignment: Alignment, *, sizes: Vector, propensity: Matrix) -> Vector:
    """Frustration F_k = sum_j s_j p_kj d_kj of each state, (N,), in the unit of size (Axelrod & Bennett, eq. 1)."""
    return np.asarray((propensity * pair_distance(alignment)) @ sizes)


def energy(alignment: Alignment, *, sizes: Vector, propensity: Matrix) -> float:
    """Energy sum_k s_k F_k over *ordered* pairs, each pair twice, in squared units of size; the paper's figure."""
    return float(sizes @ frustration(alignment, sizes=sizes, propensity=propensity))


def pair_energy(alignment: Alignment, *, sizes: Vector, propensity: Matrix) -> float:
    """Energy over pairs i < j, half of `energy`: the E of MODEL §8 that the Gibbs distribution is in."""
    return energy(alignment, sizes=sizes, propensity=propensity) / 2


def move_change(state: int, bloc: int, *, alignment: Alignment, sizes: Vector, propensity: Matrix) -> float:
    """Change of the energy (ordered pairs) when `state` alone moves to `bloc`: 2 s_k dF_k, dF_k its own change."""
    moved = alignment.copy()
    moved[state] = bloc
    change = pair_distance(moved)[state] - pair_distance(alignment)[state]
    return float(2 * sizes[state] * (propensity[state] * change) @ sizes)


def pair_weights(sizes: Vector, propensity: Matrix) -> tuple[Integers, float]:
    """The products s_i s_j p_ij as integers (N, N), and the power of ten they were multiplied by.

    The power is the largest that keeps the sum of all |products| within 2^48. Floating error of a product is then
    below a tenth of the unit, so decimals that fit come out exact; others are off by half a unit, some 1e-14 of
    the sum.
    """
    products = np.outer(sizes, sizes) * propensity
    total = float(np.abs(products).sum())
    digits = min(22, int(np.floor(np.log10(2.0**48 / total)))) if total > 0 else 0
    scale = 10.0**digits
    return np.rint(products * scale).astype(np.int64), scale


@compile_rule
def _enumerate(weights: Integers) -> Integers:
    """Energy over i < j of every configuration, (2^(N-1),); bit k - 1 of the index is set if k left state 0.

    In Gray code order one state moves at a time, and its own ties alone change the energy.
    """
    n = weights.shape[0]
    energies = np.zeros(1 << (n - 1), dtype=np.int64)
    side = np.ones(n, dtype=np.int64)
    current, code = 0, 0
    for step in range(1, energies.size):
        k = 1
        while (step >> (k - 1)) & 1 == 0:
            k += 1
        pull = 0
        for j in range(n):
            pull += weights[k, j] * side[j]
        current += side[k] * pull
        side[k] = -side[k]
        code ^= 1 << (k - 1)
        energies[code] = current
    return energies


@compile_rule
def _basins(energies: Integers, n: int) -> tuple[Integers, Integers]:
    """Local minima (configuration numbers, ascending) and how many configurations descend to each.

    Each configuration goes to its lowest neighbour, the first state's on a tie, while that is strictly lower.
    """
    n_codes = energies.size
    step = np.zeros(n_codes, dtype=np.int32)  # what a configuration is XORed with to descend; 0 at a minimum
    for code in range(n_codes):
        lowest = energies[code]
        for k in range(n):
            flip = n_codes - 1 if k == 0 else 1 << (k - 1)  # state 0 is pinned: all others move instead
            if energies[code ^ flip] < lowest:
                lowest, step[code] = energies[code ^ flip], flip
    minima = np.flatnonzero(step == 0)
    label = np.full(n_codes, -1, dtype=np.int32)
    for m in range(minima.size):
        label[minima[m]] = m
    sizes = np.zeros(minima.size, dtype=np.int64)
    for start in range(n_codes):
        code = start
        while label[code] < 0:
            code ^= step[code]
        found, code = label[code], start
        while label[code] < 0:
            label[code] = found
            code ^= step[code]
        sizes[found] += 1
    return minima, sizes


@compile_rule
def descend(weights: Integers, side: Integers) -> Integers:
    """Steepest descent from each row of `side` (S, N) of +1 and -1: where it ends, (S, N)."""
    ends = side.copy()
    n = weights.shape[0]
    field = np.zeros(n, dtype=np.int64)
    for s in range(ends.shape[0]):
        for k in range(n):
            field[k] = 0
            for j in range(n):
                field[k] += weights[k, j] * ends[s, j]
        while True:
            best, lowest = -1, 0
            for k in range(n):
                if ends[s, k] * field[k] < lowest:
                    best, lowest = k, ends[s, k] * field[k]
            if best < 0:
                break
            ends[s, best] = -ends[s, best]
            for j in range(n):
                field[j] += 2 * weights[j, best] * ends[s, best]
    return ends


def alignments_of(side: Integers) -> Alignment:
    """Rows of +1 and -1 as alignments of 1 and 2, state 0 in bloc 1."""
    return np.where(side == side[:, :1], 1, 2).astype(np.int8)


def _plateaus(side: Integers, weights: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Number of each minimum's plateau and whether it leaks, from the minima (M, N) as +1 and -1."""
    rows = np.packbits(side * side[:, :1] < 0, axis=1)
    index = {row.tobytes(): m for m, row in enumerate(rows)}
    links: list[tuple[int, int]] = []
    leaky = np.zeros(len(side), dtype=np.bool_)
    for m, k in np.argwhere(side * (side @ weights) == 0):
        moved = side[m].copy()
        moved[k] = -moved[k]
        neighbour = index.get(np.packbits(moved * moved[0] < 0).tobytes())
        if neighbour is not None:
            links.append((int(m), neighbour))
        leaky[m] |= bool((moved * (weights @ moved) < 0).any())
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    graph = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(side), len(side)))
    return connected_components(graph, directed=False)[1].astype(np.int64), leaky


def ordered_energies(side: Integers, weights: Integers) -> Integers:
    """Energy over ordered pairs of each row (M, N) of +1 and -1, (M,): d = (1 - side_i side_j) / 2."""
    return np.asarray((weights.sum() - (side * (side @ weights)).sum(axis=1)) // 2)


def _minima(side: Integers, basins: Integers, weights: Integers, scale: float, *, exhaustive: bool) -> Minima:
    """The record of minima given as rows of +1 and -1: lowest energy first, else in the order given."""
    energies = ordered_energies(side, weights)
    order = np.argsort(energies, kind="stable")
    side, basins = side[order], basins[order]
    plateaus, leaks = _plateaus(side, weights)
    return Minima(
        energies=energies[order] / scale,
        basins=basins,
        alignments=alignments_of(side),
        plateaus=plateaus,
        leaky=np.isin(plateaus, plateaus[leaks]),
        starts=int(basins.sum()),
        exhaustive=exhaustive,
    )


def enumerate_minima(sizes: Vector, propensity: Matrix) -> Minima:
    """All local minima of the two-bloc landscape and their exact basins; N <= LARGEST_ENUMERATED.

    A configuration is a local minimum when no move of one state lowers its energy. On a plateau that makes each
    of its configurations one, so `plateaus` says which belong together: Galam's frustrated triangle has three
    (six, were the blocs told apart) on one plateau. Others go to their lowest neighbour, the first on a tie.
    """
    n = len(sizes)
    if not 1 <= n <= LARGEST_ENUMERATED:
        raise ValueError(f"{n} states cannot be enumerated (1 to {LARGEST_ENUMERATED}): sample their minima")
    weights, scale = pair_weights(sizes, propensity)
    codes, basins = _basins(_enumerate(weights), n)
    left = (codes[:, None] << 1 >> np.arange(n)) & 1
    return _minima(1 - 2 * left, basins, weights, scale, exhaustive=True)


def sample_minima(sizes: Vector, propensity: Matrix, *, rng: np.random.Generator, starts: int) -> Minima:
    """The local minima that `starts` random configurations descend to; their shares are estimates.

    Minima with small basins are missed: one that draws a share s is seen with probability 1 - (1 - s)^starts.
    """
    weights, scale = pair_weights(sizes, propensity)
    ends = descend(weights, rng.integers(0, 2, (starts, len(sizes))) * 2 - 1)
    side, basins = np.unique(ends * ends[:, :1], axis=0, return_counts=True)
    return _minima(side[::-1], basins[::-1], weights, scale, exhaustive=False)


def separate_from(alignment: Alignment, reference: Alignment, *, sizes: Vector, propensity: Matrix) -> Separation:
    """The states to move to turn `alignment` into `reference`, and its energy above it (ordered pairs).

    Blocs are matched first so that as few as possible differ, as labels mean nothing; a state that is
    non-aligned in only one of the two always differs. With an optimum as the reference this is the distance of
    a run from it; with two minima it is what separates them.
    """
    blocs = int(max(alignment.max(), reference.max()))
    shared = np.zeros((blocs + 1, blocs + 1), dtype=np.int64)
    np.add.at(shared, (reference, alignment), 1)
    relabelled = np.zeros(blocs + 1, dtype=np.int8)
    rows, columns = linear_sum_assignment(shared[1:, 1:], maximize=True)
    relabelled[rows + 1] = columns + 1
    states = tuple(int(k) for k in np.flatnonzero(relabelled[reference] != alignment))
    before, after = (energy(x, sizes=sizes, propensity=propensity) for x in (reference, alignment))
    return Separation(states, after - before)
