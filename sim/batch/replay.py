"""Repeat one run from the record of its results, and compare every stored bit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from sim.batch import executor, sweep
from sim.batch.design import point_labels
from sim.batch.recorded import current_versions, recorded_scenarios
from sim.batch.store import Results
from sim.batch.tables.chunk import Chunk, chunk_tables
from sim.batch.tables.columns import Array, Arrays, Table, select_columns, text_columns
from sim.errors import last_line, quote
from sim.model.world import world_of
from sim.scenario.overrides import with_settings

# of the rows within a run
ORDER = {"runs": "replicate", "states": "state", "moves": "step, state", "dates": "date", "steps": "step"}


@dataclass(frozen=True)
class Difference:
    """A column that differs between the stored and the repeated run: how many values, and the first pair."""

    table: str
    column: str
    values: int
    stored: str
    again: str


@dataclass(frozen=True)
class Replay:
    """A run that was repeated from its record.

    Parameters
    ----------
    run
        Its name, POINT-REPLICATE.
    design
        Label of its design point.
    seed
        Random seed of the sweep.
    compared
        Number of stored values.
    differences
        The columns that differ.
    versions
        Each version that differs: name, recorded version, version here.
    error
        The error of the repeated run; '' where it ended without one.
    """

    run: str
    design: str
    seed: int
    compared: int
    differences: tuple[Difference, ...]
    versions: tuple[tuple[str, str, str], ...]
    error: str

    @property
    def equal(self) -> bool:
        """Whether every stored value is equal bit for bit."""
        return not self.differences


def replay_run(
    results: Results, run: str, *, engine: str = "compiled", run_each: executor.RunEach | None = None
) -> Replay:
    """Repeat a run from its record and compare it with the stored values.

    A run that killed its process is repeated in another process. Of an error, only the last line is compared.

    Parameters
    ----------
    results
        The results folder.
    run
        Name of the run, POINT-REPLICATE, such as `0-12`.
    engine
        `compiled` or `mesa`.
    run_each
        Function that makes the run, instead of the engine's.

    Returns
    -------
    Replay
        The differences; none where every bit is equal.

    Raises
    ------
    InputError
        Where the folder lacks the run, or its record cannot be read.
    """
    chunk = recorded_chunk(results, run)
    with results.reading() as connection:
        stored = {table: stored_rows(connection, table, chunk) for table in results.tables()}
        if "runs" not in stored or not len(stored["runs"]["status"]):
            raise results.error("has not been computed yet; resume the sweep", run)
        run_each = run_each or sweep.ENGINES[engine][1]
        if stored["runs"]["error"][0] == executor.KILLED:
            rows = executor.isolate_runs(chunk, run_each)
        else:
            rows = executor.attempt_runs(chunk, run_each, chunk.replicates, world_of(chunk.scenario))
        tables = {table: order_rows(connection, table, columns) for table, columns in chunk_tables(chunk, rows).items()}
    found = [
        one for table in {**stored, **tables} for one in differing_columns(table, stored.get(table), tables.get(table))
    ]
    labels = point_labels(results.manifest()["question"]["points"])
    return Replay(
        run, labels[chunk.point], chunk.seed,
        sum(len(column) for table in stored.values() for column in filled_columns(table).values()),
        tuple(found), version_differences(results.manifest().get("versions", {})),
        rows[0] if isinstance(rows[0], str) else "",
    )  # fmt: skip


def recorded_chunk(results: Results, run: str) -> Chunk:
    """The chunk of one run, from its name POINT-REPLICATE and the manifest."""
    question = results.manifest()["question"]
    asked = question["points"]
    name = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})", run)
    number, replicate = (int(name[1]), int(name[2])) if name else (len(asked), 0)
    if number >= len(asked):
        known = f"points are 0 to {len(asked) - 1}, replicates of point 0 are 0 to {asked[0]['replicates'] - 1}"
        raise results.error(f"has no run {quote(run)}; give POINT-REPLICATE, such as 0-0 ({known})")
    point = asked[number]
    if replicate >= point["replicates"]:
        last = point["replicates"] - 1
        raise results.error(f"has no run {quote(run)}; point {number} has replicates 0 to {last}")
    try:
        base = recorded_scenarios(results)[point["scenario"]]
        scenario = with_settings(base, point["settings"], note="set by the sweep")
    except (KeyError, ValueError) as error:
        raise results.error(f"the manifest lacks the scenario of point {number}: {error}") from None
    one = range(replicate, replicate + 1)
    keep, at = tuple(question["keep"]), tuple(question["at"])
    return Chunk(number, point["scenario"], scenario, question["seed"], one, scenario.digest(), keep, at)


def stored_rows(connection: duckdb.DuckDBPyConnection, table: str, chunk: Chunk) -> Arrays:
    """The stored rows of a run in a table."""
    query = f"select * from {table} where point = ? and replicate = ? order by {ORDER[table]}"  # noqa: S608
    return connection.execute(query, [chunk.point, chunk.replicates.start]).fetchnumpy()


def order_rows(connection: duckdb.DuckDBPyConnection, table: str, columns: Table) -> Arrays:
    """A table of a repeated run as it would be read from disk."""
    texts = text_columns(columns)
    connection.register("repeated", texts)
    found = connection.execute(f"select {select_columns(texts)} from repeated order by {ORDER[table]}").fetchnumpy()  # noqa: S608
    connection.unregister("repeated")
    return found


def differing_columns(table: str, stored: Arrays | None, again: Arrays | None) -> list[Difference]:
    """The columns of a table that differ; an empty column counts as a missing one."""
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


def filled_columns(columns: Arrays) -> Arrays:
    """The columns that are not all null or NaN, as those of other scenarios or of a failed run are."""
    return {name: column for name, column in columns.items() if not is_null(column).all()}


def is_null(column: Array) -> Array:
    """Where a column is null or NaN."""
    null = np.ma.getmaskarray(column)
    return null | np.isnan(np.ma.getdata(column)) if column.dtype.kind == "f" else null


def to_bits(column: Array) -> Array:
    """The bits of a column as integers, so that NaN equals NaN."""
    plain = np.ma.filled(column)
    return plain.view(f"i{plain.itemsize}") if plain.dtype.kind == "f" else plain


def last_error_lines(errors: Array) -> Array:
    """The last line of each error; the lines above it name places in the program's files."""
    return np.array([last_line(str(text)) for text in errors], dtype=object)


def format_exact(value: Any) -> str:
    """A value as text; a float has all its digits."""
    return repr(value.item()) if isinstance(value, np.generic) else str(value)


def describe_row_count(column: Array | None) -> str:
    """Describe how many rows a column has."""
    return "nothing" if column is None else f"{len(column)} rows"


def version_differences(recorded: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    """The versions that differ: name, recorded version, version here."""
    here = current_versions()
    names = dict.fromkeys([*recorded, *here])
    pairs = ((name, recorded.get(name, "none"), here.get(name, "none")) for name in names)
    return tuple((name, there, now) for name, there, now in pairs if there != now)
