"""The sizes of the blocs over a history as bands of one chart, which the page uncovers step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.analysis.history.words import Names, capital
from sim.model.arrays import Floats
from sim.model.trajectory import Run
from sim.reporting.labels import distinct_labels

WIDTH, HEIGHT = 500, 280  # units of the chart

LEFT, RIGHT, TOP, BOTTOM = 50, 305, 12, 252  # of its bands

GAP = 16  # between the labels of two bands

LETTERS = 17  # of a label, without its number

MOST_TICKS = 5

Label = tuple[str, float]  # share in words, and its height


@dataclass(frozen=True)
class SizeChart:
    """The chart of a run: what never changes, and the labels at each step at which a share changes.

    Parameters
    ----------
    names
        Label of each alignment.
    bands
        Index of an alignment and outline of its band, from the lowest band up.
    ticks
        Place and text of the ticks of time.
    labels
        Step, and a label for each alignment; None for one without a share.
    column
        Width of a step.
    """

    names: tuple[str, ...]
    bands: tuple[tuple[int, str], ...]
    ticks: tuple[tuple[float, str], ...]
    labels: tuple[tuple[int, tuple[Label | None, ...]], ...]
    column: float


def chart_sizes(run: Run, names: Names, places: Sequence[str]) -> SizeChart:
    """Draw the shares of all capability of a run as bands, the first bloc below and the non-aligned in the middle.

    `places` are the names of the alignments.
    """
    shares = np.stack([run.outcome(f"capability_{alignment}") for alignment in run.alignments])
    order = [1, 0, *range(2, len(run.alignments))]
    tops = np.minimum(np.cumsum(shares[order], axis=0), 1.0)
    lows = np.vstack([np.zeros(shares.shape[1]), tops[:-1]])
    column = (RIGHT - LEFT) / shares.shape[1]
    bands = [(k, draw_band(low, top, column)) for k, low, top in zip(order, lows, tops, strict=True)]
    middles = np.empty_like(shares)
    middles[order] = (lows + tops) / 2
    changes = [0, *(np.flatnonzero((np.diff(shares) != 0).any(axis=0)) + 1).tolist()]
    labels = tuple((step, place_labels(shares[:, step], middles[:, step])) for step in changes)
    known = distinct_labels(dict(zip(run.alignments, places, strict=True)), LETTERS)
    return SizeChart(
        tuple(map(capital, known.values())), tuple(bands), time_ticks(names, shares.shape[1], column), labels, column
    )


def height_of(share: float) -> float:
    """Height of a share in the chart, from above."""
    return BOTTOM - (BOTTOM - TOP) * share


def draw_band(low: Floats, top: Floats, column: float) -> str:
    """Draw the outline of a band; each step is a column, from the end of the one before to its own."""
    there = draw_edge(top, column)
    back = draw_edge(low, column)[::-1]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (*there, *back)) + "z"


def draw_edge(shares: Floats, column: float) -> list[tuple[float, float]]:
    """List the corners of an edge from left to right."""
    starts = [0, *(np.flatnonzero(np.diff(shares)) + 1).tolist(), shares.size]
    return [
        (LEFT + column * step, height_of(float(shares[first])))
        for first, last in pairwise(starts)
        for step in (first, last)
    ]


def place_labels(shares: Floats, middles: Floats) -> tuple[Label | None, ...]:
    """Place a label beside each band that has a share, apart from one another."""
    shown = sorted(np.flatnonzero(shares > 0).tolist(), key=lambda k: -middles[k])
    heights = spread([height_of(float(middles[k])) for k in shown], TOP + 4, BOTTOM)
    placed = dict(zip(shown, heights, strict=True))
    return tuple(
        (percent_words(float(share)), round(placed[k], 1)) if k in placed else None for k, share in enumerate(shares)
    )


def spread(places: Sequence[float], low: float, high: float) -> list[float]:
    """Move increasing places apart by `GAP` or more, within limits where they fit."""
    found: list[float] = []
    for place in places:
        found.append(max(place, low, *(one + GAP for one in found[-1:])))
    limit = high
    for n in reversed(range(len(found))):
        found[n] = min(found[n], limit)
        limit = found[n] - GAP
    return found


def percent_words(share: float) -> str:
    """A share in percent."""
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def time_ticks(names: Names, steps: int, column: float) -> tuple[tuple[float, str], ...]:
    """Place the ticks of time: years at the first step that ends in them, or steps in rounds."""
    if names.dates:
        years = {day[:4]: step for step, day in reversed(list(enumerate(names.dates)))}
        marks = sorted((step, year) for year, step in years.items())
    else:
        marks = [(step, str(step)) for step in range(steps)]
    every = -(-len(marks) // MOST_TICKS)
    return tuple((LEFT + column * (step + 0.5), text) for step, text in marks[::every])
