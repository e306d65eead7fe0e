"""What results rest on: assumptions, sources of inputs, and the commands that made them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.scenario.checks.sources import ASSUMED, Source, parse_references
from sim.scenario.loading import load_bibliography
from sim.scenario.parameters import Parameters
from sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Assumption:
    """A parameter that no source fixes."""

    name: str
    meaning: str
    value: float
    low: float
    high: float
    unit: str
    note: str


@dataclass(frozen=True)
class CitedSource:
    """A source, and the number of inputs that cite it."""

    key: str
    source: Source | None  # None if the current bibliography lacks it
    inputs: int


def list_assumptions(scenario: Scenario) -> list[Assumption]:
    """List the parameters that cite an assumption or no source."""
    found = []
    for name, field in Parameters.model_fields.items():
        number = getattr(scenario.parameters, name)
        if any(key == ASSUMED for key, _ in parse_references(number.source)) or not number.source:
            extra: Any = field.json_schema_extra
            low, high = extra["range"]
            details = (str(field.description), number.value, float(low), float(high), extra["unit"], number.note)
            found.append(Assumption(name, *details))
    return found


def source_cells(content: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield the place and the source cell of every input; the cell is '' if its author gave no source."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "source" or (key.endswith("_source") and value):
                yield f"{at}.{key}", str(value)
            else:
                yield from source_cells(value, f"{at}.{key}")
    elif isinstance(content, list):
        for n, item in enumerate(content):
            tie = isinstance(item, dict) and {"kind", "a", "b"} <= item.keys() and "step" not in item
            yield from source_cells(item, f"{at}.{item['kind']}.{item['a']}.{item['b']}" if tie else f"{at}.{n}")


def cited_inputs(scenarios: Mapping[str, Scenario]) -> set[tuple[str, str]]:
    """Return each input with its source, once if scenarios share it."""
    return {
        cell
        for scenario in scenarios.values()
        for cell in source_cells(scenario.model_dump(mode="json", exclude={"anchor"}))
    }


def cited_sources(inputs: Iterable[tuple[str, str]]) -> list[CitedSource]:
    """List the sources that inputs cite, those with most inputs first."""
    found = Counter(key for _, cell in inputs for key, _ in parse_references(cell) if key)
    known = load_bibliography()
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [CitedSource(key, known.get(key), count) for key, count in ordered]


def report_command(
    baseline: str, *, points: int, seed: int, parameters: str | None = None, maps: str = "land", at: str | None = None,
    scenario: str | None = None, state: str | None = None,
) -> str:  # fmt: skip
    """Return the command that writes a report with these analyses beyond the sweep."""
    words = ["blocs", "report", "RESULTS", "--baseline", baseline, "--points", str(points)]
    words += ["--seed", str(seed)] if points else []
    words += ["--parameters", parameters] if parameters else []
    words += ["--maps", maps] if maps != "land" else []
    words += ["--at", at] if at else []
    words += ["--scenario", scenario] if scenario else []
    return shlex.join([*words, *(["--state", state] if state else [])])
