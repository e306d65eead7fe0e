"""Sentences of the first page: the verdict, what joining means, and the size of the bloc."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sim.analysis.statistics import share_interval
from sim.calendar import format_day
from sim.reporting.dated.findings import VERBS, DatedFindings, Mover
from sim.reporting.dated.words import fraction_words, likelihood, rounded, words_apart
from sim.reporting.labels import list_names

FEW = 30  # histories below which they are counted, and not said in 100

NEIGHBOURS = 1  # steps between two words of likelihood that one word can still sum up


def verdict(found: DatedFindings) -> str:
    """Say in one sentence how likely it is that the state asked about moves, with the count and its interval.

    It has no word of likelihood where the interval spans more than two neighbouring words.
    """
    day = format_day(found.days[-1])
    if found.first is None:
        share, low, high, _ = share_interval(0, found.runs)
        what = f"a state joins “{found.bloc}” by {day}"
        counted = f"it happens in none of {found.runs}"
    else:
        share, low, high = (getattr(found.first.chances[-1], name) for name in ("chance", "low", "high"))
        what = f"{found.first.name} {VERBS[found.event][0]} “{found.bloc}” by {day}"
        counted = f"it does so in {rounded(share)} of 100 histories" if share else (
            f"it does so in none of {found.first.chances[-1].n} histories"
        )  # fmt: skip
    interval = f"(95 % interval {rounded(low)} to {rounded(high)}{'' if share else ' of 100'})"
    if words_apart([low, share, high]) > NEIGHBOURS:
        runs = f"{found.runs} histories are" if found.runs > 1 else "One history is"
        return f"{runs} too few to say how likely it is that {what}: {counted} {interval}."
    return f"That {what} is {likelihood(share)}: {counted} {interval}."


def meaning_of_event(found: DatedFindings) -> str:
    """Say what it means that a state joins or leaves the bloc, and which histories count; empty without a state."""
    if found.first is None:
        return ""
    if found.event == "exit":
        return (
            f"To leave means that the state's government prefers another bloc, or staying non-aligned, to siding with"
            f" “{found.bloc}”. The state may come back."
        )
    n = found.first.chances[-1].n
    counted = f" Only the {n} histories in which it starts elsewhere count." if n < found.runs else ""
    return (
        f"To join means that the state's government prefers siding with “{found.bloc}” to any other bloc and to staying"
        f" non-aligned. It needs no treaty, and the state may leave again.{counted}"
    )


def chance_over_time(found: DatedFindings, mover: Mover) -> str:
    """Say how the chance that a state has joined or left changes from the first date to the last."""
    first, last = (rounded(mover.chances[n].chance) for n in (0, -1))
    start, end = (format_day(found.days[n]) for n in (0, -1))
    over = f"grows from {first} of 100 by {start} to {last} of 100 by {end}"
    if first == last:
        over = f"stays at {last} of 100 from {start} to {end}" if start != end else f"is {last} of 100 by {end}"
    return f"The chance that {mover.name} has {VERBS[found.event][1]} {over}"


def growth_sentence(found: DatedFindings, bloc: str) -> str:
    """Say in how many histories the bloc with this id is larger or smaller at the end than at the start, or as large.

    Sizes are compared as whole numbers of their smallest unit, so that every change counts.
    """
    k = found.tally.design.world.alignments.index(bloc) - 1
    start, end = (found.tally.quanta[date, k, : found.runs] for date in (0, -1))
    counts = [int(one.sum()) for one in (end > start, end < start, end == start)]
    return f"By {format_day(found.days[-1])} “{found.bloc}” is {words_of_growth(counts)}."


def words_of_growth(counts: Sequence[int]) -> str:
    """Say in how many histories of 100, or of all if they are few, a bloc is larger, smaller and as large.

    Where the printed numbers do not add up, the most frequent of the three is said as the others.
    """
    runs = sum(counts)
    of = runs if runs < FEW else 100
    numbers = [str(count) if runs < FEW else rounded(count / runs) for count in counts]
    kinds = list(zip(("larger", "smaller", "as large"), numbers, strict=True))
    if sum(map(Decimal, numbers)) != of:
        kind, _ = kinds.pop(counts.index(max(counts)))
        kinds.append((kind, "the others"))
    (first, number), (second, another), (third, rest) = kinds
    return f"{first} than at the start in {number} of {of} histories, {second} in {another}, and {third} in {rest}"


def size_sentence(found: DatedFindings, measure: str) -> str:
    """Say how large the bloc is with and without the state asked about, and which entry would add most."""
    if found.first is None:
        return ""
    before, name = found.sizes[0][1], found.first.name
    start = f"At the start the bloc is {list_names(found.members)}, with {fraction_words(before)} of {measure}."
    if not found.members:
        start = "At the start the bloc has no members."
    if found.drawn:
        sure = f", among which are always {list_names(found.members)}" if found.members else ""
        return (
            f"Each run draws where {found.drawn} of these states start. At the start the bloc has"
            f" {fraction_words(before)} of {measure} on average{sure}. {name} has {fraction_words(found.share)}."
            f" {why_asked(found, name)}"
        )
    preposition, after = found.with_or_without(before)
    words = fraction_words(after) if fraction_words(after) != fraction_words(before) else "about as much"
    return f"{start} {preposition.capitalize()} {name} it would have {words}. {why_asked(found, name)}"


def why_asked(found: DatedFindings, name: str) -> str:
    """Say why the page asks about the state of this name, or which entry would add more."""
    if found.first == found.adds_most:
        return f"No other entry would add as much, weighed by its chance, so this page asks about {name}."
    if found.adds_most is None:
        return f"This page was asked for about {name}; no state joins in these histories."
    most = found.adds_most.name
    return f"This page was asked for about {name}; weighed by its chance, an entry of {most} would add most."


def precision_words(found: DatedFindings) -> str:
    """Say how many runs halve the intervals."""
    return f"About {4 * found.runs} runs a scenario halve them."
