"""When numbers differ by more than the rounding of the arithmetic that made them: one rule for every such question."""

from __future__ import annotations

import numpy as np

from sim.kernel import Flags, Floats

RELATIVE = 1e-12  # a double carries 1e-16; a sum of a few thousand terms loses four digits at most
ABSOLUTE = 1e-14  # outcomes add and subtract shares, which are of size 1, so that a sum of 0 may come out as some 1e-15


def beyond_rounding(distance: Floats | np.float64, size: Floats | np.float64) -> Flags:
    """Whether distances between values, or their standard deviations, are more than rounding; shapes broadcast.

    size is the largest absolute value that the distance is taken between. NaN is never more than rounding.
    """
    return np.asarray(np.abs(distance) > RELATIVE * np.abs(size) + ABSOLUTE)


def varies(values: Floats) -> bool:
    """Whether values differ by more than rounding; false for fewer than two, NaN left out."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    return known.size > 1 and bool(beyond_rounding(np.ptp(known), np.abs(known).max()))
