"""A chunk of runs and its tables: runs, states, moves, dates and steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from sim.batch.design import shard_identity, shard_name
from sim.batch.tables.columns import Array, Table, coded_column, date_column, join_columns, text_column
from sim.batch.tables.schema import STATUSES
from sim.calendar import last_step_by
from sim.model.arrays import CAUSES, Bytes, Floats, Integers, Stored
from sim.model.outcomes import consolidation_step, late_mean, late_shares, late_window
from sim.model.trajectory import Run, store_late
from sim.scenario.schema import Scenario

KEPT = ("steps",)  # tables that a sweep writes on request only
MOST_AT_ONCE = 500  # runs whose steps are in memory before only their tables are


@dataclass(frozen=True)
class Chunk:
    """Consecutive replicates of one design point, what to keep of them, and the dates asked for."""

    point: int
    scenario_name: str
    scenario: Scenario
    seed: int
    replicates: range
    digest: str  # of the scenario
    keep: tuple[str, ...] = ()
    at: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its shard."""
        return shard_name(self.point, self.replicates)

    def identity(self, rules: str) -> str:
        """What its shard contains the runs of, with the hash of the code that computes them."""
        asked = {"seed": self.seed, "lens": self.scenario.sweep.lens, "keep": self.keep, "at": self.at}
        return shard_identity(asked, self.scenario_name, self.point, self.digest, self.replicates, rules)

    @property
    def window(self) -> int:
        """How many last steps outcomes and shares are means over."""
        return late_window(self.scenario.steps, self.scenario.date, self.scenario.sweep.lens)

    @property
    def stored(self) -> Stored:
        """What the tables need of a run."""
        steps = self.scenario.steps
        return store_late(steps, self.window, range(steps + 1) if "steps" in self.keep else self.steps_at)

    @property
    def steps_at(self) -> list[int]:
        """The last step that ends on or before each date asked for."""
        start = date.fromisoformat(self.scenario.date) if self.scenario.date else date.min
        return [last_step_by(start, self.scenario.step, date.fromisoformat(day)) for day in self.at]

    def parts(self) -> Iterator[Chunk]:
        """The chunk in parts of at most MOST_AT_ONCE runs."""
        for first in range(self.replicates.start, self.replicates.stop, MOST_AT_ONCE):
            yield replace(self, replicates=range(first, min(first + MOST_AT_ONCE, self.replicates.stop)))

    @cached_property
    def dates(self) -> tuple[str | None, ...]:
        """End date of each step from 0 on; None in rounds and under the lens of tendency."""
        ends = () if self.scenario.sweep.lens == "tendency" else self.scenario.dates()
        return ends or (None,) * (self.scenario.steps + 1)


def chunk_tables(chunk: Chunk, rows: list[Run | str]) -> dict[str, Table]:
    """Make the tables of a chunk from its runs, or errors of failed runs."""
    done = [(r, run) for r, run in zip(chunk.replicates, rows, strict=True) if not isinstance(run, str)]
    failed = [(r, text) for r, text in zip(chunk.replicates, rows, strict=True) if isinstance(text, str)]
    tables = {"runs": runs_table(chunk, done, failed)}
    if done:
        tables["states"] = states_table(chunk, done)
        tables["moves"] = moves_table(chunk, done)
        if chunk.at:
            tables["dates"] = dates_table(chunk, done)
        if "steps" in chunk.keep:
            tables["steps"] = steps_table(chunk, done)
    return tables


def join_parts(parts: Sequence[dict[str, Table]]) -> dict[str, Table]:
    """Join the tables of the parts of a chunk; a part whose runs all failed has no outcomes."""
    joined = {}
    for table in dict.fromkeys(name for part in parts for name in part):
        found = [part[table] for part in parts if table in part]
        columns = max(found, key=len)
        joined[table] = {name: join_columns([one.get(name, undefined(one)) for one in found]) for name in columns}
    return joined


def undefined(columns: Table) -> Floats:
    """A column without a value for the rows of a table."""
    return np.full(len(columns["replicate"]), np.nan)


def key_columns(chunk: Chunk, replicates: Sequence[int] | Integers) -> Table:
    """The columns that identify a run, one row for each of the replicates."""
    rows = len(replicates)
    return {
        "scenario": coded_column(np.zeros(rows), [chunk.scenario_name]),
        "point": np.full(rows, chunk.point, dtype=np.int64),
        "seed": np.full(rows, chunk.seed, dtype=np.int64),
        "replicate": np.array(replicates, dtype=np.int64),
    }


def numbers_of(done: list[tuple[int, Run]]) -> Integers:
    """The replicates of runs."""
    return np.array([replicate for replicate, _ in done], dtype=np.int64)


def runs_table(chunk: Chunk, done: list[tuple[int, Run]], failed: list[tuple[int, str]]) -> Table:
    """One row per run: its key, its error if it failed, and its outcomes over the last steps."""
    replicates = [replicate for replicate, _ in done] + [replicate for replicate, _ in failed]
    count = len(failed)
    table = key_columns(chunk, replicates)
    table["digest"] = coded_column(np.zeros(len(replicates)), [chunk.digest])
    table["status"] = coded_column([0] * len(done) + [1] * count, STATUSES)
    table["error"] = text_column([""] * len(done) + [text for _, text in failed])
    none = np.full(count, np.nan)
    table["consolidation_step"] = none
    if done:
        first, outcomes = done[0][1], steps_first([run.outcomes for _, run in done])
        table["consolidation_step"] = np.concatenate(
            [consolidation_step(outcomes[..., first.capability_columns()]), none]
        )
        late = late_mean(outcomes, chunk.window)
        for column, name in enumerate(first.outcome_names):
            table[name] = np.concatenate([late[:, column], none])
    return table


def states_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per run and state: first and last alignment; shares, stability and bite over the last steps."""
    first, window = done[0][1], chunk.window
    alignment = steps_first([run.alignment for _, run in done])
    table = key_columns(chunk, numbers_of(done).repeat(len(first.states)))
    table["state"] = coded_column(np.tile(np.arange(len(first.states)), len(done)), first.states)
    table["start"] = coded_column(alignment[0], first.alignments)
    table["final"] = coded_column(alignment[-1], first.alignments)
    shares = late_shares(alignment, len(first.alignments), window)
    for k, name in enumerate(first.alignments):
        table[f"share_{name}"] = shares[:, :, k].ravel()
    table["regime_stability"] = late_mean(steps_first([run.stability for _, run in done]), window).ravel()
    table["bite"] = late_mean(steps_first([run.bite for _, run in done]), window).ravel()
    return table


def steps_first(arrays: Sequence[Array]) -> Array:
    """The arrays of runs, steps first, as one array, (steps, runs, …)."""
    return np.concatenate(arrays).reshape(len(arrays), *arrays[0].shape).swapaxes(0, 1)


def moves_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per move: a state that changed alignment at a step, from what to what, and why."""
    first = done[0][1]
    causes: Bytes = np.concatenate([run.causes for _, run in done])
    alignment = np.concatenate([run.alignment for _, run in done])
    row, state = np.divmod(np.flatnonzero(causes != 0), len(first.states))
    run, step = np.divmod(row, len(first.causes))
    table = key_columns(chunk, numbers_of(done)[run])
    table["step"] = step
    table["date"] = date_column(chunk.dates)[step]
    table["state"] = coded_column(state, first.states)
    table["from_alignment"] = coded_column(alignment[row - 1, state], first.alignments)
    table["to_alignment"] = coded_column(alignment[row, state], first.alignments)
    table["cause"] = coded_column(causes[row, state], CAUSES)
    return table


def dates_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per run and date asked for: all outcomes at the last step that ends on or before the date."""
    first, steps = done[0][1], chunk.steps_at
    table = key_columns(chunk, numbers_of(done).repeat(len(steps)))
    table["date"] = date_column(chunk.at * len(done))
    table["step"] = np.array(steps * len(done), dtype=np.int64)
    return table | outcomes_by_name(first, np.concatenate([run.outcomes[steps] for _, run in done]))


def steps_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per run and step, including the start: all outcomes."""
    first = done[0][1]
    steps = len(first.outcomes)
    table = key_columns(chunk, numbers_of(done).repeat(steps))
    table["step"] = np.tile(np.arange(steps, dtype=np.int64), len(done))
    table["date"] = np.tile(date_column(chunk.dates), len(done))
    return table | outcomes_by_name(first, np.concatenate([run.outcomes for _, run in done]))


def outcomes_by_name(first: Run, values: Floats) -> Table:
    """Outcomes, (rows, outcomes), as columns by name."""
    return {name: values[:, column] for column, name in enumerate(first.outcome_names)}
