"""Score dated forecasts of who leaves its start, against the record and against "no change", the hard benchmark.

The forecast of the model is the share of its histories in which a state has each alignment at a horizon. A horizon is a
whole number of years after the record date. The record gives a state the alignment of its last event by then, and its
coded start where it has none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from sim.analysis.dated.incidence import RECORDED_REALIGNMENTS
from sim.batch.design import missing_date
from sim.batch.executor import evaluate
from sim.calendar import last_step_by
from sim.forecast import scores
from sim.forecast.record import LaterEvent, Observed
from sim.model import compiled
from sim.model.arrays import Floats, Integers
from sim.model.world import World, world_of
from sim.scenario.schema import DRAWN_ID, RANDOM_ID, Scenario

NO_CHANGE = "no change"

HISTORIES = "the model's histories"

RATE = f"{100 * RECORDED_REALIGNMENTS:g} % a state-year"

RUNS_TOGETHER = 25

FIGURES_OF_MOVES = ("left", "alignment")  # Brier scores of leaving the start, 0 to 1, and of the alignment, 0 to 2


def score_realignments(
    scenario: Scenario, observed: Observed, *, seed: int, replicates: int, workers: int | None = None
) -> dict[str, Any]:
    """Score forecasts of the alignment of each state at whole years after the record date.

    Parameters
    ----------
    scenario
        A scenario; its histories begin at the coded start.
    observed
        The record of its world.
    seed
        Random seed of the histories.
    replicates
        Number of histories.
    workers
        Threads. Default: the cores of this process.

    Returns
    -------
    dict
        Events and changes of the record, and by horizon the Brier scores of the model, of no change and of a constant
        rate, with 95 % bootstrap intervals over states. `why_not` says why there are none.
    """
    events = [event for event in observed.after if event.toward]
    horizons = yearly_horizons(observed.record_date, [event.date for event in observed.after])
    found: dict[str, Any] = {"seed": seed, "replicates": replicates, "rate": RECORDED_REALIGNMENTS}
    found |= {"events": len(events), "horizons": [], "why_not": why_not_scored(scenario, observed, horizons)}
    if found["why_not"]:
        return found
    world = world_of(scenario)
    asked = np.flatnonzero(~world.setting.fixed & (world.setting.initial >= 0))
    days = [day.isoformat() for day in horizons]
    shares = simulate_dated_shares(scenario, world, days, seed=seed, replicates=replicates, workers=workers)
    start = world.setting.initial[asked]
    for n, day in enumerate(horizons):
        truth = recorded_alignments(world, events, day)[asked]
        names = [world.states[i] for i in asked]
        record = horizon_record(shares[n][asked], start, truth, years=n + 1)
        changes = [
            {"state": names[s], "from": world.alignments[start[s]], "to": world.alignments[truth[s]],
             "chance": float(shares[n][asked[s], truth[s]])}
            for s in np.flatnonzero(truth != start)
        ]  # fmt: skip
        expected = float((1 - shares[n][asked, start]).sum())
        found["horizons"].append(
            {"date": days[n], "years": n + 1, "changes": changes, "expected_changes": expected, **record}
        )
    return found


def yearly_horizons(record_date: date, events: list[date]) -> list[date]:
    """Return the days a whole number of years after the record date, up to the last event."""
    last, found = max(events, default=record_date), []
    for years in range(1, last.year - record_date.year + 1):
        leap = (record_date.month, record_date.day) == (2, 29)
        day = record_date.replace(year=record_date.year + years, **({"day": 28} if leap else {}))
        found += [day] if day <= last else []
    return found


def why_not_scored(scenario: Scenario, observed: Observed, horizons: list[date]) -> str:
    """Say why a scenario has no dated forecasts of the record; empty where it has."""
    if not horizons:
        return "the record has no event a year or more after its date"
    if scenario.dispositions != "kept":
        return "dispositions are fresh, so that histories do not keep the start"
    if scenario.date != observed.record_date.isoformat():
        return f"the scenario begins on {scenario.date or 'no date'}, and the record on {observed.record_date}"
    leaders = {bloc.leader for bloc in scenario.blocs.values()}
    deciding = [state.initial for id, state in scenario.states.items() if not state.fixed and id not in leaders]
    if all(start in (RANDOM_ID, DRAWN_ID) for start in deciding):
        return "no state that decides has a coded start, so that the record does not say which ones left theirs"
    return next((why for day in horizons if (why := missing_date(scenario, day.isoformat()))), "")


def recorded_alignments(world: World, events: list[LaterEvent], day: date) -> Integers:
    """Return the alignment of each state on a day by the record: of its last event, else of its start, (N,)."""
    found = world.setting.initial.copy()
    for event in sorted(events, key=lambda event: event.date):
        for state, alignment in event.toward.items():
            if event.date <= day:
                found[world.states.index(state)] = world.alignments.index(alignment)
    return found


def simulate_dated_shares(
    scenario: Scenario, world: World, days: list[str], *, seed: int, replicates: int, workers: int | None
) -> Floats:
    """Simulate histories; return the share with each alignment of each state at each day, (D, N, K + 1)."""
    start = date.fromisoformat(str(scenario.date))
    steps = [last_step_by(start, scenario.step, date.fromisoformat(day)) for day in days]
    alternatives = np.arange(len(world.alignments))

    def count(block: range) -> Floats:
        total = np.zeros((len(steps), len(world.states), alternatives.size))
        for run in compiled.iterate_runs(scenario, seed=seed, replicates=block, world=world):
            total += run.alignment[steps][:, :, None] == alternatives
        return total

    blocks = [range(n, min(n + RUNS_TOGETHER, replicates)) for n in range(0, replicates, RUNS_TOGETHER)]
    return np.asarray(np.sum(evaluate(count, blocks, workers=workers), axis=0) / replicates)


def horizon_record(shares: Floats, start: Integers, truth: Integers, *, years: float) -> dict[str, Any]:
    """Score the forecasts of one horizon, with their intervals, and the model's score less each other.

    Parameters
    ----------
    shares
        Forecast chances of each alignment, (n, K + 1).
    start, truth
        Alignments at the start and at the horizon, (n,) each.
    years
        Years from the start to the horizon.
    """
    n, size = shares.shape
    weights = scores.bootstrap_weights(n)
    at_start = np.eye(size)[start]
    left = 1 - math.exp(-RECORDED_REALIGNMENTS * years)
    spread = at_start * (1 - left) + (1 - at_start) * left / max(size - 1, 1)
    draws = {
        name: brier_scores(forecast, start, truth, weights)
        for name, forecast in ((HISTORIES, shares), (NO_CHANGE, at_start), (RATE, spread))
    }
    rows = []
    for name, figures in draws.items():
        row: dict[str, Any] = {"forecast": name}
        for key in FIGURES_OF_MOVES:
            row[key] = scores.score_with_interval(figures[key], n)._asdict()
            if name != HISTORIES:
                gap = scores.score_with_interval(draws[HISTORIES][key] - figures[key], n)
                row[f"model_less_{key}"] = gap._asdict()
        rows.append(row)
    return {"n": n, "forecasts": rows}


def brier_scores(forecast: Floats, start: Integers, truth: Integers, weights: Floats) -> Mapping[str, Floats]:
    """Compute the Brier scores of a forecast, each with its bootstrap draws: of leaving the start, and of alignment.

    The first is the mean of (P(left) − left)², 0 to 1; that of no change is the share of states that moved. The second
    sums the squares over all alignments, 0 to 2.
    """
    leaves = 1 - forecast[np.arange(len(start)), start]
    losses = (leaves - (truth != start)) ** 2
    left: Floats = (weights * losses).sum(axis=1) / weights.sum(axis=1)
    return {"left": left, "alignment": scores.brier_score(forecast, truth, weights)}
