"""The player of a run: alignments and blocs step by step, and why a state decides as it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from sim.app import cache
from sim.app.pages.controls import choose_state
from sim.app.pages.reasons import show_decision
from sim.app.session import current_visit
from sim.calendar import ROUND
from sim.model.trajectory import Run
from sim.reporting.labels import label_alignments, label_theatres
from sim.scenario.schema import Scenario

HERE = Path(__file__)

mount_player = st.components.v2.component(
    "blocs.player",
    html=HERE.with_suffix(".html").read_text("utf-8"),
    css=HERE.with_suffix(".css").read_text("utf-8"),
    js=HERE.with_suffix(".js").read_text("utf-8"),
)


def show_player(scenario: Scenario, digest: str, run: Run) -> None:
    """Show the run in the browser, which plays it, and the chosen state's decision at the current step."""
    visit = current_visit()
    state = choose_state(visit, scenario, list(scenario.states))
    key = (digest, run.seed, run.replicate)
    shown = cache.compute_frames(scenario, run, label_alignments(scenario), label_theatres(scenario), key, state)
    name = f"{key} {state} {shown['alignments']}"
    found = mount_player(
        key=f"player {visit.placements}",
        data={**shown, **describe_steps(scenario), "run": name, "first": visit.first_step},
        default={"step": visit.first_step}, on_step_change=lambda: None,
    )  # fmt: skip
    step = found.step if isinstance(found.step, int) else 0
    visit.update(step=min(max(step, 0), len(run.alignment) - 1))
    visit.write_address()
    show_decision(scenario, digest, run, visit.address.step, state)


def describe_steps(scenario: Scenario) -> dict[str, Any]:
    """Return the label of the slider, and the date at which each step ends; none in rounds."""
    length = "a round of decisions" if scenario.step == ROUND else f"a {scenario.step}"
    return {"label": f"Step ({length})", "dates": list(scenario.dates())}
