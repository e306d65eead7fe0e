"""Disks that fail, shards that rot, and runs that raise, die or eat memory."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ground import Ground, Outcome, shards
from sim import engines
from sim.catalog import load
from sim.store import Results, is_sealed
from sim.sweep import question_of, sweep
from sim.trajectory import Run


def failing_disk(ground: Ground, count: int) -> Outcome:
    """A small tmpfs, a limit on the size of files, and errors planted by strace, in turn: one line, resumable."""
    whole, _ = ground.alone()
    asked, held, silent, stopped, worst = 0, 0, 0, 0, 0.0
    ways = (full, limited, planted)
    for n in ground.rounds(count):
        asked += 1
        with ground.place() as folder:
            began = time.monotonic()
            code, err = ways[n % 3](ground, folder)
            worst = max(worst, time.monotonic() - began)
            if code == 0 and len(shards(folder)) < len(shards(ground.original / "compiled")):
                silent += 1
            stopped += code == 1
            clear = code in (0, 1) and "Traceback" not in err and (code == 0 or len(err.strip()) > 10)
            held += clear and ground.finish(folder) == whole
    return Outcome(asked, held, worst, f"{stopped} stopped with exit 1 and one line, {silent} silent, the rest ended")


def full(ground: Ground, folder: Path) -> tuple[int, str]:
    """A sweep into a tmpfs that is soon full; what is there is then moved to a disk with room."""
    small = folder.with_name("small")
    small.mkdir()
    size = ground.rng.randrange(40, 2200)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(small)], check=True)
    try:
        done = subprocess.run(ground.command(small / "results"), capture_output=True, text=True, check=False)
        if (small / "results").is_dir():
            shutil.copytree(small / "results", folder)
    finally:
        subprocess.run(["umount", str(small)], check=True)
    return done.returncode, done.stderr


def limited(ground: Ground, folder: Path) -> tuple[int, str]:
    """A sweep that may write no file larger than so much."""
    limit = ground.rng.randrange(2_000, 60_000)
    words = ["prlimit", f"--fsize={limit}:{limit}", *ground.command(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def planted(ground: Ground, folder: Path) -> tuple[int, str]:
    """A sweep of which one system call on files fails at random."""
    call = ground.rng.choice(["fsync", "rename", "pwrite64", "mkdir", "ftruncate"])
    error, when = ground.rng.choice(["EIO", "ENOSPC"]), ground.rng.randrange(1, 60)
    words = ["strace", "-f", "-qq", "-o", "/dev/null", f"--trace={call}", f"--inject={call}:error={error}:when={when}"]
    done = subprocess.run([*words, *ground.command(folder)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def damaged(ground: Ground, count: int) -> Outcome:
    """A file of a shard cut at every 97 bytes, and bits of all files flipped: found, and some redone to the end."""
    whole, _ = ground.alone()
    original = ground.original / "compiled"
    asked, held, redone, worst = 0, 0, 0, 0.0
    with ground.place() as folder:
        shutil.copytree(original, folder)
        files = sorted(folder.glob("shards/*/*"))
        contents = {path: path.read_bytes() for path in files}
        first = [path for path in files if path.parent == files[0].parent]
        spoilt = [(path, contents[path][:n]) for path in first for n in range(0, len(contents[path]), 97)]
        for _ in range(10 * count):
            path = ground.rng.choice(files)
            flipped = bytearray(contents[path])
            flipped[ground.rng.randrange(len(flipped))] ^= 1 << ground.rng.randrange(8)
            spoilt.append((path, bytes(flipped)))
        for path, content in spoilt:
            path.write_bytes(content)
            asked, held = asked + 1, held + (not is_sealed(path.parent))
            path.write_bytes(contents[path])
        for _ in ground.rounds(max(1, count // 5)):
            path, content = ground.rng.choice(spoilt)
            path.write_bytes(content)
            began = time.monotonic()
            asked, held = asked + 1, held + (ground.finish(folder) == whole)
            worst, redone = max(worst, time.monotonic() - began), redone + 1
    return Outcome(asked, held, worst, f"every one found; of {redone} set aside and redone the table is the same")


def raising(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any) -> Iterator[Run]:
    """Runs that raise once in a hundred."""
    for replicate in replicates:
        if replicate % 100 == 13:
            raise RuntimeError(f"planted in {replicate}")
        yield from engines.compiled(scenario, seed=seed, replicates=(replicate,), world=world)


def often_raising(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any) -> Iterator[Run]:
    """Runs that raise every other time."""
    for replicate in replicates:
        if replicate % 2:
            raise RuntimeError(f"planted in {replicate}")
        yield from engines.compiled(scenario, seed=seed, replicates=(replicate,), world=world)


def raised(ground: Ground, count: int) -> Outcome:
    """Runs that raise, 1 % and 50 %: every good row is there, each bad one names its run."""
    query = "select scenario, replicate, columns('capability_.*') from runs where status = 'ok' order by all"
    ground.alone()
    good = set(Results(ground.original / "compiled").connection().execute(query).fetchall())
    asked, held, worst = 0, 0, 0.0
    for n in ground.rounds(count):
        asked += 1
        run_each, every, first = ((raising, 100, 13), (often_raising, 2, 1))[n % 2]
        with ground.place() as folder:
            began = time.monotonic()
            report = sweep(ground.question(), folder, workers=2, run_each=run_each)
            worst = max(worst, time.monotonic() - began)
            rows = report.results.connection().execute(query).fetchall()
            bad = [r for r in range(report.runs // 2) if r % every == first]
            named = all(f"replicate {r}: RuntimeError: planted in {r}" in "\n".join(report.failed) for r in bad)
            held += named and len(report.failed) == 2 * len(bad) and len(rows) == report.runs - 2 * len(bad)
            held -= not set(rows) <= good
    return Outcome(asked, held, worst, "N − 6 and N − 300 of 600 rows, and a failure for each of the rest")


DEADLY, VIOLENT, GREEDY = 3, 7, 11


def murderous(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any) -> Iterator[Run]:
    """Runs of which one exits, one crashes, and one asks for memory beyond its limit."""
    for replicate in replicates:
        if replicate == DEADLY:
            os._exit(9)
        if replicate == VIOLENT:
            os.kill(os.getpid(), signal.SIGSEGV)
        if replicate == GREEDY:
            limits = resource.getrlimit(resource.RLIMIT_AS)
            held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (held + 2**28, limits[1]))
            try:
                np.ones(2**29)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, limits)
        yield from engines.compiled(scenario, seed=seed, replicates=(replicate,), world=world)


def murdered(ground: Ground, count: int) -> Outcome:
    """Runs that kill their process or eat memory, under Mesa's and Dask's processes: N − 3 rows and three failures."""
    one = question_of({"unix_1988": load("unix_1988")}, replicates=20, seed=7)
    asked, held, worst = 0, 0, 0.0
    for n in ground.rounds(count):
        asked += 1
        with ground.place() as folder:
            began = time.monotonic()
            report = sweep(one, folder, workers=2, engine=("mesa", "dask")[n % 2], run_each=murderous)
            worst = max(worst, time.monotonic() - began)
            rows = report.results.connection().execute("select status, error from runs order by replicate").fetchall()
            bad = {r: error for r, (status, error) in enumerate(rows) if status == "failed"}
            good = bad.keys() == {DEADLY, VIOLENT, GREEDY} and len(rows) == 20 and "MemoryError" in bad[GREEDY]
            held += good and all(f"replicate {r}: " in "\n".join(report.failed) for r in bad)
    return Outcome(asked, held, worst, "17 rows of 20, and three failures with their id and error")
