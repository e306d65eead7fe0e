"""What a history says in sentences: each move with its reason, each turning point, and the whole in one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from sim.analysis.history.moves import CIRCUMSTANCE, FOLLOWING, RENEWAL, Move
from sim.analysis.history.others import Condition, OtherHistories
from sim.analysis.history.turning import TurningPoint
from sim.analysis.history.words import (
    Names,
    capital,
    count_words,
    hundredths,
    join_names,
    largest_term,
    main_terms,
    name_place,
    phrase_changes,
    phrase_levels,
    share_words,
    times_words,
)
from sim.model.arrays import Integers
from sim.model.trajectory import Run
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.scenario.shocks import (
    BlocShock,
    Crisis,
    Membership,
    PairShock,
    PolyarchyShock,
    PriorityShock,
    SanctionShock,
    Shock,
    Upheaval,
)

LISTED = 5  # states of a group that are listed one by one

SHOCKS_LISTED = 2


def describe_move(move: Move, names: Names, subject: str = "", *, several: bool = False) -> str:
    """Say what a state does in a move, such as `Mexico joins the US-led bloc`."""
    who = subject or names.state(move.state)
    s = "" if several else "s"
    if move.entered == NON_ALIGNED_ID:
        return f"{who} leave{s} {names.bloc(move.left)}"
    if move.left == NON_ALIGNED_ID:
        return f"{who} join{s} {names.bloc(move.entered)}"
    return f"{who} go{'' if several else 'es'} over from {names.bloc(move.left)} to {names.bloc(move.entered)}"


def describe_reason(move: Move, names: Names, scenario: Scenario, shocks: Collection[Shock] = ()) -> str:
    """Say why a state moved, without the last full stop: what counted most for it, then what set it off."""
    if move.cause == RENEWAL:
        return describe_renewal(move, names, scenario)
    if move.cause == CIRCUMSTANCE:
        return describe_circumstance(move, names, scenario, shocks)
    leaders = names.listed([state for state, _ in move.followed])
    by = phrase_changes(move, main_terms(move.pull()), move.apart, names)
    return f"{counted_most(move, names)}it followed {leaders}{f', for {by}' if by else ''}"


def counted_most(move: Move, names: Names) -> str:
    """Begin a reason with the term that adds most to the advantage of the alignment entered."""
    most = phrase_levels(move, largest_term(move.advantage()), names)
    return f"{most} counted most for the move, and " if most else ""


def describe_renewal(move: Move, names: Names, scenario: Scenario) -> str:
    """Say that a new disposition moved a state, how likely its ties made that, and what spoke for and against."""
    advantage = move.advantage()
    ties = {term: value for term, value in advantage.items() if term != "disposition"}
    sides = [
        f"Most {words} it: {phrase_levels(move, terms, names)}"
        for sign, words in ((1, "for"), (-1, "against"))
        if (terms := main_terms({term: value for term, value in ties.items() if term != "inertia"}, sign))
    ]
    what, fall = "by chance, as at every step here", fall_behind(move, scenario)
    if scenario.dispositions == "kept":
        favours = advantage.get("disposition", 0.0) > 0.0
        leans = "favours the move" if favours else "does not prevent it"
        needed = "without it the state would stay" if sum(ties.values()) <= 0.0 else "its ties lead there too"
        whose = f"{describe_shock(fall, names)}, as the scenario says, and its" if fall else "its"
        said = "" if fall else " (a change of government or doctrine, say)"
        what = f"{whose} disposition was renewed{said}; the new one {leans}, and {needed}"
    odds, draws = "With its ties", "new dispositions" if scenario.dispositions == "kept" else "such draws"
    if fall and fall.toward == move.entered:
        odds = f"The scenario also says that the new government turns to {name_place(move.entered, names)}; else"
    return ". ".join([what, f"{odds}, {hundredths(move.chance)} {draws} lead there", *sides])


def fall_behind(move: Move, scenario: Scenario) -> Upheaval | None:
    """Find the upheaval that renewed the disposition behind a move, the last of its step; None for chance."""
    falls = [shock for shock in scenario.shocks if isinstance(shock, Upheaval) and shock.state == move.state]
    return next((shock for shock in reversed(falls) if shock.step == move.step), None)


def describe_circumstance(move: Move, names: Names, scenario: Scenario, shocks: Collection[Shock]) -> str:
    """Say which circumstances moved a state: what changed, or what counts where it never chose what it left."""
    change = move.change()
    if not change or move.before is None:
        terms = phrase_levels(move, main_terms(move.advantage()), names) or "a tie"
        if move.before is None:
            return f"the scenario adds a bloc to the world as it was; {terms} counted most"
        return f"it had not chosen where it started; {terms} counted most at its first decision"
    if shocks:
        what = f"the circumstances changed ({list_shocks(shocks, names)})"
    elif move.step == 1 and scenario.anchor is not None:
        what = "the scenario changes the circumstances"
    else:
        what = f"the circumstances changed since {names.month(move.since)}"
    return f"{counted_most(move, names)}{what}: {phrase_changes(move, main_terms(change), move.before, names)}"


def list_shocks(shocks: Collection[Shock], names: Names) -> str:
    """Say what the first of several shocks change, and how many more there are."""
    said = [describe_shock(shock, names) for shock in shocks]
    more = len(said) - SHOCKS_LISTED
    return join_names([*said[:SHOCKS_LISTED], *([count_words(more, "more change")] if more > 0 else [])])


def describe_shock(shock: Shock, names: Names) -> str:
    """Say what a shock changes."""
    if isinstance(shock, Crisis):
        return f"a crisis begins ({names.theatres[shock.theatre]})"
    if isinstance(shock, SanctionShock):
        sender, target = select(shock.sender, names), select(shock.target, names)
        if shock.value == 0:
            return f"{sender} lift sanctions on {target}"
        return f"the sanctions of {sender} on {target} become {shock.value:g}"
    if isinstance(shock, PairShock):
        return f"the {shock.kind} of {select(shock.a, names)} and {select(shock.b, names)} becomes {shock.value:g}"
    if isinstance(shock, Membership):
        verb = "joins" if shock.joins else "leaves"
        return f"{names.state(shock.state)} {verb} {names.institutions[shock.institution]}"
    if isinstance(shock, Upheaval):
        return f"the government of {names.state(shock.state)} falls"
    if isinstance(shock, PolyarchyShock):
        return f"the polyarchy of {names.state(shock.state)} becomes {shock.value:g}"
    if isinstance(shock, BlocShock):
        return f"the {shock.setting.replace('_', ' ')} of {names.bloc(shock.bloc)} becomes {shock.value:g}"
    if isinstance(shock, PriorityShock):
        theatre = names.theatres[shock.theatre]
        return f"the priority of {theatre} for {names.bloc(shock.bloc)} becomes {shock.value:g}"
    return f"the parameter {shock.parameter} becomes {shock.value:g}"


def select(selector: str, names: Names) -> str:
    """Name the states that a selector of a shock means."""
    if selector == "*":
        return "all that have one"
    if selector.startswith("@"):
        return f"members of {names.institutions[selector[1:]]}"
    return names.state(selector)


def describe_point(point: TurningPoint, names: Names) -> str:
    """Say what happens at a turning point, in sentences."""
    if point.moves:
        first = point.moves[0]
        subject = names.listed([move.state for move in point.moves])
        said = [describe_move(first, names, subject, several=len(point.moves) > 1)]
    elif point.renewed:
        said = [f"the disposition of {names.state(point.renewed)} is renewed, and it keeps its alignment"]
    else:
        said = [list_shocks(point.shocks, names), "no state moves at this step"]
    return " ".join(f"{capital(sentence)}." for sentence in said)


def describe_effect(point: TurningPoint, names: Names) -> str:
    """Say how the moves of a turning point, followers included, change the size of each bloc."""
    events = {event.bloc: event.rises for event in point.blocs}
    said = []
    for bloc, (start, end) in point.sizes.items():
        if round(start, 2) != round(end, 2) or bloc in events:
            what = f"{names.bloc(bloc)} {'grows' if end > start else 'shrinks'} from {start:.2f} to {end:.2f}"
            notes = {True: ", a tenth or more for the first time", False: ", less than a tenth again", None: ""}
            said.append(f"{what} of all capability{notes[events.get(bloc)]}")
    return join_clauses(said)


def explain_point(point: TurningPoint, names: Names, scenario: Scenario) -> str:
    """Say the main reason of a turning point, in sentences."""
    if point.renewed:
        return f"{capital(hundredths(point.chance))} such renewals leave it there, at its ties."
    if not point.moves:
        return "A change from outside."
    reason = describe_reason(point.moves[0], names, scenario, point.shocks)
    if len(point.moves) > 1:
        return f"For {names.state(point.moves[0].state)}, the largest of them: {reason}."
    return f"{capital(reason)}."


def describe_followers(point: TurningPoint, names: Names) -> str:
    """Say who followed and when; empty where no state did."""
    found = by_step(move for move in point.followers if point.shares(move))
    return join_clauses(
        f"{names.listed([move.state for move in moves])} {at_step(step, point, names)}" for step, moves in found
    )


def describe_reactions(point: TurningPoint, names: Names) -> str:
    """Say who moved elsewhere because of a turning point; empty where no state did."""
    said = []
    for step, moves in by_step(move for move in point.followers if not point.shares(move)):
        ends = dict.fromkeys((move.left, move.entered) for move in moves)
        for end in ends:
            alike = [move for move in moves if (move.left, move.entered) == end]
            subject = names.listed([move.state for move in alike])
            what = describe_move(alike[0], names, subject, several=len(alike) > 1)
            said.append(f"{what} {at_step(step, point, names)}")
    return join_clauses(said)


def by_step(moves: Iterable[Move]) -> list[tuple[int, list[Move]]]:
    """Group moves by step, in the order of time."""
    found: dict[int, list[Move]] = defaultdict(list)
    for move in moves:
        found[move.step].append(move)
    return sorted(found.items())


def at_step(step: int, point: TurningPoint, names: Names) -> str:
    """Say when a follower moved: at the step of the turning point, or by a later date."""
    return f"in the same {names.step if names.dates else 'step'}" if step == point.step else names.when(step)


def join_clauses(clauses: Iterable[str], *, first: bool = True) -> str:
    """Join clauses with semicolons to a sentence, or to its end if not first; empty where there is none."""
    said = "; ".join(clauses)
    return said and f"{capital(said) if first else said}."


def describe_elsewhere(point: TurningPoint, names: Names, others: OtherHistories | None) -> str:
    """Say in how many other histories the states of a turning point do the same; empty where that is not known."""
    if others is None or not others.count or not point.moves:
        return ""
    counts = {move.state: others.alike(move.state, move.left, move.entered) for move in point.moves}
    first, one = point.moves[0], len(counts) == 1
    joins = first.entered != NON_ALIGNED_ID
    verb, bloc = ("join", first.entered) if joins else ("leave", first.left)
    what = f"{verb}{'s' * one} {names.bloc(bloc)}"
    histories = f"{others.count} other histories"
    if one:
        return f"In {counts[first.state]} of {histories} {names.state(first.state)} {what} at some time."
    if len(counts) <= LISTED:
        listed = join_names([f"{names.state(state)} in {count}" for state, count in counts.items()])
        return f"Of {histories}, they {what} too at some time: {listed}."
    low, high = min(counts, key=lambda state: counts[state]), max(counts, key=lambda state: counts[state])
    ends = f"{counts[low]} ({names.state(low)}) to {counts[high]} ({names.state(high)})"
    return f"Each of them {verb}s {names.bloc(bloc)} at some time in {ends} of {histories}."


def sum_up(run: Run, moves: Sequence[Move], names: Names, weights: Mapping[str, float]) -> str:
    """Say in a sentence how many states move in a history, and where they end; weights order the states."""
    span = names.duration(len(run.alignment) - 1)
    if not moves:
        return f"No state changes its alignment in these {span}."
    count = len({move.state for move in moves})
    change = f"change{'s' * (count == 1)} alignment"
    moved, parts = np.flatnonzero(run.alignment[0] != run.alignment[-1]), []
    for k, alignment in enumerate(run.alignments):
        ids = sorted((run.states[i] for i in moved if run.alignment[-1, i] == k), key=lambda id: -weights[id])
        if ids:
            where = "outside the blocs" if alignment == NON_ALIGNED_ID else f"in {names.bloc(alignment)}"
            parts.append(f"{list_largest(ids, names)} end{'s' * (len(ids) == 1)} {where}")
    net = f": {'; '.join(parts)}" if parts else ", and all of them return"
    return f"{capital(count_words(count, 'state'))} of {len(run.states)} {change} in these {span}{net}."


def describe_unchanged(run: Run, names: Names) -> str:
    """Say which blocs no state joins or leaves; empty where every bloc changes."""
    moved = run.alignment[1:] != run.alignment[:-1]
    still = [
        names.bloc(bloc)
        for k, bloc in enumerate(run.alignments)
        if k and not (moved & ((run.alignment[1:] == k) | (run.alignment[:-1] == k))).any()
    ]
    return f"No state joins or leaves {join_names(still)}." if still else ""


def list_largest(ids: Sequence[str], names: Names) -> str:
    """Name states, the first of them where they are many."""
    if len(ids) <= LISTED + 1:
        return names.listed(ids)
    return join_names([*(names.state(id) for id in ids[:LISTED]), f"{count_words(len(ids) - LISTED, 'other')}"])


def describe_condition(condition: Condition, run: Run, names: Names) -> str:
    """Say what a condition asks for, such as `China joins the Anti-US front`."""
    who, alignment = names.state(run.states[condition.state]), run.alignments[condition.alignment]
    if alignment == NON_ALIGNED_ID:
        return f"{who} {'becomes non-aligned' if condition.enters else 'joins a bloc'}"
    return f"{who} {'joins' if condition.enters else 'leaves'} {names.bloc(alignment)}"


def count_causes(moves: Sequence[Move], scenario: Scenario) -> str:
    """Say how many moves each cause has; empty without moves."""
    new = "a new disposition (chance)" if scenario.dispositions == "kept" else "chance"
    words = {RENEWAL: new, CIRCUMSTANCE: "changed circumstances", FOLLOWING: "the move of another state"}
    caused = [
        "a fall of government" if move.cause == RENEWAL and fall_behind(move, scenario) else words[move.cause]
        for move in moves
    ]
    counts = {said: caused.count(said) for said in [*words.values(), "a fall of government"] if said in caused}
    if len(counts) > 1:
        said = [f"{cause} {times_words(count)}" for cause, count in counts.items()]
        return f"Causes of the {count_words(len(moves), 'move')}: {join_names(said)}."
    which = "the move" if len(moves) == 1 else "both moves" if len(moves) == 2 else f"all {len(moves)} moves"
    return f"Cause of {which}: {next(iter(counts))}." if counts else ""


def describe_sizes(run: Run, names: Names) -> str:
    """Say how the share of all capability of each bloc changes from the start to the end."""
    said = []
    for bloc in run.alignments[1:]:
        start, end = (float(share) for share in run.outcome(f"capability_{bloc}")[[0, -1]])
        if round(start, 2) == round(end, 2):
            said.append(f"{names.bloc(bloc)} has {end:.2f} of all capability at the start and at the end")
        else:
            what = "grows" if end > start else "shrinks"
            said.append(f"{names.bloc(bloc)} {what} from {start:.2f} to {end:.2f} of all capability")
    return join_clauses(said)


def compare_with_others(others: OtherHistories, names: Names) -> str:
    """Say how many states move in other histories, and in how many each bloc gains or loses a state."""
    low, middle, high = (int(np.quantile(others.movers, q, method="nearest")) for q in (0.05, 0.5, 0.95))
    blocs = [
        f"{names.bloc(bloc)} gains a state in {others.gained[k]}{most_often(others.enters[:, k], others, names)} and"
        f" loses one in {others.lost[k]}{most_often(others.leaves[:, k], others, names)}"
        for k, bloc in enumerate(others.alignments)
        if k
    ]
    spread = f"{low} to {high} states move" if high > low else f"{count_words(low, 'state')} move{'s' * (low == 1)}"
    return (
        f"In nine of ten other histories {spread}, {middle} in the median. Of {others.count} other histories, no state"
        f" moves in {others.without_moves}; {join_clauses(blocs, first=False)}"
    )


def most_often(counts: Integers, others: OtherHistories, names: Names) -> str:
    """Say in brackets which state moves so in the most histories; empty where none does."""
    i = int(counts.argmax())
    return f" ({names.state(others.states[i])} in {counts[i]})" if counts[i] else ""


def describe_size(start: float, end: float) -> str:
    """Say what share of all capability a bloc has at the end, and how that differs from the start."""
    if round(start, 2) == round(end, 2):
        return f"{share_words(end)} of all capability, as at the start"
    return f"{share_words(end)} of all capability, {'up' if end > start else 'down'} from {start:.2f} at the start"
