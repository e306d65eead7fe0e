"""Name scenarios: a distinct name for each, from the name of its file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from sim.errors import Fault, InputError, quote

T = TypeVar("T")

LONGEST = 100

RULE = f"a name is text of 1 to {LONGEST} characters in one line, without ' [' and without blanks at its ends"


def scenario_name(reference: str | Path) -> str:
    """Name of a scenario or world, from a name or path: that of its file or of the world's folder."""
    path = Path(reference)
    return path.absolute().parent.name if path.name == "world.toml" else path.name.removesuffix(".toml") or path.name


def is_scenario_name(value: object) -> bool:
    """Whether results may use a value as the name of a scenario; ` [` begins the settings of a design point."""
    text = value if isinstance(value, str) else ""
    return 0 < len(text) <= LONGEST and text.splitlines() == [text] == [text.strip()] and " [" not in text


def name_references(references: Iterable[str | Path]) -> dict[str, str]:
    """Map each scenario name to the name or path given for it; raises InputError if two names are equal."""
    texts = map(str, references)
    return require_distinct(((scenario_name(text), text, text) for text in texts), "rename one of the files")


def require_distinct(named: Iterable[tuple[str, T, str]], remedy: str) -> dict[str, T]:
    """Map names to items, from triples of a name, an item and its origin.

    Raises InputError with every name that is not valid or that two items share; `remedy` says what to do.
    """
    items: dict[str, T] = {}
    origins: dict[str, str] = {}
    faults = []
    for name, item, origin in named:
        if name in items:
            faults.append(Fault(origin, 1, "", same_name_message(name, origins[name], origin, remedy)))
        elif not is_scenario_name(name):
            faults.append(Fault(origin, 1, "", f"{quote(name)} cannot name a scenario ({RULE}); {remedy}"))
        items.setdefault(name, item)
        origins.setdefault(name, origin)
    if faults:
        raise InputError(faults)
    return items


def same_name_message(name: str, one: str, other: str, remedy: str) -> str:
    """Message for two scenarios with the same name."""
    if is_one_file(Path(one), Path(other)):
        return f"is given twice ({one} and {other}); give it once"
    return f"{one} and {other} would both be named {quote(name)}; {remedy}"


def is_one_file(one: Path, other: Path) -> bool:
    """Whether two paths are equal or lead to the same file."""
    return one == other or (one.exists() and other.exists() and one.samefile(other))
