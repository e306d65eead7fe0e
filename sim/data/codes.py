"""Codes of states: one crosswalk of spells, with the state that a code means on a day."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from sim.scenario.checks.codes import listed_states

OPEN = date.max  # end of a spell that has not ended


@dataclass(frozen=True)
class Spell:
    """A state from its first to its last day, with its codes.

    Attributes
    ----------
    id, name, theatre
        As in the files of a world.
    cow, gw, iso
        Codes of the Correlates of War, of Gleditsch and Ward (None if it is not in their list), and of ISO 3166.
    start, end
        First and last day in the list of the Correlates of War; `OPEN` if the spell has not ended.
    gw_start, gw_end
        The same in the list of Gleditsch and Ward.
    """

    id: str
    name: str
    theatre: str
    cow: int
    gw: int | None
    iso: str
    start: date
    end: date
    gw_start: date | None
    gw_end: date

    def lives(self, day: date) -> bool:
        """Whether the state exists on a day."""
        return self.start <= day <= self.end


def table_text(name: str) -> str:
    """Text of a table of this package."""
    return (files("sim.data") / "tables" / name).read_text(encoding="utf-8")


def table_rows(name: str) -> list[dict[str, str]]:
    """Rows of a CSV table of this package."""
    return list(csv.DictReader(io.StringIO(table_text(name))))


def parse_day(text: str) -> date | None:
    """A day, or None for an empty cell."""
    return date.fromisoformat(text) if text else None


@cache
def crosswalk() -> tuple[Spell, ...]:
    """Return all spells since 1945, ordered by code and start."""
    return tuple(
        Spell(
            row["id"], row["name"], row["theatre"], int(row["cow"]), int(row["gw"]) if row["gw"] else None, row["iso"],
            date.fromisoformat(row["start"]), parse_day(row["end"]) or OPEN,
            parse_day(row["gw_start"]), parse_day(row["gw_end"]) or OPEN,
        )
        for row in listed_states()
    )  # fmt: skip


@cache
def known_codes() -> frozenset[int]:
    """Codes of the Correlates of War that some spell has."""
    return frozenset(spell.cow for spell in crosswalk())


def living_states(day: date) -> dict[int, Spell]:
    """Return the states that exist on a day, by their code of the Correlates of War.

    Examples
    --------
    >>> from datetime import date
    >>> living_states(date(1990, 12, 31))[255].id
    'DEU'
    """
    return {spell.cow: spell for spell in crosswalk() if spell.lives(day)}


@cache
def code_on(code: int, day: date) -> int:
    """Return the code that a country has on a day, where a union changed it; the same code for all other states.

    Some datasets keep the code of the part that the union continues, or give the union's code to it in earlier years.

    Examples
    --------
    >>> from datetime import date
    >>> code_on(260, date(1991, 12, 31)), code_on(255, date(1975, 12, 31)), code_on(265, date(1991, 12, 31))
    (255, 260, 265)
    """
    alive = living_states(day)
    if code in alive:
        return code
    countries = {spell.iso for spell in crosswalk() if spell.cow == code}
    return next((other for other, spell in alive.items() if spell.iso in countries), code)


def spell_of_gw(code: int, day: date) -> Spell | None:
    """The state that a code of Gleditsch and Ward means on a day; None if it means none."""
    for spell in crosswalk():
        if spell.gw == code and spell.lives(day):
            return spell
    return None


def spells_of_id(name: str) -> Iterator[Spell]:
    """Spells of an id, or of an ISO code."""
    return (spell for spell in crosswalk() if name in (spell.id, spell.iso))


@cache
def names_of_states() -> dict[str, int]:
    """Code of the Correlates of War by the name that some dataset gives a state, in small letters."""
    found = {row["name"].casefold(): int(row["cow"]) for row in table_rows("names.csv")}
    return {spell.name.casefold(): spell.cow for spell in crosswalk()} | found


@cache
def known_groups() -> dict[str, str]:
    """Group by the name that some dataset gives it, in small letters; empty for a group without a list of states."""
    return {row["name"].casefold(): row["group"] for row in table_rows("groups.csv")}


def split_names(cell: str) -> tuple[list[str], list[str]]:
    """Split a cell of names at the commas between names; a comma may be part of a name, such as Egypt, Arab Rep.

    Parameters
    ----------
    cell
        Names of states and groups.

    Returns
    -------
    (list of str, list of str)
        Known names in small letters, and parts that match no name.
    """
    parts = [part.strip() for part in cell.split(",") if part.strip()]
    known: list[str] = []
    unknown: list[str] = []
    at = 0
    while at < len(parts):
        for upto in range(min(len(parts), at + 4), at, -1):  # the longest name first
            name = ", ".join(parts[at:upto]).casefold()
            if name in names_of_states() or name in known_groups():
                known.append(name)
                at = upto
                break
        else:
            unknown.append(parts[at])
            at += 1
    return known, unknown


def describe_codes(codes: Iterable[int], most: int = 5) -> str:
    """A few codes as text."""
    found = sorted(set(codes))
    return ", ".join(map(str, found[:most])) + (", …" if len(found) > most else "")
