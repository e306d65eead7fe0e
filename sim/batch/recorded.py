"""The record of a results folder: versions, scenarios, counts of runs, failures, and its RO-Crate."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import platform
import tokenize
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sim import __version__
from sim.batch.design import point_labels
from sim.batch.digests import scenario_of
from sim.batch.manifest import MANIFEST, checked_manifest, last_written
from sim.batch.store import MAX_SEAL, SEAL, Results
from sim.errors import (
    Fault,
    InputError,
    PathInFile,
    display_path,
    escape_controls,
    explain_error,
    field_name,
    last_line,
)
from sim.files import hash_file, read_file, write_synced
from sim.scenario.checks.references import reference_faults
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

COMPUTING = (
    "model/**/*.py",
    "scenario/ties.py",
    "scenario/anchor.py",
    "scenario/lens.py",
    "calendar.py",
    "batch/tables/chunk.py",
)  # the modules that compute rows
PACKAGE = Path(__file__).parents[1]

CRATE = "ro-crate-metadata.json"
SPECIFICATION = "https://w3id.org/ro/crate/1.1"  # Sefton et al. 2020, doi:10.5281/zenodo.4031327
PARQUET = "application/vnd.apache.parquet"
MIT = "https://spdx.org/licenses/MIT"
MAKERS = "The blocs developers"  # as in CITATION.cff
UNLICENSED = (
    "These results have no licence yet: whoever publishes them chooses one. The scenarios shipped with"
    " blocs are under the MIT licence; each number in them cites its source in manifest.json."
)
UNSIGNED = (
    "The makers of the program that wrote these files. Whoever publishes the results puts their own name and web"
    " address as author and publisher."
)

Entity = dict[str, Any]


def current_versions() -> dict[str, str]:
    """Versions of everything that computes results, which are equal bit for bit where all versions are equal."""
    packages = ("mesa", "numpy", "numba", "scipy", "duckdb")
    return {
        "blocs": __version__,
        "rules": rules_hash(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{package: version(package) for package in packages},
    }


@cache
def rules_hash(package: Path = PACKAGE) -> str:
    """First 12 digits of the SHA-256 of the code that computes rows, without comments."""
    files = [path for pattern in COMPUTING for path in sorted(package.glob(pattern))]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return hashlib.sha256("\n".join(map(strip_comments, texts)).encode()).hexdigest()[:12]


def strip_comments(text: str) -> str:
    """The text of a module without comments, docstrings and blank lines, which change no result."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            lines[first - 1 : last] = [""] * (last - first + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(filter(None, map(str.rstrip, lines)))


@dataclass(frozen=True)
class RunCount:
    """Numbers of runs of one design point."""

    design: str
    asked: int
    ended: int
    failed: int

    @property
    def unfinished(self) -> int:
        """Runs that have neither ended nor failed."""
        return self.asked - self.ended - self.failed


def recorded_scenarios(results: Results) -> dict[str, Scenario]:
    """The scenarios of the manifest; raises InputError with everything that this version cannot read in them."""
    return dict(parse_scenarios(results.folder, last_written(results.folder)))


@lru_cache(maxsize=2)  # a report asks several times, and checking the references takes most of a second
def parse_scenarios(folder: Path, written: tuple[int, ...]) -> Mapping[str, Scenario]:
    """Parse the scenarios of a manifest; raises InputError with everything that this version cannot read in them."""
    found, faults = {}, []
    for name, record in checked_manifest(folder, written)["scenarios"].items():
        scenario, wrong = read_scenario_record(record, folder / MANIFEST, ("scenarios", name))
        faults += wrong
        if scenario is not None:
            found[name] = scenario
    if faults:
        raise InputError(faults)
    return found


def read_scenario_record(record: Any, file: Path, place: PathInFile) -> tuple[Scenario | None, list[Fault]]:
    """Read a scenario from its record at a place of a file; the faults are all that this version cannot read in it."""
    scenario = None
    try:
        scenario = scenario_of(record)
        wrong = [*reference_faults(record, None, True)]
        if record.get("anchor"):
            wrong += [(("anchor", *at), message) for at, message in reference_faults(record["anchor"], None, True)]
    except ValidationError as error:
        wrong = [(one["loc"], explain_error(one, ())) for one in error.errors(include_url=False)]
    except ValueError as error:
        wrong = [((), str(error))]
    faults = [
        Fault(
            display_path(file), 1, field_name((*place, *at)),
            f"{message}; the record was changed, or another version of the program wrote it",
        )
        for at, message in wrong
    ]  # fmt: skip
    return scenario, faults


def scenarios_as_run(results: Results, designs: Collection[str]) -> dict[str, Scenario]:
    """The scenario of each of these designs, with the settings of the sweep."""
    scenarios = recorded_scenarios(results)
    points = results.manifest()["question"]["points"]
    asked = dict(zip(point_labels(points), points, strict=True))
    chosen = {design: asked[design] for design in designs}
    try:
        return {
            design: with_settings(scenarios[point["scenario"]], point["settings"], note="set by the sweep")
            for design, point in chosen.items()
        }
    except ValueError as error:
        raise results.error(f"{error}; the record was changed, or another version of the program wrote it") from None


def count_runs(results: Results) -> list[RunCount]:
    """Count the runs that each design point asks for, has ended and has failed."""
    ended: dict[tuple[int, str], int] = {}
    if "runs" in results.tables():
        with results.reading(["runs"]) as connection:
            rows = connection.execute("select point, status, count(*) from runs group by all").fetchall()
            ended = {(point, status): count for point, status, count in rows}
    asked = results.manifest()["question"]["points"]
    return [
        RunCount(name, point["replicates"], ended.get((n, "ok"), 0), ended.get((n, "failed"), 0))
        for n, (name, point) in enumerate(zip(point_labels(asked), asked, strict=True))
    ]


def list_failures(results: Results) -> list[str]:
    """List the first ten failed runs, each with the last line of its error."""
    if "runs" not in results.tables():
        return []
    query = "select scenario, point, replicate, error from runs where status = 'failed' order by all"
    with results.reading(["runs"]) as connection:
        rows = connection.execute(query).fetchmany(10)
    return [f"{s}, point {p}, replicate {r}: {escape_controls(last_line(e))}" for s, p, r, e in rows]


def write_crate(results: Results, shards: Collection[str]) -> None:
    """Write the RO-Crate of finished results: all files with hashes, the scenarios and the software.

    Its dates are the files' dates, so the same folder gives the same crate.
    """
    content = {
        "@context": [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}],
        "@graph": crate_graph(results, shards),
    }
    write_synced(results.folder / CRATE, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode())


def crate_graph(results: Results, shards: Collection[str]) -> list[Entity]:
    """All entities of the crate: the folder, its files, the scenarios, the software and the sweep."""
    manifest = results.manifest()
    command = manifest.get("command", "")
    seals = [results.shards / name / SEAL for name in sorted(shards)]
    files = [
        file_entity(results.folder / MANIFEST, results),
        *(file for seal in seals for file in shard_entities(seal, results)),
    ]
    scenarios = [scenario_entity(name, content) for name, content in manifest["scenarios"].items()]
    software = [program_entity(name, version) for name, version in manifest["versions"].items() if name != "machine"]
    began, ended = (results.folder / MANIFEST).stat().st_mtime, max(seal.stat().st_mtime for seal in seals)
    root: Entity = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Runs of {', '.join(manifest['scenarios'])}",
        "description": question_sentence(manifest["question"]),
        "datePublished": file_time(ended),
        "license": {"@id": "#licence"},
        "creator": {"@id": "#makers"},
        "author": {"@id": "#makers"},
        "publisher": {"@id": "#makers"},
        "hasPart": entity_references(files),
        "about": entity_references(scenarios),
        "mentions": {"@id": "#sweep"},
    }
    sweep: Entity = {
        "@id": "#sweep",
        "@type": "CreateAction",
        "name": "A sweep: many runs of each design point, with common random numbers",
        "description": (f"{command}\n" if command else "") + "blocs replay . POINT-REPLICATE repeats one run",
        "startTime": file_time(began),
        "endTime": file_time(ended),
        "instrument": entity_references(software),
        "object": [{"@id": MANIFEST}, *entity_references(scenarios)],
        "result": entity_references(files[1:]),
    }
    return [
        {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": SPECIFICATION}},
        root, *files, *scenarios, *software, sweep,
        {"@id": "#makers", "@type": "Organization", "name": MAKERS, "description": UNSIGNED},
        {"@id": "#licence", "@type": "CreativeWork", "name": "No licence yet", "description": UNLICENSED},
        {"@id": MIT, "@type": "CreativeWork", "name": "MIT License", "identifier": "MIT"},
    ]  # fmt: skip


def question_sentence(question: Mapping[str, Any]) -> str:
    """Describe the question in one sentence."""
    points = question["points"]
    runs = sum(point["replicates"] for point in points)
    return f"{runs} runs of {len(points)} design points, seed {question['seed']}"


def shard_entities(seal: Path, results: Results) -> list[Entity]:
    """The seal of a shard and its tables, with the hashes of the seal."""
    hashes: dict[str, str] = json.loads(read_file(seal, MAX_SEAL))["files"]
    return [
        file_entity(seal, results),
        *(file_entity(seal.with_name(n), results, h) for n, h in sorted(hashes.items())),
    ]


def file_entity(path: Path, results: Results, sha256: str = "") -> Entity:
    """A file of the results with its size and hash."""
    return {
        "@id": path.relative_to(results.folder).as_posix(),
        "@type": "File",
        "name": path.name,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": PARQUET if path.suffix == ".parquet" else "application/json",
        "sha256": sha256 or hash_file(path),
    }


def scenario_entity(name: str, content: Mapping[str, Any]) -> Entity:
    """A scenario, whose full content is in the manifest."""
    names = {"question": "description", "source": "citation"}
    return {
        "@id": f"#scenario-{hashlib.sha256(name.encode()).hexdigest()[:16]}",
        "@type": "CreativeWork",
        "name": name,
        "alternateName": content["title"],
        **{name: content[key] for key, name in names.items() if content[key]},
        "isPartOf": {"@id": MANIFEST},
    }


def program_entity(name: str, version: str) -> Entity:
    """A program that computed the results, with its version."""
    program: Entity = {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
    return {**program, "license": {"@id": MIT}, "creator": {"@id": "#makers"}} if name == "blocs" else program


def entity_references(entities: Sequence[Entity]) -> list[Entity]:
    """References to entities."""
    return [{"@id": entity["@id"]} for entity in entities]


def file_time(seconds: float) -> str:
    """The time of a file in ISO 8601."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
