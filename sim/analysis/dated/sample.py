"""The runs of a folder at a date, as the tables that comparisons and reports read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sim.analysis.compare import Sample
from sim.analysis.dated.events import Design, RunEvents, list_designs, read_events
from sim.batch.store import Results


def sample_at(results: Results, found: Sample, day: str) -> Sample:
    """Read the runs of a folder as if they ended with the last step that ends on or before a date.

    Parameters
    ----------
    results
        The folder of a sweep, whose runs have dates.
    found
        Its finished runs, from `read_sample`.
    day
        ISO date, which all runs contain.

    Returns
    -------
    Sample
        The runs with the outcomes that alignments give, capability and members of each alignment, and the share of
        each alignment of each state, 0 or 1.
    """
    runs, states = [], []
    for events in read_events(results, list_designs(results)):
        (step,) = events.design.steps_at([day])
        runs.append(tabulate_outcomes(events, step))
        states.append(tabulate_alignments(events, step))
    return replace(found, runs=pd.concat(runs, ignore_index=True), states=pd.concat(states, ignore_index=True))


def label_runs(events: RunEvents) -> dict[str, object]:
    """Name the runs by the columns of the stored tables."""
    design: Design = events.design
    return {
        "design": design.label, "scenario": design.name, "point": design.point, "seed": events.seed,
        "replicate": events.replicates,
    }  # fmt: skip


def tabulate_outcomes(events: RunEvents, step: int) -> pd.DataFrame:
    """Tabulate capability and members of each alignment at a step, one row for each run."""
    world = events.design.world
    sizes = {}
    for what, weights in (("capability", world.setting.capability), ("members", np.ones(len(world.states)))):
        for k, name in enumerate(world.alignments):
            sizes[f"{what}_{name}"] = (events.alignment[:, step] == k) @ weights
    return pd.DataFrame(label_runs(events) | sizes)


def tabulate_alignments(events: RunEvents, step: int) -> pd.DataFrame:
    """Tabulate the alignment of each state at a step, one row for each run and state."""
    world = events.design.world
    runs, n = len(events.replicates), len(world.states)
    names, there = np.array(world.alignments, dtype=object), events.alignment[:, step].ravel()
    keys = label_runs(events) | {"replicate": np.repeat(events.replicates, n)}
    shares = {f"share_{name}": (there == k).astype(float) for k, name in enumerate(world.alignments)}
    ends = {"start": names[events.alignment[:, 0].ravel()], "final": names[there]}
    return pd.DataFrame(keys | {"state": np.tile(np.array(world.states, dtype=object), runs)} | ends | shares)


def shares_in_sample(found: Sample) -> dict[str, dict[str, dict[str, float]]]:
    """Average the share of each alignment by design and state."""
    shares = [f"share_{name}" for name in found.alignments()]
    means = found.states.groupby(["design", "state"], sort=False)[shares].mean()
    averages: dict[str, dict[str, dict[str, float]]] = {design: {} for design in found.designs}
    for (design, state), row in means.iterrows():
        known = row.dropna()
        averages[design][state] = {name.removeprefix("share_"): float(value) for name, value in known.items()}
    return averages
