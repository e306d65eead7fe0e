"""Where runs are executed: chunks of replicates of a design point, each committed as its own shard."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Any

from sim.chunks import Chunk, tables_of
from sim.faults import Fault, InputError
from sim.links import SparseWorld, arrays_of
from sim.scenario import Scenario
from sim.store import Results, write_shard
from sim.world import World

if TYPE_CHECKING:
    from sim.trajectory import Run

RunEach = Callable[..., Iterable["Run"]]  # (scenario, *, seed, replicates, world), a run for each replicate
Progress = Callable[[int, int], None]  # hears of the runs done and of all runs
MOST_DEATHS = 3
KILLED = "the run killed its own process"  # the error of a run that did
MOST_DEATHS_ALONE = 2  # one may be a kill from outside
START = "forkserver" if sys.platform == "linux" else "spawn"  # forked, a process is there in 0.2 s with what it imports
IMPORTED = ["sim.ensemble", "sim.model"]  # before forking
LEFT_TO_PARENT = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


Committed = Generator[tuple[Chunk, list[str]], None, None]  # chunks as they are committed, with their failures


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threaded(tasks: Sequence[tuple[int, Callable[[], None]]], workers: int | None, progress: Progress | None) -> None:
    """Do tasks, each of a number of runs, in threads; an error or a signal drops those not begun."""
    total, done = sum(runs for runs, _ in tasks), 0
    pool = ThreadPoolExecutor(workers or cores())
    try:
        if progress is not None:
            progress(done, total)
        begun = {pool.submit(task): runs for runs, task in tasks}
        for future in as_completed(begun):
            future.result()
            done += begun[future]
            if progress is not None:
                progress(done, total)
    finally:
        pool.shutdown(cancel_futures=True)


def compiled(scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World | SparseWorld) -> Iterator[Run]:
    """Compiled runs, equal to those by agents; by listed ties where the world is too large for matrices."""
    from sim import ensemble, sparse

    if isinstance(world, SparseWorld):
        return (sparse.run(world, seed=seed, replicate=replicate) for replicate in replicates)
    return ensemble.runs(scenario, seed=seed, replicates=replicates, world=world)


def agents(scenario: Scenario, *, seed: int, replicates: Sequence[int], world: World) -> Iterator[Run]:
    """Runs by the Mesa agents."""
    from sim.model import run

    return (run(scenario, seed=seed, replicate=replicate, world=world) for replicate in replicates)


def execute(chunk: Chunk, results: Results, run_each: RunEach) -> list[str]:
    """Run a chunk and commit its shard; the labels of the runs that failed."""
    world = arrays_of(chunk.scenario)
    return commit(chunk, results, attempt(chunk, run_each, chunk.replicates, world))


def commit(chunk: Chunk, results: Results, rows: list[Run | str]) -> list[str]:
    """Write the shard of a chunk from its runs, a text standing for one that failed; the labels of those."""
    write_shard(results, chunk.name, tables_of(chunk, rows))
    failed = [replicate for replicate, run in zip(chunk.replicates, rows, strict=True) if isinstance(run, str)]
    return [f"{chunk.scenario_name} point {chunk.point} replicate {replicate}" for replicate in failed]


def in_threads(chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Execute chunks in threads, yielding each as it is committed: compiled runs hold no lock."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield from run_pool(pool, chunks, results, run_each, workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def in_processes(chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Execute chunks in a pool of fresh processes, yielding each as it is committed.

    The pool is rebuilt when a worker dies. A chunk that three workers died on is split into its runs, and
    a run that kills its process alone becomes a failed row.
    """
    deaths: dict[str, int] = {}
    waiting = list(chunks)
    while waiting:
        alone = [chunk for chunk in waiting if deaths.get(chunk.name, 0) >= MOST_DEATHS]
        for chunk in alone:
            waiting.remove(chunk)
            yield chunk, one_by_one(chunk, results, run_each)
        done: set[str] = set()
        pool = Pool(workers)
        try:
            for chunk, failed in run_pool(pool, waiting, results, run_each, workers):
                done.add(chunk.name)
                yield chunk, failed
        except BrokenProcessPool as broken:
            for name in broken.args[1] if len(broken.args) > 1 else ():
                deaths[name] = deaths.get(name, 0) + 1
        finally:
            pool.stop()
        waiting = [chunk for chunk in waiting if chunk.name not in done]


def run_pool(pool: Executor, chunks: list[Chunk], results: Results, run_each: RunEach, workers: int) -> Committed:
    """Keep a pool busy; raises BrokenProcessPool with the names of the chunks under way when a worker dies."""
    queue = iter(chunks)
    under_way: dict[Future[list[str]], Chunk] = {}
    while True:
        for chunk in queue:
            under_way[pool.submit(execute, chunk, results, run_each)] = chunk
            if len(under_way) >= 2 * workers:
                break
        if not under_way:
            return
        ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
        for future in ready:
            chunk = under_way[future]
            try:
                failed = future.result()
            except BrokenProcessPool as broken:
                raise BrokenProcessPool(str(broken), [c.name for c in under_way.values()]) from None
            del under_way[future]
            yield chunk, failed


def one_by_one(chunk: Chunk, results: Results, run_each: RunEach) -> list[str]:
    """Execute a chunk that kills its workers run by run, and commit it."""
    return commit(chunk, results, isolated(chunk, run_each))


def isolated(chunk: Chunk, run_each: RunEach) -> list[Run | str]:
    """The runs of a chunk, or the texts of their errors, made in another process: a fresh one after each death."""
    world = arrays_of(chunk.scenario)
    rows: list[Run | str] = []
    pool = Pool(1)
    try:
        for replicate in chunk.replicates:
            for _ in range(MOST_DEATHS_ALONE):
                try:
                    rows += pool.submit(attempt, chunk, run_each, (replicate,), world).result()
                    break
                except BrokenProcessPool:
                    pool.stop()
                    pool = Pool(1)
            else:
                rows.append(KILLED)
    finally:
        pool.stop()
    return rows


def attempt(chunk: Chunk, run_each: RunEach, replicates: Sequence[int], world: World | SparseWorld) -> list[Run | str]:
    """Runs as they are stored, or the texts of their errors: the one place where a failure becomes data.

    Where one of several fails each is made alone, to tell which.
    """
    try:
        return [run.stored() for run in run_each(chunk.scenario, seed=chunk.seed, replicates=replicates, world=world)]
    except Exception:  # noqa: BLE001  # the row carries the traceback; the sweep goes on
        failure = traceback.format_exc()
    if len(replicates) == 1:
        return [failure]
    return [row for replicate in replicates for row in attempt(chunk, run_each, (replicate,), world)]


class Pool(ProcessPoolExecutor):
    """Processes that end with this one and leave its signals to it."""

    def __init__(self, workers: int) -> None:
        context = multiprocessing.get_context(START)
        preload(context, IMPORTED)
        with signals_left():
            super().__init__(workers, mp_context=context, initializer=follow_parent)
            self.beginner = ThreadPoolExecutor(1)
            self.beginner.submit(int)  # begins its thread

    def submit(self, *call: Any, **named: Any) -> Future[Any]:
        """Ask for a call; the process for it is begun where a signal's exception cannot strike halfway."""
        return self.beginner.submit(super().submit, *call, **named).result()

    def stop(self) -> None:
        """End the processes without waiting for their work."""
        self.beginner.shutdown()
        untyped: Any = self
        manager, calls = untyped._executor_manager_thread, untyped._call_queue
        processes = list((self._processes or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        if manager is not None:
            manager.join(1)  # Python, leaving, would write into a pipe that this thread is closing
            if manager.is_alive():  # before Python 3.11.5 it waits for what is written into a pipe that nobody reads
                calls._reader.close()
                manager.join(1)


def preload(context: BaseContext, imported: list[str]) -> None:
    """Have workers forked from a process that has imported rooms, and that knows whom not to outlive."""
    os.environ["BLOCS_PARENT"] = str(os.getpid())
    context.set_forkserver_preload(["sim.orphans", *imported])


@contextlib.contextmanager
def signals_left() -> Iterator[None]:
    """What this thread begins meanwhile, processes and threads, never hears the signals that end a sweep.

    They inherit what is blocked, so that none strikes a process in its first instants, before it could ignore them.
    """
    block = getattr(signal, "pthread_sigmask", None)
    if block is None:
        yield
        return
    before = block(signal.SIG_BLOCK, LEFT_TO_PARENT)
    try:
        resource_tracker.ensure_running()  # it clears up after workers; where it begins it unblocks them again
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


Execute = Callable[[list[Chunk], Results, RunEach, int], Committed]
ENGINES: dict[str, tuple[Execute, RunEach]] = {"compiled": (in_threads, compiled), "mesa": (in_processes, agents)}


def engine_of(name: str, scheduler: str | None = None) -> tuple[Execute, RunEach]:
    """What executes chunks, and each run of them; raises InputError where it is not installed."""
    if name != "dask":
        return ENGINES[name]
    try:
        from sim.cluster import on_cluster
    except ImportError as error:
        message = f"needs a package that is missing ({error.name}): pip install 'blocs[cluster]'"
        raise InputError([Fault("--engine", 1, "dask", message)]) from None
    return partial(on_cluster, scheduler=scheduler), compiled
