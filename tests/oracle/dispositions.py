"""Dispositions: how they are drawn, anchored in the factual world and renewed, and what a state chooses by them.

A disposition is the list of ln E_k by alignment. Logarithms remain finite where E underflows.
"""

from __future__ import annotations

import hashlib
import math

from numpy.random import Philox

from oracle.decision import assess, log_chances_of, sum_terms, terms_of, weigh
from oracle.world import World, build, draw_uniform, start
from sim.scenario.schema import Scenario
from sim.scenario.shocks import Upheaval

BELIEFS = ("capability", "gdp", "autonomy", "polyarchy", "renewal")


def code_of(alternative: str) -> int:
    """Return the code of an alignment in counters: the first 8 bytes of the BLAKE2b of its id."""
    return int.from_bytes(hashlib.blake2b(alternative.encode("ascii")).digest()[:8], "big")


def exponential(seed: int, replicate: int, step: int, state: str, alternative: str) -> float:
    """Draw E ~ Exp(1) of a state for an alternative, renewed at a step."""
    words = (step, int.from_bytes(state.encode("ascii"), "big"), code_of(alternative), 1)
    counter = sum(word << 64 * place for place, word in enumerate(words))
    word = int(Philox(counter=counter - 1, key=seed + (replicate << 64)).random_raw())
    return -math.log(((word >> 12) + 0.5) * 2.0**-52)


def plain(world: World, seed: int, replicate: int, step: int, i: int) -> list[float]:
    """Return a disposition drawn without condition at a step."""
    alternatives = world.scenario.alignments()
    return [math.log(exponential(seed, replicate, step, world.ids[i], alternative)) for alternative in alternatives]


def conditional(draw: list[float], log_chances: list[float], taken: int) -> list[float]:
    """Condition a plain draw on the alternative that the state has taken, given the logarithms of its chances."""
    return [
        log_chances[k] + draw[k]
        if k == taken
        else math.log(math.exp(log_chances[k]) * math.exp(draw[taken]) + math.exp(draw[k]))
        for k in range(len(draw))
    ]


def choose(utilities: list[float], allowed: list[int], now: int, temperature: float, disposition: list[float]) -> int:
    """Return the alternative with the greatest U - τ ln E; ties go to the present one, then to the lowest index."""
    values = valued(utilities, temperature, disposition)
    best = max(values[k] for k in allowed)
    equals = [k for k in allowed if values[k] == best]
    return now if now in equals else equals[0]


def valued(utilities: list[float], temperature: float, disposition: list[float]) -> list[float]:
    """Return U - τ ln E of each alternative; U at temperature 0."""
    if temperature == 0:
        return list(utilities)
    return [u - temperature * e for u, e in zip(utilities, disposition, strict=True)]


# The start.


def factual_world(scenario: Scenario) -> Scenario:
    """Return the anchor with the beliefs of the scenario: its parameters, and some numbers of each state."""
    anchor = scenario.anchor
    if anchor is None:
        return scenario
    states = {
        name: state.model_copy(update={belief: getattr(scenario.states[name], belief) for belief in BELIEFS})
        if name in scenario.states
        else state
        for name, state in anchor.states.items()
    }
    return anchor.model_copy(update={"parameters": scenario.parameters, "states": states})


class Origin:
    """A world at its start, in which states are anchored."""

    def __init__(self, scenario: Scenario, seed: int, replicate: int) -> None:
        self.world = build(scenario)
        self.names = list(scenario.alignments())
        self.alignment = start(self.world, seed, replicate)
        self.weights = weigh(self.world)
        self.environment = assess(self.world, self.weights, self.alignment, 0)

    def initial(self, state: str) -> str | None:
        """Return the start of a state: an alignment by its id, `random`, or None where the world lacks the state."""
        if state not in self.world.ids:
            return None
        i = self.world.ids.index(state)
        leads = i in self.world.leader or self.world.scenario.states[state].initial == "drawn"
        return self.names[self.alignment[i]] if leads else self.world.scenario.states[state].initial

    def log_chances(self, state: str) -> dict[str, float]:
        """Return the logarithm of the structural chance of each alignment that this world allows.

        It is that of the logit for a state that is fixed here too, which a scenario may free.
        """
        world, i = self.world, self.world.ids.index(state)
        terms = terms_of(world, self.weights, self.environment, self.alignment, i)
        logs = log_chances_of([sum_terms(row) for row in terms], world.allowed, world.parameters["temperature"])
        return {self.names[k]: logs[k] for k in world.allowed}


def first_dispositions(world: World, seed: int, replicate: int) -> list[list[float]]:
    """Return the dispositions of all states at step 0; none of a fixed state, which never uses one."""
    scenario = world.scenario
    own = Origin(scenario, seed, replicate)
    factual = Origin(factual_world(scenario), seed, replicate)
    found = []
    for i, name in enumerate(world.ids):
        if not world.moves[i]:
            found.append([])
            continue
        draw = plain(world, seed, replicate, 0, i)
        initial = own.initial(name)
        assert initial is not None
        if scenario.anchored and initial != "random" and world.parameters["temperature"] > 0:
            logs = (factual if factual.initial(name) == initial else own).log_chances(name)
            draw = conditional(draw, [logs.get(k, -math.inf) for k in own.names], own.names.index(initial))
        found.append(draw)
    return found


# Renewal.


def renewal_chance(world: World, i: int) -> float:
    """Return the probability that the disposition of a state is renewed in a step."""
    return 1 - math.exp(-world.renewal[i] * world.parameters["renewal"] * world.years)


def upheaval_of(world: World, step: int, i: int) -> Upheaval | None:
    """Return the last upheaval of a state at a step."""
    found = [
        shock
        for shock in world.scenario.shocks
        if isinstance(shock, Upheaval) and shock.step == step and shock.state == world.ids[i]
    ]
    return found[-1] if found else None


def is_renewed(world: World, seed: int, replicate: int, step: int, i: int) -> bool:
    """Whether the kept disposition of a state is renewed before its decision."""
    if not world.moves[i]:
        return False
    uniform = draw_uniform(seed, replicate, step, world.ids[i])
    return upheaval_of(world, step, i) is not None or uniform < renewal_chance(world, i)


def renewed_disposition(
    world: World, seed: int, replicate: int, step: int, i: int, utilities: list[float]
) -> list[float]:
    """Draw the disposition of a state that is renewed, at its turn."""
    draw = plain(world, seed, replicate, step, i)
    upheaval = upheaval_of(world, step, i)
    temperature = world.parameters["temperature"]
    if upheaval is None or not upheaval.toward or temperature == 0:
        return draw
    logs = log_chances_of(utilities, world.allowed, temperature)
    return conditional(draw, logs, list(world.scenario.alignments()).index(upheaval.toward))
