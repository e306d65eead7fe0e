"""The command claims: judge the article's claims."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.commands.run import progress_bar
from sim.cli.main import cli
from sim.cli.options import (
    count_draws,
    draws_option,
    json_option,
    lens_option,
    option_faults,
    parameters_option,
    seed_option,
    workers_option,
)
from sim.cli.printing import new_console, new_table, print_json, safe_lines

if TYPE_CHECKING:
    from rich.console import Console

    from sim.article.robustness import RunCounts
    from sim.article.verdicts import HeldShare, Judgement

OVER_RANGES = "settings over the parameters' ranges"


@cli.command(former={"--each": "--point-replicates"})
@click.argument("results", type=click.Path(path_type=Path), required=False)
@click.option("--points", type=click.IntRange(0, 100_000), show_default="4096",
              help="Sobol points over the parameters' ranges; 0 for the defaults only.")  # fmt: skip
@parameters_option
@draws_option
@click.option("--point-replicates", type=click.IntRange(2, 10_000), default=4, show_default=True,
              help="Runs of each scenario at each point or draw.")  # fmt: skip
@click.option("--placebos", type=click.IntRange(0, 10_000), default=20, show_default=True,
              help="Worlds with permuted ties, at the defaults.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(3, 1_000_000), default=4000, show_default=True,
              help="Runs of each scenario at the defaults, without RESULTS; a tenth in placebo worlds.")  # fmt: skip
@seed_option
@lens_option
@workers_option
@json_option
def claims(
    results: Path | None, points: int | None, parameters: str | None, draws: int | None, point_replicates: int,
    placebos: int, replicates: int, seed: int | None, lens: str | None, workers: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Test the article's claims.

    It measures them at the defaults, over the parameters' ranges and in placebo worlds. Without RESULTS it runs what
    it needs. With the folder of a sweep, the effects at the defaults are those of the sweep, and the ranges and
    placebo worlds start from its scenarios. With --parameters posterior the settings are draws of the calibrated
    parameters instead of points over the ranges (docs/calibration.md).

    Example: blocs claims --points 512
    """
    from sim import api

    count = count_draws(parameters, draws, points) if points != 0 else 0
    with progress_bar() as progress, option_faults():
        found = api.claims(
            results, points=points if parameters is None else count, parameters=parameters,
            point_replicates=point_replicates, placebos=placebos, replicates=replicates, seed=seed, lens=lens,
            workers=workers,            progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(found.record)
        return
    print_judgements(new_console(), found.judgements, found.counts, drawn=found.record["parameters"] != "ranges")
    for number, names in found.record["lacking"].items():
        click.echo(f"claim {number} needs {', '.join(names)} among the scenarios")


def print_judgements(out: Console, found: Iterable[Judgement], counts: RunCounts, *, drawn: bool = False) -> None:
    """Print the claims with their figures and verdicts; `drawn` if the points are draws from a posterior."""
    shown = new_table("", "claim", "effect", "holds in", "where", "placebo: effect, holds in", "verdict")
    for one in found:
        answer, placebo = one.answer, one.placebo
        words = [f"{answer.text} ({answer.paragraphs})", format_effect(answer.effect, answer.low, answer.high)]
        words += [
            format_share(one.holds_share),
            "\n".join(f"{s.parameter} {s.direction} {s.strength:.2f}" for s in one.decided_by),
        ]
        figures = format_effect(placebo.effect, placebo.low, placebo.high) if placebo and placebo.n else "–"
        words.append(f"{figures}\n{format_share(placebo.holds_share if placebo else None)}")
        shown.add_row(str(answer.number), *map(safe_lines, [*words, one.verdict]))
    out.print(shown)
    out.print(
        "\nEffects hold at the default parameters, most of them assumed; the intervals show random variation only."
    )
    if counts.points:
        out.print(
            f"holds in: share of {counts.points} {'draws from the calibrated parameters' if drawn else OVER_RANGES},"
            f" {counts.each} runs of each"
            " scenario at each;\nwhere: the parameters whose values differ most between the two, by the distance of"
            " Kolmogorov and Smirnov;\nplacebo: the same with the ties permuted over the states (docs/claims.md)."
        )


def format_effect(effect: float, low: float, high: float) -> str:
    """Return an effect with its interval."""
    return f"{effect:+.3f}" + ("" if math.isnan(low) else f" ({low:+.3f} to {high:+.3f})")


def format_share(held: HeldShare | None) -> str:
    """Return a share of the points with its interval, in per cent."""
    if held is None or not held.points:
        return "–"
    return f"{100 * held.share:.0f} % ({100 * held.low:.0f} to {100 * held.high:.0f})"
