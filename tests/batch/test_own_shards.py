"""A folder counts only the shards of its own question, and refuses a record that was changed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sim.analysis.compare import read_sample
from sim.batch.design import own_shards
from sim.batch.locks import SweepShare
from sim.batch.recorded import count_runs, list_failures
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import Question, make_question, run_sweep
from sim.cli import cli
from sim.errors import InputError
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

BASE = load_scenario("unix_1988").model_copy(update={"steps": 2})
RUNS = 15  # two chunks


def question(replicates: int = RUNS, seed: int = 1) -> Question:
    """A question about short runs."""
    return make_question({"unix_1988": BASE}, replicates=replicates, seed=seed)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Results]:
    """A folder for each of two seeds."""
    place = tmp_path_factory.mktemp("made")
    return {seed: run_sweep(question(seed=seed), place / str(seed), workers=1).results for seed in (1, 2)}


@pytest.fixture
def results(made: dict[int, Results], tmp_path: Path) -> Results:
    """A copy of the first folder."""
    return Results(shutil.copytree(made[1].folder, tmp_path / "results"))


READERS = [
    lambda results: results.digest(),
    lambda results: results.tables(),
    read_sample,
    count_runs,
    list_failures,
    lambda results: replay_run(results, "0-0"),
    lambda results: results.export(results.folder.parent / "out", "csv"),
]
FIRST, SECOND = "000000-00000000", "000000-00000010"


def replace_by_other_seed(results: Results, other: Results) -> str:
    shutil.rmtree(results.shards / SECOND)
    shutil.copytree(other.shards / SECOND, results.shards / SECOND)
    return SECOND


def copy_under_own_name(results: Results, other: Results) -> str:
    shutil.rmtree(results.shards / SECOND)
    shutil.copytree(results.shards / FIRST, results.shards / SECOND)
    return SECOND


def cut_seal(results: Results, other: Results) -> str:
    (results.shards / SECOND / "seal.json").write_text("{", "utf-8")
    return SECOND


def remove_table(results: Results, other: Results) -> str:
    (results.shards / SECOND / "states.parquet").unlink()
    return SECOND


def add_other_seed(results: Results, other: Results) -> str:
    shutil.copytree(other.shards / FIRST, results.shards / "000007-00000000")
    return "000007-00000000"


def copy_under_another_name(results: Results, other: Results) -> str:
    shutil.copytree(results.shards / FIRST, results.shards / f"{FIRST} (copy)")
    return f"{FIRST} (copy)"


def copy_inside_a_chunk(results: Results, other: Results) -> str:
    shutil.copytree(results.shards / FIRST, results.shards / "000000-00000005")
    return "000000-00000005"


OF_OTHER_RUNS = [replace_by_other_seed, copy_under_own_name, cut_seal, remove_table]
NOT_ASKED_FOR = [add_other_seed, copy_under_another_name, copy_inside_a_chunk]


@pytest.mark.parametrize("change", [*OF_OTHER_RUNS, *NOT_ASKED_FOR])
def test_shard_of_other_runs_is_named_and_never_read(made: dict[int, Results], results: Results, change: Any) -> None:
    name = change(results, made[2])
    for read in READERS:
        with pytest.raises(InputError) as refused:
            read(results)
        (fault,) = refused.value.faults
        assert fault.file.endswith(f"shards/{name}")
        assert ("is not a shard of this sweep" if change in NOT_ASKED_FOR else "its seal differs") in fault.message


@pytest.mark.parametrize("change", OF_OTHER_RUNS)
def test_resume_moves_shards_of_other_runs_away_and_says_so(
    made: dict[int, Results], results: Results, change: Any
) -> None:
    name = change(results, made[2])
    report = run_sweep(question(), results.folder, workers=1)
    assert (report.computed_now, report.set_aside) == (5, [name])
    assert [path.name for path in (results.folder / "damaged").iterdir()] == [f"{name}-0"]
    assert results.digest() == made[1].digest()
    assert run_sweep(question(), results.folder, workers=1).set_aside == []


@pytest.mark.parametrize("change", NOT_ASKED_FOR)
def test_resume_refuses_what_was_not_asked_for(made: dict[int, Results], results: Results, change: Any) -> None:
    name = change(results, made[2])
    with pytest.raises(InputError, match="is not a shard of this sweep, so it was not read; remove it"):
        run_sweep(question(40), results.folder, workers=1)
    shutil.rmtree(results.shards / name)
    assert run_sweep(question(40), results.folder, workers=1).runs == 40


def test_many_foreign_folders_are_counted_and_twenty_named(results: Results) -> None:
    for n in range(30):
        (results.shards / f"foreign-{n:02d}").mkdir()
    with pytest.raises(InputError) as refused:
        results.tables()
    assert len(refused.value.faults) == 21
    assert any("contains 30 such folders" in fault.message for fault in refused.value.faults)


def test_honest_folder_moved_grown_and_computed_in_shares(
    made: dict[int, Results], results: Results, tmp_path: Path
) -> None:
    moved = Results(results.folder.rename(tmp_path / "moved"))
    assert moved.digest() == made[1].digest()
    assert run_sweep(question(), moved.folder, workers=1).computed_now == 0
    for share in (SweepShare(1, 2), SweepShare(2, 2)):
        report = run_sweep(question(40), moved.folder, workers=1, share=share)
        assert report.set_aside == []
    once = run_sweep(question(40), tmp_path / "once", workers=1).results
    assert moved.digest() == once.digest()


def test_shares_copied_from_two_machines_make_one_folder(made: dict[int, Results], tmp_path: Path) -> None:
    one, two = (run_sweep(question(), tmp_path / str(n), workers=1, share=SweepShare(n, 2)).results for n in (1, 2))
    shutil.copytree(two.shards, one.shards, dirs_exist_ok=True)
    assert one.digest() == made[1].digest()
    assert run_sweep(question(), one.folder, workers=1).computed_now == 0


# The record


def edit(results: Results, change: Any) -> None:
    """Change the manifest by hand."""
    path = results.folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    change(content)
    path.write_text(json.dumps(content), "utf-8")


def change_parameter(content: dict[str, Any]) -> None:
    content["scenarios"]["unix_1988"]["parameters"]["temperature"]["value"] += 0.25


def change_setting(content: dict[str, Any]) -> None:
    content["question"]["points"][0]["settings"]["parameters.temperature"] = 0.9


def change_digest(content: dict[str, Any]) -> None:
    content["question"]["points"][0]["digest"] = "0" * 64


def remove_states(content: dict[str, Any]) -> None:
    del content["scenarios"]["unix_1988"]["states"]


@pytest.mark.parametrize("change", [change_parameter, change_setting, change_digest, remove_states])
def test_changed_record_is_refused_with_its_place(results: Results, change: Any) -> None:
    edit(results, change)
    place = "scenarios.unix_1988.states: is missing" if change == remove_states else r"of point 0 \(unix_1988\) .*: the"
    for read in (*READERS, lambda results: run_sweep(question(), results.folder, workers=1)):
        with pytest.raises(InputError, match=place):
            read(results)


def test_record_that_names_what_it_lacks_is_refused_with_every_place(results: Results) -> None:
    content = json.loads((results.folder / "manifest.json").read_text("utf-8"))
    record = content["scenarios"]["unix_1988"]
    first = next(iter(record["states"]))
    record["states"][first]["initial"] = "nowhere"
    record["ties"][0]["a"] = "GONE"
    content["question"]["points"][0]["digest"] = Scenario.model_validate(record).digest()
    (results.folder / "manifest.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError) as refused:
        replay_run(results, "0-0")
    assert {fault.field for fault in refused.value.faults} == {
        f"scenarios.unix_1988.states.{first}.initial", "scenarios.unix_1988.ties[0].a",
    }  # fmt: skip


def test_text_for_readers_may_change(made: dict[int, Results], results: Results) -> None:
    edit(results, lambda content: content["scenarios"]["unix_1988"].update(title="Another title"))
    assert results.digest() == made[1].digest()


@pytest.mark.parametrize("words", [["compare"], ["report"], ["export"], ["replay", "0-0"], ["query", "select 1"]])
@pytest.mark.parametrize("change", [change_parameter, None])
def test_commands_refuse_with_exit_code_2(results: Results, words: list[str], change: Any, tmp_path: Path) -> None:
    if change:
        edit(results, change)
    else:
        copy_under_another_name(results, results)
    out = ["--out", str(tmp_path / "out.html")] if words[0] in ("report", "export") else []
    done = CliRunner().invoke(cli, [words[0], str(results.folder), *words[1:], *out])
    assert done.exit_code == 2
    assert ("the record was changed" if change else "is not a shard of this sweep") in done.output


def test_own_shards_of_a_record() -> None:
    """Only names that the chunks give, whatever the number of chunks."""
    point = {"scenario": "a", "settings": {}, "replicates": 10**7, "digest": "d", "stored": 3}
    record = {"seed": 1, "lens": "histories", "keep": [], "at": []}
    manifest = {"question": {**record, "points": [{**point, "chunks": [[15, 10], [10**7, 1]]}]}}
    names = ["000003-00000000", "000003-00000010", "000003-00000015", "000003-09999999"]
    others = ["000003-00000005", "000003-10000000", "3-0", "000000-00000000", "000003-", "x", "000003-0000000٣"]
    assert list(own_shards(manifest, [*names, *others])) == names
    assert len({one.identity for one in own_shards(manifest, names).values()}) == len(names)
