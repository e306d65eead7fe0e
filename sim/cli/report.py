"""The command that writes results as a page for readers."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli.group import NewFile, cli, parameters_option, seed_option, workers_option
from sim.cli.runs import progress_bar
from sim.faults import Fault, InputError


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--baseline", help="The scenario to compare with; baseline… by default.")
@click.option("--out", type=NewFile(".html"), help="The file; report.html in the results by default.")
@click.option("--points", type=click.IntRange(0, 65_536), default=64, show_default=True,
              help="Settings over the parameters' ranges, a power of 2; 0 leaves out what asks for them.")  # fmt: skip
@parameters_option
@seed_option
@workers_option
def report(
    results: Path, baseline: str | None, out: Path | None, points: int, parameters: str | None, seed: int | None,
    workers: int | None,
) -> None:  # fmt: skip
    """Write a sweep as one page for readers: findings, how sure they are, sources, how to make it again.

    With --parameters posterior the claims are asked at draws from the calibrated parameters instead of the ranges.

    Example: blocs report demo/results --out report.html
    """
    from sim.analyses import analyse
    from sim.compare import sample
    from sim.report import focus, page
    from sim.store import Results, write_synced

    path, asked, held = out or results / "report.html", None, Results(results)
    found = sample(held)
    if points:
        luck = int(held.manifest()["question"]["seed"]) if seed is None else seed
        base = found.baseline(baseline)
        try:
            with progress_bar() as progress:
                asked = analyse(
                    held, found, base, f"capability_{focus(found, base)}",
                    points=points, seed=luck, parameters=parameters, workers=workers, progress=progress,
                )  # fmt: skip
        except ValueError as error:
            raise InputError([Fault("--points", 1, str(points), str(error))]) from None
    write_synced(path, page(held, found=found, baseline=baseline, analyses=asked).encode("utf-8"))
    click.echo(str(path))
