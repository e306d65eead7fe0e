"""The law of one state among others that do not move: closed forms against simulated lives and other closed forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.theory.held_still import HeldStill, direct_law
from sim.theory.persistence import Floats, direct_chances

seeds = st.integers(0, 2**32)
sizes = st.integers(2, 5)


def still_of(rng: np.random.Generator, before: Floats, path: Floats, *, held: int = 0, **more: Any) -> HeldStill:
    """Make the decisions of one state, from log-weights without inertia; renewal and inertia are constant."""
    steps, size = path.shape
    inertia, renewal = more.get("inertia", 0.0), more.get("renewal", 0.0)
    own = inertia * np.eye(size)[held]
    return HeldStill(
        before + own, path, np.array(held), np.full(steps, inertia), np.full(steps, renewal),
        np.full(steps, more.get("toward", -1)),
    )  # fmt: skip


def simulate(still: HeldStill, lives: int, rng: np.random.Generator) -> Floats:
    """Live lives of the state and count where they end; the disposition is drawn until it has chosen the start."""
    size = still.path.shape[-1]
    draws = rng.exponential(size=(0, size))
    while len(draws) < lives:
        more = rng.exponential(size=(4 * lives, size))
        draws = np.concatenate([draws, more[(still.before - np.log(more)).argmax(axis=1) == int(still.held)]])
    inclined, current = -np.log(draws[:lives]), np.full(lives, int(still.held))
    for t in range(len(still.path)):
        renewed = rng.random(lives) < still.renewal[t]
        inclined[renewed] = -np.log(rng.exponential(size=(int(renewed.sum()), size)))
        current = (still.path[t] + still.inertia[t] * np.eye(size)[current] + inclined).argmax(axis=1)
    return np.bincount(current, minlength=size) / lives


@given(seeds, sizes, st.sampled_from([0.0, 0.4, 2.0]), st.sampled_from([0.0, 0.05, 1.0]), st.integers(1, 12))
def test_one_change_at_the_first_step(seed: int, size: int, inertia: float, renewal: float, steps: int) -> None:
    """Weights that change before step 1 and stay have the law of `direct_chances`."""
    rng = np.random.default_rng(seed)
    before, after = rng.normal(scale=2, size=(2, size))
    held = int(rng.integers(size))
    still = still_of(rng, before, np.tile(after, (steps, 1)), held=held, inertia=inertia, renewal=renewal)
    own = inertia * np.eye(size)[held]
    known = direct_chances(before + own, after + own, held, inertia=inertia, renewal=renewal, steps=steps)
    np.testing.assert_allclose(direct_law(still), known, atol=1e-9)


@pytest.mark.parametrize("inertia", [0.0, 0.5])
@pytest.mark.parametrize("renewal", [0.0, 0.04])
@pytest.mark.parametrize("course", ["late change", "drift", "crisis"])
def test_lives_in_changing_weights(course: str, renewal: float, inertia: float) -> None:
    """Weights that change late, drift one way, or change and come back, against the shares of simulated lives.

    Where weights come back, inertia makes dispositions that were drawn meanwhile inexact.
    """
    rng = np.random.default_rng(5)
    before, lives, steps = np.array([0.0, -0.5, -1.0]), 100_000, 12
    change = np.array([-0.6, 0.7, 0.2])
    shares = {
        "late change": np.arange(steps) >= 7,
        "drift": np.arange(steps) / steps,
        "crisis": (np.arange(steps) >= 3) & (np.arange(steps) < 8),
    }[course]
    still = still_of(rng, before, before + shares[:, None] * change, inertia=inertia, renewal=renewal)
    law, found = direct_law(still), simulate(still, lives, rng)
    inexact = 0.03 if course == "crisis" and renewal and inertia else 0.0
    assert (np.abs(found - law) < 4 * np.sqrt(law * (1 - law) / lives) + inexact + 1e-9).all()
    assert law[0] < 0.9 or course == "crisis"


@given(seeds, sizes, st.integers(1, 8))
def test_law_is_a_probability_at_rest_and_in_any_path(seed: int, size: int, steps: int) -> None:
    rng = np.random.default_rng(seed)
    before, path = rng.normal(size=size), rng.normal(scale=3, size=(steps, size))
    still = still_of(rng, before, path, inertia=0.3, renewal=0.1)
    law = direct_law(still)
    assert law.min() >= 0
    assert law.sum() == pytest.approx(1)
    rest = still_of(rng, before, np.tile(before, (steps, 1)), inertia=0.3)
    assert direct_law(rest).tolist() == np.eye(size)[0].tolist()


def test_renewal_for_certain_that_favours_an_alignment() -> None:
    """A new government that prefers 2 takes it, and keeps it while the weights stay."""
    still = still_of(np.random.default_rng(1), np.zeros(3), np.zeros((4, 3)))
    toward = still._replace(renewal=np.array([0.0, 1, 0, 0]), toward=np.array([-1, 2, -1, -1]))
    np.testing.assert_allclose(direct_law(toward), [0, 0, 1], atol=1e-12)
    plain = still._replace(renewal=np.array([0.0, 1, 0, 0]))
    np.testing.assert_allclose(direct_law(plain), np.full(3, 1 / 3), atol=1e-12)


def test_states_together_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    before, path, held = rng.normal(size=(4, 3)), rng.normal(size=(6, 4, 3)), np.array([0, 1, 2, 1])
    inertia, renewal, toward = np.full((6, 4), 0.2), np.full((6, 4), 0.1), np.full((6, 4), -1)
    together = direct_law(HeldStill(before, path, held, inertia, renewal, toward))
    for i in range(4):
        alone = HeldStill(before[i], path[:, i], held[i], inertia[:, i], renewal[:, i], toward[:, i])
        np.testing.assert_allclose(together[i], direct_law(alone), atol=1e-12)
