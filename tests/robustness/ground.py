"""A small sweep in its own process, into which the tests inject faults."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from sim.batch import executor
from sim.batch.store import Results
from sim.batch.sweep import Question, make_question
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario

SCENARIOS = ("baseline_2023", "no_sanctions")
REPLICATES, STEPS = 40, 6
WORDS = ["sweep", *SCENARIOS, "--replicates", str(REPLICATES), "--steps", str(STEPS), "--seed", "7"]
LONG = pytest.mark.long


def repeated(count: int) -> list[Any]:
    """Numbers of so many repetitions of a test; the suite runs only the first."""
    return [0, *(pytest.param(n, marks=LONG) for n in range(1, count))]


def question(**changes: Any) -> Question:
    """The question of WORDS: two scenarios with short runs."""
    found = {name: load_scenario(name).model_copy(update={"steps": STEPS}) for name in SCENARIOS}
    return make_question(found, **{"replicates": REPLICATES, "seed": 7, **changes})


def command(folder: Path, engine: str = "compiled", *options: str) -> list[str]:
    """The words after `blocs` that sweep into a folder."""
    return [*WORDS, "--out", str(folder), "--engine", engine, *options]


def start_sweep(folder: Path, engine: str = "compiled", *options: str) -> psutil.Popen:
    """Start the sweep in its own process group."""
    return psutil.Popen(
        [sys.executable, "-m", "sim", *command(folder, engine, *options)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def run_after(
    setup: str, words: Sequence[str], env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `blocs` with these words to its end, in a process that first executes a setup.

    It keeps no bytecode, which Python would cut at a limit on the size of files and read again later.
    """
    code = f"{setup}\nimport runpy, sys; sys.argv = {['blocs', *words]!r}; runpy.run_module('sim', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, errors="replace", check=False, timeout=300,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})},
    )  # fmt: skip


def shards(folder: Path) -> set[str]:
    """The names of the committed shards."""
    return {path.name for path in (folder / "shards").glob("[!.]*")}


def shard_bytes(results: Results) -> dict[str, bytes]:
    """The content of every file in the folder of shards."""
    return {str(p.relative_to(results.folder)): p.read_bytes() for p in results.shards.rglob("*") if p.is_file()}


def wait_for_shards(folder: Path, least: int, process: psutil.Popen) -> None:
    """Wait until the folder exists with so many shards, or the process has ended."""
    assert until(lambda: (folder.is_dir() and len(shards(folder)) >= least) or process.poll() is not None, 120)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition is true; return whether it became true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def alive(group: int) -> bool:
    """Whether a process of the group is alive."""
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and runs(process):
                return True
    return False


def runs(process: psutil.Process) -> bool:
    """Whether a process has not ended; a zombie has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def workers_of(process: psutil.Popen) -> set[psutil.Process]:
    """The worker processes of a sweep by Dask; empty when it has ended."""
    found = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = " ".join(child.cmdline() + child.parent().cmdline())
                found |= {child} if re.search("dask worker|forkserver.*forkserver", words) else set()
    return found


DEADLY, VIOLENT, GREEDY = 3, 7, 11


def run_deadly(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any, stored: Any = None) -> Iterator[Run]:
    """Runs; one of them exits, one crashes, and one needs more memory than its limit."""
    for replicate in replicates:
        if replicate == DEADLY:
            os._exit(9)
        if replicate == VIOLENT:
            os.kill(os.getpid(), signal.SIGSEGV)
        if replicate == GREEDY:
            import resource  # Unix has it

            limits = resource.getrlimit(resource.RLIMIT_AS)
            used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, limits[1]))
            try:
                np.ones(2**29)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, limits)
        yield from executor.compiled_engine(scenario, seed=seed, replicates=(replicate,), world=world)
