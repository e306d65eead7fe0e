"""Kills, signals and rivals: what ends a sweep from outside."""

from __future__ import annotations

import os
import re
import signal
import time

import psutil

from benchmarks.ground import Ground, Outcome, alive, shards, until

ENGINES = ("compiled", "mesa", "dask")
PATIENCE = 120.0


def killed_whole(ground: Ground, count: int, engine: str, *, times: int = 2) -> Outcome:
    """kill -9 of the whole group at random moments, so many times in one sweep, which is then resumed."""
    whole, seconds = ground.alone(engine)
    held, kept, worst = 0, 0, 0.0
    for _ in range(count):
        good = True
        with ground.place() as folder:
            for _ in range(times):
                process = ground.start(folder, engine)
                time.sleep(ground.rng.uniform(0, seconds))
                before = shards(folder)
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                sent = time.monotonic()
                process.communicate()
                good &= until(lambda pid=process.pid: not alive(pid), 5) and before <= shards(folder)  # type: ignore[misc]
                worst = max(worst, time.monotonic() - sent)
                kept += len(before)
            good &= ground.finish(folder, engine) == whole
        held += good
    return Outcome(count, held, worst, f"{kept} finished shards before the kills, all there after them")


def signalled(ground: Ground, count: int) -> Outcome:
    """SIGINT, SIGTERM and SIGHUP in turn to sweeps of every engine: ended within 5 s, with the line that resumes."""
    held, worst, late = 0, 0.0, 0
    for n in range(count):
        number, engine = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[n % 3], ENGINES[n // 3 % 3]
        whole, seconds = ground.alone(engine)
        with ground.place() as folder:
            process = ground.start(folder, engine)
            until(lambda: folder.is_dir() or process.poll() is not None, PATIENCE)  # noqa: B023
            time.sleep(ground.rng.uniform(0, seconds / 2))
            os.killpg(process.pid, number)
            sent = time.monotonic()
            _, err = process.communicate()
            until(lambda: not alive(process.pid), 10)  # noqa: B023
            took = time.monotonic() - sent
            worst = max(worst, took)
            resumes = process.returncode == 128 + number and f"--out {folder}" in err
            late += process.returncode == 0
            good = (resumes or process.returncode == 0) and took < 5 and "Traceback" not in err
            held += good and not alive(process.pid) and ground.finish(folder, engine) == whole
    return Outcome(count, held, worst, f"exit 130, 143 or 129, of which {late} came after the last run")


def workers_of(process: psutil.Popen) -> set[psutil.Process]:
    """The worker processes of a sweep."""
    found = set()
    for child in process.children(recursive=True):
        try:
            if re.search("spawn_main|dask worker", " ".join(child.cmdline())) and "tracker" not in str(child.cmdline()):
                found.add(child)
        except psutil.Error:
            continue
    return found


def killed_worker(ground: Ground, count: int, engine: str) -> Outcome:
    """kill -9 of one worker: another takes its place within 2 s, and the sweep ends with the same table."""
    whole, seconds = ground.alone(engine)
    held, worst, replaced = 0, 0.0, 0
    for _ in range(count):
        with ground.place() as folder:
            process = ground.start(folder, engine)
            until(lambda: bool(workers_of(process)) or process.poll() is not None, PATIENCE)  # noqa: B023
            time.sleep(ground.rng.uniform(0, seconds / 2))
            before = workers_of(process) if process.poll() is None else set()
            sent = time.monotonic()
            if before:
                ground.rng.choice(sorted(before, key=lambda p: p.pid)).kill()
                until(lambda: process.poll() is not None or bool(workers_of(process) - before), 10)  # noqa: B023
                replaced += 1
            took = time.monotonic() - sent
            worst = max(worst, took)
            _, err = process.communicate(timeout=PATIENCE)
            good = process.returncode == 0 and took < 2 and "Traceback" not in err
            held += good and ground.finish(folder, engine) == whole and not alive(process.pid)
    return Outcome(count, held, worst, f"exit 0; {replaced} were killed while the sweep ran")


def orphans(ground: Ground, count: int, engine: str) -> Outcome:
    """kill -9 of the parent alone: no worker outlives it by more than 2 s."""
    whole, seconds = ground.alone(engine)
    held, worst = 0, 0.0
    for _ in range(count):
        with ground.place() as folder:
            process = ground.start(folder, engine)
            time.sleep(ground.rng.uniform(0, seconds))
            process.kill()
            sent = time.monotonic()
            process.communicate()
            ended = until(lambda: not alive(process.pid), 2)  # noqa: B023
            until(lambda: not alive(process.pid), 20)  # noqa: B023
            worst = max(worst, time.monotonic() - sent)
            held += ended and ground.finish(folder, engine) == whole
    return Outcome(count, held, worst, "nobody alive after 2 s")


def second_sweep(ground: Ground, count: int) -> Outcome:
    """Two sweeps into one folder at once: one of them is refused, the other ends."""
    whole, _ = ground.alone()
    held, refusals, worst = 0, 0, 0.0
    for _ in range(count):
        with ground.place() as folder:
            began = time.monotonic()
            both = [ground.start(folder, workers=1) for _ in range(2)]
            said = [process.communicate()[1] for process in both]
            worst = max(worst, time.monotonic() - began)
            codes = sorted(process.returncode for process in both)
            named = any(f"is being written by process {other.pid}" in text for text in said for other in both)
            refused = codes == [0, 2] and named
            refusals += refused
            held += (refused or codes == [0, 0]) and ground.finish(folder) == whole
    return Outcome(count, held, worst, f"{refusals} refused with the other's name, the rest came when all was done")
