"""Compare the cost of runs, of compiling and of reports with an earlier build, each in its own process, in turns."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROUNDS = 3

FIRST_RUN = ("run", "baseline_2023", "--seed", "7")

REPORTS = 3

CASES = {"still": "no_feedback", "shipped": "baseline_2023"}

# Runs in the folder of a build; uses only what earlier builds have too, release 0.1 under other names.
TIMED = """
import json, sys, time
try:
    from sim.batch.executor import compiled_engine
    from sim.model.trajectory import store_late, window_of
    from sim.model.world import world_of
    from sim.scenario.loading import load_scenario
    stored_of = lambda scenario: {"stored": store_late(scenario.steps, window_of(scenario))}
except ModuleNotFoundError:
    from sim.catalog import load as load_scenario
    from sim.engines import compiled as compiled_engine
    from sim.world import world_of
    stored_of = lambda scenario: {}

found = {}
for name in sys.argv[1:]:
    scenario = load_scenario(name)
    world, stored = world_of(scenario), stored_of(scenario)

    def seconds(first, count):
        start = time.process_time()
        replicates = range(first, first + count)
        for _ in compiled_engine(scenario, seed=1, replicates=replicates, world=world, **stored):
            pass
        return (time.process_time() - start) / count

    first = seconds(0, 16) * 16
    found.setdefault("first", first)
    found[name] = min(seconds(16 + 160 * n, 160) for n in range(8))
print(json.dumps(found))
"""


LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
assert not status, status
print(usage.ru_utime + usage.ru_stime)
"""


def seconds_per_run(build: Path) -> dict[str, float]:
    """Measure the least CPU seconds per run of each scenario of CASES, as the build in a folder ships it.

    `first` is that of the first 16 runs, for which the rules are compiled.
    """
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-c", TIMED, *CASES.values()], cwd=build, check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(build), "NUMBA_CACHE_DIR": empty},
        )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


def first_seconds(build: Path, *words: str) -> float:
    """Measure the CPU seconds of a command of the build in a folder, with an empty cache of machine code."""
    with tempfile.TemporaryDirectory() as empty:
        command = [sys.executable, "-S", "-c", LAUNCHER, sys.executable, "-m", "sim", *words]
        done = subprocess.run(
            command, cwd=build, check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(build), "NUMBA_CACHE_DIR": empty},
        )  # fmt: skip
    return float(done.stdout)


def run_command(build: Path, *words: str) -> float:
    """Run a command of the build in a folder, and return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "sim", *words], cwd=build, check=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": str(build)},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_per_report(builds: Mapping[str, Path]) -> dict[str, float]:
    """Measure the least CPU seconds of `blocs report` of each build on the sweep of its own `blocs demo`.

    The machine code is in the cache from the second report on.
    """
    least = dict.fromkeys(builds, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        for name, build in builds.items():
            run_command(build, "demo", "--out", f"{folder}/{name}")
        for _ in range(REPORTS):
            for name, build in builds.items():
                words = "report", f"{folder}/{name}/results", "--out", f"{folder}/{name}.html"
                least[name] = min(least[name], run_command(build, *words))
    return least


def compare_builds(earlier: Path | None) -> dict[str, float]:
    """Compute the ratio of this build's cost per run to an earlier one's: the least of some rounds of each."""
    if earlier is None:
        return {}
    builds = {"now": Path(__file__).parents[1], "before": earlier.resolve()}
    rounds = [{name: seconds_per_run(build) for name, build in builds.items()} for _ in range(ROUNDS)]
    cases = {**CASES, "compile": "first"}
    least = {name: {s: min(found[name][s] for found in rounds) for s in cases.values()} for name in builds}
    ratios = {f"{case}_before_ratio": least["now"][s] / least["before"][s] for case, s in cases.items()}
    reports = seconds_per_report(builds)
    return {
        **ratios,
        "report_before_ratio": reports["now"] / reports["before"],
        "run_before_seconds": first_seconds(builds["before"], *FIRST_RUN),
    }
