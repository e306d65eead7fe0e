"""What the pages compute, each once for a setting and kept while it is likely to be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from sim.analysis.explain import Decision, decisions_in_run
from sim.analysis.flips import Flips, find_flips
from sim.app.player import drawing
from sim.app.player.frames import frame_data
from sim.batch.executor import evaluate
from sim.errors import InputError
from sim.model import compiled
from sim.model.arrays import Floats
from sim.model.outcomes import outcome_names
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.reporting import charts
from sim.scenario.loading import load_scenario, scenario_names, world_names
from sim.scenario.schema import Scenario

CHART_WIDTH = 4.6  # inches

KEPT = 24  # of each kind, least recently asked dropped first

FLIP_REPLICATES = 40

FIRST = "Computing (the very first run after an installation compiles the rules, which takes a minute) …"


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def shipped_scenario(name: str) -> Scenario:
    """A scenario of the catalogue; frozen, so that readers may share it."""
    return load_scenario(name)


@st.cache_resource(max_entries=1, show_spinner=False)
def scenario_choices() -> list[str]:
    """Names of the scenarios, then the worlds, that can be run as they are."""
    return [name for name in (*scenario_names(), *world_names()) if has_no_fault(name)]


def has_no_fault(name: str) -> bool:
    """Whether a scenario of the catalogue has no fault."""
    try:
        shipped_scenario(name)
    except InputError:
        return False
    return True


@st.cache_resource(max_entries=KEPT, show_spinner=FIRST)
def compute_run(_scenario: Scenario, digest: str, seed: int, replicate: int) -> Run:
    """One compiled run; nobody writes to it."""
    return compiled.run_compiled(_scenario, seed=seed, replicate=replicate)


@st.cache_resource(max_entries=KEPT // 2, show_spinner=FIRST)
def compute_decisions(
    _scenario: Scenario, _run: Run, digest: str, seed: int, replicate: int, state: str
) -> list[Decision]:
    """Every decision of a state in a run, one a step from the first."""
    world = world_of(_scenario)
    return decisions_in_run(_scenario, _run, world, world.states.index(state))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def compute_flips(_scenario: Scenario, digest: str, seed: int, state: str) -> Flips:
    """What would turn a state over many runs."""
    return find_flips(_scenario, state, seed=seed, replicates=FLIP_REPLICATES)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def compute_network(_scenario: Scenario, digest: str) -> tuple[drawing.Ties, str]:
    """Where the states stand in the network, and its stronger ties drawn."""
    ties = drawing.lay_out_network(_scenario)
    return ties, drawing.draw_ties(ties)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def svg_charts(
    _run: Run, names: dict[str, str], theatres: dict[str, str], key: tuple[str, int, int]
) -> dict[str, drawing.Chart]:
    """The charts of a run over its steps, by what they show; names are those of the alignments."""
    labels = charts.key_labels({alignment: names[alignment] for alignment in _run.alignments}, CHART_WIDTH)
    looks = {labels[name]: colour for name, colour in charts.alignment_colours(_run.alignments).items()}
    places = charts.key_labels(theatres, CHART_WIDTH)
    made = {}
    for title, label, top, columns in chart_columns(_run, names, labels, places):
        table = pd.DataFrame({name: _run.outcome(column) for name, column in columns.items()})

        def plot(axes: Any, table: pd.DataFrame = table, label: str = label, top: float | None = top) -> None:
            charts.draw_step_lines(axes, table, label=label, looks=looks, top=top)

        made[title] = drawing.draw_chart(CHART_WIDTH, 2.4 + charts.key_height(list(columns)), plot)
    return made


def chart_columns(
    run: Run, names: Mapping[str, str], labels: Mapping[str, str], places: Mapping[str, str]
) -> list[tuple[str, str, float | None, dict[str, str]]]:
    """Title, axis label, top and outcome columns by label of each chart over the steps."""
    blocs = run.alignments[1:]
    found: list[tuple[str, str, float | None, dict[str, str]]] = [
        ("Capability", "share of capability", 1.0, {labels[a]: f"capability_{a}" for a in run.alignments}),
        ("Enforcement", "enforcement", 1.05, {labels[b]: f"enforcement_{b}" for b in blocs}),
    ]
    for bloc in blocs:
        columns = {label: f"attention_{bloc}_{theatre}" for theatre, label in places.items()}
        if any(np.any(run.outcome(column) > 0) for column in columns.values()):
            found.append((f"Attention of {names[bloc]}", "attention, units of priority", None, columns))
    return found


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def compute_frames(
    _scenario: Scenario, _run: Run, names: dict[str, str], theatres: dict[str, str], key: tuple[str, int, int],
    chosen: str,
) -> dict[str, Any]:  # fmt: skip
    """A run as the browser plays it; nothing writes to it. Names are no part of the digest, so they are asked for."""
    made = svg_charts(_run, names, theatres, key)
    return frame_data(_run, names, chosen, compute_network(_scenario, key[0]), made)


@dataclass(frozen=True)
class RunSample:
    """Runs of one setting on the luck of one seed."""

    late: pd.DataFrame  # a row a replicate: outcomes over the last 8 steps
    steps: pd.DataFrame  # step, replicate, capability_…
    shares: pd.DataFrame  # a row a replicate, a column for each state and alignment: late shares


@st.cache_resource(max_entries=KEPT, show_spinner="Running many times …")
def compute_runs(_scenario: Scenario, digest: str, seed: int, replicates: int) -> RunSample:
    """Runs 0, 1, … of a seed; the same replicate has the same luck in every setting."""
    world = world_of(_scenario)
    names = list(outcome_names(world.alignments[1:], world.theatres))
    wanted = {name: names.index(name) for name in (f"capability_{a}" for a in world.alignments)}

    def kept(replicate: int) -> tuple[Floats, Floats, Floats]:
        run = compiled.run_compiled(_scenario, seed=seed, replicate=replicate, world=world)
        return run.late_outcomes(), run.outcomes[:, list(wanted.values())], run.late_shares().ravel()

    late, steps, shares = map(np.stack, zip(*evaluate(kept, range(replicates)), strict=True))
    length = steps.shape[1]
    over = pd.DataFrame(steps.reshape(replicates * length, -1), columns=list(wanted))
    over.insert(0, "replicate", np.repeat(np.arange(replicates), length))
    over.insert(0, "step", np.tile(np.arange(length), replicates))
    columns = pd.MultiIndex.from_product([world.states, world.alignments], names=["state", "alignment"])
    return RunSample(pd.DataFrame(late, columns=names), over, pd.DataFrame(shares, columns=columns))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def svg_bands(_many: RunSample, names: dict[str, str], digest: str, seed: int, replicates: int) -> str:
    """The capability of each alignment over the steps in many runs, as SVG; names by alignment."""
    labels = charts.key_labels(names, CHART_WIDTH)

    def plot(axes: Any) -> None:
        charts.draw_share_bands(axes, _many.steps, list(labels), names=labels, top=1.0)
        axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, fontsize=8)

    return drawing.draw_chart(CHART_WIDTH, 2.6 + charts.key_height(list(labels.values())), plot).svg


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def svg_distributions(_values: Mapping[str, Any], label: str, key: tuple[str, str, str, int, int]) -> str:
    """How an outcome falls over many runs of two settings, as SVG."""
    top = max(0.6, *(float(np.nanmax(values)) * 1.02 for values in _values.values()))

    def plot(axes: Any) -> None:
        charts.draw_distributions(axes, _values, top=top, label=label)

    return drawing.draw_chart(5.6, 2.6, plot).svg


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def svg_differences(_table: pd.DataFrame, names: list[str], label: str, key: tuple[str, str, int, int]) -> str:
    """Paired differences with their intervals, a row a name, as SVG."""
    table = _table.assign(scenario=names)

    def plot(axes: Any) -> None:
        charts.draw_differences(axes, table, label=label)

    return drawing.draw_chart(5.6, 0.9 + charts.row_height(names, 0.3) * len(table), plot).svg
