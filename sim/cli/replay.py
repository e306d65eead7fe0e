"""The command that makes one run of a sweep again."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.group import FAILED, cli, console, json_option, plain, plain_lines, say_json, table

if TYPE_CHECKING:
    from sim.replay import Replay


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("run", metavar="POINT-REPLICATE")
@click.option(
    "--engine", type=click.Choice(["compiled", "mesa"]), default="compiled", show_default=True,
    help="Compiled, or by Mesa agents; both are the same to the bit.",
)  # fmt: skip
@json_option
def replay(results: Path, run: str, engine: str, as_json: bool) -> None:
    """Make one run of a sweep again from its record alone, and say whether it is the same to the bit.

    A run is named by the columns point and replicate of the tables. Exits with 0 where every stored value is
    the same, with 1 where one differs.

    Example: blocs replay results/sanctions 1-17
    """
    from sim.replay import replay as again
    from sim.store import Results

    found = again(Results(results), run, engine=engine)
    if as_json:
        versions = [dict(zip(("name", "recorded", "here"), one, strict=True)) for one in found.versions]
        say_json({**asdict(found), "equal": found.equal, "versions": versions})
    else:
        tell(found)
    sys.exit(0 if found.equal else FAILED)


def tell(found: Replay) -> None:
    """What became of a run made again, for people."""
    out = console()
    out.print(f"run {plain(found.run)}: {plain(found.design)}, seed {found.seed}")
    if found.error:
        out.print(f"it fails:\n{plain_lines(found.error)}")
    if found.equal:
        out.print(f"the same: {found.compared} stored values are equal to the bit")
    else:
        out.print(f"not the same: {len(found.differences)} columns differ")
        shown = table("table", "column", "values", "first stored", "first again", numbers=("values",))
        for one in found.differences:
            shown.add_row(one.table, plain(one.column), str(one.values), plain(one.stored), plain(one.again))
        out.print(shown)
    if found.versions:
        shown = table("computed by", "then", "here")
        for name, there, here in found.versions:
            shown.add_row(plain(name), plain(there), plain(here))
        out.print(shown)
        if not found.equal:
            out.print(
                "Bit for bit is promised with the same versions on the same machine: install those, then ask again"
            )
