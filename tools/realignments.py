"""Print how states realign in histories of the baseline, for docs/validation.md: `python -m tools.realignments`."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np

from sim.analysis.statistics import mean_interval, share_interval
from sim.calendar import step_years
from sim.model.arrays import Flags
from sim.model.compiled import iterate_runs
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.scenario.loading import BASE, load_scenario

FRONT = "front"
NATO = ("CAN", "DEU", "ESP", "FIN", "FRA", "GBR", "HUN", "ITA", "NLD", "POL", "TUR")
ALLIES = (*NATO, "AUS", "ISR", "JPN", "KOR")
DATES = ("2026-10-25", "2030-10-25", "2033-10-25")


def moves_of(run: Run) -> int:
    """Count the changes of alignment in a run."""
    return int((np.diff(run.alignment, axis=0) != 0).sum())


def defects_unrenewed(run: Run, states: Sequence[str]) -> bool:
    """Whether one of the states is in the front at a step, with the disposition of the start."""
    places = [run.states.index(state) for state in states]
    inside = run.alignment[:, places] == run.alignments.index(FRONT)
    return bool((inside & ~np.logical_or.accumulate(run.renewed[:, places], axis=0)).any())


def membership(run: Run, state: str) -> Flags:
    """Mark the steps at which a state is in the front, (T + 1,)."""
    return np.asarray(run.alignment[:, run.states.index(state)] == run.alignments.index(FRONT))


def count_changes(inside: Flags) -> tuple[int, int]:
    """Count entries and exits, of the steps inside, (T + 1,)."""
    return int((inside[1:] & ~inside[:-1]).sum()), int((inside[:-1] & ~inside[1:]).sum())


def percent(count: int, n: int) -> str:
    """Format a share in % with its 95 % interval."""
    share, low, high, _ = share_interval(count, n)
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    n = parser.parse_args().runs
    scenario = load_scenario(BASE)
    runs = list(iterate_runs(scenario, seed=scenario.sweep.seed, replicates=range(n)))
    free = ~world_of(scenario).setting.fixed
    years = int(free.sum()) * scenario.steps * step_years(scenario.step)
    mean, low, high, _ = mean_interval(np.array([100 * moves_of(run) / years for run in runs]))
    print(f"| of {n} histories | |\n| --- | --- |")
    print(f"| realignments in 100 state-years | {mean:.2f} ({low:.2f} to {high:.2f}) |")
    defectors = sum(defects_unrenewed(run, ALLIES) for run in runs)
    print(f"| an ally is in the front before its disposition is renewed | {percent(defectors, n)} |")
    for state, bloc in (("CHN", "China"), ("KOR", "South Korea"), ("ISR", "Israel"), ("TUR", "Turkey")):
        ever = sum(bool(membership(run, state).any()) for run in runs)
        print(f"| {bloc} is in the front at some step | {percent(ever, n)} |")
    for day in DATES:
        step = scenario.dates().index(day)
        there = sum(bool(membership(run, "CHN")[step]) for run in runs)
        print(f"| China is in the front on {day} | {percent(there, n)} |")
    print(f"\n| China's entries and exits | histories of {n} |\n| --- | --- |")
    counted = Counter(count_changes(membership(run, "CHN")) for run in runs)
    for (entries, exits), count in sorted(counted.items()):
        print(f"| {entries} and {exits} | {count} |")


if __name__ == "__main__":
    main()
