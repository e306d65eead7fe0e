"""Names at the ends of lines, and axes of dates."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes

from sim.reporting.labels import shorten_middle

LABEL_LETTERS = 16  # of a name beside a line

GAP = 0.08  # least distance of two labels, as a share of the axis

FEWEST_YEARS = 3  # for an axis of years


def spread_labels(heights: Sequence[float], least: float) -> list[float]:
    """Move labels apart so that neighbours are at least so far from each other; their order and mean stay."""
    order = np.argsort(heights, kind="stable")
    placed = np.zeros(len(heights))
    last = -np.inf
    for i in order:
        last = placed[i] = max(heights[i], last + least)
    return (placed + np.mean(heights) - placed.mean()).tolist() if len(heights) else []


def label_lines(
    axes: Axes, names: Sequence[str], ends: Sequence[float], values: Sequence[str], colours: Sequence[str]
) -> None:
    """Write the name and the last value of each line beside its end, with a stroke in its colour."""
    places = axes.get_yaxis_transform()
    bottom, top = axes.get_ylim()
    heights = spread_labels(ends, GAP * (top - bottom))
    for n, (name, end, height, value, colour) in enumerate(zip(names, ends, heights, values, colours, strict=True)):
        ends_at = [end, height]
        axes.plot([1.0, 1.04], ends_at, color=colour, linewidth=1.4, transform=places, clip_on=False, gid=f"stroke{n}")
        words = f"{shorten_middle(name, LABEL_LETTERS)} {value}"
        axes.text(1.055, height, words, va="center", transform=places, gid=f"name{n}")
    axes.set_ylim(bottom, top)


def locate_dates() -> mdates.AutoDateLocator:
    """Place at most 6 ticks on an axis of dates, 2 or more.

    Matplotlib's default of 5 or more ticks takes months for two to five years, and no interval of months gives at
    most 6 ticks in three years or more.
    """
    return mdates.AutoDateLocator(minticks=2, maxticks=6)  # type: ignore[no-untyped-call]


def date_steps(axes: Axes, dates: Sequence[str]) -> None:
    """Name the steps of an axis by their dates: the first step of each year, or of some years."""
    firsts = [n for n, day in enumerate(dates) if n == 0 or day[:4] != dates[n - 1][:4]]
    if len(firsts) < FEWEST_YEARS:
        return
    shown = firsts[1 :: max(1, len(firsts) // 5)]
    axes.set_xticks(shown, [dates[n][:4] for n in shown])
    axes.set_xlabel("")
