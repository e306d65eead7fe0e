"""Forecast how states align by simple baselines, and read alignments as answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.errors import Fault, InputError
from sim.forecast.scores import ABSTAINED, NO, YES
from sim.model.arrays import Flags, Floats
from sim.model.world import World, world_of
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.theory import landscape
from sim.theory.predictions import affinity

COLUMN = {"yes": YES, "no": NO, "abstained": ABSTAINED, "absent": ABSTAINED}  # of a forecast, by recorded answer

TREATY = 0.9  # the bond of a mutual defence obligation in force (docs/coding.md)

STARTS = 200  # random starts of the search for the lowest minimum


@dataclass(frozen=True)
class Baseline:
    """A simple forecast: its attributes of each state, and the score that ranks the states.

    Without a score, chances that are fitted to the other states rank them. Chances that are given are not fitted.
    """

    name: str
    attributes: Floats  # (N, F), NaN where unknown
    score: Floats | None  # (N,), higher is nearer to the leader
    chances: Floats | None = None  # (N, 3), of YES, NO, ABSTAINED


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
    ties, known = np.column_stack([*with_leader, *with_others]), start.polyarchy
    return [
        Baseline("base rate only", np.zeros((len(treaty), 0)), np.zeros(len(treaty))),
        Baseline(f"defence treaty, {leader}", treaty[:, None], treaty),
        Baseline(f"sanctions, rivalry, {leader}", hostility[:, lead, None], -hostility[:, lead]),
        Baseline("landscape minimum", side[:, None], side),
        Baseline("polyarchy", known[:, None], known),
        Baseline("regression on the ties", ties, None),
        Baseline("regression, with polyarchy", np.column_stack([ties, known]), None),
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
