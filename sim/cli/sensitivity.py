"""The command sensitivity."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import complete
from sim.cli.group import (
    changed,
    chart_option,
    cli,
    console,
    json_option,
    plain,
    resolved,
    say_json,
    seed_option,
    set_option,
    table,
    twice_on_command_line,
    without_option,
    workers_option,
)
from sim.cli.runs import designed, progress_bar
from sim.faults import Fault, InputError
from sim.names import stem

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario import Scenario

RUNS_AN_END = 100  # a tornado has few points, so that each may have more runs than a point of the Sobol design


@cli.command()
@click.argument("scenario", shell_complete=complete.scenarios)
@click.option("--outcome", metavar="NAME",
              help="An outcome, over the last steps, or share_ALIGNMENT_STATE; by default the size of the bloc"
              " that varies most.")  # fmt: skip
@click.option("--points", type=click.IntRange(2, 65_536), default=256, show_default=True,
              help="Points of the Sobol design, a power of 2; each costs settings + 2 points.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(1, 100_000), default=8, show_default=True, help="Runs of each point.")
@click.option("--vary", multiple=True, metavar="SETTING=LOW:HIGH",
              help="A setting to vary, e.g. w_pressure=0:1; all parameters over their ranges by default.")  # fmt: skip
@click.option("--threshold", type=float, metavar="X", help="Find the box of settings where the outcome is at least X.")
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
    """Show which settings an outcome depends on: Sobol indices, and each end of each setting's range.

    With --threshold also the box of settings in which the outcome is at least that, by PRIM.

    Example: blocs sensitivity baseline_2023 --outcome share_front_CHN --threshold 0.5 --chart china.png
    """
    found = resolved(scenario, settings, without)
    if points & (points - 1):
        raise InputError([Fault("--points", 1, str(points), f"is no power of 2; give {2 ** points.bit_length()}")])
    ranges = ranges_of(found, vary, points)
    given = [("--vary", [*ranges])] if vary else []
    if faults := twice_on_command_line(found, [*given, *(changed(settings, without) if vary else [])]):
        raise InputError(faults)
    seed = found.sweep.seed if seed is None else seed
    outcome = outcome_asked(outcome, found, seed)
    record = analysed(found, ranges, outcome, seed, points, replicates, threshold, workers)
    if chart is not None:
        drawn(chart, f"{stem(scenario)}: {outcome} over {record['averaged_over']}", outcome, record)
    record |= {"scenario": stem(scenario), "left_out": {} if vary else idle_of(found)}
    if as_json:
        say_json(record)
    else:
        told(record)


def outcome_asked(outcome: str | None, scenario: Scenario, seed: int) -> str:
    """The outcome that --outcome names, else the size of the bloc that varies most, which is said."""
    from sim.sensitivity import LOOKED_AT, chosen_outcome

    if outcome is not None:
        return outcome
    chosen = chosen_outcome(scenario, seed=seed)
    click.echo(
        f"blocs: no --outcome is given; {chosen} is chosen, the size of the bloc that varies most over"
        f" {LOOKED_AT} runs",
        err=True,
    )
    return chosen


def ranges_of(scenario: Scenario, vary: tuple[str, ...], points: int) -> dict[str, tuple[float, float]]:
    """The ranges that --vary names, else those of the parameters that matter; raises InputError."""
    from sim.sensitivity import parameter_ranges

    if not vary:
        return parameter_ranges(scenario)
    ranges, faults = {}, []
    for path, spread in designed(scenario, "sobol", points, vary).sweep.vary.items():
        if isinstance(spread, tuple) or spread.points is not None:
            faults.append(Fault("--vary", 1, path, "give SETTING=LOW:HIGH alone; --points says how many points"))
        elif not spread.start < spread.stop:
            faults.append(Fault("--vary", 1, path, f"{spread.start:g} is not below {spread.stop:g}"))
        else:
            ranges[path] = (spread.start, spread.stop)
    if faults:
        raise InputError(faults)
    return ranges


def idle_of(scenario: Scenario) -> dict[str, str]:
    """Parameters left out, with the reason."""
    from sim.sensitivity import idle

    return idle(scenario)


def analysed(
    scenario: Scenario, ranges: dict[str, tuple[float, float]], outcome: str, seed: int, points: int,
    replicates: int, threshold: float | None, workers: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Indices, tornado and box of an outcome; raises InputError."""
    import numpy as np

    from sim.averaging import last_steps
    from sim.sensitivity import Evaluator, sobol, tornado

    try:
        evaluator = Evaluator(scenario, tuple(ranges), outcome, seed)
    except ValueError as error:
        raise InputError([Fault("--outcome", 1, outcome, str(error))]) from None
    first = replicates * points * (len(ranges) + 2)
    total = first + RUNS_AN_END * (2 * len(ranges) + 1)
    try:
        with progress_bar() as progress:
            indices = sobol(
                lambda rows: evaluator.means(
                    rows, replicates=replicates, workers=workers, progress=lambda done, _: progress(done, total)
                ),
                ranges,
                points=points,
                rng=np.random.default_rng(seed),
            )
            ends = tornado(
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

    from sim.sensitivity import chosen, prim, quasi_p, words

    cases = values >= threshold
    record: dict[str, Any] = {"threshold": threshold, "cases": int(cases.sum()), "points": len(cases), "limits": []}
    if cases.all() or not cases.any():
        return record
    box = chosen(rows, cases, prim(rows, cases))
    doubt = quasi_p(rows, cases, box)
    for end, j in np.argwhere(box.limited).tolist():
        limit = (box.low, box.high)[end][j]
        record["limits"].append(
            {"setting": settings[j], "end": ("low", "high")[end], "value": float(limit), "quasi_p": doubt[end, j]}
        )
    measures = {"coverage": box.coverage, "density": box.density, "mass": box.mass, "n": box.n}
    return {**record, **measures, "words": words(box, settings)}


def told(record: dict[str, Any]) -> None:
    """The record for people."""
    out = console()
    outcome, points = record["outcome"], record["points"]
    out.print(
        f"{plain(record['scenario'])}: {plain(outcome)} over {record['averaged_over']}; {points} points and their"
        f" {points * (len(record['ranges']) + 1)} mixtures, {record['replicates']} runs each on the same luck"
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
        out.print(f"\n{plain(sentence(outcome, record['box']))}")


def indices_table(record: dict[str, Any]) -> Any:
    """The Sobol indices as a table, the setting of the largest total first."""
    shown = table("setting", "range", "alone", "(95 %)", "in all", "(95 %)",
                  title="\nShare of the variance, by setting", numbers=("alone", "in all"))  # fmt: skip
    for one in record["indices"].sort_values("total", ascending=False, kind="stable").itertuples():
        low, high = record["ranges"][one.setting]
        shown.add_row(
            plain(one.setting), f"{low:g} to {high:g}",
            f"{one.first:.2f}", f"{one.first_low:.2f} to {one.first_high:.2f}",
            f"{one.total:.2f}", f"{one.total_low:.2f} to {one.total_high:.2f}",
        )  # fmt: skip
    return shown


def ends_table(ends: pd.DataFrame) -> Any:
    """The tornado as a table, one row a setting."""
    title = f"\nChange of the outcome at the ends of one range, the rest as it is ({RUNS_AN_END} pairs of runs)"
    shown = table("setting", "low end", "change", "(95 %)", "high end", "change", "(95 %)", title=title,
                  numbers=("low end", "change", "high end"))  # fmt: skip
    for name in ends["setting"].unique():
        cells = [plain(name)]
        for one in ends[ends["setting"] == name].sort_values("value").itertuples():
            cells += [f"{one.value:g}", f"{one.difference:+.3f}", end_interval(one)]
        shown.add_row(*cells)
    return shown


def end_interval(one: Any) -> str:
    """The interval of a change in words, or why there is none."""
    return "the same in all pairs" if math.isnan(one.low) else f"{one.low:+.3f} to {one.high:+.3f}"


def sentence(outcome: str, box: dict[str, Any]) -> str:
    """What a box says, such as `Where w_pressure ≤ 0.4 it is so at 70 % (density) of 120 points, …`."""
    share = box["cases"] / box["points"]
    start = f"{outcome} ≥ {box['threshold']:g} at {box['cases']} of {box['points']} points ({100 * share:.0f} %)"
    if not box["limits"]:
        return f"{start}; no box of settings tells more."
    return (
        f"{start}. Where {box['words']} it is so at {100 * box['density']:.0f} % (density) of {box['n']} points,"
        f" which are {100 * box['coverage']:.0f} % of all where it is so (coverage)."
    )


def drawn(chart: Path, title: str, outcome: str, record: dict[str, Any]) -> None:
    """Write the chart: the ends of each range beside the indices."""
    from sim import charts

    settings = list(record["ranges"])
    made, (left, right) = charts.figure(11, 1.6 + charts.row_height(settings, 0.27) * len(settings), columns=2)
    charts.tornado(left, record["tornado"], label=f"{outcome}, less that of the scenario as it is")
    charts.indices(right, record["indices"])
    made.suptitle(title, x=0.01, ha="left")
    charts.save(made, str(chart))
