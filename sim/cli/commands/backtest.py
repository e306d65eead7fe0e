"""The command backtest: forecasts from worlds of many years against what came after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.commands.run import progress_bar
from sim.cli.main import cli
from sim.cli.options import NewFolder, chart_option, json_option, option_faults, workers_option
from sim.cli.printing import new_console, new_table, print_json, safe_text

if TYPE_CHECKING:
    from rich.console import Console

PICTURE, RECORD = "backtest.png", "backtest.json"  # files of --out

AGAINST = ("last ideal points", "static ties", "polyarchy", "regression, earlier years")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--years", metavar="YEARS", help="Years to use, such as 1950:2015:5 or 1960,1980. Default: all.")
@click.option("--replicates", type=click.IntRange(1, 1_000_000), default=32, show_default=True,
              help="Runs of each world for structural chances, at each weight of likeness.")  # fmt: skip
@click.option("--histories", type=click.IntRange(1, 1_000_000), default=200, show_default=True,
              help="Histories of each world from each start.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=20231025, show_default=True, help="Random seed.")
@workers_option
@chart_option("the scores")
@click.option("--out", type=NewFolder(), help=f"Folder for {RECORD} and {PICTURE}.")
@json_option
def backtest(
    folder: Path, years: str | None, replicates: int, histories: int, seed: int, workers: int | None,
    chart: Path | None, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Score forecasts from worlds of many years, beside simple ones.

    FOLDER has one folder for each world, with its observed.toml. Structural chances, dated chances from the coded
    start and dated chances from the observed start are scored one to five years ahead. Intervals resample years and
    states. The weight of likeness is also fitted, for each year to earlier years only.

    Example: blocs backtest worlds --years 1950:2015:5 --chart backtest.png
    """
    from sim import api
    from sim.files import write_synced
    from sim.reporting.records import to_json_text

    with progress_bar() as progress, option_faults():
        record = api.backtest(
            folder, years, replicates=replicates, histories=histories, seed=seed, workers=workers, progress=progress
        ).record
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_synced(out / RECORD, to_json_text(record).encode())
    for path in filter(None, (chart, out and out / PICTURE)):
        from sim.backtest.picture import draw_backtest
        from sim.reporting import charts

        charts.save_figure(draw_backtest(record), str(path))
    if as_json:
        print_json(record)
    else:
        print_backtest(new_console(), record)


def print_backtest(out: Console, record: Mapping[str, Any]) -> None:
    """Print the scores of a backtest."""
    years = record["years"]
    out.print(
        f"{len(years)} worlds, {years[0]} to {years[-1]}; {record['histories']} histories from each start,"
        f" {record['replicates']} runs for structural chances, seed {record['seed']}\n"
    )
    last = record["horizons"][-1]
    print_levels(out, record)
    out.print(f"\n[bold]Change in {last} years, given where states are[/bold]")
    shown = new_table("forecast", "partial rank (95 %)", "direction of the largest fifth of moves (95 %)", "n")
    for name, score in record["change"].items():
        shown.add_row(safe_text(name), cell(score), cell(record["sign"][name]), str(record["sign"][name]["n"]))
    out.print(shown)
    for kind, title in (("level", "Rank correlation"), ("change", "Partial rank")):
        out.print(f"\n[bold]{title} at {last} years, less that of each simple forecast[/bold]")
        shown = new_table("forecast", *AGAINST)
        for name, others in record["differences"][kind].items():
            shown.add_row(safe_text(name), *(cell(others[other], "+") for other in AGAINST))
        out.print(shown)
    print_realignments(out, record)
    print_renewal(out, record["renewal"])
    fits = ", ".join(
        f"{year} {'default' if weight is None else f'{weight:g}'}" for year, weight in record["fits"].items()
    )
    out.print(f"\nWeight of likeness, fitted to earlier years only: {fits}")
    click.echo(
        "\nRank: mean over years of the rank correlation with ideal points, over states that decide. Intervals: 95 %,"
        " years and\nstates resampled. n: state-years. Observed start: alignments read off the ideal points of the"
        " year, with an error. As\nideal points: the last ideal point, moved by the change of alignment that the model"
        " expects. Regressions are fitted\nto earlier years only."
    )


def print_levels(out: Console, record: Mapping[str, Any]) -> None:
    """Print the rank correlation of each forecast by horizon."""
    out.print("[bold]Rank correlation with ideal points, by years ahead (95 %)[/bold]")
    shown = new_table("forecast", *map(str, record["horizons"]), "n")
    for name, levels in record["level"].items():
        scores = list(levels.values())
        shown.add_row(safe_text(name), *map(cell, scores), " ".join(str(n) for n in counts(scores)))
    out.print(shown)


def counts(scores: Sequence[Mapping[str, Any]]) -> list[int]:
    """Numbers of state-years of scores: one where they are equal, else the smallest and the largest."""
    return sorted({min(one["n"] for one in scores), max(one["n"] for one in scores)})


def print_realignments(out: Console, record: Mapping[str, Any]) -> None:
    """Print how often states realign and how the chances of it score."""
    titles = {
        "votes": "Lasting moves of ideal points by a standard deviation or more",
        "coded": "Changes of the coded start from one world to the next",
    }
    for kind, title in titles.items():
        for one in record["moves"][kind]:
            out.print(
                f"\n[bold]{title}[/bold], within {one['horizon']} years: {one['moves']} of {one['n']} state-years;"
                f" per 100 state-years {cell(one['rate'])}"
            )
            if not one["moves"]:
                continue
            shown = new_table(
                "forecast", "per 100 state-years", "Brier less no change", "AUC: who moves", "AUC: and which way",
                "calibration slope",
            )  # fmt: skip
            for name, found in one["forecasts"].items():
                shown.add_row(
                    safe_text(name), cell(found["rate"]), cell(found["less_no_change"], "+", 3), cell(found["auc"]),
                    cell(found["auc_toward"]), cell(found["slope"]),
                )  # fmt: skip
            for name, found in one["gaps"].items():
                shown.add_row(
                    f"distance from {safe_text(name)}", "", "", cell(found["auc"]), cell(found["auc_toward"]), ""
                )
            out.print(shown)


def print_renewal(out: Console, renewal: Mapping[str, Any] | None) -> None:
    """Print what the record says of renewal."""
    if renewal is None:
        out.print("\nNo state is seen in two years, so the record says nothing of renewal.")
        return
    out.print(
        f"\n[bold]Renewal[/bold] by the likelihood of observed alignments: {renewal['best']:.3f} a year (95 %"
        f" {renewal['low']:.3f} to {renewal['high']:.3f}; states resampled {renewal['low_states']:.3f} to"
        f" {renewal['high_states']:.3f}); default {renewal['default']:g}\n{renewal['states']} states, {renewal['n']}"
        f" readings, {renewal['changes']} changes; {100 * renewal['misread']:g} % of readings misread, temperature"
        f" {renewal['temperature']:g} times the world's"
    )


def cell(score: Mapping[str, Any], sign: str = "", digits: int = 2) -> str:
    """Return a score with its interval; a dash where it is undefined."""
    if score["value"] != score["value"]:
        return "–"
    value, low, high = (f"{score[key]:{sign}.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})" if score["low"] == score["low"] else value
