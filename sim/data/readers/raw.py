"""Tables as files give them, and their conversion to numbers."""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.errors import Fault, InputError, quote

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 600 * 2**20  # of a file, and of what a compressed one unpacks to
MOST_ROWS = 5_000_000
MOST_CELLS = 20_000_000  # of a workbook, with the empty ones that a far cell makes

MISSING = ("", "na", "nan", ".", "#n/a", "null", "none")

DAMAGED = (
    ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError, ArithmeticError, MemoryError,
    RecursionError, NotImplementedError, AssertionError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile,
)  # fmt: skip
# What the libraries raise for a damaged file; ValueError includes Unicode errors and those of pandas.

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


@dataclass(frozen=True)
class RawTable:
    """A table in a file, not yet loaded.

    Attributes
    ----------
    file
        Path for messages; a table in an archive or workbook has its name in brackets.
    sha256
        Of the file.
    columns
        Names in small letters.
    load
        Loads some of the columns, those of the second argument as numbers. The index is the line in the file.
    notes
        What the reader did that a user should know.
    broken
        Why the file cannot be right if it is a dataset, such as a cut; empty if nothing is seen. Loading then fails.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]
    load: Callable[[Sequence[str], Collection[str]], pd.DataFrame]
    notes: tuple[str, ...] = field(default=())
    broken: str = ""


def refuse_table(file: str, message: str, line: int = 1, column: str = "") -> InputError:
    """Return the error of one fault in a file."""
    return InputError([Fault(file, line, column, message)])


def clean_names(names: Sequence[object]) -> tuple[str, ...]:
    """Names of columns in small letters, without blanks at the ends; a later duplicate gets a number."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        text = str(name).strip().casefold()
        seen[text] = seen.get(text, 0) + 1
        found.append(text if seen[text] == 1 else f"{text}.{seen[text]}")
    return tuple(found)


def is_missing(value: object) -> bool:
    """Whether a cell is empty or has a sign for a missing value."""
    return value is None or value != value or (isinstance(value, str) and value.strip().casefold() in MISSING)


def convert_numbers(frame: pd.DataFrame, numbers: Collection[str], file: str) -> pd.DataFrame:
    """Convert columns to numbers; raises InputError for a cell that is neither a number nor missing."""
    import numpy as np
    import pandas as pd

    faults: list[Fault] = []
    for column in frame.columns.intersection(list(numbers)):
        given = frame[column]
        found = given if given.dtype.kind in "iuf" else pd.to_numeric(given, errors="coerce")
        wrong = given[(found.isna() | np.isinf(found.astype(float))).to_numpy(bool)]
        wrong = wrong[~wrong.map(is_missing).astype(bool)]
        commas = [DECIMAL_COMMA.fullmatch(str(value).strip()) is not None for value in wrong]
        shown = wrong.head(1 if all(commas) else 100)  # a spreadsheet puts a comma into each cell
        faults += [Fault(file, int(line), column, explain_cell(value)) for line, value in shown.items()]
        frame[column] = found if given.dtype.kind in "iuf" else found.astype(float)
    if faults:
        raise InputError(faults)
    return frame


def explain_cell(value: object) -> str:
    """Fault of a cell that is not a number."""
    if isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()):
        return f"{quote(value)} has a decimal comma, as a spreadsheet writes it; give the file as it was downloaded"
    return f"{quote(value)} is not a number; give the file as it was downloaded"


def table_of_frame(file: str, sha256: str, frame: pd.DataFrame, first: int, notes: tuple[str, ...] = ()) -> RawTable:
    """A table that is loaded already; `first` is the line of its first row."""
    frame = frame.set_axis(clean_names(list(frame.columns)), axis=1)
    frame.index = range(first, first + len(frame))

    def load(columns: Sequence[str], numbers: Collection[str]) -> pd.DataFrame:
        return convert_numbers(frame[list(columns)].copy(), numbers, file)

    return RawTable(file, sha256, tuple(frame.columns), load, notes)
