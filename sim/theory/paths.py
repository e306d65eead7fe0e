"""Closed forms of kept dispositions along a path of weights: where a state is, and has been, if no other moves.

Inertia goes with what a state holds, so where weights change and return it matters what came between (hysteresis). A
state that keeps its disposition has a for some steps, c for others: it then has a and c by the largest ratios of
weights over the steps of each, and the joint chance of two such choices is known (`persistence`).
"""

from __future__ import annotations

import numpy as np

from sim.theory.persistence import (
    Floats,
    Integers,
    log_joint_move,
    log_ratios,
    log_ratios_at_start,
    redrawn_chances,
    transition_chances,
)

MOST_NODES = 48  # steps of a path at which a kept disposition is compared; others are between two of them

NEGLIGIBLE = 1e-6  # chance to have left an alternative after a visit

SMALL_CHANGE = 1e-3  # of log-weights, which moves a state with a chance of a thousandth at most


def path_chances(
    before: Floats, path: Floats, held: Integers, *, inertia: Floats, renewal: Floats, toward: Integers | None = None
) -> tuple[Floats, Floats]:
    """Compute where states are at the end of a path of weights, and where they have been, if no other state moves.

    With constant weights the chances are `direct_chances`. A state that keeps its disposition has its
    exact chances, but for visits to three alternatives. One whose disposition was renewed moves by chances given its
    last weights.

    Parameters
    ----------
    before : array of float, (N, K + 1)
        Log-weights at the start in the factual world, with inertia on the alignment held.
    path : array of float, (T, N, K + 1)
        Log-weights *without* inertia at each step; of a state that never decides with all weight on its alignment.
    held : array of int, (N,)
        Alignment at the start.
    inertia : array of float, (T,)
        Inertia over temperature at each step.
    renewal : array of float, (T, N)
        Chance that a disposition is renewed at each step, 0 to 1.
    toward : array of int, (T, N), optional
        Alignment that a renewal favours, or a negative number for a plain draw.

    Returns
    -------
    tuple of array of float, (N, K + 1)
        Chance of each alignment after the last step, with sum 1; and chance of having had it at any step.
    """
    alternatives = path.shape[-1]
    own = np.eye(alternatives)
    with_own = path[:, :, None] + inertia[:, None, None, None] * own  # (T, N, c, K + 1), inertia on c
    drawn = redrawn_chances(with_own)
    if toward is not None:
        favoured = toward[..., None, None]
        drawn = np.where(favoured >= 0, favoured == np.arange(alternatives), drawn)
    moves = np.empty_like(drawn)
    moves[0] = transition_chances(before[:, None], with_own[0], held[:, None])
    with np.errstate(invalid="ignore"):  # of alternatives that a state never has
        moves[1:] = np.nan_to_num(transition_chances(with_own[:-1], with_own[1:], np.arange(alternatives)), nan=0.0)
    kept, visited = kept_chances(before, path, held, inertia)
    alive = np.prod(1 - renewal, axis=0)[:, None]
    chances = alive * kept + renewed_law(held, moves, drawn, renewal)
    entries = np.empty_like(chances)
    for b in range(alternatives):
        ending = own[:, b, None] == 1
        law = renewed_law(held, np.where(ending, own, moves), np.where(ending, own, drawn), renewal)
        entries[:, b] = alive[:, 0] * visited[:, b] + law[:, b]
    return chances, np.where(held[:, None] == np.arange(alternatives), 1.0, np.minimum(entries, 1.0))


def renewed_law(held: Integers, moves: Floats, drawn: Floats, renewal: Floats) -> Floats:
    """Compute the mass of states whose disposition was renewed by their alignment at the end, (N, K + 1).

    moves and drawn, (T, N, c, K + 1), are the chances of a state in c that keeps or draws its disposition.
    """
    kept = np.eye(moves.shape[-1])[held]
    renewed = np.zeros_like(kept)
    for step in range(len(moves)):
        h = renewal[step][:, None]
        arrives = np.einsum("nc,nck->nk", renewed + kept, drawn[step])
        renewed = (1 - h) * np.einsum("nc,nck->nk", renewed, moves[step]) + h * arrives
        kept = (1 - h) * np.einsum("nc,nck->nk", kept, moves[step])
    return renewed


def kept_chances(before: Floats, path: Floats, held: Integers, inertia: Floats) -> tuple[Floats, Floats]:
    """Compute the chances of a state that keeps its disposition: at the end of a path, and of having been there.

    Parameters as of `path_chances`. The paths a to c, and a to c and back, are exact; what is left, which visits three
    alternatives or moves three times, is given to the alternatives that states move to.
    """
    nodes = choose_nodes(path)
    path, inertia = path[nodes], inertia[nodes]
    steps, states, alternatives = path.shape
    own = np.eye(alternatives)
    start = log_ratios_at_start(before, held)
    total = np.logaddexp.reduce(start, axis=-1)
    at = np.broadcast_to(held, (steps, states))
    with_home = path + inertia[:, None, None] * own[held]
    home = log_ratios(with_home, at)
    so_far = np.maximum.accumulate(np.concatenate([start[None], home]), axis=0)  # [r]: the start and steps before r
    stays = np.exp(total - np.logaddexp.reduce(so_far[-1], axis=-1))
    law, visited, back = np.zeros((states, alternatives)), np.zeros((states, alternatives)), np.zeros(states)
    for c in range(alternatives):
        with_away, there = path + inertia[:, None, None] * own[c], np.full((steps, states), c)
        leaves, away, returns = log_ratios(with_home, there), log_ratios(with_away, there), log_ratios(with_away, at)
        never = (held == c) | (leaves == np.inf).any(axis=2).all(axis=0)  # it starts there, or c is impossible
        law[:, c] = np.where(never, 0.0, joint(so_far[:-1], with_later(leaves, away), held, c, total))
        visited[:, c] = np.where(never, 0.0, joint(so_far[:-1], leaves, held, c, total))
        comes_back = with_later(returns, home)
        for r in range(steps - 1) if (visited[:, c] - law[:, c] > NEGLIGIBLE).any() else ():
            while_away = np.maximum.accumulate(np.concatenate([leaves[r, None], away[r + 1 : -1]]), axis=0)
            at_home = np.maximum(so_far[r], comes_back[r + 1 :])  # [q - r - 1]: away from r to q - 1, home from q on
            back += np.where(never, 0.0, joint(at_home, while_away, held, c, total))
    law[np.arange(states), held] = np.minimum(stays + back, 1.0)
    return give_rest(law, held), np.maximum(visited, law)


def with_later(first: Floats, later: Floats) -> Floats:
    """Return the largest ratios of a stay from each step on: `first` at the step, `later` at those after it."""
    after = np.flip(np.maximum.accumulate(np.flip(later, 0), axis=0), 0)
    return np.concatenate([np.maximum(first[:-1], after[1:]), first[-1:]])


def choose_nodes(path: Floats) -> Integers:
    """Choose the steps at which weights have changed since the last one chosen, and the last of all."""
    chosen, steps = [len(path) - 1], len(path)
    for step in range(steps - 2, -1, -1):
        now, then = path[step], path[chosen[-1]]
        with np.errstate(invalid="ignore"):
            change = np.where(now == then, 0.0, np.abs(now - then))
        if change.max() > SMALL_CHANGE:
            chosen.append(step)
    nodes = np.array(chosen[::-1])
    if len(nodes) > MOST_NODES:
        nodes = nodes[np.unique(np.linspace(0, len(nodes) - 1, MOST_NODES).round().astype(int))]
    return nodes


def joint(home: Floats, away: Floats, held: Integers, c: int, total: Floats) -> Floats:
    """Sum over the first axis the chances of having a by the ratios `home` and c by `away`, given a at the start."""
    places = np.broadcast_to(held, home.shape[:-1])
    return np.asarray(np.exp(log_joint_move(home, away, places, c) + total).sum(axis=0))


def give_rest(law: Floats, held: Integers) -> Floats:
    """Give what is left of each state's mass to the alternatives that it moves to, in proportion."""
    moved = np.where(held[:, None] == np.arange(law.shape[1]), 0.0, law)
    sums, rest = moved.sum(axis=1), 1 - law.sum(axis=1)
    share = np.divide(moved, sums[:, None], out=np.zeros_like(moved), where=sums[:, None] > 0)
    found = law + rest[:, None] * share
    found[np.arange(len(held)), held] += np.where(sums > 0, 0.0, rest)
    return found
