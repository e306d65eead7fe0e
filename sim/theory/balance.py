"""Structural balance: triads, frustration, and three models of the split of a signed network into blocs.

A signed network is a symmetric (N, N) with a zero diagonal: positive ties attract, negative ties repel; 0 means no tie.
Alignments are (N,) of integers as in model: Entities; 0 here means undetermined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import ClusterError, kmeans2

from sim.model.numerics.jit import compile_rule
from sim.theory.landscape import Alignment, Integers, Matrix, Vector
from sim.theory.optimum import find_optimum

UNDETERMINED = 1e-9  # relative to the largest component or eigenvalue; smaller differences count as equal

DRAWS = 1 << 16  # updates for each draw of random numbers


@dataclass(frozen=True)
class Triads:
    """Counts of complete triads (all three tied) with 0 to 3 negative ties; 0 or 2 is balanced."""

    by_negatives: tuple[int, int, int, int]

    @property
    def complete(self) -> int:
        """Number of triads with all three ties."""
        return sum(self.by_negatives)

    @property
    def unbalanced(self) -> int:
        """Number of complete triads whose signs multiply to -1."""
        return self.by_negatives[1] + self.by_negatives[3]

    @property
    def balance(self) -> float:
        """Share of the complete triads that are balanced, in [0, 1]; NaN without complete triads."""
        return 1 - self.unbalanced / self.complete if self.complete else float("nan")


@dataclass(frozen=True)
class Frustration:
    """Frustration index: the fewest violated ties of any two blocs, positive across or negative within."""

    index: int
    at_least: int  # lower bound; equals the index when proven
    proven: bool
    alignment: Alignment  # (N,) of 1 and 2


def count_triads(network: Matrix) -> Triads:
    """Count the complete triads of a signed network by sign (Cartwright & Harary 1956).

    Parameters
    ----------
    network : array of float, (N, N)
        Signed network: symmetric with a zero diagonal.

    Returns
    -------
    Triads
        Counts by number of negative ties, with the share of balanced triads.

    Examples
    --------
    >>> count_triads(np.ones((3, 3)) - np.eye(3)).balance
    1.0
    """
    positive, negative = (network > 0).astype(np.int64), (network < 0).astype(np.int64)
    closed = [
        np.sum((positive @ positive) * positive) // 6,  # each triad appears from three states in two directions
        np.sum((positive @ positive) * negative) // 2,
        np.sum((negative @ negative) * positive) // 2,
        np.sum((negative @ negative) * negative) // 6,
    ]
    return Triads((int(closed[0]), int(closed[1]), int(closed[2]), int(closed[3])))


def frustration_index(network: Matrix, *, rng: np.random.Generator, seconds: float = 60.0) -> Frustration:
    """Compute the frustration index of a signed network by sign (Harary 1959).

    With unit sizes the energy over i < j is the number of positive ties across less that of negative ties across.
    So the number of violated ties is this energy plus the number of negative ties.

    Parameters
    ----------
    network : array of float, (N, N)
        Signed network: symmetric with a zero diagonal.
    rng : numpy.random.Generator
        Random numbers of the local search.
    seconds : float
        Time limit of the proof.

    Returns
    -------
    Frustration
        The index, its lower bound and two blocs; exact if `proven`.
    """
    signs = np.sign(network)
    negative = int((signs < 0).sum()) // 2
    best = find_optimum(np.ones(len(signs)), signs, rng=rng, seconds=seconds)
    index = negative + round(best.energy / 2)
    return Frustration(index, negative + round(best.bound / 2), best.proven, best.alignment)


def blow_up_time(network: Matrix) -> float:
    """Return the time 1 / lambda_1 at which dX/dt = X^2 diverges; infinite without positive eigenvalues."""
    largest = float(np.linalg.eigvalsh(network)[-1])
    return 1 / largest if largest > 0 else float("inf")


def balance_flow(network: Matrix, t: float) -> Matrix:
    """Solve dX/dt = X^2: X(t) = X0 (I - t X0)^-1 (Marvel, Kleinberg, Kleinberg & Strogatz, PNAS 2011).

    A tie grows where two states have like ties to third states.

    Parameters
    ----------
    network : array of float, (N, N)
        X0, symmetric.
    t : float
        Time, below `blow_up_time`.

    Returns
    -------
    array of float, (N, N)
        X(t).
    """
    return np.asarray(np.linalg.solve(np.eye(len(network)) - t * network, network))


def split_by_signs(vectors: Matrix, values: Vector, *, which: int, next_one: int) -> Alignment:
    """Split by the signs of an eigenvector: 1 for the sign of its first component, 2 for the other, 0 for 0.

    All are 0 if the eigenvalue equals the next one, because the eigenvector is then not unique.
    """
    if abs(values[which] - values[next_one]) <= UNDETERMINED * np.abs(values).max():
        return np.zeros(len(values), dtype=np.int8)
    vector = vectors[:, which]
    signs = np.where(np.abs(vector) > UNDETERMINED * np.abs(vector).max(), np.sign(vector), 0.0)
    first = signs[signs != 0][0]
    return np.where(signs == 0, 0, np.where(signs == first, 1, 2)).astype(np.int8)


def leading_split(network: Matrix) -> Alignment:
    """Split a network into the two blocs that dX/dt = X^2 ends in: the signs of the eigenvector of lambda_1.

    Parameters
    ----------
    network : array of float, (N, N)
        Signed network: symmetric with a zero diagonal, N >= 2.

    Returns
    -------
    array of int8, (N,)
        Blocs 1 and 2; 0 where the component is 0, and everywhere if lambda_1 is not single.
    """
    values, vectors = np.linalg.eigh(network)
    return split_by_signs(vectors, values, which=-1, next_one=-2)


def signed_laplacian(network: Matrix) -> Matrix:
    """Return L = D - A with D_ii = sum_j |a_ij|, (N, N), positive semidefinite (Kunegis et al. 2010)."""
    return np.asarray(np.diag(np.abs(network).sum(axis=1)) - network)


def spectral_clusters(network: Matrix, *, groups: int, rng: np.random.Generator) -> Alignment:
    """Cluster a signed network by its signed Laplacian (Kunegis et al. 2010).

    Two groups are the signs of the eigenvector of the smallest eigenvalue. More groups are the best of 20 k-means
    on the rows of the first `groups` eigenvectors. Vectors of an eigenvalue that also lies beyond these are left
    out, because they are not unique.

    Parameters
    ----------
    network : array of float, (N, N)
        Signed network: symmetric with a zero diagonal.
    groups : int
        Number of groups, 2 or more.
    rng : numpy.random.Generator
        Random numbers of k-means.

    Returns
    -------
    array of int8, (N,)
        Groups 1..groups, numbered by their first state; 0 for a state without ties, and where the split is not
        determined.
    """
    tied = np.flatnonzero(np.abs(network).sum(axis=1) > 0)
    alignment = np.zeros(len(network), dtype=np.int8)
    if len(tied) < groups:
        return alignment
    values, vectors = np.linalg.eigh(signed_laplacian(network[np.ix_(tied, tied)]))
    if groups == 2:
        alignment[tied] = split_by_signs(vectors, values, which=0, next_one=1)
        return alignment
    apart = values[groups:].min(initial=np.inf) - values[:groups] > UNDETERMINED * np.abs(values).max()
    if apart.any():
        alignment[tied] = cluster_rows(vectors[:, :groups][:, apart], groups=groups, rng=rng)
    return alignment


def cluster_rows(rows: Matrix, *, groups: int, rng: np.random.Generator) -> Alignment:
    """Return the best of 20 k-means of the rows, (N,) of 1..groups by first appearance; 0 if none has all groups."""
    least, found = np.inf, np.zeros(len(rows), dtype=np.int8)
    for _ in range(20):
        try:
            centres, label = kmeans2(rows, groups, minit="++", missing="raise", rng=rng)
        except ClusterError:  # a cluster is empty: this start has no result
            continue
        spread = float(((rows - centres[label]) ** 2).sum())
        if spread < least:
            _, first, number = np.unique(label, return_index=True, return_inverse=True)
            least, found = spread, (np.argsort(np.argsort(first))[number] + 1).astype(np.int8)
    return found


def nearest_leader(network: Matrix, leaders: Integers) -> Alignment:
    """Align each state with the leader of its strongest tie, (N,) of 1..K in the order of `leaders` (K,); 0 on a draw.

    Leaders are aligned with themselves.
    """
    ties = network[:, leaders]
    best = ties.max(axis=1, keepdims=True)
    alignment = np.where((ties == best).sum(axis=1) == 1, ties.argmax(axis=1) + 1, 0)
    alignment[leaders] = np.arange(1, len(leaders) + 1)
    return alignment.astype(np.int8)


@compile_rule
def update_signs(signs: Integers, p: float, draws: Matrix) -> int:
    """Update signs in place, one update for each row of uniforms (U, 4); return the change in positive ties."""
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
        if signs[i, j] + signs[j, k] + signs[i, k] == 1:  # one negative tie: rename the states so that it is i, j
            if signs[j, k] < 0:
                i, k = k, i
            elif signs[i, k] < 0:
                j, k = k, j
            if draws[u, 3] >= p:  # flip one of the two others instead; i and j are in random order
                j, k = k, j
        signs[i, j] = -signs[i, j]
        signs[j, i] = signs[i, j]
        change += signs[i, j]
    return change


def triad_dynamics(network: Matrix, *, p: float, rng: np.random.Generator, updates: int) -> tuple[Matrix, Vector]:
    """Simulate local triad dynamics on a complete graph (Antal, Krapivsky & Redner 2005).

    An update draws a random triad. With one negative tie, that tie turns positive with probability `p`, else one of
    the two others turns negative. With three negative ties, one of them turns positive.

    Parameters
    ----------
    network : array of float, (N, N)
        Signed network: symmetric with a zero diagonal and no other zeros, N >= 3.
    p : float
        Probability that the negative tie turns positive, 0 to 1.
    rng : numpy.random.Generator
        Random numbers, four for each update.
    updates : int
        Number of updates.

    Returns
    -------
    array of float, (N, N)
        Signs after the updates.
    array of float
        Share of positive ties after each DRAWS updates and after the last.

    Raises
    ------
    ValueError
        If the network is not a complete signed graph of three states or more.
    """
    n = len(network)
    signs = np.sign(network).astype(np.int64)
    if n < 3 or (np.abs(signs).sum(axis=1) != n - 1).any():
        raise ValueError("local triad dynamics needs a complete signed graph of three states or more")
    positive = int((signs > 0).sum()) // 2
    course = []
    for done in range(0, updates, DRAWS):
        positive += update_signs(signs, p, rng.random((min(DRAWS, updates - done), 4)))
        course.append(positive / (n * (n - 1) / 2))
    return signs.astype(np.float64), np.array(course)


def triad_split(network: Matrix, *, rng: np.random.Generator, updates: int = 2_000_000) -> Alignment:
    """Return the two blocs in which one run of local triad dynamics at p = 1/2 freezes, (N,) of 1 and 2.

    All states are in one bloc if every tie turned positive, and all are 0 if the run does not freeze. Raise ValueError
    if the network is not a complete graph.
    """
    signs, _ = triad_dynamics(network, p=0.5, rng=rng, updates=updates)
    if count_triads(signs).unbalanced:
        return np.zeros(len(signs), dtype=np.int8)
    return np.where(signs[0] < 0, 2, 1).astype(np.int8)
