"""The agents: states on Mesa that sense, decide and act, and the model that schedules them (MODEL §3)."""

from __future__ import annotations

import mesa
import numpy as np

from sim.model import arrays, outcomes, rules, streams
from sim.model.arrays import TERMS, Floats, Integers
from sim.model.trajectory import Run
from sim.model.world import World, initial_alignment, step_random_numbers, world_of
from sim.scenario.schema import Scenario


class StateAgent(mesa.Agent):  # type: ignore[misc]
    """A state: it sees who stands where, weighs its alignments and takes one."""

    model: BlocModel

    def __init__(self, model: BlocModel, index: int, name: str) -> None:
        super().__init__(model)
        self.index = index
        self.id = model.world.states[index]
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}: {self.alignment}>"

    # What it is

    @property
    def capability(self) -> float:
        """Its share of the world's capabilities."""
        return float(self.model.world.setting.capability[self.index])

    @property
    def product(self) -> float:
        """Its share of the world's product."""
        return float(self.model.world.setting.product[self.index])

    @property
    def theatre(self) -> str:
        """The theatre it lies in."""
        return self.model.world.theatres[self.model.world.setting.theatre[self.index]]

    # What it senses

    @property
    def rivals(self) -> dict[str, float]:
        """Its rivals, and how much each is one."""
        return self.model.ties_of(self.model.situation.rivalry[self.index])

    @property
    def bonds(self) -> dict[str, float]:
        """The states it has a bond with, and how strong it is now."""
        return self.model.ties_of(self.model.situation.bond[self.index])

    @property
    def partners(self) -> dict[str, float]:
        """The states it shares an institution with, and the cohesion of the closest."""
        return self.model.ties_of(self.model.situation.institution[self.index])

    @property
    def sanctioned_by(self) -> dict[str, float]:
        """The states that sanction it, and how widely."""
        return self.model.ties_of(self.model.situation.sanction[:, self.index])

    @property
    def sanctions(self) -> dict[str, float]:
        """The states it sanctions, and how widely."""
        return self.model.ties_of(self.model.situation.sanction[self.index])

    @property
    def depends_on(self) -> dict[str, float]:
        """The states it trades with, and its trade with each over its product."""
        return self.model.ties_of(self.model.world.setting.dependence[self.index])

    @property
    def bite(self) -> float:
        """The share of the world's product that sanctions close to it, as enforced in this step."""
        return float(self.model.environment.bite[self.index])

    @property
    def regime_stability(self) -> float:
        """1 less what sanctions close and pressure adds, plus what its bloc offers."""
        return float(self.model.stability[self.index])

    # What it decides

    @property
    def alignment(self) -> str:
        """The bloc it stands with, or `non_aligned`."""
        return self.model.world.alignments[self.model.alignment[self.index]]

    @property
    def chances(self) -> dict[str, float]:
        """P of each alignment in its last decision."""
        return dict(zip(self.model.world.alignments, self.model.chances[self.index].tolist(), strict=True))

    @property
    def utility(self) -> dict[str, float]:
        """Utility of each alignment in its last decision: the sum of its terms."""
        return dict(zip(self.model.world.alignments, self.model.utilities[self.index].tolist(), strict=True))

    @property
    def why(self) -> dict[str, dict[str, float]]:
        """Utility of each alignment in its last decision, term by term."""
        return {
            alignment: dict(zip(TERMS, self.model.terms[self.index, k].tolist(), strict=True))
            for k, alignment in enumerate(self.model.world.alignments)
        }

    def decide(self) -> int:
        """Weigh every alignment as the others stand now; the index of the one chosen (MODEL §5)."""
        model, i = self.model, self.index
        return rules.decide_from_ties(
            i, model.seen, model.uniforms[i], model.world.setting, model.situation, model.weights,
            model.environment, model.terms[i], model.utilities[i], model.chances[i],
        )  # fmt: skip

    def stability(self) -> float:
        """Its regime's stability with the alignments as they stand (MODEL §7)."""
        model = self.model
        return outcomes.stability_from_ties(
            self.index, model.alignment, model.world.setting, model.situation, model.weights, model.environment
        )

    def step(self) -> None:
        """Decide, and act on it."""
        self.model.alignment[self.index] = self.decide()


class BlocModel(mesa.Model):  # type: ignore[misc]
    """States that choose between blocs, on the ties of a scenario, by the luck of a seed and a replicate."""

    def __init__(self, told: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> None:
        super().__init__(rng=0)  # all luck comes from MODEL §3, none from Mesa's generator
        self.world = world or world_of(told)
        self.luck = (seed, replicate)
        n, alignments = len(self.world.states), len(self.world.alignments)
        self.situation = self.world.situation()
        self.weights = self.world.weights()
        self.environment = self.world.environment()
        self.uniforms = np.zeros(n)
        self.terms = np.zeros((n, alignments, len(TERMS)))
        self.utilities = np.zeros((n, alignments))
        self.chances = np.full((n, alignments), np.nan)
        self.stability = np.zeros(n)
        self.names = outcomes.outcome_names(self.world.alignments[1:], self.world.theatres)
        self.outcomes = np.zeros(len(self.names))
        self.alignment: Integers = initial_alignment(self.world, seed, replicate)
        self.seen: Integers = self.alignment
        self.states = [StateAgent(self, i, record.name) for i, record in enumerate(told.states.values())]
        self.assess(0)
        self.observe(self.alignment)

    def state(self, id: str) -> StateAgent:
        """The agent of a state."""
        return self.states[self.world.states.index(id)]

    def ties_of(self, row: Floats) -> dict[str, float]:
        """The ties in a row, by the state at their other end."""
        return {self.world.states[j]: float(row[j]) for j in np.flatnonzero(row)}

    def step(self) -> None:
        """One round: shocks, environment, decisions, response, observation (MODEL §3)."""
        step = int(self.steps)
        rules.apply_shocks(step, self.world.shocks, self.situation)
        self.assess(step)
        before = self.alignment.copy()
        keys, self.uniforms = step_random_numbers(self.world, *self.luck, step)
        self.seen = before if self.world.activation == arrays.SIMULTANEOUS else self.alignment
        for i in streams.decision_order(self.world.activation, keys, self.world.setting.by_id):
            self.states[i].step()
        rules.respond_from_ties(self.alignment, self.world.setting, self.situation, self.environment)
        self.observe(before)

    def assess(self, step: int) -> None:
        """Weigh the ties and compute the environment as they stand (MODEL §4)."""
        rules.weigh(self.world.setting, self.situation, self.weights)
        product = np.zeros(len(self.world.alignments))
        rules.masses(self.alignment, self.world.setting.product, product)
        rules.assess_environment(step, product, self.world.setting, self.situation, self.weights, self.environment)

    def observe(self, before: Integers) -> None:
        """Measure the outcomes of the step (MODEL §7)."""
        setting, env = self.world.setting, self.environment
        outcomes.observe_blocs(before, self.alignment, setting, self.situation, env, self.outcomes)
        for state in self.states:
            self.stability[state.index] = state.stability()

    def observed(self) -> tuple[Integers, Floats, Floats, Floats, Floats]:
        """Alignments, chances, regime stability, bite and outcomes of the step, as copies to keep."""
        bite = self.environment.bite.copy()
        return self.alignment.copy(), self.chances.copy(), self.stability.copy(), bite, self.outcomes.copy()


def run_agents(scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> Run:
    """Run a scenario once with agents; the same scenario, seed and replicate give the same run."""
    model = BlocModel(scenario, seed=seed, replicate=replicate, world=world)
    rows = [model.observed()]
    for _ in range(scenario.steps):
        model.step()
        rows.append(model.observed())
    model.remove_all_agents()
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    return Run(seed, replicate, model.world.states, model.world.alignments, model.names, *columns)
