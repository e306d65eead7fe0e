"""What each state would do if no other moved, in closed form: direct effects and structural chances (model: Outcomes).

All states keep their alignments of the start, while shocks and responses change ties. The weights of a date are taken
to be there from the first step on; where they change during the run, the chance of a state that is renewed before a
change and keeps its disposition after it is approximate with inertia, and so are entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.dated.events import Design
from sim.model import response, rules
from sim.model.arrays import NOT_RENEWED, PARAMETERS, TERMS, Environment, Floats, Integers, Situation, Weights
from sim.model.starts import coded_start_chances, start_anchor
from sim.model.world import World
from sim.theory.persistence import direct_chances, direct_entries, log_weights, redrawn_chances

INERTIA, RENEWAL, TEMPERATURE = (PARAMETERS.index(name) for name in ("inertia", "renewal", "temperature"))


@dataclass(frozen=True)
class Upheavals:
    """The last upheaval of each state: the law of its choice then, and the weights by which it chose."""

    law: Floats  # (N, K + 1)
    weights: Floats  # (N, K + 1), log-weights
    step: Integers  # (N,), 0 where there was none


@dataclass(frozen=True)
class HeldStart:
    """A world at one step in which no state has moved.

    Parameters
    ----------
    step
        Number of the step, 1 or more.
    held
        Alignment of the start, (N,).
    before
        Log-weights by which the dispositions are anchored, (N, K + 1).
    after
        Log-weights at the step, with inertia on the alignment held, (N, K + 1).
    inertia
        Inertia over temperature; 0 at temperature 0.
    renewal
        Mean chance per step that a disposition is renewed since the start or the last upheaval, (N,).
    upheavals
        The last upheavals.
    """

    step: int
    held: Integers
    before: Floats
    after: Floats
    inertia: float
    renewal: Floats
    upheavals: Upheavals

    def chances(self) -> Floats:
        """Compute the chance of each alignment at the step if no other state moves, (N, K + 1)."""
        found = direct_chances(
            self.before, self.after, self.held, inertia=self.inertia, renewal=self.renewal, steps=self.step
        )
        for i in np.flatnonzero(self.upheavals.step):
            found[i] = self.chances_after_upheaval(int(i))
        return found

    def entries(self) -> Floats:
        """Compute the chance of having been in each alignment by the step, (N, K + 1); NaN after an upheaval."""
        found = direct_entries(
            self.before, self.after, self.held, inertia=self.inertia, renewal=self.renewal, steps=self.step
        )
        found[self.upheavals.step > 0] = np.nan
        return found

    def redrawn(self) -> Floats:
        """Compute the chance of each alignment at the step if every disposition were renewed, (N, K + 1)."""
        return redrawn_chances(self.after)

    def chances_after_upheaval(self, i: int) -> Floats:
        """Compute the chances of a state from its last upheaval on, (K + 1,)."""
        law, steps = self.upheavals.law[i], self.step - int(self.upheavals.step[i])
        if steps == 0:
            return law
        alternatives = np.arange(law.size)
        moved = self.inertia * ((alternatives[:, None] == alternatives) * 1.0 - (alternatives == self.held[i]))
        chosen = np.broadcast_to(self.upheavals.weights[i], moved.shape)
        found = direct_chances(
            chosen, self.after[i] + moved, alternatives, inertia=self.inertia, renewal=self.renewal[i], steps=steps
        )
        return np.asarray(law @ found)


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
        The world at each of the steps, in their order.
    """
    setting, situation, held = world.setting, world.copy_situation(), world.setting.initial
    weights, env, product = world.allocate_weights(), world.allocate_environment(), np.zeros(len(world.alignments))
    rules.sum_shares(held, setting.product, product)
    before, kept = anchor_weights(world), np.ones(held.size)
    last = Upheavals(np.zeros(before.shape), np.zeros(before.shape), np.zeros(held.size, dtype=np.int64))
    found: dict[int, HeldStart] = {}
    for step in range(max(steps, default=0) + 1):
        rules.apply_shocks(step, world.shocks, situation)
        rules.weigh_ties(setting, situation, weights)
        rules.assess_environment(step, product, setting, situation, weights, env)
        if step == 0:
            continue
        temperature = float(situation.parameters[TEMPERATURE])
        rates = setting.renewal * situation.parameters[RENEWAL] * setting.years
        kept = kept * (np.where(setting.fixed, 1.0, np.exp(-rates)) if setting.kept else setting.fixed * 1.0)
        due = setting.kept & ~setting.fixed & (situation.upheaval != NOT_RENEWED)
        if step in steps or due.any():
            after = log_weights(held_utilities(world, situation, weights, env), temperature, held, fixed=setting.fixed)
            if due.any():
                last, kept = after_upheavals(last, step, due, situation.upheaval, after), np.where(due, 1.0, kept)
                situation.upheaval[:] = NOT_RENEWED
            inertia = float(situation.parameters[INERTIA]) / temperature if temperature else 0.0
            renewal = 1 - kept ** (1 / np.maximum(step - last.step, 1))
            found[step] = HeldStart(step, held, before, after, inertia, renewal, last)
        response.respond_from_ties(held, setting, situation, env)
    return [found[step] for step in steps]


def after_upheavals(last: Upheavals, step: int, due: Integers, toward: Integers, after: Floats) -> Upheavals:
    """Return the last upheavals with those of a step, which draw by the logit, or toward an alignment."""
    drawn = np.where(toward[:, None] >= 0, toward[:, None] == np.arange(after.shape[1]), redrawn_chances(after))
    return Upheavals(
        np.where(due[:, None], drawn, last.law), np.where(due[:, None], after, last.weights),
        np.where(due, step, last.step),
    )  # fmt: skip


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
    return np.asarray(design.world.setting.capability @ there.redrawn())


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
