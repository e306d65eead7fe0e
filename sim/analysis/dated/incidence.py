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


def fill_alignments(start: Integers, moves: tuple[Integers, ...], steps: int) -> Bytes:
    """Compute the alignment of each state at each step of runs from their moves.

    Parameters
    ----------
    start
        Alignment at step 0, (R, N), 0..K.
    moves
        Run, step, state and new alignment of each move, (M,) each, in any order; the step is 1 or more.
    steps
        Number of steps T.

    Returns
    -------
    ndarray
        Alignments, (R, T + 1, N), as bytes.

    Examples
    --------
    >>> moves = np.array([0]), np.array([2]), np.array([1]), np.array([1])
    >>> fill_alignments(np.array([[0, 0]]), moves, 3)[0].tolist()
    [[0, 0], [0, 0], [0, 1], [0, 1]]
    """
    run, step, state, to = moves
    runs, states = start.shape
    found = np.empty((runs, steps + 1, states), dtype=np.int8)
    found[:, 0] = start
    last = np.zeros((runs, steps + 1, states), dtype=np.int64)
    last[run, step, state] = step
    found[run, step, state] = to
    np.maximum.accumulate(last, axis=1, out=last)
    filled: Bytes = np.take_along_axis(found, last, axis=1)
    return filled


def first_entries(alignment: Bytes, alternatives: int) -> Steps:
    """Find the first step at which each state has each alignment.

    Parameters
    ----------
    alignment
        Alignments, (R, T + 1, N).
    alternatives
        Number of alignments, K + 1.

    Returns
    -------
    ndarray
        Steps, (R, N, K + 1): 0 where the state starts there, NEVER where it is never there.
    """
    found = np.empty((alignment.shape[0], alignment.shape[2], alternatives), dtype=np.int32)
    for k in range(alternatives):
        found[..., k] = first_steps(alignment == k)
    return found


def first_exits(alignment: Bytes) -> Steps:
    """Find the first step at which each state does not have the alignment of its start, (R, N); NEVER if none."""
    return first_steps(alignment != alignment[:, :1])


def first_steps(happens: Flags) -> Steps:
    """Find the first step at which something happens, (R, ...), from flags by step, (R, T + 1, ...); NEVER if none."""
    found: Steps = np.where(happens.any(axis=1), happens.argmax(axis=1), NEVER).astype(np.int32)
    return found


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
    large = np.zeros_like(above)
    for begin in range(above.shape[1] - year + 1):
        spell = slice(begin, begin + year)
        large[:, spell] |= np.all(above[:, spell], axis=1, keepdims=True)
    return LargeSpells(first_steps(large), large.sum(axis=1, dtype=np.int32))


def count_moves(alignment: Bytes) -> Integers:
    """Count the changes of alignment of all states in each run, (R,)."""
    return np.count_nonzero(alignment[:, 1:] != alignment[:, :-1], axis=(1, 2))
