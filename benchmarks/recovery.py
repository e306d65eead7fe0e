"""Test the calibration on known truths: `python -m benchmarks.recovery TABLE` prints tables of docs/calibration.md.

TABLE is the folder of `blocs calibrate`. Truths are drawn from the prior, and a record is simulated from each: do the
90 % intervals contain them? The alignments come from the chances of 128 runs with other random numbers, and from those
of a single run, in which states depend on one another. Then the real record is fitted in worlds with permuted ties.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from sim.analysis.statistics import share_interval
from sim.article.placebo import permute_ties, shuffle_states
from sim.article.robustness import VARIED, claim_points
from sim.forecast import calibrate, likelihood, posterior
from sim.forecast.baselines import deciding_states
from sim.forecast.calibrate import fit_posterior, observed_arrays, observed_record, simulate_record
from sim.forecast.chances import (
    ChancePlan,
    ChanceTable,
    answer_chances,
    prior_bounds,
    simulate_chances,
    stored_chances,
    structural_world,
    world_with_parameters,
)
from sim.forecast.likelihood import READINGS, Line, VoteRecord
from sim.forecast.record import Observed, load_observed
from sim.model.arrays import Flags, Floats
from sim.model.world import World
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.schema import Scenario

TRUTHS, RUNS, OTHER_SEED, SEED = 50, 128, 7, 99
PLACEBO_PLAN = ChancePlan(points=512, replicates=16)


def covered(
    scenario: Scenario, world: World, table: ChanceTable, observed: Observed, truths: Floats, runs: int
) -> Flags:
    """Whether the 90 % intervals from a record of each truth contain it, (truths, V)."""
    votes, ideal = observed_arrays(world, observed)
    pattern, used = (votes != likelihood.NO_VOTE, ~np.isnan(ideal)), deciding_states(world)
    line = real_line(table, observed_record(world, observed))
    records = []
    for n, truth in enumerate(truths):
        rng = np.random.default_rng([SEED, n])
        replicates = range(n * runs, (n + 1) * runs)
        there = answer_chances(scenario, world_with_parameters(world, truth), seed=OTHER_SEED, replicates=replicates)
        reading = READINGS[int(rng.integers(len(READINGS)))]
        records.append(simulate_record(there, reading, line, pattern, used, rng))
    weights = posterior.importance_weights(likelihood.log_likelihood(table.chances, likelihood.join_records(records)))
    found = [posterior.summarise_posterior(table.values, row, *prior_bounds()) for row in weights]
    return np.array([(one.low <= truth) & (truth <= one.high) for one, truth in zip(found, truths, strict=True)])


def real_line(table: ChanceTable, record: VoteRecord) -> Line:
    """Fit the real ideal points to the positions of the most likely point."""
    best = int(likelihood.log_likelihood(table.chances, record)[0].argmax())
    found = likelihood.fit_line(likelihood.yes_minus_no(table.chances[best : best + 1]), record.ideal, record.counts)
    return Line(*(part[0, 0] for part in found))


def recovery(scenario: Scenario, world: World, table: ChanceTable, observed: Observed, names: list[str]) -> None:
    """Print how often the intervals contain the truth: for identified parameters, and for all."""
    truths = claim_points(TRUTHS, SEED)
    print("| record of | parameter | 90 % intervals that contain the truth (95 %) |")
    print("| --- | --- | --- |")
    for label, runs in ((f"{RUNS} runs", RUNS), ("one run", 1)):
        inside = covered(scenario, world, table, observed, truths, runs)
        for name in names:
            share, low, high, n = share_interval(int(inside[:, VARIED.index(name)].sum()), len(truths))
            print(f"| {label} | {name} | {100 * share:.0f} % of {n} ({100 * low:.0f} to {100 * high:.0f}) |")
        print(f"| {label} | all {len(VARIED)} | {100 * inside.mean():.0f} % |", flush=True)


def placebo(scenario: Scenario, world: World, observed: Observed, worlds: int) -> None:
    """Print how well calibrated worlds with permuted ties rank states, beside the real world."""
    values = claim_points(PLACEBO_PLAN.points, PLACEBO_PLAN.seed)
    rows: dict[str, list[float]] = {}
    for n in range(worlds + 1):
        order = shuffle_states(len(world.states), np.random.default_rng([11, n])) if n else np.arange(len(world.states))
        there = permute_ties(world, order)
        table = simulate_chances(scenario, there, values, PLACEBO_PLAN)
        found = fit_posterior(table, observed_record(there, observed))
        scores = calibrate.forecast_scores(np.tensordot(found.weights, table.chances, axes=1), there, observed)
        for name, one in scores.items():
            rows.setdefault(name, []).append(one.value)
        rows.setdefault("best log-likelihood", []).append(float(found.log_likelihood.max()))
    print("| | the article's ties | permuted: mean (least to most) |")
    print("| --- | --- | --- |")
    for name, (own, *others) in rows.items():
        print(f"| {name} | {own:.2f} | {np.mean(others):.2f} ({min(others):.2f} to {max(others):.2f}) |")


def main() -> None:
    """Print both tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("table", type=Path)
    arguments.add_argument("--placebos", type=int, default=6)
    given = arguments.parse_args()
    plan = json.loads((given.table / "plan.json").read_text(encoding="utf-8"))["plan"]
    scenario = load_scenario(BASE)
    world = structural_world(scenario)
    table = stored_chances(scenario, ChancePlan(**plan), given.table)
    calibration = json.loads((given.table / "calibration.json").read_text(encoding="utf-8"))
    observed = load_observed(BASE)
    assert observed is not None
    recovery(
        scenario, world, table, observed, [one["parameter"] for one in calibration["parameters"] if one["identified"]]
    )
    print()
    placebo(scenario, world, observed, given.placebos)


if __name__ == "__main__":
    main()
