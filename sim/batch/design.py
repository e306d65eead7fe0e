"""Design points: the settings that a sweep gives its scenario."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any

import numpy as np

from sim.model.arrays import Floats
from sim.scenario.overrides import exact_text, with_settings
from sim.scenario.parameters import Parameters, parameter_range
from sim.scenario.schema import SAMPLED, Scenario, Spread, Sweep

SAMPLERS = {
    "sobol": "scipy.stats.qmc.Sobol(settings, rng=numpy.random.default_rng(seed))",
    "latin_hypercube": "scipy.stats.qmc.LatinHypercube(settings, rng=numpy.random.default_rng(seed))",
}  # with `seed=` in place of `rng=` scipy gives other points


def describe_sampler(design: str) -> str:
    """How the points of a sampled design are drawn, with the versions that draw them; '' for any other design."""
    versions = f"scipy {version('scipy')}, numpy {version('numpy')}"
    return f"{SAMPLERS[design]}; {versions}" if design in SAMPLERS else ""


@dataclass(frozen=True)
class DesignPoint:
    """One setting of the swept parameters of a scenario."""

    name: str  # of the scenario
    settings: dict[str, float]
    base: Scenario

    @property
    def scenario(self) -> Scenario:
        """The scenario with the settings of this point."""
        return with_settings(self.base, self.settings, note="set by the sweep")

    @cached_property
    def digest(self) -> str:
        """Digest of the scenario at this point."""
        return self.scenario.digest()


def point_labels(asked: Sequence[Mapping[str, Any]]) -> list[str]:
    """A distinct name for each recorded point, such as `baseline_2023 [erosion=0.5]`.

    Values have six digits, and all their digits where two points would read alike; equal points are numbered.
    """
    short = [name_point(point["scenario"], point["settings"], "{:g}".format) for point in asked]
    alike = Counter(short)
    met: Counter[str] = Counter()
    found = []
    for point, text in zip(asked, short, strict=True):
        whole = text if alike[text] == 1 else name_point(point["scenario"], point["settings"], exact_text)
        met[whole] += 1
        found.append(whole if met[whole] == 1 else f"{whole} ({met[whole]})")
    return found


def name_point(name: str, settings: Mapping[str, float], shown: Callable[[float], str]) -> str:
    """Name of a design point, its values as they are to be shown."""
    told = ", ".join(f"{path.removeprefix('parameters.')}={shown(value)}" for path, value in settings.items())
    return f"{name} [{told}]" if told else name


def design_points(name: str, scenario: Scenario) -> list[DesignPoint]:
    """All design points of a scenario's sweep; raises ValueError where a list's settings have unequally many values."""
    sweep = scenario.sweep
    rows = sample_points(sweep) if sweep.design in SAMPLED else cross_or_pair(sweep)
    return [DesignPoint(name, settings, scenario) for settings in rows]


def cross_or_pair(sweep: Sweep) -> Iterator[dict[str, float]]:
    """A grid crosses the values of all settings, a list pairs them in order."""
    columns = [swept_values(swept) for swept in sweep.vary.values()]
    crossed = sweep.design == "grid" or not columns
    rows: Iterable[tuple[float, ...]] = itertools.product(*columns) if crossed else zip(*columns, strict=True)
    return (dict(zip(sweep.vary, row, strict=True)) for row in rows)


def swept_values(swept: tuple[float, ...] | Spread) -> tuple[float, ...]:
    """The values that a swept setting takes."""
    if isinstance(swept, Spread):
        return tuple(np.linspace(swept.start, swept.stop, swept.points or 2).tolist())
    return swept


def sample_points(sweep: Sweep) -> Iterator[dict[str, float]]:
    """Points of a Latin hypercube or a scrambled Sobol sequence over the ranges, by the sweep's seed.

    Without ranges of its own the sweep samples every parameter over its documented range. A longer Sobol
    design begins with the points of a shorter one.
    """
    from scipy.stats import qmc

    ranges = {path: (v.start, v.stop) for path, v in sweep.vary.items() if isinstance(v, Spread)} or {
        f"parameters.{name}": parameter_range(name) for name in Parameters.model_fields
    }
    count = sweep.points or 1
    if sweep.design == "sobol":
        sampler = qmc.Sobol(len(ranges), rng=np.random.default_rng(sweep.seed))
        unit = sampler.random_base2(math.ceil(math.log2(count)))[:count] if count > 1 else sampler.random(1)
    else:
        unit = qmc.LatinHypercube(len(ranges), rng=np.random.default_rng(sweep.seed)).random(count)
    low, high = np.array(list(ranges.values())).T
    for row in low + unit * (high - low):
        yield dict(zip(ranges, row.tolist(), strict=True))


def sample_ranges(ranges: Mapping[str, tuple[float, float]], *, points: int, seed: int) -> Floats:
    """Values of parameters at each point, (points, parameters): a scrambled Sobol sequence over their ranges."""
    vary: dict[str, tuple[float, ...] | Spread] = {
        f"parameters.{name}": Spread(start=low, stop=high) for name, (low, high) in ranges.items()
    }
    rows = sample_points(Sweep(design="sobol", points=points, seed=seed, vary=vary))
    return np.array([list(row.values()) for row in rows])
