"""What a report asks of the model beyond its sweep: claims over the ranges, sensitivity, and regret of levers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.claims import answerable
from sim.compare import Sample
from sim.late import evidence_from
from sim.levers import BASE, futures, shipped_levers
from sim.ranges import Counts, explore
from sim.regret import regret_table
from sim.scenario import Scenario
from sim.sensitivity import Evaluator, parameter_ranges, sobol, tornado
from sim.verdicts import Judged, judgements

Progress = Callable[[int, int], None]
EACH = 4  # runs at a point: what is asked is how points differ
RUNS_AN_END = 100
PLACEBOS = 20
CLAIM_POINTS = 4  # times as many points, as a share of points needs more of them than a mean
SATISFIED = 0.1  # a bloc of less than a tenth of the capability does not stand


@dataclass(frozen=True)
class Analyses:
    """Findings over the ranges of the parameters, each with how much was asked."""

    outcome: str
    points: int
    replicates: int
    judged: list[Judged]
    claim_points: int
    indices: pd.DataFrame
    ends: pd.DataFrame
    regret: pd.DataFrame | None  # of the article's levers, where the results are of its world
    satisfied: float


def analyse(
    found: Sample, base: str, outcome: str, *,
    points: int, seed: int, workers: int | None = None, progress: Progress = lambda done, total: None,
) -> Analyses:  # fmt: skip
    """Ask the model about the baseline of a sweep over the ranges, all on the same luck; points is a power of 2.

    Raises ValueError where it is none.
    """
    scenarios = {name: Scenario.model_validate(told) for name, told in found.scenarios.items()}
    scenario = scenarios[base]
    ranges = parameter_ranges(scenario)
    evaluator = Evaluator(scenario, tuple(ranges), outcome, seed)
    levers = shipped_levers() if base == BASE and shipped_levers()[BASE].digest() == scenario.digest() else {}
    asked = answerable(found)
    counts = Counts(points=CLAIM_POINTS * points, each=EACH, placebos=PLACEBOS, replicates=RUNS_AN_END, seed=seed)
    sizes = [
        EACH * points * (len(ranges) + 2),
        RUNS_AN_END * (2 * len(ranges) + 1),
        EACH * points * len(levers),
        2 * CLAIM_POINTS * points * EACH * len({name for claim in asked for name in claim.scenarios}),
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
        regret = regret_table(outcomes, want="low", satisfied=SATISFIED)
    judged: list[Judged] = []
    if asked:
        made = explore(scenarios, asked, counts, defaults=False, workers=workers, progress=part(3))
        intervals = [claim.effect(evidence_from(found, claim.scenarios)).interval() for claim in asked]
        judged = judgements(asked, intervals, made)
    return Analyses(outcome, points, EACH, judged, counts.points, indices.table, ends, regret, SATISFIED)
