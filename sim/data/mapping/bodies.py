"""Institutions and their full members on the day, and the bodies that impose sanctions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sim.data.codes import OPEN, living_states, parse_day, table_rows
from sim.data.mapping.scene import Scene

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Body:
    """An institution on a day.

    Attributes
    ----------
    id, name, cohesion, source, note
        As in the file of a world.
    members
        Codes of its full members in the whole world.
    """

    id: str
    name: str
    cohesion: float
    source: str
    note: str
    members: tuple[int, ...]


class Bodies:
    """Members of institutions and bodies on the day of a scene.

    Parameters
    ----------
    scene
        The day; `choose` is asked once for the dataset of organisations.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.table = {row["id"]: row for row in table_rows("institutions.csv")}
        self.own = table_rows("memberships.csv")
        chosen = scene.choose("organisations")
        self.rows: pd.DataFrame | None = None
        if chosen is not None:
            loaded, self.year = chosen
            rows = loaded.rows[loaded.rows["year"] == self.year].set_index("cow")
            scene.require_rows(loaded, len(rows), self.year)
            self.rows = rows[rows.index.isin(living_states(scene.day))]

    def members(self, name: str) -> dict[int, bool]:
        """Full members of a body on the day, by code; a body that does not exist then has none."""
        row = self.table.get("eec" if name == "eu" and self.scene.day < date(1993, 11, 1) else name)
        if row is None or not is_in_force(row, self.scene.day):
            return {}
        found = dict.fromkeys(self.listed(row["code"]), True)
        for entry in self.own:
            if entry["institution"] == row["id"] and is_in_force(entry, self.scene.day):
                if entry["member"] == "1":
                    found[int(entry["cow"])] = True
                else:
                    found.pop(int(entry["cow"]), None)
        return found

    def listed(self, code: str) -> list[int]:
        """Full members that the dataset lists for a code."""
        if not code or self.rows is None or code not in self.rows:
            return []
        return [int(cow) for cow in self.rows.index[self.rows[code] == 1]]

    def institutions(self) -> list[Body]:
        """Institutions with two members or more among the states of the world."""
        found = []
        missing = []
        for row in self.table.values():
            if row["use"] != "institution" or not is_in_force(row, self.scene.day):
                continue
            members = tuple(self.scene.among(sorted(self.members(row["id"]))))
            if len(members) >= 2:
                found.append(Body(row["id"], row["name"], float(row["cohesion"]), row["source"], row["note"], members))
            else:
                missing.append(row["id"])
        why = "institutions that exist on the day and have two full members in the world"
        self.scene.journal.note(
            "institutions", "cow_igo", len(found) + len(missing), len(found), why, ", ".join(missing)
        )
        return found


def is_in_force(row: dict[str, str], day: date) -> bool:
    """Whether a row of a table with start and end covers a day."""
    return (parse_day(row["start"]) or date.min) <= day <= (parse_day(row["end"]) or OPEN)
