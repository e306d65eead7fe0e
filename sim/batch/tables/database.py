"""Databases in memory that read the tables of results."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import duckdb

from sim.batch.tables.columns import Arrays, select_columns

OFFLINE = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}  # DuckDB downloads nothing
NO_EXTENSIONS = "extensions of DuckDB are not installed, loaded or updated: a query reads files, and no network"
LEAST_MEMORY, MEMORY_EACH = 256 * 2**20, 32  # bytes that DuckDB may take, and more for each byte of the tables


def connect_database(memory: int = LEAST_MEMORY) -> duckdb.DuckDBPyConnection:
    """Open an in-memory database that downloads nothing and takes this many bytes; more goes to a temporary folder."""
    spill = Path(tempfile.gettempdir()) / f"blocs-{uuid.uuid4().hex}"  # DuckDB makes it at need, and removes it
    limits = {"memory_limit": f"{memory // 2**20} MiB", "temp_directory": str(spill)}
    return duckdb.connect(config={"threads": 2, **OFFLINE, **limits})


def loads_extensions(statement: duckdb.Statement) -> bool:
    """Whether a statement installs, loads or updates extensions of DuckDB."""
    try:
        return statement.type.name == "LOAD"  # of INSTALL, too
    except ValueError:  # the package has no name for the kind of UPDATE EXTENSIONS
        return True


def keep_offline(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Lock the settings before SQL of a user, so that it downloads nothing; return why it is not run, or nothing."""
    connection.execute("set lock_configuration = true")
    return NO_EXTENSIONS if any(map(loads_extensions, connection.extract_statements(sql))) else ""


def create_table(connection: duckdb.DuckDBPyConnection, name: str, columns: Arrays) -> None:
    """Create a table of the database from columns."""
    connection.register("given", columns)
    connection.execute(f"create table {name} as select {select_columns(columns)} from given")  # noqa: S608
    connection.unregister("given")


def views(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables and views that a query of results can read, in the order of their names."""
    query = "select table_name from information_schema.tables where table_schema = 'main' order by all"
    return [name for (name,) in connection.execute(query).fetchall()]
