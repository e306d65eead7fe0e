"""Design points: the settings that a sweep gives its scenario."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sim.scenario import MAX_POINTS, Scenario, Spread
from sim.settings import with_settings


@dataclass(frozen=True)
class Point:
    """One setting of the swept parameters of a scenario."""

    name: str  # of the scenario
    settings: dict[str, float]
    scenario: Scenario

    @property
    def label(self) -> str:
        """The scenario's name with what is set, such as `baseline_2023 [erosion=0.5]`."""
        told = ", ".join(f"{path.removeprefix('parameters.')}={value:g}" for path, value in self.settings.items())
        return f"{self.name} [{told}]" if told else self.name


def values_of(swept: tuple[float, ...] | Spread) -> tuple[float, ...]:
    """The values that a swept setting takes."""
    if isinstance(swept, Spread):
        return tuple(np.linspace(swept.start, swept.stop, swept.points).tolist())
    return swept


def points(name: str, scenario: Scenario) -> list[Point]:
    """All design points of a scenario's sweep: a grid crosses the values, a list pairs them in order.

    Raises ValueError where there are more than MAX_POINTS.
    """
    vary = scenario.sweep.vary
    columns = [values_of(swept) for swept in vary.values()]
    rows: Iterable[tuple[float, ...]]
    if scenario.sweep.design == "grid" or not columns:
        count, rows = math.prod(map(len, columns)), itertools.product(*columns)
    else:
        count, rows = len(columns[0]), zip(*columns, strict=True)
    if count > MAX_POINTS:
        raise ValueError(f"{name} has {count} design points; at most {MAX_POINTS} are run in one sweep")
    settings = [dict(zip(vary, row, strict=True)) for row in rows]
    return [Point(name, setting, with_settings(scenario, setting, note="set by the sweep")) for setting in settings]
