"""Rivalries and sanctions: censored ends, spells, fishing quarrels, unknown deaths, threats and bodies."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest
from click.testing import CliRunner
from invented import (
    COW_MID,
    GML,
    GSDB,
    IGO,
    TIES,
    TSS,
    base,
    both_ways,
    imposed,
    rule,
    save,
    starts,
    ties,
    world_of,
)

from sim.cli import cli
from sim.cli.commands.worlds.data import names_by_start
from sim.data.codes import split_names, table_rows
from sim.data.mapping.bodies import is_in_force
from sim.errors import InputError

RIVALS = [
    [1, "USA-Russia 1", 2, 365, 1945, 1989], [2, "USA-Russia 2", 2, 365, 2007, 2020],
    [3, "USA-China 1", 2, 710, 1949, 1972], [4, "USA-China 2", 2, 710, 1996, 2020],
    [5, "Egypt-Israel", 651, 666, 1948, 2020],
    [6, "Iraq-Egypt", 645, 651, 1945, 2003], [7, "Venice-Ottoman 1", 324, 640, 1494, 1517],
    [8, "Venice-Ottoman 2", 324, 640, 1540, 1718], [9, "Yugoslavia-Russia", 345, 365, 1948, 1955],
    [10, "Poland-Germany", 255, 290, 1918, 1939],
]  # fmt: skip


def clash(number: int, a: int, b: int, year: int, *, dead: int = 0, level: int = 4, mutual: int = 1) -> list[int]:
    """A dispute of two states in a year."""
    return [a, b, number, year, 1, 1, dead, level, mutual]


def dispute_rows(*rows: list[int], last: int = 2010) -> list[list[Any]]:
    """Rows of disputes, in both directions and in the order of the columns; two threats span the years."""
    threats = [clash(90, 70, 375, 1945, level=2), clash(91, 70, 375, last, level=2)]
    return [[number, a, b, *rest] for a, b, number, *rest in both_ways([*rows, *threats])]


@pytest.mark.parametrize(
    ("year", "found"),
    [
        (1970, {"SUN-USA", "CHN-USA", "EGY-ISR", "EGY-IRQ"}), (1990, {"EGY-ISR", "EGY-IRQ"}),
        (1989, {"EGY-ISR", "EGY-IRQ"}), (2015, {"RUS-USA", "CHN-USA", "EGY-ISR"}),
        (2020, {"RUS-USA", "CHN-USA", "EGY-ISR"}),
    ],
)  # fmt: skip
def test_rivalries_of_the_day(tmp_path: Path, year: int, found: set[str]) -> None:
    folder = base(tmp_path, year)
    save(folder, "tss.csv", TSS, RIVALS)
    assert ties(world_of(folder, year), "rivalry") == dict.fromkeys(found, "strategic")


def test_rivalries_after_the_list_need_carrying(tmp_path: Path) -> None:
    folder = base(tmp_path, 2021)
    save(folder, "tss.csv", TSS, RIVALS)
    with pytest.raises(InputError, match="covers 1945 to 2020, not 2021; --carry carries 2020 forward"):
        world_of(folder, 2021)
    world = world_of(folder, 2021, carry=True)
    assert "RUS-USA" in ties(world, "rivalry")
    assert any("carried forward from 2020" in stamp for stamp in world.stamps)


def test_hostility_that_nobody_lists_comes_from_clashes(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "tss.csv", TSS, RIVALS)
    save(folder, "gml.csv", GML, dispute_rows(clash(1, 2, 731, 1976, dead=1), clash(2, 2, 645, 1970, dead=1)))
    assert ties(world_of(folder, 1980), "rivalry")["PRK-USA"] == "clashes"
    assert "IRQ-USA" not in ties(world_of(folder, 1980), "rivalry")


def test_disputes_of_the_last_five_years(tmp_path: Path) -> None:
    """1976 to 1980 for the world of 1980; war counts without deaths, threats never, and the last year is named."""
    folder = base(tmp_path, 1980)
    rows = dispute_rows(
        clash(1, 2, 20, 1975), clash(2, 2, 40, 1976), clash(3, 2, 70, 1980), clash(4, 2, 200, 1981),
        clash(5, 2, 290, 1978, level=3), clash(6, 2, 645, 1977), clash(7, 2, 645, 1979, dead=1), clash(8, 2, 645, 1978),
        clash(9, 2, 651, 1980, level=5, mutual=0), clash(10, 2, 710, 1980, mutual=0),
    )  # fmt: skip
    save(folder, "gml.csv", GML, rows)
    world = world_of(folder, 1980)
    assert ties(world, "rivalry") == {
        "CUB-USA": "dispute", "MEX-USA": "dispute", "IRQ-USA": "clashes", "EGY-USA": "clashes",
    }  # fmt: skip
    notes = world.ties.set_index(["a", "b"])["note"]
    assert notes["IRQ", "USA"] == "last in 1979"


def test_fish_is_no_rivalry(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    rows = dispute_rows(clash(2968, 2, 20, 1979, mutual=0), clash(3, 651, 666, 1979, level=5), clash(4, 20, 365, 1979))
    save(folder, "gml.csv", GML, rows)
    world = world_of(folder, 1980)
    assert ties(world, "rivalry") == {"EGY-ISR": "clashes", "CAN-SUN": "dispute"}
    assert rule(world, "fishing quarrels dropped").example == "2-20 in 1979"
    joined = rule(world, "directions joined")
    assert (joined.read, joined.kept) == (10, 5)


def test_unknown_deaths_are_no_deaths_and_not_negative(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    rows = dispute_rows(clash(1, 20, 365, 1979, dead=-9), clash(2, 20, 710, 1979, dead=-9, mutual=0))
    save(folder, "gml.csv", GML, rows)
    world = world_of(folder, 1980)
    assert ties(world, "rivalry") == {"CAN-SUN": "dispute"}
    assert rule(world, "code for missing", "gml_disputes").kept == 4


def test_later_list_of_disputes_after_the_end_of_the_other(tmp_path: Path) -> None:
    folder = base(tmp_path, 2012)
    save(folder, "gml.csv", GML, dispute_rows(clash(1, 20, 365, 2010, dead=1)))
    save(
        folder,
        "mid.csv",
        COW_MID,
        dispute_rows(clash(1, 20, 710, 2014, dead=1), clash(2, 20, 651, 2012, dead=1), last=2014),
    )
    world = world_of(folder, 2012)
    assert ties(world, "rivalry") == {"CAN-EGY": "clashes"}
    (folder / "mid.csv").unlink()
    with pytest.raises(InputError, match="covers 1945 to 2010, not 2012"):
        world_of(folder, 2012)


def test_years_after_both_lists_of_disputes_are_not_peace(tmp_path: Path) -> None:
    folder = base(tmp_path, 2016)
    save(folder, "gml.csv", GML, dispute_rows(clash(1, 20, 710, 2010, dead=1)))
    war = [clash(1, 290, 365, 2014, dead=4, level=5), clash(2, 651, 666, 2012, dead=1), clash(3, 2, 645, 2009, dead=1)]
    save(folder, "mid.csv", COW_MID, dispute_rows(*war, last=2014))
    with pytest.raises(InputError, match=r"mid\.csv:1: year: covers 1945 to 2014, not 2016; --carry carries 2014"):
        world_of(folder, 2016)
    world = world_of(folder, 2016, carry=True)
    assert ties(world, "rivalry") == {"POL-RUS": "clashes", "EGY-ISR": "clashes"}
    (stamp,) = [stamp for stamp in world.stamps if "carried forward from 2014" in stamp]
    assert stamp.startswith("Militarised Interstate Disputes")
    assert rule(world, "one dataset chosen").why.endswith("gml_disputes of the same role is not used")


CASES = [
    imposed(1, 1970, 2, 40, sanctiontype="1 3 4", endyear=1990),
    imposed(2, 1975, 2, 20, imposition=0),
    imposed(3, 1978, 2, 740, issue1=13, endyear=1990),
    imposed(4, 1970, 2, 290, sanctiontype=7),
    imposed(5, 1970, 2, 645, sanctiontype=6, ongoingasofyear=1992),
    imposed(6, 1970, 2, 651, sanctiontype=7, ongoingasofyear=1975),
    imposed(7, 1979, 2, 666, sanctiontype="7"),
    imposed(8, 1971, 365, 710, sancimpositionstartyear="1971, probably earlier", sanctiontype="3 4", endyear=1985),
    imposed(9, 1972, 2, 713, sanctiontype=4, endyear=1980, endmonth="?", issue1=13, issue2=8),
    imposed(10, 2005, 2, 731, sanctiontype=1, ongoingasofyear=2011),
    imposed(11, 1979, "", 345, sanctiontype=8, institutionid="1653 4400", endyear=1985),
    imposed(12, 1979, 1000, 375, sanctiontype=9, endyear=1985),
]  # fmt: skip


def test_sanctions_of_the_day(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "ties.csv", TIES, CASES)
    save(
        folder,
        "igo.csv",
        IGO,
        [[code, 1980, "x", 0, 1, int(code in (200, 260)), 0, 0, 0, 0, 0, 0, 0] for code in (2, 200, 260, 375)],
    )
    world = world_of(folder, 1980)
    assert ties(world, "sanction") == {
        "USA-CUB": "comprehensive", "USA-IRQ": "sectoral", "USA-ISR": "targeted", "SUN-CHN": "sectoral",
        "GBR-YUG": "targeted", "FRG-YUG": "targeted", "GBR-FIN": "targeted", "FRG-FIN": "targeted",
    }  # fmt: skip
    assert rule(world, "threats dropped").kept == 11
    assert rule(world, "trade quarrels dropped").kept == 10
    assert rule(world, "cells with several codes").example == "3 of kinds or bodies, 1 of years"
    assert "1 without any end" in rule(world, "sanctions of the day").why
    sanctions = world.ties[world.ties["kind"] == "sanction"].set_index(["a", "b"])
    assert sanctions.loc[("USA", "CUB"), "regime"] == "us_led"
    assert sanctions.loc[("GBR", "YUG"), "regime"] == ""


def test_no_sanction_for_ever(tmp_path: Path) -> None:
    folder = base(tmp_path, 1985)
    save(folder, "ties.csv", TIES, CASES)
    assert not {"USA-POL", "USA-EGY", "USA-ISR"} & ties(world_of(folder, 1985), "sanction").keys()


def test_sanctions_after_the_last_case_need_carrying(tmp_path: Path) -> None:
    folder = base(tmp_path, 2010)
    save(folder, "ties.csv", TIES, CASES)
    with pytest.raises(InputError, match="covers 1970 to 2005, not 2010"):
        world_of(folder, 2010)
    assert "USA-PRK" in ties(world_of(folder, 2010, carry=True), "sanction")


def test_sanctions_of_security_council_by_table(tmp_path: Path) -> None:
    folder = base(tmp_path, 1991)
    save(
        folder,
        "igo.csv",
        IGO,
        [[code, 1991, "x", 0, int(code != 731), 0, 0, 0, 0, 0, 0, 0, 0] for code in (2, 20, 365, 645, 731)],
    )
    found = ties(world_of(folder, 1991), "sanction")
    assert found["CAN-IRQ"] == "comprehensive"
    assert not {"PRK-IRQ", "IRQ-IRQ"} & found.keys()


@pytest.mark.parametrize(
    ("cell", "names", "unknown"),
    [
        ("Egypt, Arab Rep.", ["egypt, arab rep."], []),
        ("Poland, Hungary, Czechoslovakia", ["poland", "hungary", "czechoslovakia"], []),
        ("Iran, Islamic Rep., Egypt, Arab Rep., UN", ["iran, islamic rep.", "egypt, arab rep.", "un"], []),
        ("Korea, Dem. Rep., Atlantis", ["korea, dem. rep."], ["Atlantis"]),
    ],
)
def test_commas_in_names(cell: str, names: list[str], unknown: list[str]) -> None:
    assert split_names(cell) == (names, unknown)


GSDB_ROWS = [
    [1, "Egypt, Arab Rep.", "League of Arab States", 1979, 1989, 1, "exp_part", 0, 0, 0, 0, 0, "", ""],
    [2, "Poland, Mexico, Yugoslavia", "United States", 1975, 1985, 0, "", 0, 0, 1, 0, 0, "", ""],
    [3, "Cuba", "United States", 1960, 2022, 1, "exp_compl,imp_compl", 0, 0, 0, 1, 0, "", "ongoing"],
    [4, "China", "CoCom", 1950, 1994, 1, "exp_part", 0, 0, 0, 0, 0, "", ""],
    [5, "Finland", "USSR", 1958, 1959, 1, "exp_part", 0, 0, 0, 0, 0, "", ""],
    [6, "Iraq", "Canada", 2022, 2022, 0, "", 1, 0, 0, 0, 0, "", ""],
]


def test_names_and_groups_in_lists(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "GSDB_V3.csv", GSDB, GSDB_ROWS)
    save(
        folder,
        "igo.csv",
        IGO,
        [[code, 1980, "x", 0, 1, 0, 0, 0, 0, 0, 0, 0, int(code == 645)] for code in (2, 645, 651)],
    )
    world = world_of(folder, 1980)
    assert ties(world, "sanction") == {
        "IRQ-EGY": "sectoral", "USA-POL": "sectoral", "USA-MEX": "sectoral", "USA-YUG": "sectoral",
        "USA-CUB": "comprehensive",
    }  # fmt: skip
    assert rule(world, "groups without members").kept == 5


@pytest.mark.parametrize(
    ("year", "found"), [(1970, {"USA-PRK", "USA-CUB"}), (1990, {"USA-PRK", "USA-CUB"}), (2015, {"CAN-RUS", "USA-CUB"})]
)
def test_end_of_a_case_is_not_the_end_of_the_measure(tmp_path: Path, year: int, found: set[str]) -> None:
    folder = base(tmp_path, year)
    cases = [imposed(1, 1950, 2, 731, endyear=1957), imposed(2, 1988, 2, 731, endyear=2005), imposed(3, 2005, 2, 20)]
    save(folder, "ties.csv", TIES, cases)
    measures = [
        [1, "Korea, Dem. Rep.", "United States", 1955, 2008, 1, "exp_compl,imp_compl", 0, 0, 0, 0, 0, "", ""],
        [2, "Russia", "Canada", 2014, 2022, 0, "", 1, 0, 1, 0, 0, "", "ongoing"], GSDB_ROWS[2], GSDB_ROWS[5],
    ]  # fmt: skip
    save(folder, "GSDB_V3.csv", GSDB, measures)
    assert ties(world_of(folder, year), "sanction").keys() == found


def test_unknown_name_has_file_and_line(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(
        folder,
        "GSDB_V3.csv",
        GSDB,
        [*GSDB_ROWS, [7, "Atlantis", "United States", 1979, 1985, 1, "", 0, 0, 0, 0, 0, "", ""]],
    )
    with pytest.raises(InputError, match=r"GSDB_V3\.csv:8: target: 'Atlantis' is the name of no state or group"):
        world_of(folder, 1980)


def test_rival_ally_starts_outside(tmp_path: Path) -> None:
    from invented import ATOP

    folder = base(tmp_path, 1970)
    save(folder, "tss.csv", TSS, [*RIVALS, [11, "Sino-Soviet", 365, 731, 1958, 1989]])
    save(folder, "atop.csv", ATOP, both_ways([[365, 731, year, 1, 0, 0, 0, 0] for year in (1970, 1971)]))
    assert starts(world_of(folder, 1970))["PRK"] == "non_aligned"


def test_states_listed_beside_a_body(tmp_path: Path) -> None:
    """TIES lists Japan as a sender in a case of the OAS, to which it does not belong; the note says so."""
    folder = base(tmp_path, 1980)
    rows = [
        imposed(1, 1978, 2, 40, sender2=740, institutionid="3900", endyear=1985),
        imposed(2, 1978, 200, 365, institutionid="3700", endyear=1985), imposed(3, 1981, 2, 290),
    ]  # fmt: skip
    save(folder, "ties.csv", TIES, rows)
    save(folder, "igo.csv", IGO, [[20, 1980, "CAN", 1, 1, *[0] * 8], [200, 1980, "UKG", 1, 1, *[0] * 8]])
    notes = world_of(folder, 1980).ties.set_index(["a", "b"])["note"]
    beside = "line 2, since 1978, by oas; the dataset lists this state as a sender too"
    assert (notes["JPN", "CUB"], notes["USA", "CUB"]) == (beside, beside)
    assert notes["GBR", "SUN"] == "line 3, since 1978, by nato; the dataset lists this state as a sender too"
    assert notes["CAN", "SUN"] == "line 3, since 1978, as a member of nato"


def test_import_names_states_by_start(tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1980)
    words = ["import", "1980", "--from", str(folder), "--states", "all", "--out", str(tmp_path / "world")]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    shown = " ".join(done.stdout.split())
    assert "front: Soviet Union. us_led: United States. non_aligned: " in shown
    assert "Cuba" in shown
    assert "In brackets" not in shown


def test_names_of_drawn_starts() -> None:
    states = pd.DataFrame(
        [("USA", "United States", "us_led", ""), ("CUB", "Cuba", "drawn", "front 0.919; non_aligned 0.081"),
         ("MEX", "Mexico", "drawn", "non_aligned 0.7; us_led 0.3"), ("PRK", "North Korea", "front", "")],
        columns=["id", "name", "initial", "initial_chances"],
    )  # fmt: skip
    assert names_by_start(cast(Any, SimpleNamespace(states=states))) == {
        "front": ["Cuba (0.92)", "North Korea"], "us_led": ["United States"], "non_aligned": ["Mexico (0.70)"],
    }  # fmt: skip


def test_window_of_disputes_begins_with_the_data(tmp_path: Path) -> None:
    folder = base(tmp_path, 1947)
    rows = dispute_rows(clash(1, 2, 40, 1946))
    save(folder, "gml.csv", GML, rows)
    world = world_of(folder, 1947)
    assert rule(world, "disputes of five years").why == "clashes from 1945 to 1947, once a pair"


@pytest.mark.parametrize(
    ("target", "day", "level"),
    [
        (345, "1995-11-21", "comprehensive"), (345, "1995-12-31", "targeted"), (345, "1996-06-18", None),
        (700, "2001-12-31", "targeted"), (700, "2002-12-31", None),
    ],
)  # fmt: skip
def test_sanctions_of_the_security_council(target: int, day: str, level: str | None) -> None:
    when = date.fromisoformat(day)
    rows = [row for row in table_rows("regimes.csv") if int(row["target"]) == target and is_in_force(row, when)]
    assert [row["level"] for row in rows] == [level] * bool(level)


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2013-12-31", {"USA-CUB"}), ("2014-02-28", {"USA-CUB"}), ("2014-12-30", {"USA-CUB"}),
        ("2014-12-31", {"CAN-RUS"}), ("2015-06-30", {"CAN-RUS"}),
    ],
)  # fmt: skip
def test_day_within_the_first_and_last_year_of_a_case(tmp_path: Path, day: str, found: set[str]) -> None:
    when = date.fromisoformat(day)
    folder = base(tmp_path, when.year - ((when.month, when.day) != (12, 31)))
    kinds = [1, "exp_part", 0, 0, 0, 0, 0, "", "failed"]
    save(folder, "gsdb.csv", GSDB, [
        [1, "Cuba", "United States", 1990, 2014, *kinds], [2, "Russia", "Canada", 2014, 2018, *kinds],
        [3, "Mexico", "Canada", 2020, 2022, *kinds],
    ])  # fmt: skip
    assert {*ties(world_of(folder, day), "sanction")} == found
