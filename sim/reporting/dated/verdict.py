"""Sentences of the first page: the verdict, the size of the bloc, and the track record."""

from __future__ import annotations

import numpy as np

from sim.forecast.realignments import horizon_record, recorded_alignments, yearly_horizons
from sim.forecast.record import recorded_of
from sim.reporting.dated.findings import DatedFindings, format_day
from sim.reporting.dated.words import fraction_words, likelihood, rounded
from sim.reporting.labels import label_alignments, list_names

CHANGED = 0.005  # of all capability: a change of size that a share of two digits shows


def verdict(found: DatedFindings) -> str:
    """Say in one sentence how likely it is that the first mover joins, with the count and its interval."""
    day = format_day(found.days[-1])
    if found.first is None:
        return f"That a state joins “{found.bloc}” by {day} is very unlikely: none does in {found.runs} histories."
    chance = found.first.chances[-1]
    return (
        f"That {found.first.name} joins “{found.bloc}” by {day} is {likelihood(chance.chance)}: it does so in"
        f" {rounded(chance.chance)} of 100 histories (95 % interval {rounded(chance.low)} to {rounded(chance.high)})."
    )


def growth_sentence(found: DatedFindings, bloc: str) -> str:
    """Say in how many of 100 histories the bloc with this id is larger or smaller at the end than at the start."""
    k = found.tally.design.world.alignments.index(bloc)
    sizes = np.concatenate(found.tally.capability)[:, :, k - 1]
    change = sizes[:, -1] - sizes[:, 0]
    larger, smaller = (float(np.mean(sign * change > CHANGED)) for sign in (1, -1))
    return (
        f"By {format_day(found.days[-1])} “{found.bloc}” is larger than at the start in {rounded(larger)} of 100"
        f" histories, smaller in {rounded(smaller)}, and as large in {rounded(1 - larger - smaller)}."
    )


def size_sentence(found: DatedFindings, measure: str) -> str:
    """Say how large the bloc is with and without the first mover, and why this state is asked for first."""
    if found.first is None:
        return ""
    before, name = found.sizes[0][1], found.first.name
    start = f"At the start the bloc is {list_names(found.members)}, with {fraction_words(before)} of {measure}."
    if not found.members:
        start = "At the start the bloc has no members."
    return (
        f"{start} With {name} it would have {fraction_words(before + found.share)}. No other entry would add as much,"
        f" weighed by its chance, so this page asks about {name}."
    )


def track_record(found: DatedFindings, base: str) -> str:
    """Compare the chances of the model with what has happened since the start, at the last whole year of the record.

    Empty where the world has no record of later events.
    """
    design = found.tally.design
    observed = recorded_of(base, design.scenario)
    horizons = yearly_horizons(observed.record_date, [one.date for one in observed.after]) if observed else []
    days = [day for day in horizons if day.isoformat() in found.tally.days]
    if observed is None or not days or design.scenario.date != observed.record_date.isoformat():
        return ""
    world, labels = design.world, label_alignments(design.scenario)
    d = found.tally.days.index(days[-1].isoformat())
    free = ~world.setting.fixed & (world.setting.initial >= 0)
    truth = recorded_alignments(world, [one for one in observed.after if one.toward], days[-1])
    chances = found.tally.at[d] / found.runs
    moved = [i for i in range(len(world.states)) if free[i] and truth[i] != world.setting.initial[i]]
    stayed = chances[range(len(world.states)), world.setting.initial]
    said = [
        f"{design.scenario.states[world.states[i]].name} to {labels[world.alignments[truth[i]]]}"
        f" ({rounded(float(chances[i, truth[i]]))} in 100)"
        for i in moved
    ]
    expected = float((1 - stayed)[free].sum())
    named = f": {list_names(said)}" if said else ""
    scores = horizon_record(chances[free], world.setting.initial[free], truth[free], years=float(len(days)))
    model, still, *_ = scores["forecasts"]
    gap = still["model_less_left"]
    surely = "which may be chance" if gap["low"] <= 0 <= gap["high"] else "beyond chance"
    closer = "closer" if gap["value"] < 0 else "no closer"
    return (
        f"By {format_day(days[-1].isoformat())}, {len(moved)} of {int(free.sum())} states had moved{named}. The model"
        f" expected {expected:.1f} moves; in brackets are its chances of these. Its chances were {closer} to what"
        f" happened than “no change” (mean squared error {model['left']['value']:.4f} against"
        f" {still['left']['value']:.4f}), {surely}."
    )
