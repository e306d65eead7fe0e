"""Sentences of the first page: the verdict, what joining means, and the size of the bloc."""

from __future__ import annotations

from sim.analysis.statistics import share_interval
from sim.calendar import format_day
from sim.reporting.dated.findings import DatedFindings
from sim.reporting.dated.words import fraction_words, likelihood, rounded, words_apart
from sim.reporting.labels import list_names

CHANGED = 0.005  # of all capability: a change of size that a share of two digits shows

FEW = 30  # histories below which they are counted, and not said in 100

NEIGHBOURS = 1  # steps between two words of likelihood that one word can still sum up


def verdict(found: DatedFindings) -> str:
    """Say in one sentence how likely it is that the first mover joins, with the count and its interval.

    It has no word of likelihood where the interval spans more than two neighbouring words.
    """
    day = format_day(found.days[-1])
    if found.first is None:
        share, low, high, _ = share_interval(0, found.runs)
        what = f"a state joins “{found.bloc}” by {day}"
        counted = f"it happens in none of {found.runs}"
    else:
        share, low, high = (getattr(found.first.chances[-1], name) for name in ("chance", "low", "high"))
        what = f"{found.first.name} joins “{found.bloc}” by {day}"
        counted = f"it does so in {rounded(share)} of 100 histories"
    interval = f"(95 % interval {rounded(low)} to {rounded(high)}{' of 100' if found.first is None else ''})"
    if words_apart([low, share, high]) > NEIGHBOURS:
        runs = f"{found.runs} histories are" if found.runs > 1 else "One history is"
        return f"{runs} too few to say how likely it is that {what}: {counted} {interval}."
    return f"That {what} is {likelihood(share)}: {counted} {interval}."


def meaning_of_joining(found: DatedFindings) -> str:
    """Say what it means that a state joins the bloc."""
    return (
        f"To join means that the state's government prefers siding with “{found.bloc}” to any other bloc and to staying"
        " non-aligned. It needs no treaty, and the state may leave again."
    )


def growth_sentence(found: DatedFindings, bloc: str) -> str:
    """Say in how many histories the bloc with this id is larger or smaller at the end than at the start, or of 100."""
    k = found.tally.design.world.alignments.index(bloc) - 1
    change = found.tally.capability(-1, k) - found.tally.capability(0, k)
    counts = [int((sign * change > CHANGED).sum()) for sign in (1, -1)]
    counts.append(len(change) - sum(counts))
    larger, smaller, same = counts if found.runs < FEW else [rounded(count / len(change)) for count in counts]
    return (
        f"By {format_day(found.days[-1])} “{found.bloc}” is larger than at the start in {larger} of"
        f" {found.runs if found.runs < FEW else 100} histories, smaller in {smaller}, and as large in {same}."
    )


def size_sentence(found: DatedFindings, measure: str) -> str:
    """Say how large the bloc is with and without the first mover, and why this state is asked for first."""
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
            f" {fraction_words(before)} of {measure} on average{sure}. An entry of {name} adds"
            f" {fraction_words(found.share)}. No other entry would add as much, weighed by its chance, so this"
            f" page asks about {name}."
        )
    return (
        f"{start} With {name} it would have {fraction_words(before + found.share)}. No other entry would add as much,"
        f" weighed by its chance, so this page asks about {name}."
    )


def precision_words(found: DatedFindings) -> str:
    """Say how many runs halve the intervals."""
    return f"About {4 * found.runs} runs a scenario halve them."
