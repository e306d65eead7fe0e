"""Words for chances and shares: how likely, and about which fraction."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from sim.analysis.dated.sentences import in_hundred

# Mastrandrea et al. (2010), Guidance note for lead authors of the IPCC Fifth Assessment Report, table 1.
LIKELIHOOD = (
    (0.01, "exceptionally unlikely"), (0.10, "very unlikely"), (0.33, "unlikely"), (0.66, "about as likely as not"),
    (0.90, "likely"), (0.99, "very likely"), (1.01, "virtually certain"),
)  # fmt: skip

ORDINALS = {
    3: "third", 4: "quarter", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth",
    12: "twelfth", 15: "fifteenth", 20: "twentieth", 30: "thirtieth", 50: "fiftieth", 100: "hundredth",
}  # fmt: skip

MOST_DIGITS = 4  # decimals of a change in 100

SIMPLE = (Fraction(1, 2), Fraction(2, 3), Fraction(3, 4), Fraction(2, 5), Fraction(3, 5), Fraction(4, 5))


def likelihood(chance: float) -> str:
    """Say how likely a chance is, in the words of the IPCC."""
    return next(word for limit, word in LIKELIHOOD if chance < limit)


def words_apart(chances: Sequence[float]) -> int:
    """Count the steps from the least to the most likely word for some chances: 0 with one word for all."""
    words = [word for _, word in LIKELIHOOD]
    places = [words.index(likelihood(chance)) for chance in chances]
    return max(places) - min(places)


def fraction_words(share: float) -> str:
    """Name the simple fraction that is nearest to a share, by ratio: 0.33 is about a third."""
    if share < 1 / 150:
        return "almost nothing"
    if share > 0.9:
        return "nearly all"
    known = {one: float(one) for one in (*SIMPLE, *(Fraction(1, n) for n in ORDINALS))}
    best = min(known, key=lambda one: max(share / known[one], known[one] / share))
    if best == Fraction(1, 2):
        return "about a half"
    number = "a" if best.numerator == 1 else {2: "two", 3: "three", 4: "four"}[best.numerator]
    article = "an" if number == "a" and best.denominator == 8 else number
    return f"about {article} {ORDINALS[best.denominator]}{'s' if best.numerator > 1 else ''}"


def rounded(chance: float, *, signed: bool = False) -> str:
    """Format a chance in 100 without a needless decimal, and with a true minus."""
    return in_hundred(chance, signed=signed).removesuffix(".0").replace("-", "−")


def rounded_apart(before: float, after: float) -> tuple[str, str]:
    """Format both ends of a change in 100, with as many decimals more as show it; alike only if nothing changes."""
    said = rounded(before), rounded(after)
    for digits in range(1, MOST_DIGITS + 1):
        if said[0] != said[1] or before == after:
            return said
        said = f"{100 * before:.{digits}f}", f"{100 * after:.{digits}f}"
    return said
