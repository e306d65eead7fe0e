"""Cached results for the pages: each is computed once for a setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from sim.analysis.flips import Flips, find_flips
from sim.analysis.history.others import OTHERS
from sim.analysis.history.story import Story
from sim.analysis.history.words import Names
from sim.analysis.states.accounts import Decision
from sim.app import apart
from sim.app.player import drawing
from sim.app.player.frames import event_data, frame_data
from sim.app.player.words import reasons_by_step
from sim.app.setting import ancestors_of, main_bloc, size_fault
from sim.batch.executor import evaluate
from sim.errors import InputError
from sim.model import compiled
from sim.model.arrays import Floats
from sim.model.numerics.jit import interprets_sooner
from sim.model.outcomes import outcome_names
from sim.model.trajectory import Run, store_late, window_of
from sim.model.world import world_of
from sim.reporting import charts
from sim.reporting.colours import alignment_colours
from sim.scenario.loading import load_scenario, scenario_names, world_names
from sim.scenario.schema import Scenario

CHART_WIDTH = 4.6  # inches

CACHED = 24  # results of each kind; Streamlit drops the least recently used

FLIP_REPLICATES = 40

MOST_ATTENTION = 10.0  # budget beyond which a chart has no fixed upper limit

COMPUTING = "Computing …"


@st.cache_resource(max_entries=None, show_spinner=False)  # the catalogue is finite, and every page lists all of it
def shipped_scenario(name: str) -> Scenario:
    """Load a scenario of the catalogue; it is frozen, so readers share it."""
    return load_scenario(name)


@st.cache_resource(max_entries=None, show_spinner=False)
def shipped_ancestors(name: str) -> tuple[str, ...]:
    """Return the names of what a scenario of the catalogue extends."""
    return ancestors_of(name)


@st.cache_resource(max_entries=1, show_spinner=False)
def scenario_choices() -> list[str]:
    """List the scenarios, then the worlds, that run here without changes."""
    return [name for name in (*scenario_names(), *world_names()) if runs_here(name)]


def runs_here(name: str) -> bool:
    """Return whether a scenario of the catalogue has no fault and is not too large for the app."""
    try:
        return not size_fault(shipped_scenario(name))
    except InputError:
        return False


@st.cache_resource(max_entries=CACHED, show_spinner=COMPUTING)
def compute_run(_scenario: Scenario, digest: str, seed: int, replicate: int) -> Run:
    """Compute one compiled run, which callers must not change."""
    return apart.compute_soon(_scenario, compiled.run_compiled, _scenario, seed=seed, replicate=replicate)


def compute_reading(_scenario: Scenario, _run: Run, digest: str, seed: int, replicate: int) -> Story:
    """Read a run as a history, with what happens in other histories once the rules are compiled."""
    others = 0 if interprets_sooner(len(_scenario.states), _scenario.steps) else OTHERS
    return read_with_others(_scenario, _run, digest, seed, replicate, others)


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def read_with_others(_scenario: Scenario, _run: Run, digest: str, seed: int, replicate: int, others: int) -> Story:
    """Read a run as a history beside a number of other histories."""
    return apart.compute_soon(_scenario, apart.read_history, _scenario, _run, others)


@st.cache_resource(max_entries=CACHED // 2, show_spinner=COMPUTING)
def compute_decisions(
    _scenario: Scenario, _run: Run, digest: str, seed: int, replicate: int, state: str
) -> list[Decision]:
    """Compute every decision of a state in a run: one per step from step 1."""
    return apart.compute_soon(_scenario, apart.decide_again, _scenario, _run, state)


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def compute_flips(_scenario: Scenario, digest: str, seed: int, state: str) -> Flips:
    """Find the setting changes that flip a state over many runs."""
    return find_flips(_scenario, state, seed=seed, replicates=FLIP_REPLICATES)


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def compute_network(_scenario: Scenario, digest: str) -> tuple[drawing.Ties, str]:
    """Compute the network's layout and draw its stronger ties."""
    ties = drawing.lay_out_network(_scenario)
    return ties, drawing.draw_ties(ties)


GHOST = "#8a8a8a"  # colour of the other run in a chart


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def svg_charts(
    _run: Run, names: dict[str, str], theatres: dict[str, str], dates: tuple[str, ...], tops: dict[str, float],
    key: tuple[str, int, int], _ghost: Run | None = None, ghost: str = "", ghost_digest: str = "",
) -> dict[str, drawing.Chart]:  # fmt: skip
    """Draw the charts of a run over its steps, by title, over those of another run in grey.

    `names` are those of the alignments. `tops` are the attention budgets by bloc, so that no axis shows what comes.
    `dates` are the ends of the steps; a world of rounds has none.
    """
    labels = charts.key_labels({alignment: names[alignment] for alignment in _run.alignments}, CHART_WIDTH)
    colours = {labels[name]: colour for name, colour in alignment_colours(_run.alignments).items()}
    places = charts.key_labels(theatres, CHART_WIDTH)
    drawn = {}
    for title, label, top, columns in chart_columns(_run, names, labels, places, tops):
        table = pd.DataFrame({name: _run.outcome(column) for name, column in columns.items()})
        below = [_ghost.outcome(c) for c in columns.values() if _ghost is not None and c in _ghost.outcome_names]

        def plot(
            axes: Any, table: pd.DataFrame = table, label: str = label, top: float | None = top,
            below: Sequence[Floats] = below,
        ) -> None:  # fmt: skip
            charts.draw_step_lines(axes, table, label=label, colours=colours, top=top)
            drawing.mark_dates(axes, dates)
            for line in below:
                axes.plot(line, color=GHOST, linewidth=2.5, linestyle=(0, (1, 1)), zorder=1)

        drawn[f"{title}{f' (grey: {ghost})' * bool(below)}"] = drawing.draw_chart(
            CHART_WIDTH, 2.4 + charts.key_height(list(columns)), plot
        )
    return drawn


def chart_columns(
    run: Run, names: Mapping[str, str], labels: Mapping[str, str], places: Mapping[str, str],
    tops: Mapping[str, float],
) -> list[tuple[str, str, float | None, dict[str, str]]]:  # fmt: skip
    """List each chart's title, axis label, upper limit and outcome columns by label."""
    blocs = run.alignments[1:]
    specs: list[tuple[str, str, float | None, dict[str, str]]] = [
        ("Capability", "share of capability", 1.0, {labels[a]: f"capability_{a}" for a in run.alignments}),
        ("Enforcement", "enforcement", 1.05, {labels[b]: f"enforcement_{b}" for b in blocs}),
    ]
    for bloc in blocs:
        columns = {label: f"attention_{bloc}_{theatre}" for theatre, label in places.items()}
        if any(np.any(run.outcome(column) > 0) for column in columns.values()):
            title = f"Attention of {names[bloc]}"
            specs.append((title, "attention, units of priority", tops.get(bloc), columns))
    return specs


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def compute_frames(
    _scenario: Scenario, _run: Run, _names: Names, names_key: str, key: tuple[str, int, int], chosen: str,
    _ghost: Run | None, ghost: str, ghost_digest: str,
) -> dict[str, Any]:  # fmt: skip
    """Compute the data of a run for the browser. `names_key` tells names apart, which the digest leaves out."""
    names = _names
    budgets = {bloc: one.attention_budget.value for bloc, one in _scenario.blocs.items()}
    tops = {bloc: budget for bloc, budget in budgets.items() if 0 < budget < MOST_ATTENTION}
    drawn = svg_charts(
        _run, dict(names.alignments), dict(names.theatres), names.dates, tops, key, _ghost, ghost, ghost_digest
    )
    weights = {id: one.capability.value for id, one in _scenario.states.items()}
    shown = frame_data(
        _run, names, chosen, compute_network(_scenario, key[0]), drawn, weights, main_bloc(_scenario, chosen)
    )
    decisions = compute_decisions(_scenario, _run, *key, chosen)
    story = compute_reading(_scenario, _run, *key) if names.dates else None
    return {
        **shown,
        "reasons": reasons_by_step(decisions, chosen, names, story.moves if story else ()),
        "events": event_data(story, chosen) if story else [],
    }


@dataclass(frozen=True)
class RunSample:
    """Runs of one setting with the random numbers of one seed."""

    late: pd.DataFrame  # a row per replicate: outcomes over the last steps
    steps: pd.DataFrame  # step, replicate, capability_…
    shares: pd.DataFrame  # a row per replicate, a column per state and alignment: late shares


@st.cache_resource(max_entries=CACHED, show_spinner="Running many times …")
def compute_runs(_scenario: Scenario, digest: str, seed: int, replicates: int) -> RunSample:
    """Run replicates 0, 1, … of a seed; settings share random numbers by replicate."""
    world, window = world_of(_scenario), window_of(_scenario)
    names = list(outcome_names(world.alignments[1:], world.theatres))
    columns = [f"capability_{a}" for a in world.alignments]
    places = [names.index(column) for column in columns]
    stored = store_late(world.steps, window)

    def arrays_of_run(replicate: int) -> tuple[Floats, Floats, Floats]:
        run = compiled.run_compiled(_scenario, seed=seed, replicate=replicate, world=world, stored=stored)
        return run.late_outcomes(window), run.outcomes[:, places], run.late_shares(window).ravel()

    late, steps, shares = map(np.stack, zip(*evaluate(arrays_of_run, range(replicates)), strict=True))
    length = steps.shape[1]
    by_step = pd.DataFrame(steps.reshape(replicates * length, -1), columns=columns)
    by_step.insert(0, "replicate", np.repeat(np.arange(replicates), length))
    by_step.insert(0, "step", np.tile(np.arange(length), replicates))
    pairs = pd.MultiIndex.from_product([world.states, world.alignments], names=["state", "alignment"])
    return RunSample(pd.DataFrame(late, columns=names), by_step, pd.DataFrame(shares, columns=pairs))


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def svg_bands(
    _sample: RunSample, names: dict[str, str], dates: tuple[str, ...], digest: str, seed: int, replicates: int
) -> str:
    """Draw the capability of each alignment over the steps in many runs, as SVG.

    `names` are those of all alignments of the world, in its order, and `dates` the ends of the steps.
    """
    labels = charts.key_labels(names, CHART_WIDTH)

    def plot(axes: Any) -> None:
        charts.draw_share_bands(axes, _sample.steps, list(labels), world=names, names=labels, top=1.0)
        drawing.mark_dates(axes, dates)
        axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, fontsize=8)

    return drawing.draw_chart(CHART_WIDTH, 2.6 + charts.key_height(list(labels.values())), plot).svg


@st.cache_resource(max_entries=CACHED, show_spinner=False)
def svg_distributions(_values: Mapping[str, Any], label: str, colour: str, key: tuple[Any, ...]) -> str:
    """Draw the distributions of a bloc's size over the runs of two settings, as SVG; `colour` is the bloc's."""
    top = max(0.6, *(float(np.nanmax(values)) * 1.02 for values in _values.values()))

    def plot(axes: Any) -> None:
        charts.draw_distributions(axes, _values, colour=colour, top=top, label=label)

    return drawing.draw_chart(CHART_WIDTH, 2.6, plot).svg
