"""Count what happens by when in the runs of a design point, and tabulate chances with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sim.analysis.dated.events import Design, RunEvents, common_dates, read_events
from sim.analysis.dated.incidence import NEVER, RECORDED_REALIGNMENTS, Steps
from sim.analysis.statistics import mean_interval, share_interval, share_intervals
from sim.batch.store import Results
from sim.calendar import step_years
from sim.model.arrays import QUANTUM, Bytes, Floats, Integers

ESTIMATE = ["chance", "low", "high", "n"]

Quanta = npt.NDArray[np.int32]  # shares of capability as multiples of QUANTUM, exact in half the memory


@dataclass
class Tally:
    """Counts over the runs of a design point, at some dates, and the few numbers of each run that intervals need.

    Parameters
    ----------
    design
        The design point.
    days
        ISO dates, (D,).
    most
        The most runs that are counted.
    ended
        Whether realignments and large blocs are those of runs that end with the last step by the last date, which is
        not in the first step. Else they are those of the whole runs.
    """

    design: Design
    days: tuple[str, ...]
    most: int
    ended: bool = False
    runs: int = 0
    at: Integers = field(init=False)  # (D, N, K + 1), runs in which the state has the alignment
    outside: Integers = field(init=False)  # (N, K + 1), runs in which it starts elsewhere
    entered: Integers = field(init=False)  # (D, N, K + 1), and has had the alignment by the date
    left: Integers = field(init=False)  # (D, N, K + 1), runs in which it starts there and has left by the date
    begun: Integers = field(init=False)  # (T + 1, K), runs in which the bloc is large for the first time from the step
    realignments: Floats = field(init=False)  # (R,); R is `most` here and below, and the first `runs` are used
    quanta: Quanta = field(init=False)  # (D + 1, K, R), capability at the start and the dates
    lasted: Steps = field(init=False)  # (K, R), steps in which the bloc is large

    def __post_init__(self) -> None:
        """Begin at 0."""
        cells = len(self.design.world.states), len(self.design.world.alignments)
        self.outside = np.zeros(cells, dtype=np.int64)
        self.at, self.entered, self.left = np.zeros((3, len(self.days), *cells), dtype=np.int64)
        blocs = cells[1] - 1
        self.begun = np.zeros((self.design.world.steps + 1, blocs), dtype=np.int64)
        self.realignments = np.empty(self.most)
        self.quanta = np.empty((len(self.days) + 1, blocs, self.most), dtype=np.int32)
        self.lasted = np.empty((blocs, self.most), dtype=np.int32)

    def add(self, events: RunEvents) -> None:
        """Count more runs."""
        steps, world, moves = self.design.steps_at(self.days), self.design.world, events.moves
        shape = world.steps + 1, len(world.states), len(world.alignments)
        end = max(steps) if self.ended else world.steps
        large = events.large_by(end)
        own = slice(self.runs, self.runs + len(events.replicates))
        self.runs = own.stop

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
        run, bloc = np.nonzero(large.first < NEVER)
        self.begun += count_cells((large.first[run, bloc], bloc), self.begun.shape)
        self.realignments[own] = events.realignments_by(end)
        self.quanta[..., own] = np.moveaxis(events.capability[:, [0, *steps], 1:], 0, 2) / QUANTUM
        self.lasted[:, own] = large.steps.T

    def capability(self, date: int, bloc: int) -> Floats:
        """Capability share of a bloc in each run, (R,), at the start (date 0) or at one of the dates (1..D)."""
        return np.asarray(self.quanta[date, bloc, : self.runs] * np.float64(QUANTUM))


def count_cells(places: Sequence[npt.NDArray[np.integer]], shape: tuple[int, ...]) -> Integers:
    """Count how often each place occurs in an array of this shape."""
    cells = np.ravel_multi_index([one.ravel() for one in places], shape)
    return np.bincount(cells, minlength=np.prod(shape)).reshape(shape)


def tally_designs(
    results: Results, designs: Sequence[Design], days: Mapping[str, Sequence[str]] | None = None, *,
    ended: bool = False,
) -> list[Tally]:  # fmt: skip
    """Count the runs of design points with dates, at the dates of the sweep and the end, or at those given by label.

    `ended` is that of `Tally`.
    """
    asked = common_dates(results, designs) if days is None else days
    points = results.manifest()["question"]["points"]
    found = {d.point: Tally(d, tuple(asked[d.label]), points[d.point]["replicates"], ended) for d in designs if d.dated}
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
        scenario, `per_state_year` with `low` and `high`, n runs, and `recorded`. Without any change the interval is
        undefined (NaN), as runs that agree do not make a change impossible.
    """
    rows = [(one.design.label, *mean_interval(one.realignments[: one.runs], least=0.0)) for one in tallies]
    table = pd.DataFrame(rows, columns=["scenario", "per_state_year", "low", "high", "n"])
    table.loc[table["per_state_year"] == 0, ["low", "high"]] = np.nan
    return table.assign(recorded=RECORDED_REALIGNMENTS)


def tabulate_large_blocs(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate when blocs are large: they have a tenth of the capability or more for a year (model: Outcomes).

    Returns
    -------
    DataFrame
        scenario, `bloc`; ESTIMATE of the chance that it is large at some time of the run; `first`, the median date at
        which its first such spell begins, with `earliest` and `latest`, the 5 and 95 % quantiles, over the runs in
        which it is large; and `years` in which it is, the mean over these runs, with `years_low` and `years_high`.
    """
    rows = []
    for one in tallies:
        ends, step = one.design.scenario.dates(), np.float64(step_years(one.design.scenario.step))
        for k, bloc in enumerate(one.design.world.alignments[1:]):
            begun = one.begun[:, k].cumsum()
            large = int(begun[-1])
            dates = [ends[np.argmax(begun >= q * large)] if large else None for q in (0.5, 0.05, 0.95)]
            lasted = one.lasted[k, : one.runs]
            years = mean_interval(step * lasted[lasted > 0], least=0.0)[:3]
            rows.append((one.design.label, bloc, *share_interval(large, one.runs), *dates, *years))
    return pd.DataFrame(
        rows,
        columns=["scenario", "bloc", *ESTIMATE, "first", "earliest", "latest", "years", "years_low", "years_high"],
    )


def tabulate_sizes(tallies: Sequence[Tally]) -> pd.DataFrame:
    """Tabulate the mean capability share of each bloc at the start and at dates, with Student's interval over runs."""
    rows = []
    for one in tallies:
        for d, day in enumerate((one.design.scenario.dates()[0], *one.days)):
            for k, bloc in enumerate(one.design.world.alignments[1:]):
                rows.append((one.design.label, day, bloc, *mean_interval(one.capability(d, k), 0.0, 1.0)))
    return pd.DataFrame(rows, columns=["scenario", "date", "bloc", "capability", "low", "high", "n"])
