"""Histories and their pages, told once for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from sim.analysis.history.story import Story, tell_story
from sim.model import compiled
from sim.model.world import world_of
from sim.reporting.labels import label_history
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario


def told(scenario: Scenario, *, seed: int = 7, replicate: int = 0) -> Story:
    """Read a run of a scenario as a history."""
    run = compiled.run_compiled(scenario, seed=seed, replicate=replicate)
    return tell_story(scenario, world_of(scenario), run, label_history(scenario), others=0)


@cache
def told_by_name(name: str, replicate: int = 0) -> Story:
    """Read a run of a shipped scenario as a history."""
    return told(load_scenario(name), replicate=replicate)


@pytest.fixture(scope="session")
def tell() -> Callable[..., Story]:
    """Return what reads a run as a history."""
    return told


@pytest.fixture(scope="session")
def story_of() -> Callable[..., Story]:
    """Return what reads a run of a shipped scenario as a history."""
    return told_by_name
