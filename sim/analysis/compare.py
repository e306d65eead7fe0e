"""Comparison of scenarios, paired run by run on the same luck, with intervals."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.statistics import (
    LEVEL,
    Paired,
    adjust_p_values,
    beyond_rounding,
    fewest_pairs,
    paired_differences,
    pairs_for,
    share_interval,
)
from sim.batch.design import point_labels
from sim.batch.store import Results
from sim.errors import Fault, InputError, display_path, suggest
from sim.model.arrays import Flags, Floats
from sim.model.outcomes import last_steps

KEYS = ["scenario", "point", "seed", "replicate"]

MOVED = 0.1  # a smaller change of a state's share of a bloc isn't spoken of

PRECISE = 0.05  # half of an interval that shows a change of a bloc's size as large as is spoken of

LISTED = 6


@dataclass(frozen=True)
class Sample:
    """The finished runs of a results folder as tables; `design` is the label of a design point."""

    runs: pd.DataFrame  # a row a run: design, seed, replicate, outcomes over its last steps
    states: pd.DataFrame  # a row a run and state: design, seed, replicate, state, share_…, regime_stability, bite
    failed: int
    unfinished: int
    scenarios: dict[str, dict[str, Any]]  # the resolved scenario of each design

    @property
    def designs(self) -> list[str]:
        """Labels of the design points, in the order they were asked."""
        return list(self.scenarios)

    @property
    def averaged(self) -> str:
        """The steps that outcomes and shares are means over, such as `the last 8 steps`."""
        return last_steps(int(scenario["steps"]) for scenario in self.scenarios.values())

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
        message = f"no such scenario in these results{suggest(name, designs)}"
        raise InputError([Fault("--baseline", 1, name, message)])


def read_sample(results: Results) -> Sample:
    """Read the finished runs; raises InputError where there are none."""
    manifest = results.manifest()
    named = design_labels(results)
    if "states" not in results.tables():
        message = "has no finished run yet; start or resume its sweep"
        raise InputError([Fault(display_path(results.folder), 1, "", message)])
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


def design_labels(results: Results) -> dict[int, str]:
    """Label of each design point."""
    return dict(enumerate(point_labels(results.manifest()["question"]["points"])))


def outcome_by_run(table: pd.DataFrame, design: str, column: str) -> pd.Series:
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
    "baseline_mean", "mean", "difference", "low", "high", "effect", "rises", "falls", "spread", "p",
    "pairs", "identical", "p_adjusted", "clear",
]  # fmt: skip


def unlike(steps: int, states: Iterable[str], base: str, base_steps: int, base_states: Iterable[str]) -> str:
    """Why the runs of a scenario cannot be compared with those of another, the base; empty where they can.

    Outcomes are means over the last steps, which mean another thing in a shorter run, and shares of one's own world.
    """
    if steps != base_steps:
        return f"runs {steps} steps and {base} {base_steps}; give both as many steps to compare them"
    if set(states).isdisjoint(base_states):
        return f"has no state in common with {base}; compare scenarios of one world"
    return ""


def check_alike(found: Sample, baseline: str, designs: Iterable[str] | None = None) -> None:
    """Raise InputError that names every design, of all or of some, whose runs are not like the baseline's."""
    base, faults = found.scenarios[baseline], []
    for design in found.designs if designs is None else designs:
        told = found.scenarios[design]
        if message := unlike(told["steps"], told["states"], baseline, base["steps"], base["states"]):
            faults.append(Fault("compare", 1, design, message))
    if faults:
        raise InputError(faults)


def compare_outcomes(found: Sample, baseline: str) -> pd.DataFrame:
    """Every outcome of each other design beside the baseline's, a row each, over the pairs where both are defined.

    COMPARED: both means, the mean difference with its 95 % interval and effect size, the shares of the pairs
    that rise and fall, the standard deviation of the differences, p of no difference, the pairs, whether all of
    them are identical, p corrected for all outcomes of the design asked at once, and whether the difference is
    clear by it (at 5 %). Raises InputError for designs whose runs are not like the baseline's.
    """
    check_alike(found, baseline)
    columns = outcome_columns(found.runs)
    there = index_by_pair(found.runs[found.runs["design"] == baseline])[columns]
    tables = []
    for design in (d for d in found.designs if d != baseline):
        here = index_by_pair(found.runs[found.runs["design"] == design])[columns]
        table = compare_columns(here, there)
        table.insert(0, "outcome", table.index)
        table.insert(0, "scenario", design)
        tables.append(table)
    empty = pd.DataFrame(columns=["scenario", "outcome", *COMPARED])
    return pd.concat(tables, ignore_index=True) if tables else empty


def compare_states(found: Sample, baseline: str) -> pd.DataFrame:
    """The late share of every alignment by state, beside the baseline's: columns as in `compare_outcomes`.

    Raises InputError as that does.
    """
    check_alike(found, baseline)
    shares = [f"share_{alignment}" for alignment in found.alignments()]
    there = wide_shares(found, baseline, shares)
    tables = []
    for design in (d for d in found.designs if d != baseline):
        here = wide_shares(found, design, shares)
        both = here.columns.intersection(there.columns, sort=False)
        table = compare_columns(here[both], there[both])
        table.insert(0, "alignment", [column.removeprefix("share_") for _, column in table.index])
        table.insert(0, "state", [state for state, _ in table.index])
        table.insert(0, "scenario", design)
        tables.append(table)
    empty = pd.DataFrame(columns=["scenario", "state", "alignment", *COMPARED])
    return pd.concat(tables, ignore_index=True) if tables else empty


def index_by_pair(table: pd.DataFrame) -> pd.DataFrame:
    """Rows by what pairs them: seed and replicate."""
    return table.set_index(["seed", "replicate"]).sort_index()


def wide_shares(found: Sample, design: str, shares: list[str]) -> pd.DataFrame:
    """Late shares of a design: a row a run, a column for each state and alignment."""
    rows = found.states[found.states["design"] == design].set_index(["seed", "replicate", "state"])[shares].fillna(0.0)
    wide = rows.unstack("state").sort_index(axis=1).swaplevel(axis=1)
    order = [(state, share) for state in rows.index.unique("state") for share in shares]
    return wide[sorted(order, key=lambda key: key[0])]


def compare_columns(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Each column of one beside that of the other over the pairs where both are defined: COMPARED, a row a column.

    A column without such a pair is left out; with one pair there is neither interval nor p.
    """
    runs = one.index.intersection(other.index)
    here, there = one.loc[runs].to_numpy(dtype=float).T, other.loc[runs].to_numpy(dtype=float).T
    known = ~(np.isnan(here) | np.isnan(there))
    rows = np.full((len(here), len(COMPARED) - 3), np.nan)
    for pattern in np.unique(known, axis=0):
        same = np.flatnonzero((known == pattern).all(axis=1))
        if pattern.any():
            rows[same] = measures(here[np.ix_(same, pattern)], there[np.ix_(same, pattern)])
    table = pd.DataFrame(rows, columns=COMPARED[:-3], index=one.columns)
    table["identical"] = ~differing(here, there).any(axis=1)
    table = table.dropna(subset=["pairs"]).astype({"pairs": int})
    asked = table["p"].notna()
    table["p_adjusted"] = np.nan
    table.loc[asked, "p_adjusted"] = adjust_p_values(table.loc[asked, "p"].to_numpy())
    table["clear"] = table["p_adjusted"] <= 1 - LEVEL
    return table


def measures(a: Floats, b: Floats) -> Floats:
    """The measured columns of COMPARED, to `pairs`, of outcomes over n ≥ 1 pairs, (M, n) each: (M, columns)."""
    n = a.shape[1]
    if n == 1:
        gaps = np.where(differing(a, b), a - b, 0.0)[:, 0]
        none = np.full(len(gaps), np.nan)
        found = Paired(gaps, none, none, none, (gaps > 0).astype(np.float64), (gaps < 0).astype(np.float64), none, none)
    else:
        found = paired_differences(a, b)
    return np.stack([b.mean(axis=1), a.mean(axis=1), *found, np.full(len(a), n)], axis=1)


def differing(one: Floats, other: Floats) -> Flags:
    """Where two arrays differ by more than rounding, or only one of them is undefined."""
    size = np.maximum(np.abs(one), np.abs(other))
    apart: Flags = beyond_rounding(one - other, size) | (np.isnan(one) != np.isnan(other))
    return apart


def interval_words(one: Any) -> str:
    """The 95 % interval of a row of COMPARED in words, or why there is none."""
    if not math.isnan(one.low):
        return f"{one.low:+.3f} to {one.high:+.3f}"
    if one.pairs < 2:
        return "– (one pair)"
    return "identical in all pairs" if one.identical else "the same in all pairs"


@dataclass(frozen=True)
class Pairing:
    """How the runs of a design pair with the baseline's, and how much that allows to say."""

    scenario: str
    pairs: int
    identical: bool  # whether every outcome and state of every pair is, up to rounding
    asked: int  # the most differences that are asked at once: outcomes, or states by alignment
    fewest: int  # pairs with which any of them can be clear at all
    wanted: int | None  # pairs for an interval of ±0.05 about the bloc whose difference spreads most; None if unknown
    widest: str  # the outcome of that bloc
    undefined: tuple[str, ...]  # outcomes with a value only here or only in the baseline's runs, so not compared
    apart: tuple[str, ...]  # states only here or only in the baseline's world

    @property
    def sentences(self) -> list[str]:
        """What a reader has to know before the numbers; empty where nothing is out of the ordinary."""
        said = []
        if self.pairs == 0:
            said.append("no run has the seed and replicate of one of the baseline's; nothing can be compared")
        elif self.identical:
            runs = f"all {self.pairs} pairs of runs are" if self.pairs > 1 else "the only pair of runs is"
            said.append(f"{runs} identical to the baseline's; the change has no effect in these runs")
        elif self.pairs < self.fewest:
            said.append(self.too_few())
        if self.undefined:
            said.append(f"not compared, as only one of the two has a value: {listed(self.undefined)}")
        if self.apart:
            said.append(f"only one of the two worlds has {listed(self.apart)}; shares are of each one's own world")
        return said

    def too_few(self) -> str:
        """How many pairs would do, and by what."""
        pairs = "1 pair of runs is" if self.pairs == 1 else f"{self.pairs} pairs of runs are"
        said = (
            f"{pairs} too few to tell a difference from chance: with fewer than {self.fewest} replicates none of"
            f" {self.asked} differences asked at once can be clear (Holm 1979)"
        )
        if self.wanted is None:
            return f"{said}; one pair says nothing of how they spread"
        if self.wanted <= self.fewest:
            return said
        return (
            f"{said}; by the spread of these {self.pairs} pairs, a rough figure, an interval of ±{PRECISE:g} about"
            f" {self.widest} takes some {self.wanted}"
        )


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def pairings(found: Sample, baseline: str, outcomes: pd.DataFrame, states: pd.DataFrame) -> list[Pairing]:
    """How each other design's runs pair with the baseline's, from the tables of `compare_outcomes` and `_states`."""
    return [pairing(found, baseline, d, outcomes, states) for d in found.designs if d != baseline]


def pairing(found: Sample, baseline: str, design: str, outcomes: pd.DataFrame, states: pd.DataFrame) -> Pairing:
    """How the runs of one design pair with the baseline's."""
    one, other = (outcomes[outcomes["scenario"] == design], states[states["scenario"] == design])
    here, there = (index_by_pair(found.runs[found.runs["design"] == name]) for name in (design, baseline))
    columns = outcome_columns(found.runs)
    valued = here[columns].notna().any() != there[columns].notna().any()
    undefined = tuple(valued.index[valued]) if len(here) else ()
    inside = [set(found.scenarios[name]["states"]) for name in (design, baseline)]
    pairs = len(here.index.intersection(there.index))
    asked = max(len(one), len(other), 1)
    sizes = one[one["outcome"].isin(main_outcomes(found)) & one["outcome"].str.startswith("capability_")]
    sizes = sizes[sizes["spread"].notna()].sort_values("spread", ascending=False, kind="stable")
    widest = sizes.iloc[0] if len(sizes) else None
    return Pairing(
        design, pairs, bool(pairs and not undefined and one["identical"].all() and other["identical"].all()),
        asked, fewest_pairs(asked), None if widest is None else pairs_for(PRECISE, float(widest["spread"])),
        "" if widest is None else str(widest["outcome"]), undefined, tuple(sorted(inside[0] ^ inside[1])),
    )  # fmt: skip


def identical_words(outcomes: pd.DataFrame) -> str:
    """What it means that an outcome is identical in all pairs of runs; empty where none is."""
    same = outcomes[outcomes["identical"] & (outcomes["pairs"] > 1)]
    if not len(same):
        return ""
    n = int(same["pairs"].max())
    most = 100 * share_interval(0, n)[2]
    return f"identical in all pairs: none of {n} pairs of runs differs; of other runs up to {most:.1f} % may (95 %)"


def mean_late_shares(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """Mean late share of each alignment by design and state: the probability of standing there.

    Read group by group, so that memory does not grow with the runs. Empty where no run has finished well.
    """
    named = design_labels(results)
    shares: dict[str, dict[str, dict[str, float]]] = {name: {} for name in named.values()}
    if "states" not in results.tables():
        return shares
    query = "select point, state, avg(columns('share_.*')) from states group by point, state order by point, state"
    for (point, state, *means), names in query_rows(results, query):
        alignments = (name.removeprefix("share_") for name in names[2:])
        known = {a: mean for a, mean in zip(alignments, means, strict=True) if mean is not None}
        shares[named[point]][state] = known
    return shares


def bloc_sizes(results: Results) -> list[tuple[str, str, float, float, float, float, float, int]]:
    """Capability of each bloc by design: mean, 5, 50 and 95 % quantile, share of the runs with a tenth, runs."""
    columns = [name for (_, *_), names in query_rows(results, "select * from runs limit 1") for name in names]
    blocs = [c.removeprefix("capability_") for c in columns if c.startswith("capability_") and c[11:] != "non_aligned"]
    rows = []
    for bloc in blocs:
        size = f"capability_{bloc}"
        query = (
            f"select point, avg({size}), quantile_cont({size}, [0.05, 0.5, 0.95]), avg(({size} >= 0.1)::int),"  # noqa: S608
            f" count({size}) from runs where {size} is not null and status = 'ok' group by point order by point"
        )
        for (point, mean, quantiles, share, count), _ in query_rows(results, query):
            rows.append((point, blocs.index(bloc), (bloc, mean, *quantiles, share, count)))
    named = design_labels(results)
    return [(named[point], *row) for point, _, row in sorted(rows, key=lambda row: row[:2])]


def query_rows(results: Results, query: str) -> Iterator[tuple[tuple[Any, ...], list[str]]]:
    """Rows of a query with the names of its columns; by one thread, so that sums keep their order."""
    with contextlib.closing(results.connection()) as connection:
        connection.execute("set threads = 1")
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        for row in found.fetchall():
            yield row, names


def designs_without_difference(outcomes: pd.DataFrame) -> list[str]:
    """Designs in which some outcome differs from the baseline, and none clearly."""
    by_design = outcomes.groupby("scenario", sort=False)
    quiet = ~by_design["clear"].any() & ~by_design["identical"].all()
    return [str(design) for design in quiet.index[quiet]]


def clear_state_changes(states: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of states in which a share of a bloc moves by a tenth or more, surely, by alignment."""
    sure = states[states["clear"] & (states["difference"].abs() >= MOVED)]
    sure = sure[sure["alignment"] != "non_aligned"]
    alignments = list(sure["alignment"].unique())
    ordered = sure.reindex(sure["difference"].abs().sort_values(ascending=False, kind="stable").index)
    return ordered.sort_values("alignment", key=lambda column: column.map(alignments.index), kind="stable")
