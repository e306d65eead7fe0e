"""The model's forecasts: what is kept apart, and known answers where ties have no weight."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from sim.backtesting.forecasts import (
    coded_forecast,
    expected_points,
    observed_forecast,
    structural_forecast,
)
from sim.backtesting.reading import observed_start
from sim.backtesting.worlds import YearWorld, load_years
from sim.forecast.scores import NO, YES
from sim.model.arrays import PARAMETERS
from sim.model.world import World, with_parameters

HISTORIES = range(400)


class Changed(YearWorld):
    """The world of a year with other parameters."""

    changes: dict[str, float]

    @cached_property
    def world(self) -> World:
        """The arrays of the world."""
        found = super().world
        parameters = found.start.parameters.copy()
        for name, value in self.changes.items():
            parameters[PARAMETERS.index(name)] = value
        return with_parameters(found, parameters)


def changed(one: YearWorld, **changes: float) -> YearWorld:
    """Change parameters of the world of a year."""
    found = Changed(one.year, one.scenario, one.points)
    object.__setattr__(found, "changes", changes)
    return found


def without_weights(one: YearWorld, renewal: float) -> YearWorld:
    """Remove all weights, so that each alternative is equally good."""
    weights = {name: 0.0 for name in PARAMETERS if name.startswith("w_")}
    return changed(one, **weights, inertia=0.0, renewal=renewal)


@pytest.fixture(scope="module")
def one(invented: Path) -> YearWorld:
    """The first world."""
    return load_years(invented, [1950])[0]


@pytest.mark.parametrize("forecast", [coded_forecast, observed_forecast])
def test_without_renewal_or_weights_no_state_moves(one: YearWorld, forecast: object) -> None:
    still = without_weights(one, 0.0)
    found = forecast(still, None, seed=1, replicates=range(50))  # type: ignore[operator]
    assert (found.chances == found.start).all()
    assert not found.up.any()
    assert not found.down.any()
    assert not found.switches.any()


def test_without_weights_the_renewed_spread_evenly(one: YearWorld) -> None:
    found = coded_forecast(without_weights(one, 0.1), None, seed=1, replicates=HISTORIES)
    moved = (found.up + found.down)[:, one.free].mean(axis=1)
    expected = 2 / 3 * (1 - np.exp(-0.1 * np.arange(1, 6)))
    assert moved == pytest.approx(expected, abs=0.03)
    assert not (found.up + found.down)[:, ~one.free].any()


def test_observed_start_is_the_reading(one: YearWorld) -> None:
    found = observed_forecast(without_weights(one, 0.0), None, seed=1, replicates=HISTORIES)
    reading = observed_start(one.points_after(0), one.coded, one.free)
    assert found.start == pytest.approx(reading, abs=0.11)
    assert found.start[~one.free].max(axis=1) == pytest.approx(1)


def test_anchored_to_what_was_drawn(one: YearWorld) -> None:
    """In the first year a drawn start is kept, but for the few that are renewed or follow."""
    found = observed_forecast(changed(one, renewal=0.0), None, seed=1, replicates=HISTORIES)
    assert (found.up + found.down)[0].max() < 0.1


def test_structural_chances_do_not_know_starts(one: YearWorld) -> None:
    states = {
        id: state if id in ("AAA", "EEE") else state.model_copy(update={"initial": "non_aligned"})
        for id, state in one.scenario.states.items()
    }
    other = replace(one, scenario=one.scenario.model_copy(update={"states": states}))
    found, same = (structural_forecast(each, None, seed=1, replicates=range(40)) for each in (one, other))
    assert found == pytest.approx(same, abs=0.05)
    assert found[1, YES] > found[5, YES]
    assert found[5, NO] > found[1, NO]


def test_expected_points_without_moves_are_the_last(one: YearWorld) -> None:
    found = observed_forecast(without_weights(one, 0.0), None, seed=1, replicates=range(20))
    points = one.points_after(0)
    assert expected_points(one, found, points) == pytest.approx(np.tile(points, (5, 1)))


def test_expected_points_decay_at_the_rate_of_renewal(one: YearWorld) -> None:
    """Without weights, a renewed state is at the mean of the three alignments' means."""
    found = observed_forecast(without_weights(one, 0.1), None, seed=1, replicates=HISTORIES)
    points = one.points_after(0)
    means = found.start.T @ points / found.start.sum(axis=0)
    kept = np.exp(-0.1 * np.arange(1, 6))[:, None]
    expected = kept * points + (1 - kept) * means.mean()
    assert expected_points(one, found, points)[:, one.free] == pytest.approx(expected[:, one.free], abs=0.1)
