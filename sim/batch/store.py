"""Results on disk: a folder with a manifest and sealed shards of Parquet, each written, synced and renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from sim.batch.locks import SweepShare, lock_folder
from sim.batch.manifest import FORMAT, MANIFEST, points_table, read_manifest, stored_numbers
from sim.batch.spreadsheet import escaped_columns
from sim.batch.tables.columns import Table, select_columns
from sim.batch.tables.views import ALIGNMENTS, NO_MOVES, recorded_lengths
from sim.errors import Fault, InputError, display_path
from sim.files import read_file, require_plain, require_regular, sync_folder, write_synced, written_aside

TABLES = ("runs", "states", "moves", "dates", "steps")
SEAL, DAMAGED = "seal.json", "damaged"
MAX_SEAL = 2**20  # bytes
SEALED = re.compile(r"[a-z]+\.parquet")  # a table in the shard itself, and no path to another folder
PARQUET = "format parquet, compression zstd, compression_level 1"  # higher levels are slower and hardly smaller
OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}  # DuckDB downloads nothing
WILD = re.compile(r"[*?\[]")  # allowed in a folder's name, and a pattern for DuckDB


@dataclass(frozen=True)
class Results:
    """A folder of results.

    Parameters
    ----------
    folder
        Where the results are, or will be. A sweep creates it.
    """

    folder: Path

    @property
    def shards(self) -> Path:
        """The folder of the shards."""
        return self.folder / "shards"

    def error(self, message: str, field: str = "") -> InputError:
        """The input error of this folder with a message."""
        return InputError([Fault(display_path(self.folder), 1, field, message)])

    def manifest(self) -> dict[str, Any]:
        """The content of the manifest; raises InputError where the folder lacks results of this format."""
        return read_manifest(self.folder)

    def finished(self, names: Collection[str]) -> set[str]:
        """Those of these shards that match their seals; set a damaged shard aside."""
        self.clear(names)
        found = sorted(set(names).intersection(os.listdir(self.shards))) if self.shards.is_dir() else []
        sealed = {name for name in found if is_sealed(self.shards / name)}
        for name in found:
            if name not in sealed:
                set_aside(self.shards / name)
        return sealed

    def has(self, names: Collection[str]) -> bool:
        """Whether every one of these shards is committed."""
        return self.shards.is_dir() and set(names) <= set(os.listdir(self.shards))

    def clear(self, names: Collection[str]) -> None:
        """Remove unfinished files of these shards, which killed processes left; raises InputError at a link."""
        self.refuse_links()
        for path in self.shards.glob(".*"):
            if path.name.split(".")[1] in names:
                shutil.rmtree(path, ignore_errors=True)

    def tables(self) -> list[str]:
        """The tables that at least one finished shard has."""
        return [table for table in TABLES if any(self.shards.glob(f"[!.]*/{table}.parquet"))]

    def files(self, table: str) -> str:
        """Pattern for the files of a table in all finished shards, in DuckDB's SQL."""
        return f"{escape_pattern(self.shards)}/[!.]*/{table}.parquet"

    def files_in_order(self, table: str, numbers: Sequence[int]) -> str:
        """List of the files of a table, in the order of the points of the question, in DuckDB's SQL."""
        place = {stored: n for n, stored in enumerate(numbers)}
        found = []
        for path in self.shards.glob(f"[!.]*/{table}.parquet"):
            point, _, first = path.parent.name.partition("-")
            if point.isdecimal() and int(point) in place:
                found.append((place[int(point)], first, escape_pattern(path)))
        return ", ".join(f"'{path}'" for _, _, path in sorted(found))

    def rows(self, table: str, numbers: Sequence[int]) -> str:
        """Query for the rows of a table, with the points numbered as in the question."""
        if list(numbers) == list(range(len(numbers))):
            return f"select * from read_parquet('{self.files(table)}', union_by_name = true)"  # noqa: S608
        files = self.files_in_order(table, numbers)
        return (
            "select stored.* replace (numbers.asked as point)"  # noqa: S608
            f" from read_parquet([{files}], union_by_name = true) as stored"
            " join renumbering.numbers as numbers on numbers.stored = stored.point"
        )

    def refuse_others(self) -> None:
        """Raise InputError where the folder already contains a file."""
        if self.folder.is_dir() and any(path.name[:1] != "." for path in self.folder.iterdir()):
            raise self.error("is a folder with other files in it; choose an empty or new folder for --out")

    def refuse_links(self) -> None:
        """Raise InputError where a file or folder of the results is a link, a pipe or a device, or too large."""
        for path in (self.folder / MANIFEST, self.shards, self.folder / DAMAGED):
            require_regular(path)
        require_plain(self.shards, deep=1)

    def connection(self, tables: Collection[str] = TABLES) -> duckdb.DuckDBPyConnection:
        """Open an in-memory database in which each of these tables of the results is a view.

        With `moves`, `alignments` is one too: the alignment of each state at each step.
        Raises InputError where the folder contains no results or a link.
        """
        self.refuse_links()
        connection = connect_database()
        manifest = self.manifest()
        numbers = stored_numbers(manifest)
        connection.execute("create schema renumbering")
        pairs = {"asked": np.arange(len(numbers)), "stored": np.array(numbers, dtype=np.int64)}
        create_table(connection, "renumbering.numbers", pairs)
        found = self.tables()
        for table in filter(tables.__contains__, found):
            connection.execute(f"create view {table} as {self.rows(table, numbers)}")
        if {"moves", "states"} <= set(tables) and "states" in found:
            lengths, ends = recorded_lengths(manifest["scenarios"], manifest["question"]["lens"])
            connection.execute("create schema recorded")
            create_table(connection, "recorded.lengths", lengths)
            create_table(connection, "recorded.ends", ends)
            connection.execute(f"create view if not exists moves as {NO_MOVES}")
            connection.execute(f"create view alignments as {ALIGNMENTS}")
        create_table(connection, "points", points_table(manifest))
        return connection

    def export(self, folder: Path, kind: str) -> list[Path]:
        """Write each table and view to one `csv` or `parquet` file with sorted rows; return the files."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        with contextlib.closing(self.connection()) as connection:
            for table in views(connection):
                path = folder / f"{table}.{kind}"
                options = "header, delimiter ','" if kind == "csv" else "compression zstd"
                columns = escaped_columns(connection, table) if kind == "csv" else "*"
                with written_aside(path) as aside, name_write_errors(aside):
                    target = str(aside).replace("'", "''")
                    query = f"select {columns} from {table} order by all"  # noqa: S608
                    connection.execute(f"copy ({query}) to '{target}' (format {kind}, {options})")
                written.append(path)
        return sorted(written)

    def digest(self) -> str:
        """SHA-256 of all rows of all tables, independent of the shards."""
        seal = hashlib.sha256()
        with contextlib.closing(self.connection()) as connection:
            for table in self.tables():
                found = connection.execute(f"select * from {table} order by all")  # noqa: S608
                while rows := found.fetchmany(10_000):
                    for row in rows:
                        seal.update(repr(row).encode())
        return seal.hexdigest()

    def locked(
        self, share: SweepShare | None = None, first: Callable[[], None] = lambda: None
    ) -> contextlib.AbstractContextManager[None]:
        """Lock the folder, or one share of it, as `lock_folder` does."""
        return lock_folder(self.folder, share, first)


def connect_database() -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that downloads nothing."""
    return duckdb.connect(config={"threads": 2, **OFFLINE})


def create_table(connection: duckdb.DuckDBPyConnection, name: str, columns: Table) -> None:
    """Create a table of the database from columns."""
    connection.register("given", columns)
    connection.execute(f"create table {name} as select {select_columns(columns)} from given")  # noqa: S608
    connection.unregister("given")


def views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables and views that a query of results can read, in the order of their names."""
    query = "select table_name from information_schema.tables where table_schema = 'main' order by all"
    return [name for (name,) in connection.execute(query).fetchall()]


def escape_pattern(path: Path) -> str:
    """Pattern in DuckDB's SQL that matches only this path."""
    return WILD.sub(r"[\g<0>]", str(path)).replace("'", "''")


def is_sealed(shard: Path) -> bool:
    """Whether every file of a shard matches its hash in the seal."""
    try:
        seal = json.loads(read_file(shard / SEAL, MAX_SEAL))
        return bool(seal) and all(SEALED.fullmatch(n) and hash_file(shard / n) == value for n, value in seal.items())
    except (OSError, ValueError, AttributeError):
        return False


def hash_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(shard: Path) -> None:
    """Move a damaged shard to the folder `damaged`: the sweep computes it again, and it can be examined."""
    aside = shard.parent.parent / DAMAGED
    require_regular(aside)
    aside.mkdir(exist_ok=True)
    number = len(list(aside.iterdir()))
    shard.rename(aside / f"{shard.name}-{number}")


@contextlib.contextmanager
def name_write_errors(path: Path) -> Iterator[None]:
    """Raise the system's error with the file's name where it cannot be written, for example on a full disk.

    A damaged table that DuckDB cannot read while it writes stays DuckDB's own error.
    """
    try:
        yield
    except duckdb.IOException as error:
        if not any(str(path.with_name(name)) in str(error) for name in (path.name, f"tmp_{path.name}")):
            raise
        raise OSError(errno.EIO, str(error).rpartition(": ")[2], str(path)) from None
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def write_manifest(results: Results, content: Mapping[str, Any]) -> None:
    """Write the manifest, before any run."""
    results.folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT, **content}, indent=1, allow_nan=False)
    write_synced(results.folder / MANIFEST, text.encode())


@cache
def shard_writer() -> duckdb.DuckDBPyConnection:
    """Open the in-memory database of this process that writes shards."""
    return duckdb.connect(config={"threads": 1, **OFFLINE})


def write_shard(results: Results, name: str, tables: Mapping[str, Table]) -> None:
    """Commit a shard: all its tables or nothing."""
    require_regular(results.shards)
    results.shards.mkdir(parents=True, exist_ok=True)
    aside = results.shards / f".{name}.{uuid.uuid4().hex}"  # process ids repeat on another machine
    aside.mkdir()
    seal = {}
    with contextlib.closing(shard_writer().cursor()) as connection:
        for table, columns in tables.items():
            if len(next(iter(columns.values()))):
                path = aside / f"{table}.parquet"
                connection.register("rows", columns)
                target = str(path).replace("'", "''")
                with name_write_errors(path):
                    query = f"select {select_columns(columns)} from rows"  # noqa: S608
                    connection.execute(f"copy ({query}) to '{target}' ({PARQUET})")
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
                connection.unregister("rows")
                seal[path.name] = hash_file(path)
    write_synced(aside / SEAL, json.dumps(seal).encode())
    place_shard(aside, results.shards / name)


def place_shard(aside: Path, final: Path) -> None:
    """Rename a shard to its final name; where another process has committed it, keep that one."""
    if final.exists() and not is_sealed(final):
        set_aside(final)
    try:
        aside.rename(final)
    except OSError:
        if not is_sealed(final):
            raise
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(final.parent)
