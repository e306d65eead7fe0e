"""Pictures of the report's chapters that every world has: sizes over time, run by run, and differences."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sim.analysis.compare import Sample, outcome_by_run
from sim.batch.store import Results
from sim.batch.tables.shares import sizes_by_step
from sim.reporting import figures
from sim.reporting.chapters.rows import order_blocs
from sim.scenario.schema import Scenario


def figures_over_time(
    results: Results, found: Sample, ran: Mapping[str, Scenario], names: Mapping[str, str], bloc: str,
    known: Mapping[str, str], at: str | None = None,
) -> list[figures.Picture]:  # fmt: skip
    """Draw shares over the steps: the baseline and the scenarios where the bloc shrinks and grows most.

    With a date `at`, to the last step that ends by it.
    """
    base, *others = names
    chosen = list(dict.fromkeys([base, *others[:1], *others[-1:]]))
    alignments = {one: known[one] for one in (*order_blocs(found, bloc), "non_aligned")}
    sizes = sizes_by_step(results, {found.designs.index(d): ran[d] for d in chosen})
    pictures = []
    for n, (d, steps) in enumerate(zip(chosen, sizes, strict=True)):
        days = ran[d].dates() if ran[d].sweep.lens == "histories" else ()
        if at:
            days = tuple(day for day in days if day <= at)
            steps = steps[steps["step"] < len(days)]
        pictures.append(figures.figure_over_time(steps, names[d], alignments, ran[d].blocs, f"time{n}", days))
    return pictures


def figures_by_run(
    found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str, colour: str, when: str
) -> figures.Picture:
    """Draw the bloc's size run by run in each scenario."""
    sizes = {name: outcome_by_run(found.runs, design, f"capability_{bloc}").dropna() for design, name in names.items()}
    known = {name: values for name, values in sizes.items() if len(values)}
    return figures.figure_by_run(known, bloc_name, colour, when, "kinds")


def difference_figures(
    outcomes: pd.DataFrame, names: Mapping[str, str], blocs: Mapping[str, str], colours: Mapping[str, str], when: str
) -> list[figures.Picture]:
    """Draw paired differences for each bloc."""
    pictures = [
        figures.figure_changes(outcomes, names, bloc, name, colours[bloc], when, f"change{n}")
        for n, (bloc, name) in enumerate(blocs.items())
    ]
    return [picture for picture in pictures if picture is not None]
