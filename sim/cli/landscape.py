"""The command landscape."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli import complete
from sim.cli.group import (
    chart_option,
    cli,
    console,
    json_option,
    resolved,
    say_json,
    seed_option,
    set_option,
)
from sim.faults import Fault, InputError, shown_path
from sim.names import stem


@cli.command()
@click.argument("world", shell_complete=complete.scenarios)
@seed_option
@set_option
@click.option(
    "--replicates", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Runs of the agents."
)
@click.option(
    "--seconds", type=click.FloatRange(0, 86_400), default=20.0, show_default=True, help="Time for the proof."
)
@chart_option("the landscape")
@json_option
def landscape(
    world: str, seed: int | None, settings: tuple[str, ...], replicates: int, seconds: float, chart: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show which two blocs a world's ties alone would make, and how near the agents come.

    Example: blocs landscape unix_1988 --chart unix.png
    """
    from sim import predictions
    from sim.cli import tell_landscape as tell

    found = resolved(world, settings)
    if len(found.states) < 2:
        message = f"has {len(found.states)} state, and two blocs need two; give a world of two states or more"
        raise InputError([Fault(shown_path(Path(world)), 1, "states", message)])
    luck = found.sweep.seed if seed is None else seed
    terrain = predictions.terrain(found, seed=luck, seconds=seconds)
    runs = predictions.finals(found, seed=luck, replicates=replicates)
    splits = predictions.splits(found, terrain, seed=luck)
    if chart is not None:
        from sim import charts

        made, (axes,) = charts.figure(7, 4.5)
        charts.landscape(axes, terrain.minima, terrain.best)
        axes.set_title(found.title, loc="left")
        charts.save(made, str(chart))
    record = tell.landscape_record(found, terrain, runs, splits)
    if as_json:
        say_json(record)
    else:
        tell.landscape(console(), stem(world), found, record)
