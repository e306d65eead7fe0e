"""Laws of the map: its outlines, its projection and its drawing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch

from sim.reporting import charts, maps
from sim.reporting.chapters import mapping
from sim.reporting.land import atlas, views
from sim.scenario.loading import load_scenario, shipped_folder

STATES = list(load_scenario("baseline_2023").states)
CONTESTED_PLACES = {
    "Simferopol": (34.1, 45.0),
    "Sevastopol": (33.7, 44.7),
    "El Aaiún": (-13.1, 27.1),
    "Dakhla": (-15.5, 23.7),
    "Tifariti": (-10.6, 26.2),
    "Katzrin": (35.7, 33.0),
    "Pristina": (21.2, 42.7),
}
PLACES = {
    "USA": (-100, 40),
    "RUS": (100, 60),
    "MAR": (-7, 32),
    "ISR": (34.9, 31.0),
    "SRB": (20.5, 44),
    "FJI": (178, -18),
}


def rings() -> Iterator[tuple[str, np.ndarray]]:
    """Yield every ring of the file with the name of its land."""
    for layer in (atlas.load_atlas().countries, atlas.load_atlas().contested):
        for name, land in layer.items():
            yield from ((name, ring) for polygon in land.polygons for ring in polygon)


def draw_shares(shares: dict[str, float], *, width: float = 10, key: bool = True) -> Axes:
    figure, (axes,) = charts.new_figure(width, 0.6 * width)
    maps.draw_world_map(axes, shares, label="P(front)", key=key)
    figure.draw_without_rendering()
    return axes


def patches(axes: Axes) -> dict[str, PathPatch]:
    """Return the patches on the map by id; hatching is a patch of its own."""
    return {p.get_gid(): p for p in axes.patches if isinstance(p, PathPatch)}


def dots(axes: Axes) -> dict[str, Line2D]:
    return {line.get_gid(): line for line in axes.lines}


def filled_at(axes: Axes, place: tuple[float, float]) -> list[str]:
    """Return the ids of the coloured patches at a place, in degrees."""
    point = atlas.project(place)
    land = {name: p for name, p in patches(axes).items() if not name.startswith("hatch-")}
    return [name for name, p in land.items() if p.get_path().contains_point(point)]


# The file


def test_article_states_on_map() -> None:
    assert len(STATES) == 52
    for state in STATES:
        land = atlas.load_atlas().countries[state]
        assert land.polygons or land.dot, state


def test_dots_of_small_countries() -> None:
    for state in ("ISR", "NLD", "TWN", "SGP", "FJI"):
        assert atlas.load_atlas().countries[state].dot, state
    for state in ("USA", "FRA", "KOR"):
        assert atlas.load_atlas().countries[state].dot is None, state
    for state, land in atlas.load_atlas().countries.items():
        assert land.polygons or land.dot, state


def test_rings_closed_and_in_tenths_of_degrees() -> None:
    for name, ring in rings():
        assert ring.shape[0] >= 4, name
        assert ring.shape[1] == 2, name
        np.testing.assert_array_equal(ring[0], ring[-1], err_msg=name)
        assert (np.abs(ring) <= [180, 90]).all(), name
        np.testing.assert_allclose(ring * 10, np.rint(ring * 10), atol=1e-9, err_msg=name)
    for land in atlas.load_atlas().countries.values():
        assert land.dot is None or (abs(land.dot[0]) <= 180 and abs(land.dot[1]) <= 90)


def test_no_edge_crosses_antimeridian() -> None:
    for name, ring in rings():
        assert np.abs(np.diff(ring[:, 0])).max() <= 180, name
    for state in ("RUS", "FJI"):
        ends = [ring[:, 0] for name, ring in rings() if name == state]
        assert min(x.min() for x in ends) == -180, state
        assert max(x.max() for x in ends) == 180, state


def test_file_size_source_and_licence() -> None:
    path = shipped_folder() / "map" / "countries.json"
    assert path.stat().st_size <= 170_000
    head = path.read_text(encoding="utf-8")[:600]
    assert "Natural Earth" in head
    assert "world-atlas" in head
    assert "public domain" in head


def area_km2(state: str) -> float:
    """Return a country's area from its outlines on the equal-area map, whose unit is the earth's radius."""
    total = 0.0
    for polygon in atlas.load_atlas().countries[state].polygons:
        for ring in polygon:
            x, y = atlas.project(ring).T
            total += float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2
    return abs(total) * 6371**2


@pytest.mark.parametrize(
    ("state", "km2"),
    [("USA", 9.5e6), ("RUS", 17.1e6), ("BRA", 8.5e6), ("MLI", 1.24e6), ("ZAF", 1.22e6)],
)
def test_country_areas(state: str, km2: float) -> None:
    """With holes and cuts: South Africa excludes Lesotho, a fortieth of it, and Russia includes Chukotka."""
    assert area_km2(state) == pytest.approx(km2, rel=0.02)


# The projection


def test_projection_by_hand() -> None:
    """At the equator θ = 0 and x = 2√3 λ / 3 A₁; at the pole θ = π/3 and y = A₁θ + A₂θ³ + A₃θ⁷ + A₄θ⁹ = 1.31736."""
    np.testing.assert_allclose(atlas.project((180, 0)), [2 * math.sqrt(3) * math.pi / (3 * 1.340264), 0], atol=1e-12)
    np.testing.assert_allclose(atlas.project((0, 90)), [0, 1.3173627591574], atol=1e-12)
    np.testing.assert_array_equal(atlas.project((0, 0)), [0, 0])


@given(st.floats(-179, 179), st.floats(-88, 88))
def test_projection_keeps_areas_and_mirrors(east: float, north: float) -> None:
    h = 1e-4
    right, left = atlas.project((east + h, north)), atlas.project((east - h, north))
    up, down = atlas.project((east, north + h)), atlas.project((east, north - h))
    (a, b), (c, d) = (right - left) / (2 * math.radians(h)), (up - down) / (2 * math.radians(h))
    assert a * d - b * c == pytest.approx(math.cos(math.radians(north)), rel=1e-4)
    np.testing.assert_allclose(atlas.project((-east, -north)), -atlas.project((east, north)), atol=1e-12)


# The drawing


def test_colour_and_hatching_by_share() -> None:
    steps = [0.0, 0.2, 0.5, 0.8, 1.0]
    axes = draw_shares(dict(zip(("USA", "CAN", "MEX", "BRA", "ARG"), steps, strict=True)))
    faces = [patches(axes)[f"state-{state}"].get_facecolor() for state in ("USA", "CAN", "MEX", "BRA", "ARG")]
    grey = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b, _ in faces]
    assert all(after - before > 0.05 for before, after in pairwise(grey)), grey
    hatched = {name: p.get_hatch() for name, p in patches(axes).items() if name.startswith("hatch-")}
    assert hatched.keys() == {"hatch-MEX", "hatch-BRA", "hatch-ARG"}
    assert hatched["hatch-MEX"] != hatched["hatch-BRA"] == hatched["hatch-ARG"]


def test_share_classes_at_bounds() -> None:
    shares = [0, 0.333, 1 / 3, 2 / 3, 0.667, 1]
    assert [maps.share_class(share) for share in shares] == [0, 0, 1, 1, 2, 2]


def test_dot_colour_and_shape() -> None:
    axes = draw_shares({"ISR": 0.1, "TWN": 0.5, "NLD": 0.9, "SGP": math.nan})
    found = dots(axes)
    assert found.keys() == {"dot-ISR", "dot-TWN", "dot-NLD", "dot-SGP"}
    assert len({found[f"dot-{state}"].get_marker() for state in ("ISR", "TWN", "NLD")}) == 3
    for state in ("ISR", "TWN", "NLD", "SGP"):
        face = to_hex(patches(axes)[f"state-{state}"].get_facecolor())
        assert to_hex(found[f"dot-{state}"].get_color()) == face, state


def test_distinct_looks_without_value_or_state() -> None:
    found = patches(draw_shares({"USA": 0.5, "BRA": math.nan}))
    looks = [
        to_hex(found[name].get_facecolor()) for name in ("state-USA", "state-BRA", "other-land", "contested-Crimea")
    ]
    assert len(set(looks)) == 4
    assert "hatch-BRA" not in found
    assert all(p.get_hatch() for name, p in found.items() if name.startswith("contested-"))


@pytest.fixture(scope="module")
def coloured() -> Axes:
    """Return a map of a world of every country."""
    return draw_shares(dict.fromkeys(atlas.load_atlas().countries, 1.0))


@pytest.mark.parametrize("place", CONTESTED_PLACES)
def test_contested_land_has_no_state_colour(place: str, coloured: Axes) -> None:
    (name,) = filled_at(coloured, CONTESTED_PLACES[place])
    assert name.startswith("contested-")


@pytest.mark.parametrize("state", PLACES)
def test_state_at_its_place(state: str, coloured: Axes) -> None:
    assert filled_at(coloured, PLACES[state]) == [f"state-{state}"]


@pytest.mark.parametrize("width", [10, 4])
def test_text_within_figure_without_overlap(width: float) -> None:
    tribes = list(load_scenario("tribes_gahuku_gama").states)
    axes = draw_shares(dict.fromkeys([*STATES, *tribes], 0.5), width=width)
    page, legend = axes.figure.bbox, axes.get_legend().get_window_extent()
    bar = axes.figure.axes[1].get_tightbbox()
    for box in (legend, bar):
        assert box.x0 >= page.x0
        assert box.x1 <= page.x1
        assert box.y0 >= page.y0
    assert legend.y0 >= bar.y1
    assert legend.y1 <= axes.get_window_extent().y1
    words = axes.get_legend().get_title().get_text()
    assert "endorse none" in words
    assert f"Not on the map: {', '.join(tribes)}." in words.replace("\n", " ")
    assert axes.figure.axes[1].get_xlabel() == "P(front)"


def test_region_shows_no_continent_more() -> None:
    """A world of Europe gets Europe, on the map of the report as on that of a history."""
    states = ("FRA", "DEU", "POL", "ITA", "MLT")
    view = views.choose_view(states)
    _, (axes,) = charts.new_figure(6, 4)
    maps.draw_alignment_map(axes, dict.fromkeys(states, "a"), {"a": "#000"}, {"a": "A"}, view=view)
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    for place in ((2, 47), (12, 42), (20, 52), (14.4, 35.9)):
        x, y = view.plane(place)
        assert west < x < east
        assert south < y < north
        across, down = view.units(place)
        assert 0 < across < views.WIDTH
        assert 0 < down < view.height
    for place in ((-60, 0), (100, 35), (20, -10)):
        x, y = view.plane(place)
        assert not (west < x < east and south < y < north)


def test_map_of_changes_diverges_and_hatches_what_may_be_chance() -> None:
    _, (axes,) = charts.new_figure(6, 4)
    changes = {"USA": -0.3, "CAN": 0.0, "MEX": 0.3, "BRA": 0.2, "ARG": 0.001, "CHL": math.nan}
    maps.draw_change_map(axes, changes, {"USA", "MEX"}, most=0.3, label="change")
    found = patches(axes)
    less, none, more = (found[f"state-{state}"].get_facecolor() for state in ("USA", "CAN", "MEX"))
    assert less[2] > less[0]
    assert more[0] > more[2]
    assert min(none[:3]) > 0.9
    assert {name for name in found if name.startswith("hatch-")} == {"hatch-BRA"}
    assert to_hex(found["state-CHL"].get_facecolor()) == maps.NO_VALUE.lower()


def test_map_without_key() -> None:
    axes = draw_shares({"USA": 0.5}, key=False)
    assert axes.get_legend() is None
    assert len(axes.figure.axes) == 1


@pytest.mark.parametrize("share", [-0.1, 1.1, 50, math.inf])
def test_share_out_of_range_refused(share: float) -> None:
    with pytest.raises(ValueError, match="unlike those of USA"):
        draw_shares({"USA": share, "RUS": 0.5})


def test_map_needs_world_of_countries() -> None:
    assert atlas.drawable(STATES)
    assert atlas.drawable(["USA", "AUH"])
    assert not atlas.drawable(["USA", "AUH", "SUN"])
    assert not atlas.drawable(list(load_scenario("tribes_gahuku_gama").states))
    assert not atlas.drawable([])
    assert atlas.mapped_states(["SUN", "ZAF", "USA"]) == ["ZAF", "USA"]


@pytest.mark.parametrize(("share", "said"), [(0.1, ""), (0.5, "Hatched: more than a third."), (0.9, "Crossed")])
def test_caption_names_the_hatches_and_marks_that_are_drawn(share: float, said: str) -> None:
    """Nothing is called hatched where nothing is, and marks have a legend where a small state has one."""
    scenario = load_scenario("baseline_2023")
    shares = {state: {"front": share} for state in ("USA", "CHN")}
    picture = mapping.map_of_end(scenario, shares, "front", "Front", views.world_view(), "then")
    assert picture.caption == said or (said and picture.caption.startswith(said))
    small = {"QAT": {"front": share}}
    with_mark = mapping.map_of_end(scenario, small, "front", "Front", views.world_view(), "then").caption
    assert "A small state is a mark: triangle pointing down for less than a third, hexagon for up to two" in with_mark


@pytest.mark.parametrize(
    ("change", "clear", "hatched"), [(0.1, True, False), (0.1, False, True), (0.001, False, False)]
)
def test_hatching_of_changes_is_captioned_where_it_is_drawn(change: float, clear: bool, hatched: bool) -> None:
    rows = pd.DataFrame([{"state": "BRA", "difference": change, "clear": clear}])
    picture = mapping.map_of_changes(
        rows,
        load_scenario("baseline_2023"),
        "A",
        bloc_name="Front",
        most=0.3,
        view=views.world_view(),
        when="then",
        key="k",
    )
    assert ("Hatched: the change may be chance." in picture.caption) is hatched
