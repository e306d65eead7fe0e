"""Regret of levers over futures, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.analysis.regret import regret_of_levers, tabulate_regret

# Three levers in four futures; low is better.
FRONT = pd.DataFrame(
    [[0.1, 0.4, 0.2, 0.2], [0.2, 0.1, 0.2, 0.3], [0.3, 0.3, 0.1, 0.2]], index=["wait", "press", "offer"]
)


def test_regret_by_hand() -> None:
    table = tabulate_regret(FRONT, want="low", satisfied=0.2).set_index("lever")
    assert next(iter(table.index)) == "press"  # minimax: at most 0.1, the others 0.2 and 0.3
    assert table.loc["press", "regret_max"] == pytest.approx(0.1)
    assert table.loc["offer", "regret_max"] == pytest.approx(0.2)
    assert table.loc["wait", "regret"] == pytest.approx((0 + 0.3 + 0.1 + 0) / 4)
    assert table.loc["wait", "best"] == 0.5
    assert table.loc["press", "satisfied"] == 0.75
    assert table.loc["wait", "worst"] == 0.4
    assert table.loc["press", "satisfied_low"] == pytest.approx(0.3006, abs=1e-3)  # Wilson, 3 of 4


def test_wanted_direction_mirrors_regret() -> None:
    assert tabulate_regret(-FRONT, want="high", satisfied=-0.2)["lever"].tolist()[0] == "press"
    assert regret_of_levers(FRONT.to_numpy(), want="high").max(axis=1) == pytest.approx([0.2, 0.3, 0.1])


@given(arrays(float, (4, 6), elements=st.floats(0, 1)))
def test_best_lever_has_zero_regret(outcomes: np.ndarray) -> None:
    short = regret_of_levers(outcomes, want="low")
    assert (short >= 0).all()
    assert (short.min(axis=0) == 0).all()


def test_lever_best_up_to_rounding_is_best() -> None:
    twice = pd.DataFrame([[0.1, 0.4], [0.1 + 2e-17, 0.4 + 6e-17]], index=["one", "same"])
    assert tabulate_regret(twice, want="low", satisfied=0.2)["best"].tolist() == [1, 1]
