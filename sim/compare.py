"""Comparison of scenarios, paired run by run on the same luck, with intervals."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sim.design import label
from sim.faults import Fault, InputError, shown_path, suggestion
from sim.kernel import Floats
from sim.store import Results

KEYS = ["scenario", "point", "seed", "replicate"]
LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """The finished runs of a results folder as tables; `design` is the label of a design point."""

    runs: pd.DataFrame  # a row a run: design, seed, replicate, outcomes over the last 8 steps
    states: pd.DataFrame  # a row a run and state: design, seed, replicate, state, share_…, regime_stability, bite
    failed: int
    scenarios: dict[str, dict[str, Any]]  # the resolved scenario of each design

    @property
    def designs(self) -> list[str]:
        """Labels of the design points, in the order they were asked."""
        return list(self.scenarios)

    def alignments(self) -> list[str]:
        """Names of the alignments that occur, non-aligned last."""
        found = [column.removeprefix("share_") for column in self.states.columns if column.startswith("share_")]
        return sorted(found, key=lambda name: name == "non_aligned")

    def baseline(self, name: str | None = None) -> str:
        """The design to compare with: the one named, else a baseline, else the first."""
        designs = self.designs
        if name is None:
            return next((design for design in designs if design.startswith("baseline")), designs[0])
        if name in designs:
            return name
        message = f"no such scenario in these results{suggestion(name, designs)}"
        raise InputError([Fault("--baseline", 1, name, message)])


def sample(results: Results) -> Sample:
    """Read the finished runs; raises InputError where there are none."""
    manifest = results.manifest()
    labels = {n: label(p["scenario"], p["settings"]) for n, p in enumerate(manifest["question"]["points"])}
    if not any(results.shards.glob("[!.]*/states.parquet")):
        message = "has no finished run yet; start or resume its sweep"
        raise InputError([Fault(shown_path(results.folder), 1, "", message)])
    with contextlib.closing(results.connection()) as connection:
        runs = connection.execute("select * from runs order by point, seed, replicate").df()
        states = connection.execute("select * from states order by point, seed, replicate, state").df()
    failed = int((runs["status"] == "failed").sum())
    runs = runs[runs["status"] == "ok"].drop(columns=["status", "error", "digest"]).reset_index(drop=True)
    for table in (runs, states):
        table.insert(0, "design", table["point"].map(labels))
    points = {labels[n]: point for n, point in enumerate(manifest["question"]["points"])}
    scenarios = {name: manifest["scenarios"][point["scenario"]] for name, point in points.items()}
    return Sample(runs, states, failed, scenarios)


def mean_interval(values: Floats) -> tuple[float, float, float, int]:
    """Mean, 95 % Student interval and number of the values that are defined."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    n = known.size
    if n == 0:
        return float("nan"), float("nan"), float("nan"), 0
    mean = float(known.mean())
    if n == 1:
        return mean, float("nan"), float("nan"), 1
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * known.std(ddof=1) / np.sqrt(n))
    return mean, mean - half, mean + half, n


def share_interval(count: int, n: int) -> tuple[float, float, float, int]:
    """Share of n runs, its 95 % Wilson interval, and n."""
    if n == 0:
        return float("nan"), float("nan"), float("nan"), 0
    interval = stats.binomtest(count, n).proportion_ci(LEVEL, method="wilson")
    return count / n, float(interval.low), float(interval.high), n


def paired(one: pd.Series, other: pd.Series) -> Floats:
    """Differences of two outcomes over the runs that share seed and replicate."""
    joined = pd.concat([one, other], axis=1, join="inner", keys=["one", "other"])
    return (joined["one"] - joined["other"]).to_numpy(dtype=np.float64)


def outcome(table: pd.DataFrame, design: str, column: str) -> pd.Series:
    """An outcome of a design by seed and replicate."""
    rows = table[table["design"] == design]
    return rows.set_index(["seed", "replicate"])[column].sort_index()


def outcome_columns(table: pd.DataFrame) -> list[str]:
    """Columns that hold outcomes."""
    return [column for column in table.columns if column not in ("design", "state", *KEYS)]


def compare_outcomes(found: Sample, baseline: str) -> pd.DataFrame:
    """For each other design and outcome: both means, the paired mean difference, its interval, the pairs."""
    rows = []
    for design in found.designs:
        for column in outcome_columns(found.runs) if design != baseline else ():
            here, there = outcome(found.runs, design, column), outcome(found.runs, baseline, column)
            if here.notna().any() and there.notna().any():
                mean, low, high, n = mean_interval(paired(here, there))
                rows.append((design, column, there.mean(), here.mean(), mean, low, high, n))
    return pd.DataFrame(
        rows, columns=["scenario", "outcome", "baseline_mean", "mean", "difference", "low", "high", "pairs"]
    )


def compare_states(found: Sample, baseline: str) -> pd.DataFrame:
    """For each other design, state and alignment: both late shares, the paired difference, its interval."""
    columns = [f"share_{alignment}" for alignment in found.alignments()]
    table = found.states.set_index(["design", "state", "seed", "replicate"])[columns].fillna(0.0)
    there = table.loc[baseline]
    rows = []
    for design in found.designs:
        if design == baseline:
            continue
        here = table.loc[design]
        for state in here.index.unique("state").intersection(there.index.unique("state")):
            for column in columns:
                one, other = here.loc[state][column], there.loc[state][column]
                mean, low, high, n = mean_interval(paired(one, other))
                alignment = column.removeprefix("share_")
                rows.append((design, state, alignment, other.mean(), one.mean(), mean, low, high, n))
    names = ["scenario", "state", "alignment", "baseline_mean", "mean", "difference", "low", "high", "pairs"]
    return pd.DataFrame(rows, columns=names)


def late_shares(found: Sample) -> dict[str, dict[str, dict[str, float]]]:
    """Mean late share of each alignment by design and state: the probability of standing there."""
    columns = [f"share_{alignment}" for alignment in found.alignments()]
    means = found.states.groupby(["design", "state"], sort=False)[columns].mean()
    shares: dict[str, dict[str, dict[str, float]]] = {design: {} for design in found.designs}
    for (design, state), row in means.iterrows():
        known = {column.removeprefix("share_"): float(value) for column, value in row.items() if value == value}
        shares[str(design)][str(state)] = known
    return shares


def share_in(found: Sample, design: str, state: str, alignment: str) -> pd.Series:
    """Late share that a state spends in an alignment, by seed and replicate."""
    rows = found.states[found.states["state"] == state]
    return outcome(rows, design, f"share_{alignment}")


def without_difference(outcomes: pd.DataFrame) -> list[str]:
    """Designs in which no outcome differs from the baseline beyond its interval."""
    differs = (outcomes["low"] > 0) | (outcomes["high"] < 0)
    changed: Mapping[Any, Any] = differs.groupby(outcomes["scenario"], sort=False).any().to_dict()
    return [str(design) for design, any_change in changed.items() if not any_change]
