"""The player of a run: alignments and blocs step by step, and why a state decides as it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from sim.app import cache
from sim.app.pages.controls import state_key
from sim.app.player.frames import alignment_digits
from sim.app.session import Resolved, Visit, current_visit
from sim.calendar import ROUND
from sim.model.trajectory import Run
from sim.scenario.schema import Scenario

HERE = Path(__file__)

mount_player = st.components.v2.component(
    "blocs.player",
    html=HERE.with_suffix(".html").read_text("utf-8"),
    css=HERE.with_suffix(".css").read_text("utf-8"),
    js=HERE.with_suffix(".js").read_text("utf-8"),
)


@dataclass(frozen=True)
class Ghost:
    """The same run of another setting, which the player shows beside the first."""

    name: str
    digest: str
    run: Run


def show_player(made: Resolved, run: Run, state: str, ghost: Ghost | None) -> None:
    """Show the run in the browser, which plays it with the reasons of the chosen state."""
    visit, scenario = current_visit(), made.scenario
    key = (made.digest, run.seed, run.replicate)
    other = (ghost.run, ghost.name, ghost.digest) if ghost else (None, "", "")
    shown = cache.compute_frames(scenario, run, made.names, made.names_key, key, state, *other)
    data = {**shown, **describe_steps(scenario), "heading": f"Why: {scenario.states[state].name}"}
    data["ghost"] = ghost and {"name": ghost.name, "alignment": alignment_digits(ghost.run)}
    data["run"] = f"{key} {state} {shown['alignments']} {other[1:]}"
    place = f"player {visit.placements}"
    found = mount_player(
        key=place, data={**data, "first": visit.first_step}, default={"step": visit.first_step},
        on_step_change=lambda: None, on_chosen_change=lambda: follow_click(visit, scenario, place),
    )  # fmt: skip
    step = found.step if isinstance(found.step, int) else 0
    visit.update(step=min(max(step, 0), len(run.alignment) - 1))
    visit.write_address()


def follow_click(visit: Visit, scenario: Scenario, place: str) -> None:
    """Choose the state on which the reader clicked."""
    clicked = getattr(st.session_state[place], "chosen", None)
    if clicked in scenario.states:
        st.session_state[state_key(visit)] = clicked


def describe_steps(scenario: Scenario) -> dict[str, Any]:
    """Return the label of the slider, and the date at which each step ends; none in rounds."""
    length = "a round of decisions" if scenario.step == ROUND else f"a {scenario.step}"
    return {"label": f"Step ({length})", "dates": list(scenario.dates())}
