"""Why each mover moved: a sentence, and what spoke for its choice and against it, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.analysis.history.bonds import HEADINGS
from sim.analysis.history.moves import Move
from sim.analysis.history.retrace import DISPOSITION
from sim.analysis.history.sentences import describe_elsewhere, describe_move
from sim.analysis.history.story import Story
from sim.analysis.history.turning import TurningPoint
from sim.analysis.history.words import Names, capital, phrase_levels
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

MOST_REASONS = 60  # moves with bars on a page

MOST_BARS = 8  # terms of a move; smaller ones are added up

HALF = 100.0  # units from the middle of a bar chart to each end


@dataclass(frozen=True)
class Bar:
    """A term in which the choice of a mover differs from the best other one; positive where it spoke for the choice."""

    words: str
    value: float
    left: float  # in units of a chart that is 2 HALF wide
    width: float
    by_chance: bool = False


@dataclass(frozen=True)
class Reason:
    """Why a state moved."""

    move: Move
    name: str
    what: str
    why: str
    ties: dict[str, str]  # what is coded of its ties, by heading; only what there is
    elsewhere: str
    chosen: str  # what it did
    other: str  # the best that it could have done instead
    bars: tuple[Bar, ...]
    beside: str  # alignment of that other
    total: float  # of all terms: by how much the choice was ahead


def list_reasons(story: Story) -> list[Reason]:
    """Explain the moves of a history in the order of time; of many, those of turning points and the first others."""
    first = [move for point in story.points for move in (*point.moves, *point.followers)]
    keys = dict.fromkeys(move.key for move in (*first, *story.moves))
    chosen = set(list(keys)[:MOST_REASONS])
    return [explain_mover(story, move) for move in story.moves if move.key in chosen]


def explain_mover(story: Story, move: Move) -> Reason:
    """Explain a move."""
    names = story.names
    point = TurningPoint(move.step, moves=(move,))
    other = best_other(story.scenario, story.run.alignments, move)
    pair = np.stack([move.options[other], move.options[story.run.alignments.index(move.entered)]])
    compared = replace(move, left=story.run.alignments[other], weighed=pair)
    return Reason(
        move, capital(names.state(move.state)), f"{capital(describe_move(move, names))}.", story.reason(move),
        name_ties(story, point), describe_elsewhere(point, names, story.others),
        name_option(move.entered, move, names), name_option(compared.left, move, names), draw_bars(story, compared),
        compared.left,
        float((pair[1] - pair[0]).sum()),
    )  # fmt: skip


def name_ties(story: Story, point: TurningPoint) -> dict[str, str]:
    """Return what is coded of the ties of a mover under their headings."""
    return {HEADINGS[kind]: said for kind, said in story.coded_ties(point).items() if said}


def best_other(scenario: Scenario, alignments: Sequence[str], move: Move) -> int:
    """Index of the alignment that a mover valued most beside the one that it entered."""
    first = 0 if scenario.non_aligned_allowed else 1
    others = [k for k in range(first, len(alignments)) if alignments[k] != move.entered]
    return max(others, key=lambda k: float(move.options[k].sum()))


def name_option(alignment: str, move: Move, names: Names) -> str:
    """Name an alignment as something that a mover can do."""
    stays = alignment == move.left
    if alignment == NON_ALIGNED_ID:
        return "staying outside the blocs" if stays else "leaving the blocs"
    return f"{'staying in' if stays else 'joining'} {names.bloc(alignment)}"


def draw_bars(story: Story, move: Move) -> tuple[Bar, ...]:
    """Draw the terms by which what a move entered differs from what it is compared with, the largest first."""
    terms = sorted(move.advantage().items(), key=lambda item: -abs(item[1]))
    rows = [(phrase_levels(move, [term], story.names), value, term == DISPOSITION) for term, value in terms[:MOST_BARS]]
    if rest := terms[MOST_BARS:]:
        rows.append(("all others", sum(value for _, value in rest), False))
    most = max((abs(value) for _, value, _ in rows), default=1.0)
    return tuple(
        Bar(capital(words), value, HALF * (1 + min(value, 0.0) / most), HALF * abs(value) / most, by_chance)
        for words, value, by_chance in rows
    )
