"""Measure the speed of runs: `python -m benchmarks --before FOLDER --markdown` prints the table of docs/performance.md.

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
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import plain, synthetic
from benchmarks.earlier import compare_builds
from benchmarks.first import measure_app, measure_commands
from benchmarks.reading import measure_checks
from benchmarks.rows import markdown, table_rows
from sim.batch import executor
from sim.model import compiled as compiled_runs
from sim.model.arrays import Stored
from sim.model.numerics.streams import draw_numbers
from sim.model.trajectory import store_late, window_of
from sim.model.world import World, world_of
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

SEED = 20231025
EVERY_RESPONSE = {"rivalry_gain": 0.02, "rivalry_loss": 0.02, "sanction_response": 0.05, "sanction_relief": 0.02}
ROUNDS, PROOFS = 15, 3
TURN = 0.3  # seconds
LIMIT_RUNS = 16  # in a call, as of the compiled runs
SMALL, FULL = 2_000, 100_000  # runs of a sweep
Figures = dict[str, float]
Runs = Callable[[range], Iterable[object]]  # makes the runs of some replicates


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
    late = store_late(scenario.steps, window_of(scenario))  # what a sweep stores
    sides: dict[str, tuple[Runs, int]] = {
        "sweep": (compiled_side(scenario, world, late), 2 * compiled_runs.RUNS_PER_CALL),
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
        "sweep_seconds": cpu[1],
        "sweep_memory_mb": memory[1],
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


def least_seconds(work: Callable[[], object]) -> float:
    """The least CPU seconds of some rounds of this work, after one that is not counted."""
    found = []
    for _ in range(2 * ROUNDS + 1):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found[1:])


def measure_limit(world: World) -> dict[str, float]:
    """Measure the least time of a run: its draws, and a copy of its arrays, which are in the cache of the processor."""
    arrays = [one for one in (*world.start, *world.setting) if isinstance(one, np.ndarray)]
    codes = world.setting.codes
    drawing = least_seconds(lambda: draw_numbers(1, range(LIMIT_RUNS), world.steps, codes, False)) / LIMIT_RUNS
    copying = least_seconds(lambda: [one.copy() for _ in range(LIMIT_RUNS) for one in arrays]) / LIMIT_RUNS
    draws = (world.steps + 1) * len(world.states)
    return {
        "limit_kilobytes": sum(one.nbytes for one in arrays) / 1000,
        "limit_draws": draws,
        "limit_draw_nanoseconds": 1e9 * drawing / draws,
        "limit_milliseconds": 1e3 * (drawing + copying),
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


def measure(*, full: bool, before: Path | None, say: Callable[[str], None]) -> Figures:
    """Measure all figures."""
    baseline, still = load_scenario("baseline_2023"), load_scenario("no_feedback")
    cases = {"static": still, "default": baseline, "every": with_settings(baseline, EVERY_RESPONSE)}
    figures: Figures = {}
    for case, scenario in cases.items():
        say(f"runs of the article's world, {case}")
        ratios, seconds = compare_engines(scenario)
        figures |= {name if case == "every" else f"{case}_{name}": value for name, value in ratios.items()}
        figures[f"{case}_milliseconds"] = 1e3 * seconds["sweep"]
    world = world_of(baseline)
    runs = compiled_side(baseline, world)
    say("the limit")
    figures |= measure_limit(world)
    figures["limit_ratio"] = figures["default_milliseconds"] / figures["limit_milliseconds"]
    say("threads")
    figures |= measure_threads(runs)
    say("growth with states, steps and runs")
    figures |= measure_exponents(baseline, world, runs)
    say("whole sweeps")
    figures |= measure_sweeps(runs, full=full)
    say("checks of a folder")
    figures |= measure_checks()
    say("first commands")
    figures |= measure_commands() | measure_app()
    say("builds")
    return figures | compare_builds(before)


def figure_table(figures: Figures, on: dict[str, str]) -> Table:
    """The figures as a table for the terminal."""
    table = Table(title=", ".join(f"{k} {v}" for k, v in on.items()))
    for column in ("what", "goal", "figure"):
        table.add_column(column, justify="right" if column == "figure" else "left")
    for row in table_rows(figures):
        table.add_row(*row)
    return table


def main() -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Times and ratios of CPU time.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/performance.md")
    parser.add_argument("--full", action="store_true", help=f"sweep {FULL:,} runs in place of {10 * SMALL:,}")
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="compare with the build in this checkout, too")
    parser.add_argument("--builds-only", action="store_true", help="only what is measured of whole builds")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # Mesa 4 removes batch_run, and Mesa 3 warns
    console = Console(stderr=True)
    with console.status("") as status:
        figures = (
            compare_builds(given.before)
            if given.builds_only
            else measure(full=given.full, before=given.before, say=lambda text: status.update(text))
        )
    on = machine_facts()
    if given.markdown:
        print(markdown(figures, on))
    else:
        Console().print(figure_table(figures, on))
    if given.json:
        given.json.write_text(json.dumps({**figures, "machine": on}, indent=2) + "\n")


if __name__ == "__main__":
    main()
