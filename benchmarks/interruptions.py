"""Kills, signals and rivals: what ends a sweep from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time

import psutil

from benchmarks.ground import Ground, Outcome, alive, shards, until

ENGINES = ("compiled", "mesa", "dask")
PATIENCE = 120.0


def departure(process: psutil.Popen) -> tuple[float, str]:
    """Seconds until all of a sweep that has just been struck have left, and what it said; at most 20 are waited."""
    sent = time.monotonic()
    _, err = process.communicate()  # which waits for whoever still holds its streams, and so is timed too
    until(lambda: not alive(process.pid), 20)
    return time.monotonic() - sent, err


def killed_whole(ground: Ground, count: int, engine: str, *, times: int = 5) -> Outcome:
    """kill -9 of the whole group at random moments, so many times in each sweep, which is then resumed."""
    whole, seconds = ground.alone(engine)
    asked, held, kept, worst = 0, 0, 0, 0.0
    for _ in ground.rounds(-(-count // times)):
        with ground.place() as folder:
            good = 0
            for _ in range(times):
                process = ground.start(folder, engine)
                ground.moment(process, folder, seconds)
                before = shards(folder)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                took, _ = departure(process)
                good, worst = good + (took < 2 and before <= shards(folder)), max(worst, took)
                kept += len(before)
            asked, held = asked + times, held + (good if ground.finish(folder, engine) == whole else 0)
    return Outcome(asked, held, worst, f"{times} in each sweep; {kept} finished shards before kills, all there after")


def signalled(ground: Ground, count: int) -> Outcome:
    """SIGINT, SIGTERM and SIGHUP in turn to sweeps of every engine: ended within 5 s, with the line that resumes."""
    asked, held, worst, late = 0, 0, 0.0, 0
    for n in ground.rounds(count):
        asked += 1
        number, engine = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[n % 3], ENGINES[n // 3 % 3]
        whole, seconds = ground.alone(engine)
        with ground.place() as folder:
            process = ground.start(folder, engine)
            until(lambda: folder.is_dir() or process.poll() is not None, PATIENCE)  # noqa: B023
            time.sleep(ground.rng.uniform(0, seconds / 2))
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(process.pid, number)
            took, err = departure(process)
            worst = max(worst, took)
            resumes = process.returncode == 128 + number and f"--out {folder}" in err
            late += process.returncode == 0
            ended = (resumes or process.returncode == 0) and took < 5 and "Traceback" not in err
            good = ended and not alive(process.pid) and ground.finish(folder, engine) == whole
            held += good
            if not good:
                print(engine, number, process.returncode, f"{took:.1f} s", err[-2000:], file=sys.stderr)
    return Outcome(asked, held, worst, f"exit 130, 143 or 129, of which {late} came after the last run")


def workers_of(process: psutil.Popen) -> set[psutil.Process]:
    """The worker processes of a sweep, none when it has ended."""
    found = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                words = " ".join(child.cmdline() + child.parent().cmdline())
                found |= {child} if re.search("spawn_main|dask worker|forkserver.*forkserver", words) else set()
    return found


def killed_worker(ground: Ground, count: int, engine: str, *, times: int = 2) -> Outcome:
    """kill -9 of one worker, so many times in each sweep: another takes its place within 2 s, the table is the same."""
    whole, seconds = ground.alone(engine)
    asked, held, worst = 0, 0, 0.0
    for _ in ground.rounds(count):
        if asked >= count:
            break
        with ground.place() as folder:
            process, good, before = ground.start(folder, engine), 0, asked
            for _ in range(times):
                until(lambda: bool(workers_of(process)) or process.poll() is not None, PATIENCE)  # noqa: B023
                time.sleep(ground.rng.uniform(0, seconds / 3))
                workers = workers_of(process) if process.poll() is None else set()
                if not workers:
                    break
                sent = time.monotonic()
                ground.rng.choice(sorted(workers, key=lambda p: p.pid)).kill()
                until(lambda: process.poll() is not None or bool(workers_of(process) - workers), 20)  # noqa: B023
                took = time.monotonic() - sent
                worst, asked, good = max(worst, took), asked + 1, good + (took < 2)
            _, err = process.communicate(timeout=PATIENCE)
            left = not until(lambda: not alive(process.pid), 2)  # noqa: B023
            ended = process.returncode == 0 and "Traceback" not in err and not left
            if not ended:
                print(process.returncode, left, err[-300:], file=sys.stderr)
            held += good if ended and ground.finish(folder, engine) == whole else 0
            if asked == before:
                seconds /= 2  # the sweep ended before the kill
    return Outcome(asked, held, worst, f"up to {times} in each sweep; exit 0; the time is until another is there")


def orphans(ground: Ground, count: int, engine: str, *, times: int = 5) -> Outcome:
    """kill -9 of the parent alone, so many times in each sweep: no worker outlives it by more than 2 s."""
    whole, seconds = ground.alone(engine)
    asked, held, worst = 0, 0, 0.0
    for _ in ground.rounds(-(-count // times)):
        with ground.place() as folder:
            good = 0
            for _ in range(times):
                process = ground.start(folder, engine)
                ground.moment(process, folder, seconds)
                process.kill()
                took, _ = departure(process)
                good, worst = good + (took < 2), max(worst, took)
            asked, held = asked + times, held + (good if ground.finish(folder, engine) == whole else 0)
    return Outcome(asked, held, worst, f"{times} in each sweep; the time is until nobody is left")


def second_sweep(ground: Ground, count: int) -> Outcome:
    """Two sweeps into one folder at once: one of them is refused, the other ends."""
    whole, _ = ground.alone()
    asked, held, refusals, worst = 0, 0, 0, 0.0
    for _ in ground.rounds(count):
        asked += 1
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
    return Outcome(asked, held, worst, f"{refusals} refused with the other's name, the rest came when all was done")
