"""What the counts of a release count, in small invented files whose counts are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from invented import (
    ATOP,
    COW_MID,
    GML,
    IGO,
    NMC,
    POINTS,
    PRODUCT,
    STATES,
    TIES,
    TRADE,
    TSS,
    both_ways,
    imposed,
    save,
    spell_rows,
)

from sim.data import open_folder
from sim.data.codes import table_rows
from sim.data.selftest import GoldenCount, golden_counts


def members(year: int, **codes: int) -> list[list[Any]]:
    """Rows of organisations: who is in NATO (1) or in the Communities (2), in the order of the columns."""
    return [[code, year, "x", int(code in (2, 200)), 1, int(code == 200), *[0] * 7] for code in codes.values()]


def dispute(number: int, a: int, b: int, year: int, dead: int, level: int) -> list[list[int]]:
    """A dispute in both directions."""
    return [[number, *pair, year, 1, 1, dead, level, 1] for pair in ((a, b), (b, a))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every dataset that has counts."""
    ended = ["XXX", 345, "Yugoslavia", 1930, 1, 1, 1941, 4, 20, 2016]
    save(tmp_path, "states2016.csv", STATES, spell_rows([ended]))
    years = [(2, 1990, 0.25), (260, 1990, 0.125), (265, 1990, 0.0625), (2, 1991, 0.5), (740, 1946, 0.1), (740, 1952, 1)]
    save(tmp_path, "nmc.csv", NMC, [[code, year, -9, 1, 1, 1, 1, 1, value] for code, year, value in years])
    treaties = [
        (2, 20, 2018, 1, 0), (2, 70, 2018, 0, 1), (20, 70, 2018, 1, 0), (2, 200, 1980, 1, 0), (2, 740, 1980, 1, 0),
        (2, 365, 1975, 0, 1), (2, 365, 1980, 0, 1), (2, 365, 1970, 1, 0), (2, 710, 1960, 0, 1),
    ]  # fmt: skip
    save(tmp_path, "atop.csv", ATOP, both_ways([[a, b, year, d, 0, 0, n, 0] for a, b, year, d, n in treaties]))
    rivals = [(2, 710, 1949, 1972), (2, 710, 1996, 2020), (2, 365, 1945, 1989), (651, 666, 1948, 2020)]
    save(tmp_path, "tss.csv", TSS, [[n, "x", *rival] for n, rival in enumerate(rivals)])
    clashes = [(2, 20, 1979, 0, 4), (2, 20, 1980, 0, 4), (2, 20, 1979, 0, 4), (2, 20, 1981, 0, 5), (2, 70, 1979, 0, 4)]
    rows = [row for n, clash in enumerate(clashes) for row in dispute(n, *clash)]
    save(tmp_path, "gml.csv", GML, rows)
    save(tmp_path, "mid.csv", COW_MID, [*rows[:4], *dispute(9, 2, 365, 1980, -9, 4)])
    cases = [
        imposed(1, 1970, 2, 40, endyear=1990), imposed(2, 1975, 2, 20, imposition=0), imposed(4, 1970, 2, 290),
        imposed(3, 1978, 2, 740, issue1=13), imposed(5, 1978, 2, 740, issue1="13 2", endyear=1980),
    ]  # fmt: skip
    save(tmp_path, "ties.csv", TIES, cases)
    trades = [(2, 20, 1980), (2, 70, 1980), (2, 20, 1975), (260, 290, 1975), (200, 260, 1975), (260, 290, 1980)]
    save(tmp_path, "trade.csv", TRADE, [[*trade, 1, 1, 1, 1] for trade in trades])
    save(tmp_path, "igo.csv", IGO, [*members(1980, us=2, uk=200, su=365), *members(1981, us=2, uk=200)])
    prices = {int(row["year"]): float(row["usa_product_usd_bn"]) for row in table_rows("prices.csv")}
    save(tmp_path, "product.csv", PRODUCT, [[2, year, 1, 4000 * prices[year], 1] for year in (1950, 1980, 2010)])
    save(tmp_path, "points.csv", POINTS, [[2, "USA", "x", year, 1, 1, 50] for year in (1963, 1964, 1965)])
    return tmp_path


def test_counts_of_invented_files(folder: Path) -> None:
    counts = golden_counts(open_folder(folder))
    found: dict[str, list[float]] = {}
    for count in counts:
        found.setdefault(count.dataset, []).append(count.found)
    assert found == {
        "cow_states": [16, 16, 1], "cow_nmc": [3, 1, 0.1875, 1], "atop": [1, 2, 1975], "tss_rivalries": [4, 2, 2],
        "gml_disputes": [10, 2], "cow_disputes": [6, 2], "ties": [5, 4, 2, 2], "cow_trade": [3, 2], "cow_igo": [2, 1],
        "latent_product": [0.25, 0.25, 0.25], "un_ideal_points": [1, 3],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("expected", "found", "same"), [(0, 0, True), (0, 1, False), (10_000, 10_005, True), (10_000, 10_006, False)]
)
def test_counts_are_the_same_to_four_digits(expected: float, found: float, same: bool) -> None:
    assert GoldenCount("x", "rows", expected, found).same == same
