"""Bounds of a record and of the tables of results: the last value that is right, and the first that is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sim.batch import digests, store
from sim.batch.design import own_shards
from sim.batch.manifest import MANIFEST, absent_table, covers, manifest_faults, points_table, tendency_command
from sim.batch.store import MAX_SEAL, Results, read_seal, set_aside, write_manifest, write_shard
from sim.batch.tables.chunk import Chunk, runs_table, states_table, steps_table
from sim.batch.tables.schema import Extent, table_rules
from sim.errors import Fault, InputError, display_path
from sim.model.compiled import run_compiled
from sim.scenario.loading import load_scenario

BASE = load_scenario("unix_1988").model_copy(update={"steps": 3})
RECORD = BASE.model_dump(mode="json")
POINT: dict[str, Any] = {"scenario": "one", "settings": {}, "replicates": 3, "digest": BASE.digest()}
SHARD = "000000-00000000"


def manifest(question: Mapping[str, Any] = {}, scenario: Mapping[str, Any] = {}, **more: Any) -> dict[str, Any]:
    """A manifest of one point of three runs, with changes of its parts."""
    asked = {"seed": 7, "lens": "histories", "keep": [], "at": [], "points": [POINT], **question}
    return {"format": 3, "question": asked, "scenarios": {"one": {**RECORD, **scenario}}, **more}


def faults(content: Mapping[str, Any]) -> list[str]:
    """The faults of a manifest as texts, without what to do."""
    return [f"{field}: {message}".partition("; take")[0] for field, message in manifest_faults(content)]


def with_runs(folder: Path, record: Mapping[str, Any]) -> Results:
    """A folder with the first shard of a record: three failed runs."""
    results = Results(folder)
    write_manifest(results, record)
    runs = runs_table(Chunk(0, "one", BASE, 7, range(3), POINT["digest"]), [], [(r, "") for r in range(3)])
    for name, shard in own_shards(record, [SHARD, "000005-00000000"]).items():
        number = np.full(3, int(name[:6]), dtype=np.int64)
        write_shard(results, name, {"runs": {**runs, "point": number}}, shard.identity)
    return results


# The record


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ({"scenario": {"title": "x" * 10_000}}, {"scenario": {"title": "x" * 10_001}}, "one.title: "),
        ({"versions": {"x" * 1000: "1"}}, {"versions": {"x" * 1001: "1"}}, "versions."),
        (
            {"samplers": dict.fromkeys(map(str, range(100)), "")},
            {"samplers": dict.fromkeys(map(str, range(101)), "")},
            "samplers: has 101 entries; give at most 100",
        ),
        ({"command": "x" * 2**20}, {"command": "x" * (2**20 + 1)}, "command: "),
        ({"question": {"keep": ["steps"]}}, {"question": {"keep": ["steps"] * 2}}, "question.keep: has 2 entries"),
        ({"scenario": {"steps": 1}}, {"scenario": {"steps": 0}}, "scenarios.one.steps: 0 is too small"),
        (
            {"scenario": {"sweep": {**RECORD["sweep"], "seed": 0}}},
            {"scenario": {"sweep": {**RECORD["sweep"], "seed": -1}}},
            "scenarios.one.sweep.seed: -1 is too small",
        ),
    ],
)
def test_record_at_a_bound_and_beyond_it(right: dict[str, Any], wrong: dict[str, Any], message: str) -> None:
    assert faults(manifest(**right)) == []
    (found,) = faults(manifest(**wrong))
    assert message in found


@pytest.mark.parametrize("key", ["question", "note", "source", "step", "date", "dispositions", "sweep"])
def test_record_without_what_readers_use(key: str) -> None:
    content = manifest()
    del content["scenarios"]["one"][key]
    assert faults(content) == [f"scenarios.one.{key}: is missing; give it a value"]


@pytest.mark.parametrize("key", ["lens", "design", "seed"])
def test_record_of_a_sweep_without_what_readers_use(key: str) -> None:
    sweep = {name: value for name, value in RECORD["sweep"].items() if name != key}
    assert faults(manifest(scenario={"sweep": sweep})) == [f"scenarios.one.sweep.{key}: is missing; give it a value"]
    assert len(faults(manifest(scenario={"sweep": {**sweep, key: None}}))) == 1


@pytest.mark.parametrize("chunks", [[[1, 1], [2, 1], [3, 1]], [[1, 1], [3, 2]], [[3, 10]]])
def test_chunks_that_cover_the_replicates(chunks: list[list[int]]) -> None:
    assert covers(chunks) == chunks
    assert faults(manifest({"points": [{**POINT, "chunks": chunks}]})) == []


@pytest.mark.parametrize("chunks", [[[3]], [[3, 1, 1]], [[0, 1], [3, 1]], [[2, 1], [1, 1], [3, 1]], [[1, 1], [2, 1]]])
def test_other_chunks_are_refused(chunks: list[list[int]]) -> None:
    assert len(faults(manifest({"points": [{**POINT, "chunks": chunks}]}))) == 1


def test_date_that_a_question_asks_for_is_one_of_its_runs() -> None:
    """Three steps of a month from 30 April: the start counts, and so does the end of the last step."""
    dated = {"date": "2020-04-30", "step": "month", "steps": 3}
    for day, there in (("2020-04-29", 0), ("2020-04-30", 1), ("2020-06-15", 1), ("2020-07-30", 1), ("2020-07-31", 0)):
        missing = [f"question.at: the runs of one have no {day}"]
        assert faults(manifest({"at": [day]}, dated)) == ([] if there else missing), day


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ties": [*RECORD["ties"], {"kind": "bond"}]}, rf"ties\[{len(RECORD['ties'])}\] \(a: Field required\)"),
        (
            {"anchor": {**RECORD, "ties": [1], "shocks": [{}] * 1_000}, "ties": []},
            r"ties\[0\] \(: Input should be a valid dictionary",
        ),
        ({"shocks": [{}] * 2_000, "ties": []}, "has more than 1000 values beside its ties"),
    ],
)
def test_large_record_is_read_until_its_first_fault(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    """A record of a million faults would take a gigabyte if each was kept."""
    monkeypatch.setattr(digests, "MOST_PARTS", 1_000)
    large = {"shocks": [{"kind": "x"}] * 1_000, **changes}
    with pytest.raises(ValueError, match=message):
        digests.scenario_of({**RECORD, **large})
    assert digests.scenario_of(RECORD) == BASE


def test_faults_of_a_record_are_at_its_first_line(tmp_path: Path) -> None:
    for content in (
        {},
        {"question": {}, "scenarios": {"one": {}}},
        manifest({"seed": -1}),
        manifest({"points": [{**POINT, "digest": "0" * 64}]}),
    ):
        (tmp_path / MANIFEST).write_text(json.dumps(content), "utf-8")
        with pytest.raises(InputError) as refused:
            Results(tmp_path).manifest()
        assert {fault.line for fault in refused.value.faults} == {1}
    with pytest.raises(InputError) as refused:
        points_table({"question": {"points": [{**POINT, "settings": {"scenario": 1.0}}]}})
    assert [(fault.file, fault.line, fault.field) for fault in refused.value.faults] == [(MANIFEST, 1, "scenario")]


def test_table_that_is_absent_is_named_with_the_command_that_makes_it() -> None:
    known = {"scenarios": {"one": {}}, "command": "blocs sweep one --at 2020-01-01 --lens=histories --seed 3 --out x"}
    error = "Catalog Error: Table with name {} does not exist!"
    for name, words in (
        ("Steps", "has no table steps: outcomes at every step are stored on request. Make them with `blocs sweep one"
                  " --at 2020-01-01 --lens=histories --seed 3 --keep steps --out FOLDER`"),
        ("dates", "has no table dates: no date was asked for. Ask with `blocs sweep one --at 2020-01-01"
                  " --lens=histories --seed 3 --at DATE --out FOLDER`"),
        ("trajectory", "has no table trajectory; the view alignments replaces it"),
        ("mine", ""),
    ):  # fmt: skip
        assert absent_table(error.format(name), known) == words
    assert absent_table("Parser Error: syntax error", known) == ""
    assert tendency_command(known) == "blocs sweep one --seed 3 --lens tendency --out FOLDER"


# The folder


def test_point_has_another_number_in_the_shards(tmp_path: Path) -> None:
    """The question asks for the point that the shards know as the fifth."""
    results = with_runs(tmp_path / "r", manifest({"points": [{**POINT, "stored": 5}]}))
    with results.reading() as connection:
        assert connection.execute("select distinct point from runs").fetchall() == [(0,)]
        assert connection.execute("select point, scenario from points").fetchall() == [(0, "one")]


@pytest.mark.parametrize("place", [MANIFEST, "shards", "damaged", f"shards/{SHARD}", f"shards/{SHARD}/runs.parquet"])
def test_link_in_any_place_of_a_folder_is_refused(tmp_path: Path, place: str) -> None:
    results = with_runs(tmp_path / "r", manifest())
    path = results.folder / place
    if not path.exists():
        path.mkdir()
    shutil.move(path, tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    readers = [results.refuse_links, results.connection, lambda: results.clear([SHARD])]
    for refuse in [*readers, results.manifest] if place == MANIFEST else readers:
        with pytest.raises(InputError, match=r":1: is a link, which results cannot contain"):
            refuse()


def test_seal_of_a_megabyte_is_read(tmp_path: Path) -> None:
    files = {"runs.parquet": "0" * 64}
    seal = json.dumps({"of": "mine", "files": files}).encode()
    (tmp_path / "seal.json").write_bytes(seal.ljust(MAX_SEAL))
    assert MAX_SEAL == 1_048_576
    assert read_seal(tmp_path, "mine") == files
    (tmp_path / "seal.json").write_bytes(seal.ljust(MAX_SEAL + 1))
    assert read_seal(tmp_path, "mine") == {}


def test_manifest_of_the_largest_size_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = manifest()
    write_manifest(Results(tmp_path / "one"), content)
    raw = (tmp_path / "one" / MANIFEST).read_bytes()
    for limit, size in (("MAX_RECORD", len(raw)), ("MOST_VALUES", store.count_values(raw))):
        monkeypatch.setattr(store, limit, size)
        write_manifest(Results(tmp_path / "two"), content)
        monkeypatch.setattr(store, limit, size - 1)
        with pytest.raises(InputError) as refused:
            write_manifest(Results(tmp_path / "two"), content)
        most = "0 MB" if limit == "MAX_RECORD" else f"{store.MAX_RECORD // 2**20} MB"
        message = (
            f"would be larger than {most} or {store.MOST_VALUES} values; sweep fewer points, settings or scenarios"
        )
        assert refused.value.faults == [Fault(display_path(tmp_path / "two" / MANIFEST), 1, "", f"{message} at once")]
        monkeypatch.undo()


@pytest.mark.parametrize(("count", "said"), [(20, 20), (21, 21), (23, 21)])
def test_folders_that_are_no_shards_are_named_up_to_twenty(tmp_path: Path, count: int, said: int) -> None:
    results = with_runs(tmp_path / "r", manifest())
    for n in range(count):
        (results.shards / f"mine {n:02}").mkdir()
    with pytest.raises(InputError) as refused:
        results.tables()
    faults = refused.value.faults
    assert (len(faults), {fault.line for fault in faults}) == (said, {1})
    named = {Path(fault.file).name for fault in faults}
    assert ("mine 19" in named, "mine 20" in named) == (True, False)
    assert (f"contains {count} such folders" in faults[0].message) == (count > 20)


def test_folder_has_all_of_its_shards(tmp_path: Path) -> None:
    results = with_runs(tmp_path / "r", manifest())
    assert results.has([SHARD])
    assert results.has([])
    assert not results.has([SHARD, "000001-00000000"])
    assert not Results(tmp_path).has([])


def test_file_changed_without_its_seal_is_named_by_its_first_line(tmp_path: Path) -> None:
    results = with_runs(tmp_path / "r", manifest())
    path = results.shards / SHARD / "runs.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError) as refused:
        results.require_sound(["runs"], results.own())
    assert refused.value.faults[0].line == 1
    results.require_sound(["states"], results.own())  # the tables that are not asked for are not read
    shutil.rmtree(results.shards / SHARD)
    assert results.tables() == []


def test_database_has_more_memory_for_more_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = with_runs(tmp_path / "r", manifest())
    asked = []
    connect = store.connect_database
    monkeypatch.setattr(store, "connect_database", lambda memory: asked.append(memory) or connect(memory))
    results.connection().close()
    size = (results.shards / SHARD / "runs.parquet").stat().st_size
    assert asked == [256 * 2**20 + 32 * size]


def test_export_goes_into_a_folder_that_exists(tmp_path: Path) -> None:
    results = with_runs(tmp_path / "r", manifest())
    out = tmp_path / "a" / "b"
    first = results.export(out, "csv")
    assert [path.read_text("utf-8").count("\n") for path in first] == [2, 4]
    assert results.export(out, "csv") == first


def test_shard_of_two_tables_has_the_rows_of_each(tmp_path: Path) -> None:
    results = with_runs(tmp_path / "r", manifest())
    chunk = Chunk(0, "one", BASE, 7, range(1), "")
    steps = steps_table(chunk, [(0, run_compiled(BASE, seed=7))])
    shutil.rmtree(results.shards / SHARD)
    identity = own_shards(manifest(), [SHARD])[SHARD].identity
    write_shard(results, SHARD, {"steps": steps, "runs": runs_table(chunk, [], [(0, "")])}, identity)
    with results.reading() as connection:
        assert connection.execute("select count(*) from steps").fetchall() == [(4,)]
        assert connection.execute("select status from runs").fetchall() == [("failed",)]


def test_alignments_of_runs_in_which_no_state_moved(tmp_path: Path) -> None:
    results = with_runs(tmp_path / "r", manifest())
    chunk = Chunk(0, "one", BASE, 7, range(1), POINT["digest"])
    done = [(0, run_compiled(BASE, seed=7))]
    shutil.rmtree(results.shards / SHARD)
    identity = own_shards(manifest(), [SHARD])[SHARD].identity
    tables = {"runs": runs_table(chunk, done, []), "states": states_table(chunk, done)}
    write_shard(results, SHARD, tables, identity)
    with results.reading() as connection:
        assert connection.execute("select count(*) from moves").fetchall() == [(0,)]
        query = "select step, count(distinct state) from alignments group by step order by step"
        assert connection.execute(query).fetchall() == [(step, len(BASE.states)) for step in range(4)]
    with results.reading(["runs", "states"]) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("select * from alignments")


# The tables


EXTENT = Extent({"one": RECORD}, range(2, 4), range(10), 5, 7, True)


def test_most_rows_of_a_table() -> None:
    """Of five runs of three steps at two dates."""
    states = len(BASE.states)
    assert [EXTENT.most_rows(table, 2) for table in ("runs", "states", "moves", "dates", "steps")] == [
        5, 5 * states, 15 * states, 10, 20,
    ]  # fmt: skip


def test_ranges_of_columns() -> None:
    rules = {table: table_rules(table, EXTENT) for table in ("runs", "states", "moves", "dates", "steps")}
    share, members = 1 + 1e-9, len(BASE.states)
    for table, column, low, high, optional in (
        ("runs", "point", 2, 3, False), ("runs", "replicate", 0, 9, False), ("runs", "seed", 7, 7, False),
        ("runs", "consolidation_step", 0, 3, True), ("moves", "step", 0, 3, False), ("steps", "step", 0, 3, False),
        ("states", "share_non_aligned", 0, share, False), ("states", "bite", 0, share, True),
        ("states", "regime_stability", 0, share, True), ("dates", "polarization", 0, share, True),
        ("steps", "switches", 0, members, True), ("runs", "error", 0, 20_000, False),
    ):  # fmt: skip
        rule = rules[table][column]
        assert (rule.low, rule.high, rule.optional) == (low, high, optional), (table, column)
    assert rules["dates"]["date"].optional
    run = {"point", "seed", "replicate"}
    assert {table: {column for column, rule in found.items() if rule.key} - run for table, found in rules.items()} == {
        "runs": {"digest"}, "states": set(), "moves": {"step"}, "dates": {"step"}, "steps": {"step"},
    }  # fmt: skip
    assert all(found[column].key for found in rules.values() for column in run)
    assert {table: [*rules[table]][4:6] for table in ("dates", "steps", "moves")} == {
        "dates": ["date", "step"], "steps": ["step", "date"], "moves": ["step", "date"],
    }  # fmt: skip


def test_damaged_shard_follows_no_link(tmp_path: Path) -> None:
    (shard := tmp_path / "r" / "shards" / "000000-00000000").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "r" / "damaged").symlink_to(tmp_path / "other")
    with pytest.raises(InputError, match=r"damaged:1: is a link"):
        set_aside(shard)
    assert (shard.is_dir(), [*(tmp_path / "other").iterdir()]) == (True, [])


def test_seal_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps({"of": "mine", "files": {"runs.parquet": "0" * 64}}), "utf-8")
    (tmp_path / "seal.json").symlink_to("other.json")
    with pytest.raises(InputError, match=r"seal\.json:1: is a link"):
        read_seal(tmp_path, "mine")


def test_text_of_two_hundred_bytes_is_the_longest() -> None:
    digest = table_rules("runs", EXTENT)["digest"]
    assert digest.condition("digest") == '("digest" is not null and strlen("digest") <= 200)'
    assert digest.describe() == "a text of at most 200 bytes"
    number = table_rules("runs", EXTENT)["point"]
    assert number.condition("point") == '("point" is not null and "point" between 2 and 3)'
    leverage = table_rules("runs", EXTENT)[f"leverage_{next(iter(BASE.blocs))}"]
    assert leverage.describe() == "0 or more"
