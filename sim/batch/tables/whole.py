"""Whether tables have one row for each run, and one for each state of a run that ended, with values in range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.batch.design import OwnShard, own_shards
from sim.batch.store import Results
from sim.batch.tables.reading import extent_of
from sim.batch.tables.schema import NUMBER, table_rules
from sim.errors import Fault, InputError, display_path

if TYPE_CHECKING:
    import pandas as pd

OTHER_ROWS = "have other rows than the runs of their seals; remove the shards, and repeat the same `blocs sweep`"


def require_whole_tables(results: Results, runs: pd.DataFrame, states: pd.DataFrame) -> None:
    """Require the rows and values that a sweep writes, in the tables of its runs and states.

    Parameters
    ----------
    results
        The results folder.
    runs, states
        Its tables, sorted by point, seed and replicate, and states by state too.

    Raises
    ------
    InputError
        With every fault of the files of the two tables.
    """
    manifest = results.manifest()
    files = results.own(manifest)
    shards = own_shards(manifest, files)
    if has_every_run(runs, manifest, shards) and has_every_state(runs, states, manifest):
        of = extent_of(shards, manifest, ended=True)
        if is_in_range(runs, "runs", of) and is_in_range(states, "states", of):
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
    """Whether there is one row for each state of each run that ended."""
    ended = runs[runs["status"] == "ok"]
    names = {name: sorted(one["states"]) for name, one in manifest["scenarios"].items()}
    of_point = [names[point["scenario"]] for point in manifest["question"]["points"]]
    points = ended["point"].to_numpy()
    counts = np.array([len(one) for one in of_point])[points]
    if counts.sum() != len(states):
        return False
    keys = all(
        np.array_equal(states[key].to_numpy(), ended[key].to_numpy().repeat(counts)) for key in ("point", "replicate")
    )
    expected = np.array([state for point in points for state in of_point[point]], dtype=object)
    return keys and bool((states["state"].to_numpy() == expected).all())


def is_in_range(table: pd.DataFrame, name: str, of: Any) -> bool:
    """Whether every number of a table is missing or in the range of its column."""
    rules = {column: rule for column, rule in table_rules(name, of).items() if rule.type == NUMBER}
    for column in table.columns.intersection(list(rules)):
        values, rule = table[column].to_numpy(), rules[column]
        low, high = np.fmin.reduce(values, initial=rule.low), np.fmax.reduce(values, initial=rule.low)
        if low < rule.low or high > rule.high or not np.isfinite(high):
            return False
    return True
