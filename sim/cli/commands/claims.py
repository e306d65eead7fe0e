"""The command `claims`: the article's claims at the defaults, over the ranges and in placebo worlds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.commands.run import progress_bar
from sim.cli.main import cli
from sim.cli.options import count_draws, draws_option, json_option, parameters_option, seed_option, workers_option
from sim.cli.printing import new_console, new_table, print_json, safe_lines
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from sim.analysis.compare import Sample
    from sim.article.claims import Claim
    from sim.article.robustness import RunCounts
    from sim.article.verdicts import HeldShare, Judgement

OVER_RANGES = "settings over the parameters' ranges"


@cli.command(former={"--each": "--point-replicates"})
@click.argument("results", type=click.Path(path_type=Path), required=False)
@click.option("--points", type=click.IntRange(0, 100_000), show_default="4096",
              help="Sobol points over the parameters' ranges; 0 for the defaults only.")  # fmt: skip
@parameters_option
@draws_option
@click.option("--point-replicates", "each", type=click.IntRange(2, 10_000), default=4, show_default=True,
              help="Runs of each scenario at each point or draw.")  # fmt: skip
@click.option("--placebos", type=click.IntRange(0, 10_000), default=20, show_default=True,
              help="Worlds with permuted ties, at the defaults.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(3, 1_000_000), default=4000, show_default=True,
              help="Runs of each scenario at the defaults, without RESULTS; a tenth in placebo worlds.")  # fmt: skip
@seed_option
@workers_option
@json_option
def claims(
    results: Path | None, points: int | None, parameters: str | None, draws: int | None, each: int, placebos: int,
    replicates: int, seed: int | None, workers: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Test the article's claims.

    It measures them at the defaults, over the parameters' ranges and in placebo worlds. Without RESULTS it runs
    what it needs. With the folder of a sweep, the effects at the defaults are those of the sweep, and the ranges
    and placebo worlds start from its scenarios. With --parameters posterior the settings are draws of the
    calibrated parameters instead of points over the ranges (docs/calibration.md).

    Example: blocs claims --points 512
    """
    from sim.analysis.compare import read_sample
    from sim.article.claims import CLAIMS, missing_scenarios, scenarios_needed
    from sim.article.robustness import POINTS, RunCounts
    from sim.article.verdicts import judge_claims as judge
    from sim.article.verdicts import judgement_record, run_counts_record
    from sim.batch.recorded import scenarios_as_run
    from sim.batch.store import Results
    from sim.forecast.draws import load_draws
    from sim.scenario.loading import BASE, load_scenario

    if points != 0:
        draws = count_draws(parameters, draws, points)
    found = None if results is None else read_sample(Results(results))
    asked: list[Claim] = list(CLAIMS) if found is None else require_answerable(found, results)
    names = scenarios_needed(asked)
    scenarios = (
        {name: load_scenario(name) for name in names} if results is None else scenarios_as_run(Results(results), names)
    )
    luck = scenarios[BASE].sweep.seed if seed is None else seed
    values = None if parameters is None or points == 0 else load_draws(BASE, parameters).some(draws)
    settings = len(values) if values is not None else POINTS if points is None else points
    counts = RunCounts(points=settings, each=each, placebos=placebos, replicates=replicates, seed=luck)
    with progress_bar() as progress:
        judged = judge(asked, scenarios, found, counts, values=values, workers=workers, progress=progress)
    lacking = {} if found is None else missing_scenarios(found)
    if as_json:
        record = {
            "claims": [judgement_record(one) for one in judged],
            "lacking": lacking,
            "counts": run_counts_record(counts),
        }
        print_json(record | {"parameters": "ranges" if values is None else parameters})
    else:
        print_judgements(new_console(), judged, counts, drawn=values is not None)
        for number, names in lacking.items():
            click.echo(f"claim {number} needs {', '.join(names)} among the scenarios")


def require_answerable(found: Sample, results: Path | None) -> list[Claim]:
    """The claims that a sweep can answer; raises InputError where there are none."""
    from sim.article.claims import answerable_claims

    if asked := answerable_claims(found):
        return asked
    message = "no claim can be answered here; sweep baseline_2023 with other shipped scenarios, or run `blocs demo`"
    raise InputError([Fault(str(results), 1, "", message)])


def print_judgements(out: Console, found: list[Judgement], counts: RunCounts, *, drawn: bool = False) -> None:
    """The claims with their figures and verdicts; drawn where the settings are draws from a posterior."""
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
    out.print("\nEffects hold at the default parameters, most of them assumed; the intervals are of chance alone.")
    if counts.points:
        out.print(
            f"holds in: share of {counts.points} {'draws from the calibrated parameters' if drawn else OVER_RANGES},"
            f" {counts.each} runs of each"
            " scenario at each;\nwhere: the parameters that tell these settings from the others, by the distance of"
            " Kolmogorov and Smirnov;\nplacebo: the same with the ties permuted over the states (docs/claims.md)."
        )


def format_effect(effect: float, low: float, high: float) -> str:
    """An effect with its interval."""
    return f"{effect:+.3f}" + ("" if math.isnan(low) else f" ({low:+.3f} to {high:+.3f})")


def format_share(held: HeldShare | None) -> str:
    """A share of the ranges with its interval, in per cent."""
    if held is None or not held.points:
        return "–"
    return f"{100 * held.share:.0f} % ({100 * held.low:.0f} to {100 * held.high:.0f})"
