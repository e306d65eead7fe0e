"""Find boxes of settings in which an outcome is frequent (PRIM, Friedman & Fisher 1999)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sim.model.arrays import Floats

PEEL = 0.05  # share of the box that a peel removes; Friedman & Fisher 1999 advise 0.05 to 0.1

LEAST_MASS = 0.05  # smallest share of the points in a box

DOUBT = 0.05  # a limit whose quasi p-value is larger is dropped (Bryant & Lempert 2010)


@dataclass(frozen=True)
class Box:
    """A range of every setting, and how well it separates the cases (Bryant & Lempert 2010).

    Parameters
    ----------
    low, high
        Limits of each setting, (d,) each.
    coverage
        Share of all cases that are inside.
    density
        Share of the points inside that are cases.
    mass
        Share of all points that are inside.
    n
        Number of points inside.
    limited
        (2, d): which low and which high limits exclude points.
    """

    low: Floats
    high: Floats
    coverage: float
    density: float
    mass: float
    n: int
    limited: NDArray[np.bool_]


Cases = NDArray[np.bool_]


def in_box(x: Floats, low: Floats, high: Floats) -> Cases:
    """Mark the points, (m, d), that are in a box, limits included."""
    return np.asarray(((low <= x) & (x <= high)).all(axis=1))


def measure_box(x: Floats, cases: Cases, low: Floats, high: Floats) -> Box:
    """Measure a box that contains at least one point."""
    here = in_box(x, low, high)
    n, hits = int(here.sum()), int(cases[here].sum())
    limited = np.stack([low > x.min(axis=0), high < x.max(axis=0)])
    return Box(low, high, hits / max(int(cases.sum()), 1), hits / n, n / len(x), n, limited)


def find_boxes(x: Floats, cases: Cases, *, alpha: float = PEEL) -> list[Box]:
    """Peel, then paste boxes, from the box of all points to the one with the highest share of cases.

    Each step is the one that gains most density per point, over both ends of every setting. Equal gains go to the
    box with fewer limited settings. The search ends where no step gains density (Friedman & Fisher 1999).

    Parameters
    ----------
    x
        Points, (m, d).
    cases
        Which points are cases, (m,).
    alpha
        Share of the box that one step removes or adds, in (0, 1).

    Returns
    -------
    list of Box
        Every box on the way, the box of all points first.
    """
    boxes = [measure_box(x, cases, x.min(axis=0), x.max(axis=0))]
    for moves in (peel_box, paste_box):
        while True:
            now, steps = boxes[-1], [measure_box(x, cases, *move) for move in moves(x, boxes[-1], alpha)]
            steps = [box for box in steps if box.n != now.n and box.mass >= LEAST_MASS]
            gains = [((box.density - now.density) / abs(box.n - now.n), -count_limited(box)) for box in steps]
            if not gains or max(gains)[0] <= 0:
                break
            boxes.append(steps[gains.index(max(gains))])
    return boxes


def count_limited(box: Box) -> int:
    """Count the settings that a box limits."""
    return int(box.limited.any(axis=0).sum())


def peel_box(x: Floats, box: Box, alpha: float) -> list[tuple[Floats, Floats]]:
    """List the limits of the boxes that lack a share alpha of this one's points at one end of one setting."""
    here = x[in_box(x, box.low, box.high)]
    found = []
    for j in range(x.shape[1]):
        found.append((box.low, with_limit(box.high, j, -next_limit(-here[:, j], alpha))))
        found.append((with_limit(box.low, j, next_limit(here[:, j], alpha)), box.high))
    return found


def paste_box(x: Floats, box: Box, alpha: float) -> list[tuple[Floats, Floats]]:
    """List the limits of the boxes that add, at one end of one setting, a share alpha of the points beyond it."""
    found = []
    for j in np.flatnonzero(box.limited.any(axis=0)).tolist():
        least, most = x[:, j].min(), x[:, j].max()
        below = x[in_box(x, with_limit(box.low, j, least), with_limit(box.high, j, box.low[j])), j]
        above = x[in_box(x, with_limit(box.low, j, box.high[j]), with_limit(box.high, j, most)), j]
        found.append((with_limit(box.low, j, -next_limit(-below, alpha) if below.size else least), box.high))
        found.append((box.low, with_limit(box.high, j, next_limit(above, alpha) if above.size else most)))
    return found


def with_limit(limits: Floats, j: int, value: float) -> Floats:
    """Replace the limit of one setting in limits, (d,)."""
    changed = limits.copy()
    changed[j] = value
    return changed


def next_limit(values: Floats, alpha: float) -> float:
    """Return the middle of the value at quantile alpha and the next larger one; the value where none is larger."""
    ordered = np.sort(values)
    at = ordered[math.floor((ordered.size - 1) * alpha)]
    larger = ordered[ordered > at]
    return float((at + larger[0]) / 2) if larger.size else float(at)


def limit_p_values(x: Floats, cases: Cases, box: Box) -> Floats:
    """Compute the quasi p-value of each limit, (2, d): the chance of as many cases at the density without it.

    One-sided binomial (Bryant & Lempert 2010); NaN without a limit.
    """
    found = np.full(box.limited.shape, np.nan)
    for end, j in np.argwhere(box.limited):
        wider = without_limit(x, cases, box, int(end), int(j))
        found[end, j] = stats.binom.sf(round(box.density * box.n) - 1, box.n, wider.density)
    return found


def without_limit(x: Floats, cases: Cases, box: Box, end: int, j: int) -> Box:
    """Remove one limit of a box; end 0 is the low limit, 1 the high one."""
    if end == 0:
        return measure_box(x, cases, with_limit(box.low, j, x[:, j].min()), box.high)
    return measure_box(x, cases, box.low, with_limit(box.high, j, x[:, j].max()))


def choose_box(x: Floats, cases: Cases, boxes: Sequence[Box]) -> Box:
    """Choose the box nearest to full coverage and density, (1, 1), and drop limits that may have no effect.

    The limit with the largest quasi p-value is dropped first, until none is above 0.05.
    """
    box = min(boxes, key=lambda one: math.hypot(1 - one.coverage, 1 - one.density))
    while box.limited.any():
        p = limit_p_values(x, cases, box)
        end, j = np.unravel_index(np.nanargmax(p), p.shape)
        if p[end, j] <= DOUBT:
            break
        box = without_limit(x, cases, box, int(end), int(j))
    return box


def describe_box(box: Box, settings: Sequence[str]) -> str:
    """Describe the limits of a box, such as `w_balance ≥ 1.2 and w_pressure ≤ 0.4`; empty where it has none."""
    parts = []
    for j, name in enumerate(path.removeprefix("parameters.") for path in settings):
        match box.limited[:, j].tolist():
            case [True, True]:
                parts.append(f"{box.low[j]:.3g} ≤ {name} ≤ {box.high[j]:.3g}")
            case [True, False]:
                parts.append(f"{name} ≥ {box.low[j]:.3g}")
            case [False, True]:
                parts.append(f"{name} ≤ {box.high[j]:.3g}")
    return " and ".join(parts)
