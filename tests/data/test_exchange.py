"""Trade and institutions: missing apart from zero, prices, gaps, and membership that is full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from invented import IGO, PRODUCT, REGIMES, TRADE, base, both_ways, rule, save, ties, world_of

from sim.errors import InputError

CODES = (2, 20, 70, 200, 260, 290, 365, 40, 710)


def with_trade(folder: Path, year: int, rows: list[list[Any]]) -> Path:
    """A folder with product and trade of a year; rows are in both directions."""
    base(folder, year)
    save(folder, "gdp.csv", PRODUCT, [[code, year, 1, 1_000_000, 10] for code in CODES])
    directed = [[a, b, year, one, other, one, other] for a, b, one, other in rows]
    save(folder, "dyadic.csv", TRADE, [*directed, *([b, a, y, o, i, so, si] for a, b, y, i, o, si, so in directed)])
    return folder


def trade_of(folder: Path, year: int) -> dict[str, float]:
    """Trade of each pair."""
    return {pair: float(value) for pair, value in ties(world_of(folder, year), "trade").items()}


def test_trade_counts_once_and_both_directions(tmp_path: Path) -> None:
    found = trade_of(with_trade(tmp_path, 1980, [[2, 20, 40_000, 47_000], [2, 70, 10_000, "NA"]]), 1980)
    assert found == {"CAN-USA": 87, "MEX-USA": 10}


@pytest.mark.parametrize("missing", ["NA", "-9", "", "."])
def test_missing_trade_is_not_zero(tmp_path: Path, missing: str) -> None:
    folder = with_trade(tmp_path, 1980, [[2, 20, 40_000, 47_000], [2, 70, missing, missing], [20, 70, 0, 0]])
    world = world_of(folder, 1980)
    assert "MEX-USA" not in ties(world, "trade")
    notes = world.states.set_index("id")["note"]
    assert "trade known with 2 of 17 states, zero with 1" in notes["CAN"]
    assert "trade known with 1 of 17 states, zero with 1" in notes["MEX"]
    assert "trade known with 1 of 17 states, zero with 0" in notes["USA"]


def test_west_germany_with_two_partners_is_stamped(tmp_path: Path) -> None:
    pairs = [[2, code, 5_000, 5_000] for code in (20, 70, 200, 290, 365)] + [
        [20, 200, 9_000, 9_000],
        [200, 260, 900, 900],
    ]
    world = world_of(with_trade(tmp_path, 1975, pairs), 1975)
    (stamp,) = [stamp for stamp in world.stamps if "three partners" in stamp]
    assert "FRG" in stamp
    assert "USA" not in stamp


def test_eight_states_with_few_partners_are_named(tmp_path: Path) -> None:
    world = world_of(with_trade(tmp_path, 1980, [[2, code, 5_000, 5_000] for code in (20, 70, 200, 365)]), 1980)
    applied = rule(world, "thin coverage")
    assert (applied.read, applied.kept, applied.example) == (18, 1, "CAN, CHN, CUB, DDR, EGY, FIN, FRG, GBR")


@pytest.mark.parametrize(("year", "zeros"), [(1962, 1), (1995, 2)])
def test_zeros_between_planned_economies_are_gaps(tmp_path: Path, year: int, zeros: int) -> None:
    world = world_of(with_trade(tmp_path, year, [[365, 710, 0, 0], [2, 365, 0, 0], [2, 710, 100, 5_000]]), year)
    moscow = "SUN" if year < 1992 else "RUS"
    assert f"zero with {zeros}" in world.states.set_index("id").loc[moscow, "note"]


@pytest.mark.parametrize(
    ("one", "other", "partners", "value"),
    [(5_000, 5_000, 3, 10), (0, 9_000, 3, 9), ("NA", 9_000, 3, 9), (0, 0, 2, 0), ("NA", 0, 2, 0), ("NA", "NA", 2, 0)],
)
def test_trade_between_planned_economies_is_no_gap(
    tmp_path: Path, one: Any, other: Any, partners: int, value: int
) -> None:
    """Only where all that is known of a pair is 0 has it no record."""
    rows = [[365, 710, one, other], [2, 365, 9_000, 9_000], [20, 365, 0, 0]]
    world = world_of(with_trade(tmp_path, 1962, rows), 1962)
    assert f"trade known with {partners} of " in world.states.set_index("id").loc["SUN", "note"]
    assert float(ties(world, "trade").get("CHN-SUN", 0)) == value


def test_dependence_is_at_one_set_of_prices(tmp_path: Path) -> None:
    folder = with_trade(tmp_path, 1950, [[2, 200, 1_500, 1_500]])
    save(folder, "gdp.csv", PRODUCT, [[2, 1950, 1, 2_830_000, 150], [200, 1950, 1, 566_000, 50]])
    world = world_of(folder, 1950)
    british = float(world.states.set_index("id").loc["GBR", "gdp"])
    assert float(ties(world, "trade")["GBR-USA"]) / british == pytest.approx(0.05, rel=1e-2)


def test_two_values_of_one_pair_are_a_fault(tmp_path: Path) -> None:
    folder = with_trade(tmp_path, 1980, [[2, 20, 40_000, 47_000]])
    text = (folder / "dyadic.csv").read_text()
    (folder / "dyadic.csv").write_text(text + "20,2,1980,1,2,1,2\n")
    with pytest.raises(InputError, match=r"dyadic\.csv:4: the same pair and year has other values"):
        world_of(folder, 1980)


def members_of(folder: Path, year: int | str, name: str, **options: Any) -> tuple[str, ...]:
    """Ids of the members of an institution in a world."""
    world = world_of(folder, year, **options)
    ids = dict(zip(world.states["cow"], world.states["id"], strict=True))
    return next((tuple(ids[code] for code in body.members) for body in world.institutions if body.id == name), ())


def row_of(code: int, year: int, **cells: int) -> list[Any]:
    """Membership of a state in a year; 0 where the cells say nothing."""
    values = {"ccode": code, "year": year, "state": "x"} | cells
    return [values.get(column, 0) for column in IGO.split(",")]


def test_full_members_only(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    codes = {200: 1, 260: 1, 290: 2, 375: 3, 345: -9, 20: -1, 2: 0}
    save(folder, "igo.csv", IGO, [row_of(code, 1980, eec=value) for code, value in codes.items()])
    world = world_of(folder, 1980)
    assert members_of(folder, 1980, "eec") == ("GBR", "FRG")
    assert rule(world, "full membership only").example == "2 associates and observers, 1 missing"


def test_unknown_code_of_membership_is_a_fault(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "igo.csv", IGO, [row_of(200, 1980, eec=1), row_of(260, 1980, eec=7)])
    with pytest.raises(InputError, match=r"igo\.csv:3: eec: 7 is none of the codes"):
        world_of(folder, 1980)


def test_associates_of_comecon_are_no_members(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "igo.csv", IGO, [row_of(code, 1980, cmea=1) for code in (70, 375, 645, 345, 365, 290, 40)])
    assert {*members_of(folder, 1980, "cmea")} == {"CUB", "DDR", "POL", "SUN"}


def test_institutions_that_the_dataset_has_not(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "igo.csv", IGO, [row_of(code, 1980, wto=1, wpact=int(code == 290)) for code in (2, 20, 200, 290, 365)])
    world = world_of(folder, 1980)
    found = {body.id for body in world.institutions}
    assert "g7" in found
    assert not found & {"wto", "warsaw_pact", "nato", "un"}


def test_organisation_before_it_was_one(tmp_path: Path) -> None:
    for year, there in ((1998, False), (2005, True)):
        folder = base(tmp_path / str(year), year)
        save(folder, "igo.csv", IGO, [row_of(code, year, sco=1) for code in (365, 710)])
        assert bool(members_of(folder, year, "sco")) == there


def test_excluded_member(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "igo.csv", IGO, [row_of(code, 1980, oas=1) for code in (2, 40, 70)])
    assert members_of(folder, 1980, "oas") == ("USA", "MEX")


def test_community_becomes_union(tmp_path: Path) -> None:
    for year, name in ((1992, "eec"), (1995, "eu")):
        folder = base(tmp_path / str(year), year)
        rows = [row_of(code, year, eec=int(year < 1993), eu=int(year > 1992)) for code in (200, 290)]
        save(folder, "igo.csv", IGO, rows)
        assert members_of(folder, year, name) == ("GBR", "POL")


@pytest.mark.parametrize(("day", "name"), [("1993-10-31", "eec"), ("1993-11-01", "eu")])
def test_day_on_which_the_community_becomes_the_union(tmp_path: Path, day: str, name: str) -> None:
    folder = base(tmp_path, 1992)
    save(folder, "igo.csv", IGO, [row_of(code, 1992, eec=1, eu=1) for code in (200, 290)])
    world = world_of(folder, day)
    assert [body.id for body in world.institutions if body.id in ("eec", "eu")] == [name]
    assert members_of(folder, day, name) == ("GBR", "POL")


def test_more_joint_memberships_do_not_make_ties_closer(tmp_path: Path) -> None:
    """Two states share twelve organisations in one file, 33 in the other: nothing of a world grows with the number."""
    worlds = []
    for many in (12, 33):
        folder = base(tmp_path / str(many), 1980)
        others = [f"org{n:02d}" for n in range(33)]
        rows = [
            [*row_of(code, 1980, oas=1, un=1, nato=int(code == 2)), *(int(n < many) for n in range(33))]
            for code in (2, 70, 20, 200, 40, 365, 290, 645, 651, 666)
        ]
        save(folder, "igo.csv", ",".join([IGO, *others]), rows)
        save(folder, "counts.csv", "ccode1,ccode2,year,dyadigos", both_ways([[2, 70, 1980, many]]))
        worlds.append(world_of(folder, 1980))
    few, more = worlds
    assert few.institutions == more.institutions
    assert few.ties.equals(more.ties)
    assert few.states.equals(more.states)
    assert [(body.id, body.cohesion) for body in more.institutions if body.id not in ("g7", "cmea")] == [("oas", 0.2)]
    assert rule(more, "file not read").example.endswith("counts.csv")


def test_polyarchy_goes_on_where_polity_ends(tmp_path: Path) -> None:
    folder = base(tmp_path, 2020)
    save(folder, "democracy.csv", REGIMES, [["2.0", "2020.0", 1.1, "NA", 0.82], ["20.0", "2020.0", 1.2, "NA", ""]])
    states = world_of(folder, 2020).states.set_index("id")
    assert states.loc["USA", "polyarchy"] == "0.820"
    assert states.loc["CAN", "polyarchy"] == ""
    assert "no polyarchy in the data" in states.loc["CAN", "note"]


def test_polity_as_substitute(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    rows = [[364, "USR", 1980, -7, -7], [2, "USA", 1980, 10, 10], [20, "CAN", 1980, -88, ""]]
    save(folder, "p5v2018.csv", "ccode,scode,year,polity,polity2", rows)
    states = world_of(folder, 1980).states.set_index("id")
    assert states.loc["SUN", "polyarchy"] == "0.150"
    assert states.loc["CAN", "polyarchy"] == ""


def test_year_without_rows_inside_the_span_is_a_fault(tmp_path: Path) -> None:
    folder = with_trade(tmp_path, 1980, [[2, 20, 40_000, 47_000]])
    rows = both_ways([[2, 20, year, 5, 5, 5, 5] for year in (1979, 1981)])
    save(folder, "dyadic.csv", TRADE, rows)
    with pytest.raises(InputError, match="has no row for 1980, although it covers 1979 to 1981"):
        world_of(folder, 1980)


def test_trade_in_dollars_of_another_year_is_stamped(tmp_path: Path) -> None:
    folder = base(with_trade(tmp_path, 1980, [[2, 20, 40_000, 47_000]]), 1982)
    save(folder, "gdp.csv", PRODUCT, [[code, year, 1, 1_000_000, 10] for code in CODES for year in (1980, 1982)])
    stamps = world_of(folder, 1982, carry=True).stamps
    assert any(one.startswith("trade is that of 1980 and product that of 1982, each in dollars") for one in stamps)
    assert "dependence on trade is too low by the growth of product between them" in " ".join(stamps)
    base(folder, 1980)
    assert not any("each in dollars" in one for one in world_of(folder, 1980).stamps)
