"""Explain decisions of a state in a finished run, as an agent would take them."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from sim.analysis.contributions import state_contributions
from sim.analysis.history.retrace import Retrace
from sim.analysis.states.accounts import Account, Decision, rank_alignments
from sim.errors import Fault, InputError
from sim.model import compiled, rules
from sim.model.steps.terms import weigh_state
from sim.model.trajectory import Run
from sim.model.world import World, world_of
from sim.scenario.checks.references import unknown_state
from sim.scenario.schema import Scenario


def explain_decision(scenario: Scenario, state: str, *, seed: int, replicate: int = 0, step: int) -> Decision:
    """Explain the decision of a state at its turn in a step of a run.

    Parameters
    ----------
    scenario
        The scenario to run.
    state
        Id of the state, such as ``"IRN"``.
    seed
        Random seed of the run.
    replicate
        Number of the run, from 0.
    step
        Step of the decision, from 1 to `scenario.steps`.

    Returns
    -------
    Decision
        The choice, its random number, and the utilities by term and by state (model: Decision).

    Raises
    ------
    InputError
        If the scenario does not have the state or the step.
    """
    check_state(scenario, state)
    if not 1 <= step <= scenario.steps:
        message = f"{step} is not one of the scenario's steps; give one from 1 to {scenario.steps}"
        raise InputError([Fault("--step", 1, "", message)])
    world = replace(world_of(scenario), steps=step)  # what comes later does not matter
    run = compiled.run_compiled(scenario, seed=seed, replicate=replicate, world=world)
    return decisions_in_run(run, world, world.states.index(state), since=step)[0]


def check_state(scenario: Scenario, state: str) -> None:
    """Raise InputError, with a suggestion, where the scenario has no state of this id."""
    if state in scenario.states:
        return
    message = f"{unknown_state(scenario.states, state)}; `blocs show` lists them"
    raise InputError([Fault("STATE", 1, "", message)])


def decisions_in_run(run: Run, world: World, index: int, *, since: int = 1) -> list[Decision]:
    """Explain the decisions of one state in a run from a step on, one decision per step.

    Parameters
    ----------
    run
        The run, with the chances of its decisions.
    world
        The arrays of its scenario.
    index
        Place of the state in the world's order.
    since
        First step, from 1.

    Returns
    -------
    list of Decision
        The decisions, in the order of the steps.
    """
    retrace, found = Retrace(world, run, [index]), []
    retrace.visit(range(since, len(run.alignment)), lambda step: found.append(decision_at(retrace, index)))
    return found


def decision_at(retrace: Retrace, i: int) -> Decision:
    """Describe the decision of state i at the present step."""
    world, run, step, setting = retrace.world, retrace.run, retrace.step, retrace.world.setting
    situation, weights, env, seen = retrace.situation, retrace.path.weigh(), retrace.env, retrace.seen(i)
    terms, chances = weigh_state(i, seen, world, situation, weights, env), run.chances[step, i].copy()
    utilities = np.array([reduce(add, row) for row in terms.tolist()])
    parts = state_contributions(i, seen, setting, situation, weights, env)
    best = rank_alignments(chances, utilities, setting.allowed)
    inclined = situation.parameters[rules.TEMPERATURE] * retrace.inclinations[i]
    disposition = dict(zip(world.alignments, inclined.tolist(), strict=True)) if setting.kept else None
    held, choice = (world.alignments[run.alignment[at, i]] for at in (step - 1, step))
    return Decision(
        world.states[i], run.seed, run.replicate, step, bool(setting.fixed[i]), held, choice,
        float(retrace.uniforms[step, i]), disposition, bool(run.renewed[step, i]),
        {world.states[j]: world.alignments[k] for j, k in enumerate(seen) if j != i},
        Account(world.alignments, world.states, terms, utilities, chances, parts, *best),
    )  # fmt: skip
