"""The runner: a question, its runs in chunks, resumed where they stopped, streamed to a results folder."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sim import __version__
from sim.batch import executor
from sim.batch.crate import CRATE, write_crate
from sim.batch.design import DesignPoint, describe_sampler, design_points
from sim.batch.executor import Committed, RunEach, agent_engine, compiled_engine, execute_in_process, execute_in_threads
from sim.batch.recorded import COMPUTING, current_versions, rules_hash
from sim.batch.store import MANIFEST, Results, SweepShare, stored_numbers, write_manifest
from sim.batch.tables import Chunk
from sim.errors import Fault, InputError, display_path
from sim.scenario.schema import Scenario, computed_content

ONLY_SAID = ("title", "question", "description", "role")  # of a scenario

SMALLEST_CHUNK, LARGEST_CHUNK, WANTED_CHUNKS = 10, 500, 64


@dataclass(frozen=True)
class Question:
    """What a sweep asks: design points, replicates of each, one seed."""

    points: tuple[DesignPoint, ...]
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
        plan = plan_points(self.told()["points"], []) if plan is None else plan
        scenarios = [point.scenario for point in self.points]
        places = sorted(
            (part.start, n, part.stop) for n, one in enumerate(plan) for part in split_replicates(one["chunks"])
        )
        return [
            Chunk(
                plan[n]["stored"], self.points[n].name, scenarios[n], self.seed, range(first, last), self.trajectory
            )
            for first, n, last in places
        ]  # fmt: skip


@dataclass
class SweepReport:
    """How a sweep ended."""

    results: Results
    runs: int
    computed_now: int
    failed: list[str] = field(default_factory=list)
    share: SweepShare | None = None


def make_question(
    scenarios: Mapping[str, Scenario], *, replicates: int | None, seed: int | None, trajectory: bool = False
) -> Question:
    """The question that sweeps of the scenarios ask, each with its own sweep unless told otherwise.

    One seed serves all, the first scenario's by default, so that they are compared on the same luck.
    Raises ValueError where a list's settings have unequally many values.
    """
    found: list[DesignPoint] = []
    counts: list[int] = []
    for name, scenario in scenarios.items():
        own = design_points(name, scenario)
        found += own
        counts += [scenario.sweep.replicates if replicates is None else replicates] * len(own)
    first = next(iter(scenarios.values()))
    return Question(tuple(found), tuple(counts), first.sweep.seed if seed is None else seed, trajectory)


def other_seeds(seeds: Mapping[str, int], seed: int) -> dict[str, int]:
    """Of the random seeds of scenarios those that are not used, where that of the first serves all runs."""
    first = next(iter(seeds.values()), None)
    return {name: own for name, own in seeds.items() if own != seed} if first == seed else {}


def unused_seeds(manifest: Mapping[str, Any]) -> dict[str, int]:
    """Random seeds that recorded scenarios have of their own and that no run uses, where the first one's serves all."""
    sweeps = {name: scenario.get("sweep", {}) for name, scenario in manifest["scenarios"].items()}
    seeds = {name: int(sweep["seed"]) for name, sweep in sweeps.items() if "seed" in sweep}
    return other_seeds(seeds, manifest["question"]["seed"])


def prepare_results(question: Question, results: Results, share: SweepShare | None = None, command: str = "") -> None:
    """Write the question into an empty folder, or see that the folder holds it or can grow to it.

    A folder grows by replicates and by design points; what it holds keeps its shards. Raises InputError where
    what it holds is not all asked, or where other shares are writing into a folder that would grow.
    """
    told = question.told()
    bases = {point.name: point.base for point in question.points}
    scenarios = {name: base.model_dump(mode="json") for name, base in bases.items()}
    if not (results.folder / MANIFEST).exists():
        results.refuse_others()
        told["points"] = plan_points(told["points"], [])
        content = {"question": told, "command": command, "versions": current_versions(), "scenarios": scenarios}
        write_manifest(results, {**content, **record_samplers(bases)})
        return
    manifest = results.manifest()
    if said := question_difference(manifest, told, scenarios):
        message = f"holds another question ({said}); choose another --out"
        raise InputError([Fault(display_path(results.folder), 1, "", message)])
    refuse_versions(manifest.get("versions", {}), results)
    held = recorded_plan(manifest["question"]["points"])
    told["points"] = plan_points(told["points"], held)
    if told["points"] != held:
        results.refuse_writers(share)
        (results.folder / CRATE).unlink(missing_ok=True)  # of what the folder held
        command = command or manifest.get("command", "")
        content = {**manifest, "question": told, "command": command, "scenarios": scenarios}
        write_manifest(results, {**content, **record_samplers(bases)})


def record_samplers(bases: Mapping[str, Scenario]) -> dict[str, dict[str, str]]:
    """How sampled points are drawn, by scenario, as a part of the manifest; empty where none is sampled."""
    samplers = {name: how for name, base in bases.items() if (how := describe_sampler(base.sweep.design))}
    return {"samplers": samplers} if samplers else {}


def refuse_versions(held: Mapping[str, str], results: Results) -> None:
    """Raise InputError where results were computed by another program."""
    for what, now in (("blocs", __version__), ("rules", rules_hash())):
        if (before := held.get(what)) != now:
            text = f" (the code of {', '.join(COMPUTING)})" if what == "rules" else ""
            message = f"was made by {what} {before}, this is {now}{text}; choose another --out"
            raise InputError([Fault(display_path(results.folder), 1, "", message)])


def plan_points(asked: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The record of the points that are asked, in a folder that holds some of them.

    `stored` is the number of a point in the shards, which it keeps when the order changes. `chunks` says up to which
    replicate its chunks have which size: those of an earlier sweep keep theirs.
    """
    known = dict(zip(identify_points(held), held, strict=True))
    missing = sum(point["replicates"] for point in asked) - sum(point["replicates"] for point in held)
    size = min(max(missing // WANTED_CHUNKS, SMALLEST_CHUNK), LARGEST_CHUNK)
    following = itertools.count(len(held))
    plan = []
    for place, point in zip(identify_points(asked), asked, strict=True):
        before = known.get(place, {"replicates": 0, "chunks": []})
        more = [[point["replicates"], size]] if point["replicates"] > before["replicates"] else []
        stored = before["stored"] if "stored" in before else next(following)
        plan.append({**point, "stored": stored, "chunks": [*before["chunks"], *more]})
    return plan


def recorded_plan(held: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The record of a folder's points; a record without numbers and chunks is that of one sweep."""
    plain = [{key: p[key] for key in ("scenario", "settings", "replicates", "digest")} for p in held]
    return [{**fresh, **point} for fresh, point in zip(plan_points(plain, []), held, strict=True)]


Identity = tuple[str, tuple[tuple[str, float], ...], int]


def identify_points(points: Sequence[Mapping[str, Any]]) -> list[Identity]:
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


def split_replicates(chunks: Sequence[Sequence[int]]) -> Iterator[range]:
    """The replicates of each chunk of a point, by the pairs (up to which replicate, size)."""
    first = 0
    for last, size in chunks:
        yield from (range(n, min(n + size, last)) for n in range(first, last, size))
        first = last


def question_difference(manifest: Mapping[str, Any], told: Mapping[str, Any], scenarios: Mapping[str, Any]) -> str:
    """The first thing that a folder holds and that is not asked, '' where all of it is."""
    held = manifest["question"]
    for key in ("seed", "trajectory"):
        if held[key] != told[key]:
            return f"{key} {held[key]} there, {told[key]} now"
    asked = dict(zip(identify_points(told["points"]), told["points"], strict=True))
    for place, old in zip(identify_points(held["points"]), held["points"], strict=True):
        if old["scenario"] not in scenarios:
            return f"scenario {old['scenario']} there, not now; name it too to add to the folder"
        new = asked.get(place)
        if new is None or old["digest"] != new["digest"]:
            before, after = (counting_content(one[old["scenario"]]) for one in (manifest["scenarios"], scenarios))
            if before != after:
                return f"{old['scenario']}: {first_difference(before, after, '')}"
            return f"{old['scenario']}: settings {old['settings']} there, not now"
        if old["replicates"] > new["replicates"]:
            of = "" if len(asked) == 1 else f" of {old['scenario']}"
            return f"replicates{of} {old['replicates']} there, {new['replicates']} now"
    return ""


def counting_content(scenario: Mapping[str, Any]) -> Any:
    """A recorded scenario without what no run is computed from."""
    return computed_content(
        {key: value for key, value in scenario.items() if key not in (*ONLY_SAID, "sweep", "without")}
    )


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


def run_sweep(
    question: Question,
    folder: Path,
    *,
    workers: int | None = None,
    engine: str = "compiled",
    scheduler: str | None = None,
    share: SweepShare | None = None,
    run_each: executor.RunEach | None = None,
    progress: executor.Progress = lambda done, total: None,
    command: str = "",
) -> SweepReport:
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
    execute, own = find_engine(engine, scheduler)
    with results.locked(share, lambda: prepare_results(question, results, share, command)):
        every = question.chunks(recorded_plan(results.manifest()["question"]["points"]))
        chunks = [chunk for n, chunk in enumerate(every) if share is None or share.has(n)]
        names = {chunk.name for chunk in chunks}
        finished = results.finished(names)
        open_chunks = [chunk for chunk in chunks if chunk.name not in finished]
        total = sum(len(chunk.replicates) for chunk in chunks)
        left = sum(len(chunk.replicates) for chunk in open_chunks)
        report = SweepReport(results, total, left, share=share)
        progress(total - left, total)
        with contextlib.closing(
            execute(open_chunks, results, run_each or own, workers or executor.available_cores())
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


Execute = Callable[[list[Chunk], Results, RunEach, int], Committed]

ENGINES: dict[str, tuple[Execute, RunEach]] = {
    "compiled": (execute_in_threads, compiled_engine),
    "mesa": (execute_in_process, agent_engine),
}


def find_engine(name: str, scheduler: str | None = None) -> tuple[Execute, RunEach]:
    """What executes chunks, and each run of them; raises InputError where it is not installed."""
    if name != "dask":
        return ENGINES[name]
    try:
        from sim.batch.cluster import execute_on_cluster
    except ImportError as error:
        message = f"needs a package that is missing ({error.name}): pip install 'blocs[cluster]'"
        raise InputError([Fault("--engine", 1, "dask", message)]) from None
    return partial(execute_on_cluster, scheduler=scheduler), compiled_engine
