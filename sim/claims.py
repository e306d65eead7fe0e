"""The article's claims as questions to a sample of runs: effect, interval and verdict (MODEL §10)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sim.compare import Sample, mean_interval, outcome, paired, share_in, share_interval
from sim.intervals import LEVEL
from sim.kernel import Floats

FRONT, LED = "front", "us_led"
CORE = ("PRK", "RUS", "CHN")
NAMED = ("IRN", "BLR", "SYR", "CUB")
OTHER_BRICS = ("BRA", "IND", "ZAF", "ARG", "EGY", "ETH", "SAU", "ARE")
HELD = 0.5  # a state stands where it spends at least half of the last 8 steps

Interval = tuple[float, float, float, int]


@dataclass(frozen=True)
class Answer:
    """The model's answer to one claim."""

    number: int
    claim: str
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
    effect: Callable[[Sample], Interval]
    threshold: float = 0.0
    given: str = ""  # why the model could hardly deny it


BASE = "baseline_2023"
CIRCUMSTANCES = ("brics_institutionalises", "sanctions_collapse", "sanctions_on_china", "dispersed_attention")


def holds(found: Sample, design: str, states: Iterable[str]) -> pd.Series:
    """Whether all the states stand in the front, by run."""
    columns = [share_in(found, design, state, FRONT) >= HELD for state in states]
    return pd.concat(columns, axis=1).all(axis=1)


def group(found: Sample, design: str, states: Iterable[str]) -> pd.Series:
    """Mean late share of the states in the front, by run."""
    return pd.concat([share_in(found, design, state, FRONT) for state in states], axis=1).mean(axis=1)


def core_holds(found: Sample) -> Interval:
    """Share of runs in which North Korea, Russia and China all stand in the front at the end."""
    held = holds(found, BASE, CORE)
    return share_interval(int(held.sum()), len(held))


def named_follow_more(found: Sample) -> Interval:
    """How much more of the late steps the four named states spend in the front than other BRICS states."""
    return mean_interval(paired(group(found, BASE, NAMED), group(found, BASE, OTHER_BRICS)))


def others_follow_sometimes(found: Sample) -> Interval:
    """The largest rise of the other BRICS states' share in the front in four scenarios (interval for all at once)."""
    there = group(found, BASE, OTHER_BRICS)
    rises = {d: paired(group(found, d, OTHER_BRICS), there) for d in CIRCUMSTANCES}
    best = max(rises.values(), key=lambda values: float(np.mean(values)))
    return at_level(best, 1 - (1 - LEVEL) / len(rises))


def at_level(values: Floats, level: float) -> Interval:
    """Mean with a Student interval at a level other than 95 %."""
    mean, low, high, n = mean_interval(values)
    widen = stats.t.ppf(0.5 + level / 2, n - 1) / stats.t.ppf(0.5 + LEVEL / 2, n - 1)
    return mean, mean - (mean - low) * widen, mean + (high - mean) * widen, n


def difference(one: str, other: str, column: str) -> Callable[[Sample], Interval]:
    """Paired difference of an outcome between two scenarios."""

    def effect(found: Sample) -> Interval:
        return mean_interval(paired(outcome(found.runs, one, column), outcome(found.runs, other, column)))

    return effect


def bite_falls_as_front_grows(found: Sample) -> Interval:
    """Minus the slope of Russia's bite on the front's share of product, over baseline runs."""
    bite = outcome(found.states[found.states["state"] == "RUS"], BASE, "bite")
    product = outcome(found.runs, BASE, f"product_{FRONT}")
    if product.std() == 0:
        return float("nan"), float("nan"), float("nan"), len(product)
    fit = stats.linregress(product, bite)
    half = stats.t.ppf(0.5 + LEVEL / 2, len(bite) - 2) * fit.stderr
    return -float(fit.slope), -float(fit.slope + half), -float(fit.slope - half), len(bite)


def focus_contains(found: Sample) -> Interval:
    """Fall of China's late share in the front when attention is focused on the Indo-Pacific."""
    one, other = "focused_indo_pacific", BASE
    return mean_interval(-paired(share_in(found, one, "CHN", FRONT), share_in(found, other, "CHN", FRONT)))


def focus_presses(found: Sample) -> Interval:
    """Fall of North Korea's regime stability when attention is focused on the Indo-Pacific."""
    rows = found.states[found.states["state"] == "PRK"]
    column = "regime_stability"
    return mean_interval(-paired(outcome(rows, "focused_indo_pacific", column), outcome(rows, BASE, column)))


def trade_sustains(found: Sample) -> Interval:
    """North Korea's stability in runs where it stands in a front with China, less that where it stands without."""
    rows = found.states[found.states["state"] == "PRK"]
    stability = outcome(rows, BASE, "regime_stability")
    with_china = holds(found, BASE, ("PRK", "CHN"))
    one, other = stability[with_china].to_numpy(), stability[~with_china].to_numpy()
    if min(one.size, other.size) < 2:
        return float("nan"), float("nan"), float("nan"), len(stability)
    test = stats.ttest_ind(one, other, equal_var=False)
    interval = test.confidence_interval(LEVEL)
    return float(one.mean() - other.mean()), float(interval.low), float(interval.high), len(stability)


def leverage_rises(found: Sample) -> Interval:
    """Leverage of the front less that of its strongest member alone, by run in which it has a member."""
    states = found.states[found.states["design"] == BASE]
    weight = {s: r["capability"]["value"] for s, r in found.scenarios[BASE]["states"].items()}
    total = sum(weight.values())
    inside = states[states[f"share_{FRONT}"] >= HELD]
    strongest = inside.assign(c=inside["state"].map(weight) / total).groupby(["seed", "replicate"])["c"].max()
    front = outcome(found.runs, BASE, f"capability_{FRONT}")
    led = outcome(found.runs, BASE, f"capability_{LED}")
    joined = pd.concat([front, led, strongest], axis=1, join="inner").set_axis(["front", "led", "alone"], axis=1)
    return mean_interval(((joined["front"] - joined["alone"]) / joined["led"]).to_numpy())


CLAIMS = (
    Claim(1, "A core of North Korea, Russia and China forms and holds", "§10",
          "share of runs in which all three stand in the front at the end", (), core_holds, threshold=0.5),
    Claim(2, "Iran, Belarus, Syria and Cuba follow it more readily than the other BRICS states", "§11",
          "P(front) of the four less that of the eight others", (), named_follow_more),
    Claim(3, "Other BRICS states follow under some circumstances", "§11",
          "largest rise of their P(front) in four circumstances", CIRCUMSTANCES, others_follow_sometimes),
    Claim(4, "Crises in Europe and the Middle East enlarge the front", "§1, §14, §20",
          "front's capability, dispersed attention less baseline", ("dispersed_attention",),
          difference("dispersed_attention", BASE, f"capability_{FRONT}")),
    Claim(5, "As the front grows, sanctions on its members lose their bite", "§14",
          "fall of the bite on Russia per share of product in the front", (), bite_falls_as_front_grows,
          given="follows from erosion"),
    Claim(6, "A focused Indo-Pacific strategy contains China", "§19",
          "fall of China's P(front), focused less baseline", ("focused_indo_pacific",), focus_contains),
    Claim(6, "… and puts North Korea under more pressure", "§19, §20",
          "fall of North Korea's regime stability, focused less baseline", ("focused_indo_pacific",), focus_presses),
    Claim(7, "A global strategy with coexistence draws more states to the United States than the focused one",
          "§21-24", "members of us_led, coexistence less focused", ("global_coexistence", "focused_indo_pacific"),
          difference("global_coexistence", "focused_indo_pacific", f"members_{LED}"),
          given="follows largely from accommodation"),
    Claim(8, "Bloc trade is enough for a sanctioned regime's stability", "§12",
          "North Korea's stability in a front with China less that without", (), trade_sustains),
    Claim(9, "The front raises its members' leverage", "§18",
          "leverage of the front less that of its strongest member alone", (), leverage_rises,
          given="follows from size"),
    Claim(10, "Without sanctions there is less of a front", "§10", "front's capability, baseline less no sanctions",
          ("no_sanctions",), difference(BASE, "no_sanctions", f"capability_{FRONT}")),
    Claim(10, "Without the US-China rivalry there is less of a front", "§10",
          "front's capability, baseline less détente", ("us_china_detente",),
          difference(BASE, "us_china_detente", f"capability_{FRONT}")),
)  # fmt: skip


def answers(found: Sample) -> list[Answer]:
    """The answer to each claim whose scenarios are among the runs."""
    return [answer(claim, claim.effect(found)) for claim in CLAIMS if {BASE, *claim.needs} <= set(found.runs["design"])]


def unanswered(found: Sample) -> dict[int, list[str]]:
    """The scenarios that each claim left without an answer still needs."""
    present = set(found.runs["design"])
    return {claim.number: lacking for claim in CLAIMS if (lacking := sorted({BASE, *claim.needs} - present))}


def answer(claim: Claim, interval: Interval) -> Answer:
    """An answer with its verdict in words."""
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


def as_rows(found: list[Answer]) -> list[dict[str, Any]]:
    """Answers as plain records, a number that is none as null."""
    rows = [asdict(one) for one in found]
    return [{k: None if isinstance(v, float) and np.isnan(v) else v for k, v in row.items()} for row in rows]
