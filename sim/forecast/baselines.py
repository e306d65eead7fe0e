"""Forecast how states align: the model's chances, and simple baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from sim.article.evidence import run_late_means
from sim.batch.executor import Progress, evaluate
from sim.errors import Fault, InputError
from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model.arrays import Flags, Floats
from sim.model.trajectory import window_of
from sim.model.world import World, world_of
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.theory import landscape
from sim.theory.predictions import affinity

COLUMN = {"yes": YES, "no": NO, "abstained": ABSTAINED, "absent": ABSTAINED}  # of a forecast, by recorded answer

TREATY = 0.9  # the bond of a mutual defence obligation in force (docs/coding.md)

STARTS = 200  # random starts of the search for the lowest minimum

PART = 100  # runs in one task


@dataclass(frozen=True)
class Baseline:
    """A simple forecast: its attributes of each state, and the score that ranks the states.

    Without a score, chances that are fitted to the other states rank them.
    """

    name: str
    attributes: Floats  # (N, F), NaN where unknown
    score: Floats | None  # (N,), higher is nearer to the leader


def leader_of(scenario: Scenario) -> tuple[str, str]:
    """Find the first bloc with a leader, and the leader; raises InputError where there is none."""
    for bloc, record in scenario.blocs.items():
        if record.leader:
            return bloc, record.leader
    message = "no bloc has a leader, so that a vote has no alignment; give a bloc a leader"
    raise InputError([Fault("score", 1, "", message)])


def deciding_states(world: World) -> Flags:
    """Mark the states that decide, (N,): leaders and fixed states have no forecast."""
    return ~world.setting.fixed


def alignment_answers(scenario: Scenario) -> list[int]:
    """Map each alignment to an answer: yes for the leader's bloc, no for any other, abstaining for non-alignment."""
    bloc, _ = leader_of(scenario)
    return [YES if name == bloc else ABSTAINED if name == NON_ALIGNED_ID else NO for name in scenario.alignments()]


def sum_by_answer(scenario: Scenario, shares: Floats) -> Floats:
    """Sum the chances of alignments, (N, K + 1), to chances of answers, (N, 3)."""
    chances = np.zeros((len(shares), 3))
    for column, share in zip(alignment_answers(scenario), shares.T, strict=True):
        chances[:, column] += share
    return chances


def model_chances(
    scenarios: Mapping[str, Scenario], *, seed: int, replicates: int, workers: int | None, progress: Progress | None
) -> dict[str, Floats]:
    """Run each scenario on common random numbers; return the chances of each answer, (N, 3): mean late shares."""
    parts = [range(first, min(first + PART, replicates)) for first in range(0, replicates, PART)]
    worlds = {name: world_of(scenario) for name, scenario in scenarios.items()}
    tasks = list(product(scenarios, parts))

    def sum_shares(task: tuple[str, range]) -> Floats:
        name, replicates = task
        window = window_of(scenarios[name])
        return run_late_means(worlds[name], window=window, seed=seed, replicates=replicates).shares.sum(axis=0)

    found = evaluate(sum_shares, tasks, runs=[len(part) for _, part in tasks], workers=workers, progress=progress)
    by_part = dict(zip(tasks, found, strict=True))
    sums = {name: sum((by_part[name, part] for part in parts), np.zeros(())) for name in scenarios}
    return {name: sum_by_answer(scenarios[name], sums[name] / replicates) for name in scenarios}


def plain_baselines(scenario: Scenario) -> list[Baseline]:
    """Return the simple forecasts from a scenario's ties; none knows the model or a vote."""
    world = world_of(scenario)
    _, leader = leader_of(scenario)
    lead, start, capability = world.states.index(leader), world.start, world.setting.capability
    hostility = world.start_hostility
    treaty = (start.bond[lead] >= TREATY).astype(np.float64)
    side = lowest_side(scenario, lead)
    layers = (start.bond, start.institution, hostility, world.setting.dependence)
    others = np.where(np.arange(len(capability)) == lead, 0.0, capability)
    with_leader = [layer[:, lead] for layer in layers]
    with_others = [layer @ others for layer in layers[:3]] + [layers[3].sum(axis=1) - layers[3][:, lead]]
    return [
        Baseline("base rate only", np.zeros((len(treaty), 0)), np.zeros(len(treaty))),
        Baseline(f"defence treaty, {leader}", treaty[:, None], treaty),
        Baseline(f"sanctions, rivalry, {leader}", hostility[:, lead, None], -hostility[:, lead]),
        Baseline("landscape minimum", side[:, None], side),
        Baseline("regression on the ties", np.column_stack([*with_leader, *with_others]), None),
    ]


def lowest_side(scenario: Scenario, lead: int) -> Floats:
    """Return 1 for the states on the leader's side of the lowest two-bloc minimum found, else 0, (N,)."""
    sizes, network = affinity(scenario)
    minima = landscape.sample_minima(sizes, network, rng=np.random.default_rng(0), starts=STARTS)
    lowest = minima.alignments[int(np.argmin(minima.energies))]
    return (lowest == lowest[lead]).astype(np.float64)


def ideal_point_baseline(points: Mapping[str, float], year: int, states: tuple[str, ...]) -> Baseline:
    """Use the ideal points of a year as a forecast of later votes."""
    known = np.array([points.get(state, np.nan) for state in states])
    return Baseline(f"ideal point of {year}", known[:, None], known)
