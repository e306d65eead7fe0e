"""A run that is repeated from the record of its results is equal bit for bit, or the differences are named."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from sim.batch import executor
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.cli import cli
from sim.errors import InputError
from sim.files import hash_file
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Sweep

REPLICATES = 9
EVERY_ROW = -1  # of the run

pytestmark = pytest.mark.usefixtures("rounds")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Scenarios with different blocs, one of them over a design, with every step."""
    short = {"steps": 4}
    ranges = Sweep(design="sobol", points=4, seed=1, vary={"temperature": {"start": 0, "stop": 2}})
    scenarios = {
        "baseline_2023": load_scenario("baseline_2023").model_copy(update=short),
        "unix_1988": load_scenario("unix_1988").model_copy(update={**short, "sweep": ranges}),
        "great_powers_1907": load_scenario("great_powers_1907").model_copy(update={"steps": 40}),
    }
    question = make_question(scenarios, replicates=REPLICATES, seed=7, keep=("steps",))
    return run_sweep(question, tmp_path_factory.mktemp("replay") / "results", workers=2).results


@pytest.fixture
def copy(results: Results, tmp_path: Path) -> Results:
    """A copy of the results that a test may damage."""
    shutil.copytree(results.folder, tmp_path / "results")
    return Results(tmp_path / "results")


def blocs(*words: str, code: int) -> Result:
    """Run the command in this process."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return done


@pytest.mark.second
def test_random_runs_are_equal_bit_for_bit(results: Results) -> None:
    every = [f"{point}-{replicate}" for point in range(6) for replicate in range(REPLICATES)]
    for run in random.Random(20).sample(every, 20):  # noqa: S311
        found = replay_run(results, run)
        assert found.equal, (run, found.differences)
        assert found.versions == ()
        assert found.compared > 250


def test_agents_repeat_a_compiled_run(results: Results) -> None:
    assert replay_run(results, "2-3", engine="mesa").equal


def test_replay_command(results: Results) -> None:
    out = blocs("replay", str(results.folder), "0-8", code=0).stdout
    assert "run 0-8: baseline_2023, seed 7" in out
    assert "equal to the bit" in out
    record = json.loads(blocs("replay", str(results.folder), "4-0", "--json", code=0).stdout)
    assert record["equal"] is True
    assert record["design"].startswith("unix_1988 [temperature=")


def damage(results: Results, table: str, change: str) -> None:
    """Replace columns in every row of a table of point 0, and give the shard a seal that fits."""
    (path,) = results.shards.glob(f"000000-*/{table}.parquet")
    with contextlib.closing(duckdb.connect()) as connection:
        select = f"select {change} from '{path}'"  # noqa: S608
        connection.execute(f"copy ({select}) to '{path}.new' (format parquet)")
    Path(f"{path}.new").replace(path)
    seal = json.loads((path.parent / "seal.json").read_text("utf-8"))
    seal["files"][path.name] = hash_file(path)
    (path.parent / "seal.json").write_text(json.dumps(seal), "utf-8")


@pytest.mark.parametrize(
    ("table", "change", "column", "count"),
    [
        ("runs", "* replace (capability_front + 1e-16 as capability_front)", "capability_front", 1),
        ("runs", "* replace (reverse(digest) as digest)", "digest", 1),
        ("states", "* replace (-bite as bite)", "bite", 52),  # 0 and -0 differ in their bits
        ("steps", "* replace (case when step = 3 then 0 else members_front end as members_front)", "members_front", 1),
        (
            "moves",
            "* replace (case cause when 'renewal' then 'following' else 'renewal' end as cause)",
            "cause",
            EVERY_ROW,
        ),
    ],
)
def test_changed_value_is_named(copy: Results, table: str, change: str, column: str, count: int) -> None:
    if count == EVERY_ROW:
        rows = copy.connection().execute(f"select count(*) from {table} where point = 0 and replicate = 2").fetchone()  # noqa: S608
        assert rows
        (count,) = rows
    damage(copy, table, change)
    (found,) = replay_run(copy, "0-2").differences
    assert (found.table, found.column, found.values) == (table, column, count)
    out = blocs("replay", str(copy.folder), "0-2", code=1).stdout
    assert "not the same: 1 columns differ" in out
    assert column in out


def test_missing_table_is_refused(copy: Results) -> None:
    (path,) = copy.shards.glob("000000-*/steps.parquet")
    path.unlink()
    with pytest.raises(InputError, match=f"{path.parent.name}:1: lacks a file"):
        replay_run(copy, "0-2")


def test_other_versions_are_named(copy: Results) -> None:
    manifest = copy.folder / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    content["versions"] |= {"numba": "0.1.0", "[bold]x": "2"}
    manifest.write_text(json.dumps(content), "utf-8")
    out = blocs("replay", str(copy.folder), "0-2", code=0).stdout
    assert "numba" in out
    assert "0.1.0" in out
    assert "[bold]x" in out


@pytest.mark.parametrize(
    ("run", "phrase"),
    [
        ("6-0", "has no run '6-0'; give POINT-REPLICATE, such as 0-0 (points are 0 to 5, replicates of point 0"),
        ("0-9", "has no run '0-9'; point 0 has replicates 0 to 8"),
        ("baseline_2023", "has no run 'baseline_2023'"),
        ("0-1-2", "has no run '0-1-2'"),
    ],
)
def test_unknown_run_is_refused(results: Results, run: str, phrase: str) -> None:
    assert phrase in blocs("replay", str(results.folder), run, code=2).stderr


def test_run_that_is_not_computed_yet_is_refused(copy: Results) -> None:
    shutil.rmtree(copy.shards / "000000-00000000")
    assert "has not been computed yet" in blocs("replay", str(copy.folder), "0-2", code=2).stderr
    assert replay_run(copy, "1-2").equal
    shutil.rmtree(copy.shards)
    assert "has not been computed yet" in blocs("replay", str(copy.folder), "1-2", code=2).stderr


def test_record_without_the_scenario_is_refused(copy: Results) -> None:
    manifest = copy.folder / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    del content["scenarios"]["unix_1988"]
    content["question"]["points"][0]["settings"] = {"erosoin": 1}
    manifest.write_text(json.dumps(content), "utf-8")
    for run in ("0-0", "2-0"):
        assert "is not a recorded scenario" in blocs("replay", str(copy.folder), run, code=2).stderr


def test_unreadable_shard_gives_two_lines(copy: Results) -> None:
    (path,) = copy.shards.glob("000000-*/runs.parquet")
    path.write_bytes(path.read_bytes()[:-97])
    lines = blocs("replay", str(copy.folder), "0-0", code=2).stderr.splitlines()
    assert len(lines) == 2
    assert "runs.parquet:1: cannot be read (" in lines[0]
    assert "runs.parquet:1: was changed after it was written" in lines[1]


def planted(scenario: Any, *, seed: int, replicates: Sequence[int], world: Any, stored: Any = None) -> Iterator[Run]:
    """Runs that raise for one replicate in three."""
    for replicate in replicates:
        if replicate % 3 == 1:
            raise RuntimeError(f"planted in {replicate}")
        yield from executor.compiled_engine(scenario, seed=seed, replicates=(replicate,), world=world)


def test_failed_run_repeats_its_error(tmp_path: Path) -> None:
    scenarios = {"unix_1988": load_scenario("unix_1988").model_copy(update={"steps": 2})}
    done = run_sweep(make_question(scenarios, replicates=4, seed=7), tmp_path / "r", workers=1, run_each=planted)
    assert len(done.failed) == 1
    found = replay_run(done.results, "0-1", run_each=planted)
    assert found.equal, found.differences
    assert found.error.strip().endswith("RuntimeError: planted in 1")
    assert replay_run(done.results, "0-2", run_each=planted).equal
    well = replay_run(done.results, "0-1")
    assert {("runs", "status"), ("runs", "error")} <= {(one.table, one.column) for one in well.differences}


def test_record_of_another_schema_is_refused(copy: Results) -> None:
    manifest = copy.folder / "manifest.json"
    content = json.loads(manifest.read_text("utf-8"))
    content["scenarios"]["unix_1988"]["moons"] = 2
    manifest.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match=r"point \d+ \(unix_1988\) cannot be read \(moons: .* or another version"):
        replay_run(copy, "2-0")
