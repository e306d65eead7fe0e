"""The picture of a backtest: level by horizon and by year, realignments, and the profile of renewal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sim.backtesting import simple
from sim.backtesting.report import AS_POINTS, CODED, FITTED, LAST_HORIZON, OBSERVED, STRUCTURAL
from sim.reporting import charts
from sim.reporting.colours import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

# Each line has a colour, a marker and a style of its own, so that it is clear without colours.
LINES = {
    OBSERVED + AS_POINTS: (BLUE, "o", "-"),
    simple.LAST: (BLACK, "s", ":"),
    STRUCTURAL + FITTED: (VERMILION, "^", "-"),
    simple.REGRESSION: (GREY, "v", "--"),
    CODED: (ORANGE, "D", "-"),
    simple.STATIC: (GREEN, "P", "-."),
    "polyarchy": (PURPLE, "X", "--"),
    "alliance": (SKY, "*", ":"),
}

SHOWN_BY_YEAR = (OBSERVED + AS_POINTS, simple.LAST, STRUCTURAL + FITTED, simple.STATIC)

SHOWN_MOVES = {CODED: (ORANGE, "D"), OBSERVED: (BLUE, "o")}

LOWEST = -8.0  # log-likelihood, less the greatest, at the bottom of the profile


def draw_backtest(record: Mapping[str, Any]) -> Figure:
    """Draw a backtest in four charts."""
    figure, axes = charts.new_figure(11, 8, rows=2, columns=2)
    draw_levels(axes[0], record)
    draw_years(axes[1], record)
    draw_moves(axes[2], record)
    draw_profile(axes[3], record["renewal"])
    return figure


def draw_levels(axes: Axes, record: Mapping[str, Any]) -> None:
    """Draw the rank correlation by horizon, with intervals."""
    horizons = record["horizons"]
    for n, (name, (colour, marker, style)) in enumerate(LINES.items()):
        scores = [record["level"][name][h] for h in horizons]
        places = [h + (n - len(LINES) / 2) * 0.07 for h in horizons]
        ends = [[s["value"] - s["low"] for s in scores], [s["high"] - s["value"] for s in scores]]
        axes.errorbar(places, [s["value"] for s in scores], yerr=ends, color=colour, marker=marker, linestyle=style,
                      markersize=5, linewidth=1.2, elinewidth=0.7, label=name)  # fmt: skip
    axes.set_xticks(horizons)
    axes.set_xlabel("years ahead")
    axes.set_ylabel("rank correlation with ideal points")
    axes.set_title("Where states are (95 % intervals)", loc="left")
    axes.set_ylim(bottom=0.2)
    axes.legend(fontsize=7, ncol=2, loc="lower left")


def draw_years(axes: Axes, record: Mapping[str, Any]) -> None:
    """Draw the rank correlation at the last horizon by year of the world."""
    for name in SHOWN_BY_YEAR:
        colour, marker, style = LINES[name]
        values = record["by_year"][name]
        axes.plot(list(values), list(values.values()), color=colour, marker=marker, linestyle=style, markersize=5,
                  label=name)  # fmt: skip
    axes.set_xlabel("year of the world")
    axes.set_ylabel("rank correlation")
    axes.set_title(f"{LAST_HORIZON} years ahead, by year", loc="left")
    axes.set_ylim(bottom=0.2)
    axes.legend(fontsize=7, loc="lower right")


def draw_moves(axes: Axes, record: Mapping[str, Any]) -> None:
    """Draw the share that realigned against the forecast chance, for state-years in quarters by that chance."""
    scored = [one for one in record["moves"]["coded"] if one["horizon"] == LAST_HORIZON]
    for name, (colour, marker) in SHOWN_MOVES.items():
        for one in scored:
            groups = one["forecasts"][name]["groups"]
            ends = [[g["share"] - g["low"] for g in groups], [g["high"] - g["share"] for g in groups]]
            axes.errorbar([g["forecast"] for g in groups], [g["share"] for g in groups], yerr=ends, color=colour,
                          marker=marker, linestyle="none", elinewidth=0.8, label=name)  # fmt: skip
    top = max([*axes.get_xlim(), *axes.get_ylim()])
    axes.plot([0, top], [0, top], color=GREY, linestyle=":", label="calibrated")
    axes.set_xlabel(f"forecast chance of another alignment after {LAST_HORIZON} years")
    axes.set_ylabel("share whose coded start changed")
    axes.set_title("Realignments, in quarters by forecast (95 % intervals)", loc="left")
    axes.legend(fontsize=7, loc="upper left")


def draw_profile(axes: Axes, renewal: Mapping[str, Any] | None) -> None:
    """Draw the profile of the log-likelihood over renewal, with its interval and the default."""
    axes.set_title("What the record says of renewal", loc="left")
    if renewal is None:
        axes.text(0.5, 0.5, "no state is seen in two years", ha="center", transform=axes.transAxes)
        return
    shown = [(rate, value) for rate, value in zip(renewal["rates"], renewal["log_likelihood"], strict=True) if rate]
    axes.plot(*zip(*shown, strict=True), color=BLUE, marker="o", markersize=3)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator([0.005, 0.01, 0.02, 0.05, 0.1, 0.2]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0.004, 0.25)
    axes.set_ylim(LOWEST, 0.5)
    axes.axvspan(renewal["low"] or shown[0][0], renewal["high"], color=BLUE, alpha=0.15, label="95 % interval")
    axes.axvline(renewal["default"], color=VERMILION, linestyle="--", label=f"default, {renewal['default']:g}")
    axes.set_xlabel("renewal per year")
    axes.set_ylabel("log-likelihood, less the greatest")
    axes.legend(fontsize=7, loc="upper left")
