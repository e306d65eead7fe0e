"""The manifest of a results folder: the question, the command, the scenarios and the versions."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from sim.batch.digests import changed_points
from sim.batch.tables.columns import Arrays, text_column
from sim.calendar import ROUND, step_ends
from sim.errors import Fault, InputError, PathInFile, display_path, explain_error, field_name, quote, shorten, suggest
from sim.files import read_record
from sim.scenario.loading import scenario_names, world_names
from sim.scenario.schema import MAX_BLOCS, MAX_REPLICATES, MAX_STATES, IsoDate
from sim.scenario.shocks import MAX_STEPS, Name, StateId

MANIFEST = "manifest.json"
FORMAT = 3  # 1 had every outcome of every step; 2 has moves; seals of 3 name their runs

MOST_FAULTS = 20  # of a manifest that are said; each takes a kilobyte, and a record may have a million

RESTORE = "take the manifest that the sweep wrote, or make the results again in another folder"

Text = Annotated[str, Field(max_length=10_000)]
Key = Annotated[str, Field(max_length=1_000)]


class ReadManifest(BaseModel):
    """A part of a manifest as JSON has it: a text counts as no number, and neither does NaN."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, hide_input_in_errors=True)


def at_most(most: int) -> BeforeValidator:
    """Refuse a list or table of more entries before any of them is checked."""

    def check(given: Any) -> Any:
        if isinstance(given, (list, dict)) and len(given) > most:
            raise ValueError(f"has {len(given)} entries; give at most {most}")
        return given

    return BeforeValidator(check)


def covers(chunks: list[list[int]]) -> list[list[int]]:
    """Require pairs of a last replicate and a size, in order and without a gap."""
    ends = [0, *(last for last, _ in chunks)]
    if any(one >= other for one, other in pairwise(ends)):
        raise ValueError("chunks do not cover the replicates")
    return chunks


Found = list[tuple[str, str]]  # fields and messages of faults
Pair = Annotated[list[Annotated[int, Field(ge=1, le=MAX_REPLICATES)]], Field(min_length=2, max_length=2)]


class WholeManifest(ReadManifest):
    """A part of a manifest that has no other fields than these."""

    model_config = ConfigDict(extra="forbid")


class PointRecord(WholeManifest):
    """A design point in the manifest."""

    scenario: Key
    settings: Annotated[dict[Key, float], at_most(1_000)]
    replicates: Annotated[int, Field(ge=1, le=MAX_REPLICATES)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    stored: Annotated[int, Field(ge=0, lt=2**31)] | None = None  # its number in the shards; default: its place
    chunks: Annotated[list[Pair], at_most(10_000), AfterValidator(covers)] | None = None  # (last replicate, size)

    @model_validator(mode="after")
    def every_replicate(self) -> PointRecord:
        """Require that recorded chunks cover the replicates."""
        if self.chunks is not None and [last for last, _ in self.chunks][-1:] != [self.replicates]:
            raise ValueError("chunks do not cover the replicates")
        return self


class QuestionRecord(WholeManifest):
    """A question in the manifest, without its points."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    lens: Literal["histories", "tendency"]
    keep: Annotated[list[Literal["steps"]], at_most(1)]
    at: Annotated[list[IsoDate], at_most(10_000)]
    points: Annotated[list[Any], Field(min_length=1)]  # each is a PointRecord


class Named(ReadManifest):
    """A state or a bloc of a recorded scenario."""

    name: Text


class SweepRecord(ReadManifest):
    """The part of a recorded scenario's own sweep that readers use."""

    lens: Literal["histories", "tendency"]
    design: Key
    seed: Annotated[int, Field(ge=0, lt=2**63)]


class ScenarioRecord(ReadManifest):
    """The part of a recorded scenario that readers of tables use: its steps and dates, texts, blocs and states."""

    title: Text
    question: Text
    note: Text
    source: Text
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    step: Literal["round", "month", "quarter", "year"]
    date: IsoDate | None
    dispositions: Literal["fresh", "kept"]
    sweep: SweepRecord
    theatres: Annotated[dict[Name, Text], at_most(MAX_STATES)]
    blocs: Annotated[dict[Name, Named], Field(min_length=1), at_most(MAX_BLOCS)]
    states: Annotated[dict[StateId, Named], Field(min_length=1), at_most(MAX_STATES)]

    @model_validator(mode="after")
    def every_date(self) -> ScenarioRecord:
        """Require that the last step ends before the year 10000, and that rounds have no date."""
        if self.date is not None and self.step == ROUND:
            raise ValueError("rounds have no date")
        step_ends(self.date, self.step, self.steps)
        return self


class Manifest(WholeManifest):
    """The content that every manifest needs."""

    format: Literal[3]
    question: QuestionRecord
    versions: Annotated[dict[Key, Key], at_most(100)] = {}
    samplers: Annotated[dict[Key, Key], at_most(100)] = {}
    command: Annotated[str, Field(max_length=2**20)] = ""
    scenarios: Annotated[dict[Key, Any], Field(min_length=1), at_most(1_000)]  # each is a ScenarioRecord


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of a folder's manifest, which is checked once for each time at which it was written.

    Raises InputError with every fault, where the folder contains no results, or results in another format: then with
    the command that makes them again.
    """
    return checked_manifest(folder, last_written(folder))


def last_written(folder: Path) -> tuple[int, ...]:
    """The number, size and times of a folder's manifest; raises InputError where the folder contains no results."""
    try:
        found = (folder / MANIFEST).lstat()
    except OSError:
        raise missing_results(folder) from None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@lru_cache(maxsize=2)
def checked_manifest(folder: Path, written: tuple[int, ...]) -> dict[str, Any]:
    """What `read_manifest` returns; the time, size and number of the file only tell one file from the next."""
    content = any_manifest(folder)
    if message := other_format(content):
        raise InputError([Fault(display_path(folder), 1, "", message)])
    faults = manifest_faults(content) or [("", message) for message in changed_points(content)]
    if faults:
        raise InputError(Fault(display_path(folder / MANIFEST), 1, *fault) for fault in faults)
    return content


def manifest_faults(content: Mapping[str, Any]) -> Found:
    """The field and the message of the faults in the shape of a manifest: all, or the first 20."""
    question, scenarios = content["question"], content["scenarios"]
    found = model_faults(Manifest, content, ())
    sound: dict[str, ScenarioRecord] = {}
    for name, one in scenarios.items():
        if len(found) >= MOST_FAULTS:
            return found[:MOST_FAULTS]
        if faults := model_faults(ScenarioRecord, one, ("scenarios", name)):
            found += faults
        else:
            sound[name] = ScenarioRecord.model_validate(one)
    if isinstance(question.get("points"), list):
        found += point_faults(question["points"], scenarios)
    if not model_faults(QuestionRecord, question, ()):
        found += timing_faults(question, sound)
    return found[:MOST_FAULTS]


def point_faults(points: Sequence[Any], scenarios: Mapping[str, Any]) -> Found:
    """Faults of the points of a question, until there are 20."""
    found: Found = []
    numbers: Counter[int] = Counter()
    for n, point in enumerate(points):
        if faults := model_faults(PointRecord, point, ("question", "points", n)):
            found += faults
        else:
            numbers[n if point.get("stored") is None else point["stored"]] += 1
            if point["scenario"] not in scenarios:
                known = suggest(point["scenario"], scenarios)
                message = f"{quote(point['scenario'])} is not a recorded scenario{known}; {RESTORE}"
                found.append((f"question.points[{n}].scenario", message))
        if len(found) >= MOST_FAULTS:
            return found
    repeated = [number for number, count in numbers.items() if count > 1]
    return [*found, *(("question.points", f"several points have the number {n}; {RESTORE}") for n in repeated)]


def timing_faults(question: Mapping[str, Any], scenarios: Mapping[str, ScenarioRecord]) -> Found:
    """Faults of recorded scenarios with another lens than the question, or without a date that it asks for."""
    found: Found = []
    for name, own in scenarios.items():
        if own.sweep.lens != question["lens"]:
            message = f"is {own.sweep.lens}, and the question's is {question['lens']}; {RESTORE}"
            found.append((f"scenarios.{name}.sweep.lens", message))
        ends = step_ends(own.date, own.step, own.steps) if question["at"] else ()
        if missing := [day for day in question["at"] if not ends or not ends[0] <= day <= ends[-1]]:
            found.append(("question.at", f"the runs of {name} have no {missing[0]}; {RESTORE}"))
    return found


def model_faults(model: type[BaseModel], content: Any, at: PathInFile) -> Found:
    """The field and the message of every fault of a part of a record, which is at a path."""
    try:
        model.model_validate(content)
    except ValidationError as error:
        return [
            (field_name((*at, *one["loc"])), f"{explain_error(one, model.model_fields)}; {RESTORE}")
            for one in error.errors(include_url=False)
        ]
    return []


def any_manifest(folder: Path) -> dict[str, Any]:
    """The content of a folder's manifest in any format; raises InputError where it is missing or no record."""
    path = folder / MANIFEST
    try:
        content = read_record(path, RESTORE)
    except (FileNotFoundError, NotADirectoryError):
        raise missing_results(folder) from None
    wrong = [key for key in ("question", "scenarios") if not isinstance(content.get(key), dict)]
    if wrong:
        message = f"is missing or is not a table; {RESTORE}"
        raise InputError(Fault(display_path(path), 1, key, message) for key in wrong)
    return content


def other_format(content: Mapping[str, Any]) -> str:
    """Say that results are in another format, and how to make them again; '' where they are in this one."""
    if content.get("format") == FORMAT:
        return ""
    versions = content.get("versions")
    version = versions.get("blocs", "") if isinstance(versions, dict) else ""
    by = f" by blocs {version}" if isinstance(version, str) and version else ""
    command = recorded_command(content)
    unknown = f"(the record has no command; its scenarios are {shorten(', '.join(content['scenarios']), 500)})"
    again = f"with `{command}`" if command else unknown
    instead = f"remove the folder, and make the results again {again}"
    return f"was written{by} in another format (docs/migration.md); {instead}"


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
        if kept and kept[-1] in left_out:
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


def points_table(manifest: Mapping[str, Any]) -> Arrays:
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
