"""Making one run again from the record of its results alone: is it the same to the bit, and if not, what differs?"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from sim.batch import executor, sweep
from sim.batch.design import point_labels
from sim.batch.recorded import current_versions, recorded_scenarios
from sim.batch.store import Column, Results, Table
from sim.batch.tables import Chunk, chunk_tables
from sim.errors import Fault, InputError, display_path, quote
from sim.model.world import world_of
from sim.scenario.overrides import with_settings

ORDER = {"runs": "replicate", "states": "state", "steps": "step", "trajectory": "step, state"}  # within a run


@dataclass(frozen=True)
class Difference:
    """A column in which a run made again isn't what was stored: how many values, and the first of them."""

    table: str
    column: str
    values: int
    stored: str
    again: str


@dataclass(frozen=True)
class Replay:
    """A run made again."""

    run: str  # POINT-REPLICATE
    design: str
    seed: int
    compared: int  # values
    differences: tuple[Difference, ...]
    versions: tuple[tuple[str, str, str], ...]  # what differs here from the record: name, there, here
    error: str  # that the run ended with this time, '' where it ended well

    @property
    def equal(self) -> bool:
        """Whether every stored value is the same to the bit."""
        return not self.differences


def replay_run(
    results: Results, run: str, *, engine: str = "compiled", run_each: executor.RunEach | None = None
) -> Replay:
    """A run, POINT-REPLICATE, made again by an engine and held against what is stored of it.

    A run that killed its process gets one of its own; of an error the last line counts.
    Raises InputError where there is no such run or the record can't be read.
    """
    chunk = recorded_chunk(results, run)
    with contextlib.closing(results.connection()) as connection:
        stored = {table: stored_rows(connection, table, chunk) for table in results.tables()}
        if "runs" not in stored or not len(stored["runs"]["status"]):
            raise InputError(
                [Fault(display_path(results.folder), 1, run, "has not been made yet; go on with the sweep")]
            )
        make = run_each or sweep.ENGINES[engine][1]
        if stored["runs"]["error"][0] == executor.KILLED:
            rows = executor.isolate_runs(chunk, make)
        else:
            rows = executor.attempt_runs(chunk, make, chunk.replicates, world_of(chunk.scenario))
        tables = {table: order_rows(connection, table, made) for table, made in chunk_tables(chunk, rows).items()}
    found = [
        one for table in {**stored, **tables} for one in differing_columns(table, stored.get(table), tables.get(table))
    ]
    named = point_labels(results.manifest()["question"]["points"])
    return Replay(
        run, named[chunk.point], chunk.seed,
        sum(len(column) for table in stored.values() for column in filled_columns(table).values()),
        tuple(found), version_differences(results.manifest().get("versions", {})),
        rows[0] if isinstance(rows[0], str) else "",
    )  # fmt: skip


def recorded_chunk(results: Results, run: str) -> Chunk:
    """The run alone, by its name POINT-REPLICATE, as the manifest records it."""
    question = results.manifest()["question"]
    asked = question["points"]
    named = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", run)
    number, replicate = (int(named[1]), int(named[2])) if named else (len(asked), 0)
    if number >= len(asked):
        known = f"points are 0 to {len(asked) - 1}, replicates of point 0 are 0 to {asked[0]['replicates'] - 1}"
        message = f"there is no run {quote(run)}; give POINT-REPLICATE, such as 0-0 ({known})"
        raise InputError([Fault(display_path(results.folder), 1, "", message)])
    point = asked[number]
    if replicate >= point["replicates"]:
        message = f"there is no run {quote(run)}; point {number} has replicates 0 to {point['replicates'] - 1}"
        raise InputError([Fault(display_path(results.folder), 1, "", message)])
    try:
        base = recorded_scenarios(results)[point["scenario"]]
        scenario = with_settings(base, point["settings"], note="set by the sweep")
    except (KeyError, ValueError) as error:
        message = f"the manifest does not hold what point {number} ran: {error}"
        raise InputError([Fault(display_path(results.folder), 1, "", message)]) from None
    one = range(replicate, replicate + 1)
    return Chunk(number, point["scenario"], scenario, question["seed"], one, question["trajectory"])


def stored_rows(connection: duckdb.DuckDBPyConnection, table: str, chunk: Chunk) -> Table:
    """What is stored of a run in a table."""
    query = f"select * from {table} where point = ? and replicate = ? order by {ORDER[table]}"  # noqa: S608
    return connection.execute(query, [chunk.point, chunk.replicates.start]).fetchnumpy()


def order_rows(connection: duckdb.DuckDBPyConnection, table: str, made: Table) -> Table:
    """A table made again, as it would be read back."""
    connection.register("made", made)
    found = connection.execute(f"select * from made order by {ORDER[table]}").fetchnumpy()  # noqa: S608
    connection.unregister("made")
    return found


def differing_columns(table: str, stored: Table | None, again: Table | None) -> list[Difference]:
    """The columns of a table that differ; one that holds nothing is as good as none."""
    stored, again = filled_columns(stored or {}), filled_columns(again or {})
    found = []
    for name in {**stored, **again}:
        there, here = stored.get(name), again.get(name)
        if there is None or here is None or len(there) != len(here):
            count = max(len(column) for column in (there, here) if column is not None)
            found.append(Difference(table, name, count, describe_row_count(there), describe_row_count(here)))
            continue
        if name == "error":
            there, here = last_error_lines(there), last_error_lines(here)
        places = np.flatnonzero(to_bits(there) != to_bits(here)) if there.dtype == here.dtype else np.arange(len(there))
        if places.size:
            found.append(
                Difference(table, name, int(places.size), format_exact(there[places[0]]), format_exact(here[places[0]]))
            )
    return found


def filled_columns(columns: Table) -> Table:
    """The columns that hold anything: those of other scenarios are null in this one's rows, a failed run's are NaN."""
    return {name: column for name, column in columns.items() if not is_null(column).all()}


def is_null(column: Column) -> Column:
    """Where a column holds null or NaN."""
    null = np.ma.getmaskarray(column)
    return null | np.isnan(np.ma.getdata(column)) if column.dtype.kind == "f" else null


def to_bits(column: Column) -> Column:
    """A column's values such that equal ones are equal to the bit, NaN too."""
    plain = np.ma.filled(column)
    return plain.view(f"i{plain.itemsize}") if plain.dtype.kind == "f" else plain


def last_error_lines(errors: Column) -> Column:
    """The last line of each error: what stands above it are the places in the program's files."""
    return np.array([(str(text).strip().splitlines() or [""])[-1] for text in errors], dtype=object)


def format_exact(value: Any) -> str:
    """A value as text, a float with all its digits."""
    return repr(value.item()) if isinstance(value, np.generic) else str(value)


def describe_row_count(column: Column | None) -> str:
    """How many rows a column has."""
    return "nothing" if column is None else f"{len(column)} rows"


def version_differences(recorded: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    """What computes here that is not what computed the results: name, version there, version here."""
    here = current_versions()
    names = dict.fromkeys([*recorded, *here])
    pairs = ((name, recorded.get(name, "none"), here.get(name, "none")) for name in names)
    return tuple((name, there, now) for name, there, now in pairs if there != now)
