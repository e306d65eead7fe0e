"""Laws of the landscape, and published cases of Axelrod & Bennett (1993) in the shipped worlds."""

from __future__ import annotations

import csv
from dataclasses import FrozenInstanceError
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_minus, by_definition, symmetric

from sim.cli import cli
from sim.theory import landscape as landscape_theory
from sim.theory.landscape import (
    Alignment,
    Matrix,
    Minima,
    Vector,
    descend,
    energy,
    enumerate_minima,
    find_plateaus,
    frustration,
    pair_distance,
    pair_energy,
    pair_weights,
    sample_minima,
    separate_from,
)
from sim.theory.optimum import find_optimum

WORLDS = Path(__file__).parents[2] / "scenarios" / "worlds"
Landscape = tuple[Vector, Matrix]


def read_world(name: str) -> tuple[list[str], Vector, Matrix]:
    """Read ids, sizes and propensities of a shipped world."""
    with (WORLDS / name / "states.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = [row["id"] for row in rows]
    propensity = np.zeros((len(ids), len(ids)))
    with (WORLDS / name / "ties.csv").open(encoding="utf-8", newline="") as file:
        for tie in csv.DictReader(file):
            i, j = ids.index(tie["a"]), ids.index(tie["b"])
            propensity[i, j] = propensity[j, i] = float(tie["value"])
    return ids, np.array([float(row["capability"]) for row in rows]), propensity


@st.composite
def landscapes(draw: st.DrawFn, least: int = 1, most: int = 7) -> Landscape:
    """Generate sizes and propensities in tenths, so that energies often tie."""
    n = draw(st.integers(least, most))
    sizes = draw(st.lists(st.integers(0, 30), min_size=n, max_size=n))
    pairs = n * (n - 1) // 2
    upper = draw(st.lists(st.integers(-20, 20), min_size=pairs, max_size=pairs))
    return np.array(sizes) / 10, symmetric([p / 10 for p in upper], n)


def alignments(n: int, *, least: int = 0, most: int = 3) -> st.SearchStrategy[Alignment]:
    return st.lists(st.integers(least, most), min_size=n, max_size=n).map(lambda x: np.array(x, dtype=np.int8))


def members(ids: list[str], alignment: Alignment) -> set[frozenset[str]]:
    return {frozenset(np.array(ids)[alignment == bloc].tolist()) for bloc in (1, 2)}


# Energy, frustration, moves


def test_two_states_by_hand() -> None:
    sizes, propensity = np.array([2.0, 3.0]), np.array([[0.0, 5.0], [5.0, 0.0]])
    across, within = np.array([1, 2], dtype=np.int8), np.array([1, 1], dtype=np.int8)
    assert energy(across, sizes=sizes, propensity=propensity) == 60  # 2 · 2 · 3 · 5, each pair twice
    assert pair_energy(across, sizes=sizes, propensity=propensity) == 30
    assert frustration(across, sizes=sizes, propensity=propensity).tolist() == [15, 10]
    assert energy(within, sizes=sizes, propensity=propensity) == 0


def test_pair_distance_of_non_aligned() -> None:
    assert pair_distance(np.array([0, 0, 1, 1], dtype=np.int8)).tolist() == [
        [0, 1, 1, 1],
        [1, 0, 1, 1],
        [1, 1, 0, 0],
        [1, 1, 0, 0],
    ]


@given(landscapes(), st.data())
def test_energy_by_definition(landscape: Landscape, data: st.DataObject) -> None:
    sizes, propensity = landscape
    alignment = data.draw(alignments(len(sizes)))
    expected = by_definition(alignment, sizes, propensity)
    assert energy(alignment, sizes=sizes, propensity=propensity) == pytest.approx(expected, abs=1e-9)
    assert pair_energy(alignment, sizes=sizes, propensity=propensity) == pytest.approx(expected / 2, abs=1e-9)
    felt = frustration(alignment, sizes=sizes, propensity=propensity)
    assert sizes @ felt == pytest.approx(expected, abs=1e-9)


@given(landscapes(), st.data())
def test_energy_change_of_single_move(landscape: Landscape, data: st.DataObject) -> None:
    sizes, propensity = landscape
    before = data.draw(alignments(len(sizes)))
    k, bloc = data.draw(st.integers(0, len(sizes) - 1)), data.draw(st.integers(0, 3))
    after = before.copy()
    after[k] = bloc
    felt = [frustration(x, sizes=sizes, propensity=propensity)[k] for x in (before, after)]
    change = by_definition(after, sizes, propensity) - by_definition(before, sizes, propensity)
    assert 2 * sizes[k] * (felt[1] - felt[0]) == pytest.approx(change, abs=1e-9)


def test_pair_weights_of_decimals() -> None:
    weights, scale = pair_weights(np.array([28.9, 28.5, 0.1]), symmetric([-1.0, 0.0001, 0.7], 3))
    assert weights[0, 1] == -82365 * scale / 100
    assert weights[0, 2] == 289 * scale / 10**6
    assert weights[1, 2] == 1995 * scale / 1000
    assert np.abs(weights).sum() <= 2**48
    assert np.abs(weights).sum() > 2**48 / 10


# Minima


def brute_minima(sizes: Vector, propensity: Matrix) -> dict[tuple[int, ...], tuple[int, int]]:
    """Find energy (ordered pairs) and basin of each minimum, in integers, by the descent of every configuration."""
    n = len(sizes)
    s, p = np.rint(sizes * 10).astype(int).tolist(), np.rint(propensity * 10).astype(int).tolist()

    def height(x: tuple[int, ...]) -> int:
        return sum(2 * s[i] * s[j] * p[i][j] for i, j in combinations(range(n), 2) if x[i] != x[j])

    def next_to(x: tuple[int, ...], k: int) -> tuple[int, ...]:
        moved = [3 - side if j == k else side for j, side in enumerate(x)]
        return tuple(moved) if moved[0] == 1 else tuple(3 - side for side in moved)

    basins: dict[tuple[int, ...], int] = {}
    for rest in product((1, 2), repeat=n - 1):
        x = (1, *rest)
        while True:
            best = min((next_to(x, k) for k in range(n)), key=height)  # min keeps the first on a tie
            if height(best) >= height(x):
                break
            x = best
        basins[x] = basins.get(x, 0) + 1
    return {x: (height(x), size) for x, size in basins.items()}


def check_against_brute(found: Minima, landscape: Landscape) -> None:
    expected = brute_minima(*landscape)
    keys = [tuple(x) for x in found.alignments.tolist()]
    assert dict(zip(keys, found.basins.tolist(), strict=True)) == {x: v[1] for x, v in expected.items()}
    assert found.energies.tolist() == pytest.approx([expected[x][0] / 1000 for x in keys], abs=1e-9)


@given(landscapes())
def test_enumeration_by_brute_force(landscape: Landscape) -> None:
    found = enumerate_minima(*landscape)
    check_against_brute(found, landscape)
    assert found.exhaustive
    assert found.starts == found.basins.sum() == 2 ** (len(landscape[0]) - 1)
    assert (np.diff(found.energies) >= 0).all()
    assert found.shares.sum() == pytest.approx(1)
    assert not found.standard_errors.any()


@given(landscapes(least=2), st.integers(0, 2**32))
def test_sampled_minima_and_shares(landscape: Landscape, seed: int) -> None:
    exact = enumerate_minima(*landscape)
    found = sample_minima(*landscape, rng=np.random.default_rng(seed), starts=2000)
    assert not found.exhaustive
    assert found.starts == found.basins.sum() == 2000
    shares = dict(zip(map(tuple, exact.alignments.tolist()), exact.shares.tolist(), strict=True))
    for x, share, error in zip(found.alignments.tolist(), found.shares, found.standard_errors, strict=True):
        assert abs(share - shares[tuple(x)]) <= 6 * error + 0.005
    assert sum(shares[tuple(x)] for x in found.alignments.tolist()) > 0.97


def test_order_of_sampled_minima_of_equal_energy() -> None:
    """States are in bloc 1 first; half of the starts are in the basin of the last (state 0 leaves first)."""
    found = sample_minima(np.ones(3), all_minus(3), rng=np.random.default_rng(1), starts=400)
    assert found.alignments.tolist() == [[1, 1, 2], [1, 2, 1], [1, 2, 2]]
    assert found.basins.argmax() == 2


def test_sampling_error() -> None:
    found = sample_minima(np.ones(3), all_minus(3), rng=np.random.default_rng(1), starts=400)
    assert found.standard_errors == pytest.approx(np.sqrt(found.shares * (1 - found.shares) / 400))


@given(landscapes(least=2), st.data())
def test_minima_of_permuted_states(landscape: Landscape, data: st.DataObject) -> None:
    sizes, propensity = landscape
    order = np.array(data.draw(st.permutations(range(len(sizes)))))
    first = enumerate_minima(sizes, propensity)
    second = enumerate_minima(sizes[order], propensity[np.ix_(order, order)])
    assert {tuple(np.where(x == x[0], 1, 2)) for x in first.alignments[:, order]} == {
        tuple(x) for x in second.alignments
    }


def test_frustrated_triangle_plateau() -> None:
    found = enumerate_minima(np.ones(3), all_minus(3))
    assert found.energies.tolist() == [-4, -4, -4]  # six with labelled blocs (Galam 1996)
    assert {tuple(x) for x in found.alignments.tolist()} == {(1, 2, 2), (1, 2, 1), (1, 1, 2)}
    assert found.basins[(found.alignments == [1, 2, 2]).all(axis=1)] == 2  # state 0 leaves first where all are together
    assert set(found.plateaus.tolist()) == {0}
    assert not found.leaky.any()


def test_leaky_plateau() -> None:
    # All together, 1 is indifferent and no single move gains; after 1 has left, 2 gains by a move.
    propensity = symmetric([-2, -1.5, 10, 4, -2, -1.5], 4)
    found = enumerate_minima(np.ones(4), propensity)
    assert found.energies.tolist() == [-14, 0]
    assert found.alignments.tolist() == [[1, 2, 2, 1], [1, 1, 1, 1]]
    assert found.leaky.tolist() == [False, True]
    assert found.plateaus[0] != found.plateaus[1]


def test_enumeration_limit() -> None:
    with pytest.raises(ValueError, match="25 states cannot be enumerated"):
        enumerate_minima(np.ones(25), all_minus(25))


# Separation of two alignments


@given(landscapes(least=2), st.data())
def test_separation_is_minimal(landscape: Landscape, data: st.DataObject) -> None:
    sizes, propensity = landscape
    first = data.draw(alignments(len(sizes), most=2))
    second = data.draw(alignments(len(sizes), most=2))
    found = separate_from(first, second, sizes=sizes, propensity=propensity)
    swapped = np.array([0, 2, 1])[second]
    assert len(found.states) == min((first != second).sum(), (first != swapped).sum())
    expected = by_definition(first, sizes, propensity) - by_definition(second, sizes, propensity)
    assert found.energy == pytest.approx(expected, abs=1e-9)


def test_separation_with_non_aligned() -> None:
    sizes, propensity = np.ones(5), all_minus(5)
    reference = np.array([1, 1, 1, 2, 2], dtype=np.int8)
    alignment = np.array([2, 2, 1, 1, 0], dtype=np.int8)
    found = separate_from(alignment, reference, sizes=sizes, propensity=propensity)
    assert found.states == (2, 4)
    assert found.energy == -16 + 12  # eight of ten pairs apart, against six


# Published cases


def test_unix_minima() -> None:
    ids, sizes, propensity = read_world("unix_1988")
    found = enumerate_minima(sizes, propensity)
    assert [round(e, 1) for e in found.energies] == [-3828.9, -3828.9]
    assert found.energies[0] == found.energies[1]
    assert found.basins.tolist() == [128, 128]
    assert not found.leaky.any()
    ibm = ids.index("IBM")
    came = np.where(np.isin(ids, ["Sun", "ATT", "Prime"]), 1, 2).astype(np.int8)
    together = [x for x in found.alignments if x[ids.index("ATT")] == x[ids.index("Sun")]]
    assert len(together) == 1
    wrong = separate_from(together[0], came, sizes=sizes, propensity=propensity).states
    assert wrong == (ibm,)
    assert 1 - sizes[ibm] / sizes.sum() == pytest.approx(0.97, abs=0.005)


def test_five_great_powers_by_size() -> None:
    ids, sizes, propensity = read_world("great_powers_1936")
    assert (propensity == all_minus(5)).all()
    found = enumerate_minima(sizes, propensity)
    assert len(found.energies) == 4
    assert {frozenset({"GBR", "FRA", "SUN"}), frozenset({"DEU", "ITA"})} not in [
        members(ids, x) for x in found.alignments
    ]


def test_seventeen_states_by_size() -> None:
    _, printed, _ = read_world("europe_1936")
    rng = np.random.default_rng(1936)
    counts = [
        len(enumerate_minima(printed + rng.uniform(-0.005, 0.005, 17), all_minus(17)).energies) for _ in range(200)
    ]
    assert 205 <= np.median(counts) <= 217
    low, high = np.percentile(counts, [1, 99])
    assert low <= 209 <= high


def test_europe_1936_minima() -> None:
    ids, sizes, propensity = read_world("europe_1936")
    found = enumerate_minima(sizes, propensity)
    everyone = set(ids)
    first = {"GBR", "FRA", "CSK", "DNK", "SUN", "YUG", "GRC"}
    second = {"SUN", "YUG", "GRC"}
    assert [members(ids, x) for x in found.alignments] == [
        {frozenset(side), frozenset(everyone - side)} for side in (first, second)
    ]
    assert found.energies[0] < found.energies[1]
    assert found.basins.tolist() == [38984, 26552]
    came = np.where(np.isin(ids, [*first, "POL", "PRT"]), 1, 2).astype(np.int8)
    wrong = separate_from(found.alignments[0], came, sizes=sizes, propensity=propensity).states
    assert {ids[k] for k in wrong} == {"POL", "PRT"}
    parted = separate_from(found.alignments[1], found.alignments[0], sizes=sizes, propensity=propensity)
    assert {ids[k] for k in parted.states} == first - second
    assert parted.energy == pytest.approx(found.energies[1] - found.energies[0])


def test_europe_1936_marked_as_reconstruction() -> None:
    for table in ("states.csv", "ties.csv"):
        with (WORLDS / "europe_1936" / table).open(encoding="utf-8", newline="") as file:
            assert all("reconstruction" in row["note"] for row in csv.DictReader(file))
    text = (WORLDS / "europe_1936" / "world.toml").read_text(encoding="utf-8")
    assert all("reconstruction" in line for line in text.splitlines() if "note =" in line)


# Details


def test_enumeration_without_states() -> None:
    with pytest.raises(ValueError, match=r"0 states cannot be enumerated \(1 to 24\)"):
        enumerate_minima(np.ones(0), np.zeros((0, 0)))


def test_largest_exact_scale() -> None:
    assert pair_weights(np.full(2, 1e-12), symmetric([1.0], 2))[1] == 1e22
    weights, scale = pair_weights(np.zeros(2), symmetric([1.0], 2))
    assert (weights.tolist(), scale) == ([[0, 0], [0, 0]], 1)


def test_smallest_leak() -> None:
    # All together, 1 is indifferent; after it has left, 2 gains 1 by a move (2: 1 - 4 + 2).
    weights = symmetric([-2, 1, 10, 4, -2, 2], 4).astype(np.int64)
    together = np.ones((1, 4), dtype=np.int64)
    assert find_plateaus(together, weights)[1].tolist() == [True]
    weights[2, 3] = weights[3, 2] = 3
    assert find_plateaus(together, weights)[1].tolist() == [False]


def test_landscape_results_are_frozen() -> None:
    minima = enumerate_minima(np.ones(3), all_minus(3))
    parted = separate_from(minima.alignments[0], minima.alignments[1], sizes=np.ones(3), propensity=all_minus(3))
    best = find_optimum(np.ones(3), all_minus(3), rng=np.random.default_rng(1))
    for found, field in ((minima, "starts"), (parted, "energy"), (best, "bound")):
        with pytest.raises(FrozenInstanceError):
            setattr(found, field, 0)


def test_largest_enumeration(monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(*_: object) -> None:
        raise RuntimeError("enumerates")

    monkeypatch.setattr(landscape_theory, "enumerate_energies", enough)
    with pytest.raises(RuntimeError, match="enumerates"):
        enumerate_minima(np.ones(24), all_minus(24))


@pytest.mark.parametrize("total", np.geomspace(1e-3, 1e9, 25).tolist())
def test_pair_weights_use_exact_range(total: float) -> None:
    weights, _ = pair_weights(np.ones(2), symmetric([total / 2], 2))
    assert 2**48 / 10 * (1 - 1e-9) < weights.sum() <= 2**48


def test_plateau_of_state_without_ties() -> None:
    for isolated, (a, b) in ((1, (0, 2)), (2, (0, 1)), (0, (1, 2))):
        propensity = np.zeros((3, 3))
        propensity[a, b] = propensity[b, a] = -1
        found = enumerate_minima(np.ones(3), propensity)
        assert len(found.energies) == 2
        assert found.plateaus.tolist() == [0, 0], isolated


def test_descent_by_one_unit() -> None:
    assert descend(np.array([[0, 1], [1, 0]]), np.array([[1, -1]])).tolist() == [[-1, -1]]


def odd_world(folder: Path, *, states: int, blocs: int, fixed: bool = False, ties: bool = True) -> str:
    """Write a valid world at a limit of the format and return its folder."""
    tables = [
        f"[blocs.b{k}]\nname = 'B{k}'\nenforcement = 1\nattention_budget = 1\naccommodation = 0\n" for k in range(blocs)
    ]
    text = 'title = "Odd"\n[theatres]\nall = "All"\n' + "".join(tables)
    (folder / "world.toml").write_text(text, encoding="utf-8")
    rows = [f"S{i},S{i},all,1,,{'true,b0' if fixed else ','}\n" for i in range(states)]
    head = "id,name,theatre,capability,capability_source,fixed,initial\n"
    (folder / "states.csv").write_text(head + "".join(rows), encoding="utf-8")
    pairs = [f"S{i},S{j},bond,0.5\n" for i, j in combinations(range(states), 2)] if ties else []
    (folder / "ties.csv").write_text("a,b,kind,value\n" + "".join(pairs), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("odd", [
    {"states": 2, "blocs": 2}, {"states": 4, "blocs": 1}, {"states": 4, "blocs": 2, "fixed": True},
    {"states": 4, "blocs": 2, "ties": False}, {"states": 2, "blocs": 8, "ties": False},
])  # fmt: skip
def test_landscape_of_edge_cases(odd: dict[str, Any], tmp_path: Path) -> None:
    words = ["landscape", odd_world(tmp_path, **odd), "--replicates", "2", "--seconds", "1"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert f"{odd['states']} states" in done.stdout


def test_landscape_of_one_state(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["landscape", odd_world(tmp_path, states=1, blocs=2, ties=False)])
    assert done.exit_code == 2, (done.output, done.exception)
    assert "Error: states: has 1 state, and two blocs need two; give a world of two states or more\n" in done.stderr
    assert "Traceback" not in done.output
