"""Calibration: the table is the model's own, resumes to the byte, and forgets what came after the article."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim import chances
from sim.calibrate import observed_record
from sim.catalog import load
from sim.chances import Plan, Table
from sim.claims import BASE
from sim.ensemble import run
from sim.faults import InputError
from sim.observed import observed_of
from sim.ranges import VARIED
from sim.scenario import Scenario
from sim.settings import with_settings
from sim.world import World, world_of

PLAN = Plan(points=128, replicates=6, seed=9)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """The baseline."""
    return load(BASE)


@pytest.fixture(scope="module")
def world(scenario: Scenario) -> World:
    """Its arrays."""
    return world_of(scenario)


@pytest.fixture(scope="module")
def folder(scenario: Scenario, world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small table on disk."""
    made = tmp_path_factory.mktemp("calibration") / "table"
    chances.kept(scenario, world, PLAN, made)
    return made


@pytest.fixture(scope="module")
def table(scenario: Scenario, world: World, folder: Path) -> Table:
    """The same table, read again."""
    return chances.kept(scenario, world, PLAN, folder)


def test_the_table_holds_the_chances_of_the_model(table: Table, scenario: Scenario) -> None:
    there = with_settings(scenario, {f"parameters.{n}": v for n, v in zip(VARIED, table.values[5], strict=True)})
    late = np.mean([run(there, seed=9, replicate=r).chances[-8:].mean(axis=0) for r in range(6)], axis=0)
    places = [scenario.alignments().index(bloc) for bloc in ("us_led", "front", "non_aligned")]
    assert np.allclose(table.chances[5], late[:, places])


def test_a_table_goes_on_where_it_was_stopped(scenario: Scenario, world: World, folder: Path, table: Table) -> None:
    shutil.rmtree(folder / "shards" / "000064")
    heard: list[tuple[int, int]] = []
    again = chances.kept(scenario, world, PLAN, folder, progress=lambda done, total: heard.append((done, total)))
    assert np.array_equal(again.chances, table.chances)
    assert heard == [(64 * 6, 128 * 6), (128 * 6, 128 * 6)]


def test_a_folder_of_another_plan_is_refused(scenario: Scenario, world: World, folder: Path) -> None:
    with pytest.raises(InputError, match="another plan"):
        chances.kept(scenario, world, replace(PLAN, seed=10), folder)


def test_a_table_depends_on_no_default_of_what_it_varies(scenario: Scenario) -> None:
    assert chances.fixed_digest(with_settings(scenario, {"w_bond": 2.0})) == chances.fixed_digest(scenario)
    assert chances.fixed_digest(with_settings(scenario, {"w_propensity": 2.0})) != chances.fixed_digest(scenario)


def test_what_came_after_changes_nothing(world: World) -> None:
    observed = observed_of(BASE)
    assert observed is not None
    assert observed.after
    whole, cut = (observed_record(world, one) for one in (observed, replace(observed, after=())))
    for one, other in zip(whole, cut, strict=True):
        assert np.array_equal(one, other)
