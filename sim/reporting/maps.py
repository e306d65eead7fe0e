"""A world map that shows a share of each state on its land."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from sim.reporting.charts import STYLE
from sim.reporting.colours import GREY, SHARE_COLOURS
from sim.scenario.loading import shipped_folder

Ring = NDArray[np.float64]  # (n, 2) degrees east and north, closed

Polygon = tuple[Ring, ...]  # an outline and its holes

CLASSES = (1 / 3, 2 / 3)  # shares at which the hatching changes

HATCHES = ("", "////", "xxxxx")

MARKERS = ("o", "s", "D")  # a dot is too small for hatching

SMALL = ("small state: < 1/3", "1/3 to 2/3", "> 2/3")

NO_VALUE, OTHER_LAND, CONTESTED = "#C4C4C4", "#F0F0F0", "#FFFFFF"

BORDER, FAINT = GREY, "#BDBDBD"

CONTESTED_HATCH = "......"

SOUTH, NORTH = -56.0, 84.5  # degrees; Antarctica is not drawn

NOTE = "Boundaries of today by Natural Earth; to draw them is to endorse none."

FULL_WIDTH = 10.0  # inches at which type and lines have their full size

# Šavrič, Patterson & Jenny (2019), The Equal Earth map projection, equations 1-4.
EQUAL_EARTH = (1.340264, -0.081106, 0.000893, 0.003796)


@dataclass(frozen=True)
class Land:
    """A country's outlines; `dot` is the centre of one too small to show as an area."""

    polygons: tuple[Polygon, ...]
    dot: tuple[float, float] | None = None

    @cached_property
    def path(self) -> Path:
        """The outlines on the map, which all maps share."""
        return map_path(self.polygons)


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


def share_class(share: float) -> int:
    """Classify a share: 0 below a third, 1 up to two thirds, 2 above."""
    low, high = CLASSES
    return int(share >= low) + int(share > high)


def map_path(polygons: Iterable[Polygon]) -> Path:
    """Return polygons and their holes as one path on the map."""
    return Path.make_compound_path(*(Path(project(ring), closed=True) for polygon in polygons for ring in polygon))


def draw_world_map(axes: Axes, shares: Mapping[str, float], *, label: str, key: bool = True) -> None:
    """Draw each state's share as colour and hatching on its land.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    shares : mapping
        Share of each state of the world, 0 to 1; NaN is grey. States that are not on the map are named below it.
    label : str
        What the share measures, such as "P(front)".
    key : bool, optional
        Draw the colour bar and all text. Default: True; False suits one of several maps on one scale.

    Raises
    ------
    ValueError
        If a share is outside 0 to 1.
    """
    wrong = [state for state, share in shares.items() if share < 0 or share > 1]
    if wrong:
        raise ValueError(f"a share lies within 0…1, unlike those of {', '.join(wrong)}")
    inches = axes.bbox.width / axes.figure.dpi
    scale = float(np.clip(inches / FULL_WIDTH, 0.4, 1)) ** 0.35  # type shrinks less than land
    with matplotlib.rc_context(STYLE):
        for state, where in load_atlas().countries.items():
            if state in shares:
                draw_state_land(axes, state, where, shares[state], scale)
            elif where.polygons:
                draw_patch(axes, draw_area(where, OTHER_LAND, FAINT, 0.4 * scale, f"land-{state}"))
        for name, where in load_atlas().contested.items():
            patch = draw_area(where, CONTESTED, BORDER, 0.4 * scale, f"contested-{name}", hatch=CONTESTED_HATCH)
            draw_patch(axes, patch).set_zorder(2)
        (west, _), (east, _) = project([(-180, 0), (180, 0)])
        (_, south), (_, north) = project([(0, SOUTH), (0, NORTH)])
        axes.set(xlim=(west, east), ylim=(south, north), aspect="equal", xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        if key:
            draw_map_key(axes, label, [state for state in shares if state not in load_atlas().countries], scale)


def draw_patch(axes: Axes, patch: PathPatch) -> Artist:
    """Draw a patch without measuring it, because the map sets its limits; measuring takes half the time of a map."""
    return axes.add_artist(patch)


def draw_area(where: Land, face: Any, edge: Any, width: float, gid: str, *, hatch: str = "") -> PathPatch:
    """Return a country's land as a patch; the hatching has the colour of the edge."""
    return PathPatch(where.path, facecolor=face, edgecolor=edge, linewidth=width, hatch=hatch, gid=gid)


def draw_state_land(axes: Axes, key: str, where: Land, share: float, scale: float) -> None:
    """Draw one state's land, hatched by its class, and its dot if it has one."""
    known = bool(np.isfinite(share))
    face = SHARE_COLOURS(share) if known else NO_VALUE
    hatch = HATCHES[share_class(share)] if known else ""
    if where.polygons:
        draw_patch(axes, draw_area(where, face, BORDER, 0.5 * scale, f"state-{key}"))
        if hatch:
            draw_patch(axes, draw_area(where, "none", "black", 0.0, f"hatch-{key}", hatch=hatch))
    if where.dot:
        x, y = project(where.dot)
        marker = MARKERS[share_class(share)] if known else MARKERS[0]
        axes.plot(x, y, marker, color=face, markeredgecolor="black", markeredgewidth=0.7 * scale,
                  markersize=5.2 * scale, zorder=3, gid=f"dot-{key}")  # fmt: skip


def draw_map_key(axes: Axes, label: str, missing: Collection[str], scale: float) -> None:
    """Draw the colour bar, the legend of the other marks, and the note on boundaries."""
    bar = axes.figure.colorbar(
        ScalarMappable(Normalize(0, 1), SHARE_COLOURS),
        ax=axes,
        orientation="horizontal",
        shrink=0.6,
        aspect=28,
        pad=0.02,
        ticks=[0, *CLASSES, 1],
    )
    bar.set_label(label, fontsize=9 * scale)
    bar.ax.set_xticklabels(["0", "1/3", "2/3", "1"], fontsize=8 * scale)
    for (low, high), hatch in zip(((CLASSES[0], CLASSES[1]), (CLASSES[1], 1)), HATCHES[1:], strict=True):
        bar.ax.axvspan(low, high, facecolor="none", edgecolor="black", linewidth=0, hatch=hatch)
    marks: list[Any] = [
        Patch(facecolor=NO_VALUE, label="no value"),
        Patch(facecolor=OTHER_LAND, edgecolor=FAINT, linewidth=0.5, label="not in this world"),
        Patch(facecolor=CONTESTED, edgecolor=BORDER, linewidth=0.5, hatch=CONTESTED_HATCH, label="contested"),
        *(
            Line2D([], [], linestyle="", marker=marker, color=SHARE_COLOURS(at), markeredgecolor="black", label=text)
            for marker, at, text in zip(MARKERS, (0.15, 0.5, 0.85), SMALL, strict=True)
        ),
    ]
    note = NOTE + (f" Not on the map: {', '.join(missing)}." if missing else "")
    letters = int(axes.bbox.width / axes.figure.dpi * 72 / (0.56 * 7 * scale))
    legend = axes.legend(
        handles=marks,
        ncols=3 if scale < 0.9 else 6,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        title="\n".join(textwrap.wrap(note, letters)),
        title_fontsize=7 * scale,
        fontsize=7.5 * scale,
        markerscale=scale,
        columnspacing=1.2,
        handletextpad=0.5,
    )
    legend.get_title().set_multialignment("center")
