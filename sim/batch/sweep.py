"""Run a sweep: cut a question into chunks of runs, compute the missing ones, write them to a results folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sim import __version__
from sim.batch import executor
from sim.batch.design import (
    DesignPoint,
    date_faults,
    describe_sampler,
    design_points,
    identify_points,
    lens_faults,
    plan_points,
    read_dates,
    recorded_plan,
    split_replicates,
    through_lens,
)
from sim.batch.executor import Committed, RunEach, agent_engine, compiled_engine, execute_in_process, execute_in_threads
from sim.batch.locks import SweepShare, refuse_writers
from sim.batch.manifest import MANIFEST
from sim.batch.recorded import COMPUTING, CRATE, current_versions, rules_hash, write_crate
from sim.batch.store import Results, write_manifest
from sim.batch.tables.chunk import Chunk
from sim.batch.tables.reading import stored_numbers
from sim.errors import Fault, InputError, last_line
from sim.scenario.schema import Scenario, computed_content

FOR_READERS = ("title", "question", "description", "role")  # of a scenario; no run is computed from them


@dataclass(frozen=True)
class Question:
    """The runs that a sweep computes: design points, replicates and random seed.

    Parameters
    ----------
    points
        Design points of all scenarios, in order.
    replicates
        Number of replicates of each point, as many numbers as points; each at least 1.
    seed
        Random seed of all runs, 0 to 2⁶³ − 1.
    lens
        `histories`, or `tendency`: then the scenarios of the points are those that `tendency_of` makes.
    keep
        Tables beside those that every sweep writes: `steps`, every outcome at every step.
    at
        Dates, as ISO texts in order, at which every outcome is stored.
    """

    points: tuple[DesignPoint, ...]
    replicates: tuple[int, ...]
    seed: int
    lens: str = "histories"
    keep: tuple[str, ...] = ()
    at: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """The question as the manifest records it; every run can be repeated from it."""
        return {
            "seed": self.seed,
            "lens": self.lens,
            "keep": list(self.keep),
            "at": list(self.at),
            "points": [
                {"scenario": p.name, "settings": p.settings, "replicates": n, "digest": p.digest}
                for p, n in zip(self.points, self.replicates, strict=True)
            ],
        }

    def chunks(self, plan: Sequence[Mapping[str, Any]] | None = None) -> list[Chunk]:
        """All runs of the question in chunks, which do not depend on the engine or the number of workers.

        plan is the record of a folder's points by `plan_points`; default: that of an empty folder. The first
        replicates of all points come first, so that the results of a stopped sweep can be compared.
        """
        plan = plan_points(self.record()["points"], []) if plan is None else plan
        scenarios = [point.scenario for point in self.points]
        places = sorted(
            (part.start, n, part.stop) for n, one in enumerate(plan) for part in split_replicates(one["chunks"])
        )
        return [
            Chunk(
                plan[n]["stored"], self.points[n].name, scenarios[n], self.seed, range(first, last),
                self.points[n].digest, self.keep, self.at,
            )
            for first, n, last in places
        ]  # fmt: skip


@dataclass
class SweepReport:
    """The result of a sweep.

    Parameters
    ----------
    results
        The results folder.
    runs
        Number of runs that the question asks for, or its share.
    computed_now
        Number of runs that this call computed; the others were in the folder.
    failed
        A line for each failed run: scenario, point, replicate and the last line of the error.
    share
        The share of the chunks that this call computed; None: all.
    set_aside
        Shards that were damaged or had other runs: moved to `damaged`, and their runs computed again.
    """

    results: Results
    runs: int
    computed_now: int
    failed: list[str] = field(default_factory=list)
    share: SweepShare | None = None
    set_aside: list[str] = field(default_factory=list)


def make_question(
    scenarios: Mapping[str, Scenario], *, replicates: int | None, seed: int | None, lens: str | None = None,
    keep: Iterable[str] = (), at: Iterable[str | date] = (),
) -> Question:  # fmt: skip
    """Make the question of a sweep over scenarios, each with the design of its own `sweep`.

    Parameters
    ----------
    scenarios
        Scenarios by name; at least one.
    replicates
        Number of replicates of each design point. None: the number in each scenario's `sweep`.
    seed
        Random seed of all scenarios, which so have common random numbers. None: the first scenario's seed.
    lens
        `histories` or `tendency`. None: the lens in each scenario's `sweep`.
    keep
        Tables beside those that every sweep writes: `steps`.
    at
        Dates at which every outcome is stored.

    Returns
    -------
    Question
        Design points of all scenarios, in order.

    Raises
    ------
    ValueError
        Where the settings of a `list` design have different numbers of values.
    InputError
        Where the scenarios have different lenses, or a run does not contain a date.
    """
    points: list[DesignPoint] = []
    counts: list[int] = []
    seen = {name: through_lens(scenario, lens) for name, scenario in scenarios.items()}
    days = read_dates("sweep", "at", at)
    if faults := [*lens_faults(seen), *date_faults(seen, days)]:
        raise InputError(faults)
    for name, scenario in seen.items():
        own = design_points(name, scenario)
        points += own
        counts += [scenario.sweep.replicates if replicates is None else replicates] * len(own)
    first = next(iter(seen.values()))
    number = first.sweep.seed if seed is None else seed
    return Question(tuple(points), tuple(counts), number, first.sweep.lens, tuple(sorted(set(keep))), days)


def other_seeds(seeds: Mapping[str, int], seed: int) -> dict[str, int]:
    """The seeds, by scenario, that no run uses because the first scenario's seed serves all runs."""
    first = next(iter(seeds.values()), None)
    return {name: own for name, own in seeds.items() if own != seed} if first == seed else {}


def unused_seeds(manifest: Mapping[str, Any]) -> dict[str, int]:
    """The seeds of recorded scenarios that no run uses because the first scenario's seed serves all runs."""
    seeds = {name: int(scenario["sweep"]["seed"]) for name, scenario in manifest["scenarios"].items()}
    return other_seeds(seeds, manifest["question"]["seed"])


def prepare_results(question: Question, results: Results, share: SweepShare | None = None, command: str = "") -> None:
    """Write the question into an empty folder, or check that the folder contains it or can grow to it.

    A folder grows by replicates and by design points; its shards stay. Raises InputError where the question lacks
    a part of the folder, or where the folder would grow while other shares write into it.
    """
    asked = question.record()
    bases = {point.name: point.base for point in question.points}
    scenarios = {name: base.model_dump(mode="json") for name, base in bases.items()}
    if not (results.folder / MANIFEST).exists():
        results.refuse_others()
        asked["points"] = plan_points(asked["points"], [])
        content = {"question": asked, "command": command, "versions": current_versions(), "scenarios": scenarios}
        write_manifest(results, {**content, **record_samplers(bases)})
        return
    manifest = results.manifest()
    if difference := question_difference(manifest, asked, scenarios):
        raise results.error(
            f"contains a different sweep ({difference}); choose another --out, or replace it with --overwrite"
        )
    refuse_versions(manifest.get("versions", {}), results)
    recorded = recorded_plan(manifest["question"]["points"])
    asked["points"] = plan_points(asked["points"], recorded)
    if asked["points"] != recorded:
        refuse_writers(results.folder, share)
        (results.folder / CRATE).unlink(missing_ok=True)  # it describes the smaller folder
        command = command or manifest.get("command", "")
        content = {**manifest, "question": asked, "command": command, "scenarios": scenarios}
        write_manifest(results, {**content, **record_samplers(bases)})


def record_samplers(bases: Mapping[str, Scenario]) -> dict[str, dict[str, str]]:
    """The part of the manifest that names the sampler of each sampled scenario; empty where no design is sampled."""
    samplers = {name: how for name, base in bases.items() if (how := describe_sampler(base.sweep.design))}
    return {"samplers": samplers} if samplers else {}


def refuse_versions(recorded: Mapping[str, str], results: Results) -> None:
    """Raise InputError where another version of the program computed the results."""
    for what, now in (("blocs", __version__), ("rules", rules_hash())):
        if (before := recorded.get(what)) != now:
            text = f" (the code of {', '.join(COMPUTING)})" if what == "rules" else ""
            raise results.error(f"was made by {what} {before}, this is {now}{text}; choose another --out")


def question_difference(manifest: Mapping[str, Any], asked: Mapping[str, Any], scenarios: Mapping[str, Any]) -> str:
    """The first part of a folder that a question lacks, or ''."""
    recorded = manifest["question"]
    for key in ("seed", "lens", "keep", "at"):
        if recorded[key] != asked[key]:
            there, now = (", ".join(one) if isinstance(one, list) else one for one in (recorded[key], asked[key]))
            return f"{key} {'nothing' if there == '' else there} there, {'nothing' if now == '' else now} now"
    points = dict(zip(identify_points(asked["points"]), asked["points"], strict=True))
    for place, old in zip(identify_points(recorded["points"]), recorded["points"], strict=True):
        if old["scenario"] not in scenarios:
            return f"scenario {old['scenario']} there, not now; name it too to add to the folder"
        new = points.get(place)
        if new is None or old["digest"] != new["digest"]:
            before, after = (counting_content(one[old["scenario"]]) for one in (manifest["scenarios"], scenarios))
            if before != after:
                return f"{old['scenario']}: {first_difference(before, after, '')}"
            return f"{old['scenario']}: settings {old['settings']} there, not now"
        if old["replicates"] > new["replicates"]:
            of = "" if len(points) == 1 else f" of {old['scenario']}"
            return f"replicates{of} {old['replicates']} there, {new['replicates']} now"
    return ""


def counting_content(scenario: Mapping[str, Any]) -> Any:
    """The part of a recorded scenario that runs are computed from."""
    return computed_content(
        {key: value for key, value in scenario.items() if key not in (*FOR_READERS, "sweep", "without")}
    )


def first_difference(old: Any, new: Any, at: str) -> str:
    """The first difference between two records: its path and both values."""
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
    run_each: RunEach | None = None,
    progress: executor.Progress = lambda done, total: None,
    command: str = "",
) -> SweepReport:
    """Compute the runs of a question that a folder lacks.

    A finished run is never lost or computed again. A folder with fewer replicates or design points grows; its tables
    are then those of one sweep. The bytes do not depend on engine or workers.

    Parameters
    ----------
    question
        What to compute.
    folder
        Folder of the results; empty, new, or of an earlier sweep.
    workers
        Number of threads, or of Dask processes. None: one for each core.
    engine
        `compiled` (threads), `mesa` (agents in this process), or `dask` (processes here, or a scheduler's workers).
    scheduler
        Address of a Dask scheduler, such as `tcp://host:8786`. None: start one on loopback.
    share
        Compute only the chunks of this share. None: all.
    run_each
        Function that makes the runs, instead of the engine's.
    progress
        Function of the runs done and all runs, called after each chunk.
    command
        The command as the user typed it, for the record.

    Returns
    -------
    SweepReport
        Numbers of runs, and the runs that failed.

    Raises
    ------
    InputError
        Where the folder contains a different sweep, another process writes into it, or `mesa` gets several workers.
    """
    results = Results(folder)
    if engine == "mesa" and workers not in (None, 1):
        message = "Mesa runs in one process, one run after another; leave it out or choose another --engine"
        raise InputError([Fault("--workers", 1, str(workers), message)])
    execute, own = find_engine(engine, scheduler)
    with results.locked(share, lambda: prepare_results(question, results, share, command)):
        every = question.chunks(recorded_plan(results.manifest()["question"]["points"]))
        chunks = [chunk for n, chunk in enumerate(every) if share is None or share.has(n)]
        names = {chunk.name: chunk.identity(rules_hash()) for chunk in chunks}
        there = results.committed().intersection(names)
        finished = results.finished(names)
        results.own()
        open_chunks = [chunk for chunk in chunks if chunk.name not in finished]
        total = sum(len(chunk.replicates) for chunk in chunks)
        left = sum(len(chunk.replicates) for chunk in open_chunks)
        report = SweepReport(results, total, left, share=share, set_aside=sorted(there - finished))
        progress(total - left, total)
        workers = workers or executor.available_cores()
        with contextlib.closing(execute(open_chunks, results, run_each or own, workers)) as committed:
            for chunk in committed:
                left -= len(chunk.replicates)
                progress(total - left, total)
        results.clear(names)
        shards = {chunk.name for chunk in every}
        if (report.computed_now or not (folder / CRATE).exists()) and results.has(shards):
            write_crate(results, shards)
        report.failed = failed_runs(results, chunks)
    return report


def failed_runs(results: Results, chunks: Sequence[Chunk]) -> list[str]:
    """The failed runs of finished chunks, each with the last line of its error."""
    query = "select scenario, point, replicate, error from runs where status = 'failed' order by all"
    if not chunks:
        return []
    with results.reading(["runs"]) as connection:
        rows = connection.execute(query).fetchall()
    numbers = {stored: n for n, stored in enumerate(stored_numbers(results.manifest()))}
    parts: dict[int, list[range]] = {}
    for chunk in chunks:
        parts.setdefault(numbers[chunk.point], []).append(chunk.replicates)
    return [
        f"{s} point {p} replicate {r}: {last_line(error)}"
        for s, p, r, error in rows
        if any(r in replicates for replicates in parts.get(p, ()))
    ]


def default_folder(question: Question, scenarios: Sequence[str]) -> Path:
    """A folder named after the question, so that the same question is computed once."""
    digest = hashlib.sha256(json.dumps(question.record(), sort_keys=True).encode()).hexdigest()[:10]
    name = scenarios[0] if len(scenarios) == 1 else f"{len(scenarios)}_scenarios"
    return Path("results") / f"{name}-{digest}"


Execute = Callable[[list[Chunk], Results, RunEach, int], Committed]

ENGINES: dict[str, tuple[Execute, RunEach]] = {
    "compiled": (execute_in_threads, compiled_engine),
    "mesa": (execute_in_process, agent_engine),
}


def find_engine(name: str, scheduler: str | None = None) -> tuple[Execute, RunEach]:
    """The functions that execute chunks and make runs; raises InputError where the engine is not installed."""
    if name != "dask":
        return ENGINES[name]
    try:
        from sim.batch.cluster import execute_on_cluster
    except ImportError as error:
        message = f"needs a package that is missing ({error.name}): pip install 'blocs[cluster]'"
        raise InputError([Fault("--engine", 1, "dask", message)]) from None
    return partial(execute_on_cluster, scheduler=scheduler), compiled_engine
