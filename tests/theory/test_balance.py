"""Laws of structural balance, and published signed networks of the shipped worlds."""

from __future__ import annotations

import csv
from dataclasses import FrozenInstanceError
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.vq import ClusterError, kmeans2
from scipy.integrate import solve_ivp

from sim.theory.balance import (
    Triads,
    balance_flow,
    blow_up_time,
    count_triads,
    frustration_index,
    leading_split,
    nearest_leader,
    signed_laplacian,
    spectral_clusters,
    triad_dynamics,
    triad_split,
    update_signs,
)
from sim.theory.landscape import Matrix, Vector, enumerate_minima

WORLDS = Path(__file__).parents[2] / "scenarios" / "worlds"
STAGES = ("1872-81", "1882", "1890", "1891-94", "1904", "1907")


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def network_of(ids: list[str], ties: list[tuple[str, str, float]]) -> Matrix:
    network = np.zeros((len(ids), len(ids)))
    for a, b, value in ties:
        network[ids.index(a), ids.index(b)] = network[ids.index(b), ids.index(a)] = value
    return network


def read_world(name: str) -> tuple[list[str], Matrix]:
    """Read ids and signed ties of a shipped world."""
    ids = [row["id"] for row in rows(WORLDS / name / "states.csv")]
    ties = [(t["a"], t["b"], float(t["value"])) for t in rows(WORLDS / name / "ties.csv")]
    return ids, network_of(ids, ties)


def great_powers(stage: str) -> tuple[list[str], Matrix]:
    """Read the signed ties of one stage: the first from the world, the others from stages.csv."""
    ids, first = read_world("great_powers_1872_1907")
    if stage == STAGES[0]:
        return ids, first
    ties = rows(WORLDS / "great_powers_1872_1907" / "stages.csv")
    return ids, network_of(ids, [(t["a"], t["b"], float(t["sign"])) for t in ties if t["stage"] == stage])


@st.composite
def networks(draw: st.DrawFn, least: int = 2, most: int = 8) -> Matrix:
    """Generate signed networks with missing ties."""
    n = draw(st.integers(least, most))
    pairs = n * (n - 1) // 2
    network = np.zeros((n, n))
    network[np.triu_indices(n, 1)] = draw(st.lists(st.sampled_from([-1, 0, 1]), min_size=pairs, max_size=pairs))
    return network + network.T


def two_camps(side: list[int]) -> Matrix:
    """Make the complete balanced network of sides +1 and -1."""
    return np.outer(side, side) * (1.0 - np.eye(len(side)))


def integrate_balance(network: Matrix, t: float) -> Matrix:
    """Integrate dX/dt = X^2 numerically to X(t), (N, N), as a check of `balance_flow`."""
    n = len(network)

    def square(_: float, flat: Vector) -> Vector:
        ties = flat.reshape(n, n)
        return (ties @ ties).ravel()

    solved = solve_ivp(square, (0.0, t), network.ravel(), method="DOP853", rtol=3e-14, atol=1e-14)
    return np.asarray(solved.y[:, -1]).reshape(n, n)


def stationary_positive(p: float) -> float:
    """Return the stationary share of positive ties for large N: 1 / (1 + sqrt(3 (1 - 2p))), p <= 1/2."""
    return float(1 / (1 + np.sqrt(3 * (1 - 2 * p))))


# Triads


@given(networks())
def test_triad_counts_by_enumeration(network: Matrix) -> None:
    expected = [0, 0, 0, 0]
    for i, j, k in combinations(range(len(network)), 3):
        signs = [network[i, j], network[j, k], network[i, k]]
        if 0 not in signs:
            expected[signs.count(-1)] += 1
    found = count_triads(network)
    assert found.by_negatives == tuple(expected)
    assert found == count_triads(3 * network)


def test_triad_balance_by_hand() -> None:
    counts = Triads((1, 2, 3, 4))
    assert (counts.complete, counts.unbalanced, counts.balance) == (10, 6, pytest.approx(0.4))
    assert np.isnan(count_triads(np.zeros((3, 3))).balance)


def test_tribes_balance_and_frustration() -> None:
    _, network = read_world("tribes_gahuku_gama")
    assert count_triads(network).balance == pytest.approx(0.8676471, abs=5e-8)
    found = frustration_index(network, rng=np.random.default_rng(1))
    assert (found.index, found.at_least, found.proven) == (7, 7, True)


def test_great_powers_balance_in_1907() -> None:
    assert [count_triads(great_powers(stage)[1]).unbalanced for stage in STAGES] == [2, 2, 2, 2, 2, 0]
    ids, network = great_powers("1907")
    found = frustration_index(network, rng=np.random.default_rng(1))
    assert (found.index, found.proven) == (0, True)
    entente = {"GBR", "FRA", "RUS"}
    for alignment in (
        found.alignment,
        leading_split(network),
        spectral_clusters(network, groups=2, rng=np.random.default_rng(1)),
    ):
        sides = {frozenset(np.array(ids)[alignment == bloc].tolist()) for bloc in (1, 2)}
        assert sides == {frozenset(entente), frozenset(set(ids) - entente)}


# Frustration index


@given(networks())
def test_frustration_index_by_enumeration(network: Matrix) -> None:
    n = len(network)
    found = frustration_index(network, rng=np.random.default_rng(1))

    def violated(side: tuple[int, ...]) -> int:
        return sum(network[i, j] * side[i] * side[j] < 0 for i, j in combinations(range(n), 2))

    assert found.proven
    assert found.index == found.at_least == min(violated(side) for side in product((1, -1), repeat=n))
    assert found.index == violated(tuple(3 - 2 * found.alignment))
    assert found.index == frustration_index(network * 2.5, rng=np.random.default_rng(1)).index


def test_frustration_index_without_time() -> None:
    network = 1.0 * np.triu(np.random.default_rng(4).integers(0, 2, (16, 16)) * 2 - 1, 1)
    network += network.T
    exact = enumerate_minima(np.ones(16), network).energies[0] / 2 + (network < 0).sum() / 2
    found = frustration_index(network, rng=np.random.default_rng(1), seconds=0.0)
    assert not found.proven
    assert found.at_least == 0  # no tie violated: the bound before any work
    assert found.at_least < exact <= found.index


# dX/dt = X²


@given(st.integers(0, 2**32), st.integers(2, 8))
def test_flow_agrees_with_integration(seed: int, n: int) -> None:
    draws = np.random.default_rng(seed).normal(size=(n, n))
    start = (draws + draws.T) / np.sqrt(8 * n)
    start += np.eye(n) * max(0.0, 0.5 - np.linalg.eigvalsh(start)[-1])
    t = 0.9 * blow_up_time(start)
    assert integrate_balance(start, t) == pytest.approx(balance_flow(start, t), abs=1e-10)


def test_flow_by_hand() -> None:
    assert balance_flow(np.array([[0.5]]), 1.0) == pytest.approx(1.0)  # x / (1 - t x)
    start = np.array([[0.0, 2.0], [2.0, 0.0]])
    assert blow_up_time(start) == pytest.approx(0.5)
    assert balance_flow(start, 0.25) == pytest.approx(np.array([[4, 8], [8, 4]]) / 3)
    assert integrate_balance(start, 0.25) == pytest.approx(np.array([[4, 8], [8, 4]]) / 3)
    assert blow_up_time(-np.eye(2)) == np.inf


@given(st.integers(0, 2**32), st.integers(2, 10))
def test_flow_ends_in_the_leading_split(seed: int, n: int) -> None:
    draws = np.random.default_rng(seed).normal(size=(n, n))
    start = draws + draws.T
    split = leading_split(start)
    late = balance_flow(start, (1 - 1e-9) * blow_up_time(start))
    same = split[:, None] == split
    clear = np.abs(late) > 1e-6 * np.abs(late).max()
    assert split[0] == 1
    assert (np.where(same, 1, -1)[clear] == np.sign(late[clear])).all()


def test_undetermined_leading_split() -> None:
    apart = np.zeros((4, 4))
    apart[0, 1] = apart[1, 0] = -1.0
    assert leading_split(apart).tolist() == [1, 2, 0, 0]
    apart[2, 3] = apart[3, 2] = -1.0  # two equal pairs: no leading eigenvector
    assert leading_split(apart).tolist() == [0, 0, 0, 0]
    for scale in (1e-9, 1e9):
        assert leading_split(scale * (np.eye(5) - 1)).tolist() == [0] * 5  # equal up to rounding, at any scale
        assert leading_split(scale * two_camps([1, -1, 1])).tolist() == [1, 2, 1]
    courted = np.array([[0, -1, 0.5], [-1, 0, 0.5], [0.5, 0.5, 0]])  # two rivals with equal ties to a third
    assert leading_split(courted).tolist() == [1, 2, 0]


# Spectral clusters


@given(st.lists(st.sampled_from([1, -1]), min_size=2, max_size=9))
def test_split_of_balanced_networks(side: list[int]) -> None:
    network = two_camps(side)
    expected = np.where(np.array(side) == side[0], 1, 2).tolist()
    assert spectral_clusters(network, groups=2, rng=np.random.default_rng(1)).tolist() == expected
    assert frustration_index(network, rng=np.random.default_rng(1)).index == 0
    assert np.linalg.eigvalsh(signed_laplacian(network))[0] == pytest.approx(0, abs=1e-9)
    if len(side) > 2:
        assert leading_split(network).tolist() == expected
    if len(side) > 3:
        assert count_triads(network).balance == 1


@given(networks())
def test_signed_laplacian(network: Matrix) -> None:
    x = np.random.default_rng(1).normal(size=len(network))
    expected = sum(
        abs(network[i, j]) * (x[i] - np.sign(network[i, j]) * x[j]) ** 2
        for i, j in combinations(range(len(network)), 2)
    )
    assert x @ signed_laplacian(network) @ x == pytest.approx(expected)


def test_three_hostile_cliques() -> None:
    group = np.array([1, 2, 1, 3, 2, 3, 3, 1, 2, 0])
    network = np.where(group[:, None] == group, 1.0, -1.0) - np.eye(10)
    network[9] = network[:, 9] = 0  # without ties
    for seed in range(5):
        found = spectral_clusters(network, groups=3, rng=np.random.default_rng(seed))
        assert found.tolist() == group.tolist()


def test_undetermined_clusters() -> None:
    rng = np.random.default_rng(1)
    pairs = np.zeros((4, 4))
    pairs[0, 1] = pairs[1, 0] = pairs[2, 3] = pairs[3, 2] = -1.0
    assert spectral_clusters(pairs, groups=2, rng=rng).tolist() == [0, 0, 0, 0]
    assert spectral_clusters(np.zeros((3, 3)), groups=2, rng=rng).tolist() == [0, 0, 0]
    assert spectral_clusters(two_camps([1, 1]), groups=3, rng=rng).tolist() == [0, 0]
    assert spectral_clusters(np.eye(5) - 1, groups=3, rng=rng).tolist() == [0] * 5  # all hostile: not unique


def test_clusters_of_separate_pairs() -> None:
    pairs = np.kron(np.eye(3), [[0.0, 1.0], [1.0, 0.0]])
    assert spectral_clusters(pairs, groups=3, rng=np.random.default_rng(1)).tolist() == [1, 1, 2, 2, 3, 3]


# Nearest leader


def test_nearest_leader_by_hand() -> None:
    ties = np.array([[0, 3, 0, -1, 0.5], [3, 0, 1, -2, 0.5], [0, 1, 0, 0, 0], [-1, -2, 0, 0, 0], [0.5, 0.5, 0, 0, 0]])
    assert nearest_leader(ties, np.array([0, 1])).tolist() == [1, 2, 2, 1, 0]
    assert nearest_leader(ties, np.array([1, 0])).tolist() == [2, 1, 1, 2, 0]
    assert nearest_leader(ties, np.array([0, 1, 3])).tolist() == [1, 2, 2, 3, 0]


# Local triad dynamics


@pytest.mark.parametrize("p", [0.0, 0.15, 1 / 3])
def test_triad_dynamics_stationary_share(p: float) -> None:
    n = 192
    start = two_camps([1] * n)
    half = np.triu(np.random.default_rng(7).random((n, n)) < 0.5, 1)
    start[half | half.T] = -1.0
    _, course = triad_dynamics(start, p=p, rng=np.random.default_rng(8), updates=3_000_000)
    expected = {0.0: 0.3660254, 0.15: 0.4083070, 1 / 3: 0.5}[p]
    assert stationary_positive(p) == pytest.approx(expected, abs=5e-8)
    assert course[len(course) // 2 :].mean() == pytest.approx(expected, abs=0.005)


@given(st.integers(0, 2**32), st.integers(3, 9), st.floats(0, 1))
def test_triad_dynamics_invariants(seed: int, n: int, p: float) -> None:
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.choice([-1.0, 1.0], (n, n)), 1)
    start = upper + upper.T
    signs, course = triad_dynamics(start, p=p, rng=rng, updates=2000)
    assert (signs == signs.T).all()
    assert (np.abs(signs) == 1 - np.eye(n)).all()
    assert course[-1] == pytest.approx((signs > 0).sum() / (n * (n - 1)))
    camps = two_camps(rng.choice([1, -1], n).tolist())
    assert (triad_dynamics(camps, p=p, rng=rng, updates=200)[0] == camps).all()


def test_single_triad_update() -> None:
    all_negative, one_negative = np.eye(3) - 1, 1 - np.eye(3)
    one_negative[0, 1] = one_negative[1, 0] = -1
    positives = {0: 0, 1: 0}
    broken = np.zeros((3, 3))
    for seed in range(400):
        rng = np.random.default_rng(seed)
        repaired = triad_dynamics(all_negative, p=0.3, rng=rng, updates=1)[0]
        assert (repaired > 0).sum() == 2  # one tie
        for p in (0, 1):
            after = triad_dynamics(one_negative, p=p, rng=rng, updates=1)[0]
            positives[p] += int((after > 0).sum()) // 2
        after = triad_dynamics(one_negative, p=0.0, rng=rng, updates=1)[0]
        broken += after < one_negative
    assert positives == {0: 400, 1: 1200}  # one of the two others turned, or the negative one
    assert broken[0, 1] == 0
    assert broken[0, 2] == pytest.approx(200, abs=50)
    assert broken[1, 2] == pytest.approx(200, abs=50)


def test_repair_probability() -> None:
    one_negative = 1 - np.eye(3)
    one_negative[1, 2] = one_negative[2, 1] = -1
    repaired = sum(
        (triad_dynamics(one_negative, p=0.2, rng=np.random.default_rng(seed), updates=1)[0] > 0).sum() == 6
        for seed in range(1000)
    )
    assert repaired == pytest.approx(200, abs=50)


def test_triad_dynamics_of_incomplete_network() -> None:
    for network in (np.zeros((4, 4)), np.eye(2) - 1):
        with pytest.raises(ValueError, match="complete signed graph"):
            triad_dynamics(network, p=0.1, rng=np.random.default_rng(1), updates=1)


def test_triad_course_length() -> None:
    start = np.eye(40) - 1
    signs, course = triad_dynamics(start, p=0.2, rng=np.random.default_rng(1), updates=70_000)
    assert len(course) == 2
    assert course[-1] == (signs > 0).sum() / (40 * 39)
    rng, same = np.random.default_rng(1), np.random.default_rng(1)
    assert (triad_dynamics(start, p=0.2, rng=rng, updates=70_000)[0] == signs).all()
    same.random((70_000, 4))
    assert rng.random() == same.random()  # four numbers for each update


# Details


def test_balance_results_are_frozen() -> None:
    index = frustration_index(two_camps([1, 1, -1]), rng=np.random.default_rng(1))
    for found, field in ((count_triads(np.eye(3) - 1), "by_negatives"), (index, "index")):
        with pytest.raises(FrozenInstanceError):
            setattr(found, field, 0)


def test_triads_and_ties_drawn_uniformly() -> None:
    """Random numbers on an even grid: each of the 60 orders of three of five states occurs once."""
    grid = (np.array(list(product(range(5), range(4), range(3)))) + 0.5) / [5, 4, 3]
    one_negative = 1 - np.eye(5, dtype=np.int64)
    one_negative[1, 3] = one_negative[3, 1] = -1
    broken = np.zeros((5, 5), dtype=np.int64)
    for row in grid:
        signs = one_negative.copy()
        update_signs(signs, 0.0, np.array([[*row, 0.5]]))
        broken += signs != one_negative
    # 18 of the orders have both 1 and 3, 6 with each third state; the order selects which of its two ties breaks.
    assert (broken[1] + broken[3]).tolist() == [6, 0, 6, 0, 6]
    flipped = np.zeros((5, 5), dtype=np.int64)
    for row in grid:
        signs = np.eye(5, dtype=np.int64) - 1
        assert update_signs(signs, 0.0, np.array([[*row, 0.5]])) == 1
        flipped += signs > 0
    assert flipped.tolist() == (6 * (1 - np.eye(5))).tolist()


def test_stationary_share_by_hand() -> None:
    assert stationary_positive(0.5) == 1
    assert stationary_positive(1 / 3) == pytest.approx(1 / 2)
    assert stationary_positive(0.0) == pytest.approx((3**0.5 - 1) / 2)


def test_triad_dynamics_with_self_ties() -> None:
    with pytest.raises(ValueError, match="complete signed graph"):
        triad_dynamics(np.ones((4, 4)), p=0.1, rng=np.random.default_rng(1), updates=1)


def test_network_without_ties() -> None:
    assert blow_up_time(np.zeros((3, 3))) == np.inf
    assert leading_split(np.zeros((3, 3))).tolist() == [0, 0, 0]


def test_updates_use_their_own_random_numbers() -> None:
    """In a triad of one negative tie, a last number below p repairs it; otherwise another tie breaks."""
    one_negative = 1 - np.eye(4, dtype=np.int64)
    one_negative[0, 1] = one_negative[1, 0] = -1
    for last, change in ((0.49, 1), (0.5, -1), (0.99, -1)):
        for third in (0.25, 0.75):  # 0, 1 and any third state
            assert update_signs(one_negative.copy(), 0.5, np.array([[0.1, 0.1, third, last]])) == change
    one_negative[2] = one_negative[:, 2] = [-1, 1, 0, 1]  # 0, 1, 2 have two negative ties; 0, 1, 3 has one
    assert update_signs(one_negative.copy(), 0.5, np.array([[0.1, 0.1, 0.25, 0.1], [0.1, 0.1, 0.75, 0.1]])) == 1


def test_k_means_start_with_empty_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    group = np.array([1, 2, 1, 3, 2, 3, 3, 1, 2])
    network = np.where(group[:, None] == group, 1.0, -1.0) - np.eye(9)
    starts = iter(range(20))

    def first_fails(*given: object, **named: object) -> object:
        if next(starts) == 0:
            raise ClusterError
        return kmeans2(*given, **named)

    monkeypatch.setattr("sim.theory.balance.kmeans2", first_fails)
    found = spectral_clusters(network, groups=3, rng=np.random.default_rng(1))
    assert found.tolist() == group.tolist()


def test_triad_split() -> None:
    sides = np.array([1, 1, 2, 2, 2], dtype=np.int8)
    split = np.where(sides[:, None] == sides, 1.0, -1.0)
    np.fill_diagonal(split, 0)
    assert triad_split(split, rng=np.random.default_rng(1)).tolist() == sides.tolist()
    hostile = -np.ones((5, 5)) + np.eye(5)
    ends = {tuple(triad_split(hostile, rng=np.random.default_rng(n)).tolist()) for n in range(20)}
    assert len(ends) > 1  # where all are rivals, random numbers decide the blocs
    assert tuple([0] * 5) not in ends
    assert triad_split(hostile, rng=np.random.default_rng(1), updates=1).tolist() == [0] * 5
