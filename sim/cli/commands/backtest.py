"""The command backtest: forecasts from worlds of many years against what came after."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.commands.run import progress_bar
from sim.cli.commands.worlds.data import read_count
from sim.cli.main import cli
from sim.cli.options import NewFolder, chart_option, json_option, option_faults, said_warnings, workers_option
from sim.cli.printing import new_console, new_table, print_json, safe_text

if TYPE_CHECKING:
    from rich.console import Console

PICTURE, RECORD = "backtest.png", "backtest.json"  # files of --out

MOVES = {
    "votes": "Lasting moves of ideal points by a standard deviation or more",
    "coded": "Changes of the coded start from one world to a later one",
}

AGAINST = ("last ideal points", "static ties", "polyarchy", "regression")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--years", metavar="YEARS", help="Years to use, such as 1950:2015:5 or 1960,1980. Default: all in FOLDER."
)
@click.option("--from", "data", type=click.Path(path_type=Path),
              help="Folder of datasets, to import the worlds of --years that FOLDER lacks.")  # fmt: skip
@click.option(
    "--states", default="60", callback=read_count, show_default=True, metavar="NUMBER|all",
    help="Number of the most capable states of an imported world.",
)  # fmt: skip
@click.option("--carry", is_flag=True, help="Carry the last year of a dataset that ends earlier forward.")
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
    folder: Path, years: str | None, data: Path | None, states: int | None, carry: bool, replicates: int,
    histories: int, seed: int, workers: int | None, chart: Path | None, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Score forecasts from worlds of many years, beside simple ones.

    FOLDER has one folder for each world, with its observed.toml. A world that cannot be scored is left out, and the
    command says why. Structural chances, dated chances from the coded
    start and dated chances from the observed start are scored one to five years ahead. Intervals resample years and
    states. The weight of likeness is also fitted, for each year to earlier years only.

    \b
    Example: blocs backtest worlds --years 1950:2015:5 --chart backtest.png
             blocs backtest worlds --years 1950:2015:5,2018 --from downloads --carry
    """
    from sim import api
    from sim.files import write_synced
    from sim.reporting.records import to_json_text

    with said_warnings(), progress_bar() as progress, option_faults():
        record = api.backtest(
            folder, years, data=data, states=states, carry=carry, replicates=replicates, histories=histories,
            seed=seed, workers=workers, progress=progress, imported=say_imports,
        ).record  # fmt: skip
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_synced(out / RECORD, to_json_text(record).encode())
    for path in filter(None, (chart, out and out / PICTURE)):
        from sim.backtesting.picture import draw_backtest
        from sim.reporting import charts

        charts.save_figure(draw_backtest(record), str(path))
    if as_json:
        print_json(record)
    else:
        print_backtest(new_console(), record)


def say_imports(done: int, total: int) -> None:
    """Say on standard error how many worlds are imported."""
    click.echo(f"imported {done} of {total} worlds", err=True)


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
    print_who_realigns(out, record)
    print_renewal(out, record["renewal"])
    fits = ", ".join(
        f"{year} {'default' if weight is None else f'{weight:g}'}" for year, weight in record["fits"].items()
    )
    out.print(f"\nWeight of likeness, fitted to earlier years only: {fits}")
    click.echo(
        "\nRank: mean over years of the rank correlation with ideal points, over states that decide. Intervals: 95 %,"
        " years and\nstates resampled. n: state-years. Fitted: with the weight of likeness fitted to earlier years"
        " only, as the regressions\nare. Observed start: alignments read off the ideal points of the year, with an"
        " error. As points: the ideal points that\nfollow from the alignments of histories."
    )


def print_levels(out: Console, record: Mapping[str, Any]) -> None:
    """Print the rank correlation of each forecast by horizon."""
    out.print("[bold]Rank correlation with ideal points, by years ahead (95 %)[/bold]")
    shown = new_table("forecast", *map(str, record["horizons"]), "n")
    for name, levels in record["level"].items():
        scores = list(levels.values())
        shown.add_row(safe_text(name), *(cell(one, short=True) for one in scores), counts(scores))
    out.print(shown)


def counts(scores: Sequence[Mapping[str, Any]]) -> str:
    """Numbers of state-years of scores: the smallest and the largest."""
    least, most = min(one["n"] for one in scores), max(one["n"] for one in scores)
    return str(least) if least == most else f"{least}-{most}"


def print_who_realigns(out: Console, record: Mapping[str, Any]) -> None:
    """Print how often states realign and how the chances of it score."""
    for kind, title in MOVES.items():
        scored = record["moves"][kind]
        if not scored:
            continue
        out.print(f"\n[bold]{title}[/bold], by years ahead (95 %)")
        shown = new_table("", *(str(one["horizon"]) for one in scored))
        shown.add_row("moves of state-years", *(f"{one['moves']} of {one['n']}" for one in scored))
        shown.add_row("per 100 state-years", *(cell(one["rate"], short=True) for one in scored))
        for name in scored[0]["forecasts"]:
            figures = [one["forecasts"][name]["rate"] for one in scored]
            shown.add_row(f"  {safe_text(name)}", *(cell(one, short=True) for one in figures))
        shown.add_row("Brier less no change")
        for name in scored[0]["forecasts"]:
            figures = [one["forecasts"][name]["less_no_change"] for one in scored]
            shown.add_row(f"  {safe_text(name)}", *(cell(one, "+", 3, short=True) for one in figures))
        out.print(shown)
        last = scored[-1]
        if last["moves"]:
            print_movers(out, last)


def print_movers(out: Console, one: Mapping[str, Any]) -> None:
    """Print which forecasts tell movers from the others, at one horizon."""
    shown = new_table(
        f"{one['horizon']} years ahead, n = {one['n']}", "AUC: who moves", "AUC: and which way", "calibration slope"
    )
    for name, found in one["forecasts"].items():
        shown.add_row(safe_text(name), *(cell(found[key]) for key in ("auc", "auc_toward", "slope")))
    for name, found in one["gaps"].items():
        shown.add_row(f"distance from {safe_text(name)}", *(cell(found[key]) for key in ("auc", "auc_toward")), "")
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


def cell(score: Mapping[str, Any], sign: str = "", digits: int = 2, *, short: bool = False) -> str:
    """Return a score with its interval, `short` in few characters; a dash where it is undefined."""
    if math.isnan(score["value"]):
        return "–"
    value, low, high = (f"{score[key]:{sign}.{digits}f}" for key in ("value", "low", "high"))
    if math.isnan(score["low"]):
        return value
    if short and not sign and score["low"] >= 0:
        return f"{value} {low}–{high}"
    return f"{value} ({low}, {high})" if short else f"{value} ({low} to {high})"
