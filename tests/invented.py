"""Invented rows of the field's datasets: the columns are theirs, the values are ours."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sim.data import ImportedWorld, import_world
from sim.data.journal import Applied

Rows = Iterable[Sequence[Any]]

SPELLS = {
    2: ("United States", (1816, 1, 1)), 20: ("Canada", (1920, 1, 10)), 40: ("Cuba", (1909, 1, 23)),
    70: ("Mexico", (1831, 1, 1)), 200: ("United Kingdom", (1816, 1, 1)), 260: ("West Germany", (1955, 5, 5)),
    265: ("East Germany", (1954, 3, 25)), 290: ("Poland", (1945, 6, 28)), 345: ("Yugoslavia", (1944, 10, 20)),
    365: ("Russia", (1816, 1, 1)), 375: ("Finland", (1917, 12, 6)), 645: ("Iraq", (1932, 10, 3)),
    651: ("Egypt", (1937, 5, 26)), 666: ("Israel", (1948, 5, 14)), 710: ("China", (1860, 10, 25)),
    713: ("Taiwan", (1949, 12, 8)), 731: ("North Korea", (1948, 9, 9)), 740: ("Japan", (1952, 4, 28)),
}  # fmt: skip
ENDS = {260: (1990, 10, 2), 265: (1990, 10, 2)}
LIST_END = (2016, 12, 31)

STATES = "stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday,version"
NMC = "ccode,year,milex,milper,irst,pec,tpop,upop,cinc"
ATOP = "ccode1,ccode2,year,atop_defense,atop_offense,atop_neutral,atop_nonagg,atop_consul"
TSS = "tssr_id,rivalry,ccode1,ccode2,start,end"
GML = "dispnum,ccode1,ccode2,year,gmlmidongoing,gmlmidonset,fatality,hostlev,recip"
COW_MID = "dispnum,ccode1,ccode2,year,cowmidongoing,cowmidonset,fatality,hostlev,recip"
TRADE = "ccode1,ccode2,year,flow1,flow2,smoothflow1,smoothflow2"
IGO = "ccode,year,state,nato,un,eec,eu,oas,cmea,wpact,wto,sco,loas"
PRODUCT = "ccode,year,mrgdppc,pwtrgdp,pwtpop"
REGIMES = "ccode,year,euds,polity2,v2x_polyarchy"
POINTS = "ccode,iso3c,Countryname,year,IdealPointFP,IdealPointAll,NVotesAll"
VOTES = "rcid,ccode,member,vote,Country,date,short"
ARMS = "supplier,recipient,year,value,supplier_cown,recipient_cown"
GSDB = (
    "case_id,sanctioned_state,sanctioning_state,begin,end,trade,descr_trade,arms,military,financial,travel,other,"
    "objective,success"
)
TIES = (
    "caseid,startyear,endmonth,endday,endyear,ongoingasofyear,sender1,sender2,sender3,sender4,sender5,targetstate,"
    "institutionid,issue1,issue2,issue3,imposition,sancimpositionstartyear,sancimpositionstartmonth,"
    "sancimpositionstartday,sanctiontype"
)


def save(folder: Path, name: str, header: str, rows: Rows) -> Path:
    """Write a CSV file as the datasets come."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return path


def spell_rows(extra: Rows = (), skip: Iterable[int] = ()) -> list[list[Any]]:
    """Rows of the list of states."""
    rows = [
        ["XXX", code, name, *start, *ENDS.get(code, LIST_END), 2016]
        for code, (name, start) in SPELLS.items()
        if code not in {*skip}
    ]
    return [*rows, *map(list, extra)]


def base(folder: Path, year: int, *, states: Rows = (), skip: Iterable[int] = (), nmc: Rows = ()) -> Path:
    """A folder with states and capabilities of a year; `nmc` are further rows."""
    listed = spell_rows(states, skip)
    save(folder, "states2016.csv", STATES, listed)
    codes = dict.fromkeys(row[1] for row in listed)
    rows = [[code, year, -9, 1, 1, 1, 1, 1, f"{0.2 / (n + 2):.6f}"] for n, code in enumerate(codes)]
    save(folder, "NMC-70.csv", NMC, [*rows, *nmc])
    return folder


def imposed(case: int, start: int, sender: Any, target: Any, **cells: Any) -> list[Any]:
    """A row of TIES: an imposed political case, unless cells say otherwise."""
    values = {
        "caseid": case, "startyear": start, "sender1": sender, "targetstate": target, "issue1": 2, "imposition": 1,
        "sancimpositionstartyear": start, "sancimpositionstartmonth": 3, "sancimpositionstartday": 1, "sanctiontype": 1,
    } | cells  # fmt: skip
    return [values.get(column, "") for column in TIES.split(",")]


def world_of(folder: Path, year: int | str, **options: Any) -> ImportedWorld:
    """The world of a year, with all states."""
    return import_world(year, folder, **{"states": None, **options})


def ties(world: ImportedWorld, kind: str) -> dict[str, str]:
    """Values of the ties of a kind by `A-B`."""
    rows = world.ties[world.ties["kind"] == kind]
    return {f"{a}-{b}": value for a, b, value in zip(rows["a"], rows["b"], rows["value"], strict=True)}


def starts(world: ImportedWorld) -> dict[str, str]:
    """Start of each state."""
    return dict(zip(world.states["id"], world.states["initial"], strict=True))


def rule(world: ImportedWorld, name: str, dataset: str = "") -> Applied:
    """The first entry of the journal with this rule."""
    return next(e for e in world.journal.entries if e.rule == name and dataset in ("", e.dataset))


def both_ways(rows: Rows) -> list[list[Any]]:
    """Directed rows: each pair in both directions with the same values."""
    return [row for a, b, *rest in rows for row in ([a, b, *rest], [b, a, *rest])]
