"""Moves of a run with their causes and reasons: what a state weighed, and which moves it followed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.analysis.history.retrace import WEIGHED, Retrace
from sim.model.arrays import BY_FOLLOWING, BY_RENEWAL, CAUSES, Floats, Integers
from sim.model.trajectory import Run
from sim.model.world import World

RENEWAL, CIRCUMSTANCE, FOLLOWING = CAUSES[1:]


@dataclass(frozen=True, eq=False)
class Move:
    """A change of alignment of a state, and why.

    Weighings have a row for the alignment left and one for that entered, (2, WEIGHED): the terms of utility and what
    a kept disposition adds. The sum of the second row is not below that of the first, or the state would have stayed.

    Parameters
    ----------
    step
        Step of the move, from 1.
    state
        Id of the state.
    left, entered
        Ids of the alignments before and after.
    cause
        `renewal`, `circumstance` or `following` (model: Outcomes).
    chance
        Structural chance of the alignment entered, at the ties of the step: the share of new dispositions that
        choose it.
    weighed
        What the state weighed when it moved.
    since
        Step of the comparison: when the state last chose what it left, with the same disposition; 0 is the start.
    before
        What it weighed then; None where the start has no such alignments.
    apart
        What it would have weighed now with the others as it saw them at its last decision.
    followed
        State and step of each move that it followed: without it, it would have stayed. Empty for other causes.
    options
        What it weighed of every alignment, (K + 1, WEIGHED).
    """

    step: int
    state: str
    left: str
    entered: str
    cause: str
    chance: float
    weighed: Floats
    since: int
    before: Floats | None
    apart: Floats
    followed: tuple[tuple[str, int], ...]
    options: Floats

    @property
    def key(self) -> tuple[str, int]:
        """State and step."""
        return self.state, self.step

    @property
    def what(self) -> tuple[str, str, str]:
        """State, alignment left and alignment entered."""
        return self.state, self.left, self.entered

    def advantage(self) -> dict[str, float]:
        """By how much the alignment entered is ahead of the one left, by term; the terms that are equal are left out.

        The values sum to the difference of utility, dispositions included, which is not below 0.
        """
        return by_term(self.weighed[1] - self.weighed[0])

    def change(self) -> dict[str, float]:
        """How that advantage changed since the state last chose what it left, by term; empty where it never did.

        The values sum to the change of the difference of utility.
        """
        if self.before is None or not self.chose_what_it_left():
            return {}
        return by_term((self.weighed[1] - self.weighed[0]) - (self.before[1] - self.before[0]))

    def pull(self) -> dict[str, float]:
        """How much of the advantage comes from moves of others since its last decision, by term."""
        return by_term((self.weighed[1] - self.weighed[0]) - (self.apart[1] - self.apart[0]))

    def chose_what_it_left(self) -> bool:
        """Whether it preferred what it left at the step of the comparison; a state may start where it would not."""
        return self.before is not None and float((self.before[1] - self.before[0]).sum()) <= ROUNDING

    def record(self) -> dict[str, Any]:
        """Return the move as a record, without its step."""
        return {
            "state": self.state,
            "from_alignment": self.left,
            "to_alignment": self.entered,
            "cause": self.cause,
            "chance": self.chance,
            "followed": [state for state, _ in self.followed],
            "advantage": self.advantage(),
            "since": self.since,
            "change": self.change(),
        }


ROUNDING = 1e-12  # of sums of terms


def by_term(values: Floats) -> dict[str, float]:
    """Values by term, without zeros."""
    return {term: value for term, value in zip(WEIGHED, values.tolist(), strict=True) if value != 0.0}


def explain_moves(world: World, run: Run) -> list[Move]:
    """Explain every move of a run.

    Parameters
    ----------
    world
        The arrays of the scenario of the run.
    run
        The run, with the chances of its decisions.

    Returns
    -------
    list of Move
        The moves in the order of their steps, and within a step in the order of the states.

    Examples
    --------
    >>> from sim.model import run_compiled
    >>> from sim.model.world import world_of
    >>> from sim.scenario import load_scenario
    >>> scenario = load_scenario("unix_1988")
    >>> moves = explain_moves(world_of(scenario), run_compiled(scenario, seed=1))
    >>> all(sum(move.advantage().values()) >= 0 for move in moves)
    True
    """
    steps, movers = np.nonzero(run.alignment[1:] != run.alignment[:-1])
    moved = [(int(step) + 1, int(i)) for step, i in zip(steps, movers, strict=True)]
    compared = {(step, i): last_choice(run, step, i) for step, i in moved}
    retrace = Retrace(world, run, {i for _, i in moved})
    chosen: dict[tuple[int, int], Floats] = {}  # what a state weighed at a step that a later move is compared with
    needed: dict[int, set[int]] = defaultdict(set)
    for (_, i), since in compared.items():
        needed[since].add(i)
    found: list[Move] = []

    def look(step: int) -> None:
        for i in needed[step] if step else ():
            chosen[step, i] = retrace.weigh(i, retrace.seen(i))
        for _, i in (move for move in moved if move[0] == step):
            found.append(explain_move(retrace, i, compared[step, i], chosen.get((compared[step, i], i))))

    retrace.visit({step for step, _ in moved} | needed.keys(), look)
    return found


def last_choice(run: Run, step: int, i: int) -> int:
    """Step at which a state last chose what it leaves, with the disposition that it leaves it with; 0 is the start."""
    for earlier in range(step - 1, 0, -1):
        if run.renewed[earlier, i] or run.alignment[earlier, i] != run.alignment[earlier - 1, i]:
            return earlier
    return 0


def explain_move(retrace: Retrace, i: int, since: int, chosen: Floats | None) -> Move:
    """Explain the move of state i at the present step; chosen is what it weighed at the step of the comparison."""
    run, step = retrace.run, retrace.step
    left, entered = int(run.alignment[step - 1, i]), int(run.alignment[step, i])
    cause, both = int(run.causes[step, i]), [left, entered]
    names = run.alignments[left], run.alignments[entered]
    before = chosen[both] if chosen is not None else start_weighing(retrace, i, names)
    options = retrace.weigh(i, retrace.seen(i))
    return Move(
        step=step, state=run.states[i], left=names[0], entered=names[1], cause=CAUSES[cause],
        chance=float(run.chances[step, i, entered]), weighed=options[both], since=since,
        before=None if cause == BY_RENEWAL else before, apart=retrace.weigh(i, retrace.seen_before(i))[both],
        followed=followed_moves(retrace, i) if cause == BY_FOLLOWING else (), options=options,
    )  # fmt: skip


def start_weighing(retrace: Retrace, i: int, names: tuple[str, str]) -> Floats | None:
    """What a state weighed at the start of the two alignments; None where one did not exist."""
    weighed = retrace.weigh_start(i)
    return np.stack([weighed[name] for name in names]) if weighed.keys() >= {*names} else None


def followed_moves(retrace: Retrace, i: int) -> tuple[tuple[str, int], ...]:
    """State and step of the moves that state i follows at the present step.

    A move counts if the state would have stayed without it, at present ties. Where no move counts by itself, the moves
    are undone from the one that pulls most until the state stays, and all that were undone count.
    """
    now, before = retrace.seen(i), retrace.seen_before(i)
    moved = [int(j) for j in np.flatnonzero(now != before) if j != i]
    found = [j for j in moved if retrace.stays(i, undo(now, before, [j]))]
    if not found:
        left, entered = retrace.run.alignment[retrace.step - 1 : retrace.step + 1, i]
        held = {j: retrace.weigh(i, undo(now, before, [j])).sum(axis=1) for j in moved}
        strongest = sorted(moved, key=lambda j: float(held[j][entered] - held[j][left]))
        while strongest and not (found and retrace.stays(i, undo(now, before, found))):
            found.append(strongest.pop(0))
    earlier = retrace.run.alignment[retrace.step - 1]
    return tuple(
        (retrace.run.states[j], retrace.step if now[j] != earlier[j] else retrace.step - 1) for j in sorted(found)
    )


def undo(now: Integers, before: Integers, moves: list[int]) -> Integers:
    """The alignments that a state sees, (N,), without the moves of some states."""
    found = now.copy()
    found[moves] = before[moves]
    return found
