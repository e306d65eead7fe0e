"""Read the runs of a results folder with their dates: where states are, what happens first, when blocs are large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sim.analysis.compare import design_labels
from sim.analysis.dated.incidence import (
    LargeSpells,
    Steps,
    count_moves,
    fill_alignments,
    find_large_spells,
    first_entries,
    first_exits,
)
from sim.batch.design import missing_date, read_dates
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.calendar import MONTHS, last_step_by, step_years
from sim.errors import Fault, InputError
from sim.model.arrays import Bytes, Floats, Integers
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import duckdb

MOST_TOGETHER = 5000  # runs in memory at once


@dataclass(frozen=True)
class Design:
    """A design point of a folder: its label, its number, its scenario with the settings of the sweep, and its world."""

    label: str
    point: int
    scenario: Scenario
    name: str  # of the scenario without these settings
    settings: Mapping[str, float]

    @cached_property
    def world(self) -> World:
        """The arrays of the scenario."""
        return world_of(self.scenario)

    @property
    def dated(self) -> bool:
        """Whether its runs are histories with dates, and no rounds or tendencies."""
        return self.scenario.sweep.lens == "histories" and bool(self.scenario.dates())

    def steps_at(self, days: Sequence[str]) -> list[int]:
        """The last step that ends on or before each day."""
        start = date.fromisoformat(self.scenario.date or "")
        return [last_step_by(start, self.scenario.step, date.fromisoformat(day)) for day in days]


@dataclass(frozen=True)
class RunEvents:
    """Runs of one design point, with the alignment of each state at each step.

    Parameters
    ----------
    design
        The design point.
    seed
        Random seed of the runs.
    replicates
        Replicate of each run, (R,).
    alignment
        Alignments, (R, T + 1, N), 0..K.
    """

    design: Design
    seed: int
    replicates: Integers
    alignment: Bytes

    @cached_property
    def entries(self) -> Steps:
        """First step of each state in each alignment, (R, N, K + 1)."""
        return first_entries(self.alignment, len(self.design.world.alignments))

    @cached_property
    def exits(self) -> Steps:
        """First step at which each state has left the alignment of its start, (R, N)."""
        return first_exits(self.alignment)

    @cached_property
    def large(self) -> LargeSpells:
        """When each bloc is large, (R, K)."""
        blocs = range(1, len(self.design.world.alignments))
        shares = np.stack([self.sizes(k, self.design.world.setting.capability) for k in blocs], axis=-1)
        return find_large_spells(shares, 12 // MONTHS[self.design.scenario.step])

    @cached_property
    def realignments(self) -> Floats:
        """Changes of alignment of each run for each year of a state that decides, (R,)."""
        years = step_years(self.design.scenario.step) * self.design.scenario.steps
        free = int((~self.design.world.setting.fixed).sum())
        return count_moves(self.alignment) / (years * free) if free else np.full(len(self.replicates), np.nan)

    def sizes(self, k: int, weights: Floats) -> Floats:
        """Sum the weights, (N,), of the states in an alignment at each step, (R, T + 1)."""
        return (self.alignment == k) @ weights


def list_designs(results: Results) -> list[Design]:
    """List the design points of a folder, in the order of the sweep."""
    labels, points = design_labels(results), results.manifest()["question"]["points"]
    ran = scenarios_as_run(results, labels.values())
    return [Design(label, n, ran[label], points[n]["scenario"], points[n]["settings"]) for n, label in labels.items()]


def read_events(results: Results, designs: Sequence[Design], most: int = MOST_TOGETHER) -> Iterator[RunEvents]:
    """Yield the finished runs of some design points with dates, at most so many at once, in order.

    Parameters
    ----------
    results
        The folder of a sweep.
    designs
        Design points, as `list_designs` returns them.
    most
        Runs of a design point that are in memory at once.
    """
    if "moves" not in results.tables() and "states" not in results.tables():
        return
    with results.reading(["runs", "states", "moves"]) as connection:
        seed = int(results.manifest()["question"]["seed"])
        found = connection.execute("select point, replicate from runs where status = 'ok' order by all").fetchnumpy()
        runs = pd.DataFrame(dict(found))
        wanted = {design.point: design for design in designs if design.dated}
        runs = runs[runs["point"].isin(wanted)]
        for first in range(0, len(runs), most):
            block = runs.iloc[first : first + most]
            ends = block.iloc[[0, -1]].to_numpy(dtype=np.int64).ravel().tolist()
            moves = read_block(connection, "moves", "step, to_alignment", ends)
            random = any((wanted[point].world.setting.initial < 0).any() for point in block["point"].unique())
            starts = read_block(connection, "states", "start", ends) if random else pd.DataFrame({"point": []})
            for point, own in block.groupby("point"):
                tables = (table[table["point"] == point] for table in (moves, starts))
                yield assemble_runs(wanted[int(str(point))], seed, own["replicate"].to_numpy(), *tables)


def read_block(connection: duckdb.DuckDBPyConnection, table: str, columns: str, ends: list[int]) -> pd.DataFrame:
    """Read rows of a table from one run to another, each given by point and replicate."""
    query = (
        f"select point, replicate, state, {columns} from {table}"  # noqa: S608
        " where point between ? and ? and (point, replicate) >= (?, ?) and (point, replicate) <= (?, ?)"
    )
    return connection.execute(query, [ends[0], ends[2], *ends]).df()


def assemble_runs(
    design: Design, seed: int, replicates: Integers, moves: pd.DataFrame, starts: pd.DataFrame
) -> RunEvents:
    """Assemble the alignments of runs from their starts and moves."""
    world = design.world
    states, names = pd.Index(world.states), pd.Index(world.alignments)
    runs = pd.Index(replicates)
    start = np.tile(world.setting.initial, (len(replicates), 1))
    if len(starts):
        cells = runs.get_indexer(starts["replicate"]), states.get_indexer(starts["state"])
        start[cells] = names.get_indexer(starts["start"])
    changes = (
        runs.get_indexer(moves["replicate"]), moves["step"].to_numpy(dtype=np.int64),
        states.get_indexer(moves["state"]), names.get_indexer(moves["to_alignment"]),
    )  # fmt: skip
    return RunEvents(design, seed, replicates, fill_alignments(start, changes, world.steps))


def stored_dates(results: Results) -> tuple[str, ...]:
    """The dates that the sweep of a folder was asked for."""
    return tuple(results.manifest()["question"]["at"])


def choose_dates(results: Results, designs: Sequence[Design], at: Sequence[object], owner: str) -> tuple[str, ...]:
    """Choose the dates of an analysis: those given, else those of the sweep, else the end of the runs.

    Raises InputError with every date that a design's runs do not contain. Empty where runs have no dates.
    """
    given = read_dates(owner, "at", at)
    messages = {day: message for day in given for d in designs if (message := missing_date(d.scenario, day))}
    if messages:
        raise InputError(Fault(owner, 1, "at", message) for message in messages.values())
    if given or not all(design.dated for design in designs):
        return given
    return stored_dates(results) or tuple(sorted({design.scenario.dates()[-1] for design in designs}))


def common_dates(results: Results, designs: Sequence[Design]) -> Mapping[str, tuple[str, ...]]:
    """The dates of each design: those that the sweep was asked for, and the end of its runs."""
    asked = stored_dates(results)
    return {d.label: tuple(sorted({*asked, d.scenario.dates()[-1]})) for d in designs if d.dated}


def spread_dates(scenario: Scenario) -> tuple[str, ...]:
    """The end of the runs of a scenario with dates, and the ends of steps near a third and two thirds of them.

    Where the runs are long enough, a third is a whole number of years.
    """
    ends = scenario.dates()
    steps, year = len(ends) - 1, round(1 / step_years(scenario.step))
    unit = year if steps >= 3 * year else 1
    thirds = {max(unit, unit * round(steps * n / 3 / unit)) for n in (1, 2)}
    return tuple(sorted({ends[min(step, steps)] for step in {*thirds, steps}}))
