"""What all rules of mapping share: the day, the states of the world, the journal, and the year of each dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from sim.data.codes import Spell, code_on
from sim.data.folder import DataFolder, LoadedRows
from sim.data.journal import Journal
from sim.errors import Fault, InputError

SCALES: dict[str, dict[str, tuple[float, str]]] = {
    "bond": {
        "pact": (0.9, "the strongest bond of two states that stay two: an attack on one binds the other"),
        "partnership": (0.35, "half of wartime support: it costs much to replace, and binds neither to fight"),
        "consultation": (0.2, "a promise to talk, or aid that can be replaced within years"),
        "paper": (0.1, "a text that could be invoked, which few plan to do"),
        "nominal": (0.03, "a declaration of two states; more than strangers, but no weight in a decision"),
    },
    "rivalry": {
        "strategic": (1.0, "each sees in the other a competitor and a source of threats"),
        "clashes": (0.7, "deaths in a dispute of the last five years, or war, without a rivalry on the list"),
        "dispute": (0.4, "force used by both sides in the last five years, without deaths"),
    },
    "sanction": {
        "comprehensive": (1.0, "an embargo on trade or a blockade"),
        "sectoral": (0.7, "a partial embargo, frozen assets, or both exports and imports restricted"),
        "targeted": (0.3, "one measure: aid, travel, one direction of trade, or an agreement suspended"),
    },
}  # named levels, each with its number and its reason


class TieRow(NamedTuple):
    """A row of `ties.csv`."""

    a: str
    b: str
    kind: str
    value: str
    regime: str
    source: str
    note: str


@dataclass
class Scene:
    """A day, the states of the world on it, and the folder that the rest comes from.

    Attributes
    ----------
    folder, day, carry
        As asked for.
    year
        Year whose 31 December is the last on or before the day: yearly data are those of this year.
    states
        States of the world by their code.
    journal
        Rules applied.
    used
        Datasets that gave something, by id.
    stamps
        What the world's file says about itself, such as data carried forward.
    years
        Year that was read of each role.
    renamed
        Datasets with codes that the journal has as those of another day.
    """

    folder: DataFolder
    day: date
    carry: bool
    journal: Journal = field(default_factory=Journal)
    states: dict[int, Spell] = field(default_factory=dict)
    used: dict[str, LoadedRows] = field(default_factory=dict)
    stamps: list[str] = field(default_factory=list)
    years: dict[str, int] = field(default_factory=dict, repr=False)
    renamed: set[tuple[str, int]] = field(default_factory=set, repr=False)

    @property
    def year(self) -> int:
        """Year of yearly data."""
        return self.day.year if (self.day.month, self.day.day) == (12, 31) else self.day.year - 1

    def id(self, code: int) -> str:
        """Id of a state of the world."""
        return self.states[code].id

    def pair(self, a: int, b: int) -> tuple[str, str]:
        """Ids of two states in alphabetical order."""
        one, other = sorted((self.id(a), self.id(b)))
        return one, other

    def code_of(self, code: int, source: str) -> int:
        """Code on the day of a country that a dataset lists, and a note in the journal where a union changed it."""
        found = code_on(int(code), self.day)
        if found != code and found in self.states and (source, int(code)) not in self.renamed:
            self.renamed.add((source, int(code)))
            why = f"a union changed the code of this country; on {self.day} it is that of {self.id(found)}"
            self.journal.note("code of the day", source, 1, 1, why, f"{int(code)} is read as {found}")
        return found

    def among(self, codes: Iterable[int]) -> list[int]:
        """Codes that are states of the world."""
        return [code for code in codes if code in self.states]

    def pick(self, role: str) -> LoadedRows | None:
        """The preferred dataset of a role that covers the year, or else the one that ends last; None without any."""
        found = self.folder.of_role(role)
        covering = [one for one in found if one.first <= self.year <= one.last]
        return covering[0] if covering else max(found, key=lambda one: one.last, default=None)

    def require_spans(self, roles: Iterable[str]) -> None:
        """Load the datasets of roles; raises InputError with the faults of all, and with those that miss the year."""
        faults: list[Fault] = []
        for role in roles:
            try:
                best = self.pick(role)
                if best is not None and not best.first <= self.year <= best.last:
                    faults += self.span_faults(best)
            except InputError as error:
                faults += error.faults
        if faults:
            raise InputError(faults)

    def span_faults(self, loaded: LoadedRows) -> Iterator[Fault]:
        """Faults of a dataset that does not cover the year, unless it can be carried forward."""
        covers = f"covers {loaded.first} to {loaded.last}, not {self.year}"
        if self.year < loaded.first:
            yield Fault(loaded.file, 1, "year", f"{covers}; take it out of the folder, or choose a later year")
        elif not self.carry:
            message = f"{covers}; --carry carries {loaded.last} forward, and says so in the world's file"
            yield Fault(loaded.file, 1, "year", message)

    def choose(self, role: str) -> tuple[LoadedRows, int] | None:
        """Choose the dataset of a role, and the year to read in it; None if the folder has none.

        Raises InputError where none covers the year and `carry` is off, or where the year is before all of them.
        """
        best = self.pick(role)
        if best is None:
            return None
        found = self.folder.of_role(role)
        year = self.year if best.first <= self.year <= best.last else self.carried_year(best)
        for entry in best.journal.entries if best.dataset.id not in self.used else ():
            self.journal.entries.append(entry)
        others = [one.dataset.id for one in found if one is not best]
        if others:
            why = f"covers {best.first} to {best.last}; {', '.join(others)} of the same role is not used"
            self.journal.note("one dataset chosen", best.dataset.id, len(found), 1, why)
        self.used[best.dataset.id] = best
        self.years[role] = year
        return best, year

    def carried_year(self, loaded: LoadedRows) -> int:
        """Last year of a dataset that ends before the year; raises InputError unless carrying is on."""
        if faults := list(self.span_faults(loaded)):
            raise InputError(faults)
        covers = f"covers {loaded.first} to {loaded.last}, not {self.year}"
        stamp = f"{loaded.dataset.title}: carried forward from {loaded.last}"
        self.stamps.append(stamp)
        self.journal.note("carried forward", loaded.dataset.id, 1, 1, f"{covers}; {loaded.last} is carried forward")
        return loaded.last

    def require_rows(self, loaded: LoadedRows, count: int, year: int) -> None:
        """Refuse a year without rows in a dataset that covers it."""
        if not count:
            message = f"has no row for {year}, although it covers {loaded.first} to {loaded.last}; download it again"
            raise InputError([Fault(loaded.file, 1, "year", message)])
