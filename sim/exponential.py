"""The exponential of what is not above 0, for the chances of a choice.

A decision takes two or three of them, and calls of the platform's library were an eighth of a run. Being only sums,
products and tables, its bits depend on no library either.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np

from sim.compiled import bare

PART_BITS: Final = 6
PARTS: Final = 1 << PART_BITS  # of a doubling
LOWEST: Final = -708.0  # below it the result would lose digits, and is taken as 0
FRACTIONS = np.array([float(Decimal(2) ** (Decimal(part) / PARTS)) for part in range(PARTS)])
DOUBLINGS = np.array([2.0**-n for n in range(1023)])
PART: Final = Decimal(2).ln() / PARTS
PER_PART: Final = float(1 / PART)
COARSE: Final = float.fromhex("0x1.62e42fep-7")  # the first 28 bits of PART: times any count of parts it is exact
FINE: Final = float(PART - Decimal(COARSE))


@bare
def exponential(x: float) -> float:
    """e to the x, -inf <= x <= 0, to a relative error of 1.1 · 2⁻⁵²: in [0, 1], 1 at 0, and 0 below LOWEST.

    2 to the nearest 64th from a table times a short series for the rest (Tang 1989, ACM Transactions on
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
