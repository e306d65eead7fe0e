"""Compute exp, ln and the 128-bit product with the same bits on every platform."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final

import numpy as np

from sim.model.numerics.jit import compile_inline, compile_product

PART_BITS: Final = 6

PARTS: Final = 1 << PART_BITS  # of a doubling

LOWEST: Final = -708.0  # below it the result would lose digits, so it is 0

FRACTIONS = np.array([float(Decimal(2) ** (Decimal(part) / PARTS)) for part in range(PARTS)])

DOUBLINGS = np.array([2.0**-n for n in range(1023)])

PART: Final = Decimal(2).ln() / PARTS

PER_PART: Final = float(1 / PART)

COARSE: Final = float.fromhex("0x1.62e42fep-7")  # the first 28 bits of PART: times any count of parts it is exact

FINE: Final = float(PART - Decimal(COARSE))


@compile_inline
def exponential(x: float) -> float:
    """Compute e^x for -inf <= x <= 0, in [0, 1], with a relative error of at most 1.1 · 2⁻⁵²; 0 below LOWEST.

    A table gives 2 to the nearest 64th and a short series gives the rest (Tang 1989, ACM Transactions on
    Mathematical Software 15(2)).
    """
    if x < LOWEST:
        return 0.0
    count = np.rint(x * PER_PART)
    rest = (x - count * COARSE) - count * FINE
    parts = int(count)
    nearest = FRACTIONS[parts & (PARTS - 1)] * DOUBLINGS[-(parts >> PART_BITS)]
    square = rest * rest
    series = rest + square * (0.5 + rest * (1.0 / 6.0) + square * (1.0 / 24.0 + rest * (1.0 / 120.0)))
    return float(nearest + nearest * series)


SQRT_HALF: Final = math.sqrt(0.5)

LN2: Final = Decimal(2).ln()

LN2_COARSE: Final = float.fromhex("0x1.62e42fep-1")  # the first 28 bits of ln 2: times any exponent it is exact

LN2_FINE: Final = float(LN2 - Decimal(LN2_COARSE))

ODD_PARTS: Final = np.array([1.0 / (2 * n + 1) for n in range(11)])  # of the series of the inverse tanh


@compile_inline
def logarithm(x: float) -> float:
    """Compute ln x for 0 < x < inf, with a relative error of at most 2⁻⁵².

    ln x = e ln 2 + ln m with m near 1, and ln m = 2 artanh((m - 1) / (m + 1)) as a series.
    """
    m, e = math.frexp(x)
    low = m < SQRT_HALF  # no branch, because a processor cannot foresee it
    m, e = m * (1.0 + low), e - low
    rest = m - 1.0
    s = rest / (m + 1.0)
    square = s * s
    series = 0.0
    for n in range(ODD_PARTS.size - 1, 0, -1):
        series = (series + ODD_PARTS[n]) * square
    # 2 s = rest - s rest, and the first term is exact
    return float(e * LN2_COARSE + (rest - (s * (rest - 2.0 * series) - e * LN2_FINE)))


@compile_product
def product_words(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the high and the low word of the product of two 64-bit words."""
    half = np.uint64(32)
    low_half = np.uint64(0xFFFFFFFF)
    a_high, a_low = a >> half, a & low_half
    b_high, b_low = b >> half, b & low_half
    middle = a_high * b_low + ((a_low * b_low) >> half)
    other = a_low * b_high + (middle & low_half)
    return a_high * b_high + (middle >> half) + (other >> half), a * b
