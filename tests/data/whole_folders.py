"""Two invented folders of every kind of dataset, with rows at the boundaries of the rules of import."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from invented import (
    ARMS,
    ATOP,
    COW_MID,
    GML,
    GSDB,
    NMC,
    POINTS,
    PRODUCT,
    REGIMES,
    STATES,
    TIES,
    TRADE,
    TSS,
    both_ways,
    imposed,
    save,
)

from sim.data.codes import OPEN, crosswalk

YEARS = (1980, 1989, 1999)  # of the first folder
CODES = (2, 365, 20, 40, 70, 200, 220, 255, 260, 265, 290, 310, 315, 339, 345, 355, 360, 375, 640, 645, 651, 652, 666,
         670, 710, 712, 713, 731, 740, 770, 816, 850)  # fmt: skip
IGO = "ccode,year,state,nato,un,eec,eu,oas,loas,csto,cis,asean,gcc,oau,au,nam,oecd,wpact"
VOTES = "rcid,ccode,member,vote,date,short,unres"


def spells(codes: Iterable[int]) -> list[list[Any]]:
    """Rows of a list of states that ends in 2016, from the project's own table."""
    last = date(2016, 12, 31)
    return [
        [one.id, one.cow, one.name, *(getattr(day, unit) for day in (one.start, last if one.end == OPEN else one.end)
                                      for unit in ("year", "month", "day")), 2016]
        for one in crosswalk() if one.cow in {*codes}
    ]  # fmt: skip


def lists_of_states(folder: Path) -> None:
    """Saigon lives ten years longer in this list than in the project's table; the other list lacks some states."""
    rows = [*spells(CODES), ["RVN", 817, "South Vietnam", 1954, 6, 4, 1985, 4, 30, 2016]]
    save(folder, "states2016.csv", STATES, rows)
    save(folder, "gw.csv", "gwcode,gwc,statename,startdate,enddate", [
        [2, "USA", "United States", "01:01:1816", "31:12:2017"], [396, "ABK", "Abkhazia", "26:08:1980", "31:12:2017"],
        [711, "TBT", "Tibet", "01:01:1913", "01:10:1950"], [260, "GFR", "German Federal Republic", "21:09:1949",
        "31:12:2017"], [880, "WSM", "Samoa", "31:12:1980", "31:12:1980"], [347, "KOS", "Kosovo", "01:01:1981",
        "31:12:2017"],
    ])  # fmt: skip


def amounts(folder: Path) -> None:
    """Yearly values: -9, blank and absent ones, a row repeated, and states that live in another part of the year."""
    size = {code: 0.2 / (n + 2) for n, code in enumerate(CODES)}
    rows = [[code, year, -9, 1, 1, 1, 1, 1, f"{value:.6f}"] for year in YEARS for code, value in size.items()
            if (code, year) != (850, 1980)]  # fmt: skip
    rows[[row[0] for row in rows].index(652)][-1] = -9
    rows[[row[0] for row in rows].index(640)][-1] = ""
    save(folder, "NMC-70.csv", NMC, [*rows, rows[3], [365, 1944, -9, 1, 1, 1, 1, 1, 0.1], ["", 1980, *rows[0][2:]]])
    dollars = {1980: 2857, 1989: 5642, 1999: 9631}  # of the United States, in billions
    save(folder, "gdp.csv", PRODUCT, [
        [code, year, 9, dollars[year] * 1000 * (2 if year == 1989 else 1) if code == 2 else 100_000 + 1000 * code, 50]
        for year in YEARS for code in CODES if code != 731
    ] + [[731, 1980, 9, "NA", 50]])  # fmt: skip
    save(folder, "democracy.csv", REGIMES, [
        [code, year, 0.5, 7, "" if code == 740 else f"{code / 1000:.4f}"] for year in (1980,
        1981) for code in CODES])  # fmt: skip
    save(folder, "polity.csv", "ccode,scode,year,polity2", [
        [364, "USR", 1989, 0], [2, "USA", 1989, 10], [20, "CAN", 1989, -10], [40, "CUB", 1989, -66], [70, "MEX", 1989,
        -3], [200, "UKG", 1989, 11], [220, "FRN", 1989, 8], [220, "FRN", 1989, 9], [818, "VIE", 1985, -7],
        [769, "PKS", 1944, 1], [365, "RUS", 1992, 5],
    ])  # fmt: skip
    save(folder, "vdem.csv", "country_text_id,COWcode,year,v2x_polyarchy", [
        ["USA", 2, 1993, 0.9], ["USA", 2, 1999, 0.875], ["RUS", 365, 1999, 0.4], ["GDR", 265, 1999, 0.1]])  # fmt: skip


def treaties(folder: Path) -> None:
    """[a, b, defence, offence, neutrality, non-aggression, consultation] of a year; they go on unless said."""
    lasting = [
        [2, 20, 1, 0, 0, 0, 0], [2, 220, 0, 1, 0, 0, 0], [2, 375, 0, 0, 1, 0, 0], [260, 365, 0, 0, 0, 1, 0],
        [710, 740, 0, 0, 0, 1, 0], [2, 816, 0, 0, 0, 1, 0], [365, 710, 1, 0, 0, 0, 0], [365, 375, 1, 0, 0, 0, 1],
        [2, 70, 1, 0, 0, 0, 1], [645, 651, 1, 0, 0, 0, 0], [645, 670, 0, 0, 0, 0, 1], [339, 365, 1, 0, 0, 0, 0],
        [290, 365, 1, 0, 0, 0, 0], [265, 365, 1, 0, 0, 1, 1], [360, 365, 1, 0, 0, 0, 0], [355, 365, 1, 0, 0, 0, 0],
        [2, 345, 1, 0, 0, 0, 0], [345, 365, 1, 0, 0, 0, 0], [40, 731, 1, 0, 0, 0, 0], [2, 770, 1, 0, 0, 0, 0],
        [2, 260, 1, 0, 0, 0, 0], [640, 645, 1, 0, 0, 0, 0], [100, 101, 1, 0, 0, 0, 0],
    ]  # fmt: skip
    years = (1945, 1980, 1981, 1989, 1990, 1999)
    rows = both_ways([[a, b, year, *rest] for a, b, *rest in lasting for year in years
                      if year < 1990 or not {260, 265} & {a, b}])  # fmt: skip
    one_sided = [[2, 200, 0, 0, 0, 0, 1], [200, 2, 1, 0, 0, 0, 1], [2, 666, 0, 0, 0, 1, 0], [666, 2, 0, 0, 0, 1, 0]]
    rows += [[a, b, year, *rest] for a, b, *rest in one_sided for year in (1980, 1981)]
    ended = [[2, 713, 1980, 1, 0, 0, 0, 0], [2, 740, 1980, 1, 0, 0, 0, 1], [2, 740, 1981, 0, 0, 0, 0, 1],
             [365, 740, 1980, 0, 0, 1, 1, 0], [365, 740, 1981, 0, 0, 1, 0, 0],
             [2, 310, 1944, 1, 0, 0, 0, 0]]  # fmt: skip
    save(folder, "atop.csv", ATOP, [*rows, rows[0], *both_ways(ended), ["", 20, 1980, 1, 0, 0, 0, 0]])


def hostility(folder: Path) -> None:
    """Spells that end or begin in a year of a world, and clashes of five years."""
    save(folder, "tss.csv", TSS, [
        [1, "US-Russia 1", 365, 2, 1945, 1981], [2, "US-Russia 2", 2, 365, 1989, 1998],
        [3, "Sino-US", 2, 710, 1949, 1980],
        [4, "Egypt-Israel", 651, 666, 1980, 1990], [5, "Iraq-Israel", 645, 666, 1981, 1998],
        [6, "Venice", 324, 640, 1540,
        1718], [7, "Romania", 365, 360, 1950, 1998], [8, "Poland", 290, 255, 1918, 1945], [9, "Bolivia", 100, 101, 1950,
        1998], [10, "Greece", 350, 640, 1920, 1944], ["", "no code", "", 640, 1920, 1998],
    ])  # fmt: skip
    save(folder, "td.csv", "rivalryno,rivalryname,ccode1,ccode2,styear,endyear", [
        [1, "US-Russia", 2, 365, 1945, 2005], [2, "India", 770, 750, 1947, 2005], [3, "Koreas", 731, 732, 1948, 1999],
        [4, "China", 710, 2, 1996, 2000]])  # fmt: skip
    clashes = [
        # a, b, number, year, deaths, hostility, answered
        (2, 20, 1, 1979, 0, 4, 0), (2, 20, 2, 1980, 0, 4, 1), (2, 200, 3, 1977, 1, 4, 0), (2, 40, 4, 1976, 0, 4, 1),
        (2, 290, 5, 1975, 6, 5, 1), (2, 645, 6, 1980, 0, 5, 0), (2, 645, 7, 1978, 0, 4, 1), (40, 70, 8, 1980, -9, 4, 0),
        (40, 200, 9, 1980, -9, 4, 1), (40, 220, 10, 1980, 6, 3, 1), (2, 731, 11, 1976, 2, 4, 0),
        (2, 365, 12, 1979, 1, 4, 1), (255, 290, 13, 1945, 6, 5, 1), (270, 290, 14, 1944, 6, 5, 1),
        (100, 101, 15, 1980, 1, 5, 1), (345, 355, 16, 1992, 0, 4, 1), (220, 365, 17, 1985, 0, 4, 1),
        (220, 200, 18, 1984, 0, 4, 1), (310, 360, 19, 1989, 1, 4, 1), (310, 315, 20, 1990, 1, 4, 1),
    ]  # fmt: skip
    rows = both_ways([[a, b, number, year, 1, 1, dead, level, mutual]
                      for a, b, number, year, dead, level, mutual in clashes])  # fmt: skip
    save(folder, "gml.csv", GML, [[number, a, b, *rest] for a, b, number, *rest in rows])
    later = both_ways([[2, 710, 1, 1995, 1, 1, 1, 4, 0], [2, 645, 2, 1991, 1, 1, 0, 5, 1],
    [2, 345, 3, 1990, 1, 1, 9, 5, 1],
                       [2, 20, 4, 1979, 1, 1, 0, 4, 1]])  # fmt: skip
    save(folder, "mid.csv", COW_MID, [[number, a, b, *rest] for a, b, number, *rest in later])


def sanctions(folder: Path) -> None:
    """Cases whose end is known, seen or missing, on the day or beside it; every kind and body."""
    begun = {"sancimpositionstartmonth": 12, "sancimpositionstartday": 31}
    cases = [
        imposed(1, 1970, 2, 40, endyear=1980), imposed(2, 1970, 2, 290, endyear=1981, endmonth=1, endday=1),
        imposed(3, 1970, 2, 310, endyear=1980, endmonth=12, endday=31), imposed(4, 1970, 2, 315, endyear=1990),
        imposed(5, 1960, 2, 339, ongoingasofyear=1979), imposed(6, 1960, 2, 345, ongoingasofyear=1980),
        imposed(7, 1960, 2, 355, ongoingasofyear=1990), imposed(8, 1979, 2, 360, sanctiontype=2),
        imposed(9, 1978, 2, 375, **begun), imposed(10, 1980, 2, 645, **begun), imposed(11, 1981, 2, 651),
        imposed(12, 1979, 365, 710, sanctiontype="3 4", sancimpositionstartyear="1979, or later"),
        imposed(13, 1979, 365, 710, sanctiontype=7), imposed(14, 1979, 365, 740, sanctiontype=3),
        imposed(15, 1979, 365, 740, sanctiontype="2 6"), imposed(16, 1979, 365, 740, sanctiontype="6.0"),
        imposed(17, 1979, 1000, 731, sanctiontype=5), imposed(18, 1979, 2, 1000, sanctiontype=4),
        imposed(19, 1979, "", 670, sanctiontype=8, institutionid=1653),
        imposed(20, 1979, "", 666, sanctiontype=9, institutionid="1830 3450"),
        imposed(21, 1979, "", 713, sanctiontype=10, institutionid=4400), imposed(22, 1979, 770, 40, institutionid=3900),
        imposed(23, 1979, "", 816, institutionid=3700), imposed(24, 1979, "", 770, institutionid="3760 99"),
        imposed(25, 1979, 2, 20, imposition=0), imposed(26, 1979, 2, 20, issue1=12), imposed(27, 1979, 2, 20,
        issue1=13),
        imposed(28, 1979, 2, 20, issue1=14, issue2=15), imposed(29, 1979, 2, 70, issue1=13, issue3=11),
        imposed(30, 1979, 200, 70, issue1="12 1", sender2=220, sender3=260, sender4=740, sender5=2, sanctiontype=6),
        imposed(31, 1979, 2, 200, sancimpositionstartyear="", sanctiontype="", endyear="1990, 1992"),
        imposed(32, 1979, 2, ""), imposed(33, 1979, 2, 220, sancimpositionstartyear="never"),
        imposed(34, 1945, 2, 255, endyear=1946), imposed(35, 1990, 365, 2, ongoingasofyear=1990),
        imposed(36, 1990, 710, 713, endmonth="?", endyear=1999), imposed(37, 1990, 710, 740, endyear="2000, perhaps"),
        imposed(38, 1989, 365, 770), imposed(39, 1988, 365, 200, endyear=1990, endmonth=10, endday="?"),
    ]  # fmt: skip
    save(folder, "ties.csv", TIES, cases)


def trade(folder: Path) -> None:
    """Flows in millions; a product of 100 + code / 1000 thousand millions makes what is small."""
    planned = (40, 265, 290, 310, 315, 339, 345, 355, 360, 365, 710, 712, 731, 816)
    rows: list[list[Any]] = [[a, b, 1980, 0, 0] for a, b in pairwise(planned)]
    rows += [[a, b, 1992, 0, 0] for a, b in ((365, 710), (290, 365))]
    rows += [
        [2, 20, 1980, 70_000, 40_000], [20, 2, 1980, 40_000, 70_000], [2, 40, 1980, 0, 0], [2, 70, 1980, -9, 500],
        [2, 200, 1980, -9, -9], [220, 2, 1980, 200, ""], [2, 365, 1980, 140, 100], [20, 220, 1980, 60, 60],
        [20, 200, 1980, 60, 59.9], [40, 200, 1980, 1, 139], [70, 200, 1980, 100, 69.999], [731, 2, 1980, 800, 1],
        [731, 731, 1980, 5, 5], [740, 740, 1980, 7, 7], [40, 20, 1980, 0, 0], [40, 365, 1980, 0, 9000],
        [20, 40, 1980, 0, 0],
        [2, 20, 1945, 1, 1], [2, 20, 1944, 1, 1], [100, 101, 1980, 9, 9], [2, 20, 1989, 9000, 9000],
        [200, 220, 1989, 700, 0],
        [2, 365, 1992, 900, 900], [20, 2, 1992, 5000, 5000], ["", 2, 1980, 5, 5], [2, 345, 1980, 300, 300],
        [2, 310, 1980, 1, 1], [2, 710, 1980, 5000, 5000], [20, 710, 1980, 200, 100],
    ]  # fmt: skip
    save(folder, "trade.csv", TRADE, [[*row, 0, 0] for row in rows])


def organisations(folder: Path) -> None:
    """Full members (1), associates, observers, no states and missing; Germany is listed before it is one state."""
    rows = []
    columns = IGO.split(",")[3:]
    members = {
        "nato": [2, 20, 200, 220, 260, 640], "un": [*CODES], "eec": [200, 220, 260, 255], "oas": [2, 70, 40],
        "loas": [645, 651, 652, 670], "asean": [850], "gcc": [670], "nam": [40, 651, 345], "oecd": [2, 20],
        "wpact": [365],
        "oau": [651], "eu": [200, 220, 255], "cis": [365, 290], "csto": [365], "au": [651, 670],
    }  # fmt: skip
    other = {("oecd", 345): 2, ("oecd", 375): 3, ("nato", 740): -1, ("asean", 816): -9, ("oecd", 740): ""}
    for year in (1945, 1980, 1989, 1995):
        rows += [[code, year, "x", *(other.get((column, code), int(code in members[column])) for column in columns)]
                 for code in CODES]  # fmt: skip
    save(folder, "igo.csv", IGO, [*rows, rows[0], [2, 1944, "x", *[0] * len(columns)]])


def record(folder: Path) -> None:
    """Ideal points and 22 roll calls of one year, one of which divides the states least."""
    points = {2: 2.0, 365: -2.0, 20: 1.4, 40: -2.2, 70: 0.0, 200: 0.7, 220: 2 / 3, 290: -1.9, 345: -0.7, 375: -0.1,
              710: -0.6, 740: 1.0, 651: -0.65}  # fmt: skip
    rows = [[code, "X", "n", year, 1, value, {740: 9, 375: 10}.get(code, "" if code == 70 else 60)]
            for code, value in points.items() for year in (1979, 1980, 1985, 1986, 1999)]  # fmt: skip
    save(
        folder, "ideal.csv", POINTS, [*rows, rows[0], [666, "X", "n", 1980, 1, "", 60], ["", "X", "n", 1980, 1, 1, 60]]
    )
    cast = {2: 3, 365: 1, 20: 2, 40: 1, 70: 1, 200: 8, 220: 3, 255: 9, 713: 9, 710: 1, 101: 3, 740: 3}
    votes: list[list[Any]] = []
    for call in range(1, 23):
        answers = cast | ({40: 8, 70: 2, 710: 8} if call == 7 else {70: 3} if call == 9 else {})
        votes += [[call, code, 1, answer, f"1980-11-{call:02}", "" if call == 3 else f"Question {call}", f"R/35/{call}"]
                  for code, answer in answers.items()]  # fmt: skip
    rest = [[30, 2, 1, 1, "1985-12-31", "Last", ""], [30, 365, 1, 3, "1985-12-31", "Last", ""],
            [31, 2, 1, 1, "1986-01-01", "Too late", ""], [32, 2, 1, 1, "1979-12-31", "Too early", ""],
            [33, 2, 1, 1, "1984-05-01", "", ""], [33, 20, 1, 1, "1984-05-01", "", ""],
            [34, 101, 1, 3, "1983-01-01", "x", ""],
            [35, 2, 1, 1, "", "no day", ""], ["", 2, 1, 1, "1980-01-01", "no call", ""]]  # fmt: skip
    save(folder, "votes.csv", VOTES, [*votes, votes[0], *rest])


def deliveries(folder: Path) -> None:
    """Five years of arms, with parties that are no states and codes of other states than the name's."""
    save(folder, "arms.csv", ARMS, [
        ["Soviet Union", "Cuba", 1976, 30, 365, 40], ["Soviet Union", "Cuba", 1980, 20, 365, 40],
        ["United States", "Cuba", 1980, 50, 2, 40], ["Soviet Union", "Egypt", 1975, 900, 365, 651],
        ["Soviet Union", "Egypt", 1981, 900, 365, 651], ["United States", "Egypt", 1980, 49, 2, 651],
        ["United Kingdom", "Iraq", 1978, 20, 200, 645], ["France", "Iraq", 1979, 80, 220, 645],
        ["China", "North Korea", 1979, 0, 710, 731], ["China", "Viet Minh (France)*", 1979, 500, 710, 220],
        ["United States", "Japan", 1979, 100, 2, 740], ["United States", "Israel", 1979, 300, 2, 666],
        ["United States", "Canada", 1979, 300, 2, 20], ["Japan", "United States", 1979, 60, 740, 2],
        ["Poland", "Poland", 1979, 60, 290, 290], ["France", "Syria", 1979, 60, 220, 652],
        ["United States", "Yugoslavia", 1979, 60, 2, ""], ["China", "Taiwan", 1979, 60, 710, 710],
        ["Unknown", "Taiwan", 1979, 60, "", 713], ["United States", "Taiwan", "", 60, 2, 713],
        ["Soviet Union", "Finland", 1979, 19, 365, 375], ["United Kingdom", "Finland", 1979, 1, 200, 375],
        ["Soviet Union", "Yugoslavia", 1979, 70, 365, 345], ["Russia", "Iraq", 1999, 60, 365, 645],
        ["United Kingdom", "Mexico", 1985, 30, 200, 70], ["France", "United Kingdom", 1989, 60, 220, 200],
    ])  # fmt: skip


def first_folder(folder: Path) -> Path:
    """Every role, from 1945 on; some datasets end before 1999."""
    for part in (lists_of_states, amounts, treaties, hostility, sanctions, trade, organisations, record, deliveries):
        part(folder)
    (folder / "readme.txt").write_text("about,these\nfiles,1\n", "utf-8")
    return folder


def second_folder(folder: Path) -> Path:
    """Other forms of the datasets, and the Global Sanctions Data Base; the project's own list says who exists."""
    large = [2, 365, 20, 200, 710, 290, 220, 310, 40, 255, 70, 630, 740, 620, 651, 390]
    known = sorted({one.cow for one in crosswalk()} - {*large})
    save(folder, "nmc.csv", NMC, [
        [code, year, 1, 1, 1, 1, 1, 1, f"{1 / (n + 10):.6f}"] for year in (1945, 1946, 2014)
        for n, code in enumerate([*large, *known]) if n % 8 != 7
    ])  # fmt: skip
    header = "ddyad,year,stateA,stateB,atopally,defense,offense,neutral,nonagg,consul"
    pairs = [(2, 20), (200, 365), (2, 70), (220, 255), (310, 220), (365, 290)]
    save(folder, "atop5_1ddyr.csv", header, [
        [1, year, a, b, 1, int((a, b) != (365, 290)), 0, 0, 0, 1] for year in (1945, 1946, 1947, 2014)
        for a, b in [*pairs, *((b, a) for a, b in pairs)]
    ])  # fmt: skip
    begun = [
        [1, "Cuba", "United States", 1945, 1950], [2, "Poland, Hungary", "United States, United Kingdom", 1946, 1946],
        [3, "Egypt, Arab Rep.", "EU", 1990, 2015], [4, "Russia", "EU, United States", 2014, 2022],
        [5, "Cuba", "OAS, Canada", 1964, 2014], [6, "Iran", "UN", 1980, 2022], [7, "Libya", "CoCom", 1992, 2022],
        [8, "Canada", "Mexico", 2010, 2013], [9, "China, Canada", "USSR, CoCom", 2014, 2014],
        [10, "Japan", "NATO", 2014, 2020],
        [11, "Mexico", "Canada", 2015, 2022], [12, "EU", "Russia", 2014, 2016], ["", "Cuba", "Canada", "", 2000],
    ]  # fmt: skip
    kinds = ["exp_compl,imp_compl", "exp_part", "", "exp_compl", "imp_compl", ""]
    save(folder, "gsdb.csv", GSDB, [
        [*case, int(n % 3 < 2), kinds[n % 6], 0, 0, int(n % 4 == 2), 0, 0, "", "ongoing" if n == 7 else "failed"]
        for n, case in enumerate(begun)
    ])  # fmt: skip
    save(folder, "trade.csv", TRADE, [
        [2, 20, 1946, 10, 20, 0, 0], [365, 290, 1946, 0, 0, 0, 0], [2, 200, 1946, 5, 5, 0, 0],
        [2, 710, 2014, 9e5, 9e5, 0, 0]
    ])  # fmt: skip
    save(folder, "gdp.csv", PRODUCT, [
        [code, year, 9, 400_000 if code == 2 else 40_000, 50] for year in (1946, 2014) for code in (2, 20, 200, 365,
        710)
    ])  # fmt: skip
    save(folder, "igo.csv", IGO, [
        [code, year, "x", int(code in (2, 20, 200, 220)), 1, 0, int(code in (200, 220, 255)), *[0] * 4, *[-1] * 6,
         int(code in (20, 200)), -1] for year in (1946, 2014) for code in (2, 20, 40, 200, 220, 255, 365)
    ])  # fmt: skip
    save(folder, "sipri.csv", "supplier,recipient,year,tiv", [
        ["United States", "China", 1945, 40], ["United States", "China", 1946, 40], ["Russia", "China", 2010, 60],
        ["Russia", "Cuba", 2009, 99], ["Russia", "Vietnam", 2014, ""]])  # fmt: skip
    save(folder, "un_votes.csv", "rcid,session,member,vote,ccode", [
        [call, session, 1, answer, code] for call, session in ((1, 1), (2, 69), (3, 68))
        for code, answer in ((2, 3), (365, 1), (20, 2), (200, 8), (710, 9))
    ])  # fmt: skip
    save(folder, "ideal.csv", "ccode,year,idealpoint", [[code, year, value] for year in (1946, 2014) for code, value in
                                                       ((2, 1.5), (365, -1.5), (200, 0.5), (20, 0.45),
                                                       (710, -0.55))])  # fmt: skip
    return folder
