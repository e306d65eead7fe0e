"""The last value that a rule takes and the first that it refuses, of cells, rows and arguments."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from invented import (
    ARMS,
    ATOP,
    GML,
    GSDB,
    IGO,
    NMC,
    POINTS,
    PRODUCT,
    REGIMES,
    TIES,
    TRADE,
    TSS,
    VOTES,
    base,
    both_ways,
    imposed,
    save,
    spell_rows,
    world_of,
)

from sim.data import import_world, open_folder
from sim.data.adapters import arms
from sim.data.adapters import base as adapters
from sim.data.adapters.assembly import LAST_SESSION, require_sessions
from sim.data.adapters.catalog import DATASETS, resembles
from sim.data.adapters.lists import read_date
from sim.data.adapters.material import POLITY, tidy_polity
from sim.data.build import drawn_start, period_of, read_when
from sim.data.codes import split_names
from sim.data.folder import span
from sim.data.journal import Journal
from sim.data.mapping.bodies import is_in_force
from sim.data.mapping.record import dated_votes
from sim.data.mapping.scene import Scene
from sim.data.write import plain_title
from sim.errors import InputError

DATASET: Any = SimpleNamespace(id="mine")


def refused(call: Any) -> list[tuple[int, str, str]]:
    """Line, field and message of each fault."""
    with pytest.raises(InputError) as caught:
        call()
    return [(fault.line, fault.field, fault.message) for fault in caught.value.faults]


def numbers(**columns: list[float]) -> pd.DataFrame:
    """Rows with the lines of a file from 2 on."""
    return pd.DataFrame(columns, index=range(2, 2 + len(next(iter(columns.values())))))


# Cells


def test_unknown_code_counts_from_1945() -> None:
    frame = numbers(cow=[999, 998, 2, 2.5, 998, 997], year=[1944, 1945, 1946, 1946, 1946, 1980])
    found = refused(lambda: adapters.require_codes(frame, ("cow",), "a.csv"))
    assert [(line, message.partition(";")[0]) for line, _, message in found] == [
        (3, "998 is the code of no state since 1945"), (5, "2.5 is not a code"),
        (7, "997 is the code of no state since 1945"),
    ]  # fmt: skip
    adapters.require_codes(frame[:1], ("cow",), "a.csv")
    broken = numbers(cow=[n + 0.5 for n in range(7)])
    assert len(refused(lambda: adapters.require_codes(broken, ("cow",), "a.csv"))) == 5
    adapters.require_codes(numbers(cow=[1000.0]), ("cow",), "a.csv", frozenset({1000}))


ROWS: dict[str, tuple[str, Any]] = {
    "atop": (ATOP, lambda code, year: both_ways([[2, code, year, 1, 0, 0, 0, 0]])),
    "td_rivalries": (TSS.replace("rivalry,", "rivalryname,").replace("start,end", "styear,endyear"),
                     lambda code, year: [[1, "x", 2, code, year, year + 1]]),
    "gml_disputes": (GML, lambda code, year: [[1, a, b, year, 1, 1, 1, 4, 1] for a, b in ((2, code), (code, 2))]),
    "cow_trade": (TRADE, lambda code, year: [[2, code, year, 1, 1, 1, 1]]),
    "cow_igo": (IGO, lambda code, year: [[code, year, "x", *[1] * 10]]),
    "latent_product": (PRODUCT, lambda code, year: [[one, year, 9, 1000, 50] for one in (2, code)]),
    "democracy_scores": (REGIMES, lambda code, year: [[code, year, 0.5, 7, 0.5]]),
    "polity5": ("ccode,scode,year,polity2", lambda code, year: [[code, "x", year, 7]]),
    "sipri_arms": (ARMS, lambda code, year: [["United States", "Cuba", year, 5, 2, 40]]),
    "un_ideal_points": (POINTS, lambda code, year: [[code, "x", "n", year, 1, 1, 60]]),
    "un_votes": (VOTES, lambda code, year: [[1, code, 1, 1, "n", f"{year}-11-20", "Q"]]),
}  # fmt: skip


@pytest.mark.parametrize("dataset", [name for name in ROWS if name != "sipri_arms"])
def test_code_of_no_state_is_refused_in_every_dataset(tmp_path: Path, dataset: str) -> None:
    header, rows = ROWS[dataset]
    save(tmp_path, "a.csv", header, [*rows(40, 1980), *rows(999, 1980)])
    found = refused(lambda: open_folder(tmp_path).load(dataset))
    assert all("999 is the code of no state since 1945" in message for *_, message in found)
    assert found[0][0] == 2 + len(rows(40, 1980)) + (dataset == "latent_product")


@pytest.mark.parametrize("dataset", [name for name in ROWS if name not in ("un_ideal_points", "un_votes")])
def test_year_without_rows_between_others_is_refused(tmp_path: Path, dataset: str) -> None:
    header, rows = ROWS[dataset]
    save(base(tmp_path, 1980), "a.csv", header, [*rows(40, 1970), *rows(40, 1990)])
    assert refused(lambda: world_of(tmp_path, 1980)) == [
        (1, "year", f"has no row for 1980, although it covers 1970 to {1991 if 'td' in dataset else 1990}; download it"
         " again")
    ]  # fmt: skip


def test_keys_are_whole_numbers_up_to_a_thousand_million() -> None:
    journal = Journal()
    kept = adapters.drop_missing_keys(numbers(cow=[2, 1e9, float("nan"), -1e9]), ("cow",), journal, DATASET, "a.csv")
    assert kept["cow"].tolist() == [2, 10**9, -(10**9)]
    assert [(entry.read, entry.kept, entry.example) for entry in journal.entries] == [(4, 3, "line 4")]
    frame = numbers(cow=[1e9 + 1, 0.5, -1e9 - 1, 7.5, 7.5, 7.5], year=[1980, 1980.25, 1, 1, 1, 1])
    found = refused(lambda: adapters.drop_missing_keys(frame, ("cow", "year"), journal, DATASET, "a.csv"))
    assert [(line, field) for line, field, _ in found] == [
        (2, "cow"), (3, "cow"), (3, "year"), (4, "cow"), (5, "cow"), (6, "cow"),
    ]  # fmt: skip
    gone = refused(lambda: adapters.drop_missing_keys(kept[:0], ("cow",), journal, DATASET, "a.csv"))
    assert gone == [(1, "", "has no row with cow; download it again")]


def test_years_have_four_digits() -> None:
    adapters.require_year_numbers(numbers(end=[1000, 9999]), ("end",), "a.csv")
    frame = numbers(end=[999, 10000, 1980, 1, 2, 3, 4])
    found = refused(lambda: adapters.require_year_numbers(frame, ("end",), "a.csv"))
    assert [line for line, *_ in found] == [2, 3, 5, 6, 7]


def test_first_and_last_session() -> None:
    require_sessions(pd.Series([1, LAST_SESSION]), "a.csv")
    wrong = pd.Series([1, 0, LAST_SESSION + 1, *[-1] * 4], index=range(2, 9))
    found = refused(lambda: require_sessions(wrong, "a.csv"))
    assert [line for line, *_ in found] == [3, 4, 5, 6, 7]
    assert found[0][2] == "0 is not the number of a session, such as 1 of 1946; download the file again"


def test_rows_without_the_other_direction_are_counted() -> None:
    frame = numbers(a=[2, 20, 2, 2], b=[20, 2, 40, 70], year=[1980] * 4)
    ((line, _, message),) = refused(lambda: adapters.require_mirrors(frame, ("year",), "a.csv"))
    assert (line, message.partition(" have")[0]) == (1, "2 of 4 rows")


def test_rows_with_the_same_keys_and_other_values_are_named_up_to_twenty() -> None:
    frame = numbers(cow=[2] * 23, year=[1980] * 23, value=[float(n) for n in range(23)])
    found = refused(lambda: adapters.drop_doubled(frame, ("cow", "year"), Journal(), DATASET, "a.csv"))
    assert [line for line, *_ in found] == [*range(3, 23)]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"sanctiontype": 10}, ""), ({"sanctiontype": 11}, "kinds: '11' has codes other than 1 to 10"),
        ({"sanctiontype": 0}, "kinds: '0' has codes other than 1 to 10"), ({"issue1": 1}, ""),
        *((({f"issue{n}": 15, "issue1": 15} | {"issue2": 1}), "") for n in (1, 3)),
        *(({f"issue{n}": 16}, f"issue{n}: '16' has codes other than 1 to 15") for n in (1, 2, 3)),
    ],
)  # fmt: skip
def test_codes_of_the_codebook_of_ties(tmp_path: Path, cells: dict[str, int], message: str) -> None:
    save(tmp_path, "ties.csv", TIES, [imposed(1, 1979, 2, 40), imposed(2, 1979, 2, 20, **cells)])
    folder = open_folder(tmp_path)
    if message:
        with pytest.raises(InputError, match=rf"ties\.csv:3: {message}"):
            folder.load("ties")
    else:
        assert len(folder.load("ties").rows) == 2


@pytest.mark.parametrize(("sender", "target", "column"), [(999, 40, "sender"), (2, 999, "targetstate")])
def test_unknown_party_of_ties_has_its_line(tmp_path: Path, sender: int, target: int, column: str) -> None:
    save(tmp_path, "ties.csv", TIES, [imposed(1, 1979, 2, 40), imposed(2, 1979, sender, target)])
    with pytest.raises(InputError, match=rf"ties\.csv:3: {column}: 999 is the code of no state since 1945"):
        open_folder(tmp_path).load("ties")


def test_days_of_the_global_sanctions_data_base(tmp_path: Path) -> None:
    rest = [1, "exp_part", 0, 0, 0, 0, 0, "", ""]
    save(tmp_path, "gsdb.csv", GSDB, [
        [1, "Cuba", "Canada", 1980, 1985, *rest], [2, "Cuba", "Canada", 1981, 1990, *rest],
        [3, "Cuba", "Canada", 1982, 1983, *rest[:-1], "Ongoing, partly"],
    ])  # fmt: skip
    rows = open_folder(tmp_path).load("gsdb").rows
    last = date(1990, 12, 31)
    assert [(row.start, row.end, row.seen) for row in rows.astype(object).itertuples()] == [
        (date(1980, 12, 31), date(1985, 12, 31), None), (date(1981, 12, 31), None, last),
        (date(1982, 12, 31), None, last),
    ]  # fmt: skip


def test_days_of_ties(tmp_path: Path) -> None:
    begin = {"sancimpositionstartmonth": "", "sancimpositionstartday": ""}
    save(tmp_path, "ties.csv", TIES, [
        imposed(1, 1979, 2, 40, endyear=1984, endmonth=2, ongoingasofyear=1990, **begin), imposed(2, 1979, 2,
        40)])  # fmt: skip
    first, second = open_folder(tmp_path).load("ties").rows.astype(object).itertuples()
    assert (first.start, first.end, first.seen) == (date(1979, 1, 1), date(1984, 2, 29), date(1990, 12, 31))
    assert (second.start, pd.isna(second.end), pd.isna(second.seen)) == (date(1979, 3, 1), True, True)


@pytest.mark.parametrize(("case", "start", "begun"), [(1975, 1979, 1975), ("", 1979, 1979), (1975, "", 1975)])
def test_year_of_a_case_without_a_year_of_imposition(tmp_path: Path, case: Any, start: Any, begun: int) -> None:
    row = imposed(1, 1979, 2, 40, startyear=case, sancimpositionstartyear=start)
    (found,) = open_folder(save(tmp_path, "ties.csv", TIES, [row]).parent).load("ties").rows.itertuples()
    assert (found.begun, found.start.year) == (begun, start or case)


def test_deliveries_of_half_a_million_and_names() -> None:
    frame = pd.DataFrame({
        "supplier_name": ["China", "Serbia", "Rebels", None], "recipient_name": ["Cuba"] * 4, "year": 1980.0,
        "value": [0.0, 1.0, 2.0, 3.0], "supplier": [710.0, float("nan"), 2.0, 2.0],
    }, index=range(2, 6))  # fmt: skip
    journal = Journal()
    rows = arms.tidy_arms(frame, journal, arms.ARMS, "a.csv")
    assert rows.to_numpy().tolist() == [[710, 40, 1980, 0.25], [345, 40, 1980, 1]]
    found = [(one.rule, one.read, one.kept, one.example) for one in journal.entries]
    assert found[:2] == [
        ("code and name differ", 4, 2, "line 4: Rebels"),
        ("parties that are not states", 4, 2, "line 4: Rebels to Cuba")
    ]  # fmt: skip


def test_own_codes_of_polity() -> None:
    own = {364: 365, 342: 345, 347: 345, 818: 816, 769: 770, 626: 625, 525: 626, 529: 530, 341: 347, 348: 341}
    frame = numbers(cow=[*own, 769], year=[1946 + n for n in range(len(own))] + [1944], polity2=[0.0] * 11)
    frame.loc[2, "year"] = 1945
    journal = Journal()
    rows = tidy_polity(frame, journal, POLITY, "a.csv")
    assert rows["cow"].tolist() == [*own.values(), 769]
    assert [(one.read, one.kept) for one in journal.entries if one.rule == "code translated"] == [(10, 10)]


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("31:12:2017", "2017-12-31"), ("1:2:1816", "1816-02-01"), ("2017-12-31 00:00", "2017-12-31"),
        ("-7", "1969-12-25"),
        ("7628.0", "1990-11-20"), ("17531", "2017-12-31"), ("9999999", None), (date(1980, 2, 3), "1980-02-03"),
        ("1" * 400, None), ("31:12:17", None), ("32:12:2017", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_days_of_the_other_list(value: Any, day: str | None) -> None:
    """As text, or as days since 1970, of which no date has ten million."""
    assert read_date(value) == (day and date.fromisoformat(day))


def test_longest_name_has_four_parts() -> None:
    assert split_names("Cuba, Egypt, Arab Rep., Atlantis, NATO") == (["cuba", "egypt, arab rep.", "nato"], ["Atlantis"])
    assert split_names(", ,Cuba") == (["cuba"], [])


# Worlds


@pytest.mark.parametrize(
    ("when", "day"),
    [
        (1946, "1946-12-31"), ("1946-01-01", "1946-01-01"), (" 1980 ", "1980-12-31"), ("2100-01-01", "2100-01-01"),
        (date(1980, 2, 3), "1980-02-03"), ("1945-12-31", None), (1945, None), ("2100-01-02", None), (2100, None),
        ("19801", None), ("980", None), ("soon", None),
    ],
)  # fmt: skip
def test_first_and_last_day_of_a_world(when: Any, day: str | None) -> None:
    if day:
        assert read_when(when) == date.fromisoformat(day)
    else:
        assert refused(lambda: read_when(when))[0][:2] == (1, str(when))


def test_fewest_states_of_a_world(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    assert refused(lambda: import_world(1980, folder, states=1)) == [(1, "1", "is too few for a world; give 2 or more")]
    assert sorted(import_world(1980, folder, states=2).states["id"]) == ["CAN", "SUN", "USA"]
    many = base(tmp_path / "many", 2010, skip=[260, 265])
    (many / "states2016.csv").unlink()
    save(many, "NMC-70.csv", NMC, [
        [code, 2010, -9, 1, 1, 1, 1, 1, 1 / code] for code in sorted({row[1] for row in all_spells()})])  # fmt: skip
    assert len(import_world(2010, many).states) == 61  # the sixty most capable, and Russia


def all_spells() -> list[list[Any]]:
    """Rows of a list of all states of 2010."""
    from sim.data.codes import living_states

    return [["XXX", code, one.name] for code, one in living_states(date(2010, 12, 31)).items()]


@pytest.mark.parametrize(("known", "allowed"), [(9, True), (8, False)])
def test_capability_of_three_fifths_of_the_states(tmp_path: Path, known: int, allowed: bool) -> None:
    codes = [2, 365, 20, 40, 70, 200, 290, 375, 645, 651, 666, 710, 731, 740, 713]
    folder = base(tmp_path, 1980)
    save(folder, "states2016.csv", "stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday,version",
         [row for row in spell_rows() if row[1] in codes])  # fmt: skip
    save(folder, "NMC-70.csv", NMC, [[code, 1980, 1, 1, 1, 1, 1, 1, 0.1] for code in codes[:known]])
    if allowed:
        assert len(world_of(folder, 1980).states) == known
    else:
        ((line, field, message),) = refused(lambda: world_of(folder, 1980))
        assert (line, field, message.partition(",")[0]) == (1, "year", "has 8 of the 15 states of 1980")


def test_every_dataset_that_misses_the_year_is_named_at_once(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "trade.csv", TRADE, [[2, 20, 1981, 1, 1, 1, 1]])
    save(folder, "tss.csv", TSS, [[1, "x", 2, 365, 1946, 1979]])
    found = refused(lambda: world_of(folder, 1980))
    assert [(line, field, message.partition(";")[0]) for line, field, message in found] == [
        (1, "year", "covers 1981 to 1981, not 1980"), (1, "year", "covers 1946 to 1979, not 1980"),
    ]  # fmt: skip
    save(folder, "trade.csv", TRADE, [[2, 20, 1980, 1, 1, 1, 1]])
    save(folder, "tss.csv", TSS, [[1, "x", 2, 365, 1946, "1979x"]])
    assert [message[:25] for *_, message in refused(lambda: world_of(folder, 1980))] == ["'1979x' is not a number; "]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [("1980-01-01", "1980-12-31", [False, True, True, False]), ("", "1980-01-01", [True, True, False, False]),
     ("1980-12-31", "", [False, False, True, True]), ("", "", [True] * 4)],
)  # fmt: skip
def test_first_and_last_day_in_force(start: str, end: str, days: list[bool]) -> None:
    tried = [date(1979, 12, 31), date(1980, 1, 1), date(1980, 12, 31), date(1981, 1, 1)]
    assert [is_in_force({"start": start, "end": end}, day) for day in tried] == days


def test_first_and_last_day_of_a_period() -> None:
    days = [date(1968, 12, 31), date(1969, 1, 1), date(1979, 12, 31), date(1980, 1, 1)]
    assert [period_of(2, day).enforcement for day in days] == [1.0, 0.8, 0.8, 1.0]
    assert [period_of(365, date(1991, 12, day)).enforcement for day in (25, 26)] == [0.2, 0.0]
    assert period_of(710, date(1946, 1, 1)).enforcement == 0.5


def test_alignment_that_is_hardly_likely_is_left_out() -> None:
    chances = {"front": 0.005, "non_aligned": 0.495, "us_led": 0.5}
    assert drawn_start("us_led", chances) == ("drawn", "front 0.005; non_aligned 0.495; us_led 0.500")
    assert drawn_start("us_led", chances | {"front": 0.0049}) == ("drawn", "non_aligned 0.497; us_led 0.503")
    assert drawn_start("us_led", {"us_led": 1.0, "front": 0.004}) == ("us_led", "")
    assert drawn_start("us_led", {}) == ("us_led", "")


def test_years_that_rows_cover() -> None:
    assert span(pd.DataFrame({"year": [1980, 1946]})) == (1946, 1980)
    assert span(pd.DataFrame({"open": [True, False], "start": [1950, 1946], "end": [1990, 2020]})) == (1946, 2020)
    assert span(pd.DataFrame({"begun": [1950, 1946]})) == (1946, 1950)
    assert span(pd.DataFrame({"cow": [2]})) == (1945, 9999)


def test_votes_without_any_day_are_left_out(tmp_path: Path) -> None:
    scene = Scene(open_folder(base(tmp_path, 1980)), date(1980, 12, 31), carry=False)
    rows = pd.DataFrame({"call": [1, 1], "vote": [1, 3], "day": [None, None]})
    assert dated_votes(scene, rows) is None
    assert [(one.rule, one.read, one.kept) for one in scene.journal.entries] == [("days of votes", 2, 0)]
    dated = dated_votes(scene, rows.assign(session=[35, 36]))
    assert dated is not None
    assert dated["day"].tolist() == [date(1980, 12, 31), date(1981, 12, 31)]


def test_titles_have_two_hundred_characters() -> None:
    assert plain_title(" a\n\tb ") == "a b"
    assert plain_title("x" * 201) == "x" * 200
    assert plain_title("") == "roll call"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (("ccode", "year", "cinc"), ""),  # it is recognised
        (("ccode", "year"), ""),  # common columns say nothing
        (("dispnum", "ccode1", "ccode2", "year"), "has no column"), (("dispnum", "year", "ccode1"), ""),
        (("supplier", "recipient"), "has no column"), (("supplier", "when"), ""),
    ],
)  # fmt: skip
def test_half_of_the_columns_make_a_table_resemble_a_dataset(columns: tuple[str, ...], said: str) -> None:
    table: Any = SimpleNamespace(columns=columns)
    found = "" if columns[-1] == "cinc" else resembles(table)
    assert (said in found, bool(found)) == (True, bool(said)), found


def test_datasets_with_the_year_of_their_citation_and_the_last_year() -> None:
    assert {one.id: (one.role, one.year, one.last) for one in DATASETS} == {
        "cow_states": ("states", 2017, 2016), "gw_states": ("states_gw", 1999, 2017),
        "cow_nmc": ("capabilities", 1972, 2022), "atop": ("alliances", 2002, 2018),
        "tss_rivalries": ("rivalries", 2021, 2020), "td_rivalries": ("rivalries", 2012, 2010),
        "gml_disputes": ("disputes", 2016, 2010), "cow_disputes": ("disputes", 2020, 2014),
        "gsdb": ("sanctions", 2020, 2022), "ties": ("sanctions", 2014, 2005), "cow_trade": ("trade", 2016, 2014),
        "cow_igo": ("organisations", 2020, 2014), "latent_product": ("product", 2022, 2019),
        "democracy_scores": ("regimes", 2025, 2025), "vdem": ("regimes", 2025, 2024), "polity5": ("regimes", 2020,
        2018),
        "un_ideal_points": ("ideal_points", 2017, 2024), "un_votes": ("votes", 2009, 2023),
        "un_roll_calls": ("roll_calls", 2021, 2019), "sipri_arms": ("arms", 2022, 2021),
    }  # fmt: skip
