"""Read the tables of shards: the query of each table, and every fault of its files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from sim.batch.design import OwnShard
from sim.batch.tables.schema import Extent, Rule, coded_query, plain_query, read_type, table_faults, table_rules
from sim.errors import Fault, display_path

WILD = re.compile(r"[*?\[]")  # allowed in a folder's name, and a pattern for DuckDB
MOST_FILES = 20  # whose faults are listed
REMEDY = "remove the folder {}, and repeat the same `blocs sweep`: it computes these runs again"

CHECKING: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "256 MiB",
    "temp_directory": "",
}  # of a database that checks one file

Shards = Mapping[str, OwnShard]


def escape_pattern(path: Path) -> str:
    """Pattern in DuckDB's SQL that matches only this path."""
    return WILD.sub(r"[\g<0>]", str(path)).replace("'", "''")


def file_list(folder: Path, table: str, shards: Collection[str]) -> str:
    """List of the files of a table in these shards, in DuckDB's SQL."""
    return ", ".join(f"'{escape_pattern(folder / name / table)}.parquet'" for name in shards)


def create_table_views(
    connection: duckdb.DuckDBPyConnection, folder: Path, table: str, shards: Shards, ended: Collection[str],
    manifest: Mapping[str, Any],
) -> None:  # fmt: skip
    """Create the view of a table of these shards, and in the schema `coded` the one with codes of texts.

    ended are the shards with a run that has ended: only these store outcomes. Raises duckdb.Error where a column is
    missing or has another type.
    """
    queries: list[str] = []
    kinds: dict[str, str] = {}
    for names, without in group_shards(shards, ended, manifest):
        of = extent_of({name: shards[name] for name in names}, manifest, ended=not without)
        rules = table_rules(table, of)
        kinds |= {column: read_type(column, rule) for column, rule in rules.items()}
        rows = of.most_rows(table, len(manifest["question"]["at"]))
        queries.append(coded_query(file_list(folder, table, names), rules, rows))
    query = queries[0] if len(queries) == 1 else " union all by name ".join(f"({one})" for one in queries)
    numbers = stored_numbers(manifest)
    if numbers != list(range(len(numbers))):
        query = (
            f"select stored.* replace (numbers.asked as point) from ({query}) as stored"  # noqa: S608
            " join renumbering.numbers as numbers on numbers.stored = stored.point"
        )
    connection.execute(f"create view coded.{table} as {query}")
    for column, kind, *_ in connection.execute(f"describe coded.{table}").fetchall():
        if column not in kinds or not kind.startswith(kinds[column]):
            raise duckdb.InvalidInputException(f"{table}.{column} is {kind}")
    every = extent_of(shards, manifest, ended=False)._replace(points=range(len(numbers)))
    keys = {column: rule for column, rule in table_rules(table, every).items() if rule.key}
    connection.execute(f"create view {table} as {plain_query(table, kinds, keys)}")


def group_shards(shards: Shards, ended: Collection[str], manifest: Mapping[str, Any]) -> list[tuple[list[str], bool]]:
    """Group shards whose tables have the same columns; say whether they store no outcome. These come last."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for name, shard in shards.items():
        scenario = manifest["scenarios"][manifest["question"]["points"][shard.place]["scenario"]]
        columns = (name not in ended, tuple(scenario["blocs"]), tuple(scenario["theatres"]))
        groups.setdefault(columns, []).append(name)
    ordered = sorted(groups.items(), key=lambda group: (group[0][0], min(shards[name].place for name in group[1])))
    return [(sorted(names, key=lambda name: (shards[name].place, name)), columns[0]) for columns, names in ordered]


def stored_numbers(manifest: Mapping[str, Any]) -> list[int]:
    """The number in the shards of each point of the question."""
    asked = manifest["question"]["points"]
    return [n if point.get("stored") is None else point["stored"] for n, point in enumerate(asked)]


def extent_of(shards: Shards, manifest: Mapping[str, Any], *, ended: bool) -> Extent:
    """What these shards have rows of."""
    question, numbers = manifest["question"], stored_numbers(manifest)
    places = [shard.place for shard in shards.values()]
    names = dict.fromkeys(question["points"][place]["scenario"] for place in places)
    stored, parts = [numbers[place] for place in places], [shard.replicates for shard in shards.values()]
    return Extent(
        {name: manifest["scenarios"][name] for name in names},
        range(min(stored), max(stored) + 1),
        range(min(part.start for part in parts), max(part.stop for part in parts)),
        max(map(len, parts)),
        question["seed"],
        ended,
    )


def list_table_faults(
    folder: Path,
    tables: Sequence[str],
    shards: Shards,
    files: Mapping[str, Collection[str]],
    manifest: Mapping[str, Any],
) -> list[Fault]:  # fmt: skip
    """List every fault of the files of these tables, of the first 20 that have one; empty where all are sound.

    files names those of each shard, from its seal.
    """
    faults: list[list[Fault]] = []
    with contextlib.closing(duckdb.connect(config=CHECKING)) as connection:
        for name, shard in shards.items():
            of = extent_of({name: shard}, manifest, ended="states.parquet" in files[name])
            for table in tables:
                if f"{table}.parquet" in files[name] and len(faults) < MOST_FILES:
                    rows = of.most_rows(table, len(manifest["question"]["at"]))
                    path = folder / name / f"{table}.parquet"
                    faults += filter(None, [faults_of_file(path, table_rules(table, of), rows, connection)])
    return [fault for found in faults for fault in found]


def check_stored_file(path: Path, rules: Mapping[str, Rule], rows: int) -> list[Fault]:
    """List every fault of a file of a table with at most so many rows."""
    with contextlib.closing(duckdb.connect(config=CHECKING)) as connection:
        return faults_of_file(path, rules, rows, connection)


def faults_of_file(
    path: Path, rules: Mapping[str, Rule], rows: int, connection: duckdb.DuckDBPyConnection
) -> list[Fault]:
    """List every fault of a file of a table with at most so many rows, which a connection reads."""
    file, remedy = f"read_parquet('{escape_pattern(path)}')", REMEDY.format(display_path(path.parent))

    def ask(query: str) -> Any:
        """The first row of a query."""
        return connection.execute(query).fetchone()

    found: list[tuple[str, str]] = []
    try:
        columns = connection.execute(f"describe select * from {file}").fetchall()  # noqa: S608
        found += table_faults([(column, kind) for column, kind, *_ in columns], rules, ask, file, rows)
    except duckdb.Error as error:
        found.append(("", f"cannot be read ({(str(error).splitlines() or [''])[0][:200]})"))
    return [Fault(display_path(path), 1, column, f"{message}; {remedy}") for column, message in found]
