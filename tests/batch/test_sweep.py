"""The sweep: the same rows from every engine, and failures as rows; `robustness/` interrupts it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import scipy
from relation import some
from robustness.ground import REPLICATES, question, shard_bytes, start_sweep

from sim.analysis.compare import read_sample
from sim.batch import executor
from sim.batch.recorded import PACKAGE, rules_hash, strip_comments
from sim.batch.store import Results
from sim.batch.sweep import make_question, prepare_results, run_sweep
from sim.errors import InputError
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Spread, Sweep


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The uninterrupted sweep by one worker."""
    return run_sweep(question(), tmp_path_factory.mktemp("whole") / "results", workers=1).results


@pytest.mark.parametrize(("engine", "workers"), [("compiled", 2), ("mesa", None)])
def test_workers_and_engine_change_no_byte(whole: Results, tmp_path: Path, engine: str, workers: int | None) -> None:
    other = run_sweep(question(), tmp_path / "results", workers=workers, engine=engine).results
    assert shard_bytes(other) == shard_bytes(whole)
    assert other.digest() == whole.digest()


def test_finished_sweep_computes_nothing(whole: Results) -> None:
    report = run_sweep(question(), whole.folder, workers=1)
    assert report.computed_now == 0
    assert report.runs == 2 * REPLICATES


def test_every_run_has_one_row_with_its_key(whole: Results) -> None:
    rows = whole.connection().execute("select scenario, replicate, seed, digest, status from runs").fetchall()
    assert len(rows) == len({row[:2] for row in rows}) == 2 * REPLICATES
    assert {row[2] for row in rows} == {7}
    assert {row[3] for row in rows} == {point.digest for point in question().points}
    assert {row[4] for row in rows} == {"ok"}


def test_late_shares_of_a_state_sum_to_one(whole: Results) -> None:
    query = "select max(abs(share_front + share_us_led + share_non_aligned - 1)) < 1e-12, count(*) from states"
    assert whole.connection().execute(query).fetchone() == (True, 2 * REPLICATES * 52)


def raising(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any, stored: Any = None) -> Iterator[Run]:
    """Runs that raise once in forty, or every other time, by the seed's parity."""
    for replicate in replicates:
        if replicate % (40 if seed % 2 else 2) == 1:
            raise RuntimeError(f"planted in {replicate}")
        yield from executor.compiled_engine(scenario, seed=7, replicates=(replicate,), world=world)


@pytest.mark.parametrize(("seed", "failures"), [(7, 2), (8, REPLICATES)])
def test_failed_run_is_a_row_with_its_error(whole: Results, tmp_path: Path, seed: int, failures: int) -> None:
    report = run_sweep(question(seed=seed), tmp_path / "results", workers=2, run_each=raising)
    assert len(report.failed) == failures
    assert "replicate 1: RuntimeError: planted in 1" in report.failed[0]
    query = "select scenario, replicate, columns('capability_.*') from runs where status = 'ok' order by all"
    good = report.results.connection().execute(query).fetchall()
    assert len(good) == 2 * REPLICATES - failures
    assert set(good) <= set(whole.connection().execute(query).fetchall())
    assert read_sample(report.results).failed == failures


@pytest.mark.parametrize(
    ("changes", "phrase"),
    [({"seed": 8}, "seed 7 there, 8 now"), ({"replicates": 39}, "replicates of baseline_2023 40 there, 39 now")],
)
def test_refusal_names_the_difference_of_questions(whole: Results, changes: dict[str, int], phrase: str) -> None:
    with pytest.raises(InputError, match=phrase):
        run_sweep(question(**changes), whole.folder, workers=1)


def test_refusal_names_the_difference_of_scenarios(whole: Results) -> None:
    base = with_settings(load_scenario("baseline_2023").model_copy(update={"steps": 6}), {"erosion": 0.5})
    other = load_scenario("no_sanctions").model_copy(update={"steps": 6})
    changed = make_question({"baseline_2023": base, "no_sanctions": other}, replicates=REPLICATES, seed=7)
    with pytest.raises(InputError, match=r"baseline_2023: parameters.erosion 0.7 there, 0.5 now"):
        run_sweep(changed, whole.folder, workers=1)


def test_values_are_in_order_and_progress_starts_before_the_first() -> None:
    calls: list[tuple[int, int]] = []

    def halved(item: int) -> float:
        calls.append((-1, -1))
        return item / 2

    found = executor.evaluate(halved, [4, 2], runs=[2, 3], workers=1, progress=lambda *done: calls.append(done))
    assert found == [2.0, 1.0]
    assert calls[:2] == [(0, 5), (-1, -1)]
    assert calls[-1] == (5, 5)


def test_several_workers_of_mesa_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--workers:1: 2: Mesa runs in one process, one run after another"):
        run_sweep(question(), tmp_path / "results", workers=2, engine="mesa")
    assert not (tmp_path / "results").exists()


def test_code_without_comments_docstrings_and_blank_lines() -> None:
    text = 'def f(x):\n    """Double."""\n    return 2 * x\n'
    same = '"""A module."""\n# why\n\ndef f(x):\n    """Double\n\n    it."""\n    return 2 * x  # "#" is no comment\n'
    assert strip_comments(text) == strip_comments(same) == "def f(x):\n    return 2 * x"
    assert strip_comments(text.replace("2", "3")) != strip_comments(text)
    assert strip_comments('a = "#"\n') == 'a = "#"'


@pytest.mark.parametrize(
    "path",
    some(
        ["model/rules.py", "model/numerics/streams.py", "scenario/ties.py", "batch/tables/chunk.py", "calendar.py"], 3
    ),
)
def test_changed_rule_is_refused_and_changed_comment_is_not(
    whole: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    package = tmp_path / "sim"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("scenarios", "__pycache__", "app", "cli"))
    monkeypatch.setattr("sim.batch.sweep.rules_hash", lambda: rules_hash(package))
    text = (package / path).read_text(encoding="utf-8")
    (package / path).write_text(text.replace('"""', '"""Well: ', 1) + "\n# a comment\n", encoding="utf-8")
    (package / "batch" / "executor.py").write_text("", encoding="utf-8")
    rules_hash.cache_clear()
    prepare_results(question(), whole)
    (package / path).write_text(text + "\nNEW = 1\n", encoding="utf-8")
    rules_hash.cache_clear()
    with pytest.raises(InputError, match=r"was made by rules \w{12}, this is \w{12} \(the code of model/.*\)"):
        prepare_results(question(), whole)
    rules_hash.cache_clear()


def test_sweep_into_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="other files"):
        run_sweep(question(), tmp_path, workers=1)
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


@pytest.mark.second
def test_second_sweep_into_a_folder_is_refused(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    with results.locked():
        process = start_sweep(results.folder)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"process {os.getpid()}" in err
    assert "Traceback" not in err
    assert out == ""


def test_run_is_repeated_from_its_record(whole: Results) -> None:
    from sim.model.agents import run_agents
    from sim.scenario.schema import Scenario

    manifest = whole.manifest()
    row = whole.connection().execute(
        "select digest, seed, replicate, capability_front from runs where scenario = 'no_sanctions' and replicate = 17"
    ).fetchone()  # fmt: skip
    assert row is not None
    scenario = Scenario.model_validate(manifest["scenarios"]["no_sanctions"])
    assert scenario.digest() == row[0]
    again = run_agents(scenario, seed=row[1], replicate=row[2])
    assert again.late_outcomes(8)[again.outcome_names.index("capability_front")] == row[3]


def test_manifest_has_versions(whole: Results) -> None:
    manifest = json.loads((whole.folder / "manifest.json").read_text(encoding="utf-8"))
    assert {"blocs", "python", "machine", "numpy", "numba"} <= manifest["versions"].keys()
    assert len(manifest["question"]["points"]) == 2


@pytest.mark.parametrize("runs", some([1, 3], 2))
def test_parts_of_a_chunk_have_the_rows_of_the_chunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: int
) -> None:
    whole = run_sweep(question(), tmp_path / "whole", workers=1, run_each=raising).results
    monkeypatch.setattr("sim.batch.tables.chunk.MOST_AT_ONCE", runs)
    parts = run_sweep(question(), tmp_path / "parts", workers=1, run_each=raising).results
    assert parts.digest() == whole.digest()
    with parts.reading() as connection:
        found = connection.execute("select distinct status from runs order by all").fetchall()
    assert found == [("failed",), ("ok",)]


def failing(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any, stored: Any = None) -> NoReturn:
    """Runs that always raise."""
    raise RuntimeError("planted")


def test_record_of_a_sweep_whose_runs_all_fail(tmp_path: Path) -> None:
    from sim.cli.commands.run import sweep_record

    one = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=3, seed=1)
    report = run_sweep(one, tmp_path / "results", workers=1, run_each=failing)
    record = sweep_record(report)
    assert len(record["failed"]) == 3
    assert record["states"] == []


@pytest.mark.second
def test_number_of_manifest_reads_does_not_grow_with_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.analysis.compare import bloc_sizes, mean_late_shares

    read: list[Path] = []
    manifest = Results.manifest
    reads = []
    for points in (2, 8):
        base = load_scenario("unix_1988").model_copy(update={"steps": 2})
        wide = base.model_copy(update={"sweep": base.sweep.model_copy(update={"design": "sobol", "points": points})})
        done = run_sweep(make_question({"unix_1988": wide}, replicates=1, seed=1), tmp_path / str(points), workers=1)
        monkeypatch.setattr(Results, "manifest", lambda self: read.append(self.folder) or manifest(self))
        mean_late_shares(done.results), bloc_sizes(done.results)
        monkeypatch.undo()
        reads.append(len(read))
        read.clear()
    assert reads[0] == reads[1] > 0


def test_manifest_names_the_sampler(tmp_path: Path) -> None:
    """scipy gives different points for `seed=` and `rng=`, so the seed does not determine them."""
    sampled = Sweep(
        design="sobol", points=4, replicates=1, seed=1, vary={"parameters.erosion": Spread(start=0, stop=1)}
    )
    scenarios = {
        "drawn": load_scenario("unix_1988").model_copy(update={"sweep": sampled}),
        "plain": load_scenario("unix_1988"),
    }
    question = make_question(scenarios, replicates=1, seed=None)
    results = Results(tmp_path / "r")
    prepare_results(question, results)
    how = results.manifest()["samplers"]
    assert how.keys() == {"drawn"}
    call, _, versions = how["drawn"].partition("; ")
    assert versions == f"scipy {scipy.__version__}, numpy {np.__version__}"
    drawn = [point["settings"]["parameters.erosion"] for point in results.manifest()["question"]["points"][:4]]
    recorded = eval(call, {"scipy": scipy, "numpy": np, "settings": 1, "seed": 1})  # noqa: S307 - our own text
    assert recorded.random_base2(2)[:, 0].tolist() == drawn
