"""Headings of the report's chapters: the finding of each in one line, folded where it has none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sim.analysis.history.words import capital, count_words
from sim.calendar import format_day
from sim.reporting.analyses import Analyses
from sim.reporting.chapters.titles import levers_near_best
from sim.reporting.dated.findings import VERBS, DatedFindings
from sim.reporting.dated.verdict import chance_over_time
from sim.reporting.dated.words import fraction_words, rounded
from sim.reporting.labels import list_names

NAMED = 4  # names in a heading

CHAPTERS = {
    "time": "Time", "maps": "Maps", "glance": "Scenarios", "kinds": "Run by run", "states": "States",
    "differences": "Differences", "claims": "Claims", "sensitivity": "Parameters", "regret": "Regret",
    "why": "Changes", "assumed": "Assumptions", "sources": "Sources", "again": "Repeat",
}  # fmt: skip

OF_SEVERAL = ("differences", "regret", "why")  # chapters that compare scenarios

INSIDE = {
    "time": "charts over time", "maps": "maps of the start, the end and the changes",
    "glance": "a table with a row for each scenario", "kinds": "a chart of the size in each run",
    "states": "a chart of the chance of each state in each scenario",
    "differences": "charts and a table of the differences from the baseline",
    "claims": "a table of the article's claims", "sensitivity": "a chart of the parameters",
    "regret": "a chart and a table of levers", "why": "a table of the settings that each scenario changes",
    "assumed": "a table of the assumed parameters", "sources": "a table of the sources and the inputs that cite them",
    "again": "commands, versions and numbers of runs",
}  # fmt: skip


@dataclass(frozen=True)
class Heading:
    """The finding of a chapter, and whether the chapter is folded."""

    text: str
    folded: bool = False


def list_chapters(*, compared: bool, dated: bool) -> list[tuple[str, str]]:
    """List the chapters by id and name: without other scenarios none that compares, at a date no claims."""
    left_out = (*(() if compared else OF_SEVERAL), *(("claims",) if dated else ()))
    return [one for one in CHAPTERS.items() if one[0] not in left_out]


def name_first(names: Sequence[str]) -> str:
    """List the first of some names, and count the others."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return list_names(names[:NAMED]) + more


def heading_of_time(dated: DatedFindings | None, bloc: str) -> Heading:
    """Say how the chance of the state asked about grows."""
    if dated is None:
        return Heading(f"“{bloc}” over the steps")
    if dated.first is None:
        return Heading(f"No state joins “{bloc}”")
    last, verb = dated.first.chances[-1], VERBS[dated.event][0]
    if not last.chance:
        end = format_day(dated.days[-1])
        return Heading(f"{dated.first.name} {verb} “{bloc}” in none of {last.n} histories by {end}")
    return Heading(chance_over_time(dated, dated.first))


def heading_of_maps(drawn: Sequence[str], others: int, mapped: bool, bloc: str) -> Heading:
    """Say which scenarios clearly change which states are in the bloc that the maps show."""
    if not mapped:
        return Heading("The states of this world are not on a map of today", folded=True)
    if not others:
        return Heading("Where the states are at the start and at the end")
    if not drawn:
        return Heading(f"No scenario clearly changes which states are in “{bloc}”")
    return heading_of_changed(drawn, others, f"which states are in “{bloc}”")


def heading_of_changed(changed: Sequence[str], others: int, what: str) -> Heading:
    """Say which of the other scenarios, at least one, clearly change something."""
    if others == 1:
        return Heading(f"“{changed[0]}” clearly changes {what}")
    some = f"{len(changed)} of {others} scenarios clearly {verb('change', len(changed))}"
    return Heading(f"{some} {what}: {name_first(changed)}")


def verb(word: str, count: int) -> str:
    """Give a verb the form that fits so many subjects."""
    return f"{word}s" if count == 1 else word


def changes_words(others: int) -> str:
    """Say whose changes are listed."""
    return f"What the {others} other scenarios change" if others > 1 else "What the other scenario changes"


def words_of_assumed(count: int) -> str:
    """Say how many parameters are assumed."""
    return f"{count} parameters are assumed, with these reasons" if count != 1 else (
        "One parameter is assumed, with this reason"
    )  # fmt: skip


def words_of_sources(count: int) -> str:
    """Say how many sources give the inputs."""
    return f"{count} sources give the inputs" if count != 1 else "One source gives the inputs"


def heading_of_rows(rows: Sequence[Any], bloc: str) -> Heading:
    """Say how many scenarios change the size of the bloc."""
    changed = [row.name for row in rows if row.clear]
    others = len(rows) - 1
    if not others:
        return Heading(f"The size of “{bloc}” in numbers")
    if not changed:
        which = f"None of {others} scenarios" if others > 1 else "The other scenario does not"
        return Heading(f"{which} clearly change{'s' if others > 1 else ''} the mean size of “{bloc}”")
    return heading_of_changed(changed, others, f"the mean size of “{bloc}”")


def heading_of_runs(row: Any, bloc: str, when: str) -> Heading:
    """Say in how many runs the bloc has a tenth or more then, and its size in these."""
    share = row.share_large[0]
    size = f", and then has {fraction_words(row.size_when_large)} of it" if share > 0 else ""
    large = f"“{bloc}” has a tenth of the capability or more {when} in {rounded(share)} of 100 runs"
    return Heading(f"{large}{size}", not share)


def heading_of_states(shares: Mapping[str, float], names: Mapping[str, str], bloc: str) -> Heading:
    """Name the states that are most often in the bloc in the baseline."""
    inside = sorted((state for state, share in shares.items() if share >= 0.005), key=lambda state: -shares[state])
    if not inside:
        return Heading(f"No state is in “{bloc}” in the baseline", folded=True)
    said = name_first([f"{names[state]} {rounded(shares[state])}" for state in inside])
    return Heading(f"Most often in “{bloc}”, in runs of 100: {said}", folded=True)


def heading_of_differences(outcomes: pd.DataFrame) -> Heading:
    """Count the clear differences."""
    clear = outcomes[outcomes["clear"]] if len(outcomes) else outcomes
    if not len(clear):
        return Heading("No outcome of any scenario differs clearly from the baseline", folded=True)
    scenarios = count_words(int(clear["scenario"].nunique()), "scenario")
    differ = "differ" if len(clear) > 1 else "differs"
    return Heading(f"{capital(count_words(len(clear), 'outcome'))} of {scenarios} {differ} clearly from the baseline")


def heading_of_claims(claims: Sequence[Any], verdicts: Collection[str]) -> Heading:
    """Count the verdicts on the article's claims."""
    if not claims:
        return Heading("These results answer no claim of the article", folded=True)
    agree, against = (sum(word.startswith(start) for word in verdicts) for start in ("agrees", "contradicts"))
    undecided = len(verdicts) - agree - against
    return Heading(
        f"Of {count_words(len(verdicts), 'measure')} of the article's claims the model agrees with {agree} and"
        f" contradicts {against};"
        f" {undecided} {'is' if undecided == 1 else 'are'} undecided"
    )


def heading_of_sensitivity(strongest: Sequence[tuple[str, str]]) -> Heading:
    """Name the parameters that change the outcome most."""
    if not strongest:
        return Heading("The parameters were not varied for this report", folded=True)
    names = " and ".join(name for name, _ in strongest)
    return Heading(f"Of the parameters, {names} {verb('change', len(strongest))} the size of the bloc most")


def heading_of_regret(analyses: Analyses | None, bloc: str, rows: Sequence[Any]) -> Heading:
    """Name the lever with the least greatest regret, and say whether it is apart; of one lever say its direction."""
    if analyses is None or analyses.regret is None or analyses.directions is None:
        return Heading("Levers were not compared for this report", folded=True)
    if len(analyses.directions) == 1:
        (one,) = analyses.directions.itertuples()
        name, clear = next(((row.name, row.clear) for row in rows if row.design == one.lever), (one.lever, False))
        return Heading(words_of_one_lever(f"“{name}”", f"“{bloc}”", one.raises, one.lowers, one.futures, clear=clear))
    best = analyses.regret.iloc[0]
    costs = f"{best.lever} costs at most {best.regret_max:.3f} of capability"
    if len(levers_near_best(analyses.regret)):
        return Heading(f"No lever has clearly the least regret; {costs}")
    return Heading(f"One lever has the least regret: {costs}")


def words_of_one_lever(name: str, bloc: str, raises: int, lowers: int, futures: int, *, clear: bool) -> str:
    """Say in how many futures a bloc is larger and smaller with the only lever, and first whether that decides.

    `clear` is whether the runs of the sweep differ clearly. Only then the lever raises or lowers the size.
    """
    where = f"{futures} settings of the parameters"
    if not raises and not lowers:
        return f"No clear difference: {name} changes the size of {bloc} at none of {where}"
    if raises and lowers:
        return (
            f"No clear choice: with {name} the size of {bloc} is larger at {raises} of {where}, and smaller at {lowers}"
        )
    if clear:
        direction, count, other = ("raises", raises, "lowers") if raises else ("lowers", lowers, "raises")
        return f"{name} {direction} the size of {bloc} at {count} of {where}, and {other} it at none"
    direction, count, other = ("larger", raises, "smaller") if raises else ("smaller", lowers, "larger")
    said = f"with {name} the size of {bloc} is {direction} at {count} of {where}, and {other} at none"
    return f"No clear difference: {said}; the runs of the sweep do not differ clearly"
