"""Adapter of treaty obligations (ATOP)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset, Form, drop_missing_keys, require_codes, require_mirrors
from sim.data.journal import Journal

if TYPE_CHECKING:
    import pandas as pd

OBLIGATIONS = ("defence", "offence", "neutrality", "non_aggression", "consultation")


def tidy_alliances(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy obligations of a pair and a year: an obligation of either side, once a pair."""
    require_codes(frame, ("a", "b"), file)
    frame = drop_missing_keys(frame, ("a", "b", "year"), journal, dataset, file)
    frame = frame[frame["year"] >= 1945].drop_duplicates()
    require_mirrors(frame, ("year",), file)
    names = [name for name in OBLIGATIONS if name in frame]
    low, high = frame[["a", "b"]].min(axis=1), frame[["a", "b"]].max(axis=1)
    pairs = frame.assign(a=low, b=high).groupby(["a", "b", "year"], sort=True)[names]
    found = pairs.max()
    differ = found[(found["defence"] != pairs.min()["defence"])]
    why = "both directions are listed, and not always alike; an obligation of either side ties the pair"
    example = "" if differ.empty else "defence of {}-{} in {} is promised by one side only".format(*differ.index[0])
    journal.note("directions joined", dataset.id, len(frame), len(found), why, example)
    return found.reset_index()


PREFIXED = {
    "ccode1": "a", "ccode2": "b", "year": "year", "atop_defense": "defence", "atop_offense": "offence",
    "atop_neutral": "neutrality", "atop_nonagg": "non_aggression", "atop_consul": "consultation",
}  # fmt: skip

ORIGINAL = {
    "statea": "a", "stateb": "b", "year": "year", "defense": "defence", "offense": "offence",
    "neutral": "neutrality", "nonagg": "non_aggression", "consul": "consultation",
}  # fmt: skip

ATOP = Dataset(
    "atop", "alliances", "Alliance Treaty Obligations and Provisions",
    "Leeds, Brett Ashley; Ritter, Jeffrey M.; Mitchell, Sara McLaughlin; Long, Andrew G.", 2002,
    "http://www.atopdata.org/", "free with citation", "directed dyad-year", 2018,
    "bonds, and with them who starts in a leader's bloc",
    (Form(PREFIXED), Form(ORIGINAL)), tidy_alliances,
)  # fmt: skip
