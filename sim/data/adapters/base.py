"""What every adapter is made of: a dataset with its citation and terms, its forms, and checks of codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sim.data.codes import known_codes
from sim.data.journal import Journal
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd

MOST_KEY = 10**9  # of codes, years and numbers of cases
FIRST_YEAR = 1945  # codes before are not in the crosswalk, and no world needs them


@dataclass(frozen=True)
class Form:
    """One set of columns in which users get a dataset.

    Attributes
    ----------
    columns
        Required columns in small letters, and the names that tidy rows give them.
    optional
        Further columns, read where the file has them.
    text
        Tidy names of columns that are not numbers.
    """

    columns: Mapping[str, str]
    optional: Mapping[str, str] = field(default_factory=dict)
    text: frozenset[str] = frozenset()

    def matches(self, columns: tuple[str, ...]) -> bool:
        """Whether a table has all required columns."""
        return self.columns.keys() <= {*columns}


Tidy = Callable[["pd.DataFrame", Journal, "Dataset", str], "pd.DataFrame"]


@dataclass(frozen=True)
class Dataset:
    """A public dataset that a world can be made from.

    Attributes
    ----------
    id, role
        Short names; datasets with one role replace each other.
    title, authors, year, where
        Its citation.
    terms
        On which it may be used.
    unit, last
        What a row is, and the last year.
    gives
        What a world has from it, and lacks without it.
    forms
        Sets of columns by which it is recognised.
    tidy
        Function of the loaded rows that makes them tidy: whole numbers for codes and years, missing values as NaN.
    """

    id: str
    role: str
    title: str
    authors: str
    year: int
    where: str
    terms: str
    unit: str
    last: int
    gives: str
    forms: tuple[Form, ...]
    tidy: Tidy


def require_codes(frame: pd.DataFrame, columns: tuple[str, ...], file: str, also: frozenset[int] = frozenset()) -> None:
    """Refuse codes that no state has had since 1945; rows with a year before it do not count.

    Raises InputError with the line of the first row of each unknown code.
    """
    faults = []
    recent = frame[frame["year"] >= FIRST_YEAR] if "year" in frame else frame
    for column in columns:
        values = recent[column].dropna()
        broken = values[values % 1 != 0]
        faults += [Fault(file, int(line), column, f"{value:g} is not a code") for line, value in broken.head(5).items()]
        wrong = values[~values.isin(known_codes() | also) & (values % 1 == 0)]
        for code, rows in wrong.groupby(wrong):
            message = f"{code:g} is the code of no state since {FIRST_YEAR}; the file may be of another list of states"
            faults.append(Fault(file, int(rows.index[0]), column, message))
    if faults:
        raise InputError(faults)


def drop_missing_keys(
    frame: pd.DataFrame, columns: tuple[str, ...], journal: Journal, dataset: Dataset, file: str
) -> pd.DataFrame:
    """Drop rows without a code or year, and make those columns whole numbers; raises InputError for others."""
    kept = frame.dropna(subset=list(columns))
    if len(kept) < len(frame):
        line = frame.index[frame[list(columns)].isna().any(axis=1)][0]
        why = "a row without a code or a year belongs to no state"
        journal.note("code or year missing", dataset.id, len(frame), len(kept), why, f"line {line}")
    broken = [
        Fault(file, int(line), column, f"{value:g} is not a whole number of a code or year; download the file again")
        for column in columns
        for line, value in kept[column][(kept[column] % 1 != 0) | (kept[column].abs() > MOST_KEY)].head(5).items()
    ]
    if broken:
        raise InputError(broken)
    if kept.empty:
        raise InputError([Fault(file, 1, "", f"has no row with {', '.join(columns)}; download it again")])
    kept = kept.copy()
    kept[list(columns)] = kept[list(columns)].astype(int)
    return kept


def require_year_numbers(frame: pd.DataFrame, columns: tuple[str, ...], file: str) -> None:
    """Refuse years that no date has."""
    faults = [
        Fault(file, int(line), column, f"{value} is not a year of four digits; download the file again")
        for column in columns
        for line, value in frame[column][~frame[column].between(1000, 9999)].head(5).items()
    ]
    if faults:
        raise InputError(faults)


def require_mirrors(frame: pd.DataFrame, keys: tuple[str, ...], file: str) -> None:
    """Refuse a file of directed pairs in which rows lack the other direction, as they do in a file that was cut."""
    rows = frame[["a", "b", *keys]].drop_duplicates()
    turned = rows.rename(columns={"a": "b", "b": "a"})
    alone = len(rows) - len(rows.merge(turned, on=["a", "b", *keys]))
    if alone:
        message = f"{alone} of {len(rows)} rows have no row of the other direction, as in a file that was cut"
        raise InputError([Fault(file, 1, "", f"{message}; download it again")])


def drop_doubled(
    frame: pd.DataFrame, columns: tuple[str, ...], journal: Journal, dataset: Dataset, file: str
) -> pd.DataFrame:
    """Drop rows that repeat another; raises InputError where rows with the same keys differ."""
    kept = frame.drop_duplicates()
    twice = kept[kept.duplicated(list(columns), keep="first")]
    if len(twice):
        message = f"{', '.join(columns)} of this row are those of an earlier row with other values; keep one of them"
        raise InputError([Fault(file, int(line), "", message) for line in twice.index[:20]])
    if len(kept) < len(frame):
        journal.note("row repeated", dataset.id, len(frame), len(kept), "the same row twice counts once")
    return kept
