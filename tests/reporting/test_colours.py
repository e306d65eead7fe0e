"""The colour of a bloc depends on the bloc and its world only."""

from __future__ import annotations

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import sim
from sim.analysis.compare import read_sample
from sim.app.cache import RunSample, svg_bands, svg_charts
from sim.app.player import drawing
from sim.app.player.frames import frame_data
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.model import compiled
from sim.reporting import charts, figures, maps
from sim.reporting import page as report_page
from sim.reporting.chapters import drawing as chapters
from sim.reporting.chapters import mapping
from sim.reporting.colours import BLOC_COLOURS, LUMINANCE, SHARE_COLOURS, alignment_colours, ink_on
from sim.reporting.labels import label_alignments, label_history, label_theatres
from sim.scenario.loading import load_scenario
from sim.scenario.schema import MAX_BLOCS

BASE = load_scenario("baseline_2023")
NAMES = label_alignments(BASE)
COLOURS = {"us_led": "#0072b2", "front": "#e69f00", "non_aligned": "#8c8c8c"}  # blue, orange, grey
BY_NAME = {NAMES[alignment]: colour for alignment, colour in COLOURS.items()}
ORDERS = (("us_led", "front", "non_aligned"), ("front", "us_led", "non_aligned"), ("non_aligned", "front"), ("front",))


def legend_colours(svg: str) -> dict[str, str]:
    """Return the colour of the line beside each name in the legend of a chart."""
    root = ElementTree.fromstring(svg)  # noqa: S314
    (legend,) = [node for node in root.iter() if re.search(r"legend_\d+$", node.get("id", ""))]
    found, colour = {}, ""
    for node in legend.iter():
        if node.tag.endswith("path") and (strokes := re.findall("stroke: (#[0-9a-f]{6})", node.get("style", ""))):
            colour = strokes[0]
        elif node.tag.endswith("text") and node.text:
            found[node.text] = colour
    return found


def label_colours(svg: str) -> dict[str, str]:
    """Return the colour of the stroke to each name at the end of a line of a chart."""
    nodes = {node.get("id", "").rpartition("-")[2]: node for node in ElementTree.fromstring(svg).iter()}  # noqa: S314
    names = {
        key[4:]: " ".join("".join(node.itertext()).split()[:-1])
        for key, node in nodes.items()
        if re.match(r"name\d", key)
    }
    strokes = {
        key: re.findall(r"stroke: (#[0-9a-f]{6})", ElementTree.tostring(nodes[f"stroke{key}"], "unicode"))[0]
        for key in names
    }
    return {name: strokes[key] for key, name in names.items()}


def pattern_colours(svg: str) -> list[str]:
    """Return the colours of the patterns of a picture of the app: non-aligned, then each bloc."""
    patterns = [node for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("pattern")]  # noqa: S314
    return [node[0].get("fill", "").lower() for node in patterns if node.get("id", "")[-1].isdigit()]


def steps_table(**shares: float) -> pd.DataFrame:
    """Return two runs over three steps with constant shares."""
    rows = [{"step": step, "replicate": replicate, **shares} for step in range(3) for replicate in range(2)]
    return pd.DataFrame(rows).rename(columns={name: f"capability_{name}" for name in shares})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    scenarios = {name: load_scenario(name) for name in ("baseline_2023", "no_sanctions", "brics_third_pole")}
    return run_sweep(make_question(scenarios, replicates=4, seed=7), tmp_path_factory.mktemp("a") / "r").results


@pytest.mark.second
def test_bloc_colours_in_report_and_app(results: Results) -> None:
    found = read_sample(results)
    known, names = {**NAMES, "brics_pole": "BRICS"}, {design: design for design in found.designs}
    ran = scenarios_as_run(results, names)
    for focus in ("us_led", "front", "brics_pole"):
        bands = chapters.figures_over_time(results, found, ran, names, focus, known)
        assert [label_colours(str(one.markup)) for one in bands] == [BY_NAME, BY_NAME, {**BY_NAME, "BRICS": "#009e73"}]
    run, ties = compiled.run_compiled(BASE, seed=7), drawing.lay_out_network(BASE)
    made = svg_charts(run, NAMES, label_theatres(BASE), BASE.dates(), {}, ("colours", 7, 0))
    assert legend_colours(made["Capability"].svg) == BY_NAME
    assert legend_colours(made["Enforcement"].svg).items() <= BY_NAME.items()
    pictures = frame_data(run, label_history(BASE), "IRN", (ties, ""), {}, dict.fromkeys(run.states, 1.0))["pictures"]
    order = [COLOURS[alignment] for alignment in run.alignments]
    assert {name: pattern_colours(one["svg"]) for name, one in pictures.items()} == dict.fromkeys(pictures, order)
    sample = RunSample(pd.DataFrame(), steps_table(us_led=0.5, front=0.3, non_aligned=0.2), pd.DataFrame())
    assert legend_colours(svg_bands(sample, NAMES, BASE.dates(), "colours", 7, 2)) == BY_NAME


@pytest.mark.parametrize("order", ORDERS)
def test_colours_in_any_order_of_drawing(order: tuple[str, ...]) -> None:
    steps = steps_table(us_led=0.5, front=0.3, non_aligned=0.2)
    drawn = figures.figure_over_time(steps, "x", {name: name for name in order}, BASE.blocs, "k")
    assert label_colours(str(drawn.markup)) == {name: COLOURS[name] for name in order}


def test_absent_bloc_shifts_no_colour_and_no_line() -> None:
    lines = []
    for absent in (0.5, math.nan):
        _, (axes,) = charts.new_figure(4, 3)
        present = [name for name in COLOURS if name != "us_led" or not math.isnan(absent)]
        steps = steps_table(us_led=absent, front=0.3, non_aligned=0.2)
        charts.draw_share_bands(axes, steps, present, world=BASE.blocs)
        thick = [line for line in axes.get_lines() if line.get_linewidth() == 2]
        lines.append({str(line.get_label()): (line.get_color(), line.get_linestyle()) for line in thick})
    assert lines[1].items() < lines[0].items()
    assert len(lines[1]) == 2


def test_charts_of_one_bloc_in_its_colour(results: Results) -> None:
    found = read_sample(results)
    names = {design: design for design in found.designs}
    colours = report_page.report_colours(found, "baseline_2023")
    assert colours.items() >= alignment_colours(BASE.blocs).items()
    pictures = {}
    for bloc in ("us_led", "front"):
        drawn = chapters.figures_by_run(found, names, bloc, bloc, colours[bloc], "at step 40")
        pictures[bloc] = str(drawn.markup)
    blue, orange = COLOURS["us_led"], COLOURS["front"]
    assert {name: {blue, orange} & set(re.findall("#[0-9a-f]{6}", svg)) for name, svg in pictures.items()} == {
        "us_led": {blue}, "front": {orange},
    }  # fmt: skip


def test_colour_for_every_bloc() -> None:
    world = [f"bloc_{n}" for n in range(MAX_BLOCS)]
    colours = alignment_colours(world)
    assert len(set(colours.values())) == MAX_BLOCS + 1
    assert alignment_colours(("non_aligned", *world)) == colours


def test_palette_colours_in_one_file() -> None:
    root = Path(sim.__file__).parent
    for path in root.rglob("*.py"):
        words = {word.lower() for word in re.findall(r"#[0-9A-Fa-f]{6}\b|viridis", path.read_text(encoding="utf-8"))}
        if path.name != "colours.py":
            assert not words & {"viridis", *COLOURS.values(), *(one.lower() for one in BLOC_COLOURS)}, path


def luminance(share: float) -> float:
    """Return the luminance of the colour of a share, 0 to 1, as grey print shows it."""
    return float(np.dot(SHARE_COLOURS(share)[:3], LUMINANCE))


def test_no_run_and_a_few_runs_have_colours_apart() -> None:
    """A share of 0, as printed, is apart from 1 of 100; and what most states have, from each other."""
    assert SHARE_COLOURS(0.0) == SHARE_COLOURS(0.004)
    assert luminance(0.01) - luminance(0.0) > 0.2
    assert luminance(0.12) - luminance(0.01) > 0.08
    shares = [0.0, *np.linspace(0.01, 1, 40)]
    assert (np.diff([luminance(share) for share in shares]) > 0).all()


@pytest.mark.parametrize("share", np.linspace(0, 1, 21))
def test_ink_can_be_read_on_every_share(share: float) -> None:
    """The contrast of the ink with its ground is at least 3.9 to 1 (WCAG 2.2, relative luminance)."""
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in SHARE_COLOURS(share)[:3]]
    ground = float(np.dot(linear, LUMINANCE)) + 0.05
    assert (1.05 / ground if ink_on(SHARE_COLOURS(share)) == "white" else ground / 0.05) >= 3.9


def test_marks_of_one_map_mean_nothing_else_on_another() -> None:
    kinds = (maps.MARKERS, maps.SHARE_MARKERS, (maps.CLEAR_MARKER, maps.UNCLEAR_MARKER))
    marks = [marker for kind in kinds for marker in kind]
    assert len(marks) == len(set(marks))
    assert set(marks) == set(mapping.SHAPES)
