"""Columns of tables, as numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[Any]
Table = dict[str, Column]


def text_column(values: Sequence[str]) -> Column:
    """A column of text."""
    return np.array(values, dtype=object)


def date_column(values: Sequence[str | None]) -> Column:
    """A column of dates, from ISO texts; None is NULL."""
    return np.array(values, dtype="datetime64[us]")  # the unit that DuckDB reads


def select_columns(columns: Table) -> str:
    """The columns of a table in DuckDB's SQL, with dates as dates."""
    dates = [f'"{name}"::date as "{name}"' for name, column in columns.items() if column.dtype.kind == "M"]
    return f"* replace ({', '.join(dates)})" if dates else "*"
