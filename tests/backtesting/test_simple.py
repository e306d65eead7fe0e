"""Simple forecasts: by hand, and without a look at later years."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.backtesting import simple
from sim.backtesting.report import LIKENESS, fit_likeness
from sim.backtesting.simple import fit_and_forecast, portfolio_similarity, simple_forecasts
from sim.backtesting.worlds import YearWorld, load_years
from sim.forecast.scores import NO, YES
from sim.model.arrays import PARAMETERS


@pytest.fixture(scope="module")
def years(invented: Path) -> list[YearWorld]:
    """Worlds of six years."""
    return load_years(invented)


def with_other_later(one: YearWorld, horizon: int) -> YearWorld:
    """Turn the ideal points of a year and later ones around."""
    points = {year: -of if year >= one.year + horizon else of for year, of in one.points.items()}
    return replace(one, points=points)


def test_by_hand(years: list[YearWorld]) -> None:
    found = simple_forecasts(years[0])
    assert found["alliance"].tolist() == [0, 1, 1, 1, 0, -1, -1, 0, 0, 0]
    assert found[simple.NO_CHANGE].tolist() == [1] * 4 + [-1] * 3 + [0] * 3
    bond = years[0].world.start.parameters[PARAMETERS.index("w_bond")]
    assert found[simple.STATIC][1] == pytest.approx(bond * 0.9 * 0.1)
    assert found[simple.STATIC][5] == pytest.approx(-bond * 0.9 * 0.1)
    assert found[simple.STATIC][8] == 0


def test_similarity_of_portfolios() -> None:
    bonds = np.array([[0, 0.9, 0], [0.9, 0, 0], [0, 0, 0]])
    assert portfolio_similarity(bonds, 0) == pytest.approx([1, 1 - 2 * 0.2 / 3, 1 - 2 * 2.9 / 3])


@pytest.mark.parametrize("last", [False, True])
def test_regression_sees_earlier_years_only(years: list[YearWorld], last: bool) -> None:
    assert np.isnan(fit_and_forecast(years, years[0], 5, last=last)).all()
    now = years[3]
    found = fit_and_forecast(years, now, 5, last=last)
    later = [with_other_later(one, now.year - one.year + 1) for one in years]
    assert fit_and_forecast(later, later[3], 5, last=last) == pytest.approx(found)
    earlier = [with_other_later(one, 1) if one.year < now.year else one for one in years]
    assert fit_and_forecast(earlier, now, 5, last=last) != pytest.approx(found)
    assert np.corrcoef(found, now.points_after(5))[0, 1] > 0.8


def test_likeness_is_fitted_to_earlier_years_only(years: list[YearWorld]) -> None:
    rng = np.random.default_rng(0)
    chances = {(one.year, weight): rng.dirichlet(np.ones(3), 10) for one in years for weight in (None, *LIKENESS)}
    best = 1.0
    for one in years:
        target = one.points_after(5)
        chances[one.year, best][:, YES], chances[one.year, best][:, NO] = target > 0, -np.minimum(target, 0)
    fits = fit_likeness(years, chances)
    assert fits == {1950: None, **dict.fromkeys(range(1955, 1980, 5), best)}
    now = years[3].year
    later = [with_other_later(one, now - one.year + 1) for one in years]
    assert fit_likeness(later, chances)[now] == fits[now]
