"""What the record says of renewal: the profile of the likelihood of observed alignments over its rate."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from sim.analysis.statistics import LEVEL, RESAMPLING_SEED
from sim.backtesting.forecasts import with_likeness
from sim.backtesting.reading import fit_reading, reading_chances, standardise
from sim.backtesting.worlds import YearWorld
from sim.batch.executor import Progress, evaluate
from sim.forecast.baselines import sum_by_answer
from sim.model.arrays import PARAMETERS, Floats, Integers
from sim.model.starts import structural_chances
from sim.model.world import with_parameters
from sim.theory.panel import UNSEEN, panel_log_likelihood, spell_table

MOST_YEARS = 16  # of a panel; of more worlds, an even part is used

RATES = np.concatenate([[0.0], np.geomspace(0.0025, 0.64, 33)])  # renewal per year

MISREAD = (0.0, 0.01, 0.02, 0.04, 0.08, 0.16)

LIKENESS = (0.0, None, 1.0)  # weights; None is the world's own

SPREADS = (1.0, 2.0, 4.0)  # temperature over the world's own

DROP = 1.92  # of the log-likelihood at the ends of a 95 % interval (Wilks 1938)

RESAMPLES = 1000

LEAST = 1e-300  # chance that a log-weight is cut at


class Panel(NamedTuple):
    """The years of one state: their numbers among the worlds, and the alignments read in them."""

    state: str
    years: Integers  # (T,)
    places: Integers  # (T,), the state's place in the world of each year
    seen: Integers  # (T,), an answer or UNSEEN


def thin(years: Sequence[YearWorld]) -> list[YearWorld]:
    """Take an even part of the worlds, MOST_YEARS or fewer."""
    step = -(-len(years) // MOST_YEARS)
    return list(years)[::step]


def list_panels(years: Sequence[YearWorld]) -> list[Panel]:
    """List the states that are seen in two years or more, with an alignment read off the ideal points of each year."""
    seen: dict[str, list[tuple[int, int, int]]] = {}
    for n, one in enumerate(years):
        position = standardise(one.points_after(0))
        chances = reading_chances(position, fit_reading(position, one.coded))
        for i, state in enumerate(one.states):
            if one.free[i]:
                answer = UNSEEN if np.isnan(position[i]) else int(np.argmax(chances[i]))
                seen.setdefault(state, []).append((n, i, answer))
    return [
        Panel(state, *np.array(rows).T) for state, rows in seen.items() if sum(row[2] != UNSEEN for row in rows) > 1
    ]


def log_weights_by_answer(one: YearWorld, likeness: float | None) -> Floats:
    """Return τ ln p of each answer at the coded start without inertia, (N, 3): utilities up to a constant."""
    world = with_likeness(one.world, likeness)
    parameters = world.start.parameters.copy()
    parameters[PARAMETERS.index("inertia")] = 0.0
    chances = structural_chances(with_parameters(world, parameters), seed=0, replicate=0).chances
    temperature = float(parameters[PARAMETERS.index("temperature")])
    return np.asarray(temperature * np.log(np.maximum(sum_by_answer(one.scenario, chances), LEAST)))


def profile_renewal(
    years: Sequence[YearWorld], *, workers: int | None = None, progress: Progress | None = None
) -> dict[str, Any] | None:
    """Compute the profile of the log-likelihood over renewal; None where no state is seen in two years.

    At each rate the likelihood is the greatest over the weight of likeness, the temperature and the chance that a
    year's alignment is misread. The interval is by the drop of the profile, and by resampling states.
    """
    used = thin(years)
    panels = list_panels(used)
    temperatures = [float(one.world.start.parameters[PARAMETERS.index("temperature")]) for one in used]
    if not panels or min(temperatures) == 0:
        return None
    utilities = {weight: [log_weights_by_answer(one, weight) for one in used] for weight in LIKENESS}
    inertia = max(float(one.world.start.parameters[PARAMETERS.index("inertia")]) for one in used)
    settings = list(product(LIKENESS, SPREADS))

    def by_setting(panel: Panel) -> Floats:
        """Log-likelihood by setting, misreading and rate, (S, M, L)."""
        ends = np.array([used[n].year for n in panel.years])
        gaps = np.diff(ends, prepend=ends[0])
        renewed = 1 - np.exp(-RATES[:, None] * gaps)
        found = np.empty((len(settings), len(MISREAD), len(RATES)))
        for s, (weight, spread) in enumerate(settings):
            own = [utilities[weight][n][i] for n, i in zip(panel.years, panel.places, strict=True)]
            scale = spread * np.array([temperatures[n] for n in panel.years])
            table = spell_table(np.array(own) / scale[:, None], panel.seen, inertia / float(scale.mean()))
            for m, misread in enumerate(MISREAD):
                found[s, m] = panel_log_likelihood(table, renewed, misread)
        return found

    values = np.array(evaluate(by_setting, panels, workers=workers, progress=progress))  # (states, S, M, L)
    return profile_record(values, panels, used, settings)


def profile_record(
    values: Floats, panels: Sequence[Panel], used: Sequence[YearWorld], settings: Sequence[tuple[float | None, float]]
) -> dict[str, Any]:
    """Collect the profile, its best point and its intervals."""
    total = values.sum(axis=0)
    profile = total.max(axis=(0, 1))
    best = int(np.argmax(profile))
    s, m = divmod(int(np.argmax(total[:, :, best])), len(MISREAD))
    inside = np.flatnonzero(profile >= profile[best] - DROP)
    low, high = resampled_interval(values)
    return {
        "rates": RATES.tolist(), "log_likelihood": (profile - profile[best]).tolist(),
        "best": float(RATES[best]), "low": float(RATES[inside[0]]), "high": float(RATES[inside[-1]]),
        "low_states": low, "high_states": high,
        "default": float(used[-1].world.start.parameters[PARAMETERS.index("renewal")]),
        "likeness": settings[s][0], "temperature": settings[s][1], "misread": MISREAD[m],
        "states": len(panels), "years": [one.year for one in used],
        "n": int(sum((panel.seen != UNSEEN).sum() for panel in panels)),
        "changes": int(sum(count_changes(panel.seen) for panel in panels)),
    }  # fmt: skip


def count_changes(seen: Integers) -> int:
    """Count the changes of the alignment read, from one year that is seen to the next."""
    known = seen[seen != UNSEEN]
    return int((np.diff(known) != 0).sum())


def resampled_interval(values: Floats) -> tuple[float, float]:
    """Return the 95 % interval of the best rate over resampled states; values are (states, S, M, L)."""
    n = len(values)
    draws = np.random.default_rng(RESAMPLING_SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    totals = draws.astype(np.float64) @ np.maximum(values, -1e6).reshape(n, -1)
    best = totals.reshape(RESAMPLES, -1, len(RATES)).max(axis=1).argmax(axis=1)
    low, high = np.quantile(RATES[best], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(low), float(high)
