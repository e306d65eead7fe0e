"""Find scenarios and worlds by name, read them, and resolve what they extend into a full scenario."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim.errors import Fault, InputError, PathInFile, display_path, quote, suggest
from sim.scenario.anchor import anchored_in, needs_anchor
from sim.scenario.checks.dates import refuse_two_lengths, replace_length, resolve_dates
from sim.scenario.checks.idle import (
    explain_unmatched,
    idle_beliefs,
    idle_dispositions,
    idle_institutions,
    idle_shocks,
    idle_trade,
    idle_without,
)
from sim.scenario.checks.levels import idle_levels, resolve_levels
from sim.scenario.checks.messages import describe_error, error_path
from sim.scenario.checks.references import reference_faults, sweep_faults
from sim.scenario.checks.sources import Bibliography, read_sources
from sim.scenario.files import Draft, duplicate_ties, merge_drafts, read_toml, read_toml_draft
from sim.scenario.overrides import with_mechanism_off
from sim.scenario.parameters import ARGUED_FOR, mark_taken_over
from sim.scenario.schema import Scenario, Tie
from sim.scenario.tables import WORLD_FILES, read_world_draft
from sim.scenario.ties import place_ties, tie_key

BASE = "baseline_2023"  # the scenario that the other shipped ones extend

NAME = re.compile(r"^[a-z][a-z0-9_]{0,59}$")

OF_A_WORLD = {*WORLD_FILES} - {"sources.toml"}  # which also lies beside scenarios, and is checked by itself

MAX_CHAIN = 50

CONTAINERS = {dict, list}

MOST_SUGGESTED = 1000  # with more faults, similar words are not searched


def folders() -> list[Path]:
    """Folders of scenarios: those of the user (`BLOCS_SCENARIOS`), then the shipped one."""
    own = [Path(part) for part in os.environ.get("BLOCS_SCENARIOS", "").split(os.pathsep) if part]
    return [*own, shipped_folder()]


def shipped_folder() -> Path:
    """Folder of the shipped scenarios: beside the package in a checkout, inside it after installation."""
    inside = Path(__file__).parents[1] / "scenarios"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "scenarios"


def load_bibliography(*files: Path) -> Bibliography:
    """Merge the bibliographies that scenario and world files may refer to.

    Parameters
    ----------
    *files
        Scenario or world files. Sources beside them override those of the user's folders, which override the
        shipped ones. Sources beside a later file override those beside an earlier one.

    Returns
    -------
    Bibliography
        The sources by their keys.

    Raises
    ------
    InputError
        If a bibliography cannot be read or has faults; it carries the faults of all.
    """
    merged: Bibliography = {}
    faults: list[Fault] = []
    for path in bibliographies(*files):
        try:
            merged |= read_sources(path)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return merged


def bibliographies(*files: Path) -> list[Path]:
    """Bibliographies that these files may refer to, each overridden by those after it."""
    beside = dict.fromkeys(folder for file in files for folder in source_folders(file))
    return [path for folder in [*reversed(folders()), *beside] if (path := folder / "sources.toml").is_file()]


def source_folders(file: Path) -> list[Path]:
    """Folders whose `sources.toml` a file may use: its own, and for a world's the one that contains `worlds/`."""
    folder = file.absolute().parent
    return [folder.parent.parent, folder] if folder.parent.name == "worlds" else [folder]


def scenario_names(places: Sequence[Path] | None = None) -> list[str]:
    """List the names of all scenarios.

    Parameters
    ----------
    places
        Folders to search; by default those of the user and the shipped one.

    Returns
    -------
    list of str
        Sorted names, `baseline…` first.
    """
    found = {path.stem for folder in places or folders() for path in folder.glob("*.toml") if path.stem != "sources"}
    return sorted(found, key=lambda name: (not name.startswith("baseline"), name))


def shipped_scenarios() -> dict[str, Scenario]:
    """Load the shipped scenarios by name, the baseline first, and ignore the user's folders."""
    return {name: load_scenario(shipped_folder() / f"{name}.toml") for name in scenario_names([shipped_folder()])}


def world_names() -> list[str]:
    """List the names of all worlds, sorted."""
    return sorted({path.parent.name for folder in folders() for path in folder.glob("worlds/*/world.toml")})


def find_scenario(reference: str) -> Path:
    """Find the file of a scenario or world by name or path; raises InputError if the name is unknown."""
    path = Path(reference)
    if path.suffix or path.is_dir() or len(path.parts) > 1:
        return world_file(path)
    for folder in folders():
        for key in ("extends", "world"):
            if (candidate := base_path(folder, reference, key)).is_file():
                return candidate
    known = [*scenario_names(), *world_names()]
    message = f"unknown scenario or world{suggest(reference, known)}; `blocs list` shows all"
    raise InputError([Fault(reference, 1, "", message)])


def world_file(path: Path) -> Path:
    """The `world.toml` for a world's folder or one of its files; any other path as it is."""
    if (path / "manifest.json").is_file() and not (path / "world.toml").is_file():
        message = "is a folder of results; give a scenario here, and the folder to compare, claims, report or query"
        raise InputError([Fault(display_path(path), 1, "", message)])
    if path.is_dir():
        return path / "world.toml"
    return path.with_name("world.toml") if path.name in OF_A_WORLD else path


def base_name(path: Path) -> Path | None:
    """File that a valid scenario file extends; None for a world."""
    if path.name == "world.toml":
        return None
    content, _ = read_toml(path)
    key = "extends" if "extends" in content else "world"
    return find_base(path, str(content[key]), key)


def files_of(reference: str | Path) -> list[Path]:
    """Files of a valid scenario: its own, those that it extends, and its world's last."""
    path: Path | None = find_scenario(str(reference))
    found = []
    while path is not None:
        found.append(path)
        path = base_name(path)
    return found


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario, and warnings of entries in its files that change nothing."""

    scenario: Scenario
    warnings: tuple[Fault, ...]


def load_scenario(reference: str | Path) -> Scenario:
    """Load a scenario or world.

    Parameters
    ----------
    reference
        A name, or the path of a file or a world's folder.

    Returns
    -------
    Scenario
        The resolved, frozen scenario, with its mechanisms of `without` switched off.

    Raises
    ------
    InputError
        If the name is unknown or the files have faults; it carries every fault.
    """
    return read_scenario(reference).scenario


def read_scenario(reference: str | Path) -> LoadedScenario:
    """Load a scenario with warnings of entries that change nothing; raises InputError with every fault."""
    with without_garbage_collection():
        path = find_scenario(str(reference))
        draft = read_draft(path, ())
        written = validate_draft(draft)
        scenario, idle = resolve_ties(written, draft)
        scenario = anchored_in(scenario, read_world(draft) if needs_anchor(scenario) else scenario)
    idle = [n for n in idle if written.ties[n].value != 0 or not in_table(draft, n)]
    warnings = [draft.fault(at, message) for at, message in idle_entries(scenario, written.ties, idle)]
    warnings += [draft.fault(at, message) for at, message in idle_levels(scenario)]
    for mechanism in scenario.without:
        scenario = with_mechanism_off(scenario, mechanism)
    warnings += [draft.fault(("shocks", n), message) for n, message in idle_shocks(scenario)]
    return LoadedScenario(scenario, tuple(sorted(warnings)))


def resolve_ties(written: Scenario, draft: Draft) -> tuple[Scenario, list[int]]:
    """Resolve the ties of a scenario as its files give it, and find the indices of those that change nothing."""
    if draft.world != ARGUED_FOR:
        written = written.model_copy(update={"parameters": mark_taken_over(written.parameters)})
    ties, idle = place_ties(written.ties, written.institutions)
    return written.model_copy(update={"ties": ties}), idle


def read_world(draft: Draft) -> Scenario:
    """The world of a draft without what scenario files change."""
    path = draft.files[0].absolute()
    places = [*(path.with_name(name) for name in WORLD_FILES), *bibliographies(path)]
    return read_same_world(path, tuple(place.read_bytes() if place.is_file() else b"" for place in places))


@lru_cache(maxsize=8)
def read_same_world(path: Path, contents: tuple[bytes, ...]) -> Scenario:
    """The world at a path, read once while its files and the bibliographies have these contents."""
    alone = read_draft(path, ())
    return resolve_ties(validate_draft(alone), alone)[0]


def in_table(draft: Draft, n: int) -> bool:
    """Whether a tie is a row of a world's table, where a value of 0 is intended."""
    return draft.origins["ties", n][2] == ()


def idle_entries(scenario: Scenario, ties: Sequence[Tie], idle: Sequence[int]) -> Iterator[tuple[PathInFile, str]]:
    """Path and message of each entry, except shocks, that changes nothing; mechanisms are not yet switched off."""
    present = {tie_key(tie) for tie in scenario.ties} if idle else set()
    yield from ((("ties", n), explain_unmatched(ties[n], present)) for n in idle)
    yield from ((("ties", n), message) for n, message in idle_trade(scenario, ties))
    if message := idle_without(scenario):
        yield ("without",), message
    yield from idle_dispositions(scenario)
    yield from idle_beliefs(scenario)
    yield from ((("institutions", name, "members"), message) for name, message in idle_institutions(scenario))


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause garbage collection while a file is read: reading makes no cycles, and the search is slow."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def validate_draft(draft: Draft) -> Scenario:
    """The scenario of a draft, its dates resolved to steps; raises InputError with every fault."""
    resolve_dates(draft)
    resolve_levels(draft)
    faults = [*draft.faults]
    sources: Bibliography | None = None
    try:
        sources = load_bibliography(*draft.files)
    except InputError as error:
        faults += error.faults
    scenario: Scenario | None = None
    try:
        scenario = Scenario.model_validate(freeze_content(draft.content), strict=True)
    except ValidationError as error:
        near = error.error_count() <= MOST_SUGGESTED
        faults += [
            draft.fault(error_path(item["loc"]), describe_error(item, near=near))
            for item in error.errors(include_url=False)
            if draft.whole or item["type"] not in ("missing", "too_short")
        ]
    for at, message in check_references(draft, sources):
        scenario = None  # frees memory: a draft may have a hundred thousand faults
        faults.append(draft.fault(at, message))
    faults += duplicate_ties(draft)
    if faults or scenario is None:
        raise InputError(faults)
    return scenario


def check_references(draft: Draft, sources: Bibliography | None) -> Iterator[tuple[PathInFile, str]]:
    """Faults of the names, sources and swept settings that a draft refers to."""
    yield from reference_faults(draft.content, sources, draft.whole)
    if draft.whole:
        yield from sweep_faults(draft.content)


def freeze_content(content: Any) -> Any:
    """Replace the lists of a draft's content by tuples; a table of plain cells is not copied."""
    if isinstance(content, dict):
        plain = CONTAINERS.isdisjoint(map(type, content.values()))
        return content if plain else {key: freeze_content(value) for key, value in content.items()}
    return tuple(map(freeze_content, content)) if isinstance(content, list) else content


def read_draft(path: Path, below: tuple[Path, ...]) -> Draft:
    """Read a scenario or world file and merge it over all that it extends."""
    path = world_file(path)
    if path.name == "world.toml":
        return refuse_keys(replace(read_world_draft(path), world=path.absolute().parent.name))
    draft = refuse_keys(read_toml_draft(path))
    if not draft.whole:
        return draft
    keys = [key for key in ("extends", "world") if key in draft.content]
    references = [draft.content.pop(key) for key in keys]
    if len(keys) != 1:
        message = "give either `extends`, a scenario, or `world`, a folder of worlds/"
        return draft.add_reading_faults(draft.fault(tuple(keys[:1]), message))
    (key,), (reference,) = keys, references
    if not isinstance(reference, str) or not NAME.fullmatch(reference):
        message = f"{quote(reference)} is not a name; give one without folders or dots, such as baseline_2023"
        return draft.add_reading_faults(draft.fault((key,), message))
    if path in below:
        chain = " → ".join(p.stem for p in (*below, path))
        message = f"extends itself in a cycle: {chain}; extend a scenario that ends in a world"
        draft.content.clear()  # the draft above has it already
        return draft.add_reading_faults(draft.fault((key,), message))
    if len(below) >= MAX_CHAIN:
        message = f"more than {MAX_CHAIN} scenarios extend one another; extend one nearer to its world"
        return draft.add_reading_faults(draft.fault((key,), message))
    base = find_base(path, reference, key)
    if base is None:
        return draft.add_reading_faults(draft.fault((key,), missing_base(path, reference, key)))
    return merge_drafts(replace_length(read_draft(base, (*below, path)), draft), draft)


def refuse_keys(draft: Draft) -> Draft:
    """Refuse two lengths in one file, and an anchor, which is always the world's file."""
    if "anchor" in draft.content:
        draft.faults.append(draft.fault(("anchor",), "does not belong here; the anchor is the world's file"))
        del draft.content["anchor"]
    return refuse_two_lengths(draft)


def find_base(path: Path, reference: str, key: str) -> Path | None:
    """File that a scenario extends, from its own folder first; None if there is none."""
    for folder in [path.parent, *folders()]:
        candidate = base_path(folder, reference, key)
        if candidate.is_file() and candidate.resolve().is_relative_to(folder.resolve()):
            return candidate
    return None


def base_path(folder: Path, reference: str, key: str) -> Path:
    """Path that the file of a reference would have in a folder."""
    return folder / f"{reference}.toml" if key == "extends" else folder / "worlds" / reference / "world.toml"


def missing_base(path: Path, reference: str, key: str) -> str:
    """Fault of a reference to an unknown scenario or world, or to one outside the folder."""
    if any(base_path(folder, reference, key).is_file() for folder in [path.parent, *folders()]):
        return f"{reference!r} is a link that leads out of its folder; put a copy there"
    if key == "world":
        return f"unknown world {reference!r}{suggest(reference, world_names())}"
    beside = [other.stem for other in path.parent.glob("*.toml") if other.stem not in (path.stem, "sources")]
    return f"unknown scenario {reference!r}{suggest(reference, [*scenario_names(), *beside])}"
