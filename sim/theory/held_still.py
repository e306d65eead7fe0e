"""The chance of each alignment of one state at a step of a run in which no other state moves (model: Dispositions).

`persistence` has the law of one change of the weights. Here they change at every step, as ties drift, and shocks and
crises come and go. Log-weights are those of `persistence.log_weights`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.theory.persistence import (
    Floats,
    Integers,
    _log_chances,
    _log_move,
    _log_ratios,
    _log_ratios_at_start,
    _log_sum,
    transition_chances,
)


class HeldStill(NamedTuple):
    """By what states decide at each of T steps while all others keep their alignments.

    Attributes
    ----------
    before : array of float, (..., K + 1)
        Log-weights by which the start anchors the disposition, with inertia on the alignment held; 0 for that and −inf
        for the others make plain draws.
    path : array of float, (T, ..., K + 1)
        Log-weights at each step, *without* inertia.
    held : array of int, (...)
        Alignment at the start, 0..K.
    inertia : array of float, (T, ...)
        Inertia over temperature at each step, without unit.
    renewal : array of float, (T, ...)
        Chance that the disposition is renewed before the decision of the step, 0 to 1.
    toward : array of int, (T, ...)
        Alignment that a renewal for certain favours, or −1.
    """

    before: Floats
    path: Floats
    held: Integers
    inertia: Floats
    renewal: Floats
    toward: Integers

    def until(self, step: int) -> HeldStill:
        """Return the same up to a step, 1 or more."""
        return HeldStill(
            self.before, self.path[:step], self.held, self.inertia[:step], self.renewal[:step], self.toward[:step]
        )


def direct_law(still: HeldStill) -> Floats:
    """Compute the chance of each alignment after the last step if no other state moves.

    A kept disposition: the chance that the state has a until step s − 1 and b from s to T is the integral of
    `persistence.transition_chances`, with α_k the largest w_k / w_a of its spell in a and β_k the largest w_k / w_b of
    its spell in b, inertia included. These add up over s. Dispositions that move the state more than once end where the
    weights at T by themselves take them: exact without inertia.

    A renewed one is drawn with inertia on what the state then holds. The state has at T what one change of the weights
    since the draw makes of its first choice. All is exact where the weights change once and never back.

    Parameters
    ----------
    still : HeldStill
        The decisions of the state, or of several.

    Returns
    -------
    array of float, (..., K + 1)
        Probability by alignment, with sum 1.

    Examples
    --------
    >>> weights = np.log([[[1.0, 1.0, 2.0]]])
    >>> still = HeldStill(np.zeros((1, 3)), weights, np.array([0]), *np.zeros((2, 1, 1)), np.full((1, 1), -1))
    >>> print(direct_law(still)[0].round(6))
    [0.75 0.   0.25]
    """
    steps, size = len(still.path), still.path.shape[-1]
    stays = np.where(still.toward < 0, 1 - still.renewal, 0.0)
    survival = np.cumprod(stays, axis=0)
    anchored = transition_chances(still.before, with_own_inertia(still), still.held)
    law = np.broadcast_to(np.eye(size)[still.held], anchored.shape[1:])
    drawn = np.zeros_like(anchored)  # chance that the last renewal came at a step, by the alignment held before it
    for t in range(steps):
        drawn[:t] *= stays[t][..., None]
        drawn[t] = (1 - stays[t])[..., None] * law
        redrawn = (drawn[: t + 1].sum(axis=0)[..., None, :] @ logit_from_each(still, t))[..., 0, :]
        law = survival[t][..., None] * anchored[t] + redrawn
    return survival[-1][..., None] * kept_law(still) + renewed_law(still, drawn)


def with_own_inertia(still: HeldStill) -> Floats:
    """Return the log-weights at each step with inertia on the alignment of the start, (T, ..., K + 1)."""
    found: Floats = still.path + still.inertia[..., None] * np.eye(still.path.shape[-1])[still.held]
    return found


def weights_from_each(still: HeldStill, t: int | slice) -> Floats:
    """Return the log-weights at step index t with inertia on each alignment in turn, (..., K + 1 held, K + 1)."""
    own = still.inertia[t][..., None, None] * np.eye(still.path.shape[-1])
    found: Floats = still.path[t][..., None, :] + own
    return found


def logit_from_each(still: HeldStill, t: int | slice) -> Floats:
    """Compute the chances of a new disposition at step index t, (..., K + 1 held, K + 1 taken)."""
    drawn = np.exp(_log_chances(weights_from_each(still, t)))
    favoured = np.eye(drawn.shape[-1])[still.toward[t]][..., None, :]
    return np.where((still.toward[t] >= 0)[..., None, None], favoured, drawn)


def renewed_law(still: HeldStill, drawn: Floats) -> Floats:
    """Compute the chances after the last step of dispositions drawn at each step, summed over steps, (..., K + 1).

    `drawn`, (T, ..., K + 1), is the chance of the draw by the alignment held before it.
    """
    every, size = slice(None), drawn.shape[-1]
    at_draw = weights_from_each(still, every)[..., None, :]  # (T, ..., held, 1, K + 1)
    at_end = weights_from_each(still, len(still.path) - 1)[None, ..., None, :, :]  # (1, ..., 1, taken, K + 1)
    taken = np.broadcast_to(np.arange(size), (*drawn.shape, size))
    ends = transition_chances(at_draw, at_end, taken)  # (T, ..., held, taken, K + 1)
    found: Floats = np.einsum("t...c,t...cd,t...cdb->...b", drawn, logit_from_each(still, every), ends)
    return found


def kept_law(still: HeldStill) -> Floats:
    """Compute the chances after the last step with the disposition of the start, (..., K + 1)."""
    size, own = still.path.shape[-1], with_own_inertia(still)
    start = _log_ratios_at_start(still.before, still.held)
    most = np.maximum.accumulate(np.concatenate([start[None], _log_ratios(own, still.held)]), axis=0)
    once = np.zeros(start.shape)
    for b in range(size):
        with np.errstate(invalid="ignore"):
            moves = np.exp(_log_move(most[:-1], spells_until_end(still, own, b), still.held, b, _log_sum(start)))
        once[..., b] = moves.sum(axis=0)
    stay = np.exp(_log_sum(start) - _log_sum(most[-1]))
    once = np.where(np.arange(size) == still.held[..., None], stay[..., None], once)
    left = np.maximum(1 - once.sum(axis=-1, keepdims=True), 0.0)
    more = np.maximum(transition_chances(still.before, own[-1], still.held) - once, 0.0)
    total = more.sum(axis=-1, keepdims=True)
    return once + left * np.where(total > 0, more, once) / np.where(total > 0, total, once.sum(axis=-1, keepdims=True))


def spells_until_end(still: HeldStill, own: Floats, b: int) -> Floats:
    """Compute log β of a spell in b from each step to the last, (T, ..., K + 1); no weights where it cannot be."""
    size = still.path.shape[-1]
    places = np.full(still.held.shape, b)
    inside = _log_ratios(still.path + still.inertia[..., None] * np.eye(size)[b], places)
    later = np.concatenate([inside[1:], np.full((1, *inside.shape[1:]), -np.inf)])
    spells = np.maximum(_log_ratios(own, places), np.maximum.accumulate(later[::-1], axis=0)[::-1])
    impossible = np.isposinf(spells).any(axis=-1, keepdims=True)
    return np.where(impossible, np.where(np.arange(size) == b, -np.inf, 0.0), spells)
