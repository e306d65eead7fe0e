"""Finding scenarios and worlds by name, reading them, and resolving what one extends into a full scenario."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.faults import (
    Fault,
    InputError,
    PathInFile,
    field_name,
    phrase,
    quoted,
    read_text,
    read_toml,
    shown_path,
    suggestion,
)
from sim.references import reference_faults, sweep_faults
from sim.scenario import MAX_SHOCKS, MAX_STATES, MAX_TIES, Scenario
from sim.settings import key_of, settled, with_mechanism_off
from sim.sources import Bibliography, read_sources

BASE = "baseline_2023"  # the scenario that the others change
NAME = re.compile(r"^[a-z][a-z0-9_]{0,59}$")
STATE_COLUMNS = ("id", "name", "theatre", "capability", "capability_source")
STATE_OPTIONAL = ("gdp", "gdp_source", "autonomy", "autonomy_source", "initial", "initial_source", "fixed", "note")
TIE_COLUMNS = ("a", "b", "kind", "value")
TIE_OPTIONAL = ("regime", "since", "source", "note")
LISTS = {"ties": MAX_TIES, "shocks": MAX_SHOCKS}
WORLD_FILES = ("states.csv", "ties.csv", "observed.toml")
NUMBERS = ("capability", "gdp", "autonomy")
MAX_CHAIN = 50
MOST_SUGGESTED = 1000  # faults for which words are compared


@dataclass
class Draft:
    """Content of a scenario before it is validated, and the place in a file of each of its parts.

    Where a part could not be read the draft isn't whole, and nothing is said of what may be in that part.
    """

    content: dict[str, Any] = field(default_factory=dict)
    origins: dict[PathInFile, tuple[str, int, PathInFile]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    whole: bool = True

    def broken(self, *faults: Fault) -> Draft:
        """This draft, not whole for these faults."""
        self.faults += faults
        self.whole = False
        return self

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


def scenario_names(places: Sequence[Path] | None = None) -> list[str]:
    """Names of all scenarios found in the folders, all of them by default, `baseline…` first."""
    found = {path.stem for folder in places or folders() for path in folder.glob("*.toml") if path.stem != "sources"}
    return sorted(found, key=lambda name: (not name.startswith("baseline"), name))


def shipped_scenarios() -> dict[str, Scenario]:
    """The scenarios that came with the program, the baseline first, whatever other folders hold."""
    return {name: load(shipped() / f"{name}.toml") for name in scenario_names([shipped()])}


def world_names() -> list[str]:
    """Names of all worlds found."""
    return sorted({path.parent.name for folder in folders() for path in folder.glob("worlds/*/world.toml")})


def locate(reference: str) -> Path:
    """The file of a scenario or world by name or path; raises InputError where there is none."""
    path = Path(reference)
    if path.suffix or path.is_dir() or len(path.parts) > 1:
        return world_file(path)
    for folder in folders():
        for key in ("extends", "world"):
            if (candidate := base_in(folder, reference, key)).is_file():
                return candidate
    known = [*scenario_names(), *world_names()]
    message = f"no scenario or world has this name{suggestion(reference, known)}; `blocs list` shows them"
    raise InputError([Fault(reference, 1, "", message)])


def world_file(path: Path) -> Path:
    """The `world.toml` of a world's folder or table; any other path as it is."""
    if (path / "manifest.json").is_file() and not (path / "world.toml").is_file():
        message = "is a folder of results; give a scenario here, and the folder to compare, claims, report or query"
        raise InputError([Fault(shown_path(path), 1, "", message)])
    if path.is_dir():
        return path / "world.toml"
    return path.with_name("world.toml") if path.name in WORLD_FILES else path


def extended(reference: str) -> str | None:
    """The scenario or world that a readable scenario file extends; None for a world."""
    path = locate(reference)
    if path.name == "world.toml":
        return None
    content, _ = read_toml(path)
    return str(content.get("extends") or content.get("world"))


def load(reference: str | Path) -> Scenario:
    """The resolved, frozen scenario of a name or path; raises InputError with every fault found."""
    path = locate(str(reference))
    draft = draft_of(path, ())
    draft.origins.setdefault((), (shown_path(path), 1, ()))
    found = [*reference_faults(draft.content, bibliography(), draft.whole)]
    if draft.whole:
        found += sweep_faults(draft.content)
    scenario: Scenario | None = None
    try:
        scenario = Scenario.model_validate(frozen(draft.content), strict=True)
    except ValidationError as error:
        near = error.error_count() <= MOST_SUGGESTED
        found += [
            (place(item["loc"]), said(item, near=near))
            for item in error.errors(include_url=False)
            if draft.whole or item["type"] not in ("missing", "too_short")
        ]
    faults = [*draft.faults, *(draft.fault(at, message) for at, message in found), *duplicate_ties(draft)]
    if faults or scenario is None:
        raise InputError(faults)
    scenario = scenario.model_copy(update={"ties": settled(scenario.ties, scenario.institutions)})
    for mechanism in scenario.without:
        scenario = with_mechanism_off(scenario, mechanism)
    return scenario


def frozen(content: Any) -> Any:
    """A draft's content with tuples for its lists, as the schema has them."""
    if isinstance(content, dict):
        return {key: frozen(value) if isinstance(value, (dict, list)) else value for key, value in content.items()}
    return tuple(map(frozen, content)) if isinstance(content, list) else content


def draft_of(path: Path, below: tuple[Path, ...]) -> Draft:
    """The content of a scenario or world file merged over all that it extends."""
    path = world_file(path)
    if path.name == "world.toml":
        return world_draft(path)
    draft = toml_draft(path)
    if not draft.whole:
        return draft
    keys = [key for key in ("extends", "world") if key in draft.content]
    references = [draft.content.pop(key) for key in keys]
    if len(keys) != 1:
        message = "give either `extends`, a scenario, or `world`, a folder of worlds/"
        return draft.broken(draft.fault(tuple(keys[:1]), message))
    (key,), (reference,) = keys, references
    if not isinstance(reference, str) or not NAME.fullmatch(reference):
        message = f"{quoted(reference)} is not a name; give one without folders or dots, such as baseline_2023"
        return draft.broken(draft.fault((key,), message))
    if path in below:
        chain = " → ".join(p.stem for p in (*below, path))
        message = f"extends itself in a cycle: {chain}; extend a scenario that ends in a world"
        draft.content.clear()  # it stands in the draft above already
        return draft.broken(draft.fault((key,), message))
    if len(below) >= MAX_CHAIN:
        message = f"more than {MAX_CHAIN} scenarios extend one another; extend one nearer to its world"
        return draft.broken(draft.fault((key,), message))
    base = base_file(path, reference, key)
    if base is None:
        return draft.broken(draft.fault((key,), not_found(path, reference, key)))
    return merged(draft_of(base, (*below, path)), draft)


def toml_draft(path: Path) -> Draft:
    """A TOML file as a draft; its origins give each element of a list a line too."""
    name = shown_path(path)
    draft = Draft(origins={(): (name, 1, ())})
    try:
        draft.content, lines = read_toml(path)
    except InputError as error:
        return draft.broken(*error.faults)
    draft.origins |= {at: (name, line, at) for at, line in lines.items()}
    for key, most in LISTS.items():
        values = draft.content.get(key)
        if isinstance(values, list) and len(values) > most:
            draft.broken(draft.fault((key,), f"has {len(values)} entries; give at most {most}"))
            draft.content[key] = values = []
        for n in range(len(values) if isinstance(values, list) else 0):
            draft.origins.setdefault((key, n), (name, lines.get((key,), 1), (key, n)))
    return draft


def base_file(path: Path, reference: str, key: str) -> Path | None:
    """The file that a scenario extends, from its own folder first; None where there is none."""
    for folder in [path.parent, *folders()]:
        candidate = base_in(folder, reference, key)
        if candidate.is_file() and candidate.resolve().is_relative_to(folder.resolve()):
            return candidate
    return None


def base_in(folder: Path, reference: str, key: str) -> Path:
    """Where in a folder the file of a reference would be."""
    return folder / f"{reference}.toml" if key == "extends" else folder / "worlds" / reference / "world.toml"


def not_found(path: Path, reference: str, key: str) -> str:
    """What is wrong with a reference to no scenario or world, or to one outside."""
    if any(base_in(folder, reference, key).is_file() for folder in [path.parent, *folders()]):
        return f"{reference!r} is a link that leads out of its folder; put a copy there"
    if key == "world":
        return f"unknown world {reference!r}{suggestion(reference, world_names())}"
    beside = [other.stem for other in path.parent.glob("*.toml") if other.stem not in (path.stem, "sources")]
    return f"unknown scenario {reference!r}{suggestion(reference, [*scenario_names(), *beside])}"


def merged(base: Draft, over: Draft) -> Draft:
    """One draft over another: tables merge, lists of ties and shocks grow, all else is replaced."""
    origins = dict(base.origins)
    content = merge_tables(base.content, over.content, (), origins)
    for path, origin in over.origins.items():
        if path[:1] in [(name,) for name in LISTS] and len(path) > 1 and isinstance(path[1], int):
            before = base.content.get(str(path[0]))
            path = (path[0], path[1] + (len(before) if isinstance(before, list) else 0), *path[2:])
        origins[path] = origin
    return Draft(content, origins, [*base.faults, *over.faults], base.whole and over.whole)


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
            forget(old, place, origins)
    return result


def forget(content: Any, at: PathInFile, origins: dict[PathInFile, Any]) -> None:
    """Drop the origins of a content and of all in it."""
    origins.pop(at, None)
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, part in parts:
        forget(part, (*at, key), origins)


def world_draft(path: Path) -> Draft:
    """A world's folder as one draft: `world.toml`, `states.csv` and, where there is one, `ties.csv`."""
    draft = toml_draft(path)
    for key in ("states", "ties"):
        if key in draft.content:
            draft.faults.append(draft.fault((key,), f"belongs into {key}.csv beside this file"))
    states: dict[str, Any] = {}
    ties: list[Any] = []
    draft.content |= {"states": states, "ties": ties}
    table = path.with_name("states.csv")
    name = shown_path(table)
    draft.origins["states",] = (name, 1, ())
    for line, row in rows(table, STATE_COLUMNS, STATE_OPTIONAL, MAX_STATES, draft):
        state = row.pop("id", "")
        if state in states:
            message = f"state {quoted(state)} stands here a second time; a state has one row"
            draft.faults.append(Fault(name, line, "id", message))
        states[state] = state_record(row)
        draft.origins["states", state] = (name, line, ())
        for key in states[state]:
            draft.origins["states", state, key] = (name, line, (key,))
        for key in NUMBERS:
            draft.origins["states", state, key, "value"] = (name, line, (key,))
            draft.origins["states", state, key, "source"] = (name, line, (f"{key}_source",))
    table = path.with_name("ties.csv")
    if table.is_file():
        name = shown_path(table)
        for line, row in rows(table, TIE_COLUMNS, TIE_OPTIONAL, MAX_TIES, draft):
            draft.origins["ties", len(ties)] = (name, line, ())
            ties.append({**row, "value": number(row["value"])} if "value" in row else row)
    return draft


def rows(
    path: Path, columns: Sequence[str], optional: Sequence[str], most: int, draft: Draft
) -> list[tuple[int, dict[str, str]]]:
    """Line and filled cells of each good row of a table; what is wrong with it breaks the draft."""
    name, known = shown_path(path), (*columns, *optional)
    try:
        text = read_text(path)
    except InputError as error:
        draft.broken(*error.faults)
        return []
    found: list[tuple[int, dict[str, str]]] = []
    line = 1
    try:
        given = rows_in(text, most)
        if given > most:  # counted first, as they take a hundred times the room of their text
            draft.broken(Fault(name, 1, "", f"has {given} rows; at most {most} are read"))
            return []
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader, [])
        if not header:
            draft.broken(Fault(name, 1, "", f"is empty; its first line names the columns {', '.join(columns)}, …"))
            return []
        for column in columns:
            if column not in header:
                draft.broken(Fault(name, 1, column, "this column is missing"))
        for column in dict.fromkeys(header):
            if column not in known:
                draft.broken(Fault(name, 1, column, f"unknown column{suggestion(column, known)}"))
            elif header.count(column) > 1:
                draft.broken(Fault(name, 1, column, "this column stands here more than once"))
        line = reader.line_num + 1
        read = [(place, column) for place, column in enumerate(header) if column in known]
        for cells in reader:
            if len(cells) == len(header):
                found.append((line, {column: cell for place, column in read if (cell := cells[place].strip())}))
            elif cells:
                message = f"has {len(cells)} cells where the header has {len(header)}; quote a cell that holds a comma"
                draft.broken(Fault(name, line, "", message))
            line = reader.line_num + 1
    except csv.Error as error:
        message = "a quoted cell is not closed" if "end of data" in str(error) else str(error)
        draft.broken(Fault(name, line, "", f"is not CSV: {message}"))
    return found


def rows_in(text: str, most: int) -> int:
    """How many rows a table has, or a number that is no greater than `most` where it cannot have more."""
    if text.count("\n") + text.count("\r") <= most:
        return 0
    return sum(1 for cells in csv.reader(io.StringIO(text, newline="")) if cells) - 1


def state_record(row: dict[str, str]) -> dict[str, Any]:
    """A row of `states.csv` as the schema has it, each number with its source."""
    record: dict[str, Any] = {}
    for key, cell in row.items():
        if key in NUMBERS:
            record[key] = {"value": number(cell), "source": row.get(f"{key}_source", ""), "note": row.get("note", "")}
        elif key == "fixed":
            record[key] = {"true": True, "false": False, "1": True, "0": False}.get(cell.lower(), cell)
        elif not key.endswith("_source") or key == "initial_source":
            record[key] = cell
    return record


def number(cell: str) -> float | str:
    """A cell's number, or the cell as it is where it holds none (which validation reports)."""
    try:
        return float(cell) if "_" not in cell else cell
    except ValueError:
        return cell


def duplicate_ties(draft: Draft) -> Iterator[Fault]:
    """Ties that one file states twice; a later file may replace what an earlier one says."""
    seen: dict[tuple[str, ...], int] = {}
    ties = draft.content.get("ties", [])
    for n, tie in enumerate(ties if isinstance(ties, list) else []):
        kind, a, b = (tie.get("kind"), tie.get("a"), tie.get("b")) if isinstance(tie, dict) else (None, None, None)
        if isinstance(kind, str) and isinstance(a, str) and isinstance(b, str):
            file, line, _ = draft.origins.get(("ties", n), ("", 0, ()))
            key = (file, *key_of(kind, a, b))
            if key in seen:
                yield draft.fault(
                    ("ties", n),
                    f"this {kind} of {a} and {b} stands on line {seen[key]} already; give it once",
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


def said(error: Any, *, near: bool = True) -> str:
    """What is wrong with a part of a scenario, and what would be right; near a known key if it is to be looked for."""
    if error["loc"][:2] == ("sweep", "vary") and len(error["loc"]) > 3:
        return "give finite numbers such as [0, 0.5, 1] or { start = 0, stop = 1, points = 3 }, points from 2 to 10000"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        kinds = error["ctx"].get("expected_tags", "crisis, sanction, bond, rivalry, …")
        return f"the kind of a shock is one of {kinds}"
    if error["type"] == "extra_forbidden" and error["loc"][-1] in known_keys():
        return "does not belong here"
    return phrase(error, keys_beside(error["loc"]) if near else ())


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of a scenario."""
    return Scenario.model_json_schema()


@cache
def known_keys() -> set[str]:
    """Every key that the schema knows."""
    tables = [schema(), *schema()["$defs"].values()]
    return {key for table in tables for key in table.get("properties", {})} | {"extends", "world"}


def keys_beside(loc: tuple[str | int, ...]) -> list[str]:
    """The keys that the table holding a validation error's place may have."""
    node: Any = schema()
    for part in place(loc)[:-1]:
        below = node.get("properties", {}).get(part) or node.get("additionalProperties") or node.get("items")
        node = below or next(iter(node.get("patternProperties", {}).values()), {})
        kinds = node.get("discriminator", {}).get("mapping", {})
        reference = kinds[loc[2]] if kinds else node.get("$ref", "")
        node = schema()["$defs"].get(reference.rpartition("/")[2], node)
    return [*node.get("properties", {})]
