"""The sweep: the same rows from every engine, failures as rows; what interrupts it is in robustness/."""

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
from robustness.ground import REPLICATES, question, shard_bytes, started

from sim.analysis.compare import read_sample
from sim.batch import executor
from sim.batch.recorded import rules_hash, strip_comments
from sim.batch.store import Results
from sim.batch.sweep import make_question, prepare_results, run_sweep
from sim.errors import InputError
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Spread, Sweep


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The sweep run without interruption, by one worker."""
    return run_sweep(question(), tmp_path_factory.mktemp("whole") / "results", workers=1).results


@pytest.mark.parametrize(("engine", "workers"), [("compiled", 2), ("mesa", None)])
def test_workers_and_engine_do_not_change_a_byte(
    whole: Results, tmp_path: Path, engine: str, workers: int | None
) -> None:
    other = run_sweep(question(), tmp_path / "results", workers=workers, engine=engine).results
    assert shard_bytes(other) == shard_bytes(whole)
    assert other.digest() == whole.digest()


def test_a_finished_sweep_computes_nothing_again(whole: Results) -> None:
    report = run_sweep(question(), whole.folder, workers=1)
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


def raising(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any) -> Iterator[Run]:
    """Runs that raise once in forty, or every other time, by the seed's parity."""
    for replicate in replicates:
        if replicate % (40 if seed % 2 else 2) == 1:
            raise RuntimeError(f"planted in {replicate}")
        yield from executor.compiled_engine(scenario, seed=7, replicates=(replicate,), world=world)


@pytest.mark.parametrize(("seed", "failures"), [(7, 2), (8, REPLICATES)])
def test_a_run_that_raises_is_a_row_with_its_error(whole: Results, tmp_path: Path, seed: int, failures: int) -> None:
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
def test_another_question_is_refused_with_the_difference(whole: Results, changes: dict[str, int], phrase: str) -> None:
    with pytest.raises(InputError, match=phrase):
        run_sweep(question(**changes), whole.folder, workers=1)


def test_a_changed_scenario_is_refused_with_the_difference(whole: Results) -> None:
    base = with_settings(load_scenario("baseline_2023").model_copy(update={"steps": 6}), {"erosion": 0.5})
    other = load_scenario("no_sanctions").model_copy(update={"steps": 6})
    changed = make_question({"baseline_2023": base, "no_sanctions": other}, replicates=REPLICATES, seed=7)
    with pytest.raises(InputError, match=r"baseline_2023: parameters.erosion 0.7 there, 0.5 now"):
        run_sweep(changed, whole.folder, workers=1)


def test_values_are_in_order_and_progress_begins_before_the_first() -> None:
    heard: list[tuple[int, int]] = []

    def halved(item: int) -> float:
        heard.append((-1, -1))
        return item / 2

    found = executor.evaluate(halved, [4, 2], runs=[2, 3], workers=1, progress=lambda *done: heard.append(done))
    assert found == [2.0, 1.0]
    assert heard[:2] == [(0, 5), (-1, -1)]
    assert heard[-1] == (5, 5)


def test_more_than_one_worker_of_mesa_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--workers:1: 2: Mesa runs in one process, one run after another"):
        run_sweep(question(), tmp_path / "results", workers=2, engine="mesa")
    assert not (tmp_path / "results").exists()


def test_code_without_comments_docstrings_and_blank_lines() -> None:
    text = 'def f(x):\n    """Double."""\n    return 2 * x\n'
    same = '"""A room."""\n# why\n\ndef f(x):\n    """Double\n\n    it."""\n    return 2 * x  # "#" is no comment\n'
    assert strip_comments(text) == strip_comments(same) == "def f(x):\n    return 2 * x"
    assert strip_comments(text.replace("2", "3")) != strip_comments(text)
    assert strip_comments('a = "#"\n') == 'a = "#"'


def test_other_rules_are_refused(whole: Results, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / "results")
    manifest = whole.manifest()
    assert manifest["versions"]["rules"] == rules_hash()
    manifest["versions"]["rules"] = "0" * 12
    (tmp_path / "results" / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(
        InputError, match=f"was made by rules 000000000000, this is {rules_hash()} .the code of .*kernel"
    ):
        run_sweep(question(), tmp_path / "results", workers=1)


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError, match="other things"):
        run_sweep(question(), tmp_path, workers=1)
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


def test_a_run_is_made_again_from_its_record_alone(whole: Results) -> None:
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
    assert again.late_outcomes()[again.outcome_names.index("capability_front")] == row[3]


def test_trajectories_on_request(tmp_path: Path) -> None:
    told = {"unix_1988": load_scenario("unix_1988").model_copy(update={"steps": 3})}
    report = run_sweep(make_question(told, replicates=2, seed=1, trajectory=True), tmp_path / "r", workers=1)
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
    from sim.cli.commands.run import sweep_record

    one = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=3, seed=1)
    report = run_sweep(one, tmp_path / "results", workers=1, run_each=failing)
    record = sweep_record(report)
    assert len(record["failed"]) == 3
    assert record["states"] == []


def test_what_is_read_of_the_manifest_does_not_grow_with_the_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_the_manifest_says_how_the_points_were_drawn(tmp_path: Path) -> None:
    """scipy gives other points for seed= than for rng=, so that a seed alone does not say which."""
    sampled = Sweep(
        design="sobol", points=4, replicates=1, seed=1, vary={"parameters.erosion": Spread(start=0, stop=1)}
    )
    told = {
        "drawn": load_scenario("unix_1988").model_copy(update={"sweep": sampled}),
        "plain": load_scenario("unix_1988"),
    }
    question = make_question(told, replicates=1, seed=None)
    results = Results(tmp_path / "r")
    prepare_results(question, results)
    how = results.manifest()["samplers"]
    assert how.keys() == {"drawn"}
    call, _, versions = how["drawn"].partition("; ")
    assert versions == f"scipy {scipy.__version__}, numpy {np.__version__}"
    drawn = [point["settings"]["parameters.erosion"] for point in results.manifest()["question"]["points"][:4]]
    recorded = eval(call, {"scipy": scipy, "numpy": np, "settings": 1, "seed": 1})  # noqa: S307 - our own words
    assert recorded.random_base2(2)[:, 0].tolist() == drawn
