"""Whether tables have one row for each run, and one for each state of a run that ended, with values in range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.batch.design import OwnShard, own_shards
from sim.batch.store import Results
from sim.batch.tables.reading import extent_of
from sim.batch.tables.schema import NUMBER, Extent, Rule, table_rules
from sim.errors import Fault, InputError, display_path

if TYPE_CHECKING:
    import pandas as pd

OTHER_ROWS = "have other rows than the runs of their seals; remove the shards, and repeat the same `blocs sweep`"


def require_whole_tables(
    results: Results, runs: pd.DataFrame, states: pd.DataFrame, files: Mapping[str, Mapping[str, str]]
) -> None:
    """Require the rows and values that a sweep writes, in the tables of its runs and states.

    Parameters
    ----------
    results
        The results folder.
    runs, states
        Its tables, sorted by point, seed and replicate, and states by state too; their texts are categories.
    files
        The hashes of the files of each of its shards.

    Raises
    ------
    InputError
        With every fault of the files of the two tables.
    """
    manifest = results.manifest()
    shards = own_shards(manifest, files)
    if has_every_run(runs, manifest, shards) and has_every_state(runs, states, manifest):
        of = extent_of(shards, manifest, ended=True)
        if is_in_range(runs, "runs", of, manifest) and is_in_range(states, "states", of, manifest):
            return
    faults = results.list_faults(("runs", "states"), files)
    raise InputError(faults or [Fault(display_path(results.shards), 1, "runs, states", OTHER_ROWS)])


def has_every_run(runs: pd.DataFrame, manifest: Mapping[str, Any], shards: Mapping[str, OwnShard]) -> bool:
    """Whether there is one row for each replicate of these shards."""
    points, replicates = runs["point"].to_numpy(), runs["replicate"].to_numpy()
    ordered = sorted(shards.values(), key=lambda shard: (shard.place, shard.replicates.start))
    asked = [np.arange(shard.replicates.start, shard.replicates.stop) for shard in ordered]
    places = np.repeat([shard.place for shard in ordered], [len(shard.replicates) for shard in ordered])
    return np.array_equal(points, places) and np.array_equal(replicates, np.concatenate(asked))


def has_every_state(runs: pd.DataFrame, states: pd.DataFrame, manifest: Mapping[str, Any]) -> bool:
    """Whether there is one row for each state of each run that ended; texts are categories."""
    ended = runs[runs["status"] == "ok"]
    place = {name: n for n, name in enumerate(states["state"].cat.categories)}
    codes = {name: np.sort([place[state] for state in one["states"]]) for name, one in manifest["scenarios"].items()}
    of_point = [codes[point["scenario"]] for point in manifest["question"]["points"]]
    points = ended["point"].to_numpy()
    each = np.array([len(one) for one in of_point])[points]
    if each.sum() != len(states):
        return False
    keys = ("point", "replicate")
    if not all(np.array_equal(states[key].to_numpy(), ended[key].to_numpy().repeat(each)) for key in keys):
        return False
    counts = np.bincount(points, minlength=len(of_point))
    expected = [np.tile(one, count) for one, count in zip(of_point, counts, strict=True)]
    return np.array_equal(states["state"].cat.codes, np.concatenate(expected))


def is_in_range(table: pd.DataFrame, name: str, of: Extent, manifest: Mapping[str, Any]) -> bool:
    """Whether every number of a table is in the range of its column, and missing only where it may be."""
    rules: dict[str, Rule] = {}
    for scenario, one in of.scenarios.items():
        own = table_rules(name, of._replace(scenarios={scenario: one} | dict(of.scenarios)))
        rules |= {column: rule for column, rule in own.items() if rule.type == NUMBER}
    for column in table.columns.intersection(list(rules)):
        values, rule = table[column].to_numpy(), rules[column]
        low, high = values.min(initial=rule.low), values.max(initial=rule.low)
        if np.isnan(low):
            if not rule.optional and np.isnan(values).sum() != rows_without(column, table, manifest):
                return False
            low, high = np.fmin.reduce(values, initial=rule.low), np.fmax.reduce(values, initial=rule.low)
        if low < rule.low or high > rule.high or not np.isfinite(high):
            return False
    return True


def rows_without(share: str, table: pd.DataFrame, manifest: Mapping[str, Any]) -> int:
    """How many rows of a table are of scenarios without the bloc of a share."""
    points = manifest["question"]["points"]
    alignments = [("non_aligned", *manifest["scenarios"][point["scenario"]]["blocs"]) for point in points]
    counts = np.bincount(table["point"].to_numpy(), minlength=len(points))
    return sum(count for one, count in zip(alignments, counts, strict=True) if share.removeprefix("share_") not in one)


def with_texts(table: pd.DataFrame) -> pd.DataFrame:
    """A table with texts in place of categories."""
    kinds = {name: kind.categories.dtype for name, kind in table.dtypes.items() if kind == "category"}
    return table.astype(kinds)
