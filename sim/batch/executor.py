"""Execute runs in threads, in this process or in another one; commit each chunk as its own shard."""

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

from sim.batch.recorded import rules_hash
from sim.batch.store import Results, write_shard
from sim.batch.tables.chunk import Chunk, chunk_tables, join_parts
from sim.batch.tables.schema import cut_error
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from sim.model.arrays import Stored
    from sim.model.trajectory import Run

Item = TypeVar("Item")
Value = TypeVar("Value")
RunEach = Callable[..., Iterable["Run"]]  # (scenario, *, seed, replicates, world, stored), a run for each replicate

Progress = Callable[[int, int], None]  # (runs done, all runs)

MOST_WORLDS = 8
WORLDS: dict[str, World] = {}  # of the last scenarios, by digest
WORLDS_LOCK = threading.Lock()

KILLED = "the run killed its own process"  # error of such a run
MOST_DEATHS_ALONE = 2  # of one run's process; the first kill may come from outside
START = "forkserver" if sys.platform == "linux" else "spawn"  # of processes, without the locks of this one
LEFT_TO_PARENT = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

Committed = Generator[Chunk, None, None]  # chunks, each when it is committed


def available_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def evaluate(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    *,
    runs: int | Sequence[int] = 1,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Value]:
    """Compute a function of each item in threads; return the values in the order of the items.

    runs is the number of runs of each item. progress is called before the first item and after each. An error
    cancels the items that have not begun.
    """
    sizes = [runs] * len(items) if isinstance(runs, int) else runs
    total, done = sum(sizes), 0
    report = progress or (lambda done, total: None)
    pool = ThreadPoolExecutor(workers or available_cores())
    try:
        report(done, total)
        futures = {pool.submit(function, item): size for item, size in zip(items, sizes, strict=True)}
        for future in as_completed(futures):
            future.result()
            done += futures[future]
            report(done, total)
    finally:
        pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


def compiled_engine(
    scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World, stored: Stored | None = None
) -> Iterator[Run]:
    """Make compiled runs, equal to those of the agents in what is stored."""
    from sim.model import compiled as compiled_runs

    return compiled_runs.iterate_runs(scenario, seed=seed, replicates=replicates, world=world, stored=stored)


def agent_engine(
    scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World, stored: Stored | None = None
) -> Iterator[Run]:
    """Make runs with the Mesa agents, which observe everything."""
    from sim.model.agents import run_agents

    return (run_agents(scenario, seed=seed, replicate=replicate, world=world) for replicate in replicates)


def run_chunk(chunk: Chunk, results: Results, run_each: RunEach) -> None:
    """Run a chunk and commit its shard."""
    world = shared_world(chunk)
    made = ((part, attempt_runs(part, run_each, part.replicates, world)) for part in chunk.parts())
    commit_chunk(chunk, results, made)


def shared_world(chunk: Chunk) -> World:
    """The arrays of a chunk's scenario, which the next chunks of the same scenario use too."""
    with WORLDS_LOCK:
        world = WORLDS.pop(chunk.digest, None)
    world = world or world_of(chunk.scenario)
    with WORLDS_LOCK:
        WORLDS[chunk.digest] = world
        for digest in list(WORLDS)[:-MOST_WORLDS]:
            del WORLDS[digest]
    return world


def commit_chunk(chunk: Chunk, results: Results, made: Iterable[tuple[Chunk, list[Run | str]]]) -> None:
    """Write the shard of a chunk from the runs of its parts, or errors of failed runs."""
    tables = [chunk_tables(part, rows) for part, rows in made]
    write_shard(results, chunk.name, join_parts(tables), chunk.identity(rules_hash()))


def execute_in_threads(chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Execute chunks in threads and yield each when it is committed; compiled runs release Python's lock."""
    queue = iter(chunks)
    under_way: dict[Future[None], Chunk] = {}
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            for chunk in itertools.islice(queue, 2 * workers - len(under_way)):
                under_way[pool.submit(run_chunk, chunk, results, run_each)] = chunk
            if not under_way:
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                future.result()
                yield under_way.pop(future)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def execute_in_process(chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Execute chunks one after another and yield each when it is committed; agents hold Python's lock."""
    for chunk in chunks:
        run_chunk(chunk, results, run_each)
        yield chunk


def isolate_runs(chunk: Chunk, run_each: RunEach) -> list[Run | str]:
    """Make the runs of a chunk, or their errors, in another process; start a new process after each death."""
    world = world_of(chunk.scenario)
    rows: list[Run | str] = []
    pool = spawn_process()
    try:
        for replicate in chunk.replicates:
            for _ in range(MOST_DEATHS_ALONE):
                try:
                    with signals_blocked():
                        future = pool.submit(attempt_runs, chunk, run_each, (replicate,), world)
                    rows += future.result()
                    break
                except BrokenProcessPool:
                    pool = spawn_process()
            else:
                rows.append(KILLED)
    finally:
        pool.shutdown(cancel_futures=True)
    return rows


def spawn_process() -> ProcessPoolExecutor:
    """Make a pool of one process, which starts at the first call and ends with this process."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(START), initializer=follow_parent)


def attempt_runs(chunk: Chunk, run_each: RunEach, replicates: Sequence[int], world: World) -> list[Run | str]:
    """Make runs, or the texts of their errors: the only place where a failure becomes data.

    Where one of several runs fails, make each separately to find it.
    """
    try:
        window = chunk.window
        made = run_each(chunk.scenario, seed=chunk.seed, replicates=replicates, world=world, stored=chunk.stored)
        return [run.compact(window) for run in made]
    except Exception:  # noqa: BLE001  # the row carries the traceback; the sweep goes on
        failure = cut_error(traceback.format_exc())
    if len(replicates) == 1:
        return [failure]
    return [row for replicate in replicates for row in attempt_runs(chunk, run_each, (replicate,), world)]


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Start processes and threads that never receive the signals that end a sweep.

    They inherit the block, so no signal can reach a process before it ignores signals.
    """
    block = getattr(signal, "pthread_sigmask", None)
    if block is None:
        yield
        return
    before = block(signal.SIG_BLOCK, LEFT_TO_PARENT)
    try:
        resource_tracker.ensure_running()  # its start unblocks the signals
        block(signal.SIG_BLOCK, LEFT_TO_PARENT)
        yield
    finally:
        block(signal.SIG_SETMASK, before)


def follow_parent() -> None:
    """Ignore the parent's signals, and end this process at once when the parent is gone."""
    for number in LEFT_TO_PARENT:
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
