"""Effects of scenarios at dates and on first entries, paired run by run, split into direct effect and followers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from sim.analysis.dated.events import Design, RunEvents, read_events
from sim.analysis.dated.spread import EffectSpread, average_known, measure_spread, settings_range
from sim.analysis.paired import COMPARED, compare_columns, mark_clear
from sim.analysis.states.held import has_closed_form, hold_start
from sim.batch.design import is_short
from sim.batch.store import Results
from sim.model.arrays import Floats

SPLIT = ["settings_low", "settings_high", "direct", "rest", "rest_low", "rest_high", "renewed"]

STATES = ["scenario", "event", "date", "state", "alignment", *COMPARED, *SPLIT]

SIZES = ["scenario", "date", "outcome", *COMPARED, *SPLIT]

MOST_PAIRED = 32  # scenarios and design points that are compared at dates

MOST_CELLS = 2**20  # numbers of each side that are compared at once


@dataclass(frozen=True)
class Matched:
    """A scenario and the baseline at the same P design points."""

    scenario: str
    designs: tuple[Design, ...]
    bases: tuple[Design, ...]


class DatedEffects(NamedTuple):
    """Effects at dates.

    `states` has one row for each scenario, event, date, state and alignment. Event `at`: the state has the alignment
    at the date. Event `entry`: it starts elsewhere and has been there by the date. `sizes` has one row for each
    scenario, date and outcome: capability and members of each alignment. Both have the columns of `compare_outcomes`,
    and of the difference the `direct` part, what the state would do if no other moved, in closed form; the `rest`,
    which is followers, with its interval; and `renewed`, the difference if every disposition were renewed while the
    others stay as they started. A row is of pairs of runs, or of design points if a scenario has several of them.
    Of several, `low` and `high` are the interval of the mean over points and runs, and `settings_low` and
    `settings_high` the 5 and 95 % quantiles of the effect over points; NaN as `settings_range` says.
    `spreads` says how far chance of the run spreads the capability of each bloc at the last date. `left_out` is the
    number of scenarios and design points beyond the first MOST_PAIRED, which are not compared.
    """

    states: pd.DataFrame
    sizes: pd.DataFrame
    spreads: dict[str, dict[str, EffectSpread]]
    left_out: int = 0


def match_designs(designs: Sequence[Design], baseline: str) -> list[Matched]:
    """Match the design points of each scenario with the baseline's: all at once if both have the same settings.

    Else each design point is compared with the baseline's, after those, so that they are not left out. If points
    of many settings are compared all at once, the baseline's points, which differ in every setting, are left out.
    """
    base = next(design for design in designs if design.label == baseline)
    bases = [design for design in designs if design.name == base.name]
    alike: list[Matched] = []
    found: list[Matched] = []
    for name in dict.fromkeys(design.name for design in designs):
        own = [design for design in designs if design.name == name]
        if name != base.name and len(own) > 1 and [o.settings for o in own] == [b.settings for b in bases]:
            alike.append(Matched(name, tuple(own), tuple(bases)))
        else:
            found += [Matched(one.label, (one,), (base,)) for one in own if one is not base]
    return alike + [one for one in found if not alike or is_short(one.scenario)]


def compare_at_dates(results: Results, designs: Sequence[Design], baseline: str, days: Sequence[str]) -> DatedEffects:
    """Compare each scenario with the baseline at dates, and by first entries.

    Parameters
    ----------
    results
        The folder of a sweep.
    designs
        Its design points.
    baseline
        The label of the design to compare with.
    days
        ISO dates, which all runs contain.

    Returns
    -------
    DatedEffects
        Differences with intervals, direct effects, and the spread by chance of the run.
    """
    found: list[DatedEffects] = []
    cache: dict[str, ObservedRuns] = {}
    every = match_designs(designs, baseline)
    for matched in every[:MOST_PAIRED]:
        bases = [base for base in matched.bases if base.label not in cache]
        cache.update(zip((base.label for base in bases), observe_runs(results, bases, days), strict=True))
        own = observe_runs(results, matched.designs, days)
        found.append(compare_observed(matched.scenario, own, [cache[base.label] for base in matched.bases]))
    states, sizes = join_rows([one.states for one in found], STATES), join_rows([one.sizes for one in found], SIZES)
    spreads = {scenario: one for effects in found for scenario, one in effects.spreads.items()}
    return DatedEffects(states, sizes, spreads, len(every[MOST_PAIRED:]))


def compare_observed(scenario: str, own: Sequence[ObservedRuns], bases: Sequence[ObservedRuns]) -> DatedEffects:
    """Compare observed runs of a scenario, one entry for each design point, with those of the baseline."""
    sides, states = [own, bases], []
    for event in ("at", "entry"):
        table = compare_sides([[getattr(one, event) for one in side] for side in sides])
        table.index.names = ["date", "state", "alignment"]
        table = split_effect(table, sides, event).reset_index()
        states.append(table.assign(scenario=scenario, event=event))
    table = compare_sides([[one.sizes for one in side] for side in sides])
    table.index.names = ["date", "outcome"]
    table = split_effect(table, sides, "sizes")
    sizes = table.reset_index().assign(scenario=scenario)
    last = max(own[0].sizes.columns.get_level_values(0))
    spreads = {scenario: spreads_of_sizes(sides, last, table)}
    return DatedEffects(join_rows(states, STATES), join_rows([sizes], SIZES), spreads)


def compare_entry(
    results: Results, designs: Sequence[Design], baseline: str, state: str, alignment: str, day: str, *,
    event: str = "entry",
) -> pd.DataFrame:  # fmt: skip
    """Compare with the baseline how often one state has entered one alignment by a date, or left it, run by run.

    Parameters
    ----------
    results
        The folder of a sweep.
    designs
        Its design points.
    baseline
        The label of the design to compare with.
    state, alignment
        The state and the alignment.
    day
        ISO date, which all runs contain.
    event
        `entry`, of the runs in which it starts elsewhere; or `exit`, of those in which it starts there.

    Returns
    -------
    DataFrame
        scenario and the columns of `compare_outcomes`; for an entry, the rows of `compare_at_dates` for it, without
        the scenarios that lack the state.
    """
    every = match_designs(designs, baseline)[:MOST_PAIRED]
    wanted = {
        one.label: one for matched in every for one in (*matched.designs, *matched.bases) if state in one.world.states
    }
    seen = observe_entry(results, list(wanted.values()), state, alignment, day, event)
    rows = []
    for matched in every:
        sides = [[seen[one.label] for one in side if one.label in seen] for side in (matched.designs, matched.bases)]
        if all(sides):
            rows.append(compare_sides(sides).assign(scenario=matched.scenario))
    return join_rows(rows, ["scenario", *COMPARED])


def observe_entry(
    results: Results, designs: Sequence[Design], state: str, alignment: str, day: str, event: str
) -> dict[str, pd.DataFrame]:
    """Observe in each run whether a state has entered an alignment by a date: 1 or 0, NaN where it starts there.

    Of the event `exit`, whether it has left the alignment by then, NaN where it starts elsewhere. A table for each
    design with finished runs, by label.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    cell = pd.MultiIndex.from_tuples([(day, state, alignment)])
    for events in read_events(results, designs):
        world, (step,) = events.design.world, events.design.steps_at([day])
        entered = np.full(len(events.replicates), 0.0 if event == "entry" else np.nan)
        if alignment in world.alignments:
            i, k = world.states.index(state), world.alignments.index(alignment)
            inside = events.start[:, i] == k
            first = events.entries[:, i, k] if event == "entry" else events.exits[:, i]
            entered = np.where(inside == (event == "entry"), np.nan, first <= step)
        index = pd.MultiIndex.from_product([[events.seed], events.replicates], names=["seed", "replicate"])
        found.setdefault(events.design.label, []).append(pd.DataFrame(entered[:, None], index=index, columns=cell))
    return {label: pd.concat(tables) for label, tables in found.items()}


def join_rows(tables: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Concatenate tables of differences with these columns, as one family of tests; none give an empty table."""
    return mark_clear(pd.concat(tables, ignore_index=True))[columns] if tables else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class ObservedRuns:
    """The runs of a design point at dates, with one row for each run.

    Parameters
    ----------
    at, entry
        Whether each event happens, as 0 or 1, by date, state and alignment; NaN for an entry where the state starts.
        Numbers of two bytes, as these are the largest tables.
    sizes
        Capability and members of each alignment, by date and outcome.
    direct
        By the name of the table, the closed form of its mean if no other state moved; empty without a closed form.
    renewed
        The same if every disposition were renewed.
    """

    at: pd.DataFrame
    entry: pd.DataFrame
    sizes: pd.DataFrame
    direct: dict[str, pd.Series]
    renewed: dict[str, pd.Series]


def observe_runs(results: Results, designs: Sequence[Design], days: Sequence[str]) -> list[ObservedRuns]:
    """Read the runs of each design point and observe them at dates; all points are read together."""
    each = groupby(read_events(results, designs), key=lambda events: events.design.point)
    own = {design.point: design for design in designs}
    observed = {point: observe_events(events, own[point], days) for point, events in each}
    return [observed[design.point] for design in designs]


def observe_events(runs_read: Iterable[RunEvents], design: Design, days: Sequence[str]) -> ObservedRuns:
    """Observe the runs of a design point at dates."""
    world, steps = design.world, design.steps_at(days)
    alternatives = np.arange(len(world.alignments))
    weights = {"capability": world.setting.capability, "members": np.ones(len(world.states))}
    at, entry, sizes, keys = [], [], [], []
    for events in runs_read:
        runs = len(events.replicates)
        held = events.alignment[:, steps, :, None] == alternatives  # (R, D, N, K + 1)
        at.append(held.reshape(runs, -1).astype(np.float16))
        entered = np.stack([events.entries <= step for step in steps], axis=1)
        entry.append(np.where((events.entries == 0)[:, None], np.float16(np.nan), entered).reshape(runs, -1))
        sizes.append(np.concatenate([size_of(held, w) for w in weights.values()], axis=2).reshape(runs, -1))
        keys.append(np.stack([np.full(runs, events.seed), events.replicates], axis=1))
    cells = pd.MultiIndex.from_product([days, world.states, world.alignments])
    outcomes = pd.MultiIndex.from_product([days, [f"{what}_{name}" for what in weights for name in world.alignments]])
    index = pd.MultiIndex.from_arrays(np.concatenate(keys).T, names=["seed", "replicate"])

    def tabulate(values: list[Floats], columns: pd.MultiIndex) -> pd.DataFrame:
        return pd.DataFrame(np.concatenate(values), index=index, columns=columns)

    direct: dict[str, pd.Series] = {}
    renewed: dict[str, pd.Series] = {}
    if has_closed_form(world):
        later = sorted({*steps} - {0})
        there = dict(zip(later, hold_start(world, later), strict=True))
        start = np.eye(len(world.alignments))[world.setting.initial]
        chances = np.stack([there[s].chances if s else start for s in steps])
        entries = np.stack([there[s].entries if s else start for s in steps])
        redrawn = np.stack([there[s].redrawn if s else start for s in steps])
        for found, values in ((direct, chances), (renewed, redrawn)):
            found["at"] = pd.Series(values.ravel(), index=cells)
            sums = np.concatenate([size_of(values[None], w) for w in weights.values()], axis=2)
            found["sizes"] = pd.Series(sums.ravel(), index=outcomes)
        direct["entry"] = pd.Series(entries.ravel(), index=cells)
    tables = tabulate(at, cells), tabulate(entry, cells), tabulate(sizes, outcomes)
    return ObservedRuns(*tables, direct=direct, renewed=renewed)


def size_of(held: Any, weights: Floats) -> Floats:
    """Sum weights, (N,), over the states with each alignment: from (R, D, N, K + 1) to (R, D, K + 1)."""
    return np.einsum("rdnk,n->rdk", held.astype(float), weights)


def compare_sides(sides: Sequence[Sequence[pd.DataFrame]]) -> pd.DataFrame:
    """Compare tables of runs of two sides: pair by pair, or over several design points as `compare_points` does."""
    known = [{column[:2] for column in side[0].columns} for side in sides]  # date and state, or date and outcome
    columns = [
        column
        for column in sides[0][0].columns.union(sides[1][0].columns, sort=False)
        if len(column) == 2 or all(column[:2] in there for there in known)
    ]
    own = pd.MultiIndex.from_tuples(columns)
    if len(sides[0]) > 1:
        return compare_points(*([only_columns(table, own) for table in side] for side in sides))
    width = max(1, MOST_CELLS // max(len(sides[0][0]), 1))
    parts = [own[n : n + width] for n in range(0, len(own), width)]
    found = [compare_columns(*(only_columns(side[0], part) for side in sides)) for part in parts]
    return pd.concat(found).assign(**dict.fromkeys(SPLIT[:2], np.nan))


def only_columns(table: pd.DataFrame, columns: pd.MultiIndex) -> pd.DataFrame:
    """Give a table these columns: what lacks a bloc has nothing in it."""
    return table.reindex(columns=columns, fill_value=0.0)


def compare_points(one: Sequence[pd.DataFrame], other: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Compare the means of design points of two sides, and estimate how far the effect goes over the points.

    Points have common random numbers, so chance of the run does not shrink with their number. The interval of the
    mean adds the squares of two: that over points, and that over pairs of runs, each a mean over points. NaN for one
    run at each point, which does not show chance of the run.
    """
    runs = reduce(pd.Index.intersection, [table.index for table in (*one, *other)])
    sides = [np.stack([table.loc[runs].to_numpy(dtype=float) for table in side]) for side in (one, other)]

    def compare_along(axis: int) -> pd.DataFrame:
        """Compare the means along an axis: over runs, for each point (1), or over points, for each pair of runs (0)."""
        return compare_columns(*(pd.DataFrame(average_known(side, axis), columns=one[0].columns) for side in sides))

    points, chance = compare_along(1), compare_along(0)
    table = mark_clear(join_sources(points, chance.loc[points.index]))
    places = one[0].columns.get_indexer(table.index)
    spans = settings_range((sides[0] - sides[1])[:, :, places])
    return table.assign(**dict(zip(SPLIT[:2], spans, strict=True)))


def join_sources(points: pd.DataFrame, chance: pd.DataFrame) -> pd.DataFrame:
    """Give differences over points the interval and p with chance of the run, from those over pairs of runs.

    Half widths add by their squares, as the variances of independent sources do; so do those behind the p values.
    """
    found, none = points.copy(), points["low"].isna() & chance["low"].isna() | chance["p"].isna()
    for end in ("low", "high"):
        halves = [(table[end] - table["difference"]).fillna(0.0) for table in (points, chance)]
        found[end] = (points["difference"] + np.hypot(*halves) * (1 if end == "high" else -1)).mask(none)
    one, other = (-ndtri(table["p"].to_numpy() / 2) for table in (points, chance))
    with np.errstate(divide="ignore"):
        found["p"] = 2 * ndtr(-1 / np.hypot(1 / one, 1 / other))
    return found


def split_effect(table: pd.DataFrame, sides: Sequence[Sequence[ObservedRuns]], name: str) -> pd.DataFrame:
    """Add the columns of SPLIT to differences; NaN without a closed form."""
    for column in ("direct", "renewed"):
        parts = [[getattr(one, column).get(name) for one in side] for side in sides]
        if any(one is None for side in parts for one in side):
            table[column] = np.nan
        else:
            means = [pd.concat(side, axis=1).mean(axis=1, skipna=False) for side in parts]
            one, other = (mean.reindex(table.index, fill_value=0.0) for mean in means)
            table[column] = one - other
    table["rest"] = table["difference"] - table["direct"]
    table["rest_low"], table["rest_high"] = (table[end] - table["direct"] for end in ("low", "high"))
    return table


def spreads_of_sizes(sides: Sequence[Sequence[ObservedRuns]], day: str, table: pd.DataFrame) -> dict[str, EffectSpread]:
    """Measure the spread of the effect on the capability of each bloc at a date, by outcome.

    The half width is that of the interval in the table of differences.
    """
    one, other = ([observed.sizes[day] for observed in side] for side in sides)
    runs = reduce(pd.Index.intersection, [table.index for table in (*one, *other)])
    found = {}
    for outcome in one[0].columns.intersection(other[0].columns):
        if len(runs) and outcome.startswith("capability_") and outcome != "capability_non_aligned":
            gaps = [
                (here.loc[runs, outcome] - there.loc[runs, outcome]).to_numpy()
                for here, there in zip(one, other, strict=True)
            ]
            row = table.loc[(day, outcome)]
            found[outcome] = measure_spread(np.stack(gaps))._replace(
                half=float(row["high"] - row["low"]) / 2, difference=float(row["difference"])
            )
    return found
