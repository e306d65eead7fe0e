"""What results rest on: assumptions, sources, runs that ended well or not, and the commands that made them."""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sim.catalog import bibliography
from sim.design import labels
from sim.faults import Fault, InputError, printable, shown_path
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.settings import with_settings
from sim.sources import ASSUMED, Source, references
from sim.store import Results


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
class Cited:
    """A source with the inputs that cite it."""

    key: str
    source: Source | None  # None: not in the bibliography at hand
    inputs: int


@dataclass(frozen=True)
class Count:
    """Runs of one design point."""

    design: str
    asked: int
    ended: int
    failed: int

    @property
    def unfinished(self) -> int:
        """Runs that are still to be made."""
        return self.asked - self.ended - self.failed


def scenarios(results: Results) -> dict[str, Scenario]:
    """The scenarios as they were recorded; raises InputError where this version can't read them."""
    try:
        return {name: Scenario.model_validate(told) for name, told in results.manifest()["scenarios"].items()}
    except ValidationError as error:
        message = f"was recorded by another version of the program: {error.errors()[0]['msg']}"
        raise InputError([Fault(shown_path(results.folder), 1, "", message)]) from None


def as_run(results: Results, designs: Collection[str]) -> dict[str, Scenario]:
    """The scenario that each of these designs ran, with the settings that the sweep gave it."""
    told = scenarios(results)
    points = results.manifest()["question"]["points"]
    asked = dict(zip(labels(points), points, strict=True))
    chosen = {design: asked[design] for design in designs}
    return {
        design: with_settings(told[point["scenario"]], point["settings"], note="set by the sweep")
        for design, point in chosen.items()
    }


def assumptions(scenario: Scenario) -> list[Assumption]:
    """Parameters that cite our own assumption."""
    found = []
    for name, field in Parameters.model_fields.items():
        number = getattr(scenario.parameters, name)
        if any(key == ASSUMED for key, _ in references(number.source)) or not number.source:
            extra: Any = field.json_schema_extra
            low, high = extra["range"]
            told = (str(field.description), number.value, float(low), float(high), extra["unit"], number.note)
            found.append(Assumption(name, *told))
    return found


def cells(content: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Place and source cell of every input that has one, '' where its author gave none."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == "source" or (key.endswith("_source") and value):
                yield f"{at}.{key}", str(value)
            else:
                yield from cells(value, f"{at}.{key}")
    elif isinstance(content, (list, tuple)):
        for n, item in enumerate(content):
            tie = isinstance(item, Mapping) and {"kind", "a", "b"} <= item.keys() and "step" not in item
            yield from cells(item, f"{at}.{item['kind']}.{item['a']}.{item['b']}" if tie else f"{at}.{n}")


def inputs(told: Mapping[str, Scenario]) -> set[tuple[str, str]]:
    """Each input with its source, once where scenarios share it."""
    return {cell for scenario in told.values() for cell in cells(scenario.model_dump(mode="json"))}


def cited(told: Mapping[str, Scenario]) -> list[Cited]:
    """The sources that the scenarios cite, those of most inputs first."""
    found = Counter(key for _, cell in inputs(told) for key, _ in references(cell) if key)
    known = bibliography()
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [Cited(key, known.get(key), count) for key, count in ordered]


def counts(results: Results) -> list[Count]:
    """Runs asked, ended and failed, by design point."""
    ended: dict[tuple[int, str], int] = {}
    if "runs" in results.tables():
        with contextlib.closing(results.connection()) as connection:
            rows = connection.execute("select point, status, count(*) from runs group by all").fetchall()
            ended = {(point, status): count for point, status, count in rows}
    asked = results.manifest()["question"]["points"]
    return [
        Count(name, point["replicates"], ended.get((n, "ok"), 0), ended.get((n, "failed"), 0))
        for n, (name, point) in enumerate(zip(labels(asked), asked, strict=True))
    ]


def failures(results: Results, shown: int = 10) -> list[str]:
    """The first failed runs with the last line of their error."""
    if "runs" not in results.tables():
        return []
    query = "select scenario, point, replicate, error from runs where status = 'failed' order by all"
    with contextlib.closing(results.connection()) as connection:
        rows = connection.execute(query).fetchmany(shown)
    return [f"{s}, point {p}, replicate {r}: {printable((e.strip().splitlines() or [''])[-1])}" for s, p, r, e in rows]


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
