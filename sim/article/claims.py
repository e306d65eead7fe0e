"""The article's claims as questions to runs, each effect defined once, and the answers at the defaults (MODEL §10)."""

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
    """The model's answer to one claim at the default parameters."""

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
    """A directional statement of the article: the effect is expected above zero (or above `threshold`)."""

    number: int
    text: str
    paragraphs: str
    measure: str
    needs: tuple[str, ...]
    effect: Callable[[Evidence], Estimate]
    threshold: float = 0.0
    given: str = ""  # why the model could hardly deny it

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario that the effect is taken from, the baseline first."""
        return (BASE, *self.needs)


CIRCUMSTANCES = ("brics_institutionalises", "sanctions_collapse", "sanctions_on_china", "dispersed_attention")


def mean_late_share(found: Evidence, scenario: str, states: Iterable[str]) -> Floats:
    """Mean late share of the states in the front, by run."""
    mean: Floats = found.share(scenario, states, FRONT).mean(axis=1)
    return mean


def core_holds(found: Evidence) -> ShareEstimate:
    """Share of runs in which North Korea, Russia and China all stand in the front at the end."""
    return ShareEstimate(found.stand(BASE, CORE, FRONT))


def named_follow_more(found: Evidence) -> MeanEstimate:
    """How much more of the late steps the four named states spend in the front than other BRICS states."""
    return MeanEstimate(mean_late_share(found, BASE, NAMED) - mean_late_share(found, BASE, OTHER_BRICS))


def others_follow_sometimes(found: Evidence) -> MeanEstimate:
    """The largest rise of the other BRICS states' share in the front in four scenarios (interval for all at once)."""
    there = mean_late_share(found, BASE, OTHER_BRICS)
    return largest_rise({scenario: mean_late_share(found, scenario, OTHER_BRICS) - there for scenario in CIRCUMSTANCES})


def paired_outcome(one: str, other: str, column: str) -> Callable[[Evidence], MeanEstimate]:
    """Paired difference of an outcome between two scenarios."""

    def effect(found: Evidence) -> MeanEstimate:
        return MeanEstimate(found.outcome(one, column) - found.outcome(other, column))

    return effect


def bite_falls_as_front_grows(found: Evidence) -> SlopeEstimate:
    """Minus the slope of the mean bite on the sanctioned states on the front's share of product, over baseline runs.

    Of all that are sanctioned at the start, so that it is asked of whoever holds these ties in a placebo world too,
    and those sanctioned later because the front grew do not count as bite gained.
    """
    bite = found.late[BASE].bite[:, found.sanctioned]
    return SlopeEstimate(
        found.outcome(BASE, f"product_{FRONT}"), bite.mean(axis=1) if found.sanctioned.any() else bite.sum(axis=1)
    )


def focus_contains(found: Evidence) -> MeanEstimate:
    """Fall of China's late share in the front when attention is focused on the Indo-Pacific."""
    return MeanEstimate(
        mean_late_share(found, BASE, ("CHN",)) - mean_late_share(found, "focused_indo_pacific", ("CHN",))
    )


def focus_presses(found: Evidence) -> MeanEstimate:
    """Fall of North Korea's regime stability when attention is focused on the Indo-Pacific."""
    return MeanEstimate(found.stability(BASE, "PRK") - found.stability("focused_indo_pacific", "PRK"))


def trade_sustains(found: Evidence) -> GapEstimate:
    """North Korea's stability in runs where it stands in a front with China, less that where it stands without."""
    return GapEstimate(found.stability(BASE, "PRK"), found.stand(BASE, ("PRK", "CHN"), FRONT))


def leverage_rises(found: Evidence) -> MeanEstimate:
    """Leverage of the front less that of its strongest member alone, by run in which it has a member."""
    inside = found.share(BASE, found.states, FRONT) >= HELD
    alone = np.where(inside, found.capability, 0.0).max(axis=1)
    front, led = found.outcome(BASE, f"capability_{FRONT}"), found.outcome(BASE, f"capability_{LED}")
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = (front - alone) / led
    return MeanEstimate(np.where(inside.any(axis=1) & (led > 0), rise, np.nan))


CLAIMS = (
    Claim(1, "A core of North Korea, Russia and China forms and holds", "§10",
          "share of runs in which all three stand in the front at the end", (), core_holds, threshold=0.5),
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
          "leverage of the front less that of its strongest member alone", (), leverage_rises,
          given="follows from size"),
    Claim(10, "Without sanctions there is less of a front", "§10", "front's capability, baseline less no sanctions",
          ("no_sanctions",), paired_outcome(BASE, "no_sanctions", f"capability_{FRONT}")),
    Claim(10, "Without the US-China rivalry there is less of a front", "§10",
          "front's capability, baseline less détente", ("us_china_detente",),
          paired_outcome(BASE, "us_china_detente", f"capability_{FRONT}")),
)  # fmt: skip


def scenarios_needed(claims: Iterable[Claim] = CLAIMS) -> list[str]:
    """Every scenario that claims need, the baseline first."""
    return list(dict.fromkeys(scenario for claim in claims for scenario in claim.scenarios))


def answerable_claims(found: Sample) -> list[Claim]:
    """The claims whose scenarios are all among the runs."""
    present = set(found.runs["design"])
    return [claim for claim in CLAIMS if set(claim.scenarios) <= present]


def missing_scenarios(found: Sample) -> dict[int, list[str]]:
    """The scenarios that each claim left without an answer still needs."""
    present = set(found.runs["design"])
    return {claim.number: lacking for claim in CLAIMS if (lacking := sorted(set(claim.scenarios) - present))}


def answer_claims(found: Sample) -> list[Answer]:
    """The answer at the defaults to each claim whose scenarios are among a sweep's runs."""
    return [
        answer_claim(c, c.effect(evidence_from_sample(found, c.scenarios)).interval()) for c in answerable_claims(found)
    ]


def answer_claim(claim: Claim, interval: Interval) -> Answer:
    """An answer at the defaults with its verdict in words."""
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
    """Answers as plain records."""
    return [asdict(one) for one in found]
