"""Realignments: how often states move, which states do, and how the chances of a move are calibrated.

Two records. `votes`: the ideal point has moved by more than a standard deviation of the year's ideal points, and
still has a year later where that is known. `coded`: the coded start of the next world differs from that of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sim.analysis.statistics import share_interval
from sim.backtesting.forecasts import Dated
from sim.backtesting.measures import Pooled, Resamples, pooled_auc, scaled, weighted_mean
from sim.backtesting.worlds import HORIZONS, SIDE, YearWorld
from sim.forecast.scores import Score, calibration_line, score_with_interval
from sim.model.arrays import Floats

LARGE = 1.0  # standard deviations of a lasting move

PRIOR = 0.005  # moves a state-year where no earlier year is known (docs/dispositions.md)

GROUPS = 4  # of state-years by forecast chance

PER = 100.0  # rates are per 100 state-years

KINDS = ("votes", "coded")


class RecordedMoves(NamedTuple):
    """What happened to the states of a year by a horizon: 1 toward the leader's bloc, −1 away, 0 neither, NaN unknown.

    `later` is the year of the horizon.
    """

    year: int
    later: int
    direction: Floats  # (N,)


def moves_in_votes(one: YearWorld, horizon: int) -> RecordedMoves:
    """Find lasting moves of ideal points by a horizon."""
    now = one.points_after(0)
    size = np.nanstd(now)
    moved, lasting = ((one.points_after(h) - now) / size for h in (horizon, horizon + 1))
    direction = np.where(moved > LARGE, 1.0, np.where(moved < -LARGE, -1.0, 0.0))
    returned = ~np.isnan(lasting) & (direction * lasting <= LARGE)
    direction = np.where(returned, 0.0, direction)
    return RecordedMoves(one.year, one.year + horizon, np.where(one.free & ~np.isnan(moved), direction, np.nan))


def moves_in_starts(one: YearWorld, later: YearWorld) -> RecordedMoves:
    """Find changes of the coded start between two worlds; a bloc other than the leader's counts as one side."""
    after = {state: SIDE[answer] for state, answer in zip(later.states, later.coded.tolist(), strict=True)}
    there = np.array([after.get(state, np.nan) for state in one.states])
    direction = np.sign(there - np.array([SIDE[answer] for answer in one.coded.tolist()]))
    return RecordedMoves(one.year, later.year, np.where(one.free, direction, np.nan))


def list_moves(kind: str, years: Sequence[YearWorld], horizon: int) -> Iterator[tuple[YearWorld, RecordedMoves]]:
    """Yield the moves of each year by a horizon, of one kind; without years in which they are unknown."""
    by_year = {one.year: one for one in years}
    for one in years:
        if kind == "votes":
            moves = moves_in_votes(one, horizon)
        elif one.year + horizon in by_year:
            moves = moves_in_starts(one, by_year[one.year + horizon])
        else:
            continue
        if not np.isnan(moves.direction).all():
            yield one, moves


def score_moves(
    kind: str, years: Sequence[YearWorld], horizon: int, forecasts: Mapping[str, Mapping[int, Dated]],
    gaps: Mapping[str, Mapping[int, Floats]], resamples: Resamples,
) -> dict[str, Any] | None:  # fmt: skip
    """Score the chances of moves by a horizon; None where no move can be known.

    `forecasts` are by name and year. `gaps` are simpler scores of who moves, (N,) each by name and year: a
    difference of where a state is and where a forecast has it, positive for a move toward the leader's bloc.
    """
    listed = list(list_moves(kind, years, horizon))
    if not listed:
        return None
    happened = collect(listed, {one.year: np.abs(moves.direction) for one, moves in listed})
    weights = happened.weights(resamples)
    event = happened.happened.astype(np.float64)

    def rate(values: Floats) -> Score:
        return score_with_interval(PER * weighted_mean(values, weights) / horizon, len(values))

    base = base_rates(listed, horizon)
    found: dict[str, Any] = {
        "horizon": horizon, "moves": int(event.sum()), "n": len(event), "rate": rate(event),
        "no_change": {"brier": mean_of(event, weights)},
        "base_rate": {"brier": mean_of((base - event) ** 2, weights)},
        "forecasts": {}, "gaps": {},
    }  # fmt: skip
    place = HORIZONS.index(horizon)
    for name, by_year in forecasts.items():
        moved = collect(listed, {year: one.up[place] + one.down[place] for year, one in by_year.items()})
        loss = (moved.chance - event) ** 2
        found["forecasts"][name] = {
            "rate": rate(moved.chance),
            "brier": mean_of(loss, weights),
            "less_no_change": mean_of(loss - event, weights),
            "less_base_rate": mean_of(loss - (base - event) ** 2, weights),
            "auc": pooled_auc(moved, resamples),
            "auc_toward": pooled_auc(
                directed(listed, {y: (one.up[place], one.down[place]) for y, one in by_year.items()}), resamples
            ),
            "slope": score_with_interval(calibration_line(moved.chance, moved.happened, weights)[0], len(event)),
            "groups": calibration_groups(moved),
        }
    for name, gap in gaps.items():
        found["gaps"][name] = {
            "auc": pooled_auc(collect(listed, {year: np.abs(one) for year, one in gap.items()}), resamples),
            "auc_toward": pooled_auc(directed(listed, {year: (one, -one) for year, one in gap.items()}), resamples),
        }
    return found


def mean_of(values: Floats, weights: Floats) -> Score:
    """Average values of state-years with the interval."""
    return score_with_interval(weighted_mean(values, weights), len(values))


def collect(listed: Sequence[tuple[YearWorld, RecordedMoves]], chances: Mapping[int, Floats]) -> Pooled:
    """Put the state-years of all years together; a chance that is unknown is the mean of the year's."""
    years: list[int] = []
    states: list[str] = []
    chance: list[Floats] = []
    happened: list[Floats] = []
    for one, moves in listed:
        known = ~np.isnan(moves.direction)
        own = chances[one.year][known]
        years += [one.year] * int(known.sum())
        states += [state for state, used in zip(one.states, known, strict=True) if used]
        chance.append(np.where(np.isnan(own), np.nanmean(own) if (~np.isnan(own)).any() else 0.0, own))
        happened.append(moves.direction[known] != 0)
    return Pooled(tuple(years), tuple(states), np.concatenate(chance), np.concatenate(happened))


def directed(listed: Sequence[tuple[YearWorld, RecordedMoves]], chances: Mapping[int, tuple[Floats, Floats]]) -> Pooled:
    """Put state-years together twice, once for each direction: the chance of that direction, and if it happened."""
    parts = []
    for n, sign in enumerate((1.0, -1.0)):
        turned = [(one, moves._replace(direction=toward(moves, sign))) for one, moves in listed]
        parts.append(collect(turned, {year: both[n] for year, both in chances.items()}))
    up, down = parts
    return Pooled(
        up.years + down.years, up.states + down.states,
        np.concatenate([up.chance, down.chance]), np.concatenate([up.happened, down.happened]),
    )  # fmt: skip


def toward(moves: RecordedMoves, sign: float) -> Floats:
    """Keep the moves of one direction, and what is unknown, (N,)."""
    return np.where(np.isnan(moves.direction), np.nan, (moves.direction == sign).astype(np.float64))


def base_rates(listed: Sequence[tuple[YearWorld, RecordedMoves]], horizon: int) -> Floats:
    """Chance of a move by the share of state-years that moved in the years known by then, one of each state-year."""
    rates = []
    for one, moves in listed:
        earlier = [past.direction for _, past in listed if past.later <= one.year]
        known = np.concatenate(earlier) if earlier else np.array([np.nan])
        known = known[~np.isnan(known)]
        share = float((known != 0).mean()) if known.size else PRIOR * horizon
        rates.append(np.full(int((~np.isnan(moves.direction)).sum()), share))
    return np.concatenate(rates)


def calibration_groups(moved: Pooled) -> list[dict[str, float]]:
    """Group state-years by their forecast chance in quarters: mean forecast, and share that moved with its interval."""
    order = np.argsort(moved.chance, kind="stable")
    found = []
    for part in np.array_split(order, GROUPS):
        share, low, high, n = share_interval(int(moved.happened[part].sum()), len(part))
        mean = float(moved.chance[part].mean()) if len(part) else float("nan")
        found.append({"forecast": mean, "share": share, "low": low, "high": high, "n": n})
    return found


def standing_gap(one: YearWorld, forecast: Floats) -> Floats:
    """Subtract where a state is in its ideal points from where a forecast has it, both standardised, (N,)."""
    now = one.points_after(0)
    used = one.free & ~np.isnan(now) & ~np.isnan(forecast)
    gap = np.full(len(now), np.nan)
    if used.sum() >= 2 and np.ptp(forecast[used]) > 0:
        gap[used] = scaled(forecast[used]) - scaled(now[used])
    return gap
