"""What faults are injected into: a small sweep as a process of its own, and the hash of its table left alone."""

from __future__ import annotations

import contextlib
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil

from sim.catalog import load
from sim.sweep import Question, question_of, sweep

SCENARIOS = ("baseline_2023", "no_sanctions")
SIZES = {"compiled": (200, 40), "dask": (200, 40), "mesa": (40, 12)}  # replicates of each scenario, steps


@dataclass(frozen=True)
class Outcome:
    """How often a fault was injected, how often the promise held, the worst time in seconds, and what was seen."""

    asked: int
    held: int
    worst: float
    seen: str


class Ground:
    """A sweep of each engine's size, its hash and how long it takes; made when it is first needed."""

    def __init__(self, seed: int, folder: Path, minutes: float) -> None:
        self.minutes = minutes
        self.rng = random.Random(seed)  # noqa: S311
        self.folder = folder
        self.known: dict[str, tuple[str, float]] = {}

    def question(self, engine: str = "compiled") -> Question:
        """What the command of an engine asks."""
        replicates, steps = SIZES[engine]
        told = {name: load(name).model_copy(update={"steps": steps}) for name in SCENARIOS}
        return question_of(told, replicates=replicates, seed=7)

    def command(self, folder: Path, engine: str = "compiled", workers: int = 2) -> list[str]:
        """The command that asks it."""
        replicates, steps = SIZES[engine]
        return [
            sys.executable, "-m", "sim", "sweep", *SCENARIOS, "--replicates", str(replicates), "--steps", str(steps),
            "--seed", "7", "--engine", engine, "--workers", str(workers), "--out", str(folder),
        ]  # fmt: skip

    def start(
        self, folder: Path, engine: str = "compiled", *, workers: int = 2, env: Mapping[str, str] | None = None
    ) -> psutil.Popen:
        """A sweep in a process group of its own."""
        return psutil.Popen(
            self.command(folder, engine, workers), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, **(env or {})},
        )  # fmt: skip

    def finish(self, folder: Path, engine: str = "compiled") -> str:
        """Resume a sweep to its end in this process; the hash of its table."""
        return sweep(self.question(engine), folder, workers=2).results.digest()

    def alone(self, engine: str = "compiled") -> tuple[str, float]:
        """Hash of the table of a sweep that nothing happened to, and the seconds it took as a process."""
        if engine not in self.known:
            whole = self.finish(self.original / engine, engine)
            began = time.monotonic()
            self.start(self.original / f"{engine}_timed", engine).communicate()
            self.known[engine] = whole, time.monotonic() - began
        return self.known[engine]

    @cached_property
    def original(self) -> Path:
        """Folder of the sweeps left alone."""
        place = self.folder / "original"
        place.mkdir()
        return place

    def rounds(self, count: int) -> Iterator[int]:
        """0, 1, … up to so many, fewer where the time for a row is over; the clock starts after the first."""
        ends = math.inf
        for n in range(count):
            if time.monotonic() > ends:
                return
            yield n
            ends = min(ends, time.monotonic() + 60 * self.minutes)

    def moment(self, process: psutil.Popen, folder: Path, seconds: float) -> None:
        """Wait for a random moment of a sweep: at any time of it, or soon after its first shard."""
        if self.rng.random() < 0.5:
            time.sleep(self.rng.uniform(0, seconds))
        else:
            until(lambda: bool(shards(folder)) or process.poll() is not None, 120)
            time.sleep(self.rng.uniform(0, seconds / 4))

    @contextlib.contextmanager
    def place(self) -> Iterator[Path]:
        """A results folder that is not there yet."""
        with tempfile.TemporaryDirectory(dir=self.folder) as place:
            yield Path(place) / "results"


def shards(folder: Path) -> set[str]:
    """Names of the committed shards."""
    return {path.name for path in (folder / "shards").glob("[!.]*")}


def alive(group: int) -> bool:
    """Whether a process of a group is alive."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and runs(process):
                return True
    return False


def runs(process: psutil.Process) -> bool:
    """Whether a process has not ended; one that has, and waits for the system to take note, does not count."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until something is so; whether it came to be."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@dataclass(frozen=True)
class Done:
    """A command that has ended: its code, what it said, its CPU seconds and the most memory it held, in MB."""

    code: int
    out: str
    err: str
    cpu: float
    megabytes: float

    @property
    def clear(self) -> bool:
        """Whether it ended without a traceback."""
        return "Traceback" not in self.err and self.code >= 0


RUN = """
import runpy, sys
try:
    runpy.run_module('sim', run_name='__main__')
finally:
    status = open('/proc/self/status').read()  # what a child inherits of its parent does not count here
    open(PLACE, 'w').write(status.partition('VmHWM:')[2].split()[0])
"""


def blocs(*words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Done:
    """Run the command to its end."""
    with tempfile.NamedTemporaryFile() as peak:
        code = f"import sys; sys.argv = {['blocs', *words]!r}; PLACE = {peak.name!r}{RUN}"
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            text=True, errors="replace", env={**os.environ, **(env or {})}, cwd=cwd,
        )  # fmt: skip
        with process:
            out, err = process.stdout.read() if process.stdout else "", process.stderr.read() if process.stderr else ""
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        megabytes = int(peak.read() or 0) / 1024
    return Done(process.returncode, out, err, used.ru_utime + used.ru_stime, megabytes)
