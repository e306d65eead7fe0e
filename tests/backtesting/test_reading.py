"""Alignments read off ideal points: expected bloc sizes are the coded ones, and order is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.backtesting.reading import fit_reading, observed_start, reading_chances, standardise
from sim.forecast.scores import ABSTAINED, NO, YES


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_expected_sizes_are_coded_sizes(seed: int, error: float) -> None:
    rng = np.random.default_rng(seed)
    position = standardise(rng.normal(size=30))
    coded = rng.permutation(np.repeat([YES, NO, ABSTAINED], [10, 6, 14]))
    chances = reading_chances(position, fit_reading(position, coded, error))
    assert chances.mean(axis=0) == pytest.approx([10 / 30, 6 / 30, 14 / 30], abs=1e-9)
    assert chances.sum(axis=1) == pytest.approx(1)
    order = np.argsort(position)
    assert (np.diff(chances[order, YES]) >= 0).all()
    assert (np.diff(chances[order, NO]) <= 0).all()


def test_small_error_reads_by_rank() -> None:
    position, coded = np.linspace(-2, 2, 9), np.array([ABSTAINED] * 3 + [YES] * 3 + [NO] * 3)
    chances = reading_chances(position, fit_reading(position, coded, 1e-3))
    assert chances.argmax(axis=1).tolist() == [NO] * 3 + [ABSTAINED] * 3 + [YES] * 3


def test_bloc_without_states() -> None:
    position = np.linspace(-2, 2, 9)
    chances = reading_chances(position, fit_reading(position, np.full(9, ABSTAINED)))
    assert chances[:, ABSTAINED] == pytest.approx(1)


def test_unseen_and_fixed_states_keep_their_coded_start() -> None:
    points, coded = np.array([np.nan, 2.0, 0.0, -2.0]), np.array([NO, ABSTAINED, ABSTAINED, YES])
    chances = observed_start(points, coded, np.array([True, True, True, False]))
    assert chances[0].tolist() == np.eye(3)[NO].tolist()
    assert chances[3].tolist() == np.eye(3)[YES].tolist()
    assert chances[1, YES] > chances[2, YES]
