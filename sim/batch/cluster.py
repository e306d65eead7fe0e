"""Execute chunks on Dask workers: processes of this machine, or of many machines with a shared file system."""

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
from sim.batch.manifest import MANIFEST
from sim.batch.recorded import current_versions
from sim.batch.store import Results
from sim.batch.tables.chunk import Chunk
from sim.errors import Fault, InputError

MOST_DEATHS = 3  # of workers on one chunk; then its runs are made one by one
ANSWER = 5  # seconds for a scheduler to answer
PATIENCE = 60  # seconds to wait for the first worker
LOCAL: dict[str, object] = {
    "distributed.worker.multiprocessing-method": START,
    "distributed.scheduler.allowed-failures": MOST_DEATHS - 1,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
}
IMPORTED = ["distributed", "sim.batch.cluster", "sim.model.compiled"]  # before the fork, so that workers start fast


class UnlikeError(Exception):
    """A worker has other versions or another folder than this process."""


def execute_on_cluster(
    chunks: list[Chunk], results: Results, run_each: RunEach, workers: int, scheduler: str | None = None
) -> Committed:
    """Execute chunks on the workers of a scheduler, or of a local cluster, and yield each when it is committed."""
    if not chunks:
        return
    for logger in ("distributed", "distributed.client"):
        logging.getLogger(logger).setLevel(logging.CRITICAL)  # errors that matter are raised
    shared = Results(results.folder.resolve())
    with connect_to_scheduler(scheduler) if scheduler else start_local_cluster(workers) as client:
        own = worker_facts(shared)
        found = client.run(worker_facts, shared, on_error="return")
        alive = {worker: facts for worker, facts in found.items() if not isinstance(facts, OSError)}
        refuse_if([f"{worker} {text}" for worker, facts in alive.items() if (text := worker_differences(own, facts))])
        try:
            yield from distribute_chunks(client, chunks, shared, run_each, own)
        except UnlikeError as error:
            refuse_if([str(error)])
        except CancelledError:
            raise ConnectionError("the Dask scheduler is gone; the same command resumes the sweep") from None


def distribute_chunks(
    client: Client, chunks: list[Chunk], results: Results, run_each: RunEach, own: dict[str, str]
) -> Committed:
    """Keep the workers busy; execute a chunk that killed several of them run by run in another process."""
    queue = iter(chunks)
    under_way: dict[Future, Chunk] = {}
    ready = as_completed(loop=client.loop)

    def feed() -> None:
        most = max(2 * sum(client.nthreads().values()), 2)
        for chunk in itertools.islice(queue, max(most - len(under_way), 0)):
            future = client.submit(run_on_worker, chunk, results, run_each, own, pure=False)
            under_way[future] = chunk
            ready.add(future)

    feed()
    for future in ready:
        chunk = under_way.pop(future)
        try:
            future.result()
        except KilledWorker:
            commit_chunk(chunk, results, [(chunk, isolate_runs(chunk, run_each))])
        feed()
        yield chunk


def run_on_worker(chunk: Chunk, results: Results, run_each: RunEach, own: dict[str, str]) -> None:
    """Commit the shard of a chunk; a worker may join late, so check its versions."""
    if difference := worker_differences(own, worker_facts(results)):
        raise UnlikeError(f"a worker {difference}")
    run_chunk(chunk, results, run_each)


def worker_facts(results: Results) -> dict[str, str]:
    """The facts that must be equal in all processes that execute chunks: versions and manifest."""
    manifest = results.folder / MANIFEST
    size = f"of {manifest.stat().st_size} bytes" if manifest.is_file() else "missing"
    return {**current_versions(), str(manifest): size}


def worker_differences(own: dict[str, str], facts: dict[str, str] | BaseException) -> str:
    """The differences between a worker and this process, or ''."""
    if isinstance(facts, BaseException):
        return f"cannot report its versions: {facts}"
    return "; ".join(
        f"has {key} {facts.get(key)}, this process {own[key]}" for key in own if own[key] != facts.get(key)
    )


def refuse_if(messages: list[str]) -> None:
    """Raise InputError where there are messages."""
    if messages:
        raise InputError(Fault("--engine", 1, "dask", message) for message in messages)


@contextlib.contextmanager
def connect_to_scheduler(address: str) -> Iterator[Client]:
    """Connect to a running scheduler and wait for its first worker."""
    if not re.match(r"(tcp|tls)://", address):
        raise InputError([Fault("--scheduler", 1, address, "give tcp://HOST:PORT")])
    try:
        client = Client(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError):
        raise InputError([Fault("--scheduler", 1, address, "no Dask scheduler answers there")]) from None
    with client:
        wait_for_worker(client)
        yield client


@contextlib.contextmanager
def start_local_cluster(workers: int) -> Iterator[Client]:
    """Start worker processes of this machine, on loopback only; they end with this process."""
    before = set(multiprocessing.active_children())
    with dask.config.set(LOCAL), contextlib.ExitStack() as ending:
        get_mp_context().set_forkserver_preload(IMPORTED)
        with signals_blocked():  # its thread starts all workers
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
    """Close a cluster whose workers have been killed.

    All runs are stored by now. Dask does not know a worker that was killed early (KeyError), and a busy machine may not
    answer in time.
    """
    with contextlib.suppress(KeyError, TimeoutError):
        cluster.close(timeout=3)


def kill_new_children(before: set[BaseProcess]) -> None:
    """Kill the children of this process that it did not have before."""
    for child in set(multiprocessing.active_children()) - before:
        child.kill()


def wait_for_worker(client: Client) -> None:
    """Wait for the first worker."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise TimeoutError(f"no Dask worker has joined within {PATIENCE} s") from None
