"""Read the runs of a results folder with their dates: where states are, what happens first, when blocs are large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim.analysis.compare import design_labels
from sim.analysis.dated.incidence import (
    LargeSpells,
    Moves,
    Steps,
    fill_alignments,
    find_large_spells,
    first_entries,
    first_exits,
    shares_from_moves,
)
from sim.batch.design import missing_date, read_dates
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.batch.tables.columns import Arrays
from sim.batch.tables.schema import word_sets
from sim.calendar import MONTHS, last_step_by, step_years
from sim.errors import Fault, InputError
from sim.model.arrays import Bytes, Floats, Integers
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import duckdb

MOST_TOGETHER = 10_000  # runs in memory at once

FINISHED = (
    "select point::integer as point, replicate::integer as replicate from runs"
    " where status = 'ok' and point in (select unnest(?::integer[])) order by all"
)

MOVED = (
    "step, enum_code(from_alignment::coded.alignments) as source, enum_code(to_alignment::coded.alignments) as target"
)

STARTED = "enum_code(start::coded.alignments) as start"


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
    """Runs of one design point, with what happens in them.

    Parameters
    ----------
    design
        The design point.
    seed
        Random seed of the runs.
    replicates
        Replicate of each run, (R,).
    start
        Alignment of each state at step 0, (R, N), 0..K.
    moves
        All moves of the runs.
    """

    design: Design
    seed: int
    replicates: Integers
    start: Bytes
    moves: Moves

    @cached_property
    def alignment(self) -> Bytes:
        """Alignments at each step, (R, T + 1, N), 0..K."""
        return fill_alignments(self.start, self.moves, self.design.world.steps)

    @cached_property
    def entries(self) -> Steps:
        """First step of each state in each alignment, (R, N, K + 1)."""
        return first_entries(self.start, self.moves, len(self.design.world.alignments))

    @cached_property
    def exits(self) -> Steps:
        """First step at which each state has left the alignment of its start, (R, N)."""
        return first_exits(self.start, self.moves)

    @cached_property
    def capability(self) -> Floats:
        """Capability share of each alignment at each step, (R, T + 1, K + 1)."""
        world = self.design.world
        return shares_from_moves(self.start, self.moves, world.setting.capability, len(world.alignments), world.steps)

    def large_by(self, step: int) -> LargeSpells:
        """When each bloc is large, (R, K), if the runs end with a step, 1 or more."""
        return find_large_spells(self.capability[:, : step + 1, 1:], 12 // MONTHS[self.design.scenario.step])

    def realignments_by(self, step: int) -> Floats:
        """Changes of alignment of each run, (R,), for each year to a step, 1 or more, of a state that decides."""
        years, runs = step_years(self.design.scenario.step) * step, len(self.replicates)
        free = int((~self.design.world.setting.fixed).sum())
        changes = np.bincount(self.moves.run[self.moves.step <= step], minlength=runs)
        return changes / (years * free) if free else np.full(runs, np.nan)


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
    if not designs or ("moves" not in results.tables() and "states" not in results.tables()):
        return
    with results.reading(["runs", "states", "moves"]) as connection:
        seed = int(results.manifest()["question"]["seed"])
        wanted = {design.point: design for design in designs if design.dated}
        runs = np.stack([*connection.execute(FINISHED, [[*wanted]]).fetchnumpy().values()], axis=1)
        words = word_sets(results.manifest())
        for first in range(0, len(runs), most):
            block = runs[first : first + most].astype(np.int64)
            moves = read_block(connection, "moves", MOVED, block)
            random = any((wanted[point].world.setting.initial < 0).any() for point in np.unique(block[:, 0]).tolist())
            starts = read_block(connection, "states", STARTED, block) if random else {"point": np.empty(0)}
            for point in np.unique(block[:, 0]).tolist():
                tables = (
                    {name: column[table["point"] == point] for name, column in table.items()}
                    for table in (moves, starts)
                )
                yield assemble_runs(wanted[point], seed, block[block[:, 0] == point, 1], words, *tables)


def read_block(connection: duckdb.DuckDBPyConnection, table: str, columns: str, block: Integers) -> Arrays:
    """Read rows of a table from the first to the last run of a block, (R, 2), by point and replicate."""
    ends = block[[0, -1]].ravel().tolist()
    replicates = int(block[:, 1].min()), int(block[:, 1].max())
    query = (
        f"select point, replicate, enum_code(state::coded.states) as state, {columns} from {table}"  # noqa: S608
        " where point between ? and ? and replicate between ? and ?"  # so that files of other runs are not read
        " and (point, replicate) >= (?, ?) and (point, replicate) <= (?, ?)"
    )
    return dict(connection.execute(query, [ends[0], ends[2], *replicates, *ends]).fetchnumpy())


def assemble_runs(
    design: Design, seed: int, replicates: Integers, words: Mapping[str, Sequence[str]], moves: Arrays, starts: Arrays
) -> RunEvents:
    """Assemble what happens in runs from their starts and moves, whose texts are codes of words."""
    world = design.world
    states, alignments = places_of(words["states"], world.states), places_of(words["alignments"], world.alignments)
    start = np.tile(world.setting.initial.astype(np.int8), (len(replicates), 1))
    if starts["point"].size:
        cells = np.searchsorted(replicates, starts["replicate"]), states[starts["state"]]
        start[cells] = alignments[starts["start"]]
    changes = Moves(
        np.searchsorted(replicates, moves["replicate"]), moves["step"], states[moves["state"]],
        alignments[moves["source"]], alignments[moves["target"]],
    )  # fmt: skip
    return RunEvents(design, seed, replicates, start, changes)


def places_of(words: Sequence[str], names: Sequence[str]) -> Integers:
    """The place of each word among the names; -1 where it is none of them."""
    places = {name: n for n, name in enumerate(names)}
    return np.array([places.get(word, -1) for word in words])


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


def spread_dates(scenario: Scenario, until: str | None = None) -> tuple[str, ...]:
    """The end of the runs of a scenario with dates, and the ends of steps near a third and two thirds of them.

    Where the runs are long enough, a third is a whole number of years. With `until` the runs end by that date.
    """
    ends = [day for day in scenario.dates() if until is None or day <= until]
    steps, year = len(ends) - 1, round(1 / step_years(scenario.step))
    unit = year if steps >= 3 * year else 1
    thirds = {max(unit, unit * round(steps * n / 3 / unit)) for n in (1, 2)}
    return tuple(sorted({ends[min(step, steps)] for step in {*thirds, steps}}))
