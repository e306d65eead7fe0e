"""Results on disk: a folder with a manifest and sealed shards of Parquet, written aside, synced and renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import duckdb
import filelock
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from sim.batch.spreadsheet import escape_formula_sql
from sim.errors import Fault, InputError, display_path
from sim.scenario.loading import scenario_names, world_names
from sim.scenario.schema import MAX_REPLICATES

Column = npt.NDArray[Any]

Table = dict[str, Column]

TABLES = ("runs", "states", "steps", "trajectory")

MANIFEST = "manifest.json"

SEAL = "seal.json"

SEALED = re.compile(r"[a-z]+\.parquet")  # a table of the shard itself, and nothing elsewhere

LOCK = ".lock"

HOLDER = ".holder"

PARQUET = "format parquet, compression zstd, compression_level 1"  # a higher level takes half as long again for 5 %

OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}  # of DuckDB: fetch nothing

WILD = re.compile(r"[*?\[]")  # what a folder's name may hold and DuckDB would take for a pattern

PATIENCE = 120.0  # seconds that a share waits for others to have looked at the folder

NAMING = 2  # seconds that the holder of a lock may take to write its name


class PointRecord(BaseModel):
    """A design point as it is recorded."""

    scenario: str
    settings: dict[str, float]
    replicates: Annotated[int, Field(ge=1, le=MAX_REPLICATES)]
    digest: str
    stored: Annotated[int, Field(ge=0, lt=2**31)] | None = None  # its number in the shards; by default its place
    chunks: list[tuple[int, Annotated[int, Field(ge=1)]]] | None = None  # up to which replicate, of which size

    @model_validator(mode="after")
    def every_replicate(self) -> PointRecord:
        """Chunks, where they are recorded, go on from one another to the last replicate."""
        ends = [0, *(last for last, _ in self.chunks)] if self.chunks is not None else [0, self.replicates]
        if ends[-1] != self.replicates or any(one >= other for one, other in pairwise(ends)):
            raise ValueError("its chunks are not those of its replicates")
        return self


class QuestionRecord(BaseModel):
    """A question as it is recorded."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    trajectory: bool
    points: Annotated[list[PointRecord], Field(min_length=1)]

    @model_validator(mode="after")
    def one_number_each(self) -> QuestionRecord:
        """No two points have one number in the shards."""
        numbers = [n if point.stored is None else point.stored for n, point in enumerate(self.points)]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two points have one number")
        return self


class Manifest(BaseModel):
    """What a manifest must hold for anything to be read from it, whoever wrote it."""

    question: QuestionRecord
    versions: dict[str, str] = {}
    command: str = ""
    scenarios: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class SweepShare:
    """The part of a sweep's chunks that one of several processes computes: the index-th of so many."""

    index: int
    of: int

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"

    def has(self, chunk: int) -> bool:
        """Whether a chunk by its number belongs to this share."""
        return chunk % self.of == self.index - 1


@dataclass(frozen=True)
class Results:
    """A results folder."""

    folder: Path

    @property
    def shards(self) -> Path:
        """Folder of the shards."""
        return self.folder / "shards"

    def manifest(self) -> dict[str, Any]:
        """What was asked; raises InputError where the folder holds no results."""
        try:
            content: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            Manifest.model_validate(content)
        except (OSError, ValueError, RecursionError):
            raise InputError([Fault(display_path(self.folder), 1, "", missing_results(self.folder))]) from None
        return content

    def finished(self, names: Collection[str]) -> set[str]:
        """Of these shards, those whose files are as they were sealed; one that is not is set aside."""
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
        """Remove what writers of these shards left unfinished when they were killed."""
        for path in self.shards.glob(".*"):
            if path.name.split(".")[1] in names:
                shutil.rmtree(path, ignore_errors=True)

    def tables(self) -> list[str]:
        """The tables that any finished shard has."""
        return [table for table in TABLES if any(self.shards.glob(f"[!.]*/{table}.parquet"))]

    def files(self, table: str) -> str:
        """A table's files in all finished shards, as a pattern in DuckDB's SQL."""
        return f"{escape_pattern(self.shards)}/[!.]*/{table}.parquet"

    def files_in_order(self, table: str, numbers: Sequence[int]) -> str:
        """A table's files in the order of the points that are asked, as a list in DuckDB's SQL."""
        place = {stored: n for n, stored in enumerate(numbers)}
        found = []
        for path in self.shards.glob(f"[!.]*/{table}.parquet"):
            point, _, first = path.parent.name.partition("-")
            if point.isdecimal() and int(point) in place:
                found.append((place[int(point)], first, escape_pattern(path)))
        return ", ".join(f"'{path}'" for _, _, path in sorted(found))

    def rows(self, table: str, numbers: Sequence[int]) -> str:
        """A query for a table's rows, in which points have the numbers that they are asked with."""
        if list(numbers) == list(range(len(numbers))):
            return f"select * from read_parquet('{self.files(table)}', union_by_name = true)"  # noqa: S608
        files = self.files_in_order(table, numbers)
        return (
            "select stored.* replace (numbers.asked as point)"  # noqa: S608
            f" from read_parquet([{files}], union_by_name = true) as stored"
            " join renumbering.numbers as numbers on numbers.stored = stored.point"
        )

    def refuse_others(self) -> None:
        """Raise InputError where the folder holds anything already."""
        if self.folder.is_dir() and any(path.name[:1] != "." for path in self.folder.iterdir()):
            message = "is a folder with other things in it; choose an empty or new one for --out"
            raise InputError([Fault(display_path(self.folder), 1, "", message)])

    def refuse_links(self) -> None:
        """Raise InputError where a shard or a file of it is a link: what is read lies in the folder."""
        for shard in self.shards.iterdir() if self.shards.is_dir() else ():
            for path in (shard, *(shard.iterdir() if shard.is_dir() and not shard.is_symlink() else ())):
                if path.is_symlink():
                    message = "is a link, and results hold none; put the file itself there or take the link away"
                    raise InputError([Fault(display_path(path), 1, "", message)])

    def connection(self) -> duckdb.DuckDBPyConnection:
        """An in-memory database in which each table of the results is a view.

        Raises InputError where the folder holds no results or links to elsewhere.
        """
        self.refuse_links()
        connection = connect_database()
        manifest = self.manifest()
        numbers = stored_numbers(manifest)
        connection.register("held", {"asked": np.arange(len(numbers)), "stored": np.array(numbers, dtype=np.int64)})
        connection.execute("create schema renumbering")
        connection.execute("create table renumbering.numbers as select * from held")
        connection.unregister("held")
        for table in self.tables():
            connection.execute(f"create view {table} as {self.rows(table, numbers)}")
        connection.register("asked", points_table(manifest))
        connection.execute("create table points as select * from asked")
        connection.unregister("asked")
        return connection

    def export(self, folder: Path, kind: str) -> list[Path]:
        """Write each table as one `csv` or `parquet` file, its rows in the order of their keys; the files."""
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        with contextlib.closing(self.connection()) as connection:
            for table in (*self.tables(), "points"):
                path = folder / f"{table}.{kind}"
                target = str(path).replace("'", "''")
                options = "header, delimiter ','" if kind == "csv" else "compression zstd"
                columns = escaped_columns(connection, table) if kind == "csv" else "*"
                copy = f"copy (select {columns} from {table} order by all) to '{target}' (format {kind}, {options})"  # noqa: S608
                with name_write_errors(path):
                    connection.execute(copy)
                written.append(path)
        return sorted(written)

    def digest(self) -> str:
        """SHA-256 of all rows of all tables, whatever the shards that hold them."""
        seal = hashlib.sha256()
        with contextlib.closing(self.connection()) as connection:
            for table in self.tables():
                found = connection.execute(f"select * from {table} order by all")  # noqa: S608
                while rows := found.fetchmany(10_000):
                    for row in rows:
                        seal.update(repr(row).encode())
        return seal.hexdigest()

    @contextlib.contextmanager
    def locked(self, share: SweepShare | None = None, first: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the folder, or one share of it beside its other shares; `first` is called while nobody else may enter.

        Raises InputError naming the holder where another process has it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as own:
            with self.held("", PATIENCE if share else 0):
                for path in self.folder.glob(f"{LOCK}-*"):
                    if share is None or not path.name.endswith(f"-of-{share.of}"):
                        with self.held(path.name.removeprefix(LOCK)):
                            pass  # nobody has it, and nobody can take it now
                if share is not None:
                    own.enter_context(self.held(f"-{share.index}-of-{share.of}"))
                first()
                if share is None:
                    yield
            if share is not None:
                yield

    def refuse_writers(self, share: SweepShare | None) -> None:
        """Raise InputError where a share other than this one is being written."""
        own = "" if share is None else f"{LOCK}-{share.index}-of-{share.of}"
        for path in self.folder.glob(f"{LOCK}-*"):
            if path.name != own:
                with self.held(path.name.removeprefix(LOCK)):
                    pass  # free, and the lock of the folder keeps others from taking it

    @contextlib.contextmanager
    def held(self, which: str, patience: float = 0) -> Iterator[None]:
        """Hold one of the folder's locks; with patience, wait for all but a whole sweep, which names itself."""
        lock = filelock.FileLock(self.folder / f"{LOCK}{which}")
        holder = self.folder / f"{HOLDER}{which}"
        deadline = time.monotonic() + patience
        while not lock.is_locked:
            try:
                lock.acquire(timeout=min(patience, 1))
            except filelock.Timeout:
                if holder.is_file() or time.monotonic() >= deadline:
                    raise InputError([Fault(display_path(self.folder), 1, "", self.taken(which))]) from None
        try:
            holder.unlink(missing_ok=True)  # of one that was killed
            if not patience:
                holder.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def holder(self, which: str) -> str:
        """The name that the holder of one of the folder's locks has written, if it has."""
        try:
            return (self.folder / f"{HOLDER}{which}").read_text(encoding="utf-8")
        except OSError:
            return ""

    def taken(self, which: str) -> str:
        """What is said where one of the folder's locks is held; who just took it is given time to write its name."""
        deadline = time.monotonic() + NAMING
        while not (who := self.holder(which)) and time.monotonic() < deadline:
            time.sleep(0.02)
        who = who or "another process"
        share = f" (share {which[1:].replace('-of-', '/')})" if which else ""
        return f"is being written by {who}{share}; wait for it or choose another --out"


def connect_database() -> duckdb.DuckDBPyConnection:
    """An in-memory database that fetches nothing."""
    return duckdb.connect(config={"threads": 2, **OFFLINE})


def escape_pattern(path: Path) -> str:
    """A path as a pattern that it alone matches, in DuckDB's SQL."""
    return WILD.sub(r"[\g<0>]", str(path)).replace("'", "''")


def escaped_columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The columns of a table for a spreadsheet: no text in them, and no name, can be taken for a formula."""
    described = connection.execute(f"describe {table}").fetchall()
    return ", ".join(escape_formula_sql(name, text=kind == "VARCHAR") for name, kind, *_ in described)


def stored_numbers(manifest: Mapping[str, Any]) -> list[int]:
    """The number that each point that is asked has in the shards."""
    asked = manifest["question"]["points"]
    return [n if point.get("stored") is None else point["stored"] for n, point in enumerate(asked)]


def points_table(manifest: Mapping[str, Any]) -> Table:
    """One row a design point: its number, its scenario and the settings that the sweep gave it (NaN: none).

    A parameter's column has its name alone, such as `w_pressure`. Raises InputError where two columns would have
    one name, which SQL has in any case.
    """
    asked = manifest["question"]["points"]
    settings = dict.fromkeys(path for point in asked for path in point["settings"])
    columns = {path: path.removeprefix("parameters.") for path in settings}
    counted = Counter(name.casefold() for name in ("point", "scenario", *columns.values()))
    if double := [path for path, name in columns.items() if counted[name.casefold()] > 1]:
        message = "names a column of `points` that another has too; sweep it under one name"
        raise InputError([Fault(MANIFEST, 1, path, message) for path in double])
    return {
        "point": np.arange(len(asked), dtype=np.int64),
        "scenario": text_column([point["scenario"] for point in asked]),
        **{
            name: np.array([point["settings"].get(path, np.nan) for point in asked], dtype=float)
            for path, name in columns.items()
        },
    }


def is_sealed(shard: Path) -> bool:
    """Whether every file of a shard is there with the content it was sealed with."""
    try:
        seal = json.loads((shard / SEAL).read_text(encoding="utf-8"))
        known = all(SEALED.fullmatch(name) for name in seal.keys())  # noqa: SIM118 - refuses what is no table
        return (
            bool(seal)
            and known
            and all(hashlib.sha256((shard / n).read_bytes()).hexdigest() == h for n, h in seal.items())
        )
    except (OSError, ValueError, AttributeError):
        return False


def missing_results(folder: Path) -> str:
    """What to do where a path, a scenario's name or file perhaps, is no folder of results."""
    known = not folder.exists() and str(folder) in (*scenario_names(), *world_names())
    if known or (folder.suffix == ".toml" and folder.is_file()):
        named = shlex.quote(display_path(folder))
        return f"is a scenario; run it with `blocs sweep {named}` and give the folder that it names"
    return "holds no results; make some with `blocs sweep SCENARIO… --out FOLDER`"


def set_aside(shard: Path) -> None:
    """Move a damaged shard out of the results, so that it is computed again and can still be looked at."""
    aside = shard.parent.parent / "damaged"
    aside.mkdir(exist_ok=True)
    number = len(list(aside.iterdir()))
    shard.rename(aside / f"{shard.name}-{number}")


@contextlib.contextmanager
def name_write_errors(path: Path) -> Iterator[None]:
    """Where a file cannot be written, on a full disk say, raise the system's error with its name, whoever writes.

    What DuckDB cannot read while it writes stays its own error: a damaged table.
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


def write_synced(path: Path, content: bytes) -> None:
    """Write a file aside, sync it and rename it into its place."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with name_write_errors(path), aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder last, where the system can sync folders."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_manifest(results: Results, content: Mapping[str, Any]) -> None:
    """Write what is asked, before any run."""
    results.folder.mkdir(parents=True, exist_ok=True)
    write_synced(results.folder / MANIFEST, json.dumps(content, indent=1, allow_nan=False).encode())


@cache
def shard_writer() -> duckdb.DuckDBPyConnection:
    """The in-memory database of this process that writes shards."""
    return duckdb.connect(config={"threads": 1, **OFFLINE})


def write_shard(results: Results, name: str, tables: Mapping[str, Table]) -> None:
    """Commit a shard: all its tables or none."""
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
                    connection.execute(f"copy (select * from rows) to '{target}' ({PARQUET})")  # noqa: S608
                    with path.open("rb+") as file:
                        os.fsync(file.fileno())
                connection.unregister("rows")
                seal[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_synced(aside / SEAL, json.dumps(seal).encode())
    place_shard(aside, results.shards / name)


def place_shard(aside: Path, final: Path) -> None:
    """Rename a shard into its place, unless another writer was quicker: a sealed shard stays as it is."""
    if final.exists() and not is_sealed(final):
        set_aside(final)
    try:
        aside.rename(final)
    except OSError:
        if not is_sealed(final):
            raise
        shutil.rmtree(aside, ignore_errors=True)
    sync_folder(final.parent)


def text_column(values: list[str]) -> Column:
    """A column of text."""
    return np.array(values, dtype=object)
