"""The schemas for editors: fresh, without faults on valid files, and with the place of a fault on others."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sim.scenario.loading import shipped_folder
from sim.scenario.parameters import Parameters
from tools.schemas import scenario_schema, schemas, world_schema

CASES = Path(__file__).parents[1] / "cases"
VALID = sorted(
    path
    for folder in (shipped_folder(), CASES / "valid", CASES)
    for path in (*folder.glob("*.toml"), *folder.glob("*/world.toml"), *folder.glob("worlds/*/world.toml"))
    if path.name != "sources.toml"
)


@cache
def validator(kind: str) -> jsonschema.Draft7Validator:
    """Validator of a kind of file, as an editor uses it."""
    schema = {"scenario": scenario_schema, "world": world_schema}[kind]()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def faults(text: str, kind: str = "scenario") -> list[str]:
    """Places where a TOML text does not match its schema."""
    content: dict[str, Any] = json.loads(json.dumps(tomllib.loads(text), default=str))  # an editor sees dates as text
    return ["/".join(map(str, error.absolute_path)) for error in validator(kind).iter_errors(content)]


@pytest.mark.parametrize(("path", "text"), schemas().items(), ids=lambda part: getattr(part, "name", ""))
def test_schema_file_is_fresh(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run `python -m tools.schemas`"


@pytest.mark.parametrize("path", VALID, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_valid_file(path: Path) -> None:
    kind = "world" if path.name == "world.toml" else "scenario"
    assert faults(path.read_text(encoding="utf-8-sig"), kind) == []


def test_number_of_valid_files() -> None:
    assert len(VALID) > 50


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("steps = 0", "steps"),
        ("erosion = 0.5", ""),  # belongs in [parameters]
        ("[parameters]\nerosoin = 0.5", "parameters"),
        ("[parameters]\nerosion = 21", "parameters/erosion"),
        ("[parameters]\nerosion = { value = 21 }", "parameters/erosion/value"),
        ("[parameters]\nerosion = '0.5'", "parameters/erosion"),
        ("[blocs.us_led]\nenforcement = 1.5", "blocs/us_led/enforcement"),
        ("[blocs.US]\nenforcement = 0.5", "blocs"),
        ("without = ['sheltr']", "without/0"),
        ("[[ties]]\nkind = 'bond'\na = 'USA'\nb = 'RUS'", "ties/0"),
        ("[[shocks]]\nkind = 'parameter'\nstep = 1\nparameter = 'erosoin'\nvalue = 1", "shocks/0"),
        ("[sweep]\ndesign = 'random'", "sweep/design"),
        ("world = 'article_2023'", ""),  # beside extends
    ],
)
def test_place_of_a_wrong_line(line: str, place: str) -> None:
    assert place in faults(f"extends = 'baseline_2023'\n{line}\n")


def test_description_and_default_of_every_parameter() -> None:
    shown = scenario_schema()["$defs"]["Parameters"]["properties"]
    assert list(shown) == list(Parameters.model_fields)
    for name, field in Parameters.model_fields.items():
        assert field.description in shown[name]["description"]
        assert "searched over" in shown[name]["description"]
        assert shown[name]["default"] == field.default.value


def test_world_schema_without_states_and_ties() -> None:
    text = (CASES / "worlds" / "four" / "world.toml").read_text(encoding="utf-8")
    assert "" in faults(f"extends = 'baseline_2023'\n{text}", "world")
    assert "" in faults(f"{text}\n[states.USA]\nname = 'x'\n", "world")
