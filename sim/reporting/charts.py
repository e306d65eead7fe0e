"""Charts: functions that draw tables on axes, readable with colour blindness and in greyscale."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backend_bases import get_registered_canvas_class
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from sim.analysis.dated.incidence import LARGE
from sim.files import write_synced
from sim.reporting.colours import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    SHARE_COLOURS,
    VERMILION,
    alignment_colours,
    ink_on,
)
from sim.reporting.dated.words import rounded
from sim.reporting.labels import distinct_labels, wrap_text

if TYPE_CHECKING:
    from sim.theory.landscape import Minima
    from sim.theory.optimum import Optimum

POINTS = 72  # of an inch, the unit of drawings without dots

LINE_STYLES = ("-", "--", "-.", ":")

STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "hatch.linewidth": 0.4,
    "svg.fonttype": "none",
    "text.parse_math": False,
    "svg.hashsalt": "blocs",
    "figure.dpi": 120,
}


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure in the common style; return it with its axes in reading order."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
    return figure, list(axes.ravel())


def save_figure(figure: Figure, path: str) -> None:
    """Write a figure to a file, without a date; the suffix of its name (.png, .svg, .pdf) gives the format."""
    write_synced(Path(path), render_figure(figure, Path(path).suffix[1:]))


def render_figure(figure: Figure, form: str, dots: int = 150) -> bytes:
    """Return a figure as the bytes of a png, svg or pdf file, without a date.

    The layout is computed first and then left out, because `savefig` draws everything a second time for it.
    """
    drawn = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        get_registered_canvas_class(form)(figure)
        figure.dpi = dots if form == "png" else POINTS
        if (engine := figure.get_layout_engine()) is not None:
            engine.execute(figure)
            figure.set_layout_engine(None)
        metadata = {"Software": None} if form == "png" else {"Date": None}
        figure.savefig(drawn, format=form, metadata=metadata, dpi=dots)
    return drawn.getvalue()


LETTER = 0.063  # inches; average width of a letter at 8 points

LINE = 0.16  # inches between lines of text

SAMPLE = 0.55  # inches; a legend's sample and its gaps

ROW_LETTERS = 34  # letters per line of a row's name


def key_labels(names: Mapping[str, str], width: float, columns: int = 2) -> dict[str, str]:
    """Wrap names for a legend on a figure `width` inches wide; labels stay distinct."""
    return distinct_labels(names, int((width / columns - SAMPLE) / LETTER), 3)


def key_height(labels: Sequence[str], columns: int = 2) -> float:
    """Return the most inches that a legend of these labels takes; it fills column by column."""
    length = math.ceil(len(labels) / columns)
    lines = [label.count("\n") + 1 for label in labels]
    return LINE * max(sum(lines[n : n + length]) for n in range(0, len(lines), length)) + 0.1


def row_height(names: Sequence[str], least: float) -> float:
    """Return the inches per row of a chart, so that each name fits beside its row."""
    return max([least, *(LINE * (wrap_text(name, ROW_LETTERS).count("\n") + 1) + 0.04 for name in names)])


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows 0, 1, … of a chart; wrap long names."""
    labels = [wrap_text(name, ROW_LETTERS) for name in names]
    axes.set_yticks(range(len(labels)), labels, fontsize=8 if any("\n" in label for label in labels) else None)


def draw_share_bands(
    axes: Axes, steps: pd.DataFrame, alignments: Sequence[str], *, world: Iterable[str],
    names: Mapping[str, str] | None = None, runs: int = 6, top: float = 0.8,
) -> None:  # fmt: skip
    """Draw the capability share of each alignment over the steps: median, 5-95 % band and single runs.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    steps : DataFrame
        A row per run and step: step, replicate and capability_ALIGNMENT (share, 0 to 1).
    alignments : sequence of str
        Ids of the alignments to draw, in the order of the legend.
    world : iterable of str
        Ids of all blocs of the world, in its order, which gives colours and line styles.
    names : mapping, optional
        Labels of the alignments, by id.
    runs : int, optional
        Number of single runs. Default: 6.
    top : float, optional
        Upper limit of the share axis, up to 1. Default: 0.8.
    """
    colours = alignment_colours(world)
    lines = dict(zip(colours, itertools.cycle(LINE_STYLES), strict=False))
    for alignment in alignments:
        table = steps.pivot_table(index="step", columns="replicate", values=f"capability_{alignment}")
        colour, line = colours[alignment], lines[alignment]
        low, middle, high = np.nanquantile(table.to_numpy(), [0.05, 0.5, 0.95], axis=1)
        axes.fill_between(table.index, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(table.index, table.iloc[:, :runs].to_numpy(), color=colour, alpha=0.35, linewidth=0.6)
        label = (names or {}).get(alignment, alignment.replace("_", " "))
        axes.plot(table.index, middle, color=colour, linestyle=line, linewidth=2, label=label)
    axes.set(xlabel="step", ylabel="share of capability", ylim=(0, top))


def draw_state_heat(axes: Axes, shares: pd.DataFrame, *, label: str) -> None:
    """Draw states by scenarios: the share as colour and, from 0.01, as a number in hundredths."""
    image = axes.imshow(shares.to_numpy(), aspect="auto", cmap=SHARE_COLOURS, vmin=0, vmax=1)
    columns = [wrap_text(name, ROW_LETTERS) for name in shares.columns]
    axes.set_xticks(range(shares.shape[1]), columns, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(shares.shape[0]), list(shares.index), fontsize=8)
    axes.grid(visible=False)
    for row, column in np.ndindex(*shares.shape):
        value = float(shares.to_numpy()[row, column])
        if round(100 * value) >= 1:
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=6.5,
                      color=ink_on(SHARE_COLOURS(value)), in_layout=False)  # fmt: skip
    axes.figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01).set_label(label)


def draw_distributions(
    axes: Axes, values: Mapping[str, Any], *, colour: str, threshold: float = LARGE, top: float = 0.6,
    label: str = "front's share of capability over the last steps of each run",
) -> None:  # fmt: skip
    """Draw a histogram per scenario on one scale, with the mean and the share of runs above the threshold.

    `values` are a bloc's sizes in the runs, by scenario; `colour` is the bloc's. A bin with few runs stays visible.
    """
    bins = np.linspace(0, top, 41)
    shares = {name: np.histogram(runs, bins)[0] / max(len(runs), 1) for name, runs in values.items()}
    tallest, places = max(share.max() for share in shares.values()) or 1.0, axes.get_yaxis_transform()
    for row, (name, share) in enumerate(shares.items()):
        runs = np.asarray(values[name], dtype=np.float64)
        height = np.where(share > 0, np.maximum(0.85 * share / tallest, 0.08), 0)
        axes.stairs(row + 0.42 - height, bins, baseline=row + 0.42, fill=True, color=colour)
        axes.plot([runs.mean()] * 2, [row - 0.35, row + 0.42], color="black", linewidth=1.5)
        axes.text(1.01, row, rounded((runs >= threshold).mean()), va="center", fontsize=8, transform=places)
    axes.axvline(threshold, color="black", linestyle=":", linewidth=1)
    name_rows(axes, list(values))
    axes.set(ylim=(len(values) - 0.4, -0.6), xlim=(0, top), xlabel=label)
    axes.text(1.01, -0.65, f"of 100 ≥ {threshold:g}", fontsize=8, transform=places)


def draw_differences(axes: Axes, table: pd.DataFrame, *, label: str, colour: str = BLACK) -> None:
    """Draw paired mean differences with their 95 % intervals, a row per scenario; grey squares are not clear.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    table : DataFrame
        Rows of one outcome as `compare_outcomes` returns them: scenario, difference, low, high, clear.
    label : str
        Label of the horizontal axis.
    colour : str, optional
        Colour of clear differences: the bloc's, if the outcome is a bloc's. Default: black.
    """
    for row, one in enumerate(table.itertuples()):
        shade, marker = (colour, "o") if one.clear else (GREY, "s")
        axes.plot([one.low, one.high], [row, row], color=shade, linewidth=2)
        axes.plot(one.difference, row, marker, color=shade, markersize=5)
    axes.axvline(0, color="black", linewidth=0.8)
    name_rows(axes, list(table["scenario"]))
    axes.set(ylim=(len(table) - 0.4, -0.6), xlabel=label)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def draw_minima(axes: Axes, minima: Minima, best: Optimum) -> None:
    """Draw local minima: distance from the optimum in states against energy; dot area is the basin's share."""
    away = (minima.alignments != best.alignment).sum(axis=1)
    away = np.minimum(away, minima.alignments.shape[1] - away)
    area = 20 + 600 * minima.shares
    axes.scatter(away, minima.energies, s=area, color=BLUE, alpha=0.5, edgecolor="black", linewidth=0.6)
    axes.plot(
        0, best.energy, "*", color=VERMILION, markersize=11, label="lowest, proven" if best.proven else "lowest found"
    )
    if not best.proven:
        axes.axhline(best.bound, color="black", linestyle=":", linewidth=1, label="nothing is below")
    axes.set(xlabel="states to move from the optimum", ylabel="energy over ordered pairs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(0.15)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize=8, frameon=False,
                title="dot area: share of starts that end there", title_fontsize=8)  # fmt: skip


def draw_regrets(axes: Axes, table: pd.DataFrame, *, label: str) -> None:
    """Draw the regret of each lever: mean with its 95 % interval, 95th percentile and maximum over the futures."""
    for row, one in enumerate(table.itertuples()):
        axes.plot([one.low, one.high], [row, row], color=BLUE, linewidth=3)
        axes.plot([one.regret, one.regret_max], [row, row], color=BLUE, linewidth=0.8, linestyle=":")
    for column, marker, name in (
        ("regret", "o", "mean"),
        ("regret_95", "s", "in 1 future of 20"),
        ("regret_max", "D", "at most"),
    ):
        axes.plot(table[column], range(len(table)), marker, color=BLUE, label=name,
                  fillstyle="full" if column == "regret" else "none")  # fmt: skip
    name_rows(axes, list(table["lever"]))
    axes.set(ylim=(len(table) - 0.4, -0.6), xlabel=label)
    axes.set_xlim(left=-0.01)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1.16), ncols=3, fontsize=8)


def draw_tornado(axes: Axes, table: pd.DataFrame, *, label: str) -> None:
    """Draw the difference at each end of a setting's range, with its 95 % interval; a row per setting.

    The table comes from `tornado_table`; rows keep its order, widest first.
    """
    settings = list(table["setting"].unique())
    styles = {"low": (ORANGE, "s", -0.17), "high": (BLUE, "o", 0.17)}
    for end, (colour, marker, away) in styles.items():
        ends = table[table["end"] == end].set_index("setting").loc[settings]
        rows = np.arange(len(settings)) + away
        axes.barh(rows, ends["difference"], height=0.3, color=colour, alpha=0.55)
        axes.hlines(rows, ends["low"], ends["high"], color=colour, linewidth=1.5)
        axes.plot(ends["difference"], rows, marker, color=colour, markersize=4, label=f"{end} end of its range")
        for row, value in zip(rows, ends["value"], strict=True):
            axes.text(1.01, row, f"{value:g}", va="center", fontsize=6, transform=axes.get_yaxis_transform())
    axes.axvline(0, color="black", linewidth=0.8)
    name_rows(axes, settings)
    axes.set(ylim=(len(settings) - 0.4, -0.6), xlabel=label)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8, frameon=False)


def draw_indices(axes: Axes, table: pd.DataFrame) -> None:
    """Draw the first-order and total Sobol index of each setting with its 95 % interval; largest total first."""
    ordered = table.sort_values("total", ascending=False, kind="stable")
    rows = np.arange(len(ordered))
    styles = (
        ("first", BLUE, "o", -0.15, "by itself (first-order)"),
        ("total", VERMILION, "s", 0.15, "in all (total)"),
    )
    for kind, colour, marker, away, label in styles:
        axes.hlines(rows + away, ordered[f"{kind}_low"], ordered[f"{kind}_high"], color=colour, linewidth=1.5)
        axes.plot(ordered[kind], rows + away, marker, color=colour, markersize=4, label=label)
    axes.axvline(0, color="black", linewidth=0.8)
    name_rows(axes, list(ordered["setting"]))
    axes.set(ylim=(len(ordered) - 0.4, -0.6), xlabel="share of the outcome's variance over the ranges")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8, frameon=False)


def draw_posterior(axes: Axes, density: pd.DataFrame, one: Mapping[str, Any]) -> None:
    """Draw one parameter's posterior as bars, its prior as a line and its profile likelihood as dots.

    `density` has a row per bin of the range: `left`, `width`, `posterior` (relative to the prior) and `profile` (the
    bin's best likelihood over the best of all, 0 to 1). `one` is a parameter of the calibration's record.
    """
    colour = BLUE if one["identified"] else GREY
    hatch = "" if one["identified"] else "///"
    axes.bar(density["left"], density["posterior"], density["width"], align="edge", color=colour, alpha=0.45,
             edgecolor="white", hatch=hatch, linewidth=0.4)  # fmt: skip
    axes.axhline(1, color="black", linewidth=0.8, linestyle="--")
    top = max(2.0, 1.25 * float(density["posterior"].max()))
    middle = density["left"] + density["width"] / 2
    axes.plot(middle, top * density["profile"], color=VERMILION, marker=".", markersize=3, linewidth=0.8)
    axes.plot([one["low"], one["high"]], [0.06 * top] * 2, color="black", linewidth=2.5, solid_capstyle="butt")
    axes.plot([one["default"]], [0.06 * top], marker="D", color="white", markeredgecolor="black", markersize=4.5)
    axes.set_title(f"{one['parameter']}{': identified' if one['identified'] else ''}", fontsize=8)
    axes.set(ylim=(0, top), xlim=(density["left"].iloc[0], density["left"].iloc[-1] + density["width"].iloc[-1]))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelsize=7)
    axes.set_yticks([])


def draw_posterior_key(axes: Sequence[Axes]) -> None:
    """Draw the key of `draw_posterior` on the first of the unused axes, and hide the others."""
    for one in axes:
        one.set_axis_off()
    bar: Any = Patch(facecolor=BLUE, alpha=0.45)
    grey: Any = Patch(facecolor=GREY, alpha=0.45, hatch="///", edgecolor="white")
    lines: list[Any] = [
        Line2D([], [], color="black", linestyle="--", linewidth=0.8),
        Line2D([], [], color=VERMILION, marker=".", linewidth=0.8),
        Line2D([], [], color="black", linewidth=2.5),
        Line2D([], [], color="white", marker="D", markeredgecolor="black", markersize=4.5, linewidth=0),
    ]
    labels = ["posterior, identified", "posterior, not identified", "prior", "best likelihood in the bin",
            "90 % interval", "default"]  # fmt: skip
    axes[0].legend([bar, grey, *lines], labels, loc="center left", fontsize=8, frameon=False)


ANSWERS = {
    "yes": (BLUE, "o"),
    "abstained": (GREY, "s"),
    "absent": ("black", "x"),
    "no": (ORANGE, "^"),
}


def draw_forecasts(axes: Axes, states: Sequence[Mapping[str, Any]], *, names: Mapping[str, str] | None = None) -> None:
    """Draw P(yes) − P(no) of each state, with its vote as marker and colour; a row per state, highest first.

    The states come from a vote of `score_forecasts`; `names` are their names by id. A perfect ranking has all yes on
    top.
    """
    ordered = sorted(states, key=lambda one: (one["yes"] - one["no"], one["state"]), reverse=True)
    for cast, (colour, marker) in ANSWERS.items():
        rows = [(row, one) for row, one in enumerate(ordered) if one["cast"] == cast]
        if not rows:
            continue
        nearness = [one["yes"] - one["no"] for _, one in rows]
        axes.plot(
            nearness, [row for row, _ in rows], marker, color=colour, markersize=4.5, label=f"{cast} ({len(rows)})"
        )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(ordered)), [(names or {}).get(one["state"], one["state"]) for one in ordered], fontsize=7)
    axes.set(ylim=(len(ordered) - 0.4, -0.6), xlim=(-1.05, 1.05), xlabel="forecast: P(yes) − P(no)")
    axes.legend(loc="lower right", fontsize=8, title="voted", title_fontsize=8)


def draw_calibration(axes: Axes, votes: Mapping[str, Sequence[Mapping[str, float]]]) -> None:
    """Draw the share that voted yes against the forecast probability, by vote: bins, Wilson intervals, counts."""
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8, linestyle=":", label="chances mean what they say")
    for n, (name, bins) in enumerate(votes.items()):
        away = 0.008 * (n - (len(votes) - 1) / 2)
        x = np.array([one["forecast"] for one in bins]) + away
        share = np.array([one["share"] for one in bins])
        spread = np.abs(np.array([[one["low"], one["high"]] for one in bins]).T - share)
        look: Any = {"color": PALETTE[n % len(PALETTE)], "linestyle": LINE_STYLES[n % len(LINE_STYLES)]}
        axes.errorbar(x, share, yerr=spread, marker="os^D"[n % 4], markersize=5, linewidth=1, elinewidth=0.8,
                      label=name, **look)  # fmt: skip
        for place, one in zip(x, bins, strict=True):
            axes.text(place, -0.06 - 0.035 * n, f"{one['n']:.0f}", ha="center", va="top", fontsize=6.5)
        axes.text(1.07, -0.06 - 0.035 * n, f"states, {name}", va="top", fontsize=6.5)
    axes.set(xlim=(-0.05, 1.05), ylim=(-0.08 - 0.035 * len(votes), 1.05))
    axes.set(xlabel="forecast chance of yes", ylabel="share that voted yes", box_aspect=1)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8)


def draw_step_lines(
    axes: Axes, table: pd.DataFrame, *, label: str, colours: Mapping[str, str] | None = None, top: float | None = None
) -> None:  # fmt: skip
    """Draw one run over the steps: a line per column of a table indexed by step, with its own style and marker.

    `colours` are by column; the columns are the labels of the legend.
    """
    for n, column in enumerate(table.columns):
        colour = (colours or {}).get(column, PALETTE[(n + 1) % len(PALETTE)])
        sign: Any = {"marker": "osD^vPX*<"[n % 9], "markevery": (n, max(1, len(table) // 6)), "markersize": 4}
        line = LINE_STYLES[n % len(LINE_STYLES)]
        axes.plot(table.index, table[column], color=colour, linestyle=line, linewidth=1.8, label=column, **sign)
    axes.set(xlabel="step", ylabel=label, xlim=(0, max(int(table.index[-1]), 1)))
    axes.set_ylim(bottom=0, top=top)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2, fontsize=8)
