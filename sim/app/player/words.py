"""Why a state is where it is at each step: a sentence, and what speaks for its choice and against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.analysis.history.moves import Move
from sim.analysis.history.retrace import WEIGHED
from sim.analysis.history.words import Names, capital, largest_term, main_terms, name_place, phrase_levels
from sim.analysis.states.accounts import DISPOSITION, SMALLEST, Account, Decision
from sim.scenario.schema import NON_ALIGNED_ID

MOST_BARS = 6  # terms of a decision

CERTAIN = 0.995  # chance from which an alternative is not worth a number


def reasons_by_step(
    decisions: Sequence[Decision], state: str, names: Names, moves: Sequence[Move] = ()
) -> list[dict[str, Any]]:
    """Describe where a state is at each step from 0, and why, as data for JSON: words and bars.

    Moves of the history add whom the state followed.
    """
    start = f"{capital(names.state(state))} starts here. Its first decision is in the first step."
    found = [{"words": start, "against": "", "bars": []}, *(describe_reason_now(one, names) for one in decisions)]
    for move in moves:
        if move.state == state and move.followed:
            leaders = names.listed([other for other, _ in move.followed])
            found[move.step]["words"] += f" It followed {leaders}: without that it would have stayed."
    return found


def describe_reason_now(decision: Decision, names: Names) -> dict[str, Any]:
    """Describe a decision: what the state does, whether its ties or chance decided, and the terms as bars."""
    who = capital(names.state(decision.state))
    if decision.fixed:
        return {"words": f"{who} is fixed {place_words(decision.choice, names)} and never decides.", "bars": []}
    move = as_move(decision)
    return {
        "words": " ".join(
            [f"{who} {act_words(decision, names)}{odds_words(decision, names)}.", *side_words(move, names)]
        ),
        "against": f"{capital(name_place(move.entered, names))} against {name_place(move.left, names)}",
        "between": (move.entered, move.left),
        "bars": list_bars(move, names),
    }


def list_bars(move: Move, names: Names) -> list[tuple[str, float, bool]]:
    """List the terms that weigh most, and the sum of all others: words, value, and whether it is the disposition."""
    terms = sorted(move.advantage().items(), key=lambda pair: -abs(pair[1]))
    shown = [(term, value) for term, value in terms[:MOST_BARS] if abs(value) >= SMALLEST]
    rest = sum(value for _, value in terms) - sum(value for _, value in shown)
    bars = [
        (capital(phrase_levels(move, [term], names)), round(value, 3), term == DISPOSITION) for term, value in shown
    ]
    return [*bars, ("Everything else", round(rest, 3), False)] if abs(rest) >= SMALLEST else bars


def as_move(decision: Decision) -> Move:
    """Write a decision as a move from the best other alignment to the one chosen, so that it has the words of moves."""
    account = compared(decision)
    options = np.zeros((len(account.alignments), len(WEIGHED)))
    options[:, [WEIGHED.index(name) for name in account.names]] = account.terms
    pair = options[[account.second, account.first]]
    return Move(
        step=decision.step, state=decision.state, left=account.runner_up, entered=decision.choice, cause="",
        chance=float(account.chances[account.first]), weighed=pair, since=0, before=None, apart=pair, followed=(),
        options=options,
    )  # fmt: skip


def compared(decision: Decision) -> Account:
    """The account of what was chosen against the best other alignment: the likeliest where dispositions are fresh."""
    return decision.weighed if decision.disposition is not None else chosen_first(decision)


def chosen_first(decision: Decision) -> Account:
    """Return the account of a decision: the choice against the most likely alternative."""
    account = decision.account
    chosen = account.alignments.index(decision.choice)
    other = account.second if account.first == chosen else account.first
    return replace(account, first=chosen, second=other)


def act_words(decision: Decision, names: Names) -> str:
    """Say what a state does."""
    if decision.choice == decision.held:
        return f"stays {place_words(decision.choice, names)}"
    if decision.choice == NON_ALIGNED_ID:
        return f"leaves {names.bloc(decision.held)}"
    if decision.held == NON_ALIGNED_ID:
        return f"joins {names.bloc(decision.choice)}"
    return f"goes over to {names.bloc(decision.choice)}"


def odds_words(decision: Decision, names: Names) -> str:
    """Say whether its ties make that likely: of 100 states with the same ties, how many would choose it."""
    account = decision.account
    own = float(account.chances[account.alignments.index(decision.choice)])
    rest = [k for k, name in enumerate(account.alignments) if name != decision.choice]
    best = max(rest, key=lambda k: account.chances[k])
    other = float(account.chances[best])
    if own > CERTAIN:
        return ", as nearly all states with its ties would"
    pair = f"{100 * max(own, other):.0f} to {100 * min(own, other):.0f}"
    if round(100 * own) == round(100 * other):
        return f", which its ties make about as likely as {place_words(account.alignments[best], names)}"
    if own > other:
        return f", which its ties make likelier than {place_words(account.alignments[best], names)}, {pair}"
    why = "its own leanings decided" if decision.disposition is not None else "chance decided"
    return f" although {place_words(account.alignments[best], names)} was likelier at its ties, {pair}: {why}"


def side_words(move: Move, names: Names) -> list[str]:
    """Say what speaks most for its choice and against it: the term that weighs most first, then its ties."""
    every = move.advantage()
    ties = {term: value for term, value in every.items() if term not in (DISPOSITION, "inertia")}
    said = []
    for sign, head in ((1, "For it"), (-1, "Against it")):
        terms = list(dict.fromkeys([*largest_term(every, sign), *main_terms(ties, sign)]))
        if terms:
            said.append(f"{head}: {phrase_levels(move, terms, names)}.")
    return said


def place_words(alignment: str, names: Names) -> str:
    """Say where a state is."""
    return "outside the blocs" if alignment == NON_ALIGNED_ID else f"in {names.bloc(alignment)}"
