"""Adapters of trade and of membership in organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset, Form, drop_doubled, drop_missing_keys, require_codes
from sim.data.codes import table_rows
from sim.data.journal import Journal
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd


def tidy_trade(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy trade of a pair and a year: imports of either side, in millions of US dollars, missing apart from zero."""
    require_codes(frame, ("a", "b"), file)
    frame = drop_missing_keys(frame, ("a", "b", "year"), journal, dataset, file)
    frame = frame[frame["year"] >= 1945]
    for column in ("imports_a", "imports_b"):
        frame[column] = frame[column].mask(frame[column] < 0)
    blank = frame["imports_a"].isna() & frame["imports_b"].isna()
    why = "-9 and NA are missing trade; a missing row or value is not zero"
    journal.note("missing in both directions", dataset.id, len(frame), int((~blank).sum()), why)
    frame = frame[~blank]
    turned = frame["a"] > frame["b"]
    swapped = frame.rename(columns={"a": "b", "b": "a", "imports_a": "imports_b", "imports_b": "imports_a"})
    frame = frame.where(~turned, swapped[frame.columns])
    frame = frame.astype({"a": int, "b": int, "year": int})
    found = frame.drop_duplicates()
    twice = found[found.duplicated(["a", "b", "year"])]
    if len(twice):
        message = "the same pair and year has other values on an earlier line; keep one of the two"
        raise InputError([Fault(file, int(line), "", message) for line in twice.index[:20]])
    why = "each pair is listed once for either direction; summing the rows would double its trade"
    journal.note("directions joined", dataset.id, len(frame), len(found), why)
    return found


TRADE = Dataset(
    "cow_trade", "trade", "Dyadic trade, version 4",
    "Barbieri, Katherine; Keshk, Omar; Correlates of War Project", 2016,
    "https://correlatesofwar.org/data-sets/bilateral-trade/", "free with citation", "dyad-year", 2014,
    "dependence on trade, and with it what pressure can close",
    (Form({"ccode1": "a", "ccode2": "b", "year": "year", "flow1": "imports_a", "flow2": "imports_b"}),), tidy_trade,
)  # fmt: skip

MEMBERSHIP = {-1: "no state", 0: "no member", 1: "full member", 2: "associate", 3: "observer", -9: "missing"}


def organisation_codes() -> tuple[str, ...]:
    """Columns of the dataset that the project's table of institutions uses."""
    return tuple(dict.fromkeys(row["code"] for row in table_rows("institutions.csv") if row["code"]))


def tidy_organisations(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy membership of a state and a year: 1 is full membership, other codes are none, -9 is missing."""
    frame = frame.drop(columns="name")
    require_codes(frame, ("cow",), file)
    frame = drop_missing_keys(frame, ("cow", "year"), journal, dataset, file)
    frame = frame[frame["year"] >= 1945]
    codes = [column for column in frame if column not in ("cow", "year")]
    cells = frame[codes]
    wrong = ~(cells.isin(list(MEMBERSHIP)) | cells.isna())
    if wrong.to_numpy().any():
        column = wrong.any().idxmax()
        line = wrong[column].idxmax()
        message = f"{cells.loc[line, column]:g} is none of the codes {', '.join(map(str, MEMBERSHIP))}"
        raise InputError([Fault(file, int(line), str(column), message)])
    full, less = int((cells == 1).sum().sum()), int(cells.isin([2, 3]).sum().sum())
    why = "associates (2) and observers (3) do not count; -1 means no state and -9 is missing"
    counts = f"{less} associates and observers, {int((cells == -9).sum().sum())} missing"
    journal.note("full membership only", dataset.id, full + less, full, why, counts)
    kept = frame.assign(**{code: cells[code].map({1: 1.0, 0: 0.0, 2: 0.0, 3: 0.0, -1: 0.0}) for code in codes})
    return drop_doubled(kept, ("cow", "year"), journal, dataset, file)


def organisations() -> Dataset:
    """The dataset of organisations; its columns are those of the project's table of institutions."""
    codes = organisation_codes()
    return Dataset(
        "cow_igo", "organisations", "Intergovernmental Organizations, version 3",
        "Pevehouse, Jon C. W.; Nordstrom, Timothy; McManus, Roseanne W.; Jamison, Anne Spencer", 2020,
        "https://correlatesofwar.org/data-sets/igos/", "free with citation", "state-year by organisation", 2014,
        "institutions and their members, and the members of bodies that impose sanctions",
        (Form({"ccode": "cow", "year": "year", "state": "name", "un": "un", "nato": "nato"},
              {code: code for code in codes if code not in ("un", "nato")}, frozenset({"name"})),),
        tidy_organisations,
    )  # fmt: skip


IGO = organisations()
