"""Size of each alignment at each step of the runs of design points, from a folder's starts and moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sim.batch.store import Results
from sim.batch.tables.columns import text_column
from sim.batch.tables.database import create_table
from sim.model.world import world_of
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd


CHANGES = """
with changes as (
    select replicate, 0 as step, start as alignment, state, 1.0 as sign from states where point = $point
    union all
    select replicate, step, to_alignment, state, 1.0 from moves where point = $point
    union all
    select replicate, step, from_alignment, state, -1.0 from moves where point = $point
),
changed as (
    select replicate, step, {changed} from changes join {capabilities} using (state) group by replicate, step
),
every as (
    select seed, replicate, step, date from recorded.ends join (select distinct scenario, seed, replicate from states
    where point = $point) using (scenario)
)
select seed, replicate, step, date, {added} from every left join changed using (replicate, step)
window earlier as (partition by replicate order by step) order by seed, replicate, step
"""  # in place of the alignment of each state at each step, which takes a row for each


def sizes_by_step(results: Results, designs: Mapping[int, Scenario]) -> Iterator[pd.DataFrame]:
    """Yield the capability share and the members of each alignment at each step of the runs of design points.

    Parameters
    ----------
    results
        The results folder.
    designs
        Scenario of each design point, with the settings of the sweep, by the number of the point.

    Yields
    ------
    DataFrame
        Of each design point one row per run and step, in order: seed, replicate, step, date (missing in rounds), and
        capability_… (0 to 1) and members_… of each alignment, equal to the bit to the outcomes of the run.
    """
    with results.reading(["states", "moves"]) as connection:
        for point, scenario in designs.items():
            world = world_of(scenario)
            sizes = {
                f'"{outcome}_{name}"': f"case when alignment = '{name}' then sign * {size} else 0.0 end"
                for outcome, size in (("members", "1.0"), ("capability", "capability"))
                for name in world.alignments
            }
            capabilities = f"capabilities_{point}"
            create_table(
                connection, capabilities,
                {"state": text_column(world.states), "capability": world.setting.capability},
            )  # fmt: skip
            query = CHANGES.format(
                capabilities=capabilities,
                changed=", ".join(f"sum({size}) as {name}" for name, size in sizes.items()),
                added=", ".join(f"sum({name}) over earlier as {name}" for name in sizes),
            )
            yield connection.execute(query, {"point": point}).df()
