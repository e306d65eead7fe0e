"""Columns of tables: numpy arrays, or codes of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sim.batch.tables.schema import quote_name, quote_text

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Words:
    """A column of text as codes of its words, which DuckDB writes in half of the time that texts take.

    Parameters
    ----------
    codes
        The place of each text among the words, from 0.
    words
        Different texts.
    """

    codes: Array
    words: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def texts(self) -> Array:
        """The column as texts."""
        return text_column(self.words)[self.codes]

    def query(self, name: str) -> str:
        """SQL for the column, whose codes have this name."""
        words = ", ".join(map(quote_text, self.words))
        if len(self.words) == 1:
            return f"{words}::enum({words}) as {quote_name(name)}"
        return f"([{words}]::enum({words})[])[{quote_name(name)} + 1] as {quote_name(name)}"


Column: TypeAlias = Array | Words
Table: TypeAlias = dict[str, Column]
Arrays: TypeAlias = dict[str, Array]


def text_column(values: Sequence[str]) -> Array:
    """A column of text."""
    return np.array(values, dtype=object)


def date_column(values: Sequence[str | None]) -> Array:
    """A column of dates, from ISO texts; None is NULL."""
    return np.array(values, dtype="datetime64[us]")  # the unit that DuckDB reads


def coded_column(codes: npt.ArrayLike, words: Sequence[str]) -> Words:
    """A column of words, from their places."""
    return Words(np.asarray(codes, dtype=np.uint16).ravel(), tuple(words))


def array_columns(columns: Mapping[str, Column]) -> Arrays:
    """The arrays of a table that DuckDB reads, with codes in place of words."""
    return {name: column.codes if isinstance(column, Words) else column for name, column in columns.items()}


def text_columns(columns: Mapping[str, Column]) -> Arrays:
    """The columns of a table as arrays, with texts."""
    return {name: column.texts() if isinstance(column, Words) else column for name, column in columns.items()}


def select_columns(columns: Mapping[str, Column]) -> str:
    """The columns of a table in DuckDB's SQL, with words in place of codes and dates as dates."""
    return ", ".join(select_column(name, column) for name, column in columns.items())


def select_column(name: str, column: Column) -> str:
    """A column of a table in DuckDB's SQL."""
    if isinstance(column, Words):
        return column.query(name)
    return f"{quote_name(name)}::date as {quote_name(name)}" if column.dtype.kind == "M" else quote_name(name)


def join_columns(parts: Sequence[Column]) -> Column:
    """The rows of columns one after another; coded ones have the same words."""
    first = parts[0]
    arrays = [part.codes if isinstance(part, Words) else part for part in parts]
    joined = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    return Words(joined, first.words) if isinstance(first, Words) else joined
