"""The part of the globe that every map shows, in an equal-area projection, and its land as paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from matplotlib.path import Path
from numpy.typing import NDArray

from sim.reporting.land import atlas

WIDTH = 4000  # units across a map, fine enough for whole numbers

SOUTH, NORTH = -56.0, 84.5  # degrees; Antarctica is not drawn

REGION = 62.0  # degrees from the middle to the farthest state up to which Lambert's projection suits a world

WIDE = 0.6  # of the width of the whole world, above which it is drawn whole

MARGIN = 0.06  # of the extent of a region, on each side

SHAPE = (1.0, 2.2)  # least and greatest width of a region's map over its height

MAIN_PART = 0.25  # of the largest part of a country: smaller parts do not widen a region

Points = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A part of the globe on a plane: places in degrees become map units, from its upper left corner."""

    plane: Callable[[Any], Points]  # degrees east and north, (…, 2), to the plane, (…, 2)
    left: float
    top: float
    scale: float  # map units for one unit of the plane
    height: float
    middle: tuple[float, float] | None = None  # of a region, degrees east and north

    @property
    def aspect(self) -> float:
        """Height over width."""
        return self.height / WIDTH

    @property
    def projection(self) -> str:
        """Name of the projection."""
        return "Lambert's azimuthal equal-area" if self.middle else "Equal Earth"

    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return west and east, and south and north, on the plane."""
        return (self.left, self.left + WIDTH / self.scale), (self.top - self.height / self.scale, self.top)

    def units(self, degrees: Any) -> NDArray[np.int64]:
        """Convert degrees east and north to map units, (…, 2)."""
        x, y = np.moveaxis(self.plane(np.asarray(degrees, dtype=np.float64)), -1, 0)
        return np.rint(np.stack([(x - self.left) * self.scale, (self.top - y) * self.scale], axis=-1)).astype(np.int64)

    def shows(self, ring: Points) -> bool:
        """Whether a part of an outline may lie within the view; what is far from a region is not drawn."""
        if self.middle and float(angles(ring, self.middle).max()) > 150.0:
            return False
        low, high = self.units(ring).min(axis=0), self.units(ring).max(axis=0)
        return bool(low[0] < WIDTH and high[0] > 0 and low[1] < self.height and high[1] > 0)


@lru_cache(maxsize=1)
def world_view() -> View:
    """Return the view of the whole world, without Antarctica, in the Equal Earth projection."""
    (west, _), (east, _) = atlas.project([(-180, 0), (180, 0)])
    (_, south), (_, north) = atlas.project([(0, SOUTH), (0, NORTH)])
    scale = WIDTH / (east - west)
    return View(atlas.project, float(west), float(north), float(scale), float((north - south) * scale))


@lru_cache(maxsize=8)
def choose_view(states: tuple[str, ...]) -> View:
    """Return the view for the states of a world, which every map of that world has.

    A region is drawn in Lambert's azimuthal equal-area projection around its middle, which turns what is far from it.
    So a wider world is drawn as a part of the map of the whole world, and one that spans most of it as the whole map.
    """
    places = [main_places(atlas.load_atlas().countries[state]) for state in atlas.mapped_states(states)]
    if not places:
        return world_view()
    known = np.concatenate(places)
    middle = middle_of(known)
    if float(angles(known, middle).max()) <= REGION:
        return fit_view(known, partial(project_region, middle=middle), middle)
    across = np.ptp(atlas.project(known)[:, 0])
    return fit_view(known, atlas.project) if across <= WIDE * WIDTH / world_view().scale else world_view()


def fit_view(known: Points, plane: Callable[[Any], Points], middle: tuple[float, float] | None = None) -> View:
    """Return the view that holds places with a margin."""
    (left, low), (right, high) = plane(known).min(axis=0), plane(known).max(axis=0)
    width, height = (max(size, 0.02) * (1 + 2 * MARGIN) for size in (right - left, high - low))
    width, height = max(width, height * SHAPE[0]), max(height, width / SHAPE[1])
    x, y = (left + right) / 2 - width / 2, (low + high) / 2 + height / 2
    return View(plane, float(x), float(y), float(WIDTH / width), float(WIDTH * height / width), middle)


def main_places(where: atlas.Land) -> Points:
    """Return the corners of a country's main parts, in degrees; of one without land its dot."""
    outlines = [polygon[0] for polygon in where.polygons]
    areas = [enclosed(atlas.project(ring)) for ring in outlines]
    large = [ring for ring, area in zip(outlines, areas, strict=True) if area >= MAIN_PART * max(areas)]
    return np.concatenate(large) if large else np.array([where.dot], dtype=np.float64)


def enclosed(ring: Points) -> float:
    """Return the area in an outline on the plane."""
    x, y = ring.T
    return float(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2)


def directions(degrees: Any) -> Points:
    """Return places on the globe as unit vectors, (…, 3)."""
    east, north = np.moveaxis(np.radians(np.asarray(degrees, dtype=np.float64)), -1, 0)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=-1)


def middle_of(degrees: Points) -> tuple[float, float]:
    """Return the middle of places, in degrees: of the smallest circle around them, to a hundredth of its radius.

    Bădoiu & Clarkson (2003) move the middle towards the farthest place by ever smaller steps.
    """
    places = directions(degrees)
    middle = places.mean(axis=0)
    for n in range(1, 100):
        middle = middle + (places[np.argmin(places @ middle)] - middle) / (n + 1)
        middle = middle / max(float(np.linalg.norm(middle)), 1e-9)
    x, y, z = middle
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def angles(degrees: Any, middle: tuple[float, float]) -> Points:
    """Return the angles between places and a middle, in degrees."""
    return np.degrees(np.arccos(np.clip(directions(degrees) @ directions(middle), -1.0, 1.0)))


def project_region(degrees: Any, middle: tuple[float, float]) -> Points:
    """Project degrees east and north, (…, 2), around a middle: Lambert's azimuthal equal-area projection, (…, 2)."""
    east, north = np.moveaxis(np.radians(np.asarray(degrees, dtype=np.float64)), -1, 0)
    turn, tilt = east - np.radians(middle[0]), np.radians(middle[1])
    cosine = np.sin(tilt) * np.sin(north) + np.cos(tilt) * np.cos(north) * np.cos(turn)
    stretch = np.sqrt(2.0 / np.maximum(1.0 + cosine, 1e-9))
    y = np.cos(tilt) * np.sin(north) - np.sin(tilt) * np.cos(north) * np.cos(turn)
    return np.stack([stretch * np.cos(north) * np.sin(turn), stretch * y], axis=-1)


@lru_cache(maxsize=1024)
def land_path(key: str, view: View) -> Path:
    """Return what a view shows of a country, or of contested land, as one path on the plane."""
    known = atlas.load_atlas()
    land = known.countries[key] if key in known.countries else known.contested[key]
    return map_path((polygon for polygon in land.polygons if view.shows(polygon[0])), view)


def map_path(polygons: Iterable[atlas.Polygon], view: View) -> Path:
    """Return polygons and their holes as one path on the plane."""
    rings = [Path(view.plane(ring), closed=True) for polygon in polygons for ring in polygon]
    return Path.make_compound_path(*rings) if rings else Path(np.empty((0, 2)))


def land_outline(land: atlas.Land, view: View | None = None) -> str:
    """Return the outlines of a country as an SVG path in relative steps; empty where the view shows none of it."""
    view = view or world_view()
    parts = []
    for polygon in land.polygons:
        for ring in polygon if view.shows(polygon[0]) else ():
            points = view.units(ring)
            steps = np.diff(points, axis=0)
            steps = steps[np.any(steps != 0, axis=1)]
            parts.append(f"M{points[0, 0]} {points[0, 1]}l" + " ".join(f"{x} {y}" for x, y in steps.tolist()) + "z")
    return "".join(part for part in parts if "lz" not in part)


def rest_outline(states: Sequence[str], view: View | None = None) -> str:
    """Return the land that belongs to no state of a world as an SVG path."""
    rest = (where for state, where in atlas.load_atlas().countries.items() if state not in states)
    return "".join(land_outline(where, view) for where in rest)
