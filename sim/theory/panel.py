"""The likelihood of the alignments that a state is seen in over the years, exact for one state at a time.

A state takes the k with the greatest ln w_k − ln E_k (model: Dispositions), where w_k = exp(U_k / τ), the E_k are
independent Exp(1), and the alignment it held has inertia besides. The E_k are drawn again at renewals. Between two of
them its whole path is a function of one draw, so the chance of a path is the volume of a cell of the simplex of
E / ΣE. A year's alignment is misread with some chance, evenly among the others. As in a model with change points
(Chib 1998; the forward recursion of Fearnhead & Liu 2007), a sum over the last renewal adds up all their times.

The ties and the other states are data, as in a pseudo-likelihood (Besag 1975): so the likelihoods of states multiply,
although what they did depends on one another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Integers = NDArray[np.int64]

UNSEEN = -1  # a year without a reading

NODES = 96  # Gauss-Legendre nodes on the simplex's first axis, about

MOST_ORDER = 5  # nodes between two breakpoints

MOST_CROSSINGS = 32  # breakpoints where thresholds cross; of more, an even part is used

LOGITS = np.arange(-8.0, 9.0)  # breakpoints by which the integrand is smooth on each piece


class Cells(NamedTuple):
    """Dispositions that represent all others: each is one cell of the simplex, or a slice of one."""

    inclinations: Floats  # (Q, A), −ln E_k up to a constant
    weights: Floats  # (Q,), with sum 1


class Spells(NamedTuple):
    """Chances of what is seen between one renewal and the next, by the number of misread years.

    `chances`, (T, A + 1, T, A, T + 1): the disposition was drawn in year s, when the state held c (A: nothing before
    the first year). Then [s, c, e, b, m] is the chance that it takes b in year e and that m of the readings from s
    to e are not what it took. `seen`, (T, T), is the number of readings from s to e.
    """

    chances: Floats
    seen: Integers


def cell_volumes(weights: Floats, inertia: float) -> Cells:
    """Divide the simplex of dispositions into the cells in which a state's path over the years is the same.

    With v = E_1 / (E_0 + E_1), uniform, and q = E_2 / ΣE, whose distribution function is 1 − (1 − q)²: for a given v,
    alternative 2 wins a year where q is below a threshold, so slices between sorted thresholds are exact. Over v the
    integrand is smooth except where 0 and 1 are equal in some year, and where thresholds of two years cross. Between
    these breakpoints the quadrature is by Gauss and Legendre. With two alternatives it is exact.

    Parameters
    ----------
    weights : array of float, (T, A)
        Log-weights U / τ of each year without inertia, A = 2 or 3 alternatives; finite.
    inertia : float
        Inertia over temperature, 0 or more, without unit.

    Returns
    -------
    Cells
        Dispositions and their weights.

    Raises
    ------
    ValueError
        If there are not 2 or 3 alternatives, or a weight is not finite.

    Examples
    --------
    >>> divided = cell_volumes(np.log([[1.0, 1.0, 2.0]]), 0.0)
    >>> first = divided.inclinations + np.log([1.0, 1.0, 2.0])
    >>> print(np.bincount(first.argmax(axis=1), divided.weights).round(6))
    [0.25 0.25 0.5 ]
    """
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] not in (2, 3):
        raise ValueError(f"the likelihood of a panel needs two or three alternatives, not shape {weights.shape}")
    if not np.isfinite(weights).all():
        raise ValueError("log-weights must be finite")
    own = held_inertia(weights.shape[1], inertia)
    levels = np.unique((weights[:, None] + own).reshape(-1, weights.shape[1]), axis=0)  # by year and what was held
    odds = np.unique(levels[:, 1] - levels[:, 0])  # 1 wins over 0 where ln(v / (1 − v)) is below
    if weights.shape[1] == 3:
        crossings = np.unique((levels[:, 2] - levels[:, 0])[:, None] - (levels[:, 2] - levels[:, 1]))
        odds = np.union1d(np.union1d(odds, LOGITS), crossings[:: 1 + len(crossings) // MOST_CROSSINGS])
    turns = np.concatenate([[0.0], 1 / (1 + np.exp(-odds)), [1.0]])
    if weights.shape[1] == 2:
        v, share = (turns[1:] + turns[:-1]) / 2, np.diff(turns)
        kept = share > 0
        return Cells(np.column_stack([-np.log1p(-v[kept]), -np.log(v[kept])]), share[kept])
    nodes, node_weights = np.polynomial.legendre.leggauss(min(1 + NODES // len(turns), MOST_ORDER))
    v = (turns[:-1, None] + np.diff(turns)[:, None] * (nodes + 1) / 2).ravel()
    share = (np.diff(turns)[:, None] * node_weights / 2).ravel()
    v, share = v[share > 0], share[share > 0]
    two = np.column_stack([-np.log1p(-v), -np.log(v)])  # −ln E of 0 and 1, of E_0 + E_1 = 1
    best = (levels[None, :, :2] + two[:, None]).max(axis=2)  # (V, levels)
    ratio = levels[None, :, 2] - best  # ln of the greatest E_2 / (E_0 + E_1) at which 2 wins
    thresholds = np.sort(1 / (1 + np.exp(-ratio)), axis=1)
    ends = np.pad(thresholds, ((0, 0), (1, 1)), constant_values=(0.0, 1.0))
    q = (ends[:, 1:] + ends[:, :-1]) / 2
    slices = np.diff(1 - (1 - ends) ** 2, axis=1) * share[:, None]
    kept = slices > 0
    third = np.log1p(-q) - np.log(np.where(kept, q, 0.5))  # −ln E_2 on the same scale
    both = np.broadcast_to(two[:, None], (*q.shape, 2))[kept]
    return Cells(np.column_stack([both, third[kept]]), slices[kept])


def held_inertia(alternatives: int, inertia: float) -> Floats:
    """Return what is added to log-weights, (A + 1, A), by the alternative held; the last row is of none."""
    return inertia * np.concatenate([np.eye(alternatives), np.zeros((1, alternatives))])


def spell_table(weights: Floats, seen: Integers, inertia: float = 0.0) -> Spells:
    """Compute the chances of all spells between renewals; they do not depend on renewal or on misreading.

    Parameters
    ----------
    weights : array of float, (T, A)
        Log-weights U / τ of each year without inertia, A = 2 or 3.
    seen : array of int, (T,)
        The alignment read in each year, 0..A − 1, or UNSEEN.
    inertia : float
        Inertia over temperature, 0 or more, without unit.

    Returns
    -------
    Spells
        For `panel_log_likelihood`.
    """
    years, alternatives = np.shape(weights)
    divided = cell_volumes(weights, inertia)
    own = held_inertia(alternatives, inertia)
    chosen = np.argmax(weights[:, None, None, :] + own[None, :, None, :] + divided.inclinations, axis=-1)  # (T, A+1, Q)
    cells, cell = np.unique(chosen.reshape(-1, len(divided.weights)).astype(np.int8), axis=1, return_inverse=True)
    volumes = np.bincount(cell.ravel(), divided.weights)
    chosen = cells.reshape(years, alternatives + 1, -1).astype(np.int64)
    misses = np.arange(years + 1)
    chances = np.zeros((years, alternatives + 1, years, alternatives, years + 1))
    for first in range(years):
        for held in range(alternatives) if first else (alternatives,):
            now = np.full(len(volumes), held)
            missed = np.zeros(len(volumes), dtype=np.int64)
            for year in range(first, years):
                now = np.take_along_axis(chosen[year], now[None], axis=0)[0]
                missed += (now != seen[year]) & (seen[year] != UNSEEN)
                chances[first, held, year] = np.bincount(
                    now * len(misses) + missed, volumes, alternatives * len(misses)
                ).reshape(alternatives, -1)
    read = np.cumsum(np.asarray(seen) != UNSEEN)
    return Spells(chances, read[None, :] - read[:, None] + (np.asarray(seen) != UNSEEN)[:, None])


def panel_log_likelihood(spells: Spells, renewed: Floats, misread: float) -> Floats:
    """Compute the log-likelihood of what was seen of one state, at one or more rates of renewal.

    With F_s(c) the chance of what was seen before s, that the disposition is drawn at s and that c was held:
    F_e(b) = h_e Σ_{s < e} Σ_c F_s(c) Π_{s < u < e} (1 − h_u) S(s, c → e − 1, b), S the chance of the spell.

    Parameters
    ----------
    spells : Spells
        From `spell_table`.
    renewed : array of float, (..., T)
        Chance that the disposition was renewed since the year before, 1 − e^{−λ Δ}; the first is not used.
    misread : float
        Chance that a year's alignment is read as another, evenly among the others, 0 to 1.

    Returns
    -------
    array of float, (...)
        Natural logarithm of the chance, 0 or less; −inf where it is 0.

    Examples
    --------
    >>> seen = np.array([0, 1])
    >>> table = spell_table(np.log([[2.0, 1.0], [1.0, 1.0]]), seen)
    >>> print(np.exp(panel_log_likelihood(table, np.array([[0.0, 1.0], [0.0, 0.0]]), 0.0)).round(6))
    [0.333333 0.166667]
    """
    years, alternatives = spells.chances.shape[0], spells.chances.shape[3]
    renewed = np.asarray(renewed, dtype=np.float64)
    misses = np.arange(years + 1)
    hits = np.maximum(spells.seen[:, :, None] - misses, 0)
    factors = (misread / (alternatives - 1)) ** misses * (1 - misread) ** hits  # (T, T, T + 1)
    spell = (spells.chances * factors[:, None, :, None, :]).sum(axis=-1)  # (T, A + 1, T, A)
    forward = np.zeros((*renewed.shape[:-1], years + 1, alternatives + 1))
    forward[..., 0, alternatives] = 1.0
    kept = np.zeros((*renewed.shape[:-1], years))  # chance of no renewal since each year
    for end in range(1, years + 1):
        kept[..., : end - 1] *= 1 - renewed[..., end - 1, None]
        kept[..., end - 1] = 1.0
        taken = np.einsum("...s,...sc,scb->...b", kept[..., :end], forward[..., :end, :], spell[:end, :, end - 1])
        forward[..., end, :alternatives] = taken * (renewed[..., end, None] if end < years else 1.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(forward[..., years, :].sum(axis=-1)))
