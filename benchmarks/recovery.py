"""What calibration can be trusted with: `python -m benchmarks.recovery TABLE` prints the tables of docs/calibration.md.

TABLE is the folder of `blocs calibrate`. Known truths are drawn from the prior and a record is made of each, read as
the real one is: do the 90 % intervals hold them? Twice: where each state stands is drawn from the chances of 128 runs
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
from sim.catalog import BASE, load
from sim.chances import Plan, Table, at, chances, kept, prior, simulated
from sim.forecasts import decided
from sim.intervals import share_interval
from sim.kernel import Flags, Floats
from sim.likelihood import READINGS, Line, Record
from sim.observed import Observed, observed_of
from sim.placebo import permuted, shuffled
from sim.ranges import VARIED, design
from sim.scenario import Scenario
from sim.world import World, world_of

TRUTHS, RUNS, OTHER_LUCK, SEED = 50, 128, 7, 99
PLACEBO_PLAN = Plan(points=512, replicates=16)


def covered(scenario: Scenario, world: World, table: Table, observed: Observed, truths: Floats, runs: int) -> Flags:
    """Whether the 90 % intervals from a record of each truth hold it, (truths, V)."""
    votes, ideal = observed_arrays(world, observed)
    pattern, used = (votes != likelihood.NO_VOTE, ~np.isnan(ideal)), decided(world)
    line = real_line(table, observed_record(world, observed))
    records = []
    for n, truth in enumerate(truths):
        rng = np.random.default_rng([SEED, n])
        luck = range(n * runs, (n + 1) * runs)
        there = chances(scenario, at(world, truth), seed=OTHER_LUCK, replicates=luck)
        reading = READINGS[int(rng.integers(len(READINGS)))]
        records.append(synthetic(there, reading, line, pattern, used, rng))
    weights = posterior.weights(likelihood.log_likelihood(table.chances, likelihood.joined(records)))
    found = [posterior.learnt(table.values, row, *prior()) for row in weights]
    return np.array([(one.low <= truth) & (truth <= one.high) for one, truth in zip(found, truths, strict=True)])


def real_line(table: Table, record: Record) -> Line:
    """How the real ideal points are read off the positions of the likeliest point."""
    best = int(likelihood.log_likelihood(table.chances, record)[0].argmax())
    found = likelihood.line(likelihood.position(table.chances[best : best + 1]), record.ideal, record.counts)
    return Line(*(part[0, 0] for part in found))


def recovery(scenario: Scenario, world: World, table: Table, observed: Observed, names: list[str]) -> None:
    """Print how often the intervals hold the truth: of the parameters that the real record identifies, and of all."""
    truths = design(TRUTHS, SEED)
    print("| record of | parameter | 90 % intervals that hold the truth (95 %) |")
    print("| --- | --- | --- |")
    for told, runs in ((f"{RUNS} runs", RUNS), ("one run", 1)):
        inside = covered(scenario, world, table, observed, truths, runs)
        for name in names:
            share, low, high, n = share_interval(int(inside[:, VARIED.index(name)].sum()), len(truths))
            print(f"| {told} | {name} | {100 * share:.0f} % of {n} ({100 * low:.0f} to {100 * high:.0f}) |")
        print(f"| {told} | all {len(VARIED)} | {100 * inside.mean():.0f} % |", flush=True)


def placebo(scenario: Scenario, world: World, observed: Observed, worlds: int) -> None:
    """Print how well worlds with permuted ties rank states, calibrated in the same way, beside the real one."""
    values = design(PLACEBO_PLAN.points, PLACEBO_PLAN.seed)
    rows: dict[str, list[float]] = {}
    for n in range(worlds + 1):
        order = shuffled(len(world.states), np.random.default_rng([11, n])) if n else np.arange(len(world.states))
        there = permuted(world, order)
        table = simulated(scenario, there, values, PLACEBO_PLAN)
        found = fit(table, observed_record(there, observed))
        told = calibrate.figures(np.tensordot(found.weights, table.chances, axes=1), there, observed)
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
    observed = observed_of(BASE)
    assert observed is not None
    recovery(scenario, world, table, observed, [one["parameter"] for one in told["parameters"] if one["identified"]])
    print()
    placebo(scenario, world, observed, given.placebos)


if __name__ == "__main__":
    main()
