"""The command score: forecasts set against the record."""

from __future__ import annotations

import math
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
    set_option,
    table,
    without_option,
    workers_option,
)
from sim.cli.runs import progress_bar
from sim.faults import Fault, InputError, printable
from sim.names import stem

if TYPE_CHECKING:
    from rich.console import Console

BASE, ALL = "baseline_2023", "all"
WITH_ALL = "model, all sanctions"
CHANCES = ("leader's bloc", "neither", "another bloc")
FIGURES = {"auc": "AUC", "brier": "Brier", "log": "log", "spearman": "rank"}


@cli.command()
@click.argument("scenario", default=BASE, shell_complete=complete.scenarios)
@click.option("--replicates", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Runs of each.")
@seed_option
@set_option
@without_option
@workers_option
@chart_option("the forecasts")
@click.option("--markdown", is_flag=True, help="Print the tables as docs/validation.md has them.")
@json_option
def score(
    scenario: str, replicates: int, seed: int | None, settings: tuple[str, ...], without: tuple[str, ...],
    workers: int | None, chart: Path | None, markdown: bool, as_json: bool,
) -> None:  # fmt: skip
    """Score a scenario's forecasts against recorded votes and ideal points, beside plainer forecasts.

    The record is the world's observed.toml. Votes are scored twice: with all sanctions of the scenario, some of which
    answer the votes, and with those alone that stood before.

    Example: blocs score baseline_2023 --chart score.png
    """
    from sim.observed import observed_of
    from sim.scorecard import scorecard

    found = resolved(scenario, settings, without)
    observed = observed_of(scenario)
    if observed is None:
        message = "its world has no observed.toml to score against; `blocs score baseline_2023` has"
        raise InputError([Fault(scenario, 1, "", message)])
    luck = found.sweep.seed if seed is None else seed
    with progress_bar() as progress:
        record = scorecard(found, observed, seed=luck, replicates=replicates, workers=workers, progress=progress)
    record = {"scenario": stem(scenario), **record}
    if chart is not None:
        draw(record, chart)
    if as_json:
        say_json(record)
    elif markdown:
        for line in markdown_lines(record):
            click.echo(line)
    else:
        tell(console(), record)


def draw(record: dict[str, Any], chart: Path) -> None:
    """Forecasts with the sanctions of before the votes: of the last vote by state, and of all whether they hold."""
    from sim import charts

    votes = [one for one in record["votes"] if one["sanctions"] != ALL]
    last = max(votes, key=lambda one: one["date"])
    made, axes = charts.figure(10, 0.145 * last["n"] + 1.2, columns=2)
    charts.forecasts(axes[0], last["states"])
    axes[0].set_title(f"{last['id']}, {last['date']}", loc="left")
    charts.calibration(axes[1], {one["id"]: one["bins"] for one in votes})
    charts.save(made, str(chart))


def tell(out: Console, record: dict[str, Any]) -> None:
    """The scores for people: with the sanctions that stood before, and the model's with all of them."""
    out.print(f"{plain(record['scenario'])}: {record['replicates']} runs of each, seed {record['seed']}\n")
    for one, with_all in in_pairs(record["votes"], "id"):
        cast = ", ".join(f"{count} {kind}" for kind, count in one["cast"].items())
        aside = ", held out of fitting" if one["held_out"] else ""
        out.print(f"[bold]{plain(one['id'])}[/bold]  {one['date']}{aside}: {one['n']} states, {cast}")
        rows(out, one["forecasts"], with_all["forecasts"][0], ("auc", "brier", "log"))
        slope, intercept = (shown(one[key]) for key in ("slope", "intercept"))
        out.print(f"calibration of P(yes): slope {slope}, intercept {intercept}")
        out.print(f"missed: {missed(one['states'])}\n")
    for one, with_all in in_pairs(record["ideal_points"], "year"):
        out.print(f"[bold]ideal points of {one['year']}[/bold]: {one['n']} states")
        rows(out, one["forecasts"], with_all["forecasts"][0], ("spearman",))
        out.print()
    after(out, record["after"])
    legend(record)


def legend(record: dict[str, Any]) -> None:
    """What the figures mean."""
    click.echo(
        f"\nLeft out, as they do not decide in the model: {printable(', '.join(record['left_out']))}. Sanctions: those"
        " that stood before the vote, or the year.\nYes stands for the bloc of"
        f" {printable(record['leader'])}, no for another, abstained or absent for non-alignment; missed: another answer"
        " was likelier.\nAUC: yes against the rest, absent among the rest, by P(yes) − P(no). Brier: three answers, 0"
        " (best) to 2. log: −log of the\nanswer's probability, in nats, with a lapse of"
        f" {record['lapse']:g}. rank: rank correlation. (95 %): bootstrap over states, too narrow\nwhere nearly none"
        " is wrong. Plainer forecasts take their probabilities from the other states' answers to the same vote,\nby"
        " ridge regression; the model has seen none of it unless its parameters were fitted to it."
    )


def in_pairs(found: list[dict[str, Any]], key: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What was scored with the sanctions of before, and the same with all of them."""
    with_all = {one[key]: one for one in found if one["sanctions"] == ALL}
    return [(one, with_all[one[key]]) for one in found if one["sanctions"] != ALL]


def rows(
    out: Console, forecasts: list[dict[str, Any]], with_all: dict[str, Any] | None, figures: tuple[str, ...]
) -> None:
    """Forecasts with their figures and, beside a plainer one, the model's less its own in the first figure."""
    first = figures[0]
    less = f"model less it, {FIGURES[first]}"
    made = table("forecast", *(f"{FIGURES[key]} (95 %)" for key in figures), less)
    if with_all is not None:
        forecasts = [forecasts[0], {**with_all, "forecast": WITH_ALL}, *forecasts[1:]]
    for one in forecasts:
        gap = one.get(f"model_less_{first}")
        fewer = f" ({one['n']} states)" if one["n"] < forecasts[0]["n"] else ""
        made.add_row(
            plain(one["forecast"] + fewer), *(shown(one[key]) for key in figures), shown(gap, "+") if gap else ""
        )
    out.print(made)


def shown(figure: dict[str, float], sign: str = "") -> str:
    """A figure with its interval; a dash where none is defined."""
    if math.isnan(figure["value"]):
        return "–"
    value, low, high = (f"{figure[key]:{sign}.2f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def missed(states: list[dict[str, Any]]) -> str:
    """The states whose likeliest answer was another than theirs."""
    return ", ".join(f"{plain(one['state'])} {one['cast']}" for one in states if one["missed"]) or "none"


def after(out: Console, record: dict[str, Any]) -> None:
    """Forecasts against what came after."""
    if record["moves"]:
        out.print("[bold]After the record date[/bold], never fitted to: the last step of each state")
        made = table("state", "toward", *CHANCES, "", "event", numbers=CHANCES)
        for one in record["moves"]:
            chances = [f"{one[key]:.2f}" for key in ("yes", "abstained", "no")]
            event = f"{one['event']}, {one['date']}"
            made.add_row(one["state"], one["cast"], *chances, "missed" if one["missed"] else "", plain(event))
        out.print(made)
        brier, log = (shown(record["scores"][key]) for key in ("brier", "log"))
        out.print(f"Brier {brier}, log {log}, of {record['scores']['n']} states: few, so read them one by one\n")
    for one in record["votes"]:
        out.print(f"[bold]{plain(one['title'])}[/bold] {one['date']} ({one['n']} states)")
        rows(out, one["forecasts"], None, ("auc", "brier", "log"))
        out.print(f"missed: {missed(one['states'])}")


def markdown_lines(record: dict[str, Any]) -> list[str]:
    """The scores in Markdown: a table a figure, forecasts by what they are scored against, then what came after."""
    lines: list[str] = []
    for key, what in (("auc", "AUC, or rank correlation"), ("brier", "Brier score"), ("log", "Log score")):
        lines += [*figure_table(record, key, what), ""]
    lines += [*figure_table(record, "model_less_auc", "The model's AUC or rank correlation less each"), ""]
    for one in record["votes"]:
        if one["sanctions"] != ALL:
            slope, intercept = (shown(one[key]) for key in ("slope", "intercept"))
            lines.append(f"- {one['id']}: slope {slope}, intercept {intercept}; missed: {missed(one['states'])}")
    lines += ["", f"| state | event | toward | {' | '.join(CHANCES)} | |", "| --- " * 7 + "|"]
    for one in record["after"]["moves"]:
        chances = " | ".join(f"{one[key]:.2f}" for key in ("yes", "abstained", "no"))
        told = "missed" if one["missed"] else ""
        lines.append(f"| {one['state']} | {one['event']}, {one['date']} | {one['cast']} | {chances} | {told} |")
    return lines


def figure_table(record: dict[str, Any], key: str, what: str) -> list[str]:
    """One figure of every forecast, in columns of what it is scored against."""
    scored: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = []
    scored += [(one["id"], one, with_all) for one, with_all in in_pairs(record["votes"], "id")]
    scored += [(one["title"].split(",")[0], one, None) for one in record["after"]["votes"]]
    if key.endswith("auc"):
        pairs = in_pairs(record["ideal_points"], "year")
        scored += [(f"ideal points {one['year']}", one, with_all) for one, with_all in pairs]
    cells: dict[str, dict[str, str]] = {}
    for name, one, with_all in scored:
        own = key.replace("auc", "spearman") if "year" in one else key
        extra = [{**with_all["forecasts"][0], "forecast": WITH_ALL}] if with_all else []
        for row in [one["forecasts"][0], *extra, *one["forecasts"][1:]]:
            if own in row:
                cells.setdefault(row["forecast"], {})[name] = shown(row[own], "+" if own.startswith("model") else "")
    names = [name for name, _, _ in scored]
    counted = [f"{name} (n = {one['n']})" for name, one, _ in scored]
    head = [f"| {what} | {' | '.join(counted)} |", "| --- " * (len(names) + 1) + "|"]
    return head + [f"| {told} | {' | '.join(own.get(name, '') for name in names)} |" for told, own in cells.items()]
