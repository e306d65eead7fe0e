"""Score a scenario's forecasts against the record, beside simple baselines.

Each vote has two forecasts: with the sanctions of the scenario's day, and with those from before the vote. States that
do not decide in the model are left out. An absent state counts as abstaining, and as not voting yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from sim.analysis.statistics import RESAMPLES
from sim.batch.executor import Progress
from sim.forecast import scores
from sim.forecast.baselines import (
    COLUMN,
    Baseline,
    alignment_answers,
    deciding_states,
    ideal_point_baseline,
    leader_of,
    plain_baselines,
)
from sim.forecast.chances import model_chances
from sim.forecast.realignments import NO_CHANGE, score_realignments
from sim.forecast.record import Observed, Recorded
from sim.forecast.scores import ABSTAINED, NO, YES, Score
from sim.model.arrays import Floats, Integers
from sim.model.world import world_of
from sim.scenario.schema import Scenario
from sim.scenario.ties import sanctions_before

ANSWER_NAMES = {YES: "yes", NO: "no", ABSTAINED: "abstained"}

ALL = "all"

MODEL = "the model"

FEWEST = 2  # states that a score needs


@dataclass(frozen=True)
class ForecastInputs:
    """The forecasts of one vote: the model's chances, (N, 3), and the simple baselines."""

    states: tuple[str, ...]
    chances: Floats
    plainer: tuple[Baseline, ...]


def score_forecasts(
    scenario: Scenario, observed: Observed, *,
    seed: int, replicates: int, workers: int | None = None, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score a scenario's forecasts of every recorded vote and ideal point.

    Parameters
    ----------
    scenario
        The scenario to run.
    observed
        The record of its world.
    seed
        Random seed of the runs.
    replicates
        Number of runs.
    workers
        Threads. Default: the cores of this process.
    progress
        Called with the runs done and the total.

    Returns
    -------
    dict
        Scores of the model and of each baseline by vote (AUC, Brier, log score) and by year of ideal points
        (rank correlation), with 95 % bootstrap intervals over states; NaN where undefined.

    Raises
    ------
    InputError
        If no bloc has a leader.
    """
    variants = sanction_variants(scenario, observed)
    chances = model_chances(variants, seed=seed, replicates=replicates, workers=workers, progress=progress)
    states, deciding = tuple(scenario.states), deciding_states(world_of(scenario))
    known = {name: ForecastInputs(states, chances[name], tuple(plain_baselines(one))) for name, one in variants.items()}
    asked = [state for state, decides in zip(states, deciding, strict=True) if decides]
    votes = []
    for name, vote in observed.votes.items():
        if not has_enough_states(vote.cast, asked):
            continue
        before = day_name(vote.date)
        for variant in (ALL, before):
            evidence = with_ideal_points(known[variant], observed, vote.date.year - 1)
            keys = {"id": name, "held_out": vote.held_out, "sanctions": variant}
            votes.append({**keys, **vote_record(vote, evidence, asked)})
    points = [
        {
            "year": year,
            "sanctions": variant,
            **rank_record(of, with_ideal_points(known[variant], observed, year - 1), asked),
        }
        for year, of in observed.ideal_points.items()
        if year - 1 in observed.ideal_points and has_enough_states(of, asked)
        for variant in (ALL, day_name(date(year, 1, 1)))
    ]
    return {
        "digest": scenario.digest(),
        "seed": seed,
        "replicates": replicates,
        "resamples": RESAMPLES,
        "lapse": scores.LAPSE,
        "leader": leader_of(scenario)[1],
        "left_out": [state for state in states if state not in asked],
        "votes": votes,
        "ideal_points": points,
        "after": {
            **later_record(scenario, observed, known[ALL], asked),
            "realignments": score_realignments(scenario, observed, seed=seed, replicates=replicates, workers=workers),
        },
    }


def has_enough_states(answers: Mapping[str, Any], asked: list[str]) -> bool:
    """Test whether enough of the states asked for have an answer."""
    return len(answers.keys() & set(asked)) >= FEWEST


def day_name(day: date) -> str:
    """Name the sanctions from before a day."""
    return f"before {day}"


def sanction_variants(scenario: Scenario, observed: Observed) -> dict[str, Scenario]:
    """Return the scenario with all its sanctions, and with those before each vote and each year of ideal points."""
    days = [vote.date for vote in observed.votes.values()]
    days += [date(year, 1, 1) for year in observed.ideal_points if year - 1 in observed.ideal_points]
    return {ALL: scenario, **{day_name(day): sanctions_before(scenario, day) for day in days}}


def with_ideal_points(evidence: ForecastInputs, observed: Observed, year: int) -> ForecastInputs:
    """Add the ideal points of a year as a baseline, where they are recorded."""
    if year not in observed.ideal_points:
        return evidence
    ideal = ideal_point_baseline(observed.ideal_points[year], year, evidence.states)
    return ForecastInputs(evidence.states, evidence.chances, (*evidence.plainer, ideal))


def with_last_vote(evidence: ForecastInputs, observed: Observed, day: date) -> ForecastInputs:
    """Add "no change" as a baseline: each state votes as in the last recorded vote before a day."""
    earlier = [vote for vote in (*observed.votes.values(), *observed.after) if vote.cast and vote.date < day]
    if not earlier:
        return evidence
    last = max(earlier, key=lambda vote: vote.date)
    answers = np.full((len(evidence.states), len(ANSWER_NAMES)), np.nan)
    for n, state in enumerate(evidence.states):
        if state in last.cast:
            answers[n] = np.eye(len(ANSWER_NAMES))[COLUMN[last.cast[state]]]
    unchanged = Baseline(f"{NO_CHANGE} since {last.date}", answers, rank_position(answers), answers)
    return ForecastInputs(evidence.states, evidence.chances, (*evidence.plainer, unchanged))


def vote_record(vote: Recorded, evidence: ForecastInputs, asked: list[str]) -> dict[str, Any]:
    """Describe a vote, the scores of all forecasts of it, and the states that the model misses."""
    voters = [state for state in asked if state in vote.cast]
    places = np.array([evidence.states.index(state) for state in voters])
    answer = np.array([COLUMN[vote.cast[state]] for state in voters])
    chances, weights = evidence.chances[places], scores.bootstrap_weights(len(voters))
    slope, intercept = scores.calibration_line(chances[:, YES], answer == YES, weights)
    return {
        "title": vote.title,
        "date": vote.date.isoformat(),
        "n": len(voters),
        "cast": {kind: sum(vote.cast[state] == kind for state in voters) for kind in COLUMN},
        "forecasts": list(score_with_baselines(evidence, places, answer)),
        "slope": score_record(scores.score_with_interval(slope, len(voters))),
        "intercept": score_record(scores.score_with_interval(intercept, len(voters))),
        "bins": [one._asdict() for one in scores.calibration_bins(chances[:, YES], answer == YES)],
        "states": [
            state_forecast(state, vote.cast[state], chances[n], ANSWER_NAMES[int(answer[n])])
            for n, state in enumerate(voters)
        ],
    }


def state_forecast(state: str, cast: str, chances: Floats, as_answer: str) -> dict[str, Any]:
    """Describe a state's chances of each answer, what it did, and whether that was the likeliest."""
    likeliest = ANSWER_NAMES[int(np.argmax(chances))]
    return {
        "state": state,
        "cast": cast,
        **{ANSWER_NAMES[column]: float(chances[column]) for column in ANSWER_NAMES},
        "missed": likeliest != as_answer,
    }


def score_with_baselines(evidence: ForecastInputs, places: Integers, answer: Integers) -> Iterator[dict[str, Any]]:
    """Yield the scores of the model, then of each baseline with the model's score minus its own."""
    chances = evidence.chances[places]
    yield forecast_record(MODEL, vote_scores(rank_position(chances), chances, answer), len(answer), None)
    for one in evidence.plainer:
        has = ~np.isnan(one.attributes[places]).any(axis=1)
        if has.sum() < FEWEST:
            continue
        known = answer[has]
        attributes = one.attributes[places][has]
        fitted = scores.leave_one_out(attributes, known) if one.chances is None else one.chances[places][has]
        ranking = rank_position(fitted) if one.score is None else one.score[places][has]
        own = vote_scores(rank_position(chances[has]), chances[has], known)
        yield forecast_record(one.name, vote_scores(ranking, fitted, known), len(known), own)


def rank_position(chances: Floats) -> Floats:
    """Compute P(yes) minus P(no), (n,), which ranks states; rounded, so that equal chances tie."""
    found: Floats = np.round(chances[:, YES] - chances[:, NO], 9)
    return found


def vote_scores(ranking: Floats, chances: Floats, answer: Integers) -> dict[str, Floats]:
    """Compute AUC, Brier and log score of a forecast of a vote, each as draws over resampled states."""
    weights = scores.bootstrap_weights(len(answer))
    return {
        "auc": scores.auc_score(ranking, answer == YES, weights),
        "brier": scores.brier_score(chances, answer, weights),
        "log": scores.log_score(chances, answer, weights),
    }


def forecast_record(name: str, figures: Mapping[str, Floats], n: int, model: Mapping[str, Floats] | None) -> Any:
    """Describe the scores of a forecast with intervals, and for a baseline the model's score minus its own."""
    record: dict[str, Any] = {"forecast": name, "n": n}
    for key, draws in figures.items():
        record[key] = score_record(scores.score_with_interval(draws, n))
        if model is not None:
            record[f"model_less_{key}"] = score_record(scores.score_with_interval(model[key] - draws, n))
    return record


def score_record(found: Score) -> dict[str, float]:
    """Convert a score and its interval to a record."""
    return {"value": found.value, "low": found.low, "high": found.high}


def rank_record(points: Mapping[str, float], evidence: ForecastInputs, asked: list[str]) -> dict[str, Any]:
    """Compute the rank correlation of each forecast with ideal points; baselines without a score are left out."""
    having = [state for state in asked if state in points]
    places = np.array([evidence.states.index(state) for state in having])
    truth = np.array([points[state] for state in having])
    model = rank_position(evidence.chances[places])
    weights = scores.bootstrap_weights(len(having))
    rows = [forecast_record(MODEL, {"spearman": scores.spearman(model, truth, weights)}, len(having), None)]
    for one in evidence.plainer:
        if one.score is None or not one.attributes.size:
            continue
        has = ~np.isnan(one.score[places])
        if has.sum() < FEWEST:
            continue
        weights = scores.bootstrap_weights(int(has.sum()))
        own, theirs = (scores.spearman(x, truth[has], weights) for x in (model[has], one.score[places][has]))
        rows.append(forecast_record(one.name, {"spearman": theirs}, int(has.sum()), {"spearman": own}))
    return {"n": len(having), "forecasts": rows}


def later_record(scenario: Scenario, observed: Observed, evidence: ForecastInputs, asked: list[str]) -> dict[str, Any]:
    """Score forecasts of later events: votes, and the last step of each state toward an alignment."""
    votes = [
        vote_record(event, with_last_vote(evidence, observed, event.date), asked)
        for event in observed.after
        if has_enough_states(event.cast, asked)
    ]
    in_order = sorted(observed.after, key=lambda event: event.date)
    moves = {state: event for event in in_order for state in event.toward if state in asked}
    if not moves:
        return {"votes": votes, "moves": [], "scores": None}
    columns = dict(zip(scenario.alignments(), alignment_answers(scenario), strict=True))
    answer = np.array([columns[event.toward[state]] for state, event in moves.items()])
    chances = evidence.chances[[evidence.states.index(state) for state in moves]]
    rows = [
        {
            **state_forecast(state, event.toward[state], chances[n], ANSWER_NAMES[int(answer[n])]),
            "event": event.title,
            "date": event.date.isoformat(),
            "note": event.note,
        }
        for n, (state, event) in enumerate(moves.items())
    ]
    weights = scores.bootstrap_weights(len(rows))
    figures = {"brier": scores.brier_score(chances, answer, weights), "log": scores.log_score(chances, answer, weights)}
    return {"votes": votes, "moves": rows, "scores": forecast_record(MODEL, figures, len(rows), None)}
