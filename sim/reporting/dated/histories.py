"""The most typical history and two unlike it, each in a sentence with the command that tells it as a page."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np

from sim.analysis.dated.events import Design, RunEvents, read_events
from sim.analysis.dated.typical import MOST_COMPARED, choose_histories
from sim.batch.store import Results
from sim.model.arrays import Bytes
from sim.reporting.labels import label_alignments, list_names

LISTED_TURNS = 4  # moves in a sentence

LIKENESS = ("The most typical history", "The history most unlike it", "A history unlike both")


@dataclass(frozen=True)
class ToldHistory:
    """A history in a sentence; the command is empty where settings of a sweep changed the scenario."""

    likeness: str
    replicate: int
    sentence: str
    command: str


def tell_histories(results: Results, design: Design) -> list[ToldHistory]:
    """Tell the most typical run of a design point with dates, and two unlike it; none if no run has finished."""
    events: RunEvents | None = next(iter(read_events(results, [design], MOST_COMPARED)), None)
    if events is None:
        return []
    told = []
    for likeness, run in zip(LIKENESS, choose_histories(events.alignment), strict=False):
        replicate = int(events.replicates[run])
        words = ["blocs", "run", design.name, "--seed", str(events.seed), "--replicate", str(replicate)]
        command = "" if design.settings else shlex.join([*words, "--html", "story.html"])
        told.append(ToldHistory(likeness, replicate, describe_turns(design, events.alignment[run]), command))
    return told


def describe_turns(design: Design, alignment: Bytes) -> str:
    """Name the first moves of a run, (T + 1, N), with their years, and count the others."""
    step, state = np.nonzero(alignment[1:] != alignment[:-1])
    if not len(step):
        return "no state moves"
    world, dates = design.world, design.scenario.dates()
    names, labels = design.scenario.states, label_alignments(design.scenario)
    said = [
        f"{names[world.states[i]].name} to {labels[world.alignments[alignment[t + 1, i]]]} in {dates[t + 1][:4]}"
        for t, i in zip(step[:LISTED_TURNS], state[:LISTED_TURNS], strict=True)
    ]
    left = len(step) - LISTED_TURNS
    return list_names(said) + (f" and {left} more moves" if left > 1 else " and another move" if left == 1 else "")
