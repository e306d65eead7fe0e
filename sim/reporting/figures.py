"""Figures of the report: charts and maps to embed in a page, each with a description in words."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.analysis.compare import Sample, interval_words
from sim.analysis.dated.incidence import LARGE
from sim.errors import escape_controls
from sim.reporting import charts
from sim.reporting.chapters.titles import (
    title_of_differences,
    title_of_ranges,
    title_of_regret,
    title_of_shares,
    title_of_sizes,
    title_of_states,
)
from sim.reporting.colours import alignment_colours
from sim.reporting.dated.lines import date_steps, label_lines
from sim.reporting.labels import (
    MAX_LETTERS,
    SETTINGS_LETTERS,
    distinct_labels,
    list_fitting,
    list_names,
    name_settings,
    shorten_middle,
)

SVG = "{http://www.w3.org/2000/svg}"

LINK = "{http://www.w3.org/1999/xlink}href"

POINTS_TO_PIXELS = 4 / 3

TITLE_LETTERS = 24  # least of a title before its settings

OVER_TIME_WIDTH = 4.6  # inches

MOST_SETTINGS = 12  # parameters in the chart of ranges

MOST_LABELLED = 6  # lines with names at their ends

STATE_LETTERS = 48  # letters of a state's name beside a row

Shares = Mapping[str, Mapping[str, Mapping[str, float]]]  # by design, state and alignment


@dataclass(frozen=True)
class Picture:
    """A figure for a page: markup, caption, preferred width in pixels, and its finding in a sentence."""

    markup: Markup
    caption: str
    width: int
    title: str = ""


def design_titles(found: Sample, designs: list[str]) -> dict[str, str]:
    """Give each design a short name: its title and settings, or its label where two names are equal.

    Where not all settings fit, the number of the design point comes before the first of them.
    """
    titles = {}
    for n, design in enumerate(found.designs):
        settings = name_settings(found.settings.get(design, {}))
        words = list_fitting(settings, SETTINGS_LETTERS)
        numbered = f"point {n}: " if words != list_fitting(settings) else ""
        ending = f" [{numbered}{words}]" if words else ""
        title = escape_controls(str(found.scenarios[design]["title"]))
        titles[design] = shorten_middle(title, max(MAX_LETTERS - len(ending), TITLE_LETTERS)) + ending
    titles = {design: titles[design] for design in designs}
    counted = pd.Series(list(titles.values())).value_counts()
    return {design: name if counted[name] == 1 else escape_controls(design) for design, name in titles.items()}


def state_names(found: Sample) -> dict[str, str]:
    """Return the name of each state, with its id where two names are equal."""
    records = {s: r for scenario in found.scenarios.values() for s, r in scenario["states"].items()}
    return distinct_labels({state: str(record["name"]) for state, record in records.items()})


@contextlib.contextmanager
def draw_axes(width: float, height: float) -> Iterator[Axes]:
    """Give axes of a new figure in the common style, which does not read `$` as mathematics."""
    with matplotlib.rc_context(charts.STYLE):
        _, (axes,) = charts.new_figure(width, height)
        yield axes


def figure_of(axes: Axes) -> Figure:
    """Return the figure of some axes."""
    figure = axes.figure
    assert isinstance(figure, Figure)  # noqa: S101 - `draw_axes` makes no subfigure
    return figure


def inline_svg(
    axes: Axes, name: str, *, caption: str, description: str, title: str = "", tips: Mapping[str, str] | None = None
) -> Picture:
    """Return a figure as inline SVG, with ids unique in the page and a description for screen readers: title first.

    `tips` are texts that a pointer shows on parts of the figure, by their ids.
    """
    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", LINK[1:].partition("}")[0])
    root = ElementTree.fromstring(charts.render_figure(figure_of(axes), "svg"))  # noqa: S314 - our own figure
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{SVG}style" or child.tag.endswith("metadata"):
                parent.remove(child)
    for node in list(root.iter()):
        if tip := (tips or {}).get(node.get("id", "")):
            words = ElementTree.Element(f"{SVG}title")
            words.text = escape_controls(tip)
            node.insert(0, words)
        for key, value in node.attrib.items():
            if key == "id":
                node.set(key, f"{name}-{value}")
            elif key == LINK and value.startswith("#"):
                node.set(key, f"#{name}-{value[1:]}")
            else:
                node.set(key, value.replace("url(#", f"url(#{name}-"))
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    for key, value in (("role", "img"), ("aria-label", describe_finding(title, description)), ("focusable", "false")):
        root.set(key, value)
    width = round(float(root.attrib["viewBox"].split()[2]) * POINTS_TO_PIXELS)
    markup = Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - escaped by it
    return Picture(markup, caption, width, title)


def embed_png(axes: Axes, *, caption: str, description: str, title: str = "", dots: int = 150) -> Picture:
    """Return a figure as an image whose bytes are in the page."""
    figure = figure_of(axes)
    source = "data:image/png;base64," + base64.b64encode(charts.render_figure(figure, "png", dots)).decode()
    width = round(figure.get_figwidth() * 96)
    markup = Markup('<img role="img" src="{}" alt="{}">').format(source, describe_finding(title, description))
    return Picture(markup, caption, width, title)


def describe_finding(title: str, description: str) -> str:
    """Return a description for screen readers that begins with the finding."""
    return description if title.rstrip(".") in description else f"{title} {description}"


def describe_extremes(chances: Mapping[str, float], count: int = 8) -> str:
    """Describe the states with the highest shares, and count those with none."""
    ordered = sorted(chances.items(), key=lambda item: (-item[1], item[0]))
    top = list_names([f"{state} {share:.2f}" for state, share in ordered[:count] if share >= 0.005])
    none = sum(share < 0.005 for share in chances.values())
    return f"Highest: {top or 'none'}. Under 0.01: {none} of {len(chances)} states."


def figure_over_time(
    steps: pd.DataFrame, name: str, alignments: Mapping[str, str], world: Iterable[str], key: str,
    dates: Sequence[str] = (),
) -> Picture:  # fmt: skip
    """Draw capability shares over the steps of one design; `alignments` are names by id.

    `world` has the ids of all blocs of the design's world, in its order. `dates` are those of the steps, if any.
    """
    present = [a for a in alignments if f"capability_{a}" in steps]
    top = min(1.0, 0.1 + float(np.ceil(10 * np.nanmax(steps[[f"capability_{a}" for a in present]].to_numpy())) / 10))
    labels = charts.key_labels({alignment: alignments[alignment] for alignment in present}, OVER_TIME_WIDTH)
    last = steps[steps["step"] == steps["step"].max()]
    below = 0.0 if len(present) <= MOST_LABELLED else charts.key_height(list(labels.values()))
    with draw_axes(OVER_TIME_WIDTH, 2.7 + below) as axes:
        charts.draw_share_bands(axes, steps, present, world=world, names=labels, top=top)
        date_steps(axes, dates)
        axes.margins(x=0)
        if len(present) <= MOST_LABELLED:
            medians = [float(last[f"capability_{one}"].median()) for one in present]
            colours = [alignment_colours(world)[one] for one in present]
            label_lines(axes, [alignments[one] for one in present], medians, [f"{one:.2f}" for one in medians], colours)
        else:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8, handlelength=2.4)
    ends = []
    for alignment in present:
        low, middle, high = last[f"capability_{alignment}"].quantile([0.05, 0.5, 0.95])
        ends.append(f"{alignments[alignment]} median {middle:.2f}, 90 % of runs from {low:.2f} to {high:.2f}")
    description = f"Capability shares over {steps['step'].max()} steps in {name}. At the end: {'; '.join(ends)}."
    title = title_of_shares(steps, name, present[0], alignments[present[0]])
    return inline_svg(axes, key, title=title, caption="", description=description)


def figure_by_run(sizes: Mapping[str, pd.Series], bloc_name: str, colour: str, when: str, key: str) -> Picture:
    """Draw a histogram of a bloc's size over the runs of each design, in the bloc's colour.

    `when` says what the sizes are of, such as `on 25 October 2033`.
    """
    largest = max(float(values.max()) for values in sizes.values())
    top = max(0.2, float(np.ceil(10 * largest + 1e-9) / 10))
    with draw_axes(4.6, charts.row_height(list(sizes), 0.28) * len(sizes) + 1.0) as axes:
        label = f"{bloc_name}: share of capability\n{when}"
        charts.draw_distributions(axes, sizes, colour=colour, label=label, top=top)
    threshold = LARGE
    words = "; ".join(f"{name} {(values >= threshold).sum()} of {len(values)}" for name, values in sizes.items())
    description = f"Runs in which “{bloc_name}” holds a tenth of capability or more: {words}."
    caption = (
        "Each row is a histogram of one scenario's runs by the bloc's size. Where the sizes have two separate peaks,"
        " the mean (vertical line) describes neither. Right: runs of 100 with a tenth or more."
    )
    title = title_of_sizes(sizes, bloc_name, when)
    return inline_svg(axes, key, title=title, caption=caption, description=description)


def figure_heat(
    shares: Shares,
    names: Mapping[str, str],
    states: Mapping[str, str],
    bloc: str,
    bloc_name: str,
    when: str,
    key: str,
) -> Picture | None:
    """Draw P(bloc) of states by designs, highest first; None if no state ever joins the bloc."""
    grid = pd.DataFrame({d: {s: v.get(bloc, 0.0) for s, v in shares[d].items()} for d in names}).fillna(0.0)
    never = [states[state] for state in grid.index[(grid < 0.005).all(axis=1)]]
    grid = grid[(grid >= 0.005).any(axis=1)]
    if not len(grid):
        return None
    grid = grid.loc[grid.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    grid = grid.rename(index=distinct_labels(states, STATE_LETTERS), columns=dict(names))
    beside = charts.LETTER * max(map(len, grid.index))
    with draw_axes(min(10.0, 1.6 + beside + 0.36 * grid.shape[1]), min(0.185 * len(grid) + 2.4, 9.5)) as axes:
        charts.draw_state_heat(axes, grid, label=f"P({shorten_middle(bloc_name, STATE_LETTERS)})")
        axes.tick_params(axis="x", labelsize=7.5)
    first = grid.iloc[:, 0]
    description = f"P({bloc_name}) of {len(grid)} states in {grid.shape[1]} scenarios. "
    description += f"In {grid.columns[0]}: {describe_extremes(first.to_dict(), 12)}"
    caption = (
        f"Runs of 100 in which a state is in “{bloc_name}” {when} (blank: under 1)."
        f" In no scenario: {list_names(never) or 'none'}."
    )
    title = title_of_states(grid, bloc_name)
    return inline_svg(axes, key, title=title, caption=caption, description=description)


def figure_changes(
    outcomes: pd.DataFrame, names: Mapping[str, str], bloc: str, bloc_name: str, colour: str, when: str, key: str
) -> Picture | None:
    """Draw paired differences of a bloc's capability from the baseline, in its colour; None if there are none."""
    rows = outcomes[(outcomes["outcome"] == f"capability_{bloc}") & outcomes["scenario"].isin(names)]
    if not len(rows):
        return None
    order = list(names)
    rows = rows.sort_values("scenario", key=lambda column: column.map(order.index), kind="stable")
    rows = rows.assign(scenario=rows["scenario"].map(names))
    with draw_axes(4.6, charts.row_height(list(rows["scenario"]), 0.22) * len(rows) + 1.0) as axes:
        label = f"{bloc_name}:\nchange of its share of capability"
        charts.draw_differences(axes, rows, label=label, colour=colour)
    words = "; ".join(f"{r.scenario} {r.difference:+.3f} ({interval_words(r)})" for r in rows.itertuples())
    caption = (
        f"{bloc_name}: mean difference from the baseline {when} over {rows['pairs'].max()} pairs of"
        " runs with the same random numbers, with its 95 % interval; grey squares where it is not clear."
    )
    description = f"{bloc_name}: change of its capability: {words}."
    title = title_of_differences(rows, bloc_name)
    return inline_svg(axes, key, title=title, caption=caption, description=description)


def figure_sensitivity(ends: pd.DataFrame, bloc_name: str, when: str) -> Picture:
    """Draw the difference at each end of the range of the parameters that change the outcome most."""
    settings = list(ends["setting"].unique())
    shown = ends[ends["setting"].isin(settings[:MOST_SETTINGS])]
    height = charts.row_height(settings[:MOST_SETTINGS], 0.26) * min(len(settings), MOST_SETTINGS) + 1.2
    with draw_axes(4.6, height) as axes:
        charts.draw_tornado(axes, shown, label=f"{bloc_name}:\nchange of its share of capability")
    most = ends.drop_duplicates("setting").head(5)
    words = "; ".join(f"{r.setting} at {r.value:g} {r.difference:+.2f}" for r in most.itertuples())
    others = (
        f" The other {len(settings) - MOST_SETTINGS} parameters change it less."
        if len(settings) > MOST_SETTINGS
        else ""
    )
    return inline_svg(
        axes, "tornado", title=title_of_ranges(ends, bloc_name),
        caption=f"{bloc_name}: change of its mean capability {when} as one parameter goes to an end of its range (its"
        f" value at the right: low end above), 95 % intervals over {ends['pairs'].max()} pairs.{others}"
        " The command blocs sensitivity computes Sobol indices, which show interactions.",
        description=f"Largest changes: {words}.",
    )  # fmt: skip


def figure_regret(table: pd.DataFrame, bloc_name: str, when: str) -> Picture:
    """Draw the regret of each lever over the futures."""
    with draw_axes(4.6, charts.row_height(list(table["lever"]), 0.3) * len(table) + 1.4) as axes:
        charts.draw_regrets(axes, table, label=f"regret: capability of {bloc_name}\nabove that with the best lever")
    words = "; ".join(f"{r.lever} mean {r.regret:.3f}, at most {r.regret_max:.3f}" for r in table.itertuples())
    caption = (
        f"Regret of each lever {when} over {table['futures'].iloc[0]} futures, a future being one setting of all"
        " parameters: mean with its 95 % interval, exceeded in one future of 20, and the greatest."
    )
    title = title_of_regret(table, "capability")
    return inline_svg(axes, "regret", title=title, caption=caption, description=f"Regret: {words}.")
