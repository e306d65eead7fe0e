"""The run played step by step: where everybody stands, how the blocs fare, and why a state decides as it does."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import streamlit as st

from sim import maps
from sim.app import draw, runs
from sim.app.controls import begun
from sim.app.reasons import why
from sim.app.visit import Visit, current, table, words
from sim.charts import readable
from sim.scenario import Scenario
from sim.trajectory import Run

PERIOD = 1.0  # seconds from step to step when it plays


def player(scenario: Scenario, digest: str, run: Run) -> None:
    """Buttons, pictures and the chosen state's decision at the step; made again by itself when it plays."""
    visit = current()
    last = len(run.alignment) - 1
    step = step_now(visit, last)
    step = buttons(visit, step, last)
    visit.change(step=step)
    state = chosen_state(visit, scenario, run)
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


def rest(visit: Visit, step: int) -> int:
    """Look at a step and play no more; the step."""
    visit.go(step)
    if visit.playing:
        visit.playing = False
        st.rerun()  # so that the page is no more made again by itself
    return step


def buttons(visit: Visit, step: int, last: int) -> int:
    """Play, pause, step and reset, and the step as a slider; the step that is looked at."""
    with st.container(horizontal=True):
        if st.button("Play", key="play", help="Step by step, one a second."):
            visit.playing, visit.stepped = True, time.monotonic()
            visit.go(0 if step == last else step)
            st.rerun()
        if st.button("Pause", key="pause"):
            step = rest(visit, step)
        if st.button("Step", key="next", help="One step on."):
            step = rest(visit, min(step + 1, last))
        if st.button("Reset", key="reset", help="Back to the start."):
            step = rest(visit, 0)
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
    table(who_stands_where(run, step))
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


def who_stands_where(run: Run, step: int) -> pd.DataFrame:
    """Each alignment at a step: its share of capability, its states, and who has just come."""
    rows = []
    moved = run.alignment[step] != run.alignment[step - 1] if step else np.zeros(len(run.states), dtype=bool)
    for k, alignment in enumerate(run.alignments):
        inside = run.alignment[step] == k
        members = [run.states[i] for i in np.flatnonzero(inside)]
        came = [run.states[i] for i in np.flatnonzero(inside & moved)]
        share = float(run.outcome(f"capability_{alignment}")[step])
        listed = f"{len(members)}: {', '.join(members)}"
        rows.append((readable(alignment), f"{share:.3f}", listed, ", ".join(came) or "–"))
    return pd.DataFrame(rows, columns=["alignment", "capability", "states", "came in this step"])
