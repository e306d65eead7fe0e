"""The atlas: outlines of the countries of today, and the Equal Earth projection."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.scenario.loading import shipped_folder

Ring = NDArray[np.float64]  # (n, 2) degrees east and north, closed

Polygon = tuple[Ring, ...]  # an outline and its holes

# Šavrič, Patterson & Jenny (2019), The Equal Earth map projection, equations 1-4.
EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)


@dataclass(frozen=True)
class Land:
    """A country's outlines; `dot` is the centre of one too small to show as an area."""

    polygons: tuple[Polygon, ...]
    dot: tuple[float, float] | None = None


@dataclass(frozen=True)
class Atlas:
    """Countries by ISO alpha-3 id, and contested land, which is in no country, by name."""

    countries: Mapping[str, Land]
    contested: Mapping[str, Land]


@cache
def load_atlas() -> Atlas:
    """Load the shipped outlines, in degrees (scenarios/map/countries.json, which states its source)."""
    content = json.loads((shipped_folder() / "map" / "countries.json").read_text(encoding="utf-8"))
    layers = ({key: parse_land(row) for key, row in content[layer].items()} for layer in ("countries", "contested"))
    return Atlas(*layers)


def parse_land(row: Mapping[str, Any]) -> Land:
    """Convert a row of the file to arrays."""
    polygons = tuple(tuple(np.array(ring, dtype=np.float64) for ring in polygon) for polygon in row["polygons"])
    return Land(polygons, tuple(row["dot"]) if "dot" in row else None)


def mapped_states(states: Iterable[str]) -> list[str]:
    """Return the states, in their order, whose ids are countries of the map."""
    return [state for state in states if state in load_atlas().countries]


def drawable(states: Collection[str]) -> bool:
    """Return whether a map suits these states: at least half of their ids are countries of today."""
    return 0 < len(states) <= 2 * len(mapped_states(states))


def project(degrees: ArrayLike) -> NDArray[np.float64]:
    """Project degrees east and north, (…, 2), to the Equal Earth map, (…, 2): |x| ≤ 2.707, |y| ≤ 1.317."""
    a1, a2, a3, a4 = EQUAL_EARTH
    east, north = np.moveaxis(np.radians(np.asarray(degrees, dtype=np.float64)), -1, 0)
    t = np.arcsin(np.sqrt(3) / 2 * np.sin(north))
    slope = 9 * a4 * t**8 + 7 * a3 * t**6 + 3 * a2 * t**2 + a1
    x = 2 * np.sqrt(3) / 3 * east * np.cos(t) / slope
    return np.stack([x, a4 * t**9 + a3 * t**7 + a2 * t**3 + a1 * t], axis=-1)
