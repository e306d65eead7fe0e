"""Name scenarios: one distinct name for each, made from its file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from sim.errors import Fault, InputError, quote

T = TypeVar("T")

LONGEST = 100

RULE = f"a name is text of 1 to {LONGEST} characters in one line, without ' [' and without blanks at its ends"


def scenario_name(reference: str | Path) -> str:
    """The name of a scenario or world by what it was asked for: its file's or its world folder's."""
    path = Path(reference)
    return path.absolute().parent.name if path.name == "world.toml" else path.name.removesuffix(".toml") or path.name


def is_scenario_name(value: object) -> bool:
    """Whether a value may name a scenario in results; ` [` begins the settings of a design point."""
    text = value if isinstance(value, str) else ""
    return 0 < len(text) <= LONGEST and text.splitlines() == [text] == [text.strip()] and " [" not in text


def name_references(references: Iterable[str | Path]) -> dict[str, str]:
    """Files, names or paths as they were given, by the name that each gets; raises InputError as `distinct` does."""
    given = map(str, references)
    return require_distinct(((scenario_name(one), one, one) for one in given), "rename one of the files")


def require_distinct(given: Iterable[tuple[str, T, str]], remedy: str) -> dict[str, T]:
    """Items by their names, from triples of a name, the item, and where it comes from.

    Raises InputError where two would get one name, with what to do (remedy), or where a name is none.
    """
    found: dict[str, T] = {}
    origins: dict[str, str] = {}
    faults = []
    for name, item, origin in given:
        if name in found:
            faults.append(Fault(origin, 1, "", same_name_message(name, origins[name], origin, remedy)))
        elif not is_scenario_name(name):
            faults.append(Fault(origin, 1, "", f"{quote(name)} cannot name a scenario ({RULE}); {remedy}"))
        found.setdefault(name, item)
        origins.setdefault(name, origin)
    if faults:
        raise InputError(faults)
    return found


def same_name_message(name: str, one: str, other: str, remedy: str) -> str:
    """What is said where two scenarios would get one name."""
    if is_one_file(Path(one), Path(other)):
        return f"is given twice ({one} and {other}); give it once"
    return f"{one} and {other} would both be named {quote(name)}; {remedy}"


def is_one_file(one: Path, other: Path) -> bool:
    """Whether two paths are the same, or lead to one file."""
    return one == other or (one.exists() and other.exists() and one.samefile(other))
