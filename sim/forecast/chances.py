"""Compute structural chances, at the defaults and at many points of the prior: a table that is saved and resumed.

A forecast of votes must not know where states start. So its runs are those of `structural_of`, which have no anchor.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from sim import __version__
from sim.article.robustness import VARIED, claim_points, with_varied
from sim.batch.executor import Progress, evaluate
from sim.batch.recorded import rules_hash
from sim.batch.store import Results, write_shard
from sim.batch.tables.database import connect_database
from sim.batch.tables.reading import check_stored_file, file_list
from sim.batch.tables.schema import NUMBER, ROUNDING, WHOLE, Rule
from sim.errors import Fault, InputError, display_path, quote
from sim.files import read_record, require_regular, write_synced
from sim.forecast.baselines import sum_by_answer
from sim.model import compiled, outcomes
from sim.model.arrays import PARAMETERS, Floats
from sim.model.starts import coded_start_chances
from sim.model.trajectory import store_late
from sim.model.world import World, with_parameters, world_of
from sim.scenario.lens import STRUCTURAL_WINDOW, structural_of
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import parameter_range
from sim.scenario.schema import Scenario, hash_content

PLAN = "plan.json"

BLOCK = 64  # points in a shard

PART = 50  # runs in one task

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


def structural_world(scenario: Scenario) -> World:
    """Return the world whose decisions give the structural chances of a scenario."""
    return world_of(structural_of(scenario))


def world_with_parameters(world: World, values: Floats) -> World:
    """Replace the parameters in VARIED, (V,), of a structural world, except its rate of renewal, which the lens sets.

    So `renewal` is a control among the parameters that are fitted: it can have no effect.
    """
    parameters = with_varied(world.start.parameters, values)
    renewal = PARAMETERS.index("renewal")
    parameters[renewal] = world.start.parameters[renewal]
    return with_parameters(world, parameters)


def answer_chances(scenario: Scenario, world: World, *, seed: int, replicates: range) -> Floats:
    """Average the chances of each answer in a structural world, (N, 3), in the order of YES, NO, ABSTAINED."""
    return sum_by_answer(scenario, alignment_chances(world, seed=seed, replicates=replicates))


def alignment_chances(world: World, *, seed: int, replicates: range) -> Floats:
    """Average the chances of decisions over the last steps of a structural world and over replicates, (N, K + 1).

    The expectation is that of the share of these steps spent in each alignment, with less noise (Rao & Blackwell).
    """
    stored = store_late(world.steps, STRUCTURAL_WINDOW)._replace(chances=True)
    runs = compiled.run_records(world, seed=seed, replicates=replicates, stored=stored)
    late = (outcomes.late_mean(run.chances, STRUCTURAL_WINDOW) for run in runs)
    return np.asarray(sum(late, np.zeros(())) / len(replicates))


def model_chances(
    scenarios: Mapping[str, Scenario], *, seed: int, replicates: int, workers: int | None, progress: Progress | None
) -> dict[str, Floats]:
    """Run each scenario on common random numbers; return the structural chances of each answer, (N, 3)."""
    parts = [range(first, min(first + PART, replicates)) for first in range(0, replicates, PART)]
    worlds = {name: structural_world(scenario) for name, scenario in scenarios.items()}
    tasks = list(product(scenarios, parts))

    def sum_part(task: tuple[str, range]) -> Floats:
        name, part = task
        return len(part) * answer_chances(scenarios[name], worlds[name], seed=seed, replicates=part)

    found = evaluate(sum_part, tasks, runs=[len(part) for _, part in tasks], workers=workers, progress=progress)
    by_part = dict(zip(tasks, found, strict=True))
    return {name: sum((by_part[name, part] for part in parts), np.zeros(())) / replicates for name in scenarios}


def start_chances(scenario: Scenario, world: World, values: Floats) -> Floats:
    """Compute the structural chances of each answer at the coded start, (P, N, 3), at points, (P, V).

    All others are where they start, and what a state holds now has no inertia. P(yes) − P(no) is the structural rank
    (model: Outcomes). It does not forecast votes, as it knows where the others start.
    """

    def at_point(row: Floats) -> Floats:
        there = with_parameters(world, with_varied(world.start.parameters, row))
        return sum_by_answer(scenario, coded_start_chances(there))

    return np.array([at_point(row) for row in values])


def fixed_digest(scenario: Scenario) -> str:
    """Hash a scenario without the values of its varied parameters: all else that the table depends on."""
    lowest = {f"parameters.{name}": parameter_range(name)[0] for name in VARIED}
    return with_settings(scenario, lowest, note="").digest()


def simulate_chances(scenario: Scenario, world: World, values: Floats, plan: ChancePlan) -> ChanceTable:
    """Compute the table of a structural world at some points, (P, V), in memory."""
    found = evaluate(
        lambda row: answer_chances(
            scenario, world_with_parameters(world, row), seed=plan.seed, replicates=range(plan.replicates)
        ),
        list(values),
    )
    return ChanceTable(values, np.array(found))


def stored_chances(
    scenario: Scenario, plan: ChancePlan, folder: Path, *, workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> ChanceTable:  # fmt: skip
    """Compute the table of a plan; load the points that are in the folder, and save the others there.

    Raises InputError where the folder has the table of another plan or scenario, or another process writes to it.
    """
    results, values, world = Results(folder), claim_points(plan.points, plan.seed), structural_world(scenario)
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
    saved = read_record(path, "remove the folder, or choose another --out")
    others = [
        Fault(
            display_path(path), 1, key,
            f"is of another table ({quote(saved.get(key), 200)} there, {quote(value, 200)} now); choose another --out",
        )
        for key, value in plan.items()
        if saved.get(key) != value
    ]  # fmt: skip
    if others:
        raise InputError(others)


def shard_columns(points: Sequence[int], found: Floats) -> dict[str, Any]:
    """Convert chances, (points, N, 3), to the columns of a shard: point, state and chances."""
    states = found.shape[1]
    keys = {"point": np.repeat(points, states), "state": np.tile(np.arange(states), len(points))}
    return keys | {kind: found[:, :, n].ravel() for n, kind in enumerate(KINDS)}


def read_chances(folder: Path, blocks: Mapping[str, range], states: int) -> Floats:
    """Read the chances of the points of these blocks, by the names of their shards, (points, states, 3).

    Raises InputError with every fault of a table that has other columns, rows or values.
    """
    shards = Results(folder).shards
    points = np.concatenate([np.arange(block.start, block.stop) for block in blocks.values()])
    files = file_list(shards, "chances", blocks)
    query = f"select point, state, {', '.join(KINDS)} from read_parquet([{files}]) order by point, state"  # noqa: S608
    query = f"{query} limit {len(points) * states + 1}"
    try:
        with contextlib.closing(connect_database()) as connection:
            found = connection.execute(query).fetchnumpy()
        keys = np.array_equal(found["point"], points.repeat(states)) and np.array_equal(
            found["state"], np.tile(np.arange(states), len(points))
        )
        values = np.stack([np.ma.filled(found[kind], np.nan) for kind in KINDS], axis=-1)
        if keys and ((values >= 0) & (values <= 1 + ROUNDING)).all():
            return values.reshape(len(points), states, len(KINDS))
    except (duckdb.Error, KeyError, TypeError, ValueError):
        pass  # the faults say why
    faults = [fault for name, block in blocks.items() for fault in block_faults(shards / name, block, states)]
    other = f"has other rows than the fit writes; remove the folder {display_path(shards)}, and repeat the fit"
    raise InputError(faults or [Fault(display_path(shards), 1, "chances", other)])


def block_faults(shard: Path, block: range, states: int) -> list[Fault]:
    """Every fault of the table of a block of points."""
    chance = Rule(NUMBER, 0, 1 + ROUNDING)
    rules = {"point": Rule(WHOLE, block.start, block.stop - 1), "state": Rule(WHOLE, 0, states - 1)}
    return check_stored_file(shard / "chances.parquet", rules | dict.fromkeys(KINDS, chance), len(block) * states)
