"""Adapter of arms deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset, Form, drop_missing_keys
from sim.data.codes import known_codes, names_of_states
from sim.data.journal import Journal
from sim.data.readers.raw import is_missing

if TYPE_CHECKING:
    import pandas as pd

SMALL = 0.25  # what a 0 means in the middle: below half a million


def tidy_arms(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy deliveries of a supplier, a recipient and a year, between states; the name decides, not the code."""
    for side in ("supplier", "recipient"):
        named = [name_code(name) for name in frame[f"{side}_name"]]
        given = frame.get(side)
        frame[side] = named
        if given is not None:
            differ = frame.index[(given.notna() & frame[side].notna() & (given != frame[side])).to_numpy(bool)]
            wrong = frame.index[(given.notna() & frame[side].isna()).to_numpy(bool)]
            if len(differ) or len(wrong):
                line = [*wrong, *differ][0]
                why = "the code is that of another state than the name, such as France's for the Viet Minh"
                count = len(differ) + len(wrong)
                journal.note(
                    "code and name differ",
                    dataset.id,
                    len(frame),
                    len(frame) - count,
                    why,
                    f"line {line}: {frame.loc[line, f'{side}_name']}",
                )
    frame = frame.dropna(subset=["year", "value"])
    states = frame.dropna(subset=["supplier", "recipient"])
    why = "rebels, organisations and unknown parties are not states"
    gone = frame.loc[frame.index.difference(states.index)]
    example = (
        ""
        if gone.empty
        else f"line {gone.index[0]}: {gone['supplier_name'].iloc[0]} to {gone['recipient_name'].iloc[0]}"
    )
    journal.note("parties that are not states", dataset.id, len(frame), len(states), why, example)
    states = drop_missing_keys(states, ("supplier", "recipient", "year"), journal, dataset, file)
    zero = states["value"] == 0
    why = f"0 is a delivery below half a million, not none; it counts {SMALL}"
    journal.note("zero is a small delivery", dataset.id, len(states), len(states), why, f"{int(zero.sum())} rows")
    return states.assign(value=states["value"].mask(zero, SMALL))[["supplier", "recipient", "year", "value"]]


def name_code(name: object) -> float:
    """Code of a name; NaN for what is not a state."""
    if is_missing(name):
        return float("nan")
    code = names_of_states().get(str(name).strip().casefold())
    return float(code) if code in known_codes() else float("nan")


NAMES = frozenset({"supplier_name", "recipient_name"})

ARMS = Dataset(
    "sipri_arms", "arms", "Arms Transfers Database (a copy with codes)",
    "Stockholm International Peace Research Institute", 2022, "https://www.sipri.org/databases/armstransfers",
    "for your own use; reuse is restricted, and the project has no values of it", "supplier-recipient-year", 2021,
    "bonds by aid without a treaty, such as of Cuba and Israel",
    (
        Form({"supplier": "supplier_name", "recipient": "recipient_name", "year": "year", "value": "value"},
             {"supplier_cown": "supplier", "recipient_cown": "recipient"}, NAMES),
        Form({"supplier": "supplier_name", "recipient": "recipient_name", "year": "year", "tiv": "value"}, {}, NAMES),
    ), tidy_arms,
)  # fmt: skip
