"""States in each other's place, such as Russia and the Soviet Union: they have one code in a list of states."""

from __future__ import annotations

import csv
import io
from functools import cache
from importlib.resources import files

CODES = ("cow", "gw")  # of the Correlates of War, and of Gleditsch and Ward


@cache
def listed_states() -> tuple[dict[str, str], ...]:
    """Return the rows of the list of states since 1945 that `blocs import` uses."""
    text = (files("sim") / "data" / "tables" / "crosswalk.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def ids_in_its_place(word: str) -> list[str]:
    """List the ids of the states that have at some time a code of the state that a word means: an id or a name.

    Examples
    --------
    >>> ids_in_its_place("RUS"), ids_in_its_place("Germany")
    (['SUN', 'RUS'], ['DEU', 'FRG'])
    """
    known = {
        (of, row[of])
        for row in listed_states()
        if word.casefold() in (row["id"].casefold(), row["iso"].casefold(), row["name"].casefold())
        for of in CODES
        if row[of]
    }
    return [row["id"] for row in listed_states() if any((of, row[of]) in known for of in CODES)]
