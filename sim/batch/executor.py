"""Where runs are executed: chunks of replicates of a design point, each committed as its own shard."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, TypeVar

from sim.batch.store import Results, write_shard
from sim.batch.tables import Chunk, chunk_tables
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from sim.model.trajectory import Run

Item = TypeVar("Item")

Value = TypeVar("Value")

RunEach = Callable[..., Iterable["Run"]]  # (scenario, *, seed, replicates, world), a run for each replicate

Progress = Callable[[int, int], None]  # hears of the runs done and of all runs

KILLED = "the run killed its own process"  # the error of a run that did

MOST_DEATHS_ALONE = 2  # one may be a kill from outside

START = "forkserver" if sys.platform == "linux" else "spawn"  # how another process starts, free of locks of this one

LEFT_TO_PARENT = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

Committed = Generator[tuple[Chunk, list[str]], None, None]  # chunks as they are committed, with their failures


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def evaluate(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    *,
    runs: int | Sequence[int] = 1,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Value]:
    """The function's values of all items, in their order, computed in threads.

    runs is how many runs an item takes, or as many for each. progress hears of them before the first item is
    computed and after each. An error of one item drops those not begun.
    """
    sizes = [runs] * len(items) if isinstance(runs, int) else runs
    total, done = sum(sizes), 0
    report = progress or (lambda done, total: None)
    pool = ThreadPoolExecutor(workers or available_cores())
    try:
        report(done, total)
        begun = {pool.submit(function, item): size for item, size in zip(items, sizes, strict=True)}
        for future in as_completed(begun):
            future.result()
            done += begun[future]
            report(done, total)
    finally:
        pool.shutdown(cancel_futures=True)
    return [future.result() for future in begun]


def compiled_engine(scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World) -> Iterator[Run]:
    """Compiled runs, equal to those by agents."""
    from sim.model import compiled as compiled_runs

    return compiled_runs.iterate_runs(scenario, seed=seed, replicates=replicates, world=world)


def agent_engine(scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World) -> Iterator[Run]:
    """Runs by the Mesa agents."""
    from sim.model.agents import run_agents

    return (run_agents(scenario, seed=seed, replicate=replicate, world=world) for replicate in replicates)


def run_chunk(chunk: Chunk, results: Results, run_each: RunEach) -> list[str]:
    """Run a chunk and commit its shard; the labels of the runs that failed."""
    return commit_chunk(chunk, results, attempt_runs(chunk, run_each, chunk.replicates, world_of(chunk.scenario)))


def commit_chunk(chunk: Chunk, results: Results, rows: list[Run | str]) -> list[str]:
    """Write the shard of a chunk from its runs, a text standing for one that failed; the labels of those."""
    write_shard(results, chunk.name, chunk_tables(chunk, rows))
    failed = [replicate for replicate, run in zip(chunk.replicates, rows, strict=True) if isinstance(run, str)]
    return [f"{chunk.scenario_name} point {chunk.point} replicate {replicate}" for replicate in failed]


def execute_in_threads(chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Execute chunks in threads, yielding each as it is committed: compiled runs hold no lock."""
    queue = iter(chunks)
    under_way: dict[Future[list[str]], Chunk] = {}
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            for chunk in itertools.islice(queue, 2 * workers - len(under_way)):
                under_way[pool.submit(run_chunk, chunk, results, run_each)] = chunk
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                yield under_way.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def execute_in_process(chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Execute chunks one after another, yielding each as it is committed: agents run in Python, which has one lock."""
    for chunk in chunks:
        yield chunk, run_chunk(chunk, results, run_each)


def isolate_runs(chunk: Chunk, run_each: RunEach) -> list[Run | str]:
    """The runs of a chunk, or the texts of their errors, made in another process: a new one after each death."""
    world = world_of(chunk.scenario)
    rows: list[Run | str] = []
    pool = spawn_process()
    try:
        for replicate in chunk.replicates:
            for _ in range(MOST_DEATHS_ALONE):
                try:
                    with signals_blocked():
                        made = pool.submit(attempt_runs, chunk, run_each, (replicate,), world)
                    rows += made.result()
                    break
                except BrokenProcessPool:
                    pool = spawn_process()
            else:
                rows.append(KILLED)
    finally:
        pool.shutdown(cancel_futures=True)
    return rows


def spawn_process() -> ProcessPoolExecutor:
    """A pool of one process, which begins with its first call and ends with this process."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(START), initializer=follow_parent)


def attempt_runs(chunk: Chunk, run_each: RunEach, replicates: Sequence[int], world: World) -> list[Run | str]:
    """Runs as they are stored, or the texts of their errors: the one place where a failure becomes data.

    Where one of several fails each is made alone, to tell which.
    """
    try:
        return [run.compact() for run in run_each(chunk.scenario, seed=chunk.seed, replicates=replicates, world=world)]
    except Exception:  # noqa: BLE001  # the row carries the traceback; the sweep goes on
        failure = traceback.format_exc()
    if len(replicates) == 1:
        return [failure]
    return [row for replicate in replicates for row in attempt_runs(chunk, run_each, (replicate,), world)]


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """What this thread starts meanwhile, processes and threads, never receives the signals that end a sweep.

    They inherit what is blocked, so that no signal reaches a process before it could ignore it.
    """
    block = getattr(signal, "pthread_sigmask", None)
    if block is None:
        yield
        return
    before = block(signal.SIG_BLOCK, LEFT_TO_PARENT)
    try:
        resource_tracker.ensure_running()  # it clears up after workers; where it starts it unblocks the signals
        block(signal.SIG_BLOCK, LEFT_TO_PARENT)
        yield
    finally:
        block(signal.SIG_SETMASK, before)


def follow_parent() -> None:
    """End at once when the parent is gone; where signals cannot be blocked, ignore those that are its own."""
    for number in LEFT_TO_PARENT:
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
