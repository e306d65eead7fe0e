"""The sweep: the same rows whatever happens to it, nothing finished ever lost, failures as rows."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from benchmarks.changes import changed, fields, told_only, verdict
from benchmarks.damages import DEADLY, GREEDY, VIOLENT, murderous
from benchmarks.ground import alive, until
from benchmarks.interruptions import workers_of
from sim import engines
from sim.catalog import load
from sim.compare import sample
from sim.faults import InputError
from sim.replay import replay
from sim.settings import with_settings
from sim.store import Results, is_sealed
from sim.sweep import Question, prepare, question_of, rules, sweep
from sim.trajectory import Run

REPLICATES = 40


def question(**changes: Any) -> Question:
    """A small sweep over two scenarios with short runs."""
    told = {name: load(name).model_copy(update={"steps": 6}) for name in ("baseline_2023", "no_sanctions")}
    return question_of(told, **{"replicates": REPLICATES, "seed": 7, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The sweep run without interruption, by one worker."""
    return sweep(question(), tmp_path_factory.mktemp("whole") / "results", workers=1).results


def shard_bytes(results: Results) -> dict[str, bytes]:
    """Every file of every shard."""
    return {str(p.relative_to(results.folder)): p.read_bytes() for p in sorted(results.shards.rglob("*.parquet"))}


@pytest.mark.parametrize(("engine", "workers"), [("compiled", 2), ("mesa", 1), ("mesa", 2)])
def test_workers_and_engine_do_not_change_a_byte(whole: Results, tmp_path: Path, engine: str, workers: int) -> None:
    other = sweep(question(), tmp_path / "results", workers=workers, engine=engine).results
    assert shard_bytes(other) == shard_bytes(whole)
    assert other.digest() == whole.digest()


def test_a_finished_sweep_computes_nothing_again(whole: Results) -> None:
    report = sweep(question(), whole.folder, workers=1)
    assert report.computed_now == 0
    assert report.runs == 2 * REPLICATES


def test_every_run_stands_once_with_its_key(whole: Results) -> None:
    rows = whole.connection().execute("select scenario, replicate, seed, digest, status from runs").fetchall()
    assert len(rows) == len({row[:2] for row in rows}) == 2 * REPLICATES
    assert {row[2] for row in rows} == {7}
    assert {row[3] for row in rows} == {point.digest for point in question().points}
    assert {row[4] for row in rows} == {"ok"}


def test_the_states_late_shares_sum_to_one(whole: Results) -> None:
    query = "select max(abs(share_front + share_us_led + share_non_aligned - 1)) < 1e-12, count(*) from states"
    assert whole.connection().execute(query).fetchone() == (True, 2 * REPLICATES * 52)


COMMAND = [sys.executable, "-m", "sim", "sweep", "baseline_2023", "no_sanctions", "--replicates", str(REPLICATES),
           "--seed", "7", "--steps", "6", "--workers", "2"]  # fmt: skip


def started(folder: Path, engine: str = "mesa") -> psutil.Popen:
    """The sweep as a process group of its own."""
    return psutil.Popen(
        [*COMMAND, "--out", str(folder), "--engine", engine],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def shards(folder: Path) -> int:
    """How many shards are committed."""
    return len([p for p in (folder / "shards").glob("*") if not p.name.startswith(".")])


def wait_for_shards(folder: Path, least: int, process: psutil.Popen) -> None:
    """Wait until some shards are there or the process has ended."""
    deadline = time.monotonic() + 120
    while shards(folder) < least and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def gone(group: int, seconds: float) -> bool:
    """Whether a process group ends in time."""
    deadline = time.monotonic() + seconds
    while alive(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(group)


@pytest.mark.parametrize("engine", ["compiled", "mesa"])
def test_killed_and_resumed_is_as_if_never_interrupted(whole: Results, tmp_path: Path, engine: str) -> None:
    folder = tmp_path / "results"
    for least in (1, 3):
        process = started(folder, engine)
        wait_for_shards(folder, least, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    kept = shards(folder)
    assert kept >= 1
    report = sweep(question(), folder, workers=1)
    assert report.computed_now <= 2 * REPLICATES - 10
    assert shard_bytes(report.results) == shard_bytes(whole)


def test_nobody_is_left_when_the_parent_alone_is_killed(tmp_path: Path) -> None:
    process = started(tmp_path / "results")
    wait_for_shards(tmp_path / "results", 1, process)
    process.kill()
    process.communicate()
    assert gone(process.pid, 5)


def test_what_workers_are_forked_from_does_not_finish_its_imports_when_the_parent_is_killed() -> None:
    child = "import sim.orphans, time; print('begun', flush=True); time.sleep(600)"
    parent = subprocess.Popen(
        [sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])", child],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
        env={key: value for key, value in os.environ.items() if key != "BLOCS_PARENT"},
    )  # fmt: skip
    assert parent.stdout is not None
    assert parent.stdout.readline() == "begun\n"
    parent.kill()
    assert gone(parent.pid, 5)
    parent.communicate()


@pytest.mark.parametrize(
    ("number", "engine"), [(signal.SIGINT, "mesa"), (signal.SIGTERM, "compiled"), (signal.SIGHUP, "mesa")]
)
def test_a_signal_ends_it_with_the_line_that_resumes(tmp_path: Path, number: signal.Signals, engine: str) -> None:
    folder = tmp_path / "results"
    process = started(folder, engine)
    wait_for_shards(folder, 1, process)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number, err
    assert f"--out {folder}" in err
    assert "Traceback" not in err
    assert gone(process.pid, 5)


@pytest.mark.parametrize("later", [0.05, 0.3])
def test_a_worker_leaves_signals_to_its_parent_from_its_first_instant(tmp_path: Path, later: float) -> None:
    process = started(tmp_path / "results")
    assert until(lambda: bool(workers_of(process)), 60)
    time.sleep(later)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err


def test_a_killed_worker_is_replaced_and_changes_no_byte(whole: Results, tmp_path: Path) -> None:
    process = started(tmp_path / "results")
    assert until(lambda: bool(workers_of(process)), 60)
    min(workers_of(process), key=lambda worker: worker.pid).kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)


def raising(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any) -> Iterator[Run]:
    """Runs that raise once in forty, or every other time, by the seed's parity."""
    for replicate in replicates:
        if replicate % (40 if seed % 2 else 2) == 1:
            raise RuntimeError(f"planted in {replicate}")
        yield from engines.agents(scenario, seed=7, replicates=(replicate,), world=world)


@pytest.mark.parametrize(("seed", "failures"), [(7, 2), (8, REPLICATES)])
def test_a_run_that_raises_is_a_row_with_its_error(whole: Results, tmp_path: Path, seed: int, failures: int) -> None:
    report = sweep(question(seed=seed), tmp_path / "results", workers=2, engine="mesa", run_each=raising)
    assert len(report.failed) == failures
    assert "replicate 1: RuntimeError: planted in 1" in report.failed[0]
    query = "select scenario, replicate, columns('capability_.*') from runs where status = 'ok' order by all"
    good = report.results.connection().execute(query).fetchall()
    assert len(good) == 2 * REPLICATES - failures
    assert set(good) <= set(whole.connection().execute(query).fetchall())
    assert sample(report.results).failed == failures


def test_runs_that_kill_their_process_or_eat_memory_are_isolated(tmp_path: Path) -> None:
    one = question_of({"baseline_2023": load("baseline_2023").model_copy(update={"steps": 6})}, replicates=20, seed=7)
    report = sweep(one, tmp_path / "results", workers=2, engine="mesa", run_each=murderous)
    failures = dict(line.removeprefix("baseline_2023 point 0 replicate ").split(": ", 1) for line in report.failed)
    assert failures.keys() == {str(DEADLY), str(VIOLENT), str(GREEDY)}
    assert failures[str(DEADLY)] == failures[str(VIOLENT)] == "the run killed its own process"
    assert "Unable to allocate" in failures[str(GREEDY)]
    rows = report.results.connection().execute("select count(*) from runs where status = 'ok'").fetchone()
    assert rows == (17,)
    again = replay(report.results, f"0-{DEADLY}", run_each=murderous)
    assert again.equal
    assert again.error == engines.KILLED


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [({"seed": 8}, "seed 7 there, 8 now"), ({"replicates": 39}, "replicates of baseline_2023 40 there, 39 now")],
)
def test_another_question_is_refused_with_the_difference(whole: Results, changes: dict[str, int], phrase: str) -> None:
    with pytest.raises(InputError, match=phrase):
        sweep(question(**changes), whole.folder, workers=1)


def test_a_changed_scenario_is_refused_with_the_difference(whole: Results) -> None:
    base = with_settings(load("baseline_2023").model_copy(update={"steps": 6}), {"erosion": 0.5})
    other = load("no_sanctions").model_copy(update={"steps": 6})
    changed = question_of({"baseline_2023": base, "no_sanctions": other}, replicates=REPLICATES, seed=7)
    with pytest.raises(InputError, match=r"baseline_2023: parameters.erosion 0.7 there, 0.5 now"):
        sweep(changed, whole.folder, workers=1)


def test_progress_is_told_before_the_first_run_is_done() -> None:
    heard: list[tuple[int, int]] = []
    engines.threaded([(2, lambda: heard.append((-1, -1))), (3, lambda: None)], 1, lambda *told: heard.append(told))
    assert heard[:2] == [(0, 5), (-1, -1)]
    assert heard[-1] == (5, 5)


EVERY_FIELD = Path(__file__).parent / "cases" / "valid" / "every_shock.toml"


def test_each_field_that_counts_is_refused_when_changed_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCS_SCENARIOS", str(EVERY_FIELD.parent.parent))
    scenario, results = load(EVERY_FIELD), Results(tmp_path / "results")
    prepare(question_of({"mine": scenario}, replicates=2, seed=7), results)
    told = {}
    for place in fields(scenario):
        other = changed(scenario, place)
        if other is not None:
            told[place] = verdict(question_of({"mine": other}, replicates=2, seed=7), results)
    assert len(told) > 150
    assert {place for place, said in told.items() if not said} == set(filter(told_only, told))
    assert all("holds another question (mine: " in said for said in told.values() if said)


def test_other_rules_are_refused(whole: Results, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / "results")
    manifest = whole.manifest()
    assert manifest["versions"]["rules"] == rules()
    manifest["versions"]["rules"] = "0" * 12
    (tmp_path / "results" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(InputError, match=f"was made by rules 000000000000, this is {rules()} .the text of .*kernel"):
        sweep(question(), tmp_path / "results", workers=1)


ODD = {"PYTHONHASHSEED": "4", "LC_ALL": "C", "TZ": "Pacific/Apia", "OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "1"}


def test_clock_hash_seed_locale_and_threads_change_no_byte(whole: Results, tmp_path: Path) -> None:
    """A clock that starts in 2001 and runs a hundred times too fast."""
    command = [*COMMAND[2:], "--out", str(tmp_path / "results")]
    code = (
        "import runpy, sys, time; real, fast = time.time, time.monotonic\n"
        "time.time = lambda: 1e9 + 100 * (real() % 1e6); time.monotonic = lambda: 100 * fast()\n"
        f"sys.argv = {command!r}; runpy.run_module('sim', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **ODD},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="other things"):
        sweep(question(), tmp_path, workers=1)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_second_sweep_into_a_folder_is_refused_and_names_the_first(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    with results.locked():
        process = started(results.folder)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"process {os.getpid()}" in err
    assert "Traceback" not in err
    assert out == ""


def test_a_damaged_shard_is_found_set_aside_and_computed_again(whole: Results, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(whole.folder, folder)
    results = Results(folder)
    cut, flipped, missing = sorted(results.shards.iterdir())[:3]
    content = (cut / "runs.parquet").read_bytes()
    (cut / "runs.parquet").write_bytes(content[:-97])
    bits = bytearray((flipped / "states.parquet").read_bytes())
    bits[len(bits) // 2] ^= 1
    (flipped / "states.parquet").write_bytes(bytes(bits))
    (missing / "steps.parquet").unlink()
    assert not any(is_sealed(shard) for shard in (cut, flipped, missing))
    report = sweep(question(), folder, workers=1)
    assert report.computed_now == 30
    assert shard_bytes(results) == shard_bytes(whole)
    assert len(list((folder / "damaged").iterdir())) == 3


def test_every_cut_and_every_flipped_bit_is_found(whole: Results, tmp_path: Path) -> None:
    shard = shutil.copytree(min(whole.shards.iterdir()), tmp_path / "shard")
    luck = random.Random(7)  # noqa: S311
    for path in sorted(shard.iterdir()):
        content = path.read_bytes()
        spoilt = [content[:n] for n in range(0, len(content), 97)]
        for _ in range(50):
            flipped = bytearray(content)
            flipped[luck.randrange(len(content))] ^= 1 << luck.randrange(8)
            spoilt.append(bytes(flipped))
        for other in spoilt:
            path.write_bytes(other)
            assert not is_sealed(shard)
        path.write_bytes(content)
    assert is_sealed(shard)


def test_a_run_is_made_again_from_its_record_alone(whole: Results) -> None:
    from sim.model import run
    from sim.scenario import Scenario

    manifest = whole.manifest()
    row = whole.connection().execute(
        "select digest, seed, replicate, capability_front from runs where scenario = 'no_sanctions' and replicate = 17"
    ).fetchone()  # fmt: skip
    assert row is not None
    scenario = Scenario.model_validate(manifest["scenarios"]["no_sanctions"])
    assert scenario.digest() == row[0]
    again = run(scenario, seed=row[1], replicate=row[2])
    assert again.late_outcomes()[again.outcome_names.index("capability_front")] == row[3]


def test_a_full_disk_ends_it_with_one_line_and_it_resumes(whole: Results, tmp_path: Path) -> None:
    """A limit on the size of files stands for a full disk."""
    folder = tmp_path / "results"
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); import runpy, sys; sys.argv = {[*COMMAND[2:], '--out', str(folder)]!r}; runpy.run_module('sim', run_name='__main__')"  # noqa: E501
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()[-1]) > 10
    assert sweep(question(), folder, workers=1).results.digest() == whole.digest()


def test_trajectories_on_request(tmp_path: Path) -> None:
    told = {"unix_1988": load("unix_1988").model_copy(update={"steps": 3})}
    report = sweep(question_of(told, replicates=2, seed=1, trajectory=True), tmp_path / "r", workers=1)
    rows = report.results.connection().execute("select count(*), max(alignment) from trajectory").fetchone()
    assert rows == (2 * 4 * 9, 2)


def test_the_manifest_is_plain_json_with_versions(whole: Results) -> None:
    manifest = json.loads((whole.folder / "manifest.json").read_text(encoding="utf-8"))
    assert {"blocs", "python", "machine", "numpy", "numba"} <= manifest["versions"].keys()
    assert len(manifest["question"]["points"]) == 2


def failing(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any) -> NoReturn:
    """Runs that always raise."""
    raise RuntimeError("planted")


def test_a_sweep_whose_runs_all_fail_is_told_all_the_same(tmp_path: Path) -> None:
    from sim.cli.runs import sweep_record

    one = question_of({"unix_1988": load("unix_1988")}, replicates=3, seed=1)
    report = sweep(one, tmp_path / "results", workers=1, run_each=failing)
    record = sweep_record(report)
    assert len(record["failed"]) == 3
    assert record["scenarios"] == {"unix_1988": {"states": {}}}


def test_what_is_read_of_the_manifest_does_not_grow_with_the_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.compare import bloc_sizes, late_shares

    read: list[Path] = []
    manifest = Results.manifest
    reads = []
    for points in (2, 8):
        base = load("unix_1988").model_copy(update={"steps": 2})
        wide = base.model_copy(update={"sweep": base.sweep.model_copy(update={"design": "sobol", "points": points})})
        done = sweep(question_of({"unix_1988": wide}, replicates=1, seed=1), tmp_path / str(points), workers=1)
        monkeypatch.setattr(Results, "manifest", lambda self: read.append(self.folder) or manifest(self))
        late_shares(done.results), bloc_sizes(done.results)
        monkeypatch.undo()
        reads.append(len(read))
        read.clear()
    assert reads[0] == reads[1] > 0
