"""The map of a history as SVG: land and marks are drawn once, and every map uses them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sim.reporting.labels import shorten_middle
from sim.reporting.land import atlas
from sim.reporting.land.views import WIDTH, View, choose_view, land_outline, main_places, rest_outline
from sim.reporting.story.marks import draw_fills, draw_marker

RADIUS = 30  # of a small state's mark, in map units

NAME_SIZE, LETTER, NAME_LETTERS = 62, 0.58, 20  # of a name on land: map units, width over size, and letters

HATCH = {"fill": 0.9, "land": 6.5}  # units of a hatching's tenth in keys and charts, and on maps


@dataclass(frozen=True)
class StoryMap:
    """The map of a world.

    Parameters
    ----------
    shapes
        What maps, keys and charts use by id: `fill0` and `land0`, … are the hatchings of the alignments.
    view
        The part of the globe that it shows.
    placed
        Index of each state on the map.
    missing
        Index of each state that is not on the map; all, where a map does not suit the world.
    """

    shapes: Markup
    view: View
    placed: tuple[int, ...]
    missing: tuple[int, ...]

    @property
    def box(self) -> str:
        """Its viewBox."""
        return f"0 0 {WIDTH} {self.view.height:.0f}"


def draw_picture(states: Sequence[str], alignments: Sequence[str]) -> StoryMap:
    """Draw what the maps of a world use."""
    view = choose_view(tuple(states))
    mapped = set(atlas.mapped_states(states)) if atlas.drawable(states) else set()
    placed = tuple(n for n, state in enumerate(states) if state in mapped)
    missing = tuple(n for n, state in enumerate(states) if state not in mapped)
    parts = [draw_fills(alignments, size, look) for look, size in HATCH.items()]
    if placed:
        markers = "".join(f'<g id="mark{k}">{draw_marker(k, 0, 0, RADIUS, LINE)}</g>' for k in range(len(alignments)))
        lands = "".join(
            f'<path id="state{n}" d="{outline}" {LINE}/>'
            for n in placed
            if (outline := land_outline(atlas.load_atlas().countries[states[n]], view))
        )
        rest = f'<path id="rest" d="{rest_outline(states, view)}" {LINE}/>'
        contested = "".join(land_outline(land, view) for land in atlas.load_atlas().contested.values())
        parts.append(f'<defs>{DOTS}{markers}{lands}{rest}<path id="contested" d="{contested}" {LINE}/></defs>')
    return StoryMap(Markup("".join(parts)), view, placed, missing)  # noqa: S704 - ids and numbers only


LINE = 'vector-effect="non-scaling-stroke"'  # borders have one width at every size of a map

DOTS = (
    '<pattern id="dots" width="40" height="40" patternUnits="userSpaceOnUse">'
    '<rect class="blank" width="40" height="40"/><circle class="dot" cx="20" cy="20" r="8"/></pattern>'
)


def write_names(picture: StoryMap, states: Sequence[str], names: Sequence[str], order: Sequence[int]) -> Markup:
    """Write names of states on their land, in this order, each where no mark and no earlier name is.

    The name of a state with a mark is below the mark.
    """
    known, written = atlas.load_atlas().countries, []
    marks = {n: picture.view.units(dot).tolist() for n in picture.placed if (dot := known[states[n]].dot)}
    taken = [(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in marks.values()]
    for n in order:
        if n not in picture.placed:
            continue
        land = picture.view.units(main_places(known[states[n]]))
        x, y = ((land.min(axis=0) + land.max(axis=0)) / 2).tolist()
        if n in marks:
            x, y = marks[n][0], marks[n][1] + RADIUS + 0.7 * NAME_SIZE
        name = shorten_middle(names[n], NAME_LETTERS)
        across, up = len(name) * NAME_SIZE * LETTER / 2, NAME_SIZE * 0.6
        box = (x - across, y - up, x + across, y + up)
        if box[0] < 0 or box[1] < 0 or box[2] > WIDTH or box[3] > picture.view.height:
            continue
        if any(box[0] < right and left < box[2] and box[1] < low and high < box[3] for left, high, right, low in taken):
            continue
        taken.append(box)
        written.append(
            Markup('<text class="land-name" x="{:.0f}" y="{:.0f}" font-size="{}">{}</text>').format(
                x, y + NAME_SIZE / 3, NAME_SIZE, name
            )
        )
    return Markup('<g aria-hidden="true">{}</g>').format(Markup("").join(written))


def draw_map(
    picture: StoryMap, states: Sequence[str], alignment: Sequence[int], labels: Mapping[int, str] | None = None
) -> Markup:
    """Draw a map of alignments, as the content of an SVG element; labels by state make its states options of a list."""
    parts = ['<use href="#rest" class="rest"/>']
    marks = []
    for n in picture.placed:
        where, k = atlas.load_atlas().countries[states[n]], alignment[n]
        role = "" if labels is None else Markup(' role="option" tabindex="-1" aria-label="{}"').format(labels[n])
        land = f'<use href="#state{n}"/>' if land_outline(where, picture.view) else ""
        head = f'<g class="state" data-state="{n}" fill="url(#land{k})"{role}>'
        if where.dot:
            x, y = picture.view.units(where.dot).tolist()
            mark = f'<g class="mark" transform="translate({x} {y})"><use href="#mark{k}"/></g>'
            marks.append(f"{head}{land}{mark}</g>")
        else:
            parts.append(f"{head}{land}</g>")
    return Markup("".join([*parts, '<use href="#contested" class="contested"/>', *marks]))  # noqa: S704 - escaped above
