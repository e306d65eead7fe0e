"""Sentences on effects at dates, and on how far more replicates help."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.dated.spread import EffectSpread, pairs_to_tell
from sim.analysis.paired import CLEAR_ITSELF, is_clear_itself
from sim.analysis.statistics import FEWEST_DIFFERING

SAID = 3  # most sentences on one scenario

MOST_TOLD = 100_000  # pairs of runs that a reader may be asked for

SMALLEST = 0.0005  # direct effect that is said, which rounds to 0.1 in 100


def in_hundred(value: float, *, signed: bool = False) -> str:
    """Format a chance in 100, with a decimal below 10."""
    hundred = 100 * value
    digits = 0 if abs(hundred) >= 9.95 or abs(hundred) < 0.05 else 1
    if digits == 0 and abs(hundred) < 0.5:
        return "0"
    return f"{hundred:+.{digits}f}" if signed else f"{hundred:.{digits}f}"


def interval_in_hundred(row: Any) -> str:
    """Describe the 95 % interval of a difference of chances in 100."""
    if math.isnan(row.low):
        return "one pair of runs" if math.isnan(row.p) else "the same in all pairs of runs"
    return f"95 % interval {span_in_hundred(row.low, row.high)}"


def span_in_hundred(low: float, high: float) -> str:
    """Format a span of differences in 100; a dash where there is none."""
    return "–" if math.isnan(low) else f"{in_hundred(low, signed=True)} to {in_hundred(high, signed=True)}"


def followers_words(row: Any) -> str:
    """Format what followers add to an effect, by its 95 % interval: the effect, less the exact direct part."""
    return span_in_hundred(row.rest_low, row.rest_high)


def leading_effects(states: pd.DataFrame, scenario: str, wanted: Sequence[str] = ()) -> pd.DataFrame:
    """Select the rows to say in sentences: chances of a bloc at the last date with the largest direct or clear effects.

    With `wanted` states, their rows that are not all 0.
    """
    rows = states[(states["scenario"] == scenario) & (states["event"] == "at")]
    rows = rows[(rows["date"] == rows["date"].max()) & (rows["alignment"] != "non_aligned")]
    direct, found = rows["direct"].abs().fillna(0.0), rows["difference"].abs()
    size = np.maximum(direct, found.where(rows["clear"], 0.0))
    if wanted:
        chosen = rows[rows["state"].isin(wanted) & ((direct >= SMALLEST) | (found > 0) | (rows["mean"] > 0))]
        return chosen.sort_values("state", key=lambda column: column.map(list(wanted).index), kind="stable")
    order = size[size >= SMALLEST].sort_values(ascending=False, kind="stable").index
    return rows.loc[order].head(SAID)


def effect_sentence(row: Any, state: str, bloc: str, tendency: Any = None) -> str:
    """Say an effect on a chance at a date, with its direct part, and its tendency beside it.

    Parameters
    ----------
    row
        A row of the event `at` of `DatedEffects.states`.
    state, bloc
        Names of the state and the bloc.
    tendency
        The row of `compare_states` for the lens of tendency. None: it is left out.

    Returns
    -------
    str
        A sentence.
    """
    verb = "goes" if row.difference else "stays"
    if row.clear:
        verb = "rises" if row.difference > 0 else "falls"
    change = f"from {in_hundred(row.baseline_mean)} to {in_hundred(row.mean)} in 100"
    if not row.difference:
        change = f"at {in_hundred(row.mean)} in 100"
    more = ""
    if not math.isnan(row.settings_low):
        more = " of the mean" * (not math.isnan(row.low))
        more += f"; {span_in_hundred(row.settings_low, row.settings_high)} in 5 to 95 % of settings"
    if not math.isnan(row.direct):
        more += f"; direct {in_hundred(row.direct, signed=True)}"
        more += "" if math.isnan(row.rest_low) else f", followers {followers_words(row)}"
    more += f"; {CLEAR_ITSELF}" * is_clear_itself(row)
    text = f"{row.scenario}: the chance that {state} is in the {bloc} on {row.date} {verb} {change}"
    text += f" ({interval_in_hundred(row)}{more})"
    if tendency is not None:
        text += (
            f", and its tendency from {in_hundred(tendency.baseline_mean)} to {in_hundred(tendency.mean)} in 100"
            f" ({interval_in_hundred(tendency)})"
        )
    return text


def spread_sentence(spreads: Mapping[str, EffectSpread], day: str) -> str:
    """Say of the bloc whose effect is least certain how far more replicates help; '' where nothing is known."""
    known = {outcome: one for outcome, one in spreads.items() if not math.isnan(one.half)}
    if any(one.points > 1 and one.replicates == 1 for one in spreads.values()):
        return "One run of each design point does not show chance of the run, as all have the same; ask for 100 or more"
    if not known:
        return ""
    outcome, widest = max(known.items(), key=lambda item: item[1].half)
    half = f"The interval of {outcome} at {day} is ±{widest.half:.2g}"
    if widest.differing < FEWEST_DIFFERING:
        each = " at each design point" if widest.points > 1 else ""
        few = f"{half} with {widest.replicates} pairs of runs{each}; {widest.differing} of them differ"
        return f"{few}: too few to say how it shrinks; ask for {more_pairs(widest.replicates)}"
    if widest.points == 1:
        return (
            f"{half} with {widest.replicates} pairs of runs; all of it is chance of the run, so more replicates help:"
            f" about {widest.wanted} halve it{told_words(widest.half, widest.difference, widest.replicates)}"
        )
    points = f"{half} over {widest.points} design points"
    share = f"{points}; chance of the run is {100 * widest.share:.0f} % of its variance"
    if widest.replicates_help:
        return f"{share}, so more replicates help: about {widest.wanted} at each point halve it"
    if widest.share >= 0.5:
        best = widest.half * math.sqrt(1 - widest.share)
        return f"{share}, so more replicates narrow it, to ±{best:.2g} at best: the settings decide the rest"
    return f"{share}, so more replicates do not help much: the settings decide"


def told_words(half: float, difference: float, pairs: int) -> str:
    """Say how many pairs of runs tell an effect of the size seen from zero; empty where there is none."""
    needed = pairs_to_tell(half, difference, pairs)
    if needed is None:
        return ""
    if needed > MOST_TOLD:
        return f", and not even {MOST_TOLD:,} tell an effect of the size seen ({difference:+.2g}) from zero"
    return f", and about {round_up(needed)} tell an effect of the size seen ({difference:+.2g}) from zero"


def more_pairs(pairs: int) -> int:
    """Return the pairs to ask for where too few differ to compute how many: 100, 1000, or twice as many."""
    return 100 if pairs < 50 else max(1000, 2 * pairs)


def round_up(count: int) -> int:
    """Round a number of runs up to two digits."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit


def precision_sentence(intervals: pd.DataFrame) -> str:
    """Say how wide the widest interval of some chances is, and how many runs halve it; empty without a row.

    The columns are low, high, n and runs: of all runs of a design point, n are those of the chance.
    """
    if not len(intervals):
        return ""
    widest = intervals.iloc[int((intervals["high"] - intervals["low"]).argmax())]
    half, n, runs = (widest["high"] - widest["low"]) / 2, int(widest["n"]), int(widest["runs"])
    some = f"{n} runs" if n == runs else f"{n} of {runs} runs"
    return f"The widest of these intervals is ±{in_hundred(half)} in 100 with {some}; about {4 * runs} halve it"
