"""The command claims: judge the article's claims."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.commands.run import progress_bar
from sim.cli.main import cli
from sim.cli.options import (
    count_draws,
    draws_option,
    json_option,
    option_faults,
    parameters_option,
    refuse_two_forms,
    seed_option,
    workers_option,
)
from sim.cli.printing import new_console, new_table, print_json, safe_lines

if TYPE_CHECKING:
    from rich.console import Console

    from sim.article.answers import Answer, Beside
    from sim.article.robustness import RunCounts
    from sim.article.verdicts import HeldShare, Judgement, PlaceboShare

OVER_RANGES = "settings over the parameters' ranges"


@cli.command(former={"--each": "--point-replicates"})
@click.argument("results", type=click.Path(path_type=Path), required=False)
@click.option("--points", type=click.IntRange(0, 100_000), show_default="4096",
              help="Sobol points over the parameters' ranges; 0 for the defaults only.")  # fmt: skip
@parameters_option
@draws_option
@click.option("--point-replicates", type=click.IntRange(2, 10_000), show_default="4",
              help="Runs of each scenario at each point or draw.")  # fmt: skip
@click.option("--placebos", type=click.IntRange(0, 10_000), default=20, show_default=True,
              help="Worlds with permuted ties, at the defaults.")  # fmt: skip
@click.option("--replicates", type=click.IntRange(3, 1_000_000), show_default="16000",
              help="Runs of each scenario at the defaults, without RESULTS; a quarter in tendency.")  # fmt: skip
@seed_option
@click.option("--lens", type=click.Choice(["histories", "tendency"]),
              help="What the runs show: what happens by when, or where the ties pull in the long run."
              " Default: both.")  # fmt: skip
@workers_option
@click.option("--markdown", is_flag=True, help="Output as tables in Markdown, those of docs/claims.md.")
@json_option
def claims(
    results: Path | None, points: int | None, parameters: str | None, draws: int | None, point_replicates: int | None,
    placebos: int, replicates: int | None, seed: int | None, lens: str | None, workers: int | None, markdown: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Test the article's claims.

    It measures them at the defaults, over the parameters' ranges and in placebo worlds: in histories at the end of
    2026 and of 2030, and in tendency. Without RESULTS it runs what it needs. With the folder of a sweep, the effects
    at the defaults are those of the sweep, under its lens, and the ranges and placebo worlds start from its scenarios.
    With --parameters posterior the settings are draws of the calibrated parameters instead of points over the ranges
    (docs/calibration.md).

    Example: blocs claims --points 512
    """
    from sim import api

    refuse_two_forms(markdown=markdown, as_json=as_json)
    count = count_draws(parameters, draws, points) if points != 0 else 0
    with progress_bar() as progress, option_faults():
        found = api.claims(
            results, points=points if parameters is None else count, parameters=parameters,
            point_replicates=point_replicates, placebos=placebos, replicates=replicates, seed=seed, lens=lens,
            workers=workers, progress=progress,
        )  # fmt: skip
    if as_json:
        print_json(found.record)
        return
    drawn = found.record["parameters"] != "ranges"
    if markdown:
        click.echo(markdown_tables(found.judgements))
    else:
        print_judgements(new_console(), found.judgements, found.counts, drawn=drawn)
    for number, names in found.record["lacking"].items():
        click.echo(f"claim {number} needs {', '.join(names)} among the scenarios")


VERDICTS = ("", "claim", "effect", "holds; nothing; against, %", "of those with an effect", "holds where",
            "compared: here; placebo", "placebo holds; nothing; against, %", "verdict")  # fmt: skip

MEASURES = ("", "lens", "measure", "value", "n")


def print_judgements(out: Console, found: Sequence[Judgement], counts: RunCounts, *, drawn: bool = False) -> None:
    """Print the claims with their figures and verdicts; `drawn` if the points are draws from a posterior."""
    shown = new_table("", "claim", "lens", "effect", "holds in", "where", "placebo: effect, holds in", "verdict")
    for one in found:
        answer, placebo = one.answer, one.placebo
        words = [f"{answer.text} ({answer.paragraphs})", answer.lens, format_answer(answer)]
        words += [format_decided(one.holds_share), format_where(one)]
        figures = format_answer(placebo) if placebo and placebo.n else "–"
        words.append(f"{figures}\n{format_share(placebo.holds_share if placebo else None)}")
        shown.add_row(str(answer.number), *map(safe_lines, [*words, verdict_words(one)]))
    out.print(shown)
    beside = new_table(*MEASURES, title="\nWhat was measured; the first measure of each claim decides")
    for row in measure_rows(found):
        beside.add_row(*map(safe_lines, row))
    out.print(beside)
    out.print(
        "\nEffects hold at the default parameters, most of them assumed; the intervals show random variation only."
    )
    if counts.points:
        out.print(
            f"holds in: share of the settings with an effect, of {counts.points}"
            f" {'draws from the calibrated parameters' if drawn else OVER_RANGES};\n"
            "where: the parameters whose values differ most between the two, by the distance of"
            " Kolmogorov and Smirnov;\nplacebo: share of all settings with the ties permuted over the states; in"
            " histories of entries only (docs/claims.md)."
        )


def measure_rows(found: Iterable[Judgement]) -> Iterator[list[str]]:
    """Give the row of each measure: number of the claim, lens, words, value and number of runs."""
    for one in found:
        measures: tuple[Answer | Beside, ...] = (one.answer, *one.answer.beside)
        for measure in measures:
            yield [str(one.answer.number), one.answer.lens, measure.measure, format_answer(measure), str(measure.n)]


def markdown_tables(found: Sequence[Judgement]) -> str:
    """Return under a heading for each lens the verdicts and the measures, as two tables in Markdown."""
    parts = []
    for lens in dict.fromkeys(one.answer.lens for one in found):
        seen = [one for one in found if one.answer.lens == lens]
        measures = ((number, *row) for number, _, *row in measure_rows(seen))
        parts += [f"### {lens.capitalize()}", markdown_table(VERDICTS, map(verdict_row, seen))]
        parts += [markdown_table([head for head in MEASURES if head != "lens"], measures)]
    return re.sub(r"(?<!\w)-(?=\d)", "−", "\n\n".join(parts))


def verdict_row(one: Judgement) -> list[str]:
    """Return the row of a claim in the table of verdicts."""
    answer, placebo = one.answer, one.placebo
    figures = f"{answer_digits(placebo.article)}; {format_answer(placebo)}" if placebo and placebo.n else "–"
    return [
        str(answer.number), f"{answer.text} ({answer.paragraphs})", format_answer(answer),
        format_thirds(one.holds_share), format_decided(one.holds_share), format_where(one).replace("\n", ", "), figures,
        format_thirds(placebo.holds_share if placebo else None), verdict_words(one),
    ]  # fmt: skip


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return one table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def verdict_words(judged: Judgement) -> str:
    """Return the verdict, with the reason of an undecided one."""
    return f"{judged.verdict}: {judged.reason}" if judged.reason else judged.verdict


def format_where(judged: Judgement) -> str:
    """Return the parameters that separate the settings most, one a line."""
    return "\n".join(f"{s.parameter} {s.direction} {s.strength:.2f}" for s in judged.decided_by)


def answer_digits(value: float) -> str:
    """Return an effect, with the digits of one history in ten thousand."""
    return f"{value:+.4f}"


def format_answer(one: Answer | Beside | PlaceboShare) -> str:
    """Return an effect with its interval."""
    digits = answer_digits(one.effect)
    return digits if math.isnan(one.low) else f"{digits} ({answer_digits(one.low)} to {answer_digits(one.high)})"


def format_share(held: HeldShare | None) -> str:
    """Return a share of the points with its interval, in per cent."""
    if held is None or not held.points:
        return "–"
    return f"{100 * held.share:.0f} % ({100 * held.low:.0f} to {100 * held.high:.0f})"


def format_decided(held: HeldShare | None) -> str:
    """Return the share of the points with an effect at which a claim holds, with its interval, in per cent."""
    if held is None or not held.decided[3]:
        return "–"
    share, low, high, _ = held.decided
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def format_thirds(held: HeldShare | None) -> str:
    """Return the shares of the points at which a claim holds, nothing happens, or the opposite, in per cent."""
    if held is None or not held.points:
        return "–"
    return "; ".join(f"{100 * share:.0f}" for share in (held.share, held.zero, held.against))
