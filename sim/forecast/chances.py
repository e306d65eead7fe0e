"""The model's chances at many points of the prior: a reference table that is kept on disk and gone on with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim import __version__
from sim.article.robustness import VARIED, claim_points, with_varied
from sim.batch.executor import Progress, evaluate
from sim.batch.recorded import rules_hash
from sim.batch.store import Results, connect_database, write_shard, write_synced
from sim.errors import Fault, InputError, display_path
from sim.forecast.baselines import sum_by_answer
from sim.model import compiled, outcomes
from sim.model.arrays import Floats
from sim.model.world import World
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import parameter_range
from sim.scenario.schema import Scenario

PLAN = "plan.json"

BLOCK = 64  # points of a shard

KINDS = ("yes", "no", "abstained")


class ChanceTable(NamedTuple):
    """The model's chances at P points."""

    values: Floats  # (P, V), the parameters in VARIED
    chances: Floats  # (P, N, 3), of YES, NO, ABSTAINED


@dataclass(frozen=True)
class ChancePlan:
    """How many points of the prior, and runs at each, all on the same luck."""

    points: int = 4096
    replicates: int = 32
    seed: int = 20231025


def prior_bounds() -> tuple[Floats, Floats]:
    """The ends of the uniform prior of the parameters in VARIED: the documented ranges, as every sweep draws them."""
    low, high = np.array([parameter_range(name) for name in VARIED]).T
    return low, high


def world_with_parameters(world: World, values: Floats) -> World:
    """The world with the parameters in VARIED set, (V,)."""
    return replace(world, start=world.start._replace(parameters=with_varied(world.start.parameters, values)))


def answer_chances(scenario: Scenario, world: World, *, seed: int, replicates: range) -> Floats:
    """Mean chance of each answer by which states chose, (N, 3), in the order of YES, NO, ABSTAINED.

    The leader's bloc stands for yes, another for no, non-alignment for abstaining.
    """
    return sum_by_answer(scenario, alignment_chances(world, seed=seed, replicates=replicates))


def alignment_chances(world: World, *, seed: int, replicates: range) -> Floats:
    """Mean chance of each alignment by which states chose in the last 8 steps of some replicates, (N, K + 1).

    Its expectation is that of the late share, P(alignment) of MODEL §7, at less noise (Rao & Blackwell).
    """
    runs = compiled.run_records(world, seed=seed, replicates=replicates)
    found: Floats = sum((outcomes.late_mean(run.chances) for run in runs), np.zeros(())) / len(replicates)
    return found


def fixed_digest(scenario: Scenario) -> str:
    """Digest of a scenario whatever values its varied parameters have: what chances at given points depend on."""
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
    """The table at some points, (P, V), in memory."""
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
    """The table of a plan; what of it is in the folder is not computed again, what is new is kept there.

    Raises InputError where the folder holds another plan's or scenario's table, or another process writes into it.
    """
    results, values = Results(folder), claim_points(plan.points, plan.seed)
    blocks = {f"{first:06d}": range(first, min(first + BLOCK, plan.points)) for first in range(0, plan.points, BLOCK)}
    with results.locked(first=lambda: prepare_chances(folder, plan_record(scenario, plan))):
        open_blocks = sorted(set(blocks) - results.finished(blocks))
        left = sum(len(blocks[name]) for name in open_blocks)
        before, total = (plan.points - left) * plan.replicates, plan.points * plan.replicates

        def fill(name: str) -> None:
            rows = [
                answer_chances(
                    scenario, world_with_parameters(world, values[n]), seed=plan.seed, replicates=range(plan.replicates)
                )
                for n in blocks[name]
            ]
            write_shard(results, name, {"chances": shard_columns(blocks[name], np.array(rows))})

        sizes = [len(blocks[name]) * plan.replicates for name in open_blocks]
        evaluate(
            fill, open_blocks, runs=sizes, workers=workers, progress=lambda done, _: progress(before + done, total)
        )
        results.clear(blocks)
    return ChanceTable(values, read_chances(folder, plan.points, len(world.states)))


def plan_record(scenario: Scenario, plan: ChancePlan) -> dict[str, Any]:
    """What a table depends on."""
    ranges = {name: parameter_range(name) for name in VARIED}
    made_by = {"blocs": __version__, "rules": rules_hash()}
    return {**made_by, "scenario": fixed_digest(scenario), "plan": asdict(plan), "ranges": ranges}


def prepare_chances(folder: Path, asked: dict[str, Any]) -> None:
    """Write what is asked into an empty folder, or see that the folder holds a table of this very kind."""
    asked = json.loads(json.dumps(asked))
    path = folder / PLAN
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        for key, value in asked.items():
            if held.get(key) != value:
                message = f"holds a table of another {key} ({held.get(key)} there, {value} now); choose another --out"
                raise InputError([Fault(display_path(folder), 1, "", message)])
    else:
        Results(folder).refuse_others()
        write_synced(path, json.dumps(asked, indent=1).encode())


def shard_columns(points: Sequence[int], found: Floats) -> dict[str, Any]:
    """The rows of a shard: point, state and chances, from (points, N, 3)."""
    states = found.shape[1]
    keys = {"point": np.repeat(points, states), "state": np.tile(np.arange(states), len(points))}
    return keys | {kind: found[:, :, n].ravel() for n, kind in enumerate(KINDS)}


def read_chances(folder: Path, points: int, states: int) -> Floats:
    """The chances of all points in a folder, (points, states, 3)."""
    files = Results(folder).files("chances")
    query = f"select {', '.join(KINDS)} from read_parquet('{files}') order by point, state"  # noqa: S608
    with contextlib.closing(connect_database()) as connection:
        found = connection.execute(query).fetchnumpy()
    return np.stack([np.asarray(found[kind]) for kind in KINDS], axis=-1).reshape(points, states, len(KINDS))
