"""Closed forms of kept dispositions against the exponential race itself, quadrature, exact chains and hand counts."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats
from scipy.special import softmax

from sim.theory import pair, persistence
from sim.theory.pair import pair_law
from sim.theory.paths import path_chances
from sim.theory.persistence import (
    direct_chances,
    expected_movers,
    joint_chances,
    log_weights,
    spell_chance,
    stay_chance,
    switching_rate,
    tipping_chance,
    tipping_distance,
    transition_chances,
)

Floats = NDArray[np.float64]
DRAWS = 200_000
BLOCS = (2, 3, 4, 5)
TAU = 0.08
SEVEN = np.log([1.0, 2.0, 4.0])  # chances of 1/7, 2/7, 4/7


# The race, in a few lines of its own


def race(weights: Floats, disposition: Floats) -> NDArray[np.int64]:
    """Choose for each row of ln E."""
    return np.argmax(weights - disposition, axis=-1)


def plain(rng: np.random.Generator, *shape: int) -> Floats:
    """Draw ln E, E ~ Exp(1)."""
    return np.log(rng.exponential(size=shape))


def anchored(x: Floats, weights: Floats, a: int) -> Floats:
    """Return ln E given that a was taken: E_a = p_a X_a, E_k = p_k X_a + X_k, in logarithms."""
    log_p = weights - np.logaddexp.reduce(weights)
    e = np.logaddexp(log_p + x[:, [a]], x)
    e[:, a] = log_p[a] + x[:, a]
    return e


def within(count: Floats | float, n: int, chance: Floats | float) -> bool:
    """Whether counts of n are within four standard errors of their chances."""
    chance = np.asarray(chance)
    return bool((abs(count - n * chance) <= 4 * np.sqrt(n * chance * (1 - chance)) + 1e-9).all())


def drawn(k: int, seed: int, size: float = 1.5) -> tuple[np.random.Generator, Floats, Floats]:
    """Draw log-weights before and after."""
    rng = np.random.default_rng([seed, k])
    before = rng.normal(size=k + 1)
    return rng, before, before + rng.normal(scale=size, size=k + 1)


numbers = st.floats(-8, 8)


@st.composite
def worlds(draw: st.DrawFn, n: int = 2) -> Floats:
    """Generate n rows of log-weights of one width; some are equal, few are forbidden."""
    width = draw(st.integers(2, 6))
    rows = st.lists(st.one_of(numbers, st.sampled_from([0.0, 1.0, -np.inf])), min_size=width, max_size=width)
    found = np.array([draw(rows) for _ in range(n)])
    assume(np.isfinite(found).any(axis=1).all())
    return found


# Log-weights


def test_log_weights_by_hand() -> None:
    utilities = np.array([0.1, 0.3, -np.inf])
    np.testing.assert_allclose(log_weights(utilities, 0.1, 0), [1, 3, -np.inf])
    np.testing.assert_array_equal(log_weights(utilities, 0.1, 0, fixed=True), [0, -np.inf, -np.inf])


def test_log_weights_at_temperature_zero() -> None:
    """Ties go to what is held, then to the lowest index."""
    utilities = np.array([[0.1, 0.3, 0.3], [0.1, 0.3, 0.3], [0.1, -0.3, -np.inf]])
    found = log_weights(utilities, 0.0, np.array([2, 0, 1]))
    np.testing.assert_array_equal(found == 0, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert np.isneginf(found[found != 0]).all()


def test_log_weights_of_some_fixed_states() -> None:
    found = log_weights(np.ones((2, 3)), 0.5, np.array([1, 2]), fixed=np.array([True, False]))
    np.testing.assert_array_equal(found, [[-np.inf, 0, -np.inf], [2, 2, 2]])


@pytest.mark.parametrize(
    ("utilities", "temperature", "message"),
    [
        ([0.0, 1.0], -0.1, "temperature -0.1"),
        ([0.0, 1.0], np.nan, "temperature nan"),
        ([-np.inf, -np.inf], 0.1, "not for all"),
        ([-np.inf, -np.inf], 0.0, "not for all"),
        ([np.inf, 0.0], 0.1, "must be finite"),
        ([np.nan, 0.0], 0.0, "must be finite"),
        ([1.0, 0.0], 1e-310, "must be finite"),
    ],
)
def test_log_weights_refused(utilities: list[float], temperature: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_weights(np.array(utilities), temperature, 0)


# Stay and transition


def test_chances_by_hand() -> None:
    """Of three equal weights one doubles and one trebles; D is 1 + 5ρ/2 for b = 1, and has a break at 3/2 for b = 2."""
    before, after = np.zeros(3), np.log([1, 2, 3])
    assert stay_chance(np.stack([before, after]), 0) == pytest.approx(1 / 2)
    to_1 = 3 * 1 / (3.5 * 6)
    to_2 = 3 * (0.5 / (3 * 3.5) + 1.5 / (3.5 * 6))
    assert transition_chances(before, after, 0) == pytest.approx([1 / 2, to_1, to_2])
    assert joint_chances(before, after, 0) == pytest.approx([1 / 6, to_1 / 3, to_2 / 3])
    assert transition_chances(np.zeros(2), np.log([1, 2]), 0) == pytest.approx([2 / 3, 1 / 3])
    assert transition_chances(np.zeros(3), np.log([1, 2, 2]), 0) == pytest.approx([3 / 5, 1 / 5, 1 / 5])
    assert transition_chances(np.zeros(3), np.log([1, 2, 1]), 2) == pytest.approx([0, 1 / 4, 3 / 4])


@pytest.mark.parametrize("k", BLOCS)
@pytest.mark.parametrize("seed", [1, 2])
def test_transitions_by_simulation(k: int, seed: int) -> None:
    """Every pair (a, b) of one large sample of plain dispositions."""
    rng, before, after = drawn(k, seed)
    e = plain(rng, DRAWS, k + 1)
    first, second = race(before, e), race(after, e)
    for a in range(k + 1):
        joint = np.bincount(second[first == a], minlength=k + 1)
        n = int(joint.sum())
        assert n > 500
        assert within(joint, DRAWS, joint_chances(before, after, a))
        assert within(joint, n, transition_chances(before, after, a))
        assert within(joint[a], n, stay_chance(np.stack([before, after]), a))


@pytest.mark.parametrize("k", BLOCS)
def test_transitions_by_quadrature(k: int) -> None:
    """Check the pieces against quad of the integral as it is defined, with its sum over k ≠ a, b."""
    _, before, after = drawn(k, seed=3)
    w, v = np.exp(before), np.exp(after)
    for a in range(k + 1):
        found = joint_chances(before, after, a)
        for b in set(range(k + 1)) - {a}:
            others = [j for j in range(k + 1) if j not in (a, b)]
            alpha, beta = (w / w[a])[others], (v / v[b])[others]
            low, high = w[b] / w[a], v[b] / v[a]
            area = 0.0
            if low < high:
                breaks = [x for x in alpha / beta if low < x < high]
                integrand = lambda r, al=alpha, be=beta: (1 + r + np.maximum(al, be * r).sum()) ** -2  # noqa: E731
                area = integrate.quad(integrand, low, high, points=breaks or None)[0]
            assert found[b] == pytest.approx(area, rel=1e-9, abs=1e-15)


@given(worlds())
def test_rows_sum_to_one(world: Floats) -> None:
    before, after = world
    for a in np.flatnonzero(np.isfinite(before)):
        row = transition_chances(before, after, a)
        assert row.sum() == pytest.approx(1, abs=1e-9)
        assert ((row >= 0) & (row <= 1)).all()
        assert joint_chances(before, after, a).sum() == pytest.approx(softmax(before)[a], abs=1e-9)


@given(worlds())
def test_total_probability(world: Floats) -> None:
    """Over the logit of the start, what is taken afterwards is the logit of the weights afterwards."""
    before, after = world
    total = sum(joint_chances(before, after, a) for a in range(len(before)))
    assert total == pytest.approx(softmax(after), abs=1e-9)


@given(worlds())
def test_reversible(world: Floats) -> None:
    """Taking a then b is as likely as taking b when the weights change back."""
    before, after = world
    there, back = (
        np.array([joint_chances(x, y, a) for a in range(len(x))]) for x, y in ((before, after), (after, before))
    )
    np.testing.assert_allclose(there, back.T, atol=1e-9)


@given(worlds(), numbers, numbers, st.randoms(use_true_random=False))
def test_levels_and_order_do_not_matter(world: Floats, up: float, down: float, random: object) -> None:
    before, after = world
    order = np.random.default_rng(len(before)).permutation(len(before))
    for a in range(len(before)):
        row = transition_chances(before, after, int(order[a]))
        np.testing.assert_allclose(transition_chances(before + up, after - down, int(order[a])), row, atol=1e-9)
        np.testing.assert_allclose(transition_chances(before[order], after[order], a), row[order], atol=1e-12)


@given(worlds(n=1))
def test_no_state_moves_at_rest(world: Floats) -> None:
    """To the bit: with τ > 0, a coded start and no renewal a world at rest stays."""
    for a in np.flatnonzero(np.isfinite(world[0])):
        assert stay_chance(np.repeat(world, 3, axis=0), a) == 1
        np.testing.assert_array_equal(transition_chances(world[0], world[0], a), np.arange(world.shape[1]) == a)
        assert expected_movers(world, world, np.array([a])) == 0


@given(worlds())
def test_only_a_relative_gain_attracts(world: Floats) -> None:
    """From a to b only if b gains on a."""
    before, after = world
    for a in np.flatnonzero(np.isfinite(before) & np.isfinite(after)):
        row = transition_chances(before, after, a)
        with np.errstate(invalid="ignore"):
            lost = ~(after - after[a] > before - before[a])
        lost[a] = False
        np.testing.assert_array_equal(row[lost], 0)


def test_rounding_gives_no_chance_above_one() -> None:
    """To stay where all weights change alike, and to move where one gains e^20 or more: of 5,000, some round up."""
    rng = np.random.default_rng(0)
    for k in (3, 4, 6, 8):
        before = rng.normal(size=(5_000, k))
        alike, gained = before + rng.normal(size=(5_000, 1)), before + rng.normal(size=before.shape)
        gained[:, 1] += rng.choice([20.0, 40.0, 60.0], size=5_000)
        assert stay_chance(np.stack([before, alike]), 0).max() == 1
        assert transition_chances(before, gained, 0)[:, 1].max() == 1


def test_many_states_at_once() -> None:
    rng = np.random.default_rng(4)
    before, after, held = rng.normal(size=(7, 4)), rng.normal(size=(7, 4)), rng.integers(0, 4, 7)
    rows = [transition_chances(b, c, int(a)) for b, c, a in zip(before, after, held, strict=True)]
    np.testing.assert_array_equal(transition_chances(before, after, held), rows)
    np.testing.assert_array_equal(stay_chance(np.stack([before, after]), held), np.array(rows)[np.arange(7), held])
    directs = [direct_chances(b, c, int(a), inertia=0.3, renewal=0.1, steps=3)
               for b, c, a in zip(before, after, held, strict=True)]  # fmt: skip
    np.testing.assert_allclose(direct_chances(before, after, held, inertia=0.3, renewal=0.1, steps=3), directs)


# Chances that underflow, forbidden alternatives, temperature 0, fixed states


def test_underflow_by_hand() -> None:
    """State held 10⁴ temperatures below the best, where p_a is 0 in floats."""
    utilities = np.array([-1e4, 0.0, 0.0]) * TAU
    before = log_weights(utilities, TAU, 0)
    assert softmax(before)[0] == 0
    better = log_weights(utilities + np.array([0, TAU * np.log(2), 0]), TAU, 0)
    assert transition_chances(before, before, 0) == pytest.approx([1, 0, 0])
    assert transition_chances(before, better, 0) == pytest.approx([2 / 3, 1 / 3, 0])
    far = log_weights(utilities + np.array([-1e4, 0.0, 1e4]) * TAU, TAU, 0)  # 2 gains on both
    assert transition_chances(before, far, 0) == pytest.approx([0, 0, 1])
    assert spell_chance(np.stack([before, better]), 0) == 0
    np.testing.assert_array_equal(joint_chances(before, better, 0), 0)


@pytest.mark.parametrize("k", BLOCS)
def test_underflow_by_simulation(k: int) -> None:
    rng, before, after = drawn(k, seed=5)
    before[0] -= 1e4
    after[0] = before[0] - 1  # what is held loses as well
    second = race(after, anchored(plain(rng, DRAWS, k + 1), before, 0))
    chances = transition_chances(before, after, 0)
    assert 0.01 < chances[0] < 0.99
    assert within(np.bincount(second, minlength=k + 1), DRAWS, chances)


@pytest.mark.parametrize(
    ("closed_before", "closed_after"),
    [([2], [2]), ([2], []), ([], [2]), ([], [0]), ([3], [0, 2]), ([2, 3], [1, 3]), ([1, 2, 3], [])],
)
def test_forbidden_by_simulation(closed_before: list[int], closed_after: list[int]) -> None:
    """Forbidden always, at the start (then it has a plain draw), or afterwards; what is held may become forbidden."""
    rng, before, after = drawn(3, seed=6)
    before[closed_before], after[closed_after] = -np.inf, -np.inf
    second = race(after, anchored(plain(rng, DRAWS, 4), before, 0))
    chances = transition_chances(before, after, 0)
    assert (chances[closed_after] == 0).all()
    assert within(np.bincount(second, minlength=4), DRAWS, chances)
    assert within(float((second == 0).sum()), DRAWS, stay_chance(np.stack([before, after]), 0))


def test_temperature_zero() -> None:
    """The best of the utilities afterwards is taken, whatever the start."""
    before, after = np.array([0.2, 0.5, 0.1]), np.array([0.4, 0.4, 0.6])
    for a in range(3):
        start = log_weights(before, 0.0, a)
        np.testing.assert_array_equal(transition_chances(start, log_weights(after, 0.0, a), a), [0, 0, 1])
        np.testing.assert_array_equal(transition_chances(start, log_weights(before, 0.0, a), a), [0, 1, 0])
        tied = log_weights(np.zeros(3), 0.0, a)
        np.testing.assert_array_equal(transition_chances(start, tied, a), np.arange(3) == a)
        assert stay_chance(np.stack([start, tied]), a) == 1
    assert spell_chance(np.stack([log_weights(before, 0.0, 0)] * 2), 0) == 0
    assert spell_chance(np.stack([log_weights(before, 0.0, 1)] * 2), 1) == 1
    np.testing.assert_array_equal(joint_chances(log_weights(before, 0.0, 0), SEVEN, 0), 0)


@pytest.mark.parametrize("a", range(3))
def test_start_at_temperature_zero_is_no_evidence(a: int) -> None:
    """A disposition drawn there is plain: afterwards the logit, as after a random start."""
    start = log_weights(np.array([0.2, 0.5, 0.1]), 0.0, a)
    unknown = log_weights(np.zeros(3), 1.0, a, fixed=True)
    for before in (start, unknown):
        assert transition_chances(before, SEVEN, a) == pytest.approx([1 / 7, 2 / 7, 4 / 7])
        assert stay_chance(np.stack([before, SEVEN]), a) == pytest.approx([1 / 7, 2 / 7, 4 / 7][a])


def test_temperature_becomes_zero_or_changes() -> None:
    rng, before, after = drawn(3, seed=7)
    np.testing.assert_array_equal(
        transition_chances(before, log_weights(after, 0.0, 1), 1), np.arange(4) == np.argmax(after)
    )
    second = race(log_weights(after, 2.0, 1), anchored(plain(rng, DRAWS, 4), before, 1))
    assert within(np.bincount(second, minlength=4), DRAWS, transition_chances(before, log_weights(after, 2.0, 1), 1))


def test_fixed_state_stays() -> None:
    held, fixed = np.array([0, 1]), np.array([True, False])
    before = log_weights(np.array([[0.0, 0.1, 0.2]] * 2), TAU, held, fixed=fixed)
    after = log_weights(np.array([[0.0, 0.1, 0.9]] * 2), TAU, held, fixed=fixed)
    np.testing.assert_array_equal(transition_chances(before, after, held)[0], [1, 0, 0])
    assert transition_chances(before, after, held)[1, 2] > 0.5
    direct = direct_chances(before, after, held, inertia=0.3, renewal=0.5, steps=9)
    np.testing.assert_array_equal(direct[0], [1, 0, 0])
    assert expected_movers(before[:1], after[:1], held[:1]) == 0


# Anchoring


@pytest.mark.parametrize("k", BLOCS)
def test_anchored_dispositions(k: int) -> None:
    """Anchored in a, a is taken; mixed over a by the logit, the draws are independent Exp(1) again."""
    rng, weights, _ = drawn(k, seed=8)
    n = 20_000
    x, taken = plain(rng, n, k + 1), rng.choice(k + 1, size=n, p=softmax(weights))
    e = np.empty((n, k + 1))
    for a in range(k + 1):
        e[taken == a] = anchored(x[taken == a], weights, a)
    np.testing.assert_array_equal(race(weights, e), taken)
    draws = np.exp(e)
    pvalues = [stats.kstest(draws[:, j], "expon").pvalue for j in range(k + 1)]
    pvalues += [stats.kstest(draws[:, i] / (draws[:, i] + draws[:, j]), "uniform").pvalue
                for i in range(k + 1) for j in range(i)]  # fmt: skip
    pvalues.append(stats.kstest(draws.sum(axis=1), stats.gamma(k + 1).cdf).pvalue)
    assert min(pvalues) > 1e-4, pvalues
    ranks = abs(stats.spearmanr(draws).statistic - np.eye(k + 1)) if k > 1 else np.zeros(1)
    assert np.max(ranks) < 5 / np.sqrt(n)


@pytest.mark.parametrize("k", BLOCS)
def test_anchored_as_conditioned(k: int) -> None:
    """The anchored draw has the law of the plain draws in which a was taken."""
    rng, weights, _ = drawn(k, seed=9)
    e = plain(rng, DRAWS, k + 1)
    for a in range(k + 1):
        chosen = e[race(weights, e) == a][:5_000]
        built = anchored(plain(rng, 5_000, k + 1), weights, a)
        for j in range(k + 1):
            assert stats.ks_2samp(chosen[:, j], built[:, j]).pvalue > 1e-4


# Spells


@pytest.mark.parametrize("k", BLOCS)
def test_spells_by_simulation(k: int) -> None:
    rng, before, _ = drawn(k, seed=10)
    path = before + 0.3 * rng.normal(size=(6, k + 1)).cumsum(axis=0)
    e = plain(rng, DRAWS, k + 1)
    taken = np.stack([race(weights, e) for weights in path])
    for a in range(k + 1):
        spells, starts = int((taken == a).all(axis=0).sum()), int((taken[0] == a).sum())
        assert within(spells, DRAWS, spell_chance(path, a))
        assert within(spells, starts, stay_chance(path, a))


@given(worlds(n=4))
def test_spell_laws(path: Floats) -> None:
    """A spell of one step is the logit; a longer one is less likely; repeats and order of steps change nothing."""
    for a in range(path.shape[1]):
        assert spell_chance(path[:1], a) == pytest.approx(softmax(path[0])[a], abs=1e-12)
        chances = [spell_chance(path[:s], a) for s in (1, 2, 3, 4)]
        assert (np.diff(chances) <= 1e-15).all()
        assert spell_chance(path[[3, 1, 0, 2, 2]], a) == pytest.approx(chances[3], abs=1e-15)
        if np.isfinite(path[0, a]):
            assert stay_chance(path, a) * chances[0] == pytest.approx(chances[3], abs=1e-12)


# Tipping


def test_tipping_by_hand() -> None:
    found = tipping_distance(TAU * SEVEN, TAU)
    assert found == pytest.approx(TAU * np.log([8, 4.5, 2.75]))
    np.testing.assert_allclose(tipping_distance(np.array([0.1, 0.4, -np.inf]), 0.0), [0.3, 0, np.inf])
    np.testing.assert_allclose(tipping_distance(np.array([0.1, 0.4, -np.inf]), 1e-9), [0.3, 0, np.inf], atol=1e-8)
    assert tipping_distance(np.array([0.0, -1e4]), 1.0)[1] == pytest.approx(1e4)


@given(worlds(n=1), st.floats(0, 9))
def test_tipping_is_a_transition(world: Floats, gain: float) -> None:
    """The chance is that of the transition, from every other alternative, and one half at the tipping distance."""
    weights = world[0]
    allowed = np.flatnonzero(np.isfinite(weights))
    distances = tipping_distance(weights * TAU, TAU)
    for k in allowed:
        unit = np.eye(len(weights))[k]
        for a in set(allowed) - {k}:
            row = transition_chances(weights, weights + gain * unit, a)
            assert row[k] == pytest.approx(tipping_chance(weights, gain)[k], abs=1e-9)
            assert row[a] == pytest.approx(1 - row[k], abs=1e-9)
            tipped = log_weights(TAU * weights + distances[k] * unit, TAU, int(a))
            assert transition_chances(weights, tipped, a)[k] == pytest.approx(0.5, abs=1e-9)
        assert tipping_chance(weights, distances[k] / TAU)[k] == pytest.approx(0.5)


def test_tipping_extremes() -> None:
    np.testing.assert_array_equal(tipping_chance(SEVEN, np.array([0.0, -3.0, 5e3])), [0, 0, 1])
    assert tipping_chance(np.array([0.0, -1e4]), 1e4)[1] == pytest.approx(0.5)
    assert tipping_chance(SEVEN, 1e-12)[0] == pytest.approx(1e-12 / 7)
    assert tipping_chance(np.array([0.0, -np.inf]), 5.0)[1] == 0


# Renewal: switching, spells, dated chances


def simulate(
    rng: np.random.Generator, e: Floats, held: int, weights: Floats, inertia: float, renewal: float, steps: int
) -> NDArray[np.int64]:
    """Run states in a world at rest; return their alignments, (steps + 1, R). Inertia goes with what is held."""
    taken = [np.full(len(e), held)]
    for _ in range(steps):
        e = np.where((rng.random(len(e)) < renewal)[:, None], plain(rng, *e.shape), e)
        taken.append(race(weights + inertia * np.eye(len(weights))[taken[-1]], e))
    return np.stack(taken)


def logit_chain(weights: Floats, inertia: float) -> Floats:
    """Return the chances of a redraw by what is held."""
    return softmax(weights + inertia * np.eye(len(weights)), axis=1)


@pytest.mark.parametrize("k", BLOCS)
@pytest.mark.parametrize("inertia", [0.0, 0.4, 3.0])
def test_switching_by_chain(k: int, inertia: float) -> None:
    """Check the closed form against h Σ π_a (1 − p_a(a)) with π from the eigenvector."""
    _, weights, _ = drawn(k, seed=11)
    chain = logit_chain(weights, inertia)
    values, vectors = np.linalg.eig(chain.T)
    law = np.real(vectors[:, np.argmax(values.real)])
    law /= law.sum()
    rate = switching_rate(weights, inertia=inertia, renewal=0.05)
    assert rate == pytest.approx(0.05 * law @ (1 - np.diag(chain)))
    if inertia == 0:
        assert rate == pytest.approx(0.05 * (1 - (softmax(weights) ** 2).sum()))


@pytest.mark.parametrize("inertia", [0.0, 0.8])
def test_switching_by_simulation(inertia: float) -> None:
    """One change in the last step, after the start is forgotten; spells are geometric."""
    rng, weights, _ = drawn(3, seed=12)
    n, h = 40_000, 0.3
    taken = simulate(rng, plain(rng, n, 4), 0, weights, inertia, h, 40)
    assert within(int((taken[-1] != taken[-2]).sum()), n, switching_rate(weights, inertia=inertia, renewal=h))
    leave = h * (1 - logit_chain(weights, inertia).diagonal())
    for a in range(4):
        fresh = (taken[19] != a) & (taken[20] == a)
        for length in (1, 2, 5):
            spell = (taken[20 : 20 + length, fresh] == a).all(axis=0) & (taken[20 + length, fresh] != a)
            chance = (1 - leave[a]) ** (length - 1) * leave[a]
            assert within(int(spell.sum()), int(fresh.sum()), chance)


def test_switching_extremes() -> None:
    assert switching_rate(np.zeros(4), inertia=0, renewal=0.2) == pytest.approx(0.2 * 3 / 4)
    assert switching_rate(np.array([0.0, -np.inf]), inertia=1, renewal=0.2) == 0
    assert switching_rate(np.zeros(2), inertia=5e3, renewal=0.2) == 0
    assert switching_rate(np.array([0.0, -1e4]), inertia=0, renewal=0.2) == 0
    rates = switching_rate(np.zeros((2, 3)), inertia=np.array([0, np.log(2)]), renewal=np.array([0.3, 0.6]))
    assert rates == pytest.approx([0.2, 0.6 * (2 / 3) / (4 / 3)])


def constant_path(before: Floats, after: Floats, a: int, inertia: float, h: float, steps: int) -> tuple[Floats, Floats]:
    """Chances and entries of one state along a path of constant weights."""
    found = path_chances(
        before[None], np.broadcast_to(after, (steps, 1, len(after))), np.array([a]), inertia=np.full(steps, inertia),
        renewal=np.full((steps, 1), h),
    )  # fmt: skip
    return found[0][0], found[1][0]


@pytest.mark.parametrize("k", BLOCS)
@pytest.mark.parametrize("inertia", [0.0, 1.2])
def test_direct_by_simulation(k: int, inertia: float) -> None:
    """States anchored before the change, renewed as time passes, with inertia on what each holds at the time."""
    rng, before, after = drawn(k, seed=13)
    own = inertia * np.eye(k + 1)[1]
    n, h = 100_000, 0.15
    taken = simulate(rng, anchored(plain(rng, n, k + 1), before + own, 1), 1, after, inertia, h, 12)
    for t in (1, 2, 5, 12):
        chances = direct_chances(before + own, after + own, 1, inertia=inertia, renewal=h, steps=t)
        assert within(np.bincount(taken[t], minlength=k + 1), n, chances)
        alike, entries = constant_path(before + own, after, 1, inertia, h, t)
        np.testing.assert_allclose(alike, chances, atol=1e-9)
        for b in (0, *range(2, k + 1)):
            assert within(int((taken[1 : t + 1] == b).any(axis=0).sum()), n, entries[b])


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("h", [0.0, 0.1])
def test_path_with_hysteresis(k: int, h: float) -> None:
    """Weights change and return: inertia keeps some states where the change moved them. Two alternatives are exact."""
    n, inertia, own = 60_000, 0.7, np.eye(k + 1)
    for seed in range(4):
        rng, before, during = drawn(k, seed=20 + seed)
        after = before + rng.normal(scale=0.2, size=k + 1)
        path = np.array([before, during, during, after, after, before])
        e, taken = anchored(plain(rng, n, k + 1), before + inertia * own[0], 0), np.zeros(n, dtype=int)
        been = np.zeros((n, k + 1), dtype=bool)
        for weights in path:
            e = np.where((rng.random(n) < h)[:, None], plain(rng, n, k + 1), e)
            taken = race(weights + inertia * own[taken], e)
            been[np.arange(n), taken] = True
        chances, entries = path_chances(
            (before + inertia * own[0])[None], path[:, None], np.array([0]), inertia=np.full(6, inertia),
            renewal=np.full((6, 1), h),
        )  # fmt: skip
        rough = 0.0 if k == 1 and h == 0 else 0.02  # visits to three alternatives, and renewed states
        for found, expected in ((chances[0], np.bincount(taken, minlength=k + 1) / n), (entries[0], been.mean(axis=0))):
            error = 4 * np.sqrt(found * (1 - found) / n) + rough
            assert (abs(found - expected)[1:] <= error[1:] + 1e-9).all(), (seed, found, expected)
        assert chances.sum() == pytest.approx(1)


@given(worlds(), st.floats(0, 1), st.integers(1, 60))
def test_direct_without_inertia(world: Floats, h: float, steps: int) -> None:
    """Kept with chance (1 − h)^T, else redrawn."""
    before, after = world
    for a in range(len(before)):
        kept = (1 - h) ** steps
        expected = kept * transition_chances(before, after, a) + (1 - kept) * softmax(after)
        found = direct_chances(before, after, a, inertia=0.0, renewal=h, steps=steps)
        np.testing.assert_allclose(found, expected, atol=1e-9)


@given(worlds(), st.floats(0, 5))
def test_direct_limits(world: Floats, inertia: float) -> None:
    """Without renewal what is kept; with renewal at each step, after long, the law of the logit with inertia."""
    before, after = world
    p = softmax(after)
    law = p * (1 + np.expm1(inertia) * p)
    for a in np.flatnonzero(np.isfinite(after)):
        with_own = after + inertia * np.eye(len(after))[a]
        kept = direct_chances(before, with_own, a, inertia=inertia, renewal=0.0, steps=7)
        np.testing.assert_allclose(kept, transition_chances(before, with_own, a), atol=1e-12)
        long = direct_chances(before, with_own, a, inertia=inertia, renewal=1.0, steps=2**24)
        np.testing.assert_allclose(long, law / law.sum(), atol=1e-6)


def test_direct_after_a_path_without_inertia() -> None:
    """Without inertia only the first and the last weights matter, whatever came between."""
    rng, before, after = drawn(3, seed=14)
    n, h = 100_000, 0.2
    e = anchored(plain(rng, n, 4), before, 2)
    for _ in range(6):
        e = np.where((rng.random(n) < h)[:, None], plain(rng, n, 4), e)
    chances = direct_chances(before, after, 2, inertia=0.0, renewal=h, steps=6)
    assert within(np.bincount(race(after, e), minlength=4), n, chances)


def test_expected_movers_by_simulation() -> None:
    """Movers of a world of 30 states with inertia, 4,000 times; their variance is Σ s (1 − s)."""
    rng = np.random.default_rng(15)
    n, runs, inertia = 30, 4_000, 0.5
    held = rng.integers(0, 3, n)
    before = rng.normal(size=(n, 3)) + inertia * np.eye(3)[held]
    after = before + rng.normal(scale=0.5, size=(n, 3))
    moved = np.zeros(runs)
    for i in range(n):
        moved += race(after[i], anchored(plain(rng, runs, 3), before[i], int(held[i]))) != held[i]
    stays = stay_chance(np.stack([before, after]), held)
    expected = expected_movers(before, after, held)
    assert expected == pytest.approx((1 - stays).sum())
    assert 1 < expected < n
    assert abs(moved.mean() - expected) < 4 * np.sqrt((stays * (1 - stays)).sum() / runs)


# Two states and two blocs


def together(attraction: float, renewal: float) -> float:
    return float(pair_law(attraction, renewal=renewal).sum(axis=(0, 1)).trace())


def test_pair_by_known_answers() -> None:
    assert together(1.5, 1.0) == pytest.approx(0.82, abs=0.005)
    assert together(1.5, 0.05) == pytest.approx(0.93, abs=0.005)


@pytest.mark.parametrize("attraction", [-2.0, -0.3, 0.0, 1.5, 4.0])
def test_pair_limits(attraction: float) -> None:
    """With renewal at each step Boltzmann; with rare renewal they differ (agree, if J < 0) only if both must."""
    assert together(attraction, 1.0) == pytest.approx(1 / (1 + np.exp(-attraction)))
    tail = 1 / (1 + np.exp(abs(attraction)))
    apart = 2 * tail**2
    assert together(attraction, 1e-6) == pytest.approx(1 - apart if attraction > 0 else apart, abs=1e-5)


@pytest.mark.parametrize("renewal", [0.02, 0.4])
def test_pair_laws(renewal: float) -> None:
    """A law whose cells are independent and logistic, the same after the states or the blocs are swapped."""
    law = pair_law(1.5, renewal=renewal)
    tail = 1 / (1 + np.exp(1.5))
    cells = np.array([tail, 1 - 2 * tail, tail])
    assert law.shape == (3, 3, 2, 2)
    assert law.min() > -1e-15
    np.testing.assert_allclose(law.sum(axis=(2, 3)), np.outer(cells, cells), atol=1e-12)
    np.testing.assert_allclose(law.transpose(1, 0, 3, 2), law, atol=1e-12)
    np.testing.assert_allclose(law[::-1, ::-1, ::-1, ::-1], law, atol=1e-12)
    np.testing.assert_allclose(law[0, :, 1], 0, atol=1e-12)


@pytest.mark.parametrize(("attraction", "renewal"), [(1.5, 0.05), (1.5, 1.0), (-1.0, 0.3)])
def test_pair_by_simulation(attraction: float, renewal: float) -> None:
    """Race with all of its draws, in many pairs at once."""
    rng = np.random.default_rng(16)
    pairs = 10_000
    rows = np.arange(pairs)
    e, taken = plain(rng, pairs, 2, 2), rng.integers(0, 2, (pairs, 2))
    for _ in range(int(30 / renewal)):
        first = rng.integers(0, 2, pairs)
        for i in (first, 1 - first):
            renewed = rng.random(pairs) < renewal
            e[rows, i] = np.where(renewed[:, None], plain(rng, pairs, 2), e[rows, i])
            weights = attraction * np.eye(2)[taken[rows, 1 - i]]
            taken[rows, i] = race(weights, e[rows, i])
    assert within(int((taken[:, 0] == taken[:, 1]).sum()), pairs, together(attraction, renewal))


@pytest.mark.parametrize("renewal", [0.0, -0.1, 1.1, np.nan])
def test_pair_refused(renewal: float) -> None:
    with pytest.raises(ValueError, match="not a chance above 0"):
        pair_law(1.5, renewal=renewal)


@pytest.mark.parametrize("module", [pair, persistence])
def test_examples(module: object) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
