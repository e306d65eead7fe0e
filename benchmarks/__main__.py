"""How fast runs are, as ratios of CPU time measured side by side: `python -m benchmarks [--json FILE] [--full]`.

Ratios are taken from the best of several rounds, in each of which all sides take their turn, for a noisy machine
disturbs the best of several least; that of threads is a median. Three settings: the article's world with response
rates of 0 (`static_`), with the rates it is shipped with (`default_`), and with every response on.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import plain, synthetic
from sim.batch import executor
from sim.model import compiled as compiled_runs
from sim.model.world import World, world_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

SEED = 20231025
EVERY_RESPONSE = {"rivalry_gain": 0.02, "rivalry_loss": 0.02, "sanction_response": 0.05, "sanction_relief": 0.02}
ROUNDS, PROOFS = 15, 3
TURN = 0.3  # seconds
SMALL, FULL = 2_000, 100_000  # runs of a sweep
Figures = dict[str, float]
Runs = Callable[[range], Iterable[object]]  # of some replicates


@dataclass(frozen=True)
class Goal:
    """What a figure means and what it should be."""

    meaning: str
    bound: str = ""


GOALS = {
    "static_mesa_ratio": Goal("response rates 0: agents that call the same rules, over the compiled run", "≥ 40"),
    "static_plain_ratio": Goal("response rates 0: plain-Python agents under batch_run, over the compiled run", "≥ 500"),
    "default_mesa_ratio": Goal("rates as shipped: agents over the compiled run"),
    "default_plain_ratio": Goal("rates as shipped: plain Python over the compiled run"),
    "mesa_ratio": Goal("every response on: agents over the compiled run", "≥ 10"),
    "plain_ratio": Goal("every response on: plain Python over the compiled run", "≥ 250"),
    "thread_speedup": Goal("one thread over two, wall time", "≥ 1.7"),
    "overhead_ratio": Goal("CPU of `blocs sweep`, start to close, over its runs alone on as many threads"),
    "overhead_beyond_start_ratio": Goal("the same, less 10 s for the start", "≤ 1.5"),
    "memory_growth_mb": Goal("resident memory between a sweep and one ten times larger, MB", "< 100"),
    "exponent_states": Goal("exponent of the cost of a run in states", "≤ 2.1"),
    "exponent_steps": Goal("exponent of the cost of a run in steps", "≤ 1.1"),
    "exponent_runs": Goal("exponent of the cost of a batch in runs", "≤ 1.05"),
}


def best(sides: dict[str, tuple[Runs, int]], rounds: int = ROUNDS) -> dict[str, float]:
    """The least CPU seconds a run of each side, (its runs, how many at a time), taking turns.

    A side's turn is as many times as fit TURN seconds, so that each has as long to meet a quiet moment. No replicate
    comes twice, as a run with the luck of one before would be spared drawing it.
    """
    free = 0
    for runs, _ in sides.values():
        made(runs(range(free, free + 1)))
        free += 1
    found = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, (runs, at_a_time) in sides.items():
            begun = now = time.process_time()
            while now < begun + TURN:
                start = now
                made(runs(range(free, free + at_a_time)))
                now = time.process_time()
                found[name] = min(found[name], (now - start) / at_a_time)
                free += at_a_time
    return found


def made(runs: Iterable[object]) -> None:
    """Make runs and keep none."""
    for _ in runs:
        pass


def compiled(scenario: Scenario, world: World) -> Runs:
    """The compiled runs, as a sweep makes them."""
    return lambda replicates: executor.compiled_engine(scenario, seed=SEED, replicates=replicates, world=world)


def plainly(world: World) -> Runs:
    """The runs of plain-Python agents."""
    return lambda replicates: plain.batch(world, SEED, replicates)


def against_others(scenario: Scenario) -> tuple[Figures, dict[str, float]]:
    """Ratios of Mesa and plain Python, both proven to make the same alignments; and milliseconds a run."""
    world = world_of(scenario)
    rows = plain.batch(world, SEED, range(PROOFS))
    expected = [
        run.alignment for run in compiled_runs.iterate_runs(scenario, seed=SEED, replicates=range(PROOFS), world=world)
    ]
    for replicate in range(PROOFS):
        theirs = [row["alignment"] for row in rows if row["replicate"] == replicate]
        assert theirs == [tuple(row) for row in expected[replicate][1:].tolist()], "plain Python aligns otherwise"
    sides: dict[str, tuple[Runs, int]] = {
        "compiled": (compiled(scenario, world), 2 * compiled_runs.RUNS_PER_CALL),
        "mesa": (lambda r: executor.agent_engine(scenario, seed=SEED, replicates=r, world=world), 2),
        "plain": (plainly(world), 1),
    }
    took = best(sides)
    ratios: Figures = {
        "mesa_ratio": took["mesa"] / took["compiled"],
        "plain_ratio": took["plain"] / took["compiled"],
    }
    return ratios, took


def in_threads(runs: Runs, count: int, workers: int) -> None:
    """That many runs, each thread taking them in long stretches; nothing is kept of them."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda first: made(runs(range(first, min(first + 50, count)))), range(0, count, 50)))


def of_threads(runs: Runs, count: int = 400) -> Figures:
    """Wall time of one thread over that of two, the median of pairs timed one after the other.

    The best of each would be of unlike moments: two threads need two cores to be quiet at once.
    """

    def wall(workers: int) -> float:
        start = time.perf_counter()
        in_threads(runs, count, workers)
        return time.perf_counter() - start

    return {"thread_speedup": float(np.median([wall(1) / wall(2) for _ in range(3 * ROUNDS)]))}


LAUNCHER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def swept(runs: int) -> tuple[float, float]:
    """CPU seconds and peak resident MB of a whole `blocs sweep` in a fresh process.

    A small process starts it: Linux counts the memory of whoever starts a process in that process's peak.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "sweep")
        command = [sys.executable, "-m", "sim", "sweep", "baseline_2023", "--replicates", str(runs), "--out", out]
        told = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, *command], check=True, capture_output=True, text=True
        )
    code, cpu, memory = json.loads(told.stdout)
    assert code == 0, "the sweep failed"
    return cpu, memory


def alone(runs: Runs, count: int) -> float:
    """CPU seconds of that many runs on as many threads as a sweep takes."""
    start = time.process_time()
    in_threads(runs, count, executor.available_cores())
    return time.process_time() - start


def of_sweeps(runs: Runs, *, full: bool) -> Figures:
    """What a sweep costs beside its runs, which are timed before and after it, and how its memory grows."""
    small, large = (FULL // 10, FULL) if full else (SMALL, 10 * SMALL)
    swept(10)
    before = alone(runs, small)
    cpu, memory = zip(swept(small), swept(large), strict=True)
    of_runs = (before + alone(runs, small)) / 2 * (large / small)
    return {
        "overhead_ratio": cpu[1] / of_runs,
        "overhead_beyond_start_ratio": max(0.0, cpu[1] - 10.0) / of_runs,
        "memory_growth_mb": memory[1] - memory[0],
    }


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """Slope of log cost over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def exponents(scenario: Scenario, base: World, runs: Runs) -> Figures:
    """How the cost grows with states (all pairs tied, bonds drifting), steps and runs."""

    def cost(world: World, at_a_time: int) -> float:
        return best({"run": (compiled(scenario, world), at_a_time)}, rounds=3)["run"]

    states, steps, counts = [50, 100, 200, 400, 800], [20, 40, 80, 160, 320], [25, 50, 100, 200, 400]
    by_states = [cost(synthetic.dense(n, 20, base), max(1, 800 // n)) for n in states]
    by_steps = [cost(synthetic.dense(52, t, base), max(1, 640 // t)) for t in steps]
    by_runs = [n * best({"run": (runs, n)}, rounds=3)["run"] for n in counts]
    return {
        "exponent_states": exponent(states, by_states),
        "exponent_steps": exponent(steps, by_steps),
        "exponent_runs": exponent(counts, by_runs),
    }


def machine() -> dict[str, str]:
    """What all this was measured on."""
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        if cpuinfo.exists()
        else []
    )
    return {
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": str(executor.available_cores()),
        "python": platform.python_version(),
        **{package: version(package) for package in ("numba", "numpy", "mesa")},
    }


def measure(*, full: bool, say: Callable[[str], None]) -> tuple[Figures, dict[str, dict[str, float]]]:
    """All figures, and the milliseconds a run behind the first of them."""
    baseline, still = load_scenario("baseline_2023"), load_scenario("no_feedback")
    cases = {"static_": still, "default_": baseline, "": with_settings(baseline, EVERY_RESPONSE)}
    figures: Figures = {}
    seconds: dict[str, dict[str, float]] = {}
    for prefix, scenario in cases.items():
        say(f"runs of the article's world, {prefix.strip('_') or 'every response on'}")
        ratios, seconds[prefix] = against_others(scenario)
        figures |= {prefix + name: value for name, value in ratios.items()}
    world = world_of(baseline)
    runs = compiled(baseline, world)
    say("threads")
    figures |= of_threads(runs)
    say("growth with states, steps and runs")
    figures |= exponents(baseline, world, runs)
    say("whole sweeps")
    figures |= of_sweeps(runs, full=full)
    return figures, {
        prefix + "milliseconds": {k: 1e3 * v for k, v in times.items()} for prefix, times in seconds.items()
    }


def shown(figures: Figures, milliseconds: dict[str, dict[str, float]], on: dict[str, str]) -> Table:
    """The figures as a table."""
    table = Table(title=", ".join(f"{k} {v}" for k, v in on.items()))
    for column in ("figure", "is", "goal", "meaning"):
        table.add_column(column, justify="right" if column == "is" else "left")
    for name, goal in GOALS.items():
        table.add_row(name, f"{figures[name]:.3g}", goal.bound, goal.meaning)
    for name, times in milliseconds.items():
        told = ", ".join(f"{side} {took:.3g}" for side, took in times.items())
        table.add_row(name, "", "", told)
    return table


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios of CPU time, side by side.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--full", action="store_true", help=f"sweep {FULL:,} runs in place of {SMALL:,}")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # batch_run is told to go with Mesa 4
    console = Console()
    with console.status("") as status:
        figures, milliseconds = measure(full=given.full, say=lambda text: status.update(text))
    on = machine()
    console.print(shown(figures, milliseconds, on))
    if given.json:
        given.json.write_text(json.dumps({**figures, **milliseconds, "machine": on}, indent=2) + "\n")


if __name__ == "__main__":
    main()
