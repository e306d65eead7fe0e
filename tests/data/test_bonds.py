"""Bonds from treaties and arms, and what universal pacts, old treaties and treaties on paper are worth."""

from __future__ import annotations

from pathlib import Path

import pytest
from invented import ARMS, ATOP, base, both_ways, rule, save, starts, ties, world_of

from sim.data.mapping.bonds import pact_rules

ONE_SIDED = [[2, 740, 1, 0, 0, 0, 1], [740, 2, 0, 0, 0, 0, 1], [666, 2, 1, 0, 0, 0, 0], [2, 666, 0, 0, 0, 0, 0]]
LATER = ["Mexico", "Finland", 1990, 1, 70, 375]  # so that the file covers the year of the world


def with_pacts(folder: Path, year: int, rows: list[list[int]]) -> Path:
    """A folder with treaties of a year that go on in the next."""
    base(folder, year)
    save(folder, "atop.csv", ATOP, [[a, b, y, *rest] for a, b, *rest in rows for y in (year, year + 1)])
    return folder


def test_defence_promised_by_one_side_is_a_pact(tmp_path: Path) -> None:
    world = world_of(with_pacts(tmp_path, 1985, ONE_SIDED), 1985)
    assert ties(world, "bond") == {"JPN-USA": "pact", "ISR-USA": "pact"}
    assert starts(world)["JPN"] == "us_led"


def test_helsinki_is_no_bond(tmp_path: Path) -> None:
    folder = with_pacts(tmp_path, 1980, both_ways([[2, 365, 0, 0, 0, 1, 0], [2, 290, 0, 0, 0, 1, 0]]))
    world = world_of(folder, 1980)
    assert ties(world, "bond") == {}
    assert starts(world)["SUN"] == "front"


def test_non_aggression_of_two_is_nominal(tmp_path: Path) -> None:
    folder = with_pacts(tmp_path, 1970, both_ways([[260, 365, 0, 0, 0, 1, 0], [710, 740, 0, 0, 0, 1, 0]]))
    world = world_of(folder, 1970)
    assert ties(world, "bond") == {"FRG-SUN": "nominal", "CHN-JPN": "nominal"}
    assert starts(world)["FRG"] == "non_aligned"


@pytest.mark.parametrize(
    ("year", "a", "b", "level"),
    [
        (1970, 365, 710, "paper"), (1955, 365, 710, "pact"), (1952, 200, 365, "paper"),
        (1975, 365, 375, "consultation"),
    ],
)  # fmt: skip
def test_treaty_that_lapsed_in_deed(tmp_path: Path, year: int, a: int, b: int, level: str) -> None:
    world = world_of(with_pacts(tmp_path, year, both_ways([[a, b, 1, 0, 0, 0, 1]])), year)
    assert [*ties(world, "bond").values()] == [level]
    follower = next(
        state for state in starts(world) if state not in ("SUN", "USA") and state in next(iter(ties(world, "bond")))
    )
    assert (starts(world)[follower] == "front") == (level == "pact")


def test_rio_is_paper_and_nato_is_not(tmp_path: Path) -> None:
    rows = both_ways(
        [[2, 70, 1, 0, 0, 0, 1], [2, 20, 1, 0, 0, 0, 1], [2, 200, 1, 0, 0, 0, 1], [645, 651, 1, 0, 0, 0, 0]]
    )
    world = world_of(with_pacts(tmp_path, 1980, rows), 1980)
    assert ties(world, "bond") == {"MEX-USA": "paper", "CAN-USA": "pact", "GBR-USA": "pact", "EGY-IRQ": "paper"}
    assert starts(world)["MEX"] == "non_aligned"
    assert starts(world)["CAN"] == "us_led"
    assert rule(world, "pacts on paper").kept == 2


def test_treaty_that_ended_in_the_year(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    rows = both_ways([[2, 713, 1, 0, 0, 0, 0], [2, 740, 1, 0, 0, 0, 0]])
    save(
        folder,
        "atop.csv",
        ATOP,
        [[a, b, year, *r] for a, b, *r in rows for year in (1980, 1981) if (713 not in (a, b)) or year == 1980],
    )
    assert ties(world_of(folder, 1980), "bond") == {"JPN-USA": "pact"}


def test_five_treaties_that_ended_are_named(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    ended = [[2, code, 1980, 1, 0, 0, 0, 0] for code in (40, 70, 200, 345, 375, 645)]
    lasting = [[2, 20, year, 1, 0, 0, 0, 0] for year in (1980, 1981)]
    save(folder, "atop.csv", ATOP, [row for row in [*ended, *lasting] for row in both_ways([row])])
    applied = rule(world_of(folder, 1980), "ended in the year")
    assert (applied.read - applied.kept, applied.example) == (6, "CUB-USA, MEX-USA, GBR-USA, USA-YUG, FIN-USA")


def test_treaties_of_a_state_in_its_last_year(tmp_path: Path) -> None:
    czech = ["CZE", 315, "Czechoslovakia", 1945, 5, 10, 1992, 12, 31, 2016]
    folder = base(tmp_path, 1992, states=[czech])
    save(
        folder,
        "atop.csv",
        ATOP,
        [*both_ways([[290, 315, 1992, 1, 0, 0, 0, 0], [2, 200, 1992, 1, 0, 0, 0, 0], [2, 200, 1993, 1, 0, 0, 0, 0]])],
    )
    assert "CSK-POL" in ties(world_of(folder, 1992), "bond")


def test_arms_where_there_is_no_treaty(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "arms.csv", ARMS, [
        ["Soviet Union", "Cuba", 1978, 300, 365, 40], ["Soviet Union", "Cuba", 1979, 200, 365, 40],
        ["United States", "Israel", 1979, 900, 2, 666], ["United Kingdom", "Israel", 1979, 400, 200, 666],
        ["United States", "Finland", 1979, 5, 2, 375], ["Soviet Union", "Egypt", 1960, 900, 365, 651], LATER,
    ])  # fmt: skip
    world = world_of(folder, 1980)
    assert ties(world, "bond") == {"CUB-SUN": "partnership", "ISR-USA": "partnership", "GBR-ISR": "consultation"}
    assert starts(world)["CUB"] == "non_aligned"


def test_arms_at_the_edges_of_their_levels(tmp_path: Path) -> None:
    """A partner gave at least 50 and half of the arms since 1976; consultation needs 20 and a fifth."""
    folder = base(tmp_path, 1980)
    deliveries = [
        (365, 40, 1980, 50), (2, 40, 1980, 50), (200, 666, 1979, 20), (2, 666, 1979, 80), (365, 651, 1979, 19.9),
        (2, 70, 1979, 49.9), (365, 645, 1979, 60), (2, 645, 1979, 61), (365, 345, 1979, 20), (2, 345, 1979, 81),
        (365, 290, 1976, 60), (365, 375, 1975, 60), (2, 713, 1978, 30), (2, 713, 1979, 30),
    ]  # fmt: skip
    names = {2: "United States", 200: "United Kingdom", 365: "Soviet Union", 40: "Cuba", 666: "Israel", 651: "Egypt",
             70: "Mexico", 645: "Iraq", 345: "Yugoslavia", 290: "Poland", 375: "Finland", 713: "Taiwan"}  # fmt: skip
    save(folder, "arms.csv", ARMS, [[names[a], names[b], year, value, a, b] for a, b, year, value in deliveries])
    assert ties(world_of(folder, 1980), "bond") == {
        "CUB-SUN": "partnership", "CUB-USA": "partnership", "GBR-ISR": "consultation", "ISR-USA": "partnership",
        "MEX-USA": "consultation", "IRQ-SUN": "consultation", "IRQ-USA": "partnership", "USA-YUG": "partnership",
        "POL-SUN": "partnership", "TWN-USA": "partnership",
    }  # fmt: skip


def test_treaty_goes_before_arms(tmp_path: Path) -> None:
    folder = with_pacts(tmp_path, 1980, both_ways([[200, 666, 0, 0, 0, 0, 1]]))
    save(folder, "arms.csv", ARMS, [["United Kingdom", "Israel", 1979, 400, 200, 666], LATER])
    assert ties(world_of(folder, 1980), "bond") == {"GBR-ISR": "consultation"}


def test_arms_to_whom_the_name_says(tmp_path: Path) -> None:
    serbia = ["YUG", 345, "Yugoslavia", 1944, 10, 20, 2016, 12, 31, 2016]
    folder = base(tmp_path, 2010, skip=[345], states=[serbia, ["FRN", 220, "France", 1944, 8, 25, 2016, 12, 31, 2016]])
    save(folder, "arms.csv", ARMS, [
        ["Russia", "Serbia", 2009, 80, 365, ""], ["China", "Viet Minh (France)*", 2009, 500, 710, 220],
        ["Russia", "NATO**", 2009, 70, 365, ""], ["China", "Cuba", 2010, 0, 710, 40],
    ])  # fmt: skip
    world = world_of(folder, 2010)
    assert ties(world, "bond") == {"RUS-SRB": "partnership"}
    assert rule(world, "code and name differ").kept == 3
    states_only = rule(world, "parties that are not states")
    assert (states_only.read, states_only.kept) == (4, 2)
    assert rule(world, "zero is a small delivery").example == "1 rows"


def test_original_columns_of_treaties(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    header = "ddyad,year,stateA,stateB,atopally,defense,offense,neutral,nonagg,consul"
    save(folder, "atop5_1ddyr.csv", header, [[1, 1980, 2, 20, 1, 1, 0, 0, 0, 1], [2, 1980, 20, 2, 1, 1, 0, 0, 0, 1]])
    assert ties(world_of(folder, 1980), "bond") == {"CAN-USA": "pact"}


def test_every_rule_of_pacts_has_a_reason() -> None:
    for kind, rules in pact_rules().items():
        for one in rules:
            assert one["note"]
            assert one["source"]
            assert one["name"]
            assert ("level" in one) == (kind == "paper")
