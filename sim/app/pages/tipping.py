"""The page that says how far each state is from a bloc, and which change of a tie would take it there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from sim.analysis.history.words import Names, capital, hundredths
from sim.analysis.states.direct import why_no_direct_chances
from sim.analysis.states.start import StartAccount
from sim.analysis.states.tipping import Gain
from sim.app import histories
from sim.app.histories import main_bloc
from sim.app.pages.controls import choose_run, choose_state
from sim.app.session import current_visit, display_name, escape_markdown, show_table
from sim.app.setting import resolve_setting, size_fault
from sim.app.upheavals import states_with_governments
from sim.reporting.labels import label_history
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

EXPLAINED = (
    "Computed at once from a closed form: other states stay where they are at the start. Distance: by how much the bloc"
    " must gain, in units of utility, for half of the states like this one to be in it. By the end: chance that the"
    " state is there at the end as things are."
)


def show_tipping_page() -> None:
    """Show the page."""
    visit = current_visit()
    visit.place_player(visit.address.step)
    with st.sidebar:
        setting = choose_run(visit)
    st.title("What would it take?")
    scenario = resolve_setting(visit.base(), setting)
    if message := size_fault(scenario):
        st.error(escape_markdown(f"{display_name(setting.scenario)} {message}"))
        return
    if why := why_no_direct_chances(scenario):
        st.info(escape_markdown(f"This scenario has no closed form: {why}."))
        return
    deciding = states_with_governments(scenario)
    if not deciding:
        st.info("No state decides in this scenario.")
        return
    names, digest = label_history(scenario), scenario.digest()
    left, right = st.columns(2)
    with left:
        state = choose_state(visit, scenario, deciding)
    ends = {
        a: names.alignments[a] for a in scenario.alignments() if a != NON_ALIGNED_ID or scenario.non_aligned_allowed
    }
    others = [a for a in ends if a != scenario.states[state].initial]
    first = main_bloc(scenario, state)
    alignment = right.selectbox(
        "To", others, index=others.index(first) if first in others else 0, format_func=ends.__getitem__,
        key=f"tipping to {state} {list(ends)}",
    )  # fmt: skip
    show_one(scenario, digest, names, state, str(alignment))
    show_all(scenario, digest, names, str(alignment), state)


def show_one(scenario: Scenario, digest: str, names: Names, state: str, alignment: str) -> None:
    """Say what would take one state to an alignment, and which change of a tie is worth as much."""
    found = histories.compute_start(scenario, digest, state)
    who, where = names.state(state), where_words(alignment, names)
    st.header(escape_markdown(capital(f"{who} {where}")))
    chance, distance = found.direct[alignment], found.tipping[alignment]
    st.markdown(
        escape_markdown(
            f"As things are, {hundredths(chance)} such histories end on {found.day} with {who} {where}, if no other"
            f" state moves. Half of the states like it would be there if that gained {distance:.3f} for it. Of one tie:"
        )
    )
    st.markdown("\n".join(f"- {escape_markdown(line)}" for line in list_gains(found, names, alignment)))


def where_words(alignment: str, names: Names) -> str:
    """Name an alignment after a state."""
    return "outside the blocs" if alignment == NON_ALIGNED_ID else f"in {names.bloc(alignment)}"


def list_gains(found: StartAccount, names: Names, alignment: str) -> list[str]:
    """Say which changes of one tie take the state there, or come nearest."""
    gains = found.gains.get(alignment, ())
    return [gain_words(gain, names) for gain in gains] or ["No change of one tie brings it nearer."]


def gain_words(gain: Gain, names: Names) -> str:
    """Say what a change of one tie is worth."""
    change = capital(gain.words(names.state(gain.other)))
    if gain.reaches:
        return f"{change} is worth {gain.gain:.3f}, which is enough."
    return (
        f"No one tie is enough. {change} is worth most: {gain.gain:.3f}, {100 * gain.gain / gain.distance:.0f} % of it."
    )


def show_all(scenario: Scenario, digest: str, names: Names, alignment: str, state: str) -> None:
    """Show the distance of every state that decides, the nearest first."""
    st.header(escape_markdown(f"How far every state is: {where_words(alignment, names)}"))
    rows = histories.compute_distances(scenario, digest)
    rows = rows[(rows["alignment"] == alignment) & (rows["held"] != alignment)].sort_values("distance", kind="stable")
    if not len(rows):
        st.markdown("Every state is there already.")
        return
    labels = [f"{names.states[row.state]}{' ←' if row.state == state else ''}" for row in rows.itertuples()]
    table = pd.DataFrame(
        {
            "state": labels,
            "starts": [where_words(row.held, names) for row in rows.itertuples()],
            "distance": [f"{row.distance:.3f}" for row in rows.itertuples()],
            "by the end": [hundredths(row.chance) for row in rows.itertuples()],
        }
    )
    show_table(table, "Tipping distance of every state")
    st.caption(escape_markdown(EXPLAINED))
