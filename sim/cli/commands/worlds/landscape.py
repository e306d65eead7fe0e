"""The command landscape: the two blocs that a world's ties predict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import cli
from sim.cli.options import chart_option, json_option, option_faults, resolve_scenario, seed_option, set_option
from sim.cli.printing import new_console, new_table, print_json, safe_text
from sim.names import scenario_name

if TYPE_CHECKING:
    from rich.console import Console

LISTED_MINIMA = 12


MOST_INTERPRETED_STATES = 17  # Python lists their 65,536 configurations in a few seconds


@cli.command()
@click.argument("world", shell_complete=completion.complete_scenarios)
@seed_option
@set_option
@click.option(
    "--replicates", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Runs of the model."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 86_400),
    default=20.0,
    show_default=True,
    help="Time limit for the proof of the optimum, in seconds.",
)
@chart_option("the landscape")
@json_option
def landscape(
    world: str, seed: int | None, settings: tuple[str, ...], replicates: int, seconds: float, chart: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Find the two blocs that minimize energy in a world.

    It also shows how near the runs of the model come to them.

    Example: blocs landscape unix_1988 --chart unix.png
    """
    from sim import api
    from sim.model.numerics.jit import interpret_short_run

    loaded = resolve_scenario(world, settings)
    if len(loaded.states) <= MOST_INTERPRETED_STATES:
        interpret_short_run(len(loaded.states), loaded.steps * replicates)
    with option_faults():
        found = api.landscape(loaded, seed=seed, replicates=replicates, seconds=seconds)
    if chart is not None:
        from sim.reporting import charts

        figure, (axes,) = charts.new_figure(7, 4.5)
        charts.draw_minima(axes, found.landscape.minima, found.landscape.best)
        axes.set_title(found.title, loc="left")
        charts.save_figure(figure, str(chart))
    if as_json:
        print_json(found.record)
    else:
        print_landscape(new_console(), scenario_name(world), found.title, found.record)


def print_landscape(out: Console, name: str, title: str, record: Mapping[str, Any]) -> None:
    """Print the landscape of a world, and how near the agents and other predictions come to it."""
    out.print(f"[bold]{safe_text(title)}[/bold]  {safe_text(name)}, {record['states']} states")
    minima = record["minima"]
    how = (
        "all configurations"
        if record["exhaustive"]
        else f"{record['starts']} random starts, so small basins are missed"
    )
    count = "1 local minimum" if len(minima) == 1 else f"{len(minima)} local minima"
    out.print(f"{count} of two blocs, from {how}; energies over ordered pairs\n")
    shown = new_table("energy", "basin", "share", "one bloc", "the other", numbers=("energy", "basin", "share"))
    for one in minima[:LISTED_MINIMA]:
        blocs_ = (", ".join(bloc) for bloc in one["blocs"])
        shown.add_row(f"{one['energy']:.6g}", str(one["basin"]), f"{100 * one['share']:.1f} %", *blocs_)
    out.print(shown)
    if len(minima) > LISTED_MINIMA:
        out.print(f"… and {len(minima) - LISTED_MINIMA} more (--json lists them)")
    best = record["optimum"]
    proof = (
        "proven"
        if best["proven"]
        else f"not proven in the time given: at least {best['bound']:.6g} (gap {best['gap']:.1%})"
    )
    out.print(f"\nLowest energy: {best['energy']:.6g}, {proof}")
    if record["separation"]:
        apart = record["separation"]
        out.print(f"The best two minima differ in {', '.join(apart['states'])} and {apart['energy']:.6g} of energy")
    triads = record["triads"]
    if triads["complete"]:
        out.print(
            f"Triads: {triads['unbalanced']} of {triads['complete']} unbalanced (balance {triads['balance']:.7f})"
        )
    if "frustration_index" in record:
        proof = "proven" if record["frustration_proven"] else "not proven"
        out.print(f"Frustration index: {record['frustration_index']} ties, {proof}")
    runs = record["runs"]
    away, above = runs["states_away"], runs["energy_above"]
    out.print(
        f"\nAgents: {100 * runs['at_optimum']:.0f} % of {runs['replicates']} runs end at the lowest energy;"
        f" states away from the optimum: median {away['median']:.0f} ({away['least']:.0f} to {away['most']:.0f});"
        f" energy above it: median {above['median']:.4g}"
    )
    shown = new_table("prediction", "agrees", "undetermined", "most runs differ on", numbers=("agrees",))
    for method, one in record["predictions"].items():
        agrees = "–" if math.isnan(one["agreement"]) else f"{100 * one['agreement']:.0f} %"
        shown.add_row(method, agrees, ", ".join(one["undetermined"]) or "none", ", ".join(one["disagree"]) or "none")
    out.print("\nShare of the states that agents put in a bloc which each prediction puts in the same one:")
    out.print(shown)
