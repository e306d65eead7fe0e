"""What a report asks of the model beyond its sweep: claims over the ranges, sensitivity, and regret of levers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.compare import Sample
from sim.analysis.regret import load_levers, outcomes_in_futures, tabulate_regret
from sim.analysis.sensitivity import Evaluator, parameter_ranges, sobol_indices, tornado_table
from sim.article.claims import answerable_claims, scenarios_needed
from sim.article.robustness import RunCounts
from sim.article.verdicts import Judgement, judge_claims
from sim.batch.executor import Progress
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.forecast.draws import load_draws
from sim.reporting.charts import FRONT_THRESHOLD
from sim.scenario.loading import BASE

EACH = 4  # runs at a point: what is asked is how points differ

RUNS_AN_END = 100

PLACEBOS = 20

CLAIM_POINTS = 4  # times as many points, as a share of points needs more of them than a mean


@dataclass(frozen=True)
class Analyses:
    """Findings over the ranges of the parameters, each with how much was asked."""

    points: int
    seed: int
    replicates: int
    judged: list[Judgement]
    claim_points: int
    parameters: str | None  # whose draws the claims were asked at; of none at settings over the ranges
    indices: pd.DataFrame
    ends: pd.DataFrame
    regret: pd.DataFrame | None  # of the article's levers, where the results are of its world
    satisfied: float


def analyse(
    results: Results, found: Sample, base: str, outcome: str, *,
    points: int, seed: int, parameters: str | None = None, workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Analyses:  # fmt: skip
    """Ask the model about the baseline of a sweep over the ranges, all on the same luck; points is a power of 2.

    Claims are asked at the draws of a posterior, if `parameters` names one. Raises ValueError where points is no
    power of 2, and InputError where there are no such draws.
    """
    asked = answerable_claims(found)
    scenarios = scenarios_as_run(results, {base, *scenarios_needed(asked)})
    scenario = scenarios[base]
    ranges = parameter_ranges(scenario)
    evaluator = Evaluator(scenario, tuple(ranges), outcome, seed)
    levers = load_levers() if base == BASE else {}
    if levers and levers[BASE].digest() != scenario.digest():
        levers = {}
    values = None if parameters is None else load_draws(BASE, parameters).values
    claim_points = CLAIM_POINTS * points if values is None else len(values)
    counts = RunCounts(points=claim_points, each=EACH, placebos=PLACEBOS, replicates=RUNS_AN_END, seed=seed)
    sizes = [
        EACH * points * (len(ranges) + 2),
        RUNS_AN_END * (2 * len(ranges) + 1),
        EACH * points * len(levers),
        2 * claim_points * EACH * len(scenarios_needed(asked)),
    ]

    def part(n: int) -> Progress:
        before = sum(sizes[:n])
        return lambda done, total: progress(before + round(sizes[n] * done / max(total, 1)), sum(sizes))

    indices = sobol_indices(
        lambda rows: evaluator.means(rows, replicates=EACH, workers=workers, progress=part(0)),
        ranges, points=points, rng=np.random.default_rng(seed),
    )  # fmt: skip
    ends = tornado_table(
        lambda rows: evaluator.runs(rows, replicates=RUNS_AN_END, workers=workers, progress=part(1)), ranges
    )
    regret = None
    if levers:
        outcomes = outcomes_in_futures(
            levers, outcome, points=points, replicates=EACH, seed=seed, workers=workers, progress=part(2)
        )
        regret = tabulate_regret(outcomes, want="low", satisfied=FRONT_THRESHOLD)
    verdicts = (
        judge_claims(asked, scenarios, found, counts, values=values, workers=workers, progress=part(3)) if asked else []
    )
    return Analyses(
        points, seed, EACH, verdicts, counts.points, parameters, indices.table, ends, regret, FRONT_THRESHOLD
    )
