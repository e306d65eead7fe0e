"""Adapters of strategic rivalries and militarised disputes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.data.adapters.base import (
    Dataset,
    Form,
    drop_missing_keys,
    require_codes,
    require_mirrors,
    require_year_numbers,
)
from sim.data.journal import Journal

if TYPE_CHECKING:
    import pandas as pd


UNITED_YEMEN, SOUTH_YEMEN = 679, 680


def tidy_rivalries(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy spells of rivalries since 1945; the last year of the list does not end them."""
    frame = drop_missing_keys(frame, ("a", "b", "start", "end"), journal, dataset, file)
    require_year_numbers(frame, ("start", "end"), file)
    last = int(frame["end"].max())
    censored = frame["end"] == last
    why = f"{last} is the last year of the list, not the end of the rivalry"
    journal.note("end of the list", dataset.id, len(frame), len(frame), why, str(frame["name"][censored].iloc[0]))
    recent = frame[frame["end"] >= 1945]
    require_codes(recent, ("a", "b"), file)
    journal.note("ended before 1945", dataset.id, len(frame), len(recent), "no world is as old")
    recent = name_south_yemen(recent, journal, dataset)
    low, high = recent[["a", "b"]].min(axis=1), recent[["a", "b"]].max(axis=1)
    return recent.assign(a=low, b=high, open=recent["end"] == last)[["a", "b", "start", "end", "open"]]


def name_south_yemen(frame: pd.DataFrame, journal: Journal, dataset: Dataset) -> pd.DataFrame:
    """Give rivalries of South Yemen its own code where the list has united Yemen's, such as with Oman from 1967."""
    sides = frame[["a", "b"]]
    named = frame["name"].astype(str).str.contains(r"\b(?:S\.|South) Yemen", regex=True)
    wrong = named & sides.eq(UNITED_YEMEN).any(axis=1) & ~sides.eq(SOUTH_YEMEN).any(axis=1)
    if wrong.any():
        why = f"the code is {UNITED_YEMEN} of Yemen and the name South Yemen, which is {SOUTH_YEMEN}"
        name = str(frame["name"][wrong].iloc[0])
        journal.note("code and name differ", dataset.id, len(frame), len(frame), why, name)
    return frame.assign(**{side: frame[side].mask(wrong & frame[side].eq(UNITED_YEMEN), SOUTH_YEMEN) for side in sides})


def tidy_disputes(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy disputes of a pair and a year: once a pair, with fatality -9 as unknown."""
    require_codes(frame, ("a", "b"), file)
    frame = drop_missing_keys(frame, ("a", "b", "year", "dispute"), journal, dataset, file)
    frame = frame[frame["year"] >= 1945]
    require_mirrors(frame, ("year", "dispute"), file)
    unknown = frame["fatality"] < 0
    if unknown.any():
        why = "-9 deaths are unknown deaths, neither none nor negative"
        journal.note(
            "code for missing", dataset.id, len(frame), int((~unknown).sum()), why, f"line {frame.index[unknown][0]}"
        )
    low, high = frame[["a", "b"]].min(axis=1), frame[["a", "b"]].max(axis=1)
    frame = frame.assign(a=low, b=high, fatality=frame["fatality"].mask(unknown))
    keys = ["dispute", "a", "b", "year"]
    found = frame.groupby(keys)[["hostility", "fatality", "reciprocated"]].max().reset_index()
    journal.note(
        "directions joined", dataset.id, len(frame), len(found), "both directions are listed; a dispute counts once"
    )
    return found


NAMED = frozenset({"name"})

TSS = Dataset(
    "tss_rivalries", "rivalries", "Strategic rivalries, 1494-2020",
    "Thompson, William R.; Sakuwa, Kentaro; Suhas, Prashant Hosur", 2021, "https://doi.org/10.1093/oso/9780197599280.001.0001",
    "free with citation", "spell", 2020, "rivalries that states themselves perceive",
    (Form({"ccode1": "a", "ccode2": "b", "rivalry": "name", "start": "start", "end": "end"}, text=NAMED),),
    tidy_rivalries,
)  # fmt: skip

TD = Dataset(
    "td_rivalries", "rivalries", "Strategic rivalries, 1494-2010", "Thompson, William R.; Dreyer, David", 2012,
    "https://doi.org/10.4135/9781452276137", "free with citation", "spell", 2010,
    "rivalries that states themselves perceive",
    (Form({"ccode1": "a", "ccode2": "b", "rivalryname": "name", "styear": "start", "endyear": "end"}, text=NAMED),),
    tidy_rivalries,
)  # fmt: skip

DISPUTE = {
    "ccode1": "a", "ccode2": "b", "year": "year", "dispnum": "dispute", "hostlev": "hostility", "fatality": "fatality",
    "recip": "reciprocated",
}  # fmt: skip

GML = Dataset(
    "gml_disputes", "disputes", "Militarised disputes, version 2.2.1 of Gibler, Miller and Little",
    "Gibler, Douglas M.; Miller, Steven V.; Little, Erin K.", 2016, "https://svmiller.com/gml-mid-data/",
    "free with citation", "directed dyad-year", 2010, "hostility from clashes, beside perceived rivalries",
    (Form({**DISPUTE, "gmlmidongoing": "ongoing"}),), tidy_disputes,
)  # fmt: skip

COW_MID = Dataset(
    "cow_disputes", "disputes", "Militarised Interstate Disputes, version 5",
    "Palmer, Glenn; McManus, Roseanne W.; D'Orazio, Vito; and others; Correlates of War Project", 2020,
    "https://correlatesofwar.org/data-sets/mids/", "free with citation", "directed dyad-year", 2014,
    "hostility from clashes, beside perceived rivalries",
    (Form({**DISPUTE, "cowmidongoing": "ongoing"}),), tidy_disputes,
)  # fmt: skip
