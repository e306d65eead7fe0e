"""Compare policy levers over uncertain futures (minimax regret)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.analysis.paired import refuse_unlike, timing_of, unlike
from sim.analysis.sensitivity import Evaluator, parameter_ranges
from sim.analysis.statistics import LEVEL, RESAMPLES, RESAMPLING_SEED, beyond_rounding, share_interval
from sim.batch.design import sample_ranges
from sim.batch.executor import Progress
from sim.model.arrays import Floats
from sim.model.trajectory import window_of
from sim.scenario.loading import BASE, shipped_scenarios
from sim.scenario.schema import Scenario

ONE_WORLD = "give levers of one world"
ONE_LAW = "results of the two laws are not comparable; give all levers one"


def load_levers() -> dict[str, Scenario]:
    """Load the baseline, which changes nothing, and every shipped scenario marked as a lever."""
    loaded = shipped_scenarios()
    return {BASE: loaded[BASE], **{name: one for name, one in loaded.items() if one.role == "lever"}}


def check_levers(levers: Mapping[str, Scenario]) -> None:
    """Raise InputError that names every lever whose runs cannot be compared with those of the first."""
    base, first = next(iter(levers.items()))
    refuse_unlike(
        "regret",
        {
            name: unlike(timing_of(one), one.states, base, timing_of(first), first.states)
            or ("" if one.states.keys() == first.states.keys() else f"has other states than {base}; {ONE_WORLD}")
            or (
                ""
                if one.dispositions == first.dispositions
                else f"has {one.dispositions} dispositions and {base} {first.dispositions}; {ONE_LAW}"
            )
            for name, one in levers.items()
        },
    )


def resolution_of(scenario: Scenario, outcome: str, replicates: int) -> float | None:
    """Return the step in which the mean over runs can move: of a share of runs at one date; None for others."""
    return 1 / replicates if outcome.startswith("share_") and window_of(scenario) == 1 else None


def outcomes_in_futures(
    levers: Mapping[str, Scenario], outcome: str, *,
    points: int, replicates: int, seed: int, day: str | None = None, workers: int | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Run each lever in each future, on common random numbers.

    Futures are a scrambled Sobol sequence over the ranges of every parameter. A parameter that a lever sets
    differently from the first lever keeps that value.

    Parameters
    ----------
    levers
        Scenarios by name; the first is the baseline.
    outcome
        The outcome to average over runs.
    points
        Number of futures.
    replicates
        Runs of each lever in each future.
    seed
        Random seed of the futures and of the runs.
    day
        Date of the outcome. Default: the end of the runs, or the mean over their last steps.
    workers
        Threads. Default: the cores of this process.
    progress
        Called with the runs done and the total.

    Returns
    -------
    DataFrame
        Mean outcome, (levers, futures), indexed by the levers' names.

    Raises
    ------
    ValueError
        If a lever does not have the outcome, or it is undefined in a future.
    """
    first = next(iter(levers.values()))
    ranges = parameter_ranges(first)
    settings = pd.DataFrame(sample_ranges(ranges, points=points, seed=seed), columns=list(ranges))
    rows = {}
    for n, (name, lever) in enumerate(levers.items()):
        own = [p for p in ranges if getattr(lever.parameters, p).value != getattr(first.parameters, p).value]
        varied = settings.assign(**dict.fromkeys(own, float("nan"))).to_numpy()

        def report(done: int, total: int, before: int = n) -> None:
            if progress is not None:
                progress(before * total + done, total * len(levers))

        evaluator = Evaluator(lever, tuple(ranges), outcome, seed, day)
        rows[name] = evaluator.means(varied, replicates=replicates, workers=workers, progress=report)
    return pd.DataFrame(rows).T


REGRET = ["lever", "mean", "worst", "regret", "low", "high", "regret_95", "regret_max", "best", "satisfied",
          "satisfied_low", "satisfied_high", "futures"]  # fmt: skip


def regret_of_levers(outcomes: Floats, *, want: str) -> Floats:
    """Measure how far each lever falls short of the best one in each future (Savage 1951).

    Parameters
    ----------
    outcomes
        Mean outcome, (levers, futures).
    want
        `low` or `high`: which outcomes are better.

    Returns
    -------
    ndarray
        Regret, (levers, futures), at least 0, in the unit of the outcome.
    """
    gains = -outcomes if want == "low" else outcomes
    short: Floats = gains.max(axis=0) - gains
    return short


def tabulate_regret(outcomes: pd.DataFrame, *, want: str, satisfied: float) -> pd.DataFrame:
    """Tabulate outcome and regret of each lever, the minimax choice first.

    Parameters
    ----------
    outcomes
        Mean outcome, one row per lever and one column per future.
    want
        `low` or `high`: which outcomes are better.
    satisfied
        The threshold that a satisfying outcome reaches.

    Returns
    -------
    DataFrame
        One row per lever: the `mean` and `worst` outcome; mean `regret` with its 95 % bootstrap interval over
        the futures (`low`, `high`); its 95 % quantile and its maximum (minimax regret takes the least maximum);
        the share of futures in which the lever is `best`; the share in which it is `satisfied`, with its
        Wilson interval; and the number of futures.
    """
    values = outcomes.to_numpy(dtype=float)
    short, size = regret_of_levers(values, want=want), np.abs(values).max(axis=0)
    futures = values.shape[1]
    draws = np.random.default_rng(RESAMPLING_SEED).integers(futures, size=(RESAMPLES, futures))
    tail = (1 - LEVEL) / 2
    reached = values <= satisfied if want == "low" else values >= satisfied
    rows = []
    for lever, name in enumerate(outcomes.index):
        low, high = np.quantile(short[lever][draws].mean(axis=1), [tail, 1 - tail])
        share, share_low, share_high, _ = share_interval(int(reached[lever].sum()), futures)
        rows.append((
            name, values[lever].mean(), values[lever].max() if want == "low" else values[lever].min(),
            short[lever].mean(), low, high, np.quantile(short[lever], 0.95), short[lever].max(),
            (~beyond_rounding(short[lever], size)).mean(), share, share_low, share_high, futures,
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=REGRET).sort_values("regret_max", kind="stable").reset_index(drop=True)
