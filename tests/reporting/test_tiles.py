"""Laws of grids of tiles: one for each state, in the order of the places, the same every time."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from sim import report, sweep
from sim.cli import cli
from sim.errors import InputError
from sim.reporting import charts, maps
from sim.reporting.land import atlas, tiles
from sim.scenario.loading import load_scenario

CASES = Path(__file__).parents[1] / "cases" / "valid"
WORLDS = ("baseline_2023", "sino_soviet_split", "unix_1988", "tribes_gahuku_gama", CASES / "world_sahel")
SETS = st.lists(st.sampled_from(sorted(atlas.load_atlas().countries)), min_size=1, max_size=60, unique=True)


def world_states(world: str | Path) -> tuple[str, ...]:
    """Return the ids of a world's states."""
    return tuple(load_scenario(world).states)


@pytest.mark.parametrize("world", WORLDS, ids=str)
def test_one_tile_for_each_state_of_any_world(world: str | Path) -> None:
    states = world_states(world)
    grid = tiles.place_tiles(states)
    assert list(grid.cells) == [
        *atlas.mapped_states(states),
        *(s for s in states if s not in atlas.load_atlas().countries),
    ]
    assert len(set(grid.cells.values())) == len(states)
    assert all(0 <= column < grid.columns and 0 <= row < grid.rows for column, row in grid.cells.values())
    tiles.place_tiles.cache_clear()
    assert tiles.place_tiles(states) == grid


@given(SETS)
def test_exchange_of_two_tiles_brings_no_state_nearer(states: list[str]) -> None:
    """The way between two tiles and the way between the two places never point apart."""
    grid = tiles.place_tiles(tuple(states))
    places = tiles.spread_places(np.array([tiles.centre_of(state, tuple(states)) for state in states]))
    places = places * (np.array(tiles.grid_shape(len(states))) - 1)
    cells = np.array([grid.cells[state] for state in states])
    ways = (places[:, None] - places) * (cells[:, None] - cells)
    assert ways.sum(axis=-1).min() > -1e-9


@given(SETS)
def test_order_within_a_row_and_a_column(states: list[str]) -> None:
    """Of two states in one row the western has the western tile; of two in one column the northern the northern."""
    grid = tiles.place_tiles(tuple(states))
    at = {state: tiles.centre_of(state, tuple(states)) for state in states}
    for one in states:
        for other in states:
            (column, row), (column2, row2) = grid.cells[one], grid.cells[other]
            if row == row2 and column < column2:
                assert at[one][0] <= at[other][0] + 1e-12
            if column == column2 and row < row2:
                assert at[one][1] >= at[other][1] - 1e-12


def test_known_neighbours() -> None:
    cells = tiles.place_tiles(world_states("baseline_2023")).cells
    for west, east in (("USA", "RUS"), ("USA", "GBR"), ("FRA", "CHN"), ("BRA", "ZAF"), ("IND", "JPN")):
        assert cells[west][0] < cells[east][0]
    for north, south in (("CAN", "MEX"), ("USA", "BRA"), ("GBR", "ZAF"), ("RUS", "IND"), ("JPN", "AUS")):
        assert cells[north][1] < cells[south][1]


def test_tiles_have_one_size_and_the_look_of_the_map() -> None:
    changes = {"CHN": -0.3, "QAT": 0.3, "BHR": 0.2, "RUS": 0.0}
    _, (axes,) = charts.new_figure(5, 3)
    maps.draw_change_map(
        axes, changes, {"CHN", "QAT"}, most=0.3, label="change", view=tiles.place_tiles(tuple(changes))
    )
    drawn = {str(one.get_gid()): one for one in axes.patches if isinstance(one, Rectangle)}
    squares = {name.removeprefix("tile-"): one for name, one in drawn.items() if name.startswith("tile-")}
    assert squares.keys() == changes.keys()
    assert {(one.get_width(), one.get_height()) for one in squares.values()} == {(maps.TILE, maps.TILE)}
    assert squares["CHN"].get_facecolor()[2] > squares["CHN"].get_facecolor()[0]
    assert squares["QAT"].get_facecolor()[0] > squares["QAT"].get_facecolor()[2]
    assert [name for name in drawn if name.startswith("hatch-")] == ["hatch-BHR"]
    assert sorted(text.get_text() for text in axes.texts) == sorted(changes)


def test_report_with_tiles_names_each_state(tmp_path: Path) -> None:
    """A world that no map suits has tiles; each has the name of its state, and the command that repeats the report."""
    results = sweep("unix_1988", replicates=2, out=tmp_path / "unix")
    page = report(results, points=0, maps="tiles").read_text(encoding="utf-8")
    for state in load_scenario("unix_1988").states.values():
        assert f"<title>{escape(state.name)}</title>" in page
    assert "--maps tiles" in page
    assert len(set(re.findall(r'id="map-end-tile-(\w+)"', page))) == len(load_scenario("unix_1988").states)
    with pytest.raises(InputError, match="'land' or 'tiles'"):
        report(results, points=0, maps="globe")
    done = CliRunner().invoke(cli, ["report", str(tmp_path / "unix"), "--maps", "globe"])
    assert done.exit_code == 2
