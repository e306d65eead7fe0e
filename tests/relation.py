"""Property tests of relations between runs, on generated worlds; the hypothesis profile sets the number of cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.model import compiled
from sim.model.trajectory import Run
from sim.scenario.schema import Scenario

BY_STATE = ("alignment", "chances", "stability", "bite")
OBSERVED = ("alignment", "causes", "renewed", "chances", "stability", "bite", "outcomes")
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
THIRD = {**UNHURRIED, "max_examples": max(8, settings.default.max_examples // 3)}  # for slow examples
seeds = st.integers(0, 2**40)
shuffles = st.randoms(use_true_random=True)  # hypothesis replays it by its seed


def relation(*inputs: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a property test with these inputs."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        return settings(**UNHURRIED)(given(*inputs)(test))

    return decorate


def some(names: Sequence[str], every: int) -> list[Any]:
    """Parametrize by every so manieth name; `pytest -m long` takes the others."""
    return [pytest.param(name, marks=[pytest.mark.long] if n % every else []) for n, name in enumerate(names)]


def run(scenario: Scenario, seed: int, replicate: int = 0) -> Run:
    """Run the compiled engine; another relation shows that agents give the same run."""
    return compiled.run_compiled(scenario, seed=seed, replicate=replicate)


def changed(scenario: Scenario, **changes: Any) -> Scenario:
    """Replace top-level fields of a scenario."""
    return scenario.model_copy(update=changes)


def same(one: Run, other: Run, names: tuple[str, ...] = OBSERVED, rows: slice = slice(None)) -> None:
    """Assert that two runs are equal to the bit in these steps."""
    for name in names:
        np.testing.assert_array_equal(getattr(one, name)[rows], getattr(other, name)[rows], err_msg=name)
