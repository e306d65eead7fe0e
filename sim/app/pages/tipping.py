"""The page that says how far each state is from a bloc, and which change of a tie would take it there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from sim.analysis.history.words import Names, capital, hundredths
from sim.analysis.states.direct import why_no_direct_chances
from sim.analysis.states.start import DrawnStart, StartAccount
from sim.analysis.states.tipping import Gain
from sim.app import histories
from sim.app.pages.controls import choose_run, choose_state, control_key
from sim.app.pages.share import offer_change, show_address, show_applied
from sim.app.session import Visit, current_visit, display_name, escape_markdown, plain_label, show_table
from sim.app.setting import AppSetting, main_bloc, size_fault
from sim.app.sliders import change_words, setting_label
from sim.app.upheavals import states_with_governments
from sim.model.starts import with_starts_of
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.scenario.ties import make_tie_key

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
    show_distances(visit, setting)
    show_address(visit)


def show_distances(visit: Visit, setting: AppSetting) -> None:
    """Show what would take the chosen state to an alignment, then how far every state is."""
    show_applied(visit)
    scenario, digest, names, _ = visit.resolve(setting)
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
    left, right = st.columns(2)
    with left:
        state = choose_state(visit, scenario, deciding)
    ends = {
        a: names.alignments[a] for a in scenario.alignments() if a != NON_ALIGNED_ID or scenario.non_aligned_allowed
    }
    own = with_starts_of(scenario, seed=visit.address.seed, replicate=visit.address.replicate).states[state].initial
    others = [a for a in ends if a != own]
    asked = main_bloc(scenario, state)
    first = asked if asked in others else others[0]
    chosen = visit.address.to if visit.address.to in others else first
    key = control_key(f"tipping to {visit.version} {state} {others}", chosen)
    alignment = right.selectbox("To", others, format_func=ends.__getitem__, key=key)
    visit.update(to=alignment if alignment != first else "")
    show_one(visit, scenario, digest, names, state, str(alignment))
    show_all(visit, scenario, digest, names, str(alignment), state)


def show_one(visit: Visit, scenario: Scenario, digest: str, names: Names, state: str, alignment: str) -> None:
    """Say what would take one state to an alignment, and which change of a tie is worth as much, to be taken over."""
    found = histories.compute_start(scenario, digest, state, visit.address.seed, visit.address.replicate)
    who, where = names.state(state), where_words(alignment, names)
    st.header(escape_markdown(capital(f"{who} {where}")))
    if found.drawn:
        st.info(escape_markdown(describe_drawn_start(found, found.drawn, names)))
    chance, distance = found.direct[alignment], found.tipping[alignment]
    st.markdown(
        escape_markdown(
            f"As things are, {hundredths(chance)} such histories end on {found.day} with {who} {where}, if no other"
            f" state moves. Half of the states like it would be there if that gained {distance:.3f} for it. Of one tie:"
        )
    )
    gains = found.gains.get(alignment, ())
    if not gains:
        st.markdown("- No change of one tie brings it nearer.")
    for gain in gains:
        st.markdown(f"- {escape_markdown(gain_words(gain, names))}")
        path = tie_path(gain, state)
        words = change_words(scenario, path, gain.after, names)
        label = f"Set this: {setting_label(scenario, path, names)} to {gain.after:.3g}"
        offer_change(visit, path, gain.after, words, plain_label(label))


def describe_drawn_start(found: StartAccount, drawn: DrawnStart, names: Names) -> str:
    """Say that starts are drawn, and which run's starts the page is about."""
    who, here = capital(names.state(found.state)), where_words(found.held, names)
    chances = [f"{where_words(id, names)} with chance {chance:.3g}" for id, chance in drawn.chances.items()]
    own = f" {who} starts {' or '.join(chances)}." if chances else ""
    return f"Each run draws its starts.{own} This page is about the starts of the run chosen on the left: {who} {here}."


def tie_path(gain: Gain, state: str) -> str:
    """Return the setting that a change of a tie of a state sets."""
    return ".".join(("ties", *make_tie_key(gain.kind, gain.other, state)))


def where_words(alignment: str, names: Names) -> str:
    """Name an alignment after a state."""
    return "outside the blocs" if alignment == NON_ALIGNED_ID else f"in {names.bloc(alignment)}"


def gain_words(gain: Gain, names: Names) -> str:
    """Say what a change of one tie is worth."""
    change = capital(gain.words(names.state(gain.other)))
    if gain.reaches:
        return f"{change} is worth {gain.gain:.3f}, which is enough."
    return (
        f"No one tie is enough. {change} is worth most: {gain.gain:.3f}, {100 * gain.gain / gain.distance:.0f} % of it."
    )


def show_all(visit: Visit, scenario: Scenario, digest: str, names: Names, alignment: str, state: str) -> None:
    """Show the distance of every state that decides, the nearest first."""
    st.header(escape_markdown(f"How far every state is: {where_words(alignment, names)}"))
    rows = histories.compute_distances(scenario, digest, visit.address.seed, visit.address.replicate)
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
