"""The one bibliography: where every number comes from, and whether a reference resolves."""

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
    """One entry of `sources.toml`."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    title: str
    authors: str = ""
    year: int | None = None
    where: str = ""
    note: str = ""
    paragraphs: Annotated[int, Field(ge=0)] = 0  # of a text whose paragraphs are numbered

    def citation(self) -> str:
        """One line for a list of references."""
        year = f"({self.year})" if self.year else ""
        return ". ".join(part for part in (f"{self.authors} {year}".strip(), self.title, self.where) if part)


Bibliography = dict[str, Source]

ENTRIES = TypeAdapter(dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Source])


def read_sources(path: Path) -> Bibliography:
    """The bibliography in a file; raises InputError with every fault."""
    return dict(read_entries(path, read_text(path, MAX_TOML)))


@lru_cache(maxsize=8)
def read_entries(path: Path, text: str) -> Bibliography:
    """The bibliography in the text of a file: every scenario asks for it anew, and it takes a while to read."""
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


def source_faults(cell: str, note: str, bibliography: Bibliography) -> Iterator[str]:
    """What is wrong with a source cell: an unknown key, a paragraph that is not there, no reason given."""
    for key, locator in parse_references(cell):
        if key not in bibliography:
            near = suggest(key, bibliography)
            yield f"unknown source {quote(key)}{near}; add it to a sources.toml beside this file"
        elif key == ASSUMED and not note.strip():
            yield "an assumed value needs a note with its reason"
        elif bibliography[key].paragraphs:
            last = bibliography[key].paragraphs
            numbers = [int(n) for n in re.findall(r"\d+", locator)] if PARAGRAPHS.fullmatch(locator) else [0]
            if min(numbers) < 1 or max(numbers) > last:
                yield f"{quote(cell)} names no paragraph of {key}; give §1 to §{last}"
        elif locator and not locator.startswith(LOCATORS):
            yield f"{quote(locator)} is no place in {key}; begin it with §, p. or table, and part sources by `;`"
