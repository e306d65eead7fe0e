"""What results rest on: assumptions, sources, runs that ended well or not, and the commands that made them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sim.batch.store import Results
from sim.scenario.loading import load_bibliography
from sim.scenario.parameters import Parameters
from sim.scenario.schema import Scenario
from sim.scenario.sources import ASSUMED, Source, parse_references


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
    """A source with the inputs that cite it."""

    key: str
    source: Source | None  # None: not in the bibliography at hand
    inputs: int


def list_assumptions(scenario: Scenario) -> list[Assumption]:
    """Parameters that cite our own assumption."""
    found = []
    for name, field in Parameters.model_fields.items():
        number = getattr(scenario.parameters, name)
        if any(key == ASSUMED for key, _ in parse_references(number.source)) or not number.source:
            extra: Any = field.json_schema_extra
            low, high = extra["range"]
            told = (str(field.description), number.value, float(low), float(high), extra["unit"], number.note)
            found.append(Assumption(name, *told))
    return found


def source_cells(content: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Place and source cell of every input that has one, '' where its author gave none."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == "source" or (key.endswith("_source") and value):
                yield f"{at}.{key}", str(value)
            else:
                yield from source_cells(value, f"{at}.{key}")
    elif isinstance(content, (list, tuple)):
        for n, item in enumerate(content):
            tie = isinstance(item, Mapping) and {"kind", "a", "b"} <= item.keys() and "step" not in item
            yield from source_cells(item, f"{at}.{item['kind']}.{item['a']}.{item['b']}" if tie else f"{at}.{n}")


def cited_inputs(told: Mapping[str, Scenario]) -> set[tuple[str, str]]:
    """Each input with its source, once where scenarios share it."""
    return {cell for scenario in told.values() for cell in source_cells(scenario.model_dump(mode="json"))}


def cited_sources(told: Mapping[str, Scenario]) -> list[CitedSource]:
    """The sources that the scenarios cite, those of most inputs first."""
    found = Counter(key for _, cell in cited_inputs(told) for key, _ in parse_references(cell) if key)
    known = load_bibliography()
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [CitedSource(key, known.get(key), count) for key, count in ordered]


def recorded_command(results: Results) -> str:
    """The command that made the results; '' where Python made them or the record is no command of blocs alone."""
    command = str(results.manifest().get("command", ""))
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return command if words[:1] == ["blocs"] and shlex.join(words) == command else ""


def report_command(baseline: str, *, points: int, seed: int, parameters: str | None = None) -> str:
    """The command that writes a report of results with these analyses beyond the sweep."""
    words = ["blocs", "report", "RESULTS", "--baseline", baseline, "--points", str(points)]
    words += ["--seed", str(seed)] if points else []
    return shlex.join([*words, *(["--parameters", parameters] if parameters else [])])
