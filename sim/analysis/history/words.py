"""Words for what a state weighs: terms of utility, shares, times and lists of names."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from sim.analysis.history.moves import Move
from sim.analysis.history.retrace import WEIGHED
from sim.calendar import MONTHS, ROUND
from sim.model.arrays import Floats
from sim.scenario.schema import NON_ALIGNED_ID


class Names(NamedTuple):
    """How a history names its states, alignments and steps.

    Parameters
    ----------
    states, alignments, theatres, institutions
        Names for readers by id.
    dates
        End date of each step from 0 on; none in rounds.
    step
        Length of a step: `round`, `month`, `quarter` or `year`.
    """

    states: Mapping[str, str]
    alignments: Mapping[str, str]
    theatres: Mapping[str, str]
    institutions: Mapping[str, str]
    dates: tuple[str, ...]
    step: str

    def state(self, id: str) -> str:
        """Name of a state in a sentence."""
        name = self.states[id]
        return f"the {name}" if name.startswith("United ") or name in PLURAL else name

    def listed(self, ids: Collection[str]) -> str:
        """Names of states in a sentence."""
        return join_names([self.state(id) for id in ids])

    def bloc(self, id: str) -> str:
        """Name of a bloc in a sentence; one that ends in a common noun has an article."""
        name = self.alignments[id]
        if name.startswith("The "):
            return f"the {name[4:]}"
        return f"the {name}" if name.split()[-1][:1].islower() else name

    def when(self, step: int) -> str:
        """End of a step, such as `by April 2026`, or `in step 10` in rounds."""
        return f"by {self.month(step)}" if self.dates else f"in step {step}"

    def month(self, step: int) -> str:
        """Month in which a step ends, or the step in rounds; step 0 is the start."""
        if not self.dates:
            return f"step {step}" if step else "the start"
        day = date.fromisoformat(self.dates[step])
        return f"{calendar.month_name[day.month]} {day.year}"

    def duration(self, steps: int) -> str:
        """Length of a number of steps, such as `ten years`."""
        if self.step == ROUND or not self.dates:
            return count_words(steps, "step")
        months = MONTHS[self.step] * steps
        return count_words(months, "month") if months % 12 else count_words(months // 12, "year")


PLURAL = ("Netherlands", "Philippines")  # states whose names have an article

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def count_words(count: int, noun: str) -> str:
    """A number with its noun, in words up to twelve."""
    number = NUMBERS[count] if 0 <= count < len(NUMBERS) else str(count)
    return f"{number} {noun}{'' if count == 1 else 's'}"


def times_words(count: int) -> str:
    """How often something happens, in words up to twelve."""
    return {1: "once", 2: "twice"}.get(count, count_words(count, "time"))


def join_names(names: Collection[str]) -> str:
    """Join names with commas and `and`; with semicolons if a name has a comma."""
    *first, last = names
    sign = ";" if any("," in name for name in names) else ","
    return f"{f'{sign} '.join(first)} and {last}" if first else last


def capital(text: str) -> str:
    """A sentence with its first letter in upper case."""
    return text[:1].upper() + text[1:]


FRACTIONS = (
    (0.05, "a twentieth"), (0.1, "a tenth"), (0.125, "an eighth"), (1 / 6, "a sixth"), (0.2, "a fifth"),
    (0.25, "a quarter"), (0.3, "three tenths"), (1 / 3, "a third"), (0.4, "two fifths"), (0.5, "half"),
    (0.6, "three fifths"), (2 / 3, "two thirds"), (0.75, "three quarters"), (0.8, "four fifths"), (0.9, "nine tenths"),
)  # fmt: skip


def share_words(share: float) -> str:
    """A share of the whole in words and as a number, such as `a third (0.33)`."""
    number = f"({share:.2f})"
    if share < 0.0005:
        return "nothing"
    if share < 0.005:
        return "less than a hundredth"
    if share < 0.04:
        return f"a small part {number}"
    if share > 0.97:
        return f"all {number}" if share > 0.9995 else f"almost all {number}"
    value, words = min(FRACTIONS, key=lambda pair: abs(pair[0] - share))
    if abs(value - share) < 0.005:
        return f"{words} {number}"
    near = "about" if abs(value - share) < 0.015 else "more than" if share > value else "less than"
    return f"{near} {words} {number}"


def hundredths(chance: float) -> str:
    """A chance as a number of a hundred."""
    count = round(100 * chance)
    if count == 0:
        return "fewer than 1 of 100"
    return "more than 99 of 100" if count == 100 and chance < 1 else f"{count} of 100"


class Phrase(NamedTuple):
    """Words for a term of the utility of an alignment; {bloc} is its name."""

    level: str  # what it is, where its value is positive or has one sign only
    more: str  # what has changed where it is greater than before
    less: str
    negative: str = ""  # what it is where its value is negative


PHRASES = {
    "propensity": Phrase(
        "affinity with {bloc}", "more affinity with {bloc}", "less affinity with {bloc}", "enmity with {bloc}"
    ),
    "bond": Phrase("bonds with {bloc}", "stronger bonds with {bloc}", "weaker bonds with {bloc}"),
    "institution": Phrase(
        "institutions shared with {bloc}", "more institutions shared with {bloc}",
        "fewer institutions shared with {bloc}",
    ),
    "likeness": Phrase(
        "regimes like its own in {bloc}", "more regimes like its own in {bloc}", "fewer regimes like its own in {bloc}",
        "regimes unlike its own in {bloc}",
    ),
    "hostility": Phrase(
        "hostility with {bloc}", "less hostility with {bloc}", "more hostility with {bloc}", "hostility with {bloc}"
    ),
    "balance": Phrase(
        "protection in {bloc} from those that threaten it", "more protection in {bloc} from those that threaten it",
        "less protection in {bloc} from those that threaten it",
    ),
    "trade": Phrase("trade with {bloc}", "more trade with {bloc}", "less trade with {bloc}"),
    "shelter": Phrase(
        "markets of {bloc} that the sanctions on it leave open",
        "more markets of {bloc} that the sanctions on it leave open",
        "fewer markets of {bloc} that the sanctions on it leave open",
    ),
    "accommodation": Phrase(
        "the coexistence that {bloc} offers", "more coexistence offered by {bloc}", "less coexistence offered by {bloc}"
    ),
    "pressure": Phrase(
        "pressure on members of {bloc}", "less pressure on members of {bloc}", "more pressure on members of {bloc}",
        "pressure on members of {bloc}",
    ),
    "autonomy": Phrase(
        "the worth of staying outside the blocs", "a greater worth of staying outside the blocs",
        "a smaller worth of staying outside the blocs",
    ),
    "hedging": Phrase(
        "bonds with members of any bloc, kept by staying outside",
        "stronger bonds with members of any bloc, kept by staying outside",
        "weaker bonds with members of any bloc, kept by staying outside",
    ),
    "inertia": Phrase("the cost of a change", "a higher cost of a change", "a lower cost of a change"),
    "disposition": Phrase(
        "its disposition", "a greater weight of its disposition", "a smaller weight of its disposition",
        "its disposition",
    ),
}  # fmt: skip


def phrase_levels(move: Move, terms: Iterable[str], names: Names) -> str:
    """Words for terms in which the two alignments of a move differ; a bloc is named once."""
    said = []
    known: set[str] = set()
    for term in terms:
        left, entered = move.weighed[:, WEIGHED.index(term)].tolist()
        own, bloc = (entered, move.entered) if abs(entered) >= abs(left) else (left, move.left)
        phrase = PHRASES[term]
        words = phrase.negative or phrase.level if own < 0 else phrase.level
        said.append(words.format(bloc="it" if bloc in known else name_place(bloc, names)))
        known |= {bloc} if "{bloc}" in words else set()
    return join_names(said) if said else ""


def phrase_changes(move: Move, terms: Iterable[str], base: Floats, names: Names) -> str:
    """Words for terms whose difference has changed since the two alignments had the values of base, (2, WEIGHED)."""
    said = []
    known: set[str] = set()
    for term in terms:
        left, entered = (move.weighed - base)[:, WEIGHED.index(term)].tolist()
        bloc, rise = (move.entered, entered) if abs(entered) >= abs(left) else (move.left, left)
        phrase = PHRASES[term].more if rise > 0 else PHRASES[term].less
        said.append(phrase.format(bloc="it" if bloc in known else name_place(bloc, names)))
        known |= {bloc} if "{bloc}" in phrase else set()
    return join_names(said) if said else ""


def name_place(alignment: str, names: Names) -> str:
    """Name of a bloc, or of the states outside the blocs."""
    return "the non-aligned" if alignment == NON_ALIGNED_ID else names.bloc(alignment)


def main_terms(terms: Mapping[str, float], sign: int = 1) -> list[str]:
    """Up to two terms that make up most of what points one way, the largest first: each at least a quarter of it."""
    same = {term: value * sign for term, value in terms.items() if value * sign > 0}
    total = sum(same.values())
    return [term for term in sorted(same, key=lambda term: -same[term]) if same[term] >= total / 4][:2]


def largest_term(terms: Mapping[str, float], sign: int = 1) -> list[str]:
    """Term that points most to one way, as a list; empty where none does."""
    same = {term: value * sign for term, value in terms.items() if value * sign > 0}
    return [max(same, key=lambda term: same[term])] if same else []
