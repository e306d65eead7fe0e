"""What calibration can be trusted with: `python -m benchmarks.recovery TABLE` prints the tables of docs/calibration.md.

TABLE is the folder of `blocs calibrate`. Known truths are drawn from the prior and a record is made of each, read as
the real one is: do the 90 % intervals hold them? Twice: where each state stands is drawn from the chances of 256 runs
of other luck; and from those of one single run, in which states depend on one another. Then the record's own fit in
worlds with the ties permuted, from a smaller table.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from sim import calibrate, likelihood, posterior
from sim.calibrate import fit, observed_arrays, observed_record, synthetic
from sim.catalog import load
from sim.chances import Plan, Table, at, chances, kept, prior, simulated
from sim.claims import BASE
from sim.forecasts import decided
from sim.intervals import share_interval
from sim.kernel import Floats
from sim.likelihood import READINGS, Line
from sim.observed import observed_of
from sim.placebo import permuted, shuffled
from sim.ranges import VARIED, design
from sim.scenario import Scenario
from sim.world import World, world_of

TRUTHS, RUNS, OTHER_LUCK = 50, 256, 7
PLACEBO_PLAN = Plan(points=512, replicates=16)


def covered(
    scenario: Scenario, world: World, table: Table, line: Line, truths: Floats, *, runs: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Whether each truth's 90 % intervals hold it, (truths, V); its rank in the posterior; which are identified."""
    observed = observed_of(BASE)
    assert observed is not None  # noqa: S101 - the baseline's world has a record
    votes, ideal = observed_arrays(world, observed)
    pattern, used = (votes != likelihood.NO_VOTE, ~np.isnan(ideal)), decided(world)
    inside, ranks, sure = np.empty((3, *truths.shape))
    for n, truth in enumerate(truths):
        rng = np.random.default_rng([seed, n])
        there = chances(scenario, at(world, truth), seed=OTHER_LUCK, replicates=range(n * runs, (n + 1) * runs))
        reading = READINGS[int(rng.integers(len(READINGS)))]
        found = fit(table, synthetic(there, reading, line, pattern, used, rng))
        inside[n] = (found.learnt.low <= truth) & (truth <= found.learnt.high)
        ranks[n] = found.weights @ (table.values < truth)
        sure[n] = posterior.identified(found.learnt)
    return inside, ranks, sure


def recovery(scenario: Scenario, world: World, table: Table, names: list[str]) -> None:
    """Print how often the intervals hold the truth, for parameters identified in the real record and for all."""
    observed = observed_of(BASE)
    assert observed is not None  # noqa: S101
    record = observed_record(world, observed)
    best = fit(table, record).log_likelihood.argmax()
    whole = likelihood.line(likelihood.position(table.chances[best : best + 1]), record.ideal, record.counts)
    line = Line(*(float(part[0, 0]) for part in whole))
    truths = design(64, 99)[:TRUTHS]
    print("| record of | parameter | 90 % intervals that hold the truth (95 %) | error of the median, against the prior's |")
    print("| --- | --- | --- | --- |")
    for told, runs in ((f"{RUNS} runs", RUNS), ("one run", 1)):
        inside, _, _ = covered(scenario, world, table, line, truths, runs=runs, seed=3)
        for name in names:
            share, low, high, _ = share_interval(int(inside[:, VARIED.index(name)].sum()), len(truths))
            print(f"| {told} | {name} | {100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f}) | |")
        share = 100 * inside.mean()
        print(f"| {told} | all {len(VARIED)} | {share:.0f} % | |")


def placebo(scenario: Scenario, world: World, worlds: int) -> None:
    """Print how well worlds with permuted ties rank states, calibrated in the same way, beside the real one."""
    observed = observed_of(BASE)
    assert observed is not None  # noqa: S101
    values = design(PLACEBO_PLAN.points, PLACEBO_PLAN.seed)
    rows: dict[str, list[float]] = {}
    for n in range(worlds + 1):
        order = shuffled(len(world.states), np.random.default_rng([11, n])) if n else np.arange(len(world.states))
        there = permuted(world, order)
        table = simulated(scenario, there, values, PLACEBO_PLAN)
        found = fit(table, observed_record(there, observed))
        mean = found.weights @ likelihood.position(table.chances)
        told = calibrate.figures(mean, there, observed)
        for name, one in told.items():
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
    scenario = load(BASE)
    world = world_of(scenario)
    table = kept(scenario, world, Plan(**plan), given.table)
    told = json.loads((given.table / "calibration.json").read_text(encoding="utf-8"))
    recovery(scenario, world, table, [one["parameter"] for one in told["parameters"] if one["identified"]])
    print()
    placebo(scenario, world, given.placebos)


if __name__ == "__main__":
    main()
