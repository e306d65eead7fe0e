"""Chunks on Dask workers: processes of this machine, or of many machines that share its file system."""

from __future__ import annotations

import contextlib
import itertools
import logging
import multiprocessing
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError
from multiprocessing.process import BaseProcess

import dask
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed
from distributed.utils import get_mp_context

from sim.batch.executor import START, Committed, RunEach, commit_chunk, isolate_runs, run_chunk, signals_blocked
from sim.batch.recorded import current_versions
from sim.batch.store import MANIFEST, Results
from sim.batch.tables import Chunk
from sim.errors import Fault, InputError

MOST_DEATHS = 3  # of workers on one chunk, before its runs are made one by one

PATIENCE = 60  # seconds for a first worker to be there

LOCAL: dict[str, object] = {
    "distributed.worker.multiprocessing-method": START,
    "distributed.scheduler.allowed-failures": MOST_DEATHS - 1,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}

IMPORTED = [
    "distributed",
    "sim.batch.cluster",
    "sim.model.agents.compiled",
]  # before workers are forked, which are then there in 0.2 s


class UnlikeError(Exception):
    """A worker is not what this process is."""


def execute_on_cluster(
    chunks: list[Chunk], results: Results, run_each: RunEach, workers: int, scheduler: str | None = None
) -> Committed:
    """Execute chunks on the workers of a scheduler or of a cluster of this process, yielding each as committed."""
    if not chunks:
        return
    for logger in ("distributed", "distributed.client"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # what matters is raised
    shared = Results(results.folder.resolve())
    with connect_to_scheduler(scheduler) if scheduler else start_local_cluster(workers) as client:
        own = worker_facts(shared)
        found = client.run(worker_facts, shared, on_error="return")
        there = {worker: its for worker, its in found.items() if not isinstance(its, OSError)}  # others died meanwhile
        refuse_if([f"{worker} {told}" for worker, its in there.items() if (told := worker_differences(own, its))])
        try:
            yield from distribute_chunks(client, chunks, shared, run_each, own)
        except UnlikeError as error:
            refuse_if([str(error)])
        except CancelledError:
            raise ConnectionError("the Dask scheduler is gone; the same command goes on where it stopped") from None


def distribute_chunks(
    client: Client, chunks: list[Chunk], results: Results, run_each: RunEach, own: dict[str, str]
) -> Committed:
    """Keep the workers busy; a chunk that killed several is executed run by run beside this process."""
    queue = iter(chunks)
    under_way: dict[Future, Chunk] = {}
    ready = as_completed(loop=client.loop)

    def feed() -> None:
        wanted = max(2 * sum(client.nthreads().values()), 2)
        for chunk in itertools.islice(queue, max(wanted - len(under_way), 0)):
            future = client.submit(run_on_worker, chunk, results, run_each, own, pure=False)
            under_way[future] = chunk
            ready.add(future)

    feed()
    for future in ready:
        chunk = under_way.pop(future)
        try:
            failed = future.result()
        except KilledWorker:
            failed = commit_chunk(chunk, results, isolate_runs(chunk, run_each))
        feed()
        yield chunk, failed


def run_on_worker(chunk: Chunk, results: Results, run_each: RunEach, own: dict[str, str]) -> list[str]:
    """What a worker does: commit the chunk's shard and say which runs failed; it may have joined late, so it looks."""
    told = worker_differences(own, worker_facts(results))
    if told:
        raise UnlikeError(f"a worker {told}")
    return run_chunk(chunk, results, run_each)


def worker_facts(results: Results) -> dict[str, str]:
    """What must be the same wherever chunks are executed: the versions, and the folder that is written into."""
    manifest = results.folder / MANIFEST
    size = f"of {manifest.stat().st_size} bytes" if manifest.is_file() else "missing"
    return {**current_versions(), str(manifest): size}


def worker_differences(own: dict[str, str], its: dict[str, str] | BaseException) -> str:
    """In what a worker differs from this process; nothing where it does not."""
    if isinstance(its, BaseException):
        return f"cannot say its versions: {its}"
    return "; ".join(f"has {key} {its.get(key)}, this process {own[key]}" for key in own if own[key] != its.get(key))


def refuse_if(messages: list[str]) -> None:
    """Raise InputError where there is anything to refuse."""
    if messages:
        raise InputError(Fault("--engine", 1, "dask", message) for message in messages)


@contextlib.contextmanager
def connect_to_scheduler(address: str) -> Iterator[Client]:
    """A client of a scheduler that somebody else started, once it has a worker."""
    if not re.match(r"(tcp|tls)://", address):
        raise InputError([Fault("--scheduler", 1, address, "give tcp://HOST:PORT")])
    try:
        client = Client(address, timeout=5, set_as_default=False)
    except (OSError, ValueError):
        raise InputError([Fault("--scheduler", 1, address, "no Dask scheduler answers there")]) from None
    with client:
        wait_for_worker(client)
        yield client


@contextlib.contextmanager
def start_local_cluster(workers: int) -> Iterator[Client]:
    """A client of worker processes of this machine, on loopback alone, that end with this process."""
    before = set(multiprocessing.active_children())
    with dask.config.set(LOCAL), contextlib.ExitStack() as ending:
        get_mp_context().set_forkserver_preload(IMPORTED)
        with signals_blocked():  # its thread begins all workers
            cluster = LocalCluster(
                n_workers=0, threads_per_worker=1, processes=True, host="127.0.0.1", security=True,
                dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0",  # of their HTTP servers
                scheduler_kwargs={"dashboard": False}, silence_logs=logging.CRITICAL,
            )  # fmt: skip
        cluster.new_spec["options"]["dashboard"] = False
        ending.callback(close_cluster, cluster)
        client = Client(cluster, set_as_default=False)
        ending.callback(client.close, timeout=1)
        ending.callback(kill_new_children, before)
        cluster.scale(workers)
        wait_for_worker(client)
        yield client


def close_cluster(cluster: LocalCluster) -> None:
    """End a cluster whose workers have been killed."""
    with contextlib.suppress(KeyError):  # it looks up the name of one that was killed before it had told it
        cluster.close(timeout=3)


def kill_new_children(before: set[BaseProcess]) -> None:
    """End the children of this process that it did not have before, without waiting for their work."""
    for child in set(multiprocessing.active_children()) - before:
        child.kill()


def wait_for_worker(client: Client) -> None:
    """Wait until there is a worker."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise TimeoutError(f"no Dask worker has joined within {PATIENCE} s") from None
