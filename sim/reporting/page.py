"""The report: results as one page for a reader with ten minutes, who is asked 'why?' and 'how sure are you?'."""

from __future__ import annotations

import contextlib
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
from sim.analysis.statistics import mean_interval, share_interval, varies_most
from sim.article.claims import answer_claims, missing_scenarios
from sim.batch import recorded
from sim.batch.store import Results
from sim.errors import escape_page
from sim.reporting import charts, demo, figures, provenance
from sim.reporting.analyses import Analyses
from sim.reporting.labels import label_alignments, label_outcome, list_names
from sim.scenario.loading import BASE
from sim.scenario.overrides import list_changes
from sim.scenario.schema import Scenario
from sim.scenario.sources import ASSUMED, parse_references

SHOWN = 24  # design points in figures and tables; more of them are a matter of `blocs compare --csv`

LISTED_CHANGES = 6

LISTED_MOVES = 12


@dataclass(frozen=True)
class ScenarioRow:
    """A scenario at a glance: how often the bloc stands, how large it then is, and the change from the baseline."""

    design: str
    name: str
    question: str
    runs: int
    stands: tuple[float, float, float]
    size_where_it_stands: float
    mean: float
    change: Any  # a row of compare_outcomes, None for the baseline

    @property
    def sure(self) -> bool:
        """Whether the change is clear though all outcomes are asked at once."""
        return self.change is not None and bool(self.change.clear)


def render_page(
    results: Results, *, found: Sample | None = None, baseline: str | None = None, analyses: Analyses | None = None
) -> str:
    """The report as HTML that asks nothing of any other place; the same results give the same text.

    found are the runs where they have been read already. Raises InputError where no run has finished.
    """
    found = found or read_sample(results)
    base = found.baseline(baseline)
    finished = set(found.runs["design"])
    ordered = [base, *(design for design in found.designs if design != base and design in finished)]
    told = recorded.recorded_scenarios(results)
    names = figures.design_titles(found, ordered[:SHOWN])
    bloc, known = focus_bloc(found, base), label_alignments(*found.scenarios.values())
    outcomes, states = compare_outcomes(found, base), compare_states(found, base)
    glance = scenario_rows(found, base, names, bloc, outcomes)
    names = {row.design: row.name for row in glance}
    shares = mean_late_shares(results)
    ran = recorded.scenarios_as_run(results, names)
    of_article = is_article_world(found, base)
    claimed = answer_claims(found) if of_article else []
    context = {
        "title": names[base],
        "question": str(found.scenarios[base]["question"]),
        "headline": demo.demo_headline(found)
        if of_article
        else page_headline(found, base, bloc, known[bloc], names[base]),
        "article": of_article,
        "bloc": known[bloc],
        "alignments": known,
        "column": f"capability_{bloc}",
        "rows": glance,
        "base": base,
        "names": names,
        "more": len(ordered) - len(names),
        "maps": choose_maps(shares, found, names, bloc, known[bloc]),
        "over_time": figures_over_time(results, found, names, bloc, known),
        "kinds": figures_by_run(found, names, bloc, known[bloc]),
        "heat": figures.figure_heat(
            shares, names, figures.state_names(found), bloc, known[bloc], found.averaged, "heat"
        ),
        "differences": difference_figures(outcomes, names, {one: known[one] for one in order_blocs(found, bloc)}),
        "moves": scenario_moves(found, outcomes, states, names, known),
        "averaged": found.averaged,
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
        "assumed_inputs": count_assumed_inputs(told),
        "notes": [(names[d], str(found.scenarios[d]["note"])) for d in names if found.scenarios[d]["note"]],
        "sources": provenance.cited_sources(told),
        "command": provenance.recorded_command(results),
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
        "threshold": charts.FRONT_THRESHOLD,
    }
    return escape_page(template_environment().get_template("page.html.jinja").render(context))


def template_environment() -> Environment:
    """The templates' environment: everything escaped, nothing undefined passed over."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {
        "trace": trace_attributes, "number": format_number, "interval_words": interval_words, "listed": list_names,
        "outcome_name": label_outcome,
    }  # fmt: skip
    made.filters |= {"minus": minus}
    return made


def format_number(value: object, form: str = ".3g") -> str:
    """A number with a true minus, a dash for none; any other value as text."""
    if isinstance(value, (float, np.floating)):
        return "–" if math.isnan(value) else format(value, form).replace("-", "−")
    return str(value)


def minus(text: str) -> str:
    """Text with a true minus before each number."""
    return text.replace("-", "−")


def trace_attributes(what: str, value: float, form: str) -> Markup:
    """A number with what it is, so that it can be computed again from the tables alone."""
    return Markup('<span data-trace="{}">{}</span>').format(what, format_number(float(value), form))


def is_article_world(found: Sample, base: str) -> bool:
    """Whether the results are of the article's world, so that its sentences and claims apply."""
    states = set(found.scenarios[base]["states"])
    return base == BASE and {"PRK", "RUS", "CHN"} <= states and "capability_front" in found.runs


def focus_bloc(found: Sample, base: str) -> str:
    """The bloc that the report follows: the baseline's whose size varies most over all runs."""
    blocs = found.scenarios[base]["blocs"]
    return varies_most({bloc: found.runs[f"capability_{bloc}"].to_numpy(dtype=float) for bloc in blocs})


def order_blocs(found: Sample, first: str) -> list[str]:
    """The blocs, the one that the report follows first."""
    return sorted((name for name in found.alignments() if name != "non_aligned"), key=lambda name: name != first)


def page_headline(found: Sample, base: str, bloc: str, bloc_name: str, name: str) -> str:
    """The baseline's finding in one sentence, with its interval, for any world."""
    sizes = outcome_by_run(found.runs, base, f"capability_{bloc}").dropna()
    share, low, high, n = share_interval(int((sizes >= charts.FRONT_THRESHOLD).sum()), len(sizes))
    stands = sizes[sizes >= charts.FRONT_THRESHOLD]
    size = f", and then {stands.mean():.2f} on average" if len(stands) else ""
    return (
        f"In {100 * share:.0f} % of {n} runs of “{name}” (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
        f" “{bloc_name}” holds a tenth or more of the capability over {found.averaged}{size}."
    )


def scenario_rows(
    found: Sample, base: str, names: Mapping[str, str], bloc: str, outcomes: pd.DataFrame
) -> list[ScenarioRow]:
    """Each scenario at a glance, the baseline first and then by the change of the bloc's size."""
    column = f"capability_{bloc}"
    changed = {row.scenario: row for row in outcomes[outcomes["outcome"] == column].itertuples()}
    made = []
    for design in names:
        sizes = outcome_by_run(found.runs, design, column).dropna()
        stands = sizes[sizes >= charts.FRONT_THRESHOLD]
        interval = share_interval(len(stands), len(sizes))[:3]
        size, mean = mean_interval(stands.to_numpy())[0], mean_interval(sizes.to_numpy())[0]
        question = str(found.scenarios[design]["question"])
        question = "" if question == found.scenarios[base]["question"] else question
        made.append(ScenarioRow(design, names[design], question, len(sizes), interval, size, mean, changed.get(design)))
    return sorted(made, key=lambda row: (row.design != base, row.change.difference if row.change is not None else 0))


def choose_maps(
    shares: figures.Shares, found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str
) -> list[figures.Picture]:
    """Maps of P(bloc) by scenario, where the states can be drawn on one."""
    states = list(dict.fromkeys(s for design in names for s in found.scenarios[design]["states"]))
    return figures.figure_maps(shares, names, states, bloc, bloc_name)


def figures_over_time(
    results: Results, found: Sample, names: Mapping[str, str], bloc: str, known: Mapping[str, str]
) -> list[figures.Picture]:
    """Shares over the steps in the baseline and in the scenarios where the bloc shrinks and grows most."""
    base, *others = names
    chosen = list(dict.fromkeys([base, *others[:1], *others[-1:]]))
    number_of = {design: found.designs.index(design) for design in chosen}
    with contextlib.closing(results.connection()) as connection:
        query = "select * from steps where list_contains(?, point) order by point, seed, replicate, step"
        steps = connection.execute(query, [list(number_of.values())]).df()
    alignments = {one: known[one] for one in (*order_blocs(found, bloc), "non_aligned")}
    return [
        figures.figure_over_time(steps[steps["point"] == number_of[d]], names[d], alignments, f"time{n}")
        for n, d in enumerate(chosen)
    ]


def figures_by_run(found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str) -> figures.Picture:
    """The bloc's size run by run in each scenario."""
    sizes = {name: outcome_by_run(found.runs, design, f"capability_{bloc}").dropna() for design, name in names.items()}
    known = {name: values for name, values in sizes.items() if len(values)}
    return figures.figure_by_run(known, bloc_name, found.averaged, "kinds")


def difference_figures(
    outcomes: pd.DataFrame, names: Mapping[str, str], blocs: Mapping[str, str]
) -> list[figures.Picture]:
    """A figure of paired differences for each bloc."""
    made = [
        figures.figure_changes(outcomes, names, bloc, name, f"change{n}")
        for n, (bloc, name) in enumerate(blocs.items())
    ]
    return [picture for picture in made if picture is not None]


def scenario_moves(
    found: Sample, outcomes: pd.DataFrame, states: pd.DataFrame, names: Mapping[str, str], known: Mapping[str, str]
) -> list[tuple[str, str, list[Any], list[tuple[str, str]]]]:
    """Of each scenario: its design and name, the main outcomes that differ surely, and the states that move surely."""
    blocs = order_blocs(found, focus_bloc(found, next(iter(names))))
    main = [f"{what}_{bloc}" for bloc in blocs for what in ("capability", "members")] + ["polarization"]
    sure = outcomes[outcomes["clear"] & outcomes["outcome"].isin(main)]
    moved, called = clear_state_changes(states), figures.state_names(found)
    made = []
    for design, name in list(names.items())[1:]:
        words = []
        for alignment, group in moved[moved["scenario"] == design].groupby("alignment", sort=False):
            first = [
                f"{called[m.state]} {format_number(m.difference, '+.2f')}"
                for m in group.head(LISTED_MOVES).itertuples()
            ]
            more = f" and {len(group) - LISTED_MOVES} more" if len(group) > LISTED_MOVES else ""
            words.append((known[str(alignment)], list_names(first) + more))
        made.append((design, name, list(sure[sure["scenario"] == design].itertuples()), words))
    return made


def scenario_changes(
    ran: Mapping[str, Scenario], names: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    """What each scenario changes in the baseline: the first places with both values, and how many there are."""
    base, *others = names
    made = []
    for design in others:
        listed = list_changes(ran[base], ran[design])
        made.append((names[design], listed[:LISTED_CHANGES], len(listed)))
    return made


def count_assumed_inputs(told: Mapping[str, Scenario]) -> tuple[int, int, int]:
    """Inputs that rest on our own assumption, at least in part; those without a source; all of them."""
    found = provenance.cited_inputs(told)
    assumed = sum(ASSUMED in (key for key, _ in parse_references(cell)) for _, cell in found)
    return assumed, sum(not cell for _, cell in found), len(found)
