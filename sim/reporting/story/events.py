"""The events of a history in the order of time: moves, shocks, blocs that become large, and what nearly happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.analysis.history.moves import FOLLOWING, Move
from sim.analysis.history.sentences import (
    describe_elsewhere,
    describe_move,
    describe_shock,
    list_largest,
)
from sim.analysis.history.story import Story
from sim.analysis.history.turning import NEAR_MOVE, TurningPoint, bloc_events, quiet_renewals, shocks_of
from sim.analysis.history.words import capital, count_words, hundredths, join_names
from sim.scenario.schema import NON_ALIGNED_ID
from sim.scenario.shocks import Shock

MOST_EVENTS = 240  # in the timeline

MOST_NEAR = 12  # of what nearly happened

MOST_SHOCKS = 6  # of a step that are listed one by one

WITHIN_STEP = {"shock": 0, "size": 2, "renewal": 3}  # order of the kinds, causes first; a move is 1

KINDS = {  # kinds of events, and what the timeline calls them
    "shock": "Shock", "entry": "Entry", "change": "Change of bloc", "exit": "Exit", "size": "Size of a bloc",
    "renewal": "Near move",
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """Something that happens at a step.

    Parameters
    ----------
    step
        Step at whose end it has happened, from 1.
    kind
        One of `KINDS`.
    what
        What happens, in sentences.
    why
        Why, or what the scenario says of it; may be empty.
    elsewhere
        How often it happens in other histories; empty where that is not known.
    moves
        The moves that make it.
    weight
        Capability that moves, or that was expected to move; it orders what nearly happened.
    """

    step: int
    kind: str
    what: str
    why: str = ""
    elsewhere: str = ""
    moves: tuple[Move, ...] = ()
    weight: float = 0.0

    @property
    def follows(self) -> bool:
        """Whether its moves follow those of other states."""
        return any(move.cause == FOLLOWING for move in self.moves)


def list_events(story: Story) -> list[Event]:
    """List the events of a history in the order of time: within a step shocks, moves, and the sizes that they make.

    Of more than `MOST_EVENTS`, near moves are left out first, then the moves of least capability.
    """
    found = [*shock_events(story), *move_events(story), *size_events(story), *near_events(story)]
    kept = sorted(found, key=lambda one: (one.kind == "renewal", one.kind not in ("shock", "size"), -one.weight))
    order = {kind: WITHIN_STEP.get(kind, 1) for kind in KINDS}
    return sorted(kept[:MOST_EVENTS], key=lambda one: (one.step, order[one.kind], one.follows, -one.weight))


def sizes_of_states(story: Story) -> dict[str, float]:
    """Share of all capability of each state, 0 to 1."""
    total = sum(state.capability.value for state in story.scenario.states.values()) or 1.0
    return {id: state.capability.value / total for id, state in story.scenario.states.items()}


def move_events(story: Story) -> Iterator[Event]:
    """Moves with one origin and destination in a step, the largest state first; those that follow others apart."""
    sizes, names = sizes_of_states(story), story.names
    groups: dict[tuple[int, str, str, bool], list[Move]] = defaultdict(list)
    for move in story.moves:
        groups[move.step, move.left, move.entered, move.cause == FOLLOWING].append(move)
    for (step, left, entered, _), alike in groups.items():
        moves = tuple(sorted(alike, key=lambda move: (-sizes[move.state], move.state)))
        subject, several = list_largest([move.state for move in moves], names), len(moves) > 1
        kind = "exit" if entered == NON_ALIGNED_ID else "entry" if left == NON_ALIGNED_ID else "change"
        why = story.reason(moves[0])
        if several:
            why = f"For {names.state(moves[0].state)}, the largest of them: {why[:1].lower()}{why[1:]}"
        yield Event(
            step, kind, f"{capital(describe_move(moves[0], names, subject, several=several))}.", why,
            describe_elsewhere(TurningPoint(step, moves=moves), names, story.others), moves,
            sum(sizes[move.state] for move in moves),
        )  # fmt: skip


def shock_events(story: Story) -> Iterator[Event]:
    """Shocks of each step, with what the scenario's file notes of them."""
    for step in sorted({shock.step for shock in story.scenario.shocks if shock.step < len(story.run.alignment)}):
        shocks = shocks_of(story.scenario, step)
        notes = dict.fromkeys(shock.note.strip().rstrip(".") for shock in shocks if shock.note.strip())
        yield Event(step, "shock", describe_shocks(shocks, story), "; ".join(notes) and f"{capital('; '.join(notes))}.")


def describe_shocks(shocks: tuple[Shock, ...], story: Story) -> str:
    """Say what the shocks of a step change, in a sentence."""
    said = [describe_shock(shock, story.names) for shock in shocks]
    if (more := len(said) - MOST_SHOCKS) > 0:
        said = [*said[:MOST_SHOCKS], count_words(more, "more change")]
    return f"{capital(join_names(said))}."


def size_events(story: Story) -> Iterator[Event]:
    """Steps at which a bloc becomes large for a year or more, or falls below a tenth again."""
    for event in bloc_events(story.scenario, story.run):
        said = "has a tenth of all capability or more for the first time, and keeps it for a year"
        what = said if event.rises else "has less than a tenth of all capability again"
        yield Event(event.step, "size", f"{capital(story.names.bloc(event.bloc))} {what}.")


def near_events(story: Story) -> list[Event]:
    """What nearly happened: renewals that could have moved a state; close calls, where states draw at every step."""
    if story.scenario.dispositions != "kept":
        return close_calls(story)
    return [
        Event(
            point.step, "renewal",
            f"The disposition of {story.names.state(point.renewed)} is renewed, and it keeps its alignment.",
            f"{capital(hundredths(1.0 - point.chance))} such draws would have moved it.", weight=point.weight,
        )
        for point in quiet_renewals(story.scenario, story.run, sizes_of_states(story))
    ]  # fmt: skip


def close_calls(story: Story) -> list[Event]:
    """The step at which each state that never moves was most likely to, where that was one chance in ten or more."""
    run, sizes, found = story.run, sizes_of_states(story), []
    for i in np.flatnonzero((run.alignment == run.alignment[0]).all(axis=0)).tolist():
        leaves = 1.0 - run.chances[1:, i, run.alignment[0, i]]
        step = int(np.argmax(leaves)) + 1
        if (chance := float(leaves[step - 1])) >= NEAR_MOVE:
            name = story.names.state(run.states[i])
            what = f"{capital(name)} keeps its alignment at its likeliest moment to leave it."
            why = f"{capital(hundredths(chance))} such choices would have moved it."
            found.append(Event(step, "renewal", what, why, weight=sizes[run.states[i]] * chance))
    return found


def largest_near(events: list[Event]) -> list[Event]:
    """What nearly happened, what would have moved most capability first."""
    return sorted((one for one in events if one.kind == "renewal"), key=lambda one: -one.weight)[:MOST_NEAR]
