"""Tables of other columns, types, rows or values are refused with every fault, wherever they are read."""

from __future__ import annotations

import contextlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sim.analysis.compare import read_sample
from sim.batch import executor
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.batch.tables import schema
from sim.batch.tables.reading import check_stored_file
from sim.batch.tables.schema import MOST_ERROR, Rule, cut_error
from sim.errors import InputError
from sim.files import hash_file
from sim.scenario.loading import load_scenario

SHARD = "000000-00000000"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two scenarios with other blocs and states, and one run that fails."""
    short = {name: load_scenario(name).model_copy(update={"steps": 3}) for name in ("unix_1988", "great_powers_1907")}

    def run_each(scenario: Any, *, seed: int, replicates: Any, **how: Any) -> Any:
        for replicate in replicates:
            if replicate == 2:
                raise RuntimeError("planted")
            yield from executor.compiled_engine(scenario, seed=seed, replicates=(replicate,), **how)

    folder = tmp_path_factory.mktemp("honest") / "results"
    run_sweep(make_question(short, replicates=4, seed=1, keep=("steps",)), folder, workers=1, run_each=run_each)
    return folder


@pytest.fixture
def results(honest: Path, tmp_path: Path) -> Results:
    """A copy, to change."""
    return Results(Path(shutil.copytree(honest, tmp_path / "results")))


def change(results: Results, table: str, columns: str, rest: str = "", *, sealed: bool = True) -> None:
    """Replace columns of a table of the first shard; by default its seal fits."""
    path = results.shards / SHARD / f"{table}.parquet"
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute(f"copy (select {columns} from '{path}' {rest}) to '{path}.new' (format parquet)")  # noqa: S608
    Path(f"{path}.new").replace(path)
    if sealed:
        seal = json.loads((path.parent / "seal.json").read_text("utf-8"))
        seal["files"][path.name] = hash_file(path)
        (path.parent / "seal.json").write_text(json.dumps(seal), "utf-8")


def ask(table: str) -> Callable[[Results], object]:
    """Read a table by a query."""

    def read(results: Results) -> object:
        with results.reading() as connection:
            return connection.execute(f"select * from {table}").fetchall()  # noqa: S608

    return read


def put(column: str, value: str, *, first: bool = False) -> str:
    """The columns of a table with another value in one of them."""
    value = f'case when replicate = 1 then {value} else "{column}" end' if first else value
    return f'* replace ({value} as "{column}")'


CASES: list[tuple[str, str, str, str, Callable[[Results], object]]] = [
    ("runs", "* exclude (status)", "status", "is missing", read_sample),
    ("runs", "* exclude (polarization)", "polarization", "is missing", read_sample),
    ("runs", 'point as "POINT", * exclude (point)', "point", "is missing", ask("runs")),
    ("steps", "* exclude (step)", "step", "is missing", ask("steps")),
    ("runs", put("polarization", "'much'"), "polarization", "has the type VARCHAR, not DOUBLE (numbers)", read_sample),
    ("runs", put("point", "point::double"), "point", "has the type DOUBLE, not BIGINT (whole numbers)", ask("runs")),
    ("states", put("state", "[state]"), "state", "has the type VARCHAR[], not VARCHAR (text)", ask("states")),
    ("runs", put("status", "'lost'", first=True), "status", "such as 'lost'; right is one of ok, failed", read_sample),
    ("states", put("state", "'XXX'", first=True), "state", "such as 'XXX'; right is one of", read_sample),
    ("states", put("final", "repeat('long ', 9999)", first=True), "final", "such as 'long long", ask("states")),
    ("moves", put("to_alignment", "'nowhere'"), "to_alignment", "such as 'nowhere'; right is one of", ask("moves")),
    ("moves", put("step", "99999::bigint"), "step", "such as '99999'; right is from 0 to 3", ask("alignments")),
    ("moves", put("step", "-1::bigint"), "step", "such as '-1'; right is from 0 to 3", ask("alignments")),
    ("runs", put("replicate", "replicate - 1"), "replicate", "such as '-1'; right is from 0 to 3", ask("runs")),
    ("runs", put("point", "99", first=True), "point", "such as '99'; right is from 0 to 0", ask("runs")),
    ("runs", put("seed", "2::bigint"), "seed", "4 of 4 rows are out of range, such as '2'", ask("runs")),
    ("runs", put("product_a", "1.5", first=True), "product_a", "such as '1.5'; right is from 0 to 1", read_sample),
    ("runs", put("leverage_a", "'inf'::double", first=True), "leverage_a", "right is 0 or more", read_sample),
    ("states", put("share_a", "null", first=True), "share_a", "such as no value; right is from 0 to 1", read_sample),
]  # fmt: skip


@pytest.mark.parametrize(("table", "columns", "column", "message", "read"), CASES)
def test_table_is_refused_by_column(
    results: Results, table: str, columns: str, column: str, message: str, read: Callable[[Results], object]
) -> None:
    change(results, table, columns)
    with pytest.raises(InputError) as refused:
        read(results)
    (fault,) = refused.value.faults
    assert fault.file.endswith(f"{SHARD}/{table}.parquet")
    assert (fault.field, message in fault.message) == (column, True), fault
    assert "repeat the same `blocs sweep`: it computes these runs again" in fault.message


@pytest.mark.parametrize(
    ("table", "rest", "message"),
    [
        ("runs", "union all select * from '{path}'", "has 8 rows; its runs have at most 4"),
        ("states", "where replicate <> 3", "have other rows than the runs of their seals"),
        ("states", "where replicate <> 3 union all select * from '{path}' where replicate = 1", "have other rows than"),
        ("runs", "where replicate <> 3", "have other rows than the runs of their seals"),
        ("runs", "cross join range(20000) as many(n)", "has 80000 rows; its runs have at most 4"),
    ],
)
def test_other_rows_are_refused(results: Results, table: str, rest: str, message: str) -> None:
    columns = f"{table}.*" if "cross" in rest else "*"
    change(results, table, columns, rest.format(path=results.shards / SHARD / f"{table}.parquet"))
    with pytest.raises(InputError, match=message):
        read_sample(results)


def test_every_fault_is_said_at_once(results: Results) -> None:
    change(results, "runs", f"{put('status', '3')[:-1]}, -1.0 as polarization) ")
    change(results, "states", "* exclude (bite)")
    with pytest.raises(InputError) as refused:
        read_sample(results)
    assert {(Path(fault.file).name, fault.field) for fault in refused.value.faults} == {
        ("runs.parquet", "status"), ("runs.parquet", "polarization"), ("states.parquet", "bite"),
    }  # fmt: skip


@pytest.mark.parametrize("read", [read_sample, ask("runs"), lambda results: replay_run(results, "0-0")])
def test_value_changed_without_a_seal_is_refused(results: Results, read: Callable[[Results], object]) -> None:
    change(results, "runs", put("polarization", "polarization / 2"), sealed=False)
    with pytest.raises(InputError, match=r"runs\.parquet:1: was changed after it was written: it does not have the"):
        read(results)
    report = run_sweep(
        make_question(
            {n: load_scenario(n).model_copy(update={"steps": 3}) for n in ("unix_1988", "great_powers_1907")},
            replicates=4, seed=1, keep=("steps",),
        ),
        results.folder, workers=1,
    )  # fmt: skip
    assert report.set_aside == [SHARD]
    assert read_sample(results).failed == 1


def test_honest_tables_are_those_of_the_files(honest: Path) -> None:
    """The views with codes and with texts have the rows and columns that the files have."""
    results = Results(honest)
    with results.reading() as connection:
        for table in results.tables():
            files = f"read_parquet('{honest}/shards/*/{table}.parquet', union_by_name = true)"
            for one in (table, f"coded.{table}"):
                kinds = {name: "VARCHAR" if kind.startswith("ENUM") else kind for name, kind, *_ in
                         connection.execute(f"describe {one}").fetchall()}  # fmt: skip
                stored = connection.execute(f"describe select * from {files}").fetchall()  # noqa: S608
                plain = {name: kind for name, kind, *_ in stored}
                assert kinds == plain
                columns = ", ".join(f'"{name}"::varchar' for name in plain)
                query = f"select count(*) from ((select {columns} from {{}}) except all (select {columns} from {{}}))"  # noqa: S608
                for left, right in ((one, files), (files, one)):
                    assert connection.execute(query.format(left, right)).fetchone() == (0,)


@pytest.mark.parametrize("scenario", ["unix_1988", "baseline_2023"])
def test_rules_hold_for_the_tables_of_a_scenario(scenario: str, tmp_path: Path) -> None:
    short = load_scenario(scenario).model_copy(update={"steps": 4})
    results = run_sweep(make_question({scenario: short}, replicates=3, seed=2, keep=("steps",)), tmp_path / "r").results
    assert results.list_faults(results.tables(), results.own()) == []


# Errors


def test_long_error_is_cut_and_says_so() -> None:
    text = "".join(chr(97 + n % 26) for n in range(100_000))
    cut = cut_error(text)
    assert len(cut) == MOST_ERROR - (len(cut) % 2)
    assert "… cut: this text has 100000 characters, the limit is 20000 …" in cut
    head, tail = cut.split("\n… cut")[0], cut.split("…\n")[1]
    assert (text.startswith(head), text.endswith(tail)) == (True, True)
    assert cut_error("short") == "short"
    assert cut_error(cut) == cut


def test_error_of_a_run_is_cut_where_it_is_written_and_where_it_is_read(tmp_path: Path) -> None:
    def failing(scenario: Any, **how: Any) -> Any:
        raise RuntimeError("x" * 10**6 + "end")

    asked = make_question(
        {"unix_1988": load_scenario("unix_1988").model_copy(update={"steps": 2})}, replicates=2, seed=1
    )
    results = run_sweep(asked, tmp_path / "r", workers=1, run_each=failing).results
    with results.reading(["runs"]) as connection:
        (error,) = connection.execute("select error from runs limit 1").fetchone() or ("",)
    assert len(error) <= MOST_ERROR
    assert "… cut: this text has" in error
    assert error.endswith("xxend\n")
    change(results, "runs", put("error", "repeat('y', 2000000)"))
    with results.reading(["runs"]) as connection:
        (error,) = connection.execute("select error from runs limit 1").fetchone() or ("",)
    assert "… cut: this text has 2000000 characters, the limit is 20000 …" in error
    assert len(error) < MOST_ERROR + 100
    assert len(schema.cut_words("1")) < 200


def test_value_is_named_where_the_statistics_of_a_file_hide_it(tmp_path: Path) -> None:
    """DuckDB passes over rows of which the file says that none is asked for."""
    path = tmp_path / "t.parquet"
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute(f"copy (select unnest([0.25, 2.5]) :: double as p) to '{path}' (format parquet)")
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    most, other = (struct.pack("<d", value) for value in (2.5, 0.75))
    assert most in content[footer:]
    path.write_bytes(content[:footer] + content[footer:].replace(most, other))
    (fault,) = check_stored_file(path, {"p": Rule("DOUBLE", 0, 1)}, 2)
    assert fault.message.startswith("1 of 2 rows are out of range, such as '2.5'; right is from 0 to 1")
