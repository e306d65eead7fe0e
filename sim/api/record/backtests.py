"""Backtest the model over worlds of many years."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sim.api.arguments import argument_fault, require, require_path
from sim.api.findings import Finding
from sim.backtesting.report import BacktestPlan, backtest_years
from sim.backtesting.worlds import HORIZONS, load_years, read_years
from sim.batch.executor import Progress
from sim.errors import Fault, InputError

COLUMNS = ("level", "low", "high", "change", "sign")


def backtest(
    folder: str | Path, years: str | Sequence[int] | None = None, *, data: str | Path | None = None,
    states: int | None = 60, carry: bool = False, replicates: int = 32, histories: int = 200, seed: int = 20231025,
    workers: int | None = None, progress: Progress | None = None, imported: Progress | None = None,
) -> Finding:  # fmt: skip
    """Forecast from worlds of many years, and score the forecasts by the ideal points of one to five years later.

    Three forecasts of the model are kept apart: structural chances, dated chances from the coded start, and dated
    chances from the start that the ideal points of the year show. Simple forecasts are scored beside them.

    Parameters
    ----------
    folder
        Folder of worlds, each in a folder of its own with its observed.toml. A world that cannot be scored is left out,
        with a warning that says why.
    years
        Years to use, such as ``"1950:2015:5"`` or ``[1960, 1980]``. Default: all in the folder.
    data
        Folder with the field's public datasets. The worlds of `years` that are not yet in the folder are imported
        from it (see `blocs import`). Default: import none.
    states
        Number of the most capable states of an imported world; None for all.
    carry
        Whether an import carries the last year of a dataset that ends earlier forward.
    replicates
        Runs of each world for structural chances, at each weight of likeness; 1 or more.
    histories
        Histories of each world from each start, 1 or more.
    seed
        Random seed, 0 or more.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.
    imported
        Function that is called with the number of worlds imported and the number of all to import.

    Returns
    -------
    Finding
        One row for each forecast at five years: rank correlation in [−1, 1] with its 95 % interval, partial rank
        correlation of the change, and share of the largest moves whose direction is right. The record has every score.

    Raises
    ------
    InputError
        If a world cannot be loaded, none can be scored, a year has no world, or an argument is invalid.

    Examples
    --------
    >>> backtest("worlds", "1950:1990:5")  # doctest: +SKIP
    """
    optional = {"workers": workers, "progress": progress}
    given = require("backtest", optional, folder=folder, replicates=replicates, histories=histories, seed=seed)
    chosen = require_years(years)
    if data is not None:
        if chosen is None:
            message = "is needed to import worlds; give years such as 1950:2015:5"
            raise InputError([Fault("backtest", 1, "years", message)])
        from sim.backtesting.imports import import_years

        source = Path(require_path("backtest", "data", data, "the path of a folder"))
        import_years(given.folder, chosen, source, states=states, carry=carry, imported=imported or (lambda *_: None))
    worlds = load_years(given.folder, chosen)
    plan = BacktestPlan(given.replicates, given.histories, given.seed)
    record = backtest_years(worlds, plan, workers=given.workers, progress=given.progress)
    table = backtest_table(record)
    best = table.loc[table["level"].idxmax()]
    summary = f"{len(worlds)} years; at {HORIZONS[-1]} years {best['forecast']} ranks states best, {best['level']:.2f}"
    return Finding("Backtest", summary, table, {"folder": str(given.folder), **record})


def require_years(years: str | Sequence[int] | None) -> Sequence[int] | None:
    """Check years, as text or as numbers; raises InputError."""
    if years is None:
        return None
    try:
        return read_years(years if isinstance(years, str) else ",".join(map(str, years)))
    except (TypeError, ValueError):
        what = "years as FIRST:LAST:STEP, such as 1950:2015:5, or a list such as 1960,1980"
        raise argument_fault("backtest", "years", years, what) from None


def backtest_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return one row for each forecast at the last horizon."""
    last = HORIZONS[-1]
    rows = [
        (
            name, level[last]["n"], level[last]["value"], level[last]["low"], level[last]["high"],
            record["change"][name]["value"], record["sign"][name]["value"],
        )
        for name, level in record["level"].items()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["forecast", "states", *COLUMNS])
