"""Pictures of a report of histories: dots of a hundred, chances of joining over time, and effects of scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from sim.analysis.dated.sentences import in_hundred
from sim.reporting import charts, figures
from sim.reporting.colours import GREY, PALETTE
from sim.reporting.dated.findings import ROLES, Chance, DatedFindings, Effect, effects_sentence, format_day

DOTS = 10  # in a row and in a column

LINES = 4  # states in the chart of chances over time

GAP = 0.07  # least distance of two labels, as a share of the axis


def draw_dots(chance: Chance, what: str) -> Markup:
    """Draw 100 dots, of which as many are filled as the chance in 100, as SVG with a description."""
    filled = chance.dots()
    circles = Markup("").join(
        Markup('<circle class="{}" cx="{}" cy="{}" r="3.6"/>').format(
            "hit" if n < filled else "miss", 5 + 10 * (n % DOTS), 5 + 10 * (n // DOTS)
        )
        for n in range(DOTS * DOTS)
    )
    return Markup(
        '<svg class="dots" role="img" aria-label="{}: {}" viewBox="0 0 100 100" focusable="false">{}</svg>'
    ).format(what, chance.words(), circles)


def spread_labels(heights: Sequence[float], least: float) -> list[float]:
    """Move labels apart so that neighbours are at least so far from each other; their order stays."""
    order = np.argsort(heights, kind="stable")
    placed: list[float] = [0.0] * len(heights)
    last = -np.inf
    for i in order:
        last = placed[i] = max(heights[i], last + least)
    return placed


def draw_incidence(axes: Axes, incidence: pd.DataFrame, chosen: Sequence[tuple[str, str]], start: str) -> None:
    """Draw the chance that states have joined by each date, with bands of 95 %, and names at the end of the lines.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    incidence : DataFrame
        Chances by date and state: date, state, chance, low, high, each 0 to 1.
    chosen : sequence of pairs of str
        Id and name of the states to draw, the likeliest first, at most seven.
    start : str
        ISO date of the start, where every chance is 0.
    """
    ends, styles = [], charts.LINE_STYLES
    for n, (state, _) in enumerate(chosen):
        rows = incidence[incidence["state"] == state]
        days = mdates.datestr2num([start, *rows["date"]])  # type: ignore[no-untyped-call]
        low, mean, high = (100 * np.array([0.0, *rows[name]]) for name in ("low", "chance", "high"))
        colour = PALETTE[n % len(PALETTE)]
        axes.fill_between(days, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(days, mean, styles[n % len(styles)], color=colour, linewidth=1.8)
        ends.append(float(mean[-1]))
    top = max(5.0, 1.15 * max(100 * float(incidence["high"].max()) if len(incidence) else 0.0, 1.0))
    placed = spread_labels(ends, GAP * top)
    for n, ((_, name), height) in enumerate(zip(chosen, placed, strict=True)):
        axes.annotate(
            f"{name} {in_hundred(ends[n] / 100)}", (1.01, height), xycoords=("axes fraction", "data"), va="center",
            color=PALETTE[n % len(PALETTE)], annotation_clip=False, fontweight="bold",
        )  # fmt: skip
    axes.xaxis_date()
    locator = mdates.AutoDateLocator(maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set(ylim=(0, top), ylabel="histories of 100")
    axes.margins(x=0)


def choose_lines(found: DatedFindings) -> list[tuple[str, str]]:
    """Choose the states of the chart over time, by id and name: the likeliest, and the first mover."""
    chosen = [(one.state, one.name) for one in found.joining[:LINES]]
    if found.first and (found.first.state, found.first.name) not in chosen:
        chosen[-1] = (found.first.state, found.first.name)
    return chosen


def picture_of_incidence(found: DatedFindings, start: str) -> figures.Picture | None:
    """Draw the chances of joining over time; None where no state joins."""
    if not found.joining:
        return None
    chosen = choose_lines(found)
    shown = found.incidence[found.incidence["state"].isin([state for state, _ in chosen])]
    with figures.draw_axes(6.4, 3.0) as axes:
        draw_incidence(axes, shown, chosen, start)
    words = "; ".join(
        f"{one.name} {one.chances[-1].words()}" for one in found.joining if (one.state, one.name) in chosen
    )
    caption = f"Histories of 100 in which a state has joined “{found.bloc}” by each date; bands: 95 % intervals."
    return figures.inline_svg(axes, "incidence", caption=caption, description=f"By {found.days[-1]}: {words}.")


def draw_effects(axes: Axes, effects: Sequence[Effect], label: str) -> None:
    """Draw the change of a chance in each scenario with its 95 % interval, in histories of 100, by role."""
    rows: list[str] = []
    for role, group in by_role(effects):
        axes.annotate(
            ROLES[role], (0, len(rows)), xycoords=("axes fraction", "data"), xytext=(-4, 0), fontweight="bold",
            textcoords="offset points", ha="right", va="center", annotation_clip=False,
        )  # fmt: skip
        rows.append("")
        for one in group:
            known = one.low == one.low
            low, high = (100 * one.low, 100 * one.high) if known else (0.0, 0.0)
            shade, marker = ("black", "o") if one.clear else (GREY, "s")
            axes.plot([low, high], [len(rows)] * 2, color=shade, linewidth=2)
            axes.plot(100 * one.difference, len(rows), marker, color=shade, markersize=5)
            rows.append(one.name)
    axes.axvline(0, color="black", linewidth=0.8)
    charts.name_rows(axes, rows)
    axes.tick_params(axis="y", length=0)
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)


def by_role(effects: Iterable[Effect]) -> list[tuple[str, list[Effect]]]:
    """Group effects by role, in the order of ROLES."""
    listed = list(effects)
    groups = [(role, [one for one in listed if one.role == role]) for role in ROLES]
    return [(role, group) for role, group in groups if group]


def picture_of_effects(found: DatedFindings) -> figures.Picture | None:
    """Draw how each scenario changes the chance of the first mover at the last date; None without scenarios."""
    if found.first is None or not found.effects:
        return None
    rows = len(found.effects) + len(by_role(found.effects))
    with figures.draw_axes(6.4, 0.24 * rows + 0.9) as axes:
        draw_effects(axes, found.effects, f"change, in histories of 100 in which {found.first.name} joins")
    words = "; ".join(
        f"{one.name} {in_hundred(one.chance)} in 100, change {in_hundred(one.difference, signed=True)}"
        for one in found.effects
    )
    caption = (
        f"Change from the baseline by {format_day(found.days[-1])}, run by run, with 95 % intervals. Grey squares: the"
        " change may be chance, as so many scenarios are compared."
    )
    return figures.inline_svg(axes, "effects", caption=caption, description=f"{effects_sentence(found)} {words}.")
