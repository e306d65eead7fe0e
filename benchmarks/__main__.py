"""Measure the speed of runs as ratios of CPU time: `python -m benchmarks [--json FILE] [--full] [--before FOLDER]`.

All sides take turns in several rounds, and the best of each counts, because other work on the machine disturbs it
least; the ratio of threads is a median. Settings: the article's world with response rates of 0 (`static_`), with the
default rates (`default_`), and with every response on.
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
from benchmarks.earlier import compare_builds
from benchmarks.reading import measure_checks
from sim.batch import executor
from sim.model import compiled as compiled_runs
from sim.model.arrays import Stored
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
Runs = Callable[[range], Iterable[object]]  # makes the runs of some replicates


@dataclass(frozen=True)
class Goal:
    """The meaning of a figure and its goal."""

    meaning: str
    bound: str = ""


GOALS = {
    "static_mesa_ratio": Goal("response rates 0: agents that call the same rules, over the compiled run", "≥ 40"),
    "static_plain_ratio": Goal(
        "response rates 0: plain-Python agents under batch_run, over the compiled run that stores as much", "≥ 1,500"
    ),
    "default_mesa_ratio": Goal("rates as shipped: agents over the compiled run"),
    "default_plain_ratio": Goal("rates as shipped: plain Python over that run", "≥ 700"),
    "mesa_ratio": Goal("every response on: agents over the compiled run", "≥ 10"),
    "plain_ratio": Goal("every response on: plain Python over that run", "≥ 250"),
    "thread_speedup": Goal("one thread over two, wall time", "≥ 1.7"),
    "overhead_ratio": Goal(
        "CPU of `blocs sweep`, start to close, over the CPU of the same runs without a sweep, on as many threads"
    ),
    "overhead_beyond_start_ratio": Goal("the same, less 10 s for the start", "≤ 1.5"),
    "memory_growth_mb": Goal("resident memory between a sweep and one ten times larger, MB", "< 100"),
    "exponent_states": Goal("exponent of the cost of a run in states", "≤ 2.1"),
    "exponent_steps": Goal("exponent of the cost of a run in steps", "≤ 1.1"),
    "exponent_runs": Goal("exponent of the cost of a batch in runs", "≤ 1.05"),
    "checks_reading_ratio": Goal(
        "checks of a folder of 64 points of 100 runs, over reading its runs and states first in a process"
    ),
    "checks_ratio": Goal("the same checks over `blocs compare` without its start", "≤ 0.03"),
    "still_before_ratio": Goal("a sweep's run without response over that of the build in --before", "≤ 0.2"),
    "shipped_before_ratio": Goal("a sweep's run as shipped over that of the build in --before", "≤ 0.5"),
    "compile_before_ratio": Goal("the first run of an installation over that of the build in --before", "≤ 0.34"),
}


def best(sides: dict[str, tuple[Runs, int]], rounds: int = ROUNDS) -> dict[str, float]:
    """Measure the least CPU seconds per run of each side (its runs, runs per call), taking turns.

    Each turn takes TURN seconds, so all sides have the same chance of a quiet moment. Each replicate is used once:
    random numbers of earlier runs are kept, and would make a run cheaper.
    """
    free = 0
    for runs, _ in sides.values():
        exhaust(runs(range(free, free + 1)))
        free += 1
    found = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, (runs, at_a_time) in sides.items():
            start_of_turn = now = time.process_time()
            while now < start_of_turn + TURN:
                start = now
                exhaust(runs(range(free, free + at_a_time)))
                now = time.process_time()
                found[name] = min(found[name], (now - start) / at_a_time)
                free += at_a_time
    return found


def exhaust(runs: Iterable[object]) -> None:
    """Make all runs and keep none."""
    for _ in runs:
        pass


def compiled_side(scenario: Scenario, world: World, stored: Stored | None = None) -> Runs:
    """Compiled runs, as in a sweep, that store everything or what is given."""
    return lambda replicates: executor.compiled_engine(
        scenario, seed=SEED, replicates=replicates, world=world, stored=stored
    )


def plain_side(world: World) -> Runs:
    """Runs of plain Python agents."""
    return lambda replicates: plain.batch(world, SEED, replicates)


def compare_engines(scenario: Scenario) -> tuple[Figures, dict[str, float]]:
    """Measure ratios of Mesa and plain Python after a check that their alignments are equal; and seconds per run."""
    world = world_of(scenario)
    rows = plain.batch(world, SEED, range(PROOFS))
    expected = [
        run.alignment for run in compiled_runs.iterate_runs(scenario, seed=SEED, replicates=range(PROOFS), world=world)
    ]
    for replicate in range(PROOFS):
        theirs = [row["alignment"] for row in rows if row["replicate"] == replicate]
        assert theirs == [tuple(row) for row in expected[replicate][1:].tolist()], "plain Python aligns otherwise"
    every_step = Stored(np.ones(world.steps + 1, dtype=np.bool_), world.steps + 1, False)  # what plain Python observes
    sides: dict[str, tuple[Runs, int]] = {
        "compiled": (compiled_side(scenario, world), 2 * compiled_runs.RUNS_PER_CALL),
        "compiled_steps": (compiled_side(scenario, world, every_step), 2 * compiled_runs.RUNS_PER_CALL),
        "mesa": (lambda r: executor.agent_engine(scenario, seed=SEED, replicates=r, world=world), 2),
        "plain": (plain_side(world), 1),
    }
    seconds = best(sides)
    ratios: Figures = {
        "mesa_ratio": seconds["mesa"] / seconds["compiled"],
        "plain_ratio": seconds["plain"] / seconds["compiled_steps"],
    }
    return ratios, seconds


def run_in_threads(runs: Runs, count: int, workers: int) -> None:
    """Make so many runs in threads, 50 per call, and keep none."""
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda first: exhaust(runs(range(first, min(first + 50, count)))), range(0, count, 50)))


def measure_threads(runs: Runs, count: int = 400) -> Figures:
    """Measure the wall time of one thread over that of two: the median of consecutive pairs.

    The best of each would compare different moments, because two threads need two quiet cores.
    """

    def wall(workers: int) -> float:
        start = time.perf_counter()
        run_in_threads(runs, count, workers)
        return time.perf_counter() - start

    return {"thread_speedup": float(np.median([wall(1) / wall(2) for _ in range(3 * ROUNDS)]))}


LAUNCHER = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""


def measure_sweep(runs: int) -> tuple[float, float]:
    """Measure CPU seconds and peak resident MB of `blocs sweep` in a new process.

    A small process starts it, because Linux includes the memory of the starting process in the peak.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "sweep")
        command = [sys.executable, "-m", "sim", "sweep", "baseline_2023", "--replicates", str(runs), "--out", out]
        done = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, *command], check=True, capture_output=True, text=True
        )
    code, cpu, memory = json.loads(done.stdout)
    assert code == 0, "the sweep failed"
    return cpu, memory


def measure_runs(runs: Runs, count: int) -> float:
    """Measure CPU seconds of so many runs on as many threads as a sweep."""
    start = time.process_time()
    run_in_threads(runs, count, executor.available_cores())
    return time.process_time() - start


def measure_sweeps(runs: Runs, *, full: bool) -> Figures:
    """Measure the cost of a sweep over that of its runs, timed before and after, and its growth in memory."""
    small, large = (FULL // 10, FULL) if full else (SMALL, 10 * SMALL)
    measure_sweep(10)
    before = measure_runs(runs, small)
    cpu, memory = zip(measure_sweep(small), measure_sweep(large), strict=True)
    of_runs = (before + measure_runs(runs, small)) / 2 * (large / small)
    return {
        "overhead_ratio": cpu[1] / of_runs,
        "overhead_beyond_start_ratio": max(0.0, cpu[1] - 10.0) / of_runs,
        "memory_growth_mb": memory[1] - memory[0],
    }


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of log cost over log size."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measure_exponents(scenario: Scenario, base: World, runs: Runs) -> Figures:
    """Measure how the cost grows with states (all pairs tied, bonds change), steps and runs."""

    def cost(world: World, at_a_time: int) -> float:
        return best({"run": (compiled_side(scenario, world), at_a_time)}, rounds=3)["run"]

    states, steps, counts = [50, 100, 200, 400, 800], [20, 40, 80, 160, 320], [25, 50, 100, 200, 400]
    by_states = [cost(synthetic.dense(n, 20, base), max(1, 800 // n)) for n in states]
    by_steps = [cost(synthetic.dense(52, t, base), max(1, 640 // t)) for t in steps]
    by_runs = [n * best({"run": (runs, n)}, rounds=3)["run"] for n in counts]
    return {
        "exponent_states": exponent(states, by_states),
        "exponent_steps": exponent(steps, by_steps),
        "exponent_runs": exponent(counts, by_runs),
    }


def machine_facts() -> dict[str, str]:
    """The processor and versions of this measurement."""
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
    """Measure all figures, and the milliseconds per run of the first ones."""
    baseline, still = load_scenario("baseline_2023"), load_scenario("no_feedback")
    cases = {"static_": still, "default_": baseline, "": with_settings(baseline, EVERY_RESPONSE)}
    figures: Figures = {}
    seconds: dict[str, dict[str, float]] = {}
    for prefix, scenario in cases.items():
        say(f"runs of the article's world, {prefix.strip('_') or 'every response on'}")
        ratios, seconds[prefix] = compare_engines(scenario)
        figures |= {prefix + name: value for name, value in ratios.items()}
    world = world_of(baseline)
    runs = compiled_side(baseline, world)
    say("threads")
    figures |= measure_threads(runs)
    say("growth with states, steps and runs")
    figures |= measure_exponents(baseline, world, runs)
    say("whole sweeps")
    figures |= measure_sweeps(runs, full=full)
    say("checks of a folder")
    figures |= measure_checks()
    return figures, {
        prefix + "milliseconds": {k: 1e3 * v for k, v in times.items()} for prefix, times in seconds.items()
    }


def figure_table(figures: Figures, milliseconds: dict[str, dict[str, float]], on: dict[str, str]) -> Table:
    """The figures as a table."""
    table = Table(title=", ".join(f"{k} {v}" for k, v in on.items()))
    for column in ("figure", "is", "goal", "meaning"):
        table.add_column(column, justify="right" if column == "is" else "left")
    for name, goal in ((name, goal) for name, goal in GOALS.items() if name in figures):
        table.add_row(name, f"{figures[name]:.3g}", goal.bound, goal.meaning)
    for name, times in milliseconds.items():
        text = ", ".join(f"{side} {value:.3g}" for side, value in times.items())
        table.add_row(name, "", "", text)
    return table


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Ratios of CPU time, side by side.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--full", action="store_true", help=f"sweep {FULL:,} runs in place of {SMALL:,}")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="only compare with the build in this checkout")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # Mesa 4 removes batch_run, and Mesa 3 warns
    console = Console()
    with console.status("") as status:
        figures, milliseconds = (
            (compare_builds(given.before), {})
            if given.before
            else measure(full=given.full, say=lambda text: status.update(text))
        )
    on = machine_facts()
    console.print(figure_table(figures, milliseconds, on))
    if given.json:
        given.json.write_text(json.dumps({**figures, **milliseconds, "machine": on}, indent=2) + "\n")


if __name__ == "__main__":
    main()
