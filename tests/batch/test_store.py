"""A results folder: complete shards, locks, tables, exports; and folders from a stranger."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import os
import pickle
import shutil
import threading
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import filelock
import numpy as np
import pytest

from sim.batch import locks, store
from sim.batch.design import own_shards
from sim.batch.locks import SweepShare
from sim.batch.manifest import command_that_keeps, missing_results, points_table
from sim.batch.store import Results, is_sealed, name_write_errors, place_shard, set_aside, write_manifest, write_shard
from sim.batch.tables.chunk import Chunk, runs_table, steps_table
from sim.batch.tables.columns import text_column
from sim.errors import InputError
from sim.files import write_synced
from sim.model.compiled import run_compiled
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings

BASE = load_scenario("unix_1988").model_copy(update={"steps": 3})
EROSIONS = (None, 0.5, 0.6, 0.7)  # of four points


def point(erosion: float | None) -> dict[str, Any]:
    """The record of a point."""
    settings = {} if erosion is None else {"parameters.erosion": erosion}
    return {"scenario": "one", "settings": settings, "replicates": 2, "digest": with_settings(BASE, settings).digest()}


POINTS = [point(erosion) for erosion in EROSIONS[:2]]
MANIFEST: dict[str, Any] = {
    "format": 3,
    "question": {"seed": 7, "lens": "histories", "keep": [], "at": [], "points": POINTS},
    "scenarios": {"one": BASE.model_dump(mode="json")},
}


def with_points(*points: dict[str, Any]) -> dict[str, Any]:
    """The manifest with other points."""
    return {**MANIFEST, "question": {**MANIFEST["question"], "points": list(points)}}


FOUR_POINTS = with_points(*map(point, EROSIONS))


def identity(name: str, manifest: dict[str, Any] = FOUR_POINTS) -> str:
    """The identity of a shard of a manifest; '' for another name."""
    found = own_shards(manifest, [name])
    return found[name].identity if name in found else ""


def identities(names: Iterable[str]) -> dict[str, str]:
    """The identity of each of these shards."""
    return {name: identity(name) for name in names}


def commit(results: Results, name: str, tables: dict[str, Any], manifest: dict[str, Any] = FOUR_POINTS) -> None:
    """Write a shard of a manifest."""
    write_shard(results, name, tables, identity(name, manifest))


def runs(number: int, replicates: list[int], **more: Any) -> dict[str, Any]:
    """A table of failed runs, which needs no run; the step of consolidation tells one from another."""
    chunk = Chunk(number, "one", BASE, 7, range(2), POINTS[0]["digest"])
    steps = {"consolidation_step": np.array([0.1 * r for r in replicates])}
    return runs_table(chunk, [], [(r, "") for r in replicates]) | steps | more


@cache
def steps_of_one_run() -> dict[str, Any]:
    """The table of steps of a run of the second point."""
    return steps_table(Chunk(1, "one", BASE, 7, range(1), ""), [(0, run_compiled(BASE, seed=7))])


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Two shards; only the second has rows of `steps`."""
    made = Results(tmp_path / "results")
    write_manifest(made, MANIFEST)
    commit(made, "000000-00000000", {"runs": runs(0, [1, 0]), "steps": {"point": np.empty(0, dtype=np.int64)}})
    commit(made, "000001-00000000", {"runs": runs(1, [0, 1]), "steps": steps_of_one_run()})
    return made


def asked(results: Results, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with contextlib.closing(results.connection()) as connection:
        return connection.execute(query).fetchall()


# Written and read


def test_tables_of_shards_and_points_of_the_manifest(results: Results) -> None:
    assert results.tables() == ["runs", "steps"]
    assert not (results.shards / "000000-00000000" / "steps.parquet").exists()
    assert asked(results, "select point, replicate, consolidation_step from runs order by all") == [
        (0, 0, 0.0), (0, 1, 0.1), (1, 0, 0.0), (1, 1, 0.1),
    ]  # fmt: skip
    points = asked(results, "select point, scenario, erosion from points")
    assert points == [(0, "one", None), (1, "one", 0.5)]


def test_settings_with_the_same_column_are_refused() -> None:
    for other in ("erosion", "parameters.EROSION"):
        twice = [*POINTS, {**POINTS[1], "settings": {other: 0.5}}]
        with pytest.raises(InputError, match=f"{other}: gives a column of `points` a name that another column has"):
            points_table({"question": {"points": twice}})
    with pytest.raises(InputError, match=r"parameters\.scenario"):
        points_table({"question": {"points": [{**POINTS[1], "settings": {"parameters.scenario": 1.0}}]}})


def test_nan_is_null(results: Results) -> None:
    write_manifest(results, FOUR_POINTS)
    commit(results, "000002-00000000", {"runs": runs(2, [0, 1], consolidation_step=np.array([0.25, np.nan]))})
    column = "consolidation_step"
    query = f"select count({column}), avg({column}), median({column}) from runs where point = 2"  # noqa: S608
    assert asked(results, query) == [(1, 0.25, 0.25)]


def test_columns_of_points_without_settings() -> None:
    columns = points_table({"question": {"points": POINTS[:1]}})
    assert columns.keys() == {"point", "scenario"}


def test_seal_has_the_hash_of_each_file(results: Results) -> None:
    shard = results.shards / "000001-00000000"
    seal = json.loads((shard / "seal.json").read_text("utf-8"))
    assert seal.keys() == {"of", "files"}
    files = seal["files"]
    assert files.keys() == {"runs.parquet", "steps.parquet"} == {p.name for p in shard.iterdir()} - {"seal.json"}
    for name, digest in files.items():
        assert hashlib.sha256((shard / name).read_bytes()).hexdigest() == digest
    assert is_sealed(shard, identity(shard.name))


@pytest.mark.parametrize(
    "seal",
    [
        None, "{}", "[]", "3", "{", '{"runs.parquet": "0"}', '{"of": "OWN", "files": {}}', '{"of": "OWN", "files": 3}',
        '{"of": "OWN", "files": {"runs.parquet": "0"}}', '{"of": "OWN", "files": {"gone.parquet": "0"}}',
    ],
)  # fmt: skip
def test_shard_with_a_wrong_seal(results: Results, seal: str | None) -> None:
    shard = results.shards / "000001-00000000"
    (shard / "seal.json").unlink()
    if seal is not None:
        (shard / "seal.json").write_text(seal.replace("OWN", identity(shard.name)), "utf-8")
    assert not is_sealed(shard, identity(shard.name))


def test_digest_depends_on_rows_and_not_on_shards(results: Results, tmp_path: Path) -> None:
    other = Results(tmp_path / "other")
    own = with_points(
        {**POINTS[0], "stored": 0, "chunks": [[2, 1]]},
        {**POINTS[1], "stored": 1, "replicates": 3, "chunks": [[2, 2], [3, 1]]},
    )
    write_manifest(other, own)
    commit(other, "000000-00000001", {"runs": runs(0, [1])}, own)
    commit(other, "000000-00000000", {"runs": runs(0, [0])}, own)
    commit(other, "000001-00000000", {"runs": runs(1, [1, 0]), "steps": steps_of_one_run()}, own)
    assert other.digest() == results.digest()
    commit(other, "000001-00000002", {"runs": runs(1, [2])}, own)
    assert other.digest() != results.digest()


def test_damaged_shard_is_set_aside(results: Results) -> None:
    names = ["000000-00000000", "000001-00000000", "000002-00000000"]
    assert results.finished(identities(names)) == set(names[:2])
    assert results.has(names[:2])
    assert not results.has(names)
    path = results.shards / names[0] / "runs.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert results.finished(identities(names[1:])) == {names[1]}
    assert path.exists()  # it is not one of the names
    assert results.finished(identities(names)) == {names[1]}
    assert [p.name for p in (results.folder / "damaged").iterdir()] == [f"{names[0]}-0"]
    commit(results, names[0], {"runs": runs(0, [1])})
    set_aside(results.shards / names[0])
    assert sorted(p.name for p in (results.folder / "damaged").iterdir()) == [f"{names[0]}-0", f"{names[0]}-1"]
    assert not Results(results.folder / "nowhere").has([])
    assert Results(results.folder / "nowhere").finished(identities(names)) == set()


def test_shard_is_set_aside_after_another_was_removed(tmp_path: Path) -> None:
    shard, damaged = tmp_path / "shards" / "a", tmp_path / "damaged"
    for number in range(3):
        shard.mkdir(parents=True)
        (shard / "seal.json").write_text(str(number), "utf-8")
        if number == 2:
            shutil.rmtree(damaged / "a-0")
        set_aside(shard)
    assert sorted(path.read_text("utf-8") for path in damaged.glob("*/seal.json")) == ["1", "2"]


def test_only_unfinished_files_of_named_shards_are_removed(results: Results) -> None:
    for name in (".000000-00000000.abc", ".000009-00000000.abc"):
        (results.shards / name).mkdir()
        (results.shards / name / "runs.parquet").write_bytes(b"half")
    assert asked(results, "select count(*) from runs") == [(4,)]
    results.clear(["000000-00000000"])
    assert [p.name for p in results.shards.glob(".*")] == [".000009-00000000.abc"]


def test_sealed_shard_stays_and_damaged_one_is_replaced(results: Results) -> None:
    final = results.shards / "000000-00000000"
    before = (final / "seal.json").read_bytes()
    commit(results, final.name, {"runs": runs(0, [1])})
    assert (final / "seal.json").read_bytes() == before
    (final / "seal.json").write_text("{}", "utf-8")
    commit(results, final.name, {"runs": runs(0, [1])})
    assert asked(results, "select replicate from runs where point = 0") == [(1,)]
    assert len(list((results.folder / "damaged").iterdir())) == 1
    assert not list(results.shards.glob(".*"))
    with pytest.raises(FileNotFoundError):
        place_shard(results.shards / ".gone", results.shards / "000003-00000000", "")


def test_no_shard_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    linked = Results(tmp_path / "linked")
    linked.folder.mkdir()
    linked.shards.symlink_to(outside)
    with pytest.raises(InputError, match="link"):
        commit(linked, "000000-00000000", {"runs": runs(0, [1])})
    assert not list(outside.iterdir())


def test_file_is_written_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_synced(path, b"one")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_synced(path, b"two")
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_written_file_is_synced_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    write_synced(tmp_path / "file", b"one")
    assert synced == [(tmp_path / "file").stat().st_ino, tmp_path.stat().st_ino]
    synced.clear()
    made = Results(tmp_path / "results")
    commit(made, "000000-00000000", {"runs": runs(0, [0])})
    shard = made.shards / "000000-00000000"
    assert {p.stat().st_ino for p in (shard / "runs.parquet", shard / "seal.json", made.shards)} <= set(synced)


# Exports


def test_export_is_sorted_and_has_no_formula(results: Results, tmp_path: Path) -> None:
    write_manifest(results, FOUR_POINTS)
    commit(results, "000002-00000000", {"runs": runs(2, [0], error=text_column(["=1+1"]))})
    out = tmp_path / "it's" / "out"
    assert results.export(out, "csv") == [out / f"{name}.csv" for name in ("points", "runs", "steps")]
    rows = list(csv.reader((out / "runs.csv").read_text("utf-8").splitlines()))
    assert rows[0] == [
        "scenario", "point", "seed", "replicate", "digest", "status", "error", "consolidation_step",
    ]  # fmt: skip
    assert [row[:2] + row[3:4] + row[6:] for row in rows[1:]] == [
        ["one", "0", "0", "", "0.0"], ["one", "0", "1", "", "0.1"], ["one", "1", "0", "", "0.0"],
        ["one", "1", "1", "", "0.1"], ["one", "2", "0", "'=1+1", "0.0"],
    ]  # fmt: skip
    assert len((out / "steps.csv").read_text("utf-8").splitlines()) == 5
    assert results.export(out, "parquet") == [out / f"{name}.parquet" for name in ("points", "runs", "steps")]
    with contextlib.closing(duckdb.connect()) as connection:
        path = str(out / "runs.parquet").replace("'", "''")
        assert connection.execute(f"select max(error) from '{path}'").fetchone() == ("=1+1",)  # noqa: S608


# Locks


def test_chunks_of_each_share() -> None:
    shares = [SweepShare(n, 3) for n in (1, 2, 3)]
    assert [[n for n in range(7) if share.has(n)] for share in shares] == [[0, 3, 6], [1, 4], [2, 5]]
    assert str(shares[0]) == "1/3"


def refusal(results: Results, share: SweepShare | None = None) -> str:
    """The message to a second process that wants the folder."""
    with pytest.raises(InputError) as refused, results.locked(share):
        raise AssertionError("it got the lock")
    assert [fault.line for fault in refused.value.faults] == [1]
    return str(refused.value)


def test_lock_creates_the_folder(tmp_path: Path) -> None:
    with Results(tmp_path / "a" / "b").locked():
        assert (tmp_path / "a" / "b").is_dir()


def test_refusal_names_the_holder(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    calls = []
    with results.locked(first=lambda: calls.append("first")):
        assert calls == ["first"]
        message = refusal(results)
        assert f"is being written by process {os.getpid()} on " in message
        assert "choose another --out" in message
        assert f"process {os.getpid()}" in refusal(results, SweepShare(1, 2))
    with results.locked():
        assert (results.folder / ".holder").exists()
    assert not (results.folder / ".holder").exists()


def test_locks_of_shares(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    with results.locked(SweepShare(1, 2)), results.locked(SweepShare(2, 2)):
        assert "(share 1/2)" in refusal(results, SweepShare(1, 2))
        assert f"process {os.getpid()}" in refusal(results)
        assert "is being written by" in refusal(results, SweepShare(1, 3))
    with results.locked(SweepShare(1, 3)):
        pass
    with results.locked():
        pass


def test_lock_of_a_killed_process_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path / "results")
    results.folder.mkdir()
    (results.folder / ".holder").write_text("process 1 on moon", "utf-8")
    with results.locked():
        assert "moon" not in (results.folder / ".holder").read_text("utf-8")
    monkeypatch.setattr(locks, "NAMING", 0.1)
    with filelock.FileLock(results.folder / ".lock"):
        assert "another process" in refusal(results)


@pytest.mark.parametrize("most", [10, 3000])
def test_write_error_names_the_file(tmp_path: Path, most: int) -> None:
    """A limit on the size of files acts like a full disk."""
    resource = pytest.importorskip("resource")  # of POSIX
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        with pytest.raises(OSError, match=r"shards/.*/runs\.parquet") as caught:
            commit(Results(tmp_path / "results"), "x", {"runs": {"n": np.random.default_rng(1).random(10_000)}})
        with pytest.raises(OSError, match=r"manifest\.json"):
            write_manifest(Results(tmp_path / "results"), {"n": "x" * 4000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.strerror


@pytest.mark.parametrize(
    ("error", "named"),
    [(OSError(28, "fault"), "a.parquet"), (OSError(28, "fault", "b"), "b"), (OSError("fault"), None)],
)
def test_error_of_the_system_names_the_file(error: OSError, named: str | None) -> None:
    with pytest.raises(OSError, match="fault") as caught, name_write_errors(Path("a.parquet")):
        raise error
    assert caught.value.filename == named


def test_read_error_during_a_write_is_not_a_write_error(tmp_path: Path) -> None:
    query = f"copy (select * from '{tmp_path}/gone/runs.parquet') to '{tmp_path}/runs.parquet'"  # noqa: S608
    with contextlib.closing(duckdb.connect()) as connection:
        with pytest.raises(duckdb.IOException), store.name_write_errors(tmp_path / "runs.parquet"):
            connection.execute(query)
        with pytest.raises(OSError, match=r"runs\.csv"), store.name_write_errors(tmp_path / "nowhere" / "runs.csv"):
            connection.execute(f"copy (select 1) to '{tmp_path}/nowhere/runs.csv'")


def test_new_holder_has_time_to_write_its_name(tmp_path: Path) -> None:
    results = Results(tmp_path / "results")
    results.folder.mkdir()
    name = threading.Timer(0.2, (results.folder / ".holder").write_text, ("process 1 on moon", "utf-8"))
    with filelock.FileLock(results.folder / ".lock"):
        name.start()
        assert "process 1 on moon" in refusal(results)
    name.join()


def test_share_waits_a_limited_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(tmp_path / "results")
    results.folder.mkdir()
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    monkeypatch.setattr(locks, "NAMING", 0.1)
    with filelock.FileLock(results.folder / ".lock"):
        start = time.monotonic()
        assert "another process" in refusal(results, SweepShare(1, 2))
        assert time.monotonic() - start >= 0.2


# From a stranger


def with_question(**changes: Any) -> str:
    """A manifest of another question."""
    return json.dumps({**MANIFEST, "question": {**MANIFEST["question"], **changes}})


def with_scenario(**changes: Any) -> str:
    """A manifest of another scenario."""
    return json.dumps({**MANIFEST, "scenarios": {"one": {**MANIFEST["scenarios"]["one"], **changes}}})


def with_point(**changes: Any) -> str:
    """A manifest whose first point is another one."""
    return with_question(points=[{**POINTS[0], **changes}])


REFUSED = {
    "": "manifest.json:1: is not JSON (EOF while parsing a value); take the manifest",
    "{\n": "manifest.json:2: is not JSON",
    "[]": "manifest.json:1: is not a table",
    "[" * 100_000: "is nested too deeply",
    "{}": "question: is missing or is not a table",
    '{"question": {}}': "scenarios: is missing or is not a table",
    "[" + "1," * 1_300_001 + "1]": "has more than 1300000 values, the limit",
    '{"a": ' + "1" * 5000 + "}": "has a number with thousands of digits",
    json.dumps({**MANIFEST, "versions": {"blocs": ["x"]}}): "versions.blocs: ['x'] is not text",
    json.dumps({**MANIFEST, "more": [1]}): "more: unknown key",
    with_question(trajectory=False): "question.trajectory: unknown key",
    with_scenario(steps=10**9): "scenarios.one.steps: 1000000000 is too large; give at most 10000",
    with_scenario(date="2023-10-25"): "scenarios.one: rounds have no date",
    with_scenario(steps=99, date="9990-10-25", step="year"): "scenarios.one: ",
    with_scenario(blocs={}): "scenarios.one.blocs: is empty",
    with_question(lens="fisheye"): "question.lens: 'fisheye' is not one of 'histories' or 'tendency'",
    with_question(lens="tendency"): "scenarios.one.sweep.lens: is histories, and the question's is tendency",
    with_question(keep=["all"]): "question.keep[0]: 'all' is not one of 'steps'",
    with_question(at=["2030-02-30"]): "question.at[0]: '2030-02-30' is not a date",
    with_question(at=["2030-02-03"]): "question.at: the runs of one have no 2030-02-03",
    with_question(points=[]): "question.points: is empty; give at least one",
    with_question(seed=-1): "question.seed: -1 is too small",
    with_question(seed=2**63): "question.seed: 9223372036854775808 is too large",
    with_question(seed="7"): "question.seed: '7' is not a whole number",
    with_point(scenario="two"): "question.points[0].scenario: 'two' is not a recorded scenario (known: one)",
    with_point(replicates=0): "question.points[0].replicates: 0 is too small",
    with_point(replicates=10**7 + 1): "question.points[0].replicates: 10000001 is too large",
    with_point(stored=-1): "question.points[0].stored: -1 is too small",
    with_point(stored=2**31): "question.points[0].stored: 2147483648 is too large",
    with_point(chunks=[]): "question.points[0]: chunks do not cover the replicates",
    with_point(chunks=[[2, 0]]): "question.points[0].chunks[0][1]: 0 is too small",
    with_point(chunks=[[3, 1]]): "question.points[0]: chunks do not cover the replicates",
    with_point(chunks=[[1, 1], [1, 1], [2, 1]]): "question.points[0].chunks: chunks do not cover the replicates",
    with_point(settings={"x": "y"}): "question.points[0].settings.x: 'y' is not a finite number",
    with_point(settings={"x": float("nan")}): "question.points[0].settings.x: nan is not a finite number",
    with_point(digest="d"): "question.points[0].digest: 'd' is not a valid id",
    with_question(points=[POINTS[0], {**POINTS[1], "stored": 0}]): "question.points: several points have the number 0",
}


@pytest.mark.parametrize("content", REFUSED, ids=range(len(REFUSED)))
def test_invalid_manifest_is_refused_by_field(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, "utf-8")
    with pytest.raises(InputError) as refused:
        Results(tmp_path).manifest()
    assert REFUSED[content] in str(refused.value)
    assert all("take the manifest that the sweep wrote" in fault.message for fault in refused.value.faults)


def test_every_fault_of_a_manifest_is_said_at_once(tmp_path: Path) -> None:
    content = json.loads(with_question(seed=-1, points=[{**POINTS[0], "digest": 3}, {**POINTS[1], "replicates": "2"}]))
    content["scenarios"]["one"]["states"] = []
    (tmp_path / "manifest.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError) as refused:
        Results(tmp_path).manifest()
    assert {fault.field for fault in refused.value.faults} == {
        "question.seed", "question.points[0].digest", "question.points[1].replicates", "scenarios.one.states",
    }  # fmt: skip


@pytest.mark.parametrize("part", ["scenarios", "points", "settings"])
def test_no_more_than_twenty_faults_of_a_manifest_are_said(tmp_path: Path, part: str) -> None:
    content = json.loads(with_question())
    if part == "scenarios":
        content["scenarios"] |= {f"s{n}": {} for n in range(900)}
    elif part == "points":
        content["question"]["points"] = [{}] * 100_000
    else:
        content["question"]["points"][0]["settings"] = {f"s{n}": "x" for n in range(100_000)}
    (tmp_path / "manifest.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError) as refused:
        Results(tmp_path).manifest()
    assert len(refused.value.faults) == (1 if part == "settings" else 20)
    if part == "settings":
        assert "question.points[0].settings: has 100000 entries; give at most 1000" in str(refused.value)


def test_missing_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r":1: holds no results; make some with `blocs sweep"):
        Results(tmp_path).manifest()


@pytest.mark.second
def test_manifest_larger_than_can_be_read_is_not_written(tmp_path: Path) -> None:
    for more in ({"command": "x" * 2**25}, {"samplers": dict.fromkeys(map(str, range(1_300_000)), "")}):
        with pytest.raises(InputError, match="would be larger than 32 MB or 1300000 values; sweep fewer points"):
            write_manifest(Results(tmp_path), {**MANIFEST, **more})
    assert not list(tmp_path.iterdir())


def test_other_format_is_refused_with_the_command_that_makes_it_again(tmp_path: Path) -> None:
    """Results of 0.1 have no format; the command is shown where it is one blocs command."""
    question = {"seed": 7, "trajectory": False, "points": POINTS}
    old = {"question": question, "scenarios": {"one": {}}, "versions": {"blocs": "0.1.0"}}
    for content, words in (
        (old, r"was written by blocs 0\.1\.0 in another format .*; remove the folder.*\(the record has no command"),
        (old | {"command": "blocs sweep one --trajectory"}, "again with `blocs sweep one --trajectory`"),
        (old | {"command": "blocs sweep one; rm -r ."}, "the record has no command; its scenarios are one"),
        (MANIFEST | {"format": 4}, "was written in another format"),
    ):
        (tmp_path / "manifest.json").write_text(json.dumps(content), "utf-8")
        with pytest.raises(InputError, match=words):
            Results(tmp_path).connection()


def test_command_that_keeps_more() -> None:
    known = {"scenarios": {"one": {}, "two": {}}}
    for command, words in (
        ("", "blocs sweep one two --keep steps --out FOLDER"),
        ("blocs demo", "blocs sweep one two --keep steps --out FOLDER"),
        ("blocs sweep one two --out 'my results' --seed 3", "blocs sweep one two --seed 3 --keep steps --out FOLDER"),
        ("blocs sweep one --out=x", "blocs sweep one --keep steps --out FOLDER"),
    ):
        assert command_that_keeps(known | {"command": command}, "--keep", "steps") == words


def test_bounds_of_a_manifest(tmp_path: Path) -> None:
    for seed, replicates in ((0, 1), (2**63 - 1, 10**7)):
        content = json.loads(with_question(seed=seed, points=[{**POINTS[0], "replicates": replicates}]))
        write_manifest(Results(tmp_path), content)
        assert Results(tmp_path).manifest().items() >= content.items()


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    Results(folder).refuse_others()  # it does not exist yet
    folder.mkdir()
    (folder / ".hidden").touch()
    Results(folder).refuse_others()  # hidden files do not count
    (folder / "~letters").touch()
    with pytest.raises(InputError) as refused:
        Results(folder).refuse_others()
    (fault,) = refused.value.faults
    assert (fault.file, fault.line) == (str(folder), 1)
    assert "choose an empty or new folder" in fault.message
    (folder / "~letters").rename(folder / "!first")
    with pytest.raises(InputError):
        Results(folder).refuse_others()


def test_message_for_a_scenario_in_place_of_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_it, none = "run it with `blocs sweep {}`", "holds no results"
    for name in ("mine.toml", "mine.csv"):
        Path(name).touch()
    Path("folder.toml").mkdir()
    for name, message in (("mine.toml", run_it), ("baseline_2023", run_it), ("mine.csv", none), ("folder.toml", none),
                       ("nowhere.toml", none), ("nowhere", none)):  # fmt: skip
        assert message.format(name) in str(missing_results(Path(name)))
    Path("baseline_2023").mkdir()
    assert none in str(missing_results(Path("baseline_2023")))


def test_manifest_creates_its_folder_and_contains_no_nan(tmp_path: Path) -> None:
    made = Results(tmp_path / "deep" / "deeper")
    write_manifest(made, MANIFEST)
    assert made.manifest()["question"] == MANIFEST["question"]
    with pytest.raises(ValueError, match="JSON compliant"):
        write_manifest(made, {"question": float("nan")})


def test_other_file_among_the_shards_is_ignored(results: Results) -> None:
    before = asked(results, "select count(*) from runs")
    (results.shards / "notes.txt").write_text("not a shard", "utf-8")
    assert asked(results, "select count(*) from runs") == before


def test_link_or_seal_that_leads_out_of_the_folder_is_refused(results: Results, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    commit(Results(secret), "x", {"runs": runs(0, [1])})
    (results.shards / "000000-00000000").rename(tmp_path / "kept")
    for link, target in (
        ("zz", secret / "shards" / "x"),
        ("yy/runs.parquet", secret / "shards" / "x" / "runs.parquet"),
    ):
        path = results.shards / link
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
        with pytest.raises(InputError, match=":1: is a link, which results cannot contain"):
            results.connection()
        path.unlink()
    (results.shards / "yy").rmdir()
    assert asked(results, "select count(*) from runs") == [(2,)]
    seal = results.shards / "000001-00000000" / "seal.json"
    outside = secret / "shards" / "x" / "runs.parquet"
    files = {os.path.relpath(outside, seal.parent): hashlib.sha256(outside.read_bytes()).hexdigest()}
    seal.write_text(json.dumps({"of": identity(seal.parent.name), "files": files}))
    assert not is_sealed(seal.parent, identity(seal.parent.name))


class Planted:
    """An object that runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch unpickled",)


def test_nothing_is_unpickled(results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planted = pickle.dumps(Planted())
    shard = results.shards / "000000-00000000"
    for path in (results.folder / "manifest.pkl", shard / "runs.pkl", shard / "x.npy", results.folder / "cache.pickle"):
        path.write_bytes(planted)
    assert results.finished(identities(["000000-00000000"])) == {"000000-00000000"}
    assert asked(results, "select count(*) from runs") == [(4,)]
    assert len(results.export(tmp_path / "out", "csv")) == 3
    results.digest()
    foreign = results.shards / "zz'); attach '"
    foreign.mkdir()
    (foreign / "runs.parquet").write_bytes(planted)
    with pytest.raises(InputError, match="is not a shard of this sweep, so it was not read"):
        results.digest()
    shutil.rmtree(foreign)
    (shard / "runs.parquet").write_bytes(planted)
    with pytest.raises(InputError, match="cannot be read"):
        results.digest()
    (results.folder / "manifest.json").write_bytes(planted)
    with pytest.raises(InputError):
        results.manifest()
    assert not (tmp_path / "unpickled").exists()
    pickle.loads(planted)  # noqa: S301
    assert (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("name", ["a[1]", "it's", "b*", "c?"])
def test_folder_with_a_pattern_in_its_name(tmp_path: Path, name: str) -> None:
    results = Results(tmp_path / name)
    write_manifest(results, MANIFEST)
    commit(results, "000000-00000000", {"runs": runs(0, [0])})
    assert asked(results, "select count(*) from runs") == [(1,)]
    assert len(results.export(tmp_path / name / "out", "csv")) == 2


def test_query_downloads_nothing(results: Results) -> None:
    with pytest.raises(duckdb.Error, match="httpfs"):
        asked(results, "select * from 'https://127.0.0.1:1/x.parquet'")
