"""Views of a results folder in DuckDB: alignments by step, made from the starts and the moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sim.batch.tables.columns import Arrays, date_column
from sim.calendar import step_ends

NO_MOVES = (
    "select scenario, point, seed, replicate, 0::bigint as step, null::date as date, state, start as from_alignment,"
    " start as to_alignment, '' as cause from states where false"
)

ALIGNMENTS = """
with spans as (
    select scenario, point, seed, replicate, state, start as alignment, 0 as step from states
    union all
    select scenario, point, seed, replicate, state, to_alignment, step from moves
),
bounded as (
    select *, lead(step) over (partition by point, seed, replicate, state order by step) as until from spans
),
filled as (
    select bounded.*, unnest(range(step, coalesce(until, lengths.steps + 1))) as held
    from bounded join recorded.lengths as lengths using (scenario)
)
select filled.scenario, point, seed, replicate, held as step, ends.date, state, alignment
from filled join recorded.ends as ends on ends.scenario = filled.scenario and ends.step = filled.held
"""


def recorded_lengths(scenarios: Mapping[str, Mapping[str, Any]], lens: str) -> tuple[Arrays, Arrays]:
    """The number of steps of each recorded scenario, and the end date of each step (NULL in rounds or a tendency)."""
    steps = {name: int(one["steps"]) for name, one in scenarios.items()}
    ends = {
        name: step_ends(one["date"] if lens == "histories" else None, one["step"], steps[name])
        or (None,) * (steps[name] + 1)
        for name, one in scenarios.items()
    }
    names = np.array(list(steps), dtype=object)
    lengths = {"scenario": names, "steps": np.array(list(steps.values()), dtype=np.int64)}
    counts = [length + 1 for length in steps.values()]
    return lengths, {
        "scenario": names.repeat(counts),
        "step": np.concatenate([np.arange(count) for count in counts]),
        "date": date_column([day for days in ends.values() for day in days]),
    }
