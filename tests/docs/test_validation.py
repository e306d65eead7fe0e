"""The validation page names existing tests, and the baseline is plausible."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sim.model import compiled
from sim.model.world import world_of
from sim.scenario.loading import load_scenario

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")


def test_named_test_files_exist() -> None:
    names = set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))
    assert len(names) >= 7
    for name in names:
        assert (ROOT / name).is_file(), name


def test_plausible_baseline() -> None:
    """NATO aligns with the United States; Russia, Belarus, Syria and Iran do not; some runs have a front, some not."""
    scenario = load_scenario("baseline_2023")
    world = world_of(scenario)
    runs = [compiled.run_compiled(scenario, seed=20231025, replicate=r, world=world) for r in range(100)]
    shares = np.array([run.late_shares(8) for run in runs])
    at = {state: i for i, state in enumerate(world.states)}
    led, front = world.alignments.index("us_led"), world.alignments.index("front")
    nato = ("CAN", "GBR", "FRA", "DEU", "ITA", "ESP", "POL", "NLD", "FIN", "HUN", "TUR", "USA")
    assert np.mean([shares[:, at[s], led].mean() for s in nato]) >= 0.8
    assert all(shares[:, at[s], led].mean() < 0.05 for s in ("RUS", "BLR", "SYR", "IRN"))
    together = (shares[:, at["RUS"], front] >= 0.5) & (shares[:, at["PRK"], front] >= 0.5)
    assert 0.1 < together.mean() < 0.9
