"""Collect from runs of several scenarios what the claims measure: at dates, or as means over the last steps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.analysis.compare import Sample
from sim.batch.design import missing_date
from sim.batch.executor import evaluate
from sim.batch.tables.whole import with_texts
from sim.calendar import last_step_by, step_years
from sim.errors import Fault, InputError
from sim.model import compiled, outcomes
from sim.model.arrays import Bytes, Flags, Floats, Integers, Record, Stored
from sim.model.trajectory import store_late, window_of
from sim.model.world import World, world_of
from sim.scenario.loading import BASE
from sim.scenario.schema import Scenario

FRONT, LED = "front", "us_led"

DATES = ("2026-12-31", "2030-12-31")  # outcomes are those of the last step that ends by then; the last date decides

HELD = 0.5  # share of the last steps from which a state counts as aligned with a bloc

TOGETHER = 2  # members from which a front is more than its strongest member

MOST_TOGETHER = 200  # runs whose records are in memory at once in a thread

Steps = NDArray[np.int16]


class Moments(NamedTuple):
    """When outcomes of runs are read."""

    steps: tuple[int, ...]  # at these steps, in order; empty: as means over the last steps
    window: int  # how many last steps
    years: float  # length of a step


class RunMeans(NamedTuple):
    """What the claims read of R runs of one scenario, at M moments; a mean over the last steps is one moment."""

    shares: Floats | Flags  # (R, M, N, K + 1), whether it is the alignment at a step
    stability: Floats  # (R, M, N)
    outcomes: Floats  # (R, M, outcomes)
    entries: Steps  # (R, N, K + 1), first step in an alignment, T + 1 if none; only where M are steps
    exits: Steps  # (R, N, K + 1), first later step in another alignment, T + 1 if none
    erosion: Floats  # (R, 2), Σ Δx Δy and Σ Δx² of the front's product x and of the next step's bite y
    leverage: Floats  # (R,), of the front less that of its strongest member; NaN where it never has two members
    final: Bytes  # (R, N), alignment at the last step


@dataclass(frozen=True)
class Evidence:
    """The same runs of several scenarios, paired by common random numbers, and the names of their axes."""

    states: dict[str, int]
    alignments: dict[str, int]
    columns: dict[str, int]
    initial: Integers  # (N,), alignment at the start
    steps: int
    moments: Moments
    runs: Mapping[str, RunMeans]

    def share(self, scenario: str, states: Iterable[str], alignment: str, at: int = -1) -> Floats:
        """Select the states' share of an alignment at a moment, (R, number of states)."""
        places = [self.states[state] for state in states]
        return self.runs[scenario].shares[:, at, places, self.alignments[alignment]].astype(np.float64)

    def aligned(self, scenario: str, states: Iterable[str], alignment: str) -> Flags:
        """Test whether all the states are in an alignment at the last moment, (R,)."""
        found: Flags = np.all(self.share(scenario, states, alignment) >= HELD, axis=1)
        return found

    def outcome(self, scenario: str, column: str, at: int = -1) -> Floats:
        """Select an outcome at a moment, (R,)."""
        return self.runs[scenario].outcomes[:, at, self.columns[column]]

    def stability(self, scenario: str, state: str, at: int = -1) -> Floats:
        """Select the regime stability of a state at a moment, (R,)."""
        return self.runs[scenario].stability[:, at, self.states[state]]

    def entered(self, scenario: str, states: Iterable[str], alignment: str, at: int = -1) -> Flags:
        """Test whether each state has entered an alignment by a date, (R, number of states); not if it starts there."""
        places = [self.states[state] for state in states]
        first = self.runs[scenario].entries[:, places, self.alignments[alignment]]
        return (first > 0) & (first <= self.moments.steps[at])

    def entrants(self, scenario: str, alignment: str, at: int = -1) -> Floats:
        """Count the states that have entered an alignment by a date, (R,)."""
        return self.entered(scenario, self.states, alignment, at).sum(axis=1).astype(np.float64)

    def stayed(self, scenario: str, state: str, alignment: str, at: int = -1) -> Flags:
        """Test whether a state that starts in an alignment has stayed in it until a date, (R,)."""
        last = self.runs[scenario].exits[:, self.states[state], self.alignments[alignment]]
        return last > self.moments.steps[at]

    def stayed_years(self, scenario: str, state: str, alignment: str, years: float) -> Flags:
        """Test, in each run in which a state enters by the last date and is followed so long, whether it stays."""
        place = self.states[state], self.alignments[alignment]
        first, last = (table[:, *place] for table in (self.runs[scenario].entries, self.runs[scenario].exits))
        span = round(years / self.moments.years)
        known = self.entered(scenario, [state], alignment)[:, 0] & (first + span <= self.steps)
        return last[known] - first[known] >= span


def moments_of(scenario: Scenario) -> Moments:
    """Return when outcomes of a scenario are read: at DATES, or over the last steps of a tendency or of rounds."""
    if scenario.date is None or scenario.sweep.lens == "tendency":
        return Moments((), window_of(scenario), step_years(scenario.step))
    start = date.fromisoformat(scenario.date)
    steps = tuple(last_step_by(start, scenario.step, date.fromisoformat(day)) for day in DATES)
    return Moments(steps, 1, step_years(scenario.step))


def missing_moment(scenario: Scenario) -> str:
    """Say why the runs of a scenario end before a date of the claims; empty where they do not."""
    missing = (missing_date(scenario, day) for day in DATES if moments_of(scenario).steps)
    return next(filter(None, missing), "")


def stored_for(world: World, moments: Moments) -> Stored:
    """Return what runs store for these moments: bite and stability from step to step where they are steps."""
    if not moments.steps:
        return store_late(world.steps, moments.window)
    at = np.zeros(world.steps + 1, dtype=np.bool_)
    at[list(moments.steps)] = True
    return Stored(at, world.steps + 1, False)


def read_runs(world: World, moments: Moments, *, seed: int, replicates: Sequence[int]) -> RunMeans:
    """Run the replicates of a world and read their moments."""
    records = compiled.run_records(world, seed=seed, replicates=replicates, stored=stored_for(world, moments))
    runs = Record(*(np.stack(column, axis=1) for column in zip(*records, strict=True)))  # (T + 1, R, …)
    names = outcomes.outcome_names(world.alignments[1:], world.theatres)
    size, rows, steps = len(world.alignments), len(runs.alignment), list(moments.steps)
    read = range(1, steps[-1] + 1) if steps else range(rows - moments.window, rows)
    if steps:
        shares = runs.alignment[steps][..., None] == np.arange(size)
        stability, means = runs.stability[steps], runs.outcomes[steps]
        entries, exits = find_spells(runs.alignment, size)
    else:
        shares = outcomes.late_shares(runs.alignment, size, moments.window)[None]
        stability, means = (outcomes.late_mean(v, moments.window)[None] for v in (runs.stability, runs.outcomes))
        entries = exits = np.empty((len(replicates), 0, 0), dtype=np.int16)
    sanctioned = (world.start.sanction > 0).any(axis=0)
    product = runs.outcomes[read.start - 1 : read.stop - 1, :, names.index(f"product_{FRONT}")]
    first = rows - len(runs.bite)  # rows that are not stored
    bites = runs.bite[read.start - first : read.stop - first]
    bite = bites[..., sanctioned].mean(axis=-1) if sanctioned.any() else np.zeros_like(product)
    inside = runs.alignment[read.start : read.stop] == world.alignments.index(FRONT)
    led = runs.outcomes[read.start : read.stop, :, names.index(f"capability_{LED}")]
    return RunMeans(
        shares=np.moveaxis(shares, 0, 1), stability=np.moveaxis(stability, 0, 1), outcomes=np.moveaxis(means, 0, 1),
        entries=entries, exits=exits, erosion=co_moments(product, bite),
        leverage=rise_of_leverage(inside, led, world.setting.capability), final=runs.alignment[-1].astype(np.int8),
    )  # fmt: skip


def find_spells(alignment: Bytes, size: int) -> tuple[Steps, Steps]:
    """Find the first step in each alignment and the first later one outside it, (R, N, K + 1), from (T + 1, R, N)."""
    none = len(alignment)
    inside = alignment[..., None] == np.arange(size)
    first = np.where(inside.any(axis=0), inside.argmax(axis=0), none)
    gone = ~inside & (np.arange(none)[:, None, None, None] > first)
    last = np.where(gone.any(axis=0), gone.argmax(axis=0), none)
    return first.astype(np.int16), last.astype(np.int16)


def co_moments(x: Floats, y: Floats) -> Floats:
    """Compute Σ Δx Δy and Σ Δx² over the changes from step to step of each run, (R, 2), from (steps, R).

    The changes are less their mean in the run, so that a trend of y by itself does not count.
    """
    dx, dy = (change - change.mean(axis=0) for change in (np.diff(x, axis=0), np.diff(y, axis=0)))
    return np.stack([(dx * dy).sum(axis=0), (dx * dx).sum(axis=0)], axis=1)


def rise_of_leverage(inside: Flags, led: Floats, capability: Floats) -> Floats:
    """Compute how far the leverage of a bloc exceeds that of its strongest member, (R,).

    The mean is over the steps with two members or more. inside, (steps, R, N); led, (steps, R), is the capability of
    the other bloc.
    """
    own = np.where(inside, capability, 0.0)
    counted = (inside.sum(axis=-1) >= TOGETHER) & (led > 0)
    rise = np.divide(own.sum(axis=-1) - own.max(axis=-1), led, out=np.zeros_like(led), where=counted)
    counts = counted.sum(axis=0)
    return np.divide(rise.sum(axis=0), counts, out=np.full(led.shape[1], np.nan), where=counts > 0)


def join_runs(parts: Iterable[RunMeans]) -> RunMeans:
    """Concatenate runs."""
    return RunMeans._make(np.concatenate(column) for column in zip(*parts, strict=True))


def gather_evidence(world: World, moments: Moments, runs: Mapping[str, RunMeans]) -> Evidence:
    """Add the names of the first scenario's world, which all the scenarios share, to runs."""
    columns = outcomes.outcome_names(world.alignments[1:], world.theatres)
    axes = name_positions(world.states), name_positions(world.alignments), name_positions(columns)
    return Evidence(*axes, world.setting.initial, world.steps, moments, runs)


@dataclass(frozen=True)
class Repeated:
    """The runs of a sweep, repeated: of each scenario the pairs of seed and replicate, and what was read."""

    world: World  # of the first scenario
    moments: Moments
    pairs: Mapping[str, Sequence[tuple[int, int]]]
    runs: Mapping[str, RunMeans]

    def evidence(self, scenarios: Iterable[str]) -> Evidence:
        """Collect the runs that all of these scenarios have."""
        names = list(scenarios)
        common = set(self.pairs[names[0]]).intersection(*(self.pairs[name] for name in names[1:]))
        kept = {name: [pair in common for pair in self.pairs[name]] for name in names}
        chosen = {name: RunMeans._make(table[kept[name]] for table in self.runs[name]) for name in names}
        return gather_evidence(self.world, self.moments, chosen)


def repeat_runs(found: Sample, scenarios: Mapping[str, Scenario], *, workers: int | None = None) -> Repeated:
    """Repeat the runs that a sweep has of these scenarios, and read them.

    A sweep does not store all that the claims need, such as regime stability at dates. A run is a function of its
    scenario, seed and replicate.

    Parameters
    ----------
    found
        The finished runs of a sweep.
    scenarios
        The scenarios, the baseline first; one that is not in the sweep has the runs of the baseline.
    workers
        Threads. Default: the cores of this process.

    Raises
    ------
    InputError
        If a run ends in another way when repeated.
    """
    moments = moments_of(scenarios[BASE])
    worlds = {name: world_of(scenario) for name, scenario in scenarios.items()}
    pairs, tasks = {}, []
    for name, world in worlds.items():
        table = found.runs[found.runs["design"] == (name if name in found.scenarios else BASE)]
        pairs[name] = sorted(zip(table["seed"].tolist(), table["replicate"].tolist(), strict=True))
        for seed in sorted({seed for seed, _ in pairs[name]}):
            own = [replicate for one, replicate in pairs[name] if one == seed]
            for part in np.array_split(own, math.ceil(len(own) / MOST_TOGETHER)):
                tasks.append((name, partial(read_runs, world, moments, seed=seed, replicates=part.tolist())))
    made = evaluate(lambda task: task[1](), tasks, workers=workers)
    runs = {name: join_runs(part for (own, _), part in zip(tasks, made, strict=True) if own == name) for name in worlds}
    for name, world in worlds.items():
        if name in found.scenarios:
            check_repeated(found, name, pairs[name], world, runs[name])
    return Repeated(worlds[BASE], moments, pairs, runs)


def check_repeated(found: Sample, name: str, pairs: Sequence[tuple[int, int]], world: World, runs: RunMeans) -> None:
    """Raise InputError where runs that were repeated do not end as the sweep's runs did."""
    keys = ["seed", "replicate", "state"]
    rows = with_texts(found.states.loc[found.states["design"] == name, [*keys, "final"]])
    wide = rows.set_index(keys)["final"].unstack("state").loc[pairs, list(world.states)]
    names = np.array(world.alignments)
    if (wide.to_numpy(dtype=str) != names[runs.final]).any():
        message = "its runs end in another way when repeated, as another version made them; sweep again"
        raise InputError([Fault("claims", 1, name, message)])


def name_positions(names: Iterable[str]) -> dict[str, int]:
    """Map each name to its position."""
    return {name: n for n, name in enumerate(names)}
