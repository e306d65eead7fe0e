"""Size of each alignment at each step of the runs of design points, from a folder's starts and moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sim.batch.store import Results
from sim.batch.tables.columns import text_column
from sim.batch.tables.database import create_table
from sim.model.world import world_of
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd


def sizes_by_step(results: Results, designs: Mapping[int, Scenario]) -> list[pd.DataFrame]:
    """Compute the capability share and the members of each alignment at each step of the runs of design points.

    Parameters
    ----------
    results
        The results folder.
    designs
        Scenario of each design point, with the settings of the sweep, by the number of the point.

    Returns
    -------
    list of DataFrame
        Of each design point one row per run and step, in order: seed, replicate, step, date (missing in rounds), and
        capability_… (0 to 1) and members_… of each alignment, equal to the bit to the outcomes of the run.
    """
    found: list[pd.DataFrame] = []
    with results.reading(["states", "moves"]) as connection:
        for point, scenario in designs.items():
            world = world_of(scenario)
            columns = [
                f"sum(case when alignment = '{name}' then {size} else 0.0 end) as \"{outcome}_{name}\""
                for outcome, size in (("members", "1.0"), ("capability", "capability"))
                for name in world.alignments
            ]
            capabilities = f"capabilities_{point}"
            create_table(
                connection, capabilities,
                {"state": text_column(world.states), "capability": world.setting.capability},
            )  # fmt: skip
            query = (
                f"select seed, replicate, step, any_value(date) as date, {', '.join(columns)}"  # noqa: S608
                f" from alignments join {capabilities} using (state) where point = ?"
                " group by seed, replicate, step order by seed, replicate, step"
            )
            found.append(connection.execute(query, [point]).df())
    return found
