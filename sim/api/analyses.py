"""Explain the decisions of a state, and show the landscape of a world."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.explain import Account, AverageAccount, Decision, average_account, average_accounts, explain_decision
from sim.analysis.flips import Flips, find_flips
from sim.api.arguments import argument_faults, require
from sim.api.findings import Finding
from sim.api.results import Ensemble
from sim.api.scenarios import Named, require_observed, require_scenario
from sim.batch.design import through_lens
from sim.batch.recorded import recorded_scenarios
from sim.batch.store import Results
from sim.errors import Fault, InputError
from sim.forecast.draws import chances_at_draws, load_draws
from sim.model.arrays import Integers
from sim.scenario.schema import Scenario, State
from sim.theory import predictions
from sim.theory.landscape import Alignment, separate_from
from sim.theory.predictions import WorldLandscape

REPLICATES = 100

RUNS_A_DRAW = 8

MANY_RUNS = "is about many runs, and step about one; leave one of them out"
ONE_RUN = "is about one run; give step with it"
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
    flips
        The smallest changes of one setting that change the most likely alignment, if asked for.
    """

    decision: Decision | None = None
    averages: Mapping[str, AverageAccount] | None = None
    flips: Flips | None = None


def explain(
    scenario: Scenario | Named | Ensemble, state: str, *, step: int | None = None, seed: int | None = None,
    replicate: int | None = None, replicates: int | None = None, flip: bool = False, parameters: str | None = None,
    observed: Named | None = None, label: str | None = None, workers: int | None = None,
) -> Explanation:  # fmt: skip
    """Explain why a state aligns as it does: the terms of its utilities, and the states that they come from.

    Parameters
    ----------
    scenario
        Scenario, or name or path of one; or results of `sweep` or their folder, for each of its scenarios.
    state
        Id or full name of the state, such as ``"IRN"``.
    step
        Explain the decision at this step of one run. Default: the mean over the last steps of many runs.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    replicate
        Number of the run among the runs of the seed, from 0; only with `step`. Default: 0.
    replicates
        Runs to average, 1 or more. Default: 100.
    flip
        Find the smallest change of each setting that changes the most likely alignment.
    parameters
        ``"posterior"`` or a file of draws: also give the range of the chances over draws from the calibrated
        parameters.
    observed
        Name or path of the scenario whose world has the posterior. Default: `scenario`, if it is a name or path.
    label
        Name of the scenario in the record. Default: the name of its file, or its title.
    workers
        Threads, 1 to 512. Default: one for each core.

    Returns
    -------
    Explanation
        One row for each term: its value for each alignment, the difference between the two most likely
        alignments, and the states that contribute most.

    Raises
    ------
    InputError
        If the state is unknown, or an argument is invalid or does not fit the others.

    Examples
    --------
    >>> found = explain("baseline_2023", "IRN", replicates=10)
    >>> found.record["most_likely"], found.table["term"][0]
    ('front', 'shelter')
    """
    counts = {"step": step, "seed": seed, "replicate": replicate, "replicates": replicates, "workers": workers}
    given = require("explain", {**counts, "parameters": parameters, "label": label}, state=state, flip=flip)
    one = {"replicate": replicate}
    many = {"replicates": replicates, "flip": flip or None, "parameters": parameters}
    if folder := results_folder(scenario):
        refuse_arguments({**one, **many, "step": step, "seed": seed, "replicates": None}, OF_RESULTS)
        with argument_faults("explain"):
            return explain_results(folder, given.state, given.replicates, given.workers)
    refuse_arguments(many if step is not None else {}, MANY_RUNS)
    refuse_arguments(one if step is None else {}, ONE_RUN)
    found, name = require_scenario("explain", scenario, given.label)
    found = through_lens(found)
    id = find_state_id(found.states, given.state)
    own = found.sweep.seed if given.seed is None else given.seed
    reference = "" if given.parameters is None else require_observed("explain", scenario, observed)
    with argument_faults("explain"):
        if given.step is not None:
            return explain_step(found, name, id, seed=own, replicate=given.replicate or 0, step=given.step)
        average = average_account(
            found, id, seed=own, replicates=given.replicates or REPLICATES, workers=given.workers
        )  # fmt: skip
        record = {"scenario": name, "name": found.states[id].name, **average.record()}
        if given.parameters is not None:
            record["parameters"] = chances_over_draws(found, id, reference, given.parameters, own)
        flips = None
        if flip:
            flips = find_flips(found, id, seed=own, replicates=average.replicates, workers=given.workers)
            record["flip"] = flips.record()
    return Explanation(
        f"{found.states[id].name} in {name}", f"{chance_words(average)}; {deciding_words(average.account)}",
        account_table(average.account), record, None, {name: average}, flips,
    )  # fmt: skip


def results_folder(scenario: Any) -> Path | None:
    """Return the folder of results, or None for a scenario."""
    if isinstance(scenario, Ensemble):
        return scenario.folder
    is_folder = isinstance(scenario, (str, Path)) and (Path(scenario) / "manifest.json").is_file()
    return Path(scenario) if is_folder else None


def refuse_arguments(given: Mapping[str, Any], message: str) -> None:
    """Raise InputError if an argument is given that does not fit the others."""
    faults = [Fault("explain", 1, name, message) for name, value in given.items() if value is not None]
    if faults:
        raise InputError(faults)


def find_state_id(states: Mapping[str, State], word: str) -> str:
    """Return the id of the one state with this full name, in any case; else the word itself."""
    found = [id for id, record in states.items() if record.name.casefold() == word.casefold()]
    return found[0] if len(found) == 1 and word not in states else word


def explain_step(scenario: Scenario, name: str, state: str, *, seed: int, replicate: int, step: int) -> Explanation:
    """Explain one decision."""
    decision = explain_decision(scenario, state, seed=seed, replicate=replicate, step=step)
    full = scenario.states[state].name
    chance = decision.account.chances[decision.account.alignments.index(decision.choice)]
    return Explanation(
        f"{full} in {name}, step {step} of replicate {replicate}, seed {seed}",
        f"chose {decision.choice} (P = {chance:.3g}); {deciding_words(decision.account)}",
        account_table(decision.account), {"scenario": name, "name": full, **decision.record()}, decision,
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


def contributors(found: list[tuple[str, float]], listed: int = 4) -> str:
    """Return the largest contributions in words."""
    return ", ".join(f"{name} {value:+.3f}" for name, value in found[:listed])


def chance_words(average: AverageAccount) -> str:
    """Return the chance of the most likely alignment with its interval, in words."""
    most = average.account.most_likely
    p, low, high, runs = average.interval(most)
    between = "" if math.isnan(low) else f", 95 % interval {low:.2f} to {high:.2f}"
    return f"P({most}) = {p:.2f}{between}, {runs} runs"


def deciding_words(account: Account) -> str:
    """Return the terms that decide, in words."""
    terms = contributors(account.deciding(), 3)
    return f"{account.most_likely} over {account.runner_up} by {terms}" if terms else "no term decides"


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
