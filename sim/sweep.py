"""The runner: a question, its runs in chunks, resumed where they stopped, streamed to a results folder."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import itertools
import json
import platform
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from sim.store import MANIFEST, Results, Share, stored_numbers, write_manifest

COMPUTING = (
    "chunks", "engines", "ensemble", "exponential", "kernel", "model", "outcomes", "trajectory", "wide", "world",
)  # fmt: skip
ONLY_SAID = ("title", "question", "description", "role")  # of a scenario
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

    def chunks(self, plan: Sequence[Mapping[str, Any]] | None = None) -> list[Chunk]:
        """All runs of the question, in chunks that do not depend on who executes them.

        plan is the record of the points of a folder, as `planned` makes it; by default that of an empty folder.
        The first replicates of all points come first, so that a sweep that is stopped can be compared.
        """
        plan = planned(self.told()["points"], []) if plan is None else plan
        scenarios = [point.scenario for point in self.points]
        places = sorted((part.start, n, part.stop) for n, one in enumerate(plan) for part in parts(one["chunks"]))
        return [
            Chunk(
                plan[n]["stored"], self.points[n].name, scenarios[n], self.seed, range(first, last), self.trajectory
            )
            for first, n, last in places
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
        counts += [scenario.sweep.replicates if replicates is None else replicates] * len(own)
    first = next(iter(scenarios.values()))
    return Question(tuple(found), tuple(counts), first.sweep.seed if seed is None else seed, trajectory)


def own_seeds(seeds: Mapping[str, int], seed: int) -> dict[str, int]:
    """Of the random seeds of scenarios those that are not used, where that of the first serves all runs."""
    first = next(iter(seeds.values()), None)
    return {name: own for name, own in seeds.items() if own != seed} if first == seed else {}


def unused_seeds(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Random seeds that recorded scenarios have of their own and that no run uses, where the first one's serves all."""
    sweeps = {name: scenario.get("sweep", {}) for name, scenario in manifest["scenarios"].items()}
    seeds = {name: int(sweep["seed"]) for name, sweep in sweeps.items() if "seed" in sweep}
    return own_seeds(seeds, manifest["question"]["seed"])


def prepare(question: Question, results: Results, share: Share | None = None, command: str = "") -> None:
    """Write the question into an empty folder, or see that the folder holds it or can grow to it.

    A folder grows by replicates and by design points; what it holds keeps its shards. Raises InputError where
    what it holds is not all asked, or where other shares are writing into a folder that would grow.
    """
    told = question.told()
    bases = {point.name: point.base for point in question.points}
    scenarios = {name: base.model_dump(mode="json") for name, base in bases.items()}
    if not (results.folder / MANIFEST).exists():
        results.refuse_others()
        told["points"] = planned(told["points"], [])
        content = {"question": told, "command": command, "versions": versions(), "scenarios": scenarios}
        write_manifest(results, {**content, **samplers_of(bases)})
        return
    manifest = results.manifest()
    if said := difference(manifest, told, scenarios):
        message = f"holds another question ({said}); choose another --out"
        raise InputError([Fault(shown_path(results.folder), 1, "", message)])
    refuse_versions(manifest.get("versions", {}), results)
    held = planned_before(manifest["question"]["points"])
    told["points"] = planned(told["points"], held)
    if told["points"] != held:
        results.refuse_writers(share)
        (results.folder / CRATE).unlink(missing_ok=True)  # of what the folder held
        command = command or manifest.get("command", "")
        content = {**manifest, "question": told, "command": command, "scenarios": scenarios}
        write_manifest(results, {**content, **samplers_of(bases)})


def samplers_of(bases: Mapping[str, Scenario]) -> dict[str, dict[str, str]]:
    """How sampled points are drawn, by scenario, as a part of the manifest; empty where none is sampled."""
    samplers = {name: how for name, base in bases.items() if (how := sampler(base.sweep.design))}
    return {"samplers": samplers} if samplers else {}


def refuse_versions(held: Mapping[str, str], results: Results) -> None:
    """Raise InputError where results were computed by another program."""
    for what, now in (("blocs", __version__), ("rules", rules())):
        if (before := held.get(what)) != now:
            text = f" (the code of {', '.join(COMPUTING)})" if what == "rules" else ""
            message = f"was made by {what} {before}, this is {now}{text}; choose another --out"
            raise InputError([Fault(shown_path(results.folder), 1, "", message)])


def planned(asked: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The record of the points that are asked, in a folder that holds some of them.

    `stored` is the number of a point in the shards, which it keeps when the order changes. `chunks` says up to which
    replicate its chunks have which size: those of an earlier sweep keep theirs.
    """
    known = dict(zip(identities(held), held, strict=True))
    missing = sum(point["replicates"] for point in asked) - sum(point["replicates"] for point in held)
    size = min(max(missing // WANTED_CHUNKS, SMALLEST_CHUNK), LARGEST_CHUNK)
    following = itertools.count(len(held))
    plan = []
    for place, point in zip(identities(asked), asked, strict=True):
        before = known.get(place, {"replicates": 0, "chunks": []})
        more = [[point["replicates"], size]] if point["replicates"] > before["replicates"] else []
        stored = before["stored"] if "stored" in before else next(following)
        plan.append({**point, "stored": stored, "chunks": [*before["chunks"], *more]})
    return plan


def planned_before(held: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The record of a folder's points; a record without numbers and chunks is that of one sweep."""
    plain = [{key: p[key] for key in ("scenario", "settings", "replicates", "digest")} for p in held]
    return [{**fresh, **point} for fresh, point in zip(planned(plain, []), held, strict=True)]


Identity = tuple[str, tuple[tuple[str, float], ...], int]


def identities(points: Sequence[Mapping[str, Any]]) -> list[Identity]:
    """What makes each recorded point one and the same: its scenario's name, its settings in any order, and which
    of the points with these it is (draws from a posterior may be equal).
    """
    met: Counter[tuple[str, tuple[tuple[str, float], ...]]] = Counter()
    found = []
    for point in points:
        of = point["scenario"], tuple(sorted(point["settings"].items()))
        found.append((*of, met[of]))
        met[of] += 1
    return found


def parts(chunks: Sequence[Sequence[int]]) -> Iterator[range]:
    """The replicates of each chunk of a point, by the pairs (up to which replicate, size)."""
    first = 0
    for last, size in chunks:
        yield from (range(n, min(n + size, last)) for n in range(first, last, size))
        first = last


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
    """The first thing that a folder holds and that is not asked, '' where all of it is."""
    held = manifest["question"]
    for key in ("seed", "trajectory"):
        if held[key] != told[key]:
            return f"{key} {held[key]} there, {told[key]} now"
    asked = dict(zip(identities(told["points"]), told["points"], strict=True))
    for place, old in zip(identities(held["points"]), held["points"], strict=True):
        if old["scenario"] not in scenarios:
            return f"scenario {old['scenario']} there, not now; name it too to add to the folder"
        new = asked.get(place)
        if new is None or old["digest"] != new["digest"]:
            before, after = (what_counts(one[old["scenario"]]) for one in (manifest["scenarios"], scenarios))
            if before != after:
                return f"{old['scenario']}: {first_difference(before, after, '')}"
            return f"{old['scenario']}: settings {old['settings']} there, not now"
        if old["replicates"] > new["replicates"]:
            of = "" if len(asked) == 1 else f" of {old['scenario']}"
            return f"replicates{of} {old['replicates']} there, {new['replicates']} now"
    return ""


def what_counts(scenario: Mapping[str, Any]) -> Any:
    """A recorded scenario without what no run is computed from."""
    return computed({key: value for key, value in scenario.items() if key not in (*ONLY_SAID, "sweep", "without")})


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

    A folder that holds a part of the question, fewer replicates or fewer design points, grows to it: its tables are
    then those of one sweep from the start.

    The engines give the same bytes: `compiled` in threads, `mesa` by agents in this process, `dask` by workers of
    this machine or of the scheduler's. `run_each` replaces the engine's own runs; of a `share`, only its chunks count.
    The `command` that was typed is recorded; when the last chunk is there the folder is described as an RO-Crate.

    Raises InputError where the folder holds what is not asked or another process writes into it, and for more than
    one worker of `mesa`.
    """
    results = Results(folder)
    if engine == "mesa" and workers not in (None, 1):
        message = "Mesa runs in one process, one run after another; leave it out or take another --engine"
        raise InputError([Fault("--workers", 1, str(workers), message)])
    execute, own = engines.engine_of(engine, scheduler)
    with results.locked(share, lambda: prepare(question, results, share, command)):
        every = question.chunks(planned_before(results.manifest()["question"]["points"]))
        chunks = [chunk for n, chunk in enumerate(every) if share is None or share.has(n)]
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
        shards = {chunk.name for chunk in every}
        if (report.computed_now or not (folder / CRATE).exists()) and results.has(shards):
            write_crate(results, shards)
        report.failed = failed_runs(results, chunks)
    return report


def failed_runs(results: Results, chunks: Sequence[Chunk]) -> list[str]:
    """Labels of the runs of finished chunks that failed, with the last line of their error."""
    query = "select scenario, point, replicate, error from runs where status = 'failed' order by all"
    rows = results.connection().execute(query).fetchall() if chunks else []
    numbers = {stored: n for n, stored in enumerate(stored_numbers(results.manifest()))}
    own: dict[int, list[range]] = {}
    for chunk in chunks:
        own.setdefault(numbers[chunk.point], []).append(chunk.replicates)
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
