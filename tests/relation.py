"""How a relation between runs is tested: on generated worlds, 200 in the suite and 5,000 by the marker `long`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.model import compiled
from sim.model.trajectory import Run
from sim.scenario.schema import Scenario

SHORT, FULL = int(os.environ.get("RELATION_CASES", "200")), 5000
BY_STATE = ("alignment", "chances", "stability", "bite")
OBSERVED = (*BY_STATE, "outcomes")
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
seeds = st.integers(0, 2**40)
shuffles = st.randoms(use_true_random=True)  # replayed by its seed


def relation(*drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Make a test of a property of what is drawn."""

    def tested(holds: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("cases", [SHORT, pytest.param(FULL, marks=pytest.mark.long)])
        def test(cases: int) -> None:
            settings(max_examples=cases, **UNHURRIED)(given(*drawn)(holds))()

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        return test

    return tested


def run(scenario: Scenario, seed: int, replicate: int = 0) -> Run:
    """A compiled run; that agents do the same is a relation of its own."""
    return compiled.run_compiled(scenario, seed=seed, replicate=replicate)


def changed(scenario: Scenario, **changes: Any) -> Scenario:
    """The scenario with top-level fields replaced."""
    return scenario.model_copy(update=changes)


def same(one: Run, other: Run, names: tuple[str, ...] = OBSERVED, rows: slice = slice(None)) -> None:
    """Two runs are one, to the bit, in the rows of some steps."""
    for name in names:
        np.testing.assert_array_equal(getattr(one, name)[rows], getattr(other, name)[rows], err_msg=name)
