"""The bibliography: sources of all numbers, and whether a reference leads to one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from sim.errors import Fault, InputError, display_path, explain_error, quote, suggest
from sim.scenario.files import MAX_TOML, parse_toml, read_text

ASSUMED = "assumed"

PARAGRAPHS = re.compile(r"§\d{1,4}(,\s*§\d{1,4})*")

LOCATORS = ("§", "p.", "table")


@dataclass(frozen=True)
class Source:
    """One entry of `sources.toml`.

    Attributes
    ----------
    title, authors, year, where, note
        What a list of references shows; only the title is required.
    paragraphs
        Number of the last paragraph, if paragraphs are numbered; 0 otherwise.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    title: str
    authors: str = ""
    year: int | None = None
    where: str = ""
    note: str = ""
    paragraphs: Annotated[int, Field(ge=0)] = 0  # number of the last one, if they are numbered

    def citation(self) -> str:
        """One line for a list of references."""
        year = f"({self.year})" if self.year else ""
        return ". ".join(part for part in (f"{self.authors} {year}".strip(), self.title, self.where) if part)


Bibliography = dict[str, Source]

ENTRIES = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Source])


def read_sources(path: Path) -> Bibliography:
    """Read the bibliography in a file.

    Parameters
    ----------
    path
        A `sources.toml`: one table for each source, with a `title` and optional fields.

    Returns
    -------
    Bibliography
        The sources by their keys.

    Raises
    ------
    InputError
        If the file cannot be read or has faults; it carries every fault.
    """
    return dict(read_entries(path, read_text(path, MAX_TOML)))


@lru_cache(maxsize=8)
def read_entries(path: Path, text: str) -> Bibliography:
    """Parse and validate the text of a bibliography; cached, because every scenario reads it again."""
    content, lines = parse_toml(path, text)
    try:
        return ENTRIES.validate_python(content)
    except ValidationError as error:
        faults = []
        for item in error.errors():
            place = tuple(part for part in item["loc"] if part not in ("Source", "[key]"))
            line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 1)
            message = explain_error(item, Source.__dataclass_fields__)
            faults.append(Fault(display_path(path), line, ".".join(map(str, place)), message))
        raise InputError(faults) from None


def parse_references(cell: str) -> Iterator[tuple[str, str]]:
    """Key and locator of each reference in `article §1, §20; assumed`."""
    for reference in cell.split(";"):
        key, _, locator = reference.strip().partition(" ")
        yield key, locator.strip()


def source_faults(cell: str, note: str, bibliography: Bibliography | None) -> Iterator[str]:
    """Faults of a source cell: an unknown key or paragraph, or an assumption without a reason.

    If the bibliography is None, because it could not be read, only assumptions are checked.
    """
    for key, locator in parse_references(cell):
        if key == ASSUMED and not note.strip():
            yield "an assumed value needs a note with its reason"
        elif bibliography is None:
            continue
        elif key not in bibliography:
            near = suggest(key, bibliography)
            yield f"unknown source {quote(key)}{near}; add it to a sources.toml beside this file"
        elif bibliography[key].paragraphs:
            last = bibliography[key].paragraphs
            numbers = [int(n) for n in re.findall(r"\d+", locator)] if PARAGRAPHS.fullmatch(locator) else [0]
            if min(numbers) < 1 or max(numbers) > last:
                yield f"{quote(cell)} names no paragraph of {key}; give §1 to §{last}"
        elif locator and not locator.startswith(LOCATORS):
            yield f"{quote(locator)} is not a place in {key}; begin it with §, p. or table, and separate sources by `;`"
