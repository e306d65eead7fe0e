"""What each scenario clearly changes, over all states and blocs, the largest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sim.analysis.compare import Sample, interval_words
from sim.reporting import figures
from sim.reporting.chapters.asked import scenario_at
from sim.reporting.dated.findings import ROLES, VERBS, DatedFindings
from sim.reporting.dated.words import rounded, rounded_apart
from sim.reporting.labels import list_names

NAMED, NAMED_BESIDE = 3, 2  # states on the first page, of the scenario asked for and of each other one

MOST_LISTED = 5  # scenarios on the first page

LISTED_UNCLEAR = 4

MOST_LISTED_OF_MANY = 3  # the same where more scenarios would not leave the page on one sheet

MOST_QUIET, QUIET_LETTERS = 4, 160  # names of scenarios without a clear change


@dataclass(frozen=True)
class LargestChange:
    """The largest clear change, as the parts of a sentence: its verb, what changes, and from where to where."""

    verb: str
    what: str
    change: str


@dataclass(frozen=True)
class ClearChanges:
    """What one scenario clearly changes.

    Parameters
    ----------
    design, name, role
        Label, title and role of the scenario.
    states
        The largest clear changes of how often a state is in a bloc, in words, at most NAMED.
    count
        Number of all such changes.
    sizes
        Clear changes of the mean size of a bloc, in words.
    largest
        Size of the largest change of a state, 0 to 1.
    unclear
        The largest other changes, which may be chance, in words.
    lead
        The largest clear change: of a state, else of the size of a bloc; None where nothing clearly changes.
    joins
        The clear change of how often the state asked about has joined or left by then, in a sentence; empty without
        one. It is tested apart from the others.
    """

    design: str
    name: str
    role: str
    states: tuple[str, ...]
    count: int
    sizes: tuple[str, ...]
    largest: float
    unclear: tuple[str, ...] = ()
    lead: LargestChange | None = None
    joins: str = ""

    def answer(self, name: str, when: str) -> str:
        """Say what the scenario of this name changes most, with the interval; else what it changes of joining."""
        if self.lead is None:
            none = f"“{name}” makes no clear change of where any state is {when}, or of the size of any bloc."
            return f"{none} {self.joins}".rstrip()
        return f"“{name}” {self.lead.verb} {self.lead.what} {when} {self.lead.change}."

    def others(self) -> str:
        """Say the other clear changes in one sentence; empty without any."""
        sizes = self.sizes if self.states else self.sizes[1:]
        return replace(self, states=self.states[1:], count=max(self.count - 1, 0), sizes=sizes).sentence()

    def sentence(self, most: int = NAMED) -> str:
        """Say the changes in one sentence, with at most so many states; empty where nothing clearly changes."""
        named = self.states[:most]
        left = self.count - len(named)
        more = f" and {left} more" if left else ""
        parts = [f"{'; '.join(named)}{more}"] if named else []
        parts += [f"share of capability: {list_names(self.sizes)}"] if self.sizes else []
        return ". ".join(part[:1].upper() + part[1:] for part in parts) + "." if parts else ""


def largest_first(rows: pd.DataFrame) -> pd.DataFrame:
    """Order rows of a comparison by the size of the difference, the largest first."""
    return rows.reindex(rows["difference"].abs().sort_values(ascending=False, kind="stable").index)


def clear_changes(states: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Select the clear changes of how often a state is in a bloc, the largest first: rows of `compare_states`."""
    rows = states[(states["scenario"] == scenario) & (states["alignment"] != "non_aligned")]
    rows = rows[rows["clear"].astype(bool)]
    return largest_first(rows)


def clear_sizes(outcomes: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Select the clear changes of the mean size of a bloc, the largest first: rows of `compare_outcomes`."""
    rows = outcomes[(outcomes["scenario"] == scenario) & outcomes["clear"].astype(bool)]
    rows = rows[rows["outcome"].astype(str).map(is_bloc).astype(bool)]
    return largest_first(rows)


def largest_unclear(states: pd.DataFrame) -> pd.DataFrame:
    """Select the largest changes of a bloc's share that are not clear but whose own interval leaves out 0."""
    alone = states[~states["clear"] & (states["low"] * states["high"] > 0) & (states["alignment"] != "non_aligned")]
    return largest_first(alone)[:LISTED_UNCLEAR]


def find_changes(
    found: Sample, outcomes: pd.DataFrame, states: pd.DataFrame, names: Mapping[str, str], known: Mapping[str, str],
    first: str | None = None, *, runs_word: str = "runs", dated: DatedFindings | None = None,
) -> list[ClearChanges]:  # fmt: skip
    """Find what each scenario clearly changes.

    Parameters
    ----------
    found
        The finished runs.
    outcomes, states
        Tables of `compare_outcomes` and `compare_states`.
    names
        Title of each design, the baseline first.
    known
        Names of the alignments, by id.
    first
        Label of the scenario that comes first, if any.
    runs_word
        What a run is called.
    dated
        What the first page says of the histories, if they have dates.

    Returns
    -------
    list of ClearChanges
        In the order of the roles, then of the largest change.
    """
    state_names, joins = figures.state_names(found), words_of_joining(dated, names)
    listed = []
    for design in list(names)[1:]:
        rows = clear_changes(states, design)
        said = [words_of_state(row, state_names, known) for row in rows.head(NAMED).itertuples()]
        sizes = clear_sizes(outcomes, design)
        own = [words_of_size(row, known) for row in sizes.itertuples()]
        leads = [
            *(lead_of_state(row, state_names, known, runs_word) for row in rows.head(1).itertuples()),
            *(lead_of_size(row, known) for row in sizes.head(1).itertuples()),
            None,
        ]
        largest = float(rows["difference"].abs().max()) if len(rows) else 0.0
        role = str(found.scenarios[design].get("role", ""))
        unclear = [
            words_of_state(row, state_names, known)
            for row in largest_unclear(states[states["scenario"] == design]).head(NAMED_BESIDE).itertuples()
        ]
        listed.append(
            ClearChanges(
                design,
                names[design],
                role,
                tuple(said),
                len(rows),
                tuple(own),
                largest,
                tuple(unclear),
                leads[0],
                joins.get(design, ""),
            )
        )
    return sorted(listed, key=lambda one: (one.design != first, list(ROLES).index(one.role), -one.largest))


def is_bloc(outcome: str) -> bool:
    """Whether an outcome is the capability of a bloc."""
    return outcome.startswith("capability_") and outcome != "capability_non_aligned"


def words_of_state(row: Any, states: Mapping[str, str], known: Mapping[str, str]) -> str:
    """Say how often a state is in a bloc, in the baseline and in the scenario, with the interval of the change."""
    interval = interval_of_change(row)
    before, after = rounded_apart(row.baseline_mean, row.mean)
    return f"{states[row.state]} in “{known[row.alignment]}” {before} → {after} ({interval})"


def interval_of_change(row: Any) -> str:
    """Say the interval of a change in hundredths, or why there is none."""
    if row.low == row.low:
        return f"{rounded(row.low, signed=True)} to {rounded(row.high, signed=True)}"
    return interval_words(row)


def lead_of_state(row: Any, states: Mapping[str, str], known: Mapping[str, str], runs_word: str) -> LargestChange:
    """Say how a scenario changes how often a state is in a bloc: a row of `compare_states`."""
    what = f"how often {states[row.state]} is in “{known[row.alignment]}”"
    return LargestChange(verb_of(row), what, words_of_change(row, f"of 100 {runs_word}"))


def lead_of_size(row: Any, known: Mapping[str, str]) -> LargestChange:
    """Say how a scenario changes the mean size of a bloc: a row of `compare_outcomes`."""
    what = f"the mean share of “{known[str(row.outcome).removeprefix('capability_')]}” in the capability"
    return LargestChange(verb_of(row), what, words_of_change(row, "%"))


def verb_of(row: Any) -> str:
    """Name the direction of a change."""
    return "raises" if row.difference > 0 else "lowers"


def words_of_change(row: Any, unit: str) -> str:
    """Say a change from the baseline with its interval."""
    interval = interval_of_change(row)
    points = " points" if unit == "%" else ""
    counted = f"95 % interval of the change {interval}{points}" if row.low == row.low else interval
    before, after = rounded_apart(row.baseline_mean, row.mean)
    return f"from {before} to {after} {unit} ({counted})"


def words_of_size(row: Any, known: Mapping[str, str]) -> str:
    """Say a bloc's mean share of the capability in both, with the interval of the change in percentage points."""
    bloc = known[str(row.outcome).removeprefix("capability_")]
    points = " points" if row.low == row.low else ""
    before, after = rounded_apart(row.baseline_mean, row.mean)
    return f"“{bloc}” {before} → {after} % ({interval_of_change(row)}{points})"


def words_of_joining(dated: DatedFindings | None, designs: Collection[str]) -> dict[str, str]:
    """Say in a sentence each clear change of how often the state asked about has joined or left, by design."""
    if dated is None or dated.first is None:
        return {}
    event = f"how often {dated.first.name} has {VERBS[dated.event][1]} “{dated.bloc}” at least once by then"
    said: dict[str, str] = {}
    for one in dated.effects:
        if not one.clear:
            continue
        before, after = rounded_apart(one.before, one.chance)
        over = "Over the settings of the sweep it" if one.together else "It"
        span = f"{rounded(one.low, signed=True)} to {rounded(one.high, signed=True)}"
        change = f"from {before} to {after} of 100 histories (95 % interval of the change {span})"
        sentence = f"{over} {verb_of(one)} {event}, {change}."
        said |= {
            design: sentence for design in designs if one.scenario in (design, one.together and scenario_at(design))
        }
    return said


def quiet_words(changes: Sequence[ClearChanges], event: str) -> str:
    """Name the scenarios that clearly change no state's place and no bloc's size; empty without any.

    `event` is what those of them with a clear change of joining change, such as "how often China joins".
    """
    quiet = [one for one in changes if not one.sentence()]
    if not quiet:
        return ""
    where = "No clear change of where any state is, or of the size of any bloc"
    said = f"{where}: {list_quiet([one.name for one in quiet])}."
    joined = [one.name for one in quiet if one.joins]
    change = "changes" if len(joined) == 1 else "change"
    return f"{said} Of these, {list_quiet(joined)} clearly {change} {event}." if joined else said


def list_quiet(names: Sequence[str]) -> str:
    """List the first of some names, at least one, and count the others."""
    shown = next(n for n in range(MOST_QUIET, 0, -1) if n == 1 or sum(map(len, names[:n])) <= QUIET_LETTERS)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{list_names(names[:shown])}{more}"
