"""Runs as a tidy table: one row for each run, date, state and variable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.batch.manifest import points_table
from sim.batch.recorded import recorded_scenarios
from sim.batch.store import Results
from sim.batch.tables.columns import text_column
from sim.batch.tables.database import create_table
from sim.batch.tables.spreadsheet import escape_formula_sql
from sim.files import written_aside
from sim.reporting.exports.networks import RunNetwork

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

COLUMNS = ("scenario", "point", "replicate", "step", "date", "state", "name", "variable", "value")

MOST_ROWS = 1_048_576  # of a sheet in Excel and LibreOffice, the heads included

ALIGNED = """
select alignments.scenario, point, replicate, step, date, state, states_known.name,
    'aligned_' || alignments_known.alignment as variable,
    (alignments.alignment = alignments_known.alignment)::double as value
from alignments
join states_known using (scenario, state)
join alignments_known using (scenario)
"""

OUTCOMES = """
select scenario, point, replicate, step, date, null as state, null as name, variable, value
from (unpivot (
    select distinct scenario, point, replicate, step, ends.date, {columns}
    from {table} join recorded.ends as ends using (scenario, step)
) on {columns} into name variable value value)
where not isnan(value)
"""

NO_RUN = "has no run that ended; resume the sweep"


def tabulate_tidy(network: RunNetwork, name: str) -> pd.DataFrame:
    """Return a run as a tidy table: for each state its alignment, chances, stability and bite; then the outcomes.

    Parameters
    ----------
    network
        The run.
    name
        Name of its scenario.
    """
    import pandas as pd

    run, tables = network.run, []
    steps, states = run.alignment.shape
    labels = [network.scenario.states[state].name for state in run.states]
    values = {
        **{f"aligned_{name}": (run.alignment == k).astype(float) for k, name in enumerate(run.alignments)},
        **{f"chance_{name}": run.chances[:, :, k] for k, name in enumerate(run.alignments)},
        "regime_stability": run.stability,
        "bite": run.bite,
    }
    for variable, matrix in values.items():
        columns = {"step": np.arange(steps).repeat(states), "state": run.states * steps, "name": labels * steps}
        tables.append(pd.DataFrame({**columns, "variable": variable, "value": matrix.ravel()}))
    for k, variable in enumerate(run.outcome_names):
        columns = {"step": np.arange(steps), "state": None, "name": None}
        tables.append(pd.DataFrame({**columns, "variable": variable, "value": run.outcomes[:, k]}))
    table = pd.concat(tables, ignore_index=True).dropna(subset="value")
    ends = np.array(network.dates or [None] * steps, dtype=object)
    table = table.assign(scenario=name, point=0, replicate=run.replicate, date=ends[table["step"]])
    return table[list(COLUMNS)].sort_values(["step", "state", "variable"], kind="stable", ignore_index=True)


def write_tidy(results: Results, path: Path) -> tuple[int, str]:
    """Write all runs of a folder as one tidy CSV, in the order of its columns.

    Returns
    -------
    tuple of int and str
        The number of rows, and the table that has the outcomes: `steps`, `dates`, or none.

    Raises
    ------
    InputError
        If no run has ended, or a table cannot be read.
    """
    if "states" not in results.tables():
        raise results.error(NO_RUN)
    with results.reading() as connection:
        describe_parts(connection, results)
        stored = next((table for table in ("steps", "dates") if table in results.tables()), "")
        columns = quote_outcomes(connection, stored) if stored else []
        outcomes = f"union all {OUTCOMES.format(columns=', '.join(columns), table=stored)}" if columns else ""
        shown = ", ".join(escape_formula_sql(name, text=name == "name") for name in COLUMNS)
        query = f"select {shown} from ({ALIGNED} {outcomes}) order by all"  # noqa: S608
        with written_aside(path) as aside:
            target = str(aside).replace("'", "''")
            found = connection.execute(f"copy ({query}) to '{target}' (format csv, header, delimiter ',')").fetchone()
    return int((found or (0,))[0]), stored if columns else ""


def describe_parts(connection: duckdb.DuckDBPyConnection, results: Results) -> None:
    """Create tables of the states and alignments of each scenario."""
    scenarios = recorded_scenarios(results)
    states = [(name, key, state.name) for name, one in scenarios.items() for key, state in one.states.items()]
    alignments = [(name, key) for name, one in scenarios.items() for key in one.alignments()]
    for table, names, rows in (
        ("states_known", ("scenario", "state", "name"), states),
        ("alignments_known", ("scenario", "alignment"), alignments),
    ):
        columns = [text_column(list(one)) for one in zip(*rows, strict=True)]
        create_table(connection, table, dict(zip(names, columns, strict=True)))


def quote_outcomes(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """Return the columns of a table that are outcomes, quoted."""
    keys = {"scenario", "point", "seed", "replicate", "step", "date"}
    return [f'"{name}"' for name, *_ in connection.execute(f"describe {table}").fetchall() if name not in keys]


def points_of(results: Results) -> dict[str, Any]:
    """Return the settings of each design point, by point; empty where the sweep varies none."""
    table: dict[str, Any] = dict(points_table(results.manifest()))
    return table if len(table) > 2 else {}
