"""A folder of results that grows: only missing runs are computed, and its tables are those of one sweep."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relation import THIRD
from robustness.ground import LONG, until

from sim.analysis.compare import mean_late_shares, read_sample
from sim.batch import executor
from sim.batch.design import identify_points, split_replicates
from sim.batch.locks import SweepShare
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import Question, make_question, run_sweep
from sim.errors import InputError
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario, Sweep

NAMES = ("unix_1988", "great_powers_1907", "ukraine_settlement")
SHORT = {"unix_1988": 2, "great_powers_1907": 2, "ukraine_settlement": 10}
BASES = {name: load_scenario(name).model_copy(update={"steps": steps}) for name, steps in SHORT.items()}


def sobol(points: int) -> Scenario:
    """A small world over a Sobol design."""
    sweep = Sweep.model_validate(
        {"design": "sobol", "points": points, "seed": 1, "vary": {"temperature": {"start": 0, "stop": 2}}}
    )
    return BASES["unix_1988"].model_copy(update={"sweep": sweep})


def question(names: Sequence[str], replicates: int = 3, *, seed: int = 7, points: int = 0) -> Question:
    """A question about short runs of scenarios in this order, `unix_1988` over a design if it has points."""
    scenarios = {name: sobol(points) if points and name == "unix_1988" else BASES[name] for name in names}
    return make_question(scenarios, replicates=replicates, seed=seed)


def digest_of(asked: Question, **how: Any) -> str:
    """Digest of a single sweep."""
    with tempfile.TemporaryDirectory() as place:
        return run_sweep(asked, Path(place) / "results", workers=1, **how).results.digest()


def exported(results: Results, folder: Path) -> dict[str, bytes]:
    """Every exported table."""
    return {path.name: path.read_bytes() for path in results.export(folder, "csv")}


STAGES = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(NAMES[:2]), st.randoms(use_true_random=False)), min_size=2, max_size=3
)


@pytest.mark.second
@settings(**THIRD)
@given(stages=STAGES)
def test_growth_in_any_order_ends_in_the_tables_of_one_sweep(stages: list[tuple[int, str, random.Random]]) -> None:
    names: list[str] = []
    replicates, runs = 1, 0
    with tempfile.TemporaryDirectory() as place:
        for more, name, order in stages:
            names = list(dict.fromkeys([*names, name]))
            order.shuffle(names)
            replicates += more
            report = run_sweep(question(names, replicates), Path(place) / "results", workers=1)
            assert report.computed_now == replicates * len(names) - runs
            runs = report.runs
        assert report.results.digest() == digest_of(question(names, replicates))


@pytest.mark.second
def test_grown_folder_exports_the_files_of_one_sweep(tmp_path: Path) -> None:
    for names, replicates in ((NAMES[:1], 2), (NAMES[:2], 2), (NAMES[:2], 13), (NAMES[::-1], 25)):
        grown = run_sweep(question(names, replicates), tmp_path / "grown", workers=2).results
    one = run_sweep(question(NAMES[::-1], 25), tmp_path / "one", workers=2).results
    assert exported(grown, tmp_path / "a") == exported(one, tmp_path / "b")
    assert mean_late_shares(grown) == mean_late_shares(one)
    assert read_sample(grown).designs == read_sample(one).designs == list(NAMES[::-1])


def test_longer_sobol_design_keeps_the_runs_of_its_first_points(tmp_path: Path) -> None:
    names = ("unix_1988", "great_powers_1907")
    run_sweep(question(names, 3, points=4), tmp_path / "results", workers=1)
    report = run_sweep(question(names, 3, points=8), tmp_path / "results", workers=1)
    assert report.computed_now == 4 * 3
    assert report.results.digest() == digest_of(question(names, 3, points=8))
    assert replay_run(report.results, "8-2").design == "great_powers_1907"
    assert replay_run(report.results, "8-2").equal


def failing(
    scenario: Scenario, *, seed: int, replicates: Sequence[int], world: Any, stored: Any = None
) -> Iterator[Run]:
    """Compiled runs; the second of each scenario fails."""
    for replicate in replicates:
        if replicate == 1:
            raise RuntimeError("planted")
        yield from executor.compiled_engine(scenario, seed=seed, replicates=(replicate,), world=world)


def test_failed_run_has_its_number_in_the_grown_folder(tmp_path: Path) -> None:
    run_sweep(question(NAMES[:1]), tmp_path / "results", workers=1, run_each=failing)
    report = run_sweep(question(NAMES[1::-1]), tmp_path / "results", workers=1, run_each=failing)
    assert [line.partition(":")[0] for line in report.failed] == [
        "great_powers_1907 point 0 replicate 1", "unix_1988 point 1 replicate 1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "phrase"),
    [
        (question(NAMES[:2], 2), "replicates of unix_1988 3 there, 2 now"),
        (question(NAMES[:1], 9), "scenario great_powers_1907 there, not now; name it too to add to the folder"),
        (question(NAMES, 9, seed=8), "seed 7 there, 8 now"),
        (question(NAMES, 9, points=4), "unix_1988: settings {} there, not now"),
    ],
)
def test_question_that_lacks_a_part_of_the_folder_is_refused(tmp_path: Path, asked: Question, phrase: str) -> None:
    results = run_sweep(question(NAMES[:2]), tmp_path / "results", workers=1).results
    before = results.digest()
    with pytest.raises(InputError, match=phrase):
        run_sweep(asked, results.folder, workers=1)
    assert results.digest() == before


def test_changed_scenario_is_refused(tmp_path: Path) -> None:
    run_sweep(question(NAMES[:1]), tmp_path / "results", workers=1)
    other = BASES["unix_1988"].model_copy(update={"steps": 3})
    with pytest.raises(InputError, match="unix_1988: steps 2 there, 3 now"):
        run_sweep(make_question({"unix_1988": other}, replicates=9, seed=7), tmp_path / "results", workers=1)


@pytest.mark.parametrize("engine", ["compiled", "mesa", pytest.param("dask", marks=LONG)])
def test_engines_and_shares_grow_a_folder_equally(tmp_path: Path, engine: str) -> None:
    run_sweep(question(NAMES[:1], 4), tmp_path / "results", workers=1)
    larger = question(NAMES[1::-1], 25)
    for share in (SweepShare(1, 2), SweepShare(2, 2)):
        workers = None if engine == "mesa" else 2
        report = run_sweep(larger, tmp_path / "results", workers=workers, engine=engine, share=share)
    assert report.results.digest() == digest_of(larger)


def test_no_growth_while_another_share_writes(tmp_path: Path) -> None:
    results = run_sweep(question(NAMES[:1]), tmp_path / "results", workers=1).results
    with (
        results.locked(SweepShare(1, 2)),
        pytest.raises(InputError, match=r"is being written by process .* \(share 1/2\); wait"),
    ):
        run_sweep(question(NAMES[:1], 9), results.folder, workers=1, share=SweepShare(2, 2))
    assert results.manifest()["question"]["points"][0]["replicates"] == 3


def crate(results: Results) -> set[str]:
    """The shards in the crate."""
    content = json.loads((results.folder / "ro-crate-metadata.json").read_text("utf-8"))
    return {one["@id"].split("/")[1] for one in content["@graph"] if one["@id"].startswith("shards/")}


def test_crate_of_a_grown_folder(tmp_path: Path) -> None:
    for asked in (question(NAMES[:1]), question(NAMES[:2], 12), question(NAMES[1::-1], 12)):
        results = run_sweep(asked, tmp_path / "results", workers=1).results
        assert crate(results) == {path.name for path in results.shards.iterdir()}
        root = (results.folder / "ro-crate-metadata.json").read_text("utf-8")
        assert f'"Runs of {", ".join(point.name for point in asked.points)}"' in root


class Killed(BaseException):
    """The process was killed."""


def dying(after: int) -> executor.RunEach:
    """Compiled runs that stop after so many chunks."""
    left = [after]

    def run_each(scenario: Scenario, **how: Any) -> Iterator[Run]:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return executor.compiled_engine(scenario, **how)

    return run_each


@pytest.mark.parametrize("after", [2, *(pytest.param(after, marks=LONG) for after in (0, 4))])
def test_growth_resumes_after_any_chunk(tmp_path: Path, after: int) -> None:
    names = NAMES[1::-1]
    run_sweep(question(NAMES[:1], 15), tmp_path / "results", workers=1)
    with pytest.raises(Killed):
        run_sweep(question(names, 30), tmp_path / "results", workers=1, run_each=dying(after))
    report = run_sweep(question(names, 35), tmp_path / "results", workers=1)
    assert report.results.digest() == digest_of(question(names, 35))


COMMAND = [sys.executable, "-m", "sim", "sweep", "--seed", "7", "--steps", "6"]


def shards(folder: Path) -> int:
    """The number of committed shards."""
    return len(list((folder / "shards").glob("[!.]*")))


@LONG
def test_killed_growth_is_resumed_by_the_same_command(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    subprocess.run([*COMMAND, "no_sanctions", "--replicates", "15", "--out", str(folder)], check=True)
    larger = [*COMMAND, "baseline_2023", "no_sanctions", "--replicates", "40", "--out", str(folder), "--engine", "mesa"]
    first = shards(folder)
    process = subprocess.Popen(larger, start_new_session=True)
    assert until(lambda: shards(folder) > first or process.poll() is not None, 120)
    assert process.returncode is None, "it ended before it could be killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert subprocess.run(larger, check=False, capture_output=True).returncode == 0
    short = {name: load_scenario(name).model_copy(update={"steps": 6}) for name in ("baseline_2023", "no_sanctions")}
    assert Results(folder).digest() == digest_of(make_question(short, replicates=40, seed=7))


def test_folder_recorded_without_chunks_grows(tmp_path: Path) -> None:
    results = run_sweep(question(NAMES[:1], 15), tmp_path / "results", workers=1).results
    manifest = results.manifest()
    for point in manifest["question"]["points"]:
        del point["stored"], point["chunks"]
    (results.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert run_sweep(question(NAMES[:1], 15), results.folder, workers=1).computed_now == 0
    report = run_sweep(question(NAMES[1::-1], 31), results.folder, workers=1)
    assert report.computed_now == 2 * 31 - 15
    assert report.results.digest() == digest_of(question(NAMES[1::-1], 31))


def test_missing_shard_of_an_earlier_stage_is_computed_again(tmp_path: Path) -> None:
    run_sweep(question(NAMES[:1], 15), tmp_path / "results", workers=1)
    results = run_sweep(question(NAMES[1::-1], 30), tmp_path / "results", workers=1).results
    whole = results.digest()
    shutil.rmtree(results.shards / "000000-00000010")
    report = run_sweep(question(NAMES[1::-1], 30), results.folder, workers=1)
    assert report.computed_now == 5
    assert results.digest() == whole


@given(
    chunks=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 60)), min_size=1, max_size=5).map(
        lambda stages: [[sum(more for more, _ in stages[: n + 1]), size] for n, (_, size) in enumerate(stages)]
    )
)
def test_chunks_cover_every_replicate_once_in_order(chunks: list[list[int]]) -> None:
    found = list(split_replicates(chunks))
    assert [replicate for part in found for replicate in part] == list(range(chunks[-1][0]))


def test_chunks_of_a_million_runs() -> None:
    asked = question(NAMES[:1], 1_000_000)
    chunks = asked.chunks()
    assert len(chunks) == 500
    assert sum(len(chunk.replicates) for chunk in chunks) == 1_000_000


def test_tables_after_growth_in_another_order(tmp_path: Path) -> None:
    run_sweep(question(NAMES[:2]), tmp_path / "results", workers=1)
    results = run_sweep(question(NAMES[1::-1]), tmp_path / "results", workers=1).results
    with contextlib.closing(results.connection()) as connection:
        rows = connection.execute("select point, scenario, count(*) from runs group by all order by all").fetchall()
    assert rows == [(0, "great_powers_1907", 3), (1, "unix_1988", 3)]


def test_points_differ_by_scenario_and_settings_in_any_order() -> None:
    def record(name: str = "w", **settings: float) -> Mapping[str, Any]:
        return {"scenario": name, "settings": settings}

    assert identify_points([record(a=1, b=2)]) == identify_points([record(b=2, a=1)])
    assert len(set(identify_points([record(a=1), record(a=2), record("v", a=2), record(a=1), record(a=1)]))) == 5
