"""The datasets that worlds can be made from, and how a table is recognised by its columns."""

from __future__ import annotations

from typing import NamedTuple

from sim.data.adapters.arms import ARMS
from sim.data.adapters.assembly import CALLS, POINTS, VOTES
from sim.data.adapters.base import Dataset, Form
from sim.data.adapters.conflict import COW_MID, GML, TD, TSS
from sim.data.adapters.exchange import IGO, TRADE
from sim.data.adapters.lists import COW_STATES, GW_STATES
from sim.data.adapters.material import NMC, POLITY, PRODUCT, REGIMES, VDEM
from sim.data.adapters.pacts import ATOP
from sim.data.adapters.sanctions import GSDB, TIES
from sim.data.readers.raw import RawTable

DATASETS = (
    COW_STATES, GW_STATES, NMC, ATOP, TSS, TD, GML, COW_MID, GSDB, TIES, TRADE, IGO, PRODUCT, REGIMES, VDEM, POLITY,
    POINTS, VOTES, CALLS, ARMS,
)  # fmt: skip

COMMON = frozenset(
    {
        "ccode",
        "ccode1",
        "ccode2",
        "year",
        "state",
        "name",
        "end",
        "start",
        "trade",
        "value",
        "date",
        "vote",
        "financial",
        "begin",
        "session",
        "country",
    }
)
# Columns that say little about what a table is.


class Match(NamedTuple):
    """A dataset, and the form in which a table has it."""

    dataset: Dataset
    form: Form


def recognise(table: RawTable) -> Match | None:
    """Find the dataset of a table by its columns; the form with most columns wins. None if no form matches."""
    found = [Match(dataset, form) for dataset in DATASETS for form in dataset.forms if form.matches(table.columns)]
    return max(found, key=lambda match: len(match.form.columns), default=None)


def resembles(table: RawTable) -> str:
    """Say which dataset a table that matches none resembles, and what it lacks; empty if it resembles none."""
    best, share = None, 0.0
    for dataset in DATASETS:
        for form in dataset.forms:
            telling = form.columns.keys() - COMMON
            common = form.columns.keys() & {*table.columns}
            part = len(common) / len(form.columns)
            if telling & common and part > share and part >= 0.5:
                best, share = (dataset, form), part
    if best is None:
        return ""
    dataset, form = best
    lacking = sorted(form.columns.keys() - {*table.columns})
    return (
        f"resembles {dataset.title} but has no column {', '.join(lacking[:6])}; the release is not known here,"
        " or a program changed its columns"
    )
