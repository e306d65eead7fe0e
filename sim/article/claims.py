"""Define how each of the article's claims is measured, in histories and in tendency (docs/claims.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sim.analysis.statistics import Estimate
from sim.article import measures
from sim.article.direct import DirectChances
from sim.article.evidence import FRONT, LED, Evidence, Moments
from sim.article.measures import CHINA_INSIDE, CHINA_OUTSIDE, CIRCUMSTANCES, STAYS_YEARS, hold_china
from sim.scenario.loading import BASE
from sim.scenario.schema import Scenario

FIRST = 0  # index of the first of evidence.DATES; the last is the default


@dataclass(frozen=True)
class Reading:
    """How a claim is measured under one kind of outcomes; the claim holds where the effect is above `threshold`.

    Parameters
    ----------
    measure
        What the effect measures, in words.
    effect
        Estimates the effect from runs of the scenarios.
    beside
        Other measures, by their words, which do not decide.
    threshold
        The value that the effect exceeds if the claim holds.
    direct
        The effect in closed form, if no other state moves; None where it is estimated from runs at every point.
    """

    measure: str
    effect: Callable[[Evidence], Estimate]
    beside: Mapping[str, Callable[[Evidence], Estimate]] = field(default_factory=dict)
    threshold: float = 0.0
    direct: Callable[[DirectChances, bool], float] | None = None


@dataclass(frozen=True)
class Claim:
    """A directional statement of the article.

    Parameters
    ----------
    number, text, paragraphs
        The claim, and the paragraphs of the article that state it.
    needs
        The scenarios of the effect beside the baseline.
    dated, late
        How it is measured in histories with dates, and by means over the last steps.
    given
        Why the rules of the model almost imply the claim; empty where they do not.
    """

    number: int
    text: str
    paragraphs: str
    needs: tuple[str, ...]
    dated: Reading
    late: Reading
    given: str = ""

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario of the effect, the baseline first."""
        return (BASE, *self.needs)

    def reading(self, moments: Moments) -> Reading:
        """Return how the claim is measured at these moments."""
        return self.dated if moments.steps else self.late


def paired_size(one: str, other: str, words: str) -> tuple[Reading, Reading]:
    """Read the difference of the front's capability between two scenarios, at dates and late."""
    column = f"capability_{FRONT}"
    return (
        Reading(
            f"front's capability at the end of 2030, {words}",
            measures.paired_outcome(one, other, column),
            {
                "at the end of 2026": measures.paired_outcome(one, other, column, FIRST),
                "states that have entered by the end of 2030": measures.paired_entrants(one, other, FRONT),
            },
            direct=measures.direct_size(one, other),
        ),
        Reading(f"front's capability, {words}", measures.paired_outcome(one, other, column)),
    )


def leverage_read() -> Reading:
    """Read the rise of leverage, which has one definition for histories and tendency."""
    return Reading(
        "leverage of the front less that of its strongest member, in steps with two members or more",
        measures.leverage_rises,
    )


def bite_read() -> Reading:
    """Read the fall of bite, which has one definition for histories and tendency."""
    return Reading(
        "fall of the mean bite on the sanctioned states per share of product that the front gains, step by step",
        measures.bite_falls,
    )


FOCUSED, COEXISTENCE = "focused_indo_pacific", "global_coexistence"

MEMBERS = f"members_{LED}"

CLAIMS = (
    Claim(
        1, "A core of North Korea, Russia and China forms and holds", "§10", (),
        Reading(
            "chance that China enters the front by the end of 2030",
            measures.china_enters(),
            {
                "by the end of 2026": measures.china_enters(FIRST),
                f"of these entrants, share that stays {STAYS_YEARS} years or more": measures.china_stays,
                "chance that Russia stays until the end of 2030": measures.stays("RUS"),
                "chance that North Korea stays until the end of 2030": measures.stays("PRK"),
            },
            threshold=0.5, direct=measures.direct_entry,
        ),
        Reading("share of runs in which all three are mostly in the front", measures.core_together, threshold=0.5),
    ),
    Claim(
        2, "Iran, Belarus, Syria and Cuba follow it more readily than the other BRICS states", "§11", (),
        Reading(
            "chance that Iran and Cuba enter by the end of 2030, less that of the eight others",
            measures.named_enter_more(),
            {
                "by the end of 2026": measures.named_enter_more(FIRST),
                "chance that Belarus stays until the end of 2030": measures.stays("BLR"),
                "chance that Syria stays until the end of 2030": measures.stays("SYR"),
            },
            direct=measures.direct_named,
        ),
        Reading("P(front) of the four less that of the eight others", measures.named_follow_more),
    ),
    Claim(
        3, "Other BRICS states follow under some circumstances", "§11", CIRCUMSTANCES,
        Reading(
            "largest rise of their chance of the front at the end of 2030 in four circumstances",
            measures.others_follow_sometimes(),
            {"at the end of 2026": measures.others_follow_sometimes(FIRST)}
            | {f"{one}, at the end of 2030": measures.others_follow(one) for one in CIRCUMSTANCES},
            direct=measures.direct_others,
        ),
        Reading(
            "largest rise of their P(front) in four circumstances",
            measures.others_follow_sometimes(),
            {one: measures.others_follow(one) for one in CIRCUMSTANCES},
        ),
    ),
    Claim(
        4, "Crises in Europe and the Middle East enlarge the front", "§1, §14, §20", ("dispersed_attention",),
        *paired_size("dispersed_attention", BASE, "dispersed attention less baseline"),
    ),
    Claim(
        5, "As the front grows, sanctions on its members lose their bite", "§14", (),
        bite_read(), bite_read(), given="erosion",
    ),
    Claim(
        6, "A focused Indo-Pacific strategy contains China", "§19", (FOCUSED,),
        Reading(
            "fall of China's chance of the front at the end of 2030, focused less baseline",
            measures.china_in_front(BASE, FOCUSED),
            {
                "at the end of 2026": measures.china_in_front(BASE, FOCUSED, FIRST),
                "chance that it has entered by the end of 2030": measures.china_entered(BASE, FOCUSED),
            },
            direct=measures.direct_china(BASE, FOCUSED),
        ),
        Reading("fall of China's P(front), focused less baseline", measures.china_in_front(BASE, FOCUSED)),
    ),
    Claim(
        6, "… and puts North Korea under more pressure", "§19, §20", (FOCUSED,),
        Reading(
            "fall of North Korea's regime stability at the end of 2030, focused less baseline",
            measures.korean_stability(BASE, FOCUSED),
            {"at the end of 2026": measures.korean_stability(BASE, FOCUSED, FIRST)},
        ),
        Reading(
            "fall of North Korea's regime stability, focused less baseline", measures.korean_stability(BASE, FOCUSED)
        ),
    ),
    Claim(
        7, "A global strategy with coexistence draws more states to the United States than the focused one", "§21-24",
        (COEXISTENCE, FOCUSED),
        Reading(
            "members of us_led at the end of 2030, coexistence less focused",
            measures.paired_outcome(COEXISTENCE, FOCUSED, MEMBERS),
            {
                "at the end of 2026": measures.paired_outcome(COEXISTENCE, FOCUSED, MEMBERS, FIRST),
                "states that have entered by the end of 2030": measures.paired_entrants(COEXISTENCE, FOCUSED, LED),
            },
            direct=measures.direct_members(COEXISTENCE, FOCUSED),
        ),
        Reading(
            "members of us_led, coexistence less focused", measures.paired_outcome(COEXISTENCE, FOCUSED, MEMBERS)
        ),
        given="accommodation",
    ),
    Claim(
        8, "Bloc trade is enough for a sanctioned regime's stability", "§12", (CHINA_INSIDE, CHINA_OUTSIDE),
        Reading(
            "North Korea's regime stability at the end of 2030, China fixed in the front less China fixed outside",
            measures.korean_stability(CHINA_INSIDE, CHINA_OUTSIDE),
            {"at the end of 2026": measures.korean_stability(CHINA_INSIDE, CHINA_OUTSIDE, FIRST)},
        ),
        Reading(
            "North Korea's regime stability, China fixed in the front less China fixed outside",
            measures.korean_stability(CHINA_INSIDE, CHINA_OUTSIDE),
        ),
    ),
    Claim(
        9, "The front raises its members' leverage", "§18", (), leverage_read(), leverage_read(), given="size",
    ),
    Claim(
        10, "Without sanctions there is less of a front", "§10", ("no_sanctions",),
        *paired_size(BASE, "no_sanctions", "baseline less no sanctions"),
    ),
    Claim(
        10, "Without the US-China rivalry there is less of a front", "§10", ("us_china_detente",),
        *paired_size(BASE, "us_china_detente", "baseline less détente"),
    ),
)  # fmt: skip


def scenarios_needed(claims: Iterable[Claim] = CLAIMS) -> list[str]:
    """List every scenario file that claims need, the baseline first."""
    every = dict.fromkeys(scenario for claim in claims for scenario in claim.scenarios)
    return [name for name in every if name not in (CHINA_INSIDE, CHINA_OUTSIDE)]


def claim_scenarios(claims: Iterable[Claim], scenarios: Mapping[str, Scenario]) -> dict[str, Scenario]:
    """Return every scenario of the claims by name, those that the baseline gives too, the baseline first."""
    every = dict.fromkeys(scenario for claim in claims for scenario in claim.scenarios)
    known = scenarios if scenarios.keys() >= every.keys() else {**scenarios, **hold_china(scenarios[BASE])}
    return {name: known[name] for name in every}
