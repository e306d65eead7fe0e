"""Tables of the report: scenarios at a glance, and what differs clearly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sim.analysis.compare import Sample, outcome_by_run
from sim.analysis.dated.incidence import LARGE
from sim.analysis.statistics import mean_interval, share_interval, varies_most
from sim.article.evidence import FRONT
from sim.model.outcomes import describe_outcome
from sim.reporting import figures
from sim.reporting.chapters.changes import clear_changes, largest_unclear
from sim.reporting.chapters.titles import signed
from sim.reporting.labels import label_outcome, list_names
from sim.scenario.checks.sources import ASSUMED, parse_references

VISIBLE = 0.02  # of all capability: a change that a chart of sizes over time shows

LISTED_MOVES = 12

LISTED_OUTCOMES = 8

PRIORITY = "attention that a theatre asks of a bloc without a crisis"


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


def visible_names(rows: Sequence[ScenarioRow]) -> dict[str, str]:
    """Name the designs to draw over time: the first, and those with a clear change of the bloc's size of VISIBLE."""
    base, *others = rows
    shown = [row for row in others if row.clear and abs(row.change.difference) >= VISIBLE]
    return {row.design: row.name for row in (base, *shown)}


def has_front(found: Sample, base: str) -> bool:
    """Return whether a design has the article's states and its front."""
    scenario = found.scenarios[base]
    return FRONT in scenario["blocs"] and {"PRK", "RUS", "CHN"} <= set(scenario["states"])


def focus_bloc(found: Sample, base: str) -> str:
    """Return the bloc that a report follows: the front of the article; else the bloc whose size varies most."""
    if has_front(found, base):
        return FRONT
    blocs = found.scenarios[base]["blocs"]
    return varies_most({bloc: found.runs[f"capability_{bloc}"].to_numpy(dtype=float) for bloc in blocs})


def order_blocs(found: Sample, first: str) -> list[str]:
    """Return the blocs, `first` first."""
    return sorted((name for name in found.alignments() if name != "non_aligned"), key=lambda name: name != first)


@dataclass(frozen=True)
class ScenarioDifferences:
    """What a scenario changes: outcomes that clearly differ, states that clearly move, and states that may have."""

    design: str
    name: str
    clear: list[Any]  # rows of compare_outcomes, those of sizes first
    more: int  # clear outcomes that are not listed
    moved: list[tuple[str, str]]  # alignment, and the states whose share of it clearly changes
    unclear: list[str]  # the largest other changes of states whose own interval leaves out 0

    @property
    def any(self) -> bool:
        """Return whether there is anything to list."""
        return bool(self.clear or self.moved or self.unclear)


def list_differences(
    found: Sample, outcomes: pd.DataFrame, states: pd.DataFrame, names: Mapping[str, str], known: Mapping[str, str]
) -> list[ScenarioDifferences]:
    """List what each scenario changes."""
    blocs = order_blocs(found, focus_bloc(found, next(iter(names))))
    main = [f"{what}_{bloc}" for bloc in blocs for what in ("capability", "members")] + ["polarization"]
    sizes_first = outcomes.sort_values("outcome", key=lambda column: ~column.isin(main), kind="stable")
    clear = sizes_first[sizes_first["clear"]]
    state_names = figures.state_names(found)
    listed = []
    for design, name in list(names.items())[1:]:
        words = []
        for alignment, group in clear_changes(states, design).groupby("alignment", sort=False):
            moves = [f"{state_names[m.state]} {signed(m.difference)}" for m in group.head(LISTED_MOVES).itertuples()]
            more = f" and {len(group) - LISTED_MOVES} more" if len(group) > LISTED_MOVES else ""
            words.append((known[str(alignment)], list_names(moves) + more))
        own = list(clear[clear["scenario"] == design].itertuples())
        unclear = [
            f"{state_names[m.state]} in “{known[m.alignment]}” {signed(m.difference)}"
            f" ({signed(m.low)} to {signed(m.high)})"
            for m in largest_unclear(states[states["scenario"] == design]).itertuples()
        ]
        listed.append(
            ScenarioDifferences(design, name, own[:LISTED_OUTCOMES], len(own[LISTED_OUTCOMES:]), words, unclear)
        )
    return listed


def explain_outcomes(differing: Sequence[ScenarioDifferences], known: Mapping[str, str]) -> list[tuple[str, str]]:
    """Explain each kind of outcome that is listed, once: its name for readers, and its meaning with unit and range."""
    listed = [str(row.outcome) for scenario in differing for row in scenario.clear]
    terms = {label_outcome(one, known).partition(" of ")[0]: describe_outcome(one) for one in listed}
    return [*terms.items(), *([("priority", PRIORITY)] if "attention" in terms else [])]


def count_assumed_inputs(inputs: Collection[tuple[str, str]]) -> tuple[int, int, int]:
    """Count the inputs that cite an assumption, those without a source, and all."""
    assumed = sum(ASSUMED in (key for key, _ in parse_references(cell)) for _, cell in inputs)
    return assumed, sum(not cell for _, cell in inputs), len(inputs)
