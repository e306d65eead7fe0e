"""The report: results as one page that a reader can take in within ten minutes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.analysis.compare import (
    MOVED,
    Sample,
    clear_state_changes,
    compare_outcomes,
    compare_states,
    designs_without_difference,
    interval_words,
    mean_late_shares,
    outcome_by_run,
    pairings,
    read_sample,
)
from sim.analysis.dated.incidence import LARGE
from sim.analysis.statistics import mean_interval, share_interval, varies_most
from sim.article.answers import answer_claims, missing_scenarios
from sim.article.evidence import FRONT
from sim.batch import recorded
from sim.batch.manifest import recorded_command
from sim.batch.store import Results
from sim.batch.tables.shares import sizes_by_step
from sim.calendar import describe_step
from sim.errors import escape_page
from sim.reporting import figures, provenance
from sim.reporting.analyses import Analyses
from sim.reporting.colours import alignment_colours
from sim.reporting.dated import pictures
from sim.reporting.dated.findings import effects_sentence, find_dated, format_day
from sim.reporting.labels import label_alignments, label_outcome, list_names
from sim.scenario.checks.sources import ASSUMED, parse_references
from sim.scenario.loading import BASE
from sim.scenario.overrides import list_changes
from sim.scenario.schema import Scenario

MAX_DESIGNS = 24  # design points in figures and tables; `blocs compare --csv` has all

LISTED_CHANGES = 6

LISTED_MOVES = 12


@dataclass(frozen=True)
class ScenarioRow:
    """A scenario at a glance: how often the bloc is large, its size then, and the change from the baseline."""

    design: str
    name: str
    question: str
    runs: int
    share_large: tuple[float, float, float]
    size_when_large: float
    mean: float
    change: Any  # a row of compare_outcomes, None for the baseline

    @property
    def clear(self) -> bool:
        """Return whether the change is clear after correction for multiple tests."""
        return self.change is not None and bool(self.change.clear)


def render_page(
    results: Results, *, found: Sample | None = None, baseline: str | None = None, analyses: Analyses | None = None
) -> str:
    """Return the report as one HTML page, which loads nothing; the same results give the same text.

    Parameters
    ----------
    results : Results
        Results folder of a sweep.
    found : Sample, optional
        Its finished runs, if they have been read already.
    baseline : str, optional
        Design to compare with. Default: the baseline of the results.
    analyses : Analyses, optional
        Findings over the parameters' ranges, from `analyse`.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        If no run has finished.
    """
    found = found or read_sample(results)
    base = found.baseline(baseline)
    finished = set(found.runs["design"])
    ordered = [base, *(design for design in found.designs if design != base and design in finished)]
    scenarios = recorded.recorded_scenarios(results)
    names = figures.design_titles(found, ordered[:MAX_DESIGNS])
    of_article = is_article_world(found, base)
    bloc = FRONT if of_article else focus_bloc(found, base)
    known = label_alignments(*found.scenarios.values())
    colours = report_colours(found, base)
    outcomes, states = compare_outcomes(found, base), compare_states(found, base)
    glance = scenario_rows(found, base, names, bloc, outcomes)
    names = {row.design: row.name for row in glance}
    shares = mean_late_shares(results)
    ran = recorded.scenarios_as_run(results, names)
    claimed = answer_claims(found) if of_article else []
    dated = find_dated(results, names, base, bloc, known[bloc])
    context = {
        "title": names[base],
        "dated": dated,
        "effects": pictures.picture_of_effects(dated) if dated else None,
        "effects_sentence": effects_sentence(dated) if dated else "",
        "incidence": pictures.picture_of_incidence(dated, ran[base].dates()[0]) if dated else None,
        "strongest_settings": list(analyses.ends["setting"].unique()[:2]) if analyses else [],
        "question": str(found.scenarios[base]["question"]),
        "headline": dated.headline() if dated else page_headline(found, base, bloc, known[bloc], names[base]),
        "article": of_article,
        "bloc": known[bloc],
        "alignments": known,
        "column": f"capability_{bloc}",
        "rows": glance,
        "base": base,
        "names": names,
        "more": len(ordered) - len(names),
        "maps": choose_maps(shares, found, names, bloc, known[bloc]),
        "over_time": figures_over_time(results, found, ran, names, bloc, known),
        "kinds": figures_by_run(found, names, bloc, known[bloc], colours[bloc]),
        "heat": figures.figure_heat(
            shares, names, figures.state_names(found), bloc, known[bloc], found.averaged, "heat"
        ),
        "differences": difference_figures(
            outcomes, names, {one: known[one] for one in order_blocs(found, bloc)}, colours
        ),
        "moves": scenario_moves(found, outcomes, states, names, known),
        "averaged": found.averaged,
        "length": describe_step(ran[base].step),
        "ends": ran[base].dates()[-1:] if ran[base].sweep.lens == "histories" else (),
        "said": {one.scenario: one.sentences for one in pairings(found, base, outcomes, states)},
        "unchanged": [names[design] for design in designs_without_difference(outcomes) if design in names],
        "claims": claimed,
        "lacking": missing_scenarios(found) if of_article else {},
        "judged": {(one.answer.number, one.answer.text): one for one in analyses.judged} if analyses else {},
        "analyses": analyses,
        "sensitivity": figures.figure_sensitivity(analyses.ends, analyses.indices, known[bloc]) if analyses else [],
        "regret": figures.figure_regret(analyses.regret, known[bloc])
        if analyses and analyses.regret is not None
        else None,
        "changes": scenario_changes(ran, names),
        "assumptions": provenance.list_assumptions(ran[base]),
        "assumed_inputs": count_assumed_inputs(scenarios),
        "notes": [(names[d], str(found.scenarios[d]["note"])) for d in names if found.scenarios[d]["note"]],
        "sources": provenance.cited_sources(scenarios),
        "command": recorded_command(results.manifest()),
        "report_command": provenance.report_command(
            base,
            points=analyses.points if analyses else 0,
            seed=analyses.seed if analyses else 0,
            parameters=analyses.parameters if analyses else None,
        ),
        "versions": results.manifest().get("versions", {}),
        "counts": recorded.count_runs(results),
        "failures": recorded.list_failures(results),
        "failed": found.failed,
        "unfinished": found.unfinished,
        "moved": MOVED,
        "threshold": LARGE,
    }
    return escape_page(template_environment().get_template("page.html.jinja").render(context))


def template_environment() -> Environment:
    """Return the templates' environment, which escapes everything and refuses undefined names."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {
        "trace": trace_attributes, "number": format_number, "interval_words": interval_words, "listed": list_names,
        "outcome_name": label_outcome, "day": format_day, "dots": pictures.draw_dots,
    }  # fmt: skip
    environment.filters |= {"minus": minus}
    return environment


def format_number(value: object, form: str = ".3g") -> str:
    """Format a number with a true minus, NaN as a dash, and any other value as text."""
    if isinstance(value, (float, np.floating)):
        return "–" if math.isnan(value) else format(value, form).replace("-", "−")
    return str(value)


def minus(text: str) -> str:
    """Replace hyphens by true minus signs."""
    return text.replace("-", "−")


def trace_attributes(what: str, value: float, form: str) -> Markup:
    """Mark a number with its meaning, so that a test can recompute it from the tables."""
    return Markup('<span data-trace="{}">{}</span>').format(what, format_number(float(value), form))


def is_article_world(found: Sample, base: str) -> bool:
    """Return whether the results are of the article's world, so that its sentences and claims apply."""
    states = set(found.scenarios[base]["states"])
    return base == BASE and {"PRK", "RUS", "CHN"} <= states and "capability_front" in found.runs


def focus_bloc(found: Sample, base: str) -> str:
    """Return the bloc that the report follows: the baseline's bloc whose size varies most over all runs."""
    blocs = found.scenarios[base]["blocs"]
    return varies_most({bloc: found.runs[f"capability_{bloc}"].to_numpy(dtype=float) for bloc in blocs})


def order_blocs(found: Sample, first: str) -> list[str]:
    """Return the blocs, `first` first."""
    return sorted((name for name in found.alignments() if name != "non_aligned"), key=lambda name: name != first)


def report_colours(found: Sample, base: str) -> dict[str, str]:
    """Return the colour of each bloc in the baseline's world; of a bloc that it lacks, in the first that has it."""
    colours = alignment_colours(found.scenarios[base]["blocs"])
    for scenario in found.scenarios.values():
        colours = {**alignment_colours(scenario["blocs"]), **colours}
    return colours


def page_headline(found: Sample, base: str, bloc: str, bloc_name: str, name: str) -> str:
    """State the baseline's finding in one sentence, with its interval, for any world."""
    sizes = outcome_by_run(found.runs, base, f"capability_{bloc}").dropna()
    share, low, high, n = share_interval(int((sizes >= LARGE).sum()), len(sizes))
    large = sizes[sizes >= LARGE]
    size = f", and then {large.mean():.2f} on average" if len(large) else ""
    return (
        f"In {100 * share:.0f} % of {n} runs of “{name}” (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
        f" “{bloc_name}” holds a tenth or more of the capability over {found.averaged}{size}."
    )


def scenario_rows(
    found: Sample, base: str, names: Mapping[str, str], bloc: str, outcomes: pd.DataFrame
) -> list[ScenarioRow]:
    """Summarise each scenario, the baseline first, then by the change of the bloc's size."""
    column = f"capability_{bloc}"
    changed = {row.scenario: row for row in outcomes[outcomes["outcome"] == column].itertuples()}
    rows = []
    for design in names:
        sizes = outcome_by_run(found.runs, design, column).dropna()
        large = sizes[sizes >= LARGE]
        interval = share_interval(len(large), len(sizes))[:3]
        size, mean = mean_interval(large.to_numpy())[0], mean_interval(sizes.to_numpy())[0]
        question = str(found.scenarios[design]["question"])
        question = "" if question == found.scenarios[base]["question"] else question
        rows.append(ScenarioRow(design, names[design], question, len(sizes), interval, size, mean, changed.get(design)))
    return sorted(rows, key=lambda row: (row.design != base, row.change.difference if row.change is not None else 0))


def choose_maps(
    shares: figures.Shares, found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str
) -> list[figures.Picture]:
    """Draw maps of P(bloc) by scenario, if the map has the states."""
    states = list(dict.fromkeys(s for design in names for s in found.scenarios[design]["states"]))
    return figures.figure_maps(shares, names, states, bloc, bloc_name)


def figures_over_time(
    results: Results, found: Sample, ran: Mapping[str, Scenario], names: Mapping[str, str], bloc: str,
    known: Mapping[str, str],
) -> list[figures.Picture]:  # fmt: skip
    """Draw shares over the steps: the baseline and the scenarios where the bloc shrinks and grows most."""
    base, *others = names
    chosen = list(dict.fromkeys([base, *others[:1], *others[-1:]]))
    alignments = {one: known[one] for one in (*order_blocs(found, bloc), "non_aligned")}
    return [
        figures.figure_over_time(
            sizes_by_step(results, found.designs.index(d), ran[d]), names[d], alignments, ran[d].blocs, f"time{n}"
        )
        for n, d in enumerate(chosen)
    ]


def figures_by_run(found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str, colour: str) -> figures.Picture:
    """Draw the bloc's size run by run in each scenario."""
    sizes = {name: outcome_by_run(found.runs, design, f"capability_{bloc}").dropna() for design, name in names.items()}
    known = {name: values for name, values in sizes.items() if len(values)}
    return figures.figure_by_run(known, bloc_name, colour, found.averaged, "kinds")


def difference_figures(
    outcomes: pd.DataFrame, names: Mapping[str, str], blocs: Mapping[str, str], colours: Mapping[str, str]
) -> list[figures.Picture]:
    """Draw paired differences for each bloc."""
    pictures = [
        figures.figure_changes(outcomes, names, bloc, name, colours[bloc], f"change{n}")
        for n, (bloc, name) in enumerate(blocs.items())
    ]
    return [picture for picture in pictures if picture is not None]


def scenario_moves(
    found: Sample, outcomes: pd.DataFrame, states: pd.DataFrame, names: Mapping[str, str], known: Mapping[str, str]
) -> list[tuple[str, str, list[Any], list[tuple[str, str]]]]:
    """List for each scenario its design, its name, the main outcomes that clearly differ and the states that move."""
    blocs = order_blocs(found, focus_bloc(found, next(iter(names))))
    main = [f"{what}_{bloc}" for bloc in blocs for what in ("capability", "members")] + ["polarization"]
    clear = outcomes[outcomes["clear"] & outcomes["outcome"].isin(main)]
    moved, state_names = clear_state_changes(states), figures.state_names(found)
    moved_by_scenario = []
    for design, name in list(names.items())[1:]:
        words = []
        for alignment, group in moved[moved["scenario"] == design].groupby("alignment", sort=False):
            moves = [
                f"{state_names[m.state]} {format_number(m.difference, '+.2f')}"
                for m in group.head(LISTED_MOVES).itertuples()
            ]
            more = f" and {len(group) - LISTED_MOVES} more" if len(group) > LISTED_MOVES else ""
            words.append((known[str(alignment)], list_names(moves) + more))
        moved_by_scenario.append((design, name, list(clear[clear["scenario"] == design].itertuples()), words))
    return moved_by_scenario


def scenario_changes(
    ran: Mapping[str, Scenario], names: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    """List each scenario's first changes to the baseline, with both values, and their number."""
    base, *others = names
    changes = []
    for design in others:
        listed = list_changes(ran[base], ran[design])
        changes.append((names[design], listed[:LISTED_CHANGES], len(listed)))
    return changes


def count_assumed_inputs(scenarios: Mapping[str, Scenario]) -> tuple[int, int, int]:
    """Count the inputs that cite an assumption, those without a source, and all."""
    found = provenance.cited_inputs(scenarios)
    assumed = sum(ASSUMED in (key for key, _ in parse_references(cell)) for _, cell in found)
    return assumed, sum(not cell for _, cell in found), len(found)
