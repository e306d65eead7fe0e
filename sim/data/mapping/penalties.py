"""Sanctions in force on the day: their senders, of bodies too, their level, and what an unknown end means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sim.data.adapters.sanctions import EUROPEAN_UNION
from sim.data.codes import table_rows
from sim.data.folder import LoadedRows
from sim.data.mapping.bodies import is_in_force
from sim.data.mapping.scene import SCALES, Scene, TieRow

TYPICAL = 2  # years that a sanction with an unknown end lasts: the median of those with a known one (TIES 4)

BY_TABLE = frozenset({"un", "oas"})
# Bodies whose part in a case does not mean that their members impose it; a table has their sanctions.

Members = Callable[[str], Mapping[int, bool]]


class Imposed(NamedTuple):
    """The strongest sanction of a sender on a target."""

    value: float
    level: str
    regime: str
    source: str
    note: str


class Sanctions:
    """Sanctions between the states of a world; a stronger one replaces a weaker one.

    Parameters
    ----------
    scene
        The day and the states.
    members
        Members of a body by its id.
    blocs
        Blocs by the codes of their leaders: a sanction that a leader takes part in belongs to its regime.
    """

    def __init__(self, scene: Scene, members: Members, blocs: Mapping[int, str]) -> None:
        self.scene, self.members, self.blocs = scene, members, blocs
        self.found: dict[tuple[int, int], Imposed] = {}

    def impose(self, senders: Mapping[int, str], targets: Iterable[int], level: str, source: str) -> None:
        """Add the sanctions of a case, given the note of each sender."""
        senders = {self.scene.code_of(code, source): note for code, note in senders.items()}
        targets = [self.scene.code_of(code, source) for code in targets]
        regimes = [bloc for leader, bloc in self.blocs.items() if leader in senders]
        regime = regimes[0] if len(regimes) == 1 else ""
        for sender in self.scene.among(senders):
            imposed = Imposed(SCALES["sanction"][level][0], level, regime, source, senders[sender])
            for target in self.scene.among(targets):
                before = self.found.get((sender, target))
                if sender != target and (before is None or imposed.value > before.value):
                    self.found[sender, target] = imposed

    def members_of(self, bodies: Iterable[str]) -> set[int]:
        """Full members of bodies on the day."""
        return {code for body in bodies for code, full in self.members(body).items() if full}

    def rows(self) -> list[TieRow]:
        """Rows of `ties.csv`."""
        name = self.scene.id
        return [
            TieRow(name(sender), name(target), "sanction", one.level, one.regime, one.source, one.note)
            for (sender, target), one in sorted(self.found.items())
        ]  # fmt: skip


def map_sanctions(scene: Scene, members: Members, blocs: Mapping[int, str]) -> list[TieRow]:
    """Map sanctions to rows of ties.

    Parameters
    ----------
    scene
        The day and the states.
    members
        Members of a body by its id; True for full members.
    blocs
        Blocs by the codes of their leaders.

    Returns
    -------
    list of TieRow
        The strongest sanction of each sender and target.
    """
    sanctions = Sanctions(scene, members, blocs)
    add_body_regimes(sanctions)
    chosen = scene.choose("sanctions")
    if chosen is not None:
        add_cases(sanctions, chosen[0])
    return sanctions.rows()


def add_body_regimes(sanctions: Sanctions) -> None:
    """Add mandatory sanctions of the Security Council and others of the project's table."""
    rows = table_rows("regimes.csv")
    active = [row for row in rows if is_in_force(row, sanctions.scene.day)]
    for row in active:
        senders = dict.fromkeys(sanctions.members_of([row["body"]]), row["note"])
        sanctions.impose(senders, [int(row["target"])], row["level"], row["source"])
    why = "mandatory sanctions bind all members of the body; the project's table has them, with their resolutions"
    sanctions.scene.journal.note("sanctions of bodies", "regimes", len(rows), len(active), why)


def add_cases(sanctions: Sanctions, loaded: LoadedRows) -> None:
    """Add the cases of a dataset that are in force on the day."""
    scene, source, cases = sanctions.scene, loaded.dataset.id, loaded.rows
    last = date(loaded.last, 12, 31)
    reasons = [in_force(case, scene.day, last) for case in cases.itertuples()]
    active = cases[[reason != "" for reason in reasons]]
    counts = {reason: reasons.count(reason) for reason in ("known", "seen", "carried", "typical")}
    why = (
        f"in force on {scene.day}: {counts['known']} by a known end, {counts['seen']} last seen going on that day or"
        f" later, {counts['carried']} last seen going at the end of the dataset, {counts['typical']} without any end,"
        f" which count for {TYPICAL} years; a blank end does not mean that a sanction goes on"
    )
    scene.journal.note("sanctions of the day", source, len(cases), len(active), why)
    without = 0
    for case in active.itertuples():
        senders = note_senders(
            case, {body: sanctions.members_of([body]) for body in case.bodies if body not in BY_TABLE}
        )
        targets = sanctions.members_of([case.target]) if isinstance(case.target, str) else {case.target}
        if EUROPEAN_UNION in targets:
            targets = sanctions.members_of(["eu"])
        without += not senders
        sanctions.impose(senders, targets, case.level, source)
    why = (
        "senders are the states named and the members of the European Union, NATO and the Arab League where these"
        " impose; a case that only names the United Nations or the OAS is left to the table of their sanctions"
    )
    scene.journal.note("senders", source, len(active), len(active) - without, why)


def note_senders(case: Any, members: Mapping[str, Iterable[int]]) -> dict[int, str]:
    """Note of each sender of a case: a state that the dataset lists, or a member of a body that imposes it."""
    since = f"line {case.line}, since {case.start.year}"
    found = {code: f"{since}, as a member of {body}" for body, codes in members.items() for code in codes}
    beside = f", by {', '.join(case.bodies)}; the dataset lists this state as a sender too" if case.bodies else ""
    return {**found, **dict.fromkeys(case.senders, f"{since}{beside}")}


def in_force(case: Any, day: date, last: date) -> str:
    """Why a case counts as in force on a day; empty if it does not."""
    if case.start > day:
        return ""
    if case.end is not None and case.end == case.end:
        return "known" if case.end > day else ""
    if case.seen is not None and case.seen == case.seen:
        if day <= case.seen:
            return "seen"
        return "carried" if case.seen >= last else ""
    return "typical" if day < date(case.start.year + TYPICAL, case.start.month, min(case.start.day, 28)) else ""
