"""Write the schemas of scenario and world files for editors: python -m tools.schemas."""

from __future__ import annotations

import json
from pathlib import Path

from sim.scenario.json_schema import scenario_schema, world_schema

FOLDER = Path(__file__).parent.parent / "scenarios"


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
