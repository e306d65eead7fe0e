"""Three forecasts of the model, kept apart.

Structural chances do not know where states start. Dated chances from the coded start know the coded alignments.
Dated chances from the observed start know the ideal points of the year, read as alignments with an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from sim.backtesting.reading import observed_start
from sim.backtesting.worlds import SIDE, YearWorld
from sim.forecast.chances import answer_chances, structural_world
from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model import compiled
from sim.model.arrays import DRAWN_START, NON_ALIGNED, PARAMETERS, Floats, Record
from sim.model.trajectory import store_alignments
from sim.model.world import World, with_parameters

LIKENESS = PARAMETERS.index("w_likeness")


class Dated(NamedTuple):
    """Chances by the end of each horizon, from histories of one start."""

    start: Floats  # (N, 3), share of the histories that start with each answer
    chances: Floats  # (H, N, 3)
    up: Floats  # (H, N), share of the histories in which a state is nearer to the leader's bloc than at its start
    down: Floats  # (H, N)
    kept: Floats  # (H, N, 3), share of the histories that start with each answer and keep their disposition
    switches: Floats  # (runs,), changes of alignment a year of each state that decides


def with_likeness(world: World, weight: float | None) -> World:
    """Replace the weight of likeness in a world; None keeps the world's own."""
    if weight is None:
        return world
    parameters = world.start.parameters.copy()
    parameters[LIKENESS] = weight
    return with_parameters(world, parameters)


def structural_forecast(one: YearWorld, likeness: float | None, *, seed: int, replicates: range) -> Floats:
    """Compute the structural chances of each answer, (N, 3), with a weight of likeness; None for the world's own."""
    world = with_likeness(structural_world(one.scenario), likeness)
    return answer_chances(one.scenario, world, seed=seed, replicates=replicates)


def coded_forecast(one: YearWorld, likeness: float | None, *, seed: int, replicates: range) -> Dated:
    """Run histories from the coded start."""
    world = with_likeness(one.world, likeness)
    runs = compiled.run_records(world, seed=seed, replicates=replicates, stored=store_alignments(world.steps))
    return summarise_histories(one, list(runs))


def observed_forecast(one: YearWorld, likeness: float | None, *, seed: int, replicates: range) -> Dated:
    """Run histories from the observed start, which is drawn for each history and anchored to what was drawn."""
    chances = observed_start(one.points_after(0), one.coded, one.free)
    world = with_drawn_start(one, with_likeness(one.world, likeness), chances)
    runs = compiled.run_records(world, seed=seed, replicates=replicates, stored=store_alignments(world.steps))
    return summarise_histories(one, list(runs))


def with_drawn_start(one: YearWorld, world: World, chances: Floats) -> World:
    """Draw the start of each state that decides from the chances of each answer, (N, 3).

    A state that is drawn against the leader's bloc is in the bloc that it is coded in, or else in the largest of those.
    """
    setting, states = one.world.setting, np.arange(len(one.states))
    sizes = np.bincount(setting.initial, setting.capability, minlength=len(one.answers))
    against = np.where(one.coded == NO, setting.initial, np.where(one.answers == NO, sizes, -1.0).argmax())
    by_alignment = np.zeros((len(states), len(one.answers)))
    by_alignment[:, int(np.argmax(one.answers == YES))] = chances[:, YES]
    by_alignment[:, NON_ALIGNED] = chances[:, ABSTAINED]
    by_alignment[states, against] = chances[:, NO]
    cumulative = np.cumsum(by_alignment / by_alignment.sum(axis=1, keepdims=True), axis=1)
    cumulative[:, -1] = 1.0
    drawn = setting._replace(
        initial=np.where(one.free, DRAWN_START, setting.initial),
        initial_chances=np.where(one.free[:, None], cumulative, 0.0),
    )
    return replace(world, setting=drawn, factual=None)


def summarise_histories(one: YearWorld, runs: Sequence[Record]) -> Dated:
    """Summarise some runs."""
    alignment = np.array([run.alignment for run in runs])  # (runs, T + 1, N)
    renewed = np.cumsum([run.renewed for run in runs], axis=1)[:, one.steps] > 0
    answers = one.answers[alignment]
    side = np.array([SIDE[answer] for answer in range(3)])[answers]
    shares = answers[..., None] == np.arange(3)
    chances = shares.mean(axis=0)  # (T + 1, N, 3)
    kept = (shares[:, :1] & ~renewed[..., None]).mean(axis=0)
    up, down = ((sign * (side[:, one.steps] - side[:, :1]) > 0).mean(axis=0) for sign in (1, -1))
    last = int(one.steps[-1])
    switched = (np.diff(alignment[:, : last + 1], axis=1) != 0).sum(axis=(1, 2))
    years = last * one.world.setting.years * one.free.sum()
    return Dated(chances[0], chances[one.steps], up, down, kept, switched / years)


def expected_points(one: YearWorld, found: Dated, points: Floats) -> Floats:
    """Forecast ideal points, (H, N), given those of the year, (N,).

    A state is at the mean of its alignment, plus a distance that is a part of its disposition: it keeps the distance
    that it had from the alignment of its start, and has none on average after a renewal. So ideal points decay toward
    structure at the rate of renewal. Means are over the states of the year, by their chances at the start.
    """
    known = ~np.isnan(points)
    weights = found.start[known]
    total = weights.sum(axis=0)
    means = np.divide(weights.T @ points[known], total, out=np.zeros(3), where=total > 0)
    distance = points[:, None] - means  # from the mean of each alignment
    return np.asarray(found.chances @ means + (found.kept * distance).sum(axis=-1))
