"""Many processes and machines: the same bytes as one process, also after kills; only loopback listens."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from robustness.ground import LONG, runs, shard_bytes, until, wait_for_shards, workers_of

from sim.batch import cluster, executor
from sim.batch.locks import SweepShare
from sim.batch.store import Results, place_shard
from sim.batch.sweep import Question, make_question, run_sweep
from sim.cli import cli
from sim.cli.commands.run import parse_share
from sim.errors import InputError
from sim.scenario.loading import load_scenario

REPLICATES = 160
WORDS = ["sweep", "baseline_2023", "no_sanctions", "--replicates", str(REPLICATES), "--seed", "7", "--workers", "2"]
DASK = ("--engine", "dask")
ALONE = (*DASK, "--workers", "1")


def question(**changes: Any) -> Question:
    """The question of WORDS: 32 chunks."""
    scenarios = {name: load_scenario(name) for name in ("baseline_2023", "no_sanctions")}
    return make_question(scenarios, **{"replicates": REPLICATES, "seed": 7, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The sweep in threads of one process."""
    return run_sweep(question(), tmp_path_factory.mktemp("whole") / "results", workers=1).results


def sweep_to(folder: Path, *options: str) -> list[str]:
    """The words of the sweep after `blocs`."""
    return [*WORDS, "--out", str(folder), *options]


def start_sweep(folder: Path, *options: str) -> psutil.Popen:
    """Start the sweep in its own process group."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return psutil.Popen(
        [sys.executable, "-m", "sim", *sweep_to(folder, *options)], text=True, start_new_session=True, **pipes
    )


def gone(processes: list[psutil.Process], seconds: float) -> bool:
    """Whether processes end within some seconds."""
    return until(lambda: not any(map(runs, processes)), seconds)


def beyond_loopback(processes: list[psutil.Process]) -> list[str]:
    """Addresses other than loopback on which a process listens."""
    listening = [c.laddr.ip for p in processes for c in p.net_connections("all") if c.status == psutil.CONN_LISTEN]
    assert listening
    return [ip for ip in listening if ip not in ("127.0.0.1", "::1")]


def kill_worker_at(folder: Path, shards: int) -> psutil.Popen:
    """Start a sweep by Dask and kill a worker when there are so many shards."""
    process = start_sweep(folder, *DASK)
    wait_for_shards(folder, shards, process)
    assert until(lambda: bool(workers_of(process)), 60)
    assert beyond_loopback([process, *workers_of(process)]) == []
    min(workers_of(process), key=lambda worker: worker.pid).kill()
    return process


@pytest.mark.second
def test_local_cluster_computes_the_same_and_only_loopback_listens(whole: Results, tmp_path: Path) -> None:
    own = psutil.Process()
    outside = []

    def look(done: int, total: int) -> None:
        if done == total:
            outside.extend(beyond_loopback([own, *own.children(recursive=True)]))

    report = run_sweep(question(), tmp_path / "results", workers=2, engine="dask", progress=look)
    assert shard_bytes(report.results) == shard_bytes(whole)
    assert outside == []


@pytest.mark.parametrize("error", [TimeoutError("timed out after 3 s."), KeyError("worker")])
def test_cluster_that_closes_late_spoils_no_sweep(error: Exception) -> None:
    class Slow:
        def close(self, timeout: float) -> None:
            raise error

    cluster.close_cluster(Slow())


@LONG
@pytest.mark.parametrize("shards", range(20))
def test_killed_worker_changes_no_byte_and_only_loopback_listens(whole: Results, tmp_path: Path, shards: int) -> None:
    process = kill_worker_at(tmp_path / "results", shards)
    family = [process, *workers_of(process)]
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert f"{2 * REPLICATES} of {2 * REPLICATES} runs finished ({2 * REPLICATES} computed now)" in out
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)
    assert gone(family, 2)


@LONG
@pytest.mark.parametrize("started_for", [0.15, 0.35])
def test_signal_while_a_worker_imports(tmp_path: Path, started_for: float) -> None:
    process = start_sweep(tmp_path / "results", *ALONE)
    assert until(lambda: bool(workers_of(process)), 60)
    family = [process, *process.children(recursive=True)]
    time.sleep(started_for)  # a moment within the imports, which no condition shows
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert gone(family, 4)


@LONG
@pytest.mark.parametrize("shards", [0, 1, 2, 3, 5, 8, 12, 20])
def test_killed_client_leaves_no_process_and_loses_no_run(whole: Results, tmp_path: Path, shards: int) -> None:
    folder = tmp_path / "results"
    process = start_sweep(folder, *ALONE)
    wait_for_shards(folder, shards, process)
    family = process.children(recursive=True)
    process.kill()
    process.communicate()
    assert gone(family, 4)
    report = run_sweep(question(), folder, workers=2)
    assert report.computed_now <= report.runs - shards * 10
    assert shard_bytes(report.results) == shard_bytes(whole)


@contextmanager
def running(*command: str) -> Iterator[None]:
    """Run a process of a cluster."""
    process = subprocess.Popen([sys.executable, "-m", *command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.second
def test_running_cluster_computes_the_same_and_other_versions_are_refused(whole: Results, tmp_path: Path) -> None:
    file, lie = tmp_path / "scheduler.json", tmp_path / "lie.py"
    lie.write_text("import sim\nsim.__version__ = '0.0.9'\n", encoding="utf-8")
    worker = ("dask", "worker", "--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard",
              "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path))  # fmt: skip
    with running("dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                 "--scheduler-file", str(file)):  # fmt: skip
        assert until(lambda: file.exists() and file.read_text(encoding="utf-8").endswith("}"), 20)
        with running(*worker):
            done = CliRunner().invoke(cli, sweep_to(tmp_path / "results", "--scheduler-file", str(file)))
            assert done.exit_code == 0, done.output
            assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)
        with running(*worker, "--preload", str(lie)):
            done = CliRunner().invoke(cli, sweep_to(tmp_path / "other", "--scheduler-file", str(file)))
    assert done.exit_code == 2, done.output
    assert re.search(r"tcp://127.0.0.1:\d+ has blocs 0.0.9, this process \d", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (["--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers there"),
        (["--scheduler", "127.0.0.1:8786"], "give tcp://HOST:PORT"),
        (["--scheduler-file", "nowhere.json"], "holds no address"),
        (["--scheduler", "tcp://127.0.0.1:1", "--engine", "mesa"], "goes with --engine dask, not mesa"),
        *(
            (["--shard", share], "give I/N, I from 1 to N")
            for share in ("4/3", "0/3", "1", "1/0", "a/b", "1/-1", "²/3")
        ),
    ],
)
def test_bad_options_of_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], phrase: str
) -> None:
    monkeypatch.setattr(cluster, "ANSWER", 0.1)
    done = CliRunner().invoke(cli, ["sweep", "baseline_2023", "--out", str(tmp_path / "results"), *options])
    assert done.exit_code == 2, done.output
    assert phrase in done.stderr


def test_late_worker_checks_versions_and_folder(tmp_path: Path) -> None:
    from sim.batch.cluster import UnlikeError, run_on_worker, worker_facts

    one = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=3, seed=1)
    results = run_sweep(one, tmp_path / "results", share=SweepShare(2, 2)).results
    (chunk,) = one.chunks()
    with pytest.raises(UnlikeError, match=r"has numpy 2\..*, this process 1.0"):
        run_on_worker(chunk, results, executor.compiled_engine, {**worker_facts(results), "numpy": "1.0"})
    own = worker_facts(results)
    (results.folder / "manifest.json").unlink()
    with pytest.raises(UnlikeError, match=r"manifest.json missing, this process of \d+ bytes"):
        run_on_worker(chunk, results, executor.compiled_engine, own)
    assert not results.shards.exists()


def test_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sim.batch.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'blocs\[cluster\]'"):
        run_sweep(question(), tmp_path / "results", engine="dask")
    assert not (tmp_path / "results").exists()


@pytest.mark.second
def test_simultaneous_shares_give_the_same_bytes(whole: Results, tmp_path: Path) -> None:
    process = start_sweep(tmp_path / "results", "--shard", "1/3")
    wait_for_shards(tmp_path / "results", 0, process)
    with ThreadPoolExecutor() as pool:
        shares = [
            pool.submit(run_sweep, question(), tmp_path / "results", share=SweepShare(n, 3), workers=1) for n in (2, 3)
        ]
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "runs of share 1/3 finished" in out
    assert sum(share.result().computed_now for share in shares) == 210
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)


def test_more_shares_than_chunks(tmp_path: Path) -> None:
    one = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=3, seed=1)
    for n in (2, 1):
        assert run_sweep(one, tmp_path / "results", share=SweepShare(n, 2)).runs == (3 if n == 1 else 0)


def test_share_is_refused_beside_itself_another_division_and_a_whole_sweep(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    with results.locked(SweepShare(1, 3)), results.locked(SweepShare(2, 3)):
        for other in (SweepShare(1, 3), SweepShare(1, 2), None):
            with pytest.raises(InputError, match=rf"written by process {os.getpid()} on \S+ \(share [12]/3\)"):
                results.locked(other).__enter__()
    with results.locked(), pytest.raises(InputError, match=f"written by process {os.getpid()} on"):
        results.locked(SweepShare(1, 3)).__enter__()
    with results.locked(SweepShare(1, 2)):
        pass


def test_share_keeps_unfinished_files_of_another(whole: Results, tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    (results.shards / ".000000-00000010.aside").mkdir(parents=True)
    (results.shards / ".000000-00000000.aside").mkdir(parents=True)
    assert results.finished({"000000-00000000"}) == set()
    assert os.listdir(results.shards) == [".000000-00000010.aside"]


def test_share_of_another_question_is_refused(tmp_path: Path) -> None:
    one = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=3, seed=1)
    run_sweep(one, tmp_path / "results", share=SweepShare(1, 2))
    two = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=3, seed=2)
    with pytest.raises(InputError, match="seed 1 there, 2 now"):
        run_sweep(two, tmp_path / "results", share=SweepShare(2, 2))


def test_first_of_two_writers_of_a_shard_wins(whole: Results, tmp_path: Path) -> None:
    import shutil

    first, second = sorted(whole.shards.iterdir())[:2]
    shutil.copytree(first, tmp_path / "shards" / "x")
    shutil.copytree(second, tmp_path / "shards" / ".x.aside")
    of = json.loads((first / "seal.json").read_text("utf-8"))["of"]
    place_shard(tmp_path / "shards" / ".x.aside", tmp_path / "shards" / "x", of)
    assert os.listdir(tmp_path / "shards") == ["x"]
    assert (tmp_path / "shards" / "x" / "runs.parquet").read_bytes() == (first / "runs.parquet").read_bytes()


PAGE = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")
CODE = "\n".join(re.findall(r"```(?:sh|yaml)\n(.*?)```", PAGE, re.S)).replace("\\\n", " ")
CODE = re.sub(r"\n\s+(?=--)", " ", CODE)  # a folded line of YAML


@pytest.mark.parametrize("line", re.findall(r"\bblocs \w+ .*", CODE))
def test_commands_of_the_page_parse(line: str) -> None:
    words = shlex.split(re.sub(r"\$\(\(.*?\)\)|\$\w+", "1", line))[1:]
    context = cli.commands[words[0]].make_context(words[0], words[1:])
    assert parse_share(context.params.get("shard")) == (SweepShare(1, 50) if "--shard" in line else None)


def test_dask_options_of_the_page_exist() -> None:
    from distributed.cli.dask_scheduler import main as scheduler
    from distributed.cli.dask_worker import main as worker

    for name, command in (("scheduler", scheduler), ("worker", worker)):
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        (line,) = re.findall(rf"\bdask {name}\b(.*)", CODE)
        assert set(re.findall(r"(?<=\s)--[a-z-]+", line)) <= known, line


def test_scripts_of_the_page_are_valid_shell() -> None:
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S):
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)
