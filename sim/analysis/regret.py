"""Compare policy levers over uncertain futures (minimax regret)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.analysis.compare import unlike
from sim.analysis.sensitivity import Evaluator, parameter_ranges
from sim.analysis.statistics import LEVEL, RESAMPLES, RESAMPLING_SEED, beyond_rounding, share_interval
from sim.batch.design import sample_ranges
from sim.batch.executor import Progress
from sim.errors import Fault, InputError
from sim.model.arrays import Floats
from sim.scenario.loading import BASE, shipped_scenarios
from sim.scenario.schema import Scenario


def load_levers() -> dict[str, Scenario]:
    """The baseline, which is to change nothing, and every shipped scenario marked as a lever."""
    loaded = shipped_scenarios()
    return {BASE: loaded[BASE], **{name: one for name, one in loaded.items() if one.role == "lever"}}


def check_alike(levers: Mapping[str, Scenario]) -> None:
    """Raise InputError that names every lever whose runs cannot be compared with those of the first."""
    base, first = next(iter(levers.items()))
    found = {name: unlike(one.steps, one.states, base, first.steps, first.states) for name, one in levers.items()}
    if faults := [Fault("regret", 1, name, message) for name, message in found.items() if message]:
        raise InputError(faults)


def outcomes_in_futures(
    levers: Mapping[str, Scenario], outcome: str, *,
    points: int, replicates: int, seed: int, workers: int | None = None, progress: Progress | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Mean outcome of each lever (rows) in each future (columns), on the same luck.

    Futures are a scrambled Sobol sequence over the ranges of every parameter; one that a lever sets otherwise
    than the first lever stays as it sets it. Raises ValueError for an outcome that a lever has not, or that is
    undefined in a future.
    """
    first = next(iter(levers.values()))
    ranges = parameter_ranges(first)
    settings = pd.DataFrame(sample_ranges(ranges, points=points, seed=seed), columns=list(ranges))
    rows = {}
    for n, (name, lever) in enumerate(levers.items()):
        own = [p for p in ranges if getattr(lever.parameters, p).value != getattr(first.parameters, p).value]
        told = settings.assign(**dict.fromkeys(own, float("nan"))).to_numpy()

        def tell(done: int, total: int, before: int = n) -> None:
            if progress is not None:
                progress(before * total + done, total * len(levers))

        evaluator = Evaluator(lever, tuple(ranges), outcome, seed)
        rows[name] = evaluator.means(told, replicates=replicates, workers=workers, progress=tell)
    return pd.DataFrame(rows).T


REGRET = ["lever", "mean", "worst", "regret", "low", "high", "regret_95", "regret_max", "best", "satisfied",
          "satisfied_low", "satisfied_high", "futures"]  # fmt: skip


def regret_of_levers(outcomes: Floats, *, want: str) -> Floats:
    """How far each lever falls short of the best one in each future, (levers, futures) ≥ 0 (Savage 1951).

    want is `low` or `high`.
    """
    gains = -outcomes if want == "low" else outcomes
    short: Floats = gains.max(axis=0) - gains
    return short


def tabulate_regret(outcomes: pd.DataFrame, *, want: str, satisfied: float) -> pd.DataFrame:
    """A row a lever, the one of least greatest regret first; outcomes has a row a lever and a column a future.

    Mean outcome and the worst; mean regret with its 95 % bootstrap interval over the futures, regret in the
    worst twentieth of the futures and in the worst (minimax regret takes the least of these); the share of
    futures in which the lever is best, and that in which the outcome is satisfying, at or beyond the
    threshold, with its Wilson interval.
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
