"""Databases in memory that read the tables of results."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import duckdb

from sim.batch.tables.columns import Arrays, select_columns

OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}  # DuckDB downloads nothing
LEAST_MEMORY, MEMORY_EACH = 256 * 2**20, 32  # bytes that DuckDB may take, and more for each byte of the tables


def connect_database(memory: int = LEAST_MEMORY) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that downloads nothing and takes this many bytes; more goes to a temporary folder."""
    spill = Path(tempfile.gettempdir()) / f"blocs-{uuid.uuid4().hex}"  # DuckDB makes it at need, and removes it
    limits = {"memory_limit": f"{memory // 2**20} MiB", "temp_directory": str(spill)}
    return duckdb.connect(config={"threads": 2, **OFFLINE, **limits})


def create_table(connection: duckdb.DuckDBPyConnection, name: str, columns: Arrays) -> None:
    """Create a table of the database from columns."""
    connection.register("given", columns)
    connection.execute(f"create table {name} as select {select_columns(columns)} from given")  # noqa: S608
    connection.unregister("given")


def views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables and views that a query of results can read, in the order of their names."""
    query = "select table_name from information_schema.tables where table_schema = 'main' order by all"
    return [name for (name,) in connection.execute(query).fetchall()]
