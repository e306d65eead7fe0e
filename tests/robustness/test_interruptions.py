"""Kills and signals: committed runs stay, and the resumed sweep equals an uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from robustness.ground import (
    DEADLY,
    GREEDY,
    LONG,
    REPLICATES,
    VIOLENT,
    alive,
    question,
    repeated,
    run_deadly,
    shard_bytes,
    shards,
    start_sweep,
    until,
    wait_for_shards,
    workers_of,
)

from sim.batch import executor
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.scenario.loading import load_scenario

ENGINES = ["compiled", pytest.param("mesa", marks=LONG), pytest.param("dask", marks=LONG)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n", repeated(21))
def test_killed_and_resumed_sweep(whole: Results, tmp_path: Path, engine: str, n: int) -> None:
    folder, moments = tmp_path / "results", random.Random(n)  # noqa: S311
    for _ in range(5 if n else 1):
        process, before = start_sweep(folder, engine), shards(folder)
        wait_for_shards(folder, len(before) + moments.randrange(3), process)
        with suppress(ProcessLookupError):  # it may end before
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode in (-signal.SIGKILL, 0)
        assert until(lambda: not alive(process.pid), 2)  # noqa: B023
        assert before <= shards(folder)
    committed = len(shards(folder))
    report = run_sweep(question(), folder, workers=1)
    assert report.computed_now == 2 * REPLICATES - 10 * committed
    assert shard_bytes(report.results) == shard_bytes(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, *(pytest.param(s, marks=LONG) for s in (15, 1))])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("least", [1, pytest.param(0, marks=LONG), pytest.param(4, marks=LONG)])
def test_signal_ends_a_sweep_with_the_command_that_resumes(
    whole: Results, tmp_path: Path, number: int, engine: str, least: int
) -> None:
    folder = tmp_path / "results"
    process = start_sweep(folder, engine)
    wait_for_shards(folder, least, process)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number, err
    assert f"--out {folder}" in err
    assert "Traceback" not in err
    assert until(lambda: not alive(process.pid), 5)
    assert shard_bytes(run_sweep(question(), folder, workers=1).results) == shard_bytes(whole)


@LONG
@pytest.mark.parametrize("n", range(20))
def test_killed_worker_is_replaced_within_two_seconds(whole: Results, tmp_path: Path, n: int) -> None:
    """A sweep whose last shard is committed needs no worker."""
    process, every = start_sweep(tmp_path / "results", "dask", "--workers", "2"), len(shards(whole.folder))
    for least in sorted(random.Random(n).sample(range(8), 2)):  # noqa: S311
        assert until(lambda: process.poll() is not None or bool(workers_of(process)), 60)
        wait_for_shards(tmp_path / "results", least, process)
        workers = workers_of(process)
        if not workers:
            break
        min(workers, key=lambda worker: worker.pid).kill()
        replaced = until(lambda: process.poll() is not None or bool(workers_of(process) - workers), 2)  # noqa: B023
        assert replaced or len(shards(tmp_path / "results")) == every
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)


@pytest.mark.second
def test_deadly_runs_are_failed_rows(tmp_path: Path) -> None:
    one = make_question(
        {"baseline_2023": load_scenario("baseline_2023").model_copy(update={"steps": 6})}, replicates=20, seed=7
    )
    report = run_sweep(one, tmp_path / "results", workers=2, engine="dask", run_each=run_deadly)
    failures = dict(line.removeprefix("baseline_2023 point 0 replicate ").split(": ", 1) for line in report.failed)
    assert failures.keys() == {str(DEADLY), str(VIOLENT), str(GREEDY)}
    assert failures[str(DEADLY)] == failures[str(VIOLENT)] == "the run killed its own process"
    assert "Unable to allocate" in failures[str(GREEDY)]
    assert report.results.connection().execute("select count(*) from runs where status = 'ok'").fetchone() == (17,)
    again = replay_run(report.results, f"0-{DEADLY}", run_each=run_deadly)
    assert again.equal
    assert again.error == executor.KILLED


@LONG
@pytest.mark.parametrize("n", range(50))
def test_one_of_two_sweeps_into_one_folder_is_refused(whole: Results, tmp_path: Path, n: int) -> None:
    both = [start_sweep(tmp_path / "results", "compiled", "--workers", "1") for _ in range(2)]
    messages = [process.communicate()[1] for process in both]
    codes = sorted(process.returncode for process in both)
    named = any(f"is being written by process {other.pid}" in text for text in messages for other in both)
    assert (codes == [0, 2] and named) or codes == [0, 0]
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)
