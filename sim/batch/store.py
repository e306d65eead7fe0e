"""Results on disk: a folder with a manifest and sealed shards of Parquet, each written, synced and renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from sim.batch.design import own_shards
from sim.batch.locks import SweepShare, lock_folder
from sim.batch.manifest import FORMAT, MANIFEST, points_table, read_manifest
from sim.batch.tables.columns import Table, array_columns, select_columns
from sim.batch.tables.database import LEAST_MEMORY, MEMORY_EACH, OFFLINE, connect_database, create_table, views
from sim.batch.tables.reading import create_table_views, list_table_faults, stored_numbers
from sim.batch.tables.schema import quote_text, word_sets
from sim.batch.tables.spreadsheet import escaped_columns
from sim.batch.tables.views import ALIGNMENTS, NO_MOVES, recorded_lengths
from sim.errors import Fault, InputError, display_path
from sim.files import (
    MAX_RECORD,
    MOST_VALUES,
    count_values,
    file_size,
    hash_file,
    known_hash,
    read_record,
    require_plain,
    require_regular,
    sync_folder,
    write_synced,
    written_aside,
)

TABLES = ("runs", "states", "moves", "dates", "steps")
SEAL, DAMAGED = "seal.json", "damaged"
MAX_SEAL = 2**20  # bytes
SEALED = re.compile(r"[a-z]+\.parquet")  # a table in the shard itself, and no path to another folder
PARQUET = (  # higher levels are slower and hardly smaller; so are dictionaries of more values
    "format parquet, compression zstd, compression_level 1, dictionary_size_limit 1000"
)
MOST_NAMED = 20  # folders in one error
NOT_ASKED = "is not a shard of this sweep, so it was not read; remove it"
OTHER_RUNS = (
    "lacks a file, or has the runs of another sweep, point or replicates: its seal differs; the same `blocs sweep`,"
    " without --shard, moves it to `damaged` and computes its runs again"
)
CHANGED = (
    "was changed after it was written: it does not have the hash in its seal; the same `blocs sweep`, without --shard,"
    " moves the shard to `damaged` and computes its runs again"
)
NOT_OF_TABLES = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)  # errors of a query's author


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

    def finished(self, names: Mapping[str, str]) -> set[str]:
        """Those of these shards, by name and identity, that match their seals; set the others aside."""
        self.clear(names)
        found = sorted(self.committed().intersection(names))
        sealed = {name for name in found if is_sealed(self.shards / name, names[name])}
        for name in found:
            if name not in sealed:
                set_aside(self.shards / name)
        return sealed

    def committed(self) -> set[str]:
        """The names of all folders among the shards, whatever is in them."""
        with os.scandir(self.shards) if self.shards.is_dir() else contextlib.nullcontext(()) as found:
            return {entry.name for entry in found if entry.name[:1] != "." and entry.is_dir()}

    def own(self, manifest: Mapping[str, Any] | None = None) -> dict[str, Mapping[str, str]]:
        """The hashes of the files of each committed shard of the question, by shard in the order of names.

        Raises InputError with each folder that is not a shard of the question, or whose seal is of other runs.
        """
        found, place = sorted(self.committed()), str(self.shards)
        asked = own_shards(self.manifest() if manifest is None else manifest, found)
        seals = {name: written_seal(f"{place}/{name}", shard.identity) for name, shard in asked.items()}
        faults = [
            Fault(display_path(self.shards / name), 1, "", NOT_ASKED if name not in asked else OTHER_RUNS)
            for name in found
            if not seals.get(name) or not all(os.path.exists(f"{place}/{name}/{file}") for file in seals[name])
        ]
        if faults:
            last = [
                Fault(display_path(self.shards), 1, "", f"contains {len(faults)} such folders; the first are above")
            ]
            raise InputError(faults if len(faults) <= MOST_NAMED else [*faults[:MOST_NAMED], *last])
        return {name: seal for name, seal in seals.items() if seal}

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
        """The tables that at least one finished shard has; raises InputError where a shard is not the question's."""
        return stored_tables(self.own())

    def require_sound(self, tables: Collection[str], shards: Mapping[str, Mapping[str, str]]) -> None:
        """Raise InputError with every fault of the files of these tables that lack the hash in their seals.

        A hash is computed once for each time at which a file was written.
        """
        wrong = {
            name: [f for f, value in files.items() if f[:-8] in tables and known_hash(self.shards / name / f) != value]
            for name, files in shards.items()
        }
        if wrong := {name: files for name, files in wrong.items() if files}:
            faults = [
                Fault(display_path(self.shards / name / file), 1, "", CHANGED)
                for name, files in wrong.items()
                for file in files
            ]
            raise InputError([*faults, *self.list_faults(tables, {name: shards[name] for name in wrong})])

    def list_faults(self, tables: Collection[str], shards: Mapping[str, Mapping[str, str]]) -> list[Fault]:
        """Every fault of the tables of these shards; empty where they are as the sweep writes them."""
        manifest = self.manifest()
        asked = [table for table in TABLES if table in tables]
        return list_table_faults(self.shards, asked, own_shards(manifest, sorted(shards)), shards, manifest)

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

        With `moves`, `alignments` is one too: the alignment of each state at each step. An error of more than 20,000
        characters is cut, and says so. Raises InputError where the folder contains no results or a link, and with
        every fault of a file that has not the hash in its seal or the columns of its table.
        """
        self.refuse_links()
        manifest = self.manifest()
        shards = self.own(manifest)
        self.require_sound(tables, shards)
        size = sum(file_size(self.shards / name / file) for name, files in shards.items() for file in files)
        connection = connect_database(LEAST_MEMORY + MEMORY_EACH * size)
        try:
            self.create_views(connection, tables, shards, manifest)
        except duckdb.Error as error:
            connection.close()
            raise self.reading_error(error, tables) from None
        return connection

    @contextlib.contextmanager
    def reading(self, tables: Collection[str] = TABLES) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open the database of `connection`, and raise InputError with every fault of the tables that are read."""
        with contextlib.closing(self.connection(tables)) as connection:
            try:
                yield connection
            except NOT_OF_TABLES:
                raise
            except duckdb.Error as error:
                raise self.reading_error(error, tables) from None

    def reading_error(self, error: duckdb.Error, tables: Collection[str]) -> Exception:
        """The error with every fault of the tables, or DuckDB's own where they have none."""
        faults = self.list_faults(tables, self.own())
        return InputError(faults) if faults else error

    def create_views(
        self, connection: duckdb.DuckDBPyConnection, tables: Collection[str], shards: Mapping[str, Mapping[str, str]],
        manifest: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """Create the views of a database that reads these shards."""
        numbers = stored_numbers(manifest)
        connection.execute("create schema renumbering")
        pairs = {"asked": np.arange(len(numbers)), "stored": np.array(numbers, dtype=np.int64)}
        create_table(connection, "renumbering.numbers", pairs)
        found, asked = stored_tables(shards), own_shards(manifest, shards)
        ended = {name for name, files in shards.items() if "states.parquet" in files}
        connection.execute("create schema coded")
        for name, words in word_sets(manifest).items():
            connection.execute(f"create type coded.{name} as enum ({', '.join(map(quote_text, words))})")
        for table in filter(tables.__contains__, found):
            having = {name: asked[name] for name, files in shards.items() if f"{table}.parquet" in files}
            create_table_views(connection, self.shards, table, having, ended, manifest)
        if {"moves", "states"} <= set(tables) and "states" in found:
            lengths, ends = recorded_lengths(manifest["scenarios"], manifest["question"]["lens"])
            connection.execute("create schema recorded")
            create_table(connection, "recorded.lengths", lengths)
            create_table(connection, "recorded.ends", ends)
            connection.execute(f"create view if not exists moves as {NO_MOVES}")
            connection.execute(f"create view alignments as {ALIGNMENTS}")
        create_table(connection, "points", points_table(manifest))

    def export(self, folder: Path, kind: str) -> list[Path]:
        """Write each table and view to one `csv` or `parquet` file with sorted rows; return the files."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        with self.reading() as connection:
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
        with self.reading() as connection:
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


def stored_tables(shards: Mapping[str, Collection[str]]) -> list[str]:
    """The tables that at least one of these shards has a file of."""
    files = set().union(*shards.values())
    return [table for table in TABLES if f"{table}.parquet" in files]


def read_seal(shard: Path, identity: str) -> Mapping[str, str]:
    """The hash of each file of a shard, from its seal; empty where that cannot be read or is of other runs.

    Raises InputError where the seal is a link, a pipe or a device.
    """
    require_regular(shard / SEAL)
    try:
        seal = read_record(shard / SEAL, "", MAX_SEAL)
    except (OSError, InputError):
        return {}
    files = seal.get("files")
    if seal.get("of") != identity or not isinstance(files, dict):
        return {}
    return files if all(SEALED.fullmatch(name) and isinstance(value, str) for name, value in files.items()) else {}


def written_seal(shard: str, identity: str) -> Mapping[str, str]:
    """What `read_seal` finds, read once for each time at which the seal was written."""
    try:
        return cached_seal(shard, identity, os.stat(f"{shard}/{SEAL}").st_mtime_ns)
    except OSError:
        return {}


@lru_cache(maxsize=100_000)
def cached_seal(shard: str, identity: str, written: int) -> Mapping[str, str]:
    """What `read_seal` finds; the time only tells one seal from the next."""
    return read_seal(Path(shard), identity)


def is_sealed(shard: Path, identity: str) -> bool:
    """Whether a shard is of these runs and every file of it matches its hash in the seal."""
    files = read_seal(shard, identity)
    try:
        return bool(files) and all(hash_file(shard / name) == value for name, value in files.items())
    except OSError:
        return False


def set_aside(shard: Path) -> None:
    """Move a damaged shard to the folder `damaged`: the sweep computes it again, and it can be examined."""
    aside = shard.parent.parent / DAMAGED
    require_regular(aside)
    aside.mkdir(exist_ok=True)
    names = (aside / f"{shard.name}-{number}" for number in itertools.count())
    shard.rename(next(path for path in names if not path.exists()))


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
    raw = json.dumps({"format": FORMAT, **content}, indent=1, allow_nan=False).encode()
    if len(raw) > MAX_RECORD or count_values(raw) > MOST_VALUES:
        most = f"{MAX_RECORD // 2**20} MB or {MOST_VALUES} values"
        message = f"would be larger than {most}; sweep fewer points, settings or scenarios at once"
        raise InputError([Fault(display_path(results.folder / MANIFEST), 1, "", message)])
    write_synced(results.folder / MANIFEST, raw)


@cache
def shard_writer() -> duckdb.DuckDBPyConnection:
    """Open the in-memory database of this process that writes shards."""
    return duckdb.connect(config={"threads": 1, **OFFLINE})


def write_shard(results: Results, name: str, tables: Mapping[str, Table], identity: str) -> None:
    """Commit a shard: all its tables or nothing; its seal has its identity."""
    require_regular(results.shards)
    results.shards.mkdir(parents=True, exist_ok=True)
    aside = results.shards / f".{name}.{uuid.uuid4().hex}"  # process ids repeat on another machine
    aside.mkdir()
    files = {}
    with contextlib.closing(shard_writer().cursor()) as connection:
        for table, columns in tables.items():
            if len(next(iter(columns.values()))):
                path = aside / f"{table}.parquet"
                connection.register("rows", array_columns(columns))
                target = str(path).replace("'", "''")
                with name_write_errors(path):
                    query = f"select {select_columns(columns)} from rows"  # noqa: S608
                    connection.execute(f"copy ({query}) to '{target}' ({PARQUET})")
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
                files[path.name] = hash_file(path)
    write_synced(aside / SEAL, json.dumps({"of": identity, "files": files}).encode())
    place_shard(aside, results.shards / name, identity)


def place_shard(aside: Path, final: Path, identity: str) -> None:
    """Rename a shard to its final name; where another process has committed it, keep that one."""
    if final.exists() and not is_sealed(final, identity):
        set_aside(final)
    try:
        aside.rename(final)
    except OSError:
        if not is_sealed(final, identity):
            raise
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(final.parent)
