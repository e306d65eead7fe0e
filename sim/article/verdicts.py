"""Judge claims by their effect at the defaults, over the ranges and in placebo worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.analysis.compare import Sample
from sim.analysis.statistics import Interval, difference_of_shares, mean_interval, share_interval
from sim.article.answers import AGREES, BY_RULES, CONTRADICTS, UNDECIDED, Answer, answer_claim
from sim.article.claims import Claim, claim_scenarios
from sim.article.evidence import Moments, repeat_runs
from sim.article.robustness import ParameterSeparation, RangeFindings, RunCounts, explore_ranges, find_separations
from sim.batch.executor import Progress
from sim.model.arrays import Floats
from sim.scenario.loading import BASE
from sim.scenario.schema import Scenario

NO_EFFECT = 1e-12  # an effect of runs nearer to the threshold is rounding

NO_CHANCE = 1e-4  # an effect in closed form nearer to the threshold would not show in 10,000 histories

MOST = 0.65  # share of the points with an effect that a verdict needs on its side; no claim is near it

FEWEST = 0.1  # share of the points that must have an effect

MORE = 0.2  # more of the ranges than in placebo worlds: one setting in five needs the article's own ties

OFTEN = 0.65  # share of the ranges in placebo worlds from which the mechanism is enough

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

    @property
    def decided(self) -> Interval:
        """The share of the points with an effect at which it has the claim's direction, with its Wilson interval."""
        held, against = (round(share * self.points) if self.points else 0 for share in (self.share, self.against))
        return share_interval(held, held + against)


@dataclass(frozen=True)
class PlaceboShare:
    """The same values in placebo worlds; the effect at the defaults is a mean over n worlds."""

    article: float  # the same measure in the article's world at the defaults
    effect: float
    low: float
    high: float
    n: int
    holds_share: HeldShare | None


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim under one lens, with its reasons.

    Parameters
    ----------
    answer
        The answer at the defaults.
    holds_share
        Share of the design points at which the claim holds; None without design points.
    decided_by
        The parameters that separate these points most.
    placebo
        The same values in placebo worlds; None without them, and for a claim that is not of entries.
    verdict
        The verdict in words.
    reason
        What an undecided verdict lacks; empty for the others.
    """

    answer: Answer
    holds_share: HeldShare | None
    decided_by: tuple[ParameterSeparation, ...]
    placebo: PlaceboShare | None
    verdict: str
    reason: str = ""


def effect_direction(effects: Floats, threshold: float, none: float = NO_EFFECT) -> Floats:
    """Return 1 where an effect is above the threshold, −1 below, 0 where nearer than `none`; NaN where undefined."""
    away = effects - threshold
    return np.where(np.abs(away) <= none, 0.0, np.sign(away))


def share_held(effects: Floats, threshold: float, none: float = NO_EFFECT) -> HeldShare:
    """Compute the share of the points at which a claim's direction holds, from its effects, (P,)."""
    signs = effect_direction(effects, threshold, none)
    known = signs[~np.isnan(signs)]
    share, low, high, points = share_interval(int((known > 0).sum()), known.size)
    zero, against = (float((known == s).mean()) if known.size else float("nan") for s in (0, -1))
    return HeldShare(share, low, high, points, zero, against, signs.size - known.size)


def judge_claim(claim: Claim, answer: Answer, effects: RangeFindings, place: int, moments: Moments) -> Judgement:
    """Judge a claim by its answer at the defaults and its effects elsewhere; `place` is its column."""
    reading = claim.reading(moments)
    none = NO_CHANCE if reading.direct else NO_EFFECT
    share = other = same = placebo = None
    decided: tuple[ParameterSeparation, ...] = ()
    comparable = reading.direct is not None or not moments.steps
    if len(effects.values):
        share = share_held(effects.article[:, place], reading.threshold, none)
        signs = effect_direction(effects.article[:, place], reading.threshold, none)
        known = ~np.isnan(signs)
        decided = tuple(find_separations(effects.values[known], signs[known] > 0)[:DECIDING])
        if comparable:
            same, other = (
                share_held(e[:, place], reading.threshold, none) for e in (effects.comparable, effects.placebo)
            )
    if comparable and (other is not None or len(effects.placebo_defaults)):
        own = effects.comparable_defaults[place] if moments.steps else answer.effect
        placebo = PlaceboShare(float(own), *mean_interval(effects.placebo_defaults[:, place]), other)
    if share is None:
        return Judgement(answer, None, (), placebo, answer.verdict)
    by_rules = bool(claim.given) or (same is not None and other is not None and is_of_rules(same, other))
    verdict, reason = reach_verdict(answer, share, reading.threshold, by_rules=by_rules)
    return Judgement(answer, share, decided, placebo, verdict, reason + name_deciding(decided) if reason else "")


def is_of_rules(article: HeldShare, placebo: HeldShare) -> bool:
    """Whether placebo worlds agree with a claim often, and nearly as often as the article's world."""
    more = difference_of_shares(article.interval, placebo.interval)[1] > MORE
    return not more and placebo.low > OFTEN


def reach_verdict(answer: Answer, share: HeldShare, threshold: float, *, by_rules: bool) -> tuple[str, str]:
    """Reach the verdict in words, and the reason if there is none, from the defaults and the ranges.

    - `agrees`: the interval at the defaults is above the threshold, and clearly more than MOST of the points with an
      effect are too. `agrees, follows from the rules`: the same, and the claim could hardly fail in this model.
    - `contradicts`: both are below it.
    - `undecided`: all other cases, and where clearly less than FEWEST of the points have an effect.
    """
    _, low, high, points = share.decided
    if np.isnan(answer.low) or answer.low <= threshold <= answer.high:
        return UNDECIDED, "the interval at the defaults contains no effect"
    if not share.points or share_interval(points, share.points)[1] < FEWEST:
        return UNDECIDED, "few settings have an effect"
    above = answer.low > threshold
    if above and low > MOST:
        return (BY_RULES if by_rules else AGREES), ""
    if not above and high < 1 - MOST:
        return CONTRADICTS, ""
    here, there = ("holds", "agree") if above else ("fails", "contradict")
    return UNDECIDED, f"it {here} at the defaults, and settings with an effect do not clearly {there}"


def name_deciding(decided: Sequence[ParameterSeparation]) -> str:
    """Name the parameters that clearly separate the settings where a claim holds."""
    named = sorted(f"{one.parameter} is {one.direction}" for one in decided if one.strength - one.chance > DECIDES)
    return f"; it holds more often where {' and '.join(named)}" if named else ""


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
        The scenarios that they need, by name, through one lens.
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
    repeated = None if found is None else repeat_runs(found, claim_scenarios(claims, scenarios), workers=workers)
    verdicts = []
    for place, claim in enumerate(claims):
        evidence = made.defaults if repeated is None else repeated.evidence(claim.scenarios)
        assert evidence is not None  # noqa: S101 - computed where `found` is None
        answer = answer_claim(claim, evidence, scenarios[BASE].sweep.lens)
        verdicts.append(judge_claim(claim, answer, made, place, evidence.moments))
    return verdicts


def judgement_record(judged: Judgement) -> dict[str, Any]:
    """Convert a judgement to a record."""
    held = judged.holds_share
    return asdict(judged.answer) | {
        "at_defaults": judged.answer.verdict,
        "holds_share": None if held is None else held_record(held),
        "decided_by": [asdict(one) for one in judged.decided_by],
        "placebo": asdict(judged.placebo) if judged.placebo else None,
        "verdict": judged.verdict,
        "reason": judged.reason,
    }


def held_record(held: HeldShare) -> dict[str, Any]:
    """Convert a share of the points to a record, with the share of the points that have an effect."""
    return asdict(held) | {"decided": dict(zip(("share", "low", "high", "points"), held.decided, strict=True))}


def run_counts_record(counts: RunCounts) -> dict[str, int]:
    """Convert the counts to a record."""
    return asdict(counts) | {"runs_in_placebo_world": counts.in_placebo}
