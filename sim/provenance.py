"""What results rest on: assumptions, sources, runs that ended well or not, and the commands that make them again."""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from sim.catalog import NAME, bibliography, load
from sim.design import labels, points
from sim.draws import SHIPPED, draws_of, swept
from sim.faults import Fault, InputError, printable, shown_path
from sim.parameters import Parameters
from sim.scenario import Scenario
from sim.settings import changes, with_settings, with_steps
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


@dataclass(frozen=True)
class Again:
    """Commands that make results again, and what stands in the way."""

    commands: tuple[str, ...]
    obstacles: tuple[str, ...]


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


def again(
    results: Results, told: Mapping[str, Scenario], baseline: str, *, points: int, seed: int,
    parameters: str | None = None,
) -> Again:  # fmt: skip
    """The commands that make the results and their report again, tried against the catalogue at hand.

    points, seed and parameters are those of what the report asked beyond the sweep.
    """
    question = results.manifest()["question"]
    replicates = {point["replicates"] for point in question["points"]}
    words = ["blocs", "sweep", *told]
    if len(replicates) == 1:
        words += ["--replicates", str(replicates.pop())]
    words += ["--seed", str(question["seed"]), *(["--trajectory"] if question["trajectory"] else [])]
    obstacles, options = [], []
    for name, scenario in told.items():
        try:
            options.append(difference(name, scenario))
        except (InputError, ValueError):
            obstacles.append(f"{name} is not in the catalogue at hand; the manifest holds it in full")
            options.append([])
    shared = options[0] if all(option == options[0] for option in options) else []
    for (name, scenario), option in zip(told.items(), options, strict=True):
        if option != shared or not matches(name, scenario, question["points"], shared):
            known = any(name in obstacle for obstacle in obstacles)
            obstacles += [] if known else [f"{name} has changed since; the manifest holds it as it was run"]
    folder = "results/again"
    report = ["blocs", "report", folder, "--baseline", baseline, "--points", str(points)]
    report += ["--seed", str(seed)] if points and seed != question["seed"] else []
    report += ["--parameters", parameters] if parameters else []
    return Again((shlex.join([*words, *shared, "--out", folder]), shlex.join(report)), tuple(obstacles))


def in_catalogue(name: str) -> Scenario:
    """The scenario of a recorded name, which is no path; raises InputError where there is none."""
    if not NAME.fullmatch(name):
        raise InputError([Fault(name, 1, "", "is no name of the catalogue")])
    return load(name)


def difference(name: str, scenario: Scenario) -> list[str]:
    """The options that make a scenario of the catalogue the recorded one; raises InputError where there is none."""
    base = in_catalogue(name)
    options = [] if base.steps == scenario.steps else ["--steps", str(scenario.steps)]
    for place, _, _ in changes(base, scenario):
        value: Any = scenario.model_dump()
        for part in place.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, dict) and "value" in value:
            options += ["--set", f"{place}={value['value']!r}"]
    if drawn := draws_swept(name, scenario):
        options += ["--parameters", SHIPPED, "--points", str(drawn)]
    elif base.sweep.vary != scenario.sweep.vary or base.sweep.design != scenario.sweep.design:
        options += ["--design", scenario.sweep.design]
        options += ["--points", str(scenario.sweep.points)] if scenario.sweep.points else []
        for path, spread in scenario.sweep.model_dump(exclude_none=True)["vary"].items():
            if isinstance(spread, dict):
                span = (spread["start"], spread["stop"], *([spread["points"]] if "points" in spread else []))
                options += ["--vary", f"{path}={':'.join(map(repr, span))}"]
    return options


def draws_swept(name: str, scenario: Scenario) -> int:
    """How many draws of its world's posterior a recorded scenario is swept over; 0 where it is swept otherwise."""
    counts = {len(values) for values in scenario.sweep.vary.values() if isinstance(values, tuple)}
    if scenario.sweep.design != "list" or len(counts) != 1:
        return 0
    (count,) = counts
    with contextlib.suppress(InputError):
        return count if swept(scenario, draws_of(name), count).sweep.vary == scenario.sweep.vary else 0
    return 0


def matches(name: str, scenario: Scenario, asked: list[dict[str, Any]], options: list[str]) -> bool:
    """Whether the catalogue's scenario, with the options of a command line, is computed as the recorded one was."""
    try:
        base = in_catalogue(name)
        given = list(zip(options[::2], options[1::2], strict=True))
        for option, word in given:
            if option == "--steps":
                base = with_steps(base, int(word))
            if option == "--set":
                path, _, value = word.partition("=")
                base = with_settings(base, {path: float(value)})
        if any(option == "--parameters" for option, _ in given):
            base = swept(base, draws_of(name), draws_swept(name, scenario))
        if any(option == "--design" for option, _ in given):
            if any(isinstance(values, tuple) for values in scenario.sweep.vary.values()):
                return False  # no option gives a list of values
            base = base.model_copy(update={"sweep": scenario.sweep})
        made = [(point.settings, point.digest) for point in points(name, base)]
    except (InputError, ValueError):
        return False
    return made == [(p["settings"], p["digest"]) for p in asked if p["scenario"] == name]
