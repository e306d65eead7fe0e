"""Results of a stranger near every limit: a record, and tables that unpack to much, in less than 500 MB."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from batch.test_bounds import POINT, RECORD, SHARD, manifest, with_runs
from robustness.ground import LONG, run_after

from sim.batch.store import Results
from sim.files import hash_file

MEGABYTES = 500
PEAK = """
import atexit, pathlib
def write_peak():
    kilobytes = int(pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    pathlib.Path({path!r}).write_text(str(kilobytes // 1024))
atexit.register(write_peak)
"""
SETTINGS = {f"world.ties.A-B.bond_{n}": 0.5 for n in range(25)}
TEXT = 31 * 2**20 - 100_000  # bytes of the longest text beside an honest record
SHAPES: dict[str, Callable[[], dict[str, Any]]] = {
    "a text with an emoji": lambda: manifest(note="😀" + "x" * TEXT),
    "a text of escapes": lambda: manifest(note="\0" * (TEXT // 6)),
    "keys": lambda: manifest(note={str(n): 0 for n in range(1_200_000)}),
    "numbers": lambda: manifest(note=[0] * 1_200_000),
    "decimals": lambda: manifest(note=[0.1234567891234567] * 1_200_000),
    "tables": lambda: manifest(note=[{}] * 1_200_000),
    "points": lambda: manifest(question={"points": [{**POINT, "settings": SETTINGS}] * 20_000}),
    "points without settings": lambda: manifest(question={"points": [POINT] * 150_000}),
    "faults": lambda: manifest(question={"points": [{"x": n} for n in range(600_000)]}),
    "chunks": lambda: manifest(question={"points": [{**POINT, "chunks": [[0, 1]] * 400_000}]}),
    "dates": lambda: manifest(question={"at": ["2030-01-01"] * 1_200_000}),
    "scenarios": lambda: manifest(scenarios={f"s{n}": {} for n in range(600_000)}),
    "states": lambda: manifest(scenario={"states": {f"S{n}": {"name": "x"} for n in range(400_000)}}),
    "ties": lambda: manifest(scenario={"ties": [{"a": "A", "b": "B", "bond": 0.5}] * 300_000}),
    "ties that are numbers": lambda: manifest(scenario={"ties": [1] * 1_200_000}),
    "ties of the factual world": lambda: manifest(scenario={"anchor": {**RECORD, "ties": [{}] * 1_200_000}}),
    "keys of a scenario": lambda: manifest(scenario={f"k{n}": 0 for n in range(1_200_000)}),
    "institutions": lambda: manifest(scenario={"institutions": {f"k{n}": {} for n in range(400_000)}}),
    "parameters": lambda: manifest(scenario={"parameters": {f"k{n}": 0 for n in range(1_200_000)}}),
    "shocks": lambda: manifest(scenario={"shocks": [{}] * 1_200_000}),
    "shocks of few values": lambda: manifest(scenario={"shocks": [{f"k{n}": 0 for n in range(29)}] * 9_990}),
}


def read_with(words: list[str], tmp_path: Path) -> tuple[int, str, int]:
    """Exit code, standard error and the largest memory in MB of a command."""
    peak = tmp_path / "peak"
    done = run_after(PEAK.format(path=str(peak)), words)
    return done.returncode, done.stderr, int(peak.read_text())


@LONG
@pytest.mark.parametrize("shape", SHAPES)
def test_record_near_its_limits_takes_little_memory(shape: str, tmp_path: Path) -> None:
    results = with_runs(tmp_path / "results", manifest())
    text = json.dumps(SHAPES[shape](), ensure_ascii=False, separators=(",", ":"))
    (results.folder / "manifest.json").write_text(text, encoding="utf-8")
    code, err, megabytes = read_with(["compare", str(results.folder)], tmp_path)
    print(f"{shape}: {len(text.encode()) / 2**20:.1f} MB of text, exit code {code}, {megabytes} MB")
    assert code == 2, err
    assert "Traceback" not in err
    assert megabytes < MEGABYTES


def unpacking(results: Results, rows: int) -> None:
    """Give some rows an error of 300 MB, under a seal that fits."""
    path = results.shards / SHARD / "runs.parquet"
    new = path.with_name("new")
    long = f"case when replicate < {rows} then repeat('x', 300000000) else error end as error"
    with duckdb.connect() as database:
        database.execute(
            f"copy (select * replace ({long}) from '{path}') to '{new}'"  # noqa: S608
            " (format parquet, compression zstd)"
        )
    new.replace(path)
    seal = json.loads((results.shards / SHARD / "seal.json").read_text())
    seal["files"]["runs.parquet"] = hash_file(path)
    (results.shards / SHARD / "seal.json").write_text(json.dumps(seal))


@LONG
@pytest.mark.parametrize(
    "words", [["compare"], ["query", "select max(length(error)) from runs"], ["export", "--out", "x"]]
)
@pytest.mark.parametrize("rows", [1, 3])
def test_table_that_unpacks_to_much_takes_little_memory(rows: int, words: list[str], tmp_path: Path) -> None:
    results = with_runs(tmp_path / "results", manifest())
    unpacking(results, rows)
    words = [words[0], str(results.folder), *(str(tmp_path / "out") if word == "x" else word for word in words[1:])]
    code, err, megabytes = read_with(words, tmp_path)
    print(f"{words[0]}, {rows * 0.3:.1f} GB unpacked: exit code {code}, {megabytes} MB")
    assert code in (1, 2), err
    assert "Traceback" not in err
    assert megabytes < MEGABYTES
