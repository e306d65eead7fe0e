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

from sim import charts, demonstration, figures, provenance
from sim.analyses import Analyses
from sim.catalog import BASE
from sim.claims import answers, unanswered
from sim.compare import (
    MOVED,
    Sample,
    compare_outcomes,
    compare_states,
    interval_words,
    late_shares,
    outcome,
    pairings,
    sample,
    surely_moved,
    without_difference,
)
from sim.faults import inert
from sim.intervals import mean_interval, share_interval, varies_most
from sim.naming import alignment_names, listed, outcome_name
from sim.scenario import Scenario
from sim.settings import changes
from sim.sources import ASSUMED, references
from sim.store import Results

SHOWN = 24  # design points in figures and tables; more of them are a matter of `blocs compare --csv`
LISTED_CHANGES = 6
LISTED_MOVES = 12


@dataclass(frozen=True)
class Row:
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


def page(
    results: Results, *, found: Sample | None = None, baseline: str | None = None, analyses: Analyses | None = None
) -> str:
    """The report as HTML that asks nothing of any other place; the same results give the same text.

    found are the runs where they have been read already. Raises InputError where no run has finished.
    """
    found = found or sample(results)
    base = found.baseline(baseline)
    finished = set(found.runs["design"])
    ordered = [base, *(design for design in found.designs if design != base and design in finished)]
    told = provenance.scenarios(results)
    names = figures.titles(found, ordered[:SHOWN])
    bloc, known = focus(found, base), alignment_names(*found.scenarios.values())
    outcomes, states = compare_outcomes(found, base), compare_states(found, base)
    glance = rows(found, base, names, bloc, outcomes)
    names = {row.design: row.name for row in glance}
    shares = late_shares(results)
    ran = provenance.as_run(results, names)
    of_article = is_article(found, base)
    claimed = answers(found) if of_article else []
    context = {
        "title": names[base],
        "question": str(found.scenarios[base]["question"]),
        "headline": demonstration.headline(found)
        if of_article
        else headline(found, base, bloc, known[bloc], names[base]),
        "article": of_article,
        "bloc": known[bloc],
        "alignments": known,
        "column": f"capability_{bloc}",
        "rows": glance,
        "base": base,
        "names": names,
        "more": len(ordered) - len(names),
        "maps": map_figures(shares, found, names, bloc, known[bloc]),
        "over_time": over_time(results, found, names, bloc, known),
        "kinds": kinds(found, names, bloc, known[bloc]),
        "heat": figures.heat(shares, names, figures.state_names(found), bloc, known[bloc], found.averaged, "heat"),
        "differences": difference_figures(outcomes, names, {one: known[one] for one in blocs_of(found, bloc)}),
        "moves": moves(found, outcomes, states, names, known),
        "averaged": found.averaged,
        "said": {one.scenario: one.sentences for one in pairings(found, base, outcomes, states)},
        "unchanged": [names[design] for design in without_difference(outcomes) if design in names],
        "claims": claimed,
        "lacking": unanswered(found) if of_article else {},
        "judged": {(one.answer.number, one.answer.text): one for one in analyses.judged} if analyses else {},
        "analyses": analyses,
        "sensitivity": figures.sensitivity(analyses.ends, analyses.indices, known[bloc]) if analyses else [],
        "regret": figures.regret(analyses.regret, known[bloc]) if analyses and analyses.regret is not None else None,
        "changes": what_changes(ran, names),
        "assumptions": provenance.assumptions(ran[base]),
        "assumed_inputs": assumed_inputs(told),
        "notes": [(names[d], str(found.scenarios[d]["note"])) for d in names if found.scenarios[d]["note"]],
        "sources": provenance.cited(told),
        "command": provenance.recorded_command(results),
        "report_command": provenance.report_command(
            base,
            points=analyses.points if analyses else 0,
            seed=analyses.seed if analyses else 0,
            parameters=analyses.parameters if analyses else None,
        ),
        "versions": results.manifest().get("versions", {}),
        "counts": provenance.counts(results),
        "failures": provenance.failures(results),
        "failed": found.failed,
        "unfinished": found.unfinished,
        "moved": MOVED,
        "threshold": charts.FRONT_THRESHOLD,
    }
    return inert(environment().get_template("report.html.jinja").render(context))


def environment() -> Environment:
    """The templates' environment: everything escaped, nothing undefined passed over."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {
        "trace": trace, "number": number, "interval_words": interval_words, "listed": listed,
        "outcome_name": outcome_name,
    }  # fmt: skip
    made.filters |= {"minus": minus}
    return made


def number(value: object, form: str = ".3g") -> str:
    """A number with a true minus, a dash for none; any other value as text."""
    if isinstance(value, (float, np.floating)):
        return "–" if math.isnan(value) else format(value, form).replace("-", "−")
    return str(value)


def minus(text: str) -> str:
    """Text with a true minus before each number."""
    return text.replace("-", "−")


def trace(what: str, value: float, form: str) -> Markup:
    """A number with what it is, so that it can be computed again from the tables alone."""
    return Markup('<span data-trace="{}">{}</span>').format(what, number(float(value), form))


def is_article(found: Sample, base: str) -> bool:
    """Whether the results are of the article's world, so that its sentences and claims apply."""
    states = set(found.scenarios[base]["states"])
    return base == BASE and {"PRK", "RUS", "CHN"} <= states and "capability_front" in found.runs


def focus(found: Sample, base: str) -> str:
    """The bloc that the report follows: the baseline's whose size varies most over all runs."""
    blocs = found.scenarios[base]["blocs"]
    return varies_most({bloc: found.runs[f"capability_{bloc}"].to_numpy(dtype=float) for bloc in blocs})


def blocs_of(found: Sample, first: str) -> list[str]:
    """The blocs, the one that the report follows first."""
    return sorted((name for name in found.alignments() if name != "non_aligned"), key=lambda name: name != first)


def headline(found: Sample, base: str, bloc: str, bloc_name: str, name: str) -> str:
    """The baseline's finding in one sentence, with its interval, for any world."""
    sizes = outcome(found.runs, base, f"capability_{bloc}").dropna()
    share, low, high, n = share_interval(int((sizes >= charts.FRONT_THRESHOLD).sum()), len(sizes))
    stands = sizes[sizes >= charts.FRONT_THRESHOLD]
    size = f", and then {stands.mean():.2f} on average" if len(stands) else ""
    return (
        f"In {100 * share:.0f} % of {n} runs of “{name}” (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
        f" “{bloc_name}” holds a tenth or more of the capability over {found.averaged}{size}."
    )


def rows(found: Sample, base: str, names: Mapping[str, str], bloc: str, outcomes: pd.DataFrame) -> list[Row]:
    """Each scenario at a glance, the baseline first and then by the change of the bloc's size."""
    column = f"capability_{bloc}"
    changed = {row.scenario: row for row in outcomes[outcomes["outcome"] == column].itertuples()}
    made = []
    for design in names:
        sizes = outcome(found.runs, design, column).dropna()
        stands = sizes[sizes >= charts.FRONT_THRESHOLD]
        interval = share_interval(len(stands), len(sizes))[:3]
        size, mean = mean_interval(stands.to_numpy())[0], mean_interval(sizes.to_numpy())[0]
        question = str(found.scenarios[design]["question"])
        question = "" if question == found.scenarios[base]["question"] else question
        made.append(Row(design, names[design], question, len(sizes), interval, size, mean, changed.get(design)))
    return sorted(made, key=lambda row: (row.design != base, row.change.difference if row.change is not None else 0))


def map_figures(
    shares: figures.Shares, found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str
) -> list[figures.Picture]:
    """Maps of P(bloc) by scenario, where the states can be drawn on one."""
    states = list(dict.fromkeys(s for design in names for s in found.scenarios[design]["states"]))
    return figures.map_figures(shares, names, states, bloc, bloc_name)


def over_time(
    results: Results, found: Sample, names: Mapping[str, str], bloc: str, known: Mapping[str, str]
) -> list[figures.Picture]:
    """Shares over the steps in the baseline and in the scenarios where the bloc shrinks and grows most."""
    base, *others = names
    chosen = list(dict.fromkeys([base, *others[:1], *others[-1:]]))
    number_of = {design: found.designs.index(design) for design in chosen}
    with contextlib.closing(results.connection()) as connection:
        query = "select * from steps where list_contains(?, point) order by point, seed, replicate, step"
        steps = connection.execute(query, [list(number_of.values())]).df()
    alignments = {one: known[one] for one in (*blocs_of(found, bloc), "non_aligned")}
    return [
        figures.over_time(steps[steps["point"] == number_of[d]], names[d], alignments, f"time{n}")
        for n, d in enumerate(chosen)
    ]


def kinds(found: Sample, names: Mapping[str, str], bloc: str, bloc_name: str) -> figures.Picture:
    """The bloc's size run by run in each scenario."""
    sizes = {name: outcome(found.runs, design, f"capability_{bloc}").dropna() for design, name in names.items()}
    known = {name: values for name, values in sizes.items() if len(values)}
    return figures.by_run(known, bloc_name, found.averaged, "kinds")


def difference_figures(
    outcomes: pd.DataFrame, names: Mapping[str, str], blocs: Mapping[str, str]
) -> list[figures.Picture]:
    """A figure of paired differences for each bloc."""
    made = [figures.changes(outcomes, names, bloc, name, f"change{n}") for n, (bloc, name) in enumerate(blocs.items())]
    return [picture for picture in made if picture is not None]


def moves(
    found: Sample, outcomes: pd.DataFrame, states: pd.DataFrame, names: Mapping[str, str], known: Mapping[str, str]
) -> list[tuple[str, str, list[Any], list[tuple[str, str]]]]:
    """Of each scenario: its design and name, the main outcomes that differ surely, and the states that move surely."""
    blocs = blocs_of(found, focus(found, next(iter(names))))
    main = [f"{what}_{bloc}" for bloc in blocs for what in ("capability", "members")] + ["polarization"]
    sure = outcomes[outcomes["clear"] & outcomes["outcome"].isin(main)]
    moved, called = surely_moved(states), figures.state_names(found)
    made = []
    for design, name in list(names.items())[1:]:
        words = []
        for alignment, group in moved[moved["scenario"] == design].groupby("alignment", sort=False):
            first = [f"{called[m.state]} {number(m.difference, '+.2f')}" for m in group.head(LISTED_MOVES).itertuples()]
            more = f" and {len(group) - LISTED_MOVES} more" if len(group) > LISTED_MOVES else ""
            words.append((known[str(alignment)], listed(first) + more))
        made.append((design, name, list(sure[sure["scenario"] == design].itertuples()), words))
    return made


def what_changes(
    ran: Mapping[str, Scenario], names: Mapping[str, str]
) -> list[tuple[str, list[tuple[str, str, str]], int]]:
    """What each scenario changes in the baseline: the first places with both values, and how many there are."""
    base, *others = names
    made = []
    for design in others:
        listed = changes(ran[base], ran[design])
        made.append((names[design], listed[:LISTED_CHANGES], len(listed)))
    return made


def assumed_inputs(told: Mapping[str, Scenario]) -> tuple[int, int, int]:
    """Inputs that rest on our own assumption, at least in part; those without a source; all of them."""
    found = provenance.inputs(told)
    assumed = sum(ASSUMED in (key for key, _ in references(cell)) for _, cell in found)
    return assumed, sum(not cell for _, cell in found), len(found)
