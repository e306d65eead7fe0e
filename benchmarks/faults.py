"""Faults injected for real into sweeps: `python -m benchmarks.faults [--count 100] [--json]` prints what they did.

Each fault is injected `--count` times (a few of the slower ones less often); a sweep must lose nothing that was
finished, and when it is resumed its table must equal by hash that of a sweep left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sim.store import Results

REPLICATES, STEPS = 60, 40
SWEEP = [sys.executable, "-m", "sim", "sweep", "baseline_2023", "no_sanctions", "--replicates", str(REPLICATES),
         "--steps", str(STEPS), "--seed", "7"]  # fmt: skip
Outcome = tuple[int, int, str]  # how often it was injected, how often the promise held, what was seen


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A sweep in a process group of its own."""
    return subprocess.Popen(
        [*SWEEP, "--out", str(folder), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finish(folder: Path) -> str:
    """Resume a sweep to its end; the hash of its table."""
    subprocess.run([*SWEEP, "--out", str(folder)], check=True, capture_output=True)
    return Results(folder).digest()


def shards(folder: Path) -> set[str]:
    """Names of the committed shards."""
    return {path.name for path in (folder / "shards").glob("[!.]*")}


def alive(group: int) -> bool:
    """Whether a process of a group is alive."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def interrupted(number: int, engine: str, count: int, whole: str, *, seconds: float, rng: random.Random) -> Outcome:
    """A signal to the whole group at random moments, twice a sweep, then resumed."""
    held, longest, kept = 0, 0.0, 0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as place:
            folder, good = Path(place) / "results", True
            for _ in range(2):
                process = start(folder, "--engine", engine, "--workers", "2")
                time.sleep(rng.uniform(0, seconds))
                before = shards(folder)
                if process.poll() is None:
                    os.killpg(process.pid, number)
                sent = time.monotonic()
                process.communicate()
                while alive(process.pid) and time.monotonic() < sent + 10:
                    time.sleep(0.01)
                longest = max(longest, time.monotonic() - sent)
                good &= process.returncode in (0, -number, 128 + number) and before <= shards(folder)
                good &= not alive(process.pid)
                kept += len(before)
            held += good and finish(folder) == whole
    return count, held, f"{kept} finished shards seen before, all kept; ended within {longest:.1f} s"


def orphans(count: int, whole: str, *, seconds: float, rng: random.Random) -> Outcome:
    """kill -9 of the parent alone: no worker outlives it by more than 2 s."""
    held = 0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as place:
            process = start(Path(place) / "results", "--engine", "mesa", "--workers", "2")
            time.sleep(rng.uniform(0, seconds))
            process.kill()
            sent = time.monotonic()
            process.communicate()
            while alive(process.pid) and time.monotonic() < sent + 2:
                time.sleep(0.01)
            held += not alive(process.pid) and finish(Path(place) / "results") == whole
    return count, held, "nobody alive after 2 s"


def second_sweep(count: int, whole: str) -> Outcome:
    """Two sweeps into one folder at once: one of them is refused, the other ends."""
    held = 0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as place:
            both = [start(Path(place) / "results", "--workers", "1") for _ in range(2)]
            said = [process.communicate()[1] for process in both]
            codes = sorted(process.returncode for process in both)
            refused = codes == [0, 2] and any("is being written by process" in text for text in said)
            held += (refused or codes == [0, 0]) and finish(Path(place) / "results") == whole
    return count, held, "the second names the first, or finds all done"


def full_disk(count: int, whole: str, *, rng: random.Random) -> Outcome:
    """A limit on the size of files stands for a full disk: exit 1, one clear line, resumable."""
    held = 0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as place:
            folder, limit = Path(place) / "results", rng.randrange(2_000, 60_000)
            code = (
                f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
                f"sys.argv = {[*SWEEP[2:], '--out', str(folder)]!r}; runpy.run_module('sim', run_name='__main__')"
            )
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            clear = done.returncode in (0, 1) and "Traceback" not in done.stderr
            held += clear and finish(folder) == whole
    return count, held, "exit 1 and one line, or small enough to end"


def damage(count: int, original: Path, whole: str, *, rng: random.Random) -> Outcome:
    """A shard's file cut short or with a bit flipped: found, set aside, computed again."""
    held = 0
    for _ in range(count):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "results"
            shutil.copytree(original, folder)
            victim = rng.choice(sorted(folder.glob("shards/*/*.parquet")))
            content = bytearray(victim.read_bytes())
            if rng.random() < 0.5:
                del content[rng.randrange(len(content)) :]
            else:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            victim.write_bytes(bytes(content))
            found = not Results(folder).finished([victim.parent.name])
            held += found and finish(folder) == whole
    return count, held, "every one found and redone"


def faults(count: int) -> dict[str, Outcome]:
    """All faults, each as often as told."""
    rng = random.Random(20231025)  # noqa: S311
    with tempfile.TemporaryDirectory() as place:
        original = Path(place) / "whole"
        began = time.monotonic()
        whole = finish(original)
        seconds = time.monotonic() - began
        cases: dict[str, Callable[[], Outcome]] = {
            "kill -9 of the group, compiled": lambda: interrupted(
                signal.SIGKILL, "compiled", count, whole, seconds=seconds, rng=rng),
            "kill -9 of the group, agents": lambda: interrupted(
                signal.SIGKILL, "mesa", max(1, count // 5), whole, seconds=2 * seconds, rng=rng),
            "SIGINT, compiled": lambda: interrupted(
                signal.SIGINT, "compiled", max(1, count // 5), whole, seconds=seconds, rng=rng),
            "SIGTERM, agents": lambda: interrupted(
                signal.SIGTERM, "mesa", max(1, count // 5), whole, seconds=seconds, rng=rng),
            "kill -9 of the parent": lambda: orphans(max(1, count // 5), whole, seconds=2 * seconds, rng=rng),
            "two sweeps, one folder": lambda: second_sweep(max(1, count // 2), whole),
            "full disk": lambda: full_disk(max(1, count // 5), whole, rng=rng),
            "shard cut or flipped": lambda: damage(count, original, whole, rng=rng),
        }  # fmt: skip
        found = {}
        for name, case in cases.items():
            found[name] = case()
            print(f"{name}: {found[name][1]} of {found[name][0]} held", file=sys.stderr, flush=True)
        return found


def main() -> None:
    """Inject, print, and exit with 1 where a promise broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    found = faults(told.count)
    if told.json:
        print(json.dumps({name: {"injected": n, "held": h, "seen": s} for name, (n, h, s) in found.items()}, indent=1))
    else:
        shown = Table(title="Faults injected, and how often the promise held", box=None)
        for column in ("fault", "injected", "held", "seen"):
            shown.add_column(column)
        for name, (injected, held, seen) in found.items():
            shown.add_row(name, str(injected), str(held), seen)
        Console().print(shown)
    sys.exit(any(held < injected for injected, held, _ in found.values()))


if __name__ == "__main__":
    main()
