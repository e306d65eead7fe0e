"""Write the JSON Schemas (draft 7) of scenario and world files, for editors: python -m tools.schemas.

`sim.scenario.schema` validates the files. These schemas repeat what an editor can check within one file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sim.scenario.overrides import MECHANISMS
from sim.scenario.parameters import Parameters
from sim.scenario.schema import scenario_json_schema

FOLDER = Path(__file__).parent.parent / "scenarios"

Node = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

NAMED = ("properties", "patternProperties", "$defs")  # their keys are names, not words of the schema

IN_TABLES = ("states", "ties")  # in the CSV tables of a world

LEVELED = ("Tie", "PairShock", "SanctionShock")  # their value may be a level

LEVEL = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}

REFERENCE = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$"}


def scenario_schema() -> Node:
    """The schema of a scenario file: any part of a scenario over the scenario or world that it extends."""
    found = resolved_schema()
    found["title"] = "A scenario of blocs"
    found["properties"] |= {
        "extends": {**REFERENCE, "description": "the scenario that this one differs from"},
        "world": {**REFERENCE, "description": "the world that this one differs from, a folder of worlds/"},
    }
    for part in ("Bloc", "Institution", "State"):
        found["$defs"][part].pop("required")  # what it extends has the others
    found |= {"oneOf": [{"required": ["extends"]}, {"required": ["world"]}]}
    del found["required"]
    return found


def world_schema() -> Node:
    """The schema of a `world.toml`, without states and ties, which are in tables beside it."""
    found = resolved_schema()
    found["title"] = "A world of blocs"
    for key in IN_TABLES:
        del found["properties"][key]
    del found["$defs"]["State"], found["$defs"]["Tie"]
    found["required"] = [key for key in found["required"] if key not in IN_TABLES]
    return found


def resolved_schema() -> Node:
    """The schema of a resolved scenario file: numbers may be bare, and no value is null."""
    found: Node = simplify_node(scenario_json_schema())
    table = found["$defs"]["Sourced"]
    found["$defs"]["Sourced"] = {"description": table.pop("description"), "anyOf": [{"type": "number"}, table]}
    found["$defs"]["ParameterShock"]["properties"]["parameter"]["enum"] = list(Parameters.model_fields)
    found["properties"]["without"]["items"]["enum"] = list(MECHANISMS)
    for part in LEVELED:
        shown = found["$defs"][part]["properties"]
        del shown["level"]  # resolved from the value
        number = shown["value"]
        note = {"description": number.pop("description")} if "description" in number else {}
        shown["value"] = note | {"anyOf": [number, {**LEVEL, "description": "a level of the kind's scale"}]}
    for name, shown in found["$defs"]["Parameters"]["properties"].items():
        shown |= editor_hint(name)
    return {"$schema": DRAFT, **found}


def editor_hint(name: str) -> Node:
    """What an editor shows beside a parameter: its meaning, unit, range and default."""
    field = Parameters.model_fields[name]
    extra: Any = field.json_schema_extra
    low, high = extra["range"]
    hint = f"{field.description}; {extra['unit']}, searched over {low:g} to {high:g}"
    return {"description": hint, "default": field.default.value}


def simplify_node(node: Any) -> Any:
    """Remove what editors do not read from a node of pydantic's schema; use `allOf` where draft 7 forbids siblings."""
    if isinstance(node, list):
        return [simplify_node(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = dict(keep_parts(node))
    if "patternProperties" in found:
        found["additionalProperties"] = False
    if "$ref" in found and len(found) > 1:
        reference = found.pop("$ref")
        bounds = {end: found[end] for end in ("minimum", "maximum") if end in found}
        inside = {"properties": {"value": bounds}} if bounds else {}
        return {"allOf": [{"$ref": reference}], **found, **inside}
    return found


def keep_parts(node: Node) -> Iterator[tuple[str, Any]]:
    """Parts of a node that editors read."""
    for key, value in node.items():
        if key in NAMED:
            yield key, {name: simplify_node(part) for name, part in value.items()}
        elif key == "anyOf" and {"type": "null"} in value:
            yield from simplify_node(next(kind for kind in value if kind != {"type": "null"})).items()
        elif key not in ("title", "discriminator", "unit", "range") and value is not None:
            yield key, value if key == "default" else simplify_node(value)


def schemas() -> dict[Path, str]:
    """The text of each schema file."""
    made = {"scenario": scenario_schema(), "world": world_schema()}
    return {
        FOLDER / f"{kind}.schema.json": json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        for kind, schema in made.items()
    }


if __name__ == "__main__":
    for path, text in schemas().items():
        path.write_text(text, encoding="utf-8")
