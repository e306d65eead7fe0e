"""Collect the late steps of the runs of several scenarios as arrays, from new runs or from a sweep's tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from sim.analysis.compare import Sample
from sim.analysis.paired import check_alike, index_by_pair
from sim.model import compiled, outcomes
from sim.model.arrays import Flags, Floats
from sim.model.trajectory import store_late
from sim.model.world import World, normalise_shares

HELD = 0.5  # share of the last steps from which a state counts as aligned with a bloc at the end


class LateMeans(NamedTuple):
    """R runs of one scenario, each a mean over its last steps (model: Outcomes)."""

    shares: Floats  # (R, N, K + 1)
    stability: Floats  # (R, N)
    bite: Floats  # (R, N)
    outcomes: Floats  # (R, outcomes)


@dataclass(frozen=True)
class Evidence:
    """The same runs of several scenarios, paired by common random numbers, and the names of their axes."""

    states: dict[str, int]
    alignments: dict[str, int]
    columns: dict[str, int]
    capability: Floats  # (N,), shares of the world's capability
    sanctioned: Flags  # (N,), whether any state sanctions it at the start of the first scenario
    late: Mapping[str, LateMeans]

    def share(self, scenario: str, states: Iterable[str], alignment: str) -> Floats:
        """Select the states' late share of an alignment, (R, number of states)."""
        places = [self.states[state] for state in states]
        return self.late[scenario].shares[:, places, self.alignments[alignment]]

    def aligned(self, scenario: str, states: Iterable[str], alignment: str) -> Flags:
        """Test whether all the states are in an alignment at the end, (R,)."""
        found: Flags = np.all(self.share(scenario, states, alignment) >= HELD, axis=1)
        return found

    def outcome(self, scenario: str, column: str) -> Floats:
        """Select an outcome, (R,)."""
        return self.late[scenario].outcomes[:, self.columns[column]]

    def stability(self, scenario: str, state: str) -> Floats:
        """Select the regime stability of a state, (R,)."""
        return self.late[scenario].stability[:, self.states[state]]


def run_late_means(world: World, *, window: int, seed: int, replicates: Sequence[int]) -> LateMeans:
    """Run the replicates of a world and average their last steps, as many as `window`."""
    rows = []
    stored = store_late(world.steps, window)
    for record in compiled.run_records(world, seed=seed, replicates=replicates, stored=stored):
        means = (outcomes.late_mean(values, window) for values in (record.stability, record.bite, record.outcomes))
        rows.append((outcomes.late_shares(record.alignment, len(world.alignments), window), *means))
    return LateMeans._make(np.stack(column) for column in zip(*rows, strict=True))


def join_runs(parts: Iterable[LateMeans]) -> LateMeans:
    """Concatenate runs."""
    return LateMeans._make(np.concatenate(column) for column in zip(*parts, strict=True))


def gather_evidence(world: World, late: Mapping[str, LateMeans]) -> Evidence:
    """Add the names of the first scenario's world, which all the scenarios share, to runs."""
    columns = outcomes.outcome_names(world.alignments[1:], world.theatres)
    sanctioned: Flags = np.any(world.start.sanction > 0, axis=0)
    axes = name_positions(world.states), name_positions(world.alignments), name_positions(columns)
    return Evidence(*axes, world.setting.capability, sanctioned, late)


def evidence_from_sample(found: Sample, scenarios: Iterable[str]) -> Evidence:
    """Collect the runs that a sweep has of all the scenarios, by seed and replicate.

    Raises InputError where they run different numbers of steps.
    """
    names = list(scenarios)
    first = names[0]
    check_alike(found.scenarios, first, names)
    keys = ["seed", "replicate"]
    runs = {name: index_by_pair(found.runs[found.runs["design"] == name]) for name in names}
    common = runs[first].index
    for table in runs.values():
        common = common.intersection(table.index)
    records = found.scenarios[first]["states"]
    states, alignments = sorted(records), found.alignments()
    columns = [c for c in runs[first].columns if pd.api.types.is_numeric_dtype(runs[first][c])]
    late = {}
    for name in names:
        rows = found.states[found.states["design"] == name].set_index([*keys, "state"]).sort_index()
        rows = rows[rows.index.droplevel("state").isin(common)]
        shape = (len(common), len(states))
        late[name] = LateMeans(
            rows[[f"share_{a}" for a in alignments]].to_numpy(dtype=np.float64).reshape(*shape, len(alignments)),
            rows["regime_stability"].to_numpy(dtype=np.float64).reshape(shape),
            rows["bite"].to_numpy(dtype=np.float64).reshape(shape),
            runs[name].loc[common, columns].to_numpy(dtype=np.float64),
        )
    shares = normalise_shares([state["capability"]["value"] for state in records.values()])
    capability = dict(zip(records, shares, strict=True))
    in_order = np.array([capability[state] for state in states])
    targets = {tie["b"] for tie in found.scenarios[first]["ties"] if tie["kind"] == "sanction"}
    sanctioned = np.array([state in targets for state in states])
    return Evidence(
        name_positions(states), name_positions(alignments), name_positions(columns), in_order, sanctioned, late
    )


def name_positions(names: Iterable[str]) -> dict[str, int]:
    """Map each name to its position."""
    return {name: n for n, name in enumerate(names)}
