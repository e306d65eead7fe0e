"""Levers against uncertainties: what each choice costs in the futures where another would have been better.

The terms are those of robust decision making (Lempert, Popper & Bankes 2003): a lever is what a government
can choose, an uncertainty what it cannot, a future one setting of the uncertainties, an outcome what is measured.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.intervals import LEVEL, RESAMPLES, RESAMPLING_SEED, share_interval
from sim.kernel import Floats
from sim.rounding import beyond_rounding

REGRET = ["lever", "mean", "worst", "regret", "low", "high", "regret_95", "regret_max", "best", "satisfied",
          "satisfied_low", "satisfied_high", "futures"]  # fmt: skip


def regrets(outcomes: Floats, *, want: str) -> Floats:
    """How far each lever falls short of the best one in each future, (levers, futures) ≥ 0 (Savage 1951).

    want is `low` or `high`.
    """
    gains = -outcomes if want == "low" else outcomes
    short: Floats = gains.max(axis=0) - gains
    return short


def regret_table(outcomes: pd.DataFrame, *, want: str, satisfied: float) -> pd.DataFrame:
    """A row a lever, the one of least greatest regret first; outcomes has a row a lever and a column a future.

    Mean outcome and the worst; mean regret with its 95 % bootstrap interval over the futures, regret in the
    worst twentieth of the futures and in the worst (minimax regret takes the least of these); the share of
    futures in which the lever is best, and that in which the outcome is satisfying, at or beyond the
    threshold, with its Wilson interval.
    """
    values = outcomes.to_numpy(dtype=float)
    short, size = regrets(values, want=want), np.abs(values).max(axis=0)
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
