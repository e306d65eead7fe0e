"""Forecasts of how states stand: the model's chances of alignment, and the attributes that plainer ones rest on."""

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
from sim.model.world import World, world_of
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.theory import landscape
from sim.theory.predictions import affinity

COLUMN = {"yes": YES, "no": NO, "abstained": ABSTAINED, "absent": ABSTAINED}  # of a forecast, by what is on record

TREATY = 0.9  # the bond of a mutual defence obligation in force (docs/coding.md)

STARTS = 200  # descents in search of the landscape's lowest minimum

PART = 100  # runs of a thread's task


@dataclass(frozen=True)
class Baseline:
    """A plainer forecast: what it knows of each state, and the score by which it ranks states as it stands.

    Where it has no score of its own, chances fitted to the other states rank them.
    """

    name: str
    attributes: Floats  # (N, F), NaN where unknown
    score: Floats | None  # (N,), higher is nearer to the leader


def leader_of(scenario: Scenario) -> tuple[str, str]:
    """The first bloc with a leader, and the leader; raises InputError where there is none."""
    for bloc, record in scenario.blocs.items():
        if record.leader:
            return bloc, record.leader
    message = "no bloc has a leader, so nothing says which alignment a vote stands for"
    raise InputError([Fault("score", 1, "", message)])


def deciding_states(world: World) -> Flags:
    """Whether a state decides for itself, (N,): a leader or a fixed state is forecast by nobody."""
    return ~world.setting.fixed


def alignment_answers(scenario: Scenario) -> list[int]:
    """The answer that each alignment stands for: yes the leader's bloc, no any other, abstaining non-alignment."""
    bloc, _ = leader_of(scenario)
    return [YES if name == bloc else ABSTAINED if name == NON_ALIGNED_ID else NO for name in scenario.alignments()]


def sum_by_answer(scenario: Scenario, shares: Floats) -> Floats:
    """Chances of each answer, (N, 3), from those of alignments, (N, K + 1)."""
    chances = np.zeros((len(shares), 3))
    for column, share in zip(alignment_answers(scenario), shares.T, strict=True):
        chances[:, column] += share
    return chances


def model_chances(
    scenarios: Mapping[str, Scenario], *, seed: int, replicates: int, workers: int | None, progress: Progress | None
) -> dict[str, Floats]:
    """The model's chances of each answer, (N, 3), in each scenario: mean late shares over replicates, same luck."""
    parts = [range(first, min(first + PART, replicates)) for first in range(0, replicates, PART)]
    worlds = {name: world_of(scenario) for name, scenario in scenarios.items()}
    tasks = list(product(scenarios, parts))

    def summed(task: tuple[str, range]) -> Floats:
        return run_late_means(worlds[task[0]], seed=seed, replicates=task[1]).shares.sum(axis=0)

    found = evaluate(summed, tasks, runs=[len(part) for _, part in tasks], workers=workers, progress=progress)
    by_part = dict(zip(tasks, found, strict=True))
    sums = {name: sum((by_part[name, part] for part in parts), np.zeros(())) for name in scenarios}
    return {name: sum_by_answer(scenarios[name], sums[name] / replicates) for name in scenarios}


def plain_baselines(scenario: Scenario) -> list[Baseline]:
    """The plainer forecasts that know a scenario's ties; none has seen the model or a vote."""
    world = world_of(scenario)
    _, leader = leader_of(scenario)
    lead, start, capability = world.states.index(leader), world.start, world.setting.capability
    hostility = np.maximum(start.rivalry, np.maximum(start.sanction, start.sanction.T))
    treaty = (start.bond[lead] >= TREATY).astype(np.float64)
    side = lowest_side(scenario, lead)
    layers = (start.bond, start.institution, hostility, world.setting.dependence)
    others = np.where(np.arange(len(capability)) == lead, 0.0, capability)
    with_leader = [layer[:, lead] for layer in layers]
    with_others = [layer @ others for layer in layers[:3]] + [layers[3].sum(axis=1) - layers[3][:, lead]]
    return [
        Baseline("base rate alone", np.zeros((len(treaty), 0)), np.zeros(len(treaty))),
        Baseline(f"defence treaty, {leader}", treaty[:, None], treaty),
        Baseline(f"sanctions, rivalry, {leader}", hostility[:, lead, None], -hostility[:, lead]),
        Baseline("landscape minimum", side[:, None], side),
        Baseline("regression on the ties", np.column_stack([*with_leader, *with_others]), None),
    ]


def lowest_side(scenario: Scenario, lead: int) -> Floats:
    """1 for the states on the leader's side of the lowest two-bloc minimum found, else 0, (N,)."""
    sizes, network = affinity(scenario)
    minima = landscape.sample_minima(sizes, network, rng=np.random.default_rng(0), starts=STARTS)
    lowest = minima.alignments[int(np.argmin(minima.energies))]
    return (lowest == lowest[lead]).astype(np.float64)


def ideal_point_baseline(points: Mapping[str, float], year: int, states: tuple[str, ...]) -> Baseline:
    """The ideal points of a year as a forecast of what comes after it."""
    known = np.array([points.get(state, np.nan) for state in states])
    return Baseline(f"ideal point of {year}", known[:, None], known)
