"""A world in which no state moves, while shocks and responses change its ties: weights and chances in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sim.model.arrays import NOT_RENEWED, PARAMETERS, RENEWED, Floats, Integers
from sim.model.starts import start_anchor
from sim.model.steps.path import Path
from sim.model.steps.terms import weigh_states
from sim.model.world import World
from sim.theory.paths import path_chances
from sim.theory.persistence import log_weights, redrawn_chances

INERTIA, RENEWAL, TEMPERATURE = (PARAMETERS.index(name) for name in ("inertia", "renewal", "temperature"))


@dataclass(frozen=True)
class HeldStart:
    """A world in which no state has moved, up to a step.

    Parameters
    ----------
    held
        Alignment of the start, (N,).
    before
        Log-weights by which the dispositions are anchored, (N, K + 1).
    path
        Log-weights at each step, without inertia, (T, N, K + 1).
    inertia
        Inertia over temperature at each step, (T,); 0 at temperature 0.
    renewal
        Chance that a disposition is renewed at each step, (T, N).
    toward
        Alignment that a renewal favours, (T, N); a negative number for none.
    """

    held: Integers
    before: Floats
    path: Floats
    inertia: Floats
    renewal: Floats
    toward: Integers

    @cached_property
    def laws(self) -> tuple[Floats, Floats]:
        """The chance of each alignment at the last step if no other state moves, and of having had it, (N, K + 1)."""
        return path_chances(
            self.before, self.path, self.held, inertia=self.inertia, renewal=self.renewal, toward=self.toward
        )

    @property
    def chances(self) -> Floats:
        """The chance of each alignment at the last step if no other state moves, (N, K + 1)."""
        return self.laws[0]

    @property
    def entries(self) -> Floats:
        """The chance of having had each alignment by the last step, (N, K + 1)."""
        return self.laws[1]

    @property
    def redrawn(self) -> Floats:
        """The chance of each alignment at the last step if every disposition were renewed, (N, K + 1)."""
        own = self.held[:, None] == np.arange(self.path.shape[2])
        return redrawn_chances(self.path[-1] + self.inertia[-1] * own)

    def of(self, states: Sequence[int]) -> HeldStart:
        """Return the same world with some states only, by index."""
        some = list(states)
        return replace(
            self, held=self.held[some], before=self.before[some], path=self.path[:, some],
            renewal=self.renewal[:, some], toward=self.toward[:, some],
        )  # fmt: skip

    def until(self, step: int) -> HeldStart:
        """Return the same world up to an earlier step, 1 or more."""
        part = slice(0, step)
        return replace(
            self, path=self.path[part], inertia=self.inertia[part], renewal=self.renewal[part],
            toward=self.toward[part],
        )  # fmt: skip


def has_closed_form(world: World) -> bool:
    """Whether every state has a coded start, so that the chances of one state do not depend on those of others."""
    return bool((world.setting.initial >= 0).all())


def hold_start(world: World, steps: Sequence[int]) -> list[HeldStart]:
    """Follow a world in which no state moves.

    Parameters
    ----------
    world
        A world whose states all have a coded start.
    steps
        Steps that are returned, 1 or more each.

    Returns
    -------
    list of HeldStart
        The world up to each of the steps, in their order.

    Raises
    ------
    ValueError
        If a start is random or drawn.
    """
    if not has_closed_form(world):
        raise ValueError("a start is random or drawn; take those of a run with `with_starts_of`")
    setting, held, path = world.setting, world.setting.initial, Path(world)
    situation = path.situation
    last, rows = max(steps, default=1), []
    for step in range(last + 1):
        path.enter(step, held)
        if step == 0:
            continue
        temperature = float(situation.parameters[TEMPERATURE])
        inertia = float(situation.parameters[INERTIA]) / temperature if temperature else 0.0
        utilities = held_utilities(path, held)
        own = (held[:, None] == np.arange(utilities.shape[1])) & ~setting.fixed[:, None]
        rates = setting.renewal * situation.parameters[RENEWAL] * setting.years
        due = setting.kept & (situation.upheaval != NOT_RENEWED)
        chance = np.where(due, 1.0, -np.expm1(-rates)) if setting.kept else np.ones(held.size)
        rows.append((
            log_weights(utilities, temperature, held, fixed=setting.fixed) - inertia * own, inertia,
            np.where(setting.fixed, 0.0, chance), np.where(due, situation.upheaval, RENEWED),
        ))  # fmt: skip
        situation.upheaval[:] = NOT_RENEWED
        if step < last:
            path.respond(held)
    whole = HeldStart(held, anchor_weights(world), *map(np.array, zip(*rows, strict=True)))
    return [whole.until(step) for step in steps]


def anchor_weights(world: World) -> Floats:
    """Return the log-weights by which dispositions are anchored, (N, K + 1); as of plain draws where they are not."""
    held = world.setting.initial
    anchor = start_anchor(world, 0, 0)
    if not anchor.chances.size:
        return np.where(np.arange(len(world.alignments)) == held[:, None], 0.0, -np.inf)
    with np.errstate(divide="ignore"):
        chances = np.log(anchor.chances)
    return np.where(np.arange(chances.shape[1]) == held[:, None], anchor.log_own[:, None], chances)


def held_utilities(path: Path, held: Integers) -> Floats:
    """Compute the utility of each alignment to each state where no state moved, (N, K + 1); −inf if not allowed."""
    terms = weigh_states(range(held.size), held, path.world, path.situation, path.weigh(), path.env)
    return np.where(path.world.setting.allowed, terms.sum(axis=2), -np.inf)
