"""Adapters of the lists of states."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset, Form, drop_missing_keys
from sim.data.journal import Journal
from sim.data.readers.raw import is_missing
from sim.errors import Fault, InputError, quote

if TYPE_CHECKING:
    import pandas as pd

DATE_OF_R = date(1970, 1, 1)


def tidy_spells(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy spells of states; the last day of the list does not end them."""
    faults = []
    for part in ("start", "end"):
        days: list[date | None] = []
        for line, row in zip(
            frame.index, frame[[f"{part}_{unit}" for unit in ("year", "month", "day")]].to_numpy(), strict=True
        ):
            try:
                days.append(date(*(int(cell) for cell in row)))
            except (ValueError, OverflowError):
                days.append(None)
                faults.append(Fault(file, int(line), part, "the year, month and day are not a date"))
        frame[part] = days
    if faults:
        raise InputError(faults)
    frame = drop_missing_keys(frame[["cow", "name", "start", "end"]], ("cow",), journal, dataset, file)
    return without_censoring(frame, journal, dataset)


def without_censoring(frame: pd.DataFrame, journal: Journal, dataset: Dataset) -> pd.DataFrame:
    """Mark spells that end on the last day of the list as not ended."""
    last = frame["end"].max()
    open_ = frame["end"] == last
    why = f"{last} is the last day of the list, not the end of the states"
    example = str(frame.loc[open_, "name"].iloc[0])
    journal.note("end of the list", dataset.id, len(frame), len(frame), why, example)
    return frame.assign(end=frame["end"].mask(open_, date.max))


def tidy_gw(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy the list of Gleditsch and Ward, with dates as text, as days since 1970 or as dates."""
    for part in ("start", "end"):
        wrong = [(line, value) for line, value in frame[part].items() if read_date(value) is None]
        if wrong:
            message = "is not a date as the list writes it, such as 31:12:2017; give the file as it was downloaded"
            raise InputError([Fault(file, int(line), part, f"{quote(value)} {message}") for line, value in wrong])
        frame[part] = [read_date(value) for value in frame[part]]
    return without_censoring(drop_missing_keys(frame, ("gw",), journal, dataset, file), journal, dataset)


def read_date(value: object) -> date | None:
    """A day as the list's files write it; None if it is none."""
    if is_missing(value):
        return None
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    text = str(value).strip()
    found = re.fullmatch(r"(\d{1,2}):(\d{1,2}):(\d{4})", text)  # with a slash or a dot, the order is a spreadsheet's
    try:
        if re.fullmatch(r"-?\d+(\.0)?", text):
            return DATE_OF_R + timedelta(days=int(float(text)))
        return date(int(found[3]), int(found[2]), int(found[1])) if found else date.fromisoformat(text[:10])
    except (ValueError, OverflowError):
        return None


COW_STATES = Dataset(
    "cow_states", "states", "State System Membership List", "Correlates of War Project", 2017,
    "https://correlatesofwar.org/data-sets/state-system-membership/", "free with citation", "spell", 2016,
    "which states exist on the day; without it the project's own table says so",
    (Form(
        {"ccode": "cow", "statenme": "name", "styear": "start_year", "stmonth": "start_month", "stday": "start_day",
         "endyear": "end_year", "endmonth": "end_month", "endday": "end_day"},
        text=frozenset({"name"}),
    ),), tidy_spells,
)  # fmt: skip

GW_TEXT = frozenset({"name", "start", "end"})

GW_STATES = Dataset(
    "gw_states", "states_gw", "List of independent states",
    "Gleditsch, Kristian Skrede; Ward, Michael D.", 1999, "http://ksgleditsch.com/statelist.html",
    "free with citation", "spell", 2017,
    "states of the other list that the first one lacks, named in the log",
    (
        Form({"gwcode": "gw", "statename": "name", "startdate": "start", "enddate": "end"}, text=GW_TEXT),
        Form(
            {"column1": "gw", "column3": "name", "column4": "start", "column5": "end"}, text=GW_TEXT,
        ),
    ), tidy_gw,
)  # fmt: skip
