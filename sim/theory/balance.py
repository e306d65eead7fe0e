"""Structural balance: triads, frustration, and three models of how a signed network splits into blocs.

A signed network is a symmetric (N, N) with a zero diagonal: positive ties bind, negative ones repel, 0 is none.
Alignments are (N,) of integers as in MODEL §2; 0 here means that the method leaves a state undetermined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.integrate import solve_ivp

from sim.model.jit import compile_rule
from sim.theory.landscape import Alignment, Integers, Matrix, Vector
from sim.theory.optimum import find_optimum

UNDETERMINED = 1e-9  # of the largest component or eigenvalue: what is closer cannot be told apart

DRAWS = 1 << 16  # updates whose luck is drawn at once


@dataclass(frozen=True)
class Triads:
    """Complete triads (all three tied) by their number of negative ties; balanced are those with 0 or 2."""

    by_negatives: tuple[int, int, int, int]

    @property
    def complete(self) -> int:
        """How many triads have all three ties."""
        return sum(self.by_negatives)

    @property
    def unbalanced(self) -> int:
        """Complete triads whose signs multiply to -1."""
        return self.by_negatives[1] + self.by_negatives[3]

    @property
    def balance(self) -> float:
        """Share of the complete triads that are balanced, in [0, 1]; NaN where there is none."""
        return 1 - self.unbalanced / self.complete if self.complete else float("nan")


@dataclass(frozen=True)
class Frustration:
    """Fewest ties that any two blocs violate: positive ones across, negative ones within."""

    index: int
    at_least: int  # equals the index when proven
    proven: bool
    alignment: Alignment  # (N,) of 1 and 2


def count_triads(network: Matrix) -> Triads:
    """Counts of the complete triads of a signed network (Cartwright & Harary 1956), by sign alone."""
    positive, negative = (network > 0).astype(np.int64), (network < 0).astype(np.int64)
    closed = [
        np.sum((positive @ positive) * positive) // 6,  # each is met from three states in two directions
        np.sum((positive @ positive) * negative) // 2,
        np.sum((negative @ negative) * positive) // 2,
        np.sum((negative @ negative) * negative) // 6,
    ]
    return Triads((int(closed[0]), int(closed[1]), int(closed[2]), int(closed[3])))


def frustration_index(network: Matrix, *, rng: np.random.Generator, seconds: float = 60.0) -> Frustration:
    """Frustration index of a signed network (Harary 1959), exact when proven within the time; by sign alone.

    The landscape's energy of unit sizes is, over i < j, positive ties across less negative ties across. So the
    ties violated are that energy plus all the negative ones.
    """
    signs = np.sign(network)
    negative = int((signs < 0).sum()) // 2
    best = find_optimum(np.ones(len(signs)), signs, rng=rng, seconds=seconds)
    index = negative + round(best.energy / 2)
    return Frustration(index, negative + round(best.bound / 2), best.proven, best.alignment)


def blow_up_time(network: Matrix) -> float:
    """Time 1 / lambda_1 at which dX/dt = X^2 diverges; infinite where no eigenvalue is positive."""
    largest = float(np.linalg.eigvalsh(network)[-1])
    return 1 / largest if largest > 0 else float("inf")


def balance_flow(network: Matrix, t: float) -> Matrix:
    """X(t) = X0 (I - t X0)^-1, (N, N), of dX/dt = X^2 from X0 = `network`, t below the blow-up time.

    Marvel, Kleinberg, Kleinberg & Strogatz (PNAS 2011): a tie grows where two states see third states alike.
    """
    return np.asarray(np.linalg.solve(np.eye(len(network)) - t * network, network))


def integrate_balance(network: Matrix, t: float) -> Matrix:
    """X(t) of dX/dt = X^2 by numerical integration, (N, N): the check on `balance_flow`."""
    n = len(network)

    def square(_: float, flat: Vector) -> Vector:
        ties = flat.reshape(n, n)
        return (ties @ ties).ravel()

    solved = solve_ivp(square, (0.0, t), network.ravel(), method="DOP853", rtol=3e-14, atol=1e-14)
    return np.asarray(solved.y[:, -1]).reshape(n, n)


def _sides(vectors: Matrix, values: Vector, *, which: int, next_one: int) -> Alignment:
    """1 for the sign of an eigenvector's first determined component, 2 for the other, 0 for what vanishes.

    All are 0 if the eigenvalue equals the next one: any other vector of the plane would do as well.
    """
    if abs(values[which] - values[next_one]) <= UNDETERMINED * np.abs(values).max():
        return np.zeros(len(values), dtype=np.int8)
    vector = vectors[:, which]
    signs = np.where(np.abs(vector) > UNDETERMINED * np.abs(vector).max(), np.sign(vector), 0.0)
    first = signs[signs != 0][0]
    return np.where(signs == 0, 0, np.where(signs == first, 1, 2)).astype(np.int8)


def leading_split(network: Matrix) -> Alignment:
    """The two blocs that dX/dt = X^2 ends in, (N,) of 1 and 2: signs of the eigenvector of lambda_1.

    0 where the component vanishes, and everywhere if lambda_1 is not single. N >= 2.
    """
    values, vectors = np.linalg.eigh(network)
    return _sides(vectors, values, which=-1, next_one=-2)


def signed_laplacian(network: Matrix) -> Matrix:
    """L = D - A with D_ii = sum_j |a_ij|, (N, N), positive semidefinite (Kunegis et al. 2010)."""
    return np.asarray(np.diag(np.abs(network).sum(axis=1)) - network)


def spectral_clusters(network: Matrix, *, groups: int, rng: np.random.Generator) -> Alignment:
    """Clusters of the signed network, (N,) of 1..groups, by its signed Laplacian (Kunegis et al. 2010).

    Two: the signs of the eigenvector of the smallest eigenvalue, 0 where that vanishes or is not single. More:
    k-means (the best of 20) on the rows of the first `groups` eigenvectors, numbered by their first state; 0
    where it finds fewer. Where only some of equal eigenvalues are among these, their vectors do not count: any
    others of their space would do as well. A state without ties is 0.
    """
    tied = np.flatnonzero(np.abs(network).sum(axis=1) > 0)
    alignment = np.zeros(len(network), dtype=np.int8)
    if len(tied) < groups:
        return alignment
    values, vectors = np.linalg.eigh(signed_laplacian(network[np.ix_(tied, tied)]))
    if groups == 2:
        alignment[tied] = _sides(vectors, values, which=0, next_one=1)
        return alignment
    apart = values[groups:].min(initial=np.inf) - values[:groups] > UNDETERMINED * np.abs(values).max()
    if apart.any():
        alignment[tied] = _k_means(vectors[:, :groups][:, apart], groups=groups, rng=rng)
    return alignment


def _k_means(rows: Matrix, *, groups: int, rng: np.random.Generator) -> Alignment:
    """The best of 20 k-means of the rows (N, groups), (N,) of 1..groups by first appearance; 0 if none has all."""
    least, found = np.inf, np.zeros(len(rows), dtype=np.int8)
    for _ in range(20):
        try:
            centres, label = kmeans2(rows, groups, minit="++", missing="raise", rng=rng)
        except ClusterError:  # a cluster came out empty: this start has no answer
            continue
        spread = float(((rows - centres[label]) ** 2).sum())
        if spread < least:
            _, first, number = np.unique(label, return_index=True, return_inverse=True)
            least, found = spread, (np.argsort(np.argsort(first))[number] + 1).astype(np.int8)
    return found


def nearest_leader(network: Matrix, leaders: Integers) -> Alignment:
    """Each state with the leader it is best tied to, (N,) of 1..K in the order of `leaders` (K,); 0 on a draw.

    Leaders are with themselves.
    """
    ties = network[:, leaders]
    best = ties.max(axis=1, keepdims=True)
    alignment = np.where((ties == best).sum(axis=1) == 1, ties.argmax(axis=1) + 1, 0)
    alignment[leaders] = np.arange(1, len(leaders) + 1)
    return alignment.astype(np.int8)


def stationary_positive(p: float) -> float:
    """Share of positive ties at which local triad dynamics settles, large N: 1 / (1 + sqrt(3 (1 - 2p))), p <= 1/2."""
    return float(1 / (1 + np.sqrt(3 * (1 - 2 * p))))


@compile_rule
def _update(signs: Integers, p: float, draws: Matrix) -> int:
    """Local triad dynamics in place, one update a row of uniforms (U, 4); returns the change in positive ties."""
    n = signs.shape[0]
    change = 0
    for u in range(draws.shape[0]):
        i = int(draws[u, 0] * n)
        j = int(draws[u, 1] * (n - 1))
        j += j >= i
        k = int(draws[u, 2] * (n - 2))
        k += k >= min(i, j)
        k += k >= max(i, j)
        product = signs[i, j] * signs[j, k] * signs[i, k]
        if product > 0:
            continue
        if signs[i, j] + signs[j, k] + signs[i, k] == 1:  # one negative tie: bring it to i, j
            if signs[j, k] < 0:
                i, k = k, i
            elif signs[i, k] < 0:
                j, k = k, j
            if draws[u, 3] >= p:  # rather than mend it, break one of the two others: random, as i and j are
                j, k = k, j
        signs[i, j] = -signs[i, j]
        signs[j, i] = signs[i, j]
        change += signs[i, j]
    return change


def triad_dynamics(network: Matrix, *, p: float, rng: np.random.Generator, updates: int) -> tuple[Matrix, Vector]:
    """Local triad dynamics on a complete graph (Antal, Krapivsky & Redner 2005): signs (N, N) and their course.

    An update takes a random triad. Unbalanced with one negative tie, that tie turns positive with chance `p`,
    else one of the two others turns negative; with three, one of them turns positive. The course is the share
    of positive ties after each DRAWS updates, the last one perhaps after fewer.
    """
    n = len(network)
    signs = np.sign(network).astype(np.int64)
    if n < 3 or (np.abs(signs).sum(axis=1) != n - 1).any():
        raise ValueError("local triad dynamics needs a complete signed graph of three states or more")
    positive = int((signs > 0).sum()) // 2
    course = []
    for done in range(0, updates, DRAWS):
        positive += _update(signs, p, rng.random((min(DRAWS, updates - done), 4)))
        course.append(positive / (n * (n - 1) / 2))
    return signs.astype(np.float64), np.array(course)


def triad_split(network: Matrix, *, rng: np.random.Generator, updates: int = 2_000_000) -> Alignment:
    """The two blocs in which one course of local triad dynamics at p = 1/2 freezes, (N,) of 1 and 2.

    One draw of what the dynamics can end in: all on one side where every tie turned positive, all 0 where it
    has not frozen after so many updates. The network is a complete graph; raises ValueError where it is not.
    """
    signs, _ = triad_dynamics(network, p=0.5, rng=rng, updates=updates)
    if count_triads(signs).unbalanced:
        return np.zeros(len(signs), dtype=np.int8)
    return np.where(signs[0] < 0, 2, 1).astype(np.int8)
