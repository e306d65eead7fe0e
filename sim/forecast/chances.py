"""Compute the model's chances at many points of the prior: a reference table that is saved and resumed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim import __version__
from sim.article.robustness import VARIED, claim_points, with_varied
from sim.batch.executor import Progress, evaluate
from sim.batch.recorded import rules_hash
from sim.batch.store import Results, connect_database, write_shard
from sim.errors import Fault, InputError, display_path
from sim.files import read_file, require_regular, write_synced
from sim.forecast.baselines import sum_by_answer
from sim.model import compiled, outcomes
from sim.model.arrays import Floats
from sim.model.trajectory import window_of
from sim.model.world import World, with_parameters
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import parameter_range
from sim.scenario.schema import Scenario, hash_content

PLAN = "plan.json"

BLOCK = 64  # points in a shard

KINDS = ("yes", "no", "abstained")


class ChanceTable(NamedTuple):
    """The model's chances at P points."""

    values: Floats  # (P, V), the parameters in VARIED
    chances: Floats  # (P, N, 3), of YES, NO, ABSTAINED


@dataclass(frozen=True)
class ChancePlan:
    """Number of points of the prior, and runs at each, with common random numbers."""

    points: int = 4096
    replicates: int = 32
    seed: int = 20231025


def prior_bounds() -> tuple[Floats, Floats]:
    """Return the ends of the uniform prior of the parameters in VARIED: their documented ranges."""
    low, high = np.array([parameter_range(name) for name in VARIED]).T
    return low, high


def world_with_parameters(world: World, values: Floats) -> World:
    """Replace the parameters in VARIED, (V,), of a world."""
    return with_parameters(world, with_varied(world.start.parameters, values))


def answer_chances(scenario: Scenario, world: World, *, seed: int, replicates: range) -> Floats:
    """Average the chances of each answer by which states chose, (N, 3), in the order of YES, NO, ABSTAINED."""
    found = alignment_chances(world, window=window_of(scenario), seed=seed, replicates=replicates)
    return sum_by_answer(scenario, found)


def alignment_chances(world: World, *, window: int, seed: int, replicates: range) -> Floats:
    """Average the chances by which states chose in the last steps of some replicates, (N, K + 1).

    The expectation is that of the late share, P(alignment) of model: Outcomes, with less noise (Rao & Blackwell).
    """
    runs = compiled.run_records(world, seed=seed, replicates=replicates)
    found: Floats = sum((outcomes.late_mean(run.chances, window) for run in runs), np.zeros(())) / len(replicates)
    return found


def fixed_digest(scenario: Scenario) -> str:
    """Hash a scenario without the values of its varied parameters: all else that the table depends on."""
    lowest = {f"parameters.{name}": parameter_range(name)[0] for name in VARIED}
    return with_settings(scenario, lowest, note="").digest()


def simulate_chances(
    scenario: Scenario,
    world: World,
    values: Floats,
    plan: ChancePlan,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ChanceTable:
    """Compute the table at some points, (P, V), in memory."""
    found = evaluate(
        lambda row: answer_chances(
            scenario, world_with_parameters(world, row), seed=plan.seed, replicates=range(plan.replicates)
        ),
        list(values), runs=plan.replicates, workers=workers, progress=progress,
    )  # fmt: skip
    return ChanceTable(values, np.array(found))


def stored_chances(
    scenario: Scenario, world: World, plan: ChancePlan, folder: Path, *, workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> ChanceTable:  # fmt: skip
    """Compute the table of a plan; load the points that are in the folder, and save the others there.

    Raises InputError where the folder has the table of another plan or scenario, or another process writes to it.
    """
    results, values = Results(folder), claim_points(plan.points, plan.seed)
    blocks = {f"{first:06d}": range(first, min(first + BLOCK, plan.points)) for first in range(0, plan.points, BLOCK)}
    record = json.loads(json.dumps(plan_record(scenario, plan)))
    identities = {name: hash_content([record, name]) for name in blocks}
    with results.locked(first=lambda: prepare_chances(folder, record)):
        open_blocks = sorted(set(blocks) - results.finished(identities))
        left = sum(len(blocks[name]) for name in open_blocks)
        before, total = (plan.points - left) * plan.replicates, plan.points * plan.replicates

        def fill(name: str) -> None:
            rows = [
                answer_chances(
                    scenario, world_with_parameters(world, values[n]), seed=plan.seed, replicates=range(plan.replicates)
                )
                for n in blocks[name]
            ]
            table = {"chances": shard_columns(blocks[name], np.array(rows))}
            write_shard(results, name, table, identities[name])

        sizes = [len(blocks[name]) * plan.replicates for name in open_blocks]
        evaluate(
            fill, open_blocks, runs=sizes, workers=workers, progress=lambda done, _: progress(before + done, total)
        )
        results.clear(blocks)
    return ChanceTable(values, read_chances(folder, blocks, len(world.states)))


def plan_record(scenario: Scenario, plan: ChancePlan) -> dict[str, Any]:
    """Record what a table depends on."""
    ranges = {name: parameter_range(name) for name in VARIED}
    made_by = {"blocs": __version__, "rules": rules_hash()}
    return {**made_by, "scenario": fixed_digest(scenario), "plan": asdict(plan), "ranges": ranges}


def prepare_chances(folder: Path, plan: dict[str, Any]) -> None:
    """Write a plan into an empty folder, or check that the folder has the same one."""
    path = folder / PLAN
    require_regular(path)
    if not path.is_file():
        Results(folder).refuse_others()
        write_synced(path, json.dumps(plan, indent=1).encode())
        return
    saved = json.loads(read_file(path))
    for key, value in plan.items():
        if saved.get(key) != value:
            message = f"has a table of another {key} ({saved.get(key)} there, {value} now); choose another --out"
            raise InputError([Fault(display_path(folder), 1, "", message)])


def shard_columns(points: Sequence[int], found: Floats) -> dict[str, Any]:
    """Convert chances, (points, N, 3), to the columns of a shard: point, state and chances."""
    states = found.shape[1]
    keys = {"point": np.repeat(points, states), "state": np.tile(np.arange(states), len(points))}
    return keys | {kind: found[:, :, n].ravel() for n, kind in enumerate(KINDS)}


def read_chances(folder: Path, blocks: Mapping[str, range], states: int) -> Floats:
    """Read the chances of the points of these blocks, by the names of their shards, (points, states, 3)."""
    points = sum(map(len, blocks.values()))
    files = Results(folder).files("chances", blocks)
    query = f"select {', '.join(KINDS)} from read_parquet([{files}]) order by point, state"  # noqa: S608
    with contextlib.closing(connect_database()) as connection:
        found = connection.execute(query).fetchnumpy()
    return np.stack([np.asarray(found[kind]) for kind in KINDS], axis=-1).reshape(points, states, len(KINDS))
