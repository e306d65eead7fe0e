"""Describe a validation error of a scenario in one sentence, and where its file gives the field."""

from __future__ import annotations

from functools import cache
from typing import Any

from sim.errors import PathInFile, explain_error, quote, suggest
from sim.scenario.schema import scenario_json_schema


def error_path(loc: tuple[str | int, ...]) -> PathInFile:
    """Path of a validation error without the names of alternatives that pydantic adds."""
    parts = list(loc)
    if parts[:1] == ["shocks"] and len(parts) > 2:
        del parts[2]
    if parts[:2] == ["sweep", "vary"]:
        del parts[3:]
    return tuple(part for part in parts if part != "[key]")


def describe_error(error: Any, *, near: bool = True) -> str:
    """One sentence for a validation error of a scenario, with a similar known key if `near`."""
    if error["loc"][:2] == ("sweep", "vary") and len(error["loc"]) > 3:
        return "give finite numbers such as [0, 0.5, 1] or { start = 0, stop = 1, points = 3 }, points from 2 to 10000"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        kinds = error["ctx"].get("expected_tags", "crisis, sanction, bond, rivalry, …")
        given = error["ctx"].get("tag")
        similar = suggest(given, kinds.replace("'", "").split(", ")) if given else ""
        wrong = f"{quote(given)} is not a kind of shock{similar}; " if similar else ""
        return f"{wrong}the kind of a shock is one of {kinds}"
    if error["type"] == "extra_forbidden" and error["loc"][-1] in known_keys():
        return "does not belong here"
    return explain_error(error, keys_beside(error["loc"]) if near else ())


@cache
def known_keys() -> set[str]:
    """All keys of the schema."""
    tables = [scenario_json_schema(), *scenario_json_schema()["$defs"].values()]
    return {key for table in tables for key in table.get("properties", {})} | {"extends", "world"}


def keys_beside(loc: tuple[str | int, ...]) -> list[str]:
    """Keys that may occur beside the place of a validation error."""
    node: Any = scenario_json_schema()
    for part in error_path(loc)[:-1]:
        below = node.get("properties", {}).get(part) or node.get("additionalProperties") or node.get("items")
        node = below or next(iter(node.get("patternProperties", {}).values()), {})
        kinds = node.get("discriminator", {}).get("mapping", {})
        reference = kinds[loc[2]] if kinds else node.get("$ref", "")
        node = scenario_json_schema()["$defs"].get(reference.rpartition("/")[2], node)
    return [*node.get("properties", {})]
