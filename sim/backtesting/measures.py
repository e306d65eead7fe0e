"""Score forecasts of many years, with intervals by resampling years and states.

Every score comes with draws, (R,): the score itself, then its values in resamples. A resample draws years and,
independently, states, with replacement: a state counts in all its years, a year for all its states (the bootstrap of
two crossed factors; Owen 2007). So differences on the same draws are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.analysis.statistics import RESAMPLING_SEED
from sim.forecast.scores import Score, auc_score, score_with_interval, spearman
from sim.model.arrays import Flags, Floats

RESAMPLES = 500

FEWEST = 5  # states of a year, for a rank correlation

LARGEST = 0.2  # share of the states of a year whose moves are the largest


@dataclass(frozen=True)
class Resamples:
    """Weights of years and of states in each resample, the first row all ones.

    Parameters
    ----------
    years
        By year, (R,).
    states
        By state, (R,).
    """

    years: Mapping[int, Floats]
    states: Mapping[str, Floats]

    def of_states(self, states: Sequence[str]) -> Floats:
        """Weights of some states, (R, n); NaN in a resample that has none of them."""
        return without_empty(np.stack([self.states[state] for state in states], axis=1))


def without_empty(weights: Floats) -> Floats:
    """Replace rows without any weight by NaN, so that a score is undefined there, (R, n)."""
    return np.where(weights.sum(axis=1, keepdims=True) > 0, weights, np.nan)


def draw_resamples(years: Sequence[int], states: Sequence[str], resamples: int = RESAMPLES) -> Resamples:
    """Draw resamples of years and of states; the same ones for the same years and states."""
    rng = np.random.default_rng(RESAMPLING_SEED)

    def weights(n: int) -> Floats:
        draws = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
        return np.concatenate([np.ones((1, n)), draws]).T

    return Resamples(
        dict(zip(years, weights(len(years)), strict=True)), dict(zip(states, weights(len(states)), strict=True))
    )


class Measured(NamedTuple):
    """A score of each year: its draws, (R,), and its number of states."""

    draws: Mapping[int, Floats]
    states: Mapping[int, int]


class Case(NamedTuple):
    """A year in which a forecast is scored: states, forecast, ideal points now and later, (n,) each."""

    states: tuple[str, ...]
    forecast: Floats
    now: Floats
    later: Floats


def rank_level(case: Case, weights: Floats) -> Floats:
    """Rank correlation of the forecast with later ideal points, (R,)."""
    return spearman(case.forecast, case.later, weights)


def rank_change(case: Case, weights: Floats) -> Floats:
    """Partial rank correlation of the forecast with later ideal points, given those of now, (R,).

    NaN for a forecast that is a function of those of now.
    """
    later = spearman(case.forecast, case.later, weights)
    now = spearman(case.forecast, case.now, weights)
    kept = spearman(case.now, case.later, weights)
    rest = (1 - now**2) * (1 - kept**2)
    return np.divide(later - now * kept, np.sqrt(rest), out=np.full(len(rest), np.nan), where=rest > 1e-9)


def sign_of_moves(case: Case, weights: Floats) -> Floats:
    """Share of the largest fifth of moves whose direction is forecast, (R,).

    A move is the change of a standardised ideal point. A state is forecast to move up where it ranks higher in the
    forecast than now. No difference counts as half.
    """
    move = scaled(case.later) - scaled(case.now)
    largest = np.abs(move) >= np.quantile(np.abs(move), 1 - LARGEST)
    forecast = np.sign(np.round(midranks(case.forecast) - midranks(case.now), 9))
    right = np.where(forecast == 0, 0.5, forecast == np.sign(move))
    total = (weights * largest).sum(axis=1)
    return np.divide((weights * largest * right).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)


MEASURES = {"level": rank_level, "change": rank_change, "sign": sign_of_moves}


def scaled(values: Floats) -> Floats:
    """Standardise values, (n,)."""
    return (values - values.mean()) / values.std()


def midranks(values: Floats) -> Floats:
    """Rank values, (n,); equal ones share their ranks."""
    return np.asarray(((values < values[:, None]) + 0.5 * (values == values[:, None])).sum(axis=1), dtype=np.float64)


def measure_cases(kind: str, cases: Mapping[int, Case], resamples: Resamples) -> Measured:
    """Score a forecast in each year that has enough states."""
    enough = {year: case for year, case in cases.items() if len(case.states) >= FEWEST}
    draws = {year: MEASURES[kind](case, resamples.of_states(case.states)) for year, case in enough.items()}
    defined = {year: found for year, found in draws.items() if not np.isnan(found[0])}
    return Measured(defined, {year: len(enough[year].states) for year in defined})


def mean_draws(measured: Measured, resamples: Resamples, years: Sequence[int] | None = None) -> Floats:
    """Average the scores of years, by the weights of the years, (R,); NaN without any."""
    used = [year for year in measured.draws if years is None or year in years]
    if not used:
        return np.full(RESAMPLES + 1, np.nan)
    values = np.array([measured.draws[year] for year in used])
    weights = np.array([resamples.years[year] for year in used]) * ~np.isnan(values)
    total = weights.sum(axis=0)
    summed = (weights * np.nan_to_num(values)).sum(axis=0)
    return np.divide(summed, total, out=np.full(len(total), np.nan), where=total > 0)


def mean_score(measured: Measured, resamples: Resamples) -> Score:
    """Average the scores of years, with the interval and the number of states in all years."""
    return score_with_interval(mean_draws(measured, resamples), sum(measured.states.values()))


def mean_difference(one: Measured, other: Measured, resamples: Resamples) -> Score:
    """Average the differences of two forecasts in the years that both have, with the interval."""
    both = sorted(one.draws.keys() & other.draws.keys())
    draws = mean_draws(one, resamples, both) - mean_draws(other, resamples, both)
    return score_with_interval(draws, sum(min(one.states[year], other.states[year]) for year in both))


class Pooled(NamedTuple):
    """State-years together: year and state of each, (n,), forecast chance and whether it happened."""

    years: tuple[int, ...]
    states: tuple[str, ...]
    chance: Floats
    happened: Flags

    def weights(self, resamples: Resamples) -> Floats:
        """Weights of the state-years, (R, n)."""
        by_year = np.stack([resamples.years[year] for year in self.years], axis=1)
        return without_empty(by_year * resamples.of_states(self.states))

    def some(self, chosen: Flags) -> Pooled:
        """Select some of the state-years."""
        kept = np.flatnonzero(chosen)
        return Pooled(
            tuple(self.years[n] for n in kept), tuple(self.states[n] for n in kept),
            self.chance[kept], self.happened[kept],
        )  # fmt: skip


def pooled_auc(cases: Pooled, resamples: Resamples) -> Score:
    """Chance that a state-year with the event ranks above one without it, with the interval."""
    if not cases.happened.any() or cases.happened.all():
        return Score(np.nan, np.nan, np.nan, len(cases.chance))
    return score_with_interval(auc_score(cases.chance, cases.happened, cases.weights(resamples)), len(cases.chance))


def weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Average values, (n,), in each resample, (R,); NaN where none has weight."""
    total = weights.sum(axis=1)
    return np.divide(weights @ values, total, out=np.full(len(total), np.nan), where=total > 0)
