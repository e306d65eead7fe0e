"""The ties behind a move, as coded and as shocks left them: bonds with the bloc entered and elsewhere, sanctions."""

from __future__ import annotations

from collections.abc import Iterable

from sim.analysis.history.moves import Move
from sim.analysis.history.words import Names, join_names
from sim.model.trajectory import Run
from sim.model.world import select_pairs
from sim.scenario.schema import NON_ALIGNED_ID, Scenario, Tie
from sim.scenario.shocks import PairShock, SanctionShock
from sim.scenario.ties import make_tie_key, tie_key

# A bond weighs its level times the capability of the other state, so that a partnership may weigh more than a pact.
HEADINGS = {
    "strongest_bond": "Bond there that weighs most (its level times the partner's capability)",
    "stronger_bond_elsewhere": "Bond elsewhere that weighs more than any there",
    "sanctions": "Sanctions on it",
}

SENDERS = 3  # sanction senders that are named, the heaviest first


def with_ties_at(scenario: Scenario, step: int) -> Scenario:
    """Return a scenario whose ties are as the shocks until a step left them; drift of ties is not in it."""
    shocks = [one for one in scenario.shocks if isinstance(one, (PairShock, SanctionShock)) and one.step <= step]
    if not shocks:
        return scenario
    ids = [*scenario.states]
    index = {state: place for place, state in enumerate(ids)}
    ties = {tie_key(tie): tie for tie in scenario.ties}
    for shock in sorted(shocks, key=lambda one: one.step):
        ends = (shock.sender, shock.target) if isinstance(shock, SanctionShock) else (shock.a, shock.b)
        changed = {"value": shock.value, "level": shock.level, "source": shock.source, "note": shock.note}
        for i, j, existing in select_pairs(*ends, scenario, index):
            key = make_tie_key(shock.kind, ids[i], ids[j])
            before = ties.get(key) or Tie(kind=shock.kind, a=key[1], b=key[2], value=0)
            if before.value or not existing:
                ties[key] = before.model_copy(update=changed)
    return scenario.model_copy(update={"ties": (*ties.values(),)})


def describe_bond_there(move: Move, run: Run, scenario: Scenario, names: Names) -> str:
    """Say the coded bond with the bloc entered that counts most; empty where the state leaves or has none there."""
    found = heaviest(tie for tie in bonds_of(move.state, scenario) if place_of(tie[0], move, run) == move.entered)
    return f"{describe_bond(found, names)}." if found and move.entered != NON_ALIGNED_ID else ""


def describe_bond_elsewhere(move: Move, run: Run, scenario: Scenario, names: Names) -> str:
    """Say the coded bond with a state elsewhere, where it counts more than any with the bloc entered; else empty."""
    found = heaviest(bonds_of(move.state, scenario))
    if not found:
        return ""
    place = place_of(found[0], move, run)
    if place == move.entered:
        return ""
    where = (
        "which is outside the blocs and so draws it to none"
        if place == NON_ALIGNED_ID
        else f"which is in {names.bloc(place)}"
    )
    return f"{describe_bond(found, names)}, {where}."


def describe_sanctions(move: Move, scenario: Scenario, names: Names) -> str:
    """Say who sanctions a mover and how much, from 0 to 1, with the reason of the first; empty where no state does."""
    found = sorted(
        (tie for tie in scenario.ties if tie.kind == "sanction" and tie.b == move.state and tie.value > 0),
        key=lambda tie: -tie.value * scenario.states[tie.a].capability.value,
    )
    if not found:
        return ""
    said = [
        f"{names.state(tie.a)} ({tie.value:g} on a scale to 1{f'; {tie.note}' * bool(tie.note)})" for tie in found[:1]
    ]
    said += [f"{names.state(tie.a)} ({tie.value:g})" for tie in found[1:SENDERS]]
    more = len(found) - SENDERS
    return f"by {join_names([*said, *([f'{more} more'] if more > 0 else [])])}."


def bonds_of(state: str, scenario: Scenario) -> Iterable[tuple[str, Tie, float]]:
    """Yield the other state of each coded bond, the tie, and its value times the capability of the other."""
    for tie in scenario.ties:
        if tie.kind == "bond" and state in (tie.a, tie.b) and tie.value > 0:
            other = tie.b if tie.a == state else tie.a
            yield other, tie, tie.value * scenario.states[other].capability.value


def heaviest(bonds: Iterable[tuple[str, Tie, float]]) -> tuple[str, Tie, float] | None:
    """Return the bond that counts most; None where there is none."""
    return max(bonds, key=lambda bond: bond[2], default=None)


def place_of(state: str, move: Move, run: Run) -> str:
    """Alignment of a state at the end of the step of a move."""
    return run.alignments[run.alignment[move.step, run.states.index(state)]]


def describe_bond(bond: tuple[str, Tie, float], names: Names) -> str:
    """Say a bond: the other state, the coded level, and the reason of the coding."""
    other, tie, _ = bond
    said = "; ".join(part for part in (tie.level or f"{tie.value:g}", tie.note) if part)
    return f"{names.state(other)} ({said})"
