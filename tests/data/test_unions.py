"""Codes that a union changed: Germany and Yemen in datasets that keep one code on either side of 1990."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from invented import (
    ARMS,
    COW_MID,
    GSDB,
    REGIMES,
    TIES,
    TSS,
    base,
    both_ways,
    imposed,
    rule,
    save,
    ties,
    world_of,
)

from sim.data.codes import code_on

UNITED = [["GMY", 255, "Germany", 1990, 10, 3, 2016, 12, 31, 2016]]
YEMENS = [
    ["YAR", 678, "Yemen Arab Republic", 1926, 9, 2, 1990, 5, 21, 2016],
    ["YPR", 680, "Yemen People's Republic", 1967, 11, 30, 1990, 5, 21, 2016],
    ["OMA", 698, "Oman", 1971, 10, 7, 2016, 12, 31, 2016],
]


@pytest.mark.parametrize(
    ("code", "day", "found"),
    [
        (260, "1990-10-02", 260), (260, "1990-10-03", 255), (255, "1990-10-02", 260), (255, "1990-10-03", 255),
        (265, "1990-10-03", 265), (678, "1990-05-22", 679), (679, "1990-05-21", 678), (680, "1990-05-22", 680),
        (315, "1993-01-01", 315), (255, "1955-05-04", 255), (345, "2006-06-05", 345),
    ],
)  # fmt: skip
def test_code_on_a_day(code: int, day: str, found: int) -> None:
    assert code_on(code, date.fromisoformat(day)) == found


def test_sanctions_of_either_germany(tmp_path: Path) -> None:
    before, after = base(tmp_path / "1980", 1980), base(tmp_path / "1991", 1991, states=UNITED)
    for folder in (before, after):
        save(folder, "ties.csv", TIES, [
            imposed(1, 1970, 255, 40, endyear=2000), imposed(2, 1970, 2, 260, endyear=2000),
            imposed(3, 2005, 2, 40, endyear=2005),
        ])  # fmt: skip
    assert {*ties(world_of(before, 1980), "sanction")} == {"FRG-CUB", "USA-FRG"}
    world = world_of(after, 1991)
    assert {*ties(world, "sanction")} == {"DEU-CUB", "USA-DEU"}
    assert rule(world, "code of the day", "ties").example == "260 is read as 255"


def test_germany_by_name_before_1990(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "gsdb.csv", GSDB, [
        [1, "Cuba", "Germany", 1970, 1990, 1, "exp_part", 0, 0, 0, 0, 0, "", "failed"],
        [2, "Cuba", "Canada", 1981, 2022, 1, "exp_part", 0, 0, 0, 0, 0, "", "failed"],
    ])  # fmt: skip
    save(folder, "arms.csv", ARMS, [
        ["Germany", "Finland", 1979, 60, 260, 375], ["United States", "Finland", 1980, 10, 2, 375],
    ])  # fmt: skip
    world = world_of(folder, 1980)
    assert "FRG-CUB" in ties(world, "sanction")
    assert ties(world, "bond") == {"FIN-FRG": "partnership"}


def test_arms_and_disputes_from_before_the_union(tmp_path: Path) -> None:
    folder = base(tmp_path, 1991, states=UNITED)
    save(folder, "arms.csv", ARMS, [["Germany", "Finland", 1991, 30, 255, 375],
                                    ["West Germany", "Finland", 1988, 30, 260, 375]])  # fmt: skip
    rows = both_ways([[260, 645, 1, 1988, 1, 1, 1, 4, 1], [70, 375, 2, 2014, 1, 1, 0, 2, 0]])
    save(folder, "mid.csv", COW_MID, [[number, a, b, *rest] for a, b, number, *rest in rows])
    world = world_of(folder, 1991)
    assert ties(world, "bond") == {"DEU-FIN": "partnership"}
    assert ties(world, "rivalry") == {"DEU-IRQ": "clashes"}


@pytest.mark.parametrize(
    ("year", "rows", "found"),
    [
        (1980, [[255, 0.8], [2, 0.9]], {"FRG": "0.800", "USA": "0.900"}),
        (1980, [[255, 0.8], [260, 0.7]], {"FRG": "0.700"}), (1990, [[260, 0.8]], {"DEU": "0.800"}),
        (1990, [[255, ""], [260, 0.8]], {"DEU": "0.800"}),
    ],
)  # fmt: skip
def test_polyarchy_of_a_union(tmp_path: Path, year: int, rows: list[list[float]], found: dict[str, str]) -> None:
    folder = base(tmp_path, year, states=UNITED)
    save(folder, "democracy.csv", REGIMES, [[code, year, 0, 0, value] for code, value in rows])
    states = world_of(folder, year).states.set_index("id")["polyarchy"]
    assert dict(states[states != ""]) == found


def test_rivalries_of_either_yemen(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980, states=YEMENS)
    save(folder, "tss.csv", TSS, [
        [1, "Oman-S. Yemen", 679, 698, 1967, 1982], [2, "Egypt-Yemen", 651, 679, 1962, 1990],
        [3, "N. Yemen-S. Yemen", 678, 680, 1967, 1990], [4, "Egypt-Israel", 651, 666, 1948, 2020],
    ])  # fmt: skip
    world = world_of(folder, 1980)
    assert {*ties(world, "rivalry")} == {"OMN-YMD", "EGY-YAR", "YAR-YMD", "EGY-ISR"}
    assert rule(world, "code and name differ").example == "Oman-S. Yemen"
