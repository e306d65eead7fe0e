"""Names of states on the map: where there is place, those that the reader looks for first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from xml.sax.saxutils import escape

import numpy as np

from sim.model.trajectory import Run
from sim.reporting.land import atlas
from sim.reporting.land.views import WIDTH, choose_view

Box = tuple[float, float, float, float]  # left, top, right and bottom

Place = tuple[str, float, float]  # a state, and the middle of its name

LABEL, LABEL_LETTER = 88, 0.56  # height of a name on the map, and the width of a letter as a part of it

LABEL_LINE = 1.3  # height of a line of names, with white around it, as a part of a name's

MOST_LABELS = 24

STILL_LABEL, STILL_LABELS = 112, 12  # of a small map


def box_around(x: float, y: float, across: float, down: float | None = None) -> Box:
    """Return the box around a place, that far to each side."""
    down = across if down is None else down
    return x - across, y - down, x + across, y + down


def overlaps(box: Box, others: Iterable[Box]) -> bool:
    """Whether a box overlaps another one."""
    return any(a[0] < box[2] and box[0] < a[2] and a[1] < box[3] and box[1] < a[3] for a in others)


@lru_cache(maxsize=8)
def land_middles(states: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Return the middle of the largest part of each state's land on the map of its world, in map units."""
    view, countries, found = choose_view(states), atlas.load_atlas().countries, {}
    for state in atlas.mapped_states(states):
        if polygons := [one for one in countries[state].polygons if view.shows(one[0])]:
            corners = max((view.units(one[0]) for one in polygons), key=lambda one: np.prod(np.ptp(one, axis=0)))
            x, y = ((corners.min(axis=0) + corners.max(axis=0)) / 2).tolist()
            found[state] = (x, y)
    return found


def place_names(
    states: tuple[str, ...], order: Sequence[str], first: Collection[str], names: Mapping[str, str], height: int,
    most: int,
) -> list[Place]:  # fmt: skip
    """Place names on the map in their order, where they do not overlap; those of `first` may move aside."""
    middles, tall = land_middles(states), height * LABEL_LINE / 2
    found: list[Place] = []
    boxes: list[Box] = []
    for state in (one for one in order if one in middles):
        (x, y), half = middles[state], height * LABEL_LETTER * len(names[state]) / 2
        aside = [(0, 2 * tall), (0, -2 * tall), (half + tall, 0), (-half - tall, 0), (0, 4 * tall), (0, -4 * tall)]
        for dx, dy in [(0, 0), *(aside if state in first else [])]:
            box = box_around(x + dx, y + dy, half, tall)
            inside = box[0] > 0 and box[2] < WIDTH and box[1] > 0 and box[3] < choose_view(states).height
            if inside and not overlaps(box, boxes):
                boxes.append(box)
                found.append((state, x + dx, y + dy))
                break
        if len(found) == most:
            break
    return found


def order_names(run: Run, step: int, chosen: str, bloc: str, sizes: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Order states by what the reader looks for, and list those that a name is due to.

    The chosen state is first, then those that just moved, the members of the bloc in question, those that moved before,
    and the largest.
    """
    now, before, start = run.alignment[step], run.alignment[max(step - 1, 0)], run.alignment[0]
    member = now == run.alignments.index(bloc) if bloc in run.alignments else np.zeros(len(now), dtype=bool)
    ranks = {
        state: (state != chosen, now[n] == before[n], not member[n], now[n] == start[n], -sizes.get(state, 0.0))
        for n, state in enumerate(run.states)
    }
    order = sorted(run.states, key=lambda state: ranks[state])
    return order, [state for state in order if not all(ranks[state][:4])]


def write_name(place: Place, name: str, height: int, mark: str = "") -> str:
    """Write a name on the map."""
    _, x, y = place
    look = f'font-family="sans-serif" font-size="{height}" text-anchor="middle" pointer-events="none"'
    halo = 'stroke="#fff" stroke-width="18" paint-order="stroke" stroke-linejoin="round"'
    return f'<text class="label"{mark} x="{x:.0f}" y="{y + height / 3:.0f}" {look} {halo}>{escape(name)}</text>'


def name_map(
    run: Run, steps: Sequence[int], names: Mapping[str, str], chosen: str, bloc: str, sizes: Mapping[str, float], *,
    height: int = LABEL, most: int = MOST_LABELS,
) -> tuple[str, list[list[int]]]:  # fmt: skip
    """Write the names that the map has at some of the steps, and list for each step which of them it has."""
    places: dict[Place, int] = {}
    placed: dict[tuple[tuple[str, ...], int], list[int]] = {}  # most steps have the names of the one before
    shown = []
    for step in steps:
        order, first = order_names(run, step, chosen, bloc, sizes)
        key = (tuple(order), len(first))
        if key not in placed:
            found = place_names(run.states, order, first, names, height, most)
            placed[key] = [places.setdefault(place, len(places)) for place in found]
        shown.append(placed[key])
    written = (write_name(one, names[one[0]], height, f' data-name="{n}"') for one, n in places.items())
    return "".join(written), shown
