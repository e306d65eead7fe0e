"""The chance of each alignment at the claims' last date if no other state moves, in closed form (model: Outcomes).

Nothing is simulated, so the sign of a small effect is certain. Followers and the drift of ties are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sim.article.evidence import name_positions
from sim.model import dispositions, rules
from sim.model.arrays import Anchor, Flags, Floats, Integers, allocate_scratch
from sim.model.rules import INERTIA, RENEWAL, TEMPERATURE
from sim.model.starts import start_anchor
from sim.model.world import World
from sim.theory.persistence import direct_chances


@dataclass(frozen=True)
class DirectChances:
    """Chances of the alignments of N states at a step in several scenarios, and the names of their axes.

    Parameters
    ----------
    states, alignments
        Index of each state and alignment.
    capability
        Shares of the world's capability, (N,).
    initial
        Alignment at the start, (N,).
    chances
        By scenario, (N, K + 1), 0 to 1; NaN where a start is random or dispositions have no effect.
    """

    states: dict[str, int]
    alignments: dict[str, int]
    capability: Floats
    initial: Integers
    chances: Mapping[str, Floats]

    def share(self, scenario: str, states: Iterable[str], alignment: str) -> float:
        """Average the states' chances of an alignment."""
        places = [self.states[state] for state in states]
        return float(self.chances[scenario][places, self.alignments[alignment]].mean())

    def members(self, scenario: str, alignment: str, *, entries: bool) -> float:
        """Expect the number of members of an alignment; with `entries`, of those that start elsewhere."""
        return float(self.chances[scenario][self.counted(alignment, entries), self.alignments[alignment]].sum())

    def size(self, scenario: str, alignment: str, *, entries: bool) -> float:
        """Expect the capability share of an alignment; with `entries`, of the members that start elsewhere."""
        counted = self.counted(alignment, entries)
        return float(self.capability[counted] @ self.chances[scenario][counted, self.alignments[alignment]])

    def counted(self, alignment: str, entries: bool) -> Flags:
        """Mark the states that count, (N,)."""
        elsewhere: Flags = self.initial != self.alignments[alignment]
        return elsewhere if entries else np.ones_like(elsewhere)


def find_direct_chances(worlds: Mapping[str, World], step: int) -> DirectChances:
    """Compute the chances of alignments at a step if no other state moves.

    The decisions are by the ties of the start, with the shocks until the step and the crises of the step, as if they
    had been there from step 1 on.

    Parameters
    ----------
    worlds
        Worlds of the same states with kept dispositions, by scenario; the first gives the names.
    step
        The step, 1 or more.
    """
    first = next(iter(worlds.values()))
    rows = [weigh_decisions(world, step) for world in worlds.values()]
    before, after, inertia, renewal = (np.stack(column) for column in zip(*rows, strict=True))
    held = np.stack([world.setting.initial for world in worlds.values()])
    known = np.isfinite(inertia).all(axis=1)
    laws = np.full(before.shape, np.nan)
    if known.any():
        laws[known] = direct_chances(
            before[known], after[known], held[known], inertia=inertia[known], renewal=renewal[known], steps=step
        )
    chances = dict(zip(worlds, laws, strict=True))
    states, alignments = name_positions(first.states), name_positions(first.alignments)
    return DirectChances(states, alignments, first.setting.capability, first.setting.initial, chances)


def weigh_decisions(world: World, step: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return log-weights at the start and since, (N, K + 1), inertia over temperature and chance of renewal, (N,).

    Inertia is NaN where a start is random, or where the temperature is 0.
    """
    setting, states = world.setting, len(world.states)
    alignment, held = setting.initial, np.arange(states)
    shape = (states, len(world.alignments))
    shocked = np.flatnonzero(np.diff(world.shocks.first[: step + 2])).tolist()
    since = replace(world, start=world.copy_situation()) if shocked else world
    for at in shocked:
        rules.apply_shocks(at, world.shocks, since.start)
    situation, weights, env = since.start, since.start_weights, world.allocate_environment()
    temperature = situation.parameters[TEMPERATURE]
    if temperature == 0 or (alignment < 0).any():
        return np.zeros(shape), np.zeros(shape), np.full(states, np.nan), np.zeros(states)
    found, scratch = Anchor(np.empty(shape), np.empty(states)), allocate_scratch(shape[1])
    dispositions.anchor_in_environment(step, alignment, setting, situation, weights, env, *found, scratch)
    own = np.where(np.arange(shape[1]) == alignment[:, None], 0.0, -np.inf)

    def log_weights_of(anchor: Anchor) -> Floats:
        with np.errstate(divide="ignore"):
            logs = np.log(anchor.chances)
        logs[held, alignment] = anchor.log_own  # exact where the chance underflows
        return np.where(setting.fixed[:, None], own, logs)

    renewal = np.where(setting.fixed, 0.0, -np.expm1(-setting.renewal * situation.parameters[RENEWAL] * setting.years))
    inertia = np.full(states, situation.parameters[INERTIA] / temperature)
    return log_weights_of(start_anchor(world, 0, 0)), log_weights_of(found), inertia, renewal
