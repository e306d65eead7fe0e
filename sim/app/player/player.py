"""The run played step by step: where everybody stands, how the blocs fare, and why a state decides as it does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from sim.app import cache
from sim.app.pages.controls import control_key
from sim.app.pages.reasons import show_decision
from sim.app.session import Visit, current_visit
from sim.model.trajectory import Run
from sim.reporting.labels import label_alignments, label_theatres
from sim.scenario.schema import Scenario

HERE = Path(__file__)

mounted = st.components.v2.component(
    "blocs.player",
    html=HERE.with_suffix(".html").read_text("utf-8"),
    css=HERE.with_suffix(".css").read_text("utf-8"),
    js=HERE.with_suffix(".js").read_text("utf-8"),
)


def show_player(scenario: Scenario, digest: str, run: Run) -> None:
    """The run in the browser, which plays by itself, and the chosen state's decision at the step where it rests."""
    visit = current_visit()
    state = choose_state(visit, scenario, run)
    key = (digest, run.seed, run.replicate)
    shown = cache.compute_frames(scenario, run, label_alignments(scenario), label_theatres(scenario), key, state)
    name = f"{key} {state} {shown['alignments']}"
    found = mounted(
        key=f"player {visit.placed}", data={**shown, "run": name, "first": visit.first},
        default={"step": visit.first}, on_step_change=lambda: None,
    )  # fmt: skip
    step = found.step if isinstance(found.step, int) else 0
    visit.change(step=min(max(step, 0), len(run.alignment) - 1))
    visit.write_address()
    show_decision(scenario, digest, run, visit.address.step, state)


def choose_state(visit: Visit, scenario: Scenario, run: Run) -> str:
    """The state whose decision is told: at first the one that changes most often."""
    states = list(scenario.states)
    restless = states[int((np.diff(run.alignment, axis=0) != 0).sum(axis=0).argmax())]
    key = control_key(f"state {visit.version} {visit.address.setting.scenario}", visit.address.state or restless)
    state = st.selectbox(
        "State", states, format_func=lambda s: f"{scenario.states[s].name} ({s})", key=key,
        help="Its ties are drawn dark, and below stands why it decides as it does.",
    )  # fmt: skip
    visit.shown = str(state)
    visit.change(state=state if visit.address.state or state != restless else "")
    return str(state)
