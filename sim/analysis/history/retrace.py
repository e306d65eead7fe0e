"""Retrace a finished run: what its states weighed at their turns, by the rules of the model and without agents."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from sim.model import dispositions, rules
from sim.model.arrays import BY_FOLLOWING, SIMULTANEOUS, TERMS, Environment, Floats, Integers, Situation, Weights
from sim.model.starts import (
    draw_initial_alignment,
    draw_order,
    draw_random_numbers,
    known_starts,
    start_anchor,
    start_environment,
)
from sim.model.steps.path import Path
from sim.model.steps.terms import weigh_state
from sim.model.trajectory import Run
from sim.model.world import World

DISPOSITION = "disposition"  # -τ ln E, which a kept disposition adds to a utility

WEIGHED = (*TERMS, DISPOSITION)


class Retrace:
    """A finished run at one of its steps, and what its states weigh there.

    Parameters
    ----------
    world
        The arrays of the scenario.
    run
        A run of it.
    states
        Indexes of the states whose dispositions are needed.
    """

    def __init__(self, world: World, run: Run, states: Collection[int]) -> None:
        self.world, self.run, self.states = world, run, sorted(states)
        self.simultaneous = world.activation == SIMULTANEOUS
        numbers = draw_random_numbers(world, run.seed, (run.replicate,))
        self.orders: dict[int, Integers] = {}
        self.uniforms, self.key = numbers.uniforms[0], numbers.key[0]
        self.path = Path(world)
        self.situation, self.env = self.path.situation, self.path.env
        n, alternatives = run.alignment.shape[1], len(world.alignments)
        self.inclinations = np.zeros((n, alternatives))
        self.renewed = np.zeros(n, dtype=np.bool_)
        if world.setting.kept:
            anchor, draws = start_anchor(world, run.seed, run.replicate), np.empty(alternatives)
            with np.errstate(over="ignore"):  # of words of random numbers, in interpreted rules
                dispositions.anchor_dispositions(
                    self.key, run.alignment[0], anchor, world.setting, draws, self.inclinations
                )
        self.step = 0

    def visit(self, steps: Collection[int], look: Callable[[int], None]) -> None:
        """Go through the run to the last of these steps, and call look at each, before ties respond to its moves."""
        last, alignment = max(steps, default=-1), self.run.alignment
        for step in range(last + 1):
            self.step = step
            self.path.enter(step, alignment[max(step - 1, 0)])
            self.renew()
            if step in steps:
                look(step)
            if 0 < step < last:
                self.path.respond(alignment[step])

    def renew(self) -> None:
        """Draw the dispositions again that the run renewed at the step."""
        utilities, chances = np.empty(len(self.world.alignments)), np.empty(len(self.world.alignments))
        for i in self.states:
            if self.run.renewed[self.step, i]:
                weights = self.path.weigh()
                with np.errstate(over="ignore"):
                    dispositions.decide_from_ties(
                        i, self.seen(i), self.step, self.uniforms[self.step, i], self.key, self.world.setting,
                        self.situation, weights, self.env, utilities, chances, self.inclinations[i], self.renewed,
                    )  # fmt: skip

    def seen(self, i: int) -> Integers:
        """Alignments that state i sees at its turn in the step, (N,); its own is the one it holds."""
        return self.recall(i, self.step, simultaneous=self.simultaneous)

    def seen_before(self, i: int) -> Integers:
        """Alignments that state i saw at its last decision, or at the start, (N,); its own is the one it holds now."""
        found = self.recall(i, max(self.step - 1, 1), simultaneous=self.simultaneous or self.step == 1)
        found[i] = self.run.alignment[self.step - 1, i]
        return found

    def recall(self, i: int, step: int, *, simultaneous: bool) -> Integers:
        """Alignments at the turn of state i in a step, (N,)."""
        found, path = np.empty(self.run.alignment.shape[1], dtype=np.int64), self.run.alignment
        if step not in self.orders:
            self.orders[step] = draw_order(self.world, self.run.seed, self.run.replicate, step)
        dispositions.recall_seen(i, simultaneous, self.orders[step], path[step - 1], path[step], found)
        return found

    def weigh(self, i: int, seen: Integers) -> Floats:
        """Terms of the utility of each alignment to state i and what its disposition adds, (K + 1, WEIGHED)."""
        return self.weigh_with(i, i, seen, self.world, self.situation, self.path.weigh(), self.env)

    def weigh_with(
        self, i: int, place: int, seen: Integers, world: World, situation: Situation, weights: Weights,
        env: Environment,
    ) -> Floats:  # fmt: skip
        """Weigh as `weigh` does for state i, which has this place in the world given."""
        found = np.zeros((len(world.alignments), len(WEIGHED)))
        found[:, :-1] = weigh_state(place, seen, world, situation, weights, env)
        if self.world.setting.kept:
            known = [self.world.alignments.index(k) if k in self.world.alignments else -1 for k in world.alignments]
            added = situation.parameters[rules.TEMPERATURE] * self.inclinations[i]
            found[:, -1] = [added[k] if k >= 0 else np.nan for k in known]
        return found

    def weigh_start(self, i: int) -> dict[str, Floats]:
        """Weigh as `weigh` does at the start, by alignment, in the world in which state i is anchored.

        That is the factual world, if the state starts there as it does here.
        """
        world = self.world
        if world.factual is not None and world.states[i] in world.factual.states:
            factual = world.factual
            place = factual.states.index(world.states[i])
            start = known_starts(factual, self.run.seed, self.run.replicate)[place]
            if start >= 0 and factual.alignments[start] == self.run.alignments[self.run.alignment[0, i]]:
                return self.weigh_at_start(i, place, factual)
        return self.weigh_at_start(i, i, world)

    def weigh_at_start(self, i: int, place: int, world: World) -> dict[str, Floats]:
        """Weigh at the start of a world, before any shock."""
        seen = draw_initial_alignment(world, self.run.seed, self.run.replicate)
        env = start_environment(world, seen, 0)
        weighed = self.weigh_with(i, place, seen, world, world.start, world.start_weights, env)
        return dict(zip(world.alignments, weighed, strict=True))

    def stays(self, i: int, seen: Integers) -> bool:
        """Whether state i keeps its alignment at present ties if the others are as seen, (N,)."""
        held, kept = int(self.run.alignment[self.step - 1, i]), np.zeros(seen.size, dtype=np.bool_)
        cause = dispositions.cause_from_ties(
            i, held, self.uniforms[self.step, i], seen, self.world.setting, self.situation, self.path.weigh(), self.env,
            self.inclinations[i], kept,
        )  # fmt: skip
        return bool(cause == BY_FOLLOWING)
