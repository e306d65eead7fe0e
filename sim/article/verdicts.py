"""A claim judged: its effect at the defaults, how much of the ranges it holds in, and the same in placebo worlds."""

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

MOST = 0.7  # most of the ranges; no claim's share lies so near to it that the seed would decide

MORE = 0.2  # clearly more than in placebo worlds: for one setting in five it takes the article's own ties

OFTEN = 0.6  # of the ranges in placebo worlds: then the mechanism alone makes it so

DECIDES = 0.2  # a separation surely larger is named in a verdict; smaller ones come and go with the luck

DECIDING = 2  # parameters that are named


@dataclass(frozen=True)
class HeldShare:
    """Share of the design points at which the claim's direction holds, of those that define an effect."""

    share: float
    low: float
    high: float
    points: int
    zero: float  # share of points with no effect at all, which is not holding
    against: float  # share of points with the contrary effect
    undefined: int  # points whose runs define no effect

    @property
    def interval(self) -> Interval:
        """The share with its Wilson interval."""
        return self.share, self.low, self.high, self.points


@dataclass(frozen=True)
class PlaceboShare:
    """The same figures in placebo worlds; the effect at the defaults is a mean over n worlds."""

    effect: float
    low: float
    high: float
    n: int
    holds_share: HeldShare | None


@dataclass(frozen=True)
class Judgement:
    """A claim with all that its verdict rests on."""

    answer: Answer
    holds_share: HeldShare | None
    decided_by: tuple[ParameterSeparation, ...]
    placebo: PlaceboShare | None
    verdict: str


def effect_direction(effects: Floats, threshold: float) -> Floats:
    """1 where an effect passes the threshold, −1 where it falls short, 0 where neither; NaN where undefined."""
    away = effects - threshold
    return np.where(np.abs(away) <= NO_EFFECT, 0.0, np.sign(away))


def share_held(effects: Floats, threshold: float) -> HeldShare:
    """In how many of the points a claim's direction holds, from its effects, (P,)."""
    signs = effect_direction(effects, threshold)
    known = signs[~np.isnan(signs)]
    share, low, high, points = share_interval(int((known > 0).sum()), known.size)
    zero, against = (float((known == s).mean()) if known.size else float("nan") for s in (0, -1))
    return HeldShare(share, low, high, points, zero, against, signs.size - known.size)


def judge_claim(claim: Claim, interval: Interval, effects: RangeFindings, place: int) -> Judgement:
    """A claim's figures and verdict; `place` is its column among the effects."""
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
    """The verdict in words, from the effect at the defaults and the shares of the ranges in both kinds of worlds.

    `undecided` where the interval at the defaults holds no effect or no run defines one. Otherwise `robust` where it
    agrees at the defaults, in most of the ranges and clearly more often than in placebo worlds; `the mechanism's
    doing` where it agrees and placebo settings do too, often and nearly as often; `contradicted` where the defaults
    and most of the ranges are against it; `conditional` in all that is left, on what surely decides.
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
    """Run what the claims need over the ranges, or at given parameters, (points, V), and in placebo worlds, and judge.

    Their effects at the defaults come from the runs of a sweep, and are run too where there is none.
    """
    made = explore_ranges(
        scenarios, claims, counts, defaults=found is None, values=values, workers=workers, progress=progress
    )
    verdicts = []
    for place, claim in enumerate(claims):
        evidence = made.defaults if found is None else evidence_from_sample(found, claim.scenarios)
        assert evidence is not None  # noqa: S101 - asked for where there is no sweep
        verdicts.append(judge_claim(claim, claim.effect(evidence).interval(), made, place))
    return verdicts


def judgement_record(judged: Judgement) -> dict[str, Any]:
    """A judged claim as a plain record."""
    return asdict(judged.answer) | {
        "at_defaults": judged.answer.verdict,
        "holds_share": asdict(judged.holds_share) if judged.holds_share else None,
        "decided_by": [asdict(one) for one in judged.decided_by],
        "placebo": asdict(judged.placebo) if judged.placebo else None,
        "verdict": judged.verdict,
    }


def run_counts_record(counts: RunCounts) -> dict[str, int]:
    """What was computed, for the record."""
    return asdict(counts) | {"runs_in_placebo_world": counts.in_placebo}
