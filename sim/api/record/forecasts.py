"""Judge the article's claims, score forecasts against the record, and calibrate the parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.compare import read_sample
from sim.api.arguments import LENSES, argument_faults, require
from sim.api.findings import Finding
from sim.api.results import Ensemble, require_ensemble
from sim.api.scenarios import Named, require_observed, require_scenario
from sim.article.answers import answerable_claims, missing_dates, missing_scenarios
from sim.article.claims import CLAIMS, scenarios_needed
from sim.article.robustness import POINTS, REPLICATES, RunCounts, count_claim_runs
from sim.article.verdicts import Judgement, judge_claims, judgement_record, run_counts_record
from sim.batch.design import through_lens
from sim.batch.executor import Progress
from sim.batch.recorded import current_versions, scenarios_as_run
from sim.batch.store import Results
from sim.errors import Fault, InputError
from sim.files import write_synced
from sim.forecast import draws, posterior
from sim.forecast.calibrate import YEAR, Fit, calibrate_world
from sim.forecast.chances import ChancePlan, ChanceTable, fixed_digest, prior_bounds, stored_chances
from sim.forecast.record import Observed, load_observed
from sim.forecast.scorecard import score_forecasts
from sim.model.world import world_of
from sim.scenario.loading import BASE, load_scenario
from sim.scenario.schema import Scenario

DRAWS = 256

CHARTS_A_ROW = 4

FIGURES = ("auc", "brier", "log")


@dataclass(frozen=True, eq=False, repr=False)
class ClaimsFinding(Finding):
    """The article's claims with their verdicts.

    Parameters
    ----------
    title, summary, table, record
        As in `Finding`; one row for each claim and lens.
    judgements
        The claims under each lens, with all that their verdicts rest on.
    counts
        Numbers of points, runs and placebo worlds.
    """

    judgements: tuple[Judgement, ...]
    counts: RunCounts


def claims(
    results: Ensemble | Named | None = None, *, points: int | None = None, parameters: str | None = None,
    point_replicates: int | None = None, placebos: int = 20, replicates: int | None = None, seed: int | None = None,
    lens: str | None = None, workers: int | None = None, progress: Progress | None = None,
) -> ClaimsFinding:  # fmt: skip
    """Judge the article's claims at the defaults, over the parameters' ranges, and in placebo worlds.

    Histories are measured at the end of 2026 and of 2030, and tendency by means over the last steps.

    Parameters
    ----------
    results
        Results of `sweep`, or the folder of an earlier sweep: their effects at the defaults and their scenarios are
        used. Default: run what the claims need.
    points
        Sobol points over the ranges, or draws with `parameters`; 0 for the defaults only. Default: 4096, or all draws.
    parameters
        ``"posterior"`` or a file of draws: evaluate at draws from the calibrated parameters instead of Sobol points.
    point_replicates
        Runs of each scenario at each point, 2 to 10,000. Default: 4.
    placebos
        Placebo worlds (permuted ties) at the defaults, 0 to 10,000.
    replicates
        Runs of each scenario at the defaults, without `results`; a quarter of them in tendency. 3 or more. A tenth of
        them, at most 100, is run in each placebo world. Default: 16,000.
    seed
        Random seed, 0 or more, of what is run: not of `results`. Default: the seed of the baseline.
    lens
        ``"histories"`` or ``"tendency"``, as in `sweep`; only without `results`. Default: both.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    ClaimsFinding
        One row for each claim and lens: effect with its 95 % interval, share of the points where it holds, and the
        verdict.

    Raises
    ------
    InputError
        If no claim can be judged from the results, or an argument is invalid or would change nothing.

    Examples
    --------
    >>> found = claims(points=0, placebos=0, replicates=3)
    >>> found.table.columns.tolist()
    ['claim', 'text', 'lens', 'effect', 'low', 'high', 'holds_in', 'verdict']
    """
    optional: dict[str, Any] = {"points": points, "parameters": parameters, "seed": seed, "lens": lens}
    optional |= {
        "workers": workers,
        "point_replicates": point_replicates,
        "replicates": replicates,
        "progress": progress,
    }
    given = require("claims", optional, placebos=placebos)
    refuse_idle(given, of_results=results is not None)
    stored = None if results is None else Results(require_ensemble(results).folder)
    sample = None if stored is None else read_sample(stored)
    asked = list(CLAIMS) if sample is None else answerable_claims(sample)
    if not asked and stored is not None:
        message = "no claim can be judged here; sweep baseline_2023 with other shipped scenarios, or run `blocs demo`"
        raise InputError([Fault(str(stored.folder), 1, "", missing_dates(sample) or message)])
    names = scenarios_needed(asked)
    files = {name: load_scenario(name) for name in names} if stored is None else scenarios_as_run(stored, names)
    lenses = LENSES if given.lens is None else (given.lens,)
    views = (
        [files] if stored is not None else [{n: through_lens(one, lens) for n, one in files.items()} for lens in lenses]
    )
    values = None
    if given.parameters is not None and given.points != 0:
        with argument_faults("claims"):
            values = draws.load_draws(BASE, given.parameters).some(given.points)
    settings = len(values) if values is not None else POINTS if given.points is None else given.points
    own = files[BASE].sweep.seed if given.seed is None else given.seed
    plan = RunCounts(points=settings, each=given.point_replicates or RunCounts.each, placebos=given.placebos,
                     replicates=given.replicates or REPLICATES, seed=own)  # fmt: skip
    sizes = [count_claim_runs(asked, view[BASE], plan, defaults=sample is None) for view in views]
    reports = progress_in_parts(given.progress, sizes)
    by_lens = [
        judge_claims(asked, view, sample, plan, values=values, workers=given.workers, progress=report)
        for view, report in zip(views, reports, strict=True)
    ]
    judged = [one for of_claim in zip(*by_lens, strict=True) for one in of_claim]
    record = {
        "claims": [judgement_record(one) for one in judged],
        "lacking": {} if sample is None else missing_scenarios(sample),
        "counts": run_counts_record(plan) | ({} if sample is None else {"replicates": None}),
        "parameters": "ranges" if values is None else given.parameters,
    }
    summary = "; ".join(f"{found[0].answer.lens}: {count_verdicts(found)}" for found in by_lens)
    return ClaimsFinding("The article's claims", summary, claims_table(judged), record, tuple(judged), plan)


def refuse_idle(given: SimpleNamespace, *, of_results: bool) -> None:
    """Raise InputError for arguments of `claims` that would change nothing, all at once."""
    own = "does not apply with results, which have their own"
    pointless = "does not apply without points" if given.points == 0 else ""
    reasons = {
        "lens": own if of_results else "",
        "replicates": f"{own}, without placebo worlds" if of_results and not given.placebos else "",
        "seed": f"{own}, without points and placebo worlds" if of_results and pointless and not given.placebos else "",
        "point_replicates": pointless,
        "parameters": pointless,
    }
    if idle := {name: why for name, why in reasons.items() if why and getattr(given, name) is not None}:
        raise InputError(Fault("claims", 1, name, f"{why}; leave it out") for name, why in idle.items())


def progress_in_parts(progress: Progress | None, sizes: Sequence[int]) -> list[Progress | None]:
    """Return the progress of each of several parts, which together have a number of runs each."""

    def part(before: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(before + done, sum(sizes))

    return [part(sum(sizes[:n])) for n in range(len(sizes))]


def count_verdicts(judged: Sequence[Judgement]) -> str:
    """Return how many claims have each verdict, in words."""
    verdicts = pd.Series([one.verdict for one in judged]).value_counts(sort=False)
    return ", ".join(f"{verdict} {count}" for verdict, count in verdicts.items())


def claims_table(judged: list[Judgement]) -> pd.DataFrame:
    """Return one row for each claim and lens."""
    rows = [
        (
            one.answer.number, one.answer.text, one.answer.lens, one.answer.effect, one.answer.low, one.answer.high,
            one.holds_share.share if one.holds_share else float("nan"), one.verdict,
        )
        for one in judged
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["claim", "text", "lens", "effect", "low", "high", "holds_in", "verdict"])


def score(
    scenario: Scenario | Named = BASE, *, replicates: int = 1000, seed: int | None = None,
    observed: Named | None = None, label: str | None = None, workers: int | None = None,
    progress: Progress | None = None,
) -> Finding:  # fmt: skip
    """Score a scenario's forecasts against recorded votes and ideal points, beside simpler baselines.

    Parameters
    ----------
    scenario
        Scenario, or name or path of one.
    replicates
        Runs of each variant of the sanctions, 1 or more. Forecasts of votes are structural chances, which do not know
        where states start. Those of realignments are as many histories, which do.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    observed
        Name or path of the scenario whose world has the record (observed.toml). Default: `scenario`, if it is a name
        or path.
    label
        Name of the scenario in the record. Default: the name of its file, or its title.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    Finding
        One row for each forecast of each vote: AUC in [0, 1], Brier score in [0, 2] and log score in nats.

    Raises
    ------
    InputError
        If the world has no record, or an argument is invalid.

    Examples
    --------
    >>> found = score("baseline_2023", replicates=4)
    >>> found.table["auc"].between(0, 1).all().item()
    True
    """
    optional = {"seed": seed, "label": label, "workers": workers, "progress": progress}
    given = require("score", optional, replicates=replicates)
    reference = require_observed("score", scenario, observed)
    found, name = require_scenario("score", scenario, given.label)
    require_histories("score", found)
    recorded = load_observed(reference)
    if recorded is None:
        message = "its world has no observed.toml to score against; `blocs score baseline_2023` has"
        raise InputError([Fault(reference, 1, "", message)])
    own = found.sweep.seed if given.seed is None else given.seed
    record = {"scenario": name} | score_forecasts(
        found, recorded, seed=own, replicates=given.replicates, workers=given.workers, progress=given.progress
    )
    table = score_table(record)
    model = table.groupby(["vote", "sanctions"], sort=False).first()
    span = f"from {model['auc'].min():.2f} to {model['auc'].max():.2f} over {len(model)} scorings"
    summary = f"AUC of the model {span}" if len(model) else "the record has no vote to score"
    return Finding(f"Forecasts of {name}", summary, table, record)


def require_histories(owner: str, scenario: Scenario) -> None:
    """Refuse a scenario under a lens: structural chances, the forecasts, have one of their own."""
    if scenario.sweep.lens == "tendency":
        message = "forecasts are of the scenario itself; leave the lens of tendency out"
        raise InputError([Fault(owner, 1, "lens", message)])


def score_table(record: dict[str, Any]) -> pd.DataFrame:
    """Return one row for each forecast of each vote, under each variant of the sanctions."""
    rows = [
        (vote["id"], vote["sanctions"], one["forecast"], one["n"], *(one[key]["value"] for key in FIGURES))
        for vote in record["votes"]
        for one in vote["forecasts"]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["vote", "sanctions", "forecast", "states", *FIGURES])


@dataclass(frozen=True, eq=False, repr=False)
class CalibrationFinding(Finding):
    """The calibrated parameters.

    Parameters
    ----------
    title, summary, table, record
        As in `Finding`; one row for each parameter.
    folder
        Folder of the runs, the record and the draws.
    fit
        The posterior over the points.
    chances
        The chances of the model at each point.
    """

    folder: Path
    fit: Fit
    chances: ChanceTable


def calibrate(
    scenario: Scenario | Named = BASE, *, out: Named, points: int = 4096, replicates: int = 32,
    seed: int | None = None, observed: Named | None = None, label: str | None = None, workers: int | None = None,
    progress: Progress | None = None,
) -> CalibrationFinding:  # fmt: skip
    """Fit the parameters to recorded votes and ideal points, without the votes held out.

    Parameters
    ----------
    scenario
        Scenario, or name or path of one.
    out
        Folder of the runs, calibration.json and posterior.csv. The same call resumes a calibration.
    points
        Sobol points over the ranges (the prior), 2 to 100,000.
    replicates
        Runs of each point, 1 or more.
    seed
        Random seed, 0 or more. Default: the seed in the scenario file.
    observed
        Name or path of the scenario whose world has the record (observed.toml). Default: `scenario`, if it is a name
        or path.
    label
        Name of the scenario in the record. Default: the name of its file, or its title.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.

    Returns
    -------
    CalibrationFinding
        One row for each parameter: default, prior range, posterior median and 90 % interval, and whether the record
        identifies it.

    Raises
    ------
    InputError
        If the world has nothing to fit to, the folder contains a different calibration, or an argument is invalid.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = calibrate("baseline_2023", out=folder, points=8, replicates=1)
    >>> found.table["identified"].any().item()
    False
    """
    optional = {"seed": seed, "label": label, "workers": workers, "progress": progress}
    given = require("calibrate", optional, out=out, points=points, replicates=replicates)
    if given.points < 2:
        raise InputError([Fault("calibrate", 1, "points", f"{points} is not a whole number from 2 to 100000")])
    reference = require_observed("calibrate", scenario, observed)
    found, name = require_scenario("calibrate", scenario, given.label)
    require_histories("calibrate", found)
    recorded = require_votes(reference)
    plan = ChancePlan(given.points, given.replicates, found.sweep.seed if given.seed is None else given.seed)
    world = world_of(found)
    progress = given.progress or (lambda done, total: None)
    table = stored_chances(found, plan, given.out, workers=given.workers, progress=progress)
    fit, fitted = calibrate_world(found, world, recorded, table)
    record = {"scenario": name, "replicates": plan.replicates, "seed": plan.seed, **fitted}
    write_calibration(given.out, found, plan, table, fit, record)
    identified = [one["parameter"] for one in record["parameters"] if one["identified"]]
    summary = f"the record identifies {', '.join(identified) or 'no parameter'}; worth {fit.effective:.0f} draws"
    parameters = pd.DataFrame(record["parameters"])
    return CalibrationFinding(f"Calibration of {name}", summary, parameters, record, given.out, fit, table)


def require_votes(reference: str) -> Observed:
    """Return the record of a world; raises InputError if it has no votes or ideal points to fit to."""
    recorded = load_observed(reference)
    if recorded is None or not recorded.fitting.votes or YEAR not in recorded.fitting.ideal_points:
        message = f"its world has no observed.toml with votes and ideal points of {YEAR}; see docs/scenarios.md"
        raise InputError([Fault(reference, 1, "", message)])
    return recorded


def write_calibration(
    folder: Path, scenario: Scenario, plan: ChancePlan, table: ChanceTable, fit: Fit, record: dict[str, Any]
) -> None:
    """Write the record, the draws and the chart into the folder."""
    from sim.reporting import charts
    from sim.reporting.records import to_json_text

    rng = np.random.default_rng(plan.seed)
    chosen = rng.permutation(table.values[posterior.resample_points(fit.weights, DRAWS, rng)])
    basis = {"scenario": record["scenario"], "digest": fixed_digest(scenario),
             "fitted_to": ", ".join(record["fitted_to"]), "points": plan.points, "replicates": plan.replicates,
             "seed": plan.seed, "effective": f"{fit.effective:.0f}", **current_versions()}  # fmt: skip
    draws.write_draws(folder / draws.FILE, draws.Draws(chosen, {key: str(value) for key, value in basis.items()}))
    write_synced(folder / "calibration.json", to_json_text(record).encode())
    bars = posterior.posterior_bars(table.values, fit.weights, fit.log_likelihood, *prior_bounds())
    rows = len(record["parameters"]) // CHARTS_A_ROW + 1  # the last chart is the key
    figure, axes = charts.new_figure(9, 1.6 * rows, rows=rows, columns=CHARTS_A_ROW)
    for ax, bar, one in zip(axes[: len(bars)], bars, record["parameters"], strict=True):
        charts.draw_posterior(ax, bar, one)
    charts.draw_posterior_key(axes[len(record["parameters"]) :])
    charts.save_figure(figure, str(folder / "identifiability.png"))
