"""The lens of tendency: a scenario in which states move until they rest where the ties pull (model: Outcomes)."""

from __future__ import annotations

from sim.scenario.schema import Scenario


def tendency_of(scenario: Scenario) -> Scenario:
    """Return the scenario as the lens of tendency sees it."""
    raise NotImplementedError(scenario.title)
