"""The lens of tendency: a scenario in which states move until they rest where the ties pull (model: Outcomes)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from sim.calendar import step_years
from sim.scenario.parameters import Sourced
from sim.scenario.schema import Scenario
from sim.scenario.shocks import Crisis, ParameterShock, Shock, Upheaval

LENS_STEPS: Final = 80

LENS_RENEWAL: Final = 0.2  # chance a step that a disposition is renewed

NOTE = "lens of tendency"


def tendency_of(scenario: Scenario) -> Scenario:
    """Return the scenario as the lens of tendency sees it.

    Parameters
    ----------
    scenario
        A scenario, with or without a calendar; it stays as it is.

    Returns
    -------
    Scenario
        A scenario of 80 steps whose dispositions are kept, drawn without an anchor, and renewed with chance 0.2 a
        step in every state that decides. Its shocks set their final values at step 1. Crises under way at the last
        step of the scenario last all steps, others are left out, and so are upheavals.
    """
    rate = -math.log(1 - LENS_RENEWAL) / step_years(scenario.step)
    as_others = {"renewal": Sourced(value=1, note=NOTE)}
    return scenario.model_copy(
        update={
            "dispositions": "kept",
            "anchored": False,
            "anchor": None,
            "steps": LENS_STEPS,
            "parameters": scenario.parameters.model_copy(update={"renewal": Sourced(value=rate, note=NOTE)}),
            "states": {id: state.model_copy(update=as_others) for id, state in scenario.states.items()},
            "shocks": (*lasting_shocks(scenario),),
        }
    )


def lasting_shocks(scenario: Scenario) -> Iterator[Shock]:
    """Shocks of a scenario that last, from step 1 on; later ones come after those that they replace."""
    for shock in sorted(scenario.shocks, key=lambda shock: shock.step):
        if isinstance(shock, Crisis):
            if shock.step + shock.duration > scenario.steps:
                yield shock.model_copy(update={"step": 1, "duration": LENS_STEPS})
        elif not (isinstance(shock, Upheaval) or (isinstance(shock, ParameterShock) and shock.parameter == "renewal")):
            yield shock.model_copy(update={"step": 1})
