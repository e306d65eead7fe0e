"""Expand selectors in ties and merge ties, later ones over earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sim.scenario.schema import TIE_KINDS, Institution, Tie

TieKey = tuple[str, str, str]  # kind, a, b


def tie_key(tie: Tie) -> TieKey:
    """Identity of a tie: its kind and two ends, in alphabetical order if the kind has no direction."""
    return make_tie_key(tie.kind, tie.a, tie.b)


def make_tie_key(kind: str, a: str, b: str) -> TieKey:
    """Identity of a tie of this kind between these ends; only a sanction has a direction."""
    return (kind, a, b) if kind == "sanction" or a <= b else (kind, b, a)


def expand_ties(ties: Iterable[Tie], institutions: Mapping[str, Institution]) -> tuple[Tie, ...]:
    """Expand selectors, let later ties replace earlier ones, leave out ties of 0, and sort.

    `@institution` means its members. `*` means every state that already has a tie of this kind with the other end.
    """
    return place_ties(ties, institutions)[0]


def place_ties(ties: Iterable[Tie], institutions: Mapping[str, Institution]) -> tuple[tuple[Tie, ...], list[int]]:
    """Expand ties as `expand_ties` does, and find the indices of those that change nothing.

    A tie changes nothing if its value is 0 or an end is `*`, and no earlier tie matches it.
    """
    kept: dict[TieKey, Tie] = {}
    idle = []
    for n, tie in enumerate(ties):
        if names_two_states(tie):
            key = make_tie_key(tie.kind, tie.a, tie.b)
            if tie.value == 0 and not exists(kept, key):
                idle.append(n)
            as_is = tie.a == key[1]  # copying half a million ties takes seconds
            kept[key] = tie if as_is else tie.model_copy(update={"a": key[1], "b": key[2]})
            continue
        matched = list(matching_ties(tie, kept, institutions))
        if not any(tie.value != 0 or exists(kept, key) for key in matched):
            idle.append(n)
        for key in matched:
            old = kept.get(key) if "*" in (tie.a, tie.b) and not tie.regime else None
            regime = old.regime if old else tie.regime
            kept[key] = tie.model_copy(update={"a": key[1], "b": key[2], "regime": regime})
    by_kind: dict[str, list[TieKey]] = {kind: [] for kind in TIE_KINDS}
    for key, tie in kept.items():
        if tie.value != 0:
            by_kind[key[0]].append(key)
    return tuple(kept[key] for keys in by_kind.values() for key in sorted(keys)), idle


def exists(ties: Mapping[TieKey, Tie], key: TieKey) -> bool:
    """Whether there is a tie with this key and a value other than 0."""
    return key in ties and ties[key].value != 0


def names_two_states(tie: Tie) -> bool:
    """Whether both ends are states and not selectors, as in nearly all ties."""
    return tie.a != tie.b and tie.a[0] not in "@*" and tie.b[0] not in "@*"


def matching_ties(tie: Tie, kept: Mapping[TieKey, Tie], institutions: Mapping[str, Institution]) -> Iterator[TieKey]:
    """Keys of the ties that a tie with selectors sets."""
    ends = [select_states(end, institutions) for end in (tie.a, tie.b)]
    if None in ends:
        for kind, a, b in kept:
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
