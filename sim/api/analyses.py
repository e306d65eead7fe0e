"""Explain the decisions of a state, and show the landscape of a world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.explain import AverageAccount, average_account, average_accounts
from sim.analysis.flips import Flips, find_flips
from sim.analysis.states.accounts import Account, Decision, contributors
from sim.analysis.states.decisions import check_state, explain_decision
from sim.analysis.states.direct import why_no_direct_chances
from sim.analysis.states.start import StartAccount, explain_start
from sim.analysis.states.turning import StartFlips, find_start_flips
from sim.api.arguments import argument_faults, refuse_arguments, require
from sim.api.findings import Finding
from sim.api.results import Ensemble
from sim.api.scenarios import Named, require_observed, require_scenario
from sim.batch.design import missing_date, through_lens
from sim.batch.recorded import recorded_scenarios
from sim.batch.store import Results
from sim.errors import Fault, InputError
from sim.forecast.draws import chances_at_draws, load_draws
from sim.model.arrays import Integers
from sim.model.starts import draws_starts
from sim.scenario.checks.references import find_state_id
from sim.scenario.schema import Scenario
from sim.theory import predictions
from sim.theory.landscape import Alignment, separate_from
from sim.theory.predictions import WorldLandscape

REPLICATES = 100
RUNS_A_DRAW = 8

MANY_RUNS = "is about many runs, and step about one; leave one of them out"
ONE_RUN = "is about one run; give step with it"
NO_RUN = "changes nothing, as chances at the start are calculated; give step or replicates with it"
OF_RESULTS = "asks about a scenario, and this is a folder of results"


@dataclass(frozen=True, eq=False, repr=False)
class Explanation(Finding):
    """Why a state aligns as it does.

    Parameters
    ----------
    title, summary, table, record
        As in `Finding`; one row for each term of the utility, or for each scenario of a sweep.
    decision
        The decision at one step of one run, if one was asked for.
    averages
        The mean account over many runs, by scenario.
    start
        What the coded start says of the state, where dispositions are kept and steps have dates.
    flips
        The smallest changes of one setting that change the most likely alignment, if asked for. Where dispositions are
        kept and steps have dates: those with which it is as likely as not that the state moves by the date.
    """

    decision: Decision | None = None
    averages: Mapping[str, AverageAccount] | None = None
    start: StartAccount | None = None
    flips: Flips | StartFlips | None = None


def explain(
    scenario: Scenario | Named | Ensemble, state: str, *, step: int | None = None, seed: int | None = None,
    replicate: int | None = None, replicates: int | None = None, by: str | date | None = None, flip: bool = False,
    parameters: str | None = None, observed: Named | None = None, label: str | None = None, workers: int | None = None,
) -> Explanation:  # fmt: skip
    """Explain why a state aligns as it does: the terms of its utilities, and the states that they come from.

    Where dispositions are kept and steps have dates, three kinds of chances are apart: the structural chance at the
    coded start, of a state like it whose disposition is not known; the chance by a date given the start; and, with
    `step`, what one run did.

    Parameters
    ----------
    scenario
        Scenario, or name or path of one; or results of `sweep` or their folder, for each of its scenarios.
    state
        Id or full name of the state, such as ``"IRN"``.
    step
        Explain the decision at this step of one run. Default: the coded start; with fresh dispositions, or in rounds,
        the mean over the last steps of many runs.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    replicate
        Number of the run among the runs of the seed, from 0; only with `step`, or where the scenario draws starts: the
        run whose starts are explained. Default: 0.
    replicates
        Runs to average (default: 100), or given the start histories to simulate with followers (default: none).
    by
        Date within the run, for the chances given the start. Default: the end of the run.
    flip
        Find the smallest change of each setting that changes the likeliest alignment, or moves the state by the date.
    parameters
        ``"posterior"`` or a file of draws: also give the range of the chances over these draws of the parameters.
    observed
        Name or path of the scenario whose world has the posterior. Default: `scenario`, if it is a name or path.
    label
        Name of the scenario in the record. Default: the name of its file, or its title.
    workers
        Threads, 1 to 512. Default: one for each core.

    Returns
    -------
    Explanation
        One row for each term: its value for each alignment, the difference between the two most likely alignments,
        and the states that contribute most.

    Raises
    ------
    InputError
        If the state is unknown, or an argument is invalid or does not fit the others.

    Examples
    --------
    >>> found = explain("baseline_2023", "IRN", by="2030-12-31")
    >>> found.record["held"], found.record["most_likely"]
    ('non_aligned', 'non_aligned')
    """
    counts = {"step": step, "seed": seed, "replicate": replicate, "replicates": replicates, "workers": workers}
    given = require("explain", {**counts, "by": by, "parameters": parameters, "label": label}, state=state, flip=flip)
    many = {"replicates": replicates, "by": by, "flip": flip or None, "parameters": parameters}
    if folder := results_folder(scenario):
        refuse_arguments(
            "explain", {"replicate": replicate, **many, "step": step, "seed": seed, "replicates": None}, OF_RESULTS
        )
        with argument_faults("explain"):
            return explain_results(folder, given.state, given.replicates, given.workers)
    refuse_arguments("explain", many if step is not None else {}, MANY_RUNS)
    found, name = require_scenario("explain", scenario, given.label)
    found = through_lens(found)
    why, id = why_no_direct_chances(found), find_state_id(found.states, given.state)
    coded = step is None and not why and not draws_starts(found)
    refuse_arguments("explain", {"replicate": replicate} if coded or (why and step is None) else {}, ONE_RUN)
    refuse_arguments("explain", {"seed": seed} if coded and not (replicates or parameters) else {}, NO_RUN)
    own = found.sweep.seed if given.seed is None else given.seed
    reference = "" if given.parameters is None else require_observed("explain", scenario, observed)
    with argument_faults("explain"):
        if given.step is not None:
            return explain_step(found, name, id, seed=own, replicate=given.replicate or 0, step=given.step)
        check_state(found, id)
        record: dict[str, Any] = {"scenario": name, "name": found.states[id].name}
        if why:
            refuse_arguments("explain", {"by": by}, f"is about the start, and {why}")
            explained = explain_means(found, name, id, record, own, given)
        else:
            explained = explain_coded_start(found, name, id, record, own, given)
        if given.parameters is not None:
            record["parameters"] = chances_over_draws(found, id, reference, given.parameters, own)
    return explained


def explain_means(
    scenario: Scenario, name: str, state: str, record: dict[str, Any], seed: int, given: SimpleNamespace
) -> Explanation:
    """Explain the mean of a state's late decisions over many runs; adds to the record."""
    many = given.replicates or REPLICATES
    found = average_account(scenario, state, seed=seed, replicates=many, workers=given.workers)
    record |= found.record()
    flips = None
    if given.flip:
        record["flip"] = (
            flips := find_flips(scenario, state, seed=seed, replicates=many, workers=given.workers)
        ).record()
    return Explanation(
        f"{scenario.states[state].name} in {name}", f"{found.words()}; {found.account.deciding_words()}",
        account_table(found.account), record, None, {name: found}, None, flips,
    )  # fmt: skip


def explain_coded_start(
    scenario: Scenario, name: str, state: str, record: dict[str, Any], seed: int, given: SimpleNamespace
) -> Explanation:
    """Explain a state at its coded start, with its chances by a date; adds to the record."""
    day = None if given.by is None else require_day(scenario, given.by)
    runs: dict[str, Any] = {"day": day, "seed": seed, "replicates": given.replicates, "workers": given.workers}
    runs["replicate"] = given.replicate or 0  # of a run whose drawn starts are taken
    found = explain_start(scenario, state, **runs)
    record |= found.record()
    flips = None
    if given.flip:
        record["flip"] = (flips := find_start_flips(scenario, state, **runs)).record()
    return Explanation(
        f"{scenario.states[state].name} in {name}", f"{found.words()}; {found.account.deciding_words()}",
        account_table(found.account), record, None, None, found, flips,
    )  # fmt: skip


def require_day(scenario: Scenario, days: Sequence[str]) -> str:
    """Return the one date asked for, which is within the run."""
    if message := missing_date(scenario, days[0]) if len(days) == 1 else "give one date":
        raise InputError([Fault("--by", 1, "", message)])
    return days[0]


def results_folder(scenario: Any) -> Path | None:
    """Return the folder of results, or None for a scenario."""
    if isinstance(scenario, Ensemble):
        return scenario.folder
    is_folder = isinstance(scenario, (str, Path)) and (Path(scenario) / "manifest.json").is_file()
    return Path(scenario) if is_folder else None


def explain_step(scenario: Scenario, name: str, state: str, *, seed: int, replicate: int, step: int) -> Explanation:
    """Explain one decision."""
    decision = explain_decision(scenario, state, seed=seed, replicate=replicate, step=step)
    full = scenario.states[state].name
    chance = decision.account.chances[decision.account.alignments.index(decision.choice)]
    without = "" if decision.disposition is None else " without its disposition"
    return Explanation(
        f"{full} in {name}, step {step} of replicate {replicate}, seed {seed}",
        f"chose {decision.choice} (P = {chance:.3g}{without}); {decision.weighed.deciding_words()}",
        account_table(decision.weighed), {"scenario": name, "name": full, **decision.record()}, decision,
    )  # fmt: skip


def explain_results(folder: Path, state: str, replicates: int | None, workers: int | None) -> Explanation:
    """Explain a state in every design point of a folder of results, from its repeated runs."""
    results = Results(folder)
    asked = recorded_scenarios(results)
    state = find_state_id({id: one for ran in asked.values() for id, one in ran.states.items()}, state)
    found = dict(average_accounts(results, state, replicates=replicates, workers=workers))
    rows = []
    for name, one in found.items():
        p, low, high, runs = one.interval(one.account.most_likely)
        difference = one.account.utilities[one.account.first] - one.account.utilities[one.account.second]
        rows.append((name, one.account.most_likely, p, low, high, runs, one.account.runner_up, difference,
                     contributors(one.account.deciding())))  # fmt: skip
    columns = ["scenario", "most_likely", "p", "low", "high", "runs", "runner_up", "difference", "decided_by"]
    table = pd.DataFrame(rows, columns=columns)
    record = {"results": str(folder), "scenarios": {name: one.record() for name, one in found.items()}}
    summary = "; ".join(f"{name}: {one.account.most_likely}" for name, one in found.items())
    return Explanation(f"{state} in {folder}", summary, table, record, None, found)


def account_table(account: Account) -> pd.DataFrame:
    """Return one row for each term that is not 0, the terms that decide first, and the utility as the last row."""
    rows = [(term, *column, gap, contributors(states)) for term, column, gap, states in account.rows()]
    gap = account.utilities[account.first] - account.utilities[account.second]
    rows.append(("utility", *account.utilities, gap, contributors(account.from_states())))
    return pd.DataFrame(rows, columns=["term", *account.alignments, "difference", "mostly_from"])


def chances_over_draws(
    scenario: Scenario, state: str, reference: str, parameters: str, seed: int
) -> dict[str, list[float]]:
    """Return the 5 % quantile, median and 95 % quantile of the chance of each alignment over draws."""
    found = chances_at_draws(scenario, load_draws(reference, parameters), replicates=RUNS_A_DRAW, seed=seed)
    low, median, high = np.quantile(found[:, list(scenario.states).index(state)], [0.05, 0.5, 0.95], axis=0)
    return {name: [low[k], median[k], high[k]] for k, name in enumerate(scenario.alignments())}


@dataclass(frozen=True, eq=False, repr=False)
class LandscapeFinding(Finding):
    """The landscape of a world.

    Parameters
    ----------
    title, summary, table, record
        As in `Finding`; one row for each local minimum.
    landscape
        Sizes, propensities, minima and optimum as arrays.
    """

    landscape: WorldLandscape


def landscape(
    world: Scenario | Named, *, seed: int | None = None, replicates: int = 100, seconds: float = 20.0
) -> LandscapeFinding:
    """Show the two blocs that the ties of a world predict (landscape theory), and compare them with the agents.

    Parameters
    ----------
    world
        World or scenario with two states or more, or name or path of one.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    replicates
        Runs of the agents, 1 or more.
    seconds
        Time limit for the proof of the optimum, in seconds.

    Returns
    -------
    LandscapeFinding
        One row for each local minimum: energy (ordered pairs, squared units of capability), basin, share of the
        starts, and the two blocs.

    Raises
    ------
    InputError
        If the world has fewer than two states, or an argument is invalid.

    Examples
    --------
    >>> found = landscape("unix_1988", replicates=10)
    >>> len(found.table), found.record["optimum"]["proven"]
    (2, True)
    """
    given = require("landscape", {"seed": seed}, replicates=replicates, seconds=seconds)
    found, _ = require_scenario("landscape", world)
    if not 0 <= given.seconds <= 86_400:
        raise InputError([Fault("landscape", 1, "seconds", f"{given.seconds:g} is not between 0 and 86400")])
    if len(found.states) < 2:
        message = f"has {len(found.states)} state, and two blocs need two; give a world of two states or more"
        raise InputError([Fault("landscape", 1, "states", message)])
    own = found.sweep.seed if given.seed is None else given.seed
    terrain = predictions.find_landscape(found, seed=own, seconds=given.seconds)
    runs = predictions.final_alignments(found, seed=own, replicates=given.replicates)
    record = landscape_record(terrain, runs, predictions.predict_splits(found, terrain, seed=own))
    table = pd.DataFrame(record["minima"], columns=["energy", "basin", "share", "blocs"])
    best, at_optimum = record["optimum"], record["runs"]["at_optimum"]
    proof = "proven" if best["proven"] else f"not proven (gap {best['gap']:.1%})"
    summary = (
        f"lowest energy {best['energy']:.6g}, {proof}; {100 * at_optimum:.0f} % of {len(runs)} runs of the agents end"
        " there"
    )
    return LandscapeFinding(found.title, summary, table, record, terrain)


def landscape_record(terrain: WorldLandscape, runs: Integers, splits: dict[str, Alignment]) -> dict[str, Any]:
    """Return the record of a landscape; energies over ordered pairs, in squared units of capability."""
    minima, best = terrain.minima, terrain.best
    lowest = (
        separate_from(minima.alignments[1], minima.alignments[0], sizes=terrain.sizes, propensity=terrain.network)
        if len(minima.energies) > 1
        else None
    )
    record: dict[str, Any] = {
        "states": len(terrain.states),
        "exhaustive": minima.exhaustive,
        "starts": minima.starts,
        "minima": [
            {"energy": float(e), "basin": int(b), "share": float(s), "blocs": list_blocs(terrain.states, a)}
            for e, b, s, a in zip(minima.energies, minima.basins, minima.shares, minima.alignments, strict=True)
        ],
        "optimum": {
            "energy": best.energy, "bound": best.bound, "gap": best.gap, "proven": best.proven,
            "blocs": list_blocs(terrain.states, best.alignment),
        },
        "separation": None if lowest is None else {
            "states": [terrain.states[i] for i in lowest.states], "energy": lowest.energy,
        },
        "runs": distance_record(terrain, runs),
        "triads": {"complete": terrain.triads.complete, "unbalanced": terrain.triads.unbalanced,
                   "balance": terrain.triads.balance},
        "predictions": {name: prediction_record(terrain.states, runs, split) for name, split in splits.items()},
    }  # fmt: skip
    if terrain.frustration is not None:
        record["frustration_index"] = terrain.frustration.index
        record["frustration_proven"] = terrain.frustration.proven
    return record


def distance_record(terrain: WorldLandscape, runs: Integers) -> dict[str, Any]:
    """Return how far the runs of the agents end from the optimum."""
    best = terrain.best
    away = [
        separate_from(run.astype(np.int8), best.alignment, sizes=terrain.sizes, propensity=terrain.network)
        for run in runs
    ]
    quantiles = (("least", 0), ("median", 0.5), ("most", 1))
    return {
        "replicates": len(runs),
        "at_optimum": float(np.mean([one.energy <= 1e-9 * abs(best.energy) for one in away])),
        "states_away": {q: float(np.quantile([len(one.states) for one in away], p)) for q, p in quantiles},
        "energy_above": {q: float(np.quantile([one.energy for one in away], p)) for q, p in quantiles},
    }


def prediction_record(states: tuple[str, ...], runs: Integers, split: Alignment) -> dict[str, Any]:
    """Return a prediction and how far the runs agree with it."""
    share, by_state = predictions.agreement(runs, split)
    return {
        "blocs": list_blocs(states, split),
        "undetermined": [s for s, a in zip(states, split, strict=True) if a == 0],
        "agreement": share,
        "disagree": [s for s, v in zip(states, by_state, strict=True) if v < 0.5],
    }


def list_blocs(states: tuple[str, ...], split: Alignment) -> list[list[str]]:
    """Return the states of each of two blocs."""
    return [[state for state, bloc in zip(states, split, strict=True) if bloc == k] for k in (1, 2)]
