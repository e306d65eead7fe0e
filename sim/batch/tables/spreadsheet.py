"""Tables for spreadsheets: CSV in which no spreadsheet reads a text as a formula."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

from sim.files import write_synced

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# the first characters of a formula in Excel, LibreOffice and Google Sheets, full-width too (OWASP, CSV injection)
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"


def escape_formula(value: object) -> object:
    """The value; where it is a text that a spreadsheet would compute, with an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_STARTS and value else value


def escape_formula_sql(column: str, *, text: bool) -> str:
    """SQL for a column and its name, both escaped like `escape_formula`; values only where they are text."""
    name, label = (str(one).replace('"', '""') for one in (column, escape_formula(column)))
    cell = f'"{name}"'
    starts = " || ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    safe = f"case when {cell} <> '' and contains({starts}, {cell}[1]) then '''' || {cell} else {cell} end"
    return f'{safe if text else cell} as "{label}"'


def escaped_columns(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """SQL for all columns of a table, escaped for a spreadsheet."""
    columns = connection.execute(f"describe {table}").fetchall()
    return ", ".join(escape_formula_sql(name, text=kind == "VARCHAR") for name, kind, *_ in columns)


def write_csv(table: pd.DataFrame, path: Path | IO[str], *, index_label: str = "") -> None:
    """Write a table as CSV (RFC 4180), with its index where that has a label; numbers are not changed."""
    from pandas.api.types import is_numeric_dtype

    safe = table.rename(columns=escape_formula)
    for place, kind in enumerate(safe.dtypes):
        if not is_numeric_dtype(kind):
            safe.isetitem(place, safe.iloc[:, place].map(escape_formula))
    # with CRLF between rows, a CR within a text is quoted; otherwise it would begin a new row
    text = safe.to_csv(index=bool(index_label), index_label=index_label or None, lineterminator="\r\n")
    if isinstance(path, Path):
        write_synced(path, text.encode())
    else:
        path.write(text)
