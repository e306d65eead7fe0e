"""Analyse uncertainty: which settings an outcome depends on, and which policy lever to choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.prim import choose_box, describe_box, find_boxes, limit_p_values
from sim.analysis.regret import check_levers, load_levers, outcomes_in_futures, resolution_of, tabulate_regret
from sim.analysis.sensitivity import (
    Evaluator,
    SobolIndices,
    chosen_outcome,
    describe_reading,
    idle_parameters,
    parameter_ranges,
    require_power_of_two,
    sobol_indices,
    tornado_table,
    widened_parameters,
)
from sim.api.arguments import require, require_date
from sim.api.findings import Finding
from sim.api.runs import Scenarios, named
from sim.api.scenarios import Named, load, require_scenario
from sim.batch.design import through_lens
from sim.batch.executor import Progress
from sim.batch.sweep import other_seeds
from sim.errors import Fault, InputError
from sim.model.arrays import Floats
from sim.scenario.lens import SET_BY_TENDENCY, set_by_tendency
from sim.scenario.overrides import Change, apply_changes, setting_change
from sim.scenario.schema import Scenario

RUNS_AN_END = 100  # a tornado has few points, so that each may have more runs than a point of the Sobol design

Ranges = Mapping[str, tuple[float, float]]


def sensitivity(
    scenario: Scenario | Named, outcome: str | None = None, *, points: int = 256, replicates: int = 8,
    vary: Ranges | None = None, threshold: float | None = None, at: Any = None, seed: int | None = None,
    lens: str | None = None, label: str | None = None, workers: int | None = None, progress: Progress | None = None,
) -> Finding:  # fmt: skip
    """Find the settings that an outcome depends on: Sobol indices, and both ends of each setting's range.

    Parameters
    ----------
    scenario
        Scenario, or name or path of one.
    outcome
        Outcome, such as ``"capability_front"`` or ``"share_front_CHN"``. Default: the capability of the bloc that
        varies most.
    points
        Sobol points, a power of 2 from 2 to 65,536. Each costs (settings + 2) × `replicates` runs.
    replicates
        Runs of each point, 1 or more.
    vary
        Ranges (low, high) by setting. Default: every parameter that matters over its documented range.
    threshold
        Find the box of settings where the outcome is at least this (PRIM).
    at
        Date of the outcome, as text or date. Default: the end of the run; without dates, the mean over the last steps.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    lens
        ``"histories"`` or ``"tendency"``, as in `sweep`. Default: the lens in the scenario file.
    label
        Name of the scenario in the record. Default: the name of its file, or its title.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    Finding
        One row for each setting: first-order and total index in [0, 1], with 95 % intervals.
        ``record["tornado"]`` has the ends of the ranges, ``record["box"]`` the box.

    Raises
    ------
    InputError
        If a setting or the outcome is unknown, a range is empty, or `points` is not a power of 2.

    Examples
    --------
    >>> found = sensitivity("unix_1988", points=4, replicates=2, vary={"w_bond": (0, 1), "erosion": (0, 1)})
    >>> found.table["setting"].tolist(), len(found.record["tornado"])
    (['w_bond', 'erosion'], 4)
    """
    optional: dict[str, Any] = {"outcome": outcome, "vary": vary, "threshold": threshold, "seed": seed}
    optional |= {"at": at, "lens": lens, "label": label, "workers": workers, "progress": progress}
    given = require("sensitivity", optional, points=points, replicates=replicates)
    found, name = require_scenario("sensitivity", scenario, given.label)
    found = through_lens(found, given.lens)
    day = require_date("sensitivity", {name: found}, given.at)
    try:
        require_power_of_two(given.points)
    except ValueError as error:
        raise InputError([Fault("sensitivity", 1, "points", str(error))]) from None
    ranges = parameter_ranges(found) if given.vary is None else require_settings(found, given.vary)
    own = found.sweep.seed if given.seed is None else given.seed
    asked = given.outcome or chosen_outcome(found, seed=own, day=day)
    indices, ends, runs = run_sensitivity(found, ranges, asked, own, day, given)
    record = {
        "outcome": asked,
        "read": describe_reading(found, day),
        "seed": own,
        "lens": found.sweep.lens,
        "points": indices.n,
        "replicates": given.replicates,
        "runs": runs,
        "ranges": ranges,
        "mean": float(indices.values.mean()),
        "sd": float(indices.values.std()),
        "indices": indices.table,
        "tornado": ends,
        "box": None if given.threshold is None
        else box_record(indices.rows, indices.values, list(ranges), given.threshold),
        "scenario": name,
        "left_out": {} if given.vary is not None else idle_parameters(found),
        "widened": [] if given.vary is not None else widened_parameters(found),
    }  # fmt: skip
    return Finding(f"Sensitivity of {asked} in {name}", indices_words(indices.table), indices.table, record)


def require_settings(scenario: Scenario, ranges: Ranges) -> Ranges:
    """Check that the scenario has the settings, at both ends of their ranges; raises InputError with every fault."""
    if scenario.sweep.lens == "tendency" and (replaced := [path for path in ranges if set_by_tendency(path)]):
        raise InputError([Fault("sensitivity", 1, "vary", f"varies {path}, {SET_BY_TENDENCY}") for path in replaced])
    changes = [setting_change("sensitivity", path, low) for path, (low, _) in ranges.items()]
    changes += [
        Change("sensitivity", path, "", (), setting_change("sensitivity", path, high).apply)
        for path, (_, high) in ranges.items()
    ]
    try:
        apply_changes(scenario, changes)
    except InputError as error:
        raise InputError(fault._replace(field="vary") for fault in error.faults) from None
    return ranges


def run_sensitivity(
    scenario: Scenario, ranges: Ranges, outcome: str, seed: int, day: str | None, given: Any
) -> tuple[SobolIndices, pd.DataFrame, int]:
    """Return indices, tornado and the number of runs; raises InputError for an unknown or undefined outcome."""
    first = given.replicates * given.points * (len(ranges) + 2)
    total = first + RUNS_AN_END * (2 * len(ranges) + 1)
    progress = given.progress or (lambda done, total: None)
    try:
        evaluator = Evaluator(scenario, tuple(ranges), outcome, seed, day)
        indices = sobol_indices(
            lambda rows: evaluator.means(
                rows, replicates=given.replicates, workers=given.workers, progress=lambda done, _: progress(done, total)
            ),
            ranges, points=given.points, rng=np.random.default_rng(seed),
        )  # fmt: skip
        ends = tornado_table(
            lambda rows: evaluator.runs(
                rows, replicates=RUNS_AN_END, workers=given.workers,
                progress=lambda done, _: progress(first + done, total),
            ),
            ranges,
        )  # fmt: skip
    except ValueError as error:
        raise InputError([Fault("sensitivity", 1, "outcome", str(error))]) from None
    return indices, ends, total


def indices_words(indices: pd.DataFrame) -> str:
    """Return the setting with the largest total index, in words."""
    if indices["total"].isna().all():
        return "the outcome does not vary over the ranges"
    most = indices.loc[indices["total"].idxmax()]
    return (
        f"{most['setting']} has the largest total index, {most['total']:.2f}"
        f" (95 % interval {most['total_low']:.2f} to {most['total_high']:.2f})"
    )


def box_record(rows: Floats, values: Floats, settings: list[str], threshold: float) -> dict[str, Any]:
    """Return the box where the outcome is at least the threshold; without limits where no box helps."""
    cases = values >= threshold
    record: dict[str, Any] = {"threshold": threshold, "cases": int(cases.sum()), "points": len(cases), "limits": []}
    if cases.all() or not cases.any():
        return record
    box = choose_box(rows, cases, find_boxes(rows, cases))
    doubt = limit_p_values(rows, cases, box)
    for end, j in np.argwhere(box.limited).tolist():
        limit = (box.low, box.high)[end][j]
        record["limits"].append(
            {"setting": settings[j], "end": ("low", "high")[end], "value": float(limit), "quasi_p": doubt[end, j]}
        )
    measures = {"coverage": box.coverage, "density": box.density, "mass": box.mass, "n": box.n}
    return {**record, **measures, "words": describe_box(box, settings)}


def regret(
    levers: Scenarios | None = None, *, outcome: str | None = None, maximize: bool = False, threshold: float = 0.1,
    at: Any = None, points: int = 256, replicates: int = 8, seed: int | None = None, lens: str | None = None,
    workers: int | None = None, progress: Progress | None = None,
) -> Finding:  # fmt: skip
    """Compare policy levers under uncertainty (minimax regret).

    A lever is a scenario that a government can choose. A future is one setting of all parameters within their
    ranges, the same for every lever, on common random numbers.

    Parameters
    ----------
    levers
        Two scenarios or more, as in `sweep`. Default: the baseline and every shipped scenario marked as a lever.
    outcome
        Outcome. Default: the capability of the first lever's bloc that varies most.
    maximize
        Whether a large outcome is better. Default: a small one is.
    threshold
        The outcome satisfies at or beyond this value.
    at
        Date of the outcome, as text or date. Default: the end of the runs; without dates, the mean over the last steps.
    points
        Sobol points (futures), 2 to 65,536.
    replicates
        Runs of each lever in each future, 1 or more.
    seed
        Random seed, 0 or more, of all runs. Default: the seed of the first lever.
    lens
        ``"histories"`` or ``"tendency"``, as in `sweep`. Default: the lens in each lever's file.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    Finding
        One row for each lever, the least maximum regret first. The greatest regret of many futures is the more too
        high, the fewer replicates there are. `record["resolution"]` is the step in which the outcome of a future can
        move, for a share at one date; None otherwise.

    Raises
    ------
    InputError
        If there are fewer than two levers, they cannot be compared, or an argument is invalid.

    Examples
    --------
    >>> found = regret(["baseline_2023", "no_sanctions"], outcome="capability_front", points=4, replicates=2)
    >>> found.table["lever"].tolist(), bool((found.table["regret"] >= 0).all())
    (['no_sanctions', 'baseline_2023'], True)
    """
    optional = {"outcome": outcome, "at": at, "seed": seed, "lens": lens, "workers": workers, "progress": progress}
    given = require(
        "regret", optional, maximize=maximize, threshold=threshold, points=points, replicates=replicates
    )  # fmt: skip
    found = load_levers() if levers is None else {
        name: one if isinstance(one, Scenario) else load(one) for name, one in named("regret", levers).items()
    }  # fmt: skip
    found = {name: through_lens(one, given.lens) for name, one in found.items()}
    if len(found) < 2:
        raise InputError([Fault("regret", 1, "", "give two levers or more, such as baseline_2023 no_sanctions")])
    if not 2 <= given.points <= 65_536:
        raise InputError([Fault("regret", 1, "points", f"{points} is not between 2 and 65536")])
    check_levers(found)
    day = require_date("regret", found, given.at)
    first = next(iter(found.values()))
    own = first.sweep.seed if given.seed is None else given.seed
    asked = given.outcome or chosen_outcome(first, seed=own, day=day)
    try:
        outcomes = outcomes_in_futures(
            found, asked, points=given.points, replicates=given.replicates, seed=own, day=day, workers=given.workers,
            progress=given.progress,
        )  # fmt: skip
    except ValueError as error:
        raise InputError([Fault("regret", 1, "outcome", str(error))]) from None
    rows = tabulate_regret(outcomes, want="high" if maximize else "low", satisfied=given.threshold)
    record = {
        "outcome": asked, "maximize": maximize, "threshold": given.threshold, "futures": given.points,
        "replicates": given.replicates, "resolution": resolution_of(first, asked, given.replicates),
        "read": describe_reading(first, day), "seed": own, "lens": first.sweep.lens,
        "unused_seeds": other_seeds({name: one.sweep.seed for name, one in found.items()}, own), "levers": rows,
        "widened": widened_parameters(first),
    }  # fmt: skip
    best = rows.iloc[0]
    summary = (
        f"{best['lever']} has the least maximum regret, {best['regret_max']:.3f}; mean regret {best['regret']:.3f}"
        f" (95 % interval {best['low']:.3f} to {best['high']:.3f})"
    )
    return Finding(f"Regret in {asked}, {given.points} futures", summary, rows, record)
