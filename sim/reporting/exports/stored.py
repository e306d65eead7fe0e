"""Runs that a folder records, computed again: of a sweep, or the one of `blocs run --out`."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.batch.recorded import read_scenario_record
from sim.batch.replay import recorded_chunk
from sim.batch.store import Results
from sim.errors import Fault, InputError, display_path
from sim.files import read_file, read_record
from sim.model.compiled import run_compiled
from sim.model.trajectory import Run
from sim.reporting.exports.networks import RunNetwork
from sim.reporting.exports.tidy import NO_RUN
from sim.scenario.schema import MAX_REPLICATES

RECORD, PATHS = "record.json", "trajectory.csv"

REMEDY = "run the scenario again with `blocs run SCENARIO --out`"

OTHER = "this version of the program computes another run from the record; {}"


@dataclass(frozen=True)
class StoredRun:
    """A recorded run that was computed again: its name, that of its scenario, and its network."""

    name: str
    scenario: str
    network: RunNetwork


def is_run_folder(folder: Path) -> bool:
    """Whether a folder has the record of one run, as `blocs run --out` writes it."""
    return (folder / RECORD).is_file() and not (folder / "manifest.json").exists()


def repeat_stored(results: Results, name: str) -> StoredRun:
    """Compute a run of a sweep again; raises InputError where the folder lacks it, it failed, or it is another now."""
    chunk = recorded_chunk(results, name)
    query = "select step, state, alignment from alignments where point = ? and replicate = ?"
    with results.reading(["states", "moves"]) as connection:
        stored = {(a, b): c for a, b, c in connection.execute(query, [chunk.point, chunk.replicates.start]).fetchall()}
    if not stored:
        raise results.error("did not end, or is not computed yet; choose another, or resume the sweep", name)
    run = run_compiled(chunk.scenario, seed=chunk.seed, replicate=chunk.replicates.start)
    if stored != alignments_of(run):
        raise results.error(OTHER.format("repeat the sweep with --overwrite"), name)
    return StoredRun(name, chunk.scenario_name, RunNetwork(chunk.scenario, run))


def first_runs(results: Results) -> list[str]:
    """Name the first run of each scenario that ended, POINT-REPLICATE; raises InputError where none did."""
    if "runs" not in results.tables():
        raise results.error(NO_RUN)
    with results.reading(["runs"]) as connection:
        found = connection.execute(
            "select distinct on (scenario) point, replicate from runs where status = 'ok'"
            " order by scenario, point, replicate"
        ).fetchall()
    if not found:
        raise results.error(NO_RUN)
    return [f"{point}-{replicate}" for point, replicate in sorted(found)]


def repeat_run_folder(folder: Path) -> StoredRun:
    """Compute the run of `blocs run --out` again; raises InputError where its record cannot be read, or is not it."""
    file = folder / RECORD
    record = read_record(file, REMEDY)
    scenario, faults = read_scenario_record(record.get("resolved"), file, ("resolved",))
    numbers: dict[str, Any] = {name: record.get(name) for name in ("seed", "replicate")}
    for (name, value), most in zip(numbers.items(), (2**63, MAX_REPLICATES), strict=True):
        if type(value) is not int or not 0 <= value < most:
            faults.append(Fault(display_path(file), 1, name, f"is not a whole number from 0 on; {REMEDY}"))
    if faults or scenario is None:
        raise InputError(faults)
    run = run_compiled(scenario, **numbers)
    if read_paths(folder / PATHS) != alignments_of(run):
        raise InputError([Fault(display_path(folder / PATHS), 1, "", OTHER.format(REMEDY))])
    return StoredRun("run", str(record.get("scenario", "run")), RunNetwork(scenario, run))


def alignments_of(run: Run) -> dict[tuple[int, str], str]:
    """Return the alignment of each state at each step."""
    held: Any = np.array(run.alignments, dtype=object)[run.alignment]
    return {(step, state): held[step, i] for step in range(len(held)) for i, state in enumerate(run.states)}


def read_paths(file: Path) -> dict[tuple[int, str], str]:
    """Read the alignment of each state at each step from the table of a run."""
    try:
        rows = list(csv.DictReader(io.StringIO(read_file(file).decode())))
        return {(int(row["step"]), state): row[state] for row in rows for state in row if state != "step"}
    except (OSError, ValueError, KeyError) as error:
        raise InputError([Fault(display_path(file), 1, "", f"cannot be read ({error}); {REMEDY}")]) from None
