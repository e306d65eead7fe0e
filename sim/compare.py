"""Comparison of scenarios, paired run by run on the same luck, with intervals."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.design import labels
from sim.faults import Fault, InputError, shown_path, suggestion
from sim.intervals import LEVEL, adjusted, paired_differences
from sim.store import Results

KEYS = ["scenario", "point", "seed", "replicate"]
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
    named = designs(results)
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
        table.insert(0, "design", table["point"].map(named))
    points = {named[n]: point for n, point in enumerate(manifest["question"]["points"])}
    scenarios = {name: manifest["scenarios"][point["scenario"]] for name, point in points.items()}
    return Sample(runs, states, failed, unfinished, scenarios)


def designs(results: Results) -> dict[int, str]:
    """Label of each design point."""
    return dict(enumerate(labels(results.manifest()["question"]["points"])))


def outcome(table: pd.DataFrame, design: str, column: str) -> pd.Series:
    """An outcome of a design by seed and replicate."""
    rows = table[table["design"] == design]
    return rows.set_index(["seed", "replicate"])[column].sort_index()


def outcome_columns(table: pd.DataFrame) -> list[str]:
    """Columns that hold outcomes."""
    return [column for column in table.columns if column not in ("design", "state", *KEYS)]


def main_outcomes(found: Sample) -> list[str]:
    """The outcomes that are told first: size of every bloc, and polarization."""
    blocs = [alignment for alignment in found.alignments() if alignment != "non_aligned"]
    return [*(f"{what}_{bloc}" for what in ("capability", "members") for bloc in blocs), "polarization"]


COMPARED = [
    "baseline_mean", "mean", "difference", "low", "high", "effect", "rises", "falls", "pairs",
    "p", "p_adjusted", "clear",
]  # fmt: skip


def compare_outcomes(found: Sample, baseline: str) -> pd.DataFrame:
    """Every outcome of each other design beside the baseline's, a row each, over the pairs where both are defined.

    COMPARED: both means, the mean difference with its 95 % interval and effect size, the shares of the pairs
    that rise and fall, the pairs, p of no difference, p corrected for all outcomes of the design asked at once,
    and whether the difference is clear by it (at 5 %).
    """
    columns = outcome_columns(found.runs)
    there = paired_index(found.runs[found.runs["design"] == baseline])[columns]
    tables = []
    for design in (d for d in found.designs if d != baseline):
        here = paired_index(found.runs[found.runs["design"] == design])[columns]
        table = compared(here, there)
        table.insert(0, "outcome", table.index)
        table.insert(0, "scenario", design)
        tables.append(table)
    empty = pd.DataFrame(columns=["scenario", "outcome", *COMPARED])
    return pd.concat(tables, ignore_index=True) if tables else empty


def compare_states(found: Sample, baseline: str) -> pd.DataFrame:
    """The late share of every alignment by state, beside the baseline's: columns as in `compare_outcomes`."""
    shares = [f"share_{alignment}" for alignment in found.alignments()]
    there = wide_shares(found, baseline, shares)
    tables = []
    for design in (d for d in found.designs if d != baseline):
        here = wide_shares(found, design, shares)
        both = here.columns.intersection(there.columns, sort=False)
        table = compared(here[both], there[both])
        table.insert(0, "alignment", [column.removeprefix("share_") for _, column in table.index])
        table.insert(0, "state", [state for state, _ in table.index])
        table.insert(0, "scenario", design)
        tables.append(table)
    empty = pd.DataFrame(columns=["scenario", "state", "alignment", *COMPARED])
    return pd.concat(tables, ignore_index=True) if tables else empty


def paired_index(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by what pairs them: seed and replicate."""
    return table.set_index(["seed", "replicate"]).sort_index()


def wide_shares(found: Sample, design: str, shares: list[str]) -> pd.DataFrame:
    """Late shares of a design: a row a run, a column for each state and alignment."""
    rows = found.states[found.states["design"] == design].set_index(["seed", "replicate", "state"])[shares].fillna(0.0)
    wide = rows.unstack("state").sort_index(axis=1).swaplevel(axis=1)
    order = [(state, share) for state in rows.index.unique("state") for share in shares]
    return wide[sorted(order, key=lambda key: key[0])]


def compared(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Each column of one beside that of the other over the pairs where both are defined: COMPARED, a row a column."""
    runs = one.index.intersection(other.index)
    here, there = one.loc[runs].to_numpy(dtype=float).T, other.loc[runs].to_numpy(dtype=float).T
    known = ~(np.isnan(here) | np.isnan(there))
    rows = np.full((len(here), len(COMPARED)), np.nan)
    for pattern in np.unique(known, axis=0):
        if pattern.sum() >= 2:
            same = np.flatnonzero((known == pattern).all(axis=1))
            a, b = here[np.ix_(same, pattern)], there[np.ix_(same, pattern)]
            found = paired_differences(a, b)
            n = np.full(len(same), pattern.sum())
            rows[same, :-2] = np.stack([b.mean(axis=1), a.mean(axis=1), *found[:-1], n, found.p], axis=1)
    table = pd.DataFrame(rows, columns=COMPARED, index=one.columns).dropna(subset=["pairs"])
    table["p_adjusted"] = adjusted(table["p"].to_numpy())
    table["clear"] = table["p_adjusted"] <= 1 - LEVEL
    return table.astype({"pairs": int})


def late_shares(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """Mean late share of each alignment by design and state: the probability of standing there.

    Read group by group, so that memory does not grow with the runs. Empty where no run has finished well.
    """
    named = designs(results)
    shares: dict[str, dict[str, dict[str, float]]] = {name: {} for name in named.values()}
    if "states" not in results.tables():
        return shares
    query = "select point, state, avg(columns('share_.*')) from states group by point, state order by point, state"
    for (point, state, *means), names in grouped(results, query):
        alignments = (name.removeprefix("share_") for name in names[2:])
        known = {a: mean for a, mean in zip(alignments, means, strict=True) if mean is not None}
        shares[named[point]][state] = known
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
    named = designs(results)
    return [(named[point], *row) for point, _, row in sorted(rows, key=lambda row: row[:2])]


def grouped(results: Results, query: str) -> Iterator[tuple[tuple[Any, ...], list[str]]]:
    """Rows of a query with the names of its columns; by one thread, so that sums keep their order."""
    with contextlib.closing(results.connection()) as connection:
        connection.execute("set threads = 1")
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        for row in found.fetchall():
            yield row, names


def without_difference(outcomes: pd.DataFrame) -> list[str]:
    """Designs in which no outcome differs clearly from the baseline."""
    changed: Mapping[Any, Any] = outcomes.groupby("scenario", sort=False)["clear"].any().to_dict()
    return [str(design) for design, any_change in changed.items() if not any_change]


def surely_moved(states: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of states in which a share of a bloc moves by a tenth or more, surely, by alignment."""
    sure = states[states["clear"] & (states["difference"].abs() >= MOVED)]
    sure = sure[sure["alignment"] != "non_aligned"]
    alignments = list(sure["alignment"].unique())
    ordered = sure.reindex(sure["difference"].abs().sort_values(ascending=False, kind="stable").index)
    return ordered.sort_values("alignment", key=lambda column: column.map(alignments.index), kind="stable")
