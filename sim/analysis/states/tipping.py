"""Say in terms of ties what a tipping distance is worth: which change of one tie gains an alternative as much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.model.arrays import Floats
from sim.model.starts import start_environment
from sim.model.steps.terms import weigh_state
from sim.model.world import World
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from sim.analysis.states.accounts import Account

LISTED_GAINS = 2

SMALLEST_GAIN = 0.0005  # rounds to 0.001

KINDS = ("bond", "rivalry", "sanction")

PARTNERS_OF_GAINS = 200  # states whose ties are tried: all of them in every shipped world


@dataclass(frozen=True)
class Gain:
    """A change of one tie of a state, and what an alternative gains by it over the alignment held.

    Parameters
    ----------
    kind, other
        Bond, rivalry or sanction, and the state at its other end.
    before, after
        Values of the tie, 0 to 1.
    level_before, level_after
        Their names on the world's scale; empty where they have none.
    gain
        Rise of the utility of the alternative less that of the alignment held.
    distance
        Tipping distance of the alternative.
    """

    kind: str
    other: str
    before: float
    after: float
    level_before: str
    level_after: str
    gain: float
    distance: float

    @property
    def reaches(self) -> bool:
        """Whether the change is worth the whole distance."""
        return self.gain >= self.distance

    @property
    def size(self) -> float:
        """Size of the change."""
        return abs(self.after - self.before)

    def words(self, name: str) -> str:
        """Describe the change, given the name of the other state."""
        subject = {"bond": f"the bond with {name}", "rivalry": f"the rivalry with {name}"}
        subject["sanction"] = f"the sanctions of {name}"
        verb = "raised" if self.after > self.before else "lowered"
        return (
            f"{subject[self.kind]} {verb} from {level_words(self.level_before, self.before)} to"
            f" {level_words(self.level_after, self.after)}"
        )

    def record(self) -> dict[str, Any]:
        """Return the change as a record."""
        return {**vars(self), "reaches": self.reaches}


def level_words(level: str, value: float) -> str:
    """Name a value of a tie by its level, or as none."""
    return f"{level or 'none'} ({value:.3g})" if level or value == 0 else f"{value:.3g}"


class TieChanges:
    """Changes of one tie of a state at the coded start, to a level of its scale or to none."""

    def __init__(self, scenario: Scenario, world: World, i: int, account: Account) -> None:
        self.scenario, self.world, self.i = scenario, world, i
        self.now = terms_of_state(world, i).sum(axis=1)
        self.weight = np.abs(account.contributions).sum(axis=(0, 1))
        self.held = int(world.setting.initial[i])

    def worth(self, alternative: str, distance: float) -> tuple[Gain, ...]:
        """List the smallest changes, one for each tie, that gain an alternative the distance over the one held.

        Where none does, the list has the one that gains most of it.
        """
        k = self.world.alignments.index(alternative)
        best: dict[tuple[str, str], Gain] = {}
        most: Gain | None = None
        for kind, other, before, after, utilities in self.tried if k != self.held else ():
            rise = utilities - self.now
            levels = self.level(kind, before), self.level(kind, after)
            one = Gain(kind, other, before, after, *levels, float(rise[k] - rise[self.held]), distance)
            if one.reaches:
                best[kind, other] = min(best.get((kind, other), one), one, key=lambda gain: gain.size)
            elif one.gain > max(SMALLEST_GAIN, most.gain if most else 0.0):
                most = one
        found = sorted(best.values(), key=lambda one: (one.size, one.kind, one.other))[:LISTED_GAINS]
        return tuple(found) if found or most is None else (most,)

    @cached_property
    def tried(self) -> list[tuple[str, str, float, float, Floats]]:
        """Every change that is tried: kind, other state, value before and after, utilities after, (K + 1,)."""
        return [
            (kind, self.world.states[j], now, value, utilities)
            for j in self.partners()
            for kind in KINDS
            for now, value, utilities in self.values_of(kind, j)
        ]

    def partners(self) -> list[int]:
        """List the leaders, and the states that are largest or contribute most to the utilities of the state."""
        leaders = [int(leader) for leader in self.world.setting.leader if leader >= 0]
        sizes = (self.weight, self.world.setting.capability)
        ranked = zip(*(np.argsort(-size, kind="stable") for size in sizes), strict=True)
        ordered = [*leaders, *(int(j) for pair in ranked for j in pair)]
        return [j for j in dict.fromkeys(ordered) if j != self.i][:PARTNERS_OF_GAINS]

    def values_of(self, kind: str, j: int) -> Iterator[tuple[float, float, Floats]]:
        """Yield the value of a tie, each other that is tried, and the utilities with it.

        These are every level of the scale, and none if the tie exists. A bond without a scale may also be the
        strongest. Utilities are linear in a bond, so one change of it gives all.
        """
        now = float(getattr(self.world.start, kind)[j, self.i])
        levels = {level.value for level in self.scenario.scales.get(kind, {}).values()}
        strongest = {1.0} if kind == "bond" and not levels else set()
        others = sorted((levels | strongest | ({0.0} if now > 0 else set())) - {now})
        if kind == "bond" and others:
            slope = (self.utilities_with(kind, j, others[-1]) - self.now) / (others[-1] - now)
            yield from ((now, value, self.now + slope * (value - now)) for value in others)
        else:
            yield from ((now, value, self.utilities_with(kind, j, value)) for value in others)

    def utilities_with(self, kind: str, j: int, value: float) -> Floats:
        """Compute the utilities of the state with one tie changed, (K + 1,)."""
        situation = self.world.copy_situation()
        ties = getattr(situation, kind)
        ties[j, self.i] = value
        if kind != "sanction":
            ties[self.i, j] = value
        found: Floats = terms_of_state(replace(self.world, start=situation), self.i).sum(axis=1)
        return found

    def level(self, kind: str, value: float) -> str:
        """Name the level of a value; empty where none has it."""
        levels = self.scenario.scales.get(kind, {})
        return next((name for name, number in levels.items() if number.value == value), "")


def terms_of_state(world: World, i: int) -> Floats:
    """Compute the utility of each alignment to state i at the coded start before shocks, (K + 1, len(TERMS))."""
    held = world.setting.initial
    env = start_environment(world, held, 0)
    return weigh_state(i, held, world, world.start, world.start_weights, env)
