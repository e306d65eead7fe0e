"""Laws of the optimum: equal to enumeration, with a valid bound and proof."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from strategies import all_minus, by_definition, symmetric

from sim.theory.landscape import (
    Matrix,
    Vector,
    enumerate_minima,
)
from sim.theory.optimum import TRIANGLE_LIMITS, TRIANGLE_SIGNS, Relaxation, Search, find_optimum


def signed(n: int, frustrated: float, rng: np.random.Generator) -> Matrix:
    """Make a balanced complete network and turn a share of its signs."""
    side = rng.choice([-1.0, 1.0], n)
    turned = np.triu(rng.random((n, n)) < frustrated, 1)
    return np.outer(side, side) * np.where(turned | turned.T, -1, 1) * (1 - np.eye(n))


def test_optimum_equals_enumeration() -> None:
    rng = np.random.default_rng(3)
    for case in range(200):
        n = 2 + case % 13
        if case % 2:
            sizes, propensity = np.ones(n), signed(n, rng.uniform(0, 0.5), rng)
        else:
            upper = np.round(rng.normal(size=n * (n - 1) // 2), 3)
            sizes, propensity = np.round(rng.uniform(0.1, 20, n), 2), symmetric(upper.tolist(), n)
        exact = enumerate_minima(sizes, propensity)
        # One start: the proof must find what local search misses.
        found = find_optimum(sizes, propensity, rng=rng, starts=1)
        assert found.proven
        assert found.energy == pytest.approx(exact.energies[0], rel=1e-12, abs=1e-12)
        assert found.bound == found.energy
        assert found.gap == 0
        assert found.alignment[0] == 1
        assert by_definition(found.alignment, sizes, propensity) == pytest.approx(found.energy, abs=1e-6)


def test_optimum_bound_without_time() -> None:
    propensity = signed(20, 0.5, np.random.default_rng(5))
    exact = enumerate_minima(np.ones(20), propensity)
    for seconds in (0.0, 0.02, 0.1):
        found = find_optimum(np.ones(20), propensity, rng=np.random.default_rng(1), starts=20, seconds=seconds)
        assert found.bound <= exact.energies[0] <= found.energy
        assert found.gap == pytest.approx((found.energy - found.bound) / abs(found.bound))
        assert found.proven == (found.gap == 0)
    nothing = find_optimum(np.ones(20), propensity, rng=np.random.default_rng(1), seconds=0.0)
    assert (nothing.proven, nothing.bound) == (False, propensity[propensity < 0].sum())  # bound: no positive tie across
    assert nothing.energy == exact.energies[0]  # 200 descents find it without a proof
    assert by_definition(nothing.alignment, np.ones(20), propensity) == nothing.energy


def test_optimum_trace() -> None:
    found = find_optimum(np.ones(24), signed(24, 0.4, np.random.default_rng(2)), rng=np.random.default_rng(1))
    seconds, best, bound = (np.array(x) for x in zip(*found.trace, strict=True))
    assert 0 <= seconds[0] <= seconds[-1] < 60
    assert (np.diff(seconds) >= 0).all()
    assert (np.diff(best) <= 0).all()
    assert (np.diff(bound) >= 0).all()
    assert (best[-1], bound[-1]) == (found.energy, found.bound)
    assert (bound % 2 == 0).all()  # no other energy over ordered pairs is possible with unit weights


def test_proof_by_triangles() -> None:
    found = find_optimum(np.ones(30), signed(30, 0.2, np.random.default_rng(6)), rng=np.random.default_rng(1))
    assert found.proven
    assert len(found.trace) <= 8  # one round of triangles each, no branch
    assert all(bound < best for _, best, bound in found.trace[:-2])  # and none after the proof


def test_relaxation_bounds() -> None:
    program = Relaxation(all_minus(3))
    nothing, everything = np.zeros(3), np.ones(3)
    distance, bound = program.relax(nothing, everything, 10.0) or (nothing, 0.0)
    assert (distance.tolist(), bound) == ([1, 1, 1], -3)
    assert not program.add_violated(np.array([1.0, 1.0, 0.0]))
    assert not program.add_violated(nothing)
    assert program.add_violated(distance)
    assert program.active.tolist() == [[False, False, False, True]]
    distance, bound = program.relax(nothing, everything, 10.0) or (nothing, 0.0)
    assert bound == pytest.approx(-2)  # three cannot all be apart
    assert not program.add_violated(distance)
    distance, bound = program.relax(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]), 10.0) or (nothing, 0.0)
    assert bound == pytest.approx(-2)
    assert program.relax(everything, everything, 10.0) is not None
    assert (program.relax(everything, everything, 10.0) or (nothing, 0.0))[1] == np.inf


def test_bound_rounded_up_to_possible_energy() -> None:
    search = Search(5 * all_minus(4).astype(np.int64), 1.0)  # energies are multiples of 5
    assert [search.round_up(x) for x in (-3.0, -3.4, -3 + 1e-9, -2.9)] == [-15, -15, pytest.approx(-15), -10]


def test_failed_solver_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Relaxation, "relax", lambda *_: None)
    found = find_optimum(np.ones(5), all_minus(5), rng=np.random.default_rng(1))
    assert (found.proven, found.energy, found.bound) == (False, -12, -20)


def test_optimum_without_ties() -> None:
    for n in (1, 2, 4):
        found = find_optimum(np.ones(n), np.zeros((n, n)), rng=np.random.default_rng(1))
        assert (found.energy, found.bound, found.proven) == (0, 0, True)


def test_triangle_inequalities_are_tight() -> None:
    ways = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]])
    slack = TRIANGLE_LIMITS - ways @ TRIANGLE_SIGNS.T
    assert (slack >= 0).all()
    assert ((slack == 0).sum(axis=0) == 3).all()


def test_triangles_added_per_round() -> None:
    program = Relaxation(np.zeros((13, 13)))
    distance = np.ones(78)
    distance[:12] = 0.9  # pairs of state 0: its 66 triangles exceed their limit by less than the other 220
    assert program.add_violated(distance)
    assert program.active.sum() == 20 * 13
    assert program.active[66:, 3].all()
    assert program.add_violated(distance)
    assert program.active.sum() == program.active[:, 3].sum() == 286
    assert not program.add_violated(distance)


@pytest.mark.second
def test_certificate_without_incumbent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Branches cover all configurations: without an incumbent the bound rises exactly to the optimum."""
    monkeypatch.setattr(Search, "improve", lambda *_: None)
    rng = np.random.default_rng(9)
    for _ in range(3):
        propensity = symmetric((2 - rng.integers(1, 6, 10)).tolist(), 5)
        weights = propensity.astype(np.int64)
        search = Search(weights, 60.0)
        bound = search.branch_and_bound(Relaxation(weights / search.unit))
        assert bound == pytest.approx(enumerate_minima(np.ones(5), propensity).energies[0] / 2, abs=1e-5)


def test_bound_holds_for_any_multipliers(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    propensity = symmetric(rng.uniform(-1, 9, 15).tolist(), 6)
    lowest = enumerate_minima(np.ones(6), propensity).energies[0] / 2

    def nonsense(cost: Vector, matrix: sparse.csr_array, *_: object, **__: object) -> SimpleNamespace:
        marginals = rng.uniform(-0.1, 1, matrix.shape[0])
        return SimpleNamespace(status=0, x=np.full(len(cost), 0.5), ineqlin=SimpleNamespace(marginals=marginals))

    monkeypatch.setattr("sim.theory.optimum.linprog", nonsense)
    program = Relaxation(propensity)
    assert program.add_violated(np.ones(15))
    for _ in range(200):
        found = program.relax(np.zeros(15), np.ones(15), 1.0)
        assert found is not None
        assert found[1] <= lowest


def test_solver_tolerance_unit() -> None:
    search = Search(5_000_000 * all_minus(4).astype(np.int64), 1.0)
    assert search.round_up(-3 + 1e-7) == pytest.approx(-15_000_000, abs=1)
    assert search.round_up(-3 + 1e-5) == -10_000_000


def test_search_stops_at_time_or_proof() -> None:
    program = Relaxation(all_minus(5))
    for seconds, bound in ((0.0, -10.0), (60.0, 0.0)):  # an incumbent of 0 is proven by a bound of 0
        search = Search(all_minus(5).astype(np.int64), seconds)
        found = search.explore(program, np.zeros(10), np.ones(10), bound=bound, others=np.inf)
        assert found == (None, bound)
        assert search.trace == []
