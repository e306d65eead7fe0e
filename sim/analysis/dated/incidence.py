"""First entries and exits of states, and when blocs are large, from the alignments of runs (model: Outcomes)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.model.arrays import Bytes, Flags, Floats, Integers

LARGE: Final = 0.1  # share of capability from which a bloc is large, if it keeps it for a year

RECORDED_REALIGNMENTS: Final = 0.005  # per state-year; see docs/dispositions.md

Steps = npt.NDArray[np.int32]

NEVER: Final = np.iinfo(np.int32).max  # the step of what does not happen in a run


class Moves(NamedTuple):
    """The moves of runs, (M,) each, in any order: a state that changes alignment at a step, 1 or more."""

    run: Integers  # place among the runs
    step: Integers
    state: Integers
    source: Integers | Bytes  # the alignment before, 0..K
    target: Integers | Bytes  # and after


def find_moves(alignment: Bytes) -> Moves:
    """Find the moves in the alignments of runs, (R, T + 1, N)."""
    run, before, state = np.nonzero(alignment[:, 1:] != alignment[:, :-1])
    return Moves(run, before + 1, state, alignment[run, before, state], alignment[run, before + 1, state])


def fill_alignments(start: Bytes, moves: Moves, steps: int) -> Bytes:
    """Compute the alignment of each state at each step of runs from their moves.

    Parameters
    ----------
    start
        Alignment at step 0, (R, N), 0..K.
    moves
        The moves of these runs.
    steps
        Number of steps T.

    Returns
    -------
    ndarray
        Alignments, (R, T + 1, N), as bytes.

    Examples
    --------
    >>> moves = Moves(*(np.array([one]) for one in (0, 2, 1, 0, 1)))
    >>> fill_alignments(np.array([[0, 0]]), moves, 3)[0].tolist()
    [[0, 0], [0, 0], [0, 1], [0, 1]]
    """
    runs, states = start.shape
    found = np.full((runs, steps + 1, states), -1, dtype=np.int8)
    found[:, 0] = start
    found[moves.run, moves.step, moves.state] = moves.target
    for step in range(1, steps + 1):
        np.copyto(found[:, step], found[:, step - 1], where=found[:, step] < 0)
    return found


def first_entries(start: Bytes, moves: Moves, alternatives: int) -> Steps:
    """Find the first step at which each state has each alignment.

    Parameters
    ----------
    start
        Alignment at step 0, (R, N), 0..K.
    moves
        The moves of these runs.
    alternatives
        Number of alignments, K + 1.

    Returns
    -------
    ndarray
        Steps, (R, N, K + 1): 0 where the state starts there, NEVER where it is never there.
    """
    found = np.full((*start.shape, alternatives), NEVER, dtype=np.int32)
    np.minimum.at(found, (moves.run, moves.state, moves.target), moves.step)
    np.put_along_axis(found, start[..., None].astype(np.int64), 0, axis=2)
    return found


def first_exits(start: Bytes, moves: Moves) -> Steps:
    """Find the first step at which each state does not have the alignment of its start, (R, N); NEVER if none."""
    found = np.full(start.shape, NEVER, dtype=np.int32)
    np.minimum.at(found, (moves.run, moves.state), moves.step)
    return found


def shares_from_moves(start: Bytes, moves: Moves, shares: Floats, alternatives: int, steps: int) -> Floats:
    """Sum the shares, (N,), of the states in each alignment at each step of runs, (R, T + 1, K + 1).

    The shares are multiples of 2⁻³⁰, so that their sums are exact in any order.
    """
    shape, share = (len(start), alternatives, steps + 1), shares[moves.state]
    cells = [np.ravel_multi_index((moves.run, k, moves.step), shape) for k in (moves.target, moves.source)]
    counted = np.bincount(np.concatenate(cells), np.concatenate([share, -share]), np.prod(shape))
    change = counted.astype(np.float64, copy=False).reshape(shape)  # numpy counts no moves in whole numbers
    for k in range(alternatives):
        change[:, k, 0] = (start == k) @ shares
    return np.moveaxis(change.cumsum(axis=2), 1, 2)


class LargeSpells(NamedTuple):
    """When blocs are large in runs."""

    first: Steps  # (R, K), first step of the first spell; NEVER where there is none
    steps: Steps  # (R, K), steps of the run in which the bloc is large


def find_large_spells(capability: Floats, year: int) -> LargeSpells:
    """Find when each bloc is large: it has a tenth of the capability or more for a year.

    The alignments at the end of a step hold until the next step ends. So a spell of a year that begins at the end of
    step s has a tenth or more at the ends of the steps s to s + `year` - 1, and ends at or before the end of the run.

    Parameters
    ----------
    capability
        Capability share of each bloc, (R, T + 1, K), 0 to 1.
    year
        Steps in a year, 1 or more.

    Returns
    -------
    LargeSpells
        First step, and number of steps, of spells of at least a year.

    Examples
    --------
    >>> share = np.array([0, 0.2, 0.2, 0, 0.2, 0.2, 0.2]).reshape(1, 7, 1)
    >>> first, steps = find_large_spells(share, 2)
    >>> int(first[0, 0]), int(steps[0, 0])
    (1, 4)
    """
    above: Flags = capability[:, :-1] >= LARGE
    begins = max(above.shape[1] - year + 1, 0)
    spell = np.ones_like(above[:, :begins])
    large = np.zeros_like(above)
    for later in range(year):
        spell &= above[:, later : later + begins]
    for later in range(year):
        large[:, later : later + begins] |= spell
    first: Steps = np.where(large.any(axis=1), large.argmax(axis=1), NEVER).astype(np.int32)
    return LargeSpells(first, large.sum(axis=1, dtype=np.int32))
