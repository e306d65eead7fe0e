"""Measure how an outcome depends on the settings: Sobol indices, and one setting at a time.

Every point uses common random numbers, so that points differ by their settings only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats import qmc

from sim.analysis.statistics import LEVEL, beyond_rounding, mean_interval, varies, varies_most
from sim.batch.executor import Progress, evaluate
from sim.calendar import last_step_by
from sim.errors import suggest
from sim.model import outcomes
from sim.model.arrays import PARAMETERS, Floats
from sim.model.compiled import iterate_runs, run_records
from sim.model.trajectory import store_late, window_of
from sim.model.world import World, with_parameters, world_of
from sim.scenario.checks.idle import unsampled_parameters
from sim.scenario.overrides import setting_places, with_settings
from sim.scenario.parameters import Parameters, parameter_range
from sim.scenario.schema import Scenario
from sim.scenario.shocks import BlocShock

Ranges = Mapping[str, tuple[float, float]]

RESAMPLES = 500

LOOKED_AT = 20  # runs that choose the default outcome


def askable_outcomes(world: World) -> tuple[str, ...]:
    """Name the outcomes of an analysis: those of a run, and share_<alignment>_<STATE> for every state."""
    shares = (f"share_{alignment}_{state}" for alignment in world.alignments for state in world.states)
    return (*outcomes.outcome_names(world.alignments[1:], world.theatres), *shares)


def world_until(scenario: Scenario, day: str | None) -> World:
    """Build the arrays of a scenario whose runs end with the last step that ends by a day; None: as they are.

    The steps of a run do not depend on later ones. So its outcomes at a date are those at the end of the shorter run.
    """
    world = world_of(scenario)
    if day is None or scenario.date is None:
        return world
    return replace(world, steps=last_step_by(date.fromisoformat(scenario.date), scenario.step, date.fromisoformat(day)))


def describe_reading(scenario: Scenario, day: str | None) -> str:
    """Say when an outcome is read, such as `at 2030-10-25` or `over the last 8 steps`."""
    if scenario.date is None or scenario.sweep.lens == "tendency":
        return f"over {outcomes.last_steps(window_of(scenario))}"
    return f"at {scenario.dates()[world_until(scenario, day).steps]}"


def chosen_outcome(scenario: Scenario, *, seed: int, day: str | None = None) -> str:
    """Choose the default outcome: the size of the bloc that varies most over 20 runs."""
    world = world_until(scenario, day)
    window = window_of(scenario)
    stored = store_late(world.steps, window)
    runs = iterate_runs(scenario, seed=seed, replicates=range(LOOKED_AT), world=world, stored=stored)
    late = np.array([one.late_outcomes(window) for one in runs])
    names = outcomes.outcome_names(world.alignments[1:], world.theatres)
    return varies_most({n: late[:, names.index(n)] for n in map("capability_{}".format, world.alignments[1:])})


@dataclass(frozen=True)
class Evaluator:
    """An outcome of a scenario as a function of its settings, with common random numbers.

    Parameters
    ----------
    scenario
        The scenario to run.
    settings
        Paths of d settings, as `--set` takes them, such as ``"w_pressure"``.
    outcome
        An outcome, or ``"share_<alignment>_<STATE>"``.
    seed
        Random seed of every point.
    day
        Date of the outcome, in a run with dates. Default: the end of the run, or the mean over its last steps.

    Raises
    ------
    ValueError
        If the scenario does not have the outcome.
    """

    scenario: Scenario
    settings: tuple[str, ...]
    outcome: str
    seed: int
    day: str | None = None

    def __post_init__(self) -> None:
        known = askable_outcomes(self.world)
        if self.outcome not in known:
            sized = f"capability_{self.outcome[5:]}"  # as in the tables of compare: size front
            near = suggest(sized if self.outcome[:5] in ("size_", "size ") else self.outcome, known)
            size, share = f"capability_{self.world.alignments[-1]}", known[-1]
            raise ValueError(
                f"unknown outcome{near}; give one such as {size}, or share_ALIGNMENT_STATE such as {share}"
            )

    @cached_property
    def world(self) -> World:
        """The scenario as arrays, without a change."""
        return world_until(self.scenario, self.day)

    @cached_property
    def columns(self) -> tuple[int, ...] | None:
        """Index of each setting in the array of parameters; None where one is not a parameter."""
        found = [place for path in self.settings for place in setting_places(self.scenario, path)]
        at = tuple(PARAMETERS.index(place[1]) for place in found if place[0] == "parameters" and place[1] in PARAMETERS)
        return at if len(at) == len(self.settings) == len(found) else None

    def world_at(self, row: Floats) -> World:
        """Build the world with the settings of a row, (d,); NaN keeps the scenario's value."""
        if self.columns is None:
            given = zip(self.settings, row, strict=True)
            changes = {path: float(value) for path, value in given if not math.isnan(value)}
            return world_until(with_settings(self.scenario, changes), self.day)
        parameters = self.world.start.parameters.copy()
        for column, value in zip(self.columns, row, strict=True):
            parameters[column] = parameters[column] if math.isnan(value) else value
        return with_parameters(self.world, parameters)

    def at(self, row: Floats, replicates: int) -> Floats:
        """Compute the outcome in each replicate at the settings of a row, (replicates,); NaN where undefined."""
        world = self.world_at(row)
        names, window = outcomes.outcome_names(world.alignments[1:], world.theatres), window_of(self.scenario)
        stored = store_late(world.steps, window)
        records = run_records(world, seed=self.seed, replicates=range(replicates), stored=stored)
        if self.outcome in names:
            column = names.index(self.outcome)
            return outcomes.late_mean(np.stack([one.outcomes[:, column] for one in records], axis=1), window)
        alignment, state = divmod(askable_outcomes(world).index(self.outcome) - len(names), len(world.states))
        held = np.stack([one.alignment[:, state] for one in records], axis=1)
        return outcomes.late_shares(held, len(world.alignments), window)[:, alignment]

    def runs(
        self, rows: Floats, *, replicates: int, workers: int | None = None, progress: Progress | None = None
    ) -> Floats:
        """Compute the outcome at each row, (rows, d), in each replicate: (rows, replicates), in threads."""
        found = evaluate(
            lambda row: self.at(row, replicates), list(rows), runs=replicates, workers=workers, progress=progress
        )
        return np.array(found).reshape(len(rows), replicates)

    def means(
        self, rows: Floats, *, replicates: int, workers: int | None = None, progress: Progress | None = None
    ) -> Floats:
        """Average the outcome at each row, (rows,), over the replicates where it is defined.

        Raises ValueError where the outcome is undefined in all replicates of a row.
        """
        found = self.runs(rows, replicates=replicates, workers=workers, progress=progress)
        known = ~np.isnan(found)
        if lacking := int((~known.any(axis=1)).sum()):
            raise ValueError(f"{self.outcome} is undefined in every run at {lacking} of {len(rows)} points")
        means: Floats = np.where(known, found, 0.0).sum(axis=1) / known.sum(axis=1)
        return means


def idle_parameters(scenario: Scenario) -> dict[str, str]:
    """Find the parameters that have no effect in a scenario or are not sampled yet, each with the reason."""
    kinds = {tie.kind for tie in scenario.ties}
    accommodates = any(bloc.accommodation.value > 0 for bloc in scenario.blocs.values()) or any(
        isinstance(shock, BlocShock) and shock.setting == "accommodation" for shock in scenario.shocks
    )
    lacks = {
        "w_propensity": ("propensity" not in kinds, "no propensity ties"),
        "w_trade": ("trade" not in kinds, "no trade ties"),
        "w_institution": (not scenario.institutions, "no institutions"),
        "accommodation_cost": (not accommodates, "no bloc accommodates"),
    }
    return {name: why for name, (lacking, why) in lacks.items() if lacking} | unsampled_parameters(scenario)


def parameter_ranges(scenario: Scenario) -> dict[str, tuple[float, float]]:
    """Return the range of every parameter that has an effect: the documented one, and the scenario's own value."""
    idle, found = idle_parameters(scenario), {}
    for name in Parameters.model_fields:
        if name not in idle:
            (low, high), own = parameter_range(name), getattr(scenario.parameters, name).value
            found[name] = (min(low, own), max(high, own))
    return found


def widened_parameters(scenario: Scenario) -> list[str]:
    """Return the parameters whose own value widens the documented range."""
    return [name for name, ends in parameter_ranges(scenario).items() if ends != parameter_range(name)]


class SobolDesign(NamedTuple):
    """Points for Sobol indices of d settings (Saltelli et al. 2010)."""

    a: Floats  # (n, d)
    b: Floats  # (n, d), independent of a
    ab: Floats  # (d, n, d): a with column i taken from b


def require_power_of_two(points: int) -> None:
    """Raise ValueError if a number of Sobol points is not a power of 2, from 2."""
    if points < 2 or points & (points - 1):
        raise ValueError(f"{points} is not a power of 2; give {2 ** max(1, points.bit_length())}")


def sobol_design(ranges: Ranges, *, points: int, rng: np.random.Generator) -> SobolDesign:
    """Draw a scrambled Sobol design over the ranges; raises ValueError where points is not a power of 2."""
    require_power_of_two(points)
    d = len(ranges)
    low, high = np.array(list(ranges.values())).T
    unit = qmc.Sobol(2 * d, scramble=True, rng=rng).random(points)
    a, b = low + unit[:, :d] * (high - low), low + unit[:, d:] * (high - low)
    ab = np.repeat(a[None], d, axis=0)
    for i in range(d):
        ab[i, :, i] = b[:, i]
    return SobolDesign(a, b, ab)


class SobolIndices(NamedTuple):
    """Sobol indices of every setting, with the independent points of the design."""

    table: pd.DataFrame  # setting, first, first_low, first_high, total, total_low, total_high
    n: int  # points of A; the model is evaluated n (d + 2) times
    rows: Floats  # (2 n, d): A and B
    values: Floats  # (2 n,): the model at these rows


def sobol_indices(
    model: Callable[[Floats], Floats], ranges: Ranges, *, points: int, rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> SobolIndices:  # fmt: skip
    """Estimate first-order and total Sobol indices over uniform ranges, with 95 % bootstrap intervals.

    The estimators are those of Saltelli et al. (2010), from scipy.

    Parameters
    ----------
    model
        Maps rows, (m, d), to values, (m,). It is called once, for all n (d + 2) rows.
    ranges
        Low and high end of each of the d settings.
    points
        Number of points n, a power of 2.
    rng
        Random numbers of the design and of the bootstrap.
    resamples
        Bootstrap resamples.

    Returns
    -------
    SobolIndices
        One row per setting; NaN where the outcome varies by no more than rounding.

    Raises
    ------
    ValueError
        If n is not a power of 2, or a value is undefined: scipy then gives 0 for all indices.
    """
    design, d = sobol_design(ranges, points=points, rng=rng), len(ranges)
    values = model(np.concatenate([design.a, design.b, design.ab.reshape(-1, d)]))
    if undefined := int((~np.isfinite(values)).sum()):
        raise ValueError(f"the outcome is undefined at {undefined} of {len(values)} points; indices need it at all")
    f_a, f_b, f_ab = values[:points], values[points : 2 * points], values[2 * points :].reshape(d, points)
    first, total = estimate_indices(f_a, f_b, f_ab)
    picks = [rng.integers(points, size=points) for _ in range(resamples)]
    draws = np.array([estimate_indices(f_a[pick], f_b[pick], f_ab[:, pick]) for pick in picks])  # (resamples, 2, d)
    known = draws[~np.isnan(draws).any(axis=(1, 2))]  # a resample in which nothing varies has no indices
    low, high = np.quantile(known if len(known) else draws, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2], axis=0)
    table = pd.DataFrame(
        {
            "setting": list(ranges),
            "first": first, "first_low": low[0], "first_high": high[0],
            "total": total, "total_low": low[1], "total_high": high[1],
        }
    )  # fmt: skip
    return SobolIndices(table, points, np.concatenate([design.a, design.b]), values[: 2 * points])


def estimate_indices(f_a: Floats, f_b: Floats, f_ab: Floats) -> tuple[Floats, Floats]:
    """Estimate the first-order and total index of each setting, (d,) each, from values at A, B, (n,), and AB, (d, n).

    NaN where the values vary by no more than rounding.
    """
    if not varies(np.concatenate([f_a, f_b])):
        none = np.full(len(f_ab), np.nan)
        return none, none
    twice = f_ab if len(f_ab) > 1 else np.repeat(f_ab, 2, axis=0)  # scipy fails for one setting
    found = stats.sobol_indices(func={"f_A": f_a[None], "f_B": f_b[None], "f_AB": twice[:, None, :]}, n=f_a.size)
    return found.first_order[: len(f_ab)], found.total_order[: len(f_ab)]


def tornado_table(runs: Callable[[Floats], Floats], ranges: Ranges) -> pd.DataFrame:
    """Compare each end of each setting's range with the default, one setting at a time.

    Parameters
    ----------
    runs
        Maps rows, (m, d), to the outcome in each replicate, (m, replicates). NaN in a row keeps the default.
    ranges
        Low and high end of each of the d settings.

    Returns
    -------
    DataFrame
        Two rows per setting, the one with the largest difference first: setting, end, value, the paired
        difference with its 95 % interval (NaN where all pairs differ alike, up to rounding), and pairs.
    """
    rows = np.full((1 + 2 * len(ranges), len(ranges)), np.nan)
    for n, span in enumerate(ranges.values()):
        rows[1 + 2 * n : 3 + 2 * n, n] = span
    found = runs(rows)
    ends = [
        (name, end, value) for name, span in ranges.items() for end, value in zip(("low", "high"), span, strict=True)
    ]
    lines = [(*end, *paired_mean(there, found[0])) for end, there in zip(ends, found[1:], strict=True)]
    table = pd.DataFrame(lines, columns=["setting", "end", "value", "difference", "low", "high", "pairs"])
    reach = table["difference"].abs().groupby(table["setting"]).transform("max").fillna(0.0)
    return table.loc[reach.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def paired_mean(one: Floats, other: Floats) -> tuple[float, float, float, int]:
    """Average one minus the other, (n,) each: mean, 95 % interval, pairs; no interval where nothing varies."""
    gaps = one - other
    gaps = np.where(beyond_rounding(gaps, np.maximum(np.abs(one), np.abs(other))) | np.isnan(gaps), gaps, 0.0)
    mean, low, high, pairs = mean_interval(gaps)
    return (mean, low, high, pairs) if varies(gaps) else (mean, math.nan, math.nan, pairs)
