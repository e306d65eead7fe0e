"""Landscape theory of two blocs (Axelrod & Bennett 1993): energy, local minima and their basins.

Sizes s are capabilities (N,) >= 0 in the world's unit; propensities p (N, N) are symmetric with a zero diagonal. An
alignment is (N,) of small integers (model: Entities): 0 non-aligned, 1..K a bloc. The landscape has two blocs. Their
labels have no meaning, so state 0 is always in bloc 1. Energies are over *ordered* pairs, as in the paper, except in
`pair_energy`.

Equal energies must compare equal, otherwise a plateau looks like a slope. So `pair_weights` rounds the products
s_i s_j p_ij once to multiples of a small power of ten, and comparisons of energies use integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from sim.model.numerics.jit import compile_rule

Vector = NDArray[np.float64]

Matrix = NDArray[np.float64]

Integers = NDArray[np.int64]

Alignment = NDArray[np.int8]

LARGEST_ENUMERATED = 24  # 2^23 configurations take 130 MB; each further state doubles that


@dataclass(frozen=True)
class Minima:
    """The M local minima found by `starts` descents, lowest first; by all 2^(N-1) if `exhaustive`."""

    energies: Vector  # (M,) over ordered pairs
    basins: Integers  # (M,) number of starts that descend to each
    alignments: Alignment  # (M, N) of 1 and 2, state 0 in bloc 1
    plateaus: Integers  # (M,) minima connected by moves without energy change share a number
    leaky: NDArray[np.bool_]  # (M,) moves without energy change lead to a further descent
    starts: int
    exhaustive: bool

    @property
    def shares(self) -> Vector:
        """Share of the starts that descend to each minimum, (M,), with sum 1; an estimate unless exhaustive."""
        return self.basins / self.starts

    @property
    def standard_errors(self) -> Vector:
        """Binomial standard error of each share, (M,); 0 if exhaustive."""
        return np.sqrt(self.shares * (1 - self.shares) / self.starts) * (not self.exhaustive)


@dataclass(frozen=True)
class Separation:
    """Difference of an alignment from a reference: the states (indices) to move and the difference in energy."""

    states: tuple[int, ...]
    energy: float  # over ordered pairs, alignment less reference


def pair_distance(alignment: Alignment) -> Matrix:
    """Return the distance d of each pair, (N, N): 0 within a bloc and on the diagonal, 1 otherwise.

    The non-aligned share no bloc, so their ties count as across (docs/validation.md).
    """
    together = (alignment[:, None] == alignment) & (alignment[:, None] != 0)
    np.fill_diagonal(together, True)
    return np.where(together, 0.0, 1.0)


def frustration(alignment: Alignment, *, sizes: Vector, propensity: Matrix) -> Vector:
    """Compute the frustration F_k = sum_j s_j p_kj d_kj of each state (Axelrod & Bennett 1993, eq. 1).

    Parameters
    ----------
    alignment : array of int8, (N,)
        0 non-aligned, 1..K a bloc.
    sizes : array of float, (N,)
        Capabilities, 0 or more, in the world's unit.
    propensity : array of float, (N, N)
        Propensities, symmetric with a zero diagonal.

    Returns
    -------
    array of float, (N,)
        Frustration in the unit of size.
    """
    return np.asarray((propensity * pair_distance(alignment)) @ sizes)


def energy(alignment: Alignment, *, sizes: Vector, propensity: Matrix) -> float:
    """Compute the energy sum_k s_k F_k over *ordered* pairs (Axelrod & Bennett 1993).

    Parameters
    ----------
    alignment : array of int8, (N,)
        0 non-aligned, 1..K a bloc.
    sizes : array of float, (N,)
        Capabilities, 0 or more, in the world's unit.
    propensity : array of float, (N, N)
        Propensities, symmetric with a zero diagonal.

    Returns
    -------
    float
        Energy in squared units of size; each pair counts twice.

    Examples
    --------
    >>> ties = np.array([[0.0, 5.0], [5.0, 0.0]])
    >>> energy(np.array([1, 2]), sizes=np.array([2.0, 3.0]), propensity=ties)
    60.0
    """
    return float(sizes @ frustration(alignment, sizes=sizes, propensity=propensity))


def pair_energy(alignment: Alignment, *, sizes: Vector, propensity: Matrix) -> float:
    """Compute the energy over pairs i < j, half of `energy`: E of the Gibbs distribution in docs/validation.md."""
    return energy(alignment, sizes=sizes, propensity=propensity) / 2


def pair_weights(sizes: Vector, propensity: Matrix) -> tuple[Integers, float]:
    """Scale the products s_i s_j p_ij to integers (N, N), and return the power of ten of the scale.

    The power is the largest that keeps the sum of all |products| within 2^48. The floating error of a product is then
    below a tenth of the unit. So decimals that fit are exact, and others err by half a unit, about 1e-14 of the sum.
    """
    products = np.outer(sizes, sizes) * propensity
    total = float(np.abs(products).sum())
    digits = min(22, int(np.floor(np.log10(2.0**48 / total)))) if total > 0 else 0
    scale = 10.0**digits
    return np.rint(products * scale).astype(np.int64), scale


@compile_rule
def enumerate_energies(weights: Integers) -> Integers:
    """Compute the energy over i < j of all configurations, (2^(N-1),); bit k - 1 of the index is set if k left state 0.

    In Gray code order one state moves at a time, so only its ties change the energy.
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
def find_basins(energies: Integers, n: int) -> tuple[Integers, Integers]:
    """Find the local minima (configuration numbers, ascending) and the number of configurations in each basin.

    Each configuration descends to its lowest neighbour, the first on a tie, while that is strictly lower.
    """
    n_codes = energies.size
    step = np.zeros(n_codes, dtype=np.int32)  # XOR with the configuration gives its descent; 0 at a minimum
    for code in range(n_codes):
        lowest = energies[code]
        for k in range(n):
            flip = n_codes - 1 if k == 0 else 1 << (k - 1)  # state 0 stays in bloc 1: all others move instead
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
    """Descend steepest from each row of `side`, (S, N) of +1 and -1, to its end, (S, N)."""
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


def to_alignments(side: Integers) -> Alignment:
    """Convert rows of +1 and -1 to alignments of 1 and 2, with state 0 in bloc 1."""
    return np.where(side == side[:, :1], 1, 2).astype(np.int8)


def find_plateaus(side: Integers, weights: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Number the plateaus of minima, (M, N) of +1 and -1, and find leaky minima."""
    rows = np.packbits(side != side[:, :1], axis=1)
    index = {row.tobytes(): m for m, row in enumerate(rows)}
    links: list[tuple[int, int]] = []
    leaky = np.zeros(len(side), dtype=np.bool_)
    for m, k in np.argwhere(side * (side @ weights) == 0):
        moved = side[m].copy()
        moved[k] = -moved[k]
        neighbour = index.get(np.packbits(moved != moved[0]).tobytes())
        if neighbour is not None:
            links.append((int(m), neighbour))
        leaky[m] |= bool((moved * (weights @ moved) < 0).any())
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    graph = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(side), len(side)))
    return connected_components(graph, directed=False)[1].astype(np.int64), leaky


def ordered_energies(side: Integers, weights: Integers) -> Integers:
    """Compute the energy over ordered pairs of rows (M, N) of +1 and -1, (M,), with d = (1 - side_i side_j) / 2."""
    return np.asarray((weights.sum() - (side * (side @ weights)).sum(axis=1)) // 2)


def build_minima(side: Integers, basins: Integers, weights: Integers, scale: float, *, exhaustive: bool) -> Minima:
    """Build the record of minima from rows of +1 and -1: lowest energy first, then in the given order."""
    energies = ordered_energies(side, weights)
    order = np.argsort(energies, kind="stable")
    side, basins = side[order], basins[order]
    plateaus, leaks = find_plateaus(side, weights)
    return Minima(
        energies=energies[order] / scale,
        basins=basins,
        alignments=to_alignments(side),
        plateaus=plateaus,
        leaky=np.isin(plateaus, plateaus[leaks]),
        starts=int(basins.sum()),
        exhaustive=exhaustive,
    )


def enumerate_minima(sizes: Vector, propensity: Matrix) -> Minima:
    """Enumerate all local minima of the two-bloc landscape with their exact basins.

    At a local minimum no move of one state lowers the energy. Each configuration of a plateau is such a minimum, and
    `plateaus` groups them: the frustrated triangle (Galam 1996) has three on one plateau, six with labelled blocs.
    Other configurations descend to their lowest neighbour, the first on a tie.

    Parameters
    ----------
    sizes : array of float, (N,)
        Capabilities, 0 or more, in the world's unit.
    propensity : array of float, (N, N)
        Propensities, symmetric with a zero diagonal.

    Returns
    -------
    Minima
        All minima; `exhaustive` is True.

    Raises
    ------
    ValueError
        If N is not in 1..LARGEST_ENUMERATED.
    """
    n = len(sizes)
    if not 1 <= n <= LARGEST_ENUMERATED:
        raise ValueError(f"{n} states cannot be enumerated (1 to {LARGEST_ENUMERATED}): sample their minima")
    weights, scale = pair_weights(sizes, propensity)
    codes, basins = find_basins(enumerate_energies(weights), n)
    left = (codes[:, None] << 1 >> np.arange(n)) & 1
    return build_minima(1 - 2 * left, basins, weights, scale, exhaustive=True)


def sample_minima(sizes: Vector, propensity: Matrix, *, rng: np.random.Generator, starts: int) -> Minima:
    """Sample local minima by descents from random configurations; their shares are estimates.

    A minimum with basin share s is found with probability 1 - (1 - s)^starts.

    Parameters
    ----------
    sizes : array of float, (N,)
        Capabilities, 0 or more, in the world's unit.
    propensity : array of float, (N, N)
        Propensities, symmetric with a zero diagonal.
    rng : numpy.random.Generator
        Random numbers of the starts.
    starts : int
        Number of random configurations.

    Returns
    -------
    Minima
        The minima found; `exhaustive` is False.
    """
    weights, scale = pair_weights(sizes, propensity)
    ends = descend(weights, rng.integers(0, 2, (starts, len(sizes))) * 2 - 1)
    side, basins = np.unique(ends * ends[:, :1], axis=0, return_counts=True)
    return build_minima(side[::-1], basins[::-1], weights, scale, exhaustive=False)


def separate_from(alignment: Alignment, reference: Alignment, *, sizes: Vector, propensity: Matrix) -> Separation:
    """Find the fewest states that differ between two alignments, and the difference in energy (ordered pairs).

    The function matches the labels of blocs first, because they have no meaning. A state that is non-aligned in only
    one of the two always differs.
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
