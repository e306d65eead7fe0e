"""Counts that the real files have: whether a folder holds the releases that the rules were written for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from sim.data.adapters.sanctions import TRADE_PRACTICES, list_codes
from sim.data.codes import living_states, table_rows
from sim.data.folder import DataFolder

if TYPE_CHECKING:
    import pandas as pd

LAST_OF_1990 = date(1990, 12, 31)


class GoldenCount(NamedTuple):
    """A count that a known release has.

    Attributes
    ----------
    dataset
        Id of the dataset.
    what
        What is counted.
    expected
        The count in the release that the rules were written for.
    found
        The count in the user's file; the two differ in other releases.
    """

    dataset: str
    what: str
    expected: float
    found: float

    @property
    def same(self) -> bool:
        """Whether the two counts are equal, to four digits."""
        return abs(self.expected - self.found) <= 0.0005 * abs(self.expected)


def raw_rows(folder: DataFolder, dataset: str) -> pd.DataFrame:
    """Rows of a dataset as the file has them, with tidy names."""
    match, table = folder.tables[dataset]
    form = match.form
    numbers = [raw for raw, name in form.columns.items() if name not in form.text]
    return table.load([*form.columns], numbers).rename(columns=dict(form.columns))


def of_states(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of the list of states."""
    rows = folder.load("cow_states").rows
    alive = [row for row in rows.itertuples() if row.start <= LAST_OF_1990 <= row.end]
    yield "states on 31 December 1990", 161, len(alive)
    yield "spells that the end of the list cuts", 195, int((rows["end"] == date.max).sum())
    yield "codes with several spells", 26, int((rows.groupby("cow").size() > 1).sum())


def of_capabilities(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of capabilities."""
    rows = folder.load("cow_nmc").rows
    year = rows[rows["year"] == 1990].set_index("cow")["capability"]
    alive = year.index.isin(living_states(LAST_OF_1990))
    yield "rows of 1990", 165, len(year)
    yield "of them states that exist on 31 December", 161, int(alive.sum())
    yield "capability of the others", 0.0354, float(year[~alive].sum())
    yield "rows of Japan from 1946 to 1951", 0, len(rows[(rows["cow"] == 740) & rows["year"].between(1946, 1951)])


def of_alliances(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of treaties."""
    rows = folder.load("atop").rows
    american = rows[(rows["a"] == 2) | (rows["b"] == 2)]
    defence = american[american["defence"] == 1]
    yield "defence partners of the United States in 2018", 66, int((defence["year"] == 2018).sum())
    yield "defence partners of the United States in 1980", 49, int((defence["year"] == 1980).sum())
    soviet = american[(american["b"] == 365) & (american["non_aggression"] == 1)]
    yield "first year of non-aggression of the United States and the Soviet Union", 1975, int(soviet["year"].min())


def of_rivalries(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of rivalries."""
    raw = raw_rows(folder, "tss_rivalries")
    yield "rivalries", 264, len(raw)
    yield "rivalries that the end of the list cuts", 56, int((raw["end"] == raw["end"].max()).sum())
    american = raw[(raw["a"] == 2) & (raw["b"] == 710)]
    yield "spells of the United States and China", 2, len(american)


def of_disputes(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of disputes."""
    raw = raw_rows(folder, "gml_disputes")
    yield "rows, each dispute in both directions", 9284, len(raw)
    canada = folder.load("gml_disputes").rows
    canada = canada[(canada["a"] == 2) & (canada["b"] == 20) & (canada["hostility"] == 4)]
    yield "years in which the United States and Canada used force, over fish", 4, canada["year"].nunique()


def of_other_disputes(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of disputes of the other list."""
    raw = raw_rows(folder, "cow_disputes")
    yield "rows, each dispute in both directions", 10234, len(raw)
    yield "rows with unknown deaths", 1346, int((raw["fatality"] == -9).sum())


def of_sanctions(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of sanctions."""
    raw = raw_rows(folder, "ties")
    imposed = raw[raw["imposed"] == 1]
    yield "cases, threats among them", 1412, len(raw)
    yield "imposed cases", 845, len(imposed)
    first = [next(iter(list_codes(cell)), 0) for cell in imposed["issue1"]]
    yield "imposed cases whose first issue is trade practices", 426, first.count(TRADE_PRACTICES)
    ended = [bool(list_codes(cell)) for cell in imposed["end_year"]]
    yield "imposed cases without an end", 337, ended.count(False)


def of_trade(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of trade."""
    rows = folder.load("cow_trade").rows
    year = rows[rows["year"] == 1980]
    yield "pairs with a row in 1980", 9490, len(year)
    west = rows[((rows["a"] == 260) | (rows["b"] == 260)) & (rows["year"] == 1975)]
    yield "partners of West Germany in 1975", 2, len(west)


def of_organisations(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of organisations."""
    rows = folder.load("cow_igo").rows
    year = rows[rows["year"] == 1980].set_index("cow")
    yield "members of NATO in 1980", 15, int(year["nato"].sum())
    yield "members of the European Communities in 1980", 9, int(year["eec"].sum())


def of_product(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Prices of product against those of trade."""
    rows = folder.load("latent_product").rows
    american = rows[rows["cow"] == 2].set_index("year")["product"]
    prices = {int(row["year"]): float(row["usa_product_usd_bn"]) for row in table_rows("prices.csv")}
    for year, expected in ((1950, 0.106), (1980, 0.329), (2010, 0.80)):
        factor = prices[year] * 1000 / american[year]
        yield f"current over constant prices in {year}", expected, round(factor, 3 if expected < 0.5 else 2)


def of_points(folder: DataFolder) -> Iterator[tuple[str, float, float]]:
    """Counts of ideal points."""
    raw = raw_rows(folder, "un_ideal_points")
    yield "rows of 1964", 0, int((raw["year"] == 1964).sum())
    yield "state-years", 11440, len(raw)


GOLDEN: dict[str, Callable[[DataFolder], Iterator[tuple[str, float, float]]]] = {
    "cow_states": of_states, "cow_nmc": of_capabilities, "atop": of_alliances, "tss_rivalries": of_rivalries,
    "gml_disputes": of_disputes, "cow_disputes": of_other_disputes, "ties": of_sanctions, "cow_trade": of_trade,
    "cow_igo": of_organisations, "latent_product": of_product, "un_ideal_points": of_points,
}  # fmt: skip


def golden_counts(folder: DataFolder) -> list[GoldenCount]:
    """Compare counts of the datasets in a folder with those of the releases that the rules were written for.

    Parameters
    ----------
    folder
        What `open_folder` returned.

    Returns
    -------
    list of GoldenCount
        Counts of the datasets that the folder has and that have known counts.

    Raises
    ------
    InputError
        With every fault of a file.
    """
    return [
        GoldenCount(name, what, float(expected), float(found))
        for name, counts in GOLDEN.items()
        if name in folder.tables
        for what, expected, found in counts(folder)
    ]
