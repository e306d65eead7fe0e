"""Worlds that a backtest imports: those of the years that the folder lacks, and every fault of the data."""

from __future__ import annotations

from pathlib import Path

import pytest
from invented import base
from invented_years import write_invented_world

from sim.backtesting.imports import import_years
from sim.errors import InputError
from sim.scenario.loading import load_scenario


def test_only_missing_years_are_imported(tmp_path: Path) -> None:
    data, folder = tmp_path / "data", tmp_path / "worlds"
    data.mkdir()
    base(data, 1980)
    said: list[tuple[int, int]] = []
    made = import_years(
        folder, [1980], data, states=None, carry=False, imported=lambda done, total: said.append((done, total))
    )
    assert made == [folder / "world_1980"]
    assert load_scenario(made[0]).date == "1980-12-31"
    assert said == [(0, 1), (1, 1)]
    assert import_years(folder, [1980], tmp_path / "gone", states=None, carry=False) == []


@pytest.mark.parametrize(("recorded", "made"), [(True, []), (False, ["world_1980"])])
def test_year_with_a_world_that_can_be_scored_is_not_imported(tmp_path: Path, recorded: bool, made: list[str]) -> None:
    data, folder = tmp_path / "data", tmp_path / "worlds"
    base(data, 1980)
    world = write_invented_world(folder, 1980)
    if not recorded:
        (world / "observed.toml").unlink()
    assert [path.name for path in import_years(folder, [1980], data, states=None, carry=False)] == made


def test_faults_of_all_years(tmp_path: Path) -> None:
    base(tmp_path, 1980)
    with pytest.raises(InputError) as error:
        import_years(tmp_path / "worlds", [1700, 1701], tmp_path, states=None, carry=False)
    text = "\n".join(error.value.lines())
    assert "1700" in text
    assert "1701" in text
    assert not (tmp_path / "worlds").exists()
