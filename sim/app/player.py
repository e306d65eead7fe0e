"""The run played step by step: where everybody stands, how the blocs fare, and why a state decides as it does."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import streamlit as st

from sim import maps
from sim.app import draw, runs
from sim.app.controls import begun
from sim.app.visit import Visit, current, words
from sim.charts import readable
from sim.explain import SMALLEST, Decision
from sim.faults import InputError
from sim.flips import Flips
from sim.model import Run
from sim.scenario import Scenario

PERIOD = 1.0  # seconds from step to step when it plays
LISTED_STATES, LISTED_FLIPS = 4, 12


def player(scenario: Scenario, digest: str, run: Run) -> None:
    """Buttons, pictures and the chosen state's decision at the step; made again by itself when it plays."""
    visit = current()
    last = len(run.alignment) - 1
    step = step_now(visit, last)
    step = buttons(visit, step, last)
    visit.change(step=step)
    state = chosen_state(visit, scenario, run)
    if not visit.playing:
        visit.write_address()
    pictures(scenario, digest, run, step, state)
    why(visit, scenario, digest, run, step, state)


def step_now(visit: Visit, last: int) -> int:
    """The step, moved on when it is time; at the end it rests."""
    step = min(st.session_state.get("step", visit.address.step), last)
    now = time.monotonic()
    if visit.playing and now - visit.stepped >= 0.8 * PERIOD:
        visit.stepped = now
        step = min(step + 1, last)
        if step == last:
            rest(visit, step)
    visit.go(step)
    return step


def rest(visit: Visit, step: int) -> None:
    """Play no more, at a step."""
    visit.playing = False
    visit.go(step)
    st.rerun()


def buttons(visit: Visit, step: int, last: int) -> int:
    """Play, pause, step and reset, and the step as a slider; the step that is looked at."""
    with st.container(horizontal=True):
        if st.button("Play", key="play", help="Step by step, one a second."):
            visit.playing, visit.stepped = True, time.monotonic()
            visit.go(0 if step == last else step)
            st.rerun()
        if st.button("Pause", key="pause"):
            rest(visit, step)
        if st.button("Step", key="next", help="One step on."):
            rest(visit, min(step + 1, last))
        if st.button("Reset", key="reset", help="Back to the start."):
            rest(visit, 0)
    shown = st.slider("Step (a round of decisions)", 0, last, key="step")
    return int(shown)


def chosen_state(visit: Visit, scenario: Scenario, run: Run) -> str:
    """The state whose decision is told: at first the one that changes most often."""
    states = list(scenario.states)
    restless = states[int((np.diff(run.alignment, axis=0) != 0).sum(axis=0).argmax())]
    key = begun(f"state {visit.version} {visit.address.setting.scenario}", visit.address.state or restless)
    state = st.selectbox(
        "State", states, format_func=lambda s: f"{scenario.states[s].name} ({s})", key=key,
        help="Its ties are drawn dark, and below stands why it decides as it does.",
    )  # fmt: skip
    visit.change(state=state if visit.address.state or state != restless else "")
    return str(state)


def pictures(scenario: Scenario, digest: str, run: Run, step: int, chosen: str) -> None:
    """The map, the network and the charts at a step."""
    standing = run.alignment[step].tolist()
    ties, base = runs.network_of(scenario, digest)
    left, right = st.columns(2)
    st.table(who_stands_where(scenario, run, step), border="horizontal")
    if maps.drawable(run.states):
        missing = [state for state in run.states if state not in maps.on_the_map(run.states)]
        with left:
            st.image(
                draw.world(run.states, run.alignments, standing, chosen), width="stretch",
                alt=f"World map of alignments at step {step}; the table of who stands where says the same.",
                caption=maps.NOTE + (f" Not on the map: {', '.join(missing)}." if missing else ""),
            )  # fmt: skip
            st.image(draw.key(run.alignments), alt="Key: " + ", ".join(map(readable, run.alignments)), width="content")
    with right if maps.drawable(run.states) else st.container():
        st.image(
            draw.network(ties, base, run.alignments, dict(zip(run.states, standing, strict=True)), chosen),
            alt=f"Network of ties at step {step}, each state with the marker of its alignment.", width="stretch",
            caption="Ties at the start: bonds grey, rivalries dashed; of the chosen state all ties, sanctions dotted."
            " Size by capability.",
        )  # fmt: skip
    key = (digest, run.seed, run.replicate)
    made = runs.charts_of(run, tuple(scenario.blocs), tuple(scenario.theatres), key)
    columns = st.columns(2)
    for n, (title, chart) in enumerate(made.items()):
        told = words(f"{title}: {runs.meaning(title)}")
        columns[n % 2].image(chart.at(step), caption=told, alt=f"Chart of {title} over the steps", width="stretch")


def who_stands_where(scenario: Scenario, run: Run, step: int) -> pd.DataFrame:
    """Each alignment at a step: its share of capability, its states, and who has just come."""
    rows = {}
    moved = run.alignment[step] != run.alignment[step - 1] if step else np.zeros(len(run.states), dtype=bool)
    for k, alignment in enumerate(run.alignments):
        inside = run.alignment[step] == k
        members = [run.states[i] for i in np.flatnonzero(inside)]
        came = [run.states[i] for i in np.flatnonzero(inside & moved)]
        share = float(run.outcome(f"capability_{alignment}")[step])
        rows[readable(alignment)] = (f"{share:.3f}", str(len(members)), ", ".join(members), ", ".join(came) or "nobody")
    columns = ["capability share", "states", "who stands there", "who came in this step"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


# Why a state decides as it does


def why(visit: Visit, scenario: Scenario, digest: str, run: Run, step: int, state: str) -> None:
    """The chosen state's decision at the step, term by term, and on demand what would change its mind."""
    name = f"{scenario.states[state].name} ({state})"
    st.subheader(f"Why {words(name)} decides as it does")
    if step == 0:
        st.markdown("At the start nothing is decided yet; the first decision is at step 1.")
    else:
        taken = runs.decisions_of(scenario, run, digest, run.seed, run.replicate, state)[step - 1]
        st.markdown(words(in_words(taken)))
        st.table(terms(taken), border="horizontal")
        st.caption("Utility of each alignment at its turn, term by term, those that decide first.")
    asked = f"flips {digest} {run.seed} {state}"
    told = (
        f"Looks for the smallest change of one setting that turns it, over {runs.FLIP_REPLICATES} runs; takes a while."
    )
    if st.button("What would change its mind?", key="flip", help=told):
        visit.playing = False
        st.session_state["flips"] = asked
    if st.session_state.get("flips") == asked:
        minds(scenario, digest, run.seed, state)


def in_words(taken: Decision) -> str:
    """What was likely, and what was chosen."""
    account = taken.account
    chances = ", ".join(f"P({readable(a)}) = {p:.3g}" for a, p in zip(account.alignments, account.chances, strict=True))
    fixed = "It is fixed and never decides. " if taken.fixed else ""
    chose = f"with u = {taken.u:.3f} it chose {readable(taken.choice)}."
    return f"Step {taken.step}: {fixed}It held {readable(taken.held)}; {chances}; {chose}"


def terms(taken: Decision) -> pd.DataFrame:
    """The utility of every alignment term by term, as the command tells it."""
    account = taken.account
    gap = f"{readable(account.most_likely)} − {readable(account.runner_up)}"
    rows = {
        term: (*(number(x) for x in column), f"{difference:+.3f}", sources(states))
        for term, column, difference, states in account.rows()
    }
    lead = account.utilities[account.first] - account.utilities[account.second]
    utilities = (f"{x:.3f}" for x in account.utilities)
    rows["utility"] = (*utilities, f"{lead:+.3f}", sources(account.from_states()))
    columns = [*map(readable, account.alignments), gap, "mostly from"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def number(value: float) -> str:
    """A term's value, nothing where it rounds to 0."""
    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def sources(found: list[tuple[str, float]]) -> str:
    """The states that add most, each with what it adds."""
    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:LISTED_STATES] if abs(value) >= SMALLEST)


def minds(scenario: Scenario, digest: str, seed: int, state: str) -> None:
    """The smallest changes that turn a state in its late steps over many runs."""
    try:
        with st.spinner("Trying every setting over its range …"):
            found = runs.flips_of(scenario, digest, seed, state)
    except InputError as error:
        st.info(words(error.faults[0].message))
        return
    lead, low, high = found.lead
    st.markdown(
        words(
            f"Over {found.replicates} runs it stands mostly with {readable(found.alignment)} in the last 8 steps, ahead"
            f" of the next by {lead:.2f} (95 % interval {low:+.2f} to {high:+.2f}) of them. {len(found.found)} of"
            f" {found.tried} settings turn it within their range, each alone."
        )
    )
    if found.found:
        st.table(turns(found), border="horizontal")


def turns(found: Flips) -> pd.DataFrame:
    """The smallest changes, and the values between which chance decides."""
    rows = {
        flip.setting: (
            f"{flip.before:g}", f"{flip.to:g}", readable(flip.becomes), f"{100 * flip.relative:.0f} %",
            "now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}",
            "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}",
        )
        for flip in found.found[:LISTED_FLIPS]
    }  # fmt: skip
    columns = ["now", "turns at", "to", "change of its range", "unclear from", "unclear until"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
