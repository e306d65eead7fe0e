"""Count what happens by when in the runs of a design point, and tabulate chances with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.dated.events import Design, RunEvents, common_dates, read_events
from sim.analysis.dated.incidence import NEVER, RECORDED_REALIGNMENTS, Steps
from sim.analysis.statistics import mean_interval, share_interval, share_intervals
from sim.batch.store import Results
from sim.calendar import step_years
from sim.model.arrays import Bytes, Floats, Integers

ESTIMATE = ["chance", "low", "high", "n"]


@dataclass
class Tally:
    """Counts over the runs of a design point, at some dates.

    Parameters
    ----------
    design
        The design point.
    days
        ISO dates, (D,).
    """

    design: Design
    days: tuple[str, ...]
    runs: int = 0
    at: Integers = field(init=False)  # (D, N, K + 1), runs in which the state has the alignment
    outside: Integers = field(init=False)  # (N, K + 1), runs in which it starts elsewhere
    entered: Integers = field(init=False)  # (D, N, K + 1), and has had the alignment by the date
    left: Integers = field(init=False)  # (D, N, K + 1), runs in which it starts there and has left by the date
    realignments: list[Floats] = field(default_factory=list)
    capability: list[Floats] = field(default_factory=list)  # (R, D + 1, K), at the start and the dates
    first: list[Steps] = field(default_factory=list)  # (R, K)
    years: list[Floats] = field(default_factory=list)  # (R, K), years

    def __post_init__(self) -> None:
        """Begin at 0."""
        cells = len(self.design.world.states), len(self.design.world.alignments)
        self.outside = np.zeros(cells, dtype=np.int64)
        self.at, self.entered, self.left = np.zeros((3, len(self.days), *cells), dtype=np.int64)

    def add(self, events: RunEvents) -> None:
        """Count more runs."""
        steps, world, moves = self.design.steps_at(self.days), self.design.world, events.moves
        shape = world.steps + 1, len(world.states), len(world.alignments)
        self.runs += len(events.replicates)

        def count(*places: Integers | Bytes) -> Integers:
            """Count by step, state and alignment, up to each date."""
            return np.asarray(count_cells(places, shape).cumsum(axis=0)[steps])

        held = count_cells((np.indices(events.start.shape)[1], events.start), shape[1:])
        self.outside += len(events.replicates) - held
        self.at += held + count(moves.step, moves.state, moves.target) - count(moves.step, moves.state, moves.source)
        first = events.entries[moves.run, moves.state, moves.target] == moves.step
        self.entered += count(moves.step[first], moves.state[first], moves.target[first])
        last = events.exits[moves.run, moves.state] == moves.step
        self.left += count(moves.step[last], moves.state[last], moves.source[last])
        self.realignments.append(events.realignments)
        self.capability.append(events.capability[:, [0, *steps], 1:])
        self.first.append(events.large.first)
        self.years.append(np.float64(step_years(self.design.scenario.step)) * events.large.steps)


def count_cells(places: Sequence[Integers | Bytes], shape: tuple[int, ...]) -> Integers:
    """Count how often each place occurs in an array of this shape."""
    cells = np.ravel_multi_index([one.ravel() for one in places], shape)
    return np.bincount(cells, minlength=np.prod(shape)).reshape(shape)


def tally_designs(
    results: Results, designs: Sequence[Design], days: Mapping[str, Sequence[str]] | None = None
) -> list[Tally]:
    """Count the runs of design points with dates, at the dates of the sweep and the end, or at those given by label."""
    asked = common_dates(results, designs) if days is None else days
    found = {d.point: Tally(d, tuple(asked[d.label])) for d in designs if d.dated}
    for events in read_events(results, designs):
        found[events.design.point].add(events)
    return [tally for tally in found.values() if tally.runs]


def tabulate_cells(
    tally: Tally, counts: Integers, n: Integers | int, columns: Mapping[str, Any], keep: Any = True
) -> pd.DataFrame:
    """Tabulate counts, (D, N, K + 1), of n runs as chances: scenario, date, state, alignment, columns, ESTIMATE."""
    world = tally.design.world
    share, low, high = share_intervals(counts, n)
    d, i, k = np.nonzero(np.broadcast_to(keep, counts.shape) & (np.broadcast_to(n, counts.shape) > 0))
    names = {
        "scenario": tally.design.label,
        "date": np.array(tally.days, dtype=object)[d],
        "state": np.array(world.states, dtype=object)[i],
        "alignment": np.array(world.alignments, dtype=object)[k],
    }
    values = (share, low, high, np.broadcast_to(n, counts.shape))
    numbers = {name: value[d, i, k] for name, value in zip(ESTIMATE, values, strict=True)}
    return pd.DataFrame(names | dict(columns) | numbers, index=range(len(d)))


def tabulate_chances(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate the chance of each alignment of each state at each date: scenario, date, state, alignment, ESTIMATE."""
    return join_tables([tabulate_cells(one, one.at, one.runs, {}) for one in tallies], [])


def tabulate_incidence(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate the chances that a state has entered or left a bloc by a date, for the first time.

    Returns
    -------
    DataFrame
        scenario, date, state, alignment (a bloc), `event` and ESTIMATE. `entry`: of the n runs in which the state
        starts elsewhere, those in which it has been in the bloc by the date. `exit`: of the n runs in which it starts
        there, those in which it has left by the date.
    """
    tables = []
    for one in tallies:
        bloc = np.arange(len(one.design.world.alignments)) > 0
        tables += [
            tabulate_cells(one, one.entered, one.outside, {"event": "entry"}, bloc),
            tabulate_cells(one, one.left, one.runs - one.outside, {"event": "exit"}, bloc),
        ]
    return join_tables(tables, ["event"])


def tabulate_survival(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate the chance that a state has kept the alignment of its start, never left, by each date."""
    tables = [tabulate_cells(one, one.runs - one.outside - one.left, one.runs - one.outside, {}) for one in tallies]
    return join_tables(tables, [])


def join_tables(tables: Sequence[pd.DataFrame], more: Sequence[str]) -> pd.DataFrame:
    """Concatenate tables of `tabulate_cells`; none give an empty table with their columns."""
    columns = ["scenario", "date", "state", "alignment", *more, *ESTIMATE]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def tabulate_realignments(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate the changes of alignment per year of a state that decides, with Student's interval, and the record's.

    Returns
    -------
    DataFrame
        scenario, `per_state_year` with `low` and `high`, n runs, and `recorded`.
    """
    rows = [(one.design.label, *mean_interval(np.concatenate(one.realignments))) for one in tallies]
    table = pd.DataFrame(rows, columns=["scenario", "per_state_year", "low", "high", "n"])
    return table.assign(recorded=RECORDED_REALIGNMENTS)


def tabulate_large_blocs(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate when blocs are large: they have a tenth of the capability or more for a year (model: Outcomes).

    Returns
    -------
    DataFrame
        scenario, `bloc`; ESTIMATE of the chance that it is large at some time of the run; `first`, the median date at
        which its first such spell begins, with `earliest` and `latest`, the 5 and 95 % quantiles, over the runs in
        which it large; and `years` in which it is large, the mean over these runs, with `years_low` and `years_high`.
    """
    rows = []
    for one in tallies:
        ends, first, lasted = one.design.scenario.dates(), np.concatenate(one.first), np.concatenate(one.years)
        for k, bloc in enumerate(one.design.world.alignments[1:]):
            large = first[:, k] < NEVER
            steps = np.sort(first[large, k])
            places = (int(np.ceil(q * steps.size)) - 1 for q in (0.5, 0.05, 0.95))
            dates = [ends[steps[max(place, 0)]] for place in places] if steps.size else [None] * 3
            years = mean_interval(lasted[large, k])[:3]
            rows.append((one.design.label, bloc, *share_interval(int(large.sum()), one.runs), *dates, *years))
    return pd.DataFrame(
        rows,
        columns=["scenario", "bloc", *ESTIMATE, "first", "earliest", "latest", "years", "years_low", "years_high"],
    )


def tabulate_sizes(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate the mean capability share of each bloc at the start and at dates, with Student's interval over runs."""
    rows = []
    for one in tallies:
        sizes = np.concatenate(one.capability)
        for d, day in enumerate((one.design.scenario.dates()[0], *one.days)):
            for k, bloc in enumerate(one.design.world.alignments[1:]):
                rows.append((one.design.label, day, bloc, *mean_interval(sizes[:, d, k])))
    return pd.DataFrame(rows, columns=["scenario", "date", "bloc", "capability", "low", "high", "n"])
