"""Which states a world has: spells, unions, two lists of states, and capabilities that are missing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from invented import NMC, PRODUCT, SPELLS, STATES, base, rule, save, spell_rows, world_of

from sim.data.codes import crosswalk, living_states, spell_of_gw
from sim.errors import Fault, InputError

GERMANY = ["GMY", 255, "Germany", 1990, 10, 3, 2016, 12, 31, 2016]
OLD_GERMANY = ["GMY", 255, "Germany", 1816, 1, 1, 1945, 5, 8, 2016]


def refused(folder: Path, year: int = 1980, **options: Any) -> list[Fault]:
    """Faults of an import, with the names of files alone."""
    with pytest.raises(InputError) as caught:
        world_of(folder, year, **options)
    return [fault._replace(file=Path(fault.file).name) for fault in caught.value.faults]


def ids(folder: Path, year: int | str) -> list[str]:
    """Ids of the states of a world."""
    return list(world_of(folder, year).states["id"])


def test_last_day_of_list_ends_no_state(tmp_path: Path) -> None:
    assert "USA" in ids(base(tmp_path, 2018), 2018)


def test_state_with_two_spells_counts_once(tmp_path: Path) -> None:
    folder = base(tmp_path, 1990, states=[OLD_GERMANY, GERMANY])
    assert ids(folder, 1990).count("DEU") == 1


def test_one_germany_in_year_of_union(tmp_path: Path) -> None:
    world = world_of(base(tmp_path, 1990, states=[OLD_GERMANY, GERMANY]), 1990)
    found = {*world.states["id"]}
    assert "DEU" in found
    assert not found & {"FRG", "DDR"}
    ghosts = rule(world, "no ghosts")
    assert ghosts.read - ghosts.kept == 2
    assert "260, 265" in ghosts.example


def test_day_before_union_has_two_germanies(tmp_path: Path) -> None:
    found = {*world_of(base(tmp_path, 1989, states=[GERMANY]), "1990-09-30").states["id"]}
    assert {"FRG", "DDR"} <= found
    assert "DEU" not in found


@pytest.mark.parametrize(
    ("code", "day", "found"),
    [
        (260, "1980-06-01", "FRG"), (260, "2000-06-01", "DEU"), (678, "1980-06-01", "YAR"), (678, "2000-06-01", "YEM"),
        (345, "2000-06-01", "YUG"), (340, "2010-06-01", "SRB"), (365, "1991-12-25", "SUN"), (365, "1991-12-26", "RUS"),
    ],
)  # fmt: skip
def test_codes_of_other_list(code: int, day: str, found: str) -> None:
    spell = spell_of_gw(code, date.fromisoformat(day))
    assert spell is not None
    assert spell.id == found


def test_states_of_other_list_are_named(tmp_path: Path) -> None:
    folder = base(tmp_path, 1950)
    rows = [[2, "USA", "United States", "01:01:1816", "31:12:2017"], [740, "JPN", "Japan", "01:01:1816", "31:12:2017"]]
    (folder / "ksgmdw.txt").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    world = world_of(folder, 1950)
    assert "JPN" not in {*world.states["id"]}
    assert rule(world, "other list").example == "Japan"


def test_missing_capability_is_not_zero(tmp_path: Path) -> None:
    folder = base(tmp_path, 1960)
    rows = [line for line in (folder / "NMC-70.csv").read_text().splitlines() if not line.startswith("740,")]
    (folder / "NMC-70.csv").write_text("\n".join(rows) + "\n")
    world = world_of(folder, 1960)
    assert "JPN" not in {*world.states["id"]}
    assert rule(world, "capability missing").example == "JPN"


def test_world_says_which_states_it_lacks(tmp_path: Path) -> None:

    folder = base(tmp_path, 1989, states=[GERMANY])
    save(folder, "NMC-70.csv", NMC, [[code, 1989, -9, 1, 1, 1, 1, 1, 0.01] for code in SPELLS])
    save(folder, "gw.csv", "gwcode,gwc,statename,startdate,enddate", [
        [2, "USA", "United States", "01:01:1816", "31:12:2017"], [711, "TBT", "Tibet", "01:01:1913", "31:12:2017"],
    ])  # fmt: skip
    stamps = world_of(folder, "1990-10-03").stamps
    assert "not in the world, as they have no capability in 1989: Germany" in stamps
    assert "not in the world, as only the list of Gleditsch and Ward has them: Tibet" in stamps


def test_missing_spending_does_not_matter(tmp_path: Path) -> None:
    folder = base(tmp_path, 1960)
    text = (folder / "NMC-70.csv").read_text()
    (folder / "NMC-70.csv").write_text(text.replace(",-9,", ",NA,", 3).replace(",-9,", ",,", 3))
    world = world_of(folder, 1960)
    assert (world.states["capability"].astype(float) > 0).all()


def test_product_of_living_states_only(tmp_path: Path) -> None:
    folder = base(tmp_path, 1990, states=[GERMANY])
    rows = [[2, 1990, 1, 9_000_000, 250], [255, 1990, 1, 3_000_000, 99], [260, 1990, 1, 2_500_000, 77]]
    save(folder, "gdp.csv", PRODUCT, rows)
    world = world_of(folder, 1990).states.set_index("id")
    assert float(world.loc["DEU", "gdp"]) == pytest.approx(5963 / 3, rel=1e-3)
    assert "population" not in world.columns


def test_product_at_prices_of_trade(tmp_path: Path) -> None:
    folder = base(tmp_path, 1950, states=[GERMANY])
    save(folder, "gdp.csv", PRODUCT, [[2, 1950, 1, 2_830_000, 150], [200, 1950, 1, 566_000, 50]])
    world = world_of(folder, 1950).states.set_index("id")
    assert float(world.loc["GBR", "gdp"]) == pytest.approx(60, rel=1e-3)
    assert world.loc["CAN", "gdp"] == ""


def test_crosswalk_has_each_state_once_a_day() -> None:
    for year in range(1946, 2026):
        day = date(year, 12, 31)
        alive = [spell for spell in crosswalk() if spell.lives(day)]
        assert len({spell.id for spell in alive}) == len(alive)
        assert len({spell.cow for spell in alive}) == len(alive)
    assert len(living_states(date(1990, 12, 31))) == 161


def test_unknown_code_has_file_and_line(tmp_path: Path) -> None:
    folder = base(tmp_path, 1960, nmc=[[999, 1960, 1, 1, 1, 1, 1, 1, 0.1]])
    with pytest.raises(InputError) as caught:
        world_of(folder, 1960)
    (fault,) = caught.value.faults
    assert fault.file.endswith("NMC-70.csv")
    assert fault.line == len(spell_rows()) + 2
    assert "999" in fault.message


def test_most_capable_and_leaders(tmp_path: Path) -> None:
    world = world_of(base(tmp_path, 1960), 1960, states=3, leaders=["USA", "JPN"])
    assert [*world.states["id"]] == ["CAN", "CUB", "JPN", "USA"]
    assert [bloc.id for bloc in world.blocs] == ["us_led", "jpn_led"]


@pytest.mark.parametrize("leaders", [["XXX"], ["DEU"], ["USA", "USA"], []])
def test_leaders_that_cannot_be(tmp_path: Path, leaders: list[str]) -> None:
    folder = base(tmp_path, 1960, skip=[260])
    with pytest.raises(InputError) as caught:
        world_of(folder, 1960, leaders=leaders)
    assert {fault.file for fault in caught.value.faults} == {"--leaders"}


def test_header_of_states_in_capitals(tmp_path: Path) -> None:
    folder = base(tmp_path, 1960)
    save(folder, "states2016.csv", STATES.upper(), spell_rows())
    assert "USA" in ids(folder, 1960)


@pytest.mark.parametrize(("day", "name"), [("1976-07-01", "North Vietnam"), ("1976-07-02", "Vietnam")])
def test_name_of_vietnam(day: str, name: str) -> None:
    assert (living_states(date.fromisoformat(day))[816].id, living_states(date.fromisoformat(day))[816].name) == (
        "VNM", name
    )  # fmt: skip


def test_leaders_that_cannot_lead(tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1980)
    found = refused(folder, leaders=["USA", "UKR", "RUS", "SUN", "XYZZY"])
    assert found == [
        Fault("--leaders", 1, "SUN", "is given twice"),
        Fault("--leaders", 1, "UKR", "does not exist on 1980-12-31"),
        Fault("--leaders", 1, "XYZZY", "is the id of no state"),
    ]
    assert refused(folder, leaders=[]) == [Fault("--leaders", 1, "", "is empty; give at least one state")]
    (folder / "NMC-70.csv").unlink()
    message = "has no National Material Capabilities, which every world needs; see `blocs import --list`"
    assert refused(folder) == [Fault("data", 1, "", message)]


def test_leader_without_capability(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    text = (folder / "NMC-70.csv").read_text(encoding="utf-8")
    rows = [",".join([*row.split(",")[:-1], "-9"]) if row.startswith("365,") else row for row in text.splitlines()]
    (folder / "NMC-70.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    message = "the leader SUN has no capability in 1980; choose another leader or year"
    assert refused(folder) == [Fault("NMC-70.csv", 1, "year", message)]


def test_product_needs_that_of_the_united_states(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "gdp.csv", PRODUCT, [[365, 1980, 1, 1_000_000, 10]])
    message = "has no product of the United States in 1980, which its prices are converted by"
    assert refused(folder) == [Fault("gdp.csv", 1, "year", message)]


def test_first_states_that_are_left_out_are_named(tmp_path: Path) -> None:
    """Six codes of no state on the day, and eight states without capability or in the other list only."""
    ghosts = [[code, 1980, 1, 1, 1, 1, 1, 1, 0.01] for code in (255, 316, 317, 343, 344, 346, 349)]
    codes = (90, 91, 92, 93, 94, 95, 100, 101, 130)
    folder = base(tmp_path, 1980, nmc=ghosts)
    added = [["XXX", code, f"State {code}", 1950, 1, 1, 2016, 12, 31, 2016] for code in codes]
    save(folder, "states2016.csv", STATES, spell_rows(added))
    save(folder, "gw.csv", "gwcode,gwc,statename,startdate,enddate", [
        [code, "X", f"State {code}", "01:01:1950", "31:12:2017"] for code in range(971, 980)])  # fmt: skip
    world = world_of(folder, 1980)
    assert rule(world, "no ghosts").example == "codes 255, 316, 317, 343, 344, 346"
    assert rule(world, "capability missing").example == "GTM, HND, SLV, NIC, CRI, PAN, COL, VEN"
    assert rule(world, "other list").example == ", ".join(f"State {code}" for code in range(971, 979))
