"""SVG pictures for the browser, which colours them by step: the map, the network of ties and their key."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape

import matplotlib
import matplotlib.dates as mdates
import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sim.app.player.labels import (
    STILL_LABEL,
    STILL_LABELS,
    Box,
    box_around,
    name_map,
    overlaps,
)
from sim.model.trajectory import Run
from sim.reporting import maps
from sim.reporting.charts import STYLE, new_figure, render_figure
from sim.reporting.colours import BLACK, VERMILION
from sim.reporting.dated.lines import locate_dates
from sim.reporting.labels import distinct_labels
from sim.reporting.land import atlas
from sim.reporting.land.views import WIDTH, choose_view, land_outline, rest_outline
from sim.reporting.story.marks import draw_fills, draw_marker
from sim.scenario.schema import Scenario

NETWORK = (900, 760)

HOSTILE = VERMILION  # rivalries and sanctions

FAINTEST = 0.3  # a weaker tie is drawn for the chosen state only


def svg_document(width: float, height: float, content: str, *, natural: bool = False) -> str:
    """Return an SVG document; `natural` gives it a size in pixels."""
    size = f' width="{width:g}" height="{height:g}"' if natural else ""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"{size}>'
    return follow_theme(f'{head}<rect width="{width:g}" height="{height:g}" fill="#fff"/>{content}</svg>')


THEME = (  # the paper is that of Streamlit's pages
    "<style>svg{--paper:#fff;--ink:#000;--land:#f0f0f0;--faint:#bdbdbd;fill:var(--ink)}"
    "@media (prefers-color-scheme: dark){svg{--paper:#171614;--ink:#f0f0f0;--land:#2b2a28;--faint:#4a4a4a}}</style>"
)

THEMED = {
    "#ffffff": "paper", "#fff": "paper", BLACK: "ink", "#000": "ink", maps.OTHER_LAND: "land", maps.FAINT: "faint",
}  # fmt: skip


def follow_theme(svg: str) -> str:
    """Let a picture be light or dark like the page: its white, black and lightest greys are those of the theme."""
    found = re.sub(r"""(?<=="|: )#[0-9A-Fa-f]{3,6}(?=[";])""", lambda one: themed(one[0]), svg)
    return re.sub(r"<svg[^>]*>", lambda one: one[0] + THEME, found, count=1)


def themed(colour: str) -> str:
    """Return a colour, or the theme's in its place."""
    names = {key.lower(): name for key, name in THEMED.items()}
    return f"var(--{names[colour.lower()]})" if colour.lower() in names else colour


def draw_markers(state: int, look: str, shown: Iterable[int], x: float, y: float, radius: float, style: str) -> str:
    """Draw a state's marker in several alignments; the browser shows the current one."""
    return "".join(
        draw_marker(k, x, y, radius, f'data-state="{state}" data-only="{k}" fill="url(#{look}{k})" {style}')
        for k in shown
    )


KEY_LETTERS, KEY_LINE, KEY_WIDTH = 34, 17, 360  # letters in a line, units from line to line, and of what stays in a row


def draw_key(names: Mapping[str, str]) -> str:
    """Draw the key of colours, hatchings and markers; names by alignment."""
    labels = [label.split("\n") for label in distinct_labels(names, KEY_LETTERS, 3).values()]
    rows, left, top, right, down = "", 0, 0, 0, 0
    for n, lines in enumerate(labels):
        width = 84 + 8 * max(map(len, lines))
        if left and left + width > KEY_WIDTH:
            left, top, down = 0, down, 0
        rows += f'<rect x="{left + 1}" y="{top + 3}" width="34" height="18" fill="url(#key{n})" stroke="#000"/>'
        rows += draw_marker(n, left + 52, top + 12, 8, f'fill="url(#key{n})" stroke="#000"')
        for k, line in enumerate(lines):
            place = f'x="{left + 70}" y="{top + 17 + KEY_LINE * k}"'
            rows += f'<text {place} font-family="sans-serif" font-size="14">{escape(line)}</text>'
        left, down = left + width, max(down, top + 26 + KEY_LINE * (len(lines) - 1))
        right = max(right, left)
    return svg_document(right, down + 2, draw_fills(list(names), 1, "key") + rows, natural=True)


@lru_cache(maxsize=8)
def country_paths(states: tuple[str, ...]) -> dict[str, str]:
    """Return the path of each country of a world's map."""
    view, countries = choose_view(states), atlas.load_atlas().countries
    return {state: land_outline(countries[state], view) for state in states if state in countries}


@lru_cache(maxsize=8)
def draw_ground(states: tuple[str, ...]) -> str:
    """Draw the land that belongs to no state of a world."""
    rest = rest_outline(states, choose_view(states))
    return f'<path d="{rest}" fill="{maps.OTHER_LAND}" stroke="{maps.FAINT}" stroke-width="2"/>'


@lru_cache(maxsize=8)
def draw_contested(states: tuple[str, ...]) -> str:
    """Draw contested land, white with dots."""
    rest = "".join(land_outline(land, choose_view(states)) for land in atlas.load_atlas().contested.values())
    dots = '<pattern id="dots" width="24" height="24" patternUnits="userSpaceOnUse">'
    dots += '<rect width="24" height="24" fill="#fff"/><circle cx="12" cy="12" r="4"/></pattern>'
    return f'<defs>{dots}</defs><path d="{rest}" fill="url(#dots)" stroke="{maps.BORDER}" stroke-width="2"/>'


def draw_world(
    states: tuple[str, ...], alignments: Sequence[str], chosen: str, now: Sequence[int] = (), written: str = ""
) -> str:
    """Draw the map with a thick outline of the chosen state; the browser fills its states, or they are as `now`.

    `written` are the names on it.
    """
    land, dots, above, view = [], [], "", choose_view(states)
    for n, state in enumerate(states):
        where = atlas.load_atlas().countries.get(state)
        if where is None:
            continue
        if path := country_paths(states)[state]:
            fill = f'fill="url(#map{now[n]})"' if now else 'data-look="map"'
            land.append(f'<path d="{path}" data-state="{n}" {fill} stroke="#000" stroke-width="3"/>')
            if state == chosen:
                above += f'<path d="{path}" fill="none" stroke="#000" stroke-width="16" pointer-events="none"/>'
        if where.dot:
            x, y = view.units(where.dot).tolist()
            own = [now[n]] if now else range(len(alignments))
            dots.append(draw_markers(n, "map", own, x, y, 22, 'stroke="#000" stroke-width="5"'))
            if state == chosen:
                above += f'<circle cx="{x}" cy="{y}" r="44" fill="none" stroke="#000" stroke-width="14"/>'
    below = draw_fills(alignments, 4.5, "map") + draw_ground(states)
    content = below + "".join(land) + draw_contested(states) + "".join(dots) + above + written
    return svg_document(WIDTH, round(view.height), content)


def draw_still(
    run: Run, step: int, chosen: str, bloc: str, names: Mapping[str, str], sizes: Mapping[str, float]
) -> str:
    """Draw the map of a step with the names of a few states; empty where a map does not suit the world."""
    if not atlas.drawable(run.states):
        return ""
    written, _ = name_map(run, [step], names, chosen, bloc, sizes, height=STILL_LABEL, most=STILL_LABELS)
    return draw_world(run.states, run.alignments, chosen, run.alignment[step].tolist(), written)


@dataclass(frozen=True)
class Ties:
    """The layout of a network: the place and size of each state, and the ties at the start."""

    places: Mapping[str, tuple[float, float]]
    ties: tuple[tuple[str, str, str, float], ...]  # kind, a, b, value
    sizes: Mapping[str, float]


def lay_out_network(scenario: Scenario) -> Ties:
    """Lay out states by their bonds (Fruchterman & Reingold 1991), then part those that overlap with their names.

    The same scenario gives the same layout.
    """
    graph = nx.Graph()
    graph.add_nodes_from(scenario.states)
    kinds = [tie for tie in scenario.ties if tie.kind in ("bond", "rivalry", "propensity") and tie.value > 0]
    for tie in kinds:
        if tie.kind != "rivalry":
            graph.add_edge(tie.a, tie.b, weight=tie.value)
    spread = 2.2 / math.sqrt(max(len(graph), 1))
    layout = nx.spring_layout(graph, k=spread, seed=1, iterations=120, weight="weight")
    grid = np.array([layout[state] for state in scenario.states])
    ranks = np.argsort(np.argsort(grid, axis=0), axis=0) / max(len(grid) - 1, 1)  # half by rank, so that few overlap
    low, span = grid.min(axis=0), np.ptp(grid, axis=0)
    unit = 0.45 * (grid - low) / np.where(span > 0, span, 1) + 0.55 * ranks
    total = sum(state.capability.value for state in scenario.states.values()) or 1.0
    sizes = {s: 13 + 34 * math.sqrt(record.capability.value / total) for s, record in scenario.states.items()}
    radii, letters = np.array([*sizes.values()]), np.array([len(one.name) for one in scenario.states.values()])
    across = np.maximum(1.2 * radii, NODE_LABEL * NODE_LETTER * letters / 2) + 3
    halves, below = np.stack([across, 1.2 * radii + NODE_LABEL / 2 + 3], axis=1), (0, NODE_LABEL / 2)
    parted = part_boxes(unit * np.array(NETWORK) + below, halves) - below
    places = {s: (x, y) for s, (x, y) in zip(scenario.states, parted.tolist(), strict=True)}
    drawn = [tie for tie in scenario.ties if tie.kind in ("bond", "rivalry", "sanction", "propensity")]
    return Ties(places, tuple((tie.kind, tie.a, tie.b, tie.value) for tie in drawn), sizes)


ROUNDS = 400  # in which boxes are parted


def part_boxes(middles: NDArray[np.float64], halves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part boxes that overlap by the shortest way, within the picture; of too many boxes some still overlap.

    Both are (n, 2), across and down: the middles of the boxes, and half of their sizes.
    """
    low, high = halves, np.maximum(np.array(NETWORK) - halves, halves)
    own = np.arange(len(middles))
    side = np.where(own[:, None] < own[None], -1.0, 1.0)[..., None]  # the later of two in one place goes right, down
    for _ in range(ROUNDS):
        middles = np.clip(middles, low, high)
        gaps = middles[:, None] - middles[None]
        over = halves[:, None] + halves[None] - np.abs(gaps)
        over[own, own] = 0.0
        together: NDArray[np.bool_] = np.logical_and(over[..., 0] > 0, over[..., 1] > 0)
        if not together.any():
            break
        shorter = over == over.min(axis=-1, keepdims=True)
        push = np.where(together[..., None] & shorter, 0.55 * over * np.where(gaps == 0, side, np.sign(gaps)), 0.0)
        middles = middles + push.sum(axis=1) / np.maximum(together.sum(axis=1), 1)[:, None]
    return np.clip(middles, low, high)


def draw_line(ties: Ties, a: str, b: str, style: str) -> str:
    """Draw a tie between two states as a straight line."""
    (x1, y1), (x2, y2) = ties.places[a], ties.places[b]
    return f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" {style}/>'


def draw_ties(ties: Ties) -> str:
    """Draw the stronger bonds, grey, and rivalries, red and dashed; width shows strength."""
    parts = []
    for kind, a, b, value in ties.ties:
        if kind == "bond" and value >= FAINTEST:
            parts.append(draw_line(ties, a, b, f'stroke="#999" stroke-width="{2 * value:.1f}" stroke-opacity="0.5"'))
        elif kind == "rivalry" and value >= FAINTEST:
            dashed = f'stroke="{HOSTILE}" stroke-width="{2 * value:.1f}" stroke-dasharray="7 5" stroke-opacity="0.7"'
            parts.append(draw_line(ties, a, b, dashed))
    return "".join(parts)


DASHES = {"bond": "", "rivalry": 'stroke-dasharray="9 6"', "sanction": 'stroke-dasharray="2 6"', "propensity": ""}


def draw_network(ties: Ties, base: str, alignments: Sequence[str], chosen: str, names: Mapping[str, str]) -> str:
    """Draw the network: the chosen state's ties dark over the others (`base`), each state in every alignment."""
    own = []
    for kind, a, b, value in ties.ties:
        if chosen in (a, b):
            colour = HOSTILE if kind in ("rivalry", "sanction") else "#000"
            own.append(
                draw_line(
                    ties, a, b, f'stroke="{colour}" stroke-width="{1 + 3 * min(abs(value), 1):.1f}" {DASHES[kind]}'
                )
            )
    nodes = []
    for n, (state, (x, y)) in enumerate(ties.places.items()):
        outline = f'stroke="#000" stroke-width="{5 if state == chosen else 1}"'
        nodes.append(draw_markers(n, "net", range(len(alignments)), x, y, ties.sizes[state], outline))
    content = draw_fills(alignments, 0.8, "net") + base + "".join(own) + "".join(nodes)
    return svg_document(*NETWORK, content + label_network(ties, chosen, names))


NAMED = 4  # of the largest states, which always have their names

NODE_LABEL, NODE_LETTER = 18, 0.58  # height of a name in the network, and the width of a letter as a part of it


def label_network(ties: Ties, chosen: str, names: Mapping[str, str]) -> str:
    """Write the names of states beside their markers, none over another name, and few over another marker.

    The chosen state and the largest always have theirs, then its partners. Where there is no place, the name is where
    the pointer rests on the state, and in the table.
    """
    partners = {one for _, a, b, _ in ties.ties if chosen in (a, b) for one in (a, b)}
    largest = {chosen, *sorted(ties.sizes, key=lambda one: -ties.sizes[one])[:NAMED]}
    order = sorted(ties.places, key=lambda one: (one not in largest, one not in partners, -ties.sizes[one]))
    markers = {state: box_around(*ties.places[state], 0.8 * ties.sizes[state]) for state in order}
    written: list[Box] = []
    labels = ""
    look = f'font-family="sans-serif" font-size="{NODE_LABEL}" text-anchor="middle" font-weight="bold"'
    halo = 'stroke="#fff" stroke-width="4" paint-order="stroke" stroke-linejoin="round" pointer-events="none"'
    for state in order:
        half, beside = NODE_LABEL * NODE_LETTER * len(names[state]) / 2, [markers[one] for one in order if one != state]
        places = places_beside(*ties.places[state], ties.sizes[state], half)
        free = [at for at in places if not overlaps(box_around(*at, half, NODE_LABEL / 2), written)]
        clear = [at for at in free if not overlaps(box_around(*at, half, NODE_LABEL / 2), beside)]
        for x, y in (clear or free * (state in largest))[:1]:
            written.append(box_around(x, y, half, NODE_LABEL / 2))
            labels += f'<text x="{x:.0f}" y="{y + NODE_LABEL / 3:.0f}" {look} {halo}>{escape(names[state])}</text>'
    return labels


def places_beside(x: float, y: float, radius: float, half: float) -> list[tuple[float, float]]:
    """List the middles of a name below, above and on both sides of a marker, as far as they are in the picture."""
    gap = NODE_LABEL / 2 + 2
    found = [(x, y + radius + gap), (x, y - radius - gap), (x + radius + half + 4, y), (x - radius - half - 4, y)]
    inside = [(min(max(a, half + 2), NETWORK[0] - half - 2), b) for a, b in found[:2]]
    inside += [(a, b) for a, b in found[2:] if half <= a <= NETWORK[0] - half]
    return [(a, b) for a, b in inside if gap <= b <= NETWORK[1] - gap]


def mark_dates(axes: Axes, dates: Sequence[str]) -> None:
    """Label an axis of steps with dates, each the end of a step from 0 on; without dates it keeps its steps."""
    if not dates:
        return
    days = mdates.datestr2num(list(dates))  # type: ignore[no-untyped-call]
    locator = locate_dates()
    ticks = [tick for tick in locator.tick_values(*mdates.num2date(days[[0, -1]])) if days[0] <= tick <= days[-1]]  # type: ignore[no-untyped-call]
    labels = mdates.ConciseDateFormatter(locator, show_offset=False).format_ticks(ticks)  # type: ignore[no-untyped-call]
    axes.set_xticks(np.interp(ticks, days, np.arange(len(days))), labels)
    axes.set_xlabel("")


DRAWING = threading.Lock()  # matplotlib has one style per process, and every reader has a thread


@dataclass(frozen=True)
class Chart:
    """A chart over the steps, and where the browser marks the current step."""

    svg: str
    frame: tuple[float, float, float, float]  # left, right, top and bottom of the axes, shares of width and height
    limits: tuple[float, float]  # first and last step of the axis


def draw_chart(width: float, height: float, draw: Callable[[Axes], None]) -> Chart:
    """Draw a chart of one axes by a function of `charts`."""
    with DRAWING, matplotlib.rc_context(STYLE):
        figure, (axes,) = new_figure(width, height)
        draw(axes)
        text = render_figure(figure, "svg").decode()
    box, (low, high) = axes.get_position(), axes.get_xlim()
    frame = (float(box.x0), float(box.x1), 1 - float(box.y1), 1 - float(box.y0))
    return Chart(follow_theme(text[text.index("<svg") :]), frame, (float(low), float(high)))
