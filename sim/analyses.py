"""What a report asks of the model beyond its sweep: claims over the ranges, sensitivity, and regret of levers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.catalog import BASE
from sim.charts import FRONT_THRESHOLD
from sim.claims import answerable, needed
from sim.compare import Sample
from sim.draws import draws_of
from sim.engines import Progress
from sim.levers import futures, shipped_levers
from sim.provenance import as_run
from sim.ranges import Counts
from sim.regret import regret_table
from sim.sensitivity import Evaluator, parameter_ranges, sobol, tornado
from sim.store import Results
from sim.verdicts import Judged, judged

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
    judged: list[Judged]
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
    asked = answerable(found)
    scenarios = as_run(results, {base, *needed(asked)})
    scenario = scenarios[base]
    ranges = parameter_ranges(scenario)
    evaluator = Evaluator(scenario, tuple(ranges), outcome, seed)
    levers = shipped_levers() if base == BASE else {}
    if levers and levers[BASE].digest() != scenario.digest():
        levers = {}
    values = None if parameters is None else draws_of(BASE, parameters).values
    claim_points = CLAIM_POINTS * points if values is None else len(values)
    counts = Counts(points=claim_points, each=EACH, placebos=PLACEBOS, replicates=RUNS_AN_END, seed=seed)
    sizes = [
        EACH * points * (len(ranges) + 2),
        RUNS_AN_END * (2 * len(ranges) + 1),
        EACH * points * len(levers),
        2 * claim_points * EACH * len(needed(asked)),
    ]

    def part(n: int) -> Progress:
        before = sum(sizes[:n])
        return lambda done, total: progress(before + round(sizes[n] * done / max(total, 1)), sum(sizes))

    indices = sobol(
        lambda rows: evaluator.means(rows, replicates=EACH, workers=workers, progress=part(0)),
        ranges, points=points, rng=np.random.default_rng(seed),
    )  # fmt: skip
    ends = tornado(lambda rows: evaluator.runs(rows, replicates=RUNS_AN_END, workers=workers, progress=part(1)), ranges)
    regret = None
    if levers:
        outcomes = futures(
            levers, outcome, points=points, replicates=EACH, seed=seed, workers=workers, progress=part(2)
        )
        regret = regret_table(outcomes, want="low", satisfied=FRONT_THRESHOLD)
    verdicts = (
        judged(asked, scenarios, found, counts, values=values, workers=workers, progress=part(3)) if asked else []
    )
    return Analyses(
        points, seed, EACH, verdicts, counts.points, parameters, indices.table, ends, regret, FRONT_THRESHOLD
    )
