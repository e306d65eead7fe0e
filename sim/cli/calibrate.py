"""The command calibrate: the parameters fitted to the record, and what the record cannot say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import complete
from sim.cli.group import (
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
from sim.cli.runs import resumable
from sim.faults import Fault, InputError
from sim.names import stem

if TYPE_CHECKING:
    from rich.table import Table as Shown

    from sim.calibrate import Fit
    from sim.chances import Plan, Table
    from sim.scenario import Scenario

BASE = "baseline_2023"
DRAWS = 256


@cli.command()
@click.argument("scenario", default=BASE, shell_complete=complete.scenarios)
@click.option("--points", type=click.IntRange(2, 100_000), default=4096, show_default=True,
              help="Points of the prior: a Sobol design over the parameters' ranges.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(1, 10_000), default=32, show_default=True, help="Runs of each point.")
@seed_option
@workers_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder; results/calibration-SCENARIO by default.")
@json_option
def calibrate(
    scenario: str, points: int, replicates: int, seed: int | None, workers: int | None, out: Path | None, as_json: bool
) -> None:
    """Fit the parameters to recorded votes and ideal points, and say which of them the record identifies.

    The record is the world's observed.toml, without the votes held out and without what came after. The folder gets
    the runs (the same command goes on where it was stopped), calibration.json, identifiability.png and posterior.csv,
    whose draws `--parameters posterior.csv` of sweep and claims takes; a world's own lies beside its world.toml.

    Example: blocs calibrate baseline_2023 --points 1024
    """
    from sim.calibrate import calibration
    from sim.chances import Plan, kept
    from sim.observed import observed_of
    from sim.world import world_of

    found, observed = resolved(scenario), observed_of(scenario)
    if observed is None or not observed.fitting.votes:
        raise InputError(
            [Fault(scenario, 1, "", "its world has no observed.toml with votes to fit to; see docs/scenarios.md")]
        )
    plan = Plan(points, replicates, found.sweep.seed if seed is None else seed)
    folder = out or Path("results") / f"calibration-{stem(scenario)}"
    world = world_of(found)
    with resumable(folder) as (progress, _):
        made = kept(found, world, plan, folder, workers=workers, progress=progress)
    fit, told = calibration(found, world, observed, made)
    record = {"scenario": stem(scenario), "replicates": replicates, "seed": plan.seed, **told}
    keep(folder, found, stem(scenario), plan, made, fit, record)
    if as_json:
        say_json(record)
    else:
        tell(record, folder)


def keep(
    folder: Path, scenario: Scenario, name: str, plan: Plan, made: Table, fit: Fit, record: dict[str, Any]
) -> None:
    """Write the record, the draws and the chart into the folder."""
    import numpy as np

    from sim import charts, draws, posterior
    from sim.chances import fixed_digest, prior
    from sim.records import json_text
    from sim.sweep import versions

    rng = np.random.default_rng(plan.seed)
    chosen = rng.permutation(made.values[posterior.resampled(fit.weights, DRAWS, rng)])
    told = {"scenario": name, "digest": fixed_digest(scenario), "fitted_to": ", ".join(record["fitted_to"]),
            "points": plan.points, "replicates": plan.replicates, "seed": plan.seed,
            "effective": f"{fit.effective:.0f}", **versions()}  # fmt: skip
    draws.write(folder / draws.FILE, draws.Draws(chosen, {key: str(value) for key, value in told.items()}))
    (folder / "calibration.json").write_text(json_text(record), encoding="utf-8")
    made_figure, axes = charts.figure(9, 9.5, rows=6, columns=4)
    bars, names = posterior.bars(made.values, fit.weights, fit.log_likelihood, *prior()), record["parameters"]
    for ax, bar, one in zip(axes, bars, names, strict=False):
        charts.learnt_parameter(ax, bar, one)
    charts.learnt_key(axes[len(names) :])
    charts.save(made_figure, str(folder / "identifiability.png"))


def tell(record: dict[str, Any], folder: Path) -> None:
    """The calibration for people."""
    out = console()
    shown = table("parameter", "default", "range", "median", "90 %", "narrowed", "distance", "",
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
    shown = table("how well it ranks states (95 %)", *kinds)
    for name in record["figures"][kinds[0]]:
        cells = [record["figures"][kind][name] for kind in kinds]
        shown.add_row(plain(name), *(f"{c['value']:.2f} ({c['low']:.2f} to {c['high']:.2f})" for c in cells))
    out.print()
    out.print(shown)
    out.print("\nVotes: AUC of yes against the rest. Ideal points: rank correlation. Mean chances over the posterior.")
    for kind, observations in record["beside"].items():
        out.print()
        out.print(plainer(kind, observations))
    click.echo(f"Next: blocs sweep {record['scenario']} --parameters {folder / 'posterior.csv'} --points 100")


def plainer(kind: str, observations: dict[str, list[dict[str, Any]]]) -> Shown:
    """By how much the fit ranks states better than each plainer forecast does, on the same states."""
    shown = table(f"{kind}, less (95 %)", *observations)
    differences = {
        name: {one["forecast"]: one.get("model_less_auc") or one["model_less_spearman"] for one in others}
        for name, (_, *others) in observations.items()
    }
    for forecast in dict.fromkeys(one for told in differences.values() for one in told):
        cells = [told.get(forecast) for told in differences.values()]
        texts = (f"{c['value']:+.2f} ({c['low']:+.2f} to {c['high']:+.2f})" if c else "" for c in cells)
        shown.add_row(plain(forecast), *texts)
    return shown
