"""Adapters of sanctions: TIES and the Global Sanctions Data Base."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING, Any

from sim.data.adapters.base import MOST_KEY, Dataset, Form, drop_missing_keys, require_year_numbers
from sim.data.codes import known_codes, known_groups, names_of_states, split_names
from sim.data.journal import Journal
from sim.data.readers.raw import is_missing
from sim.errors import Fault, InputError, quote

if TYPE_CHECKING:
    import pandas as pd

EUROPEAN_UNION = 1000  # a sender or target in TIES
BODIES = {1653: "eu", 1830: "eu", 4400: "un", 3700: "nato", 3900: "oas", 3450: "arab_league", 3760: "oau"}  # of TIES
TRADE_PRACTICES = 13
ECONOMIC = frozenset({12, TRADE_PRACTICES, 14, 15})  # issues: environment, trade practices, economic reform, other
EMBARGO, BLOCKADE = 1, 5
MOST_CODES = {"kinds": 10, "issue1": 15, "issue2": 15, "issue3": 15}  # of the codebook
BROAD = frozenset({2, 6})  # partial embargo, asset freeze
GOODS = frozenset({3, 4})  # import and export restriction


def list_codes(cell: Any) -> list[int]:
    """Codes in a cell that may have several, such as `1 2 4`, `1990, 1992` or 2.0."""
    if is_missing(cell):
        return []
    return [int(min(float(code), MOST_KEY)) for code in re.findall(r"\d+(?:\.0+)?", str(cell))]


def first_year_of_case(cell: Any) -> int | None:
    """The first year in a cell that may have words beside it."""
    found = [code for code in list_codes(cell) if 1900 <= code <= 2100]
    return found[0] if found else None


def has_words(cell: str) -> bool:
    """Return whether a cell has more than a number, or a sign for a missing value; cells of CSV files are texts."""
    return not is_missing(cell) and re.fullmatch(r"\s*-?\d+(\.0*)?\s*", cell) is None


def kind_level(kinds: list[int]) -> str:
    """Level of the scale of sanctions for the kinds of one case in TIES."""
    if EMBARGO in kinds or BLOCKADE in kinds:
        return "comprehensive"
    return "sectoral" if BROAD & {*kinds} or {*kinds} >= GOODS else "targeted"


def bodies_of(codes: list[int], senders: list[int]) -> tuple[str, ...]:
    """Bodies that impose a case, the European Union also where it is coded as a sender."""
    named = [BODIES[code] for code in codes if code in BODIES]
    return tuple(dict.fromkeys(named + ["eu"] * (EUROPEAN_UNION in senders)))


def day_of(year: int, month: Any, day: Any, *, last: bool) -> date:
    """A day of a year; where month or day is missing or a question mark, the first or the last that it can be."""
    number = next(iter(list_codes(month)), 0)
    number = number if 1 <= number <= 12 else (12 if last else 1)
    most = monthrange(year, number)[1]
    found = next(iter(list_codes(day)), 0)
    return date(year, number, min(found, most) if found >= 1 else (most if last else 1))


def tidy_ties(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy cases of TIES: those that were imposed and are about more than trade, with dates, kinds and bodies."""
    import pandas as pd

    require_listed_codes(frame, file)
    imposed = frame[frame["imposed"] == 1]
    why = "a threat is not a sanction"
    journal.note("threats dropped", dataset.id, len(frame), len(imposed), why)
    issues = {
        line: {*(code for part in cells for code in list_codes(part))}
        for line, *cells in imposed[["issue1", "issue2", "issue3"]].itertuples()
    }
    political = imposed[[bool(issues[line] - ECONOMIC) for line in imposed.index]]
    practices = sum(TRADE_PRACTICES in issues[line] for line in imposed.index)
    why = (
        f"a quarrel over trade, the environment or reform is not hostility; {practices} cases are over trade practices"
    )
    journal.note("trade quarrels dropped", dataset.id, len(imposed), len(political), why)
    rows = []
    faults = []
    several = wordy = 0
    for line, case in political.iterrows():
        year = first_year_of_case(case["start_year"]) or first_year_of_case(case["case_year"])
        wordy += isinstance(case["start_year"], str) and has_words(case["start_year"])
        target, kinds, bodies = list_codes(case["target"]), list_codes(case["kinds"]), list_codes(case["bodies"])
        several += len(kinds) > 1 or len(bodies) > 1
        senders = [int(case[f"sender{n}"]) for n in range(1, 6) if not is_missing(case[f"sender{n}"])]
        for column, codes in (("targetstate", target), ("sender", senders)):
            for code in codes:
                if code not in known_codes() and code != EUROPEAN_UNION:
                    faults.append(Fault(file, int(line), column, f"{code} is the code of no state since 1945"))
        if year is None or not target:
            continue
        ended, seen = first_year_of_case(case["end_year"]), first_year_of_case(case["seen_year"])
        rows.append({
            "begun": first_year_of_case(case["case_year"]) or year,
            "start": day_of(year, case["start_month"], case["start_day"], last=False),
            "end": None if ended is None else day_of(ended, case["end_month"], case["end_day"], last=True),
            "seen": None if seen is None else date(seen, 12, 31),
            "senders": tuple(code for code in senders if code != EUROPEAN_UNION),
            "bodies": bodies_of(bodies, senders),
            "target": target[0], "level": kind_level(kinds), "line": int(line),
        })  # fmt: skip
    if faults:
        raise InputError(faults)
    why = "cells may have several codes, or words beside a year; all codes are read, and the first year"
    journal.note(
        "cells with several codes",
        dataset.id,
        len(political),
        len(rows),
        why,
        f"{several} of kinds or bodies, {wordy} of years",
    )
    return pd.DataFrame(rows, columns=["begun", "start", "end", "seen", "senders", "bodies", "target", "level", "line"])


def require_listed_codes(frame: pd.DataFrame, file: str) -> None:
    """Refuse codes that the codebook has not, such as those of a list that a spreadsheet read as a date."""
    wrong = [
        Fault(
            file,
            int(line),
            column,
            f"{quote(cell)} has codes other than 1 to {most}; give the file as it was downloaded",
        )
        for column, most in MOST_CODES.items()
        for line, cell in frame[column].items()
        if not is_missing(cell) and not ({*list_codes(cell)} <= {*range(1, most + 1)} and list_codes(cell))
    ]
    if wrong:
        raise InputError(wrong)


TIES = Dataset(
    "ties", "sanctions", "Threat and Imposition of Economic Sanctions, version 4",
    "Morgan, T. Clifton; Bapat, Navin; Kobayashi, Yoshiharu", 2014, "https://sanctions.web.unc.edu/",
    "free with citation", "case", 2005, "sanctions by kind and by body",
    (Form(
        {"startyear": "case_year", "endmonth": "end_month", "endday": "end_day", "endyear": "end_year",
         "ongoingasofyear": "seen_year", "sender1": "sender1", "sender2": "sender2", "sender3": "sender3",
         "sender4": "sender4", "sender5": "sender5", "targetstate": "target", "institutionid": "bodies",
         "issue1": "issue1", "issue2": "issue2", "issue3": "issue3", "imposition": "imposed",
         "sancimpositionstartyear": "start_year", "sancimpositionstartmonth": "start_month",
         "sancimpositionstartday": "start_day", "sanctiontype": "kinds"},
        text=frozenset({"case_year", "start_year", "end_year", "seen_year", "kinds", "bodies", "issue1", "issue2",
                        "issue3", "target", "start_month", "start_day", "end_month", "end_day"}),
    ),), tidy_ties,
)  # fmt: skip


def tidy_gsdb(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy cases of the Global Sanctions Data Base: names in lists become codes, groups become bodies."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    faults = []
    frame = drop_missing_keys(frame, ("begin", "end"), journal, dataset, file)
    require_year_numbers(frame, ("begin", "end"), file)
    last = int(frame["end"].max())
    without = 0
    for line, case in frame.iterrows():
        parties: dict[str, tuple[list[int], list[str]]] = {}
        for side in ("sender", "target"):
            names, unknown = split_names(str(case[side]))
            faults += [
                Fault(
                    file, int(line), side, f"{quote(name)} is the name of no state or group; see `blocs import --list`"
                )
                for name in unknown
            ]
            codes = [names_of_states()[name] for name in names if name in names_of_states()]
            groups = [known_groups()[name] for name in names if name in known_groups()]
            without += any(not group for group in groups)
            parties[side] = codes, [group for group in groups if group]
        ongoing = case["end"] == last or "ongoing" in str(case.get("success", "")).casefold()
        for target in [*parties["target"][0], *parties["target"][1]]:
            rows.append({
                "begun": case["begin"],
                "start": date(case["begin"], 12, 31),
                "end": None if ongoing else date(case["end"], 12, 31),
                "seen": date(last, 12, 31) if ongoing else None,
                "senders": tuple(parties["sender"][0]), "bodies": tuple(parties["sender"][1]),
                "target": target, "level": gsdb_level(case), "line": int(line),
            })  # fmt: skip
    if faults:
        raise InputError(faults)
    why = "cells list names, and a comma may be part of a name; a case has a row for each target"
    journal.note("names split", dataset.id, len(frame), len(rows), why)
    if without:
        journal.note(
            "groups without members",
            dataset.id,
            len(frame),
            len(frame) - without,
            "the project has no list of their members",
        )
    why = f"an end in {last}, the last year, or marked ongoing, means that it goes on"
    journal.note("end of the list", dataset.id, len(rows), len(rows), why)
    why = "the data have years only, so a case counts from 31 December of its first year to that of its last"
    journal.note("years only", dataset.id, len(rows), len(rows), why)
    return pd.DataFrame(rows, columns=["begun", "start", "end", "seen", "senders", "bodies", "target", "level", "line"])


def gsdb_level(case: Any) -> str:
    """Level of the scale of sanctions for a case of the Global Sanctions Data Base."""
    described = str(case.get("trade_kinds", "")).casefold()
    if case["trade"] == 1 and "exp_compl" in described and "imp_compl" in described:
        return "comprehensive"
    return "sectoral" if case["trade"] == 1 or case["financial"] == 1 else "targeted"


GSDB = Dataset(
    "gsdb", "sanctions", "Global Sanctions Data Base",
    "Felbermayr, Gabriel; Kirilakha, Aleksandra; Syropoulos, Constantinos; Yalcin, Erdal; Yotov, Yoto V.", 2020,
    "https://www.globalsanctionsdatabase.com/", "on request; the project has no values of it", "case", 2022,
    "sanctions by kind and by body, after 2005 too",
    (Form(
        {"sanctioned_state": "target", "sanctioning_state": "sender", "begin": "begin", "end": "end", "trade": "trade",
         "financial": "financial"},
        {"descr_trade": "trade_kinds", "success": "success"},
        frozenset({"target", "sender", "trade_kinds", "success"}),
    ),), tidy_gsdb,
)  # fmt: skip
