"""The model's chances at many points of the prior: a reference table that is kept on disk and gone on with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim import __version__, ensemble, outcomes
from sim.engines import Progress, evaluate
from sim.faults import Fault, InputError, shown_path
from sim.forecasts import by_answer
from sim.kernel import Floats
from sim.parameters import parameter_range
from sim.ranges import VARIED, design, varied
from sim.scenario import Scenario
from sim.settings import with_settings
from sim.store import Results, connected, write_shard, write_synced
from sim.sweep import rules
from sim.world import World

PLAN = "plan.json"
BLOCK = 64  # points of a shard
KINDS = ("yes", "no", "abstained")


class Table(NamedTuple):
    """The model's chances at P points."""

    values: Floats  # (P, V), the parameters in VARIED
    chances: Floats  # (P, N, 3), of YES, NO, ABSTAINED


@dataclass(frozen=True)
class Plan:
    """How many points of the prior, and runs at each, all on the same luck."""

    points: int = 4096
    replicates: int = 32
    seed: int = 20231025


def prior() -> tuple[Floats, Floats]:
    """The ends of the uniform prior of the parameters in VARIED: the documented ranges, as every sweep draws them."""
    low, high = np.array([parameter_range(name) for name in VARIED]).T
    return low, high


def at(world: World, values: Floats) -> World:
    """The world with the parameters in VARIED set, (V,)."""
    return replace(world, start=world.start._replace(parameters=varied(world.start.parameters, values)))


def chances(scenario: Scenario, world: World, *, seed: int, replicates: range) -> Floats:
    """Mean chance of each answer by which states chose, (N, 3), in the order of YES, NO, ABSTAINED.

    The leader's bloc stands for yes, another for no, non-alignment for abstaining.
    """
    return by_answer(scenario, by_alignment(world, seed=seed, replicates=replicates))


def by_alignment(world: World, *, seed: int, replicates: range) -> Floats:
    """Mean chance of each alignment by which states chose in the last 8 steps of some replicates, (N, K + 1).

    Its expectation is that of the late share, P(alignment) of MODEL §7, at less noise (Rao & Blackwell).
    """
    runs = ensemble.records(world, seed=seed, replicates=replicates)
    found: Floats = sum((outcomes.late_mean(run.chances) for run in runs), np.zeros(())) / len(replicates)
    return found


def fixed_digest(scenario: Scenario) -> str:
    """Digest of a scenario whatever values its varied parameters have: what chances at given points depend on."""
    lowest = {f"parameters.{name}": parameter_range(name)[0] for name in VARIED}
    return with_settings(scenario, lowest, note="").digest()


def simulated(
    scenario: Scenario,
    world: World,
    values: Floats,
    plan: Plan,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Table:
    """The table at some points, (P, V), in memory."""
    found = evaluate(
        lambda row: chances(scenario, at(world, row), seed=plan.seed, replicates=range(plan.replicates)),
        list(values), runs=plan.replicates, workers=workers, progress=progress,
    )  # fmt: skip
    return Table(values, np.array(found))


def kept(
    scenario: Scenario, world: World, plan: Plan, folder: Path, *, workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Table:  # fmt: skip
    """The table of a plan; what of it is in the folder is not computed again, what is new is kept there.

    Raises InputError where the folder holds another plan's or scenario's table, or another process writes into it.
    """
    results, values = Results(folder), design(plan.points, plan.seed)
    blocks = {f"{first:06d}": range(first, min(first + BLOCK, plan.points)) for first in range(0, plan.points, BLOCK)}
    with results.locked(first=lambda: prepare(folder, told(scenario, plan))):
        open_blocks = sorted(set(blocks) - results.finished(blocks))
        left = sum(len(blocks[name]) for name in open_blocks)
        before, total = (plan.points - left) * plan.replicates, plan.points * plan.replicates

        def fill(name: str) -> None:
            rows = [
                chances(scenario, at(world, values[n]), seed=plan.seed, replicates=range(plan.replicates))
                for n in blocks[name]
            ]
            write_shard(results, name, {"chances": columns(blocks[name], np.array(rows))})

        sizes = [len(blocks[name]) * plan.replicates for name in open_blocks]
        evaluate(
            fill, open_blocks, runs=sizes, workers=workers, progress=lambda done, _: progress(before + done, total)
        )
        results.clear(blocks)
    return Table(values, read(folder, plan.points, len(world.states)))


def told(scenario: Scenario, plan: Plan) -> dict[str, Any]:
    """What a table depends on."""
    ranges = {name: parameter_range(name) for name in VARIED}
    made_by = {"blocs": __version__, "rules": rules()}
    return {**made_by, "scenario": fixed_digest(scenario), "plan": asdict(plan), "ranges": ranges}


def prepare(folder: Path, asked: dict[str, Any]) -> None:
    """Write what is asked into an empty folder, or see that the folder holds a table of this very kind."""
    asked = json.loads(json.dumps(asked))
    path = folder / PLAN
    if path.is_file():
        held = json.loads(path.read_text(encoding="utf-8"))
        for key, value in asked.items():
            if held.get(key) != value:
                message = f"holds a table of another {key} ({held.get(key)} there, {value} now); choose another --out"
                raise InputError([Fault(shown_path(folder), 1, "", message)])
    else:
        Results(folder).refuse_others()
        write_synced(path, json.dumps(asked, indent=1).encode())


def columns(points: Sequence[int], found: Floats) -> dict[str, Any]:
    """The rows of a shard: point, state and chances, from (points, N, 3)."""
    states = found.shape[1]
    keys = {"point": np.repeat(points, states), "state": np.tile(np.arange(states), len(points))}
    return keys | {kind: found[:, :, n].ravel() for n, kind in enumerate(KINDS)}


def read(folder: Path, points: int, states: int) -> Floats:
    """The chances of all points in a folder, (points, states, 3)."""
    files = Results(folder).files("chances")
    query = f"select {', '.join(KINDS)} from read_parquet('{files}') order by point, state"  # noqa: S608
    with contextlib.closing(connected()) as connection:
        found = connection.execute(query).fetchnumpy()
    return np.stack([np.asarray(found[kind]) for kind in KINDS], axis=-1).reshape(points, states, len(KINDS))
