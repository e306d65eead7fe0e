"""The command that writes results as a page for readers."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli.group import cli


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--baseline", help="The scenario to compare with; baseline… by default.")
@click.option("--out", type=click.Path(path_type=Path), help="The file; report.html in the results by default.")
def report(results: Path, baseline: str | None, out: Path | None) -> None:
    """Write a sweep as one page for readers: findings, how sure they are, sources, how to make it again.

    Example: blocs report demo/results --out report.html
    """
    from sim.report import write
    from sim.store import Results

    path = out or results / "report.html"
    write(Results(results), path, baseline=baseline)
    click.echo(str(path))
