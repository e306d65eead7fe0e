"""The command regret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import complete
from sim.cli.group import (
    chart_option,
    cli,
    console,
    json_option,
    plain,
    resolved,
    say_json,
    seed_option,
    table,
    workers_option,
)
from sim.cli.runs import progress_bar, warn_of_seeds
from sim.cli.sensitivity import outcome_asked
from sim.faults import Fault, InputError
from sim.names import by_name

if TYPE_CHECKING:
    import pandas as pd


@cli.command()
@click.argument("levers", nargs=-1, metavar="[LEVER...]", shell_complete=complete.scenarios)
@click.option("--outcome", metavar="NAME",
              help="What is measured, or share_BLOC_STATE; by default the size of the first lever's bloc that varies"
              " most.")  # fmt: skip
@click.option("--want", type=click.Choice(["low", "high"]), default="low", show_default=True, help="What is better.")
@click.option("--satisfied", type=float, default=0.1, show_default=True, help="At or beyond it the outcome satisfies.")
@click.option("--points", type=click.IntRange(2, 65_536), default=256, show_default=True, help="Futures.")
@click.option("--replicates", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Runs in each.")
@seed_option
@workers_option
@chart_option("the regrets")
@json_option
def regret(
    levers: tuple[str, ...], outcome: str | None, want: str, satisfied: float, points: int, replicates: int,
    seed: int | None, workers: int | None, chart: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Set what a government can choose against what it cannot: which lever is regretted least.

    A lever is a scenario, by default the baseline and every shipped scenario marked as one. A future is one
    setting of all parameters within their ranges, the same for each lever, on the same luck.

    Example: blocs regret baseline_2023 focused_indo_pacific global_coexistence --want low
    """
    from sim.averaging import last_steps
    from sim.levers import check_alike, futures, shipped_levers
    from sim.regret import regret_table
    from sim.sweep import own_seeds

    named = by_name(levers)
    found = {name: resolved(reference) for name, reference in named.items()} if levers else shipped_levers()
    if len(found) < 2:
        raise InputError([Fault("regret", 1, "", "give two levers or more, such as baseline_2023 no_sanctions")])
    first = next(iter(found.values()))
    check_alike(found)
    luck = first.sweep.seed if seed is None else seed
    unused = own_seeds({name: one.sweep.seed for name, one in found.items()}, luck)
    warn_of_seeds(unused, luck)
    outcome = outcome_asked(outcome, first, luck)
    try:
        with progress_bar() as progress:
            outcomes = futures(
                found, outcome, points=points, replicates=replicates,
                seed=luck, workers=workers, progress=progress,
            )  # fmt: skip
    except ValueError as error:
        raise InputError([Fault("--outcome", 1, outcome, str(error))]) from None
    rows = regret_table(outcomes, want=want, satisfied=satisfied)
    if chart is not None:
        from sim import charts

        made, (axes,) = charts.figure(7, charts.row_height(list(rows["lever"]), 0.4) * len(rows) + 1.4)
        charts.regrets(axes, rows, label=f"regret in {outcome}, {points} futures")
        charts.save(made, str(chart))
    record = {"outcome": outcome, "want": want, "satisfied": satisfied, "futures": points, "replicates": replicates,
              "averaged_over": last_steps(first.steps), "seed": luck, "unused_seeds": unused}  # fmt: skip
    if as_json:
        say_json({**record, "levers": rows})
    else:
        told(record, rows)


def told(record: dict[str, Any], rows: pd.DataFrame) -> None:
    """The regret table for people."""
    out = console()
    sign = "≤" if record["want"] == "low" else "≥"
    shown = table("lever", "mean", "regret", "(95 %)", "in 1 of 20", "at most", "best in",
                  f"{sign} {record['satisfied']:g} in", "(95 %)",
                  numbers=("mean", "regret", "in 1 of 20", "at most", "best in"))  # fmt: skip
    for one in rows.itertuples():
        shown.add_row(
            plain(one.lever), f"{one.mean:.3f}", f"{one.regret:.3f}",
            f"{one.low:.3f} to {one.high:.3f}", f"{one.regret_95:.3f}", f"{one.regret_max:.3f}",
            f"{100 * one.best:.0f} %", f"{100 * one.satisfied:.0f} %",
            f"{100 * one.satisfied_low:.0f} to {100 * one.satisfied_high:.0f} %",
        )  # fmt: skip
    out.print(f"{plain(record['outcome'])}, {record['want']} is wanted, in {record['futures']} futures\n")
    out.print(shown)
    out.print(
        f"\nA future is one setting of all parameters within their ranges; an outcome there is the mean over"
        f" {record['averaged_over']} of {record['replicates']} runs.\n"
        "Regret: how far the lever falls short of the best one in the same future;"
        f" at most: the greatest, and {plain(rows['lever'].iloc[0])} has the least of these (minimax regret).\n"
        "The ranges are assumed and every setting in them counts alike: shares are of futures, not probabilities."
    )
