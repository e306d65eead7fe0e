"""The turning points of a history: what happened, when, who followed, and which blocs it made or unmade."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sim.analysis.dated.incidence import LARGE, NEVER, find_large_spells
from sim.analysis.history.moves import FOLLOWING, RENEWAL, Move
from sim.calendar import step_years
from sim.model.trajectory import Run
from sim.model.world import World
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.scenario.shocks import Shock, Upheaval

MOST = 8  # turning points of a history

RAREST = 1e-3  # no chance below it surprises more

NEAR_MOVE = 0.1  # chance of another choice from which a renewal without a move is worth a line


@dataclass(frozen=True)
class BlocEvent:
    """A bloc that becomes large: it has a tenth of all capability or more for a year; or falls below that later.

    Parameters
    ----------
    step
        Step at whose end it happens.
    bloc
        Id of the bloc.
    rises
        Whether it reaches a tenth.
    share
        Share of capability at the end of the step, 0 to 1.
    """

    step: int
    bloc: str
    rises: bool
    share: float


@dataclass(frozen=True, eq=False)
class TurningPoint:
    """A turning point of a history.

    Parameters
    ----------
    step
        Step at which it happens, from 1.
    moves
        The moves that make it, of one cause and with one destination, the largest state first; none where a
        disposition was renewed or a shock came and no state moved.
    followers
        Moves that followed these, in turn, in the order of their steps.
    blocs
        Blocs that reach a tenth of capability by it, or fall below.
    sizes
        Share of capability, 0 to 1, of each bloc that these moves change: before them, and after all of them.
    renewed
        Id of the state whose disposition was renewed without a move, else empty.
    chance
        For such a state, the structural chance of what it keeps, 0 to 1; else 1.
    shocks
        Shocks of the step, where it has no move or where circumstances caused it.
    weight
        Importance: the capability that moves, times the surprise of the first moves in nats.
    """

    step: int
    moves: tuple[Move, ...] = ()
    followers: tuple[Move, ...] = ()
    blocs: tuple[BlocEvent, ...] = ()
    sizes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    renewed: str = ""
    chance: float = 1.0
    shocks: tuple[Shock, ...] = ()
    weight: float = 0.0

    @property
    def kind(self) -> str:
        """`move`; `renewal` or `shock` where no state moved."""
        return "move" if self.moves else "renewal" if self.renewed else "shock"

    def shares(self, move: Move) -> bool:
        """Whether a follower goes where the first moves went, or leaves what they left for no bloc."""
        first = self.moves[0]
        return move.entered == first.entered and (move.entered != NON_ALIGNED_ID or move.left == first.left)


def find_turning_points(scenario: Scenario, world: World, run: Run, moves: Sequence[Move]) -> list[TurningPoint]:
    """Find the turning points of a run.

    Parameters
    ----------
    scenario
        The scenario of the run.
    world
        Its arrays.
    run
        The run, with the chances of its decisions.
    moves
        Its moves (`explain_moves`).

    Returns
    -------
    list of TurningPoint
        At most eight, in the order of time. Moves come first, by importance; shocks and renewals without a move are
        there only where moves leave places.
    """
    capability = dict(zip(run.states, world.setting.capability.tolist(), strict=True))
    events = bloc_events(scenario, run)
    made = [
        make_point(group, moves, events, scenario, run, capability)
        for group in group_moves(moves, scenario, capability)
    ]
    made = sorted(once_each(made), key=lambda point: (-len(point.blocs), -point.weight, point.step))[:MOST]
    quiet = sorted(
        [*quiet_renewals(scenario, run, capability), *quiet_shocks(scenario, run)],
        key=lambda point: (-point.weight, point.step),
    )
    return sorted([*made, *quiet[: MOST - len(made)]], key=lambda point: (point.step, -point.weight))


def group_moves(moves: Sequence[Move], scenario: Scenario, capability: dict[str, float]) -> Iterator[list[Move]]:
    """Group moves that followed no other; those of one step, cause, origin and destination belong together.

    A disposition is renewed in one state at a time, so such a move has a group of its own. Where dispositions are
    fresh all moves of a step by chance belong together.
    """
    groups: dict[tuple[object, ...], list[Move]] = defaultdict(list)
    for move in moves:
        if not move.followed:
            own = move.state if move.cause == RENEWAL and scenario.dispositions == "kept" else ""
            groups[move.step, move.cause, move.left, move.entered, own].append(move)
    for group in groups.values():
        yield sorted(group, key=lambda move: (-capability[move.state], move.state))


def make_point(
    group: list[Move], moves: Sequence[Move], events: Iterable[BlocEvent], scenario: Scenario, run: Run,
    capability: dict[str, float],
) -> TurningPoint:  # fmt: skip
    """Make the turning point of a group of moves."""
    followers = list_followers(group, moves)
    every = [*group, *followers]
    blocs = tuple(event for event in events if any(causes_event(move, event) for move in every))
    shocks = () if group[0].cause in (RENEWAL, FOLLOWING) else shocks_of(scenario, group[0].step)
    surprise = sum(-math.log(max(move.chance, RAREST)) for move in group) / len(group)
    weight = surprise * sum(capability[move.state] for move in every)
    sizes = {}
    for bloc in run.alignments[1:]:
        if any(bloc in move.what for move in every):
            start = float(run.outcome(f"capability_{bloc}")[group[0].step - 1])
            gains = sum(capability[m.state] * ((m.entered == bloc) - (m.left == bloc)) for m in every)
            sizes[bloc] = (start, start + gains)
    return TurningPoint(
        group[0].step, tuple(group), tuple(followers), blocs, sizes, shocks=shocks, weight=weight
    )  # fmt: skip


def once_each(points: Iterable[TurningPoint]) -> Iterator[TurningPoint]:
    """Leave each bloc's event with the heaviest of the points of its step."""
    known: set[BlocEvent] = set()
    for point in sorted(points, key=lambda point: -point.weight):
        yield replace(point, blocs=tuple(event for event in point.blocs if event not in known))
        known |= {*point.blocs}


def list_followers(group: Iterable[Move], moves: Sequence[Move]) -> list[Move]:
    """Moves that followed one of a group, or one that followed it, in turn; the group's own are left out."""
    known = {move.key for move in group}
    found: list[Move] = []
    while more := [move for move in moves if move.key not in known and known & {*move.followed}]:
        found += more
        known |= {move.key for move in more}
    return sorted(found, key=lambda move: (move.step, move.state))


def causes_event(move: Move, event: BlocEvent) -> bool:
    """Whether a move is one of those by which a bloc reaches a tenth, or falls below it."""
    return move.step == event.step and event.bloc == (move.entered if event.rises else move.left)


def shocks_of(scenario: Scenario, step: int) -> tuple[Shock, ...]:
    """Shocks that come at a step."""
    return tuple(shock for shock in scenario.shocks if shock.step == step)


def bloc_events(scenario: Scenario, run: Run) -> list[BlocEvent]:
    """List when each bloc is first large, and when it first falls below a tenth of capability after that.

    A run in rounds has none, and one shorter than a year. A bloc that is large from the start has become so before.
    """
    if scenario.date is None:
        return []
    share = run.outcomes[:, run.capability_columns()]
    spells = find_large_spells(share[None], max(1, round(1 / step_years(scenario.step))))
    found = []
    for k, (bloc, first) in enumerate(zip(run.alignments[1:], spells.first[0].tolist(), strict=True)):
        if 0 < first < NEVER:
            found.append(BlocEvent(first, bloc, rises=True, share=float(share[first, k])))
        below = np.flatnonzero(share[first:, k] < LARGE)
        if first < NEVER and below.size:
            step = first + int(below[0])
            found.append(BlocEvent(step, bloc, rises=False, share=float(share[step, k])))
    return found


def quiet_renewals(scenario: Scenario, run: Run, capability: dict[str, float]) -> Iterator[TurningPoint]:
    """Renewals after which a state kept its alignment although one new disposition in ten would have moved it.

    Their weight is the capability that was expected to move. A government that falls toward an alignment is none of
    them: its disposition is not one of all that it could draw.
    """
    falls = {(one.step, one.state) for one in scenario.shocks if isinstance(one, Upheaval) and one.toward}
    for step, i in np.argwhere(run.renewed & (run.causes == 0)).tolist():
        state, chance = run.states[i], float(run.chances[step, i, run.alignment[step, i]])
        if chance <= 1.0 - NEAR_MOVE and (step, state) not in falls:
            yield TurningPoint(step, renewed=state, chance=chance, weight=capability[state] * (1.0 - chance))


def quiet_shocks(scenario: Scenario, run: Run) -> Iterator[TurningPoint]:
    """Steps with shocks at which no state moves; a change from outside outweighs every quiet renewal."""
    for step in sorted({shock.step for shock in scenario.shocks}):
        if not (run.alignment[step] != run.alignment[step - 1]).any():
            yield TurningPoint(step, shocks=shocks_of(scenario, step), weight=math.inf)
