"""The manifest of a results folder: the question, the command, the scenarios and the versions."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field, model_validator

from sim.batch.tables.columns import Table, text_column
from sim.calendar import step_ends
from sim.errors import Fault, InputError, display_path
from sim.files import read_file
from sim.scenario.loading import scenario_names, world_names
from sim.scenario.overrides import with_settings
from sim.scenario.schema import MAX_REPLICATES, IsoDate, Scenario, hash_content
from sim.scenario.shocks import MAX_STEPS

MANIFEST = "manifest.json"
FORMAT = 3  # 1 had every outcome of every step; 2 has moves; seals of 3 name their runs

CHANGED = (
    "the record was changed, or another version of the program wrote it; take the manifest that the sweep wrote, or"
    " make the results again in another folder"
)


class PointRecord(BaseModel):
    """A design point in the manifest."""

    scenario: str
    settings: dict[str, float]
    replicates: Annotated[int, Field(ge=1, le=MAX_REPLICATES)]
    digest: str
    stored: Annotated[int, Field(ge=0, lt=2**31)] | None = None  # its number in the shards; default: its place
    chunks: list[tuple[int, Annotated[int, Field(ge=1)]]] | None = None  # (last replicate, size) of each series

    @model_validator(mode="after")
    def every_replicate(self) -> PointRecord:
        """Require that recorded chunks cover the replicates in order and without a gap."""
        ends = [0, *(last for last, _ in self.chunks)] if self.chunks is not None else [0, self.replicates]
        if ends[-1] != self.replicates or any(one >= other for one, other in pairwise(ends)):
            raise ValueError("chunks do not cover the replicates")
        return self


class QuestionRecord(BaseModel):
    """A question in the manifest."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    lens: Literal["histories", "tendency"]
    keep: list[Literal["steps"]]
    at: list[IsoDate]
    points: Annotated[list[PointRecord], Field(min_length=1)]

    @model_validator(mode="after")
    def one_number_each(self) -> QuestionRecord:
        """Require that each point has its own number in the shards."""
        numbers = [n if point.stored is None else point.stored for n, point in enumerate(self.points)]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two points have the same number")
        return self


class ScenarioRecord(BaseModel):
    """The part of a recorded scenario that gives its steps their number and their dates."""

    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    step: Literal["round", "month", "quarter", "year"] = "round"
    date: IsoDate | None = None

    @model_validator(mode="after")
    def every_date(self) -> ScenarioRecord:
        """Require that the last step ends before the year 10000, and that rounds have no date."""
        step_ends(self.date, self.step, self.steps)
        return self


class Manifest(BaseModel):
    """The content that every manifest needs."""

    format: Literal[3]
    question: QuestionRecord
    versions: dict[str, str] = {}
    command: str = ""
    scenarios: dict[str, ScenarioRecord]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of a folder's manifest.

    Raises InputError where the folder contains no results, or results in another format: then with the command that
    makes them again.
    """
    content = any_manifest(folder)
    if message := other_format(content):
        raise InputError([Fault(display_path(folder), 1, "", message)])
    try:
        Manifest.model_validate(content)
    except (ValueError, KeyError):
        raise missing_results(folder) from None
    if message := record_fault((folder / MANIFEST).read_text(encoding="utf-8")):
        raise InputError([Fault(display_path(folder / MANIFEST), 1, "", message)])
    return content


def record_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the question and the scenarios of a manifest, which is written with them."""
    return hash_content([content.get("question"), content.get("scenarios")])


@lru_cache(maxsize=4)
def record_fault(text: str) -> str:
    """Say how a manifest contradicts itself, once for each text; '' where it does not.

    A manifest with the hash of its record is as the sweep wrote it, so its digests are not computed again.
    """
    content = json.loads(text)
    return "" if content.get("record") == record_hash(content) else changed_point(content)


def changed_point(content: Mapping[str, Any]) -> str:
    """Say which point's recorded scenario has another digest than the recorded one; '' where none has."""
    scenarios: dict[str, Scenario] = {}
    for n, point in enumerate(content["question"]["points"]):
        name = point["scenario"]
        try:
            if name not in scenarios:
                scenarios[name] = Scenario.model_validate(content["scenarios"][name])
            scenario = with_settings(scenarios[name], point["settings"])
        except (KeyError, ValueError):
            return f"the scenario of point {n} ({name}) cannot be read: {CHANGED}"
        if message := digest_fault(n, point, scenario):
            return message
    return ""


def digest_fault(number: int, point: Mapping[str, Any], scenario: Scenario) -> str:
    """Say that a scenario is not the one that a recorded point was run with; '' where it is."""
    if scenario.digest() == point["digest"]:
        return ""
    return f"the scenario of point {number} ({point['scenario']}) does not have its recorded digest: {CHANGED}"


def any_manifest(folder: Path) -> dict[str, Any]:
    """The content of a folder's manifest in any format; raises InputError where the folder contains no results."""
    try:
        content = json.loads(read_file(folder / MANIFEST))
        if all(isinstance(content[key], dict) for key in ("question", "scenarios")):
            return dict(content)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    raise missing_results(folder)


def other_format(content: Mapping[str, Any]) -> str:
    """Say that results are in another format, and how to make them again; '' where they are in this one."""
    found = content.get("format", 1)
    if found == FORMAT:
        return ""
    versions = content.get("versions")
    version = versions.get("blocs", "") if isinstance(versions, dict) else ""
    by = f" by blocs {version}" if isinstance(version, str) and version else ""
    command = recorded_command(content)
    unknown = f"(the record has no command; its scenarios are {', '.join(content['scenarios'])})"
    again = f"with `{command}`" if command else unknown
    return f"was written{by} in another format; remove the folder, and make the results again {again}"


def recorded_command(content: Mapping[str, Any]) -> str:
    """The command that made results; '' if Python made them or the record is not one blocs command."""
    command = str(content.get("command", ""))
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return command if words[:1] == ["blocs"] and shlex.join(words) == command else ""


def command_that_keeps(content: Mapping[str, Any], *words: str, replaced: Sequence[str] = ()) -> str:
    """The command of a sweep with more words and a new folder, such as `--keep steps`, without the replaced options."""
    given = shlex.split(recorded_command(content))
    if given[1:2] != ["sweep"]:
        return f"blocs sweep {shlex.join(content['scenarios'])} {shlex.join(words)} --out FOLDER"
    kept: list[str] = []
    left_out = ("--out", *replaced)
    for word in given:
        if kept[-1:] and kept[-1] in left_out:
            kept.pop()
        elif word.partition("=")[0] not in left_out or "=" not in word:
            kept.append(word)
    return f"{shlex.join([*kept, *words])} --out FOLDER"


def tendency_command(content: Mapping[str, Any]) -> str:
    """The command that sweeps the same scenarios under the lens of tendency."""
    return command_that_keeps(content, "--lens", "tendency", replaced=("--lens", "--at", "--steps"))


def absent_table(error: str, content: Mapping[str, Any]) -> str:
    """Explain DuckDB's error for a table that a sweep stores on request only, or that 0.1 had; '' for another error."""
    found = re.search(r"Table with name (\w+) does not exist", error)
    name = found[1].lower() if found else ""
    if name == "steps":
        command = command_that_keeps(content, "--keep", "steps")
        return f"has no table steps: outcomes at every step are stored on request. Make them with `{command}`"
    if name == "dates":
        command = command_that_keeps(content, "--at", "DATE")
        return f"has no table dates: no date was asked for. Ask with `{command}`"
    return "has no table trajectory; the view alignments replaces it" if name == "trajectory" else ""


def missing_results(folder: Path) -> InputError:
    """The error for a path that is not a folder of results, perhaps the name or file of a scenario."""
    known = not folder.exists() and str(folder) in (*scenario_names(), *world_names())
    message = "holds no results; make some with `blocs sweep SCENARIO… --out FOLDER`"
    if known or (folder.suffix == ".toml" and folder.is_file()):
        name = shlex.quote(display_path(folder))
        message = f"is a scenario; run it with `blocs sweep {name}` and give the folder that it names"
    return InputError([Fault(display_path(folder), 1, "", message)])


def stored_numbers(manifest: Mapping[str, Any]) -> list[int]:
    """The number in the shards of each point of the question."""
    asked = manifest["question"]["points"]
    return [n if point.get("stored") is None else point["stored"] for n, point in enumerate(asked)]


def points_table(manifest: Mapping[str, Any]) -> Table:
    """One row per design point: its number, its scenario and its swept settings (NaN: not swept).

    The column of a parameter has the short name, such as `w_pressure`. Raises InputError where two columns have
    the same name; SQL ignores case.
    """
    asked = manifest["question"]["points"]
    settings = dict.fromkeys(path for point in asked for path in point["settings"])
    columns = {path: path.removeprefix("parameters.") for path in settings}
    counted = Counter(name.casefold() for name in ("point", "scenario", *columns.values()))
    if repeated := [path for path, name in columns.items() if counted[name.casefold()] > 1]:
        message = "gives a column of `points` a name that another column has; sweep it under one name"
        raise InputError([Fault(MANIFEST, 1, path, message) for path in repeated])
    return {
        "point": np.arange(len(asked), dtype=np.int64),
        "scenario": text_column([point["scenario"] for point in asked]),
        **{
            name: np.array([point["settings"].get(path, np.nan) for point in asked], dtype=float)
            for path, name in columns.items()
        },
    }
