"""Backtest the model over worlds of many years: forecasts, scores and what the record says of renewal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from sim.backtesting import simple
from sim.backtesting.forecasts import (
    Dated,
    coded_forecast,
    expected_points,
    observed_forecast,
    structural_forecast,
)
from sim.backtesting.measures import (
    FEWEST,
    Case,
    Measured,
    Resamples,
    draw_resamples,
    mean_difference,
    mean_score,
    measure_cases,
    rank_level,
)
from sim.backtesting.realignments import KINDS, PER, score_moves, standing_gap
from sim.backtesting.renewal import profile_renewal
from sim.backtesting.worlds import HORIZONS, YearWorld
from sim.batch.executor import Progress, evaluate
from sim.forecast.likelihood import yes_minus_no
from sim.forecast.scores import Score, score_with_interval
from sim.model.arrays import Floats

LIKENESS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # weights that a fit chooses from

LAST_HORIZON = HORIZONS[-1]

STRUCTURAL, CODED, OBSERVED = "structural chances", "coded start", "observed start"

MOVED = ("change", "sign")  # measures of how states move, at the last horizon

FITTED = ", fitted"

AS_POINTS = ", as points"

PANEL_COST = 20  # runs that take about as long as the likelihood of one state

ByYear = Mapping[int, Floats]


@dataclass(frozen=True)
class BacktestPlan:
    """Numbers of runs, and the random seed.

    Parameters
    ----------
    replicates
        Runs of each world for structural chances, at each weight of likeness.
    histories
        Histories of each world from each start.
    seed
        Random seed.
    """

    replicates: int = 32
    histories: int = 200
    seed: int = 20231025


@dataclass(frozen=True)
class ModelForecasts:
    """The model's forecasts by year."""

    structural: Mapping[str, Mapping[int, Floats]]  # by name, (N, 3) of each year
    dated: Mapping[str, Mapping[int, Dated]]  # by name and year
    fits: Mapping[int, float | None]  # weight of likeness of each year, fitted to earlier years; None: no earlier year


def backtest_years(
    years: Sequence[YearWorld], plan: BacktestPlan, *, workers: int | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Forecast from the world of each year, and score the forecasts at one to five years.

    Parameters
    ----------
    years
        Worlds in the order of their years.
    plan
        Numbers of runs, and the random seed.
    workers
        Threads. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    dict
        Scores with 95 % intervals by forecast and horizon, realignments, fits and the profile of renewal.
    """
    steps = Stages(years, plan, progress or (lambda done, total: None))
    found = forecast_years(years, plan, steps, workers)
    resamples = draw_resamples([one.year for one in years], sorted({s for one in years for s in one.states}))
    by_horizon = {h: score_horizon(years, found, h, resamples) for h in HORIZONS}
    last = by_horizon[LAST_HORIZON]
    forecasts = list(last["level"])
    gaps = mismatches(years, found)
    moves = {
        kind: [
            scored
            for h in HORIZONS
            if (scored := score_moves(kind, years, h, found.dated, gaps, resamples)) is not None
        ]
        for kind in KINDS
    }
    renewal = profile_renewal(years, workers=workers, progress=steps.panels())
    return as_mappings({
        "years": [one.year for one in years],
        "states": {one.year: len(one.states) for one in years},
        "replicates": plan.replicates, "histories": plan.histories, "seed": plan.seed,
        "horizons": list(HORIZONS),
        "fits": dict(found.fits),
        "level": {
            name: {h: mean_score(by_horizon[h]["level"][name], resamples) for h in HORIZONS} for name in forecasts
        },
        **{kind: {name: mean_score(last[kind][name], resamples) for name in forecasts} for kind in MOVED},
        "by_year": {
            name: {year: float(draws[0]) for year, draws in one.draws.items()} for name, one in last["level"].items()
        },
        "differences": {kind: differences(last[kind], resamples) for kind in ("level", "change")},
        "switches": {name: switch_rate(by_year) for name, by_year in found.dated.items()},
        "moves": moves,
        "renewal": renewal,
    })  # fmt: skip


def as_mappings(value: Any) -> Any:
    """Convert scores, which are tuples with names, to mappings of their names."""
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, Mapping):
        return {key: as_mappings(inner) for key, inner in value.items()}
    return [as_mappings(inner) for inner in value] if isinstance(value, (list, tuple)) else value


class Stages:
    """Progress over all stages of a backtest, in runs."""

    def __init__(self, years: Sequence[YearWorld], plan: BacktestPlan, progress: Progress) -> None:
        self.structural_runs = len(years) * (1 + len(LIKENESS)) * plan.replicates
        self.dated_runs = 4 * len(years) * plan.histories
        self.panel_runs = PANEL_COST * len({state for one in years for state in one.states})
        self.total = self.structural_runs + self.dated_runs + self.panel_runs
        self.progress = progress

    def after(self, before: int) -> Progress:
        """Progress of a stage that begins when some runs are done."""
        return lambda done, _: self.progress(before + done, self.total)

    def panels(self) -> Progress:
        """Progress of the likelihood, by the share of its states."""
        before = self.total - self.panel_runs
        return lambda done, total: self.progress(before + self.panel_runs * done // max(total, 1), self.total)


def forecast_years(
    years: Sequence[YearWorld], plan: BacktestPlan, steps: Stages, workers: int | None
) -> ModelForecasts:
    """Compute the model's forecasts: structural chances at each weight, and dated ones at the own and fitted weight."""
    by_year = {one.year: one for one in years}
    points = list(product(by_year, (None, *LIKENESS)))
    chances = evaluate(
        lambda point: structural_forecast(
            by_year[point[0]], point[1], seed=plan.seed, replicates=range(plan.replicates)
        ),
        points, runs=plan.replicates, workers=workers, progress=steps.after(0),
    )  # fmt: skip
    structural = dict(zip(points, chances, strict=True))
    fits = fit_likeness(years, structural)
    names: dict[str, Callable[..., Dated]] = {CODED: coded_forecast, OBSERVED: observed_forecast}
    weights = {"": dict.fromkeys(by_year), FITTED: fits}
    tasks = list(product(weights, names, by_year))

    def run_histories(task: tuple[str, str, int]) -> Dated:
        ending, name, year = task
        return names[name](by_year[year], weights[ending][year], seed=plan.seed, replicates=range(plan.histories))

    found = evaluate(
        run_histories, tasks, runs=plan.histories, workers=workers, progress=steps.after(steps.structural_runs)
    )
    dated: dict[str, dict[int, Dated]] = {}
    for (ending, name, year), one in zip(tasks, found, strict=True):
        dated.setdefault(name + ending, {})[year] = one
    return ModelForecasts(
        {
            STRUCTURAL: {year: structural[year, None] for year in by_year},
            STRUCTURAL + FITTED: {year: structural[year, fits[year]] for year in by_year},
        },
        dated,
        fits,
    )


def fit_likeness(
    years: Sequence[YearWorld], structural: Mapping[tuple[int, float | None], Floats]
) -> dict[int, float | None]:
    """Choose the weight of likeness for each year by earlier worlds, and by ideal points known by that year.

    It is the weight with the highest rank correlation, the mean over earlier worlds of the mean over the years since;
    the lowest of equals. None, the world's own, without an earlier world.
    """
    levels = {
        (weight, h): cases_of(years, {one.year: yes_minus_no(structural[one.year, weight]) for one in years}, h)
        for weight in LIKENESS
        for h in (0, *HORIZONS)
    }
    ones = {key: {year: rank_of(case) for year, case in cases.items()} for key, cases in levels.items()}
    fits: dict[int, float | None] = {}
    for one in years:
        earlier = [past.year for past in years if past.year < one.year]
        means = [
            [np.nanmean([ones[weight, h][past] for h in (0, *HORIZONS) if past + h <= one.year]) for past in earlier]
            for weight in LIKENESS
        ]
        fits[one.year] = LIKENESS[int(np.argmax(np.mean(means, axis=1)))] if earlier else None
    return fits


def rank_of(case: Case) -> float:
    """Rank correlation of a forecast in one year; NaN with few states."""
    n = len(case.states)
    return float(rank_level(case, np.ones((1, n)))[0]) if n >= FEWEST else float("nan")


def cases_of(years: Sequence[YearWorld], forecast: ByYear, horizon: int) -> dict[int, Case]:
    """Make the cases in which a forecast is scored: states that decide, with ideal points now and later."""
    found = {}
    for one in years:
        now, later, own = one.points_after(0), one.points_after(horizon), forecast[one.year]
        used = one.free & ~np.isnan(now) & ~np.isnan(later) & ~np.isnan(own)
        states = tuple(state for state, kept in zip(one.states, used, strict=True) if kept)
        found[one.year] = Case(states, own[used], now[used], later[used])
    return found


def positions(years: Sequence[YearWorld], found: ModelForecasts, horizon: int) -> dict[str, ByYear]:
    """Return where each forecast has the states at a horizon, by name and year; higher is nearer to the leader."""
    place = HORIZONS.index(horizon)
    forecasts: dict[str, ByYear] = {}
    for name, chances in found.structural.items():
        forecasts[name] = {year: yes_minus_no(one) for year, one in chances.items()}
    for name, dated in found.dated.items():
        forecasts[name] = {year: yes_minus_no(one.chances[place]) for year, one in dated.items()}
        if name.startswith(OBSERVED):
            forecasts[name + AS_POINTS] = {
                one.year: expected_points(one, dated[one.year], one.points_after(0))[place] for one in years
            }
    return forecasts | dict(simple.all_simple(years, horizon))


def score_horizon(
    years: Sequence[YearWorld], found: ModelForecasts, horizon: int, resamples: Resamples
) -> dict[str, dict[str, Measured]]:
    """Score every forecast at a horizon, by measure and name."""
    cases = {name: cases_of(years, one, horizon) for name, one in positions(years, found, horizon).items()}
    kinds = ("level", *MOVED) if horizon == LAST_HORIZON else ("level",)
    return {kind: {name: measure_cases(kind, one, resamples) for name, one in cases.items()} for kind in kinds}


def differences(measured: Mapping[str, Measured], resamples: Resamples) -> dict[str, dict[str, Any]]:
    """Subtract each simple forecast from each of the model's, on the same states and years."""
    others = {name: one for name, one in measured.items() if not name.startswith((STRUCTURAL, CODED, OBSERVED))}
    others |= {simple.NO_CHANGE: measured[simple.NO_CHANGE]}
    own = {name: one for name, one in measured.items() if name not in others}
    return {
        name: {other: mean_difference(one, against, resamples) for other, against in others.items()}
        for name, one in own.items()
    }


def mismatches(years: Sequence[YearWorld], found: ModelForecasts) -> dict[str, dict[int, Floats]]:
    """Return simpler scores of who moves: how far a state is from where its ties, or regression, would have it."""
    forecasts = simple.all_simple(years, LAST_HORIZON)
    forecasts[STRUCTURAL] = {year: yes_minus_no(one) for year, one in found.structural[STRUCTURAL].items()}
    names = (STRUCTURAL, simple.STATIC, "polyarchy", simple.REGRESSION)
    return {name: {one.year: standing_gap(one, forecasts[name][one.year]) for one in years} for name in names}


def switch_rate(by_year: Mapping[int, Dated]) -> Score:
    """Average all changes of alignment per 100 state-years, with the interval over resampled years."""
    means = np.array([one.switches.mean() for one in by_year.values()])
    draws = np.random.default_rng(0).multinomial(len(means), np.full(len(means), 1 / len(means)), size=1000)
    values = np.concatenate([[means.mean()], draws @ means / len(means)])
    return score_with_interval(PER * values, len(means))
