"""A history with everything that is said of it: moves, turning points, and what happens in other histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.analysis.history.moves import Move, explain_moves
from sim.analysis.history.others import OtherHistories, observe_others
from sim.analysis.history.sentences import (
    describe_effect,
    describe_elsewhere,
    describe_followers,
    describe_point,
    describe_reactions,
    describe_reason,
    explain_point,
)
from sim.analysis.history.turning import TurningPoint, find_turning_points, shocks_of
from sim.analysis.history.words import Names, capital
from sim.analysis.statistics import share_interval
from sim.model.trajectory import Run
from sim.model.world import World
from sim.scenario.schema import Scenario

MOVE_COLUMNS = (
    "step", "date", "state", "from_alignment", "to_alignment", "cause", "chance", "followed", "advantage", "since",
    "change", "reason",
)  # fmt: skip

POINT_COLUMNS = (
    "step", "date", "kind", "states", "what", "why", "strongest_bond", "followers", "followed_by", "reactions",
    "reacted", "effect", "elsewhere", "in_others",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Story:
    """A history: a run read with its moves, its turning points and other histories.

    Parameters
    ----------
    scenario, run, names
        The scenario, the run and the names for readers.
    moves
        Every move, with its reason.
    points
        The turning points, in the order of time.
    others
        What happens in other histories; None where they were not run.
    """

    scenario: Scenario
    run: Run
    names: Names
    moves: list[Move]
    points: list[TurningPoint]
    others: OtherHistories | None

    def date(self, step: int) -> str | None:
        """End of a step as ISO text; None in rounds."""
        return self.names.dates[step] if self.names.dates else None

    def reason(self, move: Move) -> str:
        """Reason of a move, in a sentence."""
        shocks = shocks_of(self.scenario, move.step)
        return f"{capital(describe_reason(move, self.names, self.scenario, shocks))}."

    def move_records(self) -> list[dict[str, Any]]:
        """List the moves as records."""
        return [
            {"step": move.step, "date": self.date(move.step), **move.record(), "reason": self.reason(move)}
            for move in self.moves
        ]

    def point_records(self) -> list[dict[str, Any]]:
        """List the turning points as records, with the counts of other histories by state."""
        return [self.point_record(point) for point in self.points]

    def point_record(self, point: TurningPoint) -> dict[str, Any]:
        """Return a turning point as a record."""
        return {
            "step": point.step,
            "date": self.date(point.step),
            "kind": point.kind,
            "states": [move.state for move in point.moves] or [point.renewed] * bool(point.renewed),
            "what": describe_point(point, self.names),
            "why": explain_point(point, self.names, self.scenario),
            "strongest_bond": self.strongest_bond(point),
            "followers": [move.state for move in point.followers if point.shares(move)],
            "followed_by": describe_followers(point, self.names),
            "reactions": [move.state for move in point.followers if not point.shares(move)],
            "reacted": describe_reactions(point, self.names),
            "effect": describe_effect(point, self.names),
            "elsewhere": describe_elsewhere(point, self.names, self.others),
            "in_others": [self.count_record(move) for move in point.moves],
        }

    def strongest_bond(self, point: TurningPoint) -> str:
        """Say the coded bond with the bloc that counts most for the first mover; empty where it has none there."""
        if not point.moves:
            return ""
        first, scenario = point.moves[0], self.scenario
        place = self.run.alignments.index(first.entered)
        inside = {s for s, k in zip(self.run.states, self.run.alignment[point.step], strict=True) if k == place}
        weights = {
            tie: tie.value * scenario.states[other].capability.value
            for tie in scenario.ties
            if tie.kind == "bond" and first.state in (tie.a, tie.b) and place
            for other in ({tie.a, tie.b} - {first.state}) & inside
        }
        if not weights:
            return ""
        tie = max(weights, key=lambda one: weights[one])
        other = tie.b if tie.a == first.state else tie.a
        said = "; ".join(part for part in (tie.level or f"{tie.value:g}", tie.note) if part)
        return f"{self.names.state(other)} ({said})."

    def record(self) -> dict[str, Any]:
        """Return all of it as a record; null for what was not counted in other histories."""
        return {
            "turning_points": self.point_records(),
            "moves": self.move_records(),
            "others": self.others.record() if self.others is not None else None,
        }

    def count_record(self, move: Move) -> dict[str, Any]:
        """Return in how many other histories a state makes a move, with the 95 % interval of the share."""
        if self.others is None:
            return {"state": move.state, "histories": None, "of": 0, "low": None, "high": None}
        count = self.others.alike(*move.what)
        _, low, high, n = share_interval(count, self.others.count)
        return {"state": move.state, "histories": count, "of": n, "low": low, "high": high}


def tell_story(scenario: Scenario, world: World, run: Run, names: Names, *, others: int) -> Story:
    """Read a run as a history.

    Parameters
    ----------
    scenario
        The scenario of the run; not one of the lens of tendency, whose runs are not histories.
    world
        Its arrays.
    run
        The run, with the chances of its decisions.
    names
        Names for readers.
    others
        Number of other histories to compare it with, from 0.

    Returns
    -------
    Story
        The history.
    """
    moves = explain_moves(world, run)
    points = find_turning_points(scenario, world, run, moves)
    known = observe_others(scenario, world, run, count=others) if others else None
    return Story(scenario, run, names, moves, points, known)
