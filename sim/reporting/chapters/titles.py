"""Titles of charts: the finding of each in a plain sentence with its uncertainty, computed from what it draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.analysis.compare import interval_words
from sim.analysis.dated.incidence import LARGE
from sim.analysis.statistics import share_interval
from sim.reporting.dated.words import rounded
from sim.reporting.labels import list_names

NAMED = 4  # names in a title

MOST = 0.5  # share of runs above which a state is mostly in a bloc

SOME = 0.005  # share of runs below which a state is never in a bloc


def name_some(names: list[str]) -> str:
    """List the first names, and count the others."""
    return list_names(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def title_of_sizes(sizes: Mapping[str, Any], bloc: str, when: str, threshold: float = LARGE) -> str:
    """Say how often a bloc is large in the first scenario, with the interval, and in the others.

    `sizes` are the bloc's sizes in the runs, by scenario, and `when` is what they are of.
    """
    shares = {name: share_interval(int((runs >= threshold).sum()), len(runs)) for name, runs in sizes.items()}
    (first, (share, low, high, _)), *others = shares.items()
    title = (
        f"{first}: “{bloc}” has {100 * threshold:.0f} % of the capability or more {when} in {rounded(share)} of 100"
        f" runs (95 % interval {rounded(low)} to {rounded(high)})"
    )
    if not others:
        return f"{title}."
    if len(others) == 1:
        ((name, (other, *_)),) = others
        return f"{title}; {name}: in {rounded(other)}."
    least, most = (choose(others, key=lambda one: one[1][0]) for choose in (min, max))
    if rounded(least[1][0]) == rounded(most[1][0]):
        return f"{title}; in every other scenario in {rounded(most[1][0])}."
    return f"{title}; elsewhere in {rounded(least[1][0])} ({least[0]}) to {rounded(most[1][0])} ({most[0]})."


def title_of_states(grid: pd.DataFrame, bloc: str) -> str:
    """Say how many states are mostly in a bloc in the first scenario, and which scenario has most of the others.

    `grid` has the share of runs of each state, by name, in each scenario.
    """
    first = grid.iloc[:, 0]
    mostly = [str(state) for state in first.index[first > MOST]]
    others = grid.loc[first <= MOST]
    whole = f"{grid.columns[0]}: {name_some(mostly) or 'no state'} in “{bloc}” in most runs"
    if not len(others) or not (others.to_numpy() >= SOME).any():
        return f"{whole}, and no other state in any run."
    state, scenario = others.stack().idxmax()
    return f"{whole}; of the others {state} most often, in {rounded(others.loc[state, scenario])} of 100 in {scenario}."


def title_of_differences(rows: pd.DataFrame, bloc: str) -> str:
    """Say which scenarios clearly change the mean size of a bloc: rows of `compare_outcomes` for one outcome."""
    clear = rows[rows["clear"].astype(bool)]
    if not len(clear):
        which = "No scenario clearly changes" if len(rows) > 1 else "The other scenario does not clearly change"
        return f"{which} the mean size of “{bloc}”."
    ordered = clear.loc[clear["difference"].abs().sort_values(ascending=False, kind="stable").index]
    order = list(ordered.itertuples())
    said = [f"{one.scenario} by {signed(one.difference)}" for one in order]
    if len(rows) == 1:
        return f"“{order[0].scenario}” clearly changes the mean size of “{bloc}”: {signed(order[0].difference)}."
    change = "changes" if len(order) == 1 else "change"
    return f"{len(order)} of {len(rows)} scenarios clearly {change} the mean size of “{bloc}”: {name_some(said)}."


def title_of_ranges(ends: pd.DataFrame, bloc: str) -> str:
    """Say which parameter changes the mean size of a bloc most, and how many change it beyond chance.

    `ends` is the table of `tornado_table`.
    """
    best = ends.loc[ends["difference"].abs().idxmax()]
    apart = ends[(ends["low"] > 0) | (ends["high"] < 0)]["setting"].nunique()
    return (
        f"{best['setting']} at {best['value']:g} changes the mean size of “{bloc}” most: {signed(best['difference'])}"
        f" ({interval_words(best).replace('-', '−')}). The interval{'s' if apart != 1 else ''} of {apart} of"
        f" {ends['setting'].nunique()} parameters leave{'s' if apart == 1 else ''} out 0."
    )


def levers_near_best(table: pd.DataFrame) -> pd.DataFrame:
    """Return the other levers of `tabulate_regret` whose mean regret is not apart from that of the first."""
    best, others = table.iloc[0], table.iloc[1:]
    return others[(others["low"] <= best["high"]) & (others["high"] >= best["low"])]


def title_of_regret(table: pd.DataFrame, what: str) -> str:
    """Say which lever has the least greatest regret, and whether its mean regret is apart from the others'.

    `table` is that of `tabulate_regret`, the least greatest regret first.
    """
    best, others = table.iloc[0], table.iloc[1:]
    title = f"{best['lever']} is at most {best['regret_max']:.3f} of {what} worse than the best lever of a future"
    if not len(others):
        return f"{title}."
    if len(others) == 1:
        (other,) = others.itertuples()
        return (
            f"Of two choices, {best['lever']} is at most {best['regret_max']:.3f} of {what} worse in a future, and"
            f" {other.lever} at most {other.regret_max:.3f}. On average their regrets are"
            f"{' not' if len(levers_near_best(table)) else ''} apart."
        )
    worst = others["regret_max"].max()
    near = levers_near_best(table)
    apart = "all" if not len(near) else f"{len(others) - len(near)} of {len(others)}"
    return f"{title}, the others up to {worst:.3f}. On average its regret is apart from that of {apart} others."


def title_of_shares(steps: pd.DataFrame, scenario: str, alignment: str, name: str) -> str:
    """Say the share of capability of an alignment at the end of many runs: its median, and 90 % of the runs.

    `steps` has a row for each run and step, with the column `capability_ALIGNMENT`.
    """
    last = steps.loc[steps["step"] == steps["step"].max(), f"capability_{alignment}"]
    low, middle, high = (f"{share:.2f}" for share in last.quantile([0.05, 0.5, 0.95]))
    many = f", and with {low} to {high} in" if low != high else " and in"
    return f"{scenario}: “{name}” ends with {middle} of the capability in the middle run{many} 90 % of runs."


def signed(value: float) -> str:
    """Format a change of a share with its sign and a true minus; a small one with a digit more."""
    return f"{value:+.{2 if abs(value) >= 0.005 else 3}f}".replace("-", "−")
