"""Load scenarios and change them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sim.api.arguments import require, require_path
from sim.errors import Fault, InputError, InputWarning, warning_lines
from sim.names import scenario_name
from sim.scenario import loading
from sim.scenario.overrides import (
    apply_changes,
    mechanism_change,
    setting_change,
    settings_given_twice,
    steps_change,
)
from sim.scenario.schema import Scenario

Named = str | Path


def load(name: Named, *, steps: int | None = None, without: str | Iterable[str] = (), **changes: float) -> Scenario:
    """Load a scenario or world by name or path, resolved and frozen.

    Parameters
    ----------
    name
        Name of a shipped scenario or world, or path of a file.
    steps
        Number of steps, 1 to 10,000. Default: the number in the scenario file.
    without
        Mechanisms to switch off, such as ``"shelter"``.
    **changes
        Settings to change, as ``--set`` takes them: a parameter by its name, any other setting by its path, such
        as ``**{"blocs.us_led.accommodation": 0.1}``. `Scenario.with_settings` changes a loaded scenario.

    Returns
    -------
    Scenario
        The frozen scenario.

    Raises
    ------
    InputError
        If the scenario is unknown, a file has faults, or a setting or mechanism is unknown, out of its bounds or
        given twice. The error lists every fault.

    Warns
    -----
    InputWarning
        If an entry of a file changes nothing.

    Examples
    --------
    >>> scenario = load("baseline_2023", w_pressure=0.5, without="shelter")
    >>> scenario
    <Scenario 'Baseline, October 2023': 52 states, blocs us_led, front, 40 steps>
    >>> scenario.parameters.w_pressure.value, scenario.parameters.w_shelter.value
    (0.5, 0.0)
    >>> scenario.with_settings({"erosion": 0.5}).parameters.erosion.value
    0.5
    >>> load("baseline_2023", erosoin=1)
    Traceback (most recent call last):
    sim.errors.InputError: load:1: erosoin: unknown setting 'erosoin' (did you mean 'erosion'?); ...
    """
    given = require("load", {"steps": steps}, changes, name=name, without=without)
    asked = [setting_change("load", path, getattr(given, path)) for path in changes]
    asked += [mechanism_change("load", mechanism) for mechanism in given.without]
    if given.steps is not None:
        asked.append(steps_change("load", given.steps))
    reading = loading.read_scenario(given.name)
    for line in warning_lines(reading.warnings):
        warnings.warn(line, InputWarning, stacklevel=2)
    changed = apply_changes(reading.scenario, asked)
    varied = [(f"the sweep of {given.name}", reading.scenario.sweep.vary)]
    for _, place, _ in settings_given_twice(reading.scenario, [*varied, *((one.label, one.paths) for one in asked)]):
        message = f"{place}: the sweep of the file varies it, so `sweep` does not use the value given here"
        warnings.warn(message, InputWarning, stacklevel=2)
    return changed


def require_scenario(function: str, scenario: Any, label: str | None = None) -> tuple[Scenario, str]:
    """Return a scenario, loaded where it is a name or path, and its name in the record."""
    if isinstance(scenario, Scenario):
        return scenario, label or scenario.title
    require_path(function, "scenario", scenario, "a scenario, nor the name or path of one")
    return load(scenario), label or scenario_name(scenario)


def require_observed(function: str, scenario: Any, observed: Any) -> str:
    """Return the name or path of the scenario whose world has the record; raises InputError for a loaded scenario."""
    if observed is not None:
        return str(require_path(function, "observed", observed))
    if isinstance(scenario, Scenario):
        message = "is missing; a loaded scenario does not say where its world is, so give the name or path of one"
        raise InputError([Fault(function, 1, "observed", message)])
    return str(scenario)
