"""Scenarios before they are validated: files read into drafts, and one draft merged over another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.faults import (
    Fault,
    InputError,
    PathInFile,
    field_name,
    quoted,
    read_toml,
    shown_path,
)
from sim.scenario import MAX_SHOCKS, MAX_STATES, MAX_TIES
from sim.settings import key_of
from sim.tables import Row, read_table

WORLD_FILES = (
    "world.toml", "states.csv", "ties.csv", "observed.toml", "posterior.csv", "stages.csv", "sources.toml",
    "import.log",
)  # fmt: skip
PASSED_OVER = re.compile(r"[.]|~[$]|readme([.]|$)|.*~$|(thumbs[.]db|desktop[.]ini)$", re.IGNORECASE)  # in its folder
STATE_COLUMNS = ("id", "name", "theatre", "capability", "capability_source")
STATE_OPTIONAL = ("gdp", "gdp_source", "autonomy", "autonomy_source", "initial", "initial_source", "fixed", "note")
TIE_COLUMNS = ("a", "b", "kind", "value")
TIE_OPTIONAL = ("regime", "since", "source", "note")
LISTS = {"ties": MAX_TIES, "shocks": MAX_SHOCKS}
NUMBERS = ("capability", "gdp", "autonomy")


@dataclass
class Draft:
    """Content of a scenario before it is validated, and the place in a file of each of its parts.

    Where a part could not be read the draft isn't whole, and nothing is said of what may be in that part.
    """

    content: dict[str, Any] = field(default_factory=dict)
    origins: dict[PathInFile, tuple[str, int, PathInFile]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    whole: bool = True
    world: str = ""  # name of the world that it is of
    files: tuple[Path, ...] = ()  # that it was read from, those extended first

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


def toml_draft(path: Path) -> Draft:
    """A TOML file as a draft; its origins give each element of a list a line too."""
    name = shown_path(path)
    draft = Draft(origins={(): (name, 1, ())}, files=(path,))
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


def merged(base: Draft, over: Draft) -> Draft:
    """One draft over another: tables merge, lists of ties and shocks grow, all else is replaced."""
    origins = dict(base.origins)
    content = merge_tables(base.content, over.content, (), origins)
    for path, origin in over.origins.items():
        if path[:1] in [(name,) for name in LISTS] and len(path) > 1 and isinstance(path[1], int):
            before = base.content.get(str(path[0]))
            path = (path[0], path[1] + (len(before) if isinstance(before, list) else 0), *path[2:])
        origins[path] = origin
    faults, whole = [*base.faults, *over.faults], base.whole and over.whole
    return Draft(content, origins, faults, whole, base.world, base.files + over.files)


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


def unread_faults(folder: Path, *, world_is_there: bool) -> Iterator[Fault]:
    """Files and folders in a world's folder that nothing reads, most often for a slip in their name.

    Where there is no world, only those that are named nearly as a world's files are.
    """
    there = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(there - {*WORLD_FILES}):
        if PASSED_OVER.match(name):
            continue
        meant = meant_file(name)
        if meant is None and not world_is_there:
            continue
        yield Fault(shown_path(folder / name), 1, "", f"is not read; {unread_remedy(name, meant, there)}")


def meant_file(name: str) -> str | None:
    """The file of a world that a name is nearly that of, whatever its case and ending; None where there is none."""
    stems = {file.partition(".")[0]: file for file in WORLD_FILES}
    near = difflib.get_close_matches(re.split(r"[. (]", name.casefold())[0], stems, n=1, cutoff=0.8)
    return stems[near[0]] if near else None


def unread_remedy(name: str, meant: str | None, there: set[str]) -> str:
    """What to do about a file that is not read."""
    if meant is None:
        return f"a world's folder has {', '.join(WORLD_FILES)}; move everything else out of it"
    if meant in there:
        return f"{meant} beside it is; keep one of the two"
    if name.casefold().endswith((".xlsx", ".xls", ".ods", ".numbers")):
        return f"save it as {meant}"
    return f"rename it to {meant}"


def world_draft(path: Path) -> Draft:
    """A world's folder as one draft: `world.toml`, `states.csv` and, where there is one, `ties.csv`."""
    draft = toml_draft(path)
    draft.faults += unread_faults(path.parent, world_is_there=path.is_file())
    for key in ("states", "ties"):
        if key in draft.content:
            draft.faults.append(draft.fault((key,), f"belongs into {key}.csv beside this file"))
    states: dict[str, Any] = {}
    ties: list[Any] = []
    draft.content |= {"states": states, "ties": ties}
    table = path.with_name("states.csv")
    name = shown_path(table)
    draft.origins["states",] = (name, 1, ())
    for line, row in rows(table, STATE_COLUMNS, STATE_OPTIONAL, NUMBERS, MAX_STATES, draft):
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
        for line, row in rows(table, TIE_COLUMNS, TIE_OPTIONAL, ("value",), MAX_TIES, draft):
            draft.origins["ties", len(ties)] = (name, line, ())
            ties.append({**row, "value": number(row["value"])} if "value" in row else row)
    return draft


def rows(
    path: Path, columns: Sequence[str], optional: Sequence[str], numbers: Sequence[str], most: int, draft: Draft
) -> list[Row]:
    """Line and filled cells of each good row of a table; what is wrong with it breaks the draft."""
    found = read_table(path, columns, optional, numbers, most)
    if found.faults:
        draft.broken(*found.faults)
    return found.rows


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
    seen: dict[tuple[str, ...], int] = {}  # the last place of each tie; those of one file stand together
    ties = draft.content.get("ties", [])
    for n, tie in enumerate(ties if isinstance(ties, list) else []):
        kind, a, b = (tie.get("kind"), tie.get("a"), tie.get("b")) if isinstance(tie, dict) else (None, None, None)
        if isinstance(kind, str) and isinstance(a, str) and isinstance(b, str):
            key = key_of(kind, a, b)
            if key in seen:
                before, now = (draft.origins.get(("ties", place), ("", 0, ())) for place in (seen[key], n))
                if before[0] == now[0]:
                    message = f"this {kind} of {a} and {b} stands on line {before[1]} already; give it once"
                    yield draft.fault(("ties", n), message)
            seen[key] = n
