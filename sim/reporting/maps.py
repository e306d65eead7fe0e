"""Maps that show a share, a change or the alignment of each state, on its land or as tiles."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path

from sim.reporting.charts import STYLE
from sim.reporting.colours import GREY, SHARE_COLOURS, STEPS, ink_on
from sim.reporting.land import atlas, views
from sim.reporting.land.tiles import Tiles
from sim.reporting.land.views import View

CLASSES = (1 / 3, 2 / 3)  # shares at which the hatching changes

HATCHES = ("", "////", "xxxxx")

ALIGNMENT_HATCHES = ("", "xxxx", "....", "\\\\\\\\", "++++", "oooo")

MARKERS = ("o", "s", "D")  # of alignments: a dot is too small for hatching

SHARE_MARKERS = ("v", "h", "^")  # of the classes of shares; each kind of map has marks of its own

CLEAR_MARKER, UNCLEAR_MARKER = "*", "X"  # of changes

MARK_SIZES = {"*": 1.7, "v": 1.15, "^": 1.15, "h": 1.15, "X": 1.15}  # relative to a circle, for an equal look

SMALL = ("small state: < 1/3", "1/3 to 2/3", "> 2/3")

NO_VALUE, OTHER_LAND, CONTESTED = "#C4C4C4", "#F0F0F0", "#FFFFFF"

BORDER, FAINT = GREY, "#BDBDBD"

CONTESTED_HATCH = "......"

NOTE = "Boundaries of today by Natural Earth; to draw them is to endorse none."

CHANGE_COLOURS = matplotlib.colormaps["PuOr_r"]  # from less, purple, to more, orange; distinct for any colour vision

UNCLEAR_HATCH = "////"

TILE, ID_SIZE, LETTERS = 0.94, 0.3, 4  # side of a tile and type of its id, of a cell; letters of an id

FULL_WIDTH = 10.0  # inches at which type and lines have their full size


def share_class(share: float) -> int:
    """Classify a share: 0 below a third, 1 up to two thirds, 2 above."""
    low, high = CLASSES
    return int(share >= low) + int(share > high)


@dataclass(frozen=True)
class Look:
    """How a state is drawn: colour, hatching, and the shape of its mark if it is small."""

    face: Any
    hatch: str = ""
    marker: str = MARKERS[0]
    ink: str = "black"  # of the hatching


def look_of_share(share: float) -> Look:
    """Return the look of a share, 0 to 1; NaN is grey."""
    if not np.isfinite(share):
        return Look(NO_VALUE)
    size = share_class(share)
    return Look(SHARE_COLOURS(share), HATCHES[size], SHARE_MARKERS[size])


def draw_world_map(
    axes: Axes, shares: Mapping[str, float], *, label: str, key: bool = True, view: View | Tiles | None = None
) -> None:
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
    view : View or Tiles, optional
        Part of the map, or tiles instead of land. Default: the whole world.

    Raises
    ------
    ValueError
        If a share is outside 0 to 1.
    """
    wrong = [state for state, share in shares.items() if share < 0 or share > 1]
    if wrong:
        raise ValueError(f"a share lies within 0…1, unlike those of {', '.join(wrong)}")
    scale = draw_looks(axes, {state: look_of_share(share) for state, share in shares.items()}, view)
    if key:
        with matplotlib.rc_context(STYLE):
            known = atlas.load_atlas().countries
            draw_map_key(axes, label, [state for state in shares if state not in known], scale)


def draw_change_map(
    axes: Axes, changes: Mapping[str, float], clear: Collection[str], *, most: float, label: str,
    view: View | Tiles | None = None,
) -> None:  # fmt: skip
    """Draw the change of a chance of each state: purple is less, orange is more, hatching is what may be chance.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    changes : mapping
        Change of each state of the world, −1 to 1; NaN is grey.
    clear : collection of str
        States whose change is clear.
    most : float
        Change with the darkest colour, above 0.
    label : str
        What the colour bar measures.
    view : View or Tiles, optional
        Part of the map, or tiles instead of land. Default: the whole world.
    """
    looks = {}
    for state, change in changes.items():
        if not np.isfinite(change):
            looks[state] = Look(NO_VALUE)
            continue
        unclear = is_hatched(change, most, clear=state in clear)
        face = CHANGE_COLOURS(0.5 + np.clip(change / most, -1, 1) / 2)
        looks[state] = Look(
            face, UNCLEAR_HATCH if unclear else "", CLEAR_MARKER if state in clear else UNCLEAR_MARKER, GREY
        )
    scale = draw_looks(axes, looks, view)
    more = any(abs(change) > most for change in changes.values())
    bar = ScalarMappable(Normalize(-most, most), CHANGE_COLOURS)
    ends = np.linspace(-most, most, 5)  # more ticks would run into one another
    draw_bar(axes, bar, label, scale, extend="both" if more else "neither", ticks=ends)


def is_hatched(change: float, most: float, *, clear: bool) -> bool:
    """Whether a map of changes hatches a change: one that may be chance, and whose colour shows."""
    return abs(change) >= most / 6 and not clear


def draw_alignment_map(
    axes: Axes, alignments: Mapping[str, str], colours: Mapping[str, str], names: Mapping[str, str], *,
    view: View | Tiles | None = None,
) -> None:  # fmt: skip
    """Draw the alignment of each state as colour, and as hatching or the shape of a mark; names are those of the key.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    alignments : mapping
        Id of the alignment of each state of the world.
    colours, names : mapping
        Colour and name of each alignment, by id.
    view : View or Tiles, optional
        Part of the map, or tiles instead of land. Default: the whole world.
    """
    present = [one for one in names if one in set(alignments.values())]
    styles = {one: Look(colours[one], ALIGNMENT_HATCHES[n % len(ALIGNMENT_HATCHES)], MARKERS[n % len(MARKERS)])
              for n, one in enumerate(present)}  # fmt: skip
    scale = draw_looks(axes, {state: styles[one] for state, one in alignments.items()}, view)
    with matplotlib.rc_context(STYLE):
        marks = [
            Patch(facecolor=look.face, edgecolor="black", linewidth=0.5, hatch=look.hatch, label=names[one])
            for one, look in styles.items()
        ]
        columns = max(1, min(len(marks), int(80 / max(len(names[one]) + 6 for one in present))))
        axes.legend(handles=marks, ncols=columns, loc="upper center", bbox_to_anchor=(0.5, 0.0), fontsize=10 * scale)


def draw_looks(axes: Axes, looks: Mapping[str, Look], view: View | Tiles | None) -> float:
    """Draw each state with its look, on all land or as a tile; return the scale of type and lines."""
    inches = axes.bbox.width / axes.figure.dpi
    scale = float(np.clip(inches / FULL_WIDTH, 0.4, 1)) ** 0.25  # type shrinks less than land
    with matplotlib.rc_context(STYLE):
        if isinstance(view, Tiles):
            draw_tiles(axes, looks, view)
        else:
            draw_lands(axes, looks, view or views.world_view(), scale)
        axes.set(aspect="equal", xticks=[], yticks=[])
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return scale


def draw_tiles(axes: Axes, looks: Mapping[str, Look], tiles: Tiles) -> None:
    """Draw a square for each state, with its id on a plate, in black or white as the colour asks."""
    axes.set(xlim=(-0.5, tiles.columns - 0.5), ylim=(tiles.rows - 0.5, -0.5))
    inches = min(axes.bbox.width / tiles.columns, axes.bbox.height / tiles.rows) / axes.figure.dpi
    for state, look in looks.items():
        column, row = tiles.cells[state]
        square: Any = {"xy": (column - TILE / 2, row - TILE / 2), "width": TILE, "height": TILE}
        axes.add_patch(Rectangle(**square, facecolor=look.face, edgecolor=BORDER, linewidth=0.5, gid=f"tile-{state}"))
        if look.hatch:
            axes.add_patch(
                Rectangle(**square, facecolor="none", edgecolor=look.ink, linewidth=0, hatch=look.hatch,
                          gid=f"hatch-{state}")
            )  # fmt: skip
        axes.text(column, row, state[:LETTERS], ha="center", va="center", fontsize=ID_SIZE * inches * 72,
                  color=ink_on(look.face), gid=f"id-{state}",
                  bbox={"facecolor": look.face, "linewidth": 0, "boxstyle": "square,pad=0.08"})  # fmt: skip


def draw_lands(axes: Axes, looks: Mapping[str, Look], view: View, scale: float) -> None:
    """Draw all land, and each state on its own."""
    known = atlas.load_atlas()
    draw_patch(axes, PathPatch(other_land(frozenset(looks), view), facecolor=OTHER_LAND, edgecolor=FAINT,
                               linewidth=0.4 * scale, gid="other-land"))  # fmt: skip
    for state in atlas.mapped_states(looks):
        draw_state_land(axes, state, looks[state], view, scale)
    for name in known.contested:
        patch = draw_area(name, view, CONTESTED, BORDER, 0.4 * scale, f"contested-{name}", hatch=CONTESTED_HATCH)
        draw_patch(axes, patch).set_zorder(2)
    across, up = view.bounds()
    axes.set(xlim=across, ylim=up)


@lru_cache(maxsize=8)
def other_land(states: frozenset[str], view: View) -> Path:
    """Return the outlines of all countries but these as one path."""
    outlines = [views.land_path(key, view) for key in atlas.load_atlas().countries if key not in states]
    return Path.make_compound_path(*outlines)


def draw_patch(axes: Axes, patch: PathPatch) -> Artist:
    """Draw a patch without measuring it, because the map sets its limits; measuring takes half the time of a map."""
    return axes.add_artist(patch)


def draw_area(key: str, view: View, face: Any, edge: Any, width: float, gid: str, *, hatch: str = "") -> PathPatch:
    """Return a country's land as a patch; the hatching has the colour of the edge."""
    path = views.land_path(key, view)
    return PathPatch(path, facecolor=face, edgecolor=edge, linewidth=width, hatch=hatch, gid=gid)


def draw_state_land(axes: Axes, key: str, look: Look, view: View, scale: float) -> None:
    """Draw one state's land with its look, and its dot if it has one."""
    where = atlas.load_atlas().countries[key]
    if where.polygons:
        draw_patch(axes, draw_area(key, view, look.face, BORDER, 0.5 * scale, f"state-{key}"))
        if look.hatch:
            draw_patch(axes, draw_area(key, view, "none", look.ink, 0.0, f"hatch-{key}", hatch=look.hatch))
    if where.dot:
        x, y = view.plane(where.dot)
        axes.plot(x, y, look.marker, color=look.face, markeredgecolor="black", markeredgewidth=0.7 * scale,
                  markersize=5.2 * MARK_SIZES.get(look.marker, 1) * scale, zorder=3, gid=f"dot-{key}")  # fmt: skip


def draw_bar(axes: Axes, colours: ScalarMappable, label: str, scale: float, **options: Any) -> Colorbar:
    """Draw a colour bar below the map."""
    with matplotlib.rc_context(STYLE):
        bar = axes.figure.colorbar(
            colours, ax=axes, orientation="horizontal", shrink=0.6, aspect=28, pad=0.02, **options
        )
        bar.set_label(label, fontsize=10 * scale)
        bar.ax.tick_params(labelsize=9 * scale)
    return bar


def draw_share_bar(axes: Axes, label: str, scale: float) -> None:
    """Draw the colour bar of shares, with the hatching of each class, and with a box of its own for 0."""
    colours = SHARE_COLOURS.with_extremes(under=SHARE_COLOURS(0.0))
    shares = ScalarMappable(Normalize(1 / STEPS, 1), colours)
    bar = draw_bar(axes, shares, label, scale, ticks=[0.1, *CLASSES, 1], extend="min", extendrect=True, extendfrac=0.06)
    bar.ax.set_xticklabels(["0.1", "1/3", "2/3", "1"])
    bar.ax.text(-0.03, -0.45, "0", ha="center", va="top", fontsize=9 * scale, transform=bar.ax.transAxes)
    for (low, high), hatch in zip(((CLASSES[0], CLASSES[1]), (CLASSES[1], 1)), HATCHES[1:], strict=True):
        bar.ax.axvspan(low, high, facecolor="none", edgecolor="black", linewidth=0, hatch=hatch)


def draw_map_key(axes: Axes, label: str, missing: Collection[str], scale: float) -> None:
    """Draw the colour bar, the legend of the other marks, and the note on boundaries."""
    draw_share_bar(axes, label, scale)
    marks: list[Any] = [
        Patch(facecolor=NO_VALUE, label="no value"),
        Patch(facecolor=OTHER_LAND, edgecolor=FAINT, linewidth=0.5, label="not in this world"),
        Patch(facecolor=CONTESTED, edgecolor=BORDER, linewidth=0.5, hatch=CONTESTED_HATCH, label="contested"),
        *(
            Line2D([], [], linestyle="", marker=marker, color=SHARE_COLOURS(at), markeredgecolor="black", label=text)
            for marker, at, text in zip(SHARE_MARKERS, (0.15, 0.5, 0.85), SMALL, strict=True)
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
