"""Expand selectors in ties, merge ties, later ones over earlier ones, and date sanctions back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from sim.scenario.schema import TIE_KINDS, Institution, Scenario, Tie, parse_steps

TieKey = tuple[str, str, str]  # kind, a, b


def tie_key(tie: Tie) -> TieKey:
    """Identity of a tie: its kind and two ends, in alphabetical order if the kind has no direction."""
    return make_tie_key(tie.kind, tie.a, tie.b)


def make_tie_key(kind: str, a: str, b: str) -> TieKey:
    """Identity of a tie of this kind between these ends; only a sanction has a direction."""
    return (kind, a, b) if kind == "sanction" or a <= b else (kind, b, a)


def place_of_tie(tie: Tie) -> str:
    """Name the place of a tie in a list of changes, such as `ties.sanction USA→CHN`."""
    return f"ties.{tie.kind} {tie.a}{'→' if tie.kind == 'sanction' else '–'}{tie.b}"


def expand_ties(ties: Iterable[Tie], institutions: Mapping[str, Institution]) -> tuple[Tie, ...]:
    """Expand selectors, let later ties replace earlier ones, leave out ties of 0, and sort.

    `@institution` means its members. `*` means every state that already has a tie of this kind with the other end.
    """
    return place_ties(ties, institutions)[0]


def place_ties(ties: Iterable[Tie], institutions: Mapping[str, Institution]) -> tuple[tuple[Tie, ...], list[int]]:
    """Expand ties as `expand_ties` does, and find the indices of those that change nothing.

    A tie changes nothing if its value is 0 or an end is `*`, and no earlier tie matches it.
    """
    found: dict[TieKey, Tie] = {}
    idle = []
    for n, tie in enumerate(ties):
        two = names_two_states(tie)
        matched = [tie_key(tie)] if two else [*matching_ties(tie, found, institutions)]
        if not any(tie.value != 0 or key in found for key in matched):
            idle.append(n)
        for key in matched:
            if tie.value == 0:
                found.pop(key, None)  # so that a later `*` does not meet it
            elif two and tie.a == key[1]:
                found[key] = tie  # copying half a million ties takes seconds
            else:
                old = found.get(key) if "*" in (tie.a, tie.b) and not tie.regime else None
                regime = old.regime if old else tie.regime
                found[key] = tie.model_copy(update={"a": key[1], "b": key[2], "regime": regime})
    by_kind: dict[str, list[TieKey]] = {kind: [] for kind in TIE_KINDS}
    for key in found:
        by_kind[key[0]].append(key)
    return tuple(found[key] for keys in by_kind.values() for key in sorted(keys)), idle


def names_two_states(tie: Tie) -> bool:
    """Whether both ends are states and not selectors, as in nearly all ties."""
    return tie.a != tie.b and tie.a[0] not in "@*" and tie.b[0] not in "@*"


def matching_ties(tie: Tie, found: Mapping[TieKey, Tie], institutions: Mapping[str, Institution]) -> Iterator[TieKey]:
    """Keys of the ties that a tie with selectors sets."""
    ends = [select_states(end, institutions) for end in (tie.a, tie.b)]
    if None in ends:
        for kind, a, b in found:
            turns = [(a, b)] if tie.kind == "sanction" else [(a, b), (b, a)]
            if kind == tie.kind and any(all(e is None or x in e for e, x in zip(ends, t, strict=True)) for t in turns):
                yield kind, a, b
        return
    for a in ends[0] or ():
        for b in ends[1] or ():
            if a != b:
                yield make_tie_key(tie.kind, a, b)


def select_states(selector: str, institutions: Mapping[str, Institution]) -> tuple[str, ...] | None:
    """States that a selector names; None for `*`, any state."""
    if selector == "*":
        return None
    return institutions[selector[1:]].members if selector.startswith("@") else (selector,)


def strength_before(tie: Tie, day: date) -> float:
    """Strength of a sanction on the eve of a day, in [0, 1]; as coded if the sanction has no dates."""
    steps = parse_steps(tie.since)
    earlier = [strength for since, strength in steps if since < day]
    if not steps:
        return tie.value
    return (tie.value if earlier[-1] is None else earlier[-1]) if earlier else 0.0


def sanctions_before(scenario: Scenario, day: date) -> Scenario:
    """Set each sanction to its strength before a day.

    Parameters
    ----------
    scenario
        A scenario with dated sanctions; it stays as it is.
    day
        The day; strengths are those on its eve.

    Returns
    -------
    Scenario
        A copy without the sanctions that began later. Sanctions that ended before the scenario's own day have
        no row, so they are missing too.
    """
    kept = (
        tie if tie.kind != "sanction" else tie.model_copy(update={"value": strength_before(tie, day)})
        for tie in scenario.ties
    )
    return scenario.model_copy(update={"ties": tuple(tie for tie in kept if tie.value != 0)})
