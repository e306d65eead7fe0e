"""Compare scenarios, paired run by run on common random numbers, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sim.analysis.dated.incidence import LARGE
from sim.analysis.paired import COMPARED, check_alike, compare_columns, index_by_pair, mark_clear, recorded_timing
from sim.analysis.statistics import fewest_pairs, share_interval
from sim.batch.design import is_short, point_labels
from sim.batch.store import Results
from sim.batch.tables.schema import quote_name
from sim.batch.tables.whole import require_whole_tables, with_texts
from sim.errors import Fault, InputError, display_path, suggest
from sim.model.outcomes import last_steps, late_window

KEYS = ["scenario", "point", "seed", "replicate"]

MOVED = 0.1  # smallest change of a state's share of a bloc that is reported

LISTED = 6  # most names in one sentence


@dataclass(frozen=True)
class Sample:
    """The finished runs of a results folder as tables.

    Parameters
    ----------
    runs
        One row per run: `design` (the label of the design point), seed, replicate, outcomes over the last steps.
    states
        One row per run and state: seed, replicate, share_…, regime_stability, bite; as categories design, state, start,
        final.
    failed, unfinished
        Number of failed and of unfinished runs.
    scenarios
        The resolved scenario of each design, in the order of the sweep.
    settings
        The swept settings of each design, by their paths; those of a design that is left out are none.
    """

    runs: pd.DataFrame
    states: pd.DataFrame
    failed: int
    unfinished: int
    scenarios: dict[str, dict[str, Any]]
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def designs(self) -> list[str]:
        """Labels of the design points, in the order of the sweep."""
        return list(self.scenarios)

    @property
    def averaged(self) -> str:
        """Name the steps that outcomes and shares are means over, such as `the last 8 steps`."""
        ran = map(recorded_timing, self.scenarios.values())
        return last_steps(late_window(one.steps, one.date, one.lens) for one in ran)

    def alignments(self) -> list[str]:
        """Return the names of the alignments that occur, non-aligned last."""
        names = [column.removeprefix("share_") for column in self.states.columns if column.startswith("share_")]
        return sorted(names, key=lambda name: name == "non_aligned")

    def baseline(self, name: str | None = None) -> str:
        """Choose the design to compare with: the one named, else a baseline, else the first; raises InputError."""
        designs = self.designs
        if name is None:
            name = next((design for design in designs if design.startswith("baseline")), designs[0])
        if name in designs and name not in set(self.runs["design"]):
            message = "has no finished run yet; resume it with the same `blocs sweep`"
            raise InputError([Fault("--baseline", 1, name, message)])
        if name in designs:
            return name
        message = f"no such scenario in these results{suggest(name, designs)}"
        raise InputError([Fault("--baseline", 1, name, message)])


def read_sample(results: Results) -> Sample:
    """Read the finished runs of a results folder.

    Parameters
    ----------
    results
        The folder of a sweep.

    Returns
    -------
    Sample
        Runs and states as tables, with the number of failed and unfinished runs.

    Raises
    ------
    InputError
        If no run is finished.
    """
    manifest = results.manifest()
    labels = design_labels(results)
    shards = results.own(manifest)
    if not any("states.parquet" in files for files in shards.values()):
        message = "has no finished run yet; start or resume its sweep"
        raise InputError([Fault(display_path(results.folder), 1, "", message)])
    with results.reading(("runs", "states")) as connection:
        query = "select * exclude (digest, error) from coded.runs order by point, seed, replicate"
        runs = connection.execute(query).df()
        states = connection.execute("select * from coded.states").df()
    states = states.sort_values(["point", "seed", "replicate", "state"], ignore_index=True)  # DuckDB takes more memory
    require_whole_tables(results, runs, states, shards)
    failed = int((runs["status"] == "failed").sum())
    unfinished = sum(point["replicates"] for point in manifest["question"]["points"]) - len(runs)
    runs = with_texts(runs[runs["status"] == "ok"].drop(columns="status").reset_index(drop=True))
    runs.insert(0, "design", runs["point"].map(labels))
    states.insert(0, "design", pd.Categorical.from_codes(states["point"], list(labels.values())))
    points = {labels[n]: point for n, point in enumerate(manifest["question"]["points"])}
    scenarios = {name: manifest["scenarios"][point["scenario"]] for name, point in points.items()}
    settings = {name: point["settings"] for name, point in points.items()}
    return Sample(runs, states, failed, unfinished, scenarios, settings)


def design_labels(results: Results) -> dict[int, str]:
    """Label each design point."""
    return dict(enumerate(point_labels(results.manifest()["question"]["points"])))


def outcome_by_run(table: pd.DataFrame, design: str, column: str) -> pd.Series:
    """Select an outcome of a design, by seed and replicate."""
    rows = table[table["design"] == design]
    return rows.set_index(["seed", "replicate"])[column].sort_index()


def outcome_columns(table: pd.DataFrame) -> list[str]:
    """Name the columns that are outcomes."""
    return [column for column in table.columns if column not in ("design", "state", *KEYS)]


def main_outcomes(found: Sample) -> list[str]:
    """Name the outcomes that are reported first: the size of every bloc, and polarization."""
    blocs = [alignment for alignment in found.alignments() if alignment != "non_aligned"]
    return [*(f"{what}_{bloc}" for what in ("capability", "members") for bloc in blocs), "polarization"]


def compare_outcomes(found: Sample, baseline: str) -> pd.DataFrame:
    """Compare every outcome of each other design with the baseline, run by run.

    Parameters
    ----------
    found
        The finished runs.
    baseline
        The label of the design to compare with.

    Returns
    -------
    DataFrame
        One row per scenario and outcome, over the pairs where both are defined. Columns: scenario, outcome,
        `baseline_mean` and `mean`; `difference` with its 95 % interval (`low`, `high`) and `effect` size;
        the shares of the pairs that rise and fall; `spread`, the standard deviation of the differences;
        `p` of no difference; `pairs`; whether all pairs are `identical`; `p_adjusted` for all rows of the
        table at once (Holm 1979); and whether the difference is `clear` by it (at 5 %).

    Raises
    ------
    InputError
        If a design has another number of steps than the baseline, or no state in common with it.
    """
    columns = outcome_columns(found.runs)
    base = index_by_pair(found.runs[found.runs["design"] == baseline])[columns]

    def compare_design(design: str) -> pd.DataFrame:
        table = compare_columns(index_by_pair(found.runs[found.runs["design"] == design])[columns], base)
        table.insert(0, "outcome", table.index)
        return table

    return compare_designs(found, baseline, ["outcome"], compare_design)


def compare_states(found: Sample, baseline: str) -> pd.DataFrame:
    """Compare each state's late share of every alignment with the baseline, run by run.

    Parameters
    ----------
    found
        The finished runs.
    baseline
        The label of the design to compare with.

    Returns
    -------
    DataFrame
        One row per scenario, state and alignment; the other columns are those of `compare_outcomes`.

    Raises
    ------
    InputError
        If a design has another number of steps than the baseline, or no state in common with it.
    """
    shares = [f"share_{alignment}" for alignment in found.alignments()]
    base = wide_shares(found, baseline, shares)

    def compare_design(design: str) -> pd.DataFrame:
        wide = wide_shares(found, design, shares)
        both = wide.columns.intersection(base.columns, sort=False)
        table = compare_columns(wide[both], base[both])
        table.insert(0, "alignment", [column.removeprefix("share_") for _, column in table.index])
        table.insert(0, "state", [state for state, _ in table.index])
        return table

    return compare_designs(found, baseline, ["state", "alignment"], compare_design)


def compare_designs(
    found: Sample, baseline: str, keys: list[str], compare_design: Callable[[str], pd.DataFrame]
) -> pd.DataFrame:
    """Concatenate the table of each design but the baseline, with the design's label first."""
    check_alike(found.scenarios, baseline)
    tables = [compare_design(design).assign(scenario=design) for design in found.designs if design != baseline]
    columns = ["scenario", *keys, *COMPARED]
    return mark_clear(pd.concat(tables, ignore_index=True))[columns] if tables else pd.DataFrame(columns=columns)


def wide_shares(found: Sample, design: str, shares: list[str]) -> pd.DataFrame:
    """Tabulate the late shares of a design: one row per run, one column per state and alignment."""
    rows = with_texts(found.states.loc[found.states["design"] == design, ["seed", "replicate", "state", *shares]])
    wide = rows.set_index(["seed", "replicate", "state"]).fillna(0.0).unstack("state").sort_index(axis=1)
    order = [(state, share) for state in rows["state"].unique() for share in shares]
    return wide.swaplevel(axis=1)[sorted(order, key=lambda key: key[0])]


def interval_words(one: Any) -> str:
    """Describe the 95 % interval of a row of COMPARED, or why there is none."""
    if not math.isnan(one.low):
        return f"{one.low:+.3f} to {one.high:+.3f}"
    if one.pairs < 2:
        return "– (one pair)"
    return "identical in all pairs" if one.identical else "the same in all pairs"


@dataclass(frozen=True)
class Pairing:
    """How the runs of a design pair with the baseline's, and how much the pairs can show."""

    scenario: str
    pairs: int
    identical: bool  # whether every outcome and state of every pair is identical, up to rounding
    asked: int  # differences tested at once, over all scenarios: outcomes, or states by alignment, the larger number
    fewest: int  # pairs below which none of them can be clear
    undefined: tuple[str, ...]  # outcomes that have a value on one side only, and are not compared
    apart: tuple[str, ...]  # states in one of the two worlds only
    laws: tuple[str, ...] = ()  # the dispositions of the two, where they differ

    @property
    def sentences(self) -> list[str]:
        """Sentences that a reader needs before the numbers; empty in the ordinary case."""
        texts = []
        if self.pairs == 0:
            texts.append("no run has the seed and replicate of a baseline run; nothing can be compared")
        elif self.identical:
            runs = f"all {self.pairs} pairs of runs are" if self.pairs > 1 else "the only pair of runs is"
            flips = "`blocs explain SCENARIO STATE --flip` shows which changes turn a state"
            texts.append(f"{runs} identical to the baseline's; the change has no effect in these runs ({flips})")
        elif self.pairs < self.fewest:
            texts.append(self.describe_shortage())
        if self.laws:
            here, there = self.laws
            texts.append(
                f"has {here} dispositions and the baseline {there}; results of the two laws are not comparable, as"
                " parameters mean something else under each"
            )
        if self.undefined:
            texts.append(f"not compared, as only one of the two has a value: {list_first(self.undefined)}")
        if self.apart:
            texts.append(f"only one of the two worlds has {list_first(self.apart)}; shares are of each own world")
        return texts

    def describe_shortage(self) -> str:
        """Say how many pairs are the least, and why; so few do not show how many are enough."""
        pairs = "1 pair of runs is" if self.pairs == 1 else f"{self.pairs} pairs of runs are"
        return (
            f"{pairs} too few to tell a difference from chance: with fewer than {self.fewest} replicates none of"
            f" {self.asked} differences tested at once can be clear (Holm 1979); begin with 100"
        )


def list_first(names: Sequence[str]) -> str:
    """List the first of some names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def pairings(found: Sample, baseline: str, outcomes: pd.DataFrame, states: pd.DataFrame) -> list[Pairing]:
    """Pair each other design's runs with the baseline's, from the tables of `compare_outcomes` and `compare_states`."""
    return [pair_design(found, baseline, d, outcomes, states) for d in found.designs if d != baseline]


def pair_design(found: Sample, baseline: str, design: str, outcomes: pd.DataFrame, states: pd.DataFrame) -> Pairing:
    """Pair the runs of one design with the baseline's."""
    one, other = (outcomes[outcomes["scenario"] == design], states[states["scenario"] == design])
    here, there = (index_by_pair(found.runs[found.runs["design"] == name]) for name in (design, baseline))
    columns = outcome_columns(found.runs)
    valued = here[columns].notna().any() != there[columns].notna().any()
    undefined = tuple(valued.index[valued]) if len(here) else ()
    inside = [set(found.scenarios[name]["states"]) for name in (design, baseline)]
    laws = tuple(found.scenarios[name]["dispositions"] for name in (design, baseline))
    pairs = len(here.index.intersection(there.index))
    asked = max(len(outcomes), len(states), 1)
    identical = bool(pairs and not undefined and one["identical"].all() and other["identical"].all())
    return Pairing(
        design, pairs, identical, asked, fewest_pairs(asked), undefined, tuple(sorted(inside[0] ^ inside[1])),
        laws if laws[0] != laws[1] else (),
    )  # fmt: skip


def identical_words(outcomes: pd.DataFrame) -> str:
    """Say what it means that an outcome is identical in all pairs of runs; empty where none is."""
    same = outcomes[outcomes["identical"] & (outcomes["pairs"] > 1)]
    if not len(same):
        return ""
    n = int(same["pairs"].max())
    most = 100 * share_interval(0, n)[2]
    return f"identical in all pairs: none of {n} pairs of runs differs; of other runs up to {most:.1f} % may (95 %)"


def mean_late_shares(results: Results) -> dict[str, dict[str, dict[str, float]]]:
    """Average the late share of each alignment by design and state: P(alignment).

    The query groups the rows, so that memory does not grow with the runs. Empty where no run has succeeded.
    """
    labels = design_labels(results)
    shares: dict[str, dict[str, dict[str, float]]] = {name: {} for name in labels.values()}
    if "states" not in results.tables():
        return shares
    query = "select point, state, avg(columns('share_.*')) from states group by point, state order by point, state"
    rows, (_, _, *columns) = query_rows(results, "states", query)
    for point, state, *means in rows:
        alignments = (name.removeprefix("share_") for name in columns)
        known = {a: mean for a, mean in zip(alignments, means, strict=True) if mean is not None}
        shares[labels[point]][state] = known
    return shares


def bloc_sizes(results: Results) -> list[tuple[str, str, float, float, float, float, float, int]]:
    """Summarise each bloc's capability by design: mean, 5, 50, 95 % quantile, share of runs with LARGE, runs.

    Design points of many settings are summarised together, by scenario, as in `baseline_2023 [100 points]`.
    """
    _, columns = query_rows(results, "runs", "select * from runs limit 0")
    sizes = [name for name in columns if name.startswith("capability_") and name != "capability_non_aligned"]
    summaries = [
        f", avg({size}), quantile_cont({size}, [0.05, 0.5, 0.95]), avg(({size} >= {LARGE})::int), count({size})"
        for size in map(quote_name, sizes)
    ]
    labels = design_labels(results)
    many = not all(map(is_short, labels.values()))
    key = "scenario" if many else "point"
    query = f"select min(point), count(distinct point), {key}{''.join(summaries)} from runs"  # noqa: S608
    rows, _ = query_rows(results, "runs", f"{query} where status = 'ok' group by {key} order by 1")
    return [
        (
            f"{name} [{points} points]" if many and points > 1 else labels[point],
            size.removeprefix("capability_"),
            mean,
            *quantiles,
            share,
            count,
        )
        for point, points, name, *found in rows
        for size, mean, quantiles, share, count in zip(sizes, *(found[n::4] for n in range(4)), strict=True)
        if count
    ]


def query_rows(results: Results, table: str, query: str) -> tuple[list[Any], list[str]]:
    """The rows of a query of a table, and the names of its columns; one thread keeps the order of sums."""
    with results.reading([table]) as connection:
        connection.execute("set threads = 1")
        found = connection.execute(query)
        return found.fetchall(), [column[0] for column in found.description]


def designs_without_difference(outcomes: pd.DataFrame) -> list[str]:
    """Name the designs in which some outcome differs from the baseline, and none clearly."""
    by_design = outcomes.groupby("scenario", sort=False)
    quiet = ~by_design["clear"].any() & ~by_design["identical"].all()
    return [str(design) for design in quiet.index[quiet]]


def clear_state_changes(states: pd.DataFrame) -> pd.DataFrame:
    """Select the rows of a table of states with a clear change of a bloc's share by a tenth or more, by alignment."""
    clear = states[states["clear"] & (states["difference"].abs() >= MOVED)]
    clear = clear[clear["alignment"] != "non_aligned"]
    alignments = list(clear["alignment"].unique())
    ordered = clear.reindex(clear["difference"].abs().sort_values(ascending=False, kind="stable").index)
    return ordered.sort_values("alignment", key=lambda column: column.map(alignments.index), kind="stable")
