"""Whether a scenario has the article's world: its record of later events and its measure of capability."""

from __future__ import annotations

from sim.scenario.loading import load_scenario
from sim.scenario.parameters import ARGUED_FOR
from sim.scenario.schema import DRAWN_ID, RANDOM_ID, Scenario

POWER = "the military and industrial power of these {} states"  # Composite Index of National Capability


def has_article_world(scenario: Scenario) -> bool:
    """Return whether a scenario begins on the day of the article's world, with its states and its blocs.

    The record of a sweep does not name the world, so this compares what it has. A scenario may add blocs.
    """
    article = load_scenario(ARGUED_FOR)
    same = scenario.date == article.date and scenario.states.keys() == article.states.keys()
    return same and scenario.blocs.keys() >= article.blocs.keys()


def has_article_starts(scenario: Scenario) -> bool:
    """Return whether each state of a scenario of the article's world starts where it does there, or at random."""
    article = load_scenario(ARGUED_FOR)
    return all(one.initial in (article.states[id].initial, RANDOM_ID, DRAWN_ID) for id, one in scenario.states.items())


def name_measure(scenario: Scenario) -> str:
    """Name the capability of a scenario's states: as power where it has the article's world and its numbers."""
    states = load_scenario(ARGUED_FOR).states
    measure = "the capability of these {} states"
    if has_article_world(scenario) and all(
        one.capability.value == states[id].capability.value for id, one in scenario.states.items()
    ):
        measure = POWER
    return measure.format(len(scenario.states))
