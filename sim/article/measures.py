"""The effects by which the claims are measured: of histories at dates, and of means over the last steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from sim.analysis.statistics import Estimate, MeanEstimate, RatioEstimate, ShareEstimate, largest_rise
from sim.article.direct import DirectChances
from sim.article.evidence import FRONT, LED, Evidence
from sim.model.arrays import Floats
from sim.scenario.loading import BASE
from sim.scenario.schema import Scenario

CORE = ("PRK", "RUS", "CHN")

NAMED = ("IRN", "BLR", "SYR", "CUB")

NAMED_OUTSIDE = ("IRN", "CUB")  # Belarus and Syria start in the front

OTHER_BRICS = ("BRA", "IND", "ZAF", "ARG", "EGY", "ETH", "SAU", "ARE")

CIRCUMSTANCES = ("brics_institutionalises", "sanctions_collapse", "sanctions_on_china", "dispersed_attention")

CHINA_INSIDE, CHINA_OUTSIDE = "china_in_front", "china_non_aligned"  # scenarios that `hold_china` makes

STAYS_YEARS = 3  # the runs end as long after the last date, so that all entrants are followed

Effect = Callable[[Evidence], Estimate]

Direct = Callable[[DirectChances, bool], float]  # whether entries only count


def hold_china(baseline: Scenario) -> dict[str, Scenario]:
    """Make the scenarios in which China is fixed in the front, and fixed as non-aligned."""

    def fixed(alignment: str) -> Scenario:
        china = baseline.states["CHN"].model_copy(update={"initial": alignment, "fixed": True})
        return baseline.model_copy(update={"states": {**baseline.states, "CHN": china}})

    return {CHINA_INSIDE: fixed(FRONT), CHINA_OUTSIDE: fixed("non_aligned")}


def mean_share(found: Evidence, scenario: str, states: Iterable[str], at: int = -1) -> Floats:
    """Average the states' shares of the front at a moment, by run."""
    mean: Floats = found.share(scenario, states, FRONT, at).mean(axis=1)
    return mean


def core_together(found: Evidence) -> ShareEstimate:
    """Estimate the share of runs in which North Korea, Russia and China are all in the front."""
    return ShareEstimate(found.aligned(BASE, CORE, FRONT))


def china_enters(at: int = -1) -> Effect:
    """Return the chance that China enters the front by a date."""
    return lambda found: ShareEstimate(found.entered(BASE, ("CHN",), FRONT, at)[:, 0])


def china_stays(found: Evidence) -> ShareEstimate:
    """Estimate the share of the runs in which China enters where it stays for STAYS_YEARS at least."""
    return ShareEstimate(found.stayed_years(BASE, "CHN", FRONT, STAYS_YEARS))


def stays(state: str, at: int = -1) -> Effect:
    """Return the chance that a state that starts in the front stays in it until a date."""
    return lambda found: ShareEstimate(found.stayed(BASE, state, FRONT, at))


def named_enter_more(at: int = -1) -> Effect:
    """Return the chance of entry of Iran and Cuba less that of the other BRICS states."""

    def effect(found: Evidence) -> MeanEstimate:
        named, others = (found.entered(BASE, states, FRONT, at) for states in (NAMED_OUTSIDE, OTHER_BRICS))
        return MeanEstimate(named.mean(axis=1) - others.mean(axis=1))

    return effect


def named_follow_more(found: Evidence) -> MeanEstimate:
    """Compare the shares in the front of the four named states and of the other BRICS states."""
    return MeanEstimate(mean_share(found, BASE, NAMED) - mean_share(found, BASE, OTHER_BRICS))


def others_follow_sometimes(at: int = -1) -> Effect:
    """Return the largest rise of the other BRICS states' share of the front in four scenarios (Bonferroni)."""

    def effect(found: Evidence) -> MeanEstimate:
        base = mean_share(found, BASE, OTHER_BRICS, at)
        return largest_rise({one: mean_share(found, one, OTHER_BRICS, at) - base for one in CIRCUMSTANCES})

    return effect


def others_follow(scenario: str, at: int = -1) -> Effect:
    """Return the rise of the other BRICS states' share of the front in one scenario."""
    return lambda found: MeanEstimate(
        mean_share(found, scenario, OTHER_BRICS, at) - mean_share(found, BASE, OTHER_BRICS, at)
    )


def paired_outcome(one: str, other: str, column: str, at: int = -1) -> Effect:
    """Return the paired difference of an outcome between two scenarios."""
    return lambda found: MeanEstimate(found.outcome(one, column, at) - found.outcome(other, column, at))


def paired_entrants(one: str, other: str, alignment: str, at: int = -1) -> Effect:
    """Return the paired difference of the number of states that have entered a bloc by a date."""
    return lambda found: MeanEstimate(found.entrants(one, alignment, at) - found.entrants(other, alignment, at))


def china_in_front(one: str, other: str, at: int = -1) -> Effect:
    """Return the paired difference of China's share of the front between two scenarios."""
    return lambda found: MeanEstimate(mean_share(found, one, ("CHN",), at) - mean_share(found, other, ("CHN",), at))


def china_entered(one: str, other: str, at: int = -1) -> Effect:
    """Return the paired difference of the chance that China has entered the front by a date."""

    def effect(found: Evidence) -> MeanEstimate:
        here, there = (found.entered(name, ("CHN",), FRONT, at)[:, 0].astype(float) for name in (one, other))
        return MeanEstimate(here - there)

    return effect


def korean_stability(one: str, other: str, at: int = -1) -> Effect:
    """Return the paired difference of North Korea's regime stability between two scenarios."""
    return lambda found: MeanEstimate(found.stability(one, "PRK", at) - found.stability(other, "PRK", at))


def bite_falls(found: Evidence) -> RatioEstimate:
    """Estimate the fall of the mean bite per rise of the front's product a step earlier, from changes within runs.

    The mean is over all states that are sanctioned at the start. So a placebo world has such states too, and states
    that are sanctioned later, because the front grows, do not count as more bite. Sanctions of a step are enforced by
    the product of the blocs at its start.
    """
    both, alone = found.runs[BASE].erosion.T
    return RatioEstimate(-both, alone)


def leverage_rises(found: Evidence) -> MeanEstimate:
    """Compare the leverage of the front with that of its strongest member, in steps with two members or more."""
    return MeanEstimate(found.runs[BASE].leverage)


def direct_entry(found: DirectChances, entries: bool) -> float:
    """Return the direct chance that China is in the front."""
    return found.share(BASE, ("CHN",), FRONT)


def direct_named(found: DirectChances, entries: bool) -> float:
    """Return the direct chance of the front of Iran and Cuba less that of the other BRICS states."""
    return found.share(BASE, NAMED_OUTSIDE, FRONT) - found.share(BASE, OTHER_BRICS, FRONT)


def direct_others(found: DirectChances, entries: bool) -> float:
    """Return the largest direct rise of the other BRICS states' chance of the front in four scenarios."""
    return float(np.max([found.share(one, OTHER_BRICS, FRONT) for one in CIRCUMSTANCES])) - found.share(
        BASE, OTHER_BRICS, FRONT
    )


def direct_china(one: str, other: str) -> Direct:
    """Return the direct difference of China's chance of the front between two scenarios."""
    return lambda found, entries: found.share(one, ("CHN",), FRONT) - found.share(other, ("CHN",), FRONT)


def direct_size(one: str, other: str) -> Direct:
    """Return the direct difference of the front's expected capability between two scenarios."""
    return lambda found, entries: found.size(one, FRONT, entries=entries) - found.size(other, FRONT, entries=entries)


def direct_members(one: str, other: str) -> Direct:
    """Return the direct difference of the expected number of members of the US-led bloc between two scenarios."""
    return lambda found, entries: found.members(one, LED, entries=entries) - found.members(other, LED, entries=entries)
