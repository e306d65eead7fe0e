"""Realignments: which moves count, and what a forecast may know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.backtesting.forecasts import Dated
from sim.backtesting.measures import draw_resamples
from sim.backtesting.realignments import base_rates, list_moves, moves_in_votes, score_moves
from sim.backtesting.worlds import YearWorld, load_years


@pytest.fixture(scope="module")
def years(invented: Path) -> list[YearWorld]:
    """Worlds of six years, in which GGG leaves the front in 1970."""
    return load_years(invented)


def test_moves_that_last(years: list[YearWorld]) -> None:
    one = years[0]
    now = one.points_after(0)
    size = now.std()
    after = {1: now.copy(), 2: now.copy()}
    after[1][1] -= 1.5 * size  # lasts
    after[2][1] -= 1.2 * size
    after[1][5] += 1.5 * size  # is back a year later
    after[1][6] += 0.9 * size  # is small
    after[1][7] = np.nan
    after[1][0] -= 3 * size  # a leader
    points = {one.year: now, **{one.year + h: of for h, of in after.items()}}
    direction = moves_in_votes(replace(one, points=points), 1).direction
    assert direction[1] == -1
    assert direction[[2, 5, 6]].tolist() == [0, 0, 0]
    assert np.isnan(direction[[0, 7]]).all()


def test_change_of_the_coded_start(years: list[YearWorld]) -> None:
    moves = {one.year: moves.direction for one, moves in list_moves("coded", years, 5)}
    assert sorted(moves) == [1950, 1955, 1960, 1965, 1970]
    changed = {(year, i) for year, direction in moves.items() for i in np.flatnonzero(direction > 0)}
    assert changed == {(1965, 6)}
    assert not any((direction < 0).any() for direction in moves.values())
    assert not list(list_moves("coded", years, 3))


def test_base_rate_knows_earlier_moves_only(years: list[YearWorld]) -> None:
    listed = list(list_moves("coded", years, 5))
    rates = base_rates(listed, 5).reshape(5, 8)
    assert rates[0] == pytest.approx(0.025), "no earlier year"
    assert rates[3] == pytest.approx(0), "the move of 1965 to 1970 is not known in 1965"
    assert rates[4] == pytest.approx(1 / 32)


def test_scores_of_a_perfect_and_a_turned_forecast(years: list[YearWorld]) -> None:
    happened = {one.year: np.nan_to_num(moves.direction) for one, moves in list_moves("coded", years, 5)}

    def forecast(sign: float) -> dict[int, Dated]:
        one = {year: np.tile(np.clip(sign * direction, 0, 1), (5, 1)) for year, direction in happened.items()}
        empty = np.zeros((10, 3))
        return {
            year: Dated(empty, empty, up, np.tile(np.clip(-sign * happened[year], 0, 1), (5, 1)), empty, np.zeros(1))
            for year, up in one.items()
        }

    resamples = draw_resamples([one.year for one in years], list(years[0].states))
    scored = score_moves("coded", years, 5, {"right": forecast(1), "turned": forecast(-1)}, {}, resamples)
    assert scored is not None
    assert (scored["moves"], scored["n"]) == (1, 40)
    assert scored["rate"].value == pytest.approx(100 / 40 / 5)
    right, turned = scored["forecasts"]["right"], scored["forecasts"]["turned"]
    assert right["brier"].value == 0
    assert right["auc"].value == right["auc_toward"].value == turned["auc"].value == 1
    assert turned["auc_toward"].value < 0.5
    assert right["less_no_change"].value == pytest.approx(-1 / 40)
