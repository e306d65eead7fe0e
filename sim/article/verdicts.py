"""Judge claims by their effect at the defaults, over the ranges and in placebo worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.analysis.compare import Sample
from sim.analysis.statistics import Interval, difference_of_shares, mean_interval, share_interval
from sim.article.claims import Answer, Claim, answer_claim
from sim.article.evidence import evidence_from_sample
from sim.article.robustness import ParameterSeparation, RangeFindings, RunCounts, explore_ranges, find_separations
from sim.batch.executor import Progress
from sim.model.arrays import Floats
from sim.scenario.schema import Scenario

NO_EFFECT = 1e-12  # an effect nearer to the threshold is rounding

MOST = 0.7  # share of the ranges; no claim's share is so near to it that the seed decides

MORE = 0.2  # more of the ranges than in placebo worlds: one setting in five needs the article's own ties

OFTEN = 0.6  # share of the ranges in placebo worlds from which the mechanism is enough

DECIDES = 0.2  # separation that a verdict names; smaller ones depend on the random seed

DECIDING = 2  # most parameters that a verdict names


@dataclass(frozen=True)
class HeldShare:
    """Share of the design points at which the claim's direction holds, among those that define an effect."""

    share: float
    low: float
    high: float
    points: int
    zero: float  # share of points without an effect, where the claim does not hold
    against: float  # share of points with the opposite effect
    undefined: int  # points whose runs define no effect

    @property
    def interval(self) -> Interval:
        """The share with its Wilson interval."""
        return self.share, self.low, self.high, self.points


@dataclass(frozen=True)
class PlaceboShare:
    """The same values in placebo worlds; the effect at the defaults is a mean over n worlds."""

    effect: float
    low: float
    high: float
    n: int
    holds_share: HeldShare | None


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, with its reasons.

    Parameters
    ----------
    answer
        The answer at the defaults.
    holds_share
        Share of the design points at which the claim holds; None without design points.
    decided_by
        The parameters that separate these points most.
    placebo
        The same values in placebo worlds; None without them.
    verdict
        The verdict in words.
    """

    answer: Answer
    holds_share: HeldShare | None
    decided_by: tuple[ParameterSeparation, ...]
    placebo: PlaceboShare | None
    verdict: str


def effect_direction(effects: Floats, threshold: float) -> Floats:
    """Return 1 where an effect is above the threshold, −1 below, 0 within rounding; NaN where undefined."""
    away = effects - threshold
    return np.where(np.abs(away) <= NO_EFFECT, 0.0, np.sign(away))


def share_held(effects: Floats, threshold: float) -> HeldShare:
    """Compute the share of the points at which a claim's direction holds, from its effects, (P,)."""
    signs = effect_direction(effects, threshold)
    known = signs[~np.isnan(signs)]
    share, low, high, points = share_interval(int((known > 0).sum()), known.size)
    zero, against = (float((known == s).mean()) if known.size else float("nan") for s in (0, -1))
    return HeldShare(share, low, high, points, zero, against, signs.size - known.size)


def judge_claim(claim: Claim, interval: Interval, effects: RangeFindings, place: int) -> Judgement:
    """Judge a claim by its effects; `place` is its column."""
    at_defaults = answer_claim(claim, interval)
    share = other = None
    decided: tuple[ParameterSeparation, ...] = ()
    if len(effects.values):
        share, other = (share_held(e[:, place], claim.threshold) for e in (effects.article, effects.placebo))
        signs = effect_direction(effects.article[:, place], claim.threshold)
        known = ~np.isnan(signs)
        decided = tuple(find_separations(effects.values[known], signs[known] > 0)[:DECIDING])
    placebo = None
    if other is not None or len(effects.placebo_defaults):
        placebo = PlaceboShare(*mean_interval(effects.placebo_defaults[:, place]), other)
    words = at_defaults.verdict
    if share is not None and other is not None:
        words = verdict_text(interval, share.interval, other.interval, decided, threshold=claim.threshold)
    return Judgement(at_defaults, share, decided, placebo, words)


def verdict_text(
    effect: Interval,
    share: Interval,
    placebo: Interval,
    decided: Sequence[ParameterSeparation],
    *,
    threshold: float = 0.0,
) -> str:
    """Give the verdict in words, from the effect at the defaults and the shares of the ranges in both kinds of worlds.

    - `undecided`: the interval at the defaults contains no effect, or no run defines one.
    - `robust`: it agrees at the defaults, in most of the ranges, and clearly more often than in placebo worlds.
    - `the mechanism's doing`: it agrees, and placebo worlds agree often and nearly as often.
    - `contradicted`: the defaults and most of the ranges are against it.
    - `conditional`: all other cases; the verdict names the parameters that clearly decide.
    """
    _, low, high, _ = effect
    if not (low > threshold or high < threshold) or not share[3]:
        return "undecided"
    if low > threshold:
        more = difference_of_shares(share, placebo)[1] > MORE
        if not more and placebo[1] > OFTEN:
            return "the mechanism's doing"
        if share[1] > MOST and more:
            return "robust"
    elif share[2] < 1 - MOST:
        return "contradicted"
    named = sorted(f"{one.parameter} ({one.direction})" for one in decided if one.strength - one.chance > DECIDES)
    return f"conditional on {' and '.join(named)}" if named else "conditional, no one parameter decides"


def judge_claims(
    claims: Sequence[Claim], scenarios: Mapping[str, Scenario], found: Sample | None, counts: RunCounts, *,
    values: Floats | None = None, workers: int | None = None, progress: Progress | None = None,
) -> list[Judgement]:  # fmt: skip
    """Judge claims by runs at the defaults, over the ranges and in placebo worlds.

    Parameters
    ----------
    claims
        The claims to judge.
    scenarios
        The scenarios that they need, by name.
    found
        The runs of a sweep at the defaults; None runs the defaults as well.
    counts
        How much to compute.
    values
        Parameters of each point, (points, V). Default: a Sobol sequence over their ranges.
    workers
        Threads. Default: the cores of this process.
    progress
        Called with the runs done and the total.

    Returns
    -------
    list of Judgement
        One per claim, in their order.
    """
    made = explore_ranges(
        scenarios, claims, counts, defaults=found is None, values=values, workers=workers, progress=progress
    )
    verdicts = []
    for place, claim in enumerate(claims):
        evidence = made.defaults if found is None else evidence_from_sample(found, claim.scenarios)
        assert evidence is not None  # noqa: S101 - computed where `found` is None
        verdicts.append(judge_claim(claim, claim.effect(evidence).interval(), made, place))
    return verdicts


def judgement_record(judged: Judgement) -> dict[str, Any]:
    """Convert a judgement to a record."""
    return asdict(judged.answer) | {
        "at_defaults": judged.answer.verdict,
        "holds_share": asdict(judged.holds_share) if judged.holds_share else None,
        "decided_by": [asdict(one) for one in judged.decided_by],
        "placebo": asdict(judged.placebo) if judged.placebo else None,
        "verdict": judged.verdict,
    }


def run_counts_record(counts: RunCounts) -> dict[str, int]:
    """Convert the counts to a record."""
    return asdict(counts) | {"runs_in_placebo_world": counts.in_placebo}
