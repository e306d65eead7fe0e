"""Pictures of a report of histories: dots of a hundred, chances of joining over time, and effects of scenarios."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.analysis.dated.tally import tabulate_survival
from sim.analysis.statistics import share_intervals
from sim.calendar import format_day
from sim.reporting import charts, figures
from sim.reporting.colours import BLUE, GREY, PALETTE
from sim.reporting.dated.findings import (
    ROLES,
    VERBS,
    Chance,
    DatedFindings,
    Effect,
    Mover,
    effects_sentence,
    name_senders,
)
from sim.reporting.dated.lines import label_lines, locate_dates
from sim.reporting.dated.words import rounded
from sim.reporting.labels import list_names

DOTS = 10  # in a row and in a column

BANDS = 2  # intervals in a chart of chances over time

LINES = 4  # states in the chart of chances over time

WIDTH = 4.6  # inches of a chart, so that its type can be read at 390 pixels


def draw_dots(chance: Chance | None, what: str) -> Markup:
    """Draw 100 dots, as many filled as the chance in 100 or none for None, as SVG with a description."""
    filled = chance.dots() if chance else 0
    circles = Markup("").join(
        Markup('<circle class="{}" cx="{}" cy="{}" r="3.6"/>').format(
            "hit" if n < filled else "miss", 5 + 10 * (n % DOTS), 5 + 10 * (n // DOTS)
        )
        for n in range(DOTS * DOTS)
    )
    return Markup(
        '<svg class="dots" role="img" aria-label="{}: {}" viewBox="0 0 100 100" focusable="false">{}</svg>'
    ).format(what, chance.words() if chance else "0 in 100", circles)


def draw_incidence(
    axes: Axes,
    incidence: pd.DataFrame,
    chosen: Sequence[tuple[str, str]],
    start: str,
    *,
    begin: float = 0.0,
    colours: Sequence[str] = PALETTE,
) -> None:
    """Draw chances by date as steps, with bands of 95 % of two lines, and names at the end of the lines.

    More bands would lie on one another: the first and the last line have one, as `words_of_bands` says.

    Parameters
    ----------
    axes : Axes
        Axes to draw on.
    incidence : DataFrame
        Chances by date and state: date, state, chance, low, high, each 0 to 1.
    chosen : sequence of pairs of str
        Id and name of the states to draw, the likeliest first, at most seven.
    start : str
        ISO date of the start.
    begin : float, optional
        Every chance at the start. Default: 0.
    colours : sequence of str, optional
        Colours of the lines. Default: the palette.
    """
    ends, styles, lows = [], charts.LINE_STYLES, []
    for n, (state, _) in enumerate(chosen):
        rows = incidence[incidence["state"] == state]
        days = mdates.datestr2num([start, *rows["date"]])  # type: ignore[no-untyped-call]
        low, mean, high = (100 * np.array([begin, *rows[name]]) for name in ("low", "chance", "high"))
        colour = colours[n % len(colours)]
        if n in (0, len(chosen) - 1):
            axes.fill_between(days, low, high, step="post", color=colour, alpha=0.18, linewidth=0)
        axes.step(days, mean, styles[n % len(styles)], where="post", color=colour, linewidth=1.8)
        ends.append(float(mean[-1]))
        lows.append(float(low.min()))
    top = 100.0 if begin else max(5.0, 1.15 * max(100 * float(incidence["high"].max()), 1.0))
    bottom = 20 * math.floor(min(lows) / 20) if begin else 0.0
    axes.xaxis_date()
    locator = locate_dates()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    axes.set(ylim=(bottom, top), ylabel="histories of 100")
    axes.margins(x=0)
    of_lines = [colours[n % len(colours)] for n in range(len(chosen))]
    label_lines(axes, [name for _, name in chosen], ends, [rounded(end / 100) for end in ends], of_lines)


def words_of_bands(chosen: Sequence[tuple[str, str]]) -> str:
    """Name the lines of `draw_incidence` that have a band."""
    names = [name for _, name in chosen]
    return "bands: 95 % intervals" if len(names) <= BANDS else f"bands: 95 % intervals of {names[0]} and {names[-1]}"


def choose_lines(found: DatedFindings) -> list[tuple[str, str]]:
    """Choose the states of the chart over time, by id and name: the likeliest, and the one asked about.

    If that one leaves, the first mover, whose joining would add most.
    """
    chosen = [(one.state, one.name) for one in found.joining[:LINES]]
    named = found.first if found.event == "entry" else found.adds_most
    return with_last(chosen, named)


def with_last(chosen: Sequence[tuple[str, str]], named: Mover | None) -> list[tuple[str, str]]:
    """Put a state in the place of the last of the chosen, unless it is among them."""
    if named is None or (named.state, named.name) in chosen:
        return list(chosen)
    return [*chosen[:-1], (named.state, named.name)]


def title_of_incidence(found: DatedFindings) -> str:
    """Say which state is the likeliest to join, and how surely."""
    if not found.joining:
        return f"No state joins “{found.bloc}” in {found.runs} histories."
    first = found.joining[0]
    chance = first.chances[-1]
    return (
        f"{first.name} is the likeliest to join: {rounded(chance.chance)} of 100 histories by"
        f" {format_day(found.days[-1])} (95 % interval {rounded(chance.low)} to {rounded(chance.high)})."
    )


def picture_of_incidence(found: DatedFindings, start: str) -> figures.Picture | None:
    """Draw the chances of joining over time; None where no state joins."""
    if not found.joining:
        return None
    chosen = choose_lines(found)
    shown = found.incidence[found.incidence["state"].isin([state for state, _ in chosen])]
    with figures.draw_axes(WIDTH, 2.7) as axes:
        draw_incidence(axes, shown, chosen, start)
    words = "; ".join(
        f"{one.name} {one.chances[-1].words()}" for one in found.joining if (one.state, one.name) in chosen
    )
    return figures.inline_svg(
        axes, "incidence", title=title_of_incidence(found),
        caption=f"Histories of 100 in which a state has joined “{found.bloc}” by each date;"
        f" {words_of_bands(chosen)}.",
        description=f"By {found.days[-1]}: {words}.",
    )  # fmt: skip


def title_of_survival(found: DatedFindings, name: str, least: pd.Series) -> str:
    """Say which member is the likeliest to leave, and how surely: its name and its row of chances to have stayed."""
    if not found.leaving:
        return f"In none of {found.runs} histories does a state leave “{found.bloc}” by {format_day(found.days[-1])}."
    stays, low, high = (rounded(float(least[column])) for column in ("chance", "low", "high"))
    return (
        f"{name} is the likeliest to leave: it has stayed in {stays} of 100 histories (95 % interval {low} to {high})."
    )


def picture_of_survival(found: DatedFindings, bloc: str) -> figures.Picture | None:
    """Draw how often the members of a bloc have stayed since the start; None where none starts in it."""
    table = tabulate_survival([found.tally])
    table = table[table["alignment"] == bloc]
    names = {id: state.name for id, state in found.tally.design.scenario.states.items()}
    last = table[table["date"] == table["date"].max()].sort_values("chance", kind="stable")
    chosen = [(str(one.state), names[str(one.state)]) for one in last.head(LINES + 1).itertuples()]
    if not chosen:
        return None
    shown = with_last(chosen, found.first if found.event == "exit" else None)
    with figures.draw_axes(WIDTH, 2.7) as axes:
        draw_incidence(axes, table, shown, found.tally.design.scenario.dates()[0], begin=1.0)
    title = title_of_survival(found, chosen[0][1], last.iloc[0])
    words = "; ".join(
        f"{names[str(one.state)]} {rounded(float(one.chance))}" for one in last.head(LINES + 1).itertuples()
    )
    return figures.inline_svg(
        axes, "survival", title=title,
        caption=f"Histories of 100 in which a member has been in “{found.bloc}” without a break since the"
        f" start{'' if found.leaving else ': all, for each member'}; {words_of_bands(shown)}.",
        description=f"{title} By {found.days[-1]}, of 100: {words}.",
    )  # fmt: skip


def picture_of_formation(found: DatedFindings, bloc: str) -> figures.Picture | None:
    """Draw how often the bloc has become large by each date; None where it is large from the start, or never is."""
    tally = found.tally
    k = tally.design.world.alignments.index(bloc) - 1
    days = tally.days
    begun = tally.begun[:, k].cumsum()
    large = begun[tally.design.steps_at(days)]
    if begun[0] == tally.runs or not large[-1]:
        return None
    share, low, high = share_intervals(large, tally.runs)
    table = pd.DataFrame({"date": days, "state": bloc, "chance": share, "low": low, "high": high})
    with figures.draw_axes(WIDTH, 2.2) as axes:
        draw_incidence(axes, table, [(bloc, found.bloc)], tally.design.scenario.dates()[0])
    chance = Chance(float(share[-1]), float(low[-1]), float(high[-1]), tally.runs)
    often = chance.words().replace(" in 100", " of 100 histories")
    title = f"“{found.bloc}” has a tenth of the capability or more for a whole year in {often}."
    return figures.inline_svg(
        axes, "formation", title=title,
        caption="Histories of 100 in which such a year has begun by each date, whether or not the bloc keeps this size;"
        " band: 95 % interval.",
        description=title,
    )  # fmt: skip


def draw_effects(axes: Axes, effects: Sequence[Effect], label: str) -> None:
    """Draw the change of a chance in each scenario with its 95 % interval, in histories of 100, by role."""
    rows: list[str] = []
    places = axes.get_yaxis_transform()
    axes.text(1.02, 0, "of 100", va="center", fontsize=8, transform=places)
    for role, group in by_role(effects):
        axes.text(-0.02, len(rows), ROLES[role], fontweight="bold", ha="right", va="center", transform=places)
        rows.append("")
        for one in group:
            known = one.low == one.low
            low, high = (100 * one.low, 100 * one.high) if known else (0.0, 0.0)
            shade, marker = (BLUE, "o") if one.clear else (GREY, "s")
            axes.plot([low, high], [len(rows)] * 2, color=shade, linewidth=2)
            axes.plot(100 * one.difference, len(rows), marker, color=shade, markersize=5)
            axes.text(1.02, len(rows), rounded(one.chance), va="center", fontsize=8, transform=places)
            rows.append(one.name)
    axes.axvline(0, color="black", linewidth=0.8)
    charts.name_rows(axes, rows)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    low, high = axes.get_xlim()
    axes.set(xlim=(min(low, -1), max(high, 1)), ylim=(len(rows) - 0.4, -0.6), xlabel=label)  # one history of 100
    axes.xaxis.set_major_locator(MaxNLocator(5))


def by_role(effects: Iterable[Effect]) -> list[tuple[str, list[Effect]]]:
    """Group effects by role, in the order of ROLES."""
    listed = list(effects)
    groups = [(role, [one for one in listed if one.role == role]) for role in ROLES]
    return [(role, group) for role, group in groups if group]


def marks_of_effects(effects: Sequence[Effect]) -> str:
    """Return what the marks of `draw_effects` mean."""
    asked = f"among the {len(effects)} changes here" if len(effects) > 1 else "as the one change here"
    blue = f"Blue dots are clear {asked} (Holm 1979); blocs compare tests more at once, so fewer are clear there. "
    return f"{blue if any(one.clear for one in effects) else ''}Grey squares may be chance."


def picture_of_effects(found: DatedFindings) -> figures.Picture | None:
    """Draw how each scenario changes the chance of the state at the last date; None without scenarios."""
    if found.first is None or not found.effects:
        return None
    event = f"{found.first.name} {VERBS[found.event][0]}"
    names = [one.name for one in found.effects]
    height = charts.row_height(names, 0.21) * (len(names) + len(by_role(found.effects)))
    with figures.draw_axes(WIDTH, height + 0.95) as axes:
        draw_effects(axes, found.effects, f"change of histories of 100\nin which {event}")
    words = "; ".join(
        f"{one.name} {rounded(one.chance)} in 100, change {rounded(one.difference, signed=True)}"
        for one in found.effects
    )
    imposed: dict[str, list[str]] = {}
    for one in found.effects:
        imposed.setdefault(name_senders(one.senders), []).append(f"“{one.name}”")
    by = "; ".join(f"{states} ({list_names(scenarios)})" for states, scenarios in imposed.items() if states)
    senders = f" New sanctions are imposed by {by}." if by else ""
    several = "means over the settings of the sweep, " if any(one.together for one in found.effects) else ""
    caption = (
        f"Change from the baseline ({several}{rounded(found.effects[0].before)} of 100) by"
        f" {format_day(found.days[-1])}, 95 % intervals over pairs of runs with the same random numbers. Right:"
        f" histories of 100 in which {event}. {marks_of_effects(found.effects)}{senders}"
    )
    return figures.inline_svg(
        axes,
        "effects",
        caption=caption,
        description=f"{effects_sentence(found)} {words}.",
    )
