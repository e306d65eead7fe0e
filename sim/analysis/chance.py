"""Measure how far the states' choices at the start are from chance: by their ties, before autonomy and inertia.

Ties are weighted by the partner's share of the world's capability. If all partners are small, or a few great powers
have nearly all capability, the terms of a choice are small against the temperature, and chance decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.model.arrays import TERMS, Floats
from sim.model.rules import TEMPERATURE
from sim.model.starts import AVERAGED_STARTS, draw_initial_alignment, start_environment
from sim.model.steps.terms import weigh_states
from sim.model.world import World, world_of
from sim.scenario.schema import Scenario

OWN_TERMS = ("autonomy", "inertia")  # they come neither from ties nor from blocs

MOST_STATES = 500  # `blocs check` of the largest world stays cheap

CLOSE, CLEAR = 0.25, 0.5  # parts of the way from an even draw to a certain choice


@dataclass(frozen=True)
class Certainty:
    """How certain the ties make the choices at the start."""

    best: float  # chance of the best alternative by ties only, mean over the states that decide
    whole: float  # the same by all terms
    even: float  # the same if all alternatives are alike
    divisor: float | None  # of temperature, w_autonomy and inertia, that makes choices clear; None if none does
    partner: float | None  # median share of capability of the states that have a bond; None without bonds

    @property
    def close_to_chance(self) -> bool:
        """Whether ties hardly move the choices from an even draw, and no other term makes them clear."""
        return self.best < part_of_the_way(self.even, CLOSE) and self.whole < part_of_the_way(self.even, CLEAR)


def part_of_the_way(even: float, part: float) -> float:
    """Interpolate between the chance of an even draw and certainty."""
    return even + part * (1.0 - even)


def measure_certainty(scenario: Scenario) -> Certainty | None:
    """Measure how certain choices are at the coded start; None where chance decides nothing or the world is large."""
    if len(scenario.states) > MOST_STATES:
        return None
    world = world_of(scenario)
    temperature = float(world.start.parameters[TEMPERATURE])
    alternatives = int(world.setting.allowed.sum())
    if temperature == 0.0 or alternatives == 1 or world.setting.fixed.all():
        return None
    starts = AVERAGED_STARTS if (world.setting.initial < 0).any() else 1
    terms = np.concatenate([terms_at_start(world, scenario.sweep.seed, r) for r in range(starts)])
    utilities = terms[:, :, [term not in OWN_TERMS for term in TERMS]].sum(axis=2)
    even, bonds = 1.0 / alternatives, np.nonzero(world.start.bond)[1]
    partner = float(np.median(world.setting.capability[bonds])) if bonds.size else None
    return Certainty(
        best=mean_best_chance(utilities, temperature),
        whole=mean_best_chance(terms.sum(axis=2), temperature),
        even=even,
        divisor=find_divisor(utilities, temperature, part_of_the_way(even, CLEAR)),
        partner=partner,
    )


def terms_at_start(world: World, seed: int, replicate: int) -> Floats:
    """Compute the utility of each allowed alternative by term, (states that decide, alternatives, len(TERMS))."""
    setting = world.setting
    alignment = draw_initial_alignment(world, seed, replicate)
    environment = start_environment(world, alignment, 1)
    deciding = np.flatnonzero(~setting.fixed).tolist()
    terms = weigh_states(deciding, alignment, world, world.start, world.start_weights, environment)
    return terms[:, setting.allowed]


def mean_best_chance(utilities: Floats, temperature: float) -> float:
    """Average the chance of the best alternative by the logit rule (model: Decision); utilities: (states, choices)."""
    behind = utilities - utilities.max(axis=1, keepdims=True)
    return float((1.0 / np.exp(behind / temperature).sum(axis=1)).mean())


def find_divisor(utilities: Floats, temperature: float, chance: float) -> float | None:
    """Find the smallest one-digit divisor of the temperature that gives a mean chance; None if there is none."""
    divisors = (digit * 10.0**power for power in range(4) for digit in range(1, 10))
    return next((d for d in divisors if mean_best_chance(utilities, temperature / d) >= chance), None)


def chance_warning(scenario: Scenario) -> str:
    """Warn that choices are close to chance, and name the settings that cause it; empty where they are not."""
    found = measure_certainty(scenario)
    if found is None or not found.close_to_chance:
        return ""
    message = (
        "choices are close to chance: by their ties, states give their best alternative a mean chance of"
        f" {found.best:.2f}; an even draw gives {found.even:.2f}"
    )
    if found.divisor is None:
        return f"{message}; ties distinguish the alternatives for too few states: give more ties"
    weighed = "ties are weighted by the partner's share of the world's capability"
    if found.partner is not None:
        weighed += f" (half of the bonds here are with a state of {found.partner:.2g} or less)"
    names = ("temperature", "w_autonomy", "inertia")
    own = [f"{name} ({getattr(scenario.parameters, name).value:g})" for name in names]
    return (
        f"{message}; {weighed}: divide {', '.join(own[:2])} and {own[2]} by about {found.divisor:g},"
        " or multiply the weights of ties by it"
    )
