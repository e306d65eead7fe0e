"""Levels, days and codes of single cells and cases, at the edges of their rules."""

from __future__ import annotations

import tomllib
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from sim.data.adapters.assembly import roll_call_day
from sim.data.adapters.sanctions import bodies_of, day_of, first_year_of_case, gsdb_level, kind_level, list_codes
from sim.data.codes import describe_codes, living_states
from sim.data.folder import DataFolder
from sim.data.mapping.bonds import fits, treaty_level
from sim.data.mapping.penalties import in_force
from sim.data.mapping.scene import Scene
from sim.data.mapping.starts import read_position
from sim.data.write import later, text_of

NAN = float("nan")


@pytest.mark.parametrize(
    ("cell", "codes"),
    [("1 2 4", [1, 2, 4]), ("1990, 1992", [1990, 1992]), (2.0, [2]), ("3.00", [3]), (NAN, []), ("none", [])],
)
def test_codes_in_a_cell(cell: Any, codes: list[int]) -> None:
    assert list_codes(cell) == codes


@pytest.mark.parametrize(
    ("cell", "year"),
    [(1900, 1900), (2100, 2100), (1899, None), (2101, None), ("5 1990 1985", 1990), ("1971, or so", 1971), (NAN, None)],
)
def test_first_year_in_a_cell(cell: Any, year: int | None) -> None:
    assert first_year_of_case(cell) == year


@pytest.mark.parametrize(
    ("month", "day", "first", "last"),
    [
        (2, "", "1980-02-01", "1980-02-29"), (4, 31, "1980-04-30", "1980-04-30"), (6, 7, "1980-06-07", "1980-06-07"),
        (1, 1, "1980-01-01", "1980-01-01"), (12, 31, "1980-12-31", "1980-12-31"), (9, 0, "1980-09-01", "1980-09-30"),
        ("?", "?", "1980-01-01", "1980-12-31"), (13, "", "1980-01-01", "1980-12-31"),
        (0, 5, "1980-01-05", "1980-12-05"),
    ],
)  # fmt: skip
def test_days_of_a_case(month: Any, day: Any, first: str, last: str) -> None:
    """What is missing is the first day that it can be for a start, and the last for an end."""
    assert day_of(1980, month, day, last=False) == date.fromisoformat(first)
    assert day_of(1980, month, day, last=True) == date.fromisoformat(last)


@pytest.mark.parametrize(
    ("kinds", "level"),
    [
        ([1], "comprehensive"), ([5], "comprehensive"), ([7, 5, 2], "comprehensive"), ([2], "sectoral"),
        ([6, 7], "sectoral"), ([3, 4], "sectoral"), ([3], "targeted"), ([4], "targeted"), ([7], "targeted"),
        ([], "targeted"),
    ],
)  # fmt: skip
def test_level_of_kinds(kinds: list[int], level: str) -> None:
    assert kind_level(kinds) == level


def test_bodies_of_a_case() -> None:
    assert bodies_of([1653, 4400, 1830, 99], [2]) == ("eu", "un")
    assert bodies_of([3700], [1000]) == ("nato", "eu")
    assert bodies_of([], [2]) == ()


@pytest.mark.parametrize(
    ("trade", "kinds", "financial", "level"),
    [
        (1, "exp_compl,IMP_COMPL", 0, "comprehensive"), (1, "exp_compl", 0, "sectoral"),
        (1, "imp_compl", 0, "sectoral"), (0, "exp_compl,imp_compl", 0, "targeted"),
        (0, "", 1, "sectoral"), (0, "", 0, "targeted"),
    ],
)  # fmt: skip
def test_level_of_measures(trade: int, kinds: str, financial: int, level: str) -> None:
    assert gsdb_level({"trade": trade, "trade_kinds": kinds, "financial": financial}) == level


@pytest.mark.parametrize(
    ("named", "level"),
    [
        ({"defence": 1}, "pact"), ({"defence": 0, "consultation": 1}, "consultation"),
        ({"defence": 0, "offence": 1}, "consultation"), ({"defence": 0, "neutrality": 1}, "nominal"),
        ({"defence": 0}, "nominal"),
    ],
)  # fmt: skip
def test_level_of_obligations(named: dict[str, int], level: str) -> None:
    assert treaty_level(SimpleNamespace(**named))[0] == level


def test_obligation_of_a_nominal_treaty() -> None:
    assert treaty_level(SimpleNamespace(defence=0, neutrality=1))[1] == "neutrality, no defence"
    assert treaty_level(SimpleNamespace(defence=0, neutrality=0))[1] == "non-aggression of two states, no defence"


EUROPE, AMERICA = [[200, 399]], [[2, 2], [20, 165]]


@pytest.mark.parametrize(
    ("a", "b", "day", "applies"),
    [
        (200, 399, "1960-01-01", True), (199, 399, "1960-01-01", False), (200, 400, "1960-01-01", False),
        (200, 399, "1950-01-01", True), (200, 399, "1949-12-31", False), (200, 399, "1970-12-31", True),
        (200, 399, "1971-01-01", False), (365, 200, "1960-01-01", False),
    ],
)  # fmt: skip
def test_rule_among_a_group(a: int, b: int, day: str, applies: bool) -> None:
    """Both in the group, on a day from the first to the last, and no exception in either order."""
    rule = {"among": EUROPE, "from": date(1950, 1, 1), "until": date(1970, 12, 31), "unless": [[200, 365]]}
    assert fits(rule, a, b, date.fromisoformat(day)) == applies


@pytest.mark.parametrize(("a", "b", "applies"), [(2, 200, True), (200, 2, True), (2, 20, False), (200, 201, False)])
def test_rule_between_two_groups(a: int, b: int, applies: bool) -> None:
    assert fits({"between": EUROPE, "and": AMERICA}, a, b, date(1960, 1, 1)) == applies


@pytest.mark.parametrize(
    ("start", "end", "seen", "reason"),
    [
        ("1981-01-01", None, None, ""), ("1980-12-31", "1981-01-01", None, "known"),
        ("1970-01-01", "1980-12-31", None, ""), ("1970-01-01", None, "1980-12-31", "seen"),
        ("1970-01-01", None, "1980-12-30", ""), ("1979-01-01", None, None, "typical"),
        ("1978-12-31", None, None, ""), ("1979-02-28", None, None, "typical"),
    ],
)  # fmt: skip
def test_sanction_in_force_on_the_last_day_of_1980(start: str, end: str | None, seen: str | None, reason: str) -> None:
    """By a known end after the day, or seen on it; without an end for two years. 31 December ends on the 28th."""
    ended, last = (value and date.fromisoformat(value) for value in (end, seen))
    case = SimpleNamespace(start=date.fromisoformat(start), end=ended, seen=last)
    assert in_force(case, date(1980, 12, 31), date(1990, 12, 31)) == reason


def test_sanction_seen_at_the_end_of_the_dataset_is_carried() -> None:
    case = SimpleNamespace(start=date(1970, 1, 1), end=NAN, seen=date(1975, 12, 31))
    assert in_force(case, date(1980, 12, 31), date(1975, 12, 31)) == "carried"
    assert in_force(case, date(1980, 12, 31), date(1976, 12, 31)) == ""


@pytest.mark.parametrize(
    ("value", "file", "day"),
    [
        (7628, "votes.rds", date(1990, 11, 20)), (0.0, "V.RData", date(1970, 1, 1)),
        ("1970-11-20", "a.csv", date(1970, 11, 20)),
        ("1970-11-20 00:00:00", "a.rds", date(1970, 11, 20)), (7628, "a.csv", None), ("soon", "a.csv", None),
    ],
)  # fmt: skip
def test_day_of_a_roll_call(value: object, file: str, day: date | None) -> None:
    assert roll_call_day(value, file) == day


def test_chances_of_a_position_between_leaders() -> None:
    """In the middle both blocs are equally likely; at 1/3, the border of one, it has one half."""
    middle, border = read_position(0.5, "one", "two"), read_position(1 / 3, "one", "two")
    assert middle["one"] == pytest.approx(middle["two"])
    assert middle["non_aligned"] == pytest.approx(0.7335, abs=1e-4)  # a standard error of 0.15 reaches 1.11 of them
    assert border["two"] == pytest.approx(0.5)
    assert read_position(2 / 3, "one", "two")["one"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("day", "year"), [("1980-12-31", 1980), ("1980-12-30", 1979), ("1980-10-31", 1979), ("1980-01-01", 1979)]
)
def test_year_of_yearly_data(day: str, year: int, tmp_path: Any) -> None:
    assert Scene(DataFolder(tmp_path, {}, ()), date.fromisoformat(day), carry=False).year == year


@pytest.mark.parametrize(
    ("year", "chosen"), [(1945, "old"), (1980, "old"), (1981, "new"), (1990, "new"), (1991, "new"), (1944, "new")]
)
def test_dataset_of_a_role_that_covers_the_year(year: int, chosen: str) -> None:
    """The preferred one of those that cover the year, or the one that ends last."""
    found = [SimpleNamespace(id="old", first=1945, last=1980), SimpleNamespace(id="new", first=1970, last=1990)]
    folder: Any = SimpleNamespace(of_role=lambda role: found)
    picked: Any = Scene(folder, date(year, 12, 31), carry=False).pick("disputes")
    assert picked.id == chosen


def test_first_and_last_day_of_a_state() -> None:
    """East Germany existed from 25 March 1954 to 2 October 1990 (Correlates of War)."""
    assert [265 in living_states(date(1954, 3, day)) for day in (24, 25)] == [False, True]
    assert [265 in living_states(date(1990, 10, day)) for day in (2, 3)] == [True, False]


def test_few_codes_as_text() -> None:
    assert describe_codes([5, 4, 3, 2, 1, 1]) == "1, 2, 3, 4, 5"
    assert describe_codes(range(6)) == "0, 1, 2, 3, 4, …"


@pytest.mark.parametrize("text", ["Côte d'Ivoire", 'say "yes"', "back\\slash", "line\nend", "\x7f", "🛢"])
def test_text_of_a_world_is_read_as_written(text: str) -> None:
    written = text_of(text)
    assert tomllib.loads(f"note = {written}") == {"note": text}
    assert text_of("Côte 🛢") == '"Côte 🛢"'


def test_same_day_of_a_later_year() -> None:
    assert later(date(1980, 12, 31), 5) == date(1985, 12, 31)
    assert [later(date(1980, 2, 29), years) for years in (4, 5)] == [date(1984, 2, 29), date(1985, 2, 28)]
