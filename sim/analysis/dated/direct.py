"""What each state would do if no other moved, in closed form: direct effects and structural chances (model: Outcomes).

All states keep their alignments of the start, while shocks and responses change ties (`sim.theory.paths`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from sim.analysis.dated.events import Design
from sim.model import response, rules
from sim.model.arrays import NOT_RENEWED, PARAMETERS, RENEWED, TERMS, Environment, Floats, Integers, Situation, Weights
from sim.model.starts import coded_start_chances, start_anchor
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
    """
    setting, situation, held = world.setting, world.copy_situation(), world.setting.initial
    weights, env, product = world.allocate_weights(), world.allocate_environment(), np.zeros(len(world.alignments))
    rules.sum_shares(held, setting.product, product)
    last, rows = max(steps, default=1), []
    for step in range(last + 1):
        rules.apply_shocks(step, world.shocks, situation)
        rules.weigh_ties(setting, situation, weights)
        rules.assess_environment(step, product, setting, situation, weights, env)
        if step == 0:
            continue
        temperature = float(situation.parameters[TEMPERATURE])
        inertia = float(situation.parameters[INERTIA]) / temperature if temperature else 0.0
        utilities = held_utilities(world, situation, weights, env)
        own = (held[:, None] == np.arange(utilities.shape[1])) & ~setting.fixed[:, None]
        rates = setting.renewal * situation.parameters[RENEWAL] * setting.years
        due = setting.kept & (situation.upheaval != NOT_RENEWED)
        chance = np.where(due, 1.0, -np.expm1(-rates)) if setting.kept else np.ones(held.size)
        rows.append((
            log_weights(utilities, temperature, held, fixed=setting.fixed) - inertia * own, inertia,
            np.where(setting.fixed, 0.0, chance), np.where(due, situation.upheaval, RENEWED),
        ))  # fmt: skip
        situation.upheaval[:] = NOT_RENEWED
        response.respond_from_ties(held, setting, situation, env)
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


def held_utilities(world: World, situation: Situation, weights: Weights, env: Environment) -> Floats:
    """Compute the utility of each alignment to each state at the start, (N, K + 1); −inf where it is not allowed."""
    setting, held = world.setting, world.setting.initial
    terms = np.zeros((held.size, len(world.alignments), len(TERMS)))
    for i in range(held.size):
        rules.write_terms(i, held, setting, situation, weights, env, terms[i])
    return np.where(setting.allowed, terms.sum(axis=2), -np.inf)


def renewed_shares(design: Design, day: str) -> Floats:
    """Compute the capability share of each alignment if every disposition were renewed at a date, (K + 1,).

    Empty where no closed form is known.
    """
    if not has_closed_form(design.world):
        return np.empty(0)
    (there,) = hold_start(design.world, [max(1, *design.steps_at([day]))])
    return np.asarray(design.world.setting.capability @ there.redrawn)


def structural_start(world: World) -> Floats:
    """Compute structural chances at the coded start, without inertia, (N, K + 1) (model: Outcomes).

    Those of a fixed state are 1 for what it has. NaN without a closed form, or at temperature 0.
    """
    held, fixed = world.setting.initial, world.setting.fixed
    if not has_closed_form(world) or not world.start.parameters[TEMPERATURE] > 0:
        return np.full((held.size, len(world.alignments)), np.nan)
    own = np.arange(len(world.alignments)) == held[:, None]
    return np.where(fixed[:, None], own * 1.0, coded_start_chances(world))


def tabulate_structural(designs: Sequence[Design]) -> pd.DataFrame:
    """Tabulate structural chances at the coded start: scenario, state, alignment, chance."""
    tables = []
    for design in designs:
        chances = structural_start(design.world)
        i, k = np.indices(chances.shape).reshape(2, -1)
        names = {
            "scenario": design.label,
            "state": np.array(design.world.states, dtype=object)[i],
            "alignment": np.array(design.world.alignments, dtype=object)[k],
        }
        tables.append(pd.DataFrame(names | {"chance": chances.ravel()}))
    return pd.concat(tables, ignore_index=True)
