"""Finding scenarios and worlds by name, reading them, and resolving what one extends into a full scenario."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.faults import Fault, InputError, PathInFile, field_name, quoted, read_text, read_toml, shown_path, suggestion
from sim.references import reference_faults
from sim.scenario import MAX_STATES, MAX_TIES, Scenario
from sim.settings import MECHANISMS, settled, with_settings
from sim.sources import Bibliography, read_sources

NAME = re.compile(r"^[a-z][a-z0-9_]{0,59}$")
STATE_COLUMNS = ("id", "name", "theatre", "capability", "capability_source")
STATE_OPTIONAL = ("gdp", "gdp_source", "autonomy", "autonomy_source", "initial", "initial_source", "fixed", "note")
TIE_COLUMNS = ("a", "b", "kind", "value")
TIE_OPTIONAL = ("regime", "source", "note")
LISTS = ("ties", "shocks")


@dataclass
class Draft:
    """Content of a scenario before it is validated, and the place in a file of each of its parts."""

    content: dict[str, Any] = field(default_factory=dict)
    origins: dict[PathInFile, tuple[str, int, PathInFile]] = field(default_factory=dict)

    def fault(self, path: PathInFile, message: str) -> Fault:
        """A fault at a place, named as in the file that it stands in."""
        for depth in range(len(path), -1, -1):
            if path[:depth] in self.origins:
                file, line, local = self.origins[path[:depth]]
                return Fault(file, line, field_name((*local, *path[depth:])), message)
        return Fault("?", 1, field_name(path), message)


def folders() -> list[Path]:
    """Folders of scenarios, a user's own (`BLOCS_SCENARIOS`) before those that came with the program."""
    own = [Path(part) for part in os.environ.get("BLOCS_SCENARIOS", "").split(os.pathsep) if part]
    return [*own, shipped()]


def shipped() -> Path:
    """The scenarios that came with the program: beside it in a checkout, inside it when installed."""
    inside = Path(__file__).parent / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "scenarios"


def bibliography() -> Bibliography:
    """The shipped bibliography with a user's own entries."""
    merged: Bibliography = {}
    for folder in reversed(folders()):
        if (folder / "sources.toml").is_file():
            merged |= read_sources(folder / "sources.toml")
    return merged


def scenario_names() -> list[str]:
    """Names of all scenarios found, `baseline…` first."""
    found = {path.stem for folder in folders() for path in folder.glob("*.toml") if path.stem != "sources"}
    return sorted(found, key=lambda name: (not name.startswith("baseline"), name))


def world_names() -> list[str]:
    """Names of all worlds found."""
    return sorted({path.parent.name for folder in folders() for path in folder.glob("worlds/*/world.toml")})


def locate(reference: str) -> Path:
    """The file of a scenario or world by name or path; raises InputError where there is none."""
    path = Path(reference)
    if path.suffix or path.is_dir() or len(path.parts) > 1:
        return world_file(path)
    for folder in folders():
        for candidate in (folder / f"{reference}.toml", folder / "worlds" / reference / "world.toml"):
            if candidate.is_file():
                return candidate
    known = [*scenario_names(), *world_names()]
    message = f"no scenario or world has this name{suggestion(reference, known)}; `blocs list` shows them"
    raise InputError([Fault(reference, 1, "", message)])


def world_file(path: Path) -> Path:
    """The `world.toml` of a world's folder or table; any other path as it is."""
    if path.is_dir():
        return path / "world.toml"
    return path.with_name("world.toml") if path.name in ("states.csv", "ties.csv") else path


def load(reference: str | Path) -> Scenario:
    """The resolved, frozen scenario of a name or path; raises InputError with every fault found."""
    path = locate(str(reference))
    draft = draft_of(path, ())
    origin = draft.origins.get((), (shown_path(path), 1, ()))
    draft.origins[()] = origin
    faults = [draft.fault(place, message) for place, message in reference_faults(draft.content, bibliography())]
    scenario: Scenario | None = None
    try:
        scenario = Scenario.model_validate(draft.content)
    except ValidationError as error:
        faults += [draft.fault(place(item["loc"]), phrase(item)) for item in error.errors()]
    faults += duplicate_ties(draft)
    if faults or scenario is None:
        raise InputError(faults)
    return finished(draft, scenario)


def finished(draft: Draft, scenario: Scenario) -> Scenario:
    """The scenario with its ties settled, its mechanisms switched off and its swept settings tried."""
    faults = []
    scenario = scenario.model_copy(update={"ties": settled(scenario.ties, scenario.institutions)})
    for mechanism in scenario.without:
        scenario = with_settings(scenario, MECHANISMS[mechanism], note=f"without {mechanism}")
    for path, values in scenario.sweep.vary.items():
        ends = values if isinstance(values, tuple) else (values.start, values.stop)
        for value in ends:
            try:
                with_settings(scenario, {path: value})
            except ValueError as error:
                faults.append(draft.fault(("sweep", "vary", path), str(error)))
    lengths = {len(v) if isinstance(v, tuple) else v.points for v in scenario.sweep.vary.values()}
    if scenario.sweep.design == "list" and len(lengths) > 1:
        faults.append(draft.fault(("sweep", "design"), "a list pairs settings, so all need equally many values"))
    if faults:
        raise InputError(faults)
    return scenario


def draft_of(path: Path, below: tuple[Path, ...]) -> Draft:
    """The content of a scenario or world file merged over all that it extends."""
    path = world_file(path)
    if path.name == "world.toml":
        return world_draft(path)
    content, lines = read_toml(path)
    name = shown_path(path)
    origins: dict[PathInFile, tuple[str, int, PathInFile]] = {at: (name, line, at) for at, line in lines.items()}
    draft = Draft(content, {(): (name, 1, ()), **origins})
    keys = [key for key in ("extends", "world") if key in content]
    if len(keys) != 1:
        message = "give either `extends`, a scenario, or `world`, a folder of worlds/"
        raise InputError([draft.fault(tuple(keys[:1]), message)])
    (key,) = keys
    reference = content.pop(key)
    if not isinstance(reference, str) or not NAME.match(reference):
        message = f"{quoted(reference)} is not a name; give one without folders or dots, such as baseline_2023"
        raise InputError([draft.fault((key,), message)])
    base = base_file(path, reference, key)
    if base is None:
        known = scenario_names() if key == "extends" else world_names()
        raise InputError([draft.fault((key,), f"unknown {key} {reference!r}{suggestion(reference, known)}")])
    if path in below:
        chain = " → ".join(p.stem for p in (*below, path))
        raise InputError(
            [draft.fault((key,), f"extends itself in a cycle: {chain}; extend a scenario that ends in a world")]
        )
    return merged(draft_of(base, (*below, path)), draft)


def base_file(path: Path, reference: str, key: str) -> Path | None:
    """The file that a scenario extends, from its own folder first; None where there is none."""
    for folder in [path.parent, *folders()]:
        candidate = folder / f"{reference}.toml" if key == "extends" else folder / "worlds" / reference / "world.toml"
        if candidate.is_file() and candidate.resolve().is_relative_to(folder.resolve()):
            return candidate
    return None


def merged(base: Draft, over: Draft) -> Draft:
    """One draft over another: tables merge, lists of ties and shocks grow, all else is replaced."""
    origins = dict(base.origins)
    content = merge_tables(base.content, over.content, (), origins)
    for path, origin in over.origins.items():
        if path[:1] in [(name,) for name in LISTS] and len(path) > 1 and isinstance(path[1], int):
            path = (path[0], path[1] + len(base.content.get(str(path[0]), ())), *path[2:])
        origins[path] = origin
    return Draft(content, origins)


def merge_tables(
    base: dict[str, Any], over: dict[str, Any], at: PathInFile, origins: dict[PathInFile, Any]
) -> dict[str, Any]:
    """A table over another; the origins of what is replaced are forgotten."""
    result = dict(base)
    for key, value in over.items():
        old, place = base.get(key), (*at, key)
        if isinstance(value, dict) and isinstance(old, dict) and "value" not in value:
            result[key] = merge_tables(old, value, place, origins)
        elif not at and key in LISTS and isinstance(value, list) and isinstance(old, list):
            result[key] = [*old, *value]
        else:
            result[key] = value
            for path in [p for p in origins if p[: len(place)] == place]:
                del origins[path]
    return result


def world_draft(path: Path) -> Draft:
    """A world's folder as one draft: `world.toml`, `states.csv` and, where there is one, `ties.csv`."""
    read, lines = read_toml(path)
    content: dict[str, Any] = read
    name = shown_path(path)
    draft = Draft(content, {(): (name, 1, ()), **{at: (name, line, at) for at, line in lines.items()}})
    faults: list[Fault] = []
    for key in ("states", "ties"):
        if key in content:
            faults.append(draft.fault((key,), f"belongs into {key}.csv beside this file"))
    content["states"], content["ties"] = {}, []
    for line, row in rows(path.with_name("states.csv"), STATE_COLUMNS, STATE_OPTIONAL, MAX_STATES):
        table, state = shown_path(path.with_name("states.csv")), row.pop("id", "")
        if state in content["states"]:
            faults.append(Fault(table, line, "id", f"state {state!r} stands here a second time; a state has one row"))
        content["states"][state] = state_record(row)
        draft.origins["states", state] = (table, line, ())
    ties = path.with_name("ties.csv")
    if ties.is_file():
        for line, row in rows(ties, TIE_COLUMNS, TIE_OPTIONAL, MAX_TIES):
            draft.origins["ties", len(content["ties"])] = (shown_path(ties), line, ())
            content["ties"].append(row)
    if faults:
        raise InputError(faults)
    return draft


def rows(
    path: Path, columns: Sequence[str], optional: Sequence[str], most: int
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and filled cells of each row of a table; raises InputError where columns are wrong or rows ragged."""
    name = shown_path(path)
    reader = csv.reader(io.StringIO(read_text(path)), strict=True)
    faults: list[Fault] = []
    found: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, [])
        faults += [Fault(name, 1, column, "this column is missing") for column in columns if column not in header]
        for column in header:
            if column not in (*columns, *optional):
                faults.append(Fault(name, 1, column, f"unknown column{suggestion(column, (*columns, *optional))}"))
        for cells in reader:
            if len(cells) != len(header) and cells:
                message = f"has {len(cells)} cells where the header has {len(header)}; quote a cell that holds a comma"
                faults.append(Fault(name, reader.line_num, "", message))
            elif cells:
                found.append((reader.line_num, {k: c.strip() for k, c in zip(header, cells, strict=True) if c.strip()}))
    except csv.Error as error:
        faults.append(Fault(name, reader.line_num, "", f"is not CSV: {error}"))
    if len(found) > most:
        faults.append(
            Fault(name, 1, "", f"has {len(found)} rows; the model holds full matrices and takes at most {most}")
        )
    if faults:
        raise InputError(faults)
    yield from found


def state_record(row: dict[str, str]) -> dict[str, Any]:
    """A row of `states.csv` as the schema has it, each number with its source."""
    record: dict[str, Any] = {}
    for key, cell in row.items():
        if key in ("capability", "gdp", "autonomy"):
            record[key] = {"value": cell, "source": row.get(f"{key}_source", ""), "note": row.get("note", "")}
        elif not key.endswith("_source") or key == "initial_source":
            record[key] = cell
    return record


def duplicate_ties(draft: Draft) -> Iterator[Fault]:
    """Ties that one file states twice; a later file may replace what an earlier one says."""
    seen: dict[tuple[str, ...], int] = {}
    ties = draft.content.get("ties", [])
    for n, tie in enumerate(ties if isinstance(ties, list) else []):
        if isinstance(tie, dict) and {"kind", "a", "b"} <= tie.keys():
            file, line, _ = draft.origins.get(("ties", n), ("", 0, ()))
            ends = [str(tie["a"]), str(tie["b"])]
            key = (file, str(tie["kind"]), *(ends if tie["kind"] == "sanction" else sorted(ends)))
            if key in seen:
                yield draft.fault(
                    ("ties", n), f"this {tie['kind']} of {' and '.join(ends)} stands on line {seen[key]} already"
                )
            seen[key] = line


def place(loc: tuple[str | int, ...]) -> PathInFile:
    """A validation error's place without the names of alternatives that pydantic adds."""
    kept = list(loc)
    if kept[:1] == ["shocks"] and len(kept) > 2:
        del kept[2]
    if kept[:2] == ["sweep", "vary"]:
        del kept[3:]
    return tuple(part for part in kept if part != "[key]")


def phrase(error: Any) -> str:
    """What is wrong, and what would be right, in one sentence."""
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    if kind == "missing":
        return "is missing; give it a value"
    if kind == "extra_forbidden":
        return f"unknown key{suggestion(error['loc'][-1], known_keys())}"
    if kind in ("finite_number", "float_parsing", "float_type"):
        return f"{quoted(given)} is not a finite number"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"{quoted(given)} is not a valid id; its pattern is {context['pattern']}"
    if kind == "literal_error":
        return f"{quoted(given)} is not one of {context['expected']}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return f"the kind of a shock is one of {context.get('expected_tags', 'crisis, sanction, bond, rivalry, …')}"
    return (
        f"{quoted(given)}: {error['msg'][:1].lower()}{error['msg'][1:]}"
        if not isinstance(given, (dict, list))
        else error["msg"]
    )


def known_keys() -> set[str]:
    """Every key that the schema knows."""
    definitions = Scenario.model_json_schema()
    tables = [definitions, *definitions["$defs"].values()]
    return {key for table in tables for key in table.get("properties", {})} | {"extends", "world"}
