"""Print what each scenario of the article does in both lenses, for docs/validation.md: `python -m tools.lenses`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from sim.analysis.statistics import mean_interval, share_interval
from sim.model.arrays import Flags, Floats
from sim.model.compiled import iterate_runs
from sim.model.trajectory import Run, window_of
from sim.scenario.lens import tendency_of
from sim.scenario.loading import BASE, load_scenario, scenario_names
from sim.scenario.schema import Scenario

FRONT, LED = "front", "us_led"
STATES = ("CHN", "IRN", "RUS", "PRK")


def article_scenarios() -> list[str]:
    """Names of the scenarios of the article's world, the baseline first."""
    loaded = {name: load_scenario(name) for name in scenario_names()}
    alike = [name for name, one in loaded.items() if one.states.keys() == loaded[BASE].states.keys()]
    names = [name for name in alike if not loaded[name].sweep.vary]
    return sorted(names, key=lambda name: (name != BASE, name))


def placed(run: Run, bloc: str) -> Flags:
    """Mark the states in a bloc at each step, (T + 1, N)."""
    return np.asarray(run.alignment == run.alignments.index(bloc))


def percent(count: int, n: int) -> str:
    """Format a share in % with its 95 % interval."""
    share, low, high, _ = share_interval(count, n)
    return f"{100 * share:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def mean(values: Sequence[float] | Floats, factor: float = 1) -> str:
    """Format a mean with its 95 % interval."""
    found, low, high, _ = mean_interval(factor * np.array(values, dtype=np.float64))
    return f"{found:.1f} ({low:.1f} to {high:.1f})"


def histories_row(scenario: Scenario, n: int) -> tuple[str, ...]:
    """At the end: chance of each of STATES in the front, members of both blocs, and moves in a history."""
    runs = list(iterate_runs(scenario, seed=scenario.sweep.seed, replicates=range(n)))
    front = np.array([placed(run, FRONT)[-1] for run in runs])
    places = [runs[0].states.index(state) for state in STATES]
    moves = [float((np.diff(run.alignment, axis=0) != 0).sum()) for run in runs]
    led = [float(placed(run, LED)[-1].sum()) for run in runs]
    shares = (percent(int(front[:, place].sum()), n) for place in places)
    return *shares, mean(front.sum(axis=1)), mean(led), mean(moves)


def tendency_row(scenario: Scenario, n: int) -> tuple[str, ...]:
    """Over the last steps: share of the time of each of STATES in the front, in %, and members of both blocs."""
    lens = tendency_of(scenario)
    last = window_of(lens.model_copy(update={"sweep": lens.sweep.model_copy(update={"lens": "tendency"})}))
    runs = list(iterate_runs(lens, seed=scenario.sweep.seed, replicates=range(n)))
    front = np.array([placed(run, FRONT)[-last:].mean(axis=0) for run in runs])
    led = [float(placed(run, LED)[-last:].sum(axis=1).mean()) for run in runs]
    places = [runs[0].states.index(state) for state in STATES]
    return *(mean(front[:, place], 100) for place in places), mean(front.sum(axis=1)), mean(led)


def main() -> None:
    """Print the two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    n = parser.parse_args().runs
    names = article_scenarios()
    heads = ("China", "Iran", "Russia", "North Korea", "members of the front", "members of the US-led bloc")
    for row_of, title, more in ((histories_row, "histories", ("moves",)), (tendency_row, "tendency", ())):
        print(f"| {title} | {' | '.join((*heads, *more))} |\n|{' --- |' * (len(heads) + 1 + len(more))}")
        for name in names:
            print(f"| {name} | {' | '.join(row_of(load_scenario(name), n))} |", flush=True)
        print()


if __name__ == "__main__":
    main()
