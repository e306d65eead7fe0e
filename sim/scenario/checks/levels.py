"""Resolve the named levels of ties: the number that the world's scale gives (docs/coding.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sim.errors import PathInFile, quote, suggest
from sim.scenario.checks.references import draft_items
from sim.scenario.files import Draft
from sim.scenario.schema import Scenario

LEVEL = re.compile(r"[a-z][a-z0-9_]{0,39}")  # a name in place of a number

LISTS = ("ties", "shocks")


def resolve_levels(draft: Draft) -> None:
    """Replace each level of a tie or shock by its number, and note the level."""
    given = draft.content.get("scales")
    scales = given if isinstance(given, dict) else {}
    for name in LISTS:
        for n, entry in draft_items(draft.content, name):
            if "level" in entry:
                draft.faults.append(draft.fault((name, n, "level"), "write the level in place of the value"))
            value, scale = entry.get("value"), scales.get(str(entry.get("kind")))
            if not isinstance(value, str):
                continue
            if isinstance(scale, dict) and (LEVEL.fullmatch(value) or value.lower() in scale):
                number = level_value(scale.get(value))
                if number is None:
                    message = f"{quote(value)} is not a level of the {entry['kind']} scale{suggest(value, scale)}"
                    draft.faults.append(draft.fault((name, n, "value"), f"{message}; it has {', '.join(scale)}"))
                draft.content[name][n] = {**entry, "value": 0.0 if number is None else number, "level": value}


def level_value(given: Any) -> float | None:
    """Return the number of a level as a file gives it; None where it gives none."""
    number = given.get("value") if isinstance(given, Mapping) else given
    return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None


def idle_levels(scenario: Scenario) -> Iterator[tuple[PathInFile, str]]:
    """Path and message of each level that no tie or shock has."""
    used = {(entry.kind, getattr(entry, "level", "")) for entry in (*scenario.ties, *scenario.shocks)}
    for kind, scale in scenario.scales.items():
        for level in scale:
            if (kind, level) not in used:
                yield ("scales", kind, level), f"no {kind} has this level, so it changes nothing"
