"""Fit parameters to the record before the article: a reference table, weighted by the likelihood.

The table has the model's chances at many points of the prior, on common random numbers. The posterior of any record
is the same table with other weights (sampling importance resampling, Rubin 1987). So leaving states out and
recovering known truths need no further run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.article.robustness import VARIED
from sim.forecast import likelihood, posterior, scores
from sim.forecast.baselines import COLUMN, deciding_states, plain_baselines
from sim.forecast.chances import ChanceTable, prior_bounds, start_chances
from sim.forecast.likelihood import READINGS, VoteReading, VoteRecord
from sim.forecast.record import Observed
from sim.forecast.scorecard import ForecastInputs, rank_position, rank_record, vote_record, with_ideal_points
from sim.forecast.scores import Score
from sim.model.arrays import Flags, Floats, Integers
from sim.model.world import World, world_of
from sim.scenario.overrides import exact_text
from sim.scenario.schema import Scenario

YEAR = 2022  # of the fitted ideal points

WITHOUT_STATE = "without the state"

AT_START = "at the coded start"

FEW = 0.3  # distance by chance, three times that of the default points, beyond which the command warns


def observed_record(world: World, observed: Observed) -> VoteRecord:
    """Collect the fitted votes and ideal points as arrays: not those held out, nor those of fixed states."""
    votes, ideal = observed_arrays(world, observed)
    return likelihood.make_vote_record(votes, ideal, deciding_states(world))


def observed_arrays(world: World, observed: Observed) -> tuple[Integers, Floats]:
    """Collect the fitted votes, (V, N), NO_VOTE where a state has none, and the ideal points of YEAR, (N,)."""
    cast = [
        [COLUMN[vote.cast[s]] if s in vote.cast else likelihood.NO_VOTE for s in world.states]
        for vote in observed.fitting.votes.values()
    ]
    points = observed.fitting.ideal_points.get(YEAR, {})
    ideal = np.array([points.get(state, np.nan) for state in world.states])
    return np.array(cast, dtype=np.int64).reshape(len(cast), len(world.states)), ideal


@dataclass(frozen=True)
class Fit:
    """A posterior over the P points of a table."""

    log_likelihood: Floats  # (P,)
    weights: Floats  # (P,)
    readings: Floats  # (readings,), the posterior of READINGS
    learnt: posterior.PosteriorSummary

    @property
    def effective(self) -> float:
        """Effective number of independent draws."""
        return float(posterior.effective_draws(self.weights))


def fit_posterior(table: ChanceTable, record: VoteRecord) -> Fit:
    """Fit the posterior of one record.

    Parameters
    ----------
    table
        The model's chances at P points of the prior.
    record
        Votes and ideal points of one record, D = 1.

    Returns
    -------
    Fit
        Weights of the points, (P,), of the readings of a vote, and a summary of each parameter (Rubin 1987).
    """
    by_reading = likelihood.log_likelihood_by_reading(table.chances, record)[:, 0]
    both = likelihood.mean_over_readings(by_reading)
    readings = np.logaddexp.reduce(by_reading, axis=1)
    weights = posterior.importance_weights(both)
    return Fit(
        both,
        weights,
        posterior.importance_weights(readings),
        posterior.summarise_posterior(table.values, weights, *prior_bounds()),
    )


def held_out_weights(table: ChanceTable, record: VoteRecord, groups: Integers) -> Floats:
    """Weigh the points for each state, (N, P), by the record without the state's group, (N,)."""
    kinds = np.unique(groups)
    parts = np.array([groups == kind for kind in kinds])
    weights = posterior.importance_weights(
        likelihood.log_likelihood(table.chances, likelihood.leave_groups_out(record, parts))
    )
    return np.asarray(weights[np.searchsorted(kinds, groups)])


def mean_by_state(weights: Floats, chances: Floats) -> Floats:
    """Average chances, (P, N, 3), of each state by its own weights of the points, (N, P): (N, 3)."""
    return np.asarray(np.einsum("np,pnk->nk", weights, chances))


def forecast_scores(chances: Floats, world: World, observed: Observed) -> dict[str, Score]:
    """Score chances of each answer, (N, 3): AUC of each vote, yes against the rest, and rank correlation.

    The rank correlation is with the ideal points of YEAR. States that do not decide are left out.
    """
    ranking, decides = rank_position(chances), deciding_states(world)
    found = {}
    for name, vote in observed.votes.items():
        of = [i for i, state in enumerate(world.states) if state in vote.cast and decides[i]]
        hit = np.array([vote.cast[world.states[i]] == "yes" for i in of])
        found[name] = scores.score_with_interval(
            scores.auc_score(ranking[of], hit, scores.bootstrap_weights(len(of))), len(of)
        )
    points = observed.ideal_points.get(YEAR, {})
    of = [i for i, state in enumerate(world.states) if state in points and decides[i]]
    ideal = np.array([points[world.states[i]] for i in of])
    ranks = scores.spearman(ranking[of], ideal, scores.bootstrap_weights(len(of)))
    return found | {f"ideal points {YEAR}": scores.score_with_interval(ranks, len(of))}


def scores_beside_baselines(chances: Floats, scenario: Scenario, observed: Observed) -> dict[str, list[dict[str, Any]]]:
    """Score chances of each answer, (N, 3), and simple baselines, on the same votes and ideal points.

    Each baseline has the paired difference on the states that it knows.
    """
    evidence = ForecastInputs(tuple(scenario.states), chances, tuple(plain_baselines(scenario)))
    asked = [
        state for state, decides in zip(scenario.states, deciding_states(world_of(scenario)), strict=True) if decides
    ]
    records = {
        name: vote_record(vote, with_ideal_points(evidence, observed, vote.date.year - 1), asked)["forecasts"]
        for name, vote in observed.votes.items()
    }
    if points := observed.ideal_points.get(YEAR):
        ranks = rank_record(points, with_ideal_points(evidence, observed, YEAR - 1), asked)
        records[f"ideal points {YEAR}"] = ranks["forecasts"]
    return records


def calibrate_world(
    scenario: Scenario, world: World, observed: Observed, table: ChanceTable
) -> tuple[Fit, dict[str, Any]]:
    """Fit the parameters of a world to its record, and score the fit.

    Parameters
    ----------
    scenario
        The scenario of the world.
    world
        The same world as arrays.
    observed
        Its recorded votes and ideal points.
    table
        The model's chances at P points of the prior.

    Returns
    -------
    tuple
        The fit, and a record of it: parameters, readings, scores in sample and out of sample, and states.
    """
    record = observed_record(world, observed)
    found = fit_posterior(table, record)
    chances = np.tensordot(found.weights, table.chances, axes=1)
    without_state = held_out_weights(table, record, np.arange(len(world.states)))
    by_state = mean_by_state(without_state, table.chances)
    by_theatre = mean_by_state(held_out_weights(table, record, world.setting.theatre), table.chances)
    start = start_chances(scenario, world, table.values)
    beside = {
        WITHOUT_STATE: by_state,
        f"{AT_START}, in sample": np.tensordot(found.weights, start, axes=1),
        f"{AT_START}, {WITHOUT_STATE}": mean_by_state(without_state, start),
    }
    kinds = {"in sample": chances, WITHOUT_STATE: by_state, "without its theatre": by_theatre}
    return found, {
        "points": len(table.values),
        "effective": found.effective,
        "best_log_likelihood": float(found.log_likelihood.max()),
        "chance_distance": found.learnt.chance,
        "few_points": found.learnt.chance > FEW,
        "effective_needed": found.effective * (found.learnt.chance / FEW) ** 2,
        "fitted_to": [*observed.fitting.votes, f"ideal points {YEAR}"],
        "parameters": parameter_records(scenario, found.learnt),
        "readings": reading_records(found.readings),
        "figures": {
            kind: {name: one._asdict() for name, one in forecast_scores(forecast, world, observed).items()}
            for kind, forecast in kinds.items()
        },
        "beside": {kind: scores_beside_baselines(one, scenario, observed) for kind, one in beside.items()},
        "states": {
            state: dict(zip(("yes", "no", "abstained"), row.tolist(), strict=True))
            for state, row in zip(world.states, chances, strict=True)
        },
    }


def parameter_records(scenario: Scenario, learnt: posterior.PosteriorSummary) -> list[dict[str, Any]]:
    """Tabulate the posterior of each parameter, with its default and prior range."""
    identified, (least, most) = posterior.is_identified(learnt), prior_bounds()
    return [
        {
            "parameter": name, "default": getattr(scenario.parameters, name).value,
            "range": [float(least[n]), float(most[n])], "low": float(learnt.low[n]), "median": float(learnt.median[n]),
            "high": float(learnt.high[n]), "narrowed": float(learnt.narrowed[n]),
            "distance": float(learnt.distance[n]), "identified": bool(identified[n]),
        }
        for n, name in enumerate(VARIED)
    ]  # fmt: skip


def reading_records(weights: Floats) -> dict[str, dict[str, float]]:
    """Tabulate the posterior of each part of a reading: each value with its probability, from an even prior."""
    found: dict[str, dict[str, float]] = {}
    for part in VoteReading._fields:
        values = np.array([getattr(reading, part) for reading in READINGS])
        found[part] = {exact_text(float(value)): float(weights[values == value].sum()) for value in np.unique(values)}
    return found


def simulate_record(
    chances: Floats, reading: VoteReading, line: likelihood.Line, pattern: tuple[Flags, Flags], used: Flags,
    rng: np.random.Generator,
) -> VoteRecord:  # fmt: skip
    """Simulate the record of a world with these chances, (N, 3), by a known reading and line.

    Each state's alignment is drawn once, and all its votes follow from it, so that they are not independent. The
    pattern marks where there is a vote, (V, N), and an ideal point, (N,).
    """
    alignments = draw_answers(chances, rng)
    votes = np.array([draw_answers(reading.matrix()[alignments], rng) for _ in pattern[0]])
    noise = rng.normal(size=len(chances)) * np.sqrt(line.variance)
    ideal = np.where(pattern[1], line.intercept + line.slope * likelihood.yes_minus_no(chances) + noise, np.nan)
    return likelihood.make_vote_record(np.where(pattern[0], votes, likelihood.NO_VOTE), ideal, used)


def draw_answers(chances: Floats, rng: np.random.Generator) -> Integers:
    """Draw one column for each row of chances, (N, K): (N,)."""
    return np.asarray((rng.random((len(chances), 1)) > np.cumsum(chances, axis=1)[:, :-1]).sum(axis=1), dtype=np.int64)
