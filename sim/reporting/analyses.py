"""Analyses of a report beyond its sweep: claims over the ranges, sensitivity, and regret of levers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.compare import Sample
from sim.analysis.dated.incidence import LARGE
from sim.analysis.paired import timing_of
from sim.analysis.regret import outcomes_in_futures, tabulate_regret
from sim.analysis.sensitivity import Evaluator, parameter_ranges, require_power_of_two, tornado_table
from sim.analysis.statistics import beyond_rounding
from sim.article.answers import answerable_claims
from sim.article.claims import scenarios_needed
from sim.article.robustness import RunCounts, count_claim_runs
from sim.article.verdicts import Judgement, judge_claims
from sim.batch.executor import Progress
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.forecast.draws import load_draws
from sim.reporting.chapters.asked import same_settings
from sim.scenario.loading import BASE
from sim.scenario.schema import Scenario

RUNS_PER_POINT = 4  # few, as the analyses compare points

RUNS_AN_END = 100

PLACEBOS = 20

CLAIM_POINTS = 2  # times as many points: a share of points needs more than a mean


@dataclass(frozen=True)
class Analyses:
    """Findings over the ranges of the parameters, with the sample sizes.

    Parameters
    ----------
    points : int
        Sobol points of the regret analysis, a power of 2.
    seed : int
        Random seed, common to all points.
    replicates : int
        Runs at each point.
    judged : list of Judgement
        Claims of the article that the results can answer; none with a date.
    claim_points : int
        Settings, or posterior draws, at which the claims were judged.
    parameters : str or None
        Source of the posterior draws for the claims; None for settings over the ranges.
    ends : DataFrame
        Differences at the ends of each parameter's range, in capability share.
    regret : DataFrame or None
        Regret of the levers of the results; None without any.
    directions : DataFrame or None
        In how many futures each lever raises and lowers the outcome: lever, raises, lowers, futures; None without any.
    satisfied : float
        Bloc size, 0 to 1, that counts as satisfactory in the regret table.
    """

    points: int
    seed: int
    replicates: int
    judged: list[Judgement]
    claim_points: int
    parameters: str | None
    ends: pd.DataFrame
    regret: pd.DataFrame | None
    directions: pd.DataFrame | None
    satisfied: float


def choose_levers(found: Sample, ran: Mapping[str, Scenario], base: str) -> dict[str, Scenario]:
    """Choose the baseline and the scenarios marked as levers whose runs can be compared with its runs; empty if none.

    Design points of a lever with other settings than the baseline's are left out.
    """
    first = ran[base]
    fits = {
        name: one
        for name, one in ran.items()
        if one.role == "lever" and name != base and same_settings(found, name, base)
        and one.dispositions == first.dispositions
        and one.states.keys() == first.states.keys() and timing_of(one) == timing_of(first)
    }  # fmt: skip
    return {base: first, **fits} if fits else {}


def count_directions(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Count the futures in which each lever raises and lowers the outcome of the first: outcomes, (levers, futures)."""
    values = outcomes.to_numpy(dtype=float)
    base = values[0]
    rows = []
    for name, own in zip(outcomes.index[1:], values[1:], strict=True):
        moved = beyond_rounding(own - base, np.maximum(np.abs(own), np.abs(base)))
        rows.append((name, int((moved & (own > base)).sum()), int((moved & (own < base)).sum()), len(base)))
    return pd.DataFrame(rows, columns=["lever", "raises", "lowers", "futures"])


def analyse(
    results: Results, found: Sample, base: str, outcome: str, *,
    points: int, seed: int, parameters: str | None = None, day: str | None = None, workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Analyses:  # fmt: skip
    """Analyse the baseline of a sweep over the parameters' ranges, with common random numbers.

    Parameters
    ----------
    results : Results
        Results folder of the sweep.
    found : Sample
        Its finished runs.
    base : str
        Design of the baseline.
    outcome : str
        Outcome column of the ranges and of the regret analysis.
    points : int
        Sobol points, a power of 2.
    seed : int
        Random seed.
    parameters : str, optional
        Posterior draws (a scenario's name or a CSV file) for the claims. Default: settings over the ranges.
    day : str, optional
        ISO date of the outcome, without the claims, which are of the end of the runs. Default: the end of the runs.
    workers : int, optional
        Threads. Default: one per core.
    progress : callable, optional
        Receives the runs done and the total.

    Returns
    -------
    Analyses
        The findings, for `render_page`.

    Raises
    ------
    ValueError
        If `points` is not a power of 2.
    InputError
        If `parameters` names no draws.
    """
    require_power_of_two(points)
    claims = [] if day else answerable_claims(found)
    ran = scenarios_as_run(results, found.designs)
    scenarios = {name: ran[name] for name in (base, *scenarios_needed(claims))}
    scenario = scenarios[base]
    ranges = parameter_ranges(scenario)
    evaluator = Evaluator(scenario, tuple(ranges), outcome, seed, day)
    levers = choose_levers(found, ran, base)
    values = None if parameters is None else load_draws(BASE, parameters).values
    claim_points = CLAIM_POINTS * points if values is None else len(values)
    counts = RunCounts(points=claim_points, each=RUNS_PER_POINT, placebos=PLACEBOS, replicates=RUNS_AN_END, seed=seed)
    sizes = [
        RUNS_AN_END * (2 * len(ranges) + 1),
        RUNS_PER_POINT * points * len(levers),
        count_claim_runs(claims, scenario, counts, defaults=False),
    ]

    def part(n: int) -> Progress:
        before = sum(sizes[:n])
        return lambda done, total: progress(before + round(sizes[n] * done / max(total, 1)), sum(sizes))

    ends = tornado_table(
        lambda rows: evaluator.runs(rows, replicates=RUNS_AN_END, workers=workers, progress=part(0)), ranges
    )
    regret, directions = None, None
    if levers:
        outcomes = outcomes_in_futures(
            levers, outcome, points=points, replicates=RUNS_PER_POINT, seed=seed, day=day, workers=workers,
            progress=part(1),
        )  # fmt: skip
        regret, directions = tabulate_regret(outcomes, want="low", satisfied=LARGE), count_directions(outcomes)
    judged: list[Judgement] = []
    if claims:
        judged = judge_claims(claims, scenarios, found, counts, values=values, workers=workers, progress=part(2))
    return Analyses(points, seed, RUNS_PER_POINT, judged, counts.points, parameters, ends, regret, directions, LARGE)
