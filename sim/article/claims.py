"""Define the effect of each of the article's claims, and answer the claims at the defaults (docs/claims.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sim.analysis.compare import Sample
from sim.analysis.statistics import (
    Estimate,
    GapEstimate,
    Interval,
    MeanEstimate,
    ShareEstimate,
    SlopeEstimate,
    largest_rise,
)
from sim.article.evidence import HELD, Evidence, evidence_from_sample
from sim.model.arrays import Floats
from sim.scenario.loading import BASE

FRONT, LED = "front", "us_led"

CORE = ("PRK", "RUS", "CHN")

NAMED = ("IRN", "BLR", "SYR", "CUB")

OTHER_BRICS = ("BRA", "IND", "ZAF", "ARG", "EGY", "ETH", "SAU", "ARE")


@dataclass(frozen=True)
class Answer:
    """The model's answer to one claim at the default parameters.

    Parameters
    ----------
    number, text, paragraphs, measure
        The claim, as in `Claim`.
    effect, low, high
        The effect with its 95 % interval; NaN where undefined.
    n
        Number of runs.
    verdict
        Whether the effect agrees with the claim, in words.
    """

    number: int
    text: str
    paragraphs: str
    measure: str
    effect: float
    low: float
    high: float
    n: int
    verdict: str


@dataclass(frozen=True)
class Claim:
    """A directional statement of the article: the expected effect is above `threshold`.

    Parameters
    ----------
    number, text, paragraphs
        The claim, and the paragraphs of the article that state it.
    measure
        What the effect measures, in words.
    needs
        The scenarios of the effect beside the baseline.
    effect
        Estimates the effect from runs of the scenarios.
    threshold
        The value that the effect exceeds if the claim holds.
    given
        Why the rules of the model almost imply the claim; empty where they do not.
    """

    number: int
    text: str
    paragraphs: str
    measure: str
    needs: tuple[str, ...]
    effect: Callable[[Evidence], Estimate]
    threshold: float = 0.0
    given: str = ""

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario of the effect, the baseline first."""
        return (BASE, *self.needs)


CIRCUMSTANCES = ("brics_institutionalises", "sanctions_collapse", "sanctions_on_china", "dispersed_attention")


def mean_late_share(found: Evidence, scenario: str, states: Iterable[str]) -> Floats:
    """Average the late shares of the states in the front, by run."""
    mean: Floats = found.share(scenario, states, FRONT).mean(axis=1)
    return mean


def core_holds(found: Evidence) -> ShareEstimate:
    """Estimate the share of runs in which North Korea, Russia and China are all in the front at the end."""
    return ShareEstimate(found.aligned(BASE, CORE, FRONT))


def named_follow_more(found: Evidence) -> MeanEstimate:
    """Compare the late shares in the front of the four named states and of the other BRICS states."""
    return MeanEstimate(mean_late_share(found, BASE, NAMED) - mean_late_share(found, BASE, OTHER_BRICS))


def others_follow_sometimes(found: Evidence) -> MeanEstimate:
    """Estimate the largest rise of the other BRICS states' share in the front in four scenarios (Bonferroni)."""
    base = mean_late_share(found, BASE, OTHER_BRICS)
    return largest_rise({scenario: mean_late_share(found, scenario, OTHER_BRICS) - base for scenario in CIRCUMSTANCES})


def paired_outcome(one: str, other: str, column: str) -> Callable[[Evidence], MeanEstimate]:
    """Return the effect that is the paired difference of an outcome between two scenarios."""

    def effect(found: Evidence) -> MeanEstimate:
        return MeanEstimate(found.outcome(one, column) - found.outcome(other, column))

    return effect


def bite_falls_as_front_grows(found: Evidence) -> SlopeEstimate:
    """Estimate minus the slope of the mean bite on the front's share of product, over baseline runs.

    The mean is over all states that are sanctioned at the start. So a placebo world has such states too, and states
    that are sanctioned later, because the front grows, do not count as more bite.
    """
    bite = found.late[BASE].bite[:, found.sanctioned]
    return SlopeEstimate(
        found.outcome(BASE, f"product_{FRONT}"), bite.mean(axis=1) if found.sanctioned.any() else bite.sum(axis=1)
    )


def focus_contains(found: Evidence) -> MeanEstimate:
    """Estimate the fall of China's late share in the front when attention is on the Indo-Pacific."""
    return MeanEstimate(
        mean_late_share(found, BASE, ("CHN",)) - mean_late_share(found, "focused_indo_pacific", ("CHN",))
    )


def focus_presses(found: Evidence) -> MeanEstimate:
    """Estimate the fall of North Korea's regime stability when attention is on the Indo-Pacific."""
    return MeanEstimate(found.stability(BASE, "PRK") - found.stability("focused_indo_pacific", "PRK"))


def trade_sustains(found: Evidence) -> GapEstimate:
    """Compare North Korea's stability in runs with and without a front with China."""
    return GapEstimate(found.stability(BASE, "PRK"), found.aligned(BASE, ("PRK", "CHN"), FRONT))


def leverage_rises(found: Evidence) -> MeanEstimate:
    """Compare the leverage of the front with that of its strongest member, in runs in which it has a member."""
    inside = found.share(BASE, found.states, FRONT) >= HELD
    strongest = np.where(inside, found.capability, 0.0).max(axis=1)
    front, led = found.outcome(BASE, f"capability_{FRONT}"), found.outcome(BASE, f"capability_{LED}")
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = (front - strongest) / led
    return MeanEstimate(np.where(inside.any(axis=1) & (led > 0), rise, np.nan))


CLAIMS = (
    Claim(1, "A core of North Korea, Russia and China forms and holds", "§10",
          "share of runs in which all three are in the front at the end", (), core_holds, threshold=0.5),
    Claim(2, "Iran, Belarus, Syria and Cuba follow it more readily than the other BRICS states", "§11",
          "P(front) of the four less that of the eight others", (), named_follow_more),
    Claim(3, "Other BRICS states follow under some circumstances", "§11",
          "largest rise of their P(front) in four circumstances", CIRCUMSTANCES, others_follow_sometimes),
    Claim(4, "Crises in Europe and the Middle East enlarge the front", "§1, §14, §20",
          "front's capability, dispersed attention less baseline", ("dispersed_attention",),
          paired_outcome("dispersed_attention", BASE, f"capability_{FRONT}")),
    Claim(5, "As the front grows, sanctions on its members lose their bite", "§14",
          "fall of the mean bite on the sanctioned states per share of product in the front", (),
          bite_falls_as_front_grows, given="follows from erosion"),
    Claim(6, "A focused Indo-Pacific strategy contains China", "§19",
          "fall of China's P(front), focused less baseline", ("focused_indo_pacific",), focus_contains),
    Claim(6, "… and puts North Korea under more pressure", "§19, §20",
          "fall of North Korea's regime stability, focused less baseline", ("focused_indo_pacific",), focus_presses),
    Claim(7, "A global strategy with coexistence draws more states to the United States than the focused one",
          "§21-24", "members of us_led, coexistence less focused", ("global_coexistence", "focused_indo_pacific"),
          paired_outcome("global_coexistence", "focused_indo_pacific", f"members_{LED}"),
          given="follows largely from accommodation"),
    Claim(8, "Bloc trade is enough for a sanctioned regime's stability", "§12",
          "North Korea's stability in a front with China less that without", (), trade_sustains),
    Claim(9, "The front raises its members' leverage", "§18",
          "leverage of the front less that of its strongest member", (), leverage_rises,
          given="follows from size"),
    Claim(10, "Without sanctions there is less of a front", "§10", "front's capability, baseline less no sanctions",
          ("no_sanctions",), paired_outcome(BASE, "no_sanctions", f"capability_{FRONT}")),
    Claim(10, "Without the US-China rivalry there is less of a front", "§10",
          "front's capability, baseline less détente", ("us_china_detente",),
          paired_outcome(BASE, "us_china_detente", f"capability_{FRONT}")),
)  # fmt: skip


def scenarios_needed(claims: Iterable[Claim] = CLAIMS) -> list[str]:
    """List every scenario that claims need, the baseline first."""
    return list(dict.fromkeys(scenario for claim in claims for scenario in claim.scenarios))


def answerable_claims(found: Sample) -> list[Claim]:
    """List the claims whose scenarios are all among the runs."""
    present = set(found.runs["design"])
    return [claim for claim in CLAIMS if set(claim.scenarios) <= present]


def missing_scenarios(found: Sample) -> dict[int, list[str]]:
    """List the missing scenarios of each claim that the runs cannot answer."""
    present = set(found.runs["design"])
    return {claim.number: missing for claim in CLAIMS if (missing := sorted(set(claim.scenarios) - present))}


def answer_claims(found: Sample) -> list[Answer]:
    """Answer each claim whose scenarios are among a sweep's runs, at the default parameters.

    Parameters
    ----------
    found
        The finished runs of a sweep.

    Returns
    -------
    list of Answer
        Effect, 95 % interval, number of runs and verdict of each claim.
    """
    return [
        answer_claim(c, c.effect(evidence_from_sample(found, c.scenarios)).interval()) for c in answerable_claims(found)
    ]


def answer_claim(claim: Claim, interval: Interval) -> Answer:
    """Answer a claim at the defaults from its effect, interval and number of runs."""
    effect, low, high, n = interval
    if np.isnan(low):
        verdict = "undecided: too few runs of one kind"
    elif low > claim.threshold:
        verdict = f"agrees, but {claim.given}" if claim.given else "agrees"
    elif high < claim.threshold:
        verdict = "contradicts"
    else:
        verdict = (
            "undecided: the interval holds no effect" if claim.threshold == 0 else "in some runs and not in others"
        )
    return Answer(claim.number, claim.text, claim.paragraphs, claim.measure, effect, low, high, n, verdict)


def answer_records(found: list[Answer]) -> list[dict[str, Any]]:
    """Convert answers to records."""
    return [asdict(one) for one in found]
