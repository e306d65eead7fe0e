"""Mutants of honest folders of results: what a stranger could put into a record, a seal, a table or the folder."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from sim.batch.design import own_shards
from sim.files import hash_file
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

SECRET = "secret-of-a-file-outside"
SCALARS: list[Any] = [
    None, True, -1, 0, 1, 7, 10**6, 2**31, 10**30, -0.5, 1.5, 1e308, float("nan"), float("inf"), "", "x", "ok",
    "0" * 64, "../outside", "2023-10-25", "'; drop table runs; --", "\x1b[31m\u202e", "y" * 300, [], {}, [1], [[]],
    {"a": 1}, [3, 3], [[3, 3]],
]  # fmt: skip
TYPES = ["varchar", "blob", "double", "integer", "boolean", "hugeint", "timestamp", "varchar[]", "float", "date"]
VALUES = [
    "null", "-1", "4611686018427387904", "-4611686018427387904", "1e308", "'nan'::double", "'-inf'::double", "''",
    "'unknown'", "repeat('long ', 60)", "repeat('huge', 300000)", "0.5", "99", "'failed'", "'ok'",
]  # fmt: skip
WORDS = ["round", "year", "month", "tendency", "histories", "kept", "fresh", "steps", "unix_1988", "a", "b", "random"]
Mutation = Callable[["Mutant"], str]


class Mutant:
    """A copy of an honest folder, which mutations change.

    Parameters
    ----------
    folder
        The copy.
    outside
        A folder beside it with files that no command may change or read.
    foreign
        An honest folder of another seed.
    rng
        Chooses the mutations.
    """

    def __init__(self, folder: Path, outside: Path, foreign: Path, rng: random.Random) -> None:
        self.folder, self.outside, self.foreign, self.rng = folder, outside, foreign, rng

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"

    def read_paths(self) -> list[Path]:
        """What commands read in the folder: its record, and all in the folder of the shards."""
        place = self.folder / "shards"
        return [self.manifest, place, *([] if place.is_symlink() else place.rglob("*"))]

    def shards(self) -> list[Path]:
        """The folders among the shards."""
        place = self.folder / "shards"
        return sorted(p for p in place.iterdir() if p.is_dir()) if place.is_dir() else []

    def shard(self) -> Path:
        """A shard, or the folder itself where there is none."""
        return self.rng.choice(self.shards() or [self.folder])

    def table(self) -> Path:
        """A file of a table, which may be missing."""
        found = sorted(p for p in self.shard().glob("*.parquet") if p.is_file() and not p.is_symlink())
        return self.rng.choice(found or [self.folder / "shards" / "missing.parquet"])

    def json_file(self) -> Path:
        """A manifest or a seal."""
        return self.rng.choice([self.manifest, self.manifest, self.shard() / "seal.json"])

    def any_path(self) -> Path:
        """A file or folder that results have, or could have."""
        names = ["manifest.json", "shards", "damaged", ".lock", ".holder", "ro-crate-metadata.json", "report.html"]
        inner = [self.shard(), self.shard() / "seal.json", self.table()]
        return self.rng.choice([*(self.folder / name for name in names), *inner, *inner])


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where it has none."""
    try:
        return json.loads(path.read_bytes()) if path.is_file() else None
    except (ValueError, RecursionError):
        return None


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, where it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON content, with each of its keys."""
    for key in list(content) if isinstance(content, dict) else range(len(content)):
        yield content, key
        if isinstance(content[key], (dict, list)):
            yield from places(content[key])


# Records


def change_value(mutant: Mutant) -> str:
    """Another value, no value, another name or a repeated entry somewhere in a record."""
    path, rng = mutant.json_file(), mutant.rng
    content = read_json(path)
    if not isinstance(content, dict):
        return "nothing"
    part = content.get("question", content) if rng.random() < 0.6 else content
    found = list(places(part)) if isinstance(part, (dict, list)) else []
    if not found:
        return "nothing"
    container, key = rng.choice(found)
    how = rng.choice(["value", "value", "other", "other", "word", "delete", "rename", "repeat", "negate"])
    if how == "delete":
        del container[key]
    elif how == "rename" and isinstance(container, dict):
        container[rng.choice(["x", "../x", key + "x", "z" * 2000])] = container.pop(key)
    elif how == "repeat" and isinstance(container, list):
        container += [container[key]] * rng.choice([1, 2, 1000])
    elif how == "other":
        there, place = rng.choice(found)
        container[key] = copy.deepcopy(there[place])
    elif how == "word":
        container[key] = rng.choice(WORDS)
    elif how == "negate" and isinstance(container[key], (int, float)):
        container[key] = rng.choice([-container[key], container[key] + 1, container[key] * 1000, str(container[key])])
    else:
        container[key] = rng.choice([*SCALARS, "w" * 1_000_000])
    path.write_text(json.dumps(content), "utf-8")
    return f"{how} {key!r:.40} of {path.name}"


def break_file(mutant: Mutant) -> str:
    """A file cut short, with a changed byte, or with other content."""
    rng = mutant.rng
    path = rng.choice([mutant.json_file(), mutant.table()])
    if not path.is_file():
        return "nothing"
    content = bytearray(path.read_bytes())
    how = rng.choice(["cut", "flip", "flip", "empty", "more", "deep", "bytes", "list", "wide", "bom"])
    if how == "flip" and content:
        for _ in range(rng.choice([1, 1, 20])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    other: dict[str, bytes] = {
        "cut": bytes(content[: rng.randrange(len(content) + 1)]),
        "empty": b"",
        "more": bytes(content) + rng.randbytes(40),
        "deep": b"[" * 200_000,
        "bytes": rng.randbytes(200),
        "list": b"[]",
        "wide": b"[" + b"[]," * 200_000 + b"[]]",
        "bom": b"\xef\xbb\xbf" + bytes(content),
    }
    path.write_bytes(other.get(how, bytes(content)))
    return f"{how} {path.name}"


def forge_digests(mutant: Mutant) -> str:
    """The digests of a changed record, as the program would compute them."""
    content = read_json(mutant.manifest)
    try:
        for point in content["question"]["points"]:
            scenario = Scenario.model_validate(content["scenarios"][point["scenario"]])
            point["digest"] = with_settings(scenario, point["settings"]).digest()
    except (KeyError, TypeError, ValueError, AttributeError):
        return "nothing"
    mutant.manifest.write_text(json.dumps(content), "utf-8")
    return "digests forged"


def forge_seals(mutant: Mutant) -> str:
    """Seals that fit the record and the tables, as the program would write them."""
    content = read_json(mutant.manifest)
    shards = [shard for shard in mutant.shards() if not shard.is_symlink()]
    identities: dict[str, str] = {}
    with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError):
        identities = {name: own.identity for name, own in own_shards(content, [s.name for s in shards]).items()}
    for shard in shards:
        seal = read_json(shard / "seal.json")
        if isinstance(seal, dict) and not (shard / "seal.json").is_symlink():
            tables = [p for p in shard.glob("*.parquet") if p.is_file() and not p.is_symlink()]
            seal["of"], seal["files"] = (
                identities.get(shard.name, seal.get("of")),
                {p.name: hash_file(p) for p in tables},
            )
            (shard / "seal.json").write_text(json.dumps(seal), "utf-8")
    return "seals forged"


# Tables


@functools.cache
def database() -> duckdb.DuckDBPyConnection:
    """The database that writes changed tables."""
    return duckdb.connect(config={"threads": 1})


def change_table(mutant: Mutant) -> str:
    """Other columns, types, values or rows in a table; in most cases with a seal that fits."""
    rng, path = mutant.rng, mutant.table()
    if not path.is_file():
        return "nothing"
    new = path.with_suffix(".new")
    try:
        names = [name for name, *_ in database().execute(f"describe select * from '{path}'").fetchall()]  # noqa: S608
        name, other = rng.choice(names), rng.choice(names)
        if rng.random() < 0.4:
            name = rng.choice([key for key in names if key in KEYS] or names)
        changes = {
            "drop": f'* exclude ("{name}")',
            "rename": f'* exclude ("{name}"), "{name}" as {rng.choice(["x", "POINT", "seed_", "designs"])}',
            "type": f'* replace ("{name}"::{rng.choice(TYPES)} as "{name}")',
            "value": f'* replace ({rng.choice(VALUES)} as "{name}")',
            "one value": f"* replace (case when row_number() over () = 1 then {rng.choice(VALUES)}"
            f' else "{name}" end as "{name}")',
            "swap": f'* replace ("{other}" as "{name}")',
            "more": "*, 1 as invented",
            "count": f'* replace ("{name}" + 1 as "{name}")',
        }
        how = rng.choice([*changes, "value", "one value", "one value", "twice", "none", "many", "first", "kind"])
        query = f"select {changes.get(how, '*')} from '{path}'"  # noqa: S608
        rest = {"twice": f"union all select * from '{path}'", "none": "limit 0", "first": "limit 1"}.get(how, "")  # noqa: S608
        query = f"{query} {rest}"
        if how == "many":
            query = f"select part.* from '{path}' as part, range({rng.choice([100, 20_000])})"  # noqa: S608
        if how == "kind":
            query = f"select * from '{rng.choice(sorted(path.parent.glob('*.parquet')))}'"  # noqa: S608
        database().execute(f"copy ({query}) to '{new}' (format parquet, compression zstd)")
    except duckdb.Error:
        new.unlink(missing_ok=True)
        return "nothing"
    new.replace(path)
    return f"{how} {name} of {path.name}"


KEYS = (
    "point",
    "replicate",
    "seed",
    "status",
    "error",
    "state",
    "step",
    "scenario",
    "digest",
    "start",
    "final",
    "cause",
)


# Files and folders


def plant_link(mutant: Mutant) -> str:
    """A link, a pipe, a folder or a hole in the place of a file or folder."""
    rng, path = mutant.rng, mutant.any_path()
    how = rng.choice(
        ["link", "link", "link out", "moved out", "moved out", "pipe", "folder", "device", "loop", "large", "gone"]
    )
    if how == "moved out" and os.path.lexists(path):
        shutil.move(path, mutant.outside / "moved")
        path.symlink_to(mutant.outside / "moved")
        return f"moved out {path.name}"
    remove(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
        (path / "file").write_text("x", "utf-8")
    elif how == "device":
        path.symlink_to("/dev/zero")
    elif how == "loop":
        path.symlink_to(path.name)
    elif how == "large":
        path.touch()
        os.truncate(path, 3 * 2**30)
    elif how == "link":
        path.symlink_to(mutant.outside / rng.choice(["secret.json", "missing", "folder"]))
    elif how == "link out":
        path.symlink_to(rng.choice(["../outside/secret.json", "/etc", "../outside"]))
    return f"{how} {path.name}"


def move_shards(mutant: Mutant) -> str:
    """Shards that are missing, foreign, copied, renamed or mixed up."""
    rng, shard, place = mutant.rng, mutant.shard(), mutant.folder / "shards"
    if not place.is_dir() or place.is_symlink() or shard == mutant.folder:
        return "nothing"
    names = ["000000-00000005", "000009-00000000", "stray", "x'y", "*", "a" * 200, f"{shard.name} (copy)", ".hidden"]
    other, target = rng.choice(mutant.shards()), place / rng.choice(names)
    how = rng.choice(["missing", "foreign", "foreign tables", "copy", "rename", "exchange", "empty", "file", "all"])
    if how in ("missing", "rename", "exchange", "empty", "foreign", "foreign tables") and shard.is_symlink():
        return "nothing"
    if how == "missing":
        shutil.rmtree(shard)
    elif how in ("foreign", "foreign tables"):
        source = mutant.foreign / "shards" / shard.name
        if source.is_dir():
            if how == "foreign":
                shutil.rmtree(shard)
            for path in source.glob("*.parquet") if shard.is_dir() else ():
                remove(shard / path.name)
            shutil.copytree(
                source, shard, dirs_exist_ok=True, ignore=lambda _, names: ["seal.json"] * (how != "foreign")
            )
    elif how == "copy" and not target.exists():
        shutil.copytree(shard, target, symlinks=True, ignore=lambda folder, _: [
            p.name for p in Path(folder).iterdir() if p.is_fifo()])  # fmt: skip
    elif how == "rename" and not target.exists():
        shard.rename(target)
    elif how == "exchange" and other != shard:
        shard.rename(place / "aside")
        other.rename(shard)
        (place / "aside").rename(other)
    elif how == "empty":
        shutil.rmtree(shard)
        shard.mkdir()
    elif how == "file":
        (place / "file").write_text("x", "utf-8")
    elif how == "all":
        shutil.rmtree(place)
    return f"{how} {shard.name}"


MUTATIONS: list[Mutation] = [
    change_value, change_value, change_value, change_table, change_table, change_table, break_file, plant_link,
    move_shards,
]  # fmt: skip


def mutate(mutant: Mutant) -> list[str]:
    """Change a folder in one to three ways, in most cases with digests and seals that fit; say how."""
    rng = mutant.rng
    done = [attempt(rng.choice(MUTATIONS), mutant) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    if rng.random() < 0.6:
        done.append(attempt(forge_digests, mutant))
    if rng.random() < 0.8:
        done.append(attempt(forge_seals, mutant))
    return done


def attempt(mutation: Mutation, mutant: Mutant) -> str:
    """Change a folder, where an earlier change has left what this one needs."""
    try:
        return mutation(mutant)
    except OSError:
        return "nothing"
