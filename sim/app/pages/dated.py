"""What a change does at dates: a sentence, a table and pictures of the histories of two settings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from sim.analysis.dated.effects import DatedEffects
from sim.analysis.dated.events import RunEvents
from sim.analysis.dated.sentences import followers_words, in_hundred, spread_sentence
from sim.analysis.history.words import Names, capital
from sim.analysis.paired import CLEAR_ITSELF, CLEAR_MEANS, ITSELF_MEANS, is_clear_itself
from sim.app import histories
from sim.app.histories import SIDES, Happening
from sim.app.session import escape_markdown, show_table
from sim.calendar import format_day
from sim.reporting.labels import label_history, label_outcome
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

MOST_LISTED = 12

SURE = "how sure"  # the column of verdicts

HEADS = ["without", "with", "change (95 % interval)", "direct", "followers", SURE]

ITSELF = f"{CLEAR_ITSELF.partition(',')[0]} (*)"  # its meaning is said once on a page

ITSELF_EXPLAINED = f"(*) {ITSELF_MEANS}."

EXPLAINED = (
    "Histories of 100. direct: what the change does to the state if no other moves, in closed form; followers: the"
    f" rest, because others moved, by its 95 % interval. {CLEAR_MEANS}. {ITSELF_EXPLAINED} The intervals are of chance"
    " only, at these numbers, most of them assumed."
)


def sureness(row: Any) -> str:
    """Say how sure a difference is; the words never contradict its interval."""
    if row.identical:
        return "no difference"
    if row.pairs < 2:
        return "one pair of runs"
    if row.clear:
        return "clear"
    if is_clear_itself(row):
        return ITSELF
    return "may be chance"


def change_cells(row: Any) -> tuple[str, ...]:
    """Format a row of `DatedEffects` under HEADS."""
    change, direct = ("–" if math.isnan(one) else in_hundred(one, signed=True) for one in (row.difference, row.direct))
    if not math.isnan(row.low):
        change += f" ({in_hundred(row.low, signed=True)} to {in_hundred(row.high, signed=True)})"
    return in_hundred(row.baseline_mean), in_hundred(row.mean), change, direct, followers_words(row), sureness(row)


def describe_change(row: Any, what: str) -> str:
    """Say in a sentence how often something happens without and with a change; `what` follows “histories”."""
    before, after = (f"{in_hundred(one)} of 100" for one in (row.baseline_mean, row.mean))
    if row.identical:
        return f"In {before} histories {what}, without the change as with it."
    text = f"In {after} histories {what} with the change, and in {before} without it"
    if math.isnan(row.low):
        return f"{text}."
    low, high = sorted((abs(row.low), abs(row.high)))
    if row.low > 0 or row.high < 0:
        gap, way = in_hundred(abs(row.difference)), "more" if row.difference > 0 else "fewer"
        between = f"{in_hundred(low)} to {in_hundred(high)} {way}"
        return f"{text}: {gap} {way} (95 % interval {between}). How sure: {sureness(row)}."
    between = f"{in_hundred(row.low, signed=True)} to {in_hundred(row.high, signed=True)}"
    return f"{text}. The difference may be chance (95 % interval {between})."


def select_row(effects: DatedEffects, event: str, day: str, state: str, bloc: str) -> Any:
    """Return the row of an event; None where there is none, as for a state that always starts in the bloc."""
    rows = effects.states
    found = rows[
        (rows["event"] == event) & (rows["date"] == day) & (rows["state"] == state) & (rows["alignment"] == bloc)
    ]
    return next(found.itertuples(), None)


def describe_state(effects: DatedEffects, names: Names, days: Sequence[str], what: Happening) -> str:
    """Say the effect on the state at the last date."""
    row = select_row(effects, "at", days[-1], what.state, what.bloc)
    if row is None:
        return ""
    where = f"{names.state(what.state)} is in {names.bloc(what.bloc)} on {format_day(days[-1])}"
    return describe_change(row, where)


def show_state(
    effects: DatedEffects, pair: Sequence[RunEvents], names: Names, days: Sequence[str], what: Happening,
    key: tuple[tuple[str, str], int, int],
) -> None:  # fmt: skip
    """Show the effect on one state: in a sentence, in a picture over time, and in a table at dates."""
    who = names.state(what.state)
    st.header(escape_markdown(capital(f"{who} by date")))
    said = describe_state(effects, names, days, what)
    st.markdown(f"**{escape_markdown(said)}**")
    verb = "has joined" if what.joins else "has left"
    st.image(
        histories.svg_incidence(pair, what, *key), width="content",
        alt=f"Histories of 100 in which {who} {verb} {names.bloc(what.bloc)} by each date, without and with the change;"
        " the table has the numbers.",
        caption=escape_markdown(
            f"Histories of 100{what.among()} in which {who} {verb} {names.bloc(what.bloc)} by each date; bands: 95 %"
            " intervals."
        ),
    )  # fmt: skip
    rows = tabulate_state(effects, names, days, what.state)
    show_table(rows, f"{who} by date")
    st.caption(escape_markdown(EXPLAINED))


def tabulate_state(effects: DatedEffects, names: Names, days: Sequence[str], state: str) -> pd.DataFrame:
    """Tabulate at each date where a state is, and which blocs it has joined by then."""
    rows = []
    ids = [*(id for id in names.alignments if id != NON_ALIGNED_ID), NON_ALIGNED_ID]
    for event in ("at", "entry"):
        for id in ids:
            for day in days:
                row = select_row(effects, event, day, state, id)
                if row is None or (event == "entry" and id == NON_ALIGNED_ID) or not row.baseline_mean + row.mean:
                    continue
                where = names.alignments[id]
                text = f"is {'' if id == NON_ALIGNED_ID else 'in '}{where}" if event == "at" else f"has joined {where}"
                rows.append((text, f"{'on' if event == 'at' else 'by'} {day}", *change_cells(row)))
    return pd.DataFrame(rows, columns=["it", "date", *HEADS])


def select_movers(effects: DatedEffects, day: str, always: Sequence[str]) -> pd.DataFrame:
    """Select the chances of blocs at a date that change most, the states in question first."""
    rows = effects.states
    rows = rows[(rows["event"] == "at") & (rows["date"] == day) & (rows["alignment"] != NON_ALIGNED_ID)]
    asked = rows[rows["state"].isin(always) & (rows["baseline_mean"] + rows["mean"] > 0)]
    rest = rows[~rows["state"].isin(always) & ~rows["identical"]]
    order = rest.assign(size=rest["difference"].abs()).sort_values(["clear", "size"], ascending=False, kind="stable")
    return pd.concat([asked, rest.loc[order.index]]).head(MOST_LISTED)


def show_movers(
    effects: DatedEffects, names: Names, day: str, always: Sequence[str], key: tuple[tuple[str, str], int, int]
) -> None:
    """Show the states whose chance of a bloc changes most at a date, those in question first."""
    st.header("Who moves")
    rows = select_movers(effects, day, always)
    if not len(rows):
        st.markdown("No state's chance of a bloc changes.")
        return
    labels = [f"{names.states[row.state]} in {names.alignments[row.alignment]}" for row in rows.itertuples()]
    clear = [label for label, sure in zip(labels, rows["clear"], strict=True) if sure]
    named = f": most that of {clear[0]}" if clear else ""
    title = f"{len(clear)} of {len(labels)} chances on {day} change clearly{named}."
    st.markdown(f"**{escape_markdown(title)}**")
    st.image(
        histories.svg_changes(rows, labels, f"change by {day}, histories of 100", (day, tuple(always), *key)),
        width="content", alt=f"{title} Changes of chances with their 95 % intervals; the table has the numbers.",
        caption=f"Change of the chance on {day}, with 95 % intervals; a grey square is not clear.",
    )  # fmt: skip
    cells = [(label, *change_cells(row)) for label, row in zip(labels, rows.itertuples(), strict=True)]
    table = pd.DataFrame(cells, columns=[f"state, on {day}", *HEADS])
    show_table(table, "Who moves")


def show_sizes(effects: DatedEffects, names: Names, days: Sequence[str]) -> None:
    """Show the size of each bloc at dates, and whether more replicates help."""
    st.header("How large the blocs are")
    rows = effects.sizes[[not one.endswith(f"_{NON_ALIGNED_ID}") for one in effects.sizes["outcome"]]]
    sized = rows[rows["outcome"].str.startswith("capability_")]
    blocs = [names.alignments[one.removeprefix("capability_")] for one in sized["outcome"]]
    cells = [(bloc, f"on {row.date}", *change_cells(row)) for bloc, row in zip(blocs, sized.itertuples(), strict=True)]
    table = pd.DataFrame(cells, columns=["bloc", "date", *HEADS])
    show_table(table, "Sizes of blocs")
    said = spread_sentence(
        {label_outcome(outcome, names.alignments): one for outcome, one in effects.spreads[SIDES[1]].items()}, days[-1]
    )
    st.caption(escape_markdown(f"Capability of all states: 100. {said}{'.' if said else ''}"))


def names_of_both(scenarios: Sequence[Scenario]) -> Names:
    """Names for readers of two scenarios; the one with the change names what both have."""
    without, changed = (label_history(scenario) for scenario in scenarios)
    return changed._replace(
        states={**without.states, **changed.states}, alignments={**without.alignments, **changed.alignments}
    )
