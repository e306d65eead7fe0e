"""Comparison of scenarios, paired run by run on the same luck, with intervals."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
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
MOVED = 0.1  # a smaller change of a state's share of a bloc isn't spoken of


@dataclass(frozen=True)
class Sample:
    """The finished runs of a results folder as tables; `design` is the label of a design point."""

    runs: pd.DataFrame  # a row a run: design, seed, replicate, outcomes over the last 8 steps
    states: pd.DataFrame  # a row a run and state: design, seed, replicate, state, share_…, regime_stability, bite
    failed: int
    unfinished: int
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
        """The design to compare with: the one named, else a baseline, else the first; raises InputError."""
        designs = self.designs
        if name is None:
            name = next((design for design in designs if design.startswith("baseline")), designs[0])
        if name in designs and name not in set(self.runs["design"]):
            message = "has no finished run yet; go on with the same `blocs sweep`"
            raise InputError([Fault("--baseline", 1, name, message)])
        if name in designs:
            return name
        message = f"no such scenario in these results{suggestion(name, designs)}"
        raise InputError([Fault("--baseline", 1, name, message)])


def sample(results: Results) -> Sample:
    """Read the finished runs; raises InputError where there are none."""
    manifest = results.manifest()
    labels = designs(results)
    if "states" not in results.tables():
        message = "has no finished run yet; start or resume its sweep"
        raise InputError([Fault(shown_path(results.folder), 1, "", message)])
    with contextlib.closing(results.connection()) as connection:
        runs = connection.execute("select * from runs order by point, seed, replicate").df()
        states = connection.execute("select * from states order by point, seed, replicate, state").df()
    failed = int((runs["status"] == "failed").sum())
    unfinished = sum(point["replicates"] for point in manifest["question"]["points"]) - len(runs)
    runs = runs[runs["status"] == "ok"].drop(columns=["status", "error", "digest"]).reset_index(drop=True)
    for table in (runs, states):
        table.insert(0, "design", table["point"].map(labels))
    points = {labels[n]: point for n, point in enumerate(manifest["question"]["points"])}
    scenarios = {name: manifest["scenarios"][point["scenario"]] for name, point in points.items()}
    return Sample(runs, states, failed, unfinished, scenarios)


def designs(results: Results) -> dict[int, str]:
    """Label of each design point."""
    asked = results.manifest()["question"]["points"]
    return {n: label(point["scenario"], point["settings"]) for n, point in enumerate(asked)}


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
    joined = together(one, other)
    return (joined["one"] - joined["other"]).to_numpy(dtype=np.float64)


def together(one: pd.Series, other: pd.Series) -> pd.DataFrame:
    """Two outcomes beside each other, over the runs that share seed and replicate."""
    return pd.concat([one, other], axis=1, join="inner", keys=["one", "other"])


def outcome(table: pd.DataFrame, design: str, column: str) -> pd.Series:
    """An outcome of a design by seed and replicate."""
    rows = table[table["design"] == design]
    return rows.set_index(["seed", "replicate"])[column].sort_index()


def outcome_columns(table: pd.DataFrame) -> list[str]:
    """Columns that hold outcomes."""
    return [column for column in table.columns if column not in ("design", "state", *KEYS)]


def compare_outcomes(found: Sample, baseline: str) -> pd.DataFrame:
    """For each other design and outcome: both means over the pairs, the mean difference, its interval, the pairs."""
    rows = [
        (design, column, *comparison)
        for design in found.designs
        for column in (outcome_columns(found.runs) if design != baseline else ())
        if (comparison := compared(outcome(found.runs, design, column), outcome(found.runs, baseline, column)))
    ]
    return pd.DataFrame(rows, columns=["scenario", "outcome", *COMPARED])


COMPARED = ["baseline_mean", "mean", "difference", "low", "high", "pairs"]


def compared(one: pd.Series, other: pd.Series) -> tuple[float, float, float, float, float, int] | None:
    """Means of the other and the one over the pairs where both are defined, and their difference; None without."""
    joined = together(one, other).dropna()
    if not len(joined):
        return None
    mean, low, high, n = mean_interval((joined["one"] - joined["other"]).to_numpy(dtype=np.float64))
    return float(joined["other"].mean()), float(joined["one"].mean()), mean, low, high, n


def compare_states(found: Sample, baseline: str) -> pd.DataFrame:
    """For each other design, state and alignment: both late shares, the paired difference, its interval."""
    columns = [f"share_{alignment}" for alignment in found.alignments()]
    table = found.states.set_index(["design", "state", "seed", "replicate"])[columns].fillna(0.0).sort_index()
    there = table.loc[baseline]
    rows = []
    for design in table.index.unique("design").drop(baseline):
        here = table.loc[design]
        for state in here.index.unique("state").intersection(there.index.unique("state")):
            for column in columns:
                comparison = compared(here.loc[state][column], there.loc[state][column])
                if comparison:
                    rows.append((design, state, column.removeprefix("share_"), *comparison))
    return pd.DataFrame(rows, columns=["scenario", "state", "alignment", *COMPARED])


def late_shares(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """Mean late share of each alignment by design and state: the probability of standing there.

    Read group by group, so that memory does not grow with the runs. Empty where no run has finished well.
    """
    labels = designs(results)
    shares: dict[str, dict[str, dict[str, float]]] = {name: {} for name in labels.values()}
    if "states" not in results.tables():
        return shares
    query = "select point, state, avg(columns('share_.*')) from states group by point, state order by point, state"
    for (point, state, *means), names in grouped(results, query):
        alignments = (name.removeprefix("share_") for name in names[2:])
        known = {a: mean for a, mean in zip(alignments, means, strict=True) if mean is not None}
        shares[labels[point]][state] = known
    return shares


def bloc_sizes(results: Results) -> list[tuple[str, str, float, float, float, float, float, int]]:
    """Capability of each bloc by design: mean, 5, 50 and 95 % quantile, share of the runs with a tenth, runs."""
    columns = [name for (_, *_), names in grouped(results, "select * from runs limit 1") for name in names]
    blocs = [c.removeprefix("capability_") for c in columns if c.startswith("capability_") and c[11:] != "non_aligned"]
    rows = []
    for bloc in blocs:
        size = f"capability_{bloc}"
        query = (
            f"select point, avg({size}), quantile_cont({size}, [0.05, 0.5, 0.95]), avg(({size} >= 0.1)::int),"  # noqa: S608
            f" count({size}) from runs where {size} is not null and status = 'ok' group by point order by point"
        )
        for (point, mean, quantiles, share, count), _ in grouped(results, query):
            rows.append((point, blocs.index(bloc), (bloc, mean, *quantiles, share, count)))
    labels = designs(results)
    return [(labels[point], *row) for point, _, row in sorted(rows, key=lambda row: row[:2])]


def grouped(results: Results, query: str) -> Iterator[tuple[tuple[Any, ...], list[str]]]:
    """Rows of a query with the names of its columns; by one thread, so that sums keep their order."""
    with contextlib.closing(results.connection()) as connection:
        connection.execute("set threads = 1")
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        for row in found.fetchall():
            yield row, names


def share_in(found: Sample, design: str, state: str, alignment: str) -> pd.Series:
    """Late share that a state spends in an alignment, by seed and replicate."""
    rows = found.states[found.states["state"] == state]
    return outcome(rows, design, f"share_{alignment}")


def without_difference(outcomes: pd.DataFrame) -> list[str]:
    """Designs in which no outcome differs from the baseline beyond its interval."""
    differs = (outcomes["low"] > 0) | (outcomes["high"] < 0)
    changed: Mapping[Any, Any] = differs.groupby(outcomes["scenario"], sort=False).any().to_dict()
    return [str(design) for design, any_change in changed.items() if not any_change]


def surely_moved(states: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of states in which a share of a bloc moves by a tenth or more, surely, by alignment."""
    sure = states[((states["low"] > 0) | (states["high"] < 0)) & (states["difference"].abs() >= MOVED)]
    sure = sure[sure["alignment"] != "non_aligned"]
    alignments = list(sure["alignment"].unique())
    ordered = sure.reindex(sure["difference"].abs().sort_values(ascending=False, kind="stable").index)
    return ordered.sort_values("alignment", key=lambda column: column.map(alignments.index), kind="stable")
