"""The commands sensitivity and regret."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.commands.run import progress_bar, warn_of_seeds
from sim.cli.design import refuse_under_tendency, with_design
from sim.cli.main import changed_settings, cli, twice_on_command_line
from sim.cli.options import (
    chart_option,
    date_option,
    json_option,
    lens_option,
    option_faults,
    resolve_scenario,
    seed_option,
    set_option,
    without_option,
    workers_option,
)
from sim.cli.printing import new_console, new_table, print_json, safe_text
from sim.errors import Fault, InputError
from sim.names import name_references, scenario_name

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from sim.scenario.schema import Scenario


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
@click.option("--outcome", metavar="NAME",
              help="Outcome, or share_ALIGNMENT_STATE. Default: the capability of the bloc that varies"
              " most.")  # fmt: skip
@click.option("--points", type=click.IntRange(2, 65_536), default=256, show_default=True,
              help="Sobol points, a power of 2; each needs one evaluation per setting and two more.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(1, 100_000), default=8, show_default=True, help="Runs of each point.")
@click.option("--vary", multiple=True, metavar="SETTING=LOW:HIGH",
              help="Setting to vary, such as w_pressure=0:1. Default: all parameters over their ranges.")  # fmt: skip
@click.option("--threshold", type=float, metavar="X",
              help="Outcome to reach: the box of settings where it is at least X.")  # fmt: skip
@date_option
@seed_option
@lens_option
@set_option
@without_option
@workers_option
@chart_option("both tables")
@json_option
def sensitivity(
    scenario: str, outcome: str | None, points: int, replicates: int, vary: tuple[str, ...], threshold: float | None,
    at: str | None, seed: int | None, lens: str | None, settings: tuple[str, ...], without: tuple[str, ...],
    workers: int | None, chart: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show which settings an outcome depends on.

    It gives Sobol indices, and the outcome at both ends of each range. With --threshold it also finds, by PRIM, the
    box of settings where the outcome is at least that.

    Example: blocs sensitivity baseline_2023 --outcome share_front_CHN --threshold 0.5 --chart china.png
    """
    from sim import api

    loaded, name = resolve_scenario(scenario, settings, without), scenario_name(scenario)
    refuse_under_tendency(lens or loaded.sweep.lens, None, settings)
    ranges = varied_ranges(loaded, vary, points) if vary else None
    if ranges and (
        faults := twice_on_command_line(loaded, [("--vary", [*ranges]), *changed_settings(settings, without)])
    ):
        raise InputError(faults)
    with progress_bar() as progress, option_faults():
        found = api.sensitivity(
            loaded, outcome, points=points, replicates=replicates, vary=ranges, threshold=threshold, at=at, seed=seed,
            lens=lens, label=name, workers=workers, progress=progress,
        )  # fmt: skip
    say_outcome(outcome, found.record)
    if chart is not None:
        chosen = found.record["outcome"]
        title = f"{name}: {chosen} {found.record['read']}"
        draw_sensitivity(chart, title, chosen, found.record)
    if as_json:
        print_json(found.record)
    else:
        print_sensitivity(found.record)


def say_outcome(outcome: str | None, record: Mapping[str, Any]) -> None:
    """Say on standard error which outcome was chosen, if --outcome is not given."""
    from sim.analysis.sensitivity import LOOKED_AT

    if outcome is None:
        message = f"the capability of the bloc that varies most over {LOOKED_AT} runs"
        click.echo(f"blocs: no --outcome is given; {record['outcome']} is chosen, {message}", err=True)


def varied_ranges(scenario: Scenario, vary: tuple[str, ...], points: int) -> dict[str, tuple[float, float]]:
    """Return the ranges that --vary gives; raises InputError."""
    ranges, faults = {}, []
    for path, spread in with_design(scenario, "sobol", points, vary).sweep.vary.items():
        assert not isinstance(spread, tuple)  # noqa: S101 - options give ranges, not lists
        if not spread.start < spread.stop:
            faults.append(Fault("--vary", 1, path, f"{spread.start:g} is not below {spread.stop:g}"))
        else:
            ranges[path] = (spread.start, spread.stop)
    if faults:
        raise InputError(faults)
    return ranges


FEW_POINTS = 32


def print_widened(out: Console, record: Mapping[str, Any]) -> None:
    """Say whose documented range was widened to the value of this world."""
    if record["widened"]:
        names = ", ".join(record["widened"])
        out.print(f"The ranges are those argued for article_2023, widened to the value of this world for: {names}.")


def print_sensitivity(record: Mapping[str, Any]) -> None:
    """Print the record."""
    out = new_console()
    outcome, points = record["outcome"], record["points"]
    out.print(
        f"{safe_text(record['scenario'])}: {safe_text(outcome)} {record['read']}; {points} points and"
        f" their {points * (len(record['ranges']) + 1)} mixtures, {record['replicates']} runs each on common"
        f" random numbers (seed {record['seed']}).\nOver the ranges its mean is {record['mean']:.3g} with standard"
        f" deviation {record['sd']:.3g} between points."
    )
    for name, why in record["left_out"].items():
        out.print(f"Left out: {name} ({why}).")
    print_widened(out, record)
    if points < FEW_POINTS:
        out.print(f"{points} points are few: indices may leave 0 to 1. Give --points {FEW_POINTS} or more.")
    if record["indices"]["total"].isna().all():
        out.print("It does not vary over the ranges beyond rounding, so no setting has a share of its variance.")
    else:
        out.print(indices_table(record))
    out.print(ends_table(record["tornado"]))
    if record["box"] is not None:
        out.print(f"\n{safe_text(box_sentence(outcome, record['box']))}")


def indices_table(record: Mapping[str, Any]) -> Any:
    """Create the table of Sobol indices, the setting with the largest total first."""
    shown = new_table("setting", "range", "alone", "(95 %)", "in all", "(95 %)",
                  title="\nShare of the variance, by setting", numbers=("alone", "in all"))  # fmt: skip
    for one in record["indices"].sort_values("total", ascending=False, kind="stable").itertuples():
        low, high = record["ranges"][one.setting]
        shown.add_row(
            safe_text(one.setting), f"{low:g} to {high:g}",
            f"{one.first:.2f}", f"{one.first_low:.2f} to {one.first_high:.2f}",
            f"{one.total:.2f}", f"{one.total_low:.2f} to {one.total_high:.2f}",
        )  # fmt: skip
    return shown


def ends_table(ends: pd.DataFrame) -> Any:
    """Create the table of the ends of the ranges, one row for each setting."""
    from sim.api.uncertainty import RUNS_AN_END

    title = f"\nChange of the outcome at the ends of one range, the rest as it is ({RUNS_AN_END} pairs of runs)"
    shown = new_table("setting", "low end", "change", "(95 %)", "high end", "change", "(95 %)", title=title,
                  numbers=("low end", "change", "high end"))  # fmt: skip
    for name in ends["setting"].unique():
        cells = [safe_text(name)]
        for one in ends[ends["setting"] == name].sort_values("value").itertuples():
            cells += [f"{one.value:g}", f"{one.difference:+.3f}", end_interval(one)]
        shown.add_row(*cells)
    return shown


def end_interval(one: Any) -> str:
    """Return the interval of a change in words, or the reason that there is none."""
    return "the same in all pairs" if math.isnan(one.low) else f"{one.low:+.3f} to {one.high:+.3f}"


def box_sentence(outcome: str, box: Mapping[str, Any]) -> str:
    """Return a box in words, such as `Where w_pressure ≤ 0.4 it is so at 70 % (density) of 120 points, …`."""
    share = box["cases"] / box["points"]
    start = f"{outcome} ≥ {box['threshold']:g} at {box['cases']} of {box['points']} points ({100 * share:.0f} %)"
    if not box["limits"]:
        return f"{start}; no box of settings has a larger share."
    return (
        f"{start}. Where {box['words']} it is so at {100 * box['density']:.0f} % (density) of {box['n']} points,"
        f" which are {100 * box['coverage']:.0f} % of all where it is so (coverage)."
    )


def draw_sensitivity(chart: Path, title: str, outcome: str, record: Mapping[str, Any]) -> None:
    """Draw the ends of each range beside the indices."""
    from sim.reporting import charts

    settings = list(record["ranges"])
    figure, (left, right) = charts.new_figure(11, 1.6 + charts.row_height(settings, 0.27) * len(settings), columns=2)
    charts.draw_tornado(left, record["tornado"], label=f"{outcome}, less that of the scenario as it is")
    charts.draw_indices(right, record["indices"])
    figure.suptitle(title, x=0.01, ha="left")
    charts.save_figure(figure, str(chart))


@cli.command(former={"--satisfied": "--threshold", "--want low": "--minimize", "--want high": "--maximize"})
@click.argument("levers", nargs=-1, metavar="[LEVER...]", shell_complete=completion.complete_scenarios)
@click.option("--outcome", metavar="NAME",
              help="Outcome, or share_ALIGNMENT_STATE. Default: the capability of the first lever's bloc that varies"
              " most.")  # fmt: skip
@click.option("--minimize/--maximize", default=True, show_default=True, help="Better outcome, low or high.")
@click.option("--threshold", type=float, default=0.1, show_default=True,
              help="Outcome that satisfies: at most this with --minimize, at least this with --maximize.")  # fmt: skip
@click.option("--points", type=click.IntRange(2, 65_536), default=256, show_default=True, help="Sobol points: futures.")
@click.option("--replicates", type=click.IntRange(1, 10_000), default=8, show_default=True,
              help="Runs of each lever in each future.")  # fmt: skip
@date_option
@seed_option
@lens_option
@workers_option
@chart_option("the regrets")
@json_option
def regret(
    levers: tuple[str, ...], outcome: str | None, minimize: bool, threshold: float, points: int, replicates: int,
    at: str | None, seed: int | None, lens: str | None, workers: int | None, chart: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare policy levers under uncertainty (minimax regret).

    A lever is a scenario; the default levers are the baseline and the shipped scenarios with the role lever. A
    future is one setting of all parameters within their ranges. All levers meet the same futures, with common
    random numbers.

    Example: blocs regret baseline_2023 focused_indo_pacific global_coexistence --minimize
    """
    from sim import api

    loaded = {name: resolve_scenario(one) for name, one in name_references(levers).items()} if levers else None
    with progress_bar() as progress, option_faults():
        found = api.regret(
            loaded, outcome=outcome, maximize=not minimize, threshold=threshold, at=at, points=points,
            replicates=replicates, seed=seed, lens=lens, workers=workers, progress=progress,
        )  # fmt: skip
    warn_of_seeds(found.record["unused_seeds"], found.record["seed"])
    say_outcome(outcome, found.record)
    if chart is not None:
        from sim.reporting import charts
        from sim.reporting.chapters.titles import title_of_regret

        rows = found.table
        figure, (axes,) = charts.new_figure(7, charts.row_height(list(rows["lever"]), 0.4) * len(rows) + 1.4)
        charts.draw_regrets(axes, rows, label=f"regret in {found.record['outcome']}, {points} futures")
        figure.suptitle("\n".join(wrap(title_of_regret(rows, "the outcome"), 75)), fontsize=9)
        charts.save_figure(figure, str(chart))
    if as_json:
        print_json(found.record)
    else:
        print_regret(found.record)


def print_regret(record: Mapping[str, Any]) -> None:
    """Print the regret table."""
    out, rows = new_console(), record["levers"]
    print_widened(out, record)
    sign = "≥" if record["maximize"] else "≤"
    shown = new_table("lever", "mean", "regret", "(95 %)", "in 1 of 20", "at most", "best in",
                  f"{sign} {record['threshold']:g} in", "(95 %)",
                  numbers=("mean", "regret", "in 1 of 20", "at most", "best in"))  # fmt: skip
    for one in rows.itertuples():
        shown.add_row(
            safe_text(one.lever), f"{one.mean:.3f}", f"{one.regret:.3f}",
            f"{one.low:.3f} to {one.high:.3f}", f"{one.regret_95:.3f}", f"{one.regret_max:.3f}",
            f"{100 * one.best:.0f} %", f"{100 * one.satisfied:.0f} %",
            f"{100 * one.satisfied_low:.0f} to {100 * one.satisfied_high:.0f} %",
        )  # fmt: skip
    aim = "maximized" if record["maximize"] else "minimized"
    out.print(f"{safe_text(record['outcome'])} {record['read']}, {aim}, in {record['futures']} futures\n")
    out.print(shown)
    steps = f", so it moves in steps of {record['resolution']:.3g}" if record["resolution"] else ""
    out.print(
        f"\nA future is one setting of all parameters within their ranges; an outcome there is the mean"
        f" of {record['replicates']} runs{steps}.\n"
        f"Chance of these runs is in every regret. `at most`, the greatest of {record['futures']}, is rather too high;"
        " more --replicates lower it.\n"
        "Regret: how far the lever falls short of the best one in the same future;"
        f" at most: the greatest, and {safe_text(rows['lever'].iloc[0])} has the least of these (minimax regret).\n"
        "The ranges are assumptions, and every setting in them counts alike: shares of futures are not probabilities."
    )
