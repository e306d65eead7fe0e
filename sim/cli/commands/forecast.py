"""The commands score and calibrate: forecasts, parameters and the record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.commands.run import progress_bar, resumable_progress
from sim.cli.main import cli
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
from sim.errors import Fault, InputError, escape_controls
from sim.names import scenario_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Shown

    from sim.forecast.calibrate import Fit
    from sim.forecast.chances import ChancePlan, ChanceTable
    from sim.scenario.schema import Scenario

SCORED, ALL = "baseline_2023", "all"

WITH_ALL = "model, all sanctions"

CHANCES = ("leader's bloc", "neither", "another bloc")

FIGURES = {"auc": "AUC", "brier": "Brier", "log": "log", "spearman": "rank"}


@cli.command()
@click.argument("scenario", default=SCORED, shell_complete=completion.complete_scenarios)
@click.option(
    "--replicates", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Runs of each forecast."
)
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
    the scenario, some of them reactions to the votes, and with only the sanctions in force before.

    Example: blocs score baseline_2023 --chart score.png
    """
    from sim.forecast.record import load_observed
    from sim.forecast.scorecard import score_forecasts

    found = resolve_scenario(scenario, settings, without)
    observed = load_observed(scenario)
    if observed is None:
        message = "its world has no observed.toml to score against; `blocs score baseline_2023` has"
        raise InputError([Fault(scenario, 1, "", message)])
    luck = found.sweep.seed if seed is None else seed
    with progress_bar() as progress:
        record = score_forecasts(found, observed, seed=luck, replicates=replicates, workers=workers, progress=progress)
    record = {"scenario": scenario_name(scenario), **record}
    if chart is not None:
        draw_scores(record, chart)
    if as_json:
        print_json(record)
    elif markdown:
        for line in markdown_lines(record):
            click.echo(line)
    else:
        print_scores(new_console(), record)


def draw_scores(record: dict[str, Any], chart: Path) -> None:
    """Forecasts with the sanctions of before the votes: of the last vote by state, and of all whether they hold."""
    from sim.reporting import charts

    votes = [one for one in record["votes"] if one["sanctions"] != ALL]
    last = max(votes, key=lambda one: one["date"])
    made, axes = charts.new_figure(10, 0.145 * last["n"] + 1.2, columns=2)
    charts.draw_forecasts(axes[0], last["states"])
    axes[0].set_title(f"{last['id']}, {last['date']}", loc="left")
    charts.draw_calibration(axes[1], {one["id"]: one["bins"] for one in votes})
    charts.save_figure(made, str(chart))


def print_scores(out: Console, record: dict[str, Any]) -> None:
    """The scores for people: with the sanctions that stood before, and the model's with all of them."""
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


def print_legend(record: dict[str, Any]) -> None:
    """What the figures mean."""
    click.echo(
        f"\nLeft out, as they do not decide in the model: {escape_controls(', '.join(record['left_out']))}. Sanctions:"
        " those that stood before the vote, or the year.\nYes stands for the bloc of"
        f" {escape_controls(record['leader'])}, no for another, abstained or absent for non-alignment; missed:"
        " another answer was likelier.\nAUC: yes against the rest, absent among the rest, by P(yes) − P(no). Brier:"
        " three answers, 0 (best) to 2. log: −log of the\nanswer's probability, in nats, with a lapse of"
        f" {record['lapse']:g}. rank: rank correlation. (95 %): bootstrap over states, too narrow\nwhere nearly none"
        " is wrong. Plainer forecasts take their probabilities from the other states' answers to the same vote,\nby"
        " ridge regression; the model has seen none of it unless its parameters were fitted to it."
    )


def pair_scores(found: list[dict[str, Any]], key: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What was scored with the sanctions of before, and the same with all of them."""
    with_all = {one[key]: one for one in found if one["sanctions"] == ALL}
    return [(one, with_all[one[key]]) for one in found if one["sanctions"] != ALL]


def score_rows(
    out: Console, forecasts: list[dict[str, Any]], with_all: dict[str, Any] | None, figures: tuple[str, ...]
) -> None:
    """Forecasts with their figures and, beside a plainer one, the model's less its own in the first figure."""
    first = figures[0]
    less = f"model less it, {FIGURES[first]}"
    made = new_table("forecast", *(f"{FIGURES[key]} (95 %)" for key in figures), less)
    if with_all is not None:
        forecasts = [forecasts[0], {**with_all, "forecast": WITH_ALL}, *forecasts[1:]]
    for one in forecasts:
        gap = one.get(f"model_less_{first}")
        fewer = f" ({one['n']} states)" if one["n"] < forecasts[0]["n"] else ""
        made.add_row(
            safe_text(one["forecast"] + fewer),
            *(format_score(one[key]) for key in figures),
            format_score(gap, "+") if gap else "",
        )
    out.print(made)


def format_score(figure: dict[str, float], sign: str = "") -> str:
    """A figure with its interval; a dash where none is defined."""
    if math.isnan(figure["value"]):
        return "–"
    value, low, high = (f"{figure[key]:{sign}.2f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def print_misses(states: list[dict[str, Any]]) -> str:
    """The states whose likeliest answer was another than theirs."""
    return ", ".join(f"{safe_text(one['state'])} {one['cast']}" for one in states if one["missed"]) or "none"


def print_later_events(out: Console, record: dict[str, Any]) -> None:
    """Forecasts against what came after."""
    if record["moves"]:
        out.print("[bold]After the record date[/bold], never fitted to: the last step of each state")
        made = new_table("state", "toward", *CHANCES, "", "event", numbers=CHANCES)
        for one in record["moves"]:
            chances = [f"{one[key]:.2f}" for key in ("yes", "abstained", "no")]
            event = f"{one['event']}, {one['date']}"
            made.add_row(one["state"], one["cast"], *chances, "missed" if one["missed"] else "", safe_text(event))
        out.print(made)
        brier, log = (format_score(record["scores"][key]) for key in ("brier", "log"))
        out.print(f"Brier {brier}, log {log}, of {record['scores']['n']} states: few, so read them one by one\n")
    for one in record["votes"]:
        out.print(f"[bold]{safe_text(one['title'])}[/bold] {one['date']} ({one['n']} states)")
        score_rows(out, one["forecasts"], None, ("auc", "brier", "log"))
        out.print(f"missed: {print_misses(one['states'])}")


def markdown_lines(record: dict[str, Any]) -> list[str]:
    """The scores in Markdown: a table a figure, forecasts by what they are scored against, then what came after."""
    lines: list[str] = []
    for key, what in (("auc", "AUC, or rank correlation"), ("brier", "Brier score"), ("log", "Log score")):
        lines += [*figure_table(record, key, what), ""]
    lines += [*figure_table(record, "model_less_auc", "The model's AUC or rank correlation less each"), ""]
    for one in record["votes"]:
        if one["sanctions"] != ALL:
            slope, intercept = (format_score(one[key]) for key in ("slope", "intercept"))
            lines.append(f"- {one['id']}: slope {slope}, intercept {intercept}; missed: {print_misses(one['states'])}")
    lines += ["", f"| state | event | toward | {' | '.join(CHANCES)} | |", "| --- " * 7 + "|"]
    for one in record["after"]["moves"]:
        chances = " | ".join(f"{one[key]:.2f}" for key in ("yes", "abstained", "no"))
        told = "missed" if one["missed"] else ""
        lines.append(f"| {one['state']} | {one['event']}, {one['date']} | {one['cast']} | {chances} | {told} |")
    return lines


def figure_table(record: dict[str, Any], key: str, what: str) -> list[str]:
    """One figure of every forecast, in columns of what it is scored against."""
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
    return head + [f"| {told} | {' | '.join(own.get(name, '') for name in names)} |" for told, own in cells.items()]


CALIBRATED = "baseline_2023"

DRAWS = 256


@cli.command()
@click.argument("scenario", default=CALIBRATED, shell_complete=completion.complete_scenarios)
@click.option("--points", type=click.IntRange(2, 100_000), default=4096, show_default=True,
              help="Sobol points over the parameters' ranges: the prior.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(1, 10_000), default=32, show_default=True, help="Runs of each point.")
@seed_option
@workers_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the runs and the fit. Default: results/calibration-SCENARIO.",
)
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
    from sim.forecast.calibrate import calibrate_world
    from sim.forecast.chances import ChancePlan, stored_chances
    from sim.forecast.record import load_observed
    from sim.model.world import world_of

    found, observed = resolve_scenario(scenario), load_observed(scenario)
    if observed is None or not observed.fitting.votes:
        raise InputError(
            [Fault(scenario, 1, "", "its world has no observed.toml with votes to fit to; see docs/scenarios.md")]
        )
    plan = ChancePlan(points, replicates, found.sweep.seed if seed is None else seed)
    folder = out or Path("results") / f"calibration-{scenario_name(scenario)}"
    world = world_of(found)
    with resumable_progress(folder) as (progress, _):
        made = stored_chances(found, world, plan, folder, workers=workers, progress=progress)
    fit, told = calibrate_world(found, world, observed, made)
    record = {"scenario": scenario_name(scenario), "replicates": replicates, "seed": plan.seed, **told}
    write_calibration(folder, found, scenario_name(scenario), plan, made, fit, record)
    if as_json:
        print_json(record)
    else:
        print_calibration(record, folder)


def write_calibration(
    folder: Path, scenario: Scenario, name: str, plan: ChancePlan, made: ChanceTable, fit: Fit, record: dict[str, Any]
) -> None:
    """Write the record, the draws and the chart into the folder."""
    import numpy as np

    from sim.batch.recorded import current_versions
    from sim.forecast import draws, posterior
    from sim.forecast.chances import fixed_digest, prior_bounds
    from sim.reporting import charts
    from sim.reporting.records import to_json_text

    rng = np.random.default_rng(plan.seed)
    chosen = rng.permutation(made.values[posterior.resample_points(fit.weights, DRAWS, rng)])
    told = {"scenario": name, "digest": fixed_digest(scenario), "fitted_to": ", ".join(record["fitted_to"]),
            "points": plan.points, "replicates": plan.replicates, "seed": plan.seed,
            "effective": f"{fit.effective:.0f}", **current_versions()}  # fmt: skip
    draws.write_draws(folder / draws.FILE, draws.Draws(chosen, {key: str(value) for key, value in told.items()}))
    (folder / "calibration.json").write_text(to_json_text(record), encoding="utf-8")
    made_figure, axes = charts.new_figure(9, 9.5, rows=6, columns=4)
    bars, names = (
        posterior.posterior_bars(made.values, fit.weights, fit.log_likelihood, *prior_bounds()),
        record["parameters"],
    )
    for ax, bar, one in zip(axes, bars, names, strict=False):
        charts.draw_posterior(ax, bar, one)
    charts.draw_posterior_key(axes[len(names) :])
    charts.save_figure(made_figure, str(folder / "identifiability.png"))


def print_calibration(record: dict[str, Any], folder: Path) -> None:
    """The calibration for people."""
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
            "Where chance alone moves parameters so far, next to nothing can be identified; it takes some"
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
    click.echo(f"Next: blocs sweep {record['scenario']} --parameters {folder / 'posterior.csv'} --points 100")


def print_gains(kind: str, observations: dict[str, list[dict[str, Any]]]) -> Shown:
    """By how much the fit ranks states better than each plainer forecast does, on the same states."""
    shown = new_table(f"{kind}, less (95 %)", *observations)
    differences = {
        name: {one["forecast"]: one.get("model_less_auc") or one["model_less_spearman"] for one in others}
        for name, (_, *others) in observations.items()
    }
    for forecast in dict.fromkeys(one for told in differences.values() for one in told):
        cells = [told.get(forecast) for told in differences.values()]
        texts = (f"{c['value']:+.2f} ({c['low']:+.2f} to {c['high']:+.2f})" if c else "" for c in cells)
        shown.add_row(safe_text(forecast), *texts)
    return shown
