"""Grids of tiles: one of equal size for each state, at about its place, so that small states show as well as large."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from sim.reporting.land import atlas
from sim.reporting.land.views import Points, choose_view, main_places

ROOM = 1.6  # cells for each state, so that seas separate continents

WIDER = 1.8  # columns over rows

Cells = NDArray[np.int64]  # (n, 2): column from the west and row from the north, from 0


@dataclass(frozen=True)
class Tiles:
    """The cell of each state, as column from the west and row from the north, in a grid of columns and rows."""

    cells: Mapping[str, tuple[int, int]]
    columns: int
    rows: int

    @property
    def aspect(self) -> float:
        """Height over width."""
        return self.rows / self.columns


@lru_cache(maxsize=8)
def place_tiles(states: tuple[str, ...]) -> Tiles:
    """Give each state of a world a tile.

    The states on the map get the cells with the least sum of squared distances to their places. So of two states in one
    row the western one has the western tile, and of two in one column the northern one has the northern tile. States
    that are not on the map get the rows below, in the order of the world.

    Parameters
    ----------
    states : tuple of str
        Ids of the states.

    Returns
    -------
    Tiles
        A cell for each state; no two share one.
    """
    mapped = atlas.mapped_states(states)
    others = [state for state in states if state not in mapped]
    columns, rows, cells = 0, 0, {}
    if mapped:
        places = spread_places(np.array([centre_of(state, states) for state in mapped]))
        taken = assign_cells(places, *grid_shape(len(mapped)))
        taken -= taken.min(axis=0)
        columns, rows = (taken.max(axis=0) + 1).tolist()
        cells = {state: (column, row) for state, (column, row) in zip(mapped, taken.tolist(), strict=True)}
    columns = max(columns, math.ceil(math.sqrt(len(others) * WIDER)), 1)
    first = rows + bool(mapped)  # an empty row between the map and the others
    for n, state in enumerate(others):
        cells[state] = (n % columns, first + n // columns)
    return Tiles(cells, columns, max(row for _, row in cells.values()) + 1)


def centre_of(state: str, states: tuple[str, ...]) -> Points:
    """Return the centre of a state's main land on the map of a world."""
    where = choose_view(states).plane(main_places(atlas.load_atlas().countries[state]))
    return (where.min(axis=0) + where.max(axis=0)) / 2


def spread_places(places: Points) -> Points:
    """Scale places to 0…1 from the west and from the north, each the mean of its distance and of its rank.

    Ranks part crowded regions, distances keep seas.
    """
    places = places * (1, -1)
    size = np.ptp(places, axis=0)
    ranks = places.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") / max(len(places) - 1, 1)
    return ((places - places.min(axis=0)) / np.where(size > 0, size, 1) + ranks) / 2


def grid_shape(count: int) -> tuple[int, int]:
    """Return the columns and rows of the grid in which some states choose their cells."""
    columns = max(1, round(math.sqrt(count * ROOM * WIDER)))
    return columns, math.ceil(count * ROOM / columns)


def assign_cells(places: Points, columns: int, rows: int) -> Cells:
    """Return the cells with the least sum of squared distances to places, which lie within 0…1."""
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    away = places[:, None] * (columns - 1, rows - 1) - grid
    _, chosen = linear_sum_assignment((away**2).sum(axis=-1))
    return grid[chosen]
