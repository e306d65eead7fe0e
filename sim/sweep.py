"""The runner: a question, its runs in chunks, resumed where they stopped, streamed to a results folder."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import json
import platform
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sim import __version__, engines
from sim.chunks import Chunk
from sim.crate import CRATE, write_crate
from sim.design import Point, points, sampler
from sim.faults import Fault, InputError, shown_path
from sim.scenario import Scenario, computed
from sim.store import Results, Share, write_manifest

COMPUTING = (
    "chunks", "engines", "ensemble", "exponential", "kernel", "model", "outcomes", "trajectory", "wide", "world",
)  # fmt: skip
SMALLEST_CHUNK, LARGEST_CHUNK, WANTED_CHUNKS = 10, 500, 64


@dataclass(frozen=True)
class Question:
    """What a sweep asks: design points, replicates of each, one seed."""

    points: tuple[Point, ...]
    replicates: tuple[int, ...]  # of each point
    seed: int
    trajectory: bool = False

    def told(self) -> dict[str, Any]:
        """The question as it is recorded, enough to make every run again."""
        return {
            "seed": self.seed,
            "trajectory": self.trajectory,
            "points": [
                {"scenario": p.name, "settings": p.settings, "replicates": n, "digest": p.digest}
                for p, n in zip(self.points, self.replicates, strict=True)
            ],
        }

    def chunks(self) -> list[Chunk]:
        """All runs of the question, in chunks that do not depend on who executes them.

        The first replicates of all points come first, so that a sweep that is stopped can be compared.
        """
        size = min(max(sum(self.replicates) // WANTED_CHUNKS, SMALLEST_CHUNK), LARGEST_CHUNK)
        places = sorted((first, n) for n, count in enumerate(self.replicates) for first in range(0, count, size))
        return [
            Chunk(
                n, self.points[n].name, self.points[n].scenario, self.seed,
                range(first, min(first + size, self.replicates[n])), self.trajectory,
            )
            for first, n in places
        ]  # fmt: skip


@dataclass
class Report:
    """How a sweep ended."""

    results: Results
    runs: int
    computed_now: int
    failed: list[str] = field(default_factory=list)
    share: Share | None = None


def question_of(
    scenarios: Mapping[str, Scenario], *, replicates: int | None, seed: int | None, trajectory: bool = False
) -> Question:
    """The question that sweeps of the scenarios ask, each with its own sweep unless told otherwise.

    One seed serves all, the first scenario's by default, so that they are compared on the same luck.
    Raises ValueError where a list's settings have unequally many values.
    """
    found: list[Point] = []
    counts: list[int] = []
    for name, scenario in scenarios.items():
        own = points(name, scenario)
        found += own
        counts += [replicates or scenario.sweep.replicates] * len(own)
    first = next(iter(scenarios.values()))
    return Question(tuple(found), tuple(counts), first.sweep.seed if seed is None else seed, trajectory)


def prepare(question: Question, results: Results, command: str = "") -> None:
    """Write the question and the command that asks it into an empty folder, or see that it holds this very question."""
    told = question.told()
    bases = {point.name: point.base for point in question.points}
    scenarios = {name: base.model_dump(mode="json") for name, base in bases.items()}
    if (results.folder / "manifest.json").exists():
        manifest = results.manifest()
        held = {"question": manifest["question"], "versions": manifest.get("versions", {})}
        if held["question"] != told:
            message = f"holds another question ({difference(manifest, told, scenarios)}); choose another --out"
            raise InputError([Fault(shown_path(results.folder), 1, "", message)])
        for what, now in (("blocs", __version__), ("rules", rules())):
            if (before := held["versions"].get(what)) != now:
                text = f" (the code of {', '.join(COMPUTING)})" if what == "rules" else ""
                message = f"was made by {what} {before}, this is {now}{text}; choose another --out"
                raise InputError([Fault(shown_path(results.folder), 1, "", message)])
        return
    results.refuse_others()
    samplers = {name: how for name, base in bases.items() if (how := sampler(base.sweep.design))}
    content = {"question": told, "command": command, "versions": versions(), "scenarios": scenarios}
    write_manifest(results, {**content, **({"samplers": samplers} if samplers else {})})


def versions() -> dict[str, str]:
    """What computed the results: bit for bit is promised only where all of it is the same."""
    packages = ("mesa", "numpy", "numba", "scipy", "duckdb")
    return {
        "blocs": __version__,
        "rules": rules(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{package: version(package) for package in packages},
    }


@cache
def rules() -> str:
    """The start of a SHA-256 of the code that computes rows, as this process has it."""
    texts = [(Path(__file__).parent / f"{room}.py").read_text(encoding="utf-8") for room in COMPUTING]
    return hashlib.sha256("\n".join(map(code_of, texts)).encode()).hexdigest()[:12]


def code_of(text: str) -> str:
    """A module's text without comments, docstrings and blank lines, which change no result."""
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


def difference(manifest: Mapping[str, Any], told: Mapping[str, Any], scenarios: Mapping[str, Any]) -> str:
    """The first thing in which a held question differs from the one asked."""
    held = manifest["question"]
    for key in ("seed", "trajectory"):
        if held.get(key) != told[key]:
            return f"{key} {held.get(key)} there, {told[key]} now"
    if len(held["points"]) != len(told["points"]):
        return f"{len(held['points'])} design points there, {len(told['points'])} now"
    for old, new in zip(held["points"], told["points"], strict=True):
        for key in ("scenario", "settings", "replicates"):
            if old[key] != new[key]:
                return f"{key} {old[key]} there, {new[key]} now"
        if old["digest"] != new["digest"]:
            before, after = manifest["scenarios"][old["scenario"]], scenarios[new["scenario"]]
            return f"{new['scenario']}: {first_difference(computed(before), computed(after), '')}"
    return "its record"


def first_difference(old: Any, new: Any, at: str) -> str:
    """The path and both values of the first place where two records differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *new]:
            if old.get(key) != new.get(key):
                return first_difference(old.get(key), new.get(key), f"{at}.{key}" if at else str(key))
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for n, (a, b) in enumerate(zip(old, new, strict=True)):
            if a != b:
                return first_difference(a, b, f"{at}[{n}]")
    return f"{at} {str(old)[:80]} there, {str(new)[:80]} now"


def sweep(
    question: Question,
    folder: Path,
    *,
    workers: int | None = None,
    engine: str = "compiled",
    scheduler: str | None = None,
    share: Share | None = None,
    run_each: engines.RunEach | None = None,
    progress: engines.Progress = lambda done, total: None,
    command: str = "",
) -> Report:
    """Execute what of a question is not yet in the folder; finished runs are never computed again or lost.

    The engines give the same bytes: `compiled` in threads, `mesa` by agents in this process, `dask` by workers of
    this machine or of the scheduler's. `run_each` replaces the engine's own runs; of a `share`, only its chunks count.
    The `command` that was typed is recorded; when the last chunk is there the folder is described as an RO-Crate.

    Raises InputError where the folder holds another question or another process writes into it, and for more than
    one worker of `mesa`.
    """
    results = Results(folder)
    if engine == "mesa" and workers not in (None, 1):
        message = "Mesa runs in one process, one run after another; leave it out or take another --engine"
        raise InputError([Fault("--workers", 1, str(workers), message)])
    execute, own = engines.engine_of(engine, scheduler)
    with results.locked(share, lambda: prepare(question, results, command)):
        chunks = [chunk for n, chunk in enumerate(question.chunks()) if share is None or share.has(n)]
        names = {chunk.name for chunk in chunks}
        finished = results.finished(names)
        open_chunks = [chunk for chunk in chunks if chunk.name not in finished]
        total = sum(len(chunk.replicates) for chunk in chunks)
        left = sum(len(chunk.replicates) for chunk in open_chunks)
        report = Report(results, total, left, share=share)
        progress(total - left, total)
        with contextlib.closing(
            execute(open_chunks, results, run_each or own, workers or engines.cores())
        ) as committed:
            for chunk, _ in committed:
                left -= len(chunk.replicates)
                progress(total - left, total)
        results.clear(names)
        every = {chunk.name for chunk in question.chunks()}
        if (report.computed_now or not (folder / CRATE).exists()) and results.has(every):
            write_crate(results, every)
        report.failed = failed_runs(results, chunks)
    return report


def failed_runs(results: Results, chunks: Sequence[Chunk]) -> list[str]:
    """Labels of the runs of finished chunks that failed, with the last line of their error."""
    query = "select scenario, point, replicate, error from runs where status = 'failed' order by all"
    rows = results.connection().execute(query).fetchall() if chunks else []
    own: dict[int, list[range]] = {}
    for chunk in chunks:
        own.setdefault(chunk.point, []).append(chunk.replicates)
    return [
        f"{s} point {p} replicate {r}: {error.strip().splitlines()[-1]}"
        for s, p, r, error in rows
        if any(r in replicates for replicates in own.get(p, ()))
    ]


def default_folder(question: Question, scenarios: Sequence[str]) -> Path:
    """A folder named by the question, so that the same question asked twice is computed once."""
    digest = hashlib.sha256(json.dumps(question.told(), sort_keys=True).encode()).hexdigest()[:10]
    name = scenarios[0] if len(scenarios) == 1 else f"{len(scenarios)}_scenarios"
    return Path("results") / f"{name}-{digest}"
