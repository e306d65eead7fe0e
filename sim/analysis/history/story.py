"""A history with everything that is said of it: moves, turning points, and what happens in other histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.analysis.history.bonds import describe_bond_elsewhere, describe_bond_there, describe_sanctions, with_ties_at
from sim.analysis.history.moves import Move, explain_moves
from sim.analysis.history.others import OtherHistories, observe_others
from sim.analysis.history.prospect import Prospect, find_prospect
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
    "step", "date", "kind", "states", "what", "why", "strongest_bond", "stronger_bond_elsewhere", "sanctions",
    "followers", "followed_by", "reactions", "reacted", "effect", "elsewhere", "in_others",
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
    prospect
        The entry that would move most capability, weighed by its chance; None without chances in closed form.
    """

    scenario: Scenario
    run: Run
    names: Names
    moves: list[Move]
    points: list[TurningPoint]
    others: OtherHistories | None
    prospect: Prospect | None

    def date(self, step: int) -> str | None:
        """End of a step as ISO text; None in rounds."""
        return self.names.dates[step] if self.names.dates else None

    def reason(self, move: Move) -> str:
        """Reason of a move, in sentences."""
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
            **self.coded_ties(point),
            "followers": [move.state for move in point.followers if point.shares(move)],
            "followed_by": describe_followers(point, self.names),
            "reactions": [move.state for move in point.followers if not point.shares(move)],
            "reacted": describe_reactions(point, self.names),
            "effect": describe_effect(point, self.names),
            "elsewhere": describe_elsewhere(point, self.names, self.others),
            "in_others": [self.count_record(move) for move in point.moves],
        }

    def coded_ties(self, point: TurningPoint) -> dict[str, str]:
        """Say the ties behind the first move of a turning point; empty where there are none."""
        if not point.moves:
            return {"strongest_bond": "", "stronger_bond_elsewhere": "", "sanctions": ""}
        first, names = point.moves[0], self.names
        scenario = with_ties_at(self.scenario, first.step)
        return {
            "strongest_bond": describe_bond_there(first, self.run, scenario, names),
            "stronger_bond_elsewhere": describe_bond_elsewhere(first, self.run, scenario, names),
            "sanctions": describe_sanctions(first, scenario, names),
        }

    def record(self) -> dict[str, Any]:
        """Return all of it as a record; null for what was not counted in other histories."""
        return {
            "turning_points": self.point_records(),
            "moves": self.move_records(),
            "others": self.others.record() if self.others is not None else None,
            "prospect": self.prospect and self.prospect._asdict(),
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
    return Story(scenario, run, names, moves, points, known, find_prospect(scenario, world, run))
