"""A chunk of runs and its tables: runs, states, steps and trajectories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.batch.store import Table, text_column
from sim.model.outcomes import consolidation_step, late_mean, late_shares
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from sim.model.trajectory import Run


@dataclass(frozen=True)
class Chunk:
    """Consecutive replicates of one design point."""

    point: int
    scenario_name: str
    scenario: Scenario
    seed: int
    replicates: range
    trajectory: bool = False

    @property
    def name(self) -> str:
        """The name of its shard."""
        return f"{self.point:06d}-{self.replicates.start:08d}"


def chunk_tables(chunk: Chunk, rows: list[Run | str]) -> dict[str, Table]:
    """Make the tables of a chunk from its runs, or errors of failed runs."""
    done = [(r, run) for r, run in zip(chunk.replicates, rows, strict=True) if not isinstance(run, str)]
    failed = [(r, text) for r, text in zip(chunk.replicates, rows, strict=True) if isinstance(text, str)]
    tables = {"runs": runs_table(chunk, done, failed)}
    if done:
        tables["states"] = states_table(chunk, done)
        tables["steps"] = steps_table(chunk, done)
        if chunk.trajectory:
            tables["trajectory"] = trajectory_table(chunk, done)
    return tables


def key_columns(chunk: Chunk, replicates: list[int], each: int) -> Table:
    """The columns that identify a run, `each` rows per run."""
    rows = len(replicates) * each
    return {
        "scenario": text_column([chunk.scenario_name] * rows),
        "point": np.full(rows, chunk.point, dtype=np.int64),
        "seed": np.full(rows, chunk.seed, dtype=np.int64),
        "replicate": np.repeat(np.array(replicates, dtype=np.int64), each),
    }


def runs_table(chunk: Chunk, done: list[tuple[int, Run]], failed: list[tuple[int, str]]) -> Table:
    """One row per run: its key, its error if it failed, and its outcomes over the last 8 steps."""
    replicates = [replicate for replicate, _ in done] + [replicate for replicate, _ in failed]
    count = len(failed)
    table = key_columns(chunk, replicates, 1)
    table["digest"] = text_column([chunk.scenario.digest()] * len(replicates))
    table["status"] = text_column(["ok"] * len(done) + ["failed"] * count)
    table["error"] = text_column([""] * len(done) + [text for _, text in failed])
    none = np.full(count, np.nan)
    table["consolidation_step"] = none
    if done:
        first, outcomes = done[0][1], np.stack([run.outcomes for _, run in done], axis=1)
        table["consolidation_step"] = np.concatenate(
            [consolidation_step(outcomes[..., first.capability_columns()]), none]
        )
        late = late_mean(outcomes)
        for column, name in enumerate(first.outcome_names):
            table[name] = np.concatenate([late[:, column], none])
    return table


def states_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per run and state: late shares by alignment; stability and bite over the last 8 steps."""
    first = done[0][1]
    table = key_columns(chunk, [replicate for replicate, _ in done], len(first.states))
    table["state"] = text_column(list(first.states) * len(done))
    shares = late_shares(np.stack([run.alignment for _, run in done], axis=1), len(first.alignments))
    for k, alignment in enumerate(first.alignments):
        table[f"share_{alignment}"] = shares[:, :, k].ravel()
    table["regime_stability"] = late_mean(np.stack([run.stability for _, run in done], axis=1)).ravel()
    table["bite"] = late_mean(np.stack([run.bite for _, run in done], axis=1)).ravel()
    return table


def steps_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per run and step, including the start: all outcomes."""
    first = done[0][1]
    steps = len(first.outcomes)
    table = key_columns(chunk, [replicate for replicate, _ in done], steps)
    table["step"] = np.tile(np.arange(steps, dtype=np.int64), len(done))
    values = np.concatenate([run.outcomes for _, run in done])
    for column, name in enumerate(first.outcome_names):
        table[name] = values[:, column]
    return table


def trajectory_table(chunk: Chunk, done: list[tuple[int, Run]]) -> Table:
    """One row per run, step and state: the index of its alignment."""
    first = done[0][1]
    steps, states = first.alignment.shape
    table = key_columns(chunk, [replicate for replicate, _ in done], steps * states)
    table["step"] = np.tile(np.repeat(np.arange(steps, dtype=np.int16), states), len(done))
    table["state"] = text_column(list(first.states) * (steps * len(done)))
    table["alignment"] = np.concatenate([run.alignment.ravel() for _, run in done])
    return table
