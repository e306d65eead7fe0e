"""The commands score and calibrate: forecasts and parameters against the record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.commands.run import progress_bar, resumable_progress
from sim.cli.main import cli
from sim.cli.options import (
    chart_option,
    json_option,
    option_faults,
    refuse_two_forms,
    resolve_scenario,
    seed_option,
    set_option,
    without_option,
    workers_option,
)
from sim.cli.printing import new_console, new_table, print_json, safe_text
from sim.errors import Fault, InputError, escape_controls
from sim.names import scenario_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Shown

SCORED, ALL = "baseline_2023", "all"

WITH_ALL = "model, all sanctions"

CHANCES = ("leader's bloc", "neither", "another bloc")

MOVE_HEADS = ("left the start (95 %)", "alignment (95 %)")

FEW_MOVES = "So few moves decide nothing between forecasts; read them one by one."

FIGURES = {"auc": "AUC", "brier": "Brier", "log": "log", "spearman": "rank"}


@cli.command()
@click.argument("scenario", default=SCORED, shell_complete=completion.complete_scenarios)
@click.option("--replicates", type=click.IntRange(1, 1_000_000), default=1000, show_default=True,
              help="Runs of each forecast.")  # fmt: skip
@seed_option
@set_option
@without_option
@workers_option
@chart_option("the forecasts")
@click.option("--markdown", is_flag=True, help="Output as the tables of docs/validation.md.")
@json_option
def score(
    scenario: str, replicates: int, seed: int | None, settings: tuple[str, ...], without: tuple[str, ...],
    workers: int | None, chart: Path | None, markdown: bool, as_json: bool,
) -> None:  # fmt: skip
    """Score forecasts against recorded votes, beside simple baselines.

    The record is votes and ideal points in the world's observed.toml. Votes are scored twice: with all sanctions of
    the scenario, some of them reactions to the votes, and with only the sanctions in force before. Where the world has
    dates and kept dispositions, who leaves its start is scored by year, beside "no change".

    Example: blocs score baseline_2023 --chart score.png
    """
    from sim import api

    refuse_two_forms(markdown=markdown, as_json=as_json)
    loaded = resolve_scenario(scenario, settings, without)
    with progress_bar() as progress, option_faults():
        record = api.score(
            loaded, replicates=replicates, seed=seed, observed=scenario, label=scenario_name(scenario),
            workers=workers, progress=progress,
        ).record  # fmt: skip
    if chart is not None:
        draw_scores(record, chart)
    if as_json:
        print_json(record)
    elif markdown:
        for line in markdown_lines(record):
            click.echo(line)
    else:
        print_scores(new_console(), record)


def draw_scores(record: Mapping[str, Any], chart: Path) -> None:
    """Draw the forecasts of the last vote by state, and the calibration of all votes; raises InputError without any."""
    from sim.reporting import charts

    votes = [one for one in record["votes"] if one["sanctions"] != ALL]
    if not votes:
        raise InputError([Fault("--chart", 1, "", "shows forecasts of votes, and the record has none; leave it out")])
    last = max(votes, key=lambda one: one["date"])
    figure, axes = charts.new_figure(10, 0.145 * last["n"] + 1.2, columns=2)
    charts.draw_forecasts(axes[0], last["states"])
    axes[0].set_title(f"{last['id']}, {last['date']}", loc="left")
    charts.draw_calibration(axes[1], {one["id"]: one["bins"] for one in votes})
    charts.save_figure(figure, str(chart))


def print_scores(out: Console, record: Mapping[str, Any]) -> None:
    """Print the scores: with the sanctions in force before the vote, and the model's with all of them."""
    out.print(f"{safe_text(record['scenario'])}: {record['replicates']} runs of each, seed {record['seed']}\n")
    for one, with_all in pair_scores(record["votes"], "id"):
        cast = ", ".join(f"{count} {kind}" for kind, count in one["cast"].items())
        aside = ", held out of fitting" if one["held_out"] else ""
        out.print(f"[bold]{safe_text(one['id'])}[/bold]  {one['date']}{aside}: {one['n']} states, {cast}")
        score_rows(out, one["forecasts"], with_all["forecasts"][0], ("auc", "brier", "log"))
        slope, intercept = (format_score(one[key]) for key in ("slope", "intercept"))
        out.print(f"calibration of P(yes): slope {slope}, intercept {intercept}")
        out.print(f"missed: {print_misses(one['states'])}\n")
    for one, with_all in pair_scores(record["ideal_points"], "year"):
        out.print(f"[bold]ideal points of {one['year']}[/bold]: {one['n']} states")
        score_rows(out, one["forecasts"], with_all["forecasts"][0], ("spearman",))
        out.print()
    print_later_events(out, record["after"])
    print_legend(record)


def print_legend(record: Mapping[str, Any]) -> None:
    """Print the meaning of the figures."""
    click.echo(
        f"\nLeft out, as they do not decide in the model: {escape_controls(', '.join(record['left_out']))}. Sanctions:"
        " those in force before the vote, or the year.\nYes means the bloc of"
        f" {escape_controls(record['leader'])}, no for another, abstained or absent for non-alignment; missed:"
        " another answer was likelier.\nAUC: yes against the rest, absent among the rest, by P(yes) − P(no). Brier:"
        " three answers, 0 (best) to 2. log: −log of the\nanswer's probability, in nats, with a lapse of"
        f" {record['lapse']:g}. rank: rank correlation. (95 %): bootstrap over states, too narrow\nwhere nearly none"
        " is wrong. Baselines take their probabilities from the other states' answers to the same vote,\nby"
        " ridge regression; the model has seen none of it unless its parameters were fitted to it."
    )


def pair_scores(found: list[dict[str, Any]], key: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pair the scores with earlier sanctions and those with all sanctions."""
    with_all = {one[key]: one for one in found if one["sanctions"] == ALL}
    return [(one, with_all[one[key]]) for one in found if one["sanctions"] != ALL]


def score_rows(
    out: Console, forecasts: list[dict[str, Any]], with_all: dict[str, Any] | None, figures: tuple[str, ...]
) -> None:
    """Print forecasts with their figures and, for each baseline, the model's first figure less its own."""
    first = figures[0]
    less = f"model less it, {FIGURES[first]}"
    table = new_table("forecast", *(f"{FIGURES[key]} (95 %)" for key in figures), less)
    if with_all is not None:
        forecasts = [forecasts[0], {**with_all, "forecast": WITH_ALL}, *forecasts[1:]]
    for one in forecasts:
        gap = one.get(f"model_less_{first}")
        fewer = f" ({one['n']} states)" if one["n"] < forecasts[0]["n"] else ""
        table.add_row(
            safe_text(one["forecast"] + fewer),
            *(format_score(one[key]) for key in figures),
            format_score(gap, "+") if gap else "",
        )
    out.print(table)


def format_score(figure: dict[str, float], sign: str = "") -> str:
    """Return a figure with its interval; a dash if it is undefined."""
    if math.isnan(figure["value"]):
        return "–"
    value, low, high = (f"{figure[key]:{sign}.2f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def print_misses(states: list[dict[str, Any]]) -> str:
    """Return the states whose most likely answer was wrong."""
    return ", ".join(f"{safe_text(one['state'])} {one['cast']}" for one in states if one["missed"]) or "none"


def print_later_events(out: Console, record: Mapping[str, Any]) -> None:
    """Print the forecasts of later events."""
    if record["moves"]:
        out.print("[bold]After the record date[/bold], never fitted to: the last step of each state")
        table = new_table("state", "toward", *CHANCES, "", "event", numbers=CHANCES)
        for one in record["moves"]:
            chances = [f"{one[key]:.2f}" for key in ("yes", "abstained", "no")]
            event = f"{one['event']}, {one['date']}"
            table.add_row(one["state"], one["cast"], *chances, "missed" if one["missed"] else "", safe_text(event))
        out.print(table)
        brier, log = (format_score(record["scores"][key]) for key in ("brier", "log"))
        out.print(f"Brier {brier}, log {log}, of {record['scores']['n']} states: few, so read them one by one\n")
    for one in record["votes"]:
        out.print(f"[bold]{safe_text(one['title'])}[/bold] {one['date']} ({one['n']} states)")
        score_rows(out, one["forecasts"], None, ("auc", "brier", "log"))
        out.print(f"missed: {print_misses(one['states'])}")
    print_realignments(out, record["realignments"])


def print_realignments(out: Console, record: Mapping[str, Any]) -> None:
    """Print the scores of dated forecasts of who leaves its start, by horizon."""
    out.print("\n[bold]Realignments after the record date[/bold]")
    if record["why_not"]:
        out.print(f"not scored: {safe_text(record['why_not'])}")
        return
    for one in record["horizons"]:
        out.print(safe_text(horizon_words(one, record)))
        table = new_table("forecast", *MOVE_HEADS, f"model less it, {MOVE_HEADS[0]}")
        for name, *cells in move_rows(one):
            table.add_row(safe_text(name), *cells)
        out.print(table)
    click.echo(
        "Left the start: Brier score of P(elsewhere), 0 (best) to 1; that of no change is the share that moved."
        f" Alignment: of all\nalignments, 0 to 2. Histories know the coded start: {record['replicates']} of them, seed"
        f" {record['seed']}. (95 %): bootstrap over states.\n{FEW_MOVES}"
    )


def horizon_words(one: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Say who moved by a horizon, of how many states, and how many moves the model expected."""
    moves = [f"{m['state']} {m['from']} → {m['to']} (chance {m['chance']:.3f})" for m in one["changes"]]
    years = "1 year" if one["years"] == 1 else f"{one['years']} years"
    return (
        f"by {one['date']}, {years}: {len(moves)} of {one['n']} states moved ({'; '.join(moves) or 'none'}), of"
        f" {record['events']} recorded events in all; the model expects {one['expected_changes']:.2f}"
    )


def move_rows(one: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return the forecasts of a horizon with their Brier scores, and the model's score less theirs."""
    rows = []
    for row in one["forecasts"]:
        gap = row.get("model_less_left")
        cells = (format_small(row["left"]), format_small(row["alignment"]), format_small(gap, "+") if gap else "")
        rows.append((row["forecast"], *cells))
    return rows


def format_small(figure: Mapping[str, float], sign: str = "") -> str:
    """Return a small figure with its interval."""
    value, low, high = (f"{figure[key]:{sign}.4f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def markdown_lines(record: Mapping[str, Any]) -> list[str]:
    """Return the scores in Markdown: one table for each figure, then the later events."""
    lines: list[str] = []
    for key, what in (("auc", "AUC, or rank correlation"), ("brier", "Brier score"), ("log", "Log score")):
        lines += [*figure_table(record, key, what), ""]
    lines += [*figure_table(record, "model_less_auc", "The model's AUC or rank correlation less each"), ""]
    lines += [*figure_table(record, "model_less_log", "The model's log score less each"), ""]
    for one in record["votes"]:
        if one["sanctions"] != ALL:
            slope, intercept = (format_score(one[key]) for key in ("slope", "intercept"))
            lines.append(f"- {one['id']}: slope {slope}, intercept {intercept}; missed: {print_misses(one['states'])}")
    lines += ["", f"| state | event | toward | {' | '.join(CHANCES)} | |", "| --- " * 7 + "|"]
    for one in record["after"]["moves"]:
        chances = " | ".join(f"{one[key]:.2f}" for key in ("yes", "abstained", "no"))
        missed = "missed" if one["missed"] else ""
        lines.append(f"| {one['state']} | {one['event']}, {one['date']} | {one['cast']} | {chances} | {missed} |")
    moves = record["after"]["realignments"]
    for one in moves["horizons"]:
        lines += ["", f"{horizon_words(one, moves)[0].upper()}{horizon_words(one, moves)[1:]}.", ""]
        lines += [f"| forecast | {' | '.join(MOVE_HEADS)} | model less it |", "| --- " * 4 + "|"]
        lines += [f"| {' | '.join(cells)} |" for cells in move_rows(one)]
    return lines


def figure_table(record: Mapping[str, Any], key: str, what: str) -> list[str]:
    """Return one figure of every forecast, one column for each vote."""
    scored: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = []
    scored += [(one["id"], one, with_all) for one, with_all in pair_scores(record["votes"], "id")]
    scored += [(one["title"].split(",")[0], one, None) for one in record["after"]["votes"]]
    if key.endswith("auc"):
        pairs = pair_scores(record["ideal_points"], "year")
        scored += [(f"ideal points {one['year']}", one, with_all) for one, with_all in pairs]
    cells: dict[str, dict[str, str]] = {}
    for name, one, with_all in scored:
        own = key.replace("auc", "spearman") if "year" in one else key
        extra = [{**with_all["forecasts"][0], "forecast": WITH_ALL}] if with_all else []
        for row in [one["forecasts"][0], *extra, *one["forecasts"][1:]]:
            if own in row:
                cells.setdefault(row["forecast"], {})[name] = format_score(
                    row[own], "+" if own.startswith("model") else ""
                )
    names = [name for name, _, _ in scored]
    counted = [f"{name} (n = {one['n']})" for name, one, _ in scored]
    head = [f"| {what} | {' | '.join(counted)} |", "| --- " * (len(names) + 1) + "|"]
    return head + [f"| {one} | {' | '.join(own.get(name, '') for name in names)} |" for one, own in cells.items()]


@cli.command()
@click.argument("scenario", default=SCORED, shell_complete=completion.complete_scenarios)
@click.option("--points", type=click.IntRange(2, 100_000), default=4096, show_default=True,
              help="Sobol points over the parameters' ranges: the prior.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(1, 10_000), default=32, show_default=True, help="Runs of each point.")
@seed_option
@workers_option
@click.option("--out", type=click.Path(path_type=Path),
              help="Folder for the runs and the fit. Default: results/calibration-SCENARIO.")  # fmt: skip
@json_option
def calibrate(
    scenario: str, points: int, replicates: int, seed: int | None, workers: int | None, out: Path | None, as_json: bool
) -> None:
    """Fit the parameters to recorded votes and ideal points.

    It shows which parameters the record identifies. The record is the world's observed.toml, without the held-out
    votes and without later events. The same command resumes a stopped fit. The folder contains the runs,
    calibration.json, identifiability.png and posterior.csv; give the last one to sweep or claims with --parameters.
    The posterior of a world is beside its world.toml.

    Example: blocs calibrate baseline_2023 --points 1024
    """
    from sim import api
    from sim.api.record.forecasts import require_votes

    loaded, name = resolve_scenario(scenario), scenario_name(scenario)
    require_votes(scenario)  # before anything is written
    folder = out or Path("results") / f"calibration-{name}"
    with resumable_progress(folder) as (progress, _), option_faults():
        record = api.calibrate(
            loaded, out=folder, points=points, replicates=replicates, seed=seed, observed=scenario, label=name,
            workers=workers, progress=progress,
        ).record  # fmt: skip
    if as_json:
        print_json(record)
    else:
        print_calibration(record, folder)


def print_calibration(record: Mapping[str, Any], folder: Path) -> None:
    """Print the calibration."""
    out = new_console()
    shown = new_table("parameter", "default", "range", "median", "90 %", "narrowed", "distance", "",
                  numbers=("default", "median", "narrowed", "distance"))  # fmt: skip
    for one in sorted(record["parameters"], key=lambda one: -one["distance"]):
        shown.add_row(
            one["parameter"], f"{one['default']:.3g}", "{:g} to {:g}".format(*one["range"]), f"{one['median']:.3g}",
            f"{one['low']:.3g} to {one['high']:.3g}", f"{100 * one['narrowed']:.0f} %", f"{one['distance']:.2f}",
            "identified" if one["identified"] else "not identified",
        )  # fmt: skip
    out.print(shown)
    out.print(
        f"\n{record['points']} points of {record['replicates']} runs, worth {record['effective']:.0f} draws from the"
        f" posterior. distance: of posterior and prior\n(Kolmogorov & Smirnov); by chance up to"
        f" {record['chance_distance']:.2f}. narrowed: the 90 % interval. Identified: beyond chance, and narrower"
        " by a fifth."
    )
    if record["few_points"]:
        out.print(
            "Chance moves the parameters so far that almost nothing can be identified. It takes some"
            f" {math.ceil(record['effective_needed'])} draws or more: give more --points."
        )
    kinds = list(record["figures"])
    shown = new_table("how well it ranks states (95 %)", *kinds)
    for name in record["figures"][kinds[0]]:
        cells = [record["figures"][kind][name] for kind in kinds]
        shown.add_row(safe_text(name), *(f"{c['value']:.2f} ({c['low']:.2f} to {c['high']:.2f})" for c in cells))
    out.print()
    out.print(shown)
    out.print("\nVotes: AUC of yes against the rest. Ideal points: rank correlation. Mean chances over the posterior.")
    for kind, observations in record["beside"].items():
        out.print()
        out.print(print_gains(kind, observations))
    click.echo(f"Next: blocs sweep {record['scenario']} --parameters {folder / 'posterior.csv'} --draws 100")


def print_gains(kind: str, observations: dict[str, list[dict[str, Any]]]) -> Shown:
    """Create the table of how much better the fit ranks states than each baseline, on the same states."""
    shown = new_table(f"{kind}, less each (95 %)", *observations)
    own = [model.get("auc") or model["spearman"] for model, *_ in observations.values()]
    shown.add_row("the score itself", *(format_score(one) for one in own))
    differences = {
        name: {one["forecast"]: one.get("model_less_auc") or one["model_less_spearman"] for one in others}
        for name, (_, *others) in observations.items()
    }
    for forecast in dict.fromkeys(one for found in differences.values() for one in found):
        cells = [found.get(forecast) for found in differences.values()]
        texts = (f"{c['value']:+.2f} ({c['low']:+.2f} to {c['high']:+.2f})" if c else "" for c in cells)
        shown.add_row(safe_text(forecast), *texts)
    return shown
