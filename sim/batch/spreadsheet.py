"""Tables for spreadsheets: CSV in which no text can be taken for a formula."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# what Excel, LibreOffice and Google Sheets begin a formula with, full-width forms too (OWASP, CSV injection)
FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"


def escape_formula(value: object) -> object:
    """A value whose text, if it is one, a spreadsheet shows and never computes."""
    return f"'{value}" if isinstance(value, str) and value[:1] in FORMULA_STARTS and value else value


def escape_formula_sql(column: str, *, text: bool) -> str:
    """The same for a column in SQL, of text or of anything else, and for its name."""
    name, shown = (str(one).replace('"', '""') for one in (column, escape_formula(column)))
    cell = f'"{name}"'
    starts = " || ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
    safe = f"case when {cell} <> '' and contains({starts}, {cell}[1]) then '''' || {cell} else {cell} end"
    return f'{safe if text else cell} as "{shown}"'


def write_csv(table: pd.DataFrame, path: Path | IO[str], *, index_label: str = "") -> None:
    """Write a table as CSV (RFC 4180) to a file, with its index where that has a label; numbers stay as they are."""
    from pandas.api.types import is_numeric_dtype

    safe = table.rename(columns=escape_formula)
    for place, kind in enumerate(safe.dtypes):
        if not is_numeric_dtype(kind):
            safe.isetitem(place, safe.iloc[:, place].map(escape_formula))
    # with CRLF between rows a lone CR within a text is quoted; else it would begin a row of its own
    safe.to_csv(path, index=bool(index_label), index_label=index_label or None, lineterminator="\r\n")
