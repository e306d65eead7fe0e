"""Adapters of yearly values of a state: capabilities, product, regimes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset, Form, drop_doubled, drop_missing_keys, require_codes
from sim.data.journal import Journal

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("cow", "year")


def tidy_yearly(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy rows of a state and a year: one each, with known codes."""
    require_codes(frame, ("cow",), file)
    kept = drop_missing_keys(frame, KEYS, journal, dataset, file)
    return drop_doubled(kept, KEYS, journal, dataset, file)


def tidy_capabilities(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy capabilities: the composite index, with -9 as missing."""
    kept = tidy_yearly(frame, journal, dataset, file)
    return mark_missing(kept, "capability", journal, dataset)


def mark_missing(frame: pd.DataFrame, column: str, journal: Journal, dataset: Dataset) -> pd.DataFrame:
    """Replace negative values, which are codes for missing, by NaN."""
    wrong = frame[column] < 0
    if wrong.any():
        known = int((~wrong).sum())
        why = "negative values such as -9 are codes for missing, not amounts"
        journal.note("code for missing", dataset.id, len(frame), known, why, f"line {frame.index[wrong][0]}")
    return frame.assign(**{column: frame[column].mask(wrong)})


def tidy_polity(frame: pd.DataFrame, journal: Journal, dataset: Dataset, file: str) -> pd.DataFrame:
    """Tidy Polity: its own codes become those of the list of states, and -10 to 10 becomes 0 to 1."""
    own = {364: 365, 342: 345, 347: 345, 818: 816, 769: 770, 626: 625, 525: 626, 529: 530, 341: 347, 348: 341}
    recent = frame["year"] >= 1945
    swapped = frame["cow"].where(~recent, frame["cow"].replace(own))
    changed = int((swapped != frame["cow"]).sum())
    if changed:
        why = "Polity has its own codes for the Soviet Union, Serbia, united Vietnam and others"
        journal.note("code translated", dataset.id, changed, changed, why)
    frame = frame.assign(cow=swapped)
    require_codes(frame, ("cow",), file)
    kept = drop_missing_keys(frame, KEYS, journal, dataset, file)
    last = kept.drop_duplicates([*KEYS], keep="last")
    if len(last) < len(kept):
        why = "a year of change has two rows; the later one is that of 31 December"
        journal.note("two rows of one year", dataset.id, len(kept), len(last), why)
    score = last["polity2"].where(last["polity2"].between(-10, 10))
    why = "(polity2 + 10) / 20 is a substitute for polyarchy"
    journal.note("substitute for polyarchy", dataset.id, len(last), int(score.notna().sum()), why)
    return last.assign(polyarchy=(score + 10) / 20).drop(columns="polity2")


NMC = Dataset(
    "cow_nmc", "capabilities", "National Material Capabilities",
    "Singer, J. David; Bremer, Stuart; Stuckey, John; Correlates of War Project", 1972,
    "https://correlatesofwar.org/data-sets/national-material-capabilities/", "free with citation (Singer 1987)",
    "state-year", 2022, "capability of each state; every world needs it",
    (Form({"ccode": "cow", "year": "year", "cinc": "capability"}),), tidy_capabilities,
)  # fmt: skip

PRODUCT = Dataset(
    "latent_product", "product", "Estimates of product and population (isard, latent variable of several sources)",
    "Fariss, Christopher J.; Anders, Therese; Markowitz, Jonathan N.; Barnum, Miriam", 2022,
    "https://doi.org/10.1177/00220027211054432", "free with citation", "state-year", 2019,
    "product, and with it dependence on trade and the reach of sanctions",
    (Form({"ccode": "cow", "year": "year", "pwtrgdp": "product"}),), tidy_yearly,
)  # fmt: skip

REGIMES = Dataset(
    "democracy_scores", "regimes", "Democracy scores by state and year (V-Dem polyarchy, with Polity and others)",
    "Varieties of Democracy Institute; Marshall, Monty G.; Gurr, Ted R.; Miller, Steven V.", 2025,
    "https://www.v-dem.net/", "free with citation", "state-year", 2025,
    "polyarchy, and with it the likeness of regimes",
    (Form({"ccode": "cow", "year": "year", "v2x_polyarchy": "polyarchy"}),), tidy_yearly,
)  # fmt: skip

VDEM = Dataset(
    "vdem", "regimes", "V-Dem country-year dataset, polyarchy index",
    "Varieties of Democracy Institute", 2025, "https://www.v-dem.net/", "free with citation (CC BY-SA 4.0)",
    "state-year", 2024, "polyarchy, and with it the likeness of regimes",
    (Form({"cowcode": "cow", "year": "year", "v2x_polyarchy": "polyarchy", "country_text_id": "name"},
          text=frozenset({"name"})),),
    lambda frame, journal, dataset, file: tidy_yearly(frame.drop(columns="name"), journal, dataset, file),
)  # fmt: skip

POLITY = Dataset(
    "polity5", "regimes", "Polity5 annual time series", "Marshall, Monty G.; Gurr, Ted R.; Center for Systemic Peace",
    2020, "https://www.systemicpeace.org/inscrdata.html", "free with citation", "state-year", 2018,
    "a substitute for polyarchy, and with it the likeness of regimes",
    (Form({"ccode": "cow", "year": "year", "polity2": "polity2", "scode": "name"}, text=frozenset({"name"})),),
    lambda frame, journal, dataset, file: tidy_polity(frame.drop(columns="name"), journal, dataset, file),
)  # fmt: skip
