"""The most typical history and two unlike it, each in a sentence and as a page."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np

from sim.analysis.dated.events import Design, RunEvents, read_events
from sim.analysis.dated.typical import MOST_COMPARED, choose_histories
from sim.analysis.history.others import OTHERS
from sim.analysis.history.story import tell_story
from sim.batch.store import Results
from sim.model.arrays import Bytes
from sim.model.compiled import run_compiled
from sim.reporting.labels import label_alignments, label_history, list_names
from sim.reporting.story.page import render_story

LISTED_TURNS = 4  # moves in a sentence

LIKENESS = ("The most typical history", "The history most unlike it", "A history unlike both")


@dataclass(frozen=True)
class ToldHistory:
    """A history in a sentence; the command is empty where settings of a sweep changed the scenario."""

    likeness: str
    seed: int
    replicate: int
    sentence: str
    command: str

    def page(self, stem: str) -> str:
        """Name of its page beside a report of that stem."""
        return f"{stem}-history-{self.replicate}.html"


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
        sentence = describe_turns(design, events.alignment[run])
        told.append(ToldHistory(likeness, events.seed, replicate, sentence, command))
    return told


def render_histories(results: Results, design: Design, stem: str) -> dict[str, str]:
    """Render the histories of `tell_histories` as pages, by the name of the file beside a report of that stem."""
    names, pages = label_history(design.scenario), {}
    for one in tell_histories(results, design):
        run = run_compiled(design.scenario, seed=one.seed, replicate=one.replicate, world=design.world)
        story = tell_story(design.scenario, design.world, run, names, others=OTHERS)
        pages[one.page(stem)] = render_story(story, found=f"{one.likeness} of this sweep.", command=one.command)
    return pages


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
