"""The commands sensitivity and regret."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.commands.run import progress_bar, warn_of_seeds
from sim.cli.design import with_design
from sim.cli.main import changed_settings, cli, twice_on_command_line
from sim.cli.options import (
    chart_option,
    json_option,
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

    from sim.scenario.schema import Scenario

RUNS_AN_END = 100  # a tornado has few points, so that each may have more runs than a point of the Sobol design


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
@click.option("--outcome", metavar="NAME",
              help="Outcome over the last steps, or share_ALIGNMENT_STATE. Default: the size of the bloc that varies"
              " most.")  # fmt: skip
@click.option("--points", type=click.IntRange(2, 65_536), default=256, show_default=True,
              help="Sobol points, a power of 2; each needs one evaluation per setting and two more.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(1, 100_000), default=8, show_default=True, help="Runs of each point.")
@click.option("--vary", multiple=True, metavar="SETTING=LOW:HIGH",
              help="Setting to vary, such as w_pressure=0:1. Default: all parameters over their ranges.")  # fmt: skip
@click.option(
    "--threshold", type=float, metavar="X", help="Outcome to reach: the box of settings where it is at least X."
)
@seed_option
@set_option
@without_option
@workers_option
@chart_option("both tables")
@json_option
def sensitivity(
    scenario: str, outcome: str | None, points: int, replicates: int, vary: tuple[str, ...], threshold: float | None,
    seed: int | None, settings: tuple[str, ...], without: tuple[str, ...], workers: int | None, chart: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show which settings an outcome depends on.

    It gives Sobol indices, and the outcome at both ends of each range. With --threshold it also finds, by PRIM, the
    box of settings where the outcome is at least that.

    Example: blocs sensitivity baseline_2023 --outcome share_front_CHN --threshold 0.5 --chart china.png
    """
    found = resolve_scenario(scenario, settings, without)
    if points & (points - 1):
        raise InputError([Fault("--points", 1, str(points), f"is no power of 2; give {2 ** points.bit_length()}")])
    ranges = varied_ranges(found, vary, points)
    given = [("--vary", [*ranges])] if vary else []
    if faults := twice_on_command_line(found, [*given, *(changed_settings(settings, without) if vary else [])]):
        raise InputError(faults)
    seed = found.sweep.seed if seed is None else seed
    outcome = outcome_asked(outcome, found, seed)
    record = analyse_sensitivity(found, ranges, outcome, seed, points, replicates, threshold, workers)
    if chart is not None:
        draw_sensitivity(chart, f"{scenario_name(scenario)}: {outcome} over {record['averaged_over']}", outcome, record)
    record |= {"scenario": scenario_name(scenario), "left_out": {} if vary else explain_idle(found)}
    if as_json:
        print_json(record)
    else:
        print_sensitivity(record)


def outcome_asked(outcome: str | None, scenario: Scenario, seed: int) -> str:
    """The outcome that --outcome names, else the size of the bloc that varies most, which is said."""
    from sim.analysis.sensitivity import LOOKED_AT, chosen_outcome

    if outcome is not None:
        return outcome
    chosen = chosen_outcome(scenario, seed=seed)
    click.echo(
        f"blocs: no --outcome is given; {chosen} is chosen, the size of the bloc that varies most over"
        f" {LOOKED_AT} runs",
        err=True,
    )
    return chosen


def varied_ranges(scenario: Scenario, vary: tuple[str, ...], points: int) -> dict[str, tuple[float, float]]:
    """The ranges that --vary names, else those of the parameters that matter; raises InputError."""
    from sim.analysis.sensitivity import parameter_ranges

    if not vary:
        return parameter_ranges(scenario)
    ranges, faults = {}, []
    for path, spread in with_design(scenario, "sobol", points, vary).sweep.vary.items():
        if isinstance(spread, tuple) or spread.points is not None:
            faults.append(Fault("--vary", 1, path, "give SETTING=LOW:HIGH alone; --points says how many points"))
        elif not spread.start < spread.stop:
            faults.append(Fault("--vary", 1, path, f"{spread.start:g} is not below {spread.stop:g}"))
        else:
            ranges[path] = (spread.start, spread.stop)
    if faults:
        raise InputError(faults)
    return ranges


def explain_idle(scenario: Scenario) -> dict[str, str]:
    """Parameters left out, with the reason."""
    from sim.analysis.sensitivity import idle_parameters

    return idle_parameters(scenario)


def analyse_sensitivity(
    scenario: Scenario, ranges: dict[str, tuple[float, float]], outcome: str, seed: int, points: int,
    replicates: int, threshold: float | None, workers: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Indices, tornado and box of an outcome; raises InputError."""
    import numpy as np

    from sim.analysis.sensitivity import Evaluator, sobol_indices, tornado_table
    from sim.model.outcomes import last_steps

    try:
        evaluator = Evaluator(scenario, tuple(ranges), outcome, seed)
    except ValueError as error:
        raise InputError([Fault("--outcome", 1, outcome, str(error))]) from None
    first = replicates * points * (len(ranges) + 2)
    total = first + RUNS_AN_END * (2 * len(ranges) + 1)
    try:
        with progress_bar() as progress:
            indices = sobol_indices(
                lambda rows: evaluator.means(
                    rows, replicates=replicates, workers=workers, progress=lambda done, _: progress(done, total)
                ),
                ranges,
                points=points,
                rng=np.random.default_rng(seed),
            )
            ends = tornado_table(
                lambda rows: evaluator.runs(
                    rows,
                    replicates=RUNS_AN_END,
                    workers=workers,
                    progress=lambda done, _: progress(first + done, total),
                ),
                ranges,
            )
    except ValueError as error:
        raise InputError([Fault("--outcome", 1, outcome, str(error))]) from None
    return {
        "outcome": outcome,
        "averaged_over": last_steps(scenario.steps),
        "seed": seed,
        "points": indices.n,
        "replicates": replicates,
        "runs": total,
        "ranges": ranges,
        "mean": float(indices.values.mean()),
        "sd": float(indices.values.std()),
        "indices": indices.table,
        "tornado": ends,
        "box": None if threshold is None else box_record(indices.rows, indices.values, list(ranges), threshold),
    }


def box_record(rows: Any, values: Any, settings: list[str], threshold: float) -> dict[str, Any] | None:
    """The box where the outcome is at least the threshold; its limits are empty where no box tells more than all."""
    import numpy as np

    from sim.analysis.prim import choose_box, describe_box, find_boxes, limit_p_values

    cases = values >= threshold
    record: dict[str, Any] = {"threshold": threshold, "cases": int(cases.sum()), "points": len(cases), "limits": []}
    if cases.all() or not cases.any():
        return record
    box = choose_box(rows, cases, find_boxes(rows, cases))
    doubt = limit_p_values(rows, cases, box)
    for end, j in np.argwhere(box.limited).tolist():
        limit = (box.low, box.high)[end][j]
        record["limits"].append(
            {"setting": settings[j], "end": ("low", "high")[end], "value": float(limit), "quasi_p": doubt[end, j]}
        )
    measures = {"coverage": box.coverage, "density": box.density, "mass": box.mass, "n": box.n}
    return {**record, **measures, "words": describe_box(box, settings)}


def print_sensitivity(record: dict[str, Any]) -> None:
    """The record for people."""
    out = new_console()
    outcome, points = record["outcome"], record["points"]
    out.print(
        f"{safe_text(record['scenario'])}: {safe_text(outcome)} over {record['averaged_over']}; {points} points and"
        f" their {points * (len(record['ranges']) + 1)} mixtures, {record['replicates']} runs each on the same luck"
        f" (seed {record['seed']}).\nOver the ranges its mean is {record['mean']:.3g} with standard deviation"
        f" {record['sd']:.3g} between points."
    )
    for name, why in record["left_out"].items():
        out.print(f"Left out: {name} ({why}).")
    if record["indices"]["total"].isna().all():
        out.print("It does not vary over the ranges beyond rounding, so that no setting has a share of its variance.")
    else:
        out.print(indices_table(record))
    out.print(ends_table(record["tornado"]))
    if record["box"] is not None:
        out.print(f"\n{safe_text(box_sentence(outcome, record['box']))}")


def indices_table(record: dict[str, Any]) -> Any:
    """The Sobol indices as a table, the setting of the largest total first."""
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
    """The tornado as a table, one row a setting."""
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
    """The interval of a change in words, or why there is none."""
    return "the same in all pairs" if math.isnan(one.low) else f"{one.low:+.3f} to {one.high:+.3f}"


def box_sentence(outcome: str, box: dict[str, Any]) -> str:
    """What a box says, such as `Where w_pressure ≤ 0.4 it is so at 70 % (density) of 120 points, …`."""
    share = box["cases"] / box["points"]
    start = f"{outcome} ≥ {box['threshold']:g} at {box['cases']} of {box['points']} points ({100 * share:.0f} %)"
    if not box["limits"]:
        return f"{start}; no box of settings tells more."
    return (
        f"{start}. Where {box['words']} it is so at {100 * box['density']:.0f} % (density) of {box['n']} points,"
        f" which are {100 * box['coverage']:.0f} % of all where it is so (coverage)."
    )


def draw_sensitivity(chart: Path, title: str, outcome: str, record: dict[str, Any]) -> None:
    """Write the chart: the ends of each range beside the indices."""
    from sim.reporting import charts

    settings = list(record["ranges"])
    made, (left, right) = charts.new_figure(11, 1.6 + charts.row_height(settings, 0.27) * len(settings), columns=2)
    charts.draw_tornado(left, record["tornado"], label=f"{outcome}, less that of the scenario as it is")
    charts.draw_indices(right, record["indices"])
    made.suptitle(title, x=0.01, ha="left")
    charts.save_figure(made, str(chart))


@cli.command(former={"--satisfied": "--threshold", "--want low": "--minimize", "--want high": "--maximize"})
@click.argument("levers", nargs=-1, metavar="[LEVER...]", shell_complete=completion.complete_scenarios)
@click.option("--outcome", metavar="NAME",
              help="Outcome over the last steps, or share_ALIGNMENT_STATE. Default: the size of the bloc that varies"
              " most in the first lever.")  # fmt: skip
@click.option("--minimize/--maximize", default=True, show_default=True, help="Better outcome, low or high.")
@click.option("--threshold", type=float, default=0.1, show_default=True,
              help="Outcome that satisfies: at most this with --minimize, at least this with --maximize.")  # fmt: skip
@click.option("--points", type=click.IntRange(2, 65_536), default=256, show_default=True, help="Sobol points: futures.")
@click.option(
    "--replicates",
    type=click.IntRange(1, 10_000),
    default=8,
    show_default=True,
    help="Runs of each lever in each future.",
)
@seed_option
@workers_option
@chart_option("the regrets")
@json_option
def regret(
    levers: tuple[str, ...], outcome: str | None, minimize: bool, threshold: float, points: int, replicates: int,
    seed: int | None, workers: int | None, chart: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare policy levers under uncertainty (minimax regret).

    A lever is a scenario; the default levers are the baseline and the shipped scenarios with the role lever. A
    future is one setting of all parameters within their ranges. All levers meet the same futures, with common
    random numbers.

    Example: blocs regret baseline_2023 focused_indo_pacific global_coexistence --minimize
    """
    from sim.analysis.regret import check_alike, load_levers, outcomes_in_futures, tabulate_regret
    from sim.batch.sweep import other_seeds
    from sim.model.outcomes import last_steps

    named = name_references(levers)
    found = {name: resolve_scenario(reference) for name, reference in named.items()} if levers else load_levers()
    if len(found) < 2:
        raise InputError([Fault("regret", 1, "", "give two levers or more, such as baseline_2023 no_sanctions")])
    first = next(iter(found.values()))
    check_alike(found)
    luck = first.sweep.seed if seed is None else seed
    unused = other_seeds({name: one.sweep.seed for name, one in found.items()}, luck)
    warn_of_seeds(unused, luck)
    outcome = outcome_asked(outcome, first, luck)
    try:
        with progress_bar() as progress:
            outcomes = outcomes_in_futures(
                found, outcome, points=points, replicates=replicates,
                seed=luck, workers=workers, progress=progress,
            )  # fmt: skip
    except ValueError as error:
        raise InputError([Fault("--outcome", 1, outcome, str(error))]) from None
    want = "low" if minimize else "high"
    rows = tabulate_regret(outcomes, want=want, satisfied=threshold)
    if chart is not None:
        from sim.reporting import charts

        made, (axes,) = charts.new_figure(7, charts.row_height(list(rows["lever"]), 0.4) * len(rows) + 1.4)
        charts.draw_regrets(axes, rows, label=f"regret in {outcome}, {points} futures")
        charts.save_figure(made, str(chart))
    record = {"outcome": outcome, "want": want, "satisfied": threshold, "futures": points, "replicates": replicates,
              "averaged_over": last_steps(first.steps), "seed": luck, "unused_seeds": unused}  # fmt: skip
    if as_json:
        print_json({**record, "levers": rows})
    else:
        print_regret(record, rows)


def print_regret(record: dict[str, Any], rows: pd.DataFrame) -> None:
    """The regret table for people."""
    out = new_console()
    sign = "≤" if record["want"] == "low" else "≥"
    shown = new_table("lever", "mean", "regret", "(95 %)", "in 1 of 20", "at most", "best in",
                  f"{sign} {record['satisfied']:g} in", "(95 %)",
                  numbers=("mean", "regret", "in 1 of 20", "at most", "best in"))  # fmt: skip
    for one in rows.itertuples():
        shown.add_row(
            safe_text(one.lever), f"{one.mean:.3f}", f"{one.regret:.3f}",
            f"{one.low:.3f} to {one.high:.3f}", f"{one.regret_95:.3f}", f"{one.regret_max:.3f}",
            f"{100 * one.best:.0f} %", f"{100 * one.satisfied:.0f} %",
            f"{100 * one.satisfied_low:.0f} to {100 * one.satisfied_high:.0f} %",
        )  # fmt: skip
    out.print(f"{safe_text(record['outcome'])}, {record['want']} is wanted, in {record['futures']} futures\n")
    out.print(shown)
    out.print(
        f"\nA future is one setting of all parameters within their ranges; an outcome there is the mean over"
        f" {record['averaged_over']} of {record['replicates']} runs.\n"
        "Regret: how far the lever falls short of the best one in the same future;"
        f" at most: the greatest, and {safe_text(rows['lever'].iloc[0])} has the least of these (minimax regret).\n"
        "The ranges are assumed and every setting in them counts alike: shares are of futures, not probabilities."
    )
