"""Ties and environment of a world whose alignments are known at each step, by the rules of a run."""

from __future__ import annotations

import numpy as np

from sim.model import response, rules
from sim.model.arrays import Integers, Weights, allocate_courses
from sim.model.numerics.jit import python_of
from sim.model.world import World

hostility_drifts = python_of(rules.hostility_drifts)


class Path:
    """A world at a step of given alignments, which computes again only what may have changed since the last step.

    Parameters
    ----------
    world
        The arrays of the scenario.
    """

    def __init__(self, world: World) -> None:
        self.world, self.situation, self.env = world, world.copy_situation(), world.allocate_environment()
        self.weights = Weights._make(array.copy() for array in world.start_weights)
        self.courses = allocate_courses(len(world.states))
        self.held = np.empty(0, dtype=np.int64)
        self.changed = self.shocked = self.responded = False

    def enter(self, step: int, held: Integers) -> None:
        """Enter the next step, with the alignments before its decisions: shocks come, and the environment changes."""
        world, crises = self.world, self.world.setting.crisis
        shocked = rules.apply_shocks(step, world.shocks, self.situation)
        self.shocked, self.responded = self.shocked or shocked, self.responded or step > 1
        self.changed = (
            step <= 1 or shocked or hostility_drifts(self.situation.parameters)
            or not (np.array_equal(crises[step], crises[step - 1]) and np.array_equal(held, self.held))
        )  # fmt: skip
        if self.changed:
            product = np.zeros(len(world.alignments))
            rules.sum_shares(held, world.setting.product, product)
            rules.assess_environment(step, product, world.setting, self.situation, self.weigh(), self.env)
        self.held = held

    def weigh(self) -> Weights:
        """Return the weights of the ties, after an update of those that shocks or responses have changed."""
        if self.shocked or self.responded:
            hostile = np.empty_like(self.situation.bond)
            rules.weigh_ties(self.shocked, self.world.setting, self.situation, hostile, self.weights)
            self.shocked = self.responded = False
        return self.weights

    def respond(self, alignment: Integers) -> None:
        """Let ties respond to the alignments after the decisions of the step."""
        changed = self.changed or not np.array_equal(alignment, self.held)
        response.respond_from_ties(
            alignment, self.world.setting, self.situation, self.env, changed, self.courses
        )  # fmt: skip
