"""The RO-Crate beside results: what files there are, with their hashes, what made them, from which scenarios."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sim.batch.store import MANIFEST, SEAL, Results, write_synced

CRATE = "ro-crate-metadata.json"

SPECIFICATION = "https://w3id.org/ro/crate/1.1"  # Sefton et al. 2020, doi:10.5281/zenodo.4031327

PARQUET = "application/vnd.apache.parquet"

MIT = "https://spdx.org/licenses/MIT"

MAKERS = "The blocs developers"  # as CITATION.cff has it

UNLICENSED = (
    "No licence has been chosen for these results: whoever publishes them chooses one. The scenarios shipped with"
    " blocs are under the MIT licence; each number in them cites its source in manifest.json."
)

UNSIGNED = (
    "The makers of the program that wrote these files. Whoever publishes the results puts their own name and web"
    " address as author and publisher."
)

Entity = dict[str, Any]


def write_crate(results: Results, shards: Collection[str]) -> None:
    """Write the crate of results whose shards are all there; command is what the user typed, '' where not known.

    Its dates are those of the files: the same folder gives the same crate.
    """
    content = {
        "@context": [f"{SPECIFICATION}/context", {"sha256": "https://schema.org/sha256"}],
        "@graph": crate_graph(results, shards),
    }
    write_synced(results.folder / CRATE, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode())


def crate_graph(results: Results, shards: Collection[str]) -> list[Entity]:
    """Every entity of the crate: the folder, its files, the scenarios, the software and the act that made it."""
    manifest = results.manifest()
    command = manifest.get("command", "")
    seals = [results.shards / name / SEAL for name in sorted(shards)]
    files = [
        file_entity(results.folder / MANIFEST, results),
        *(file for seal in seals for file in shard_entities(seal, results)),
    ]
    told = [scenario_entity(name, content) for name, content in manifest["scenarios"].items()]
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
        "about": entity_references(told),
        "mentions": {"@id": "#sweep"},
    }
    made: Entity = {
        "@id": "#sweep",
        "@type": "CreateAction",
        "name": "A sweep: many runs of each design point, on the same luck",
        "description": (f"{command}\n" if command else "") + "blocs replay . POINT-REPLICATE makes one run again",
        "startTime": file_time(began),
        "endTime": file_time(ended),
        "instrument": entity_references(software),
        "object": [{"@id": MANIFEST}, *entity_references(told)],
        "result": entity_references(files[1:]),
    }
    return [
        {"@id": CRATE, "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": SPECIFICATION}},
        root, *files, *told, *software, made,
        {"@id": "#makers", "@type": "Organization", "name": MAKERS, "description": UNSIGNED},
        {"@id": "#licence", "@type": "CreativeWork", "name": "No licence chosen", "description": UNLICENSED},
        {"@id": MIT, "@type": "CreativeWork", "name": "MIT License", "identifier": "MIT"},
    ]  # fmt: skip


def question_sentence(question: Mapping[str, Any]) -> str:
    """The question in a sentence."""
    points = question["points"]
    return (
        f"{sum(point['replicates'] for point in points)} runs of {len(points)} design points, seed {question['seed']}"
    )


def shard_entities(seal: Path, results: Results) -> list[Entity]:
    """A shard's seal and its tables, with the hashes that they were sealed with."""
    hashes: dict[str, str] = json.loads(seal.read_text(encoding="utf-8"))
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
        "sha256": sha256 or hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def scenario_entity(name: str, content: Mapping[str, Any]) -> Entity:
    """A scenario, held in full by the manifest."""
    told = {key: content[key] for key in ("question", "source") if content[key]}
    return {
        "@id": f"#scenario-{hashlib.sha256(name.encode()).hexdigest()[:16]}",
        "@type": "CreativeWork",
        "name": name,
        "alternateName": content["title"],
        **({"description": told["question"]} if "question" in told else {}),
        **({"citation": told["source"]} if "source" in told else {}),
        "isPartOf": {"@id": MANIFEST},
    }


def program_entity(name: str, version: str) -> Entity:
    """A program that took part, by its version."""
    made: Entity = {"@id": f"#{name}", "@type": "SoftwareApplication", "name": name, "softwareVersion": version}
    return {**made, "license": {"@id": MIT}, "creator": {"@id": "#makers"}} if name == "blocs" else made


def entity_references(entities: Sequence[Entity]) -> list[Entity]:
    """References to entities."""
    return [{"@id": entity["@id"]} for entity in entities]


def file_time(seconds: float) -> str:
    """A file's time as ISO 8601 has it."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat()
