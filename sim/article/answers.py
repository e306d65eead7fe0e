"""Answer the claims at the default parameters, from runs (docs/claims.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.analysis.compare import Sample
from sim.analysis.paired import check_alike
from sim.analysis.statistics import Interval
from sim.article.claims import CLAIMS, Claim, claim_scenarios, scenarios_needed
from sim.article.evidence import Evidence, missing_moment, repeat_runs
from sim.batch.digests import scenario_of
from sim.scenario.loading import BASE
from sim.scenario.schema import Scenario

AGREES, CONTRADICTS, UNDECIDED = "agrees", "contradicts", "undecided"

BY_RULES = "agrees, follows from the rules"


@dataclass(frozen=True)
class Beside:
    """A measure that is shown beside the one that decides: its words, value, 95 % interval and number of runs."""

    measure: str
    effect: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Answer:
    """The model's answer to one claim at the default parameters, under one lens.

    Parameters
    ----------
    number, text, paragraphs
        The claim, as in `Claim`.
    lens
        `histories` or `tendency`.
    measure
        What the effect measures, in words.
    effect, low, high
        The effect with its 95 % interval; NaN where undefined.
    n
        Number of runs.
    beside
        Other measures of the claim.
    verdict
        Whether the effect agrees with the claim, in words.
    """

    number: int
    text: str
    paragraphs: str
    lens: str
    measure: str
    effect: float
    low: float
    high: float
    n: int
    beside: tuple[Beside, ...]
    verdict: str


def missing_scenarios(found: Sample) -> dict[int, list[str]]:
    """List the missing scenarios of each claim that the runs cannot answer."""
    present = set(found.runs["design"])
    needed = {claim.number: set(scenarios_needed([claim])) - present for claim in CLAIMS}
    return {number: sorted(missing) for number, missing in needed.items() if missing}


def answerable_claims(found: Sample) -> list[Claim]:
    """List the claims whose scenarios are all among the runs; none where runs end before a date of the claims.

    Raises
    ------
    InputError
        If the scenarios of the claims run different numbers of steps.
    """
    present = set(found.runs["design"])
    asked = [claim for claim in CLAIMS if set(scenarios_needed([claim])) <= present]
    if asked:
        check_alike(found.scenarios, BASE, scenarios_needed(asked))
    return [] if missing_dates(found) else asked


def missing_dates(found: Sample | None) -> str:
    """Say why the baseline's runs end before a date of the claims; empty where they do not, or without a baseline."""
    if found is None or BASE not in found.scenarios:
        return ""
    return missing_moment(scenario_of(found.scenarios[BASE]))


def recorded_claim_scenarios(found: Sample, claims: Iterable[Claim]) -> dict[str, Scenario]:
    """Return every scenario of the claims as a sweep recorded it."""
    claims = list(claims)
    names = scenarios_needed(claims)
    return claim_scenarios(claims, {name: scenario_of(found.scenarios[name]) for name in names})


def answer_claims(found: Sample, *, workers: int | None = None) -> list[Answer]:
    """Answer each claim whose scenarios are among a sweep's runs, at the default parameters.

    The runs are repeated, since a sweep does not store all that the claims need.

    Parameters
    ----------
    found
        The finished runs of a sweep.
    workers
        Threads. Default: the cores of this process.

    Returns
    -------
    list of Answer
        Effect, 95 % interval, number of runs and verdict of each claim.

    Raises
    ------
    InputError
        If the scenarios run different numbers of steps, or another version made the runs.
    """
    asked = answerable_claims(found)
    if not asked:
        return []
    scenarios = recorded_claim_scenarios(found, asked)
    repeated = repeat_runs(found, scenarios, workers=workers)
    lens = scenarios[BASE].sweep.lens
    return [answer_claim(claim, repeated.evidence(claim.scenarios), lens) for claim in asked]


def answer_claim(claim: Claim, found: Evidence, lens: str) -> Answer:
    """Answer a claim at the defaults from runs."""
    reading = claim.reading(found.moments)
    interval = reading.effect(found).interval()
    beside = tuple(Beside(words, *effect(found).interval()) for words, effect in reading.beside.items())
    verdict = verdict_at_defaults(claim, interval, reading.threshold)
    return Answer(
        claim.number, claim.text, claim.paragraphs, lens, reading.measure, *interval, beside=beside, verdict=verdict
    )


def verdict_at_defaults(claim: Claim, interval: Interval, threshold: float) -> str:
    """Say whether an effect at the defaults agrees with a claim: its whole interval is on one side."""
    _, low, high, _ = interval
    if np.isnan(low) or low <= threshold <= high:
        return UNDECIDED
    if high < threshold:
        return CONTRADICTS
    return BY_RULES if claim.given else AGREES


def answer_records(found: list[Answer]) -> list[dict[str, Any]]:
    """Convert answers to records."""
    return [asdict(one) for one in found]
