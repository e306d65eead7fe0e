"""A run is the same with and without a mechanism that cannot matter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.app.mechanisms import mechanisms_without_effect
from sim.model import compiled
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_mechanism_off

VALID = Path(__file__).parents[1] / "cases" / "valid"
CASES = [
    *sorted(path for path in VALID.iterdir() if path.suffix == ".toml" or (path / "world.toml").exists()),
    *map(Path, ("baseline_2023", "europe_1936", "unix_1988", "no_sanctions")),
]


@pytest.fixture(autouse=True)
def worlds_of_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the worlds of tests/cases/worlds by name."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(VALID.parent))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_idle_mechanism_changes_no_outcome(case: Path) -> None:
    scenario = load_scenario(case if case.exists() else str(case))
    whole = compiled.run_compiled(scenario, seed=3)
    for mechanism in mechanisms_without_effect(scenario):
        off = compiled.run_compiled(with_mechanism_off(scenario, mechanism), seed=3)
        np.testing.assert_array_equal(off.alignment, whole.alignment, err_msg=mechanism)
        np.testing.assert_array_equal(off.outcomes, whole.outcomes, err_msg=mechanism)
        np.testing.assert_array_equal(off.stability, whole.stability, err_msg=mechanism)


def test_reasons_of_known_worlds() -> None:
    alone = mechanisms_without_effect(load_scenario(VALID / "world_of_one"))
    assert {"bond", "hostility", "trade", "shelter", "pressure"} <= alone.keys()
    assert alone["trade"] == "there is no trade between states in this world"
    assert set(mechanisms_without_effect(load_scenario("baseline_2023"))) == {
        "propensity",
        "accommodation",
        "rivalry_response",
        "sanction_response",
    }
