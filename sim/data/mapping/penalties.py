"""Sanctions in force on the day: their senders, of bodies too, their level, and what an unknown end means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sim.data.mapping.scene import SCALES, Scene, TieRow

TYPICAL = 2  # years that a sanction with an unknown end lasts: the median of those with a known one (TIES 4)


def map_sanctions(scene: Scene, members: Callable[[str], Mapping[int, bool]], blocs: Mapping[int, str]) -> list[TieRow]:
    """Map sanctions to rows of ties.

    Parameters
    ----------
    scene
        The day and the states.
    members
        Members of a body by its id; True for full members.
    blocs
        Blocs by the codes of their leaders: a sanction that a leader takes part in belongs to its regime.

    Returns
    -------
    list of TieRow
        The strongest sanction of each sender and target.
    """
    chosen = scene.choose("sanctions")
    if chosen is None:
        return []
    loaded = chosen[0]
    source, cases = loaded.dataset.id, loaded.rows
    begun = cases[[start <= scene.day for start in cases["start"]]]
    if begun.empty:
        return []
    last = date(loaded.last, 12, 31)
    reasons = [in_force(case, scene.day, last) for case in begun.itertuples()]
    active = begun[[reason != "" for reason in reasons]]
    counts = {reason: reasons.count(reason) for reason in ("known", "seen", "carried", "typical")}
    why = (
        f"in force on {scene.day}: {counts['known']} by a known end, {counts['seen']} last seen going on that day or"
        f" later, {counts['carried']} last seen going at the end of the dataset, {counts['typical']} without any end,"
        f" which count for {TYPICAL} years; a blank end does not mean that a sanction goes on"
    )
    scene.journal.note("sanctions of the day", source, len(cases), len(active), why)
    found: dict[tuple[int, int], tuple[float, str, str, str]] = {}
    without = 0
    for case in active.itertuples():
        senders = {*case.senders}
        for body in case.bodies:
            senders |= {code for code, full in members(body).items() if full}
        targets = (
            [case.target] if isinstance(case.target, int) else [c for c, full in members(case.target).items() if full]
        )
        if case.target == 1000:
            targets = [code for code, full in members("eu").items() if full]
        without += not senders
        regimes = [bloc for leader, bloc in blocs.items() if leader in senders]
        regime = regimes[0] if len(regimes) == 1 else ""
        value = SCALES["sanction"][case.level][0]
        note = f"line {case.line}, since {case.start.year}"
        note += f", by {', '.join(case.bodies)}" if case.bodies else ""
        for sender in scene.among(senders):
            for target in scene.among(targets):
                if sender != target and value > found.get((sender, target), (0.0,))[0]:
                    found[sender, target] = value, case.level, regime, note
    why = "named senders, and the members of bodies that impose; cases without either are dropped"
    scene.journal.note("senders", source, len(active), len(active) - without, why, f"{len(found)} pairs of the world")
    return [
        TieRow(scene.id(sender), scene.id(target), "sanction", level, regime, source, note)
        for (sender, target), (_, level, regime, note) in sorted(found.items())
    ]  # fmt: skip


def in_force(case: Any, day: date, last: date) -> str:
    """Why a case that has begun counts as in force on a day; empty if it does not."""
    if case.end is not None and case.end == case.end:
        return "known" if case.end > day else ""
    if case.seen is not None and case.seen == case.seen:
        if day <= case.seen:
            return "seen"
        return "carried" if case.seen >= last else ""
    until = date(case.start.year + TYPICAL, 12, 31)
    return "typical" if day < until else ""
