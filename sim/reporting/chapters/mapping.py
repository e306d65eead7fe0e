"""Maps of the report: the start, the baseline's end, and the change of chance in each scenario with a clear change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim.reporting import figures, maps
from sim.reporting.colours import alignment_colours
from sim.reporting.dated.words import rounded
from sim.reporting.labels import list_names
from sim.reporting.land import atlas
from sim.reporting.land.tiles import Tiles, place_tiles
from sim.reporting.land.views import View, choose_view
from sim.scenario.schema import Scenario, State

WIDTH, LARGE_WIDTH = 4.6, 5.4  # inches of a map of changes, and of the others

KEY_HEIGHT = 0.6

DARKEST = 0.3  # change with the darkest colour, on every map

MOST_MAPS = 6  # of changes

SMALLEST = 0.005  # change that is named

NAMED = 6

SHAPES = {
    "o": "circle", "s": "square", "D": "diamond", "v": "triangle pointing down", "h": "hexagon",
    "^": "triangle pointing up", "*": "star", "X": "cross",
}  # fmt: skip

CLASS_WORDS = ("hatched: more than a third", "crossed: more than two thirds")


@dataclass(frozen=True)
class DrawnMaps:
    """The maps of a report: pictures, names of the scenarios with a map of changes, and of those without."""

    pictures: Sequence[figures.Picture]
    drawn: Sequence[str]
    undrawn: Sequence[str]


def draw_maps(
    scenario: Scenario, shares: figures.Shares, states: pd.DataFrame, names: Mapping[str, str], bloc: str,
    known: Mapping[str, str], *, when: str, kind: str = "land",
) -> DrawnMaps:  # fmt: skip
    """Draw the start, the baseline's end, and the changes in the scenarios that clearly change a bloc's members.

    Parameters
    ----------
    scenario
        The baseline.
    shares
        Share of runs of each alignment, by design, state and alignment.
    states
        The rows of `compare_states`.
    names
        Title of each design, the baseline first.
    bloc
        Id of the bloc.
    known
        Names of the alignments, by id.
    when
        The date or steps that shares are of.
    kind
        What each state is drawn as: "land", or "tiles" of equal size at about their places.

    Returns
    -------
    DrawnMaps
        No pictures of land where most states are not on the map.
    """
    base, *others = names
    rows = states[(states["alignment"] == bloc) & states["scenario"].isin(others)]
    clear = rows[rows["clear"] & (rows["difference"].abs() >= SMALLEST)]
    order = clear["difference"].abs().groupby(clear["scenario"]).sum().sort_values(ascending=False, kind="stable").index
    drawn = [str(design) for design in order[:MOST_MAPS]]
    undrawn = [names[design] for design in others if design not in set(order)]
    if kind == "land" and not atlas.drawable(scenario.states):
        return DrawnMaps((), [names[design] for design in drawn], undrawn)
    view = place_tiles(tuple(scenario.states)) if kind == "tiles" else choose_view(tuple(scenario.states))
    pictures = (
        []
        if any(state.initial not in known for state in scenario.states.values())
        else [map_of_start(scenario, known, view)]
    )
    pictures.append(map_of_end(scenario, shares[base], bloc, known[bloc], view, when))
    most = min(DARKEST, max(0.1, float(np.ceil(10 * clear["difference"].abs().max()) / 10))) if drawn else DARKEST
    pictures += [
        map_of_changes(rows[rows["scenario"] == design], scenario, names[design], bloc_name=known[bloc], most=most,
                       view=view, when=when, key=f"map{n}")
        for n, design in enumerate(drawn)
    ]  # fmt: skip
    return DrawnMaps(pictures, [names[design] for design in drawn], undrawn)


def mark_words(states: Collection[str], view: View | Tiles, shapes: Mapping[str, str]) -> str:
    """Say what the mark of a small state means, by marker; empty where no state has a mark."""
    countries = atlas.load_atlas().countries
    if isinstance(view, Tiles) or not any(countries[one].dot for one in atlas.mapped_states(states)):
        return ""
    said = ", ".join(f"{SHAPES[marker]} for {meaning}" for marker, meaning in shapes.items())
    return f"A small state is a mark: {said}."


def caption_of(*parts: str) -> str:
    """Join the parts of a caption that are not empty."""
    return " ".join(part for part in parts if part)


def embed_map(
    axes: Axes, view: View | Tiles, states: Mapping[str, State], key: str, *, title: str, caption: str, description: str
) -> figures.Picture:
    """Return land as an image, and tiles as SVG, in which each tile has the name of its state."""
    if isinstance(view, View):
        return figures.embed_png(axes, title=title, caption=caption, description=description, dots=200)
    tips = {f"{part}-{id}": state.name for id, state in states.items() for part in ("tile", "hatch", "id")}
    return figures.inline_svg(axes, key, title=title, caption=caption, description=description, tips=tips)


def figure_size(view: View | Tiles, width: float) -> tuple[float, float]:
    """Return the inches of a map with its key."""
    return width, min(width * view.aspect, 1.2 * width) + KEY_HEIGHT


def map_of_start(scenario: Scenario, known: Mapping[str, str], view: View | Tiles) -> figures.Picture:
    """Draw the alignment of each state at the start."""
    starts = {key: str(state.initial) for key, state in scenario.states.items()}
    order = {one: known[one] for one in (*scenario.blocs, "non_aligned")}
    with figures.draw_axes(*figure_size(view, LARGE_WIDTH)) as axes:
        maps.draw_alignment_map(axes, starts, alignment_colours(scenario.blocs), order, view=view)
    counts = "; ".join(f"{name} {sum(one == key for one in starts.values())}" for key, name in order.items())
    present = [name for key, name in order.items() if key in set(starts.values())]
    shapes = dict(zip(maps.MARKERS, present, strict=False)) if len(present) <= len(maps.MARKERS) else {}
    caption = mark_words(starts, view, shapes) if shapes else ""
    title = f"The start{', ' + scenario.date if scenario.date else ''}: {counts} states."
    description = f"Map of the alignment of each state. {title}"
    return embed_map(axes, view, scenario.states, "map-start", title=title, caption=caption, description=description)


def map_of_end(
    scenario: Scenario, shares: Mapping[str, Mapping[str, float]], bloc: str, bloc_name: str, view: View | Tiles,
    when: str,
) -> figures.Picture:  # fmt: skip
    """Draw the share of the baseline's runs in which each state is in the bloc."""
    chances = {state: share.get(bloc, 0.0) for state, share in shares.items()}
    with figures.draw_axes(*figure_size(view, LARGE_WIDTH)) as axes:
        scale = maps.draw_looks(axes, {key: maps.look_of_share(one) for key, one in chances.items()}, view)
        maps.draw_share_bar(axes, f"share of runs in “{bloc_name}”", scale)
    often = sum(share > 0.5 for share in chances.values())
    title = f"The baseline {when}: {often} states are in “{bloc_name}” in more than half of the runs."
    description = f"Map of the share of runs in {bloc_name}. {title} {figures.describe_extremes(chances)}"
    seen = {maps.share_class(share) for share in chances.values()}
    hatches = [words for size, words in enumerate(CLASS_WORDS, 1) if size in seen]
    classes = dict(zip(maps.SHARE_MARKERS, ("less than a third", "up to two thirds", "more"), strict=True))
    marks = mark_words(chances, view, classes)
    caption = caption_of(f"{'; '.join(hatches)}.".capitalize() if hatches else "", marks)
    return embed_map(axes, view, scenario.states, "map-end", title=title, caption=caption, description=description)


def map_of_changes(
    rows: pd.DataFrame,
    scenario: Scenario,
    name: str,
    *,
    bloc_name: str,
    most: float,
    view: View | Tiles,
    when: str,
    key: str,
) -> figures.Picture:
    """Draw how a scenario changes the share of runs in which each state is in the bloc."""
    changes = {str(row.state): float(row.difference) for row in rows.itertuples() if row.state in scenario.states}
    clear = set(rows.loc[rows["clear"], "state"])
    with figures.draw_axes(*figure_size(view, WIDTH)) as axes:
        maps.draw_change_map(axes, changes, clear, most=most, label=f"change of the share in “{bloc_name}”", view=view)
    title = (
        f"{name} changes how often a state is in “{bloc_name}” {when}: {words_of_changes(changes, clear, scenario)}."
    )
    hatched = any(maps.is_hatched(change, most, clear=state in clear) for state, change in changes.items())
    shapes = {maps.CLEAR_MARKER: "a clear change", maps.UNCLEAR_MARKER: "none, or one that may be chance"}
    marks = mark_words(changes, view, shapes)
    caption = caption_of("Hatched: the change may be chance." if hatched else "", marks)
    description = f"Map of changes. {title}"
    return embed_map(axes, view, scenario.states, key, title=title, caption=caption, description=description)


def words_of_changes(changes: Mapping[str, float], clear: Collection[str], scenario: Scenario) -> str:
    """Name the states with the largest clear changes, in 100 runs."""
    order = sorted((one for one in clear if one in changes), key=lambda one: (-abs(changes[one]), one))
    said = [f"{scenario.states[one].name} {rounded(changes[one], signed=True)}" for one in order[:NAMED]]
    more = f" and {len(order) - NAMED} more" if len(order) > NAMED else ""
    return f"{list_names(said)}{more}, in runs of 100"
