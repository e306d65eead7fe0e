"""States as Mesa agents that sense, decide and act, and the model that schedules them (model: Scheduling)."""

from __future__ import annotations

from typing import Any

import mesa
import numpy as np
import numpy.typing as npt

from sim.model import arrays, dispositions, outcomes, response, rules
from sim.model.arrays import TERMS, Floats, Integers
from sim.model.numerics import streams
from sim.model.starts import draw_initial_alignment, draw_random_words, start_anchor
from sim.model.trajectory import Run
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario


class StateAgent(mesa.Agent):  # type: ignore[misc]
    """A state as a Mesa agent.

    It sees the alignments of the other states, weighs its own alternatives and chooses one (model: Decision).

    Parameters
    ----------
    model : BlocModel
        The model that schedules the agent.
    index : int
        Place of the state in the world's order, 0 to N - 1.
    name : str
        Name for people; it has no effect on a run.
    """

    model: BlocModel

    def __init__(self, model: BlocModel, index: int, name: str) -> None:
        super().__init__(model)
        self.index = index
        self.id = model.world.states[index]
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}: {self.alignment}>"

    # Attributes of the state

    @property
    def capability(self) -> float:
        """Share of the world's capabilities, 0 to 1."""
        return float(self.model.world.setting.capability[self.index])

    @property
    def product(self) -> float:
        """Share of the world's product, 0 to 1."""
        return float(self.model.world.setting.product[self.index])

    @property
    def theatre(self) -> str:
        """Theatre of the state."""
        return self.model.world.theatres[self.model.world.setting.theatre[self.index]]

    # What the state senses

    @property
    def rivals(self) -> dict[str, float]:
        """Rivals, with the strength of each rivalry."""
        return self.model.ties_of(self.model.situation.rivalry[self.index])

    @property
    def bonds(self) -> dict[str, float]:
        """States with a bond to this one, with its present strength."""
        return self.model.ties_of(self.model.situation.bond[self.index])

    @property
    def partners(self) -> dict[str, float]:
        """States that share an institution with this one, with the strongest cohesion."""
        return self.model.ties_of(self.model.situation.institution[self.index])

    @property
    def sanctioned_by(self) -> dict[str, float]:
        """Senders of sanctions on this state, with the extent of each sanction."""
        return self.model.ties_of(self.model.situation.sanction[:, self.index])

    @property
    def sanctions(self) -> dict[str, float]:
        """Targets of sanctions by this state, with the extent of each sanction."""
        return self.model.ties_of(self.model.situation.sanction[self.index])

    @property
    def depends_on(self) -> dict[str, float]:
        """Trade partners, with trade over the product of this state."""
        return self.model.ties_of(self.model.world.setting.dependence[self.index])

    @property
    def bite(self) -> float:
        """Share of the world's product that sanctions close to this state at this step, 0 to 1."""
        return float(self.model.environment.bite[self.index])

    @property
    def regime_stability(self) -> float:
        """Regime stability after the step, 0 to 1 (model: Outcomes)."""
        return float(self.model.stability[self.index])

    # What the state decides

    @property
    def alignment(self) -> str:
        """The bloc of the state, or `non_aligned`."""
        return self.model.world.alignments[self.model.alignment[self.index]]

    @property
    def chances(self) -> dict[str, float]:
        """Probability of each alignment at the last decision."""
        return dict(zip(self.model.world.alignments, self.model.chances[self.index].tolist(), strict=True))

    @property
    def utility(self) -> dict[str, float]:
        """Utility of each alignment at the last decision: the sum of its terms."""
        return dict(zip(self.model.world.alignments, self.model.utilities[self.index].tolist(), strict=True))

    @property
    def utility_terms(self) -> dict[str, dict[str, float]]:
        """Utility of each alignment at the last decision, term by term."""
        return {
            alignment: dict(zip(TERMS, self.model.terms[self.index, k].tolist(), strict=True))
            for k, alignment in enumerate(self.model.world.alignments)
        }

    @property
    def disposition(self) -> dict[str, float]:
        """What its kept disposition adds to the utility of each alignment, -τ ln E; 0 where dispositions are fresh."""
        inclination = self.model.inclinations[self.index] * self.model.situation.parameters[rules.TEMPERATURE]
        return dict(zip(self.model.world.alignments, inclination.tolist(), strict=True))

    @property
    def cause(self) -> str:
        """Cause of its move at this step: `renewal`, `circumstance` or `following`; empty if it did not move."""
        return arrays.CAUSES[self.model.causes[self.index]]

    def decide(self) -> int:
        """Weigh all alignments, given those of the others, and return the index of the choice (model: Decision)."""
        model, i = self.model, self.index
        rules.write_terms(
            i, model.seen, model.world.setting, model.situation, model.weights, model.environment, model.terms[i]
        )
        chosen = dispositions.decide_from_ties(
            i, model.seen, int(model.steps), model.uniforms[i], model.key, model.world.setting, model.situation,
            model.weights, model.environment, model.utilities[i], model.chances[i], model.inclinations[i],
            model.renewed,
        )  # fmt: skip
        if chosen != model.seen[i]:
            model.causes[i] = dispositions.cause_from_ties(
                i, model.seen[i], model.uniforms[i], model.last_seen[i], model.world.setting, model.situation,
                model.weights, model.environment, model.inclinations[i], model.renewed,
            )  # fmt: skip
        model.last_seen[i] = model.seen
        return chosen

    def compute_stability(self) -> float:
        """Compute regime stability at the present alignments, 0 to 1 (model: Outcomes)."""
        model = self.model
        return outcomes.stability_from_ties(
            self.index, model.alignment, model.world.setting, model.situation, model.weights, model.environment
        )

    def step(self) -> None:
        """Decide and take the chosen alignment."""
        self.model.alignment[self.index] = self.decide()


class BlocModel(mesa.Model):  # type: ignore[misc]
    """The model of model: Scheduling on Mesa: states that choose between blocs.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.
    seed : int
        Random seed, 0 to 2⁶⁴ - 1.
    replicate : int
        Number of the replicate, 0 to 2⁶⁴ - 1.
    world : World, optional
        The arrays of the scenario; built from it where absent.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> model = BlocModel(load_scenario("unix_1988"), seed=1)
    >>> model.step()
    >>> model.state("IBM").utility_terms  # doctest: +SKIP
    """

    def __init__(self, scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> None:
        super().__init__(rng=0)  # random numbers come from model: Scheduling, none from Mesa's generator
        self.world = world or world_of(scenario)
        self.key = np.array([seed, replicate], dtype=np.uint64)
        n, alignments = len(self.world.states), len(self.world.alignments)
        self.situation = self.world.copy_situation()
        self.weights = self.world.allocate_weights()
        self.environment = self.world.allocate_environment()
        self.uniforms = np.zeros(n)
        self.terms = np.zeros((n, alignments, len(TERMS)))
        self.utilities = np.zeros((n, alignments))
        self.chances = np.full((n, alignments), np.nan)
        self.stability = np.zeros(n)
        self.outcome_names = outcomes.outcome_names(self.world.alignments[1:], self.world.theatres)
        self.outcomes = np.zeros(len(self.outcome_names))
        self.alignment: Integers = draw_initial_alignment(self.world, seed, replicate)
        self.seen: Integers = self.alignment
        self.last_seen = np.tile(self.alignment, (n, 1))  # what each state saw at its last decision
        self.causes = np.zeros(n, dtype=np.int8)
        self.renewed = np.zeros(n, dtype=np.bool_)
        self.inclinations = np.zeros((n, alignments))
        if self.world.setting.kept:
            anchor, draws = start_anchor(self.world, seed, replicate), np.empty(alignments)
            with np.errstate(over="ignore"):
                dispositions.anchor_dispositions(
                    self.key, self.alignment, anchor, self.world.setting, draws, self.inclinations
                )
        self.states = [StateAgent(self, i, record.name) for i, record in enumerate(scenario.states.values())]
        self.assess(0)
        self.observe(self.alignment)

    def state(self, id: str) -> StateAgent:
        """Return the agent of the state with this id."""
        return self.states[self.world.states.index(id)]

    def ties_of(self, row: Floats) -> dict[str, float]:
        """Map the states at the other end of a row's ties to their values."""
        return {self.world.states[j]: float(row[j]) for j in np.flatnonzero(row)}

    def step(self) -> None:
        """Run one step: shocks, environment, decisions, response, observation (model: Scheduling)."""
        step = int(self.steps)
        rules.apply_shocks(step, self.world.shocks, self.situation)
        self.assess(step)
        before = self.alignment.copy()
        seed, replicate = self.key.tolist()
        keys, self.uniforms = draw_random_words(self.world, seed, replicate, step)
        self.causes[:], self.renewed[:] = arrays.NO_MOVE, False
        self.seen = before if self.world.activation == arrays.SIMULTANEOUS else self.alignment
        with np.errstate(over="ignore"):  # of words of random numbers, in interpreted rules
            for i in streams.decision_order(self.world.activation, keys, self.world.setting.id_order):
                self.states[i].step()
        courses = arrays.allocate_courses(self.alignment.size)
        response.respond_from_ties(self.alignment, self.world.setting, self.situation, self.environment, True, courses)
        self.observe(before)

    def assess(self, step: int) -> None:
        """Weigh the ties and compute the environment (model: Environment)."""
        rules.weigh_ties(True, self.world.setting, self.situation, np.empty_like(self.situation.bond), self.weights)
        product = np.zeros(len(self.world.alignments))
        rules.sum_shares(self.alignment, self.world.setting.product, product)
        rules.assess_environment(step, product, self.world.setting, self.situation, self.weights, self.environment)

    def observe(self, before: Integers) -> None:
        """Measure the outcomes of the step (model: Outcomes)."""
        setting, env = self.world.setting, self.environment
        outcomes.observe_blocs(before, self.alignment, setting, self.situation, env, self.outcomes)
        for state in self.states:
            self.stability[state.index] = state.compute_stability()

    def copy_observations(self) -> tuple[npt.NDArray[Any], ...]:
        """Copy alignments, causes, renewals, chances, regime stability, bite and outcomes of the step."""
        observed = (self.alignment, self.causes, self.renewed, self.chances, self.stability, self.environment.bite)
        return (*(array.copy() for array in observed), self.outcomes.copy())


def run_agents(scenario: Scenario, *, seed: int, replicate: int = 0, world: World | None = None) -> Run:
    """Run a scenario once with agents.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.
    seed : int
        Random seed, 0 to 2⁶⁴ - 1.
    replicate : int
        Number of the replicate, 0 to 2⁶⁴ - 1.
    world : World, optional
        The arrays of the scenario; built from it where absent.

    Returns
    -------
    Run
        The history of the run. The same scenario, seed and replicate give the same run.
    """
    model = BlocModel(scenario, seed=seed, replicate=replicate, world=world)
    rows = [model.copy_observations()]
    for _ in range(scenario.steps):
        model.step()
        rows.append(model.copy_observations())
    model.remove_all_agents()
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    return Run(seed, replicate, model.world.states, model.world.alignments, model.outcome_names, *columns)
