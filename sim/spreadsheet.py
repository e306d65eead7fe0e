"""Tables for spreadsheets: CSV in which no text can be taken for a formula."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pandas as pd

FORMULA_STARTS = "=+-@\t\r"  # what Excel, LibreOffice and Google Sheets begin a formula with (OWASP, CSV injection)


def harmless(value: object) -> object:
    """A value whose text, if it is one, a spreadsheet shows and never computes."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_STARTS and value else value


def harmless_sql(column: str) -> str:
    """The same for a column of text in SQL, under its own name."""
    name = '"' + column.replace('"', '""') + '"'
    starts = " || ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    return f"case when {name} <> '' and contains({starts}, {name}[1]) then '''' || {name} else {name} end as {name}"


def write_csv(table: pd.DataFrame, path: Path | IO[str], *, index_label: str = "") -> None:
    """Write a table as CSV (RFC 4180) to a file, with its index where that has a label; numbers stay as they are."""
    safe = table.rename(columns=harmless)
    for place, kind in enumerate(safe.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, safe.iloc[:, place].map(harmless))
    # with CRLF between rows a lone CR within a text is quoted; else it would begin a row of its own
    safe.to_csv(path, index=bool(index_label), index_label=index_label or None, lineterminator="\r\n")
