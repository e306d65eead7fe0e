"""Simple forecasts of where states will be: none knows the model, and only one each knows votes of the year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from sim.backtesting.reading import standardise
from sim.backtesting.worlds import SIDE, YearWorld
from sim.forecast.baselines import TREATY, leader_of
from sim.forecast.scores import NO, remove_rounding
from sim.model.arrays import PARAMETERS, Floats

PENALTY = 1.0  # of squared coefficients of standardised attributes

LAST, STATIC, REGRESSION = "last ideal points", "static ties", "regression"

NO_CHANGE = "no change of coded start"

REGRESSION_LAST = "regression with votes"


def leaders_of(one: YearWorld) -> tuple[int, int]:
    """Return the leader of the first bloc with one, and of the other blocs: a leader, or else their strongest state."""
    bloc, leader = leader_of(one.scenario)
    others = [record.leader for name, record in one.scenario.blocs.items() if name != bloc and record.leader]
    capability = one.world.setting.capability
    ranked = [one.states.index(state) for state in others] or np.flatnonzero(one.coded == NO).tolist() or [0]
    return one.states.index(leader), max(ranked, key=lambda i: float(capability[i]))


def static_ties(one: YearWorld) -> Floats:
    """Sum the starting ties with the leader's bloc less those with others, weighted as in the model, (N,).

    Bonds, institutions and hostility by capability, and trade. Without likeness, pressure, balance and shelter.
    """
    parameters = dict(zip(PARAMETERS, one.world.start.parameters, strict=True))
    bond, institution, hostility, trade = side_sums(one)
    return np.asarray(
        parameters["w_bond"] * bond
        + parameters["w_institution"] * institution
        - parameters["w_hostility"] * hostility
        + parameters["w_trade"] * trade
    )


def side_sums(one: YearWorld) -> list[Floats]:
    """Sum each kind of tie with the leader's bloc less that with others, (N,) each."""
    start, setting = one.world.start, one.world.setting
    side = np.array([SIDE[answer] for answer in one.coded.tolist()])
    by_capability = setting.capability * side
    layers = (start.bond, start.institution, one.world.start_hostility)
    return [np.asarray(layer @ by_capability) for layer in layers] + [np.asarray(setting.dependence @ side)]


def portfolio_similarity(bonds: Floats, lead: int) -> Floats:
    """Compute the similarity S of each state's bonds to those of a leader, (N,), in [−1, 1].

    S = 1 − 2 mean |b_ik − b_lk|, with bonds in [0, 1] and 1 with oneself (Signorino & Ritter 1999, unweighted).
    """
    portfolio = bonds + np.eye(len(bonds))
    return np.asarray(1 - 2 * np.abs(portfolio - portfolio[lead]).mean(axis=1))


def simple_forecasts(one: YearWorld) -> dict[str, Floats]:
    """Return the simple forecasts by name, (N,) each; higher is nearer to the leader's bloc, NaN where unknown."""
    lead, other = leaders_of(one)
    bond = one.world.start.bond
    treaty = (bond >= TREATY).astype(np.float64)
    return {
        LAST: one.points_after(0),
        NO_CHANGE: np.array([SIDE[answer] for answer in one.coded.tolist()]),
        STATIC: static_ties(one),
        "alliance": treaty[:, lead] - treaty[:, other],
        "S-score": portfolio_similarity(bond, lead) - portfolio_similarity(bond, other),
        "polyarchy": one.world.start.polyarchy,
    }


def regression_attributes(one: YearWorld, *, last: bool) -> Floats:
    """Return attributes of each state, (N, F): ties by side and leader, polyarchy, and with `last` its votes."""
    lead, other = leaders_of(one)
    layers = (one.world.start.bond, one.world.start.institution, one.world.start_hostility)
    columns = [*side_sums(one), one.world.start.polyarchy, *simple_columns(one)]
    columns += [layer[:, lead] - layer[:, other] for layer in layers]
    return np.column_stack([*columns, standardise(one.points_after(0), one.free)] if last else columns)


def simple_columns(one: YearWorld) -> list[Floats]:
    """Return the alliance and S-score of each state, (N,) each."""
    found = simple_forecasts(one)
    return [found["alliance"], found["S-score"]]


def fit_and_forecast(years: Sequence[YearWorld], now: YearWorld, horizon: int, *, last: bool) -> Floats:
    """Forecast by a ridge regression on earlier years whose outcome is known by now, (N,); NaN where there is none.

    Targets are standardised by year, attributes over all years. An unknown attribute has the mean.
    """
    earlier = [one for one in years if one.year + horizon <= now.year]
    rows, targets = [], []
    for one in earlier:
        target = standardise(one.points_after(horizon), one.free) if known_later(one, horizon) else None
        if target is not None:
            used = one.free & ~np.isnan(target) & ~np.isnan(one.points_after(0))
            rows.append(regression_attributes(one, last=last)[used])
            targets.append(target[used])
    own = regression_attributes(now, last=last)
    if not rows:
        return np.full(len(own), np.nan)
    design, target = np.concatenate(rows), np.concatenate(targets)
    mean = np.nanmean(design, axis=0)
    spread = np.array([np.nanstd(remove_rounding(column)) for column in design.T])
    scaled, there = (
        np.nan_to_num(np.divide(table - mean, spread, out=np.zeros_like(table), where=spread > 0))
        for table in (design, own)
    )
    slopes = np.linalg.solve(scaled.T @ scaled + PENALTY * np.eye(scaled.shape[1]), scaled.T @ (target - target.mean()))
    found = there @ slopes
    return np.where(np.isnan(now.points_after(0)), np.nan, found) if last else found


def known_later(one: YearWorld, horizon: int) -> bool:
    """Whether ideal points some years later are known of three states that decide, or more."""
    return int((~np.isnan(one.points_after(horizon)) & one.free).sum()) >= 3


def all_simple(years: Sequence[YearWorld], horizon: int) -> dict[str, Mapping[int, Floats]]:
    """Return every simple forecast by name and year, (N,) each."""
    found: dict[str, dict[int, Floats]] = {}
    for one in years:
        forecasts = simple_forecasts(one)
        forecasts[REGRESSION] = fit_and_forecast(years, one, horizon, last=False)
        forecasts[REGRESSION_LAST] = fit_and_forecast(years, one, horizon, last=True)
        for name, forecast in forecasts.items():
            found.setdefault(name, {})[one.year] = forecast
    return dict(found)
