"""Pair runs: check that they can be compared, and measure each column of one table beside the other's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sim.analysis.statistics import LEVEL, Paired, adjust_p_values, beyond_rounding, paired_differences
from sim.errors import Fault, InputError
from sim.model.arrays import Flags, Floats
from sim.scenario.schema import Scenario

COMPARED = [
    "baseline_mean", "mean", "difference", "low", "high", "effect", "rises", "falls", "spread", "p",
    "pairs", "identical", "p_adjusted", "clear",
]  # fmt: skip


CLEAR_MEANS = (
    "clear: p of at most 5 % after Holm's correction (1979) for all differences of its table, over all scenarios"
)


CLEAR_ITSELF = "clear by itself, not among as many as are asked"

ITSELF_MEANS = (
    f"{CLEAR_ITSELF}: its own interval leaves out 0, but among so many differences one such result may be chance"
)


class Timing(NamedTuple):
    """What makes the runs of two scenarios comparable in time."""

    steps: int
    step: str
    date: str | None
    lens: str


def unlike(ran: Timing, states: Iterable[str], base: str, base_ran: Timing, base_states: Iterable[str]) -> str:
    """Say why the runs of a scenario cannot be compared with those of the base; empty where they can.

    Outcomes are means over the last steps, which differ in a shorter run. Shares are of the scenario's own world.
    """
    if ran.lens != base_ran.lens:
        return f"has the lens {ran.lens} and {base} {base_ran.lens}; compare scenarios under one lens"
    if (ran.step, ran.date) != (base_ran.step, base_ran.date):
        here, there = (f"by {one.step} from {one.date or 'no date'}" for one in (ran, base_ran))
        return f"runs {here} and {base} {there}; give both one step and one date to compare them"
    if ran.steps != base_ran.steps:
        return f"runs {ran.steps} steps and {base} {base_ran.steps}; give both as many steps to compare them"
    if set(states).isdisjoint(base_states):
        return f"has no state in common with {base}; compare scenarios of one world"
    return ""


def timing_of(scenario: Scenario) -> Timing:
    """The calendar of a scenario."""
    return Timing(scenario.steps, scenario.step, scenario.date, scenario.sweep.lens)


def recorded_timing(record: Mapping[str, Any]) -> Timing:
    """The calendar of a recorded scenario."""
    return Timing(record["steps"], record["step"], record["date"], record["sweep"]["lens"])


def is_clear_itself(row: Any) -> bool:
    """Whether a row of COMPARED has an interval that leaves out 0, and is not clear among all rows of its table."""
    return bool(row.low * row.high > 0 and not row.clear)


def check_alike(scenarios: Mapping[str, Mapping[str, Any]], baseline: str, names: Iterable[str] | None = None) -> None:
    """Raise InputError with every scenario, of all or of some, whose runs cannot be compared with the baseline."""
    base = scenarios[baseline]
    ran = {name: scenarios[name] for name in (scenarios if names is None else names)}
    own = recorded_timing(base)
    refuse_unlike(
        "compare",
        {n: unlike(recorded_timing(one), one["states"], baseline, own, base["states"]) for n, one in ran.items()},
    )


def refuse_unlike(command: str, reasons: Mapping[str, str]) -> None:
    """Raise InputError with every reason that is not empty, by the name of its scenario."""
    if faults := [Fault(command, 1, name, message) for name, message in reasons.items() if message]:
        raise InputError(faults)


def index_by_pair(table: pd.DataFrame) -> pd.DataFrame:
    """Index rows by seed and replicate, which pair them."""
    return table.set_index(["seed", "replicate"]).sort_index()


def compare_columns(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Compare each column over the pairs where both tables define it: COMPARED, one row per column.

    A column without such a pair is left out. One pair gives neither interval nor p. Where tables are joined, call
    `mark_clear` for the whole.
    """
    runs = one.index.intersection(other.index)
    here, there = one.loc[runs].to_numpy(dtype=float).T, other.loc[runs].to_numpy(dtype=float).T
    known = ~(np.isnan(here) | np.isnan(there))
    rows = np.full((len(here), len(COMPARED) - 3), np.nan)
    for pattern in np.unique(known, axis=0):
        same = np.flatnonzero((known == pattern).all(axis=1))
        if pattern.any():
            rows[same] = measure_pairs(here[np.ix_(same, pattern)], there[np.ix_(same, pattern)])
    table = pd.DataFrame(rows, columns=COMPARED[:-3], index=one.columns)
    table["identical"] = ~differs(here, there).any(axis=1)
    return mark_clear(table.dropna(subset=["pairs"]).astype({"pairs": int}))


def mark_clear(table: pd.DataFrame) -> pd.DataFrame:
    """Mark the rows of a table of differences that are clear, as CLEAR_MEANS says.

    The rows are one family of tests, so that a table without any difference has a clear row with a chance of at most
    5 %, however many scenarios and outcomes it has.

    Parameters
    ----------
    table
        Differences with the column `p`, NaN where nothing is tested.

    Returns
    -------
    DataFrame
        The table with the columns `p_adjusted` and `clear`.
    """
    p = table["p"].to_numpy(dtype=np.float64)
    tested = ~np.isnan(p)
    adjusted = np.full(len(p), np.nan)
    adjusted[tested] = adjust_p_values(p[tested])
    return table.assign(p_adjusted=adjusted, clear=adjusted <= 1 - LEVEL)


def measure_pairs(a: Floats, b: Floats) -> Floats:
    """Measure M outcomes over n ≥ 1 pairs, (M, n) each: the columns of COMPARED to `pairs`, (M, columns)."""
    n = a.shape[1]
    if n == 1:
        gaps = np.where(differs(a, b), a - b, 0.0)[:, 0]
        none = np.full(len(gaps), np.nan)
        paired = Paired(gaps, none, none, none, (gaps > 0).astype(float), (gaps < 0).astype(float), none, none)
    else:
        paired = paired_differences(a, b)
    return np.stack([b.mean(axis=1), a.mean(axis=1), *paired, np.full(len(a), n)], axis=1)


def differs(one: Floats, other: Floats) -> Flags:
    """Mark where two arrays differ by more than rounding, or only one of them is undefined."""
    size = np.maximum(np.abs(one), np.abs(other))
    found: Flags = beyond_rounding(one - other, size) | (np.isnan(one) != np.isnan(other))
    return found
