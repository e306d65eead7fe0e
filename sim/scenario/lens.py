"""Lenses: a scenario without its start, in which states move until they rest where the ties pull (model: Outcomes).

The lens of tendency shows what a scenario does in the long run. Structural chances forecast votes and fit parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from sim.calendar import step_years
from sim.scenario.parameters import Sourced
from sim.scenario.schema import Scenario
from sim.scenario.shocks import Crisis, ParameterShock, Shock, Upheaval


class Rest(NamedTuple):
    """How long the states of a lens move, and how often their dispositions are renewed."""

    steps: int
    renewal: float  # chance a step that a disposition is renewed
    note: str


TENDENCY: Final = Rest(80, 0.2, "lens of tendency")

STRUCTURAL: Final = Rest(120, 0.05, "structural chances")  # 0.98 of dispositions are renewed in the first 80 steps

STRUCTURAL_WINDOW: Final = 40  # last steps, whose decisions the chances are means over


SET_BY_TENDENCY = "which the lens of tendency sets or has not; leave it out, or choose the lens histories"


def set_by_tendency(path: str) -> bool:
    """Whether a tendency sets a setting itself, or has not what it changes: no renewal of files, no factual world."""
    return path.startswith("world.") or path.rpartition(".")[2] == "renewal"


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
    return rest(scenario, TENDENCY)


def structural_of(scenario: Scenario) -> Scenario:
    """Return the scenario whose decisions give structural chances: forecasts that do not know where states start.

    Parameters
    ----------
    scenario
        A scenario, with or without a calendar; it stays as it is.

    Returns
    -------
    Scenario
        As `tendency_of`, with 120 steps and renewal with chance 0.05 a step. The structural chances are the means of
        the chances of decisions over its last 40 steps and over replicates.
    """
    return rest(scenario, STRUCTURAL)


def rest(scenario: Scenario, lens: Rest) -> Scenario:
    """Return a scenario without an anchor, with the lens's steps and renewal, and shocks that last from step 1 on."""
    rate = -math.log(1 - lens.renewal) / step_years(scenario.step)
    as_others = {"renewal": Sourced(value=1, note=lens.note)}
    renewed = {"renewal": Sourced(value=rate, note=lens.note)}
    return scenario.model_copy(
        update={
            "dispositions": "kept",
            "anchored": False,
            "anchor": None,
            "steps": lens.steps,
            "parameters": scenario.parameters.model_copy(update=renewed),
            "states": {id: state.model_copy(update=as_others) for id, state in scenario.states.items()},
            "shocks": (*lasting_shocks(scenario, lens.steps),),
        }
    )


def lasting_shocks(scenario: Scenario, steps: int) -> Iterator[Shock]:
    """Shocks of a scenario that last, from step 1 on; later ones come after those that they replace."""
    for shock in sorted(scenario.shocks, key=lambda shock: shock.step):
        if isinstance(shock, Crisis):
            if shock.step + shock.duration > scenario.steps:
                yield shock.model_copy(update={"step": 1, "duration": steps})
        elif not (isinstance(shock, Upheaval) or (isinstance(shock, ParameterShock) and shock.parameter == "renewal")):
            yield shock.model_copy(update={"step": 1})
